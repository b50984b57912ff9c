"""Prices of parcels on real tariffs, looked up by hand in ../shared/data."""

import csv
import json
import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.costs.parcels import RateCards
from engine.domain.ids import ZoneId
from engine.domain.units import day_number
from engine.network.model import Applies, Surcharge
from tests.tariffs import box, cards, price, rate, refused, surcharge, target

DATA = Path(os.environ.get("SOURCEWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))
pytestmark = [pytest.mark.data, pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")]


def pounds(lb: float) -> int:
    """Whole grams in so many pounds: what weighs a gram more is above the band."""
    return int(lb * 453.59237)


def rows_of(path: str, service: str) -> list[dict[str, str]]:
    with (DATA / path).open() as lines:
        return [row for row in csv.DictReader(lines) if row["service"] == service]


def fedex(service: str, surcharges: Iterable[Surcharge] = (), **changes: Any) -> RateCards:
    rates = [
        rate(pounds(int(row["weight_lb"])), round(100 * float(row["usd"])), row["zone"])
        for row in rows_of("us/fedex_list_rates_2025_us.csv", service)
    ]
    limits = {"weight_max_g": pounds(150), "dim_cm3_per_kg": 5_021}  # 139 cubic inches per pound
    return cards(rates, surcharges, **(limits | changes))


def fedex_surcharges() -> list[Surcharge]:
    """Residential and, of size and weight, the dearest; zones 2 and 3 suffice here."""
    book = json.loads((DATA / "us/fedex_surcharges_2025.json").read_text())
    handling, oversize = book["additional_handling"], book["oversize"]
    home = round(100 * book["residential"]["GROUND_HOME_DELIVERY"])
    extras = [surcharge("residential", home, applies=Applies.RESIDENTIAL, fuel_applies=True)]
    for zone, key in (("2", "2"), ("3", "3-4")):
        for code, usd, applies, threshold, minimum in (
            ("handling", handling["dimension"][key], Applies.LONGEST_OVER, 1_219, pounds(40)),
            ("heavy", handling["weight"][key], Applies.WEIGHT_OVER, pounds(50), 0),
            ("oversize", oversize[key], Applies.LONGEST_OVER, 2_438, pounds(90)),
        ):
            extras.append(
                surcharge(
                    code,
                    round(100 * usd),
                    applies=applies,
                    threshold=threshold,
                    zone=ZoneId(zone),
                    fuel_applies=True,
                    exclusive_group="handling",
                    charged_weight_min_g=minimum,
                )
            )
    return extras


def test_fedex_ground_to_a_home_in_zone_2_is_its_list_price_plus_residential_plus_fuel() -> None:
    found = fedex("GROUND", fedex_surcharges(), fuel_permille=180)  # the percentage is made up; the rest is listed
    got = price(found, box(pounds(5), 5_000), "2")
    assert got.parts == (("base", 1_329), ("residential", 595), ("fuel", 346))  # 18 % of 19.24 is 3.4632
    assert dict(price(found, box(pounds(5) + 1, 5_000), "2").parts)["base"] == 1_339
    assert "residential" not in dict(price(found, box(), "2", where=target(residential=False)).parts)


def test_fedex_charges_a_cubic_foot_as_13_pounds() -> None:
    got = price(fedex("GROUND"), box(pounds(5), 28_317), "2")  # 1,728 cubic inches / 139 = 12.4
    assert pounds(12) < got.charged_weight_g <= pounds(13)


def test_fedex_charges_long_and_heavy_parcels_the_dearest_handling_and_a_minimum_weight() -> None:
    found = fedex("GROUND", fedex_surcharges())
    shop = target(residential=False)

    def parts(weight_lb: int, longest_mm: int, zone: str) -> dict[str, int]:
        return dict(price(found, box(pounds(weight_lb), 5_000, longest_mm), zone, where=shop).parts)

    assert parts(5, 1_219, "2") == {"base": 1_329}
    assert parts(5, 1_220, "2") == {"base": 2_544, "handling": 2_800}  # billed as 40 lb
    assert parts(51, 1_220, "2") == {"base": 2_768, "heavy": 4_350}
    assert parts(51, 2_500, "3") == {"base": 6_249, "oversize": 26_000}  # billed as 90 lb


@pytest.mark.parametrize("service", ["2DAY", "2DAY_AM", "EXPRESS_SAVER"])
def test_the_hole_of_fedex_in_zone_5_refuses_up_to_49_pounds_and_not_above(service: str) -> None:
    found = fedex(service)
    assert refused(found, box(pounds(5)), zone=4) == "no_price"
    assert refused(found, box(pounds(49)), zone=4) == "no_price"
    assert price(found, box(pounds(49) + 1), "5").unit_price_cents > 10_000
    assert price(found, box(pounds(49)), "4").unit_price_cents > 10_000


def test_fedex_2day_at_50_pounds_costs_its_list_price() -> None:
    assert price(fedex("2DAY"), box(pounds(50)), "5").unit_price_cents == 23_454
    assert price(fedex("2DAY"), box(pounds(49)), "4").unit_price_cents == 15_786


def test_usps_peak_prices_hold_on_both_border_days_and_not_beyond_them() -> None:
    first, last = date(2025, 10, 5), date(2026, 1, 18)
    before, after = date(2025, 10, 4), date(2026, 1, 19)
    rates = []
    for row in rows_of("us/usps_retail_rates_2025.csv", "GROUND_ADVANTAGE_RETAIL"):
        grams, zone = pounds(float(row["max_weight_lb"])), row["zone"]
        base, peak = (round(100 * float(row[name])) for name in ("usd_base", "usd_peak"))
        rates.append(rate(grams, base, zone, valid_to=before))
        rates.append(rate(grams, peak, zone, valid_from=first, valid_to=last))
        rates.append(rate(grams, base, zone, valid_from=after))
    found = cards(rates, weight_max_g=pounds(70))
    days = [price(found, box(pounds(2)), "5", day_number(d)).unit_price_cents for d in (before, first, last, after)]
    assert days == [1_230, 1_280, 1_280, 1_230]
    assert price(found, box(pounds(70)), "1", day_number(first)).unit_price_cents == 5_905
    assert price(found, box(pounds(0.25)), "1", day_number(after)).unit_price_cents == 680


def test_corsica_costs_the_remote_surcharge_on_top_of_the_french_tariff() -> None:
    with (DATA / "fr/fr_parcel_tariffs.csv").open() as lines:
        rows = [r for r in csv.DictReader(lines) if r["service"].startswith("home_metro") and r["year"] == "2023"]
    rates = [rate(round(1000 * float(row["max_kg"])), round(100 * float(row["eur"]))) for row in rows]
    euros = json.loads((DATA / "fr/fr_chronopost_surcharges.json").read_text())["eur"]
    corsica = surcharge("corsica", round(100 * euros["corsica_chrono13"]), applies=Applies.REMOTE)
    found = cards(rates, [corsica])
    assert price(found, box(1_001)).parts == (("base", 955),)
    assert price(found, box(1_000), where=target(remote=True)).parts == (("base", 825), ("corsica", 2_465))
    two = price(found, box(30_001), where=target(remote=True))
    assert two.parts == (("base", 2 * 3_340), ("corsica", 2 * 2_465))  # two parcels of 15,001 g

"""Prices of parcels on small tariffs, counted by hand."""

from datetime import date

import pytest

from engine.costs.parcels import Contents, contents_of, num_parcels
from engine.domain.errors import InputError
from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.domain.units import day_number
from engine.network.model import Applies, Surcharge
from tests import builders
from tests.tariffs import BANDS, JUNE, box, cards, price, rate, refused, surcharge, target

# Bands


def test_a_band_includes_its_limit_and_one_gram_more_is_the_next() -> None:
    found = cards()
    assert [price(found, box(g)).unit_price_cents for g in (0, 1, 500, 501, 1_000, 1_001)] == [
        *(490, 490, 490),
        *(590, 590),
        990,
    ]


def test_a_band_that_the_zone_lacks_is_a_hole_and_no_other_band_is_taken() -> None:
    found = cards([*BANDS, rate(500, 690, "2"), rate(30_000, 1_290, "2")])
    assert refused(found, box(501), zone=1) == "no_price"
    assert price(found, box(500), "2").unit_price_cents == 690
    assert price(found, box(1_001), "2").unit_price_cents == 1_290


def test_a_band_of_other_dates_makes_a_hole_too() -> None:
    winter = {"valid_from": date(2026, 12, 1), "valid_to": date(2026, 12, 31)}
    found = cards([rate(1_000, 590), rate(500, 450, **winter)])
    assert refused(found, box(400)) == "no_price"
    assert price(found, box(501)).unit_price_cents == 590
    assert price(found, box(400), day=day_number(date(2026, 12, 31))).unit_price_cents == 450


def test_dated_prices_hold_from_their_first_to_their_last_day() -> None:
    found = cards(
        [
            rate(500, 100, valid_to=date(2026, 5, 31)),
            rate(500, 200, valid_from=date(2026, 6, 1), valid_to=date(2026, 6, 2)),
            rate(500, 300, valid_from=date(2026, 6, 3)),
        ]
    )
    assert [price(found, box(), day=JUNE + d).unit_price_cents for d in (-1, 0, 1, 2)] == [100, 200, 200, 300]


def test_of_two_rates_valid_on_a_day_the_first_in_the_file_counts() -> None:
    assert price(cards([rate(500, 300), rate(500, 100)]), box()).unit_price_cents == 300


def test_the_order_of_bands_in_the_file_does_not_matter() -> None:
    assert price(cards(reversed(BANDS)), box(501)).unit_price_cents == 590


def test_beyond_the_last_band_each_started_kilogram_costs() -> None:
    found = cards([rate(1_000, 590, per_kg_beyond_cents=120)])
    weights = (1_000, 1_001, 2_000, 2_001)
    assert [price(found, box(g)).unit_price_cents for g in weights] == [590, 710, 710, 830]


def test_beyond_the_last_band_without_a_price_per_kg_there_is_no_price() -> None:
    assert refused(cards([rate(1_000, 590)]), box(1_001)) == "no_price"


def test_the_price_per_kg_is_that_of_the_services_last_band_in_the_zone() -> None:
    rates = [rate(1_000, 590, per_kg_beyond_cents=120), rate(2_000, 900, "2", per_kg_beyond_cents=100)]
    found = cards(rates)
    assert refused(found, box(1_001)) == "no_price"  # the band to 2 kg of zone 2 is a hole in zone 1
    assert refused(found, box(2_001)) == "no_price"
    assert price(found, box(2_001), "2").unit_price_cents == 1_000


def test_a_service_without_rates_has_no_price() -> None:
    assert refused(cards([]), box()) == "no_price"


# Weight


def test_the_larger_of_true_and_dimensional_weight_is_charged() -> None:
    found = cards(dim_cm3_per_kg=5_000)
    assert price(found, box(500, 2_500)).charged_weight_g == 500
    assert price(found, box(500, 2_501)).charged_weight_g == 501  # 500.2 g, rounded up
    assert price(found, box(900, 2_501)).charged_weight_g == 900
    assert price(found, box(100, 5_001)).unit_price_cents == 990


def test_volume_counts_only_above_the_threshold_of_the_service() -> None:
    found = cards(dim_cm3_per_kg=5_000, dim_min_cm3=10_000)
    assert price(found, box(400, 10_000)).charged_weight_g == 400
    assert price(found, box(400, 10_001)).charged_weight_g == 2_001


def test_volume_does_not_matter_without_a_divisor() -> None:
    assert price(cards(), box(400, 900_000)).charged_weight_g == 400


def test_a_due_surcharge_raises_the_charged_weight() -> None:
    extra = surcharge("long", 700, applies=Applies.LONGEST_OVER, threshold=1_000, charged_weight_min_g=5_000)
    found = cards(surcharges=[extra])
    assert price(found, box(400, longest_mm=1_000)).parts == (("base", 490),)
    got = price(found, box(400, longest_mm=1_001))
    assert (got.parts, got.weight_g, got.charged_weight_g) == ((("base", 990), ("long", 700)), 400, 5_000)
    assert price(found, box(6_000, longest_mm=1_001)).charged_weight_g == 6_000


def test_the_minimum_weight_of_a_surcharge_counts_even_if_a_dearer_one_of_its_group_is_charged() -> None:
    over = {"applies": Applies.LONGEST_OVER, "threshold": 1_000, "exclusive_group": "size"}
    extras = [surcharge("long", 700, charged_weight_min_g=900, **over), surcharge("longer", 900, **over)]
    got = price(cards(surcharges=extras), box(400, longest_mm=1_001))
    assert (got.parts, got.charged_weight_g) == ((("base", 590), ("longer", 900)), 900)


# Several parcels


def test_what_is_too_heavy_for_one_parcel_goes_in_equal_ones() -> None:
    got = price(cards(weight_max_g=1_000), box(2_001))
    assert (got.num_parcels, got.weight_g, got.unit_price_cents) == (3, 667, 590)
    assert got.parts == (("base", 3 * 590),)
    assert price(cards(weight_max_g=1_000), box(2_000)).num_parcels == 2


def test_what_is_too_bulky_for_one_parcel_goes_in_equal_ones() -> None:
    found = cards(volume_max_cm3=1_000, dim_cm3_per_kg=1_000)
    got = price(found, box(300, 2_500))
    assert (got.num_parcels, got.weight_g, got.charged_weight_g) == (3, 100, 834)  # 2,500 / 3 = 833.3 cm3
    assert num_parcels(builders.service(volume_max_cm3=1_000), box(300, 3_000)) == 3


def test_the_parts_of_several_parcels_add_up_to_all_of_them() -> None:
    extras = [surcharge("doorstep", 33, applies=Applies.RESIDENTIAL, fuel_applies=True)]
    got = price(cards(surcharges=extras, weight_max_g=1_000, fuel_permille=155), box(1_500))
    # 590 + 33 = 623, fuel 96.565 -> 97 on each of the two
    assert got.parts == (("base", 1_180), ("doorstep", 66), ("fuel", 194))
    assert got.unit_price_cents == 720


# Surcharges


@pytest.mark.parametrize(
    ("applies", "threshold", "at", "above"),
    [
        (Applies.WEIGHT_OVER, 600, box(600), box(601)),
        (Applies.LONGEST_OVER, 300, box(longest_mm=300), box(longest_mm=301)),
        (Applies.SECOND_OVER, 100, box(second_mm=100), box(second_mm=101)),
        (Applies.LENGTH_GIRTH_OVER, 600, box(girth_mm=600), box(girth_mm=601)),
        (Applies.HAZARDOUS, 0, box(), box(hazardous=True)),
        (Applies.OVERSIZE, 0, box(), box(oversize=True)),
    ],
)
def test_a_surcharge_is_due_above_its_threshold_only(
    applies: Applies, threshold: int, at: Contents, above: Contents
) -> None:
    found = cards(surcharges=[surcharge("x", 100, applies=applies, threshold=threshold)])
    assert "x" not in dict(price(found, at).parts)
    assert dict(price(found, above).parts)["x"] == 100


def test_the_weight_condition_reads_the_true_weight_of_one_parcel() -> None:
    extras = [surcharge("heavy", 100, applies=Applies.WEIGHT_OVER, threshold=800)]
    found = cards(surcharges=extras, weight_max_g=1_000, dim_cm3_per_kg=1_000)
    assert "heavy" not in dict(price(found, box(1_600, 9_000)).parts)  # two of 800 g
    assert "heavy" in dict(price(found, box(1_601, 9_000)).parts)


def test_residential_remote_and_signature_depend_on_destination_and_order() -> None:
    flags = (Applies.ALWAYS, Applies.RESIDENTIAL, Applies.REMOTE, Applies.SIGNATURE)
    found = cards(surcharges=[surcharge(a.value, 10, applies=a, threshold=5) for a in flags])
    shop = target(residential=False)
    island = target(residential=False, remote=True)
    assert dict(price(found, box(), where=shop).parts) == {"base": 490, "always": 10}
    assert dict(price(found, box()).parts) == {"base": 490, "always": 10, "residential": 10}
    assert dict(price(found, box(), where=island).parts) == {"base": 490, "always": 10, "remote": 10}
    assert dict(price(found, box(), where=shop, signature=True).parts) == {"base": 490, "always": 10, "signature": 10}


def test_a_surcharge_may_hold_for_one_zone_some_dates_and_one_service_only() -> None:
    found = cards(
        [*BANDS, rate(500, 690, "2")],
        [
            surcharge("zoned", 1, zone=ZoneId("2")),
            surcharge("dated", 2, valid_from=date(2026, 6, 1), valid_to=date(2026, 6, 2)),
            surcharge("own", 4, service_id=ServiceId("s")),
            surcharge("others", 8, service_id=ServiceId("t")),
            Surcharge(carrier_id=CarrierId("fast"), code="foreign", amount_cents=16),
        ],
    )
    assert dict(price(found, box()).parts) == {"base": 490, "dated": 2, "own": 4}
    assert dict(price(found, box(), "2").parts) == {"base": 690, "zoned": 1, "dated": 2, "own": 4}
    assert [("dated" in dict(price(found, box(), day=JUNE + d).parts)) for d in (-1, 0, 1, 2)] == [
        *(False, True),
        *(True, False),
    ]


def test_of_an_exclusive_group_the_dearest_is_charged_and_of_equal_ones_the_first() -> None:
    found = cards(
        surcharges=[
            surcharge("a", 100, exclusive_group="g"),
            surcharge("b", 0, permille_of_base=300, exclusive_group="g"),  # 147 of 490
            surcharge("c", 147, exclusive_group="g", fuel_applies=True),
            surcharge("d", 7, exclusive_group="h"),
            surcharge("e", 9),
            surcharge("f", 9),
        ],
        fuel_permille=100,
    )
    assert price(found, box()).parts == (("base", 490), ("b", 147), ("d", 7), ("e", 9), ("f", 9), ("fuel", 49))


def test_a_share_of_the_base_is_rounded_half_up() -> None:
    found = cards([rate(500, 490), rate(1_000, 510)], [surcharge("x", 3, permille_of_base=50)])
    assert dict(price(found, box(500)).parts)["x"] == 3 + 25  # 24.5
    assert dict(price(found, box(501)).parts)["x"] == 3 + 26  # 25.5


def test_fuel_is_due_on_the_base_and_on_what_it_applies_to_rounded_half_up_once() -> None:
    extras = [
        surcharge("with", 105, fuel_applies=True),
        surcharge("without", 1_000),
    ]
    found = cards(surcharges=extras, fuel_permille=100)
    assert dict(price(found, box()).parts)["fuel"] == 60  # 59.5 of 490 + 105
    assert "fuel" not in dict(price(cards(), box()).parts)


# Limits


def test_limits_of_the_service_hold_for_one_unit_and_include_their_value() -> None:
    found = cards(
        weight_max_g=1_000,
        longest_max_mm=1_000,
        length_girth_max_mm=2_000,
        volume_max_cm3=5_000,
        hazardous=False,
        oversize=False,
        parcels_max=2,
    )
    fits = box(2_000, 10_000, 1_000, girth_mm=2_000, unit_weight_g=1_000, unit_volume_cm3=5_000)
    assert price(found, fits).num_parcels == 2
    assert refused(found, box(2_001)) == "too_many_parcels"
    assert refused(found, box(500, 10_001)) == "too_many_parcels"
    assert refused(found, box(1_001, unit_weight_g=1_001)) == "too_heavy"
    assert refused(found, box(longest_mm=1_001)) == "too_large"
    assert refused(found, box(girth_mm=2_001)) == "too_large"
    assert refused(found, box(500, 5_001, unit_volume_cm3=5_001)) == "too_large"
    assert refused(found, box(hazardous=True)) == "hazardous"
    assert refused(found, box(oversize=True)) == "oversize"
    assert refused(found, box(), zone=-1) == "no_zone"


def test_a_limit_of_zero_is_none() -> None:
    huge = box(500, 10**9, 10**6, unit_weight_g=500, unit_volume_cm3=10**9)
    assert price(cards(), huge).unit_price_cents == 490


def test_contents_sum_weight_and_volume_and_take_each_side_and_girth_at_its_largest() -> None:
    skus = builders.sku_table(
        "stick",
        "cube",
        weight_g=[300, 2_000],
        volume_cm3=[90, 8_000],
        longest_mm=[900, 200],
        second_mm=[10, 200],
        third_mm=[10, 200],
        hazardous=[True, False],
    )
    got = contents_of(skus, ((0, 3), (1, 2)))
    assert got == Contents(4_900, 16_270, 900, 200, 200, 1_000, True, False, 2_000, 8_000)


def test_bad_tariffs_are_input_errors_that_name_the_value() -> None:
    with pytest.raises(InputError, match=r"unknown service \(t\)"):
        cards([builders.rate("t", "1", 100)])
    with pytest.raises(InputError, match=r"Zone \(moon\) of service \(s\)"):
        cards([rate(500, 100, "moon")])
    with pytest.raises(InputError, match=r"Zone \(moon\) of surcharge \(x\)"):
        cards(surcharges=[surcharge("x", zone=ZoneId("moon"))])
    with pytest.raises(InputError, match=r"Weight_max_g \(0\) of service \(s\)"):
        cards(weight_max_g=0)

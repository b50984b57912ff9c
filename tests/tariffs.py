"""Tariffs for tests: one service "s" of carrier "post", zones 1 to 9, and questions to its rate card."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from engine.costs.parcels import Contents, ParcelPrice, RateCards
from engine.domain.ids import CarrierId, ZoneId
from engine.domain.plan import Refusal
from engine.domain.units import day_number
from engine.network.model import Rate, Surcharge
from engine.network.routes import Target
from tests import builders

JUNE = day_number(date(2026, 6, 1))
ZONES = tuple(ZoneId(str(z)) for z in range(1, 10))


def target(*, residential: bool = True, remote: bool = False) -> Target:
    return Target("FR", "75011", "IDF", "Europe/Paris", 48.9, 2.3, residential, remote, 0)


def box(weight_g: int = 500, volume_cm3: int = 2_000, longest_mm: int = 200, **changes: Any) -> Contents:
    values: dict[str, Any] = {
        "second_mm": 100,
        "third_mm": 100,
        "girth_mm": longest_mm + 400,
        "hazardous": False,
        "oversize": False,
    }
    return Contents(weight_g, volume_cm3, longest_mm, **(values | changes))


def rate(weight_max_g: int, price_cents: int, zone: str = "1", **changes: Any) -> Rate:
    return builders.rate("s", zone, price_cents, weight_max_g=weight_max_g, **changes)


def surcharge(code: str, amount_cents: int = 0, **changes: Any) -> Surcharge:
    return Surcharge(carrier_id=CarrierId("post"), code=code, amount_cents=amount_cents, **changes)


BANDS = (rate(500, 490), rate(1_000, 590), rate(30_000, 990))


def cards(rates: Iterable[Rate] = BANDS, surcharges: Iterable[Surcharge] = (), **service: Any) -> RateCards:
    network = builders.network(
        services=(builders.service("s", **service),),
        rates=tuple(rates),
        surcharges=tuple(surcharges),
        zone_ids=ZONES,
        zone_distances=(),
        zone_regions=(),
        transits=(),
        collections=(),
    )
    return RateCards(network)


def price(
    found: RateCards,
    contents: Contents,
    zone: str = "1",
    day: int = JUNE,
    where: Target | None = None,
    *,
    signature: bool = False,
) -> ParcelPrice:
    got = found.price(0, ZONES.index(ZoneId(zone)), day, contents, where or target(), signature)
    assert isinstance(got, ParcelPrice), got
    assert sum(cents for _, cents in got.parts) == got.num_parcels * got.unit_price_cents
    return got


def refused(found: RateCards, contents: Contents, zone: int = 0, day: int = JUNE) -> str:
    got = found.price(0, zone, day, contents, target(), False)
    assert isinstance(got, Refusal), got
    assert got.text.endswith(".")
    return got.code

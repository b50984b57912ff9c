"""
The tariff of one service, sorted for look-ups: bands, dated prices by zone, surcharges by zone.

A band is a weight limit that any rate of the service names, whatever its zone and dates. A zone without a price in
the band that a parcel falls into has a hole there: the next band is not taken instead.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.domain.errors import InputError
from engine.domain.ids import ZoneId
from engine.domain.units import day_number, rounded
from engine.network.model import Applies, Rate, Service, Surcharge

# The order in which RateCards.price lists what it knows of a parcel; flags are 0 or 1 and need no threshold.
_FACTS = tuple(Applies)
_FLAGS = frozenset(
    (Applies.ALWAYS, Applies.RESIDENTIAL, Applies.REMOTE, Applies.SIGNATURE, Applies.HAZARDOUS, Applies.OVERSIZE)
)


class DatedPrice(NamedTuple):
    """A Rate: day numbers, both included."""

    first_day: int
    last_day: int
    price_cents: int
    per_kg_beyond_cents: int


class Extra(NamedTuple):
    """A Surcharge that may be due: its condition is ``facts[fact] > threshold``."""

    first_day: int
    last_day: int
    fact: int
    threshold: int
    charged_weight_min_g: int
    amount_cents: int
    permille_of_base: int
    fuel_applies: bool
    exclusive_group: str
    code: str


@dataclass(frozen=True, slots=True)
class Card:
    """The tariff of one service."""

    service: Service
    bands_g: tuple[int, ...]  # of all zones and dates together, ascending
    prices: dict[int, tuple[tuple[DatedPrice, ...], ...]]  # zone -> by band -> in the order of the file
    extras: dict[int, tuple[Extra, ...]]  # zone -> in the order of the file


def card_of(
    service: Service, rates: Sequence[Rate], surcharges: Sequence[Surcharge], number: Callable[[ZoneId, str], int]
) -> Card:
    """
    Sort the tariff of one service.

    Parameters
    ----------
    service
        The service.
    rates
        Its rates, in the order of the file.
    surcharges
        All surcharges of the network, in the order of the file; those of other services are skipped.
    number
        Gives the index of a zone (see `zone_numbers`).

    Raises
    ------
    InputError
        Where the service takes no weight at all, or a zone is unknown.
    """
    who = f"service ({service.service_id})"
    if service.weight_max_g <= 0:
        raise InputError(
            f"Weight_max_g ({service.weight_max_g}) of {who} must be positive.", "it is the limit of one parcel, in g."
        )
    bands_g = tuple(sorted({rate.weight_max_g for rate in rates}))
    band_of = {limit: i for i, limit in enumerate(bands_g)}
    prices: dict[int, list[list[DatedPrice]]] = {}
    for rate in rates:
        zone = number(rate.zone, who)
        if zone not in prices:
            prices[zone] = [[] for _ in bands_g]
        prices[zone][band_of[rate.weight_max_g]].append(
            DatedPrice(
                day_number(rate.valid_from), day_number(rate.valid_to), rate.price_cents, rate.per_kg_beyond_cents
            )
        )
    extras = [
        (number(row.zone, f"surcharge ({row.code})") if row.zone is not None else None, _extra(row))
        for row in surcharges
        if row.carrier_id == service.carrier_id and row.service_id in (None, service.service_id)
    ]
    return Card(
        service=service,
        bands_g=bands_g,
        prices={zone: tuple(tuple(rows) for rows in by_band) for zone, by_band in prices.items()},
        extras={zone: tuple(extra for only, extra in extras if only in (None, zone)) for zone in prices},
    )


def _extra(row: Surcharge) -> Extra:
    return Extra(
        first_day=day_number(row.valid_from),
        last_day=day_number(row.valid_to),
        fact=_FACTS.index(row.applies),
        threshold=0 if row.applies in _FLAGS else row.threshold,
        charged_weight_min_g=row.charged_weight_min_g,
        amount_cents=row.amount_cents,
        permille_of_base=row.permille_of_base,
        fuel_applies=row.fuel_applies,
        exclusive_group=row.exclusive_group,
        code=row.code,
    )


def base_cents(card: Card, zone: int, ship_day: int, charged_g: int) -> int | None:
    """
    Look the base price of one parcel up.

    Returns
    -------
    int or None
        None where the zone has no price in the band of `charged_g` on that day, or where it is beyond the last band
        and that has no price per kg.
    """
    by_band = card.prices.get(zone)
    if by_band is None:
        return None
    band = bisect_left(card.bands_g, charged_g)
    kg_beyond = 0
    if band == len(by_band):
        band -= 1
        kg_beyond = -(-(charged_g - card.bands_g[band]) // 1000)
    for first_day, last_day, price_cents, per_kg_beyond_cents in by_band[band]:
        if first_day <= ship_day <= last_day:
            if kg_beyond == 0:
                return price_cents
            return price_cents + per_kg_beyond_cents * kg_beyond if per_kg_beyond_cents > 0 else None
    return None


def charged_extras(due: list[Extra], base: int) -> list[tuple[Extra, int]]:
    """The surcharges that are charged, with their cents: all due ones, but the dearest only of an exclusive group."""
    charged: list[tuple[Extra, int]] = []
    at_of_group: dict[str, int] = {}
    for extra in due:
        cents = extra.amount_cents + rounded(base * extra.permille_of_base, 1000)
        at = at_of_group.get(extra.exclusive_group) if extra.exclusive_group else None
        if at is None:
            at_of_group[extra.exclusive_group] = len(charged)
            charged.append((extra, cents))
        elif cents > charged[at][1]:  # strictly: of equal ones the first in the file stays
            charged[at] = (extra, cents)
    return charged

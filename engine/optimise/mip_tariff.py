"""
The tariff of a service as boxes of weight and volume with one price each.

With p parcels, weight W and volume V of the shipment, each parcel is charged by w = ceil(W / p) and v = ceil(V / p).
Within a band (limit B) and between two thresholds of surcharges by weight (T), the price does not change:

    w <= min(B, T)  and  v <= max(dim_min_cm3, floor(B dim_cm3_per_kg / 1000)),  no smaller box holds the shipment

Prices are asked from `RateCards` at the upper corner of each box. Where a smaller box is dearer, or has no price, the
box is bounded from below too, and so are boxes of several parcels, which start where fewer do not suffice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.costs.parcels import Contents, RateCards
from engine.domain.plan import Refusal
from engine.network.model import Applies, Network, Service, Sku
from engine.network.routes import Target
from engine.optimise.mip_instance import NO_LIMIT
from engine.optimise.mip_knapsack import undominated

Floats = NDArray[np.float64]
_SIDES = (Applies.LONGEST_OVER, Applies.SECOND_OVER, Applies.LENGTH_GIRTH_OVER)


class Sides(NamedTuple):
    """The largest sides and the flags of what a shipment holds, in the order of `Contents`."""

    longest_mm: int = 0
    second_mm: int = 0
    third_mm: int = 0
    girth_mm: int = 0
    hazardous: bool = False
    oversize: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A range of shipments (limits included, of the whole shipment) and what all their parcels cost."""

    parcels: int
    weight_low_g: int
    weight_high_g: int
    volume_low_cm3: int
    volume_high_cm3: int
    cents: int


@dataclass(frozen=True, slots=True)
class _Corner:
    """A box of one parcel before its price is known: above `over` and `band_*` it is not in a smaller one."""

    weight_g: int
    volume_cm3: int
    over_g: int  # threshold below
    band_g: int  # limit of the band below
    band_cm3: int


def sides_due(due: frozenset[tuple[str, int]]) -> Sides:
    """Sides that make exactly these surcharges due (see `triggers`), so that equal ones share their prices."""
    over = {applies: max((t + 1 for a, t in due if a == applies), default=0) for applies in _SIDES}
    return Sides(
        over[Applies.LONGEST_OVER],
        over[Applies.SECOND_OVER],
        0,
        over[Applies.LENGTH_GIRTH_OVER],
        (Applies.HAZARDOUS, 0) in due,
        (Applies.OVERSIZE, 0) in due,
    )


def triggers(network: Network, service: int, sku: Sku) -> frozenset[tuple[str, int]]:
    """What of a sku may make a surcharge of the service due: its flags, and the thresholds that its sides exceed."""
    row = network.services[service]
    sides = dict(zip(_SIDES, (sku.longest_mm, sku.second_mm, _girth_mm(sku)), strict=True))
    out: set[tuple[str, int]] = set()
    for extra in network.surcharges:
        if extra.carrier_id != row.carrier_id or extra.service_id not in (None, row.service_id):
            continue
        if extra.applies in sides and sides[extra.applies] > extra.threshold:
            out.add((extra.applies, extra.threshold))
        flagged = (extra.applies == Applies.HAZARDOUS and sku.hazardous) or (
            extra.applies == Applies.OVERSIZE and sku.oversize
        )
        if flagged:
            out.add((extra.applies, 0))
    return frozenset(out)


def fits(service: Service, sku: Sku) -> bool:
    """Whether the service takes a unit of a sku at all."""
    return (
        (service.hazardous or not sku.hazardous)
        and (service.oversize or not sku.oversize)
        and sku.weight_g <= service.weight_max_g
        and not 0 < service.longest_max_mm < sku.longest_mm
        and not 0 < service.length_girth_max_mm < _girth_mm(sku)
        and not 0 < service.volume_max_cm3 < sku.volume_cm3
    )


def _girth_mm(sku: Sku) -> int:
    return sku.longest_mm + 2 * (sku.second_mm + sku.third_mm)


class Tariffs:
    """Boxes of the services of one network. Keeps every price it asked for; may serve many orders."""

    def __init__(self, network: Network, cards: RateCards) -> None:
        self.network = network
        self.cards = cards
        self._bands: dict[int, tuple[int, ...]] = {}
        self._thresholds: dict[int, tuple[int, ...]] = {}
        self._units: dict[tuple[object, ...], dict[_Corner, int | None]] = {}
        self._cheapest: dict[tuple[object, ...], Floats] = {}

    def boxes(
        self,
        service: int,
        zone: int,
        ship_day: int,
        target: Target,
        signature: bool,
        sides: Sides,
        weight_g: int,
        volume_cm3: int,
    ) -> tuple[Box, ...]:
        """
        All boxes that shipments with some skus fall into.

        Parameters
        ----------
        service, zone, ship_day, target, signature
            As for `RateCards.price`.
        sides
            Every shipment is taken to have these.
        weight_g, volume_cm3
            Totals that no shipment exceeds.
        """
        priced = self._priced(service, zone, ship_day, target, signature, sides, weight_g, volume_cm3)
        dearer_inside, covered_by = _nested(priced)
        out: list[Box] = []
        for p, below_g, below_cm3 in self._parcels(service, weight_g, volume_cm3):
            # the first corner that holds everything is the last one needed
            holds = (
                at for at, (c, _) in enumerate(priced) if p * c.weight_g >= weight_g and p * c.volume_cm3 >= volume_cm3
            )
            last = next(holds, len(priced) - 1)
            for at, (corner, unit) in enumerate(priced[: last + 1]):
                reached = p * corner.weight_g > below_g or p * corner.volume_cm3 > below_cm3
                if unit is not None and reached and covered_by[at] > last:
                    out += _boxes_of(p, corner, p * unit, below_g, below_cm3, bounded=dearer_inside[at])
        return tuple(out)

    def cheapest(
        self,
        service: int,
        zone: int,
        ship_days: tuple[int, ...],
        target: Target,
        signature: bool,
        sides: Sides,
        weight_g: int,
        volume_cm3: int,
    ) -> Floats:
        """
        (B, 5) least and most weight, least and most volume, cents of the boxes that no other stands in for, by cents.

        On the cheapest of some ship days, and without what starts a box anew, so that a shipment may cost more than its
        cheapest box here. The parameters are those of `boxes`; what is kept serves all orders that weigh half to all of
        the same power of two.
        """
        most_g, most_cm3 = 1 << weight_g.bit_length(), 1 << volume_cm3.bit_length()
        key = (service, zone, ship_days, target.residential, target.remote, signature, sides, most_g, most_cm3)
        table = self._cheapest.get(key)
        if table is None:
            parts: list[Floats] = []
            for day in ship_days:
                priced = self._priced(service, zone, day, target, signature, sides, most_g, most_cm3)
                parts += _tables(priced, self._parcels(service, most_g, most_cm3))
            table = self._cheapest[key] = undominated(np.concatenate(parts))
        return table

    def _parcels(self, service: int, weight_g: int, volume_cm3: int) -> Iterator[tuple[int, int, int]]:
        """Numbers of parcels with the weight and the volume up to which fewer hold the shipment."""
        row = self.network.services[service]
        for p in range(1, row.parcels_max + 1):
            below_g = (p - 1) * row.weight_max_g if p > 1 else -1
            below_cm3 = -1 if p == 1 else (p - 1) * row.volume_max_cm3 if row.volume_max_cm3 > 0 else NO_LIMIT
            if below_g >= weight_g and below_cm3 >= volume_cm3:
                break
            yield p, below_g, below_cm3

    def _priced(
        self,
        service: int,
        zone: int,
        ship_day: int,
        target: Target,
        signature: bool,
        sides: Sides,
        weight_g: int,
        volume_cm3: int,
    ) -> list[tuple[_Corner, int | None]]:
        """The corners that one parcel of such a shipment may be in, with their prices."""
        known = self._units.setdefault(
            (service, zone, ship_day, target.residential, target.remote, signature, sides), {}
        )
        priced: list[tuple[_Corner, int | None]] = []
        for corner in self._corners(service, weight_g, volume_cm3):
            if corner.weight_g < corner.band_g and corner.band_cm3 >= volume_cm3:
                continue  # so light a parcel is charged like this for its volume only
            if corner not in known:
                known[corner] = self._unit_cents(service, zone, ship_day, target, signature, sides, corner)
            priced.append((corner, known[corner]))
        return priced

    def _unit_cents(
        self, service: int, zone: int, ship_day: int, target: Target, signature: bool, sides: Sides, corner: _Corner
    ) -> int | None:
        """Price of one parcel at a corner; parcels of a shipment are all alike, so that p of them cost p times that."""
        contents = Contents(corner.weight_g, corner.volume_cm3 if corner.volume_cm3 < NO_LIMIT else 0, *sides)
        price = self.cards.price(service, zone, ship_day, contents, target, signature)
        if isinstance(price, Refusal):
            return None
        assert price.num_parcels == 1, "a corner is the most that one parcel holds"
        return price.unit_price_cents

    def _corners(self, service: int, weight_g: int, volume_cm3: int) -> list[_Corner]:
        """Corners for one parcel, smaller ones first."""
        row = self.network.services[service]
        thresholds = self._cut(service)
        out: list[_Corner] = []
        band_g, band_cm3 = 0, -1
        for limit_g in self._limits(service, weight_g, volume_cm3):
            room = NO_LIMIT
            if row.dim_cm3_per_kg > 0:
                room = max(row.dim_min_cm3, limit_g * row.dim_cm3_per_kg // 1000)
            if row.volume_max_cm3 > 0:
                room = min(room, row.volume_max_cm3)
            weight_limit = min(limit_g, row.weight_max_g)
            over = 0
            for threshold in thresholds:
                if threshold >= weight_limit:
                    break
                if room < NO_LIMIT and row.dim_cm3_per_kg > 0:  # volume alone may bring a light parcel here
                    out.append(_Corner(threshold, room, over, band_g, band_cm3))
                over = threshold
            out.append(_Corner(weight_limit, room, over, band_g, band_cm3))
            band_g, band_cm3 = weight_limit, room
        return out

    def _limits(self, service: int, weight_g: int, volume_cm3: int) -> list[int]:
        """Limits of charged weight: the bands, each threshold, and each kg beyond the last band as far as needed."""
        row = self.network.services[service]
        bands = self._bands.get(service)
        if bands is None:
            mine = {rate.weight_max_g for rate in self.network.rates if rate.service_id == row.service_id}
            bands = self._bands[service] = tuple(sorted(mine))
        most = min(row.weight_max_g, max(1, weight_g))
        if row.dim_cm3_per_kg > 0:
            one = min(volume_cm3, row.volume_max_cm3) if row.volume_max_cm3 > 0 else volume_cm3
            most = max(most, -(-1000 * one // row.dim_cm3_per_kg))
        cuts = {*bands, *(t for t in self._cut(service) if bands and t < bands[-1])}
        limits = [limit for limit in sorted(cuts) if limit > 0]
        if limits and most > limits[-1]:
            kilos = -(-(most - limits[-1]) // 1000)
            limits += [limits[-1] + 1000 * k for k in range(1, kilos + 1)]
            limits[-1:] = sorted({*limits[-1:], *(t for t in self._cut(service) if t > limits[-1])})
        return limits

    def _cut(self, service: int) -> tuple[int, ...]:
        """Thresholds of surcharges by true weight, ascending."""
        found = self._thresholds.get(service)
        if found is None:
            row = self.network.services[service]
            found = self._thresholds[service] = tuple(
                sorted(
                    {
                        extra.threshold
                        for extra in self.network.surcharges
                        if extra.applies == Applies.WEIGHT_OVER
                        and extra.carrier_id == row.carrier_id
                        and extra.service_id in (None, row.service_id)
                        and extra.threshold > 0
                    }
                )
            )
        return found


def _nested(priced: list[tuple[_Corner, int | None]]) -> tuple[list[bool], list[int]]:
    """For every box: whether one inside it is dearer or has no price; the first one around it that costs no more."""
    num = len(priced)
    dear = np.array([np.inf if cents is None else float(cents) for _, cents in priced])
    limit_g = np.array([float(corner.weight_g) for corner, _ in priced])
    limit_cm3 = np.array([float(corner.volume_cm3) for corner, _ in priced])
    inside = (limit_g[:, None] >= limit_g) & (limit_cm3[:, None] >= limit_cm3)  # [a, b]: b lies in a
    dearer_inside = np.any(inside & (dear > dear[:, None]), axis=1)
    plain = ~dearer_inside & np.isfinite(dear)
    later = np.arange(num)[:, None] < np.arange(num)
    around = inside.T & (dear <= dear[:, None]) & plain & plain[:, None] & (later | ~inside)  # [a, b]: b is around a
    np.fill_diagonal(around, val=False)
    first = [int(row.argmax()) if row.any() else num for row in around]
    return [bool(dearer) for dearer in dearer_inside], first


def _tables(priced: list[tuple[_Corner, int | None]], parcels: Iterator[tuple[int, int, int]]) -> Iterator[Floats]:
    """(B, 5) what `_boxes_of` gives for all corners at once: limits of weight and volume, cents."""
    rows = [(c.weight_g, c.volume_cm3, c.over_g, c.band_g, c.band_cm3, -1 if p is None else p) for c, p in priced]
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    bounded = np.array(_dearer_inside(priced), dtype=np.bool_)[table[:, 5] >= 0]
    most_g, most_cm3, over_g, band_g, band_cm3, unit = table[table[:, 5] >= 0].T
    again = bounded & (band_cm3 < most_cm3) & (most_cm3 < NO_LIMIT)
    for p, below_g, below_cm3 in parcels:
        starts = [(0, 0)] if p == 1 else [(below_g + 1, 0)]
        if p > 1 and below_cm3 < NO_LIMIT:
            starts.append((0, below_cm3 + 1))
        high_g, high_cm3 = p * most_g, np.where(most_cm3 < NO_LIMIT, p * most_cm3, NO_LIMIT)
        for start_g, start_cm3 in starts:
            for low_g, low_cm3, ok in (
                (np.where(bounded, p * np.maximum(over_g, band_g) + 1, 0.0), np.zeros(len(unit)), unit >= 0),
                (p * over_g + 1, p * band_cm3 + 1, again),
            ):
                least_g, least_cm3 = np.maximum(start_g, low_g), np.maximum(start_cm3, low_cm3)
                at = ok & (least_g <= high_g) & (least_cm3 <= high_cm3)
                yield np.stack([least_g, high_g, least_cm3, high_cm3, p * unit], axis=1)[at]


def _dearer_inside(priced: list[tuple[_Corner, int | None]]) -> list[bool]:
    """For every box: whether one inside it is dearer or has no price."""
    dear = np.array([np.inf if cents is None else float(cents) for _, cents in priced])
    limit_g = np.array([float(corner.weight_g) for corner, _ in priced])
    limit_cm3 = np.array([float(corner.volume_cm3) for corner, _ in priced])
    inside = (limit_g[:, None] >= limit_g) & (limit_cm3[:, None] >= limit_cm3)  # [a, b]: b lies in a
    out: list[bool] = np.any(inside & (dear > dear[:, None]), axis=1).tolist()
    return out


def _boxes_of(p: int, corner: _Corner, cents: int, below_g: int, below_cm3: int, *, bounded: bool) -> Iterator[Box]:
    """A corner's box of p parcels; in two where it starts at a weight or a volume."""
    # p parcels are made where fewer do not hold the weight, or do not hold the volume
    starts = [(0, 0)] if p == 1 else [(below_g + 1, 0)]
    if p > 1 and below_cm3 < NO_LIMIT:
        starts.append((0, below_cm3 + 1))
    lows = [(0, 0)]
    if bounded:
        lows = [(p * max(corner.over_g, corner.band_g) + 1, 0)]
        if corner.band_cm3 < corner.volume_cm3 < NO_LIMIT:
            lows.append((p * corner.over_g + 1, p * corner.band_cm3 + 1))
    high_cm3 = p * corner.volume_cm3 if corner.volume_cm3 < NO_LIMIT else NO_LIMIT
    for start_g, start_cm3 in starts:
        for low_g, low_cm3 in lows:
            box = Box(p, max(start_g, low_g), p * corner.weight_g, max(start_cm3, low_cm3), high_cm3, cents)
            if box.weight_low_g <= box.weight_high_g and box.volume_low_cm3 <= box.volume_high_cm3:
                yield box

"""
A lower bound on what an order costs, and what cannot be in any cheaper plan. On arrays, without a solver.

Letters: S slots (possible shipments), I items, E entries (an item in a slot), G groups of slots with one tariff,
M masks of a group (sets of items that make the same surcharges due), B boxes of a mask (price up to a weight and a
volume), P places.

    lambda_i    price of serving item i, the multipliers of "each item once"
    gain_e      share_e lambda_i - cost_e
    rc_s        fixed_s + split + min over masks m and boxes b of
                cents_b - (most gain of entries in m that weigh up to limit_g_b and fill up to limit_cm3_b)
    bound       sum of min(lambda_i, unserved_i) - split
                + min over places p, or none, of trip_p + sum of the most negative rc_s (up to max_shipments of them)

The most gain is bounded by two knapsacks, of weight and of volume, in which entries may be cut. So rc_s is at most the
least reduced cost of the slot, and the bound holds for every lambda (Lagrangian relaxation; capacity and stock that
shipments share are left out). A slot that a plan may use several times counts as often as that. A plan with slot s
costs at least bound + max(0, rc_s): where that reaches the cost of a known plan, no cheaper plan has s. Likewise an
entry of negative gain, by what it lacks; of a divisible item by what one unit lacks.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_knapsack import least_reduced

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """
    Tariffs by group: masks of group g are mask_start[g]:mask_start[g + 1], their boxes likewise, by cents.

    The bound does not heed where a box starts.
    """

    mask_start: Ints  # (G + 1,)
    mask_items: Flags  # (M, I)
    box_start: Ints  # (M + 1,)
    least_g: Floats  # (B,)
    limit_g: Floats  # (B,)
    least_cm3: Floats  # (B,)
    limit_cm3: Floats  # (B,)
    cents: Floats  # (B,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """The order as its slots. Entries are sorted by slot, and every slot has one."""

    entry_slot: Ints  # (E,)
    entry_item: Ints  # (E,)
    share: Floats  # (E,) part of the item that the slot can carry, 1 unless the item is divisible
    cost: Floats  # (E,) cents of that part, parcels left out
    weight: Floats  # (E,) g
    volume: Floats  # (E,) cm3
    pieces: Ints  # (E,) in how many equal parts it may come, 1 unless the item is divisible
    fixed: Floats  # (S,) cents of a shipment, parcels and its items left out
    group: Ints  # (S,)
    times: Ints  # (S,) how often a plan may use it
    place: Ints  # (S,) number of the place, -1 home
    boxes: Boxes
    trip: Floats  # (P,) cents
    unserved: Floats  # (I,) cents, infinite where the item must be served
    split: float  # cents per shipment after the first
    max_shipments: int

    def kept(self, slots: Flags, entries: Flags) -> "Relaxed":
        """Without the other slots and entries; entries of dropped slots go, and so do slots without entries."""
        entries = entries & slots[self.entry_slot]
        slots = slots & (np.bincount(self.entry_slot[entries], minlength=len(slots)) > 0)
        number = np.cumsum(slots) - 1
        return replace(
            self,
            entry_slot=number[self.entry_slot[entries]],
            entry_item=self.entry_item[entries],
            share=self.share[entries],
            cost=self.cost[entries],
            weight=self.weight[entries],
            volume=self.volume[entries],
            pieces=self.pieces[entries],
            fixed=self.fixed[slots],
            group=self.group[slots],
            times=self.times[slots],
            place=self.place[slots],
        )

    def some(self, slots: Ints) -> "Relaxed":
        """Some slots, a slot several times if need be; without entries."""
        return replace(
            self.kept(np.zeros(len(self.fixed), np.bool_), np.zeros(len(self.entry_slot), np.bool_)),
            fixed=self.fixed[slots],
            group=self.group[slots],
            times=self.times[slots],
            place=self.place[slots],
        )

    def parcel_cents(self, weight_g: Floats, volume_cm3: Floats, inside: Flags | None = None) -> Floats:
        """(S,) the least that parcels of such weights and volumes cost, with the items in (S, I), or whatever is in."""
        out = np.full(len(self.fixed), np.inf)
        boxes = self.boxes
        for g in np.unique(self.group):
            of_group = np.flatnonzero(self.group == g)
            for m in range(boxes.mask_start[g], boxes.mask_start[g + 1]):
                at = of_group
                if inside is not None:
                    at = at[~(inside[at] & ~boxes.mask_items[m]).any(axis=1)]
                low, high = boxes.box_start[m], boxes.box_start[m + 1]
                fits = boxes.limit_g[low:high] >= weight_g[at, None] - 1e-6
                fits &= boxes.limit_cm3[low:high] >= volume_cm3[at, None] - 1e-6
                cents = np.where(fits, boxes.cents[low:high], np.inf).min(axis=1, initial=np.inf)
                out[at] = np.minimum(out[at], cents)
        return out


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound, the prices that prove it, and what is left of the slots and entries given."""

    cents: float
    prices: Floats  # (I,)
    slots: Ints  # numbers of the slots kept, ascending
    entries: Flags  # (E,)


def dual_bound(
    relaxed: Relaxed,
    upper: float,
    rounds: int = 150,
    prices: Floats | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Bound:
    """
    Raise the bound by subgradient steps and drop what is proven useless on the way.

    Parameters
    ----------
    relaxed
        The order.
    upper
        Cost of a known plan; infinite without one, then nothing is dropped.
    rounds
        Limit of steps.
    prices
        To start from.
    stop
        Asked after each step.
    """
    slots = np.arange(len(relaxed.fixed))
    entries = np.arange(len(relaxed.entry_slot))
    here = relaxed
    prices = first_prices(relaxed) if prices is None else prices
    best, best_prices = -np.inf, prices
    direction = np.zeros_like(prices)
    pace, stale = 1.0, 0
    for step in range(rounds):
        at_prices = evaluate(here, prices, upper)
        value, keep_slots, keep_entries = at_prices.cents, at_prices.slots, at_prices.entries
        if value > best + 1e-9:
            stale = 0 if value > best + 0.02 * max(1.0, min(upper, 1e12) - best) * 0.05 else stale + 1
            best, best_prices = value, prices
        else:
            stale += 1
        dropped = len(keep_entries) - int(np.count_nonzero(keep_entries))
        if dropped * 8 > len(keep_entries) or step == rounds - 1:
            entries, slots_before = entries[keep_entries & keep_slots[here.entry_slot]], slots
            here = here.kept(keep_slots, keep_entries)
            slots = np.unique(relaxed.entry_slot[entries])
            assert len(slots) == len(here.fixed) <= len(slots_before)
        if best > upper - 1.0 + 1e-6 or pace < 0.02 or stop():
            break
        if stale >= 6:
            pace, stale, prices = pace / 2, 0, best_prices
            direction[:] = 0.0
            continue
        direction = at_prices.gradient + 0.4 * direction
        norm = float(direction @ direction)
        if norm < 1e-12:
            break
        aim = upper if np.isfinite(upper) else best + 0.05 * abs(best) + 100.0
        prices = np.minimum(prices + pace * max(aim - value, 1.0) / norm * direction, relaxed.unserved)
    if len(here.entry_slot):
        at_prices = evaluate(here, best_prices, upper)
        entries = entries[at_prices.entries & at_prices.slots[here.entry_slot]]
    kept = np.zeros(len(relaxed.entry_slot), dtype=np.bool_)
    kept[entries] = True
    return Bound(best, best_prices, np.unique(relaxed.entry_slot[entries]), kept)


def sums(at: Ints, values: Floats, num: int) -> Floats:
    """(num,) sums of values by where they belong."""
    return np.bincount(at, weights=values, minlength=num).astype(np.float64)


def first_prices(relaxed: Relaxed) -> Floats:
    """Prices to start from: the cheapest even share of what a slot costs with all it can carry."""
    num_slots, at = len(relaxed.fixed), relaxed.entry_slot
    size = np.bincount(at, minlength=num_slots)
    total_g, total_cm3 = sums(at, relaxed.weight, num_slots), sums(at, relaxed.volume, num_slots)
    parcels = relaxed.parcel_cents(total_g, total_cm3)
    each = ((relaxed.fixed + relaxed.split + parcels) / np.maximum(size, 1))[at] + relaxed.cost
    out = np.full(len(relaxed.unserved), np.inf)
    np.minimum.at(out, relaxed.entry_item, each / relaxed.share)
    out = np.minimum(out, relaxed.unserved)
    return np.where(np.isfinite(out), out, 0.0)


def reduced_cents(relaxed: Relaxed, prices: Floats) -> Floats:
    """(S,) rc_s of every slot."""
    return _reduced(relaxed, prices)[0]


def _reduced(relaxed: Relaxed, prices: Floats) -> tuple[Floats, Floats, Floats]:
    """(rc_s of every slot, gain of every entry, part of it that the best of its slot takes)."""
    gain = relaxed.share * prices[relaxed.entry_item] - relaxed.cost
    num_slots, boxes = len(relaxed.fixed), relaxed.boxes
    start = np.searchsorted(relaxed.entry_slot, np.arange(num_slots + 1))
    reduced, part = least_reduced(
        start,
        relaxed.entry_item,
        gain,
        relaxed.weight,
        relaxed.volume,
        relaxed.group,
        boxes.mask_start,
        boxes.mask_items,
        boxes.box_start,
        boxes.limit_g,
        boxes.limit_cm3,
        boxes.cents,
    )
    return reduced + relaxed.fixed + relaxed.split, gain, part


class AtPrices(NamedTuple):
    """What the relaxation says at some prices."""

    cents: float  # the bound
    gradient: Floats  # (I,) subgradient
    slots: Flags  # (S,) slots that may be in a cheaper plan
    entries: Flags  # (E,) entries likewise
    reduced: Floats  # (S,) rc_s
    taken: Floats  # (E,) part of the item that the best of the slot takes


def evaluate(relaxed: Relaxed, prices: Floats, upper: float) -> AtPrices:
    """The bound at some prices, and what they rule out where a plan of cost `upper` is known."""
    at = relaxed.entry_slot
    reduced, gain, part = _reduced(relaxed, prices)
    num_slots = len(reduced)
    base = float(np.minimum(prices, relaxed.unserved).sum()) - relaxed.split
    by_place = _by_place(relaxed, reduced)
    best_place, low = min(by_place, key=lambda row: row[1])
    value = base + low
    floor = np.full(num_slots, base + low)
    for p, cents in by_place[1:]:
        floor[relaxed.place == p] = base + cents
    limit = upper - 1.0 + 1e-6
    ahead = floor + np.maximum(reduced, 0.0)
    lack = np.maximum(-gain, 0.0) / relaxed.pieces  # one piece of a divisible item may be all that is in it
    used = np.zeros(num_slots)
    order, times = _most_negative(relaxed, reduced, (relaxed.place == -1) | (relaxed.place == best_place))
    used[order] = times
    taken = relaxed.share * part
    gradient = 1.0 - sums(relaxed.entry_item, used[at] * taken, len(prices))
    gradient[prices >= relaxed.unserved] = np.minimum(gradient[prices >= relaxed.unserved], 0.0)
    if np.all(np.isfinite(relaxed.unserved)):
        value = min(value, float(relaxed.unserved.sum()))
    return AtPrices(value, gradient, ahead <= limit, ahead[at] + lack <= limit, reduced, taken)


def lagrangian(relaxed: Relaxed, prices: Floats, reduced: Floats) -> tuple[float, float]:
    """
    The bound at some prices from the least reduced cost of every slot, as `evaluate` gives it.

    Returns also by how much more a plan costs with any one set of items than the bound and the set's reduced cost: it
    takes a place among the shipments.
    """
    base = float(np.minimum(prices, relaxed.unserved).sum()) - relaxed.split
    by_place = _by_place(relaxed, reduced)
    cents = base + min(low for _, low in by_place)
    spare = np.inf
    for p, low in by_place:
        order, times = _most_negative(relaxed, reduced, (relaxed.place == -1) | (relaxed.place == p))
        last = -float(reduced[order[times > 0][-1]]) if 0 < relaxed.max_shipments <= times.sum() else 0.0
        spare = min(spare, base + low - cents + last)
    if np.all(np.isfinite(relaxed.unserved)):
        cents = min(cents, float(relaxed.unserved.sum()))
    return cents, spare


def _by_place(relaxed: Relaxed, reduced: Floats) -> list[tuple[int, float]]:
    """(place, cents of its trip and of all slots that help) with no place, -1, and with each."""
    out: list[tuple[int, float]] = []
    for p, trip in [(-1, 0.0), *enumerate(relaxed.trip.tolist())]:
        order, times = _most_negative(relaxed, reduced, (relaxed.place == -1) | (relaxed.place == p))
        out.append((p, trip + float(reduced[order] @ times)))
    return out


def _most_negative(relaxed: Relaxed, reduced: Floats, inside: Flags) -> tuple[Ints, Floats]:
    """Slots of negative reduced cost, the least first, and how often each is used, up to the limit of shipments."""
    order = np.flatnonzero(inside & (reduced < 0.0))
    order = order[np.argsort(reduced[order], kind="stable")][: relaxed.max_shipments]
    before = np.cumsum(relaxed.times[order]) - relaxed.times[order]
    times = np.clip(relaxed.max_shipments - before, 0, relaxed.times[order])
    return order, times.astype(np.float64)

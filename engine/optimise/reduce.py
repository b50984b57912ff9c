"""
A lower bound on what an order costs, and what cannot be in any cheaper plan. On arrays, without a solver.

Letters: S slots (possible shipments), I items, E entries (an item in a slot), T tangents, P places.

    lambda_i    price of serving item i, the multipliers of "each item once"
    gain_e,t    max(0, share_e lambda_i - cost_e - slope_g[t, s] weight_e - slope_cm3[t, s] volume_e)
    rc_s        max over t of fixed[t, s] + split - sum of the gains of its entries
    bound       sum of min(lambda_i, unserved_i) - split
                + min over places p, or none, of trip_p + sum of the most negative rc_s (up to max_shipments of them)

Each tangent t is a linear function that nowhere exceeds what a slot costs, so rc_s is at most the least reduced cost
of the slot, and the bound holds for every lambda (Lagrangian relaxation; capacity and stock that shipments share are
left out). A slot that is used several times carries different items each time: its gains count once, and its fixed cost each
time, so that once is the least (where a tangent's fixed cost is negative, all shipments are granted it).
A plan with slot s costs at least bound + max(0, rc_s): where that reaches the cost of a known plan, no
cheaper plan has s. Likewise an entry without a gain, by what it lacks.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """The order as its slots' tangents. Entries are sorted by slot, and every slot has one."""

    entry_slot: Ints  # (E,)
    entry_item: Ints  # (E,)
    share: Floats  # (E,) part of the item that the slot can carry, 1 unless the item is divisible
    cost: Floats  # (E,) cents of that part, weight and volume left out
    weight: Floats  # (E,) g
    volume: Floats  # (E,) cm3
    fixed: Floats  # (T, S) cents
    slope_g: Floats  # (T, S) cents per g
    slope_cm3: Floats  # (T, S)
    place: Ints  # (S,) number of the place, -1 home
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
            fixed=self.fixed[:, slots],
            slope_g=self.slope_g[:, slots],
            slope_cm3=self.slope_cm3[:, slots],
            place=self.place[slots],
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound, the prices that prove it, and what is left of the slots and entries given."""

    cents: float
    prices: Floats  # (I,)
    slots: Ints  # numbers of the slots kept, ascending
    entries: Flags  # (E,)


def dual_bound(relaxed: Relaxed, upper: float, rounds: int = 150, prices: Floats | None = None) -> Bound:
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
    """
    slots = np.arange(relaxed.fixed.shape[1])
    entries = np.arange(len(relaxed.entry_slot))
    here = relaxed
    prices = first_prices(relaxed) if prices is None else prices
    best, best_prices = -np.inf, prices
    direction = np.zeros_like(prices)
    pace, stale = 1.0, 0
    for step in range(rounds):
        value, gradient, keep_slots, keep_entries = _evaluate(here, prices, upper)
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
            assert len(slots) == here.fixed.shape[1] <= len(slots_before)
        if best > upper - 1.0 + 1e-6 or pace < 0.02:
            break
        if stale >= 6:
            pace, stale, prices = pace / 2, 0, best_prices
            direction[:] = 0.0
            continue
        direction = gradient + 0.4 * direction
        norm = float(direction @ direction)
        if norm < 1e-12:
            break
        aim = upper if np.isfinite(upper) else best + 0.05 * abs(best) + 100.0
        prices = np.minimum(prices + pace * max(aim - value, 1.0) / norm * direction, relaxed.unserved)
    if len(here.entry_slot):
        _, _, keep_slots, keep_entries = _evaluate(here, best_prices, upper)
        entries = entries[keep_entries & keep_slots[here.entry_slot]]
    kept = np.zeros(len(relaxed.entry_slot), dtype=np.bool_)
    kept[entries] = True
    return Bound(best, best_prices, np.unique(relaxed.entry_slot[entries]), kept)


def first_prices(relaxed: Relaxed) -> Floats:
    """Prices at which no slot has a negative reduced cost: the cheapest even share of a slot's cost."""
    num_slots = relaxed.fixed.shape[1]
    size = np.bincount(relaxed.entry_slot, minlength=num_slots)
    at = relaxed.entry_slot
    fixed = np.maximum(relaxed.fixed[0] + relaxed.split, 0.0) / np.maximum(size, 1)
    cost = relaxed.cost + relaxed.slope_g[0, at] * relaxed.weight + relaxed.slope_cm3[0, at] * relaxed.volume
    each = (fixed[at] + cost) / relaxed.share
    out = np.full(len(relaxed.unserved), np.inf)
    np.minimum.at(out, relaxed.entry_item, each)
    out = np.minimum(out, relaxed.unserved)
    return np.where(np.isfinite(out), out, 0.0)


def reduced_cents(relaxed: Relaxed, prices: Floats) -> Floats:
    """(S,) rc_s of every slot."""
    return _reduced(relaxed, prices)[0]


def _reduced(relaxed: Relaxed, prices: Floats) -> tuple[Floats, Floats]:
    """(rc_s of every slot, and of every entry by how much its worth exceeds its cost in the tangent that counts)."""
    at, num_slots = relaxed.entry_slot, relaxed.fixed.shape[1]
    worth = relaxed.share * prices[relaxed.entry_item] - relaxed.cost
    reduced = np.full(num_slots, -np.inf)
    margin = np.zeros(len(at))
    for t in range(len(relaxed.fixed)):
        rest = worth - relaxed.slope_g[t, at] * relaxed.weight - relaxed.slope_cm3[t, at] * relaxed.volume
        gains = np.bincount(at, weights=np.maximum(rest, 0.0), minlength=num_slots)
        each = relaxed.fixed[t] + relaxed.split
        cents = each - gains + (relaxed.max_shipments - 1) * np.minimum(each, 0.0)
        better = cents > reduced
        reduced = np.where(better, cents, reduced)
        margin = np.where(better[at], rest, margin)
    return reduced, margin


def _evaluate(relaxed: Relaxed, prices: Floats, upper: float) -> tuple[float, Floats, Flags, Flags]:
    """(bound, subgradient, slots that may be in a cheaper plan, entries likewise)."""
    at, num_slots = relaxed.entry_slot, relaxed.fixed.shape[1]
    reduced, margin = _reduced(relaxed, prices)
    base = float(np.minimum(prices, relaxed.unserved).sum()) - relaxed.split
    options = [(-1, 0.0), *((p, float(cents)) for p, cents in enumerate(relaxed.trip))]
    low, best_place = np.inf, -1
    by_place: list[tuple[int, float]] = []
    for p, trip in options:
        inside = (relaxed.place == -1) | (relaxed.place == p)
        negative = np.sort(reduced[inside & (reduced < 0.0)])[: relaxed.max_shipments]
        cents = trip + float(negative.sum())
        by_place.append((p, cents))
        if cents < low:
            low, best_place = cents, p
    value = base + low
    floor = np.full(num_slots, base + low)
    for p, cents in by_place[1:]:
        floor[relaxed.place == p] = base + cents
    limit = upper - 1.0 + 1e-6
    ahead = floor + np.maximum(reduced, 0.0)
    lack = np.maximum(-margin, 0.0)
    used = np.zeros(num_slots)
    inside = ((relaxed.place == -1) | (relaxed.place == best_place)) & (reduced < 0.0)
    used[np.argsort(np.where(inside, reduced, 0.0), kind="stable")[: relaxed.max_shipments]] = 1.0
    used[~inside] = 0.0
    gradient = 1.0 - np.bincount(
        relaxed.entry_item, weights=used[at] * relaxed.share * (margin > 0.0), minlength=len(prices)
    )
    gradient[prices >= relaxed.unserved] = np.minimum(gradient[prices >= relaxed.unserved], 0.0)
    if np.all(np.isfinite(relaxed.unserved)):
        value = min(value, float(relaxed.unserved.sum()))
    return value, gradient, ahead <= limit, ahead[at] + lack <= limit

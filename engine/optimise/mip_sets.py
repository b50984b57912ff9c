"""
The bound over sets of whole items: what `engine.optimise.mip_columns` does, with shipments that can be.

    minimise    sum_c cents_c z_c + split (k - 1) + sum_p trip_p w_p + sum_i unserved_i u_i
    subject to  each item is in one column that is used, or left out; limits of shipments and places

A column is a set of items on a slot, priced as one shipment. Knapsacks that may cut an item, as in `reduce`, make a
heavy order look far cheaper than it is, for tariffs rise most within the first parcel. Here the best set of a slot is
found exactly (`engine.optimise.mip_subsets`), and so the bound is the linear program's optimum, which lies close below
that of whole columns. Items that may be divided are not for this.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_clock import Clock
from engine.optimise.mip_columns import REACH, Columns, program
from engine.optimise.mip_subsets import search_slots, tariff_lines
from engine.optimise.reduce import Bound, Relaxed, lagrangian, reduced_cents

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_ROUNDS = 300
_STALE = 20  # rounds without a new set
_STEPS, _STEPS_MAX = 20_000, 5_000_000  # of the search of one slot; where it is cut short the knapsacks count
_STEPS_ALL = 20_000_000  # of one search: about a second
_ROOM = 40_000  # sets of one search
_COLUMNS_MAX = 2_500  # of one program
_CLOSE = 0.05  # cents between program and bound
_FAR = 1e5
_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Found:
    """Sets of items by slot: ``slot``, ``bits``, ``reduced`` (C,)."""

    slot: Ints
    bits: Ints
    reduced: Floats


class Sets:
    """
    The sets known of one order, the cheapest slot of each at every place.

    Attributes: ``slot``, ``bits``, ``cents`` (C,), split included.
    """

    def __init__(self, relaxed: Relaxed, quantity: Ints | None = None) -> None:
        self.relaxed = relaxed
        self.num_items = len(relaxed.unserved)
        self.pieces = np.ones(self.num_items, dtype=np.int64) if quantity is None else quantity
        width = np.array([int(q).bit_length() for q in self.pieces], dtype=np.int64)
        self.shift = np.cumsum(width) - width
        self._mask = (np.int64(1) << width) - 1
        self.slot = np.zeros(0, dtype=np.int64)
        self.bits = np.zeros(0, dtype=np.int64)
        self.cents = np.zeros(0)
        self._start = np.searchsorted(relaxed.entry_slot, np.arange(len(relaxed.fixed) + 1))
        boxes = relaxed.boxes
        self._lines = tariff_lines(boxes.box_start, boxes.limit_g, boxes.limit_cm3, boxes.cents)

    def pieces_of(self, bits: Ints) -> Ints:
        """(C, I) how many pieces of each item are in a set."""
        out: Ints = bits[:, None] >> self.shift & self._mask
        return out

    def part(self, bits: Ints) -> Floats:
        """(C, I) which part of each item is in a set."""
        out: Floats = self.pieces_of(bits) / self.pieces
        return out

    def search(
        self, prices: Floats, slots: Ints, limit: Floats, *, best_only: bool, steps: int = _STEPS, room: int = _ROOM
    ) -> tuple[Found, Flags]:
        """The sets of some slots of reduced cost up to a limit each, and which slots are searched to the end."""
        relaxed, boxes = self.relaxed, self.relaxed.boxes
        slot, bits, reduced = np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(room)
        count, complete = search_slots(
            slots,
            self._start,
            relaxed.entry_item,
            relaxed.share * prices[relaxed.entry_item] - relaxed.cost,
            relaxed.weight,
            relaxed.volume,
            relaxed.pieces,
            self.shift,
            relaxed.fixed + relaxed.split,
            relaxed.group,
            boxes.mask_start,
            boxes.mask_items,
            boxes.box_start,
            boxes.least_g,
            boxes.limit_g,
            boxes.least_cm3,
            boxes.limit_cm3,
            boxes.cents,
            *self._lines,
            limit,
            best_only,
            steps,
            _STEPS_ALL,
            slot,
            bits,
            reduced,
        )
        return Found(slot[:count].copy(), bits[:count].copy(), reduced[:count].copy()), complete

    def add(self, found: Found, prices: Floats) -> None:
        """Keep sets that are new, or cheaper than known."""
        slot = np.concatenate([self.slot, found.slot])
        bits = np.concatenate([self.bits, found.bits])
        cents = np.concatenate([self.cents, found.reduced + self.part(found.bits) @ prices])
        order = np.lexsort((slot, cents, self.relaxed.place[slot], bits))
        place = self.relaxed.place[slot[order]]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (bits[order][1:] != bits[order][:-1]) | (place[1:] != place[:-1])
        kept = order[first]
        self.slot, self.bits, self.cents = slot[kept], bits[kept], cents[kept]

    def best(self, prices: Floats, num: int) -> Ints:
        """The sets of least reduced cost."""
        reduced = self.cents - self.part(self.bits) @ prices
        return np.argsort(reduced, kind="stable")[:num]


@dataclass(frozen=True, slots=True)
class SetBound:
    """A bound in cents, the prices that prove it, and by how much the least reduced costs of slots are below 0."""

    cents: float
    prices: Floats
    least: Floats  # (S,) least reduced cost of any set of a slot, or lower
    spare: float  # a plan with a set of reduced cost r costs at least cents + r + spare


def set_bound(sets: Sets, bound: Bound, upper: float, clock: Clock) -> SetBound:
    """
    Raise a bound with sets of items, from its prices on; the sets that were of use on the way are kept.

    Every round is a bound of its own, so that it may stop at any time.
    """
    relaxed = sets.relaxed
    prices = bound.prices
    best = SetBound(bound.cents, prices, reduced_cents(relaxed, prices), 0.0)
    reach = REACH * max(100.0, float(np.abs(prices).mean()))
    promised = np.inf
    shadow = 0.0  # of the limit of shipments
    steps, stale = _STEPS, 0
    for step in range(_ROUNDS):
        before = len(sets.slot)
        found, complete = _priced(sets, prices, shadow, steps)
        if len(sets.slot) == before:
            stale += complete or steps == _STEPS_MAX
            steps = min(4 * steps, _STEPS_MAX)
        if found.cents > best.cents or step == 0:
            reach *= 2.0 if found.cents - best.cents > 0.1 * (promised - best.cents) else 1.0
            best = found if found.cents > best.cents else best
        elif best.cents - found.cents > 3 * (promised - best.cents):
            reach *= 0.7
        if best.cents > upper - 1.0 or stale > _STALE or clock.late():
            break
        at = sets.best(best.prices, _COLUMNS_MAX)
        columns = Columns(sets.slot[at], sets.part(sets.bits[at]), sets.cents[at], np.zeros(0))
        solved = program(relaxed, columns, best.prices, reach, clock)
        if solved is None:
            break
        promised, prices, shadow = solved.cents - relaxed.split, solved.prices, solved.shadow
        if promised <= best.cents + _CLOSE:
            if reach > _FAR:
                break
            reach *= 4
    return best


def _priced(sets: Sets, prices: Floats, shadow: float, steps: int) -> tuple[SetBound, bool]:
    """The bound at some prices and whether it is exact; the sets that are better than nothing are kept."""
    relaxed = sets.relaxed
    least = reduced_cents(relaxed, prices)
    limit = -shadow - _EPSILON
    slots = np.flatnonzero(least <= limit)
    found, complete = sets.search(prices, slots, np.full(len(slots), limit), best_only=True, steps=steps)
    exact = np.full(len(least), np.inf)
    np.minimum.at(exact, found.slot, found.reduced)
    low = least.copy()
    done = slots[complete]
    low[done] = np.maximum(least[done], np.minimum(exact[done], limit))
    sets.add(found, prices)
    cents, spare = lagrangian(relaxed, prices, low)
    return SetBound(cents, prices, low, spare), bool(complete.all())


def enumerated(sets: Sets, bound: SetBound, within: float, room: int) -> Found | None:
    """All sets of plans that exceed a bound by so many cents at most; None where there are more than `room`."""
    limit = within - bound.spare
    slots = np.flatnonzero(bound.least <= limit)
    found, complete = sets.search(
        bound.prices, slots, np.full(len(slots), limit), best_only=False, steps=_STEPS_MAX, room=room
    )
    return found if complete.all() else None

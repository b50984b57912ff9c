"""
One order by sets of items: a plan by exchanges, a bound by sets, and what lies between the two by enumeration.

What is merged, relaxed and searched here costs at most what it costs in truth; every plan is built by `Evaluator`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.domain.plan import Shipment
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_columns import column_bound
from engine.optimise.mip_exchange import Ground, improve, prices_of
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_merged import merged
from engine.optimise.mip_partition import Partition
from engine.optimise.mip_sets import SetBound, Sets, enumerated, set_bound
from engine.optimise.mip_start import Found
from engine.optimise.mip_subsets import BITS_MAX
from engine.optimise.reduce import Relaxed, dual_bound

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_STEPS = 30  # of a bound by subgradients
_MANY_ITEMS = 25  # from here on knapsacks lead the prices
_ROUNDS = (1, 40, 40, 80, 80, 160, 160, 320)  # of exchanges, from nothing and from the best plan in turns
_HEAT = 0.05
_MISSING_CENTS = 1e7  # of a piece that must not be left out
_EXCHANGE_SHARE = 0.15  # of what is left, for the first plans
_COLUMNS_SHARE = 0.2
_BOUND_SHARE = 0.7
_SLOTS_ASKED = 40  # for the shipment of one set
_ROOMS = ((8_000, 1e-3), (60_000, 1.0))  # sets of one program, and the share above which it is worth while
# Sets of a program by the seconds left: HiGHS presolves without a look at its clock, which takes a second for some
# thousand sets, and longer than in proportion for more.
_SETS_IN_A_SECOND, _SETS_POWER = 700, 0.75
_EPSILON = 0.01


class BySets:
    """
    The search of one order.

    Parameters
    ----------
    facts, relaxed
        Of the order.
    upper
        Asked for the cents of the best plan known, infinite without one.
    offer
        Called with every plan that is found.

    Attributes: ``bound`` is proven, at ``prices`` of the items where there was time for them.
    """

    def __init__(
        self, facts: Facts, relaxed: Relaxed, upper: Callable[[], float], offer: Callable[[Found], None]
    ) -> None:
        self.facts = facts
        self.upper = upper
        self.offer = offer
        self.bound = -np.inf
        self.prices: Floats | None = None
        self.relaxed, members = merged(facts, relaxed)
        pieces = np.array([item.quantity if item.divisible else 1 for item in facts.items], dtype=np.int64)
        self.sets = Sets(self.relaxed, pieces)
        self.partition = Partition(facts, self.sets, members)
        self.ground = _ground(facts, self.relaxed, pieces)
        num_ships = min(self.relaxed.max_shipments, int(pieces.sum()))
        self._plan = np.full(num_ships, -1, dtype=np.int64), np.zeros((num_ships, len(pieces)), dtype=np.int64)
        self._least = np.inf

    @staticmethod
    def takes(facts: Facts) -> bool:
        """Whether a set of the order's items is a number."""
        return sum((item.quantity if item.divisible else 1).bit_length() for item in facts.items) <= BITS_MAX

    def closed(self) -> bool:
        """Whether no cheaper plan can be."""
        return self.bound >= self.upper() - 1 + _EPSILON

    def run(self, clock: Clock) -> bool:
        """True once the best plan is proven to be."""
        first = clock.part(_EXCHANGE_SHARE)
        for seed, rounds in enumerate(_ROUNDS):
            if seed == 0 or not first.late():
                self._exchange(rounds, seed)
        if clock.late():
            return False
        at = self._bound(clock)
        self.bound, self.prices = max(self.bound, at.cents), at.prices
        more = clock.part(_EXCHANGE_SHARE)
        for seed, rounds in enumerate(_ROUNDS, start=len(_ROUNDS)):
            if not self.closed() and not more.late():
                self._exchange(rounds, seed)
        if not self.closed():
            self._enumerate(at, clock)
        return self.closed()

    def _bound(self, clock: Clock) -> SetBound:
        bound = dual_bound(self.relaxed, self.upper(), _STEPS, stop=clock.part(0.1).late)
        if len(self.facts.items) > _MANY_ITEMS:
            bound, _ = column_bound(self.relaxed, bound, self.upper(), clock.part(_COLUMNS_SHARE))
        return set_bound(self.sets, bound, self.upper(), clock.part(_BOUND_SHARE))

    def _exchange(self, rounds: int, seed: int) -> None:
        """Look for a better plan of the relaxation, and offer it if its shipments can be."""
        where, count = self._plan if seed % 2 else (np.full_like(self._plan[0], -1), np.zeros_like(self._plan[1]))
        where, count = where.copy(), count.copy()
        cents = improve(self.ground, where, count, rounds, _HEAT, seed + 1)
        if cents > self._least - _EPSILON:
            return
        self._least, self._plan = cents, (where, count)
        shipments: list[Shipment] = []
        for k in np.flatnonzero(where >= 0).tolist():
            found = self._shipment(int(where[k]), count[k])
            if found is None:
                return
            shipments.append(found)
        missing = self.sets.pieces - count.sum(axis=0)
        items = self.facts.items
        left = np.flatnonzero(missing).tolist()
        whole = all(missing[i] == self.sets.pieces[i] and items[i].unserved_cents is not None for i in left)
        if whole and shipments and self.partition.possible(tuple(shipments)):
            self.offer((tuple(shipments), tuple(sorted(line for i in left for line in items[i].lines))))

    def _shipment(self, slot: int, count: Ints) -> Shipment | None:
        """The cheapest shipment of some pieces from any slot that ends where this one does, or at home."""
        cents = prices_of(self.ground, count)
        place = self.relaxed.place
        cents[(place >= 0) & (place != place[slot])] = np.inf
        bits = int((count << self.sets.shift).sum())
        best: Shipment | None = None
        for s in np.argsort(cents, kind="stable")[:_SLOTS_ASKED].tolist():
            if not np.isfinite(cents[s]) or (
                best is not None and cents[s] >= best.cost_cents + self.relaxed.split - _EPSILON
            ):
                break
            found = self.partition.shipment(s, bits)
            if found is not None and (best is None or found.cost_cents < best.cost_cents):
                best = found
        return best

    def _enumerate(self, at: SetBound, clock: Clock) -> None:
        """All sets within what is between the bound and the best plan, or within as large a part of it as can be."""
        for sets_max, least in _ROOMS:
            left = clock.left()
            room = sets_max if left is None else min(sets_max, int(_SETS_IN_A_SECOND * max(0.0, left) ** _SETS_POWER))
            share, found = 2.0, None
            while found is None and share > least and not clock.late() and np.isfinite(self.upper()):
                share /= 2
                within = share * (self.upper() - at.cents)
                found = enumerated(self.sets, at, within, room)
            if found is None:
                continue
            cents = found.reduced + self.sets.part(found.bits) @ at.prices
            plan, cheaper = self.partition.solve(found, cents, self.upper(), clock)
            if plan is not None:
                self.offer(plan)
            self.bound = max(self.bound, min(at.cents + within, cheaper))
            if self.closed() or clock.late():
                break


def _ground(facts: Facts, relaxed: Relaxed, pieces: Ints) -> Ground:
    shape = (len(relaxed.fixed), len(facts.items))
    most, each = np.zeros(shape, dtype=np.int64), np.full(shape, np.inf)
    at = relaxed.entry_slot, relaxed.entry_item
    most[at] = relaxed.pieces
    each[at] = relaxed.cost / relaxed.pieces
    boxes = relaxed.boxes
    divisible = np.array([item.divisible for item in facts.items])
    return Ground(
        most=most,
        each=each,
        weight=np.array([item.weight_g for item in facts.items]) / pieces,
        volume=np.array([item.volume_cm3 for item in facts.items]) / pieces,
        pieces=pieces,
        spread=np.where(divisible, min(facts.evaluator.shipments_per_line_max, len(pieces) * 99), 1),
        missing=np.where(np.isfinite(relaxed.unserved), relaxed.unserved, _MISSING_CENTS) / pieces,
        base=relaxed.fixed + relaxed.split,
        place=relaxed.place,
        trip=relaxed.trip,
        group=relaxed.group,
        mask_start=boxes.mask_start,
        mask_items=boxes.mask_items,
        box_start=boxes.box_start,
        least_g=boxes.least_g,
        limit_g=boxes.limit_g,
        least_cm3=boxes.least_cm3,
        limit_cm3=boxes.limit_cm3,
        cents=boxes.cents,
    )

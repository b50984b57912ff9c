"""
The bound of `engine.optimise.reduce` at its best prices, by column generation.

A column is a slot with a part of each item in it, as the knapsacks of its best box take them. Over the columns known so
far a linear program covers every item once:

    minimise    sum_c cents_c z_c + split k + sum_p trip_p w_p + sum_i unserved_i u_i
    subject to  sum_c part_ci z_c + u_i = 1                  items; the dual prices are lambda_i
                sum_c z_c <= max_shipments,  sum of the columns at place p <= max_shipments w_p,  sum_p w_p <= 1

Its prices may move only so far from the best ones known, further where that was good and less far where it was not
(the boxstep method: Marsten, Hogan, Blankenship, Operations Research 23, 1975). Every step is a Lagrangian bound of its
own, so that it may stop at any time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_clock import Clock
from engine.optimise.mip_program import CUT
from engine.optimise.reduce import Bound, Relaxed, evaluate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NEW_COLUMNS = 150  # of one step
_ROUNDS = 120
REACH = 0.2  # of the mean price: how far prices may move in the first step
_CLOSE = 0.5  # cents between program and bound
_FAR = 1e5  # cents; prices that may move so far are free


@dataclass(slots=True)
class Columns:
    """The columns known: ``slot`` (C,), ``part`` (C, I) of each item, ``cents`` (C,) by the relaxation."""

    slot: Ints
    part: Floats
    cents: Floats
    used: Floats  # (C,) how much of each the last program used; those added since are not used

    def add(self, slot: Ints, part: Floats, cents: Floats) -> None:
        """Append some."""
        self.slot = np.concatenate([self.slot, slot])
        self.part = np.vstack([self.part, part])
        self.cents = np.concatenate([self.cents, cents])


def column_bound(relaxed: Relaxed, bound: Bound, upper: float, clock: Clock) -> tuple[Bound, Columns]:
    """
    Raise a bound as far as prices can.

    Parameters
    ----------
    relaxed
        The order.
    bound
        To start from: its prices, and the slots and entries that it left.
    upper
        Cost of a known plan; infinite without one.
    clock
        Asked after each step.

    Returns
    -------
    Bound, Columns
        The bound, at least the one given, with what it leaves of all slots and entries; and the columns that were
        made, numbered by the slots of `relaxed`.
    """
    num_slots, num_items = len(relaxed.fixed), len(relaxed.unserved)
    left = _flags(bound.slots, num_slots)
    entries = np.flatnonzero(bound.entries & left[relaxed.entry_slot])
    here = relaxed.kept(left, bound.entries)
    columns = Columns(np.zeros(0, np.int64), np.zeros((0, num_items)), np.zeros(0), np.zeros(0))
    prices, best = bound.prices, bound
    reach = REACH * max(100.0, float(np.abs(prices).mean()))
    promised = np.inf  # what the program says that the next step may reach
    for _ in range(_ROUNDS):
        if len(entries) == 0:
            break
        found = evaluate(here, prices, upper)
        number = np.unique(relaxed.entry_slot[entries])  # of the slots that are left, in `relaxed`
        if found.cents > best.cents:
            reach *= 2.0 if found.cents - best.cents > 0.1 * (promised - best.cents) else 1.0
            kept = entries[found.entries & found.slots[here.entry_slot]]
            kept_slots = np.unique(relaxed.entry_slot[kept])
            best = Bound(found.cents, prices, kept_slots, _flags(kept, len(relaxed.entry_slot)))
        elif best.cents - found.cents > 3 * (promised - best.cents):
            reach *= 0.7
        order = np.argsort(found.reduced, kind="stable")[:_NEW_COLUMNS]
        order = order[np.isfinite(found.reduced[order])]
        part = np.zeros((len(here.fixed), num_items))
        part[here.entry_slot, here.entry_item] = found.taken
        columns.add(number[order], part[order], found.reduced[order] + part[order] @ prices)
        if best.cents > upper - 1.0 or clock.late():
            break
        if len(best.slots) < 0.8 * len(here.fixed):
            here, entries = relaxed.kept(_flags(best.slots, num_slots), best.entries), np.flatnonzero(best.entries)
        solved = program(relaxed, columns, best.prices, reach, clock)
        if solved is None:
            break
        promised, prices = solved.cents - relaxed.split, solved.prices
        if promised <= best.cents + _CLOSE:
            if reach > _FAR:
                break
            reach *= 4
    return best, columns


def _flags(at: Ints, num: int) -> NDArray[np.bool_]:
    out = np.zeros(num, dtype=np.bool_)
    out[at] = True
    return out


@dataclass(frozen=True, slots=True)
class Solved:
    """The optimum of a linear program: cents, prices of the items, and what one more shipment would save."""

    cents: float
    prices: Floats
    shadow: float


def program(relaxed: Relaxed, columns: Columns, centre: Floats, reach: float, clock: Clock) -> Solved | None:
    """
    The linear program over the columns, None where HiGHS gives up.

    Too much or too little of an item may be bought at its price in the centre, give or take `reach`, which keeps the
    prices that near.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack

    num, num_items, num_places = len(columns.slot), len(relaxed.unserved), len(relaxed.trip)
    place = relaxed.place[columns.slot]
    same = eye_array(num_items)
    cover = hstack([csr_array(columns.part.T), csr_array((num_items, num_places)), same, -same])
    # rows: shipments, shipments at each place, places
    opened = -float(relaxed.max_shipments) * np.eye(num_places)
    by_place = (place == np.arange(num_places)[:, None]).astype(np.float64)
    limits = np.vstack(
        [
            np.concatenate([np.ones(num), np.zeros(num_places)]),
            np.hstack([by_place, opened]),
            np.concatenate([np.zeros(num), np.ones(num_places)]),
        ]
    )
    high = np.minimum(centre + reach, relaxed.unserved)
    low = np.minimum(centre - reach, high)
    limit_s = clock.solver_s()
    result = linprog(
        np.concatenate([columns.cents, relaxed.trip, high, -low]),
        A_ub=hstack([csr_array(limits), csr_array((len(limits), 2 * num_items))], format="csr"),
        b_ub=np.array([float(relaxed.max_shipments), *([0.0] * num_places), 1.0]),
        A_eq=cover.tocsr(),
        b_eq=np.ones(num_items),
        method="highs",
        options={} if limit_s is None else {"time_limit": max(0.01, limit_s)},
    )
    if result.status == CUT:
        clock.cut()
    if result.status != 0:
        return None
    columns.used = result.x[:num]
    return Solved(float(result.fun), np.asarray(result.eqlin.marginals), -float(result.ineqlin.marginals[0]))

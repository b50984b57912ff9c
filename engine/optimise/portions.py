"""
One search for orders with lines that come in many units: like search.py, over how many units a shipment has of each.

Such a line is a few items of 1, 2, 4, .. units, so that every number of units is a set of items; its shipments are
priced like any other set. Plans are put together from portions: which of the other items, and how many units of each
divided line.

    portion     (mask of the other items) + 2**m * (u_1 + (q_1 + 1) * (u_2 + ..)), u_d <= q_d units of line d
    listed      (portions,) int64   the set of a portion
    g(r, s)     = min over t <= s of  w(t) + split + g(r - 1, s - t)   of at most r shipments: plan (r, portions) PLAN

Where few shipments may carry the one line that is divided, those are counted, and the others are not. Differences of
portions are portions, as no unit is borrowed. Ties: lower cost, earlier deliver_by, fewer shipments.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import weigh
from engine.network.jit import compiled, inlined
from engine.optimise.bounds import is_small, shift_of
from engine.optimise.home import bound_home, ship_exactly
from engine.optimise.places import trip_cents
from engine.optimise.search import begin, copy_home
from engine.optimise.shipments import place_pass
from engine.optimise.tables import (
    ITEMS_MAX,
    O_ITEMS,
    O_LINE_SHIPMENTS,
    O_MAX_SHIPMENTS,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_SPLIT,
    W_SPLIT,
)
from engine.optimise.workspace import D_FIRST, D_ITEMS, D_UNITS, INFINITE, Inputs, Workspace


@compiled
def _set_of(ws: Workspace, d: int, units: int) -> int:
    """The items of a divided line that make up so many units: all of the last one, where it takes that, then powers."""
    first, left, out = ws.divided[d, D_FIRST], units, 0
    items = ws.divided[d, D_ITEMS] >> first
    last = 0
    while items >> (last + 1):
        last += 1
    if left >= 1 << last:
        out |= 1 << (first + last)
        left -= ws.set[1 << (first + last)].units
    return out | left << first


@compiled
def _list_portions(o: NDArray[np.int64], ws: Workspace) -> int:
    """Fill ws.listed; returns how many portions there are, the last of which is everything."""
    others = (1 << o[O_ITEMS]) - 1
    num = 1
    for d in range(ws.counts[3]):
        others &= ~ws.divided[d, D_ITEMS]
        num *= ws.divided[d, D_UNITS] + 1
    ws.listed[0] = 0
    m = 0
    for i in range(o[O_ITEMS]):
        if others >> i & 1:
            for s in range(1 << m):
                ws.listed[s + (1 << m)] = ws.listed[s] | 1 << i
            m += 1
    num <<= m
    for s in range(1 << m, num):
        t, left = ws.listed[s & ((1 << m) - 1)], s >> m
        for d in range(ws.counts[3]):
            t |= _set_of(ws, d, left % (ws.divided[d, D_UNITS] + 1))
            left //= ws.divided[d, D_UNITS] + 1
        ws.listed[s] = t
    ws.counts[4] = m
    return num


@inlined
def _inside(ws: Workspace, t: int, s: int) -> bool:
    """Whether portion s has all that portion t has."""
    m = ws.counts[4]
    inside = (t & ~s) & ((1 << m) - 1) == 0
    t >>= m
    s >>= m
    for d in range(ws.counts[3]):
        units = ws.divided[d, D_UNITS] + 1
        inside &= t % units <= s % units
        t //= units
        s //= units
    return inside


@inlined
def _counts(ws: Workspace, t: int, by_line: bool) -> int:
    """1 where a portion counts as one of the shipments that are limited, else 0."""
    return 0 if by_line and ws.listed[t] & ws.divided[0, D_ITEMS] == 0 else 1


@inlined
def _is_by_line(o: NDArray[np.int64], ws: Workspace) -> bool:
    """Whether what limits shipments is how many may carry the line that is divided."""
    return ws.counts[3] == 1 and o[O_LINE_SHIPMENTS] < o[O_MAX_SHIPMENTS]


@compiled
def _join(o: NDArray[np.int64], ws: Workspace, row: int, num: int, split: int) -> int:
    """Fill ws.plan from row `row` of ws.best_of, with ever more shipments, until more are no better; the last layer."""
    by_line = _is_by_line(o, ws)
    limit = o[O_LINE_SHIPMENTS] if by_line else o[O_MAX_SHIPMENTS]
    most = min(limit, ITEMS_MAX)
    for r in range(most + 1):
        better = r == 0
        for s in range(num):
            if r == 0:
                cost = INFINITE if s else 0
                deliver, count, choice = cost, 0, 0
            else:
                cost, deliver = ws.plan[r - 1, s].cost, ws.plan[r - 1, s].deliver
                count, choice = ws.plan[r - 1, s].count, 0
            for t in range(1, s + 1):
                below, items = r - _counts(ws, t, by_line), ws.listed[t]
                if below < 0 or ws.best_of[row, items].cost >= INFINITE or ws.plan[below, s - t].cost >= INFINITE:
                    continue
                new = ws.best_of[row, items].cost + ws.plan[below, s - t].cost + (split if s > t else 0)
                if new > cost or not _inside(ws, t, s) or is_small(o, ws, items):
                    continue
                by = max(ws.best_of[row, items].deliver, ws.plan[below, s - t].deliver)
                number = ws.plan[below, s - t].count + 1
                if new < cost or by < deliver or (by == deliver and number < count):
                    cost, deliver, count, choice = new, by, number, t
                    better = True
            ws.plan[r, s].cost, ws.plan[r, s].deliver = cost, deliver
            ws.plan[r, s].count, ws.plan[r, s].choice = count, choice
        if not better:
            return r
    if most < limit:
        ws.best[6] = 1
    return most


@compiled
def _take(o: NDArray[np.int64], ws: Workspace, row: int, num: int, split: int, extra: int, place: int) -> None:
    """Compare the best plan of a row of ws.best_of to the best so far, and write it down if it is better."""
    r, s = _join(o, ws, row, num, split), num - 1
    found = ws.plan[r, s]
    cost = found.cost + extra
    if found.cost >= INFINITE or cost > ws.best[0]:
        return
    if found.count > min(o[O_MAX_SHIPMENTS], ITEMS_MAX):
        ws.best[6] = 1
        return
    if cost == ws.best[0] and (found.deliver, found.count) >= (ws.best[1], ws.best[2]):
        return
    ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[5] = cost, found.deliver, found.count, place, 1
    at, by_line = 0, _is_by_line(o, ws)
    while s:
        t = ws.plan[r, s].choice
        if t == 0:
            r -= 1
            continue
        items = ws.listed[t]
        one = ws.best_of[row, items]
        ws.chosen[at, 0], ws.chosen[at, 1], ws.chosen[at, 2] = items, one.kind, one.candidate
        ws.chosen[at, 3], ws.chosen[at, 4] = one.id, one.at_place
        ws.chosen[at, 5], ws.chosen[at, 6] = one.cost, one.deliver
        at += 1
        s -= t
        r -= _counts(ws, t, by_line)
    ws.best[4] = at


@compiled
def search_portions(inputs: Inputs, o: NDArray[np.int64]) -> bool:
    """Fill ws.best and ws.chosen; False where no plan exists. ws.best[6] is 1 where more shipments might be better."""
    pol, orders, ws = inputs.pol, inputs.orders, inputs.ws
    home = o[O_SLOT] >= 0
    zero, none, one = np.int64(0), np.int64(-1), np.int64(1)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    count, _ = begin(inputs, o, split)
    if count == 0:
        return False
    num = _list_portions(o, ws)
    if home:
        shift = bound_home(inputs, o, shift_of(o, ws))
        for s in range(1, num):
            if ws.set[ws.listed[s]].valid:
                ship_exactly(inputs, o, np.int64(ws.listed[s]), shift)
        _take(o, ws, zero, num, split, zero, none)
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place, alive = orders.places[p], 0
        for s in range(1, num):
            t = ws.listed[s]
            copy_home(ws, t)
            if ws.set[t].valid:
                ws.set[t].cap_cents = INFINITE - 1
                ws.alive[alive] = t
                alive += 1
        place_pass(inputs, o, place, alive)
        _take(o, ws, one, num, split, np.int64(trip_cents(pol, o, place)), np.int64(p))
    return ws.best[0] < INFINITE

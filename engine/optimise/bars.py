"""
Shipments of one plan that share a node's capacity or stock: find those that overdraw it, and bar one of them.

When a shipment is picked depends on its node and its set of items, not on what carries it. So plans that overdraw a
cell are those that hold all of a few (set, node) pairs, and every other plan lacks one of them. `Workspace.bars` holds
pairs that a search must do without; branches are plans' pairs barred one after the other, linked by their parents.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.optimise.pieces import units_in
from engine.optimise.workspace import (
    BRANCHES_MAX,
    D_FIRST,
    D_ITEMS,
    S_DAY,
    S_HOUR,
    S_ITEMS,
    S_NODE,
    S_UNITS,
    Workspace,
)

OPEN, CLOSED = 0, 1


@inlined
def may_ship(ws: Workspace, t: int, c: int) -> bool:
    """Whether a candidate that has all items of T may ship them together."""
    allowed = True
    if ws.counts[2] + ws.counts[3] > 0:
        allowed = _allowed(ws, t, c)
    return allowed


@compiled
def _allowed(ws: Workspace, t: int, c: int) -> bool:
    """Whether the pair is not barred, and the candidate has the units of T of each divided line."""
    for i in range(ws.counts[2]):
        if ws.bars[i, 0] == t and ws.bars[i, 1] == ws.candidate[c].node:
            return False
    for i in range(ws.counts[3]):
        if units_in(ws, t, i) > ws.cand_units[c, ws.divided[i, D_FIRST]]:
            return False
    return True


@compiled
def bar(ws: Workspace, branch: int) -> None:
    """Bar the pairs of a branch; -1 none."""
    count = 0
    while branch >= 0:
        ws.bars[count, 0], ws.bars[count, 1] = ws.branch[branch].items, ws.branch[branch].node
        count += 1
        branch = ws.branch[branch].parent
    ws.counts[2] = count


@compiled
def overdrawn(live: LiveArrays, ws: Workspace, count: int, out: NDArray[np.int64]) -> int:
    """
    Shipments of a plan, as bits of its rows, that together overdraw a cell of one node, or its stock of a divided line.

    Returns 0 where none do.
    """
    for a in range(count):
        for i in range(ws.counts[3]):
            units, rows, c = 0, 0, ws.node[out[a, S_NODE]].candidate
            for b in range(count):
                if out[b, S_NODE] == out[a, S_NODE] and out[b, S_ITEMS] & ws.divided[i, D_ITEMS]:
                    units += units_in(ws, out[b, S_ITEMS], i)
                    rows |= 1 << b
            if units > ws.cand_units[c, ws.divided[i, D_FIRST]]:
                return rows
        node, day, hour = out[a, S_NODE], out[a, S_DAY], out[a, S_HOUR]
        day_n, day_u, hour_n, hour_u, same_day, same_hour = 0, 0, 0, 0, 0, 0
        for b in range(count):
            if out[b, S_NODE] == node and out[b, S_DAY] == day:
                day_n += 1
                day_u += out[b, S_UNITS]
                same_day |= 1 << b
                if out[b, S_HOUR] == hour:
                    hour_n += 1
                    hour_u += out[b, S_UNITS]
                    same_hour |= 1 << b
        if day_n < 2:
            continue
        if live.day[node, day].orders + day_n > live.day[node, day].orders_max:
            return same_day
        if live.day[node, day].units + day_u > live.day[node, day].units_max:
            return same_day
        h = live.hour_node[node]
        if h >= 0 and (
            live.hour[h, day, hour].orders + hour_n > live.hour[h, day, hour].orders_max
            or live.hour[h, day, hour].units + hour_u > live.hour[h, day, hour].units_max
        ):
            return same_hour
    return 0


@compiled
def branch_off(ws: Workspace, parent: int, number: int, rows: int, out: NDArray[np.int64], cents: int) -> int:
    """
    Open a branch for each of the rows of a plan that collide, none of whose plans costs less than `cents`.

    Returns the number of branches then, of which `number` were there before; -1 where there is no room for them.
    """
    row = 0
    while rows:
        if rows & 1:
            if number == BRANCHES_MAX:
                return -1
            ws.branch[number].parent = parent
            ws.branch[number].items, ws.branch[number].node = out[row, S_ITEMS], out[row, S_NODE]
            ws.branch[number].cents, ws.branch[number].state = cents, OPEN
            number += 1
        rows >>= 1
        row += 1
    return number


@compiled
def next_branch(ws: Workspace, number: int) -> int:
    """The open branch whose plans may cost least, the first of them; -1 none."""
    best = -1
    for b in range(number):
        if ws.branch[b].state == OPEN and (best < 0 or ws.branch[b].cents < ws.branch[best].cents):
            best = b
    return best

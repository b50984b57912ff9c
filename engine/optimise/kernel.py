"""
Exact sourcing of one order under prices.

A search finds the best plan (search.py; portions.py where lines come in many units). Where that overdraws what a node
can do in an hour or a day, or its stock of a divided line, further searches do without one of those shipments or
another (bars.py), and the best of their plans that overdraws nothing is the answer. Where that takes too many, the
kernel says COLLIDES.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.network.records import Net
from engine.optimise.bars import CLOSED, bar, branch_off, next_branch, overdrawn
from engine.optimise.portions import search_portions
from engine.optimise.routes import pick_of
from engine.optimise.search import search
from engine.optimise.tables import F_PORTIONS, O_FLAGS
from engine.optimise.workspace import (
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    S_AT_PLACE,
    S_CENTS,
    S_DAY,
    S_DELIVER,
    S_HOUR,
    S_ID,
    S_ITEMS,
    S_KIND,
    S_NODE,
    S_PICK,
    S_SHIP,
    S_UNITS,
    Inputs,
)
from engine.promise.clock import first_handover

OPTIMAL, INFEASIBLE, COLLIDES = 0, 1, 2


@inlined
def _ship_s(net: Net, kind: int, node: int, route: int, release: int, end: int) -> int:
    """When a chosen shipment is handed over: to the carrier, to the transfer, or ready from own stock."""
    if kind == KIND_CARRIER:
        schedule = net.schedule[node, route]
        at = first_handover(net.handover, schedule.row_from, schedule.row_to, end, release)
        return net.handover[at].leave_s
    if kind == KIND_LANE:
        at = first_handover(net.departure, net.lane[route].row_from, net.lane[route].row_to, end, release)
        return net.departure[at].leave_s
    return end


@compiled
def write(inputs: Inputs, o: NDArray[np.int64], out: NDArray[np.int64]) -> tuple[int, int]:
    """Write the plan of the last search into `out`; its number of shipments and row of the place, or -1."""
    net, ws = inputs.net, inputs.ws
    count = ws.best[4]
    uses_place = False
    for i in range(count):
        t, kind, c, route, at_place, cents, deliver = ws.chosen[i]
        release, start, end, segment = pick_of(inputs, o, t, c)
        node = ws.candidate[c].node
        out[i, S_KIND] = kind
        out[i, S_NODE] = node
        out[i, S_ID] = route
        out[i, S_ITEMS] = t
        out[i, S_AT_PLACE] = at_place
        out[i, S_CENTS] = cents
        out[i, S_PICK] = start
        out[i, S_DAY] = net.segment[segment].day
        out[i, S_HOUR] = net.segment[segment].hour
        out[i, S_SHIP] = _ship_s(net, kind, node, route, release, end)
        out[i, S_DELIVER] = deliver
        out[i, S_UNITS] = ws.set[t].units
        uses_place |= at_place == 1
    return count, ws.best[3] if uses_place else -1


@compiled
def _search(inputs: Inputs, o: NDArray[np.int64]) -> bool:
    """The best plan without what is barred, whether or not it overdraws a node."""
    if o[O_FLAGS] & F_PORTIONS:
        return search_portions(inputs, o)
    return search(inputs, o)


@compiled
def _alike(rows: int, out: NDArray[np.int64]) -> bool:
    """Whether two of the shipments hold the same set, as portions do, so that to bar one is to bar both."""
    alike = False
    for a in range(len(out)):
        for b in range(a):
            if rows >> a & 1 and rows >> b & 1:
                alike |= out[a, S_ITEMS] == out[b, S_ITEMS]
    return alike


@compiled
def _apart(inputs: Inputs, o: NDArray[np.int64], out: NDArray[np.int64], rows: int) -> tuple[int, int, int, int]:
    """
    The best plan that overdraws no cell, where rows of the best one do: branch and bound over pairs to do without.

    Ends with the search of the plan it returns, so that ws tells of that; COLLIDES where branches do not suffice.
    """
    live, ws = inputs.live, inputs.ws
    least = ws.best[0]
    number = -1 if _alike(rows, out) else branch_off(ws, np.int64(-1), np.int64(0), rows, out, least)
    cost, by, shipments, kept = INFINITE, INFINITE, INFINITE, -1
    while number >= 0:
        b = next_branch(ws, number)
        if b < 0 or ws.branch[b].cents > cost or (ws.branch[b].cents == cost and ws.counts[3] > 0):
            break  # pieces are alike, so that plans as good are many
        ws.branch[b].state = CLOSED
        bar(ws, b)
        found_any = _search(inputs, o)
        if ws.best[6]:
            number = -1
        if number < 0 or not found_any or ws.best[0] > cost:
            continue
        count, _ = write(inputs, o, out)
        rows = overdrawn(live, ws, count, out)
        if rows:
            number = -1 if _alike(rows, out) else branch_off(ws, b, number, rows, out, ws.best[0])
        elif ws.best[0] < cost or ws.best[1] < by or (ws.best[1] == by and ws.best[2] < shipments):
            cost, by, shipments, kept = ws.best[0], ws.best[1], ws.best[2], b
    if number < 0:
        return COLLIDES, least, 0, -1
    if kept < 0:
        return INFEASIBLE, 0, 0, -1
    bar(ws, kept)
    _search(inputs, o)
    count, place = write(inputs, o, out)
    return OPTIMAL, cost, count, place


@compiled
def solve(inputs: Inputs, row: int, out: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """
    Decide one order.

    Parameters
    ----------
    row
        The order's row in inputs.orders.table.
    out
        (ITEMS_MAX, S_FIELDS) int64: the shipments.

    Returns
    -------
    status, cost in cents (a lower bound if COLLIDES), number of shipments, row of the place in orders.places or -1
    """
    ws = inputs.ws
    o = inputs.orders.table[row]
    ws.counts[2] = 0
    found_any = _search(inputs, o)
    if ws.best[6]:  # what was found, if anything, need not be the best: the lower bound is none
        return COLLIDES, -INFINITE, 0, -1
    if not found_any:
        return INFEASIBLE, 0, 0, -1
    cost = ws.best[0]
    count, place = write(inputs, o, out)
    rows = overdrawn(inputs.live, ws, count, out)
    if rows == 0:
        return OPTIMAL, cost, count, place
    found = _apart(inputs, o, out, rows)
    ws.counts[2] = 0
    return found


@compiled
def decide_row(block: NDArray[np.int64], row: int, out: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Like `solve`, for who comes from Python: with the block of Inputs."""
    return solve(opened(block, Inputs), row, out)

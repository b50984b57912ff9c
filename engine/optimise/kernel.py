"""
Exact sourcing of one order under prices: every way to serve every set of its items, then the best partition.

    w(T)  = least cost of one shipment of the items T over nodes, services and lanes          cost (2, 2**n) int64
    g(S)  = min over T of S that holds the lowest item of S of  w(T) + split + g(S - T)       plan_cost (., 2**n) int64

for the home target, and again with each candidate place (then w is the better of home and place, and the trip is
added). O(K 2^n + 3^n) for bounds on w that are nearly exact, then w itself where a best plan may need it. Two shipments
at one node share its capacity: a search ignores that; where the best plan overdraws a cell, further searches do without
one of those shipments or the other (bars.py), and the best of their plans that overdraws none is the answer. Where that
takes too many, the kernel says COLLIDES. Arrays: Inputs in workspace.py, and what it names.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import weigh
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.network.records import Net
from engine.optimise.bars import CLOSED, bar, branch_off, next_branch, overdrawn
from engine.optimise.bounds import bound_places, bound_sets, list_alive, shift_of, slacken
from engine.optimise.candidates import find_candidates, find_few, find_useful, least_node, measure_all, measure_items
from engine.optimise.cells import find_cells, price_classes
from engine.optimise.home import bound_home, home_plans, ship_exactly
from engine.optimise.partition import take_best, take_whole, unserved
from engine.optimise.places import any_way, list_node, mixed, trip_cents, want_places, whole_places
from engine.optimise.routes import pick_of
from engine.optimise.shipments import home_kinds, place_pass, try_few
from engine.optimise.tables import (
    F_PARTIAL,
    O_FLAGS,
    O_ITEMS,
    O_LINE_FROM,
    O_LINE_TO,
    O_MAX_SHIPMENTS,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_SPLIT,
    W_SPLIT,
)
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
    Workspace,
)
from engine.promise.clock import first_handover

OPTIMAL, INFEASIBLE, COLLIDES = 0, 1, 2


@compiled
def _start(o: NDArray[np.int64], ws: Workspace) -> None:
    """Empty the answers."""
    for i in range(6):
        ws.best[i] = 0
    ws.best[0], ws.best[1], ws.best[3] = INFINITE, INFINITE, -1
    for t in range(1 << o[O_ITEMS]):
        ws.best_of[0, t].cost = INFINITE
        ws.best_of[0, t].deliver = INFINITE
        ws.best_of[0, t].candidate = 0


@compiled
def _all_held(ws: Workspace, full: int) -> bool:
    """Whether every item is to be had somewhere."""
    held = 0
    for c in range(ws.clock[1]):
        held |= ws.candidate[c].items
        if held == full:
            return True
    return False


@inlined
def _copy_home(ws: Workspace, t: int) -> None:
    """Row 1 of a set starts as row 0."""
    ws.best_of[1, t].cost = ws.best_of[0, t].cost
    ws.best_of[1, t].deliver = ws.best_of[0, t].deliver
    ws.best_of[1, t].kind = ws.best_of[0, t].kind
    ws.best_of[1, t].candidate = ws.best_of[0, t].candidate
    ws.best_of[1, t].id = ws.best_of[0, t].id
    ws.best_of[1, t].at_place = ws.best_of[0, t].at_place


@compiled
def _prepare_home(inputs: Inputs, o: NDArray[np.int64], split: int, few: int) -> None:
    """
    Carrier bounds of every set and class, and how dear a row of stock may be.

    That comes from a first plan: from the nodes in ws.few, what looks cheapest, and the best stocked ones.
    """
    net, pol, live, reach, ws = inputs.net, inputs.pol, inputs.live, inputs.reach, inputs.ws
    parcels, couriers = home_kinds(net, o)
    find_cells(o, reach.floors, ws, parcels | couriers)
    price_classes(inputs, o)
    full = (1 << o[O_ITEMS]) - 1
    if few < 0 or ws.set[full].valid == 0:
        return
    node = least_node(inputs, o) if o[O_LINE_TO] - o[O_LINE_FROM] == 1 else -1
    if node >= 0:
        few = list_node(ws, node, few)
    else:
        for hub in live.hubs:
            few = list_node(ws, hub, few)
    if find_few(inputs, o, few) == 0:
        return
    whole_places(inputs, o)
    best = min(ws.best[0], try_few(inputs, o, parcels, couriers))
    ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = INFINITE, INFINITE, 0, -1, 0
    if best < INFINITE:
        slacken(pol, o, ws, best, split)


@compiled
def search(inputs: Inputs, o: NDArray[np.int64]) -> bool:
    """Fill ws.best and ws.chosen; False where no plan exists."""
    pol, orders, ws = inputs.pol, inputs.orders, inputs.ws
    full = (1 << o[O_ITEMS]) - 1
    partial = o[O_FLAGS] & F_PARTIAL != 0
    home = o[O_SLOT] >= 0
    zero, none, one = np.int64(0), np.int64(-1), np.int64(1)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    ws.clock[2] += 1
    _start(o, ws)
    measure_items(inputs, o)
    measure_all(o[O_ITEMS], ws)
    bound_sets(pol, o, ws)
    few, anyone = want_places(inputs, o)
    if home:
        _prepare_home(inputs, o, split, none if partial or anyone or ws.counts[3] > 0 else few)
        count = find_useful(inputs, o)
    elif anyone:
        count = find_candidates(inputs, o)
    else:
        count = find_few(inputs, o, few)
    if count == 0:
        return False
    if not partial and not _all_held(ws, full):
        return False
    shift = shift_of(o, ws)
    if home:
        shift = bound_home(inputs, o, shift)
        if ws.set[full].valid:
            ship_exactly(inputs, o, full, shift)
            take_whole(ws, zero, full, zero, none)
    least_extra = whole_places(inputs, o)
    if o[O_ITEMS] > 1 and (partial or o[O_MAX_SHIPMENTS] > 1):
        if least_extra >= 0:
            bound_places(pol, o, ws, anyone)
        upper = np.int64(ws.best[0])
        if home and upper >= INFINITE and least_extra >= 0 and o[O_MAX_SHIPMENTS] > 1:
            upper = mixed(inputs, o, split, shift)
        if home or least_extra >= 0:
            home_plans(inputs, o, split, least_extra, upper, shift)
        if home:
            take_best(o, ws, zero, full, split, zero, none)
        for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
            place = orders.places[p]
            extra = np.int64(trip_cents(pol, o, place))
            alive = list_alive(o, ws, ws.best[0], extra, shift)
            if alive == 0:
                continue
            for t in range(1, full + 1):
                _copy_home(ws, t)
            place_pass(inputs, o, place, alive)
            take_best(o, ws, one, full, split, extra, p)
    if partial and not ws.best[5] and any_way(inputs, o, shift):
        ws.best[5] = 1
    if partial and (ws.best[5] or ws.counts[2] > 0):  # only plans of several shipments have any barred
        everything = unserved(ws, full)
        if everything < ws.best[0]:
            ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = everything, 0, 0, -1, 0
    return ws.best[0] < INFINITE


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
def _write(inputs: Inputs, o: NDArray[np.int64], out: NDArray[np.int64]) -> tuple[int, int]:
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
def _apart(inputs: Inputs, o: NDArray[np.int64], out: NDArray[np.int64], rows: int) -> tuple[int, int, int, int]:
    """
    The best plan that overdraws no cell, where rows of the best one do: branch and bound over pairs to do without.

    Ends with the search of the plan it returns, so that ws tells of that; COLLIDES where branches do not suffice.
    """
    net, live, ws = inputs.net, inputs.live, inputs.ws
    least = ws.best[0]
    number = branch_off(ws, np.int64(-1), np.int64(0), rows, out, least)
    cost, by, shipments, kept = INFINITE, INFINITE, INFINITE, -1
    while number >= 0:
        b = next_branch(ws, number)
        if b < 0 or ws.branch[b].cents > cost or (ws.branch[b].cents == cost and ws.counts[3] > 0):
            break  # pieces are alike, so that plans as good are many
        ws.branch[b].state = CLOSED
        bar(ws, b)
        if not search(inputs, o) or ws.best[0] > cost:
            continue
        count, _ = _write(inputs, o, out)
        rows = overdrawn(net, live, ws, count, out)
        if rows:
            number = branch_off(ws, b, number, rows, out, ws.best[0])
        elif ws.best[0] < cost or ws.best[1] < by or (ws.best[1] == by and ws.best[2] < shipments):
            cost, by, shipments, kept = ws.best[0], ws.best[1], ws.best[2], b
    if number < 0:
        return COLLIDES, least, 0, -1
    if kept < 0:
        return INFEASIBLE, 0, 0, -1
    bar(ws, kept)
    search(inputs, o)
    count, place = _write(inputs, o, out)
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
    if not search(inputs, o):
        return INFEASIBLE, 0, 0, -1
    cost = ws.best[0]
    count, place = _write(inputs, o, out)
    rows = overdrawn(inputs.net, inputs.live, ws, count, out)
    if rows == 0:
        return OPTIMAL, cost, count, place
    found = _apart(inputs, o, out, rows)
    ws.counts[2] = 0
    return found


@compiled
def decide_row(block: NDArray[np.int64], row: int, out: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Like `solve`, for who comes from Python: with the block of Inputs."""
    return solve(opened(block, Inputs), row, out)

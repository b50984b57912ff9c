"""
Exact sourcing of one order under prices: every way to serve every set of its items, then the best partition.

    w(T)  = least cost of one shipment of the items T over nodes, services and lanes          cost (2, 2**n) int64
    g(S)  = min over T of S that holds the lowest item of S of  w(T) + split + g(S - T)       plan_cost (., 2**n) int64

for the home target, and again with each candidate place (then w is the better of home and place, and the trip is
added). O(K 2^n + 3^n) for bounds on w that are nearly exact, then w itself where a best plan may need it. Two shipments
at one node share stock and capacity: the kernel ignores that, checks its answer, and says COLLIDES if it matters; the
answer is then a lower bound. Arrays: Inputs in workspace.py, and what it names.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import weigh
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.records import Net
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
        _prepare_home(inputs, o, split, none if partial or anyone else few)
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
    if partial and ws.best[5]:
        everything = unserved(ws, full)
        if everything < ws.best[0]:
            ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = everything, 0, 0, -1, 0
    return ws.best[0] < INFINITE


@compiled
def _collides(net: Net, live: LiveArrays, count: int, out: NDArray[np.int64]) -> bool:
    """Whether two shipments of the plan together overdraw a cell of one node."""
    for a in range(count):
        node, day, hour = out[a, S_NODE], out[a, S_DAY], out[a, S_HOUR]
        day_n, day_u, hour_n, hour_u = 0, 0, 0, 0
        for b in range(count):
            if out[b, S_NODE] == node and out[b, S_DAY] == day:
                day_n += 1
                day_u += out[b, S_UNITS]
                if out[b, S_HOUR] == hour:
                    hour_n += 1
                    hour_u += out[b, S_UNITS]
        if day_n < 2:
            continue
        if live.day[node, day].orders + day_n > net.node[node].cap_day_orders:
            return True
        if live.day[node, day].units + day_u > net.node[node].cap_day_units:
            return True
        h = live.hour_node[node]
        if h >= 0 and (
            live.hour[h, day, hour].orders + hour_n > net.node[node].cap_hour_orders
            or live.hour[h, day, hour].units + hour_u > net.node[node].cap_hour_units
        ):
            return True
    return False


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
    net, live, orders, ws = inputs.net, inputs.live, inputs.orders, inputs.ws
    o = orders.table[row]
    if not search(inputs, o):
        return INFEASIBLE, 0, 0, -1
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
    place = ws.best[3] if uses_place else -1
    return (COLLIDES if _collides(net, live, count, out) else OPTIMAL), ws.best[0], count, place


@compiled
def decide_row(block: NDArray[np.int64], row: int, out: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Like `solve`, for who comes from Python: with the block of Inputs."""
    return solve(opened(block, Inputs), row, out)

"""
One search of the kernel: every way to serve every set of an order's items, then the best partition.

    w(T)  = least cost of one shipment of the items T, over nodes, services and lanes         best_of (2, 2**n) BEST_OF
    g(S)  = min over T of S that holds the lowest item of S of  w(T) + split + g(S - T)        plan (., 2**n) PLAN

for the home target, and again with each candidate place (then w is the better of home and place, and the trip is
added). O(K 2^n + 3^n) for bounds on w that are nearly exact, then w itself where a best plan may need it. Two shipments
at one node share its capacity, which a search ignores. Arrays: Inputs in workspace.py, and what it names.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import weigh
from engine.network.jit import compiled, inlined
from engine.optimise.bounds import bound_places, bound_sets, list_alive, shift_of, slacken
from engine.optimise.candidates import find_candidates, find_few, find_useful, least_node, measure_all, measure_items
from engine.optimise.cells import find_cells, price_classes
from engine.optimise.home import bound_home, home_plans, ship_exactly
from engine.optimise.partition import take_best, take_whole, unserved
from engine.optimise.places import any_way, list_node, mixed, trip_cents, want_places, whole_places
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
    Inputs,
    Workspace,
)


@compiled
def start(o: NDArray[np.int64], ws: Workspace) -> None:
    """Empty the answers."""
    for i in range(7):
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
def copy_home(ws: Workspace, t: int) -> None:
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
def begin(inputs: Inputs, o: NDArray[np.int64], split: int) -> tuple[int, bool]:
    """Forget the last order, measure this one, number its candidates; how many, and whether any may serve places."""
    ws, none = inputs.ws, np.int64(-1)
    ws.clock[2] += 1
    start(o, ws)
    measure_items(inputs, o)
    measure_all(o[O_ITEMS], ws)
    bound_sets(inputs.pol, o, ws)
    few, anyone = want_places(inputs, o)
    if o[O_SLOT] >= 0:
        whole = o[O_FLAGS] & F_PARTIAL == 0 and ws.counts[3] == 0
        _prepare_home(inputs, o, split, few if whole and not anyone else none)
        return find_useful(inputs, o), anyone
    if anyone:
        return find_candidates(inputs, o), anyone
    return find_few(inputs, o, few), anyone


@compiled
def search(inputs: Inputs, o: NDArray[np.int64]) -> bool:
    """Fill ws.best and ws.chosen; False where no plan exists."""
    pol, orders, ws = inputs.pol, inputs.orders, inputs.ws
    full = (1 << o[O_ITEMS]) - 1
    partial = o[O_FLAGS] & F_PARTIAL != 0
    home = o[O_SLOT] >= 0
    zero, none, one = np.int64(0), np.int64(-1), np.int64(1)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    count, anyone = begin(inputs, o, split)
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
            upper = np.int64(mixed(inputs, o, split, shift))
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
                copy_home(ws, t)
            place_pass(inputs, o, place, alive)
            take_best(o, ws, one, full, split, extra, p)
    if partial and not ws.best[5] and any_way(inputs, o, shift):
        ws.best[5] = 1
    if partial and (ws.best[5] or ws.counts[2] > 0):  # only plans of several shipments have any barred
        everything = unserved(ws, full)
        if everything < ws.best[0]:
            ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = everything, 0, 0, -1, 0
    return ws.best[0] < INFINITE

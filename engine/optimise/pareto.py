"""
All plans of one order with whole lines that no other beats in cost, deliver_by and CO2e at once.

    W(T)  = shipments of the items T, over nodes, services and lanes, none of which beats another
    L(S)  = the same of  W(T) + L(S - T)  over T of S that hold the lowest item of S; cost and CO2e add up, dates take
            the later one, each shipment after the first costs a split

for the home target, and again with each candidate place (then W holds shipments home and to the place, and the trip
is added to cost and CO2e). A label of L(S) is dropped where even the best that could serve the rest, criterion by
criterion, makes a plan that one already found beats; so plans of the most promising nodes alone come first. Two
shipments that share a cell of capacity are told apart (engine/optimise/labels.py), so every plan is feasible as it is.
Arrays: engine/network/records.py, live.py, engine/optimise/tables.py, workspace.py, labels.py.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.network.model import Offer
from engine.network.records import OFFER_BIT
from engine.network.rows import Reach
from engine.optimise.candidates import find_candidates, measure_all, measure_items
from engine.optimise.labels import (
    C_ALIVE,
    C_CUT,
    C_HOME,
    C_LIMIT,
    C_MOST,
    C_PLACE,
    C_POINT,
    C_STEP,
    C_WORK,
    Labels,
    clear,
    copy_ship,
)
from engine.optimise.pareto_joins import go_on_joining, start_joins
from engine.optimise.pareto_ships import home_ships, place_ships, point_ships
from engine.optimise.partition import num_bits
from engine.optimise.routes import carbon_cents
from engine.optimise.tables import (
    F_PLACE_CHOSEN,
    O_FLAGS,
    O_ITEMS,
    O_MAX_SHIPMENTS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_SPLIT,
    P_TRIP_BASE,
    P_TRIP_CO2E,
    P_TRIP_KM,
    PL_DISTANCE,
    PL_NODE,
    W_SPLIT,
    W_TRIP,
    Orders,
    Pol,
)
from engine.optimise.workspace import Inputs, Workspace

START, TO_HOME, TO_PLACE, JOIN, DONE = range(5)  # steps of a search
_PICKUP = OFFER_BIT[Offer.PICKUP]


@compiled
def _list_sets(o: NDArray[np.int64], ws: Workspace, target: int) -> int:
    """List in ws.alive the sets that may be a shipment of a plan for the target."""
    count = 0
    for t in range(1, target + 1):
        if t & ~target or ws.set[t].valid == 0:
            continue
        if t != target and (o[O_MAX_SHIPMENTS] < 2 or ws.set[t].value_cents < o[O_MIN_VALUE]):
            continue
        ws.alive[count] = t
        count += 1
    return count


@compiled
def _start_row(ws: Workspace, lab: Labels, num_alive: int) -> None:
    """Row 1 starts with all shipments home; those of row 0 stay as they are for the next place."""
    for i in range(num_alive):
        t = ws.alive[i]
        low = t * lab.state[C_LIMIT]
        lab.num_ship[1, t] = lab.num_ship[0, t]
        for j in range(low, low + lab.num_ship[0, t]):
            copy_ship(lab.ship[1], j, lab.ship[0], j)


@inlined
def _trip(pol: Pol, o: NDArray[np.int64], orders: Orders, p: int) -> tuple[int, int]:
    """Cents and grams of the customer's trip to a place: nothing home, or where the customer chose it."""
    if p < 0 or o[O_FLAGS] & F_PLACE_CHOSEN:
        return 0, 0
    metres = orders.places[p, PL_DISTANCE]
    grams = rounded(2 * metres * pol.scalar[P_TRIP_CO2E], 1000)
    cents = weigh(pol.scalar[P_TRIP_BASE] + rounded(pol.scalar[P_TRIP_KM] * metres, 1000), pol.weight[W_TRIP])
    return cents + carbon_cents(pol, grams), grams


@compiled
def _rank(o: NDArray[np.int64], ws: Workspace, lab: Labels, reach: Reach, target: int, few: int) -> None:
    """Start with a few candidates: those that hold most, near ones before others."""
    rank, number = lab.rank, ws.clock[1]
    lab.state[C_MOST] = min(number, few)
    for c in range(number):
        rank[0, c], rank[1, c] = c, -num_bits(ws.candidate[c].items & target) << 40
        if o[O_SLOT] >= 0:
            rank[1, c] += int(reach.distance_m[o[O_SLOT], ws.candidate[c].node])
    for r in range(lab.state[C_MOST] if lab.state[C_MOST] < number else 0):
        first = r
        for c in range(r + 1, number):
            if rank[1, c] < rank[1, first]:
                first = c
        rank[0, r], rank[0, first] = rank[0, first], rank[0, r]
        rank[1, r], rank[1, first] = rank[1, first], rank[1, r]


@compiled
def _begin(inputs: Inputs, o: NDArray[np.int64], lab: Labels, target: int, few: int) -> int:
    """Forget the last order and see who holds what of this one; the first step."""
    reach, ws = inputs.reach, inputs.ws
    clear(lab, o[O_ITEMS])
    if find_candidates(inputs, o) == 0:
        return DONE
    measure_items(inputs, o)
    measure_all(o[O_ITEMS], ws)
    _rank(o, ws, lab, reach, target, few)
    lab.state[C_ALIVE] = _list_sets(o, ws, target)
    lab.state[C_HOME] = 0
    return _first_place(inputs, o, lab)


@compiled
def _first_place(inputs: Inputs, o: NDArray[np.int64], lab: Labels) -> int:
    """Start with home, or where the customer collects; the step to be done there."""
    lab.state[C_PLACE], lab.state[C_CUT] = -1, 0
    return TO_HOME if o[O_SLOT] >= 0 else _next_place(inputs, o, lab)


@compiled
def _next_place(inputs: Inputs, o: NDArray[np.int64], lab: Labels) -> int:
    """Turn to the next place where customers may collect; the step to be done there."""
    net, orders, ws = inputs.net, inputs.orders, inputs.ws
    p = max(lab.state[C_PLACE] + 1, o[O_PLACE_FROM])
    while p < o[O_PLACE_TO] and net.node[orders.places[p, PL_NODE]].offers & _PICKUP == 0:
        p += 1
    lab.state[C_PLACE], lab.state[C_POINT] = p, 0
    if p >= o[O_PLACE_TO]:
        return DONE
    _start_row(ws, lab, lab.state[C_ALIVE])
    return TO_PLACE


@compiled
def find_options(
    block: NDArray[np.int64], room: NDArray[np.int64], order: int, target: int, few: int, work: int
) -> bool:
    """
    Go on filling the labels' `found` with the plans of one order that no other beats.

    Parameters
    ----------
    block, room
        Of Inputs, and of Labels: set state[C_STEP] to START before the first call, and find the plans there.
    order
        Its row in orders.table.
    target
        The items to serve; all others are left out, at no price.
    few
        How many nodes to look at before all others: their plans rule out much of what those could add.
    work
        About how many shipments to price and parts to join before a pause.

    Returns
    -------
    Whether the search has ended. Plans may be missing where it has not, or where state[C_CUT] says that labels
    were dropped for want of room.
    """
    inputs: Inputs = opened(block, Inputs)
    pol, live = inputs.pol, inputs.live
    orders, ws, lab = inputs.orders, inputs.ws, opened(room, Labels)
    o, state, one = orders.table[order], lab.state, np.int64(1)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    state[C_WORK] = work
    if state[C_STEP] == START:
        state[C_STEP] = _begin(inputs, o, lab, target, few)
    while state[C_STEP] != DONE and state[C_WORK] > 0:
        p = state[C_PLACE]
        cents, grams = _trip(pol, o, orders, p)
        if state[C_STEP] == JOIN:
            if go_on_joining(live, o, lab, one, target, split, cents, grams, p):
                state[C_STEP] = _next_place(inputs, o, lab)
                if state[C_STEP] == DONE and state[C_MOST] < ws.clock[1]:
                    state[C_MOST] = ws.clock[1]
                    state[C_STEP] = _first_place(inputs, o, lab)
            continue
        if state[C_STEP] == TO_HOME:
            ended = home_ships(inputs, o, lab, state[C_ALIVE], target)
            if ended:
                _start_row(ws, lab, state[C_ALIVE])
        else:
            if state[C_POINT] == 0:  # there is work left here, so that this is not come back to
                place_ships(inputs, o, lab, orders.places[p], state[C_ALIVE], target)
            ended = point_ships(inputs, o, lab, orders.places[p], state[C_ALIVE], target)
        if ended:
            start_joins(lab, one, target, split, cents, grams, p)
            state[C_STEP] = JOIN
    return state[C_STEP] == DONE

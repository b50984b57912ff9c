"""Plans that end at candidate places, as far as a first plan, and the nodes that places are served from."""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.network.jit import compiled, inlined
from engine.optimise.bounds import is_small
from engine.optimise.codes import POINT
from engine.optimise.home import ship_exactly
from engine.optimise.partition import take_whole
from engine.optimise.routes import carbon_cents
from engine.optimise.shipments import place_pass
from engine.optimise.tables import (
    F_PLACE_CHOSEN,
    O_FLAGS,
    O_ITEMS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_TRIP_BASE,
    P_TRIP_CO2E,
    P_TRIP_KM,
    PL_DISTANCE,
    PL_NODE,
    W_TRIP,
    Pol,
)
from engine.optimise.workspace import INFINITE, NEVER, Inputs, Workspace


@inlined
def trip_way_cents(pol: Pol, place: NDArray[np.int64]) -> int:
    """Weighted price of the customer's trip to a place."""
    way = rounded(pol.scalar[P_TRIP_KM] * place[PL_DISTANCE], 1000)
    return weigh(pol.scalar[P_TRIP_BASE] + way, pol.weight[W_TRIP])


@inlined
def trip_carbon_cents(pol: Pol, place: NDArray[np.int64]) -> int:
    """And of its emissions, there and back."""
    return carbon_cents(pol, rounded(2 * place[PL_DISTANCE] * pol.scalar[P_TRIP_CO2E], 1000))


@inlined
def trip_cents(pol: Pol, o: NDArray[np.int64], place: NDArray[np.int64]) -> int:
    """What the customer's trip to a place costs the plan: nothing where the customer chose it."""
    if o[O_FLAGS] & F_PLACE_CHOSEN:
        return 0
    return trip_way_cents(pol, place) + trip_carbon_cents(pol, place)


@inlined
def list_node(ws: Workspace, node: int, count: int) -> int:
    """Add a node to ws.few, once."""
    if ws.node[node].listed == ws.clock[2]:
        return count
    ws.node[node].listed = ws.clock[2]
    ws.few[count] = node
    return count + 1


@compiled
def want_places(inputs: Inputs, o: NDArray[np.int64]) -> tuple[int, bool]:
    """
    Mark and list in ws.few the nodes that candidate places are served from.

    Returns how many, and whether it may be any node.
    """
    net, orders, ws = inputs.net, inputs.orders, inputs.ws
    count, anyone = 0, False
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p, PL_NODE]
        count = list_node(ws, place, count)
        for i in range(net.node[place].lane_from, net.node[place].lane_to):
            count = list_node(ws, net.lane[net.lanes_in[i]].origin, count)
        anyone |= net.node[place].kind == POINT
    for i in range(count):
        ws.node[ws.few[i]].wanted = ws.clock[2]
    return count, anyone


@compiled
def _bring(inputs: Inputs, o: NDArray[np.int64], place: NDArray[np.int64], t: np.int64, cap: np.int64) -> bool:
    """Find the cheapest shipment of a set to a place, as row 1 of ws.best_of; False where none keeps to the cap."""
    ws = inputs.ws
    ws.best_of[1, t].cost, ws.best_of[1, t].deliver, ws.best_of[1, t].candidate = INFINITE, INFINITE, 0
    ws.set[t].cap_cents = cap
    ws.alive[0] = t
    place_pass(inputs, o, place, np.int64(1))
    return ws.best_of[1, t].cost < INFINITE


@compiled
def whole_places(inputs: Inputs, o: NDArray[np.int64]) -> int:
    """Plans of one shipment to a place; returns the least trip cost of any place, -1 without places."""
    pol, orders, ws = inputs.pol, inputs.orders, inputs.ws
    full = np.int64((1 << o[O_ITEMS]) - 1)
    least_extra = -1
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p]
        extra = trip_cents(pol, o, place)
        least_extra = extra if least_extra < 0 else min(least_extra, extra)
        if ws.set[full].valid:
            cap = np.int64(ws.best[0] - extra if ws.best[0] < INFINITE else INFINITE - 1)
            _bring(inputs, o, place, full, cap)
            take_whole(ws, np.int64(1), full, extra, p)
    return least_extra


@compiled
def mixed(inputs: Inputs, o: NDArray[np.int64], split: int, shift: int) -> int:
    """What a plan costs that takes all that a place has itself to there, and the rest home."""
    pol, orders, ws = inputs.pol, inputs.orders, inputs.ws
    full, best = (1 << o[O_ITEMS]) - 1, INFINITE
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p]
        node = place[PL_NODE]
        own = ws.node[node].candidate if ws.node[node].mark == ws.clock[0] else -1
        t = ws.candidate[own].items if own >= 0 else 0
        rest = full ^ t
        if t == 0 or rest == 0 or min(ws.set[t].value_cents, ws.set[rest].value_cents) < o[O_MIN_VALUE]:
            continue
        if ws.set[t].valid == 0 or ws.value[rest] >= NEVER:
            continue
        if not _bring(inputs, o, place, np.int64(t), np.int64(INFINITE - 1)):
            continue
        ship_exactly(inputs, o, rest, shift)
        if ws.best_of[0, rest].cost < INFINITE:
            cost = ws.best_of[1, t].cost + ws.best_of[0, rest].cost
            best = min(best, cost + split + trip_cents(pol, o, place))
    return best


@compiled
def any_way(inputs: Inputs, o: NDArray[np.int64], shift: int) -> bool:
    """Whether anything of the order can be shipped at all, however dear."""
    orders, ws = inputs.orders, inputs.ws
    for t in range(1, 1 << o[O_ITEMS]):
        if ws.set[t].valid == 0:
            continue
        if o[O_SLOT] >= 0 and (ws.value[t] < NEVER or is_small(o, ws, t)):  # a small set may go where nothing else does
            ship_exactly(inputs, o, np.int64(t), shift)
            if ws.best_of[0, t].cost < INFINITE:
                return True
        for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
            if _bring(inputs, o, orders.places[p], np.int64(t), np.int64(INFINITE - 1)):
                return True
    return False

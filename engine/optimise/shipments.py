"""
Third step of the kernel: the best shipment of a set of items that may be worth it, for home and for one place.

Fills ws.best_of[0] (home) and ws.best_of[1] (home or the place at hand). Numbers passed as np.int64 keep numba from
compiling a function again for each literal.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import compiled, inlined
from engine.network.records import Net
from engine.optimise.bars import may_ship
from engine.optimise.codes import (
    COURIER,
    IN,
    M_COLLECT,
    M_DROP,
    M_POINT,
    M_SAME_DAY,
    M_STORE,
    M_TO_STORE,
    M_WAREHOUSE,
    OUT,
    PARCEL,
    PICKUP,
    POINT,
    SAME_DAY,
    SHIP,
    TO_POINT,
    VENDOR,
    WAREHOUSE,
)
from engine.optimise.routes import (
    base_cents,
    carrier_route,
    lane_route,
    own_stock_route,
)
from engine.optimise.tables import (
    O_FLAGS,
    O_ITEMS,
    O_MAX_DISTANCE,
    O_METHODS,
    O_REGION,
    O_SERVICES,
    O_SLOT,
    O_TZ,
    PL_NODE,
    PL_REGION,
    PL_REMOTE,
    PL_SLOT,
    PL_TZ,
)
from engine.optimise.workspace import FIRST, INFINITE, KIND_CARRIER, KIND_LANE, KIND_OWN, NEVER, Inputs, Workspace


@inlined
def home_services(net: Net, o: NDArray[np.int64], node: int, parcels: int, couriers: int) -> int:
    """Services by which a node may deliver to the door."""
    offers, kind = net.node[node].offers, net.node[node].kind
    method = M_WAREHOUSE if kind == WAREHOUSE else (M_DROP if kind == VENDOR else M_STORE)
    out = 0
    if offers & SHIP and o[O_METHODS] >> method & 1:
        out |= parcels
    if offers & SAME_DAY:
        out |= couriers
    return out & net.node[node].services


@inlined
def services_of_kind(net: Net, o: NDArray[np.int64], kind: int) -> int:
    """The order's services of one kind, as bits."""
    out = 0
    for s in range(len(net.service)):
        if net.service[s].kind == kind and o[O_SERVICES] >> s & 1:
            out |= 1 << s
    return out


@inlined
def home_kinds(net: Net, o: NDArray[np.int64]) -> tuple[int, int]:
    """The order's parcel and courier services, as bits."""
    couriers = 0
    if o[O_METHODS] >> M_SAME_DAY & 1:
        couriers = services_of_kind(net, o, np.int64(COURIER))
    return services_of_kind(net, o, np.int64(PARCEL)), couriers


@inlined
def _better(ws: Workspace, row: int, t: int, cost: int, deliver: int, node: int, route: int) -> bool:
    """Lower cost, then earlier, then lower node, then lower service."""
    if cost != ws.best_of[row, t].cost:
        return cost < ws.best_of[row, t].cost
    if deliver != ws.best_of[row, t].deliver:
        return deliver < ws.best_of[row, t].deliver
    held = ws.candidate[ws.best_of[row, t].candidate].node
    return node < held or (node == held and route < ws.best_of[row, t].id)


@inlined
def _keep(
    ws: Workspace, row: int, t: int, cost: int, deliver: int, kind: int, c: int, route: int, at_place: int
) -> None:
    if cost < INFINITE and _better(ws, row, t, cost, deliver, ws.candidate[c].node, route):
        ws.best_of[row, t].cost = cost
        ws.best_of[row, t].deliver = deliver
        ws.best_of[row, t].kind = kind
        ws.best_of[row, t].candidate = c
        ws.best_of[row, t].id = route
        ws.best_of[row, t].at_place = at_place


@inlined
def _home_shipment(
    inputs: Inputs,
    o: NDArray[np.int64],
    t: int,
    c: int,
    zones: NDArray[np.int64],
    distance_m: int,
    services: int,
    cap: int,
) -> None:
    """Try every home service for T from one candidate."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    if not may_ship(ws, t, c):
        return
    base = base_cents(pol, ws, t, c)
    left = services & ws.set[t].services
    for s in range(len(net.service)):
        if left >> s & 1:
            limit = min(ws.best_of[0, t].cost, cap)
            if base > limit:
                return
            cost, deliver = carrier_route(
                inputs, o, t, c, s, zones[s], distance_m, o[O_REGION], o[O_TZ], o[O_FLAGS], np.int64(-1), base, limit
            )
            _keep(ws, np.int64(0), t, cost, deliver, np.int64(KIND_CARRIER), c, s, np.int64(0))


@compiled
def try_few(inputs: Inputs, o: NDArray[np.int64], parcels: int, couriers: int) -> int:
    """What everything costs in one shipment from the best of the candidates, which are few; forgotten after."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    full, cap = (1 << o[O_ITEMS]) - 1, np.int64(INFINITE - 1)
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    first, least, sets = 0, INFINITE, 1 << o[O_ITEMS]
    for c in range(ws.clock[1]):
        node = ws.candidate[c].node
        ws.candidate[c].at = ws.class_at[int(classes[node])]
        if ws.candidate[c].items == full and int(dist[node]) <= o[O_MAX_DISTANCE]:
            cents = base_cents(pol, ws, full, c) + ws.class_price[ws.candidate[c].at * sets + full]
            if cents < least:
                first, least = c, cents
    for i in range(ws.clock[1]):  # the one that looks cheapest, then those that may be cheaper
        c = first if i == 0 else (i if i > first else i - 1)
        node = ws.candidate[c].node
        if ws.candidate[c].items != full or int(dist[node]) > o[O_MAX_DISTANCE]:
            continue
        if base_cents(pol, ws, full, c) + ws.class_price[ws.candidate[c].at * sets + full] >= ws.best_of[0, full].cost:
            continue
        services = home_services(net, o, node, parcels, couriers)
        zones = reach.class_zone[int(classes[node])]
        _home_shipment(inputs, o, full, c, zones, int(dist[node]), services, cap)
    best = ws.best_of[0, full].cost
    ws.best_of[0, full].cost, ws.best_of[0, full].deliver, ws.best_of[0, full].candidate = INFINITE, INFINITE, 0
    return best


@compiled
def ship_home(inputs: Inputs, o: NDArray[np.int64], t: int, cap: int, shift: int, parcels: int, couriers: int) -> None:
    """
    The best shipment home of a set into ws.best_of[0], if it costs no more than `cap`; exact.

    Goes by the bounds of bounds.py, the cheapest zone class first, until all that is left is dearer.
    """
    net, reach, ws = inputs.net, inputs.reach, inputs.ws
    dist, sets = reach.distance_m[o[O_SLOT]], 1 << o[O_ITEMS]
    for at in range(ws.counts[1]):
        ws.class_left[at] = ws.bound[at * sets + t] if ws.class_first[at] < ws.class_first[at + 1] else NEVER
    while True:
        limit = min(min(ws.best_of[0, t].cost, cap) >> shift, NEVER - 1)
        chosen = np.int64(-1)
        for at in range(ws.counts[1]):
            if ws.class_left[at] <= limit:
                chosen, limit = np.int64(at), ws.class_left[at]
        if chosen < 0:
            return
        ws.class_left[chosen] = NEVER
        limit = min(ws.best_of[0, t].cost, cap) >> shift
        price = np.int64(ws.class_price[chosen * sets + t]) >> shift
        zones = reach.class_zone[ws.class_of[chosen]]
        for pos in range(ws.class_first[chosen], ws.class_first[chosen + 1]):
            least = price + ws.term[FIRST, pos]
            left, i = t, 0
            while left:
                if left & 1:
                    least += ws.term[i, pos]
                left >>= 1
                i += 1
            if least > limit or least >= NEVER:
                continue
            c = ws.by_class[pos]
            node = ws.candidate[c].node
            services = home_services(net, o, node, parcels, couriers)
            _home_shipment(inputs, o, t, c, zones, int(dist[node]), services, cap)
            limit = min(ws.best_of[0, t].cost, cap) >> shift


@compiled
def place_pass(inputs: Inputs, o: NDArray[np.int64], place: NDArray[np.int64], num_alive: int) -> None:
    """Best shipment that ends at a place of each set in ws.alive, into row 1."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    dist, classes = reach.distance_m[place[PL_SLOT]], reach.zone_class[place[PL_SLOT]]
    node = place[PL_NODE]
    offers, methods = net.node[node].offers, o[O_METHODS]
    one, stamp = np.int64(1), ws.clock[0]
    if offers & PICKUP == 0:
        return
    own = ws.node[node].candidate if ws.node[node].mark == stamp else np.int64(-1)
    if own >= 0 and methods >> M_COLLECT & 1 and net.node[node].kind != POINT:
        for i in range(num_alive):
            t = ws.alive[i]
            if t & ~ws.candidate[own].items == 0 and may_ship(ws, t, own):
                limit = min(ws.best_of[1, t].cost, ws.set[t].cap_cents)
                cost, ready = own_stock_route(inputs, o, t, own, base_cents(pol, ws, t, own), limit)
                _keep(ws, one, t, cost, ready, np.int64(KIND_OWN), own, np.int64(0), one)
    if offers & IN and methods >> M_TO_STORE & 1:
        for j in range(net.node[node].lane_from, net.node[node].lane_to):
            lane = net.lanes_in[j]
            origin = net.lane[lane].origin
            c = ws.node[origin].candidate if ws.node[origin].mark == stamp else np.int64(-1)
            if c < 0 or net.node[origin].offers & OUT == 0:
                continue
            for i in range(num_alive):
                t = ws.alive[i]
                if t & ~ws.candidate[c].items == 0 and may_ship(ws, t, c):
                    limit = min(ws.best_of[1, t].cost, ws.set[t].cap_cents)
                    cost, ready = lane_route(inputs, o, t, c, lane, base_cents(pol, ws, t, c), limit)
                    _keep(ws, one, t, cost, ready, np.int64(KIND_LANE), c, lane, one)
    if net.node[node].kind == POINT and methods >> M_POINT & 1:
        services = services_of_kind(net, o, np.int64(TO_POINT))
        flags = (o[O_FLAGS] & ~3) | (2 if place[PL_REMOTE] else 0)
        for c in range(ws.clock[1]):
            k = ws.candidate[c].node
            if services & net.node[k].services and net.node[k].offers & SHIP:
                zones = reach.class_zone[int(classes[k])]
                left = services & net.node[k].services
                _to_point(inputs, o, place, c, left, zones, int(dist[k]), flags, num_alive)


@compiled
def _to_point(
    inputs: Inputs,
    o: NDArray[np.int64],
    place: NDArray[np.int64],
    c: int,
    services: int,
    zones: NDArray[np.int64],
    distance_m: int,
    flags: int,
    num_alive: int,
) -> None:
    """Carrier services from one candidate to a pickup point."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    region, tz, one = place[PL_REGION], place[PL_TZ], np.int64(1)
    for i in range(num_alive):
        t = ws.alive[i]
        if t & ~ws.candidate[c].items != 0 or not may_ship(ws, t, c):
            continue
        base = base_cents(pol, ws, t, c)
        for s in range(len(net.service)):
            limit = min(ws.best_of[1, t].cost, ws.set[t].cap_cents)
            if services & ws.set[t].services & (1 << s) == 0 or base > limit:
                continue
            cost, ready = carrier_route(
                inputs, o, t, c, s, zones[s], distance_m, region, tz, flags, place[PL_NODE], base, limit
            )
            _keep(ws, one, t, cost, ready, np.int64(KIND_CARRIER), c, s, one)

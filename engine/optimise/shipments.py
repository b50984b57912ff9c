"""
Third step of the kernel: the best shipment of every set of items that may be worth it, for home and for one place.

Fills ws.best_of[0] (home) and ws.best_of[1] (home or the place at hand) from the sets listed in ws.alive, or from one
set. Numbers passed as np.int64 keep numba from compiling a function again for each literal.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import RESIDENTIAL, weigh
from engine.domain.order import METHODS, Method
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.model import NodeKind, Offer, ServiceKind
from engine.network.records import NODE_KIND_CODE, OFFER_BIT, SERVICE_KIND_CODE, Net
from engine.network.rows import Reach
from engine.optimise.routes import (
    base_cents,
    carrier_cents,
    carrier_route,
    lane_route,
    own_stock_route,
)
from engine.optimise.tables import (
    O_FLAGS,
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
    W_CARRIER,
    Pol,
)
from engine.optimise.workspace import (
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    KIND_OWN,
    MEMO_MAX,
    POOL_MAX,
    Workspace,
)

_SHIP, _SAME_DAY = OFFER_BIT[Offer.SHIP], OFFER_BIT[Offer.SAME_DAY]
_PICKUP, _OUT, _IN = OFFER_BIT[Offer.PICKUP], OFFER_BIT[Offer.TRANSFER_OUT], OFFER_BIT[Offer.TRANSFER_IN]
_WAREHOUSE, _VENDOR = NODE_KIND_CODE[NodeKind.WAREHOUSE], NODE_KIND_CODE[NodeKind.VENDOR]
_POINT = NODE_KIND_CODE[NodeKind.PICKUP_POINT]
_PARCEL, _COURIER = SERVICE_KIND_CODE[ServiceKind.PARCEL], SERVICE_KIND_CODE[ServiceKind.COURIER]
_TO_POINT = SERVICE_KIND_CODE[ServiceKind.PICKUP_POINT]
_M_WAREHOUSE = METHODS.index(Method.SHIP_FROM_WAREHOUSE)
_M_STORE = METHODS.index(Method.SHIP_FROM_STORE)
_M_DROP = METHODS.index(Method.DROP_SHIP)
_M_COLLECT = METHODS.index(Method.CLICK_AND_COLLECT)
_M_TO_STORE = METHODS.index(Method.SHIP_TO_STORE)
_M_SAME_DAY = METHODS.index(Method.SAME_DAY)
_M_POINT = METHODS.index(Method.PICKUP_POINT)


@inlined
def home_services(net: Net, o: NDArray[np.int64], node: int, parcels: int, couriers: int) -> int:
    """Services by which a node may deliver to the door."""
    offers, kind = net.node[node].offers, net.node[node].kind
    method = _M_WAREHOUSE if kind == _WAREHOUSE else (_M_DROP if kind == _VENDOR else _M_STORE)
    out = 0
    if offers & _SHIP and o[O_METHODS] >> method & 1:
        out |= parcels
    if offers & _SAME_DAY:
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
def _least_price(
    net: Net, pol: Pol, ws: Workspace, t: int, zones: NDArray[np.int64], cls: int, flags: int, services: int
) -> int:
    """Least carrier price of T over services and eras for nodes of one zone class; a bound for all of them."""
    at = cls << 12 | t
    if at < MEMO_MAX and ws.least[at].stamp == ws.clock[0]:
        return ws.least[at].cents
    least = INFINITE
    for s in range(len(net.service)):
        zone = zones[s]
        if services >> s & 1 == 0 or zone < 0 or pol.transit[s, zone] < 0:
            continue
        for era in range(net.per_kg_cents.shape[1]):
            price = carrier_cents(net, pol, ws, t, s, era, zone, flags, zone >= 0)
            if 0 <= price < least:
                least = price
    if at < MEMO_MAX:
        ws.least[at].stamp = ws.clock[0]
        ws.least[at].cents = least
    return least


@inlined
def _home_shipment(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    t: int,
    c: int,
    cls: int,
    zones: NDArray[np.int64],
    distance_m: int,
    services: int,
    home: int,
) -> None:
    """Try every home service for T from one candidate."""
    limit = min(ws.best_of[0, t].cost, ws.set[t].cap_cents)
    base = base_cents(pol, ws, t, c)
    if base > limit:
        return
    flags = o[O_FLAGS]
    least = _least_price(net, pol, ws, t, zones, cls, flags, ws.set[t].services & home)
    if base + least > limit:
        return
    left = services & ws.set[t].services
    for s in range(len(net.service)):
        if left >> s & 1:
            limit = min(ws.best_of[0, t].cost, ws.set[t].cap_cents)
            cost, deliver = carrier_route(
                net,
                pol,
                live,
                o,
                ws,
                t,
                c,
                s,
                zones[s],
                distance_m,
                o[O_REGION],
                o[O_TZ],
                flags,
                np.int64(-1),
                base,
                limit,
            )
            _keep(ws, np.int64(0), t, cost, deliver, np.int64(KIND_CARRIER), c, s, np.int64(0))


@compiled
def home_pass(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    reach: Reach,
    num_alive: int,
    items_min: int,
    nodes_max: int,
) -> None:
    """Best home shipment of each set in ws.alive, from at most so many nodes with at least so many items."""
    ws.clock[3] += 1
    filled = 0
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    parcels = services_of_kind(net, o, np.int64(_PARCEL))
    couriers = services_of_kind(net, o, np.int64(_COURIER)) if o[O_METHODS] >> _M_SAME_DAY & 1 else np.int64(0)
    for c in range(ws.clock[1]):
        mask = ws.candidate[c].items
        if mask == 0 or (items_min > 1 and num_bits(mask) < items_min):
            continue
        node = ws.candidate[c].node
        metres = int(dist[node])
        if metres > o[O_MAX_DISTANCE]:
            continue
        services = home_services(net, o, node, parcels, couriers)
        if services == 0:
            continue
        nodes_max -= 1
        if nodes_max < 0:
            return
        cls = int(classes[node])
        zones = reach.class_zone[cls]
        if ws.zone_class[cls].stamp != ws.clock[3]:
            ws.zone_class[cls].stamp = ws.clock[3]
            filled = _list_class(pol, o, ws, reach, cls, num_alive, filled)
        for i in range(ws.zone_class[cls].first, ws.zone_class[cls].last):
            t = ws.pool[i]
            if t & ~mask == 0:
                _home_shipment(net, pol, live, o, ws, t, c, cls, zones, metres, services, parcels | couriers)


@compiled
def _list_class(
    pol: Pol, o: NDArray[np.int64], ws: Workspace, reach: Reach, cls: int, num_alive: int, filled: int
) -> int:
    """
    List in ws.pool the sets of ws.alive that nodes of a zone class could ship within the sets' caps.

    Returns how much of the pool is used. When it is full it is used anew, from its start, for this class alone.
    """
    if filled + num_alive > POOL_MAX:
        filled = 0
        ws.clock[3] += 1  # what other classes have listed is gone
        ws.zone_class[cls].stamp = ws.clock[3]
    residential = o[O_FLAGS] & RESIDENTIAL
    ws.zone_class[cls].first = filled
    for i in range(num_alive):
        t = ws.alive[i]
        least = ws.set[t].bound_cents
        if ws.set[t].step >= 0:
            least += weigh(reach.class_floor[residential, cls, ws.set[t].step], pol.weight[W_CARRIER])
        if least <= min(ws.set[t].cap_cents, ws.best_of[0, t].cost):
            ws.pool[filled] = t
            filled += 1
    ws.zone_class[cls].last = filled
    return filled


@inlined
def num_bits(mask: int) -> int:
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@compiled
def place_pass(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    place: NDArray[np.int64],
    reach: Reach,
    num_alive: int,
) -> None:
    """Best shipment that ends at a place of each set in ws.alive, into row 1."""
    dist, classes = reach.distance_m[place[PL_SLOT]], reach.zone_class[place[PL_SLOT]]
    node = place[PL_NODE]
    offers, methods = net.node[node].offers, o[O_METHODS]
    one, stamp = np.int64(1), ws.clock[0]
    if offers & _PICKUP == 0:
        return
    own = ws.node[node].candidate if ws.node[node].mark == stamp else np.int64(-1)
    if own >= 0 and methods >> _M_COLLECT & 1 and net.node[node].kind != _POINT:
        for i in range(num_alive):
            t = ws.alive[i]
            if t & ~ws.candidate[own].items == 0:
                limit = min(ws.best_of[1, t].cost, ws.set[t].cap_cents)
                cost, ready = own_stock_route(net, pol, live, o, ws, t, own, base_cents(pol, ws, t, own), limit)
                _keep(ws, one, t, cost, ready, np.int64(KIND_OWN), own, np.int64(0), one)
    if offers & _IN and methods >> _M_TO_STORE & 1:
        for j in range(net.node[node].lane_from, net.node[node].lane_to):
            lane = net.lanes_in[j]
            origin = net.lane[lane].origin
            c = ws.node[origin].candidate if ws.node[origin].mark == stamp else np.int64(-1)
            if c < 0 or net.node[origin].offers & _OUT == 0:
                continue
            for i in range(num_alive):
                t = ws.alive[i]
                if t & ~ws.candidate[c].items == 0:
                    limit = min(ws.best_of[1, t].cost, ws.set[t].cap_cents)
                    cost, ready = lane_route(net, pol, live, o, ws, t, c, lane, base_cents(pol, ws, t, c), limit)
                    _keep(ws, one, t, cost, ready, np.int64(KIND_LANE), c, lane, one)
    if net.node[node].kind == _POINT and methods >> _M_POINT & 1:
        services = services_of_kind(net, o, np.int64(_TO_POINT))
        flags = (o[O_FLAGS] & ~3) | (2 if place[PL_REMOTE] else 0)
        for c in range(ws.clock[1]):
            k = ws.candidate[c].node
            if services & net.node[k].services and net.node[k].offers & _SHIP:
                zones = reach.class_zone[int(classes[k])]
                left = services & net.node[k].services
                _to_point(net, pol, live, o, ws, place, c, left, zones, int(dist[k]), flags, num_alive)


@compiled
def _to_point(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    place: NDArray[np.int64],
    c: int,
    services: int,
    zones: NDArray[np.int64],
    distance_m: int,
    flags: int,
    num_alive: int,
) -> None:
    """Carrier services from one candidate to a pickup point."""
    region, tz, one = place[PL_REGION], place[PL_TZ], np.int64(1)
    for i in range(num_alive):
        t = ws.alive[i]
        if t & ~ws.candidate[c].items != 0:
            continue
        base = base_cents(pol, ws, t, c)
        for s in range(len(net.service)):
            limit = min(ws.best_of[1, t].cost, ws.set[t].cap_cents)
            if services & ws.set[t].services & (1 << s) == 0 or base > limit:
                continue
            cost, ready = carrier_route(
                net,
                pol,
                live,
                o,
                ws,
                t,
                c,
                s,
                zones[s],
                distance_m,
                region,
                tz,
                flags,
                place[PL_NODE],
                base,
                limit,
            )
            _keep(ws, one, t, cost, ready, np.int64(KIND_CARRIER), c, s, one)

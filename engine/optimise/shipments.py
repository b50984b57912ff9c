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
    W_CARRIER,
    W_PICKING,
    Pol,
)
from engine.optimise.workspace import (
    FAR,
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    KIND_OWN,
    MEMO_MAX,
    SLACK_ROWS,
    TOO_MUCH,
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
    seen = 0
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
        if seen == nodes_max:
            return
        seen += 1
        cls = int(classes[node])
        zones = reach.class_zone[cls]
        if num_alive == 1:
            if ws.alive[0] & ~mask == 0:
                t = ws.alive[0]
                _home_shipment(net, pol, live, o, ws, t, c, cls, zones, metres, services, parcels | couriers)
            continue
        row = cls % SLACK_ROWS
        if ws.slack_of[row].owner != cls or ws.slack_of[row].stamp != ws.clock[3] or seen - ws.slack_of[row].seen > 16:
            ws.slack_of[row].owner = cls
            ws.slack_of[row].stamp = ws.clock[3]
            ws.slack_of[row].seen = seen
            _fill_slack(pol, o, ws, reach, cls, row, num_alive)
        start = _line_terms(pol, o, ws, c)
        if _scan_sets(ws.sums, ws.slack[row], ws.cents, o[O_ITEMS]) + start > 0:
            continue
        for t in range(1, 1 << o[O_ITEMS]):
            if t & ~mask == 0 and ws.sums[t] + start <= ws.slack[row, t]:
                _home_shipment(net, pol, live, o, ws, t, c, cls, zones, metres, services, parcels | couriers)


@compiled
def _scan_sets(sums: NDArray[np.int64], slack: NDArray[np.int64], cents: NDArray[np.int64], items: int) -> int:
    """Sum the line terms of every set; returns the least of sum - slack. Over slices, which the compiler vectorises."""
    best = FAR
    sums[0] = 0
    for i in range(items):
        half, term = 1 << i, cents[i]
        lower, upper, limit = sums[:half], sums[half : 2 * half], slack[half : 2 * half]
        for t in range(half):
            value = lower[t] + term
            upper[t] = value
            best = min(best, value - limit[t])
    return best


@compiled
def _fill_slack(
    pol: Pol, o: NDArray[np.int64], ws: Workspace, reach: Reach, cls: int, row: int, num_alive: int
) -> None:
    """What picking and lines of each set may cost at a node of a zone class, at most, for the set to be of use."""
    for t in range(1 << o[O_ITEMS]):
        ws.slack[row, t] = -FAR
    residential = o[O_FLAGS] & RESIDENTIAL
    for i in range(num_alive):
        t = ws.alive[i]
        slack = min(ws.set[t].cap_cents, ws.best_of[0, t].cost)
        slack -= weigh(reach.class_floor[residential, cls, ws.set[t].step], pol.weight[W_CARRIER])
        ws.slack[row, t] = min(slack, FAR)


@inlined
def _line_terms(pol: Pol, o: NDArray[np.int64], ws: Workspace, c: int) -> int:
    """
    Fill ws.cents with the terms of each item at a candidate, TOO_MUCH where it lacks one.

    Returns what every shipment from there costs besides, at least.
    """
    node, mask = ws.candidate[c].node, ws.candidate[c].items
    line, unit = pol.node[node].line_cents, pol.node[node].unit_cents
    first = pol.pick_cents[node, 1] - line
    if pol.weight[W_PICKING] != 1000:  # a weighted sum is rounded as a whole: leave out what does not add up
        first, line, unit = weigh(first + line, pol.weight[W_PICKING]), np.int64(0), np.int64(0)
    for i in range(o[O_ITEMS]):
        if mask >> i & 1:
            one = ws.set[1 << i]
            ws.cents[i] = ws.cand_item[c, i].cents + line * one.lines + unit * one.units
        else:
            ws.cents[i] = TOO_MUCH
    return first + pol.node[node].priority_cents


@inlined
def num_bits(mask: int) -> int:
    """How many bits are set."""
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

"""
First step of the search for options: W(T), the shipments of each set T of items that no other beats.

Each route is priced and dated by engine/optimise/routes.py, as for the cheapest plan; CO2e is counted beside. Arrays:
engine/optimise/labels.py.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import num_parcels, rounded
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.records import Net
from engine.optimise.codes import (
    COURIER,
    IN,
    M_COLLECT,
    M_POINT,
    M_SAME_DAY,
    M_TO_STORE,
    OUT,
    PARCEL,
    POINT,
    SHIP,
    TO_POINT,
)
from engine.optimise.labels import C_HOME, C_MOST, C_POINT, C_WORK, Labels, keep_ship, ship_beaten
from engine.optimise.routes import base_cents, carrier_cents, carrier_route, lane_route, own_stock_route, pick_of
from engine.optimise.shipments import home_services, services_of_kind
from engine.optimise.tables import (
    O_FLAGS,
    O_ITEMS,
    O_MAX_DISTANCE,
    O_MAX_SHIPMENTS,
    O_METHODS,
    O_PLACED,
    O_REGION,
    O_SLOT,
    O_TZ,
    PL_NODE,
    PL_REGION,
    PL_REMOTE,
    PL_SLOT,
    PL_TZ,
)
from engine.optimise.workspace import INFINITE, KIND_CARRIER, KIND_LANE, KIND_OWN, Inputs, Workspace
from engine.promise.clock import arrival, first_handover, pick

_NO_CAP = INFINITE - 1
PRICED = 8  # the work of a shipment, where that of a join is 1


@inlined
def _is_tight(live: LiveArrays, node: int, day: int, hour: int, orders: int, units: int) -> bool:
    """Whether so many shipments with so many units in all may be too much for a cell."""
    if live.day[node, day].orders + orders > live.day[node, day].orders_max:
        return True
    if live.day[node, day].units + units > live.day[node, day].units_max:
        return True
    h = live.hour_node[node]
    return h >= 0 and (
        live.hour[h, day, hour].orders + orders > live.hour[h, day, hour].orders_max
        or live.hour[h, day, hour].units + units > live.hour[h, day, hour].units_max
    )


@inlined
def _offer(
    inputs: Inputs,
    o: NDArray[np.int64],
    lab: Labels,
    row: int,
    target: int,
    t: int,
    cost: int,
    deliver: int,
    co2e: int,
    kind: int,
    c: int,
    route: int,
    at_place: int,
) -> None:
    """Keep a shipment, with the cell of capacity that it takes."""
    net, live, ws = inputs.net, inputs.live, inputs.ws
    if cost >= INFINITE:
        return
    node = ws.candidate[c].node
    day, hour, tight = np.int64(-1), np.int64(-1), np.int64(0)
    if live.limited[node] != 0:
        _, _, _, segment = pick_of(inputs, o, t, c)
        day, hour = net.segment[segment].day, net.segment[segment].hour
        most = min(o[O_MAX_SHIPMENTS], o[O_ITEMS])
        if t != target and _is_tight(live, node, day, hour, most, ws.set[target].units):
            tight = np.int64(1)
    keep_ship(lab, row, t, cost, deliver, co2e, kind, c, node, route, at_place, tight, day, hour, ws.set[t].units)


@inlined
def carrier_co2e(net: Net, ws: Workspace, t: int, service: int, distance_m: int) -> int:
    """Grams of a set of items by a service; engine.costs.terms says the same."""
    num = num_parcels(net, service, ws.set[t].weight_g, ws.set[t].volume_cm3)
    moved = rounded(ws.set[t].weight_g * distance_m * net.service[service].tkm_g, 1_000_000_000)
    return net.service[service].parcel_g * num + moved


@inlined
def first_arrival(inputs: Inputs, o: NDArray[np.int64], node: int, service: int, zone: int) -> tuple[int, int, int]:
    """
    The earliest that anything from a node gets home by a service: as if its work were that of one line of one unit.

    Returns that date (-1: never), and the instant and the day of its hand-over.
    """
    net, pol, live = inputs.net, inputs.pol, inputs.live
    work = net.node[node].hand_order_s + net.node[node].hand_line_s
    _, end, segment = pick(net, live, node, o[O_PLACED], work, np.int64(1))
    if segment < 0:
        return -1, -1, -1
    schedule = net.schedule[node, service]
    at = first_handover(net.handover, schedule.row_from, schedule.row_to, end, o[O_PLACED])
    if at < 0:
        return -1, -1, -1
    leave, day = net.handover[at].leave_s, net.handover[at].then
    if net.service[service].minutes:
        return leave + 60 * pol.transit[service, zone], leave, day
    return arrival(net, service, o[O_REGION], o[O_TZ], day, pol.transit[service, zone]), leave, day


@inlined
def _least_price(
    inputs: Inputs, o: NDArray[np.int64], t: int, c: int, service: int, zone: int, leave: int, day: int
) -> int:
    """The carrier's price where T makes the hand-over at `leave`, which has a known day; else a bound, nothing."""
    net = inputs.net
    release, _, end, segment = pick_of(inputs, o, t, c)
    if segment < 0 or release != o[O_PLACED] or end > leave:
        return 0
    return max(0, carrier_cents(inputs, t, service, net.era_of_day[day], zone, o[O_FLAGS], True))


@compiled
def home_ships(inputs: Inputs, o: NDArray[np.int64], lab: Labels, num_alive: int, target: int) -> bool:
    """Shipments home of the sets in ws.alive, into row 0; True once all candidates at hand are through."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    parcels = services_of_kind(net, o, np.int64(PARCEL))
    couriers = services_of_kind(net, o, np.int64(COURIER)) if o[O_METHODS] >> M_SAME_DAY & 1 else np.int64(0)
    zero = np.int64(0)
    for r in range(lab.state[C_HOME], lab.state[C_MOST]):
        lab.state[C_HOME] = r
        if lab.state[C_WORK] <= 0:
            return False
        c = lab.rank[0, r]
        mask, node = ws.candidate[c].items, ws.candidate[c].node
        metres = int(dist[node])
        if mask & target == 0 or metres > o[O_MAX_DISTANCE]:
            continue
        services = home_services(net, o, node, parcels, couriers)
        zones = reach.class_zone[int(classes[node])]
        for s in range(len(net.service)):
            if services >> s & 1 == 0 or zones[s] < 0 or pol.transit[s, zones[s]] < 0:
                continue
            lab.state[C_WORK] -= PRICED * num_alive
            soonest, leave, day = first_arrival(inputs, o, node, s, zones[s])
            if soonest < 0:
                continue
            for i in range(num_alive):
                t = ws.alive[i]
                if t & ~mask or ws.set[t].services >> s & 1 == 0:
                    continue
                base, co2e = base_cents(pol, ws, t, c), carrier_co2e(net, ws, t, s, metres)
                least = base + _least_price(inputs, o, t, c, s, zones[s], leave, day)
                if ship_beaten(lab, zero, t, least, soonest, co2e):
                    continue
                cost, deliver = carrier_route(
                    inputs,
                    o,
                    t,
                    c,
                    s,
                    zones[s],
                    metres,
                    o[O_REGION],
                    o[O_TZ],
                    o[O_FLAGS],
                    np.int64(-1),
                    base,
                    np.int64(_NO_CAP),
                )
                kind = np.int64(KIND_CARRIER)
                _offer(inputs, o, lab, zero, target, t, cost, deliver, co2e, kind, c, s, zero)
    lab.state[C_HOME] = lab.state[C_MOST]
    return True


@compiled
def place_ships(
    inputs: Inputs, o: NDArray[np.int64], lab: Labels, place: NDArray[np.int64], num_alive: int, target: int
) -> None:
    """Shipments to a place from its own stock and over lanes, into row 1."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    node, one, stamp = place[PL_NODE], np.int64(1), ws.clock[0]
    own = ws.node[node].candidate if ws.node[node].mark == stamp else np.int64(-1)
    no_cap = np.int64(_NO_CAP)
    if own >= 0 and o[O_METHODS] >> M_COLLECT & 1 and net.node[node].kind != POINT:
        for i in range(num_alive):
            t = ws.alive[i]
            if t & ~ws.candidate[own].items == 0:
                cost, ready = own_stock_route(inputs, o, t, own, base_cents(pol, ws, t, own), no_cap)
                zero, kind = np.int64(0), np.int64(KIND_OWN)
                _offer(inputs, o, lab, one, target, t, cost, ready, zero, kind, own, zero, one)
    if net.node[node].offers & IN == 0 or o[O_METHODS] >> M_TO_STORE & 1 == 0:
        return
    for j in range(net.node[node].lane_from, net.node[node].lane_to):
        lane = net.lanes_in[j]
        origin = net.lane[lane].origin
        c = ws.node[origin].candidate if ws.node[origin].mark == stamp else np.int64(-1)
        if c < 0 or net.node[origin].offers & OUT == 0:
            continue
        for i in range(num_alive):
            t = ws.alive[i]
            if t & ~ws.candidate[c].items == 0:
                cost, ready = lane_route(inputs, o, t, c, lane, base_cents(pol, ws, t, c), no_cap)
                moved = ws.set[t].weight_g * net.lane[lane].distance_m * net.lane[lane].tkm_g
                co2e, kind = rounded(moved, 1_000_000_000), np.int64(KIND_LANE)
                _offer(inputs, o, lab, one, target, t, cost, ready, co2e, kind, c, lane, one)


@compiled
def point_ships(
    inputs: Inputs, o: NDArray[np.int64], lab: Labels, place: NDArray[np.int64], num_alive: int, target: int
) -> bool:
    """Shipments to a pickup point by its services, into row 1; True once all candidates at hand are through."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    if net.node[place[PL_NODE]].kind != POINT or o[O_METHODS] >> M_POINT & 1 == 0:
        return True
    dist, classes = reach.distance_m[place[PL_SLOT]], reach.zone_class[place[PL_SLOT]]
    one = np.int64(1)
    services = services_of_kind(net, o, np.int64(TO_POINT))
    flags = (o[O_FLAGS] & ~3) | (2 if place[PL_REMOTE] else 0)
    for r in range(lab.state[C_POINT], lab.state[C_MOST]):
        lab.state[C_POINT] = r
        if lab.state[C_WORK] <= 0:
            return False
        c = lab.rank[0, r]
        node = ws.candidate[c].node
        if services & net.node[node].services == 0 or net.node[node].offers & SHIP == 0:
            continue
        lab.state[C_WORK] -= PRICED * num_alive
        zones, metres = reach.class_zone[int(classes[node])], int(dist[node])
        for i in range(num_alive):
            t = ws.alive[i]
            left = services & net.node[node].services & ws.set[t].services
            if t & ~ws.candidate[c].items or left == 0:
                continue
            base = base_cents(pol, ws, t, c)
            for s in range(len(net.service)):
                if left >> s & 1:
                    cost, ready = carrier_route(
                        inputs,
                        o,
                        t,
                        c,
                        s,
                        zones[s],
                        metres,
                        place[PL_REGION],
                        place[PL_TZ],
                        flags,
                        place[PL_NODE],
                        base,
                        np.int64(_NO_CAP),
                    )
                    co2e = carrier_co2e(net, ws, t, s, metres)
                    _offer(inputs, o, lab, one, target, t, cost, ready, co2e, np.int64(KIND_CARRIER), c, s, one)
    return True

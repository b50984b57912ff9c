"""
The greenest shipment home of every set of items, of those the cheapest, for what home_front.py has prepared.

Grams rise with the distance: how far a set may travel by a service to emit no more than the greenest known is kept in
room.green_m, so that a distance and a comparison leave out nearly all nodes.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import compiled
from engine.optimise.home_front import FAR_M, Room
from engine.optimise.pareto_ships import carrier_co2e
from engine.optimise.routes import base_cents, carrier_route
from engine.optimise.shipments import home_kinds, home_services
from engine.optimise.tables import O_FLAGS, O_REGION, O_SLOT, O_TZ
from engine.optimise.workspace import INFINITE, NEVER, Inputs


@compiled
def find_greens(inputs: Inputs, o: NDArray[np.int64], room: Room, alive: int, num: int) -> None:
    """Fill room.green for the sets in ws.alive, from so many ranked classes."""
    ws = inputs.ws
    parcels, couriers = home_kinds(inputs.net, o)
    for i in range(alive):  # what is nearest is seldom beaten, so that little else is looked at
        pos = _nearest(inputs, o, room, ws.alive[i])
        if pos >= 0:
            at = ws.candidate[ws.by_class[pos]].at
            _try_greens(inputs, o, room, at, ws.alive[i], parcels | couriers, pos, pos + 1)
    for k in range(num):
        at = room.ranked[k]
        for i in range(alive):
            if room.least[at, ws.alive[i]] < NEVER:
                first, last = ws.class_first[at], ws.class_first[at + 1]
                _try_greens(inputs, o, room, at, ws.alive[i], parcels | couriers, first, last)


@compiled
def _nearest(inputs: Inputs, o: NDArray[np.int64], room: Room, t: int) -> int:
    """The place in ws.by_class of the nearest node that has a set; -1 none."""
    dist, ws = inputs.reach.distance_m[o[O_SLOT]], inputs.ws
    near, found = FAR_M, -1
    for pos in range(ws.class_first[ws.counts[1]]):
        if room.sums[t, pos] < NEVER:
            metres = int(dist[ws.candidate[ws.by_class[pos]].node])
            if metres < near:
                near, found = metres, pos
    return found


@compiled
def _try_greens(
    inputs: Inputs, o: NDArray[np.int64], room: Room, at: int, t: int, services: int, first: int, last: int
) -> None:
    """Look at some nodes of a class for a set, by each service that may be greener than what is known."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    zones = inputs.reach.class_zone[ws.class_of[at]]
    for s in range(len(net.service)):
        if services & ws.set[t].services & (1 << s) == 0 or zones[s] < 0 or pol.transit[s, zones[s]] < 0:
            continue
        if room.near_m[at] <= room.green_m[t, s]:
            _try_green(inputs, o, room, at, np.int64(s), t, first, last)


@compiled
def _try_green(
    inputs: Inputs, o: NDArray[np.int64], room: Room, at: int, service: int, t: int, first: int, last: int
) -> None:
    """Look at some nodes of a class for a set and a service that may be greener than what is known."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    parcels, couriers = home_kinds(net, o)
    dist, zone = reach.distance_m[o[O_SLOT]], reach.class_zone[ws.class_of[at]][service]
    for pos in range(first, last):
        c = ws.by_class[pos]
        node = ws.candidate[c].node
        metres = int(dist[node])
        if t & ~ws.candidate[c].items or metres > room.green_m[t, service]:
            continue
        if home_services(net, o, node, parcels, couriers) >> service & 1 == 0:
            continue
        grams = carrier_co2e(net, ws, t, service, metres)
        limit = room.green[t].cost if grams == room.green[t].grams else np.int64(INFINITE - 1)
        base = base_cents(pol, ws, t, c)
        cost, deliver = carrier_route(
            inputs,
            o,
            t,
            c,
            service,
            zone,
            metres,
            o[O_REGION],
            o[O_TZ],
            o[O_FLAGS],
            np.int64(-1),
            base,
            limit,
        )
        if cost >= INFINITE:
            continue
        if grams == room.green[t].grams and cost == room.green[t].cost and deliver >= room.green[t].deliver:
            continue
        further = grams < room.green[t].grams
        room.green[t].grams = grams
        room.green[t].cost = cost
        room.green[t].deliver = deliver
        room.green[t].candidate = c
        room.green[t].service = service
        if further:
            _limit_green(inputs, room, t)


@compiled
def _limit_green(inputs: Inputs, room: Room, t: int) -> None:
    """Say how far a set may travel by each service to emit no more than the greenest shipment known."""
    net, ws = inputs.net, inputs.ws
    zero, unit = np.int64(0), 1_000_000_000
    for s in range(len(net.service)):
        left = room.green[t].grams - carrier_co2e(net, ws, t, np.int64(s), zero)
        per_m = ws.set[t].weight_g * net.service[s].tkm_g
        if left < 0:
            room.green_m[t, s] = -1
        elif per_m > 0:
            room.green_m[t, s] = (unit * left + (unit - 1) // 2) // per_m  # grams are rounded half up
        else:
            room.green_m[t, s] = FAR_M

"""
The cheapest plan of one order, then the cheapest of all that arrive earlier, and so on: its front of cost and date.

Each search is the kernel's own (kernel.py), with the last plan's date less a second as the order's limit; what
arrives at one date at the same cost is found once. The grams of CO2e of what was chosen come along.

    found      (most, F_FIELDS)             int64  cost, date, CO2e, number of shipments, row of the place or -1
    shipments  (most, ITEMS_MAX, S_FIELDS)  int64  those of each plan
    grams      (most, ITEMS_MAX)            int64  CO2e of each shipment
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.optimise.bars import overdrawn
from engine.optimise.candidates import find_candidates, measure_all, measure_items
from engine.optimise.kernel import COLLIDES, INFEASIBLE, OPTIMAL, solve, write
from engine.optimise.pareto_ships import carrier_co2e
from engine.optimise.partition import take_best
from engine.optimise.routes import base_cents, carrier_route
from engine.optimise.search import start
from engine.optimise.shipments import home_kinds, home_services
from engine.optimise.tables import (
    O_DELIVER_BY,
    O_FLAGS,
    O_ITEMS,
    O_MAX_DISTANCE,
    O_MAX_SHIPMENTS,
    O_MIN_VALUE,
    O_REGION,
    O_SLOT,
    O_TZ,
    P_SPLIT,
    PL_SLOT,
    W_SPLIT,
)
from engine.optimise.workspace import (
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    S_AT_PLACE,
    S_CENTS,
    S_DELIVER,
    S_ID,
    S_ITEMS,
    S_KIND,
    S_NODE,
    Inputs,
)

GRAM = 1 << 24  # in cents: more than a plan costs
F_CENTS, F_DELIVER, F_CO2E, F_SHIPMENTS, F_PLACE, F_FIELDS = range(6)


@inlined
def _grams(inputs: Inputs, slot: int, kind: int, node: int, route: int, t: int) -> int:
    """CO2e of a shipment of the last search, as engine.costs.terms has it; from own stock none."""
    net, ws = inputs.net, inputs.ws
    weight_g = ws.set[t].weight_g
    if kind == KIND_LANE:
        return rounded(weight_g * net.lane[route].distance_m * net.lane[route].tkm_g, 1_000_000_000)
    if kind != KIND_CARRIER:
        return 0
    return carrier_co2e(net, ws, t, route, int(inputs.reach.distance_m[slot, node]))


@compiled
def _note(
    inputs: Inputs,
    o: NDArray[np.int64],
    number: int,
    place: int,
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
    grams: NDArray[np.int64],
) -> None:
    """Fill in what is found of a plan beside its cost: date, carbon, place."""
    latest, total = np.int64(0), np.int64(0)
    for i in range(number):
        ship = shipments[i]
        slot = inputs.orders.places[place, PL_SLOT] if ship[S_AT_PLACE] else o[O_SLOT]
        grams[i] = _grams(inputs, slot, ship[S_KIND], ship[S_NODE], ship[S_ID], ship[S_ITEMS])
        total += grams[i]
        latest = max(latest, ship[S_DELIVER])
    found[F_DELIVER], found[F_CO2E], found[F_SHIPMENTS], found[F_PLACE] = latest, total, number, place


@compiled
def find_front(
    block: NDArray[np.int64],
    row: int,
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
    grams: NDArray[np.int64],
) -> tuple[int, int]:
    """
    Fill in plans of an order as long as there is room; how many, and what the last search said.

    That is INFEASIBLE where nothing arrives earlier still, OPTIMAL where there was no room for more, COLLIDES where
    the kernel alone cannot settle the next one.
    """
    inputs: Inputs = opened(block, Inputs)
    o = inputs.orders.table[row]
    limit, count, status = o[O_DELIVER_BY], 0, OPTIMAL
    while count < len(found) and status == OPTIMAL:
        status, cents, number, place = solve(inputs, row, shipments[count])
        if status == OPTIMAL:
            found[count, F_CENTS] = cents
            _note(inputs, o, number, place, found[count], shipments[count], grams[count])
            o[O_DELIVER_BY] = found[count, F_DELIVER] - 1
            count += 1
    o[O_DELIVER_BY] = limit
    return count, status


@compiled
def _greenest_ships(inputs: Inputs, o: NDArray[np.int64]) -> None:
    """Fill ws.best_of with the greenest shipment home of every set, of those the cheapest, at GRAM for a gram."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    parcels, couriers = home_kinds(net, o)
    full = (1 << o[O_ITEMS]) - 1
    alive = 0
    for t in range(1, full + 1):
        alone = o[O_MAX_SHIPMENTS] < 2 or ws.set[t].value_cents < o[O_MIN_VALUE]
        if ws.set[t].valid and (t == full or not alone):
            ws.alive[alive] = t
            alive += 1
    for c in range(ws.clock[1]):
        node, mask = ws.candidate[c].node, ws.candidate[c].items
        metres = int(dist[node])
        if mask == 0 or metres > o[O_MAX_DISTANCE]:
            continue
        services, zones = home_services(net, o, node, parcels, couriers), reach.class_zone[int(classes[node])]
        for s in range(len(net.service)):
            if services >> s & 1 == 0 or zones[s] < 0 or pol.transit[s, zones[s]] < 0:
                continue
            for i in range(alive):
                t = ws.alive[i]
                if t & ~mask or ws.set[t].services >> s & 1 == 0:
                    continue
                green = carrier_co2e(net, ws, t, s, metres) * GRAM
                most = ws.best_of[0, t].cost - green
                if most <= -(GRAM >> 1):  # by a gram at least, whatever it costs
                    continue
                cents, deliver = carrier_route(
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
                    base_cents(pol, ws, t, c),
                    np.int64(INFINITE - 1),
                )
                if cents < INFINITE and (cents < most or (cents == most and deliver < ws.best_of[0, t].deliver)):
                    ws.best_of[0, t].cost = green + cents
                    ws.best_of[0, t].deliver = deliver
                    ws.best_of[0, t].kind = KIND_CARRIER
                    ws.best_of[0, t].candidate = c
                    ws.best_of[0, t].id = s
                    ws.best_of[0, t].at_place = 0


@compiled
def find_greenest(
    block: NDArray[np.int64],
    row: int,
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
    grams: NDArray[np.int64],
) -> int:
    """
    Fill in the plan of an order for home with the fewest grams, of those the cheapest; whether there is one.

    COLLIDES where its shipments together overdraw a node, so that it may not be.
    """
    inputs: Inputs = opened(block, Inputs)
    pol, ws = inputs.pol, inputs.ws
    o = inputs.orders.table[row]
    zero, none = np.int64(0), np.int64(-1)
    ws.counts[2] = 0
    ws.clock[2] += 1
    start(o, ws)
    if find_candidates(inputs, o) == 0:
        return INFEASIBLE
    measure_items(inputs, o)
    measure_all(o[O_ITEMS], ws)
    _greenest_ships(inputs, o)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    take_best(o, ws, zero, np.int64((1 << o[O_ITEMS]) - 1), split, zero, none)
    if ws.best[0] >= INFINITE:
        return INFEASIBLE
    number, _ = write(inputs, o, shipments[0])
    if overdrawn(inputs.live, ws, number, shipments[0]):
        return COLLIDES
    _note(inputs, o, number, none, found[0], shipments[0], grams[0])
    found[0, F_CENTS] = ws.best[0] - found[0, F_CO2E] * GRAM
    for i in range(number):
        shipments[0, i, S_CENTS] -= grams[0, i] * GRAM
    return OPTIMAL

"""
Both ends of the front of orders of one item: the cheapest plan, and the cheapest of those that arrive first.

One item is one shipment, so the end that arrives first needs no walk over the dates between (front.py): it is the
cheapest plan by the earliest date that any shipment keeps. To find that date, the nodes of a sku are looked at from
the one on that anything could arrive from first, and no node is looked at that could not be earlier than what was
found. How early that is depends on the target and the moment, not on the sku, so it is computed once for all orders.

    soon       (K,)                              int64  epoch seconds, NEVER where nothing goes home from the node
    found      (num_orders, ENDS, E_FIELDS)      int64  the cheapest, then the first to arrive: cost, date,
                                                      CO2e, last moment to order (latest.py)
    status     (num_orders,)                     int64  what the kernel says of the cheapest
    shipments  (num_orders, ENDS, 1, S_FIELDS)   int64  of each plan its only one

All orders go to the same home or to one of the same places, at the same moment, under the same rules.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.optimise.candidates import find_few, may_serve
from engine.optimise.kernel import COLLIDES, INFEASIBLE, OPTIMAL, solve, write
from engine.optimise.latest import order_by_s
from engine.optimise.pareto_ships import carrier_co2e, first_arrival
from engine.optimise.routes import base_cents, carrier_route
from engine.optimise.shipments import home_kinds, home_services
from engine.optimise.tables import (
    F_NO_SAFETY,
    O_CHANNEL,
    O_DELIVER_BY,
    O_FLAGS,
    O_LINE_FROM,
    O_MAX_DISTANCE,
    O_REGION,
    O_SLOT,
    O_TZ,
    P_INBOUND,
    PL_SLOT,
)
from engine.optimise.workspace import (
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    S_AT_PLACE,
    S_DELIVER,
    S_FIELDS,
    S_ID,
    S_KIND,
    S_NODE,
    Inputs,
)

NEVER = 2**60
CHEAPEST, FIRST, ENDS = range(3)
E_CENTS, E_DELIVER, E_CO2E, E_ORDER_BY, E_FIELDS = range(5)
_FEW = 8  # nodes looked at together
_SCAN_MAX = 24  # nodes that are looked at one by one
_ALL = np.int64(1)  # the set of the one item


@compiled
def find_soon(block: NDArray[np.int64], row: int, soon: NDArray[np.int64]) -> None:
    """Fill `soon` for the home of an order: no shipment of whatever units arrives earlier from a node."""
    inputs: Inputs = opened(block, Inputs)
    net, pol, reach = inputs.net, inputs.pol, inputs.reach
    o = inputs.orders.table[row]
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    parcels, couriers = home_kinds(net, o)
    for node in range(len(soon)):
        soon[node] = NEVER
        if int(dist[node]) > o[O_MAX_DISTANCE] or not may_serve(net, inputs.orders, o, node):
            continue
        services, zones = home_services(net, o, node, parcels, couriers), reach.class_zone[int(classes[node])]
        for s in range(len(net.service)):
            if services >> s & 1 and zones[s] >= 0 and pol.transit[s, zones[s]] >= 0:
                deliver, _, _ = first_arrival(inputs, o, node, s, zones[s])
                if deliver >= 0:
                    soon[node] = min(soon[node], deliver)


@inlined
def _may_have(inputs: Inputs, o: NDArray[np.int64], row: int, need: int) -> bool:
    """Whether a stock row may have enough: for certain where nothing that is due counts."""
    live, channel = inputs.live, o[O_CHANNEL]
    free = live.row[row].on_hand - live.row[row].reserved - live.held[channel, row].protected
    if o[O_FLAGS] & F_NO_SAFETY == 0:
        free -= live.held[channel, row].safety
    return free >= need or inputs.pol.scalar[P_INBOUND] != 0


@compiled
def _first_of_few(inputs: Inputs, o: NDArray[np.int64], num: int, parcels: int, couriers: int) -> int:
    """The earliest date by which the item gets home from the nodes in ws.few; NEVER where it does not."""
    net, reach, ws = inputs.net, inputs.reach, inputs.ws
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    best, cap = NEVER, np.int64(INFINITE - 1)
    for c in range(find_few(inputs, o, num)):
        if ws.candidate[c].items == 0:
            continue
        node = ws.candidate[c].node
        zones = reach.class_zone[int(classes[node])]
        services = home_services(net, o, node, parcels, couriers) & ws.set[_ALL].services
        for s in range(len(net.service)):
            if services >> s & 1:
                cost, deliver = carrier_route(
                    inputs,
                    o,
                    _ALL,
                    c,
                    s,
                    zones[s],
                    int(dist[node]),
                    o[O_REGION],
                    o[O_TZ],
                    o[O_FLAGS],
                    np.int64(-1),
                    np.int64(0),
                    cap,
                )
                if cost < INFINITE:
                    best = min(best, deliver)
    return best


@compiled
def _first_home(inputs: Inputs, o: NDArray[np.int64], soon: NDArray[np.int64], latest: int) -> int:
    """The earliest date by which the item, which `solve` has just measured, gets home; `latest` is one that it does."""
    live, orders, ws = inputs.live, inputs.orders, inputs.ws
    parcels, couriers = home_kinds(inputs.net, o)
    sku, need = orders.line[o[O_LINE_FROM]].sku, orders.line[o[O_LINE_FROM]].quantity
    best, done = latest, -1
    while True:
        at = best
        for row in range(live.row_start[sku], live.row_start[sku + 1]):
            moment = soon[live.row[row].node]
            if done < moment < at and _may_have(inputs, o, row, need):
                at = moment
        if at >= best:
            return best
        row, last = live.row_start[sku], live.row_start[sku + 1]
        while row < last and best > at:
            num = 0
            while row < last and num < _FEW:
                if soon[live.row[row].node] == at and _may_have(inputs, o, row, need):
                    ws.few[num] = live.row[row].node
                    num += 1
                row += 1
            if num > 0:
                best = min(best, _first_of_few(inputs, o, num, parcels, couriers))
        done = at


@compiled
def _cheapest_by(
    inputs: Inputs, o: NDArray[np.int64], soon: NDArray[np.int64], by: int, out: NDArray[np.int64]
) -> tuple[int, int]:
    """
    The cheapest plan by a date that few nodes can keep, from these nodes alone; what `solve` says, and its cost.

    Bounds of cost know no dates: where all that is cheap comes later, `solve` would go through all of that first.
    """
    net, reach, live, ws = inputs.net, inputs.reach, inputs.live, inputs.ws
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    parcels, couriers = home_kinds(net, o)
    sku, need = inputs.orders.line[o[O_LINE_FROM]].sku, inputs.orders.line[o[O_LINE_FROM]].quantity
    num = 0
    for row in range(live.row_start[sku], live.row_start[sku + 1]):
        if soon[live.row[row].node] <= by and _may_have(inputs, o, row, need):
            if num == _SCAN_MAX:
                return COLLIDES, 0
            ws.few[num] = live.row[row].node
            num += 1
    best, status = INFINITE - 1, INFEASIBLE
    for c in range(find_few(inputs, o, num)):
        if ws.candidate[c].items == 0:
            continue
        node = ws.candidate[c].node
        zones, base = reach.class_zone[int(classes[node])], base_cents(inputs.pol, ws, _ALL, c)
        services = home_services(net, o, node, parcels, couriers) & ws.set[_ALL].services
        for s in range(len(net.service)):
            if services >> s & 1 == 0:
                continue
            cost, deliver = carrier_route(
                inputs,
                o,
                _ALL,
                c,
                s,
                zones[s],
                int(dist[node]),
                o[O_REGION],
                o[O_TZ],
                o[O_FLAGS],
                np.int64(-1),
                base,
                best,
            )
            if cost < best or (status == INFEASIBLE and cost == best):  # nodes come in their order, as ties are broken
                best, status = cost, OPTIMAL
                chosen = ws.chosen[0]
                chosen[0], chosen[1], chosen[2], chosen[3], chosen[4] = _ALL, KIND_CARRIER, c, s, 0
                chosen[5], chosen[6] = cost, deliver
    if status == OPTIMAL:
        ws.best[3], ws.best[4] = -1, 1
        write(inputs, o, out)
    return status, best


@inlined
def _note(
    inputs: Inputs, o: NDArray[np.int64], cents: int, place: int, ship: NDArray[np.int64], found: NDArray[np.int64]
) -> None:
    """Fill in what is found of a plan of the last search; grams as engine.costs.terms has them."""
    net, ws, node, route = inputs.net, inputs.ws, ship[S_NODE], ship[S_ID]
    co2e = 0
    if ship[S_KIND] == KIND_LANE:
        moved = ws.set[_ALL].weight_g * net.lane[route].distance_m * net.lane[route].tkm_g
        co2e = rounded(moved, 1_000_000_000)
    elif ship[S_KIND] == KIND_CARRIER:
        slot = inputs.orders.places[place, PL_SLOT] if ship[S_AT_PLACE] else o[O_SLOT]
        co2e = carrier_co2e(net, ws, _ALL, route, int(inputs.reach.distance_m[slot, node]))
    found[E_CENTS], found[E_DELIVER], found[E_CO2E] = cents, ship[S_DELIVER], co2e
    found[E_ORDER_BY] = order_by_s(inputs, o, ship, _ALL)


@compiled
def find_ends(
    block: NDArray[np.int64],
    soon: NDArray[np.int64],
    status: NDArray[np.int64],
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
) -> None:
    """Fill in both ends for every order of the block; its orders may not have a date to keep."""
    inputs: Inputs = opened(block, Inputs)
    for row in range(len(inputs.orders.table)):
        o = inputs.orders.table[row]
        limit = o[O_DELIVER_BY]
        status[row], cents, _, place = solve(inputs, row, shipments[row, CHEAPEST])
        if status[row] != OPTIMAL:
            continue
        _note(inputs, o, cents, place, shipments[row, CHEAPEST, 0], found[row, CHEAPEST])
        for i in range(E_FIELDS):
            found[row, FIRST, i] = found[row, CHEAPEST, i]
        for i in range(S_FIELDS):
            shipments[row, FIRST, 0, i] = shipments[row, CHEAPEST, 0, i]
        home, by = o[O_SLOT] >= 0, found[row, FIRST, E_DELIVER]
        o[O_DELIVER_BY] = _first_home(inputs, o, soon, by) if home else by - 1
        while o[O_DELIVER_BY] < by:
            again, place = COLLIDES, -1
            if home:
                again, cents = _cheapest_by(inputs, o, soon, o[O_DELIVER_BY], shipments[row, FIRST])
            if again == COLLIDES:
                again, cents, _, place = solve(inputs, row, shipments[row, FIRST])
            if again != OPTIMAL:
                break
            _note(inputs, o, cents, place, shipments[row, FIRST, 0], found[row, FIRST])
            by = found[row, FIRST, E_DELIVER]
            if not home:
                o[O_DELIVER_BY] = by - 1
        o[O_DELIVER_BY] = limit

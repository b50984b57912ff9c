"""
The cheapest plan of one order, then the cheapest of all that arrive earlier, and so on: its front of cost and date.

For a place each search is the kernel's own (kernel.py), with the last plan's date less a second as the order's limit;
for home the shipments that may be needed are found once for all dates, and for the greenest plan (home_front.py). What
arrives at one date at the same cost is found once. The grams of CO2e of what was chosen come along.

    found      (most, F_FIELDS)             int64  cost, date, CO2e, number of shipments, row of the place or -1
    shipments  (most, ITEMS_MAX, S_FIELDS)  int64  those of each plan
    grams      (most, ITEMS_MAX)            int64  CO2e of each shipment
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.optimise.bars import overdrawn
from engine.optimise.home_front import FEW_ITEMS_MAX, Room, find_ways, prepare
from engine.optimise.home_green import find_greens
from engine.optimise.kernel import COLLIDES, INFEASIBLE, OPTIMAL, solve, write
from engine.optimise.pareto_ships import carrier_co2e
from engine.optimise.partition import take_best
from engine.optimise.search import start
from engine.optimise.tables import O_DELIVER_BY, O_ITEMS, O_SLOT, P_SPLIT, PL_SLOT, W_SPLIT
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
    Workspace,
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
def _front(
    inputs: Inputs,
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
def find_front(
    block: NDArray[np.int64],
    row: int,
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
    grams: NDArray[np.int64],
) -> tuple[int, int]:
    """The front of one order; see `_front`."""
    return _front(opened(block, Inputs), row, found, shipments, grams)


@compiled
def _ways_by(inputs: Inputs, room: Room, alive: int, limit: int) -> None:
    """Fill ws.best_of with the cheapest shipment home of every set that arrives by a date."""
    ws = inputs.ws
    for i in range(alive):
        t = ws.alive[i]
        at = room.held[t] - 1
        while at >= 0 and room.way[t, at].deliver > limit:
            at -= 1
        if at >= 0:
            _set_way(ws, t, room.way[t, at], room.way[t, at].cost)


@inlined
def _set_way(ws: Workspace, t: int, way: Any, cost: int) -> None:
    """Take a shipment for the best of its set, at that cost."""
    ws.best_of[0, t].cost = cost
    ws.best_of[0, t].deliver = way.deliver
    ws.best_of[0, t].kind = KIND_CARRIER
    ws.best_of[0, t].candidate = way.candidate
    ws.best_of[0, t].id = way.service
    ws.best_of[0, t].at_place = 0


@compiled
def _greenest(
    inputs: Inputs,
    o: NDArray[np.int64],
    room: Room,
    alive: int,
    found: NDArray[np.int64],
    ships: NDArray[np.int64],
    grams: NDArray[np.int64],
) -> int:
    """
    Fill in the plan with the fewest grams, of those the cheapest: a gram costs more than any plan.

    COLLIDES where its shipments together overdraw a node, so that it may not be.
    """
    pol, ws = inputs.pol, inputs.ws
    start(o, ws)
    for i in range(alive):
        t = ws.alive[i]
        if room.green[t].cost < INFINITE:
            _set_way(ws, t, room.green[t], room.green[t].grams * GRAM + room.green[t].cost)
    zero, none = np.int64(0), np.int64(-1)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    take_best(o, ws, zero, np.int64((1 << o[O_ITEMS]) - 1), split, zero, none)
    if ws.best[0] >= INFINITE:
        return INFEASIBLE
    number, _ = write(inputs, o, ships)
    if overdrawn(inputs.live, ws, number, ships):
        return COLLIDES
    _note(inputs, o, number, none, found, ships, grams)
    found[F_CENTS] = ws.best[0] - found[F_CO2E] * GRAM
    for i in range(number):
        ships[i, S_CENTS] -= grams[i] * GRAM
    return OPTIMAL


@compiled
def _home(
    inputs: Inputs,
    row: int,
    room: Room,
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
    grams: NDArray[np.int64],
) -> tuple[int, int, int]:
    """
    The front of an order for home, after its greenest plan if that is OPTIMAL.

    Returns how many plans were found in all, what the last search said, and what the search for the greenest said.
    """
    pol, ws = inputs.pol, inputs.ws
    o = inputs.orders.table[row]
    alive = np.int64(0)
    if o[O_ITEMS] <= FEW_ITEMS_MAX:
        alive = np.int64(prepare(inputs, o, room))
        if alive < 0:
            return 0, INFEASIBLE, INFEASIBLE
        num = find_ways(inputs, o, room, alive)
        if num < 0:
            alive = np.int64(0)
        else:
            find_greens(inputs, o, room, alive, num)
    if alive == 0:
        count, status = _front(inputs, row, found, shipments, grams)
        return count, status, COLLIDES
    green = _greenest(inputs, o, room, alive, found[0], shipments[0], grams[0])
    limit, count, none, zero = o[O_DELIVER_BY], int(green == OPTIMAL), np.int64(-1), np.int64(0)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    full = np.int64((1 << o[O_ITEMS]) - 1)
    by = limit
    while count < len(found):
        start(o, ws)
        _ways_by(inputs, room, alive, by)
        take_best(o, ws, zero, full, split, zero, none)
        if ws.best[0] >= INFINITE:
            return count, INFEASIBLE, green
        cents = ws.best[0]
        number, _ = write(inputs, o, shipments[count])
        if overdrawn(inputs.live, ws, number, shipments[count]):
            o[O_DELIVER_BY] = by
            more, status = _front(inputs, row, found[count:], shipments[count:], grams[count:])
            o[O_DELIVER_BY] = limit
            return count + more, status, green
        found[count, F_CENTS] = cents
        _note(inputs, o, number, none, found[count], shipments[count], grams[count])
        by = found[count, F_DELIVER] - 1
        count += 1
    return count, OPTIMAL, green


@compiled
def find_fronts(
    block: NDArray[np.int64],
    room: NDArray[np.int64],
    most: int,
    found: NDArray[np.int64],
    shipments: NDArray[np.int64],
    grams: NDArray[np.int64],
    spans: NDArray[np.int64],
) -> int:
    """
    Fill in the fronts of all orders, each for home alone or for one place: at most so many plans each, one after the
    other; and of each order in `spans` how many plans there are, what the last search said, and what the search for the
    greenest said: OPTIMAL where the first of its plans is that. Returns how many plans there are in all.
    """
    inputs: Inputs = opened(block, Inputs)
    scratch: Room = opened(room, Room)
    at = 0
    for row in range(len(inputs.orders.table)):
        rows, ships, g = found[at : at + most], shipments[at : at + most], grams[at : at + most]
        if inputs.orders.table[row, O_SLOT] >= 0:
            count, status, green = _home(inputs, row, scratch, rows, ships, g)
        else:
            count, status = _front(inputs, row, rows, ships, g)
            green = COLLIDES
        spans[row, 0], spans[row, 1], spans[row, 2] = count, status, green
        at += count
    return at

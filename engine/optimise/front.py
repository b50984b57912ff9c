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

from engine.costs.tariff import rounded
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.optimise.kernel import OPTIMAL, solve
from engine.optimise.pareto_ships import carrier_co2e
from engine.optimise.tables import O_DELIVER_BY, O_SLOT, PL_SLOT
from engine.optimise.workspace import (
    KIND_CARRIER,
    KIND_LANE,
    S_AT_PLACE,
    S_DELIVER,
    S_ID,
    S_ITEMS,
    S_KIND,
    S_NODE,
    Inputs,
)

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
    orders = inputs.orders
    o = orders.table[row]
    limit, count, status = o[O_DELIVER_BY], 0, OPTIMAL
    while count < len(found) and status == OPTIMAL:
        status, cents, number, place = solve(inputs, row, shipments[count])
        if status == OPTIMAL:
            latest, total = np.int64(0), np.int64(0)
            for i in range(number):
                ship = shipments[count, i]
                slot = orders.places[place, PL_SLOT] if ship[S_AT_PLACE] else o[O_SLOT]
                grams[count, i] = _grams(inputs, slot, ship[S_KIND], ship[S_NODE], ship[S_ID], ship[S_ITEMS])
                total += grams[count, i]
                latest = max(latest, ship[S_DELIVER])
            found[count, F_CENTS], found[count, F_DELIVER], found[count, F_CO2E] = cents, latest, total
            found[count, F_SHIPMENTS], found[count, F_PLACE] = number, place
            count += 1
            o[O_DELIVER_BY] = latest - 1
    o[O_DELIVER_BY] = limit
    return count, status

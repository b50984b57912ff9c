"""
Many orders in one compiled loop, as they come, each holding the stock and capacity it takes.

    answer     (num_orders, A_FIELDS) int64   status, cost, number of shipments, row of the place or -1, first shipment
    shipments  (num_items, S_FIELDS)  int64   those of an order start at its A_FIRST
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import opened
from engine.network.jit import compiled
from engine.network.live import LiveArrays
from engine.optimise.kernel import OPTIMAL, solve
from engine.optimise.tables import O_ITEMS, O_LINE_FROM, O_LINE_TO, Orders
from engine.optimise.workspace import S_DAY, S_HOUR, S_ITEMS, S_NODE, S_UNITS, Inputs

A_STATUS, A_CENTS, A_SHIPMENTS, A_PLACE, A_FIRST, A_FIELDS = range(6)


@compiled
def hold(live: LiveArrays, orders: Orders, o: NDArray[np.int64], shipment: NDArray[np.int64]) -> None:
    """Reserve the units of one shipment and its place in the pick cell."""
    node = shipment[S_NODE]
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        if shipment[S_ITEMS] >> orders.line[line].item & 1 == 0:
            continue
        sku = orders.line[line].sku
        low, high = live.row_start[sku], live.row_start[sku + 1]
        while low < high:
            mid = (low + high) >> 1
            if live.row[mid].node < node:
                low = mid + 1
            else:
                high = mid
        live.row[low].reserved += orders.line[line].quantity
    day, hour, units = shipment[S_DAY], shipment[S_HOUR], shipment[S_UNITS]
    live.day[node, day].orders += 1
    live.day[node, day].units += units
    h = live.hour_node[node]
    if h >= 0:
        live.hour[h, day, hour].orders += 1
        live.hour[h, day, hour].units += units


@compiled
def decide_rows(
    block: NDArray[np.int64],
    first: int,
    last: int,
    answer: NDArray[np.int64],
    shipments: NDArray[np.int64],
    commit: bool,
) -> int:
    """
    Decide the orders from row `first` up to, but not including, `last`, in their order.

    `block` is one of Inputs. Stops at an order that the kernel alone cannot settle (no plan with whole lines, or
    shipments that collide) and returns its row; `last` when all are done.
    """
    inputs: Inputs = opened(block, Inputs)
    live, orders = inputs.live, inputs.orders
    for row in range(first, last):
        at = answer[row, A_FIRST]
        out = shipments[at : at + orders.table[row, O_ITEMS]]
        status, cents, count, place = solve(inputs, row, out)
        answer[row, A_STATUS] = status
        answer[row, A_CENTS] = cents
        answer[row, A_SHIPMENTS] = count
        answer[row, A_PLACE] = place
        if status != OPTIMAL:
            return row
        if commit:
            for i in range(count):
                hold(live, orders, orders.table[row], out[i])
    return last

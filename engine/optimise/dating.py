"""
Up to when a shipment may be ordered so that it still leaves as it does: `Promise.release_by` of many, compiled.

The rules are those of engine/promise/dates.py; shipments start when they are placed. Rows are (n, R_FIELDS) int64:
node, kind (KIND_…), service or lane, place (node, of a lane), lines and units. Filled in are R_BY, NEVER where the
shipment cannot be, and R_DAY, the ship day of a carrier's hand-over, counted from the first of the horizon. Carriers
to a pickup point are left to the plain layer: what a later hand-over is worth there depends on their calendars.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.records import Net
from engine.optimise.workspace import KIND_CARRIER, KIND_OWN, Inputs
from engine.promise.clock import NEVER, first_handover, first_open, last_start, pick

R_NODE, R_KIND, R_ID, R_PLACE, R_LINES, R_UNITS, R_BY, R_DAY, R_FIELDS = range(9)


@inlined
def _last_release(net: Net, live: LiveArrays, row: NDArray[np.int64], placed_s: int) -> int:
    node, units = row[R_NODE], row[R_UNITS]
    work_s = net.node[node].hand_order_s + net.node[node].hand_line_s * row[R_LINES]
    _, end, segment = pick(net, live, node, placed_s, work_s, units)
    if segment < 0:
        return NEVER
    if row[R_KIND] == KIND_OWN:
        ready = first_open(net, node, end)
        return NEVER if ready < 0 else min(ready, last_start(net, live, node, segment, ready, work_s, units))
    if row[R_KIND] == KIND_CARRIER:
        schedule = net.schedule[node, row[R_ID]]
        at = first_handover(net.handover, schedule.row_from, schedule.row_to, end, placed_s)
        if at < 0:
            return NEVER
        leave_s = net.handover[at].leave_s
        row[R_DAY] = net.handover[at].then
        return min(net.handover[at].cutoff_s, last_start(net, live, node, segment, leave_s, work_s, units))
    lane, place = row[R_ID], row[R_PLACE]
    at = first_handover(net.departure, net.lane[lane].row_from, net.lane[lane].row_to, end, placed_s)
    if at < 0:
        return NEVER
    ready = first_open(net, place, net.departure[at].then + net.node[place].receiving_s)
    by, known = NEVER, at
    while at < net.lane[lane].row_to:
        # Later departures may be ready at the same opening.
        if at > known and first_open(net, place, net.departure[at].then + net.node[place].receiving_s) != ready:
            break
        start = last_start(net, live, node, segment, net.departure[at].leave_s, work_s, units)
        by = max(by, min(net.departure[at].cutoff_s, start))
        at += 1
    return by


@compiled
def last_releases(block: NDArray[np.int64], rows: NDArray[np.int64], placed_s: int) -> None:
    """Fill in R_BY of each row."""
    inputs: Inputs = opened(block, Inputs)
    for i in range(len(rows)):
        rows[i, R_BY] = _last_release(inputs.net, inputs.live, rows[i], placed_s)

"""
Up to when an order may be placed so that a shipment keeps its date: release_by of MODEL.md section 3, compiled.

It is the last release that meets the cut-off of its hand-over and is picked by then, in working time with room; at a
place that opens later than the parcel is there, also that of later hand-overs that are ready at the same opening.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import compiled, inlined
from engine.optimise.routes import pick_of
from engine.optimise.tables import (
    O_PLACE_FROM,
    PL_NODE,
    PL_REGION,
    PL_SLOT,
    PL_TZ,
)
from engine.optimise.workspace import KIND_CARRIER, KIND_OWN, S_AT_PLACE, S_DELIVER, S_ID, S_KIND, S_NODE, Inputs
from engine.promise.clock import arrival, first_handover, first_open, last_start


@inlined
def _arrives(inputs: Inputs, o: NDArray[np.int64], ship: NDArray[np.int64], at: int) -> int:
    """When a parcel to a pickup point is there after a hand-over, open or not; -1 never."""
    net, pol, reach = inputs.net, inputs.pol, inputs.reach
    place, service, row = inputs.orders.places[o[O_PLACE_FROM]], ship[S_ID], net.handover[at]
    days = pol.transit[service, reach.class_zone[int(reach.zone_class[place[PL_SLOT], ship[S_NODE]]), service]]
    if net.service[service].minutes:
        return row.leave_s + 60 * days
    return arrival(net, service, place[PL_REGION], place[PL_TZ], row.then, days)


@compiled
def order_by_s(inputs: Inputs, o: NDArray[np.int64], ship: NDArray[np.int64], item: int) -> int:
    """
    That of the only shipment of the plan of the last search.

    Parameters
    ----------
    o, ship
        Rows of the order, which has one place at most, and of the shipment.
    item
        The set of what it ships.
    """
    net, live, ws = inputs.net, inputs.live, inputs.ws
    node, route, kind, deliver = ship[S_NODE], ship[S_ID], ship[S_KIND], ship[S_DELIVER]
    units = ws.set[item].units
    work = net.node[node].hand_order_s + net.node[node].hand_line_s * ws.set[item].lines
    release, _, end, segment = pick_of(inputs, o, item, ws.chosen[0, 2])
    if kind == KIND_OWN:
        return last_start(net, live, node, segment, deliver, work, units)
    if kind == KIND_CARRIER:
        schedule = net.schedule[node, route]
        at = first_handover(net.handover, schedule.row_from, schedule.row_to, end, release)
        by = last_start(net, live, node, segment, net.handover[at].leave_s, work, units)
        latest = min(net.handover[at].cutoff_s, by)
        if ship[S_AT_PLACE] == 0:
            return latest
        place = inputs.orders.places[o[O_PLACE_FROM], PL_NODE]
        while at + 1 < schedule.row_to:
            at += 1
            there = _arrives(inputs, o, ship, at)
            if there < 0 or first_open(net, place, there) != deliver:
                break
            by = last_start(net, live, node, segment, net.handover[at].leave_s, work, units)
            latest = max(latest, min(net.handover[at].cutoff_s, by))
        return latest
    target, until = net.lane[route].target, net.lane[route].row_to
    at = first_handover(net.departure, net.lane[route].row_from, until, end, release)
    latest = min(
        net.departure[at].cutoff_s,
        last_start(net, live, node, segment, net.departure[at].leave_s, work, units),
    )
    while at + 1 < until:
        at += 1
        if first_open(net, target, net.departure[at].then + net.node[target].receiving_s) != deliver:
            break
        by = last_start(net, live, node, segment, net.departure[at].leave_s, work, units)
        latest = max(latest, min(net.departure[at].cutoff_s, by))
    return latest

"""
Second step of the kernel: the cost and the promise of one shipment, on one route, under the policy.

Arrays in, numbers out. A shipment is (set T of items, candidate c, route). Its cost here is all of MODEL.md section 4
that belongs to a shipment; `limit` is the cost above which the caller no longer cares. Returns cost (INFINITE:
infeasible or above the limit; costs may be negative, for credits) and deliver_by.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import ceil_div, num_parcels, parcel_cents, rounded, weigh
from engine.network.cells import BY_UNITS
from engine.network.jit import inlined
from engine.network.records import UNLIMITED
from engine.optimise.pieces import divided_cents
from engine.optimise.tables import (
    NO_LIMIT,
    O_DELIVER_BY,
    O_PLACED,
    O_REQUESTED,
    P_CAPACITY,
    P_CAPACITY_FREE,
    P_CARBON,
    P_LATE_BASE,
    P_LATE_DAY,
    P_WAIT_DAY,
    W_CAPACITY,
    W_CARBON,
    W_CARRIER,
    W_LATENESS,
    W_PACKAGING,
    W_PICKING,
    W_TRANSFER,
    W_WAITING,
    Pol,
)
from engine.optimise.workspace import INFINITE, MEMO_MAX, Inputs, Workspace
from engine.promise.clock import arrival, first_handover, first_open, pick

DAY_S = 86_400
FORBIDDEN = -1


@inlined
def base_cents(pol: Pol, ws: Workspace, t: int, c: int) -> int:
    """What a shipment costs before any carrier or date: picking, priority and the terms of its lines."""
    node = ws.candidate[c].node
    raw = pol.pick_cents[node, ws.set[t].lines] + pol.node[node].unit_cents * ws.set[t].units
    cents = weigh(raw, pol.weight[W_PICKING]) + pol.node[node].priority_cents
    if ws.counts[3] > 0:
        return cents + divided_cents(ws, t, c)
    left, i = t, 0
    while left:
        if left & 1:
            cents += ws.cand_cents[c, i]
        left >>= 1
        i += 1
    return cents


@inlined
def pick_of(inputs: Inputs, o: NDArray[np.int64], t: int, c: int) -> tuple[int, int, int, int]:
    """Release, start, end and segment of the pick; remembered per candidate and number of lines where that is all."""
    net, live, ws = inputs.net, inputs.live, inputs.ws
    node = ws.candidate[c].node
    placed = o[O_PLACED]
    release = placed
    left, i = t & ws.candidate[c].late, 0
    while left:
        if left & 1:
            release = max(release, ws.cand_from_s[c, i])
        left >>= 1
        i += 1
    lines = ws.set[t].lines
    simple = release == placed and live.limited[node] & BY_UNITS == 0
    stamp = ws.clock[0]
    if simple and ws.pick[c, lines].stamp == stamp:
        return release, ws.pick[c, lines].start_s, ws.pick[c, lines].end_s, ws.pick[c, lines].segment
    work = net.node[node].hand_order_s + net.node[node].hand_line_s * lines
    start, end, segment = pick(net, live, node, release, work, ws.set[t].units)
    if simple:
        ws.pick[c, lines].stamp = stamp
        ws.pick[c, lines].start_s = start
        ws.pick[c, lines].end_s = end
        ws.pick[c, lines].segment = segment
    return release, start, end, segment


@inlined
def carrier_cents(inputs: Inputs, t: int, service: int, era: int, zone: int, flags: int, memo: bool) -> int:
    """Weighted price of all parcels; -1 none. Remembered per set, era, service and zone for home deliveries."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    num_zones = net.per_kg_cents.shape[2]
    at = ((t * net.per_kg_cents.shape[1] + era) * len(net.service) + service) * num_zones + zone
    memo = memo and at < MEMO_MAX
    if memo and ws.price[at].stamp == ws.clock[0]:
        return ws.price[at].cents
    cents = parcel_cents(
        net,
        service,
        era,
        zone,
        ws.set[t].weight_g,
        ws.set[t].volume_cm3,
        ws.set[t].longest_mm,
        ws.set[t].second_mm,
        ws.set[t].girth_mm,
        ws.set[t].goods,
        flags,
    )
    if cents >= 0:
        cents = weigh(cents, pol.weight[W_CARRIER])
    if memo:
        ws.price[at].stamp = ws.clock[0]
        ws.price[at].cents = cents
    return cents


@inlined
def lateness_cents(pol: Pol, o: NDArray[np.int64], deliver: int) -> int:
    """Of a delivery after the date that the order asks for."""
    if deliver <= o[O_REQUESTED] or o[O_REQUESTED] == NO_LIMIT:
        return 0
    days = ceil_div(deliver - o[O_REQUESTED], DAY_S)
    return weigh(pol.scalar[P_LATE_BASE] + pol.scalar[P_LATE_DAY] * days, pol.weight[W_LATENESS])


@inlined
def waiting_cents(pol: Pol, o: NDArray[np.int64], deliver: int) -> int:
    """Of the days until a delivery."""
    if pol.scalar[P_WAIT_DAY] == 0:
        return 0
    return weigh(pol.scalar[P_WAIT_DAY] * ceil_div(deliver - o[O_PLACED], DAY_S), pol.weight[W_WAITING])


@inlined
def late_cents(pol: Pol, o: NDArray[np.int64], deliver: int) -> int:
    """Lateness and waiting of a delivery."""
    return lateness_cents(pol, o, deliver) + waiting_cents(pol, o, deliver)


@inlined
def capacity_cents(inputs: Inputs, node: int, day: int) -> int:
    """The price of a busy node, by what is used of a day."""
    pol, live = inputs.pol, inputs.live
    if pol.scalar[P_CAPACITY] == 0:
        return 0
    used = 0
    orders_max, units_max = live.day[node, day].orders_max, live.day[node, day].units_max
    if orders_max != UNLIMITED and orders_max > 0:
        used = live.day[node, day].orders * 1000 // orders_max
    if units_max != UNLIMITED and units_max > 0:
        used = max(used, live.day[node, day].units * 1000 // units_max)
    free = pol.scalar[P_CAPACITY_FREE]
    above = min(used, 1000) - free
    if above <= 0:
        return 0
    return weigh(pol.scalar[P_CAPACITY] * above * above // ((1000 - free) * (1000 - free)), pol.weight[W_CAPACITY])


@inlined
def _dated(inputs: Inputs, o: NDArray[np.int64], node: int, segment: int, deliver: int) -> int:
    """Lateness, waiting and capacity of a shipment; -1 where it misses the order's hard date."""
    if deliver > o[O_DELIVER_BY]:
        return FORBIDDEN
    cents = late_cents(inputs.pol, o, deliver)
    if inputs.pol.scalar[P_CAPACITY] > 0:
        cents += capacity_cents(inputs, node, inputs.net.segment[segment].day)
    return cents


@inlined
def carbon_cents(pol: Pol, co2e_g: int) -> int:
    """Weighted price of emissions."""
    return weigh(rounded(co2e_g * pol.scalar[P_CARBON], 1_000_000), pol.weight[W_CARBON])


@inlined
def carrier_route(
    inputs: Inputs,
    o: NDArray[np.int64],
    t: int,
    c: int,
    service: int,
    zone: int,
    distance_m: int,
    region: int,
    tz: int,
    flags: int,
    place: int,
    base: int,
    limit: int,
) -> tuple[int, int]:
    """A parcel or courier service, to the door (`place` -1) or to a pickup point."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    if zone < 0 or pol.transit[service, zone] < 0:
        return INFINITE, 0
    home = place < 0
    eras = net.per_kg_cents.shape[1]
    price = 0
    if eras == 1:
        price = carrier_cents(inputs, t, service, np.int64(0), zone, flags, home)
        if price < 0 or base + price > limit:
            return INFINITE, 0
    release, _, end, segment = pick_of(inputs, o, t, c)
    if segment < 0:
        return INFINITE, 0
    node = ws.candidate[c].node
    schedule = net.schedule[node, service]
    at = first_handover(net.handover, schedule.row_from, schedule.row_to, end, release)
    if at < 0:
        return INFINITE, 0
    day = net.handover[at].then
    if eras > 1:
        price = carrier_cents(inputs, t, service, net.era_of_day[day], zone, flags, home)
        if price < 0 or base + price > limit:
            return INFINITE, 0
    cents = base + price
    if pol.node[node].packaging_cents > 0 or pol.scalar[P_CARBON] > 0:
        num = num_parcels(net, service, ws.set[t].weight_g, ws.set[t].volume_cm3)
        cents += weigh(pol.node[node].packaging_cents * num, pol.weight[W_PACKAGING])
        if pol.scalar[P_CARBON] > 0:
            moved = rounded(ws.set[t].weight_g * distance_m * net.service[service].tkm_g, 1_000_000_000)
            cents += carbon_cents(pol, net.service[service].parcel_g * num + moved)
        if cents > limit:
            return INFINITE, 0
    if net.service[service].minutes:
        deliver = net.handover[at].leave_s + 60 * pol.transit[service, zone]
    else:
        deliver = arrival(net, service, region, tz, day, pol.transit[service, zone])
    if deliver >= 0 and not home:
        deliver = first_open(net, place, deliver)
    if deliver < 0:
        return INFINITE, 0
    dated = _dated(inputs, o, node, segment, deliver)
    if dated < 0 or cents + dated > limit:
        return INFINITE, 0
    return cents + dated, deliver


@inlined
def own_stock_route(inputs: Inputs, o: NDArray[np.int64], t: int, c: int, base: int, limit: int) -> tuple[int, int]:
    """Click & collect: the place serves from its own stock."""
    net, ws = inputs.net, inputs.ws
    node = ws.candidate[c].node
    _, _, end, segment = pick_of(inputs, o, t, c)
    if segment < 0:
        return INFINITE, 0
    ready = first_open(net, node, end)
    if ready < 0:
        return INFINITE, 0
    dated = _dated(inputs, o, node, segment, ready)
    if dated < 0 or base + dated > limit:
        return INFINITE, 0
    return base + dated, ready


@inlined
def lane_route(
    inputs: Inputs, o: NDArray[np.int64], t: int, c: int, lane: int, base: int, limit: int
) -> tuple[int, int]:
    """Ship to store over a transfer lane."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    raw = net.lane[lane].order_cents + net.lane[lane].unit_cents * ws.set[t].units
    cents = base + weigh(raw, pol.weight[W_TRANSFER])
    if pol.scalar[P_CARBON] > 0:
        moved = ws.set[t].weight_g * net.lane[lane].distance_m * net.lane[lane].tkm_g
        cents += carbon_cents(pol, rounded(moved, 1_000_000_000))
    if cents > limit:
        return INFINITE, 0
    release, _, end, segment = pick_of(inputs, o, t, c)
    if segment < 0:
        return INFINITE, 0
    at = first_handover(net.departure, net.lane[lane].row_from, net.lane[lane].row_to, end, release)
    if at < 0:
        return INFINITE, 0
    place = net.lane[lane].target
    ready = first_open(net, place, net.departure[at].then + net.node[place].receiving_s)
    if ready < 0:
        return INFINITE, 0
    dated = _dated(inputs, o, ws.candidate[c].node, segment, ready)
    if dated < 0 or cents + dated > limit:
        return INFINITE, 0
    return cents + dated, ready

"""
Second step of the kernel: the cost and the promise of one shipment, on one route, under the policy. Arrays in, numbers out.

A shipment is (set T of items, candidate c, route). Its cost here is all of MODEL.md section 4 that belongs to a shipment;
`limit` is the cost above which the caller no longer cares. Returns cost (-1: infeasible or above the limit) and deliver_by.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import ceil_div, num_parcels, parcel_cents, rounded, weigh
from engine.network.compiled import UNLIMITED, Net
from engine.network.live import LiveArrays
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
from engine.optimise.workspace import MEMO_MAX, Workspace
from engine.promise.clock import arrival, first_handover, first_open, pick

DAY_S = 86_400
FAILED = -1


@numba.njit(cache=True)
def base_cents(pol: Pol, ws: Workspace, t: int, c: int) -> int:
    """What a shipment costs before any carrier or date: picking, priority and the terms of its lines."""
    node = ws.cand_node[c]
    raw = pol.pick_cents[node, ws.set_lines[t]] + pol.unit_cents[node] * ws.set_units[t]
    cents = weigh(raw, pol.weight[W_PICKING]) + pol.priority_cents[node]
    left, i = t, 0
    while left:
        if left & 1:
            cents += ws.cand_cents[c, i]
        left >>= 1
        i += 1
    return cents


@numba.njit(cache=True)
def pick_of(
    net: Net, live: LiveArrays, o: NDArray[np.int64], ws: Workspace, t: int, c: int
) -> tuple[int, int, int, int]:
    """Release, start, end and segment of the pick; remembered per candidate and number of lines where that is all."""
    node = ws.cand_node[c]
    placed = o[O_PLACED]
    release = placed
    left, i = t, 0
    while left:
        if left & 1:
            release = max(release, ws.cand_from_s[c, i])
        left >>= 1
        i += 1
    lines = ws.set_lines[t]
    simple = (
        release == placed
        and net.cap_day_units[node] == UNLIMITED
        and (live.hour_node[node] < 0 or net.cap_hour_units[node] == UNLIMITED)
    )
    stamp = ws.clock[0]
    if simple and ws.pick_stamp[c, lines] == stamp:
        return release, ws.pick_start_s[c, lines], ws.pick_end_s[c, lines], ws.pick_segment[c, lines]
    work = net.hand_order_s[node] + net.hand_line_s[node] * lines
    start, end, segment = pick(net, live, node, release, work, ws.set_units[t])
    if simple:
        ws.pick_stamp[c, lines] = stamp
        ws.pick_start_s[c, lines] = start
        ws.pick_end_s[c, lines] = end
        ws.pick_segment[c, lines] = segment
    return release, start, end, segment


@numba.njit(cache=True)
def carrier_cents(
    net: Net, pol: Pol, ws: Workspace, t: int, service: int, era: int, zone: int, flags: int, memo: bool
) -> int:
    """Weighted price of all parcels; -1 none. Remembered per set, era, service and zone for home deliveries."""
    num_zones = net.per_kg_cents.shape[2]
    at = ((t * net.per_kg_cents.shape[1] + era) * len(net.svc_kind) + service) * num_zones + zone
    memo = memo and at < MEMO_MAX
    if memo and ws.price_stamp[at] == ws.clock[0]:
        return ws.price_cents[at]
    cents = parcel_cents(
        net,
        service,
        era,
        zone,
        ws.set_weight_g[t],
        ws.set_volume_cm3[t],
        ws.set_longest_mm[t],
        ws.set_second_mm[t],
        ws.set_girth_mm[t],
        ws.set_goods[t],
        flags,
    )
    if cents >= 0:
        cents = weigh(cents, pol.weight[W_CARRIER])
    if memo:
        ws.price_stamp[at] = ws.clock[0]
        ws.price_cents[at] = cents
    return cents


@numba.njit(cache=True)
def _dated(
    net: Net, pol: Pol, live: LiveArrays, o: NDArray[np.int64], node: int, segment: int, deliver: int
) -> int:
    """Lateness, waiting and capacity of a shipment; -1 where it misses the order's hard date."""
    if deliver > o[O_DELIVER_BY]:
        return FAILED
    cents = 0
    if deliver > o[O_REQUESTED] and o[O_REQUESTED] != NO_LIMIT:
        days = ceil_div(deliver - o[O_REQUESTED], DAY_S)
        cents += weigh(pol.scalar[P_LATE_BASE] + pol.scalar[P_LATE_DAY] * days, pol.weight[W_LATENESS])
    if pol.scalar[P_WAIT_DAY] > 0:
        days = ceil_div(deliver - o[O_PLACED], DAY_S)
        cents += weigh(pol.scalar[P_WAIT_DAY] * days, pol.weight[W_WAITING])
    if pol.scalar[P_CAPACITY] > 0:
        day = net.seg_day[segment]
        used = 0
        if net.cap_day_orders[node] != UNLIMITED and net.cap_day_orders[node] > 0:
            used = live.day_orders[node, day] * 1000 // net.cap_day_orders[node]
        if net.cap_day_units[node] != UNLIMITED and net.cap_day_units[node] > 0:
            used = max(used, live.day_units[node, day] * 1000 // net.cap_day_units[node])
        free = pol.scalar[P_CAPACITY_FREE]
        above = min(used, 1000) - free
        if above > 0:
            price = pol.scalar[P_CAPACITY] * above * above // ((1000 - free) * (1000 - free))
            cents += weigh(price, pol.weight[W_CAPACITY])
    return cents


@numba.njit(cache=True)
def carbon_cents(pol: Pol, co2e_g: int) -> int:
    """Weighted price of emissions."""
    return weigh(rounded(co2e_g * pol.scalar[P_CARBON], 1_000_000), pol.weight[W_CARBON])


@numba.njit(cache=True)
def carrier_route(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
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
    if zone < 0 or pol.transit[service, zone] < 0:
        return FAILED, 0
    home = place < 0
    eras = net.per_kg_cents.shape[1]
    price = 0
    if eras == 1:
        price = carrier_cents(net, pol, ws, t, service, 0, zone, flags, home)
        if price < 0 or base + price > limit:
            return FAILED, 0
    release, start, end, segment = pick_of(net, live, o, ws, t, c)
    if segment < 0:
        return FAILED, 0
    node = ws.cand_node[c]
    sched = net.sched_of[node, service]
    at = first_handover(
        net.ho_collect_s, net.ho_cutoff_s, net.sched_start[sched], net.sched_start[sched + 1], end, release
    )
    if at < 0:
        return FAILED, 0
    day = net.ho_day[at]
    if eras > 1:
        price = carrier_cents(net, pol, ws, t, service, net.era_of_day[day], zone, flags, home)
        if price < 0 or base + price > limit:
            return FAILED, 0
    cents = base + price
    if pol.packaging_cents[node] > 0 or pol.scalar[P_CARBON] > 0:
        num = num_parcels(net, service, ws.set_weight_g[t], ws.set_volume_cm3[t])
        cents += weigh(pol.packaging_cents[node] * num, pol.weight[W_PACKAGING])
        if pol.scalar[P_CARBON] > 0:
            moved = rounded(ws.set_weight_g[t] * distance_m * net.svc_tkm_g[service], 1_000_000_000)
            cents += carbon_cents(pol, net.svc_parcel_g[service] * num + moved)
        if cents > limit:
            return FAILED, 0
    if net.svc_minutes[service]:
        deliver = net.ho_collect_s[at] + 60 * pol.transit[service, zone]
    else:
        deliver = arrival(net, service, region, tz, day, pol.transit[service, zone])
    if deliver >= 0 and not home:
        deliver = first_open(net, place, deliver)
    if deliver < 0:
        return FAILED, 0
    dated = _dated(net, pol, live, o, node, segment, deliver)
    if dated < 0 or cents + dated > limit:
        return FAILED, 0
    return cents + dated, deliver


@numba.njit(cache=True)
def own_stock_route(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    t: int,
    c: int,
    base: int,
    limit: int,
) -> tuple[int, int]:
    """Click & collect: the place serves from its own stock."""
    node = ws.cand_node[c]
    _, _, end, segment = pick_of(net, live, o, ws, t, c)
    if segment < 0:
        return FAILED, 0
    ready = first_open(net, node, end)
    if ready < 0:
        return FAILED, 0
    dated = _dated(net, pol, live, o, node, segment, ready)
    if dated < 0 or base + dated > limit:
        return FAILED, 0
    return base + dated, ready


@numba.njit(cache=True)
def lane_route(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    t: int,
    c: int,
    lane: int,
    base: int,
    limit: int,
) -> tuple[int, int]:
    """Ship to store over a transfer lane."""
    raw = net.lane_order_cents[lane] + net.lane_unit_cents[lane] * ws.set_units[t]
    cents = base + weigh(raw, pol.weight[W_TRANSFER])
    if pol.scalar[P_CARBON] > 0:
        moved = ws.set_weight_g[t] * net.lane_distance_m[lane] * net.lane_tkm_g[lane]
        cents += carbon_cents(pol, rounded(moved, 1_000_000_000))
    if cents > limit:
        return FAILED, 0
    release, _, end, segment = pick_of(net, live, o, ws, t, c)
    if segment < 0:
        return FAILED, 0
    at = first_handover(net.dep_s, net.dep_cutoff_s, net.lane_sched[lane], net.lane_sched[lane + 1], end, release)
    if at < 0:
        return FAILED, 0
    place = net.lane_target[lane]
    ready = first_open(net, place, net.dep_arrive_s[at] + net.receiving_s[place])
    if ready < 0:
        return FAILED, 0
    dated = _dated(net, pol, live, o, ws.cand_node[c], segment, ready)
    if dated < 0 or cents + dated > limit:
        return FAILED, 0
    return cents + dated, ready

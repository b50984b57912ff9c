"""
When, on arrays: picks, hand-overs and arrivals of one shipment, compiled. The rules are MODEL.md section 3.

Takes `Net` (engine/network/compiled.py) and the used capacity of `Live` (day_orders, day_units (K, D) int32; hour_orders,
hour_units (H, D, 24) int32; hour_node (K,) int32). Instants are epoch seconds; NEVER says that there is none.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from engine.network.compiled import Net
from engine.network.live import LiveArrays

NEVER = -1


@numba.njit(cache=True)
def has_room(net: Net, live: LiveArrays, node: int, day: int, hour: int, units: int) -> bool:
    """Whether one more order of so many units fits the cells of a node."""
    if live.day_orders[node, day] + 1 > net.cap_day_orders[node]:
        return False
    if live.day_units[node, day] + units > net.cap_day_units[node]:
        return False
    h = live.hour_node[node]
    if h >= 0:
        if live.hour_orders[h, day, hour] + 1 > net.cap_hour_orders[node]:
            return False
        if live.hour_units[h, day, hour] + units > net.cap_hour_units[node]:
            return False
    return True


@numba.njit(cache=True)
def pick(net: Net, live: LiveArrays, node: int, release_s: int, work_s: int, units: int) -> tuple[int, int, int]:
    """Start, end and segment of the pick of a shipment released at `release_s`; NEVER where there is no time or room."""
    start = max(release_s, net.free_from_s[node])
    cal = net.cal_of_node[node]
    low, last = net.cal_start[cal], net.cal_start[cal + 1]
    high = last
    while low < high:  # the first segment that ends after the start
        mid = (low + high) >> 1
        if net.seg_end_s[mid] > start:
            high = mid
        else:
            low = mid + 1
    while low < last and not has_room(net, live, node, net.seg_day[low], net.seg_hour[low], units):
        low += 1
    if low >= last:
        return NEVER, NEVER, NEVER
    begin = max(start, net.seg_start_s[low])
    if work_s == 0:
        return begin, begin, low
    target = net.seg_work_s[low] + (begin - net.seg_start_s[low]) + work_s
    at = low
    while at < last:
        length = net.seg_end_s[at] - net.seg_start_s[at]
        if net.seg_work_s[at] + length >= target:
            return begin, net.seg_start_s[at] + target - net.seg_work_s[at], low
        at += 1
    return NEVER, NEVER, NEVER


@numba.njit(cache=True)
def first_handover(
    first: NDArray[np.int64], cutoff: NDArray[np.int64], low: int, last: int, ready_s: int, release_s: int
) -> int:
    """Index of the first hand-over at or after `ready_s` whose cut-off is not before `release_s`; NEVER if none."""
    high = last
    while low < high:
        mid = (low + high) >> 1
        if first[mid] >= ready_s:
            high = mid
        else:
            low = mid + 1
    while low < last and cutoff[low] < release_s:
        low += 1
    return low if low < last else NEVER


@numba.njit(cache=True)
def arrival(net: Net, service: int, region: int, tz: int, ship_day: int, days: int) -> int:
    """End of the delivery window, `days` transit days after a hand-over on day `ship_day` (from first_day)."""
    cal = net.arr_of[service, region]
    last = net.arr_transit.shape[1]
    day = ship_day
    left = days
    while left > 0:
        day += 1
        if day >= last:
            return NEVER
        left -= net.arr_transit[cal, day]
    while day < last and net.arr_deliver[cal, day] == 0:
        day += 1
    return net.end_s[service, tz, day] if day < last else NEVER


@numba.njit(cache=True)
def first_open(net: Net, place: int, moment_s: int) -> int:
    """The first instant at or after `moment_s` at which a place is open."""
    cal = net.open_of_node[place]
    if cal < 0:
        return NEVER
    low, last = net.open_start[cal], net.open_start[cal + 1]
    high = last
    while low < high:
        mid = (low + high) >> 1
        if net.open_to_s[mid] > moment_s:
            high = mid
        else:
            low = mid + 1
    return max(moment_s, net.open_from_s[low]) if low < last else NEVER


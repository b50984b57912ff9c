"""
When, on arrays: picks, hand-overs and arrivals of one shipment, compiled. The rules are MODEL.md section 3.

Takes `Net` (engine/network/records.py) and the capacity of `LiveArrays` (engine/network/cells.py). Instants are
epoch seconds; NEVER says that there is none.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import inlined
from engine.network.live import LiveArrays
from engine.network.records import DELIVERS, TRANSIT, Net

NEVER = -1


@inlined
def has_room(live: LiveArrays, node: int, day: int, hour: int, units: int) -> bool:
    """Whether one more order of so many units fits the cells of a node."""
    if live.day[node, day].orders + 1 > live.day[node, day].orders_max:
        return False
    if live.day[node, day].units + units > live.day[node, day].units_max:
        return False
    h = live.hour_node[node]
    if h >= 0:
        if live.hour[h, day, hour].orders + 1 > live.hour[h, day, hour].orders_max:
            return False
        if live.hour[h, day, hour].units + units > live.hour[h, day, hour].units_max:
            return False
    return True


@inlined
def first_segment(net: Net, node: int, start_s: int) -> int:
    """The first segment of a node's working time that ends after an instant; `segment_to` where there is none."""
    low, high = net.node[node].segment_from, net.node[node].segment_to
    while low < high:
        mid = (low + high) >> 1
        if net.segment[mid].end_s > start_s:
            high = mid
        else:
            low = mid + 1
    return low


@inlined
def pick(net: Net, live: LiveArrays, node: int, release_s: int, work_s: int, units: int) -> tuple[int, int, int]:
    """Start, end and segment of the pick of a shipment released at `release_s`; NEVER where is no time or room."""
    start = max(release_s, net.node[node].free_from_s)
    low, last = first_segment(net, node, start), net.node[node].segment_to
    while low < last and not has_room(live, node, net.segment[low].day, net.segment[low].hour, units):
        low += 1
    if low >= last:
        return NEVER, NEVER, NEVER
    begin = max(start, net.segment[low].start_s)
    if work_s == 0:
        return begin, begin, low
    target = net.segment[low].work_s + (begin - net.segment[low].start_s) + work_s
    at = low
    while at < last:
        length = net.segment[at].end_s - net.segment[at].start_s
        if net.segment[at].work_s + length >= target:
            return begin, net.segment[at].start_s + target - net.segment[at].work_s, low
        at += 1
    return NEVER, NEVER, NEVER


@inlined
def last_start(net: Net, live: LiveArrays, node: int, segment: int, by_s: int, work_s: int, units: int) -> int:
    """The last second at which a pick may start that ends by an instant, where it may start in a segment at all."""
    first, last = net.node[node].segment_from, net.node[node].segment_to
    low, high = first, last  # the first that starts after the instant
    while low < high:
        mid = (low + high) >> 1
        if net.segment[mid].start_s > by_s:
            high = mid
        else:
            low = mid + 1
    begun = low - 1
    worked = net.segment[begun].work_s + min(by_s, net.segment[begun].end_s) - net.segment[begun].start_s
    spare = worked - work_s
    at = begun
    while at > segment and (
        net.segment[at].work_s > spare or not has_room(live, node, net.segment[at].day, net.segment[at].hour, units)
    ):
        at -= 1
    return min(net.segment[at].end_s - 1, by_s, net.segment[at].start_s + spare - net.segment[at].work_s)


@inlined
def first_handover(table: NDArray[np.void], low: int, last: int, ready_s: int, release_s: int) -> int:
    """Index of the first row at or after `ready_s` whose cut-off is not before `release_s`; NEVER if none."""
    high = last
    while low < high:
        mid = (low + high) >> 1
        if table[mid].leave_s >= ready_s:
            high = mid
        else:
            low = mid + 1
    while low < last and table[low].cutoff_s < release_s:
        low += 1
    return low if low < last else NEVER


@inlined
def arrival(net: Net, service: int, region: int, tz: int, ship_day: int, days: int) -> int:
    """End of the delivery window, `days` transit days after a hand-over on day `ship_day` (from first_day)."""
    cal = net.running_of[service, region]
    last = net.running.shape[1]
    day = ship_day
    left = days
    while left > 0:
        day += 1
        if day >= last:
            return NEVER
        left -= net.running[cal, day] & TRANSIT
    while day < last and net.running[cal, day] & DELIVERS == 0:
        day += 1
    return net.end_s[service, tz, day] if day < last else NEVER


@inlined
def first_open(net: Net, place: int, moment_s: int) -> int:
    """The first instant at or after `moment_s` at which a place is open."""
    low, last = net.node[place].open_from, net.node[place].open_to
    high = last
    while low < high:
        mid = (low + high) >> 1
        if net.opening[mid].to_s > moment_s:
            high = mid
        else:
            low = mid + 1
    return max(moment_s, net.opening[low].from_s) if low < last else NEVER

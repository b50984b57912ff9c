"""
Second step of the search for options: L(S), the ways to serve each set S of items in full that no other beats.

The walk over sets and their parts can pause after any part, so that a deadline is kept. Arrays:
engine/optimise/labels.py.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.optimise.labels import (
    C_LIMIT,
    C_PART,
    C_SET,
    C_WORK,
    Labels,
    copy_ship,
    is_beaten,
    keep_found,
    keep_part,
    used_by,
)
from engine.optimise.partition import num_bits
from engine.optimise.tables import O_MAX_SHIPMENTS
from engine.optimise.workspace import INFINITE


@compiled
def _bound(lab: Labels, row: int, target: int, split: int) -> None:
    """For every set of the target: least cost, earliest date and least CO2e of any way to serve it, each on its own."""
    limit, bound = lab.state[C_LIMIT], lab.bound
    for t in range(1, target + 1):
        lab.least[t].cost, lab.least[t].deliver, lab.least[t].co2e = INFINITE, INFINITE, INFINITE
        for i in range(t * limit, t * limit + lab.num_ship[row, t]):
            lab.least[t].cost = min(lab.least[t].cost, lab.ship[row, i].cost)
            lab.least[t].deliver = min(lab.least[t].deliver, lab.ship[row, i].deliver)
            lab.least[t].co2e = min(lab.least[t].co2e, lab.ship[row, i].co2e)
    bound[0].cost, bound[0].deliver, bound[0].co2e = -split, 0, 0
    for s in range(1, target + 1):
        bound[s].cost, bound[s].deliver, bound[s].co2e = INFINITE, INFINITE, INFINITE
        if s & ~target:
            continue
        low = s & -s
        rest = s ^ low
        sub = rest
        while True:
            t = sub | low
            if lab.least[t].cost < INFINITE and bound[s ^ t].cost < INFINITE:
                bound[s].cost = min(bound[s].cost, lab.least[t].cost + split + bound[s ^ t].cost)
                bound[s].deliver = min(bound[s].deliver, max(lab.least[t].deliver, bound[s ^ t].deliver))
                bound[s].co2e = min(bound[s].co2e, lab.least[t].co2e + bound[s ^ t].co2e)
            if sub == 0:
                break
            sub = (sub - 1) & rest


@inlined
def _hopeless(
    lab: Labels, rest: int, cost: int, deliver: int, co2e: int, number: int, split: int, trip_cents: int, trip_g: int
) -> bool:
    """Whether no way to serve the rest makes a plan that counts, of a part with these values."""
    if lab.bound[rest].cost >= INFINITE:
        return True
    more = 1 if rest else 0
    return is_beaten(
        lab,
        cost + split + lab.bound[rest].cost + trip_cents,
        max(deliver, lab.bound[rest].deliver),
        co2e + lab.bound[rest].co2e + trip_g,
        number + more,
    )


@compiled
def _drop_hopeless(lab: Labels, row: int, target: int, split: int, trip_cents: int, trip_g: int) -> None:
    """Drop the shipments that belong to no plan that counts."""
    limit, ship = lab.state[C_LIMIT], lab.ship[row]
    for t in range(1, target):
        low = t * limit
        i, last = low, low + lab.num_ship[row, t]
        while i < last:
            cost, deliver, co2e = ship[i].cost, ship[i].deliver, ship[i].co2e
            if _hopeless(lab, target ^ t, cost, deliver, co2e, np.int64(1), split, trip_cents, trip_g):
                last -= 1
                copy_ship(ship, i, ship, last)
            else:
                i += 1
        lab.num_ship[row, t] = last - low


@inlined
def _has_room(live: LiveArrays, lab: Labels, row: int, i: int, part: int) -> bool:
    """Whether shipment i fits the cells of its node beside those of a part."""
    node, day, hour = lab.ship[row, i].node, lab.ship[row, i].day, lab.ship[row, i].hour
    units = lab.ship[row, i].units
    day_n, day_u, hour_n, hour_u = used_by(lab, row, part, node, day, hour)
    if live.day[node, day].orders + day_n + 1 > live.day[node, day].orders_max:
        return False
    if live.day[node, day].units + day_u + units > live.day[node, day].units_max:
        return False
    h = live.hour_node[node]
    return h < 0 or (
        live.hour[h, day, hour].orders + hour_n + 1 <= live.hour[h, day, hour].orders_max
        and live.hour[h, day, hour].units + hour_u + units <= live.hour[h, day, hour].units_max
    )


@compiled
def _join(
    live: LiveArrays,
    lab: Labels,
    row: int,
    target: int,
    s: int,
    t: int,
    most: int,
    split: int,
    trip_cents: int,
    trip_g: int,
    place: int,
) -> None:
    """Put every shipment of T before every part that serves S - T: parts of S, or plans where S is the target."""
    left, limit = s ^ t, lab.state[C_LIMIT]
    counted = s != target and most < INFINITE
    room = most if s == target else most - 1
    for i in range(t * limit, t * limit + lab.num_ship[row, t]):
        for j in range(left * limit, left * limit + lab.num_part[left]):
            number = 1 + lab.part[j].number
            tight = lab.ship[row, i].tight
            if number > room or (tight and lab.part[j].tight and not _has_room(live, lab, row, i, j)):
                continue
            cost = lab.ship[row, i].cost + split + lab.part[j].cost
            deliver = max(lab.ship[row, i].deliver, lab.part[j].deliver)
            co2e = lab.ship[row, i].co2e + lab.part[j].co2e
            rest = j if left else np.int64(-1)
            if s == target:
                keep_found(lab, row, cost + trip_cents, deliver, co2e + trip_g, number, place, t, i, rest)
            elif not _hopeless(lab, target ^ s, cost, deliver, co2e, number, split, trip_cents, trip_g):
                keep_part(lab, row, s, cost, deliver, co2e, number, tight + lab.part[j].tight, t, i, rest, counted)


@compiled
def start_joins(lab: Labels, row: int, target: int, split: int, trip_cents: int, trip_g: int, place: int) -> None:
    """Take the plans of one shipment, and drop the shipments of a row that belong to none that counts."""
    zero = np.int64(0)
    limit = lab.state[C_LIMIT]
    lab.part[0].cost, lab.part[0].deliver, lab.part[0].co2e = -split, 0, 0  # nothing is left to serve
    lab.part[0].number, lab.part[0].tight = 0, 0
    lab.num_part[0] = 1
    for i in range(target * limit, target * limit + lab.num_ship[row, target]):
        cost, co2e = lab.ship[row, i].cost + trip_cents, lab.ship[row, i].co2e + trip_g
        keep_found(lab, row, cost, lab.ship[row, i].deliver, co2e, zero + 1, place, target, i, zero - 1)
    _bound(lab, row, target, split)
    _drop_hopeless(lab, row, target, split, trip_cents, trip_g)
    lab.state[C_SET], lab.state[C_PART] = 1, -1


@compiled
def go_on_joining(
    live: LiveArrays,
    o: NDArray[np.int64],
    lab: Labels,
    row: int,
    target: int,
    split: int,
    trip_cents: int,
    trip_g: int,
    place: int,
) -> bool:
    """Find the plans of the shipments in a row that nothing found beats; True once all are found."""
    state, first = lab.state, target & -target
    most = o[O_MAX_SHIPMENTS] if o[O_MAX_SHIPMENTS] < num_bits(target) else INFINITE  # no limit at all
    for s in range(state[C_SET], target + 1):
        if s & ~target or (s & first and s != target):
            continue
        low = s & -s
        rest = s ^ low
        sub = rest if state[C_PART] < 0 else state[C_PART]
        if state[C_PART] < 0:
            lab.num_part[s] = 0
        while sub >= 0:
            if state[C_WORK] <= 0:
                state[C_SET], state[C_PART] = s, sub
                return False
            t = sub | low
            if t != target and lab.num_ship[row, t] > 0 and lab.num_part[s ^ t] > 0:
                state[C_WORK] -= lab.num_ship[row, t] * lab.num_part[s ^ t]
                _join(live, lab, row, target, s, t, most, split, trip_cents, trip_g, place)
            sub = (sub - 1) & rest if sub else np.int64(-1)
        state[C_PART] = -1
    return True

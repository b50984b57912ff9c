"""
All that a cart can have brought home, in one pass: of every set of items the shipments that no other beats.

    F(T)  = shipments of the items T, cost falling as the date rises        room.way (FEW_SETS, WAYS_MAX), room.held
    G(T)  = the shipment of T with the fewest grams, of those the cheapest  room.green

The best plan by any date is the best partition of the cheapest shipments by that date (partition.py), so the whole
front of cost and date costs one pass over nodes instead of one search a date. Nodes are looked at by zone class, the
cheapest class first. Of a class a set is left out by a service where the least terms of its nodes, the carrier's price
and the earliest date of any of its nodes are beaten already; of a node likewise (terms: bounds.py). Earliest dates of
nodes are those of one line of one unit ordered at the start of the running ten minutes: none leaves a node earlier.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import openable
from engine.network.floors import NOT_SOLD
from engine.network.jit import compiled, inlined
from engine.network.records import Net
from engine.network.rows import CLASSES_MAX
from engine.optimise.bounds import fill_terms, shift_of, sort_nodes
from engine.optimise.candidates import find_candidates, measure_all, measure_items
from engine.optimise.routes import base_cents, carrier_cents, carrier_route, late_cents
from engine.optimise.search import start
from engine.optimise.shipments import home_kinds, home_services
from engine.optimise.tables import (
    O_DELIVER_BY,
    O_FLAGS,
    O_ITEMS,
    O_MAX_SHIPMENTS,
    O_MIN_VALUE,
    O_PLACED,
    O_REGION,
    O_SLOT,
    O_TZ,
)
from engine.optimise.workspace import FIRST, INFINITE, NEVER, Inputs, Workspace
from engine.promise.clock import arrival, first_handover, first_segment

FEW_ITEMS_MAX = 6  # more are searched date by date
FEW_SETS = 1 << FEW_ITEMS_MAX
WAYS_MAX = 32  # of a set; more are searched date by date
SPAN_S = 600  # for which the earliest dates of nodes are kept
FAR_M = 2**40
WAY = np.dtype([(name, "i8") for name in ("cost", "deliver", "grams", "candidate", "service")])


class Room(NamedTuple):
    """Scratch memory of the pass."""

    since: NDArray[np.int64]  # (1,) start of the span that `soon` is of, in epoch seconds
    soon: NDArray[np.int64]  # (K, S) earliest hand-over: its day or, of couriers, its instant; -1 never
    soonest: NDArray[np.int64]  # (S,) of the class at hand
    held: NDArray[np.int64]  # (FEW_SETS,) ways of a set
    way: NDArray[np.void]  # (FEW_SETS, WAYS_MAX) WAY, by date
    green: NDArray[np.void]  # (FEW_SETS,) WAY
    green_m: NDArray[np.int64]  # (FEW_SETS, S) how far a shipment may travel that is no less green than the greenest
    sums: NDArray[np.int32]  # (FEW_SETS, K) terms of a set at the candidates of ws.by_class
    least: NDArray[np.int32]  # (CLASSES_MAX, FEW_SETS) the least of a class
    ranked: NDArray[np.int64]  # (CLASSES_MAX,) places of classes, the cheapest first
    near_m: NDArray[np.int64]  # (CLASSES_MAX,) the least distance of a node


def room_for(num_nodes: int, num_services: int) -> Room:
    """Scratch memory for a network."""
    return Room(
        since=np.full(1, -1, dtype=np.int64),
        soon=np.zeros((num_nodes, num_services), dtype=np.int64),
        soonest=np.zeros(num_services, dtype=np.int64),
        held=np.zeros(FEW_SETS, dtype=np.int64),
        way=np.zeros((FEW_SETS, WAYS_MAX), dtype=WAY),
        green=np.zeros(FEW_SETS, dtype=WAY),
        green_m=np.zeros((FEW_SETS, num_services), dtype=np.int64),
        sums=np.zeros((FEW_SETS, num_nodes), dtype=np.int32),
        least=np.zeros((CLASSES_MAX, FEW_SETS), dtype=np.int32),
        ranked=np.zeros(CLASSES_MAX, dtype=np.int64),
        near_m=np.zeros(CLASSES_MAX, dtype=np.int64),
    )


openable(Room, lambda: room_for(1, 1))


@compiled
def _find_soon(net: Net, room: Room, since: int) -> None:
    """Fill room.soon for what is ordered at an instant, capacity left aside."""
    for node in range(len(net.node)):
        begin = max(since, net.node[node].free_from_s)
        low, last = first_segment(net, node, begin), net.node[node].segment_to
        end = np.int64(-1)
        if low < last:
            begin = max(begin, net.segment[low].start_s)
            done = net.segment[low].work_s + (begin - net.segment[low].start_s)
            done += net.node[node].hand_order_s + net.node[node].hand_line_s
            while low < last and net.segment[low].work_s + net.segment[low].end_s - net.segment[low].start_s < done:
                low += 1
            if low < last:
                end = max(begin, net.segment[low].start_s + done - net.segment[low].work_s)
        for s in range(len(net.service)):
            room.soon[node, s] = -1
            if end >= 0:
                rows = net.schedule[node, s]
                at = first_handover(net.handover, rows.row_from, rows.row_to, end, since)
                if at >= 0:
                    leave = net.handover[at]
                    room.soon[node, s] = leave.leave_s if net.service[s].minutes else leave.then
    room.since[0] = since


@inlined
def _is_beaten(room: Room, ws: Workspace, t: int, cost: int, deliver: int, node: int, service: int) -> bool:
    """Whether a known shipment of a set is as good as one of this cost at least, no earlier than that date."""
    i = room.held[t] - 1
    while i >= 0 and room.way[t, i].deliver > deliver:
        i -= 1
    if i < 0 or room.way[t, i].cost > cost:
        return False
    if room.way[t, i].cost < cost or room.way[t, i].deliver < deliver:
        return True
    held = ws.candidate[room.way[t, i].candidate].node
    return held < node or (held == node and room.way[t, i].service <= service)


@compiled
def _put(room: Room, t: int, cost: int, deliver: int, c: int, service: int) -> bool:
    """Keep a shipment that is not beaten, in place of those that it beats; False where there is no room."""
    count = room.held[t]
    at = 0
    while at < count and room.way[t, at].deliver < deliver:
        at += 1
    last = at
    while last < count and room.way[t, last].cost >= cost:
        last += 1
    if last == at:
        if count == len(room.way[t]):
            return False
        for i in range(count, at, -1):
            room.way[t, i] = room.way[t, i - 1]
        count += 1
    else:
        for i in range(last, count):
            room.way[t, at + 1 + i - last] = room.way[t, i]
        count -= last - at - 1
    room.way[t, at].cost = cost
    room.way[t, at].deliver = deliver
    room.way[t, at].candidate = c
    room.way[t, at].service = service
    room.held[t] = count
    return True


@inlined
def _least_price(inputs: Inputs, o: NDArray[np.int64], t: int, service: int, zone: int) -> int:
    """What the carrier asks for a set at least, of all dates; -1 where it takes it on none."""
    best = -1
    for era in range(inputs.net.per_kg_cents.shape[1]):
        cents = carrier_cents(inputs, t, service, era, zone, o[O_FLAGS], True)
        if cents >= 0 and (best < 0 or cents < best):
            best = cents
    return best


@inlined
def _arrives(inputs: Inputs, o: NDArray[np.int64], service: int, zone: int, soon: int) -> int:
    """When is there what is handed over at the earliest; -1 never."""
    net, pol = inputs.net, inputs.pol
    if soon < 0:
        return -1
    if net.service[service].minutes:
        return soon + 60 * pol.transit[service, zone]
    return arrival(net, service, o[O_REGION], o[O_TZ], soon, pol.transit[service, zone])


@compiled
def _rank_classes(inputs: Inputs, o: NDArray[np.int64], room: Room, services: int) -> int:
    """List the zone classes that have nodes, by what everything costs from there; how many."""
    net, reach, ws = inputs.net, inputs.reach, inputs.ws
    full, count = (1 << o[O_ITEMS]) - 1, 0
    dist = reach.distance_m[o[O_SLOT]]
    for at in range(ws.counts[1]):
        if ws.class_first[at] == ws.class_first[at + 1]:
            continue
        zones, least, near = reach.class_zone[ws.class_of[at]], INFINITE, FAR_M
        for s in range(len(net.service)):
            if services >> s & 1 and zones[s] >= 0:
                cents = _least_price(inputs, o, full, np.int64(s), zones[s])
                if cents >= 0:
                    least = min(least, cents)
        for pos in range(ws.class_first[at], ws.class_first[at + 1]):
            near = min(near, int(dist[ws.candidate[ws.by_class[pos]].node]))
        room.near_m[at] = near
        ws.class_left[at] = least
        i = count
        while i > 0 and ws.class_left[room.ranked[i - 1]] > least:
            room.ranked[i] = room.ranked[i - 1]
            i -= 1
        room.ranked[i] = at
        count += 1
    return count


@compiled
def prepare(inputs: Inputs, o: NDArray[np.int64], room: Room) -> int:
    """Number candidates, measure sets, list those in ws.alive that may ship, bound their terms; how many, -1: none."""
    net, reach, ws = inputs.net, inputs.reach, inputs.ws
    sets = 1 << o[O_ITEMS]
    ws.counts[2] = 0
    ws.clock[2] += 1
    start(o, ws)
    if find_candidates(inputs, o) == 0:
        return -1
    measure_items(inputs, o)
    measure_all(o[O_ITEMS], ws)
    slot = o[O_SLOT]
    ws.counts[1] = reach.slot_count[slot]
    for at in range(ws.counts[1]):
        cls = np.int64(reach.slot_classes[slot, at])
        ws.class_at[cls] = at
        ws.class_of[at] = cls
    since = o[O_PLACED] - o[O_PLACED] % SPAN_S
    if room.since[0] != since:
        _find_soon(net, room, since)
    alive = 0
    for t in range(1, sets):
        room.held[t] = 0
        room.green[t].grams, room.green[t].cost = INFINITE, INFINITE
        for s in range(len(net.service)):
            room.green_m[t, s] = FAR_M
        alone = o[O_MAX_SHIPMENTS] < 2 or ws.set[t].value_cents < o[O_MIN_VALUE]
        if ws.set[t].valid and (t == sets - 1 or not alone):
            ws.alive[alive] = t
            alive += 1
    return alive


@compiled
def _sum_terms(inputs: Inputs, o: NDArray[np.int64], room: Room, parcels: int, couriers: int) -> int:
    """Sort candidates by class, fill room.sums and room.least; the shift that they needed."""
    ws, shift = inputs.ws, shift_of(o, inputs.ws)
    sort_nodes(inputs, o, parcels, couriers)
    while not fill_terms(inputs.pol, o, ws, shift):
        shift += 4
    num, i = ws.class_first[ws.counts[1]], 0
    for t in range(1, 1 << o[O_ITEMS]):
        if t >> (i + 1):
            i += 1
        rest = t ^ 1 << i
        _add(room.sums[rest][:num] if rest else ws.term[FIRST][:num], ws.term[i][:num], room.sums[t][:num])
        for at in range(ws.counts[1]):
            room.least[at, t] = _least(room.sums[t][ws.class_first[at] : ws.class_first[at + 1]])
    return shift


@compiled
def _add(one: NDArray[np.int32], other: NDArray[np.int32], out: NDArray[np.int32]) -> None:
    for i in range(len(out)):
        out[i] = np.int32(one[i] + other[i])


@compiled
def _least(values: NDArray[np.int32]) -> int:
    least = np.int32(NOT_SOLD)
    for i in range(len(values)):
        least = min(least, values[i])
    return int(least)


@compiled
def find_ways(inputs: Inputs, o: NDArray[np.int64], room: Room, alive: int) -> int:
    """Fill room.way for the sets in ws.alive; how many classes are ranked, -1 where there are too many ways to keep."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    parcels, couriers = home_kinds(net, o)
    shift = _sum_terms(inputs, o, room, parcels, couriers)
    num = _rank_classes(inputs, o, room, parcels | couriers)
    for k in range(num):
        at = room.ranked[k]
        zones = reach.class_zone[ws.class_of[at]]
        _find_soonest(inputs, room, at)
        for s in range(len(net.service)):
            if (parcels | couriers) >> s & 1 == 0 or zones[s] < 0 or pol.transit[s, zones[s]] < 0:
                continue
            by = _arrives(inputs, o, np.int64(s), zones[s], room.soonest[s])
            if by < 0 or by > o[O_DELIVER_BY]:
                continue
            late = late_cents(pol, o, by)
            for i in range(alive):
                t = ws.alive[i]
                if ws.set[t].services >> s & 1 == 0 or room.least[at, t] >= NEVER:
                    continue
                price = _least_price(inputs, o, t, np.int64(s), zones[s])
                if price < 0 or room.least[at, t] > _most(room, t, by, price + late, shift):
                    continue
                if not _try_nodes(inputs, o, room, at, np.int64(s), t, price, by, shift):
                    return -1
    return num


@compiled
def _find_soonest(inputs: Inputs, room: Room, at: int) -> None:
    """Fill room.soonest with the earliest hand-overs of a class."""
    ws = inputs.ws
    for s in range(len(room.soonest)):
        room.soonest[s] = -1
    for pos in range(ws.class_first[at], ws.class_first[at + 1]):
        node = ws.candidate[ws.by_class[pos]].node
        for s in range(len(room.soonest)):
            soon = room.soon[node, s]
            if soon >= 0 and (room.soonest[s] < 0 or soon < room.soonest[s]):
                room.soonest[s] = soon


@inlined
def _most(room: Room, t: int, by: int, dues: int, shift: int) -> int:
    """The most that terms of a set may be, if a shipment that is there by a date is not to be beaten."""
    i = room.held[t] - 1
    while i >= 0 and room.way[t, i].deliver > by:
        i -= 1
    return NEVER - 1 if i < 0 else min((room.way[t, i].cost - dues) >> shift, NEVER - 1)


@compiled
def _try_nodes(
    inputs: Inputs,
    o: NDArray[np.int64],
    room: Room,
    at: int,
    service: int,
    t: int,
    price: int,
    soonest: int,
    shift: int,
) -> bool:
    """Look at every node of a class for a set and a service; False where there is no room for what is found."""
    net, pol, reach, ws = inputs.net, inputs.pol, inputs.reach, inputs.ws
    parcels, couriers = home_kinds(net, o)
    dist, zone = reach.distance_m[o[O_SLOT]], reach.class_zone[ws.class_of[at]][service]
    known, by, dues = -2, -1, price + late_cents(pol, o, soonest)
    most = _most(room, t, soonest, dues, shift)
    for pos in range(ws.class_first[at], ws.class_first[at + 1]):
        if room.sums[t, pos] > most:
            continue
        c = ws.by_class[pos]
        node = ws.candidate[c].node
        if room.soon[node, service] != known:
            known = room.soon[node, service]
            by = _arrives(inputs, o, service, zone, known)
        if by < 0 or by > o[O_DELIVER_BY]:
            continue
        base = base_cents(pol, ws, t, c)
        if _is_beaten(room, ws, t, base + price + late_cents(pol, o, by), by, node, service):
            continue
        if home_services(net, o, node, parcels, couriers) >> service & 1 == 0:
            continue
        cost, deliver = carrier_route(
            inputs,
            o,
            t,
            c,
            service,
            zone,
            int(dist[node]),
            o[O_REGION],
            o[O_TZ],
            o[O_FLAGS],
            np.int64(-1),
            base,
            np.int64(INFINITE - 1),
        )
        if cost >= INFINITE or _is_beaten(room, ws, t, cost, deliver, node, service):
            continue
        if not _put(room, t, cost, deliver, c, service):
            return False
        most = _most(room, t, soonest, dues, shift)
    return True

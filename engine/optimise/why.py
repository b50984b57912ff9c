"""
Why not from there: for every node the cheapest shipment of some items, term by term, or what stands in its way.

Takes an order row all of whose lines are one item (they go together), and stock with a row at every node for each of
their skus (`Live.dense`). Says the same as `engine.options.evaluate.Evaluator` about each route of each node, which the
tests compare; a thousand nodes take well below a millisecond. Arrays: `Look` in why_codes.py.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import weigh
from engine.network.blocks import opened
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.records import Net
from engine.optimise.candidates import listed, lot_start, may_serve, measure_items
from engine.optimise.codes import (
    COURIER,
    IN,
    M_COLLECT,
    M_DROP,
    M_POINT,
    M_SAME_DAY,
    M_STORE,
    M_TO_STORE,
    M_WAREHOUSE,
    OUT,
    PARCEL,
    POINT,
    SAME_DAY,
    SHIP,
    TO_POINT,
    VENDOR,
    WAREHOUSE,
)
from engine.optimise.places import trip_carbon_cents, trip_way_cents
from engine.optimise.tables import (
    F_NO_SAFETY,
    F_PLACE_CHOSEN,
    O_CHANNEL,
    O_FLAGS,
    O_LINE_FROM,
    O_LINE_TO,
    O_MAX_DISTANCE,
    O_METHODS,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_PLACED,
    O_SERVICES,
    O_SLOT,
    P_INBOUND,
    PL_NODE,
    PL_SLOT,
    W_CARBON,
    W_MARKDOWN,
    W_OPPORTUNITY,
    W_PICKING,
    W_PRIORITY,
    W_REJECTION,
    W_TRIP,
)
from engine.optimise.why_codes import (
    A_IGNORE,
    A_OWN,
    A_USED,
    BARRED,
    BEYOND_HORIZON,
    CHANNEL,
    FITS,
    I64,
    IGNORE_ROOM,
    IGNORE_STOCK,
    METHOD,
    NEVER_OPEN,
    NO_CAPACITY,
    NO_ROUTE,
    NO_SOURCE,
    NO_STOCK,
    NODE_GROUP,
    OTHER_PLACE,
    PAUSED,
    PINNED,
    PK_CODE,
    PK_DAY,
    PK_END,
    PK_UNIT_CM3,
    PK_UNIT_G,
    SERVICE,
    TOO_FAR,
    TOO_LATE,
    W_CENTS,
    W_CO2E,
    W_CODE,
    W_DELIVER,
    W_FULL,
    W_HAVE,
    W_ID,
    W_KIND,
    W_PICK,
    W_PLACE,
    W_RELEASE,
    W_SHORT,
    Look,
    stage,
)
from engine.optimise.why_routes import by_carrier, by_lane, from_own_stock
from engine.optimise.workspace import INFINITE, KIND_CARRIER, KIND_LANE, KIND_OWN, Inputs
from engine.promise.clock import first_segment, has_room

_NO_ROOM_EVER = 2**62  # free_from_s of a backlog without an end


@inlined
def _line_terms(inputs: Inputs, look: Look, o: I64, node: int) -> int:
    """Stock of every line at a node: when it is all there, and the cost terms of the lines; a code where it is not."""
    net, pol, live, orders = inputs.net, inputs.pol, inputs.live, inputs.orders
    now, part, release = look.start, look.base, o[O_PLACED]
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        pin, sku, need = orders.line[line].pin, orders.line[line].sku, orders.line[line].quantity
        groups = net.sku[sku].groups
        if pin >= 0 and pin != node:
            return PINNED
        if groups != 0 and groups & net.node[node].groups == 0:
            return NODE_GROUP
        row = live.row_start[sku] + node
        part[W_REJECTION] += pol.reject_cents[node, net.sku[sku].sku_class]
        part[W_OPPORTUNITY] += weigh(live.row[row].price_cents * need, pol.weight[W_OPPORTUNITY])
        part[W_MARKDOWN] += weigh(live.row[row].markdown_cents * need, pol.weight[W_MARKDOWN])
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku, need = orders.line[line].sku, orders.line[line].quantity
        row = live.row_start[sku] + node
        free = live.row[row].on_hand - live.row[row].reserved - live.held[o[O_CHANNEL], row].protected
        if o[O_FLAGS] & F_NO_SAFETY == 0:
            free -= live.held[o[O_CHANNEL], row].safety
        if free >= need or look.ask[A_IGNORE] & IGNORE_STOCK:
            continue
        from_s = lot_start(live, row, free, need) if pol.scalar[P_INBOUND] else np.int64(-1)
        if from_s < 0:
            now[W_SHORT], now[W_HAVE] = line - o[O_LINE_FROM], max(free, 0)
            return NO_STOCK
        release = max(release, from_s)
    now[W_RELEASE] = release
    return FITS


@inlined
def _pick(net: Net, live: LiveArrays, look: Look, node: int, work_s: int, units: int) -> int:
    """Start, end and day of the pick, like `engine.promise.clock.pick`; a code where there is none."""
    now, pick = look.start, look.pick
    if net.node[node].segment_from == net.node[node].segment_to:
        return NEVER_OPEN
    if net.node[node].free_from_s >= _NO_ROOM_EVER:
        return NO_CAPACITY
    start = max(now[W_RELEASE], net.node[node].free_from_s)
    low, last = first_segment(net, node, start), net.node[node].segment_to
    if low == last:
        return BEYOND_HORIZON
    while not has_room(live, node, net.segment[low].day, net.segment[low].hour, units):
        if look.ask[A_IGNORE] & IGNORE_ROOM:
            break
        if now[W_FULL] < 0:
            now[W_FULL] = low
        low += 1
        if low == last:
            return NO_CAPACITY
    begin = max(start, net.segment[low].start_s)
    now[W_PICK], pick[PK_END], pick[PK_DAY] = begin, begin, net.segment[low].day
    if work_s == 0:
        return FITS
    target = net.segment[low].work_s + (begin - net.segment[low].start_s) + work_s
    for at in range(low, last):
        if net.segment[at].work_s + net.segment[at].end_s - net.segment[at].start_s >= target:
            pick[PK_END] = net.segment[at].start_s + target - net.segment[at].work_s
            return FITS
    return BEYOND_HORIZON


@compiled
def _take(look: Look, node: int, code: int, kind: int, which: int, place: int) -> None:
    """Keep a route if it is the cheapest so far, then the earliest; or the refusal that got furthest."""
    now, part, best = look.now, look.part, look.found[node]
    if code == FITS:
        total = np.int64(0)
        for rule in range(len(part)):
            total += part[rule]
        now[W_CENTS] = total
        dearer = total > best[W_CENTS] or (total == best[W_CENTS] and now[W_DELIVER] >= best[W_DELIVER])
        if best[W_CODE] == FITS and dearer:
            return
    elif best[W_CODE] == FITS:
        return
    elif best[W_KIND] >= 0:
        sooner = code == TOO_LATE and best[W_CODE] == TOO_LATE and now[W_DELIVER] < best[W_DELIVER]
        if stage(code) <= stage(best[W_CODE]) and not sooner:
            return
    now[W_CODE], now[W_KIND], now[W_ID], now[W_PLACE] = code, kind, which, place
    for i in range(len(now)):
        best[i] = now[i]
    for i in range(len(part)):
        look.terms[node, i] = part[i]


@inlined
def _again(look: Look) -> None:
    """Start a route with the facts and terms of its node."""
    for i in range(len(look.now)):
        look.now[i] = look.start[i]
    for i in range(len(look.part)):
        look.part[i] = look.base[i]


@compiled
def _carrier(inputs: Inputs, look: Look, o: I64, node: int, method: int, s: int, p: int) -> int:
    """By a service, if the order may use it; a code."""
    reach, place = inputs.reach, np.int64(-1)
    slot = o[O_SLOT]
    if p >= 0:
        place, slot = np.int64(p), inputs.orders.places[p, PL_SLOT]
    far_m = np.int64(reach.distance_m[slot, node])
    if o[O_METHODS] >> method & 1 == 0:
        return METHOD
    if o[O_SERVICES] >> s & 1 == 0:
        return CHANNEL if look.ask[A_OWN] >> s & 1 else SERVICE
    if p < 0 and far_m > o[O_MAX_DISTANCE]:
        return TOO_FAR
    zone = reach.class_zone[int(reach.zone_class[slot, node]), s]
    return by_carrier(inputs, look, o, node, s, zone, far_m, place)


@compiled
def _home(inputs: Inputs, look: Look, o: I64, node: int) -> None:
    """All services from a node to the door: parcels, then couriers."""
    net = inputs.net
    offers, kind = net.node[node].offers, net.node[node].kind
    by_parcel = M_WAREHOUSE if kind == WAREHOUSE else (M_DROP if kind == VENDOR else M_STORE)
    for couriers in range(2):
        for s in range(len(net.service)):
            if couriers:
                exists = net.service[s].kind == COURIER and offers & SAME_DAY != 0
            else:
                exists = net.service[s].kind == PARCEL and offers & SHIP != 0 and look.collects[node] >> s & 1 != 0
            if exists:
                _again(look)
                method = np.int64(M_SAME_DAY if couriers else by_parcel)
                code = _carrier(inputs, look, o, node, method, s, np.int64(-1))
                _take(look, node, code, np.int64(KIND_CARRIER), s, np.int64(-1))


@inlined
def _travel(inputs: Inputs, look: Look, p: int, new: bool) -> None:
    """Add the customer's trip to a place that the plan does not use yet."""
    if new:
        look.part[W_TRIP] += trip_way_cents(inputs.pol, inputs.orders.places[p])
        look.part[W_CARBON] += trip_carbon_cents(inputs.pol, inputs.orders.places[p])


@compiled
def _to_place(inputs: Inputs, look: Look, o: I64, node: int, p: int, new: bool) -> None:
    """All ways from a node to one place; `new`: the trip there comes on top."""
    net, place = inputs.net, inputs.orders.places[p, PL_NODE]
    methods, offers, point = o[O_METHODS], net.node[node].offers, net.node[place].kind == POINT
    if point and offers & SHIP:
        for s in range(len(net.service)):
            if net.service[s].kind == TO_POINT and look.collects[node] >> s & 1:
                _again(look)
                code = _carrier(inputs, look, o, node, np.int64(M_POINT), s, p)
                _travel(inputs, look, p, new)
                _take(look, node, code, np.int64(KIND_CARRIER), s, p)
    if place == node and not point:
        _again(look)
        code = from_own_stock(inputs, look, o, node) if methods >> M_COLLECT & 1 else METHOD
        _travel(inputs, look, p, new)
        _take(look, node, code, np.int64(KIND_OWN), np.int64(0), p)
    if offers & OUT == 0 or net.node[place].offers & IN == 0:
        return
    for j in range(net.node[place].lane_from, net.node[place].lane_to):
        lane = net.lanes_in[j]
        if net.lane[lane].origin == node:
            _again(look)
            code = by_lane(inputs, look, o, node, lane) if methods >> M_TO_STORE & 1 else METHOD
            _travel(inputs, look, p, new)
            _take(look, node, code, np.int64(KIND_LANE), lane, p)


@compiled
def _all_ways(inputs: Inputs, look: Look, o: I64, node: int) -> None:
    """All ways from a node that can give the items; to no other place than the plan's."""
    best, used = look.found[node], look.ask[A_USED]
    if o[O_SLOT] >= 0:
        _home(inputs, look, o, node)
    elsewhere = False
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        if used < 0 or p == used:
            _to_place(inputs, look, o, node, p, used < 0 and o[O_FLAGS] & F_PLACE_CHOSEN == 0)
        else:
            elsewhere = True
    if best[W_CODE] == FITS or not elsewhere:
        return
    for i in range(len(best)):
        look.kept[i] = best[i]
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        if p != used:
            _to_place(inputs, look, o, node, p, True)
    if best[W_CODE] == FITS:
        look.kept[W_CODE] = OTHER_PLACE
    for i in range(len(best)):
        best[i] = look.kept[i]


@compiled
def _measure(inputs: Inputs, look: Look, o: I64) -> None:
    """The items as one set, and the heaviest and the largest unit of any line."""
    measure_items(inputs, o)
    look.pick[PK_UNIT_G], look.pick[PK_UNIT_CM3] = 0, 0
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku = inputs.orders.line[line].sku
        look.pick[PK_UNIT_G] = max(look.pick[PK_UNIT_G], inputs.net.sku[sku].weight_g)
        look.pick[PK_UNIT_CM3] = max(look.pick[PK_UNIT_CM3], inputs.net.sku[sku].volume_cm3)


@inlined
def _start(look: Look, node: int) -> None:
    """Empty what is known of a node."""
    for i in range(len(look.start)):
        look.start[i] = -1
    look.start[W_CENTS], look.start[W_DELIVER], look.start[W_CO2E] = INFINITE, INFINITE, 0
    for i in range(len(look.base)):
        look.base[i], look.terms[node, i] = 0, 0


@compiled
def why_nodes(block: NDArray[np.int64], look_block: NDArray[np.int64], row: int, first: int, last: int) -> None:
    """
    Look at every node from `first` to before `last`.

    Parameters
    ----------
    block
        Of Inputs, with dense stock.
    look_block
        Of Look, whose `ask` says what is asked; its `found` and `terms` are filled.
    row
        Of the order in inputs.orders.table, its lines one item.
    """
    inputs: Inputs = opened(block, Inputs)
    look: Look = opened(look_block, Look)
    net, pol, orders, ws = inputs.net, inputs.pol, inputs.orders, inputs.ws
    o = orders.table[row]
    ws.clock[0] += 1
    _measure(inputs, look, o)
    for node in range(first, last):
        _start(look, node)
        code = np.int64(NO_ROUTE)
        if net.node[node].kind == POINT:
            code = np.int64(NO_SOURCE)
        elif net.node[node].offers == 0:
            code = np.int64(PAUSED)
        elif not may_serve(net, orders, o, node):
            code = np.int64(CHANNEL if listed(orders, o, node) else BARRED)
        else:
            lacks = _line_terms(inputs, look, o, node)
            code = np.int64(lacks if lacks != FITS else NO_ROUTE)
        for i in range(len(look.start)):
            look.found[node, i] = look.start[i]
        look.found[node, W_CODE] = code
        if code != NO_ROUTE:
            continue
        lines, units = ws.set[1].lines, ws.set[1].units
        raw = pol.pick_cents[node, lines] + pol.node[node].unit_cents * units
        look.base[W_PICKING] = weigh(raw, pol.weight[W_PICKING])
        look.base[W_PRIORITY] = pol.node[node].priority_cents
        work_s = net.node[node].hand_order_s + net.node[node].hand_line_s * lines
        look.pick[PK_CODE] = _pick(net, inputs.live, look, node, work_s, units)
        _all_ways(inputs, look, o, node)

"""
Exact sourcing of one order under prices: every way to serve every set of its items, then the best partition.

    w(T)  = least cost of one shipment of the items T over nodes, services and lanes          cost (2, 2**n) int64
    g(S)  = min over T of S that holds the lowest item of S of  w(T) + split + g(S - T)       plan_cost (., 2**n) int64

for the home target, and again with each candidate place (then w is the better of home and place, and the trip is
added). O(K S 2^n + 3^n) at worst; bounds end most orders after the single-node pass. Two shipments at one node share
stock and capacity: the kernel ignores that, checks its answer, and says COLLIDES if it matters; the answer is then a
lower bound. Arrays: engine/network/compiled.py, live.py, engine/optimise/tables.py, workspace.py.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import RESIDENTIAL, rounded, weigh
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.records import Net
from engine.network.rows import Reach
from engine.optimise.candidates import find_hubs, find_useful, measure_all, measure_full, measure_items
from engine.optimise.partition import take_best, take_whole, unserved
from engine.optimise.routes import carbon_cents, pick_of
from engine.optimise.shipments import _POINT, home_pass, num_bits, place_pass
from engine.optimise.tables import (
    F_PARTIAL,
    F_PLACE_CHOSEN,
    O_FLAGS,
    O_ITEMS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_LEAST_LINE,
    P_LEAST_PICK,
    P_LEAST_UNIT,
    P_SPLIT,
    P_TRIP_BASE,
    P_TRIP_CO2E,
    P_TRIP_KM,
    PL_DISTANCE,
    PL_NODE,
    W_CARRIER,
    W_PICKING,
    W_SPLIT,
    W_TRIP,
    Orders,
    Pol,
)
from engine.optimise.workspace import (
    FAR,
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    S_AT_PLACE,
    S_CENTS,
    S_DAY,
    S_DELIVER,
    S_HOUR,
    S_ID,
    S_ITEMS,
    S_KIND,
    S_NODE,
    S_PICK,
    S_SHIP,
    S_UNITS,
    Workspace,
)
from engine.promise.clock import first_handover

OPTIMAL, INFEASIBLE, COLLIDES = 0, 1, 2


@compiled
def _bound_sets(pol: Pol, o: NDArray[np.int64], ws: Workspace, reach: Reach) -> None:
    """
    For every set S: `bound_cents`, below which no shipments of S can cost without carriers, and `floor_cents`, below
    which no carrier takes it. Splits and trips are left out.
    """
    weight, residential = pol.weight[W_PICKING], o[O_FLAGS] & RESIDENTIAL
    ws.set[0].grams = 0
    slack = 0 if weight == 1000 else o[O_ITEMS]  # each further shipment may round down by half a cent
    ws.set[0].least_cents, ws.set[0].floor_cents, ws.set[0].count, ws.set[0].sum_units = 0, 0, 0, 0
    for s in range(1, 1 << o[O_ITEMS]):
        low = s & -s
        i = 0
        while low >> i & 1 == 0:
            i += 1
        rest = s ^ low
        ws.set[s].least_cents = ws.set[rest].least_cents + ws.item[i].least_cents
        ws.set[s].grams = ws.set[rest].grams + ws.set[low].weight_g
        ws.set[s].step = _step(reach, ws.set[s].grams)
        ws.set[s].floor_cents = weigh(reach.any_floor[residential, ws.set[s].step], pol.weight[W_CARRIER])
        ws.set[s].count = ws.set[rest].count + ws.set[low].lines
        ws.set[s].sum_units = ws.set[rest].sum_units + ws.set[low].units
        pick = pol.scalar[P_LEAST_PICK] + pol.scalar[P_LEAST_LINE] * ws.set[s].count
        pick += pol.scalar[P_LEAST_UNIT] * ws.set[s].sum_units
        ws.set[s].bound_cents = ws.set[s].least_cents + weigh(pick, weight) - slack


@compiled
def _bound_places(pol: Pol, o: NDArray[np.int64], ws: Workspace, anyone: bool) -> None:
    """For every set S: `place_cents`, below which it does not come to a place, from the nodes that can serve one."""
    weight = pol.weight[W_PICKING]
    slack = 0 if weight == 1000 else o[O_ITEMS]
    for i in range(o[O_ITEMS]):
        ws.item[i].place_cents = ws.item[i].least_cents if anyone else FAR
    if not anyone:
        for c in range(ws.clock[1]):
            if ws.node[ws.candidate[c].node].wanted == ws.clock[2]:
                for i in range(o[O_ITEMS]):
                    if ws.candidate[c].items >> i & 1:
                        ws.item[i].place_cents = min(ws.item[i].place_cents, ws.cand_item[c, i].cents)
    ws.set[0].place_cents = 0
    for s in range(1, 1 << o[O_ITEMS]):
        low = s & -s
        i = 0
        while low >> i & 1 == 0:
            i += 1
        ws.set[s].place_cents = ws.set[s ^ low].place_cents + ws.item[i].place_cents
    for s in range(1, 1 << o[O_ITEMS]):
        pick = pol.scalar[P_LEAST_PICK] + pol.scalar[P_LEAST_LINE] * ws.set[s].count
        pick += pol.scalar[P_LEAST_UNIT] * ws.set[s].sum_units
        ws.set[s].place_cents += weigh(pick, weight) - slack


@inlined
def _step(reach: Reach, weight_g: int) -> int:
    """The first step of weight that is not below a weight; the last one above all."""
    low, high = 0, len(reach.step_g) - 1
    while low < high:
        mid = (low + high) >> 1
        if reach.step_g[mid] >= weight_g:
            high = mid
        else:
            low = mid + 1
    return low


@compiled
def _list_alive(
    o: NDArray[np.int64],
    ws: Workspace,
    best: int,
    split: int,
    least_extra: int,
    extra: int,
) -> int:
    """
    List in ws.alive the sets T that can still be a shipment of a plan no dearer than `best`, and cap their cost.

    `extra` -1: T goes home, the rest home or to a place with a trip of at least `least_extra` (-1: no places). Else: T
    goes to a place whose trip costs `extra`, the rest anywhere.
    """
    full = (1 << o[O_ITEMS]) - 1
    partial = o[O_FLAGS] & F_PARTIAL != 0
    free = best >= INFINITE or partial
    measured = False
    count = 0
    trip = extra if extra >= 0 else least_extra
    lightest = ws.set[1].floor_cents
    for i in range(o[O_ITEMS]):
        lightest = min(lightest, ws.set[1 << i].floor_cents)
    for t in range(1, full):
        rest = full ^ t
        cap = INFINITE - 1
        if not free:
            # the rest all goes home, or all to the place, or some of it to each
            other = ws.set[rest].bound_cents + ws.set[rest].floor_cents
            if trip >= 0:
                paid = 0 if extra >= 0 else trip  # where T is at the place the trip is in T's own share
                other = min(other, ws.set[rest].place_cents + paid)
                other = min(other, ws.set[rest].bound_cents + lightest + split + paid)
            cap = best - split - other - (extra if extra >= 0 else 0)
            own = ws.set[t].place_cents if extra >= 0 else ws.set[t].bound_cents + ws.set[t].floor_cents
            if own > cap:
                continue
        if not measured:
            measure_all(o[O_ITEMS], ws)
            measured = True
        if ws.set[t].valid == 0 or (not partial and ws.set[t].value_cents < o[O_MIN_VALUE]):
            continue
        ws.set[t].cap_cents = cap
        ws.alive[count] = t
        count += 1
    return count


@inlined
def _trip_cents(pol: Pol, o: NDArray[np.int64], place: NDArray[np.int64]) -> int:
    """What the customer's trip to a place costs the plan: nothing where the customer chose it."""
    if o[O_FLAGS] & F_PLACE_CHOSEN:
        return 0
    metres = place[PL_DISTANCE]
    cents = weigh(pol.scalar[P_TRIP_BASE] + rounded(pol.scalar[P_TRIP_KM] * metres, 1000), pol.weight[W_TRIP])
    return cents + carbon_cents(pol, rounded(2 * metres * pol.scalar[P_TRIP_CO2E], 1000))


@compiled
def _start(o: NDArray[np.int64], ws: Workspace) -> None:
    """Empty the answers."""
    for i in range(6):
        ws.best[i] = 0
    ws.best[0], ws.best[1], ws.best[3] = INFINITE, INFINITE, -1
    for t in range(1 << o[O_ITEMS]):
        ws.best_of[0, t].cost = INFINITE
        ws.best_of[0, t].deliver = INFINITE
        ws.best_of[0, t].candidate = 0
        ws.set[t].cap_cents = INFINITE - 1


@compiled
def _all_held(ws: Workspace, full: int) -> bool:
    """Whether every item is to be had somewhere."""
    held = 0
    for c in range(ws.clock[1]):
        held |= ws.candidate[c].items
        if held == full:
            return True
    return False


@compiled
def _want_places(net: Net, orders: Orders, o: NDArray[np.int64], ws: Workspace) -> bool:
    """Mark the nodes that candidate places are served from; True where that may be any node."""
    anyone = False
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p, PL_NODE]
        ws.node[place].wanted = ws.clock[2]
        for i in range(net.node[place].lane_from, net.node[place].lane_to):
            ws.node[net.lane[net.lanes_in[i]].origin].wanted = ws.clock[2]
        anyone |= net.node[place].kind == _POINT
    return anyone


@compiled
def _drop_classes(pol: Pol, o: NDArray[np.int64], ws: Workspace, reach: Reach, split: int) -> None:
    """
    Mark zone classes hopeless whose nodes cannot be in a plan as cheap as the best one known.

    A plan with a home shipment of such a class either ships all from it, or splits: then that parcel weighs at least
    the lightest item and so does another one.
    """
    full = (1 << o[O_ITEMS]) - 1
    weight, residential = pol.weight[W_CARRIER], o[O_FLAGS] & RESIDENTIAL
    lightest = ws.set[1].weight_g
    least = ws.set[1].floor_cents
    for i in range(o[O_ITEMS]):
        lightest = min(lightest, ws.set[1 << i].weight_g)
        least = min(least, ws.set[1 << i].floor_cents)
    heavy, light = _step(reach, ws.set[full].weight_g), _step(reach, lightest)
    left = ws.best[0] - ws.set[full].bound_cents
    apart = split + (least if o[O_PLACE_FROM] == o[O_PLACE_TO] else 0)
    for cls in range(reach.num_classes[0]):
        whole = weigh(reach.class_floor[residential, cls, heavy], weight)
        parted = weigh(reach.class_floor[residential, cls, light], weight) + apart
        if (whole if full == 1 else min(whole, parted)) > left:
            ws.zone_class[cls].hopeless = ws.clock[2]


@inlined
def _copy_home(ws: Workspace, t: int) -> None:
    """Row 1 of a set starts as row 0."""
    ws.best_of[1, t].cost = ws.best_of[0, t].cost
    ws.best_of[1, t].deliver = ws.best_of[0, t].deliver
    ws.best_of[1, t].kind = ws.best_of[0, t].kind
    ws.best_of[1, t].candidate = ws.best_of[0, t].candidate
    ws.best_of[1, t].id = ws.best_of[0, t].id
    ws.best_of[1, t].at_place = ws.best_of[0, t].at_place


@compiled
def _whole_orders(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    reach: Reach,
    orders: Orders,
    o: NDArray[np.int64],
    ws: Workspace,
) -> int:
    """Plans of one shipment, home or at a place; returns the least trip cost of any place, -1 without places."""
    full = (1 << o[O_ITEMS]) - 1
    least_extra = np.int64(-1)
    usable = ws.set[full].valid != 0
    ws.alive[0] = full
    ws.set[full].cap_cents = INFINITE - 1
    one, none = np.int64(1), np.int64(-1)
    if o[O_SLOT] >= 0 and usable:
        home_pass(net, pol, live, o, ws, reach, one, o[O_ITEMS], np.int64(ws.clock[1]))
        take_whole(ws, np.int64(0), full, np.int64(0), none)
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p]
        extra = _trip_cents(pol, o, place)
        least_extra = extra if least_extra < 0 else min(least_extra, extra)
        if usable:
            ws.best_of[1, full].cost = INFINITE
            ws.best_of[1, full].deliver = INFINITE
            ws.best_of[1, full].candidate = 0
            ws.set[full].cap_cents = ws.best[0] - extra if ws.best[0] < INFINITE else INFINITE - 1
            place_pass(net, pol, live, o, ws, place, reach, one)
            take_whole(ws, one, full, extra, p)
    return least_extra


@compiled
def search(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    reach: Reach,
    orders: Orders,
    o: NDArray[np.int64],
    ws: Workspace,
) -> bool:
    """Fill ws.best and ws.chosen; False where no plan exists."""
    full = (1 << o[O_ITEMS]) - 1
    partial = o[O_FLAGS] & F_PARTIAL != 0
    home = o[O_SLOT] >= 0
    zero, none, one = np.int64(0), np.int64(-1), np.int64(1)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    ws.clock[2] += 1
    _start(o, ws)
    measure_items(net, pol, live, orders, o, ws)
    measure_full(o[O_ITEMS], ws)
    _bound_sets(pol, o, ws, reach)
    anyone = _want_places(net, orders, o, ws)
    if home and not partial and not anyone:
        # a first plan from the best stocked nodes tells which zones are too dear to look at
        if find_hubs(net, pol, live, orders, o, ws) > 0 and ws.set[full].valid:
            ws.alive[0] = full
            home_pass(net, pol, live, o, ws, reach, one, o[O_ITEMS], np.int64(ws.clock[1]))
            if ws.best_of[0, full].cost < INFINITE:
                ws.best[0] = ws.best_of[0, full].cost
                _drop_classes(pol, o, ws, reach, split)
                ws.best[0] = INFINITE
            ws.best_of[0, full].cost = INFINITE
            ws.best_of[0, full].deliver = INFINITE
            ws.best_of[0, full].candidate = 0
    classes = reach.zone_class[o[O_SLOT] if home else 0]
    if find_useful(net, pol, live, orders, o, ws, classes, not home and not anyone) == 0:
        return False
    if not partial and not _all_held(ws, full):
        return False
    least_extra = _whole_orders(net, pol, live, reach, orders, o, ws)
    if o[O_ITEMS] > 1:
        if least_extra >= 0:
            _bound_places(pol, o, ws, anyone)
        if home:
            alive = _list_alive(o, ws, ws.best[0], split, least_extra, none)
            if alive > 0 and ws.best[0] >= INFINITE and not partial:
                # no single node has it all: a plan from the nodes that have most gives a first cap
                few, most = _fullest(ws, o[O_ITEMS])
                home_pass(net, pol, live, o, ws, reach, alive, few, most)
                take_best(o, ws, zero, full, split, zero, none)
                alive = _list_alive(o, ws, ws.best[0], split, least_extra, none)
            if alive > 0:
                home_pass(net, pol, live, o, ws, reach, alive, zero, np.int64(ws.clock[1]))
                take_best(o, ws, zero, full, split, zero, none)
        for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
            place = orders.places[p]
            extra = np.int64(_trip_cents(pol, o, place))
            alive = _list_alive(o, ws, ws.best[0], split, least_extra, extra)
            if alive == 0:
                continue
            for t in range(1, full + 1):
                _copy_home(ws, t)
            place_pass(net, pol, live, o, ws, place, reach, alive)
            take_best(o, ws, one, full, split, extra, p)
    if partial and ws.best[5]:
        everything = unserved(ws, full)
        if everything < ws.best[0]:
            ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = everything, 0, 0, -1, 0
    return ws.best[0] < INFINITE


@compiled
def _fullest(ws: Workspace, items: int) -> tuple[int, int]:
    """A number of items that at least a dozen candidates have, and how many nodes to try."""
    few = items
    while few > 1:
        seen = 0
        for c in range(ws.clock[1]):
            if num_bits(ws.candidate[c].items) >= few:
                seen += 1
        if seen >= 12:
            break
        few -= 1
    return few, np.int64(32)


@compiled
def _collides(net: Net, live: LiveArrays, count: int, out: NDArray[np.int64]) -> bool:
    """Whether two shipments of the plan together overdraw a cell of one node."""
    for a in range(count):
        node, day, hour = out[a, S_NODE], out[a, S_DAY], out[a, S_HOUR]
        day_n, day_u, hour_n, hour_u = 0, 0, 0, 0
        for b in range(count):
            if out[b, S_NODE] == node and out[b, S_DAY] == day:
                day_n += 1
                day_u += out[b, S_UNITS]
                if out[b, S_HOUR] == hour:
                    hour_n += 1
                    hour_u += out[b, S_UNITS]
        if day_n < 2:
            continue
        if live.day[node, day].orders + day_n > net.node[node].cap_day_orders:
            return True
        if live.day[node, day].units + day_u > net.node[node].cap_day_units:
            return True
        h = live.hour_node[node]
        if h >= 0 and (
            live.hour[h, day, hour].orders + hour_n > net.node[node].cap_hour_orders
            or live.hour[h, day, hour].units + hour_u > net.node[node].cap_hour_units
        ):
            return True
    return False


@inlined
def _ship_s(net: Net, kind: int, node: int, route: int, release: int, end: int) -> int:
    """When a chosen shipment is handed over: to the carrier, to the transfer, or ready from own stock."""
    if kind == KIND_CARRIER:
        schedule = net.schedule[node, route]
        at = first_handover(net.handover, schedule.row_from, schedule.row_to, end, release)
        return net.handover[at].leave_s
    if kind == KIND_LANE:
        at = first_handover(net.departure, net.lane[route].row_from, net.lane[route].row_to, end, release)
        return net.departure[at].leave_s
    return end


@compiled
def solve(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    reach: Reach,
    orders: Orders,
    row: int,
    ws: Workspace,
    out: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """
    Decide one order.

    Parameters
    ----------
    reach
        TargetRows.reach().
    row
        The order's row in orders.table.
    out
        (ITEMS_MAX, S_FIELDS) int64: the shipments.

    Returns
    -------
    status, cost in cents (a lower bound if COLLIDES), number of shipments, row of the place in orders.places or -1
    """
    o = orders.table[row]
    if not search(net, pol, live, reach, orders, o, ws):
        return INFEASIBLE, 0, 0, -1
    count = ws.best[4]
    uses_place = False
    for i in range(count):
        t, kind, c, route, at_place, cents, deliver = ws.chosen[i]
        release, start, end, segment = pick_of(net, live, o, ws, t, c)
        node = ws.candidate[c].node
        out[i, S_KIND] = kind
        out[i, S_NODE] = node
        out[i, S_ID] = route
        out[i, S_ITEMS] = t
        out[i, S_AT_PLACE] = at_place
        out[i, S_CENTS] = cents
        out[i, S_PICK] = start
        out[i, S_DAY] = net.segment[segment].day
        out[i, S_HOUR] = net.segment[segment].hour
        out[i, S_SHIP] = _ship_s(net, kind, node, route, release, end)
        out[i, S_DELIVER] = deliver
        out[i, S_UNITS] = ws.set[t].units
        uses_place |= at_place == 1
    place = ws.best[3] if uses_place else -1
    return (COLLIDES if _collides(net, live, count, out) else OPTIMAL), ws.best[0], count, place

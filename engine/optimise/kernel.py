"""
Exact sourcing of one order under prices: every way to serve every set of its items, then the best partition.

    w(T)  = least cost of one shipment of the items T over nodes, services and lanes          cost (2, 2**n) int64
    g(S)  = min over T of S that holds the lowest item of S of  w(T) + split + g(S - T)       plan_cost (., 2**n) int64

for the home target, and again with each candidate place (then w is the better of home and place, and the trip is
added). O(K S 2^n + 3^n) at worst; bounds end most orders after the single-node pass. Two shipments at one node share
stock and capacity: the kernel ignores that, checks its answer, and says COLLIDES if it matters; the answer is then a
lower bound. Arrays: engine/network/compiled.py, live.py, engine/optimise/tables.py, workspace.py.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.domain.order import METHODS, Method
from engine.network.compiled import NODE_KIND_CODE, OFFER_BIT, SERVICE_KIND_CODE, Net
from engine.network.live import LiveArrays
from engine.network.model import NodeKind, Offer, ServiceKind
from engine.optimise.candidates import find_candidates, measure_all, measure_full, measure_items
from engine.optimise.routes import (
    base_cents,
    carbon_cents,
    carrier_cents,
    carrier_route,
    lane_route,
    own_stock_route,
    pick_of,
)
from engine.optimise.tables import (
    F_PARTIAL,
    F_PLACE_CHOSEN,
    O_FLAGS,
    O_ITEMS,
    O_MAX_DISTANCE,
    O_MAX_SHIPMENTS,
    O_METHODS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_REGION,
    O_SERVICES,
    O_SLOT,
    O_TZ,
    P_LEAST_UNIT,
    P_SPLIT,
    P_TRIP_BASE,
    P_TRIP_CO2E,
    P_TRIP_KM,
    PL_DISTANCE,
    PL_NODE,
    PL_REGION,
    PL_REMOTE,
    PL_SLOT,
    PL_TZ,
    W_PICKING,
    W_SPLIT,
    W_TRIP,
    Orders,
    Pol,
)
from engine.optimise.workspace import (
    INFINITE,
    KIND_CARRIER,
    KIND_LANE,
    KIND_OWN,
    MEMO_MAX,
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
_SHIP, _SAME_DAY = OFFER_BIT[Offer.SHIP], OFFER_BIT[Offer.SAME_DAY]
_PICKUP, _OUT, _IN = OFFER_BIT[Offer.PICKUP], OFFER_BIT[Offer.TRANSFER_OUT], OFFER_BIT[Offer.TRANSFER_IN]
_WAREHOUSE, _VENDOR = NODE_KIND_CODE[NodeKind.WAREHOUSE], NODE_KIND_CODE[NodeKind.VENDOR]
_POINT = NODE_KIND_CODE[NodeKind.PICKUP_POINT]
_PARCEL, _COURIER = SERVICE_KIND_CODE[ServiceKind.PARCEL], SERVICE_KIND_CODE[ServiceKind.COURIER]
_TO_POINT = SERVICE_KIND_CODE[ServiceKind.PICKUP_POINT]
_M_WAREHOUSE = METHODS.index(Method.SHIP_FROM_WAREHOUSE)
_M_STORE = METHODS.index(Method.SHIP_FROM_STORE)
_M_DROP = METHODS.index(Method.DROP_SHIP)
_M_COLLECT = METHODS.index(Method.CLICK_AND_COLLECT)
_M_TO_STORE = METHODS.index(Method.SHIP_TO_STORE)
_M_SAME_DAY = METHODS.index(Method.SAME_DAY)
_M_POINT = METHODS.index(Method.PICKUP_POINT)


@numba.njit(cache=True)
def home_services(net: Net, o: NDArray[np.int64], node: int, parcels: int, couriers: int) -> int:
    """Services by which a node may deliver to the door."""
    offers, kind = net.node[node].offers, net.node[node].kind
    method = _M_WAREHOUSE if kind == _WAREHOUSE else (_M_DROP if kind == _VENDOR else _M_STORE)
    out = 0
    if offers & _SHIP and o[O_METHODS] >> method & 1:
        out |= parcels
    if offers & _SAME_DAY:
        out |= couriers
    return out & net.node[node].services


@numba.njit(cache=True)
def services_of_kind(net: Net, o: NDArray[np.int64], kind: int) -> int:
    """The order's services of one kind, as bits."""
    out = 0
    for s in range(len(net.service)):
        if net.service[s].kind == kind and o[O_SERVICES] >> s & 1:
            out |= 1 << s
    return out


@numba.njit(cache=True)
def _better(ws: Workspace, row: int, t: int, cost: int, deliver: int, node: int, route: int) -> bool:
    """Lower cost, then earlier, then lower node, then lower service."""
    if cost != ws.best_of[row, t].cost:
        return cost < ws.best_of[row, t].cost
    if deliver != ws.best_of[row, t].deliver:
        return deliver < ws.best_of[row, t].deliver
    held = ws.candidate[ws.best_of[row, t].candidate].node
    return node < held or (node == held and route < ws.best_of[row, t].id)


@numba.njit(cache=True)
def _keep(
    ws: Workspace, row: int, t: int, cost: int, deliver: int, kind: int, c: int, route: int, at_place: int
) -> None:
    if cost < INFINITE and _better(ws, row, t, cost, deliver, ws.candidate[c].node, route):
        ws.best_of[row, t].cost = cost
        ws.best_of[row, t].deliver = deliver
        ws.best_of[row, t].kind = kind
        ws.best_of[row, t].candidate = c
        ws.best_of[row, t].id = route
        ws.best_of[row, t].at_place = at_place


@numba.njit(cache=True)
def _least_price(
    net: Net, pol: Pol, ws: Workspace, t: int, zones: NDArray[np.int64], cls: int, flags: int, services: int
) -> int:
    """Least carrier price of T over services and eras for nodes of one zone class; a bound for all of them."""
    at = cls << 12 | t
    if at < MEMO_MAX and ws.least[at].stamp == ws.clock[0]:
        return ws.least[at].cents
    least = INFINITE
    for s in range(len(net.service)):
        zone = zones[s]
        if services >> s & 1 == 0 or zone < 0 or pol.transit[s, zone] < 0:
            continue
        for era in range(net.per_kg_cents.shape[1]):
            price = carrier_cents(net, pol, ws, t, s, era, zone, flags, zone >= 0)
            if 0 <= price < least:
                least = price
    if at < MEMO_MAX:
        ws.least[at].stamp = ws.clock[0]
        ws.least[at].cents = least
    return least


@numba.njit(cache=True)
def _home_shipment(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    t: int,
    c: int,
    cls: int,
    zones: NDArray[np.int64],
    distance_m: int,
    services: int,
    home: int,
) -> None:
    """Try every home service for T from one candidate."""
    limit = min(ws.best_of[0, t].cost, ws.set[t].cap_cents)
    base = base_cents(pol, ws, t, c)
    if base > limit:
        return
    flags = o[O_FLAGS]
    least = _least_price(net, pol, ws, t, zones, cls, flags, ws.set[t].services & home)
    if base + least > limit:
        return
    left = services & ws.set[t].services
    for s in range(len(net.service)):
        if left >> s & 1:
            limit = min(ws.best_of[0, t].cost, ws.set[t].cap_cents)
            cost, deliver = carrier_route(
                net,
                pol,
                live,
                o,
                ws,
                t,
                c,
                s,
                zones[s],
                distance_m,
                o[O_REGION],
                o[O_TZ],
                flags,
                np.int64(-1),
                base,
                limit,
            )
            _keep(ws, np.int64(0), t, cost, deliver, np.int64(KIND_CARRIER), c, s, np.int64(0))


@numba.njit(cache=True)
def _rest_bound(pol: Pol, ws: Workspace, rest: int, carrier: bool) -> int:
    """No plan of the items `rest` costs less, their split included."""
    cents = 0
    lines = 0
    floor = 0
    i = 0
    left = rest
    while left:
        if left & 1:
            cents += ws.item[i].least_cents
            lines += ws.set[1 << i].lines
            floor = max(floor, ws.item[i].floor_cents)
        left >>= 1
        i += 1
    # one shipment of all these lines is a bound only if more shipments cost no less: take the least of any count
    pick = pol.least_pick_cents[1]
    for n in range(2, lines + 1):
        pick = min(pick, pol.least_pick_cents[n])
    return (
        cents
        + weigh(pick, pol.weight[W_PICKING])
        + (floor if carrier else 0)
        + weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    )


@numba.njit(cache=True)
def _home(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    dist: NDArray[np.int32],
    classes: NDArray[np.int16],
    class_zone: NDArray[np.int64],
    count: int,
    full: int,
    only: int,
) -> None:
    """Best home shipment of the set `only`, the full one; or, with 0, of every other set."""
    parcels = services_of_kind(net, o, _PARCEL)
    couriers = services_of_kind(net, o, _COURIER) if o[O_METHODS] >> _M_SAME_DAY & 1 else 0
    home = parcels | couriers
    for c in range(count):
        mask = ws.candidate[c].items
        if mask == 0 or (only != 0 and mask != only):
            continue
        node = ws.candidate[c].node
        if dist[node] > o[O_MAX_DISTANCE]:
            continue
        services = home_services(net, o, node, parcels, couriers)
        if services == 0:
            continue
        cls = int(classes[node])
        zones = class_zone[cls]
        metres = int(dist[node])
        if only != 0:
            _home_shipment(net, pol, live, o, ws, full, c, cls, zones, metres, services, home)
            continue
        t = mask
        while t:
            if t != full and ws.set[t].valid:
                _home_shipment(net, pol, live, o, ws, t, c, cls, zones, metres, services, home)
            t = (t - 1) & mask


@numba.njit(cache=True)
def _place(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    place: NDArray[np.int64],
    dist: NDArray[np.int32],
    classes: NDArray[np.int16],
    class_zone: NDArray[np.int64],
    count: int,
) -> None:
    """Best shipment of every set that ends at a place, into row 1 (which starts as a copy of row 0)."""
    node = place[PL_NODE]
    offers, methods = net.node[node].offers, o[O_METHODS]
    one = np.int64(1)
    stamp = ws.clock[0]
    if offers & _PICKUP == 0:
        return
    own = ws.node[node].candidate if ws.node[node].mark == stamp else -1
    if own >= 0 and methods >> _M_COLLECT & 1 and net.node[node].kind != _POINT:
        mask = ws.candidate[own].items
        t = mask
        while t:
            if ws.set[t].valid:
                cost, ready = own_stock_route(
                    net, pol, live, o, ws, t, own, base_cents(pol, ws, t, own), ws.best_of[1, t].cost
                )
                _keep(ws, one, t, cost, ready, np.int64(KIND_OWN), own, np.int64(0), one)
            t = (t - 1) & mask
    if offers & _IN and methods >> _M_TO_STORE & 1:
        for i in range(net.node[node].lane_from, net.node[node].lane_to):
            lane = net.lanes_in[i]
            origin = net.lane[lane].origin
            c = ws.node[origin].candidate if ws.node[origin].mark == stamp else -1
            if c < 0 or net.node[origin].offers & _OUT == 0:
                continue
            mask = ws.candidate[c].items
            t = mask
            while t:
                if ws.set[t].valid:
                    cost, ready = lane_route(
                        net, pol, live, o, ws, t, c, lane, base_cents(pol, ws, t, c), ws.best_of[1, t].cost
                    )
                    _keep(ws, one, t, cost, ready, np.int64(KIND_LANE), c, lane, one)
                t = (t - 1) & mask
    if net.node[node].kind == _POINT and methods >> _M_POINT & 1:
        services = services_of_kind(net, o, _TO_POINT)
        flags = (o[O_FLAGS] & ~3) | (2 if place[PL_REMOTE] else 0)
        for c in range(count):
            k = ws.candidate[c].node
            left = services & net.node[k].services
            if left == 0 or net.node[k].offers & _SHIP == 0:
                continue
            _to_point(net, pol, live, o, ws, place, c, left, class_zone[int(classes[k])], int(dist[k]), flags)


@numba.njit(cache=True)
def _to_point(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    o: NDArray[np.int64],
    ws: Workspace,
    place: NDArray[np.int64],
    c: int,
    services: int,
    zones: NDArray[np.int64],
    distance_m: int,
    flags: int,
) -> None:
    """Carrier services from one candidate to a pickup point."""
    mask = ws.candidate[c].items
    t = mask
    while t:
        if ws.set[t].valid:
            base = base_cents(pol, ws, t, c)
            for s in range(len(net.service)):
                if services & ws.set[t].services & (1 << s) == 0 or base > ws.best_of[1, t].cost:
                    continue
                cost, ready = carrier_route(
                    net,
                    pol,
                    live,
                    o,
                    ws,
                    t,
                    c,
                    s,
                    zones[s],
                    distance_m,
                    place[PL_REGION],
                    place[PL_TZ],
                    flags,
                    place[PL_NODE],
                    base,
                    ws.best_of[1, t].cost,
                )
                _keep(ws, np.int64(1), t, cost, ready, np.int64(KIND_CARRIER), c, s, np.int64(1))
        t = (t - 1) & mask


@numba.njit(cache=True)
def _partition(o: NDArray[np.int64], ws: Workspace, row: int, full: int, split: int, layers: int) -> None:
    """
    Fill plan_ for every set: least cost of serving it, `split` paid per shipment.

    With `layers` 0 row 0 allows any number of shipments; else row r allows at most r, for r = 0 .. layers.
    """
    partial = o[O_FLAGS] & F_PARTIAL != 0
    first, last = (0, 1) if layers == 0 else (0, layers + 1)
    for r in range(first, last):
        ws.plan[r, 0].cost = 0
        ws.plan[r, 0].deliver = 0
        ws.plan[r, 0].count = 0
        below = r if layers == 0 else r - 1
        for s in range(1, full + 1):
            low = s & -s
            cost, deliver, number, choice = INFINITE, INFINITE, 0, 0
            if partial:
                i = 0
                while low >> i & 1 == 0:
                    i += 1
                if ws.plan[r, s ^ low].cost < INFINITE:
                    cost = ws.plan[r, s ^ low].cost + ws.item[i].unserved_cents
                    deliver = ws.plan[r, s ^ low].deliver
                    number = ws.plan[r, s ^ low].count
            if below >= 0:
                rest = s ^ low
                sub = rest
                while True:
                    t = sub | low
                    if (
                        ws.best_of[row, t].cost < INFINITE
                        and ws.plan[below, s ^ t].cost < INFINITE
                        and ws.set[t].value_cents >= o[O_MIN_VALUE]
                    ):
                        new = ws.best_of[row, t].cost + split + ws.plan[below, s ^ t].cost
                        if new <= cost:
                            by = max(ws.best_of[row, t].deliver, ws.plan[below, s ^ t].deliver)
                            num = ws.plan[below, s ^ t].count + 1
                            if new < cost or by < deliver or (by == deliver and num < number):
                                cost, deliver, number, choice = new, by, num, t
                    if sub == 0:
                        break
                    sub = (sub - 1) & rest
            ws.plan[r, s].cost = cost
            ws.plan[r, s].deliver = deliver
            ws.plan[r, s].count = number
            ws.plan[r, s].choice = choice


@numba.njit(cache=True)
def _scan(
    o: NDArray[np.int64], ws: Workspace, row: int, full: int, layers: int
) -> tuple[int, int, int, int, int, bool]:
    """
    Choose the first shipment T of the best plan; the rest comes from plan_.

    Returns cost, deliver_by, shipments, T, the items after T, and whether those go unserved because T stands alone.
    """
    partial = o[O_FLAGS] & F_PARTIAL != 0
    best_cost, best_by, best_number, best_t, best_left, best_alone = INFINITE, INFINITE, 0, 0, 0, False
    gone = 0
    for j in range(o[O_ITEMS] if partial else 1):
        suffix = full & ~((1 << j) - 1)
        low = 1 << j
        sub = suffix ^ low
        rest = sub
        while True:
            t = sub | low
            if ws.best_of[row, t].cost < INFINITE:
                left = suffix ^ t
                alone = left != 0 and (ws.set[t].value_cents < o[O_MIN_VALUE] or o[O_MAX_SHIPMENTS] == 1)
                cost, by, number = INFINITE, ws.best_of[row, t].deliver, 1
                if left == 0:
                    cost = gone + ws.best_of[row, t].cost
                elif alone:
                    if partial:
                        cost = gone + ws.best_of[row, t].cost + _unserved(ws, left)
                elif ws.plan[layers, left].cost < INFINITE:
                    cost = gone + ws.best_of[row, t].cost + ws.plan[layers, left].cost
                    by = max(by, ws.plan[layers, left].deliver)
                    number += ws.plan[layers, left].count
                if cost < best_cost or (
                    cost == best_cost and (by < best_by or (by == best_by and number < best_number))
                ):
                    best_cost, best_by, best_number = cost, by, number
                    best_t, best_left, best_alone = t, left, alone
            if sub == 0:
                break
            sub = (sub - 1) & rest
        gone += ws.item[j].unserved_cents
    return best_cost, best_by, best_number, best_t, best_left, best_alone


@numba.njit(cache=True)
def _take_best(o: NDArray[np.int64], ws: Workspace, row: int, full: int, split: int, extra: int, place: int) -> None:
    """Compare the best plan of a row of w (with `extra` for its trip) to the best so far, and keep it if better."""
    layers = np.int64(0)
    if o[O_ITEMS] > 1:
        _partition(o, ws, row, full, split, np.int64(0))
    cost, by, number, t, left, alone = _scan(o, ws, row, full, np.int64(0))
    if number > o[O_MAX_SHIPMENTS]:
        layers = o[O_MAX_SHIPMENTS] - 1
        _partition(o, ws, row, full, split, layers)
        cost, by, number, t, left, alone = _scan(o, ws, row, full, layers)
    if cost >= INFINITE:
        return
    cost += extra
    if cost < ws.best[0] or (cost == ws.best[0] and (by < ws.best[1] or (by == ws.best[1] and number < ws.best[2]))):
        _record(ws, row, t, left, layers, cost, by, number, place, alone)


@numba.njit(cache=True)
def _unserved(ws: Workspace, t: int) -> int:
    cents, i = 0, 0
    while t:
        if t & 1:
            cents += ws.item[i].unserved_cents
        t >>= 1
        i += 1
    return cents


@numba.njit(cache=True)
def _record(
    ws: Workspace,
    row: int,
    t: int,
    left: int,
    layers: int,
    cost: int,
    deliver: int,
    number: int,
    place: int,
    alone: bool,
) -> None:
    """Write down the shipments of a plan: T and what plan_choice says of the rest."""
    ws.best[0], ws.best[1], ws.best[2], ws.best[3] = cost, deliver, number, place
    ws.best[5] = 1
    at = 0
    r = layers
    while True:
        if t:
            found = ws.best_of[row, t]
            ws.chosen[at, 0] = t
            ws.chosen[at, 1] = found.kind
            ws.chosen[at, 2] = found.candidate
            ws.chosen[at, 3] = found.id
            ws.chosen[at, 4] = found.at_place
            ws.chosen[at, 5] = found.cost
            ws.chosen[at, 6] = found.deliver
            at += 1
        if left == 0 or alone:
            break
        t = ws.plan[r, left].choice
        if t == 0:
            left &= left - 1
        else:
            left ^= t
            if layers > 0:
                r -= 1
    ws.best[4] = at


@numba.njit(cache=True)
def _take_whole(ws: Workspace, full: int, cost: int) -> None:
    """Keep the plan of one home shipment."""
    zero = np.int64(0)
    _record(ws, zero, full, zero, zero, cost, ws.best_of[0, full].deliver, zero + 1, zero - 1, full == 0)


@numba.njit(cache=True)
def _bound_by_single(pol: Pol, o: NDArray[np.int64], ws: Workspace, full: int, carrier: bool) -> int:
    """No plan of two or more shipments costs less."""
    lines = ws.set[full].lines
    cents, floor, floor_least = 0, 0, INFINITE
    for i in range(o[O_ITEMS]):
        cents += ws.item[i].least_cents
        floor = max(floor, ws.item[i].floor_cents)
        floor_least = min(floor_least, ws.item[i].floor_cents)
    pick = INFINITE
    for n in range(1, lines):
        pick = min(pick, pol.least_pick_cents[n])
    units = pol.scalar[P_LEAST_UNIT] * ws.set[full].units
    cents += weigh(2 * pick + units, pol.weight[W_PICKING]) - 1  # two roundings against one
    cents += weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    return cents + (floor + floor_least if carrier else 0)


@numba.njit(cache=True)
def _one_parcel_each(net: Net, o: NDArray[np.int64], ws: Workspace, full: int) -> bool:
    """Whether all items together fit one parcel of any service, so that more goods never make a parcel cheaper."""
    for s in range(len(net.service)):
        if o[O_SERVICES] >> s & 1 == 0:
            continue
        if ws.set[full].weight_g > net.service[s].weight_max_g:
            return False
        if net.service[s].volume_max_cm3 > 0 and ws.set[full].volume_cm3 > net.service[s].volume_max_cm3:
            return False
    return True


@numba.njit(cache=True)
def search(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    dist: NDArray[np.int32],
    classes: NDArray[np.int16],
    class_zone: NDArray[np.int64],
    orders: Orders,
    o: NDArray[np.int64],
    ws: Workspace,
) -> bool:
    """Fill ws.best and ws.chosen; False where no plan exists."""
    items = o[O_ITEMS]
    full = (1 << items) - 1
    ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = INFINITE, INFINITE, 0, -1, 0
    ws.best[5] = 0
    count = find_candidates(net, pol, live, orders, o, ws)
    partial = o[O_FLAGS] & F_PARTIAL != 0
    measure_items(net, pol, orders, o, ws)
    measure_full(items, ws)
    for t in range(1, full + 1):
        ws.best_of[0, t].cost = INFINITE
        ws.best_of[0, t].deliver = INFINITE
        ws.set[t].cap_cents = INFINITE - 1
        ws.best_of[0, t].candidate = 0
    home = o[O_SLOT] >= 0
    slot = o[O_SLOT]
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    places = o[O_PLACE_TO] - o[O_PLACE_FROM]
    carrier = places == 0 and _one_parcel_each(net, o, ws, full)
    measured = items == 1
    if not partial:
        for i in range(items):
            if ws.item[i].least_cents >= INFINITE:
                return False
    if home and count > 0:
        if ws.set[full].valid:
            _home(net, pol, live, o, ws, dist[slot], classes[slot], class_zone, count, full, full)
        single = ws.best_of[0, full].cost
        if items > 1 and (partial or single >= INFINITE or single >= _bound_by_single(pol, o, ws, full, carrier)):
            measure_all(items, ws)
            measured = True
            if single < INFINITE and not partial:
                for t in range(1, full):
                    ws.set[t].cap_cents = single - _rest_bound(pol, ws, full ^ t, carrier)
            _home(net, pol, live, o, ws, dist[slot], classes[slot], class_zone, count, full, np.int64(0))
            _take_best(o, ws, np.int64(0), full, split, np.int64(0), np.int64(-1))
        elif single < INFINITE:
            _take_whole(ws, full, single)
    if items > 1 and places > 0 and not measured:
        measure_all(items, ws)
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p]
        for t in range(1, full + 1):
            ws.best_of[1, t].cost = ws.best_of[0, t].cost
            ws.best_of[1, t].deliver = ws.best_of[0, t].deliver
            ws.best_of[1, t].kind = ws.best_of[0, t].kind
            ws.best_of[1, t].candidate = ws.best_of[0, t].candidate
            ws.best_of[1, t].id = ws.best_of[0, t].id
            ws.best_of[1, t].at_place = ws.best_of[0, t].at_place
        extra = 0
        if o[O_FLAGS] & F_PLACE_CHOSEN == 0:
            metres = place[PL_DISTANCE]
            extra = weigh(pol.scalar[P_TRIP_BASE] + rounded(pol.scalar[P_TRIP_KM] * metres, 1000), pol.weight[W_TRIP])
            extra += carbon_cents(pol, rounded(2 * metres * pol.scalar[P_TRIP_CO2E], 1000))
        at = place[PL_SLOT]
        _place(net, pol, live, o, ws, place, dist[at], classes[at], class_zone, count)
        _take_best(o, ws, np.int64(1), full, split, np.int64(extra), p)
    if partial and ws.best[5]:
        everything = _unserved(ws, full)
        if everything < ws.best[0]:
            ws.best[0], ws.best[1], ws.best[2], ws.best[3], ws.best[4] = everything, 0, 0, -1, 0
    return ws.best[0] < INFINITE


@numba.njit(cache=True)
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


@numba.njit(cache=True)
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


@numba.njit(cache=True)
def solve(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    dist: NDArray[np.int32],
    classes: NDArray[np.int16],
    class_zone: NDArray[np.int64],
    orders: Orders,
    row: int,
    ws: Workspace,
    out: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """
    Decide one order.

    Parameters
    ----------
    dist, classes, class_zone
        Of engine.network.rows.TargetRows.
    row
        The order's row in orders.table.
    out
        (ITEMS_MAX, S_FIELDS) int64: the shipments.

    Returns
    -------
    status, cost in cents (a lower bound if COLLIDES), number of shipments, row of the place in orders.places or -1
    """
    o = orders.table[row]
    if not search(net, pol, live, dist, classes, class_zone, orders, o, ws):
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

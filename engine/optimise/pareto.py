"""
All plans of one order with whole lines that no other beats in cost, deliver_by and CO2e at once.

    W(T)  = shipments of the items T, over nodes, services and lanes, none of which beats another
    L(S)  = the same of  W(T) + L(S - T)  over T of S that hold the lowest item of S; cost and CO2e add up, dates take
            the later one, each shipment after the first costs a split

for the home target, and again with each candidate place (then W holds shipments home and to the place, and the trip
is added to cost and CO2e). A label of L(S) is dropped where even the best that could serve the rest, criterion by
criterion, makes a plan that one already found beats. Two shipments that share a cell of capacity are told apart
(engine/optimise/labels.py), so every plan is feasible as it is. Arrays: engine/network/records.py, live.py,
engine/optimise/tables.py, workspace.py, labels.py.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.model import Offer
from engine.network.records import OFFER_BIT, Net
from engine.network.rows import Reach
from engine.optimise.candidates import find_candidates, measure_all, measure_items
from engine.optimise.labels import (
    C_CUT,
    C_LIMIT,
    Labels,
    clear,
    copy_ship,
    is_beaten,
    keep_found,
    keep_part,
    used_by,
)
from engine.optimise.pareto_ships import home_ships, place_ships, point_ships
from engine.optimise.routes import carbon_cents
from engine.optimise.tables import (
    F_PLACE_CHOSEN,
    O_FLAGS,
    O_ITEMS,
    O_MAX_SHIPMENTS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_SPLIT,
    P_TRIP_BASE,
    P_TRIP_CO2E,
    P_TRIP_KM,
    PL_DISTANCE,
    PL_NODE,
    W_SPLIT,
    W_TRIP,
    Orders,
    Pol,
)
from engine.optimise.workspace import INFINITE, Workspace

_PICKUP = OFFER_BIT[Offer.PICKUP]


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
def _has_room(net: Net, live: LiveArrays, lab: Labels, row: int, i: int, part: int) -> bool:
    """Whether shipment i fits the cells of its node beside those of a part."""
    node, day, hour = lab.ship[row, i].node, lab.ship[row, i].day, lab.ship[row, i].hour
    units = lab.ship[row, i].units
    day_n, day_u, hour_n, hour_u = used_by(lab, row, part, node, day, hour)
    if live.day[node, day].orders + day_n + 1 > net.node[node].cap_day_orders:
        return False
    if live.day[node, day].units + day_u + units > net.node[node].cap_day_units:
        return False
    h = live.hour_node[node]
    return h < 0 or (
        live.hour[h, day, hour].orders + hour_n + 1 <= net.node[node].cap_hour_orders
        and live.hour[h, day, hour].units + hour_u + units <= net.node[node].cap_hour_units
    )


@compiled
def _join(
    net: Net,
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
            if number > room or (tight and lab.part[j].tight and not _has_room(net, live, lab, row, i, j)):
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
def _combine(
    net: Net,
    live: LiveArrays,
    o: NDArray[np.int64],
    lab: Labels,
    row: int,
    target: int,
    split: int,
    trip_cents: int,
    trip_g: int,
    place: int,
) -> None:
    """All plans of the shipments in a row that nothing found beats."""
    zero = np.int64(0)
    limit, most = lab.state[C_LIMIT], o[O_MAX_SHIPMENTS]
    lab.part[0].cost, lab.part[0].deliver, lab.part[0].co2e = -split, 0, 0  # nothing is left to serve
    lab.part[0].number, lab.part[0].tight = 0, 0
    lab.num_part[0] = 1
    for i in range(target * limit, target * limit + lab.num_ship[row, target]):
        cost, co2e = lab.ship[row, i].cost + trip_cents, lab.ship[row, i].co2e + trip_g
        keep_found(lab, row, cost, lab.ship[row, i].deliver, co2e, zero + 1, place, target, i, zero - 1)
    _bound(lab, row, target, split)
    _drop_hopeless(lab, row, target, split, trip_cents, trip_g)
    items, first = 0, target & -target
    left = target
    while left:
        left &= left - 1
        items += 1
    if most >= items:
        most = INFINITE  # no limit at all
    for s in range(1, target + 1):
        if s & ~target or (s & first and s != target):
            continue
        lab.num_part[s] = 0
        low = s & -s
        rest = s ^ low
        sub = rest
        while True:
            t = sub | low
            if t != target and lab.num_ship[row, t] > 0 and lab.num_part[s ^ t] > 0:
                _join(net, live, lab, row, target, s, t, most, split, trip_cents, trip_g, place)
            if sub == 0:
                break
            sub = (sub - 1) & rest


@compiled
def _list_sets(o: NDArray[np.int64], ws: Workspace, target: int) -> int:
    """List in ws.alive the sets that may be a shipment of a plan for the target."""
    count = 0
    for t in range(1, target + 1):
        if t & ~target or ws.set[t].valid == 0:
            continue
        if t != target and (o[O_MAX_SHIPMENTS] < 2 or ws.set[t].value_cents < o[O_MIN_VALUE]):
            continue
        ws.alive[count] = t
        count += 1
    return count


@compiled
def _start_row(ws: Workspace, lab: Labels, num_alive: int) -> None:
    """Row 1 starts with all shipments home; those of row 0 stay as they are for the next place."""
    for i in range(num_alive):
        t = ws.alive[i]
        low = t * lab.state[C_LIMIT]
        lab.num_ship[1, t] = lab.num_ship[0, t]
        for j in range(low, low + lab.num_ship[0, t]):
            copy_ship(lab.ship[1], j, lab.ship[0], j)


@compiled
def find_options(
    net: Net,
    pol: Pol,
    live: LiveArrays,
    reach: Reach,
    orders: Orders,
    order: int,
    target: int,
    ws: Workspace,
    lab: Labels,
) -> bool:
    """
    Fill `lab.found` with the plans of one order that no other beats.

    Parameters
    ----------
    net, pol, live, orders
        The network, the policy, what is left, and the columns of orders.
    reach
        Of engine.network.rows.TargetRows.
    order
        Its row in orders.table.
    target
        The items to serve; all others are left out, at no price.
    ws, lab
        Scratch memory; the plans are in `lab`.

    Returns
    -------
    False where labels were dropped for want of room, so that plans may be missing.
    """
    o = orders.table[order]
    clear(lab, o[O_ITEMS])
    if find_candidates(net, pol, live, orders, o, ws) == 0:
        return True
    measure_items(net, pol, live, orders, o, ws)
    measure_all(o[O_ITEMS], ws)
    alive = _list_sets(o, ws, target)
    split = weigh(pol.scalar[P_SPLIT], pol.weight[W_SPLIT])
    zero, one, none = np.int64(0), np.int64(1), np.int64(-1)
    if o[O_SLOT] >= 0:
        home_ships(net, pol, live, o, ws, lab, reach, alive, target)
        _start_row(ws, lab, alive)
        _combine(net, live, o, lab, one, target, split, zero, zero, none)
    for p in range(o[O_PLACE_FROM], o[O_PLACE_TO]):
        place = orders.places[p]
        if net.node[place[PL_NODE]].offers & _PICKUP == 0:
            continue
        _start_row(ws, lab, alive)
        place_ships(net, pol, live, o, ws, lab, place, alive, target)
        point_ships(net, pol, live, o, ws, lab, place, reach, alive, target)
        cents, grams = 0, 0
        if o[O_FLAGS] & F_PLACE_CHOSEN == 0:
            metres = place[PL_DISTANCE]
            grams = rounded(2 * metres * pol.scalar[P_TRIP_CO2E], 1000)
            cents = weigh(pol.scalar[P_TRIP_BASE] + rounded(pol.scalar[P_TRIP_KM] * metres, 1000), pol.weight[W_TRIP])
            cents += carbon_cents(pol, grams)
        _combine(net, live, o, lab, one, target, split, cents, grams, p)
    return lab.state[C_CUT] == 0

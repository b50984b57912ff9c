"""
Which sets of items can still be a shipment of a best plan: lower bounds, first rough, then nearly exact.

    rough   per set: line terms and picking at the best node of each item, and the price of the cheapest carrier.
            Enough to leave out whole classes of nodes before any stock is read.
    close   per set and class of nodes: the least over its nodes of what their lines and the carrier cost. The partition
            of these values bounds every plan; what it leaves open is priced exactly.

Close bounds are int32, in units of 2**shift cents; the shift is 0 unless a credit is enormous.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import weigh
from engine.network.floors import NOT_SOLD
from engine.network.jit import compiled, inlined
from engine.optimise.shipments import home_services
from engine.optimise.tables import (
    F_PARTIAL,
    O_FLAGS,
    O_ITEMS,
    O_MAX_DISTANCE,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SLOT,
    P_LEAST_LINE,
    P_LEAST_PACKAGING,
    P_LEAST_PICK,
    P_LEAST_UNIT,
    W_PACKAGING,
    W_PICKING,
    Pol,
)
from engine.optimise.workspace import FAR, FEW_ITEMS, FIRST, INFINITE, NEVER, TERM_MAX, TERM_MIN, Inputs, Workspace


@inlined
def _rough_pick(pol: Pol, ws: Workspace, s: int) -> int:
    """What picking a set costs at least, anywhere."""
    pick = pol.scalar[P_LEAST_PICK] + pol.scalar[P_LEAST_LINE] * ws.set[s].lines
    return weigh(pick + pol.scalar[P_LEAST_UNIT] * ws.set[s].units, pol.weight[W_PICKING])


@compiled
def bound_sets(pol: Pol, o: NDArray[np.int64], ws: Workspace) -> None:
    """For every set S: `bound_cents`, below which no shipments of S can cost. Carriers, splits, trips are left out."""
    # each further shipment of S may round down by half a cent
    slack = 0 if pol.weight[W_PICKING] == 1000 else o[O_ITEMS]
    ws.set[0].least_cents, ws.set[0].bound_cents, i = 0, 0, 0
    for s in range(1, 1 << o[O_ITEMS]):
        if s >> (i + 1):
            i += 1
        ws.set[s].least_cents = ws.set[s ^ 1 << i].least_cents + ws.item[i].least_cents
        ws.set[s].bound_cents = ws.set[s].least_cents + _rough_pick(pol, ws, s) - slack


@compiled
def bound_places(pol: Pol, o: NDArray[np.int64], ws: Workspace, anyone: bool) -> None:
    """For every set S: `place_cents`, below which it does not come to a place, from the nodes that can serve one."""
    slack = 0 if pol.weight[W_PICKING] == 1000 else o[O_ITEMS]
    for i in range(o[O_ITEMS]):
        ws.item[i].place_cents = ws.item[i].least_cents if anyone else FAR
    if not anyone:
        for c in range(ws.clock[1]):
            if ws.node[ws.candidate[c].node].wanted == ws.clock[2]:
                for i in range(o[O_ITEMS]):
                    if ws.candidate[c].items >> i & 1:
                        ws.item[i].place_cents = min(ws.item[i].place_cents, ws.cand_cents[c, i])
    ws.set[0].place_cents, i = 0, 0
    for s in range(1, 1 << o[O_ITEMS]):
        if s >> (i + 1):
            i += 1
        ws.set[s].place_cents = ws.set[s ^ 1 << i].place_cents + ws.item[i].place_cents
    for s in range(1, 1 << o[O_ITEMS]):
        ws.set[s].place_cents += _rough_pick(pol, ws, s) - slack


@compiled
def slacken(pol: Pol, o: NDArray[np.int64], ws: Workspace, best: int, split: int) -> None:
    """
    Say for each item and zone class how much dearer than the least a shipment from there with that item may be, if the
    plan is to be no dearer than `best`, what a known one costs; below 0 where no such plan has one.
    """
    sets = 1 << o[O_ITEMS]
    full = sets - 1
    to_place = o[O_PLACE_FROM] < o[O_PLACE_TO]
    packed = pol.scalar[P_LEAST_PACKAGING]
    for s in range(1, full + 1):
        rest = full ^ s
        left = best - ws.set[s].bound_cents - ws.set[rest].bound_cents - packed
        if rest:
            left -= split + (0 if to_place else ws.set_price[rest] + packed)
        ws.value[s] = max(-NEVER, min(left, NEVER - 1))
    for at in range(ws.counts[1]):
        left_over = ws.sums[:sets]
        _subtract(ws.value[:sets], ws.class_price[at * sets : (at + 1) * sets], left_over)
        for i in range(o[O_ITEMS] - 1, -1, -1):  # the most of all sets with the item; then as if it were in none
            half = 1 << i
            ws.slack[i, ws.class_of[at]] = _most(left_over[:half], left_over[half : 2 * half])


@compiled
def _subtract(left: NDArray[np.int32], prices: NDArray[np.int32], out: NDArray[np.int32]) -> None:
    out[0] = -NEVER
    for s in range(1, len(out)):
        out[s] = np.int32(left[s] - prices[s])


@compiled
def _most(without: NDArray[np.int32], having: NDArray[np.int32]) -> int:
    """The most of `having`; what is more than in `without` goes there."""
    most = np.int32(-2 * NEVER)
    for s in range(len(having)):
        most = max(most, having[s])
        without[s] = max(without[s], having[s])
    return int(most)


@inlined
def shift_of(o: NDArray[np.int64], ws: Workspace) -> int:
    """The shift for which all credits of the items fit."""
    least, shift = 0, 0
    for i in range(o[O_ITEMS]):
        least += min(0, ws.item[i].least_cents)
    while least >> shift < TERM_MIN:
        shift += 4
    return shift


@compiled
def sort_nodes(inputs: Inputs, o: NDArray[np.int64], parcels: int, couriers: int) -> None:
    """List the candidates that may ship home by their zone class."""
    net, reach, ws = inputs.net, inputs.reach, inputs.ws
    dist, classes = reach.distance_m[o[O_SLOT]], reach.zone_class[o[O_SLOT]]
    num = ws.counts[1]
    for at in range(num + 1):
        ws.class_first[at] = 0
    for c in range(ws.clock[1]):
        node = ws.candidate[c].node
        ships = ws.candidate[c].items != 0 and int(dist[node]) <= o[O_MAX_DISTANCE]
        ships = ships and home_services(net, o, node, parcels, couriers) != 0
        at = ws.class_at[int(classes[node])] if ships else -1
        ws.candidate[c].at = at
        if ships:
            ws.class_first[at + 1] += 1
    for at in range(num):
        ws.class_first[at + 1] += ws.class_first[at]
        ws.class_left[at] = ws.class_first[at]
    for c in range(ws.clock[1]):
        at = ws.candidate[c].at
        if at >= 0:
            ws.by_class[ws.class_left[at]] = c
            ws.class_left[at] += 1


@compiled
def fill_terms(pol: Pol, o: NDArray[np.int64], ws: Workspace, shift: int) -> bool:
    """Fill ws.term; False where the shift is too small for a credit."""
    items, whole = o[O_ITEMS], pol.weight[W_PICKING] == 1000
    least = 0
    for pos in range(ws.class_first[ws.counts[1]]):
        c = ws.by_class[pos]
        node, mask = ws.candidate[c].node, ws.candidate[c].items
        line, unit = pol.node[node].line_cents, pol.node[node].unit_cents
        first = pol.pick_cents[node, 1]
        if whole:
            first -= line
        else:  # a weighted sum is rounded as a whole: leave out what does not add up
            first, line, unit = weigh(first, pol.weight[W_PICKING]), np.int64(0), np.int64(0)
        first += pol.node[node].priority_cents + weigh(pol.node[node].packaging_cents, pol.weight[W_PACKAGING])
        least = min(least, first)
        ws.term[FIRST, pos] = min(first >> shift, TERM_MAX)
        for i in range(items):
            if mask >> i & 1:
                cents = ws.cand_cents[c, i] + line * ws.item[i].lines + unit * ws.item[i].units
                least = min(least, cents)
                ws.term[i, pos] = min(cents >> shift, TERM_MAX)
            else:
                ws.term[i, pos] = NOT_SOLD
    return least >> shift >= TERM_MIN


@compiled
def bound_ships(o: NDArray[np.int64], ws: Workspace, shift: int) -> None:
    """Fill ws.bound by class and set, and ws.value with the least of each set."""
    sets = 1 << o[O_ITEMS]
    value = ws.value[:sets]
    for t in range(sets):
        value[t] = NOT_SOLD
    for at in range(ws.counts[1]):
        low, high = ws.class_first[at], ws.class_first[at + 1]
        row = ws.bound[at * sets : (at + 1) * sets]
        for t in range(sets):
            row[t] = NOT_SOLD
        if low == high:
            continue
        if o[O_ITEMS] <= FEW_ITEMS:
            _scan_nodes(ws.term, low, high, ws.few_sums, row, o[O_ITEMS])
        else:
            for pos in range(low, high):
                _scan_sets(ws.term, pos, ws.sums, row, o[O_ITEMS])
        _add_prices(row, ws.class_price[at * sets : (at + 1) * sets], value, shift)
    for t in range(1, sets):
        if ws.set[t].valid == 0 or is_small(o, ws, t):
            value[t] = NOT_SOLD


@inlined
def is_small(o: NDArray[np.int64], ws: Workspace, t: int) -> bool:
    """Whether a set is worth too little for a parcel beside others; it may still go alone."""
    return ws.set[t].value_cents < o[O_MIN_VALUE] and t != (1 << o[O_ITEMS]) - 1


@compiled
def _scan_nodes(
    term: NDArray[np.int32], low: int, high: int, sums: NDArray[np.int32], least: NDArray[np.int32], items: int
) -> None:
    """Set by set, sum the terms at every node and keep the least. Over slices, which the compiler vectorises."""
    width, i = high - low, 0
    for t in range(1, 1 << items):
        if t >> (i + 1):
            i += 1
        rest = t ^ 1 << i
        before = sums[rest][:width] if rest else term[FIRST][low:high]
        here, one, lowest = sums[t][:width], term[i][low:high], least[t]
        for pos in range(width):
            value = np.int32(before[pos] + one[pos])
            here[pos] = value
            lowest = min(lowest, value)
        least[t] = lowest


@compiled
def _scan_sets(
    term: NDArray[np.int32], pos: int, sums: NDArray[np.int32], least: NDArray[np.int32], items: int
) -> None:
    """For one node, sum the terms of every set and keep the least."""
    sums[0] = term[FIRST, pos]
    for i in range(items):
        half, one = 1 << i, term[i, pos]
        lower, upper, kept = sums[:half], sums[half : 2 * half], least[half : 2 * half]
        for t in range(half):
            value = np.int32(lower[t] + one)
            upper[t] = value
            kept[t] = min(kept[t], value)


@compiled
def _add_prices(row: NDArray[np.int32], prices: NDArray[np.int32], value: NDArray[np.int32], shift: int) -> None:
    for t in range(1, len(row)):
        price = prices[t]
        if price < NOT_SOLD:
            price = np.int32(price >> shift)
        row[t] = np.int32(row[t] + price)
        value[t] = min(value[t], row[t])


@compiled
def bound_plans(
    o: NDArray[np.int64], value: NDArray[np.int32], unserved: NDArray[np.int32], plan: NDArray[np.int32], split: int
) -> None:
    """From bounds of shipments those of plans for every set, with a split for each shipment."""
    partial = o[O_FLAGS] & F_PARTIAL != 0
    plan[0] = 0
    for s in range(1, 1 << o[O_ITEMS]):
        low = s & -s
        rest = s ^ low
        best = np.int32(NOT_SOLD)
        sub = rest
        while True:
            best = min(best, np.int32(value[sub | low] + plan[rest ^ sub]))
            if sub == 0:
                break
            sub = (sub - 1) & rest
        best = np.int32(best + split)
        if partial:
            i = 0
            while low >> i & 1 == 0:
                i += 1
            best = min(best, np.int32(plan[rest] + unserved[i]))
        plan[s] = min(best, np.int32(NOT_SOLD))


@compiled
def bound_anywhere(o: NDArray[np.int64], ws: Workspace, home: bool, split: int, shift: int) -> None:
    """Fill ws.any_bound: what plans home, to a place or both cost at least for every set, with a split each."""
    sets = 1 << o[O_ITEMS]
    for t in range(sets):
        cents = ws.set[t].place_cents
        never = cents >= FAR or is_small(o, ws, t)
        ws.any_value[t] = NOT_SOLD if never else min(cents >> shift, TERM_MAX)
        if home:
            ws.any_value[t] = min(ws.any_value[t], ws.value[t])
    if home or o[O_FLAGS] & F_PARTIAL:
        bound_plans(o, ws.any_value, ws.unserved, ws.any_bound, split)
        return
    ws.any_bound[0] = 0
    for t in range(1, sets):  # places alone: all in one shipment bounds all others
        ws.any_bound[t] = min(ws.any_value[t] + split, NOT_SOLD)


@compiled
def list_alive(o: NDArray[np.int64], ws: Workspace, best: int, extra: int, shift: int) -> int:
    """
    List in ws.alive the sets that can be shipped to a place in a plan no dearer than `best`, and cap their cost.

    The trip to the place costs `extra`; the rest goes home or to the same place.
    """
    full = (1 << o[O_ITEMS]) - 1
    partial = o[O_FLAGS] & F_PARTIAL != 0
    count = 0
    for t in range(1, full):
        if ws.set[t].valid == 0 or (not partial and ws.set[t].value_cents < o[O_MIN_VALUE]):
            continue
        cap = INFINITE - 1
        if best < INFINITE:
            cap = best - (int(ws.any_bound[full ^ t]) << shift) - extra
            if ws.set[t].place_cents > cap:
                continue
        ws.set[t].cap_cents = cap
        ws.alive[count] = t
        count += 1
    return count

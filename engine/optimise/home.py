"""Which shipments home are priced exactly: those of the best plan by bounds, then all that a better plan may have."""

import numpy as np
from numpy.typing import NDArray

from engine.network.floors import NOT_SOLD
from engine.network.jit import compiled, inlined
from engine.optimise.bounds import bound_anywhere, bound_plans, bound_ships, fill_terms, is_small, sort_nodes
from engine.optimise.routes import carrier_cents
from engine.optimise.shipments import home_kinds, ship_home
from engine.optimise.tables import F_PARTIAL, O_FLAGS, O_ITEMS, O_MAX_SHIPMENTS, O_SLOT
from engine.optimise.workspace import INFINITE, NEVER, TERM_MAX, Inputs, Workspace

_ROUNDS = 12  # of looking for a first plan by bounds
_UNSERVED_MAX = 1 << 21


@compiled
def bound_home(inputs: Inputs, o: NDArray[np.int64], shift: int) -> int:
    """Bounds of every shipment home; returns the shift that they needed."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    parcels, couriers = home_kinds(net, o)
    sort_nodes(inputs, o, parcels, couriers)
    while not fill_terms(pol, o, ws, shift):
        shift += 4
    bound_ships(o, ws, shift)
    return shift


@inlined
def _in_hole(inputs: Inputs, o: NDArray[np.int64], t: int) -> bool:
    """Whether some service may take more than a set, but not the set, for want of a price."""
    net, reach, ws = inputs.net, inputs.reach, inputs.ws
    for at in range(ws.counts[1]):
        zones = reach.class_zone[ws.class_of[at]]
        for s in range(len(net.service)):
            if ws.set[t].services >> s & 1 and zones[s] >= 0 and reach.floors.steady[s, zones[s]] == 0:
                for era in range(net.per_kg_cents.shape[1]):
                    if carrier_cents(inputs, t, s, era, zones[s], o[O_FLAGS], True) < 0:
                        return True
    return False


@compiled
def ship_exactly(inputs: Inputs, o: NDArray[np.int64], t: int, shift: int) -> None:
    """Price a set exactly, whatever it costs, unless that is done; its value is then no bound any more."""
    net, ws = inputs.net, inputs.ws
    if ws.set[t].exact == ws.clock[2]:
        return
    parcels, couriers = home_kinds(net, o)
    ship_home(inputs, o, t, np.int64(INFINITE - 1), shift, parcels, couriers)
    ws.set[t].exact = ws.clock[2]
    cost = ws.best_of[0, t].cost
    if cost < INFINITE:
        ws.value[t] = max(ws.value[t], min(cost >> shift, TERM_MAX))
        return
    ws.value[t] = NOT_SOLD
    if ws.counts[2] == 0 and not _in_hole(inputs, o, t):  # then what holds it cannot be sent either
        for s in range(t + 1, 1 << o[O_ITEMS]):
            if s & t == t:
                ws.value[s] = NOT_SOLD


@compiled
def _walk(inputs: Inputs, o: NDArray[np.int64], split: int, shift: int) -> tuple[int, int, bool]:
    """
    Price the shipments of the plan that is best by bounds.

    Returns what the plan costs (INFINITE where there is no such plan), its number of shipments, and whether anything
    was learned.
    """
    ws = inputs.ws
    partial = o[O_FLAGS] & F_PARTIAL != 0
    left, cost, number, fresh = (1 << o[O_ITEMS]) - 1, 0, 0, False
    while left:
        low = left & -left
        rest = left ^ low
        best, chosen = np.int64(2 * NOT_SOLD), low
        sub = rest
        while True:
            value = np.int64(ws.value[sub | low]) + ws.plan_bound[rest ^ sub]
            if value < best:
                best, chosen = value, sub | low
            if sub == 0:
                break
            sub = (sub - 1) & rest
        if partial:
            i = 0
            while low >> i & 1 == 0:
                i += 1
            if ws.plan_bound[rest] + ws.unserved[i] <= ws.plan_bound[left]:
                cost += ws.item[i].unserved_cents
                left = rest
                continue
        if ws.value[chosen] >= NEVER:
            return INFINITE, number, fresh
        if ws.set[chosen].exact != ws.clock[2]:
            ship_exactly(inputs, o, chosen, shift)
            fresh = True
        if ws.best_of[0, chosen].cost >= INFINITE:
            return INFINITE, number, fresh
        cost += ws.best_of[0, chosen].cost
        number += 1
        left ^= chosen
    return cost + split * max(0, number - 1), number, fresh


@compiled
def _pair(inputs: Inputs, o: NDArray[np.int64], split: int, shift: int) -> int:
    """What the best pair of shipments by bounds costs."""
    ws = inputs.ws
    full = (1 << o[O_ITEMS]) - 1
    best, chosen = np.int64(NEVER), np.int64(0)
    for t in range(1, full, 2):
        value = np.int64(ws.value[t]) + ws.value[full ^ t]
        if value < best:
            best, chosen = value, np.int64(t)
    if chosen == 0:
        return INFINITE
    ship_exactly(inputs, o, chosen, shift)
    ship_exactly(inputs, o, full ^ chosen, shift)
    one, other = ws.best_of[0, chosen].cost, ws.best_of[0, full ^ chosen].cost
    return INFINITE if one >= INFINITE or other >= INFINITE else one + other + split


@inlined
def _least_bound(o: NDArray[np.int64], ws: Workspace, t: int) -> int:
    """The least bound of a set over all classes."""
    least, sets = NOT_SOLD, 1 << o[O_ITEMS]
    for at in range(ws.counts[1]):
        if ws.class_first[at] < ws.class_first[at + 1]:
            least = min(least, ws.bound[at * sets + t])
    return least


@compiled
def home_plans(inputs: Inputs, o: NDArray[np.int64], split: int, least_extra: int, upper: int, shift: int) -> None:
    """
    Price every shipment home that a plan no dearer than the best one known may have.

    `upper` is what that costs; `least_extra` is the least trip to any place, -1 without places. Fills ws.any_bound
    where there are some.
    """
    net, ws = inputs.net, inputs.ws
    full = (1 << o[O_ITEMS]) - 1
    home, most = o[O_SLOT] >= 0, o[O_MAX_SHIPMENTS]
    apart = np.int64(min(split >> shift, TERM_MAX))
    for i in range(o[O_ITEMS]):
        ws.unserved[i] = max(np.int64(0), min(ws.item[i].unserved_cents >> shift, np.int64(_UNSERVED_MAX)))
    if home and most > 1:
        for _ in range(_ROUNDS):
            bound_plans(o, ws.value, ws.unserved, ws.plan_bound, apart)
            if ws.plan_bound[full] >= NEVER or int(ws.plan_bound[full]) - apart > upper >> shift:
                break
            cost, number, fresh = _walk(inputs, o, split, shift)
            if number > most:
                cost = _pair(inputs, o, split, shift)
                upper = min(upper, cost)
                break
            upper = min(upper, cost)
            if cost < INFINITE or not fresh:
                break
    elif home:
        bound_plans(o, ws.value, ws.unserved, ws.plan_bound, apart)
    if least_extra >= 0:
        bound_anywhere(o, ws, home, apart, shift)
    if not home:
        return
    parcels, couriers = home_kinds(net, o)
    for t in range(1, full):
        if ws.set[t].exact == ws.clock[2]:
            continue
        value, other = int(ws.value[t]), int(ws.plan_bound[full ^ t])
        if least_extra >= 0:
            other = min(other, int(ws.any_bound[full ^ t]) + (least_extra >> shift))
        if o[O_FLAGS] & F_PARTIAL and ws.set[t].valid and is_small(o, ws, t):  # alone, or not at all
            value, other = int(_least_bound(o, ws, t)), 0
            for i in range(o[O_ITEMS]):
                if t >> i & 1 == 0:
                    other += int(ws.unserved[i])
        if value >= NEVER or other >= NEVER:
            continue
        cap = INFINITE - 1
        if upper < INFINITE:
            cap = upper - (other << shift)
            if value > cap >> shift:
                continue
        ship_home(inputs, o, np.int64(t), cap, shift, parcels, couriers)

"""
Plans by taking pieces of an order out of one and putting them back where they cost least, many times over; compiled.

The method is large neighbourhood search (Shaw, CP 1998; Schrimpf et al., J. Computational Physics 159, 2000) with a
threshold that falls. Costs are the relaxation's. A piece is an item, or one unit of an item that may be divided.

    most        (S, I)  int64    pieces of an item that a slot holds
    each        (S, I)  float64  cents of one piece in a slot, parcels left out
    weight      (I,)    float64  g of one piece, volume cm3 likewise
    spread      (I,)    int64    shipments that may carry a part of an item
    missing     (I,)    float64  cents of a piece that is left out
    count       (K, I)  int64    pieces of the plan by shipment, `where` (K,) its slots; -1 is no shipment
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import allocating

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Ground(NamedTuple):
    """What plans are made of: the arrays of the module's head and the tariffs of `engine.optimise.reduce.Boxes`."""

    most: Ints
    each: Floats
    weight: Floats
    volume: Floats
    pieces: Ints
    spread: Ints
    missing: Floats
    base: Floats
    place: Ints
    trip: Floats
    group: Ints
    mask_start: Ints
    mask_items: Flags
    box_start: Ints
    least_g: Floats
    limit_g: Floats
    least_cm3: Floats
    limit_cm3: Floats
    cents: Floats


@allocating
def improve(ground: Ground, where: Ints, count: Ints, rounds: int, heat: float, seed: int) -> float:
    """
    Improve a plan in place, or make one where there is none; returns its cents.

    Parameters
    ----------
    heat
        By which part of its cents a plan may be worse than the one before, at first; it falls to none.
    """
    num_ships, num_items = count.shape
    random = np.array([np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)], dtype=np.uint64)
    cost = np.zeros(num_ships)
    for k in range(num_ships):
        if where[k] >= 0:
            cost[k] = _cents(ground, where[k], count[k])
    now_where, now_count, now_cost = where.copy(), count.copy(), cost.copy()
    now = _total(ground, now_where, now_count, now_cost)
    best = now
    out = np.zeros(num_items, dtype=np.int64)
    for step in range(rounds):
        try_where, try_count, try_cost = now_where.copy(), now_count.copy(), now_cost.copy()
        _take_out(ground, try_where, try_count, try_cost, out, random)
        _put_back(ground, try_where, try_count, try_cost, out, random)
        total = _total(ground, try_where, try_count, try_cost)
        if total < now + heat * (1.0 - step / rounds) * abs(now) * _unit(random) + 1e-9:
            now_where, now_count, now_cost, now = try_where, try_count, try_cost, total
        if total < best - 1e-6:
            best = total
            where[:], count[:], cost[:] = try_where, try_count, try_cost
    return best


@allocating
def _unit(random: NDArray[np.uint64]) -> float:
    """The next number in [0, 1) (xorshift)."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return float(x >> np.uint64(11)) / 9007199254740992.0


@allocating
def _cents(ground: Ground, s: int, count: Ints) -> float:
    """A shipment, split included; infinite where it may not be."""
    total, grams, cm3 = ground.base[s], 0.0, 0.0
    for i in range(len(count)):
        if count[i]:
            if count[i] > ground.most[s, i]:
                return np.inf
            total += count[i] * ground.each[s, i]
            grams += count[i] * ground.weight[i]
            cm3 += count[i] * ground.volume[i]
    g = ground.group[s]
    least = np.inf
    for m in range(ground.mask_start[g], ground.mask_start[g + 1]):
        inside = True
        for i in range(len(count)):
            if count[i] and not ground.mask_items[m, i]:
                inside = False
                break
        if not inside:
            continue
        for b in range(ground.box_start[m], ground.box_start[m + 1]):
            if ground.cents[b] >= least:
                break
            inside = ground.least_g[b] <= grams + 1e-6 and ground.least_cm3[b] <= cm3 + 1e-6
            if inside and ground.limit_g[b] >= grams - 1e-6 and ground.limit_cm3[b] >= cm3 - 1e-6:
                least = ground.cents[b]
                break
    return float(total + least)


@allocating
def _cheapest(ground: Ground, count: Ints, place: int) -> tuple[int, float]:
    """The slot that ships a set for least, at home or at a place (-1: any), a new trip included; -1 where none can."""
    inside = np.flatnonzero(count)
    best, least = -1, np.inf
    for s in range(len(ground.base)):
        at = ground.place[s]
        if at >= 0 and place >= 0 and at != place:
            continue
        total = ground.base[s] + (ground.trip[at] if at >= 0 and place < 0 else 0.0)
        for i in inside:
            if count[i] > ground.most[s, i]:
                total = np.inf
                break
            total += count[i] * ground.each[s, i]
        if total >= least:
            continue
        cents = _cents(ground, s, count) + (ground.trip[at] if at >= 0 and place < 0 else 0.0)
        if cents < least:
            best, least = s, cents
    return best, least


@allocating
def prices_of(ground: Ground, count: Ints) -> Floats:
    """(S,) cents of a set from every slot, split included; infinite where it may not be."""
    out = np.empty(len(ground.base))
    for s in range(len(out)):
        out[s] = _cents(ground, s, count)
    return out


@allocating
def _place(ground: Ground, where: Ints) -> int:
    for s in where:
        if s >= 0 and ground.place[s] >= 0:
            return int(ground.place[s])
    return -1


@allocating
def _total(ground: Ground, where: Ints, count: Ints, cost: Floats) -> float:
    """Cents of a plan, one split too many included."""
    total = 0.0
    place = _place(ground, where)
    if place >= 0:
        total += ground.trip[place]
    for i in range(count.shape[1]):
        total += ground.missing[i] * (ground.pieces[i] - count[:, i].sum())
    for k in range(len(where)):
        if where[k] >= 0:
            total += cost[k]
    return float(total)


@allocating
def _take_out(ground: Ground, where: Ints, count: Ints, cost: Floats, out: Ints, random: NDArray[np.uint64]) -> None:
    """Take out some shipments, or some pieces; `out` is then what is missing."""
    used = np.flatnonzero(where >= 0)
    draw = _unit(random)
    if len(used) and draw < 0.5:
        for _ in range(1 + (draw < 0.2) + (draw < 0.05)):
            k = used[int(_unit(random) * len(used))]
            where[k] = -1
            count[k] = 0
    elif len(used):
        for _ in range(1 + int(_unit(random) * 6.0)):
            k = used[int(_unit(random) * len(used))]
            inside = np.flatnonzero(count[k])
            if len(inside):
                i = inside[int(_unit(random) * len(inside))]
                count[k, i] = 0 if _unit(random) < 0.7 else count[k, i] - 1
    for k in used:
        if where[k] >= 0 and count[k].sum() == 0:
            where[k] = -1
        if where[k] >= 0:
            cost[k] = _cents(ground, where[k], count[k])
    for i in range(len(out)):
        out[i] = ground.pieces[i] - count[:, i].sum()


@allocating
def _put_back(ground: Ground, where: Ints, count: Ints, cost: Floats, out: Ints, random: NDArray[np.uint64]) -> None:
    """Put back what is missing, each piece where it adds least; then every shipment goes to its cheapest slot."""
    num_items = len(out)
    rank = np.empty(num_items)
    how = _unit(random)
    for i in range(num_items):
        rank[i] = _unit(random) if how < 0.5 else -ground.weight[i] * ground.pieces[i] * (0.5 + _unit(random))
    for i in np.argsort(rank):
        while out[i] > 0:
            best_k, best_s, least = -1, -1, ground.missing[i]
            free = -1
            place = _place(ground, where)
            spread = np.count_nonzero(count[:, i])
            for k in range(len(where)):
                if where[k] < 0:
                    free = k
                    continue
                if (count[k, i] == 0 and spread >= ground.spread[i]) or _unit(random) < 0.03:
                    continue
                count[k, i] += 1
                s, cents = where[k], _cents(ground, where[k], count[k])
                if cents == np.inf or _unit(random) < 0.1:
                    s, cents = _cheapest(ground, count[k], place)
                count[k, i] -= 1
                if s >= 0 and cents - cost[k] < least:
                    best_k, best_s, least = k, s, cents - cost[k]
            if free >= 0 and spread < ground.spread[i]:
                count[free, i] += 1
                s, cents = _cheapest(ground, count[free], place)
                count[free, i] -= 1
                if s >= 0 and cents < least:
                    best_k, best_s, least = free, s, cents
            if best_k < 0:
                break
            where[best_k] = best_s
            count[best_k, i] += 1
            cost[best_k] = _cents(ground, best_s, count[best_k])
            out[i] -= 1
    for k in range(len(where)):
        if where[k] >= 0:
            place = _place(ground, where)
            s, cents = _cheapest(ground, count[k], place)
            if s >= 0 and cents < cost[k] - 1e-9:
                where[k], cost[k] = s, _cents(ground, s, count[k])

"""
The least reduced cost of every slot: boxes of its tariff against knapsacks of its entries, compiled.

    start       (S + 1,) int64     entries of slot s are start[s]:start[s + 1]
    item        (E,)     int64
    gain        (E,)     float64   cents; weight g and volume cm3 likewise
    group       (S,)     int64     and the arrays of `engine.optimise.reduce.Boxes`
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import allocating

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@allocating
def least_reduced(
    start: Ints,
    item: Ints,
    gain: Floats,
    weight: Floats,
    volume: Floats,
    group: Ints,
    mask_start: Ints,
    mask_items: Flags,
    box_start: Ints,
    limit_g: Floats,
    limit_cm3: Floats,
    cents: Floats,
) -> tuple[Floats, Floats]:
    """For every slot the least of box cents less gain, and what of each entry is in it."""
    num_slots = len(start) - 1
    reduced = np.full(num_slots, np.inf)
    part = np.zeros(len(gain))
    most = 1
    for s in range(num_slots):
        most = max(most, start[s + 1] - start[s])
    by_g = np.empty(most, dtype=np.int64)
    by_cm3 = np.empty(most, dtype=np.int64)
    for s in range(num_slots):
        best_box, best_mask = -1, -1
        for m in range(mask_start[group[s]], mask_start[group[s] + 1]):
            count, total, some = 0, 0.0, False
            for e in range(start[s], start[s + 1]):
                some = some or mask_items[m, item[e]]
                if gain[e] > 0.0 and mask_items[m, item[e]]:
                    _insert(by_g, count, e, gain, weight)
                    _insert(by_cm3, count, e, gain, volume)
                    count += 1
                    total += gain[e]
            if not some:
                continue
            for b in range(box_start[m], box_start[m + 1]):
                if cents[b] - total >= reduced[s]:
                    break  # boxes come by cents
                worth = _knapsack(by_g, count, gain, weight, limit_g[b])
                if cents[b] - worth >= reduced[s]:
                    continue
                worth = min(worth, _knapsack(by_cm3, count, gain, volume, limit_cm3[b]))
                if cents[b] - worth < reduced[s]:
                    reduced[s] = cents[b] - worth
                    best_box, best_mask = b, m
        if best_box < 0:
            continue
        count = 0
        for e in range(start[s], start[s + 1]):
            if gain[e] > 0.0 and mask_items[best_mask, item[e]]:
                _insert(by_g, count, e, gain, weight)
                _insert(by_cm3, count, e, gain, volume)
                count += 1
        over_g = _knapsack(by_g, count, gain, weight, limit_g[best_box])
        over_cm3 = _knapsack(by_cm3, count, gain, volume, limit_cm3[best_box])
        if over_g <= over_cm3:
            _fill(by_g, count, weight, limit_g[best_box], part)
        else:
            _fill(by_cm3, count, volume, limit_cm3[best_box], part)
    return reduced, part


@allocating
def _insert(order: Ints, count: int, e: int, gain: Floats, size: Floats) -> None:
    """Insert an entry into a list sorted by gain per size, falling."""
    at = count
    while at > 0 and gain[order[at - 1]] * size[e] < gain[e] * size[order[at - 1]]:
        order[at] = order[at - 1]
        at -= 1
    order[at] = e


@allocating
def _knapsack(order: Ints, count: int, gain: Floats, size: Floats, limit: float) -> float:
    """The most gain of entries, the last of them cut."""
    worth: float = 0.0
    left = limit
    for j in range(count):
        e = order[j]
        if size[e] > left:
            return float(worth + gain[e] * left / size[e])
        worth += gain[e]
        left -= size[e]
    return worth


@allocating
def _fill(order: Ints, count: int, size: Floats, limit: float, part: Floats) -> None:
    """What the knapsack takes of each entry."""
    left = limit
    for j in range(count):
        e = order[j]
        if size[e] > left:
            part[e] = left / size[e]
            return
        part[e] = 1.0
        left -= size[e]

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
_OPEN = 1e15  # limits from here on are none


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
    """
    For every slot the least of box cents less gain, and what of each entry is in it.

    Of three knapsacks, by weight, by volume and by both in the proportion of the boxes, the least one counts.
    """
    num_slots = len(start) - 1
    reduced = np.full(num_slots, np.inf)
    part = np.zeros(len(gain))
    ratio = _proportions(box_start, limit_g, limit_cm3)
    most = 1
    for s in range(num_slots):
        most = max(most, start[s + 1] - start[s])
    order = np.empty((3, most), dtype=np.int64)
    size = np.empty((3, most + 1))  # of the first entries in each order, likewise their gain
    worth = np.empty((3, most + 1))
    size[:, 0], worth[:, 0] = 0.0, 0.0
    for s in range(num_slots):
        best_box, best_mask, tightest = -1, -1, 0
        for m in range(mask_start[group[s]], mask_start[group[s] + 1]):
            entries = slice(start[s], start[s + 1])
            some, count = _sorted(entries, item, gain, weight, volume, mask_items[m], ratio[m], order, size, worth)
            if not some:
                continue
            for b in range(box_start[m], box_start[m + 1]):
                if cents[b] - worth[0, count] >= reduced[s]:
                    break  # boxes come by cents
                limits = (limit_g[b], limit_cm3[b], limit_g[b] + ratio[m] * limit_cm3[b])
                least, which = np.inf, 0
                for way in range(3):
                    taken = _worth(size[way], worth[way], count, limits[way])
                    if taken < least:
                        least, which = taken, way
                    if cents[b] - least >= reduced[s]:
                        break
                if cents[b] - least < reduced[s]:
                    reduced[s] = cents[b] - least
                    best_box, best_mask, tightest = b, m, which
        if best_box < 0:
            continue
        m, b = best_mask, best_box
        entries = slice(start[s], start[s + 1])
        _, count = _sorted(entries, item, gain, weight, volume, mask_items[m], ratio[m], order, size, worth)
        left = (limit_g[b], limit_cm3[b], limit_g[b] + ratio[m] * limit_cm3[b])[tightest]
        for j in range(count):
            own = size[tightest, j + 1] - size[tightest, j]
            if own > left:
                part[order[tightest, j]] = left / own
                break
            part[order[tightest, j]] = 1.0
            left -= own
    return reduced, part


@allocating
def _proportions(box_start: Ints, limit_g: Floats, limit_cm3: Floats) -> Floats:
    """(M,) g per cm3 of the box in the middle of those that limit the volume; 0 where none does."""
    out = np.zeros(len(box_start) - 1)
    for m in range(len(out)):
        bounded = np.array([b for b in range(box_start[m], box_start[m + 1]) if limit_cm3[b] < _OPEN], dtype=np.int64)
        if len(bounded):
            middle = bounded[len(bounded) // 2]
            out[m] = limit_g[middle] / max(1.0, limit_cm3[middle])
    return out


@allocating
def _sorted(
    entries: slice,
    item: Ints,
    gain: Floats,
    weight: Floats,
    volume: Floats,
    inside: Flags,
    ratio: float,
    order: Ints,
    size: Floats,
    worth: Floats,
) -> tuple[bool, int]:
    """Sort the entries that are worth something three times, with running sums; also whether there is any entry."""
    some, count = False, 0
    for e in range(entries.start, entries.stop):
        some = some or inside[item[e]]
        if gain[e] > 0.0 and inside[item[e]]:
            _insert(order[0], count, e, gain, weight, volume, 1.0, 0.0)
            _insert(order[1], count, e, gain, weight, volume, 0.0, 1.0)
            _insert(order[2], count, e, gain, weight, volume, 1.0, ratio)
            count += 1
    for j in range(count):
        for way in range(3):
            e = order[way, j]
            own = weight[e] if way == 0 else volume[e] if way == 1 else weight[e] + ratio * volume[e]
            size[way, j + 1] = size[way, j] + own
            worth[way, j + 1] = worth[way, j] + gain[e]
    return some, count


@allocating
def _insert(
    order: Ints, count: int, e: int, gain: Floats, weight: Floats, volume: Floats, per_g: float, per_cm3: float
) -> None:
    """Insert an entry into a list sorted by gain per size, falling."""
    at, size = count, per_g * weight[e] + per_cm3 * volume[e]
    while at > 0:
        before = order[at - 1]
        if gain[before] * size >= gain[e] * (per_g * weight[before] + per_cm3 * volume[before]):
            break
        order[at] = before
        at -= 1
    order[at] = e


@allocating
def _worth(total_size: Floats, total_gain: Floats, count: int, limit: float) -> float:
    """The most gain of entries within a limit, the last of them cut."""
    if total_size[count] <= limit:
        return float(total_gain[count])
    low, high = 0, count  # total_size[low] <= limit < total_size[high]
    while high - low > 1:
        middle = (low + high) // 2
        if total_size[middle] <= limit:
            low = middle
        else:
            high = middle
    part = (limit - total_size[low]) / (total_size[high] - total_size[low])
    return float(total_gain[low] + part * (total_gain[high] - total_gain[low]))


def undominated(boxes: Floats) -> Floats:
    """
    (B, 5) the boxes that no other stands in for at the same cents or less, by cents.

    A box is (least and most weight, least and most volume, cents).
    """
    return boxes[_kept(boxes, np.lexsort((boxes[:, 2], boxes[:, 0], -boxes[:, 3], -boxes[:, 1], boxes[:, 4])))]


@allocating
def _kept(boxes: Floats, order: Ints) -> Ints:
    """Those of `order`, by cents, that lie in no earlier one."""
    out = np.empty(len(order), dtype=np.int64)
    count = 0
    for at in order:
        j = count - 1  # the last ones are the largest
        while j >= 0 and not (
            boxes[out[j], 0] <= boxes[at, 0]
            and boxes[out[j], 1] >= boxes[at, 1]
            and boxes[out[j], 2] <= boxes[at, 2]
            and boxes[out[j], 3] >= boxes[at, 3]
        ):
            j -= 1
        if j < 0:
            out[count] = at
            count += 1
    return out[:count].copy()

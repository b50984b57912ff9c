"""
What every slot may ship, set by set: sets of items (or of pieces of them) within a limit of reduced cost, compiled.

    reduced cost of a set = base of the slot + price of the cheapest box that holds it - gain of its items

A set is one number that has some bits for each item: how many pieces of it are in, 0 or 1 unless the item may be
divided. Sets are enumerated item by item; a branch ends where a line below the tariff shows that nothing in it is
within the limit. The lines are those of the lower hull of the boxes' corners, by weight or by volume:

    price(set) >= a + b * grams(set)        so that        reduced cost >= base + a + sum of (b * grams_i - gain_i)

and of the items still open those count that help. Of all lines the few are used that bound the whole slot best.

    line_start  (2, M + 1)      int64     lines of mask m by weight are line[line_start[0, m]:line_start[0, m + 1]],
    line        (L, 2)          float64   by volume likewise in row 1: cents at 0, cents per g or cm3
    pieces      (E,)            int64     in how many equal pieces an entry may come
    shift       (I,)            int64     first bit of an item
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import allocating

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
BITS_MAX = 62  # of a set
_LINES = 5  # by volume, by three parts of both, by weight


def tariff_lines(box_start: Ints, limit_g: Floats, limit_cm3: Floats, cents: Floats) -> tuple[Ints, Floats]:
    """(line_start, line) of the masks of boxes."""
    starts: list[list[int]] = []
    lines: list[Floats] = []
    for limit in (limit_g, limit_cm3):
        starts.append([sum(len(part) for part in lines)])
        for first, end in zip(box_start[:-1].tolist(), box_start[1:].tolist(), strict=True):
            lines.append(_hull(limit[first:end].tolist(), cents[first:end].tolist()))
            starts[-1].append(starts[-1][-1] + len(lines[-1]))
    return np.array(starts, dtype=np.int64), np.concatenate(lines)


def _hull(limit: list[float], cents: list[float]) -> Floats:
    """(L, 2) lines that lie nowhere above the least cents of a box whose limit is not exceeded; boxes by cents."""
    if not cents:
        return np.zeros((1, 2))
    corners: list[tuple[float, float]] = []
    for x, y in zip(limit, cents, strict=True):
        if corners and x <= corners[-1][0]:
            continue
        while len(corners) > 1 and _above(corners[-2], corners[-1], (x, y)):
            corners.pop()
        corners.append((x, y))
    out = [(cents[0], 0.0)]  # nothing costs less than the first box
    for (x, a), (y, b) in pairwise(corners):
        slope = (b - a) / (y - x)
        out.append((a - slope * x, slope))
    return np.array(out)


def _above(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])


@allocating
def search_slots(
    slots: Ints,
    start: Ints,
    item: Ints,
    gain: Floats,
    weight: Floats,
    volume: Floats,
    pieces: Ints,
    shift: Ints,
    base: Floats,
    group: Ints,
    mask_start: Ints,
    mask_items: Flags,
    box_start: Ints,
    least_g: Floats,
    limit_g: Floats,
    least_cm3: Floats,
    limit_cm3: Floats,
    cents: Floats,
    line_start: Ints,
    line: Floats,
    limit: Floats,
    best_only: bool,
    steps_max: int,
    steps_all: int,
    found_slot: Ints,
    found_set: Ints,
    found_reduced: Floats,
) -> tuple[int, Flags]:
    """
    Write the sets of some slots, of each within its own limit.

    With `best_only` each set of a slot has a lower reduced cost than the ones before, and the last is the best. Returns
    how many there are, and which slots were searched to the end: within `steps_max`, and `steps_all` of all slots.
    """
    count, spent = 0, 0
    complete = np.ones(len(slots), dtype=np.bool_)
    for at in range(len(slots)):
        s = slots[at]
        within = limit[at]
        for m in range(mask_start[group[s]], mask_start[group[s] + 1]):
            entries = np.array([e for e in range(start[s], start[s + 1]) if mask_items[m, item[e]]], dtype=np.int64)
            first, end = box_start[m], box_start[m + 1]
            if len(entries) == 0 or first == end:
                continue
            before = count
            count, done, steps = _search(
                base[s],
                shift[item[entries]],
                pieces[entries],
                gain[entries],
                weight[entries],
                volume[entries],
                least_g[first:end],
                limit_g[first:end],
                least_cm3[first:end],
                limit_cm3[first:end],
                cents[first:end],
                line[line_start[0, m] : line_start[0, m + 1]],
                line[line_start[1, m] : line_start[1, m + 1]],
                within,
                best_only,
                min(steps_max, steps_all - spent),
                count,
                found_set,
                found_reduced,
            )
            found_slot[before:count] = s
            spent += steps
            complete[at] = complete[at] and done
            if best_only and count > before:
                within = found_reduced[count - 1] - 1e-6
    return count, complete


@allocating
def _search(
    base: float,
    shift: Ints,
    pieces: Ints,
    gain: Floats,
    weight: Floats,
    volume: Floats,
    least_g: Floats,
    limit_g: Floats,
    least_cm3: Floats,
    limit_cm3: Floats,
    cents: Floats,
    by_g: Floats,
    by_cm3: Floats,
    limit: float,
    best_only: bool,
    steps_max: int,
    count: int,
    found_set: Ints,
    found_reduced: Floats,
) -> tuple[int, bool, int]:
    """Depth first through the items of one slot: the count of sets, whether it came to its end, steps taken."""
    num = len(shift)
    offset, net = _nets(base, gain, weight, volume, by_g, by_cm3)
    least = offset[0]
    for i in range(num):
        least += min(0.0, net[0, i])
    if least > limit:
        return count, True, 0
    order = np.argsort(-np.abs(net[0]))
    rest = np.zeros((len(offset), num + 1))  # by how much open items may still help
    open_gain = np.zeros(num + 1)
    for at in range(num - 1, -1, -1):
        for j in range(len(offset)):
            rest[j, at] = rest[j, at + 1] + min(0.0, net[j, order[at]])
        open_gain[at] = open_gain[at + 1] + max(0.0, gain[order[at]])
    bits = np.zeros(num + 1, dtype=np.int64)
    grams, cm3, got = np.zeros(num + 1), np.zeros(num + 1), np.zeros(num + 1)
    box, tried = np.zeros(num + 1, dtype=np.int64), np.zeros(num + 1, dtype=np.int64)
    along = np.zeros((len(offset), num + 1))
    at, steps = 0, 0
    while at >= 0:
        i = order[at]
        if tried[at] > pieces[i]:
            at -= 1
            continue
        many = pieces[i] - tried[at] if net[0, i] < 0.0 else tried[at]  # first what looks best
        part = many / pieces[i]
        tried[at] += 1
        steps += 1
        if steps > steps_max:
            return count, False, steps
        b = box[at]
        bits[at + 1], grams[at + 1], cm3[at + 1], got[at + 1] = bits[at], grams[at], cm3[at], got[at]
        if many:
            bits[at + 1] |= many << shift[i]
            grams[at + 1] += part * weight[i]
            cm3[at + 1] += part * volume[i]
            got[at + 1] += part * gain[i]
            while b < len(cents) and (limit_g[b] < grams[at + 1] - 1e-6 or limit_cm3[b] < cm3[at + 1] - 1e-6):
                b += 1  # boxes come by cents
            if b == len(cents):
                continue
        if base + cents[b] - got[at + 1] - open_gain[at + 1] > limit:
            continue
        within = True
        for j in range(len(offset)):
            along[j, at + 1] = along[j, at] + part * net[j, i]
            within = within and offset[j] + along[j, at + 1] + rest[j, at + 1] <= limit
        if not within:
            continue
        if at + 1 < num:
            box[at + 1], tried[at + 1] = b, 0
            at += 1
            continue
        all_g, all_cm3 = grams[at + 1], cm3[at + 1]
        while b < len(cents) and (
            limit_g[b] < all_g - 1e-6
            or limit_cm3[b] < all_cm3 - 1e-6
            or least_g[b] > all_g + 1e-6
            or least_cm3[b] > all_cm3 + 1e-6
        ):
            b += 1
        if b == len(cents):
            continue
        reduced = base + cents[b] - got[at + 1]
        if bits[at + 1] != 0 and reduced <= limit:
            if count == len(found_set):
                return count, False, steps
            found_set[count], found_reduced[count] = bits[at + 1], reduced
            count += 1
            if best_only:
                limit = reduced - 1e-6
    return count, True, steps


@allocating
def _nets(
    base: float, gain: Floats, weight: Floats, volume: Floats, by_g: Floats, by_cm3: Floats
) -> tuple[Floats, Floats]:
    """
    Lines below the tariff: base and cents at 0, and (lines, items) what an item adds; the line that bounds best first.

    By weight alone, by volume alone and by both, for what is charged is often the larger of the two.
    """
    num = len(gain)
    offset = np.empty(_LINES)
    net = np.empty((_LINES, num))
    value = np.empty(_LINES)
    none = np.zeros(num)
    g = _best_line(by_g, weight, 1.0, gain)
    cm3 = _best_line(by_cm3, volume, 1.0, gain)
    for j in range(_LINES):
        share = j / (_LINES - 1.0)  # of the weight
        if j == 0:
            here_g, here_cm3 = g, cm3
        elif share < 1.0:
            for i in range(num):
                none[i] = gain[i] - share * by_g[here_g, 1] * weight[i]
            here_cm3 = _best_line(by_cm3, volume, 1.0 - share, none)
            for i in range(num):
                none[i] = gain[i] - (1.0 - share) * by_cm3[here_cm3, 1] * volume[i]
            here_g = _best_line(by_g, weight, share, none)
        else:
            here_g, here_cm3 = g, cm3
        offset[j] = base + share * by_g[here_g, 0] + (1.0 - share) * by_cm3[here_cm3, 0]
        value[j] = offset[j]
        for i in range(num):
            net[j, i] = share * by_g[here_g, 1] * weight[i] + (1.0 - share) * by_cm3[here_cm3, 1] * volume[i] - gain[i]
            value[j] += min(0.0, net[j, i])
    ranked = np.argsort(-value)
    return offset[ranked], net[ranked]


@allocating
def _best_line(lines: Floats, size: Floats, share: float, gain: Floats) -> int:
    """The line that bounds best at a share of its height."""
    best, most = 0, -np.inf
    for j in range(len(lines)):
        value = share * lines[j, 0]
        for i in range(len(gain)):
            value += min(0.0, share * lines[j, 1] * size[i] - gain[i])
        if value > most:
            best, most = j, value
    return best

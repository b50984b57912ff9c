"""
All routes of a node to one target as one slot: what is cheapest of each.

Bounds and plans from columns ask which node ships what; of nine services of a node one is as good as the best of them,
and only that one counts. A merged slot has every box of its routes that no other of them holds for less, and the least
of their costs beside. It costs at most what each of its routes does, so that a bound of the merged order is a bound of
the order.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_facts import Facts
from engine.optimise.mip_knapsack import undominated
from engine.optimise.reduce import Boxes, Relaxed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def merged(facts: Facts, relaxed: Relaxed) -> tuple[Relaxed, list[Ints]]:
    """The merged slots of an order, and the slots of `relaxed` that each stands for."""
    ways = [facts.ways[w].route for w in facts.slot_way]
    keys = list(zip((r.node for r in ways), (r.place for r in ways), facts.slot_alone.tolist(), strict=True))
    number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    into = np.array([number[key] for key in keys], dtype=np.int64)
    order = np.argsort(into, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(into, minlength=len(number)))[:-1])
    base = np.array([relaxed.fixed[m].min() for m in members])
    over = relaxed.fixed - base[into]  # later ones of a node's routes may cost more
    kinds = [tuple(sorted(set(zip(relaxed.group[m].tolist(), over[m].tolist(), strict=True)))) for m in members]
    kind_of = {kind: g for g, kind in enumerate(dict.fromkeys(kinds))}
    num, num_items = len(number), len(relaxed.unserved)
    shape = num * num_items
    cell = into[relaxed.entry_slot] * num_items + relaxed.entry_item
    there = np.flatnonzero(np.bincount(cell, minlength=shape))

    def least(values: Floats, at: Ints, size: int) -> Floats:
        out = np.full(size, np.inf)
        np.minimum.at(out, at, values)
        return out

    one = np.zeros(shape, dtype=np.int64)
    one[cell] = np.arange(len(cell))  # stock does not hang on the route
    one = one[there]
    first = np.array([m[0] for m in members], dtype=np.int64)
    return (
        replace(
            relaxed,
            entry_slot=there // num_items,
            entry_item=there % num_items,
            share=relaxed.share[one],
            cost=least(relaxed.cost, cell, shape)[there],
            weight=relaxed.weight[one],
            volume=relaxed.volume[one],
            pieces=relaxed.pieces[one],
            fixed=base,
            group=np.array([kind_of[kind] for kind in kinds], dtype=np.int64),
            times=_times(facts, relaxed, there, one, num),
            place=relaxed.place[first],
            boxes=_together(relaxed.boxes, list(kind_of)),
        ),
        members,
    )


def _times(facts: Facts, relaxed: Relaxed, there: Ints, one: Ints, num: int) -> Ints:
    """(S,) how often a plan may use a merged slot: its routes together hold more items than each of them may."""
    num_items = len(relaxed.unserved)
    divisible = np.array([item.divisible for item in facts.items])[there % num_items]
    most = np.minimum(relaxed.pieces[one], min(facts.evaluator.shipments_per_line_max, relaxed.max_shipments))
    pieces = np.where(divisible, most, 1)
    together = np.bincount(there // num_items, weights=pieces, minlength=num).astype(np.int64)
    return np.minimum(together, relaxed.max_shipments)


def _together(boxes: Boxes, kinds: list[tuple[tuple[int, float], ...]]) -> Boxes:
    """Tariffs of several groups as one, for each kind of slot."""
    table = np.stack([boxes.least_g, boxes.limit_g, boxes.least_cm3, boxes.limit_cm3, boxes.cents], axis=1)
    starts, mask_items, parts = [0], [], []
    for kind in kinds:
        by_items: dict[bytes, list[tuple[int, float]]] = {}
        for g, over in kind:
            for m in range(boxes.mask_start[g], boxes.mask_start[g + 1]):
                by_items.setdefault(boxes.mask_items[m].tobytes(), []).append((m, over))
        for masks in by_items.values():
            of_masks = [
                table[boxes.box_start[m] : boxes.box_start[m + 1]] + np.array([0, 0, 0, 0, over]) for m, over in masks
            ]
            parts.append(of_masks[0] if len(of_masks) == 1 else undominated(np.concatenate(of_masks)))
            mask_items.append(boxes.mask_items[masks[0][0]])
        starts.append(len(mask_items))
    flat = np.concatenate(parts)
    return Boxes(
        mask_start=np.array(starts, dtype=np.int64),
        mask_items=np.array(mask_items, dtype=np.bool_),
        box_start=np.cumsum([0] + [len(part) for part in parts]),
        least_g=flat[:, 0].copy(),
        limit_g=flat[:, 1].copy(),
        least_cm3=flat[:, 2].copy(),
        limit_cm3=flat[:, 3].copy(),
        cents=flat[:, 4].copy(),
    )

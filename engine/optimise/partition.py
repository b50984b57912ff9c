"""
Last step of the kernel: the best partition of an order's items into shipments, from the best shipment of every set.

    g(S) = min over T of S that holds the lowest item of S of  w(T) + split + g(S - T)

w is ws.best_of[row] (row 0 home only, row 1 home or one place), g is ws.plan; in partial orders the lowest item may
also go unserved at its price. Ties: lower cost, then earlier deliver_by, then fewer shipments.
"""

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import compiled, inlined
from engine.optimise.tables import F_PARTIAL, O_FLAGS, O_ITEMS, O_MAX_SHIPMENTS, O_MIN_VALUE
from engine.optimise.workspace import INFINITE, Workspace


@compiled
def _partition(o: NDArray[np.int64], ws: Workspace, row: int, full: int, split: int, layers: int) -> None:
    """
    Fill plan_ for every set without item 0, which the first shipment has or nobody: the least cost of serving it,
    `split` paid per shipment.

    With `layers` 0 row 0 allows any number of shipments; else row r allows at most r, for r = 0 .. layers.
    """
    partial = o[O_FLAGS] & F_PARTIAL != 0
    first, last = (0, 1) if layers == 0 else (0, layers + 1)
    for r in range(first, last):
        ws.plan[r, 0].cost = 0
        ws.plan[r, 0].deliver = 0
        ws.plan[r, 0].count = 0
        below = r if layers == 0 else r - 1
        for s in range(2, full + 1, 2):
            low, i = s & -s, 0
            while low >> i & 1 == 0:
                i += 1
            cost, deliver, number, choice = INFINITE, INFINITE, 0, 0
            if partial:
                if ws.plan[r, s ^ low].cost < INFINITE:
                    cost = ws.plan[r, s ^ low].cost + ws.item[i].unserved_cents
                    deliver = ws.plan[r, s ^ low].deliver
                    number = ws.plan[r, s ^ low].count
            if below >= 0:
                at, end = ws.listed_from[i], ws.listed_from[i + 1]
                rest = s ^ low
                sub = rest
                few = end - at < 1 << (num_bits(s) - 1)  # whichever are fewer: sets with a shipment, or parts of s
                while at < end if few else sub >= 0:
                    t = ws.listed[at] if few else sub | low
                    if (
                        t & ~s == 0
                        and ws.best_of[row, t].cost < INFINITE
                        and ws.plan[below, s ^ t].cost < INFINITE
                        and ws.set[t].value_cents >= o[O_MIN_VALUE]
                    ):
                        new = ws.best_of[row, t].cost + split + ws.plan[below, s ^ t].cost
                        if new <= cost:
                            by = max(ws.best_of[row, t].deliver, ws.plan[below, s ^ t].deliver)
                            num = ws.plan[below, s ^ t].count + 1
                            if new < cost or by < deliver or (by == deliver and num < number):
                                cost, deliver, number, choice = new, by, num, t
                    at += 1
                    sub = (sub - 1) & rest if sub else -1
            ws.plan[r, s].cost = cost
            ws.plan[r, s].deliver = deliver
            ws.plan[r, s].count = number
            ws.plan[r, s].choice = choice


@compiled
def list_shipped(o: NDArray[np.int64], ws: Workspace, row: int, full: int) -> None:
    """List the sets that have a shipment by their lowest item, from the greatest on."""
    count = 0
    for i in range(o[O_ITEMS]):
        ws.listed_from[i] = count
        step = 1 << (i + 1)
        for j in range((full >> (i + 1)), -1, -1):
            t = j * step + (1 << i)
            if ws.best_of[row, t].cost < INFINITE:
                ws.listed[count] = t
                count += 1
    ws.listed_from[o[O_ITEMS]] = count


@compiled
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
                        cost = gone + ws.best_of[row, t].cost + unserved(ws, left)
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


@compiled
def take_best(o: NDArray[np.int64], ws: Workspace, row: int, full: int, split: int, extra: int, place: int) -> None:
    """Compare the best plan of a row of w (with `extra` for its trip) to the best so far, and keep it if better."""
    layers = np.int64(0)
    if o[O_ITEMS] > 1:
        list_shipped(o, ws, row, full)
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


@inlined
def num_bits(mask: int) -> int:
    """How many bits are set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@inlined
def unserved(ws: Workspace, t: int) -> int:
    """What it costs to leave a set of items unserved."""
    cents, i = 0, 0
    while t:
        if t & 1:
            cents += ws.item[i].unserved_cents
        t >>= 1
        i += 1
    return cents


@compiled
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


@compiled
def take_whole(ws: Workspace, row: int, full: int, extra: int, place: int) -> None:
    """Keep the plan of one shipment with everything, if it is better than the best so far."""
    if ws.best_of[row, full].cost >= INFINITE:
        return
    cost, by, zero = ws.best_of[row, full].cost + extra, ws.best_of[row, full].deliver, np.int64(0)
    if cost < ws.best[0] or (cost == ws.best[0] and (by < ws.best[1] or (by == ws.best[1] and ws.best[2] > 1))):
        _record(ws, row, full, zero, zero, cost, by, zero + 1, place, full == 0)

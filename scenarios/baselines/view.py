"""
What a rule sees of an order and the nodes: arrays, and nothing that it would not know in the shop it comes from.

K nodes, L lines (lines of one sku are one line here; `asked` has them as they were).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
Units = dict[int, int]  # units by line
Take = tuple[int, Units]  # a node, and units of lines from it
UNKNOWN = -1
EXACT_LINES_MAX = 10  # sets of lines are enumerated up to here
FAR = 1 << 40  # metres beyond any distance on Earth
_WORST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a shop's own price list says of some items from a node, before anybody asks when they can leave."""

    ship_cents: int
    labour_cents: int
    used_permille: int  # of the node's capacity on the order's day


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """
    One order before its nodes.

    Attributes
    ----------
    order_id, now_s, day
        Of the order, and when it is placed: epoch second, and day number in the time zone of most nodes.
    skus, asked, need, value_cents
        (L,) index of each line's sku; (line, units) as the customer put them; (L,) units in all; (L,) value of a unit.
    free, physical, stocked
        (K, L) units available to promise; the same with what open orders hold still in it; whether there is a row.
    usable, enabled, pickup
        (K,) nodes that may serve this order at all; that ship anything; that customers collect at.
    distance_m
        (K,) to the customer, UNKNOWN without coordinates.
    priority, default, preferred
        (K,) 0 is best; the node that comes first where nothing else says; the one the customer chose, or UNKNOWN.
    same_market
        (K,) in the customer's region.
    orders_max
        (K,) orders that a node takes on a day, UNKNOWN without a limit.
    quote
        Prices (line, units) from a node; None where no service takes them.
    """

    order_id: str
    now_s: int
    day: int
    skus: tuple[int, ...]
    asked: tuple[tuple[int, int], ...]
    need: I64
    value_cents: I64
    free: I64
    physical: I64
    stocked: Flags
    usable: Flags
    enabled: Flags
    pickup: Flags
    distance_m: I64
    priority: I64
    default: int
    preferred: int
    same_market: Flags
    orders_max: I64
    quote: Callable[[int, Units], Quote | None]

    @property
    def whole(self) -> Flags:
        """(K, L) whether a usable node has all units of a line."""
        return (self.free >= self.need) & self.usable[:, None]

    def complete(self, nodes: I64) -> I64:
        """Of some nodes those that have everything."""
        has: Flags = np.all(self.whole, axis=1)
        return nodes[has[nodes]]

    def by_priority(self) -> I64:
        """Nodes, the best placed of the list first."""
        return np.argsort(self.priority, kind="stable")

    def by_distance(self) -> I64:
        """Nodes, the nearest first; those without coordinates last."""
        return np.argsort(self.far(), kind="stable")

    def far(self) -> I64:
        """Distances, with FAR for nodes without coordinates."""
        return np.where(self.distance_m == UNKNOWN, FAR, self.distance_m)


def walk(view: View, nodes: I64, stock: I64) -> list[Take]:
    """Take from node after node whatever it has, until nothing is missing; unit by unit, splits do not matter."""
    left = view.need.copy()
    out: list[Take] = []
    rows = np.minimum(stock[nodes], left)
    for node, row in zip(nodes[rows.any(axis=1)].tolist(), rows[rows.any(axis=1)], strict=True):
        if not view.usable[node]:
            continue
        got = np.minimum(row, left)
        if got.any():
            out.append((node, taken(got)))
            left = left - got
        if not left.any():
            break
    return out


def whole_from(view: View, node: int) -> list[Take]:
    """Everything from one node."""
    return [(node, taken(view.need))]


def taken(row: I64) -> Units:
    """Units by line of a row, without zeros."""
    return {line: int(units) for line, units in enumerate(row) if units}


def whole_or_walk(view: View, nodes: I64) -> list[Take]:
    """Everything from the first of some nodes that has it; else node after node."""
    complete = view.complete(nodes)
    return whole_from(view, int(complete[0])) if len(complete) else walk(view, nodes, view.free)


def fewest(view: View, rank: I64) -> list[Take]:
    """
    The fewest nodes that hold all lines in full, whole lines from each; of equal ones those with the least sum of rank.

    Empty where no nodes together hold all lines in full. Beyond EXACT_LINES_MAX lines, the node that holds most of what
    is missing comes next, of equal ones that of least rank: nearly always as few, and never long in coming.
    """
    complete = view.complete(np.arange(len(rank)))
    if len(complete):
        return whole_from(view, int(complete[np.argmin(rank[complete])]))
    num_lines = len(view.need)
    if num_lines > EXACT_LINES_MAX:
        return _few(view, rank)
    bits = view.whole @ (1 << np.arange(num_lines))
    full = (1 << num_lines) - 1
    best: list[tuple[int, int]] = [(_WORST, -1)] * (full + 1)  # of the nodes that hold a set: rank, node
    for node in np.flatnonzero(bits).tolist():
        best[int(bits[node])] = min(best[int(bits[node])], (int(rank[node]), node))
    for line in range(num_lines):  # who holds a set holds what is in it
        for held in range(full, 0, -1):
            if held >> line & 1:
                best[held ^ 1 << line] = min(best[held ^ 1 << line], best[held])
    plans: list[tuple[int, int, tuple[tuple[int, int], ...]] | None] = [(0, 0, ())] + [None] * full
    for held in range(1, full + 1):
        low = held & -held
        sub = rest = held ^ low
        while True:
            part, others = best[sub | low], plans[rest ^ sub]
            if part[1] >= 0 and others is not None:
                plan = others[0] + 1, others[1] + part[0], (*others[2], (part[1], sub | low))
                plans[held] = plan if plans[held] is None else min(plan, plans[held])  # type: ignore[type-var]
            if sub == 0:
                break
            sub = (sub - 1) & rest
    found = plans[full]
    units: dict[int, dict[int, int]] = {}
    for node, held in found[2] if found is not None else ():
        units.setdefault(node, {}).update({k: int(view.need[k]) for k in range(num_lines) if held >> k & 1})
    return list(units.items())


def _few(view: View, rank: I64) -> list[Take]:
    whole, missing = view.whole, np.ones(len(view.need), dtype=np.bool_)
    out: list[Take] = []
    while missing.any():
        held = (whole & missing).sum(axis=1)
        node = int(np.lexsort((rank, -held))[0])
        if not held[node]:
            return []
        lines = whole[node] & missing
        out.append((node, taken(np.where(lines, view.need, 0))))
        missing = missing & ~lines
    return out

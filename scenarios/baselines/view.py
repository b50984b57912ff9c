"""
What a rule sees of an order and the nodes: arrays, and nothing that it would not know in the shop it comes from.

K nodes, L lines (lines of one sku are one line here; `asked` has them as they were).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
Take = tuple[int, dict[int, int]]  # a node, and units of lines from it
UNKNOWN = -1
_WORST = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """
    One order before its nodes.

    Attributes: ``asked`` (line, units) as the customer put them; ``need`` (L,) units; ``free`` and ``physical`` (K, L)
    units available to promise and on the shelf; ``usable`` (K,) nodes that may send to the customer at all;
    ``distance_m`` (K,) to the customer, UNKNOWN without coordinates; ``priority`` (K,) 0 is best; ``same_market`` (K,)
    in the customer's region; ``orders_today`` and ``orders_max`` (K,), UNKNOWN without a limit.
    """

    asked: tuple[tuple[int, int], ...]
    need: I64
    free: I64
    physical: I64
    usable: Flags
    distance_m: I64
    priority: I64
    same_market: Flags
    orders_today: I64
    orders_max: I64

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
        far = np.where(self.distance_m == UNKNOWN, _WORST, self.distance_m)
        return np.argsort(far, kind="stable")


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
            out.append((node, {line: int(units) for line, units in enumerate(got) if units}))
            left = left - got
        if not left.any():
            break
    return out


def whole_from(view: View, node: int) -> list[Take]:
    """Everything from one node."""
    return [(node, {line: int(units) for line, units in enumerate(view.need)})]


def whole_or_walk(view: View, nodes: I64) -> list[Take]:
    """Everything from the first of some nodes that has it; else node after node."""
    complete = view.complete(nodes)
    return whole_from(view, int(complete[0])) if len(complete) else walk(view, nodes, view.free)


def fewest(view: View, rank: I64) -> list[Take]:
    """
    The fewest nodes that hold all lines in full, whole lines from each; of equal ones those with the least sum of rank.

    Empty where no nodes together hold all lines in full.
    """
    num_lines = len(view.need)
    bits = view.whole @ (1 << np.arange(num_lines))
    full = (1 << num_lines) - 1
    best: list[tuple[int, int]] = [(np.iinfo(np.int64).max, -1)] * (
        full + 1
    )  # of the nodes that hold a set: rank, node
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

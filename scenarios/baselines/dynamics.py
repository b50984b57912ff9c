"""
Rules like those of Dynamics 365 Commerce, order by order. The vendor's own model is closed; this follows what is
documented of it.

    least unfilled, then fewest locations, then least distance (0 inside the local radius)
    rules: units held back, most orders that are not shipped yet, most locations, greatest distance, parts of orders
           and of lines
    pass 1 keeps all rules; pass 2 drops those that are not hard, and solves only what is still not assigned

With parts of lines allowed, one and two locations are tried exactly; three and more by whole lines, and where that
covers nothing, by the location that holds most of what is missing.
"""

from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from scenarios.baselines.rule import Held, Rule
from scenarios.baselines.view import FAR, I64, UNKNOWN, Take, Units, View, fewest, taken, whole_from

RULES = frozenset(("min_inventory", "max_orders", "max_locations", "max_distance", "partial_orders", "partial_lines"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The rules of a fulfilment profile, and which of them are hard."""

    min_inventory: int = 0  # units of each sku that stay, beyond safety stock
    locations_max: int | None = 5  # of one order, 1 to 5; None: any
    distance_max_m: int | None = None
    partial_orders: bool = True
    partial_lines: bool = True
    radius_m: int = 30_000
    hard: frozenset[str] = RULES


class Dynamics(Rule):
    """Least unfilled, then the fewest locations, then the least distance, under the rules of a profile."""

    name = "dynamics"
    needs_distance = True

    def __init__(self, *, settings: Settings = Settings(), corrected: bool = False) -> None:
        super().__init__(corrected=corrected)
        self.settings = settings
        self._leaving: list[tuple[int, int]] = []  # when, node
        self._open: dict[int, int] = {}  # orders that are not shipped yet, by node

    def held(self, held: Held) -> None:
        """An order is open at its locations until it ships."""
        for node, leaves_s in {sent.node: sent.leaves_s for sent in held.sent}.items():
            heappush(self._leaving, (leaves_s, node))
            self._open[node] = self._open.get(node, 0) + 1

    def takes(self, view: View) -> list[Take]:
        """Pass 1, and pass 2 for what it leaves."""
        while self._leaving and self._leaving[0][0] <= view.now_s:
            self._open[heappop(self._leaving)[1]] -= 1
        first = self._pass(view, RULES)
        left = view.need.copy()
        free = view.free.copy()
        for node, units in first:
            for line, many in units.items():
                left[line] -= many
                free[node, line] -= many
        if not left.any() or self.settings.hard == RULES:
            return first
        out: dict[int, Units] = {node: dict(units) for node, units in first}
        rest = np.flatnonzero(left)
        second = self._pass(_of_lines(replace(view, free=free, need=left), rest), self.settings.hard)
        for node, units in second:
            part = out.setdefault(node, {})
            for at, many in units.items():
                line = int(rest[at])
                part[line] = part.get(line, 0) + many
        return [(node, dict(sorted(units.items()))) for node, units in out.items()]

    def _pass(self, view: View, rules: frozenset[str]) -> list[Take]:
        own = self.settings
        usable, free = view.usable.copy(), view.free
        if "max_orders" in rules:
            waiting = np.zeros(len(usable), dtype=np.int64)
            for node, orders in self._open.items():
                waiting[node] = orders
            usable &= (view.orders_max == UNKNOWN) | (waiting < view.orders_max)
        if "max_distance" in rules and own.distance_max_m is not None:
            usable &= view.far() <= own.distance_max_m
        if "min_inventory" in rules and own.min_inventory:
            free = np.maximum(0, free - own.min_inventory)
        most = own.locations_max if "max_locations" in rules else None
        seen = replace(view, usable=usable, free=free)
        whole_lines = "partial_lines" in rules and not own.partial_lines
        found = self._fewest(seen, most, whole_lines)
        done = sum(sum(units.values()) for _, units in found) == int(view.need.sum())
        return found if done or own.partial_orders or "partial_orders" not in rules else []

    def _fewest(self, view: View, most: int | None, whole_lines: bool) -> list[Take]:
        far = np.where(view.distance_m == UNKNOWN, FAR // 64, view.distance_m)  # a sum of them stays below FAR
        rank = np.where(far <= self.settings.radius_m, 0, far)
        nodes = np.argsort(rank, kind="stable")
        complete = view.complete(nodes)
        if len(complete):
            return whole_from(view, int(complete[0]))
        if not whole_lines and (most is None or most >= 2):
            pair = _pair(view, rank)
            if pair:
                return pair
        found = fewest(view, rank)
        if found and (most is None or len(found) <= most):
            return found
        return _most_first(view, rank, most, whole_lines)


def _pair(view: View, rank: I64) -> list[Take]:
    """The two locations that together hold all, lines divided between them or not; the nearer one gives first."""
    stock = np.minimum(view.free, view.need) * view.usable[:, None]
    rare = int(np.argmin((stock > 0).sum(axis=0)))  # one of the two holds some of the line that fewest have
    best: tuple[int, int, int] | None = None
    for a in np.flatnonzero(stock[:, rare]).tolist():
        others = np.flatnonzero((stock >= view.need - stock[a]).all(axis=1) & view.usable)
        others = others[others != a]
        if len(others):
            b = int(others[np.argmin(rank[others])])
            near = min((a, b), key=lambda k: (int(rank[k]), k))
            found = (int(rank[a] + rank[b]), near, a + b - near)
            best = found if best is None else min(best, found)
    if best is None:
        return []
    one = stock[best[1]]
    return [(best[1], taken(one)), (best[2], taken(view.need - one))]


def _most_first(view: View, rank: I64, most: int | None, whole_lines: bool) -> list[Take]:
    """Location after location, that with most of what is missing first, the nearer of equal ones."""
    left, usable, out = view.need.copy(), view.usable.copy(), list[Take]()
    while left.any() and (most is None or len(out) < most):
        got = np.minimum(view.free, left) * usable[:, None]
        if whole_lines:
            got = got * (got == left)
        units = got.sum(axis=1)
        node = int(np.lexsort((rank, -units))[0])
        if not units[node]:
            break
        out.append((node, taken(got[node])))
        left, usable[node] = left - got[node], False
    return out


def _of_lines(view: View, lines: I64) -> View:
    """A view of some of the lines."""
    asked = tuple((at, int(view.need[line])) for at, line in enumerate(lines.tolist()))
    return replace(
        view,
        skus=tuple(view.skus[line] for line in lines.tolist()),
        asked=asked,
        need=view.need[lines],
        value_cents=view.value_cents[lines],
        free=view.free[:, lines],
        physical=view.physical[:, lines],
        stocked=view.stocked[:, lines],
    )

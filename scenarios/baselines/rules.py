"""
The rules themselves, after their vendors' documents and public sources. Each gives nodes and units.

Some have traps that their users know: they are kept, so that a comparison shows what people have, and can be switched
off with `corrected`, so that it shows what the rule is worth without them. engine/DECISIONS.md says what is done for
them all.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np

from scenarios.baselines.view import I64, UNKNOWN, Take, View, fewest, walk, whole_or_walk

NODES_MAX = 5  # of one order, where the source has a limit
_FAR = 1 << 40


class Rule(ABC):
    """Says which node serves which units of an order."""

    name: ClassVar[str]
    traps: ClassVar[str] = ""

    def __init__(self, *, corrected: bool = False) -> None:
        self.corrected = corrected

    def takes(self, view: View) -> list[Take]:
        """Nodes and units; what is not taken stays unserved."""
        return self._takes(view)

    @abstractmethod
    def _takes(self, view: View) -> list[Take]: ...


class Nearest(Rule):
    """The nearest node with everything; else node after node, the nearest first."""

    name = "nearest"

    def _takes(self, view: View) -> list[Take]:
        return whole_or_walk(view, view.by_distance())


class Priority(Rule):
    """The best placed node of a fixed list with everything; else node after node down the list."""

    name = "priority"

    def _takes(self, view: View) -> list[Take]:
        return whole_or_walk(view, view.by_priority())


class _Magento(Rule):
    """Sources in an order; from each all units that it has. Splits do not count."""

    traps = "of a repeated sku the last quantity counts; what other open orders hold is not taken off the shelf"

    def _takes(self, view: View) -> list[Take]:
        nodes = self._sources(view)
        if self.corrected:
            return walk(view, nodes, view.free)
        last = np.zeros_like(view.need)
        for line, units in view.asked:
            last[line] = units
        return walk(replace(view, need=last), nodes, np.maximum(view.physical, 0))

    @abstractmethod
    def _sources(self, view: View) -> I64: ...


class MagentoPriority(_Magento):
    """Magento MSI, priority algorithm."""

    name = "magento-priority"

    def _sources(self, view: View) -> I64:
        return view.by_priority()


class MagentoDistance(_Magento):
    """Magento MSI, distance algorithm; sources without coordinates come last, by priority."""

    name = "magento-distance"

    def _sources(self, view: View) -> I64:
        unknown = view.distance_m == UNKNOWN
        return np.lexsort((view.priority * unknown, np.where(unknown, _FAR, view.distance_m), unknown))


class Spree(Rule):
    """Locations by how many of the order's skus they hold whole, then the default one, then by number."""

    name = "spree"
    traps = "the second location is the one that holds most of the whole order, not of what is left of it"

    def _takes(self, view: View) -> list[Take]:
        left = view.need.copy()
        out: list[Take] = []
        pool = np.flatnonzero(view.usable & (view.free > 0).any(axis=1)).tolist()
        covered = view.whole.sum(axis=1)
        default = int(np.argmin(np.where(view.usable, view.priority, _FAR)))
        while pool and left.any():
            if self.corrected:
                covered = ((view.free >= left) & (left > 0)).sum(axis=1)
            node = min(pool, key=lambda k: (-covered[k], k != default, k))
            pool.remove(node)
            got = np.minimum(np.maximum(view.free[node], 0), left)
            if got.any():
                out.append((node, {line: int(units) for line, units in enumerate(got) if units}))
                left -= got
        return out


class HotWax(Rule):
    """The nearest facility with everything and room for an order more; else, splitting, one after the other."""

    name = "hotwax"
    traps = "a limit of N orders a day stops at N - 1; a facility without coordinates is 0 m away"

    def _takes(self, view: View) -> list[Take]:
        limited = view.orders_max != UNKNOWN
        last = view.orders_max if self.corrected else view.orders_max - 1
        open_ = view.usable & (~limited | (view.orders_today + 1 <= last))
        distance = np.where(view.distance_m == UNKNOWN, _FAR if self.corrected else 0, view.distance_m)
        held = (view.free >= view.need).sum(axis=1)
        share = (np.clip(view.free, 0, view.need) / view.need).sum(axis=1)
        nodes = np.lexsort((np.arange(len(distance)), -share, -held, distance))
        return whole_or_walk(view, nodes[open_[nodes]])


class Shopify(Rule):
    """The fewest locations; of those the ones in the customer's market, then the nearest."""

    name = "shopify"

    def _takes(self, view: View) -> list[Take]:
        distance = np.where(view.distance_m == UNKNOWN, _FAR // 64, view.distance_m)
        rank = np.where(view.same_market, 0, _FAR) + distance
        return fewest(view, rank) or walk(view, np.argsort(rank, kind="stable"), view.free)


class Dynamics(Rule):
    """
    Least unfilled, then the fewest locations, then the least distance; locations near the customer count as equal.

    No more than so many locations an order, nor more orders a day than a location takes.
    """

    name = "dynamics"
    radius_m = 30_000

    def _takes(self, view: View) -> list[Take]:
        room = (view.orders_max == UNKNOWN) | (view.orders_today < view.orders_max)
        near = view.distance_m <= self.radius_m
        rank = np.where(view.distance_m == UNKNOWN, _FAR // 64, np.where(near, 0, view.distance_m))
        open_ = replace(view, usable=view.usable & room)
        found = fewest(open_, rank) or walk(open_, np.argsort(rank, kind="stable"), open_.free)
        return found[:NODES_MAX]


RULES: tuple[type[Rule], ...] = (
    Nearest,
    Priority,
    MagentoPriority,
    MagentoDistance,
    Spree,
    HotWax,
    Shopify,
    Dynamics,
)

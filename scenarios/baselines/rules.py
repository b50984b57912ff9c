"""
The rules themselves, after their vendors' documents and public sources. Each gives nodes and units.

Some have traps that their users know: they are kept, so that a comparison shows what people have, and can be switched
off with `corrected`, so that it shows what the rule is worth without them. engine/DECISIONS.md says what is done for
them all.
"""

import numpy as np

from scenarios.baselines.dynamics import Dynamics
from scenarios.baselines.hotwax import HotWax
from scenarios.baselines.magento import MagentoDistance, MagentoPriority
from scenarios.baselines.rule import Rule
from scenarios.baselines.spree import Spree
from scenarios.baselines.view import FAR, UNKNOWN, Take, View, fewest, walk, whole_or_walk
from scenarios.baselines.weighted import WeightedScore


class Nearest(Rule):
    """The nearest node with everything; else node after node, the nearest first."""

    name = "nearest"
    needs_distance = True

    def takes(self, view: View) -> list[Take]:
        """By distance."""
        return whole_or_walk(view, view.by_distance())


class Priority(Rule):
    """The best placed node of a fixed list with everything; else node after node down the list."""

    name = "priority"
    needs_priority = True

    def takes(self, view: View) -> list[Take]:
        """By priority."""
        return whole_or_walk(view, view.by_priority())


class Shopify(Rule):
    """The fewest locations; of those the ones in the customer's market, then the nearest."""

    name = "shopify"
    needs_distance = True

    def takes(self, view: View) -> list[Take]:
        """Rules in turn: each decides only between what the one before it leaves equal."""
        distance = np.where(view.distance_m == UNKNOWN, FAR // 64, view.distance_m)
        rank = np.where(view.same_market, 0, FAR) + distance
        return fewest(view, rank) or walk(view, np.argsort(rank, kind="stable"), view.free)


class Salesforce(Rule):
    """The fewest locations; of those the set of least mean distance."""

    name = "salesforce"
    needs_distance = True

    def takes(self, view: View) -> list[Take]:
        """Of sets of one size, the least mean is the least sum."""
        distance = np.where(view.distance_m == UNKNOWN, FAR // 64, view.distance_m)
        return fewest(view, distance) or walk(view, view.by_distance(), view.free)


RULES: tuple[type[Rule], ...] = (
    Nearest,
    Priority,
    MagentoPriority,
    MagentoDistance,
    Spree,
    HotWax,
    Shopify,
    Salesforce,
    Dynamics,
    WeightedScore,
)

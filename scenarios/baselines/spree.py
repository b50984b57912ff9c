"""
Spree: locations ranked by rules, packed in that order, and what is packed twice taken out again.

A rule gives each location a rank, lower is better, or abstains. The reducer goes through the rules and keeps the
locations of least rank: one left wins, several are handed to the next rule; after the last one the default location,
then the lowest number. Picking a winner again and again ranks them all, by the order as it was at first: that the
second location should hold what is missing, nothing sees. Nothing is backordered here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scenarios.baselines.rule import Rule
from scenarios.baselines.view import I64, Take, View, taken

Ranks = dict[int, int]  # by location; who is missing has abstained
LocationRule = Callable[[View, I64, I64], Ranks]  # of an order, the locations at hand, and the units asked for


def preferred(view: View, locations: I64, asked: I64) -> Ranks:
    """The location that the order prefers; of the others nothing is said."""
    return {view.preferred: 0} if view.preferred in locations else {}


def minimise_splits(view: View, locations: I64, asked: I64) -> Ranks:
    """The more of the skus a location holds whole, the better."""
    held = ((view.free[locations] >= asked) & (asked > 0)).sum(axis=1)
    return dict(zip(locations.tolist(), (-held).tolist(), strict=True))


def default_location(view: View, locations: I64, asked: I64) -> Ranks:
    """The default location before all others."""
    return {k: int(k != view.default) for k in locations.tolist()}


class Spree(Rule):
    """
    Spree's rules in their usual order: preferred location, fewest splits, default location.

    Corrected, each location is picked by what is still missing, and lines of one sku are summed.
    """

    name = "spree"
    traps = "locations are ranked by the whole order, not by what is left; a package holds the last of a sku's lines"

    def __init__(
        self,
        *,
        rules: Sequence[LocationRule] = (preferred, minimise_splits, default_location),
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self.rules = tuple(rules)

    def takes(self, view: View) -> list[Take]:
        """Packages in the order of the locations, each without what earlier ones already hold."""
        received, out = np.zeros_like(view.need), list[Take]()
        package = view.need if self.corrected else _last_of_each(view)
        pool = np.flatnonzero(view.usable & view.stocked.any(axis=1))
        pool = pool[(view.free[pool] > 0).any(axis=1)]  # a package of nothing is dropped
        while len(pool) and (received < view.need).any():
            winner = self._pick(view, pool, view.need - received if self.corrected else view.need)
            pool = pool[pool != winner]
            packed = np.minimum(view.free[winner], package)
            kept = np.minimum(packed, view.need - received)
            if kept.any():
                out.append((winner, taken(kept)))
                received = received + kept
        return out

    def _pick(self, view: View, locations: I64, asked: I64) -> int:
        """The reducer."""
        for rule in self.rules:
            ranks = rule(view, locations, asked)
            if ranks:
                least = min(ranks.values())
                locations = np.array([k for k in locations.tolist() if ranks.get(k) == least])
            if len(locations) == 1:
                break
        return int(min(locations.tolist(), key=lambda k: (k != view.default, k)))


def _last_of_each(view: View) -> I64:
    out = np.zeros_like(view.need)
    for line, units in view.asked:
        out[line] = units
    return out

"""
Like a weighted score of large order management suites: a node scores

    ship + labour + capacity_cents * (used share of the node's capacity)²

by the shop's price list, for each line the few nearest nodes with all of it are looked at. The node of least score
that has everything serves; where there is none, each line goes to its own node of least score.
"""

import numpy as np

from scenarios.baselines.rule import Rule
from scenarios.baselines.view import Take, Units, View, walk

NODES_MAX = 10  # looked at for a line
CAPACITY_CENTS = 300  # at full use


class WeightedScore(Rule):
    """The least weighted sum of shipping, labour and a penalty for busy nodes, among the ten nearest of each line."""

    name = "weighted-score"
    needs_distance = True

    def takes(self, view: View) -> list[Take]:
        """One node where one of those at hand has everything; else line by line."""
        by_distance = view.by_distance()
        whole = view.whole
        everything = {line: int(units) for line, units in enumerate(view.need)}
        complete = view.complete(by_distance)[:NODES_MAX].tolist()
        best = self._best(view, complete, everything)
        if best is not None:
            return [(best, everything)]
        out: dict[int, Units] = {}
        missing = view.need.copy()
        for line, units in everything.items():
            nodes = by_distance[whole[by_distance, line]][:NODES_MAX].tolist()
            best = self._best(view, nodes, {line: units})
            if best is not None:
                out.setdefault(best, {})[line] = units
                missing[line] = 0
        rest = walk(view, by_distance, np.where(missing > 0, view.free, 0)) if missing.any() else []
        for node, some in rest:  # what no node has whole comes in parts, the nearest first
            out.setdefault(node, {}).update(some)
        return list(out.items())

    def _best(self, view: View, nodes: list[int], units: Units) -> int | None:
        """The node of least score, the nearer of equal ones; None where none can send the units."""
        scores = [(score, at) for at, node in enumerate(nodes) if (score := _score(view, node, units)) is not None]
        return nodes[min(scores)[1]] if scores else None


def _score(view: View, node: int, units: Units) -> int | None:
    quote = view.quote(node, units)
    if quote is None:
        return None
    return quote.ship_cents + quote.labour_cents + CAPACITY_CENTS * quote.used_permille**2 // 1_000_000

"""
HotWax: inventory rules in sequence, each a filter, a sort and a walk over (item, facility) rows.

    candidates   usable units > 0, not excluded after a rejection, near enough, orders brokered today + 1 < daily limit
    one node     a facility stays only if it has every item in full (with a brokering safety stock B: B of each)
    several      every row stays (with B: those with at least B and the item's quantity)
    sort         distance; items in full, most first; share of the item that is there, largest first; facility
    walk         take min(units left there, units left of the item), row after row

The limit is compared with "<": a facility that may take N orders a day gets N - 1. A facility without coordinates is
0 m away. With B, one node is said to do although it has less than is asked for. `corrected` closes all three.
"""

from collections import Counter
from typing import Any

import numpy as np

from scenarios.baselines.rule import Held, Rule
from scenarios.baselines.view import I64, UNKNOWN, Flags, Take, Units, View


class HotWax(Rule):
    """
    Two inventory rules, the nearest single facility and then the nearest several; what is left waits in a queue.

    Parameters
    ----------
    safety
        Brokering safety stock B; 0 is none.
    distance_max_m
        Of a facility to the customer; None for any.
    limits
        Whether daily limits count.
    all_items
        Allocate nothing unless everything can be.
    shipment_value_min_cents
        Of each facility's part and of what is left, where an order is split.
    corrected
        Without the traps.
    """

    name = "hotwax"
    traps = "a limit of N orders a day stops at N - 1; a facility without coordinates is 0 m away"
    needs_distance = True

    def __init__(
        self,
        *,
        safety: int = 0,
        distance_max_m: int | None = None,
        limits: bool = True,
        all_items: bool = False,
        shipment_value_min_cents: int = 0,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self.safety = safety
        self.distance_max_m = distance_max_m
        self.limits = limits
        self.all_items = all_items
        self.shipment_value_min_cents = shipment_value_min_cents
        self._brokered: dict[int, Counter[int]] = {}  # orders of a node by day
        self._rejected: dict[tuple[int, int], int] = {}  # (sku, node): until when

    def reject(self, sku: int, node: int, until_s: int) -> None:
        """A facility could not find an item: it is not asked for it again until then."""
        self._rejected[sku, node] = until_s

    def held(self, held: Held) -> None:
        """Count an order at each of its facilities, on the day on which it was brokered."""
        self._brokered.setdefault(held.day, Counter()).update({sent.node for sent in held.sent})

    def takes(self, view: View) -> list[Take]:
        """What each inventory rule allocates of what the one before it has left."""
        distance = np.where(view.distance_m == UNKNOWN, view.far() if self.corrected else 0, view.distance_m)
        candidates = self._candidates(view, distance)
        left, free = view.need.copy(), view.free.copy()
        out: dict[int, Units] = {}
        for single in (True, False):
            rows = candidates & (free > 0) & (left > 0)
            rows &= self._all_of_it(free, left, rows) if single else self._some_of_it(free, left)
            suggested = _walked(free, left, rows, distance)
            if suggested and self._may(view, suggested, left):
                for node, units in suggested.items():
                    for line, many in units.items():
                        out.setdefault(node, {})[line] = out.get(node, {}).get(line, 0) + many
                        left[line] -= many
                        free[node, line] -= many
            if not left.any():
                break
        return [(node, dict(sorted(units.items()))) for node, units in out.items()]

    def _candidates(self, view: View, distance: I64) -> Flags:
        """(K, L) rows that any inventory rule may use."""
        open_ = view.usable.copy()
        if self.limits:
            today = np.zeros(len(open_), dtype=np.int64)
            for node, orders in self._brokered.get(view.day, Counter()).items():
                today[node] = orders
            room = today + 1 <= view.orders_max if self.corrected else today + 1 < view.orders_max
            open_ &= room | (view.orders_max == UNKNOWN)
        if self.distance_max_m is not None:
            open_ &= distance <= self.distance_max_m
        rows: Flags = (view.free > 0) & open_[:, None]
        for (sku, node), until_s in self._rejected.items():
            if sku in view.skus and view.now_s < until_s:
                rows[node, view.skus.index(sku)] = False
        return rows

    def _all_of_it(self, free: I64, left: I64, rows: Flags) -> Flags:
        """(K, 1) facilities that can do it all, as the template tests it."""
        enough = free >= left
        if self.safety:
            above = free >= self.safety
            enough = above & enough if self.corrected else above
        can: Flags = ((rows & enough) | (left == 0)).all(axis=1)[:, None]
        return can

    def _some_of_it(self, free: I64, left: I64) -> Flags:
        """(K, L) rows that may give a part."""
        kept: Flags = free >= np.maximum(self.safety, left) if self.safety else free > 0
        return kept

    def _may(self, view: View, suggested: dict[int, Units], before: I64) -> bool:
        """Whether a suggestion passes the checks that a shop may have set."""
        left = before.copy()
        for units in suggested.values():
            for line, many in units.items():
                left[line] -= many
        if self.all_items and left.any():
            return False
        least = self.shipment_value_min_cents
        if not least or (len(suggested) == 1 and not left.any()):
            return True
        value = view.value_cents
        parts = [sum(int(value[line]) * many for line, many in units.items()) for units in suggested.values()]
        rest = int((value * left).sum())
        return min(parts) >= least and (not rest or rest >= least)


def _walked(free: I64, need: I64, rows: Flags, distance: I64) -> dict[int, Units]:
    """Sort the rows and take from one after the other until nothing is missing."""
    out: dict[int, Units] = {}
    left = need.copy()
    nodes, lines = np.nonzero(rows)
    held = ((free >= need) & rows).sum(axis=1)
    share = free[nodes, lines] / need[lines]
    for row in np.lexsort((lines, nodes, -share, -held[nodes], distance[nodes])).tolist():
        node, line = int(nodes[row]), int(lines[row])
        many = int(min(free[node, line], left[line]))
        if many > 0:
            out.setdefault(node, {})[line] = many
            left[line] -= many
            if not left.any():
                break
    return out

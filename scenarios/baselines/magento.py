"""
Magento's inventory of many sources: what is for sale is counted for all sources together, where from is asked later.

At checkout (stage A) an order is compared with

    saleable = units at all enabled sources + sum of reservation rows - threshold

and then appends a row of minus its units, which names no source. When it ships (stage B), sources are walked in an
order and give what they have on the shelf. A shipment takes its units off the shelf and appends a row of as many plus.

What that leaves open, and `corrected` closes: units that open orders will need are still on the shelf for the next
one; of a sku that comes twice the last quantity counts; orders of the same moment do not see each other's rows.
"""

from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from scenarios.baselines.rule import Held, Rule, Sent
from scenarios.baselines.view import FAR, I64, UNKNOWN, Flags, Take, View, walk

RACE_S = 1  # between the check of an order and its row: no lock is held


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a recommendation: also what a source gives nothing of is listed."""

    node: int
    line: int
    take: int
    available: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Rows in the order of the sources, and whether they cover what was asked."""

    rows: tuple[Row, ...]
    shippable: bool


def deducted(sources: I64, in_stock: Flags, available: I64, asked: I64, *, losers: bool = False) -> Recommendation:
    """
    Stage B: from source after source whatever it has of what is still missing.

    Parameters
    ----------
    sources
        Nodes in the order in which they are asked.
    in_stock, available
        (K, L) whether a source is asked for a line, and the units that it has; below 0 counts as none.
    asked
        (L,) units.
    losers
        Also list the sources that come after everything is found; they give nothing.
    """
    left = asked.copy()
    rows: list[Row] = []
    for node in sources[np.any(in_stock, axis=1)[sources]].tolist():
        for line in np.flatnonzero(in_stock[node]).tolist():
            there = max(0, int(available[node, line]))
            take = min(there, int(left[line]))
            left[line] -= take
            rows.append(Row(node=node, line=line, take=take, available=there))
        if not (losers or left.any()):
            break
    return Recommendation(tuple(rows), not left.any())


def nearest_first(distance_m: I64, priority: I64) -> I64:
    """Sources by distance, equal ones by priority; those without coordinates (UNKNOWN) come last, by priority."""
    return np.lexsort((priority, np.where(distance_m == UNKNOWN, FAR, distance_m)))


class Ledger:
    """Reservation rows by sku, never changed, only appended; and the shipments that are still to leave."""

    def __init__(self) -> None:
        self._rows: Counter[int] = Counter()
        self._coming: list[tuple[int, int, int]] = []  # rows not yet written: when, sku, units
        self._open: list[tuple[int, int, Sent]] = []  # by when they leave, then as they came
        self._num_sent = 0
        self._shipped: dict[int, Counter[int]] = {}  # units by node, by sku
        self._collected: Counter[tuple[int, int]] = Counter()  # open orders to be collected, (node, sku)

    def append(self, sku: int, units: int, when_s: int) -> None:
        """A row that others see from a moment on."""
        heappush(self._coming, (when_s, sku, units))

    def send(self, sent: Sent) -> None:
        """A shipment that will leave."""
        self._num_sent += 1
        heappush(self._open, (sent.leaves_s, self._num_sent, sent))
        if sent.collected:
            self._collected.update({(sent.node, sku): units for sku, units in sent.items})

    def advance(self, now_s: int) -> None:
        """Write the rows, and let the shipments leave, whose time has come."""
        while self._open and self._open[0][0] <= now_s:
            leaves_s, _, sent = heappop(self._open)
            for sku, units in sent.items:
                self._shipped.setdefault(sku, Counter())[sent.node] += units
                self.append(sku, units, leaves_s)
                if sent.collected:
                    self._collected[sent.node, sku] -= units
        while self._coming and self._coming[0][0] <= now_s:
            _, sku, units = heappop(self._coming)
            self._rows[sku] += units

    def rows(self, sku: int) -> int:
        """The sum of the rows of a sku; below 0 where orders are open."""
        return self._rows[sku]

    def shelf(self, view: View) -> I64:
        """(K, L) units at the sources: what is open is still there, what has left is not."""
        out = view.physical.copy()
        for line, sku in enumerate(view.skus):
            for node, units in self._shipped.get(sku, {}).items():
                out[node, line] -= units
        return np.maximum(out, 0)

    def to_collect(self, node: int, sku: int) -> int:
        """Units of open orders that customers will collect at a source."""
        return self._collected[node, sku]


class _Magento(Rule):
    """
    Sources in an order; from each all units that it has. Splits do not count.

    Parameters
    ----------
    corrected
        Without the traps.
    threshold
        Units of each sku that are not for sale, at all sources together.
    """

    traps = "of a repeated sku the last quantity counts; what other open orders hold is not taken off the shelf"

    def __init__(self, *, corrected: bool = False, threshold: int = 0) -> None:
        super().__init__(corrected=corrected)
        self.threshold = threshold
        self.ledger = Ledger()
        self._granted: dict[str, tuple[tuple[int, int], ...]] = {}  # by order: (sku, units) that passed the check

    def begin(self, reserved: I64) -> None:
        """Orders that are open already have their rows, too."""
        for sku in np.flatnonzero(reserved).tolist():
            self.ledger.append(sku, -int(reserved[sku]), 0)

    def takes(self, view: View) -> list[Take]:
        """What the recommended sources give; lines that are not for sale never become part of the order."""
        for_sale = self.saleable(view) >= view.need
        self._granted[view.order_id] = tuple(
            (sku, int(units)) for sku, units, ok in zip(view.skus, view.need, for_sale, strict=True) if ok
        )
        if self.corrected:
            return walk(view, self.sources(view), np.where(for_sale, view.free, 0))
        out: dict[int, dict[int, int]] = {}
        for row in self.recommendation(view, for_sale).rows:
            if row.take:
                out.setdefault(row.node, {})[row.line] = row.take
        return list(out.items())

    def saleable(self, view: View) -> I64:
        """(L,) units for sale, whatever source they are at."""
        self.ledger.advance(view.now_s)
        rows = np.array([self.ledger.rows(sku) for sku in view.skus], dtype=np.int64)
        units: I64 = self.ledger.shelf(view)[view.enabled].sum(axis=0)
        return units + rows - self.threshold

    def recommendation(self, view: View, for_sale: Flags) -> Recommendation:
        """Stage B of the lines that were sold."""
        left = np.zeros_like(view.need)
        for line, units in view.asked:
            left[line] = units * for_sale[line]  # a map by sku: the last one stays
        shelf = self.ledger.shelf(view)
        sources = self.sources(view)
        in_stock: Flags = (shelf > 0) & for_sale & view.usable[:, None]
        available = shelf * in_stock
        for node in np.flatnonzero(view.pickup & in_stock.any(axis=1)).tolist():
            for line, sku in enumerate(view.skus):
                available[node, line] -= self.ledger.to_collect(node, sku)
        return deducted(sources, in_stock, available, left)

    def held(self, held: Held) -> None:
        """Append the rows of an order and remember when it leaves."""
        seen_s = held.now_s + (0 if self.corrected else RACE_S)
        for sku, units in self._granted.pop(held.order_id, ()):
            self.ledger.append(sku, -units, seen_s)
        for sent in held.sent:
            self.ledger.send(sent)

    @abstractmethod
    def sources(self, view: View) -> I64:
        """All nodes, in the order in which they are asked."""


class MagentoPriority(_Magento):
    """Magento MSI, priority algorithm."""

    name = "magento-priority"
    needs_priority = True

    def sources(self, view: View) -> I64:
        """By priority."""
        return view.by_priority()


class MagentoDistance(_Magento):
    """Magento MSI, distance algorithm; sources without coordinates come last, by priority."""

    name = "magento-distance"
    needs_distance = True

    def sources(self, view: View) -> I64:
        """By distance."""
        return nearest_first(view.distance_m, view.priority)

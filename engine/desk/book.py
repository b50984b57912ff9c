"""
What a desk remembers beside the view, as the ledger has it: settings, what is blocked, which skus are waited for.

It is read when the desk starts, again where the feed brings a notice that it was changed elsewhere, and kept by the
desk's own commands once they are durable (`Planned.then`). Used by the desk's thread only.
"""

from typing import TYPE_CHECKING

from engine.desk.blocked import Blocked
from engine.stock.ledger import key_parts, stock_key
from engine.stock.records_oms import Backorder, Exclusion, SkuSetting

if TYPE_CHECKING:
    from engine.desk.state import State

EXCLUSIONS, SKUS, BACKORDERS = "exclusions", "skus", "backorders"  # notices
PAGE = 10_000


class Book:
    """Empty until read."""

    def __init__(self) -> None:
        self.blocked = Blocked()
        self._next_s: int | None = None  # when something begins or ends by itself

    def read(self, state: "State") -> None:
        """Read everything."""
        self.read_blocked(state)
        self.read_waiting(state)

    def notice(self, state: "State", notices: set[str]) -> None:
        """Read again what others have changed."""
        if notices & {EXCLUSIONS, SKUS}:
            self.read_blocked(state)
        if BACKORDERS in notices:
            self.read_waiting(state)

    def turn(self, state: "State") -> None:
        """Let begin and end what is due."""
        if self._next_s is None or state.now_s < self._next_s:
            return
        over = self.blocked.end(state.now_s)
        self.blocked.apply(state.view)
        state.view.risen |= over & state.view.watched
        self._plan_next()

    def block(self, state: "State", *, rows: dict[int, int] | None = None, skus: dict[int, int] | None = None) -> None:
        """Promise nothing of rows (by key) and skus (by number) until a moment; 0 lets go."""
        self.blocked.rows |= rows or {}
        self.blocked.skus |= skus or {}
        over = self.blocked.end(state.now_s)
        self.blocked.apply(state.view)
        state.view.risen |= over & state.view.watched
        self._plan_next()

    def read_blocked(self, state: "State") -> None:
        """What is blocked, of rows and skus."""
        rows: dict[int, int] = {}
        after: tuple[str, int, int] | None = None
        while True:
            page = state.ledger.find(Exclusion, {"order_id": ""}, after=after, limit=PAGE)
            rows |= {stock_key(one.sku_no, one.node_no): one.until_s for one in page if one.until_s > state.now_s}
            if len(page) < PAGE:
                break
            after = page[-1].order_id, page[-1].node_no, page[-1].sku_no
        skus = state.ledger.find(SkuSetting, {"release_s__gt": state.now_s}, limit=1_000_000)
        freed = set(self.blocked.skus) | {key_parts(key)[0] for key in self.blocked.rows}
        self.blocked.rows = rows
        self.blocked.skus = {one.sku_no: one.release_s for one in skus if one.release_s is not None}
        self.blocked.apply(state.view)
        state.view.risen |= freed & state.view.watched
        self._plan_next()

    def read_waiting(self, state: "State") -> None:
        """The skus that somebody waits for."""
        counts = state.ledger.count_by(Backorder, ("sku_no",), {"state": "waiting"})
        fresh = {int(sku_no) for sku_no, _ in counts} - state.view.watched
        state.view.watched |= fresh
        state.view.risen |= fresh  # stock may have come before it was known that somebody waits

    def _plan_next(self) -> None:
        self._next_s = self.blocked.next_s

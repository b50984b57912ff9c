"""
Stock that is there and must not be promised: a sku at a node where it was not found, and a sku before its release.

A blocked row is held back from every channel by more units than a row can hold, so that each reader of `Live` sees
nothing to promise there, and no other reason code is needed. Applying is idempotent: whatever was blocked before is
let go first, also in arrays that were copied from others.
"""

import numpy as np

from engine.stock.ledger import key_parts
from engine.stock.view import View

BLOCKED_UNITS = 1_000_000_000  # of the int32 that `Live` has for it; nobody protects as many


class Blocked:
    """Rows (by key) and skus (by number) that are not promised until a moment."""

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}
        self.skus: dict[int, int] = {}

    @property
    def next_s(self) -> int | None:
        """When the first of them ends."""
        return min((*self.rows.values(), *self.skus.values()), default=None)

    def end(self, now_s: int) -> set[int]:
        """Forget what is over; the numbers of the skus that this concerns."""
        over = {key_parts(key)[0] for key, until_s in self.rows.items() if until_s <= now_s}
        over |= {sku for sku, until_s in self.skus.items() if until_s <= now_s}
        self.rows = {key: until_s for key, until_s in self.rows.items() if until_s > now_s}
        self.skus = {sku: until_s for sku, until_s in self.skus.items() if until_s > now_s}
        return over

    def apply(self, view: View) -> None:
        """Hold back what is blocked, and nothing else, in the arrays of a view."""
        live = view.live
        protected = live.row_protected
        protected[:, protected[0] >= BLOCKED_UNITS] -= BLOCKED_UNITS
        rows = view.rows(np.fromiter(self.rows, dtype=np.int64, count=len(self.rows)))
        blocked = set(rows[rows >= 0].tolist())
        for sku_no in self.skus:
            sku = int(view.sku_at[sku_no]) if sku_no < len(view.sku_at) else -1
            if sku >= 0:
                blocked |= set(range(int(live.row_start[sku]), int(live.row_start[sku + 1])))
        protected[:, sorted(blocked)] += BLOCKED_UNITS

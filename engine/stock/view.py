"""
What an engine sees of the ledger: the arrays of `Live`, kept as the ledger says, with what is on its way on top.

    live value = ledger's value as last heard + changes of postings that are not answered yet

A posting that is on its way counts at once, so that the next decision does not take the same unit; its answer replaces
every row and cell that it looked at by the ledger's own. The feed brings what other processes changed; a change that is
older than what is known of a row is passed over. A view that lags makes more postings fail, never a wrong one hold.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.domain.units import epoch_s
from engine.network.live import Live
from engine.stock.ledger import (
    NO_LIMIT,
    NODE_BITS,
    CapacityCell,
    Change,
    Contents,
    Numbers,
    Posted,
    Posting,
    StockRow,
    key_parts,
    stock_key,
)

Cell = tuple[int, int, int]  # node number, local day, hour or WHOLE_DAY


class View:
    """
    The state that decisions are taken on. Used by one thread.

    Parameters
    ----------
    live
        Of the engine; its rows are those of the ledger.
    numbers
        The ledger's.
    """

    def __init__(self, live: Live, numbers: Numbers) -> None:
        self.numbers = numbers
        self._node_no = {node: no for no, node in enumerate(numbers.nodes)}
        self._sku_no = {sku: no for no, sku in enumerate(numbers.skus)}
        self.pending: dict[int, tuple[int, int]] = {}  # key: units on hand, reserved
        self.pending_cells: dict[Cell, tuple[int, int]] = {}  # orders, units
        self.cell_seq: dict[Cell, int] = {}
        self.missing: dict[int, tuple[int, int]] = {}  # rows that the ledger has and `live` lacks
        self.watched: set[int] = set()  # numbers of skus that somebody waits for,
        self.risen: set[int] = set()  # and those of them of which more became free
        self._keys: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._by_key: NDArray[np.int64] | None = None
        self.row_seq: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.row_told_s: NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # when units on hand were last heard of
        self.adopt(live)

    def adopt(self, live: Live) -> None:
        """
        Go on with other arrays that hold the same, perhaps with more rows or of a changed network.

        Of a row that nobody has told of yet, the units on hand are those of the network's own moment.
        """
        network = live.network
        mine = slice(None) if self._by_key is None else self._by_key
        known = self._keys, self.row_seq[mine], self.row_told_s[mine]
        self.live = live
        self.node_no = np.array([self._node_no[node.node_id] for node in network.nodes], dtype=np.int64)
        self.sku_no = np.array([self._sku_no[sku] for sku in network.skus.ids], dtype=np.int64)
        self.node_nos: list[int] = self.node_no.tolist()  # the same, for one at a time
        self.sku_nos: list[int] = self.sku_no.tolist()
        self.node_at = np.full(len(self.numbers.nodes), -1, dtype=np.int64)
        self.node_at[self.node_no] = np.arange(len(self.node_no))
        self.sku_at = np.full(len(self.numbers.skus), -1, dtype=np.int64)
        self.sku_at[self.sku_no] = np.arange(len(self.sku_no))
        row_sku = np.repeat(self.sku_no, np.diff(live.row_start))
        self.row_key = row_sku << NODE_BITS | self.node_no[live.row_node]
        # Rows are by sku, then node, of the network; where the ledger numbers both in that order, so are the keys.
        self._sorted = bool((np.diff(self.row_key) > 0).all())
        self._by_key = None if self._sorted else np.argsort(self.row_key, kind="stable")
        self._keys = self.row_key if self._by_key is None else self.row_key[self._by_key]
        seq = np.zeros(len(self.row_key), dtype=np.int64)
        at = self.rows(known[0])
        seq[at[at >= 0]] = known[1][at >= 0]
        self.row_seq = seq
        self.row_told_s = np.full(len(seq), epoch_s(network.as_of), dtype=np.int64)
        self.row_told_s[at[at >= 0]] = known[2][at >= 0]

    def renumber(self, numbers: Numbers) -> None:
        """Take over numbers of the ledger: those that were known, and more; `adopt` has to follow."""
        self.numbers = numbers
        self._node_no = {node: no for no, node in enumerate(numbers.nodes)}
        self._sku_no = {sku: no for no, sku in enumerate(numbers.skus)}

    def rows(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of `live` with these keys, -1 where there is none."""
        if len(self._keys) == 0:
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.minimum(self._keys.searchsorted(keys), len(self._keys) - 1)
        found = self._keys[at] == keys
        rows = at if self._by_key is None else self._by_key[at]
        return np.where(found, rows, -1)

    def row(self, key: int) -> int:
        """The row of one key, -1 where there is none."""
        sku_no, node_no = key_parts(key)
        if not (sku_no < len(self.sku_at) and node_no < len(self.node_at)):
            return -1
        node, sku = self.node_at[node_no], self.sku_at[sku_no]
        return self.live.row(int(node), int(sku)) if node >= 0 and sku >= 0 else -1

    def key(self, node: int, sku: int) -> int:
        """The key of a network's node and sku, by their places in it."""
        return stock_key(int(self.sku_no[sku]), int(self.node_no[node]))

    def load(self, contents: Contents) -> None:
        """Take over all that the ledger holds."""
        live = self.live
        rows = self.rows(contents.key)
        here = rows >= 0
        live.row_on_hand[:] = 0
        live.row_reserved[:] = 0
        live.row_on_hand[rows[here]] = contents.on_hand[here]
        live.row_reserved[rows[here]] = contents.reserved[here]
        self.row_seq[rows[here]] = contents.seq[here]
        for i in np.flatnonzero(~here):
            self.missing[int(contents.key[i])] = int(contents.on_hand[i]), int(contents.reserved[i])
        for table in (live.day_orders, live.day_units, live.hour_orders, live.hour_units):
            table[:] = 0
        for at in list(live.own_limits):
            live.set_limits(*at, None, None)
        for values in contents.capacity.tolist():
            # The feed tells of later changes only, whatever their place: PostgreSQL's mark is beyond all places.
            self._set_cell(CapacityCell(*values), 0, (0, 0))

    def hold(self, posting: Posting) -> None:
        """Let a posting count before it is answered. See `note` for one that counts already."""
        for change in posting.stock:
            row = self.row(change.key)
            if row >= 0:
                self.live.row_on_hand[row] += change.on_hand
                self.live.row_reserved[row] += change.reserved
        for cell in posting.capacity:
            self._add_cell((cell.node_no, cell.day, cell.hour), cell.orders, cell.units)
        self.note(posting)

    def note(self, posting: Posting) -> None:
        """Remember that a posting, which `live` counts already, is on its way."""
        for change in posting.stock:
            on_hand, reserved = self.pending.get(change.key, (0, 0))
            self.pending[change.key] = on_hand + change.on_hand, reserved + change.reserved
        for cell in posting.capacity:
            at = cell.node_no, cell.day, cell.hour
            orders, units = self.pending_cells.get(at, (0, 0))
            self.pending_cells[at] = orders + cell.orders, units + cell.units

    def forget(self, postings: Iterable[Posting]) -> None:
        """Take postings back that never reached the ledger."""
        for posting in postings:
            for change in posting.stock:
                row = self.row(change.key)
                if row >= 0:
                    self.live.row_on_hand[row] -= change.on_hand
                    self.live.row_reserved[row] -= change.reserved
            for cell in posting.capacity:
                self._add_cell((cell.node_no, cell.day, cell.hour), -cell.orders, -cell.units)
        self._arrived(postings)

    def tell(self, keys: Sequence[int], at_s: int | Sequence[int]) -> None:
        """Somebody has counted the units on hand of rows, or moved some of them, at a moment."""
        rows = self.rows(np.array(keys, dtype=np.int64))
        told = np.broadcast_to(np.asarray(at_s, dtype=np.int64), rows.shape)
        here = rows >= 0
        np.maximum.at(self.row_told_s, rows[here], told[here])

    def settle(self, postings: Sequence[Posting], posted: Posted, now_s: int) -> None:
        """Replace what postings on their way were thought to do by what the ledger says."""
        moved = [
            change.key
            for posting, outcome in zip(postings, posted.outcomes, strict=True)
            for change in (posting.stock if outcome.conflict is None else ())
            if change.on_hand
        ]
        if moved:
            self.tell(moved, now_s)
        table = np.array(posted.stock, dtype=np.int64).reshape(-1, 3)
        rows = self.rows(table[:, 0])
        keys = table[:, 0].tolist()
        here = rows >= 0
        at = rows[here]
        units = np.stack([self.live.row_on_hand[at], self.live.row_reserved[at]], axis=1).astype(np.int64)
        units -= self._coming(keys)[here]
        if self.watched:
            more = table[here, 1] - table[here, 2] > units[:, 0] - units[:, 1]
            self.risen |= self.watched.intersection((table[here, 0][more] >> NODE_BITS).tolist())
        cells = [self._known_cell((cell.node_no, cell.day, cell.hour)) for cell in posted.capacity]
        self._arrived(postings)
        newer = np.full(len(at), True) if posted.seq < 0 else self.row_seq[at] <= posted.seq
        units[newer] = table[here, 1:][newer]
        self.row_seq[at[newer]] = np.maximum(self.row_seq[at[newer]], posted.seq)
        units += self._coming(keys)[here]
        self.live.row_on_hand[at], self.live.row_reserved[at] = units[:, 0], units[:, 1]
        for i in np.flatnonzero(~here).tolist():
            self._set_row(posted.stock[i], posted.seq, (0, 0))
        for cell, booked in zip(posted.capacity, cells, strict=True):
            self._set_cell(cell, posted.seq, booked)

    def _coming(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """Units on hand and reserved that are on their way, of rows by key."""
        pending, none = self.pending, (0, 0)
        return np.array([pending.get(key, none) for key in keys], dtype=np.int64).reshape(-1, 2)

    def set_rows(self, fresh: Iterable[StockRow], seq: int) -> None:
        """Take rows over as the ledger had them at a place in its feed (-1: unknown, but read just now)."""
        for row in fresh:
            self._set_row(row, seq, self._known_row(row.key))

    def set_counted(self, table: NDArray[np.int64], seq: int) -> None:
        """Like `set_rows`, for many rows of one transaction, each once: (n, 3) key, on hand, reserved."""
        rows = self.rows(table[:, 0])
        if self.watched:
            known = np.where(rows >= 0, self.live.row_on_hand[rows].astype(np.int64) - self.live.row_reserved[rows], 0)
            more = table[table[:, 1] - table[:, 2] > known, 0] >> NODE_BITS
            self.risen |= self.watched.intersection(more.tolist())
        here = rows >= 0
        for values in table[~here].tolist():
            self._set_row(StockRow(*values), seq, (0, 0))
        here[here] = self.row_seq[rows[here]] <= seq
        rows, table = rows[here], table[here]
        self.live.row_on_hand[rows] = table[:, 1]
        self.live.row_reserved[rows] = table[:, 2]
        self.row_seq[rows] = seq
        for key in self.pending.keys() & set(table[:, 0].tolist()) if self.pending else ():
            on_hand, reserved = self.pending[key]
            row_of_key = self.row(key)
            self.live.row_on_hand[row_of_key] += on_hand
            self.live.row_reserved[row_of_key] += reserved

    def grow(self, live: Live) -> None:
        """Go on with arrays that have rows for what was missing."""
        self.adopt(live)
        for key, (on_hand, reserved) in list(self.missing.items()):
            row = self.row(key)
            if row >= 0:
                coming = self.pending.get(key, (0, 0))
                live.row_on_hand[row], live.row_reserved[row] = on_hand + coming[0], reserved + coming[1]
                del self.missing[key]

    def take(self, changes: Iterable[Change]) -> list[str]:
        """Follow the feed; returns the notices of what else has changed."""
        notices: list[str] = []
        for change in changes:
            seq = change.mark.seq
            self.set_rows((StockRow(*values[:3]) for values in change.stock), seq)
            self.tell([values[0] for values in change.stock if values[1] != values[3]], change.at_s)
            for values in change.capacity:
                cell = CapacityCell(*values[:7])
                self._set_cell(cell, seq, self._known_cell((cell.node_no, cell.day, cell.hour)))
            notices += change.notices
        return notices

    def set_cell(self, cell: CapacityCell) -> None:
        """Take a capacity cell over, as the ledger has, or had, it."""
        self._set_cell(cell, -1, (0, 0))

    def cell(self, at: Cell) -> tuple[int, int]:
        """Orders and units that count as booked; zeros outside the days that are looked at."""
        place = self._place(at)
        if place is None:
            return 0, 0
        table, index = place
        return int(table["orders"][index]), int(table["units"][index])

    def _arrived(self, postings: Iterable[Posting]) -> None:
        """What is on its way may come to zeros, and so not be noted, while some of it is still to arrive."""
        for posting in postings:
            for change in posting.stock:
                on_hand, reserved = self.pending.get(change.key, (0, 0))
                left = on_hand - change.on_hand, reserved - change.reserved
                if left == (0, 0):
                    self.pending.pop(change.key, None)
                else:
                    self.pending[change.key] = left
            for cell in posting.capacity:
                at = cell.node_no, cell.day, cell.hour
                orders, units = self.pending_cells.get(at, (0, 0))
                rest = orders - cell.orders, units - cell.units
                if rest == (0, 0):
                    self.pending_cells.pop(at, None)
                else:
                    self.pending_cells[at] = rest

    def _known_row(self, key: int) -> tuple[int, int]:
        """What the ledger said last: what `live` has without what is on its way."""
        row = self.row(key)
        if row < 0:
            return 0, 0
        on_hand, reserved = self.pending.get(key, (0, 0))
        return int(self.live.row_on_hand[row]) - on_hand, int(self.live.row_reserved[row]) - reserved

    def _set_row(self, fresh: StockRow, seq: int, known: tuple[int, int]) -> None:
        if self.watched and fresh.on_hand - fresh.reserved > known[0] - known[1]:
            self.risen |= {key_parts(fresh.key)[0]} & self.watched
        row = self.row(fresh.key)
        if row < 0:
            if fresh.on_hand or fresh.reserved:
                self.missing[fresh.key] = fresh.on_hand, fresh.reserved
            return
        if seq < 0 or seq >= self.row_seq[row]:
            known = fresh.on_hand, fresh.reserved
            self.row_seq[row] = max(seq, int(self.row_seq[row]))
        on_hand, reserved = self.pending.get(fresh.key, (0, 0))
        self.live.row_on_hand[row] = known[0] + on_hand
        self.live.row_reserved[row] = known[1] + reserved

    def _known_cell(self, at: Cell) -> tuple[int, int]:
        """Likewise of a capacity cell."""
        orders, units = self.pending_cells.get(at, (0, 0))
        booked = self.cell(at)
        return booked[0] - orders, booked[1] - units

    def _set_cell(self, fresh: CapacityCell, seq: int, known: tuple[int, int]) -> None:
        at = fresh.node_no, fresh.day, fresh.hour
        if seq < 0 or seq >= self.cell_seq.get(at, 0):
            known = fresh.orders, fresh.units
            self.cell_seq[at] = max(seq, self.cell_seq.get(at, 0))
            self._set_limits(fresh)
        self.set_booked(at, *known)

    def set_booked(self, at: Cell, orders: int, units: int) -> None:
        """Let so much of a capacity cell count as booked, with what is on its way on top; its limits stay."""
        place = self._place(at)
        if place is None:
            return
        table, index = place
        coming = self.pending_cells.get(at, (0, 0))
        table["orders"][index], table["units"][index] = orders + coming[0], units + coming[1]

    def _set_limits(self, fresh: CapacityCell) -> None:
        """Follow the limits of a cell's own, also of one that comes into the days that are looked at only later."""
        node = int(self.node_at[fresh.node_no]) if fresh.node_no < len(self.node_at) else -1
        if node < 0:
            return
        orders_max, units_max = (None if m == NO_LIMIT else m for m in (fresh.orders_max, fresh.units_max))
        if self.live.own_limits.get((node, fresh.day, fresh.hour), (None, None)) != (orders_max, units_max):
            self.live.set_limits(node, fresh.day, fresh.hour, orders_max, units_max)

    def _add_cell(self, at: Cell, orders: int, units: int) -> None:
        place = self._place(at)
        if place is not None:
            table, index = place
            table["orders"][index] += orders
            table["units"][index] += units

    def _place(self, at: Cell) -> tuple[NDArray[np.void], tuple[int, ...]] | None:
        node_no, day, hour = at
        node = int(self.node_at[node_no]) if node_no < len(self.node_at) else -1
        return None if node < 0 else self.live.cell_at(node, day, hour)

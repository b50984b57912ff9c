"""
Live stock and capacity of one network, in memory: the arrays that kernels read and the questions that plain code asks.

    row_start        (num_skus + 1,)        int64   rows of sku i are row_start[i]:row_start[i + 1], by node
    row              (num_rows,)            ROW     node, units on hand and reserved, days of cover, bid price and
                                                    markdown credit (not above 0) of a unit
    held             (num_channels, num_rows) HELD  held back from that channel: safety stock, protected for others
    sku_least_cents  (num_skus,)            int64   least markdown credit of a unit of a sku anywhere, not above 0
    hubs             (HUBS_MAX or fewer,)   int64   the nodes with most rows: where a first plan is looked for
    lot_row          (num_lot_rows,)        int64   rows with units due, ascending; its lots are
    lot_start        (num_lot_rows + 1,)    int64   lot_start[i]:lot_start[i + 1] of, by time,
    lot              (num_lots,)            LOT
    day, hour, hour_node, limited           capacity: see engine/network/cells.py

Channel 0 stands for every channel that no rule names.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.domain.units import day_number
from engine.network.blocks import openable
from engine.network.cells import CELL, Cell, Cells, Limits
from engine.network.model import Network
from engine.network.withheld import HELD, LOT, Withheld

HORIZON_DAYS = 35
HUBS_MAX = 16
ON_HAND_MAX = 2**31 - 1  # what a row holds
ROW = np.dtype(
    [
        ("node", "i4"),
        ("on_hand", "i4"),
        ("reserved", "i4"),
        ("cover_days", "i4"),
        ("markdown_cents", "i4"),
        ("price_cents", "i4"),
    ]
)
Ints = NDArray[np.int64] | NDArray[np.int32]


class LiveArrays(NamedTuple):
    """The arrays of the module's head, as kernels take them. They are the live ones, not copies."""

    row_start: NDArray[np.int64]
    row: NDArray[np.void]
    held: NDArray[np.void]
    sku_least_cents: NDArray[np.int64]
    hubs: NDArray[np.int64]
    lot_row: NDArray[np.int64]
    lot_start: NDArray[np.int64]
    lot: NDArray[np.void]
    day: NDArray[np.void]
    hour: NDArray[np.void]
    hour_node: NDArray[np.int32]
    limited: NDArray[np.int32]


def _empty() -> LiveArrays:
    i64 = np.zeros(0, dtype=np.int64)
    return LiveArrays(
        row_start=i64,
        row=np.zeros(0, ROW),
        held=np.zeros((0, 0), HELD),
        sku_least_cents=i64,
        hubs=i64,
        lot_row=i64,
        lot_start=i64,
        lot=np.zeros(0, LOT),
        day=np.zeros((0, 0), CELL),
        hour=np.zeros((0, 0, 0), CELL),
        hour_node=np.zeros(0, dtype=np.int32),
        limited=np.zeros(0, dtype=np.int32),
    )


openable(LiveArrays, _empty)


class Live(Cells):
    """
    Mutable state of one network. Not thread-safe: one writer; others read a `copy` that the writer makes for them.

    Parameters
    ----------
    network
        Its stock is what it begins with.
    horizon_days
        Days of capacity, from the day before the network's as_of.
    channels
        That rules may name later, beside those that the network's rules name.
    """

    def __init__(self, network: Network, horizon_days: int = HORIZON_DAYS, *, channels: Iterable[str] = ()) -> None:
        stock = network.stock
        order = np.lexsort((stock.node, stock.sku))
        rows = np.zeros(len(order), dtype=ROW)
        rows["node"] = stock.node[order]
        rows["on_hand"] = stock.on_hand[order]
        rows["reserved"] = stock.reserved[order]
        rows["cover_days"] = stock.days_of_cover[order]
        num_of_sku = np.bincount(stock.sku, minlength=len(network.skus.ids))
        row_start = np.concatenate([[0], np.cumsum(num_of_sku)]).astype(np.int64)
        self._build(network, horizon_days, rows, row_start, Withheld(network, channels))

    def _build(
        self,
        network: Network,
        horizon_days: int,
        rows: NDArray[np.void],
        row_start: NDArray[np.int64],
        withheld: Withheld,
        held: NDArray[np.void] | None = None,
        own: dict[Cell, Limits] | None = None,
    ) -> None:
        """Take over rows of stock, rules and own limits; nothing is booked. `held` where it is known already."""
        self._lay(network, day_number(network.as_of.date()) - 1, horizon_days, own or {})
        self.version = 0  # how often an array was replaced by another
        self.rows = rows
        self.row_start = row_start
        self.row_node, self.row_on_hand = self.rows["node"], self.rows["on_hand"]
        self.row_reserved, self.row_cover_days = self.rows["reserved"], self.rows["cover_days"]
        self.row_price_cents, self.row_markdown_cents = self.rows["price_cents"], self.rows["markdown_cents"]
        self.withheld = withheld
        self.channels = withheld.channels
        self.held = withheld.of_rows(network, row_start, self.row_node) if held is None else held
        self.row_safety, self.row_protected = self.held["safety"], self.held["protected"]
        self._lots = self.withheld.lots(self.rows_of)
        self.row_markdown_cents[:] = self._markdown()
        self.sku_least_cents = np.zeros(len(network.skus.ids), dtype=np.int64)
        there = np.flatnonzero(np.diff(row_start))
        self.sku_least_cents[there] = np.minimum.reduceat(self.row_markdown_cents, row_start[there])
        counts = np.bincount(self.row_node, minlength=len(network.nodes))
        self.hubs = np.argsort(-counts, kind="stable")[:HUBS_MAX].astype(np.int64)

    def copy(self) -> "Live":
        """The same state, to be changed or read apart from this one."""
        return self._like(self.network, self.rows.copy(), self.row_start, self.withheld.copy(), self.held.copy())

    def on(self, network: Network) -> "Live":
        """
        A copy for a network with the same nodes and skus, in the same order, but other settings or another as_of.

        Stock, reserved units, prices and rules are kept, and used capacity of days that both know; that of hours only
        of nodes that had hourly capacity before.
        """
        same = [n.node_id for n in network.nodes] == [n.node_id for n in self.network.nodes]
        if not same or network.skus.ids != self.network.skus.ids:
            raise InputError(
                f"Network ({network.name}) has other nodes or skus than the stock at hand.", "start a new engine."
            )
        return self._like(network, self.rows.copy(), self.row_start, self.withheld.copy())

    def grown(self, nodes: Ints, skus: Ints, *, channels: Iterable[str] = ()) -> "Live":
        """
        A copy with further rows of stock, which hold nothing yet; pairs that have a row already change nothing.

        Parameters
        ----------
        nodes, skus : (n,)
            Indices, in pairs.
        channels
            That rules may name from now on.
        """
        self._within(nodes, skus)
        keys = self._keys
        new = np.unique(np.asarray(skus, dtype=np.int64) << 32 | np.asarray(nodes, dtype=np.int64))
        at = keys.searchsorted(new)
        there = at < len(keys)
        there[there] = keys[at[there]] == new[there]
        new, at = new[~there], at[~there]
        fresh = np.zeros(len(new), dtype=ROW)
        fresh["node"] = new & 0xFFFFFFFF
        counts = np.diff(self.row_start) + np.bincount(new >> 32, minlength=len(self.row_start) - 1)
        row_start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        withheld = self.withheld.copy(channels)
        return self._like(self.network, np.insert(self.rows, at, fresh), row_start, withheld)

    def _like(
        self,
        network: Network,
        rows: NDArray[np.void],
        row_start: NDArray[np.int64],
        withheld: Withheld,
        held: NDArray[np.void] | None = None,
    ) -> "Live":
        """A state of these rows with the capacity that is booked here, and the limits that cells have of their own."""
        other = object.__new__(Live)
        other._build(network, self.num_days, rows, row_start, withheld, held, self.own_limits)
        other.take_booked(self)
        return other

    def arrays(self) -> LiveArrays:
        """The arrays for the kernels; they stay valid while this object lives."""
        return LiveArrays(
            self.row_start,
            self.rows,
            self.held,
            self.sku_least_cents,
            self.hubs,
            *self._lots,
            self.day,
            self.hour,
            self.hour_node,
            self.limited,
        )

    def row(self, node: int, sku: int) -> int:
        """The stock row of (node, sku), -1 where there is none."""
        low, high = int(self.row_start[sku]), int(self.row_start[sku + 1])
        at = low + int(self.row_node[low:high].searchsorted(node))
        return at if at < high and self.row_node[at] == node else -1

    def rows_of(self, nodes: Ints, skus: Ints) -> NDArray[np.int64]:
        """The stock rows of many pairs of indices, -1 where there is none."""
        keys = self._keys
        wanted = np.asarray(skus, dtype=np.int64) << 32 | np.asarray(nodes, dtype=np.int64)
        at = keys.searchsorted(wanted)
        at[at == len(keys)] = 0
        found: NDArray[np.int64] = np.full(len(wanted), -1, dtype=np.int64)
        if len(keys):
            hit = keys[at] == wanted
            found[hit] = at[hit]
        return found

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """Of each row: its sku, then its node; ascending."""
        keys = np.repeat(np.arange(len(self.row_start) - 1, dtype=np.int64) << 32, np.diff(self.row_start))
        keys |= self.row_node
        return keys

    def channel(self, name: str) -> int:
        """The number of a channel; 0 for one that no rule names."""
        return self.channels.get(name, 0)

    def available(self, node: int, sku: int, channel: str = "", *, safety: bool = True) -> int:
        """Units available to promise now to a channel."""
        return max(0, self.free(node, sku, channel, safety=safety))

    def free(self, node: int, sku: int, channel: str = "", *, safety: bool = True) -> int:
        """Like `available`, but below 0 where more is reserved or held back than there is; units due fill it first."""
        row = self.row(node, sku)
        if row < 0:
            return 0
        c = self.channel(channel)
        free = int(self.row_on_hand[row]) - int(self.row_reserved[row]) - int(self.row_protected[c, row])
        return free - (int(self.row_safety[c, row]) if safety else 0)

    def free_in(self, rows: slice | Ints, channel: str = "", *, safety: bool = True) -> NDArray[np.int64]:
        """`free` of many rows."""
        c = self.channel(channel)
        free: NDArray[np.int64] = self.row_on_hand[rows].astype(np.int64) - self.row_reserved[rows]
        free -= self.row_protected[c, rows]
        if safety:
            free -= self.row_safety[c, rows]
        return free

    def inbound(self, node: int, sku: int) -> tuple[tuple[int, int], ...]:
        """Lots due at (node, sku): (available_at as epoch seconds, units), by time."""
        return self.withheld.due.get(sku, {}).get(node, ())

    def starts_at(
        self, node: int, sku: int, quantity: int, channel: str = "", *, safety: bool = True, use_inbound: bool = False
    ) -> int | None:
        """From when so many units can be taken: 0 for now, epoch seconds of the last lot needed, None for never."""
        free = self.free(node, sku, channel, safety=safety)
        if free >= quantity:
            return 0
        if use_inbound:
            for available_s, units in self.inbound(node, sku):
                free += units
                if free >= quantity:
                    return available_s
        return None

    def promisable(
        self, sku: int, channel: str = "", *, safety: bool = True, use_inbound: bool = False
    ) -> tuple[tuple[int, int], ...]:
        """Nodes that can promise at least one unit of a sku, ascending, with how many: now, or with what is due."""
        low, high = int(self.row_start[sku]), int(self.row_start[sku + 1])
        free = self.free_in(slice(low, high), channel, safety=safety)
        units = dict(zip(self.row_node[low:high].tolist(), free.tolist(), strict=True))
        if use_inbound:
            for node, lots in self.withheld.due.get(sku, {}).items():
                units[node] = units.get(node, 0) + sum(due for _, due in lots)
        return tuple((node, units[node]) for node in sorted(units) if units[node] > 0)

    def bid_price_cents(self, node: int, sku: int) -> int:
        """Expected later value of one more unit used now."""
        row = self.row(node, sku)
        return int(self.row_price_cents[row]) if row >= 0 else 0

    def days_of_cover(self, node: int, sku: int) -> int:
        """How long a unit would lie there otherwise."""
        row = self.row(node, sku)
        return int(self.row_cover_days[row]) if row >= 0 else 0

    def reserve(self, node: int, items: Iterable[tuple[int, int]], day: int, hour: int, *, sign: int = 1) -> None:
        """Hold units of skus and one order's capacity at a node (`sign=-1` gives them back)."""
        units = 0
        for sku, quantity in items:
            row = self.row(node, sku)
            assert row >= 0, "a plan took stock from a row that does not exist"
            self.row_reserved[row] += sign * quantity
            units += quantity
        d = day - self.first_day
        if not 0 <= d < self.num_days:
            return  # given back after its day has left the window
        self.day_orders[node, d] += sign
        self.day_units[node, d] += sign * units
        h = int(self.hour_node[node])
        if h >= 0:
            self.hour_orders[h, d, hour] += sign
            self.hour_units[h, d, hour] += sign * units

    def set_stock(self, node: int, sku: int, on_hand: int) -> None:
        """Units on the shelf as counted; reserved ones stay in them."""
        row = self.row(node, sku)
        if row < 0:
            raise InputError(
                f"Node ({self.network.nodes[node].node_id}) has no stock row of sku ({self.network.skus.ids[sku]}).",
                "add it to stock.csv, with 0 units on hand.",
            )
        if not 0 <= on_hand <= ON_HAND_MAX:
            raise InputError(
                f"Units on hand ({on_hand}) of sku ({self.network.skus.ids[sku]}) at node "
                f"({self.network.nodes[node].node_id}) are not within 0 and {ON_HAND_MAX}.",
                "a count came twice or out of order.",
            )
        self.row_on_hand[row] = on_hand

    def add_stock(self, node: int, sku: int, units: int) -> None:
        """More (or, below 0, fewer) units on the shelf."""
        row = self.row(node, sku)
        self.set_stock(node, sku, units + (int(self.row_on_hand[row]) if row >= 0 else 0))

    def follow_rules(self, skus: Iterable[int] | None = None) -> None:
        """Bring what is held back up to `withheld`, where that was changed: of some skus, or of all."""
        if skus is None:
            self.held[:] = self.withheld.of_rows(self.network, self.row_start, self.row_node)
            return
        base = self.withheld.of_nodes(self.network)
        for sku in skus:
            rows = slice(int(self.row_start[sku]), int(self.row_start[sku + 1]))
            self.held[:, rows] = self.withheld.of_sku(sku, self.row_node[rows], base)

    def follow_inbound(self) -> None:
        """Bring the lots up to `withheld`, where those that are due were changed."""
        self._lots = self.withheld.lots(self.rows_of)
        self.version += 1

    def _within(self, nodes: Ints, skus: Ints) -> None:
        for name, values, limit in (("node", nodes, len(self.network.nodes)), ("sku", skus, len(self.row_start) - 1)):
            if len(values) and not 0 <= int(np.min(values)) <= int(np.max(values)) < limit:
                raise InputError(f"Some {name} of a stock row is no index of the network.", f"it has {limit}.")

    def _markdown(self) -> NDArray[np.int32]:
        """Markdown credit of a unit by row (MODEL.md section 4)."""
        ppm = np.array([node.markdown_ppm_per_day for node in self.network.nodes], dtype=np.int64)
        # In place: with millions of rows, making room for each step takes longer than the step.
        credit: NDArray[np.int64] = ppm[self.row_node]
        credit *= self.row_cover_days
        np.minimum(credit, 1_000_000, out=credit)  # the share of the value
        if not credit.any():
            return np.zeros(len(credit), dtype=np.int32)
        credit *= np.repeat(2 * self.network.skus.value_cents, np.diff(self.row_start))
        credit += 1_000_000
        credit //= 2_000_000
        return -credit.astype(np.int32)

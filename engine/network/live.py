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
    day              (num_nodes, num_days)  USED    orders and units booked
    hour             (num_hour_nodes, num_days, 24) USED  nodes with hourly capacity only
    hour_node        (num_nodes,)           int32   their row in `hour`, -1 none

Channel 0 stands for every channel that no rule names.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.domain.units import day_number, epoch_s
from engine.network.blocks import openable
from engine.network.model import Network

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
HELD = np.dtype([("safety", "i4"), ("protected", "i4")])
LOT = np.dtype([("due_s", "i8"), ("units", "i8")])
USED = np.dtype([("orders", "i4"), ("units", "i4")])


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
        day=np.zeros((0, 0), USED),
        hour=np.zeros((0, 0, 0), USED),
        hour_node=np.zeros(0, dtype=np.int32),
    )


openable(LiveArrays, _empty)


class Live:
    """Mutable state of one network. Not thread-safe; one writer."""

    def __init__(self, network: Network, horizon_days: int = HORIZON_DAYS) -> None:
        self.network = network
        self.first_day = day_number(network.as_of.date()) - 1
        self.num_days = horizon_days
        stock = network.stock
        order = np.lexsort((stock.node, stock.sku))
        num_rows = len(order)
        self.rows = np.zeros(num_rows, dtype=ROW)
        self.row_node, self.row_on_hand = self.rows["node"], self.rows["on_hand"]
        self.row_reserved, self.row_cover_days = self.rows["reserved"], self.rows["cover_days"]
        self.row_price_cents, self.row_markdown_cents = self.rows["price_cents"], self.rows["markdown_cents"]
        self.row_node[:] = stock.node[order]
        row_sku = stock.sku[order]
        num_of_sku = np.bincount(row_sku, minlength=len(network.skus.ids))
        self.row_start = np.concatenate([[0], np.cumsum(num_of_sku)]).astype(np.int64)
        self.row_on_hand[:] = stock.on_hand[order]
        self.row_reserved[:] = stock.reserved[order]
        self.row_cover_days[:] = stock.days_of_cover[order]
        self.channels = _channels(network)
        self.held = np.zeros((len(self.channels), num_rows), dtype=HELD)
        self.row_safety, self.row_protected = self.held["safety"], self.held["protected"]
        self.row_safety[:] = self._safety(row_sku)
        for rule in network.channel_protection:
            row = self.row(network.node_index[rule.node_id], network.skus.index[rule.sku])
            if row >= 0:
                for name, c in self.channels.items():
                    if name != rule.channel:
                        self.row_protected[c, row] += rule.units
        self._inbound = self._inbound_lots()
        self._due_at: dict[int, list[int]] = {}  # nodes where units of a sku are due
        for node, sku in self._inbound:
            self._due_at.setdefault(sku, []).append(node)
        self._lots = self._lot_arrays()
        self.row_markdown_cents[:] = self._markdown(row_sku)
        self.sku_least_cents = np.zeros(len(network.skus.ids), dtype=np.int64)
        held = np.flatnonzero(num_of_sku)
        self.sku_least_cents[held] = np.minimum.reduceat(self.row_markdown_cents, self.row_start[held])
        counts = np.bincount(self.row_node, minlength=len(network.nodes))
        self.hubs = np.argsort(-counts, kind="stable")[:HUBS_MAX].astype(np.int64)
        num_nodes = len(network.nodes)
        self.day = np.zeros((num_nodes, horizon_days), dtype=USED)
        self.day_orders, self.day_units = self.day["orders"], self.day["units"]
        hourly = [
            i
            for i, node in enumerate(network.nodes)
            if node.capacity_hour_orders is not None or node.capacity_hour_units is not None
        ]
        self.hour_node = np.full(num_nodes, -1, dtype=np.int32)
        self.hour_node[hourly] = np.arange(len(hourly), dtype=np.int32)
        self.hour = np.zeros((len(hourly), horizon_days, 24), dtype=USED)
        self.hour_orders, self.hour_units = self.hour["orders"], self.hour["units"]

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
        )

    def row(self, node: int, sku: int) -> int:
        """The stock row of (node, sku), -1 where there is none."""
        low, high = int(self.row_start[sku]), int(self.row_start[sku + 1])
        at = low + int(self.row_node[low:high].searchsorted(node))
        return at if at < high and self.row_node[at] == node else -1

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

    def inbound(self, node: int, sku: int) -> tuple[tuple[int, int], ...]:
        """Lots due at (node, sku): (available_at as epoch seconds, units), by time."""
        return self._inbound.get((node, sku), ())

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
        c = self.channel(channel)
        free = self.row_on_hand[low:high].astype(np.int64) - self.row_reserved[low:high]
        free -= self.row_protected[c, low:high]
        if safety:
            free -= self.row_safety[c, low:high]
        units = dict(zip(self.row_node[low:high].tolist(), free.tolist(), strict=True))
        if use_inbound:
            for node in self._due_at.get(sku, ()):
                units[node] = units.get(node, 0) + sum(due for _, due in self._inbound[node, sku])
        return tuple((node, units[node]) for node in sorted(units) if units[node] > 0)

    def bid_price_cents(self, node: int, sku: int) -> int:
        """Expected later value of one more unit used now."""
        row = self.row(node, sku)
        return int(self.row_price_cents[row]) if row >= 0 else 0

    def days_of_cover(self, node: int, sku: int) -> int:
        """How long a unit would lie there otherwise."""
        row = self.row(node, sku)
        return int(self.row_cover_days[row]) if row >= 0 else 0

    def used_day(self, node: int, day: int) -> tuple[int, int]:
        """Orders and units already booked at a node on a local day number."""
        d = day - self.first_day
        return int(self.day_orders[node, d]), int(self.day_units[node, d])

    def used_hour(self, node: int, day: int, hour: int) -> tuple[int, int]:
        """Orders and units already booked at a node in a local clock hour; zeros without hourly capacity."""
        h = int(self.hour_node[node])
        if h < 0:
            return 0, 0
        d = day - self.first_day
        return int(self.hour_orders[h, d, hour]), int(self.hour_units[h, d, hour])

    def reserve(self, node: int, items: Iterable[tuple[int, int]], day: int, hour: int, *, sign: int = 1) -> None:
        """Hold units of skus and one order's capacity at a node (`sign=-1` gives them back)."""
        units = 0
        for sku, quantity in items:
            row = self.row(node, sku)
            assert row >= 0, "a plan took stock from a row that does not exist"
            self.row_reserved[row] += sign * quantity
            units += quantity
        d = day - self.first_day
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

    def _safety(self, row_sku: NDArray[np.int32]) -> NDArray[np.int32]:
        """Safety stock by channel and row; the most specific rule wins (MODEL.md section 5)."""
        network = self.network
        base = np.array([node.safety_stock for node in network.nodes], dtype=np.int32)
        out = np.tile(base[self.row_node], (len(self.channels), 1))
        ranked = sorted(network.safety_stock, key=lambda r: (r.sku is not None, r.channel != ""))
        for rule in ranked:
            node = network.node_index[rule.node_id]
            if rule.sku is None:
                rows: NDArray[np.int64] | int = np.flatnonzero(self.row_node == node)
            else:
                rows = self.row(node, network.skus.index[rule.sku])
                if rows < 0:
                    continue
            for name, c in self.channels.items():
                if rule.channel in ("", name):
                    out[c, rows] = rule.units
        return out

    def _markdown(self, row_sku: NDArray[np.int32]) -> NDArray[np.int32]:
        """Markdown credit of a unit by row (MODEL.md section 4)."""
        ppm = np.array([node.markdown_ppm_per_day for node in self.network.nodes], dtype=np.int64)
        # In place: with millions of rows, making room for each step takes longer than the step.
        credit: NDArray[np.int64] = ppm[self.row_node]
        credit *= self.row_cover_days
        np.minimum(credit, 1_000_000, out=credit)  # the share of the value
        if not credit.any():
            return np.zeros(len(row_sku), dtype=np.int32)
        credit *= 2 * self.network.skus.value_cents[row_sku]
        credit += 1_000_000
        credit //= 2_000_000
        return -credit.astype(np.int32)

    def _lot_arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.void]]:
        by_row = sorted((self.row(node, sku), lots) for (node, sku), lots in self._inbound.items())
        known = [(row, lots) for row, lots in by_row if row >= 0]
        return (
            np.array([row for row, _ in known], dtype=np.int64),
            np.cumsum([0] + [len(lots) for _, lots in known]).astype(np.int64),
            np.array([lot for _, lots in known for lot in lots], dtype=LOT),
        )

    def _inbound_lots(self) -> dict[tuple[int, int], tuple[tuple[int, int], ...]]:
        lots: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for lot in self.network.inbound:
            key = (self.network.node_index[lot.node_id], self.network.skus.index[lot.sku])
            lots.setdefault(key, []).append((epoch_s(lot.available_at), lot.units))
        return {key: tuple(sorted(values)) for key, values in lots.items()}


def _channels(network: Network) -> dict[str, int]:
    """Channels that any stock rule names, numbered from 1; 0 is every other one."""
    named = {r.channel for r in network.safety_stock} | {r.channel for r in network.channel_protection}
    return {"": 0} | {name: i for i, name in enumerate(sorted(named - {""}), start=1)}

"""
Live stock and capacity of one network, in memory: the arrays that kernels read and the questions that plain code asks.

    row_start        (num_skus + 1,)        int64   rows of sku i are row_start[i]:row_start[i + 1], by node
    row_node         (num_rows,)            int32
    row_on_hand      (num_rows,)            int32   units
    row_reserved     (num_rows,)            int32   units
    row_safety       (num_channels, num_rows) int32 units held back from that channel as safety stock
    row_protected    (num_channels, num_rows) int32 units protected for other channels
    row_price_cents  (num_rows,)            int64   bid price of a unit
    row_cover_days   (num_rows,)            int32   days of cover
    row_markdown_cents (num_rows,)          int32   markdown credit of a unit, not above 0
    lot_row          (num_lot_rows,)        int64   rows with units due, ascending; its lots are
    lot_start        (num_lot_rows + 1,)    int64   lot_start[i]:lot_start[i + 1] of, by time,
    lot_s, lot_units (num_lots,)            int64
    day_orders, day_units    (num_nodes, num_days)  int32  used
    hour_orders, hour_units  (num_hour_nodes, num_days, 24) int32  used, nodes with hourly capacity only

Channel 0 stands for every channel that no rule names.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.domain.units import day_number, epoch_s
from engine.network.model import Network

HORIZON_DAYS = 35


class LiveArrays(NamedTuple):
    """The arrays of the module's head, as kernels take them. They are the live ones, not copies."""

    row_start: NDArray[np.int64]
    row_node: NDArray[np.int32]
    row_on_hand: NDArray[np.int32]
    row_reserved: NDArray[np.int32]
    row_safety: NDArray[np.int32]
    row_protected: NDArray[np.int32]
    row_price_cents: NDArray[np.int64]
    row_markdown_cents: NDArray[np.int32]
    lot_row: NDArray[np.int64]
    lot_start: NDArray[np.int64]
    lot_s: NDArray[np.int64]
    lot_units: NDArray[np.int64]
    day_orders: NDArray[np.int32]
    day_units: NDArray[np.int32]
    hour_node: NDArray[np.int32]
    hour_orders: NDArray[np.int32]
    hour_units: NDArray[np.int32]


class Live:
    """Mutable state of one network. Not thread-safe; one writer."""

    def __init__(self, network: Network, horizon_days: int = HORIZON_DAYS) -> None:
        self.network = network
        self.first_day = day_number(network.as_of.date()) - 1
        self.num_days = horizon_days
        stock = network.stock
        order = np.lexsort((stock.node, stock.sku))
        num_rows = len(order)
        self.row_node = np.ascontiguousarray(stock.node[order], dtype=np.int32)
        row_sku = stock.sku[order]
        self.row_start = np.searchsorted(row_sku, np.arange(len(network.skus.ids) + 1)).astype(np.int64)
        self.row_on_hand = np.ascontiguousarray(stock.on_hand[order], dtype=np.int32)
        self.row_reserved = np.ascontiguousarray(stock.reserved[order], dtype=np.int32)
        self.row_cover_days = np.ascontiguousarray(stock.days_of_cover[order], dtype=np.int32)
        self.row_price_cents = np.zeros(num_rows, dtype=np.int64)
        self.channels = _channels(network)
        self.row_safety = self._safety(row_sku)
        self.row_protected = np.zeros((len(self.channels), num_rows), dtype=np.int32)
        for rule in network.channel_protection:
            row = self.row(network.node_index[rule.node_id], network.skus.index[rule.sku])
            if row >= 0:
                for name, c in self.channels.items():
                    if name != rule.channel:
                        self.row_protected[c, row] += rule.units
        self._inbound = self._inbound_lots()
        self._lots = self._lot_arrays()
        self.row_markdown_cents = self._markdown(row_sku)
        num_nodes = len(network.nodes)
        self.day_orders = np.zeros((num_nodes, horizon_days), dtype=np.int32)
        self.day_units = np.zeros((num_nodes, horizon_days), dtype=np.int32)
        hourly = [
            i
            for i, node in enumerate(network.nodes)
            if node.capacity_hour_orders is not None or node.capacity_hour_units is not None
        ]
        self.hour_node = np.full(num_nodes, -1, dtype=np.int32)
        self.hour_node[hourly] = np.arange(len(hourly), dtype=np.int32)
        self.hour_orders = np.zeros((len(hourly), horizon_days, 24), dtype=np.int32)
        self.hour_units = np.zeros((len(hourly), horizon_days, 24), dtype=np.int32)

    def arrays(self) -> LiveArrays:
        """The arrays for the kernels; they stay valid while this object lives."""
        return LiveArrays(
            self.row_start,
            self.row_node,
            self.row_on_hand,
            self.row_reserved,
            self.row_safety,
            self.row_protected,
            self.row_price_cents,
            self.row_markdown_cents,
            *self._lots,
            self.day_orders,
            self.day_units,
            self.hour_node,
            self.hour_orders,
            self.hour_units,
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
        row = self.row(node, sku)
        if row < 0:
            return 0
        c = self.channel(channel)
        free = int(self.row_on_hand[row]) - int(self.row_reserved[row]) - int(self.row_protected[c, row])
        return max(0, free - (int(self.row_safety[c, row]) if safety else 0))

    def inbound(self, node: int, sku: int) -> tuple[tuple[int, int], ...]:
        """Lots due at (node, sku): (available_at as epoch seconds, units), by time."""
        return self._inbound.get((node, sku), ())

    def starts_at(
        self, node: int, sku: int, quantity: int, channel: str = "", *, safety: bool = True, use_inbound: bool = False
    ) -> int | None:
        """
        From when so many units can be taken: 0 for now, epoch seconds of the last lot needed, None for never.

        Units due first fill what is reserved beyond the stock on hand.
        """
        row = self.row(node, sku)
        if row < 0:
            return None
        c = self.channel(channel)
        free = int(self.row_on_hand[row]) - int(self.row_reserved[row]) - int(self.row_protected[c, row])
        free -= int(self.row_safety[c, row]) if safety else 0
        if free >= quantity:
            return 0
        if use_inbound:
            for available_s, units in self.inbound(node, sku):
                free += units
                if free >= quantity:
                    return available_s
        return None

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
        share = np.minimum(1_000_000, ppm[self.row_node] * self.row_cover_days)
        if not share.any():
            return np.zeros(len(row_sku), dtype=np.int32)
        value = self.network.skus.value_cents[row_sku]
        return (-((2 * value * share + 1_000_000) // 2_000_000)).astype(np.int32)

    def _lot_arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        by_row = sorted((self.row(node, sku), lots) for (node, sku), lots in self._inbound.items())
        known = [(row, lots) for row, lots in by_row if row >= 0]
        flat = np.array([lot for _, lots in known for lot in lots], dtype=np.int64).reshape(-1, 2)
        return (
            np.array([row for row, _ in known], dtype=np.int64),
            np.cumsum([0] + [len(lots) for _, lots in known]).astype(np.int64),
            flat[:, 0].copy(),
            flat[:, 1].copy(),
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

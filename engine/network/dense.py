"""The stock of a few skus with a row at every node, also where there is none: to ask what would be if there were."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.network.live import HELD, ROW, Live, LiveArrays


class DenseStock:
    """Makes dense copies of parts of a live stock; knows what is held back where there is no row yet."""

    def __init__(self, live: Live) -> None:
        self.live = live
        network = live.network
        self._skus = network.skus.index
        self._safety = np.tile(np.array([n.safety_stock for n in network.nodes], np.int32), (len(live.channels), 1))
        self._of_sku: dict[int, list[tuple[int, str, int]]] = {}  # node, channel and units, the most specific last
        for rule in sorted(network.safety_stock, key=lambda rule: (rule.sku is not None, rule.channel != "")):
            node = network.node_index[rule.node_id]
            if rule.sku is None:
                self._safety[self._channels(rule.channel), node] = rule.units
            else:
                self._of_sku.setdefault(self._skus[rule.sku], []).append((node, rule.channel, rule.units))
        self._protected: dict[int, list[tuple[int, str, int]]] = {}
        for row in network.channel_protection:
            kept = (network.node_index[row.node_id], row.channel, row.units)
            self._protected.setdefault(self._skus[row.sku], []).append(kept)

    def _channels(self, name: str) -> list[int]:
        """The channels that a rule is about."""
        return [c for known, c in self.live.channels.items() if name in ("", known)]

    def of(self, skus: Iterable[int]) -> LiveArrays:
        """
        Arrays like those of the live stock, of these skus alone; the row of (node, sku) is row_start[sku] + node.

        Stock is copied, used capacity is shared. A row that does not exist holds nothing, has no cover and no price.
        """
        live, chosen = self.live, sorted(set(skus))
        num_nodes = len(live.network.nodes)
        counts = np.zeros(len(live.row_start) - 1, dtype=np.int64)
        counts[chosen] = num_nodes
        rows = np.zeros(num_nodes * len(chosen), dtype=ROW)
        rows["node"] = np.tile(np.arange(num_nodes, dtype=np.int32), len(chosen))
        held = np.zeros((len(live.channels), len(rows)), dtype=HELD)
        held["safety"] = np.tile(self._safety, (1, len(chosen)))
        lots: list[tuple[int, NDArray[np.void]]] = []
        source = live.arrays()
        for i, sku in enumerate(chosen):
            first, low, high = i * num_nodes, int(live.row_start[sku]), int(live.row_start[sku + 1])
            for node, channel, units in self._of_sku.get(sku, ()):
                held["safety"][self._channels(channel), first + node] = units
            for node, channel, units in self._protected.get(sku, ()):
                others = [c for name, c in live.channels.items() if name != channel]
                held["protected"][others, first + node] += units
            there = first + live.row_node[low:high]
            rows[there] = live.rows[low:high]
            held[:, there] = live.held[:, low:high]
            for at in range(*np.searchsorted(source.lot_row, (low, high)).tolist()):
                row = first + int(live.row_node[source.lot_row[at]])
                lots.append((row, source.lot[source.lot_start[at] : source.lot_start[at + 1]]))
        return source._replace(
            row_start=np.concatenate([[0], np.cumsum(counts)]),
            row=rows,
            held=held,
            lot_row=np.array([row for row, _ in lots], dtype=np.int64),
            lot_start=np.cumsum([0, *(len(part) for _, part in lots)], dtype=np.int64),
            lot=np.concatenate([source.lot[:0], *(part for _, part in lots)]),
        )

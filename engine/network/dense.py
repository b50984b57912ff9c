"""The stock of a few skus with a row at every node, also where there is none: to ask what would be if there were."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.network.live import ROW, Live, LiveArrays
from engine.network.withheld import HELD


class DenseStock:
    """Makes dense copies of parts of a live stock, with what is held back where there is no row yet."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def of(self, skus: Iterable[int]) -> LiveArrays:
        """
        Arrays like those of the live stock, of these skus alone; the row of (node, sku) is row_start[sku] + node.

        Stock is copied, capacity is shared. A row that does not exist holds nothing, has no cover and no price.
        """
        live, chosen = self.live, sorted(set(skus))
        num_nodes = len(live.network.nodes)
        counts = np.zeros(len(live.row_start) - 1, dtype=np.int64)
        counts[chosen] = num_nodes
        rows = np.zeros(num_nodes * len(chosen), dtype=ROW)
        rows["node"] = np.tile(np.arange(num_nodes, dtype=np.int32), len(chosen))
        held = np.zeros((len(live.channels), len(rows)), dtype=HELD)
        nodes, base = np.arange(num_nodes, dtype=np.int32), live.withheld.of_nodes(live.network)
        lots: list[tuple[int, NDArray[np.void]]] = []
        source = live.arrays()
        for i, sku in enumerate(chosen):
            first, low, high = i * num_nodes, int(live.row_start[sku]), int(live.row_start[sku + 1])
            held[:, first : first + num_nodes] = live.withheld.of_sku(sku, nodes, base)
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

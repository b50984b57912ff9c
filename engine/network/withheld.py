"""
What is held back from whom, and what is due, by rule: so that a stock row that comes later gets what is its own.

Safety stock is the most specific of (sku & channel), (sku), (channel), (node); see MODEL.md section 5. Units protected
for a channel are held back from every other.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.domain.units import epoch_s
from engine.network.model import Network

EVERY = -1  # in place of a sku: all skus of the node
HELD = np.dtype([("safety", "i4"), ("protected", "i4")])
LOT = np.dtype([("due_s", "i8"), ("units", "i8")])
Lots = tuple[tuple[int, int], ...]  # (available_at as epoch seconds, units), by time


class Withheld:
    """The rules of one network as they are now. Nodes and skus are indices; channel 0 is every one not named."""

    def __init__(self, network: Network, channels: Iterable[str] = ()) -> None:
        named = {r.channel for r in network.safety_stock} | {r.channel for r in network.channel_protection}
        self.channels = _numbered(named | set(channels))
        self.safety: dict[int, dict[tuple[int, str], int]] = {}  # by sku, or EVERY
        self.protected: dict[int, dict[tuple[int, str], int]] = {}  # by sku
        self.due: dict[int, dict[int, Lots]] = {}  # by sku, then by node
        nodes, skus = network.node_index, network.skus.index
        for rule in network.safety_stock:
            sku = EVERY if rule.sku is None else skus[rule.sku]
            self.safety.setdefault(sku, {})[nodes[rule.node_id], rule.channel] = rule.units
        for row in network.channel_protection:
            kept, key = self.protected.setdefault(skus[row.sku], {}), (nodes[row.node_id], row.channel)
            kept[key] = kept.get(key, 0) + row.units
        lots: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for lot in network.inbound:
            lots.setdefault((nodes[lot.node_id], skus[lot.sku]), []).append((epoch_s(lot.available_at), lot.units))
        for (node, sku), found in lots.items():
            self.due.setdefault(sku, {})[node] = tuple(sorted(found))

    def copy(self, channels: Iterable[str] = ()) -> "Withheld":
        """The same rules, to be changed apart; with further channels, if any are given."""
        other = object.__new__(Withheld)
        other.channels = _numbered(set(self.channels) | set(channels))
        other.safety = {sku: dict(rules) for sku, rules in self.safety.items()}
        other.protected = {sku: dict(rules) for sku, rules in self.protected.items()}
        other.due = {sku: dict(lots) for sku, lots in self.due.items()}
        return other

    def of_nodes(self, network: Network) -> NDArray[np.int32]:
        """(num_channels, K) safety stock of skus that no rule names."""
        base = np.array([node.safety_stock for node in network.nodes], dtype=np.int32)
        out = np.tile(base, (len(self.channels), 1))
        self._lay(out, self.safety.get(EVERY, {}))
        return out

    def of_sku(self, sku: int, nodes: NDArray[np.int32], base: NDArray[np.int32]) -> NDArray[np.void]:
        """
        What is held back of one sku at some nodes.

        Parameters
        ----------
        sku
            Its index.
        nodes : (n,)
            Ascending.
        base : (num_channels, K)
            As `of_nodes` gives it.

        Returns
        -------
        (num_channels, n) HELD
        """
        out = np.zeros((len(self.channels), len(nodes)), dtype=HELD)
        safety = base.copy() if sku in self.safety else base
        self._lay(safety, self.safety.get(sku, {}))
        out["safety"] = safety[:, nodes]
        for (node, channel), units in self.protected.get(sku, {}).items():
            at = int(nodes.searchsorted(node))
            if at < len(nodes) and nodes[at] == node:
                for name, c in self.channels.items():
                    if name != channel:
                        out["protected"][c, at] += units
        return out

    def _lay(self, out: NDArray[np.int32], rules: dict[tuple[int, str], int]) -> None:
        """Write safety stock by node over what is less specific; rules of all channels first."""
        for (node, channel), units in sorted(rules.items(), key=lambda rule: rule[0][1] != ""):
            for name, c in self.channels.items():
                if channel in ("", name):
                    out[c, node] = units

    def of_rows(self, network: Network, row_start: NDArray[np.int64], row_node: NDArray[np.int32]) -> NDArray[np.void]:
        """(num_channels, num_rows) HELD of all rows of a stock."""
        base = self.of_nodes(network)
        out = np.zeros((len(self.channels), len(row_node)), dtype=HELD)
        out["safety"] = base[:, row_node]
        for sku in sorted((self.safety.keys() | self.protected.keys()) - {EVERY}):
            rows = slice(int(row_start[sku]), int(row_start[sku + 1]))
            out[:, rows] = self.of_sku(sku, row_node[rows], base)
        return out

    def lots(
        self, rows_of: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.void]]:
        """The arrays lot_row, lot_start and lot of `LiveArrays`; `rows_of` finds the rows of nodes and skus."""
        found = [(node, sku, lots) for sku, at in self.due.items() for node, lots in at.items() if lots]
        nodes, skus = (np.array([pair[i] for pair in found], dtype=np.int64) for i in (0, 1))
        rows = rows_of(nodes, skus).tolist() if found else []
        known = sorted((row, lots) for row, (_, _, lots) in zip(rows, found, strict=True) if row >= 0)
        return (
            np.array([row for row, _ in known], dtype=np.int64),
            np.cumsum([0] + [len(lots) for _, lots in known]).astype(np.int64),
            np.array([lot for _, lots in known for lot in lots], dtype=LOT),
        )


def _numbered(names: Iterable[str]) -> dict[str, int]:
    """Channels that any rule names, numbered from 1; 0 is every other one."""
    return {"": 0} | {name: i for i, name in enumerate(sorted(set(names) - {""}), start=1)}


def in_time(lots: Iterable[Sequence[int]]) -> Lots:
    """Lots by time."""
    return tuple(sorted((int(available_s), int(units)) for available_s, units in lots))

"""The engine of a desk is exchanged between two groups: more rows, other settings of nodes, another policy or day."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from engine.decide.engine import Engine
from engine.desk.learning import Rates
from engine.desk.state import State
from engine.domain.ids import NodeId
from engine.domain.units import day_number, utc
from engine.network.cells import WHOLE_DAY
from engine.network.live import Live
from engine.network.model import Node
from engine.stock.ledger import LedgerBusyError, key_parts


def go_on(state: State, engine: Engine) -> None:
    """Decide with another engine from now on: of the same nodes and skus, on a copy of what this one holds."""
    state.engine = engine
    state.view.adopt(engine.live)
    state.book.blocked.apply(state.view)


def grow(state: State) -> int:
    """Make room for rows that the ledger has and the engine lacks; how many."""
    view = state.view
    found: list[tuple[int, int]] = []
    for key in view.missing:
        sku_no, node_no = key_parts(key)
        if node_no < len(view.node_at) and sku_no < len(view.sku_at):
            node, sku = int(view.node_at[node_no]), int(view.sku_at[sku_no])
            if node >= 0 and sku >= 0:
                found.append((node, sku))
    if not found:
        return 0
    table = np.array(found, dtype=np.int64)
    live = state.engine.live.grown(table[:, 0], table[:, 1])
    state.engine.adopt(live)
    view.grow(live)
    state.book.blocked.apply(view)
    return len(found)


class Exchange:
    """
    Makes engines that follow what is set of nodes, what was learnt of them, and the day; the desk goes on meanwhile.

    Parameters
    ----------
    nodes
        As they were read.
    background
        Make engines on a thread of their own; else the desk waits for them.
    """

    def __init__(self, nodes: tuple[Node, ...], *, background: bool = True) -> None:
        self.nodes = {node.node_id: node for node in nodes}
        self.learnt: dict[NodeId, Rates] = {}
        self._seen: tuple[int, int, int] | None = None
        self._learnt = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="engine") if background else None
        self._coming: Future[Engine] | None = None

    def learn(self, rates: dict[NodeId, Rates]) -> None:
        """How often picks fail, as it was learnt; a setting of a node wins over it."""
        if rates != self.learnt:
            self.learnt = rates
            self._learnt += 1

    def look(self, state: State) -> bool:
        """Begin an exchange that is due, or end one that is ready; True where the engine is another one now."""
        if self._coming is not None:
            if not self._coming.done() or not _take_over(state, self._coming.result()):
                return False
            self._coming = None
            return True
        today = day_number(utc(state.now_s).date())
        wanted = state.book.nodes_version, self._learnt, today
        if self._seen is None:  # as it was read, on the day that it is of
            self._seen = 0, 0, day_number(state.engine.network.as_of.date())
        if wanted == self._seen:
            return False
        seen, self._seen = self._seen, wanted
        as_of = utc(state.now_s) if today != state.engine.live.first_day + 1 else state.engine.network.as_of
        changed = {
            node_id: changed_node(node, state.book.node_changes.get(node_id, {}), self.learnt.get(node_id))
            for node_id, node in self.nodes.items()
            if node_id in state.engine.network.node_index
        }
        engine = state.engine.on(state.engine.live.copy())
        if self._pool is None:
            if not _take_over(state, _made(engine, changed, as_of)):
                self._seen = seen  # again, once the ledger can be read
                return False
            return True
        self._coming = self._pool.submit(_made, engine, changed, as_of)
        return False

    def restart(self, nodes: tuple[Node, ...]) -> None:
        """Another network was put in place: what is being made of the old one is of no use."""
        self.nodes = {node.node_id: node for node in nodes}
        self._coming, self._seen = None, None

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown()


def _made(engine: Engine, nodes: dict[NodeId, Node], as_of: datetime) -> Engine:
    return engine.with_nodes(nodes, as_of=as_of)


def _take_over(state: State, made: Engine) -> bool:
    """
    Go on with an engine that was made on a copy, on what is true now; False where the ledger cannot be read.

    It may look at days, and at hours of nodes, that this one does not: others may have booked something there.
    """
    before: Live = state.engine.live
    live: Live = before.on(made.network)
    try:
        booked = state.ledger.capacity(live.first_day)
    except LedgerBusyError:
        return False
    made.adopt(live)
    policy = state.engine.policy
    go_on(state, made if made.policy == policy else made.under(policy))
    for cell in booked:
        node = int(state.view.node_at[cell.node_no])
        known = before.first_day <= cell.day < before.first_day + before.num_days
        if node >= 0 and not (known and (cell.hour == WHOLE_DAY or before.hour_node[node] >= 0)):
            state.view.set_cell(cell)
    return True


def changed_node(node: Node, changes: dict[str, Any], learnt: Rates | None = None) -> Node:
    """A node with its settings; a rate of failed picks that is set holds for every class of skus."""
    fields = {name: value for name, value in changes.items() if name != "paused" and value is not None}
    for name in ("capacity_day_orders", "capacity_day_units", "capacity_hour_orders", "capacity_hour_units"):
        if fields.get(name) == -1:
            fields[name] = None
    if "rejection_ppm" in fields:
        fields["rejection_by_class"] = ()
    elif learnt is not None:
        fields["rejection_ppm"], fields["rejection_by_class"] = learnt
    changed = replace(node, **fields)
    return replace(changed, offers=()) if changes.get("paused") else changed

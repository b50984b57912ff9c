"""The engine of a desk is exchanged between two groups: more rows, other settings of nodes, another policy or day."""

import numpy as np

from engine.decide.engine import Engine
from engine.desk.state import State
from engine.stock.ledger import key_parts


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

"""
The one place that hands adapters to the engine: a network and the address of a ledger in, a running desk out.

>>> desk = open_desk(network, "sqlite:///ledger.db", clock_s=now_s)     # doctest: +SKIP
>>> desk.ask(Allocate(order=order, decision_id="1", reservation_id="1"))  # doctest: +SKIP
"""

from collections.abc import Callable
from datetime import timedelta

from engine.adapters.ledger import open_ledger
from engine.decide.engine import Engine
from engine.desk.desk import Desk, Watch
from engine.desk.state import State
from engine.domain.units import day_number, utc
from engine.network.live import Live
from engine.network.model import Network
from engine.stock.ledger import Ledger
from engine.stock.view import View

GUARD_EACH = 100  # of so many decisions one is checked rule by rule before it leaves


def open_desk(
    network: Network,
    url: str,
    *,
    clock_s: Callable[[], int],
    writers: int | None = None,
    watch: Watch | None = None,
) -> Desk:
    """
    Open a ledger, load it and start a desk on it.

    Parameters
    ----------
    network
        What is not in the ledger: nodes, skus, tariffs, calendars. Its stock is written where the ledger has none.
    url
        sqlite:///file or postgresql://user@host/database.
    clock_s
        Now, in epoch seconds.
    writers
        Transactions at the same time; by default what the ledger takes.
    watch
        Is told what happens.
    """
    ledger = open_ledger(url)
    return Desk(state_of(network, ledger, clock_s()), clock_s=clock_s, writers=writers or ledger.writers, watch=watch)


def state_of(network: Network, ledger: Ledger, now_s: int) -> State:
    """Engine and view of what a ledger holds."""
    numbers = ledger.open(network, now_s)
    engine = Engine(network, live=Live(network), guard=False)
    view = View(engine.live, numbers)
    contents = ledger.load(day_number((utc(now_s) - timedelta(days=1)).date()))
    view.load(contents)
    state = State(engine, view, ledger)
    state.now_s = now_s
    state.mark_seq = contents.mark.seq
    return state

"""
The one place that hands adapters to the engine: a network and the address of a ledger in, a running desk out.

>>> desk = open_desk(network, "sqlite:///ledger.db", clock_s=now_s)     # doctest: +SKIP
>>> desk.ask(Allocate(order=order, decision_id="1", reservation_id="1"))  # doctest: +SKIP
"""

from collections.abc import Callable

from engine.adapters.ledger import open_ledger
from engine.desk.desk import Desk, Watch
from engine.desk.opening import state_of
from engine.network.model import Network


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

"""
The one place that hands adapters to the engine: a network and the address of a ledger in, a running desk out.

>>> desk = open_desk(network, "sqlite:///ledger.db", clock_s=now_s)     # doctest: +SKIP
>>> desk.ask(Allocate(order=order, decision_id="1", reservation_id="1"))  # doctest: +SKIP
"""

from collections.abc import Callable
from time import monotonic

from engine.adapters.ledger import open_ledger
from engine.desk.desk import Desk, Watch
from engine.desk.exchange import Exchange
from engine.desk.follow import Follow
from engine.desk.opening import state_of
from engine.desk.publish import Publisher
from engine.desk.rules import Rules
from engine.network.model import Network


def open_desk(
    network: Network,
    url: str,
    *,
    clock_s: Callable[[], int],
    writers: int | None = None,
    watch: Watch | None = None,
    rules: Rules | None = None,
    timer: Callable[[], float] = monotonic,
) -> Desk:
    """Open a ledger, load it and start a desk on it; see `open_service`."""
    return open_service(network, url, clock_s=clock_s, writers=writers, watch=watch, rules=rules, timer=timer)[0]


def open_service(
    network: Network,
    url: str,
    *,
    clock_s: Callable[[], int],
    source: Callable[[], Network] | None = None,
    writers: int | None = None,
    watch: Watch | None = None,
    rules: Rules | None = None,
    timer: Callable[[], float] = monotonic,
) -> tuple[Desk, Publisher]:
    """
    Open a ledger, load it and start a desk on it, with what puts another version of its network in place.

    Parameters
    ----------
    network
        What is not in the ledger: nodes, skus, tariffs, calendars. Its stock is written where the ledger has none.
    url
        sqlite:///file or postgresql://user@host/database.
    clock_s
        Now, in epoch seconds.
    source
        Reads the network again, once another version is published; by default it stays as it is.
    writers
        Transactions at the same time; by default what the ledger takes.
    watch
        Is told what happens.
    rules
        Limits and durations of the desk.
    timer
        Seconds that only ever rise: when to look at the feed.
    """
    ledger = open_ledger(url)
    state = state_of(network, ledger, clock_s(), rules=rules)
    exchange = Exchange(network.nodes)
    follow = Follow(clock_s, timer, writer=ledger.writer, exchange=exchange, watch=watch)
    desk = Desk(state, clock_s=clock_s, writers=writers or ledger.writers, watch=watch, follow=follow)
    publisher = Publisher(desk, exchange, source or (lambda: network))
    follow.desk, follow.on_network = desk, publisher.heard
    return desk, publisher

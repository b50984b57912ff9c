"""
Another version of the network is put in place while the desk runs: new nodes, skus, tariffs, hours.

Numbers of nodes and skus stay those of the ledger, new ones are added; stock, capacity and settings go on. The engine
is made on the caller's thread; the desk stands still only while stock is carried over. Rows of nodes and skus that the
new network does not have stay in the ledger and are not sold from. Each process of a ledger reads the network by
itself: the notice that this one leaves tells the others that there is another version.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

import msgspec
import numpy as np

from engine.decide.engine import Engine
from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.exceptions import event
from engine.desk.exchange import Exchange
from engine.desk.state import State
from engine.domain.errors import FulfilmentError
from engine.network.live import Live
from engine.network.model import Network
from engine.stock.ledger import NODE_BITS, Ledger, LedgerBusyError, Numbers, Posting
from engine.stock.records_oms import Audit

NETWORK = "network"  # the notice
LOG = logging.getLogger("sourcewise.network")


class NetworkDoc(msgspec.Struct, kw_only=True):
    """The network that is decided on."""

    name: str
    version: str
    currency: str
    as_of: datetime
    nodes: int
    skus: int
    services: int


def network_doc(network: Network) -> NetworkDoc:
    """A network in a few numbers."""
    return NetworkDoc(
        name=network.name,
        version=network.version,
        currency=network.currency,
        as_of=network.as_of,
        nodes=len(network.nodes),
        skus=len(network.skus.ids),
        services=len(network.services),
    )


class Publisher:
    """
    Reads the network again from where it came from, and has its desk go on with it: when asked, and when another
    process says that there is another version.

    Parameters
    ----------
    desk, exchange
        See `publish`.
    source
        Reads the network; raises FulfilmentError where it has problems, and nothing is changed.
    """

    def __init__(self, desk: Desk, exchange: Exchange | None, source: Callable[[], Network]) -> None:
        self.desk = desk
        self.exchange = exchange
        self.source = source
        self._turn = threading.Lock()

    @property
    def network(self) -> Network:
        """The network that is decided on."""
        return self.desk.state.engine.network

    def publish(self, *, now_s: int, by: str, seen: str | None = None, trace_id: str = "") -> Network:
        """
        Go on with the network as it is now, where its version is another one, and tell the other processes.

        `seen` is the version that the caller knows; DeskError where it is not the one that is decided on.
        """
        with self._turn:
            known = self.network.version
            if seen is not None and seen != known:
                raise DeskError("version", 412, f"The network is at version {known}, not {seen}.", "read it again.")
            fresh = self.source()
            if fresh.version != known:
                publish(self.desk, fresh, now_s=now_s, exchange=self.exchange, by=by, trace_id=trace_id)
            return self.network

    def heard(self) -> None:
        """Another process has published: read the network on a thread of its own, and go on with it."""
        threading.Thread(target=self._follow, name="network", daemon=True).start()

    def _follow(self) -> None:
        try:
            with self._turn:
                fresh = self.source()
                if fresh.version != self.network.version:
                    _go_on(self.desk, fresh, self.desk.clock_s(), self.exchange)
        except (FulfilmentError, LedgerBusyError, OSError):
            LOG.exception("Another version of the network was published, and cannot be read here.")


def publish(
    desk: Desk,
    network: Network,
    *,
    now_s: int,
    exchange: Exchange | None = None,
    by: str = "",
    trace_id: str = "",
) -> None:
    """
    Go on with a network, and tell the other processes.

    Parameters
    ----------
    network
        Validated; its own stock is not looked at: what there is, the ledger knows.
    exchange
        Of the desk, so that settings of nodes are laid over the new ones.
    """
    before = desk.state.engine.network
    _go_on(desk, network, now_s, exchange)
    announce(desk.ledger, network, now_s=now_s, by=by, before=before, trace_id=trace_id)


def announce(
    ledger: Ledger, network: Network, *, now_s: int, by: str, before: Network | None = None, trace_id: str = ""
) -> None:
    """Number what is new in a network, write down who published it, and tell all processes of the ledger to read it."""
    ledger.open(network, now_s)
    old, new = (
        None if one is None else {"version": one.version, "nodes": len(one.nodes), "skus": len(one.skus.ids)}
        for one in (before, network)
    )
    audit = Audit(
        at_s=now_s,
        by=by,
        action="publish_network",
        subject=f"network:{network.name}",
        before_json="" if old is None else msgspec.json.encode(old).decode(),
        after_json=msgspec.json.encode(new).decode(),
        trace_id=trace_id,
    )
    note = event(now_s, "network.published.v1", network.name, new or {})
    ledger.post([Posting(makes=[audit, note], notices=[NETWORK])], now_s)


def _go_on(desk: Desk, network: Network, now_s: int, exchange: Exchange | None) -> None:
    numbers = desk.ledger.open(network, now_s)
    engine = Engine(network, live=Live(network, desk.state.engine.live.num_days), guard=desk.state.engine.guard)
    desk.run(lambda state: _carry_over(state, engine, numbers, exchange))


def _carry_over(state: State, engine: Engine, numbers: Numbers, exchange: Exchange | None) -> None:
    """Give an engine what the view knows, and go on with it."""
    view, old = state.view, state.engine.live
    keys, seq, told_s = view.row_key, view.row_seq, view.row_told_s
    on_hand, reserved = old.row_on_hand.copy(), old.row_reserved.copy()
    nodes_before = view.node_no
    view.renumber(numbers)
    view.adopt(engine.live)
    nodes, skus = view.node_at[keys & ((1 << NODE_BITS) - 1)], view.sku_at[keys >> NODE_BITS]
    known = (nodes >= 0) & (skus >= 0)
    live = engine.live.grown(nodes[known], skus[known])
    engine.adopt(live)
    view.adopt(live)
    rows = view.rows(keys[known])
    live.row_on_hand[:], live.row_reserved[:], view.row_seq[:] = 0, 0, 0
    live.row_on_hand[rows], live.row_reserved[rows], view.row_seq[rows] = on_hand[known], reserved[known], seq[known]
    view.row_told_s[rows] = told_s[known]
    for key, units in zip(keys[~known].tolist(), zip(on_hand[~known], reserved[~known], strict=True), strict=True):
        view.missing[key] = int(units[0]), int(units[1])
    _carry_cells(old, live, view.node_at[nodes_before])
    state.number(numbers)
    state.engine = engine
    state.book.read(state)
    state.book.nodes_version += 1
    if exchange is not None:
        exchange.restart(engine.network.nodes)


def _carry_cells(old: Live, live: Live, node_of: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    """Own limits, and what is booked of days that both know; ``node_of``: the place of old nodes in the new network."""
    for (node, day, hour), limits in old.own_limits.items():
        if node_of[node] >= 0:
            live.set_limits(int(node_of[node]), day, hour, *limits)
    shift = live.first_day - old.first_day
    kept = old.num_days - abs(shift)
    if kept <= 0:
        return
    mine, theirs = slice(max(0, shift), max(0, shift) + kept), slice(max(0, -shift), max(0, -shift) + kept)
    there = np.flatnonzero(node_of >= 0)
    hourly = there[(old.hour_node[there] >= 0) & (live.hour_node[node_of[there]] >= 0)]
    for name in ("orders", "units"):
        live.day[name][node_of[there], theirs] = old.day[name][there, mine]
        live.hour[name][live.hour_node[node_of[hourly]], theirs] = old.hour[name][old.hour_node[hourly], mine]

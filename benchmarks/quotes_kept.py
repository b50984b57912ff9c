"""
Whether options are kept: each is ordered by its id, on a quiet day and amid a rush.

Quiet: nothing happens between the quote and the order, and each order is released before the next; kept is an option
that is allocated by its own plan. Rush: carts are of a few hot skus that are nearly gone, at nodes of little capacity;
all are quoted first, then ordered in random order with orders of others between, and nothing is held meanwhile; kept is
an option that is there by its date, at its place.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain

import msgspec
import numpy as np

from engine.desk.allocation import Allocate
from engine.desk.desk import Desk
from engine.desk.keep import CHANGED, SAME
from engine.desk.opening import state_of
from engine.desk.option_id import read_option_id
from engine.desk.quote import Quote
from engine.desk.quote_docs import OptionDoc, QuoteDoc
from engine.desk.reserve import Release
from engine.domain.ids import OrderId, SkuId
from engine.domain.order import Order, OrderLine
from engine.domain.units import epoch_s, utc
from engine.network.model import Network
from tests.ledger_twin import LedgerTwin

HOT_SKUS, HOT_UNITS, HOT_CAPACITY = 12, 2, 4  # of a rush: skus, most units of one at a node, orders a day of a node


@dataclass(frozen=True, slots=True)
class Kept:
    """Options that were ordered, and how many were kept."""

    kept: int
    ordered: int

    @property
    def share(self) -> float:
        """Of those ordered."""
        return round(self.kept / self.ordered, 4) if self.ordered else 0.0


class _Outcome(msgspec.Struct):
    """What became of a promise."""

    outcome: str


class _Said(msgspec.Struct):
    """What is looked at of an allocation."""

    quote: _Outcome


def kept_quiet(network: Network, orders: Sequence[Order]) -> Kept:
    """Every option of every cart, on the stock that it was quoted on."""
    kept = ordered = 0
    with _desk(network) as desk:
        for number, cart in enumerate(_carts(network, orders)):
            for option in quoted(desk, cart):
                name = f"{number}-{option.option_id}"
                ordered += 1
                outcome = _ordered(desk, cart, option, name)
                kept += outcome == SAME
                if outcome != CHANGED:
                    desk.ask(Release(reservation_id=name))
    return Kept(kept, ordered)


def kept_in_a_rush(network: Network, orders: Sequence[Order], seed: int) -> Kept:
    """One option of each cart, while others order too: one for every two."""
    dice = np.random.default_rng([seed, 11])
    scarce, hot = _scarce(network, orders)
    carts = []
    for cart in _carts(scarce, orders):
        picked = dice.permutation(len(hot)).tolist()
        lines = tuple(
            OrderLine(line_id=line.line_id, sku=hot[i], quantity=1) for line, i in zip(cart.lines, picked, strict=False)
        )
        carts.append(replace(cart, lines=lines, keep_together=()))
    kept = ordered = 0
    with _desk(scarce) as desk:
        asked = [(cart, options) for cart in carts[::2] if (options := quoted(desk, cart))]
        choices = [(cart, options[int(dice.integers(len(options)))]) for cart, options in asked]
        others: list[tuple[Order, OptionDoc | None]] = [(cart, None) for cart in carts[1::4]]
        events = list(chain(choices, others))
        for number, at in enumerate(dice.permutation(len(events)).tolist()):
            cart, option = events[at]
            if option is None:
                name = f"other-{number}"
                other = replace(cart, order_id=OrderId(name))
                desk.ask(Allocate(order=other, decision_id=name, reservation_id=name, ttl_s=None))
                continue
            ordered += 1
            kept += _ordered(desk, cart, option, f"rush-{number}") != CHANGED
    return Kept(kept, ordered)


def quoted(desk: Desk, cart: Order) -> list[OptionDoc]:
    """The options of a cart."""
    return msgspec.json.decode(desk.ask(Quote(order=cart)).body, type=QuoteDoc).options


def _ordered(desk: Desk, cart: Order, option: OptionDoc, name: str) -> str:
    """Order an option by its id; what became of it."""
    assert option.option_id is not None, "only a plan of the plain rule has none"
    order = replace(cart, order_id=OrderId(name))
    promised = read_option_id(option.option_id)
    command = Allocate(order=order, decision_id=name, reservation_id=name, ttl_s=None, promised=promised)
    return msgspec.json.decode(desk.ask(command).body, type=_Said).quote.outcome


@contextmanager
def _desk(network: Network) -> Iterator[Desk]:
    now_s = epoch_s(network.as_of)
    running = Desk(state_of(network, LedgerTwin(), now_s), clock_s=lambda: now_s)
    try:
        yield running
    finally:
        running.close()


def _carts(network: Network, orders: Sequence[Order]) -> Iterator[Order]:
    """Orders as carts, all at the network's own time."""
    at = utc(epoch_s(network.as_of))
    for order in orders:
        if order.destination is not None:
            yield replace(order.merged(), placed_at=at, pickup_node=None, partial=False)


def _scarce(network: Network, orders: Sequence[Order]) -> tuple[Network, list[SkuId]]:
    """The network with little capacity and few units of the skus that are ordered most, and those skus."""
    counts: dict[SkuId, int] = {}
    for order in orders:
        for line in order.lines:
            counts[line.sku] = counts.get(line.sku, 0) + 1
    hot = sorted(counts, key=lambda sku: (-counts[sku], sku))[:HOT_SKUS]
    stock = network.stock
    rows = np.isin(stock.sku, [network.skus.index[sku] for sku in hot])
    few = np.where(rows, np.minimum(stock.on_hand, HOT_UNITS), stock.on_hand)
    few = np.where(rows & (stock.node % 8 > 0), 0, few).astype(stock.on_hand.dtype)  # most nodes have sold out
    nodes = tuple(replace(node, capacity_day_orders=HOT_CAPACITY) for node in network.nodes)
    return replace(network, stock=replace(stock, on_hand=few), nodes=nodes), hot

"""
Whether promises are kept: options of quotes are ordered by their ids, on a quiet day, amid a rush, and in a sale.

    quiet         every option of every cart, nothing between; each order is released before the next
    black friday  an hour of carts, each quoted when it comes and ordered one to twelve minutes later, most by the
                  selected option, with as many orders of others between; a third of all carts has one of a few hot
                  skus, of which HOT_UNITS_A_NODE are left at a quarter of the nodes. Nothing is held meanwhile
    sold out      the worst: a handful of skus, two units at one node in eight, four orders a day at any node; all carts
                  are quoted first, then ordered in random order with others between

The desk says itself what became of a promise (engine/desk/keep.py); that it says so rightly is what tests are for. A
promise that is not kept is explained where the answer names what stands in its way.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from benchmarks import record
from engine.adapters.ledger import open_ledger
from engine.desk.allocation import Allocate
from engine.desk.desk import Desk
from engine.desk.documents import KeptDoc
from engine.desk.opening import state_of
from engine.desk.option_id import read_option_id
from engine.desk.quote import Quote
from engine.desk.quote_docs import OptionDoc, QuoteDoc
from engine.desk.reserve import Release
from engine.domain.errors import FulfilmentError
from engine.domain.ids import OrderId, SkuId
from engine.domain.order import Order
from engine.domain.units import epoch_s, utc
from engine.network.model import Network

HOT_SKUS, HOT_UNITS_A_NODE, HOT_NODES, HOT_CARTS = 12, 4, 4, 3  # one node, one cart, of so many
SOLD_OUT_SKUS, SOLD_OUT_UNITS, SOLD_OUT_NODES, SOLD_OUT_CAPACITY = 12, 2, 8, 4
HOUR_S, SOONEST_S, LATEST_S = 3_600, 60, 720


@dataclass(slots=True)
class Kept:
    """What became of options that were ordered."""

    same: int = 0
    kept: int = 0
    changed: int = 0
    explained: int = 0  # of those that changed

    @property
    def ordered(self) -> int:
        """All."""
        return self.same + self.kept + self.changed

    @property
    def share(self) -> float:
        """Kept, by the option's own plan or another, of all."""
        return round((self.same + self.kept) / self.ordered, 4) if self.ordered else 0.0

    @property
    def same_share(self) -> float:
        """By the option's own plan."""
        return round(self.same / self.ordered, 4) if self.ordered else 0.0

    def count(self, said: KeptDoc) -> None:
        """One more."""
        setattr(self, said.outcome, getattr(self, said.outcome) + 1)
        self.explained += said.outcome == "changed" and bool(said.changes)


class _Said(msgspec.Struct):
    """What is looked at of an allocation."""

    status: str
    quote: KeptDoc | None = None


class Clock:
    """The desk's time; whoever runs the hour turns it."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        """Now."""
        return self.now_s


def kept_quiet(network: Network, orders: Sequence[Order]) -> Kept:
    """Every option of every cart, on the stock that it was quoted on."""
    out = Kept()
    with _desk(network) as (desk, _):
        for number, cart in enumerate(_carts(network, orders)):
            for at, option in enumerate(quoted(desk, cart)):
                name = f"{number}-{at}"
                out.count(_named(desk, cart, option, name))
                _try(desk, Release(reservation_id=name))
    return out


def kept_black_friday(network: Network, orders: Sequence[Order], seed: int) -> Kept:
    """An hour of carts; see the module."""
    dice = np.random.default_rng([seed, 12])
    rush, hot = _scarce(network, orders, HOT_SKUS, HOT_UNITS_A_NODE, HOT_NODES)
    carts = []
    for cart in _carts(rush, orders):
        if dice.integers(HOT_CARTS) == 0:
            sku = hot[int(dice.integers(len(hot)))]
            if sku not in {line.sku for line in cart.lines}:
                cart = replace(cart, lines=(replace(cart.lines[0], sku=sku, quantity=1), *cart.lines[1:]))
        carts.append(cart)
    begun_s = epoch_s(rush.as_of)
    comes = np.sort(dice.integers(0, HOUR_S, len(carts))).tolist()
    takes = dice.integers(SOONEST_S, LATEST_S, len(carts)).tolist()
    quoting = [(begun_s + at, 0, number) for number, at in enumerate(comes) if number % 2 == 0]
    ordering = [(begun_s + at + takes[n] * (n % 2 == 0), 1, n) for n, at in enumerate(comes)]
    chosen: dict[int, OptionDoc] = {}
    out = Kept()
    with _desk(rush) as (desk, clock):
        for at_s, is_order, number in sorted(quoting + ordering):
            clock.now_s = at_s
            cart = replace(carts[number], placed_at=utc(at_s))
            if not is_order:
                options = quoted(desk, cart)
                if options:
                    other = options[int(dice.integers(len(options)))]
                    selected = next(option for option in options if option.selected)
                    chosen[number] = selected if dice.random() < 0.7 else other
            elif number % 2:
                _try(desk, _allocation(cart, f"other-{number}"))
            elif number in chosen:
                out.count(_named(desk, cart, chosen[number], f"rush-{number}"))
    return out


def kept_sold_out(network: Network, orders: Sequence[Order], seed: int) -> Kept:
    """One option of each cart, while others order too: one for every two."""
    dice = np.random.default_rng([seed, 11])
    scarce, hot = _scarce(network, orders, SOLD_OUT_SKUS, SOLD_OUT_UNITS, SOLD_OUT_NODES)
    nodes = tuple(replace(node, capacity_day_orders=SOLD_OUT_CAPACITY) for node in scarce.nodes)
    scarce = replace(scarce, nodes=nodes)
    carts = []
    for cart in _carts(scarce, orders):
        picked = dice.permutation(len(hot)).tolist()
        lines = tuple(replace(line, sku=hot[i], quantity=1) for line, i in zip(cart.lines, picked, strict=False))
        carts.append(replace(cart, lines=lines, keep_together=()))
    out = Kept()
    with _desk(scarce) as (desk, _):
        asked = [(cart, options) for cart in carts[::2] if (options := quoted(desk, cart))]
        events: list[tuple[Order, OptionDoc | None]] = [
            (cart, options[int(dice.integers(len(options)))]) for cart, options in asked
        ]
        events += [(cart, None) for cart in carts[1::4]]
        for number, at in enumerate(dice.permutation(len(events)).tolist()):
            cart, option = events[at]
            if option is None:
                _try(desk, _allocation(cart, f"other-{number}"))
            else:
                out.count(_named(desk, cart, option, f"rush-{number}"))
    return out


def quoted(desk: Desk, cart: Order) -> list[OptionDoc]:
    """The options of a cart."""
    return msgspec.json.decode(desk.ask(Quote(order=cart)).body, type=QuoteDoc).options


def _named(desk: Desk, cart: Order, option: OptionDoc, name: str) -> KeptDoc:
    assert option.option_id is not None, "only a backup has none"
    command = replace(_allocation(cart, name), promised=read_option_id(option.option_id))
    said = msgspec.json.decode(desk.ask(command).body, type=_Said).quote
    assert said is not None, "an option was named"
    return said


def _allocation(cart: Order, name: str) -> Allocate:
    return Allocate(order=replace(cart, order_id=OrderId(name)), decision_id=name, reservation_id=name, ttl_s=None)


def _try(desk: Desk, command: Allocate | Release) -> None:
    """Ask; that it may be refused is part of the day."""
    try:
        desk.ask(command)
    except FulfilmentError:
        return


@contextmanager
def _desk(network: Network) -> Iterator[tuple[Desk, Clock]]:
    clock = Clock(epoch_s(network.as_of))
    with TemporaryDirectory(dir=record.folder(None, quick=True)) as folder:
        ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
        running = Desk(state_of(network, ledger, clock.now_s), clock_s=clock)
        try:
            yield running, clock
        finally:
            running.close()
            ledger.close()


def _carts(network: Network, orders: Sequence[Order]) -> Iterator[Order]:
    """Orders as carts, all at the network's own time."""
    at = utc(epoch_s(network.as_of))
    for order in orders:
        if order.destination is not None:
            yield replace(order.merged(), placed_at=at, pickup_node=None, partial=False)


def _scarce(
    network: Network, orders: Sequence[Order], skus: int, units: int, nodes: int
) -> tuple[Network, list[SkuId]]:
    """The network with at most so many units, at one node of so many, of the skus that are ordered most; and those."""
    counts: dict[SkuId, int] = {}
    for order in orders:
        for line in order.lines:
            counts[line.sku] = counts.get(line.sku, 0) + 1
    hot = sorted(counts, key=lambda sku: (-counts[sku], sku))[:skus]
    stock = network.stock
    rows = np.isin(stock.sku, [network.skus.index[sku] for sku in hot])
    few = np.where(rows, np.minimum(stock.on_hand, units), stock.on_hand)
    few = np.where(rows & (stock.node % nodes > 0), 0, few).astype(stock.on_hand.dtype)
    return replace(network, stock=replace(stock, on_hand=few)), hot

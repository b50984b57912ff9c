"""A desk on the small network of builders.py, with a clock that the test turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from engine.desk.allocation import Allocate
from engine.desk.ask import Answer, KeyAsked
from engine.desk.desk import Desk, Watch
from engine.desk.exchange import Exchange
from engine.desk.follow import Follow
from engine.desk.opening import state_of
from engine.desk.rules import Rules
from engine.domain.order import Order
from engine.domain.units import epoch_s
from engine.network.model import Network
from engine.stock.ledger import Ledger


class Clock:
    """Epoch seconds that stand still until a test moves them."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s


@contextmanager
def desk_on(network: Network, ledger: Ledger, *, watch: Watch | None = None, **settings: Any) -> Iterator[Desk]:
    """A desk that runs while the test does."""
    clock = Clock(epoch_s(network.as_of))
    running = Desk(state_of(network, ledger, clock.now_s), clock_s=clock, watch=watch, **settings)
    try:
        yield running
    finally:
        running.close()


class Ticks:
    """A timer by which a second passes whenever anybody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@contextmanager
def following(
    network: Network, ledger: Ledger, *, writer: str = "", rules: Rules | None = None, **settings: Any
) -> Iterator[tuple[Desk, Clock]]:
    """A desk that follows feed, settings and what waits, and its clock. Another `writer` is another process."""
    clock = Clock(epoch_s(network.as_of))
    state = state_of(network, ledger, clock.now_s, rules=rules)
    exchange = Exchange(network.nodes, background=False)
    follow = Follow(clock, Ticks(), writer=writer or getattr(ledger, "writer", "twin"), exchange=exchange)
    running = Desk(state, clock_s=clock, follow=follow, **settings)
    follow.desk = running
    try:
        yield running, clock
    finally:
        running.close()


def settle(desk: Desk) -> None:
    """Wait until the desk has looked at what is due, and done what came of it."""
    for _ in range(3):
        desk.run(lambda state: None)
        desk.run(lambda state: None)
        idle(desk)


def idle(desk: Desk) -> None:
    """Wait until no call is on its way."""
    while desk.waiting or desk._in_flight:
        desk.run(lambda state: None)


def allocate(order: Order, **changes: Any) -> Allocate:
    """An allocation named by its order."""
    values: dict[str, Any] = {"decision_id": f"d-{order.order_id}", "reservation_id": order.order_id}
    return Allocate(order=order, **{**values, **changes})


def key(name: str, payload: str = "p") -> KeyAsked:
    """A key of one client."""
    return KeyAsked("test", name, payload)


def said(answer: Answer) -> Any:
    """The document of an answer."""
    return msgspec.json.decode(answer.body)

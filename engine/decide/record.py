"""
An engine that takes down what it does, so that each decision can be made again (engine/decide/replay.py).

>>> recorder = Recorder(engine, JournalWriter(path, header))    # doctest: +SKIP
>>> decision = recorder.decide(order)                           # doctest: +SKIP
>>> recorder.commit(decision)                                   # doctest: +SKIP
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from engine.decide.engine import Engine
from engine.decide.events import (
    AnyEvent,
    Committed,
    Decided,
    LimitsSet,
    PolicyUsed,
    Released,
    State,
    StockAdded,
    StockSet,
)
from engine.domain.errors import InputError
from engine.domain.ids import NodeId, OrderId, SkuId
from engine.domain.order import Order
from engine.domain.plan import Decision, Plan
from engine.domain.policy import Policy
from engine.network.live import Live
from engine.optimise.mip_clock import Tape

KNOWN_MAX = 10_000  # decisions that a recorder knows by their number; older ones are committed by their plan in full


class Sink(Protocol):
    """Where events go."""

    def append(self, event: AnyEvent) -> None:
        """Take one event, after all before it."""
        ...


@dataclass(slots=True)
class _Known:
    """The latest decision of an order, and whether it holds its stock."""

    seq: int
    plan: Plan
    held: bool = False


@dataclass(slots=True)
class _Book:
    """What the recorders of one journal share."""

    sink: Sink
    seq: int = 0
    policies: list[Policy] = field(default_factory=list)
    known: dict[OrderId, _Known] = field(default_factory=dict)

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq


class Recorder:
    """
    Decides, commits and releases like the engine it holds, and writes down each.

    Whatever changes the engine's stock past its recorder is missing in the journal, and later decisions of it will not
    come out the same again. What the engine holds when recording begins is written first.
    """

    def __init__(self, engine: Engine, sink: Sink) -> None:
        self.engine = engine
        self._book = _Book(sink, policies=[engine.policy])
        self._policy = 0
        state = state_of(engine.live, self._book.seq + 1)
        if state is not None:
            self._book.sink.append(state)
            self._book.next_seq()

    def under(self, policy: Policy) -> "Recorder":
        """The same engine, stock and journal under another policy."""
        other = object.__new__(Recorder)
        other.engine, other._book = self.engine.under(policy), self._book
        book = self._book
        if policy not in book.policies:
            book.sink.append(PolicyUsed(seq=book.next_seq(), policy=policy))
            book.policies.append(policy)
        other._policy = book.policies.index(policy)
        return other

    def decide(self, order: Order, deadline_ms: int | None = None) -> Decision:
        """Like `Engine.decide`; an order that is refused leaves no trace."""
        tape, book = Tape(), self._book
        decision = self.engine.decide(order, deadline_ms, tape=tape)
        seq = book.next_seq()
        book.sink.append(
            Decided(
                seq=seq,
                order=order,
                plan=decision.plan,
                policy=self._policy,
                deadline_ms=deadline_ms,
                clock=tuple(tape.answers),
                cut=tape.cut,
            )
        )
        known = book.known
        known.pop(order.order_id, None)
        known[order.order_id] = _Known(seq, decision.plan)
        if len(known) > KNOWN_MAX:
            del known[next(iter(known))]
        return decision

    def commit(self, decision: Decision) -> None:
        """
        Like `Engine.commit`; takes plans that this recorder has not decided (an option, say) as well.

        Raises InputError where the same decision holds its stock already.
        """
        known = self._known(decision.plan)
        if known is not None and known.held:
            raise InputError(
                f"The decision of order ({decision.plan.order_id}) is committed already.", "release it first."
            )
        self.engine.commit(decision)
        seq, plan = _which(known, decision.plan)
        self._book.sink.append(Committed(seq=self._book.next_seq(), decision=seq, plan=plan))
        if known is not None:
            known.held = True

    def release(self, decision: Decision) -> None:
        """Like `Engine.release`. Raises InputError where a decision of this recorder holds nothing."""
        known = self._known(decision.plan)
        if known is not None and not known.held:
            raise InputError(f"The decision of order ({decision.plan.order_id}) holds nothing.", "commit comes first.")
        self.engine.release(decision)
        seq, plan = _which(known, decision.plan)
        self._book.sink.append(Released(seq=self._book.next_seq(), decision=seq, plan=plan))
        if known is not None:
            known.held = False

    def set_stock(self, node: NodeId, sku: SkuId, on_hand: int) -> None:
        """Like `Engine.set_stock`."""
        self.engine.set_stock(node, sku, on_hand)
        self._book.sink.append(StockSet(seq=self._book.next_seq(), node=node, sku=sku, on_hand=on_hand))

    def add_stock(self, node: NodeId, sku: SkuId, units: int) -> None:
        """Like `Engine.add_stock`."""
        self.engine.add_stock(node, sku, units)
        self._book.sink.append(StockAdded(seq=self._book.next_seq(), node=node, sku=sku, units=units))

    def set_limits(self, node: NodeId, day: int, hour: int, orders_max: int | None, units_max: int | None) -> None:
        """Give a local day of a node (hour -1), or an hour of it, limits of its own: see `Cells.set_limits`."""
        index = self.engine.network.node_index.get(node)
        if index is None:
            raise InputError(f"Node ({node}) of a limit is unknown.", "check the id; case counts.")
        self.engine.live.set_limits(index, day, hour, orders_max, units_max)
        self._book.sink.append(
            LimitsSet(
                seq=self._book.next_seq(), node=node, day=day, hour=hour, orders_max=orders_max, units_max=units_max
            )
        )

    def _known(self, plan: Plan) -> _Known | None:
        known = self._book.known.get(plan.order_id)
        return known if known is not None and (known.plan is plan or known.plan == plan) else None


def _which(known: _Known | None, plan: Plan) -> tuple[int | None, Plan | None]:
    """A decision by its number where there is one, else by its plan."""
    return (None, plan) if known is None else (known.seq, None)


def state_of(live: Live, seq: int) -> State | None:
    """Where stock and capacity are not those that the network begins with; None where they are."""
    network, fresh = live.network, Live(live.network, live.num_days)
    if len(fresh.rows) != len(live.rows):
        raise InputError(
            f"The stock has {len(live.rows)} rows, network ({network.name}) has {len(fresh.rows)}: a journal could not "
            "be replayed.",
            "add the rows to stock.csv, with 0 units on hand.",
        )
    nodes = network.nodes
    row_sku = np.repeat(np.arange(len(network.skus.ids)), np.diff(live.row_start))
    rows = tuple(
        (
            nodes[live.row_node[i]].node_id,
            network.skus.ids[row_sku[i]],
            int(live.row_on_hand[i]),
            int(live.row_reserved[i]),
            int(live.row_price_cents[i]),
        )
        for i in np.flatnonzero(live.rows != fresh.rows)
    )
    days = tuple(
        (nodes[n].node_id, int(d) + live.first_day, int(live.day_orders[n, d]), int(live.day_units[n, d]))
        for n, d in np.argwhere((live.day_orders != 0) | (live.day_units != 0))
    )
    hourly = np.flatnonzero(live.hour_node >= 0)
    hours = tuple(
        (
            nodes[hourly[h]].node_id,
            int(d) + live.first_day,
            int(hour),
            int(live.hour_orders[h, d, hour]),
            int(live.hour_units[h, d, hour]),
        )
        for h, d, hour in np.argwhere((live.hour_orders != 0) | (live.hour_units != 0))
    )
    limits = tuple(
        (nodes[n].node_id, day, hour, *live.own_limits[n, day, hour]) for n, day, hour in sorted(live.own_limits)
    )
    if not (rows or days or hours or limits):
        return None
    return State(seq=seq, rows=rows, days=days, hours=hours, limits=limits)


def restore(live: Live, state: State) -> None:
    """Put a fresh `Live` where `state_of` found one; KeyError or IndexError where it names what is not there."""
    network = live.network
    for node, sku, on_hand, reserved, price_cents in state.rows:
        row = live.row(network.node_index[node], network.skus.index[sku])
        if row < 0:
            raise KeyError(f"{node}, {sku}")
        live.row_on_hand[row], live.row_reserved[row], live.row_price_cents[row] = on_hand, reserved, price_cents
    for node, day, orders, units in state.days:
        at = network.node_index[node], _day(live, day)
        live.day_orders[at], live.day_units[at] = orders, units
    for node, day, hour, orders, units in state.hours:
        which = int(live.hour_node[network.node_index[node]]), _day(live, day), hour
        live.hour_orders[which], live.hour_units[which] = orders, units
    for node, day, hour, orders_max, units_max in state.limits:
        live.set_limits(network.node_index[node], day, hour, orders_max, units_max)


def _day(live: Live, day: int) -> int:
    """The position of a local day number."""
    if not 0 <= day - live.first_day < live.num_days:
        raise IndexError(f"day {day}")
    return day - live.first_day

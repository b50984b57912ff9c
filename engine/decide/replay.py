"""
Makes recorded decisions again, on the stock and capacity that they were made on, and compares them to the last bit.

State goes from event to event by what was recorded: a commit holds the plan that was answered then, whatever would be
answered today, so that one difference does not make all later ones.

A decision whose solver was stopped by its own clock (`Decided.cut`) cannot be made again. It is verified instead: every
rule is checked and every cent of it recounted, on the state that it was made on, by engine/check.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, Protocol

import msgspec

from engine.check.violations import violations
from engine.decide.engine import Engine
from engine.decide.events import (
    AnyEvent,
    Committed,
    Decided,
    Entry,
    Header,
    LimitsSet,
    NetworkNote,
    PolicyUsed,
    Released,
    State,
    StockAdded,
    StockSet,
    canonical,
)
from engine.decide.record import restore
from engine.domain.errors import InputError
from engine.domain.ids import OrderId
from engine.domain.plan import Plan
from engine.domain.policy import Policy
from engine.network.model import Network
from engine.optimise.mip_clock import OffTapeError, Playback


class Outcome(StrEnum):
    """How a recorded decision compares with the one made again."""

    EQUAL = "equal"
    VERIFIED = "verified"  # not made again, as it was cut short by a solver's clock; every rule and cent is right
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one decision; ``field`` is the first that differs, with its value then and now."""

    order_id: OrderId
    seq: int
    line: int
    outcome: Outcome
    field: str = ""
    then: str = ""
    now: str = ""


class Events(Protocol):
    """A journal as it is read (engine/adapters/journal.py)."""

    header: Header
    entries: tuple[Entry, ...]  # all events by their number

    def event(self, entry: Entry) -> AnyEvent:
        """One of them in full."""
        ...

    def plan_held(self, event: Committed | Released) -> Plan:
        """The plan that a commit or release is about."""
        ...

    def wrong(self, line: int, what: str, hint: str) -> NoReturn:
        """Raise InputError for a line."""
        ...


class Player:
    """
    Goes through a journal with an engine of its own.

    Parameters
    ----------
    journal
        As read.
    network
        The one that the journal was recorded on; InputError says which tables differ where it is not.
    policy
        Decides under this one instead of the recorded ones, to see what it would have changed.
    """

    def __init__(self, journal: Events, network: Network, policy: Policy | None = None) -> None:
        header = journal.header
        require_same_network(header, network)
        self.journal = journal
        self.instead = policy
        first = policy or header.policy
        self.engine = Engine(network, policy=first, horizon_days=header.horizon_days, guard=False)
        self._engines = [self.engine]  # by number of the policy

    def run(self, wanted: Collection[int]) -> Iterator[Verdict]:
        """Make the decisions of these numbers (`seq`) again and pass all others over; ends after the last of them."""
        last = max(wanted, default=0)
        for entry in self.journal.entries[:last]:
            if entry.kind != "decide":
                self.apply(entry)
            elif entry.seq in wanted:
                event = self.journal.event(entry)
                assert isinstance(event, Decided), "the index says so"
                yield self.decide(entry.line, event)

    def until(self, seq: int) -> None:
        """Bring stock and capacity where they were before an event."""
        for entry in self.journal.entries[: seq - 1]:
            if entry.kind != "decide":
                self.apply(entry)

    def engine_of(self, event: Decided, line: int) -> Engine:
        """The engine under the policy of a decision."""
        if event.policy >= len(self._engines) or event.policy < 0:
            what = f"names policy number ({event.policy}), which no line before it brings"
            self.journal.wrong(line, what, "its policy event was removed.")
        return self._engines[event.policy]

    def apply(self, entry: Entry) -> None:
        """Let an event that is no decision change the state."""
        event, engine = self.journal.event(entry), self.engine
        try:
            match event:
                case Committed():
                    engine.hold(self.journal.plan_held(event))
                case Released():
                    engine.hold(self.journal.plan_held(event), sign=-1)
                case StockSet(node=node, sku=sku, on_hand=on_hand):
                    engine.set_stock(node, sku, on_hand)
                case StockAdded(node=node, sku=sku, units=units):
                    engine.add_stock(node, sku, units)
                case LimitsSet(node=node, day=day, hour=hour, orders_max=orders_max, units_max=units_max):
                    engine.live.set_limits(engine.network.node_index[node], day, hour, orders_max, units_max)
                case PolicyUsed(policy=policy):
                    self._engines.append(engine.under(self.instead or policy))
                case State():
                    restore(engine.live, event)
        except InputError as error:
            self.journal.wrong(entry.line, f"cannot be: {error.message.rstrip('.')}", error.hint)
        except (KeyError, IndexError, AssertionError) as error:
            what = f"names what the network does not have ({error})"
            self.journal.wrong(entry.line, what, "the line was edited.")

    def decide(self, line: int, event: Decided) -> Verdict:
        """Make one decision again, on the state as it is, and compare."""
        engine = self.engine_of(event, line)

        def verdict(outcome: Outcome, field: str = "", then: str = "", now: str = "") -> Verdict:
            return Verdict(
                order_id=event.order.order_id,
                seq=event.seq,
                line=line,
                outcome=outcome,
                field=field,
                then=then,
                now=now,
            )

        if event.cut and self.instead is None:
            broken = next(_broken(engine, event), None)
            return verdict(Outcome.VERIFIED) if broken is None else verdict(Outcome.DIFFERENT, "plan", now=broken)
        tape = Playback(event.clock) if self.instead is None else None
        try:
            plan = engine.decide(event.order, event.deadline_ms, tape=tape).plan
        except OffTapeError:
            return verdict(Outcome.DIFFERENT, "clock", "its steps", "another course of the search")
        except InputError as error:
            self.journal.wrong(line, f"has an order that is refused: {error.message.rstrip('.')}", error.hint)
        if canonical(plan) != canonical(event.plan):
            return verdict(Outcome.DIFFERENT, *first_difference(event.plan, plan))
        if tape is not None and not tape.ended:
            return verdict(Outcome.DIFFERENT, "clock", "its steps", "fewer steps of the search")
        return verdict(Outcome.EQUAL)


def _broken(engine: Engine, event: Decided) -> Iterator[str]:
    """What is wrong with a plan that cannot be made again."""
    order = event.order.merged()
    if event.plan.order_id != order.order_id:
        yield f"it is a plan of order ({event.plan.order_id})"
    for found in violations(engine.network, engine.live, engine.policy, order, event.plan, engine.tools):
        yield f"{found.rule}: {found.message}"


def decisions_of(journal: Events, order_id: str | None = None) -> list[int]:
    """
    Numbers of all decisions of a journal, or of those of one order.

    Raises InputError where there is none of the order.
    """
    seqs = [e.seq for e in journal.entries if e.kind == "decide" and (order_id is None or e.order_id == order_id)]
    if order_id is not None and not seqs:
        known = next((f"({e.order_id})." for e in journal.entries if e.kind == "decide"), "of another journal.")
        raise InputError(f"Order ({order_id}) is not in the journal.", known)
    return seqs


def state_before(journal: Events, network: Network, order_id: str) -> tuple[Engine, Decided]:
    """
    An engine as it was before the last decision of an order, and that decision: its order, plan and deadline.

    Raises InputError where the network is another one, or the order is not in the journal.
    """
    seq = decisions_of(journal, order_id)[-1]
    player = Player(journal, network)
    player.until(seq)
    entry = journal.entries[seq - 1]
    event = journal.event(entry)
    assert isinstance(event, Decided), "the index says so"
    return player.engine_of(event, entry.line), event


def require_same_network(header: Header, network: Network) -> None:
    """Raise InputError where a network is not the one that a journal was recorded on; says what differs."""
    then, now = header.network, NetworkNote.of(network)
    if then.tables == now.tables:
        return
    names = [name for name in (*then.tables, *now.tables) if then.tables.get(name) != now.tables.get(name)]
    words = [", ".join(dict.fromkeys(names))]
    for what in ("nodes", "skus", "stock_rows"):
        if getattr(then, what) != getattr(now, what):
            words.append(f"{what} {getattr(then, what)} then, {getattr(now, what)} now")
    raise InputError(
        f"Network ({now.name}, version {now.version}) is not the one of the journal ({then.name}, version "
        f"{then.version}). What differs: {'; '.join(words)}.",
        "give the network as it was then by --network, or the --seed that it was made from.",
    )


def first_difference(then: Any, now: Any) -> tuple[str, str, str]:
    """Path of the first field that differs between two plans, and both its values."""
    return _difference(msgspec.to_builtins(then), msgspec.to_builtins(now), "")


def _difference(then: Any, now: Any, path: str) -> tuple[str, str, str]:
    if isinstance(then, dict) and isinstance(now, dict):
        pairs = [(f"{path}.{name}" if path else name, then.get(name), now.get(name)) for name in {**then, **now}]
    elif isinstance(then, (list, tuple)) and isinstance(now, (list, tuple)) and len(then) == len(now):
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(then, now, strict=True))]
    else:
        return path, _shown(then), _shown(now)
    for here, a, b in pairs:
        if a != b or type(a) is not type(b):
            return _difference(a, b, here)
    return path, _shown(then), _shown(now)


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{len(value)} of them"
    return str(value)

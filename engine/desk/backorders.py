"""
Backorders and pre-orders: what cannot be served now waits, and is offered stock when there is some.

A desk knows the skus that anybody waits for. Where more of one becomes free (a count, a delivery, a return, a release,
a shipment given back) its lines are looked at by priority, promise and age, and each order in turn is decided like any
other: under its own rules, at the cheapest node, held and confirmed in one posting. A line that wants more than is
there does not hold up those behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from engine.desk.allocation import Allocate, allocated
from engine.desk.ask import CONFLICT, NOT_FOUND, Answer, DeskError, Planned, Wanted, answer
from engine.desk.documents import moment
from engine.desk.exceptions import event
from engine.desk.most import decide_most
from engine.desk.rest import excluded_nodes, rest_of, unmet_units
from engine.desk.state import State, joined
from engine.desk.waiting import promise_of, rank, waiting_for, waiting_rows
from engine.domain.order import Order
from engine.stock.ledger import Ledger, Numbers, Posting
from engine.stock.records_oms import Backorder

OFFERED_MAX = 1_000


class BackorderDoc(msgspec.Struct, kw_only=True):
    """A line that waits, or has waited, in the caller's words."""

    order_id: str
    line_id: str
    sku: str
    units: int
    state: str
    kind: str
    together: bool
    channel: str
    priority: int
    wanted_by: datetime | None
    expected_at: datetime | None
    reservation_id: str | None
    created_at: datetime | None
    version: int


class WaitingDoc(msgspec.Struct, kw_only=True):
    """An allocation of which lines wait: what was allocated (None: nothing), and the lines that were not."""

    allocation: msgspec.Raw | None
    waiting: list[BackorderDoc]


def backorder_doc(row: Backorder, numbers: Numbers) -> BackorderDoc:
    """A row in the caller's words."""
    return BackorderDoc(
        order_id=row.order_id,
        line_id=row.line_id,
        sku=numbers.skus[row.sku_no],
        units=row.units,
        state=row.state,
        kind=row.kind,
        together=bool(row.together),
        channel=row.channel,
        priority=row.priority,
        wanted_by=moment(row.promise_s),
        expected_at=moment(row.expected_s),
        reservation_id=row.reservation_id or None,
        created_at=moment(row.created_s),
        version=row.version,
    )


def list_backorders(
    ledger: Ledger,
    numbers: Numbers,
    *,
    states: Sequence[str] = ("waiting",),
    order_id: str | None = None,
    sku_no: int | None = None,
    after: tuple[Any, ...] | None = None,
    limit: int = 100,
) -> tuple[list[BackorderDoc], tuple[Any, ...] | None]:
    """Lines that wait, the oldest first, and where the next page begins (None: there is none)."""
    where: dict[str, Any] = {"state": tuple(states)}
    where |= {} if order_id is None else {"order_id": order_id}
    where |= {} if sku_no is None else {"sku_no": sku_no}
    found = ledger.find(Backorder, where, order=("created_s",), after=after, limit=limit)
    last = (found[-1].created_s, found[-1].order_id, found[-1].line_id) if len(found) == limit else None
    return [backorder_doc(row, numbers) for row in found], last


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateOrWait:
    """
    Allocate an order; what cannot be served now waits for stock.

    ``together`` keeps the whole order waiting unless all of it can be served. A line of a sku before its release waits
    as a pre-order.
    """

    allocate: Allocate
    together: bool = False

    @property
    def name(self) -> str:
        """The operation."""
        return "allocate"

    def wanted(self) -> Wanted:
        """As the allocation."""
        return self.allocate.wanted()

    def plan(self, state: State) -> Planned:
        """Serve what can be served, and let the rest wait."""
        command = self.allocate
        order = command.order.merged()
        planned, unmet = _served(replace(command, order=order), state, together=self.together)
        if not unmet:
            assert planned is not None, "an order of which nothing waits is allocated"
            return planned
        waiting = waiting_rows(
            state,
            order,
            unmet,
            priority=command.priority,
            promise_s=promise_of(order),
            together=self.together and len(unmet) > 1,
        )
        document = WaitingDoc(
            allocation=msgspec.Raw(planned.answer.body) if planned is not None else None,
            waiting=[backorder_doc(row, state.view.numbers) for row in waiting.rows],
        )
        posting = joined(planned.posting, waiting.posting) if planned and planned.posting else waiting.posting
        return Planned(answer(document), posting, waiting.then)


def _served(command: Allocate, state: State, *, together: bool) -> tuple[Planned | None, dict[str, int]]:
    """The allocation of what can be served (None: nothing), and the units by line that cannot."""
    order = command.order
    brief = decide_most(state, order) if not together else state.decide(replace(order, partial=False))
    if not brief.legs:
        return None, {line.line_id: line.quantity for line in order.lines}
    unmet = unmet_units(brief)
    served = replace(order, lines=tuple(line for line in order.lines if line.line_id not in unmet), keep_together=())
    own = command.free_id(state)
    alone = msgspec.structs.replace(brief, unmet=(), plan=None)  # the others are no part of it: they wait
    return allocated(replace(command, order=served, reservation_id=own), state, alone, None), unmet


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Offer an order what there is now; nothing happens where that does not serve any of its waiting lines."""

    order_id: str

    @property
    def name(self) -> str:
        """The operation."""
        return "offer"

    def wanted(self) -> Wanted:
        """Nothing but the rows that wait."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Decide the waiting lines of the order."""
        rows = [r for r in state.ledger.get_many(Backorder, [(self.order_id,)]) if r.state == "waiting"]
        able = [row for row in rows if free_units(state, row.sku_no) >= row.units]
        if not able or (any(row.together for row in rows) and len(able) < len(rows)):
            return Planned(answer({"order_id": self.order_id, "allocated": []}))
        first = min(able, key=rank)
        units = {row.line_id: row.units for row in able}
        order = _waiting_order(state, first, units)
        number = sum(row.version for row in rows)  # so that each offer that holds has a name of its own
        command = Allocate(
            order=order,
            decision_id=f"{self.order_id}.b{number}",
            reservation_id=f"{self.order_id}.b{number}",
            ttl_s=None,
            priority=first.priority,
            cause="backorder",
        )
        planned, unmet = _served(command, state, together=bool(first.together))
        if planned is None or planned.posting is None:
            return Planned(answer({"order_id": self.order_id, "allocated": []}))
        done = [row for row in able if row.line_id not in unmet]
        changes = [
            msgspec.structs.replace(
                row,
                state="allocated",
                reservation_id=command.reservation_id,
                updated_s=state.now_s,
                version=row.version + 1,
            )
            for row in done
        ]
        lines = [row.line_id for row in done]
        data = {"order_id": self.order_id, "reservation_id": command.reservation_id, "lines": lines}
        note = event(state.now_s, "backorder.allocated.v1", self.order_id, data)
        posting = joined(planned.posting, Posting(changes=list(changes), makes=[note]))
        return Planned(answer({"order_id": self.order_id, "allocated": lines}), posting)


def _waiting_order(state: State, row: Backorder, units: dict[str, int]) -> Order:
    """The order of a row that waits, as it is decided now."""
    order = msgspec.json.decode(row.order_json, type=Order)
    return rest_of(order, units, now_s=state.now_s, promise_s=None, excluded=excluded_nodes(state, row.order_id))


def offers(state: State) -> list[Offer]:
    """
    Offers for the skus of which more became free, in the order in which they are to be made.

    Forgets skus that nobody waits for any more. Lines that want more than there is anywhere are passed over; of each
    sku OFFERED_MAX at most, the rest when it rises again.
    """
    view = state.view
    found: dict[str, None] = {}
    for sku_no in sorted(view.risen):
        rows = waiting_for(state.ledger, sku_no)
        if not rows:
            view.watched.discard(sku_no)
            continue
        free = free_units(state, sku_no)
        found |= dict.fromkeys([row.order_id for row in rows if row.units <= free][:OFFERED_MAX])
    view.risen.clear()
    return [Offer(order_id=order_id) for order_id in found]


def free_units(state: State, sku_no: int) -> int:
    """Units of a sku that are not reserved, at all nodes together; 0 where none of it is promised."""
    view, live = state.view, state.engine.live
    sku = int(view.sku_at[sku_no]) if sku_no < len(view.sku_at) else -1
    if sku < 0 or sku_no in state.book.blocked.skus:
        return 0
    low, high = int(live.row_start[sku]), int(live.row_start[sku + 1])
    free: int = (live.row_on_hand[low:high].astype(np.int64) - live.row_reserved[low:high]).clip(0).sum()
    return int(free)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBackorder:
    """Cancel a line that waits, or change its priority or the date it is wanted by; each line where none is named."""

    order_id: str
    line_id: str | None = None
    cancel: bool = False
    priority: int | None = None
    wanted_by_s: int | None = None
    version: int | None = None

    @property
    def name(self) -> str:
        """The operation."""
        return "change_backorder"

    def wanted(self) -> Wanted:
        """Nothing but the rows."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Change the rows that still wait."""
        key = (self.order_id,) if self.line_id is None else (self.order_id, self.line_id)
        known = state.ledger.get_many(Backorder, [key])
        if not known:
            raise DeskError("unknown-backorder", NOT_FOUND, f"Order ({self.order_id}) has no such line that waits.")
        rows = [row for row in known if row.state == "waiting"]
        if not rows:
            states = ", ".join(sorted({row.state for row in known}))
            raise DeskError("wrong-state", CONFLICT, f"Nothing of order ({self.order_id}) waits: {states}.")
        if self.version is not None and any(row.version != self.version for row in rows):
            raise DeskError("version", 412, f"Backorder ({self.order_id}) was changed meanwhile.", "read it again.")
        changed = [
            msgspec.structs.replace(
                row,
                state="cancelled" if self.cancel else row.state,
                priority=row.priority if self.priority is None else self.priority,
                promise_s=row.promise_s if self.wanted_by_s is None else self.wanted_by_s,
                updated_s=state.now_s,
                version=row.version + 1,
            )
            for row in rows
        ]
        kind = "backorder.cancelled.v1" if self.cancel else "backorder.changed.v1"
        note = event(state.now_s, kind, self.order_id, {"order_id": self.order_id, "lines": [r.line_id for r in rows]})
        reply: Answer = answer([backorder_doc(row, state.view.numbers) for row in changed])
        skus = frozenset(row.sku_no for row in rows)

        def look_again(state: State) -> None:
            state.view.risen |= skus & state.view.watched

        return Planned(reply, Posting(changes=list(changed), makes=[note]), None if self.cancel else look_again)

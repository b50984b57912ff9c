"""
A recorded decision, explained on what there was when it was taken.

The stock and capacity of then are those of now with every later change taken back: of each row and cell the feed tells
what the first change after the decision found. That reaches as far back as the feed does, and CHANGES_MAX changes.

What it cannot know: calls that were decided in the same moments and were on their way to the ledger together with this
one; units due and held back, and settings of nodes, since (they are taken as they are now). `Explained.notes` says
what applies.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from engine.decide.brief import Brief, Leg
from engine.decide.engine import Engine
from engine.decide.reasons import Explanation
from engine.desk.ask import CONFLICT, NOT_FOUND, DeskError
from engine.desk.blocked import Blocked
from engine.desk.desk import Desk
from engine.desk.state import State
from engine.domain.ids import LineId, NodeId, OrderId, ServiceId, SkuId
from engine.domain.order import Method, Order
from engine.domain.plan import Decision, Plan, Refusal, ShipmentLine, Status, Unmet
from engine.domain.policy import Policy
from engine.domain.units import day_number, epoch_s, utc
from engine.network.live import Live
from engine.network.model import Network
from engine.stock.ledger import CapacityCell, Change, FeedMark, Ledger, StockRow
from engine.stock.records import DecisionRecord, Part
from engine.stock.records_oms import PolicyRecord
from engine.stock.view import View

AGAIN_MS = 1_000
CHANGES_MAX = 50_000
PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A decision with its plan in full, why it is that one, and what is not as it was then."""

    network: Network
    order: Order
    decision: Decision
    explanation: Explanation
    notes: tuple[str, ...]


class _Line(msgspec.Struct):
    line_id: str
    sku: str
    quantity: int


class _Shipment(msgspec.Struct):
    node: str
    method: str
    service: str | None
    place: str | None
    lines: list[_Line]
    cost_cents: int
    part: int
    pick_start: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None


class _Answer(msgspec.Struct):
    """What every answer that is recorded with a decision has of a plan."""

    shipments: list[_Shipment] = []
    unmet: list[_Line] = []
    relaxed: list[str] = []
    limit: str = ""


def explain_decision(desk: Desk, decision_id: str, *, counterfactuals: bool = True) -> Explained:
    """
    Explain a decision; called by any thread but the desk's, which only makes a copy for it.

    Raises
    ------
    DeskError
        Where it is unknown, or too old, or its plan cannot be any more on the network of today.
    """
    record = desk.ledger.get(DecisionRecord, decision_id)
    if record is None:
        raise DeskError("unknown-decision", NOT_FOUND, f"Decision ({decision_id}) is unknown.", "check the id.")
    copies: list[tuple[Engine, View]] = []
    desk.run(lambda state: copies.append(_copy(state)))
    ((engine, view),) = copies
    blocked = Blocked()
    blocked.rows = {
        key: until_s
        for key, until_s in desk.state.book.blocked.rows.items()
        if until_s - desk.state.rules.not_found_s < record.at_s
    }
    blocked.skus = dict(desk.state.book.blocked.skus)
    blocked.apply(view)
    rewind(view, changes_since(desk.ledger, record.stock_seq, desk.state.mark), record.stock_seq)
    notes = []
    if engine.network.version != record.network_version:
        notes.append(f"The network was version {record.network_version}; it is {engine.network.version} now.")
    policy = _policy_of(desk.state, record)
    if policy is None:
        notes.append(f"Policy {record.policy_id} version {record.policy_version} is not known any more.")
    elif policy != engine.policy:
        engine = engine.under(policy)
    decided_on = day_number(utc(record.at_s).date())
    if engine.live.first_day + 1 != decided_on:
        engine = engine.at(utc(record.at_s))
    order: Order = msgspec.json.decode(record.order_json, type=Order).merged()
    plan = _plan_of(desk.ledger, engine, order, record)
    if isinstance(plan, Refusal):
        raise DeskError(
            "cannot-explain",
            CONFLICT,
            f"The plan of decision ({decision_id}) cannot be rebuilt: {plan.text}.",
            "calls that were decided in the same moments, or the network, have changed what was there.",
        )
    again = engine.decide(order, AGAIN_MS).plan
    if again.shipments == plan.shipments:
        plan = replace(plan, method=again.method)  # which is not recorded; what is looked for depends on it
    elif record.quality != "fallback":
        notes.append(
            f"Decided on this again, it costs {again.cost_cents} cents, not {plan.cost_cents}: calls of the same "
            "moments had taken something, or what is due, held back or set has changed."
        )
    else:
        notes.append("The plain rule decided, not the engine: a cheaper plan may be among the rivals.")
    return Explained(
        network=engine.network,
        order=order,
        decision=Decision(
            plan=plan,
            decided_at=utc(record.at_s),
            policy_id=record.policy_id,
            policy_version=record.policy_version,
            network_version=record.network_version,
            elapsed_us=record.elapsed_us,
        ),
        explanation=engine.explain(order, plan, counterfactuals=counterfactuals),
        notes=tuple(notes),
    )


def _copy(state: State) -> tuple[Engine, View]:
    """Engine and view of what the ledger was last heard to hold, without what is on its way."""
    live: Live = state.engine.live.copy()
    engine = state.engine.on(live)
    view = View(live, state.view.numbers)
    for key, (on_hand, reserved) in state.view.pending.items():
        row = view.row(key)
        if row >= 0:
            live.row_on_hand[row] -= on_hand
            live.row_reserved[row] -= reserved
    for at, (orders, units) in state.view.pending_cells.items():
        booked = view.cell(at)
        view.set_booked(at, booked[0] - orders, booked[1] - units)
    return engine, view


def changes_since(ledger: Ledger, seq: int, newest: FeedMark) -> list[Change]:
    """
    The changes after a place in the feed, by their place.

    The feed is read by (transaction, place), and only the place is known: the transaction to begin with is looked for
    by halving. DeskError where the feed does not reach back so far, or too much has changed since.
    """
    first = ledger.changes(FeedMark(), 1)
    if first and first[0].mark.seq > seq + 1:
        raise DeskError(
            "too-old", CONFLICT, "The feed of changes does not reach back to this decision.", "see its answer."
        )
    low, high = 0, newest.xid + 1
    while high - low > 1:
        middle = (low + high) // 2
        found = ledger.changes(FeedMark(middle, 0), 1)
        # Places are given before transactions end, so that both orders differ a little; hence the slack.
        low, high = (middle, high) if found and found[0].mark.seq <= seq - PAGE else (low, middle)
    mark, out = FeedMark(low, 0), []
    if newest.xid <= first[0].mark.xid:
        mark = FeedMark(first[0].mark.xid, seq)  # SQLite: one number of transaction for all, the place says it all
    for _ in range(CHANGES_MAX // PAGE):
        page = ledger.changes(mark, PAGE)
        out += [change for change in page if change.mark.seq > seq]
        if len(page) < PAGE:
            return sorted(out, key=lambda change: change.mark.seq)
        mark = page[-1].mark
    raise DeskError(
        "too-old", CONFLICT, f"More than {CHANGES_MAX} changes were made since this decision.", "see its answer."
    )


def rewind(view: View, changes: Iterable[Change], seq: int) -> None:
    """Bring a view back to a place in the feed: of each row and cell the first later change tells what it found."""
    stock: dict[int, tuple[int, int]] = {}
    cells: dict[tuple[int, ...], CapacityCell] = {}
    for change in changes:
        assert change.mark.seq > seq, "only later changes are taken back"
        for key, _, _, on_hand, reserved in change.stock:
            stock.setdefault(key, (on_hand, reserved))
        for values in change.capacity:
            cells.setdefault(values[:3], CapacityCell(*values[:3], *values[7:]))
    view.set_rows((StockRow(key, *units) for key, units in stock.items()), -1)
    for cell in cells.values():
        view.set_cell(cell)


def _policy_of(state: State, record: DecisionRecord) -> Policy | None:
    """The policy that a decision names."""
    found = state.ledger.get(PolicyRecord, record.policy_id, record.policy_version)
    if found is not None:
        return msgspec.json.decode(found.document_json, type=Policy)
    read = (
        p for p in state.book.read_policies if (p.policy_id, p.version) == (record.policy_id, record.policy_version)
    )
    return next(read, None)


def _plan_of(ledger: Ledger, engine: Engine, order: Order, record: DecisionRecord) -> Plan | Refusal:
    """The plan of a decision, from its answer, with all terms, on the stock of an engine."""
    said = msgspec.json.decode(record.answer_json, type=_Answer)
    lanes = {part.part: part.lane for part in ledger.get_many(Part, [(record.reservation_id,)])}
    unmet = tuple(
        Unmet(line_id=LineId(line.line_id), sku=SkuId(line.sku), quantity=line.quantity) for line in said.unmet
    )
    brief = Brief(
        order_id=OrderId(order.order_id),
        status=Status(record.status),
        legs=tuple(_leg(shipment, lanes.get(shipment.part, -1)) for shipment in said.shipments),
        unmet=unmet,
        cost_cents=record.cost_cents,
        bound_cents=record.bound_cents,
        relaxed=tuple(said.relaxed),
        limit=said.limit,
        method="fallback" if record.quality == "fallback" else "",
    )
    return engine.plan_of(order, brief)


def _leg(shipment: _Shipment, lane: int) -> Leg:
    lines = tuple(
        ShipmentLine(line_id=LineId(line.line_id), sku=SkuId(line.sku), quantity=line.quantity)
        for line in shipment.lines
    )
    return Leg(
        method=Method(shipment.method),
        node=NodeId(shipment.node),
        service=ServiceId(shipment.service) if shipment.service is not None else None,
        place=NodeId(shipment.place) if shipment.place is not None else None,
        lane=lane,
        lines=lines,
        cost_cents=shipment.cost_cents,
        units=sum(line.quantity for line in lines),
        pick_start_s=_seconds(shipment.pick_start),
        pick_day=0,
        pick_hour=0,
        ship_by_s=_seconds(shipment.ship_by),
        deliver_by_s=_seconds(shipment.deliver_by),
    )


def _seconds(moment: datetime | None) -> int:
    return epoch_s(moment) if moment is not None else 0


def decisions_of(ledger: Ledger, order_id: str, *, limit: int = 100) -> list[DecisionRecord]:
    """The decisions of an order, the oldest first."""
    where: dict[str, Any] = {"order_id": order_id}
    return ledger.find(DecisionRecord, where, order=("at_s", "attempt"), limit=limit)

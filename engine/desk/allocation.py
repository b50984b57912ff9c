"""
Allocate: decide an order and hold what that takes, in one call.

Orders that come together are decided together, each on what the ones before left (`Engine.decide_batch`); one that
takes over a hold, asks for another policy or was overtaken is decided alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import msgspec

from engine.decide.brief import Brief
from engine.decide.choose import UnsettledError
from engine.decide.events import canonical
from engine.desk.ask import OK, Answer, DeskError, Draft, Planned, Wanted, answer
from engine.desk.basis import Basis
from engine.desk.documents import (
    AllocationDoc,
    HeldDoc,
    KeptDoc,
    moment,
    part_doc,
    status_word,
    unmet_docs,
)
from engine.desk.fallback import plain_brief
from engine.desk.keep import keep, keep_plainly
from engine.desk.option_id import Promised
from engine.desk.state import DEADLINE_MS, State, joined
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.domain.plan import Status
from engine.domain.policy import Policy
from engine.domain.units import epoch_s
from engine.stock.ledger import Posting
from engine.stock.lifecycle import booked_after
from engine.stock.records import DecisionRecord, EventRecord, Part, PartState, Reservation

TTL_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """
    Decide an order and hold what it takes.

    Parameters
    ----------
    order
        As the caller gives it; work starts no earlier than it was placed.
    decision_id, reservation_id
        The caller's names for what is made; by default both are made from the order's id.
    ttl_s
        How long it is held unless confirmed; None confirms at once.
    hold_id
        A reservation of the same order (a quote's) that this one takes the place of: its units and capacity are this
        order's to use.
    promised
        What the option of a quote promised, which is to be kept (engine/desk/keep.py); what the quote holds is this
        order's to use.
    policy
        Other than the engine's.
    deadline_ms
        For orders that need the stronger method.
    priority
        Higher ones are offered arriving stock first.
    cause
        Why there is a decision.
    """

    order: Order
    decision_id: str
    reservation_id: str
    ttl_s: int | None = TTL_S
    hold_id: str | None = None
    promised: Promised | None = None
    policy: Policy | None = None
    deadline_ms: int = DEADLINE_MS
    priority: int = 0
    cause: str = "order"
    studied: Brief | None = None  # what the study has found, for an order that the kernel alone could not settle
    kept: KeptDoc | None = None  # what became of the promise

    @property
    def name(self) -> str:
        """The operation."""
        return "allocate"

    @property
    def alone(self) -> bool:
        """Whether it cannot be decided together with others."""
        return any(one is not None for one in (self.hold_id, self.promised, self.policy, self.studied))

    def wanted(self) -> Wanted:
        """The hold that it takes over, that of its quote, and whether its own id is free."""
        quote_id = self.promised.quote_id if self.promised is not None and self.promised.held else None
        return Wanted(tuple(name for name in (self.reservation_id, self.hold_id, quote_id) if name is not None))

    def plan(self, state: State) -> Planned:
        """Decide alone."""
        own = self.free_id(state)
        back = self._given_back(state)
        if self.promised is not None:
            kept = keep(self.order, self.promised, state, back, deadline_ms=self.deadline_ms)
            command = replace(self, reservation_id=own, order=kept.order, kept=kept.document)
            return allocated(command, state, kept.brief, back)
        brief = self.studied or self._decided(state, back)
        return allocated(replace(self, reservation_id=own), state, brief, back)

    def plainly(self, state: State) -> Planned:
        """By the plain rule, where the engine broke; its quality says "fallback"."""
        if self.promised is None:
            return allocated(self, state, plain_brief(state.engine, self.order), None)
        kept = keep_plainly(self.order, self.promised, state)
        return allocated(replace(self, order=kept.order, kept=kept.document), state, kept.brief, None)

    def _given_back(self, state: State) -> Posting:
        """What the holds that it takes over give back, and their end; nothing of a quote's hold that is over."""
        back: list[Posting] = []
        if self.hold_id is not None:
            taken_over, parts = state.held(self.hold_id)
            if taken_over.order_id != self.order.order_id:
                raise DeskError(
                    "other-order",
                    409,
                    f"Reservation ({self.hold_id}) is held for order ({taken_over.order_id}), not for "
                    f"({self.order.order_id}).",
                    "name the order's own hold.",
                    field="/hold_id",
                )
            back += [state.given_back(parts), ended(state, taken_over, parts, PartState.RELEASED)]
        if self.promised is not None and self.promised.held and self.promised.quote_id != self.hold_id:
            quoted = state.known_reservation(self.promised.quote_id)
            if quoted is not None and quoted.state == PartState.HELD and not state.ran_out(quoted):
                _, parts = state.held(quoted.reservation_id)
                back += [state.given_back(parts), ended(state, quoted, parts, PartState.RELEASED)]
        return joined(*back)

    def _decided(self, state: State, back: Posting) -> Brief:
        """Decide alone; UnsettledError where that would take long and can be done elsewhere."""
        if self.hold_id is None and self.policy is None:
            (found,) = state.engine.decide_batch([self.order], hold=False, settle=False)
            if isinstance(found, InputError):
                raise found
            if found is None:
                raise UnsettledError(self.order.order_id)
            return found
        engine = state.engine.under(self.policy) if self.policy is not None else None
        return state.decide(self.order, engine=engine, deadline_ms=self.deadline_ms, given_back=back)

    def free_id(self, state: State) -> str:
        """
        The id of the reservation: the order's own may be taken by an earlier one that has ended.

        Raises DeskError where an earlier one is open: an order is not held twice.
        """
        known = state.known_reservation(self.reservation_id)
        if known is None or self.reservation_id == self.hold_id:
            return self.reservation_id
        earlier = state.ledger.find(Reservation, {"order_id": self.order.order_id, "kind": "allocation"}, limit=1000)
        for one in earlier:
            if one.state != "ended" and not state.ran_out(one):
                raise DeskError(
                    "already-allocated",
                    409,
                    f"Order ({self.order.order_id}) is allocated: reservation ({one.reservation_id}), decision "
                    f"({one.decision_id}).",
                    "release that one first, or repeat the call with its Idempotency-Key.",
                    details={"reservation_id": one.reservation_id, "decision_id": one.decision_id},
                )
        if known.order_id != self.order.order_id:
            raise DeskError(
                "exists", 409, f"Reservation ({self.reservation_id}) is another order's.", "use another id."
            )
        return f"{self.reservation_id}.{len(earlier) + 1}"


def plan_together(commands: Sequence[Allocate], state: State) -> list[Draft | InputError | None]:
    """
    Decide orders in their sequence; the view counts what they take already (`View.note`, not `hold`).

    None stands for orders that need the stronger method: they are studied apart (engine/desk/study.py).
    """
    found = state.engine.decide_batch([command.order for command in commands], hold=True, settle=False)
    decided = [(c, brief) for c, brief in zip(commands, found, strict=True) if isinstance(brief, Brief)]
    basis = state.basis()
    try:
        floors = iter(state.floors_of([brief for _, brief in decided], [command.order for command, _ in decided]))
        return [
            _draft(command, state, basis, brief, next(floors)) if isinstance(brief, Brief) else brief
            for command, brief in zip(commands, found, strict=True)
        ]
    except Exception:
        for _, brief in decided:  # nobody gets to see them
            state.engine.hold_brief(brief, -1)
        raise


def allocated(command: Allocate, state: State, brief: Brief, back: Posting | None) -> Planned:
    """Answer and posting of a decided order; an order that cannot be served holds nothing, and is remembered too."""
    planned = _draft(command, state, state.basis(command.policy), brief, None).write()
    assert planned.posting is not None, "a decision is always written down"
    return planned if back is None else planned._replace(posting=joined(back, planned.posting))


def _draft(command: Allocate, state: State, basis: Basis, brief: Brief, floors: Sequence[int] | None) -> Draft:
    """What a decided order takes; its answer and records are still to be written."""
    if brief.unmet and brief.status != Status.NOT_FOUND and not brief.unmet[0].reasons:
        brief = msgspec.structs.replace(brief, unmet=state.engine.why_unmet(command.order, brief))
    posting = Posting()
    if brief.legs:
        posting.stock, posting.capacity = state.taken(brief, command.order, floors)
    return Draft(posting, partial(_written, command, basis, brief, posting))


def _written(command: Allocate, basis: Basis, brief: Brief, posting: Posting) -> Planned:
    """Answer and records of a decided order. Nothing but what it is given may be looked at: see `Draft`."""
    held, confirmed = bool(brief.legs), command.ttl_s is None
    expires_s = None if command.ttl_s is None or not held else basis.now_s + command.ttl_s
    state = PartState.CONFIRMED if confirmed else PartState.HELD
    parts = basis.parts_of(brief, command.reservation_id, state) if held else []
    deliver_s = max([part.deliver_by_s for part in parts], default=None)
    document = AllocationDoc(
        decision_id=command.decision_id,
        order_id=brief.order_id,
        status=status_word(brief),
        quality=quality_of(brief),
        cost_cents=brief.cost_cents,
        bound_cents=brief.bound_cents,
        gap=_gap(brief),
        currency=basis.network.currency,
        deliver_by=moment(deliver_s),
        reservation=HeldDoc(reservation_id=command.reservation_id, state=state.value, expires_at=moment(expires_s))
        if held
        else None,
        shipments=[part_doc(part, basis.numbers) for part in parts],
        unmet=unmet_docs(brief),
        relaxed=list(brief.relaxed),
        limit=brief.limit,
        attempts=1,
        versions=basis.versions(),
        quote=command.kept,
    )
    reply = answer(document, OK)
    posting.makes = [
        decision_record(
            basis,
            brief,
            command.order,
            reply,
            decision_id=command.decision_id,
            reservation_id=command.reservation_id if held else "",
            cause=command.cause,
            kept=command.kept,
        )
    ]
    if deliver_s is not None:
        wanted = command.order.deliver_by
        reservation = Reservation(
            reservation_id=command.reservation_id,
            order_id=brief.order_id,
            kind="allocation",
            state=state.value,
            channel=command.order.channel,
            decision_id=command.decision_id,
            expires_s=expires_s,
            deliver_by_s=epoch_s(wanted) if wanted is not None else deliver_s,
            priority=command.priority,
            created_s=basis.now_s,
            updated_s=basis.now_s,
        )
        posting.makes += [reservation, *parts]
    text = event_text(brief, command)
    event = EventRecord(type="decision.made.v1", subject=brief.order_id, at_s=basis.now_s, data_json=text)
    posting.makes.append(event)
    return Planned(reply, posting)


def quality_of(brief: Brief) -> str:
    """How good an answer is: optimal (or proven to be impossible), feasible, or the plain rule's."""
    if brief.method == "fallback":
        return "fallback"
    return "optimal" if brief.status in (Status.OPTIMAL, Status.INFEASIBLE) else "feasible"


def decision_record(
    basis: Basis,
    brief: Brief,
    order: Order,
    reply: Answer,
    *,
    decision_id: str,
    reservation_id: str,
    cause: str,
    attempt: int = 1,
    kept: KeptDoc | None = None,
) -> DecisionRecord:
    """What was decided, on what, and what was answered."""
    return DecisionRecord(
        decision_id=decision_id,
        order_id=brief.order_id,
        reservation_id=reservation_id,
        at_s=basis.now_s,
        status=brief.status.value,
        quality=quality_of(brief),
        cost_cents=brief.cost_cents,
        bound_cents=brief.bound_cents,
        policy_id=basis.policy.policy_id,
        policy_version=basis.policy.version,
        network_version=basis.network.version,
        stock_seq=basis.stock_seq,
        attempt=attempt,
        cause=cause,
        quote_id=kept.quote_id if kept is not None else "",
        kept=kept.outcome if kept is not None else "",
        order_json=canonical(order).decode(),
        answer_json=reply.body.decode(),
    )


def event_text(brief: Brief, command: Allocate) -> str:
    """The data of a decision's event: what others need to act on it; the rest is at the decision."""
    data = {
        "decision_id": command.decision_id,
        "order_id": brief.order_id,
        "reservation_id": command.reservation_id if brief.legs else None,
        "status": status_word(brief),
        "cause": command.cause,
        "nodes": [leg.node for leg in brief.legs],
        "cost_cents": brief.cost_cents,
    }
    if command.kept is not None:
        data |= {"quote_id": command.kept.quote_id, "quote": command.kept.outcome}
    return msgspec.json.encode(data).decode()


def ended(state: State, reservation: Reservation, parts: Sequence[Part], how: PartState) -> Posting:
    """Records of open parts that end together, and of their reservation; what they hold is given back apart."""
    now_s = state.now_s
    return Posting(
        changes=[
            msgspec.structs.replace(reservation, state="ended", updated_s=now_s, version=reservation.version + 1),
            *(
                msgspec.structs.replace(
                    part, state=how.value, booked=booked_after(part), updated_s=now_s, version=part.version + 1
                )
                for part in parts
            ),
        ]
    )


def placed_now(order: Order, now: datetime) -> Order:
    """The order as it is decided again: work starts now, whatever was promised stays the limit."""
    return replace(order, placed_at=max(order.placed_at, now))


def _gap(brief: Brief) -> float:
    cost, bound = brief.cost_cents, brief.bound_cents
    if brief.status == Status.NOT_FOUND:
        return 1.0
    if cost == bound or brief.status == Status.INFEASIBLE:
        return 0.0
    return round(min(1.0, (cost - bound) / max(abs(cost), abs(bound))), 6)

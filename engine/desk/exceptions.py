"""
The queue that a person works through: what the desk could not settle by its rules.

A case is open, taken by somebody, and resolved: tried again (other nodes, or a later date), made to wait for stock,
cancelled, or closed because it was settled elsewhere. Several people may work on the queue; whoever changes a case says
which version was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from engine.desk.ask import CONFLICT, NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.documents import PartDoc, moment, part_doc
from engine.desk.rest import (
    decide_rest,
    excluded_nodes,
    held_anew,
    no_order,
    order_as_given,
    promised_order,
    rest_of,
    unmet_units,
)
from engine.desk.state import State, joined
from engine.desk.waiting import promise_of, waiting_rows
from engine.domain.units import epoch_s
from engine.stock.ledger import Ledger, Posting, key_parts
from engine.stock.records import ENDED, EventRecord, Part, PartState
from engine.stock.records_oms import ExceptionCase


class Resolution(StrEnum):
    """What a person does with a case."""

    RETRY = "retry"  # decide its lines again now
    BACKORDER = "backorder"  # they wait for stock
    CANCEL = "cancel"  # they are not delivered
    CLOSE = "close"  # settled elsewhere


class CaseDoc(msgspec.Struct, kw_only=True):
    """A case in the caller's words."""

    exception_id: str
    kind: str
    state: str
    order_id: str
    reservation_id: str | None
    text: str
    data: msgspec.Raw
    assigned_to: str | None
    resolution: str | None
    opened_at: datetime | None
    updated_at: datetime | None
    version: int


class ResolvedDoc(msgspec.Struct, kw_only=True):
    """What resolving did: the case, and new shipments or the lines that still have none."""

    case: CaseDoc
    decision_id: str | None = None
    promise_kept: bool | None = None
    shipments: list[PartDoc] = []
    waiting: dict[str, int] = {}  # units by line
    unmet: dict[str, int] = {}


def new_case(
    state: State,
    exception_id: str,
    kind: str,
    text: str,
    data: Mapping[str, Any],
    *,
    order_id: str = "",
    reservation_id: str = "",
) -> ExceptionCase:
    """A case that opens now. ``data`` has "units" (by line id) where lines wait for what a person says."""
    return ExceptionCase(
        exception_id=exception_id,
        kind=kind,
        order_id=order_id,
        reservation_id=reservation_id,
        state="open",
        text=text,
        data_json=msgspec.json.encode(data).decode(),
        opened_s=state.now_s,
        updated_s=state.now_s,
    )


def opened(case: ExceptionCase) -> EventRecord:
    """The event of a case that opens."""
    data = {"exception_id": case.exception_id, "kind": case.kind, "order_id": case.order_id}
    return event(case.opened_s, "exception.opened.v1", case.exception_id, data)


def event(at_s: int, kind: str, subject: str, data: Mapping[str, Any]) -> EventRecord:
    """An event with small data."""
    return EventRecord(type=kind, subject=subject, at_s=at_s, data_json=msgspec.json.encode(data).decode())


def short_case(
    state: State, key: int, on_hand: int, reserved: int, cause: str, *, changed: Part | None = None
) -> Posting | None:
    """
    A case that lists who holds units of a row of which there are too few; None where one is open for it.

    Nothing is taken from anybody: a person decides who gets what there is. `changed` is a shipment as it
    will be, of those that hold units there.
    """
    sku_no, node_no = key_parts(key)
    node, sku = state.node_id(node_no), state.sku_id(sku_no)
    name = f"short:{node}:{sku}"
    known = state.ledger.get(ExceptionCase, name)
    if known is not None and known.state != "resolved":
        return None
    parts = {(part.reservation_id, part.part): part for part in holding(state.ledger, node_no)}
    if changed is not None:
        parts[changed.reservation_id, changed.part] = changed
    holders = [
        {"reservation_id": part.reservation_id, "part": part.part, "order_id": part.order_id, "units": units}
        for part in parts.values()
        for _, held_sku, units in part.lines
        if held_sku == sku_no and part.state not in ENDED
    ]
    text = f"Node ({node}) has {on_hand} of sku ({sku}) and {reserved} are reserved."
    data = {"node": node, "sku": sku, "on_hand": on_hand, "reserved": reserved, "cause": cause, "holders": holders}
    case = new_case(state, name, "stock_short", text, data)
    if known is None:
        return Posting(makes=[case, opened(case)])
    return Posting(changes=[msgspec.structs.replace(case, version=known.version + 1)], makes=[opened(case)])


def holding(ledger: Ledger, node_no: int) -> list[Part]:
    """The open parts at a node."""
    where = {"node_no": node_no, "state": tuple(s.value for s in PartState if s not in ENDED)}
    found: list[Part] = []
    while True:
        after = (found[-1].reservation_id, found[-1].part) if found else None
        page = ledger.find(Part, where, after=after, limit=1_000)
        found += page
        if len(page) < 1_000:
            return found


def case_doc(case: ExceptionCase) -> CaseDoc:
    """A case in the caller's words."""
    return CaseDoc(
        exception_id=case.exception_id,
        kind=case.kind,
        state=case.state,
        order_id=case.order_id,
        reservation_id=case.reservation_id or None,
        text=case.text,
        data=msgspec.Raw(case.data_json.encode()),
        assigned_to=case.assigned_to or None,
        resolution=case.resolution or None,
        opened_at=moment(case.opened_s),
        updated_at=moment(case.updated_s),
        version=case.version,
    )


def list_cases(
    ledger: Ledger,
    *,
    states: Sequence[str] = ("open", "taken"),
    kind: str | None = None,
    assigned_to: str | None = None,
    after: tuple[Any, ...] | None = None,
    limit: int = 100,
) -> tuple[list[CaseDoc], tuple[Any, ...] | None]:
    """Cases, the oldest first, and where the next page begins (None: there is none)."""
    where: dict[str, Any] = {"state": tuple(states)}
    where |= {} if kind is None else {"kind": kind}
    where |= {} if assigned_to is None else {"assigned_to": assigned_to}
    found = ledger.find(ExceptionCase, where, order=("opened_s",), after=after, limit=limit)
    last = (found[-1].opened_s, found[-1].exception_id) if len(found) == limit else None
    return [case_doc(case) for case in found], last


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCase:
    """Take a case, or hand it to somebody; it is theirs until it is resolved or handed on."""

    exception_id: str
    to: str
    version: int | None = None  # as it was read

    @property
    def name(self) -> str:
        """The operation."""
        return "take_exception"

    def wanted(self) -> Wanted:
        """Nothing but the case."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Give it to them."""
        case = _unresolved(state, self.exception_id, self.version)
        taken = msgspec.structs.replace(
            case, state="taken", assigned_to=self.to, updated_s=state.now_s, version=case.version + 1
        )
        return Planned(answer(case_doc(taken)), Posting(changes=[taken]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveCase:
    """
    Resolve a case.

    Parameters
    ----------
    resolution
        RETRY decides its lines again and resolves the case only if all are served then.
    reservation_id
        Of the case, so that it is read before; the case's own by default.
    decision_id
        The caller's name for what RETRY decides.
    deliver_by
        A later date than was promised, agreed with the customer; the promise by default.
    forget_nodes
        Nodes may be asked again that rejected the order.
    priority
        Of lines that wait, higher first.
    """

    exception_id: str
    resolution: Resolution
    by: str
    reservation_id: str = ""
    decision_id: str = ""
    deliver_by: datetime | None = None
    forget_nodes: bool = False
    priority: int | None = None
    version: int | None = None

    @property
    def name(self) -> str:
        """The operation."""
        return "resolve_exception"

    def wanted(self) -> Wanted:
        """The reservation of the case, if it was named."""
        return Wanted((self.reservation_id,) if self.reservation_id else ())

    def plan(self, state: State) -> Planned:
        """Do as the person says."""
        case = _unresolved(state, self.exception_id, self.version)
        units: dict[str, int] = msgspec.json.decode(case.data_json).get("units", {})
        if self.resolution == Resolution.CLOSE:
            return self._closed(state, case)
        if not units:
            raise DeskError(
                "nothing-to-do",
                CONFLICT,
                f"Exception ({case.exception_id}) of kind ({case.kind}) has no lines to {self.resolution}.",
                "act on the reservations that it lists, then close it.",
            )
        if self.resolution == Resolution.CANCEL:
            data = {"order_id": case.order_id, "reservation_id": case.reservation_id, "units": units}
            return self._closed(
                state, case, Posting(makes=[event(state.now_s, "order.lines_cancelled.v1", case.order_id, data)])
            )
        if self.reservation_id != case.reservation_id:
            state.also_read(case.reservation_id)
        reservation = state.reservation(case.reservation_id)
        order = order_as_given(state, reservation)
        if order is None:
            raise no_order(reservation)
        if self.resolution == Resolution.BACKORDER:
            promised = promised_order(order, reservation)
            priority = reservation.priority if self.priority is None else self.priority
            waiting = waiting_rows(state, promised, units, priority=priority, promise_s=promise_of(promised))
            return self._closed(state, case, waiting.posting, waiting=units, then=waiting.then)
        return self._retried(state, case, units)

    def _retried(self, state: State, case: ExceptionCase, units: Mapping[str, int]) -> Planned:
        """Decide the lines of a case again, now."""
        reservation, parts = state.reservation(case.reservation_id), state.parts(case.reservation_id)
        order = order_as_given(state, reservation)
        assert order is not None, "only cases of allocations get here"
        rest = decide_rest(
            state,
            reservation,
            parts,
            rest_of(
                order,
                units,
                now_s=state.now_s,
                promise_s=epoch_s(self.deliver_by) if self.deliver_by is not None else reservation.deliver_by_s,
                excluded=() if self.forget_nodes else excluded_nodes(state, case.order_id),
                others=parts,
            ),
            part_state=PartState.CONFIRMED,
            given_back=None,
        )
        unmet = unmet_units(rest.brief)
        if not rest.parts:
            document = ResolvedDoc(case=case_doc(case), promise_kept=False, unmet=unmet)
            return Planned(answer(document))
        left = {**msgspec.json.decode(case.data_json), "units": unmet}
        changed = (
            self._changed(state, case)
            if not unmet
            else msgspec.structs.replace(
                case, data_json=msgspec.json.encode(left).decode(), updated_s=state.now_s, version=case.version + 1
            )
        )
        decision_id = self.decision_id or f"{case.exception_id}.{case.version}"
        document = ResolvedDoc(
            case=case_doc(changed),
            decision_id=decision_id,
            promise_kept=rest.kept,
            shipments=[part_doc(part, state.view.numbers) for part in rest.parts],
            unmet=unmet,
        )
        reply = answer(document)
        taken = held_anew(state, reservation, rest, reply, decision_id=decision_id, cause="exception", open_parts=parts)
        data = {"decision_id": decision_id, "reservation_id": reservation.reservation_id, "promise_kept": rest.kept}
        note = event(state.now_s, "decision.replanned.v1", case.order_id, data)
        return Planned(reply, joined(taken, Posting(changes=[changed], makes=[note])))

    def _closed(
        self,
        state: State,
        case: ExceptionCase,
        posting: Posting | None = None,
        *,
        waiting: Mapping[str, int] | None = None,
        then: Any = None,
    ) -> Planned:
        changed = self._changed(state, case)
        data = {"exception_id": case.exception_id, "resolution": self.resolution.value, "by": self.by}
        note = event(state.now_s, "exception.resolved.v1", case.exception_id, data)
        document = ResolvedDoc(case=case_doc(changed), waiting=dict(waiting or {}))
        return Planned(answer(document), joined(posting or Posting(), Posting(changes=[changed], makes=[note])), then)

    def _changed(self, state: State, case: ExceptionCase) -> ExceptionCase:
        return msgspec.structs.replace(
            case,
            state="resolved",
            assigned_to=self.by,
            resolution=self.resolution.value,
            updated_s=state.now_s,
            version=case.version + 1,
        )


def _unresolved(state: State, exception_id: str, version: int | None) -> ExceptionCase:
    """A case that somebody may still act on, as it was read."""
    case = state.ledger.get(ExceptionCase, exception_id)
    if case is None:
        raise DeskError("unknown-exception", NOT_FOUND, f"Exception ({exception_id}) is unknown.", "check the id.")
    if case.state == "resolved":
        text = f"Exception ({exception_id}) was resolved by ({case.assigned_to}): {case.resolution}."
        raise DeskError("wrong-state", CONFLICT, text, "it needs nothing more.")
    if version is not None and version != case.version:
        raise DeskError(
            "version", 412, f"Exception ({exception_id}) is at version {case.version}, not {version}.", "read it again."
        )
    return case

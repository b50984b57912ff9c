"""
Work on parts as it is done: picked, ready, shipped or sent off on a lane, arrived, collected; and fulfilled by line.

Each step is taken once: a part that has taken it is refused it, unless the same call is repeated with its key. A step
may be marked for some lines only; these go on as a part of their own, and the rest stays where it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.desk.ask import CONFLICT, DeskError, Planned, Wanted, answer
from engine.desk.draft import Draft, lines_of
from engine.desk.reserve import document_of, planned
from engine.desk.state import State
from engine.desk.transfer import TRANSFERS_MAX, TransferredDoc, TransfersDoc
from engine.domain.errors import InputError
from engine.stock.lifecycle import Step, rule_of
from engine.stock.records import Part, PartState

MARKS = (Step.PICK, Step.READY, Step.SHIP, Step.ARRIVE, Step.COLLECT)
COLLECT_S = 7 * 86_400  # how long a part is kept ready for the customer
COLLECT_MAX_S = 90 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """
    A step of the work on a part was done.

    Parameters
    ----------
    reservation_id, part
        Which.
    step
        One of MARKS.
    lines
        Units by line id, where not all of it.
    collect_s
        With READY and ARRIVE: how many seconds it is kept for the customer; then it goes back on sale.
    paid_cents
        With COLLECT: what the customer paid in the store, where it was reserved online.
    reference
        With SHIP: the carrier's number; told in the event.
    by
        Who says so.
    """

    reservation_id: str
    part: int
    step: Step
    lines: Mapping[str, int] | None = None
    collect_s: int = COLLECT_S
    paid_cents: int | None = None
    reference: str = ""
    by: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return f"mark-{self.step}"

    def wanted(self) -> Wanted:
        """The reservation."""
        return Wanted((self.reservation_id,))

    def plan(self, state: State) -> Planned:
        """Take the step."""
        if self.step not in MARKS:
            raise InputError(f"Step ({self.step}) cannot be marked.", f"one of {', '.join(MARKS)}.")
        if not 1 <= self.collect_s <= COLLECT_MAX_S:
            raise InputError(f"collect_s ({self.collect_s}) is not within 1 and {COLLECT_MAX_S}.", "give seconds.")
        draft = Draft(state)
        draft.open(self.reservation_id)
        part = draft.part(self.reservation_id, self.part)
        check_routed(part, self.step, state)
        ready = self.step in (Step.READY, Step.ARRIVE)
        due_s = state.now_s + self.collect_s if ready else None
        if self.step == Step.SHIP and part.place_no >= 0:
            due_s = part.deliver_by_s  # when it is expected at the place
        marked = draft.step(part, self.step, self.lines, due_s=due_s)
        draft.event(f"shipment.{marked.state}", self.reservation_id, self._data(marked, state))
        return planned(draft, self.reservation_id)

    def _data(self, part: Part, state: State) -> dict[str, Any]:
        """What the event says; READY is what the customer is told."""
        data: dict[str, Any] = {
            "reservation_id": part.reservation_id,
            "order_id": part.order_id,
            "part": part.part,
            "node": state.node_id(part.node_no),
            "place": state.node_id(part.place_no) if part.place_no >= 0 else None,
            "service": part.service or None,
            "lines": lines_of(part, state),
        }
        if part.state == PartState.READY:
            data["collect_by_s"] = part.due_s
        if self.paid_cents is not None:
            data["paid_cents"] = self.paid_cents
        if self.reference:
            data["reference"] = self.reference
        if self.by:
            data["by"] = self.by
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilLine:
    """Units of a line that left a node."""

    reservation_id: str
    line_id: str
    quantity: int
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfil:
    """
    Units that left a node, by line: all of them or none.

    For systems that hold, transfer and fulfil and mark no parts. The units are taken from the parts at that node in
    their order; what is held at a group is transferred to the node first.
    """

    lines: tuple[FulfilLine, ...]

    @property
    def name(self) -> str:
        """The operation."""
        return "fulfil"

    def wanted(self) -> Wanted:
        """All reservations that are named."""
        return Wanted(tuple(dict.fromkeys(line.reservation_id for line in self.lines)))

    def plan(self, state: State) -> Planned:
        """Ship line by line."""
        if not 1 <= len(self.lines) <= TRANSFERS_MAX:
            raise InputError(f"{len(self.lines)} lines are not 1 to {TRANSFERS_MAX}.", "split the call.")
        draft = Draft(state)
        shipped: dict[str, list[Part]] = {}
        for i, line in enumerate(self.lines):
            draft.open(line.reservation_id)
            shipped.setdefault(line.reservation_id, []).extend(_fulfil(draft, line, i))
        for name, parts in shipped.items():
            sent = [{"node": state.node_id(p.node_no), "lines": lines_of(p, state)} for p in parts]
            order_id = draft.reservation(name).order_id
            draft.event("reservation.fulfilled", name, {"reservation_id": name, "order_id": order_id, "parts": sent})
        posting = draft.posting()
        done = [
            TransferredDoc(
                reservation_id=line.reservation_id,
                line_id=line.line_id,
                transferred=line.quantity,
                code="fulfilled",
                detail="",
            )
            for line in self.lines
        ]
        return Planned(
            answer(TransfersDoc(transfers=done, reservations=[document_of(draft, name) for name in shipped])), posting
        )


def _fulfil(draft: Draft, line: FulfilLine, index: int) -> list[Part]:
    node_no = draft.state.node_no(line.node, f"lines/{index}/node")
    left, out = line.quantity, []
    for part in draft.open_parts(line.reservation_id):
        rule = rule_of(part, Step.SHIP)
        if part.node_no != node_no or part.group or rule is None or rule.to != PartState.SHIPPED:
            continue
        units = min(left, sum(count for line_id, _, count in part.lines if line_id == line.line_id))
        if units > 0:
            out.append(draft.step(part, Step.SHIP, {line.line_id: units}))
            left -= units
    if left > 0 or line.quantity < 1:
        raise DeskError(
            "not-in-part",
            CONFLICT,
            f"Reservation ({line.reservation_id}) has {line.quantity - left} unit(s) of line ({line.line_id}) at node "
            f"({line.node}) that can be shipped, not {line.quantity}.",
            "transfer what is held at a group first.",
            field=f"/lines/{index}",
        )
    return out


def check_routed(part: Part, step: Step, state: State) -> None:
    """Raise DeskError where units are held anywhere in a group: nobody has chosen the node that is to work on them."""
    if part.group:
        raise DeskError(
            "wrong-state",
            CONFLICT,
            f"Part ({part.part}) of reservation ({part.reservation_id}) is held at group ({part.group}); it cannot "
            f"{step}.",
            f"transfer it to a node first; ({state.node_id(part.node_no)}) backs it now.",
        )

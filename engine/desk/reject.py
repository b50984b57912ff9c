"""
Rejections: a node could not pick what it was asked for.

In one posting the reason corrects the node's stock (engine/desk/shelf.py), the node is excluded with memory, and the
rejected lines are decided again under the promise that was given; the engine relaxes its rules by the policy's steps
only where nothing else is left, and the answer says whether the promise is kept. After too many of these, or where no
node can serve a line, a case opens for a person. Stock that turns out to be less than what is reserved opens a case
that lists the holders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from engine.desk.ask import CONFLICT, NOT_FOUND, Answer, DeskError, Planned, Wanted, answer
from engine.desk.book import EXCLUSIONS
from engine.desk.documents import PartDoc, UnmetDoc, moment, part_doc, unmet_docs
from engine.desk.draft import wrong_step
from engine.desk.exceptions import event, new_case, opened, short_case
from engine.desk.rest import (
    Rest,
    decide_rest,
    excluded_nodes,
    held_anew,
    order_as_given,
    promised_order,
    rest_of,
    unmet_units,
)
from engine.desk.shelf import Effect, Reason, RejectedLine, blocked_by, capacity_back, effects_of, lessened, shelf_of
from engine.desk.state import State, joined
from engine.desk.waiting import promise_of, waiting_rows
from engine.domain.errors import InputError
from engine.network.live import ON_HAND_MAX
from engine.stock.ledger import Move, Posting, key_parts
from engine.stock.lifecycle import Step, rule_of
from engine.stock.records import ENDED, Part, PartState, Reservation
from engine.stock.records_oms import ExceptionCase, Exclusion, Rejection


class StockDoc(msgspec.Struct, kw_only=True):
    """Units on hand at a node, before and after."""

    node: str
    sku: str
    on_hand_before: int
    on_hand: int
    reserved: int


class RejectionDoc(msgspec.Struct, kw_only=True):
    """What a rejection did."""

    rejection_id: str
    reservation_id: str
    order_id: str
    part: int
    reason: str
    outcome: str  # resourced, partly_resourced, waiting, exception
    promise_kept: bool
    promise: datetime | None
    deliver_by: datetime | None  # the last of the new shipments
    decision_id: str | None
    resourcings: int  # so far, of those that Rules.resourcings_max allows
    relaxed: list[str]
    shipments: list[PartDoc]
    unmet: list[UnmetDoc]
    waiting: dict[str, int]  # units by line
    exceptions: list[str]
    stock: list[StockDoc]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """
    A node rejects lines of a shipment.

    Parameters
    ----------
    rejection_id
        The caller's; names the decision that follows as well.
    reservation_id, part
        The shipment.
    lines
        What could not be picked; lines and units that are not named stay with the node.
    whole_part
        The rest of the shipment is to come from elsewhere, too.
    unmet
        What becomes of lines that nobody can serve: "exception" or "backorder".
    """

    rejection_id: str
    reservation_id: str
    part: int
    lines: tuple[RejectedLine, ...]
    reason: Reason
    whole_part: bool = False
    unmet: str = "exception"
    by: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "reject"

    def wanted(self) -> Wanted:
        """The reservation."""
        return Wanted((self.reservation_id,))

    def plan(self, state: State) -> Planned:
        """Correct the stock, exclude the node, decide again."""
        self._check()
        reservation, open_parts = state.held(self.reservation_id)
        part = self._part(open_parts)
        gone = self._gone(part)
        effects = effects_of(state, part, gone, {line.line_id: line for line in self.lines}, self.reason)
        all_parts = state.parts(self.reservation_id)
        left, off = lessened(part, gone, max(one.part for one in all_parts) + 1, state.now_s)
        back = Posting(
            stock=[effect.change for effect in effects.values()],
            capacity=capacity_back(state, part, left),
            moves=[
                Move(key, effect.after - effect.before, state.now_s, "rejected", self.rejection_id)
                for key, effect in effects.items()
                if effect.after != effect.before
            ],
            changes=[left],
            makes=[*off],
        )
        blocked = blocked_by(state, part, self.lines, self.reason)
        noted = self._noted(state, part, left, effects, blocked)
        others = [left if one.part == part.part else one for one in all_parts] + off
        rest = self._decide(state, reservation, part, gone, others, back)
        return self._planned(state, reservation, others, rest, gone, effects, joined(back, noted), blocked)

    def _check(self) -> None:
        if not self.lines:
            raise InputError(f"Rejection ({self.rejection_id}) names no line.", "name the lines that were not picked.")
        for field, known in (("reason", set(Reason)), ("unmet", {"exception", "backorder"})):
            if getattr(self, field) not in known:
                raise InputError(
                    f"{field} ({getattr(self, field)}) of rejection ({self.rejection_id}) is unknown.",
                    f"one of {', '.join(sorted(known))}.",
                )
        ids = [line.line_id for line in self.lines]
        twice = next((i for i in ids if ids.count(i) > 1), None)
        if twice is not None:
            raise InputError(f"Rejection ({self.rejection_id}) names line ({twice}) twice.", "sum its units.")
        for line in self.lines:
            if line.counted is not None and not 0 <= line.counted <= ON_HAND_MAX:
                raise InputError(
                    f"counted ({line.counted}) of line ({line.line_id}) is not within 0 and {ON_HAND_MAX}."
                )
            if line.counted is None and self.reason == Reason.MISMATCH:
                raise InputError(
                    f"Line ({line.line_id}) is rejected for a mismatch without counted units.",
                    "say how many there are.",
                )

    def _part(self, open_parts: Sequence[Part]) -> Part:
        for part in open_parts:
            if part.part == self.part:
                if rule_of(part, Step.REJECT) is None:
                    raise wrong_step(part, Step.REJECT)
                return part
        raise DeskError(
            "unknown-part",
            NOT_FOUND,
            f"Reservation ({self.reservation_id}) has no open shipment ({self.part}).",
            f"open are {', '.join(str(part.part) for part in open_parts)}.",
            field="/part",
        )

    def _gone(self, part: Part) -> dict[str, int]:
        """Units by line that leave the node: the rejected ones, or all."""
        have = {line_id: units for line_id, _, units in part.lines}
        for line in self.lines:
            if not 1 <= line.units <= have.get(line.line_id, 0):
                raise DeskError(
                    "not-in-part",
                    CONFLICT,
                    f"Shipment ({part.part}) of reservation ({part.reservation_id}) holds {have.get(line.line_id, 0)} "
                    f"units of line ({line.line_id}), not {line.units}.",
                    "see the shipment for what is open.",
                    field="/lines",
                )
        return have if self.whole_part else {line.line_id: line.units for line in self.lines}

    def _noted(
        self, state: State, part: Part, left: Part, effects: Mapping[int, Effect], blocked: Mapping[int, int]
    ) -> Posting:
        """The records of a rejection: itself, what is excluded, who else is short, events."""
        sku_of = {line_id: sku_no for line_id, sku_no, _ in part.lines}
        until_s = state.now_s + state.rules.order_excluded_s
        noted = Posting(
            makes=[
                Rejection(
                    rejection_id=self.rejection_id,
                    reservation_id=self.reservation_id,
                    order_id=part.order_id,
                    part=part.part,
                    line_id=line.line_id,
                    node_no=shelf_of(part),
                    sku_no=sku_of[line.line_id],
                    units=line.units,
                    reason=self.reason.value,
                    counted=line.counted,
                    at_s=state.now_s,
                    by=self.by,
                )
                for line in self.lines
            ],
            puts=[
                Exclusion(
                    order_id=part.order_id,
                    node_no=shelf_of(part),
                    sku_no=-1,
                    until_s=until_s,
                    reason=self.reason.value,
                ),
                *(
                    Exclusion(
                        order_id="", node_no=key_parts(key)[1], sku_no=key_parts(key)[0], until_s=t, reason="not_found"
                    )
                    for key, t in blocked.items()
                ),
            ],
            notices=[EXCLUSIONS] if blocked else [],
        )
        data = {
            "rejection_id": self.rejection_id,
            "reservation_id": self.reservation_id,
            "part": part.part,
            "node": state.node_id(shelf_of(part)),
            "reason": self.reason.value,
            "units": {line.line_id: line.units for line in self.lines},
        }
        noted.makes.append(event(state.now_s, "reservation.rejected.v1", part.order_id, data))
        for key, effect in effects.items():
            if effect.after < effect.reserved:
                short = short_case(state, key, effect.after, effect.reserved, self.rejection_id, changed=left)
                noted = joined(noted, short) if short is not None else noted
        return noted

    def _decide(
        self,
        state: State,
        reservation: Reservation,
        part: Part,
        gone: Mapping[str, int],
        others: Sequence[Part],
        back: Posting,
    ) -> Rest | None:
        """Decide again what the node does not serve; None where that is not to be, or cannot."""
        if reservation.attempts > state.rules.resourcings_max:
            return None
        order = order_as_given(state, reservation)
        if order is None:
            return None
        excluded = [*excluded_nodes(state, part.order_id), state.node_id(shelf_of(part))]
        rest = rest_of(
            order,
            gone,
            now_s=state.now_s,
            promise_s=reservation.deliver_by_s,
            excluded=excluded,
            others=others,
            place=state.node_id(part.place_no) if part.place_no >= 0 else None,
        )
        part_state = PartState.HELD if part.state == PartState.HELD else PartState.CONFIRMED
        return decide_rest(state, reservation, others, rest, part_state=part_state, given_back=back)

    def _planned(
        self,
        state: State,
        reservation: Reservation,
        others: Sequence[Part],
        rest: Rest | None,
        gone: Mapping[str, int],
        effects: Mapping[int, Effect],
        posting: Posting,
        blocked: dict[int, int],
    ) -> Planned:
        unmet = dict(gone) if rest is None or not rest.parts else unmet_units(rest.brief)
        waiting: dict[str, int] = {}
        look = None
        if unmet and rest is not None and self.unmet == "backorder":
            order = order_as_given(state, reservation)
            assert order is not None, "only orders are decided again"
            promised = promised_order(order, reservation)
            waits = waiting_rows(state, promised, unmet, priority=reservation.priority, promise_s=promise_of(promised))
            waiting, look, posting = unmet, waits.then, joined(posting, waits.posting)
        elif unmet:
            posting = joined(posting, self._case(state, reservation, rest, unmet))
        made = rest.parts if rest is not None else []
        reply = self._answer(state, reservation, rest, unmet, waiting, effects, posting)
        if rest is not None and made:
            taken = held_anew(
                state, reservation, rest, reply, decision_id=self.rejection_id, cause="rejection", open_parts=others
            )
            data = {"decision_id": self.rejection_id, "cause": "rejection", "promise_kept": rest.kept}
            note = event(state.now_s, "decision.replanned.v1", reservation.order_id, data)
            posting = joined(posting, taken, Posting(makes=[note]))
        else:
            posting = joined(posting, Posting(changes=[self._without(state, reservation, others)]))

        def then(state: State) -> None:
            if blocked:
                state.book.block(state, rows=blocked)
            if look is not None:
                look(state)

        return Planned(reply, posting, then)

    def _case(self, state: State, reservation: Reservation, rest: Rest | None, unmet: Mapping[str, int]) -> Posting:
        """The case of lines that have no shipment any more."""
        plain = not reservation.decision_id
        used = reservation.attempts > state.rules.resourcings_max
        kind = "hold_rejected" if plain else "attempts_used" if used else "cannot_resource"
        why = {
            "hold_rejected": "they were held without an order",
            "attempts_used": f"it was decided anew {reservation.attempts - 1} times already",
            "cannot_resource": "no other node can serve them",
        }[kind]
        text = f"Lines {', '.join(sorted(unmet))} of order ({reservation.order_id}) were rejected, and {why}."
        reasons = {u.line_id: u.summary for u in rest.brief.unmet} if rest is not None else {}
        data = {"units": dict(unmet), "rejection_id": self.rejection_id, "reason": self.reason, "why": reasons}
        case = new_case(
            state,
            f"rejected:{self.rejection_id}",
            kind,
            text,
            data,
            order_id=reservation.order_id,
            reservation_id=reservation.reservation_id,
        )
        return Posting(makes=[case, opened(case)])

    def _answer(
        self,
        state: State,
        reservation: Reservation,
        rest: Rest | None,
        unmet: Mapping[str, int],
        waiting: dict[str, int],
        effects: Mapping[int, Effect],
        posting: Posting,
    ) -> Answer:
        made = rest.parts if rest is not None else []
        outcome = "resourced" if not unmet else "partly_resourced" if made else "waiting" if waiting else "exception"
        document = RejectionDoc(
            rejection_id=self.rejection_id,
            reservation_id=self.reservation_id,
            order_id=reservation.order_id,
            part=self.part,
            reason=self.reason.value,
            outcome=outcome,
            promise_kept=rest is not None and rest.kept,
            promise=moment(reservation.deliver_by_s),
            deliver_by=moment(max((part.deliver_by_s for part in made), default=None)),
            decision_id=self.rejection_id if made else None,
            resourcings=reservation.attempts - (0 if made else 1),
            relaxed=list(rest.brief.relaxed) if rest is not None and made else [],
            shipments=[part_doc(part, state.view.numbers) for part in made],
            unmet=unmet_docs(rest.brief) if rest is not None else [],
            waiting=waiting,
            exceptions=[r.exception_id for r in (*posting.makes, *posting.changes) if isinstance(r, ExceptionCase)],
            stock=[
                StockDoc(
                    node=state.node_id(key_parts(key)[1]),
                    sku=state.sku_id(key_parts(key)[0]),
                    on_hand_before=effect.before,
                    on_hand=effect.after,
                    reserved=effect.reserved,
                )
                for key, effect in effects.items()
            ],
        )
        return answer(document)

    def _without(self, state: State, reservation: Reservation, others: Sequence[Part]) -> Reservation:
        """The reservation where no new shipment takes the place of the rejected one."""
        still = any(part.state not in ENDED for part in others)
        return msgspec.structs.replace(
            reservation,
            state=reservation.state if still else "ended",
            updated_s=state.now_s,
            version=reservation.version + 1,
        )

"""
Cancelling at any stage puts everything back exactly.

    stage                    units                                         capacity
    held, confirmed          on sale again at their node                   given back
    picked, ready            back on the shelf where they are, on sale     kept: the work was done
    in transit               due at the store they travel to (a lot)       kept
    waiting for stock        wait no longer                                none was booked
    shipped, collected       not to be cancelled; they are returned
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.desk.ask import CONFLICT, NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.documents import ReservationDoc
from engine.desk.draft import Draft, lines_of, wrong_step
from engine.desk.reserve import document_of, end_parts
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.stock.lifecycle import Step
from engine.stock.records import ENDED, Part, PartState, Record, Reservation
from engine.stock.records_oms import Backorder

OF_ORDER_MAX = 1_000  # reservations, or waiting lines, of one order
GONE = (PartState.SHIPPED, PartState.COLLECTED)


class CancelledDoc(msgspec.Struct, kw_only=True):
    """What was cancelled, by line, and the reservations as they are then."""

    order_id: str
    cancelled: dict[str, int]
    reservations: list[ReservationDoc]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """
    The customer does not want it any more.

    Parameters
    ----------
    order_id
        Whose.
    lines
        Units by line id; None for the whole order, or part. Of each line, what has come least far is cancelled first:
        units that wait for stock, then held, confirmed, picked ones.
    reservation_id, part
        Of this reservation, or this part of it, only.
    open_only
        Cancel what still can be; without it nothing is cancelled where something meant was shipped.
    """

    order_id: str
    lines: Mapping[str, int] | None = None
    reservation_id: str | None = None
    part: int | None = None
    open_only: bool = False

    @property
    def name(self) -> str:
        """The operation."""
        return "cancel"

    def wanted(self) -> Wanted:
        """Nothing: the reservations of the order are looked up."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Cancel what waits, then what is held, part by part."""
        if self.part is not None and self.reservation_id is None:
            raise InputError(f"part ({self.part}) is given without reservation_id.", "give both.")
        if self.lines is not None and (not self.lines or min(self.lines.values()) < 1):
            raise InputError(f"lines ({dict(self.lines)}) must name units of at least 1.", "leave it out for all.")
        draft = Draft(state)
        names = self._load(draft)
        left = None if self.lines is None else dict(self.lines)
        cancelled: dict[str, int] = {}
        waiting = self._waiting(state) if self.part is None else []
        draft.record(changes=self._unwait(state, waiting, left, cancelled))
        ended: list[Part] = []
        for name in names:
            ended += self._end(draft, name, left)
        for part in ended:
            for line_id, _, units in part.lines:
                cancelled[line_id] = cancelled.get(line_id, 0) + units
        self._check_all(draft, names, left, cancelled)
        data: dict[str, Any] = {"order_id": self.order_id, "lines": cancelled}
        data["parts"] = [
            {
                "reservation_id": p.reservation_id,
                "part": p.part,
                "node": state.node_id(p.node_no),
                "lines": lines_of(p, state),
            }
            for p in ended
        ]
        draft.event("order.cancelled", self.order_id, data)
        posting = draft.posting()
        touched = [name for name in names if any(part.reservation_id == name for part in ended)]
        documents = [document_of(draft, name) for name in touched]
        return Planned(
            answer(CancelledDoc(order_id=self.order_id, cancelled=cancelled, reservations=documents)), posting
        )

    def _load(self, draft: Draft) -> list[str]:
        """Reservations of the order that are meant, the latest first; those that ran out of time are over."""
        state = draft.state
        where = {"order_id": self.order_id}
        if self.reservation_id is not None:
            where["reservation_id"] = self.reservation_id
        found = state.ledger.find(Reservation, where, limit=OF_ORDER_MAX)
        parts: dict[str, list[Part]] = {}
        for part in state.ledger.get_many(Part, [(one.reservation_id,) for one in found]):
            parts.setdefault(part.reservation_id, []).append(part)
        for reservation in found:
            draft.load(reservation, parts.get(reservation.reservation_id, []))
        if not found and (self.reservation_id is not None or not self._waiting(state)):
            raise DeskError(
                "unknown-order", NOT_FOUND, f"Order ({self.order_id}) has no such reservation.", "check it."
            )
        alive = [one for one in found if not state.ran_out(one)]
        alive.sort(key=lambda one: (-one.created_s, one.reservation_id))
        return [one.reservation_id for one in alive]

    def _waiting(self, state: State) -> list[Backorder]:
        where = {"order_id": self.order_id, "state": "waiting"}
        return state.ledger.find(Backorder, where, limit=OF_ORDER_MAX)

    def _unwait(
        self, state: State, waiting: list[Backorder], left: dict[str, int] | None, cancelled: dict[str, int]
    ) -> list[Record]:
        """Waiting lines with fewer units, or cancelled."""
        out: list[Record] = []
        for one in waiting:
            units = one.units if left is None else min(one.units, left.get(one.line_id, 0))
            if not units:
                continue
            cancelled[one.line_id] = cancelled.get(one.line_id, 0) + units
            if left is not None:
                left[one.line_id] -= units
            out.append(
                msgspec.structs.replace(
                    one,
                    units=one.units - units or one.units,
                    state="cancelled" if units == one.units else one.state,
                    updated_s=state.now_s,
                    version=one.version + 1,
                )
            )
        return out

    def _end(self, draft: Draft, name: str, left: dict[str, int] | None) -> list[Part]:
        """Parts of one reservation that are cancelled."""
        found = draft.open_parts(name)
        if self.part is not None:
            part = draft.part(name, self.part)
            if part.state in ENDED:
                raise wrong_step(part, Step.CANCEL)
            found = [part]
        if left is not None:
            there: dict[str, int] = {}
            for part in found:
                for line_id, _, units in part.lines:
                    there[line_id] = there.get(line_id, 0) + units
            some = {
                line_id: min(units, there[line_id]) for line_id, units in left.items() if units and line_id in there
            }
            for line_id, units in some.items():
                left[line_id] -= units
            out = end_parts(draft, name, Step.CANCEL, self.part, some) if some else []
        else:
            out = end_parts(draft, name, Step.CANCEL, self.part, None)
        if out:
            draft.change(name)
        return out

    def _check_all(
        self, draft: Draft, names: list[str], left: dict[str, int] | None, cancelled: dict[str, int]
    ) -> None:
        """Raise DeskError where something meant has gone, or nothing is left to cancel."""
        parts = [part for name in names for part in draft.parts(name)]
        gone = [part for part in parts if part.state in GONE and (self.part in (None, part.part))]
        short = {line_id: units for line_id, units in (left or {}).items() if units}
        if short:
            gone = [part for part in gone if any(line_id in short for line_id, _, _ in part.lines)]
        if gone and (short or left is None) and not self.open_only:
            raise wrong_step(gone[0], Step.CANCEL)
        if (short and not self.open_only) or not cancelled:
            raise DeskError(
                "nothing-open",
                CONFLICT,
                f"Order ({self.order_id}) has too few open units to cancel: {short or 'none'}.",
                "return what was shipped; the rest has ended.",
                details={"lines": short},
            )

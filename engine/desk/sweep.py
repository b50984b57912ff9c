"""
What ends by itself: holds that nobody confirmed in time, and parts that nobody collected in time.

A sweep ends a bounded portion and says whether more is due. Several processes may sweep at once: each reservation and
part is changed only as it was read, so what one has ended the other finds ended, and nothing is given back twice.
"""

from dataclasses import dataclass

import msgspec

from engine.desk.ask import Planned, Wanted, answer
from engine.desk.draft import Draft, lines_of
from engine.desk.state import State
from engine.stock.lifecycle import Step
from engine.stock.records import Part, PartState, Reservation

PORTION = 200


class SweptDoc(msgspec.Struct, kw_only=True):
    """How many ended, and whether more are due at once."""

    expired: int  # reservations
    not_collected: int  # parts
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """End what is over, `portion` of each kind at most."""

    portion: int = PORTION

    @property
    def name(self) -> str:
        """The operation."""
        return "sweep"

    def wanted(self) -> Wanted:
        """Nothing: what is due is looked up."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """End holds first, then what was not collected."""
        draft = Draft(state)
        now_s, ledger = state.now_s, state.ledger
        due = {"state": "held", "expires_s__le": now_s}
        over = ledger.find(Reservation, due, order=("expires_s",), limit=self.portion)
        ready = {"state": PartState.READY.value, "due_s__le": now_s}
        kept = ledger.find(Part, ready, order=("due_s",), limit=self.portion)
        if not over and not kept:
            return Planned(answer(SweptDoc(expired=0, not_collected=0, more=False)))
        self._load(draft, over, kept)
        expired = sum(self._expire(draft, reservation.reservation_id) for reservation in over)
        left = sum(self._not_collected(draft, draft.part(part.reservation_id, part.part)) for part in kept)
        more = max(len(over), len(kept)) >= self.portion
        document = SweptDoc(expired=expired, not_collected=left, more=more)
        return Planned(answer(document), draft.posting())

    def _load(self, draft: Draft, over: list[Reservation], kept: list[Part]) -> None:
        ledger = draft.state.ledger
        names = {r.reservation_id for r in over} | {part.reservation_id for part in kept}
        keys = [(name,) for name in sorted(names)]
        parts: dict[str, list[Part]] = {}
        for part in ledger.get_many(Part, keys):
            parts.setdefault(part.reservation_id, []).append(part)
        for reservation in ledger.get_many(Reservation, keys):
            draft.load(reservation, parts.get(reservation.reservation_id, []))

    def _expire(self, draft: Draft, name: str) -> bool:
        """End a hold; False where it was confirmed, or ended, since it was looked up."""
        reservation = draft.reservation(name)
        if not draft.state.ran_out(reservation):
            return False
        held = [part for part in draft.open_parts(name) if part.state == PartState.HELD]
        ended = [draft.step(part, Step.EXPIRE) for part in held]
        draft.change(name)
        self._tell(draft, name, ended, "not_confirmed")
        return True

    def _not_collected(self, draft: Draft, part: Part) -> bool:
        """Likewise of a part that is kept ready."""
        if part.state != PartState.READY or part.due_s > draft.state.now_s:
            return False
        draft.change(part.reservation_id)
        self._tell(draft, part.reservation_id, [draft.step(part, Step.EXPIRE)], "not_collected")
        return True

    def _tell(self, draft: Draft, name: str, ended: list[Part], why: str) -> None:
        state, reservation = draft.state, draft.reservation(name)
        parts = [
            {
                "part": part.part,
                "node": state.node_id(part.node_no),
                "place": state.node_id(part.place_no) if part.place_no >= 0 else None,
                "lines": lines_of(part, state),
            }
            for part in ended
        ]
        data = {"reservation_id": name, "order_id": reservation.order_id, "reason": why, "parts": parts}
        draft.event("reservation.expired", name, data)

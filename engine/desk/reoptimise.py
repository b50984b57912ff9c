"""
Decide anew what is assigned and not yet worked on: stock, capacity and orders have changed since it was decided.

What a reservation holds is given back for the decision; the new plan is taken over only where it saves enough, or
keeps a promise that the old one misses. The promise is never worsened. Whoever proposes is a `Replanner`: here each
reservation in turn, on what the ones before left; one that looks at all of them together may take its place.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from engine.decide.brief import Brief
from engine.desk.allocation import ended
from engine.desk.ask import NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.documents import PartDoc, moment, part_doc
from engine.desk.exceptions import event
from engine.desk.rest import Rest, excluded_nodes, held_anew, order_as_given, rest_of
from engine.desk.state import State, joined
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.domain.units import weighted_cents
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import ENDED, Part, PartState, Reservation

TOGETHER_MAX = 200  # reservations of one call: they are posted together
THRESHOLD_CENTS = 50
UNTOUCHED = (PartState.HELD, PartState.CONFIRMED)


class Movable(NamedTuple):
    """A reservation that may be decided anew: its untouched parts, and the order that they serve."""

    reservation: Reservation
    parts: list[Part]
    order: Order
    back: Posting  # gives back what the parts hold
    cost_cents: int  # of the parts, as they are
    deliver_by_s: int  # the last of the parts


class Replanner(Protocol):
    """Proposes plans for reservations that may be decided anew."""

    def propose(self, state: State, movable: Movable, done: Posting) -> Brief | None:
        """
        A plan for one of them, None for none better.

        Parameters
        ----------
        done
            What was taken over before in the same call; it is not in the state yet.
        """
        ...


class OneByOne:
    """Each reservation on its own, as if its order came now."""

    def propose(self, state: State, movable: Movable, done: Posting) -> Brief | None:
        """The cheapest plan by the engine."""
        brief = state.decide(movable.order, given_back=joined(done, movable.back))
        return brief if brief.legs and not brief.unmet else None


class MovedDoc(msgspec.Struct, kw_only=True):
    """What became of one reservation: moved, kept (nothing better), or passed over, and why."""

    reservation_id: str
    outcome: str
    why: str
    decision_id: str | None = None
    cost_before_cents: int | None = None
    cost_after_cents: int | None = None
    deliver_by_before: datetime | None = None
    deliver_by_after: datetime | None = None
    shipments: list[PartDoc] = []


class ReoptimisedDoc(msgspec.Struct, kw_only=True):
    """What a call did, and what it saves in all."""

    saved_cents: int
    moved: int
    reservations: list[MovedDoc]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reoptimise:
    """
    Decide reservations anew.

    Parameters
    ----------
    run_id
        The caller's; with the reservation's id it names the decisions.
    reservation_ids
        At most TOGETHER_MAX; see `movable_ids` for those that could be.
    threshold_cents
        A new plan must save so much.
    """

    run_id: str
    reservation_ids: tuple[str, ...]
    threshold_cents: int = THRESHOLD_CENTS
    replanner: Replanner = field(default_factory=OneByOne)

    @property
    def name(self) -> str:
        """The operation."""
        return "reoptimise"

    def wanted(self) -> Wanted:
        """The reservations."""
        return Wanted(self.reservation_ids)

    def plan(self, state: State) -> Planned:
        """Look at each in turn; what is taken over is posted together."""
        if not 1 <= len(self.reservation_ids) <= TOGETHER_MAX:
            raise InputError(f"reservation_ids has {len(self.reservation_ids)} ids, not 1 to {TOGETHER_MAX}.")
        if self.threshold_cents < 0:
            raise InputError(f"threshold_cents ({self.threshold_cents}) is negative.", "0 takes every saving.")
        done = Posting()
        documents: list[MovedDoc] = []
        for reservation_id in dict.fromkeys(self.reservation_ids):
            document, posting = self._one(state, reservation_id, done)
            documents.append(document)
            done = joined(done, posting) if posting is not None else done
        moved = [one for one in documents if one.outcome == "moved"]
        saved = sum((one.cost_before_cents or 0) - (one.cost_after_cents or 0) for one in moved)
        reply = answer(ReoptimisedDoc(saved_cents=saved, moved=len(moved), reservations=documents))
        return Planned(reply, done if moved else None)

    def _one(self, state: State, reservation_id: str, done: Posting) -> tuple[MovedDoc, Posting | None]:
        try:
            movable = _movable(state, reservation_id)
        except DeskError as error:
            return MovedDoc(reservation_id=reservation_id, outcome="passed_over", why=error.code), None
        promise_s = movable.reservation.deliver_by_s
        brief = self.replanner.propose(state, movable, done)
        if brief is None or brief.deliver_by_s is None:
            return _kept(movable, "no other plan"), None
        late = promise_s is not None and movable.deliver_by_s > promise_s
        mends = late and promise_s is not None and brief.deliver_by_s <= promise_s
        worse = brief.deliver_by_s > (movable.deliver_by_s if late else promise_s or movable.deliver_by_s)
        saved = movable.cost_cents - brief.cost_cents
        if worse:
            return _kept(movable, "the other plan is later"), None
        if not mends and saved < max(1, self.threshold_cents):
            return _kept(movable, f"another plan saves {max(0, saved)} cents"), None
        return self._moved(state, movable, brief)

    def _moved(self, state: State, movable: Movable, brief: Brief) -> tuple[MovedDoc, Posting]:
        reservation = movable.reservation
        name = reservation.reservation_id
        decision_id = f"{self.run_id}.{name}"
        known = state.parts(name)
        first = max(part.part for part in known) + 1
        made = state.basis().parts_of(brief, name, PartState(movable.parts[0].state), first=first)
        document = MovedDoc(
            reservation_id=name,
            outcome="moved",
            why="cheaper" if brief.cost_cents < movable.cost_cents else "keeps the promise",
            decision_id=decision_id,
            cost_before_cents=movable.cost_cents,
            cost_after_cents=brief.cost_cents,
            deliver_by_before=moment(movable.deliver_by_s),
            deliver_by_after=moment(brief.deliver_by_s),
            shipments=[part_doc(part, state.view.numbers) for part in made],
        )
        rest = Rest(movable.order, brief, made, kept=True)
        gone = {part.part for part in movable.parts}
        taken = held_anew(
            state,
            reservation,
            rest,
            answer(document),
            decision_id=decision_id,
            cause="reoptimise",
            open_parts=[part for part in known if part.part not in gone],
            counts=False,
        )
        released = Posting(changes=ended(state, reservation, movable.parts, PartState.RELEASED).changes[1:])
        data = {"decision_id": decision_id, "cause": "reoptimise", "saved_cents": movable.cost_cents - brief.cost_cents}
        note = event(state.now_s, "decision.replanned.v1", reservation.order_id, data)
        return document, joined(movable.back, released, taken, Posting(makes=[note]))


def _kept(movable: Movable, why: str) -> MovedDoc:
    return MovedDoc(
        reservation_id=movable.reservation.reservation_id,
        outcome="kept",
        why=why,
        cost_before_cents=movable.cost_cents,
        deliver_by_before=moment(movable.deliver_by_s),
    )


def _movable(state: State, reservation_id: str) -> Movable:
    """A reservation with its untouched parts; DeskError where it has none, or is no order's."""
    reservation, open_parts = state.held(reservation_id)
    parts = [part for part in open_parts if part.state in UNTOUCHED]
    if not parts or reservation.kind != "allocation":
        raise DeskError("nothing-to-move", NOT_FOUND, f"Nothing of reservation ({reservation_id}) can move.")
    given = order_as_given(state, reservation)
    if given is None:
        raise DeskError("nothing-to-move", NOT_FOUND, f"Reservation ({reservation_id}) has no order.")
    units: dict[str, int] = {}
    for part in parts:
        for line_id, _, number in part.lines:
            units[line_id] = units.get(line_id, 0) + number
    gone = {part.part for part in parts}
    order = rest_of(
        given,
        units,
        now_s=state.now_s,
        promise_s=reservation.deliver_by_s,
        excluded=excluded_nodes(state, reservation.order_id),
        others=[part for part in state.parts(reservation_id) if part.part not in gone],
        place=next((state.node_id(part.place_no) for part in parts if part.place_no >= 0), None),
    )
    policy = state.engine.policy
    splits_cents = weighted_cents(policy.split_cents, policy.weight("split")) * (len(parts) - 1)
    return Movable(
        reservation,
        parts,
        order,
        state.given_back(parts),
        sum(part.cost_cents for part in parts) + splits_cents,
        max(part.deliver_by_s for part in parts),
    )


def movable_ids(
    ledger: Ledger, *, node_no: int | None = None, after: tuple[str, int] | None = None, limit: int = TOGETHER_MAX
) -> list[str]:
    """Reservations with parts that nobody works on yet, of a node or of all; for the next page, after the last part."""
    where = {"state": tuple(state.value for state in UNTOUCHED)} | ({} if node_no is None else {"node_no": (node_no,)})
    found = ledger.find(Part, where, after=after, limit=limit)
    return list(dict.fromkeys(part.reservation_id for part in found if part.method and part.state not in ENDED))

"""
Holding units without a plan, and what becomes of any reservation before work on it begins.

Reserve holds units at nodes or anywhere in groups (engine/desk/backing.py) for a time. Extend, Confirm and Release take
holds and allocations alike. What has run out of time is over, whether it was swept already or not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.desk.ask import CONFLICT, CREATED, DeskError, Planned, Wanted, answer
from engine.desk.backing import Backing, backed, known_members, make_room
from engine.desk.documents import ReservationDoc, reservation_doc
from engine.desk.draft import Draft, lines_of
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.order import LINES_MAX, QUANTITY_MAX
from engine.stock.lifecycle import Step
from engine.stock.records import Part, PartState, Reservation

TTL_MAX_S = 60 * 86_400


class ReservedLineDoc(msgspec.Struct, kw_only=True):
    """What became of a line of a hold."""

    line_id: str
    sku: str
    quantity: int
    reserved: int
    code: str  # reserved, partly_reserved, insufficient_stock


class ReservedDoc(msgspec.Struct, kw_only=True):
    """A new hold, line by line; `reservation` is None where nothing could be held."""

    reservation: ReservationDoc | None
    lines: list[ReservedLineDoc]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLine:
    """
    Units of a sku at a node, or anywhere in a group: one of the two.

    A line may be held at several places, an entry each.
    """

    line_id: str
    sku: str
    quantity: int
    node: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """
    Hold units for a time, all of them or none.

    Parameters
    ----------
    reservation_id, order_id
        The caller's.
    ttl_s
        For how long; None until released.
    channel
        What is protected for others is not taken.
    partial
        Hold what there is, line by line, where not everything is.
    priority
        As of an allocation.
    """

    reservation_id: str
    order_id: str
    lines: tuple[HoldLine, ...]
    ttl_s: int | None = 900
    channel: str = ""
    partial: bool = False
    priority: int = 0

    @property
    def name(self) -> str:
        """The operation."""
        return "reserve"

    def wanted(self) -> Wanted:
        """Whether its id is free."""
        return Wanted((self.reservation_id,))

    def plan(self, state: State) -> Planned:
        """Reserve line by line."""
        self._check()
        if state.known_reservation(self.reservation_id) is not None:
            raise DeskError(
                "exists",
                CONFLICT,
                f"Reservation ({self.reservation_id}) exists.",
                "use another id, or repeat a call with its Idempotency-Key.",
                field="/reservation_id",
            )
        draft = Draft(state)
        draft.make(
            Reservation(
                reservation_id=self.reservation_id,
                order_id=self.order_id,
                kind="hold",
                state="held",
                channel=self.channel,
                expires_s=None if self.ttl_s is None else state.now_s + self.ttl_s,
                priority=self.priority,
                created_s=state.now_s,
                updated_s=state.now_s,
            )
        )
        # Lines that want a certain node come first: a group finds another.
        turns = sorted(range(len(self.lines)), key=lambda i: self.lines[i].node is None)
        found = {i: self._reserve(draft, self.lines[i], i) for i in turns}
        results = [found[i] for i in range(len(self.lines))]
        short = [result for result in results if result.reserved < result.quantity]
        if short and not self.partial:
            first = short[0]
            raise DeskError(
                "insufficient-stock",
                CONFLICT,
                f"{first.reserved} of {first.quantity} unit(s) of sku ({first.sku}) can be held for line "
                f"({first.line_id}).",
                "hold fewer, elsewhere, or allow a partial hold.",
                field=f"/lines/{results.index(first)}",
                retryable=True,
                details={"lines": [msgspec.to_builtins(result) for result in results]},
            )
        parts = draft.parts(self.reservation_id)
        if not parts:
            return Planned(answer(ReservedDoc(reservation=None, lines=results)))
        reservation = draft.reservation(self.reservation_id)
        draft.event("reservation.created", self.reservation_id, _data(reservation, parts, state))
        posting = draft.posting()
        document = document_of(draft, self.reservation_id)
        return Planned(answer(ReservedDoc(reservation=document, lines=results), CREATED), posting)

    def _reserve(self, draft: Draft, line: HoldLine, index: int) -> ReservedLineDoc:
        state = draft.state
        sku_no = state.sku_no(line.sku, f"lines/{index}/sku")
        if line.node is not None:
            node_no = state.node_no(line.node, f"lines/{index}/node")
            make_room(draft, node_no, sku_no, line.quantity, self.channel)
            units = max(0, min(line.quantity, draft.free(node_no, sku_no, self.channel)))
            backing = [Backing(node_no, units)] if units else []
        else:
            nodes = known_members(state, line.group or "", f"lines/{index}/group")
            backing = backed(draft, nodes, sku_no, line.quantity, self.channel)
        for node_no, units in backing:
            draft.hold(node_no, sku_no, units, self.channel)
            draft.put(
                Part(
                    reservation_id=self.reservation_id,
                    part=draft.next_number(self.reservation_id),
                    order_id=self.order_id,
                    node_no=node_no,
                    group=line.group or "",
                    state=PartState.HELD.value,
                    lines=((line.line_id, sku_no, units),),
                    units=units,
                    updated_s=state.now_s,
                )
            )
        reserved = sum(b.units for b in backing)
        code = "reserved" if reserved == line.quantity else "partly_reserved" if reserved else "insufficient_stock"
        return ReservedLineDoc(line_id=line.line_id, sku=line.sku, quantity=line.quantity, reserved=reserved, code=code)

    def _check(self) -> None:
        who = f"Reservation ({self.reservation_id})"
        if not 1 <= len(self.lines) <= LINES_MAX:
            raise InputError(f"{who} has {len(self.lines)} lines, not 1 to {LINES_MAX}.", "split it.")
        seen: set[tuple[str, str | None, str | None]] = set()
        skus: dict[str, str] = {}
        for line in self.lines:
            at = line.line_id, line.node, line.group
            if at in seen or skus.setdefault(line.line_id, line.sku) != line.sku:
                raise InputError(f"{who} has line ({line.line_id}) twice.", "number the lines 1, 2, 3.")
            seen.add(at)
            if not 1 <= line.quantity <= QUANTITY_MAX:
                raise InputError(
                    f"Quantity ({line.quantity}) of line ({line.line_id}), sku ({line.sku}), is not within 1 and "
                    f"{QUANTITY_MAX}.",
                    "leave the line out.",
                )
            if (line.node is None) == (line.group is None):
                raise InputError(
                    f"Line ({line.line_id}) names node ({line.node}) and group ({line.group}).", "give one of the two."
                )
        check_ttl(self.ttl_s, who)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Hold on for so many seconds from now; a hold is never shortened by it."""

    reservation_id: str
    ttl_s: int

    @property
    def name(self) -> str:
        """The operation."""
        return "extend"

    def wanted(self) -> Wanted:
        """The reservation."""
        return Wanted((self.reservation_id,))

    def plan(self, state: State) -> Planned:
        """Move its end."""
        check_ttl(self.ttl_s, f"Reservation ({self.reservation_id})")
        draft = Draft(state)
        reservation = draft.open(self.reservation_id)
        if reservation.state != "held" or reservation.expires_s is None:
            raise DeskError(
                "wrong-state",
                CONFLICT,
                f"Reservation ({self.reservation_id}) is {reservation.state} and has no end to be moved.",
                "it is held until it is released.",
            )
        draft.change(self.reservation_id, expires_s=max(reservation.expires_s, state.now_s + self.ttl_s))
        draft.event("reservation.extended", self.reservation_id, {"order_id": reservation.order_id})
        return planned(draft, self.reservation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """The customer has bought: what is held is kept, and nodes are to work on it."""

    reservation_id: str

    @property
    def name(self) -> str:
        """The operation."""
        return "confirm"

    def wanted(self) -> Wanted:
        """The reservation."""
        return Wanted((self.reservation_id,))

    def plan(self, state: State) -> Planned:
        """Confirm each part that is held."""
        draft = Draft(state)
        reservation = draft.open(self.reservation_id)
        held = [part for part in draft.open_parts(self.reservation_id) if part.state == PartState.HELD]
        if not held:
            raise DeskError(
                "wrong-state", CONFLICT, f"Reservation ({self.reservation_id}) is confirmed.", "go on with its parts."
            )
        for part in held:
            draft.step(part, Step.CONFIRM)
        draft.change(self.reservation_id, expires_s=None)
        draft.event("reservation.confirmed", self.reservation_id, _data(reservation, held, state))
        return planned(draft, self.reservation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """
    Give back what no work has begun on: all of it, one part, or units of lines.

    Parameters
    ----------
    part
        Of this part only.
    lines
        Units by line id; None for all. Units are taken from the last parts first.
    node, group
        Only what is held there.
    """

    reservation_id: str
    part: int | None = None
    lines: Mapping[str, int] | None = None
    node: str | None = None
    group: str | None = None

    @property
    def name(self) -> str:
        """The operation."""
        return "release"

    def wanted(self) -> Wanted:
        """The reservation."""
        return Wanted((self.reservation_id,))

    def plan(self, state: State) -> Planned:
        """Release part by part."""
        draft = Draft(state)
        reservation = draft.open(self.reservation_id)
        node_no = None if self.node is None else state.node_no(self.node)

        def meant(part: Part) -> bool:
            there = node_no is None or (part.node_no == node_no and not part.group)
            return there and (self.group is None or part.group == self.group)

        released = end_parts(draft, self.reservation_id, Step.RELEASE, self.part, self.lines, meant)
        draft.event("reservation.released", self.reservation_id, _data(reservation, released, state))
        return planned(draft, self.reservation_id)


def end_parts(
    draft: Draft,
    reservation_id: str,
    step: Step,
    number: int | None,
    lines: Mapping[str, int] | None,
    meant: Callable[[Part], bool] = lambda part: True,
) -> list[Part]:
    """
    End parts, or units of lines of them, by one step; the parts that ended.

    Raises DeskError where a part meant cannot take the step, or the lines have fewer open units than are named.
    """
    if lines is not None and not lines:
        raise InputError("lines () names no line.", "leave it out to end everything.")
    parts = draft.open_parts(reservation_id) if number is None else [draft.part(reservation_id, number)]
    found = [part for part in parts if meant(part)]
    if lines is None:
        return [draft.step(part, step) for part in found]
    left = dict(lines)
    out: list[Part] = []
    for part in sorted(found, key=lambda p: (_STAGES[PartState(p.state)], -p.part)):
        units = {line_id: min(count, left[line_id]) for line_id, _, count in part.lines if left.get(line_id, 0) > 0}
        if units:
            out.append(draft.step(part, step, units))
            left = {line_id: count - units.get(line_id, 0) for line_id, count in left.items()}
    for line_id, count in left.items():
        if count > 0 or lines[line_id] < 1:
            raise DeskError(
                "not-in-part",
                CONFLICT,
                f"Reservation ({reservation_id}) has {lines[line_id] - count} open unit(s) of line ({line_id}), not "
                f"{lines[line_id]}.",
                "see the reservation for what is open.",
                field=f"/lines/{line_id}",
            )
    return out


_STAGES = {state: stage for stage, state in enumerate(PartState)}  # what has come least far is ended first


def check_ttl(ttl_s: int | None, who: str) -> None:
    """Raise InputError for a time that is none."""
    if ttl_s is not None and not 1 <= ttl_s <= TTL_MAX_S:
        raise InputError(f"{who} has ttl_s ({ttl_s}), not within 1 and {TTL_MAX_S}.", "give seconds.")


def planned(draft: Draft, reservation_id: str) -> Planned:
    """The posting of a draft, answered with the reservation as it is then."""
    posting = draft.posting()
    return Planned(answer(document_of(draft, reservation_id)), posting)


def document_of(draft: Draft, reservation_id: str) -> ReservationDoc:
    """A reservation as a draft leaves it."""
    return reservation_doc(draft.reservation(reservation_id), draft.parts(reservation_id), draft.state.view.numbers)


def _data(reservation: Reservation, parts: list[Part], state: State) -> dict[str, Any]:
    """What an event says of parts of a reservation."""
    return {
        "reservation_id": reservation.reservation_id,
        "order_id": reservation.order_id,
        "parts": [
            {"part": p.part, "node": state.node_id(p.node_no), "group": p.group or None, "lines": lines_of(p, state)}
            for p in parts
        ],
    }

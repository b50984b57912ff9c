"""
Transfers: what is held at a group becomes held at the node that routing has chosen, or from one node at another.

A checkout holds units anywhere in a group; when the order is routed, they are transferred to the node that is to serve
them. Several transfers, also of several reservations, are one call: all of them or none, or each for itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from engine.desk.ask import CONFLICT, DeskError, Planned, Wanted, answer
from engine.desk.backing import Backing, backed, known_members, make_room
from engine.desk.documents import ReservationDoc
from engine.desk.draft import Draft
from engine.desk.reserve import document_of
from engine.desk.state import State
from engine.domain.errors import FulfilmentError, InputError
from engine.stock.lifecycle import Step, rule_of
from engine.stock.records import Part

TRANSFERS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLine:
    """
    Units of a hold that are to be held elsewhere.

    Parameters
    ----------
    reservation_id, line_id
        What is held.
    quantity
        Units; None for all that are held as `from_node` or `from_group` say.
    from_node, from_group
        Only what is held there; None for wherever it is.
    to_node, to_group
        One of the two.
    ignore_availability
        Hold the units at the node even though it has not so many free: more may be reserved there than it has.
    """

    reservation_id: str
    line_id: str
    quantity: int | None = None
    from_node: str | None = None
    from_group: str | None = None
    to_node: str | None = None
    to_group: str | None = None
    ignore_availability: bool = False


class TransferredDoc(msgspec.Struct, kw_only=True):
    """What became of a transfer."""

    reservation_id: str
    line_id: str
    transferred: int
    code: str  # transferred, or why not
    detail: str


class TransfersDoc(msgspec.Struct, kw_only=True):
    """Transfers in the order of the call, and the reservations as they are then."""

    transfers: list[TransferredDoc]
    reservations: list[ReservationDoc]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Hold units elsewhere; with `all_or_nothing`, nothing happens where one of them cannot be."""

    transfers: tuple[TransferLine, ...]
    all_or_nothing: bool = True

    @property
    def name(self) -> str:
        """The operation."""
        return "transfer"

    def wanted(self) -> Wanted:
        """All reservations that are named."""
        return Wanted(tuple(dict.fromkeys(line.reservation_id for line in self.transfers)))

    def plan(self, state: State) -> Planned:
        """Transfer after transfer, each on what those before have left."""
        if not 1 <= len(self.transfers) <= TRANSFERS_MAX:
            raise InputError(f"{len(self.transfers)} transfers are not 1 to {TRANSFERS_MAX}.", "split the call.")
        draft = Draft(state)
        results: list[TransferredDoc] = []
        for i, line in enumerate(self.transfers):
            code, detail, units = "transferred", "", 0
            before = draft.saved()
            try:
                draft.open(line.reservation_id)
                units = _transfer(draft, line, i)
            except FulfilmentError as error:
                if self.all_or_nothing:
                    raise
                draft.restore(before)
                code, detail = getattr(error, "code", "invalid"), str(error).replace("\n", " ")
            results.append(
                TransferredDoc(
                    reservation_id=line.reservation_id,
                    line_id=line.line_id,
                    transferred=units,
                    code=code,
                    detail=detail,
                )
            )
        names = list(dict.fromkeys(r.reservation_id for r in results if r.transferred))
        for name in names:
            done = [
                {"line_id": line.line_id, "quantity": r.transferred, "node": line.to_node, "group": line.to_group}
                for line, r in zip(self.transfers, results, strict=True)
                if r.reservation_id == name and r.transferred
            ]
            draft.event("reservation.transferred", name, {"reservation_id": name, "transfers": done})
        posting = draft.posting() if names else None
        documents = [document_of(draft, name) for name in names]
        return Planned(answer(TransfersDoc(transfers=results, reservations=documents)), posting)


def _transfer(draft: Draft, line: TransferLine, index: int) -> int:
    """One transfer; the units transferred."""
    state = draft.state
    if (line.to_node is None) == (line.to_group is None):
        raise InputError(
            f"Transfer ({index}) goes to node ({line.to_node}) and group ({line.to_group}).", "give one of the two."
        )
    where = f"transfers/{index}/to_"
    to_node = state.node_no(line.to_node, where + "node") if line.to_node is not None else None
    nodes = known_members(state, line.to_group, where + "group") if line.to_group is not None else []
    parts = _held(draft, line)
    there = sum(part.units for part in parts)
    units = there if line.quantity is None else line.quantity
    if not 1 <= units <= there:
        raise DeskError(
            "not-in-part",
            CONFLICT,
            f"Reservation ({line.reservation_id}) has {there} unit(s) of line ({line.line_id}) that could be "
            f"transferred so, not {line.quantity}.",
            "see the reservation for what is held where; allocations are not transferred.",
            field=f"/transfers/{index}/quantity",
        )
    sku_no, now_s = parts[0].lines[0][1], state.now_s
    channel, group = draft.reservation(line.reservation_id).channel, line.to_group or ""
    # What is at its target already stays on its shelf, so it goes first, and gives way to nobody then.
    here = [part for part in parts if part.node_no == to_node or part.node_no in nodes]
    pool = [part.part for part in (*here, *(part for part in parts if part not in here))]
    staying = min(units, sum(part.units for part in here))
    for moved in _taken(draft, line, pool, staying):
        draft.put(msgspec.structs.replace(moved, group=group, updated_s=now_s))
    moving = units - staying
    for node_no, count in _room(draft, line, to_node, nodes, sku_no, moving):
        for moved in _taken(draft, line, pool, count):
            draft.let_go(moved.node_no, sku_no, moved.units)
            draft.hold(node_no, sku_no, moved.units, channel, check=not line.ignore_availability)
            draft.put(msgspec.structs.replace(moved, node_no=node_no, group=group, updated_s=now_s))
    return units


def _room(
    draft: Draft, line: TransferLine, to_node: int | None, nodes: Sequence[int], sku_no: int, units: int
) -> list[Backing]:
    """Where so many units can be held at the target."""
    channel = draft.reservation(line.reservation_id).channel
    if to_node is None:
        backing = backed(draft, nodes, sku_no, units, channel)
    elif line.ignore_availability or make_room(draft, to_node, sku_no, units, channel):
        backing = [Backing(to_node, units)]
    else:
        backing = []
    if sum(b.units for b in backing) < units:
        raise DeskError(
            "insufficient-stock",
            CONFLICT,
            f"{line.to_node or line.to_group} has fewer than {units} unit(s) of sku ({draft.state.sku_id(sku_no)}) "
            "free.",
            "transfer elsewhere.",
            retryable=True,
        )
    return backing


def _taken(draft: Draft, line: TransferLine, pool: list[int], units: int) -> Iterator[Part]:
    """Take units off parts, in turn; what is used up leaves the pool."""
    while units > 0:
        part = draft.part(line.reservation_id, pool[0])
        moved = draft.off(part, {line.line_id: min(units, part.units)}, goes_on=False)
        if moved.part == part.part:
            pool.pop(0)
        units -= moved.units
        yield moved


def _held(draft: Draft, line: TransferLine) -> list[Part]:
    """The parts that a transfer may take from."""
    state = draft.state
    from_no = state.node_no(line.from_node, "from_node") if line.from_node is not None else None
    return [
        part
        for part in draft.open_parts(line.reservation_id)
        if rule_of(part, Step.TRANSFER) is not None
        and part.lines[0][0] == line.line_id
        and (from_no is None or (part.node_no == from_no and not part.group))
        and (line.from_group is None or part.group == line.from_group)
    ]

"""
Holds at a group of nodes: which node each unit is reserved at meanwhile.

A unit that is held "anywhere in the group" is reserved at one node of it, its backing, like any other. So what holds
for nodes (nothing reserved that is not there) holds for groups without another account, and two groups may share nodes.
The backing is nobody's choice and may change: a unit that is wanted at that very node takes its place, and it is backed
by another node of its group in the same posting.

    nodes are taken by most free units first, then in the order of the network
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from engine.desk.draft import Draft
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.stock.records import Part, PartState, Reservation

DISPLACED_MAX = 1_000  # group holds at a node that are looked at to make room
OPEN_HOLD = (PartState.HELD.value, PartState.CONFIRMED.value)


class Backing(NamedTuple):
    """Units that a node backs."""

    node_no: int
    units: int


def members(state: State, group: str) -> list[int]:
    """The numbers of a group's nodes, in the order of the network; none of a group that there is not."""
    return [int(state.view.node_no[i]) for i, node in enumerate(state.engine.network.nodes) if group in node.groups]


def known_members(state: State, group: str, field: str) -> list[int]:
    """Likewise; InputError where there is no such group."""
    found = members(state, group)
    if not found:
        raise InputError(f"Group ({group}) in {field} is unknown.", "check the id; case counts.")
    return found


def backed(
    draft: Draft, nodes: Sequence[int], sku_no: int, units: int, channel: str, first: int | None = None
) -> list[Backing]:
    """Nodes that back so many units, as far as they can; `first` is asked before the others."""
    free = [(node_no, draft.free(node_no, sku_no, channel)) for node_no in nodes]
    ranked = sorted((item for item in free if item[1] > 0), key=lambda item: (item[0] != first, -item[1]))
    out: list[Backing] = []
    for node_no, there in ranked:
        if units <= 0:
            break
        out.append(Backing(node_no, min(there, units)))
        units -= out[-1].units
    return out


class _Way(NamedTuple):
    """Units of a part that give way, and where they go."""

    reservation: Reservation
    part: Part
    units: dict[str, int]  # by line
    to: list[Backing]


def make_room(draft: Draft, node_no: int, sku_no: int, units: int, channel: str) -> bool:
    """
    Let holds of groups give way at a node until so many units are free there; nothing is changed where that fails.

    They are asked in the order of their ids, each for as few units as are wanted.
    """
    missing = units - draft.free(node_no, sku_no, channel)
    if missing <= 0:
        return True
    if draft.free_elsewhere(node_no, sku_no) < missing:
        return False  # wherever they would go: of what is sold out, holds need not be read
    ways: list[_Way] = []
    used: dict[int, int] = {}  # units that those before take, by node
    for reservation, part in _guests(draft, node_no):
        if missing <= 0:
            break
        for line_id, its_sku, count in part.lines:
            if its_sku != sku_no or missing <= 0:
                continue
            to: list[Backing] = []
            for other in sorted(
                (n for n in members(draft.state, part.group) if n != node_no),
                key=lambda n: -(draft.free(n, sku_no, reservation.channel) - used.get(n, 0)),
            ):
                there = draft.free(other, sku_no, reservation.channel) - used.get(other, 0)
                moved = min(there, count, missing)
                if moved > 0:
                    to.append(Backing(other, moved))
                    used[other] = used.get(other, 0) + moved
                    count, missing = count - moved, missing - moved
            if to:
                ways.append(_Way(reservation, part, {line_id: sum(b.units for b in to)}, to))
    if missing > 0:
        return False
    for way in ways:
        _give_way(draft, way, node_no, sku_no)
    return True


def _guests(draft: Draft, node_no: int) -> Iterator[tuple[Reservation, Part]]:
    """Group holds that a node backs, as the call has changed them so far, by reservation and part."""
    where = {"node_no": node_no, "state": OPEN_HOLD, "group__gt": ""}
    state = draft.state
    found = state.ledger.find(Part, where, order=("reservation_id", "part"), limit=DISPLACED_MAX)
    names = list(dict.fromkeys(part.reservation_id for part in found))
    keys = [(name,) for name in names]
    parts: dict[str, list[Part]] = {}
    for part in state.ledger.get_many(Part, keys) if keys else ():
        parts.setdefault(part.reservation_id, []).append(part)
    for reservation in state.ledger.get_many(Reservation, keys) if keys else ():
        draft.load(reservation, parts[reservation.reservation_id])
    for name in names:
        for part in draft.open_parts(name):
            if part.group and part.node_no == node_no and part.state in OPEN_HOLD:
                yield draft.reservation(name), part


def _give_way(draft: Draft, way: _Way, node_no: int, sku_no: int) -> None:
    ((line_id, _),) = way.units.items()
    for backing in way.to:
        # Earlier ways may have split the part; what is left of it has kept its number.
        part = draft.part(way.part.reservation_id, way.part.part)
        moved = draft.off(part, {line_id: backing.units}, goes_on=False)
        draft.let_go(node_no, sku_no, backing.units)
        draft.hold(backing.node_no, sku_no, backing.units, way.reservation.channel)
        draft.put(msgspec.structs.replace(moved, node_no=backing.node_no, updated_s=draft.state.now_s))

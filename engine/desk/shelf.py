"""
What a rejection does to the shelf: stock that is not there must not be promised again.

    reason      units on hand at the node become                    the sku is not asked there
    not_found   what was counted, else what others hold there       for Rules.not_found_s, unless counted
    damaged     what was counted, else less by the units            -
    mismatch    what was counted                                    -
    too_busy    as they were                                        -
    closed      as they were                                        -

Counted are all units of the sku that are at the node and can be sold, those reserved for others among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.desk.state import State
from engine.stock.ledger import CapacityChange, StockChange, stock_key
from engine.stock.lifecycle import booked_after, shelf_no, split
from engine.stock.records import Part, PartState


class Reason(StrEnum):
    """Why a node could not."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    MISMATCH = "mismatch"  # the shelf holds another number than the books
    TOO_BUSY = "too_busy"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedLine:
    """Units of a line that the node could not pick, and how many of the sku it counted."""

    line_id: str
    units: int
    counted: int | None = None


class Effect(NamedTuple):
    """What a rejection does to a stock row."""

    change: StockChange
    before: int
    after: int
    reserved: int  # afterwards


def shelf_of(part: Part) -> int:
    """The node that has the units: the part's, or the store that keeps them ready after a transfer."""
    node_no = shelf_no(part)
    assert node_no is not None, "nobody rejects what is on its way"
    return node_no


def effects_of(
    state: State, part: Part, gone: Mapping[str, int], rejected: Mapping[str, RejectedLine], reason: Reason
) -> dict[int, Effect]:
    """What happens to each stock row that the shipment holds and gives back."""
    effects: dict[int, Effect] = {}
    for line_id, sku_no, _ in part.lines:
        if line_id not in gone:
            continue
        key = stock_key(sku_no, shelf_of(part))
        on_hand, reserved = state.stock_of(key)
        reserved -= gone[line_id]
        line = rejected.get(line_id)
        after = on_hand if line is None else _on_hand(reason, line, on_hand, reserved)
        # Where the count falls, nothing may have been reserved meanwhile: the holders would not be listed.
        floor = after - reserved if after < on_hand else None
        effects[key] = Effect(StockChange(key, after - on_hand, -gone[line_id], floor), on_hand, after, reserved)
    return effects


def _on_hand(reason: Reason, line: RejectedLine, on_hand: int, reserved: int) -> int:
    """Units on hand afterwards; ``reserved`` are those of others."""
    if reason in (Reason.TOO_BUSY, Reason.CLOSED):
        return on_hand
    if line.counted is not None:
        return line.counted
    return max(0, on_hand - line.units) if reason == Reason.DAMAGED else min(on_hand, reserved)


def blocked_by(state: State, part: Part, lines: Sequence[RejectedLine], reason: Reason) -> dict[int, int]:
    """Rows that nothing is promised from for a while."""
    if reason != Reason.NOT_FOUND:
        return {}
    sku_of = {line_id: sku_no for line_id, sku_no, _ in part.lines}
    until_s = state.now_s + state.rules.not_found_s
    return {stock_key(sku_of[line.line_id], shelf_of(part)): until_s for line in lines if line.counted is None}


def lessened(part: Part, gone: Mapping[str, int], number: int, now_s: int) -> tuple[Part, list[Part]]:
    """
    A shipment without units that it does not serve any more; rejected where nothing is left of it.

    What is rejected of a shipment that goes on becomes a part of its own, numbered `number`, that has ended: so every
    unit is in one part, and a pick that was done stays booked.
    """
    ended = PartState.REJECTED.value
    if gone == {line_id: units for line_id, _, units in part.lines}:
        booked = booked_after(part)
        left = msgspec.structs.replace(part, state=ended, booked=booked, updated_s=now_s, version=part.version + 1)
        return left, []
    rest, off = split(part, gone, number, goes_on=False)
    off = msgspec.structs.replace(off, state=ended, booked=booked_after(off), updated_s=now_s)
    return msgspec.structs.replace(rest, updated_s=now_s, version=part.version + 1), [off]


def capacity_back(state: State, part: Part, left: Part) -> list[CapacityChange]:
    """The capacity that a shipment gives back when it becomes smaller, or ends."""
    cells = state.cells_back(part)
    if left.state == PartState.REJECTED:
        return cells
    return [cell._replace(orders=0, units=left.units - part.units) for cell in cells]

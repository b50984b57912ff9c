"""
Returns at any node, whoever sold it: graded, back on sale at once where the policy has that for the grade, credited to
the node. It is the policy that is valid at that moment; a later one changes nothing of what came back before.

Where the order is known to the ledger, no more can come back of it than was shipped or collected, less what came back
before. Where it is not (bought elsewhere, or before our time), the node's word is taken.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from engine.desk.ask import CONFLICT, CREATED, NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.documents import moment
from engine.desk.draft import event
from engine.desk.state import State, joined
from engine.domain.errors import InputError
from engine.domain.order import LINES_MAX, QUANTITY_MAX
from engine.domain.policy import Policy
from engine.stock.ledger import Move, Posting, StockChange, stock_key
from engine.stock.records import Part, PartState, Record, Reservation
from engine.stock.records_oms import ReturnRecord

GONE = (PartState.SHIPPED.value, PartState.COLLECTED.value)
READ_MAX = 10_000


class Grade(StrEnum):
    """In which state it came back."""

    AS_NEW = "as_new"
    OPENED = "opened"
    DAMAGED = "damaged"
    UNSELLABLE = "unsellable"


def resold(grade: Grade, policy: Policy) -> bool:
    """Whether units of a grade are on sale again as they are."""
    return {
        Grade.AS_NEW: True,
        Grade.OPENED: policy.resell_opened,
        Grade.DAMAGED: policy.resell_damaged,
        Grade.UNSELLABLE: False,
    }[grade]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLine:
    """Units of a sku that came back in one state."""

    sku: str
    quantity: int
    grade: Grade = Grade.AS_NEW


class ReturnedLineDoc(msgspec.Struct, kw_only=True):
    """What became of units that came back."""

    sku: str
    quantity: int
    grade: str
    restocked: int


class ReturnDoc(msgspec.Struct, kw_only=True):
    """A return."""

    return_id: str
    order_id: str | None
    node: str
    received_at: datetime | None
    known_order: bool  # whether the ledger knows what was shipped of it
    lines: list[ReturnedLineDoc]


class ReturnedDoc(msgspec.Struct, kw_only=True):
    """A line of a return, as it is listed."""

    return_id: str
    line: int
    order_id: str | None
    node: str
    sku: str
    quantity: int
    grade: str
    restocked: int
    received_at: datetime | None
    by: str


def returned_doc(record: ReturnRecord, state: State) -> ReturnedDoc:
    """A line of a return in the caller's words."""
    return ReturnedDoc(
        return_id=record.return_id,
        line=record.line,
        order_id=record.order_id or None,
        node=state.node_id(record.node_no),
        sku=state.sku_id(record.sku_no),
        quantity=record.units,
        grade=record.grade,
        restocked=record.restocked,
        received_at=moment(record.at_s),
        by=record.by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """
    Units came back at a node.

    Parameters
    ----------
    return_id
        The caller's.
    node
        Where; it is credited.
    order_id
        What they were sold with, where that is known.
    """

    return_id: str
    node: str
    lines: tuple[ReturnedLine, ...]
    order_id: str | None = None
    by: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "return"

    def wanted(self) -> Wanted:
        """Nothing: what was shipped of the order is looked up."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Check what was shipped, put back what can be sold."""
        self._check()
        if state.ledger.find(ReturnRecord, {"return_id": self.return_id}, limit=1):
            raise DeskError("exists", CONFLICT, f"Return ({self.return_id}) exists.", "use another id.")
        node_no, now_s = state.node_no(self.node), state.now_s
        shipped = self._shipped(state)
        units: Counter[int] = Counter()
        records: list[ReturnRecord] = []
        for i, line in enumerate(self.lines):
            sku_no = state.sku_no(line.sku, f"lines/{i}/sku")
            units[sku_no] += line.quantity
            records.append(
                ReturnRecord(
                    return_id=self.return_id,
                    line=i + 1,
                    order_id=self.order_id or "",
                    node_no=node_no,
                    sku_no=sku_no,
                    units=line.quantity,
                    grade=line.grade.value,
                    restocked=line.quantity if resold(line.grade, state.engine.policy) else 0,
                    at_s=now_s,
                    by=self.by,
                )
            )
        touched = self._within(state, shipped, units) if shipped else []
        back = [(stock_key(r.sku_no, node_no), r.restocked) for r in records if r.restocked]
        document = ReturnDoc(
            return_id=self.return_id,
            order_id=self.order_id,
            node=self.node,
            received_at=moment(now_s),
            known_order=bool(shipped),
            lines=[
                ReturnedLineDoc(sku=line.sku, quantity=line.quantity, grade=line.grade.value, restocked=r.restocked)
                for line, r in zip(self.lines, records, strict=True)
            ],
        )
        posting = joined(
            *(Posting(stock=[StockChange(key, count)]) for key, count in back),
            Posting(
                moves=[Move(key, count, now_s, "returned", self.return_id) for key, count in back],
                makes=[*records, event("return.received", self.return_id, now_s, msgspec.to_builtins(document))],
                changes=touched,
            ),
        )
        return Planned(answer(document, CREATED), posting)

    def _check(self) -> None:
        who = f"Return ({self.return_id})"
        if not 1 <= len(self.lines) <= LINES_MAX:
            raise InputError(f"{who} has {len(self.lines)} lines, not 1 to {LINES_MAX}.", "split it.")
        for line in self.lines:
            if not 1 <= line.quantity <= QUANTITY_MAX:
                raise InputError(
                    f"Quantity ({line.quantity}) of sku ({line.sku}) in return ({self.return_id}) is not within 1 and "
                    f"{QUANTITY_MAX}.",
                    "leave the line out.",
                )

    def _shipped(self, state: State) -> list[Part]:
        """The parts of the order that have left; none where nothing is known of the order."""
        if self.order_id is None:
            return []
        reserved = state.ledger.find(Reservation, {"order_id": self.order_id}, limit=READ_MAX)
        parts = state.ledger.get_many(Part, [(one.reservation_id,) for one in reserved])
        shipped = [part for part in parts if part.state in GONE]
        if parts and not shipped:
            raise DeskError(
                "wrong-state",
                CONFLICT,
                f"Nothing of order ({self.order_id}) was shipped.",
                "cancel what is not wanted.",
                field="/order_id",
            )
        return shipped

    def _within(self, state: State, shipped: Sequence[Part], units: Counter[int]) -> list[Record]:
        """
        The reservations that were shipped from, to be changed: two returns of one order come one after the other.

        Raises DeskError where more comes back than was shipped.
        """
        sent: Counter[int] = Counter()
        for part in shipped:
            for _, sku_no, count in part.lines:
                sent[sku_no] += count
        for record in state.ledger.find(ReturnRecord, {"order_id": self.order_id}, limit=READ_MAX):
            sent[record.sku_no] -= record.units
        for sku_no, count in units.items():
            if count > sent[sku_no]:
                raise DeskError(
                    "too-many-returned",
                    CONFLICT,
                    f"{sent[sku_no]} unit(s) of sku ({state.sku_id(sku_no)}) of order ({self.order_id}) can still come "
                    f"back, not {count}.",
                    "leave order_id out for what was sold otherwise.",
                    field="/lines",
                )
        keys = [(name,) for name in sorted({part.reservation_id for part in shipped})]
        found = state.ledger.get_many(Reservation, keys)
        if not found:
            raise DeskError("unknown-order", NOT_FOUND, f"Order ({self.order_id}) has no reservation.", "check the id.")
        return [msgspec.structs.replace(r, updated_s=state.now_s, version=r.version + 1) for r in found]

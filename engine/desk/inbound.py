"""What is due and what is held back: lots announced, changed and received; safety stock and units for one channel."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from engine.desk.ask import NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.book import HELD_BACK, INBOUND
from engine.desk.documents import moment
from engine.desk.exceptions import event
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.network.live import ON_HAND_MAX
from engine.stock.ledger import Move, Posting, StockChange, stock_key
from engine.stock.records_oms import HeldBack, Lot

PRECONDITION = 412


class LotDoc(msgspec.Struct, kw_only=True):
    """Units due at a node."""

    lot_id: str
    node: str
    sku: str
    units: int
    available_at: datetime | None
    version: int


def lot_doc(lot: Lot, state: State) -> LotDoc:
    """A lot in the caller's words."""
    return LotDoc(
        lot_id=lot.lot_id,
        node=state.node_id(lot.node_no),
        sku=state.sku_id(lot.sku_no),
        units=lot.units,
        available_at=moment(lot.available_s),
        version=lot.version,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PutLot:
    """Announce a lot, or change it; no units takes it back."""

    lot_id: str
    node: str
    sku: str
    units: int
    available_s: int
    if_version: int | None = None

    @property
    def name(self) -> str:
        """The operation."""
        return "put_lot"

    def wanted(self) -> Wanted:
        """Nothing but the lot."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down."""
        if not 0 <= self.units <= ON_HAND_MAX:
            raise InputError(f"units ({self.units}) of lot ({self.lot_id}) is not within 0 and {ON_HAND_MAX}.")
        known = state.ledger.get(Lot, self.lot_id)
        _same(self.lot_id, known, self.if_version)
        lot = Lot(
            lot_id=self.lot_id,
            node_no=state.node_no(self.node),
            sku_no=state.sku_no(self.sku),
            units=self.units,
            available_s=self.available_s,
            version=known.version + 1 if known is not None else 1,
        )
        data = {"lot_id": lot.lot_id, "node": self.node, "sku": self.sku, "units": self.units}
        note = event(state.now_s, "inbound.changed.v1", lot.lot_id, data)
        posting = Posting(makes=[note], notices=[INBOUND])
        (posting.makes if known is None else posting.changes).append(lot)
        return Planned(answer(lot_doc(lot, state)), posting, _lots_read)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveLot:
    """Units of a lot have come: they go on hand, and the lot shrinks; more than were due may come."""

    lot_id: str
    units: int
    if_version: int | None = None

    @property
    def name(self) -> str:
        """The operation."""
        return "receive_lot"

    def wanted(self) -> Wanted:
        """Nothing but the lot."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Put the units on hand."""
        lot = state.ledger.get(Lot, self.lot_id)
        if lot is None:
            raise DeskError("unknown-lot", NOT_FOUND, f"Lot ({self.lot_id}) is unknown.", "announce it, or count.")
        _same(self.lot_id, lot, self.if_version)
        if not 1 <= self.units <= ON_HAND_MAX:
            raise InputError(f"units ({self.units}) received of lot ({self.lot_id}) is not within 1 and {ON_HAND_MAX}.")
        key = stock_key(lot.sku_no, lot.node_no)
        left = msgspec.structs.replace(lot, units=max(0, lot.units - self.units), version=lot.version + 1)
        data = {"lot_id": lot.lot_id, "received": self.units, "left": left.units}
        posting = Posting(
            stock=[StockChange(key, self.units)],
            moves=[Move(key, self.units, state.now_s, "received", lot.lot_id)],
            changes=[left],
            makes=[event(state.now_s, "inbound.received.v1", lot.lot_id, data)],
            notices=[INBOUND],
        )
        return Planned(answer(lot_doc(left, state)), posting, _lots_read)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustStock:
    """So many units more (below 0: fewer) are on hand, for a reason of the caller's."""

    node: str
    sku: str
    units: int
    cause: str = "adjusted"
    reference: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "adjust_stock"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Change the row; where that would leave less than is reserved, or than nothing, it is refused."""
        key = stock_key(state.sku_no(self.sku), state.node_no(self.node))
        on_hand, reserved = state.stock_of(key)
        after = on_hand + self.units
        if not 0 <= after <= ON_HAND_MAX or (self.units < 0 and after < reserved):
            raise DeskError(
                "not-enough",
                409,
                f"Node ({self.node}) has {on_hand} of sku ({self.sku}), {reserved} of them reserved; {self.units} more "
                "cannot be.",
                "send a count, if the shelf says so: who holds too much is then listed.",
                field="/units",
            )
        data = {"node": self.node, "sku": self.sku, "units": self.units, "cause": self.cause}
        posting = Posting(
            stock=[StockChange(key, self.units, 0, 0 if self.units < 0 else None)],
            moves=[Move(key, self.units, state.now_s, self.cause, self.reference)],
            makes=[event(state.now_s, "stock.adjusted.v1", f"{self.node}/{self.sku}", data)],
        )
        return Planned(answer({**data, "on_hand": after, "reserved": reserved}), posting)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHeldBack:
    """
    Hold units back: as safety stock, or for one channel.

    Parameters
    ----------
    rule
        "safety" (sku None: every sku of the node; channel "": every channel) or "protection" (both are named).
    """

    rule: str
    node: str
    sku: str | None
    channel: str
    units: int
    if_version: int | None = None

    @property
    def name(self) -> str:
        """The operation."""
        return "set_held_back"

    def wanted(self) -> Wanted:
        """Nothing but the rule."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down."""
        if self.rule not in ("safety", "protection"):
            raise InputError(f"rule ({self.rule}) is unknown.", "one of safety, protection.")
        if not 0 <= self.units <= ON_HAND_MAX:
            raise InputError(f"units ({self.units}) held back is not within 0 and {ON_HAND_MAX}.")
        if self.rule == "protection" and (self.sku is None or not self.channel):
            raise InputError("A protection is of a sku, for a channel.", "name both.")
        node_no, sku_no = state.node_no(self.node), -1 if self.sku is None else state.sku_no(self.sku)
        known = state.ledger.get(HeldBack, self.rule, node_no, sku_no, self.channel)
        _same(f"{self.rule} of {self.node}", known, self.if_version)
        record = HeldBack(
            rule=self.rule,
            node_no=node_no,
            sku_no=sku_no,
            channel=self.channel,
            units=self.units,
            version=known.version + 1 if known is not None else 1,
        )
        posting = Posting(notices=[HELD_BACK])
        (posting.makes if known is None else posting.changes).append(record)
        document = {
            "rule": self.rule,
            "node": self.node,
            "sku": self.sku,
            "channel": self.channel,
            "units": self.units,
            "version": record.version,
        }
        return Planned(answer(document), posting, _held_back_read)


def _lots_read(state: State) -> None:
    state.book.read_lots(state)


def _held_back_read(state: State) -> None:
    state.book.read_held_back(state)


def _same(what: str, known: Lot | HeldBack | None, seen: int | None) -> None:
    version = known.version if known is not None else 0
    if seen is not None and seen != version:
        raise DeskError("version", PRECONDITION, f"({what}) is at version {version}, not {seen}.", "read it again.")

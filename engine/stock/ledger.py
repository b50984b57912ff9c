"""
The port of the ledger: where it is written what is true, and the only way to change it.

A change is a `Posting`: stock and capacity it moves, records it makes or changes, the answer to remember. A posting is
posted whole or not at all. `Ledger.post` takes several in one transaction, which is what makes it fast and durable at
once; each stands or falls alone, on what those before it in the list have left. So whoever decides on numbers that are
no longer true is told which, with the fresh ones, and decides again.

Nodes and skus have numbers in the ledger, given when a network is first opened and never changed. A stock row is named
by one number, its key:

    key = sku_no * 2**20 + node_no

Three rules hold after every transaction: nothing is reserved below 0; a posting with a `floor` never leaves less than
that free; capacity with a limit is never booked beyond it. Limits that a cell was given of its own (`LimitChange`) are
kept in the ledger and win over those that a posting brings: whoever has not heard of them yet is held to them, too.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.network.model import Network
from engine.stock.records import IdempotencyKey, Record

NODE_BITS = 20
NO_LIMIT = -1
R = TypeVar("R", bound=Record)
Int64s = NDArray[np.int64]


def stock_key(sku_no: int, node_no: int) -> int:
    """The key of a stock row."""
    return sku_no << NODE_BITS | node_no


def key_parts(key: int) -> tuple[int, int]:
    """Sku and node number of a key."""
    return key >> NODE_BITS, key & ((1 << NODE_BITS) - 1)


class StockChange(NamedTuple):
    """
    Units added to a stock row (below 0: taken), and what must be free afterwards.

    on_hand - reserved >= floor must hold after the change; None asks for nothing. A floor counts what is held back from
    the order's channel and, below that, what is due in time. The row is made where it is not there.
    """

    key: int
    on_hand: int = 0
    reserved: int = 0
    floor: int | None = None


class CapacityChange(NamedTuple):
    """
    Orders and units added to what a node has booked on a local day (hour -1), or in an hour of it.

    ``orders_max`` and ``units_max`` are what the node takes where the cell has no limits of its own; a number that does
    not rise may lie beyond its limit.
    """

    node_no: int
    day: int
    hour: int
    orders: int
    units: int
    orders_max: int = NO_LIMIT
    units_max: int = NO_LIMIT


class LimitChange(NamedTuple):
    """What a cell takes at most from now on, whatever is booked already; NO_LIMIT: as the node says."""

    node_no: int
    day: int
    hour: int
    orders_max: int = NO_LIMIT
    units_max: int = NO_LIMIT


class Move(NamedTuple):
    """A change of units on hand that the stock feed must know of: see engine/stock/counts.py."""

    key: int
    units: int
    at_s: int
    cause: str  # shipped, collected, returned, rejected, …
    reference: str


class Posting(msgspec.Struct, kw_only=True):
    """
    One change of the ledger, whole or not at all.

    ``makes`` are new records: it is refused where one with the same key is there. ``changes`` are records as they shall
    be, their ``version`` one above the one that was read: refused where it is not. ``puts`` are written whether there
    or not. ``drops`` are deleted, if there. ``key`` is remembered with its answer; where it is there already, nothing
    happens and the answer given then is the outcome.
    """

    stock: list[StockChange] = []
    capacity: list[CapacityChange] = []
    limits: list[LimitChange] = []
    moves: list[Move] = []
    makes: list[Record] = []
    changes: list[Record] = []
    puts: list[Record] = []
    drops: list[Record] = []
    notices: list[str] = []  # what other processes must read again: "policies", "nodes", "inbound", …
    key: IdempotencyKey | None = None


class Conflict(StrEnum):
    """Why a posting was refused."""

    STOCK = "stock"  # not enough is free any more
    CAPACITY = "capacity"  # the node has booked too much meanwhile
    VERSION = "version"  # a record was changed, or is gone
    EXISTS = "exists"  # a record with that id is there
    KEY = "key"  # the same call was answered before


class Outcome(NamedTuple):
    """What became of a posting: `conflict` None says that it holds, durably. `what` names the row or record."""

    conflict: Conflict | None = None
    what: str = ""
    answered: IdempotencyKey | None = None  # with Conflict.KEY


class StockRow(NamedTuple):
    """A stock row as it is after a transaction."""

    key: int
    on_hand: int
    reserved: int


class CapacityCell(NamedTuple):
    """
    What a node has booked after a transaction, and the limits of the cell's own; hour -1: of the whole day.

    Limits are NO_LIMIT where the node's hold.
    """

    node_no: int
    day: int
    hour: int
    orders: int
    units: int
    orders_max: int = NO_LIMIT
    units_max: int = NO_LIMIT


class Posted(NamedTuple):
    """
    What a call of `Ledger.post` did.

    ``stock`` and ``capacity`` are all rows and cells that it looked at, as they are now, changed or not. ``seq`` is the
    place of the transaction in the feed; -1 where nothing was changed.
    """

    outcomes: list[Outcome]
    stock: list[StockRow]
    capacity: list[CapacityCell]
    seq: int


class Count(NamedTuple):
    """
    A message of the stock feed about one row.

    Either ``on_hand`` (a count: so many are there) or ``units`` (a change) is given. ``seq`` numbers the messages of a
    source about this row, in the order in which they were true, None where the source does not number them.
    ``counted_s`` is when it was counted: what left or came back through us since is taken off or added.
    ``if_seq`` applies it only where the row was changed last by the transaction of that place in the feed.
    """

    key: int
    on_hand: int | None
    units: int | None
    seq: int | None
    counted_s: int | None = None
    if_seq: int | None = None


class CountResult(StrEnum):
    """What a message of the stock feed did."""

    APPLIED = "applied"
    REPEATED = "repeated"  # that very number was applied before
    LATE = "late"  # a later count is known
    QUARANTINED = "quarantined"  # it would make less than nothing
    CHANGED = "changed"  # the row is not as it was seen


class Once(NamedTuple):
    """
    How messages of the stock feed that have no numbers are applied once, whoever sends them again.

    ``names`` are scope and key of remembered answers: where any of them is there already, nothing is applied.
    ``records`` makes of the results what is written in the same transaction: the answers of those names are new, all
    else takes the place of what is there.
    """

    names: Sequence[tuple[str, str]]
    records: Callable[[list[CountResult]], Sequence[Record]]


class Counted(NamedTuple):
    """
    Results of `Ledger.count`, in the order of the messages, and all rows as they are now.

    Where answers of `Once` were there, they are ``answered``, and there are no results.
    """

    results: list[CountResult]
    stock: list[StockRow]
    seq: int
    answered: Sequence[IdempotencyKey] = ()


class FeedMark(NamedTuple):
    """A place in the feed of changes; the zeros stand for its beginning."""

    xid: int = 0
    seq: int = 0


class Change(NamedTuple):
    """One transaction, as the feed tells of it: rows and cells as it left them, and as it found them."""

    mark: FeedMark
    at_s: int
    writer: str
    stock: list[tuple[int, int, int, int, int]]  # key, on hand, reserved after; on hand, reserved before
    capacity: list[tuple[int, ...]]  # node, day, hour; orders, units, own limits of both after; these four before
    notices: list[str]


class Contents(NamedTuple):
    """All stock and capacity, ascending by key, and the mark up to which they hold."""

    mark: FeedMark
    key: Int64s
    on_hand: Int64s
    reserved: Int64s
    seq: Int64s  # of the transaction that changed the row last
    capacity: Int64s  # (n, 7): the fields of CapacityCell


class Numbers(NamedTuple):
    """The ledger's numbers of nodes and skus: the place of each id in these lists."""

    nodes: list[str]
    skus: list[str]


class LedgerBusyError(Exception):
    """The ledger could not be reached or was locked for too long; nothing was changed. Trying again is safe."""


class LedgerUnsureError(LedgerBusyError):
    """
    The connection broke at the end of a transaction, and the database could not be asked whether it holds.

    Trying again is safe for postings with a key, and for those that make a record with an id of the caller's.
    """


class Ledger(Protocol):
    """
    A store of the truth. Methods may be called from several threads; `post` and `count` of one ledger take turns.

    All raise LedgerBusyError where the database cannot be had; then nothing was changed.
    """

    def open(self, network: Network, now_s: int) -> Numbers:
        """
        Number what the network has and the ledger does not know yet; write its stock where the ledger has none at all.

        What the network reserved, held back and expects goes in with it.
        """
        ...

    def load(self, day_from: int) -> Contents:
        """All stock, and capacity from a local day on."""
        ...

    def capacity(self, day_from: int) -> list[CapacityCell]:
        """What is booked from a local day on."""
        ...

    def stock_row(self, key: int) -> tuple[StockRow, int]:
        """A stock row, and the place in the feed of who changed it last; zeros where it is not there."""
        ...

    def post(self, postings: Sequence[Posting], now_s: int, on_durable: Callable[[], None] | None = None) -> Posted:
        """Post in one transaction, each alone; durable when it returns."""
        ...

    def count(
        self,
        counts: Sequence[Count],
        now_s: int,
        source: str,
        makes: Sequence[Record] = (),
        once: Once | None = None,
    ) -> Counted:
        """Apply messages of the stock feed in one transaction; `makes` are records of what was refused before."""
        ...

    def changes(self, after: FeedMark, limit: int = 1000) -> list[Change]:
        """What was changed by anybody since, each transaction once, none left out; oldest first."""
        ...

    def get(self, kind: type[R], *key: Any) -> R | None:
        """One record by its key."""
        ...

    def get_many(self, kind: type[R], keys: Sequence[tuple[Any, ...]]) -> list[R]:
        """Records by their keys (or by the first fields of them), in the order of the table's key."""
        ...

    def find(
        self,
        kind: type[R],
        where: dict[str, Any] | None = None,
        *,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        limit: int = 100,
    ) -> list[R]:
        """
        Records whose fields equal `where`, a page of them.

        A value that is a tuple allows each of its elements; a field named with `__lt`, `__le`, `__gt`, `__ge` compares.
        Pages are ordered by `order` and then the table's key; `after` has the values of these of the last one seen.
        """
        ...

    def count_by(self, kind: type[Record], fields: tuple[str, ...], where: dict[str, Any] | None = None) -> list[Any]:
        """(values of the fields …, number of records) for each combination, in their order."""
        ...

    def prune(self, now_s: int) -> None:
        """Drop what is kept for a time only: old answers of calls, delivered events, feed, covered moves."""
        ...

    def close(self) -> None:
        """Let go of the database; calls in flight end first."""
        ...

"""
Which postings of a batch hold: each in turn, on the numbers that those before it have left.

No SQL: given what a transaction has read and locked, this decides; the stores read before and write after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.stock.ledger import NO_LIMIT, Conflict, Outcome, Posting
from engine.stock.records import IdempotencyKey, Record

Key = tuple[Any, ...]
MOST = 2**31 - 1  # units that a row holds
NUMBERED = (("event_no",), ("audit_no",))  # keys that the store gives


def key_of(record: Record) -> Key:
    """What tells a record apart in its table."""
    return tuple(getattr(record, name) for name in record.KEY)


@dataclass(slots=True)
class Books:
    """What was read: numbers of rows and cells, versions of records to be changed, keys of those to be made."""

    stock: dict[int, tuple[int, int]]  # on hand, reserved
    cells: dict[tuple[int, int, int], tuple[int, int]]  # orders, units
    versions: dict[type[Record], dict[Key, int]]
    there: dict[type[Record], set[Key]]
    answered: dict[Key, IdempotencyKey] = field(default_factory=dict)


def judge(postings: Sequence[Posting], books: Books) -> list[Outcome]:
    """Decide each posting and let those that hold change the books."""
    return [_one(posting, books) for posting in postings]


def _one(posting: Posting, books: Books) -> Outcome:
    if posting.key is not None:
        known = books.answered.get((posting.key.scope, posting.key.key))
        if known is not None:
            return Outcome(Conflict.KEY, known.key, known)
    refused = _stock(posting, books.stock) or _capacity(posting, books.cells) or _records(posting, books)
    if refused is not None:
        return refused
    for change in posting.stock:
        on_hand, reserved = books.stock[change.key]
        books.stock[change.key] = on_hand + change.on_hand, reserved + change.reserved
    for cell in posting.capacity:
        at = cell.node_no, cell.day, cell.hour
        orders, units = books.cells[at]
        books.cells[at] = orders + cell.orders, units + cell.units
    for record in posting.drops:
        books.there.get(type(record), set()).discard(key_of(record))
    for record in posting.changes:
        changed: Any = record
        books.versions[type(record)][key_of(record)] = changed.version
    for record in posting.makes:
        if record.KEY not in NUMBERED:
            books.there[type(record)].add(key_of(record))
    if posting.key is not None:
        books.answered[posting.key.scope, posting.key.key] = posting.key
    return Outcome()


def _stock(posting: Posting, stock: Mapping[int, tuple[int, int]]) -> Outcome | None:
    """The first row that would not have what is asked of it; changes of one row come one after the other."""
    after: dict[int, tuple[int, int]] = {}
    for change in posting.stock:
        on_hand, reserved = after.get(change.key) or stock[change.key]
        after[change.key] = on_hand + change.on_hand, reserved + change.reserved
    for change in posting.stock:
        on_hand, reserved = after[change.key]
        short = change.floor is not None and on_hand - reserved < change.floor
        if short or not (0 <= reserved <= MOST and 0 <= on_hand <= MOST):
            return Outcome(Conflict.STOCK, str(change.key))
    return None


def _capacity(posting: Posting, cells: Mapping[tuple[int, int, int], tuple[int, int]]) -> Outcome | None:
    after: dict[tuple[int, int, int], tuple[int, int]] = {}
    for cell in posting.capacity:
        at = cell.node_no, cell.day, cell.hour
        orders, units = after.get(at) or cells[at]
        after[at] = orders + cell.orders, units + cell.units
    for cell in posting.capacity:
        at = cell.node_no, cell.day, cell.hour
        orders, units = after[at]
        over = NO_LIMIT != cell.orders_max < orders or NO_LIMIT != cell.units_max < units
        if over or orders < 0 or units < 0:
            return Outcome(Conflict.CAPACITY, "{}/{}/{}".format(*at))
    return None


def _records(posting: Posting, books: Books) -> Outcome | None:
    for record in posting.changes:
        changed: Any = record
        if books.versions[type(record)].get(key_of(record)) != changed.version - 1:
            return Outcome(Conflict.VERSION, _name(record))
    for record in posting.makes:
        if record.KEY not in NUMBERED and key_of(record) in books.there[type(record)]:
            return Outcome(Conflict.EXISTS, _name(record))
    return None


def _name(record: Record) -> str:
    return f"{record.TABLE}:{'/'.join(str(value) for value in key_of(record))}"

"""
Which postings of a batch hold: each in turn, on the numbers that those before it have left.

No SQL: given what a transaction has read and locked, this decides what is to be written; the stores read before and
write after. Of several changes of one record in a batch only what they come to is written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from engine.stock.ledger import NO_LIMIT, Conflict, Outcome, Posting
from engine.stock.records import IdempotencyKey, Record

Key = tuple[Any, ...]
Cell = tuple[int, int, int]  # node, day, hour
Booked = tuple[int, int, int, int]  # orders, units, own limits of both
MOST = 2**31 - 1  # units that a row holds
NUMBERED = (("event_no",), ("audit_no",))  # keys that the store gives


class How(NamedTuple):
    """
    What is to be written of a record.

    ``step`` is drop, update (of the row that has ``version``), put or insert.
    """

    step: str
    record: Record
    version: int = 0


@dataclass(slots=True)
class Books:
    """What was read: numbers of rows and cells, and which records are there; and what is to be written of records."""

    stock: dict[int, tuple[int, int]]  # on hand, reserved
    cells: dict[Cell, Booked]
    there: dict[type[Record], dict[Key, int]]  # versions, 0 where a kind has none; of those to be made or changed
    answered: dict[Key, IdempotencyKey] = field(default_factory=dict)
    written: dict[type[Record], dict[Key, How]] = field(default_factory=dict)
    numbered: dict[type[Record], list[Record]] = field(default_factory=dict)


@cache
def keys_of(kind: type[Record]) -> Callable[[Any], Key]:
    """What tells a record of a kind apart in its table."""
    get: Callable[[Any], Any] = attrgetter(*kind.KEY)
    return get if len(kind.KEY) > 1 else lambda record: (get(record),)


def key_of(record: Record) -> Key:
    """What tells a record apart in its table."""
    return keys_of(type(record))(record)


def judge(postings: Sequence[Posting], books: Books) -> list[Outcome]:
    """Decide each posting and let those that hold change the books."""
    return [_one(posting, books) for posting in postings]


def _one(posting: Posting, books: Books) -> Outcome:
    if posting.key is not None:
        known = books.answered.get((posting.key.scope, posting.key.key))
        if known is not None:
            return Outcome(Conflict.KEY, known.key, known)
    stock: dict[int, tuple[int, int]] = {}
    cells: dict[Cell, Booked] = {}
    refused = _stock(posting, books.stock, stock) or _capacity(posting, books.cells, cells) or _records(posting, books)
    if refused is not None:
        return refused
    books.stock.update(stock)
    books.cells.update(cells)
    for record in posting.drops:
        _write(books, "drop", record)
    for record in posting.changes:
        _write(books, "update", record)
    for record in posting.puts:
        _write(books, "put", record)
    for record in posting.makes:
        if record.KEY in NUMBERED:
            books.numbered.setdefault(type(record), []).append(record)
        else:
            _write(books, "insert", record)
    if posting.key is not None:
        at = posting.key.scope, posting.key.key
        books.answered[at] = posting.key
        books.written.setdefault(IdempotencyKey, {})[at] = How("insert", posting.key)
    return Outcome()


def _stock(posting: Posting, stock: Mapping[int, tuple[int, int]], after: dict[int, tuple[int, int]]) -> Outcome | None:
    """The first row that would not have what is asked of it, all changes of the posting counted."""
    for key, on_hand, reserved, _ in posting.stock:
        before = after.get(key) or stock[key]
        after[key] = before[0] + on_hand, before[1] + reserved
    for key, _, _, floor in posting.stock:
        on_hand, reserved = after[key]
        short = floor is not None and on_hand - reserved < floor
        if short or not (0 <= reserved <= MOST and 0 <= on_hand <= MOST):
            return Outcome(Conflict.STOCK, str(key))
    return None


def _capacity(
    posting: Posting,
    cells: Mapping[Cell, Booked],
    after: dict[Cell, Booked],
) -> Outcome | None:
    """The first cell that would take more than it may; what it has beyond its limit already may stay, or shrink."""
    for limit in posting.limits:
        orders, units, _, _ = after.get(limit[:3]) or cells[limit[:3]]
        after[limit[:3]] = orders, units, limit.orders_max, limit.units_max
    for cell in posting.capacity:
        at = cell[:3]
        orders, units, orders_max, units_max = after.get(at) or cells[at]
        after[at] = orders + cell.orders, units + cell.units, orders_max, units_max
    for cell in posting.capacity:
        before, (orders, units, orders_max, units_max) = cells[cell[:3]], after[cell[:3]]
        many = _over(orders, before[0], orders_max, cell.orders_max)
        over = many or _over(units, before[1], units_max, cell.units_max)
        if over or orders < 0 or units < 0:
            return Outcome(Conflict.CAPACITY, f"{cell.node_no}/{cell.day}/{cell.hour}")
    return None


def _over(after: int, before: int, own_max: int, node_max: int) -> bool:
    """Whether a number has risen beyond its limit: the cell's own, else the node's."""
    most = node_max if own_max == NO_LIMIT else own_max
    return NO_LIMIT != most < after and after > before


def _records(posting: Posting, books: Books) -> Outcome | None:
    changed: set[tuple[type[Record], Key]] = set()
    for record in posting.changes:
        at, new = key_of(record), getattr(record, "version", 1)
        if books.there[type(record)].get(at) != new - 1 or (type(record), at) in changed:
            return Outcome(Conflict.VERSION, _name(record))
        changed.add((type(record), at))
    made: set[tuple[type[Record], Key]] = set()
    for record in posting.makes:
        if record.KEY not in NUMBERED:
            kind, at = type(record), key_of(record)
            if at in books.there[kind] or (kind, at) in made:
                return Outcome(Conflict.EXISTS, _name(record))
            made.add((kind, at))
    return None


def _write(books: Books, step: str, record: Record) -> None:
    """Note a step; steps of one record come to one."""
    kind = type(record)
    at = keys_of(kind)(record)
    there, written = books.there.setdefault(kind, {}), books.written.setdefault(kind, {})
    version = there.get(at, 0)
    before = written.get(at)
    if step == "drop":
        there.pop(at, None)
        written[at] = How(step, record)
        return
    there[at] = getattr(record, "version", 0)
    if before is None or step == "put":
        written[at] = How(step, record, version)
    elif before.step == "drop":
        written[at] = How("put", record)
    else:
        written[at] = before._replace(record=record)


def _name(record: Record) -> str:
    return f"{record.TABLE}:{'/'.join(str(value) for value in key_of(record))}"

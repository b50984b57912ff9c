"""
The stock feed in the ledger: many messages in one transaction, each by the rule of engine/stock/counts.py.

What is known of the numbers of a source lies in the stock row itself, as nearly every row has one source: whichever
counted it first. Table `counted` has it for further sources. A source is known by a number made of its name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from engine.adapters.ledger import reading, schema, statements
from engine.adapters.ledger.dialect import Write
from engine.adapters.ledger.schema import TABLES
from engine.adapters.ledger.trying import Transaction
from engine.stock.counts import Row, applied
from engine.stock.ledger import Count, Counted, CountResult, Once, StockRow
from engine.stock.records import IdempotencyKey, Record

_NONE: dict[int, int] = {}


@dataclass(slots=True)
class _Books:
    """What was read of the rows that messages are about."""

    source_no: int
    rows: dict[int, Row]
    reserved: dict[int, int]
    counted_by: dict[int, tuple[int, int]]  # what the stock row says: source, its count
    seq: dict[int, int]  # of who changed the row last
    moved: dict[int, list[tuple[int, int]]]  # our own moves: when, units
    made: list[Write]  # of rows that are not there yet

    def strange(self, key: int) -> bool:
        """Whether another source counted a row first."""
        return self.counted_by[key][0] not in (0, self.source_no)


def count(
    tx: Transaction, counts: Sequence[Count], now_s: int, source: str, makes: Sequence[Record], once: Once | None
) -> Counted:
    """See `Ledger.count`."""
    books = _read(tx, counts, _source_no(source))
    rows = books.rows
    if once is not None:  # read once the rows are locked: who came first has ended by then
        (found,) = tx.read([(statements.read_many(IdempotencyKey, 2), list(once.names))])
        if found:
            now = [StockRow(key, row.on_hand, books.reserved[key]) for key, row in rows.items()]
            return Counted([], now, -1, reading.records_of(IdempotencyKey, found))
    first = dict(rows)
    results: list[CountResult] = []
    for message in counts:
        if message.if_seq is not None and message.if_seq != books.seq.get(message.key, 0):
            results.append(CountResult.CHANGED)
            continue
        since = 0
        if message.counted_s is not None:
            since = sum(units for at_s, units in books.moved.get(message.key, ()) if at_s > message.counted_s)
        result, rows[message.key] = applied(rows[message.key], message, since)
        results.append(result)
    changed = [key for key, row in rows.items() if row is not first[key]]
    seq = -1
    together = once.records(results) if once is not None else ()
    if changed or makes or together:
        stock = [
            (key, rows[key].on_hand, books.reserved[key], first[key].on_hand, books.reserved[key])
            for key in changed
            if rows[key].on_hand != first[key].on_hand
        ]
        writes = [*books.made, *_rows(books, first, changed), *_deltas(books, first, changed), *_refused(makes)]
        writes += _together(together)
        seq = tx.write(writes, now_s, stock, [], [])
    return Counted(results, [StockRow(key, row.on_hand, books.reserved[key]) for key, row in rows.items()], seq)


def _source_no(source: str) -> int:
    """A number above 0 that no two sources share, but once in 2**62."""
    return int.from_bytes(blake2b(source.encode(), digest_size=8).digest()) >> 1 | 1


def _read(tx: Transaction, counts: Sequence[Count], source_no: int) -> _Books:
    """Rows under lock, what is known of the source's numbers, and our own moves since they were counted."""
    keys = sorted({message.key for message in counts})
    numbered = [(key, source_no) for key in sorted({message.key for message in counts if message.seq is not None})]
    since: dict[int, int] = {}
    for message in counts:
        if message.counted_s is not None:
            since[message.key] = min(message.counted_s, since.get(message.key, message.counted_s))
    stock, deltas, moves = tx.read(
        [
            (statements.lock_counted(), [(key,) for key in keys]),
            (statements.of_source(schema.deltas), numbered),
            (statements.moves_since(), sorted(since.items())),
        ]
    )
    books = _Books(source_no, dict.fromkeys(keys, Row(0, None, _NONE)), dict.fromkeys(keys, 0), {}, {}, {}, [])
    for key, on_hand, reserved, counted_by, counted_seq, seq in stock:
        books.seq[key] = seq
        books.rows[key] = Row(on_hand, counted_seq if counted_by == source_no else None, _NONE)
        books.reserved[key] = reserved
        books.counted_by[key] = counted_by, counted_seq
    missing: list[tuple[int, ...]] = [(key,) for key in keys if key not in books.counted_by]
    books.made = tx.need({schema.stock: missing})
    books.counted_by |= dict.fromkeys((key for (key,) in missing), (0, 0))
    strange = [pair for pair in numbered if books.strange(pair[0])]
    for key, counted_seq in tx.read([(statements.of_source(schema.counted), strange)])[0] if strange else ():
        books.rows[key] = books.rows[key]._replace(counted=counted_seq)
    later: dict[int, dict[int, int]] = {}
    for key, seq, units in deltas:
        later.setdefault(key, {})[seq] = units
    for key, units_by_seq in later.items():
        books.rows[key] = books.rows[key]._replace(later=units_by_seq)
    for key, at_s, units in moves:
        books.moved.setdefault(key, []).append((at_s, units))
    return books


def _rows(books: _Books, first: Mapping[int, Row], changed: Sequence[int]) -> Iterator[Write]:
    """Units on hand, and up to which number they are known."""
    rows: list[Any] = []
    strange: list[Any] = []
    for key in changed:
        now, before, told = books.rows[key], first[key], books.counted_by[key]
        if now.counted is not None and now.counted != before.counted:
            if books.strange(key):
                strange.append((key, books.source_no, now.counted))
            else:
                told = books.source_no, now.counted
        if now.on_hand != before.on_hand or told != books.counted_by[key]:
            rows.append((key, now.on_hand, *told, before.on_hand, books.reserved[key]))
    if rows:
        yield Write(statements.change_counted(), rows, guarded=True)
    if strange:
        yield Write(statements.put(schema.counted), strange)


def _deltas(books: _Books, first: Mapping[int, Row], changed: Sequence[int]) -> Iterator[Write]:
    """Numbered changes that no count has covered yet."""
    old: list[Any] = []
    new: list[Any] = []
    for key in changed:
        before, after = first[key].later, books.rows[key].later
        if before is not after:
            old += [(key, books.source_no, seq) for seq in before if seq not in after]
            new += [(key, books.source_no, seq, units) for seq, units in after.items() if seq not in before]
    if old:
        yield Write(statements.drop(schema.deltas), old)
    if new:
        yield Write(statements.insert_into(schema.deltas), new)


def _together(records: Sequence[Record]) -> Iterator[Write]:
    """What is written with the counts: an answer that is there already ends the transaction."""
    for kind in dict.fromkeys(type(record) for record in records):
        rows = [record for record in records if type(record) is kind]
        yield Write(statements.insert(kind) if kind is IdempotencyKey else statements.put(TABLES[kind]), rows)


def _refused(makes: Sequence[Record]) -> Iterator[Write]:
    """Records of what was refused; a batch that is sent again leaves those that are there as they are."""
    for kind in dict.fromkeys(type(record) for record in makes):
        yield Write(statements.insert_new(kind), [record for record in makes if type(record) is kind])

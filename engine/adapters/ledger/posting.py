"""Postings in a SQL database: read under lock, judge, write what they come to."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.ledger import reading, schema, statements
from engine.adapters.ledger.dialect import Write, bound
from engine.adapters.ledger.schema import ALL_RECORDS, TABLES
from engine.adapters.ledger.trying import Transaction
from engine.stock.judge import NUMBERED, Books, Cell, How, Key, judge, keys_of
from engine.stock.ledger import NO_LIMIT, CapacityCell, Posted, Posting, StockRow
from engine.stock.records import IdempotencyKey, Record

NOTHING_BOOKED = (0, 0, NO_LIMIT, NO_LIMIT)


def post(tx: Transaction, postings: Sequence[Posting], now_s: int, *, trusting: bool) -> Posted:
    """
    Post in a transaction; the caller commits.

    A `trusting` transaction does not look whether records to be made are there already: inserting them then fails.
    """
    books, made = _read(tx, postings, trusting)
    stock_before, cells_before = dict(books.stock), dict(books.cells)
    outcomes = judge(postings, books)
    done = [p for p, outcome in zip(postings, outcomes, strict=True) if outcome.conflict is None]
    seq = -1
    if done:
        stock = [(key, *now, *stock_before[key]) for key, now in books.stock.items() if now != stock_before[key]]
        cells = [(*at, *now, *cells_before[at]) for at, now in books.cells.items() if now != cells_before[at]]
        notices = list(dict.fromkeys(notice for posting in done for notice in posting.notices))
        writes = [*made, *_numbers(stock, cells), *_records(done, books)]
        seq = tx.write(writes, now_s, stock, cells, notices)
    return Posted(
        outcomes,
        [StockRow(key, *values) for key, values in books.stock.items()],
        [CapacityCell(*at, *values) for at, values in books.cells.items()],
        seq,
    )


def joined(parts: Sequence[Posted]) -> Posted:
    """Postings that were posted one after the other, as one answer."""
    stock = {row.key: row for part in parts for row in part.stock}
    cells = {cell[:3]: cell for part in parts for cell in part.capacity}
    outcomes = [outcome for part in parts for outcome in part.outcomes]
    return Posted(outcomes, list(stock.values()), list(cells.values()), max(part.seq for part in parts))


def _read(tx: Transaction, postings: Sequence[Posting], trusting: bool) -> tuple[Books, list[Write]]:
    """All that the postings touch, under lock; and what makes the rows that are not there yet."""
    answers = [(p.key.scope, p.key.key) for p in postings if p.key is not None]
    keys = [(key,) for key in sorted({change.key for posting in postings for change in posting.stock})]
    ats: list[Cell] = sorted({cell[:3] for p in postings for cells in (p.capacity, p.limits) for cell in cells})
    changed, made = _keys_by_kind(postings, "changes"), _keys_by_kind(postings, "makes")
    looked_up = changed if trusting else changed | made
    kinds = [kind for kind in ALL_RECORDS if kind in looked_up]
    asked: list[tuple[Any, Sequence[Any]]] = [
        (statements.read_many(IdempotencyKey, 2), answers),
        (statements.lock_stock(), keys),
        (statements.lock_capacity(), ats),
    ]
    for kind in kinds:
        wanted = sorted(changed.get(kind, set()) | made.get(kind, set()))
        asked.append((statements.versions(kind, lock=kind in changed), wanted))
    known, stock, cells, *records = tx.read(asked)
    rows = {key: (on_hand, reserved) for key, on_hand, reserved in stock}
    booked = {(node_no, day, hour): tuple(values) for node_no, day, hour, *values in cells}
    missing: dict[sa.Table, list[tuple[int, ...]]] = {
        schema.stock: [(key,) for (key,) in keys if key not in rows],
        schema.capacity: [*(at for at in ats if at not in booked)],
    }
    there: dict[type[Record], dict[Key, int]] = {kind: {} for kind in made}
    for kind, seen in zip(kinds, records, strict=True):
        there[kind] = {tuple(row[:-1]): row[-1] for row in seen}
    books = Books(
        {key: rows.get(key, (0, 0)) for (key,) in keys},
        {at: booked.get(at, NOTHING_BOOKED) for at in ats},
        there,
        {(answer.scope, answer.key): answer for answer in reading.records_of(IdempotencyKey, known)},
    )
    return books, tx.need(missing)


def _keys_by_kind(postings: Sequence[Posting], name: str) -> dict[type[Record], set[Key]]:
    out: dict[type[Record], set[Key]] = {}
    for posting in postings:
        for record in getattr(posting, name):
            kind: type[Record] = type(record)
            if kind.KEY not in NUMBERED:
                out.setdefault(kind, set()).add(keys_of(kind)(record))
    return out


def _numbers(stock: Sequence[Any], cells: Sequence[Any]) -> Iterator[Write]:
    """Rows and cells, changed if they are still as they were read: the last guard of all."""
    if stock:
        yield Write(statements.change_stock(), stock, guarded=True)
    changed = [(cell[:3], cell[3:7], cell[7:]) for cell in cells]  # which one, as it is now and was before
    moved = [(*at, *now[:2], *before[:2]) for at, now, before in changed if now[:2] != before[:2]]
    if moved:
        yield Write(statements.change_capacity(), moved, guarded=True)
    limited = [(*at, *now[2:]) for at, now, before in changed if now[2:] != before[2:]]
    if limited:
        yield Write(statements.limit_capacity(), limited, guarded=True)


def _records(done: Sequence[Posting], books: Books) -> Iterator[Write]:
    """Moves and records, table by table in a fixed order, by key in each."""
    moves = [move for posting in done for move in posting.moves]
    if moves:
        yield Write(statements.insert_into(schema.moves), moves)
    for kind in ALL_RECORDS:
        steps: dict[str, list[How]] = {}
        written = books.written.get(kind, {})
        for at in sorted(written):
            steps.setdefault(written[at].step, []).append(written[at])
        if "drop" in steps:
            yield Write(statements.drop(TABLES[kind]), [keys_of(kind)(how.record) for how in steps["drop"]])
        if "update" in steps:
            changed = bound(statements.insert(kind), [how.record for how in steps["update"]])
            rows = [(*row, how.version) for row, how in zip(changed, steps["update"], strict=True)]
            yield Write(statements.update(kind), rows, guarded=True)
        if "put" in steps:
            yield Write(statements.put(TABLES[kind]), [how.record for how in steps["put"]])
        made = [*(how.record for how in steps.get("insert", ())), *books.numbered.get(kind, ())]
        if made:
            yield Write(statements.insert(kind), made)

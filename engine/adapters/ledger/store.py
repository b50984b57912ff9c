"""
The ledger in a SQL database: `engine.stock.ledger.Ledger` on SQLite or PostgreSQL.

A call of `post` is one transaction: what it needs is read under lock in ascending order, judged by
engine/stock/judge.py, and written by conditional updates whose counts are checked. `count` is the stock feed's. Both
take turns in a process on SQLite, which has one writer; on PostgreSQL there are as many at once as connections.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from engine.adapters.ledger import bulk, counting, reading
from engine.adapters.ledger.dialect import connect, encoded
from engine.adapters.ledger.migrate import upgrade
from engine.adapters.ledger.schema import ALL_RECORDS, NUMBERED, TABLES
from engine.adapters.ledger.statements import Statements, columns_of
from engine.network.model import Network
from engine.stock.judge import Books, judge, key_of
from engine.stock.ledger import (
    CapacityCell,
    Change,
    Contents,
    Count,
    Counted,
    FeedMark,
    LedgerBusyError,
    Numbers,
    Outcome,
    Posted,
    Posting,
    StockRow,
)
from engine.stock.records import EventRecord, IdempotencyKey, Record

R = TypeVar("R", bound=Record)
T = TypeVar("T")
Transaction = sa.Connection
TRIES_MAX = 5
CONNECTIONS = 16
_PACKER = msgspec.msgpack.Encoder()


class SqlLedger:
    """See `Ledger`; made by `open_ledger`."""

    def __init__(self, url: str, writer: str, connections: int = CONNECTIONS) -> None:
        self.url = url
        self.writer = writer
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self.writers = 1 if self.dialect == "sqlite" else connections
        upgrade(url)
        self.write_engine, self.read_engine = connect(url, connections)
        self.statements = Statements(self.dialect)
        self.guard_hits = 0  # rows that a conditional update did not find as they had been read under lock
        self._turn = threading.Lock() if self.dialect == "sqlite" else nullcontext()

    # --- writing

    def post(self, postings: Sequence[Posting], now_s: int, on_durable: Callable[[], None] | None = None) -> Posted:
        """Post in one transaction; where another process made what this one makes, one by one."""
        try:
            return self._tried(lambda tx: self._post(tx, postings, now_s))
        except sa.exc.IntegrityError:
            if len(postings) == 1:
                raise
        parts = [self._post_alone(posting, now_s) for posting in postings]
        stock = {row.key: row for part in parts for row in part.stock}
        cells = {cell[:3]: cell for part in parts for cell in part.capacity}
        outcomes = [part.outcomes[0] for part in parts]
        return Posted(outcomes, list(stock.values()), list(cells.values()), max(part.seq for part in parts))

    def _post_alone(self, posting: Posting, now_s: int) -> Posted:
        """A posting that collides on a key is judged again: by then the other transaction has ended."""
        for _ in range(TRIES_MAX):
            try:
                return self._tried(lambda tx: self._post(tx, [posting], now_s))
            except sa.exc.IntegrityError as error:
                wrong = error
        raise LedgerBusyError(str(wrong.orig)) from wrong

    def _post(self, tx: Transaction, postings: Sequence[Posting], now_s: int) -> Posted:
        books, new_rows = self._read(tx, postings)
        stock_before, cells_before = dict(books.stock), dict(books.cells)
        outcomes = judge(postings, books)
        done = [p for p, outcome in zip(postings, outcomes, strict=True) if outcome.conflict is None]
        seq = -1
        if done:
            seq = self._write(tx, done, books, stock_before, cells_before, new_rows, now_s)
        stock = [StockRow(key, *values) for key, values in books.stock.items()]
        cells = [CapacityCell(*at, *values) for at, values in books.cells.items()]
        return Posted(outcomes, stock, cells, seq)

    def _read(self, tx: Transaction, postings: Sequence[Posting]) -> tuple[Books, set[int]]:
        """All that the postings touch, under lock; and the stock rows that are not there yet."""
        sql = self.statements
        answered: dict[Any, IdempotencyKey] = {}
        asked = [(p.key.scope, p.key.key) for p in postings if p.key is not None]
        if asked:
            for row in tx.execute(sql.answered, {"rows": encoded(asked)}):
                known = reading.record_of(IdempotencyKey, row)
                answered[known.scope, known.key] = known
        keys = sorted({change.key for posting in postings for change in posting.stock})
        stock = dict.fromkeys(keys, (0, 0))
        new_rows = set(keys)
        if keys:
            for key, on_hand, reserved, _ in tx.execute(sql.lock_stock, {"rows": encoded([(k,) for k in keys])}):
                stock[key] = on_hand, reserved
                new_rows.discard(key)
        ats = sorted({(c.node_no, c.day, c.hour) for posting in postings for c in posting.capacity})
        cells = dict.fromkeys(ats, (0, 0))
        if ats:
            for node_no, day, hour, orders, units in tx.execute(sql.lock_capacity, {"rows": encoded(ats)}):
                cells[node_no, day, hour] = orders, units
        versions: dict[type[Record], dict[Any, int]] = {}
        there: dict[type[Record], set[Any]] = {}
        changed = _by_kind(record for posting in postings for record in posting.changes)
        made = _by_kind(record for posting in postings for record in posting.makes)
        for kind in ALL_RECORDS:
            if kind in changed:
                wanted = sorted({key_of(record) for record in changed[kind]})
                found = tx.execute(sql.lock_versions(kind), {"rows": encoded(wanted)})
                versions[kind] = {tuple(row[:-1]): row[-1] for row in found}
            if kind in made:
                there[kind] = set()
                if kind not in NUMBERED:
                    wanted = sorted({key_of(record) for record in made[kind]})
                    found = tx.execute(sql.keys_there(kind), {"rows": encoded(wanted)})
                    there[kind] = {tuple(row) for row in found}
        return Books(stock, cells, versions, there, answered), new_rows

    def _write(
        self,
        tx: Transaction,
        done: Sequence[Posting],
        books: Books,
        stock_before: dict[int, tuple[int, int]],
        cells_before: dict[tuple[int, int, int], tuple[int, int]],
        new_rows: set[int],
        now_s: int,
    ) -> int:
        sql = self.statements
        rows = [(key, *now, *stock_before[key]) for key, now in books.stock.items() if now != stock_before[key]]
        cells = [(*at, *now, *cells_before[at]) for at, now in books.cells.items() if now != cells_before[at]]
        notices = list(dict.fromkeys(notice for posting in done for notice in posting.notices))
        seq, xid = self.enter(tx, rows, cells, notices, now_s)
        self.write_stock(tx, rows, new_rows, seq)
        if cells:
            tx.execute(sql.put_capacity, {"rows": encoded([cell[:5] for cell in cells])})
        moved = [tuple(move) for posting in done for move in posting.moves]
        if moved:
            tx.execute(sql.insert_moves, {"rows": encoded(moved)})
        for name, statement in (("drops", sql.drop), ("changes", sql.update), ("puts", sql.put), ("makes", sql.insert)):
            by_kind = _by_kind(record for posting in done for record in getattr(posting, name))
            for kind in ALL_RECORDS:
                records = by_kind.get(kind)
                if records:
                    self._write_records(tx, name, kind, records, statement(kind), xid)
        keys = [posting.key for posting in done if posting.key is not None]
        if keys:
            self._write_records(tx, "makes", IdempotencyKey, keys, sql.insert(IdempotencyKey), xid)
        return seq

    def _write_records(
        self, tx: Transaction, name: str, kind: type[Record], records: Sequence[Record], statement: Any, xid: int
    ) -> None:
        if name == "changes":  # of several changes of one record in a batch the last is what stays
            self._write_changes(tx, kind, records, statement)
            return
        if name == "drops":
            tx.execute(statement, {"rows": encoded([key_of(record) for record in records])})
            return
        if name == "puts":
            records = list({key_of(record): record for record in records}.values())
        if kind is EventRecord:
            records = [msgspec.structs.replace(record, xid=xid) for record in records]
        tx.execute(statement, {"rows": encoded(_places(kind, records))})

    def _write_changes(self, tx: Transaction, kind: type[Record], records: Sequence[Any], statement: Any) -> None:
        rounds: list[dict[Any, Any]] = []
        for record in records:  # versions of one record follow one another, each in a statement of its own
            at = next((r for r in rounds if key_of(record) not in r), None)
            if at is None:
                rounds.append({key_of(record): record})
            else:
                at[key_of(record)] = record
        for changed in rounds:
            result = tx.execute(statement, {"rows": encoded(_places(kind, list(changed.values())))})
            self.must_be(result.rowcount == len(changed), f"{kind.TABLE} changed under lock")

    def enter(
        self, tx: Transaction, rows: Sequence[Any], cells: Sequence[Any], notices: Sequence[str], now_s: int
    ) -> tuple[int, int]:
        """Write a line of the feed; its place, and the transaction's number."""
        payload = _PACKER.encode((rows, cells, notices))
        entered = tx.execute(self.statements.enter, {"at_s": now_s, "writer": self.writer, "payload": payload}).one()
        return entered.seq, entered.xid

    def write_stock(self, tx: Transaction, rows: Sequence[Any], new_rows: set[int], seq: int) -> None:
        """Change rows that are as they were read; insert those that were not there."""
        old = [row for row in rows if row[0] not in new_rows]
        if old:
            result = tx.execute(self.statements.update_stock, {"rows": encoded(old), "new_seq": seq})
            self.must_be(result.rowcount == len(old), "stock changed under lock")
        new = [row[:3] for row in rows if row[0] in new_rows]
        if new:
            tx.execute(self.statements.insert_stock, {"rows": encoded(new), "new_seq": seq})

    def must_be(self, held: bool, what: str) -> None:
        """Refuse to go on where a conditional update did not find what was locked: the last guard of all."""
        if not held:
            self.guard_hits += 1
            raise AssertionError(f"The ledger's guard was hit: {what}.")

    def _tried(self, work: Callable[[Transaction], T]) -> T:
        """Run a transaction; again where the database asks for it and nothing was changed."""
        for attempt in range(TRIES_MAX):
            try:
                with self._turn, self.write_engine.begin() as tx:
                    return work(tx)
            except sa.exc.OperationalError as error:
                if attempt == TRIES_MAX - 1 or not _can_be_tried_again(error):
                    raise LedgerBusyError(str(error.orig)) from error
        raise AssertionError("the last attempt returns or raises")

    def count(self, counts: Sequence[Count], now_s: int, source: str, makes: Sequence[Record] = ()) -> Counted:
        """Apply messages of the stock feed in one transaction."""
        counted: Counted = self._tried(lambda tx: counting.count(self, tx, counts, now_s, makes))
        return counted

    def insert_records(self, tx: Transaction, records: Sequence[Record], xid: int) -> None:
        """Insert records of any kinds."""
        for kind, made in _by_kind(records).items():
            self._write_records(tx, "makes", kind, made, self.statements.insert(kind), xid)

    # --- reading

    @contextmanager
    def reader(self) -> Iterator[Transaction]:
        """A connection to read with; LedgerBusyError where there is none."""
        try:
            with self.read_engine.connect() as tx:
                yield tx
        except sa.exc.OperationalError as error:
            raise LedgerBusyError(str(error.orig)) from error

    def open(self, network: Network, now_s: int) -> Numbers:
        """Number nodes and skus; write the network's stock where there is none."""
        numbers: Numbers = self._tried(lambda tx: bulk.open_network(self, tx, network, now_s))
        return numbers

    def load(self, day_from: int) -> Contents:
        """All stock and capacity."""
        with self.reader() as tx:
            return bulk.load(self, tx, day_from)

    def changes(self, after: FeedMark, limit: int = 1000) -> list[Change]:
        """The feed from a mark on."""
        with self.reader() as tx:
            return reading.changes(self.statements, tx, after, limit)

    def get(self, kind: type[R], *key: Any) -> R | None:
        """One record."""
        found = self.get_many(kind, [key])
        return found[0] if found else None

    def get_many(self, kind: type[R], keys: Sequence[tuple[Any, ...]]) -> list[R]:
        """Records by key, or by its first fields."""
        if not keys:
            return []
        with self.reader() as tx:
            found = tx.execute(self.statements.read_many(kind, len(keys[0])), {"rows": encoded(keys)})
            return [reading.record_of(kind, row) for row in found]

    def find(
        self,
        kind: type[R],
        where: dict[str, Any] | None = None,
        *,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        limit: int = 100,
    ) -> list[R]:
        """A page of records."""
        statement = reading.page(self.statements, kind, where or {}, order, after, limit)
        with self.reader() as tx:
            return [reading.record_of(kind, row) for row in tx.execute(statement)]

    def count_by(self, kind: type[Record], fields: tuple[str, ...], where: dict[str, Any] | None = None) -> list[Any]:
        """Numbers of records by the values of some fields."""
        table = TABLES[kind]
        columns = [table.c[name] for name in fields]
        statement = sa.select(*columns, sa.func.count()).where(*reading.conditions(table, where or {}))
        with self.reader() as tx:
            return [tuple(row) for row in tx.execute(statement.group_by(*columns).order_by(*columns))]

    def prune(self, now_s: int) -> None:
        """Drop what is kept for a time only."""
        self._tried(lambda tx: reading.prune(tx, now_s))

    def close(self) -> None:
        """Let go of the database."""
        with self._turn:
            self.write_engine.dispose()
            self.read_engine.dispose()


def _by_kind(records: Any) -> dict[type[Record], list[Record]]:
    out: dict[type[Record], list[Record]] = {}
    for kind, part in groupby(records, key=type):
        out.setdefault(kind, []).extend(part)
    return out


def _places(kind: type[Record], records: Sequence[Record]) -> list[tuple[Any, ...]]:
    """Values of the columns that are written, in their order."""
    if kind not in NUMBERED:
        return [msgspec.structs.astuple(record) for record in records]
    names = [column.name for column in columns_of(kind)]
    return [tuple(getattr(record, name) for name in names) for record in records]


def _can_be_tried_again(error: sa.exc.OperationalError) -> bool:
    """A deadlock, a serialization failure, a lock not had in time: the database has rolled back by itself."""
    state = getattr(error.orig, "sqlstate", None)
    return state in ("40001", "40P01", "55P03") or "database is locked" in str(error.orig)


__all__ = ["Outcome", "SqlLedger"]

"""
The ledger in a SQL database: `engine.stock.ledger.Ledger` on SQLite or PostgreSQL.

A call of `post` is one transaction: what it needs is read under lock in ascending order, judged by
engine/stock/judge.py, and written by conditional updates whose counts are checked. `count` is the stock feed's. Both
take turns in a process on SQLite, which has one writer; on PostgreSQL there are as many at once as connections.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from engine.adapters.ledger import bulk, counting, posting, reading, statements
from engine.adapters.ledger.dialect import PostgresHand, SqliteHand, connect
from engine.adapters.ledger.migrate import upgrade
from engine.adapters.ledger.schema import TABLES
from engine.adapters.ledger.trying import COLLISIONS, FAILURES, TRIES_MAX, Transactions
from engine.network.model import Network
from engine.stock.judge import keys_of
from engine.stock.ledger import (
    CapacityCell,
    Change,
    Contents,
    Count,
    Counted,
    FeedMark,
    LedgerBusyError,
    Numbers,
    Once,
    Posted,
    Posting,
    StockRow,
)
from engine.stock.records import Record

R = TypeVar("R", bound=Record)
CONNECTIONS = 16


class SqlLedger:
    """See `Ledger`; made by `open_ledger`."""

    def __init__(self, url: str, writer: str, connections: int = CONNECTIONS) -> None:
        self.url = url
        self.writer = writer
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self.writers = 1 if self.dialect == "sqlite" else connections
        upgrade(url)
        self.write_engine, self.read_engine = connect(url, connections)
        # To look something up by one statement: in no transaction, which would cost PostgreSQL two messages more.
        self.glance_engine = self.read_engine
        if self.dialect == "postgresql":
            self.glance_engine = self.read_engine.execution_options(isolation_level="AUTOCOMMIT")
        self.hand = SqliteHand() if self.dialect == "sqlite" else PostgresHand()
        self.transactions = Transactions(self.write_engine, self.read_engine, self.hand, writer)

    @property
    def guard_hits(self) -> int:
        """Rows that a conditional update did not find as they had been read under lock; must stay 0."""
        return self.transactions.guard_hits

    def post(self, postings: Sequence[Posting], now_s: int, on_durable: Callable[[], None] | None = None) -> Posted:
        """
        Post in one transaction.

        It trusts that records to be made are not there yet. Where one is, all is looked up in a second attempt; where
        another process makes one at the same time, postings are posted one by one: by then it has ended.
        """
        try:
            posted = self._posted(postings, now_s, trusting=True)
        except COLLISIONS:
            try:
                posted = self._posted(postings, now_s)
            except COLLISIONS:
                posted = posting.joined([self._posted_alone(one, now_s) for one in postings])
        if on_durable is not None and posted.seq >= 0:
            on_durable()
        return posted

    def _posted(self, postings: Sequence[Posting], now_s: int, *, trusting: bool = False) -> Posted:
        return self.transactions.run(lambda tx: posting.post(tx, postings, now_s, trusting=trusting))

    def _posted_alone(self, one: Posting, now_s: int) -> Posted:
        for _ in range(TRIES_MAX):
            try:
                return self._posted([one], now_s)
            except COLLISIONS as error:
                wrong = error
        raise LedgerBusyError(str(wrong)) from wrong

    def count(
        self,
        counts: Sequence[Count],
        now_s: int,
        source: str,
        makes: Sequence[Record] = (),
        once: Once | None = None,
    ) -> Counted:
        """Apply messages of the stock feed in one transaction; where another remembers it first, look again."""
        for _ in range(TRIES_MAX):
            try:
                return self.transactions.run(lambda tx: counting.count(tx, counts, now_s, source, makes, once))
            except COLLISIONS as error:
                wrong = error
        raise LedgerBusyError(str(wrong)) from wrong

    # --- reading

    @contextmanager
    def reader(self, *, glance: bool = False) -> Iterator[sa.Connection]:
        """A connection to read with, or to `glance` by one statement; LedgerBusyError where there is none."""
        try:
            with (self.glance_engine if glance else self.read_engine).connect() as connection:
                try:
                    yield connection
                except FAILURES:
                    if getattr(connection.connection.driver_connection, "closed", False):
                        connection.invalidate()  # it is lost: nothing of it is to be reset
                    raise
        except FAILURES as error:
            raise LedgerBusyError(str(error)) from error

    def open(self, network: Network, now_s: int) -> Numbers:
        """Number nodes and skus; write the network's stock where there is none."""
        return self.transactions.run(lambda tx: bulk.open_network(tx, network, now_s))

    def load(self, day_from: int) -> Contents:
        """All stock and capacity."""
        with self.reader() as connection:
            return bulk.load(self.dialect, connection, day_from)

    def capacity(self, day_from: int) -> list[CapacityCell]:
        """Capacity from a local day on."""
        with self.reader() as connection:
            return reading.capacity(connection, day_from)

    def stock_row(self, key: int) -> tuple[StockRow, int]:
        """A stock row, and who changed it last."""
        with self.reader() as connection:
            return reading.stock_row(connection, key)

    def changes(self, after: FeedMark, limit: int = 1000) -> list[Change]:
        """The feed from a mark on."""
        with self.reader() as connection:
            return reading.changes(self.dialect, connection, after, limit)

    def get(self, kind: type[R], *key: Any) -> R | None:
        """One record."""
        found = self.get_many(kind, [key])
        return found[0] if found else None

    def get_many(self, kind: type[R], keys: Sequence[tuple[Any, ...]]) -> list[R]:
        """Records by key, or by its first fields."""
        if not keys:
            return []
        asked = statements.read_many(kind, len(keys[0])), list(dict.fromkeys(keys))
        with self.reader(glance=True) as connection:
            (rows,) = self.hand.read(connection.connection.driver_connection, [asked])
        return sorted(reading.records_of(kind, rows), key=keys_of(kind))

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
        with self.reader(glance=True) as connection:
            raw = connection.connection.driver_connection
            return reading.records_of(kind, reading.page(self.dialect, raw, kind, where or {}, order, after, limit))

    def count_by(self, kind: type[Record], fields: tuple[str, ...], where: dict[str, Any] | None = None) -> list[Any]:
        """Numbers of records by the values of some fields."""
        table = TABLES[kind]
        columns = [table.c[name] for name in fields]
        found = sa.select(*columns, sa.func.count()).where(*reading.conditions(table, where or {}))
        with self.reader() as connection:
            rows = reading.fetched(self.dialect, connection, found.group_by(*columns).order_by(*columns))
        return [tuple(row) for row in rows]

    def prune(self, now_s: int) -> None:
        """Drop what is kept for a time only."""
        self.transactions.run(lambda tx: reading.prune(tx.connection, now_s))

    def close(self) -> None:
        """Let go of the database; calls in flight end first."""
        self.transactions.close()
        self.read_engine.dispose()

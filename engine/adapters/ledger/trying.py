"""
Transactions that are tried again where that is safe, and whose outcome is known.

Again: after a deadlock, a serialization failure, a lock not had in time, a lost connection, as long as no COMMIT was
sent. Where the connection breaks during the COMMIT the database is asked what became of it.
"""

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import msgspec
import psycopg
import sqlalchemy as sa

from engine.adapters.ledger import schema, statements
from engine.adapters.ledger.dialect import Entry, Hand, Write
from engine.stock.ledger import LedgerBusyError, LedgerUnsureError

T = TypeVar("T")
TRIES_MAX = 6
PAUSE_S = 0.02  # before the second try; each further pause is twice as long
ASK_TRIES, ASK_PAUSE_S = 60, 0.5  # how often to ask what became of a transaction
NUMBER = "#"  # between the writer and the number of a transaction
COLLISIONS = (sa.exc.IntegrityError, sqlite3.IntegrityError, psycopg.IntegrityError)
FAILURES = (sa.exc.OperationalError, sa.exc.TimeoutError, sqlite3.OperationalError, psycopg.OperationalError)
AGAIN = ("40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300")  # and 08…: the connection is lost
_PACKER = msgspec.msgpack.Encoder()


class MissingRowsError(Exception):
    """Rows that have to be made, in a transaction of their own, before they can be locked."""

    def __init__(self, rows: dict[sa.Table, list[tuple[int, ...]]]) -> None:
        super().__init__(rows)
        self.rows = rows


class Transaction:
    """A transaction under way."""

    def __init__(self, connection: sa.Connection, hand: Hand, owner: "Transactions") -> None:
        self.connection = connection
        self.raw: Any = connection.connection.driver_connection
        self.hand = hand
        self.owner = owner
        self.seq = -1  # in the feed, once it is entered
        self.xid = 0
        self.name = owner.new_name()

    def read(self, asked: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        """See `Hand`."""
        return self.hand.read(self.raw, asked)

    def write(
        self, writes: Sequence[Write], now_s: int, stock: Sequence[Any], cells: Sequence[Any], notices: Sequence[str]
    ) -> int:
        """Enter the feed with what changes, then write; the place in the feed."""
        entry = Entry(now_s, self.name, _PACKER.encode((stock, cells, notices)))
        self.seq, self.xid, changed = self.hand.write(self.raw, entry, writes)
        for write, number in zip(writes, changed, strict=True):
            if write.guarded and number != len(write.rows):
                self.owner.guard_hits += 1
                raise AssertionError(
                    f"The ledger's guard was hit by {len(write.rows) - number} row(s): {write[0].text}"
                )
        return self.seq

    def need(self, rows: dict[sa.Table, list[tuple[int, ...]]]) -> list[Write]:
        """
        See to it that rows are there: the writes that make them.

        On PostgreSQL, where others may make them at the same time, they have to be there before they are locked.
        """
        rows = {table: missing for table, missing in rows.items() if missing}
        if rows and self.hand.name == "postgresql":
            raise MissingRowsError(rows)
        return [Write(statements.make(table), missing) for table, missing in rows.items()]


class Transactions:
    """Runs transactions; in turns on SQLite."""

    def __init__(self, write_engine: sa.Engine, read_engine: sa.Engine, hand: Hand, writer: str) -> None:
        self.write_engine = write_engine
        self.read_engine = read_engine
        self.hand = hand
        self.writer = writer
        self.guard_hits = 0
        self._numbers = itertools.count(1)
        self._turn = threading.Lock() if hand.name == "sqlite" else nullcontext()

    def new_name(self) -> str:
        """By which a transaction's line in the feed is told from all others: the writer's, with a number."""
        return f"{self.writer}{NUMBER}{next(self._numbers)}"

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Do work in a transaction, durably; LedgerBusyError where that cannot be."""
        for _ in range(TRIES_MAX):
            try:
                return self._tried(work)
            except MissingRowsError as missing:
                made = [Write(statements.make(table), rows) for table, rows in missing.rows.items()]
                self._tried(lambda tx, made=made: tx.hand.write(tx.raw, None, made))  # type: ignore[misc]
        raise AssertionError("rows that were made are there")

    def _tried(self, work: Callable[[Transaction], T]) -> T:
        wrong: BaseException | None = None
        for attempt in range(TRIES_MAX):
            if attempt > 0:
                time.sleep(PAUSE_S * 2**attempt)
            try:
                with self._turn, self.write_engine.connect() as connection:
                    return self._once(connection, work)
            except FAILURES as error:
                wrong = error
                if not _can_be_tried_again(error):
                    break
        raise LedgerBusyError(str(wrong)) from wrong

    def _once(self, connection: sa.Connection, work: Callable[[Transaction], T]) -> T:
        begun = connection.begin()
        tx = Transaction(connection, self.hand, self)
        try:
            result = work(tx)
        except BaseException:
            _give_up(connection, tx.raw)
            raise
        try:
            begun.commit()
        except FAILURES:
            _give_up(connection, tx.raw)
            if tx.seq < 0 or not self._held(tx):
                raise
        return result

    def _held(self, tx: Transaction) -> bool:
        """What became of a transaction whose COMMIT brought no answer."""
        for _ in range(ASK_TRIES):
            try:
                with self.read_engine.connect() as connection:
                    status = _status(connection, tx)
            except FAILURES:
                status = "unreachable"
            if status in ("committed", "aborted"):
                return status == "committed"
            time.sleep(ASK_PAUSE_S)
        raise LedgerUnsureError(f"transaction {tx.xid} ({tx.seq} in the feed) was sent to be committed: no answer.")

    def close(self) -> None:
        """Let go of the database."""
        with self._turn:
            self.write_engine.dispose()


def _status(connection: sa.Connection, tx: Transaction) -> str:
    """
    What the database knows of a transaction: committed where its line is in the feed, under its own name.

    A number alone proves nothing, be it the transaction's or the line's: what did not reach the disk before the server
    was killed gives its numbers to those that come after it.
    """
    status = "aborted"
    if tx.hand.name == "postgresql":  # where it may still be under way
        asked = sa.text("SELECT pg_xact_status(CAST(CAST(:xid AS text) AS xid8))")
        try:
            status = str(connection.execute(asked, {"xid": tx.xid}).scalar())
        except sa.exc.DataError:  # it lies in the future: nobody has been given that number since
            return status
    if status == "in progress":
        return status
    feed = schema.feed
    there = connection.execute(sa.select(feed.c.seq).where(feed.c.seq == tx.seq, feed.c.writer == tx.name)).first()
    return "committed" if there is not None else "aborted"


def _give_up(connection: sa.Connection, raw: Any) -> None:
    """Roll back; a connection that is lost does not go back into the pool, and neither do others of that server."""
    try:
        connection.rollback()
    except FAILURES:
        connection.invalidate()
    if getattr(raw, "closed", False):
        connection.invalidate()


def _can_be_tried_again(error: BaseException) -> bool:
    raw = getattr(error, "orig", None) or error
    if isinstance(raw, sqlite3.Error):
        return "locked" in str(raw)
    state = getattr(raw, "sqlstate", None)
    return state is None or state in AGAIN or state.startswith("08")

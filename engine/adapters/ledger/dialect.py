"""
What SQLite and PostgreSQL do differently: connections, and many rows in one statement.

Python gives up its lock at every step of a SQLite statement and has to queue for it again behind threads that compute.
So no statement of a group of calls is run once for each row: rows that are written are bound to one statement, 256 at
a time; rows that are read come back as one JSON text. PostgreSQL is asked in pipelines, three round trips for a group,
and takes all rows of a statement as one JSON text.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa

from engine.stock.records import Record

BUSY_S = 30  # how long to wait for another process that writes to the same SQLite file
READERS = 8  # connections to SQLite that are kept
CACHE_KIB_WRITER, CACHE_KIB_READER = 262_144, 16_384
CHECKPOINT_PAGES = 20_000  # of SQLite's log, 80 MB: rarer ones write each page of stock less often
BOUND = (256, 64, 16, 4, 1)  # rows of a SQLite statement; few sizes, so that all stay prepared
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Any]).decode


class Statement(NamedTuple):
    """
    A statement that is given rows.

    ``text`` has {values} where an INSERT takes them, or {rows} for them as something to select from; {seq} and {xid}
    for the transaction's place in the feed and its number, {lock} for FOR UPDATE of table t. ``columns`` are the names
    of their places, ``ints`` says which hold whole numbers.
    """

    text: str
    columns: tuple[str, ...]
    ints: tuple[bool, ...]


class Write(NamedTuple):
    """A statement and its rows: tuples, or records of one kind. ``guarded``: each row must change one of the table."""

    statement: Statement
    rows: Sequence[Any]
    guarded: bool = False


class Entry(NamedTuple):
    """A line of the feed: time, writer and packed payload."""

    at_s: int
    writer: str
    payload: bytes


class Hand(Protocol):
    """How a dialect reads and writes many rows; `raw` is its driver's connection, in a transaction."""

    name: str

    def read(self, raw: Any, asked: Sequence[tuple[Statement, Sequence[Any]]]) -> list[list[Any]]:
        """What each statement finds for its rows; they run in their order, those without rows not at all."""
        ...

    def write(self, raw: Any, entry: Entry | None, writes: Sequence[Write]) -> tuple[int, int, list[int]]:
        """Enter the feed, then run statements: place in the feed, transaction's number, rows changed by each."""
        ...


class SqliteHand:
    """SQLite's."""

    name = "sqlite"

    def read(self, raw: Any, asked: Sequence[tuple[Statement, Sequence[Any]]]) -> list[list[Any]]:
        """See `Hand`."""
        return [
            _decode(raw.execute(_sqlite_read(s), (_text(rows),)).fetchone()[0]) if rows else [] for s, rows in asked
        ]

    def write(self, raw: Any, entry: Entry | None, writes: Sequence[Write]) -> tuple[int, int, list[int]]:
        """See `Hand`."""
        seq = -1
        if entry is not None:
            seq = raw.execute("INSERT INTO feed (xid, at_s, writer, payload) VALUES (1, ?, ?, ?)", entry).lastrowid
        return seq, 1, [_run(raw, write.statement, bound(write.statement, write.rows)) for write in writes]


class PostgresHand:
    """PostgreSQL's."""

    name = "postgresql"

    def read(self, raw: Any, asked: Sequence[tuple[Statement, Sequence[Any]]]) -> list[list[Any]]:
        """See `Hand`."""
        with raw.pipeline():
            raw.execute(_BY_INDEX)
            cursors = [raw.execute(_postgres(s), _given(s, rows)) if rows else None for s, rows in asked]
        return [cursor.fetchall() if cursor is not None else [] for cursor in cursors]

    def write(self, raw: Any, entry: Entry | None, writes: Sequence[Write]) -> tuple[int, int, list[int]]:
        """See `Hand`."""
        entered = None
        with raw.pipeline():
            if entry is not None:
                entered = raw.execute(_ENTER, entry)
            cursors = [raw.execute(_postgres(write.statement), _given(*write[:2])) for write in writes]
        seq, xid = entered.fetchone() if entered is not None else (-1, 0)
        return seq, xid, [cursor.rowcount for cursor in cursors]


# Rows are looked up one by one in the order in which they are given, whatever a planner makes of their number.
_BY_INDEX = "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
_ENTER = (
    "INSERT INTO feed (xid, at_s, writer, payload) VALUES (pg_current_xact_id()::text::bigint, %s, %s, %s) "
    "RETURNING seq, xid"
)


def connect(url: str, connections: int) -> tuple[sa.Engine, sa.Engine]:
    """Engines to write and to read with; SQLite's reads never wait for its one writer."""
    if url.startswith("sqlite"):
        return _sqlite(url, "BEGIN IMMEDIATE", 1, CACHE_KIB_WRITER), _sqlite(url, "BEGIN", READERS, CACHE_KIB_READER)
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=4,
        pool_timeout=BUSY_S,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
    )
    return engine, engine


def _sqlite(url: str, begin: str, pool_size: int, cache_kib: int) -> sa.Engine:
    arguments = {"check_same_thread": False, "timeout": BUSY_S, "cached_statements": 1024}
    engine = sa.create_engine(url, connect_args=arguments, pool_size=pool_size, max_overflow=pool_size)
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"cache_size=-{cache_kib}",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    )

    @sa.event.listens_for(engine, "connect")
    def opened(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin ourselves
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _run(raw: Any, statement: Statement, rows: Sequence[Any]) -> int:
    """Run a statement on SQLite with its rows bound, so many at a time; how many rows it changed."""
    at, changed = 0, 0
    for size in BOUND:
        while len(rows) - at >= size:
            part = chain.from_iterable(rows[at : at + size])
            changed += raw.execute(_sqlite_write(statement, size), list(part)).rowcount
            at += size
    return changed


def _text(rows: Sequence[Any]) -> str:
    return _encode(rows).decode()


def bound(statement: Statement, rows: Sequence[Any]) -> Sequence[Any]:
    """Rows as SQLite binds them: records become tuples, nested values JSON."""
    if not rows or not isinstance(rows[0], Record):
        return rows
    kind = type(rows[0])
    if statement.columns[: len(kind.__struct_fields__)] != kind.__struct_fields__:
        return [attrgetter(*statement.columns)(row) for row in rows]
    tuples = [msgspec.structs.astuple(row) for row in rows]
    for place in nested_places(kind):
        tuples = [(*row[:place], _text(row[place]), *row[place + 1 :]) for row in tuples]
    return tuples


def _given(statement: Statement, rows: Sequence[Any]) -> Sequence[str]:
    """Rows as PostgreSQL takes them: whole numbers as an array for each column, all else as a JSON list of objects."""
    if all(statement.ints):
        return ["{" + ",".join(map(str, column)) + "}" for column in zip(*rows, strict=True)]
    if not isinstance(rows[0], Record):
        rows = [dict(zip(statement.columns, row, strict=True)) for row in rows]
    return (_text(rows),)


@cache
def nested_places(kind: type[Record]) -> tuple[int, ...]:
    """Places of the fields of a kind that are kept as JSON."""
    types = (field.type for field in msgspec.structs.fields(kind))
    return tuple(i for i, hint in enumerate(types) if getattr(hint, "__origin__", None) is tuple)


@lru_cache(maxsize=2048)
def _sqlite_write(statement: Statement, size: int) -> str:
    width = len(statement.columns)
    values = "VALUES " + ", ".join([f"({', '.join('?' * width)})"] * size)
    names = ", ".join(f'column{i + 1} AS "{name}"' for i, name in enumerate(statement.columns))
    rows = f"(SELECT {names} FROM ({values}))"
    return statement.text.format(values=values, rows=rows, seq="(SELECT max(seq) FROM feed)", xid=1)


@lru_cache(maxsize=512)
def _sqlite_read(statement: Statement) -> str:
    names = ", ".join(f'value ->> {i} AS "{name}"' for i, name in enumerate(statement.columns))
    text = statement.text.format(rows=f"(SELECT {names} FROM json_each(?))", lock="")
    found, source = text.removeprefix("SELECT ").split(" FROM ", 1)
    return f"SELECT json_group_array(json_array({found})) FROM {source}"  # which is in no order


@lru_cache(maxsize=512)
def _postgres(statement: Statement) -> str:
    names = ", ".join(f'"{name}"' for name in statement.columns)
    if all(statement.ints):
        given = f"unnest({', '.join('%s::bigint[]' for _ in statement.columns)}) AS given({names})"
    else:
        typed = zip(statement.columns, statement.ints, strict=True)
        places = ", ".join(f'"{name}" {"bigint" if whole else "text"}' for name, whole in typed)
        given = f"json_to_recordset(%s::json) AS given({places})"
    values = f"SELECT {names} FROM {given}"
    xid = "pg_current_xact_id()::text::bigint"
    lock = "FOR UPDATE OF t"
    return statement.text.format(values=values, rows=f"({values})", seq="currval('feed_seq_seq')", xid=xid, lock=lock)

"""
What SQLite and PostgreSQL say differently: connections, locks, and many rows as one parameter.

All rows of a statement go to the database as one JSON text, which it takes apart itself. So a group of calls costs a
dozen steps, however many calls it holds, and Python's lock is given up a dozen times instead of a thousand.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_ENCODER = msgspec.json.Encoder()
BUSY_S = 30


def connect(url: str, connections: int) -> tuple[sa.Engine, sa.Engine]:
    """Engines to write and to read with; SQLite's reads never wait for its one writer."""
    if url.startswith("sqlite"):
        return _sqlite(url, "BEGIN IMMEDIATE", 1), _sqlite(url, "BEGIN", 8)
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, pool_size=connections, max_overflow=4, pool_pre_ping=True)
    return engine, engine


def _sqlite(url: str, begin: str, pool_size: int) -> sa.Engine:
    arguments = {"check_same_thread": False, "timeout": BUSY_S}
    engine = sa.create_engine(url, connect_args=arguments, pool_size=pool_size, max_overflow=8)

    @sa.event.listens_for(engine, "connect")
    def opened(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "cache_size=-262144",
            "temp_store=MEMORY",
            "wal_autocheckpoint=20000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def encoded(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as the one parameter "rows" of a statement made from `rows_of`."""
    return _ENCODER.encode(rows).decode()


def rows_of(dialect: str, columns: Sequence[sa.Column[Any]], parameter: str = "rows") -> sa.Subquery:
    """
    The rows of a JSON parameter as something to select from.

    Parameters
    ----------
    dialect
        sqlite or postgresql.
    columns
        What the places of a row are called, and their types.
    parameter
        Which parameter holds them.
    """
    if dialect == "sqlite":
        fields = [f'value ->> {i} AS "{column.name}"' for i, column in enumerate(columns)]
        source = f"json_each(:{parameter})"
    else:
        fields = [f'(value ->> {i}){_cast(column)} AS "{column.name}"' for i, column in enumerate(columns)]
        source = f"json_array_elements(CAST(:{parameter} AS json))"
    text = sa.text(f"SELECT {', '.join(fields)} FROM {source}")
    return text.columns(*(sa.column(column.name, column.type) for column in columns)).subquery(parameter)


def _cast(column: sa.Column[Any]) -> str:
    return "::bigint" if isinstance(column.type, sa.BigInteger | sa.Integer) else ""


def insert_for(dialect: str) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return sqlite.insert if dialect == "sqlite" else postgresql.insert

"""
The tables of the ledger: one for each class of records, and those of stock, capacity, numbers and the feed.

Columns of records have the names of the fields. Texts that nothing queries are JSON. Migrations (migrations/) bring a
database to what is here; a test compares both.
"""

import types
import typing
from typing import Any

import sqlalchemy as sa

from engine.stock.records import (
    DecisionRecord,
    EventRecord,
    IdempotencyKey,
    Part,
    Record,
    Reservation,
)
from engine.stock.records_oms import RECORDS, Audit

ALL_RECORDS: tuple[type[Record], ...] = (Reservation, Part, DecisionRecord, IdempotencyKey, EventRecord, *RECORDS)
NUMBERED = {EventRecord: "event_no", Audit: "audit_no"}  # the database numbers their rows
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only columns of that name of type
# Texts compare as their bytes, on both alike and whatever the server's language.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# Numbers that change all the time find room in their own page, so that no index has to follow.
ROOM = {"fillfactor": 75}
metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
)
nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("node_no", SERIAL, primary_key=True, autoincrement=False),
    sa.Column("node_id", TEXT, nullable=False, unique=True),
)
skus = sa.Table(
    "skus",
    metadata,
    sa.Column("sku_no", SERIAL, primary_key=True, autoincrement=False),
    sa.Column("sku", TEXT, nullable=False, unique=True),
)
stock = sa.Table(
    "stock",
    metadata,
    sa.Column("key", SERIAL, primary_key=True, autoincrement=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    # The source that counted the row first (its number: see counting.py; 0: none), and its latest numbered count.
    sa.Column("counted_by", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("counted_seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.CheckConstraint("reserved >= 0", name="reserved_not_negative"),
    sa.CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
    postgresql_with=ROOM,
)
capacity = sa.Table(
    "capacity",
    metadata,
    sa.Column("node_no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sa.Column("units", sa.BigInteger, nullable=False),
    # Limits of the cell's own; -1: the node's hold.
    sa.Column("orders_max", sa.BigInteger, nullable=False, server_default="-1"),
    sa.Column("units_max", sa.BigInteger, nullable=False, server_default="-1"),
    sa.CheckConstraint("orders >= 0 AND units >= 0", name="booked_not_negative"),
    postgresql_with=ROOM,
)
feed = sa.Table(
    "feed",
    metadata,
    sa.Column("seq", SERIAL, primary_key=True, autoincrement=True),
    sa.Column("xid", sa.BigInteger, nullable=False),
    sa.Column("at_s", sa.BigInteger, nullable=False),
    sa.Column("writer", TEXT, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("feed_order", "xid", "seq"),
    sqlite_autoincrement=True,
)
moves = sa.Table(
    "moves",
    metadata,
    sa.Column("move_no", SERIAL, primary_key=True, autoincrement=True),
    sa.Column("key", sa.BigInteger, nullable=False),
    sa.Column("units", sa.BigInteger, nullable=False),
    sa.Column("at_s", sa.BigInteger, nullable=False),
    sa.Column("cause", TEXT, nullable=False),
    sa.Column("reference", TEXT, nullable=False),
    sa.Index("moves_key", "key", "at_s"),
)
counted = sa.Table(  # likewise of further sources of a row
    "counted",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("source_no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
deltas = sa.Table(  # numbered changes of a row that no count of their source has covered yet
    "deltas",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("source_no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("units", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
reserved_before = sa.Table(  # units that others had reserved when the stock was first written; nothing changes them
    "reserved_before",
    metadata,
    sa.Column("key", SERIAL, primary_key=True, autoincrement=False),
    sa.Column("units", sa.BigInteger, nullable=False),
)

INDICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "reservations": (("order_id",), ("state", "expires_s")),
    "parts": (("node_no", "state", "due_s"), ("state", "due_s")),
    "decisions": (("order_id",),),
    "idempotency_keys": (("created_s",),),
    "events": (("xid", "event_no"),),
    "rejections": (("order_id",), ("node_no", "at_s")),
    "exceptions": (("state", "opened_s"), ("order_id",)),
    "backorders": (("state", "sku_no"),),
    "returns": (("order_id",), ("node_no", "at_s"), ("at_s",)),
    "quarantine": (("state",),),
    "deliveries": (("state", "next_s"),),
    "inbound": (("available_s",),),
}


def _column(kind: type[Record], name: str, hint: Any) -> sa.Column[Any]:
    of = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    numbered = NUMBERED.get(kind) == name
    column_type: Any = sa.BigInteger if int in of else TEXT
    return sa.Column(
        name,
        SERIAL if numbered else column_type,
        primary_key=name in kind.KEY,
        autoincrement=numbered,
        nullable=type(None) in of,
    )


def _table(kind: type[Record]) -> sa.Table:
    hints = typing.get_type_hints(kind)
    columns = [_column(kind, name, hints[name]) for name in kind.__struct_fields__]
    indices = [sa.Index(f"{kind.TABLE}_{'_'.join(fields)}", *fields) for fields in INDICES.get(kind.TABLE, ())]
    # Numbers of rows are never given twice, not even after the last row was dropped.
    more: dict[str, Any] = {"sqlite_autoincrement": True} if kind in NUMBERED else {}
    return sa.Table(kind.TABLE, metadata, *columns, *indices, **more)


TABLES: dict[type[Record], sa.Table] = {kind: _table(kind) for kind in ALL_RECORDS}

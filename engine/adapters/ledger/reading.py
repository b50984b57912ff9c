"""What is read from the ledger without lock: records, pages of them, the feed; and what is dropped after its time."""

import typing
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from engine.adapters.ledger import schema
from engine.adapters.ledger.dialect import nested_places
from engine.adapters.ledger.schema import TABLES
from engine.adapters.ledger.statements import settled
from engine.stock.ledger import CapacityCell, Change, FeedMark, StockRow
from engine.stock.records import EventRecord, IdempotencyKey, Record

R = TypeVar("R", bound=Record)
DAY_S = 86_400
KEYS_KEPT_S = DAY_S
FEED_KEPT_S = 2 * DAY_S
EVENTS_KEPT_S = 30 * DAY_S
EVENTS_HELD_S = 90 * DAY_S
MOVES_KEPT_S = 7 * DAY_S
_UNPACKER = msgspec.msgpack.Decoder(tuple[list[Any], list[Any], list[str]])
_ROWS = msgspec.json.Decoder(list[Any])


def records_of(kind: type[R], rows: Iterable[Sequence[Any]]) -> list[R]:
    """Records from rows with the columns of their table."""
    names, nested = kind.__struct_fields__, nested_decoders(kind)
    out = []
    for row in rows:
        values = dict(zip(names, row, strict=True))
        for name, decoder in nested:
            values[name] = decoder.decode(values[name])
        out.append(kind(**values))
    return out


@cache
def nested_decoders(kind: type[Record]) -> list[tuple[str, msgspec.json.Decoder[Any]]]:
    """The fields of a kind that are kept as JSON, and what reads each."""
    hints = typing.get_type_hints(kind)
    return [
        (kind.__struct_fields__[i], msgspec.json.Decoder(hints[kind.__struct_fields__[i]])) for i in nested_places(kind)
    ]


def fetched(dialect: str, connection: sa.Connection, found: sa.Select[Any]) -> Sequence[Sequence[Any]]:
    """What a query finds; from SQLite as one JSON text (see dialect.py)."""
    if dialect == "postgresql":
        return connection.execute(found).all()
    rows = found.subquery()
    whole = sa.select(sa.func.json_group_array(sa.func.json_array(*rows.c))).select_from(rows)
    decoded: list[Any] = _ROWS.decode(connection.execute(whole).scalar_one())
    return decoded


def conditions(table: sa.Table, where: dict[str, Any]) -> list[Any]:
    """What `Ledger.find` asks for, as SQL."""
    out: list[Any] = []
    for name, value in where.items():
        field, _, how = name.partition("__")
        column = table.c[field]
        if how:
            compare = {"lt": column < value, "le": column <= value, "gt": column > value, "ge": column >= value}
            out.append(compare[how])
        elif isinstance(value, tuple):
            out.append(column.in_(value))
        else:
            out.append(column == value)
    return out


def page(
    dialect: str,
    kind: type[Record],
    where: dict[str, Any],
    order: tuple[str, ...],
    after: tuple[Any, ...] | None,
    limit: int,
) -> sa.Select[Any]:
    """The statement of `Ledger.find`."""
    table = TABLES[kind]
    fields = [table.c[name] for name in (*order, *(name for name in kind.KEY if name not in order))]
    found = sa.select(table).where(*conditions(table, where))
    if kind is EventRecord:
        found = found.where(*settled(dialect, table))
    if after is not None:
        given = [
            *after[: len(order)],
            *(v for n, v in zip(kind.KEY, after[len(order) :], strict=True) if n not in order),
        ]
        values = [sa.bindparam(None, v, type_=f.type) for f, v in zip(fields, given, strict=True)]
        found = found.where(sa.tuple_(*fields) > sa.tuple_(*values))
    return found.order_by(*fields).limit(limit)


def capacity(tx: sa.Connection, day_from: int) -> list[CapacityCell]:
    """What is booked from a local day on."""
    cells = schema.capacity
    found = tx.execute(sa.select(cells).where(cells.c.day >= day_from).order_by(*cells.primary_key.columns))
    return [CapacityCell(*row) for row in found]


def stock_row(tx: sa.Connection, key: int) -> tuple[StockRow, int]:
    """A stock row as it is, and the place in the feed of who changed it last; zeros where it is not there."""
    columns = schema.stock.c
    found = tx.execute(sa.select(columns.on_hand, columns.reserved, columns.seq).where(columns.key == key)).first()
    on_hand, reserved, seq = found if found is not None else (0, 0, 0)
    return StockRow(key, on_hand, reserved), seq


def changes(dialect: str, tx: sa.Connection, after: FeedMark, limit: int) -> list[Change]:
    """The feed from a mark on: only transactions that no earlier one can follow any more."""
    table = schema.feed
    found = (
        sa.select(table)
        .where(sa.tuple_(table.c.xid, table.c.seq) > sa.tuple_(after.xid, after.seq), *settled(dialect, table))
        .order_by(table.c.xid, table.c.seq)
        .limit(limit)
    )
    out: list[Change] = []
    for row in tx.execute(found):
        rows, cells, notices = _UNPACKER.decode(row.payload)
        stock = [tuple(values) for values in rows]
        capacity = [tuple(values) for values in cells]
        out.append(Change(FeedMark(row.xid, row.seq), row.at_s, row.writer, stock, capacity, notices))
    return out


def prune(tx: sa.Connection, now_s: int) -> None:
    """
    Drop old answers, feed, moves, and events that every webhook has had.

    An event waits for an active webhook as long as it takes; for one that is paused, or for somebody to look at a
    delivery that is dead, EVENTS_HELD_S; for one whose receiver is gone, not at all.
    """
    keys, events, hooks = TABLES[IdempotencyKey], TABLES[EventRecord], schema.metadata.tables["webhooks"]
    tx.execute(sa.delete(keys).where(keys.c.created_s < now_s - KEYS_KEPT_S))
    tx.execute(sa.delete(schema.feed).where(schema.feed.c.at_s < now_s - FEED_KEPT_S))
    tx.execute(sa.delete(schema.moves).where(schema.moves.c.at_s < now_s - MOVES_KEPT_S))
    deliveries = schema.metadata.tables["deliveries"]
    theirs = sa.select(deliveries.c.event_no).join(hooks, hooks.c.webhook_id == deliveries.c.webhook_id)
    active, paused, waiting = hooks.c.state == "active", hooks.c.state == "paused", deliveries.c.state == "waiting"
    to_come = events.c.event_no.in_(theirs.where(active, waiting))
    may_come = events.c.event_no.in_(theirs.where(sa.or_(deliveries.c.state == "dead", sa.and_(paused, waiting))))
    late = events.c.at_s < now_s - EVENTS_HELD_S
    tx.execute(
        sa.delete(events).where(
            events.c.at_s < now_s - EVENTS_KEPT_S,
            _behind(tx, events, hooks, active),
            ~to_come,
            sa.or_(late, sa.and_(_behind(tx, events, hooks, paused), ~may_come)),
        )
    )


def _behind(
    tx: sa.Connection, events: sa.Table, hooks: sa.Table, which: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Events that all of some webhooks have passed."""
    mark = hooks.c.after_xid, hooks.c.after_no
    last = tx.execute(sa.select(*mark).where(which).order_by(*mark).limit(1)).first()
    if last is None:
        return sa.true()
    return sa.tuple_(events.c.xid, events.c.event_no) <= sa.tuple_(last.after_xid, last.after_no)

"""The statements of the ledger, made once for each dialect; each takes all its rows as one parameter."""

from functools import cached_property
from typing import Any

import sqlalchemy as sa

from engine.adapters.ledger import schema
from engine.adapters.ledger.dialect import insert_for, rows_of
from engine.adapters.ledger.schema import NUMBERED, TABLES
from engine.stock.records import IdempotencyKey, Record

XMIN = "(pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"  # all transactions before it have ended


class Statements:
    """The statements of one dialect."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self._made: dict[tuple[str, type[Record]], Any] = {}

    # --- reading under lock, in ascending order so that two transactions never wait for each other

    @cached_property
    def lock_stock(self) -> Any:
        """Rows of stock by key."""
        table = schema.stock
        wanted = rows_of(self.dialect, [table.c.key])
        found = sa.select(table.c.key, table.c.on_hand, table.c.reserved, table.c.counted_seq)
        return self._locked(found.join(wanted, wanted.c.key == table.c.key), table, table.c.key)

    @cached_property
    def lock_capacity(self) -> Any:
        """Cells of capacity."""
        table = schema.capacity
        keys = [table.c.node_no, table.c.day, table.c.hour]
        wanted = rows_of(self.dialect, keys)
        same = sa.and_(*(wanted.c[key.name] == key for key in keys))
        return self._locked(sa.select(*keys, table.c.orders, table.c.units).join(wanted, same), table, *keys)

    def lock_versions(self, kind: type[Record]) -> Any:
        """Key and version of records by key."""
        return self._once("versions", kind, self._lock_versions)

    def _lock_versions(self, kind: type[Record]) -> Any:
        table, keys = TABLES[kind], _keys(kind)
        wanted = rows_of(self.dialect, keys)
        same = sa.and_(*(wanted.c[key.name] == key for key in keys))
        return self._locked(sa.select(*keys, table.c.version).join(wanted, same), table, *keys)

    def keys_there(self, kind: type[Record]) -> Any:
        """Which keys of records are there."""
        return self._once("there", kind, self._keys_there)

    def _keys_there(self, kind: type[Record]) -> Any:
        keys = _keys(kind)
        wanted = rows_of(self.dialect, keys)
        same = sa.and_(*(wanted.c[key.name] == key for key in keys))
        return sa.select(*keys).join_from(TABLES[kind], wanted, same)

    @cached_property
    def answered(self) -> Any:
        """Remembered calls."""
        table, keys = TABLES[IdempotencyKey], _keys(IdempotencyKey)
        wanted = rows_of(self.dialect, keys)
        return sa.select(table).join(wanted, sa.and_(*(wanted.c[key.name] == key for key in keys)))

    def _locked(self, found: Any, table: sa.Table, *order: Any) -> Any:
        return found.order_by(*order).with_for_update(of=table)

    # --- writing

    @cached_property
    def enter(self) -> Any:
        """A line of the feed, which gives the transaction its place."""
        table = schema.feed
        xid: Any = sa.text("(pg_current_xact_id()::text)::bigint") if self.dialect == "postgresql" else sa.literal(1)
        values = {"xid": xid, "at_s": sa.bindparam("at_s"), "writer": sa.bindparam("writer")}
        return (
            sa.insert(table)
            .values({**values, "payload": sa.bindparam("payload", type_=sa.LargeBinary)})
            .returning(table.c.seq, table.c.xid)
        )

    @cached_property
    def update_stock(self) -> Any:
        """Rows (key, on hand, reserved, on hand before, reserved before): changed if they are still as they were."""
        table = schema.stock
        places = [table.c.key, table.c.on_hand, table.c.reserved]
        before = [sa.Column("on_hand_before", sa.BigInteger), sa.Column("reserved_before", sa.BigInteger)]
        rows = rows_of(self.dialect, [*places, *before])
        return (
            sa.update(table)
            .values(on_hand=rows.c.on_hand, reserved=rows.c.reserved, seq=sa.bindparam("new_seq"))
            .where(
                table.c.key == rows.c.key,
                table.c.on_hand == rows.c.on_hand_before,
                table.c.reserved == rows.c.reserved_before,
            )
        )

    @cached_property
    def insert_stock(self) -> Any:
        """Rows (key, on hand, reserved) that were not there."""
        table = schema.stock
        rows = rows_of(self.dialect, [table.c.key, table.c.on_hand, table.c.reserved])
        found = sa.select(rows.c.key, rows.c.on_hand, rows.c.reserved, sa.bindparam("new_seq", type_=sa.BigInteger))
        return sa.insert(table).from_select(["key", "on_hand", "reserved", "seq"], found)

    @cached_property
    def put_capacity(self) -> Any:
        """Cells as they are now."""
        return self._upsert(schema.capacity, ("node_no", "day", "hour"))

    @cached_property
    def insert_moves(self) -> Any:
        """Moves."""
        return self._insert(schema.moves, [c for c in schema.moves.columns if c.name != "move_no"])

    def insert(self, kind: type[Record]) -> Any:
        """New records; the database numbers those that it numbers, in their order."""
        return self._once("insert", kind, self._insert_records)

    def _insert_records(self, kind: type[Record]) -> Any:
        return self._insert(TABLES[kind], columns_of(kind))

    def _insert(self, table: sa.Table, columns: list[sa.Column[Any]]) -> Any:
        rows = rows_of(self.dialect, columns)
        return sa.insert(table).from_select([c.name for c in columns], sa.select(rows))

    def update(self, kind: type[Record]) -> Any:
        """Records as they are now, if the one that is there is of the version before."""
        return self._once("update", kind, self._update)

    def _update(self, kind: type[Record]) -> Any:
        table, keys, columns = TABLES[kind], _keys(kind), columns_of(kind)
        rows = rows_of(self.dialect, columns)
        values = {c.name: rows.c[c.name] for c in columns if c.name not in kind.KEY}
        same = [rows.c[key.name] == key for key in keys]
        return sa.update(table).values(values).where(*same, table.c.version == rows.c.version - 1)

    def put(self, kind: type[Record]) -> Any:
        """Records as they are now, whether there before or not."""
        return self._once("put", kind, lambda k: self._upsert(TABLES[k], k.KEY))

    def _upsert(self, table: sa.Table, keys: tuple[str, ...]) -> Any:
        columns = list(table.columns)
        rows = rows_of(self.dialect, columns)
        # "WHERE true": or else SQLite takes ON CONFLICT for a join.
        new = insert_for(self.dialect)(table).from_select([c.name for c in columns], sa.select(rows).where(sa.true()))
        values = {c.name: new.excluded[c.name] for c in columns if c.name not in keys}
        if not values:
            return new.on_conflict_do_nothing(index_elements=list(keys))
        return new.on_conflict_do_update(index_elements=list(keys), set_=values)

    def drop(self, kind: type[Record]) -> Any:
        """Records by key."""
        return self._once("drop", kind, self._drop)

    def _drop(self, kind: type[Record]) -> Any:
        keys = _keys(kind)
        rows = rows_of(self.dialect, keys)
        return sa.delete(TABLES[kind]).where(sa.tuple_(*keys).in_(sa.select(*(rows.c[key.name] for key in keys))))

    # --- reading without lock

    def read_many(self, kind: type[Record], width: int) -> Any:
        """Records by the first fields of their keys."""
        return self._once(f"many{width}", kind, lambda k: self._read_many(k, width))

    def _read_many(self, kind: type[Record], width: int) -> Any:
        keys = _keys(kind)
        wanted = rows_of(self.dialect, keys[:width])
        same = sa.and_(*(wanted.c[key.name] == key for key in keys[:width]))
        return sa.select(TABLES[kind]).join(wanted, same).order_by(*keys)

    def settled(self, table: sa.Table) -> list[Any]:
        """What only transactions show that nobody can overtake any more."""
        return [table.c.xid < sa.text(XMIN)] if self.dialect == "postgresql" else []

    def _once(self, what: str, kind: type[Record], make: Any) -> Any:
        made = self._made.get((what, kind))
        if made is None:
            made = self._made[what, kind] = make(kind)
        return made


def _keys(kind: type[Record]) -> list[sa.Column[Any]]:
    return [TABLES[kind].c[name] for name in kind.KEY]


def columns_of(kind: type[Record]) -> list[sa.Column[Any]]:
    """The columns that are written: all but the number that the database gives."""
    return [c for c in TABLES[kind].columns if NUMBERED.get(kind) != c.name]

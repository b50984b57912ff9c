"""The statements of the ledger that take rows (see `dialect.Statement`); the table is `t` where they read."""

from functools import cache

import sqlalchemy as sa

from engine.adapters.ledger import schema
from engine.adapters.ledger.dialect import Statement
from engine.adapters.ledger.schema import NUMBERED, TABLES
from engine.stock.records import Record

XMIN = "(pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"  # all transactions before it have ended
BEFORE = "_before"


def statement(text: str, columns: list[sa.Column[object]], more_ints: tuple[str, ...] = ()) -> Statement:
    """A statement whose rows have these columns' values, and further whole numbers."""
    names = (*(column.name for column in columns), *more_ints)
    ints = (*(isinstance(column.type, sa.BigInteger) for column in columns), *(True for _ in more_ints))
    return Statement(text, names, ints)


def columns_of(kind: type[Record]) -> list[sa.Column[object]]:
    """The columns that are written: all but the number that the database gives."""
    return [column for column in TABLES[kind].columns if NUMBERED.get(kind) != column.name]


def _keys(table: sa.Table) -> list[sa.Column[object]]:
    return list(table.primary_key.columns)


def _list(columns: list[sa.Column[object]], of: str = "") -> str:
    return ", ".join(f'{of}"{column.name}"' for column in columns)


def _same(columns: list[sa.Column[object]], table: str = "t") -> str:
    return " AND ".join(f'{table}."{column.name}" = r."{column.name}"' for column in columns)


def _set(columns: list[sa.Column[object]], of: str) -> str:
    return ", ".join(f'"{column.name}" = {of}."{column.name}"' for column in columns)


def _lock(table: sa.Table, names: list[str]) -> Statement:
    """Rows by key, locked in ascending order, so that two transactions never wait for each other."""
    keys = _keys(table)
    found = ", ".join([_list(keys, "t."), *(f't."{name}"' if name in table.c else name for name in names)])
    text = f'SELECT {found} FROM {{rows}} AS r JOIN "{table.name}" AS t ON {_same(keys)} ORDER BY {_list(keys, "t.")}'
    return statement(text + " {lock}", keys)


@cache
def lock_stock() -> Statement:
    """Stock rows: key, on hand, reserved."""
    return _lock(schema.stock, ["on_hand", "reserved"])


@cache
def lock_counted() -> Statement:
    """Stock rows: key, on hand, reserved, up to where which source counted them, who changed them last."""
    return _lock(schema.stock, ["on_hand", "reserved", "counted_by", "counted_seq", "seq"])


@cache
def lock_capacity() -> Statement:
    """Capacity cells: node, day, hour, orders, units, own limits of both."""
    return _lock(schema.capacity, ["orders", "units", "orders_max", "units_max"])


@cache
def versions(kind: type[Record], *, lock: bool) -> Statement:
    """Keys of the records that are there, and their versions (0 where the kind has none), locked or not."""
    table = TABLES[kind]
    found = _lock(table, ["version"] if "version" in table.c else ["0"])
    return found if lock else found._replace(text=found.text.replace(" {lock}", ""))


@cache
def read_many(kind: type[Record], width: int) -> Statement:
    """Records by the first fields of their keys, in no order."""
    table = TABLES[kind]
    columns, keys = list(table.columns), _keys(table)
    text = f'SELECT {_list(columns, "t.")} FROM {{rows}} AS r JOIN "{table.name}" AS t ON {_same(keys[:width])}'
    return statement(text, keys[:width])


@cache
def of_source(table: sa.Table) -> Statement:
    """What is known of the numbers of a source: key and number, and units where the table has them."""
    names = [column for column in table.columns if column.name != "source_no"]
    keys = [table.c.key, table.c.source_no]
    text = f'SELECT {_list(names, "t.")} FROM {{rows}} AS r JOIN "{table.name}" AS t ON {_same(keys)}'
    return statement(text, keys)


@cache
def moves_since() -> Statement:
    """Moves of rows after a moment: key, when, units."""
    table = schema.moves
    text = (
        f'SELECT t."key", t."at_s", t."units" FROM {{rows}} AS r JOIN "{table.name}" AS t '
        'ON t."key" = r."key" AND t."at_s" > r."since_s"'
    )
    return statement(text, [table.c.key], ("since_s",))


def _change(table: sa.Table) -> Statement:
    """Both numbers of rows that are still as they were read: keys, numbers now, numbers before."""
    keys = _keys(table)
    values = [column for column in table.columns if column.name in ("on_hand", "reserved", "orders", "units")]
    still = " AND ".join(f't."{column.name}" = r."{column.name}{BEFORE}"' for column in values)
    seq = ', "seq" = {seq}' if "seq" in table.c else ""
    text = f'UPDATE "{table.name}" AS t SET {_set(values, "r")}{seq} FROM {{rows}} AS r WHERE {_same(keys)} AND {still}'
    return statement(text, [*keys, *values], tuple(f"{column.name}{BEFORE}" for column in values))


@cache
def change_stock() -> Statement:
    """Rows of key, on hand, reserved, on hand before, reserved before."""
    return _change(schema.stock)


@cache
def change_capacity() -> Statement:
    """Rows of node, day, hour, orders, units, orders before, units before."""
    return _change(schema.capacity)


@cache
def limit_capacity() -> Statement:
    """Rows of node, day, hour, own limits of orders and units; the cells are locked."""
    table = schema.capacity
    keys, values = _keys(table), [table.c.orders_max, table.c.units_max]
    text = f'UPDATE "{table.name}" AS t SET {_set(values, "r")} FROM {{rows}} AS r WHERE {_same(keys)}'
    return statement(text, [*keys, *values])


@cache
def change_counted() -> Statement:
    """Rows of key, on hand, source, its count, on hand before, reserved before."""
    table = schema.stock
    values = [table.c.on_hand, table.c.counted_by, table.c.counted_seq]
    text = (
        f'UPDATE "stock" AS t SET {_set(values, "r")}, "seq" = {{seq}} FROM {{rows}} AS r WHERE t."key" = r."key" '
        f'AND t."on_hand" = r."on_hand{BEFORE}" AND t."reserved" = r."reserved{BEFORE}"'
    )
    return statement(text, [table.c.key, *values], (f"on_hand{BEFORE}", f"reserved{BEFORE}"))


@cache
def make(table: sa.Table) -> Statement:
    """Rows of a table by their keys, all else 0 but what has a default; those that are there stay as they are."""
    keys = _keys(table)
    zeros = [column for column in table.columns if not column.primary_key and column.server_default is None]
    text = (
        f'INSERT INTO "{table.name}" ({_list([*keys, *zeros])}) '
        f"SELECT {_list(keys, 'r.')}, {', '.join('0' for _ in zeros)} FROM {{rows}} AS r WHERE true "
        f"ORDER BY {_list(keys, 'r.')} ON CONFLICT DO NOTHING"
    )
    return statement(text, keys)


@cache
def insert(kind: type[Record]) -> Statement:
    """New records; the database numbers those that it numbers, in their order."""
    columns = columns_of(kind)
    if "xid" not in TABLES[kind].c:
        return statement(f'INSERT INTO "{kind.TABLE}" ({_list(columns)}) {{values}}', columns)
    given = [column for column in columns if column.name != "xid"]
    text = f'INSERT INTO "{kind.TABLE}" ({_list(given)}, "xid") SELECT {_list(given)}, {{xid}} FROM {{rows}} AS r'
    return statement(text, given)


@cache
def insert_new(kind: type[Record]) -> Statement:
    """Records; those that are there stay as they are."""
    made = insert(kind)
    return made._replace(text=f"{made.text} ON CONFLICT DO NOTHING")


@cache
def insert_into(table: sa.Table) -> Statement:
    """New rows of another table, without the number that the database gives."""
    columns = [column for column in table.columns if column.name != "move_no"]
    return statement(f'INSERT INTO "{table.name}" ({_list(columns)}) {{values}}', columns)


@cache
def update(kind: type[Record]) -> Statement:
    """Records as they shall be, and the version that must be there."""
    table, columns = TABLES[kind], columns_of(kind)
    values = [column for column in columns if not column.primary_key]
    text = f'UPDATE "{kind.TABLE}" AS t SET {_set(values, "r")} FROM {{rows}} AS r WHERE {_same(_keys(table))}'
    if "version" in table.c:
        text += f' AND t."version" = r."version{BEFORE}"'
    return statement(text, columns, (f"version{BEFORE}",))


@cache
def put(table: sa.Table) -> Statement:
    """Rows as they shall be, whether there before or not."""
    columns, keys = list(table.columns), _keys(table)
    values = [column for column in columns if not column.primary_key]
    then = f"UPDATE SET {_set(values, 'excluded')}" if values else "NOTHING"
    text = f'INSERT INTO "{table.name}" ({_list(columns)}) {{values}} ON CONFLICT ({_list(keys)}) DO {then}'
    return statement(text, columns)


@cache
def drop(table: sa.Table) -> Statement:
    """Rows by key."""
    keys = _keys(table)
    text = f'DELETE FROM "{table.name}" WHERE ({_list(keys)}) IN (SELECT {_list(keys)} FROM {{rows}} AS r)'
    return statement(text, keys)


def settled(dialect: str, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """What only transactions show that nobody can overtake any more."""
    return [table.c.xid < sa.literal_column(XMIN)] if dialect == "postgresql" else []

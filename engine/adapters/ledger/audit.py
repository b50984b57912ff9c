"""What must hold in a ledger, counted again from its records: nothing oversold, nothing leaked, nothing overdrawn."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from engine.adapters.ledger import bulk, schema
from engine.adapters.ledger.reading import records_of
from engine.adapters.ledger.schema import TABLES
from engine.adapters.ledger.store import SqlLedger
from engine.stock.ledger import key_parts, stock_key
from engine.stock.lifecycle import shelf_no
from engine.stock.records import DAY, ENDED, HOUR, SHARED, Part, PartState
from engine.stock.records_oms import Lot

OPEN = tuple(state.value for state in PartState if state not in ENDED)
CHUNK = 10_000
Cell = tuple[int, int, int]


class Finding(NamedTuple):
    """
    Something that must not be.

    ``kind`` is oversold (more reserved than is on hand and due), leaked (units reserved that no open part holds, or the
    other way round), overdrawn (capacity booked otherwise than by parts) or negative (below nothing).
    """

    kind: str
    where: str
    found: int
    expected: int


class _Counted:
    """What the parts hold: units by stock row, orders and units by cell."""

    def __init__(self, connection: sa.Connection) -> None:
        self.held: Counter[int] = Counter()
        self.orders: Counter[Cell] = Counter()
        self.units: Counter[Cell] = Counter()
        before = schema.reserved_before
        for key, units in connection.execute(sa.select(before.c.key, before.c.units)):
            self.held[key] += units
        found = connection.execution_options(yield_per=CHUNK).execute(sa.select(TABLES[Part]))
        for chunk in found.partitions():
            for part in records_of(Part, chunk):
                self._add(part)

    def _add(self, part: Part) -> None:
        node_no = shelf_no(part)
        if part.state in OPEN and node_no is not None:
            for _, sku_no, units in part.lines:
                self.held[stock_key(sku_no, node_no)] += units
        for bit, hour in ((DAY, -1), (HOUR, part.hour)):
            if part.booked & bit:  # a part that gave its capacity back books none
                self.orders[part.node_no, part.day, hour] += not part.booked & SHARED
                self.units[part.node_no, part.day, hour] += part.units


def check(ledger: SqlLedger) -> list[Finding]:
    """Everything that does not hold at one moment; empty for a sound ledger. Calls may be under way."""
    with ledger.reader() as connection:
        bulk.freeze(ledger.dialect, connection)
        counted = _Counted(connection)
        numbers = connection.execute(sa.select(schema.nodes.c.node_no, schema.nodes.c.node_id))
        nodes = {int(no): str(name) for no, name in numbers}
        return [*_stock(connection, counted, nodes), *_capacity(connection, counted, nodes)]


def _stock(connection: sa.Connection, counted: _Counted, nodes: dict[int, str]) -> Iterator[Finding]:
    lots = TABLES[Lot]
    due: Counter[int] = Counter()
    for node_no, sku_no, units in connection.execute(sa.select(lots.c.node_no, lots.c.sku_no, lots.c.units)):
        due[stock_key(sku_no, node_no)] += units
    table = schema.stock
    seen: set[int] = set()
    rows = sa.select(table.c.key, table.c.on_hand, table.c.reserved)
    for key, on_hand, reserved in connection.execute(rows.where((table.c.reserved != 0) | (table.c.on_hand < 0))):
        sku_no, node_no = key_parts(key)
        where = f"node {nodes.get(node_no, node_no)}, sku number {sku_no}"
        seen.add(key)
        if on_hand < 0 or reserved < 0:
            yield Finding("negative", where, min(on_hand, reserved), 0)
        if reserved > on_hand + due[key]:
            yield Finding("oversold", where, reserved, on_hand + due[key])
        if reserved != counted.held[key]:
            yield Finding("leaked", where, reserved, counted.held[key])
    for key in sorted(counted.held.keys() - seen):
        sku_no, node_no = key_parts(key)
        if counted.held[key]:
            yield Finding("leaked", f"node {nodes.get(node_no, node_no)}, sku number {sku_no}", 0, counted.held[key])


def _capacity(connection: sa.Connection, counted: _Counted, nodes: dict[int, str]) -> Iterator[Finding]:
    table = schema.capacity
    booked = {tuple(row[:3]): (row.orders, row.units) for row in connection.execute(sa.select(table))}
    for cell in sorted(booked.keys() | counted.orders.keys()):
        where = "node {}, day {}, hour {}".format(nodes.get(cell[0], cell[0]), *cell[1:])
        orders, units = booked.get(cell, (0, 0))
        for name, found, expected in (("orders", orders, counted.orders[cell]), ("units", units, counted.units[cell])):
            if found != expected:
                yield Finding("overdrawn", f"{where}, {name}", found, expected)

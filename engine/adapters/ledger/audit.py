"""What must hold in a ledger, counted again from its records: nothing oversold, nothing leaked, nothing overdrawn."""

from collections import Counter
from typing import NamedTuple

import sqlalchemy as sa

from engine.adapters.ledger import schema
from engine.adapters.ledger.reading import record_of
from engine.adapters.ledger.schema import TABLES
from engine.adapters.ledger.store import SqlLedger
from engine.stock.ledger import key_parts, stock_key
from engine.stock.records import DAY, ENDED, HOUR, Part, PartState
from engine.stock.records_oms import Lot

OPEN = tuple(state.value for state in PartState if state not in ENDED)
UNBOOKED = (PartState.RELEASED, PartState.EXPIRED, PartState.REJECTED)  # gave their capacity back, if they had it


class Finding(NamedTuple):
    """
    Something that must not be.

    ``kind`` is oversold (more reserved than is on hand and due), leaked (units reserved that no open part holds, or the
    other way round) or overdrawn (capacity booked otherwise than by parts).
    """

    kind: str
    where: str
    found: int
    expected: int


def check(ledger: SqlLedger, first_reserved: dict[int, int] | None = None) -> list[Finding]:
    """
    Everything that does not hold; empty for a sound ledger.

    Parameters
    ----------
    ledger
        No call may be under way.
    first_reserved
        Units by row that were reserved when the ledger was made, by whoever had them before; none by default.
    """
    held: Counter[int] = Counter(first_reserved or {})
    booked: Counter[tuple[int, int, int]] = Counter()
    out: list[Finding] = []
    with ledger.reader() as tx:
        numbers = tx.execute(sa.select(schema.nodes.c.node_no, schema.nodes.c.node_id))
        nodes = {int(no): str(name) for no, name in numbers}
        parts = TABLES[Part]
        for row in tx.execute(sa.select(parts)):
            part = record_of(Part, row)
            if part.state in OPEN:
                for _, sku_no, units in part.lines:
                    held[stock_key(sku_no, part.node_no)] += units
            if part.state not in UNBOOKED:
                for bit, hour in ((DAY, -1), (HOUR, part.hour)):
                    if part.booked & bit:
                        booked[part.node_no, part.day, hour] += 1
        lots = TABLES[Lot]
        due: Counter[int] = Counter()
        for node_no, sku_no, units in tx.execute(sa.select(lots.c.node_no, lots.c.sku_no, lots.c.units)):
            due[stock_key(sku_no, node_no)] += units
        table = schema.stock
        seen: set[int] = set()
        for key, on_hand, reserved in tx.execute(
            sa.select(table.c.key, table.c.on_hand, table.c.reserved).where(table.c.reserved != 0)
        ):
            sku_no, node_no = key_parts(key)
            where = f"node {nodes.get(node_no, node_no)}, sku number {sku_no}"
            seen.add(key)
            if reserved > on_hand + due[key]:
                out.append(Finding("oversold", where, reserved, on_hand + due[key]))
            if reserved != held[key]:
                out.append(Finding("leaked", where, reserved, held[key]))
        for key, units in held.items():
            if units and key not in seen:
                out.append(Finding("leaked", f"row {key_parts(key)}", 0, units))
        cells = schema.capacity
        for node_no, day, hour, orders in tx.execute(
            sa.select(cells.c.node_no, cells.c.day, cells.c.hour, cells.c.orders)
        ):
            expected = booked.pop((node_no, day, hour), 0)
            if orders != expected:
                out.append(Finding("overdrawn", f"node {nodes[node_no]}, day {day}, hour {hour}", orders, expected))
        out += [Finding("overdrawn", f"node {nodes[at[0]]}, day {at[1]}", 0, n) for at, n in booked.items() if n]
    return out

"""The stock feed in the ledger: many messages in one transaction, each by the rule of engine/stock/counts.py."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.adapters.ledger import schema
from engine.adapters.ledger.dialect import encoded, rows_of
from engine.stock.counts import Row, applied
from engine.stock.ledger import Count, Counted, CountResult, StockRow
from engine.stock.records import Record

if TYPE_CHECKING:
    from engine.adapters.ledger.store import SqlLedger

_NONE: dict[int, int] = {}


def count(
    ledger: "SqlLedger", tx: sa.Connection, counts: Sequence[Count], now_s: int, makes: Sequence[Record]
) -> Counted:
    """See `Ledger.count`."""
    keys = sorted({message.key for message in counts})
    wanted = {"rows": encoded([(key,) for key in keys])}
    before = dict.fromkeys(keys, (0, 0))
    rows = {key: Row(0, None, _NONE) for key in keys}
    new = set(keys)
    for key, on_hand, reserved, counted in tx.execute(ledger.statements.lock_stock, wanted):
        before[key], rows[key] = (on_hand, reserved), Row(on_hand, counted, _NONE)
        new.discard(key)
    _add_deltas(ledger, tx, wanted, rows)
    moved = _moves(ledger, tx, counts)
    first = dict(rows)
    results: list[CountResult] = []
    for message in counts:
        since = 0
        if message.counted_s is not None:
            since = sum(units for at_s, units in moved.get(message.key, ()) if at_s > message.counted_s)
        result, rows[message.key] = applied(rows[message.key], message, since)
        results.append(result)
    changed = [
        (key, row.on_hand, before[key][1], *before[key]) for key, row in rows.items() if row.on_hand != before[key][0]
    ]
    seq = -1
    if changed or makes:
        seq, xid = ledger.enter(tx, changed, [], [], now_s)
        ledger.write_stock(tx, changed, new, seq)
        ledger.insert_records(tx, makes, xid)
    _remember(ledger, tx, rows, first)
    fresh = [StockRow(key, row.on_hand, before[key][1]) for key, row in rows.items()]
    return Counted(results, fresh, seq)


def _add_deltas(ledger: "SqlLedger", tx: sa.Connection, wanted: dict[str, str], rows: dict[int, Row]) -> None:
    table = schema.deltas
    asked = rows_of(ledger.dialect, [schema.stock.c.key])
    for key, seq, units in tx.execute(
        sa.select(table.c.key, table.c.seq, table.c.units).join(asked, asked.c.key == table.c.key), wanted
    ):
        rows[key] = rows[key]._replace(later={**rows[key].later, seq: units})


def _moves(ledger: "SqlLedger", tx: sa.Connection, counts: Sequence[Count]) -> dict[int, list[tuple[int, int]]]:
    """Our own moves of the rows that tell when they were counted."""
    asked_keys = sorted({message.key for message in counts if message.counted_s is not None})
    out: dict[int, list[tuple[int, int]]] = {}
    if not asked_keys:
        return out
    table = schema.moves
    since_s = min(message.counted_s for message in counts if message.counted_s is not None)
    asked = rows_of(ledger.dialect, [schema.stock.c.key])
    found = sa.select(table.c.key, table.c.at_s, table.c.units).join(asked, asked.c.key == table.c.key)
    rows = {"rows": encoded([(key,) for key in asked_keys])}
    for key, at_s, units in tx.execute(found.where(table.c.at_s > since_s), rows):
        out.setdefault(key, []).append((at_s, units))
    return out


def _remember(ledger: "SqlLedger", tx: sa.Connection, rows: dict[int, Row], first: dict[int, Row]) -> None:
    """Keep which numbers are known: the latest count of each row, and the changes after it."""
    counted = [(key, row.counted) for key, row in rows.items() if row.counted != first[key].counted]
    if counted:
        # A row that was not there, counted as none, is not written by the change of its stock.
        table = schema.stock
        asked = rows_of(ledger.dialect, [table.c.key, table.c.counted_seq])
        done = tx.execute(
            sa.update(table).values(counted_seq=asked.c.counted_seq).where(table.c.key == asked.c.key),
            {"rows": encoded(counted)},
        )
        if done.rowcount != len(counted):
            there = {row[0] for row in tx.execute(ledger.statements.lock_stock, {"rows": encoded(counted)})}
            missing = [(key, 0, 0) for key, _ in counted if key not in there]
            tx.execute(ledger.statements.insert_stock, {"rows": encoded(missing), "new_seq": 0})
            tx.execute(
                sa.update(table).values(counted_seq=asked.c.counted_seq).where(table.c.key == asked.c.key),
                {"rows": encoded(counted)},
            )
    table = schema.deltas
    asked = rows_of(ledger.dialect, [table.c.key, table.c.seq, table.c.units])
    old = [(key, n) for key, row in rows.items() for n in first[key].later if n not in row.later]
    if old:
        pair = sa.tuple_(table.c.key, table.c.seq)
        tx.execute(
            sa.delete(table).where(pair.in_(sa.select(asked.c.key, asked.c.seq))),
            {"rows": encoded([(*at, 0) for at in old])},
        )
    new = [(key, n, u) for key, row in rows.items() for n, u in row.later.items() if n not in first[key].later]
    if new:
        tx.execute(sa.insert(table).from_select(["key", "seq", "units"], sa.select(asked)), {"rows": encoded(new)})

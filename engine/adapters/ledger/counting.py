"""The stock feed in the ledger: many messages in one transaction, each by the rule of engine/stock/counts.py."""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.adapters.ledger import schema, statements
from engine.adapters.ledger.dialect import Write
from engine.adapters.ledger.trying import Transaction
from engine.stock.counts import Row, applied
from engine.stock.ledger import Count, Counted, CountResult, StockRow
from engine.stock.records import Record

_NONE: dict[int, int] = {}


def count(tx: Transaction, counts: Sequence[Count], now_s: int, source: str, makes: Sequence[Record]) -> Counted:
    """See `Ledger.count`."""
    keys = sorted({message.key for message in counts})
    first, reserved, moved, made = _read(tx, counts, keys, source)
    rows = dict(first)
    results: list[CountResult] = []
    for message in counts:
        since = 0
        if message.counted_s is not None:
            since = sum(units for at_s, units in moved.get(message.key, ()) if at_s > message.counted_s)
        result, rows[message.key] = applied(rows[message.key], message, since)
        results.append(result)
    seq = -1
    if makes or any(rows[key] is not first[key] for key in keys):
        stock = [
            (key, rows[key].on_hand, reserved[key], first[key].on_hand, reserved[key])
            for key in keys
            if rows[key].on_hand != first[key].on_hand
        ]
        writes = [*made, *_known(rows, first, source), *_refused(makes)]
        if stock:
            writes.append(Write(statements.change_stock(), stock, guarded=True))
        seq = tx.write(writes, now_s, stock, [], [])
    return Counted(results, [StockRow(key, rows[key].on_hand, reserved[key]) for key in keys], seq)


def _read(
    tx: Transaction, counts: Sequence[Count], keys: list[int], source: str
) -> tuple[dict[int, Row], dict[int, int], dict[int, list[tuple[int, int]]], list[Write]]:
    """Rows under lock with what is known of the source's numbers; units reserved; our own moves; rows to make."""
    numbered = sorted({message.key for message in counts if message.seq is not None})
    since: dict[int, int] = {}
    for message in counts:
        if message.counted_s is not None:
            since[message.key] = min(message.counted_s, since.get(message.key, message.counted_s))
    of_source = [(key, source) for key in numbered]
    stock, counted, deltas, moves = tx.read(
        [
            (statements.lock_stock(), [(key,) for key in keys]),
            (statements.read_feed_of(schema.counted), of_source),
            (statements.read_feed_of(schema.deltas), of_source),
            (statements.moves_since(), sorted(since.items())),
        ]
    )
    rows = {key: Row(on_hand, None, _NONE) for key, on_hand, _ in stock}
    reserved = {key: units for key, _, units in stock}
    missing: list[tuple[int, ...]] = [(key,) for key in keys if key not in rows]
    for (key,) in missing:
        rows[key], reserved[key] = Row(0, None, _NONE), 0
    for key, seq in counted:
        rows[key] = rows[key]._replace(counted=seq)
    later: dict[int, dict[int, int]] = {}
    for key, seq, units in deltas:
        later.setdefault(key, {})[seq] = units
    for key, units_by_seq in later.items():
        rows[key] = rows[key]._replace(later=units_by_seq)
    moved: dict[int, list[tuple[int, int]]] = {}
    for key, at_s, units in moves:
        moved.setdefault(key, []).append((at_s, units))
    return rows, reserved, moved, tx.need({schema.stock: missing})


def _known(rows: dict[int, Row], first: dict[int, Row], source: str) -> Iterator[Write]:
    """Which numbers are known: the latest count of each row, and the changes after it."""
    changed = [key for key, row in rows.items() if row is not first[key]]
    counted = [(key, source, rows[key].counted) for key in changed if rows[key].counted != first[key].counted]
    if counted:
        yield Write(statements.put(schema.counted), counted)
    old: list[Any] = []
    new: list[Any] = []
    for key in changed:
        before, after = first[key].later, rows[key].later
        if before is not after:
            old += [(key, source, seq) for seq in before if seq not in after]
            new += [(key, source, seq, units) for seq, units in after.items() if seq not in before]
    if old:
        yield Write(statements.drop(schema.deltas), old)
    if new:
        yield Write(statements.insert_into(schema.deltas), new)


def _refused(makes: Sequence[Record]) -> Iterator[Write]:
    """Records of what was refused; a batch that is sent again leaves those that are there as they are."""
    for kind in dict.fromkeys(type(record) for record in makes):
        yield Write(statements.insert_new(kind), [record for record in makes if type(record) is kind])

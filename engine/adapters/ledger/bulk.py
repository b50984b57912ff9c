"""All stock at once: writing a network's first stock, and reading millions of rows in seconds."""

from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from engine.adapters.ledger import schema, statements
from engine.adapters.ledger.dialect import Write
from engine.adapters.ledger.statements import XMIN
from engine.adapters.ledger.trying import Transaction
from engine.domain.units import epoch_s
from engine.network.model import Network
from engine.stock.ledger import NODE_BITS, Contents, FeedMark, Numbers
from engine.stock.records import Record
from engine.stock.records_oms import HeldBack, Lot

Int64s = NDArray[np.int64]
CHUNK = 100_000
OPEN_LOCK = 7_700_001  # of PostgreSQL's advisory locks: one process at a time numbers what is new
LAST = 2**62
_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_END = b"\xff\xff"
_SENT = np.dtype([("size", ">i4"), ("value", ">i8")])  # an element of an array as PostgreSQL sends it,
_SENT_HEAD = 20  # after dimensions, flags, type, length and lower bound
COLUMNS = ("key", "on_hand", "reserved", "seq")


def open_network(transaction: Transaction, network: Network, now_s: int) -> Numbers:
    """Number what is new; write the stock, the lots and what is held back where the ledger has no stock at all."""
    tx = transaction.connection
    if transaction.hand.name == "postgresql":
        tx.execute(sa.text(f"SELECT pg_advisory_xact_lock({OPEN_LOCK})"))
    nodes = _numbered(tx, schema.nodes, "node_no", "node_id", [node.node_id for node in network.nodes])
    skus = _numbered(tx, schema.skus, "sku_no", "sku", list(network.skus.ids))
    if tx.execute(sa.select(sa.literal(1)).select_from(schema.stock).limit(1)).first() is None:
        _first_stock(transaction, network, nodes, skus)
        tx.execute(
            sa.insert(schema.reserved_before).from_select(
                ["key", "units"],
                sa.select(schema.stock.c.key, schema.stock.c.reserved).where(schema.stock.c.reserved > 0),
            )
        )
        records = _first_records(network, nodes, skus)
        writes = [
            Write(statements.insert(kind), made)
            for kind in (Lot, HeldBack)
            if (made := [record for record in records if type(record) is kind])
        ]
        transaction.write(writes, now_s, [], [], ["opened"])
    return Numbers(list(nodes), list(skus))


def _numbered(tx: sa.Connection, table: sa.Table, number: str, name: str, wanted: list[Any]) -> dict[str, int]:
    known = dict(tx.execute(sa.select(table.c[name], table.c[number]).order_by(table.c[number])).all())
    new = [word for word in wanted if word not in known]
    if new:
        first = len(known)
        tx.execute(sa.insert(table), [{number: first + i, name: str(word)} for i, word in enumerate(new)])
        known.update({str(word): first + i for i, word in enumerate(new)})
    return known


def _first_stock(transaction: Transaction, network: Network, nodes: dict[str, int], skus: dict[str, int]) -> None:
    table = network.stock
    node_no = np.array([nodes[node.node_id] for node in network.nodes], dtype=np.int64)
    sku_no = np.array([skus[sku] for sku in network.skus.ids], dtype=np.int64)
    keys = sku_no[table.sku] << NODE_BITS | node_no[table.node]
    order = np.argsort(keys, kind="stable")
    rows = (keys[order], table.on_hand[order].astype(np.int64), table.reserved[order].astype(np.int64))
    raw = transaction.raw
    if transaction.hand.name == "sqlite":
        for at in range(0, len(order), CHUNK):
            values = zip(*(column[at : at + CHUNK].tolist() for column in rows), strict=True)
            raw.executemany("INSERT INTO stock (key, on_hand, reserved, seq) VALUES (?, ?, ?, 0)", values)
        return
    with raw.cursor().copy("COPY stock (key, on_hand, reserved, seq) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_COPY_HEAD)
        for at in range(0, len(order), CHUNK):
            part = [column[at : at + CHUNK] for column in rows]
            packed = np.zeros(len(part[0]), dtype=_copied(4))
            packed["fields"] = 4
            for i, column in enumerate((*part, np.zeros_like(part[0]))):
                packed[f"size{i}"], packed[f"value{i}"] = 8, column
            copy.write(packed.tobytes())
        copy.write(_COPY_END)


def _first_records(network: Network, nodes: dict[str, int], skus: dict[str, int]) -> list[Record]:
    out: list[Record] = [
        Lot(
            lot_id=f"first-{i}",
            node_no=nodes[lot.node_id],
            sku_no=skus[lot.sku],
            units=lot.units,
            available_s=epoch_s(lot.available_at),
        )
        for i, lot in enumerate(network.inbound)
    ]
    for rule in network.safety_stock:
        sku_no = -1 if rule.sku is None else skus[rule.sku]
        node_no = nodes[rule.node_id]
        out.append(HeldBack(rule="safety", node_no=node_no, sku_no=sku_no, channel=rule.channel, units=rule.units))
    for kept in network.channel_protection:
        node_no, sku_no = nodes[kept.node_id], skus[kept.sku]
        out.append(HeldBack(rule="protection", node_no=node_no, sku_no=sku_no, channel=kept.channel, units=kept.units))
    return list({(type(record), *(getattr(record, n) for n in record.KEY)): record for record in out}.values())


def freeze(dialect: str, connection: sa.Connection) -> None:
    """Let all further reads of a transaction show one moment; SQLite's do by themselves."""
    if dialect == "postgresql":
        connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


def load(dialect: str, tx: sa.Connection, day_from: int) -> Contents:
    """All stock rows and the capacity from a day on, as one moment has them."""
    freeze(dialect, tx)
    if dialect == "postgresql":
        xmin = tx.execute(sa.text(f"SELECT {XMIN}")).scalar_one()
        mark = FeedMark(xmin - 1, LAST)
        columns = _arrays_out(tx)
    else:
        seq = tx.execute(sa.select(sa.func.max(schema.feed.c.seq))).scalar() or 0
        mark = FeedMark(1, seq)
        columns = _fetch(tx)
    cells = schema.capacity
    booked = tx.execute(sa.select(cells).where(cells.c.day >= day_from).order_by(*cells.primary_key.columns)).all()
    capacity = np.array([tuple(row) for row in booked], dtype=np.int64).reshape(-1, 7)
    return Contents(mark, *columns, capacity)


def _fetch(tx: sa.Connection) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """SQLite hands rows over as tuples; a chunk of them at a time becomes an array."""
    raw: Any = tx.connection.driver_connection
    cursor = raw.execute(f"SELECT {', '.join(COLUMNS)} FROM stock ORDER BY key")
    parts = [np.zeros((0, 4), dtype=np.int64)]
    while rows := cursor.fetchmany(CHUNK):
        flat = (value for row in rows for value in row)
        parts.append(np.fromiter(flat, dtype=np.int64, count=4 * len(rows)).reshape(-1, 4))
    table = np.concatenate(parts)
    return tuple(np.ascontiguousarray(table[:, i]) for i in range(4))  # type: ignore[return-value]


def _arrays_out(tx: sa.Connection) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """
    PostgreSQL packs each column of a chunk into one array; what it sends is a head and (size, value) of each element.

    A binary COPY would hand over each row by itself: 5 s of Python for five million of them, instead of less than 1 s.
    """
    columns = ", ".join(f"array_send(array_agg({name}))" for name in COLUMNS)
    part = f"SELECT {', '.join(COLUMNS)} FROM stock WHERE key > %s ORDER BY key LIMIT {CHUNK}"
    cursor: Any = tx.connection.driver_connection.cursor(binary=True)  # type: ignore[union-attr]
    parts: list[list[Int64s]] = [[np.zeros(0, dtype=np.int64)] * len(COLUMNS)]
    last = -1
    while True:
        sent = cursor.execute(f"SELECT {columns} FROM ({part}) AS part", (last,)).fetchone()
        if sent[0] is None:
            break
        parts.append([np.frombuffer(array, dtype=_SENT, offset=_SENT_HEAD)["value"].astype(np.int64) for array in sent])
        last = int(parts[-1][0][-1])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]


def _copied(width: int) -> np.dtype[np.void]:
    """A row of a binary copy: the number of fields, then size and value of each, big end first."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for i in range(width):
        fields += [(f"size{i}", ">i4"), (f"value{i}", ">i8")]
    return np.dtype(fields)

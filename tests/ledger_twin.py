"""The ledger in plain dicts: obviously right, and forgotten when the process ends. For tests and as their yardstick."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from engine.domain.units import day_number, epoch_s
from engine.network.model import Network
from engine.stock.counts import LATER_MAX
from engine.stock.judge import NUMBERED, Cell
from engine.stock.ledger import (
    NO_LIMIT,
    CapacityCell,
    Change,
    Conflict,
    Contents,
    Count,
    Counted,
    CountResult,
    FeedMark,
    Move,
    Numbers,
    Once,
    Outcome,
    Posted,
    Posting,
    StockRow,
    stock_key,
)
from engine.stock.records import IdempotencyKey, Record
from engine.stock.records_oms import HeldBack, Lot

R = TypeVar("R", bound=Record)
NOTHING = (0, 0, NO_LIMIT, NO_LIMIT)


def key_of(record: Record) -> tuple[Any, ...]:
    """What tells a record apart in its table."""
    return tuple(getattr(record, name) for name in record.KEY)


def name_of(record: Record) -> str:
    """How outcomes call a record."""
    return f"{record.TABLE}:{'/'.join(map(str, key_of(record)))}"


class LedgerTwin:
    """See `engine.stock.ledger.Ledger`."""

    writers = 1

    def __init__(self) -> None:
        self.numbers = Numbers([], [])
        self.stock: dict[int, tuple[int, int, int]] = {}  # on hand, reserved, seq
        self.cells: dict[tuple[int, int, int], tuple[int, int, int, int]] = {}  # booked, then the cell's own limits
        self.tables: dict[type[Record], dict[tuple[Any, ...], Record]] = {}
        self.feed: list[Change] = []
        self.moves: list[Move] = []
        self.deltas: dict[tuple[int, str], dict[int, int]] = {}  # by row and source
        self.counted_to: dict[tuple[int, str], int] = {}

    def open(self, network: Network, now_s: int) -> Numbers:
        nodes, skus = self.numbers
        nodes += [n.node_id for n in network.nodes if n.node_id not in nodes]
        known = set(skus)
        skus += [s for s in network.skus.ids if s not in known]
        if not self.stock:
            node_no = [nodes.index(n.node_id) for n in network.nodes]
            sku_no = {sku: i for i, sku in enumerate(skus)}
            table = network.stock
            for node, sku, on_hand, reserved in zip(
                table.node.tolist(), table.sku.tolist(), table.on_hand.tolist(), table.reserved.tolist(), strict=True
            ):
                self.stock[stock_key(sku_no[network.skus.ids[sku]], node_no[node])] = on_hand, reserved, 0
            for record in _first_records(network, {node: no for no, node in enumerate(nodes)}, sku_no):
                self._make(record)
        return self.numbers

    def load(self, day_from: int) -> Contents:
        keys = sorted(self.stock)
        rows = [self.stock[key] for key in keys]
        cells = [(*at, *self.cells[at]) for at in sorted(self.cells) if at[1] >= day_from]
        return Contents(
            FeedMark(0, len(self.feed)),
            np.array(keys, dtype=np.int64),
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([row[1] for row in rows], dtype=np.int64),
            np.array([row[2] for row in rows], dtype=np.int64),
            np.array(cells, dtype=np.int64).reshape(-1, 7),
        )

    def post(self, postings: Sequence[Posting], now_s: int, on_durable: Callable[[], None] | None = None) -> Posted:
        keys = sorted({change.key for posting in postings for change in posting.stock})
        ats: list[Cell] = sorted({c[:3] for p in postings for cells in (p.capacity, p.limits) for c in cells})
        stock_before = {key: self.stock.get(key, (0, 0, 0)) for key in keys}
        cells_before = {at: self.cells.get(at, NOTHING) for at in ats}
        outcomes = [self._post_one(posting, now_s) for posting in postings]
        seq = -1
        done = [p for p, outcome in zip(postings, outcomes, strict=True) if outcome.conflict is None]
        if done:
            seq = len(self.feed) + 1
            moved = [key for key in keys if self.stock.get(key, (0, 0, 0))[:2] != stock_before[key][:2]]
            for key in moved:
                self.stock[key] = (*self.stock[key][:2], seq)
            booked = [at for at in ats if self.cells.get(at, NOTHING) != cells_before[at]]
            self.feed.append(
                Change(
                    FeedMark(0, seq),
                    now_s,
                    "twin",
                    [(key, *self.stock[key][:2], *stock_before[key][:2]) for key in moved],
                    [(*at, *self.cells[at], *cells_before[at]) for at in booked],
                    [notice for posting in done for notice in posting.notices],
                )
            )
        return Posted(
            outcomes,
            [StockRow(key, *self.stock.get(key, (0, 0, 0))[:2]) for key in keys],
            [CapacityCell(*at, *self.cells.get(at, NOTHING)) for at in ats],
            seq,
        )

    def _post_one(self, posting: Posting, now_s: int) -> Outcome:
        if posting.key is not None:
            known = self.get(IdempotencyKey, posting.key.scope, posting.key.key)
            if known is not None:
                return Outcome(Conflict.KEY, known.key, known)
        stock = dict(self.stock)
        for change in posting.stock:
            on_hand, reserved, seq = stock.get(change.key, (0, 0, 0))
            stock[change.key] = on_hand + change.on_hand, reserved + change.reserved, seq
        for change in posting.stock:
            on_hand, reserved, _ = stock[change.key]
            short = change.floor is not None and on_hand - reserved < change.floor
            if short or reserved < 0 or on_hand < 0:
                return Outcome(Conflict.STOCK, str(change.key))
        cells = dict(self.cells)
        for cell in posting.capacity:
            at = cell.node_no, cell.day, cell.hour
            orders, units, *own = cells.get(at, NOTHING)
            cells[at] = orders + cell.orders, units + cell.units, own[0], own[1]
        for limit in posting.limits:
            at = limit.node_no, limit.day, limit.hour
            cells[at] = (*cells.get(at, NOTHING)[:2], limit.orders_max, limit.units_max)
        for cell in posting.capacity:
            at = cell.node_no, cell.day, cell.hour
            orders, units, orders_max, units_max = cells[at]
            orders_before, units_before, _, _ = self.cells.get(at, NOTHING)
            most_orders = cell.orders_max if orders_max == NO_LIMIT else orders_max
            most_units = cell.units_max if units_max == NO_LIMIT else units_max
            full = (orders > orders_before and most_orders != NO_LIMIT and orders > most_orders) or (
                units > units_before and most_units != NO_LIMIT and units > most_units
            )
            if full or orders < 0 or units < 0:
                return Outcome(Conflict.CAPACITY, f"{cell.node_no}/{cell.day}/{cell.hour}")
        for record in posting.changes:
            known_record: Any = self._table(type(record)).get(key_of(record))
            changed: Any = record
            twice = [name_of(r) for r in posting.changes].count(name_of(record)) > 1
            if known_record is None or known_record.version != changed.version - 1 or twice:
                return Outcome(Conflict.VERSION, name_of(record))
        for record in posting.makes:
            twice = [name_of(r) for r in posting.makes].count(name_of(record)) > 1
            if record.KEY not in NUMBERED and (key_of(record) in self._table(type(record)) or twice):
                return Outcome(Conflict.EXISTS, name_of(record))
        self.stock, self.cells = stock, cells
        for record in posting.drops:
            self._table(type(record)).pop(key_of(record), None)
        for record in (*posting.changes, *posting.puts):
            self._table(type(record))[key_of(record)] = record
        for record in posting.makes:
            self._make(record)
        self.moves += posting.moves
        if posting.key is not None:
            self._table(IdempotencyKey)[key_of(posting.key)] = posting.key
        return Outcome()

    def _make(self, record: Record) -> None:
        table = self._table(type(record))
        for name in ("event_no", "audit_no"):
            if (name,) == record.KEY:
                record = msgspec.structs.replace(record, **{name: len(table) + 1})
        table[key_of(record)] = record

    def _table(self, kind: type[R]) -> dict[tuple[Any, ...], R]:
        table: Any = self.tables.setdefault(kind, {})
        return table  # type: ignore[no-any-return]

    def count(
        self,
        counts: Sequence[Count],
        now_s: int,
        source: str,
        makes: Sequence[Record] = (),
        once: Once | None = None,
    ) -> Counted:
        if once is not None:
            known = self._table(IdempotencyKey)
            found = [known[name] for name in once.names if name in known]
            if found:
                keys = sorted({count.key for count in counts})
                return Counted([], [StockRow(k, *self.stock.get(k, (0, 0, 0))[:2]) for k in keys], -1, found)
        results: list[CountResult] = []
        touched: dict[int, tuple[int, int]] = {}
        for count in counts:
            before = self.stock.get(count.key, (0, 0, 0))
            result, on_hand = self._count_one(count, before[0], source)
            results.append(result)
            touched.setdefault(count.key, before[:2])
            if result == CountResult.APPLIED:
                self.stock[count.key] = on_hand, before[1], before[2]
        for record in makes:
            if key_of(record) not in self._table(type(record)):
                self._make(record)
        for record in once.records(results) if once is not None else ():
            self._table(type(record))[key_of(record)] = record
        moved = sorted(key for key, before in touched.items() if self.stock.get(key, (0, 0, 0))[:2] != before)
        seq = -1
        if moved:
            seq = len(self.feed) + 1
            for key in moved:
                self.stock[key] = (*self.stock[key][:2], seq)
            rows = [(key, *self.stock[key][:2], *touched[key]) for key in moved]
            self.feed.append(Change(FeedMark(0, seq), now_s, "twin", rows, [], []))
        return Counted(results, [StockRow(k, *self.stock.get(k, (0, 0, 0))[:2]) for k in sorted(touched)], seq)

    def _count_one(self, count: Count, on_hand: int, source: str) -> tuple[CountResult, int]:
        if count.if_seq is not None and count.if_seq != self.stock.get(count.key, (0, 0, 0))[2]:
            return CountResult.CHANGED, on_hand
        at = count.key, source
        last, deltas = self.counted_to.get(at), self.deltas.setdefault(at, {})
        if count.on_hand is not None:
            if count.seq is not None and last is not None and count.seq <= last:
                return CountResult.REPEATED if count.seq == last else CountResult.LATE, on_hand
            later = {} if count.seq is None else {s: units for s, units in deltas.items() if s > count.seq}
            since = (
                sum(m.units for m in self.moves if m.key == count.key and m.at_s > count.counted_s)
                if (count.counted_s is not None)
                else 0
            )
            new = count.on_hand + sum(later.values()) + since
        else:
            assert count.units is not None, "a message is a count or a change"
            if count.seq is not None and last is not None and count.seq <= last:
                return CountResult.LATE, on_hand
            if count.seq is not None and count.seq in deltas:
                return CountResult.REPEATED, on_hand
            new = on_hand + count.units
        if not 0 <= new <= 2**31 - 1:
            return CountResult.QUARANTINED, on_hand
        if count.on_hand is not None:
            if count.seq is not None:
                self.counted_to[at], self.deltas[at] = count.seq, later
        elif count.seq is not None and count.units is not None:
            deltas[count.seq] = count.units
            if len(deltas) > LATER_MAX:
                self.counted_to[at] = min(deltas)
                del deltas[min(deltas)]
        return CountResult.APPLIED, new

    def capacity(self, day_from: int) -> list[CapacityCell]:
        return [CapacityCell(*at, *self.cells[at]) for at in sorted(self.cells) if at[1] >= day_from]

    def stock_row(self, key: int) -> tuple[StockRow, int]:
        on_hand, reserved, seq = self.stock.get(key, (0, 0, 0))
        return StockRow(key, on_hand, reserved), seq

    def changes(self, after: FeedMark, limit: int = 1000) -> list[Change]:
        return self.feed[after.seq : after.seq + limit]

    def get(self, kind: type[R], *key: Any) -> R | None:
        return self._table(kind).get(key)

    def get_many(self, kind: type[R], keys: Sequence[tuple[Any, ...]]) -> list[R]:
        table = self._table(kind)
        return [table[key] for key in sorted(table) if any(key[: len(asked)] == asked for asked in keys)]

    def find(
        self,
        kind: type[R],
        where: dict[str, Any] | None = None,
        *,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        limit: int = 100,
    ) -> list[R]:
        fields = (*order, *kind.KEY)
        found = [(tuple(getattr(r, f) for f in fields), r) for r in self._table(kind).values() if _fits(r, where)]
        found.sort(key=lambda pair: pair[0])
        return [r for values, r in found if after is None or values > after][:limit]

    def count_by(self, kind: type[Record], fields: tuple[str, ...], where: dict[str, Any] | None = None) -> list[Any]:
        counts: dict[tuple[Any, ...], int] = {}
        for record in self._table(kind).values():
            if _fits(record, where):
                values = tuple(getattr(record, field) for field in fields)
                counts[values] = counts.get(values, 0) + 1
        return [(*values, n) for values, n in sorted(counts.items())]

    def prune(self, now_s: int) -> None:
        """Nothing is old enough here."""

    def close(self) -> None:
        """Nothing is open."""


def _first_records(network: Network, nodes: dict[str, int], skus: dict[str, int]) -> Iterator[Record]:
    for i, lot in enumerate(network.inbound):
        at = {"node_no": nodes[lot.node_id], "sku_no": skus[lot.sku], "available_s": epoch_s(lot.available_at)}
        yield Lot(lot_id=f"first-{i}", units=lot.units, **at)
    for rule in network.safety_stock:
        sku_no = -1 if rule.sku is None else skus[rule.sku]
        row: dict[str, Any] = {"node_no": nodes[rule.node_id], "channel": rule.channel, "units": rule.units}
        yield HeldBack(rule="safety", sku_no=sku_no, **row)
    for kept in network.channel_protection:
        row = {"node_no": nodes[kept.node_id], "channel": kept.channel, "units": kept.units}
        yield HeldBack(rule="protection", sku_no=skus[kept.sku], **row)


def _fits(record: Record, where: dict[str, Any] | None) -> bool:
    for name, wanted in (where or {}).items():
        field, _, how = name.partition("__")
        value = getattr(record, field)
        if not how:
            if not (value in wanted if isinstance(wanted, tuple) else value == wanted):
                return False
        elif (
            value is None
            or not {
                "lt": value < wanted,
                "le": value <= wanted,
                "gt": value > wanted,
                "ge": value >= wanted,
            }[how]
        ):
            return False
    return True


def today(network: Network) -> int:
    """The day that a network is of, as `Ledger.load` takes it."""
    return day_number(network.as_of.date())


def now_of(network: Network) -> int:
    """The moment that a network is of."""
    return epoch_s(network.as_of)

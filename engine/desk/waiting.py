"""Lines that wait for stock: their rows, when stock is expected, and in which order they are served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from engine.decide.events import canonical
from engine.desk.book import BACKORDERS
from engine.desk.state import State
from engine.domain.order import Order
from engine.domain.units import epoch_s
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import EventRecord, Record
from engine.stock.records_oms import Backorder

WAITING_MAX = 100_000  # rows of one sku that are looked at


class Waiting(NamedTuple):
    """What makes lines wait: their posting, their rows, and what the desk remembers once it is durable."""

    posting: Posting
    rows: list[Backorder]
    then: Callable[[State], None]


@dataclass(frozen=True, slots=True)
class _Watch:
    """Look out for skus; at once, too: stock may have come while the rows were on their way."""

    skus: frozenset[int]

    def __call__(self, state: State) -> None:
        state.view.watched |= self.skus
        state.view.risen |= self.skus


def waiting_rows(
    state: State,
    order: Order,
    units: Mapping[str, int],
    *,
    priority: int,
    promise_s: int,
    together: bool = False,
) -> Waiting:
    """
    Make lines of an order wait.

    Parameters
    ----------
    order
        With all its lines: what waits is decided as a part of it when stock arrives.
    units
        Open units by line id; they are added to those of the line that wait already.
    together
        All of them are served at once, or none.
    """
    known = {row.line_id: row for row in state.ledger.get_many(Backorder, [(order.order_id,)])}
    text = canonical(order).decode()
    makes: list[Record] = []
    changes: list[Record] = []
    rows: list[Backorder] = []
    for line in order.lines:
        if not units.get(line.line_id):
            continue
        sku_no = state.sku_no(line.sku)
        release_s = state.book.blocked.skus.get(sku_no)
        before = known.get(line.line_id)
        waits = before.units if before is not None and before.state == "waiting" else 0
        row = Backorder(
            order_id=order.order_id,
            line_id=line.line_id,
            sku_no=sku_no,
            units=waits + units[line.line_id],
            channel=order.channel,
            priority=priority,
            promise_s=promise_s,
            expected_s=expected_s(state, sku_no, units[line.line_id]),
            state="waiting",
            kind="backorder" if release_s is None else "preorder",
            together=int(together),
            order_json=text,
            created_s=state.now_s,
            updated_s=state.now_s,
        )
        if before is not None:
            row = msgspec.structs.replace(row, version=before.version + 1)
        (makes if before is None else changes).append(row)
        rows.append(row)
    data = {"order_id": order.order_id, "units": dict(units)}
    note = EventRecord(
        type="backorder.created.v1",
        subject=order.order_id,
        at_s=state.now_s,
        data_json=msgspec.json.encode(data).decode(),
    )
    posting = Posting(makes=[*makes, note], changes=changes, notices=[BACKORDERS])
    return Waiting(posting, rows, _Watch(frozenset(row.sku_no for row in rows)))


def promise_of(order: Order) -> int:
    """By when an order is wanted, or was given: those of one priority are served in this order."""
    return epoch_s(order.deliver_by or order.requested_by or order.placed_at)


def rank(row: Backorder) -> tuple[int, int, int, str, str]:
    """Lower is served first: higher priority, earlier promise, waiting longer."""
    return -row.priority, row.promise_s, row.created_s, row.order_id, row.line_id


def waiting_for(ledger: Ledger, sku_no: int) -> list[Backorder]:
    """The lines that wait for a sku, those first that are served first."""
    found = ledger.find(Backorder, {"sku_no": sku_no, "state": "waiting"}, limit=WAITING_MAX)
    return sorted(found, key=rank)


def expected_s(state: State, sku_no: int, units: int) -> int | None:
    """
    When enough of a sku is due anywhere for those who wait already and for these units; not before its release.

    None where nothing that is due covers it.
    """
    release_s = state.book.blocked.skus.get(sku_no)
    left = units + sum(row.units for row in waiting_for(state.ledger, sku_no))
    live, sku = state.engine.live, int(state.view.sku_at[sku_no])
    nodes = live.row_node[int(live.row_start[sku]) : int(live.row_start[sku + 1])].tolist()
    for available_s, due in sorted(lot for node in nodes for lot in live.inbound(node, sku)):
        left -= due
        if left <= 0:
            return max(available_s, release_s or 0)
    return release_s

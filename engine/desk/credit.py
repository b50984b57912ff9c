"""
Credit: which node served which web order, and which store took the order of a customer it could not serve itself.

A part counts when it was shipped or collected, at the node whose stock it was, whoever hands it over. A store whose
clerk took the order says so in the order's attribute `ordered_at`. Returns count at the node that took them back.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from engine.desk.documents import moment
from engine.domain.errors import InputError
from engine.domain.units import utc
from engine.network.model import Network
from engine.stock.ledger import Ledger, Numbers
from engine.stock.records import DecisionRecord, Part, PartState, Record, Reservation
from engine.stock.records_oms import ReturnRecord

ORDERED_AT = "ordered_at"
PAGE = 5_000
R = TypeVar("R", bound=Record)


class CreditRowDoc(msgspec.Struct, kw_only=True):
    """What a node did for one order: a row per part, or return."""

    node: str
    order_id: str
    kind: str  # served, ordered_at, returned
    state: str  # shipped, collected; of a return, its grade
    method: str
    place: str | None  # who handed it over, where that is another node
    units: int
    num_lines: int
    value_cents: int
    at: datetime | None


class NodeCreditDoc(msgspec.Struct, kw_only=True):
    """A node's sums."""

    node: str
    served_orders: int = 0
    served_units: int = 0
    served_lines: int = 0
    served_cents: int = 0
    ordered_orders: int = 0
    ordered_units: int = 0
    ordered_cents: int = 0
    returned_units: int = 0
    returned_cents: int = 0


class CreditDoc(msgspec.Struct, kw_only=True):
    """Credit between two moments, the first of them included."""

    since: datetime
    until: datetime
    currency: str
    nodes: list[NodeCreditDoc]
    rows: list[CreditRowDoc]


class _Attributes(msgspec.Struct):
    """Of an order as it is remembered, only these."""

    attributes: dict[str, str] = {}


_ORDER = msgspec.json.Decoder(_Attributes)


def credit(
    ledger: Ledger, numbers: Numbers, network: Network, *, since_s: int, until_s: int, node: str | None = None
) -> CreditDoc:
    """The report; of one node where it is named. Values are those of the network's skus."""
    if since_s >= until_s:
        raise InputError(f"The report ends ({until_s}) before it begins ({since_s}).", "swap them.")
    if node is not None and node not in numbers.nodes:
        raise InputError(f"Node ({node}) is unknown.", "check the id; case counts.")
    values: dict[str, int] = dict(zip(network.skus.ids, network.skus.value_cents.tolist(), strict=True))
    worth = [values.get(sku, 0) for sku in numbers.skus]
    rows: list[CreditRowDoc] = []
    for state in (PartState.SHIPPED, PartState.COLLECTED):
        within = {"state": state.value, "updated_s__ge": since_s, "updated_s__lt": until_s}
        for parts in _pages(ledger, Part, within, "updated_s"):
            clerks = _clerks(ledger, parts)
            for part in parts:
                served = _served(part, numbers, worth)
                rows.append(served)
                clerk = clerks.get(part.reservation_id)
                if clerk is not None:
                    rows.append(msgspec.structs.replace(served, node=clerk, kind=ORDERED_AT))
    for records in _pages(ledger, ReturnRecord, {"at_s__ge": since_s, "at_s__lt": until_s}, "at_s"):
        rows += [_returned(record, numbers, worth) for record in records]
    rows = [row for row in rows if node is None or row.node == node]
    rows.sort(key=lambda row: (row.node, row.order_id, row.kind, row.state, row.units))
    return CreditDoc(since=utc(since_s), until=utc(until_s), currency=network.currency, nodes=_sums(rows), rows=rows)


def _pages(ledger: Ledger, kind: type[R], where: dict[str, Any], by: str) -> Iterator[list[R]]:
    """All records that fit, page by page."""
    after: tuple[Any, ...] | None = None
    while True:
        page = ledger.find(kind, where, order=(by,), after=after, limit=PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = tuple(getattr(page[-1], name) for name in (by, *kind.KEY))


def _clerks(ledger: Ledger, parts: Sequence[Part]) -> dict[str, str]:
    """The store that took the order, by reservation, where one did."""
    names = [(name,) for name in sorted({part.reservation_id for part in parts})]
    decisions = {r.decision_id: r.reservation_id for r in ledger.get_many(Reservation, names) if r.decision_id}
    out: dict[str, str] = {}
    for decision in ledger.get_many(DecisionRecord, [(name,) for name in sorted(decisions)]) if decisions else ():
        clerk = _ORDER.decode(decision.order_json).attributes.get(ORDERED_AT)
        if clerk:
            out[decisions[decision.decision_id]] = clerk
    return out


def _served(part: Part, numbers: Numbers, worth: Sequence[int]) -> CreditRowDoc:
    elsewhere = part.place_no >= 0 and part.place_no != part.node_no
    return CreditRowDoc(
        node=numbers.nodes[part.node_no],
        order_id=part.order_id,
        kind="served",
        state=part.state,
        method=part.method,
        place=numbers.nodes[part.place_no] if elsewhere else None,
        units=part.units,
        num_lines=len(part.lines),
        value_cents=sum(worth[sku_no] * units for _, sku_no, units in part.lines),
        at=moment(part.updated_s),
    )


def _returned(record: ReturnRecord, numbers: Numbers, worth: Sequence[int]) -> CreditRowDoc:
    return CreditRowDoc(
        node=numbers.nodes[record.node_no],
        order_id=record.order_id,
        kind="returned",
        state=record.grade,
        method="",
        place=None,
        units=record.units,
        num_lines=1,
        value_cents=worth[record.sku_no] * record.units,
        at=moment(record.at_s),
    )


def _sums(rows: Sequence[CreditRowDoc]) -> list[NodeCreditDoc]:
    """Sums by node; an order that a node served in several parts counts once."""
    sums: dict[str, NodeCreditDoc] = {}
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        total = sums.setdefault(row.node, NodeCreditDoc(node=row.node))
        new = (row.node, row.kind, row.order_id) not in seen
        seen.add((row.node, row.kind, row.order_id))
        if row.kind == "served":
            total.served_orders += new
            total.served_lines += row.num_lines
            total.served_units += row.units
            total.served_cents += row.value_cents
        elif row.kind == ORDERED_AT:
            total.ordered_orders += new
            total.ordered_units += row.units
            total.ordered_cents += row.value_cents
        else:
            total.returned_units += row.units
            total.returned_cents += row.value_cents
    return [sums[node] for node in sorted(sums)]

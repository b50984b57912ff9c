"""Answers as documents. Moments are aware UTC, money is cents of the network's currency, ids are the caller's."""

from datetime import datetime

import msgspec

from engine.decide.brief import Brief
from engine.domain.plan import Status
from engine.domain.units import utc
from engine.stock.ledger import Numbers
from engine.stock.records import Part, Reservation


class LineDoc(msgspec.Struct, kw_only=True):
    """Units of a line."""

    line_id: str
    sku: str
    quantity: int


class PartDoc(msgspec.Struct, kw_only=True):
    """A shipment: what one node is to do, by when."""

    part: int
    state: str
    node: str
    method: str
    service: str | None
    place: str | None
    group: str | None
    lines: list[LineDoc]
    cost_cents: int
    pick_start: datetime | None
    ship_by: datetime | None
    deliver_by: datetime | None


class ReservationDoc(msgspec.Struct, kw_only=True):
    """What is held for somebody."""

    reservation_id: str
    order_id: str
    kind: str
    state: str
    expires_at: datetime | None
    deliver_by: datetime | None
    attempts: int
    version: int
    shipments: list[PartDoc]


class NodeReasonDoc(msgspec.Struct, kw_only=True):
    """Why a node could not serve a line."""

    node: str
    code: str


class UnmetDoc(msgspec.Struct, kw_only=True):
    """Units that nobody serves, and why: how many nodes failed for which reason, and each node's."""

    line_id: str
    sku: str
    quantity: int
    summary: str
    reasons: list[NodeReasonDoc]


class VersionsDoc(msgspec.Struct, kw_only=True):
    """What a decision was taken on."""

    network: str
    policy_id: str
    policy_version: int
    stock_seq: int


class HeldDoc(msgspec.Struct, kw_only=True):
    """The reservation of a decision, in short."""

    reservation_id: str
    state: str
    expires_at: datetime | None


class ChangeDoc(msgspec.Struct, kw_only=True):
    """What stands in the way of a shipment that an option said."""

    node: str
    lines: list[str]
    code: str
    detail: str


class KeptDoc(msgspec.Struct, kw_only=True):
    """What became of the option that an order names: same, kept or changed (engine/desk/keep.py)."""

    quote_id: str
    outcome: str
    expired: bool  # the quote stood no more; it was kept as far as it could be
    deliver_by: datetime  # as promised, as are the two below
    cost_cents: int
    price_cents: int
    changes: list[ChangeDoc]


class AllocationDoc(msgspec.Struct, kw_only=True):
    """A decision that holds what it takes."""

    decision_id: str
    order_id: str
    status: str  # allocated, partial, infeasible, not_found
    quality: str  # optimal, feasible, fallback
    cost_cents: int
    bound_cents: int
    gap: float
    currency: str
    deliver_by: datetime | None
    reservation: HeldDoc | None
    shipments: list[PartDoc]
    unmet: list[UnmetDoc]
    relaxed: list[str]
    limit: str
    attempts: int
    versions: VersionsDoc
    quote: KeptDoc | None = None


def moment(seconds: int | None) -> datetime | None:
    """A moment, None for none."""
    return utc(seconds) if seconds else None


def part_doc(part: Part, numbers: Numbers) -> PartDoc:
    """A part in the caller's words."""
    nodes, skus = numbers.nodes, numbers.skus
    return PartDoc(
        part=part.part,
        state=part.state,
        node=nodes[part.node_no],
        method=part.method,
        service=part.service or None,
        place=nodes[part.place_no] if part.place_no >= 0 else None,
        group=part.group or None,
        lines=[LineDoc(line_id=i, sku=skus[s], quantity=n) for i, s, n in part.lines],
        cost_cents=part.cost_cents,
        pick_start=moment(part.pick_start_s),
        ship_by=moment(part.ship_by_s),
        deliver_by=moment(part.deliver_by_s),
    )


def reservation_doc(reservation: Reservation, parts: list[Part], numbers: Numbers) -> ReservationDoc:
    """A reservation in the caller's words."""
    return ReservationDoc(
        reservation_id=reservation.reservation_id,
        order_id=reservation.order_id,
        kind=reservation.kind,
        state=reservation.state,
        expires_at=moment(reservation.expires_s),
        deliver_by=moment(reservation.deliver_by_s),
        attempts=reservation.attempts,
        version=reservation.version,
        shipments=[part_doc(part, numbers) for part in parts],
    )


def unmet_docs(brief: Brief) -> list[UnmetDoc]:
    """What a decision leaves unserved."""
    return [
        UnmetDoc(
            line_id=unmet.line_id,
            sku=unmet.sku,
            quantity=unmet.quantity,
            summary=unmet.summary,
            reasons=[NodeReasonDoc(node=node, code=code) for node, code in unmet.reasons],
        )
        for unmet in brief.unmet
    ]


def status_word(brief: Brief) -> str:
    """The status of an allocation: what became of the order, not how well that is proven."""
    if brief.status in (Status.INFEASIBLE, Status.NOT_FOUND):
        return str(brief.status)
    if not brief.unmet:
        return "allocated"
    return "partial" if brief.legs else "infeasible"

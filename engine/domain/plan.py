"""What is answered: promises, shipments, a plan with its bound, a decision with its reasons. All of it is data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.domain.ids import LineId, NodeId, OrderId, ServiceId, SkuId
from engine.domain.order import Method


class Status(StrEnum):
    """How far a plan is proven."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  # cut short by a limit; `Plan.limit` names it
    INFEASIBLE = "infeasible"
    NOT_FOUND = "not_found"  # cut short before any plan was found


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTerm:
    """
    One named part of a cost.

    ``amount_cents`` counts in the total; ``raw_cents`` is the money before the policy's weight (equal at weight 1000).
    ``parts`` itemises it (base price, fuel, residential …) and adds up to ``raw_cents``.
    """

    rule: str
    amount_cents: int
    raw_cents: int
    because: str = ""
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """When: the last moment to release, hand-over to the carrier (or ready), and the delivery window. UTC."""

    release_by: datetime
    pick_start: datetime
    pick_end: datetime
    ship_by: datetime
    deliver_earliest: datetime
    deliver_by: datetime
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLine:
    """So many units of a line in a shipment."""

    line_id: LineId
    sku: SkuId
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Lines that leave one node together. ``place`` is the pickup place, None for home deliveries."""

    method: Method
    node: NodeId
    service: ServiceId | None  # None: click & collect, ship to store
    place: NodeId | None
    lines: tuple[ShipmentLine, ...]
    num_parcels: int
    weight_g: int
    distance_m: int
    co2e_g: int
    promise: Promise
    terms: tuple[CostTerm, ...]

    @property
    def cost_cents(self) -> int:
        """Sum of the terms."""
        return sum(term.amount_cents for term in self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """Units of a line that the plan leaves unserved, and why: one reason code per node that could not."""

    line_id: LineId
    sku: SkuId
    quantity: int
    reasons: tuple[tuple[NodeId, str], ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Shipments, unmet lines, cost and a proven lower bound on what any plan of this order costs."""

    order_id: OrderId
    status: Status
    shipments: tuple[Shipment, ...]
    unmet: tuple[Unmet, ...]
    terms: tuple[CostTerm, ...]  # of the order: split, trip, unserved
    bound_cents: int
    trip_co2e_g: int = 0  # of the customer's way to a place that the plan proposes, and back
    relaxed: tuple[str, ...] = ()  # soft rules given up, in order
    limit: str = ""  # what cut the search short
    method: str = ""  # which solver proved it: subset, multiset, mip

    @property
    def cost_cents(self) -> int:
        """Sum of all terms, of the order and of its shipments."""
        return sum(t.amount_cents for t in self.terms) + sum(s.cost_cents for s in self.shipments)

    @property
    def gap(self) -> float:
        """Distance to the bound, relative to the larger of the two: 0 is proven optimal, 1 says nothing."""
        if self.status == Status.NOT_FOUND:
            return 1.0
        cost, bound = self.cost_cents, self.bound_cents
        return 0.0 if cost == bound else min(1.0, (cost - bound) / max(abs(cost), abs(bound)))

    @property
    def deliver_by(self) -> datetime | None:
        """The last promise of the plan, None without shipments."""
        return max((s.promise.deliver_by for s in self.shipments), default=None)

    @property
    def co2e_g(self) -> int:
        """Emissions of all shipments, and of the customer's trip."""
        return self.trip_co2e_g + sum(s.co2e_g for s in self.shipments)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a route cannot serve some lines: a stable code and a sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A hard rule that a plan breaks."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A plan and what it was decided on."""

    plan: Plan
    decided_at: datetime
    policy_id: str
    policy_version: int
    network_version: str
    elapsed_us: int
    alternatives: tuple[Plan, ...] = ()

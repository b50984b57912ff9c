"""Figures over many decisions: what the command line prints as tables and the report draws."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from api.wording import shipment_tz
from engine.decide.reasons import Explanation
from engine.domain.ids import NodeId
from engine.domain.order import METHODS, Method, Order
from engine.domain.plan import CostTerm, Decision, Plan, Status
from engine.domain.policy import RULES
from engine.network.model import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An order, what was decided, and, where asked for, why."""

    order: Order
    decision: Decision
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts and sums over decisions. Costs in cents, times in microseconds, days are calendar days."""

    num_orders: int
    num_served: int  # orders with every line served
    num_partial: int  # orders with some lines served
    num_optimal: int
    num_shipments: int
    num_split: int  # orders in two or more shipments
    cost_cents: int
    co2e_g: int
    cost_by_rule: tuple[tuple[str, int], ...]  # in the order of the rules, those that occur
    shipments_by_method: tuple[tuple[Method, int], ...]  # in the order of the methods, those that occur
    cost_by_method: tuple[tuple[Method, int], ...]  # shipments' own terms
    orders_by_num_shipments: tuple[tuple[int, int], ...]
    shipments_by_days: tuple[tuple[int, int], ...]  # from the local date of placing to that of the promise
    num_dated: int  # served orders with a requested or hard date
    num_in_time: int  # of those, promised by it
    num_relaxed: int
    shipments_by_node: tuple[tuple[NodeId, int], ...]  # busiest first
    units_by_node: tuple[tuple[NodeId, int], ...]
    elapsed_us_p50: int
    elapsed_us_p99: int
    elapsed_us_sum: int

    @property
    def cost_per_order_cents(self) -> int:
        """Mean over the orders that got at least one shipment, half up."""
        served = self.num_served + self.num_partial
        return (2 * self.cost_cents + served) // (2 * served) if served else 0

    @property
    def decisions_per_s(self) -> int:
        """Orders over the time that the engine itself took."""
        return self.num_orders * 1_000_000 // self.elapsed_us_sum if self.elapsed_us_sum else 0


def plan_terms(plan: Plan) -> Iterable[CostTerm]:
    """All cost terms of a plan: of the order, then of its shipments."""
    yield from plan.terms
    for shipment in plan.shipments:
        yield from shipment.terms


def terms_by_rule(terms: Iterable[CostTerm]) -> tuple[tuple[str, int], ...]:
    """Sum terms by rule, in the order of the rules; rules that do not occur are left out."""
    sums: Counter[str] = Counter()
    for term in terms:
        sums[term.rule] += term.amount_cents
    return tuple((rule, sums[rule]) for rule in (*RULES, *sorted(set(sums) - set(RULES))) if rule in sums)


def in_time(order: Order, plan: Plan) -> bool | None:
    """Whether the promise keeps the date the customer asked for; None where none was asked or nothing is sent."""
    wanted = min((d for d in (order.deliver_by, order.requested_by) if d is not None), default=None)
    if wanted is None or plan.deliver_by is None:
        return None
    return plan.deliver_by <= wanted


def percentile(values: Sequence[int], share: float) -> int:
    """
    The smallest value that at least this share of all values does not exceed; 0 of nothing.

    >>> percentile([5, 1, 3], 0.5), percentile([], 0.99)
    (3, 0)
    """
    if not values:
        return 0
    rank = max(1, -(-int(share * 1000) * len(values) // 1000))
    return sorted(values)[rank - 1]


def figures_of(network: Network, decided: Sequence[Decided]) -> Figures:
    """Count and sum over decisions."""
    plans = [d.decision.plan for d in decided]
    shipped = [(d, s) for d in decided for s in d.decision.plan.shipments]
    methods = Counter(s.method for _, s in shipped)
    method_cents: Counter[Method] = Counter()
    days: Counter[int] = Counter()
    by_node: Counter[NodeId] = Counter()
    units: Counter[NodeId] = Counter()
    for item, shipment in shipped:
        zone = ZoneInfo(shipment_tz(network, item.order, shipment))
        placed = item.order.placed_at.astimezone(zone).date()
        days[(shipment.promise.deliver_by.astimezone(zone).date() - placed).days] += 1
        method_cents[shipment.method] += shipment.cost_cents
        by_node[shipment.node] += 1
        units[shipment.node] += sum(line.quantity for line in shipment.lines)
    dates = [kept for d in decided if (kept := in_time(d.order, d.decision.plan)) is not None]
    elapsed = [d.decision.elapsed_us for d in decided]
    sizes = Counter(len(plan.shipments) for plan in plans if plan.shipments)
    return Figures(
        num_orders=len(plans),
        num_served=sum(1 for p in plans if p.shipments and not p.unmet),
        num_partial=sum(1 for p in plans if p.shipments and p.unmet),
        num_optimal=sum(1 for p in plans if p.status is Status.OPTIMAL),
        num_shipments=len(shipped),
        num_split=sum(count for size, count in sizes.items() if size > 1),
        cost_cents=sum(p.cost_cents for p in plans if p.shipments),
        co2e_g=sum(p.co2e_g for p in plans),
        cost_by_rule=terms_by_rule(t for p in plans if p.shipments for t in plan_terms(p)),
        shipments_by_method=tuple((m, methods[m]) for m in METHODS if m in methods),
        cost_by_method=tuple((m, method_cents[m]) for m in METHODS if m in methods),
        orders_by_num_shipments=tuple(sorted(sizes.items())),
        shipments_by_days=tuple(sorted(days.items())),
        num_dated=len(dates),
        num_in_time=sum(dates),
        num_relaxed=sum(1 for p in plans if p.relaxed and p.shipments),
        shipments_by_node=tuple(sorted(by_node.items(), key=lambda item: (-item[1], item[0]))),
        units_by_node=tuple(sorted(units.items(), key=lambda item: (-item[1], item[0]))),
        elapsed_us_p50=percentile(elapsed, 0.5),
        elapsed_us_p99=percentile(elapsed, 0.99),
        elapsed_us_sum=sum(elapsed),
    )

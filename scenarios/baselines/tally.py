"""What orders came to under one policy: cost by term, splits, lateness, what stayed unfilled, where it left from."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.costs.terms import order_terms
from engine.domain.ids import NodeId
from engine.domain.order import Order
from engine.domain.plan import Plan
from engine.domain.policy import Policy
from engine.network.model import Network, NodeKind

_STORES = (NodeKind.STORE, NodeKind.DARK_STORE)
STOCK_VALUES = ("markdown", "opportunity")  # what stock that stays will lose or be worth: nobody is paid for it


@dataclass(slots=True)
class Tally:
    """Sums over orders. Money in cents, carbon in grams."""

    network: Network
    policy: Policy
    orders: int = 0
    cents: Counter[str] = field(default_factory=Counter)  # by cost term
    units: int = 0
    unfilled_units: int = 0
    shipments: int = 0
    served_orders: int = 0
    wished: int = 0  # served orders that name a date
    late: int = 0  # of these
    store_shipments: int = 0
    co2e_g: int = 0

    def add(self, order: Order, plan: Plan) -> None:
        """Count one order; what a plan leaves out costs the policy's price, whether the order allows it or not."""
        self.orders += 1
        for term in (*plan.terms, *(t for s in plan.shipments for t in s.terms)):
            if term.rule != "unserved":
                self.cents[term.rule] += term.amount_cents
        self._unserved(plan)
        self.units += sum(line.quantity for line in order.lines)
        self.unfilled_units += sum(unmet.quantity for unmet in plan.unmet)
        self.shipments += len(plan.shipments)
        self.store_shipments += sum(self._is_store(s.node) for s in plan.shipments)
        self.co2e_g += plan.co2e_g
        if plan.deliver_by is not None:
            self.served_orders += 1
            wish = min((d for d in (order.deliver_by, order.requested_by) if d is not None), default=None)
            if wish is not None:
                self.wished += 1
                self.late += plan.deliver_by > wish
                if order.deliver_by is not None and plan.deliver_by > order.deliver_by and not _counted(plan):
                    self.cents["lateness"] += self._broken_promise(order.deliver_by, plan.deliver_by)

    def _broken_promise(self, promised: datetime, delivered: datetime) -> int:
        """A date that had to be kept costs as much as one that was wished for, which no cost term says."""
        days = -((promised - delivered) // timedelta(days=1))
        return self.policy.lateness_base_cents + days * self.policy.lateness_day_cents

    def _unserved(self, plan: Plan) -> None:
        index = self.network.skus.index
        left: Iterable[tuple[int, int]] = [(index[unmet.sku], unmet.quantity) for unmet in plan.unmet]
        for term in order_terms(self.network, self.policy, num_shipments=1, trip_distance_m=None, unserved=left):
            self.cents["unserved"] += term.amount_cents

    def _is_store(self, node: NodeId) -> bool:
        return self.network.nodes[self.network.node_index[node]].kind in _STORES

    @property
    def cost_per_order(self) -> float:
        """Cents."""
        return sum(self.cents.values()) / max(1, self.orders)

    @property
    def cost_per_order_cash(self) -> float:
        """Cents, without the terms that only value stock: markdown that is avoided, and stock needed later."""
        paid = sum(cents for rule, cents in self.cents.items() if rule not in STOCK_VALUES)
        return paid / max(1, self.orders)

    def figures(self) -> dict[str, float]:
        """Per order, and as shares."""
        orders = max(1, self.orders)
        return {
            "cost_per_order": self.cost_per_order,
            "cost_per_order_cash": self.cost_per_order_cash,
            "splits": (self.shipments - self.served_orders) / orders,  # shipments beyond the first
            "late_share": self.late / max(1, self.wished),
            "unfilled_share": self.unfilled_units / max(1, self.units),
            "store_share": self.store_shipments / max(1, self.shipments),
            "co2e_g_per_order": self.co2e_g / orders,
        } | {f"cents_{rule}": cents / orders for rule, cents in sorted(self.cents.items())}


def _counted(plan: Plan) -> bool:
    """Whether the plan's own terms price its lateness."""
    return any(term.rule == "lateness" for shipment in plan.shipments for term in shipment.terms)

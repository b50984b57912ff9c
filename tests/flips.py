"""A counterfactual put to the test: its changes made to the input, and the order decided again from nothing."""

from engine.decide.changes import applied
from engine.decide.engine import Engine
from engine.decide.reasons import Counterfactual, Leg
from engine.domain.order import Order
from engine.domain.plan import Plan
from engine.domain.policy import Policy
from engine.network.live import Live
from engine.network.model import Network

NO_DEADLINE_MS = 600_000


def decided_under(
    found: Counterfactual, network: Network, live: Live, policy: Policy, order: Order, *, horizon_days: int
) -> Plan:
    """The plan of an order under changes, on a network built anew, with what `live` has booked and priced."""
    changed, rules, asked = network, policy, order
    for change in found.changes:
        changed, rules, asked = applied(change, changed, rules, asked)
    engine = Engine(changed, live=_carried_over(live, Live(changed, horizon_days)), policy=rules)
    return engine.decide(asked, deadline_ms=NO_DEADLINE_MS).plan


def legs(plan: Plan) -> set[Leg]:
    """The shipments of a plan in short."""
    return {Leg(method=s.method, node=s.node, service=s.service, place=s.place) for s in plan.shipments}


def _carried_over(old: Live, new: Live) -> Live:
    """Reservations, bid prices and booked capacity of one live stock in another of the same nodes and skus."""
    for sku in range(len(old.row_start) - 1):
        for row in range(int(old.row_start[sku]), int(old.row_start[sku + 1])):
            there = new.row(int(old.row_node[row]), sku)
            for name in ("reserved", "price_cents"):
                new.rows[name][there] = old.rows[name][row]
    new.day_orders[:], new.day_units[:] = old.day_orders, old.day_units
    new.hour_orders[:], new.hour_units[:] = old.hour_orders, old.hour_units
    return new

"""Decided orders for the tests of tables, report and JSON: plans put together by hand from real shipments."""

from collections.abc import Sequence
from dataclasses import replace

from api.report.figures import Decided
from engine.decide.engine import Engine
from engine.domain.order import Method, Order
from engine.domain.plan import Decision, Plan, Refusal, Shipment, Status
from engine.network.live import Live
from engine.network.model import Network
from engine.options.evaluate import Evaluator
from engine.options.tools import Tools

# One way to serve some lines: the line ids, the method, the node and the service (or None).
Choice = tuple[Sequence[str], Method, str, str | None]


def plan_of(network: Network, order: Order, choices: Sequence[Choice], *, status: Status = Status.OPTIMAL) -> Plan:
    """The plan that these choices make; its bound is its cost. Lines that no choice names stay unserved."""
    evaluator = Evaluator(network, Live(network), network.policy(), order, Tools.of(network))
    at = {line.line_id: i for i, line in enumerate(order.lines)}
    shipments = [_shipment(network, evaluator, order, at, choice) for choice in choices]
    served = {at[name] for names, *_ in choices for name in names}
    left = [i for i in range(len(order.lines)) if i not in served]
    plan = evaluator.plan(shipments, left, status, 0, explain=True)
    return replace(plan, bound_cents=plan.cost_cents)


def _shipment(network: Network, evaluator: Evaluator, order: Order, at: dict[str, int], choice: Choice) -> Shipment:
    names, method, node, service = choice
    route = next(
        r
        for r in evaluator.routes
        if r.method is method
        and network.nodes[r.node].node_id == node
        and (network.services[r.service].service_id if r.service >= 0 else None) == service
    )
    found = evaluator.shipment(route, tuple((at[name], order.lines[at[name]].quantity) for name in names))
    assert not isinstance(found, Refusal), found
    return found


def decided(network: Network, order: Order, choices: Sequence[Choice], *, elapsed_us: int = 100) -> Decided:
    """An order with the decision that these choices make, and why."""
    plan = plan_of(network, order, choices, status=Status.OPTIMAL if choices else Status.INFEASIBLE)
    decision = Decision(
        plan=plan,
        decided_at=order.placed_at,
        policy_id="default",
        policy_version=1,
        network_version=network.version,
        elapsed_us=elapsed_us,
    )
    why = Engine(network).explain(order, plan)
    return Decided(order=order, decision=decision, explanation=why)

"""Our own decisions with one term or rule out of sight, and what they cost in truth: what each of them saves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.costs.terms import order_terms
from engine.decide.engine import Engine
from engine.domain.order import Order
from engine.domain.plan import Decision, Plan, Refusal, Status
from engine.network.model import Network, ServiceKind
from engine.network.routes import Route
from engine.options.evaluate import Evaluator

DAY_END = "23:59:59"


def _same(order: Order) -> Order:
    return order


def _dateless(order: Order) -> Order:
    return replace(order, deliver_by=None, requested_by=None)


@dataclass(frozen=True, slots=True)
class Blind:
    """What is out of sight: weights of cost terms set to 0, what of an order is not looked at, what of the network."""

    name: str
    rules: tuple[str, ...] = ()
    seen: Callable[[Order], Order] = _same
    network: Callable[[Network], Network] | None = None


def without_cutoffs(network: Network) -> Network:
    """
    As if every release met the hand-over of its day: parcels and transfers leave when the day ends.

    Picking hours, days without a collection and couriers stay as they are.
    """
    parcels = {s.service_id for s in network.services if s.kind != ServiceKind.COURIER}
    collections = (
        replace(row, cutoff=DAY_END, collect=DAY_END) if row.service_id in parcels else row
        for row in network.collections
    )
    lanes = (replace(lane, cutoff=DAY_END, depart=DAY_END) if lane.transit_days else lane for lane in network.lanes)
    return replace(network, collections=tuple(dict.fromkeys(collections)), lanes=tuple(lanes))


BLIND = (
    Blind("without-cut-offs", network=without_cutoffs),
    Blind("without-dates", ("lateness", "waiting"), _dateless),
    Blind("without-splits", ("split",)),
    Blind("without-carrier-prices", ("carrier",)),
    Blind("without-capacity-price", ("capacity",)),
    Blind("without-rejection-risk", ("rejection",)),
    Blind("without-markdown", ("markdown",)),
)


class Ablated:
    """Decides like the engine under a policy that leaves something out, and says what that costs under the true one."""

    def __init__(
        self, engine: Engine, blind: Blind, decide: Callable[[Engine, Order], Decision] = Engine.decide
    ) -> None:
        self._decide = decide
        self.name = blind.name
        self.blind = blind
        self.engine = engine
        weights = dict(engine.policy.weights_permille) | dict.fromkeys(blind.rules, 0)
        policy = replace(engine.policy, weights_permille=weights)
        if blind.network is None:
            self._blinded = engine.under(policy)
        else:  # another calendar, but the same stock
            network, live = blind.network(engine.network), engine.live
            self._blinded = Engine(network, live=live, policy=policy, horizon_days=live.num_days, guard=engine.guard)

    def decide(self, order: Order) -> Decision:
        """The plan that looks best, at its true cost."""
        decision = self._decide(self._blinded, self.blind.seen(order))
        return replace(decision, plan=recosted(self.engine, order.merged(), decision.plan))

    def commit(self, decision: Decision) -> None:
        """Hold what the decision takes."""
        self.engine.commit(decision)


def recosted(engine: Engine, order: Order, plan: Plan) -> Plan:
    """The same shipments under the engine's own policy. `order` is merged."""
    relaxed = ("deliver_by+400d", "max_distance", "min_parcel_value")
    request = Evaluator(engine.network, engine.live, engine.policy, order, engine.tools, relaxed=relaxed)
    line_at = {line.line_id: i for i, line in enumerate(order.lines)}
    shipments = []
    for shipment in plan.shipments:
        node = engine.network.node_index[shipment.node]
        items = tuple(sorted((line_at[line.line_id], line.quantity) for line in shipment.lines))
        for route in request.ways.of_node(node):
            found = request.shipment(route, items) if _is(engine, route, shipment.service, shipment.place) else None
            if found is not None and not isinstance(found, Refusal) and found.method == shipment.method:
                shipments.append(found)
                break
        else:
            raise AssertionError(f"order {order.order_id}: a shipment from {shipment.node} cannot be counted again")
    counted = request.plan(shipments, (), Status.FEASIBLE, 0, limit="blind", method=plan.method)
    unserved = order_terms(
        engine.network,
        engine.policy,
        num_shipments=1,
        trip_distance_m=None,
        unserved=[(engine.network.skus.index[unmet.sku], unmet.quantity) for unmet in plan.unmet],
    )
    return replace(counted, unmet=plan.unmet, terms=counted.terms + unserved, relaxed=plan.relaxed)


def _is(engine: Engine, route: Route, service: str | None, place: str | None) -> bool:
    network = engine.network
    return (network.services[route.service].service_id if route.service >= 0 else None) == service and (
        network.nodes[route.place].node_id if route.place >= 0 else None
    ) == place

"""
The plain rule that answers where the engine broke or was out of time: nearest node that can serve, its cheapest way.

It shares the evaluation of a shipment with the engine and nothing of its search, looks at NODES_MAX nodes at most, and
is deterministic: nodes by distance, then by their place in the network; ways by cost, then in their order. Its plan
keeps every hard rule; what it holds is guarded by the ledger like any other. Quantities are not split, and rules not
relaxed.
"""

from collections.abc import Iterator, Sequence

from engine.decide.brief import Brief, brief_of
from engine.decide.engine import Engine
from engine.domain.order import Order
from engine.domain.plan import Plan, Shipment, Status
from engine.network.routes import distance_m
from engine.options.evaluate import Evaluator

NODES_MAX = 10  # of those that have all that is asked of them; each takes some milliseconds


def plain_brief(engine: Engine, order: Order) -> Brief:
    """The plan of the plain rule, in short."""
    return brief_of(plain_plan(engine, order), engine.tools)


def plain_plan(engine: Engine, order: Order) -> Plan:
    """All lines from the nearest node that has a way for them; else each line from the nearest that has one for it."""
    merged = order.merged()
    request = engine.chooser.request(merged)
    lines = range(len(merged.lines))
    whole = _nearest(request, lines) if request.shipments_max >= 1 else None
    shipments = [whole] if whole is not None else []
    left: list[int] = []
    if whole is None:
        for line in lines:
            found = _nearest(request, [line]) if len(shipments) < request.shipments_max else None
            if found is None:
                left.append(line)
            else:
                shipments.append(found)
    places = {shipment.place for shipment in shipments if shipment.place is not None}
    together = not merged.keep_together or whole is not None
    if (left and not merged.partial) or len(places) > 1 or not together or not shipments:
        return request.plan((), tuple(lines), Status.NOT_FOUND, 0, limit="fallback", method="fallback")
    plan = request.plan(shipments, left, Status.FEASIBLE, 0, limit="fallback", method="fallback")
    return request.plan(shipments, left, Status.FEASIBLE, min(0, plan.cost_cents), limit="fallback", method="fallback")


def _nearest(request: Evaluator, lines: Sequence[int]) -> Shipment | None:
    """The cheapest shipment of whole lines from the nearest node that has any."""
    items = tuple((line, request.order.lines[line].quantity) for line in lines)
    for node in _by_distance(request, lines):
        ways = (request.shipment(route, items) for route in request.ways.of_node(node))
        found = [way for way in ways if isinstance(way, Shipment)]
        if found:
            return min(found, key=lambda shipment: shipment.cost_cents)
    return None


def _by_distance(request: Evaluator, lines: Sequence[int]) -> Iterator[int]:
    nodes = request.network.nodes
    home = request.ways.home
    if home is None:
        assert request.order.pickup_node is not None, "an order without a destination is collected"
        place = nodes[request.network.node_index[request.order.pickup_node]]
        lat, lon = place.lat, place.lon
    else:
        lat, lon = home.lat, home.lon
    able = [
        node
        for node in request.holders(lines[0])
        if request.ways.node_barred(node) is None
        and all(request.available(node, line) >= request.order.lines[line].quantity for line in lines)
    ]
    able.sort(key=lambda node: (distance_m(lat, lon, nodes[node].lat, nodes[node].lon), node))
    yield from able[:NODES_MAX]

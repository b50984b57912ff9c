"""The cheapest shipment of some items from one node: what every rule is given once it has named the node."""

from dataclasses import replace

from engine.decide.engine import Engine
from engine.domain.order import METHODS, Order
from engine.domain.plan import Refusal, Shipment
from engine.optimise.intake import fits_kernel
from engine.optimise.mip_clock import Clock
from engine.options.evaluate import Evaluator
from engine.options.request import Items
from engine.options.ways import PLACE_METHODS

_HOME = tuple(method for method in METHODS if method not in PLACE_METHODS)
_RELAXED = ("max_distance", "min_parcel_value")


def cheapest(engine: Engine, request: Evaluator, node: int, items: Items) -> Shipment | None:
    """
    The cheapest shipment, None where no service takes the items together; to no place but the one the customer chose.

    The kernel finds it three times as fast as a look at each service does; it is asked for one shipment of an order
    that is limited to the node. What it does not take is looked at service by service.
    """
    order = _from_one_node(request, node, items)
    if order is None:
        return None
    one = engine.chooser.request(order, _RELAXED)
    if fits_kernel(one):
        shipments = engine.chooser.best(one, Clock(None)).shipments
        return shipments[0] if shipments else None
    return by_looking(request, node, items)


def by_looking(request: Evaluator, node: int, items: Items) -> Shipment | None:
    """The same, each service itemised."""
    best: Shipment | None = None
    for route in request.ways.of_node(node):
        if request.ways.home is not None and route.place >= 0:
            continue
        found = request.shipment(route, items)
        if not isinstance(found, Refusal) and (best is None or found.cost_cents < best.cost_cents):
            best = found
    return best


def _from_one_node(request: Evaluator, node: int, items: Items) -> Order | None:
    """The order cut to these items and this node; None where it wants nothing brought home and names no place."""
    order = request.order
    methods = order.methods
    if order.pickup_node is None:
        methods = tuple(method for method in methods or _HOME if method not in PLACE_METHODS)
        if not methods:
            return None
    lines = (replace(order.lines[line], quantity=many) for line, many in items)
    return replace(
        order,
        lines=tuple(lines),
        nodes=(request.network.nodes[node].node_id,),
        methods=methods,
        deliver_by=None,
        max_shipments=1,
        keep_together=(),
        partial=False,
    )

"""The obviously right why-not: every route of every node asked for one after the other, in plain words."""

from dataclasses import dataclass

from engine.costs.terms import order_terms
from engine.domain.plan import Refusal, Shipment
from engine.network.model import NodeKind
from engine.network.routes import Route
from engine.options.evaluate import Evaluator
from engine.options.request import Items

# How far a way got before it was refused; of equal ones the first counts. Those not named are of the promise.
STAGES = {
    "method": 1,
    "service": 1,
    "channel": 1,
    "too_far": 2,
    "ships_alone": 3,
    "sku_service": 3,
    "too_late": 6,
    "hazardous": 7,
    "oversize": 7,
    "too_heavy": 7,
    "too_large": 7,
    "too_many_parcels": 7,
    "no_price": 7,
}


@dataclass(frozen=True)
class Said:
    """What a node says: a code, or its cheapest way with its cost terms, those of the trip included."""

    code: str
    route: Route | None = None
    shipment: Shipment | None = None
    cents_by_rule: tuple[tuple[str, int], ...] = ()


def say(request: Evaluator, node: int, items: Items, used: int) -> Said:
    """Ask one node about items that go together; `used` is the place that other shipments go to, -1 none."""
    here = request.network.nodes[node]
    if here.kind is NodeKind.PICKUP_POINT:
        return Said("no_source")
    barred = request.ways.node_barred(node)
    if barred is not None:
        return Said(barred.code)
    for line, _ in items:
        if request.pins[line] not in (-1, node):
            return Said("pinned")
        groups = request.skus[line].node_groups
        if groups and not set(groups) & set(here.groups):
            return Said("node_group")
    if isinstance(request.release_s(node, items), Refusal):
        return Said("no_stock")
    best: tuple[int, float] | None = None
    answer, stage, elsewhere = Said("no_route"), -1, False
    for route in request.ways.of_node(node):
        found = request.shipment(route, items)
        if used >= 0 and route.place not in (-1, used):
            elsewhere = elsewhere or isinstance(found, Shipment)
            continue
        if isinstance(found, Refusal):
            if best is None and STAGES.get(found.code, 5) > stage:
                answer, stage = Said(found.code), STAGES.get(found.code, 5)
            continue
        cents = _cents(request, route, found, used)
        rank = (sum(cents.values()), found.promise.deliver_by.timestamp())
        if best is None or rank < best:
            best = rank
            answer = Said("", route, found, tuple(sorted((r, c) for r, c in cents.items() if c)))
    return Said("place") if best is None and elsewhere else answer


def _cents(request: Evaluator, route: Route, shipment: Shipment, used: int) -> dict[str, int]:
    """Cost by rule, with the trip to a place that is new."""
    trip_m = request.ways.trip_distance_m(route.place) if route.place >= 0 > used else None
    trip = order_terms(request.network, request.policy, num_shipments=1, trip_distance_m=trip_m, unserved=())
    out: dict[str, int] = {}
    for term in (*shipment.terms, *trip):
        out[term.rule] = out.get(term.rule, 0) + term.amount_cents
    return out

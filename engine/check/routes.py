"""Rules about where a shipment may come from and how it may go. MODEL.md sections 1 and 2."""

from collections.abc import Iterator

from engine.check.case import Case, Items
from engine.domain.order import Method
from engine.domain.plan import Violation
from engine.domain.policy import ChannelRule
from engine.network.model import NodeKind, Offer, ServiceKind
from engine.network.routes import Route

SHIPPED = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE, Method.DROP_SHIP)


def not_a_route(case: Case, route: Route) -> str:
    """Why the network has no such route; "" if it has."""
    network = case.network
    node = network.nodes[route.node]
    place = network.nodes[route.place] if route.place >= 0 else None
    service = network.services[route.service] if route.service >= 0 else None
    if place is None and case.home is None:
        return "The order is collected, not delivered."
    if place is not None and route.place not in case.places:
        return f"{place.node_id} is none of the order's places."
    if (place is not None) == (route.method in (*SHIPPED, Method.SAME_DAY)):
        return f"Method {route.method} ends elsewhere."
    kind = {Method.SAME_DAY: ServiceKind.COURIER, Method.PICKUP_POINT: ServiceKind.PICKUP_POINT}.get(
        route.method, ServiceKind.PARCEL if route.method in SHIPPED else None
    )
    if (service.kind if service is not None else None) != kind:
        return f"Method {route.method} does not go with service {service.service_id if service else 'none'}."
    if kind in (ServiceKind.PARCEL, ServiceKind.PICKUP_POINT):
        assert service is not None, "the kind of a missing service was compared above"
        if Offer.SHIP not in node.offers:
            return f"{node.node_id} does not ship."
        if (node.node_id, service.service_id) not in network.collected:
            return f"{service.service_id} does not collect at {node.node_id}."
    if route.method in SHIPPED and _ship_method(node.kind) != route.method:
        return f"{node.node_id} is a {node.kind}."
    if route.method == Method.SAME_DAY and Offer.SAME_DAY not in node.offers:
        return f"{node.node_id} offers no same-day delivery."
    if place is not None:
        return _no_way_to_place(case, route)
    return ""


def _ship_method(kind: NodeKind) -> Method | None:
    if kind == NodeKind.WAREHOUSE:
        return Method.SHIP_FROM_WAREHOUSE
    if kind == NodeKind.VENDOR:
        return Method.DROP_SHIP
    return Method.SHIP_FROM_STORE if kind in (NodeKind.STORE, NodeKind.DARK_STORE) else None


def _no_way_to_place(case: Case, route: Route) -> str:
    node, place = case.network.nodes[route.node], case.network.nodes[route.place]
    point = place.kind == NodeKind.PICKUP_POINT
    if route.method == Method.PICKUP_POINT and not point:
        return f"{place.node_id} is no pickup point."
    if route.method == Method.CLICK_AND_COLLECT and (point or route.node != route.place):
        return f"{place.node_id} does not hand out its own stock for this."
    if route.method == Method.SHIP_TO_STORE:
        if Offer.TRANSFER_OUT not in node.offers or Offer.TRANSFER_IN not in place.offers:
            return f"{node.node_id} or {place.node_id} takes no part in transfers."
        if route.lane < 0:
            return f"No lane leads from {node.node_id} to {place.node_id}."
    return ""


def forbidden(case: Case, route: Route) -> str:
    """What of policy, order and channel forbids a route; "" if nothing does. Distances aside."""
    order, rule = case.order, case.policy.channels.get(case.order.channel, ChannelRule())
    node = case.network.nodes[route.node]
    for allowed, what in (
        (case.policy.methods, "policy"),
        (order.methods or None, "order"),
        (rule.methods or None, "channel"),
    ):
        if allowed is not None and route.method not in allowed:
            return f"The {what} does not allow method {route.method}."
    if route.method in order.excluded_methods:
        return f"The order excludes method {route.method}."
    if order.nodes and node.node_id not in order.nodes:
        return f"The order is limited to other nodes than {node.node_id}."
    if node.node_id in order.excluded_nodes:
        return f"The order excludes node {node.node_id}."
    if rule.node_groups and not set(rule.node_groups) & set(node.groups):
        return f"The channel does not use node {node.node_id}."
    if route.service >= 0:
        service = case.network.services[route.service].service_id
        if (order.services and service not in order.services) or (rule.services and service not in rule.services):
            return f"The order or its channel does not allow service {service}."
        if service in order.excluded_services:
            return f"The order excludes service {service}."
    return ""


def routes_not_allowed(case: Case) -> Iterator[Violation]:
    """Every shipment goes over a route that exists and that policy, order and channel allow."""
    for shipment in case.plan.shipments:
        route = case.route(shipment)
        if route is None:
            text = f"No lane leads from {shipment.node} to {shipment.place}."
        else:
            text = not_a_route(case, route) or forbidden(case, route)
        if text:
            yield Violation(rule="route", message=text)


def too_far(case: Case, route: Route) -> str:
    """By how much a home route is too long; "" if it is not."""
    if route.place >= 0 or "max_distance" in case.plan.relaxed:
        return ""
    limits = [limit for limit in (case.order.max_distance_m, case.policy.max_distance_m) if limit]
    far_m = case.distance_m(route)
    if not limits or far_m is None or far_m <= min(limits):
        return ""
    return f"{case.network.nodes[route.node].node_id} is {far_m} m away, more than {min(limits)} m."


def distances_exceeded(case: Case) -> Iterator[Violation]:
    """No home delivery comes from farther than order and policy allow."""
    for shipment in case.plan.shipments:
        for route in case.routes(shipment):
            if text := too_far(case, route):
                yield Violation(rule="distance", message=text)


def several_places(case: Case) -> Iterator[Violation]:
    """The customer travels to one place at most."""
    places = sorted({shipment.place for shipment in case.plan.shipments if shipment.place is not None})
    if len(places) > 1:
        yield Violation(rule="place", message=f"The order is to be collected at {', '.join(places)}.")


def restricted(case: Case, route: Route, items: Items) -> str:
    """Which restriction of a sku a route does not meet; "" if none."""
    skus, node = case.network.skus, case.network.nodes[route.node]
    service = case.network.services[route.service] if route.service >= 0 else None
    for index, _ in items:
        sku = skus.row(index)
        if sku.node_groups and not set(sku.node_groups) & set(node.groups):
            return f"{sku.sku} may not come from {node.node_id}."
        if service is None:
            continue
        if sku.services and service.service_id not in sku.services:
            return f"{sku.sku} may not go by {service.service_id}."
        if (sku.hazardous and not service.hazardous) or (sku.oversize and not service.oversize):
            return f"{service.service_id} does not take {sku.sku}: it is hazardous or oversize."
    return ""


def restrictions_broken(case: Case) -> Iterator[Violation]:
    """Skus come from nodes and go by services that they may."""
    for shipment in case.plan.shipments:
        for route in case.routes(shipment)[:1]:
            if text := restricted(case, route, case.items(shipment)):
                yield Violation(rule="restriction", message=text)


def over_limit(case: Case, route: Route, items: Items) -> str:
    """Which limit of its service a shipment exceeds; "" if none."""
    if route.service < 0:
        return ""
    service = case.network.services[route.service]
    held = case.contents(items)
    name = service.service_id
    for measured, limit, what in (
        (held.unit_weight_g, service.weight_max_g, "g"),
        (held.longest_mm, service.longest_max_mm, "mm"),
        (held.girth_mm, service.length_girth_max_mm, "mm of length and girth"),
        (held.unit_volume_cm3, service.volume_max_cm3, "cm3"),
    ):
        if 0 < limit < measured:
            return f"A unit has {measured} {what}; {name} takes {limit}."
    num = max(1, -(-held.weight_g // service.weight_max_g))
    if service.volume_max_cm3:
        num = max(num, -(-held.volume_cm3 // service.volume_max_cm3))
    return f"{name} takes {service.parcels_max} parcels, not {num}." if num > service.parcels_max else ""


def limits_exceeded(case: Case) -> Iterator[Violation]:
    """Units and shipments keep to the limits of their services."""
    for shipment in case.plan.shipments:
        for route in case.routes(shipment)[:1]:
            if text := over_limit(case, route, case.items(shipment)):
                yield Violation(rule="limit", message=text)

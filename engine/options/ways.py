"""Which routes an order may use at all, and how far they go. MODEL.md section 1."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from engine.domain.errors import InputError
from engine.domain.order import METHODS, Method, Order
from engine.domain.plan import Refusal
from engine.domain.policy import ChannelRule, Policy
from engine.network.model import Network, Node, NodeKind, Offer, ServiceKind
from engine.network.routes import Route, Target, distance_m
from engine.options.tools import Tools

SHIP_METHODS = {
    NodeKind.WAREHOUSE: Method.SHIP_FROM_WAREHOUSE,
    NodeKind.STORE: Method.SHIP_FROM_STORE,
    NodeKind.DARK_STORE: Method.SHIP_FROM_STORE,
    NodeKind.VENDOR: Method.DROP_SHIP,
}
PLACE_METHODS = frozenset((Method.CLICK_AND_COLLECT, Method.SHIP_TO_STORE, Method.PICKUP_POINT))
HOME_METHODS = tuple(method for method in METHODS if method not in PLACE_METHODS)
_NO_RULE = ChannelRule()


@dataclass(frozen=True, slots=True)
class Way:
    """An allowed route with where it ends, how far that is and its zone (index into Network.zone_ids, -1 none)."""

    route: Route
    target: Target
    distance_m: int
    zone: int


class Ways:
    """
    The routes of one order.

    Parameters
    ----------
    tools
        Of the network.
    policy, order
        What they allow and forbid.
    any_distance
        The limits on distance are relaxed.

    Raises
    ------
    InputError
        Where the order names an unknown node or service, or its destination's postcode is unknown.
    """

    def __init__(self, tools: Tools, policy: Policy, order: Order, *, any_distance: bool = False) -> None:
        network = tools.network
        if order.nodes or order.excluded_nodes or order.services or order.excluded_services:
            _all_known(network, order)
        self.tools = tools
        self.policy = policy
        self.order = order
        self.rule = policy.channels.get(order.channel, _NO_RULE)
        self.methods = _methods(policy.methods, order.methods, self.rule.methods, order.excluded_methods)
        # The destination is looked up even if the order is collected: a wrong postcode is the caller's to know.
        self.destination = tools.home_target(order.destination) if order.destination is not None else None
        self.home = None if order.pickup_node is not None else self.destination
        if order.pickup_node is not None:
            _known((order.pickup_node,), network.node_index, f"Order ({order.order_id}) is collected at", "node")
        limits = [m for m in (order.max_distance_m, policy.max_distance_m) if m]
        self.distance_max_m = min(limits) if limits and not any_distance else None
        self._home_distance_m: dict[int, int] = {}
        self._ways: dict[Route, Way | Refusal] = {}

    @cached_property
    def places(self) -> tuple[int, ...]:
        """The chosen place, or the candidates, nearest first."""
        order, tools = self.order, self.tools
        if order.pickup_node is not None:
            place = tools.network.node_index[order.pickup_node]
            return (place,) if Offer.PICKUP in tools.network.nodes[place].offers else ()
        if self.home is None or not self.methods & PLACE_METHODS:
            return ()
        return tools.nearest_places(
            self.home.lat,
            self.home.lon,
            within_m=self.policy.trip_distance_m_max,
            num_max=self.policy.pickup_places_max,
        )

    def trip_distance_m(self, place: int) -> int | None:
        """How far the customer travels to a place; None where the trip is not ours to price."""
        if self.home is None:
            return None
        node = self.tools.network.nodes[place]
        return distance_m(self.home.lat, self.home.lon, node.lat, node.lon)

    def way(self, route: Route) -> Way | Refusal:
        """The route's target, distance and zone, or the first reason why it is not allowed."""
        found = self._ways.get(route)
        if found is None:
            found = self._ways[route] = self._barred(route) or self.measured(route)
        return found

    def of_node(self, node: int) -> Iterator[Route]:
        """Routes that exist from a node to home or a place, allowed or not, in a fixed order."""
        tools = self.tools
        here = tools.network.nodes[node]
        if self.home is not None:
            ship = SHIP_METHODS.get(here.kind)
            if ship is not None and Offer.SHIP in here.offers:
                for service in tools.services_of_kind[ServiceKind.PARCEL]:
                    if (node, service) in tools.collected:
                        yield Route(ship, node, service)
            if Offer.SAME_DAY in here.offers:
                for service in tools.services_of_kind[ServiceKind.COURIER]:
                    yield Route(Method.SAME_DAY, node, service)
        for place in self.places:
            if tools.is_point(place):
                if Offer.SHIP in here.offers:
                    for service in tools.services_of_kind[ServiceKind.PICKUP_POINT]:
                        if (node, service) in tools.collected:
                            yield Route(Method.PICKUP_POINT, node, service, place=place)
            elif place == node:
                yield Route(Method.CLICK_AND_COLLECT, node, place=place)
            there = tools.network.nodes[place]
            if Offer.TRANSFER_OUT in here.offers and Offer.TRANSFER_IN in there.offers:
                for lane in tools.lanes_between.get((here.node_id, there.node_id), ()):
                    yield Route(Method.SHIP_TO_STORE, node, lane=lane, place=place)

    def node_barred(self, node: int) -> Refusal | None:
        """Why the order may use no route of a node, whatever it is."""
        order = self.order
        here = self.tools.network.nodes[node]
        if not here.offers:
            return Refusal("paused", f"{here.node_id} takes no orders.")
        if order.nodes and here.node_id not in order.nodes:
            return Refusal("node", f"The order is limited to other nodes than {here.node_id}.")
        if here.node_id in order.excluded_nodes:
            return Refusal("node", f"The order excludes node {here.node_id}.")
        if self.rule.node_groups and not any(group in self.rule.node_groups for group in here.groups):
            return Refusal("channel", f"Channel {order.channel} does not use node {here.node_id}.")
        return None

    def _barred(self, route: Route) -> Refusal | None:
        order, rule, network = self.order, self.rule, self.tools.network
        if route.method not in self.methods:
            return Refusal("method", f"Method {route.method} is not allowed.")
        refusal = self.node_barred(route.node)
        if refusal is not None:
            return refusal
        if route.service >= 0:
            service = network.services[route.service].service_id
            if (order.services and service not in order.services) or service in order.excluded_services:
                return Refusal("service", f"The order does not allow service {service}.")
            if rule.services and service not in rule.services:
                return Refusal("channel", f"Channel {order.channel} does not use service {service}.")
        if not self._exists(route):
            return Refusal("no_route", f"There is no such way from node {network.nodes[route.node].node_id}.")
        if route.place < 0 and self.distance_max_m is not None:
            far_m = self._home_m(route.node)
            if far_m > self.distance_max_m:
                return Refusal("too_far", f"{far_m} m are more than {self.distance_max_m} m.")
        return None

    def _exists(self, route: Route) -> bool:
        """Whether the network has the route; like `of_node`, without asking for the places of home routes."""
        tools, network = self.tools, self.tools.network
        here = network.nodes[route.node]
        if route.method == Method.SAME_DAY:
            return self.home is not None and self._is(route, ServiceKind.COURIER) and Offer.SAME_DAY in here.offers
        if route.method not in PLACE_METHODS:
            return (
                self.home is not None
                and self._is(route, ServiceKind.PARCEL)
                and SHIP_METHODS.get(here.kind) == route.method
                and Offer.SHIP in here.offers
                and (route.node, route.service) in tools.collected
            )
        if route.place not in self.places:
            return False
        there = network.nodes[route.place]
        if route.method == Method.CLICK_AND_COLLECT:
            return route.node == route.place and not tools.is_point(route.place) and route.service < 0 > route.lane
        if route.method == Method.SHIP_TO_STORE:
            return route.service < 0 and _linked(here, there) and self._has_lane(route)
        return (
            tools.is_point(route.place)
            and self._is(route, ServiceKind.PICKUP_POINT)
            and Offer.SHIP in here.offers
            and (route.node, route.service) in tools.collected
        )

    def _is(self, route: Route, kind: ServiceKind) -> bool:
        services = self.tools.network.services
        on_place = kind == ServiceKind.PICKUP_POINT
        return (
            route.service >= 0 > route.lane and services[route.service].kind == kind and on_place == (route.place >= 0)
        )

    def _has_lane(self, route: Route) -> bool:
        nodes = self.tools.network.nodes
        key = (nodes[route.node].node_id, nodes[route.place].node_id)
        return route.lane in self.tools.lanes_between.get(key, ())

    def _home_m(self, node: int) -> int:
        found = self._home_distance_m.get(node)
        if found is None:
            assert self.home is not None, "only home routes are measured from home"
            here = self.tools.network.nodes[node]
            found = distance_m(here.lat, here.lon, self.home.lat, self.home.lon)
            self._home_distance_m[node] = found
        return found

    def measured(self, route: Route) -> Way:
        """Where a route that is allowed ends, how far that is, and its zone."""
        tools = self.tools
        if route.place < 0:
            assert self.home is not None, "a home route was allowed without a home"
            target, far_m = self.home, self._home_m(route.node)
        else:
            target = tools.place_target(route.place)
            here, there = tools.network.nodes[route.node], tools.network.nodes[route.place]
            far_m = distance_m(here.lat, here.lon, there.lat, there.lon)
        zone = tools.zones.zone(route.service, route.node, target, far_m) if route.service >= 0 else -1
        return Way(route, target, far_m, zone)


def _linked(here: Node, there: Node) -> bool:
    return Offer.TRANSFER_OUT in here.offers and Offer.TRANSFER_IN in there.offers


@lru_cache(maxsize=1024)
def _methods(
    policy: tuple[Method, ...], order: tuple[Method, ...], rule: tuple[Method, ...], excluded: tuple[Method, ...]
) -> frozenset[Method]:
    """What policy, order and channel all allow; orders are many, and ask for few combinations."""
    allowed = frozenset(policy)
    if order:
        allowed &= frozenset(order)
    if rule:
        allowed &= frozenset(rule)
    return allowed.difference(excluded)


def _all_known(network: Network, order: Order) -> None:
    _known(order.nodes, network.node_index, f"Order ({order.order_id}) allows", "node")
    _known(order.excluded_nodes, network.node_index, f"Order ({order.order_id}) excludes", "node")
    _known(order.services, network.service_index, f"Order ({order.order_id}) allows", "service")
    _known(order.excluded_services, network.service_index, f"Order ({order.order_id}) excludes", "service")


def _known(names: Iterable[str], index: Collection[str], what: str, kind: str) -> None:
    for name in names:
        if name not in index:
            near = next((known for known in index if known.casefold() == name.casefold()), None)
            raise InputError(
                f"{what} an unknown {kind} ({name}).", f"({near}): case counts." if near else f"check the {kind}'s id."
            )

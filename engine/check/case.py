"""A plan beside everything it was made from, and the plain facts that the rules of a check ask for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from engine.costs.parcels import Contents, ParcelPrice, RateCards, contents_of
from engine.costs.terms import shipment_terms
from engine.domain.ids import LineId
from engine.domain.order import Method, Order, OrderLine
from engine.domain.plan import CostTerm, Plan, Promise, Refusal, Shipment, Status
from engine.domain.policy import Policy
from engine.domain.units import DAY_S, epoch_s
from engine.network.calendars import Calendars
from engine.network.live import Live
from engine.network.model import Network, Offer
from engine.network.routes import Route, Target, distance_m, target_of, target_of_place
from engine.network.zones import ZoneFinder
from engine.promise.dates import Dates

Items = tuple[tuple[int, int], ...]  # (sku index, units), one per line of a shipment


class Instruments(Protocol):
    """What a check needs of a network beside its tables; engine.options.tools.Tools is one."""

    @property
    def calendars(self) -> Calendars:
        """Hours."""
        ...

    @property
    def dates(self) -> Dates:
        """Promises."""
        ...

    @property
    def zones(self) -> ZoneFinder:
        """Zones."""
        ...

    @property
    def cards(self) -> RateCards:
        """Prices of parcels."""
        ...


@dataclass(frozen=True, eq=False)
class Case:
    """One plan under check. `order` is merged."""

    network: Network
    live: Live
    policy: Policy
    order: Order
    plan: Plan
    tools: Instruments

    @cached_property
    def lines(self) -> dict[LineId, OrderLine]:
        """Lines of the order by id."""
        return {line.line_id: line for line in self.order.lines}

    @property
    def found(self) -> bool:
        """Whether the plan claims to serve the order."""
        return self.plan.status in (Status.OPTIMAL, Status.FEASIBLE)

    @cached_property
    def deliver_by_s(self) -> int | None:
        """The hard limit on promises after relaxation."""
        if self.order.deliver_by is None:
            return None
        extra_days = 0
        for name in self.plan.relaxed:
            if name.startswith("deliver_by+"):
                extra_days = max(extra_days, int(name[len("deliver_by+") : -1]))
        return epoch_s(self.order.deliver_by) + extra_days * DAY_S

    @cached_property
    def home(self) -> Target | None:
        """Where home deliveries go; None where the customer collects."""
        if self.order.pickup_node is not None or self.order.destination is None:
            return None
        return target_of(self.network, self.order.destination)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Nodes at which the order may be collected: the chosen one, or the nearest."""
        nodes = self.network.nodes
        if self.order.pickup_node is not None:
            chosen = self.network.node_index[self.order.pickup_node]
            return (chosen,) if Offer.PICKUP in nodes[chosen].offers else ()
        near = sorted(
            (self.trip_distance_m(i), i)
            for i, node in enumerate(nodes)
            if Offer.PICKUP in node.offers and self.tools.calendars.opening(i)
        )
        within = [place for far_m, place in near if far_m <= self.policy.trip_distance_m_max]
        return tuple(within[: self.policy.pickup_places_max])

    def trip_distance_m(self, place: int) -> int:
        """How far the customer travels from home to a place."""
        assert self.home is not None, "only customers with a home travel"
        node = self.network.nodes[place]
        return distance_m(self.home.lat, self.home.lon, node.lat, node.lon)

    def items(self, shipment: Shipment) -> Items:
        """What a shipment holds."""
        return tuple((self.network.skus.index[line.sku], line.quantity) for line in shipment.lines)

    def routes(self, shipment: Shipment) -> tuple[Route, ...]:
        """The routes that a shipment may mean: one, or every lane between its node and place."""
        network = self.network
        node = network.node_index[shipment.node]
        service = network.service_index[shipment.service] if shipment.service is not None else -1
        place = network.node_index[shipment.place] if shipment.place is not None else -1
        if shipment.method != Method.SHIP_TO_STORE:
            return (Route(shipment.method, node, service, place=place),)
        return tuple(
            Route(shipment.method, node, service, lane, place)
            for lane in network.lanes_between.get((shipment.node, shipment.place or shipment.node), ())
        )

    def route(self, shipment: Shipment) -> Route | None:
        """The route of a shipment; of several lanes the one that gives its promise, else the first. None: no lane."""
        routes = self.routes(shipment)
        if len(routes) < 2:
            return routes[0] if routes else None
        items = self.items(shipment)
        return next((r for r in routes if self.promise(r, items) == shipment.promise), routes[0])

    def target(self, route: Route) -> Target | None:
        """Where a route ends; None for home deliveries of an order that is collected."""
        return self.home if route.place < 0 else target_of_place(self.network, route.place)

    def distance_m(self, route: Route) -> int | None:
        """How far a shipment goes; None where it ends nowhere."""
        target = self.target(route)
        node = self.network.nodes[route.node]
        return None if target is None else distance_m(node.lat, node.lon, target.lat, target.lon)

    def zone(self, route: Route) -> int:
        """The zone of a route; -1 without one."""
        target, far_m = self.target(route), self.distance_m(route)
        if route.service < 0 or target is None or far_m is None:
            return -1
        return self.tools.zones.zone(route.service, route.node, target, far_m)

    def available(self, node: int, sku: int) -> int:
        """Units a node can promise now to the order's channel."""
        safety = "safety_stock" not in self.plan.relaxed
        return self.live.free(node, sku, self.order.channel, safety=safety)

    def inbound(self, node: int, sku: int) -> tuple[tuple[int, int], ...]:
        """Lots due that the policy lets us promise, by time."""
        return self.live.inbound(node, sku) if self.policy.use_inbound else ()

    def release_s(self, node: int, items: Items) -> int:
        """When work may start: at placing, or when the last inbound unit that is needed is there."""
        moment_s = epoch_s(self.order.placed_at)
        for sku, quantity in items:
            short = quantity - self.available(node, sku)
            for available_s, units in self.inbound(node, sku):
                if short <= 0:
                    break
                moment_s = max(moment_s, available_s)
                short -= units
        return moment_s

    def promise(self, route: Route, items: Items) -> Promise | Refusal:
        """The promise of a shipment, computed afresh."""
        target = self.target(route)
        if target is None:
            return Refusal("no_route", "The order is collected, not delivered.")
        zone = self.zone(route)
        if route.service >= 0 and zone < 0:
            return Refusal("no_zone", "The service has no zone for this way.")
        return self.tools.dates.promise(
            route,
            target,
            zone,
            release_s=self.release_s(route.node, items),
            num_lines=len(items),
            num_units=sum(quantity for _, quantity in items),
            rejections_ppm=tuple(self._rejection_ppm(route.node, sku) for sku, _ in items),
            confidence_permille=self.policy.promise_confidence_permille,
            live=self.live,
        )

    def _rejection_ppm(self, node: int, sku: int) -> int:
        row, name = self.network.nodes[node], self.network.skus.sku_class(sku)
        return dict(row.rejection_by_class).get(name, row.rejection_ppm)

    def contents(self, items: Items) -> Contents:
        """What the parcels of a shipment hold."""
        return contents_of(self.network.skus, items)

    def price(self, route: Route, items: Items, promise: Promise) -> ParcelPrice | Refusal | None:
        """What the carrier charges; None where there is no carrier."""
        target = self.target(route)
        if route.service < 0 or target is None:
            return None
        day = self.tools.dates.ship_day(route, promise)
        return self.tools.cards.price(
            route.service, self.zone(route), day, self.contents(items), target, self.order.signature
        )

    def terms(self, route: Route, items: Items, promise: Promise, price: ParcelPrice | None) -> tuple[CostTerm, ...]:
        """The cost terms of a shipment, computed afresh."""
        requested = self.order.requested_by
        pick_day, _ = self.tools.dates.pick_cell(route.node, promise.pick_start)
        return shipment_terms(
            self.network,
            self.live,
            self.policy,
            route,
            items=items,
            distance_m=self.distance_m(route) or 0,
            price=price,
            deliver_s=epoch_s(promise.deliver_by),
            placed_s=epoch_s(self.order.placed_at),
            requested_s=epoch_s(requested) if requested is not None else None,
            pick_day=pick_day,
        )

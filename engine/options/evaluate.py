"""
Everything about one shipment of an order: whether it may be, its promise, its cost. Facts, no choice yet.

Plain Python over `Dates`, `ZoneFinder` and `RateCards`, following engine/MODEL.md. It builds the shipments of every
plan, and so recounts what the kernels found; it looks at one route at a time and never at all nodes, unless `routes`
or `why_not` is asked for.
"""

from collections.abc import Sequence
from functools import cached_property

from engine.costs.parcels import Contents, ParcelPrice
from engine.costs.terms import co2e_g, order_terms, shipment_terms, trip_co2e_g
from engine.domain.ids import NodeId
from engine.domain.plan import Plan, Promise, Refusal, Shipment, ShipmentLine, Status, Unmet
from engine.domain.units import epoch_s
from engine.network.routes import Route
from engine.options.request import Items, Request
from engine.options.tools import Tools as Tools  # both are one import for whoever decides
from engine.options.ways import Way

# How far a shipment got before a refusal, by code; those that are not named are of the promise, and come in between.
_STAGES = (
    ("no_route",),
    ("method", "paused", "node", "service", "channel"),
    ("too_far",),
    ("pinned", "ships_alone", "node_group", "sku_service"),
    ("no_stock",),
)
_LATE_STAGES = (("too_late",), ("hazardous", "oversize", "too_heavy", "too_large", "too_many_parcels", "no_price"))
_STAGE = {code: i for i, codes in enumerate(_STAGES) for code in codes} | {
    code: len(_STAGES) + 1 + i for i, codes in enumerate(_LATE_STAGES) for code in codes
}


class Evaluator(Request):
    """One order on one network, its stock and policy, with some rules relaxed; see `Request` for the parameters."""

    def contents(self, items: Items) -> Contents:
        """What the parcels of a shipment of these items hold."""
        weight_g = volume_cm3 = longest_mm = second_mm = third_mm = girth_mm = unit_g = unit_cm3 = 0
        hazardous = oversize = False
        for line, quantity in items:
            sku = self.skus[line]
            longest, second, third = sku.longest_mm, sku.second_mm, sku.third_mm
            weight_g += sku.weight_g * quantity
            volume_cm3 += sku.volume_cm3 * quantity
            unit_g = max(unit_g, sku.weight_g)
            unit_cm3 = max(unit_cm3, sku.volume_cm3)
            longest_mm = max(longest_mm, longest)
            second_mm = max(second_mm, second)
            third_mm = max(third_mm, third)
            girth_mm = max(girth_mm, longest + 2 * (second + third))
            hazardous = hazardous or sku.hazardous
            oversize = oversize or sku.oversize
        return Contents(
            weight_g, volume_cm3, longest_mm, second_mm, third_mm, girth_mm, hazardous, oversize, unit_g, unit_cm3
        )

    def misfit(self, route: Route, items: Items) -> Refusal | None:
        """The first rule about pins, company and restrictions that keeps these items off an allowed route."""
        node = self.network.nodes[route.node]
        for line, _ in items:
            sku, pin = self.skus[line], self.pins[line]
            if pin >= 0 and pin != route.node:
                return Refusal("pinned", f"Line {self.order.lines[line].line_id} is pinned to another node.")
            if sku.ships_alone and len(items) > 1:
                return Refusal("ships_alone", f"{sku.sku} ships alone.")
            if sku.node_groups and not any(group in node.groups for group in sku.node_groups):
                return Refusal("node_group", f"{sku.sku} is restricted to other nodes than {node.node_id}.")
            if route.service >= 0 and sku.services:
                service = self.network.services[route.service].service_id
                if service not in sku.services:
                    return Refusal("sku_service", f"{sku.sku} is restricted to other services than {service}.")
        return None

    def promise(self, way: Way, items: Items, release_s: int) -> Promise | Refusal:
        """When a shipment arrives that may start at `release_s`."""
        node = self.network.nodes[way.route.node]
        return self.tools.dates.promise(
            way.route,
            way.target,
            way.zone,
            release_s=release_s,
            num_lines=len(items),
            num_units=sum(quantity for _, quantity in items),
            rejections_ppm=tuple([node.rejection_of(self.skus[line].sku_class) for line, _ in items]),
            confidence_permille=self.policy.promise_confidence_permille,
            live=self.live,
        )

    def price(self, way: Way, contents: Contents, ship_day: int) -> ParcelPrice | Refusal:
        """What the carrier charges on a local day of the node."""
        return self.tools.cards.price(way.route.service, way.zone, ship_day, contents, way.target, self.order.signature)

    def shipment(self, route: Route, items: Items) -> Shipment | Refusal:
        """
        The complete shipment of some items over a route, or the first rule that it breaks.

        Parameters
        ----------
        route
            Any route of the network, allowed or not.
        items
            (index of the line, units), ascending by line, each line once.
        """
        way = self.ways.way(route)
        if isinstance(way, Refusal):
            return way
        refusal = self.misfit(route, items)
        if refusal is not None:
            return refusal
        release_s = self.release_s(route.node, items)
        if isinstance(release_s, Refusal):
            return release_s
        promise = self.promise(way, items, release_s)
        if isinstance(promise, Refusal):
            return promise
        deliver_s = epoch_s(promise.deliver_by)
        if self.deliver_by_s is not None and deliver_s > self.deliver_by_s:
            return Refusal("too_late", f"It would be there by {promise.deliver_by:%Y-%m-%d %H:%M} UTC.")
        contents = self.contents(items)
        price = None
        if route.service >= 0:
            found = self.price(way, contents, self.tools.dates.ship_day(route, promise))
            if isinstance(found, Refusal):
                return found
            price = found
        return self._built(way, items, contents, promise, price)

    def _built(
        self, way: Way, items: Items, contents: Contents, promise: Promise, price: ParcelPrice | None
    ) -> Shipment:
        route, network, lines = way.route, self.network, self.order.lines
        pick_day, _ = self.tools.dates.pick_cell(route.node, promise.pick_start)
        terms = shipment_terms(
            network,
            self.live,
            self.policy,
            route,
            items=tuple((self.sku_index[line], quantity) for line, quantity in items),
            distance_m=way.distance_m,
            price=price,
            deliver_s=epoch_s(promise.deliver_by),
            placed_s=self.placed_s,
            requested_s=self.requested_s,
            pick_day=pick_day,
        )
        num_parcels = price.num_parcels if price is not None else 0
        return Shipment(
            method=route.method,
            node=network.nodes[route.node].node_id,
            service=network.services[route.service].service_id if route.service >= 0 else None,
            place=network.nodes[route.place].node_id if route.place >= 0 else None,
            lines=tuple(
                ShipmentLine(line_id=lines[line].line_id, sku=lines[line].sku, quantity=quantity)
                for line, quantity in items
            ),
            num_parcels=num_parcels,
            weight_g=contents.weight_g,
            distance_m=way.distance_m,
            co2e_g=co2e_g(
                network, route, weight_g=contents.weight_g, num_parcels=num_parcels, distance_m=way.distance_m
            ),
            promise=promise,
            terms=terms,
        )

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Allowed routes, to home and to the candidate places, of nodes with at least one unit of any line."""
        holders = sorted({node for line in range(len(self.skus)) for node in self.holders(line)})
        return tuple(
            route
            for node in holders
            if self.ways.node_barred(node) is None
            for route in self.ways.of_node(node)
            if isinstance(self.ways.way(route), Way)
        )

    def why_not(self, line: int) -> tuple[tuple[NodeId, str], ...]:
        """For every node that could not serve a line whole and alone: the code of the reason. See `refusals`."""
        return tuple((node, refusal.code) for node, refusal in self.refusals(line))

    def refusals(self, line: int) -> tuple[tuple[NodeId, Refusal], ...]:
        """
        For every node that could not serve a line whole and alone: why, by code and in words.

        Of a node's routes the one that got furthest is the reason. Nodes without a unit of it are told apart by code
        "no_stock". Looks at all nodes.
        """
        quantity = self.order.lines[line].quantity
        out: list[tuple[NodeId, Refusal]] = []
        holders = set(self.holders(line))
        for node, row in enumerate(self.network.nodes):
            if node not in holders:
                out.append((row.node_id, Refusal("no_stock", f"{row.node_id} has none of {self.skus[line].sku}.")))
                continue
            reason = self.ways.node_barred(node) or self._best_refusal(node, ((line, quantity),))
            if reason is not None:
                out.append((row.node_id, reason))
        return tuple(out)

    def _best_refusal(self, node: int, items: Items) -> Refusal | None:
        """None if some route of the node can serve the items, else the refusal of the route that got furthest."""
        best = Refusal("no_route", f"No way leads from {self.network.nodes[node].node_id} to the customer.")
        furthest = -1
        for route in self.ways.of_node(node):
            found = self.shipment(route, items)
            if isinstance(found, Shipment):
                return None
            stage = _STAGE.get(found.code, len(_STAGES))
            if stage > furthest:
                best, furthest = found, stage
        return best

    def plan(
        self,
        shipments: Sequence[Shipment],
        unserved: Sequence[int],
        status: Status,
        bound_cents: int,
        *,
        limit: str = "",
        method: str = "",
        explain: bool = False,
    ) -> Plan:
        """
        Put shipments together and add the terms of the order.

        Parameters
        ----------
        shipments
            As `shipment` gives them.
        unserved
            Indices of the lines that are left out. They are priced where the order is partial and a plan was found.
        status, bound_cents, limit, method
            What the solver proved, and how.
        explain
            Give the reasons of unserved lines; looks at all nodes.
        """
        found = status in (Status.OPTIMAL, Status.FEASIBLE)
        place = next((s.place for s in shipments if s.place is not None), None)
        trip_m = self.ways.trip_distance_m(self.network.node_index[place]) if place is not None else None
        lines = self.order.lines
        terms = order_terms(
            self.network,
            self.policy,
            num_shipments=len(shipments),
            trip_distance_m=trip_m,
            unserved=[(self.sku_index[i], lines[i].quantity) for i in unserved] if found else [],
        )
        return Plan(
            order_id=self.order.order_id,
            status=status,
            shipments=tuple(sorted(shipments, key=self._rank)),
            unmet=tuple(
                Unmet(
                    line_id=lines[i].line_id,
                    sku=lines[i].sku,
                    quantity=lines[i].quantity,
                    reasons=self.why_not(i) if explain else (),
                )
                for i in sorted(unserved)
            ),
            terms=terms,
            bound_cents=bound_cents,
            trip_co2e_g=trip_co2e_g(self.policy, trip_m) if trip_m is not None else 0,
            relaxed=self.relaxed,
            limit=limit,
            method=method,
        )

    def _rank(self, shipment: Shipment) -> tuple[int, int, tuple[str, ...]]:
        service = self.network.service_index[shipment.service] if shipment.service is not None else -1
        return self.network.node_index[shipment.node], service, tuple(line.line_id for line in shipment.lines)

"""
What the MIP needs to know of an order: items, the nodes that hold them, cost rates, and tangents of every slot.

A slot is (route, items that may travel on it together); skus that ship alone have slots of their own. The tangents are
made without dates: of all tariffs within the horizon the cheapest counts, nothing is late.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.costs.terms import shipment_terms
from engine.domain.plan import Refusal
from engine.domain.units import day_number, epoch_s, rounded, weighted_cents
from engine.network.routes import Route
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_instance import Instance, Item, Share, Stage
from engine.optimise.mip_tariff import Sides, Tariffs, fits, sides_due, triggers
from engine.options.evaluate import Evaluator
from engine.options.ways import Way

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
PPM = 1_000_000
_LATE = frozenset({"lateness", "waiting"})


class Facts:
    """
    The facts of one order.

    Attributes: ``items``; ``ways`` (of the allowed routes); ``slot_way``, ``slot_alone`` (S,) index of the way, and of
    the item that is alone in it (-1 none); ``may`` (S, I) which items a slot may carry; ``units`` (nodes, I) units
    that a node could give of an item. Making them takes time; raises OutOfTimeError where ``clock`` runs out.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        split_lines: frozenset[int],
        tariffs: Tariffs | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock(None)
        self.evaluator = evaluator
        self.items = _items(evaluator, split_lines)
        self.item_of = {line: i for i, item in enumerate(self.items) for line in item.lines}
        self.tariffs = tariffs or Tariffs(evaluator.network, evaluator.tools.cards)
        self._first_day = day_number(evaluator.order.placed_at.date()) - 1
        self._triggers: dict[tuple[int, int], frozenset[tuple[str, int]]] = {}
        self._sales: dict[tuple[int, int], bool] = {}
        self._stock()
        by_service = self._holdings()
        ways = [evaluator.ways.way(route) for route in self._routes()]
        self.clock.check()
        self.ways = [way for way in ways if isinstance(way, Way) and self._sold(way)]
        self.dates_cents = self._dated()
        self._slots(by_service)

    def _routes(self) -> Iterator[Route]:
        """Routes of the nodes that could serve an item; `Evaluator.routes` asks for less of a node."""
        for k in np.flatnonzero(self.units.any(axis=1)).tolist():
            self.clock.check()
            if self.evaluator.ways.node_barred(k) is None:
                yield from self.evaluator.ways.of_node(k)

    def _sold(self, way: Way) -> bool:
        if way.route.service < 0:
            return True
        key = (way.route.service, way.zone)
        if key not in self._sales:
            confidence = self.evaluator.policy.promise_confidence_permille
            dates = self.evaluator.tools.dates
            self._sales[key] = way.zone >= 0 and dates.transit_units(*key, confidence) is not None
        return self._sales[key]

    def _dated(self) -> Floats:
        """
        (ways,) what the date of the smallest shipment costs, the least of its way; ways that are late already go.

        Only where the order has a date, or waiting a price. More lines and units are never earlier.
        """
        evaluator, policy = self.evaluator, self.evaluator.policy
        if evaluator.requested_s is None and evaluator.deliver_by_s is None and not policy.waiting_day_cents:
            return np.zeros(len(self.ways))
        release_s = evaluator.placed_s  # due units may come later, never earlier
        kept: list[Way] = []
        cents: list[int] = []
        known: dict[int, int] = {}
        for at, way in enumerate(self.ways):
            if at % 64 == 0:
                self.clock.check()
            promise = evaluator.promise(way, ((0, 1),), release_s)
            if isinstance(promise, Refusal):
                continue
            deliver_s = epoch_s(promise.deliver_by)
            if evaluator.deliver_by_s is not None and deliver_s > evaluator.deliver_by_s:
                continue
            if deliver_s not in known:
                known[deliver_s] = self.date_cents(way, deliver_s, evaluator.live.first_day, _LATE)
            kept.append(way)
            cents.append(known[deliver_s])
        self.ways = kept
        return np.array(cents, dtype=np.float64)

    def date_cents(self, way: Way, deliver_s: int, pick_day: int, rules: frozenset[str]) -> int:
        """Sum the terms by these rules of a shipment without lines: what its dates cost."""
        evaluator = self.evaluator
        terms = shipment_terms(
            evaluator.network,
            evaluator.live,
            evaluator.policy,
            way.route,
            items=(),
            distance_m=way.distance_m,
            price=None,
            deliver_s=deliver_s,
            placed_s=evaluator.placed_s,
            requested_s=evaluator.requested_s,
            pick_day=pick_day,
        )
        return sum(t.amount_cents for t in terms if t.rule in rules)

    def _stock(self) -> None:
        """Units, bid prices and days of cover by (node, line)."""
        evaluator, live = self.evaluator, self.evaluator.live
        num_nodes, num_lines = len(evaluator.network.nodes), len(evaluator.skus)
        shape = (num_nodes, num_lines)
        self.bid, self.cover = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for line, sku in enumerate(evaluator.sku_index):
            rows = slice(int(live.row_start[sku]), int(live.row_start[sku + 1]))
            self.bid[live.row_node[rows], line] = live.row_price_cents[rows]
            self.cover[live.row_node[rows], line] = live.row_cover_days[rows]
        self.available = free_units(evaluator)

    def _holdings(self) -> Flags:
        """Set units by (node, item); returns which items a service may carry, last the routes without a service."""
        evaluator, network = self.evaluator, self.evaluator.network
        num_nodes, num_items = len(network.nodes), len(self.items)
        self.units = np.zeros((num_nodes, num_items), np.int64)
        by_service = np.ones((len(network.services) + 1, num_items), dtype=np.bool_)
        alone = np.zeros(num_items, dtype=np.bool_)
        for i, item in enumerate(self.items):
            lines = list(item.lines)
            if item.divisible:
                self.units[:, i] = np.minimum(self.available[:, lines[0]], item.quantity)
            else:
                needed = np.array([evaluator.order.lines[line].quantity for line in lines])
                self.units[:, i] = np.all(self.available[:, lines] >= needed, axis=1) * item.quantity
            skus = [evaluator.skus[line] for line in lines]
            alone[i] = any(sku.ships_alone for sku in skus)
            if alone[i] and len(lines) > 1:
                self.units[:, i] = 0  # kept together, but one of them ships alone
            self._restrict(i, by_service)
        self.alone = alone
        return by_service

    def _slots(self, by_service: Flags) -> None:
        num_items, alone = len(self.items), self.alone
        node = np.array([way.route.node for way in self.ways], dtype=np.int64)
        service = np.array([way.route.service for way in self.ways], dtype=np.int64)
        self.by_service = by_service
        may = (self.units[node] > 0) & by_service[service] if len(node) else np.zeros((0, num_items), np.bool_)
        parts = [(np.arange(len(node)), np.full(len(node), -1), may & ~alone)]
        for i in np.flatnonzero(alone):
            only = np.zeros_like(may)
            only[:, i] = may[:, i]
            parts.append((np.arange(len(node)), np.full(len(node), i), only))
        self.slot_way = np.concatenate([part[0] for part in parts])
        self.slot_alone = np.concatenate([part[1] for part in parts])
        self.may = np.concatenate([part[2] for part in parts])
        used = self.may.any(axis=1)
        self.slot_way, self.slot_alone, self.may = self.slot_way[used], self.slot_alone[used], self.may[used]

    def _restrict(self, i: int, by_service: Flags) -> None:
        """Take out nodes and services that pins, restrictions and limits bar for an item."""
        evaluator, network = self.evaluator, self.evaluator.network
        for line in self.items[i].lines:
            sku, pin = evaluator.skus[line], evaluator.pins[line]
            if pin >= 0:
                self.units[np.arange(len(network.nodes)) != pin, i] = 0
            if sku.node_groups:
                for k in np.flatnonzero(self.units[:, i]):
                    if not any(group in network.nodes[k].groups for group in sku.node_groups):
                        self.units[k, i] = 0
            for s, service in enumerate(network.services):
                if (sku.services and service.service_id not in sku.services) or not fits(service, sku):
                    by_service[s, i] = False

    def share(self, node: int, i: int) -> Share:
        """An item at a node: how much of it, and what it costs beyond the stages."""
        evaluator, item = self.evaluator, self.items[i]
        policy, row = evaluator.policy, evaluator.network.nodes[node]
        fixed = sum([self.rejection_cents(node, line) for line in item.lines])
        terms: list[tuple[int, int]] = []
        for line in item.lines:
            quantity = evaluator.order.lines[line].quantity
            ppm = min(PPM, row.markdown_ppm_per_day * int(self.cover[node, line]))
            loss = -rounded(evaluator.skus[line].value_cents * ppm, PPM)
            for rule, raw in (("opportunity", int(self.bid[node, line])), ("markdown", loss)):
                weight = policy.weight(rule)
                if item.divisible:
                    terms += [(raw, weight)] if raw and weight else []
                else:
                    fixed += weighted_cents(raw * quantity, weight)
        return Share(i, int(self.units[node, i]), fixed, tuple(terms))

    def rejection_cents(self, node: int, line: int) -> int:
        """What a line's expected failed pick at a node costs, weighted."""
        policy = self.evaluator.policy
        ppm = self.evaluator.network.nodes[node].rejection_of(self.evaluator.skus[line].sku_class)
        return weighted_cents(rounded(ppm * policy.resourcing_cents, PPM), policy.weight("rejection"))

    def stages(self, way: Way) -> tuple[Stage, ...]:
        """The rounded functions of a route: picking, transfer, carbon."""
        evaluator, route = self.evaluator, way.route
        policy, node = evaluator.policy, evaluator.network.nodes[route.node]
        weight, labour = policy.weight("picking"), node.labour_cents_per_hour
        work = Stage(denominator=3600, used=labour * node.handling_order_s, per_line=labour * node.handling_line_s)
        out = [
            Stage(
                denominator=1000,
                used=weight * node.cost_order_cents,
                per_line=weight * node.cost_line_cents,
                per_unit=weight * node.cost_unit_cents,
                inner=work,
                factor=weight,
            )
        ]
        per_tkm = per_parcel = 0
        if route.lane >= 0:
            lane, weight = evaluator.network.lanes[route.lane], policy.weight("transfer")
            per_tkm = lane.co2e_g_per_tonne_km
            out.append(
                Stage(denominator=1000, used=weight * lane.cost_order_cents, per_unit=weight * lane.cost_unit_cents)
            )
        elif route.service >= 0:
            service = evaluator.network.services[route.service]
            per_tkm, per_parcel = service.co2e_g_per_tonne_km, service.co2e_g_per_parcel
        price, weight = policy.carbon_cents_per_tonne, policy.weight("carbon")
        if price and weight and (per_tkm or per_parcel):
            grams = Stage(denominator=10**9, per_gram=way.distance_m * per_tkm)
            raw = Stage(denominator=PPM, per_parcel=per_parcel * price, inner=grams, factor=price)
            out.append(Stage(denominator=1000, inner=raw, factor=weight))
        return tuple(out)

    def parcels_cents(self, way: Way, parcels: int, carrier_cents: int) -> int:
        """Carrier and packaging, weighted."""
        policy, node = self.evaluator.policy, self.evaluator.network.nodes[way.route.node]
        packaging = weighted_cents(node.packaging_cents * parcels, policy.weight("packaging"))
        return weighted_cents(carrier_cents, policy.weight("carrier")) + packaging

    def masks(self, service: int, items: frozenset[int]) -> list[tuple[frozenset[int], Sides]]:
        """
        Sets of items that make the same surcharges due, each with sides that do.

        Every shipment's triggers are the union of its items'; for every such union: the items that stay within it.
        """
        own = {i: self._triggers_of(service, i) for i in sorted(items)}
        unions: list[frozenset[tuple[str, int]]] = []
        for mask in own.values():
            unions += [u for u in dict.fromkeys([mask, *(mask | known for known in unions)]) if u not in unions]
        return [(frozenset(i for i, mask in own.items() if mask <= union), sides_due(union)) for union in unions]

    def _triggers_of(self, service: int, i: int) -> frozenset[tuple[str, int]]:
        key = (service, i)
        if key not in self._triggers:
            evaluator = self.evaluator
            own = [triggers(evaluator.network, service, evaluator.skus[line]) for line in self.items[i].lines]
            self._triggers[key] = frozenset().union(*own)
        return self._triggers[key]

    def instance(self) -> Instance:
        """The order without any slot."""
        evaluator = self.evaluator
        return Instance(
            items=self.items,
            slots=(),
            split_cents=order_cents(evaluator, 2, None, ()) - order_cents(evaluator, 1, None, ()),
            max_shipments=min(evaluator.shipments_max, sum(max(1, i.quantity) for i in self.items)),
            max_per_line=evaluator.shipments_per_line_max,
            min_value_cents=evaluator.min_parcel_value_cents,
            trip_cents={place: self._trip(place) for place in evaluator.ways.places},
            stock={
                (int(node), i): int(self.units[node, i])
                for i, item in enumerate(self.items)
                if item.divisible
                for node in np.flatnonzero(self.units[:, i])
            },
        )

    def _trip(self, place: int) -> int:
        evaluator = self.evaluator
        far = evaluator.ways.trip_distance_m(place)
        return order_cents(evaluator, 1, far, ())

    def eras(self, service: int) -> tuple[int, ...]:
        """One ship day of every stretch of days within which the tariff of a service does not change."""
        network, row = self.evaluator.network, self.evaluator.network.services[service]
        last = self._first_day + self.evaluator.live.num_days + 1
        cuts = {self._first_day}
        dates = [(r.valid_from, r.valid_to) for r in network.rates if r.service_id == row.service_id]
        dates += [(e.valid_from, e.valid_to) for e in network.surcharges if e.carrier_id == row.carrier_id]
        for first, final in dict.fromkeys(dates):
            cuts |= {day_number(first), day_number(final) + 1}
        return tuple(sorted(day for day in cuts if self._first_day <= day <= last))


def free_units(evaluator: Evaluator) -> Ints:
    """(nodes, lines) units that the order may take, units due included where the policy lets it."""
    live = evaluator.live
    out = np.zeros((len(evaluator.network.nodes), len(evaluator.skus)), np.int64)
    for line, sku in enumerate(evaluator.sku_index):
        if evaluator.policy.use_inbound:
            for node in evaluator.holders(line):
                out[node, line] = evaluator.available(node, line)
            continue
        rows = slice(int(live.row_start[sku]), int(live.row_start[sku + 1]))
        free = live.free_in(rows, evaluator.order.channel, safety="safety_stock" not in evaluator.relaxed)
        out[live.row_node[rows], line] = np.maximum(0, free)
    return out


def order_cents(evaluator: Evaluator, num_shipments: int, trip_m: int | None, unserved: tuple[int, ...]) -> int:
    """The order's own terms together."""
    from engine.costs.terms import order_terms

    lines = [(evaluator.sku_index[line], evaluator.order.lines[line].quantity) for line in unserved]
    terms = order_terms(
        evaluator.network,
        evaluator.policy,
        num_shipments=num_shipments,
        trip_distance_m=trip_m,
        unserved=lines,
    )
    return sum(term.amount_cents for term in terms)


def _items(evaluator: Evaluator, split_lines: frozenset[int]) -> tuple[Item, ...]:
    """Groups that are kept together, then what is alone, in the order of their first line."""
    order = evaluator.order
    at = {line.line_id: i for i, line in enumerate(order.lines)}
    groups = [tuple(sorted(at[line_id] for line_id in group)) for group in order.keep_together]
    grouped = {line for group in groups for line in group}
    groups += [(line,) for line in range(len(order.lines)) if line not in grouped]
    out = []
    for group in sorted(groups):
        skus = [evaluator.skus[line] for line in group]
        quantities = [order.lines[line].quantity for line in group]
        out.append(
            Item(
                lines=group,
                quantity=sum(quantities),
                weight_g=sum(s.weight_g * q for s, q in zip(skus, quantities, strict=True)),
                volume_cm3=sum(s.volume_cm3 * q for s, q in zip(skus, quantities, strict=True)),
                value_cents=sum(s.value_cents * q for s, q in zip(skus, quantities, strict=True)),
                divisible=len(group) == 1 and group[0] in split_lines,
                unserved_cents=order_cents(evaluator, 1, None, group) if order.partial else None,
            )
        )
    return tuple(out)

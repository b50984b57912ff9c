"""
A rule in the place of the engine: the same network, stock, clock, dates and money, another choice of nodes.

A rule names nodes and units. The rest is done for it as well as can be: of each node the cheapest service that takes
the items (all of them offer rate shopping), dates with real cut-offs, backlog and capacity, every cost term. Wishes
that a rule does not look at do not make it fail: what is late is late. Units that it takes where none are left stay
unserved, at the policy's price.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.costs.terms import order_terms
from engine.decide.engine import Engine
from engine.domain.order import Order
from engine.domain.plan import Decision, Plan, Refusal, Shipment, Status, Unmet
from engine.domain.units import day_number
from engine.network.model import Offer, ServiceKind
from engine.network.routes import distance_m
from engine.options.evaluate import Evaluator
from engine.options.request import Items
from engine.options.ways import SHIP_METHODS
from scenarios.baselines.rules import Rule
from scenarios.baselines.view import I64, UNKNOWN, Flags, Take, View

_RELAXED = ("deliver_by+400d", "max_distance", "max_shipments", "min_parcel_value")


class Baseline:
    """
    Decides orders by a rule; ``name`` is the rule's.

    Parameters
    ----------
    engine
        Whose network, policy and stock it uses; `commit` holds there what a decision takes.
    rule
        Which nodes serve which units.
    """

    def __init__(self, engine: Engine, rule: Rule) -> None:
        self.engine = engine
        self.rule = rule
        self.name = rule.name + ("-corrected" if rule.corrected and rule.traps else "")
        nodes, tools = engine.network.nodes, engine.tools
        parcels = tools.services_of_kind[ServiceKind.PARCEL]
        self._ships = np.array(
            [
                Offer.SHIP in node.offers
                and node.kind in SHIP_METHODS
                and any((k, service) in tools.collected for service in parcels)
                for k, node in enumerate(nodes)
            ]
        )
        self._priority = np.array([node.priority for node in nodes], dtype=np.int64)
        limits = [node.capacity_day_orders for node in nodes]
        self._orders_max = np.array([UNKNOWN if m is None else m for m in limits], dtype=np.int64)
        self._regions = np.array([f"{node.country} {node.region}" for node in nodes])

    def decide(self, order: Order) -> Decision:
        """The plan of a rule, with dates and cost."""
        engine, start = self.engine, self.engine.timer()
        merged = order.merged()
        request = Evaluator(engine.network, engine.live, engine.policy, merged, engine.tools, relaxed=_RELAXED)
        plan = self._plan(request, self.rule.takes(self.view(request, order)))
        return Decision(
            plan=plan,
            decided_at=order.placed_at,
            policy_id=self.name,
            policy_version=1,
            network_version=engine.network.version,
            elapsed_us=(engine.timer() - start) // 1000,
        )

    def commit(self, decision: Decision) -> None:
        """Hold what the decision takes."""
        self.engine.commit(decision)

    def view(self, request: Evaluator, order: Order) -> View:
        """What the rule sees of an order."""
        free, physical = self._stock(request)
        usable, distance = self._reach(request)
        line_of = {line.sku: i for i, line in enumerate(request.order.lines)}
        target = request.ways.home
        day = day_number(order.placed_at.date()) - request.live.first_day
        return View(
            asked=tuple((line_of[line.sku], line.quantity) for line in order.lines),
            need=np.array([line.quantity for line in request.order.lines], dtype=np.int64),
            free=free,
            physical=physical,
            usable=usable,
            distance_m=distance,
            priority=self._priority,
            same_market=self._regions == (f"{target.country} {target.region}" if target is not None else ""),
            orders_today=request.live.day_orders[:, day].astype(np.int64),
            orders_max=self._orders_max,
        )

    def _stock(self, request: Evaluator) -> tuple[I64, I64]:
        live, nodes = request.live, request.network.nodes
        shape = (len(nodes), len(request.skus))
        free, physical = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        channel = live.channel(request.order.channel)
        for line, (index, sku, pin) in enumerate(zip(request.sku_index, request.skus, request.pins, strict=True)):
            rows = slice(int(live.row_start[index]), int(live.row_start[index + 1]))
            at = live.row_node[rows]
            held = live.row_reserved[rows] + live.row_protected[channel, rows] + live.row_safety[channel, rows]
            physical[at, line] = live.row_on_hand[rows]
            free[at, line] = np.maximum(0, live.row_on_hand[rows] - held)
            if sku.node_groups or pin >= 0:
                groups = set(sku.node_groups)
                barred = np.array([bool(groups) and not groups & set(node.groups) for node in nodes])
                barred |= (np.arange(len(nodes)) != pin) & (pin >= 0)
                free[barred, line] = physical[barred, line] = 0
        return free, physical

    def _reach(self, request: Evaluator) -> tuple[Flags, I64]:
        """Which nodes may serve the order, and how far they are from where it goes."""
        order, network, ways = request.order, request.network, request.ways
        if ways.home is not None:
            rows = self.engine.rows
            slot = rows.slot(ways.home)  # may make new arrays, so it comes first
            distance = rows.distance_m[slot].astype(np.int64)
            usable = self._ships.copy()
        else:
            assert order.pickup_node is not None, "an order goes home or to a place"
            place = network.node_index[order.pickup_node]
            there = network.nodes[place]
            distance = np.full(len(network.nodes), UNKNOWN, dtype=np.int64)
            usable = np.zeros(len(network.nodes), dtype=np.bool_)
            lanes = (network.node_index[lane.origin] for lane in network.lanes if lane.target == there.node_id)
            for k in {place, *lanes}:
                here = network.nodes[k]
                usable[k], distance[k] = True, distance_m(here.lat, here.lon, there.lat, there.lon)
        if order.nodes or order.excluded_nodes or ways.rule.node_groups:
            usable &= np.array([ways.node_barred(k) is None for k in range(len(network.nodes))])
        return usable, distance

    def _plan(self, request: Evaluator, takes: Sequence[Take]) -> Plan:
        lines = request.order.lines
        index = {line.line_id: i for i, line in enumerate(lines)}
        missing = {i: line.quantity for i, line in enumerate(lines)}
        shipments: list[Shipment] = []
        for node, units in takes:
            items = tuple(
                (line, min(wanted, request.available(node, line), missing[line]))
                for line, wanted in sorted(units.items())
            )
            for shipment in self._sent(request, node, tuple((line, many) for line, many in items if many > 0)):
                shipments.append(shipment)
                for part in shipment.lines:
                    missing[index[part.line_id]] -= part.quantity
        left = {line: units for line, units in missing.items() if units}
        plan = request.plan(shipments, (), Status.FEASIBLE, 0, limit="rule", method=self.name)
        unserved = order_terms(
            request.network,
            request.policy,
            num_shipments=1,
            trip_distance_m=None,
            unserved=[(request.sku_index[line], units) for line, units in left.items()],
        )
        unmet = tuple(Unmet(line_id=lines[i].line_id, sku=lines[i].sku, quantity=many) for i, many in left.items())
        return replace(plan, unmet=unmet, terms=plan.terms + unserved, relaxed=())

    def _sent(self, request: Evaluator, node: int, items: Items) -> list[Shipment]:
        """The items in a node's cheapest shipment; in several, line after line, where they are too much for one."""
        out: list[Shipment] = []
        packed: Items = ()
        last: Shipment | None = None
        whole = self._cheapest(request, node, items) if items else None
        if whole is not None:
            return [whole]
        for item in items:
            more = self._cheapest(request, node, (*packed, item))
            if more is None and last is not None:
                out.append(last)
                packed, more = (), self._cheapest(request, node, (item,))
            packed, last = ((*packed, item), more) if more is not None else ((), None)
        return [*out, last] if last is not None else out

    def _cheapest(self, request: Evaluator, node: int, items: Items) -> Shipment | None:
        """The cheapest shipment of some items from a node; to no place but the one the customer chose."""
        best: Shipment | None = None
        for route in request.ways.of_node(node):
            if request.ways.home is not None and route.place >= 0:
                continue
            found = request.shipment(route, items)
            if not isinstance(found, Refusal) and (best is None or found.cost_cents < best.cost_cents):
                best = found
        return best

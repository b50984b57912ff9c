"""
A rule in the place of the engine: the same network, stock, clock, dates and money, another choice of nodes.

A rule names nodes and units. The rest is done for it as well as can be: of each node the cheapest service that takes
the items (all of them offer rate shopping), dates with real cut-offs, backlog and capacity, every cost term. Wishes
that a rule does not look at do not make it fail: what is late is late. Units that it takes where none are left stay
unserved, at the policy's price.
"""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from engine.costs.terms import order_terms
from engine.decide.engine import Engine
from engine.domain.order import Method, Order
from engine.domain.plan import Decision, Plan, Refusal, Shipment, Status, Unmet
from engine.domain.units import day_number, epoch_s
from engine.network.model import ServiceKind
from engine.network.routes import distance_m
from engine.options.evaluate import Evaluator
from engine.options.request import Items
from scenarios.baselines.cheapest import cheapest
from scenarios.baselines.facts import NodeFacts
from scenarios.baselines.rule import Held, Rule, Sent
from scenarios.baselines.view import I64, UNKNOWN, Flags, Quote, Take, Units, View

_RELAXED = ("deliver_by+400d", "max_distance", "max_shipments", "min_parcel_value")


class Baseline:
    """
    Decides orders by a rule; ``name`` is the rule's.

    Parameters
    ----------
    engine
        Whose network, policy and stock it uses; `commit` holds there what a decision takes.
    rule
        Which nodes serve which units. It remembers what is committed: one rule, one run.
    facts
        Of the network, where somebody has them already.

    Raises
    ------
    InputError
        Where the network lacks what the rule sorts by: coordinates, or priorities.
    """

    def __init__(self, engine: Engine, rule: Rule, facts: NodeFacts | None = None) -> None:
        self.engine = engine
        self.rule = rule
        self.name = rule.name + ("-corrected" if rule.corrected and rule.traps else "")
        self.facts = facts or NodeFacts(engine.network, engine.tools)
        self.facts.require(rule)
        self._tz = ZoneInfo(self.facts.tz)
        live = engine.live
        row_sku = np.repeat(np.arange(len(live.row_start) - 1), np.diff(live.row_start))
        reserved = np.bincount(row_sku, weights=live.row_reserved, minlength=len(live.row_start) - 1)
        rule.begin(reserved.astype(np.int64))

    def decide(self, order: Order) -> Decision:
        """
        The plan of a rule, with dates and cost.

        Raises InputError where the rule goes by distance and the order's destination has no coordinates.
        """
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
        """Hold what the decision takes, and let the rule know."""
        self.engine.commit(decision)
        index, skus = self.engine.network.node_index, self.engine.network.skus.index
        self.rule.held(
            Held(
                order_id=decision.plan.order_id,
                now_s=epoch_s(decision.decided_at),
                day=day_number(decision.decided_at.astimezone(self._tz).date()),
                sent=tuple(
                    Sent(
                        node=index[shipment.node],
                        items=tuple((skus[line.sku], line.quantity) for line in shipment.lines),
                        leaves_s=epoch_s(shipment.promise.ship_by),
                        collected=shipment.method == Method.CLICK_AND_COLLECT,
                    )
                    for shipment in decision.plan.shipments
                ),
            )
        )

    def view(self, request: Evaluator, order: Order) -> View:
        """What the rule sees of an order."""
        facts, network = self.facts, request.network
        free, physical, stocked = self._stock(request)
        usable, distance = self._reach(request)
        line_of = {line.sku: i for i, line in enumerate(request.order.lines)}
        target = request.ways.home
        chosen = order.pickup_node
        return View(
            order_id=order.order_id,
            now_s=request.placed_s,
            day=day_number(order.placed_at.astimezone(self._tz).date()),
            skus=tuple(request.sku_index),
            asked=tuple((line_of[line.sku], line.quantity) for line in order.lines),
            need=np.array([line.quantity for line in request.order.lines], dtype=np.int64),
            value_cents=np.array([sku.value_cents for sku in request.skus], dtype=np.int64),
            free=free,
            physical=physical,
            stocked=stocked,
            usable=usable,
            enabled=facts.ships | facts.pickup,
            pickup=facts.pickup,
            distance_m=distance,
            priority=facts.priority,
            default=facts.default,
            preferred=network.node_index[chosen] if chosen is not None else UNKNOWN,
            same_market=facts.regions == (f"{target.country} {target.region}" if target is not None else ""),
            orders_max=facts.orders_max,
            quote=lambda node, units: self._quote(request, node, tuple(sorted(units.items()))),
        )

    def _stock(self, request: Evaluator) -> tuple[I64, I64, Flags]:
        live, nodes = request.live, request.network.nodes
        shape = (len(nodes), len(request.skus))
        free, physical = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        stocked = np.zeros(shape, dtype=np.bool_)
        channel = live.channel(request.order.channel)
        for line, (index, sku, pin) in enumerate(zip(request.sku_index, request.skus, request.pins, strict=True)):
            rows = slice(int(live.row_start[index]), int(live.row_start[index + 1]))
            at = live.row_node[rows]
            held_back = live.row_protected[channel, rows] + live.row_safety[channel, rows]
            physical[at, line] = np.maximum(0, live.row_on_hand[rows] - held_back)
            free[at, line] = np.maximum(0, live.row_on_hand[rows] - held_back - live.row_reserved[rows])
            stocked[at, line] = True
            if sku.node_groups or pin >= 0:
                groups = set(sku.node_groups)
                barred = np.array([bool(groups) and not groups & set(node.groups) for node in nodes])
                barred |= (np.arange(len(nodes)) != pin) & (pin >= 0)
                free[barred, line] = physical[barred, line] = 0
                stocked[barred, line] = False
        return free, physical, stocked

    def _reach(self, request: Evaluator) -> tuple[Flags, I64]:
        """Which nodes may serve the order, and how far they are from where it goes."""
        order, network, ways, facts = request.order, request.network, request.ways, self.facts
        if ways.home is not None:
            facts.require_destination(self.rule, order.order_id, ways.home)
            rows = self.engine.rows
            slot = rows.slot(ways.home)  # may make new arrays, so it comes first
            distance = np.where(facts.located, rows.distance_m[slot].astype(np.int64), UNKNOWN)
            usable = facts.ships.copy()
        else:
            assert order.pickup_node is not None, "an order goes home or to a place"
            place = network.node_index[order.pickup_node]
            there = network.nodes[place]
            distance = np.full(len(network.nodes), UNKNOWN, dtype=np.int64)
            usable = np.zeros(len(network.nodes), dtype=np.bool_)
            lanes = (network.node_index[lane.origin] for lane in network.lanes if lane.target == there.node_id)
            for k in {place, *lanes}:
                here = network.nodes[k]
                usable[k] = True
                if k == place:
                    distance[k] = 0
                elif facts.located[k] and facts.located[place]:
                    distance[k] = distance_m(here.lat, here.lon, there.lat, there.lon)
        if order.nodes or order.excluded_nodes or ways.rule.node_groups:
            usable &= np.array([ways.node_barred(k) is None for k in range(len(network.nodes))])
        return usable, distance

    def _quote(self, request: Evaluator, node: int, items: Items) -> Quote | None:
        """The least list price on the day of the order, labour, and how busy the node is."""
        network, ways, here = request.network, request.ways, request.network.nodes[node]
        units = sum(many for _, many in items)
        contents, day = request.contents(items), day_number(request.order.placed_at.date())
        ship: list[int] = []
        for route in ways.of_node(node):
            way = ways.way(route)
            if isinstance(way, Refusal) or request.misfit(route, items) is not None:
                continue
            if route.lane >= 0:
                lane = network.lanes[route.lane]
                ship.append(lane.cost_order_cents + units * lane.cost_unit_cents)
            elif route.service < 0:
                ship.append(0)
            elif network.services[route.service].kind == ServiceKind.PARCEL:
                price = request.price(way, contents, day)
                if not isinstance(price, Refusal):
                    ship.append(price.num_parcels * (price.unit_price_cents + here.packaging_cents))
        if not ship:
            return None
        work_s = here.handling_order_s + here.handling_line_s * len(items)
        most = int(self.facts.orders_max[node])
        used, _ = request.live.used_day(node, day)
        return Quote(
            ship_cents=min(ship),
            labour_cents=here.cost_order_cents + work_s * here.labour_cents_per_hour // 3600,
            used_permille=min(1000, 1000 * used // most) if most > 0 else 0,
        )

    def _plan(self, request: Evaluator, takes: Sequence[Take]) -> Plan:
        lines = request.order.lines
        index = {line.line_id: i for i, line in enumerate(lines)}
        missing = {i: line.quantity for i, line in enumerate(lines)}
        shipments: list[Shipment] = []
        for node, units in takes:
            for shipment in self._sent(request, node, _there(request, node, units, missing)):
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
        """
        The items in a node's cheapest shipment; in as few as the first fit finds, where they may not go together.

        What no service takes on its own stays behind, and keeps nothing else apart.
        """
        whole = cheapest(self.engine, request, node, items) if items else None
        if whole is not None:
            return [whole]
        alone = {item: cheapest(self.engine, request, node, (item,)) for item in items} if len(items) > 1 else {}
        out: list[tuple[Items, Shipment]] = []
        for item, single in alone.items():
            if single is None:
                continue
            for i, (packed, _) in enumerate(out):
                more = cheapest(self.engine, request, node, (*packed, item))
                if more is not None:
                    out[i] = ((*packed, item), more)
                    break
            else:
                out.append(((item,), single))
        return [shipment for _, shipment in out]


def _there(request: Evaluator, node: int, units: Units, missing: dict[int, int]) -> Items:
    """Of the units that a rule takes from a node those that are there and still asked for."""
    items = ((line, min(wanted, request.available(node, line), missing[line])) for line, wanted in units.items())
    return tuple(sorted((line, many) for line, many in items if many > 0))

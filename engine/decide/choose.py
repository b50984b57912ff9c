"""
Choose the plan of one order: the kernel first, the stronger method where the kernel cannot, relaxations last.

The order of attempts is MODEL.md section 6: whole lines, then quantities split, then the same with each relaxation
added. The kernel's numbers are rebuilt as Shipment objects by the Evaluator, which shares no code with it; a
difference of a cent is a broken invariant.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Refusal, Status, Unmet
from engine.domain.policy import Policy, Relaxation
from engine.network.blocks import Block
from engine.network.compiled import CompiledNetwork
from engine.network.live import Live
from engine.network.model import NodeKind
from engine.network.routes import Route
from engine.network.rows import TargetRows
from engine.optimise import mip
from engine.optimise.intake import Intake, fits_in_pieces, fits_kernel, items_of, rows_of
from engine.optimise.kernel import COLLIDES, INFEASIBLE, decide_row
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_tariff import Tariffs
from engine.optimise.tables import (
    F_PARTIAL,
    ITEMS_MAX,
    O_FLAGS,
    O_ITEMS,
    O_LINE_FROM,
    O_LINE_TO,
    PL_NODE,
    Orders,
    Pol,
    no_orders,
)
from engine.optimise.workspace import (
    KIND_CARRIER,
    KIND_LANE,
    S_AT_PLACE,
    S_FIELDS,
    S_ID,
    S_ITEMS,
    S_KIND,
    S_NODE,
    Inputs,
    Workspace,
    workspace,
)
from engine.options.evaluate import Evaluator, Tools
from engine.options.request import relaxed_name

_SHIP_METHOD = {
    NodeKind.WAREHOUSE: Method.SHIP_FROM_WAREHOUSE,
    NodeKind.STORE: Method.SHIP_FROM_STORE,
    NodeKind.DARK_STORE: Method.SHIP_FROM_STORE,
    NodeKind.VENDOR: Method.DROP_SHIP,
}
_PARTS_MAX = 10  # of a line, looked at one by one


class UnsettledError(Exception):
    """The kernel alone cannot settle an order, and nothing else was to be tried."""


class Chooser:
    """Chooses plans on one compiled network with one policy; reads `live`, never changes it."""

    def __init__(self, compiled: CompiledNetwork, tools: Tools, rows: TargetRows, live: Live, policy: Policy, pol: Pol):
        self.compiled = compiled
        self.tools = tools
        self.rows = rows
        self.live = live
        self.policy = policy
        self.pol = pol
        self.intake = Intake(compiled, rows)
        self.tariffs = Tariffs(compiled.network, tools.cards)
        self.workspace: Workspace = workspace(len(compiled.network.nodes))
        self._blocks = {
            "net": compiled.block,
            "pol": Block.of(pol),
            "live": Block.of(live.arrays()),
            "reach": rows.block,
            "ws": Block.of(self.workspace),
        }
        self._seen = live.version  # of the live arrays that the kernels read
        self._one = self.block(no_orders())
        self._out: NDArray[np.int64] = np.zeros((ITEMS_MAX, S_FIELDS), dtype=np.int64)

    def block(self, orders: Orders) -> Block:
        """All that kernels need to decide orders; valid until targets are forgotten or the live stock is replaced."""
        self._keep_up()
        return Block(Inputs, orders=orders, **self._blocks)

    def block_of_one(self, orders: Orders) -> Block:
        """Likewise, for the orders at hand only: the next call replaces them."""
        self._keep_up()
        self._one.put(orders=orders)
        return self._one

    def block_of_last(self) -> Block:
        """Likewise, of the last such orders: for kernels that ask for none."""
        self._keep_up()
        return self._one

    def adopt(self, live: Live) -> None:
        """Decide on another stock of the same network from now on."""
        self.live, self._seen = live, -1

    def _keep_up(self) -> None:
        """Have the kernels read the arrays of the live stock as they are, where some were replaced."""
        if self._seen != self.live.version:
            self._blocks["live"].put(**self.live.arrays()._asdict())
            self._seen = self.live.version

    def request(self, order: Order, relaxed: tuple[str, ...] = ()) -> Evaluator:
        """An order resolved on the network."""
        return Evaluator(self.compiled.network, self.live, self.policy, order, self.tools, relaxed=relaxed)

    def plan(self, order: Order, clock: Clock | None) -> Plan:
        """
        The best plan of an order without two lines of one sku.

        Parameters
        ----------
        clock
            For the stronger method only, all its attempts together; the kernel does not look at it. None: without that
            method, at once.

        Raises UnsettledError where the stronger method is needed, and there is no clock for it.
        """
        request = self.request(order)
        strict = self._attempt(request, clock)
        if strict.status != Status.INFEASIBLE:
            return strict
        for relaxed in self._relaxations(order):
            plan = self._attempt(self.request(order, relaxed), clock)
            if plan.status != Status.INFEASIBLE:
                return plan
        return self._nothing(request) if order.partial else strict

    def _nothing(self, request: Evaluator) -> Plan:
        """A partial order of which no line can, or need, be served: all are left out, at their price."""
        empty = request.plan((), range(len(request.order.lines)), Status.OPTIMAL, 0, method="subset")
        return replace(empty, bound_cents=empty.cost_cents)

    def _relaxations(self, order: Order) -> Iterator[tuple[str, ...]]:
        """Ever more relaxed rules, those left out that bind nothing."""
        names: tuple[str, ...] = ()
        for step in self.policy.relaxations:
            if self._matters(order, step):
                names = (*names, relaxed_name(step))
                yield names

    def _matters(self, order: Order, step: Relaxation) -> bool:
        policy = self.policy
        return {
            "deliver_by": order.deliver_by is not None,
            "max_distance": bool(order.max_distance_m or policy.max_distance_m),
            "min_parcel_value": policy.min_parcel_value_cents > 0,
        }.get(step.rule, True)

    def _attempt(self, request: Evaluator, clock: Clock | None) -> Plan:
        """Whole lines, then quantities split."""
        if not fits_kernel(request) and not request.order.partial and self._may_split(request):
            split = self.splittable(request)
            if split:  # no plan of whole lines can be: spend no time on proving that again
                return self.best(request, clock, split)
        plan = self.best(request, clock)
        if plan.status != Status.INFEASIBLE or not self._may_split(request):  # a look at all stock: only where needed
            return plan
        split = self.splittable(request)
        return self.best(request, clock, split) if split else plan

    def _may_split(self, request: Evaluator) -> bool:
        """Whether dividing quantities is allowed and could help."""
        return self.policy.allow_quantity_split and (request.order.partial or _enough(request))

    def best(self, request: Evaluator, clock: Clock | None, split: frozenset[int] = frozenset()) -> Plan:
        """The best plan under the rules of a request as they are; only the lines of `split` may be divided."""
        if not split and fits_kernel(request):
            return self._by_kernel(request, clock)
        if split and fits_in_pieces(request, split):
            return self._by_kernel(request, clock, split)
        return self._stronger(request, clock, split)

    def _stronger(self, request: Evaluator, clock: Clock | None, split: frozenset[int]) -> Plan:
        """The best plan by the method that takes its time, as far as there is some."""
        if clock is None:
            raise UnsettledError(request.order.order_id)
        if not request.order.partial and self._stuck(request, split, clock):
            lines = range(len(request.order.lines))
            return request.plan((), tuple(lines), Status.INFEASIBLE, 0, method="mip")
        return mip.solve(request, clock=clock, split_lines=split, tariffs=self.tariffs)

    def _stuck(self, request: Evaluator, split: frozenset[int], clock: Clock) -> bool:
        """
        Whether some line can go nowhere, which the stronger method would be long in proving.

        The heaviest are looked at first, as long as there is time. Lines of `split` may go in parts; where there are
        many, nothing is said of them. What goes nowhere alone goes nowhere with others, tariffs with holes aside.
        """
        for line in sorted(range(len(request.skus)), key=lambda i: -request.skus[i].weight_g):
            quantity = request.order.lines[line].quantity
            parts = range(1, quantity) if line in split else range(quantity, quantity + 1)
            if clock.late():
                return False
            if len(parts) <= _PARTS_MAX and not any(self._serves(request, line, n, holes=True) for n in parts):
                return True
        return False

    def splittable(self, request: Evaluator) -> frozenset[int]:
        """Lines that no single route serves whole, and that may be split."""
        items = items_of(request)
        return frozenset(
            line
            for line, sku in enumerate(request.skus)
            if request.order.lines[line].quantity > 1
            and not sku.never_split
            and items.count(items[line]) == 1
            and not self._serves(request, line, request.order.lines[line].quantity)
        )

    def _serves(self, request: Evaluator, line: int, quantity: int, *, holes: bool = False) -> bool:
        """
        Whether any allowed route serves so many units of a line, which the kernel is asked as an order of its own.

        With `holes` a route also counts if it lacks a price that it may have for a heavier parcel, or a later one.
        """
        whole = self.intake.orders([request])
        row = whole.table[:1].copy()
        row[0, O_LINE_FROM], row[0, O_LINE_TO], row[0, O_ITEMS] = 0, 1, 1
        row[0, O_FLAGS] &= ~F_PARTIAL
        part = whole.line[line : line + 1].copy()
        part["quantity"], part["item"] = quantity, 0
        block = self.block_of_one(whole._replace(table=row, line=part))
        status, *_ = decide_row(block.at, 0, self._out)
        return status != INFEASIBLE or (holes and self._in_hole(request, line, quantity))

    def _in_hole(self, request: Evaluator, line: int, quantity: int) -> bool:
        """Whether any tariff that does not sell so many units of a line may sell a heavier parcel, or a later one."""
        items = ((line, quantity),)
        contents, steady = request.contents(items), self.rows.floors.steady
        services = {
            s for s in range(len(steady)) if not steady[s].all() and self.tools.cards.misfit(s, contents) is None
        }
        if not services:
            return False
        return any(
            isinstance(found := request.shipment(route, items), Refusal)
            and found.code == "no_price"
            and self._has_hole(request, route)
            for node, units in request.promisable(line)
            if units >= quantity and request.ways.node_barred(node) is None
            for route in request.ways.of_node(node)
            if route.service in services
        )

    def _has_hole(self, request: Evaluator, route: Route) -> bool:
        """Whether the tariff of a route has holes at all."""
        way = request.ways.way(route)
        if isinstance(way, Refusal) or way.zone < 0:
            return False
        return not self.rows.floors.steady[route.service, way.zone]

    def with_reasons(self, order: Order, unmet: Sequence[Unmet], relaxed: tuple[str, ...]) -> tuple[Unmet, ...]:
        """Add to unmet lines why each node could not serve them; looks at all nodes."""
        request = self.request(order, relaxed)
        index = {line.line_id: i for i, line in enumerate(order.lines)}
        why = [request.why_not(index[u.line_id]) for u in unmet]
        return tuple(replace(u, reasons=w, summary=summary_of(w)) for u, w in zip(unmet, why, strict=True))

    def _by_kernel(self, request: Evaluator, clock: Clock | None, split: frozenset[int] = frozenset()) -> Plan:
        self.rows.trim()
        orders = self.intake.orders([request], split)
        status, cost, count, place = decide_row(self.block_of_one(orders).at, 0, self._out)
        lines = range(len(request.order.lines))
        if status == INFEASIBLE:
            return request.plan((), tuple(lines), Status.INFEASIBLE, 0, method="subset")
        if status == COLLIDES:
            return self._stronger(request, clock, split)
        pieces = rows_of(request, split)
        place_node = int(orders.places[place, PL_NODE]) if place >= 0 else -1
        shipments = []
        served: set[int] = set()
        for row in self._out[:count]:
            route = self.route_of(row, place_node)
            taken = Counter[int]()
            for piece in pieces:
                if row[S_ITEMS] >> piece.item & 1:
                    taken[piece.line] += piece.quantity
            served.update(taken)
            built = request.shipment(route, tuple(taken.items()))
            assert not isinstance(built, Refusal), f"the kernel chose a shipment that cannot be: {built}"
            shipments.append(built)
        if split:
            parts = Counter(part.line_id for shipment in shipments for part in shipment.lines)
            if max(parts.values()) > request.shipments_per_line_max:
                return self._stronger(request, clock, split)
        unserved = tuple(line for line in lines if line not in served)
        plan = request.plan(shipments, unserved, Status.OPTIMAL, int(cost), method="subset")
        assert plan.cost_cents == cost, f"order {plan.order_id}: kernel says {cost}, recount {plan.cost_cents}"
        return plan

    def method(self, node: int, kind: int, which: int, at_place: bool) -> Method:
        """The method of a way, in the kernel's terms: a KIND_... from a node, by a service or over a lane."""
        if kind == KIND_LANE:
            return Method.SHIP_TO_STORE
        if kind != KIND_CARRIER:
            return Method.CLICK_AND_COLLECT
        if at_place:
            return Method.PICKUP_POINT
        network = self.compiled.network
        return Method.SAME_DAY if network.services[which].kind == "courier" else _SHIP_METHOD[network.nodes[node].kind]

    def route(self, node: int, kind: int, which: int, place: int) -> Route:
        """The way itself; `place` is a node, -1 for none."""
        service, lane = (-1, which) if kind == KIND_LANE else (which if kind == KIND_CARRIER else -1, -1)
        return Route(self.method(node, kind, which, place >= 0), node, service, lane, place)

    def route_of(self, row: NDArray[np.int64] | Sequence[int], place: int) -> Route:
        """The route of a row of the kernel's answer."""
        at_place = place if row[S_KIND] != KIND_CARRIER or row[S_AT_PLACE] else -1
        return self.route(int(row[S_NODE]), int(row[S_KIND]), int(row[S_ID]), at_place)


def _enough(request: Evaluator) -> bool:
    """Whether all nodes together hold what is asked for; where they do not, no split helps."""
    return all(
        sum(units for _, units in request.promisable(i)) >= line.quantity for i, line in enumerate(request.order.lines)
    )


def summary_of(reasons: tuple[tuple[str, str], ...]) -> str:
    """How many nodes failed for which reason, most frequent first."""
    counts: dict[str, int] = {}
    for _, code in reasons:
        counts[code] = counts.get(code, 0) + 1
    return ", ".join(f"{code}: {n}" for code, n in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])))

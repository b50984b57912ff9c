"""
The kernels on a copy of what they read, in which single numbers can be changed and put back: what if.

Only what may be changed is copied: the stock of the order's skus, with a row at every node, hand-overs, picking costs,
and capacity once it is asked for. A change is made by a context that puts the old numbers back, so that a question
costs a decision of some microseconds and no network is compiled again. Nothing here touches what the engine decides
with.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.decide.choose import Chooser
from engine.domain.order import LINES_MAX
from engine.domain.plan import Plan
from engine.network.blocks import Block
from engine.network.dense import DenseStock
from engine.network.floors import HOUR_S
from engine.network.model import NodeKind
from engine.network.records import LEAVE, UNLIMITED
from engine.network.routes import Route
from engine.network.rows import Reach
from engine.optimise.intake import fits_kernel, items_of
from engine.optimise.kernel import OPTIMAL, decide_row
from engine.optimise.tables import (
    ITEMS_MAX,
    LINE,
    NO_LIMIT,
    O_DELIVER_BY,
    O_ITEMS,
    O_LINE_FROM,
    O_LINE_TO,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_PLACED,
    P_LEAST_PICK,
    PL_NODE,
    Orders,
    no_orders,
    picking_cents,
)
from engine.optimise.why import why_nodes
from engine.optimise.why_codes import A_IGNORE, A_OWN, A_USED, look
from engine.optimise.workspace import S_DELIVER, S_FIELDS, S_ITEMS, Inputs
from engine.options.evaluate import Evaluator
from engine.options.request import Items

I64 = NDArray[np.int64]
Signature = frozenset[tuple[str, int, int, int, tuple[int, ...]]]  # method, node, service, place, lines in full


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided: cost, and the shipments by route."""

    cost_cents: int
    routes: tuple[Route, ...]
    signature: Signature


class Trial:
    """
    A copy of a chooser's inputs, for one order after the other. Not thread-safe.

    Row 0 of `orders` is the order that `decide` decides; each further one a set of its lines as one item, for `why`.
    """

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        compiled, network = chooser.compiled, chooser.compiled.network
        net, pol = compiled.net, chooser.pol
        self._dense = DenseStock(chooser.live)
        most = int((net.schedule["row_to"] - net.schedule["row_from"]).max(initial=0))
        self._spare = len(net.handover)  # where the hand-overs of one service at one node go while they are changed
        self.net = net._replace(
            schedule=net.schedule.copy(),
            handover=np.concatenate([net.handover, np.zeros(most, dtype=LEAVE)]),
        )
        self.pol = pol._replace(scalar=pol.scalar.copy(), pick_cents=picking_cents(network, LINES_MAX))
        points = [node.kind is NodeKind.PICKUP_POINT for node in network.nodes]
        self.sources = [node for node, is_point in enumerate(points) if not is_point]  # points hold no stock
        self.soonest = chooser.rows.floors.soonest_day.copy()
        collects = np.zeros(len(network.nodes), dtype=np.int64)
        for node, service in chooser.tools.collected:
            collects[node] |= 1 << service
        self.look = look(collects)
        self._look = Block.of(self.look)
        self._out = np.zeros((ITEMS_MAX, S_FIELDS), dtype=np.int64)
        self.live, self.orders = self._dense.of(()), no_orders()
        self._own_cells = False
        self._block = Block(
            Inputs,
            net=self.net,
            pol=self.pol,
            live=self.live,
            reach=self._reach(),
            orders=self.orders,
            ws=Block.of(chooser.workspace),
        )

    def _reach(self) -> Reach:
        reach = self.chooser.rows.reach()
        return reach._replace(floors=reach.floors._replace(soonest_day=self.soonest))

    def start(self, strict: Evaluator, request: Evaluator, sets: Sequence[Items]) -> None:
        """
        Take an order; forget the one before.

        Parameters
        ----------
        strict
            The order under all its rules, which is what a change would be decided under.
        request
            The order under the rules that its plan was made under.
        sets
            Of its lines, in units.
        """
        rows = self.chooser.rows
        rows.trim()
        self.request = request
        requests = [strict] if request is strict else [strict, request]
        self._sets_from = len(requests)
        self.orders = _with_sets(self.chooser.intake.orders(requests), sets)
        self.live = self._dense.of(request.sku_index)
        self._own_cells = False  # capacity is shared with what the engine decides on
        np.copyto(self.soonest, rows.floors.soonest_day)
        self._block.put(live=self.live, reach=self._reach(), orders=self.orders)
        self.decides = fits_kernel(strict)
        order = request.order
        self.look.ask[A_OWN] = sum(
            1 << s
            for s, service in enumerate(request.network.services)
            if (not order.services or service.service_id in order.services)
            and service.service_id not in order.excluded_services
        )

    def why(self, at: int, *, ignore: int = 0, used: int = -1, node: int | None = None) -> tuple[I64, I64]:
        """
        What `engine.optimise.why` finds about set `at`: `found` and `terms`, copies; of one node where it is given.

        ``used``: row of the place that other shipments go to.
        """
        self.look.ask[A_IGNORE], self.look.ask[A_USED] = ignore, used
        first, last = (0, len(self.look.found)) if node is None else (node, node + 1)
        why_nodes(self._block.at, self._look.at, self._sets_from + at, first, last)
        return self.look.found[first:last].copy(), self.look.terms[first:last].copy()

    def place_row(self, place: int) -> int:
        """The row of `orders.places` that a place has for the sets; -1 for none."""
        if place < 0:
            return -1
        rows = range(*self.orders.table[-1, [O_PLACE_FROM, O_PLACE_TO]].tolist())
        return next(p for p in rows if self.orders.places[p, PL_NODE] == place)

    def decide(self) -> Outcome | None:
        """The proven best plan as things are now; None where whole lines have none, or the kernel cannot say."""
        return self._decided(self.request)

    def decide_other(self, request: Evaluator) -> Outcome | None:
        """The same for the order under other rules."""
        if not fits_kernel(request):
            return None
        orders = self.chooser.intake.orders([request])
        np.copyto(self.soonest, self.chooser.rows.floors.soonest_day)
        self._block.put(orders=orders, reach=self._reach())
        found = self._decided(request, orders)
        self._block.put(orders=self.orders)
        return found

    def _decided(self, request: Evaluator, orders: Orders | None = None) -> Outcome | None:
        status, cost, count, place = decide_row(self._block.at, 0, self._out)
        self._count = count
        if status != OPTIMAL:
            return None
        there = int((orders or self.orders).places[place, PL_NODE]) if place >= 0 else -1
        items = items_of(request)
        routes = tuple(self.chooser.route_of(row, there) for row in self._out[:count])
        lines = [tuple(i for i, item in enumerate(items) if row[S_ITEMS] >> item & 1) for row in self._out[:count]]
        parts = zip(routes, lines, strict=True)
        return Outcome(
            int(cost), routes, frozenset((r.method, r.node, r.service, r.place, which) for r, which in parts)
        )

    def last_delivery_s(self) -> int:
        """When all of the last outcome is there."""
        return int(self._out[: self._count, S_DELIVER].max())

    @contextmanager
    def stock(self, more: Sequence[tuple[int, int, int]]) -> Iterator[None]:
        """So many more units of skus at nodes: (node, sku, units)."""
        rows = [int(self.live.row_start[sku]) + node for node, sku, _ in more]
        for row, (_, _, units) in zip(rows, more, strict=True):
            self.live.row["on_hand"][row] += units
        try:
            yield
        finally:
            for row, (_, _, units) in zip(rows, more, strict=True):
                self.live.row["on_hand"][row] -= units

    @contextmanager
    def price(self, node: int, cents: int) -> Iterator[None]:
        """A shipment from a node costs so much more, before the policy's weight; bounds stay bounds."""
        least = min(0, cents)
        self.pol.pick_cents[node] += cents
        self.pol.scalar[P_LEAST_PICK] += least
        try:
            yield
        finally:
            self.pol.pick_cents[node] -= cents
            self.pol.scalar[P_LEAST_PICK] -= least

    @contextmanager
    def cut_off(self, node: int, service: int, leave: int, cutoff_s: int) -> Iterator[None]:
        """The hand-over in row `leave` has its cut-off at another instant."""
        schedule, table, hour = self.net.schedule[node, service], self.net.handover, self._hour()
        low, high = int(schedule["row_from"]), int(schedule["row_to"])
        to = self._spare + high - low
        table[self._spare : to] = table[low:high]
        table["cutoff_s"][self._spare + leave - low] = cutoff_s
        self.net.schedule[node, service] = (self._spare, to)
        known = self.soonest[service, hour] if hour is not None else -1
        if known >= 0:  # no bound may say that the service leaves later
            self.soonest[service, hour] = min(known, table["then"][leave])
        elif known == -1 and hour is not None:
            self.soonest[service, hour] = table["then"][leave]
        try:
            yield
        finally:
            self.net.schedule[node, service] = (low, high)
            if hour is not None:
                self.soonest[service, hour] = known

    def _hour(self) -> int | None:
        """The column of `soonest` that the order falls into."""
        floors = self.chooser.rows.floors
        hour = (int(self.orders.table[0, O_PLACED]) - int(floors.first_s[0])) // HOUR_S
        return hour if 0 <= hour < self.soonest.shape[1] else None

    @contextmanager
    def room(self, node: int, field: str, more: int) -> Iterator[None]:
        """A limit on what a node picks is so much higher in all its cells; fields are those of a node."""
        if not self._own_cells:
            self.live = self.live._replace(day=self.live.day.copy(), hour=self.live.hour.copy())
            self._block.put(live=self.live)
            self._own_cells = True
        by_day = field.startswith("capacity_day")
        cells = self.live.day[node] if by_day else self.live.hour[int(self.live.hour_node[node])]
        limits = cells["orders_max" if field.endswith("orders") else "units_max"]
        before = limits.copy()
        limits[limits != UNLIMITED] += more
        try:
            yield
        finally:
            limits[:] = before

    @contextmanager
    def deliver_by(self, seconds: int | None) -> Iterator[None]:
        """Another last moment, or none."""
        before = int(self.orders.table[0, O_DELIVER_BY])
        self.orders.table[0, O_DELIVER_BY] = NO_LIMIT if seconds is None else seconds
        try:
            yield
        finally:
            self.orders.table[0, O_DELIVER_BY] = before


def signature_of(request: Evaluator, plan: Plan) -> Signature:
    """A plan as outcomes are compared."""
    network = request.network
    line_at = {line.line_id: i for i, line in enumerate(request.order.lines)}
    return frozenset(
        (
            shipment.method,
            network.node_index[shipment.node],
            network.service_index[shipment.service] if shipment.service is not None else -1,
            network.node_index[shipment.place] if shipment.place is not None else -1,
            tuple(sorted(line_at[line.line_id] for line in shipment.lines)),
        )
        for shipment in plan.shipments
    )


def _with_sets(orders: Orders, sets: Sequence[Items]) -> Orders:
    """Append rows in which some lines go together, like the last row otherwise."""
    whole, first = orders.table[-1], int(orders.table[-1, O_LINE_FROM])
    tables, lines, at = [orders.table], [orders.line], len(orders.line)
    for items in sets:
        row = whole.copy()
        part = np.zeros(len(items), dtype=LINE)
        for i, (line, quantity) in enumerate(items):
            part[i] = orders.line[first + line]
            part[i]["quantity"], part[i]["item"] = quantity, 0
        row[O_LINE_FROM], row[O_LINE_TO], row[O_ITEMS] = at, at + len(items), 1
        at += len(items)
        tables.append(row[None, :])
        lines.append(part)
    return orders._replace(table=np.concatenate(tables), line=np.concatenate(lines))

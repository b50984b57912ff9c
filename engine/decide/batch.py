"""
Many orders, one after the other, each on what the ones before left: the path of a desk that has no time for plans.

Orders go into columns, a compiled loop decides them and holds what they take, and its rows become Briefs. An order that
the kernel alone cannot settle (too many items, no plan of whole lines, shipments that collide) stops the loop, is
decided in its place like any single order, and the loop goes on. The answers are those of `Engine.decide` and
`Engine.commit` for each order in turn; only the plain layers do not recount what the kernel says.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.decide.brief import Brief, Leg, brief_of, holds_of
from engine.decide.choose import Chooser, UnsettledError
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.domain.plan import Plan, ShipmentLine, Status, Unmet
from engine.optimise.columns import A_CENTS, A_FIELDS, A_FIRST, A_PLACE, A_SHIPMENTS, decide_rows
from engine.optimise.intake import fits_kernel, items_of
from engine.optimise.mip_clock import Clock
from engine.optimise.tables import O_ITEMS, PL_NODE, Orders
from engine.optimise.workspace import (
    KIND_OWN,
    S_CENTS,
    S_DAY,
    S_DELIVER,
    S_FIELDS,
    S_ITEMS,
    S_KIND,
    S_PICK,
    S_SHIP,
    S_UNITS,
)
from engine.options.evaluate import Evaluator

Answer = Brief | InputError | None  # None: not settled, as was asked for
CHUNK = 512  # orders in columns at a time; targets are not forgotten within
METHOD = "subset"
DEADLINE_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a batch is decided; see `Engine.decide_batch`."""

    deadline_s: float
    hold: bool
    reasons: bool
    settle: bool = True


class Batch:
    """
    Decides orders in sequence with a chooser, on its live stock. Not thread-safe.

    Parameters
    ----------
    chooser
        Its live stock is what is held.
    check
        Raises where a plan that the kernel alone did not make breaks a rule.
    """

    def __init__(self, chooser: Chooser, check: Callable[[Order, Plan], None]) -> None:
        self.chooser = chooser
        self.check = check

    def decide(self, orders: Sequence[Order], terms: Terms) -> list[Answer]:
        """Answer each order; where anything goes wrong that is no InputError, nothing is held for any of them."""
        found: dict[int, Answer] = {}
        try:
            for first in range(0, len(orders), CHUNK):
                self._chunk(orders[first : first + CHUNK], first, found, terms)
        except BaseException:
            for answer in found.values() if terms.hold else ():
                if isinstance(answer, Brief):  # nobody gets to see it, so nobody else could ever give it back
                    self.hold(answer, -1)
            raise
        return [found[i] for i in range(len(orders))]

    def hold(self, brief: Brief, sign: int) -> None:
        """Hold what a brief takes; give it back with -1."""
        live = self.chooser.live
        for node, items, day, hour in holds_of(brief, self.chooser.compiled.network):
            live.reserve(node, items, day, hour, sign=sign)

    def _chunk(self, orders: Sequence[Order], first: int, found: dict[int, Answer], terms: Terms) -> None:
        """Answer some orders, the first of which is number `first`."""
        chooser, rows = self.chooser, self.chooser.rows
        rows.trim()
        requests: list[Evaluator] = []  # what the kernel takes, by row,
        numbers: list[int] = []  # and of which order that is
        others: list[tuple[int, Evaluator]] = []
        for number, order in enumerate(orders, start=first):
            try:
                request = chooser.request(order.merged())
            except InputError as error:
                found[number] = error
                continue
            if fits_kernel(request):
                requests.append(request)
                numbers.append(number)
            else:
                others.append((number, request))
        with rows.kept():
            run = _Rows(self, chooser.intake.orders(requests), requests, numbers, terms)
            for number, request in others:
                run.until(bisect_left(numbers, number), found)
                found[number] = self.alone(request, terms)
            run.until(len(requests), found)

    def alone(self, request: Evaluator, terms: Terms) -> Brief | None:
        """Decide one order as `Engine.decide` does, and hold it; None where that takes long, and is not to be done."""
        order = request.order
        try:
            plan = self.chooser.plan(order, Clock(terms.deadline_s) if terms.settle else None)
        except UnsettledError:
            return None
        if terms.reasons and plan.unmet and plan.status != Status.NOT_FOUND:
            plan = replace(plan, unmet=self.chooser.with_reasons(order, plan.unmet, plan.relaxed))
        self.check(order, plan)
        brief = brief_of(plan, self.chooser.tools)
        if terms.hold:
            self.hold(brief, 1)
        return brief


class _Rows:
    """Orders in columns and what the kernel has said of them so far."""

    def __init__(
        self, batch: Batch, orders: Orders, requests: Sequence[Evaluator], numbers: Sequence[int], terms: Terms
    ) -> None:
        self.batch, self.requests, self.numbers, self.terms = batch, requests, numbers, terms
        self.chooser = batch.chooser
        self.places: list[int] = orders.places[:, PL_NODE].tolist()
        items = orders.table[:, O_ITEMS]
        self.answer = np.zeros((len(requests), A_FIELDS), dtype=np.int64)
        self.answer[:, A_FIRST] = np.cumsum(items) - items
        self.shipments = np.zeros((int(items.sum()), S_FIELDS), dtype=np.int64)
        self.block = self.chooser.block(orders)
        self.row = 0

    def until(self, last: int, found: dict[int, Answer]) -> None:
        """Answer the orders up to a row, which is left."""
        terms, batch = self.terms, self.batch
        # Reasons are told as things were before the order was held, so with them it is one order at a time.
        step = 1 if terms.reasons else len(self.requests)
        while self.row < last:
            first, end = self.row, min(last, self.row + step)
            at = self.block.at
            self.row = decide_rows(at, first, end, self.answer, self.shipments, terms.hold and not terms.reasons)
            for row in range(first, self.row):
                found[self.numbers[row]] = brief = self._brief(row)
                if terms.reasons and terms.hold:
                    batch.hold(brief, 1)
            if self.row < end:
                request = self.requests[self.row]
                found[self.numbers[self.row]] = batch.alone(request, terms)
                self.row += 1

    def _brief(self, row: int) -> Brief:
        """What the kernel answered, in words."""
        request, answer = self.requests[row], self.answer[row].tolist()
        order, cents, first = request.order, answer[A_CENTS], answer[A_FIRST]
        place = self.places[answer[A_PLACE]] if answer[A_PLACE] >= 0 else -1
        shipments = self.shipments[first : first + answer[A_SHIPMENTS]].tolist()
        legs, left = legs_of(self.chooser, request, shipments, place)
        unmet = tuple(Unmet(line_id=line.line_id, sku=line.sku, quantity=line.quantity) for line in left)
        if unmet and self.terms.reasons:
            unmet = self.chooser.with_reasons(order, unmet, ())
        return Brief(
            order_id=order.order_id,
            status=Status.OPTIMAL,
            legs=legs,
            unmet=unmet,
            cost_cents=cents,
            bound_cents=cents,
            method=METHOD,
        )


def legs_of(
    chooser: Chooser, request: Evaluator, shipments: Sequence[list[int]], place: int
) -> tuple[tuple[Leg, ...], list[ShipmentLine]]:
    """Rows of the kernel's shipments in words, in the order of a plan; and the lines that none of them has."""
    lines = request.whole_lines
    items = items_of(request) if request.order.keep_together else range(len(lines))
    full, served, legs = (1 << max(items) + 1) - 1, 0, []
    for shipment in shipments:
        mask = shipment[S_ITEMS]
        served |= mask
        taken = lines
        if mask != full:
            taken = tuple([line for line, item in zip(lines, items, strict=True) if mask >> item & 1])
        legs.append(_leg(chooser, shipment, place, taken))
    left = []
    if served != full:
        left = [line for line, item in zip(lines, items, strict=True) if not served >> item & 1]
    if len(legs) > 1:
        legs.sort(key=lambda leg: _rank(chooser, leg))
    return tuple(legs), left


def _rank(chooser: Chooser, leg: Leg) -> tuple[int, int, tuple[str, ...]]:
    """Where a shipment comes among those of its plan."""
    network = chooser.compiled.network
    service = -1 if leg.service is None else network.service_index[leg.service]
    return network.node_index[leg.node], service, tuple(line.line_id for line in leg.lines)


def _leg(chooser: Chooser, shipment: list[int], place: int, lines: tuple[ShipmentLine, ...]) -> Leg:
    """A row of the kernel's shipments in words."""
    network = chooser.compiled.network
    route = chooser.route_of(shipment, place)
    _, hour = chooser.tools.dates.cell_at(route.node, shipment[S_PICK])
    return Leg(
        method=route.method,
        node=network.nodes[route.node].node_id,
        service=network.services[route.service].service_id if route.service >= 0 else None,
        place=network.nodes[route.place].node_id if route.place >= 0 else None,
        lane=route.lane,
        lines=lines,
        cost_cents=shipment[S_CENTS],
        units=shipment[S_UNITS],
        pick_start_s=shipment[S_PICK],
        pick_day=chooser.compiled.first_day + shipment[S_DAY],
        pick_hour=hour,
        ship_by_s=shipment[S_DELIVER if shipment[S_KIND] == KIND_OWN else S_SHIP],
        deliver_by_s=shipment[S_DELIVER],
    )


def limit_s(deadline_ms: int | None) -> float:
    """A deadline in seconds; DEADLINE_MS where none is given."""
    if deadline_ms is not None and deadline_ms < 0:
        raise InputError(f"Deadline (deadline_ms) ({deadline_ms}) is negative.", "0 asks for a plan at once.")
    return (DEADLINE_MS if deadline_ms is None else deadline_ms) / 1000

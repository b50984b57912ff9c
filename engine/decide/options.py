"""
The choices of an order, not only the winner: plans of which none is beaten in cost, date and carbon at once.

All plans with whole lines are compared, under the rules (and relaxations, where it takes any) of `Engine.decide`. CO2e
counts the customer's trip to a place. What a partial order leaves unserved is for the cheapest plan to say; all its
options serve the same lines, so that leaving goods out is never sold as fast or green. Where lines must be divided, or
are too many for labels or for the time there is, plans come from deciding again with ever earlier dates, and with
carbon alone to pay for: those say that they are not exact.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

from engine.decide.choose import Chooser
from engine.decide.labelled import Choice, LabelSearch, Value, unbeaten, value_of
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.domain.plan import Plan, Refusal, Shipment, Status
from engine.network.routes import Route
from engine.optimise.intake import fits_kernel
from engine.optimise.mip_clock import Clock
from engine.optimise.tables import compile_policy
from engine.options.evaluate import Evaluator

DATES_MAX = 8  # plans that are decided one by one
GREEN_CENTS_PER_G = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOption:
    """
    One plan that no other beats in cost, date and carbon at once.

    ``names`` says in what it is best: cheapest, fastest, greenest. ``exact`` says that all plans were compared;
    otherwise there may be better ones.
    """

    plan: Plan
    names: tuple[str, ...]
    exact: bool = True


class OptionFinder:
    """Finds the options of orders by the means of a chooser; holds the room that this takes."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self._labels = LabelSearch(chooser)

    def find(self, order: Order, *, limit: int | None, deadline_s: float | None) -> tuple[NamedOption, ...]:
        """
        The options of an order without two lines of one sku, sorted by cost; none where it cannot be served.

        Parameters
        ----------
        order
            Merged already.
        limit
            At most so many: the named ones first, then those that are farthest from all others.
        deadline_s
            For the cheapest plan, where the stronger method has to find it, and once more for all others together.
            Plans that it leaves out may beat those that are returned; they say so.
        """
        if limit is not None and limit < 1:
            raise InputError(f"Limit ({limit}) of the options must be at least 1.", "leave it out to see all.")
        choices = self._choices(order, deadline_s)
        names = _named([choice.value for choice in choices])
        kept = _spread([choice.value for choice in choices], list(dict.fromkeys(names.values())), limit)
        return tuple(
            NamedOption(
                plan=choices[i].build(),
                names=tuple(name for name, at in names.items() if at == i),
                exact=choices[i].exact,
            )
            for i in kept
        )

    def _choices(self, order: Order, deadline_s: float | None) -> list[Choice]:
        """Labels if they may do; where they end too early the cheapest too, where they find nothing others as well."""
        request, clock = self.chooser.request(order), Clock(deadline_s)
        by_labels = not order.partial and fits_kernel(request)
        found, limit = self._labels.find(request, (), clock) if by_labels else ([], "")
        if found and not limit:
            return found
        left_s = clock.left()
        plan = self.chooser.plan(order, Clock(deadline_s))
        if plan.status in (Status.INFEASIBLE, Status.NOT_FOUND):
            return found
        if not plan.shipments:
            return [Choice(value_of(plan), lambda: plan, plan.status == Status.OPTIMAL)]
        request, clock = self.chooser.request(order, plan.relaxed), Clock(left_s)
        if not limit and fits_kernel(request) and (plan.relaxed or not by_labels):
            left_out = {unmet.line_id for unmet in plan.unmet}
            lines = [i for i, line in enumerate(order.lines) if line.line_id in left_out]
            found, limit = self._labels.find(request, lines, clock)
            if found and not limit:
                return found
        if found:
            found = [replace(choice, build=partial(_cut_short, choice.build, plan, limit)) for choice in found]
            return unbeaten([_of_plan(plan), *found])
        return self._by_dates(request, plan, clock)

    def _by_dates(self, request: Evaluator, cheapest: Plan, clock: Clock) -> list[Choice]:
        """The cheapest plan, the greenest, and the cheapest of ever earlier dates, as time allows."""
        # An earlier date must not divide lines that could be had whole by the order's own.
        split = self.chooser.splittable(request) if _is_divided(cheapest) else frozenset()
        options = [_of_plan(cheapest)]
        if not clock.late():
            green = self._green.best(
                self._green.request(request.order, request.relaxed), clock.part(1 / DATES_MAX), split
            )
            if _serves_the_same(green, cheapest):
                options.append(_of_plan(_as_option(_repriced(request, green), cheapest, "dates")))
        undated = tuple(name for name in request.relaxed if not name.startswith("deliver_by"))
        last = cheapest.deliver_by
        for others in range(DATES_MAX - 1, 0, -1):
            if clock.late() or last is None:
                break
            earlier = self.chooser.request(replace(request.order, deliver_by=last - timedelta(seconds=1)), undated)
            plan = self.chooser.best(earlier, clock.part(1 / others), split)
            if not _serves_the_same(plan, cheapest):
                break
            options.append(_of_plan(_as_option(plan, cheapest, "dates")))
            last = plan.deliver_by
        return unbeaten(options)

    @cached_property
    def _green(self) -> Chooser:
        """A chooser that pays for carbon so that money breaks ties only."""
        return greener(self.chooser, GREEN_CENTS_PER_G)


def greener(chooser: Chooser, cents_per_g: int) -> Chooser:
    """A chooser on the same network and stock to whom a gram of CO2e costs so much, all else as before."""
    weights = {**chooser.policy.weights_permille, "carbon": 1000}
    green = replace(chooser.policy, weights_permille=weights, carbon_cents_per_tonne=cents_per_g * 1_000_000)
    pol = compile_policy(chooser.compiled, green)
    return Chooser(chooser.compiled, chooser.tools, chooser.rows, chooser.live, green, pol)


def _of_plan(plan: Plan) -> Choice:
    """A plan that was decided on its own, as one choice among others that may have been missed."""
    return Choice(value_of(plan), lambda: plan, False)


def _is_divided(plan: Plan) -> bool:
    """Whether units of one line are in several shipments."""
    parts = [part.line_id for shipment in plan.shipments for part in shipment.lines]
    return len(set(parts)) < len(parts)


def _serves_the_same(plan: Plan, cheapest: Plan) -> bool:
    """Whether a plan was found that leaves out what the cheapest leaves out, and no more."""
    return bool(plan.shipments) and {u.line_id for u in plan.unmet} == {u.line_id for u in cheapest.unmet}


def _as_option(plan: Plan, cheapest: Plan, limit: str) -> Plan:
    """Say what holds for the order as it is of a plan found under another date or price of carbon, or too early."""
    return replace(
        plan, status=Status.FEASIBLE, limit=limit, bound_cents=cheapest.bound_cents, relaxed=cheapest.relaxed
    )


def _cut_short(build: Callable[[], Plan], cheapest: Plan, limit: str) -> Plan:
    return _as_option(build(), cheapest, limit)


def _repriced(request: Evaluator, plan: Plan) -> Plan:
    """A plan of another policy under the request's own."""
    line_at = {line.line_id: i for i, line in enumerate(request.order.lines)}
    shipments = []
    for old in plan.shipments:
        items = tuple(sorted((line_at[line.line_id], line.quantity) for line in old.lines))
        new = next(s for route in _routes_of(request, old) if _same(s := request.shipment(route, items), old))
        assert isinstance(new, Shipment), "the price of carbon makes no shipment impossible"
        shipments.append(new)
    unserved = [line_at[unmet.line_id] for unmet in plan.unmet]
    return request.plan(shipments, unserved, plan.status, plan.bound_cents, method=plan.method)


def _routes_of(request: Evaluator, shipment: Shipment) -> Iterator[Route]:
    """Routes of the same node, method, service and place."""
    network = request.network
    service = network.service_index[shipment.service] if shipment.service is not None else -1
    place = network.node_index[shipment.place] if shipment.place is not None else -1
    for route in request.ways.of_node(network.node_index[shipment.node]):
        if (route.method, route.service, route.place) == (shipment.method, service, place):
            yield route


def _same(new: Shipment | Refusal, old: Shipment) -> bool:
    """Whether two shipments differ in their costs only; two lanes may lead to one place."""
    return isinstance(new, Shipment) and new.promise == old.promise and new.co2e_g == old.co2e_g


def _named(values: Sequence[Value]) -> dict[str, int]:
    """Which of the values is the cheapest, the fastest, the greenest; ties go by the other criteria, cost first."""
    if not values:
        return {}
    order = range(len(values))
    return {
        "cheapest": min(order, key=lambda i: values[i]),
        "fastest": min(order, key=lambda i: (values[i][1], values[i][0], values[i][2])),
        "greenest": min(order, key=lambda i: (values[i][2], values[i][0], values[i][1])),
    }


def _spread(values: Sequence[Value], first: list[int], limit: int | None) -> list[int]:
    """
    At most so many positions, ascending: the first ones, then always the one that is farthest from all that are in.

    >>> _spread([(0, 9, 0), (1, 8, 0), (5, 5, 0), (9, 0, 0)], [0, 3], 3)
    [0, 2, 3]
    """
    count = len(values) if limit is None else min(limit, len(values))
    if count == len(values):
        return list(range(count))
    spans = [max(1, max(axis) - min(axis)) for axis in zip(*values, strict=True)]
    kept = first[:count]

    def apart(i: int) -> float:
        return min(
            math.fsum(((a - b) / span) ** 2 for a, b, span in zip(values[i], values[j], spans, strict=True))
            for j in kept
        )

    while len(kept) < count:
        kept.append(max((i for i in range(len(values)) if i not in kept), key=apart))
    return sorted(kept)

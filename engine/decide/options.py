"""
The choices of an order, not only the winner: plans of which none is beaten in cost, date and carbon at once.

All plans with whole lines are compared, under the rules (and relaxations, where it takes any) of `Engine.decide`. CO2e
counts the customer's trip to a place. What a partial order leaves unserved is for the cheapest plan to say; all its
options serve the same lines, so that leaving goods out is never sold as fast or green. Where lines must be divided, or
are too many for labels, the plans come from deciding again with ever earlier dates, and with carbon alone to pay for:
those say that they are not exact.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from engine.decide.choose import Chooser
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.domain.plan import Plan, Refusal, Shipment, Status
from engine.domain.units import epoch_s
from engine.network.routes import Route
from engine.optimise.intake import fits_kernel, items_of, orders_of
from engine.optimise.labels import C_FOUND, Labels, labels
from engine.optimise.pareto import find_options
from engine.optimise.tables import PL_NODE, compile_policy
from engine.optimise.workspace import S_AT_PLACE, S_FIELDS, S_ID, S_KIND, S_NODE
from engine.options.evaluate import Evaluator
from engine.options.request import Items

DATES_MAX = 8  # plans that are decided one by one, each in this part of the deadline
GREEN_CENTS_PER_G = 100
Value = tuple[int, int, int]  # cost in cents, deliver_by in epoch seconds, CO2e in grams


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


@dataclass(frozen=True, slots=True)
class _Choice:
    """A plan that may be an option: its values, and how to build it."""

    value: Value
    build: Callable[[], Plan]
    exact: bool


class OptionFinder:
    """Finds the options of orders by the means of a chooser; holds the room that this takes."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self._labels: Labels = labels()

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

    def _choices(self, order: Order, deadline_s: float | None) -> list[_Choice]:
        chooser = self.chooser
        request = chooser.request(order)
        if not order.partial and fits_kernel(request):
            found = self._by_labels(request, (), deadline_s)
            if found:
                return found
        plan = chooser.plan(order, deadline_s)
        if plan.status in (Status.INFEASIBLE, Status.NOT_FOUND):
            return []
        request = chooser.request(order, plan.relaxed)
        if not plan.shipments:
            return [_Choice(_value(plan), lambda: plan, plan.status == Status.OPTIMAL)]
        found = []
        if fits_kernel(request):
            left_out = {unmet.line_id for unmet in plan.unmet}
            lines = [i for i, line in enumerate(order.lines) if line.line_id in left_out]
            found = self._by_labels(request, lines, deadline_s)
        return found or self._by_dates(request, plan, deadline_s)

    def _by_labels(self, request: Evaluator, unserved: Sequence[int], deadline_s: float | None) -> list[_Choice]:
        """All plans with whole lines, by cost; none where there is none."""
        chooser, rows, lab = self.chooser, self.chooser.rows, self._labels
        rows.trim()
        orders = orders_of(chooser.compiled, rows, [request])
        items = items_of(request)
        target = sum(1 << item for item in {item for i, item in enumerate(items) if i not in unserved})
        exact = find_options(
            chooser.compiled.net,
            chooser.pol,
            chooser.arrays,
            rows.reach(),
            orders,
            0,
            target,
            chooser.workspace,
            lab,
        )
        none = request.plan((), unserved, Status.OPTIMAL, 0)  # for the price of what is left out
        built: dict[tuple[Route, Items], Shipment] = {}
        choices = []
        for i in range(int(lab.state[C_FOUND])):
            row = lab.found[i]
            place = int(orders.places[row["place"], PL_NODE]) if row["place"] >= 0 else -1
            parts = tuple(self._part(request, items, part, place) for part in lab.chosen[i, : row["number"]])
            value = (int(row["cost"]) + none.cost_cents, int(row["deliver"]), int(row["co2e"]))
            build = partial(_build, request, parts, tuple(unserved), value, exact, built)
            choices.append(_Choice(value, build, exact))
        if choices and not exact:
            choices.append(_of_plan(self.chooser.plan(request.order, deadline_s)))
        return _unbeaten(choices)

    def _part(
        self, request: Evaluator, items: Sequence[int], part: NDArray[np.int64], place: int
    ) -> tuple[Route, Items]:
        """Route and lines of a shipment that the kernel chose."""
        chosen, kind, candidate, which, at_place = (int(v) for v in part)
        row = np.zeros(S_FIELDS, dtype=np.int64)
        row[S_KIND], row[S_ID], row[S_AT_PLACE] = kind, which, at_place
        row[S_NODE] = self.chooser.workspace.candidate[candidate]["node"]
        lines = request.order.lines
        taken = tuple((i, line.quantity) for i, line in enumerate(lines) if chosen >> items[i] & 1)
        return self.chooser.route_of(row, place), taken

    def _by_dates(self, request: Evaluator, cheapest: Plan, deadline_s: float | None) -> list[_Choice]:
        """The cheapest plan, the cheapest of ever earlier dates, and the greenest."""
        plans = [cheapest]
        deadline_s = deadline_s / DATES_MAX if deadline_s is not None else None
        # An earlier date must not divide lines that could be had whole by the order's own.
        split = self.chooser.splittable(request) if _is_divided(cheapest) else frozenset()
        undated = tuple(name for name in request.relaxed if not name.startswith("deliver_by"))
        while len(plans) < DATES_MAX and (last := plans[-1].deliver_by) is not None:
            earlier = replace(request.order, deliver_by=last - timedelta(seconds=1))
            plan = self.chooser.best(self.chooser.request(earlier, undated), deadline_s, split)
            if not _serves_the_same(plan, cheapest):
                break
            plans.append(plan)
        green = self._green.best(self._green.request(request.order, request.relaxed), deadline_s, split)
        if _serves_the_same(green, cheapest):
            plans.append(_repriced(request, green))
        return _unbeaten([_of_plan(_as_option(plan, cheapest)) for plan in plans])

    @cached_property
    def _green(self) -> Chooser:
        """A chooser to whom a gram of CO2e is worth as much as GREEN_CENTS_PER_G, so that money breaks ties only."""
        policy = self.chooser.policy
        weights = {**policy.weights_permille, "carbon": 1000}
        green = replace(policy, weights_permille=weights, carbon_cents_per_tonne=GREEN_CENTS_PER_G * 1_000_000)
        chooser = self.chooser
        pol = compile_policy(chooser.compiled, green)
        return Chooser(chooser.compiled, chooser.tools, chooser.rows, chooser.live, green, pol)


def _build(
    request: Evaluator,
    parts: tuple[tuple[Route, Items], ...],
    unserved: tuple[int, ...],
    value: Value,
    exact: bool,
    built: dict[tuple[Route, Items], Shipment],
) -> Plan:
    """The plan of some shipments; `built` keeps those that several plans share."""
    shipments = []
    for part in parts:
        if part not in built:
            shipment = request.shipment(*part)
            assert not isinstance(shipment, Refusal), f"the labels hold a shipment that cannot be: {shipment}"
            built[part] = shipment
        shipments.append(built[part])
    status = Status.OPTIMAL if exact else Status.FEASIBLE
    limit = "" if exact else "labels"
    plan = request.plan(shipments, unserved, status, value[0], limit=limit, method="labels")
    assert _value(plan) == value, f"order {plan.order_id}: labels say {value}, recount {_value(plan)}"
    return plan


def _value(plan: Plan) -> Value:
    """Cost, date and CO2e of a plan; 0 for the date of a plan without shipments."""
    return plan.cost_cents, epoch_s(plan.deliver_by) if plan.deliver_by is not None else 0, plan.co2e_g


def _of_plan(plan: Plan) -> _Choice:
    """A plan that was decided on its own, as one choice among others that may have been missed."""
    return _Choice(_value(plan), lambda: plan, False)


def _is_divided(plan: Plan) -> bool:
    """Whether units of one line are in several shipments."""
    parts = [part.line_id for shipment in plan.shipments for part in shipment.lines]
    return len(set(parts)) < len(parts)


def _serves_the_same(plan: Plan, cheapest: Plan) -> bool:
    """Whether a plan was found that leaves out what the cheapest leaves out, and no more."""
    return bool(plan.shipments) and {u.line_id for u in plan.unmet} == {u.line_id for u in cheapest.unmet}


def _as_option(plan: Plan, cheapest: Plan) -> Plan:
    """Say of a plan found under another date or price of carbon what holds for the order as it is."""
    if plan is cheapest:
        return plan
    return replace(
        plan, status=Status.FEASIBLE, limit="dates", bound_cents=cheapest.bound_cents, relaxed=cheapest.relaxed
    )


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


def _unbeaten(choices: Iterable[_Choice]) -> list[_Choice]:
    """The choices that no other is at least as good as in every criterion, one of each value, by cost."""
    out: list[_Choice] = []
    for choice in sorted(choices, key=lambda c: c.value):
        _, deliver, grams = choice.value
        if not any(kept.value[1] <= deliver and kept.value[2] <= grams for kept in out):
            out.append(choice)
    return out


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

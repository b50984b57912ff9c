"""
The obviously right optimum of a small order: try everything.

Every way to cut the order into shipments, every route for each of them, at most one place; each shipment priced by
`Evaluator`, the rules that couple shipments checked here, the cheapest kept. No lines but a handful, no networks but
small ones. Follows MODEL.md section 6 step by step; what it reads into that section where it leaves a choice:

- "deliver_by" steps do not add up: of +2 and +5 days, +5 count.
- A partial order counts as infeasible while not a single line of it can be served. If no relaxation helps, it is
  answered by a plan without shipments that relaxes nothing.
- A keep_together group is served together or left out together.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from engine.costs.terms import order_terms
from engine.domain.plan import Plan, Shipment, Status
from engine.network.routes import Route
from engine.options.evaluate import Evaluator, Tools
from engine.options.request import Items, relaxed_name
from tests.strategies import Case

Vector = tuple[int, ...]  # units of each line; of a line that stays whole 0 or 1 stand for nothing and all of it
CUTS_MAX = 20_000
Limits = tuple[int | None, int | None]


@dataclass(frozen=True)
class Answer:
    """The optimum of a case. `plan` is None where nothing is feasible; `split` says that quantities were split."""

    cost_cents: int | None
    plan: Plan | None
    relaxed: tuple[str, ...] = ()
    split: bool = False


class TooLargeError(Exception):
    """There are more ways to cut the order up than a twin should try."""


def best(case: Case, tools: Tools | None = None) -> Answer:
    """
    The cheapest plan of a case, over all relaxations it needs.

    Raises TooLargeError where quantities can be split in more ways than CUTS_MAX.
    """
    tools = tools or Tools.of(case.network, case.live.num_days)
    steps = [relaxed_name(step) for step in case.policy.relaxations]
    for num_relaxed in range(len(steps) + 1):
        relaxed = tuple(steps[:num_relaxed])
        evaluator = Evaluator(case.network, case.live, case.policy, case.order, tools, relaxed=relaxed)
        for split in (False, True) if case.policy.allow_quantity_split else (False,):
            search = _Search(evaluator, splittable(evaluator) if split else frozenset())
            plan = search.best() if not split or search.split_lines else None
            if plan is not None and (plan.shipments or search.any_served):
                return Answer(plan.cost_cents, plan, relaxed, split)
    if case.order.partial:
        evaluator = Evaluator(case.network, case.live, case.policy, case.order, tools)
        nothing = evaluator.plan((), range(len(case.order.lines)), Status.OPTIMAL, 0)
        return Answer(nothing.cost_cents, replace(nothing, bound_cents=nothing.cost_cents))
    return Answer(None, None)


def whole(evaluator: Evaluator) -> Answer:
    """The cheapest plan with whole lines, under exactly the evaluator's relaxations."""
    plan = _Search(evaluator, frozenset()).best()
    return Answer(plan.cost_cents if plan is not None else None, plan, evaluator.relaxed)


def all_plans(evaluator: Evaluator, unserved: tuple[int, ...] = ()) -> Iterator[Plan]:
    """Every feasible plan with whole lines that leaves exactly these lines out. A place is in it if it is used."""
    search = _Search(evaluator, frozenset())
    demand = tuple(0 if i in unserved else 1 for i in range(len(evaluator.order.lines)))
    for cut in cuts(demand):
        if not search._cut_allowed(cut):
            continue
        for place in (-1, *evaluator.ways.places):
            for chosen in product(*(search._options(part, place) for part in cut)):
                if place >= 0 and all(route.place < 0 for _, route, _ in chosen):
                    continue  # counted without the place
                shipments = [shipment for _, _, shipment in chosen]
                if search._fits(shipments):
                    yield evaluator.plan(shipments, unserved, Status.OPTIMAL, 0)


def splittable(evaluator: Evaluator) -> frozenset[int]:
    """Lines that may be split in units: no single allowed route can serve them whole and no rule keeps them whole."""
    grouped = {line_id for group in evaluator.order.keep_together if len(group) > 1 for line_id in group}
    return frozenset(
        i
        for i, line in enumerate(evaluator.order.lines)
        if not evaluator.skus[i].never_split
        and line.line_id not in grouped
        and line.quantity > 1
        and not any(isinstance(evaluator.shipment(r, ((i, line.quantity),)), Shipment) for r in evaluator.routes)
    )


class _Search:
    """All plans of one evaluator."""

    def __init__(self, evaluator: Evaluator, split_lines: frozenset[int]) -> None:
        self.evaluator = evaluator
        self.split_lines = split_lines
        self.any_served = False  # whether any plan of a partial order has a shipment
        lines = evaluator.order.lines
        self.demand = tuple(line.quantity if i in split_lines else 1 for i, line in enumerate(lines))
        index = {line.line_id: i for i, line in enumerate(lines)}
        self.groups = [tuple(index[line_id] for line_id in group) for group in evaluator.order.keep_together]
        self.options: dict[Vector, list[tuple[int, Route, Shipment]]] = {}
        self.key: tuple[int, ...] | None = None
        self.chosen: tuple[list[Shipment], list[int]] | None = None

    def best(self) -> Plan | None:
        lines = range(len(self.demand))
        for left in range(1 << len(self.demand)) if self.evaluator.order.partial else (0,):
            unserved = [i for i in lines if left >> i & 1]
            if any(len({i in unserved for i in group}) > 1 for group in self.groups):
                continue
            demand = tuple(0 if i in unserved else self.demand[i] for i in lines)
            self._try_cuts(demand, unserved)
        if self.chosen is None or self.key is None:
            return None
        shipments, unserved = self.chosen
        plan = self.evaluator.plan(shipments, unserved, Status.OPTIMAL, self.key[0])
        assert plan.cost_cents == self.key[0], "the twin's sum is not the plan's"
        return plan

    def _try_cuts(self, demand: Vector, unserved: list[int]) -> None:
        for num_cuts, cut in enumerate(cuts(demand)):
            if num_cuts > CUTS_MAX:
                raise TooLargeError(str(demand))
            if self._cut_allowed(cut):
                for place in (-1, *self.evaluator.ways.places):
                    self._choose(cut, place, unserved)

    def _cut_allowed(self, cut: tuple[Vector, ...]) -> bool:
        evaluator = self.evaluator
        if len(cut) > evaluator.shipments_max:
            return False
        if any(len({part[i] > 0 for i in group}) > 1 for group in self.groups for part in cut):
            return False
        pieces = [sum(part[i] > 0 for part in cut) for i in range(len(self.demand))]
        if max(pieces, default=0) > evaluator.shipments_per_line_max:
            return False
        worth = [sum(evaluator.skus[i].value_cents * q for i, q in self._items(part)) for part in cut]
        return len(cut) < 2 or min(worth) >= evaluator.min_parcel_value_cents

    def _items(self, part: Vector) -> Items:
        lines = self.evaluator.order.lines
        return tuple(
            (i, units if i in self.split_lines else lines[i].quantity) for i, units in enumerate(part) if units
        )

    def _options(self, part: Vector, place: int) -> list[tuple[int, Route, Shipment]]:
        """What can carry one part of the cut, cheapest first; home always, else one place."""
        if part not in self.options:
            found = []
            for route in self.evaluator.routes:
                shipment = self.evaluator.shipment(route, self._items(part))
                if isinstance(shipment, Shipment):
                    found.append((shipment.cost_cents, route, shipment))
            self.options[part] = sorted(found, key=lambda option: option[0])
        return [option for option in self.options[part] if option[1].place in (-1, place)]

    def _choose(self, cut: tuple[Vector, ...], place: int, unserved: list[int]) -> None:
        evaluator = self.evaluator
        options = [self._options(part, place) for part in cut]
        if not all(options):
            return
        if cut and not self.any_served and evaluator.order.partial:
            self.any_served = any(self._fits([shipment for _, _, shipment in rows]) for rows in product(*options))
        floor = [0]  # the least that parts from each on cost
        for rows in reversed(options):
            floor.append(floor[-1] + rows[0][0])
        floor.reverse()
        lines = evaluator.order.lines
        sold = [(evaluator.sku_index[i], lines[i].quantity) for i in unserved]

        def of_order(trip_m: int | None) -> int:
            terms = order_terms(
                evaluator.network, evaluator.policy, num_shipments=len(cut), trip_distance_m=trip_m, unserved=sold
            )
            return sum(term.amount_cents for term in terms)

        def descend(at: int, spent: int, chosen: list[tuple[int, Route, Shipment]]) -> None:
            if self.key is not None and spent + floor[at] > self.key[0]:
                return
            if at < len(cut):
                for option in options[at]:
                    descend(at + 1, spent + option[0], [*chosen, option])
                return
            if place >= 0 and all(route.place < 0 for _, route, _ in chosen):
                return  # counted without the place
            shipments = [shipment for _, _, shipment in chosen]
            key = self._key(spent, [route for _, route, _ in chosen], shipments)
            if (self.key is None or key < self.key) and self._fits(shipments):
                self.key, self.chosen = key, (shipments, unserved)

        descend(0, of_order(evaluator.ways.trip_distance_m(place) if place >= 0 else None), [])

    def _key(self, cost: int, routes: list[Route], shipments: list[Shipment]) -> tuple[int, ...]:
        """Cost, then MODEL.md's ties: something before nothing, date, shipments, nodes, services."""
        latest = max((int(s.promise.deliver_by.timestamp()) for s in shipments), default=0)
        nodes, services = sorted(r.node for r in routes), sorted(r.service for r in routes)
        return cost, not shipments, latest, len(shipments), *nodes, *services

    def _fits(self, shipments: list[Shipment]) -> bool:
        """Stock and capacity of the nodes, over all shipments together."""
        evaluator = self.evaluator
        index = evaluator.network.node_index
        taken: Counter[tuple[int, int]] = Counter()
        line_of = {line.line_id: i for i, line in enumerate(evaluator.order.lines)}
        days: dict[tuple[int, int], list[int]] = {}
        hours: dict[tuple[int, int, int], list[int]] = {}
        for shipment in shipments:
            k = index[shipment.node]
            for part in shipment.lines:
                taken[k, line_of[part.line_id]] += part.quantity
            day, hour = evaluator.tools.dates.pick_cell(k, shipment.promise.pick_start)
            units = sum(part.quantity for part in shipment.lines)
            days.setdefault((k, day), []).append(units)
            hours.setdefault((k, day, hour), []).append(units)
        if any(units > evaluator.available(k, line) for (k, line), units in taken.items()):
            return False
        for (k, day), picked in days.items():
            node = evaluator.network.nodes[k]
            used, own = evaluator.live.used_day(k, day), evaluator.live.own_limits.get((k, day, -1))
            if not _room(picked, used, _own_first(own, (node.capacity_day_orders, node.capacity_day_units))):
                return False
        for (k, day, hour), picked in hours.items():
            node = evaluator.network.nodes[k]
            general = node.capacity_hour_orders, node.capacity_hour_units
            if general == (None, None):
                continue  # nothing is counted by the hour
            used, own = evaluator.live.used_hour(k, day, hour), evaluator.live.own_limits.get((k, day, hour))
            if not _room(picked, used, _own_first(own, general)):
                return False
        return True


def _own_first(own: Limits | None, general: Limits) -> Limits:
    """What a cell takes: its own limits, else its node's."""
    orders, units = own or (None, None)
    return (general[0] if orders is None else orders, general[1] if units is None else units)


def _room(picked: list[int], used: tuple[int, int], limits: tuple[int | None, int | None]) -> bool:
    added = len(picked), sum(picked)
    return all(limit is None or u + a <= limit for u, a, limit in zip(used, added, limits, strict=True))


def cuts(demand: Vector, most: Vector | None = None) -> Iterator[tuple[Vector, ...]]:
    """
    All ways to write a vector as a sum of others, each once: parts never rise from one to the next.

    >>> list(cuts((1, 1)))
    [((1, 1),), ((1, 0), (0, 1))]
    """
    if not any(demand):
        yield ()
        return
    lead = next(i for i, units in enumerate(demand) if units)
    for first in product(*(range(units, -1, -1) for units in demand)):
        # A part of the first line that is left comes first, so that all later parts are no larger.
        if first[lead] and (most is None or first <= most):
            rest = tuple(d - f for d, f in zip(demand, first, strict=True))
            for others in cuts(rest, first):
                yield (first, *others)

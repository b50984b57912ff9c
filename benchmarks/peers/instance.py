"""
One order with whole lines as the plain data that a solver model needs, without enumerating sets of lines.

Read from the facts that `Dates` and `RateCards` give, priced by the formulas of engine/MODEL.md sections 3 and 4
written down once more. In the letters of the models built from it (see formulation.py):

    w_i, v_i, q_i    weight (g), volume (cm3) and units of line i
    c_ir             cents that line i adds to a shipment over route r, whatever else is in it
    variant j of r   a box of (weight, volume, lines, units), a set of triggers, a release, and the fixed cents of a
                     shipment over r whose contents fall into it. The variants of a route do not overlap

A trigger is a condition on the goods that some surcharge has (a side above a limit, hazardous, oversize); a line sets a
fixed subset of them and a shipment the union. A release is the date of the last inbound unit that a line waits for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from operator import or_
from typing import NamedTuple

from benchmarks.peers.dates import dates_of
from benchmarks.peers.parcels import Step, Tariffs
from engine.domain.plan import Refusal
from engine.domain.units import rounded, weighted_cents
from engine.network.routes import Route
from engine.options.evaluate import Evaluator
from engine.options.ways import Way

Four = tuple[int, int, int, int]  # weight_g, volume_cm3, lines, units
ANY: Four = (0, 0, 0, 0)
BIG = 1 << 40


class Variant(NamedTuple):
    """One box of contents with its fixed cents. `cell` is the (day, hour) of the pick."""

    cents: int
    low: Four
    high: Four
    triggers: int  # exactly these, as bits
    release: int  # rank among the releases of the route's lines: the latest of its lines has exactly this one
    cell: tuple[int, int]


class Rounding(NamedTuple):
    """An amount that is rounded as a whole: floor((fixed + sum of by_line over lines + inner * scale) / divisor)."""

    divisor: int
    fixed: int
    by_line: tuple[int, ...]
    inner: "Rounding | None" = None
    scale: int = 0


@dataclass(frozen=True, eq=False)
class Facts:
    """A route and all it may carry."""

    route: Route
    line_cents: tuple[int | None, ...]  # None: the line cannot go this way
    line_release: tuple[int, ...]
    variants: tuple[Variant, ...]
    roundings: tuple[Rounding, ...]
    holes: bool  # some contents may have no variant though larger ones have
    copies_max: int = BIG  # shipments over it that a best plan may have

    @property
    def lines(self) -> tuple[int, ...]:
        """Lines that can go this way."""
        return tuple(i for i, cents in enumerate(self.line_cents) if cents is not None)


@dataclass(frozen=True, eq=False)
class Instance:
    """One order under one set of relaxations."""

    weight_g: tuple[int, ...]
    volume_cm3: tuple[int, ...]
    units: tuple[int, ...]
    value_cents: tuple[int, ...]
    triggers: dict[int, tuple[int, ...]]  # by service: bits that each line sets
    alone: tuple[bool, ...]
    groups: tuple[tuple[int, ...], ...]
    unserved_cents: tuple[int, ...] | None  # None: the order is not partial
    split_cents: tuple[int, ...]  # by number of shipments, from 0
    trip_cents: dict[int, int]  # by place
    min_value_cents: int
    free: dict[tuple[int, int, int], tuple[int | None, int | None]]  # (node, day, hour or -1) -> orders, units
    facts: tuple[Facts, ...]

    @property
    def num_lines(self) -> int:
        """Lines of the order."""
        return len(self.units)

    def measures(self, lines: Iterable[int]) -> Four:
        """Weight, volume, number and units of some lines."""
        held = tuple(lines)
        return (
            sum(self.weight_g[i] for i in held),
            sum(self.volume_cm3[i] for i in held),
            len(held),
            sum(self.units[i] for i in held),
        )

    def cost(self, facts: Facts, lines: Sequence[int]) -> int | None:
        """Cents of a shipment of some lines over a route; None where it cannot be."""
        if any(facts.line_cents[i] is None for i in lines) or (len(lines) > 1 and any(self.alone[i] for i in lines)):
            return None
        size = self.measures(lines)
        bits = self.triggers.get(facts.route.service, (0,) * self.num_lines)
        triggers = reduce(or_, (bits[i] for i in lines), 0)
        release = max(facts.line_release[i] for i in lines)
        for j in facts.variants:
            inside = all(low <= x <= high for low, x, high in zip(j.low, size, j.high, strict=True))
            if inside and (j.triggers, j.release) == (triggers, release):
                by_line = sum(facts.line_cents[i] or 0 for i in lines)
                return j.cents + by_line + sum(rounding_value(r, lines) for r in facts.roundings)
        return None


def rounding_value(rounding: Rounding, lines: Sequence[int]) -> int:
    """What a rounded amount comes to for some lines."""
    top = rounding.fixed + sum(rounding.by_line[i] for i in lines)
    if rounding.inner is not None:
        top += rounding.scale * rounding_value(rounding.inner, lines)
    return top // rounding.divisor


def instance_of(evaluator: Evaluator) -> Instance:
    """Read the facts of an order. Looks at every allowed route; lines stay whole."""
    policy, lines = evaluator.policy, evaluator.order.lines
    index = {line.line_id: i for i, line in enumerate(lines)}
    units = tuple(line.quantity for line in lines)
    skus = evaluator.skus
    num_max = min(len(lines), evaluator.shipments_max)
    tariffs = Tariffs(evaluator)
    groups = tuple(tuple(index[i] for i in group) for group in evaluator.order.keep_together if len(group) > 1)
    facts = [found for route in evaluator.routes if (found := _facts(evaluator, tariffs, route, groups)) is not None]
    values = tuple(sku.value_cents * q for sku, q in zip(skus, units, strict=True))
    extra = weighted_cents(policy.split_cents, policy.weight("split"))
    split = tuple(extra * max(0, k - 1) for k in range(num_max + 1))
    return Instance(
        weight_g=tuple(sku.weight_g * q for sku, q in zip(skus, units, strict=True)),
        volume_cm3=tuple(sku.volume_cm3 * q for sku, q in zip(skus, units, strict=True)),
        units=units,
        value_cents=values,
        triggers=tariffs.line_triggers,
        alone=tuple(sku.ships_alone for sku in skus),
        groups=groups,
        unserved_cents=tuple(_unserved(evaluator, value) for value in values) if evaluator.order.partial else None,
        split_cents=split,
        trip_cents={place: _trip(evaluator, place) for place in evaluator.ways.places},
        min_value_cents=evaluator.min_parcel_value_cents,
        free=_free(evaluator, facts),
        facts=tuple(facts),
    )


def _unserved(evaluator: Evaluator, value: int) -> int:
    policy = evaluator.policy
    raw = policy.unserved_base_cents + rounded(value * policy.unserved_value_permille, 1000)
    return weighted_cents(raw, policy.weight("unserved"))


def _trip(evaluator: Evaluator, place: int) -> int:
    policy, far_m = evaluator.policy, evaluator.ways.trip_distance_m(place)
    if far_m is None:
        return 0
    raw = policy.trip_base_cents + rounded(policy.trip_km_cents * far_m, 1000)
    grams = rounded(2 * far_m * policy.trip_co2e_g_per_km, 1000)
    return weighted_cents(raw, policy.weight("trip")) + _carbon(evaluator, grams)


def _carbon(evaluator: Evaluator, grams: int) -> int:
    policy = evaluator.policy
    return weighted_cents(rounded(grams * policy.carbon_cents_per_tonne, 10**6), policy.weight("carbon"))


def _free(evaluator: Evaluator, facts: list[Facts]) -> dict[tuple[int, int, int], tuple[int | None, int | None]]:
    """What is free in every cell that some variant picks in; hour -1 stands for the whole day."""
    out: dict[tuple[int, int, int], tuple[int | None, int | None]] = {}
    live = evaluator.live
    for k, day, hour in sorted({(f.route.node, *j.cell) for f in facts for j in f.variants}):
        node = evaluator.network.nodes[k]
        limits = {-1: (node.capacity_day_orders, node.capacity_day_units)}
        if hour >= 0:
            limits[hour] = node.capacity_hour_orders, node.capacity_hour_units
        if all(limit is None for pair in limits.values() for limit in pair):
            continue
        for slot, (orders, units) in limits.items():
            used = live.used_day(k, day) if slot < 0 else live.used_hour(k, day, slot)
            if orders is not None or units is not None:
                out[k, day, slot] = (
                    orders - used[0] if orders is not None else None,
                    units - used[1] if units is not None else None,
                )
    return out


def _facts(evaluator: Evaluator, tariffs: Tariffs, route: Route, groups: tuple[tuple[int, ...], ...]) -> Facts | None:
    """All that matters of one route; None if it can carry nothing."""
    way = evaluator.ways.way(route)
    if isinstance(way, Refusal) or (route.service >= 0 and way.zone < 0):
        return None
    order_lines = evaluator.order.lines
    releases: dict[int, int] = {}
    for i, line in enumerate(order_lines):
        item = ((i, line.quantity),)
        if evaluator.misfit(route, item) is None and (route.service < 0 or tariffs.takes(route.service, i)):
            release_s = evaluator.release_s(route.node, item)
            if isinstance(release_s, int):
                releases[i] = release_s
    for group in groups:
        if any(i not in releases for i in group):
            releases = {i: s for i, s in releases.items() if i not in group}
    if not releases:
        return None
    ranks = {s: rank for rank, s in enumerate(sorted(set(releases.values())))}
    fixed, by_line, roundings = _handling(evaluator, route, [line.quantity for line in order_lines])
    variants, holes = _variants(evaluator, tariffs, way, releases, ranks, fixed)
    if not variants:
        return None
    return Facts(
        route=route,
        line_cents=tuple(
            by_line[i] + _own_cents(evaluator, route.node, i) if i in releases else None
            for i in range(len(order_lines))
        ),
        line_release=tuple(ranks[releases[i]] if i in releases else 0 for i in range(len(order_lines))),
        variants=variants,
        roundings=roundings,
        holes=holes,
    )


def _own_cents(evaluator: Evaluator, k: int, i: int) -> int:
    """Rejection, opportunity and markdown of a line: weighed and rounded on their own."""
    policy, node, live = evaluator.policy, evaluator.network.nodes[k], evaluator.live
    sku, quantity = evaluator.sku_index[i], evaluator.order.lines[i].quantity
    lost_ppm = min(10**6, node.markdown_ppm_per_day * live.days_of_cover(k, sku))
    loss = rounded(evaluator.skus[i].value_cents * lost_ppm, 10**6) * quantity
    return (
        weighted_cents(rounded(node.rejection_ppm * policy.resourcing_cents, 10**6), policy.weight("rejection"))
        + weighted_cents(live.bid_price_cents(k, sku) * quantity, policy.weight("opportunity"))
        + weighted_cents(-loss, policy.weight("markdown"))
    )


def _handling(evaluator: Evaluator, route: Route, quantities: list[int]) -> tuple[int, list[int], tuple[Rounding, ...]]:
    """
    Picking, transfer and priority: fixed cents, cents by line, and what is rounded over a whole shipment.

    Sums that no rounding touches are linear; the others become `Rounding`s.
    """
    policy, node = evaluator.policy, evaluator.network.nodes[route.node]
    num = len(quantities)
    fixed = weighted_cents(policy.priority_cents * node.priority, policy.weight("priority"))
    by_line = [0] * num
    roundings: list[Rounding] = []
    hour = node.labour_cents_per_hour
    # rounded(a, 3600) is floor((2 a + 3600) / 7200)
    labour = Rounding(7200, 2 * node.handling_order_s * hour + 3600, (2 * node.handling_line_s * hour,) * num)
    sums: list[tuple[int, list[int], Rounding | None, str]] = [
        (
            node.cost_order_cents,
            [node.cost_line_cents + node.cost_unit_cents * q for q in quantities],
            labour,
            "picking",
        )
    ]
    if route.lane >= 0:
        lane = evaluator.network.lanes[route.lane]
        sums.append((lane.cost_order_cents, [lane.cost_unit_cents * q for q in quantities], None, "transfer"))
    for base, each, inner, rule in sums:
        weight = policy.weight(rule)
        if weight == 0:
            continue
        if inner is not None and _linear(inner):
            base += inner.fixed // inner.divisor
            each = [e + inner.by_line[0] // inner.divisor for e in each]
            inner = None
        if weight == 1000:
            fixed += base
            by_line = [a + b for a, b in zip(by_line, each, strict=True)]
            if inner is not None:
                roundings.append(inner)
            continue
        each = [2 * weight * e for e in each]
        roundings.append(Rounding(2000, 2 * weight * base + 1000, tuple(each), inner, 2 * weight))
    return fixed, by_line, tuple(roundings)


def _linear(rounding: Rounding) -> bool:
    """Whether a rounded amount of equal lines grows by the same whole cents with each of them."""
    return rounding.by_line[0] % rounding.divisor == 0


def _variants(
    evaluator: Evaluator, tariffs: Tariffs, way: Way, releases: dict[int, int], ranks: dict[int, int], fixed: int
) -> tuple[tuple[Variant, ...], bool]:
    """All variants of a route, and whether there may be holes between them."""
    weights, _ = tariffs.sums(releases)
    steps: dict[int, tuple[Step, ...]] = {}
    out: list[Variant] = []
    holes = False
    for release_s, rank in ranks.items():
        quantities = sorted(evaluator.order.lines[i].quantity for i, s in releases.items() if s <= release_s)
        for when in dates_of(evaluator, way, release_s, quantities):
            if when.ship_day not in steps:
                boxes = tariffs.boxes(way, when.ship_day, frozenset(releases))
                steps[when.ship_day] = tuple(_with_parcel_costs(evaluator, way, boxes.steps, weights))
                holes = holes or boxes.holes
            base, ((lines_low, lines_high), (units_low, units_high)) = when.cents + fixed, (when.lines, when.units)
            out += [
                Variant(
                    base + cents,
                    (weight_g[0], volume_cm3[0], lines_low, units_low),
                    (weight_g[1], volume_cm3[1], lines_high, units_high),
                    triggers,
                    rank,
                    when.cell,
                )
                for _, cents, weight_g, volume_cm3, triggers in steps[when.ship_day]
            ]
    return tuple(out), holes or len(steps) > 1  # cards of two days may lack different bands


def _with_parcel_costs(evaluator: Evaluator, way: Way, steps: Iterable[Step], weights: list[int]) -> Iterable[Step]:
    """Add packaging and carbon to the carrier's cents; carbon cuts a step between weights where its cents change."""
    policy, route, network = evaluator.policy, way.route, evaluator.network
    packaging = network.nodes[route.node].packaging_cents if route.service >= 0 else 0
    per_parcel = per_tonne_km = 0
    if route.service >= 0:
        service = network.services[route.service]
        per_parcel, per_tonne_km = service.co2e_g_per_parcel, service.co2e_g_per_tonne_km
    elif route.lane >= 0:
        per_tonne_km = network.lanes[route.lane].co2e_g_per_tonne_km
    for step in steps:
        wrapped = step.cents + weighted_cents(packaging * step.num_parcels, policy.weight("packaging"))
        if policy.carbon_cents_per_tonne == 0:
            yield step._replace(cents=wrapped)
            continue
        inside = weights[bisect_left(weights, step.weight_g[0]) : bisect_right(weights, step.weight_g[1])]
        grams = {w: per_parcel * step.num_parcels + rounded(w * way.distance_m * per_tonne_km, 10**9) for w in inside}
        for cents, alike in groupby(inside, key=lambda w, grams=grams: _carbon(evaluator, grams[w])):  # type: ignore[misc]
            held = list(alike)
            yield step._replace(cents=wrapped + cents, weight_g=(held[0], held[-1]))


def without(instance: Instance, facts: Iterable[Facts]) -> Instance:
    """The instance with these routes only."""
    return replace(instance, facts=tuple(facts))

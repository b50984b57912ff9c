"""
One order with whole lines as what a solver model needs: what each set of lines costs over each route.

Read from the plain `Evaluator`, `Dates`, `ZoneFinder` and `RateCards`, never from the kernel or its arrays, and put
together as engine/MODEL.md says, written down once more (dates.py, costs.py). With n lines, R routes:

    cents   (R, 2**n)   int64   cents of a shipment of a set of lines (bit i: line i) over a route, NEVER if not allowed

What concerns several shipments is beside it: splits, trips, the least value of a parcel, and the cells of capacity that
the shipments of this order could overfill together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.costs import Prices, carbon_cents, date_cents, node_cents, rounded, sums, weighted
from benchmarks.peers.dates import NEVER, Clockwork, Ints, Picks
from engine.domain.errors import InputError
from engine.domain.plan import Refusal
from engine.domain.units import rounded as rounded_cents
from engine.domain.units import weighted_cents
from engine.network.cells import BY_UNITS
from engine.network.routes import Route
from engine.options.evaluate import Evaluator, Tools
from engine.options.ways import Way

LINES_MAX = 12  # every set of lines has a column


@dataclass(frozen=True, slots=True)
class Facts:
    """A route and what each set of lines costs over it."""

    route: Route
    cents: Ints


@dataclass(frozen=True, slots=True)
class Cell:
    """Capacity that several shipments of the order could overfill: what is free, None where that is no limit."""

    node: int
    picked: NDArray[np.bool_]  # (num_sets,): shipments of this node that are picked in it
    orders: int | None
    units: int | None


@dataclass(frozen=True, eq=False)
class Instance:
    """One order under one set of relaxations."""

    units: tuple[int, ...]
    value_cents: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    unserved_cents: tuple[int, ...] | None  # None: the order is not partial
    split_cents: int  # of each shipment after the first
    shipments_max: int
    trip_cents: dict[int, int]  # by place
    min_value_cents: int
    routes: tuple[Route, ...]
    cents: Ints
    cells: tuple[Cell, ...]

    @property
    def num_lines(self) -> int:
        """Lines of the order."""
        return len(self.units)

    @cached_property
    def facts(self) -> tuple[Facts, ...]:
        """Each route with its row."""
        return tuple(map(Facts, self.routes, self.cents))

    def cost(self, facts: Facts, lines: Sequence[int]) -> int | None:
        """Cents of a shipment of some lines over a route; None where it cannot be."""
        cents = int(facts.cents[sum(1 << i for i in lines)])
        return cents if cents < NEVER else None


def instance_of(evaluator: Evaluator) -> Instance:
    """Read the facts of one order; for many, a `Reader` keeps what they share."""
    return Reader(evaluator.tools).read(evaluator)


class Reader:
    """Reads orders of one network and keeps what does not depend on the order: working time, hand-overs."""

    def __init__(self, tools: Tools) -> None:
        self.clockwork = Clockwork(tools)

    def read(self, evaluator: Evaluator) -> Instance:
        """
        Look at every allowed route and every set of lines that it may carry.

        Raises InputError for an order of more than LINES_MAX lines.
        """
        policy, lines = evaluator.policy, evaluator.order.lines
        if len(lines) > LINES_MAX:
            raise InputError(f"Order ({evaluator.order.order_id}) has {len(lines)} lines.", f"{LINES_MAX} at most.")
        index = {line.line_id: i for i, line in enumerate(lines)}
        groups = tuple(tuple(index[i] for i in group) for group in evaluator.order.keep_together if len(group) > 1)
        values = [sku.value_cents * line.quantity for sku, line in zip(evaluator.skus, lines, strict=True)]
        table = _Table(evaluator, self.clockwork, _sets_allowed(evaluator, groups))
        shipments_max = min(len(lines), evaluator.shipments_max)
        return Instance(
            units=tuple(line.quantity for line in lines),
            value_cents=tuple(values),
            groups=groups,
            unserved_cents=tuple(_unserved(evaluator, v) for v in values) if evaluator.order.partial else None,
            split_cents=weighted_cents(policy.split_cents, policy.weight("split")),
            shipments_max=shipments_max,
            trip_cents={place: _trip(evaluator, place) for place in evaluator.ways.places},
            min_value_cents=evaluator.min_parcel_value_cents,
            routes=evaluator.routes,
            cents=table.cents(),
            cells=tuple(table.cells(shipments_max)),
        )


def _sets_allowed(evaluator: Evaluator, groups: tuple[tuple[int, ...], ...]) -> NDArray[np.bool_]:
    """Sets of lines that may travel together: not empty, groups whole, what ships alone alone."""
    held = np.arange(1 << len(evaluator.skus))
    allowed = held > 0
    for i, sku in enumerate(evaluator.skus):
        if sku.ships_alone:
            allowed &= (held >> i & 1 == 0) | (held == 1 << i)
    for group in groups:
        whole = sum(1 << i for i in group)
        allowed &= (held & whole == 0) | (held & whole == whole)
    return allowed


def _unserved(evaluator: Evaluator, value: int) -> int:
    policy = evaluator.policy
    raw = policy.unserved_base_cents + rounded_cents(value * policy.unserved_value_permille, 1000)
    return weighted_cents(raw, policy.weight("unserved"))


def _trip(evaluator: Evaluator, place: int) -> int:
    policy, far_m = evaluator.policy, evaluator.ways.trip_distance_m(place)
    if far_m is None:
        return 0
    raw = policy.trip_base_cents + rounded_cents(policy.trip_km_cents * far_m, 1000)
    grams = rounded_cents(2 * far_m * policy.trip_co2e_g_per_km, 1000)
    return weighted_cents(raw, policy.weight("trip")) + int(carbon_cents(evaluator, np.array(grams)))


class _Table:
    """
    The costs of one order, by node and set of lines, then by route and set.

    `pick` (num_nodes, num_sets) is the pick of each shipment, -1 where the node has not got what it needs.
    """

    def __init__(self, evaluator: Evaluator, clockwork: Clockwork, allowed: NDArray[np.bool_]) -> None:
        self.evaluator, self.clockwork = evaluator, clockwork
        self.ways = [way for route in evaluator.routes if isinstance(way := evaluator.ways.way(route), Way)]
        self.nodes = np.unique(np.array([way.route.node for way in self.ways], dtype=np.int64))
        self.row_of_node = {int(k): row for row, k in enumerate(self.nodes)}
        lines = evaluator.order.lines
        self.units = sums([line.quantity for line in lines])
        self.weight_g = sums([sku.weight_g * line.quantity for sku, line in zip(evaluator.skus, lines, strict=True)])
        self.pick, self.picks = self._picked(allowed)
        self.by_node = node_cents(evaluator, self.nodes)
        self.prices = Prices(evaluator, np.flatnonzero((self.pick >= 0).any(axis=0)), self.pick.shape[1])

    def _releases(self) -> Ints:
        """From when each node could send each line, (num_nodes, num_lines); NEVER where it cannot."""
        evaluator = self.evaluator
        out = np.full((len(self.nodes), len(evaluator.order.lines)), NEVER, dtype=np.int64)
        for row, k in enumerate(self.nodes.tolist()):
            anyhow = Route(evaluator.routes[0].method, k)  # no service: only pins and groups of nodes are asked for
            for i, line in enumerate(evaluator.order.lines):
                item = ((i, line.quantity),)
                if evaluator.misfit(anyhow, item) is None:
                    release_s = evaluator.release_s(k, item)
                    if not isinstance(release_s, Refusal):
                        out[row, i] = release_s
        return out

    def _picked(self, allowed: NDArray[np.bool_]) -> tuple[Ints, Picks]:
        """The pick of every (node, set), and all picks; sets of a node share one if no date could tell them apart."""
        by_line = self._releases()
        release_s = np.zeros((len(self.nodes), len(allowed)), dtype=np.int64)
        for i in range(by_line.shape[1]):
            release_s[:, 1 << i : 2 << i] = np.maximum(release_s[:, : 1 << i], by_line[:, i : i + 1])
        by_units = (self.evaluator.live.limited[self.nodes] & BY_UNITS != 0).astype(np.int64)
        units = by_units.reshape(-1, 1) * self.units
        row, held = np.nonzero((release_s < NEVER) & allowed)
        num = sums([1] * by_line.shape[1])[held]
        keys = np.stack([row, release_s[row, held], num, units[row, held]])
        order = np.lexsort(keys[::-1])
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(keys[:, order]) != 0).any(axis=0)
        pick = np.full(release_s.shape, -1, dtype=np.int64)
        pick[row[order], held[order]] = np.cumsum(new) - 1
        row, release, lines, counted = keys[:, order[new]]
        # Where units count for nothing any number of them will do.
        return pick, self.clockwork.picks(self.evaluator, self.nodes[row], release, lines, np.maximum(1, counted))

    def cents(self) -> Ints:
        """(num_routes, num_sets)."""
        out = np.full((len(self.ways), self.pick.shape[1]), NEVER, dtype=np.int64)
        by_service: dict[int, list[int]] = {}
        for r, way in enumerate(self.ways):
            if way.route.place < 0:
                by_service.setdefault(way.route.service, []).append(r)
            elif way.route.service < 0 or way.zone >= 0:
                out[r] = self._to_place(way)
        for service, routes in by_service.items():
            routes = [r for r in routes if self.ways[r].zone >= 0]
            if routes:
                out[routes] = self._to_home(service, [self.ways[r] for r in routes])
        return out

    def _to_home(self, service: int, ways: list[Way]) -> Ints:
        """A service from all its nodes, (num_ways, num_sets)."""
        zones = np.full(len(self.evaluator.network.nodes), -1, dtype=np.int64)
        zones[[way.route.node for way in ways]] = [way.zone for way in ways]
        deliver_s, ship_day = self.clockwork.to_home(self.evaluator, service, ways[0].target, zones, self.picks)
        price_row = np.zeros(len(deliver_s), dtype=np.int64)
        going = np.flatnonzero(deliver_s < NEVER)
        # Zones and days as one number each, for few and small days beside each other.
        codes, which = np.unique(zones[self.picks.node[going]] << 32 | ship_day[going], return_inverse=True)
        rows = [self.prices.row(ways[0], int(code) >> 32, int(code) & 0xFFFFFFFF) for code in codes]
        price_row[going] = np.array(rows, dtype=np.int64)[which]
        return self._costs(ways, deliver_s, price_row)

    def _to_place(self, way: Way) -> Ints:
        """One route to a place, (num_sets,)."""
        deliver_s = np.full(len(self.picks.node), NEVER, dtype=np.int64)
        price_row = np.zeros(len(deliver_s), dtype=np.int64)
        for at in np.flatnonzero((self.picks.node == way.route.node) & (self.picks.end_s < NEVER)):
            deliver_s[at], ship_day = self.clockwork.to_place(self.evaluator, way, self.picks, int(at))
            if way.route.service >= 0 and deliver_s[at] < NEVER:
                price_row[at] = self.prices.row(way, way.zone, ship_day)
        row: Ints = self._costs([way], deliver_s, price_row)[0]
        return row

    def _costs(self, ways: list[Way], deliver_s: Ints, price_row: Ints) -> Ints:
        """Add up all terms of routes with one service (or none); arrivals and price rows are by pick."""
        evaluator, route = self.evaluator, ways[0].route
        at = [self.row_of_node[way.route.node] for way in ways]
        pick, cents = self.pick[at], self.by_node[at].copy()
        dates = np.append(date_cents(evaluator, self.picks, deliver_s), NEVER)  # pick -1: the last one
        price = np.append(price_row, 0)[pick]
        held = np.arange(pick.shape[1])
        carrier, parcels = np.array(self.prices.cents)[price, held], np.array(self.prices.num_parcels)[price, held]
        per_parcel = per_tonne_km = 0
        if route.service >= 0:
            service = evaluator.network.services[route.service]
            per_parcel, per_tonne_km = service.co2e_g_per_parcel, service.co2e_g_per_tonne_km
            each = np.array([[evaluator.network.nodes[way.route.node].packaging_cents] for way in ways])
            cents += weighted(evaluator, "packaging", each * parcels)
        elif route.lane >= 0:
            lane = evaluator.network.lanes[route.lane]
            per_tonne_km = lane.co2e_g_per_tonne_km
            cents += weighted(evaluator, "transfer", lane.cost_order_cents + lane.cost_unit_cents * self.units)
        if evaluator.policy.carbon_cents_per_tonne:
            far_m = np.array([[way.distance_m] for way in ways])
            grams = per_parcel * parcels + rounded(self.weight_g * far_m * per_tonne_km, 10**9)
            cents += carbon_cents(evaluator, grams)
        total = cents + np.where(dates[pick] < NEVER, dates[pick], 0) + np.where(carrier < NEVER, carrier, 0)
        return np.where((dates[pick] < NEVER) & (carrier < NEVER), total, NEVER)

    def cells(self, shipments_max: int) -> list[Cell]:
        """Cells without room for as many shipments as the order may have, or for all its units."""
        out: list[Cell] = []
        live, picks = self.evaluator.live, self.picks
        for row, k in enumerate(self.nodes.tolist()):
            if not live.limited[k]:
                continue
            first, last = np.searchsorted(picks.node, (k, k + 1))  # picks are by node
            mine = first + np.flatnonzero(picks.end_s[first:last] < NEVER)
            slots = [(int(d), -1) for d in np.unique(picks.day[mine])]
            slots += sorted({(int(picks.day[at]), int(picks.hour[at])) for at in mine})
            for day, hour in slots:
                used = live.used_day(k, day) if hour < 0 else live.used_hour(k, day, hour)
                limits = live.limits_of_day(k, day) if hour < 0 else live.limits_of_hour(k, day, hour)
                orders, units = (None if most is None else most - u for most, u in zip(limits, used, strict=True))
                if (orders is not None and orders < shipments_max) or (units is not None and units < self.units[-1]):
                    inside = (picks.day == day) & ((picks.hour == hour) | (hour < 0)) & (picks.end_s < NEVER)
                    out.append(Cell(k, np.append(inside, False)[self.pick[row]], orders, units))
        return out

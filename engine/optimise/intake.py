"""Orders into columns: what the caller's words become before a kernel sees them."""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from engine.costs.tariff import REMOTE, RESIDENTIAL, SIGNATURE
from engine.domain.order import METHODS, Method
from engine.network.compiled import CompiledNetwork
from engine.network.routes import Target
from engine.network.rows import TargetRows
from engine.optimise.tables import (
    F_NO_SAFETY,
    F_PARTIAL,
    F_PLACE_CHOSEN,
    F_PORTIONS,
    ITEMS_MAX,
    LINE,
    LINES_MAX,
    NO_LIMIT,
    O_FIELDS,
    PL_FIELDS,
    Orders,
)
from engine.optimise.workspace import UNITS_MAX
from engine.options.evaluate import Evaluator

HOMES_MAX = 50_000
PORTIONS_MAX = 1_024  # of an order, see portions.py; pairs of them are looked at


def items_of(request: Evaluator) -> list[int]:
    """The item of each line: lines that are kept together are one item; items are numbered by their first line."""
    order = request.order
    line_at = {line.line_id: i for i, line in enumerate(order.lines)}
    leader = list(range(len(order.lines)))
    for group in order.keep_together:
        first = min(line_at[line_id] for line_id in group)
        for line_id in group:
            leader[line_at[line_id]] = first
    number = {first: n for n, first in enumerate(sorted(set(leader)))}
    return [number[first] for first in leader]


def fits_kernel(request: Evaluator) -> bool:
    """Whether the subset kernel takes the order."""
    lines = len(request.order.lines)
    return lines <= ITEMS_MAX or (lines <= LINES_MAX and max(items_of(request)) < ITEMS_MAX)


def fits_in_pieces(request: Evaluator, split: frozenset[int]) -> bool:
    """Whether the subset kernel takes the order with some of its lines divided."""
    if request.order.partial or request.policy.use_inbound:
        return False
    if sum(request.order.lines[i].quantity for i in split) > UNITS_MAX:
        return False
    return _in_units(request, split) or _in_portions(request, split)


def _in_units(request: Evaluator, split: frozenset[int]) -> bool:
    """Whether each unit of the divided lines can be an item, and portions would serve no better."""
    units = [request.order.lines[i].quantity for i in split]
    if len(units) == 1 and units[0] > request.shipments_per_line_max and _in_portions(request, split):
        return False  # portions can tell how many shipments carry the line
    more = sum(units) - len(units)
    return len(request.order.lines) + more <= LINES_MAX and max(items_of(request)) + more < ITEMS_MAX


def _in_portions(request: Evaluator, split: frozenset[int]) -> bool:
    """Whether portions of the order are few enough (engine/optimise/portions.py)."""
    units = [request.order.lines[i].quantity for i in split]
    others = len(request.order.lines) - len(split)
    items, bits = max(items_of(request)) + 1 - len(split), sum(n.bit_length() for n in units)
    few = items + bits <= ITEMS_MAX and others + bits <= LINES_MAX
    return few and prod(n + 1 for n in units) << items <= PORTIONS_MAX


def _pieces(quantity: int, each: bool) -> list[int]:
    """Units of the pieces of a line: one each, or so that any number up to all of them is the sum of some."""
    if each:
        return [1] * quantity
    powers = [1 << i for i in range(quantity.bit_length() - 1)]
    return [*powers, quantity - sum(powers)]


class Row(NamedTuple):
    """A line, or a piece of a divided line, as the kernel sees it."""

    line: int
    quantity: int
    item: int
    pieces: int  # of its line, 0 where it is not divided
    piece: int


def rows_of(request: Evaluator, split: frozenset[int] = frozenset()) -> list[Row]:
    """The rows of an order, the lines of `split` divided; rows of a line follow each other."""
    each = bool(split) and _in_units(request, split)
    number: dict[int, int] = {}
    rows: list[Row] = []
    count = 0
    for i, (line, item) in enumerate(zip(request.order.lines, items_of(request), strict=True)):
        if i in split:
            pieces = _pieces(line.quantity, each)
            rows += [Row(i, units, count + j, len(pieces), j) for j, units in enumerate(pieces)]
            count += len(pieces)
            continue
        if item not in number:
            number[item] = count
            count += 1
        rows.append(Row(i, line.quantity, number[item], 0, 0))
    return rows


class Intake:
    """
    Brings requests into columns.

    What orders share is looked up once and kept: all that the kernel asks about a home, and about a place.

    Parameters
    ----------
    compiled, rows
        Of the network.
    """

    def __init__(self, compiled: CompiledNetwork, rows: TargetRows) -> None:
        self.compiled = compiled
        self.rows = rows
        self._all_services = (1 << len(compiled.network.services)) - 1
        self._places: dict[int, tuple[int, ...]] = {}
        self._homes: dict[Target, tuple[int, int, int, int]] = {}
        self._generation = rows.generation

    def orders(self, requests: Sequence[Evaluator], split: frozenset[int] = frozenset()) -> Orders:
        """The columns of orders that fit the kernel, lines of `split` in pieces; valid until slots are forgotten."""
        if self._generation != self.rows.generation or len(self._homes) > HOMES_MAX:
            self._places.clear()
            self._homes.clear()
            self._generation = self.rows.generation
        table: list[tuple[int, ...]] = []
        lines: list[tuple[int, ...]] = []
        nodes: list[int] = []
        places: list[tuple[int, ...]] = []
        for request in requests:
            table.append(self._row(request, lines, nodes, places, split))
        self.rows.fill()
        return Orders(
            np.array(table, dtype=np.int64).reshape(-1, O_FIELDS),
            np.array(lines, dtype=np.int64).reshape(-1, len(LINE.names or ())).view(LINE).reshape(-1),
            np.array(nodes, dtype=np.int32),
            np.array(places, dtype=np.int64).reshape(-1, PL_FIELDS),
        )

    def _row(
        self,
        request: Evaluator,
        lines: list[tuple[int, ...]],
        nodes: list[int],
        places: list[tuple[int, ...]],
        split: frozenset[int],
    ) -> tuple[int, ...]:
        """The row of an order, in the order of its fields; its lines, nodes and places are appended."""
        order, ways, index = request.order, request.ways, self.compiled.network.node_index
        slot, region, tz, flags = (-1, 0, 0, F_PLACE_CHOSEN) if ways.home is None else self._home(ways.home)
        if order.signature:
            flags |= SIGNATURE
        if order.partial:
            flags |= F_PARTIAL
        if request.relaxed and "safety_stock" in request.relaxed:
            flags |= F_NO_SAFETY
        self.rows.see(request.placed_s)
        line_from, excluded_from, place_from = len(lines), len(nodes), len(places)
        if split:
            flags |= 0 if _in_units(request, split) else F_PORTIONS
            rows = rows_of(request, split)
            lines += [(request.sku_index[r.line], r.quantity, request.pins[r.line], *r[2:]) for r in rows]
            num_items = max(r.item for r in rows) + 1
        else:
            items: Sequence[int] = items_of(request) if order.keep_together else range(len(order.lines))
            for sku, line, pin, item in zip(request.sku_index, order.lines, request.pins, items, strict=True):
                lines.append((sku, line.quantity, pin, item, 0, 0))
            num_items = max(items) + 1
        nodes += [index[n] for n in order.excluded_nodes]
        allowed_from = len(nodes)
        nodes += [index[n] for n in order.nodes]
        if ways.places:
            places += self._near(request)
        far = ways.distance_max_m
        return (
            request.placed_s,
            slot,
            region,
            tz,
            flags,
            NO_LIMIT if request.deliver_by_s is None else request.deliver_by_s,
            NO_LIMIT if request.requested_s is None else request.requested_s,
            _bits(ways.methods),
            self._services(request),
            self._groups(request),
            request.live.channel(order.channel),
            min(request.shipments_max, NO_LIMIT),
            NO_LIMIT if far is None else far,
            request.min_parcel_value_cents,
            line_from,
            len(lines),
            num_items,
            excluded_from,
            allowed_from,
            allowed_from,
            len(nodes),
            place_from,
            len(places),
            min(request.shipments_per_line_max, NO_LIMIT),
        )

    def _home(self, home: Target) -> tuple[int, int, int, int]:
        """Slot, region, time zone and flags of a home."""
        found = self._homes.get(home)
        if found is None:
            region, tz = self.compiled.regions[home.country, home.region], self.compiled.time_zones[home.tz]
            flags = RESIDENTIAL * home.residential + REMOTE * home.remote
            found = self._homes[home] = (self.rows.reserved(home), region, tz, flags)
        return found

    def _near(self, request: Evaluator) -> list[tuple[int, ...]]:
        """The rows of an order's places, their fields in order."""
        trip_m = request.ways.trip_distance_m
        return [(*self._place(request, place), trip_m(place) or 0) for place in request.ways.places]

    def _place(self, request: Evaluator, place: int) -> tuple[int, ...]:
        """What a row of a place says to whatever order."""
        found = self._places.get(place)
        if found is None:
            target = request.tools.place_target(place)
            region, tz = self.compiled.regions[target.country, target.region], self.compiled.time_zones[target.tz]
            found = self._places[place] = (place, self.rows.reserved(target), region, tz, int(target.remote))
        return found

    def _services(self, request: Evaluator) -> int:
        order, rule = request.order, request.ways.rule
        if not (order.services or order.excluded_services or rule.services):
            return self._all_services
        return sum(
            1 << s
            for s, service in enumerate(self.compiled.network.services)
            if (not order.services or service.service_id in order.services)
            and service.service_id not in order.excluded_services
            and (not rule.services or service.service_id in rule.services)
        )

    def _groups(self, request: Evaluator) -> int:
        """Bits of the channel rule's node groups; a bit that no node has where it names only unknown ones."""
        names = request.ways.rule.node_groups
        if not names:
            return 0
        groups = self.compiled.groups
        return sum(1 << groups[g] for g in set(names) if g in groups) or 1 << 62


@lru_cache(maxsize=1024)
def _bits(methods: frozenset[Method]) -> int:
    return sum(1 << m for m, method in enumerate(METHODS) if method in methods)

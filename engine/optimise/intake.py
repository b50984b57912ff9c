"""Orders into columns: what the caller's words become before a kernel sees them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import REMOTE, RESIDENTIAL, SIGNATURE
from engine.domain.order import METHODS
from engine.network.compiled import CompiledNetwork
from engine.network.rows import TargetRows
from engine.optimise.tables import (
    F_NO_SAFETY,
    F_PARTIAL,
    F_PLACE_CHOSEN,
    ITEMS_MAX,
    LINE,
    LINES_MAX,
    NO_LIMIT,
    O_ALLOWED_FROM,
    O_ALLOWED_TO,
    O_CHANNEL,
    O_DELIVER_BY,
    O_EXCLUDED_FROM,
    O_EXCLUDED_TO,
    O_FIELDS,
    O_FLAGS,
    O_GROUPS,
    O_ITEMS,
    O_LINE_FROM,
    O_LINE_TO,
    O_MAX_DISTANCE,
    O_MAX_SHIPMENTS,
    O_METHODS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_PLACED,
    O_REGION,
    O_REQUESTED,
    O_SERVICES,
    O_SLOT,
    O_TZ,
    PL_DISTANCE,
    PL_FIELDS,
    PL_NODE,
    PL_REGION,
    PL_REMOTE,
    PL_SLOT,
    PL_TZ,
    Orders,
)
from engine.options.evaluate import Evaluator


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


def orders_of(compiled: CompiledNetwork, rows: TargetRows, requests: Sequence[Evaluator]) -> Orders:
    """The columns of orders that fit the kernel."""
    table = np.zeros((len(requests), O_FIELDS), dtype=np.int64)
    lines: list[tuple[int, int, int, int]] = []
    nodes: list[int] = []
    places: list[list[int]] = []
    for i, request in enumerate(requests):
        _one(compiled, rows, request, table[i], lines, nodes, places)
    return Orders(
        table,
        np.array(lines, dtype=LINE),
        np.array(nodes, dtype=np.int32),
        np.array(places, dtype=np.int64).reshape(-1, PL_FIELDS),
    )


def _one(
    compiled: CompiledNetwork,
    rows: TargetRows,
    request: Evaluator,
    out: NDArray[np.int64],
    lines: list[tuple[int, int, int, int]],
    nodes: list[int],
    places: list[list[int]],
) -> None:
    order, ways, network = request.order, request.ways, compiled.network
    flags = SIGNATURE * order.signature + F_PARTIAL * order.partial
    flags += F_NO_SAFETY * ("safety_stock" in request.relaxed) + F_PLACE_CHOSEN * (ways.home is None)
    values = [0] * O_FIELDS
    values[O_SLOT] = -1
    if ways.home is not None:
        home = ways.home
        values[O_SLOT] = rows.slot(home)
        values[O_REGION] = compiled.regions[home.country, home.region]
        values[O_TZ] = compiled.time_zones[home.tz]
        flags += RESIDENTIAL * home.residential + REMOTE * home.remote
    rows.see(request.placed_s)
    values[O_PLACED] = request.placed_s
    values[O_FLAGS] = flags
    values[O_DELIVER_BY] = NO_LIMIT if request.deliver_by_s is None else request.deliver_by_s
    values[O_REQUESTED] = NO_LIMIT if request.requested_s is None else request.requested_s
    values[O_METHODS] = sum(1 << m for m, method in enumerate(METHODS) if method in ways.methods)
    values[O_SERVICES] = _services(request)
    values[O_GROUPS] = _groups(compiled, request)
    values[O_CHANNEL] = request.live.channel(order.channel)
    values[O_MAX_SHIPMENTS] = min(request.shipments_max, NO_LIMIT)
    values[O_MAX_DISTANCE] = NO_LIMIT if ways.distance_max_m is None else ways.distance_max_m
    values[O_MIN_VALUE] = request.min_parcel_value_cents
    values[O_LINE_FROM] = len(lines)
    items = items_of(request) if order.keep_together else list(range(len(order.lines)))
    for sku, line, pin, item in zip(request.sku_index, order.lines, request.pins, items, strict=True):
        lines.append((sku, line.quantity, pin, item))
    values[O_LINE_TO] = len(lines)
    values[O_ITEMS] = max(items) + 1
    values[O_EXCLUDED_FROM] = len(nodes)
    nodes += [network.node_index[n] for n in order.excluded_nodes]
    values[O_EXCLUDED_TO] = values[O_ALLOWED_FROM] = len(nodes)
    nodes += [network.node_index[n] for n in order.nodes]
    values[O_ALLOWED_TO] = len(nodes)
    values[O_PLACE_FROM] = len(places)
    for place in ways.places:
        places.append(_place(compiled, rows, request, place))
    values[O_PLACE_TO] = len(places)
    out[:] = values


def _services(request: Evaluator) -> int:
    order, rule, services = request.order, request.ways.rule, request.network.services
    if not (order.services or order.excluded_services or rule.services):
        return (1 << len(services)) - 1
    return sum(
        1 << s
        for s, service in enumerate(services)
        if (not order.services or service.service_id in order.services)
        and service.service_id not in order.excluded_services
        and (not rule.services or service.service_id in rule.services)
    )


def _groups(compiled: CompiledNetwork, request: Evaluator) -> int:
    """Bits of the channel rule's node groups; a bit that no node has where it names only unknown ones."""
    names = request.ways.rule.node_groups
    if not names:
        return 0
    return sum(1 << compiled.groups[g] for g in set(names) if g in compiled.groups) or 1 << 62


def _place(compiled: CompiledNetwork, rows: TargetRows, request: Evaluator, place: int) -> list[int]:
    target = request.tools.place_target(place)
    values = [0] * PL_FIELDS
    values[PL_NODE] = place
    values[PL_SLOT] = rows.slot(target)
    values[PL_REGION] = compiled.regions[target.country, target.region]
    values[PL_TZ] = compiled.time_zones[target.tz]
    values[PL_REMOTE] = int(target.remote)
    values[PL_DISTANCE] = request.ways.trip_distance_m(place) or 0
    return values

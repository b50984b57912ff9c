"""A network compiled to arrays, once, for the kernels. Immutable. engine/network/records.py lists the arrays."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from engine.domain.units import epoch_s
from engine.network.blocks import Block
from engine.network.calendars import ARRIVAL_DAYS, Calendars
from engine.network.model import Network, Node, Offer
from engine.network.records import (
    DELIVERS,
    I64,
    LANE,
    LEAVE,
    MASK_BITS,
    NODE,
    NODE_KIND_CODE,
    OFFER_BIT,
    OPENING,
    ROWS,
    SEGMENT,
    SKU,
    TRANSIT,
    Columns,
    Net,
    records,
    table,
)
from engine.network.routes import distance_m
from engine.network.tariffs import compile_tariffs

_T = TypeVar("_T")


class CompiledNetwork(NamedTuple):
    """The arrays and the names of their rows."""

    network: Network
    calendars: Calendars
    net: Net
    block: Block  # of net, for kernels
    first_day: int
    num_days: int
    regions: dict[tuple[str, str], int]
    time_zones: dict[str, int]
    zone_maps: dict[str, int]
    groups: dict[str, int]


def compile_network(network: Network, calendars: Calendars) -> CompiledNetwork:
    """Compile a validated network for the days that its calendars know."""
    first_day, horizon_days = calendars.first_day, calendars.num_days
    zone_maps = {name: i for i, name in enumerate(sorted({s.zone_map for s in network.services}))}
    names = {g for n in network.nodes for g in n.groups}
    groups = {name: i for i, name in enumerate(sorted(names))}
    assert len(groups) <= MASK_BITS, "validation allows no more groups than bits"
    assert len(network.services) <= MASK_BITS, "validation allows no more services than bits"
    places = [n for n in network.nodes if Offer.PICKUP in n.offers]
    regions = _numbered([(a.country, a.region) for a in network.areas] + [(n.country, n.region) for n in places])
    time_zones = _numbered([a.tz for a in network.areas] + [n.tz for n in places])
    node = _node_columns(network, groups)
    net = Net(
        **_work(network, calendars, node),
        **_handovers(network, calendars, node),
        **_lanes(network, calendars, node),
        **compile_tariffs(network, first_day, horizon_days),
        **_arrivals(network, calendars, regions, time_zones, first_day, horizon_days),
        sku=table(SKU, _sku_columns(network, groups)),
        node=table(NODE, node),
    )
    block = Block.of(net)
    return CompiledNetwork(
        network, calendars, net, block, first_day, horizon_days, regions, time_zones, zone_maps, groups
    )


def _numbered(values: Sequence[_T]) -> dict[_T, int]:
    return {value: i for i, value in enumerate(dict.fromkeys(values))}


def _node_columns(network: Network, groups: dict[str, int]) -> Columns:
    nodes = network.nodes

    def column(read: Callable[[Node], int]) -> I64:
        return np.array([read(n) for n in nodes], dtype=np.int64)

    return {
        "kind": column(lambda n: NODE_KIND_CODE[n.kind]),
        "offers": column(lambda n: sum(OFFER_BIT[o] for o in set(n.offers))),
        "groups": column(lambda n: sum(1 << groups[g] for g in set(n.groups))),
        "hand_order_s": column(lambda n: n.handling_order_s),
        "hand_line_s": column(lambda n: n.handling_line_s),
        "receiving_s": column(lambda n: n.receiving_s),
    }


def _work(network: Network, calendars: Calendars, node: Columns) -> dict[str, Any]:
    """Picking and opening calendars; equal ones are stored once. Adds where a node's are, and its backlog's end."""
    num_nodes, as_of_s = len(network.nodes), epoch_s(network.as_of)
    for name in ("segment_from", "segment_to", "open_from", "open_to"):
        node[name] = np.zeros(num_nodes, dtype=np.int64)
    node["free_from_s"] = np.full(num_nodes, as_of_s, dtype=np.int64)
    seen: dict[tuple[int, str], tuple[int, int]] = {}
    opened: dict[int, tuple[int, int]] = {}
    segments: list[tuple[int, ...]] = []
    openings: list[tuple[int, ...]] = []
    for k, row in enumerate(network.nodes):
        intervals = calendars.picking(k)
        key = (id(intervals), row.tz)
        if key not in seen:
            start = len(segments)
            segments += _segments(intervals, row.tz, calendars.first_day)
            seen[key] = (start, len(segments))
        node["segment_from"][k], node["segment_to"][k] = seen[key]
        if row.backlog_s:
            node["free_from_s"][k] = _after_work(intervals, as_of_s, row.backlog_s)
        if Offer.PICKUP in row.offers:
            hours = calendars.opening(k)
            if id(hours) not in opened:
                start = len(openings)
                openings += [(begin, end) for begin, end, _ in hours]
                opened[id(hours)] = (start, len(openings))
            node["open_from"][k], node["open_to"][k] = opened[id(hours)]
    return {"segment": records(SEGMENT, segments), "opening": records(OPENING, openings)}


def _segments(intervals: tuple[tuple[int, int, int], ...], tz: str, first_day: int) -> list[tuple[int, ...]]:
    zone, work = ZoneInfo(tz), 0
    out: list[tuple[int, ...]] = []
    for start, end, day in intervals:
        out.append((start, end, work, day - first_day, datetime.fromtimestamp(start, zone).hour))
        work += end - start
    return out


def _after_work(intervals: tuple[tuple[int, int, int], ...], since: int, work: int) -> int:
    """The instant at which so much working time has passed; the end of time where it never does."""
    for start, end, _ in intervals:
        usable = end - max(start, since)
        if usable <= 0:
            continue
        if usable >= work:
            return max(start, since) + work
        work -= usable
    return 2**62


def _handovers(network: Network, calendars: Calendars, node: Columns) -> dict[str, Any]:
    """Hand-overs of every service at every node; equal ones are stored once. Adds the nodes' services."""
    schedule = np.zeros((len(network.nodes), len(network.services)), dtype=ROWS)
    node["services"] = np.zeros(len(network.nodes), dtype=np.int64)
    seen: dict[int, tuple[int, int]] = {}
    leaves: list[tuple[int, ...]] = []
    for k in range(len(network.nodes)):
        for s in range(len(network.services)):
            rows = calendars.handovers(k, s)
            if not rows:
                continue
            if id(rows) not in seen:
                start = len(leaves)
                leaves += [(leave, cutoff, day - calendars.first_day) for leave, cutoff, day in rows]
                seen[id(rows)] = (start, len(leaves))
            schedule[k, s] = seen[id(rows)]
            node["services"][k] |= 1 << s
    return {"schedule": schedule, "handover": records(LEAVE, leaves)}


def _lanes(network: Network, calendars: Calendars, node: Columns) -> dict[str, Any]:
    """Transfer lanes. Adds where the lanes into each node are."""
    nodes, index = network.nodes, network.node_index
    rows: list[tuple[int, ...]] = []
    leaves: list[tuple[int, ...]] = []
    for i, lane in enumerate(network.lanes):
        a, b = index[lane.origin], index[lane.target]
        start = len(leaves)
        leaves += calendars.departures(i)
        metres = distance_m(nodes[a].lat, nodes[a].lon, nodes[b].lat, nodes[b].lon)
        rows.append(
            (a, b, lane.cost_order_cents, lane.cost_unit_cents, lane.co2e_g_per_tonne_km, metres, start, len(leaves))
        )
    target = np.array([row[1] for row in rows], dtype=np.int64)
    by_target = np.argsort(target, kind="stable")
    edges = np.searchsorted(target[by_target], np.arange(len(nodes) + 1))
    node["lane_from"], node["lane_to"] = edges[:-1], edges[1:]
    return {"lane": records(LANE, rows), "departure": records(LEAVE, leaves), "lanes_in": by_target}


def _arrivals(
    network: Network,
    calendars: Calendars,
    regions: dict[tuple[str, str], int],
    time_zones: dict[str, int],
    first_day: int,
    num_days: int,
) -> dict[str, Any]:
    """Running days of each service towards each region, and the ends of its delivery windows in each time zone."""
    days = np.arange(first_day, first_day + num_days + ARRIVAL_DAYS)
    weekday = (days + 3) % 7  # day 0, 1 January 1970, was a Thursday
    carrier_of = {c.carrier_id: i for i, c in enumerate(network.carriers)}
    seen: dict[tuple[str, str, frozenset[int]], int] = {}
    running_of = np.zeros((len(network.services), max(1, len(regions))), dtype=np.int64)
    for s, service in enumerate(network.services):
        for (country, region), r in regions.items():
            off = calendars.carrier_off(carrier_of[service.carrier_id], country, region)
            key = (service.transit_weekdays, service.delivery_weekdays, off)
            running_of[s, r] = seen.setdefault(key, len(seen))
    running = np.zeros((max(1, len(seen)), len(days)), dtype=np.int64)
    for (transit_days, delivery_days, off), c in seen.items():
        runs = ~np.isin(days, np.array(sorted(off), dtype=np.int64))
        transit = np.array([int(x) for x in transit_days])[weekday] == 1
        delivers = np.array([int(x) for x in delivery_days])[weekday] == 1
        running[c] = runs * (TRANSIT * transit + DELIVERS * delivers)
    end_s = np.zeros((len(network.services), max(1, len(time_zones)), len(days)), dtype=np.int64)
    for tz, t in time_zones.items():
        ends = {e: [calendars.instant(tz, int(d), e) for d in days] for e in {s.delivery_end for s in network.services}}
        for s, service in enumerate(network.services):
            end_s[s, t] = ends[service.delivery_end]
    return {"running_of": running_of, "running": running, "end_s": end_s}


def _sku_columns(network: Network, groups: dict[str, int]) -> Columns:
    skus = network.skus
    sku_groups = np.zeros(len(skus.ids), dtype=np.int64)
    sku_services = np.zeros(len(skus.ids), dtype=np.int64)
    services: dict[str, int] = {str(name): i for name, i in network.service_index.items()}
    for i, names in skus.node_groups.items():  # a bit that nothing has where only unknown names are allowed
        sku_groups[i] = sum(1 << groups[g] for g in set(names) if g in groups) or 1 << MASK_BITS
    for i, names in skus.services.items():
        sku_services[i] = sum(1 << services[s] for s in set(names) if s in services) or 1 << MASK_BITS
    return {
        "weight_g": skus.weight_g,
        "volume_cm3": skus.volume_cm3,
        "longest_mm": skus.longest_mm,
        "second_mm": skus.second_mm,
        "third_mm": skus.third_mm,
        "value_cents": skus.value_cents,
        "flags": skus.ships_alone * 1 + skus.never_split * 2 + skus.hazardous * 4 + skus.oversize * 8,
        "groups": sku_groups,
        "services": sku_services,
        "sku_class": np.zeros(len(skus.ids), dtype=np.int64) if skus.class_of is None else skus.class_of,
    }

"""
A network compiled to arrays, once, for the kernels. Immutable.

Letters: K nodes, S services, Z zones, M zone maps, E eras (intervals of days within which no tariff changes), D days,
R regions (country, region) of targets, T time zones of targets, C picking calendars, L lanes. Instants are epoch seconds, days are
numbers from `first_day`, money is cents. "none" is -1 unless said otherwise. The fields are listed in `Net`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.domain.ids import ZoneId
from engine.domain.units import day_number, epoch_s
from engine.network.calendars import ARRIVAL_DAYS, Calendars
from engine.network.model import Applies, Network, Node, NodeKind, Offer, Rate, Service, ServiceKind, Surcharge
from engine.network.routes import distance_m

I64 = NDArray[np.int64]
Records = NDArray[np.void]
Columns = dict[str, I64]
UNLIMITED = 2**31 - 1
OFFER_BIT = {offer: 1 << i for i, offer in enumerate(Offer)}
APPLIES_CODE = {applies: i for i, applies in enumerate(Applies)}
NODE_KIND_CODE = {kind: i for i, kind in enumerate(NodeKind)}
SERVICE_KIND_CODE = {kind: i for i, kind in enumerate(ServiceKind)}
MASK_BITS = 62
_T = TypeVar("_T")


def _record(names: str) -> np.dtype[np.void]:
    return np.dtype([(name, "i8") for name in names.split()])


NODE = _record(
    "kind offers groups services hand_order_s hand_line_s receiving_s free_from_s"
    " cap_day_orders cap_day_units cap_hour_orders cap_hour_units"  # UNLIMITED where there is none
    " segment_from segment_to open_from open_to lane_from lane_to"  # its rows in segment, opening, lanes_in
)
SEGMENT = _record("start_s end_s work_s day hour")  # working time; work_s: of the calendar before the segment
OPENING = _record("from_s to_s")
ROWS = _record("row_from row_to")
LEAVE = _record("leave_s cutoff_s then")  # then: ship day of a hand-over, arrival of a departure
LANE = _record("origin target order_cents unit_cents tkm_g distance_m row_from row_to")
SERVICE = _record(
    "kind weight_max_g longest_max_mm girth_max_mm volume_max_cm3 parcels_max dim dim_min_cm3 fuel"
    " minutes takes parcel_g tkm_g"  # minutes: 1 if transit is in minutes; takes: bits 1 hazardous, 2 oversize
    " band_from band_to price_from surcharge_from surcharge_to"
)
BAND = _record("limit_g floor_cents")  # floor: least price of this band and all above it, over zones and eras
SURCHARGE = _record("applies threshold zone cents permille fuel group min_g")  # zone -1 all, group -1 none
SKU = _record("weight_g volume_cm3 longest_mm second_mm third_mm value_cents flags groups services")
TRANSIT, DELIVERS = 1, 2  # bits of Net.running


class Net(NamedTuple):
    """The arrays. Shapes in the letters of the module; NODE and so on are record types."""

    node: Records  # (K,) NODE
    segment: Records  # SEGMENT, picking calendars one after the other
    opening: Records  # OPENING, opening calendars
    schedule: Records  # (K, S) ROWS: hand-overs of a service at a node
    handover: Records  # LEAVE
    lane: Records  # (L,) LANE
    departure: Records  # LEAVE
    lanes_in: I64  # lanes by target
    service: Records  # (S,) SERVICE
    era_of_day: I64  # (D,)
    band: Records  # BAND, by service
    price_cents: I64  # per service a block (E, Z, its bands); -1 a hole
    per_kg_cents: I64  # (S, E, Z) beyond the last band
    surcharge: Records  # SURCHARGE, by service
    surcharge_valid: I64  # (num_surcharges, E)
    running_of: I64  # (S, R) row of running
    running: I64  # (num_arrival_calendars, D + ARRIVAL_DAYS) bits TRANSIT, DELIVERS
    end_s: I64  # (S, T, D + ARRIVAL_DAYS) end of the delivery window
    sku: Records  # SKU


class CompiledNetwork(NamedTuple):
    """The arrays and the names of their rows."""

    network: Network
    calendars: Calendars
    net: Net
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
        **_tariffs(network, first_day, horizon_days),
        **_arrivals(network, calendars, regions, time_zones, first_day, horizon_days),
        sku=_table(SKU, _sku_columns(network, groups)),
        node=_table(NODE, node),
    )
    return CompiledNetwork(network, calendars, net, first_day, horizon_days, regions, time_zones, zone_maps, groups)


def _table(dtype: np.dtype[np.void], columns: Columns) -> Records:
    """Columns of equal length as one array of records."""
    assert dtype.names is not None, "a record type has names"
    out = np.zeros(len(next(iter(columns.values()))), dtype=dtype)
    for name in dtype.names:
        out[name] = columns[name]
    return out


def _rows(dtype: np.dtype[np.void], rows: Sequence[tuple[int, ...]]) -> Records:
    return np.array(rows, dtype=dtype)


def _numbered(values: Sequence[_T]) -> dict[_T, int]:
    return {value: i for i, value in enumerate(dict.fromkeys(values))}


def _node_columns(network: Network, groups: dict[str, int]) -> Columns:
    nodes = network.nodes

    def column(read: Callable[[Node], int | None]) -> I64:
        return np.array([UNLIMITED if (v := read(n)) is None else v for n in nodes], dtype=np.int64)

    return {
        "kind": column(lambda n: NODE_KIND_CODE[n.kind]),
        "offers": column(lambda n: sum(OFFER_BIT[o] for o in set(n.offers))),
        "groups": column(lambda n: sum(1 << groups[g] for g in set(n.groups))),
        "hand_order_s": column(lambda n: n.handling_order_s),
        "hand_line_s": column(lambda n: n.handling_line_s),
        "receiving_s": column(lambda n: n.receiving_s),
        "cap_day_orders": column(lambda n: n.capacity_day_orders),
        "cap_day_units": column(lambda n: n.capacity_day_units),
        "cap_hour_orders": column(lambda n: n.capacity_hour_orders),
        "cap_hour_units": column(lambda n: n.capacity_hour_units),
    }


def _work(network: Network, calendars: Calendars, node: Columns) -> dict[str, Records]:
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
    return {"segment": _rows(SEGMENT, segments), "opening": _rows(OPENING, openings)}


def _segments(intervals: tuple[tuple[int, int, int], ...], tz: str, first_day: int) -> list[tuple[int, ...]]:
    zone, work, out = ZoneInfo(tz), 0, []
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


def _handovers(network: Network, calendars: Calendars, node: Columns) -> dict[str, Records]:
    """Hand-overs of every service at every node; equal ones are stored once. Adds the nodes' services."""
    schedule = np.zeros((len(network.nodes), len(network.services)), dtype=ROWS)
    node["services"] = np.zeros(len(network.nodes), dtype=np.int64)
    seen: dict[int, tuple[int, int]] = {}
    table: list[tuple[int, ...]] = []
    for k in range(len(network.nodes)):
        for s in range(len(network.services)):
            rows = calendars.handovers(k, s)
            if not rows:
                continue
            if id(rows) not in seen:
                start = len(table)
                table += [(leave, cutoff, day - calendars.first_day) for leave, cutoff, day in rows]
                seen[id(rows)] = (start, len(table))
            schedule[k, s] = seen[id(rows)]
            node["services"][k] |= 1 << s
    return {"schedule": schedule, "handover": _rows(LEAVE, table)}


def _lanes(network: Network, calendars: Calendars, node: Columns) -> dict[str, Records | I64]:
    """Transfer lanes. Adds where the lanes into each node are."""
    nodes, index = network.nodes, network.node_index
    rows: list[tuple[int, ...]] = []
    table: list[tuple[int, ...]] = []
    for i, lane in enumerate(network.lanes):
        a, b = index[lane.origin], index[lane.target]
        start = len(table)
        table += calendars.departures(i)
        metres = distance_m(nodes[a].lat, nodes[a].lon, nodes[b].lat, nodes[b].lon)
        rows.append(
            (a, b, lane.cost_order_cents, lane.cost_unit_cents, lane.co2e_g_per_tonne_km, metres, start, len(table))
        )
    target = np.array([row[1] for row in rows], dtype=np.int64)
    by_target = np.argsort(target, kind="stable")
    edges = np.searchsorted(target[by_target], np.arange(len(nodes) + 1))
    node["lane_from"], node["lane_to"] = edges[:-1], edges[1:]
    return {"lane": _rows(LANE, rows), "departure": _rows(LEAVE, table), "lanes_in": by_target}


def _service_columns(network: Network) -> Columns:
    services = network.services

    def column(read: Callable[[Service], int]) -> I64:
        return np.array([read(s) for s in services], dtype=np.int64)

    return {
        "kind": column(lambda s: SERVICE_KIND_CODE[s.kind]),
        "weight_max_g": column(lambda s: s.weight_max_g),
        "longest_max_mm": column(lambda s: s.longest_max_mm),
        "girth_max_mm": column(lambda s: s.length_girth_max_mm),
        "volume_max_cm3": column(lambda s: s.volume_max_cm3),
        "parcels_max": column(lambda s: s.parcels_max),
        "dim": column(lambda s: s.dim_cm3_per_kg),
        "dim_min_cm3": column(lambda s: s.dim_min_cm3),
        "fuel": column(lambda s: s.fuel_permille),
        "minutes": column(lambda s: int(s.transit_unit == "minute")),
        "takes": column(lambda s: int(s.hazardous) + 2 * int(s.oversize)),
        "parcel_g": column(lambda s: s.co2e_g_per_parcel),
        "tkm_g": column(lambda s: s.co2e_g_per_tonne_km),
    }


def _eras(network: Network, first_day: int, num_days: int) -> I64:
    """Number the intervals of days within which the same rates and surcharges are valid."""
    breaks: set[int] = set()
    dated: list[Rate | Surcharge] = [*network.rates, *network.surcharges]
    for row in dated:
        breaks.add(day_number(row.valid_from) - first_day)
        breaks.add(day_number(row.valid_to) - first_day + 1)
    inside = sorted(b for b in breaks if 0 < b < num_days)
    return np.searchsorted(np.array(inside, dtype=np.int64), np.arange(num_days), side="right").astype(np.int64)


def _tariffs(network: Network, first_day: int, num_days: int) -> dict[str, Records | I64]:
    """Services with their bands, prices and surcharges."""
    era_of_day = _eras(network, first_day, num_days)
    era_day = [int(np.argmax(era_of_day == e)) + first_day for e in range(int(era_of_day[-1]) + 1)]
    zones = {zone: z for z, zone in enumerate(network.zone_ids)}
    service = _service_columns(network)
    by_service: list[list[Rate]] = [[] for _ in network.services]
    for rate in network.rates:
        by_service[network.service_index[rate.service_id]].append(rate)
    per_kg = np.zeros((len(network.services), len(era_day), max(1, len(zones))), dtype=np.int64)
    bands: list[tuple[int, ...]] = []
    prices: list[I64] = []
    band_edges, price_edges = [0], [0]
    for s, rates in enumerate(by_service):
        limits = sorted({r.weight_max_g for r in rates})
        block = _price_block(rates, limits, zones, era_day, per_kg[s])
        least = np.where(block < 0, UNLIMITED, block).reshape(-1, len(limits)).min(axis=0, initial=UNLIMITED)
        floors = np.minimum.accumulate(least[::-1])[::-1]
        bands += zip(limits, floors.tolist(), strict=True)
        prices.append(block.ravel())
        band_edges.append(len(bands))
        price_edges.append(price_edges[-1] + block.size)
    service["band_from"], service["band_to"] = np.array(band_edges[:-1]), np.array(band_edges[1:])
    service["price_from"] = np.array(price_edges[:-1])
    surcharges = _surcharges(network, zones, era_day, service)
    return {
        "service": _table(SERVICE, service),
        "era_of_day": era_of_day,
        "band": _rows(BAND, bands),
        "price_cents": np.concatenate([*prices, np.zeros(0, np.int64)]).astype(np.int64),
        "per_kg_cents": per_kg,
        **surcharges,
    }


def _price_block(
    rates: list[Rate], limits: list[int], zones: dict[ZoneId, int], era_day: list[int], per_kg: I64
) -> I64:
    """Prices of one service (E, Z, bands), -1 a hole; fills its per_kg (E, Z)."""
    block = np.full((len(era_day), per_kg.shape[1], len(limits)), -1, dtype=np.int64)
    at = {limit: b for b, limit in enumerate(limits)}
    for rate in reversed(rates):  # the first in the file wins
        b, z = at[rate.weight_max_g], zones[rate.zone]
        low, high = day_number(rate.valid_from), day_number(rate.valid_to)
        for e, day in enumerate(era_day):
            if low <= day <= high:
                block[e, z, b] = rate.price_cents
                if b == len(limits) - 1:
                    per_kg[e, z] = rate.per_kg_beyond_cents
    return block


def _surcharges(
    network: Network, zones: dict[ZoneId, int], era_day: list[int], service: Columns
) -> dict[str, Records | I64]:
    """Surcharges by service. Adds where a service's are."""
    edges, rows, valid = [0], [], []
    for row in network.services:
        groups: dict[str, int] = {}
        for sur in network.surcharges:
            if sur.carrier_id != row.carrier_id or sur.service_id not in (None, row.service_id):
                continue
            group = groups.setdefault(sur.exclusive_group, len(groups)) if sur.exclusive_group else -1
            zone = -1 if sur.zone is None else zones[sur.zone]
            kind, fuel = APPLIES_CODE[sur.applies], int(sur.fuel_applies)
            rows.append(
                (
                    kind,
                    sur.threshold,
                    zone,
                    sur.amount_cents,
                    sur.permille_of_base,
                    fuel,
                    group,
                    sur.charged_weight_min_g,
                )
            )
            valid.append([int(day_number(sur.valid_from) <= d <= day_number(sur.valid_to)) for d in era_day])
        edges.append(len(rows))
    service["surcharge_from"], service["surcharge_to"] = np.array(edges[:-1]), np.array(edges[1:])
    return {
        "surcharge": _rows(SURCHARGE, rows),
        "surcharge_valid": np.array(valid, dtype=np.int64).reshape(-1, len(era_day)),
    }


def _arrivals(
    network: Network,
    calendars: Calendars,
    regions: dict[tuple[str, str], int],
    time_zones: dict[str, int],
    first_day: int,
    num_days: int,
) -> dict[str, I64]:
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
    }

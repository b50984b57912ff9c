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

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
UNLIMITED = 2**31 - 1
OFFER_BIT = {offer: 1 << i for i, offer in enumerate(Offer)}
APPLIES_CODE = {applies: i for i, applies in enumerate(Applies)}
NODE_KIND_CODE = {kind: i for i, kind in enumerate(NodeKind)}
SERVICE_KIND_CODE = {kind: i for i, kind in enumerate(ServiceKind)}
MASK_BITS = 62
_T = TypeVar("_T")


class Net(NamedTuple):
    """The arrays. Shapes in the letters of the module."""

    # nodes
    node_kind: I32  # (K,)
    node_offers: I32  # (K,) bits
    node_groups: I64  # (K,) bits
    node_services: I64  # (K,) bits: services with any hand-over
    hand_order_s: I64  # (K,)
    hand_line_s: I64  # (K,)
    receiving_s: I64  # (K,)
    free_from_s: I64  # (K,) end of the backlog
    cap_day_orders: I32  # (K,) UNLIMITED where there is none
    cap_day_units: I32  # (K,)
    cap_hour_orders: I32  # (K,)
    cap_hour_units: I32  # (K,)
    # picking calendars
    cal_of_node: I32  # (K,)
    cal_start: I64  # (C + 1,)
    seg_start_s: I64
    seg_end_s: I64
    seg_work_s: I64  # working seconds of the calendar before the segment
    seg_day: I32
    seg_hour: I32  # local clock hour
    # opening calendars
    open_of_node: I32  # (K,)
    open_start: I64
    open_from_s: I64
    open_to_s: I64
    # hand-overs
    sched_of: I32  # (K, S)
    sched_start: I64
    ho_collect_s: I64
    ho_cutoff_s: I64
    ho_day: I32
    # lanes
    lane_origin: I32  # (L,)
    lane_target: I32
    lane_order_cents: I64
    lane_unit_cents: I64
    lane_tkm_g: I64
    lane_distance_m: I64
    lane_sched: I64  # (L + 1,)
    dep_s: I64
    dep_cutoff_s: I64
    dep_arrive_s: I64
    lanes_in_start: I64  # (K + 1,)
    lanes_in: I32
    # services
    svc_kind: I32  # (S,)
    svc_zone_map: I32  # (S,)
    svc_weight_max_g: I64
    svc_longest_max_mm: I64
    svc_girth_max_mm: I64
    svc_volume_max_cm3: I64
    svc_parcels_max: I64
    svc_dim: I64  # cm3 per kg, 0 none
    svc_dim_min_cm3: I64
    svc_fuel: I64  # permille
    svc_minutes: I32  # 1: transit in minutes
    svc_takes: I32  # bits: 1 hazardous, 2 oversize
    svc_parcel_g: I64  # CO2e per parcel
    svc_tkm_g: I64  # CO2e per tonne-km
    # tariffs
    era_of_day: I32  # (D,)
    band_start: I64  # (S + 1,)
    band_limit_g: I64
    band_floor_cents: I64  # least price of this band and all above it, over zones and eras
    price_start: I64  # (S,) of the block (E, Z, bands of s)
    price_cents: I64
    per_kg_cents: I64  # (S, E, Z) beyond the last band
    sur_start: I64  # (S + 1,)
    sur_applies: I32
    sur_threshold: I64
    sur_zone: I32  # -1 all
    sur_cents: I64
    sur_permille: I64
    sur_fuel: I32
    sur_group: I32  # -1 none
    sur_min_g: I64
    sur_valid: I32  # (num_surcharges, E)
    # arrivals
    arr_of: I32  # (S, R)
    arr_transit: I32  # (num_arrival_calendars, D + ARRIVAL_DAYS) 1 if the day counts as transit
    arr_deliver: I32  # same, 1 if it delivers on the day
    end_s: I64  # (S, T, D + ARRIVAL_DAYS) end of the delivery window
    # skus
    sku_weight_g: I64
    sku_volume_cm3: I64
    sku_longest_mm: I64
    sku_second_mm: I64
    sku_third_mm: I64
    sku_value_cents: I64
    sku_flags: I32  # bits: 1 ships alone, 2 never split, 4 hazardous, 8 oversize
    sku_groups: I64  # 0 any
    sku_services: I64  # 0 any


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
    parts: dict[str, NDArray[np.int32] | NDArray[np.int64]] = {}
    parts |= _node_arrays(network, groups)
    parts |= _work_arrays(network, calendars, first_day)
    parts |= _handover_arrays(network, calendars, first_day)
    parts |= _lane_arrays(network, calendars)
    parts |= _service_arrays(network, zone_maps)
    parts |= _tariff_arrays(network, first_day, horizon_days)
    parts |= _arrival_arrays(network, calendars, regions, time_zones, first_day, horizon_days)
    parts |= _sku_arrays(network, groups)
    return CompiledNetwork(
        network,
        calendars,
        Net(**parts),  # type: ignore[arg-type]
        first_day,
        horizon_days,
        regions,
        time_zones,
        zone_maps,
        groups,
    )


def _numbered(values: Sequence[_T]) -> dict[_T, int]:
    return {value: i for i, value in enumerate(dict.fromkeys(values))}


def _node_arrays(network: Network, groups: dict[str, int]) -> dict[str, I32 | I64]:
    nodes = network.nodes

    def column(read: Callable[[Node], int | None], dtype: type = np.int64) -> NDArray[np.int64]:
        values = [UNLIMITED if (v := read(n)) is None else v for n in nodes]
        return np.array(values, dtype=dtype)

    return {
        "node_kind": column(lambda n: NODE_KIND_CODE[n.kind], np.int32),
        "node_offers": column(lambda n: sum(OFFER_BIT[o] for o in set(n.offers)), np.int32),
        "node_groups": column(lambda n: sum(1 << groups[g] for g in set(n.groups))),
        "hand_order_s": column(lambda n: n.handling_order_s),
        "hand_line_s": column(lambda n: n.handling_line_s),
        "receiving_s": column(lambda n: n.receiving_s),
        "cap_day_orders": column(lambda n: n.capacity_day_orders, np.int32),
        "cap_day_units": column(lambda n: n.capacity_day_units, np.int32),
        "cap_hour_orders": column(lambda n: n.capacity_hour_orders, np.int32),
        "cap_hour_units": column(lambda n: n.capacity_hour_units, np.int32),
    }


def _work_arrays(network: Network, calendars: Calendars, first_day: int) -> dict[str, I32 | I64]:
    """Picking and opening calendars; equal ones are stored once."""
    seen: dict[tuple[int, str], int] = {}
    kept: list[tuple[tuple[tuple[int, int, int], ...], str]] = []
    cal_of = np.zeros(len(network.nodes), dtype=np.int32)
    for k, node in enumerate(network.nodes):
        intervals = calendars.picking(k)
        cal_of[k] = seen.setdefault((id(intervals), node.tz), len(seen))
        if cal_of[k] == len(kept):
            kept.append((intervals, node.tz))
    starts: list[int] = [0]
    rows: list[tuple[int, int, int, int, int]] = []
    for intervals, tz in kept:
        zone, work = ZoneInfo(tz), 0
        for start, end, day in intervals:
            rows.append((start, end, work, day - first_day, datetime.fromtimestamp(start, zone).hour))
            work += end - start
        starts.append(len(rows))
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    free = np.full(len(network.nodes), epoch_s(network.as_of), dtype=np.int64)
    for k, node in enumerate(network.nodes):
        if node.backlog_s:
            free[k] = _after_work(calendars.picking(k), epoch_s(network.as_of), node.backlog_s)
    open_seen: dict[int, int] = {}
    open_kept: list[tuple[tuple[int, int, int], ...]] = []
    open_of = np.full(len(network.nodes), -1, dtype=np.int32)
    for k, node in enumerate(network.nodes):
        if Offer.PICKUP in node.offers:
            intervals = calendars.opening(k)
            open_of[k] = open_seen.setdefault(id(intervals), len(open_seen))
            if open_of[k] == len(open_kept):
                open_kept.append(intervals)
    opens = np.array([(s, e) for c in open_kept for s, e, _ in c], dtype=np.int64).reshape(-1, 2)
    return {
        "cal_of_node": cal_of,
        "cal_start": np.array(starts, dtype=np.int64),
        "seg_start_s": table[:, 0].copy(),
        "seg_end_s": table[:, 1].copy(),
        "seg_work_s": table[:, 2].copy(),
        "seg_day": table[:, 3].astype(np.int32),
        "seg_hour": table[:, 4].astype(np.int32),
        "free_from_s": free,
        "open_of_node": open_of,
        "open_start": np.cumsum([0] + [len(c) for c in open_kept]).astype(np.int64),
        "open_from_s": opens[:, 0].copy(),
        "open_to_s": opens[:, 1].copy(),
    }


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


def _handover_arrays(network: Network, calendars: Calendars, first_day: int) -> dict[str, I32 | I64]:
    num_nodes, num_services = len(network.nodes), len(network.services)
    sched_of = np.full((num_nodes, num_services), -1, dtype=np.int32)
    services = np.zeros(num_nodes, dtype=np.int64)
    seen: dict[int, int] = {}
    kept: list[tuple[tuple[int, int, int], ...]] = []
    for k in range(num_nodes):
        for s in range(num_services):
            rows = calendars.handovers(k, s)
            if not rows:
                continue
            at = seen.setdefault(id(rows), len(seen))
            if at == len(kept):
                kept.append(rows)
            sched_of[k, s] = at
            services[k] |= 1 << s
    table = np.array([row for rows in kept for row in rows], dtype=np.int64).reshape(-1, 3)
    return {
        "sched_of": sched_of,
        "node_services": services,
        "sched_start": np.cumsum([0] + [len(rows) for rows in kept]).astype(np.int64),
        "ho_collect_s": table[:, 0].copy(),
        "ho_cutoff_s": table[:, 1].copy(),
        "ho_day": (table[:, 2] - first_day).astype(np.int32),
    }


def _lane_arrays(network: Network, calendars: Calendars) -> dict[str, I32 | I64]:
    from engine.network.routes import distance_m

    lanes = network.lanes
    origin = np.array([network.node_index[lane.origin] for lane in lanes], dtype=np.int32)
    target = np.array([network.node_index[lane.target] for lane in lanes], dtype=np.int32)
    departures = [calendars.departures(i) for i in range(len(lanes))]
    table = np.array([row for rows in departures for row in rows], dtype=np.int64).reshape(-1, 3)
    by_target = np.argsort(target, kind="stable").astype(np.int32)
    nodes = network.nodes
    return {
        "lane_origin": origin,
        "lane_target": target,
        "lane_order_cents": np.array([lane.cost_order_cents for lane in lanes], dtype=np.int64),
        "lane_unit_cents": np.array([lane.cost_unit_cents for lane in lanes], dtype=np.int64),
        "lane_tkm_g": np.array([lane.co2e_g_per_tonne_km for lane in lanes], dtype=np.int64),
        "lane_distance_m": np.array(
            [
                distance_m(nodes[a].lat, nodes[a].lon, nodes[b].lat, nodes[b].lon)
                for a, b in zip(origin.tolist(), target.tolist(), strict=True)
            ],
            dtype=np.int64,
        ),
        "lane_sched": np.cumsum([0] + [len(rows) for rows in departures]).astype(np.int64),
        "dep_s": table[:, 0].copy(),
        "dep_cutoff_s": table[:, 1].copy(),
        "dep_arrive_s": table[:, 2].copy(),
        "lanes_in_start": np.searchsorted(target[by_target], np.arange(len(nodes) + 1)).astype(np.int64),
        "lanes_in": by_target,
    }


def _service_arrays(network: Network, zone_maps: dict[str, int]) -> dict[str, I32 | I64]:
    services = network.services

    def column(read: Callable[[Service], int], dtype: type = np.int64) -> NDArray[np.int64]:
        return np.array([read(s) for s in services], dtype=dtype)

    return {
        "svc_kind": column(lambda s: SERVICE_KIND_CODE[s.kind], np.int32),
        "svc_zone_map": column(lambda s: zone_maps[s.zone_map], np.int32),
        "svc_weight_max_g": column(lambda s: s.weight_max_g),
        "svc_longest_max_mm": column(lambda s: s.longest_max_mm),
        "svc_girth_max_mm": column(lambda s: s.length_girth_max_mm),
        "svc_volume_max_cm3": column(lambda s: s.volume_max_cm3),
        "svc_parcels_max": column(lambda s: s.parcels_max),
        "svc_dim": column(lambda s: s.dim_cm3_per_kg),
        "svc_dim_min_cm3": column(lambda s: s.dim_min_cm3),
        "svc_fuel": column(lambda s: s.fuel_permille),
        "svc_minutes": column(lambda s: int(s.transit_unit == "minute"), np.int32),
        "svc_takes": column(lambda s: int(s.hazardous) + 2 * int(s.oversize), np.int32),
        "svc_parcel_g": column(lambda s: s.co2e_g_per_parcel),
        "svc_tkm_g": column(lambda s: s.co2e_g_per_tonne_km),
    }


def _eras(network: Network, first_day: int, num_days: int) -> I32:
    """Number the intervals of days within which the same rates and surcharges are valid."""
    breaks: set[int] = set()
    dated: list[Rate | Surcharge] = [*network.rates, *network.surcharges]
    for row in dated:
        breaks.add(day_number(row.valid_from) - first_day)
        breaks.add(day_number(row.valid_to) - first_day + 1)
    inside = sorted(b for b in breaks if 0 < b < num_days)
    return np.searchsorted(np.array(inside, dtype=np.int64), np.arange(num_days), side="right").astype(np.int32)


def _tariff_arrays(network: Network, first_day: int, num_days: int) -> dict[str, I32 | I64]:
    era_of_day = _eras(network, first_day, num_days)
    num_eras = int(era_of_day[-1]) + 1
    era_day = [int(np.argmax(era_of_day == e)) + first_day for e in range(num_eras)]
    zones = {zone: z for z, zone in enumerate(network.zone_ids)}
    num_zones = max(1, len(zones))
    by_service: list[list[Rate]] = [[] for _ in network.services]
    for rate in network.rates:
        by_service[network.service_index[rate.service_id]].append(rate)
    band_start, limits, price_start = [0], [], []
    prices: list[I64] = []
    floors: list[I64] = []
    per_kg = np.zeros((len(network.services), num_eras, num_zones), dtype=np.int64)
    size = 0
    for s, rates in enumerate(by_service):
        bands = sorted({r.weight_max_g for r in rates})
        block = np.full((num_eras, num_zones, len(bands)), -1, dtype=np.int64)
        for rate in reversed(rates):  # the first in the file wins
            b, z = bands.index(rate.weight_max_g), zones[rate.zone]
            for e, day in enumerate(era_day):
                if day_number(rate.valid_from) <= day <= day_number(rate.valid_to):
                    block[e, z, b] = rate.price_cents
                    if b == len(bands) - 1:
                        per_kg[s, e, z] = rate.per_kg_beyond_cents
        filled = np.where(block < 0, UNLIMITED, block)
        least = filled.min(axis=(0, 1)) if filled.size else filled.reshape(-1)
        floors.append(np.minimum.accumulate(least[::-1])[::-1])
        prices.append(block.ravel())
        price_start.append(size)
        size += block.size
        limits += bands
        band_start.append(len(limits))
    return {
        "era_of_day": era_of_day,
        "band_start": np.array(band_start, dtype=np.int64),
        "band_limit_g": np.array(limits, dtype=np.int64),
        "price_start": np.array(price_start, dtype=np.int64),
        "price_cents": np.concatenate([*prices, np.zeros(0, np.int64)]).astype(np.int64),
        "band_floor_cents": np.concatenate([*floors, np.zeros(0, np.int64)]).astype(np.int64),
        "per_kg_cents": per_kg,
    } | _surcharge_arrays(network, zones, era_day)


def _surcharge_arrays(network: Network, zones: dict[ZoneId, int], era_day: list[int]) -> dict[str, I32 | I64]:
    start, rows, valid = [0], [], []
    for service in network.services:
        groups: dict[str, int] = {}
        for sur in network.surcharges:
            if sur.carrier_id != service.carrier_id or sur.service_id not in (None, service.service_id):
                continue
            group = groups.setdefault(sur.exclusive_group, len(groups)) if sur.exclusive_group else -1
            zone = -1 if sur.zone is None else zones[sur.zone]
            rows.append(
                (
                    APPLIES_CODE[sur.applies],
                    sur.threshold,
                    zone,
                    sur.amount_cents,
                    sur.permille_of_base,
                    int(sur.fuel_applies),
                    group,
                    sur.charged_weight_min_g,
                )
            )
            valid.append([int(day_number(sur.valid_from) <= d <= day_number(sur.valid_to)) for d in era_day])
        start.append(len(rows))
    table = np.array(rows, dtype=np.int64).reshape(-1, 8)
    return {
        "sur_start": np.array(start, dtype=np.int64),
        "sur_applies": table[:, 0].astype(np.int32),
        "sur_threshold": table[:, 1].copy(),
        "sur_zone": table[:, 2].astype(np.int32),
        "sur_cents": table[:, 3].copy(),
        "sur_permille": table[:, 4].copy(),
        "sur_fuel": table[:, 5].astype(np.int32),
        "sur_group": table[:, 6].astype(np.int32),
        "sur_min_g": table[:, 7].copy(),
        "sur_valid": np.array(valid, dtype=np.int32).reshape(-1, len(era_day)),
    }


def _arrival_arrays(
    network: Network,
    calendars: Calendars,
    regions: dict[tuple[str, str], int],
    time_zones: dict[str, int],
    first_day: int,
    num_days: int,
) -> dict[str, I32 | I64]:
    days = np.arange(first_day, first_day + num_days + ARRIVAL_DAYS)
    weekday = (days + 3) % 7  # day 0, 1 January 1970, was a Thursday
    carrier_of = {c.carrier_id: i for i, c in enumerate(network.carriers)}
    seen: dict[tuple[str, str, frozenset[int]], int] = {}
    arr_of = np.zeros((len(network.services), max(1, len(regions))), dtype=np.int32)
    for s, service in enumerate(network.services):
        for (country, region), r in regions.items():
            off = calendars.carrier_off(carrier_of[service.carrier_id], country, region)
            key = (service.transit_weekdays, service.delivery_weekdays, off)
            arr_of[s, r] = seen.setdefault(key, len(seen))
    transit = np.zeros((max(1, len(seen)), len(days)), dtype=np.int32)
    deliver = np.zeros_like(transit)
    for (transit_days, delivery_days, off), c in seen.items():
        running = ~np.isin(days, np.array(sorted(off), dtype=np.int64))
        transit[c] = running & (np.array([int(x) for x in transit_days])[weekday] == 1)
        deliver[c] = running & (np.array([int(x) for x in delivery_days])[weekday] == 1)
    end_s = np.zeros((len(network.services), max(1, len(time_zones)), len(days)), dtype=np.int64)
    for s, service in enumerate(network.services):
        for tz, t in time_zones.items():
            end_s[s, t] = [calendars.instant(tz, int(d), service.delivery_end) for d in days]
    return {"arr_of": arr_of, "arr_transit": transit, "arr_deliver": deliver, "end_s": end_s}


def _sku_arrays(network: Network, groups: dict[str, int]) -> dict[str, I32 | I64]:
    skus = network.skus
    sku_groups = np.zeros(len(skus.ids), dtype=np.int64)
    sku_services = np.zeros(len(skus.ids), dtype=np.int64)
    for i, names in skus.node_groups.items():
        sku_groups[i] = sum(1 << groups[g] for g in set(names) if g in groups) or 1 << MASK_BITS
    for i, names in skus.services.items():
        sku_services[i] = sum(1 << network.service_index[s] for s in set(names) if s in network.service_index) or (
            1 << MASK_BITS
        )  # type: ignore[index]
    flags = skus.ships_alone * 1 + skus.never_split * 2 + skus.hazardous * 4 + skus.oversize * 8
    return {
        "sku_weight_g": skus.weight_g.astype(np.int64),
        "sku_volume_cm3": skus.volume_cm3.astype(np.int64),
        "sku_longest_mm": skus.longest_mm.astype(np.int64),
        "sku_second_mm": skus.second_mm.astype(np.int64),
        "sku_third_mm": skus.third_mm.astype(np.int64),
        "sku_value_cents": skus.value_cents.astype(np.int64),
        "sku_flags": flags.astype(np.int32),
        "sku_groups": sku_groups,
        "sku_services": sku_services,
    }

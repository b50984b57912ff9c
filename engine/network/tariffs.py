"""Services of a network compiled to arrays: their limits, bands, prices by era and zone, and surcharges."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from engine.domain.ids import ZoneId
from engine.domain.units import day_number
from engine.network.model import Network, Rate, Service, Surcharge
from engine.network.records import (
    APPLIES_CODE,
    BAND,
    I64,
    SERVICE,
    SERVICE_KIND_CODE,
    SURCHARGE,
    Columns,
    records,
    table,
)


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
    dated: list[Rate | Surcharge] = [*network.rates, *network.surcharges]
    first, last = {row.valid_from for row in dated}, {row.valid_to for row in dated}
    breaks = {day_number(d) - first_day for d in first} | {day_number(d) - first_day + 1 for d in last}
    inside = sorted(b for b in breaks if 0 < b < num_days)
    return np.searchsorted(np.array(inside, dtype=np.int64), np.arange(num_days), side="right").astype(np.int64)


def compile_tariffs(network: Network, first_day: int, num_days: int) -> dict[str, Any]:
    """Services with their bands, prices and surcharges, as fields of `Net`."""
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
        bands += [(limit,) for limit in limits]
        prices.append(block.ravel())
        band_edges.append(len(bands))
        price_edges.append(price_edges[-1] + block.size)
    service["band_from"], service["band_to"] = np.array(band_edges[:-1]), np.array(band_edges[1:])
    service["price_from"] = np.array(price_edges[:-1])
    surcharges = _surcharges(network, zones, era_day, service)
    return {
        "service": table(SERVICE, service),
        "era_of_day": era_of_day,
        "band": records(BAND, bands),
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
    eras: dict[tuple[date, date], list[int]] = {}  # thousands of rates share a few pairs of dates
    for rate in reversed(rates):  # the first in the file wins
        b, z = at[rate.weight_max_g], zones[rate.zone]
        dates = rate.valid_from, rate.valid_to
        if dates not in eras:
            low, high = map(day_number, dates)
            eras[dates] = [e for e, day in enumerate(era_day) if low <= day <= high]
        for e in eras[dates]:
            block[e, z, b] = rate.price_cents
            if b == len(limits) - 1:
                per_kg[e, z] = rate.per_kg_beyond_cents
    return block


def _surcharges(network: Network, zones: dict[ZoneId, int], era_day: list[int], service: Columns) -> dict[str, Any]:
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
        "surcharge": records(SURCHARGE, rows),
        "surcharge_valid": np.array(valid, dtype=np.int64).reshape(-1, len(era_day)),
    }

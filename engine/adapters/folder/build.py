"""From typed tables without errors to a Network."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.adapters.folder.config import Config
from engine.adapters.folder.typed import Typed
from engine.adapters.folder.wildcards import expand_collections, expand_lanes
from engine.domain.ids import SkuId, ZoneId
from engine.network.model import Network, SkuTable, StockTable, ZonePairs

_ZONED = ("zone_prefixes", "zone_distances", "zone_regions", "rates", "surcharges", "transit")


def build_network(tables: Mapping[str, Typed], config: Config, version: str) -> Network:
    """Build the network of tables that have been checked."""
    assert config.as_of is not None, "a checked configuration has as_of"
    rows: dict[str, tuple[Any, ...]] = {
        name: tuple(row for _, row in table.rows) for name, table in tables.items() if table.table.row is not None
    }
    skus = _skus(tables["skus"])
    zone_ids = _zone_ids(tables)
    nodes = rows["nodes"]
    node_index = {node.node_id: i for i, node in enumerate(nodes)}
    return Network(
        name=config.name,
        version=version,
        currency=config.currency,
        as_of=config.as_of,
        nodes=nodes,
        skus=skus,
        stock=_stock(tables, node_index, skus.index),
        carriers=rows["carriers"],
        services=rows["services"],
        zone_ids=zone_ids,
        zone_pairs=tuple(_zone_pairs(tables["zone_prefixes"], zone_ids)),
        zone_distances=rows["zone_distances"],
        zone_regions=rows["zone_regions"],
        rates=rows["rates"],
        surcharges=rows["surcharges"],
        transits=rows["transit"],
        collections=expand_collections(rows["collections"], nodes, rows["services"]),
        lanes=expand_lanes(rows["lanes"], nodes),
        areas=rows["postcodes"],
        hours_exceptions=rows["hours_exceptions"],
        carrier_holidays=rows["carrier_holidays"],
        inbound=rows["inbound"],
        safety_stock=rows["safety_stock"],
        channel_protection=rows["channel_protection"],
        policies=config.policies,
        synthetic=config.synthetic,
        meta=config.meta,
    )


def _zone_ids(tables: Mapping[str, Typed]) -> tuple[ZoneId, ...]:
    named = {zone for name in _ZONED for zone in tables[name].columns["zone"].values if zone and tables[name].num_rows}
    return tuple(sorted(named))


def _skus(table: Typed) -> SkuTable:
    columns = table.columns
    whole = {
        name: columns[name].array(np.int64)
        for name in ("weight_g", "longest_mm", "second_mm", "third_mm", "value_cents")
    }
    volume = columns["volume_cm3"].array(np.int64)
    sides = whole["longest_mm"] * whole["second_mm"] * whole["third_mm"]
    flags = {name: columns[name].array(np.bool_) for name in ("ships_alone", "never_split", "hazardous", "oversize")}
    ids = columns["sku"]
    names, of = _classes(table)
    return SkuTable(
        ids=tuple(SkuId(ids.values[code]) for code in ids.codes.tolist()),
        volume_cm3=np.where(volume < 0, -(-sides // 1000), volume),
        node_groups=_restrictions(table, "node_groups"),
        services=_restrictions(table, "services"),
        class_names=names,
        class_of=of,
        **whole,
        **flags,
    )


def _classes(table: Typed) -> tuple[tuple[str, ...], NDArray[np.int32] | None]:
    """The names of classes and the class of each sku, None where none has one."""
    column = table.columns["sku_class"]
    names = tuple(sorted(set(column.values)))
    if names in ((), ("",)):
        return ("",), None
    at = {name: i for i, name in enumerate(names)}
    codes = np.array([at[value] for value in column.values], dtype=np.int32)
    return names, codes[column.codes]


def _restrictions(table: Typed, name: str) -> Mapping[int, tuple[str, ...]]:
    column = table.columns[name]
    some = np.array([bool(value) for value in column.values], dtype=np.bool_)
    if not some.any():
        return MappingProxyType({})
    at = np.flatnonzero(some[column.codes]).tolist()
    return MappingProxyType({i: column.values[column.codes[i]] for i in at})


def _stock(tables: Mapping[str, Typed], nodes: Mapping[Any, int], skus: Mapping[Any, int]) -> StockTable:
    """The rows of stock, and rows of zeros for pairs that only inbound or channel_protection name."""
    stock = tables["stock"].columns
    node, sku = stock["node_id"].positions(nodes), stock["sku"].positions(skus)
    num_skus = max(1, len(skus))
    named: list[NDArray[np.int64]] = [
        columns["node_id"].positions(nodes) * num_skus + columns["sku"].positions(skus)
        for columns in (tables["inbound"].columns, tables["channel_protection"].columns)
        if len(columns["node_id"].codes)
    ]
    pairs = np.concatenate([np.zeros(0, dtype=np.int64), *named])
    distinct, first = np.unique(pairs, return_index=True)
    missing = ~np.isin(distinct, node * num_skus + sku) if len(pairs) else np.zeros(0, dtype=np.bool_)
    added = pairs[np.sort(first[missing])]
    zeros = np.zeros(len(added), dtype=np.int32)

    def column(name: str) -> NDArray[np.int32]:
        return np.concatenate([stock[name].array(np.int32), zeros])

    return StockTable(
        node=np.concatenate([node, added // num_skus]).astype(np.int32),
        sku=np.concatenate([sku, added % num_skus]).astype(np.int32),
        on_hand=column("on_hand"),
        reserved=column("reserved"),
        days_of_cover=column("days_of_cover"),
    )


def _zone_pairs(table: Typed, zone_ids: tuple[ZoneId, ...]) -> Iterator[ZonePairs]:
    """One matrix per zone map, in the order in which the maps appear."""
    columns = table.columns
    if not table.num_rows:
        return
    zones = {zone: i for i, zone in enumerate(zone_ids)}
    maps = {zone_map: i for i, zone_map in enumerate(table.ids())}
    of_row = columns["zone_map"].positions(maps)
    zone = columns["zone"].positions(zones)
    for zone_map, i in maps.items():
        rows = of_row == i
        ends = []
        for name in ("origin_prefix", "dest_prefix"):
            column = columns[name]
            used = np.flatnonzero(np.bincount(column.codes[rows]))
            prefixes = tuple(sorted({column.values[code] for code in used.tolist()}))
            ends.append((prefixes, column.positions({p: at for at, p in enumerate(prefixes)})[rows]))
        (origin, at_origin), (dest, at_dest) = ends
        matrix = np.full((len(origin), len(dest)), -1, dtype=np.int16)
        matrix[at_origin, at_dest] = zone[rows]
        yield ZonePairs(zone_map=zone_map, prefix_length=len(origin[0]), origin=origin, dest=dest, zone=matrix)

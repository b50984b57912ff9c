"""
Which zone of a service's zone map a parcel from a node to a target falls into (MODEL.md section 4, "Zone").

Three kinds of rows may define a zone map. They are asked in this order and the first that knows the pair answers:

1. pairs of postcode prefixes; where a map has tables of several prefix lengths, the longest prefixes first;
2. distance bands, ascending, limit included;
3. pairs of country and region: rows that name more regions first, then in the order of the file.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.domain.ids import ZoneId
from engine.network.model import Network, ZonePairs
from engine.network.routes import Target

NO_ZONE = -1


@dataclass(frozen=True, slots=True)
class _PairTable:
    """One ZonePairs with the row of every node looked up."""

    prefix_length: int
    row_of_node: tuple[int, ...]  # -1: the node's prefix is not in the table
    column_of_dest: dict[str, int]
    zone: NDArray[np.int16]  # (num_origin, num_dest)


@dataclass(frozen=True, slots=True)
class _ZoneMap:
    """All that defines one zone map; zones are indices into Network.zone_ids."""

    pairs: tuple[_PairTable, ...]
    distance_max_m: tuple[int, ...]
    distance_zone: tuple[int, ...]
    regions: dict[tuple[str, str, str, str], tuple[int, int]]  # -> (rank, zone); the lowest rank wins


class ZoneFinder:
    """
    Finds zones; built once per network.

    Raises
    ------
    InputError
        Where a zone map names a zone that the network does not list.
    """

    def __init__(self, network: Network) -> None:
        self._nodes = tuple((node.country, node.region) for node in network.nodes)
        number = zone_numbers(network)
        maps = {name: _zone_map(network, name, number) for name in {s.zone_map for s in network.services}}
        self._map_of_service = tuple(maps[service.zone_map] for service in network.services)

    def zone(self, service: int, node: int, target: Target, distance_m: int) -> int:
        """
        Look up the zone of a service between a node and a target.

        Parameters
        ----------
        service, node
            Indices into Network.services and Network.nodes.
        target
            Where the parcel goes; its postcode is compact and in capitals, as `target_of` makes it.
        distance_m
            Distance between the two.

        Returns
        -------
        int
            Index into Network.zone_ids, -1 where the zone map does not know the pair.
        """
        found = self._map_of_service[service]
        for table in found.pairs:
            row = table.row_of_node[node]
            if row >= 0:
                column = table.column_of_dest.get(target.postcode[: table.prefix_length], -1)
                if column >= 0:
                    zone = int(table.zone[row, column])
                    if zone >= 0:
                        return zone
        band = bisect_left(found.distance_max_m, distance_m)
        if band < len(found.distance_max_m):
            return found.distance_zone[band]
        return self._zone_by_region(found, node, target) if found.regions else NO_ZONE

    def _zone_by_region(self, found: _ZoneMap, node: int, target: Target) -> int:
        country, region = self._nodes[node]
        keys = (
            (country, region, target.country, target.region),
            (country, region, target.country, ""),
            (country, "", target.country, target.region),
            (country, "", target.country, ""),
        )
        rows = [row for key in keys if (row := found.regions.get(key)) is not None]
        return min(rows)[1] if rows else NO_ZONE


def zone_numbers(network: Network) -> Callable[[ZoneId, str], int]:
    """Give a function (zone, who names it) -> index into Network.zone_ids, which raises InputError on unknown zones."""
    numbers = {zone: i for i, zone in enumerate(network.zone_ids)}

    def number(zone: ZoneId, who: str) -> int:
        if zone not in numbers:
            raise InputError(f"Zone ({zone}) of {who} is not in the network's zone_ids.", "add it there.")
        return numbers[zone]

    return number


def _zone_map(network: Network, name: str, number: Callable[[ZoneId, str], int]) -> _ZoneMap:
    who = f"zone map ({name})"
    pairs = [_pair_table(network, table) for table in network.zone_pairs if table.zone_map == name]
    bands: dict[int, int] = {}
    for distance in network.zone_distances:
        if distance.zone_map == name:
            bands.setdefault(distance.distance_max_m, number(distance.zone, who))
    regions: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    rows = [row for row in network.zone_regions if row.zone_map == name]
    rows.sort(key=lambda row: (row.origin_region == "") + (row.dest_region == ""))  # stable: then by place in the file
    for rank, row in enumerate(rows):
        key = (row.origin_country, row.origin_region, row.dest_country, row.dest_region)
        regions.setdefault(key, (rank, number(row.zone, who)))
    return _ZoneMap(
        pairs=tuple(sorted(pairs, key=lambda table: -table.prefix_length)),
        distance_max_m=tuple(sorted(bands)),
        distance_zone=tuple(bands[limit] for limit in sorted(bands)),
        regions=regions,
    )


def _pair_table(network: Network, table: ZonePairs) -> _PairTable:
    rows = {prefix: i for i, prefix in enumerate(table.origin)}
    prefixes = (node.postcode.replace(" ", "").upper()[: table.prefix_length] for node in network.nodes)
    return _PairTable(
        prefix_length=table.prefix_length,
        row_of_node=tuple(rows.get(prefix, -1) for prefix in prefixes),
        column_of_dest={prefix: i for i, prefix in enumerate(table.dest)},
        zone=table.zone,
    )

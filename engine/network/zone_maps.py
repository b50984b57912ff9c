"""
The zone maps of a network as kernels take them: pairs first, then distance bands, then countries and regions.

`engine.network.zones` says the same in plain words, one node and target at a time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.jit import inlined
from engine.network.model import Network
from engine.network.routes import Target

REGIONS_START = 64


class ZoneMaps(NamedTuple):
    """
    All zone maps of a network; M maps, K nodes.

    origin     (M, K) int64   the column of a node's prefix among the pairs, -1 none
    pairs      (D, P) int16   zone by destination, all maps below each other, and origin; -1 none
    regions    (R, K) int16   zone by country and region alone, all maps below each other; -1 none
    band_from  (M + 1,) int64 the distance bands of each map:
    band_max   (B,) int64     up to how many metres,
    band_zone  (B,) int16     and the zone
    """

    origin: NDArray[np.int64]
    pairs: NDArray[np.int16]
    regions: NDArray[np.int16]
    band_from: NDArray[np.int64]
    band_max: NDArray[np.int64]
    band_zone: NDArray[np.int16]


@inlined
def zone_of(maps: ZoneMaps, m: int, k: int, metres: int, pair: int, region: int) -> int:
    """Zone of a node by a map, towards a target that has these rows among its pairs and regions; -1 none."""
    zone = -1
    if pair >= 0 and maps.origin[m, k] >= 0:
        zone = int(maps.pairs[pair, maps.origin[m, k]])
    band, last = maps.band_from[m], maps.band_from[m + 1]
    if zone < 0:
        while band < last and maps.band_max[band] < metres:
            band += 1
        if band < last:
            zone = int(maps.band_zone[band])
    return zone if zone >= 0 else int(maps.regions[region, k])


class MapTables:
    """Finds the rows of targets in a network's zone maps."""

    def __init__(self, network: Network, names: Sequence[str]) -> None:
        self._maps = [_ZoneMap(network, name) for name in names]
        self.prefix_max = max((m.prefix_length for m in self._maps), default=0)
        num_nodes, width = len(network.nodes), max((m.zone.shape[1] for m in self._maps), default=0)
        self._pairs_from = np.cumsum([0, *(len(m.zone) for m in self._maps)]).tolist()
        pairs = np.full((self._pairs_from[-1], width), -1, dtype=np.int16)
        for one, first in zip(self._maps, self._pairs_from, strict=False):
            pairs[first : first + len(one.zone), : one.zone.shape[1]] = one.zone
        none = np.zeros(0, dtype=np.int64)
        self._arrays = ZoneMaps(
            origin=np.array([one.origin for one in self._maps], dtype=np.int64).reshape(-1, num_nodes),
            pairs=pairs,
            regions=np.full((REGIONS_START, num_nodes), -1, dtype=np.int16),
            band_from=np.cumsum([0, *(len(one.band_max) for one in self._maps)]),
            band_max=np.concatenate([none, *(one.band_max for one in self._maps)]),
            band_zone=np.concatenate([none, *(one.band_zone for one in self._maps)]).astype(np.int16),
        )
        self._regions: dict[tuple[str, str], int] = {}  # -> the row of the first map; the others follow

    def arrays(self) -> ZoneMaps:
        """The maps; `rows_of` may replace them."""
        return self._arrays

    def rows_of(self, targets: Sequence[Target]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of targets among the pairs (-1 none) and the regions of each map, (J, M) both."""
        pair = [
            [
                first + row if (row := one.dest.get(target.postcode[: one.prefix_length], -1)) >= 0 else -1
                for one, first in zip(self._maps, self._pairs_from, strict=False)
            ]
            for target in targets
        ]
        regions = np.array([self._region(target) for target in targets], dtype=np.int64)
        shape = (len(targets), len(self._maps))
        return np.array(pair, dtype=np.int64).reshape(shape), regions[:, None] + np.arange(len(self._maps))

    def _region(self, target: Target) -> int:
        """The first map's row of a country and region, made on first use."""
        key = (target.country, target.region)
        found = self._regions.get(key)
        if found is None:
            found = self._regions[key] = len(self._regions) * len(self._maps)
            regions = self._arrays.regions
            if found + len(self._maps) > len(regions):
                more = np.full((len(regions) + len(self._maps), regions.shape[1]), -1, dtype=np.int16)
                regions = np.concatenate([regions, more])
                self._arrays = self._arrays._replace(regions=regions)
            for one, row in zip(self._maps, regions[found:], strict=False):
                one.by_region(target, row)
        return found


class _ZoneMap:
    """One zone map."""

    def __init__(self, network: Network, name: str) -> None:
        zones = {zone: z for z, zone in enumerate(network.zone_ids)}
        nodes = network.nodes
        pairs = next((p for p in network.zone_pairs if p.zone_map == name), None)
        self.origin = np.full(len(nodes), -1, dtype=np.int64)
        self.prefix_length = pairs.prefix_length if pairs else 0
        self.dest: dict[str, int] = {}
        self.zone = np.zeros((0, 0), dtype=np.int16)  # by destination and origin
        if pairs:
            origin = {prefix: i for i, prefix in enumerate(pairs.origin)}
            short = [n.postcode.replace(" ", "").upper()[: self.prefix_length] for n in nodes]
            self.origin = np.array([origin.get(p, -1) for p in short], dtype=np.int64)
            self.dest = {prefix: i for i, prefix in enumerate(pairs.dest)}
            self.zone = np.ascontiguousarray(pairs.zone.T, dtype=np.int16)
        bands = sorted((r for r in network.zone_distances if r.zone_map == name), key=lambda r: r.distance_max_m)
        self.band_max = np.array([r.distance_max_m for r in bands], dtype=np.int64)
        self.band_zone = np.array([zones[r.zone] for r in bands], dtype=np.int16)
        # exact regions before "any", in the order of the file
        self._rules = sorted(
            (r for r in network.zone_regions if r.zone_map == name),
            key=lambda r: (r.origin_region == "") + (r.dest_region == ""),
        )
        self._zones = zones
        self._origins = [
            np.array([n.country == r.origin_country and r.origin_region in ("", n.region) for n in nodes])
            for r in self._rules
        ]

    def by_region(self, target: Target, zone: NDArray[np.int16]) -> None:
        """Fill in zones of nodes towards a target by country and region alone, where they are -1."""
        for rule, origins in zip(self._rules, self._origins, strict=True):
            if rule.dest_country == target.country and rule.dest_region in ("", target.region):
                zone[(zone < 0) & origins] = self._zones[rule.zone]

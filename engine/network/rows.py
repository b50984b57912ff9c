"""
Distances and zones from every node to one target, computed when first asked for and kept.

    distance_m  (num_slots, K) int32    whole metres
    zone_class  (num_slots, K) int16    class of the node's zones towards the target
    class_zone  (num_classes, S) int64  zone of each service in a class, -1 none
    slot_classes (num_slots, CLASSES_MAX) int16  the classes that occur in a slot,
    slot_count  (num_slots,)     int64  and how many

A slot is a target; nodes with equal zones for all services share a class, so a kernel prices a class once.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import Block, openable
from engine.network.compiled import CompiledNetwork
from engine.network.floors import HOUR_S, UNKNOWN, Floors, find_soonest, floors_of, no_floors
from engine.network.jit import compiled as compiled_kernel
from engine.network.jit import inlined
from engine.network.model import Network
from engine.network.routes import EARTH_RADIUS_M, Target

SLOTS_START = 4_096  # memory that is not written to is not taken
MEMORY = 256_000_000  # bytes
CLASSES_MAX = 256


class Reach(NamedTuple):
    """The arrays of the module's head, as kernels take them."""

    distance_m: NDArray[np.int32]
    zone_class: NDArray[np.int16]
    class_zone: NDArray[np.int64]
    slot_classes: NDArray[np.int16]
    slot_count: NDArray[np.int64]
    floors: Floors


class Sites(NamedTuple):
    """Where nodes are, as a distance asks for it."""

    lon: NDArray[np.float64]  # degrees
    phi: NDArray[np.float64]  # latitude, radians
    cos_phi: NDArray[np.float64]


def sites(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> Sites:
    """Places by latitude and longitude in degrees."""
    out = Sites(lon, np.zeros(len(lat)), np.zeros(len(lat)))
    _measure(lat, out.phi, out.cos_phi)
    return out


class Maps(NamedTuple):
    """
    All zone maps, towards the target at hand.

    origin     (M, K) int64   the row of a node's prefix among the pairs, -1 none
    by_pair    (M, P) int16   zone of each of these rows
    by_region  (M, K) int16   zone by country and region alone; -1 none, as above
    band_from  (M + 1,) int64 the distance bands of each map:
    band_max   (B,) int64     up to how many metres,
    band_zone  (B,) int16     and the zone
    """

    origin: NDArray[np.int64]
    by_pair: NDArray[np.int16]
    by_region: NDArray[np.int16]
    band_from: NDArray[np.int64]
    band_max: NDArray[np.int64]
    band_zone: NDArray[np.int16]


@compiled_kernel
def _measure(lat: NDArray[np.float64], phi: NDArray[np.float64], cos_phi: NDArray[np.float64]) -> None:
    for k in range(len(lat)):
        phi[k] = math.radians(lat[k])
        cos_phi[k] = math.cos(phi[k])


@inlined
def _metres(site: Sites, k: int, phi_b: float, cos_b: float, to_lon: float) -> int:
    """Same formula and order of operations as `engine.network.routes.distance_m`."""
    half_phi = math.sin((phi_b - site.phi[k]) / 2.0)
    half_lambda = math.sin(math.radians(to_lon - site.lon[k]) / 2.0)
    h = half_phi * half_phi + site.cos_phi[k] * cos_b * half_lambda * half_lambda
    return int(2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h))) + 0.5)


@compiled_kernel
def find_within(site: Sites, to_lat: float, to_lon: float, within_m: int, found: NDArray[np.int64]) -> int:
    """
    Fill rows of `found` with (metres, place) of the places no farther than that, in their order; how many.

    Most are too far by their latitude alone.
    """
    phi_b, count = math.radians(to_lat), 0
    cos_b = math.cos(phi_b)
    far = (within_m + 1) / EARTH_RADIUS_M
    for k in range(len(site.phi)):
        if abs(phi_b - site.phi[k]) <= far:
            metres = _metres(site, k, phi_b, cos_b, to_lon)
            if metres <= within_m:
                found[count, 0], found[count, 1] = metres, k
                count += 1
    return count


@inlined
def _zone(maps: Maps, m: int, k: int, metres: int) -> int:
    """Zone of a node by a map: by pair of prefixes, else by distance, else by country and region; -1 none."""
    zone = -1
    if maps.origin[m, k] >= 0:
        zone = int(maps.by_pair[m, maps.origin[m, k]])
    band, last = maps.band_from[m], maps.band_from[m + 1]
    if zone < 0:
        while band < last and maps.band_max[band] < metres:
            band += 1
        if band < last:
            zone = int(maps.band_zone[band])
    return zone if zone >= 0 else int(maps.by_region[m, k])


@compiled_kernel
def _measure_slot(
    site: Sites,
    to_lat: float,
    to_lon: float,
    maps: Maps,
    zones: NDArray[np.int16],
    distance: NDArray[np.int32],
) -> None:
    """Metres from each node to one place, and its zone by each map."""
    phi_b = math.radians(to_lat)
    cos_b = math.cos(phi_b)
    for k in range(len(site.phi)):
        metres = _metres(site, k, phi_b, cos_b, to_lon)
        distance[k] = metres
        for m in range(len(maps.origin)):
            zones[k, m] = _zone(maps, m, k, metres)


@compiled_kernel
def _classify(
    zones: NDArray[np.int16],
    table: NDArray[np.int16],
    known: NDArray[np.int16],
    count: int,
    out: NDArray[np.int16],
    present: NDArray[np.int16],
) -> tuple[int, int]:
    """
    Give every row of a table the number of its class: the row of `known` that is like it, of which there are `count`.

    New ones are added to `known`. `table` tells where a row is known, by what it holds: 2**n places, -1 empty, kept
    between calls. Returns how many classes are known then, -1 where there is no room for them, and how many occur:
    `present` has those, ascending.
    """
    last = len(table) - 1
    seen = 0
    for k in range(len(zones)):
        at = 0
        for m in range(zones.shape[1]):
            at = (at * 31 + zones[k, m]) & last
        while True:
            number = int(table[at])
            if number < 0:
                if count == len(known):
                    return -1, 0
                number = count
                for m in range(zones.shape[1]):
                    known[number, m] = zones[k, m]
                table[at] = number
                count += 1
                break
            same = True
            for m in range(zones.shape[1]):
                same &= zones[k, m] == known[number, m]
            if same:
                break
            at = (at + 1) & last
        out[k] = number
        new = k == 0 or out[k - 1] != number  # neighbours are often alike
        i = 0
        while new and i < seen:
            new = present[i] != number
            i += 1
        if new:
            i = seen
            while i > 0 and present[i - 1] > number:
                present[i] = present[i - 1]
                i -= 1
            present[i] = number
            seen += 1
    return count, seen


def _empty() -> Reach:
    table = np.zeros((0, 0), dtype=np.int16)
    return Reach(
        distance_m=np.zeros((0, 0), dtype=np.int32),
        zone_class=table,
        class_zone=np.zeros((0, 0), dtype=np.int64),
        slot_classes=table,
        slot_count=np.zeros(0, dtype=np.int64),
        floors=no_floors(),
    )


openable(Reach, _empty)


class TargetRows:
    """The pool of slots of one compiled network. Keeps at most `slots_max`, by default what MEMORY holds; then anew."""

    def __init__(self, compiled: CompiledNetwork, slots_max: int | None = None) -> None:
        network = compiled.network
        num_nodes = len(network.nodes)
        self.compiled = compiled
        self.slots_max = slots_max or max(SLOTS_START, MEMORY // (6 * num_nodes + 2 * CLASSES_MAX))
        lat = np.array([n.lat for n in network.nodes], dtype=np.float64)
        self._sites = sites(lat, np.array([n.lon for n in network.nodes], dtype=np.float64))
        self.distance_m = np.zeros((SLOTS_START, num_nodes), dtype=np.int32)
        self.zone_class = np.zeros((SLOTS_START, num_nodes), dtype=np.int16)
        self.class_zone = np.full((CLASSES_MAX, max(1, len(network.services))), -1, dtype=np.int64)
        self.slot_classes = np.zeros((SLOTS_START, CLASSES_MAX), dtype=np.int16)
        self.slot_count = np.zeros(SLOTS_START, dtype=np.int64)
        self.floors = floors_of(compiled)
        self._slots: dict[tuple[object, ...], int] = {}
        self._keeps = False
        self.generation = 0  # how often slots were forgotten
        self._maps = [_ZoneMap(network, name) for name in compiled.zone_maps]
        self._all_maps = _side_by_side(self._maps, num_nodes)
        self._map_of = np.array([compiled.zone_maps[s.zone_map] for s in network.services], dtype=np.int64)
        self._zones = np.zeros((num_nodes, max(1, len(self._maps))), dtype=np.int16)  # of the target at hand, by map
        self._known = np.zeros((CLASSES_MAX, self._zones.shape[1]), dtype=np.int16)  # classes by the zone of each map
        self._num_classes = 0
        self._table = np.full(4 * CLASSES_MAX, -1, dtype=np.int16)
        self.block = Block.of(self.reach())  # stays where it is, whatever the arrays do
        self._prefix_max = max((m.prefix_length for m in self._maps), default=0)

    def reach(self) -> Reach:
        """The arrays as they are; new slots may replace them."""
        return Reach(
            self.distance_m,
            self.zone_class,
            self.class_zone,
            self.slot_classes,
            self.slot_count,
            self.floors,
        )

    def trim(self) -> None:
        """Forget all slots if there are more than `slots_max`; slots handed out before are then void."""
        if len(self._slots) > self.slots_max and not self._keeps:
            self._slots.clear()
            self.generation += 1

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within, no slot is forgotten, whatever is decided meanwhile."""
        before, self._keeps = self._keeps, True
        try:
            yield
        finally:
            self._keeps = before

    def see(self, placed_s: int) -> None:
        """Find on which days orders of that hour leave at the soonest, if that is not known yet."""
        hour = (placed_s - int(self.floors.first_s[0])) // HOUR_S
        soonest = self.floors.soonest_day
        if 0 <= hour < soonest.shape[1] and soonest[0, hour] == UNKNOWN:
            out = np.full(len(soonest), -1, dtype=np.int64)
            find_soonest(self.compiled.block.at, int(self.floors.first_s[0]) + hour * HOUR_S, out)
            soonest[:, hour] = out

    def slot(self, target: Target) -> int:
        """The slot of a target; computed on first use (some 0.1 ms for a thousand nodes)."""
        key = (target.country, target.region, target.postcode[: self._prefix_max], target.lat, target.lon)
        found = self._slots.get(key)
        if found is not None:
            return found
        at = len(self._slots)
        if at == len(self.distance_m):
            self._grow()
        maps, before = self._all_maps, self._num_classes
        for m, zone_map in enumerate(self._maps):
            zone_map.towards(target, maps.by_pair[m], maps.by_region[m])
        _measure_slot(self._sites, target.lat, target.lon, maps, self._zones, self.distance_m[at])
        self._num_classes, self.slot_count[at] = _classify(
            self._zones, self._table, self._known, before, self.zone_class[at], self.slot_classes[at]
        )
        assert self._num_classes >= 0, "more combinations of zones than a network can have"
        if self._maps:
            for number in range(before, self._num_classes):
                self.class_zone[number] = self._known[number][self._map_of]
        self._slots[key] = at
        return at

    def _grow(self) -> None:
        """Make room for as many slots again."""
        for name in ("distance_m", "zone_class", "slot_classes", "slot_count"):
            old: NDArray[np.int32] = getattr(self, name)
            new = np.zeros((2 * len(old), *old.shape[1:]), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
        self.block.put(**self.reach()._asdict())


class _ZoneMap:
    """One zone map: pairs first, then distance bands, then countries and regions."""

    def __init__(self, network: Network, name: str) -> None:
        zones = {zone: z for z, zone in enumerate(network.zone_ids)}
        nodes = network.nodes
        self.origin = np.full(len(nodes), -1, dtype=np.int64)
        self.pairs = next((p for p in network.zone_pairs if p.zone_map == name), None)
        self.prefix_length = self.pairs.prefix_length if self.pairs else 0
        if self.pairs:
            origin = {prefix: i for i, prefix in enumerate(self.pairs.origin)}
            short = [n.postcode.replace(" ", "").upper()[: self.prefix_length] for n in nodes]
            self.origin = np.array([origin.get(p, -1) for p in short], dtype=np.int64)
            self.dest = {prefix: i for i, prefix in enumerate(self.pairs.dest)}
            self.pair_zone = np.ascontiguousarray(self.pairs.zone.T, dtype=np.int16)  # by destination
        bands = sorted((r for r in network.zone_distances if r.zone_map == name), key=lambda r: r.distance_max_m)
        self.band_max = np.array([r.distance_max_m for r in bands], dtype=np.int64)
        self.band_zone = np.array([zones[r.zone] for r in bands], dtype=np.int16)
        # exact regions before "any", in the order of the file
        self.regions = sorted(
            (r for r in network.zone_regions if r.zone_map == name),
            key=lambda r: (r.origin_region == "") + (r.dest_region == ""),
        )
        self.zone_of = zones
        self.origins = [
            np.array([n.country == r.origin_country and r.origin_region in ("", n.region) for n in nodes])
            for r in self.regions
        ]
        self._region_zone: dict[tuple[str, str], NDArray[np.int16]] = {}

    def towards(self, target: Target, by_pair: NDArray[np.int16], by_region: NDArray[np.int16]) -> None:
        """Fill in the zones of prefixes, and of nodes, towards a target; -1 none."""
        if self.pairs is not None:
            dest = self.dest.get(target.postcode[: self.prefix_length])
            by_pair[: self.pair_zone.shape[1]] = -1 if dest is None else self.pair_zone[dest]
        by_region[:] = self._by_region(target)

    def _by_region(self, target: Target) -> NDArray[np.int16]:
        """Zones by country and region alone."""
        key = (target.country, target.region)
        found = self._region_zone.get(key)
        if found is None:
            found = self._region_zone[key] = np.full(len(self.origin), -1, dtype=np.int16)
            for rule, origins in zip(self.regions, self.origins, strict=True):
                if rule.dest_country == target.country and rule.dest_region in ("", target.region):
                    found[(found < 0) & origins] = self.zone_of[rule.zone]
        return found


def _side_by_side(maps: Sequence[_ZoneMap], num_nodes: int) -> Maps:
    """The maps as kernels take them; what depends on the target is still to be filled in."""
    pairs = max((zone_map.pair_zone.shape[1] for zone_map in maps if zone_map.pairs), default=0)
    none = np.zeros(0, dtype=np.int64)
    return Maps(
        origin=np.array([zone_map.origin for zone_map in maps], dtype=np.int64).reshape(-1, num_nodes),
        by_pair=np.full((len(maps), pairs), -1, dtype=np.int16),
        by_region=np.full((len(maps), num_nodes), -1, dtype=np.int16),
        band_from=np.cumsum([0, *(len(zone_map.band_max) for zone_map in maps)]),
        band_max=np.concatenate([none, *(zone_map.band_max for zone_map in maps)]),
        band_zone=np.concatenate([none, *(zone_map.band_zone for zone_map in maps)]).astype(np.int16),
    )

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
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import Block, openable
from engine.network.compiled import CompiledNetwork
from engine.network.floors import HOUR_S, UNKNOWN, Floors, find_soonest, floors_of, no_floors
from engine.network.jit import compiled as compiled_kernel
from engine.network.model import Network
from engine.network.routes import EARTH_RADIUS_M, Target

SLOTS_START = 256
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


@compiled_kernel
def _distances(
    lat: NDArray[np.float64], lon: NDArray[np.float64], to_lat: float, to_lon: float, out: NDArray[np.int32]
) -> None:
    """Same formula and order of operations as `engine.network.routes.distance_m`."""
    phi_b = math.radians(to_lat)
    for k in range(len(lat)):
        phi_a = math.radians(lat[k])
        half_phi = math.sin((phi_b - phi_a) / 2.0)
        half_lambda = math.sin(math.radians(to_lon - lon[k]) / 2.0)
        h = half_phi * half_phi + math.cos(phi_a) * math.cos(phi_b) * half_lambda * half_lambda
        out[k] = int(2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h))) + 0.5)


@compiled_kernel
def _group(zones: NDArray[np.int16], group: NDArray[np.int16], first: NDArray[np.int64]) -> int:
    """
    Number the different rows of a table in the order in which they come; how many there are.

    `group` takes the number of each row, `first` the first row of each number; -1 where there are more than it holds.
    """
    count = 0
    for k in range(len(zones)):
        number = group[k - 1] if k > 0 else 0  # neighbours are often alike
        same = k > 0
        at = 0
        while True:
            if same:
                for m in range(zones.shape[1]):
                    if zones[k, m] != zones[first[number], m]:
                        same = False
                        break
                if same:
                    break
            if at == count:
                if count == len(first):
                    return -1
                first[count] = k
                number = count
                count += 1
                break
            number = at
            at += 1
            same = True
        group[k] = number
    return count


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
        self.lat = np.array([n.lat for n in network.nodes], dtype=np.float64)
        self.lon = np.array([n.lon for n in network.nodes], dtype=np.float64)
        self.distance_m = np.zeros((SLOTS_START, num_nodes), dtype=np.int32)
        self.zone_class = np.zeros((SLOTS_START, num_nodes), dtype=np.int16)
        self.class_zone = np.full((CLASSES_MAX, max(1, len(network.services))), -1, dtype=np.int64)
        self.slot_classes = np.zeros((SLOTS_START, CLASSES_MAX), dtype=np.int16)
        self.slot_count = np.zeros(SLOTS_START, dtype=np.int64)
        self.floors = floors_of(compiled)
        self._classes: dict[bytes, int] = {}
        self._slots: dict[tuple[object, ...], int] = {}
        self._keeps = False
        self.generation = 0  # how often slots were forgotten
        self._maps = [_ZoneMap(network, name) for name in compiled.zone_maps]
        self._map_of = np.array([compiled.zone_maps[s.zone_map] for s in network.services], dtype=np.int64)
        self._zones = np.zeros((num_nodes, max(1, len(self._maps))), dtype=np.int16)  # of the target at hand, by map
        self._first = np.zeros(CLASSES_MAX, dtype=np.int64)
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
        """The slot of a target; computed on first use (some 0.2 ms for a thousand nodes)."""
        key = (target.country, target.region, target.postcode[: self._prefix_max], target.lat, target.lon)
        found = self._slots.get(key)
        if found is not None:
            return found
        at = len(self._slots)
        if at == len(self.distance_m):
            self.distance_m = np.concatenate([self.distance_m, np.zeros_like(self.distance_m)])
            self.zone_class = np.concatenate([self.zone_class, np.zeros_like(self.zone_class)])
            self.slot_classes = np.concatenate([self.slot_classes, np.zeros_like(self.slot_classes)])
            self.slot_count = np.concatenate([self.slot_count, np.zeros_like(self.slot_count)])
            self.block.put(**self.reach()._asdict())
        _distances(self.lat, self.lon, target.lat, target.lon, self.distance_m[at])
        present = self._classes_of(target, self.distance_m[at], self.zone_class[at])
        self.slot_classes[at, : len(present)] = present
        self.slot_count[at] = len(present)
        self._slots[key] = at
        return at

    def _classes_of(self, target: Target, distance: NDArray[np.int32], out: NDArray[np.int16]) -> NDArray[np.int16]:
        """Fill in the class of each node; the classes that occur, ascending."""
        zones = self._zones
        for m, zone_map in enumerate(self._maps):
            zone_map.zones(target, distance, zones[:, m])
        count = _group(zones, out, self._first)
        assert count >= 0, "more combinations of zones than a network can have"
        numbers = np.array([self._class_of(zones[row]) for row in self._first[:count].tolist()], dtype=np.int16)
        out[:] = numbers[out]
        numbers.sort()
        return numbers

    def _class_of(self, by_map: NDArray[np.int16]) -> int:
        """The number of a class, by the zone of each map."""
        raw = by_map.tobytes()
        number = self._classes.get(raw)
        if number is None:
            number = len(self._classes)
            assert number < CLASSES_MAX, "more combinations of zones than a network can have"
            self._classes[raw] = number
            if self._maps:
                self.class_zone[number] = by_map[self._map_of]
        return number


class _ZoneMap:
    """One zone map: pairs first, then distance bands, then countries and regions."""

    def __init__(self, network: Network, name: str) -> None:
        zones = {zone: z for z, zone in enumerate(network.zone_ids)}
        nodes = network.nodes
        self.pairs = next((p for p in network.zone_pairs if p.zone_map == name), None)
        self.prefix_length = self.pairs.prefix_length if self.pairs else 0
        if self.pairs:
            origin = {prefix: i for i, prefix in enumerate(self.pairs.origin)}
            short = [n.postcode.replace(" ", "").upper()[: self.prefix_length] for n in nodes]
            self.origin = np.array([origin.get(p, -1) for p in short], dtype=np.int64)
            self.dest = {prefix: i for i, prefix in enumerate(self.pairs.dest)}
        bands = sorted((r for r in network.zone_distances if r.zone_map == name), key=lambda r: r.distance_max_m)
        self.band_max = np.array([r.distance_max_m for r in bands], dtype=np.int64)
        self.band_zone = np.array([zones[r.zone] for r in bands] + [-1], dtype=np.int16)
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
        self.known = np.flatnonzero(self.origin >= 0) if self.pairs else np.zeros(0, dtype=np.int64)
        self.origin_of_known = self.origin[self.known] if self.pairs else self.known

    def zones(self, target: Target, distance: NDArray[np.int32], out: NDArray[np.int16]) -> None:
        """Zone of every node towards the target, -1 none."""
        out[:] = -1
        if self.pairs is not None:
            dest = self.dest.get(target.postcode[: self.prefix_length])
            if dest is not None:
                out[self.known] = self.pairs.zone[self.origin_of_known, dest]
        if len(self.band_max):
            missing = out < 0
            out[missing] = self.band_zone[np.searchsorted(self.band_max, distance[missing], side="left")]
        for rule, origins in zip(self.regions, self.origins, strict=True):
            if rule.dest_country != target.country or rule.dest_region not in ("", target.region):
                continue
            out[(out < 0) & origins] = self.zone_of[rule.zone]

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

from engine.network.blocks import Block, openable, opened
from engine.network.compiled import CompiledNetwork
from engine.network.floors import HOUR_S, UNKNOWN, Floors, find_soonest, floors_of, no_floors
from engine.network.jit import compiled as compiled_kernel
from engine.network.jit import inlined, quick
from engine.network.routes import EARTH_RADIUS_M, Target
from engine.network.zone_maps import MapTables, ZoneMaps, zone_of

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


class Asked(NamedTuple):
    """Targets whose slots are to be filled: where each is, and its rows in the zone maps (`MapTables.rows_of`)."""

    lat: NDArray[np.float64]  # degrees
    lon: NDArray[np.float64]
    pair: NDArray[np.int64]  # (J, M)
    region: NDArray[np.int64]  # (J, M)


class Classes(NamedTuple):
    """The classes known so far, by the zone of each map, and where to find them (`_classify`)."""

    known: NDArray[np.int16]  # (CLASSES_MAX, M)
    table: NDArray[np.int16]


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


@quick
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


@compiled_kernel
def _measure_slots(
    site: Sites,
    maps: ZoneMaps,
    asked: Asked,
    first: int,
    block: NDArray[np.int64],
    classes: Classes,
    zones: NDArray[np.int16],
    count: int,
) -> int:
    """Fill in the slots from the first on, for as many targets; how many classes are known then (-1: too many)."""
    reach = opened(block, Reach)
    for j in range(len(asked.lat)):
        at = first + j
        phi_b = math.radians(asked.lat[j])
        cos_b = math.cos(phi_b)
        for k in range(len(site.phi)):
            metres = _metres(site, k, phi_b, cos_b, asked.lon[j])
            reach.distance_m[at, k] = metres
            for m in range(len(maps.origin)):
                zones[k, m] = zone_of(maps, m, k, metres, asked.pair[j, m], asked.region[j, m])
        count, reach.slot_count[at] = _classify(
            zones, classes.table, classes.known, count, reach.zone_class[at], reach.slot_classes[at]
        )
        if count < 0:
            return -1
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
        self._asked: list[Target] = []  # in the last slots, which are not filled in yet
        self._maps = MapTables(network, tuple(compiled.zone_maps))
        self._map_of = np.array([compiled.zone_maps[s.zone_map] for s in network.services], dtype=np.int64)
        num_maps = max(1, len(compiled.zone_maps))
        self._zones = np.zeros((num_nodes, num_maps), dtype=np.int16)  # of the target at hand, by map
        self._classes = Classes(
            np.zeros((CLASSES_MAX, num_maps), dtype=np.int16), np.full(4 * CLASSES_MAX, -1, dtype=np.int16)
        )
        self._num_classes = 0
        self.block = Block.of(self.reach())  # stays where it is, whatever the arrays do

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
            self._asked.clear()
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
        """The slot of a target; computed on first use (some 0.06 ms for a thousand nodes)."""
        at = self.reserved(target)
        self.fill()
        return at

    def reserved(self, target: Target) -> int:
        """The slot of a target that may not be filled in yet: see `fill`."""
        key = (target.country, target.region, target.postcode[: self._maps.prefix_max], target.lat, target.lon)
        at = self._slots.get(key)
        if at is None:
            at = self._slots[key] = len(self._slots)
            self._asked.append(target)
            if at == len(self.distance_m):
                self._grow()
        return at

    def fill(self) -> None:
        """
        Fill in all slots that are reserved.

        At once, not one by one: a kernel gives up Python's lock, and to queue for it again behind a thread that
        computes takes longer than to measure a target.
        """
        asked, before = self._asked, self._num_classes
        if not asked:
            return
        pair, region = self._maps.rows_of(asked)
        place = Asked(np.array([t.lat for t in asked]), np.array([t.lon for t in asked]), pair, region)
        first = len(self._slots) - len(asked)
        count = _measure_slots(
            self._sites, self._maps.arrays(), place, first, self.block.at, self._classes, self._zones, before
        )
        assert count >= 0, "more combinations of zones than a network can have"
        if self.compiled.zone_maps:
            for number in range(before, count):
                self.class_zone[number] = self._classes.known[number][self._map_of]
        self._num_classes = count
        self._asked = []

    def _grow(self) -> None:
        """Make room for as many slots again."""
        for name in ("distance_m", "zone_class", "slot_classes", "slot_count"):
            old: NDArray[np.int32] = getattr(self, name)
            new = np.zeros((2 * len(old), *old.shape[1:]), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
        self.block.put(**self.reach()._asdict())

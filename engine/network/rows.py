"""
Distances and zones from every node to one target, computed when first asked for and kept.

    distance_m  (num_slots, K) int32    whole metres
    zone_class  (num_slots, K) int16    class of the node's zones towards the target
    class_zone  (num_classes, S) int64  zone of each service in a class, -1 none
    class_floor (2, num_classes, num_steps) int64  what no home shipment of at least that weight costs less than, by
                                        any service on any date, from nodes of a class; [1] to residential addresses
    any_floor   (2, num_steps)   int64  likewise, from any node
    step_g      (num_steps,)     int64  weights at which any price changes

A slot is a target; nodes with equal zones for all services share a class, so a kernel prices a class once.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.compiled import CompiledNetwork
from engine.network.jit import compiled as compiled_kernel
from engine.network.model import Applies, Network, ServiceKind
from engine.network.records import APPLIES_CODE, SERVICE_KIND_CODE, UNLIMITED
from engine.network.routes import EARTH_RADIUS_M, Target

SLOTS_START = 256
CLASSES_MAX = 256


_TO_POINT = SERVICE_KIND_CODE[ServiceKind.PICKUP_POINT]
_ALWAYS = (APPLIES_CODE[Applies.ALWAYS],)
_CERTAIN = (_ALWAYS, (*_ALWAYS, APPLIES_CODE[Applies.RESIDENTIAL]))  # kinds of surcharge that are sure to be due


class Reach(NamedTuple):
    """The arrays of the module's head, as kernels take them; `num_classes` (1,) says how many classes are in use."""

    distance_m: NDArray[np.int32]
    zone_class: NDArray[np.int16]
    class_zone: NDArray[np.int64]
    class_floor: NDArray[np.int64]
    any_floor: NDArray[np.int64]
    step_g: NDArray[np.int64]
    num_classes: NDArray[np.int64]


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


class TargetRows:
    """The pool of slots of one compiled network. Keeps at most `slots_max`; then it starts anew."""

    def __init__(self, compiled: CompiledNetwork, slots_max: int = 50_000) -> None:
        network = compiled.network
        num_nodes = len(network.nodes)
        self.compiled = compiled
        self.slots_max = slots_max
        self.lat = np.array([n.lat for n in network.nodes], dtype=np.float64)
        self.lon = np.array([n.lon for n in network.nodes], dtype=np.float64)
        self.distance_m = np.zeros((SLOTS_START, num_nodes), dtype=np.int32)
        self.zone_class = np.zeros((SLOTS_START, num_nodes), dtype=np.int16)
        self.class_zone = np.full((CLASSES_MAX, max(1, len(network.services))), -1, dtype=np.int64)
        self.num_classes = np.zeros(1, dtype=np.int64)
        self.step_g, self._floors = _service_floors(compiled)
        self.any_floor = self._floors.min(axis=(1, 2), initial=UNLIMITED)
        self.class_floor = np.zeros((2, CLASSES_MAX, len(self.step_g)), dtype=np.int64)
        self._classes: dict[bytes, int] = {}
        self._slots: dict[tuple[object, ...], int] = {}
        self._maps = [_ZoneMap(network, name) for name in compiled.zone_maps]
        self._map_of = np.array([compiled.zone_maps[s.zone_map] for s in network.services], dtype=np.int64)
        self._prefix_max = max((m.prefix_length for m in self._maps), default=0)

    def reach(self) -> Reach:
        """The arrays as they are; ask again after new slots."""
        return Reach(
            self.distance_m,
            self.zone_class,
            self.class_zone,
            self.class_floor,
            self.any_floor,
            self.step_g,
            self.num_classes,
        )

    def trim(self) -> None:
        """Forget all slots if there are more than `slots_max`; slots handed out before are then void."""
        if len(self._slots) > self.slots_max:
            self._slots.clear()

    def _floor_of(self, zones: NDArray[np.int64]) -> NDArray[np.int64]:
        """(2, num_steps) of a class: the least of its services."""
        known = [(s, int(z)) for s, z in enumerate(zones) if z >= 0 and s < self._floors.shape[1]]
        if not known:
            return np.full((2, len(self.step_g)), UNLIMITED, dtype=np.int64)
        least: NDArray[np.int64] = np.stack([self._floors[:, s, z] for s, z in known]).min(axis=0)
        return least

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
        _distances(self.lat, self.lon, target.lat, target.lon, self.distance_m[at])
        self.zone_class[at] = self._classes_of(target, self.distance_m[at])
        self._slots[key] = at
        return at

    def _classes_of(self, target: Target, distance: NDArray[np.int32]) -> NDArray[np.int16]:
        zones = np.stack([m.zones(target, distance) for m in self._maps], axis=1) if self._maps else None
        if zones is None:
            zones = np.zeros((len(distance), 1), dtype=np.int16)
        packed = np.ascontiguousarray(zones.astype(np.int16)).view(np.dtype((np.void, 2 * zones.shape[1]))).ravel()
        distinct, which = np.unique(packed, return_inverse=True)
        numbers = np.empty(len(distinct), dtype=np.int16)
        for i, vector in enumerate(distinct):
            raw = vector.tobytes()
            number = self._classes.get(raw)
            if number is None:
                number = len(self._classes)
                assert number < CLASSES_MAX, "more combinations of zones than a network can have"
                self._classes[raw] = number
                by_map = np.frombuffer(raw, dtype=np.int16)
                if self._maps:
                    self.class_zone[number] = by_map[self._map_of]
                self.num_classes[0] = number + 1
                self.class_floor[:, number] = self._floor_of(self.class_zone[number])
            numbers[i] = number
        return numbers[which.ravel()]


def _service_floors(compiled: CompiledNetwork) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Steps of weight, and (2, S, Z, num_steps) what the parcels of a shipment of at least that weight cost at least.

    For whatever number of parcels its weight or volume may ask for. UNLIMITED where the service does not take it, and
    for services that do not go home.
    """
    net = compiled.net
    weights: set[int] = {1}
    for service in net.service:
        limits = net.band["limit_g"][service["band_from"] : service["band_to"]]
        for num in range(1, int(service["parcels_max"]) + 1):
            weights.update(int(x) * num for x in limits if x <= service["weight_max_g"])
            weights.add(int(service["weight_max_g"]) * num)
    steps = np.array(sorted(weights), dtype=np.int64)
    out = np.full((2, len(net.service), net.per_kg_cents.shape[2], len(steps)), UNLIMITED, dtype=np.int64)
    for s, service in enumerate(net.service):
        if service["band_from"] == service["band_to"] or service["kind"] == _TO_POINT:
            continue
        for residential in (0, 1):
            price = _parcel_floor(compiled, s, _CERTAIN[residential])
            limits = net.band["limit_g"][service["band_from"] : service["band_to"]]
            for num in range(1, int(service["parcels_max"]) + 1):
                one_g = -(-steps // num)
                at = np.minimum(np.searchsorted(limits, one_g), len(limits) - 1)
                total = np.where(one_g <= service["weight_max_g"], num * price[:, at], UNLIMITED)
                np.minimum(out[residential, s], total, out=out[residential, s])
    return steps, np.minimum.accumulate(out[..., ::-1], axis=3)[..., ::-1]


def _parcel_floor(compiled: CompiledNetwork, s: int, certain: tuple[int, ...]) -> NDArray[np.int64]:
    """(Z, bands) least price of one parcel over all dates, with the surcharges that are sure to be due."""
    net = compiled.net
    service = net.service[s]
    num_eras, num_zones = net.per_kg_cents.shape[1:]
    num_bands = int(service["band_to"] - service["band_from"])
    first = int(service["price_from"])
    block = net.price_cents[first : first + num_eras * num_zones * num_bands]
    base = np.where(block < 0, UNLIMITED, block).reshape(num_eras, num_zones, num_bands).min(axis=0)
    due = [
        j
        for j in range(int(service["surcharge_from"]), int(service["surcharge_to"]))
        if net.surcharge["applies"][j] in certain
        and net.surcharge["zone"][j] < 0
        and net.surcharge["group"][j] < 0
        and net.surcharge_valid[j].all()
    ]
    extra = sum(int(net.surcharge["cents"][j]) for j in due)
    fuelled = base + sum(int(net.surcharge["cents"][j]) for j in due if net.surcharge["fuel"][j])
    fuel = (2 * fuelled * int(service["fuel"]) + 1000) // 2000
    # a heavier charged weight (dimensional, or by a surcharge) takes a later band: the least of this and all above
    total = np.where(base >= UNLIMITED, UNLIMITED, base + extra + fuel)
    return np.minimum.accumulate(total[:, ::-1], axis=1)[:, ::-1]


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
        self.country = np.array([n.country for n in nodes], dtype=object)
        self.region = np.array([n.region for n in nodes], dtype=object)

    def zones(self, target: Target, distance: NDArray[np.int32]) -> NDArray[np.int16]:
        """Zone of every node towards the target, -1 none."""
        out = np.full(len(distance), -1, dtype=np.int16)
        if self.pairs is not None:
            dest = self.dest.get(target.postcode[: self.prefix_length])
            if dest is not None:
                known = self.origin >= 0
                out[known] = self.pairs.zone[self.origin[known], dest]
        if len(self.band_max):
            missing = out < 0
            out[missing] = self.band_zone[np.searchsorted(self.band_max, distance[missing], side="left")]
        for rule in self.regions:
            if rule.dest_country != target.country or rule.dest_region not in ("", target.region):
                continue
            hit = (out < 0) & (self.country == rule.origin_country)
            if rule.origin_region:
                hit &= self.region == rule.origin_region
            out[hit] = self.zone_of[rule.zone]
        return out

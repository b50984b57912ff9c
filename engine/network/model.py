"""
The network as its owner describes it: plain values, one class per table of the folder.

Large tables (skus, stock, zone pairs, postcodes) are columns; all others are tuples of frozen rows.
`engine/MODEL.md` says what each value means for a promise and a cost; `adapters/folder/FORMAT.md` how it is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.domain.ids import CarrierId, NodeId, ServiceId, SkuId, ZoneId
from engine.domain.policy import Policy

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]


class NodeKind(StrEnum):
    """What a node is."""

    WAREHOUSE = "warehouse"
    STORE = "store"
    DARK_STORE = "dark_store"
    VENDOR = "vendor"
    PICKUP_POINT = "pickup_point"


class Offer(StrEnum):
    """What a node offers."""

    SHIP = "ship"  # hands parcels to carriers
    PICKUP = "pickup"  # customers collect here
    TRANSFER_OUT = "transfer_out"  # source of ship to store
    TRANSFER_IN = "transfer_in"  # target of ship to store
    SAME_DAY = "same_day"  # hands over to couriers


class ServiceKind(StrEnum):
    """What a service does."""

    PARCEL = "parcel"  # to the door
    COURIER = "courier"  # to the door, within minutes of the hand-over
    PICKUP_POINT = "pickup_point"  # to a node that offers pickup and is of kind pickup_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place that holds stock and serves orders, or where customers collect."""

    node_id: NodeId
    name: str = ""
    kind: NodeKind = NodeKind.STORE
    lat: float
    lon: float
    postcode: str
    country: str
    region: str = ""  # ISO 3166-2 subdivision code without the country ("CA", "ARA"), for holidays and zones
    tz: str
    groups: tuple[str, ...] = ()
    opening_hours: str = ""  # OSM notation, for customers; "" = never open
    picking_hours: str = ""  # OSM notation, for work; "" = opening_hours
    offers: tuple[Offer, ...] = (Offer.SHIP,)
    handling_order_s: int = 0  # working time per shipment
    handling_line_s: int = 0  # and per line
    receiving_s: int = 0  # plain time between a transfer's arrival and ready
    capacity_day_orders: int | None = None
    capacity_day_units: int | None = None
    capacity_hour_orders: int | None = None
    capacity_hour_units: int | None = None
    backlog_s: int = 0  # working time queued at the network's as_of
    cost_order_cents: int = 0
    cost_line_cents: int = 0
    cost_unit_cents: int = 0
    labour_cents_per_hour: int = 0  # of the handling time
    packaging_cents: int = 0  # per parcel that a carrier takes
    priority: int = 0  # 0 is best
    safety_stock: int = 0  # units of each sku held back; a row of safety_stock.csv wins over it
    rejection_ppm: int = 0  # how often the pick of a line fails
    rejection_by_class: tuple[tuple[str, int], ...] = ()  # likewise of skus of a class, in place of it
    markdown_ppm_per_day: int = 0  # share of a unit's value lost per day that it lies here

    def rejection_of(self, sku_class: str) -> int:
        """How often the pick of a line fails whose sku is of a class."""
        return next((ppm for name, ppm in self.rejection_by_class if name == sku_class), self.rejection_ppm)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursException:
    """One date on which a node works other hours; `hours` is "off" or OSM times such as "10:00-16:00"."""

    node_id: NodeId
    day: date
    hours: str
    applies_to: str = "both"  # opening, picking, both


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """An article: one row of the sku table."""

    sku: SkuId
    weight_g: int
    volume_cm3: int
    longest_mm: int
    second_mm: int
    third_mm: int
    value_cents: int
    ships_alone: bool
    never_split: bool
    hazardous: bool
    oversize: bool
    node_groups: tuple[str, ...]
    services: tuple[str, ...]
    sku_class: str


@dataclass(frozen=True, eq=False, kw_only=True)
class SkuTable:
    """All skus as columns of equal length, in the order of the file."""

    ids: tuple[SkuId, ...]
    weight_g: Ints
    volume_cm3: Ints
    longest_mm: Ints
    second_mm: Ints
    third_mm: Ints
    value_cents: Ints
    ships_alone: NDArray[np.bool_]
    never_split: NDArray[np.bool_]
    hazardous: NDArray[np.bool_]
    oversize: NDArray[np.bool_]
    # restrictions, only for skus that have any: index -> allowed node groups, allowed services
    node_groups: Mapping[int, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    services: Mapping[int, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    class_names: tuple[str, ...] = ("",)
    class_of: NDArray[np.int32] | None = None  # index into class_names; None: all are of the first

    def sku_class(self, i: int) -> str:
        """The class of a sku, "" for none."""
        return self.class_names[0 if self.class_of is None else int(self.class_of[i])]

    @cached_property
    def index(self) -> dict[SkuId, int]:
        """Position of each sku."""
        return {sku: i for i, sku in enumerate(self.ids)}

    def row(self, i: int) -> Sku:
        """One sku as an object."""
        return Sku(
            sku=self.ids[i],
            weight_g=int(self.weight_g[i]),
            volume_cm3=int(self.volume_cm3[i]),
            longest_mm=int(self.longest_mm[i]),
            second_mm=int(self.second_mm[i]),
            third_mm=int(self.third_mm[i]),
            value_cents=int(self.value_cents[i]),
            ships_alone=bool(self.ships_alone[i]),
            never_split=bool(self.never_split[i]),
            hazardous=bool(self.hazardous[i]),
            oversize=bool(self.oversize[i]),
            node_groups=self.node_groups.get(i, ()),
            services=self.services.get(i, ()),
            sku_class=self.sku_class(i),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class StockTable:
    """Stock rows as columns; (node, sku) pairs are unique. Indices point into Network.nodes and SkuTable.ids."""

    node: Ints32
    sku: Ints32
    on_hand: Ints32
    reserved: Ints32
    days_of_cover: Ints32  # how long a unit would lie there otherwise; feeds the markdown credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Units due at a node."""

    node_id: NodeId
    sku: SkuId
    units: int
    available_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStock:
    """Units held back; sku None = every sku of the node; channel "" = all channels. The most specific row wins."""

    node_id: NodeId
    sku: SkuId | None
    channel: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelProtection:
    """Units that only `channel` may use."""

    node_id: NodeId
    sku: SkuId
    channel: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Moves parcels."""

    carrier_id: CarrierId
    name: str = ""
    observes_holidays: bool = True  # no delivery on public holidays of the destination's country and region


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierHoliday:
    """A date on which a carrier does not run (or, `runs`, does although it is a holiday); "" = everywhere."""

    carrier_id: CarrierId
    day: date
    country: str = ""
    region: str = ""
    runs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a carrier sells."""

    service_id: ServiceId
    carrier_id: CarrierId
    name: str = ""
    kind: ServiceKind = ServiceKind.PARCEL
    zone_map: str
    weight_max_g: int  # of one parcel
    longest_max_mm: int = 0  # 0: no limit
    length_girth_max_mm: int = 0
    volume_max_cm3: int = 0
    parcels_max: int = 10  # of one shipment
    dim_cm3_per_kg: int = 0  # 0: volume does not matter
    dim_min_cm3: int = 0  # volume counts above this size only
    fuel_permille: int = 0
    transit_weekdays: str = "1111100"  # Monday first: days that count as transit
    delivery_weekdays: str = "1111100"  # days on which it delivers
    delivery_start: str = "08:00"  # local time of the destination
    delivery_end: str = "20:00"
    transit_unit: str = "day"  # day or minute
    collect_every_min: int = 0  # couriers: a hand-over every so many minutes of the node's picking hours
    hazardous: bool = True  # takes hazardous goods
    oversize: bool = True  # takes skus flagged oversize
    co2e_g_per_parcel: int = 0
    co2e_g_per_tonne_km: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class ZonePairs:
    """Zones by postcode prefixes of origin and destination, of one zone map; all prefixes of one map share a length."""

    zone_map: str
    prefix_length: int
    origin: tuple[str, ...]  # distinct prefixes
    dest: tuple[str, ...]
    zone: NDArray[np.int16]  # (num_origin, num_dest): index into Network.zone_ids, -1 = none


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneDistance:
    """Zone of all pairs up to a distance, limit included."""

    zone_map: str
    distance_max_m: int
    zone: ZoneId


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRegion:
    """Zone of all pairs of two areas; "" = any region."""

    zone_map: str
    origin_country: str
    origin_region: str
    dest_country: str
    dest_region: str
    zone: ZoneId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Price of one parcel up to a charged weight, limit included, between two ship dates, both included."""

    service_id: ServiceId
    zone: ZoneId
    weight_max_g: int
    price_cents: int
    valid_from: date = date.min
    valid_to: date = date.max
    per_kg_beyond_cents: int = 0  # on the last band: price of each started kg above it


class Applies(StrEnum):
    """When a surcharge is due."""

    ALWAYS = "always"
    RESIDENTIAL = "residential"
    REMOTE = "remote"
    SIGNATURE = "signature"
    HAZARDOUS = "hazardous"
    OVERSIZE = "oversize"  # the sku's flag
    WEIGHT_OVER = "weight_over"  # true weight of the parcel, g
    LONGEST_OVER = "longest_over"  # mm
    SECOND_OVER = "second_over"  # mm
    LENGTH_GIRTH_OVER = "length_girth_over"  # longest + 2 (second + third), mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Surcharge:
    """An extra of a carrier, per parcel. Of those with one `exclusive_group` only the dearest is due."""

    carrier_id: CarrierId
    code: str
    service_id: ServiceId | None = None  # None: all services of the carrier
    applies: Applies = Applies.ALWAYS
    threshold: int = 0
    zone: ZoneId | None = None  # None: all zones
    amount_cents: int = 0
    permille_of_base: int = 0
    fuel_applies: bool = False
    exclusive_group: str = ""
    charged_weight_min_g: int = 0  # where due, the parcel is charged as if it weighed this much
    valid_from: date = date.min
    valid_to: date = date.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Transit:
    """Days (or minutes) from hand-over to delivery, and how many parcels arrive within typical and latest."""

    service_id: ServiceId
    zone: ZoneId
    earliest: int
    typical: int
    latest: int
    typical_permille: int = 700
    latest_permille: int = 970


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A hand-over at a node: released by `cutoff` and picked by `collect` (local times), on these weekdays."""

    node_id: NodeId
    service_id: ServiceId
    weekdays: str  # "1111100", Monday first
    cutoff: str  # "HH:MM" or "HH:MM:SS"; may be after midnight of the day before only by its own row
    collect: str  # same day, not before the cut-off


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A transfer between two nodes, for ship to store. Days are calendar days."""

    origin: NodeId
    target: NodeId
    weekdays: str
    cutoff: str
    depart: str
    transit_days: int
    arrive: str  # local time of the target
    cost_order_cents: int = 0
    cost_unit_cents: int = 0
    co2e_g_per_tonne_km: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where a postcode or postcode prefix is. The longest prefix that fits wins."""

    country: str
    prefix: str
    lat: float
    lon: float
    region: str
    tz: str
    remote: bool = False
    population: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Everything that is known before orders come. Immutable; `version` names its content."""

    name: str
    version: str
    currency: str
    as_of: datetime  # backlog, reserved and inbound are meant at this moment
    nodes: tuple[Node, ...]
    skus: SkuTable
    stock: StockTable
    carriers: tuple[Carrier, ...] = ()
    services: tuple[Service, ...] = ()
    zone_ids: tuple[ZoneId, ...] = ()  # every zone named anywhere, sorted
    zone_pairs: tuple[ZonePairs, ...] = ()
    zone_distances: tuple[ZoneDistance, ...] = ()
    zone_regions: tuple[ZoneRegion, ...] = ()
    rates: tuple[Rate, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    transits: tuple[Transit, ...] = ()
    collections: tuple[Collection, ...] = ()
    lanes: tuple[Lane, ...] = ()
    areas: tuple[Area, ...] = ()
    hours_exceptions: tuple[HoursException, ...] = ()
    carrier_holidays: tuple[CarrierHoliday, ...] = ()
    inbound: tuple[Inbound, ...] = ()
    safety_stock: tuple[SafetyStock, ...] = ()
    channel_protection: tuple[ChannelProtection, ...] = ()
    policies: tuple[Policy, ...] = (Policy(),)
    synthetic: tuple[str, ...] = ()  # which parts are made up, in words
    meta: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def node_index(self) -> dict[NodeId, int]:
        """Position of each node."""
        return {node.node_id: i for i, node in enumerate(self.nodes)}

    @cached_property
    def service_index(self) -> dict[ServiceId, int]:
        """Position of each service."""
        return {service.service_id: i for i, service in enumerate(self.services)}

    @cached_property
    def area_index(self) -> dict[tuple[str, str], int]:
        """Position of each (country, prefix)."""
        return {(area.country, area.prefix): i for i, area in enumerate(self.areas)}

    @cached_property
    def collected(self) -> frozenset[tuple[NodeId, ServiceId]]:
        """Which services collect at which nodes at all."""
        return frozenset((row.node_id, row.service_id) for row in self.collections)

    @cached_property
    def lanes_between(self) -> dict[tuple[NodeId, NodeId], tuple[int, ...]]:
        """The lanes from a node to another."""
        found: dict[tuple[NodeId, NodeId], tuple[int, ...]] = {}
        for lane, row in enumerate(self.lanes):
            found[row.origin, row.target] = (*found.get((row.origin, row.target), ()), lane)
        return found

    def rejection_ppm(self, node: int, sku: int) -> int:
        """How often the pick of a line fails, by places of its node and sku."""
        row = self.nodes[node]
        return row.rejection_of(self.skus.sku_class(sku)) if row.rejection_by_class else row.rejection_ppm

    def area_of(self, country: str, postcode: str) -> Area:
        """
        Look a postcode up: the longest prefix that is known.

        Raises
        ------
        InputError
            Where no prefix of it is known.
        """
        compact = postcode.replace(" ", "").upper()
        for length in range(len(compact), 0, -1):
            found = self.area_index.get((country, compact[:length]))
            if found is not None:
                return self.areas[found]
        raise InputError(
            f"Postcode ({postcode}) of country ({country}) is unknown to network ({self.name}).",
            "add it, or a prefix of it, to postcodes.csv, or give lat and lon with a known postcode.",
        )

    def policy(self, policy_id: str | None = None) -> Policy:
        """The policy of that id, its highest version; the first of the network without an id."""
        if policy_id is None:
            return self.policies[0]
        found = [p for p in self.policies if p.policy_id == policy_id]
        if not found:
            known = ", ".join(sorted({p.policy_id for p in self.policies}))
            raise InputError(f"Policy ({policy_id}) is unknown.", f"one of {known}.")
        return max(found, key=lambda p: p.version)

"""
Small real objects for tests, each with sane defaults and every field open to a keyword.

The default network: a warehouse in Paris, a store in Lyon, a parcel shop in Paris; two parcel services ("std" by
distance, "exp" by country and region, a day faster and dearer), a courier ("bike"), a pickup-point service ("relay"),
a lane from the warehouse to the store; destinations in three areas, one of them in another country and time zone.
It is Monday 1 June 2026, 06:00 UTC: 08:00 in Paris, 07:00 in London.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engine.domain.ids import CarrierId, LineId, NodeId, OrderId, ServiceId, SkuId, ZoneId
from engine.domain.order import Destination, Order, OrderLine
from engine.network.model import (
    Area,
    Carrier,
    Collection,
    Lane,
    Network,
    Node,
    NodeKind,
    Offer,
    Rate,
    Service,
    ServiceKind,
    SkuTable,
    StockTable,
    Transit,
    ZoneDistance,
    ZoneRegion,
)

AS_OF = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
OPEN = "Mo-Sa 09:00-19:00; PH off"


def at(text: str) -> datetime:
    """An aware datetime from ISO text; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def node(node_id: str = "wh", **changes: Any) -> Node:
    """A warehouse in Paris that picks on working days from 08:00 to 18:00 and ships."""
    values: dict[str, Any] = {
        "node_id": NodeId(node_id),
        "kind": NodeKind.WAREHOUSE,
        "lat": 48.8566,
        "lon": 2.3522,
        "postcode": "75001",
        "country": "FR",
        "region": "IDF",
        "tz": "Europe/Paris",
        "groups": ("all",),
        "opening_hours": "",
        "picking_hours": "Mo-Fr 08:00-18:00; PH off",
        "offers": (Offer.SHIP, Offer.TRANSFER_OUT),
        "handling_order_s": 600,
        "handling_line_s": 60,
        "cost_order_cents": 50,
        "cost_line_cents": 20,
        "cost_unit_cents": 5,
        "labour_cents_per_hour": 1800,
        "packaging_cents": 30,
    }
    return Node(**(values | changes))


def store(node_id: str = "st", **changes: Any) -> Node:
    """A store in Lyon, open Monday to Saturday 09:00-19:00, that ships, sends couriers and takes transfers."""
    values: dict[str, Any] = {
        "kind": NodeKind.STORE,
        "lat": 45.764,
        "lon": 4.8357,
        "postcode": "69001",
        "region": "ARA",
        "opening_hours": OPEN,
        "picking_hours": "",
        "offers": (Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN, Offer.SAME_DAY),
        "receiving_s": 1800,
        "cost_order_cents": 90,
    }
    return node(node_id, **(values | changes))


def pickup_point(node_id: str = "pp", **changes: Any) -> Node:
    """A parcel shop in Paris, open Monday to Saturday 10:00-20:00."""
    values: dict[str, Any] = {
        "kind": NodeKind.PICKUP_POINT,
        "lat": 48.87,
        "lon": 2.36,
        "postcode": "75010",
        "opening_hours": "Mo-Sa 10:00-20:00; PH off",
        "picking_hours": "",
        "offers": (Offer.PICKUP,),
        "handling_order_s": 0,
        "handling_line_s": 0,
    }
    return node(node_id, **(values | changes))


def service(service_id: str = "std", **changes: Any) -> Service:
    """A parcel service of carrier "post", zoned by distance, up to 30 kg."""
    values: dict[str, Any] = {
        "service_id": ServiceId(service_id),
        "carrier_id": CarrierId("post"),
        "zone_map": "miles",
        "weight_max_g": 30_000,
        "co2e_g_per_parcel": 100,
        "co2e_g_per_tonne_km": 80,
    }
    return Service(**(values | changes))


def courier(service_id: str = "bike", **changes: Any) -> Service:
    """A courier that collects every half hour between 10:00 and 20:00, every day, and rides up to 15 km."""
    values: dict[str, Any] = {
        "carrier_id": CarrierId("riders"),
        "kind": ServiceKind.COURIER,
        "zone_map": "ride",
        "weight_max_g": 10_000,
        "parcels_max": 1,
        "delivery_weekdays": "1111111",
        "delivery_start": "10:00",
        "delivery_end": "20:00",
        "transit_unit": "minute",
        "collect_every_min": 30,
        "co2e_g_per_parcel": 0,
        "co2e_g_per_tonne_km": 0,
    }
    return service(service_id, **(values | changes))


def rate(service_id: str, zone: str, price_cents: int, **changes: Any) -> Rate:
    """One price band, up to 30 kg unless told otherwise."""
    values: dict[str, Any] = {"weight_max_g": 30_000}
    return Rate(service_id=ServiceId(service_id), zone=ZoneId(zone), price_cents=price_cents, **(values | changes))


def transit(service_id: str, zone: str, earliest: int, typical: int, latest: int, **changes: Any) -> Transit:
    """Transit times of a service to a zone."""
    return Transit(
        service_id=ServiceId(service_id),
        zone=ZoneId(zone),
        earliest=earliest,
        typical=typical,
        latest=latest,
        **changes,
    )


def collection(node_id: str = "wh", service_id: str = "std", **changes: Any) -> Collection:
    """A collection on working days, cut-off 15:00, collected 17:00."""
    values: dict[str, Any] = {"weekdays": "1111100", "cutoff": "15:00", "collect": "17:00"}
    return Collection(node_id=NodeId(node_id), service_id=ServiceId(service_id), **(values | changes))


def lane(origin: str = "wh", target: str = "st", **changes: Any) -> Lane:
    """A nightly transfer: cut-off 16:00, departs 20:00, arrives the next day at 07:30."""
    values: dict[str, Any] = {
        "weekdays": "1111100",
        "cutoff": "16:00",
        "depart": "20:00",
        "transit_days": 1,
        "arrive": "07:30",
        "cost_order_cents": 80,
        "cost_unit_cents": 10,
        "co2e_g_per_tonne_km": 60,
    }
    return Lane(origin=NodeId(origin), target=NodeId(target), **(values | changes))


def area(prefix: str = "75", **changes: Any) -> Area:
    """Paris and around."""
    values: dict[str, Any] = {
        "country": "FR",
        "lat": 48.8566,
        "lon": 2.3522,
        "region": "IDF",
        "tz": "Europe/Paris",
        "population": 2_000_000,
    }
    return Area(prefix=prefix, **(values | changes))


def sku_table(*ids: str, **columns: Any) -> SkuTable:
    """
    Skus of 500 g, 2,000 cm3, 200 × 100 × 100 mm, 20.00 each; no flags.

    A column is one value for all, a sequence in the order of the ids, or (for ``node_groups``, ``services``) a mapping
    from index to names. Without ids: "a", "b", "c".
    """
    names = ids or ("a", "b", "c")
    ints = {
        "weight_g": 500,
        "volume_cm3": 2000,
        "longest_mm": 200,
        "second_mm": 100,
        "third_mm": 100,
        "value_cents": 2000,
    }
    flags = {"ships_alone": False, "never_split": False, "hazardous": False, "oversize": False}
    out: dict[str, Any] = {}
    for name, default in (ints | flags).items():
        dtype = np.int64 if name in ints else np.bool_
        value = columns.pop(name, default)
        out[name] = np.broadcast_to(np.asarray(value, dtype=dtype), (len(names),)).copy()
    return SkuTable(ids=tuple(SkuId(i) for i in names), **out, **columns)


def stock_table(
    nodes: Iterable[Node],
    skus: SkuTable,
    on_hand: Mapping[tuple[str, str], int],
    reserved: Mapping[tuple[str, str], int] | None = None,
    days_of_cover: Mapping[tuple[str, str], int] | None = None,
) -> StockTable:
    """Stock rows from {(node id, sku): units}; the order of rows is the order of the mapping."""
    index = {n.node_id: i for i, n in enumerate(nodes)}
    keys = list(on_hand)
    return StockTable(
        node=np.array([index[NodeId(n)] for n, _ in keys], dtype=np.int32),
        sku=np.array([skus.index[SkuId(s)] for _, s in keys], dtype=np.int32),
        on_hand=np.array([on_hand[k] for k in keys], dtype=np.int32),
        reserved=np.array([(reserved or {}).get(k, 0) for k in keys], dtype=np.int32),
        days_of_cover=np.array([(days_of_cover or {}).get(k, 0) for k in keys], dtype=np.int32),
    )


def network(**changes: Any) -> Network:
    """
    The default network of this module; every field of Network is a keyword.

    ``stock`` may be a mapping {(node id, sku): units on hand}; without it every node but a pickup point holds ten units
    of every sku. Zones are collected from the tables.
    """
    values: dict[str, Any] = {
        "name": "test",
        "version": "1",
        "currency": "EUR",
        "as_of": AS_OF,
        "nodes": (node(), store(), pickup_point()),
        "skus": sku_table(),
        "carriers": (
            Carrier(carrier_id=CarrierId("post")),
            Carrier(carrier_id=CarrierId("fast")),
            Carrier(carrier_id=CarrierId("riders"), observes_holidays=False),
        ),
        "services": (
            service(),
            service("exp", carrier_id=CarrierId("fast"), zone_map="lands", fuel_permille=100),
            courier(),
            service("relay", kind=ServiceKind.PICKUP_POINT, delivery_end="12:00"),
        ),
        "zone_distances": (
            ZoneDistance(zone_map="miles", distance_max_m=200_000, zone=ZoneId("near")),
            ZoneDistance(zone_map="miles", distance_max_m=2_000_000, zone=ZoneId("far")),
            ZoneDistance(zone_map="ride", distance_max_m=15_000, zone=ZoneId("town")),
        ),
        "zone_regions": (
            _lands("FR", "domestic"),
            _lands("GB", "abroad"),
        ),
        "rates": (
            *_bands("std", "near", 490, 890),
            *_bands("std", "far", 590, 1090),
            *_bands("exp", "domestic", 990, 1790),
            *_bands("exp", "abroad", 1490, 2590),
            rate("bike", "town", 790, weight_max_g=10_000),
            *_bands("relay", "near", 390, 690),
            *_bands("relay", "far", 430, 790),
        ),
        "transits": (
            transit("std", "near", 1, 2, 3),
            transit("std", "far", 2, 3, 5),
            transit("exp", "domestic", 1, 1, 2, typical_permille=900, latest_permille=990),
            transit("exp", "abroad", 1, 2, 3),
            transit("bike", "town", 30, 45, 90),
            transit("relay", "near", 1, 2, 4),
            transit("relay", "far", 2, 3, 5),
        ),
        "collections": (
            collection("wh", "std"),
            collection("wh", "exp", cutoff="16:00", collect="17:30"),
            collection("wh", "relay"),
            collection("st", "std", cutoff="13:00", collect="16:00", weekdays="1111110"),
            collection("st", "exp", cutoff="13:00", collect="16:00"),
        ),
        "lanes": (lane(),),
        "areas": (
            area("75"),
            area("69", lat=45.764, lon=4.8357, region="ARA", population=500_000),
            area("SW1", country="GB", lat=51.4975, lon=-0.1357, region="ENG", tz="Europe/London"),
        ),
    }
    values |= changes
    zones = {row.zone for table in _ZONED for row in values.get(table, ())}
    values.setdefault("zone_ids", tuple(sorted(zones)))
    stock = values.get("stock")
    if stock is None:
        holders = [n for n in values["nodes"] if n.kind != NodeKind.PICKUP_POINT]
        stock = {(n.node_id, s): 10 for s in values["skus"].ids for n in holders}
    if isinstance(stock, Mapping):
        values["stock"] = stock_table(values["nodes"], values["skus"], stock)
    return Network(**values)


_ZONED = ("zone_distances", "zone_regions", "rates", "transits")


def _lands(country: str, zone: str) -> ZoneRegion:
    return ZoneRegion(
        zone_map="lands",
        origin_country="FR",
        origin_region="",
        dest_country=country,
        dest_region="",
        zone=ZoneId(zone),
    )


def _bands(service_id: str, zone: str, small_cents: int, large_cents: int) -> tuple[Rate, Rate]:
    return (
        rate(service_id, zone, small_cents, weight_max_g=2_000),
        rate(service_id, zone, large_cents, per_kg_beyond_cents=100),
    )


def dest(postcode: str = "75011", **changes: Any) -> Destination:
    """A home in Paris."""
    values: dict[str, Any] = {"country": "FR"}
    return Destination(postcode=postcode, **(values | changes))


def line(sku: str = "a", quantity: int = 1, line_id: str | None = None, **changes: Any) -> OrderLine:
    """One line; its id is its sku unless given."""
    return OrderLine(line_id=LineId(line_id or sku), sku=SkuId(sku), quantity=quantity, **changes)


def order(*lines: OrderLine | str, **changes: Any) -> Order:
    """An order of one unit of sku "a" (or of the lines or skus given) to Paris, placed at AS_OF."""
    rows = tuple(line(item) if isinstance(item, str) else item for item in lines)
    values: dict[str, Any] = {
        "order_id": OrderId("o1"),
        "placed_at": AS_OF,
        "lines": rows or (line(),),
        "destination": dest(),
    }
    return Order(**(values | changes))

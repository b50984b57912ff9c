"""
A made-up network of any size in the shape of the US one: stores and ten warehouses, nine services of two carriers,
prices to each started pound, surcharges, lanes, hours, capacities. Nothing in it is real; same seed, same network.
"""

from datetime import date, datetime, timedelta

import numpy as np

from engine.adapters.imports.demand import Home, Mix, arrivals, make_orders
from engine.adapters.imports.synthetic import Basket, Floats, Shelf, sku_table, stock_by_popularity, zipf
from engine.domain.ids import CarrierId, NodeId, ServiceId, ZoneId
from engine.domain.order import Order
from engine.network.model import (
    Applies,
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
    SkuTable,
    Surcharge,
    Transit,
    ZoneDistance,
)
from engine.network.routes import distance_m

AS_OF = datetime.fromisoformat("2025-11-24T06:00:00-05:00")
NUM_WAREHOUSES = 10
NUM_AREAS = 300
POUND_G, POUNDS_MAX = 454, 70
ZONES = tuple(ZoneId(str(z)) for z in range(2, 9))
ZONE_KM = (240, 480, 970, 1_600, 2_250, 2_900, 20_000)
SPREAD_DEG = 0.15
# service, carrier, first pound in the nearest zone, per pound, per zone (cents), days in the nearest and farthest zone
SERVICES = (
    ("ground", "road", 900, 28, 70, 1, 5),
    ("economy", "road", 850, 35, 60, 2, 7),
    ("saver", "road", 1_500, 90, 260, 3, 3),
    ("two-day", "road", 1_900, 120, 330, 2, 2),
    ("two-day-am", "road", 2_300, 125, 350, 2, 2),
    ("overnight", "road", 3_600, 190, 640, 1, 1),
    ("first", "road", 6_800, 195, 650, 1, 1),
    ("mail", "post", 760, 42, 85, 2, 5),
    ("priority", "post", 980, 68, 120, 1, 4),
)


def generated_network(num_nodes: int, num_skus: int, seed: int, *, held_share: float = 0.3) -> Network:
    """
    A network of so many nodes, ten of them (or a tenth) warehouses.

    A store holds `held_share` of the skus, the popular ones sooner; a warehouse three times as many, up to 97 %.
    """
    rng = np.random.default_rng([seed, 40])
    areas = _areas(rng)
    nodes = _nodes(rng, areas, num_nodes)
    skus = _skus(rng, num_skus)
    shelves = [
        Shelf(node=k, share=min(0.97, 3 * held_share), depth=80.0, sales_per_day=3_000.0)
        if node.kind == NodeKind.WAREHOUSE
        else Shelf(node=k, share=held_share, depth=2.5, sales_per_day=60.0)
        for k, node in enumerate(nodes)
    ]
    return Network(
        name=f"generated-{num_nodes}",
        version=f"generated-{num_nodes}-{num_skus}-{seed}",
        currency="USD",
        as_of=AS_OF,
        nodes=nodes,
        skus=skus,
        stock=stock_by_popularity(rng, zipf(num_skus), shelves),
        carriers=(Carrier(carrier_id=CarrierId("road")), Carrier(carrier_id=CarrierId("post"))),
        services=tuple(_service(*row[:2]) for row in SERVICES),
        zone_ids=ZONES,
        zone_distances=tuple(
            ZoneDistance(zone_map="miles", distance_max_m=1_000 * far, zone=zone)
            for far, zone in zip(ZONE_KM, ZONES, strict=True)
        ),
        rates=_rates(),
        surcharges=_surcharges(),
        transits=_transits(),
        collections=tuple(_collection(node, service) for node in nodes for service, *_ in SERVICES),
        lanes=_lanes(nodes),
        areas=areas,
        synthetic=("everything",),
        meta={"seed": seed},
    )


def generated_orders(network: Network, sizes: list[int], seed: int) -> list[Order]:
    """An order of each size, sorted by time: skus by popularity, homes by population, wishes as in the US orders."""
    rng = np.random.default_rng([seed, 41])
    popularity = zipf(len(network.skus.ids))
    baskets = [_basket(rng, network.skus, popularity, lines) for lines in sizes]
    weights = np.array([area.population for area in network.areas], dtype=np.float64)
    homes = []
    for at in rng.choice(len(weights), size=len(sizes), p=weights / weights.sum()):
        area = network.areas[int(at)]
        north, east = (round(float(x), 5) for x in rng.normal(0.0, SPREAD_DEG, 2))
        homes.append(
            Home(country="US", postcode=f"{area.prefix}01", lat=area.lat + north, lon=area.lon + east, tz=area.tz)
        )
    moments = arrivals(rng, len(sizes), network.as_of, 1, "America/Chicago")
    return make_orders(network, rng, baskets=baskets, homes=homes, moments=moments, mix=Mix())


def _basket(rng: np.random.Generator, skus: SkuTable, popularity: Floats, lines: int) -> Basket:
    chosen = rng.choice(len(popularity), size=lines, replace=False, p=popularity)
    quantities = 1 + np.minimum(rng.geometric(0.75, lines) - 1, 2)
    return tuple((skus.ids[int(i)], int(q)) for i, q in zip(chosen, quantities, strict=True))


def _areas(rng: np.random.Generator) -> tuple[Area, ...]:
    """Towns between the coasts, their populations by rank."""
    people = (2e8 * zipf(NUM_AREAS)).astype(np.int64)
    rows = []
    for i in range(NUM_AREAS):
        lat, lon = float(rng.uniform(29.0, 47.0)), float(rng.uniform(-120.0, -76.0))
        tz = ("America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York")[
            int(np.searchsorted((-114.0, -102.0, -87.0), lon))
        ]
        rows.append(
            Area(
                country="US",
                prefix=f"{i + 100:03d}",
                lat=round(lat, 4),
                lon=round(lon, 4),
                region="",
                tz=tz,
                remote=i % 20 == 19,
                population=int(people[i]),
            )
        )
    return tuple(rows)


def _nodes(rng: np.random.Generator, areas: tuple[Area, ...], num_nodes: int) -> tuple[Node, ...]:
    weights = np.array([area.population for area in areas], dtype=np.float64)
    at = rng.choice(len(areas), size=num_nodes, p=weights / weights.sum())
    num_warehouses = min(NUM_WAREHOUSES, max(1, num_nodes // 10))
    at[:num_warehouses] = rng.choice(min(40, len(areas)), size=num_warehouses, replace=False)
    out = []
    for k in range(num_nodes):
        area, north, east = areas[int(at[k])], *rng.normal(0.0, SPREAD_DEG, 2)
        lat, lon = float(round(area.lat + north, 5)), float(round(area.lon + east, 5))
        out.append(_node(rng, k, area, lat, lon, k < num_warehouses))
    return tuple(out)


def _node(rng: np.random.Generator, k: int, area: Area, lat: float, lon: float, warehouse: bool) -> Node:
    if warehouse:
        return Node(
            node_id=NodeId(f"w{k:04d}"),
            kind=NodeKind.WAREHOUSE,
            lat=lat,
            lon=lon,
            postcode=f"{area.prefix}01",
            country="US",
            tz=area.tz,
            picking_hours="Mo-Sa 06:00-22:00; PH off",
            offers=(Offer.SHIP, Offer.TRANSFER_OUT),
            handling_order_s=240,
            handling_line_s=45,
            capacity_day_orders=20_000,
            capacity_hour_orders=1_500,
            cost_order_cents=35,
            cost_line_cents=15,
            labour_cents_per_hour=2_200,
            packaging_cents=40,
            rejection_ppm=2_000,
        )
    return Node(
        node_id=NodeId(f"s{k:04d}"),
        lat=lat,
        lon=lon,
        postcode=f"{area.prefix}01",
        country="US",
        tz=area.tz,
        opening_hours=("Mo-Sa 10:00-21:00; Su 11:00-19:00", "Mo-Su 10:00-20:00", "Mo-Sa 09:00-21:00")[k % 3],
        offers=(Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN),
        handling_order_s=420,
        handling_line_s=120,
        receiving_s=3_600,
        capacity_day_orders=int(rng.integers(20, 80)),
        backlog_s=int(rng.integers(0, 7_200)),
        cost_order_cents=60,
        cost_line_cents=30,
        labour_cents_per_hour=1_900,
        packaging_cents=55,
        priority=int(rng.integers(0, 3)),
        safety_stock=1,
        rejection_ppm=int(rng.integers(10_000, 60_000)),
        markdown_ppm_per_day=200,
    )


def _skus(rng: np.random.Generator, num: int) -> SkuTable:
    weight_g = np.clip(np.round(700.0 * np.exp(1.1 * rng.standard_normal(num))), 20, 29_000).astype(np.int64)
    side = np.cbrt(weight_g / rng.uniform(0.15, 0.6, num))[:, None] * np.exp(0.35 * rng.standard_normal((num, 3)))
    return sku_table(
        [f"g{i:06d}" for i in range(num)], weight_g, np.clip(np.round(10.0 * side), 10, 1_200).astype(np.int64), rng
    )


def _service(name: str, carrier: str) -> Service:
    return Service(
        service_id=ServiceId(name),
        carrier_id=CarrierId(carrier),
        zone_map="miles",
        weight_max_g=POUND_G * POUNDS_MAX,
        longest_max_mm=2_743,
        length_girth_max_mm=4_191,
        dim_cm3_per_kg=5_022,
        fuel_permille=180 if carrier == "road" else 0,
        delivery_weekdays="1111100" if carrier == "road" else "1111110",
    )


def _rates() -> tuple[Rate, ...]:
    """The post is dearer from 5 October to 18 January, as it is in the US."""
    peak_from, peak_to = date(2025, 10, 5), date(2026, 1, 18)
    day = timedelta(days=1)
    rows = []
    for name, carrier, first, per_pound, per_zone, *_ in SERVICES:
        seasons = [(date.min, date.max, 0)]
        if carrier == "post":
            seasons = [(date.min, peak_from - day, 0), (peak_from, peak_to, 60), (peak_to + day, date.max, 0)]
        for z, zone in enumerate(ZONES):
            for pound in range(1, POUNDS_MAX + 1):
                price = first + per_zone * z + (pound - 1) * per_pound * (4 + z) // 4
                rows += [
                    Rate(
                        service_id=ServiceId(name),
                        zone=zone,
                        weight_max_g=POUND_G * pound,
                        price_cents=price + extra,
                        valid_from=valid_from,
                        valid_to=valid_to,
                    )
                    for valid_from, valid_to, extra in seasons
                ]
    return tuple(rows)


def _surcharges() -> tuple[Surcharge, ...]:
    road = CarrierId("road")
    handling = (
        (Applies.WEIGHT_OVER, 22_680, 3_300),
        (Applies.LONGEST_OVER, 1_219, 2_900),
        (Applies.SECOND_OVER, 762, 2_900),
    )
    return (
        Surcharge(
            carrier_id=road, code="residential", applies=Applies.RESIDENTIAL, amount_cents=595, fuel_applies=True
        ),
        Surcharge(carrier_id=road, code="remote", applies=Applies.REMOTE, amount_cents=625, fuel_applies=True),
        Surcharge(carrier_id=road, code="signature", applies=Applies.SIGNATURE, amount_cents=680),
        *(
            Surcharge(
                carrier_id=road,
                code=applies.value,
                applies=applies,
                threshold=threshold,
                amount_cents=cents,
                fuel_applies=True,
                exclusive_group="handling",
            )
            for applies, threshold, cents in handling
        ),
    )


def _transits() -> tuple[Transit, ...]:
    rows = []
    for name, *_, near, far in SERVICES:
        for z, zone in enumerate(ZONES):
            typical = near + (far - near) * z // (len(ZONES) - 1)
            rows.append(
                Transit(
                    service_id=ServiceId(name),
                    zone=zone,
                    earliest=max(1, typical - 1),
                    typical=typical,
                    latest=typical + (1 if near == far else 2),
                    typical_permille=900 if near == far else 750,
                )
            )
    return tuple(rows)


def _collection(node: Node, service: str) -> Collection:
    cutoff, collect = ("17:00", "19:00") if node.kind == NodeKind.WAREHOUSE else ("14:00", "16:30")
    return Collection(
        node_id=node.node_id, service_id=ServiceId(service), weekdays="1111110", cutoff=cutoff, collect=collect
    )


def _lanes(nodes: tuple[Node, ...]) -> tuple[Lane, ...]:
    """To every store from its nearest warehouse, a day per 700 km."""
    sites = [node for node in nodes if node.kind == NodeKind.WAREHOUSE]
    rows = []
    for store in (node for node in nodes if node.kind != NodeKind.WAREHOUSE):
        far_m, origin = min(
            ((distance_m(s.lat, s.lon, store.lat, store.lon), s) for s in sites), key=lambda p: (p[0], p[1].node_id)
        )
        rows.append(
            Lane(
                origin=origin.node_id,
                target=store.node_id,
                weekdays="1111110",
                cutoff="14:00",
                depart="21:00",
                transit_days=1 + far_m // 700_000,
                arrive="08:00",
                cost_order_cents=90,
                cost_unit_cents=12,
            )
        )
    return tuple(rows)

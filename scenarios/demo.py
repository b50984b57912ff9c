"""
A French retailer made from a seed: 3 warehouses, 60 stores, 20 pickup points, one vendor, 2,000 skus.

Cities, their places and populations are real (INSEE, populations of 2021, in `fr_cities.csv` and
`fr_departments.csv`); everything else is made up to be plausible. Same seed, same network, bit for bit. Regions are ISO
3166-2 codes: Moselle (57) and Alsace (6AE) are told apart because they have two public holidays more.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from engine.adapters.imports.synthetic import Shelf, empty_rows, joined, sku_table, stock_by_popularity, zipf
from engine.domain.ids import CarrierId, NodeId, SkuId
from engine.domain.order import Method
from engine.domain.policy import ChannelRule, Policy
from engine.network.model import (
    Area,
    CarrierHoliday,
    ChannelProtection,
    Inbound,
    Lane,
    Network,
    Node,
    SafetyStock,
    SkuTable,
)
from engine.network.routes import distance_m
from scenarios import demo_nodes, demo_tariffs
from scenarios.demand import demo_orders
from scenarios.demo_nodes import TZ, City

__all__ = ["demo_network", "demo_orders"]

AS_OF = datetime.fromisoformat("2026-11-23T08:00:00+01:00")  # the Monday before Black Friday
NUM_STORES = 60
NUM_PICKUP_POINTS = 20
NUM_SKUS = 2_000
NUM_VENDOR_SKUS = 20  # of the tail: bulky, held by the vendor and the warehouses only
REMOTE_DEPARTMENTS = ("05", "15", "20", "48")  # Corsica and high mountains
SYNTHETIC = (
    "warehouses, stores, pickup points and the vendor (their cities are real)",
    "opening and picking hours, capacity, backlog, handling, costs, rejection, markdown",
    "skus, stock, inbound, safety stock, channel protection",
    "carriers, tariffs, transit times, collections, lanes, carrier holidays",
    "which areas are remote",
)


def demo_network(seed: int = 1) -> Network:
    """Build the demo's network; needs no file outside the package and no clock."""
    rng = np.random.default_rng([seed, 1])
    towns = demo_nodes.cities()
    sites = demo_nodes.warehouses()
    stores = [demo_nodes.store(rng, rank, city) for rank, city in enumerate(towns[:NUM_STORES])]
    vendor = demo_nodes.vendor()
    points = [demo_nodes.pickup_point(rng, city) for city in towns[:NUM_PICKUP_POINTS]]
    nodes = (*sites, *stores, vendor, *points)
    areas = _areas(towns)
    skus, vendor_skus = _skus(rng)
    popularity = zipf(NUM_SKUS)
    shelves = [
        Shelf(node=k, share=share, depth=depth, sales_per_day=sales)
        for k, (share, depth, sales) in enumerate(((0.85, 60.0, 900.0), (0.65, 40.0, 700.0), (0.6, 40.0, 600.0)))
    ]
    shelves += [
        Shelf(node=3 + rank, share=round(0.42 - 0.004 * rank, 3), depth=2.5, sales_per_day=60.0 - 0.7 * rank)
        for rank in range(NUM_STORES)
    ]
    held = stock_by_popularity(rng, popularity, shelves)
    bulky = stock_by_popularity(
        rng, zipf(NUM_VENDOR_SKUS), [Shelf(node=3 + NUM_STORES, share=1.0, depth=8.0, sales_per_day=5.0)]
    )
    stock = joined(held, replace(bulky, sku=vendor_skus[bulky.sku].astype(np.int32)))
    inbound = _inbound(rng, skus.ids)
    node_index = {node.node_id: k for k, node in enumerate(nodes)}
    due = [(node_index[lot.node_id], skus.index[lot.sku]) for lot in inbound]
    prefixes = sorted(area.prefix for area in areas if len(area.prefix) == 2)
    tariffs = demo_tariffs.tariffs(nodes, prefixes)
    return Network(
        name="demo",
        version=f"demo-{seed}",
        currency="EUR",
        as_of=AS_OF,
        nodes=nodes,
        skus=skus,
        stock=joined(stock, empty_rows(stock, due)),
        carriers=demo_tariffs.CARRIERS,
        services=demo_tariffs.SERVICES,
        zone_ids=tariffs.zone_ids,
        zone_pairs=tariffs.zone_pairs,
        zone_distances=demo_tariffs.ZONE_DISTANCES,
        zone_regions=demo_tariffs.ZONE_REGIONS,
        rates=tariffs.rates,
        surcharges=demo_tariffs.SURCHARGES,
        transits=demo_tariffs.TRANSITS,
        collections=tariffs.collections,
        lanes=tuple(_lane(sites, store) for store in stores),
        areas=areas,
        hours_exceptions=demo_nodes.hours_exceptions(sites, stores),
        carrier_holidays=_carrier_holidays(),
        inbound=inbound,
        safety_stock=_safety_stock(stores, skus.ids),
        channel_protection=tuple(
            ChannelProtection(node_id=sites[0].node_id, sku=skus.ids[i], channel="store", units=5) for i in range(25)
        ),
        policies=_policies(),
        synthetic=SYNTHETIC,
        meta={"seed": seed, "sources": ["cities, departments and population of 2021: INSEE"]},
    )


def _areas(towns: list[City]) -> tuple[Area, ...]:
    """Every department, so that any French postcode is known, and the cities more exactly."""
    departments = [
        Area(
            country="FR",
            prefix=row["prefix"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            region=row["region"],
            tz=TZ,
            remote=row["prefix"] in REMOTE_DEPARTMENTS,
            population=int(row["population"]),
        )
        for row in demo_nodes.table("fr_departments.csv")
    ]
    exact = [
        Area(
            country="FR",
            prefix=city.postcode,
            lat=city.lat,
            lon=city.lon,
            region=city.region,
            tz=TZ,
            remote=city.postcode[:2] in REMOTE_DEPARTMENTS,
            population=city.population,
        )
        for city in towns
    ]
    return (*departments, *sorted(exact, key=lambda area: area.prefix))


def _skus(rng: np.random.Generator) -> tuple[SkuTable, np.ndarray]:
    """Skus by falling popularity, and the indices of those that the vendor sells."""
    weight_g = np.clip(np.round(600.0 * np.exp(0.9 * rng.standard_normal(NUM_SKUS))), 20, 28_000).astype(np.int64)
    volume_cm3 = weight_g / rng.uniform(0.15, 0.6, NUM_SKUS)
    shape = np.exp(0.35 * rng.standard_normal((NUM_SKUS, 3)))
    scale = np.cbrt(volume_cm3 / shape.prod(axis=1))
    sides_mm = np.clip(np.round(10.0 * shape * scale[:, None]), 10, 1_400).astype(np.int64)
    sold_by_vendor = NUM_SKUS // 2 + np.sort(rng.choice(NUM_SKUS // 2, NUM_VENDOR_SKUS, replace=False))
    weight_g[sold_by_vendor] += 8_000
    weight_g[sold_by_vendor[::4]] += 14_000
    sides_mm[sold_by_vendor[::3]] = (1_350, 450, 350)
    parcels_only = rng.choice(NUM_SKUS // 2, 15, replace=False)
    skus = sku_table(
        [f"sku-{i:04d}" for i in range(1, NUM_SKUS + 1)],
        weight_g,
        sides_mm,
        rng,
        node_groups={int(i): ("warehouses", "vendors") for i in sold_by_vendor},
        services={int(i): ("economy", "express") for i in np.sort(parcels_only)},
    )
    return skus, sold_by_vendor


def _lane(warehouses: list[Node], store: Node) -> Lane:
    """From the nearest warehouse: every night nearby, three times a week beyond, by ferry to Corsica."""
    far, origin = min(
        ((distance_m(w.lat, w.lon, store.lat, store.lon), w) for w in warehouses), key=lambda p: (p[0], p[1].node_id)
    )
    nightly = far <= 300_000
    days = 3 if store.region == "20R" else 1 if far <= 500_000 else 2
    return Lane(
        origin=origin.node_id,
        target=store.node_id,
        weekdays="1111110" if nightly else "1010100",
        cutoff="14:00",
        depart="20:00",
        transit_days=days,
        arrive="07:30" if nightly else "08:30",
        cost_order_cents=60,
        cost_unit_cents=8,
        co2e_g_per_tonne_km=65,
    )


def _carrier_holidays() -> tuple[CarrierHoliday, ...]:
    rapide = CarrierId("rapide")
    return (
        CarrierHoliday(carrier_id=CarrierId("relais"), day=date(2026, 12, 24)),
        CarrierHoliday(carrier_id=rapide, day=date(2026, 12, 26), country="FR", region="57", runs=True),
        CarrierHoliday(carrier_id=rapide, day=date(2026, 12, 26), country="FR", region="6AE", runs=True),
    )


def _inbound(rng: np.random.Generator, names: tuple[SkuId, ...]) -> tuple[Inbound, ...]:
    """Sixty lots on their way to the warehouses, in the next eighteen days at ten in the morning."""
    sites = ("wh-orleans", "wh-lyon", "wh-lille")
    picks = rng.choice(len(names), 60, replace=False)
    return tuple(
        Inbound(
            node_id=NodeId(sites[k % 3]),
            sku=names[int(i)],
            units=int(rng.integers(20, 121)),
            available_at=AS_OF + timedelta(days=int(rng.integers(1, 19)), hours=2),
        )
        for k, i in enumerate(picks)
    )


def _safety_stock(stores: list[Node], names: tuple[SkuId, ...]) -> tuple[SafetyStock, ...]:
    """The best sellers are kept for people in the shop; the marketplace sees still less of the largest store."""
    rows = [SafetyStock(node_id=s.node_id, sku=names[i], channel="", units=2) for s in stores[:10] for i in range(10)]
    rows.append(SafetyStock(node_id=stores[0].node_id, sku=None, channel="marketplace", units=3))
    return tuple(rows)


def _policies() -> tuple[Policy, ...]:
    """The default, one for the impatient and one with a price on carbon (500 euros a tonne)."""
    channels = {
        "marketplace": ChannelRule(
            methods=(Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE), services=("economy", "express")
        )
    }
    return tuple(
        Policy(
            policy_id=policy_id,
            channels=channels,
            capacity_price_cents=300,
            waiting_day_cents=waiting_cents,
            carbon_cents_per_tonne=carbon_cents,
        )
        for policy_id, waiting_cents, carbon_cents in (("default", 40, 0), ("fast", 250, 0), ("green", 40, 50_000))
    )

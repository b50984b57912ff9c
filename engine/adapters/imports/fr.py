"""
A retailer of France on real places and Colissimo's real tariff.

Reads `fr/`, `us/amazon_fc_us_fr.csv.gz` (four French sites are in it) and `baskets/` of the data folder. See
`fr_tariffs` for what is real about prices; ``Network.synthetic`` names what is drawn.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from engine.adapters.imports import fr_places, fr_tariffs
from engine.adapters.imports.articles import assortment, orders_from_baskets
from engine.adapters.imports.demand import Home, Mix, arrivals
from engine.adapters.imports.synthetic import Shelf, stock_by_popularity
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.network.model import Collection, Lane, Network, Node, NodeKind
from engine.network.routes import distance_m

AS_OF = datetime.fromisoformat("2026-11-23T08:00:00+01:00")
SYNTHETIC = (
    "stock: by real popularity of the skus, 30 % of them in a store, nearly all in a warehouse",
    "stores and pickup points (at real places), opening and picking hours of all nodes",
    "capacity, handling, backlog, costs, priority, rejection, markdown of all nodes",
    "weights and sizes of the skus (real ones of other articles), their values and flags",
    "Chronopost's base prices and fuel; Colissimo's real prices are of 2023 and with VAT",
    "transit times, CO2e, collections, lanes",
)
SOURCES = (
    "communes, postcodes, population of 2021: INSEE",
    "warehouse sites: fulfilment centres of Amazon",
    "Colissimo: public counter prices of 2023 with VAT; Chronopost: surcharges",
    "baskets and skus: UCI Online Retail (CC BY 4.0); weights and sizes: Olist",
)


def fr_network(
    data_dir: Path,
    *,
    seed: int = 1,
    num_warehouses: int = 3,
    num_stores: int = 60,
    num_pickup_points: int = 100,
    num_skus: int = 4_000,
    as_of: datetime | None = None,
) -> Network:
    """
    Build the network of France.

    Parameters
    ----------
    data_dir
        Folder that holds `fr/`, `us/` and `baskets/`.
    seed
        Of everything made up; same seed, same network.
    num_warehouses
        At most four: Orléans, Lille, Chalon, Montélimar.
    num_stores
        One in each of so many most populous communes.
    num_pickup_points
        One in each of so many most populous postcodes.
    num_skus
        The most bought ones; the source has some 3,800.
    as_of
        The moment that stock and backlog are meant at; Monday 23 November 2026, 08:00 in Paris, without it.
    """
    moment = AS_OF if as_of is None else as_of
    if moment.tzinfo is None:
        raise InputError(f"Moment as_of ({moment}) has no time zone.", "add +01:00.")
    folder = Path(data_dir)
    place_rng, sku_rng, stock_rng = (np.random.default_rng([seed, stream]) for stream in (30, 31, 32))
    areas = fr_places.read_areas(folder)
    sites = fr_places.warehouses(folder, areas, num_warehouses)
    shops = fr_places.stores(fr_places.read_cities(folder), place_rng, num_stores)
    points = fr_places.pickup_points(areas, num_pickup_points)
    nodes = (*sites, *shops, *points)
    goods = assortment(folder, sku_rng, num_skus)
    shelves = [
        Shelf(node=k, share=0.97, depth=60.0, sales_per_day=2_000.0)
        if node.kind == NodeKind.WAREHOUSE
        else Shelf(node=k, share=0.3, depth=2.5, sales_per_day=60.0)
        for k, node in enumerate(nodes)
        if node.kind != NodeKind.PICKUP_POINT
    ]
    return Network(
        name="fr",
        version=f"fr-2023-{seed}",
        currency="EUR",
        as_of=moment,
        nodes=nodes,
        skus=goods.skus,
        stock=stock_by_popularity(stock_rng, goods.popularity, shelves),
        carriers=fr_tariffs.CARRIERS,
        services=fr_tariffs.services(),
        zone_ids=fr_tariffs.ZONE_IDS,
        zone_regions=fr_tariffs.zone_regions(),
        rates=fr_tariffs.rates(folder),
        surcharges=fr_tariffs.surcharges(folder),
        transits=fr_tariffs.transits(),
        collections=_collections((*sites, *shops)),
        lanes=tuple(_lane(sites, shop) for shop in shops),
        areas=areas,
        synthetic=SYNTHETIC,
        meta={"seed": seed, "sources": list(SOURCES)},
    )


def fr_orders(
    network: Network,
    data_dir: Path,
    count: int,
    seed: int = 1,
    *,
    start: datetime | None = None,
    num_days: int = 1,
    mix: Mix | None = None,
) -> list[Order]:
    """Orders of the days from ``start`` (the network's `as_of`) on: real baskets, homes by real population."""
    rng = np.random.default_rng([seed, 40])
    moments = arrivals(rng, count, start or network.as_of, num_days, fr_places.TZ)
    people = np.array([area.population for area in network.areas], dtype=np.float64)
    homes = [
        Home(country="FR", postcode=area.prefix, lat=area.lat, lon=area.lon, tz=area.tz)
        for area in (network.areas[int(i)] for i in rng.choice(len(people), size=count, p=people / people.sum()))
    ]
    return orders_from_baskets(network, Path(data_dir), rng, homes=homes, moments=moments, mix=mix or Mix())


def _collections(nodes: Sequence[Node]) -> tuple[Collection, ...]:
    """In the evening at warehouses, in the afternoon at stores; La Poste on Saturdays as well."""
    rows = []
    for node in nodes:
        at_warehouse = node.kind == NodeKind.WAREHOUSE
        for service in fr_tariffs.services():
            post = service.carrier_id == fr_tariffs.LA_POSTE
            times = (("17:00", "19:00") if post else ("18:30", "20:30")) if at_warehouse else ("14:00", "16:30")
            rows.append(
                Collection(
                    node_id=node.node_id,
                    service_id=service.service_id,
                    weekdays="1111110" if post and at_warehouse else "1111100",
                    cutoff=times[0],
                    collect=times[1],
                )
            )
    return tuple(rows)


def _lane(sites: Sequence[Node], shop: Node) -> Lane:
    """From the nearest warehouse, overnight up to 500 km, by ferry to Corsica."""
    way_m, origin = min(
        ((distance_m(s.lat, s.lon, shop.lat, shop.lon), s) for s in sites), key=lambda p: (p[0], p[1].node_id)
    )
    return Lane(
        origin=origin.node_id,
        target=shop.node_id,
        weekdays="1111110" if way_m <= 300_000 else "1010100",
        cutoff="14:00",
        depart="20:00",
        transit_days=3 if shop.region == fr_places.CORSICA else 1 if way_m <= 500_000 else 2,
        arrive="08:00",
        cost_order_cents=60,
        cost_unit_cents=8,
        co2e_g_per_tonne_km=65,
    )

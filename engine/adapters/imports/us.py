"""
A retailer of the United States on real sites and real tariffs.

Reads `us/` and `baskets/` of the data folder: 1,037 stores with their hours, warehouses out of 1,233 real sites, FedEx
and USPS with 9 services at list prices (see `us_tariffs`), skus and baskets (see `articles`). What no public data
holds is drawn from the seed and named in ``Network.synthetic``.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from engine.adapters.imports.articles import assortment, orders_from_baskets
from engine.adapters.imports.demand import Home, Mix, arrivals
from engine.adapters.imports.synthetic import Shelf, stock_by_popularity
from engine.adapters.imports.us_places import OFFSHORE, areas, people_at, read_zips, stores, warehouses
from engine.adapters.imports.us_tariffs import CARRIERS, carrier_holidays, us_tariffs
from engine.domain.errors import InputError
from engine.domain.ids import NodeId
from engine.domain.order import Order
from engine.network.model import Collection, HoursException, Lane, Network, Node, NodeKind, Service
from engine.network.routes import distance_m

AS_OF = datetime.fromisoformat("2025-11-24T06:00:00-05:00")  # the Monday before Thanksgiving, at holiday prices
LANE_DISTANCE_MAX_M = 2_000_000
STORE_SHARE = 0.3  # of the assortment
SYNTHETIC = (
    "stock: by real popularity of the skus, 30 % of them in a store, nearly all in a warehouse",
    "capacity, handling, backlog, costs, priority, rejection, markdown, warehouse hours of all nodes",
    "weights and sizes of the skus (real ones of other articles), their values and flags",
    "FedEx fuel percentage, signature price, transit days by zone, delivery hours, CO2e",
    "collections, lanes, closing days of stores and warehouses",
    "population of areas: of 99 cities, shared among the ZIPs around them",
)
SOURCES = (
    "stores and hours: locations of Best Buy, 2016 (CC0)",
    "warehouse sites: fulfilment centres of Amazon, at the centroids of their ZIPs",
    "FedEx: Service Guide of 6 January 2025, list prices; USPS: retail prices of 2025, zones by ZIP3",
    "baskets and skus: UCI Online Retail (CC BY 4.0); weights and sizes: Olist",
)


def us_network(
    data_dir: Path,
    *,
    seed: int = 1,
    num_warehouses: int = 10,
    num_skus: int = 4_000,
    num_stores: int | None = None,
    as_of: datetime | None = None,
    zip5: bool = False,
) -> Network:
    """
    Build the network of the United States.

    Parameters
    ----------
    data_dir
        Folder that holds `us/` and `baskets/`.
    seed
        Of everything made up; same seed, same network.
    num_warehouses
        Sites taken, one after the other where they shorten the way to people most.
    num_skus
        The most bought ones; the source has some 3,800.
    num_stores
        Drawn from the BigBox stores; all 1,037 without it.
    as_of
        The moment that stock and backlog are meant at; Monday 24 November 2025, 06:00 in New York, without it.
    zip5
        An area per ZIP beside the one per ZIP3: exact places, 41,000 rows.
    """
    moment = AS_OF if as_of is None else as_of
    if moment.tzinfo is None:
        raise InputError(f"Moment as_of ({moment}) has no time zone.", "add Z or -05:00.")
    folder = Path(data_dir)
    place_rng, sku_rng, stock_rng = (np.random.default_rng([seed, stream]) for stream in (10, 11, 12))
    zips = read_zips(folder)
    regions = areas(folder, zips, zip5=zip5)
    sites = warehouses(folder, zips, place_rng, num_warehouses)
    shops, flags = stores(folder, zips, place_rng, num_stores)
    nodes = (*sites, *shops)
    goods = assortment(folder, sku_rng, num_skus)
    tariffs = us_tariffs(folder, nodes, regions)
    return Network(
        name="us",
        version=f"us-2025-{seed}",
        currency="USD",
        as_of=moment,
        nodes=nodes,
        skus=goods.skus,
        stock=stock_by_popularity(stock_rng, goods.popularity, _shelves(nodes, place_rng)),
        carriers=CARRIERS,
        services=tariffs.services,
        zone_ids=tariffs.zone_ids,
        zone_pairs=tariffs.zone_pairs,
        zone_distances=tariffs.zone_distances,
        rates=tariffs.rates,
        surcharges=tariffs.surcharges,
        transits=tariffs.transits,
        collections=_collections(nodes, tariffs.services),
        lanes=_lanes(sites, shops),
        areas=regions,
        hours_exceptions=_closing_days(nodes, moment.date()),
        carrier_holidays=carrier_holidays((moment.year, moment.year + 1)),
        synthetic=SYNTHETIC,
        meta={"seed": seed, "flags": flags, "sources": list(SOURCES)},
    )


def us_orders(
    network: Network,
    data_dir: Path,
    count: int,
    seed: int = 1,
    *,
    start: datetime | None = None,
    num_days: int = 1,
    mix: Mix | None = None,
) -> list[Order]:
    """
    Orders of the days from ``start`` (the network's `as_of`) on: real baskets, drawn homes and wishes.

    Baskets are drawn, with replacement, from those of at most ten skus (7,356 of the 19,773 of the source; 1,500 with
    one line, 550 with ten), in the quantities of `articles`. Homes are ZIP centroids drawn by a proxy of population.
    """
    rng = np.random.default_rng([seed, 20])
    folder = Path(data_dir)
    zips = read_zips(folder)
    moments = arrivals(rng, count, start or network.as_of, num_days, "America/Chicago")
    homes = [
        Home(
            country="US",
            postcode=zips.zips[i],
            lat=float(zips.lat[i]),
            lon=float(zips.lon[i]),
            tz=zips.tzs[i],
        )
        for i in people_at(zips, rng, count)
    ]
    return orders_from_baskets(network, folder, rng, homes=homes, moments=moments, mix=mix or Mix())


def _shelves(nodes: Sequence[Node], rng: np.random.Generator) -> list[Shelf]:
    """Stores of three sizes hold 24, 30 or 36 % of the assortment."""
    out = []
    for k, node in enumerate(nodes):
        if node.kind == NodeKind.WAREHOUSE:
            out.append(Shelf(node=k, share=0.97, depth=80.0, sales_per_day=3_000.0))
        else:
            size = float(rng.choice((0.8, 1.0, 1.2)))
            out.append(Shelf(node=k, share=round(STORE_SHARE * size, 2), depth=2.5 * size, sales_per_day=60.0 * size))
    return out


def _collections(nodes: Sequence[Node], services: Sequence[Service]) -> tuple[Collection, ...]:
    """FedEx collects on working days, USPS on Saturdays too; later at warehouses than at stores."""
    rows = []
    for node in nodes:
        at_warehouse = node.kind == NodeKind.WAREHOUSE
        for service in services:
            if service.carrier_id == "usps":
                cutoff, collect = ("16:00", "18:00") if at_warehouse else ("13:00", "15:30")
            elif service.service_id == "fedex_ground":
                cutoff, collect = ("17:00", "19:00") if at_warehouse else ("14:00", "16:30")
            else:
                cutoff, collect = ("19:00", "21:00") if at_warehouse else ("15:00", "17:30")
            rows.append(
                Collection(
                    node_id=node.node_id,
                    service_id=service.service_id,
                    weekdays="1111110" if service.carrier_id == "usps" else "1111100",
                    cutoff=cutoff,
                    collect=collect,
                )
            )
    return tuple(rows)


def _lanes(sites: Sequence[Node], shops: Sequence[Node]) -> tuple[Lane, ...]:
    """From the nearest warehouse, a day per 700 km; none over sea or beyond 2,000 km."""
    rows = []
    for shop in shops:
        way_m, origin = min(
            ((distance_m(s.lat, s.lon, shop.lat, shop.lon), s) for s in sites), key=lambda p: (p[0], p[1].node_id)
        )
        if shop.region in OFFSHORE or way_m > LANE_DISTANCE_MAX_M:
            continue
        rows.append(
            Lane(
                origin=origin.node_id,
                target=shop.node_id,
                weekdays="1111110" if way_m <= 300_000 else "1010100",
                cutoff="14:00",
                depart="21:00",
                transit_days=1 + way_m // 700_000,
                arrive="08:00",
                cost_order_cents=90,
                cost_unit_cents=12,
                co2e_g_per_tonne_km=70,
            )
        )
    return tuple(rows)


def _closing_days(nodes: Sequence[Node], today: date) -> tuple[HoursException, ...]:
    """Thanksgiving (the fourth Thursday of November) and Christmas, where they lie in the next 60 days."""
    days = []
    for year in (today.year, today.year + 1):
        first = date(year, 11, 1)
        thanksgiving = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
        days += [day for day in (thanksgiving, date(year, 12, 25)) if today <= day <= today + timedelta(days=60)]
    return tuple(HoursException(node_id=NodeId(node.node_id), day=day, hours="off") for node in nodes for day in days)

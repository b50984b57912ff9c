"""Places of metropolitan France: postcodes with their people, stores, warehouses and pickup points put on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.adapters.imports.reading import data_file, read_rows
from engine.domain.errors import InputError
from engine.domain.ids import NodeId
from engine.network.model import Area, Node, NodeKind, Offer

TZ = "Europe/Paris"
CORSICA = "20R"
FIRST_OVERSEAS = "97"  # postcodes from here on are overseas, with other tariffs and time zones
# INSEE region -> ISO 3166-2. Departments 57, 67 and 68 keep two more public holidays, so they stand for themselves.
REGIONS = {
    "11": "IDF",
    "24": "CVL",
    "27": "BFC",
    "28": "NOR",
    "32": "HDF",
    "44": "GES",
    "52": "PDL",
    "53": "BRE",
    "75": "NAQ",
    "76": "OCC",
    "84": "ARA",
    "93": "PAC",
    "94": CORSICA,
}
HOLIDAY_REGIONS = {"57": "57", "67": "6AE", "68": "6AE"}
DISTRICTS = ("Paris", "Lyon", "Marseille")  # their arrondissements are one city
SITES = ("0RY1", "LIL1", "LYS1", "MRS1")  # codes of the French warehouse sites, in the order they are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A commune; Paris, Lyon and Marseille with all their arrondissements."""

    code: str  # of INSEE, or its name
    name: str
    postcode: str
    region: str
    lat: float
    lon: float
    population: float


def region_of(department: str, insee_region: str) -> str:
    """
    The ISO 3166-2 code that decides on public holidays.

    >>> region_of("69", "84"), region_of("67", "44"), region_of("2A", "94")
    ('ARA', '6AE', '20R')
    """
    return HOLIDAY_REGIONS.get(department) or REGIONS[insee_region]


def read_cities(data_dir: Path) -> list[City]:
    """Metropolitan communes, most people first. A commune with several postcodes is named by its lowest."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(data_file(data_dir, "fr/fr_communes_population.csv.gz")):
        if row["insee_reg"] in REGIONS:
            name = row["commune"].partition(" ")[0] if "Arrondissement" in row["commune"] else ""
            groups.setdefault(name if name in DISTRICTS else row["insee_com"], []).append(row)
    cities = []
    for key, rows in groups.items():
        people = [float(r["population"]) for r in rows]
        weights = np.array(people) if sum(people) > 0 else np.ones(len(rows))
        cities.append(
            City(
                code=key.lower(),
                name=key if key in DISTRICTS else rows[0]["commune"],
                postcode=min(r["code_postal"] for r in rows),
                region=region_of(rows[0]["insee_dep"], rows[0]["insee_reg"]),
                lat=round(float(np.average([float(r["lat"]) for r in rows], weights=weights)), 5),
                lon=round(float(np.average([float(r["lon"]) for r in rows], weights=weights)), 5),
                population=sum(people),
            )
        )
    return sorted(cities, key=lambda c: (-c.population, c.postcode, c.name))


def read_areas(data_dir: Path) -> tuple[Area, ...]:
    """Every metropolitan postcode; its region is that of most of its people. Corsica is remote."""
    votes: dict[str, dict[str, float]] = {}
    for row in read_rows(data_file(data_dir, "fr/fr_communes_population.csv.gz")):
        if row["insee_reg"] in REGIONS:
            region = region_of(row["insee_dep"], row["insee_reg"])
            by_region = votes.setdefault(row["code_postal"], {})
            by_region[region] = by_region.get(region, 0.0) + float(row["population"])
    out = []
    for row in read_rows(data_file(data_dir, "fr/fr_cp_centroids.csv.gz")):
        if row["cp"] >= FIRST_OVERSEAS or row["cp"] not in votes:
            continue
        regions = votes[row["cp"]]
        region = min(regions, key=lambda name: (-regions[name], name))
        out.append(
            Area(
                country="FR",
                prefix=row["cp"],
                lat=float(row["lat"]),
                lon=float(row["lon"]),
                region=region,
                tz=TZ,
                remote=region == CORSICA,
                population=round(float(row["population"])),
            )
        )
    return tuple(out)


def warehouses(data_dir: Path, areas: Sequence[Area], num_warehouses: int) -> list[Node]:
    """Real sites; everything else about them is made up."""
    if not 1 <= num_warehouses <= len(SITES):
        raise InputError(f"Number of warehouses ({num_warehouses}) is not in 1..{len(SITES)}.", "3 are usual.")
    rows = {
        r["code"]: r for r in read_rows(data_file(data_dir, "us/amazon_fc_us_fr.csv.gz")) if r["country"] == "France"
    }
    region = {area.prefix: area.region for area in areas}
    return [
        Node(
            node_id=NodeId(f"wh-{code.lower()}"),
            name=f"Warehouse {rows[code]['city']}",
            kind=NodeKind.WAREHOUSE,
            lat=float(rows[code]["lat"]),
            lon=float(rows[code]["lon"]),
            postcode=rows[code]["zip"],
            country="FR",
            region=region[rows[code]["zip"]],
            tz=TZ,
            groups=("warehouses",),
            picking_hours="Mo-Sa 06:00-22:00; PH off",
            offers=(Offer.SHIP, Offer.TRANSFER_OUT),
            handling_order_s=120,
            handling_line_s=25,
            capacity_day_orders=4_000,
            capacity_day_units=16_000,
            backlog_s=5_400,
            cost_order_cents=60,
            cost_line_cents=15,
            cost_unit_cents=4,
            labour_cents_per_hour=2_200,
            packaging_cents=45,
            rejection_ppm=2_000,
            markdown_ppm_per_day=20,
        )
        for code in SITES[:num_warehouses]
    ]


def stores(cities: Sequence[City], rng: np.random.Generator, num_stores: int) -> list[Node]:
    """One store in each of the most populous communes."""
    if not 1 <= num_stores <= len(cities):
        raise InputError(f"Number of stores ({num_stores}) is not in 1..{len(cities)}.", "60 reach most people.")
    out = []
    for city in cities[:num_stores]:
        large = city.population > 250_000
        orders = int(rng.integers(80, 121) if large else rng.integers(30, 71))
        out.append(
            Node(
                node_id=NodeId(f"st-{city.code}"),
                name=f"Store {city.name}",
                kind=NodeKind.STORE,
                lat=city.lat,
                lon=city.lon,
                postcode=city.postcode,
                country="FR",
                region=city.region,
                tz=TZ,
                groups=("stores",),
                opening_hours="Mo-Sa 09:30-20:00; PH off" if large else "Mo-Sa 10:00-19:00; PH off",
                offers=(Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN),
                handling_order_s=300,
                handling_line_s=90,
                receiving_s=3_600,
                capacity_day_orders=orders,
                capacity_day_units=3 * orders,
                capacity_hour_orders=15 if large else None,
                backlog_s=300 * int(rng.integers(0, 7)),
                cost_order_cents=40,
                cost_line_cents=10,
                labour_cents_per_hour=1_900,
                packaging_cents=60,
                priority=1,
                safety_stock=1,
                rejection_ppm=1_000 * int(rng.integers(20, 61)),
                markdown_ppm_per_day=50 * int(rng.integers(1, 5)),
            )
        )
    return out


def pickup_points(areas: Sequence[Area], num_points: int) -> list[Node]:
    """A made-up point at the centre of each of the most populous postcodes."""
    ranked = sorted(areas, key=lambda area: (-area.population, area.prefix))[:num_points]
    return [
        Node(
            node_id=NodeId(f"pp-{area.prefix}"),
            name=f"Pickup point {area.prefix}",
            kind=NodeKind.PICKUP_POINT,
            lat=area.lat,
            lon=area.lon,
            postcode=area.prefix,
            country="FR",
            region=area.region,
            tz=TZ,
            groups=("pickup-points",),
            opening_hours="Mo-Fr 08:30-19:00; Sa 09:00-18:00; PH off",
            offers=(Offer.PICKUP,),
        )
        for area in ranked
    ]

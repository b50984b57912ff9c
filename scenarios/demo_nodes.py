"""The places of the demo: cities (real, from INSEE), and the warehouses, stores, pickup points and vendor put there."""

import csv
import unicodedata
from dataclasses import dataclass
from datetime import date
from importlib import resources

import numpy as np

from engine.domain.ids import NodeId
from engine.network.model import HoursException, Node, NodeKind, Offer

TZ = "Europe/Paris"


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A row of `fr_cities.csv`."""

    name: str
    postcode: str
    region: str
    lat: float
    lon: float
    population: int

    @property
    def slug(self) -> str:
        """The name in lower-case ASCII."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        return "-".join(plain.lower().replace("'", " ").split())


def cities() -> list[City]:
    """French cities by falling population."""
    return [
        City(
            name=row["city"],
            postcode=row["postcode"],
            region=row["region"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            population=int(row["population"]),
        )
        for row in table("fr_cities.csv")
    ]


def warehouses() -> list[Node]:
    """Three warehouses; the one near Lyon also has a capacity per hour."""
    sites = (
        ("wh-orleans", "Orléans", 47.948, 1.881, "45770", "CVL", 4_000, None),
        ("wh-lyon", "Lyon-Est", 45.642, 5.113, "38070", "ARA", 3_000, 260),
        ("wh-lille", "Lille-Sud", 50.390, 3.040, "59553", "HDF", 2_500, None),
    )
    return [
        Node(
            node_id=NodeId(node_id),
            name=f"Warehouse {name}",
            kind=NodeKind.WAREHOUSE,
            lat=lat,
            lon=lon,
            postcode=postcode,
            country="FR",
            region=region,
            tz=TZ,
            groups=("warehouses",),
            picking_hours="Mo-Sa 06:00-22:00; PH off",
            offers=(Offer.SHIP, Offer.TRANSFER_OUT),
            handling_order_s=120,
            handling_line_s=30,
            capacity_day_orders=orders,
            capacity_day_units=4 * orders,
            capacity_hour_orders=hourly,
            backlog_s=5_400,
            cost_order_cents=60,
            cost_line_cents=15,
            cost_unit_cents=4,
            labour_cents_per_hour=2_200,
            packaging_cents=45,
            rejection_ppm=2_000,
            markdown_ppm_per_day=20,
        )
        for node_id, name, lat, lon, postcode, region, orders, hourly in sites
    ]


def store(rng: np.random.Generator, rank: int, city: City) -> Node:
    """The store of a city; the larger the city, the longer its hours and the more it can do."""
    large, small = rank < 10, rank >= 40
    if rank < 4:
        opening = "Mo-Sa 10:00-20:00; Su 11:00-19:00; PH off"
    elif large:
        opening = "Mo-Sa 09:30-20:00; PH off"
    elif small:
        opening = "Mo 14:00-19:00; Tu-Sa 09:30-12:30,14:00-19:00; PH off"
    else:
        opening = "Mo-Sa 10:00-19:00; PH off"
    offers = (Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN)
    orders = int(rng.integers(80, 121) if large else rng.integers(25, 61))
    return Node(
        node_id=NodeId(f"st-{city.slug}"),
        name=f"Store {city.name}",
        kind=NodeKind.STORE,
        lat=city.lat,
        lon=city.lon,
        postcode=city.postcode,
        country="FR",
        region=city.region,
        tz=TZ,
        groups=("stores", "large-stores") if large else ("stores",),
        opening_hours=opening,
        picking_hours="Mo-Sa 08:00-19:00; PH off" if large else "",
        offers=(*offers, Offer.SAME_DAY) if large else offers,
        handling_order_s=300,
        handling_line_s=90,
        receiving_s=3_600,
        capacity_day_orders=orders,
        capacity_day_units=3 * orders,
        capacity_hour_orders=15 if large else None,
        capacity_hour_units=45 if large else None,
        backlog_s=300 * int(rng.integers(0, 9)),
        cost_order_cents=40,
        cost_line_cents=10,
        labour_cents_per_hour=1_900,
        packaging_cents=60,
        priority=1,
        safety_stock=1,
        rejection_ppm=1_000 * int(rng.integers(20, 61)),
        markdown_ppm_per_day=50 * int(rng.integers(1, 5)),
    )


def vendor() -> Node:
    """A manufacturer of bulky goods that ships its own."""
    return Node(
        node_id=NodeId("vd-cholet"),
        name="Vendor Cholet",
        kind=NodeKind.VENDOR,
        lat=47.0358,
        lon=-0.875,
        postcode="49300",
        country="FR",
        region="PDL",
        tz=TZ,
        groups=("vendors",),
        picking_hours="Mo-Fr 08:00-17:00; PH off",
        offers=(Offer.SHIP,),
        handling_order_s=1_800,
        capacity_day_orders=50,
        cost_order_cents=250,
        packaging_cents=100,
        priority=2,
        rejection_ppm=15_000,
    )


def pickup_point(rng: np.random.Generator, city: City) -> Node:
    """A parcel shop within about two kilometres of the centre."""
    east, north = (float(x) for x in rng.uniform(-0.018, 0.018, 2))
    return Node(
        node_id=NodeId(f"pp-{city.slug}"),
        name=f"Pickup point {city.name}",
        kind=NodeKind.PICKUP_POINT,
        lat=round(city.lat + north, 5),
        lon=round(city.lon + east, 5),
        postcode=city.postcode,
        country="FR",
        region=city.region,
        tz=TZ,
        groups=("pickup-points",),
        opening_hours="Mo-Sa 08:30-19:30; Su 09:00-12:30; PH off",
        offers=(Offer.PICKUP,),
    )


def hours_exceptions(sites: list[Node], stores: list[Node]) -> tuple[HoursException, ...]:
    """Sundays before Christmas, early closing on the 24th, a stocktaking, a Black Friday weekend."""
    rows = []
    for store in stores:
        for day in (date(2026, 12, 13), date(2026, 12, 20)):
            rows.append(HoursException(node_id=store.node_id, day=day, hours="10:00-18:00"))
        rows.append(HoursException(node_id=store.node_id, day=date(2026, 12, 24), hours="09:30-17:00"))
    rows.append(HoursException(node_id=stores[15].node_id, day=date(2026, 11, 25), hours="off"))
    rows += [
        HoursException(node_id=w.node_id, day=date(2026, 11, 29), hours="06:00-22:00", applies_to="picking")
        for w in sites
    ]
    return tuple(rows)


def table(name: str) -> list[dict[str, str]]:
    """Rows of a CSV file that lies beside this module."""
    text = resources.files("scenarios").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))

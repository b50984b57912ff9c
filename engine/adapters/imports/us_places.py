"""
Places of the United States: stores with their hours, warehouses, postal areas, and which time zone each lies in.

Time zones come from `us_tz.csv`: one per state, and the counties that keep another one (49 CFR part 71). Against the
polygons of the time zone map, 99.9 % of ZIP centroids and every store of the data agree; what differs are counties cut
by a line (most of all the Navajo Nation, which alone in Arizona keeps summer time).
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from engine.adapters.imports.reading import data_file, read_rows
from engine.domain.errors import InputError
from engine.domain.ids import NodeId
from engine.network.model import Area, Node, NodeKind, Offer
from engine.network.routes import EARTH_RADIUS_M

US_POPULATION = 335_000_000  # rounded, of 2023
OFFSHORE = ("AK", "HI", "PR")  # no ground network
CITY_RADIUS_M = 50_000
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True, eq=False, kw_only=True)
class Zips:
    """Postal centroids as columns, those flagged suspect left out; ``people`` is a proxy of population."""

    zips: tuple[str, ...]
    states: tuple[str, ...]
    tzs: tuple[str, ...]
    lat: np.ndarray
    lon: np.ndarray
    people: np.ndarray


def time_zones() -> dict[tuple[str, str], str]:
    """Time zone by (state, county in capitals); county "" is the rest of the state."""
    text = resources.files("engine.adapters.imports").joinpath("us_tz.csv").read_text(encoding="utf-8")
    return {(row["state"], row["county"]): row["tz"] for row in csv.DictReader(text.splitlines())}


def read_zips(data_dir: Path) -> Zips:
    """
    ZIP centroids with time zone and a proxy of population.

    The 99 most populous cities share theirs equally among the ZIPs within 50 km; the rest of the country's people are
    spread over all ZIPs evenly.
    """
    tz = time_zones()
    rows = [r for r in read_rows(data_file(data_dir, "us/us_zip_centroids.csv.gz")) if r["suspect"] == "0"]
    lat = np.array([float(r["lat"]) for r in rows])
    lon = np.array([float(r["lon"]) for r in rows])
    people = np.zeros(len(rows))
    cities = read_rows(data_file(data_dir, "us/cities_99.csv"))
    for city in cities:
        near = distances_m(lat, lon, float(city["lat"]), float(city["lon"])) <= CITY_RADIUS_M
        if near.any():
            people[near] += float(city["population"]) / near.sum()
    people += max(0.0, US_POPULATION - people.sum()) / len(rows)
    return Zips(
        zips=tuple(r["zip"] for r in rows),
        states=tuple(r["state"] for r in rows),
        tzs=tuple(tz.get((r["state"], r["county"].upper()), tz[(r["state"], "")]) for r in rows),
        lat=lat,
        lon=lon,
        people=people,
    )


def areas(data_dir: Path, zips: Zips, *, zip5: bool) -> tuple[Area, ...]:
    """An area per three-digit prefix (with the time zone of most of its ZIPs) and, if asked for, per ZIP."""
    tz_votes: dict[str, Counter[str]] = {}
    people: Counter[str] = Counter()
    for code, tz, share in zip(zips.zips, zips.tzs, zips.people, strict=True):
        tz_votes.setdefault(code[:3], Counter())[tz] += 1
        people[code[:3]] += share
    tz_of_state = time_zones()
    rows = read_rows(data_file(data_dir, "us/us_zip3_centroids.csv"))
    out = [
        Area(
            country="US",
            prefix=row["zip3"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            region=row["state"],
            tz=_most(tz_votes.get(row["zip3"]), tz_of_state[(row["state"], "")]),
            remote=row["state"] in OFFSHORE,
            population=round(people[row["zip3"]]),
        )
        for row in rows
    ]
    if zip5:
        out += [
            Area(
                country="US",
                prefix=code,
                lat=float(lat),
                lon=float(lon),
                region=state,
                tz=tz,
                remote=state in OFFSHORE,
                population=round(share),
            )
            for code, state, tz, lat, lon, share in zip(
                zips.zips, zips.states, zips.tzs, zips.lat, zips.lon, zips.people, strict=True
            )
        ]
    return tuple(out)


def stores(
    data_dir: Path, zips: Zips, rng: np.random.Generator, num_stores: int | None
) -> tuple[list[Node], list[str]]:
    """
    The BigBox stores (or so many of them, drawn) and remarks on dubious rows.

    Site and hours are real; capacity, handling, backlog and costs are drawn.
    """
    rows = [r for r in read_rows(data_file(data_dir, "us/bestbuy_stores_us.csv.gz")) if r["type"] == "BigBox"]
    if num_stores is not None:
        if not 1 <= num_stores <= len(rows):
            raise InputError(f"Number of stores ({num_stores}) is not in 1..{len(rows)}.", "leave it out for all.")
        rows = [rows[i] for i in np.sort(rng.choice(len(rows), num_stores, replace=False))]
    hours: dict[str, dict[int, tuple[int, int]]] = {}
    for row in read_rows(data_file(data_dir, "us/bestbuy_store_hours.csv.gz")):
        opened = (int(row["open_min"]), int(row["close_min"]))
        hours.setdefault(row["store_id"], {})[int(row["dow"])] = opened
    tz_of_zip = dict(zip(zips.zips, zips.tzs, strict=True))
    tz_of_state = time_zones()
    flags: list[str] = []
    nodes: list[Node] = []
    for row in rows:
        week = hours.get(row["store_id"], {})
        flags += _dubious(row["store_id"], week)
        tz = tz_of_zip.get(row["zip"], tz_of_state[(row["state"], "")])
        nodes.append(_store(row, tz, opening_hours(week), rng))
    return nodes, flags


def opening_hours(week: Mapping[int, tuple[int, int]]) -> str:
    """
    OSM notation of one pair of minutes per weekday (0 = Monday); neighbouring days with equal hours are joined.

    >>> opening_hours({0: (600, 1290), 1: (600, 1290), 2: (600, 1290), 6: (660, 1140)})
    'Mo-We 10:00-21:30; Su 11:00-19:00'
    """
    runs: list[tuple[int, int, tuple[int, int]]] = []
    for day in sorted(week):
        if runs and runs[-1][1] == day - 1 and runs[-1][2] == week[day]:
            runs[-1] = (runs[-1][0], day, week[day])
        else:
            runs.append((day, day, week[day]))
    return "; ".join(
        f"{WEEKDAYS[first]}{'' if first == last else '-' + WEEKDAYS[last]} {_clock(opens)}-{_clock(closes)}"
        for first, last, (opens, closes) in runs
    )


def warehouses(data_dir: Path, zips: Zips, rng: np.random.Generator, num_warehouses: int) -> list[Node]:
    """
    Real sites of large warehouses, spread over the country.

    One after the other, the site is taken that shortens the way from the nearest warehouse to the people of the 99 most
    populous cities the most. Everything but the site is drawn.
    """
    state_of_zip = dict(zip(zips.zips, zips.states, strict=True))
    # A few sites bear a ZIP of another state; their coordinates are that ZIP's.
    rows = [
        r
        for r in read_rows(data_file(data_dir, "us/amazon_fc_us_fr.csv.gz"))
        if r["country"] == "US" and r["fc_like"] == "1" and r["lat"] and state_of_zip.get(r["zip"]) == r["state"]
    ]
    if not 1 <= num_warehouses <= len(rows):
        raise InputError(f"Number of warehouses ({num_warehouses}) is not in 1..{len(rows)}.", "5 to 15 are plenty.")
    cities = [c for c in read_rows(data_file(data_dir, "us/cities_99.csv")) if c["state"] != "Puerto Rico"]
    people = np.array([float(c["population"]) for c in cities])
    lat = np.array([float(r["lat"]) for r in rows])
    lon = np.array([float(r["lon"]) for r in rows])
    way = np.stack([distances_m(lat, lon, float(c["lat"]), float(c["lon"])) for c in cities], axis=1)
    nearest = np.full(len(cities), 1e8)
    chosen: list[int] = []
    for _ in range(num_warehouses):
        total = (np.minimum(way, nearest) * people).sum(axis=1)
        total[chosen] = np.inf
        best = int(np.argmin(total))
        chosen.append(best)
        nearest = np.minimum(nearest, way[best])
    tz_of_zip = dict(zip(zips.zips, zips.tzs, strict=True))
    tz_of_state = time_zones()
    return [
        _warehouse(rows[i], tz_of_zip.get(rows[i]["zip"], tz_of_state[(rows[i]["state"], "")]), rng) for i in chosen
    ]


def distances_m(lat: np.ndarray, lon: np.ndarray, to_lat: float, to_lon: float) -> np.ndarray:
    """Haversine distances in m from points to one point, all in degrees."""
    phi, phi_to = np.radians(lat), np.radians(to_lat)
    half_lambda = np.sin(np.radians(np.asarray(lon) - to_lon) / 2.0)
    h = np.sin((phi - phi_to) / 2.0) ** 2 + np.cos(phi) * np.cos(phi_to) * half_lambda**2
    return np.asarray(2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, h))))


def _most(votes: Counter[str] | None, default: str) -> str:
    """The most frequent name; ties go to the first in the alphabet."""
    return min(votes, key=lambda name: (-votes[name], name)) if votes else default


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _dubious(store_id: str, week: Mapping[int, tuple[int, int]]) -> list[str]:
    closed = [WEEKDAYS[d] for d in range(7) if d not in week]
    out = []
    if closed:
        out.append(f"store {store_id}: no hours for {', '.join(closed)}, taken as closed")
    if any(closes - opens >= 14 * 60 or closes >= 1439 for opens, closes in week.values()):
        out.append(f"store {store_id}: suspiciously long hours ({opening_hours(week)}), kept as they are")
    return out


def _store(row: Mapping[str, str], tz: str, hours: str, rng: np.random.Generator) -> Node:
    orders = int(rng.integers(30, 121))
    hourly = bool(rng.random() < 0.2)
    return Node(
        node_id=NodeId(f"st-{row['store_id']}"),
        name=row["name"],
        kind=NodeKind.STORE,
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        postcode=row["zip"],
        country="US",
        region=row["state"],
        tz=tz,
        groups=("stores",),
        opening_hours=hours,
        offers=(Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN),
        handling_order_s=240 + 30 * int(rng.integers(0, 5)),
        handling_line_s=60,
        receiving_s=3_600,
        capacity_day_orders=orders,
        capacity_day_units=4 * orders,
        capacity_hour_orders=max(5, orders // 8) if hourly else None,
        capacity_hour_units=max(20, orders // 2) if hourly else None,
        backlog_s=300 * int(rng.integers(0, 7)),
        cost_order_cents=50,
        cost_line_cents=10,
        labour_cents_per_hour=1_800,
        packaging_cents=70,
        priority=1,
        safety_stock=1,
        rejection_ppm=1_000 * int(rng.integers(15, 61)),
        markdown_ppm_per_day=50 * int(rng.integers(1, 5)),
    )


def _warehouse(row: Mapping[str, str], tz: str, rng: np.random.Generator) -> Node:
    orders = 1_000 * int(rng.integers(4, 13))
    return Node(
        node_id=NodeId(f"wh-{row['code'].lower()}"),
        name=f"{row['city']}, {row['state']}",
        kind=NodeKind.WAREHOUSE,
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        postcode=row["zip"],
        country="US",
        region=row["state"],
        tz=tz,
        groups=("warehouses",),
        picking_hours="Mo-Su 06:00-23:00",
        offers=(Offer.SHIP, Offer.TRANSFER_OUT),
        handling_order_s=120,
        handling_line_s=20,
        capacity_day_orders=orders,
        capacity_day_units=4 * orders,
        backlog_s=1_800 * int(rng.integers(1, 7)),
        cost_order_cents=80,
        cost_line_cents=15,
        cost_unit_cents=5,
        labour_cents_per_hour=2_100,
        packaging_cents=50,
        rejection_ppm=2_000,
        markdown_ppm_per_day=20,
    )


def people_at(zips: Zips, rng: np.random.Generator, count: int) -> Sequence[int]:
    """Indices of ZIPs drawn by the proxy of population."""
    return [int(i) for i in rng.choice(len(zips.zips), size=count, p=zips.people / zips.people.sum())]

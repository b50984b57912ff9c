"""
FedEx and USPS as their guides of 2025 tell them: seven and two services at list and retail prices.

Real: prices, zones (FedEx by miles, USPS by pairs of ZIP3), dimensional divisors, surcharges, size and weight limits,
USPS's dated holiday prices, service holidays. Not in the guides and so made up: the FedEx fuel percentage (a weekly
index), the spread of transit times around the days that a service names, delivery hours, CO2e.

Kept as it is: FedEx has no 2Day A.M., 2Day or Express Saver price for zone 5 up to 49 lb; those cells stay holes.
Left out: FedEx delivery-area surcharge (its list of ZIPs is not public), additional handling by packaging (no sku says
how it is packed), FedEx zones beyond 8 (Alaska, Hawaii, Puerto Rico are zone "offshore", which has no price), USPS
exceptions by five-digit ZIP (3 % of pairs) and its prices for parcels over 108 inches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import holidays
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.adapters.imports.reading import (
    cents,
    data_file,
    divisor_cm3_per_kg,
    inches_mm,
    miles_m,
    pounds_g,
    read_rows,
)
from engine.adapters.imports.us_extras import FEDEX, fedex_surcharges, us_transits
from engine.adapters.imports.us_places import OFFSHORE, distances_m
from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.network.model import (
    Area,
    Carrier,
    CarrierHoliday,
    Node,
    Rate,
    Service,
    Surcharge,
    Transit,
    ZoneDistance,
    ZonePairs,
)

USPS = CarrierId("usps")
CARRIERS = (
    Carrier(carrier_id=FEDEX, name="FedEx", observes_holidays=False),  # its days off are fewer: carrier holidays
    Carrier(carrier_id=USPS, name="USPS", observes_holidays=False),  # federal holidays, none of the states
)
OFFSHORE_ZONE = "offshore"
FUEL_PERMILLE = 180  # made up: the real one is a weekly index
USPS_CUTS_MILES = (50, 150, 300, 600, 1000, 1400, 1800)  # zones 1 to 7 end here where no real zone is known
PEAK_FROM, PEAK_TO = date(2025, 10, 5), date(2026, 1, 18)  # of USPS
EVERYWHERE_M = 20_100_000  # more than half the Earth's girth

_FEDEX_DIM = divisor_cm3_per_kg(139)
_USPS_DIM = divisor_cm3_per_kg(166)  # Domestic Mail Manual 123.1.4
_CUBIC_FOOT_CM3 = 28_316

# Name in the tariff -> (id, delivery end, delivery weekdays, CO2e per tonne-km). Ground delivers homes on any day.
_FEDEX_SERVICES = {
    "GROUND": ("fedex_ground", "20:00", "1111111", 90),
    "EXPRESS_SAVER": ("fedex_express_saver", "20:00", "1111100", 400),
    "2DAY": ("fedex_2day", "20:00", "1111100", 550),
    "2DAY_AM": ("fedex_2day_am", "12:00", "1111100", 550),
    "STANDARD_OVERNIGHT": ("fedex_standard_overnight", "20:00", "1111100", 600),
    "PRIORITY_OVERNIGHT": ("fedex_priority_overnight", "12:00", "1111100", 600),
    "FIRST_OVERNIGHT": ("fedex_first_overnight", "09:30", "1111100", 600),
}
_USPS_SERVICES = {"GROUND_ADVANTAGE_RETAIL": "usps_ground_advantage", "PRIORITY_MAIL_RETAIL": "usps_priority"}


@dataclass(frozen=True, eq=False, kw_only=True)
class UsTariffs:
    """The carriers' tables."""

    services: tuple[Service, ...]
    zone_ids: tuple[ZoneId, ...]
    zone_pairs: tuple[ZonePairs, ...]
    zone_distances: tuple[ZoneDistance, ...]
    rates: tuple[Rate, ...]
    surcharges: tuple[Surcharge, ...]
    transits: tuple[Transit, ...]


def us_tariffs(data_dir: Path, nodes: Sequence[Node], areas: Sequence[Area]) -> UsTariffs:
    """All tables; zone pairs for the nodes' ZIP3 as origins and the areas' ZIP3 as destinations only."""
    zone_ids = tuple(sorted([ZoneId(str(z)) for z in range(1, 10)] + [ZoneId(OFFSHORE_ZONE)]))
    return UsTariffs(
        services=_services(),
        zone_ids=zone_ids,
        zone_pairs=(_usps_pairs(data_dir, nodes, areas, zone_ids), _fedex_pairs(nodes, areas, zone_ids)),
        zone_distances=_fedex_distances(data_dir),
        rates=(*_fedex_rates(data_dir), *_usps_rates(data_dir)),
        surcharges=fedex_surcharges(data_dir),
        transits=us_transits(),
    )


def carrier_holidays(years: Sequence[int]) -> tuple[CarrierHoliday, ...]:
    """FedEx: the six days of its guide. USPS: federal holidays."""
    named = (
        "New Year's Day",
        "Memorial Day",
        "Independence Day",
        "Labor Day",
        "Thanksgiving Day",
        "Christmas Day",
    )
    days = sorted(holidays.country_holidays("US", years=list(years)).items())
    fedex = [CarrierHoliday(carrier_id=FEDEX, day=day, country="US") for day, name in days if name in named]
    usps = [CarrierHoliday(carrier_id=USPS, day=day, country="US") for day, _ in days]
    return (*fedex, *usps)


def _services() -> tuple[Service, ...]:
    fedex = [
        Service(
            service_id=ServiceId(service_id),
            carrier_id=FEDEX,
            name=f"FedEx {name.replace('_', ' ').title()}",
            zone_map="fedex",
            weight_max_g=pounds_g(150),
            longest_max_mm=inches_mm(108),
            length_girth_max_mm=inches_mm(165),
            dim_cm3_per_kg=_FEDEX_DIM,
            fuel_permille=FUEL_PERMILLE,
            transit_weekdays="1111100",
            delivery_weekdays=weekdays,
            delivery_end=end,
            hazardous=name == "GROUND",
            co2e_g_per_parcel=250,
            co2e_g_per_tonne_km=co2e,
        )
        for name, (service_id, end, weekdays, co2e) in _FEDEX_SERVICES.items()
    ]
    usps = [
        Service(
            service_id=ServiceId(service_id),
            carrier_id=USPS,
            name=f"USPS {name.removesuffix('_RETAIL').replace('_', ' ').title()}",
            zone_map="usps",
            weight_max_g=pounds_g(70),
            length_girth_max_mm=inches_mm(108),
            dim_cm3_per_kg=_USPS_DIM,
            dim_min_cm3=_CUBIC_FOOT_CM3,
            transit_weekdays="1111110",
            delivery_weekdays="1111110",
            delivery_end="18:00",
            hazardous=name.startswith("GROUND"),
            oversize=False,
            co2e_g_per_parcel=200,
            co2e_g_per_tonne_km=110 if name.startswith("GROUND") else 350,
        )
        for name, service_id in _USPS_SERVICES.items()
    ]
    return (*fedex, *usps)


def _fedex_distances(data_dir: Path) -> tuple[ZoneDistance, ...]:
    """A zone ends with its last mile; the last zone has no end."""
    rows = read_rows(data_file(data_dir, "us/fedex_zone_miles.csv"))
    return tuple(
        ZoneDistance(
            zone_map="fedex",
            distance_max_m=miles_m(row["max_miles"]) if row["max_miles"] else EVERYWHERE_M,
            zone=ZoneId(row["zone"]),
        )
        for row in rows
    )


def _fedex_pairs(nodes: Sequence[Node], areas: Sequence[Area], zone_ids: tuple[ZoneId, ...]) -> ZonePairs:
    """Miles only count within the contiguous states; to, from and among the others it is zone "offshore"."""
    shore_of = {area.prefix[:3]: area.region in OFFSHORE for area in areas}
    origins = sorted({node.postcode[:3] for node in nodes})
    away = {node.postcode[:3] for node in nodes if node.region in OFFSHORE}
    shore_of |= dict.fromkeys(away, True)
    dests = sorted(shore_of)
    grid = np.full((len(origins), len(dests)), -1, dtype=np.int16)
    offshore = zone_ids.index(ZoneId(OFFSHORE_ZONE))
    grid[[o in away for o in origins], :] = offshore
    grid[:, [shore_of[d] for d in dests]] = offshore
    return ZonePairs(zone_map="fedex", prefix_length=3, origin=tuple(origins), dest=tuple(dests), zone=grid)


def _usps_pairs(
    data_dir: Path, nodes: Sequence[Node], areas: Sequence[Area], zone_ids: tuple[ZoneId, ...]
) -> ZonePairs:
    """Observed zones where there are any, else by distance between the ZIP3 centroids."""
    centre = {area.prefix: (area.lat, area.lon) for area in areas if len(area.prefix) == 3}
    origins = sorted({node.postcode[:3] for node in nodes})
    dests = sorted(centre.keys() | {node.postcode[:3] for node in nodes})
    lat = np.array([centre.get(d, (np.nan, np.nan))[0] for d in dests])
    lon = np.array([centre.get(d, (np.nan, np.nan))[1] for d in dests])
    code = {int(zone): i for i, zone in enumerate(zone_ids) if zone != OFFSHORE_ZONE}
    by_cut = np.array([code[z] for z in range(1, len(USPS_CUTS_MILES) + 2)], dtype=np.int16)
    cuts_m = [miles_m(c) for c in USPS_CUTS_MILES]
    grid = np.full((len(origins), len(dests)), -1, dtype=np.int16)
    for i, origin in enumerate(origins):
        if origin in centre:
            way = distances_m(lat, lon, *centre[origin])
            known = ~np.isnan(way)
            grid[i, known] = by_cut[np.searchsorted(cuts_m, way[known])]
    observed = pq.read_table(
        data_file(data_dir, "us/usps_zone3_observed.parquet"), columns=["origin3", "dest3", "zone"]
    )
    observed = observed.filter(pc.is_in(observed["origin3"], value_set=pa.array(origins, pa.large_string())))
    row = {origin: i for i, origin in enumerate(origins)}
    column = {dest: j for j, dest in enumerate(dests)}
    for origin, dest, zone in zip(*(observed[n].to_pylist() for n in ("origin3", "dest3", "zone")), strict=True):
        j = column.get(dest)
        if j is not None:
            grid[row[origin], j] = code[zone]
    return ZonePairs(zone_map="usps", prefix_length=3, origin=tuple(origins), dest=tuple(dests), zone=grid)


def _fedex_rates(data_dir: Path) -> list[Rate]:
    return [
        Rate(
            service_id=ServiceId(_FEDEX_SERVICES[row["service"]][0]),
            zone=ZoneId(row["zone"]),
            weight_max_g=pounds_g(row["weight_lb"]),
            price_cents=cents(row["usd"]),
        )
        for row in read_rows(data_file(data_dir, "us/fedex_list_rates_2025_us.csv"))
    ]


def _usps_rates(data_dir: Path) -> list[Rate]:
    """Each cell three times: before, during and after the holiday prices."""
    before, after = PEAK_FROM - timedelta(days=1), PEAK_TO + timedelta(days=1)
    seasons = (
        (date.min, before, "usd_base"),
        (PEAK_FROM, PEAK_TO, "usd_peak"),
        (after, date.max, "usd_base"),
    )
    return [
        Rate(
            service_id=ServiceId(_USPS_SERVICES[row["service"]]),
            zone=ZoneId(row["zone"]),
            weight_max_g=pounds_g(row["max_weight_lb"]),
            price_cents=cents(row[column]),
            valid_from=valid_from,
            valid_to=valid_to,
        )
        for row in read_rows(data_file(data_dir, "us/usps_retail_rates_2025.csv"))
        for valid_from, valid_to, column in seasons
    ]

"""Four made-up carriers of the demo: by road, by express, to pickup points and by bicycle. Money in cents of a euro."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.network.model import (
    Applies,
    Carrier,
    Collection,
    Node,
    NodeKind,
    Offer,
    Rate,
    Service,
    ServiceKind,
    Surcharge,
    Transit,
    ZoneDistance,
    ZonePairs,
    ZoneRegion,
)

CORSICA = "20"  # prefix of its postcodes
PEAK_FROM, PEAK_TO = date(2026, 11, 16), date(2026, 12, 31)

POSTE, RAPIDE, RELAIS, VELO = (CarrierId(i) for i in ("poste", "rapide", "relais", "velo"))
ECONOMY, EXPRESS, RELAY, COURIER = (ServiceId(i) for i in ("economy", "express", "relay", "courier"))

CARRIERS = (
    Carrier(carrier_id=POSTE, name="Poste"),
    Carrier(carrier_id=RAPIDE, name="Rapide"),
    Carrier(carrier_id=RELAIS, name="Relais"),
    Carrier(carrier_id=VELO, name="Vélo", observes_holidays=False),
)

SERVICES = (
    Service(
        service_id=ECONOMY,
        carrier_id=POSTE,
        name="Economy parcel",
        zone_map="road",
        weight_max_g=30_000,
        longest_max_mm=1_500,
        length_girth_max_mm=3_600,
        dim_cm3_per_kg=6_000,
        dim_min_cm3=10_000,
        fuel_permille=90,
        delivery_weekdays="1111110",
        delivery_end="18:00",
        co2e_g_per_parcel=180,
        co2e_g_per_tonne_km=85,
    ),
    Service(
        service_id=EXPRESS,
        carrier_id=RAPIDE,
        name="Express, next day by 13:00",
        zone_map="country",
        weight_max_g=30_000,
        longest_max_mm=1_200,
        length_girth_max_mm=3_000,
        dim_cm3_per_kg=5_000,
        fuel_permille=160,
        transit_weekdays="1111110",
        delivery_weekdays="1111110",
        delivery_end="13:00",
        hazardous=False,
        co2e_g_per_parcel=260,
        co2e_g_per_tonne_km=310,
    ),
    Service(
        service_id=RELAY,
        carrier_id=RELAIS,
        name="To a pickup point",
        kind=ServiceKind.PICKUP_POINT,
        zone_map="country",
        weight_max_g=20_000,
        longest_max_mm=1_000,
        length_girth_max_mm=2_500,
        parcels_max=3,
        fuel_permille=60,
        transit_weekdays="1111110",
        delivery_weekdays="1111110",
        delivery_end="12:00",
        hazardous=False,
        oversize=False,
        co2e_g_per_parcel=60,
        co2e_g_per_tonne_km=80,
    ),
    Service(
        service_id=COURIER,
        carrier_id=VELO,
        name="Same day by bicycle",
        kind=ServiceKind.COURIER,
        zone_map="ride",
        weight_max_g=8_000,
        longest_max_mm=600,
        volume_max_cm3=60_000,
        parcels_max=1,
        delivery_weekdays="1111111",
        delivery_start="10:00",
        delivery_end="21:00",
        transit_unit="minute",
        collect_every_min=30,
        hazardous=False,
        oversize=False,
        co2e_g_per_parcel=25,
    ),
)


def _distance(zone_map: str, distance_max_m: int, zone: str) -> ZoneDistance:
    return ZoneDistance(zone_map=zone_map, distance_max_m=distance_max_m, zone=ZoneId(zone))


def _region(origin: str, dest: str, zone: str) -> ZoneRegion:
    return ZoneRegion(
        zone_map="country",
        origin_country="FR",
        origin_region=origin,
        dest_country="FR",
        dest_region=dest,
        zone=ZoneId(zone),
    )


ZONE_DISTANCES = (
    _distance("road", 150_000, "a"),
    _distance("road", 450_000, "b"),
    _distance("road", 2_000_000, "c"),
    _distance("ride", 4_000, "near"),
    _distance("ride", 10_000, "town"),
)
ZONE_REGIONS = (
    _region("20R", "20R", "france"),  # within Corsica no sea is crossed
    _region("20R", "", "corsica"),
    _region("", "20R", "corsica"),
    _region("", "", "france"),
)


def _transit(
    service: ServiceId, zone: str, days: tuple[int, int, int], typical: int = 700, latest: int = 970
) -> Transit:
    return Transit(
        service_id=service,
        zone=ZoneId(zone),
        earliest=days[0],
        typical=days[1],
        latest=days[2],
        typical_permille=typical,
        latest_permille=latest,
    )


TRANSITS = (
    _transit(ECONOMY, "a", (1, 2, 3)),
    _transit(ECONOMY, "b", (1, 2, 4)),
    _transit(ECONOMY, "c", (2, 3, 5)),
    _transit(ECONOMY, "corsica", (3, 4, 7)),
    _transit(EXPRESS, "france", (1, 1, 2), 940, 992),
    _transit(EXPRESS, "corsica", (1, 2, 3), 900, 980),
    _transit(RELAY, "france", (2, 3, 5)),
    _transit(RELAY, "corsica", (4, 5, 8)),
    _transit(COURIER, "near", (20, 35, 60), 800, 980),
    _transit(COURIER, "town", (30, 60, 100), 800, 980),
)

# Price up to so many grams; peak season adds what PEAK_CENTS says.
_GRAMS = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000)
_PRICES: dict[tuple[ServiceId, str], tuple[int, ...]] = {
    (ECONOMY, "a"): (490, 560, 640, 890, 1_290, 1_890, 2_590),
    (ECONOMY, "b"): (540, 620, 720, 990, 1_450, 2_140, 2_950),
    (ECONOMY, "c"): (590, 680, 800, 1_120, 1_660, 2_470, 3_420),
    (ECONOMY, "corsica"): (690, 850, 1_090, 1_690, 2_690, 4_190, 5_890),
    (EXPRESS, "france"): (890, 980, 1_140, 1_590, 2_290, 3_390),
    (EXPRESS, "corsica"): (1_490, 1_690, 1_990, 2_890, 4_390, 6_890),
    (RELAY, "france"): (390, 440, 510, 690, 990, 1_490),
    (RELAY, "corsica"): (490, 560, 690, 990, 1_490, 2_290),
    (COURIER, "near"): (790, 790, 850, 990, 1_290),
    (COURIER, "town"): (990, 990, 1_090, 1_290, 1_690),
}
_PEAK_CENTS = {ECONOMY: 60, EXPRESS: 90, RELAY: 40, COURIER: 0}
_BEYOND_CENTS = {EXPRESS: 110}  # per kg above the last band

SURCHARGES = (
    Surcharge(carrier_id=POSTE, code="remote area", applies=Applies.REMOTE, amount_cents=250, fuel_applies=True),
    Surcharge(
        carrier_id=POSTE,
        code="long parcel",
        applies=Applies.LONGEST_OVER,
        threshold=1_000,
        amount_cents=400,
        exclusive_group="handling",
    ),
    Surcharge(
        carrier_id=POSTE,
        code="oversize",
        applies=Applies.OVERSIZE,
        amount_cents=900,
        exclusive_group="handling",
        charged_weight_min_g=15_000,
    ),
    Surcharge(carrier_id=POSTE, code="hazardous goods", applies=Applies.HAZARDOUS, amount_cents=350),
    Surcharge(carrier_id=POSTE, code="signature", applies=Applies.SIGNATURE, amount_cents=120),
    Surcharge(carrier_id=RAPIDE, code="residential", applies=Applies.RESIDENTIAL, amount_cents=90, fuel_applies=True),
    Surcharge(carrier_id=RAPIDE, code="remote area", applies=Applies.REMOTE, amount_cents=590, fuel_applies=True),
    Surcharge(carrier_id=RAPIDE, code="over 20 kg", applies=Applies.WEIGHT_OVER, threshold=20_000, amount_cents=700),
    Surcharge(
        carrier_id=RAPIDE,
        code="peak, large parcels",
        applies=Applies.LENGTH_GIRTH_OVER,
        threshold=2_500,
        permille_of_base=250,
        valid_from=PEAK_FROM,
        valid_to=PEAK_TO,
    ),
    Surcharge(carrier_id=VELO, code="signature", applies=Applies.SIGNATURE, amount_cents=0, permille_of_base=50),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Tariffs:
    """What depends on the nodes and areas of the network."""

    zone_ids: tuple[ZoneId, ...]
    zone_pairs: tuple[ZonePairs, ...]
    rates: tuple[Rate, ...]
    collections: tuple[Collection, ...]


def tariffs(nodes: Sequence[Node], prefixes: Sequence[str]) -> Tariffs:
    """
    Put the carriers to work.

    Parameters
    ----------
    nodes
        Those that ship get collections.
    prefixes
        The first two digits of every postcode: from and to Corsica the road zone is its own, whatever the distance.
    """
    zones = tuple(sorted({row.zone for row in ZONE_DISTANCES} | {row.zone for row in ZONE_REGIONS}))
    corsica = zones.index(ZoneId("corsica"))
    origins = sorted({node.postcode[:2] for node in nodes if Offer.SHIP in node.offers})
    grid = np.full((len(origins), len(prefixes)), -1, dtype=np.int16)
    for i, origin in enumerate(origins):
        for j, dest in enumerate(prefixes):
            if (origin == CORSICA) != (dest == CORSICA):
                grid[i, j] = corsica
    pairs = ZonePairs(zone_map="road", prefix_length=2, origin=tuple(origins), dest=tuple(prefixes), zone=grid)
    return Tariffs(zone_ids=zones, zone_pairs=(pairs,), rates=_rates(), collections=_collections(nodes))


def _rates() -> tuple[Rate, ...]:
    seasons = (
        (date.min, date.fromordinal(PEAK_FROM.toordinal() - 1), False),
        (PEAK_FROM, PEAK_TO, True),
        (date.fromordinal(PEAK_TO.toordinal() + 1), date.max, False),
    )
    rows = []
    for (service, zone), prices in _PRICES.items():
        peak = _PEAK_CENTS[service]
        for valid_from, valid_to, dear in seasons if peak else ((date.min, date.max, False),):
            for k, price in enumerate(prices):
                rows.append(
                    Rate(
                        service_id=service,
                        zone=ZoneId(zone),
                        weight_max_g=8_000 if service == COURIER and k == len(prices) - 1 else _GRAMS[k],
                        price_cents=price + (peak if dear else 0),
                        valid_from=valid_from,
                        valid_to=valid_to,
                        per_kg_beyond_cents=_BEYOND_CENTS.get(service, 0) if k == len(prices) - 1 else 0,
                    )
                )
    return tuple(rows)


def _collections(nodes: Sequence[Node]) -> tuple[Collection, ...]:
    """Warehouses hand over in the evening, stores in the afternoon, the vendor by road only."""
    rows: list[Collection] = []

    def add(node: Node, service: ServiceId, weekdays: str, cutoff: str, collect: str) -> None:
        rows.append(
            Collection(node_id=node.node_id, service_id=service, weekdays=weekdays, cutoff=cutoff, collect=collect)
        )

    for node in nodes:
        if node.kind == NodeKind.WAREHOUSE:
            add(node, ECONOMY, "1111110", "17:00", "19:00")
            add(node, EXPRESS, "1111100", "18:30", "20:30")
            add(node, RELAY, "1111110", "16:30", "18:30")
        elif node.kind == NodeKind.STORE:
            add(node, ECONOMY, "1111100", "14:30", "17:00")
            add(node, ECONOMY, "0000010", "10:30", "12:30")
            if node.capacity_day_orders is not None and node.capacity_day_orders >= 40:
                add(node, EXPRESS, "1111100", "14:00", "16:30")
                add(node, RELAY, "1111100", "14:00", "16:45")
        elif node.kind == NodeKind.VENDOR:
            add(node, ECONOMY, "1111100", "11:00", "16:00")
    return tuple(rows)

"""
Colissimo and Chronopost.

Real: Colissimo's public counter prices of 2023 with VAT (home: 9 bands to 30 kg, pickup point: 6 bands to 5 kg), taken
as valid at any date because the later ones are public in parts only; Chronopost's surcharges for Corsica. Made up:
Chronopost's base prices and fuel, transit times, CO2e. Colissimo limits length + width + height to 1.50 m, which is
told here as the nearest limit on length + girth.
"""

import json
from pathlib import Path

from engine.adapters.imports.reading import cents, data_file, read_rows
from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.network.model import (
    Applies,
    Carrier,
    Rate,
    Service,
    ServiceKind,
    Surcharge,
    Transit,
    ZoneRegion,
)

LA_POSTE, CHRONOPOST = CarrierId("laposte"), CarrierId("chronopost")
HOME, POINT = ServiceId("colissimo_home"), ServiceId("colissimo_point")
CHRONO_13, CHRONO_18 = ServiceId("chrono13"), ServiceId("chrono18")
MAINLAND, SEA = ZoneId("mainland"), ZoneId("sea")
ZONE_IDS = (MAINLAND, SEA)
YEAR = "2023"

CARRIERS = (
    Carrier(carrier_id=LA_POSTE, name="La Poste Colissimo"),
    Carrier(carrier_id=CHRONOPOST, name="Chronopost"),
)
_TARIFF = {HOME: "home_metropolitan_retail_TTC", POINT: "pickup_point_retail_TTC"}
# Made up: up to so many grams, cents by 13:00 and by 18:00 of the next day.
_CHRONO = ((1_000, 1_450, 1_250), (2_000, 1_600, 1_380), (5_000, 2_050, 1_780), (10_000, 2_900, 2_500))
_CHRONO_BEYOND = ((CHRONO_13, 150), (CHRONO_18, 130))  # per kg above the last band


def services() -> tuple[Service, ...]:
    """Two of Colissimo, two of Chronopost."""
    return (
        Service(
            service_id=HOME,
            carrier_id=LA_POSTE,
            name="Colissimo, home",
            zone_map="fr",
            weight_max_g=30_000,
            longest_max_mm=1_000,
            length_girth_max_mm=2_500,
            transit_weekdays="1111110",
            delivery_weekdays="1111110",
            delivery_end="18:00",
            hazardous=False,
            oversize=False,
            co2e_g_per_parcel=180,
            co2e_g_per_tonne_km=85,
        ),
        Service(
            service_id=POINT,
            carrier_id=LA_POSTE,
            name="Colissimo, pickup point",
            kind=ServiceKind.PICKUP_POINT,
            zone_map="fr",
            weight_max_g=5_000,
            longest_max_mm=1_000,
            length_girth_max_mm=2_500,
            parcels_max=4,
            transit_weekdays="1111110",
            delivery_weekdays="1111110",
            delivery_end="13:00",
            hazardous=False,
            oversize=False,
            co2e_g_per_parcel=80,
            co2e_g_per_tonne_km=85,
        ),
        *(
            Service(
                service_id=service_id,
                carrier_id=CHRONOPOST,
                name=name,
                zone_map="fr",
                weight_max_g=30_000,
                longest_max_mm=1_500,
                length_girth_max_mm=3_000,
                dim_cm3_per_kg=5_000,
                fuel_permille=150,
                transit_weekdays="1111110",
                delivery_weekdays="1111110",
                delivery_end=end,
                hazardous=False,
                co2e_g_per_parcel=260,
                co2e_g_per_tonne_km=310,
            )
            for service_id, name, end in ((CHRONO_13, "Chrono 13", "13:00"), (CHRONO_18, "Chrono 18", "18:00"))
        ),
    )


def zone_regions() -> tuple[ZoneRegion, ...]:
    """The mainland, and what crosses the sea to or from Corsica."""
    return tuple(
        ZoneRegion(
            zone_map="fr",
            origin_country="FR",
            origin_region=origin,
            dest_country="FR",
            dest_region=dest,
            zone=zone,
        )
        for origin, dest, zone in (("20R", "20R", MAINLAND), ("20R", "", SEA), ("", "20R", SEA), ("", "", MAINLAND))
    )


def rates(data_dir: Path) -> tuple[Rate, ...]:
    """Colissimo costs the same to Corsica; Chronopost has a surcharge."""
    rows = [r for r in read_rows(data_file(data_dir, "fr/fr_parcel_tariffs.csv")) if r["year"] == YEAR]
    colissimo = [
        Rate(
            service_id=service_id,
            zone=zone,
            weight_max_g=int(float(row["max_kg"]) * 1000),
            price_cents=cents(row["eur"]),
        )
        for service_id, name in _TARIFF.items()
        for zone in ZONE_IDS
        for row in rows
        if row["carrier"] == "Colissimo" and row["service"] == name
    ]
    chrono = [
        Rate(
            service_id=service_id,
            zone=zone,
            weight_max_g=band[0],
            price_cents=band[k],
            per_kg_beyond_cents=beyond if band is _CHRONO[-1] else 0,
        )
        for k, (service_id, beyond) in enumerate(_CHRONO_BEYOND, start=1)
        for zone in ZONE_IDS
        for band in _CHRONO
    ]
    return (*colissimo, *chrono)


def surcharges(data_dir: Path) -> tuple[Surcharge, ...]:
    """Chronopost's for Corsica; its areas are the remote ones."""
    euros = json.loads(data_file(data_dir, "fr/fr_chronopost_surcharges.json").read_text(encoding="utf-8"))["eur"]
    corsica = [
        Surcharge(
            carrier_id=CHRONOPOST,
            code="Corsica",
            service_id=service_id,
            applies=Applies.REMOTE,
            amount_cents=cents(euros[name]),
        )
        for service_id, name in ((CHRONO_13, "corsica_chrono13"), (CHRONO_18, "corsica_chrono18"))
    ]
    large = Surcharge(
        carrier_id=CHRONOPOST,
        code="non-standard parcel",
        applies=Applies.OVERSIZE,
        amount_cents=cents(euros["non_standard_parcel"]),
    )
    return (*corsica, large)


def transits() -> tuple[Transit, ...]:
    """Made up around what the services name: two working days, or the next."""
    days = (
        (HOME, MAINLAND, (2, 2, 4), 800, 970),
        (HOME, SEA, (2, 4, 6), 800, 970),
        (POINT, MAINLAND, (2, 3, 4), 800, 970),
        (POINT, SEA, (3, 5, 7), 800, 970),
        (CHRONO_13, MAINLAND, (1, 1, 2), 950, 990),
        (CHRONO_13, SEA, (1, 2, 3), 930, 985),
        (CHRONO_18, MAINLAND, (1, 1, 2), 950, 990),
        (CHRONO_18, SEA, (1, 2, 3), 930, 985),
    )
    return tuple(
        Transit(
            service_id=service_id,
            zone=zone,
            earliest=span[0],
            typical=span[1],
            latest=span[2],
            typical_permille=typical,
            latest_permille=latest,
        )
        for service_id, zone, span, typical, latest in days
    )

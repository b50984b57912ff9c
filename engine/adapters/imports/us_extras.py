"""FedEx surcharges from its guide, and the transit times of all US services."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.adapters.imports.reading import cents, data_file, inches_mm, pounds_g
from engine.domain.errors import InputError
from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.network.model import Applies, Surcharge, Transit

FEDEX = CarrierId("fedex")
GROUND = ServiceId("fedex_ground")
HANDLING = "handling"  # of additional handling and oversize only the dearest is charged
LAST_ZONE = 8
# Made up: the data has no price for a signature on delivery.
SIGNATURE_CENTS = 690

# Earliest, typical, latest by zone. FedEx Ground: "1-5 business days by distance"; the days of each zone are made up.
_GROUND = {2: (1, 1, 2), 3: (1, 2, 3), 4: (2, 2, 3), 5: (2, 3, 4), 6: (3, 4, 5), 7: (4, 4, 6), 8: (4, 5, 6)}
# USPS: Ground Advantage names 2 to 5 days, Priority Mail 1 to 3; the days of each zone, and of zone 9, are made up.
_ADVANTAGE = {
    1: (2, 2, 3),
    2: (2, 2, 3),
    3: (2, 2, 4),
    4: (2, 3, 4),
    5: (3, 4, 5),
    6: (3, 4, 5),
    7: (4, 5, 6),
    8: (4, 5, 7),
    9: (5, 7, 10),
}
_PRIORITY = {
    1: (1, 1, 2),
    2: (1, 1, 2),
    3: (1, 2, 3),
    4: (1, 2, 3),
    5: (2, 2, 3),
    6: (2, 3, 4),
    7: (2, 3, 4),
    8: (2, 3, 4),
    9: (3, 4, 6),
}


def fedex_surcharges(data_dir: Path) -> tuple[Surcharge, ...]:
    """
    Residential, additional handling by size and by weight, oversize: per zone, with their least billable weight.

    Thresholds in whole mm and g: longer than 48 in (1,219.2 mm) is 1,220 mm or more, so over 1,219.
    """
    guide = json.loads(data_file(data_dir, "us/fedex_surcharges_2025.json").read_text(encoding="utf-8"))
    residential = guide["residential"]
    rows = [
        Surcharge(
            carrier_id=FEDEX,
            code="residential",
            service_id=ServiceId(service_id),
            applies=Applies.RESIDENTIAL,
            amount_cents=cents(residential["GROUND_HOME_DELIVERY" if service_id == GROUND else "EXPRESS_PACKAGE"]),
            fuel_applies=True,
        )
        for service_id in fedex_ids()
    ]
    rows.append(Surcharge(carrier_id=FEDEX, code="signature", applies=Applies.SIGNATURE, amount_cents=SIGNATURE_CENTS))
    handling = guide["additional_handling"]
    for applies, inches in ((Applies.LONGEST_OVER, 48), (Applies.SECOND_OVER, 30), (Applies.LENGTH_GIRTH_OVER, 105)):
        rows += _by_zone(handling["dimension"], "additional handling, size", applies, inches_mm(inches), pounds_g(40))
    rows += _by_zone(handling["weight"], "additional handling, weight", Applies.WEIGHT_OVER, pounds_g(50), 0)
    for applies, inches in ((Applies.LONGEST_OVER, 96), (Applies.LENGTH_GIRTH_OVER, 130)):
        rows += _by_zone(guide["oversize"], "oversize", applies, inches_mm(inches), pounds_g(90))
    return tuple(rows)


def fedex_ids() -> tuple[str, ...]:
    """Ids of the FedEx services, slowest first."""
    return (
        "fedex_ground",
        "fedex_express_saver",
        "fedex_2day",
        "fedex_2day_am",
        "fedex_standard_overnight",
        "fedex_priority_overnight",
        "fedex_first_overnight",
    )


def us_transits() -> tuple[Transit, ...]:
    """
    Days by service and zone.

    Services that name a day keep it with 96 in 100 parcels and need a day more for 3 of the others (made up).
    """
    rows = [_transit("fedex_ground", z, days) for z, days in _GROUND.items()]
    rows += [_transit("usps_ground_advantage", z, days) for z, days in _ADVANTAGE.items()]
    rows += [_transit("usps_priority", z, days) for z, days in _PRIORITY.items()]
    for service_id in fedex_ids()[1:]:
        named = 3 if "saver" in service_id else 2 if "2day" in service_id else 1
        rows += [
            Transit(
                service_id=ServiceId(service_id),
                zone=ZoneId(str(z)),
                earliest=named,
                typical=named,
                latest=named + 1,
                typical_permille=960,
                latest_permille=990,
            )
            for z in range(2, LAST_ZONE + 1)
        ]
    return tuple(rows)


def _transit(service_id: str, zone: int, days: tuple[int, int, int]) -> Transit:
    earliest, typical, latest = days
    return Transit(
        service_id=ServiceId(service_id), zone=ZoneId(str(zone)), earliest=earliest, typical=typical, latest=latest
    )


def _by_zone(
    amounts: Mapping[str, Any], code: str, applies: Applies, threshold: int, charged_weight_min_g: int
) -> list[Surcharge]:
    """Rows for zones written as "2", "3-4" or "7+"; "trigger" is prose."""
    rows = []
    for zones, dollars in amounts.items():
        if zones == "trigger":
            continue
        first, _, last = zones.replace("+", f"-{LAST_ZONE}").partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise InputError(f"Zones ({zones}) of surcharge ({code}) cannot be read.", 'they look like "3-4" or "7+".')
        rows += [
            Surcharge(
                carrier_id=FEDEX,
                code=code,
                applies=applies,
                threshold=threshold,
                zone=ZoneId(str(zone)),
                amount_cents=cents(dollars),
                fuel_applies=True,
                exclusive_group=HANDLING,
                charged_weight_min_g=charged_weight_min_g,
            )
            for zone in range(int(first), int(last or first) + 1)
        ]
    return rows

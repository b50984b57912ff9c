"""Carriers of random networks: services, zones, tariffs with all kinds of surcharges, collections, lanes."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.network.model import (
    Applies,
    Carrier,
    CarrierHoliday,
    Collection,
    HoursException,
    Lane,
    Node,
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
from tests.dice import Dice

ZONES = tuple(ZoneId(z) for z in ("z1", "z2", "z3"))


def random_carriage(dice: Dice, nodes: tuple[Node, ...], today: date) -> Mapping[str, Any]:
    parcel, courier, point = ServiceKind.PARCEL, ServiceKind.COURIER, ServiceKind.PICKUP_POINT
    kinds = (parcel, *dice.some((parcel, courier, point, parcel), 60))
    services = tuple(_service(dice, i, kind) for i, kind in enumerate(kinds))
    carriers = tuple(Carrier(carrier_id=CarrierId(f"c{i}"), observes_holidays=dice.chance(60)) for i in range(2))
    return {
        "carriers": carriers,
        "services": services,
        "zone_ids": ZONES,
        **_zones(dice, nodes),
        "rates": tuple(rate for service in services for rate in _rates(dice, service, today)),
        "surcharges": tuple(_surcharge(dice, services, i, today) for i in range(8) if dice.chance(70, "surcharges")),
        "transits": tuple(
            _transit(dice, service, zone) for service in services for zone in ZONES if not dice.chance(4, "holes")
        ),
        "collections": tuple(
            Collection(
                node_id=node.node_id,
                service_id=service.service_id,
                weekdays=dice.pick(("1111100", "1111110", "1111111", "1010100")),
                cutoff=dice.pick(("10:00", "15:00", "17:30:00")),
                collect=dice.pick(("17:30", "18:00", "20:00")),
            )
            for node in nodes
            for service in services
            if Offer.SHIP in node.offers and (service.kind != courier or service.collect_every_min == 0)
            for _ in range(dice.pick((0, 1, 1, 1, 1, 2)))
        ),
        "lanes": tuple(
            Lane(
                origin=a.node_id,
                target=b.node_id,
                weekdays=dice.pick(("1111100", "1111111")),
                cutoff="12:00",
                depart=dice.pick(("12:00", "20:00")),
                transit_days=dice.below(3),
                arrive=dice.pick(("07:30", "14:00")),
                cost_order_cents=dice.between(0, 200),
                cost_unit_cents=dice.between(0, 40),
                co2e_g_per_tonne_km=dice.pick((0, 90)),
            )
            for a in nodes
            for b in nodes
            if a is not b and Offer.TRANSFER_OUT in a.offers and Offer.TRANSFER_IN in b.offers and dice.chance(70)
        ),
        "hours_exceptions": tuple(
            HoursException(
                node_id=node.node_id,
                day=today + timedelta(days=dice.below(4)),
                hours=dice.pick(("off", "10:00-16:00")),
                applies_to=dice.pick(("both", "opening", "picking")),
            )
            for node in nodes
            if dice.chance(15, "exceptions")
        ),
        "carrier_holidays": tuple(
            CarrierHoliday(
                carrier_id=carrier.carrier_id,
                day=today + timedelta(days=dice.below(5)),
                country=dice.pick(("", "FR")),
                runs=dice.chance(30),
            )
            for carrier in carriers
            if dice.chance(40, "exceptions")
        ),
    }


def _service(dice: Dice, i: int, kind: ServiceKind) -> Service:
    minutes = kind == ServiceKind.COURIER
    return Service(
        service_id=ServiceId(f"s{i}"),
        carrier_id=CarrierId(f"c{dice.below(2)}"),
        kind=kind,
        zone_map=dice.pick(("prefix", "distance", "region")),
        weight_max_g=dice.pick((5_000, 8_000, 15_000, 30_000)),
        longest_max_mm=dice.pick((0, 0, 500)) if "dims" in dice.features else 0,
        length_girth_max_mm=dice.pick((0, 0, 1400)) if "dims" in dice.features else 0,
        volume_max_cm3=dice.pick((0, 20_000, 50_000)) if "dims" in dice.features else 0,
        parcels_max=dice.pick((1, 2, 4, 10)),
        dim_cm3_per_kg=dice.pick((0, 3000, 5000)) if "dims" in dice.features else 0,
        dim_min_cm3=dice.pick((0, 0, 9000)),
        fuel_permille=dice.pick((0, 75, 183)),
        transit_weekdays=dice.pick(("1111100", "1111110")),
        delivery_weekdays=dice.pick(("1111100", "1111110", "1111111")),
        delivery_start="08:00",
        delivery_end=dice.pick(("18:00", "20:00")),
        transit_unit="minute" if minutes else "day",
        collect_every_min=dice.pick((30, 45, 0)) if minutes else 0,
        hazardous=dice.chance(70),
        oversize=dice.chance(70),
        co2e_g_per_parcel=dice.pick((0, 150, 420)),
        co2e_g_per_tonne_km=dice.pick((0, 80, 200)),
    )


def _zones(dice: Dice, nodes: tuple[Node, ...]) -> Mapping[str, Any]:
    origins = tuple(sorted({node.postcode[:2] for node in nodes}))
    dests = ("69", "75", "78", "93")
    low = -1 if "holes" in dice.features else 0
    pairs = dice.rng.integers(low, len(ZONES), (len(origins), len(dests))).astype(np.int16)
    return {
        "zone_pairs": (ZonePairs(zone_map="prefix", prefix_length=2, origin=origins, dest=dests, zone=pairs),),
        "zone_distances": (
            *(
                ZoneDistance(zone_map="distance", distance_max_m=limit, zone=zone)
                for limit, zone in zip((10_000, 60_000, 1_000_000), ZONES, strict=True)
            ),
            ZoneDistance(zone_map="prefix", distance_max_m=400_000, zone=dice.pick(ZONES)),
        ),
        "zone_regions": tuple(
            ZoneRegion(
                zone_map="region",
                origin_country=origin,
                origin_region=region,
                dest_country=dest,
                dest_region="",
                zone=dice.pick(ZONES),
            )
            for origin, region in (("FR", "IDF"), ("FR", ""), ("GB", ""))
            for dest in ("FR", "GB")
            if not dice.chance(10, "holes")
        ),
    }


def _rates(dice: Dice, service: Service, today: date) -> list[Rate]:
    """Three to six bands by zone, on two dated cards half of the time; rising, but for one zone in eight."""
    last = service.weight_max_g
    top = last if dice.chance(60) else last // 2
    limits = sorted({*(dice.between(1, 20) * top // 20 for _ in range(dice.between(2, 5))), top} - {0})
    cards = [(date.min, date.max)]
    if dice.chance(60):
        turn = today + timedelta(days=dice.between(0, 3))
        cards = [(date.min, turn), (turn + timedelta(days=1), date.max)]
    per_kg = dice.pick((0, 60, 140))
    out = []
    for zone_rank, zone in enumerate(ZONES):
        for first, until in cards:
            steps = [dice.between(0, 250) for _ in limits]
            prices = [250 + 90 * zone_rank + sum(steps[: i + 1]) for i in range(len(limits))]
            if dice.chance(12):
                prices = [int(p) for p in dice.rng.permutation(prices)]
            out += [
                Rate(
                    service_id=service.service_id,
                    zone=zone,
                    weight_max_g=limit,
                    price_cents=price,
                    valid_from=first,
                    valid_to=until,
                    per_kg_beyond_cents=per_kg if limit == limits[-1] else 0,
                )
                for limit, price in zip(limits, prices, strict=True)
                if not dice.chance(6, "holes")
            ]
    return out


_LIMITS = {Applies.WEIGHT_OVER: (1000, 4000), Applies.LONGEST_OVER: (300, 550), Applies.SECOND_OVER: (200, 400)}


def _surcharge(dice: Dice, services: tuple[Service, ...], i: int, today: date) -> Surcharge:
    applies = dice.pick(tuple(Applies))
    turn = today + timedelta(days=dice.between(0, 3))
    return Surcharge(
        carrier_id=CarrierId(f"c{dice.below(2)}"),
        code=f"x{i}",
        service_id=dice.pick((None, None, dice.pick(services).service_id)),
        applies=applies,
        threshold=dice.pick(_LIMITS.get(applies, (900, 1500))),
        zone=dice.pick((None, None, *ZONES)),
        amount_cents=dice.between(0, 400),
        permille_of_base=dice.pick((0, 0, 150, 333)),
        fuel_applies=dice.chance(50),
        exclusive_group=dice.pick(("", "a", "a", "b")),
        charged_weight_min_g=dice.pick((0, 0, 0, 3000, 9000)),
        valid_from=dice.pick((date.min, date.min, turn)),
        valid_to=dice.pick((date.max, date.max, turn)),
    )


def _transit(dice: Dice, service: Service, zone: ZoneId) -> Transit:
    steps = np.sort(dice.rng.integers(1, 5, 3))
    unit = 30 if service.transit_unit == "minute" else 1
    low = dice.pick((300, 700))
    return Transit(
        service_id=service.service_id,
        zone=zone,
        earliest=int(steps[0]) * unit,
        typical=int(steps[1]) * unit,
        latest=int(steps[2]) * unit,
        typical_permille=low,
        latest_permille=dice.pick((800, 970)),
    )

"""The networks of tests/strategies.py: a few nodes of all kinds, services, tariffs and stock, all of it random."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from engine.domain.ids import CarrierId, NodeId, ServiceId, SkuId, ZoneId
from engine.network.live import Live
from engine.network.model import (
    Applies,
    Area,
    Carrier,
    CarrierHoliday,
    ChannelProtection,
    Collection,
    HoursException,
    Inbound,
    Lane,
    Network,
    Node,
    NodeKind,
    Offer,
    Rate,
    SafetyStock,
    Service,
    ServiceKind,
    SkuTable,
    StockTable,
    Surcharge,
    Transit,
    ZoneDistance,
    ZonePairs,
    ZoneRegion,
)

HORIZON_DAYS = 16
ZONES = tuple(ZoneId(z) for z in ("z1", "z2", "z3"))
HOURS = ("Mo-Fr 08:00-18:00; PH off", "Mo-Sa 09:00-19:00; PH off", "Mo-Su 06:00-22:00", "24/7", "Sa-Su 10:00-14:00")
MOMENTS = ("2026-06-01T06:00", "2026-03-27T15:00", "2026-10-23T09:00", "2026-12-23T10:00", "2026-07-13T16:30")
SITES = (  # lat, lon, postcode, country, region, tz
    (48.8566, 2.3522, "75001", "FR", "IDF", "Europe/Paris"),
    (48.87, 2.36, "75010", "FR", "IDF", "Europe/Paris"),
    (48.80, 2.13, "78000", "FR", "IDF", "Europe/Paris"),
    (48.94, 2.36, "93200", "FR", "IDF", "Europe/Paris"),
    (48.5734, 7.7521, "67000", "FR", "6AE", "Europe/Paris"),
    (45.764, 4.8357, "69001", "FR", "ARA", "Europe/Paris"),
    (51.5074, -0.1278, "SW1A 1AA", "GB", "ENG", "Europe/London"),
)
OFFERS = {
    NodeKind.WAREHOUSE: (Offer.SHIP, Offer.TRANSFER_OUT),
    NodeKind.STORE: (Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN, Offer.SAME_DAY),
    NodeKind.DARK_STORE: (Offer.SHIP, Offer.SAME_DAY, Offer.TRANSFER_OUT),
    NodeKind.VENDOR: (Offer.SHIP,),
    NodeKind.PICKUP_POINT: (Offer.PICKUP, Offer.TRANSFER_IN),
}


class Dice:
    """A numpy generator with the throws used below; a feature that is off never comes up."""

    def __init__(self, seed: int, features: frozenset[str]) -> None:
        self.rng = np.random.default_rng(seed)
        self.features = features

    def below(self, end: int) -> int:
        return int(self.rng.integers(end))

    def between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def chance(self, percent: int, feature: str = "") -> bool:
        hit = self.below(100) < percent
        return hit and (not feature or feature in self.features)

    def pick(self, values: Any) -> Any:
        return values[self.below(len(values))]

    def some(self, values: Any, percent: int = 50) -> tuple[Any, ...]:
        """A subset, never empty."""
        kept = tuple(v for v in values if self.chance(percent))
        return kept or (self.pick(values),)


def random_network(dice: Dice, num_nodes: int, num_skus: int) -> Network:
    """A network of so many nodes and skus."""
    nodes = _nodes(dice, num_nodes)
    skus = _skus(dice, num_skus)
    as_of = datetime.fromisoformat(dice.pick(MOMENTS)).replace(tzinfo=UTC)
    return Network(
        name="random",
        version="1",
        currency="EUR",
        as_of=as_of,
        nodes=nodes,
        skus=skus,
        **_stock(dice, nodes, skus, as_of),
        **_carriage(dice, nodes, as_of.date()),
        areas=_areas(dice),
    )


def _nodes(dice: Dice, num: int) -> tuple[Node, ...]:
    kinds = [NodeKind.WAREHOUSE, NodeKind.STORE, *(dice.pick(tuple(NodeKind)) for _ in range(num - 2))]
    out = []
    for i, kind in enumerate(kinds):
        lat, lon, postcode, country, region, tz = dice.pick(SITES)
        orders, units = dice.chance(40, "capacity"), dice.chance(35, "capacity")
        hour_orders, hour_units = dice.chance(15, "capacity"), dice.chance(15, "capacity")
        out.append(
            Node(
                node_id=NodeId(f"n{i}"),
                kind=kind,
                lat=lat + dice.between(-50, 50) / 1000,
                lon=lon + dice.between(-50, 50) / 1000,
                postcode=postcode,
                country=country,
                region=region,
                tz=tz,
                groups=dice.some(("g1", "g2")),
                opening_hours="" if dice.chance(4) else dice.pick(HOURS),
                picking_hours=dice.pick(HOURS) if kind != NodeKind.STORE or dice.chance(30) else "",
                offers=tuple(o for o in OFFERS[kind] if dice.chance(92)),
                handling_order_s=dice.pick((0, 600, 1800)),
                handling_line_s=dice.pick((0, 60, 3600, 7200)),
                receiving_s=dice.pick((0, 1800)),
                capacity_day_orders=dice.between(1, 4) if orders else None,
                capacity_day_units=dice.between(3, 12) if units else None,
                capacity_hour_orders=dice.between(1, 2) if hour_orders else None,
                capacity_hour_units=dice.between(2, 8) if hour_units else None,
                backlog_s=dice.pick((3600, 50_000)) if dice.chance(25, "backlog") else 0,
                cost_order_cents=dice.between(0, 150),
                cost_line_cents=dice.between(0, 60),
                cost_unit_cents=dice.between(0, 30),
                labour_cents_per_hour=dice.pick((0, 1800, 2750)),
                packaging_cents=dice.between(0, 60),
                priority=dice.below(3),
                safety_stock=dice.below(2) if dice.chance(40, "safety") else 0,
                rejection_ppm=dice.pick((0, 20_000, 130_000)),
                markdown_ppm_per_day=dice.pick((0, 0, 500, 4000)),
            )
        )
    return tuple(out)


def _skus(dice: Dice, num: int) -> SkuTable:
    def column(low: int, high: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return dice.rng.integers(low, high + 1, num).astype(np.int64)

    def flags(percent: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.array([dice.chance(percent, "restrictions") for _ in range(num)])

    sides = np.sort(dice.rng.integers(50, 620, (3, num)), axis=0).astype(np.int64) * np.array([[1], [2], [3]]) // 3
    restricted = [i for i in range(num) if dice.chance(8, "restrictions")]
    bound = [i for i in range(num) if dice.chance(10, "restrictions")]
    services = tuple(ServiceId(f"s{i}") for i in range(5))
    return SkuTable(
        ids=tuple(SkuId(f"k{i}") for i in range(num)),
        weight_g=column(100, 5000),
        volume_cm3=column(300, 16_000),
        longest_mm=sides[2],
        second_mm=sides[1],
        third_mm=sides[0],
        value_cents=column(300, 6000),
        ships_alone=flags(8),
        never_split=flags(12),
        hazardous=flags(12),
        oversize=flags(12),
        node_groups={i: (dice.pick(("g1", "g2")),) for i in restricted},
        services={i: dice.some(services, 70) for i in bound},
    )


def _stock(dice: Dice, nodes: tuple[Node, ...], skus: SkuTable, as_of: datetime) -> Mapping[str, Any]:
    pairs = [(k, s) for k in range(len(nodes)) for s in range(len(skus.ids)) if dice.chance(85)]
    lots = [(k, s) for k, s in pairs if dice.chance(20, "inbound")]
    held = [(k, s) for k, s in pairs if dice.chance(12, "safety")]
    protected = [(k, s) for k, s in pairs if dice.chance(15, "channels")]
    on_hand = np.array([dice.pick((0, 1, 2, 4, 6, 9)) for _ in pairs], dtype=np.int32)
    ids = skus.ids
    return {
        "stock": StockTable(
            node=np.array([k for k, _ in pairs], dtype=np.int32),
            sku=np.array([s for _, s in pairs], dtype=np.int32),
            on_hand=on_hand,
            reserved=np.array([dice.below(2) for _ in pairs], dtype=np.int32),
            days_of_cover=np.array([dice.pick((0, 10, 90)) for _ in pairs], dtype=np.int32),
        ),
        "inbound": tuple(
            Inbound(
                node_id=nodes[k].node_id,
                sku=ids[s],
                units=dice.between(1, 4),
                available_at=as_of + timedelta(hours=dice.between(1, 90)),
            )
            for k, s in lots
            for _ in range(dice.between(1, 2))
        ),
        "safety_stock": tuple(
            SafetyStock(
                node_id=nodes[k].node_id,
                sku=dice.pick((ids[s], None)),
                channel=dice.pick(("", "web")),
                units=dice.below(3),
            )
            for k, s in held
        ),
        "channel_protection": tuple(
            ChannelProtection(
                node_id=nodes[k].node_id, sku=ids[s], channel=dice.pick(("web", "app")), units=dice.between(1, 3)
            )
            for k, s in protected
        ),
    }


def _carriage(dice: Dice, nodes: tuple[Node, ...], today: date) -> Mapping[str, Any]:
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


def _areas(dice: Dice) -> tuple[Area, ...]:
    return tuple(
        Area(
            country=country,
            prefix=postcode.replace(" ", "")[:2],
            lat=lat,
            lon=lon,
            region=region,
            tz=tz,
            remote=dice.chance(30, "surcharges"),
        )
        for lat, lon, postcode, country, region, tz in SITES
    )


def fill(dice: Dice, live: Live) -> None:
    """Use up capacity, never beyond it, and put prices on stock."""
    for k, node in enumerate(live.network.nodes):
        for used, limit in (
            (live.day_orders, node.capacity_day_orders),
            (live.day_units, node.capacity_day_units),
        ):
            if limit is not None:
                used[k] = dice.rng.integers(0, limit + 1, live.num_days)
        h = int(live.hour_node[k])
        for hourly, limit in (
            (live.hour_orders, node.capacity_hour_orders),
            (live.hour_units, node.capacity_hour_units),
        ):
            if limit is not None:
                hourly[h] = dice.rng.integers(0, limit + 1, (live.num_days, 24))
    if "policy_prices" in dice.features:
        live.row_price_cents[:] = dice.rng.choice((0, 0, 40, 130), len(live.row_price_cents))

"""The networks of tests/strategies.py: a few nodes of all kinds, services, tariffs and stock, all of it random."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from engine.domain.ids import NodeId, ServiceId, SkuId
from engine.network.cells import WHOLE_DAY
from engine.network.live import Live
from engine.network.model import (
    Area,
    ChannelProtection,
    Inbound,
    Network,
    Node,
    NodeKind,
    Offer,
    SafetyStock,
    SkuTable,
    StockTable,
)
from tests.dice import Dice
from tests.random_carriage import random_carriage

HORIZON_DAYS = 16
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


def random_network(dice: Dice, num_nodes: int, num_skus: int) -> Network:
    """A network of so many nodes and skus."""
    nodes, skus = _classed(_nodes(dice, num_nodes), _skus(dice, num_skus))
    as_of = datetime.fromisoformat(dice.pick(MOMENTS)).replace(tzinfo=UTC)
    return Network(
        name="random",
        version="1",
        currency="EUR",
        as_of=as_of,
        nodes=nodes,
        skus=skus,
        **_stock(dice, nodes, skus, as_of),
        **random_carriage(dice, nodes, as_of.date()),
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


def _classed(nodes: tuple[Node, ...], skus: SkuTable) -> tuple[tuple[Node, ...], SkuTable]:
    """In every other network skus have classes, and nodes rates of them; by throws that no others hang on."""
    rng = np.random.default_rng(int(skus.weight_g.sum()))
    if rng.integers(2):
        return nodes, skus
    rates = (0, 5_000, 60_000, 700_000)
    names = ("", "x", "y")
    classed = []
    for node in nodes:
        by_class = tuple((name, int(rng.choice(rates))) for name in names[1:] if rng.integers(3))
        classed.append(replace(node, rejection_by_class=by_class))
    used, of = np.unique(rng.choice(names, len(skus.ids)), return_inverse=True)
    if used.tolist() == [""]:
        return tuple(classed), skus
    return tuple(classed), replace(skus, class_names=tuple(used.tolist()), class_of=of.astype(np.int32))


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
    """Use up capacity, never beyond what a node takes, give some cells limits of their own, put prices on stock."""
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
    if "capacity" in dice.features:
        _own_limits(live)
    if "policy_prices" in dice.features:
        live.row_price_cents[:] = dice.rng.choice((0, 0, 40, 130), len(live.row_price_cents))


def _own_limits(live: Live) -> None:
    """In half of the networks some days and hours take more or less than others; by throws that no others hang on."""
    rng = np.random.default_rng(int(live.rows["on_hand"].sum()) + len(live.network.nodes))
    if rng.random() < 0.5:
        return
    for k in range(len(live.network.nodes)):
        for _ in range(int(rng.integers(0, 6))):
            day = live.first_day + int(rng.integers(0, 8))
            hour = int(rng.integers(0, 24)) if rng.random() < 0.5 else WHOLE_DAY
            orders, units = (int(rng.integers(0, most)) if rng.random() < 0.6 else None for most in (4, 14))
            live.set_limits(k, day, hour, orders, units)

"""The demo's network and orders: the same from the same seed, complete, and free of problems."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.costs.parcels import Contents, RateCards
from engine.domain.ids import NodeId, ServiceId
from engine.domain.order import Destination
from engine.domain.units import day_number
from engine.network.model import Network, NodeKind
from engine.network.routes import distance_m, target_of
from engine.network.zones import ZoneFinder
from scenarios.demo import demo_network, demo_orders

TABLES = (
    *("nodes", "services", "carriers", "rates", "surcharges", "transits", "collections", "lanes", "areas", "inbound"),
    *("hours_exceptions", "carrier_holidays", "safety_stock", "channel_protection", "zone_regions", "policies"),
)


@pytest.fixture(scope="module")
def network() -> Network:
    return demo_network()


def test_the_demo_has_the_size_it_promises(network: Network) -> None:
    kinds = [node.kind for node in network.nodes]
    assert kinds.count(NodeKind.WAREHOUSE) == 3
    assert kinds.count(NodeKind.STORE) == 60
    assert kinds.count(NodeKind.PICKUP_POINT) == 20
    assert kinds.count(NodeKind.VENDOR) == 1
    assert len(network.skus.ids) == 2000
    assert len({(n.lat, n.lon) for n in network.nodes if n.kind == NodeKind.STORE}) == 60


def test_the_same_seed_gives_the_same_network_and_orders_and_another_seed_others(network: Network) -> None:
    again, other = demo_network(), demo_network(seed=2)
    assert all(getattr(network, table) == getattr(again, table) for table in TABLES)
    for column in ("node", "sku", "on_hand", "reserved", "days_of_cover"):
        assert np.array_equal(getattr(network.stock, column), getattr(again.stock, column))
    assert not np.array_equal(network.skus.weight_g, other.skus.weight_g)
    assert demo_orders(network) == demo_orders(again)
    assert demo_orders(network, seed=2) != demo_orders(network)


def test_the_demo_written_as_a_folder_has_no_problem_and_reads_back_as_it_was(network: Network, tmp_path: Path) -> None:
    write_network(network, tmp_path)
    assert validate_folder(tmp_path) == []
    found = read_network(tmp_path)
    assert all(getattr(found, table) == getattr(network, table) for table in TABLES)
    assert np.array_equal(found.stock.on_hand, network.stock.on_hand)
    assert found.synthetic == network.synthetic


def test_warehouses_together_hold_nearly_everything_and_a_store_a_third(network: Network) -> None:
    held = network.stock.on_hand > 0
    share = np.bincount(network.stock.node[held], minlength=len(network.nodes)) / len(network.skus.ids)
    assert len(np.unique(network.stock.sku[held & (network.stock.node < 3)])) > 0.95 * len(network.skus.ids)
    assert 0.5 < share[:3].min() < share[:3].max() < 0.9
    assert 0.25 < share[3:63].mean() < 0.35
    pairs = set(zip(network.stock.node.tolist(), network.stock.sku.tolist(), strict=True))
    assert len(pairs) == len(network.stock.node)
    assert (network.stock.reserved <= network.stock.on_hand).all()


def test_every_flag_and_restriction_occurs_and_restricted_skus_lie_where_they_may(network: Network) -> None:
    skus = network.skus
    assert all(flag.any() for flag in (skus.ships_alone, skus.never_split, skus.hazardous, skus.oversize))
    assert skus.node_groups
    assert skus.services
    vendor = network.node_index[NodeId("vd-cholet")]
    assert set(network.stock.sku[network.stock.node == vendor].tolist()) == set(skus.node_groups)


def test_units_that_are_due_have_a_stock_row_to_be_taken_from(network: Network) -> None:
    rows = set(zip(network.stock.node.tolist(), network.stock.sku.tolist(), strict=True))
    due = {(network.node_index[lot.node_id], network.skus.index[lot.sku]) for lot in network.inbound}
    assert due <= rows
    assert any(network.stock.on_hand[i] == 0 for i in range(len(network.stock.node)))


def test_any_postcode_of_metropolitan_france_is_known(network: Network) -> None:
    for number in range(1, 96):
        assert network.area_of("FR", f"{number:02d}999").region
    assert network.area_of("FR", "67000").region == "6AE"  # two more public holidays than its neighbours
    assert network.area_of("FR", "20200").remote


@pytest.mark.parametrize(
    ("node", "postcode", "service", "zone"),
    [
        ("wh-orleans", "75001", "economy", "a"),
        ("wh-orleans", "13001", "economy", "c"),
        ("wh-lyon", "20200", "economy", "corsica"),
        ("st-ajaccio", "75001", "economy", "corsica"),
        ("st-ajaccio", "20200", "economy", "a"),
        ("st-ajaccio", "20200", "express", "france"),
        ("wh-lille", "20200", "express", "corsica"),
        ("st-paris", "75001", "courier", "near"),
        ("st-lyon", "75001", "courier", None),
    ],
)
def test_zones_follow_distance_and_the_sea(
    network: Network, node: str, postcode: str, service: str, zone: str | None
) -> None:
    target = target_of(network, Destination(country="FR", postcode=postcode))
    k = network.node_index[NodeId(node)]
    way_m = distance_m(network.nodes[k].lat, network.nodes[k].lon, target.lat, target.lon)
    found = ZoneFinder(network).zone(network.service_index[ServiceId(service)], k, target, way_m)
    assert (network.zone_ids[found] if found >= 0 else None) == zone


def test_peak_prices_hold_from_mid_november_to_the_end_of_the_year(network: Network) -> None:
    cards = RateCards(network)
    economy, zone = network.service_index[ServiceId("economy")], network.zone_ids.index("a")
    target = target_of(network, Destination(country="FR", postcode="75001"))
    parcel = Contents(400, 1_000, 150, 100, 80, 510, False, False)

    def base(day: str) -> int:
        price = cards.price(economy, zone, day_number(np.datetime64(day).item()), parcel, target, False)
        return dict(price.parts)["base"] if hasattr(price, "parts") else -1

    assert [base(day) for day in ("2026-11-15", "2026-11-16", "2026-12-31", "2027-01-01")] == [490, 550, 550, 490]


def test_orders_come_in_order_over_two_days_and_ask_for_all_sorts_of_things(network: Network) -> None:
    orders = demo_orders(network, count=1000, seed=3)
    moments = [order.placed_at for order in orders]
    assert moments == sorted(moments)
    assert network.as_of < moments[0]
    assert moments[-1] <= network.as_of + timedelta(days=3)
    assert len({order.order_id for order in orders}) == 1000
    assert 0.11 < sum(order.pickup_node is not None for order in orders) / 1000 < 0.19
    assert 0.10 < sum(bool(order.deliver_by or order.requested_by) for order in orders) / 1000 < 0.20
    assert any(order.keep_together for order in orders)
    assert any(line.quantity >= 10 for order in orders for line in order.lines)
    assert {len(order.lines) for order in orders} == {1, 2, 3, 4, 5, 6}
    open_orders = [o for o in orders if o.pickup_node is None and not o.excluded_methods]
    assert 0.3 < len(open_orders) / 1000 < 0.5
    for order in orders:
        if order.destination is not None:
            network.area_of("FR", order.destination.postcode)

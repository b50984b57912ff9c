"""The American network against the files that it is made from."""

import csv
import os
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.adapters.imports.us import us_network, us_orders
from engine.adapters.imports.us_places import opening_hours, time_zones
from engine.costs.parcels import Contents, ParcelPrice, RateCards
from engine.domain.errors import InputError
from engine.domain.ids import NodeId, ServiceId
from engine.domain.order import Destination
from engine.domain.plan import Refusal
from engine.domain.units import day_number
from engine.network.model import Network, Node, NodeKind, Offer
from engine.network.routes import distance_m, target_of
from engine.network.zones import ZoneFinder

DATA = Path(os.environ.get("SOURCEWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))


def needs_data(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.data(pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")(test))


@pytest.fixture(scope="module")
def network() -> Network:
    return us_network(DATA)


@cache
def finder_of(network: Network) -> ZoneFinder:
    return ZoneFinder(network)


@cache
def cards_of(network: Network) -> RateCards:
    return RateCards(network)


def node_of(network: Network, node_id: str) -> Node:
    return network.nodes[network.node_index[NodeId(node_id)]]


def zone_of(network: Network, service: str, node: str, postcode: str) -> str | None:
    target = target_of(network, Destination(country="US", postcode=postcode))
    at = node_of(network, node)
    way_m = distance_m(at.lat, at.lon, target.lat, target.lon)
    found = finder_of(network).zone(
        network.service_index[ServiceId(service)], network.node_index[at.node_id], target, way_m
    )
    return network.zone_ids[found] if found >= 0 else None


def price_of(
    network: Network, service: str, zone: str, day: date, pounds: float, *, home: bool = False, longest_mm: int = 200
) -> ParcelPrice | Refusal:
    target = target_of(network, Destination(country="US", postcode="10003", residential=home))
    parcel = Contents(int(pounds * 453.59237), 100, longest_mm, 100, 50, longest_mm + 300, False, False)
    return cards_of(network).price(
        network.service_index[ServiceId(service)],
        network.zone_ids.index(zone),  # type: ignore[arg-type]
        day_number(day),
        parcel,
        target,
        False,
    )


def base_cents(network: Network, service: str, zone: str, day: date, pounds: float) -> int | None:
    found = price_of(network, service, zone, day, pounds)
    return dict(found.parts)["base"] if isinstance(found, ParcelPrice) else None


@needs_data
def test_all_stores_and_services_are_there_with_fewer_than_a_million_and_a_half_stock_rows(network: Network) -> None:
    kinds = Counter(node.kind for node in network.nodes)
    assert kinds == {NodeKind.STORE: 1037, NodeKind.WAREHOUSE: 10}
    assert len(network.services) == 9
    assert Counter(service.carrier_id for service in network.services) == {"fedex": 7, "usps": 2}
    assert 1_000_000 < len(network.stock.node) < 1_500_000
    held = np.bincount(network.stock.node) / len(network.skus.ids)
    assert held[:10].min() > 0.95
    assert 0.28 < held[10:].mean() < 0.32
    assert network.synthetic


@needs_data
def test_warehouses_are_spread_over_the_country(network: Network) -> None:
    sites = [node for node in network.nodes if node.kind == NodeKind.WAREHOUSE]
    assert len({site.region for site in sites}) >= 7
    assert {site.tz for site in sites} >= {
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Los_Angeles",
    }


@needs_data
def test_store_hours_are_those_of_the_source_minute_by_minute(network: Network) -> None:
    mall = node_of(network, "st-1000")
    assert mall.opening_hours == "Mo-Sa 10:00-21:30; Su 11:00-19:00"
    assert (mall.lat, mall.lon, mall.postcode, mall.tz) == (44.85466, -93.24565, "55425", "America/Chicago")


@needs_data
def test_stores_with_dubious_hours_are_flagged_and_kept(network: Network) -> None:
    flags = network.meta["flags"]
    assert [flag.split(":")[0] for flag in flags] == ["store 1531", "store 344", "store 887"]
    assert "Su" not in node_of(network, "st-344").opening_hours  # six days in the source: closed on the seventh


def test_neighbouring_days_with_equal_hours_are_joined_and_days_without_hours_are_closed() -> None:
    week = {0: (600, 1260), 1: (600, 1260), 3: (600, 1260), 4: (540, 1439), 6: (0, 720)}
    assert opening_hours(week) == "Mo-Tu 10:00-21:00; Th 10:00-21:00; Fr 09:00-23:59; Su 00:00-12:00"
    assert opening_hours({}) == ""


def test_split_states_have_the_time_zone_of_their_counties() -> None:
    tz = time_zones()
    assert tz[("TX", "")] == "America/Chicago"
    assert tz[("TX", "EL PASO")] == "America/Denver"
    assert tz[("FL", "ESCAMBIA")] == "America/Chicago"
    assert tz[("TN", "KNOX")] == "America/New_York"
    assert tz[("AZ", "")] == "America/Phoenix"
    assert len({state for state, _ in tz}) == 52  # with DC and Puerto Rico


@needs_data
@pytest.mark.parametrize(
    ("node", "postcode", "zone"),
    [
        ("wh-chi3", "60601", "2"),
        ("wh-chi3", "48201", "3"),  # Detroit, 237 miles
        ("wh-chi3", "10003", "5"),  # New York, 712 miles
        ("wh-chi3", "33101", "6"),  # Miami, 1,190 miles
        ("wh-chi3", "90001", "7"),  # Los Angeles, 1,745 miles
        ("wh-sny4", "90001", "8"),
        ("wh-chi3", "96813", "offshore"),
        ("wh-chi3", "99501", "offshore"),
    ],
)
def test_fedex_zones_follow_miles_and_stop_at_the_shore(network: Network, node: str, postcode: str, zone: str) -> None:
    assert zone_of(network, "fedex_ground", node, postcode) == zone


@needs_data
def test_there_is_no_fedex_price_across_the_sea_and_a_usps_price_there(network: Network) -> None:
    day = date(2025, 11, 25)
    assert isinstance(price_of(network, "fedex_ground", "offshore", day, 1), Refusal)
    zone = zone_of(network, "usps_priority", "wh-chi3", "99501")
    assert zone == "8"
    assert isinstance(price_of(network, "usps_priority", zone, day, 1), ParcelPrice)


@needs_data
def test_usps_zones_are_the_observed_ones_and_by_distance_elsewhere(network: Network) -> None:
    table = next(pairs for pairs in network.zone_pairs if pairs.zone_map == "usps")
    rows = pq.read_table(DATA / "us/usps_zone3_observed.parquet", columns=["origin3", "dest3", "zone"]).to_pylist()
    origin, dest = ({name: i for i, name in enumerate(names)} for names in (table.origin, table.dest))
    known = np.zeros(table.zone.shape, dtype=bool)
    for row in rows:
        if row["origin3"] in origin and row["dest3"] in dest:
            at = (origin[row["origin3"]], dest[row["dest3"]])
            known[at] = True
            assert network.zone_ids[table.zone[at]] == str(row["zone"])
    assert 0.4 < known.mean() < 0.5
    guessed = table.zone[~known]
    assert (guessed >= 0).mean() > 0.99
    assert {network.zone_ids[int(z)] for z in np.unique(guessed[guessed >= 0])} == {str(z) for z in range(1, 9)}
    assert zone_of(network, "usps_ground_advantage", "wh-sny4", "26801") == "3"  # 112 -> 268, observed


@needs_data
def test_every_price_is_that_of_the_list(network: Network) -> None:
    by_key = {(r.service_id, r.zone, r.weight_max_g, r.valid_from): r.price_cents for r in network.rates}
    names = {"fedex_" + n.lower(): n for n in ("GROUND", "2DAY", "2DAY_AM", "EXPRESS_SAVER")}
    with (DATA / "us/fedex_list_rates_2025_us.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == sum(1 for rate in network.rates if rate.service_id.startswith("fedex"))
    for row in rows:
        service = next((k for k, v in names.items() if v == row["service"]), f"fedex_{row['service'].lower()}")
        key = (ServiceId(service), row["zone"], int(int(row["weight_lb"]) * 453.59237), date.min)
        assert by_key[key] == round(100 * float(row["usd"]))  # type: ignore[index]


@needs_data
@pytest.mark.parametrize(
    ("service", "zone", "pounds", "cents"),
    [
        ("fedex_ground", "5", 10, 1_939),
        ("fedex_ground", "8", 50, 8_499),
        ("fedex_2day", "2", 1, 2_523),
        ("fedex_2day", "5", 50, 23_454),
        ("fedex_first_overnight", "5", 10, 18_739),
        ("usps_priority", "4", 1, 1_130),  # 10.90 and 0.40 for the holidays
        ("usps_ground_advantage", "1", 0.25, 720),
    ],
)
def test_a_parcel_costs_what_its_cell_says(
    network: Network, service: str, zone: str, pounds: float, cents: int
) -> None:
    assert base_cents(network, service, zone, date(2025, 11, 25), pounds) == cents


@needs_data
@pytest.mark.parametrize("service", ["fedex_2day", "fedex_2day_am", "fedex_express_saver"])
def test_the_hole_of_fedex_zone_five_stays_a_hole(network: Network, service: str) -> None:
    day = date(2025, 11, 25)
    assert isinstance(price_of(network, service, "5", day, 10), Refusal)
    assert isinstance(price_of(network, service, "5", day, 49), Refusal)
    assert isinstance(price_of(network, service, "5", day, 50), ParcelPrice)
    assert isinstance(price_of(network, service, "4", day, 10), ParcelPrice)
    assert isinstance(price_of(network, "fedex_ground", "5", day, 10), ParcelPrice)


@needs_data
def test_usps_charges_more_from_october_fifth_to_january_eighteenth(network: Network) -> None:
    days = [date(2025, 10, 4), date(2025, 10, 5), date(2026, 1, 18), date(2026, 1, 19)]
    assert [base_cents(network, "usps_priority", "4", day, 10) for day in days] == [1_915, 1_975, 1_975, 1_915]


@needs_data
def test_fedex_charges_homes_and_long_parcels_extra(network: Network) -> None:
    day = date(2025, 11, 25)
    home = price_of(network, "fedex_ground", "2", day, 1, home=True)
    assert isinstance(home, ParcelPrice)
    assert dict(home.parts) == {"base": 1_132, "residential": 595, "fuel": 311}
    fits, long = (price_of(network, "fedex_ground", "3", day, 1, longest_mm=mm) for mm in (1_219, 1_220))
    assert isinstance(fits, ParcelPrice)
    assert isinstance(long, ParcelPrice)
    assert "additional handling, size" not in dict(fits.parts)
    assert dict(long.parts)["additional handling, size"] == 3_100
    forty_pounds = base_cents(network, "fedex_ground", "3", day, 40)
    assert dict(long.parts)["base"] == forty_pounds


@needs_data
def test_carriers_rest_on_their_own_holidays(network: Network) -> None:
    off = {(row.carrier_id, row.day) for row in network.carrier_holidays}
    assert ("fedex", date(2025, 11, 27)) in off
    assert ("usps", date(2025, 11, 27)) in off
    assert ("usps", date(2025, 11, 11)) in off  # Veterans Day
    assert ("fedex", date(2025, 11, 11)) not in off


@needs_data
def test_stores_ship_collect_and_take_transfers_except_over_sea(network: Network) -> None:
    shop = node_of(network, "st-1000")
    assert set(shop.offers) == {Offer.SHIP, Offer.PICKUP, Offer.TRANSFER_IN}
    over_sea = {node.node_id for node in network.nodes if node.region in ("AK", "HI", "PR")}
    assert len(over_sea) == 7
    assert {lane.target for lane in network.lanes}.isdisjoint(over_sea)
    assert len(network.lanes) == 1037 - 7


@needs_data
def test_a_smaller_network_is_the_same_from_the_same_seed_and_survives_its_folder(tmp_path: Path) -> None:
    small, again = (us_network(DATA, seed=4, num_stores=12, num_skus=300, num_warehouses=3) for _ in range(2))
    assert small.nodes == again.nodes
    assert np.array_equal(small.stock.on_hand, again.stock.on_hand)
    assert us_orders(small, DATA, 50) == us_orders(again, DATA, 50)
    write_network(small, tmp_path)
    problems = validate_folder(tmp_path)
    assert [p for p in problems if p.severity == "error"] == []
    assert any("fedex_2day" in p.message and "Zone (5)" in p.message for p in problems)
    found = read_network(tmp_path)
    assert found.nodes == small.nodes
    assert found.rates == small.rates
    assert found.surcharges == small.surcharges


@needs_data
def test_areas_of_five_digits_come_on_demand_with_the_time_zone_of_their_county() -> None:
    fine = us_network(DATA, num_stores=1, num_skus=10, zip5=True)
    assert len(fine.areas) > 42_000
    assert fine.area_of("US", "79901").tz == "America/Denver"  # El Paso
    assert fine.area_of("US", "47708").tz == "America/Chicago"  # Evansville
    assert fine.area_of("US", "37902").tz == "America/New_York"  # Knoxville
    assert fine.area_of("US", "99501").remote


@needs_data
def test_orders_are_real_baskets_cut_for_consumers(network: Network) -> None:
    start = datetime.fromisoformat("2025-11-28T00:00:00-06:00")
    orders = us_orders(network, DATA, 2_000, seed=2, start=start)
    sizes = Counter(len(order.lines) for order in orders)
    assert set(sizes) == set(range(1, 11))
    assert 0.17 < sizes[1] / 2_000 < 0.24
    quantities = Counter(line.quantity for order in orders for line in order.lines)
    assert sum(quantities[q] for q in (1, 2, 3)) > 0.98 * sum(quantities.values())
    assert all(start <= order.placed_at < start + timedelta(days=1) for order in orders)
    assert all(line.sku in network.skus.index for order in orders for line in order.lines)
    states = Counter(network.area_of("US", order.destination.postcode).region for order in orders if order.destination)
    assert {"CA", "TX", "FL", "NY"} <= {state for state, _ in states.most_common(6)}


def test_a_folder_without_data_is_named() -> None:
    with pytest.raises(InputError, match="us_zip_centroids"):
        us_network(Path("nowhere"))


@needs_data
def test_sizes_that_are_not_possible_are_refused() -> None:
    with pytest.raises(InputError, match="Number of stores \\(0\\)"):
        us_network(DATA, num_stores=0)
    with pytest.raises(InputError, match="Number of warehouses \\(0\\)"):
        us_network(DATA, num_warehouses=0)
    with pytest.raises(InputError, match="no time zone"):
        us_network(DATA, as_of=datetime(2025, 11, 24))  # noqa: DTZ001

"""The French network against the files that it is made from."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.adapters.imports.fr import fr_network, fr_orders
from engine.adapters.imports.fr_places import region_of
from engine.costs.parcels import Contents, ParcelPrice, RateCards
from engine.domain.errors import InputError
from engine.domain.ids import ServiceId
from engine.domain.order import Destination
from engine.domain.units import day_number
from engine.network.calendars import Calendars
from engine.network.model import Network, NodeKind
from engine.network.routes import distance_m, target_of
from engine.network.zones import ZoneFinder

DATA = Path(os.environ.get("SOURCEWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))
DAY = day_number(date(2026, 11, 25))


def needs_data(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.data(pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")(test))


@pytest.fixture(scope="module")
def network() -> Network:
    return fr_network(DATA)


def price_of(network: Network, service: str, postcode: str, weight_g: int) -> dict[str, int]:
    """The parts of the price of a parcel from the first warehouse."""
    target = target_of(network, Destination(country="FR", postcode=postcode))
    site = network.nodes[0]
    way_m = distance_m(site.lat, site.lon, target.lat, target.lon)
    s = network.service_index[ServiceId(service)]
    zone = ZoneFinder(network).zone(s, 0, target, way_m)
    parcel = Contents(weight_g, 500, 200, 100, 50, 500, False, False)
    found = RateCards(network).price(s, zone, DAY, parcel, target, False)
    return dict(found.parts) if isinstance(found, ParcelPrice) else {}


@needs_data
def test_three_warehouses_sixty_cities_and_every_metropolitan_postcode_are_there(network: Network) -> None:
    kinds = Counter(node.kind for node in network.nodes)
    assert kinds == {NodeKind.WAREHOUSE: 3, NodeKind.STORE: 60, NodeKind.PICKUP_POINT: 100}
    assert len(network.areas) == 6_051
    assert 65_000_000 < sum(area.population for area in network.areas) < 66_000_000
    stores = [node for node in network.nodes if node.kind == NodeKind.STORE]
    assert [node.name for node in stores[:4]] == ["Store Paris", "Store Marseille", "Store Lyon", "Store Toulouse"]
    assert len({node.node_id for node in network.nodes}) == len(network.nodes)


@needs_data
@pytest.mark.parametrize(
    ("service", "weight_g", "cents"),
    [
        ("colissimo_home", 250, 495),
        ("colissimo_home", 251, 670),
        ("colissimo_home", 1_000, 825),
        ("colissimo_home", 30_000, 3_340),
        ("colissimo_point", 250, 425),
        ("colissimo_point", 5_000, 1_395),
    ],
)
def test_colissimo_costs_what_the_counter_asks_on_the_mainland_and_in_corsica(
    network: Network, service: str, weight_g: int, cents: int
) -> None:
    assert price_of(network, service, "75011", weight_g) == {"base": cents}
    assert price_of(network, service, "20200", weight_g) == {"base": cents}


@needs_data
def test_chronopost_charges_its_surcharge_for_corsica_only(network: Network) -> None:
    assert price_of(network, "chrono13", "20200", 900)["Corsica"] == 2_465
    assert price_of(network, "chrono18", "20200", 900)["Corsica"] == 2_265
    assert "Corsica" not in price_of(network, "chrono13", "75011", 900)


@needs_data
def test_alsace_and_moselle_rest_on_two_more_days(network: Network) -> None:
    year_from = day_number(date(2026, 12, 20))
    calendars = Calendars(network, year_from, 120)
    second_christmas_day, good_friday = day_number(date(2026, 12, 26)), day_number(date(2027, 3, 26))
    for postcode, rests in (("67000", True), ("57000", True), ("68100", True), ("75001", False), ("20000", False)):
        off = calendars.public_holidays("FR", network.area_of("FR", postcode).region)
        assert (second_christmas_day in off) is rests
        assert (good_friday in off) is rests
        assert day_number(date(2026, 12, 25)) in off


def test_departments_with_holidays_of_their_own_stand_for_themselves() -> None:
    assert [region_of(d, r) for d, r in (("67", "44"), ("68", "44"), ("57", "44"), ("54", "44"))] == [
        *("6AE", "6AE", "57", "GES")
    ]


@needs_data
def test_the_network_survives_its_folder_without_a_problem(network: Network, tmp_path: Path) -> None:
    write_network(network, tmp_path)
    assert validate_folder(tmp_path) == []
    found = read_network(tmp_path)
    assert found.nodes == network.nodes
    assert found.areas == network.areas
    assert np.array_equal(found.stock.on_hand, network.stock.on_hand)


@needs_data
def test_orders_follow_population_and_the_seed(network: Network) -> None:
    orders = fr_orders(network, DATA, 3_000, seed=5)
    assert orders == fr_orders(network, DATA, 3_000, seed=5)
    homes = Counter(o.destination.postcode[:2] for o in orders if o.destination)
    assert {"59", "75", "13"} <= {department for department, _ in homes.most_common(10)}
    assert homes["48"] < homes["75"] / 5


@needs_data
def test_a_network_of_another_size_is_built_or_refused() -> None:
    small = fr_network(DATA, num_stores=2, num_pickup_points=0, num_warehouses=4, num_skus=20)
    assert len(small.nodes) == 6
    assert len(small.skus.ids) == 20
    with pytest.raises(InputError, match="Number of warehouses \\(5\\)"):
        fr_network(DATA, num_warehouses=5)

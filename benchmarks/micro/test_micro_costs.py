"""Speed of zones, prices of parcels and cost terms, warm. Run by `pytest benchmarks/micro`."""

from datetime import date
from typing import Any

from engine.costs.parcels import Contents, ParcelPrice, RateCards, contents_of
from engine.costs.terms import order_terms, shipment_terms
from engine.domain.ids import CarrierId, ServiceId, ZoneId
from engine.domain.order import Destination, Method
from engine.domain.policy import Policy
from engine.domain.units import day_number
from engine.network.live import Live
from engine.network.model import Applies, Network, Surcharge
from engine.network.routes import Route, target_of
from engine.network.zones import ZoneFinder
from tests import builders

SHIP_DAY = day_number(date(2026, 6, 1))
ITEMS = ((0, 2), (1, 1), (2, 1))
LYON = Destination(country="FR", postcode="69001")


def busy_network() -> Network:
    """The builders' network with 50 bands to each zone, six surcharges and every cost of a node."""
    rates = [
        builders.rate("std", zone, 400 + 20 * band, weight_max_g=600 * (band + 1))
        for zone in ("near", "far")
        for band in range(50)
    ]
    conditions = (
        (Applies.RESIDENTIAL, 0, ""),
        (Applies.REMOTE, 0, ""),
        (Applies.WEIGHT_OVER, 1_000, "handling"),
        (Applies.LONGEST_OVER, 100, "handling"),
        (Applies.LENGTH_GIRTH_OVER, 100, "handling"),
        (Applies.SIGNATURE, 0, ""),
    )
    surcharges = [
        Surcharge(
            carrier_id=CarrierId("post"),
            code=applies.value,
            applies=applies,
            threshold=threshold,
            amount_cents=100,
            fuel_applies=True,
            exclusive_group=group,
        )
        for applies, threshold, group in conditions
    ]
    node = builders.node(
        rejection_ppm=20_000, markdown_ppm_per_day=100, capacity_day_orders=100, capacity_day_units=500, priority=1
    )
    return builders.network(
        nodes=(node, builders.store(), builders.pickup_point()),
        services=(builders.service(fuel_permille=180, dim_cm3_per_kg=5_000), builders.courier()),
        rates=(*rates, builders.rate("bike", "town", 790)),
        transits=(),
        collections=(builders.collection("wh", "std"),),
        surcharges=tuple(surcharges),
    )


def test_zone_by_distance(benchmark: Any) -> None:
    """One look-up through distance bands."""
    network = busy_network()
    finder, target = ZoneFinder(network), target_of(network, LYON)
    zone = benchmark(finder.zone, 0, 0, target, 391_499)
    assert network.zone_ids[zone] == ZoneId("far")


def test_contents_of_three_lines(benchmark: Any) -> None:
    """Sum up weight, volume and sides of three lines."""
    contents = benchmark(contents_of, busy_network().skus, ITEMS)
    assert contents.weight_g == 2_000


def test_price_of_a_parcel_with_surcharges(benchmark: Any) -> None:
    """Bands, six surcharges (three due in one group) and fuel."""
    network = busy_network()
    price = benchmark(_price, RateCards(network), network, contents_of(network.skus, ITEMS))
    assert [name for name, _ in price.parts] == ["base", "residential", "weight_over", "fuel"]


def test_all_terms_of_a_shipment(benchmark: Any) -> None:
    """All rules of a carrier shipment of three lines, each with a price above 0."""
    network = busy_network()
    live = Live(network)
    live.row_price_cents[:] = 5
    live.row_cover_days[:] = 100
    live.day_orders[0, :] = 90
    policy = Policy(capacity_price_cents=500, priority_cents=10, waiting_day_cents=10, carbon_cents_per_tonne=10_000)
    price = _price(RateCards(network), network, contents_of(network.skus, ITEMS))
    route = Route(Method.SHIP_FROM_WAREHOUSE, 0, network.service_index[ServiceId("std")])
    terms = benchmark(
        shipment_terms,
        network,
        live,
        policy,
        route,
        items=ITEMS,
        distance_m=391_499,
        price=price,
        deliver_s=SHIP_DAY * 86_400 + 300_000,
        placed_s=SHIP_DAY * 86_400,
        requested_s=SHIP_DAY * 86_400 + 100_000,
        pick_day=SHIP_DAY,
    )
    assert len(terms) == 11


def test_terms_of_a_shipment_by_the_default_policy(benchmark: Any) -> None:
    """Picking, packaging, carrier and rejection of two lines: what most shipments have."""
    network = busy_network()
    live = Live(network)
    price = _price(RateCards(network), network, contents_of(network.skus, ITEMS[:2]))
    terms = benchmark(
        shipment_terms,
        network,
        live,
        Policy(),
        Route(Method.SHIP_FROM_WAREHOUSE, 0, 0),
        items=ITEMS[:2],
        distance_m=391_499,
        price=price,
        deliver_s=SHIP_DAY * 86_400 + 300_000,
        placed_s=SHIP_DAY * 86_400,
        requested_s=None,
        pick_day=SHIP_DAY,
    )
    assert [term.rule for term in terms] == ["picking", "packaging", "carrier", "rejection"]


def test_terms_of_an_order(benchmark: Any) -> None:
    """A split and a trip."""
    terms = benchmark(order_terms, busy_network(), Policy(), num_shipments=2, trip_distance_m=4_000, unserved=())
    assert [term.rule for term in terms] == ["split", "trip"]


def _price(cards: RateCards, network: Network, contents: Contents) -> ParcelPrice:
    zone = network.zone_ids.index(ZoneId("far"))
    price = cards.price(0, zone, SHIP_DAY, contents, target_of(network, LYON), signature=False)
    assert isinstance(price, ParcelPrice)
    return price

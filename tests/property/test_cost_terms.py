"""Cost terms on random nodes, stock and policies: they agree with engine/MODEL.md written down a second time."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.costs.parcels import ParcelPrice
from engine.costs.terms import co2e_g, order_terms, shipment_terms
from engine.domain.order import Method
from engine.domain.plan import CostTerm
from engine.domain.policy import RULES, Policy
from engine.domain.units import day_number
from engine.network.live import Live
from engine.network.model import Network
from engine.network.routes import Route
from tests import builders

PICK_DAY = day_number(builders.AS_OF.date())
PLACED = PICK_DAY * 86_400
ROUTES = (
    Route(Method.SHIP_FROM_WAREHOUSE, 0, 0),
    Route(Method.SHIP_TO_STORE, 0, lane=0, place=1),
    Route(Method.CLICK_AND_COLLECT, 0, place=0),
)

# No limit of time: a busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Ask = dict[str, Any]


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def weighted(policy: Policy, rule: str, cents: int) -> int:
    return half_up(Fraction(cents * policy.weight(rule), 1000))


def terms_by_the_book(network: Network, live: Live, policy: Policy, route: Route, ask: Ask) -> dict[str, int]:
    """Amounts by rule, without those of 0."""
    k, items, price = network.nodes[0], ask["items"], ask["price"]
    n, u = len(items), sum(q for _, q in items)
    work_s = k.handling_order_s + k.handling_line_s * n
    labour = half_up(Fraction(work_s * k.labour_cents_per_hour, 3600))
    raw: dict[str, list[int]] = {
        "picking": [k.cost_order_cents + k.cost_line_cents * n + k.cost_unit_cents * u + labour],
        "waiting": [policy.waiting_day_cents * ceil(Fraction(ask["deliver_s"] - ask["placed_s"], 86_400))],
        "rejection": [half_up(Fraction(rate(network, sku) * policy.resourcing_cents, 10**6)) for sku, _ in items],
        "opportunity": [int(live.row_price_cents[live.row(0, sku)]) * q for sku, q in items],
        "markdown": [markdown(network, live, sku) * q for sku, q in items],
        "capacity": [capacity(network, live, policy)],
        "priority": [policy.priority_cents * k.priority],
        "carbon": [half_up(Fraction(grams(network, route, ask) * policy.carbon_cents_per_tonne, 10**6))],
    }
    if price is not None:
        raw["packaging"] = [k.packaging_cents * price.num_parcels]
        raw["carrier"] = [price.num_parcels * price.unit_price_cents]
    if route.lane >= 0:
        raw["transfer"] = [network.lanes[0].cost_order_cents + network.lanes[0].cost_unit_cents * u]
    late_s = ask["deliver_s"] - ask["requested_s"] if ask["requested_s"] is not None else 0
    if late_s > 0:
        raw["lateness"] = [policy.lateness_base_cents + policy.lateness_day_cents * ceil(Fraction(late_s, 86_400))]
    amounts = {rule: sum(weighted(policy, rule, c) for c in cents) for rule, cents in raw.items()}
    return {rule: cents for rule, cents in amounts.items() if cents}


def rate(network: Network, sku: int) -> int:
    return dict(network.nodes[0].rejection_by_class).get("ab"[sku % 2], network.nodes[0].rejection_ppm)


def markdown(network: Network, live: Live, sku: int) -> int:
    days = int(live.row_cover_days[live.row(0, sku)])
    share = min(10**6, network.nodes[0].markdown_ppm_per_day * days)
    return -half_up(Fraction(int(network.skus.value_cents[sku]) * share, 10**6))


def capacity(network: Network, live: Live, policy: Policy) -> int:
    k, d = network.nodes[0], PICK_DAY - live.first_day
    utils = [0]
    orders_max, units_max = live.own_limits.get((0, PICK_DAY, -1), (None, None))
    orders_max = k.capacity_day_orders if orders_max is None else orders_max
    units_max = k.capacity_day_units if units_max is None else units_max
    if orders_max is not None:
        utils.append(int(live.day_orders[0, d]) * 1000 // orders_max)
    if units_max is not None:
        utils.append(int(live.day_units[0, d]) * 1000 // units_max)
    free = policy.capacity_free_permille
    x = max(0, min(1000, max(utils)) - free)
    return floor(Fraction(policy.capacity_price_cents * x**2, (1000 - free) ** 2))


def grams(network: Network, route: Route, ask: Ask) -> int:
    weight_g = sum(int(network.skus.weight_g[sku]) * q for sku, q in ask["items"])
    if route.service >= 0:
        service = network.services[route.service]
        way = half_up(Fraction(weight_g * ask["distance_m"] * service.co2e_g_per_tonne_km, 10**9))
        return service.co2e_g_per_parcel * ask["price"].num_parcels + way
    if route.lane >= 0:
        return half_up(Fraction(weight_g * ask["distance_m"] * network.lanes[0].co2e_g_per_tonne_km, 10**9))
    return 0


# Random nodes, stock and policies

cents = st.sampled_from((0, 1, 33, 250))
weights = st.dictionaries(st.sampled_from(RULES), st.sampled_from((0, 1, 500, 999, 1_000, 2_500)))
policies = st.builds(
    Policy,
    weights_permille=weights,
    split_cents=cents,
    lateness_base_cents=cents,
    lateness_day_cents=cents,
    waiting_day_cents=cents,
    resourcing_cents=st.integers(0, 900),
    capacity_price_cents=st.sampled_from((0, 500, 777)),
    capacity_free_permille=st.sampled_from((0, 600, 999)),
    carbon_cents_per_tonne=st.sampled_from((0, 10_000, 1_000_000)),
    trip_base_cents=cents,
    trip_km_cents=cents,
    trip_co2e_g_per_km=st.sampled_from((0, 120)),
    priority_cents=cents,
    unserved_base_cents=cents,
    unserved_value_permille=st.sampled_from((0, 300, 333)),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, Live]:
    node = builders.node(
        cost_order_cents=draw(cents),
        cost_line_cents=draw(cents),
        cost_unit_cents=draw(cents),
        handling_order_s=draw(st.integers(0, 700)),
        handling_line_s=draw(st.integers(0, 70)),
        labour_cents_per_hour=draw(st.sampled_from((0, 1_799, 1_800))),
        packaging_cents=draw(cents),
        priority=draw(st.integers(0, 3)),
        rejection_ppm=draw(st.sampled_from((0, 2_500, 300_000))),
        rejection_by_class=draw(st.sampled_from(((), (("b", 0),), (("a", 700), ("b", 900_000))))),
        markdown_ppm_per_day=draw(st.sampled_from((0, 123, 90_000))),
        capacity_day_orders=draw(st.sampled_from((None, 1, 7))),
        capacity_day_units=draw(st.sampled_from((None, 30))),
    )
    network = builders.network(
        nodes=(node, builders.store(), builders.pickup_point()),
        skus=builders.sku_table(
            weight_g=draw(st.lists(st.integers(0, 9_000), min_size=3, max_size=3)),
            value_cents=draw(st.lists(st.integers(0, 9_999), min_size=3, max_size=3)),
            class_names=("a", "b"),
            class_of=np.array([0, 1, 0], dtype=np.int32),
        ),
    )
    live = Live(network)
    live.row_price_cents[:] = draw(st.integers(0, 9))
    live.row_cover_days[:] = np.arange(len(live.row_cover_days)) * draw(st.integers(0, 9))
    live.day_orders[0, :] = draw(st.integers(0, 8))
    live.day_units[0, :] = draw(st.integers(0, 31))
    own = st.none() | st.integers(1, 40)
    live.set_limits(0, PICK_DAY, -1, draw(own), draw(own))
    return network, live


@st.composite
def questions(draw: st.DrawFn, route: Route) -> Ask:
    skus = draw(st.lists(st.integers(0, 2), unique=True, min_size=1))
    unit, num = draw(st.integers(0, 999)), draw(st.integers(1, 3))
    price = ParcelPrice(num, unit, (("base", num * unit),), 0, 500, 500)
    deliver_s = PLACED + draw(st.sampled_from((1, 86_400, 86_401, 300_000)))
    return {
        "items": tuple((sku, draw(st.integers(1, 4))) for sku in skus),
        "distance_m": draw(st.integers(0, 900_000)),
        "price": price if route.service >= 0 else None,
        "deliver_s": deliver_s,
        "placed_s": PLACED,
        "requested_s": draw(st.sampled_from((None, deliver_s, deliver_s - 1, deliver_s - 86_401))),
        "pick_day": PICK_DAY,
    }


def check_parts(terms: tuple[CostTerm, ...]) -> None:
    for term in terms:
        assert not term.parts or sum(part for _, part in term.parts) == term.raw_cents
        assert term.amount_cents or term.rule in ("picking", "carrier")
        assert term.because


@patient
@given(cases(), policies, st.sampled_from(ROUTES), st.data())
def test_terms_of_a_shipment_are_what_the_model_says(
    case: tuple[Network, Live], policy: Policy, route: Route, data: st.DataObject
) -> None:
    network, live = case
    ask = data.draw(questions(route))
    terms = shipment_terms(network, live, policy, route, **ask)
    check_parts(terms)
    expected = terms_by_the_book(network, live, policy, route, ask)
    assert {t.rule: t.amount_cents for t in terms if t.amount_cents} == expected
    assert sum(t.amount_cents for t in terms) == sum(expected.values())
    num = ask["price"].num_parcels if ask["price"] is not None else 0
    weight_g = sum(int(network.skus.weight_g[sku]) * q for sku, q in ask["items"])
    far = ask["distance_m"]
    assert co2e_g(network, route, weight_g=weight_g, num_parcels=num, distance_m=far) == grams(network, route, ask)


@patient
@given(
    policies,
    st.integers(0, 4),
    st.none() | st.integers(0, 30_000),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), max_size=3),
)
def test_terms_of_an_order_are_what_the_model_says(
    policy: Policy, num_shipments: int, trip_distance_m: int | None, unserved: list[tuple[int, int]]
) -> None:
    network = builders.network(skus=builders.sku_table(value_cents=[1_999, 5, 333]))
    terms = order_terms(
        network, policy, num_shipments=num_shipments, trip_distance_m=trip_distance_m, unserved=unserved
    )
    check_parts(terms)
    expected = {"split": weighted(policy, "split", policy.split_cents) * max(0, num_shipments - 1)}
    if trip_distance_m is not None:
        trip = policy.trip_base_cents + half_up(Fraction(policy.trip_km_cents * trip_distance_m, 1000))
        emitted = half_up(Fraction(2 * trip_distance_m * policy.trip_co2e_g_per_km, 1000))
        carbon = half_up(Fraction(emitted * policy.carbon_cents_per_tonne, 10**6))
        expected |= {"trip": weighted(policy, "trip", trip), "carbon": weighted(policy, "carbon", carbon)}
    expected["unserved"] = 0
    for sku, quantity in unserved:
        value = int(network.skus.value_cents[sku]) * quantity
        lost = policy.unserved_base_cents + half_up(Fraction(value * policy.unserved_value_permille, 1000))
        expected["unserved"] += weighted(policy, "unserved", lost)
    got = {rule: sum(t.amount_cents for t in terms if t.rule == rule) for rule in {t.rule for t in terms}}
    assert got == {rule: amount for rule, amount in expected.items() if amount}

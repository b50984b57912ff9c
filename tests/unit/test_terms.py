"""Cost terms of shipments and orders, counted by hand."""

from typing import Any

import numpy as np
import pytest

from engine.costs.parcels import ParcelPrice
from engine.costs.terms import co2e_g, order_terms, shipment_terms, trip_co2e_g
from engine.costs.words import counted, kg, km, money, percent
from engine.domain.order import Method
from engine.domain.plan import CostTerm
from engine.domain.policy import Policy
from engine.domain.units import day_number
from engine.network.live import Live
from engine.network.model import Network, Node
from engine.network.routes import Route
from tests import builders

DAY = 86_400
PICK_DAY = day_number(builders.AS_OF.date())
PLACED = PICK_DAY * DAY
PARCEL = Route(Method.SHIP_FROM_WAREHOUSE, 0, 0)
COLLECT = Route(Method.CLICK_AND_COLLECT, 0, place=0)
LANE = Route(Method.SHIP_TO_STORE, 0, lane=0, place=1)
TWO_PARCELS = ParcelPrice(2, 690, (("base", 1_200), ("fuel", 180)), 1, 4_230, 5_000)


def network(node: Node | None = None, **changes: Any) -> Network:
    """The default network with this node in the place of its warehouse."""
    return builders.network(nodes=(node or builders.node(), builders.store(), builders.pickup_point()), **changes)


def terms(
    of: Network | None = None,
    policy: Policy | None = None,
    route: Route = PARCEL,
    items: tuple[tuple[int, int], ...] = ((0, 2), (1, 1)),
    **changes: Any,
) -> dict[str, CostTerm]:
    of = of or network()
    values: dict[str, Any] = {
        "live": Live(of),
        "distance_m": 391_499,
        "price": TWO_PARCELS if route.service >= 0 else None,
        "deliver_s": PLACED + 3 * DAY,
        "placed_s": PLACED,
        "requested_s": None,
        "pick_day": PICK_DAY,
    }
    values |= changes
    live = values.pop("live")
    found = shipment_terms(of, live, policy or Policy(), route, items=items, **values)
    for term in found:
        assert not term.parts or sum(cents for _, cents in term.parts) == term.raw_cents, term
        assert term.because
    assert len({term.rule for term in found}) == len(found)
    return {term.rule: term for term in found}


def of_order(policy: Policy | None = None, **changes: Any) -> tuple[CostTerm, ...]:
    values: dict[str, Any] = {"num_shipments": 1, "trip_distance_m": None, "unserved": ()}
    return order_terms(network(), policy or Policy(), **(values | changes))


def only(**weights: int) -> Policy:
    return Policy(weights_permille=weights)


# Each rule by itself


def test_picking_is_order_lines_units_and_labour() -> None:
    # 50 + 20 x 2 + 5 x 3 and (600 + 60 x 2) s at 18.00/h = 3.60
    term = terms()["picking"]
    assert (term.raw_cents, term.amount_cents) == (465, 465)
    assert term.parts == (("order", 50), ("lines", 40), ("units", 15), ("labour", 360))
    assert term.because == "1.05 + 600 s + 2 x 60 s at 18.00/h"


def test_labour_is_rounded_half_up() -> None:
    free = {"cost_order_cents": 0, "cost_line_cents": 0, "cost_unit_cents": 0, "handling_line_s": 0}
    at_half = builders.node(handling_order_s=1, labour_cents_per_hour=1_800, **free)
    below = builders.node(handling_order_s=1, labour_cents_per_hour=1_799, **free)
    assert terms(network(at_half))["picking"].raw_cents == 1
    assert terms(network(below))["picking"].raw_cents == 0


def test_picking_is_named_even_where_it_is_free() -> None:
    free = builders.node(
        cost_order_cents=0, cost_line_cents=0, cost_unit_cents=0, labour_cents_per_hour=0, packaging_cents=0
    )
    found = terms(network(free))
    assert list(found) == ["picking", "carrier"]
    assert (found["picking"].amount_cents, found["picking"].parts) == (0, ())


def test_packaging_and_carrier_count_each_parcel() -> None:
    found = terms()
    assert (found["packaging"].raw_cents, found["packaging"].because) == (60, "2 parcels x 0.30")
    assert (found["carrier"].raw_cents, found["carrier"].parts) == (1_380, (("base", 1_200), ("fuel", 180)))
    assert found["carrier"].because == "2 parcels of 4.23 kg charged as 5 kg, zone domestic, std"


def test_true_weight_is_said_once_where_it_is_what_is_charged() -> None:
    light = ParcelPrice(1, 490, (("base", 490),), 1, 950, 950)
    assert terms(price=light)["carrier"].because == "1 parcel of 950 g, zone domestic, std"


def test_without_a_carrier_there_is_neither_carrier_nor_packaging() -> None:
    assert list(terms(route=COLLECT)) == ["picking"]


def test_a_transfer_costs_per_order_and_per_unit() -> None:
    found = terms(route=LANE)
    assert list(found) == ["picking", "transfer"]
    assert found["transfer"].parts == (("order", 80), ("units", 30))
    assert found["transfer"].because == "wh to st: 0.80 + 3 x 0.10"


def test_lateness_counts_started_days_after_the_requested_moment() -> None:
    late_by = {0: None, 1: 500, DAY: 500, DAY + 1: 700, 2 * DAY: 700}
    for seconds, cents in late_by.items():
        term = terms(requested_s=PLACED + 3 * DAY - seconds).get("lateness")
        assert (term.raw_cents if term else None) == cents, seconds
    assert "lateness" not in terms(requested_s=PLACED + 4 * DAY)
    assert "lateness" not in terms()
    term = terms(requested_s=PLACED + DAY)["lateness"]
    assert (term.parts, term.because) == ((("base", 300), ("days", 400)), "2 days late: 3.00 + 2 x 2.00")


def test_waiting_counts_started_days_from_placing() -> None:
    policy = Policy(waiting_day_cents=10)
    assert terms(policy=policy)["waiting"].raw_cents == 30
    assert terms(policy=policy, deliver_s=PLACED + 3 * DAY + 1)["waiting"].raw_cents == 40
    assert terms(policy=policy, deliver_s=PLACED + 1)["waiting"].because == "1 day x 0.10"
    assert "waiting" not in terms(policy=policy, deliver_s=PLACED)


def test_a_rejected_pick_costs_its_probability_for_each_line() -> None:
    found = terms(network(builders.node(rejection_ppm=20_000)))["rejection"]
    assert (found.raw_cents, found.because) == (24, "2 lines, each p = 2 % x 6.00")
    single = terms(network(builders.node(rejection_ppm=20_000)), items=((0, 9),))["rejection"]
    assert (single.raw_cents, single.because) == (12, "p = 2 % x 6.00")


def test_a_rejected_pick_costs_what_the_class_of_its_sku_is_like_there() -> None:
    node = builders.node(rejection_ppm=20_000, rejection_by_class=(("hard", 100_000),))
    of = builders.network(
        nodes=(node, builders.store(), builders.pickup_point()),
        skus=builders.sku_table(class_names=("", "hard"), class_of=np.array([0, 1, 0], dtype=np.int32)),
    )
    found = terms(of)["rejection"]
    assert (found.raw_cents, found.parts) == (72, (("a", 12), ("b", 60)))
    assert found.because == "2 lines, each p = 2 % or 10 % x 6.00"


def test_rejection_is_rounded_for_each_line_and_weighed_for_each_line() -> None:
    node = builders.node(rejection_ppm=2_500)  # 1.5 cents of 600, so 2 for each line
    assert terms(network(node))["rejection"].raw_cents == 4
    weighed = terms(network(node), only(rejection=250))["rejection"]  # 0.5, so 1 for each
    assert (weighed.amount_cents, weighed.raw_cents) == (2, 4)


def test_opportunity_is_the_bid_price_of_every_unit() -> None:
    of = network()
    live = Live(of)
    live.row_price_cents[live.row(0, 0)] = 7
    live.row_price_cents[live.row(0, 1)] = 5
    term = terms(of, live=live)["opportunity"]
    assert (term.raw_cents, term.parts) == (19, (("a", 14), ("b", 5)))
    weighed = terms(of, only(opportunity=500), live=live)["opportunity"]  # 7 and 2.5, so 3
    assert weighed.amount_cents == 10
    assert "opportunity" not in terms(of)


def test_markdown_credits_what_a_unit_would_lose_by_lying_there() -> None:
    of = network(builders.node(markdown_ppm_per_day=100))
    live = Live(of)
    live.row_cover_days[live.row(0, 0)] = 30
    live.row_cover_days[live.row(0, 1)] = 10
    # a: 0.3 % of 20.00 is 6, twice; b: 0.1 % is 2
    term = terms(of, live=live)["markdown"]
    assert (term.raw_cents, term.amount_cents, term.parts) == (-14, -14, (("a", -12), ("b", -2)))
    weighed = terms(of, only(markdown=250), live=live)["markdown"]  # -3 and -0.5, which rounds up to 0
    assert weighed.amount_cents == -3


def test_a_unit_cannot_lose_more_than_its_value() -> None:
    of = network(builders.node(markdown_ppm_per_day=100_000))
    live = Live(of)
    live.row_cover_days[live.row(0, 0)] = 400
    assert terms(of, live=live, items=((0, 1),))["markdown"].raw_cents == -2_000


def test_capacity_costs_nothing_up_to_the_free_share_and_its_full_price_when_full() -> None:
    policy = Policy(capacity_price_cents=800, capacity_free_permille=600)
    of = network(builders.node(capacity_day_orders=10, capacity_day_units=200))
    by_orders = {0: None, 6: None, 7: 50, 8: 200, 9: 450, 10: 800, 15: 800}
    for used, cents in by_orders.items():
        live = Live(of)
        live.day_orders[0, PICK_DAY - live.first_day] = used
        term = terms(of, policy, live=live).get("capacity")
        assert (term.raw_cents if term else None) == cents, used
    live.day_orders[0, :] = 7
    live.day_units[0, PICK_DAY - live.first_day] = 180
    assert terms(of, policy, live=live)["capacity"].because == "90 % used, free up to 60 %"
    assert terms(of, policy, live=live, pick_day=PICK_DAY + 1)["capacity"].raw_cents == 50


def test_a_node_without_daily_capacity_pays_no_capacity_price() -> None:
    of = network()
    live = Live(of)
    live.day_orders[0, :] = 1_000
    assert "capacity" not in terms(of, Policy(capacity_price_cents=800), live=live)


def test_priority_costs_by_step() -> None:
    of = network(builders.node(priority=3))
    assert terms(of, Policy(priority_cents=25))["priority"].raw_cents == 75
    assert "priority" not in terms(of)
    assert "priority" not in terms(policy=Policy(priority_cents=25))


def test_carbon_counts_parcels_and_tonne_kilometres() -> None:
    # 1,500 g over 391,499 m at 80 g/t km = 46.98 g, two parcels of 100 g
    of = network()
    assert co2e_g(of, PARCEL, weight_g=1_500, num_parcels=2, distance_m=391_499) == 247
    assert co2e_g(of, LANE, weight_g=1_500, num_parcels=0, distance_m=391_499) == 35  # 60 g/t km: 35.2
    assert co2e_g(of, COLLECT, weight_g=1_500, num_parcels=0, distance_m=0) == 0
    term = terms(policy=Policy(carbon_cents_per_tonne=10_000))["carbon"]  # 2.47 cents
    assert (term.raw_cents, term.because) == (2, "247 g x 100.00/t")
    assert terms(policy=Policy(carbon_cents_per_tonne=10_122))["carbon"].raw_cents == 3  # 2.500134
    assert "carbon" not in terms()


# Weights


@pytest.mark.parametrize(("weight", "cents"), [(0, 0), (500, 233), (1_000, 465), (2_500, 1_163)])
def test_a_weight_scales_the_amount_and_leaves_the_raw_money(weight: int, cents: int) -> None:
    term = terms(policy=only(picking=weight))["picking"]  # halves of 232.5 and 1162.5 go up
    assert (term.amount_cents, term.raw_cents) == (cents, 465)


def test_a_weight_of_zero_leaves_a_term_out_but_carrier_and_picking_stay() -> None:
    found = terms(policy=only(picking=0, packaging=0, carrier=0))
    assert [(t.rule, t.amount_cents, t.raw_cents) for t in found.values()] == [
        ("picking", 0, 465),
        ("carrier", 0, 1_380),
    ]


def test_terms_come_in_the_order_of_the_model() -> None:
    of = network(
        builders.node(rejection_ppm=20_000, markdown_ppm_per_day=100, priority=1, capacity_day_orders=10),
    )
    live = Live(of)
    live.row_price_cents[:] = 5
    live.row_cover_days[:] = 100
    live.day_orders[0, :] = 9
    policy = Policy(capacity_price_cents=100, priority_cents=10, waiting_day_cents=10, carbon_cents_per_tonne=10_000)
    found = terms(of, policy, live=live, requested_s=PLACED)
    assert list(found) == [
        *("picking", "packaging", "carrier", "lateness", "waiting", "rejection"),
        *("opportunity", "markdown", "capacity", "priority", "carbon"),
    ]


# The order as a whole


def test_one_shipment_without_a_trip_adds_nothing() -> None:
    assert of_order() == ()
    assert of_order(num_shipments=0) == ()


def test_a_split_costs_each_shipment_after_the_first() -> None:
    (term,) = of_order(num_shipments=3)
    assert (term.rule, term.raw_cents, term.because) == ("split", 400, "3 shipments: 2 x 2.00")
    odd = Policy(split_cents=201, weights_permille={"split": 500})
    (weighed,) = of_order(odd, num_shipments=3)
    assert (weighed.amount_cents, weighed.raw_cents) == (202, 402)  # 100.5 is 101 for each


def test_a_trip_costs_a_base_and_each_kilometre_and_emits_both_ways() -> None:
    policy = Policy(carbon_cents_per_tonne=10_000)
    trip, carbon = of_order(policy, trip_distance_m=12_340)
    assert (trip.rule, trip.parts) == ("trip", (("base", 150), ("distance", 309)))  # 308.5
    assert trip.because == "1.50 + 12.3 km x 0.25"
    assert trip_co2e_g(policy, 12_340) == 2_962  # 2961.6
    assert (carbon.rule, carbon.raw_cents) == ("carbon", 30)  # 29.62
    assert [t.rule for t in of_order(trip_distance_m=0)] == ["trip"]


def test_an_unserved_line_costs_a_base_and_a_share_of_its_value() -> None:
    first, second = of_order(unserved=((0, 2), (2, 1)))
    assert (first.raw_cents, first.parts) == (3_200, (("base", 2_000), ("value", 1_200)))
    assert first.because == "2 x a: 20.00 + 30 % of the value"
    assert second.raw_cents == 2_600
    halves = Policy(unserved_base_cents=1, unserved_value_permille=0, weights_permille={"unserved": 500})
    assert [t.amount_cents for t in of_order(halves, unserved=((0, 2), (2, 1)))] == [1, 1]


def test_amounts_are_written_for_people() -> None:
    assert [money(c) for c in (0, 5, 1_205, -5, -1_205)] == ["0.00", "0.05", "12.05", "-0.05", "-12.05"]
    assert [counted(n, "line") for n in (0, 1, 2)] == ["0 lines", "1 line", "2 lines"]
    assert [kg(g) for g in (0, 999, 1_000, 4_230, 15_001)] == ["0 g", "999 g", "1 kg", "4.23 kg", "15.001 kg"]
    assert (km(391_499), percent(25, 10), percent(500, 10_000)) == ("391.5 km", "2.5 %", "0.05 %")

"""One shipment in full, and the first rule that a route breaks."""

from dataclasses import replace
from typing import Any

import pytest

from engine.domain.errors import InputError
from engine.domain.ids import NodeId, SkuId
from engine.domain.order import Destination, Method, Order
from engine.domain.plan import Refusal, Shipment, Status
from engine.domain.policy import ChannelRule, Policy, Relaxation
from engine.network.live import Live
from engine.network.model import ChannelProtection, Inbound, Network, SafetyStock
from engine.network.routes import Route
from engine.options.evaluate import Evaluator, Tools
from engine.options.request import relaxed_name
from tests.builders import at, dest, line, network, node, order, pickup_point, service, sku_table, store

FROM_WH = Route(Method.SHIP_FROM_WAREHOUSE, 0, 0)
FROM_STORE = Route(Method.SHIP_FROM_STORE, 1, 0)
RELAY = Route(Method.PICKUP_POINT, 0, 3, place=2)
NEAR_PARIS = {"lat": 48.86, "lon": 2.35, "postcode": "75004", "region": "IDF"}


def evaluator(
    net: Network | None = None,
    asked: Order | None = None,
    policy: Policy | None = None,
    *,
    relaxed: tuple[str, ...] = (),
) -> Evaluator:
    net = net or network()
    return Evaluator(net, Live(net), policy or Policy(), asked or order("a"), Tools.of(net), relaxed=relaxed)


def code(found: Shipment | Refusal) -> str:
    return found.code if isinstance(found, Refusal) else ""


def test_a_shipment_is_complete() -> None:
    found = evaluator(asked=order("a", line("b", 2))).shipment(FROM_WH, ((0, 1), (1, 2)))
    assert isinstance(found, Shipment)
    assert (found.method, found.node, found.service, found.place) == (Method.SHIP_FROM_WAREHOUSE, "wh", "std", None)
    assert [(part.line_id, part.sku, part.quantity) for part in found.lines] == [("a", "a", 1), ("b", "b", 2)]
    assert (found.num_parcels, found.weight_g, found.distance_m) == (1, 1500, 0)
    assert found.co2e_g == 100
    # Released 08:00 in Paris, 600 s + 2 x 60 s of picking, collected 17:00; two transit days to 0.9 take three.
    assert found.promise.pick_end == at("2026-06-01T06:12")
    assert found.promise.ship_by == at("2026-06-01T15:00")
    assert found.promise.release_by == at("2026-06-01T13:00")
    terms = {term.rule: term.amount_cents for term in found.terms}
    # 50 + 2 x 20 + 3 x 5 and 720 s at 18.00 an hour.
    assert terms == {"picking": 105 + 360, "packaging": 30, "carrier": 490}
    assert found.cost_cents == 465 + 30 + 490


def test_more_lines_may_miss_the_collection() -> None:
    slow = network(nodes=(node(handling_order_s=0, handling_line_s=5 * 3600), store(), pickup_point()))
    asked = evaluator(slow, order("a", "b"))
    one, two = asked.shipment(FROM_WH, ((0, 1),)), asked.shipment(FROM_WH, ((0, 1), (1, 1)))
    assert isinstance(one, Shipment)
    assert isinstance(two, Shipment)
    assert one.promise.ship_by == at("2026-06-01T15:00")
    assert two.promise.ship_by == at("2026-06-02T15:00")


@pytest.mark.parametrize(
    ("expected", "asked", "policy"),
    [
        ("method", {"methods": (Method.SAME_DAY,)}, {}),
        ("method", {"excluded_methods": (Method.SHIP_FROM_WAREHOUSE,)}, {}),
        ("method", {}, {"methods": (Method.SAME_DAY,)}),
        ("node", {"nodes": ("st",)}, {}),
        ("node", {"excluded_nodes": ("wh",)}, {}),
        ("service", {"services": ("exp",)}, {}),
        ("service", {"excluded_services": ("std",)}, {}),
        ("channel", {"channel": "web"}, {"channels": {"web": ChannelRule(node_groups=("other",))}}),
        ("channel", {"channel": "web"}, {"channels": {"web": ChannelRule(services=("exp",))}}),
        ("method", {"channel": "web"}, {"channels": {"web": ChannelRule(methods=(Method.SAME_DAY,))}}),
        ("no_route", {"pickup_node": "st"}, {}),
        ("pinned", {"lines": (line(pin_node="st"),)}, {}),
        ("no_stock", {"lines": (line(quantity=11),)}, {}),
        ("too_late", {"deliver_by": at("2026-06-02T12:00")}, {}),
    ],
    ids=str,
)
def test_the_first_broken_rule_is_named(expected: str, asked: dict[str, Any], policy: dict[str, Any]) -> None:
    found = evaluator(asked=replace(order("a"), **asked), policy=Policy(**policy))
    quantity = found.order.lines[0].quantity
    assert code(found.shipment(FROM_WH, ((0, quantity),))) == expected


@pytest.mark.parametrize(
    ("expected", "skus", "terms"),
    [
        ("ships_alone", {"ships_alone": True}, {}),
        ("node_group", {"node_groups": {0: ("other",)}}, {}),
        ("sku_service", {"services": {0: ("exp",)}}, {}),
        ("hazardous", {"hazardous": True}, {"hazardous": False}),
        ("oversize", {"oversize": True}, {"oversize": False}),
        ("too_heavy", {"weight_g": 900}, {"weight_max_g": 800}),
        ("too_large", {"longest_mm": 900}, {"longest_max_mm": 800}),
        ("too_many_parcels", {"weight_g": 700}, {"weight_max_g": 800, "parcels_max": 1}),
    ],
)
def test_rules_of_skus_and_services_are_named(expected: str, skus: dict[str, Any], terms: dict[str, Any]) -> None:
    net = network(skus=sku_table(**skus))
    net = replace(net, services=(service(**terms), *net.services[1:]))
    assert code(evaluator(net, order("a", "b")).shipment(FROM_WH, ((0, 1), (1, 1)))) == expected


def test_distance_limits_hold_for_home_deliveries_only_and_can_be_relaxed() -> None:
    near = Policy(max_distance_m=1000)
    assert code(evaluator(policy=near).shipment(FROM_STORE, ((0, 1),))) == "too_far"
    assert code(evaluator(policy=near, relaxed=("max_distance",)).shipment(FROM_STORE, ((0, 1),))) == ""
    assert code(evaluator(policy=near).shipment(RELAY, ((0, 1),))) == ""


def test_of_several_relaxed_deadlines_the_latest_holds() -> None:
    asked = replace(order("a"), deliver_by=at("2026-06-01T12:00"))
    last = evaluator().shipment(FROM_WH, ((0, 1),))
    assert isinstance(last, Shipment)
    days = (last.promise.deliver_by - asked.deliver_by).days + 1 if asked.deliver_by else 0
    early = (f"deliver_by+{days - 1}d",)
    assert code(evaluator(asked=asked, relaxed=early).shipment(FROM_WH, ((0, 1),))) == "too_late"
    assert code(evaluator(asked=asked, relaxed=(*early, f"deliver_by+{days}d")).shipment(FROM_WH, ((0, 1),))) == ""


def test_limits_on_a_plan_are_the_tighter_ones_and_can_be_dropped() -> None:
    asked = replace(order("a"), max_shipments=3, max_shipments_per_line=1)
    policy = Policy(max_shipments=5, max_shipments_per_line=2, min_parcel_value_cents=700)
    tight = evaluator(asked=asked, policy=policy)
    assert (tight.shipments_max, tight.shipments_per_line_max, tight.min_parcel_value_cents) == (3, 1, 700)
    loose = evaluator(asked=asked, policy=policy, relaxed=("max_shipments", "min_parcel_value"))
    assert loose.shipments_max > 1000
    assert (loose.shipments_per_line_max, loose.min_parcel_value_cents) == (1, 0)


def test_safety_stock_and_channel_protection_hold_units_back() -> None:
    held = network(
        stock={("wh", "a"): 3},
        safety_stock=(SafetyStock(node_id=NodeId("wh"), sku=SkuId("a"), channel="", units=1),),
        channel_protection=(ChannelProtection(node_id=NodeId("wh"), sku=SkuId("a"), channel="web", units=1),),
    )
    two = order(line("a", 2))
    assert code(evaluator(held, two).shipment(FROM_WH, ((0, 2),))) == "no_stock"
    assert code(evaluator(held, replace(two, channel="web")).shipment(FROM_WH, ((0, 2),))) == ""
    assert code(evaluator(held, two, relaxed=("safety_stock",)).shipment(FROM_WH, ((0, 2),))) == ""


def test_a_shipment_waits_for_the_last_inbound_lot_it_needs() -> None:
    lots = tuple(
        Inbound(node_id=NodeId("wh"), sku=SkuId("a"), units=2, available_at=at(f"2026-06-0{day}T08:00"))
        for day in (4, 2)
    )
    due = network(stock={("wh", "a"): 1}, inbound=lots)
    starts = []
    for quantity in (1, 2, 4, 5, 6):
        found = evaluator(due, order(line("a", quantity)), Policy(use_inbound=True)).shipment(FROM_WH, ((0, quantity),))
        starts.append(found.promise.pick_start.day if isinstance(found, Shipment) else found.code)
    assert starts == [1, 2, 4, 4, "no_stock"]
    assert code(evaluator(due, order(line("a", 2))).shipment(FROM_WH, ((0, 2),))) == "no_stock"


def test_routes_are_those_of_nodes_that_have_something() -> None:
    stocked = network(stock={("st", "a"): 1})
    assert {route.node for route in evaluator(stocked, order("a", "b")).routes} == {1}
    assert evaluator(stocked, order("b")).routes == ()


def test_places_are_the_nearest_within_reach_that_ever_open() -> None:
    shops = tuple(store(f"s{i}", **NEAR_PARIS | {"lat": 48.86 + i / 100}) for i in range(4))
    closed = store("closed", **NEAR_PARIS, opening_hours="", picking_hours="Mo-Fr 08:00-18:00")
    far = store("far")
    net = network(nodes=(*shops, closed, far), lanes=(), collections=())
    home = order("a", destination=dest("75004", lat=48.86, lon=2.35))
    assert evaluator(net, home, Policy(pickup_places_max=3)).ways.places == (0, 1, 2)
    assert evaluator(net, home).ways.places == (0, 1, 2, 3)
    assert evaluator(net, home, Policy(trip_distance_m_max=2000)).ways.places == (0, 1)
    assert evaluator(net, home, Policy(pickup_places_max=0)).ways.places == ()


def test_a_chosen_place_leaves_no_home_and_costs_no_trip() -> None:
    chosen = evaluator(asked=order("a", pickup_node="pp"))
    assert {route.method for route in chosen.routes} == {Method.PICKUP_POINT}
    assert {route.place for route in chosen.routes} == {2}
    found = chosen.shipment(RELAY, ((0, 1),))
    assert isinstance(found, Shipment)
    assert found.place == "pp"
    plan = chosen.plan([found], (), Status.OPTIMAL, found.cost_cents)
    assert (plan.cost_cents, plan.co2e_g) == (found.cost_cents, found.co2e_g)


def test_a_proposed_place_costs_the_trip_once() -> None:
    proposed = evaluator(asked=order("a", "b"))
    shipments = [proposed.shipment(RELAY, ((i, 1),)) for i in (0, 1)]
    assert all(isinstance(s, Shipment) for s in shipments)
    plan = proposed.plan([s for s in shipments if isinstance(s, Shipment)], (), Status.OPTIMAL, 0)
    assert [term.rule for term in plan.terms] == ["split", "trip"]
    assert plan.trip_co2e_g > 0
    assert plan.co2e_g == plan.trip_co2e_g + sum(s.co2e_g for s in plan.shipments)


def test_a_lane_ends_at_its_target_only() -> None:
    at_store = evaluator(asked=order("a", pickup_node="st"))
    lane = Route(Method.SHIP_TO_STORE, 0, lane=0, place=1)
    found = at_store.shipment(lane, ((0, 1),))
    assert isinstance(found, Shipment)
    assert (found.num_parcels, found.service, found.place) == (0, None, "st")
    assert code(at_store.shipment(replace(lane, place=2), ((0, 1),))) == "no_route"
    assert set(at_store.routes) == {lane, Route(Method.CLICK_AND_COLLECT, 1, place=1)}


def test_unserved_lines_are_priced_where_a_plan_was_found_only() -> None:
    asked = evaluator(asked=order("a", "b", partial=True))
    found = asked.shipment(FROM_WH, ((0, 1),))
    assert isinstance(found, Shipment)
    plan = asked.plan([found], (1,), Status.OPTIMAL, 0, explain=True)
    assert [(term.rule, term.amount_cents) for term in plan.terms] == [("unserved", 2000 + 600)]
    assert plan.unmet[0].line_id == "b"
    assert dict(plan.unmet[0].reasons) == {"pp": "no_stock"}
    nothing = asked.plan((), (0, 1), Status.INFEASIBLE, 0)
    assert (nothing.cost_cents, nothing.terms) == (0, ())


def test_every_node_that_cannot_serve_a_line_says_why() -> None:
    asked = order(line("a", 3), excluded_nodes=("st",), deliver_by=at("2026-06-01T18:00"))
    assert dict(evaluator(asked=asked).why_not(0)) == {"wh": "too_late", "st": "node", "pp": "no_stock"}
    few = network(stock={("wh", "a"): 2, ("st", "a"): 3})
    assert dict(evaluator(few, order(line("a", 3))).why_not(0)) == {"wh": "no_stock", "pp": "no_stock"}
    text = dict(evaluator(few, order(line("a", 3))).refusals(0))[NodeId("wh")].text
    assert text == "wh can promise 2 of a, not 3."


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (order("nope"), "Sku (nope)"),
        (order("A"), "(a): case counts"),
        (order("a", nodes=("x",)), "node (x)"),
        (order("a", excluded_nodes=("WH",)), "(wh): case counts"),
        (order("a", services=("x",)), "service (x)"),
        (order("a", excluded_services=("x",)), "service (x)"),
        (order("a", pickup_node="x"), "node (x)"),
        (order(line(pin_node="x")), "node (x)"),
        (order("a", destination=Destination(country="FR", postcode="13001")), "13001"),
    ],
    ids=str,
)
def test_unknown_names_are_the_callers_to_mend(asked: Order, names: str) -> None:
    with pytest.raises(InputError) as caught:
        evaluator(asked=asked)
    assert names in str(caught.value)
    assert "Maybe" in str(caught.value)


def test_relaxations_are_named_by_rule_and_days() -> None:
    assert relaxed_name(Relaxation(rule="deliver_by", days=2)) == "deliver_by+2d"
    assert relaxed_name(Relaxation(rule="max_distance")) == "max_distance"

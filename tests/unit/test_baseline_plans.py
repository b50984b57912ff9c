"""What becomes of the choices of a rule: shipments, dates and money as of our own plans."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.check.violations import violations
from engine.decide.engine import Engine
from engine.domain.ids import NodeId
from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Status
from engine.network.model import Network
from scenarios.baselines.ablation import BLIND, Ablated, Blind
from scenarios.baselines.cheapest import by_looking, cheapest
from scenarios.baselines.decide import Baseline
from scenarios.baselines.facts import NodeFacts
from scenarios.baselines.hotwax import HotWax
from scenarios.baselines.magento import MagentoDistance
from scenarios.baselines.rule import Rule
from scenarios.baselines.rules import RULES, Nearest
from scenarios.baselines.tally import Tally
from scenarios.baselines.view import UNKNOWN
from scenarios.demo import demo_network, demo_orders
from tests import builders as b

HOME = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)


def decided(rule: Rule, order: Order, network: Network | None = None) -> Plan:
    return Baseline(Engine(network or b.network(), guard=False), rule).decide(order).plan


def broken(engine: Engine, order: Order, plan: Plan) -> set[str]:
    found = violations(engine.network, engine.live, engine.policy, order.merged(), plan, engine.tools)
    return {violation.rule for violation in found}


def units(plan: Plan) -> int:
    return sum(line.quantity for s in plan.shipments for line in s.lines) + sum(u.quantity for u in plan.unmet)


def test_the_nearest_node_ships_by_its_cheapest_service_with_every_cost_term() -> None:
    order = b.order("a", "b", methods=HOME)
    plan = decided(Nearest(), order)
    (shipment,) = plan.shipments
    assert (shipment.node, shipment.service) == ("wh", "std")
    engine = Engine(b.network(), guard=False)
    assert broken(engine, order, plan) <= {"status", "bound"}
    ours = engine.decide(replace(order, nodes=(NodeId("wh"),))).plan
    assert plan.cost_cents == ours.cost_cents


def test_units_that_are_taken_but_not_there_stay_unserved_at_their_price() -> None:
    network = b.network(stock={("wh", "a"): 4, ("st", "a"): 9})
    engine = Engine(network, guard=False)
    first = engine.decide(b.order(b.line("a", 3), methods=HOME, nodes=("wh",)))
    engine.commit(first)
    plan = Baseline(engine, MagentoDistance()).decide(b.order(b.line("a", 4), methods=HOME)).plan
    assert [(s.node, s.lines[0].quantity) for s in plan.shipments] == [("wh", 1)]
    assert [(u.sku, u.quantity) for u in plan.unmet] == [("a", 3)]
    assert sum(t.amount_cents for t in plan.terms if t.rule == "unserved") > 0
    corrected = Baseline(engine, MagentoDistance(corrected=True)).decide(b.order(b.line("a", 4), methods=HOME)).plan
    assert units(corrected) == 4
    assert not corrected.unmet


def test_what_may_not_travel_together_goes_in_several_from_the_same_node() -> None:
    skus = b.sku_table("a", "b", "c", ships_alone=[True, False, False])
    plan = decided(Nearest(), b.order("a", "b", "c", methods=HOME), b.network(skus=skus))
    assert [[line.sku for line in s.lines] for s in plan.shipments] == [["a"], ["b", "c"]]
    assert not plan.unmet
    assert any(term.rule == "split" for term in plan.terms)


def test_what_no_service_takes_stays_behind_and_keeps_nothing_else_apart() -> None:
    skus = b.sku_table("a", "b", "c", weight_g=[500, 900_000, 500])
    plan = decided(Nearest(), b.order("a", "b", "c", methods=HOME), b.network(skus=skus))
    assert [[line.sku for line in s.lines] for s in plan.shipments] == [["a", "c"]]
    assert [(u.sku, u.quantity) for u in plan.unmet] == [("b", 1)]


def test_an_order_that_is_collected_comes_from_the_place_or_over_a_lane_to_it() -> None:
    at_store = decided(Nearest(), b.order("a", pickup_node="st"))
    assert [(s.method, s.node, s.place) for s in at_store.shipments] == [("click_and_collect", "st", "st")]
    sent = decided(Nearest(), b.order("a", pickup_node="st"), b.network(stock={("wh", "a"): 5}))
    assert [(s.method, s.node, s.place) for s in sent.shipments] == [("ship_to_store", "wh", "st")]


def test_excluded_nodes_pins_and_groups_bind_a_rule_too() -> None:
    assert decided(Nearest(), b.order("a", methods=HOME, excluded_nodes=("wh",))).shipments[0].node == "st"
    skus = b.sku_table("a", node_groups={0: ("nowhere",)})
    assert decided(Nearest(), b.order("a", methods=HOME), b.network(skus=skus)).shipments == ()


def test_a_date_that_cannot_be_kept_does_not_stop_a_rule_and_counts_as_late() -> None:
    order = b.order("a", methods=HOME, deliver_by=b.at("2026-06-01T12:00"))
    network = b.network()
    plan = decided(Nearest(), order, network)
    tally = Tally(network, network.policy())
    tally.add(order, plan)
    assert (tally.served_orders, tally.wished, tally.late) == (1, 1, 1)
    policy = network.policy()
    late = plan.shipments[0].promise.deliver_by - b.at("2026-06-01T12:00")
    days = late.days + 1  # started ones
    assert tally.cents["lateness"] == policy.lateness_base_cents + days * policy.lateness_day_cents


def test_a_tally_adds_up_to_what_the_plans_cost() -> None:
    network = demo_network(1)
    engine = Engine(network, guard=False)
    tally = Tally(network, engine.policy)
    total = 0
    for order in demo_orders(network, 40, 1):
        decision = engine.decide(order)
        engine.commit(decision)
        tally.add(order.merged(), decision.plan)
        if decision.plan.status == Status.OPTIMAL:
            total += decision.plan.cost_cents
    assert tally.orders == 40
    assert sum(cents for rule, cents in tally.cents.items() if rule != "unserved") <= total
    figures = tally.figures()
    assert figures["cost_per_order"] == pytest.approx(sum(v for k, v in figures.items() if k.startswith("cents_")))


def test_no_rule_and_no_blindness_is_cheaper_than_our_plan_where_it_keeps_all_rules() -> None:
    network = demo_network(1)
    engine = Engine(network, guard=False)
    others = [Baseline(engine, rule()) for rule in RULES] + [Ablated(engine, blind) for blind in BLIND]
    compared = 0
    for order in demo_orders(network, 40, 2):
        ours = engine.decide(order).plan
        if ours.status != Status.OPTIMAL:
            continue
        for other in others:
            plan = other.decide(order).plan
            if plan.shipments and not plan.unmet and not broken(engine, order, plan) - {"status", "bound"}:
                assert plan.cost_cents >= ours.cost_cents
                compared += 1
        engine.commit(engine.decide(order))
    assert compared > 200


def test_with_nothing_out_of_sight_the_plan_is_ours_at_our_cost() -> None:
    network = demo_network(1)
    engine = Engine(network, guard=False)
    seeing = Ablated(engine, Blind("without-nothing", ()))
    for order in demo_orders(network, 20, 3):
        ours, same = engine.decide(order).plan, seeing.decide(order).plan
        assert same.shipments == ours.shipments
        if ours.shipments:
            assert same.cost_cents == ours.cost_cents


def test_a_daily_limit_is_kept_by_the_rule_that_knows_one() -> None:
    nodes = (b.node("wh", capacity_day_orders=2), b.store())
    engine = Engine(b.network(nodes=nodes, lanes=()), guard=False)
    rule = Baseline(engine, HotWax())
    served = []
    for i in range(3):
        decision = rule.decide(b.order("a", order_id=f"o{i}", methods=HOME))
        rule.commit(decision)
        served.append(decision.plan.shipments[0].node)
    assert served == ["wh", "st", "st"]


def test_a_limit_by_the_hour_is_one_by_the_day_of_as_many_hours_as_are_worked() -> None:
    nodes = (
        b.node("wh", picking_hours="Mo-Fr 08:00-11:00", capacity_hour_orders=4),
        b.store("st", capacity_hour_orders=4, capacity_day_orders=6),
        b.node("free"),
    )
    network = b.network(nodes=nodes, lanes=(), stock={(n, "a"): 9 for n in ("wh", "st", "free")})
    engine = Engine(network, guard=False)
    assert NodeFacts(network, engine.tools).orders_max.tolist() == [12, 6, UNKNOWN]


def test_the_day_of_an_order_is_that_of_most_nodes() -> None:
    engine = Engine(b.network(), guard=False)
    baseline = Baseline(engine, Nearest())
    days = []
    for moment in ("2026-06-01T21:59", "2026-06-01T22:01"):  # midnight in Paris is at 22:00 UTC
        order = b.order("a", methods=HOME, placed_at=b.at(moment))
        days.append(baseline.view(engine.chooser.request(order), order).day)
    assert days[1] - days[0] == 1


def test_the_cheapest_shipment_from_a_node_is_the_one_that_a_look_at_each_service_finds() -> None:
    network = demo_network(2)
    engine = Engine(network, guard=False)
    rng = np.random.default_rng(5)
    found = 0
    for order in demo_orders(network, 120, 5):
        request = engine.chooser.request(replace(order.merged(), deliver_by=None))
        lines = range(len(request.order.lines))
        for node in rng.choice(len(network.nodes), 4, replace=False).tolist():
            items = tuple(
                (line, min(request.order.lines[line].quantity, request.available(node, line)))
                for line in lines
                if request.available(node, line)
            )
            if items and request.ways.node_barred(node) is None:
                one, other = cheapest(engine, request, node, items), by_looking(request, node, items)
                assert (one is None) == (other is None)
                if one is not None and other is not None:
                    found += 1
                    assert one.cost_cents == other.cost_cents
        engine.commit(engine.decide(order))
    assert found > 100


def test_what_a_rule_chose_leaves_when_it_is_handed_over() -> None:
    baseline = Baseline(Engine(b.network(stock={("wh", "a"): 4, ("st", "a"): 9}), guard=False), MagentoDistance())
    first = baseline.decide(b.order(b.line("a", 4), methods=HOME))
    baseline.commit(first)
    leaves = first.plan.shipments[0].promise.ship_by
    for placed_at, nodes in ((leaves - timedelta(minutes=1), []), (leaves, ["st"])):
        order = b.order(b.line("a", 4), order_id=f"at {placed_at}", methods=HOME, placed_at=placed_at)
        assert [s.node for s in baseline.decide(order).plan.shipments] == nodes

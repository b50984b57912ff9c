"""The comparison of ours with the rules of others: the same orders and stock for everybody, and nothing left behind."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.decide.engine import Engine
from engine.domain.errors import InputError
from engine.domain.order import Destination, Method, Order
from engine.domain.plan import Decision, Status
from engine.network.model import Network, ServiceKind
from engine.options.ways import PLACE_METHODS
from scenarios.baselines.ablation import BLIND, Ablated, without_cutoffs
from scenarios.baselines.rules import RULES
from scenarios.baselines.tally import STOCK_VALUES
from scenarios.comparison import (
    AS_DECIDED,
    OURS,
    WITH_PICKUP,
    Ours,
    baselines,
    compare,
    compare_decided,
    decide_freely,
    is_baseline,
    to_home,
    unbound,
)
from scenarios.demo import demo_network, demo_orders
from tests import builders as b

HOME = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)


def ranked(**changes: object) -> Network:
    """The default network with a priority that tells its nodes apart."""
    nodes = (b.node("wh"), b.store("st", priority=1), b.pickup_point())
    return b.network(**({"nodes": nodes} | changes))


def held(engine: Engine) -> list[int]:
    live = engine.live
    return [int(a.sum()) for a in (live.row_reserved, live.day_orders, live.day_units, live.hour_orders)]


def decided(engine: Engine, orders: Sequence[Order], *, commit: bool = True) -> list[tuple[Order, Decision]]:
    out = []
    for order in orders:
        decision = engine.decide(order)
        if commit:
            engine.commit(decision)
        out.append((order, decision))
    return out


def test_an_order_for_home_offers_no_place_and_one_for_a_place_stays_as_it_is() -> None:
    assert not set(to_home(b.order("a")).methods) & PLACE_METHODS
    collected = b.order("a", pickup_node="st")
    assert to_home(collected) is collected
    only_there = b.order("a", methods=(Method.PICKUP_POINT,))
    assert to_home(only_there) is only_there


def test_a_date_to_be_kept_becomes_a_wish_for_everybody() -> None:
    early, late = b.at("2026-06-02T12:00"), b.at("2026-06-05T12:00")
    softened = unbound(b.order("a", deliver_by=late))
    assert (softened.requested_by, softened.deliver_by) == (late, None)
    assert unbound(b.order("a", deliver_by=late, requested_by=early)).requested_by == early
    assert unbound(b.order("a")).requested_by is None


def test_what_no_rule_looks_at_binds_nobody() -> None:
    wishes = {"keep_together": (("a", "b"),), "max_shipments": 1, "max_distance_m": 5, "partial": True}
    assert unbound(b.order("a", "b", **wishes)) == b.order("a", "b")
    kept = {"methods": HOME, "excluded_nodes": ("wh",), "signature": True, "pickup_node": "st"}
    assert unbound(b.order("a", **kept)) == b.order("a", **kept)


def test_what_cannot_be_in_time_or_in_full_is_served_late_and_in_part() -> None:
    engine = Engine(b.network(stock={("wh", "a"): 3}), guard=False)
    late = decide_freely(engine, b.order("a", deliver_by=b.at("2026-06-01T07:00"))).plan
    assert late.deliver_by is not None
    assert late.deliver_by > b.at("2026-06-01T07:00")
    part = decide_freely(engine, b.order("a", "b")).plan
    assert [u.sku for u in part.unmet] == ["b"]
    assert part.status == Status.OPTIMAL


def test_units_that_are_anywhere_are_served_though_the_line_is_not_and_however_dear() -> None:
    network = b.network(stock={("wh", "a"): 1, ("st", "a"): 1, ("wh", "b"): 5})
    policy = replace(network.policy(), unserved_base_cents=0, unserved_value_permille=0)  # leaving out is free
    engine = Engine(network, policy=policy, guard=False)
    plan = decide_freely(engine, b.order(b.line("a", 3), "b", methods=HOME)).plan
    assert sum(line.quantity for s in plan.shipments for line in s.lines) == 3
    assert [(u.sku, u.quantity) for u in plan.unmet] == [("a", 1)]


def test_lines_that_go_nowhere_do_not_stop_the_others_however_cheap_it_were() -> None:
    network = b.network(skus=b.sku_table("a", "b", "c", weight_g=[500, 900_000, 500]))
    policy = replace(network.policy(), unserved_base_cents=1, unserved_value_permille=0)
    plan = decide_freely(Engine(network, policy=policy, guard=False), b.order("a", "b", "c", methods=HOME)).plan
    assert [line.sku for s in plan.shipments for line in s.lines] == ["a", "c"]
    assert [u.sku for u in plan.unmet] == ["b"]


def test_ours_and_ablations_are_no_rules_of_others() -> None:
    assert not any(is_baseline(name) for name in (OURS, WITH_PICKUP, AS_DECIDED, *(blind.name for blind in BLIND)))
    assert all(is_baseline(rule.name) for rule in RULES)


def test_every_policy_starts_from_the_same_stock_and_gives_it_back() -> None:
    network = ranked(stock={("wh", "a"): 3, ("st", "a"): 3})
    engine = Engine(network, guard=False)
    orders = [b.order(b.line("a", 2), order_id=f"o{i}", methods=HOME) for i in range(4)]
    before = held(engine)
    rules, _ = baselines(engine)
    found = compare(engine, orders, [Ours(engine), *rules])
    assert held(engine) == before
    shares = {name: found.figures[name]["unfilled_share"] for name in found.figures if "magento" not in name}
    assert set(shares.values()) == {0.25}  # of eight units six are there, for whoever comes first


def test_without_commits_every_order_finds_all_of_the_stock() -> None:
    engine = Engine(ranked(stock={("wh", "a"): 2}), guard=False)
    orders = [b.order(b.line("a", 2), order_id=f"o{i}", methods=HOME) for i in range(3)]
    rules, _ = baselines(engine)
    assert compare(engine, orders, rules[:1], commit=False).figures["nearest"]["unfilled_share"] == 0.0
    rules, _ = baselines(engine)
    assert compare(engine, orders, rules[:1]).figures["nearest"]["unfilled_share"] == pytest.approx(2 / 3)


def test_a_rule_that_the_network_has_nothing_for_is_left_out_with_the_reason() -> None:
    rules, left_out = baselines(Engine(b.network(), guard=False))  # priorities are all 0
    assert {rule.name for rule in left_out} == {"priority", "magento-priority"}
    assert all("have the same (0)" in rule.reason for rule in left_out)
    assert {rule.name for rule in RULES} - {rule.name for rule in rules} == {"priority", "magento-priority"}


def test_rules_that_cannot_place_an_order_are_left_out_and_hold_nothing() -> None:
    engine = Engine(ranked(), guard=False)
    nowhere = Destination(country="FR", postcode="75011", lat=0.0, lon=0.0)
    orders = [b.order("a", order_id="known", methods=HOME), b.order("a", methods=HOME, destination=nowhere)]
    before = held(engine)
    rules, _ = baselines(engine)
    found = compare(engine, orders, [Ours(engine), *rules])
    by_other_things = {"priority", "magento-priority", "magento-priority-corrected", "spree", "spree-corrected"}
    assert set(found.figures) == {OURS} | by_other_things
    assert "no coordinates" in found.left_out[0].reason
    assert held(engine) == before


def test_what_is_wrong_with_an_order_for_everybody_is_raised() -> None:
    engine = Engine(ranked(), guard=False)
    with pytest.raises(InputError, match="unknown"):
        compare(engine, [b.order("zzz")], [Ours(engine)])


def test_decisions_are_compared_from_the_stock_before_them_and_stay_held() -> None:
    network = demo_network(4)
    engine = Engine(network)
    pairs = decided(engine, demo_orders(network, 25, 4))
    before = held(engine)
    found = compare_decided(engine, pairs, orders_max=20)
    assert held(engine) == before
    assert found.num_orders == 20
    assert list(found.figures)[:2] == [AS_DECIDED, OURS]
    assert found.best_baseline is not None
    again = compare_decided(engine, pairs, orders_max=20)
    assert again == found
    as_decided, home = found.figures[AS_DECIDED], found.figures[OURS]
    assert as_decided["cost_per_order"] < home["cost_per_order"]  # it may propose a pickup place, too
    assert sum(v for k, v in as_decided.items() if k.startswith("cents_")) == pytest.approx(
        as_decided["cost_per_order"]
    )


def test_the_values_of_stock_are_not_in_what_is_paid() -> None:
    network = demo_network(4)
    engine = Engine(network)
    figures = compare_decided(engine, decided(engine, demo_orders(network, 10, 4)), orders_max=10).figures[OURS]
    values = sum(figures.get(f"cents_{rule}", 0.0) for rule in STOCK_VALUES)
    assert values < 0
    assert figures["cost_per_order_cash"] == pytest.approx(figures["cost_per_order"] - values)


def test_who_does_not_see_cutoffs_takes_the_node_that_misses_its_hand_over_and_pays_for_it() -> None:
    # The warehouse's last hand-over of the day is released by noon; the store's, dearer to pick, by four.
    def collection(node: str, cutoff: str) -> object:
        return b.collection(node, "std", cutoff=cutoff, collect="17:00")

    network = b.network(
        nodes=(b.node("wh"), b.store("st", lat=48.8, lon=2.3, postcode="75001", cost_order_cents=150)),
        lanes=(),
        collections=(collection("wh", "12:00"), collection("st", "16:00")),
    )
    policy = replace(network.policy(), waiting_day_cents=400)
    engine = Engine(network, policy=policy, guard=False)
    order = b.order("a", methods=HOME, placed_at=b.at("2026-06-01T11:00"))  # 13:00 in Paris
    seeing = engine.decide(order).plan
    blind = Ablated(engine, next(blind for blind in BLIND if blind.name == "without-cut-offs"))
    missed = blind.decide(order).plan
    assert [s.node for s in seeing.shipments] == ["st"]
    assert [s.node for s in missed.shipments] == ["wh"]
    assert missed.shipments[0].promise.ship_by.date() > seeing.shipments[0].promise.ship_by.date()
    assert missed.cost_cents > seeing.cost_cents


def test_without_cutoffs_parcels_and_transfers_leave_as_the_day_ends_and_couriers_as_before() -> None:
    network = b.network()
    couriers = {s.service_id for s in network.services if s.kind == ServiceKind.COURIER}
    seen = without_cutoffs(network)
    assert {row.cutoff for row in seen.collections if row.service_id not in couriers} == {"23:59:59"}
    assert {r for r in seen.collections if r.service_id in couriers} == {
        r for r in network.collections if r.service_id in couriers
    }
    assert {lane.depart for lane in seen.lanes if lane.transit_days} == {"23:59:59"}


def test_an_order_in_time_for_its_cutoff_is_decided_alike_with_and_without_a_look_at_it() -> None:
    engine = Engine(b.network(), guard=False)
    blind = Ablated(engine, BLIND[0])
    order = b.order("a", methods=HOME)
    assert blind.decide(order).plan.shipments == engine.decide(order).plan.shipments

"""One rule, one plan that breaks it and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from engine.check.violations import violations
from engine.domain.ids import NodeId
from engine.domain.order import Method, Order
from engine.domain.plan import CostTerm, Plan, Shipment, Status
from engine.domain.policy import ChannelRule, Policy, Relaxation
from engine.network.live import Live
from engine.network.model import Inbound, Network, NodeKind
from engine.network.routes import Route
from engine.options.evaluate import Evaluator, Tools
from tests.builders import at, network, node, order, pickup_point, service, sku_table, store

FROM_WH = Route(Method.SHIP_FROM_WAREHOUSE, 0, 0)
FROM_STORE = Route(Method.SHIP_FROM_STORE, 1, 0)
FAST_FROM_STORE = Route(Method.SHIP_FROM_STORE, 1, 1)


@dataclass
class Scene:
    """A network, an order of "a" and "b", and plans made of it before a rule is tightened."""

    network: Network = field(default_factory=network)
    policy: Policy = field(default_factory=Policy)
    order: Order = field(default_factory=lambda: order("a", "b"))

    def __post_init__(self) -> None:
        self.live = Live(self.network)
        self.tools = Tools.of(self.network)

    def plan(self, *chosen: tuple[Route, dict[int, int]], status: Status = Status.OPTIMAL, **changes: Any) -> Plan:
        evaluator = Evaluator(self.network, self.live, self.policy, self.order, self.tools)
        shipments = []
        for route, items in chosen:
            shipment = evaluator.shipment(route, tuple(items.items()))
            assert isinstance(shipment, Shipment), shipment
            shipments.append(shipment)
        served = {i for _, items in chosen for i in items}
        left = [i for i in range(len(self.order.lines)) if i not in served]
        plan = evaluator.plan(shipments, left, status, 0)
        return replace(plan, **({"bound_cents": plan.cost_cents} | changes))

    def broken(self, plan: Plan, **changes: Any) -> set[str]:
        parts = {"network": self.network, "live": self.live, "policy": self.policy, "order": self.order} | changes
        tools = changes.pop("tools", None) or (Tools.of(parts["network"]) if "network" in changes else self.tools)
        return {
            v.rule for v in violations(parts["network"], parts["live"], parts["policy"], parts["order"], plan, tools)
        }

    def split(self) -> Plan:
        """Line a from the warehouse, line b from the store."""
        return self.plan((FROM_WH, {0: 1}), (FROM_STORE, {1: 1}))

    def together(self) -> Plan:
        """Both lines from the warehouse."""
        return self.plan((FROM_WH, {0: 1, 1: 1}))


def test_correct_plans_break_no_rule() -> None:
    scene = Scene()
    assert scene.broken(scene.split()) == set()
    assert scene.broken(scene.together()) == set()


def test_a_plan_that_names_an_unknown_node_is_told_so_and_nothing_else() -> None:
    scene = Scene()
    plan = scene.together()
    assert scene.broken(replace(plan, shipments=(replace(plan.shipments[0], node=NodeId("no")),))) == {"name"}


def test_a_line_that_is_neither_served_nor_left_out_is_not_covered() -> None:
    scene = Scene()
    plan = scene.plan((FROM_WH, {0: 1}))
    forgotten = replace(plan, unmet=(), terms=(), bound_cents=plan.shipments[0].cost_cents)
    assert scene.broken(forgotten) == {"cover"}


def test_a_line_that_is_served_twice_is_not_covered() -> None:
    scene = Scene()
    plan = scene.plan((FROM_WH, {0: 1, 1: 1}), (FROM_STORE, {1: 1}))
    assert "cover" in scene.broken(plan)


def test_a_line_may_be_left_out_of_a_partial_order_only() -> None:
    scene = Scene(order=order("a", "b", partial=True))
    plan = scene.plan((FROM_WH, {0: 1}))
    assert scene.broken(plan) == set()
    assert scene.broken(plan, order=order("a", "b")) == {"cover"}


def test_two_shipments_may_not_take_the_same_last_units() -> None:
    scene = Scene(
        network=network(stock={("wh", "a"): 3, ("st", "a"): 3}),
        order=order(replace(order().lines[0], quantity=4)),
    )
    plan = scene.plan((FROM_WH, {0: 2}), (FROM_STORE, {0: 2}))
    assert scene.broken(plan) == set()
    scene.live.row_on_hand[:] = (3, 1)
    assert scene.broken(plan) == {"stock"}


def test_a_day_with_room_for_one_order_takes_no_two() -> None:
    scene = Scene(network=network(nodes=(node(capacity_day_orders=1), store(), pickup_point())))
    plan = scene.plan((FROM_WH, {0: 1}), (Route(Method.SHIP_FROM_WAREHOUSE, 0, 1), {1: 1}))
    assert scene.broken(plan) == {"capacity"}


def test_an_hour_with_room_for_one_unit_takes_no_two() -> None:
    scene = Scene(network=network(nodes=(node(capacity_hour_units=1), store(), pickup_point())))
    plan = scene.plan((FROM_WH, {0: 1}), (Route(Method.SHIP_FROM_WAREHOUSE, 0, 1), {1: 1}))
    assert scene.broken(plan) == {"capacity"}


def test_a_promise_must_be_the_one_that_the_calendars_give() -> None:
    scene = Scene()
    plan = scene.together()
    promise = replace(plan.shipments[0].promise, release_by=plan.shipments[0].promise.release_by + timedelta(seconds=1))
    assert scene.broken(replace(plan, shipments=(replace(plan.shipments[0], promise=promise),))) == {"promise"}


def test_a_promise_after_the_deadline_is_late_by_a_second() -> None:
    scene = Scene()
    plan = scene.together()
    by = plan.shipments[0].promise.deliver_by
    assert scene.broken(plan, order=replace(scene.order, deliver_by=by)) == set()
    assert scene.broken(plan, order=replace(scene.order, deliver_by=by - timedelta(seconds=1))) == {"deliver_by"}


def test_a_relaxed_deadline_holds_two_days_later() -> None:
    scene = Scene()
    plan = replace(scene.together(), relaxed=("deliver_by+2d",))
    by = plan.shipments[0].promise.deliver_by - timedelta(days=2)
    assert scene.broken(plan, order=replace(scene.order, deliver_by=by)) == set()
    assert scene.broken(plan, order=replace(scene.order, deliver_by=by - timedelta(seconds=1))) == {"deliver_by"}


def test_no_more_shipments_than_allowed() -> None:
    scene = Scene()
    assert scene.broken(scene.split(), order=replace(scene.order, max_shipments=1)) == {"max_shipments"}
    assert scene.broken(scene.split(), policy=Policy(max_shipments=1)) == {"max_shipments"}


def _divided(**policy: Any) -> tuple[Scene, Plan]:
    """Four units, of which no node has more than three."""
    scene = Scene(
        network=network(stock={("wh", "a"): 3, ("st", "a"): 3}),
        order=order(replace(order().lines[0], quantity=4)),
        policy=Policy(**policy),
    )
    return scene, scene.plan((FROM_WH, {0: 3}), (FROM_STORE, {0: 1}))


def test_a_line_is_in_no_more_shipments_than_allowed() -> None:
    scene, plan = _divided()
    assert scene.broken(plan) == set()
    assert scene.broken(plan, order=replace(scene.order, max_shipments_per_line=1)) == {"max_shipments_per_line"}


def test_a_line_stays_whole_where_the_policy_splits_no_quantities() -> None:
    scene, plan = _divided(allow_quantity_split=False)
    assert scene.broken(plan) == {"whole_lines"}


def test_a_sku_that_is_never_split_stays_whole() -> None:
    scene, plan = _divided()
    rigid = replace(scene.network, skus=sku_table(never_split=True))
    assert scene.broken(plan, network=rigid) == {"whole_lines"}


def test_a_line_that_one_route_can_serve_whole_stays_whole() -> None:
    scene, plan = _divided()
    scene.live.row_on_hand[:] = (4, 3)
    assert scene.broken(plan) == {"whole_lines"}


def test_lines_kept_together_are_in_one_shipment() -> None:
    scene = Scene()
    grouped = replace(scene.order, keep_together=(tuple(line.line_id for line in scene.order.lines),))
    assert scene.broken(scene.together(), order=grouped) == set()
    assert scene.broken(scene.split(), order=grouped) == {"keep_together"}


def test_a_sku_that_ships_alone_has_no_company() -> None:
    scene = Scene()
    plan, lonely = scene.together(), replace(scene.network, skus=sku_table(ships_alone=(True, False, False)))
    assert scene.broken(plan, network=lonely) == {"ships_alone"}
    assert scene.broken(scene.split(), network=lonely) == set()


@pytest.mark.parametrize(
    "columns",
    [{"node_groups": {0: ("other",)}}, {"services": {0: ("exp",)}}],
    ids=["of nodes", "of services"],
)
def test_restrictions_of_a_sku_hold(columns: dict[str, Any]) -> None:
    scene = Scene()
    assert scene.broken(scene.together(), network=replace(scene.network, skus=sku_table(**columns))) == {"restriction"}


@pytest.mark.parametrize("flag", ["hazardous", "oversize"])
def test_a_service_that_takes_no_such_goods_carries_none(flag: str) -> None:
    scene = Scene(network=network(skus=sku_table(**{flag: True})))
    plan = scene.together()
    services = (service(**{flag: False}), *scene.network.services[1:])
    assert scene.broken(plan, network=replace(scene.network, services=services)) == {"restriction"}


@pytest.mark.parametrize(
    "limits",
    [
        {"weight_max_g": 499, "parcels_max": 99},
        {"longest_max_mm": 199},
        {"length_girth_max_mm": 599},
        {"volume_max_cm3": 1999, "parcels_max": 99},
        {"weight_max_g": 500, "parcels_max": 1},
    ],
    ids=str,
)
def test_a_service_takes_nothing_above_its_limits(limits: dict[str, Any]) -> None:
    scene = Scene()
    services = (service(**limits), *scene.network.services[1:])
    assert scene.broken(scene.together(), network=replace(scene.network, services=services)) == {"limit"}


def test_each_part_of_a_split_order_is_worth_enough() -> None:
    scene = Scene()
    dear = Policy(min_parcel_value_cents=2001)
    assert scene.broken(scene.split(), policy=dear) == {"min_parcel_value"}
    assert scene.broken(scene.together(), policy=Policy(min_parcel_value_cents=9999)) == set()


def test_a_pinned_line_comes_from_its_node() -> None:
    scene = Scene()
    lines = (replace(scene.order.lines[0], pin_node=NodeId("st")), scene.order.lines[1])
    assert scene.broken(scene.together(), order=replace(scene.order, lines=lines)) == {"pin"}


def test_an_order_is_collected_at_one_place() -> None:
    paris = {"lat": 48.86, "lon": 2.35, "postcode": "75004", "region": "IDF"}
    scene = Scene(network=network(nodes=(store("wh", **paris), store("st", **paris), pickup_point()), lanes=()))
    first, second = (Route(Method.CLICK_AND_COLLECT, k, place=k) for k in (0, 1))
    assert scene.broken(scene.plan((first, {0: 1, 1: 1}))) == set()
    assert scene.broken(scene.plan((first, {0: 1}), (second, {1: 1}))) == {"place"}


@pytest.mark.parametrize(
    "tightened",
    [
        lambda o: replace(o, methods=(Method.SAME_DAY,)),
        lambda o: replace(o, excluded_methods=(Method.SHIP_FROM_WAREHOUSE,)),
        lambda o: replace(o, nodes=(NodeId("st"),)),
        lambda o: replace(o, excluded_nodes=(NodeId("wh"),)),
        lambda o: replace(o, services=("exp",)),
        lambda o: replace(o, excluded_services=("std",)),
    ],
    ids=["methods", "excluded_methods", "nodes", "excluded_nodes", "services", "excluded_services"],
)
def test_what_the_order_forbids_is_not_used(tightened: Callable[[Order], Order]) -> None:
    scene = Scene()
    assert scene.broken(scene.together(), order=tightened(scene.order)) == {"route"}


@pytest.mark.parametrize(
    "rule",
    [
        ChannelRule(methods=(Method.SAME_DAY,)),
        ChannelRule(node_groups=("other",)),
        ChannelRule(services=("exp",)),
    ],
    ids=["methods", "node groups", "services"],
)
def test_what_the_channel_forbids_is_not_used(rule: ChannelRule) -> None:
    scene = Scene()
    assert scene.broken(scene.together(), policy=Policy(channels={"": rule})) == {"route"}


def test_a_route_that_the_network_lacks_is_not_used() -> None:
    scene = Scene()
    plan = scene.together()
    vendors = (node(kind=NodeKind.VENDOR), *scene.network.nodes[1:])
    assert scene.broken(plan, network=replace(scene.network, nodes=vendors)) == {"route"}
    mute = (node(offers=()), *scene.network.nodes[1:])
    assert scene.broken(plan, network=replace(scene.network, nodes=mute)) == {"route"}


def test_no_home_delivery_from_too_far() -> None:
    scene = Scene()
    plan = scene.plan((FROM_STORE, {0: 1, 1: 1}))
    far_m = plan.shipments[0].distance_m
    assert scene.broken(plan, order=replace(scene.order, max_distance_m=far_m)) == set()
    assert scene.broken(plan, order=replace(scene.order, max_distance_m=far_m - 1)) == {"distance"}
    assert scene.broken(plan, policy=Policy(max_distance_m=far_m - 1)) == {"distance"}


@pytest.mark.parametrize("fact", ["num_parcels", "weight_g", "distance_m", "co2e_g"])
def test_facts_of_a_shipment_are_recounted(fact: str) -> None:
    scene = Scene()
    plan = scene.together()
    wrong = replace(plan.shipments[0], **{fact: getattr(plan.shipments[0], fact) + 1})
    assert scene.broken(replace(plan, shipments=(wrong,))) == {"facts"}


def test_emissions_of_the_trip_are_recounted() -> None:
    scene = Scene()
    assert scene.broken(replace(scene.together(), trip_co2e_g=1)) == {"facts"}


def test_costs_are_recounted_to_the_cent() -> None:
    scene = Scene()
    plan = scene.together()
    dearer = tuple(
        replace(t, amount_cents=t.amount_cents + 1, raw_cents=t.raw_cents + 1, parts=())
        for t in plan.shipments[0].terms
    )
    wrong = replace(plan, shipments=(replace(plan.shipments[0], terms=dearer),))
    assert scene.broken(replace(wrong, bound_cents=wrong.cost_cents)) == {"cost"}


def test_no_cost_term_is_missing_or_too_many() -> None:
    scene = Scene()
    plan = scene.split()
    free = replace(plan, terms=())
    assert scene.broken(replace(free, bound_cents=free.cost_cents)) == {"cost"}
    extra = replace(plan, terms=(*plan.terms, CostTerm(rule="trip", amount_cents=1, raw_cents=1)))
    assert scene.broken(replace(extra, bound_cents=extra.cost_cents)) == {"cost"}


def test_the_parts_of_a_term_add_up() -> None:
    scene = Scene()
    plan = scene.together()
    terms = tuple(
        replace(t, parts=(("base", t.raw_cents - 1),)) if t.rule == "carrier" else t for t in plan.shipments[0].terms
    )
    assert scene.broken(replace(plan, shipments=(replace(plan.shipments[0], terms=terms),))) == {"total"}


def test_the_bound_is_not_above_the_cost_and_meets_it_in_an_optimum() -> None:
    scene = Scene()
    plan = scene.together()
    assert scene.broken(replace(plan, bound_cents=plan.cost_cents + 1)) == {"bound"}
    assert scene.broken(replace(plan, bound_cents=plan.cost_cents - 1)) == {"bound"}
    cut = replace(plan, bound_cents=plan.cost_cents - 1, status=Status.FEASIBLE, limit="deadline")
    assert scene.broken(cut) == set()


def test_a_status_fits_its_plan() -> None:
    scene = Scene()
    plan = scene.together()
    assert scene.broken(replace(plan, status=Status.INFEASIBLE)) == {"status"}
    assert scene.broken(replace(plan, status=Status.FEASIBLE)) == {"status"}
    assert scene.broken(replace(plan, limit="deadline")) == {"status"}
    nothing = scene.plan(status=Status.INFEASIBLE, bound_cents=0)
    assert scene.broken(nothing) == set()
    assert "status" in scene.broken(replace(nothing, status=Status.OPTIMAL))


def test_relaxations_are_given_up_in_the_policys_order() -> None:
    policy = Policy(relaxations=(Relaxation(rule="max_distance"), Relaxation(rule="deliver_by", days=3)))
    scene = Scene(policy=policy)
    plan = scene.together()
    assert scene.broken(replace(plan, relaxed=("max_distance", "deliver_by+3d"))) == set()
    assert scene.broken(replace(plan, relaxed=("deliver_by+3d", "max_distance"))) == {"status"}
    assert scene.broken(replace(plan, relaxed=("safety_stock",))) == {"status"}


def test_lines_that_share_a_sku_are_checked_as_one() -> None:
    twice = order("a", "b", replace(order().lines[0], line_id="a2"))
    scene = Scene(order=twice.merged())
    plan = scene.plan((FROM_WH, {0: 2, 1: 1}))
    assert scene.broken(plan, order=twice) == set()


def test_the_promise_of_inbound_units_counts_from_their_arrival() -> None:
    due = Inbound(node_id=NodeId("wh"), sku="a", units=3, available_at=at("2026-06-03T12:00"))
    scene = Scene(
        network=network(stock={("wh", "a"): 1, ("wh", "b"): 5}, inbound=(due,)),
        policy=Policy(use_inbound=True),
        order=order(replace(order().lines[0], quantity=2), "b"),
    )
    plan = scene.plan((FROM_WH, {0: 2, 1: 1}))
    assert plan.shipments[0].promise.pick_start == at("2026-06-03T12:00")
    assert scene.broken(plan) == set()
    assert scene.broken(plan, policy=Policy()) == {"stock", "promise"}

"""Lines that the kernel divides, and shipments that share a node, against a twin that tries everything."""

from dataclasses import replace

import pytest

from engine.check.violations import violations
from engine.decide.engine import Engine
from engine.domain.order import Method
from engine.domain.plan import Plan, Status
from engine.domain.policy import Policy
from engine.network.live import Live
from tests import builders
from tests.dice import Dice
from tests.random_networks import HORIZON_DAYS, fill
from tests.strategies import FEATURES, Case, hungry, random_case
from tests.twin import best

SHIP = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)


def _stocked(case: Case, times: int) -> Case:
    """The case with more stock, none of which is on its way."""
    stock = case.network.stock
    plenty = (stock.on_hand * times).astype(stock.on_hand.dtype)
    network = replace(case.network, stock=replace(stock, on_hand=plenty))
    live = Live(network, HORIZON_DAYS)
    fill(Dice(case.seed, frozenset(FEATURES)), live)
    return replace(case, network=network, live=live, policy=replace(case.policy, use_inbound=False))


def _confirmed(case: Case) -> Plan:
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    plan = engine.decide(case.order, deadline_ms=600_000).plan
    assert list(violations(case.network, case.live, case.policy, case.order, plan, engine.tools)) == []
    right = best(case, engine.tools)
    assert (plan.status, plan.cost_cents) == (Status.OPTIMAL, right.cost_cents)
    return plan


def _is_divided(plan: Plan) -> bool:
    parts = [part.line_id for shipment in plan.shipments for part in shipment.lines]
    return len(parts) > len(set(parts))


# found among the first 1,500 as those that the kernel divides; most orders of this kind cannot be served at all
@pytest.mark.parametrize("seed", [652, 691, 888, 1078, 1213, 1217, 1277, 1288, 1313, 1362])
def test_a_line_in_pieces_costs_what_a_twin_says(seed: int) -> None:
    plan = _confirmed(_stocked(hungry(random_case(seed, num_lines=1 + seed % 2), 5), 2))
    assert plan.method == "subset"
    assert _is_divided(plan)


@pytest.mark.parametrize("seed", [560, 623, 931, 975, 1078, 1181, 1187, 1321, 1476])
def test_a_line_of_many_units_costs_what_a_twin_says(seed: int) -> None:
    plan = _confirmed(_stocked(hungry(random_case(seed, num_lines=1 + seed % 2), 15), 3))
    assert plan.method == "subset"
    assert _is_divided(plan)


@pytest.mark.parametrize(("room", "nodes"), [(1, {"wh", "st"}), (2, {"wh"}), (None, {"wh"})])
def test_two_shipments_that_share_a_node_stay_there_as_far_as_it_has_room(room: int | None, nodes: set[str]) -> None:
    network = builders.network(
        nodes=(builders.node(capacity_day_orders=room), builders.store()),
        skus=builders.sku_table("a", "b", ships_alone=[True, True]),
    )
    asked = builders.order("a", "b", methods=SHIP, deliver_by=builders.at("2026-06-04T20:00")).merged()
    plan = _confirmed(Case(0, network, Live(network, HORIZON_DAYS), Policy(), asked, "by hand"))
    assert (plan.method, len(plan.shipments)) == ("subset", 2)
    assert {shipment.node for shipment in plan.shipments} == nodes


def test_an_order_that_only_a_full_node_could_serve_in_two_shipments_is_served_in_none() -> None:
    network = builders.network(
        nodes=(builders.node(capacity_day_orders=1), builders.store()),
        skus=builders.sku_table("a", "b", ships_alone=[True, True]),
        stock={("wh", "a"): 5, ("wh", "b"): 5},
    )
    asked = builders.order("a", "b", methods=SHIP, deliver_by=builders.at("2026-06-04T20:00")).merged()
    plan = Engine(network).decide(asked).plan
    assert (plan.status, plan.method) == (Status.INFEASIBLE, "subset")


@pytest.mark.parametrize("held", [3, 2])
def test_units_of_a_divided_line_are_taken_no_more_than_a_node_has(held: int) -> None:
    network = builders.network(
        nodes=(builders.node(), builders.store()),
        skus=builders.sku_table("a", weight_g=[12_000]),
        stock={("wh", "a"): held, ("st", "a"): 9},
        services=tuple(replace(service, parcels_max=1) for service in builders.network().services),
    )
    asked = builders.order(builders.line("a", 3), methods=SHIP).merged()
    case = Case(0, network, Live(network, HORIZON_DAYS), Policy(allow_quantity_split=True), asked, "by hand")
    plan = _confirmed(case)
    assert plan.method == "subset"
    assert _is_divided(plan)
    taken = sum(part.quantity for s in plan.shipments if s.node == "wh" for part in s.lines)
    assert taken <= held


@pytest.mark.parametrize("seed", [5, 12, 232, 704])
def test_where_the_kernel_is_not_sure_of_its_portions_the_stronger_method_finds_the_best(seed: int) -> None:
    case = _stocked(hungry(random_case(seed, num_lines=3), 5), 2)
    order = replace(case.order, max_shipments=2, max_shipments_per_line=2, partial=False)
    policy = replace(case.policy, allow_quantity_split=True, max_shipments_per_line=2)
    plan = _confirmed(replace(case, order=order, policy=policy))
    assert plan.method == "mip"
    assert _is_divided(plan)

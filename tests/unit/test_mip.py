"""Orders that need the MIP, small enough to know the answer."""

from typing import Any

import numpy as np
import pytest

from engine.check.violations import violations
from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Status
from engine.domain.policy import Policy
from engine.network.live import Live
from engine.network.model import Network
from engine.optimise.mip import solve
from engine.optimise.mip_sets import enumerated
from engine.optimise.mip_tariff import Tariffs
from engine.options.evaluate import Evaluator
from engine.options.tools import Tools
from tests import builders as b

HOME = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)


def evaluator_of(network: Network, order: Order, policy: Policy | None = None) -> Evaluator:
    return Evaluator(network, Live(network), policy or network.policy(), order.merged(), Tools.of(network))


def checked(evaluator: Evaluator, **options: Any) -> Plan:
    """The plan, which breaks no rule."""
    plan = solve(evaluator, **options)
    e = evaluator
    assert not list(violations(e.network, e.live, e.policy, e.order, plan, e.tools))
    return plan


def large(num_lines: int, seed: int = 1) -> Network:
    """Two warehouses and six stores; each holds a random part of the skus."""
    rng = np.random.default_rng(seed)
    nodes = (
        b.node("w1"),
        b.node("w2", lat=45.764, lon=4.8357, postcode="69001"),
        *(b.store(f"s{k}", cost_order_cents=20 * k) for k in range(6)),
    )
    skus = b.sku_table(*(f"k{i}" for i in range(num_lines)), weight_g=rng.integers(50, 900, num_lines))
    held = {(n.node_id, s): 9 for n in nodes for s in skus.ids if rng.random() < (0.8 if n.node_id < "t" else 0.4)}
    held |= {("w1", s): 9 for i, s in enumerate(skus.ids) if i % 3}
    held |= {("w2", s): 9 for i, s in enumerate(skus.ids) if i % 3 != 1}
    collections = tuple(b.collection(n.node_id, s) for n in nodes for s in ("std", "exp"))
    return b.network(nodes=nodes, skus=skus, stock=held, collections=collections, lanes=())


def test_one_shipment_where_one_node_has_everything() -> None:
    plan = checked(evaluator_of(b.network(), b.order("a", "b", "c")))
    assert plan.status == Status.OPTIMAL
    assert plan.bound_cents == plan.cost_cents
    assert len(plan.shipments) == 1


def test_an_order_of_forty_lines_is_proven_optimal() -> None:
    network = large(40)
    plan = checked(evaluator_of(network, b.order(*network.skus.ids)))
    assert plan.status == Status.OPTIMAL
    assert plan.bound_cents == plan.cost_cents
    assert plan.method == "mip"


def test_an_order_of_five_hundred_lines_keeps_its_deadline_with_a_plan_and_a_bound() -> None:
    network = large(500)
    policy = Policy(methods=HOME, max_shipments=20)
    plan = checked(evaluator_of(network, b.order(*network.skus.ids), policy), deadline_s=1.0)
    assert plan.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert plan.bound_cents <= plan.cost_cents
    assert plan.status == Status.OPTIMAL or plan.limit == "deadline"


def test_no_time_at_all_still_gives_a_plan_or_none_but_no_exception() -> None:
    network = large(40)
    plan = checked(evaluator_of(network, b.order(*network.skus.ids)), deadline_s=0.0)
    assert plan.status in (Status.OPTIMAL, Status.FEASIBLE, Status.NOT_FOUND)
    assert plan.status == Status.NOT_FOUND or plan.bound_cents <= plan.cost_cents


def test_a_gap_that_is_allowed_is_stated() -> None:
    network = large(40)
    plan = checked(evaluator_of(network, b.order(*network.skus.ids)), gap_max=0.5)
    assert plan.gap <= 0.5
    assert plan.status == Status.OPTIMAL or plan.limit == "gap"


def test_quantities_of_tens_of_thousands_are_divided_between_nodes() -> None:
    nodes = (b.node("w1"), b.node("w2", cost_order_cents=500, cost_unit_cents=1))
    skus = b.sku_table("a", weight_g=1, volume_cm3=1)
    network = b.network(
        nodes=nodes,
        skus=skus,
        stock={("w1", "a"): 50_000, ("w2", "a"): 45_000},
        collections=(b.collection("w1"), b.collection("w2")),
        lanes=(),
    )
    order = b.order(b.line("a", 80_000))
    assert checked(evaluator_of(network, order)).status == Status.INFEASIBLE
    plan = checked(evaluator_of(network, order), split_lines=frozenset({0}))
    assert plan.status == Status.OPTIMAL
    assert sorted((s.node, s.lines[0].quantity) for s in plan.shipments) == [("w1", 35_000), ("w2", 45_000)]


def test_shipments_that_exceed_a_node_s_capacity_together_go_to_two_nodes() -> None:
    # skus that ship alone: two shipments of one node, which has room for one order a day and no day left but one
    skus = b.sku_table("a", "b", ships_alone=True)
    near = b.node("w1", capacity_day_orders=1)
    far = b.node("w2", cost_order_cents=900)
    network = b.network(
        nodes=(near, far), skus=skus, collections=(b.collection("w1"), b.collection("w2")), lanes=(), stock=None
    )
    plan = checked(evaluator_of(network, b.order("a", "b")))
    assert plan.status == Status.OPTIMAL
    assert sorted(s.node for s in plan.shipments) == ["w1", "w2"]


def test_more_skus_that_ship_alone_than_shipments_allowed_are_infeasible() -> None:
    skus = b.sku_table("a", "b", "c", ships_alone=(True, True, False))
    network = b.network(skus=skus)
    order = b.order("a", "b", "c", max_shipments=2)
    assert checked(evaluator_of(network, order)).status == Status.INFEASIBLE
    assert checked(evaluator_of(network, b.order("a", "b", "c", max_shipments=3))).status == Status.OPTIMAL


def test_what_no_node_holds_makes_the_order_infeasible() -> None:
    network = b.network(stock={("wh", "a"): 5})
    plan = checked(evaluator_of(network, b.order("a", "b")))
    assert plan.status == Status.INFEASIBLE
    assert [unmet.sku for unmet in plan.unmet] == ["a", "b"]


def test_a_partial_order_leaves_out_what_no_node_holds() -> None:
    network = b.network(stock={("wh", "a"): 5})
    plan = checked(evaluator_of(network, b.order("a", "b", partial=True)))
    assert plan.status == Status.OPTIMAL
    assert [unmet.sku for unmet in plan.unmet] == ["b"]
    assert "unserved" in {term.rule for term in plan.terms}


def test_a_partial_order_of_which_nothing_is_held_is_infeasible() -> None:
    network = b.network(stock={("wh", "a"): 5})
    assert checked(evaluator_of(network, b.order("b", "c", partial=True))).status == Status.INFEASIBLE


def test_a_plan_that_is_known_is_not_worsened() -> None:
    network = large(40)
    evaluator = evaluator_of(network, b.order(*network.skus.ids))
    best = solve(evaluator)
    again = checked(evaluator, start=best)
    assert again.status == Status.OPTIMAL
    assert again.cost_cents == best.cost_cents


def test_tariffs_kept_from_one_order_serve_the_next() -> None:
    network = large(8)
    tools = Tools.of(network)
    tariffs = Tariffs(network, tools.cards)
    costs = []
    for postcode in ("75011", "69003", "75011"):
        order = b.order(*network.skus.ids, destination=b.dest(postcode)).merged()
        evaluator = Evaluator(network, Live(network), network.policy(), order, tools)
        costs.append(solve(evaluator, tariffs=tariffs).cost_cents)
        assert costs[-1] == solve(evaluator).cost_cents
    assert costs[0] == costs[2]


# Without presolve HiGHS calls optimal what is not, and with it it has no eye on the clock: only the size can.
@pytest.mark.parametrize(("seconds", "room_max"), [(5.0, 2_500), (None, 8_000)])
def test_a_program_of_sets_has_no_more_of_them_than_its_time_allows(
    seconds: float | None, room_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = []

    def recorded(sets: Any, bound: Any, within: float, room: int) -> Any:
        rooms.append(room)
        return enumerated(sets, bound, within, room)

    monkeypatch.setattr("engine.optimise.mip_by_sets.enumerated", recorded)
    network = large(24)
    assert checked(evaluator_of(network, b.order(*network.skus.ids)), deadline_s=seconds).status == Status.OPTIMAL
    assert 100 < rooms[0] <= room_max
    assert seconds is not None or rooms[0] == room_max

"""The MIP against the twin on random orders in which every rule binds, whole lines and divided ones."""

import pytest

from engine.domain.plan import Status
from engine.optimise.mip import solve
from engine.options.evaluate import Evaluator
from engine.options.request import relaxed_name
from engine.options.tools import Tools
from tests import twin
from tests.strategies import Case, random_case


def evaluators(case: Case) -> list[Evaluator]:
    """The order as it is, and with all its relaxations."""
    tools = Tools.of(case.network, case.live.num_days)
    steps = tuple(relaxed_name(step) for step in case.policy.relaxations)
    return [
        Evaluator(case.network, case.live, case.policy, case.order, tools, relaxed=relaxed)
        for relaxed in dict.fromkeys(((), steps))
    ]


def right_cents(evaluator: Evaluator, split: frozenset[int]) -> int | None:
    """What the cheapest plan costs; None where there is none (a partial order with nothing that can be served)."""
    search = twin._Search(evaluator, split)
    plan = search.best()
    return plan.cost_cents if plan is not None and (plan.shipments or search.any_served) else None


# 415: a unit of a divided line beside a shipment that earns more than it costs
@pytest.mark.parametrize("seed", [*range(40), 415])
def test_the_mip_finds_the_twin_s_optimum_and_proves_it(seed: int) -> None:
    for evaluator in evaluators(random_case(seed)):
        splittable = twin.splittable(evaluator)
        for split in dict.fromkeys((frozenset[int](), splittable)):
            try:
                right = right_cents(evaluator, split)
            except twin.TooLargeError:
                continue
            plan = solve(evaluator, split_lines=split)
            if right is None:
                assert plan.status == Status.INFEASIBLE
            else:
                assert plan.status == Status.OPTIMAL
                assert plan.cost_cents == right == plan.bound_cents


@pytest.mark.parametrize("seed", range(100, 120))
def test_without_time_there_is_a_plan_no_cheaper_than_the_optimum_and_a_bound_no_higher(seed: int) -> None:
    for evaluator in evaluators(random_case(seed)):
        right = right_cents(evaluator, frozenset())
        plan = solve(evaluator, deadline_s=0.0)
        if plan.status in (Status.OPTIMAL, Status.FEASIBLE):
            assert right is not None
            assert plan.bound_cents <= right <= plan.cost_cents
        else:
            assert right is None or plan.status == Status.NOT_FOUND

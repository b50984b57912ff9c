"""The bound by columns and the plans made from them, against optima that are proven without either."""

import numpy as np
import pytest

from engine.check.violations import violations
from engine.domain.plan import Status
from engine.optimise.mip import solve
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_columns import column_bound
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_relaxed import relaxed_of
from engine.optimise.mip_rounding import rounded_plan
from engine.optimise.mip_start import hasty
from engine.optimise.reduce import dual_bound
from engine.options.evaluate import Evaluator
from tests import builders as b
from tests import twin
from tests.property.test_mip_twin import evaluators, right_cents
from tests.strategies import random_case
from tests.unit.test_mip import evaluator_of, large


@pytest.mark.parametrize("seed", range(200, 240))
def test_the_bound_by_columns_is_no_lower_than_the_one_given_and_no_higher_than_the_optimum(seed: int) -> None:
    for evaluator in evaluators(random_case(seed)):
        for split in dict.fromkeys((frozenset[int](), twin.splittable(evaluator))):
            facts = Facts(evaluator, split)
            if not facts.may.any():
                continue
            try:
                right = right_cents(evaluator, split)
            except twin.TooLargeError:
                continue
            relaxed = relaxed_of(facts)
            first = dual_bound(relaxed, np.inf, rounds=2)
            bound, columns = column_bound(relaxed, first, np.inf, Clock(None))
            assert bound.cents >= first.cents
            assert right is None or bound.cents <= right + 0.01
            _is_a_plan(evaluator, rounded_plan(facts, relaxed, columns, bound.prices, Clock(None)), right)


@pytest.mark.parametrize("seed", range(200, 240))
def test_a_hasty_plan_breaks_no_rule(seed: int) -> None:
    for evaluator in evaluators(random_case(seed)):
        found = hasty(evaluator, Clock(None))
        if found is not None:
            _is_a_plan(evaluator, found, right_cents(evaluator, frozenset()))


def _is_a_plan(evaluator: Evaluator, found: object, right: int | None) -> None:
    if found is None:
        return
    assert isinstance(found, tuple)
    plan = evaluator.plan(found[0], found[1], Status.FEASIBLE, -(10**9), limit="deadline")
    if plan.shipments:
        assert right is not None
        assert plan.cost_cents >= right
        assert not list(
            violations(evaluator.network, evaluator.live, evaluator.policy, evaluator.order, plan, evaluator.tools)
        )


def test_columns_of_a_large_order_give_a_plan_near_the_optimum() -> None:
    network = large(40)
    evaluator = evaluator_of(network, b.order(*network.skus.ids))
    best = solve(evaluator)
    facts = Facts(evaluator, frozenset())
    relaxed = relaxed_of(facts)
    bound, columns = column_bound(relaxed, dual_bound(relaxed, np.inf, rounds=5), np.inf, Clock(None))
    found = rounded_plan(facts, relaxed, columns, bound.prices, Clock(None))
    assert found is not None
    cost = evaluator.plan(*found, Status.FEASIBLE, 0).cost_cents
    assert bound.cents <= best.cost_cents <= cost <= 1.1 * best.cost_cents

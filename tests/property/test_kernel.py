"""The kernel, and all that decides around it, against a twin that tries everything."""

import numpy as np
import pytest
from hypothesis import given, settings

from engine.check.violations import violations
from engine.decide.engine import Engine
from engine.domain.order import Method
from engine.domain.plan import Status
from engine.domain.policy import Policy
from engine.network.live import Live
from tests import builders
from tests.examples import examples
from tests.strategies import FEATURES, Case, cases, hungry, random_case
from tests.twin import TooLargeError, best

NUM_RANDOM = 250
NO_DEADLINE_MS = 600_000  # what is compared is the optimum, on however slow a machine


def _confirm(case: Case) -> str:
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    decided = engine.decide(case.order, deadline_ms=NO_DEADLINE_MS).plan
    assert list(violations(case.network, case.live, case.policy, case.order, decided, engine.tools)) == []
    try:
        answer = best(case, engine.tools)
    except TooLargeError:
        return "too large"
    if answer.plan is None:
        assert decided.status == Status.INFEASIBLE, f"seed {case.seed}: a plan of {decided.cost_cents} where none is"
        return "infeasible"
    assert decided.status == Status.OPTIMAL, f"seed {case.seed}: {decided.status}, best is {answer.cost_cents}"
    assert decided.cost_cents == answer.cost_cents, f"seed {case.seed}: {decided.cost_cents}, {answer.cost_cents}"
    assert decided.bound_cents == decided.cost_cents
    if decided.method == "subset":
        assert decided.deliver_by == answer.plan.deliver_by, f"seed {case.seed}: ties go to the earlier plan"
        assert len(decided.shipments) == len(answer.plan.shipments), f"seed {case.seed}: then to fewer shipments"
    return decided.method


def test_decides_as_cheaply_as_a_twin_that_tries_everything_on_random_networks() -> None:
    seen = [_confirm(random_case(int(seed))) for seed in np.random.SeedSequence(20).generate_state(NUM_RANDOM)]
    assert seen.count("subset") > NUM_RANDOM // 3
    assert seen.count("mip") > 0
    assert seen.count("infeasible") > 0


@settings(max_examples=examples(60), deadline=None)
@given(case=cases())
def test_decides_as_cheaply_as_a_twin_whatever_features_are_on(case: Case) -> None:
    _confirm(case)


def test_decides_orders_that_must_be_divided_as_cheaply_as_a_twin() -> None:
    seen = [_confirm(hungry(random_case(seed, num_lines=1 + seed % 2), 5)) for seed in range(NUM_RANDOM)]
    assert seen.count("mip") > 0  # what the kernel divides by itself is in test_divided_lines.py


# The model had a shipment wait for units that are due, which it did not need, to get it past a full day.
@pytest.mark.parametrize("seed", [1210, 2225])
def test_no_shipment_waits_for_units_that_it_does_not_need(seed: int) -> None:
    _confirm(hungry(random_case(seed, num_lines=2 + seed % 2, num_nodes=3 + seed % 4)))


def test_a_partial_order_is_left_out_whole_rather_than_divided_where_that_is_cheaper_than_its_lines() -> None:
    features = frozenset(("carbon", "exceptions", "holes", "line_rules", "policy_prices", "weights"))
    assert _confirm(hungry(random_case(30244, num_lines=2, num_nodes=3, features=features), 5)) == "subset"


def test_a_surcharge_of_one_zone_raises_no_bound_of_another() -> None:
    without = frozenset(("backlog", "holes", "order_rules", "policy_prices"))
    features = frozenset(FEATURES) - without
    assert _confirm(random_case(40024, num_lines=2, num_nodes=7, features=features)) == "subset"


def test_what_is_worth_too_little_for_a_parcel_bounds_no_plan_of_several() -> None:
    features = frozenset(FEATURES) - {"dims", "holes", "order_rules", "policy_prices", "restrictions"}
    assert _confirm(hungry(random_case(60899, num_lines=3, num_nodes=6, features=features), 6)) == "subset"


def test_nothing_is_served_where_the_only_line_that_can_be_sent_is_dear_and_worth_too_little_for_a_split() -> None:
    network = builders.network(stock={("wh", "a"): 10})
    policy = Policy(min_parcel_value_cents=9_999, unserved_base_cents=1, unserved_value_permille=0)
    asked = builders.order("a", "b", methods=(Method.SHIP_FROM_WAREHOUSE,), partial=True)
    case = Case(0, network, Live(network), policy, asked.merged(), "by hand")
    assert _confirm(case) == "subset"
    plan = Engine(network, policy=policy).decide(asked).plan
    assert (plan.status, plan.cost_cents, plan.shipments) == (Status.OPTIMAL, 2, ())


@pytest.mark.parametrize("seed", [951051, 952201])
def test_a_partial_order_is_served_where_that_costs_as_much_as_leaving_it_out(seed: int) -> None:
    _confirm(random_case(seed))


@pytest.mark.parametrize("seed", range(5))
def test_decides_the_same_again_and_whatever_the_order_of_lines(seed: int) -> None:
    case = random_case(seed, num_lines=4)
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    first, again = engine.decide(case.order).plan, engine.decide(case.order).plan
    assert first == again

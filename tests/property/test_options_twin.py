"""The options of an order against a twin that lists every plan it could have."""

import pytest
from hypothesis import given, settings

from engine.check.violations import violations
from engine.decide import labelled
from engine.decide.engine import Engine, NamedOption
from engine.domain.plan import Status
from engine.options.evaluate import Evaluator
from tests.examples import examples
from tests.strategies import Case, cases, hungry, random_case
from tests.twin import all_plans

SEEDS = range(250)
ROUTES_MAX = 24  # more make too many plans to list
NO_DEADLINE_MS = 600_000  # what is compared is all there is, on however slow a machine


def _values(evaluator: Evaluator, unserved: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Cost, date and CO2e of the plans that no other beats, by cost."""
    seen = {
        (plan.cost_cents, int(plan.deliver_by.timestamp()), plan.co2e_g)
        for plan in all_plans(evaluator, unserved)
        if plan.deliver_by is not None
    }
    return sorted(a for a in seen if not any(a != b and all(x <= y for x, y in zip(b, a, strict=True)) for b in seen))


def _of_option(option: NamedOption) -> tuple[int, int, int]:
    by = option.plan.deliver_by  # none where a partial order is left out as a whole
    return option.plan.cost_cents, int(by.timestamp()) if by is not None else 0, option.plan.co2e_g


def _assert_named(options: tuple[NamedOption, ...]) -> None:
    values = {name: _of_option(option) for option in options for name in option.names}
    assert sum(len(option.names) for option in options) == len(values) == 3
    everyone = [_of_option(option) for option in options]
    assert values["cheapest"] == min(everyone)
    assert values["fastest"] == min(everyone, key=lambda v: (v[1], v[0], v[2]))
    assert values["greenest"] == min(everyone, key=lambda v: (v[2], v[0], v[1]))


def _confirm(case: Case) -> str:
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    options = engine.options(case.order, deadline_ms=NO_DEADLINE_MS)
    decided = engine.decide(case.order, deadline_ms=NO_DEADLINE_MS).plan
    if not options:
        assert decided.status == Status.INFEASIBLE, f"seed {case.seed}: no option, yet {decided.cost_cents} is decided"
        return "none"
    assert options[0].plan.cost_cents == decided.cost_cents, "the cheapest option costs what is decided"
    for option in options:
        assert list(violations(case.network, case.live, case.policy, case.order, option.plan, engine.tools)) == [], (
            case.seed
        )
    if not options[0].plan.shipments:
        return "nothing served"
    _assert_named(options)
    if not options[0].exact:
        return "not exact"
    relaxed = decided.relaxed
    evaluator = Evaluator(case.network, case.live, case.policy, case.order, engine.tools, relaxed=relaxed)
    if len(case.order.lines) > 3 and len(evaluator.routes) > ROUTES_MAX:
        return "too many to list"
    index = {line.line_id: i for i, line in enumerate(case.order.lines)}
    unserved = tuple(index[unmet.line_id] for unmet in options[0].plan.unmet)
    assert [_of_option(option) for option in options] == _values(evaluator, unserved), case.seed
    return "several" if len(options) > 1 else "one"


def test_lists_exactly_the_plans_that_no_other_beats_on_random_networks() -> None:
    seen = [_confirm(random_case(seed)) for seed in SEEDS]
    assert seen.count("several") > len(SEEDS) // 8
    assert seen.count("one") > 0
    assert seen.count("none") > 0


@settings(max_examples=examples(60), deadline=None)
@given(case=cases(lines_max=3))
def test_lists_exactly_the_plans_that_no_other_beats_whatever_features_are_on(case: Case) -> None:
    _confirm(case)


def test_pauses_and_a_start_with_few_nodes_change_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "WORK", 1)
    monkeypatch.setattr(labelled, "FEW", 1)
    monkeypatch.setattr(labelled, "FEW_SETS", 0)
    seen = [_confirm(random_case(seed)) for seed in range(250, 310)]
    assert seen.count("several") > 5


# By the earlier date of an option no node has a line whole that some node has by the order's own.
@pytest.mark.parametrize("seed", [527, 727, 3709, 4078])
def test_options_divide_no_line_that_the_order_could_have_whole(seed: int) -> None:
    assert _confirm(hungry(random_case(seed, num_lines=2 + seed % 2, num_nodes=3 + seed % 4))) == "not exact"


@pytest.mark.parametrize("seed", range(40, 60))
def test_a_limit_keeps_the_named_options_and_never_makes_others(seed: int) -> None:
    case = random_case(seed, num_lines=3)
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    everyone = engine.options(case.order)
    for limit in (1, 3, 5):
        few = engine.options(case.order, limit=limit)
        assert len(few) == min(limit, len(everyone))
        assert set(map(_of_option, few)) <= set(map(_of_option, everyone))
        if limit >= 3 and everyone:
            _assert_named(few)

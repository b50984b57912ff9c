"""The options of an order on small networks: what is named, what is left out, what is not exact."""

from dataclasses import replace

import pytest

from engine.decide.engine import Engine, NamedOption
from engine.decide.options import _spread
from engine.domain.errors import InputError
from engine.domain.order import Method
from engine.domain.plan import Status
from engine.domain.policy import Policy
from tests.builders import line, network, order


def named(options: tuple[NamedOption, ...]) -> dict[str, NamedOption]:
    return {name: option for option in options for name in option.names}


def test_a_faster_and_dearer_service_is_an_option_beside_the_cheapest() -> None:
    engine = Engine(network())
    asked = order("a", excluded_methods=(Method.SAME_DAY,))
    options = engine.options(asked)
    best = named(options)
    assert [option.plan.cost_cents for option in options] == sorted(option.plan.cost_cents for option in options)
    assert best["cheapest"].plan.cost_cents == engine.decide(asked).plan.cost_cents
    assert best["fastest"].plan.cost_cents > best["cheapest"].plan.cost_cents
    assert best["fastest"].plan.deliver_by < best["cheapest"].plan.deliver_by  # type: ignore[operator]
    assert all(option.exact and option.plan.status is Status.OPTIMAL for option in options)


def test_an_order_that_cannot_be_served_has_no_options() -> None:
    assert Engine(network()).options(order(line("a", 100_000))) == ()


def test_one_option_may_have_all_names() -> None:
    (only,) = Engine(network()).options(order("a", services=("exp",), nodes=("wh",)))
    assert only.names == ("cheapest", "fastest", "greenest")


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="Limit \\(0\\)"):
        Engine(network()).options(order("a"), limit=0)


def test_a_negative_deadline_is_refused() -> None:
    with pytest.raises(InputError, match="deadline_ms"):
        Engine(network()).options(order("a"), deadline_ms=-1)


def test_without_time_there_is_the_cheapest_option_which_says_that_it_is_not_exact() -> None:
    engine, asked = Engine(network()), order("a", "b")
    (only,) = engine.options(asked, deadline_ms=0)
    assert not only.exact
    assert only.plan == engine.decide(asked).plan


def test_two_options_share_a_node_only_where_its_capacity_holds_both_shipments() -> None:
    """One order a day at each node: two services of one node cannot both be used, so a plan in two parts needs two."""
    made = network()
    tight = replace(made, nodes=tuple(replace(node, capacity_day_orders=1) for node in made.nodes))
    for option in Engine(tight).options(order("a", "b")):
        nodes = [shipment.node for shipment in option.plan.shipments]
        days = [shipment.promise.pick_start.date() for shipment in option.plan.shipments]
        assert len(set(zip(nodes, days, strict=True))) == len(nodes)


def test_options_of_a_partial_order_serve_what_the_cheapest_plan_serves() -> None:
    engine = Engine(network())
    asked = order("a", line("b", 100_000), partial=True)
    decided = engine.decide(asked).plan
    options = engine.options(asked)
    assert options[0].plan.cost_cents == decided.cost_cents
    for option in options:
        assert [unmet.line_id for unmet in option.plan.unmet] == ["b"]
        assert option.plan.shipments


def test_a_line_that_must_be_divided_has_options_that_are_not_exact() -> None:
    made = network(stock={("wh", "a"): 2, ("st", "a"): 2})
    engine = Engine(made)
    options = engine.options(order(line("a", 3)))
    assert options[0].plan.cost_cents == engine.decide(order(line("a", 3))).plan.cost_cents
    assert set(named(options)) == {"cheapest", "fastest", "greenest"}
    assert not any(option.exact for option in options)
    assert all(len(option.plan.shipments) == 2 for option in options)


def test_a_rule_given_up_by_the_decision_is_given_up_by_all_options() -> None:
    made = network()
    asked = order("a", max_distance_m=1, nodes=("st",))
    options = Engine(made, policy=Policy(pickup_places_max=0)).options(asked)
    assert options
    assert {option.plan.relaxed for option in options} == {("max_distance",)}


def test_spreading_takes_what_is_farthest_from_all_that_is_kept() -> None:
    values = [(0, 100, 0), (1, 99, 0), (50, 50, 0), (100, 0, 0)]
    assert _spread(values, [0, 3], 3) == [0, 2, 3]
    assert _spread(values, [0, 3], 1) == [0]
    assert _spread(values, [0, 3], None) == [0, 1, 2, 3]

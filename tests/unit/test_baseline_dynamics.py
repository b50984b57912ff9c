"""Rules like those of Dynamics 365: hard and soft ones, two passes, few locations, on cases small enough by hand."""

from itertools import combinations
from typing import Any

import numpy as np

from scenarios.baselines.dynamics import RULES, Dynamics, Settings
from scenarios.baselines.view import UNKNOWN
from tests.unit.baseline_cases import KM, held, view


def rule(**changes: Any) -> Dynamics:
    return Dynamics(settings=Settings(**changes))


def test_locations_within_the_radius_are_equally_near() -> None:
    case = view([[1, 0], [1, 1], [0, 1]], [1, 1], distance_m=[KM, 25 * KM, KM])
    assert Dynamics().takes(case) == [(1, {0: 1, 1: 1})]
    one = view([[1], [1]], [1], distance_m=[29 * KM, KM])
    assert Dynamics().takes(one) == [(0, {0: 1})]  # both are in it: the first
    assert rule(radius_m=10 * KM).takes(one) == [(1, {0: 1})]


def test_a_location_takes_no_order_beyond_those_that_it_has_not_shipped() -> None:
    busy = Dynamics()
    busy.held(held("a", (0, {0: 1}), leaves_s=100))
    limits = {"orders_max": [1, UNKNOWN]}
    assert busy.takes(view([[1], [1]], [1], now_s=99, **limits)) == [(1, {0: 1})]
    assert busy.takes(view([[1], [1]], [1], now_s=100, **limits)) == [(0, {0: 1})]


def test_what_the_first_pass_leaves_is_solved_without_the_rules_that_are_not_hard() -> None:
    limits = {"orders_max": [0, UNKNOWN], "distance_m": [KM, 50 * KM]}
    case = view([[2], [1]], [3], **limits)
    assert rule().takes(case) == [(1, {0: 1})]
    assert rule(hard=RULES - {"max_orders"}).takes(case) == [(1, {0: 1}), (0, {0: 2})]


def test_units_held_back_stay_unless_that_rule_is_soft() -> None:
    case = view([[3]], [3])
    assert rule(min_inventory=1).takes(case) == [(0, {0: 2})]
    assert rule(min_inventory=1, hard=RULES - {"min_inventory"}).takes(case) == [(0, {0: 3})]


def test_no_more_locations_than_allowed_the_one_with_most_first() -> None:
    case = view([[1], [3], [2]], [6])
    assert rule(locations_max=1).takes(case) == [(1, {0: 3})]
    assert rule(locations_max=2).takes(case) == [(1, {0: 3}), (2, {0: 2})]
    assert len(rule(locations_max=None).takes(case)) == 3


def test_beyond_the_greatest_distance_nothing_is_taken() -> None:
    assert rule(distance_max_m=5 * KM).takes(view([[1]], [1])) == []
    assert rule(distance_max_m=10 * KM).takes(view([[1]], [1])) == [(0, {0: 1})]


def test_without_partial_orders_it_is_all_or_nothing() -> None:
    assert rule(partial_orders=False).takes(view([[2]], [3])) == []
    assert rule(partial_orders=False).takes(view([[3]], [3])) == [(0, {0: 3})]


def test_without_partial_lines_no_line_is_divided() -> None:
    case = view([[2, 0], [1, 1]], [3, 1])
    assert rule().takes(case) == [(0, {0: 2}), (1, {0: 1, 1: 1})]
    assert rule(partial_lines=False).takes(case) == [(1, {1: 1})]


def test_a_line_is_divided_where_that_saves_a_location() -> None:
    # By whole lines it takes three: the first from 0, the others from 2 and 3.
    case = view([[2, 1, 1], [0, 1, 1], [0, 2, 0], [0, 0, 2]], [2, 2, 2])
    assert [node for node, _ in rule().takes(case)] == [0, 1]
    assert len(rule(partial_lines=False).takes(case)) == 3


def test_two_locations_are_found_wherever_two_will_do_and_the_nearest_such() -> None:
    rng = np.random.default_rng(3)
    compared = 0
    for _ in range(300):
        case = view(rng.integers(0, 4, (6, 3)), [2, 3, 2])
        if len(case.complete(np.arange(6))):
            continue
        pairs = [p for p in combinations(range(6), 2) if (case.free[list(p)].sum(axis=0) >= case.need).all()]
        taken = rule(radius_m=0).takes(case)
        if pairs:
            compared += 1
            assert len(taken) == 2
            assert sum(node for node, _ in taken) == min(a + b for a, b in pairs)
            assert sum(sum(units.values()) for _, units in taken) == 7
        else:
            assert len(taken) != 2 or sum(sum(units.values()) for _, units in taken) < 7
    assert compared > 50

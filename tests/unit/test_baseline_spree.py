"""Spree's rules, reducer and packing, on cases small enough to follow by hand."""

import numpy as np

from scenarios.baselines.spree import Spree, default_location, minimise_splits, preferred
from tests.unit.baseline_cases import view


def test_locations_are_ranked_by_the_whole_order_at_every_step_unless_corrected() -> None:
    case = view([[1, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0]], [1, 1, 1, 1])
    assert [node for node, _ in Spree().takes(case)] == [0, 2]  # location 1 is packed, and all of it taken out again
    partly = view([[1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 1, 1]], [1, 1, 1, 1, 1])
    assert [node for node, _ in Spree().takes(partly)] == [0, 1, 2]  # three packages
    assert [node for node, _ in Spree(corrected=True).takes(partly)] == [0, 2]  # where two will do


def test_a_location_counts_the_skus_that_it_holds_whole() -> None:
    ranks = minimise_splits(view([[1, 9], [3, 3]], [3, 3]), np.array([0, 1]), np.array([3, 3]))
    assert ranks == {0: -1, 1: -2}


def test_the_preferred_location_wins_and_abstains_for_all_others() -> None:
    case = view([[9], [9], [1]], [3], preferred=2)
    assert preferred(case, np.array([0, 1, 2]), case.need) == {2: 0}
    assert Spree().takes(case) == [(2, {0: 1}), (0, {0: 2})]
    nowhere = view([[9], [9], [0]], [3], preferred=2)  # it has no row of the order, so it is no candidate
    assert Spree().takes(nowhere) == [(0, {0: 3})]


def test_a_tie_is_handed_to_the_next_rule_then_to_the_default_then_to_the_lowest_number() -> None:
    case = view([[1], [1], [1]], [1], default=2)
    assert Spree().takes(case) == [(2, {0: 1})]
    assert Spree(rules=()).takes(case) == [(2, {0: 1})]
    assert Spree(rules=(minimise_splits,)).takes(view([[1], [1]], [1], default=7)) == [(0, {0: 1})]
    assert default_location(case, np.array([0, 2]), case.need) == {0: 1, 2: 0}


def test_the_order_of_the_rules_decides() -> None:
    case = view([[1, 0], [1, 1]], [1, 1], default=0)
    assert [node for node, _ in Spree().takes(case)] == [1]
    assert [node for node, _ in Spree(rules=(default_location, minimise_splits)).takes(case)] == [0, 1]


def test_a_package_holds_the_last_of_a_sku_s_lines_unless_corrected() -> None:
    case = view([[9], [9], [9]], [5], asked=((0, 3), (0, 2)))
    assert Spree().takes(case) == [(0, {0: 2}), (1, {0: 2}), (2, {0: 1})]
    assert Spree(corrected=True).takes(case) == [(0, {0: 5})]

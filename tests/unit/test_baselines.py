"""The rules of others, on cases small enough to follow by hand, and the traps that their users know."""

from typing import Any

import numpy as np
import pytest

from scenarios.baselines.rules import (
    RULES,
    Dynamics,
    HotWax,
    MagentoDistance,
    MagentoPriority,
    Nearest,
    Priority,
    Shopify,
    Spree,
)
from scenarios.baselines.view import UNKNOWN, View, fewest

KM = 1_000


def view(free: Any, need: Any, **changes: Any) -> View:
    """Nodes with these units of each line, 10, 20, 30 … km away, all usable, without limits."""
    stock = np.array(free, dtype=np.int64)
    num = len(stock)
    values: dict[str, Any] = {
        "asked": tuple(enumerate(need)),
        "need": np.array(need, dtype=np.int64),
        "free": stock,
        "physical": stock,
        "usable": np.ones(num, dtype=np.bool_),
        "distance_m": 10 * KM * np.arange(1, num + 1),
        "priority": np.zeros(num, dtype=np.int64),
        "same_market": np.ones(num, dtype=np.bool_),
        "orders_today": np.zeros(num, dtype=np.int64),
        "orders_max": np.full(num, UNKNOWN),
    }
    arrays = {k: np.array(v) if isinstance(v, list) else v for k, v in changes.items()}
    return View(**(values | arrays))


@pytest.mark.parametrize("rule", RULES)
def test_a_node_with_everything_serves_alone_under_every_rule_that_looks_at_it_first(rule: type) -> None:
    assert rule().takes(view([[5, 5], [0, 0]], [2, 3])) == [(0, {0: 2, 1: 3})]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_taken_from_nodes_that_may_not_serve(rule: type) -> None:
    assert rule().takes(view([[5], [5]], [2], usable=[False, True])) == [(1, {0: 2})]


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_takes_more_than_there_is_or_is_asked_for(rule: type) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        num_lines = int(rng.integers(1, 5))
        case = view(rng.integers(0, 4, (6, num_lines)), rng.integers(1, 5, num_lines).tolist())
        taken = np.zeros_like(case.need)
        for node, units in rule().takes(case):
            for line, many in units.items():
                assert 0 < many <= case.free[node, line]
                taken[line] += many
        assert (taken <= case.need).all()
        if rule not in (Spree, Shopify, Dynamics):  # these may stop before all units are found
            assert (taken == np.minimum(case.need, case.free.sum(axis=0))).all()


def test_nearest_prefers_a_farther_node_with_everything_to_two_nearer_ones() -> None:
    assert Nearest().takes(view([[1, 0], [0, 1], [1, 1]], [1, 1])) == [(2, {0: 1, 1: 1})]
    assert Nearest().takes(view([[1, 0], [0, 1]], [1, 1])) == [(0, {0: 1}), (1, {1: 1})]


def test_priority_goes_down_the_list_whatever_the_distance() -> None:
    assert Priority().takes(view([[1], [1]], [1], priority=[2, 1])) == [(1, {0: 1})]


def test_magento_splits_by_unit_where_one_source_further_down_had_everything() -> None:
    case = view([[1], [3]], [3])
    assert MagentoPriority(corrected=True).takes(case) == [(0, {0: 1}), (1, {0: 2})]


def test_magento_counts_the_last_of_a_repeated_sku_unless_corrected() -> None:
    case = view([[9]], [5], asked=((0, 3), (0, 2)))
    assert MagentoPriority().takes(case) == [(0, {0: 2})]
    assert MagentoPriority(corrected=True).takes(case) == [(0, {0: 5})]


def test_magento_recommends_units_that_another_open_order_holds_unless_corrected() -> None:
    case = view([[0], [4]], [4], physical=np.array([[4], [4]]))
    assert MagentoDistance().takes(case) == [(0, {0: 4})]
    assert MagentoDistance(corrected=True).takes(case) == [(1, {0: 4})]


def test_magento_puts_sources_without_coordinates_last_by_priority() -> None:
    case = view([[1], [1], [1]], [3], distance_m=[UNKNOWN, UNKNOWN, 99 * KM], priority=[5, 1, 9])
    assert [node for node, _ in MagentoDistance(corrected=True).takes(case)] == [2, 1, 0]


def test_spree_ranks_by_the_whole_order_at_every_step_unless_corrected() -> None:
    case = view([[1, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0]], [1, 1, 1, 1])
    nodes = [node for node, _ in Spree().takes(case)]
    assert nodes == [0, 2]  # location 1 is looked at, has nothing that is missing, and sends nothing
    partly = view([[1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 1, 1]], [1, 1, 1, 1, 1])
    assert [node for node, _ in Spree().takes(partly)] == [0, 1, 2]  # three packages
    assert [node for node, _ in Spree(corrected=True).takes(partly)] == [0, 2]  # where two will do


def test_hotwax_stops_an_order_short_of_the_daily_limit_unless_corrected() -> None:
    case = view([[1], [1]], [1], orders_today=[9, 0], orders_max=[10, UNKNOWN])
    assert HotWax().takes(case) == [(1, {0: 1})]
    assert HotWax(corrected=True).takes(case) == [(0, {0: 1})]


def test_hotwax_takes_a_facility_without_coordinates_for_the_nearest_unless_corrected() -> None:
    case = view([[1], [1]], [1], distance_m=[5 * KM, UNKNOWN])
    assert HotWax().takes(case) == [(1, {0: 1})]
    assert HotWax(corrected=True).takes(case) == [(0, {0: 1})]


def test_shopify_takes_the_fewest_locations_then_the_same_market_then_the_nearest() -> None:
    case = view([[1, 0], [0, 1], [1, 1], [1, 1]], [1, 1], same_market=[True, True, False, True])
    assert Shopify().takes(case) == [(3, {0: 1, 1: 1})]
    split = view([[1, 0], [0, 1], [0, 1]], [1, 1], same_market=[True, False, True])
    assert dict(Shopify().takes(split)) == {0: {0: 1}, 2: {1: 1}}


def test_dynamics_takes_locations_within_the_radius_as_equally_near() -> None:
    case = view([[1, 0], [1, 1], [0, 1]], [1, 1], distance_m=[KM, 25 * KM, KM])
    assert Dynamics().takes(case) == [(1, {0: 1, 1: 1})]
    far = view([[1], [1]], [1], orders_today=[3, 0], orders_max=[3, 9])
    assert Dynamics().takes(far) == [(1, {0: 1})]


def test_the_fewest_nodes_are_as_few_as_a_search_of_all_combinations_finds() -> None:
    from itertools import combinations

    rng = np.random.default_rng(2)
    for _ in range(200):
        num_lines, num_nodes = int(rng.integers(1, 6)), 7
        case = view(rng.integers(0, 2, (num_nodes, num_lines)), [1] * num_lines)
        rank = rng.integers(0, 50, num_nodes)
        best = None
        for size in range(1, num_nodes + 1):
            for nodes in combinations(range(num_nodes), size):
                if case.whole[list(nodes)].any(axis=0).all():
                    value = (size, int(rank[list(nodes)].sum()))
                    best = value if best is None else min(best, value)
            if best is not None:
                break
        found = fewest(case, rank)
        value = (len(found), int(sum(rank[node] for node, _ in found))) if found else None
        assert value == best

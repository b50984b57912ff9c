"""The rules of others, on cases small enough to follow by hand: what they have in common, and the short ones."""

from itertools import combinations

import numpy as np
import pytest

from scenarios.baselines.rule import Rule
from scenarios.baselines.rules import RULES, Nearest, Priority, Salesforce, Shopify
from scenarios.baselines.view import Quote, Units, fewest
from scenarios.baselines.weighted import WeightedScore
from tests.unit.baseline_cases import KM, view


@pytest.mark.parametrize("rule", RULES)
def test_a_node_with_everything_serves_alone_under_every_rule_that_looks_at_it_first(rule: type[Rule]) -> None:
    assert rule().takes(view([[5, 5], [0, 0]], [2, 3])) == [(0, {0: 2, 1: 3})]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_taken_from_nodes_that_may_not_serve(rule: type[Rule]) -> None:
    assert rule().takes(view([[5], [5]], [2], usable=[False, True])) == [(1, {0: 2})]


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_takes_more_than_there_is_or_is_asked_for(rule: type[Rule]) -> None:
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
        if rule.name.startswith("magento"):  # what is not for sale in full never becomes an order
            assert (taken == np.where(case.free.sum(axis=0) >= case.need, case.need, 0)).all()
        elif rule.name != "dynamics":  # which stops after so many locations
            assert (taken == np.minimum(case.need, case.free.sum(axis=0))).all()


def test_nearest_prefers_a_farther_node_with_everything_to_two_nearer_ones() -> None:
    assert Nearest().takes(view([[1, 0], [0, 1], [1, 1]], [1, 1])) == [(2, {0: 1, 1: 1})]
    assert Nearest().takes(view([[1, 0], [0, 1]], [1, 1])) == [(0, {0: 1}), (1, {1: 1})]


def test_priority_goes_down_the_list_whatever_the_distance() -> None:
    assert Priority().takes(view([[1], [1]], [1], priority=[2, 1])) == [(1, {0: 1})]


def test_shopify_takes_the_fewest_locations_then_the_same_market_then_the_nearest() -> None:
    case = view([[1, 0], [0, 1], [1, 1], [1, 1]], [1, 1], same_market=[True, True, False, True])
    assert Shopify().takes(case) == [(3, {0: 1, 1: 1})]
    split = view([[1, 0], [0, 1], [0, 1]], [1, 1], same_market=[True, False, True])
    assert dict(Shopify().takes(split)) == {0: {0: 1}, 2: {1: 1}}


def test_salesforce_takes_the_smallest_set_of_least_mean_distance() -> None:
    case = view([[1, 0], [0, 1], [0, 1], [1, 1]], [1, 1], same_market=[False, False, False, False])
    assert Salesforce().takes(case) == [(3, {0: 1, 1: 1})]
    split = view([[1, 0], [0, 1], [0, 1]], [1, 1], distance_m=[KM, 9 * KM, 2 * KM])
    assert dict(Salesforce().takes(split)) == {0: {0: 1}, 2: {1: 1}}


def test_a_weighted_score_prefers_the_cheaper_node_to_the_nearer_and_the_idle_one_to_the_busy() -> None:
    ship, used = {0: 900, 1: 500, 2: 500}, {0: 0, 1: 1_000, 2: 0}

    def quote(node: int, units: Units) -> Quote:
        return Quote(ship_cents=ship[node], labour_cents=100, used_permille=used[node])

    assert WeightedScore().takes(view([[1], [1], [1]], [1], quote=quote)) == [(2, {0: 1})]
    assert WeightedScore().takes(view([[1], [1], [0]], [1], quote=quote)) == [(1, {0: 1})]  # 900 with the penalty


def test_a_weighted_score_looks_at_the_ten_nearest_nodes_only() -> None:
    def quote(node: int, units: Units) -> Quote:
        return Quote(ship_cents=1_000 - node, labour_cents=0, used_permille=0)

    assert WeightedScore().takes(view([[1]] * 12, [1], quote=quote)) == [(9, {0: 1})]


def test_a_weighted_score_goes_line_by_line_where_no_node_has_everything() -> None:
    assert WeightedScore().takes(view([[1, 0], [0, 2], [0, 2]], [1, 2])) == [(0, {0: 1}), (1, {1: 2})]
    in_parts = view([[1, 1], [0, 1]], [1, 2])
    assert WeightedScore().takes(in_parts) == [(0, {0: 1, 1: 1}), (1, {1: 1})]


def test_the_fewest_nodes_are_as_few_as_a_search_of_all_combinations_finds() -> None:
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


def test_orders_of_many_lines_get_few_nodes_by_what_each_adds() -> None:
    lines = 24
    case = view([[1] * 12 + [0] * 12, [0] * 12 + [1] * 12, [1] * 6 + [0] * 12 + [1] * 6], [1] * lines)
    assert [node for node, _ in fewest(case, np.zeros(3, dtype=np.int64))] == [0, 1]
    taken = fewest(view([[1] * lines, [1] * lines], [1] * lines), np.array([5, 2]))
    assert taken == [(1, dict.fromkeys(range(lines), 1))]
    halves = view([[1] * 12 + [0] * 12, [1] * 12 + [0] * 12, [0] * 12 + [1] * 12], [1] * lines)
    assert [node for node, _ in fewest(halves, np.array([5, 2, 9]))] == [1, 2]
    assert fewest(view([[1] * 23 + [0]], [1] * lines), np.zeros(1, dtype=np.int64)) == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_decides_an_order_of_many_lines(rule: type[Rule]) -> None:
    rng = np.random.default_rng(8)
    case = view(rng.integers(0, 3, (8, 60)), [1] * 60)
    taken = np.zeros(60, dtype=np.int64)
    for node, units in rule().takes(case):
        for line, many in units.items():
            assert case.free[node, line] >= many
            taken[line] += many
    there = case.free.sum(axis=0) > 0
    assert (taken[there] == 1).all() or rule.name == "dynamics"

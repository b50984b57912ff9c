"""HotWax's filters, sorts and walk, on cases small enough to follow by hand, with its traps and without."""

import numpy as np

from scenarios.baselines.hotwax import HotWax
from scenarios.baselines.view import UNKNOWN
from tests.unit.baseline_cases import KM, held, view


def test_a_limit_stops_an_order_short_unless_corrected() -> None:
    case = view([[1], [1]], [1], orders_max=[2, UNKNOWN])
    for corrected, nodes in ((False, [0, 1, 1]), (True, [0, 0, 1])):
        rule = HotWax(corrected=corrected)
        found = []
        for i in range(3):
            ((node, units),) = rule.takes(case)
            rule.held(held(str(i), (node, units)))
            found.append(node)
        assert found == nodes


def test_a_facility_that_may_take_one_order_a_day_takes_none_unless_corrected() -> None:
    case = view([[1], [1]], [1], orders_max=[1, UNKNOWN])
    assert HotWax().takes(case) == [(1, {0: 1})]
    assert HotWax(corrected=True).takes(case) == [(0, {0: 1})]
    assert HotWax(limits=False).takes(case) == [(0, {0: 1})]


def test_orders_are_counted_by_the_day_on_which_they_were_brokered() -> None:
    rule = HotWax(corrected=True)
    rule.held(held("yesterday", (0, {0: 1}), day=4))
    limits = {"orders_max": [1, UNKNOWN]}
    assert rule.takes(view([[1], [1]], [1], day=5, **limits)) == [(0, {0: 1})]
    assert rule.takes(view([[1], [1]], [1], day=4, **limits)) == [(1, {0: 1})]


def test_an_order_in_two_shipments_from_one_facility_counts_once() -> None:
    rule = HotWax(corrected=True)
    rule.held(held("a", (0, {0: 1}), (0, {1: 1})))
    assert rule.takes(view([[1], [1]], [1], orders_max=[2, UNKNOWN])) == [(0, {0: 1})]


def test_a_facility_without_coordinates_is_the_nearest_unless_corrected() -> None:
    case = view([[1], [1]], [1], distance_m=[5 * KM, UNKNOWN])
    assert HotWax().takes(case) == [(1, {0: 1})]
    assert HotWax(corrected=True).takes(case) == [(0, {0: 1})]


def test_one_facility_with_everything_comes_before_nearer_ones_with_parts() -> None:
    assert HotWax().takes(view([[1, 0], [0, 1], [1, 1]], [1, 1])) == [(2, {0: 1, 1: 1})]
    assert HotWax().takes(view([[1, 0], [0, 1]], [1, 1])) == [(0, {0: 1}), (1, {1: 1})]


def test_of_equally_near_facilities_the_one_with_more_items_in_full_comes_first() -> None:
    case = view([[1, 1, 0], [1, 1, 2]], [1, 2, 2], distance_m=[KM, KM])
    assert HotWax().takes(case) == [(1, {0: 1, 1: 1, 2: 2}), (0, {1: 1})]


def test_a_brokering_safety_stock_is_taken_for_enough_of_an_item_unless_corrected() -> None:
    case = view([[2], [9]], [4])
    assert HotWax(safety=2).takes(case) == [(0, {0: 2}), (1, {0: 2})]  # facility 0 passed the test with 2 of 4
    assert HotWax(safety=2, corrected=True).takes(case) == [(1, {0: 4})]


def test_with_a_brokering_safety_stock_parts_come_only_from_who_has_the_item_in_full() -> None:
    case = view([[1, 0], [5, 0], [0, 3]], [2, 3])
    assert HotWax(safety=2).takes(case) == [(1, {0: 2}), (2, {1: 3})]


def test_a_facility_that_rejected_an_item_is_not_asked_until_the_exclusion_ends() -> None:
    rule = HotWax()
    rule.reject(sku=0, node=0, until_s=100)
    assert rule.takes(view([[1], [1]], [1], now_s=99)) == [(1, {0: 1})]
    assert rule.takes(view([[1], [1]], [1], now_s=100)) == [(0, {0: 1})]


def test_facilities_beyond_the_greatest_distance_are_left_out() -> None:
    assert HotWax(distance_max_m=15 * KM).takes(view([[0], [1]], [1])) == []


def test_where_all_items_must_be_found_nothing_is_allocated_unless_everything_is() -> None:
    case = view([[1, 0]], [1, 1])
    assert HotWax().takes(case) == [(0, {0: 1})]
    assert HotWax(all_items=True).takes(case) == []


def test_a_split_needs_parts_of_some_value_and_so_does_what_is_left() -> None:
    split = view([[1, 0], [0, 1]], [1, 1], value_cents=np.array([500, 5_000]))
    assert HotWax(shipment_value_min_cents=600).takes(split) == []
    assert len(HotWax(shipment_value_min_cents=500).takes(split)) == 2
    assert HotWax(shipment_value_min_cents=9_000).takes(view([[1]], [1])) == [(0, {0: 1})]  # no split, no test

"""Magento's two stages, on cases small enough to follow by hand: what is for sale, and where from."""

import numpy as np

from scenarios.baselines.magento import MagentoDistance, MagentoPriority, Row
from scenarios.baselines.view import UNKNOWN, View
from tests.unit.baseline_cases import KM, held, view

ALL = np.array([True])


def at(moment_s: int, free: list[list[int]], need: list[int], order_id: str, **changes: object) -> View:
    return view(free, need, now_s=moment_s, order_id=order_id, **changes)


def test_an_order_is_checked_against_all_sources_together_and_the_rows_of_open_orders() -> None:
    rule = MagentoPriority()
    first = at(0, [[2], [3]], [4], "a")
    assert rule.saleable(first).tolist() == [5]
    assert rule.takes(first) == [(0, {0: 2}), (1, {0: 2})]
    rule.held(held("a", (0, {0: 2}), (1, {0: 2})))
    later = at(60, [[2], [3]], [2], "b")
    assert rule.saleable(later).tolist() == [1]
    assert rule.takes(later) == []  # two are asked for, one is for sale: it never becomes an order


def test_units_below_the_threshold_are_not_for_sale() -> None:
    assert MagentoPriority(threshold=2).takes(view([[5]], [4])) == []
    assert MagentoPriority(threshold=2).takes(view([[5]], [3])) == [(0, {0: 3})]


def test_orders_that_were_open_before_have_their_rows_already() -> None:
    rule = MagentoPriority()
    rule.begin(np.array([0, 7]))
    assert rule.saleable(view([[9, 9]], [1, 1])).tolist() == [9, 2]


def test_sources_that_are_not_enabled_do_not_count_for_sale() -> None:
    assert MagentoPriority().saleable(view([[5], [5]], [1], enabled=[True, False])).tolist() == [5]


def test_a_line_that_is_not_for_sale_does_not_stop_the_others() -> None:
    assert MagentoPriority().takes(view([[5, 1]], [2, 3])) == [(0, {0: 2})]


def test_two_orders_of_the_same_second_are_both_sold_the_last_unit_unless_corrected() -> None:
    for corrected, sold in ((False, [(0, {0: 1})]), (True, [])):
        rule = MagentoPriority(corrected=corrected)
        rule.takes(at(0, [[1]], [1], "a"))
        rule.held(held("a", (0, {0: 1})))
        # The shelf still holds the unit; what may be promised of it is gone.
        second = at(0, [[0]], [1], "b", physical=np.array([[1]]))
        assert rule.takes(second) == sold


def test_what_open_orders_will_take_is_recommended_again_unless_corrected() -> None:
    for corrected, takes in ((False, [(0, {0: 4})]), (True, [(1, {0: 4})])):
        rule = MagentoDistance(corrected=corrected)
        rule.takes(at(0, [[4], [4]], [4], "a"))
        rule.held(held("a", (0, {0: 4})))
        assert rule.takes(at(60, [[0], [4]], [4], "b", physical=np.array([[4], [4]]))) == takes


def test_a_shipment_that_has_left_is_off_the_shelf_and_its_row_is_made_up_for() -> None:
    rule = MagentoDistance()
    rule.takes(at(0, [[4], [4]], [4], "a"))
    rule.held(held("a", (0, {0: 4}), leaves_s=100))
    stock = {"physical": np.array([[4], [4]])}
    assert rule.saleable(at(60, [[0], [4]], [1], "b", **stock)).tolist() == [4]  # 8 on the shelves, a row of -4
    assert rule.saleable(at(101, [[0], [4]], [1], "b", **stock)).tolist() == [4]  # 4 on the shelves, -4 and +4
    assert rule.takes(at(101, [[0], [4]], [4], "b", **stock)) == [(1, {0: 4})]


def test_of_a_repeated_sku_the_last_quantity_is_shipped_and_the_sum_stays_reserved_unless_corrected() -> None:
    case = at(0, [[9]], [5], "a", asked=((0, 3), (0, 2)))
    rule = MagentoPriority()
    assert rule.takes(case) == [(0, {0: 2})]
    rule.held(held("a", (0, {0: 2}), leaves_s=10))
    assert rule.saleable(at(20, [[9]], [1], "b")).tolist() == [4]  # 7 on the shelf less 3 that nobody will ship
    assert MagentoPriority(corrected=True).takes(case) == [(0, {0: 5})]


def test_only_sources_where_customers_collect_net_open_orders_and_only_those_to_be_collected() -> None:
    for pickup, collected, available in ((True, True, 1), (True, False, 3), (False, True, 3)):
        rule = MagentoPriority()
        rule.takes(at(0, [[3]], [2], "a"))
        rule.held(held("a", (0, {0: 2}), collected=collected))
        case = at(60, [[1]], [1], "b", physical=np.array([[3]]), pickup=[pickup])
        assert rule.recommendation(case, ALL).rows == (Row(node=0, line=0, take=1, available=available),)


def test_a_recommendation_says_whether_it_can_be_shipped_and_lists_sources_that_give_nothing() -> None:
    rule = MagentoPriority()
    short = rule.recommendation(view([[1], [0], [2]], [4]), ALL)
    assert [(row.node, row.take) for row in short.rows] == [(0, 1), (2, 2)]  # source 1 is out of stock: no row
    assert not short.shippable
    rule.held(held("a", (0, {0: 1}), collected=True))
    taken = rule.recommendation(view([[1], [2]], [2], pickup=[True, False]), ALL)
    assert [(row.take, row.available) for row in taken.rows] == [(0, 0), (2, 2)]
    assert taken.shippable


def test_units_are_taken_from_source_after_source_where_one_further_down_had_everything() -> None:
    for corrected in (False, True):
        assert MagentoPriority(corrected=corrected).takes(view([[1], [3]], [3])) == [(0, {0: 1}), (1, {0: 2})]


def test_sources_without_coordinates_come_last_by_priority() -> None:
    case = view([[1], [1], [1]], [3], distance_m=[UNKNOWN, UNKNOWN, 99 * KM], priority=[5, 1, 9])
    for corrected in (False, True):
        assert [node for node, _ in MagentoDistance(corrected=corrected).takes(case)] == [2, 1, 0]

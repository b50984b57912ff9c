"""Every step from every state of every course, and what it does to units and capacity."""

from itertools import product

import pytest

from engine.domain.order import Method
from engine.stock.ledger import CapacityChange, StockChange, stock_key
from engine.stock.lifecycle import (
    RULES,
    Course,
    Step,
    Units,
    capacity_of,
    course_of,
    lots_of,
    rule_of,
    shelf_no,
    split,
    stock_of,
    taken,
)
from engine.stock.records import DAY, ENDED, HOUR, Part, PartState

COURSES = {
    Course.HOLD: "",
    Course.HOME: Method.SHIP_FROM_STORE.value,
    Course.COLLECT: Method.CLICK_AND_COLLECT.value,
    Course.TRAVEL: Method.SHIP_TO_STORE.value,
}
# State: the steps that can be taken from it, and where they lead. `!` gives the booked capacity back.
WORK = {
    Course.HOLD: "ship>shipped ready>ready collect>collected",
    Course.HOME: "ship>shipped",
    Course.COLLECT: "ready>ready collect>collected",
    Course.TRAVEL: "ship>in_transit",
}
ENDS = "cancel>released reject>rejected"
MOVED = {Course.HOLD: ("transfer>held ship>shipped collect>collected", "transfer>confirmed")}


def expected(course: Course, state: PartState) -> dict[str, str]:
    held, confirmed = MOVED.get(course, ("", ""))
    table = {
        PartState.HELD: f"confirm>confirmed release>released! cancel>released! reject>rejected! expire>expired! {held}",
        PartState.CONFIRMED: f"pick>picked release>released! cancel>released! reject>rejected! {confirmed} "
        f"{WORK[course]}",
        PartState.PICKED: f"{ENDS} {WORK[course]}",
        PartState.IN_TRANSIT: "arrive>ready cancel>released" if course == Course.TRAVEL else "",
        PartState.READY: f"collect>collected expire>expired {ENDS}" if course != Course.HOME else "",
    }
    return dict(pair.split(">") for pair in table.get(state, "").split())


def part(course: Course, state: PartState, **changes: object) -> Part:
    values: dict[str, object] = {
        "reservation_id": "r",
        "part": 1,
        "order_id": "o",
        "node_no": 3,
        "place_no": 5 if course in (Course.TRAVEL, Course.COLLECT) else -1,
        "method": COURSES[course],
        "state": state.value,
        "lines": (("1", 7, 2), ("2", 8, 3)),
        "units": 5,
        "cost_cents": 100,
        "day": 20_000,
        "hour": 9,
        "booked": DAY | HOUR,
        "updated_s": 10,
    }
    return Part(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("course", "state", "step"), list(product(Course, PartState, Step)))
def test_each_step_leads_where_the_table_says_or_nowhere(course: Course, state: PartState, step: Step) -> None:
    there = part(course, state)
    assert course_of(there) == course
    wanted = expected(course, state).get(step.value)
    rule = rule_of(there, step)
    if wanted is None:
        assert rule is None
        return
    assert rule is not None
    assert (rule.to.value, rule.gives_back) == (wanted.rstrip("!"), wanted.endswith("!"))


def test_no_course_leads_out_of_an_end_or_back_to_where_it_was() -> None:
    for course, states in RULES.items():
        assert not set(states) & ENDED
        reached: dict[PartState, set[PartState]] = {}
        for state, steps in states.items():
            reached[state] = {rule.to for step, rule in steps.items() if step != Step.TRANSFER}
        for start in reached:
            seen, left = set(), [start]
            while left:
                fresh = reached.get(left.pop(), set()) - seen
                seen |= fresh
                left += fresh
            assert start not in seen, f"{course}: {start} is left for good"


@pytest.mark.parametrize("course", list(Course))
def test_what_ends_a_part_gives_its_units_back_or_lets_them_leave_once(course: Course) -> None:
    for state, steps in RULES[course].items():
        for step, rule in steps.items():
            changes, _ = stock_of(part(course, state), rule, 50)
            reserved, on_hand = sum(c.reserved for c in changes), sum(c.on_hand for c in changes)
            on_shelf = 0 if state == PartState.IN_TRANSIT else 5
            after = 0 if rule.to in ENDED or rule.to == PartState.IN_TRANSIT else 5
            assert reserved == after - on_shelf, f"{state} {step}"
            gone = rule.to in (PartState.SHIPPED, PartState.COLLECTED, PartState.IN_TRANSIT)
            assert on_hand == (5 if rule.units == Units.LAND else -5 if gone else 0)


def test_a_part_that_waits_at_the_store_it_travelled_to_is_on_the_shelf_there() -> None:
    ready = part(Course.TRAVEL, PartState.READY)
    rule = rule_of(ready, Step.EXPIRE)
    assert rule is not None
    assert shelf_no(ready) == 5
    assert stock_of(ready, rule, 50)[0] == [
        StockChange(stock_key(7, 5), 0, -2),
        StockChange(stock_key(8, 5), 0, -3),
    ]


def test_units_cancelled_on_their_way_are_due_where_they_were_to_be_collected() -> None:
    under_way = part(Course.TRAVEL, PartState.IN_TRANSIT, due_s=500)
    rule = rule_of(under_way, Step.CANCEL)
    assert rule is not None
    assert stock_of(under_way, rule, 50) == ([], [])
    assert [(lot.node_no, lot.sku_no, lot.units, lot.available_s) for lot in lots_of(under_way, rule, 50)] == [
        (5, 7, 2, 500),
        (5, 8, 3, 500),
    ]
    assert [lot.available_s for lot in lots_of(under_way, rule, 600)] == [601, 601]


def test_moves_tell_the_stock_feed_of_what_left_and_of_what_came() -> None:
    sent = rule_of(part(Course.TRAVEL, PartState.PICKED), Step.SHIP)
    came = rule_of(part(Course.TRAVEL, PartState.IN_TRANSIT), Step.ARRIVE)
    assert sent is not None
    assert came is not None
    left = stock_of(part(Course.TRAVEL, PartState.PICKED), sent, 50)[1]
    arrived = stock_of(part(Course.TRAVEL, PartState.IN_TRANSIT), came, 60)[1]
    assert next((m.key, m.units, m.at_s, m.cause) for m in left) == (stock_key(7, 3), -2, 50, "in_transit")
    assert next((m.key, m.units, m.at_s, m.cause) for m in arrived) == (stock_key(7, 5), 2, 60, "arrived")


def test_capacity_is_given_back_before_the_pick_only() -> None:
    confirmed = part(Course.HOME, PartState.CONFIRMED)
    assert capacity_of(confirmed) == [CapacityChange(3, 20_000, -1, -1, -5), CapacityChange(3, 20_000, 9, -1, -5)]
    assert capacity_of(part(Course.HOME, PartState.PICKED)) == []
    assert capacity_of(part(Course.HOME, PartState.CONFIRMED, booked=0)) == []


def test_a_released_part_books_nothing_any_more_and_a_hold_made_ready_is_collected_where_it_is() -> None:
    confirmed = part(Course.HOME, PartState.CONFIRMED)
    release = rule_of(confirmed, Step.RELEASE)
    hold = part(Course.HOLD, PartState.CONFIRMED)
    ready = rule_of(hold, Step.READY)
    assert release is not None
    assert ready is not None
    assert taken(confirmed, release, 99).booked == 0
    assert taken(hold, ready, 99, 500).place_no == hold.node_no
    assert taken(hold, ready, 99, 500).due_s == 500


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_split_part_books_its_order_once_whatever_ends_first(goes_on: bool) -> None:
    whole = part(Course.HOME, PartState.CONFIRMED)
    rest, new = split(whole, {"2": 1}, 4, goes_on=goes_on)
    assert (rest.part, new.part, new.version) == (1, 4, 1)
    assert (rest.lines, new.lines) == ((("1", 7, 2), ("2", 8, 2)), (("2", 8, 1),))
    assert (rest.units, new.units) == (4, 1)
    assert rest.cost_cents + new.cost_cents == 100
    booked = {p.part: sum(-c.orders for c in capacity_of(p) if c.hour == -1) for p in (rest, new)}
    assert booked == ({1: 0, 4: 1} if goes_on else {1: 1, 4: 0})
    assert sum(-c.units for p in (rest, new) for c in capacity_of(p) if c.hour == -1) == 5

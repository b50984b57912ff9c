"""Limits of single cells: the ledger holds every booking to them, whoever makes it and whatever limit it brings."""

from engine.stock.ledger import NO_LIMIT, CapacityCell, CapacityChange, Conflict, Ledger, LimitChange, Posting
from tests.ledger.cases import NOW_S, TODAY

NODE = 3


def conflicts(ledger: Ledger, *postings: Posting) -> list[Conflict | None]:
    return [outcome.conflict for outcome in ledger.post(postings, NOW_S).outcomes]


def booking(orders: int = 1, units: int = 2, *, hour: int = -1, orders_max: int = 10) -> Posting:
    return Posting(capacity=[CapacityChange(NODE, TODAY, hour, orders, units, orders_max)])


def limit(orders_max: int = NO_LIMIT, units_max: int = NO_LIMIT, *, hour: int = -1) -> Posting:
    return Posting(limits=[LimitChange(NODE, TODAY, hour, orders_max, units_max)])


def cells(ledger: Ledger) -> list[CapacityCell]:
    return ledger.capacity(TODAY)


def test_a_limit_of_a_cell_wins_over_the_one_that_a_booking_brings(ledger: Ledger) -> None:
    assert conflicts(ledger, limit(2), booking(), booking(), booking()) == [None, None, None, Conflict.CAPACITY]
    assert conflicts(ledger, limit(3), booking(orders_max=1), booking()) == [None, None, Conflict.CAPACITY]
    assert conflicts(ledger, booking(orders_max=NO_LIMIT)) == [Conflict.CAPACITY]
    assert cells(ledger) == [CapacityCell(NODE, TODAY, -1, 3, 6, 3, NO_LIMIT)]


def test_units_and_orders_are_limited_each_by_itself(ledger: Ledger) -> None:
    assert conflicts(ledger, limit(units_max=3), booking(), booking(), booking(units=1)) == [
        None,
        None,
        Conflict.CAPACITY,
        None,
    ]
    assert conflicts(ledger, booking(units=0, orders_max=2)) == [Conflict.CAPACITY]
    assert conflicts(ledger, booking(units=0)) == [None]


def test_a_limit_below_what_is_booked_lets_it_shrink_and_never_rise(ledger: Ledger) -> None:
    assert conflicts(ledger, booking(3, 6), limit(1, 2)) == [None, None]
    assert cells(ledger) == [CapacityCell(NODE, TODAY, -1, 3, 6, 1, 2)]
    assert conflicts(ledger, booking(), booking(0, 1), booking(1, 0)) == [Conflict.CAPACITY] * 3
    assert conflicts(ledger, booking(-1, 0), booking(0, -1), booking(-1, -4)) == [None] * 3
    assert cells(ledger) == [CapacityCell(NODE, TODAY, -1, 1, 1, 1, 2)]
    assert conflicts(ledger, booking(1, 0), booking(0, 1)) == [Conflict.CAPACITY, None]


def test_hours_and_days_have_limits_apart(ledger: Ledger) -> None:
    assert conflicts(ledger, limit(0, hour=10), booking(hour=10), booking(), booking(hour=11)) == [
        None,
        Conflict.CAPACITY,
        None,
        None,
    ]


def test_a_limit_that_is_taken_away_leaves_the_one_of_the_booking(ledger: Ledger) -> None:
    assert conflicts(ledger, limit(0), booking(), limit(), booking()) == [None, Conflict.CAPACITY, None, None]
    assert cells(ledger) == [CapacityCell(NODE, TODAY, -1, 1, 2)]
    assert conflicts(ledger, booking(orders_max=1)) == [Conflict.CAPACITY]


def test_a_posting_that_is_refused_leaves_limits_as_they_were(ledger: Ledger) -> None:
    assert conflicts(ledger, limit(1)) == [None]
    wrong = Posting(limits=limit(9).limits, capacity=[CapacityChange(NODE, TODAY, 5, -1, 0)])
    assert conflicts(ledger, wrong) == [Conflict.CAPACITY]
    assert [cell.orders_max for cell in cells(ledger) if cell.hour == -1] == [1]


def test_the_feed_and_a_load_tell_of_limits(ledger: Ledger) -> None:
    ledger.post([booking()], NOW_S)
    mark = ledger.load(0).mark
    ledger.post([limit(4, 9)], NOW_S)
    ledger.post([limit(4, 9)], NOW_S)  # changes nothing
    ledger.post([booking(-1, -2)], NOW_S)
    told = [change.capacity for change in ledger.changes(mark)]
    assert told == [
        [(NODE, TODAY, -1, 1, 2, 4, 9, 1, 2, NO_LIMIT, NO_LIMIT)],
        [],
        [(NODE, TODAY, -1, 0, 0, 4, 9, 1, 2, 4, 9)],
    ]
    assert ledger.load(TODAY).capacity.tolist() == [[NODE, TODAY, -1, 0, 0, 4, 9]]
    assert ledger.load(TODAY + 1).capacity.tolist() == []

"""What a posting does, and when it is refused: on every ledger alike."""

from typing import Any

import msgspec
import pytest

from engine.stock.ledger import (
    NO_LIMIT,
    CapacityCell,
    CapacityChange,
    Conflict,
    FeedMark,
    Ledger,
    Outcome,
    Posting,
    StockChange,
    StockRow,
)
from engine.stock.records import DecisionRecord, EventRecord, IdempotencyKey, Part, Reservation
from engine.stock.records_oms import Audit, Exclusion
from tests.ledger.cases import (
    NOW_S,
    TODAY,
    allocation,
    contents,
    decision,
    event,
    remembered,
    reservation,
    stocked,
)

ROW, OTHER = 7, 9


def conflicts(ledger: Ledger, *postings: Posting) -> list[Conflict | None]:
    return [outcome.conflict for outcome in ledger.post(postings, NOW_S).outcomes]


def exclusion(until_s: int) -> Exclusion:
    return Exclusion(order_id="o", node_no=1, sku_no=2, until_s=until_s, reason="rejected")


def test_a_posting_that_holds_is_there_with_all_it_brings(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 5})
    wanted = allocation("a", ROW, 2)
    posted = ledger.post([wanted], NOW_S)
    assert posted.outcomes == [Outcome()]
    assert posted.stock == [StockRow(ROW, 5, 2)]
    assert sorted(posted.capacity) == [CapacityCell(ROW, TODAY, -1, 1, 2), CapacityCell(ROW, TODAY, 9, 1, 2)]
    assert contents(ledger) == ({ROW: (5, 2)}, {(ROW, TODAY, -1): (1, 2), (ROW, TODAY, 9): (1, 2)})
    made, pieces, decided, _ = wanted.makes
    assert ledger.find(Reservation) == [made]
    assert ledger.find(Part) == [pieces]
    assert ledger.find(DecisionRecord) == [decided]
    assert [found.subject for found in ledger.find(EventRecord)] == ["a"]
    assert ledger.get(IdempotencyKey, "c", "k-a") == wanted.key


def test_a_posting_that_is_refused_leaves_nothing(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 1})
    before, mark = contents(ledger), ledger.load(0).mark
    posted = ledger.post([allocation("a", ROW, 2)], NOW_S)
    assert posted.outcomes == [Outcome(Conflict.STOCK, str(ROW))]
    assert posted.stock == [StockRow(ROW, 1, 0)]
    assert posted.seq == -1
    assert contents(ledger) == before
    assert ledger.find(Reservation) == ledger.find(Part) == ledger.find(EventRecord) == []
    assert ledger.changes(mark) == []


@pytest.mark.parametrize(("floor", "left"), [(0, True), (2, True), (3, False)])
def test_a_floor_is_what_must_be_free_afterwards(ledger: Ledger, floor: int, left: bool) -> None:
    stocked(ledger, {ROW: 5})
    (conflict,) = conflicts(ledger, Posting(stock=[StockChange(ROW, 0, 3, floor)]))
    assert (conflict is None) == left


def test_a_floor_below_zero_sells_what_is_due(ledger: Ledger) -> None:
    wanted = [Posting(stock=[StockChange(ROW, 0, 1, -2)]) for _ in range(3)]
    assert conflicts(ledger, *wanted) == [None, None, Conflict.STOCK]
    assert contents(ledger)[0] == {ROW: (0, 2)}


def test_the_last_unit_goes_to_the_first_of_a_batch(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 1})
    assert conflicts(ledger, allocation("a", ROW), allocation("b", ROW)) == [None, Conflict.STOCK]
    assert [found.reservation_id for found in ledger.find(Reservation)] == ["a"]


def test_what_the_first_of_a_batch_gives_back_the_second_may_take(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 1})
    ledger.post([allocation("a", ROW)], NOW_S)
    back = Posting(stock=[StockChange(ROW, 0, -1)])
    assert conflicts(ledger, allocation("b", ROW), back, allocation("c", ROW)) == [Conflict.STOCK, None, None]


def test_nothing_is_reserved_or_on_hand_below_zero(ledger: Ledger) -> None:
    assert conflicts(ledger, Posting(stock=[StockChange(ROW, 0, -1)])) == [Conflict.STOCK]
    assert conflicts(ledger, Posting(stock=[StockChange(ROW, -1, 0)])) == [Conflict.STOCK]


def test_changes_of_one_row_in_a_posting_count_together(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 2})
    assert conflicts(ledger, Posting(stock=[StockChange(ROW, 0, 2, 1), StockChange(ROW, 0, -1)])) == [None]
    assert conflicts(ledger, Posting(stock=[StockChange(ROW, 0, 1, 0), StockChange(ROW, 0, 1)])) == [Conflict.STOCK]


def test_capacity_is_not_booked_beyond_its_limits(ledger: Ledger) -> None:
    def booking(orders: int, units: int, orders_max: int, units_max: int) -> Posting:
        return Posting(capacity=[CapacityChange(3, TODAY, -1, orders, units, orders_max, units_max)])

    assert conflicts(ledger, booking(1, 4, 1, 4), booking(1, 1, 1, NO_LIMIT), booking(1, 1, NO_LIMIT, 4)) == [
        None,
        Conflict.CAPACITY,
        Conflict.CAPACITY,
    ]
    assert conflicts(ledger, booking(-1, -4, 1, 4), booking(-1, 0, NO_LIMIT, NO_LIMIT)) == [None, Conflict.CAPACITY]
    assert contents(ledger)[1] == {}


def test_a_call_that_was_answered_gets_its_answer_and_does_nothing(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 5})
    ledger.post([allocation("a", ROW)], NOW_S)
    again = Posting(stock=[StockChange(ROW, 0, 1, 0)], key=remembered("k-a"))
    assert ledger.post([again], NOW_S).outcomes == [Outcome(Conflict.KEY, "k-a", remembered("k-a"))]
    assert contents(ledger)[0] == {ROW: (5, 1)}


def test_a_call_twice_in_a_batch_is_done_once_unless_it_was_refused(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 1})
    refused = Posting(stock=[StockChange(ROW, 0, 2, 0)], key=remembered())
    wanted = Posting(stock=[StockChange(ROW, 0, 1, 0)], key=remembered())
    assert conflicts(ledger, refused, wanted, wanted) == [Conflict.STOCK, None, Conflict.KEY]


def test_a_record_that_is_there_is_not_made_again_and_the_rest_of_the_batch_holds(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 9})
    ledger.post([allocation("a", ROW)], NOW_S)
    twice = msgspec.structs.replace(allocation("a", ROW), key=remembered("another"))
    posted = ledger.post([allocation("b", ROW), twice, allocation("c", ROW)], NOW_S)
    assert posted.outcomes == [Outcome(), Outcome(Conflict.EXISTS, "reservations:a"), Outcome()]
    assert contents(ledger)[0] == {ROW: (9, 3)}


def test_a_record_is_made_once_in_a_batch(ledger: Ledger) -> None:
    assert conflicts(ledger, Posting(makes=[reservation()]), Posting(makes=[reservation()])) == [None, Conflict.EXISTS]
    assert conflicts(ledger, Posting(makes=[decision(), decision()])) == [Conflict.EXISTS]


def test_a_record_is_changed_by_whoever_read_its_latest_version(ledger: Ledger) -> None:
    ledger.post([Posting(makes=[reservation()])], NOW_S)
    second, third = reservation(state="ended", version=2), reservation(state="held", version=3)
    assert conflicts(ledger, Posting(changes=[third])) == [Conflict.VERSION]
    assert conflicts(ledger, Posting(changes=[second]), Posting(changes=[second]), Posting(changes=[third])) == [
        None,
        Conflict.VERSION,
        None,
    ]
    assert ledger.get(Reservation, "r") == third
    assert ledger.post([Posting(changes=[reservation("other", version=2)])], NOW_S).outcomes == [
        Outcome(Conflict.VERSION, "reservations:other")
    ]


def test_of_several_steps_of_a_record_in_a_batch_the_last_stays(ledger: Ledger) -> None:
    made, changed = reservation(), reservation(state="ended", version=2)
    assert conflicts(ledger, Posting(makes=[made]), Posting(changes=[changed])) == [None, None]
    assert ledger.get(Reservation, "r") == changed
    assert conflicts(ledger, Posting(drops=[changed]), Posting(makes=[made]), Posting(puts=[changed])) == [None] * 3
    assert ledger.get(Reservation, "r") == changed
    again = Posting(changes=[reservation(state="held", version=3)])
    assert conflicts(ledger, Posting(puts=[changed]), again, Posting(drops=[changed])) == [None] * 3
    assert ledger.get(Reservation, "r") is None


def test_puts_are_written_whether_there_before_or_not_and_drops_need_nothing_to_be_there(ledger: Ledger) -> None:
    assert conflicts(ledger, Posting(drops=[exclusion(1)]), Posting(puts=[exclusion(1)])) == [None, None]
    assert conflicts(ledger, Posting(puts=[exclusion(2)])) == [None]
    assert ledger.find(Exclusion) == [exclusion(2)]
    assert conflicts(ledger, Posting(drops=[exclusion(9)])) == [None]
    assert ledger.find(Exclusion) == []


def test_the_ledger_numbers_events_and_audits_in_their_order(ledger: Ledger) -> None:
    ledger.post([Posting(makes=[event("a"), event("b")]), Posting(makes=[event("c")])], NOW_S)
    ledger.post([Posting(makes=[Audit(at_s=NOW_S, by="me", action="pause", subject="node")])], NOW_S)
    found = ledger.find(EventRecord, order=("xid", "event_no"))
    assert [one.subject for one in found] == ["a", "b", "c"]
    assert len({one.event_no for one in found}) == 3
    assert [one.action for one in ledger.find(Audit)] == ["pause"]


def test_texts_come_back_as_they_went_in(ledger: Ledger) -> None:
    text = 'é "quoted" \\ back\nslash \u2028 😀 {rows} %s :name ?'
    ledger.post([Posting(makes=[decision(text=text), reservation("%s'; --", channel="{lock}")])], NOW_S)
    found = ledger.get(DecisionRecord, "d")
    assert found is not None
    assert found.answer_json == text
    assert [r.channel for r in ledger.get_many(Reservation, [("%s'; --",)])] == ["{lock}"]


def test_the_feed_tells_of_each_transaction_once_as_it_left_things_and_found_them(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 5, OTHER: 3})
    mark = ledger.load(0).mark
    notes = Posting(stock=[StockChange(ROW, -1, 0)], notices=["policies", "policies"])
    first = ledger.post([allocation("a", ROW), notes], NOW_S)
    second = ledger.post([Posting(puts=[exclusion(1)], notices=["nodes"])], NOW_S + 1)
    one, two = ledger.changes(mark)
    assert (one.stock, one.at_s, one.mark.seq) == ([(ROW, 4, 1, 5, 0)], NOW_S, first.seq)
    assert sorted(one.capacity) == [(ROW, TODAY, hour, 1, 1, -1, -1, 0, 0, -1, -1) for hour in (-1, 9)]
    assert set(one.notices) == {"policies"}
    assert (two.stock, two.capacity, two.notices, two.mark.seq) == ([], [], ["nodes"], second.seq)
    assert ledger.changes(one.mark) == [two]
    assert ledger.changes(FeedMark(), limit=1) != [one]


def test_a_load_holds_up_to_its_mark(ledger: Ledger) -> None:
    stocked(ledger, {ROW: 5})
    posted = ledger.post([allocation("a", ROW)], NOW_S)
    found = ledger.load(TODAY + 1)
    assert (found.seq.tolist(), found.capacity.tolist()) == ([posted.seq], [])
    assert ledger.changes(found.mark) == []


def test_several_hundred_postings_hold_in_one_batch(ledger: Ledger) -> None:
    stocked(ledger, dict.fromkeys(range(50), 10))
    wanted = [allocation(f"{i:04d}", i % 50) for i in range(600)]
    assert conflicts(ledger, *wanted) == [None] * 500 + [Conflict.STOCK] * 100
    assert len(ledger.find(Reservation, limit=1000)) == 500
    told: Any = ledger.count_by(Part, ("state", "node_no"))
    assert told == [("confirmed", i, 10) for i in range(50)]

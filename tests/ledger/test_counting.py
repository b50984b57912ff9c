"""The stock feed: on every ledger alike."""

from collections.abc import Sequence

import msgspec

from engine.stock.counts import LATER_MAX
from engine.stock.ledger import Count, CountResult, Ledger, Move, Once, Posting, StockChange, StockRow
from engine.stock.records import IdempotencyKey
from engine.stock.records_oms import Quarantined
from tests.ledger.cases import NOW_S, contents

APPLIED, LATE, REPEATED, QUARANTINED = (
    CountResult.APPLIED,
    CountResult.LATE,
    CountResult.REPEATED,
    CountResult.QUARANTINED,
)
ROW, OTHER, FAR = 7, 9, 5 << 20


def count(on_hand: int, seq: int | None = None, key: int = ROW, counted_s: int | None = None) -> Count:
    return Count(key, on_hand, None, seq, counted_s)


def delta(units: int, seq: int | None = None, key: int = ROW) -> Count:
    return Count(key, None, units, seq)


def told(ledger: Ledger, *messages: Count, source: str = "wms") -> list[CountResult]:
    return ledger.count(messages, NOW_S, source).results


def on_hand(ledger: Ledger, key: int = ROW) -> int:
    return contents(ledger)[0].get(key, (0, 0))[0]


def test_counts_make_rows_and_replace_what_is_on_hand_but_not_what_is_reserved(ledger: Ledger) -> None:
    ledger.post([Posting(stock=[StockChange(OTHER, 5, 3)])], NOW_S)
    counted = ledger.count([count(4, 1), count(9, 1, OTHER), count(0, 1, FAR)], NOW_S, "wms")
    assert counted.results == [APPLIED] * 3
    assert counted.stock == [StockRow(ROW, 4, 0), StockRow(OTHER, 9, 3), StockRow(FAR, 0, 0)]
    assert contents(ledger)[0] == {ROW: (4, 0), OTHER: (9, 3)}


def test_messages_of_one_row_in_a_call_come_one_after_the_other(ledger: Ledger) -> None:
    assert told(ledger, count(4, 1), delta(-1, 2), delta(-9, 3), count(7, 4), delta(2, 5)) == [
        APPLIED,
        APPLIED,
        QUARANTINED,
        APPLIED,
        APPLIED,
    ]
    assert on_hand(ledger) == 9


def test_late_and_repeated_messages_change_nothing(ledger: Ledger) -> None:
    told(ledger, count(10, 5))
    assert told(ledger, count(3, 4), count(3, 5), delta(-1, 5), delta(-1, 3)) == [LATE, REPEATED, LATE, LATE]
    assert told(ledger, delta(-1, 7)) == [APPLIED]
    assert told(ledger, delta(-1, 7)) == [REPEATED]
    assert on_hand(ledger) == 9


def test_a_count_that_comes_after_later_changes_counts_them_once(ledger: Ledger) -> None:
    told(ledger, count(10, 1))
    assert told(ledger, delta(-1, 4), delta(-2, 2)) == [APPLIED] * 2
    assert told(ledger, count(20, 3)) == [APPLIED]  # holds number 2, not number 4
    assert on_hand(ledger) == 19
    assert told(ledger, delta(-2, 2), delta(-1, 4), delta(5, 5)) == [LATE, REPEATED, APPLIED]
    assert on_hand(ledger) == 24


def test_messages_without_number_are_taken_as_they_come(ledger: Ledger) -> None:
    assert told(ledger, count(4), delta(1), delta(1), count(4), delta(1)) == [APPLIED] * 5
    assert on_hand(ledger) == 5


def test_numbers_of_different_sources_say_nothing_about_each_other(ledger: Ledger) -> None:
    assert told(ledger, count(10, 1_000), source="wms") == [APPLIED]
    assert told(ledger, delta(-1, 1), delta(-1, 2), source="till") == [APPLIED, APPLIED]
    assert told(ledger, delta(-1, 2), source="till") == [REPEATED]
    assert told(ledger, count(30, 3), source="till") == [APPLIED]
    assert told(ledger, delta(-1, 3), count(1, 2), source="till") == [LATE, LATE]
    assert told(ledger, count(1, 1_000), delta(-1, 1_001), source="wms") == [REPEATED, APPLIED]
    assert on_hand(ledger) == 29


def test_what_left_through_us_since_it_was_counted_is_taken_off(ledger: Ledger) -> None:
    told(ledger, count(10))
    moves = [Move(ROW, -2, NOW_S + at_s, "shipped", f"r{at_s}") for at_s in (10, 20, 30)]
    ledger.post([Posting(stock=[StockChange(ROW, -6, 0)], moves=moves)], NOW_S + 30)
    assert told(ledger, count(8, 1, counted_s=NOW_S + 10)) == [APPLIED]
    assert on_hand(ledger) == 4
    assert told(ledger, count(2, 2, counted_s=NOW_S + 30), count(3, 1, OTHER, counted_s=NOW_S)) == [APPLIED] * 2
    assert on_hand(ledger) == 2
    assert told(ledger, count(1, 3, counted_s=NOW_S)) == [QUARANTINED]


def test_what_would_be_less_than_nothing_or_more_than_a_row_holds_is_not_believed(ledger: Ledger) -> None:
    told(ledger, count(1, 1))
    wrong = [count(-1, 2), delta(-2, 3), count(2**31, 4), delta(2**31 - 1, 5), count(-1)]
    assert told(ledger, *wrong) == [QUARANTINED] * 5
    assert on_hand(ledger) == 1
    assert told(ledger, count(2**31 - 1, 2)) == [APPLIED]  # its number was not taken


def test_what_was_refused_is_written_down_once(ledger: Ledger) -> None:
    refused = Quarantined(source="wms", batch="b", row=3, problem="sku", raw="x", received_s=NOW_S)
    for problem in ("sku", "sent again"):
        ledger.count([], NOW_S, "wms", makes=[msgspec.structs.replace(refused, problem=problem)])
    assert ledger.find(Quarantined) == [refused]


def test_the_feed_tells_of_rows_that_were_counted(ledger: Ledger) -> None:
    told(ledger, count(10, 1))
    mark = ledger.load(0).mark
    counted = ledger.count([count(10, 2), count(4, 1, OTHER)], NOW_S, "wms")
    (change,) = ledger.changes(mark)
    assert (change.stock, change.mark.seq) == ([(OTHER, 4, 0, 0, 0)], counted.seq)
    assert ledger.count([count(3, 1)], NOW_S, "wms").seq == -1


def test_of_a_source_that_never_counts_so_many_changes_are_kept(ledger: Ledger) -> None:
    told(ledger, count(10**6))
    messages = [delta(-1, n) for n in range(1, LATER_MAX + 3)]
    assert told(ledger, *messages) == [APPLIED] * len(messages)
    assert told(ledger, delta(-1, 2), delta(-1, 3), count(5, 2)) == [LATE, REPEATED, REPEATED]
    assert on_hand(ledger) == 10**6 - len(messages)


def remembering(name: str, *results: CountResult) -> Once:
    def records(found: Sequence[CountResult]) -> list[IdempotencyKey]:
        assert not results or tuple(found) == results
        body = ",".join(found)
        return [IdempotencyKey(scope="s", key=name, fingerprint="f", status=200, body=body, created_s=NOW_S)]

    return Once([("s", name)], records)


def test_changes_without_number_are_applied_once_where_they_are_remembered(ledger: Ledger) -> None:
    messages = [count(4), delta(1), delta(-9)]
    first = ledger.count(messages, NOW_S, "wms", once=remembering("k", APPLIED, APPLIED, QUARANTINED))
    assert (first.results, first.answered) == ([APPLIED, APPLIED, QUARANTINED], ())
    again = ledger.count(messages, NOW_S, "wms", once=remembering("k"))
    assert (again.results, again.stock, again.seq) == ([], [StockRow(ROW, 5, 0)], -1)
    assert [one.body for one in again.answered] == ["applied,applied,quarantined"]
    assert ledger.count([delta(1)], NOW_S, "wms", once=remembering("other")).results == [APPLIED]
    assert on_hand(ledger) == 6


def test_what_is_written_with_counts_is_there_even_where_no_row_changes(ledger: Ledger) -> None:
    assert ledger.count([], NOW_S, "wms", once=remembering("k")).answered == ()
    assert len(ledger.count([], NOW_S, "wms", once=remembering("k")).answered) == 1


def test_a_count_may_ask_that_nobody_has_changed_the_row_since(ledger: Ledger) -> None:
    assert ledger.stock_row(ROW) == (StockRow(ROW, 0, 0), 0)
    told(ledger, count(4))
    row, seq = ledger.stock_row(ROW)
    assert (row, seq > 0) == (StockRow(ROW, 4, 0), True)
    ledger.post([Posting(stock=[StockChange(ROW, 0, 1)])], NOW_S)
    assert ledger.stock_row(ROW)[1] > seq
    assert told(ledger, Count(ROW, 9, None, None, None, seq)) == [CountResult.CHANGED]
    assert told(ledger, Count(ROW, 9, None, None, None, ledger.stock_row(ROW)[1])) == [APPLIED]
    assert ledger.stock_row(ROW)[0] == StockRow(ROW, 9, 1)

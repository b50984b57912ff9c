"""The stock feed through the desk: what it applies, what it does not believe, and what the engine sees of it."""

from typing import Any

import pytest

from engine.adapters.stock_rows import batch_of_csv, batch_of_ndjson
from engine.desk.ask import DeskError
from engine.desk.counts import Batch, FeedReport, apply_feed, list_quarantined, set_on_hand, settle_quarantined
from engine.desk.desk import Desk
from engine.desk.exceptions import list_cases
from engine.desk.inbound import AdjustStock, PutLot, ReceiveLot, SetHeldBack
from engine.desk.reject import Reject
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.errors import InputError
from engine.domain.units import epoch_s
from engine.stock.ledger import Ledger, stock_key
from engine.stock.records_oms import Lot
from tests import builders
from tests.desk.desk_cases import allocate, following, said, settle
from tests.ledger_twin import LedgerTwin

NOW_S = epoch_s(builders.AS_OF)
NETWORK = builders.network(stock={("wh", "a"): 5, ("st", "a"): 5, ("wh", "b"): 5})


def feed(desk: Desk, text: str, *, batch: str = "b1", **changes: Any) -> FeedReport:
    return apply_feed(desk, batch_of_ndjson(text.encode(), source="wms", batch=batch), now_s=NOW_S, **changes)


def row(desk: Desk, node: int, sku: int) -> tuple[int, int]:
    return desk.state.stock_of(stock_key(sku, node))


LINES = """
{"node": "wh", "sku": "a", "on_hand": 8, "seq": 3}
{"node": "wh", "sku": "a", "units": -2, "seq": 4}
{"node": "wh", "sku": "a", "units": -2, "seq": 4}
{"node": "wh", "sku": "a", "on_hand": 90, "seq": 2}

{"node": "mars", "sku": "a", "on_hand": 1}
{"node": "wh", "sku": "zz", "on_hand": 1}
{"node": "wh", "sku": "a", "on_hand": -1}
{"node": "wh", "sku": "b", "units": -6}
{"node": "wh", "sku": "b", "on_hand": "many"}
{"node": "wh", "sku": "b", "on_hand": 1, "units": 1}
{"node": "wh", "sku": "b"}
no json
""".lstrip()


def test_each_line_has_its_result_and_what_is_not_believed_is_quarantined_with_its_reason(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        report = feed(desk, LINES)
        assert report.results == ["applied", "applied", "repeated", "late", *["quarantined"] * 8]
        assert report.numbers == {"applied": 2, "late": 1, "quarantined": 8, "repeated": 1}
        wrong = [(line.row, line.field, line.value) for line in report.refused]
        assert wrong == [
            (6, "node", "mars"),
            (7, "sku", "zz"),
            (8, "on_hand", "-1"),
            (9, "units", "-6"),
            (10, "on_hand", "many"),
            (11, "units", "1"),
            (12, "on_hand", ""),
            (13, "", ""),
        ]
        assert all(line.problem and line.hint and line.raw for line in report.refused)
        assert (row(desk, 0, 0), row(desk, 0, 1)) == ((6, 0), (5, 0))
        listed, _ = list_quarantined(ledger)
        assert [(line.row, line.state) for line in listed] == [(n, "open") for n in range(6, 14)]
        assert feed(desk, LINES).numbers == {"late": 1, "quarantined": 8, "repeated": 3}
        assert row(desk, 0, 0) == (6, 0)


def test_a_csv_says_the_same_as_its_ndjson() -> None:
    text = (
        "node,sku,on_hand,units,seq,counted_at\n"
        "wh,a,8,,3,2026-06-01T05:00:00Z\n"
        "wh,a,,-2,4,\n"
        "wh,b,x,,,\n"
        "wh,b,1,,,noon\n"
        "too,few\n"
        '"st",a,1,,,\n'
    )
    batch = batch_of_csv(text.encode(), source="wms", batch="b")
    assert list(batch.rows) == [2, 3, 7]
    assert [(line.row, line.field) for line in sorted(batch.refused)] == [(4, "on_hand"), (5, "counted_at"), (6, "")]
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        report = apply_feed(desk, batch, now_s=NOW_S)
        assert report.results == ["applied", "applied", *["quarantined"] * 3, "applied"]
        assert (row(desk, 0, 0), row(desk, 1, 0)) == ((6, 0), (1, 0))


@pytest.mark.parametrize("text", ["node,on_hand\nwh,1\n", "node,sku,colour\nwh,a,red\n", ""])
def test_a_csv_with_another_header_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(InputError, match=r"CSV"):
        batch_of_csv(text.encode(), source="wms", batch="b")


def test_a_row_that_is_new_to_the_engine_is_sold_from(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        assert said(desk.ask(allocate(builders.order("c", order_id="before"))))["status"] == "infeasible"
        feed(desk, '{"node": "st", "sku": "c", "on_hand": 2}\n')
        settle(desk)
        document = said(desk.ask(allocate(builders.order("c"))))
        assert [s["node"] for s in document["shipments"]] == ["st"]
        assert row(desk, 1, 2) == (2, 1)
        assert not desk.state.view.missing


def test_a_count_below_what_is_reserved_opens_one_case_that_lists_who_holds() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(allocate(builders.order(builders.line("b", 3)), ttl_s=None))
        for n in (2, 1):
            feed(desk, f'{{"node": "wh", "sku": "b", "on_hand": {n}}}\n', batch=f"b{n}")
        (case,), _ = list_cases(ledger)
        assert (case.kind, case.exception_id) == ("stock_short", "short:wh:b")
        assert b'"o1"' in bytes(case.data)
        assert row(desk, 0, 1) == (1, 3)
        assert said(desk.ask(allocate(builders.order("b", order_id="o2"))))["status"] == "infeasible"


def test_quarantined_lines_are_applied_once_the_network_knows_them_or_dismissed() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        text = '{"node": "new", "sku": "a", "on_hand": 4}\n{"node": "wh", "sku": "a", "on_hand": -4}\nno json\n'
        feed(desk, text)
        lines, _ = list_quarantined(ledger)
        assert settle_quarantined(desk, lines, apply=True, now_s=NOW_S).numbers == {"quarantined": 3}
        ledger.numbers.nodes.append("new")  # as the ledger numbers the nodes of a network that has it
        desk.state.node_numbers["new"] = len(ledger.numbers.nodes) - 1
        assert settle_quarantined(desk, lines, apply=True, now_s=NOW_S).results == ["applied", *["quarantined"] * 2]
        left, _ = list_quarantined(ledger)
        assert [line.row for line in left] == [2, 3]
        settle_quarantined(desk, left, apply=False, now_s=NOW_S)
        assert list_quarantined(ledger) == ([], None)
        assert ledger.stock[stock_key(0, 3)][:2] == (4, 0)


def test_small_chunks_come_to_the_same_as_one(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        report = feed(desk, LINES, chunk=1)
        assert report.numbers == {"applied": 2, "late": 1, "quarantined": 8, "repeated": 1}
        assert row(desk, 0, 0) == (6, 0)


def test_one_row_is_set_only_where_it_is_as_the_caller_saw_it(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        set_on_hand(desk, node="wh", sku="a", on_hand=7, if_seq=0, now_s=NOW_S)
        with pytest.raises(DeskError) as stale:
            set_on_hand(desk, node="wh", sku="a", on_hand=9, if_seq=0, now_s=NOW_S)
        assert (stale.value.status, row(desk, 0, 0)) == (412, (7, 0))
        with pytest.raises(InputError, match="on_hand"):
            set_on_hand(desk, node="wh", sku="a", on_hand=-1, now_s=NOW_S)
        with pytest.raises(InputError, match="mars"):
            set_on_hand(desk, node="mars", sku="a", on_hand=1, now_s=NOW_S)


def test_a_row_that_was_blocked_is_sold_from_again_once_somebody_has_counted_it_and_not_before(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(allocate(builders.order("b"), ttl_s=None))
        line = RejectedLine(line_id="b", units=1)
        desk.ask(Reject(rejection_id="r", reservation_id="o1", part=1, lines=(line,), reason=Reason.NOT_FOUND))
        feed(desk, '{"node": "wh", "sku": "b", "on_hand": 5}\n')
        assert row(desk, 0, 1) == (5, 0)
        assert desk.state.engine.live.available(0, 1) == 0
        set_on_hand(desk, node="wh", sku="b", on_hand=4, now_s=NOW_S)
        assert desk.state.engine.live.available(0, 1) == 4
    with following(NETWORK, ledger) as (desk, _):
        assert desk.state.engine.live.available(0, 1) == 4


def test_units_on_hand_are_not_adjusted_below_what_is_reserved() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(allocate(builders.order(builders.line("b", 3)), ttl_s=None))
        assert said(desk.ask(AdjustStock(node="wh", sku="b", units=-2)))["on_hand"] == 3
        with pytest.raises(DeskError, match="3 of them reserved"):
            desk.ask(AdjustStock(node="wh", sku="b", units=-1))


def test_a_lot_that_comes_goes_on_hand_and_shrinks(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(PutLot(lot_id="l", node="wh", sku="a", units=6, available_s=NOW_S + 60))
        assert desk.state.engine.live.inbound(0, 0) == ((NOW_S + 60, 6),)
        assert said(desk.ask(ReceiveLot(lot_id="l", units=4)))["units"] == 2
        assert row(desk, 0, 0) == (9, 0)
        assert desk.state.engine.live.inbound(0, 0) == ((NOW_S + 60, 2),)
        with pytest.raises(DeskError) as stale:
            desk.ask(PutLot(lot_id="l", node="wh", sku="a", units=9, available_s=NOW_S, if_version=1))
        assert stale.value.status == 412
        desk.ask(ReceiveLot(lot_id="l", units=3))  # one more than was left
        with pytest.raises(DeskError, match="unknown"):
            desk.ask(ReceiveLot(lot_id="m", units=3))
        assert desk.state.engine.live.inbound(0, 0) == ()
    assert [(lot.units, lot.version) for lot in ledger.find(Lot)] == [(0, 3)]


def test_safety_stock_and_units_for_one_channel_are_held_back_from_then_on() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(SetHeldBack(rule="safety", node="wh", sku="b", channel="", units=2))
        desk.ask(SetHeldBack(rule="protection", node="wh", sku="b", channel="web", units=2))
        live = desk.state.engine.live
        assert (live.available(0, 1), live.available(0, 1, "web")) == (1, 3)
        order = builders.order(builders.line("b", 2))
        assert said(desk.ask(allocate(order)))["status"] == "infeasible"
        web = builders.order(builders.line("b", 2), order_id="w", channel="web")
        assert said(desk.ask(allocate(web)))["status"] == "allocated"
        desk.ask(SetHeldBack(rule="safety", node="wh", sku="b", channel="", units=0, if_version=1))
        assert desk.state.engine.live.available(0, 1, "web") == 3
        with pytest.raises(InputError, match="name both"):
            desk.ask(SetHeldBack(rule="protection", node="wh", sku=None, channel="web", units=2))


def test_a_batch_without_messages_changes_nothing() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        report = apply_feed(desk, Batch(source="s", batch="b", rows=(), messages=()), now_s=NOW_S)
    assert report == FeedReport({}, [], [])

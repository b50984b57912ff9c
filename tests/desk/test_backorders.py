"""Lines that wait: who is served first when stock comes, from where, and what is promised meanwhile."""

from typing import Any

import pytest

from engine.desk.ask import DeskError
from engine.desk.backorders import AllocateOrWait, ChangeBackorder, list_backorders
from engine.desk.counts import set_on_hand
from engine.desk.desk import Desk
from engine.desk.inbound import AdjustStock, PutLot, ReceiveLot
from engine.desk.reject import Reject
from engine.desk.settings import SetSku
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.order import Order
from engine.domain.units import epoch_s
from engine.stock.ledger import Ledger
from engine.stock.records import EventRecord, Part
from engine.stock.records_oms import Backorder
from tests import builders
from tests.desk.desk_cases import allocate, following, said, settle
from tests.ledger_twin import LedgerTwin

AS_OF_S = epoch_s(builders.AS_OF)
NETWORK = builders.network(stock={("wh", "a"): 0, ("st", "a"): 0, ("wh", "b"): 10, ("st", "b"): 10})


def wait(desk: Desk, order: Order, *, together: bool = False, **changes: Any) -> Any:
    return said(desk.ask(AllocateOrWait(allocate=allocate(order, **changes), together=together)))


def states(ledger: Ledger) -> dict[tuple[str, str], str]:
    return {(row.order_id, row.line_id): row.state for row in ledger.find(Backorder)}


def test_what_cannot_be_served_waits_and_the_rest_is_allocated(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        document = wait(desk, builders.order("a", "b"))
        assert [s["lines"][0]["sku"] for s in document["allocation"]["shipments"]] == ["b"]
        assert [(w["line_id"], w["units"], w["kind"]) for w in document["waiting"]] == [("a", 1, "backorder")]
        settle(desk)
        desk.ask(AdjustStock(node="st", sku="a", units=1))
        settle(desk)
    assert states(ledger) == {("o1", "a"): "allocated"}
    assert sorted(part.lines for part in ledger.find(Part)) == [(("a", 0, 1),), (("b", 1, 1),)]
    assert "backorder.allocated.v1" in [event.type for event in ledger.find(EventRecord)]


def test_an_order_that_is_to_be_served_whole_waits_as_a_whole() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        document = wait(desk, builders.order("a", "b"), together=True)
        assert document["allocation"] is None
        assert {w["line_id"] for w in document["waiting"]} == {"a", "b"}
        desk.ask(AdjustStock(node="st", sku="b", units=1))
        settle(desk)
        assert not ledger.find(Part)
        desk.ask(AdjustStock(node="st", sku="a", units=1))
        settle(desk)
    assert set(states(ledger).values()) == {"allocated"}


def test_an_order_that_can_be_served_waits_for_nothing() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        assert wait(desk, builders.order("b"))["status"] == "allocated"
    assert not ledger.find(Backorder)


def test_stock_is_offered_by_priority_then_promise_then_age(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        late, early = builders.at("2026-06-20T18:00"), builders.at("2026-06-10T18:00")
        wait(desk, builders.order("a", order_id="last", deliver_by=late))
        wait(desk, builders.order("a", order_id="second", deliver_by=early))
        clock.now_s += 1
        wait(desk, builders.order("a", order_id="third", deliver_by=early))
        wait(desk, builders.order("a", order_id="first", deliver_by=late), priority=5)
        settle(desk)
        served = []
        for _ in range(4):
            desk.ask(AdjustStock(node="wh", sku="a", units=1))
            settle(desk)
            served.append(sorted(o for (o, _), state in states(ledger).items() if state == "allocated"))
    assert [sorted(set(now) - set(before)) for before, now in zip([[], *served], served, strict=False)] == [
        ["first"],
        ["second"],
        ["third"],
        ["last"],
    ]


def test_a_line_that_wants_more_than_there_is_does_not_hold_up_others() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        wait(desk, builders.order(builders.line("a", 5), order_id="big"), priority=9)
        wait(desk, builders.order("a", order_id="small"))
        desk.ask(AdjustStock(node="wh", sku="a", units=2))
        settle(desk)
    assert states(ledger) == {("big", "a"): "waiting", ("small", "a"): "allocated"}


@pytest.mark.parametrize("how", ["count", "lot", "release_of_another"])
def test_whatever_frees_stock_is_offered(how: str) -> None:
    ledger = LedgerTwin()
    stock = {("wh", "a"): 1, ("st", "a"): 0}
    with following(builders.network(stock=stock), ledger) as (desk, clock):
        desk.ask(allocate(builders.order("a", order_id="holder"), ttl_s=None))
        wait(desk, builders.order("a"))
        settle(desk)
        assert states(ledger) == {("o1", "a"): "waiting"}
        if how == "count":
            set_on_hand(desk, node="st", sku="a", on_hand=3, now_s=clock.now_s)
        elif how == "lot":
            desk.ask(PutLot(lot_id="l1", node="st", sku="a", units=4, available_s=clock.now_s + 86_400))
            assert said(desk.ask(ReceiveLot(lot_id="l1", units=1)))["units"] == 3
        else:  # a node too busy for one order's line is not too busy for another's
            line = RejectedLine(line_id="a", units=1)
            desk.ask(Reject(rejection_id="r", reservation_id="holder", part=1, lines=(line,), reason=Reason.TOO_BUSY))
        settle(desk)
    assert states(ledger) == {("o1", "a"): "allocated"}


def test_the_expected_date_is_of_the_first_lot_that_covers_those_who_wait_already() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        for i, units in enumerate((2, 3)):
            desk.ask(PutLot(lot_id=f"l{i}", node="wh", sku="a", units=units, available_s=AS_OF_S + (i + 1) * 86_400))
        dates = [
            wait(desk, builders.order(builders.line("a", units), order_id=f"o{i}"))["waiting"][0]["expected_at"]
            for i, units in enumerate((2, 3, 1))
        ]
    assert dates == ["2026-06-02T06:00:00Z", "2026-06-03T06:00:00Z", None]


def test_before_its_release_nothing_of_a_sku_is_promised_and_then_those_who_wait_come_first(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        desk.ask(SetSku(sku="b", release_s=AS_OF_S + 3_600, by="ann"))
        assert said(desk.ask(allocate(builders.order("b", order_id="now"))))["status"] == "infeasible"
        document = wait(desk, builders.order("b"))
        assert [(w["kind"], w["expected_at"]) for w in document["waiting"]] == [("preorder", "2026-06-01T07:00:00Z")]
        settle(desk)
        assert states(ledger) == {("o1", "b"): "waiting"}
        clock.now_s += 3_600
        settle(desk)
        assert states(ledger) == {("o1", "b"): "allocated"}
        assert said(desk.ask(allocate(builders.order("b", order_id="later"))))["status"] == "allocated"


def test_a_line_that_waits_can_be_cancelled_and_moved_up() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        wait(desk, builders.order("a"))
        wait(desk, builders.order("a", order_id="o2"))
        moved = said(desk.ask(ChangeBackorder(order_id="o2", priority=7)))
        assert [(row["priority"], row["version"]) for row in moved] == [(7, 2)]
        with pytest.raises(DeskError) as stale:
            desk.ask(ChangeBackorder(order_id="o2", cancel=True, version=1))
        assert stale.value.status == 412
        desk.ask(ChangeBackorder(order_id="o1", cancel=True))
        with pytest.raises(DeskError, match="Nothing of order"):
            desk.ask(ChangeBackorder(order_id="o1", cancel=True))
        with pytest.raises(DeskError, match="no such line"):
            desk.ask(ChangeBackorder(order_id="o9", cancel=True))
        desk.ask(AdjustStock(node="wh", sku="a", units=5))
        settle(desk)
        listed, after = list_backorders(ledger, desk.state.view.numbers, states=("waiting", "allocated", "cancelled"))
    assert [(row.order_id, row.state) for row in listed] == [("o1", "cancelled"), ("o2", "allocated")]
    assert after is None


def test_what_waits_is_known_after_a_restart(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        wait(desk, builders.order("a"))
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(AdjustStock(node="wh", sku="a", units=1))
        settle(desk)
    assert states(ledger) == {("o1", "a"): "allocated"}

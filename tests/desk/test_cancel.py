"""Cancelling at any stage, on every ledger."""

from typing import Any

import pytest

from engine.desk.ask import DeskError
from engine.desk.cancel import Cancel
from engine.desk.fulfil import Mark
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger, Posting
from engine.stock.lifecycle import Step
from engine.stock.records_oms import Backorder, Lot
from tests import builders
from tests.desk.books import booked, events, reserved, shelf, states
from tests.desk.desk_cases import desk_on, said
from tests.desk.test_fulfil import mark, sold, travelling
from tests.desk.test_reserve import ST, WH, at, hold

NETWORK = builders.network(
    nodes=(builders.node(capacity_day_orders=50), builders.store(capacity_day_orders=50), builders.pickup_point())
)


@pytest.mark.parametrize("steps", [(), (Step.PICK,), (Step.READY,), (Step.PICK, Step.READY)])
def test_a_cancelled_order_leaves_stock_as_it_was_and_capacity_unless_it_was_worked_on(
    ledger: Ledger, steps: tuple[Step, ...]
) -> None:
    with desk_on(NETWORK, ledger) as desk:
        before = shelf(ledger)
        sold(desk, builders.line("a", 2), "b", pickup_node="st", destination=None)
        for step in steps:
            desk.ask(mark(step))
        document = said(desk.ask(Cancel(order_id="o1")))
        with pytest.raises(DeskError) as error:
            desk.ask(Cancel(order_id="o1"))
    assert document["cancelled"] == {"a": 2, "b": 1}
    assert error.value.code == "nothing-open"
    assert shelf(ledger) == before
    assert booked(ledger) == ({(ST, -1): (1, 3)} if Step.PICK in steps or Step.READY in steps else {})
    assert events(ledger)[-1] == "order.cancelled.v1"


def test_what_is_on_its_way_is_due_at_the_store_when_it_is_cancelled(ledger: Ledger) -> None:
    with desk_on(travelling(), ledger) as desk:
        sold(desk, builders.line("a", 2), pickup_node="st", destination=None)
        desk.ask(mark(Step.SHIP))
        desk.ask(Cancel(order_id="o1"))
        with pytest.raises(DeskError):
            desk.ask(mark(Step.ARRIVE))
    assert shelf(ledger)[WH, 0] == (8, 0)
    assert [(lot.lot_id, lot.node_no, lot.sku_no, lot.units) for lot in ledger.find(Lot)] == [("o1/1/a", ST, 0, 2)]


def test_what_was_shipped_is_not_cancelled_and_the_advice_is_to_return_it(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, builders.line("a", 3), "b")
        desk.ask(mark(Step.PICK, lines={"a": 2}))
        desk.ask(Mark(reservation_id="o1", part=2, step=Step.SHIP))
        for command in (
            Cancel(order_id="o1"),
            Cancel(order_id="o1", lines={"a": 2}),
            Cancel(order_id="o1", reservation_id="o1", part=2),
        ):
            with pytest.raises(DeskError) as error:
                desk.ask(command)
            assert error.value.code == "wrong-state"
            assert "return" in error.value.hint
        assert said(desk.ask(Cancel(order_id="o1", lines={"a": 1})))["cancelled"] == {"a": 1}
        assert said(desk.ask(Cancel(order_id="o1", open_only=True)))["cancelled"] == {"b": 1}
    assert reserved(ledger) == 0


def test_a_part_alone_is_cancelled(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3), at("wh", 2, "b", "2")))
        desk.ask(Cancel(order_id="o-h1", reservation_id="h1", part=2))
    assert states(ledger) == {("h1", 1): "held", ("h1", 2): "released"}


def waiting(**changes: Any) -> Backorder:
    values: dict[str, Any] = {
        "order_id": "o1",
        "line_id": "a",
        "sku_no": 0,
        "units": 4,
        "channel": "",
        "priority": 0,
        "promise_s": 0,
        "state": "waiting",
        "order_json": "{}",
        "created_s": 0,
        "updated_s": 0,
    }
    return Backorder(**(values | changes))


def test_units_that_wait_for_stock_are_cancelled_before_those_that_are_held(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, builders.line("a", 2))
        ledger.post([Posting(makes=[waiting()])], 0)
        desk.ask(Cancel(order_id="o1", lines={"a": 3}))
        assert [(b.units, b.state) for b in ledger.find(Backorder)] == [(1, "waiting")]
        assert reserved(ledger) == 2
        desk.ask(Cancel(order_id="o1", lines={"a": 2}))
        assert [(b.units, b.state) for b in ledger.find(Backorder)] == [(1, "cancelled")]
    assert reserved(ledger) == 1


def test_an_order_that_only_waits_is_cancelled(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        ledger.post([Posting(makes=[waiting()])], 0)
        assert said(desk.ask(Cancel(order_id="o1")))["cancelled"] == {"a": 4}


def test_an_unknown_order_and_a_part_without_its_reservation_are_the_callers_to_mend(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        with pytest.raises(DeskError) as error:
            desk.ask(Cancel(order_id="nobody"))
        assert error.value.status == 404
        with pytest.raises(InputError, match="part"):
            desk.ask(Cancel(order_id="o1", part=1))
        with pytest.raises(InputError, match="lines"):
            desk.ask(Cancel(order_id="o1", lines={"a": 0}))

"""The audit of a ledger while parts are at every stage of their lives."""

import pytest

from engine.adapters.ledger import SqlLedger, check
from engine.desk.cancel import Cancel
from engine.desk.fulfil import Mark
from engine.desk.reserve import Confirm, Release
from engine.domain.ids import NodeId
from engine.domain.order import Method
from engine.stock.ledger import Ledger
from engine.stock.lifecycle import Step
from tests import builders
from tests.desk.books import booked
from tests.desk.desk_cases import allocate, desk_on


@pytest.mark.parametrize("ends", [Step.COLLECT, Step.CANCEL])
def test_units_on_their_way_lie_on_no_shelf_and_then_on_that_of_the_place(ledger: Ledger, ends: Step) -> None:
    if not isinstance(ledger, SqlLedger):
        pytest.skip("the audit counts the records of a database")
    network = builders.network(stock={("wh", "a"): 5})
    order = builders.order(
        builders.line("a", 2), destination=None, pickup_node=NodeId("st"), methods=(Method.SHIP_TO_STORE,)
    )
    with desk_on(network, ledger) as desk:
        desk.ask(allocate(order))
        desk.ask(Confirm(reservation_id="o1"))
        for step in (Step.PICK, Step.SHIP, Step.ARRIVE):
            desk.ask(Mark(reservation_id="o1", part=1, step=step))
            assert check(ledger) == [], step
        desk.ask(Cancel(order_id="o1") if ends == Step.CANCEL else Mark(reservation_id="o1", part=1, step=ends))
    assert check(ledger) == []


def test_the_order_of_a_part_that_was_split_is_booked_once(ledger: Ledger) -> None:
    if not isinstance(ledger, SqlLedger):
        pytest.skip("the audit counts the records of a database")
    network = builders.network(
        nodes=(builders.node(capacity_day_orders=5), builders.store(), builders.pickup_point()),
        stock={("wh", "a"): 5},
    )
    with desk_on(network, ledger) as desk:
        desk.ask(allocate(builders.order(builders.line("a", 3))))
        desk.ask(Confirm(reservation_id="o1"))
        desk.ask(Mark(reservation_id="o1", part=1, step=Step.PICK, lines={"a": 1}))
        assert check(ledger) == []
        desk.ask(Release(reservation_id="o1", lines={"a": 1}))
        assert check(ledger) == []
    assert booked(ledger) == {(0, -1): (1, 2)}

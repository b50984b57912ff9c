"""Work on shipments, step by step, on every ledger: to the customer's home, at a store, over a lane to a store."""

from typing import Any

import pytest

from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.fulfil import Fulfil, FulfilLine, Mark
from engine.desk.reserve import Confirm, Release
from engine.desk.sweep import Sweep
from engine.domain.errors import InputError
from engine.stock.ledger import Count, Ledger, stock_key
from engine.stock.lifecycle import Step
from tests import builders
from tests.desk.books import booked, events, parts, shelf, states
from tests.desk.desk_cases import allocate, desk_on, key, said
from tests.desk.test_reserve import ST, WH, at, hold, turn

NETWORK = builders.network()
HOUR_S = 3600


def mark(step: Step, name: str = "o1", part: int = 1, **changes: Any) -> Mark:
    return Mark(reservation_id=name, part=part, step=step, **changes)


def sold(desk: Desk, *lines: Any, **changes: Any) -> Any:
    """Allocate and confirm an order; its document."""
    return said(desk.ask(allocate(builders.order(*lines, **changes), ttl_s=None)))


def refused(desk: Desk, command: Any) -> str:
    with pytest.raises(DeskError) as error:
        desk.ask(command)
    assert error.value.status == 409
    return error.value.code


def test_a_parcel_is_picked_and_shipped_and_then_it_is_gone(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        node = sold(desk, builders.line("a", 2), "b")["shipments"][0]["node"]
        before = shelf(ledger)
        assert said(desk.ask(mark(Step.PICK)))["shipments"][0]["state"] == "picked"
        assert shelf(ledger) == before
        document = said(desk.ask(mark(Step.SHIP, reference="1Z")))
    no = {"wh": WH, "st": ST}[node]
    assert (document["state"], document["shipments"][0]["state"]) == ("ended", "shipped")
    assert (shelf(ledger)[no, 0], shelf(ledger)[no, 1]) == ((8, 0), (9, 0))
    assert events(ledger) == ["decision.made.v1", "shipment.picked.v1", "shipment.shipped.v1"]


def test_each_step_is_taken_once_and_a_repeated_call_is_answered_the_same(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, "a")
        first = desk.ask(mark(Step.PICK), key("p"))
        assert refused(desk, mark(Step.PICK)) == "wrong-state"
        shipped = desk.ask(mark(Step.SHIP), key("s"))
        after = shelf(ledger)
        assert refused(desk, mark(Step.SHIP)) == "wrong-state"
        assert desk.ask(mark(Step.PICK), key("p")).body == first.body
        assert desk.ask(mark(Step.SHIP), key("s")).body == shipped.body
    assert shelf(ledger) == after


def test_a_part_that_is_only_held_is_not_worked_on(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order("a")))
        for step in (Step.PICK, Step.READY, Step.SHIP, Step.ARRIVE, Step.COLLECT):
            assert refused(desk, mark(step)) == "wrong-state"


def test_picked_lines_go_on_and_the_rest_waits_for_a_second_pick(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, builders.line("a", 3), "b")
        desk.ask(mark(Step.PICK, lines={"a": 2, "b": 1}))
        assert sorted((p.part, p.state, p.units) for p in parts(ledger)) == [(1, "confirmed", 1), (2, "picked", 3)]
        desk.ask(mark(Step.SHIP, part=2))
        desk.ask(mark(Step.PICK))
        document = said(desk.ask(mark(Step.SHIP)))
    assert document["state"] == "ended"
    assert sum(p.cost_cents for p in parts(ledger)) == parts(ledger)[1].cost_cents


def test_more_than_a_part_has_is_not_picked(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, builders.line("a", 3))
        assert refused(desk, mark(Step.PICK, lines={"a": 4})) == "not-in-part"
        assert refused(desk, mark(Step.PICK, lines={"z": 1})) == "not-in-part"
        with pytest.raises(DeskError) as error:
            desk.ask(mark(Step.PICK, part=7))
        assert error.value.status == 404
    assert states(ledger) == {("o1", 1): "confirmed"}


def test_click_and_collect_is_made_ready_and_handed_to_the_customer_who_pays(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        document = sold(desk, "a", pickup_node="st", destination=None)
        assert document["shipments"][0]["method"] == "click_and_collect"
        assert refused(desk, mark(Step.SHIP)) == "wrong-state"
        desk.ask(mark(Step.PICK))
        desk.ask(mark(Step.READY, collect_s=HOUR_S))
        assert shelf(ledger)[ST, 0] == (10, 1)
        desk.ask(mark(Step.COLLECT, paid_cents=2000))
        assert refused(desk, mark(Step.COLLECT)) == "wrong-state"
    assert shelf(ledger)[ST, 0] == (9, 0)
    assert events(ledger)[1:] == ["shipment.picked.v1", "shipment.ready.v1", "shipment.collected.v1"]


def test_what_nobody_collects_goes_back_on_sale_where_it_is(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, "a", pickup_node="st", destination=None)
        desk.ask(mark(Step.READY, collect_s=HOUR_S))
        turn(desk, HOUR_S - 1)
        assert said(desk.ask(Sweep())) == {"expired": 0, "not_collected": 0, "more": False}
        turn(desk, 1)
        assert said(desk.ask(Sweep())) == {"expired": 0, "not_collected": 1, "more": False}
        assert refused(desk, mark(Step.COLLECT)) == "wrong-state"
    assert shelf(ledger)[ST, 0] == (10, 0)
    assert states(ledger) == {("o1", 1): "expired"}


def test_a_customer_who_comes_late_but_before_the_sweep_still_gets_it(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, "a", pickup_node="st", destination=None)
        desk.ask(mark(Step.READY, collect_s=HOUR_S))
        turn(desk, HOUR_S + 5)
        desk.ask(mark(Step.COLLECT))
        assert said(desk.ask(Sweep()))["not_collected"] == 0
    assert shelf(ledger)[ST, 0] == (9, 0)


def travelling() -> Any:
    return builders.network(stock={("wh", "a"): 10, ("st", "b"): 5})


def test_a_transfer_leaves_its_origin_is_nowhere_on_its_way_and_is_kept_at_the_store(ledger: Ledger) -> None:
    with desk_on(travelling(), ledger) as desk:
        document = sold(desk, builders.line("a", 2), pickup_node="st", destination=None)
        assert document["shipments"][0]["method"] == "ship_to_store"
        desk.ask(mark(Step.PICK))
        assert refused(desk, mark(Step.READY)) == "wrong-state"
        desk.ask(mark(Step.SHIP))
        assert shelf(ledger) == {(WH, 0): (8, 0), (ST, 1): (5, 0)}
        assert refused(desk, mark(Step.COLLECT)) == "wrong-state"
        desk.ask(mark(Step.ARRIVE))
        assert shelf(ledger)[ST, 0] == (2, 2)
        assert refused(desk, mark(Step.ARRIVE)) == "wrong-state"
        desk.ask(mark(Step.COLLECT, lines={"a": 1}))
        assert shelf(ledger)[ST, 0] == (1, 1)
        turn(desk, 8 * 24 * HOUR_S)
        assert said(desk.ask(Sweep()))["not_collected"] == 1
    assert shelf(ledger) == {(WH, 0): (8, 0), (ST, 1): (5, 0), (ST, 0): (1, 0)}
    assert events(ledger)[2:] == [
        "shipment.in_transit.v1",
        "shipment.ready.v1",
        "shipment.collected.v1",
        "reservation.expired.v1",
    ]


def test_a_hold_at_a_store_is_collected_and_paid_there(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 2), ttl_s=24 * HOUR_S))
        desk.ask(Confirm(reservation_id="h1"))
        desk.ask(mark(Step.READY, "h1"))
        desk.ask(mark(Step.COLLECT, "h1", lines={"1": 1}, paid_cents=2000))
        desk.ask(mark(Step.COLLECT, "h1", part=1))
    assert shelf(ledger)[ST, 0] == (8, 0)


def test_capacity_stays_booked_for_what_was_picked_and_comes_back_for_what_was_not(ledger: Ledger) -> None:
    network = builders.network(
        nodes=(builders.node(capacity_day_orders=5, capacity_hour_units=9), builders.store(), builders.pickup_point()),
        stock={("wh", "a"): 10},
    )
    with desk_on(network, ledger) as desk:
        sold(desk, builders.line("a", 4))
        hour = next(h for _, h in booked(ledger) if h >= 0)
        assert booked(ledger) == {(WH, -1): (1, 4), (WH, hour): (1, 4)}
        desk.ask(Release(reservation_id="o1", lines={"a": 1}))
        assert booked(ledger) == {(WH, -1): (1, 3), (WH, hour): (1, 3)}
        desk.ask(mark(Step.PICK, lines={"a": 2}))
        assert booked(ledger) == {(WH, -1): (1, 3), (WH, hour): (1, 3)}
        desk.ask(Release(reservation_id="o1", part=1))
        assert booked(ledger) == {(WH, -1): (1, 2), (WH, hour): (1, 2)}
        sold(desk, builders.line("a", 3), order_id="o2")
        desk.ask(Release(reservation_id="o2"))
        assert booked(ledger) == {(WH, -1): (1, 2), (WH, hour): (1, 2)}


def test_a_count_taken_before_a_shipment_left_does_not_bring_its_units_back(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 4)))
        counted_s = desk.clock_s()
        turn(desk, 60)
        desk.ask(Fulfil(lines=(FulfilLine(reservation_id="h1", line_id="1", quantity=4, node="st"),)))
        row = stock_key(0, ST)
        ledger.count([Count(row, 12, None, 1, counted_s)], desk.clock_s(), "pos")
    assert shelf(ledger)[ST, 0] == (8, 0)


def test_a_step_that_nobody_marks_is_refused_by_name(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, "a")
        with pytest.raises(InputError, match="release"):
            desk.ask(mark(Step.RELEASE))
        with pytest.raises(InputError, match="collect_s"):
            desk.ask(mark(Step.READY, collect_s=0))

"""Limits that somebody gives a day of a node, or hours of it: at once, everywhere, and for as long as they are set."""

from datetime import date, timedelta
from typing import Any

import pytest

from engine.desk.ask import DeskError
from engine.desk.cancel import Cancel
from engine.desk.capacity import DayLimits, SetCapacity, SlotLimits, day_capacity, node_capacity
from engine.desk.decisions import explain_decision
from engine.desk.desk import Desk
from engine.desk.settings import NodeChanges, SetNode, list_audit
from engine.domain.units import day_number
from engine.stock.ledger import Ledger
from engine.stock.records import EventRecord
from tests import builders
from tests.desk.desk_cases import allocate, desk_on, following, said, settle
from tests.ledger_twin import LedgerTwin

TODAY = date(2026, 6, 1)  # a Monday
NETWORK = builders.network()
HOURLY = builders.network(
    nodes=(builders.node(capacity_hour_orders=9), builders.store(), builders.pickup_point()),
)


def limits(orders_max: int | None = None, units_max: int | None = None, **hours: int) -> DayLimits:
    """Of a day, and orders of hours by name: h10=0."""
    slots = [SlotLimits(hour=int(name[1:]), orders_max=most) for name, most in hours.items()]
    return DayLimits(orders_max=orders_max, units_max=units_max, slots=slots)


def put(desk: Desk, wanted: DayLimits, *, day: date = TODAY, node: str = "wh", version: int | None = None) -> Any:
    return said(desk.ask(SetCapacity(node=node, day=day, limits=wanted, if_version=version, by="ann")))


def picked(desk: Desk, name: str, *, node: str = "wh") -> str:
    """When an order is picked that only one node may serve."""
    document = said(desk.ask(allocate(builders.order("a", order_id=name, nodes=(node,)), ttl_s=None)))
    start: str = document["shipments"][0]["pick_start"]
    return start


def test_a_day_takes_what_it_is_given_at_once_counting_what_was_booked_before(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        assert picked(desk, "o1")[:10] == "2026-06-01"
        assert put(desk, limits(2), version=0)["version"] == 1
        assert [picked(desk, f"p{i}")[:10] for i in range(2)] == ["2026-06-01", "2026-06-02"]
        document = put(desk, limits(3), version=1)
        assert (document["orders"], document["orders_max"], document["edited"]) == (2, 3, True)
        assert [picked(desk, f"q{i}")[:10] for i in range(2)] == ["2026-06-01", "2026-06-02"]
        assert put(desk, limits())["edited"] is False
        assert picked(desk, "o2")[:10] == "2026-06-01"


def test_a_day_may_take_more_than_its_node_does() -> None:
    network = builders.network(nodes=(builders.node(capacity_day_orders=1), builders.store(), builders.pickup_point()))
    with following(network, LedgerTwin()) as (desk, _):
        put(desk, limits(3))
        days = [picked(desk, f"o{i}")[:10] for i in range(5)]
    assert days == ["2026-06-01"] * 3 + ["2026-06-02", "2026-06-03"]


def test_units_of_a_day_are_limited(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        put(desk, limits(units_max=1))
        assert [picked(desk, f"o{i}")[:10] for i in range(2)] == ["2026-06-01", "2026-06-02"]


def test_hours_that_take_nothing_are_passed_over(ledger: Ledger) -> None:
    with following(HOURLY, ledger) as (desk, _):
        first = picked(desk, "o1")
        hour = int(first[11:13]) + 2  # the network's time is two hours before UTC's
        document = put(desk, limits(**{f"h{hour}": 0, f"h{hour + 1}": 1}))
        slots = {slot["hour"]: slot for slot in document["slots"]}
        assert (slots[hour]["orders"], slots[hour]["orders_over"], slots[hour]["edited"]) == (1, 1, True)
        assert (slots[hour + 2]["orders_max"], slots[hour + 2]["edited"]) == (9, False)
        hours = [int(picked(desk, f"p{i}")[11:13]) + 2 for i in range(2)]
    assert hours == [hour + 1, hour + 2]


def test_what_is_booked_beyond_a_limit_stays_and_no_more_is_taken(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        for i in range(3):
            assert picked(desk, f"o{i}")[:10] == "2026-06-01"
        document = put(desk, limits(2))
        assert (document["orders"], document["orders_over"], document["units_over"]) == (3, 1, 0)
        assert picked(desk, "p1")[:10] == "2026-06-02"
        desk.ask(Cancel(order_id="o0"))
        assert picked(desk, "p2")[:10] == "2026-06-02"
        desk.ask(Cancel(order_id="o1"))
        assert picked(desk, "p3")[:10] == "2026-06-01"


def test_another_process_follows_and_one_that_has_not_heard_is_held_to_it(ledger: Ledger) -> None:
    with (
        following(NETWORK, ledger, writer="one") as (one, _),
        following(NETWORK, ledger, writer="two") as (two, _),
        desk_on(NETWORK, ledger) as deaf,
    ):
        put(one, limits(2))
        settle(two)
        assert two.state.engine.live.limits_of_day(0, day_number(TODAY)) == (2, None)
        assert deaf.state.engine.live.limits_of_day(0, day_number(TODAY)) == (None, None)
        assert [picked(two, "o1")[:10], picked(deaf, "o2")[:10], picked(deaf, "o3")[:10]] == [
            "2026-06-01",
            "2026-06-01",
            "2026-06-02",
        ]
        assert deaf.state.engine.live.limits_of_day(0, day_number(TODAY)) == (2, None), "the ledger has told it"
        settle(one)
        assert node_capacity(one, "wh", TODAY, 1).days[0].orders == 2
    with following(NETWORK, ledger) as (fresh, _):
        assert picked(fresh, "o4")[:10] == "2026-06-02"


def test_a_process_that_opens_on_booked_cells_goes_on_counting_them(ledger: Ledger) -> None:
    with following(NETWORK, ledger, writer="one") as (one, _):
        picked(one, "o1")
        with following(NETWORK, ledger, writer="two") as (two, _):
            picked(two, "o2")
            assert two.state.engine.live.used_day(0, day_number(TODAY)) == (2, 2)
            picked(one, "o3")
            settle(two)
            assert two.state.engine.live.used_day(0, day_number(TODAY)) == (3, 3)


def test_a_day_beyond_the_window_is_kept_until_the_days_have_come_to_it(ledger: Ledger) -> None:
    with (
        following(NETWORK, ledger, writer="one") as (one, clock),
        following(NETWORK, ledger, writer="two") as (two, late),
    ):
        far = TODAY + timedelta(days=50)
        assert put(one, limits(0), day=far)["orders_max"] == 0
        settle(two)
        clock.now_s += 45 * 86_400
        late.now_s += 45 * 86_400
        settle(one)
        settle(two)
        for desk in (one, two):
            live = desk.state.engine.live
            assert live.limits_of_day(0, day_number(far)) == (0, None)
            assert live.limits_of_day(0, day_number(far) - 1) == (None, None)
        assert [day.edited for day in node_capacity(two, "wh", far, 2).days] == [True, False]
    with following(NETWORK, ledger) as (fresh, later):
        later.now_s += 45 * 86_400
        settle(fresh)
        assert fresh.state.engine.live.limits_of_day(0, day_number(far)) == (0, None)


def test_settings_of_the_node_change_all_days_but_those_with_limits_of_their_own() -> None:
    with following(NETWORK, LedgerTwin()) as (desk, _):
        put(desk, limits(2))
        desk.ask(SetNode(node="wh", changes=NodeChanges(capacity_day_orders=1, capacity_hour_orders=50)))
        settle(desk)
        put(desk, limits(2, 9, h9=4))
        days = [picked(desk, f"o{i}")[:10] for i in range(4)]
        day = day_capacity(desk, "wh", TODAY)
        assert (day.orders_max, day.units_max, day.orders) == (2, 9, 2)
        assert {slot.hour: slot.orders_max for slot in day.slots if slot.edited} == {9: 4}
        assert all(slot.orders_max == 50 for slot in day.slots if not slot.edited)
    assert days == ["2026-06-01"] * 2 + ["2026-06-02", "2026-06-03"]


def test_a_decision_is_explained_under_the_limits_of_its_time(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        assert picked(desk, "o1")[:10] == "2026-06-01"
        put(desk, limits(0))
        settle(desk)
        told = explain_decision(desk, "d-o1")
    assert told.decision.plan.shipments[0].node == "wh"
    assert told.decision.plan.shipments[0].promise.pick_start.date() == TODAY


@pytest.mark.parametrize(
    ("wanted", "day", "field"),
    [
        (limits(1), TODAY - timedelta(days=1), "{day}"),
        (limits(-1), TODAY, "/orders_max"),
        (limits(units_max=2**31), TODAY, "/units_max"),
        (limits(h10=0), TODAY, "/slots"),
        (DayLimits(slots=[SlotLimits(hour=24)]), TODAY, "/slots/0/hour"),
        (DayLimits(slots=[SlotLimits(hour=9), SlotLimits(hour=9)]), TODAY, "/slots/1/hour"),
        (DayLimits(slots=[SlotLimits(hour=9, units_max=-1)]), TODAY, "/slots/0/units_max"),
    ],
)
def test_limits_that_cannot_be_are_refused_by_their_field(wanted: DayLimits, day: date, field: str) -> None:
    with following(NETWORK, LedgerTwin()) as (desk, _):
        with pytest.raises(DeskError) as refused:
            put(desk, wanted, day=day)
        assert (refused.value.status, refused.value.field) == (422, field)
        assert node_capacity(desk, "wh", TODAY, 1).days[0].version == 0


def test_whoever_has_not_seen_the_last_version_changes_nothing(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        put(desk, limits(5), version=0)
        with pytest.raises(DeskError) as stale:
            put(desk, limits(4), version=0)
        assert stale.value.status == 412
        put(desk, limits(), version=1)
        with pytest.raises(DeskError):
            put(desk, limits(4), version=1)
        day = day_capacity(desk, "wh", TODAY)
        assert (day.version, day.edited, day.orders_max, day.by) == (2, False, None, "ann")
    audits, _ = list_audit(ledger, subject="node:wh/2026-06-01")
    assert [(audit.action, audit.before_json, audit.after_json) for audit in audits] == [
        ("set_capacity", "{}", '{"orders_max":5}'),
        ("set_capacity", '{"orders_max":5}', "{}"),
    ]
    told = [event for event in ledger.find(EventRecord) if event.type == "capacity.changed.v1"]
    assert [event.subject for event in told] == ["wh", "wh"]
    assert '"limits":{"orders_max":5}' in told[0].data_json

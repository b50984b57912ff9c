"""Cells of capacity: limits of their own, as days go by, nodes change and copies are made."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.decide.again import decided_under
from engine.decide.engine import Engine
from engine.decide.reasons import Change, Kind
from engine.domain.errors import InputError
from engine.network.cells import BY_ANY, BY_UNITS, WHOLE_DAY
from engine.network.live import Live
from tests import builders as b

WH, ST, PP = 0, 1, 2
NETWORK = b.network(nodes=(b.node(capacity_day_orders=5), b.store(capacity_hour_orders=4), b.pickup_point()))


def live_of_today() -> tuple[Live, int]:
    live = Live(NETWORK)
    return live, live.first_day + 1


def test_a_cell_takes_what_its_node_does_until_it_has_limits_of_its_own() -> None:
    live, today = live_of_today()
    live.set_limits(WH, today, WHOLE_DAY, None, 9)
    live.set_limits(ST, today, 10, 0, None)
    assert [live.limits_of_day(WH, today + i) for i in range(2)] == [(5, 9), (5, None)]
    assert [live.limits_of_hour(ST, today, hour) for hour in (9, 10)] == [(4, None), (0, None)]
    assert live.limits_of_day(ST, today) == live.limits_of_hour(WH, today, 10) == (None, None)
    live.set_limits(WH, today, WHOLE_DAY, None, None)
    assert live.limits_of_day(WH, today) == (5, None)
    assert live.own_limits == {(ST, today, 10): (0, None)}


def test_it_is_known_which_nodes_have_limits_and_which_count_units() -> None:
    live, today = live_of_today()
    assert live.limited.tolist() == [BY_ANY, BY_ANY, 0]
    live.set_limits(ST, today, 10, None, 3)
    live.set_limits(PP, today, WHOLE_DAY, 1, None)
    assert live.limited.tolist() == [BY_ANY, BY_ANY + BY_UNITS, BY_ANY]
    live.set_limits(ST, today, 10, None, None)
    live.set_limits(PP, today, WHOLE_DAY, None, None)
    assert live.limited.tolist() == [BY_ANY, BY_ANY, 0]
    assert (Live(replace(NETWORK, nodes=(b.node(capacity_day_units=2), *NETWORK.nodes[1:]))).limited[WH]) == 3


def test_limits_of_an_hour_have_no_effect_where_nothing_is_counted_by_the_hour() -> None:
    live, today = live_of_today()
    live.set_limits(WH, today, 10, 0, None)
    assert live.limits_of_hour(WH, today, 10) == (None, None)
    hourly = replace(NETWORK, nodes=(b.node(capacity_hour_orders=3), *NETWORK.nodes[1:]))
    assert live.on(hourly).limits_of_hour(WH, today, 10) == (0, None)


def test_a_copy_has_limits_apart() -> None:
    live, today = live_of_today()
    live.set_limits(WH, today, WHOLE_DAY, 1, None)
    other = live.copy()
    other.set_limits(WH, today, WHOLE_DAY, 2, None)
    other.set_limits(ST, today, WHOLE_DAY, 3, None)
    assert (live.limits_of_day(WH, today), live.limits_of_day(ST, today)) == ((1, None), (None, None))
    assert other.limits_of_day(WH, today) == (2, None)


def test_limits_wait_for_their_day_and_end_with_it() -> None:
    live, today = live_of_today()
    beyond = live.first_day + live.num_days + 3
    for day in (today, beyond):
        live.set_limits(WH, day, WHOLE_DAY, 1, None)
    later = live.on(replace(NETWORK, as_of=NETWORK.as_of + timedelta(days=5)))
    assert later.limits_of_day(WH, beyond) == (1, None)
    assert later.limits_of_day(WH, beyond - 1) == (5, None)
    assert later.own_limits == {(WH, beyond, WHOLE_DAY): (1, None)}
    later.set_limits(WH, today, WHOLE_DAY, 1, None)  # is past by now
    assert later.own_limits == {(WH, beyond, WHOLE_DAY): (1, None)}


def test_other_settings_of_a_node_hold_on_all_other_days() -> None:
    live, today = live_of_today()
    live.set_limits(WH, today, WHOLE_DAY, 1, None)
    live.reserve(WH, ((0, 1),), today, 10)
    changed = live.on(replace(NETWORK, nodes=(b.node(capacity_day_units=7), *NETWORK.nodes[1:])))
    assert [changed.limits_of_day(WH, today + i) for i in range(2)] == [(1, 7), (None, 7)]
    assert changed.used_day(WH, today) == (1, 1)


@pytest.mark.parametrize("limits", [(-1, None), (None, 2**31)])
def test_limits_out_of_range_are_refused(limits: tuple[int | None, int | None]) -> None:
    live, today = live_of_today()
    with pytest.raises(InputError, match=r"node \(wh\)"):
        live.set_limits(WH, today, WHOLE_DAY, *limits)
    assert live.own_limits == {}


def test_more_room_flips_a_decision_where_the_day_alone_is_full() -> None:
    engine = Engine(b.network())
    live = engine.live
    for day in range(live.first_day, live.first_day + live.num_days):
        live.set_limits(WH, day, WHOLE_DAY, 0, None)
    order = b.order("a")
    plan = engine.decide(order).plan
    assert plan.shipments[0].node == "st"
    rooms = [
        found.changes
        for found in engine.explain(order, plan).counterfactuals
        if found.changes[0].kind is Kind.ROOM and found.changes[0].node == "wh"
    ]
    assert rooms == [
        (Change(kind=Kind.ROOM, node=engine.network.nodes[WH].node_id, field="capacity_day_orders", units=1),)
    ]
    assert decided_under(engine, order, rooms[0]).shipments[0].node == "wh"
    assert live.limits_of_day(WH, live.first_day) == (0, None), "asking has changed nothing"

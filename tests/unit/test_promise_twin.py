from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.plan import Promise, Refusal
from engine.domain.units import day_number, epoch_s
from tests.promise_worlds import World, worlds


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_the_engine_and_the_minute_by_minute_twin_promise_the_same(world: World) -> None:
    engine = world.engine()
    found, expected = engine.ask(world.release_min * 60), world.expected()
    if expected is None:
        assert isinstance(found, Refusal)
        return
    assert isinstance(found, Promise), found
    dates = (found.pick_start, found.pick_end, found.ship_by, found.deliver_earliest, found.deliver_by)
    assert [epoch_s(moment) for moment in dates] == [
        minute * 60
        for minute in (expected.pick_start, expected.pick_end, expected.ship_by, expected.earliest, expected.latest)
    ]
    assert engine.dates.ship_day(world.route, found) == day_number(expected.ship_day)
    day, minute, _ = world.twin().shown[expected.pick_start]
    assert engine.dates.pick_cell(0, found.pick_start) == (day_number(day), minute // 60)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds(), st.integers(0, 59))
def test_release_by_is_the_last_second_that_keeps_the_promise(world: World, second: int) -> None:
    engine = world.engine()
    release_s = world.release_min * 60 + second
    found = engine.ask(release_s)
    if isinstance(found, Refusal):
        return
    last_s = epoch_s(found.release_by)
    assert last_s >= release_s
    kept, missed = engine.ask(last_s), engine.ask(last_s + 1)

    def kept_date(promise: Promise) -> datetime:
        return promise.ship_by if world.route.place < 0 else promise.deliver_by

    assert isinstance(kept, Promise)
    assert kept_date(kept) == kept_date(found)
    assert isinstance(missed, Refusal) or kept_date(missed) > kept_date(found)

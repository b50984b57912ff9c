"""Promises that roll forward: what is known when, queues of a surge, the state, and what was kept."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.adapters.calibration_state import read_state, write_state
from engine.adapters.history import read_history
from engine.domain.errors import InputError
from engine.promise.calibrate import fit_transit
from engine.promise.rolling.calibration import calibration_of
from engine.promise.rolling.leg import life_table
from engine.promise.rolling.load import Load
from engine.promise.rolling.measure import judged, kept_by_group, retailers_own
from engine.promise.rolling.past import (
    HOLIDAY,
    SATURDAY,
    SUNDAY,
    WORKING,
    Past,
    PastOrder,
    day_of,
    kinds_of_days,
    past_of,
)
from engine.promise.rolling.replay import weighted_quantiles
from engine.promise.rolling.today import bands_today
from engine.promise.rolling.walk import Walk, plain_rolling, walk, walk_through
from scenarios.deliveries import FIRST_DAY, Shape, made_up_deliveries

HISTORY = Path(__file__).parents[3] / "shared" / "data" / "br"
SMALL = Shape(num_days=130, orders_per_day=12, surge_day=100)


def known_by(orders: tuple[PastOrder, ...], at: datetime) -> tuple[PastOrder, ...]:
    """The history as a file of that moment has it."""
    return tuple(
        replace(
            order,
            handed_over=order.handed_over if order.handed_over and order.handed_over < at else None,
            delivered=order.delivered if order.delivered and order.delivered < at else None,
        )
        for order in orders
        if order.purchased < at
    )


@pytest.fixture(scope="module")
def demo() -> tuple[Past, Walk]:
    past = past_of(made_up_deliveries(1))
    return past, walk_through(past)


def test_a_parcel_under_way_makes_the_leg_slower_than_leaving_it_out_would() -> None:
    work, weight = np.array([0.5, 0.5, 3.0, 3.0]), np.full(4, 1e6)
    told = life_table(work, np.array([True, True, False, False]), weight)
    left_out = life_table(work[:2], np.array([True, True]), weight[:2])
    # Two leave after half a unit of work, two stay for all of it: 2 / (0.5 + 0.5 + 1 + 1).
    assert told[0, 0] == pytest.approx(2 / 3, abs=1e-3)
    assert told[0, 0] < left_out[0, 0]
    assert told[0, 1] == pytest.approx(0.0, abs=1e-3)


def test_days_are_of_four_kinds_and_states_have_holidays_of_their_own() -> None:
    first = day_of(datetime(2017, 7, 7))  # noqa: DTZ001
    assert kinds_of_days("BR", "SP", first, first + 4) == (WORKING, SATURDAY, SUNDAY, WORKING)
    ninth = day_of(datetime(2018, 7, 9))  # noqa: DTZ001
    assert kinds_of_days("BR", "SP", ninth, ninth + 1) == (HOLIDAY,)
    assert kinds_of_days("BR", "RJ", ninth, ninth + 1) == (WORKING,)


def test_a_surge_of_orders_slows_handling_at_once_and_transit_later() -> None:
    load = Load(
        waiting=(100.0, 300.0),
        normal=(100.0, 300.0),
        swing=(0.1, 0.1),
        orders_normal=50.0,
        orders_lately=100,
        give=(0.7, 0.7),
    )
    assert load.queues(0, 0.0) == (0.0, 0.0, 0.0)
    calm = load.slowness(load.queues(0, 0.0))
    assert not calm[0].any()
    assert not calm[1].any()
    surge = replace(load, waiting=(250.0, 300.0), orders_lately=250)
    handling, transit = surge.slowness(surge.queues(0, 0.0))
    assert handling[0] < -0.4
    assert transit[0] == 0.0
    assert transit.min() < -0.05
    assert handling[-1] == pytest.approx(0.0, abs=0.01)


def test_a_quantile_counts_the_next_parcel_as_one_more_draw() -> None:
    values = np.array([3.0, 1.0, 2.0, 4.0])
    assert weighted_quantiles(values, np.ones(4), [0.2, 0.21, 0.8]).tolist() == [1.0, 2.0, 4.0]
    assert weighted_quantiles(values, np.array([1.0, 0.0, 0.0, 1.0]), [0.3, 0.5]).tolist() == [3.0, 4.0]


def test_a_promise_at_a_higher_confidence_is_never_earlier(demo: tuple[Past, Walk]) -> None:
    _, walked = demo
    promised = walked.days[walked.days[:, 0] >= 0]
    assert len(promised) > 5_000
    assert (np.diff(promised, axis=1) >= 0).all()


def test_an_order_later_in_the_day_is_never_promised_earlier() -> None:
    past = past_of(made_up_deliveries(3, SMALL))
    calibration = calibration_of(past)
    calibration.settle(int(past.bought_day[0]) + 90)
    morning = calibration.morning()
    home = past.regions.index("")
    days = [
        morning.quantiles(300_000, part, [0.5, 0.8, 0.95], origin=home, target=home, num_today=0)
        for part in np.linspace(0.0, 0.99, 40)
    ]
    assert (np.diff(np.array(days), axis=0) >= 0).all()
    assert days[0] != days[-1]


def test_the_future_has_no_say_in_promises_of_the_past() -> None:
    orders = made_up_deliveries(4, SMALL)
    at = datetime.combine(FIRST_DAY + timedelta(days=95), datetime.min.time())
    delays = np.random.default_rng(5).integers(0, 90, len(orders))
    other = tuple(
        replace(order, delivered=order.delivered + timedelta(days=int(delay)))
        if order.delivered and order.delivered >= at
        else order
        for order, delay in zip(orders, delays, strict=True)
    )
    until = day_of(at) + 1
    ours, theirs = (walk(calibration_of(past_of(history)), until=until).days for history in (orders, other))
    assert (ours[:, 0] >= 0).sum() > 200
    assert np.array_equal(ours, theirs)
    told = walk(calibration_of(past_of(other))).days
    assert not np.array_equal(told, walk(calibration_of(past_of(orders))).days)


@pytest.mark.parametrize("days", [70, 101])
def test_going_on_from_a_state_gives_the_same_as_one_run(days: int, tmp_path: Path) -> None:
    orders = made_up_deliveries(6, SMALL)
    whole = calibration_of(past_of(orders))
    at_once = walk(whole)
    at = datetime.combine(FIRST_DAY + timedelta(days=days), datetime.min.time())
    first = calibration_of(past_of(known_by(orders, at)))
    walk(first, until=day_of(at))
    write_state(tmp_path / "state.json", first)
    later = read_state(tmp_path / "state.json")
    assert later.day == day_of(at)
    later.take(past_of(orders))
    in_steps = walk(later)
    new = in_steps.past.bought_day >= day_of(at)
    assert new.sum() > 200
    assert np.array_equal(in_steps.days[new], at_once.days[-int(new.sum()) :])
    assert bands_today(later, (0.5, 0.95), "s") == bands_today(whole, (0.5, 0.95), "s")


def test_a_file_that_is_no_state_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"format": "another"}')
    with pytest.raises(InputError, match="is no calibration state"):
        read_state(path)


def test_a_history_too_short_says_how_much_is_needed() -> None:
    calibration = calibration_of(past_of(made_up_deliveries(1, Shape(num_days=30, surge_day=20))))
    walk(calibration)
    with pytest.raises(InputError, match=r"a promise needs 100 in 60"):
        calibration.morning()


def test_promises_of_a_made_up_history_are_kept_as_often_as_asked_also_in_its_surge(demo: tuple[Past, Walk]) -> None:
    past, walked = demo
    first = int(past.bought_day[0])
    test = judged(past, walked.days, first + 120, first + 270)
    kept = kept_by_group(past, walked.days, walked.confidences, test, walked.surge_weeks())
    for one in kept:
        if one.group == "all" or one.name in ("calm weeks", "surge weeks"):
            assert abs(one.off) <= 0.03, one
    surge = day_of(Shape().surge_from)
    days = judged(past, walked.days, surge, surge + 7)
    took = past.arrived_day - past.bought_day
    ours = (took[:, None] <= walked.days)[days].mean(axis=0)
    plain = (took[:, None] <= plain_rolling(past))[days].mean(axis=0)
    # The surge itself, of which nothing like it was seen before.
    assert (ours >= np.array([0.45, 0.78, 0.93])).all()
    assert (plain < ours - 0.03).all()


def test_rows_of_today_fit_a_transit_table_and_grow_with_distance(demo: tuple[Past, Walk]) -> None:
    past, _ = demo
    calibration = calibration_of(past)
    calibration.settle(int(past.bought_day[-1]) + 1)
    bands = bands_today(calibration, (0.5, 0.8, 0.95), "std")
    assert [band.transit.zone for band in bands][::5] == ["up_to_50_km", "beyond"]
    assert all(0 <= b.transit.earliest <= b.transit.typical <= b.transit.latest for b in bands)
    assert all(0 < b.transit.typical_permille <= b.transit.latest_permille < 1000 for b in bands)
    assert bands[-1].promised_days > bands[0].promised_days
    assert fit_transit([1] * 20, "std", "z").service_id == bands[0].transit.service_id


@pytest.mark.data
@pytest.mark.skipif(not HISTORY.exists(), reason="../shared/data/br is absent")
def test_promises_of_the_later_months_of_a_real_history_are_kept() -> None:
    read = read_history(HISTORY)
    assert read.left_out["handed_over before approved"] == 15
    assert len(read.orders) + sum(read.left_out.values()) == read.num_rows
    past = past_of(read.orders, "BR").since_last_pause()
    walked = walk_through(past)
    first, last = day_of(datetime(2017, 6, 1)), day_of(datetime(2017, 10, 1))  # noqa: DTZ001
    test = judged(past, walked.days, first, last)
    assert test.sum() == 3108
    # Over all, what was asked for. Short lanes got faster all summer and are promised too carefully: 0.09 too often
    # kept at most under 50 km at 0.5, of 329 orders; Fridays and Sundays, of some 400 each, 0.07.
    allowed = {"all": 0.03, "weekday": 0.07, "band": 0.09}
    for one in kept_by_group(past, walked.days, walked.confidences, test, walked.surge_weeks()):
        if one.group in allowed:
            assert -0.035 <= one.off <= allowed[one.group], one
    own = retailers_own(past, test)
    assert own is not None
    assert own[0].share == pytest.approx(0.969, abs=0.001)
    assert walked.days[test, 1].mean() < 0.65 * own[1].days_mean
    assert walked.days[test, 2].mean() < own[1].days_mean

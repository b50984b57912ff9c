"""
Walk through a history as it happened: every order is promised dates on what was known at its purchase, and no more.

Beside the calibration walk the ways that one would try first, under the same rule: the quantile of what has arrived
lately, by distance band, and one fit at the start.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.promise.calibrate import fit_transit
from engine.promise.rolling.calibration import Calibration, calibration_of
from engine.promise.rolling.past import LIMITS_M, NEVER, Days, Floats, Past, date_of
from engine.promise.transit import quantile

CONFIDENCES = (0.5, 0.8, 0.95)
ROLLING_DAYS = 60  # of arrivals that the plain rolling quantile looks back on
ROLLING_MIN = 20
SETTLE_DAYS = 60  # orders of so many days before a fit are left out, their slow parcels are still under way
SURGE_MIN = 0.3  # mean log of the largest queue over normal, of a week of orders in a surge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """
    Promises for the orders of a history.

    Parameters
    ----------
    past
        The orders.
    confidences
        Ascending.
    days
        (num_orders, num_confidences) int64 promised days from the purchase to the door; -1: no promise yet.
    surge
        (num_orders,) log of the largest queue over normal, beyond its usual swing, at the purchase; 0 in calm times.
    """

    past: Past
    confidences: tuple[float, ...]
    days: Days
    surge: Floats

    def surge_weeks(self) -> NDArray[np.bool_]:
        """Whether each order was bought in a week (from Monday) of a surge."""
        week = (self.past.bought_day + 3) // 7
        _, number = np.unique(week, return_inverse=True)
        mean = np.bincount(number, weights=self.surge) / np.bincount(number)
        return np.asarray(mean[number] >= SURGE_MIN)


def walk(
    calibration: Calibration,
    confidences: Sequence[float] = CONFIDENCES,
    until: int | None = None,
    seen: Callable[[int, int], None] = lambda _day, _last: None,
) -> Walk:
    """
    Settle day after day, and promise the orders of each once there is enough history.

    Parameters
    ----------
    calibration
        Rolled forward in place, to the day after the last order (or to `until`).
    confidences
        Shares of promises to keep.
    until
        Promise orders before this day only.
    seen
        Told each day and the last one, for those who show progress.
    """
    past = calibration.past
    days = np.full((len(past), len(confidences)), -1, dtype=np.int64)
    surge = np.zeros(len(past))
    last = int(past.bought_day[-1]) + 1 if until is None else until
    bands, count = past.bands(calibration.limits_m), len(confidences)
    arrived = dict(zip(past.ids, past.arrived_day.tolist(), strict=True))
    feedback = calibration.feedback_for(confidences)
    for day in range(calibration.day, last):
        calibration.settle(day)
        feedback.settle(day, arrived)
        low, high = (int(i) for i in np.searchsorted(past.bought_day, [day, day + 1]))
        if low == high or not calibration.is_ready():
            continue
        morning = calibration.morning()
        seen(day, last)
        for i in range(low, high):
            part = float(past.bought_part[i])
            band, weekday = int(bands[i]), (day + 3) % 7
            found = morning.quantiles(
                int(past.distance_m[i]),
                part,
                (*confidences, *feedback.levels(band, weekday).tolist()),
                origin=int(past.origin[i]),
                target=int(past.target[i]),
                num_today=i - low,
            )
            feedback.promised(past.ids[i], day, found[:count], band, weekday)
            days[i] = found[count:]
            surge[i] = max(morning.load.queues(i - low, part))
    calibration.settle(last)
    return Walk(past=past, confidences=tuple(confidences), days=days, surge=surge)


def walk_through(past: Past, limits_m: Sequence[int] = LIMITS_M, confidences: Sequence[float] = CONFIDENCES) -> Walk:
    """Walk through a whole history."""
    return walk(calibration_of(past, limits_m), confidences)


def plain_rolling(past: Past, limits_m: Sequence[int] = LIMITS_M, confidences: Sequence[float] = CONFIDENCES) -> Days:
    """
    Promised days by the quantile of the parcels that arrived in the last ROLLING_DAYS, by distance band.

    What most would try first. It knows neither what is under way nor how fast things move now, and rounds up.
    """
    band, door = past.bands(limits_m), past.arrived_day - past.bought_day
    out = np.full((len(past), len(confidences)), -1, dtype=np.int64)
    for day in np.unique(past.bought_day):
        lately = (past.arrived_day < day) & (past.arrived_day >= day - ROLLING_DAYS)
        low, high = np.searchsorted(past.bought_day, [day, day + 1])
        today = np.arange(low, high)
        for number in np.unique(band[today]):
            values = door[lately & (band == number)]
            if len(values) >= ROLLING_MIN:
                out[today[band[today] == number]] = np.quantile(values, confidences, method="inverted_cdf")
    return out


def fitted_once(
    past: Past, at: int, limits_m: Sequence[int] = LIMITS_M, confidences: Sequence[float] = CONFIDENCES
) -> Days:
    """
    Promised days by one fit of F (engine/MODEL.md, section 3) by distance band, on what had settled by a day.

    Raises
    ------
    InputError
        Where a band has too few parcels by then.
    """
    band, door = past.bands(limits_m), past.arrived_day - past.bought_day
    early = (past.bought_day < at - SETTLE_DAYS) & (past.arrived_day < NEVER)
    out = np.full((len(past), len(confidences)), -1, dtype=np.int64)
    for number in np.unique(band):
        values = door[early & (band == number)]
        if len(values) < 10:
            message = f"Distance band ({number + 1}) has ({len(values)}) deliveries settled by {date_of(at)}, not 10."
            raise InputError(message, "test from a later day on, or join bands.")
        row = fit_transit(values.tolist())
        out[band == number] = [quantile(row, round(c * 1000))[0] for c in confidences]
    return out

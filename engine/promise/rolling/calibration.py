"""
A calibration that rolls forward: day by day it takes in what has happened, and promises on what it knows by then.

A day is settled once, when it is over, and never looked at again: its paces, queues and counts stay as they were seen.
So a calibration that is kept and continued with newer deliveries gives the same promises as one run over all.
Orders older than MEMORY_DAYS are forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.promise.rolling.feedback import Feedback
from engine.promise.rolling.leg import Leg, expected_to_leave, life_table, work_by_day
from engine.promise.rolling.load import COUNT_PRIOR, Load, learn_give, level_ahead, load_of, still_in_legs, swing_today
from engine.promise.rolling.past import LIMITS_M, Days, Floats, Past, date_of, joined, kinds_of_days
from engine.promise.rolling.replay import HORIZON_DAYS, RECENT_HALF_DAYS, Morning, sent_of

MEMORY_DAYS = 400
LOST_DAYS = 45  # after so many days in handling (LOST_TRANSIT_DAYS in transit) a parcel is no longer waited for
LOST_TRANSIT_DAYS = 60
LEARN_DAYS = 28  # before that nothing is called fast or slow
FIRST_PROMISE_DAYS = 60
ARRIVED_MIN = 100  # parcels known before the first promise
HANDLING_PRIOR = (1.0, 0.1, 0.2, 0.02)  # pace of a working day, a Saturday, a holiday, a Sunday
TRANSIT_PRIOR = (1.0, 0.25, 0.2, 0.05)


@dataclass(slots=True, kw_only=True)
class Calibration:
    """
    The history so far and its days.

    Parameters
    ----------
    past
        Orders, also such as lie ahead of `day`; of these nothing is looked at.
    limits_m
        Distance bands, for the life table of transit.
    first_day, day
        All days of [first_day, day) are settled.
    handling, transit
        The legs, day by day.
    orders
        Orders by day.
    swings
        Log of queue over normal in both legs, by day, from the LEARN_DAYS-th on.
    """

    past: Past
    limits_m: tuple[int, ...]
    first_day: int
    day: int
    handling: Leg
    transit: Leg
    orders: list[int] = field(default_factory=list)
    swings: list[tuple[float, float]] = field(default_factory=list)
    feedback: Feedback | None = None

    def feedback_for(self, confidences: Sequence[float]) -> Feedback:
        """What was learnt from promises at these confidences; begun where none were made."""
        if self.feedback is None or self.feedback.confidences != tuple(confidences):
            self.feedback = Feedback.of(confidences, len(self.limits_m) + 1, self.day)
        return self.feedback

    def settle(self, until: int) -> None:
        """Take in all days before `until`."""
        while self.day < until:
            self._settle_one()

    def take(self, newer: Past) -> None:
        """
        Take newer rows: orders that are not known yet, and known ones of which more has happened.

        Rows of settled days that were not there when they were settled count from now on. Orders that are too old to
        count are forgotten.
        """
        both = joined(self.past, newer)
        self.past = both.rows(both.bought_day >= self.day - MEMORY_DAYS)

    def num_arrived(self) -> int:
        """How many parcels are known to have arrived by now."""
        seen = self._window(self.day)
        return int((self.past.arrived_day[seen] < self.day).sum())

    def is_ready(self) -> bool:
        """Whether there is enough history for a promise."""
        return self.day - self.first_day >= FIRST_PROMISE_DAYS and self.num_arrived() >= ARRIVED_MIN

    def morning(self) -> Morning:
        """
        What promises of the next unsettled day follow from.

        Raises
        ------
        InputError
            Where the history is too small by then.
        """
        if not self.is_ready():
            raise InputError(
                f"The history has ({self.num_arrived()}) deliveries in ({self.day - self.first_day}) days by "
                f"{date_of(self.day)}; a promise needs {ARRIVED_MIN} in {FIRST_PROMISE_DAYS}.",
                "give a longer history, or a later day.",
            )
        seen = self._window(self.day)
        past, at = self.past, np.arange(seen.start, seen.stop)
        work = self._work(seen)
        done = past.arrived_day[seen] < self.day
        known = at[done]
        sent = sent_of(
            past.distance_m[known],
            work.handling[done],
            work.transit[done],
            past.arrived_day[known] - past.bought_day[known],
            past.bought_day[known],
            past.bought_day[seen],
            self.day,
        )
        load = self._load()
        queues = load.queues(0, 0.0)
        kinds = self._kinds(self.day + HORIZON_DAYS)
        ahead = []
        for leg, queue, give in zip((self.handling, self.transit), queues[:2], load.give, strict=True):
            pace = leg.kind_pace(kinds[0, : len(leg.left)])[kinds[:, self.day - self.first_day :]]
            drift = np.exp(leg.drift())[:, None, None]
            ahead.append(drift * pace * np.exp(level_ahead(leg, queue, give, HORIZON_DAYS)))
        return Morning(
            day=self.day,
            limits_m=self.limits_m,
            sent=sent,
            load=load,
            handling=ahead[0][0],
            transit=ahead[1],
            slowness={},
        )

    def _settle_one(self) -> None:
        """Take in the day `self.day`: who left which leg, how fast that was, who waits the next morning."""
        day, past = self.day, self.past
        seen = self._window(day + 1)
        bought, handed, arrived = past.bought_day[seen], past.handed_day[seen], past.arrived_day[seen]
        ready = day - self.first_day >= LEARN_DAYS
        expected = self._expected() if ready else (np.zeros(1), np.zeros(1))
        groups = (np.zeros(len(bought), dtype=np.int64), self._bands(seen))
        self.orders.append(int((bought == day).sum()))
        kinds = self._kinds(day + 1)
        for leg, ended, begun, group, would in (
            (self.handling, handed, bought, groups[0], expected[0]),
            (self.transit, arrived, handed, groups[1], expected[1]),
        ):
            leg.left.append(int((ended == day).sum()))
            pace = leg.kind_pace(kinds[0])
            if ready:
                left = np.bincount(group[(ended == day) & (begun < day)], minlength=leg.num_groups)
                leg.see(left.astype(np.float64), would, float(pace[kinds[0, -1]]))
            leg.done.append(tuple(np.outer(np.exp(leg.level - leg.normal + leg.drift()), pace).ravel().tolist()))
        self.day += 1
        if ready:
            self.swings.append(swing_today(self._load()))
            load = self._load()
            legs = (self.handling, self.transit)
            for leg, queue, normal in zip(legs, load.queues(0, 0.0)[:2], load.normal, strict=True):
                if normal >= COUNT_PRIOR:  # a shop that starts has no queues to learn from
                    learn_give(leg, queue)

    def _load(self) -> Load:
        """The load this morning."""
        still_in = still_in_legs(self.past.rows(np.arange(len(self.past))[self._window(self.day)]), self.day)
        return load_of((self.handling, self.transit), self.orders, still_in, self.swings)

    def _expected(self) -> tuple[Floats, Floats]:
        """How many parcels of each group would leave each leg today at pace 1, by all that is known this morning."""
        day, past = self.day, self.past
        seen = self._window(day)
        work = self._work(seen)
        bought, handed, arrived = past.bought_day[seen], past.handed_day[seen], past.arrived_day[seen]
        kinds = self._kinds(day + 1)[:, -1]
        fading = 0.5 ** ((day - bought) / RECENT_HALF_DAYS)
        out = []
        handling_groups, transit_groups = np.zeros(len(bought), dtype=np.int64), self._bands(seen)
        for leg, begun, ended, spent, lost, group, region in (
            (self.handling, bought, handed, work.handling, LOST_DAYS, handling_groups, past.origin[seen]),
            (self.transit, handed, arrived, work.transit, LOST_TRANSIT_DAYS, transit_groups, past.target[seen]),
        ):
            under_way = (begun < day) & (ended >= day) & (day - begun < lost)
            told = (begun < day) & ((ended < day) | under_way)
            chance = life_table(spent[told], ended[told] < day, fading[told], group[told], leg.num_groups)
            pace = leg.kind_pace(self._kinds(day)[0])[kinds[region]]
            # At the pace of these days, as the chances change with age; told per unit of it.
            level = float(np.exp(leg.level - leg.normal))
            there, now = group[under_way], level * pace[under_way]
            would = expected_to_leave(chance, spent[under_way], there, now, whole_days=leg is self.transit)
            out.append(would / level)
        return out[0], out[1]

    def _work(self, seen: slice) -> "_Work":
        """Work of each order in both legs, until it left them or until this morning."""
        past, first, day = self.past, self.first_day, self.day
        kinds = self._kinds(day)
        (done_h, until_h), (done_t, until_t) = (work_by_day(leg, kinds) for leg in (self.handling, self.transit))
        origin, target, band = past.origin[seen], past.target[seen], self._bands(seen)
        bought = past.bought_day[seen] - first
        now = day - first
        handed_known, arrived_known = past.handed_day[seen] < day, past.arrived_day[seen] < day
        handed = np.where(handed_known, past.handed_day[seen] - first, 0)
        arrived = np.where(arrived_known, past.arrived_day[seen] - first, 0)
        part, handed_part = past.bought_part[seen], past.handed_part[seen]
        begin = until_h[0, origin, bought] + part * done_h[0, origin, bought]
        end = until_h[0, origin, handed] + handed_part * done_h[0, origin, handed]
        handling = np.where(handed_known, end, until_h[0, origin, now]) - begin
        begin = until_t[band, target, handed] + handed_part * done_t[band, target, handed]
        end = until_t[band, target, arrived + 1] - part * done_t[band, target, arrived]
        transit = np.where(arrived_known, end, until_t[band, target, now]) - begin
        return _Work(handling=np.maximum(handling, 0.0), transit=np.maximum(transit, 0.0))

    def _window(self, day: int) -> slice:
        """Orders that are known on the morning of a day and still count."""
        low, high = np.searchsorted(self.past.bought_day, [day - MEMORY_DAYS, day])
        return slice(int(low), int(high))

    def _bands(self, seen: slice) -> Days:
        return np.searchsorted(np.asarray(self.limits_m), self.past.distance_m[seen]).astype(np.int64)

    def _kinds(self, until: int) -> NDArray[np.int64]:
        """(num_regions, num_days) kinds of the days from the first one until then; the whole country first."""
        return _kinds(self.past.country, self.past.regions, self.first_day, until)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    handling: Floats
    transit: Floats


def calibration_of(past: Past, limits_m: Sequence[int] = LIMITS_M) -> Calibration:
    """
    A calibration that has not settled any day yet.

    Raises
    ------
    InputError
        Where the history is empty.
    """
    if len(past) == 0:
        raise InputError("The history has no orders.", "check that its rows are clean.")
    first = int(past.bought_day[0])
    return Calibration(
        past=past,
        limits_m=tuple(limits_m),
        first_day=first,
        day=first,
        handling=Leg(name="handling", kind_prior=HANDLING_PRIOR),
        transit=Leg(name="transit", kind_prior=TRANSIT_PRIOR, num_groups=len(limits_m) + 1),
    )


@lru_cache(maxsize=8)
def _all_kinds(country: str, regions: tuple[str, ...], first: int, last: int) -> NDArray[np.int64]:
    return np.array([kinds_of_days(country, region, first, last) for region in regions], dtype=np.int64)


def _kinds(country: str, regions: tuple[str, ...], first: int, until: int) -> NDArray[np.int64]:
    # Made for whole years, as days are asked for one by one.
    return _all_kinds(country, regions, first, first + ((until - first) // 366 + 1) * 366)[:, : until - first]

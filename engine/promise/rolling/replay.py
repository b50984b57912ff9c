"""
A promise for an order of this moment: every parcel of the past is sent again, under today's clocks.

A parcel of the past needed so much work in handling and so much in transit (leg.py). Sent again now, it is handed over
when the handling of these days has done that work, and arrives when transit has, from there on: weekends, holidays and
queues to come included, and the two legs as they went together. How much each parcel counts:

    nearness in distance   exp(-(log distance difference)^2 / 2 width^2), the width growing until enough parcels count
    recency                half as much every RECENT_HALF_DAYS
    1 / (share of orders old enough to have shown so slow a parcel)

The last is for those still under way: of the orders of the last weeks only the fast ones have arrived, so a slow parcel
that has arrived stands for others which have not (inverse probability of censoring).

A promise is a date, and one day more or less is several percent of all parcels: always rounding up keeps far more than
was asked for, at the price of later dates for all. So the time of purchase decides, as a cut-off does. With T(d) the
work of transit by the end of day d, w(d) that of the day and u the part of its day at which the order was bought, a
parcel arrives by day P exactly if

    y(d) = T(d) - u w(d)   has   y(arrival) <= y(P)

and y of parcels bought at all hours has no steps. The promise is the last day whose y is within the wanted quantile of
y over the parcels sent again: kept as often as was asked for, on average over the hours of a day; the same for the same
order; never earlier for an order that comes later in the day, or for a higher confidence.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.promise.rolling.load import QUEUE_DAYS, Load
from engine.promise.rolling.past import Days, Floats

RECENT_HALF_DAYS = 90.0
NEAR_OFFSET_M = 20_000  # added to distances before their logarithm: within a town they hardly matter
NEAR_WIDTH = 0.2
NEAR_ENOUGH = 30.0  # parcels, by effective number
NEAR_CUT = 1e-4  # of the largest weight; what counts less is left out
REPLAYED_MAX = 4_000  # the latest ones, where a history has more that are near
OTHER_WEEKDAY = 0.15  # what a parcel counts that was bought on another weekday
SHARE_MIN = 0.02  # no parcel stands for more than fifty
HORIZON_DAYS = 200
EXACTLY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sent:
    """Parcels of the past by distance: its logarithm, work in both legs, weight by recency, when they were bought."""

    log_distance: Floats
    handling: Floats
    transit: Floats
    weight: Floats
    bought_day: Days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Morning:
    """
    All that promises of one day follow from.

    Parameters
    ----------
    day
        The day, whose own events are not known, but for the number of orders before the one that asks.
    limits_m
        Distance bands of the transit's work.
    handling, transit
        Work of the days from this one, without queues: (num_regions, HORIZON_DAYS), with bands before for transit.
    """

    day: int
    limits_m: tuple[int, ...]
    sent: Sent
    load: Load
    handling: Floats
    transit: Floats
    slowness: dict[tuple[float, float, float], tuple[Floats, Floats]]  # by queues; filled as they are asked for

    def clocks(self, band: int, origin: int, target: int, num_today: int, part: float) -> tuple[Floats, Floats]:
        """Work of the days from today in handling at the origin and in transit at the target, queues included."""
        queues = self.load.queues(num_today, part)
        if queues not in self.slowness:
            self.slowness[queues] = self.load.slowness(queues)
        out = []
        for work, log_pace in zip(
            (self.handling[origin], self.transit[band, target]), self.slowness[queues], strict=True
        ):
            tail = np.full(len(work) - QUEUE_DAYS, log_pace[-1])
            out.append(work * np.exp(np.concatenate([log_pace, tail])))
        return out[0], out[1]

    def near(self, distance_m: int) -> tuple[NDArray[np.int64], Floats]:
        """Which parcels count for such a distance, and how much."""
        sent, at, width = self.sent, float(np.log(distance_m + NEAR_OFFSET_M)), NEAR_WIDTH
        while True:
            reach = width * float(np.sqrt(-2.0 * np.log(NEAR_CUT)))
            low, high = np.searchsorted(sent.log_distance, [at - reach, at + reach])
            chosen = np.arange(low, high)
            if len(chosen) > REPLAYED_MAX:
                latest = np.argsort(-sent.bought_day[chosen], kind="stable")[:REPLAYED_MAX]
                chosen = chosen[np.sort(latest)]
            weight = sent.weight[chosen] * np.exp(-0.5 * ((sent.log_distance[chosen] - at) / width) ** 2)
            weight = np.where((sent.bought_day[chosen] - self.day) % 7 == 0, weight, OTHER_WEEKDAY * weight)
            if effective_number(weight) >= min(NEAR_ENOUGH, len(sent.weight) / 2):
                return chosen, weight
            width *= 2.0

    def quantiles(
        self, distance_m: int, part: float, confidences: Sequence[float], *, origin: int, target: int, num_today: int
    ) -> tuple[int, ...]:
        """
        Promised days from today to the door, by confidence.

        Parameters
        ----------
        distance_m
            From node to door.
        part
            How much of the day had passed at the purchase, in [0, 1).
        confidences
            Shares of promises to keep, each in (0, 1).
        origin, target
            Positions of their regions in the history.
        num_today
            Orders of today before this one.
        """
        chosen, weight = self.near(distance_m)
        handling, transit = self.clocks(bisect_left(self.limits_m, distance_m), origin, target, num_today, part)
        handled, arrived = _by_end(handling), _by_end(transit)
        days = np.arange(len(handled), dtype=np.float64)
        handed_over = np.interp(part * handling[0] + self.sent.handling[chosen], handled, days)
        y = np.interp(handed_over, days, arrived) + self.sent.transit[chosen]
        wanted = weighted_quantiles(y, weight, confidences)
        ends = arrived[1:] - part * transit
        at = np.searchsorted(ends, wanted + EXACTLY, side="right") - 1
        return tuple(int(day) for day in np.maximum(at, 0))


def effective_number(weight: Floats) -> float:
    """How many parcels of equal weight tell as much (Kish)."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def weighted_quantiles(values: Floats, weight: Floats, confidences: Sequence[float]) -> Floats:
    """
    The smallest value by which so much weight has come, out of one more than there is.

    One more, as the next parcel is one more draw: n values keep a promise at their m-th with chance m / (n + 1).

    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0, 4.0]), np.ones(4), [0.4, 0.41, 0.99]).tolist()
    [2.0, 3.0, 4.0]
    """
    order = np.argsort(values, kind="stable")
    share = weight[order].cumsum()
    number = effective_number(weight)
    share = share / share[-1] * number / (number + 1.0)
    at = np.searchsorted(share, np.asarray(confidences) - EXACTLY)
    return np.asarray(values[order][np.minimum(at, len(values) - 1)])


def sent_of(
    distance_m: Days, handling: Floats, transit: Floats, door_days: Days, bought_day: Days, all_bought: Days, day: int
) -> Sent:
    """
    Weigh the parcels that have arrived.

    Parameters
    ----------
    distance_m, handling, transit, door_days, bought_day
        Of the parcels that have arrived: distance, work in both legs, days from purchase to the door, day of purchase.
    all_bought
        Days of purchase of all orders, ascending, those under way included.
    day
        The morning from which one looks.
    """
    ages = day - all_bought[::-1]  # ascending
    fading = 0.5 ** (ages / RECENT_HALF_DAYS)
    old_enough = np.append(fading[::-1].cumsum()[::-1], 0.0)
    # A parcel that took d days is known today only of orders older than d days.
    share = old_enough[np.searchsorted(ages, door_days, side="right")] / old_enough[0]
    weight = 0.5 ** ((day - bought_day) / RECENT_HALF_DAYS) / np.maximum(share, SHARE_MIN)
    log_distance = np.log(distance_m + float(NEAR_OFFSET_M))
    order = np.argsort(log_distance, kind="stable")
    return Sent(
        log_distance=log_distance[order],
        handling=handling[order],
        transit=transit[order],
        weight=weight[order],
        bought_day=bought_day[order],
    )


def _by_end(work: Floats) -> Floats:
    """Work by the end of each day, 0 first."""
    return np.concatenate([[0.0], work.cumsum()])

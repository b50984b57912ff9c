"""
What promises were worth: how many were kept, by group, with what chance alone explains, and how long they were.

Kept shares alone can be had by promising late; so the pinball loss of each confidence c is told too (less is better):
c days for each day that a parcel came after its promise, 1 - c for each day before it. It is least, on average, at the
true quantile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.promise.rolling.past import LIMITS_M, NEVER, Days, Past

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CHANCE = 0.05  # a share as far off as measured happens by chance at most so often


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many promises of one confidence were kept in a group of orders."""

    group: str
    name: str
    confidence: float
    num: int
    num_kept: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of promises kept."""
        return self.num_kept / self.num

    @property
    def off(self) -> float:
        """By how much the share differs from the confidence."""
        return self.share - self.confidence

    @property
    def beyond_chance(self) -> bool:
        """Whether the confidence lies outside the 95 % interval of the share."""
        return not self.low <= self.confidence <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long promises of one confidence were, and their pinball loss in days."""

    confidence: float
    days_p50: float
    days_p90: float
    days_mean: float
    pinball_days: float


def kept_of(group: str, name: str, confidence: float, kept: NDArray[np.bool_]) -> Kept:
    """
    Count, with the exact binomial interval (Clopper and Pearson, 1934).

    >>> kept_of("all", "all", 0.5, np.array([True] * 8 + [False] * 2)).beyond_chance
    False
    >>> kept_of("all", "all", 0.5, np.array([True] * 10)).beyond_chance
    True
    """
    from scipy.special import betaincinv

    num, met = len(kept), int(kept.sum())
    low = float(betaincinv(met, num - met + 1, CHANCE / 2)) if met else 0.0
    high = float(betaincinv(met + 1, num - met, 1.0 - CHANCE / 2)) if met < num else 1.0
    return Kept(group=group, name=name, confidence=confidence, num=num, num_kept=met, low=low, high=high)


def judged(past: Past, promised: Days, from_day: int, to_day: int) -> NDArray[np.bool_]:
    """Orders of [from_day, to_day) that were promised and have arrived; of others nobody can say."""
    inside = (past.bought_day >= from_day) & (past.bought_day < to_day)
    return np.asarray(inside & (past.arrived_day < NEVER) & (promised[:, 0] >= 0))


def kept_by_group(
    past: Past,
    promised: Days,
    confidences: tuple[float, ...],
    test: NDArray[np.bool_],
    surge: NDArray[np.bool_],
    limits_m: tuple[int, ...] = LIMITS_M,
) -> tuple[Kept, ...]:
    """
    Kept shares over all, by distance band, weekday, band and weekday, calm and surge weeks, and month of purchase.

    Parameters
    ----------
    past, promised, confidences
        Orders and (num_orders, num_confidences) promised days.
    test
        Which orders count.
    surge
        Which orders were bought in a week of a surge.
    limits_m
        Upper limits of the bands.
    """
    kept = (past.arrived_day - past.bought_day)[:, None] <= promised
    groups = list(_groups(past, surge, limits_m))
    return tuple(
        kept_of(group, name, confidence, kept[test & those, k])
        for group, name, those in groups
        if (test & those).any()
        for k, confidence in enumerate(confidences)
    )


def _groups(
    past: Past, surge: NDArray[np.bool_], limits_m: tuple[int, ...]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    band, weekday = past.bands(limits_m), (past.bought_day + 3) % 7
    names = band_names(limits_m)
    yield "all", "all", np.ones(len(past), dtype=bool)
    for number, name in enumerate(names):
        yield "band", name, band == number
    for number, name in enumerate(WEEKDAYS):
        yield "weekday", name, weekday == number
    yield "times", "calm weeks", ~surge
    yield "times", "surge weeks", surge
    for number, name in enumerate(names):
        for day, word in enumerate(WEEKDAYS):
            yield "band and weekday", f"{name}, {word}", (band == number) & (weekday == day)
    months = past.bought_day.astype("datetime64[D]").astype("datetime64[M]")
    for month in np.unique(months):
        yield "month", str(month), months == month


def lengths_of(
    past: Past, promised: Days, confidences: tuple[float, ...], test: NDArray[np.bool_]
) -> tuple[Lengths, ...]:
    """Promised days and pinball loss, by confidence."""
    took = (past.arrived_day - past.bought_day)[test]
    out = []
    for k, c in enumerate(confidences):
        days = promised[test, k]
        late = took - days
        out.append(
            Lengths(
                confidence=c,
                days_p50=float(np.median(days)),
                days_p90=float(np.percentile(days, 90)),
                days_mean=float(days.mean()),
                pinball_days=float(np.where(late > 0, c * late, (c - 1.0) * late).mean()),
            )
        )
    return tuple(out)


def retailers_own(past: Past, test: NDArray[np.bool_]) -> tuple[Kept, Lengths] | None:
    """How the retailer's own promises did, held against the share that they kept; None where there are none."""
    known = test & (past.own_day < NEVER)
    if not known.any():
        return None
    promised = (past.own_day - past.bought_day)[:, None]
    kept = past.arrived_day[known] <= past.own_day[known]
    share = round(float(kept.mean()), 3)
    return kept_of("all", "all", share, kept), lengths_of(past, promised, (share,), known)[0]


def band_names(limits_m: tuple[int, ...]) -> tuple[str, ...]:
    """How bands read.

    >>> band_names((50_000, 200_000))
    ('to 50 km', '50-200 km', 'beyond 200 km')
    """
    if not limits_m:
        return ("all distances",)
    km = [limit // 1000 for limit in limits_m]
    middle = [f"{low}-{high} km" for low, high in pairwise(km)]
    return (f"to {km[0]} km", *middle, f"beyond {km[-1]} km")

"""
A made-up delivery history with a known truth and a surge in it, for those who have none at hand.

Orders come at all hours, by a weekday pattern. A parcel waits a while for its picking and then its turn: handling does
CAPACITY times the normal number of orders on a working day, first come, first served, so that a surge makes a queue.
Transit takes working days by distance and by chance; while twice as many parcels as normal are handed over within a
week, it takes SLOW times as long. A few per mille of the parcels are lost.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from engine.promise.rolling.past import PastOrder

FIRST_DAY = date(2025, 1, 6)  # a Monday
WEEKDAY_SHARE = (1.2, 1.15, 1.1, 1.0, 0.95, 0.75, 0.85)
CAPACITY = 1.9
SLOW = 1.6
LOST_SHARE = 0.004
SURGE_SHAPE = (2.0, 3.5, 4.0, 3.0, 2.0, 1.5)  # orders over normal, day by day


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a history is, and the day of its surge (counted from its first day)."""

    num_days: int = 300
    orders_per_day: int = 40
    surge_day: int = 226

    @property
    def surge_from(self) -> date:
        """The first day of the surge."""
        return FIRST_DAY + timedelta(days=self.surge_day)


def made_up_deliveries(seed: int, shape: Shape = Shape()) -> tuple[PastOrder, ...]:
    """A history as known a day after its last: what happens later is not in it."""
    dice = np.random.default_rng(seed)
    bought, distance = _bought(dice, shape)
    handed = _handed(dice, bought, shape)
    arrived = _arrived(dice, handed, distance, shape)
    lost = dice.random(len(bought)) < LOST_SHARE
    begin, out = datetime.combine(FIRST_DAY, datetime.min.time()), []
    for i in range(len(bought)):
        own = FIRST_DAY + timedelta(days=int(bought[i]) + 9 + int(distance[i] // 150_000))
        out.append(
            PastOrder(
                order_id=f"d{i + 1:06d}",
                purchased=_when(begin, bought[i]),
                handed_over=_when(begin, handed[i]) if handed[i] < shape.num_days else None,
                delivered=_when(begin, arrived[i]) if arrived[i] < shape.num_days and not lost[i] else None,
                distance_m=int(distance[i]),
                promised=own,
            )
        )
    return tuple(out)


def _bought(dice: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Times of purchase in days from the first, and distances."""
    times = []
    for day in range(shape.num_days):
        since = day - shape.surge_day
        surge = SURGE_SHAPE[since] if 0 <= since < len(SURGE_SHAPE) else 1.0
        num = dice.poisson(shape.orders_per_day * WEEKDAY_SHARE[day % 7] * surge)
        times.append(day + np.sort(dice.beta(2.2, 1.6, num)))
    bought = np.concatenate(times)
    return bought, np.minimum(np.exp(dice.normal(13.0, 1.0, len(bought))), 3_000_000.0)


def _handed(dice: np.random.Generator, bought: np.ndarray, shape: Shape) -> np.ndarray:
    """Working days only: first come, first served by the end of the picking time, so many a day."""
    ready = bought + 0.2 + dice.gamma(1.5, 0.8, len(bought))
    out, per_day = np.zeros(len(bought)), round(CAPACITY * shape.orders_per_day * 7 / 5)
    day, sent = 0, 0
    for i in np.argsort(ready, kind="stable"):
        if sent >= per_day or day < int(ready[i]):
            day, sent = max(day + (sent >= per_day), int(ready[i])), 0
        while day % 7 >= 5:
            day, sent = day + 1, 0
        sent += 1
        out[i] = max(day + 0.4 + 0.5 * sent / per_day, bought[i])
    return out


def _arrived(dice: np.random.Generator, handed: np.ndarray, distance: np.ndarray, shape: Shape) -> np.ndarray:
    """Working days by distance and chance, more of them while very many parcels are under way."""
    by_day = np.bincount(handed.astype(np.int64), minlength=shape.num_days + 200).astype(np.float64)
    week = np.convolve(by_day, np.ones(7))[: len(by_day)]
    need = (1.0 + distance / 300_000.0) * dice.gamma(6.0, 1.0 / 6.0, len(handed))
    pace = np.where(np.arange(len(week)) % 7 < 5, 1.0, 0.0)
    pace = np.where(week > 2.0 * 7 * shape.orders_per_day, pace / SLOW, pace)
    until = np.concatenate([[0.0], pace.cumsum()])
    days = np.arange(len(until), dtype=np.float64)
    end = np.interp(np.interp(handed, days, until) + need, until + 1e-9 * days, days)
    return np.asarray(np.maximum(np.floor(end) + 0.35 + 0.4 * dice.random(len(handed)), handed + 0.01))


def _when(begin: datetime, days: float) -> datetime:
    return begin + timedelta(seconds=int(days * 86_400))

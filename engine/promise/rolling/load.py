"""
How a surge of orders slows the legs down, before a single parcel is late.

Lead times follow the queue (Little, 1961: time in a system = parcels in it / parcels out per day). The queue meant here
is the one that the orders of the last days make at the usual pace: each order counts by the share of parcels that are
still in the leg at its age, and the orders of today count too. (The true queue also grows when a leg is slow. That is
seen in its pace already, and it is no reason for tomorrow to be slow: after a strike a long queue moves fast.)

Let r be that queue over its normal size. A network that can do nothing more sends the same number out whatever waits,
so that a parcel takes r times as long; one that adds hands and lorries at will sends r times as many, and nothing is
late. In between

    pace       = r ** -g        per parcel
    throughput = r ** (1 - g)   of normal

with g, how far a leg gives way, in GIVE_MIN..GIVE_MAX. It starts at GIVE_PRIOR and is drawn to what the history shows:
the least-squares slope of the observed slowness over log r, on the days with a queue beyond its usual swing.

The queues then move on their own: orders come in (the surge fades), handling hands over, transit delivers.

    r_handling += (orders in / normal - throughput_handling) / days of handling
    r_transit  += (throughput_handling - throughput_transit) / days of transit

So a surge of orders today slows the handling of the next days and the transit of the next weeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.promise.rolling.leg import Leg
from engine.promise.rolling.past import Floats, Past

NORMAL_DAYS = 56  # of the past tell what is normal; their median, so that a peak does not become normal
COUNT_PRIOR = 10.0  # parcels, added to both sides of a ratio of counts
SWING_SHARE = 0.5  # a queue within so many usual swings is normal
SWING_MIN = 0.05
SWING_MAX = (0.2, 0.12)  # of handling and transit; log
INFLOW_SWING = 0.2
INFLOW_FADE = 0.8  # what is left of a surge of orders on the next day
GIVE_PRIOR, GIVE_PRIOR_WEIGHT = 0.7, 20.0
GIVE_MIN, GIVE_MAX = 0.1, 0.95
GIVE_FADE = 0.98  # of its history, by the day
SLOW_FADE = 0.9  # what is left on the next day of a slowness that no queue explains (a strike, weather)
QUEUE_DAYS = 60  # days for which queues are followed
QUEUE_MIN = 0.2
OLD_MIN = 50  # orders that show how long parcels stay in the legs
LOG_STEP = 0.01  # queues are told apart by steps of a percent, so that orders of one moment share a forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What is normal on a day, and the queues in the morning.

    Parameters
    ----------
    waiting, normal, swing
        Queues in handling and transit, their normal sizes, and the usual swing of the log of their ratio.
    orders_normal, orders_lately
        Orders of such a day, normally; orders of the two days before.
    give
        How far handling and transit give way.
    """

    waiting: tuple[float, float]
    normal: tuple[float, float]
    swing: tuple[float, float]
    orders_normal: float
    orders_lately: int
    give: tuple[float, float]

    def queues(self, num_today: int, part: float) -> tuple[float, float, float]:
        """
        Log of the queues in handling and transit and of the orders coming in, over normal, beyond their usual swings.

        Parameters
        ----------
        num_today
            Orders of today before this one.
        part
            How much of the day has passed.
        """
        handling = _ratio(self.waiting[0] + num_today, self.normal[0] + part * self.orders_normal)
        transit = _ratio(self.waiting[1], self.normal[1])
        orders = _ratio(self.orders_lately + num_today, (2 + part) * self.orders_normal)
        swings = (*(SWING_SHARE * s for s in self.swing), SWING_SHARE * INFLOW_SWING)
        beyond = (x - s for x, s in zip((handling, transit, orders), swings, strict=True))
        a, b, c = (max(0.0, round(x / LOG_STEP) * LOG_STEP) for x in beyond)
        return a, b, c

    def slowness(self, queues: tuple[float, float, float]) -> tuple[Floats, Floats]:
        """(QUEUE_DAYS,) log pace of handling and of transit on the days from today, by the queues alone."""
        out = np.zeros((2, QUEUE_DAYS))
        if not any(queues):
            return out[0], out[1]
        r = [float(np.exp(queues[0])), float(np.exp(queues[1]))]
        surge = float(np.exp(queues[2])) - 1.0
        days = [max(n / max(self.orders_normal, 1.0), 1.0) for n in self.normal]
        for k in range(QUEUE_DAYS):
            through = []
            for leg in (0, 1):
                out[leg, k] = -self.give[leg] * max(0.0, float(np.log(r[leg])))
                through.append(r[leg] ** (1.0 - self.give[leg]) if r[leg] > 1.0 else r[leg])
            coming = (1.0 + surge * INFLOW_FADE**k, through[0])
            r = [max(r[leg] + (coming[leg] - through[leg]) / days[leg], QUEUE_MIN) for leg in (0, 1)]
        return out[0], out[1]


def normal_of(counts: Sequence[float] | Floats) -> float:
    """
    The normal number of a series by day, for the day after its last: half of all days, half of its weekday.

    >>> normal_of([10, 10, 10, 10, 10, 90, 90, 20, 10])  # a Tuesday; the one before had ten
    10.0
    """
    recent = np.array(counts[-NORMAL_DAYS:], dtype=np.float64)
    if len(recent) == 0:
        return 0.0
    same = recent[::-1][6::7]
    middle = float(np.median(recent))
    return (middle + float(np.median(same))) / 2.0 if len(same) else middle


def queue_by_day(orders: Sequence[int], still_in: Floats) -> Floats:
    """
    The queue on the mornings after each day, at the usual pace.

    Parameters
    ----------
    orders
        Orders by day.
    still_in
        Share of parcels in the leg on the morning that many days after that of their purchase, from one day on.

    Examples
    --------
    >>> queue_by_day([10, 0, 20], np.array([1.0, 0.5])).tolist()
    [10.0, 5.0, 20.0]
    """
    recent = np.array(orders[-(NORMAL_DAYS + 1 + len(still_in)) :], dtype=np.float64)
    return np.asarray(np.convolve(recent, still_in)[: len(recent)][-(NORMAL_DAYS + 1) :])


def still_in_legs(past: Past, day: int) -> tuple[Floats, Floats]:
    """
    Share of parcels in handling and in transit on the mornings after their purchase, as known on the morning of a day.

    Told by orders that are old enough to show all of it; before there are any, by all that have arrived.
    """
    arrived = past.arrived_day < day
    old = arrived & (past.bought_day < day - QUEUE_DAYS)
    told = old if int(old.sum()) >= OLD_MIN else arrived
    if not told.any():
        return np.ones(1), np.ones(1)
    age = np.arange(1, QUEUE_DAYS + 1)[:, None]
    handed, there = ((d - past.bought_day)[told] for d in (past.handed_day, past.arrived_day))
    return (handed >= age).mean(axis=1), ((handed < age) & (there >= age)).mean(axis=1)


def load_of(
    legs: tuple[Leg, Leg],
    orders: Sequence[int],
    still_in: tuple[Floats, Floats],
    swings: Sequence[tuple[float, float]],
) -> Load:
    """The load on a morning, before any order of the day."""
    queues = tuple(queue_by_day(orders, share) for share in still_in)
    recent = np.array(swings[-NORMAL_DAYS:], dtype=np.float64).reshape(-1, 2)
    usual = np.sqrt((recent**2).mean(axis=0)) if len(recent) else np.array(SWING_MAX)
    return Load(
        waiting=(float(queues[0][-1]), float(queues[1][-1])),
        normal=(normal_of(queues[0][:-1]), normal_of(queues[1][:-1])),
        swing=(
            float(np.clip(usual[0], SWING_MIN, SWING_MAX[0])),
            float(np.clip(usual[1], SWING_MIN, SWING_MAX[1])),
        ),
        orders_normal=normal_of(orders),
        orders_lately=sum(orders[-2:]),
        give=(give_of(legs[0]), give_of(legs[1])),
    )


def give_of(leg: Leg) -> float:
    """How far a leg gives way under load, by its history so far."""
    seen = (GIVE_PRIOR * GIVE_PRIOR_WEIGHT + leg.give_sum) / (GIVE_PRIOR_WEIGHT + leg.give_weight)
    return min(max(seen, GIVE_MIN), GIVE_MAX)


def learn_give(leg: Leg, queue: float) -> None:
    """One more day: how slow the leg was, next to usual, with such a queue (log, beyond its swing)."""
    leg.give_sum = leg.give_sum * GIVE_FADE - (leg.level - leg.normal) * queue
    leg.give_weight = leg.give_weight * GIVE_FADE + queue * queue


def swing_today(load: Load) -> tuple[float, float]:
    """Log of the queues over normal this morning, for the usual swing of later days."""
    return _ratio(load.waiting[0], load.normal[0]), _ratio(load.waiting[1], load.normal[1])


def level_ahead(leg: Leg, queue: float, give: float, num_days: int) -> Floats:
    """Log of the pace on the days from today without queues: the slowness that no queue explains fades."""
    unexplained = leg.level - leg.normal + give * queue
    return np.asarray(unexplained * SLOW_FADE ** np.arange(num_days))


def _ratio(count: float, normal: float) -> float:
    return float(np.log((count + COUNT_PRIOR) / (normal + COUNT_PRIOR)))

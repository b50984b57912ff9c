"""
How sure it is that units which the books have on a shelf are there, in permille.

    p   how often a pick of a sku of this class fails at this node, as the desk has learnt it (engine/desk/learning.py)
    a   age of the stock row: clock hours since its units on hand were last counted or moved, at most a year
    s   units on hand that are nobody's, beyond those that are asked for: on hand - reserved - asked
    m   units that went missing unseen since, in the mean: a / DRIFT_H

    sure = (1 - p) × Σ k=0..s  exp(-m) m^k / k!

The second factor is the chance that a Poisson number of mean m is no more than s: that what went missing did not reach
the units that are asked for. One unit of a row in thirty days is our assumption, since no public source says; p is
what was seen at the node, and corrects for it where picks fail more often. An older row, fewer units or a node that
fails more often never makes it surer. Where s is below 0, nothing is sure; nothing is ever certain, so 999 is the most.
"""

from functools import lru_cache
from math import exp

HOUR_S = 3_600
DRIFT_H = 30 * 24  # one unit of a row goes missing in as many hours
AGE_H_MAX = 365 * 24
SPARE_MAX = 60  # beyond, what goes missing in AGE_H_MAX never reaches the units that are asked for
MOST = 999


def sure_permille(*, told_s: int, now_s: int, spare: int, rejection_ppm: int) -> int:
    """
    The formula above.

    >>> sure_permille(told_s=0, now_s=30 * 86_400, spare=0, rejection_ppm=0)  # exp(-1)
    368
    >>> sure_permille(told_s=0, now_s=30 * 86_400, spare=2, rejection_ppm=100_000)
    828
    """
    if spare < 0:
        return 0
    age_h = min(max(0, now_s // HOUR_S - told_s // HOUR_S), AGE_H_MAX)
    kept = _kept(age_h, min(spare, SPARE_MAX))
    return min(MOST, round(1000 * (1 - rejection_ppm / 1_000_000) * kept))


def next_change_s(now_s: int) -> int:
    """When ages, which count the hours of the clock, change next."""
    return (now_s // HOUR_S + 1) * HOUR_S


@lru_cache(maxsize=65_536)
def _kept(age_h: int, spare: int) -> float:
    """The second factor."""
    mean = age_h / DRIFT_H
    term = total = exp(-mean)
    for k in range(1, spare + 1):
        term *= mean / k
        total += term
    return min(1.0, total)

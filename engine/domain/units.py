"""Whole-number arithmetic shared by every layer: money in cents, weight in grams, time in epoch seconds."""

from datetime import UTC, date, datetime
from functools import lru_cache

DAY_S = 86_400
EPOCH_DATE = date(1970, 1, 1)


def rounded(numerator: int, denominator: int) -> int:
    """
    Divide and round half up (towards plus infinity), in whole numbers.

    >>> rounded(5, 2), rounded(-5, 2), rounded(7, 3)
    (3, -2, 2)
    """
    return (2 * numerator + denominator) // (2 * denominator)


def weighted_cents(amount_cents: int, weight_permille: int) -> int:
    """Weigh an amount by a policy weight; 1000 leaves it as it is."""
    return amount_cents if weight_permille == 1000 else rounded(amount_cents * weight_permille, 1000)


def epoch_s(moment: datetime) -> int:
    """Seconds since 1970-01-01 UTC of an aware datetime; fractions are cut."""
    return int(moment.timestamp())


@lru_cache(maxsize=65_536)  # the same few moments are told again and again
def utc(seconds: int) -> datetime:
    """The aware UTC datetime of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def day_number(day: date) -> int:
    """Days since 1970-01-01 of a calendar date (local dates get the number of their own calendar)."""
    return (day - EPOCH_DATE).days

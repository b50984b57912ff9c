"""
Orders of the past as columns, and what was known of them on a day.

    bought_day, handed_day, arrived_day   (num_orders,)  int64    days since 1970-01-01, local; NEVER: not known
    bought_part, handed_part              (num_orders,)  float64  how much of that day had passed, in [0, 1)
    distance_m                            (num_orders,)  int64
    origin, target                        (num_orders,)  int64    positions in `regions`
    own_day                               (num_orders,)  int64    the date that the retailer promised; NEVER: unknown

Rows are sorted by purchase (then id), so that the same orders give the same sums to the last bit, whatever file they
came in. On the morning of a day all that happened before that day is known, and nothing else: an order whose parcel
arrives later is still under way then. Who asks for what was known compares days; no row is ever left out for having
come late, as that would make the world look faster than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError

NEVER = 10_000_000  # a day after all others
LIMITS_M = (50_000, 200_000, 400_000, 800_000, 1_600_000)  # distance bands, limits included; one more takes the rest
PAUSE_DAYS = 28
EPOCH = date(1970, 1, 1)

Days = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """One order of a history, in local times; None where it has not come to that, or is not known."""

    order_id: str
    purchased: datetime
    handed_over: datetime | None = None
    delivered: datetime | None = None
    distance_m: int
    promised: date | None = None
    origin_region: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """The columns of this module's page; `country` and `regions` tell public holidays."""

    ids: tuple[str, ...]
    bought_day: Days
    bought_part: Floats
    handed_day: Days
    handed_part: Floats
    arrived_day: Days
    distance_m: Days
    origin: Days
    target: Days
    own_day: Days
    regions: tuple[str, ...]
    country: str

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, keep: NDArray[np.bool_] | Days) -> "Past":
        """Some of the rows, in the order they have."""
        where = np.flatnonzero(keep) if keep.dtype == bool else keep
        columns = {f.name: getattr(self, f.name)[where] for f in fields(self) if f.name not in _NO_COLUMNS}
        return replace(self, ids=tuple(self.ids[i] for i in where.tolist()), **columns)

    def since_last_pause(self) -> "Past":
        """Orders since the last PAUSE_DAYS without any: what was before a pause says nothing of the days after it."""
        gaps = np.flatnonzero(np.diff(self.bought_day) > PAUSE_DAYS)
        return self.rows(np.arange(int(gaps[-1]) + 1, len(self))) if len(gaps) else self

    def bands(self, limits_m: Sequence[int] = LIMITS_M) -> Days:
        """The number of each order's distance band."""
        return np.searchsorted(np.asarray(limits_m), self.distance_m).astype(np.int64)


_NO_COLUMNS = ("ids", "regions", "country")


def past_of(orders: Sequence[PastOrder], country: str = "") -> Past:
    """
    The columns of some orders; `country` is that of the public holidays.

    Raises
    ------
    InputError
        Where two orders share an id, or an order's times run backwards.

    Examples
    --------
    >>> past_of([PastOrder(order_id="a", purchased=datetime(1970, 1, 3, 18), distance_m=9)]).bought_part.tolist()
    [0.75]
    """
    rows = sorted(orders, key=lambda o: (o.purchased, o.order_id))
    if len({row.order_id for row in rows}) < len(rows):
        twice = next(row.order_id for row in rows if sum(o.order_id == row.order_id for o in rows) > 1)
        raise InputError(f"Order ({twice}) is there twice in the history.", "keep one row per order.")
    for row in rows:
        times = [at for at in (row.purchased, row.handed_over, row.delivered) if at is not None]
        if times != sorted(times):
            raise InputError(f"Times of order ({row.order_id}) run backwards.", "leave dirty rows out first.")
    regions = tuple(sorted({""} | {row.region for row in rows} | {row.origin_region for row in rows}))
    number = {name: i for i, name in enumerate(regions)}
    return Past(
        ids=tuple(row.order_id for row in rows),
        bought_day=_days([row.purchased for row in rows]),
        bought_part=_parts([row.purchased for row in rows]),
        handed_day=_days([row.handed_over for row in rows]),
        handed_part=_parts([row.handed_over for row in rows]),
        arrived_day=_days([row.delivered for row in rows]),
        distance_m=np.array([row.distance_m for row in rows], dtype=np.int64),
        origin=np.array([number[row.origin_region] for row in rows], dtype=np.int64),
        target=np.array([number[row.region] for row in rows], dtype=np.int64),
        own_day=_days([row.promised for row in rows]),
        regions=regions,
        country=country,
    )


def joined(older: Past, newer: Past) -> Past:
    """
    One history of two; of an order in both the newer row counts, as it may tell more.

    Raises
    ------
    InputError
        Where they are of two countries.
    """
    if older.country != newer.country:
        raise InputError(f"Country ({newer.country}) of the history is not that of the state ({older.country}).")
    known = frozenset(newer.ids)
    older = older.rows(np.array([name not in known for name in older.ids], dtype=bool))
    regions = tuple(sorted({*older.regions, *newer.regions}))
    parts = []
    for past in (older, newer):
        to = np.array([regions.index(name) for name in past.regions], dtype=np.int64)
        parts.append(replace(past, origin=to[past.origin], target=to[past.target], regions=regions))
    columns = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Past) if f.name not in _NO_COLUMNS
    }
    ids = parts[0].ids + parts[1].ids
    both = Past(ids=ids, regions=regions, country=newer.country, **columns)
    order = sorted(range(len(ids)), key=lambda i: (both.bought_day[i], both.bought_part[i], ids[i]))
    return both.rows(np.array(order, dtype=np.int64))


def _days(times: Sequence[date | None]) -> Days:
    """Local dates as numbers; a datetime counts by its date."""
    return np.array([NEVER if at is None else day_of(at) for at in times], dtype=np.int64)


def day_of(at: date) -> int:
    """The number of a date."""
    return (at.date() if isinstance(at, datetime) else at).toordinal() - EPOCH.toordinal()


def date_of(day: int) -> date:
    """The date of a number."""
    return date.fromordinal(day + EPOCH.toordinal())


def _parts(times: Sequence[datetime | None]) -> Floats:
    seconds = [0 if at is None else at.hour * 3600 + at.minute * 60 + at.second for at in times]
    return np.array(seconds, dtype=np.float64) / 86_400


WORKING, SATURDAY, HOLIDAY, SUNDAY = 0, 1, 2, 3
NUM_KINDS = 4


@cache
def kinds_of_days(country: str, region: str, first_day: int, last_day: int) -> tuple[int, ...]:
    """
    Which kind each day of [first_day, last_day) is in a region: working day, Saturday, holiday, Sunday.

    Days that many keep although no law says so (carnival) count as holidays too. Without a country, or with one that
    the list of holidays does not know, there are none.
    """
    off = _holidays(country, region, date_of(first_day).year, date_of(last_day).year)
    out = []
    for day in range(first_day, last_day):
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        out.append(SATURDAY if weekday == 5 else SUNDAY if weekday == 6 else HOLIDAY if day in off else WORKING)
    return tuple(out)


@cache
def _holidays(country: str, region: str, first_year: int, last_year: int) -> frozenset[int]:
    if not country:
        return frozenset()
    import holidays  # slow to import

    listed = holidays.list_supported_countries(include_aliases=False)
    if country not in listed:
        return frozenset()
    made = getattr(holidays, country)
    wanted = tuple(name for name in ("public", "optional") if name in made.supported_categories)
    where = region if region in made.subdivisions else None
    found = made(subdiv=where, years=range(first_year, last_year + 1), categories=wanted)
    return frozenset(day_of(day) for day in found)

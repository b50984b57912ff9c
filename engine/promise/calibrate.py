"""
Transit and handling times out of a delivery history, and how well promises made of them would have been kept.

A history is cleaned (dirty rows are counted by reason), cut into distance bands, and each band is fitted with the
distribution F of engine/MODEL.md section 3. Days are calendar days between local dates: a band's days hold its
weekends, so a service calibrated this way runs and delivers every day ("1111111").

    earliest                the day by which the first EARLIEST_PERMILLE have arrived
    (typical, latest)       the two days whose F promises nearest to the data: at each confidence of GRID one wants
                            the fewest days that hold its share; what F promises is compared with them in relative
                            days, and too few count TOO_EARLY times
    their permilles         the share of n parcels that arrive by then, counted as m / (n + 1)

The share is out of n + 1 because the next parcel is one more draw: the wanted days of confidence c then suffice for at
least c of parcels like these on average (the argument of conformal prediction), whatever their distribution. F is a
straight line between its points, so its promises may differ from the wanted ones: `evaluate` says what they are worth.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.domain.ids import ServiceId, ZoneId
from engine.network.model import Transit
from engine.promise.transit import quantile

EARLIEST_PERMILLE = 20
GRID = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97])  # confidences that are fitted
TOO_EARLY = 3  # a day promised too early counts as much as so many promised too late
TAIL_DAYS = 10  # the rest halves daily: after ten days not one permille is left
SUPPORT_MAX = 60  # days tried as typical and latest, spread over the shares of the data
CONFIDENCES_PERMILLE = (500, 800, 950)
LEGS = ("handling", "transit", "door")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One parcel of the past, in local times; None where it never came to that."""

    purchased: datetime
    approved: datetime | None
    handed_over: datetime | None
    delivered: datetime | None
    distance_m: int | None

    def days(self, leg: str) -> int:
        """Calendar days of a leg: handling (approved to handed over), transit (from there to the door), door (both)."""
        assert self.approved is not None, "clean() keeps complete rows only"
        assert self.handed_over is not None
        assert self.delivered is not None
        begin = self.handed_over if leg == "transit" else self.approved
        end = self.handed_over if leg == "handling" else self.delivered
        return (end.date() - begin.date()).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Parcels up to a distance (limit included; the last band has none), and their fitted legs."""

    distance_max_m: int | None
    num: int
    legs: Mapping[str, Transit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was promised for a leg in a band at a confidence, and what came true."""

    leg: str
    distance_max_m: int | None
    confidence_permille: int
    promised_days: int
    num: int
    num_met: int

    @property
    def met_permille(self) -> int:
        """Share of promises kept."""
        return self.num_met * 1000 // self.num


def clean(history: Sequence[Delivery]) -> tuple[tuple[Delivery, ...], Mapping[str, int]]:
    """
    The rows that tell a whole and possible story, and how many were left out, by reason.

    A row is counted once, under the first reason that applies.
    """
    kept: list[Delivery] = []
    left_out: Counter[str] = Counter()
    for row in history:
        reason = _dirt(row)
        if reason:
            left_out[reason] += 1
        else:
            kept.append(row)
    return tuple(kept), MappingProxyType(dict(sorted(left_out.items())))


def _dirt(row: Delivery) -> str:
    if row.approved is None:
        return "never approved"
    if row.handed_over is None:
        return "never handed over"
    if row.delivered is None:
        return "never delivered"
    if row.distance_m is None:
        return "distance unknown"
    if row.approved < row.purchased:
        return "approved before purchased"
    if row.handed_over < row.approved:
        return "handed over before approval"
    if row.delivered < row.handed_over:
        return "delivered before handed over"
    return ""


def split(history: Sequence[Delivery], at: datetime, settle_days: int = 60) -> tuple[list[Delivery], list[Delivery]]:
    """
    What one may learn from at a moment, and what one promises from then on.

    Orders of the last ``settle_days`` before it are in neither: their slow parcels are still under way, and without
    them the rest looks faster than it is.
    """
    early = at - timedelta(days=settle_days)
    return [row for row in history if row.purchased < early], [row for row in history if row.purchased >= at]


def fit_transit(days: Sequence[int], service_id: str = "", zone: str = "") -> Transit:
    """
    Fit earliest, typical and latest days with their permilles.

    Parameters
    ----------
    days
        Whole days of at least ten parcels, none negative.
    service_id, zone
        What the row is for.

    Raises
    ------
    InputError
        Where there are too few days, or negative ones.
    """
    if len(days) < 10:
        raise InputError(f"A fit of zone ({zone}) has {len(days)} deliveries, fewer than 10.", "widen the band.")
    if min(days) < 0:
        raise InputError(f"A fit of zone ({zone}) has a delivery of ({min(days)}) days.", "clean the history first.")
    counts = np.bincount(np.asarray(days, dtype=np.int64))
    share = counts.cumsum() / (len(days) + 1)
    earliest = int(np.searchsorted(share, EARLIEST_PERMILLE / 1000))
    points = np.unique(np.searchsorted(share, np.linspace(0.3, share[-1], SUPPORT_MAX)))
    points = points[points >= earliest]
    wanted = np.searchsorted(share, GRID[share[-1] >= GRID])
    pairs = [(int(t), int(e)) for t in points for e in points if t <= e]
    typical, latest = min(pairs, key=lambda pair: (_misfit(share, wanted, earliest, *pair), pair))
    return Transit(
        service_id=ServiceId(service_id),
        zone=ZoneId(zone),
        earliest=earliest,
        typical=typical,
        latest=latest,
        typical_permille=int(share[typical] * 1000),
        latest_permille=int(share[latest] * 1000),
    )


def _misfit(share: NDArray[np.float64], wanted: NDArray[np.int64], earliest: int, typical: int, latest: int) -> float:
    """By how much promises of F miss the wanted days, relative to these, over all confidences; too few count more."""
    x = np.arange(earliest, len(share) + TAIL_DAYS)
    body = np.interp(x, [earliest - 1, typical, latest], [0.0, share[typical], share[latest]])
    tail = 1.0 - (1.0 - share[latest]) * 0.5 ** np.maximum(x - latest, 0).astype(np.float64)
    promised = earliest + np.searchsorted(np.where(x > latest, tail, body), GRID[: len(wanted)])
    late = promised - wanted
    return float((np.where(late < 0, -TOO_EARLY * late, late) / (wanted + 1)).sum())


def fit_bands(
    deliveries: Sequence[Delivery], limits_m: Sequence[int], service_id: str = "", num_min: int = 30
) -> tuple[Band, ...]:
    """
    Fit all legs by distance band.

    Parameters
    ----------
    deliveries
        Clean ones.
    limits_m
        Upper limits of the bands, ascending; one more band takes all beyond.
    service_id
        What the rows are for; their zones are named after the bands.
    num_min
        A band of fewer parcels joins the next one (the last one joins the one before).
    """
    groups: list[tuple[int | None, list[Delivery]]] = []
    carried: list[Delivery] = []
    for limit, rows in _by_band(deliveries, (*limits_m, None)):
        carried += rows
        if len(carried) >= num_min:
            groups.append((limit, carried))
            carried = []
    if carried and groups:
        carried = groups.pop()[1] + carried
    if carried:
        groups.append((None, carried))
    elif groups:
        groups[-1] = (None, groups[-1][1])
    return tuple(
        Band(
            distance_max_m=limit,
            num=len(rows),
            legs={leg: fit_transit([r.days(leg) for r in rows], service_id, _zone_name(limit)) for leg in LEGS},
        )
        for limit, rows in groups
    )


def evaluate(
    bands: Sequence[Band], deliveries: Sequence[Delivery], confidences_permille: Sequence[int] = CONFIDENCES_PERMILLE
) -> tuple[Coverage, ...]:
    """Promise each delivery at each confidence and count what would have been kept, by leg and band."""
    out = []
    by_limit = dict(_by_band(deliveries, tuple(band.distance_max_m for band in bands)))
    for leg in LEGS:
        for band in bands:
            rows = by_limit[band.distance_max_m]
            for confidence in confidences_permille if rows else ():
                promised, _ = quantile(band.legs[leg], confidence)
                out.append(
                    Coverage(
                        leg=leg,
                        distance_max_m=band.distance_max_m,
                        confidence_permille=confidence,
                        promised_days=promised,
                        num=len(rows),
                        num_met=sum(row.days(leg) <= promised for row in rows),
                    )
                )
    return tuple(out)


def overall(table: Sequence[Coverage], leg: str, confidence_permille: int) -> int:
    """Permille of promises kept over all bands."""
    rows = [row for row in table if row.leg == leg and row.confidence_permille == confidence_permille]
    return sum(row.num_met for row in rows) * 1000 // sum(row.num for row in rows)


def _by_band(deliveries: Sequence[Delivery], limits: Sequence[int | None]) -> list[tuple[int | None, list[Delivery]]]:
    """Deliveries of each band; the last limit is None and takes all beyond."""
    out: list[tuple[int | None, list[Delivery]]] = [(limit, []) for limit in limits]
    for row in deliveries:
        assert row.distance_m is not None, "clean() keeps rows with a distance only"
        at = next(i for i, limit in enumerate(limits) if limit is None or row.distance_m <= limit)
        out[at][1].append(row)
    return out


def _zone_name(limit_m: int | None) -> str:
    return "beyond" if limit_m is None else f"up_to_{limit_m // 1000}_km"

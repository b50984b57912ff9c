"""
One leg of a delivery, handling or transit, and how fast it runs from day to day.

A leg is measured in *work*: a normal working day does one unit of it, a Saturday, a holiday and a Sunday a part of
one (`kind_pace`, out of the history), and all of them less when the leg runs slower than it used to (`level` under
`normal`: were it not held against what is normal, a small error of the level would add up, as work is measured by it
again). What a parcel needs in work is then much the same in April and in a week of strikes; what changes is how many
days that takes. So a history in work may be long, although the world moves.

The pace of a day is looked at from all that was under way, not from what has arrived (which leaves the slow ones out):

    expected = sum over parcels under way of the chance to leave the leg today at pace 1, by age in work and group
    pace     = (left + PACE_PRIOR) / (expected + PACE_PRIOR), both sums fading by half in PACE_HALF_DAYS working days

A group (a distance band) may drift away from the others, as when the short lanes of a carrier get better: its own pace
over that of all is seen likewise, in sums that fade more slowly and are doubted more, as there are fewer parcels.

The chances are a life table: those who left at an age over those who reached it, parcels under way included.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.promise.rolling.past import NUM_KINDS, WORKING, Days, Floats

AGES = 40  # units of work in the life table; older parcels are as the last
PACE_HALF_DAYS = 4.0
PACE_PRIOR = 25.0  # parcels that went at the usual pace, against chance in small histories
GROUP_HALF_DAYS = 20.0
GROUP_PRIOR_PARCELS = 100.0
NORMAL_HALF_DAYS = 60.0  # calendar days; the pace that a leg comes back to
KIND_DAYS = 182  # of the past that tell how slow a Saturday is
KIND_PRIOR_DAYS = 4.0
KIND_PACE_MIN, KIND_PACE_MAX = 0.01, 1.5
GROUP_PRIOR = 5.0  # units of work: a small group is much like all
TAIL_AGE = 25  # from here on one chance for all ages is the prior
TAIL_PRIOR = 3.0


@dataclass(slots=True, kw_only=True)
class Leg:
    """
    A leg and its days so far, from the first of the history on.

    Parameters
    ----------
    kind_prior
        Pace of a working day, a Saturday, a holiday, a Sunday before any is seen.
    num_groups
        Groups that may drift apart.
    done
        Work of one day, by day: rows of num_groups * NUM_KINDS.
    left
        Parcels that left the leg, by day.
    seen
        Fading sums of the pace: parcels that left and that were expected to.
    seen_group
        Those of each group, slower: rows (left, expected at the pace of all).
    level, normal_sum, normal_weight
        Log of the pace of all now, and the fading mean that it comes back to.
    give_sum, give_weight
        How far the leg has given way under load (see load.py).
    """

    name: str
    kind_prior: tuple[float, ...]
    num_groups: int = 1
    done: list[tuple[float, ...]] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    seen: list[float] = field(default_factory=lambda: [0.0, 0.0])
    seen_group: list[list[float]] = field(default_factory=list)
    level: float = 0.0
    normal_sum: float = 0.0
    normal_weight: float = 0.0
    give_sum: float = 0.0
    give_weight: float = 0.0

    def __post_init__(self) -> None:
        if not self.seen_group:
            self.seen_group = [[0.0, 0.0] for _ in range(self.num_groups)]

    @property
    def normal(self) -> float:
        """Log of the usual pace."""
        return self.normal_sum / self.normal_weight if self.normal_weight else 0.0

    def kind_pace(self, kinds: NDArray[np.int64]) -> Floats:
        """
        Pace of each kind of day next to a working day, of the parcels that left on such days.

        Parameters
        ----------
        kinds
            (num_days,) of all days so far, in the whole country.
        """
        recent = kinds[-KIND_DAYS:]
        left = np.array(self.left[-KIND_DAYS:], dtype=np.float64)
        working = left[recent == WORKING]
        usual = float(working.mean()) if working.sum() > 0 else 1.0
        out = np.array(self.kind_prior)
        for kind in range(WORKING + 1, NUM_KINDS):
            those = left[recent == kind]
            out[kind] = (those.sum() + out[kind] * usual * KIND_PRIOR_DAYS) / (usual * (len(those) + KIND_PRIOR_DAYS))
        return np.asarray(np.clip(out, KIND_PACE_MIN, KIND_PACE_MAX))

    def drift(self) -> Floats:
        """(num_groups,) log of each group's pace over that of all."""
        left, expected = np.array(self.seen_group).T
        return np.asarray(np.log((left + GROUP_PRIOR_PARCELS) / (expected + GROUP_PRIOR_PARCELS)))

    def see(self, left: Floats, expected: Floats, working_share: float) -> None:
        """One more day: how many left, how many would have at pace 1 (by group), how much of a working day it was."""
        fade = 0.5 ** (working_share / PACE_HALF_DAYS)
        self.seen = [self.seen[0] * fade + float(left.sum()), self.seen[1] * fade + float(expected.sum())]
        self.level = float(np.log((self.seen[0] + PACE_PRIOR) / (self.seen[1] + PACE_PRIOR)))
        if self.num_groups > 1:
            fade = 0.5 ** (working_share / GROUP_HALF_DAYS)
            now = np.column_stack([left, expected * np.exp(self.level)])
            self.seen_group = (np.array(self.seen_group) * fade + now).tolist()
        fade = 0.5 ** (1.0 / NORMAL_HALF_DAYS)
        self.normal_sum = self.normal_sum * fade + (1.0 - fade) * self.level
        self.normal_weight = self.normal_weight * fade + (1.0 - fade)


def work_by_day(leg: Leg, kinds: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """
    Work of each day so far, and work until its morning, by group and region.

    Parameters
    ----------
    kinds
        (num_regions, num_days) kinds of all days so far.

    Returns
    -------
    tuple
        (num_groups, num_regions, num_days) and (num_groups, num_regions, num_days + 1).
    """
    done = np.array(leg.done, dtype=np.float64).reshape(-1, leg.num_groups, NUM_KINDS)
    work = np.moveaxis(done[np.arange(len(done)), :, kinds[:, : len(done)]], 2, 0)
    until = np.zeros((*work.shape[:2], len(done) + 1))
    np.cumsum(work, axis=2, out=until[:, :, 1:])
    return work, until


def life_table(
    work: Floats, ended: NDArray[np.bool_], weight: Floats, group: Days | None = None, num_groups: int = 1
) -> Floats:
    """
    Chance per unit of work to leave the leg, by group and age.

    Parameters
    ----------
    work
        (num_parcels,) work of each parcel in the leg, until it left or so far.
    ended
        Whether it has left. One that has not tells that it reached its age: leaving it out would call the leg fast.
    weight
        How much each parcel counts.
    group, num_groups
        Groups with chances of their own; small ones are drawn to those of all.

    Returns
    -------
    ndarray
        (num_groups, AGES).

    Examples
    --------
    Two of four left within the first unit of work, after half of it; the others are still there after one unit.

    >>> table = life_table(np.array([0.5, 0.5, 1.0, 1.0]), np.array([True, True, False, False]), np.full(4, 1e6))
    >>> round(float(table[0, 0]), 3)
    0.667
    """
    group = np.zeros(len(work), dtype=np.int64) if group is None else group
    age = np.minimum(work.astype(np.int64), AGES - 1)
    cell = group * AGES + age
    size = num_groups * AGES
    left = np.bincount(cell, weights=weight * ended, minlength=size).reshape(num_groups, AGES)
    passed = np.bincount(cell, weights=weight, minlength=size).reshape(num_groups, AGES)
    begun = np.bincount(cell, weights=weight * np.minimum(work - age, 1.0), minlength=size).reshape(num_groups, AGES)
    reached = passed[:, ::-1].cumsum(axis=1)[:, ::-1] - passed + begun
    tail = left[:, TAIL_AGE:].sum() / max(reached[:, TAIL_AGE:].sum(), 1.0)
    of_all = (left.sum(axis=0) + TAIL_PRIOR * tail) / (reached.sum(axis=0) + TAIL_PRIOR)
    return np.asarray((left + GROUP_PRIOR * of_all) / (reached + GROUP_PRIOR))


def expected_to_leave(chance: Floats, age: Floats, group: Days, pace: Floats, *, whole_days: bool) -> Floats:
    """
    How many of the parcels under way in each group leave on a day of such a pace (one per parcel).

    A day passes several ages, and the chances grow with age: they are summed over all of them. Where a leg is measured
    by whole days, its chances are shares of those there in the morning; else they act at every instant.

    >>> half = np.full((1, AGES), 0.5)
    >>> expected_to_leave(half, np.array([2.0]), np.array([0]), np.array([1.0]), whole_days=True).tolist()
    [0.5]
    """
    until = np.zeros((len(chance), AGES + 1))
    np.cumsum(chance, axis=1, out=until[:, 1:])
    risk = _at(until, group, age + pace) - _at(until, group, age)
    share = np.minimum(risk, 1.0) if whole_days else 1.0 - np.exp(-risk)
    return np.bincount(group, weights=share, minlength=len(chance)).astype(np.float64)


def _at(until: Floats, group: Days, age: Floats) -> Floats:
    """Summed chances up to an age, as a line between whole ages; beyond the last, as there."""
    whole = np.minimum(age.astype(np.int64), AGES - 1)
    return np.asarray(until[group, whole] + (age - whole) * (until[group, whole + 1] - until[group, whole]))

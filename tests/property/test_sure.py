"""How sure it is that units are on a shelf: never more for an older row, fewer units, or a worse store."""

from math import exp

import hypothesis.strategies as st
from hypothesis import given

from engine.desk.sure import DRIFT_H, next_change_s, sure_permille

NOW_S = 1_780_000_000
AGES_S = st.integers(0, 3 * 365 * 86_400)
UNITS = st.integers(-5, 200)
RATES = st.integers(0, 1_000_000)


def sure(age_s: int, spare: int, ppm: int) -> int:
    return sure_permille(told_s=NOW_S - age_s, now_s=NOW_S, spare=spare, rejection_ppm=ppm)


@given(age_s=AGES_S, spare=UNITS, ppm=RATES, older_s=st.integers(0, 90 * 86_400), fewer=UNITS, worse=RATES)
def test_nothing_that_is_worse_makes_it_surer(
    age_s: int, spare: int, ppm: int, older_s: int, fewer: int, worse: int
) -> None:
    here = sure(age_s, spare, ppm)
    assert 0 <= here <= 999
    assert sure(age_s + older_s, spare, ppm) <= here
    assert sure(age_s, spare - abs(fewer), ppm) <= here
    assert sure(age_s, spare, min(1_000_000, ppm + worse)) <= here


@given(age_h=st.integers(0, 2_000), spare=st.integers(0, 8), ppm=RATES)
def test_it_is_the_chance_of_a_good_pick_times_that_of_few_losses(age_h: int, spare: int, ppm: int) -> None:
    mean, chance, factorial = age_h / DRIFT_H, 0.0, 1
    for k in range(spare + 1):
        factorial *= max(1, k)
        chance += exp(-mean) * mean**k / factorial
    right = 1000 * (1 - ppm / 1_000_000) * chance
    assert abs(sure(3600 * age_h, spare, ppm) - min(999, right)) <= 0.5 + 1e-6


@given(told_s=st.integers(NOW_S - 10_000_000, NOW_S), later_s=st.integers(0, 3_599))
def test_it_changes_at_full_hours_only(told_s: int, later_s: int) -> None:
    before = sure_permille(told_s=told_s, now_s=NOW_S, spare=0, rejection_ppm=0)
    last_s = min(NOW_S + later_s, next_change_s(NOW_S) - 1)
    assert sure_permille(told_s=told_s, now_s=last_s, spare=0, rejection_ppm=0) == before


def test_units_that_are_not_there_and_a_store_that_always_fails_are_never_sure() -> None:
    assert sure(0, -1, 0) == 0
    assert sure(0, 50, 1_000_000) == 0
    assert sure(0, 50, 0) == 999
    assert sure(-3_600, 0, 0) == 999  # told a moment ago by a clock that is ahead

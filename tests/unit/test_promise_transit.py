from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.network.model import Transit
from engine.promise.transit import arrived_permille, quantile
from tests import builders


@st.composite
def transits(draw: st.DrawFn) -> Transit:
    earliest, typical, latest = sorted(draw(st.tuples(*[st.integers(0, 120)] * 3)))
    low, high = sorted(draw(st.tuples(*[st.integers(1, 999)] * 2)))
    return builders.transit("std", "near", earliest, typical, latest, typical_permille=low, latest_permille=high)


def test_the_share_is_linear_between_its_points_and_halves_what_is_left_after_them() -> None:
    row = builders.transit("std", "near", 2, 4, 5, typical_permille=600, latest_permille=900)
    assert [arrived_permille(row, x) for x in range(1, 9)] == [0, 200, 400, 600, 900, 950, 975, Fraction(1975, 2)]


def test_of_points_on_one_day_the_higher_share_counts() -> None:
    row = builders.transit("std", "near", 3, 3, 3, typical_permille=600, latest_permille=900)
    assert [arrived_permille(row, x) for x in (2, 3, 4)] == [0, 900, 950]


@pytest.mark.parametrize(("confidence", "days"), [(1, 1), (350, 1), (351, 2), (700, 2), (970, 3), (971, 4), (985, 4)])
def test_the_promise_is_the_first_day_whose_share_is_enough(confidence: int, days: int) -> None:
    row = builders.transit("std", "near", 1, 2, 3)
    assert quantile(row, confidence)[0] == days


@given(transits(), st.integers(1, 999))
def test_the_quantile_is_the_smallest_that_holds_by_search(row: Transit, confidence: int) -> None:
    units, share = quantile(row, confidence)
    expected = next(x for x in range(row.earliest, 200) if arrived_permille(row, x) >= confidence)
    assert (units, share) == (expected, arrived_permille(row, expected))


@given(transits())
def test_the_share_never_falls_and_never_reaches_all(row: Transit) -> None:
    shares = [arrived_permille(row, x) for x in range(-1, 200)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] < 1000

"""The fewest places that have everything, against trying all sets of places."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from engine.optimise.fewest import fewest_places

Sets = tuple[tuple[int, ...], ...]


def twin(need: Sequence[int], stock: Sequence[Sequence[int]], size_max: int) -> Sets:
    """All sets of the least size, by trying them all."""
    for size in range(min(size_max, len(stock)) + 1):
        found = tuple(
            places
            for places in combinations(range(len(stock)), size)
            if all(sum(stock[p][s] for p in places) >= units for s, units in enumerate(need))
        )
        if found:
            return found
    return ()


@pytest.mark.parametrize("seed", range(200))
def test_finds_the_sets_that_trying_all_finds(seed: int) -> None:
    draw = np.random.default_rng(seed)
    places, skus = int(draw.integers(1, 9)), int(draw.integers(1, 5))
    stock = (draw.integers(0, 5, (places, skus)) * (draw.random((places, skus)) < draw.uniform(0.2, 1))).tolist()
    need = draw.integers(0, 9, skus).tolist()
    size_max = int(draw.integers(1, places + 1))
    found = fewest_places(need, stock, size_max)
    assert found == (twin(need, stock, size_max), True)


def test_one_place_that_has_all_is_better_than_two() -> None:
    assert fewest_places([1, 1], [[1, 0], [0, 1], [1, 1]], 3).sets == ((2,),)


def test_units_of_one_sku_may_come_from_several() -> None:
    assert fewest_places([5], [[2], [3], [1], [2]], 4).sets == ((0, 1), (1, 3))


def test_what_nobody_has_enough_of_has_no_set() -> None:
    assert fewest_places([5], [[2], [2]], 2) == ((), True)
    assert fewest_places([1], [], 5) == ((), True)


def test_a_search_that_is_cut_says_so_and_keeps_what_it_found() -> None:
    stock = [[1]] * 30
    assert fewest_places([2], stock, 30, sets_max=7).complete is False
    assert len(fewest_places([2], stock, 30, sets_max=7).sets) == 7
    cut = fewest_places([15], stock, 30, tries_max=100)
    assert not cut.complete
    assert all(len(places) == 15 for places in cut.sets)


def test_an_order_of_many_lines_over_many_places_is_found_within_the_limit() -> None:
    draw = np.random.default_rng(7)
    stock = (draw.integers(1, 4, (300, 12)) * (draw.random((300, 12)) < 0.3)).tolist()
    found = fewest_places([1] * 12, stock, 300)
    assert found.complete
    assert all(sum(stock[p][s] for p in places) >= 1 for places in found.sets for s in range(12))

"""
The fewest places that together have everything: all such sets, of the least size.

    need    (S,)    units of each sku
    stock   (L, S)  units of each sku at each place

    a set T of places serves the order      sum of stock[l, s] over l in T >= need[s]   for every s

No cost, no dates: for callers who want to choose among the sets by rules of their own. Sizes are tried from the least
that any one sku allows. Within a size, the search takes the sku that the fewest places have, and each of these in turn;
a place whose turn is over is left out of what follows, so that each set is met once. A branch ends where the d best
places left, d more being allowed, have too little of some sku.
"""

from collections.abc import Sequence
from typing import NamedTuple

TRIES_MAX = 100_000
SETS_MAX = 10_000


class Fewest(NamedTuple):
    """Sets of places, by their indices in ascending order; `complete` unless a limit cut the search."""

    sets: tuple[tuple[int, ...], ...]
    complete: bool


class _CutError(Exception):
    """A limit was reached."""


def fewest_places(
    need: Sequence[int],
    stock: Sequence[Sequence[int]],
    size_max: int,
    *,
    tries_max: int = TRIES_MAX,
    sets_max: int = SETS_MAX,
) -> Fewest:
    """
    All sets of the least size that serve an order; none where no set of up to `size_max` places does.

    >>> fewest_places([2, 1], [[2, 0], [1, 1], [0, 1], [1, 0]], 4).sets
    ((0, 1), (0, 2), (1, 3))
    """
    search = _Search(need, stock, tries_max, sets_max)
    try:
        for size in range(search.size_min(), size_max + 1):
            search.extend((), list(need), size)
            if search.sets:
                break
    except _CutError:
        return Fewest(tuple(sorted(search.sets)), False)
    return Fewest(tuple(sorted(search.sets)), True)


class _Search:
    def __init__(self, need: Sequence[int], stock: Sequence[Sequence[int]], tries_max: int, sets_max: int) -> None:
        self.need = need
        self.stock = stock
        self.tries = tries_max
        self.sets_max = sets_max
        self.sets: list[tuple[int, ...]] = []
        self.open = [True] * len(stock)
        holders = [[place for place, row in enumerate(stock) if row[sku] > 0] for sku in range(len(need))]
        self.holders = [sorted(found, key=lambda p, s=sku: -stock[p][s]) for sku, found in enumerate(holders)]  # type: ignore[misc]
        self.num_open = [len(found) for found in self.holders]

    def size_min(self) -> int:
        """The least size that any one sku allows; beyond all places where there is not enough."""
        least = 0
        for sku, units in enumerate(self.need):
            size, found = 0, 0
            for place in self.holders[sku]:
                if found >= units:
                    break
                found += self.stock[place][sku]
                size += 1
            least = max(least, size if found >= units else len(self.stock) + 1)
        return least

    def extend(self, chosen: tuple[int, ...], left: list[int], more: int) -> None:
        """Find all sets that add up to so many more places to those chosen."""
        self.tries -= 1
        if self.tries < 0:
            raise _CutError
        missing = [sku for sku, units in enumerate(left) if units > 0]
        if not missing:
            self._found(chosen)
            return
        if not all(self._may_do(sku, left[sku], more) for sku in missing):
            return
        rarest = min(missing, key=self.num_open.__getitem__)
        turns = [place for place in self.holders[rarest] if self.open[place]]
        if more == 1:
            for place in turns:
                row = self.stock[place]
                if all(row[sku] >= left[sku] for sku in missing):
                    self._found((*chosen, place))
            return
        for place in turns:
            self._turn(place, False)
            rest = [units - there for units, there in zip(left, self.stock[place], strict=True)]
            self.extend((*chosen, place), rest, more - 1)
        for place in turns:
            self._turn(place, True)

    def _may_do(self, sku: int, units: int, more: int) -> bool:
        """Whether the best places left have so many units of a sku."""
        for place in self.holders[sku]:
            if more == 0:
                return False
            if self.open[place]:
                units -= self.stock[place][sku]
                more -= 1
                if units <= 0:
                    return True
        return False

    def _turn(self, place: int, is_open: bool) -> None:
        self.open[place] = is_open
        for sku, units in enumerate(self.stock[place]):
            if units > 0:
                self.num_open[sku] += 1 if is_open else -1

    def _found(self, places: tuple[int, ...]) -> None:
        self.sets.append(tuple(sorted(places)))
        if len(self.sets) >= self.sets_max:
            raise _CutError

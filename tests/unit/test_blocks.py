"""Named tuples of arrays, given to kernels by the address of a block."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.network.blocks import Block, openable, opened
from engine.network.jit import compiled

PAIR = np.dtype([("a", "i4"), ("b", "i8")])


class Inner(NamedTuple):
    """Arrays of one and three dimensions."""

    pairs: NDArray[np.void]
    cube: NDArray[np.int32]


class Outer(NamedTuple):
    """An array and a named tuple."""

    table: NDArray[np.int64]
    inner: Inner


class Whole(NamedTuple):
    """Named tuples alone."""

    outer: Outer


def _inner() -> Inner:
    return Inner(np.zeros(0, PAIR), np.zeros((0, 0, 0), dtype=np.int32))


openable(Inner, _inner)
openable(Outer, lambda: Outer(np.zeros((0, 0), dtype=np.int64), _inner()))
openable(Whole)


@compiled
def _sum(inner: Inner) -> int:
    out = 0
    for i in range(len(inner.pairs)):
        out += inner.pairs[i].a * 1000 + inner.pairs[i].b
    for row in inner.cube:
        out += row[-1, 1]
    return out


@compiled
def _read(block: NDArray[np.int64], row: int) -> int:
    whole: Whole = opened(block, Whole)
    whole.outer.table[row, 2] += 1
    return whole.outer.table[row, 2] * 1_000_000 + _sum(whole.outer.inner)


def _outer() -> Outer:
    pairs = np.array([(1, 2), (3, 4)], dtype=PAIR)
    return Outer(np.arange(12).reshape(4, 3), Inner(pairs, np.arange(24, dtype=np.int32).reshape(2, 3, 4)))


def test_a_kernel_reads_and_writes_what_python_sees() -> None:
    outer = _outer()
    block = Block(Whole, outer=outer)
    sums = 4006 + int(outer.inner.cube[:, -1, 1].sum())
    assert _read(block.at, 3) == 12_000_000 + sums
    assert outer.table[3, 2] == 12
    assert _read(block.at, 3) == 13_000_000 + sums


def test_arrays_that_are_replaced_are_read_from_then_on_and_the_block_stays() -> None:
    inner = Block.of(_outer().inner)
    outer = Block(Outer, table=np.zeros((1, 3), dtype=np.int64), inner=inner)
    block = Block(Whole, outer=outer)
    at = block.at.copy()
    inner.put(pairs=np.array([(7, 7)], dtype=PAIR), cube=np.full((1, 1, 2), 5, dtype=np.int32))
    outer.put(table=np.full((9, 3), 8, dtype=np.int64))
    assert _read(block.at, 8) == 9_000_000 + 7_012
    outer.put(inner=Inner(np.zeros(0, PAIR), np.zeros((0, 1, 2), dtype=np.int32)))
    assert _read(block.at, 0) == 9_000_000
    assert (block.at == at).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 3), dtype=np.int32), "table is of int32, declared as int64"),
        (np.zeros(3, dtype=np.int64), "table has 1 dimensions, declared with 2"),
        (np.zeros((3, 2), dtype=np.int64).T, "table is not contiguous"),
    ],
)
def test_an_array_of_another_type_is_refused(wrong: NDArray[np.generic], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        Block(Outer, table=wrong, inner=_inner())


def test_a_field_too_few_is_refused() -> None:
    with pytest.raises(AssertionError, match="declared"):
        Block(Outer, inner=_inner())

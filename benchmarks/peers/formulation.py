"""
The order as a mixed-integer program over sets of lines, in rows that CP-SAT and HiGHS are both given.

Data (instance.py): lines i, columns z = (node, end, set of lines) with their cents, places p.

Variables
    z          this set of lines goes from there to there    binary
    u[i]       line i is left out (partial orders)           binary
    p[place]   the order is collected there                  binary;  at most one
    e          shipments after the first                     integer; e <= the most shipments - 1

Minimise    sum cents z + sum unserved u + sum trip p + split e
Subject to  each line once: sum of z that hold i + u[i] = 1
            e >= sum z - 1
            places: sum of z to the place that hold i <= p[place]
            little value: (most - 1) sum of z worth less than the least + e <= most - 1: one of them, alone, or none
            every cell: orders and units of the z picked in it <= what is free

Columns are dropped without a loss, before building and not timed, in one of two ways. A plan with a dropped column is
never better than the same plan with the one kept instead, which holds the same lines and ends at the same place:

BY_NODE   of a node's services to one end the cheapest for each set is kept: they share its stock and its capacity,
          and differ in nothing that a row above asks for. What is left to choose is what comes from where
BY_SET    of all nodes the cheapest too, but nodes with a cell of capacity that counts, which stay apart. Little is left
          to choose but how to cut the order: a program far smaller than anyone would write down first
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.peers.costs import sums
from benchmarks.peers.dates import NEVER, Ints
from benchmarks.peers.instance import Instance

INFINITE = 1 << 60
BY_NODE, BY_SET = "by_node", "by_set"
KINDS = (BY_NODE, BY_SET)


class Row(NamedTuple):
    """low <= sum coefficient * variable <= high."""

    low: int
    variables: Ints
    coefficients: Ints
    high: int


@dataclass(frozen=True, eq=False)
class Program:
    """Whole-number variables in [0, high] with costs, and rows."""

    costs: Ints
    highs: Ints
    rows: tuple[Row, ...]


class Columns(NamedTuple):
    """Shipments to choose from, each (num_columns,)."""

    held: Ints  # set of lines
    place: Ints
    node: Ints
    cents: Ints


def columns_of(instance: Instance, kind: str) -> Columns:
    """Of columns that differ in nothing but cost (see the head of this module) the cheapest."""
    places = np.array([route.place for route in instance.routes], dtype=np.int64)
    nodes = np.array([route.node for route in instance.routes], dtype=np.int64)
    if kind == BY_SET:
        nodes = np.where(np.isin(nodes, [cell.node for cell in instance.cells]), nodes, -1)
    order = np.lexsort((nodes, places))
    if len(order) == 0:
        return Columns(*np.zeros((4, 0), dtype=np.int64))
    places, nodes = places[order], nodes[order]
    first = np.append(0, 1 + np.flatnonzero((np.diff(places) != 0) | (np.diff(nodes) != 0)))
    least = np.minimum.reduceat(instance.cents[order], first, axis=0)
    rows, held = np.nonzero(least < NEVER)
    return Columns(held, places[first[rows]], nodes[first[rows]], least[rows, held])


def formulate(instance: Instance, columns: Columns) -> Program:
    """Write the program down."""
    num = len(columns.held)
    lines = range(instance.num_lines)
    unserved = np.array(instance.unserved_cents or (), dtype=np.int64)
    trips = np.array(list(instance.trip_cents.values()), dtype=np.int64)
    most = instance.shipments_max
    place_at = num + len(unserved)
    extra = place_at + len(trips)
    inside = [np.flatnonzero(columns.held >> i & 1) for i in lines]
    rows = []
    for i in lines:
        takers = np.append(inside[i], num + i) if len(unserved) else inside[i]
        rows.append(_row(1, [(takers, 1)], 1))
    everything = np.arange(num)
    rows.append(_row(-INFINITE, [(everything, 1), (np.array([extra]), -1)], 1))
    for p, place in enumerate(instance.trip_cents):
        there = columns.place == place
        for i in lines:
            rows.append(_row(-INFINITE, [(inside[i][there[inside[i]]], 1), (np.array([place_at + p]), -1)], 0))
    if len(trips) > 1:
        rows.append(_row(0, [(place_at + np.arange(len(trips)), 1)], 1))
    worth = sums(list(instance.value_cents))[columns.held]
    alone = np.flatnonzero((worth < instance.min_value_cents) & (columns.held < (1 << instance.num_lines) - 1))
    if len(alone):
        # Where nothing may be left out, one that does not hold all has company: it cannot be at all.
        rows.append(
            _row(-INFINITE, [(alone, max(1, most - 1)), (np.array([extra]), 1)], most - 1)
            if len(unserved)
            else _row(0, [(alone, 1)], 0)
        )
    rows += _capacities(instance, columns)
    return Program(
        costs=np.concatenate([columns.cents, unserved, trips, [instance.split_cents]]),
        highs=np.append(np.ones(extra, dtype=np.int64), most - 1),
        rows=tuple(rows),
    )


def _row(low: int, parts: list[tuple[Ints, int]], high: int) -> Row:
    variables = np.concatenate([part for part, _ in parts])
    return Row(low, variables, np.concatenate([np.full(len(part), c, dtype=np.int64) for part, c in parts]), high)


def _capacities(instance: Instance, columns: Columns) -> list[Row]:
    """Orders and units of all shipments picked in one cell."""
    rows = []
    units = sums(list(instance.units))
    for cell in instance.cells:
        picked = np.flatnonzero((columns.node == cell.node) & cell.picked[columns.held])
        for free, each in (
            (cell.orders, np.ones(len(picked), dtype=np.int64)),
            (cell.units, units[columns.held[picked]]),
        ):
            if free is not None:
                rows.append(Row(-INFINITE, picked, each, free))
    return rows

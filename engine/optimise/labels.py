"""
Labels of a multi-criteria search: shipments and parts of plans that no other beats in cost, date and carbon at once.

    ship       (2, POOL)          SHIP   shipments of the set T in rows T * limit + 0 .. num_ship[., T]: all that go
                                         home in row 0; those that may still count, to the place at hand too, in row 1
    part       (POOL,)            PART   ways to serve the set S in full, in rows S * limit + 0 .. num_part[S]
    least      (SETS,)            BOUND  no shipment of the set is better in any criterion
    bound      (SETS,)            BOUND  nor is any way to serve it
    found      (FOUND_MAX,)       FOUND  whole plans
    chosen     (FOUND_MAX, ITEMS_MAX, 5) their shipments: set, kind, candidate, id, at place
    rank       (2, K)             int64  candidates, the most promising first, and by what
    state      (C_FIELDS,)        int64

Two shipments of one node may together be more than a cell of its capacity holds. A cell in which that can happen to the
order at hand is *tight*: of two labels the one that uses tight cells more does not beat the other.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import openable
from engine.network.jit import compiled, inlined
from engine.optimise.tables import ITEMS_MAX
from engine.optimise.workspace import INFINITE, SETS

Records = NDArray[np.void]
I64 = NDArray[np.int64]
POOL = 1 << 17
LABELS_MAX = 512  # of one set of items
FOUND_MAX = 4096

# labels of a set, plans found, 1 if labels were dropped for want of room, the plan that last beat another; then how far
# the search is: its step, how many candidates it looks at, the next of them for home and for a place, the place at hand
# (row in Orders.places, -1 home), the next set to join and the next part of it (-1 the first), how many sets there are,
# and the work left before it pauses
C_LIMIT, C_FOUND, C_CUT, C_LAST, C_STEP, C_MOST, C_HOME, C_POINT, C_PLACE, C_SET, C_PART, C_ALIVE, C_WORK, C_FIELDS = (
    range(14)
)


def _record(names: str) -> np.dtype[np.void]:
    return np.dtype([(name, "i8") for name in names.split()])


SHIP = _record("cost deliver co2e kind candidate node id at_place tight day hour units")
PART = _record("cost deliver co2e number tight set ship next")  # next: row of the part that serves the rest, -1 none
BOUND = _record("cost deliver co2e")
FOUND = _record("cost deliver co2e number place")  # place: row in Orders.places, -1 none


class Labels(NamedTuple):
    """The arrays."""

    ship: Records
    num_ship: I64  # (2, SETS)
    part: Records
    num_part: I64  # (SETS,)
    least: Records
    bound: Records
    found: Records
    chosen: I64
    rank: I64
    state: I64


def labels(num_nodes: int) -> Labels:
    """Room for one search at a time."""
    return Labels(
        ship=np.zeros((2, POOL), dtype=SHIP),
        num_ship=np.zeros((2, SETS), dtype=np.int64),
        part=np.zeros(POOL, dtype=PART),
        num_part=np.zeros(SETS, dtype=np.int64),
        least=np.zeros(SETS, dtype=BOUND),
        bound=np.zeros(SETS, dtype=BOUND),
        found=np.zeros(FOUND_MAX, dtype=FOUND),
        chosen=np.zeros((FOUND_MAX, ITEMS_MAX, 5), dtype=np.int64),
        rank=np.zeros((2, num_nodes), dtype=np.int64),
        state=np.zeros(C_FIELDS, dtype=np.int64),
    )


openable(Labels, lambda: labels(1))


@compiled
def clear(lab: Labels, items: int) -> None:
    """Forget the last order."""
    lab.state[C_LIMIT] = min(LABELS_MAX, POOL >> items)
    lab.state[C_FOUND] = 0
    lab.state[C_CUT] = 0
    lab.state[C_LAST] = 0
    for t in range(1 << items):
        lab.num_ship[0, t] = 0
        lab.num_ship[1, t] = 0
        lab.num_part[t] = 0


@inlined
def _gives_way(table: Records, low: int, last: int, i: int) -> bool:
    """Whether row i is neither the fastest nor the greenest of the rows."""
    fastest, greenest = True, True
    for j in range(low, last):
        if table[j].deliver < table[i].deliver or (table[j].deliver == table[i].deliver and j < i):
            fastest = False
        if table[j].co2e < table[i].co2e or (table[j].co2e == table[i].co2e and j < i):
            greenest = False
    return not fastest and not greenest


@inlined
def _victim(table: Records, low: int, last: int) -> int:
    """The dearest row that is neither the fastest nor the greenest; it goes where there is no room."""
    worst, at = -INFINITE, last - 1
    for i in range(low, last):
        if table[i].cost > worst and _gives_way(table, low, last, i):
            worst, at = table[i].cost, i
    return at


@inlined
def _beats(table: Records, i: int, cost: int, deliver: int, co2e: int) -> bool:
    return table[i].cost <= cost and table[i].deliver <= deliver and table[i].co2e <= co2e


@inlined
def _beaten(table: Records, i: int, cost: int, deliver: int, co2e: int) -> bool:
    return cost <= table[i].cost and deliver <= table[i].deliver and co2e <= table[i].co2e


@inlined
def _equals(table: Records, i: int, cost: int, deliver: int, co2e: int) -> bool:
    return table[i].cost == cost and table[i].deliver == deliver and table[i].co2e == co2e


@inlined
def copy_ship(ship: Records, to: int, source: Records, at: int) -> None:
    """One row of shipments onto another."""
    ship[to].cost = source[at].cost
    ship[to].deliver = source[at].deliver
    ship[to].co2e = source[at].co2e
    ship[to].kind = source[at].kind
    ship[to].candidate = source[at].candidate
    ship[to].node = source[at].node
    ship[to].id = source[at].id
    ship[to].at_place = source[at].at_place
    ship[to].tight = source[at].tight
    ship[to].day = source[at].day
    ship[to].hour = source[at].hour
    ship[to].units = source[at].units


@compiled
def keep_ship(
    lab: Labels,
    row: int,
    t: int,
    cost: int,
    deliver: int,
    co2e: int,
    kind: int,
    c: int,
    node: int,
    route: int,
    at_place: int,
    tight: int,
    day: int,
    hour: int,
    units: int,
) -> None:
    """Add a shipment of T unless one that is there beats it; drop those that it beats. Ties: lower node, lower id."""
    ship, low = lab.ship[row], t * lab.state[C_LIMIT]
    i, last = low, low + lab.num_ship[row, t]
    while i < last:
        together = ship[i].node == node and ship[i].day == day and ship[i].hour == hour
        if (together or ship[i].tight == 0) and _beats(ship, i, cost, deliver, co2e):
            equal = _equals(ship, i, cost, deliver, co2e)
            first = ship[i].node < node or (ship[i].node == node and ship[i].id <= route)
            if not equal or first or tight > ship[i].tight:
                return
        if (together or tight == 0) and _beaten(ship, i, cost, deliver, co2e):
            last -= 1
            copy_ship(ship, i, ship, last)
        else:
            i += 1
    ship[last].cost = cost
    ship[last].deliver = deliver
    ship[last].co2e = co2e
    ship[last].kind = kind
    ship[last].candidate = c
    ship[last].node = node
    ship[last].id = route
    ship[last].at_place = at_place
    ship[last].tight = tight
    ship[last].day = day
    ship[last].hour = hour
    ship[last].units = units
    last += 1
    if last == low + lab.state[C_LIMIT]:
        lab.state[C_CUT] = 1
        last -= 1
        copy_ship(ship, _victim(ship, low, last + 1), ship, last)
    lab.num_ship[row, t] = last - low


@inlined
def ship_beaten(lab: Labels, row: int, t: int, cost: int, deliver: int, co2e: int) -> bool:
    """Whether a shipment of T with at least these values is beaten for certain, ties aside."""
    ship, low = lab.ship[row], t * lab.state[C_LIMIT]
    for i in range(low, low + lab.num_ship[row, t]):
        if ship[i].tight == 0 and _beats(ship, i, cost, deliver, co2e) and not _equals(ship, i, cost, deliver, co2e):
            return True
    return False


@inlined
def used_by(lab: Labels, row: int, part: int, node: int, day: int, hour: int) -> tuple[int, int, int, int]:
    """Orders and units that a part takes of a cell: of the day, and of the hour."""
    day_orders, day_units, hour_orders, hour_units = 0, 0, 0, 0
    while part >= 0:
        i = lab.part[part].ship
        if lab.ship[row, i].node == node and lab.ship[row, i].day == day:
            day_orders += 1
            day_units += lab.ship[row, i].units
            if lab.ship[row, i].hour == hour:
                hour_orders += 1
                hour_units += lab.ship[row, i].units
        part = lab.part[part].next
    return day_orders, day_units, hour_orders, hour_units


@compiled
def _no_tighter(lab: Labels, row: int, a: int, b: int) -> bool:
    """Whether part a uses no tight cell more than part b, both of one set."""
    at = a
    while at >= 0:
        i = lab.part[at].ship
        if lab.ship[row, i].tight:
            node, day, hour = lab.ship[row, i].node, lab.ship[row, i].day, lab.ship[row, i].hour
            mine, other = used_by(lab, row, a, node, day, hour), used_by(lab, row, b, node, day, hour)
            if mine[0] > other[0] or mine[1] > other[1] or mine[2] > other[2] or mine[3] > other[3]:
                return False
        at = lab.part[at].next
    return True


@inlined
def _copy_part(part: Records, to: int, at: int) -> None:
    part[to].cost = part[at].cost
    part[to].deliver = part[at].deliver
    part[to].co2e = part[at].co2e
    part[to].number = part[at].number
    part[to].tight = part[at].tight
    part[to].set = part[at].set
    part[to].ship = part[at].ship
    part[to].next = part[at].next


@compiled
def keep_part(
    lab: Labels,
    row: int,
    s: int,
    cost: int,
    deliver: int,
    co2e: int,
    number: int,
    tight: int,
    t: int,
    ship: int,
    rest: int,
    counted: bool,
) -> None:
    """
    Add a way to serve S unless one that is there beats it; drop those that it beats.

    With `counted`, one of more shipments beats none of fewer: the order may have only so many.
    """
    part, low = lab.part, s * lab.state[C_LIMIT]
    i, last = low, low + lab.num_part[s]
    new = last  # written behind the last, so that both can be walked
    part[new].cost, part[new].deliver, part[new].co2e = cost, deliver, co2e
    part[new].number, part[new].tight = number, tight
    part[new].set, part[new].ship, part[new].next = t, ship, rest
    while i < last:
        if (
            _beats(part, i, cost, deliver, co2e)
            and not (number < part[i].number and (counted or _equals(part, i, cost, deliver, co2e)))
            and (part[i].tight == 0 or _no_tighter(lab, row, i, new))
        ):
            return
        i += 1
    i = low
    while i < last:
        if (
            _beaten(part, i, cost, deliver, co2e)
            and not (counted and number > part[i].number)
            and (tight == 0 or _no_tighter(lab, row, new, i))
        ):
            last -= 1
            _copy_part(part, i, last)
        else:
            i += 1
    _copy_part(part, last, new)
    last += 1
    if last == low + lab.state[C_LIMIT]:
        lab.state[C_CUT] = 1
        last -= 1
        _copy_part(part, _victim(part, low, last + 1), last)
    lab.num_part[s] = last - low


@inlined
def _found_beats(lab: Labels, i: int, cost: int, deliver: int, co2e: int, number: int) -> bool:
    """Whether plan i is at least as good, and not the same with more shipments."""
    found = lab.found
    return _beats(found, i, cost, deliver, co2e) and not (
        number < found[i].number and _equals(found, i, cost, deliver, co2e)
    )


@compiled
def is_beaten(lab: Labels, cost: int, deliver: int, co2e: int, number: int) -> bool:
    """Whether a plan that was found is at least as good in every criterion."""
    last = lab.state[C_LAST]  # who beat one most likely beats the next
    if last < lab.state[C_FOUND] and _found_beats(lab, last, cost, deliver, co2e, number):
        return True
    for i in range(lab.state[C_FOUND]):
        if _found_beats(lab, i, cost, deliver, co2e, number):
            lab.state[C_LAST] = i
            return True
    return False


@inlined
def _copy_found(lab: Labels, to: int, at: int) -> None:
    lab.found[to].cost = lab.found[at].cost
    lab.found[to].deliver = lab.found[at].deliver
    lab.found[to].co2e = lab.found[at].co2e
    lab.found[to].number = lab.found[at].number
    lab.found[to].place = lab.found[at].place
    for j in range(lab.found[at].number):
        for k in range(5):
            lab.chosen[to, j, k] = lab.chosen[at, j, k]


@compiled
def keep_found(
    lab: Labels,
    row: int,
    cost: int,
    deliver: int,
    co2e: int,
    number: int,
    place: int,
    t: int,
    ship: int,
    rest: int,
) -> None:
    """Add a whole plan, a shipment of T and a part for the rest, unless one that is there beats it."""
    if is_beaten(lab, cost, deliver, co2e, number):
        return
    i, last = 0, lab.state[C_FOUND]
    while i < last:
        if _beaten(lab.found, i, cost, deliver, co2e):
            last -= 1
            _copy_found(lab, i, last)
        else:
            i += 1
    lab.found[last].cost, lab.found[last].deliver, lab.found[last].co2e = cost, deliver, co2e
    lab.found[last].number, lab.found[last].place = number, place
    for j in range(number):
        lab.chosen[last, j, 0] = t
        lab.chosen[last, j, 1] = lab.ship[row, ship].kind
        lab.chosen[last, j, 2] = lab.ship[row, ship].candidate
        lab.chosen[last, j, 3] = lab.ship[row, ship].id
        lab.chosen[last, j, 4] = lab.ship[row, ship].at_place
        if rest >= 0:
            t, ship, rest = lab.part[rest].set, lab.part[rest].ship, lab.part[rest].next
    last += 1
    if last == FOUND_MAX:
        lab.state[C_CUT] = 1
        last -= 1
        _copy_found(lab, _victim(lab.found, np.int64(0), last + 1), last)
    lab.state[C_FOUND] = last

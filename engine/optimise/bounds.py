"""
Which sets of items can still be a shipment of a best plan: lower bounds by line terms, picking and tariff floors.

With best the cost of a plan that is known, a set T is alive if what T costs at least, what the rest costs at least
and their split stay within best. Bounds are per set (ws.set) and never above what any shipments of the set cost.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import RESIDENTIAL, weigh
from engine.network.jit import compiled, inlined
from engine.network.rows import Reach
from engine.optimise.candidates import measure_all
from engine.optimise.tables import (
    F_PARTIAL,
    O_FLAGS,
    O_ITEMS,
    O_MIN_VALUE,
    O_PLACE_FROM,
    O_PLACE_TO,
    P_LEAST_LINE,
    P_LEAST_PICK,
    P_LEAST_UNIT,
    W_CARRIER,
    W_PICKING,
    Pol,
)
from engine.optimise.workspace import (
    FAR,
    INFINITE,
    Workspace,
)


@compiled
def bound_sets(pol: Pol, o: NDArray[np.int64], ws: Workspace, reach: Reach) -> None:
    """
    For every set S: `bound_cents`, below which no shipments of S can cost without carriers, and `floor_cents`, below
    which no carrier takes it. Splits and trips are left out.
    """
    weight, residential = pol.weight[W_PICKING], o[O_FLAGS] & RESIDENTIAL
    ws.set[0].grams = 0
    slack = 0 if weight == 1000 else o[O_ITEMS]  # each further shipment may round down by half a cent
    ws.set[0].least_cents, ws.set[0].floor_cents, ws.set[0].count, ws.set[0].sum_units = 0, 0, 0, 0
    for s in range(1, 1 << o[O_ITEMS]):
        low = s & -s
        i = 0
        while low >> i & 1 == 0:
            i += 1
        rest = s ^ low
        ws.set[s].least_cents = ws.set[rest].least_cents + ws.item[i].least_cents
        ws.set[s].grams = ws.set[rest].grams + ws.set[low].weight_g
        ws.set[s].step = _step(reach, ws.set[s].grams)
        ws.set[s].floor_cents = weigh(reach.any_floor[residential, ws.set[s].step], pol.weight[W_CARRIER])
        ws.set[s].count = ws.set[rest].count + ws.set[low].lines
        ws.set[s].sum_units = ws.set[rest].sum_units + ws.set[low].units
        pick = pol.scalar[P_LEAST_PICK] + pol.scalar[P_LEAST_LINE] * ws.set[s].count
        pick += pol.scalar[P_LEAST_UNIT] * ws.set[s].sum_units
        ws.set[s].bound_cents = ws.set[s].least_cents + weigh(pick, weight) - slack


@compiled
def bound_places(pol: Pol, o: NDArray[np.int64], ws: Workspace, anyone: bool) -> None:
    """For every set S: `place_cents`, below which it does not come to a place, from the nodes that can serve one."""
    weight = pol.weight[W_PICKING]
    slack = 0 if weight == 1000 else o[O_ITEMS]
    for i in range(o[O_ITEMS]):
        ws.item[i].place_cents = ws.item[i].least_cents if anyone else FAR
    if not anyone:
        for c in range(ws.clock[1]):
            if ws.node[ws.candidate[c].node].wanted == ws.clock[2]:
                for i in range(o[O_ITEMS]):
                    if ws.candidate[c].items >> i & 1:
                        ws.item[i].place_cents = min(ws.item[i].place_cents, ws.cand_item[c, i].cents)
    ws.set[0].place_cents = 0
    for s in range(1, 1 << o[O_ITEMS]):
        low = s & -s
        i = 0
        while low >> i & 1 == 0:
            i += 1
        ws.set[s].place_cents = ws.set[s ^ low].place_cents + ws.item[i].place_cents
    for s in range(1, 1 << o[O_ITEMS]):
        pick = pol.scalar[P_LEAST_PICK] + pol.scalar[P_LEAST_LINE] * ws.set[s].count
        pick += pol.scalar[P_LEAST_UNIT] * ws.set[s].sum_units
        ws.set[s].place_cents += weigh(pick, weight) - slack


@inlined
def _step(reach: Reach, weight_g: int) -> int:
    """The first step of weight that is not below a weight; the last one above all."""
    low, high = 0, len(reach.step_g) - 1
    while low < high:
        mid = (low + high) >> 1
        if reach.step_g[mid] >= weight_g:
            high = mid
        else:
            low = mid + 1
    return low


@compiled
def list_alive(
    o: NDArray[np.int64],
    ws: Workspace,
    best: int,
    split: int,
    least_extra: int,
    extra: int,
) -> int:
    """
    List in ws.alive the sets T that can still be a shipment of a plan no dearer than `best`, and cap their cost.

    `extra` -1: T goes home, the rest home or to a place with a trip of at least `least_extra` (-1: no places). Else: T
    goes to a place whose trip costs `extra`, the rest anywhere.
    """
    full = (1 << o[O_ITEMS]) - 1
    partial = o[O_FLAGS] & F_PARTIAL != 0
    free = best >= INFINITE or partial
    measured = False
    count = 0
    trip = extra if extra >= 0 else least_extra
    lightest = ws.set[1].floor_cents
    for i in range(o[O_ITEMS]):
        lightest = min(lightest, ws.set[1 << i].floor_cents)
    for t in range(1, full):
        rest = full ^ t
        cap = INFINITE - 1
        if not free:
            # the rest all goes home, or all to the place, or some of it to each
            other = ws.set[rest].bound_cents + ws.set[rest].floor_cents
            if trip >= 0:
                paid = 0 if extra >= 0 else trip  # where T is at the place the trip is in T's own share
                other = min(other, ws.set[rest].place_cents + paid)
                other = min(other, ws.set[rest].bound_cents + lightest + split + paid)
            cap = best - split - other - (extra if extra >= 0 else 0)
            own = ws.set[t].place_cents if extra >= 0 else ws.set[t].bound_cents + ws.set[t].floor_cents
            if own > cap:
                continue
        if not measured:
            measure_all(o[O_ITEMS], ws)
            measured = True
        if ws.set[t].valid == 0 or (not partial and ws.set[t].value_cents < o[O_MIN_VALUE]):
            continue
        ws.set[t].cap_cents = cap
        ws.alive[count] = t
        count += 1
    return count


@compiled
def drop_classes(pol: Pol, o: NDArray[np.int64], ws: Workspace, reach: Reach, split: int) -> None:
    """
    Mark zone classes hopeless whose nodes cannot be in a plan as cheap as the best one known.

    A plan with a home shipment of such a class either ships all from it, or splits: then that parcel weighs at least
    the lightest item and so does another one.
    """
    full = (1 << o[O_ITEMS]) - 1
    weight, residential = pol.weight[W_CARRIER], o[O_FLAGS] & RESIDENTIAL
    lightest = ws.set[1].weight_g
    least = ws.set[1].floor_cents
    for i in range(o[O_ITEMS]):
        lightest = min(lightest, ws.set[1 << i].weight_g)
        least = min(least, ws.set[1 << i].floor_cents)
    heavy, light = _step(reach, ws.set[full].weight_g), _step(reach, lightest)
    left = ws.best[0] - ws.set[full].bound_cents
    apart = split + (least if o[O_PLACE_FROM] == o[O_PLACE_TO] else 0)
    for cls in range(reach.num_classes[0]):
        whole = weigh(reach.class_floor[residential, cls, heavy], weight)
        parted = weigh(reach.class_floor[residential, cls, light], weight) + apart
        if (whole if full == 1 else min(whole, parted)) > left:
            ws.zone_class[cls].hopeless = ws.clock[2]

"""
What parcels cost at least, by the weight that is charged: tables in which kernels look up bounds.

    group         (G,)         GROUP   services of a carrier that measure parcels alike: limits, divisor, surcharges
    group_of      (S,)         int64   the group of a service; -1 where it does not go home or has no tariff
    limit_g       (G, B)       int64   up to which charged weight a band goes, the last one any
    cents         (2, S, Z, B) int32   least price of one parcel of that band or a heavier one on any date, with the
                                       surcharges that are always due; [1] to residential addresses; NOT_SOLD
    measure       (M,)         MEASURE surcharges by weight or size that every service of a group has on all dates
    measure_cents (M, Z)       int64   the least of them by zone, with fuel
    soonest_day   (S, H)       int64   the first day on which any node hands over what is ordered in an hour, UNKNOWN
                                       until asked for; hours count from first_s[0]
    steady       (S, Z)        int64   1 where a tariff has no holes: what it sells it sells lighter and earlier too

Groups are separate because a parcel is charged by its volume too: bounds by weight alone are far too low.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import openable, opened
from engine.network.compiled import CompiledNetwork
from engine.network.jit import compiled as compiled_kernel
from engine.network.model import Applies, ServiceKind
from engine.network.records import APPLIES_CODE, SERVICE_KIND_CODE, Net

I64 = NDArray[np.int64]
NOT_SOLD = 1 << 27
FLOOR_MAX = 1 << 21  # floors above it are cut: still floors, and sums of a dozen stay far below NOT_SOLD
BANDS_MAX = 512
HOUR_S = 3600
UNKNOWN = -2

_GROUP = "weight_max_g volume_max_cm3 parcels_max dim dim_min_cm3 services bands measure_from measure_to"
GROUP = np.dtype([(name, "i8") for name in _GROUP.split()])
MEASURE = np.dtype([("applies", "i8"), ("threshold", "i8"), ("min_g", "i8")])
_TO_POINT = SERVICE_KIND_CODE[ServiceKind.PICKUP_POINT]
_ALWAYS = (APPLIES_CODE[Applies.ALWAYS],)
_CERTAIN = (_ALWAYS, (*_ALWAYS, APPLIES_CODE[Applies.RESIDENTIAL]))  # kinds of surcharge that are sure to be due
_MEASURED = tuple(
    APPLIES_CODE[a] for a in (Applies.WEIGHT_OVER, Applies.LONGEST_OVER, Applies.SECOND_OVER, Applies.LENGTH_GIRTH_OVER)
)
_MEASURES_MAX = 32  # of a group; bits of a family in the kernel


class Floors(NamedTuple):
    """The arrays of the module's head."""

    group: NDArray[np.void]
    group_of: I64
    limit_g: I64
    cents: NDArray[np.int32]
    measure: NDArray[np.void]
    measure_cents: I64
    soonest_day: I64
    first_s: I64
    steady: I64


def no_floors() -> Floors:
    """Empty tables."""
    i64, table = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.int64)
    return Floors(
        group=np.zeros(0, GROUP),
        group_of=i64,
        limit_g=table,
        cents=np.zeros((0, 0, 0, 0), dtype=np.int32),
        measure=np.zeros(0, MEASURE),
        measure_cents=table,
        soonest_day=table,
        first_s=i64,
        steady=table,
    )


openable(Floors, no_floors)


def floors_of(compiled: CompiledNetwork) -> Floors:
    """The tables of a network."""
    net = compiled.net
    num_zones = net.per_kg_cents.shape[2]
    keys: dict[tuple[str | int, ...], list[int]] = {}
    for s, service in enumerate(net.service):
        if service["kind"] != _TO_POINT and service["band_from"] < service["band_to"]:
            names = ("weight_max_g", "volume_max_cm3", "parcels_max", "dim", "dim_min_cm3")
            carrier = compiled.network.services[s].carrier_id
            keys.setdefault((carrier, *(int(service[name]) for name in names)), []).append(s)
    groups: list[tuple[int | str, ...]] = []
    limits: list[list[int]] = []
    measures: list[tuple[int, int, int]] = []
    amounts: list[NDArray[np.int64]] = []
    group_of = np.full(len(net.service), -1, dtype=np.int64)
    for g, (key, members) in enumerate(keys.items()):
        group_of[members] = g
        limits.append(_limits(net, members))
        first = len(measures)
        for measure, amount in _measures(net, members):
            measures.append(measure)
            amounts.append(amount)
        bits = sum(1 << s for s in members)
        groups.append((*key[1:], bits, len(limits[-1]), first, len(measures)))
    bands = max((len(row) for row in limits), default=1)
    limit_g = np.full((max(1, len(groups)), bands), 2**62, dtype=np.int64)
    cents: NDArray[np.int32] = np.full((2, len(net.service), num_zones, bands), NOT_SOLD, dtype=np.int32)
    for g, row in enumerate(limits):
        limit_g[g, : len(row)] = row
    for s in (int(s) for s in np.flatnonzero(group_of >= 0)):
        row = limits[group_of[s]]
        for residential in (0, 1):
            cents[residential, s, :, : len(row)] = _floor_cents(net, s, row, _CERTAIN[residential])
    hours = 24 * (compiled.num_days + 2)
    return Floors(
        np.array(groups, dtype=GROUP),
        group_of,
        limit_g,
        cents,
        np.array(measures, dtype=MEASURE),
        np.array(amounts, dtype=np.int64).reshape(-1, num_zones),
        np.full((max(1, len(net.service)), hours), UNKNOWN, dtype=np.int64),
        np.array([(compiled.first_day - 1) * 24 * HOUR_S], dtype=np.int64),
        np.array([_steady(net, s) for s in range(len(net.service))], dtype=np.int64).reshape(-1, num_zones),
    )


def _blocks(net: Net, s: int) -> NDArray[np.int64]:
    """(E, Z, bands) prices of a service."""
    num_eras, num_zones = net.per_kg_cents.shape[1:]
    num_bands = int(net.service["band_to"][s] - net.service["band_from"][s])
    first = int(net.service["price_from"][s])
    block = net.price_cents[first : first + num_eras * num_zones * num_bands]
    return block.reshape(num_eras, num_zones, num_bands)


def _steady(net: Net, s: int) -> NDArray[np.bool_]:
    """(Z,) whether a service sells, on all dates, every weight below one that it sells."""
    sold = _blocks(net, s) >= 0
    if sold.shape[2] == 0:
        return np.ones(sold.shape[1], dtype=bool)
    sold = np.concatenate([sold, (net.per_kg_cents[s] > 0)[:, :, None] & sold[:, :, -1:]], axis=2)
    lighter = (sold[:, :, :-1] >= sold[:, :, 1:]).all(axis=(0, 2))
    steady: NDArray[np.bool_] = lighter & (sold == sold[:1]).all(axis=(0, 2))
    return steady


def _limits(net: Net, members: list[int]) -> list[int]:
    """The limits of a group's bands, thinned out if there are very many, and one without limit."""
    every: set[int] = set()
    for s in members:
        every.update(int(x) for x in net.band["limit_g"][net.service["band_from"][s] : net.service["band_to"][s]])
    ordered = sorted(every)
    step = -(-len(ordered) // (BANDS_MAX - 1))
    return [*ordered[step - 1 :: step], 2**62]


def _floor_cents(net: Net, s: int, limits: list[int], certain: tuple[int, ...]) -> NDArray[np.int64]:
    """(Z, bands) of one service."""
    service = net.service[s]
    block = _blocks(net, s)
    beyond = np.where((net.per_kg_cents[s] > 0) & (block[:, :, -1] >= 0), block[:, :, -1], NOT_SOLD)
    base = np.concatenate([np.where(block < 0, NOT_SOLD, block), beyond[:, :, None]], axis=2).min(axis=0)
    due = [
        j
        for j in range(int(service["surcharge_from"]), int(service["surcharge_to"]))
        if net.surcharge["applies"][j] in certain
        and net.surcharge["zone"][j] < 0
        and net.surcharge["group"][j] < 0
        and net.surcharge_valid[j].all()
    ]
    extra = sum(int(net.surcharge["cents"][j]) for j in due)
    fuelled = base + sum(int(net.surcharge["cents"][j]) for j in due if net.surcharge["fuel"][j])
    fuel = (2 * fuelled * int(service["fuel"]) + 1000) // 2000
    total = np.where(base >= NOT_SOLD, NOT_SOLD, np.minimum(base + extra + fuel, FLOOR_MAX))
    # a surcharge can raise the charged weight: the least of this band and all above it
    total = np.minimum.accumulate(total[:, ::-1], axis=1)[:, ::-1]
    own = net.band["limit_g"][service["band_from"] : service["band_to"]]
    lightest = np.array([1, *(limit + 1 for limit in limits[:-1])], dtype=np.int64)
    at: NDArray[np.int64] = total[:, np.searchsorted(own, lightest)]
    return at


def _measures(net: Net, members: list[int]) -> list[tuple[tuple[int, int, int], NDArray[np.int64]]]:
    """Surcharges by weight and size that all services of a group have on all dates: (kind, threshold, g), cents."""
    num_zones = net.per_kg_cents.shape[2]
    found: dict[tuple[int, int], list[tuple[int, NDArray[np.int64]]]] = {}
    for s in members:
        sold = (_blocks(net, s) >= 0).any(axis=(0, 2))
        mine: dict[tuple[int, int], NDArray[np.int64]] = {}
        for j in range(int(net.service["surcharge_from"][s]), int(net.service["surcharge_to"][s])):
            row = net.surcharge[j]
            if row["applies"] not in _MEASURED or not net.surcharge_valid[j].all() or row["cents"] < 0:
                continue
            key = (int(row["applies"]), int(row["threshold"]))
            both = mine.setdefault(key, np.zeros((2, num_zones), dtype=np.int64))
            cents = int(row["cents"])
            if row["fuel"] and row["group"] < 0:  # in a group another may be due instead, without fuel
                cents += cents * int(net.service["fuel"][s]) // 1000
            at = slice(None) if row["zone"] < 0 else int(row["zone"])
            both[0, at] = np.maximum(both[0, at], min(cents, FLOOR_MAX))
            both[1, at] = np.maximum(both[1, at], int(row["min_g"]))
        for key, (amounts, weights) in mine.items():
            found.setdefault(key, []).append((int(weights[sold].min(initial=2**31)), amounts))
    return [
        ((*key, min(weight for weight, _ in rows)), np.minimum.reduce([cents for _, cents in rows]))
        for key, rows in list(found.items())[:_MEASURES_MAX]
        if len(rows) == len(members)
    ]


@compiled_kernel
def find_soonest(block: I64, placed_s: int, out: I64) -> None:
    """Fill (S,) with the first day on which any node hands a service what is ordered at an instant; -1 never."""
    net: Net = opened(block, Net)
    for s in range(len(net.service)):
        out[s] = -1
    for node in range(len(net.node)):
        start = max(placed_s, net.node[node].free_from_s)
        low, last = net.node[node].segment_from, net.node[node].segment_to
        high = last
        while low < high:
            mid = (low + high) >> 1
            if net.segment[mid].end_s > start:
                high = mid
            else:
                low = mid + 1
        if low >= last:
            continue
        ready = max(start, net.segment[low].start_s)  # work would end later
        for s in range(len(net.service)):
            at, end = net.schedule[node, s].row_from, net.schedule[node, s].row_to
            high = end
            while at < high:
                mid = (at + high) >> 1
                if net.handover[mid].leave_s >= ready:
                    high = mid
                else:
                    at = mid + 1
            while at < end and net.handover[at].cutoff_s < placed_s:
                at += 1
            if at < end and (out[s] < 0 or net.handover[at].then < out[s]):
                out[s] = net.handover[at].then

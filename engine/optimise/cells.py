"""
What the sets of an order cost at least with any carrier, from each class of nodes.

Sets whose parcels are charged alike share a cell: one number and band of parcels in one family (a group of services,
those of them that take the set, and the surcharges that its size makes due). A cell is priced once for every zone
class, by engine/network/floors.py, with the lateness that no hand-over can avoid. Prices are int32, so that
the loops over sets are few instructions of the processor.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import RESIDENTIAL, ceil_div, weigh
from engine.network.floors import BANDS_MAX, FLOOR_MAX, HOUR_S, NOT_SOLD, UNKNOWN, Floors
from engine.network.jit import compiled, inlined
from engine.network.model import Applies
from engine.network.records import APPLIES_CODE, Net
from engine.optimise.routes import late_cents
from engine.optimise.tables import (
    NO_LIMIT,
    O_DELIVER_BY,
    O_FLAGS,
    O_ITEMS,
    O_PLACED,
    O_REGION,
    O_REQUESTED,
    O_SLOT,
    O_TZ,
    P_WAIT_DAY,
    W_CARRIER,
    Pol,
)
from engine.optimise.workspace import FAMILIES_MAX, FAR, NUM_MAX, SETS, Inputs, Workspace
from engine.promise.clock import arrival

_WEIGHT = APPLIES_CODE[Applies.WEIGHT_OVER]
_LONGEST = APPLIES_CODE[Applies.LONGEST_OVER]
_SECOND = APPLIES_CODE[Applies.SECOND_OVER]


@inlined
def _size_over(ws: Workspace, t: int, kind: int, one_g: int) -> int:
    """What of a set's parcel a surcharge looks at."""
    if kind == _WEIGHT:
        return one_g
    if kind == _LONGEST:
        return ws.set[t].longest_mm
    if kind == _SECOND:
        return ws.set[t].second_mm
    return ws.set[t].girth_mm


@inlined
def _family(ws: Workspace, g: int, due: int, services: int) -> int:
    """The family of a group, its due surcharges and services; the group's plainest where there are too many."""
    count = ws.counts[0]
    for f in range(count):
        if ws.family[f].group == g and ws.family[f].due == due and ws.family[f].services == services:
            return f
    if count == FAMILIES_MAX:
        return ws.plain[g]
    ws.family[count].group = g
    ws.family[count].due = due
    ws.family[count].services = services
    ws.family[count].cells = 0
    ws.counts[0] += 1
    return count


@inlined
def _cell(floors: Floors, ws: Workspace, g: int, t: int, services: int) -> int:
    """The cell of a set in a group; 0 where no service of the group takes it."""
    services &= ws.set[t].services & floors.group[g].services
    if services == 0:
        return 0
    num, weight_g, volume = 1, ws.set[t].weight_g, ws.set[t].volume_cm3
    if weight_g > floors.group[g].weight_max_g:
        num = ceil_div(weight_g, floors.group[g].weight_max_g)
    most = floors.group[g].volume_max_cm3
    if most > 0 and volume > most:
        num = max(num, ceil_div(volume, most))
    if num > floors.group[g].parcels_max:
        return 0
    if num > 1:
        weight_g, volume = ceil_div(weight_g, num), ceil_div(volume, num)
    charged = weight_g
    if floors.group[g].dim > 0 and volume > floors.group[g].dim_min_cm3:
        charged = max(charged, ceil_div(1000 * volume, floors.group[g].dim))
    due, bit = 0, 1
    for m in range(floors.group[g].measure_from, floors.group[g].measure_to):
        if _size_over(ws, t, floors.measure[m].applies, weight_g) > floors.measure[m].threshold:
            due |= bit
            charged = max(charged, floors.measure[m].min_g)
        bit <<= 1
    low, high = 0, floors.group[g].bands - 1
    while low < high:
        mid = (low + high) >> 1
        if floors.limit_g[g, mid] >= charged:
            high = mid
        else:
            low = mid + 1
    f, num = _family(ws, g, due, services), min(num, NUM_MAX)
    at = ((f * NUM_MAX) + num - 1) * BANDS_MAX + low
    if ws.cell_at[at].stamp != ws.clock[2]:
        ws.cell_at[at].stamp = ws.clock[2]
        c = ws.family[f].cells
        ws.cell_at[at].cell = f * SETS + c
        ws.cell_band[f * SETS + c] = low
        ws.cell_num[f * SETS + c] = num
        ws.family[f].cells = c + 1
    return ws.cell_at[at].cell


@compiled
def find_cells(o: NDArray[np.int64], floors: Floors, ws: Workspace, services: int) -> None:
    """Sort every set into its cell of every group; `services` are those that may deliver the order home."""
    # family 0 is of sets that nobody takes; its only cell is number 0
    ws.family[0].group, ws.family[0].due, ws.family[0].services, ws.family[0].cells = -1, 0, 0, 1
    ws.cell_cents[0] = NOT_SOLD
    ws.counts[0] = 1
    for g in range(len(floors.group)):
        zero = np.int64(0)
        ws.plain[g] = _family(ws, np.int64(g), zero, services & floors.group[g].services)
        for t in range(1, 1 << o[O_ITEMS]):
            ws.cell[g, t] = _cell(floors, ws, np.int64(g), t, services)


@inlined
def _dated(
    net: Net, pol: Pol, o: NDArray[np.int64], floors: Floors, s: int, zone: int, soonest: NDArray[np.int64]
) -> int:
    """Lateness and waiting of the soonest arrival by a service, -1 where even that is too late."""
    if o[O_DELIVER_BY] == NO_LIMIT and o[O_REQUESTED] == NO_LIMIT and pol.scalar[P_WAIT_DAY] == 0:
        return 0
    if net.service[s].minutes:
        deliver = o[O_PLACED] + 60 * pol.transit[s, zone]
    else:
        hour = (o[O_PLACED] - floors.first_s[0]) // HOUR_S
        if hour < 0 or hour >= floors.soonest_day.shape[1] or floors.soonest_day[s, hour] == UNKNOWN:
            return 0
        if floors.soonest_day[s, hour] < 0:
            return -1
        deliver = arrival(net, s, o[O_REGION], o[O_TZ], floors.soonest_day[s, hour], pol.transit[s, zone])
        if deliver < 0:
            return -1
    if deliver > o[O_DELIVER_BY]:
        return -1
    return late_cents(pol, o, deliver)


@compiled
def _price_cells(inputs: Inputs, o: NDArray[np.int64], floors: Floors, zones: NDArray[np.int64]) -> None:
    """Fill ws.cell_cents for nodes of one zone class."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    residential, weight = 1 if o[O_FLAGS] & RESIDENTIAL else 0, pol.weight[W_CARRIER]
    for f in range(1, ws.counts[0]):
        first, count, g = f * SETS, ws.family[f].cells, ws.family[f].group
        values = ws.cell_cents[first : first + count]
        for c in range(count):
            values[c] = NOT_SOLD
        if count == 0:
            continue
        bands, nums = ws.cell_band[first : first + count], ws.cell_num[first : first + count]
        for s in range(len(net.service)):
            if ws.family[f].services >> s & 1 == 0 or zones[s] < 0 or pol.transit[s, zones[s]] < 0:
                continue
            dated = _dated(net, pol, o, floors, s, zones[s], floors.soonest_day[s])
            if dated < 0:
                continue
            extra, due, m = np.int64(0), ws.family[f].due, floors.group[g].measure_from
            while due:
                if due & 1:
                    extra = max(extra, floors.measure_cents[m, zones[s]])
                due >>= 1
                m += 1
            row = floors.cents[residential, s, zones[s]]
            for c in range(count):
                one = np.int64(row[bands[c]])
                if one < NOT_SOLD:
                    values[c] = min(values[c], min(weigh(nums[c] * (one + extra), weight) + dated, FLOOR_MAX))


@compiled
def price_classes(inputs: Inputs, o: NDArray[np.int64]) -> None:
    """For every zone class of the order's target: ws.class_price, the least that each set costs with any carrier."""
    reach, ws = inputs.reach, inputs.ws
    floors, slot, sets = reach.floors, o[O_SLOT], 1 << o[O_ITEMS]
    least = ws.set_price[:sets]
    for t in range(sets):
        least[t] = NOT_SOLD
    ws.counts[1] = reach.slot_count[slot]
    for at in range(reach.slot_count[slot]):
        cls = np.int64(reach.slot_classes[slot, at])
        ws.class_at[cls] = at
        ws.class_of[at] = cls
        for i in range(o[O_ITEMS]):
            ws.slack[i, cls] = FAR
        _price_cells(inputs, o, floors, reach.class_zone[cls])
        prices = ws.class_price[at * sets : (at + 1) * sets]
        for t in range(sets):
            prices[t] = NOT_SOLD
        for g in range(len(floors.group)):
            _gather(ws.cell_cents, ws.cell[g, :sets], prices, least)


@compiled
def _gather(
    values: NDArray[np.int64],
    cells: NDArray[np.int32],
    out: NDArray[np.int32],
    least: NDArray[np.int32],
) -> None:
    """Set prices from cell prices: the least of the groups so far, and of the classes so far."""
    for t in range(1, len(out)):
        out[t] = min(out[t], np.int32(values[cells[t]]))
        least[t] = min(least[t], out[t])

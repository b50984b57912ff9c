"""One route of one node for the items at hand: its facts in look.now, its terms in look.part; or a refusal's code."""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import num_parcels, rounded, weigh
from engine.network.jit import compiled, inlined
from engine.network.records import Net
from engine.optimise.routes import capacity_cents, carbon_cents, carrier_cents, lateness_cents, waiting_cents
from engine.optimise.tables import (
    NO_LIMIT,
    O_DELIVER_BY,
    O_FLAGS,
    O_LINE_FROM,
    O_LINE_TO,
    O_REGION,
    O_TZ,
    PL_NODE,
    PL_REGION,
    PL_REMOTE,
    PL_TZ,
    W_CAPACITY,
    W_CARBON,
    W_CARRIER,
    W_LATENESS,
    W_PACKAGING,
    W_TRANSFER,
    W_WAITING,
)
from engine.optimise.why_codes import (
    A_IGNORE,
    BEYOND_HORIZON,
    FITS,
    HAZARDOUS,
    I64,
    IGNORE_CUT_OFF,
    IGNORE_DATE,
    NO_COLLECTION,
    NO_LANE,
    NO_PRICE,
    NO_TRANSIT,
    OVERSIZE,
    PK_CODE,
    PK_DAY,
    PK_END,
    PK_UNIT_CM3,
    PK_UNIT_G,
    PLACE_NEVER_OPENS,
    SHIPS_ALONE,
    SKU_SERVICE,
    TOO_HEAVY,
    TOO_LARGE,
    TOO_LATE,
    TOO_MANY_PARCELS,
    W_CO2E,
    W_CUT_OFF,
    W_DELIVER,
    W_LEAVE,
    W_RELEASE,
    W_SHIP,
    Look,
)
from engine.optimise.workspace import Inputs, Workspace
from engine.promise.clock import arrival, first_handover, first_open


@inlined
def _leave(look: Look, table: NDArray[np.void], low: int, last: int) -> int:
    """The hand-over after a pick; notes the first one where its cut-off is missed, or looked away from."""
    now, ready_s = look.now, look.pick[PK_END]
    at = first_handover(table, low, last, ready_s, np.int64(-NO_LIMIT))
    now[W_CUT_OFF], now[W_LEAVE] = -1, at
    if at >= 0 and table[at].cutoff_s < now[W_RELEASE]:
        now[W_CUT_OFF] = table[at].cutoff_s
        if not look.ask[A_IGNORE] & IGNORE_CUT_OFF:
            at = first_handover(table, low, last, ready_s, now[W_RELEASE])
    return at


@inlined
def _limits(net: Net, ws: Workspace, s: int, unit_g: int, unit_cm3: int) -> int:
    """The first limit of a service that the items break."""
    missing = ws.set[1].goods >> 2 & 3 & ~net.service[s].takes
    if missing:
        return HAZARDOUS if missing & 1 else OVERSIZE
    if unit_g > net.service[s].weight_max_g:
        return TOO_HEAVY
    if 0 < net.service[s].longest_max_mm < ws.set[1].longest_mm:
        return TOO_LARGE
    if 0 < net.service[s].girth_max_mm < ws.set[1].girth_mm or 0 < net.service[s].volume_max_cm3 < unit_cm3:
        return TOO_LARGE
    if num_parcels(net, s, ws.set[1].weight_g, ws.set[1].volume_cm3) > net.service[s].parcels_max:
        return TOO_MANY_PARCELS
    return FITS


@inlined
def _sold(inputs: Inputs, o: I64, s: int) -> bool:
    """Whether the skus' own restrictions allow a service."""
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        services = inputs.net.sku[inputs.orders.line[line].sku].services
        if services != 0 and services >> s & 1 == 0:
            return False
    return True


@inlined
def _dated(inputs: Inputs, look: Look, o: I64, node: int, deliver: int) -> int:
    """Terms that depend on the promise; a code where it is too late."""
    part = look.part
    look.now[W_DELIVER] = deliver
    if deliver > o[O_DELIVER_BY] and not look.ask[A_IGNORE] & IGNORE_DATE:
        return TOO_LATE
    part[W_LATENESS] = lateness_cents(inputs.pol, o, deliver)
    part[W_WAITING] = waiting_cents(inputs.pol, o, deliver)
    part[W_CAPACITY] = capacity_cents(inputs, node, look.pick[PK_DAY])
    return FITS


@compiled
def by_carrier(inputs: Inputs, look: Look, o: I64, node: int, s: int, zone: int, far_m: int, place: int) -> int:
    """One service from a node, to the door (`place` -1) or to a pickup point; a code."""
    net, pol, orders, ws = inputs.net, inputs.pol, inputs.orders, inputs.ws
    now, part, pick = look.now, look.part, look.pick
    if ws.set[1].valid == 0:
        return SHIPS_ALONE
    if not _sold(inputs, o, s):
        return SKU_SERVICE
    if pick[PK_CODE] != FITS:
        return pick[PK_CODE]
    if zone < 0 or pol.transit[s, zone] < 0:
        return NO_TRANSIT
    low, last = net.schedule[node, s].row_from, net.schedule[node, s].row_to
    if low == last:
        return NO_COLLECTION
    at = _leave(look, net.handover, low, last)
    if at < 0:
        return BEYOND_HORIZON
    now[W_SHIP] = net.handover[at].leave_s
    day, flags, region, tz = net.handover[at].then, o[O_FLAGS], o[O_REGION], o[O_TZ]
    if place >= 0:
        region, tz = orders.places[place, PL_REGION], orders.places[place, PL_TZ]
        flags = (flags & ~3) | (2 if orders.places[place, PL_REMOTE] else 0)
    if net.service[s].minutes:
        deliver = net.handover[at].leave_s + 60 * pol.transit[s, zone]
    else:
        deliver = arrival(net, s, region, tz, day, pol.transit[s, zone])
    if deliver < 0:
        return BEYOND_HORIZON
    if place >= 0:
        there = orders.places[place, PL_NODE]
        if net.node[there].open_from == net.node[there].open_to:
            return PLACE_NEVER_OPENS
        deliver = first_open(net, there, deliver)
        if deliver < 0:
            return BEYOND_HORIZON
    code = _dated(inputs, look, o, node, deliver)
    if code != FITS:
        return code
    code = _limits(net, ws, s, pick[PK_UNIT_G], pick[PK_UNIT_CM3])
    if code != FITS:
        return code
    one = np.int64(1)
    cents = carrier_cents(inputs, one, s, net.era_of_day[day], zone, flags, place < 0)
    if cents < 0:
        return NO_PRICE
    num = num_parcels(net, s, ws.set[1].weight_g, ws.set[1].volume_cm3)
    part[W_CARRIER] = cents
    part[W_PACKAGING] = weigh(pol.node[node].packaging_cents * num, pol.weight[W_PACKAGING])
    moved = rounded(ws.set[1].weight_g * far_m * net.service[s].tkm_g, 1_000_000_000)
    now[W_CO2E] = net.service[s].parcel_g * num + moved
    part[W_CARBON] = carbon_cents(pol, now[W_CO2E])
    return FITS


@compiled
def by_lane(inputs: Inputs, look: Look, o: I64, node: int, lane: int) -> int:
    """Over a transfer lane to a place; a code."""
    net, pol, ws = inputs.net, inputs.pol, inputs.ws
    now, part, pick = look.now, look.part, look.pick
    if ws.set[1].valid == 0:
        return SHIPS_ALONE
    if pick[PK_CODE] != FITS:
        return pick[PK_CODE]
    low, last = net.lane[lane].row_from, net.lane[lane].row_to
    at = _leave(look, net.departure, low, last)
    if at < 0:
        return BEYOND_HORIZON if low < last else NO_LANE
    now[W_SHIP] = net.departure[at].leave_s
    place = net.lane[lane].target
    if net.node[place].open_from == net.node[place].open_to:
        return PLACE_NEVER_OPENS
    ready = first_open(net, place, net.departure[at].then + net.node[place].receiving_s)
    if ready < 0:
        return BEYOND_HORIZON
    code = _dated(inputs, look, o, node, ready)
    if code != FITS:
        return code
    raw = net.lane[lane].order_cents + net.lane[lane].unit_cents * ws.set[1].units
    part[W_TRANSFER] = weigh(raw, pol.weight[W_TRANSFER])
    now[W_CO2E] = rounded(ws.set[1].weight_g * net.lane[lane].distance_m * net.lane[lane].tkm_g, 1_000_000_000)
    part[W_CARBON] = carbon_cents(pol, now[W_CO2E])
    return FITS


@compiled
def from_own_stock(inputs: Inputs, look: Look, o: I64, node: int) -> int:
    """Click & collect; a code."""
    net, ws, pick = inputs.net, inputs.ws, look.pick
    if ws.set[1].valid == 0:
        return SHIPS_ALONE
    if pick[PK_CODE] != FITS:
        return pick[PK_CODE]
    if net.node[node].open_from == net.node[node].open_to:
        return PLACE_NEVER_OPENS
    ready = first_open(net, node, pick[PK_END])
    if ready < 0:
        return BEYOND_HORIZON
    look.now[W_SHIP] = ready
    return _dated(inputs, look, o, node, ready)

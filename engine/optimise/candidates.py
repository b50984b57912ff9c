"""
First step of the kernel: which nodes have which lines of an order, and what each set of lines weighs. Arrays in, arrays out.

Arrays are those of engine/network/compiled.py (Net), live.py (LiveArrays), engine/optimise/tables.py (Pol, Orders) and
workspace.py; `o` is one row of Orders.table.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import floor_cents, rounded, weigh
from engine.network.compiled import Net
from engine.network.live import LiveArrays
from engine.optimise.tables import (
    F_NO_SAFETY,
    O_ALLOWED_FROM,
    O_ALLOWED_TO,
    O_CHANNEL,
    O_EXCLUDED_FROM,
    O_EXCLUDED_TO,
    O_FLAGS,
    O_GROUPS,
    O_ITEMS,
    O_LINE_FROM,
    O_LINE_TO,
    O_SERVICES,
    P_INBOUND,
    P_UNSERVED_BASE,
    P_UNSERVED_VALUE,
    W_CARRIER,
    W_MARKDOWN,
    W_OPPORTUNITY,
    W_UNSERVED,
    Orders,
    Pol,
)
from engine.optimise.workspace import INFINITE, Workspace

ALONE = 1  # bit of sku_flags


@numba.njit(cache=True)
def _may_serve(net: Net, orders: Orders, o: NDArray[np.int64], node: int) -> bool:
    """Whether the order and its channel let a node serve at all."""
    if o[O_GROUPS] != 0 and o[O_GROUPS] & net.node_groups[node] == 0:
        return False
    for i in range(o[O_EXCLUDED_FROM], o[O_EXCLUDED_TO]):
        if orders.node_list[i] == node:
            return False
    if o[O_ALLOWED_FROM] == o[O_ALLOWED_TO]:
        return True
    for i in range(o[O_ALLOWED_FROM], o[O_ALLOWED_TO]):
        if orders.node_list[i] == node:
            return True
    return False


@numba.njit(cache=True)
def _lot_start(live: LiveArrays, row: int, free: int, need: int) -> int:
    """When units due make up for what is missing; -1 never."""
    at = np.searchsorted(live.lot_row, row)
    if at >= len(live.lot_row) or live.lot_row[at] != row:
        return -1
    for i in range(live.lot_start[at], live.lot_start[at + 1]):
        free += live.lot_units[i]
        if free >= need:
            return live.lot_s[i]
    return -1


@numba.njit(cache=True)
def find_candidates(
    net: Net, pol: Pol, live: LiveArrays, orders: Orders, o: NDArray[np.int64], ws: Workspace
) -> int:
    """Number the nodes that hold lines of the order in full; returns how many."""
    ws.clock[0] += 1
    stamp = ws.clock[0]
    count = 0
    items = o[O_ITEMS]
    channel = o[O_CHANNEL]
    first = o[O_LINE_FROM]
    safety = o[O_FLAGS] & F_NO_SAFETY == 0
    inbound = pol.scalar[P_INBOUND] != 0
    for line in range(first, o[O_LINE_TO]):
        sku = orders.line_sku[line]
        need = orders.line_quantity[line]
        pin = orders.line_pin[line]
        item = orders.line_item[line]
        groups = net.sku_groups[sku]
        for row in range(live.row_start[sku], live.row_start[sku + 1]):
            node = live.row_node[row]
            free = live.row_on_hand[row] - live.row_reserved[row] - live.row_protected[channel, row]
            if safety:
                free -= live.row_safety[channel, row]
            from_s = 0
            if free < need:
                if not inbound:
                    continue
                from_s = _lot_start(live, row, free, need)
                if from_s < 0:
                    continue
            if ws.mark[node] != stamp:
                ws.mark[node] = stamp
                if not _may_serve(net, orders, o, node):
                    ws.candidate_of[node] = -1
                    continue
                ws.candidate_of[node] = count
                ws.cand_node[count] = node
                ws.cand_lines[count] = 0
                for i in range(items):
                    ws.cand_cents[count, i] = 0
                    ws.cand_from_s[count, i] = 0
                count += 1
            c = ws.candidate_of[node]
            if c < 0 or (groups != 0 and groups & net.node_groups[node] == 0) or (pin >= 0 and pin != node):
                continue
            ws.cand_lines[c] |= 1 << (line - first)
            cents = pol.reject_cents[node]
            if live.row_price_cents[row] != 0:
                cents += weigh(live.row_price_cents[row] * need, pol.weight[W_OPPORTUNITY])
            if live.row_markdown_cents[row] != 0:
                cents += weigh(live.row_markdown_cents[row] * need, pol.weight[W_MARKDOWN])
            ws.cand_cents[c, item] += cents
            ws.cand_from_s[c, item] = max(ws.cand_from_s[c, item], from_s)
    ws.clock[1] = count
    _whole_items(orders, o, ws, count)
    return count


@numba.njit(cache=True)
def _whole_items(orders: Orders, o: NDArray[np.int64], ws: Workspace, count: int) -> None:
    """Turn lines into items: a node has an item if it has all its lines. Also the least cost of each item."""
    first, last, items = o[O_LINE_FROM], o[O_LINE_TO], o[O_ITEMS]
    for i in range(items):
        ws.item_least_cents[i] = INFINITE
    for c in range(count):
        lines = ws.cand_lines[c]
        if items == last - first:
            mask = lines  # line i is item i
        else:
            mask = (1 << items) - 1
            for line in range(first, last):
                if lines >> (line - first) & 1 == 0:
                    mask &= ~(1 << orders.line_item[line])
        ws.cand_items[c] = mask
        for i in range(items):
            if mask >> i & 1 and ws.cand_cents[c, i] < ws.item_least_cents[i]:
                ws.item_least_cents[i] = ws.cand_cents[c, i]


@numba.njit(cache=True)
def _services_of_sku(net: Net, sku: int, services: int) -> int:
    """Those of the services whose limits a sku keeps."""
    out = 0
    longest = net.sku_longest_mm[sku]
    girth = longest + 2 * (net.sku_second_mm[sku] + net.sku_third_mm[sku])
    goods = net.sku_flags[sku] >> 2 & 3
    for s in range(len(net.svc_kind)):
        if services >> s & 1 == 0 or net.sku_weight_g[sku] > net.svc_weight_max_g[s]:
            continue
        if net.svc_longest_max_mm[s] > 0 and longest > net.svc_longest_max_mm[s]:
            continue
        if net.svc_girth_max_mm[s] > 0 and girth > net.svc_girth_max_mm[s]:
            continue
        if net.svc_volume_max_cm3[s] > 0 and net.sku_volume_cm3[sku] > net.svc_volume_max_cm3[s]:
            continue
        if goods & ~net.svc_takes[s] == 0:
            out |= 1 << s
    return out


@numba.njit(cache=True)
def measure_items(net: Net, pol: Pol, orders: Orders, o: NDArray[np.int64], ws: Workspace) -> None:
    """Fill the set_ arrays for single items."""
    items = o[O_ITEMS]
    for i in range(items):
        t = 1 << i
        ws.set_weight_g[t] = 0
        ws.set_volume_cm3[t] = 0
        ws.set_longest_mm[t] = 0
        ws.set_second_mm[t] = 0
        ws.set_girth_mm[t] = 0
        ws.set_goods[t] = 0
        ws.set_units[t] = 0
        ws.set_lines[t] = 0
        ws.set_value_cents[t] = 0
        ws.set_services[t] = o[O_SERVICES]
        ws.set_valid[t] = 1
        ws.item_unserved_cents[i] = 0
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku = orders.line_sku[line]
        quantity = orders.line_quantity[line]
        t = 1 << orders.line_item[line]
        longest, second, third = net.sku_longest_mm[sku], net.sku_second_mm[sku], net.sku_third_mm[sku]
        ws.set_weight_g[t] += net.sku_weight_g[sku] * quantity
        ws.set_volume_cm3[t] += net.sku_volume_cm3[sku] * quantity
        ws.set_longest_mm[t] = max(ws.set_longest_mm[t], longest)
        ws.set_second_mm[t] = max(ws.set_second_mm[t], second)
        ws.set_girth_mm[t] = max(ws.set_girth_mm[t], longest + 2 * (second + third))
        ws.set_goods[t] |= net.sku_flags[sku]
        ws.set_units[t] += quantity
        ws.set_lines[t] += 1
        ws.set_value_cents[t] += net.sku_value_cents[sku] * quantity
        if net.sku_services[sku] != 0:
            ws.set_services[t] &= net.sku_services[sku]
        ws.set_services[t] = _services_of_sku(net, sku, ws.set_services[t])
        if ws.set_lines[t] > 1 and ws.set_goods[t] & ALONE:
            ws.set_valid[t] = 0
        unserved = pol.scalar[P_UNSERVED_BASE] + rounded(
            net.sku_value_cents[sku] * quantity * pol.scalar[P_UNSERVED_VALUE], 1000
        )
        ws.item_unserved_cents[orders.line_item[line]] += weigh(unserved, pol.weight[W_UNSERVED])
    for i in range(items):
        least = INFINITE
        for s in range(len(net.svc_kind)):
            if ws.set_services[1 << i] >> s & 1:
                least = min(least, floor_cents(net, s, min(ws.set_weight_g[1 << i], net.svc_weight_max_g[s])))
        ws.item_floor_cents[i] = weigh(least, pol.weight[W_CARRIER]) if least < INFINITE else 0


@numba.njit(cache=True)
def join_sets(ws: Workspace, t: int, a: int, b: int) -> None:
    """Fill the set_ arrays of t = a | b from two disjoint sets that have them."""
    ws.set_weight_g[t] = ws.set_weight_g[a] + ws.set_weight_g[b]
    ws.set_volume_cm3[t] = ws.set_volume_cm3[a] + ws.set_volume_cm3[b]
    ws.set_longest_mm[t] = max(ws.set_longest_mm[a], ws.set_longest_mm[b])
    ws.set_second_mm[t] = max(ws.set_second_mm[a], ws.set_second_mm[b])
    ws.set_girth_mm[t] = max(ws.set_girth_mm[a], ws.set_girth_mm[b])
    ws.set_goods[t] = ws.set_goods[a] | ws.set_goods[b]
    ws.set_units[t] = ws.set_units[a] + ws.set_units[b]
    ws.set_lines[t] = ws.set_lines[a] + ws.set_lines[b]
    ws.set_value_cents[t] = ws.set_value_cents[a] + ws.set_value_cents[b]
    ws.set_services[t] = ws.set_services[a] & ws.set_services[b]
    ws.set_valid[t] = 0 if (ws.set_goods[t] & ALONE) != 0 else (ws.set_valid[a] & ws.set_valid[b])


@numba.njit(cache=True)
def measure_full(items: int, ws: Workspace) -> None:
    """Fill the set_ arrays of the growing sets {0}, {0, 1}, … up to all items."""
    for i in range(1, items):
        join_sets(ws, (1 << (i + 1)) - 1, (1 << i) - 1, 1 << i)


@numba.njit(cache=True)
def measure_all(items: int, ws: Workspace) -> None:
    """Fill the set_ arrays of every set."""
    for t in range(3, 1 << items):
        low = t & -t
        if low != t:
            join_sets(ws, t, t ^ low, low)

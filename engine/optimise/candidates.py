"""
First step of the kernel: which nodes have which lines of an order, and what each set of lines weighs.

Arrays in, arrays out: all of them are in Inputs (workspace.py); `o` is one row of Orders.table.
"""

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import rounded, weigh
from engine.network.jit import compiled, inlined
from engine.network.live import LiveArrays
from engine.network.records import Net
from engine.optimise.pieces import divide, measure_piece
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
    O_PLACE_FROM,
    O_PLACE_TO,
    O_SERVICES,
    O_SLOT,
    P_INBOUND,
    P_LEAST_REJECT,
    P_UNSERVED_BASE,
    P_UNSERVED_VALUE,
    W_MARKDOWN,
    W_OPPORTUNITY,
    W_UNSERVED,
    Orders,
)
from engine.optimise.workspace import D_ITEMS, INFINITE, Inputs, Workspace

ALONE = 1  # bit of sku_flags


@inlined
def listed(orders: Orders, o: NDArray[np.int64], node: int) -> bool:
    """Whether the order's own lists let a node serve."""
    for i in range(o[O_EXCLUDED_FROM], o[O_EXCLUDED_TO]):
        if orders.node_list[i] == node:
            return False
    if o[O_ALLOWED_FROM] == o[O_ALLOWED_TO]:
        return True
    for i in range(o[O_ALLOWED_FROM], o[O_ALLOWED_TO]):
        if orders.node_list[i] == node:
            return True
    return False


@inlined
def may_serve(net: Net, orders: Orders, o: NDArray[np.int64], node: int) -> bool:
    """Whether the order and its channel let a node serve at all."""
    if o[O_GROUPS] != 0 and o[O_GROUPS] & net.node[node].groups == 0:
        return False
    return listed(orders, o, node)


@inlined
def _bisect(ascending: NDArray[np.int64], value: int) -> int:
    """The first position whose value is not below this one."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def lot_start(live: LiveArrays, row: int, free: int, need: int) -> int:
    """When units due make up for what is missing; -1 never."""
    at = _bisect(live.lot_row, row)
    if at >= len(live.lot_row) or live.lot_row[at] != row:
        return -1
    for i in range(live.lot_start[at], live.lot_start[at + 1]):
        free += live.lot[i].units
        if free >= need:
            return live.lot[i].due_s
    return -1


@inlined
def _add_row(inputs: Inputs, o: NDArray[np.int64], line: int, row: int, count: int) -> int:
    """Note that a stock row can serve a line in full, if it can; returns the number of candidates."""
    net, pol, live, orders, ws = inputs.net, inputs.pol, inputs.live, inputs.orders, inputs.ws
    node = live.row[row].node
    need = orders.line[line].quantity
    channel = o[O_CHANNEL]
    free = live.row[row].on_hand - live.row[row].reserved - live.held[channel, row].protected
    if o[O_FLAGS] & F_NO_SAFETY == 0:
        free -= live.held[channel, row].safety
    from_s = 0
    if free < need:
        if pol.scalar[P_INBOUND] == 0:
            return count
        from_s = lot_start(live, row, free, need)
        if from_s < 0:
            return count
    if ws.node[node].mark != ws.clock[0]:
        ws.node[node].mark = ws.clock[0]
        if not may_serve(net, orders, o, node):
            ws.node[node].candidate = -1
            return count
        ws.node[node].candidate = count
        ws.candidate[count].node = node
        ws.candidate[count].lines = 0
        ws.candidate[count].late = 0
        for i in range(o[O_ITEMS]):
            ws.cand_cents[count, i] = 0
        count += 1
    c = ws.node[node].candidate
    groups, pin = net.sku[orders.line[line].sku].groups, orders.line[line].pin
    if c < 0 or (groups != 0 and groups & net.node[node].groups == 0) or (pin >= 0 and pin != node):
        return count
    item = orders.line[line].item
    ws.candidate[c].lines |= 1 << (line - o[O_LINE_FROM])
    reject_cents = pol.reject_cents[node, net.sku[orders.line[line].sku].sku_class]
    if orders.line[line].pieces > 0:
        if orders.line[line].piece == 0:
            divide(inputs, row, c, item, free, reject_cents)
        return count
    cents = reject_cents
    if live.row[row].price_cents != 0:
        cents += weigh(live.row[row].price_cents * need, pol.weight[W_OPPORTUNITY])
    if live.row[row].markdown_cents != 0:
        cents += weigh(live.row[row].markdown_cents * need, pol.weight[W_MARKDOWN])
    ws.cand_cents[c, item] += cents
    if from_s > 0:
        if ws.candidate[c].late >> item & 1 == 0 or from_s > ws.cand_from_s[c, item]:
            ws.cand_from_s[c, item] = from_s
        ws.candidate[c].late |= 1 << item
    return count


@compiled
def find_candidates(inputs: Inputs, o: NDArray[np.int64]) -> int:
    """Number the nodes that hold lines of the order in full; returns how many."""
    live, orders, ws = inputs.live, inputs.orders, inputs.ws
    ws.clock[0] += 1
    count = 0
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku = orders.line[line].sku
        for row in range(live.row_start[sku], live.row_start[sku + 1]):
            count = _add_row(inputs, o, line, row, count)
    ws.clock[1] = count
    _whole_items(orders, o, ws, count)
    return count


@compiled
def _keep_rows(
    inputs: Inputs,
    o: NDArray[np.int64],
    classes: NDArray[np.int16],
    slack: NDArray[np.int64],
    rows: tuple[int, int],
    need: int,
    least: int,
) -> int:
    """List the rows of a sku that may be worth it; without branches, which a processor could not foresee."""
    pol, live, ws = inputs.pol, inputs.live, inputs.ws
    count, places, weight = 0, o[O_PLACE_FROM] < o[O_PLACE_TO], pol.weight[W_MARKDOWN]
    for row in range(rows[0], rows[1]):
        node = live.row[row].node
        dearer = weigh(live.row[row].markdown_cents * need, weight) - least + pol.dearer_cents[node]
        kept = dearer <= slack[int(classes[node])]
        if places:
            kept |= ws.node[node].wanted == ws.clock[2]
        ws.kept[count] = row
        count += kept
    return count


@compiled
def find_useful(inputs: Inputs, o: NDArray[np.int64]) -> int:
    """Like `find_candidates`, without rows too dear for any plan that may be best; wanted nodes are always in."""
    pol, live, orders, ws = inputs.pol, inputs.live, inputs.orders, inputs.ws
    classes = inputs.reach.zone_class[o[O_SLOT]]
    ws.clock[0] += 1
    count = 0
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku = orders.line[line].sku
        need, slack = orders.line[line].quantity, ws.slack[orders.line[line].item]
        least = weigh(live.sku_least_cents[sku] * need, pol.weight[W_MARKDOWN])
        rows = (live.row_start[sku], live.row_start[sku + 1])
        for i in range(_keep_rows(inputs, o, classes, slack, rows, need, least)):
            count = _add_row(inputs, o, line, ws.kept[i], count)
    ws.clock[1] = count
    _whole_items(orders, o, ws, count)
    return count


@compiled
def least_node(inputs: Inputs, o: NDArray[np.int64]) -> int:
    """For an order of one line, the node that looks cheapest, by carrier and credit; -1 if none has the units."""
    pol, live, reach, orders, ws = inputs.pol, inputs.live, inputs.reach, inputs.orders, inputs.ws
    classes = reach.zone_class[o[O_SLOT]]
    line, channel = o[O_LINE_FROM], o[O_CHANNEL]
    sku, need = orders.line[line].sku, orders.line[line].quantity
    best, chosen = INFINITE, -1
    for at in range(ws.counts[1]):
        ws.class_left[ws.class_of[at]] = ws.class_price[2 * at + 1]  # sets of one item: none, and all
    for row in range(live.row_start[sku], live.row_start[sku + 1]):
        node = live.row[row].node
        cents = ws.class_left[int(classes[node])] + pol.dearer_cents[node]
        cents += weigh(live.row[row].markdown_cents * need, pol.weight[W_MARKDOWN])
        if cents < best:
            free = live.row[row].on_hand - live.row[row].reserved - live.held[channel, row].protected
            if free - live.held[channel, row].safety >= need:
                best, chosen = cents, int(node)
    return chosen


@compiled
def find_few(inputs: Inputs, o: NDArray[np.int64], num: int) -> int:
    """Like `find_candidates`, for the first so many nodes of ws.few only, none of them listed twice."""
    live, orders, ws = inputs.live, inputs.orders, inputs.ws
    ws.clock[0] += 1
    count = 0
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku = orders.line[line].sku
        for i in range(num):
            low, last = live.row_start[sku], live.row_start[sku + 1]
            high = last
            while low < high:
                mid = (low + high) >> 1
                if live.row[mid].node < ws.few[i]:
                    low = mid + 1
                else:
                    high = mid
            if low < last and live.row[low].node == ws.few[i]:
                count = _add_row(inputs, o, line, low, count)
    ws.clock[1] = count
    _whole_items(orders, o, ws, count)
    return count


@compiled
def _whole_items(orders: Orders, o: NDArray[np.int64], ws: Workspace, count: int) -> None:
    """Turn lines into items: a node has an item if it has all its lines."""
    first, last, items = o[O_LINE_FROM], o[O_LINE_TO], o[O_ITEMS]
    for c in range(count):
        lines = ws.candidate[c].lines
        mask = lines  # line i is item i, unless some are kept together
        if items != last - first:
            mask = (1 << items) - 1
            for line in range(first, last):
                if lines >> (line - first) & 1 == 0:
                    mask &= ~(1 << orders.line[line].item)
        ws.candidate[c].items = mask


@inlined
def _services_of_sku(net: Net, sku: int, services: int) -> int:
    """Those of the services whose limits a sku keeps."""
    out = 0
    longest = net.sku[sku].longest_mm
    girth = longest + 2 * (net.sku[sku].second_mm + net.sku[sku].third_mm)
    goods = net.sku[sku].flags >> 2 & 3
    for s in range(len(net.service)):
        if services >> s & 1 == 0 or net.sku[sku].weight_g > net.service[s].weight_max_g:
            continue
        if net.service[s].longest_max_mm > 0 and longest > net.service[s].longest_max_mm:
            continue
        if net.service[s].girth_max_mm > 0 and girth > net.service[s].girth_max_mm:
            continue
        if net.service[s].volume_max_cm3 > 0 and net.sku[sku].volume_cm3 > net.service[s].volume_max_cm3:
            continue
        if goods & ~net.service[s].takes == 0:
            out |= 1 << s
    return out


@compiled
def measure_items(inputs: Inputs, o: NDArray[np.int64]) -> None:
    """Fill ws.set for single items, and ws.item. Bid prices are not below zero, so markdown alone bounds a line."""
    net, pol, live, orders, ws = inputs.net, inputs.pol, inputs.live, inputs.orders, inputs.ws
    items = o[O_ITEMS]
    ws.counts[3] = 0
    for i in range(items):
        t = 1 << i
        ws.set[t].weight_g = 0
        ws.set[t].volume_cm3 = 0
        ws.set[t].longest_mm = 0
        ws.set[t].second_mm = 0
        ws.set[t].girth_mm = 0
        ws.set[t].goods = 0
        ws.set[t].units = 0
        ws.set[t].lines = 0
        ws.set[t].value_cents = 0
        ws.set[t].services = o[O_SERVICES]
        ws.set[t].valid = 1
        ws.item[i].lines, ws.item[i].units = 0, 0
        ws.item[i].unserved_cents = 0
        ws.item[i].least_cents = 0
    for line in range(o[O_LINE_FROM], o[O_LINE_TO]):
        sku = orders.line[line].sku
        quantity = orders.line[line].quantity
        t = 1 << orders.line[line].item
        longest, second, third = net.sku[sku].longest_mm, net.sku[sku].second_mm, net.sku[sku].third_mm
        ws.set[t].weight_g += net.sku[sku].weight_g * quantity
        ws.set[t].volume_cm3 += net.sku[sku].volume_cm3 * quantity
        ws.set[t].longest_mm = max(ws.set[t].longest_mm, longest)
        ws.set[t].second_mm = max(ws.set[t].second_mm, second)
        ws.set[t].girth_mm = max(ws.set[t].girth_mm, longest + 2 * (second + third))
        ws.set[t].goods |= net.sku[sku].flags
        ws.set[t].units += quantity
        ws.set[t].lines += 1
        ws.set[t].value_cents += net.sku[sku].value_cents * quantity
        if net.sku[sku].services != 0:
            ws.set[t].services &= net.sku[sku].services
        ws.set[t].services = _services_of_sku(net, sku, ws.set[t].services)
        if ws.set[t].lines > 1 and ws.set[t].goods & ALONE:
            ws.set[t].valid = 0
        ws.item[orders.line[line].item].lines += 1
        ws.item[orders.line[line].item].units += quantity
        if orders.line[line].pieces > 0:
            measure_piece(pol, live, orders, ws, line)
        else:
            credit = weigh(live.sku_least_cents[sku] * quantity, pol.weight[W_MARKDOWN])
            ws.item[orders.line[line].item].least_cents += pol.scalar[P_LEAST_REJECT] + credit
        unserved = pol.scalar[P_UNSERVED_BASE] + rounded(
            net.sku[sku].value_cents * quantity * pol.scalar[P_UNSERVED_VALUE], 1000
        )
        ws.item[orders.line[line].item].unserved_cents += weigh(unserved, pol.weight[W_UNSERVED])


@inlined
def join_sets(ws: Workspace, t: int, a: int, b: int) -> None:
    """Fill the set_ arrays of t = a | b from two disjoint sets that have them."""
    ws.set[t].weight_g = ws.set[a].weight_g + ws.set[b].weight_g
    ws.set[t].volume_cm3 = ws.set[a].volume_cm3 + ws.set[b].volume_cm3
    ws.set[t].longest_mm = max(ws.set[a].longest_mm, ws.set[b].longest_mm)
    ws.set[t].second_mm = max(ws.set[a].second_mm, ws.set[b].second_mm)
    ws.set[t].girth_mm = max(ws.set[a].girth_mm, ws.set[b].girth_mm)
    ws.set[t].goods = ws.set[a].goods | ws.set[b].goods
    ws.set[t].units = ws.set[a].units + ws.set[b].units
    ws.set[t].lines = ws.set[a].lines + ws.set[b].lines
    ws.set[t].value_cents = ws.set[a].value_cents + ws.set[b].value_cents
    ws.set[t].services = ws.set[a].services & ws.set[b].services
    ws.set[t].valid = 0 if (ws.set[t].goods & ALONE) != 0 else (ws.set[a].valid & ws.set[b].valid)


@compiled
def measure_all(items: int, ws: Workspace) -> None:
    """Fill the set_ arrays of every set; the pieces of a line are one line."""
    for t in range(3, 1 << items):
        low = t & -t
        if low != t:
            join_sets(ws, t, t ^ low, low)
            for d in range(ws.counts[3]):
                if low & ws.divided[d, D_ITEMS] and (t ^ low) & ws.divided[d, D_ITEMS]:
                    ws.set[t].lines -= 1
            if ws.set[t].lines == 1:
                ws.set[t].valid = 1  # what ships alone may do so in any number

"""
Lines that a plan may divide: a few items each, so that what a shipment takes of one is a set of items.

Where items are few, an item is one unit; else items of 1, 2, 4, .. units make up any number (portions.py). Terms are
rounded for all units of a line together, and some are paid once a line, so that they are kept by number of units.
"""

from engine.costs.tariff import weigh
from engine.network.jit import compiled
from engine.network.live import LiveArrays
from engine.optimise.tables import W_MARKDOWN, W_OPPORTUNITY, Orders, Pol
from engine.optimise.workspace import D_AT, D_FIRST, D_ITEMS, D_UNITS, INFINITE, Inputs, Workspace


@compiled
def units_in(ws: Workspace, t: int, d: int) -> int:
    """How many units of a divided line a set holds."""
    first = ws.divided[d, D_FIRST]
    left, units = (t & ws.divided[d, D_ITEMS]) >> first, 0
    while left:
        if left & 1:
            units += ws.set[1 << first].units
        left >>= 1
        first += 1
    return units


@compiled
def measure_piece(pol: Pol, live: LiveArrays, orders: Orders, ws: Workspace, line: int) -> None:
    """Terms that a piece cannot do without: what is paid once for all of a line is left out."""
    item, pieces, units = orders.line[line].item, orders.line[line].pieces, orders.line[line].quantity
    ws.item[item].lines = 0
    ws.item[item].least_cents = live.sku_least_cents[orders.line[line].sku] * pol.weight[W_MARKDOWN] // 1000 * units
    if orders.line[line].piece == 0:
        d = ws.counts[3]
        ws.divided[d, D_ITEMS] = ((1 << pieces) - 1) << item
        ws.divided[d, D_FIRST] = item
        ws.divided[d, D_AT] = 0 if d == 0 else ws.divided[d - 1, D_AT] + ws.divided[d - 1, D_UNITS]
        ws.divided[d, D_UNITS] = 0
        ws.counts[3] += 1
    ws.divided[ws.counts[3] - 1, D_UNITS] += units


@compiled
def divide(inputs: Inputs, row: int, c: int, first: int, free: int, reject_cents: int) -> None:
    """Say what a candidate has of a divided line, and the terms of each number of its units."""
    pol, live, ws = inputs.pol, inputs.live, inputs.ws
    d = 0
    while ws.divided[d, D_FIRST] != first:
        d += 1
    ws.cand_units[c, first] = free
    least = INFINITE
    for n in range(1, ws.divided[d, D_UNITS] + 1):
        cents = reject_cents + weigh(live.row[row].price_cents * n, pol.weight[W_OPPORTUNITY])
        cents += weigh(live.row[row].markdown_cents * n, pol.weight[W_MARKDOWN])
        ws.cand_pieces_cents[c, ws.divided[d, D_AT] + n - 1] = cents
        least = min(least, cents // n)
    left, i = ws.divided[d, D_ITEMS] >> first, first
    while left:
        ws.cand_cents[c, i] = least * ws.set[1 << i].units
        left >>= 1
        i += 1


@compiled
def divided_cents(ws: Workspace, t: int, c: int) -> int:
    """The terms of a set's lines where some are divided."""
    cents, left, i = 0, t, 0
    for d in range(ws.counts[3]):
        units = units_in(ws, t, d)
        if units:
            cents += ws.cand_pieces_cents[c, ws.divided[d, D_AT] + units - 1]
        left &= ~ws.divided[d, D_ITEMS]
    while left:
        if left & 1:
            cents += ws.cand_cents[c, i]
        left >>= 1
        i += 1
    return cents

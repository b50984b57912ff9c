"""
What operations change on a live stock while orders come in: counts, lots due, safety stock, protected units, capacity.

Nodes and skus are indices; rows are those of `Live.rows_of`. Kernels see each change at the next decision.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.domain.errors import InputError
from engine.network.live import ON_HAND_MAX, Live
from engine.network.withheld import EVERY, in_time

I64 = NDArray[np.int64]


def set_safety(live: Live, rules: Mapping[tuple[int, int | None, str], int]) -> None:
    """
    Replace safety stock.

    Parameters
    ----------
    live
        Where.
    rules
        Units by (node, sku, channel): sku None is all skus of the node, channel "" all channels; the most specific
        rule wins.
    """
    _checked(live, rules)
    for (node, sku, channel), units in rules.items():
        live.withheld.safety.setdefault(EVERY if sku is None else sku, {})[node, channel] = units
    skus = {sku for _, sku, _ in rules if sku is not None}
    live.follow_rules(None if any(sku is None for _, sku, _ in rules) else sorted(skus))


def set_protection(live: Live, rules: Mapping[tuple[int, int, str], int]) -> None:
    """Replace the units of a sku at a node that are for one channel only, by (node, sku, channel)."""
    _checked(live, rules)
    for (node, sku, channel), units in rules.items():
        live.withheld.protected.setdefault(sku, {})[node, channel] = units
    live.follow_rules(sorted({sku for _, sku, _ in rules}))


def set_inbound(live: Live, lots: Mapping[tuple[int, int], Iterable[tuple[int, int]]]) -> None:
    """What is due at (node, sku) from now on, as (available_at in epoch seconds, units); all other lots stay."""
    for (node, sku), found in lots.items():
        ordered = in_time(found)
        if any(units <= 0 for _, units in ordered):
            raise InputError(f"A lot due at {_name(live, node, sku)} has no units.", "leave it out.")
        live.withheld.due.setdefault(sku, {})[node] = ordered
    live.follow_inbound()


def put_stock(
    live: Live,
    rows: I64,
    *,
    on_hand: ArrayLike | None = None,
    reserved: ArrayLike | None = None,
    price_cents: ArrayLike | None = None,
) -> None:
    """
    Take over numbers of many rows at once.

    Parameters
    ----------
    live
        Where.
    rows : (n,)
        Of a row that comes twice the last one counts. -1, as `Live.rows_of` says "none", is refused.
    on_hand, reserved, price_cents : (n,)
        Units and bid prices; what is not given stays.
    """
    if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < len(live.rows):
        raise InputError("A pair of node and sku has no stock row.", "add it first: Live.grown.")
    columns = {"on_hand": on_hand, "reserved": reserved, "price_cents": price_cents}
    given = {name: np.asarray(values, dtype=np.int64) for name, values in columns.items() if values is not None}
    for name, values in given.items():
        wrong = np.flatnonzero((values < 0) | (values > ON_HAND_MAX))
        if len(wrong):
            at = int(wrong[0])
            row = int(rows[at])
            sku = int(live.row_start.searchsorted(row, side="right")) - 1
            where = _name(live, int(live.row_node[row]), sku)
            raise InputError(
                f"Number {at}, {name} ({values[at]}) of {where}, is not within 0 and {ON_HAND_MAX}.",
                "a count came twice or out of order.",
            )
    for name, values in given.items():
        live.rows[name][rows] = values


def put_used(live: Live, nodes: I64, days: I64, orders: I64, units: I64, hours: I64 | None = None) -> None:
    """
    Take over the used capacity of many cells at once.

    Parameters
    ----------
    live
        Where. Cells of days that it does not know, and hours of nodes without hourly capacity, are passed over.
    nodes, days, orders, units : (n,)
        Node, local day number, orders and units booked.
    hours : (n,)
        Local clock hours, where the cells are hours; else they are days.
    """
    d = days - live.first_day
    known = (d >= 0) & (d < live.num_days)
    if hours is None:
        cells = nodes[known], d[known]
        live.day_orders[cells], live.day_units[cells] = orders[known], units[known]
        return
    known &= live.hour_node[nodes] >= 0
    hourly = live.hour_node[nodes[known]], d[known], hours[known]
    live.hour_orders[hourly], live.hour_units[hourly] = orders[known], units[known]


def _checked(live: Live, rules: Mapping[tuple[int, int, str], int] | Mapping[tuple[int, int | None, str], int]) -> None:
    for (node, _, channel), units in rules.items():
        who = live.network.nodes[node].node_id
        if units < 0:
            raise InputError(f"Units held back ({units}) at node ({who}) are below 0.", "0 holds nothing back.")
        if channel and channel not in live.channels:
            raise InputError(f"Channel ({channel}) is named by no rule at hand.", "add it first: Live.grown.")


def _name(live: Live, node: int, sku: int) -> str:
    return f"sku ({live.network.skus.ids[sku]}) at node ({live.network.nodes[node].node_id})"

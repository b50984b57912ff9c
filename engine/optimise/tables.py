"""
A policy compiled against a network, and the columns in which orders enter the kernel.

    Pol.weight        (num_rules,)   int64   permille, in the order of engine.domain.policy.RULES
    Pol.scalar        (num_scalars,) int64   the policy's numbers, at the places P_...
    Pol.pick_cents    (K, LINES_MAX + 1) int64  raw picking cost of a shipment by number of lines, units left out
    Pol.node          (K,)           POL_NODE: cents per unit, parcel, shipment (priority), weighted
    Pol.dearer_cents  (K,)           int64   by how much, at least, a shipment from a node is dearer than the least of
                                             anywhere, its carrier and the credits of its lines aside; weighted
    Pol.reject_cents  (K, C)         int64   rejection of a line of a sku of class c, weighted
    Pol.transit       (S, Z)         int64   promised days or minutes, -1 no transit

    Orders.table      (num_orders, O_FIELDS) int64   the fields O_...
    Orders.line       (num_lines,)   LINE: sku, quantity, pinned node or -1, item, pieces
    Orders.node_list  (n,)           int32   excluded and allowed nodes, by offsets in the table
    Orders.places     (n, PL_FIELDS) int64   candidate places, by offsets in the table
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.domain.policy import RULES, Policy
from engine.domain.units import rounded, weighted_cents
from engine.network.blocks import openable
from engine.network.compiled import CompiledNetwork
from engine.network.model import Network
from engine.promise.transit import quantile

LINES_MAX = 32  # lines of an order in the kernel
ITEMS_MAX = 12  # items (lines, or groups kept together) of an order in the kernel
NO_LIMIT = 2**62

(
    W_CARRIER,
    W_PICKING,
    W_PACKAGING,
    W_SPLIT,
    W_LATENESS,
    W_WAITING,
    W_REJECTION,
    W_OPPORTUNITY,
    W_CAPACITY,
    W_MARKDOWN,
    W_TRANSFER,
    W_CARBON,
    W_TRIP,
    W_PRIORITY,
    W_UNSERVED,
) = range(len(RULES))

_SCALARS = (
    "split_cents",
    "lateness_base_cents",
    "lateness_day_cents",
    "waiting_day_cents",
    "capacity_price_cents",
    "capacity_free_permille",
    "carbon_cents_per_tonne",
    "trip_base_cents",
    "trip_km_cents",
    "trip_co2e_g_per_km",
    "unserved_base_cents",
    "unserved_value_permille",
    "use_inbound",
    "least_unit_cents",  # of any node, the network's
    "least_reject_cents",  # likewise, weighted
    "least_pick_cents",  # likewise, of a shipment before its lines
    "least_line_cents",  # and of a line more
    "least_packaging_cents",  # and of a parcel, weighted
)
(
    P_SPLIT,
    P_LATE_BASE,
    P_LATE_DAY,
    P_WAIT_DAY,
    P_CAPACITY,
    P_CAPACITY_FREE,
    P_CARBON,
    P_TRIP_BASE,
    P_TRIP_KM,
    P_TRIP_CO2E,
    P_UNSERVED_BASE,
    P_UNSERVED_VALUE,
    P_INBOUND,
    P_LEAST_UNIT,
    P_LEAST_REJECT,
    P_LEAST_PICK,
    P_LEAST_LINE,
    P_LEAST_PACKAGING,
) = range(len(_SCALARS))

(
    O_PLACED,
    O_SLOT,  # slot of the home target, -1 no home delivery
    O_REGION,
    O_TZ,
    O_FLAGS,  # bits of engine.costs.tariff, and the ones below
    O_DELIVER_BY,  # NO_LIMIT if none
    O_REQUESTED,  # NO_LIMIT if none
    O_METHODS,  # bits of engine.domain.order.METHODS
    O_SERVICES,  # bits
    O_GROUPS,  # bits, 0 any
    O_CHANNEL,
    O_MAX_SHIPMENTS,
    O_MAX_DISTANCE,  # NO_LIMIT if none
    O_MIN_VALUE,
    O_LINE_FROM,
    O_LINE_TO,
    O_ITEMS,
    O_EXCLUDED_FROM,
    O_EXCLUDED_TO,
    O_ALLOWED_FROM,  # empty: all
    O_ALLOWED_TO,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_LINE_SHIPMENTS,  # that may carry units of one divided line
    O_FIELDS,
) = range(25)
F_PARTIAL, F_NO_SAFETY, F_PLACE_CHOSEN, F_PORTIONS = 8, 16, 32, 64

PL_NODE, PL_SLOT, PL_REGION, PL_TZ, PL_REMOTE, PL_DISTANCE, PL_FIELDS = range(7)


POL_NODE = np.dtype(
    [
        ("line_cents", "i8"),
        ("unit_cents", "i8"),
        ("packaging_cents", "i8"),
        ("priority_cents", "i8"),
    ]
)
# a line that may be divided comes as `pieces` rows, each an item, numbered from 0 by `piece`; both 0 for other lines
LINE = np.dtype([(name, "i8") for name in ("sku", "quantity", "pin", "item", "pieces", "piece")])


class Pol(NamedTuple):
    """The arrays of a policy."""

    weight: NDArray[np.int64]
    scalar: NDArray[np.int64]
    pick_cents: NDArray[np.int64]
    node: NDArray[np.void]
    dearer_cents: NDArray[np.int64]
    reject_cents: NDArray[np.int64]
    transit: NDArray[np.int64]


class Orders(NamedTuple):
    """The columns of orders."""

    table: NDArray[np.int64]
    line: NDArray[np.void]
    node_list: NDArray[np.int32]
    places: NDArray[np.int64]


def _empty_pol() -> Pol:
    i64, table = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.int64)
    node = np.zeros(0, POL_NODE)
    return Pol(weight=i64, scalar=i64, pick_cents=table, node=node, dearer_cents=i64, reject_cents=table, transit=table)


def no_orders() -> Orders:
    """Empty columns."""
    table = np.zeros((0, 0), dtype=np.int64)
    return Orders(table=table, line=np.zeros(0, LINE), node_list=np.zeros(0, dtype=np.int32), places=table)


openable(Pol, _empty_pol)
openable(Orders, no_orders)


def picking_cents(network: Network, lines_max: int) -> NDArray[np.int64]:
    """(K, lines_max + 1) raw picking cost of a shipment by number of lines, units left out."""
    names = ("handling_order_s", "handling_line_s", "labour_cents_per_hour", "cost_order_cents", "cost_line_cents")
    columns = [np.array([[getattr(node, name)] for node in network.nodes], dtype=np.int64) for name in names]
    order_s, line_s, labour_cents, order_cents, line_cents = columns
    lines = np.arange(lines_max + 1)
    labour = (2 * (order_s + line_s * lines) * labour_cents + 3600) // 7200  # rounded(..., 3600)
    pick: NDArray[np.int64] = order_cents + line_cents * lines + labour
    return pick


def _reject_cents(network: Network, policy: Policy) -> NDArray[np.int64]:
    """(K, C) what the expected failed pick of a line costs, by node and class of its sku, weighted."""
    weight, names = policy.weight("rejection"), network.skus.class_names
    ppm = [[node.rejection_of(name) for name in names] for node in network.nodes]
    known = {p: weighted_cents(rounded(p * policy.resourcing_cents, 1_000_000), weight) for row in ppm for p in row}
    return np.array([[known[p] for p in row] for row in ppm], dtype=np.int64)


def compile_policy(compiled: CompiledNetwork, policy: Policy) -> Pol:
    """Compile a policy for one network."""
    network = compiled.network
    nodes = network.nodes
    pick = picking_cents(network, LINES_MAX)
    reject = _reject_cents(network, policy)
    transit = np.full((len(network.services), max(1, len(network.zone_ids))), -1, dtype=np.int64)
    zones = {zone: z for z, zone in enumerate(network.zone_ids)}
    for row in network.transits:
        units, _ = quantile(row, policy.promise_confidence_permille)
        transit[network.service_index[row.service_id], zones[row.zone]] = units
    table = np.zeros(len(nodes), dtype=POL_NODE)
    table["unit_cents"] = [n.cost_unit_cents for n in nodes]
    table["packaging_cents"] = [n.packaging_cents for n in nodes]
    table["priority_cents"] = [
        weighted_cents(policy.priority_cents * n.priority, policy.weight("priority")) for n in nodes
    ]
    table["line_cents"] = np.diff(pick[:, 1:], axis=1).min(axis=1)  # at least, of a line more; labour is rounded
    first = pick[:, 1] - table["line_cents"]
    columns = (table["unit_cents"], reject, first, table["line_cents"], table["packaging_cents"])
    least = [int(column.min()) for column in columns]
    # Rounding may take a cent from a difference, never two: the weighted difference is rounded down.
    picking = (first - first.min()) + (table["line_cents"] - table["line_cents"].min())
    picking += table["unit_cents"] - table["unit_cents"].min()
    packaging = table["packaging_cents"] - table["packaging_cents"].min()
    dearer = picking * policy.weight("picking") // 1000 + packaging * policy.weight("packaging") // 1000
    dearer += reject.min(axis=1) - reject.min() + table["priority_cents"]
    least[-1] = weighted_cents(least[-1], policy.weight("packaging"))
    return Pol(
        weight=np.array([policy.weight(rule) for rule in RULES], dtype=np.int64),
        scalar=np.array([*(int(getattr(policy, name)) for name in _SCALARS[: -len(least)]), *least], dtype=np.int64),
        pick_cents=pick,
        node=table,
        dearer_cents=dearer,
        reject_cents=reject,
        transit=transit,
    )

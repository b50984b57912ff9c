"""Changes to what was decided on, applied: so that anybody can decide again under them and see for themselves."""

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine.decide.reasons import Change, Kind
from engine.domain.order import METHODS, Order
from engine.domain.policy import Policy
from engine.network.cells import WHOLE_DAY, Cell, Limits
from engine.network.model import Network, StockTable

Dropped = tuple[Order, Policy, tuple[str, ...]]  # and names of relaxations


def _of_order(**nothing: object) -> Callable[[Order, Policy], Dropped | None]:
    """Drop fields of the order, where any is set."""

    def drop(order: Order, policy: Policy) -> Dropped | None:
        if all(getattr(order, name) == value for name, value in nothing.items()):
            return None
        return replace(order, **nothing), policy, ()  # type: ignore[arg-type]

    return drop


def _pins(order: Order, policy: Policy) -> Dropped | None:
    if all(line.pin_node is None for line in order.lines):
        return None
    return replace(order, lines=tuple(replace(line, pin_node=None) for line in order.lines)), policy, ()


def _channel(order: Order, policy: Policy) -> Dropped | None:
    if order.channel not in policy.channels:
        return None
    channels = {name: rule for name, rule in policy.channels.items() if name != order.channel}
    return order, replace(policy, channels=channels), ()


def _policy_methods(order: Order, policy: Policy) -> Dropped | None:
    return None if set(policy.methods) == set(METHODS) else (order, replace(policy, methods=METHODS), ())


def _max_distance(order: Order, policy: Policy) -> Dropped | None:
    if order.max_distance_m is None and not policy.max_distance_m:
        return None
    return replace(order, max_distance_m=None), replace(policy, max_distance_m=0), ()


def _max_shipments(order: Order, policy: Policy) -> Dropped | None:
    if len(order.lines) < 2 or min(order.max_shipments or sys.maxsize, policy.max_shipments) >= len(order.lines):
        return None
    return replace(order, max_shipments=None), replace(policy, max_shipments=len(order.lines)), ()


def _min_parcel_value(order: Order, policy: Policy) -> Dropped | None:
    if not policy.min_parcel_value_cents or len(order.lines) < 2:
        return None
    return order, replace(policy, min_parcel_value_cents=0), ()


def _safety_stock(order: Order, policy: Policy) -> Dropped | None:
    return order, policy, ("safety_stock",)


RULES_DROPPED: dict[str, Callable[[Order, Policy], Dropped | None]] = {
    "deliver_by": _of_order(deliver_by=None),
    "methods": _of_order(methods=(), excluded_methods=()),
    "nodes": _of_order(nodes=(), excluded_nodes=()),
    "services": _of_order(services=(), excluded_services=()),
    "keep_together": _of_order(keep_together=()),
    "pins": _pins,
    "channel": _channel,
    "policy_methods": _policy_methods,
    "max_distance": _max_distance,
    "max_shipments": _max_shipments,
    "min_parcel_value": _min_parcel_value,
    "safety_stock": _safety_stock,
}


def applied(change: Change, network: Network, policy: Policy, order: Order) -> tuple[Network, Policy, Order]:
    """
    The input with one change made to it.

    >>> from engine.decide.reasons import Change, Kind
    >>> later = Change(kind=Kind.CUT_OFF, node="lyon", service="std", cut_off="16:00", before="14:00", collect="18:00")
    >>> network, policy, order = applied(later, network, policy, order)  # doctest: +SKIP
    """
    if change.kind is Kind.STOCK:
        return replace(network, stock=_with_stock(network, change)), policy, order
    if change.kind is Kind.DELIVER_BY:
        return network, policy, replace(order, deliver_by=change.moment)
    if change.kind is Kind.RULE:
        return _without_rule(change.field, network, policy, order)
    if change.kind is Kind.CUT_OFF:
        meant = (change.node, change.service, change.before, change.collect)
        rows = (
            replace(row, cutoff=change.cut_off)
            if (row.node_id, row.service_id, _short(row.cutoff), _short(row.collect)) == meant
            else row
            for row in network.collections
        )
        return replace(network, collections=tuple(rows)), policy, order
    field = "cost_order_cents" if change.kind is Kind.PRICE else change.field
    by = change.cents if change.kind is Kind.PRICE else change.units
    nodes = (
        replace(node, **{field: before + by})
        if node.node_id == change.node and (before := getattr(node, field)) is not None
        else node
        for node in network.nodes
    )
    return replace(network, nodes=tuple(nodes)), policy, order


def with_room(change: Change, network: Network, own: dict[Cell, Limits]) -> dict[Cell, Limits]:
    """Likewise of the limits that cells have of their own, by (node, day, hour): more room is more in each of them."""
    if change.kind is not Kind.ROOM:
        return own
    assert change.node is not None
    node, by_day, by_orders = network.node_index[change.node], "_day_" in change.field, change.field.endswith("orders")

    def raised(limits: Limits) -> Limits:
        orders, units = limits
        if by_orders:
            return None if orders is None else orders + change.units, units
        return orders, None if units is None else units + change.units

    return {
        at: raised(limits) if at[0] == node and (at[2] == WHOLE_DAY) == by_day else limits for at, limits in own.items()
    }


def _without_rule(name: str, network: Network, policy: Policy, order: Order) -> tuple[Network, Policy, Order]:
    dropped = RULES_DROPPED[name](order, policy)
    if dropped is None:
        return network, policy, order
    order, policy, relaxed = dropped
    if relaxed:
        nodes = tuple(replace(node, safety_stock=0) for node in network.nodes)
        network = replace(network, nodes=nodes, safety_stock=())
    return network, policy, order


def _with_stock(network: Network, change: Change) -> StockTable:
    assert change.node is not None
    assert change.sku is not None
    stock, node, sku = network.stock, network.node_index[change.node], network.skus.index[change.sku]
    at = np.flatnonzero((stock.node == node) & (stock.sku == sku))
    if len(at):
        on_hand = stock.on_hand.copy()
        on_hand[at[0]] += change.units
        return replace(stock, on_hand=on_hand)
    new = {"node": node, "sku": sku, "on_hand": change.units, "reserved": 0, "days_of_cover": 0}
    return StockTable(**{name: np.append(getattr(stock, name), np.int32(value)) for name, value in new.items()})


def _short(clock: str) -> str:
    """A clock time without seconds where they are none."""
    return clock.removesuffix(":00") if clock.count(":") == 2 else clock

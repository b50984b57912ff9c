"""Decide an order again under changes, on a network that is compiled anew: the proof of a counterfactual."""

from collections.abc import Sequence

import numpy as np

from engine.decide.changes import applied, with_room
from engine.decide.engine import Engine
from engine.decide.reasons import Change, Leg
from engine.domain.order import Order
from engine.domain.plan import Plan
from engine.network.live import Live

_BOOKED = ("day_orders", "day_units", "hour_orders", "hour_units")


def decided_under(engine: Engine, order: Order, changes: Sequence[Change], deadline_ms: int | None = None) -> Plan:
    """
    The plan of an order with changes made to what an engine decides on; the engine itself stays as it is.

    Parameters
    ----------
    engine
        Its network, policy, reserved stock, bid prices, booked capacity and the limits of single cells.
    order
        As it was decided.
    changes
        Made one after the other.
    deadline_ms
        See `Engine.decide`.
    """
    network, policy, asked, own = engine.network, engine.policy, order, engine.live.own_limits
    for change in changes:
        own = with_room(change, network, own)
        network, policy, asked = applied(change, network, policy, asked)
    live = Live(network, engine.live.num_days)
    _carry_over(engine.live, live)
    for at, limits in own.items():
        live.set_limits(*at, *limits)
    return Engine(network, live=live, policy=policy).decide(asked, deadline_ms=deadline_ms).plan


def legs(plan: Plan) -> set[Leg]:
    """The shipments of a plan in short."""
    return {Leg(method=s.method, node=s.node, service=s.service, place=s.place) for s in plan.shipments}


def _carry_over(old: Live, new: Live) -> None:
    """Reservations, bid prices and booked capacity into a stock of the same nodes and skus, with new rows at most."""
    skus = np.repeat(np.arange(len(old.row_start) - 1), np.diff(old.row_start))
    there = new.rows_of(old.row_node, skus)
    assert there.min(initial=0) >= 0, "the changed network lacks a row of the stock at hand"
    for name in ("reserved", "price_cents"):
        new.rows[name][there] = old.rows[name]
    for name in _BOOKED:
        getattr(new, name)[:] = getattr(old, name)

"""
Orders of which as much is to be served as can be, whatever that costs: what was promised, or has waited.

They are decided on the desk's thread, in the same posting as what gave rise to them, so that everybody else waits: the
stronger method gets MOST_MS each time, and where it finds nothing by then the plain rule answers.
"""

from dataclasses import replace
from types import MappingProxyType

import msgspec

from engine.decide.brief import Brief
from engine.decide.engine import Engine
from engine.desk.fallback import plain_brief
from engine.desk.state import State
from engine.domain.order import Order
from engine.domain.plan import Status
from engine.stock.ledger import Posting

MOST_MS = 100
FORCED_CENTS = 100_000_000  # a line left unserved, where as many as possible are to be served


def decide_most(state: State, order: Order, *, given_back: Posting | None = None) -> Brief:
    """
    Decide an order whole; where that cannot be, as many of its lines as can be served.

    A policy's price of unserved lines weighs service against money before anything was promised; here it is not
    asked. Costs are without it.
    """
    whole = _decided(state, replace(order, partial=False), state.engine, given_back)
    if whole.legs or len(order.lines) < 2:
        return whole
    some = _decided(state, replace(order, partial=True), _serving(state), given_back)
    if not some.legs:
        return whole
    forced_cents = FORCED_CENTS * len(some.unmet)
    return msgspec.structs.replace(
        some, cost_cents=some.cost_cents - forced_cents, bound_cents=some.bound_cents - forced_cents, plan=None
    )


def _decided(state: State, order: Order, engine: Engine, given_back: Posting | None) -> Brief:
    found = state.decide(order, engine=engine, deadline_ms=MOST_MS, given_back=given_back)
    if found.status != Status.NOT_FOUND:
        return found
    with state.as_if(given_back):
        return plain_brief(engine, order)


def _serving(state: State) -> Engine:
    """The engine under its policy, but for the price of unserved lines; kept as long as both see the same stock."""
    known, engine = state.serving, state.engine
    policy = engine.policy
    weights = MappingProxyType({**policy.weights_permille, "unserved": 1000})
    forced = replace(policy, unserved_base_cents=FORCED_CENTS, unserved_value_permille=0, weights_permille=weights)
    if known is None or known.live is not engine.live or known.policy != forced:
        known = state.serving = engine.under(forced)
    return known

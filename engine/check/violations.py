"""
What a plan must obey, written without any solver: one rule, one function.

Reads the plan, the network's tables and the live stock as they were before the plan; promises and prices are asked
for afresh from `Dates` and `RateCards`. It shares no code with what builds shipments (engine/options) or chooses them.
"""

from collections.abc import Iterator

from engine.check import lines, recount, routes
from engine.check.case import Case, Instruments
from engine.domain.order import Order
from engine.domain.plan import Plan, Violation
from engine.domain.policy import Policy
from engine.network.live import Live
from engine.network.model import Network

RULES = (
    lines.lines_not_covered,
    routes.routes_not_allowed,
    routes.distances_exceeded,
    routes.several_places,
    lines.pins_missed,
    lines.company_not_allowed,
    routes.restrictions_broken,
    routes.limits_exceeded,
    lines.stock_overdrawn,
    lines.capacity_exceeded,
    lines.too_many_shipments,
    lines.lines_in_too_many_shipments,
    lines.lines_split,
    lines.groups_separated,
    lines.parcels_of_little_value,
    recount.promises_wrong,
    recount.deadlines_missed,
    recount.facts_wrong,
    recount.costs_wrong,
    recount.totals_wrong,
    recount.bound_above_cost,
    recount.status_inconsistent,
)

# Those that no shipment of a plan breaks on its own.
COUPLING = (
    lines.stock_overdrawn,
    lines.capacity_exceeded,
    lines.too_many_shipments,
    lines.lines_in_too_many_shipments,
    lines.parcels_of_little_value,
)


def violations(
    network: Network, live: Live, policy: Policy, order: Order, plan: Plan, tools: Instruments
) -> Iterator[Violation]:
    """
    Yield every hard rule that a plan breaks; a correct plan yields nothing.

    Parameters
    ----------
    network, live, policy
        As they were when the plan was made: `live` before the plan's own stock and capacity are held.
    order
        Lines that share a sku are merged first, as every solver does.
    plan
        Of any status. Names that nothing knows are reported alone, since no rule can be asked about them.
    tools
        Dates, zones and rate cards of the network.
    """
    case = Case(network, live, policy, order.merged(), plan, tools)
    unknown = list(lines.unknown_names(case))
    if unknown:
        yield from unknown
        return
    for rule in RULES:
        yield from rule(case)


def conflicts(
    network: Network, live: Live, policy: Policy, order: Order, plan: Plan, tools: Instruments
) -> Iterator[Violation]:
    """Like `violations`, of the rules that couple shipments only: for plans of shipments that are right one by one."""
    case = Case(network, live, policy, order.merged(), plan, tools)
    for rule in COUPLING:
        yield from rule(case)

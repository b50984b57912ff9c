"""
Decisions in short: what a desk that answers thousands of orders a second holds, posts and sends.

A Brief says which node serves which lines by which service, to arrive when, at what cost, and in which pick cell; it
leaves out what an explanation wants (cost terms, parcels, confidence). `brief_of` shortens a plan; `rebuilt` makes the
plan of a brief, with all its terms, on whatever stock the request looks at.
"""

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from engine.domain.ids import NodeId, OrderId, ServiceId
from engine.domain.order import Method
from engine.domain.plan import Plan, Refusal, Shipment, ShipmentLine, Status, Unmet
from engine.domain.units import epoch_s
from engine.network.model import Network
from engine.network.routes import Route
from engine.options.evaluate import Evaluator, Tools


class Leg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A shipment in short. ``pick_day`` and ``pick_hour`` name the cell whose capacity it takes, in local time."""

    method: Method
    node: NodeId
    service: ServiceId | None  # None: click & collect, ship to store
    place: NodeId | None  # None: home
    lane: int  # index into Network.lanes, -1 for none
    lines: tuple[ShipmentLine, ...]
    cost_cents: int
    units: int
    pick_start_s: int  # epoch seconds, as the two below
    pick_day: int  # days since 1970-01-01 of the node's calendar
    pick_hour: int  # 0..23 by the node's clock
    ship_by_s: int  # handed to the carrier or the transfer; ready where the customer comes to the node
    deliver_by_s: int


class Brief(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A plan in short. ``plan`` is the plan itself where more than the kernel was needed to find it."""

    order_id: OrderId
    status: Status
    legs: tuple[Leg, ...]
    unmet: tuple[Unmet, ...]
    cost_cents: int
    bound_cents: int
    relaxed: tuple[str, ...] = ()
    limit: str = ""
    method: str = ""
    plan: Plan | None = None

    @property
    def order_cents(self) -> int:
        """What is charged to the order as a whole: splits, a trip, unserved lines."""
        return self.cost_cents - sum(leg.cost_cents for leg in self.legs)

    @property
    def deliver_by_s(self) -> int | None:
        """The last promise as epoch seconds, None without shipments."""
        return max((leg.deliver_by_s for leg in self.legs), default=None)


def brief_of(plan: Plan, tools: Tools) -> Brief:
    """Shorten a plan of the network that `tools` are of."""
    return Brief(
        order_id=plan.order_id,
        status=plan.status,
        legs=tuple(_leg(shipment, tools) for shipment in plan.shipments),
        unmet=plan.unmet,
        cost_cents=plan.cost_cents,
        bound_cents=plan.bound_cents,
        relaxed=plan.relaxed,
        limit=plan.limit,
        method=plan.method,
        plan=plan,
    )


def _lane_of(shipment: Shipment, tools: Tools) -> int:
    """
    The lane of a shipment, -1 for none.

    A shipment does not name it. Where several lead from its node to its place, it is the first that costs what the
    shipment costs and departs when the shipment does.
    """
    if shipment.method != Method.SHIP_TO_STORE or shipment.place is None:
        return -1
    found = tools.lanes_between[shipment.node, shipment.place]
    units = sum(line.quantity for line in shipment.lines)
    paid_cents = next((term.raw_cents for term in shipment.terms if term.rule == "transfer"), 0)
    depart_s = epoch_s(shipment.promise.ship_by)
    for lane in found:
        row = tools.network.lanes[lane]
        same = row.cost_order_cents + row.cost_unit_cents * units == paid_cents
        if same and any(leave_s == depart_s for leave_s, _, _ in tools.calendars.departures(lane)):
            return lane
    return found[0]


def _leg(shipment: Shipment, tools: Tools) -> Leg:
    pick_start_s = epoch_s(shipment.promise.pick_start)
    day, hour = tools.dates.cell_at(tools.network.node_index[shipment.node], pick_start_s)
    return Leg(
        method=shipment.method,
        node=shipment.node,
        service=shipment.service,
        place=shipment.place,
        lane=_lane_of(shipment, tools),
        lines=shipment.lines,
        cost_cents=shipment.cost_cents,
        units=sum(line.quantity for line in shipment.lines),
        pick_start_s=pick_start_s,
        pick_day=day,
        pick_hour=hour,
        ship_by_s=epoch_s(shipment.promise.ship_by),
        deliver_by_s=epoch_s(shipment.promise.deliver_by),
    )


def route_of(leg: Leg, network: Network) -> Route:
    """The way of a leg by indices."""
    return Route(
        leg.method,
        network.node_index[leg.node],
        network.service_index[leg.service] if leg.service is not None else -1,
        leg.lane,
        network.node_index[leg.place] if leg.place is not None else -1,
    )


def rebuilt(request: Evaluator, brief: Brief) -> Plan | Refusal:
    """
    The plan of a brief, with dates and cost terms on the stock and capacity that a request looks at.

    Parameters
    ----------
    request
        Of the same order, merged, under the brief's relaxations. What the brief itself holds must not be held there.
    brief
        Where status, bound and unmet lines are taken from.

    Returns
    -------
    Plan
        Or the first rule that forbids one of its shipments now, where things have changed since it was decided.
    """
    line_at = {line.line_id: i for i, line in enumerate(request.order.lines)}
    shipments: list[Shipment] = []
    for leg in brief.legs:
        items = tuple((line_at[line.line_id], line.quantity) for line in leg.lines)
        found = request.shipment(route_of(leg, request.network), items)
        if isinstance(found, Refusal):
            return found
        shipments.append(found)
    unserved = [line_at[unmet.line_id] for unmet in brief.unmet]
    plan = request.plan(shipments, unserved, brief.status, brief.bound_cents, limit=brief.limit, method=brief.method)
    return replace(plan, unmet=brief.unmet)


def holds_of(brief: Brief, network: Network) -> Iterator[tuple[int, list[tuple[int, int]], int, int]]:
    """What a brief holds, as `Live.reserve` takes it: node, units of skus, local day number, clock hour."""
    for leg in brief.legs:
        items = [(network.skus.index[line.sku], line.quantity) for line in leg.lines]
        yield network.node_index[leg.node], items, leg.pick_day, leg.pick_hour

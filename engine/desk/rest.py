"""
What is left of an order, decided again: after a rejection, for a person who asks, when stock arrives.

The rest is the order as it was first given, with the lines and units that are still open, the promise as its limit,
work that starts now, and without the nodes that rejected it. Its own rules go on to hold: pins, methods, groups kept
together as far as they are in the rest, and the number of shipments less those that are under way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from engine.decide.brief import Brief
from engine.desk.allocation import decision_record
from engine.desk.ask import NOT_FOUND, Answer, DeskError
from engine.desk.most import decide_most
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.ids import LineId, NodeId
from engine.domain.order import Order
from engine.domain.units import utc
from engine.stock.ledger import Posting
from engine.stock.records import ENDED, DecisionRecord, Part, PartState, Reservation
from engine.stock.records_oms import Exclusion

EXCLUDED_MAX = 1_000  # nodes that one order is remembered to be rejected by


class Rest(NamedTuple):
    """The rest of an order, decided: the plan, the parts it makes, and whether the promise is kept."""

    order: Order
    brief: Brief
    parts: list[Part]
    kept: bool


def order_as_given(state: State, reservation: Reservation) -> Order | None:
    """The order that a reservation was first decided for, its lines merged by sku; None of a plain hold."""
    if not reservation.decision_id:
        return None
    found = state.ledger.find(
        DecisionRecord,
        {"order_id": reservation.order_id, "reservation_id": reservation.reservation_id},
        order=("attempt", "at_s"),
        limit=1,
    )
    return order_of(found[0]) if found else None


def order_of(decision: DecisionRecord) -> Order:
    """The order of a decision, its lines merged by sku."""
    return msgspec.json.decode(decision.order_json, type=Order).merged()


def promised_order(order: Order, reservation: Reservation) -> Order:
    """The order with what the customer was promised as its limit."""
    promise_s = reservation.deliver_by_s
    return order if promise_s is None else replace(order, deliver_by=utc(promise_s))


def excluded_nodes(state: State, order_id: str) -> list[NodeId]:
    """The nodes that an order does not come back to."""
    found = state.ledger.find(Exclusion, {"order_id": order_id}, limit=EXCLUDED_MAX)
    known = set(state.engine.network.node_index)
    nodes = dict.fromkeys(state.node_id(one.node_no) for one in found if one.until_s > state.now_s)
    return [node for node in nodes if node in known]


def rest_of(
    order: Order,
    units: Mapping[str, int],
    *,
    now_s: int,
    promise_s: int | None,
    excluded: Iterable[NodeId] = (),
    others: Sequence[Part] = (),
    place: NodeId | None = None,
) -> Order:
    """
    The order that is left.

    Parameters
    ----------
    order
        As it was given, its lines merged.
    units
        Open units by line id.
    now_s
        Work starts no earlier.
    promise_s
        What the customer was promised; None leaves the order's own limit.
    excluded
        Nodes not to ask.
    others
        Shipments of the order that go on, or have gone.
    place
        Where the customer was told to collect.
    """
    unknown = set(units) - {line.line_id for line in order.lines}
    if unknown:
        raise InputError(f"Order ({order.order_id}) has no line ({min(unknown)}).", "see its reservation for the ids.")
    lines = tuple(replace(line, quantity=units[line.line_id]) for line in order.lines if units.get(line.line_id, 0) > 0)
    open_ids = {line.line_id for line in lines}
    groups = (tuple(i for i in group if i in open_ids) for group in order.keep_together)
    shipments_max = order.max_shipments
    if shipments_max is not None:
        shipments_max = max(1, shipments_max - sum(part.state not in ("released", "rejected") for part in others))
    return replace(
        order,
        lines=lines,
        placed_at=max(order.placed_at, utc(now_s)),
        deliver_by=order.deliver_by if promise_s is None else utc(promise_s),
        excluded_nodes=tuple(dict.fromkeys((*order.excluded_nodes, *excluded))),
        keep_together=tuple(group for group in groups if len(group) > 1),
        max_shipments=shipments_max,
        pickup_node=order.pickup_node or place,
    )


def decide_rest(
    state: State,
    reservation: Reservation,
    parts: Sequence[Part],
    rest: Order,
    *,
    part_state: PartState,
    given_back: Posting | None,
) -> Rest:
    """Decide what is left, as many lines as can be served; its parts are numbered after those that there are."""
    brief = decide_most(state, rest, given_back=given_back)
    first = max((part.part for part in parts), default=0) + 1
    made = state.basis().parts_of(brief, reservation.reservation_id, part_state, first=first)
    promise_s = reservation.deliver_by_s
    kept = not brief.unmet and bool(made) and (promise_s is None or all(p.deliver_by_s <= promise_s for p in made))
    return Rest(rest, brief, made, kept)


def held_anew(
    state: State,
    reservation: Reservation,
    rest: Rest,
    reply: Answer,
    *,
    decision_id: str,
    cause: str,
    open_parts: Sequence[Part],
    counts: bool = True,
) -> Posting:
    """
    The posting of a rest that is decided: what it takes, its parts, its decision, and the reservation as it is then.

    ``open_parts`` are those of the reservation that stay open beside; ``counts`` says whether it is one more attempt.
    """
    attempts = reservation.attempts + counts
    any_open = bool(rest.parts) or any(part.state not in ENDED for part in open_parts)
    held = any(part.state == PartState.HELD for part in (*open_parts, *rest.parts))
    changed = msgspec.structs.replace(
        reservation,
        state="held" if held else "confirmed" if any_open else "ended",
        decision_id=decision_id,
        attempts=attempts,
        updated_s=state.now_s,
        version=reservation.version + 1,
    )
    record = decision_record(
        state.basis(),
        rest.brief,
        rest.order,
        reply,
        decision_id=decision_id,
        reservation_id=reservation.reservation_id,
        cause=cause,
        attempt=attempts,
    )
    stock, capacity = state.taken(rest.brief, rest.order) if rest.parts else ([], [])
    return Posting(stock=stock, capacity=capacity, changes=[changed], makes=[record, *rest.parts])


def unmet_units(brief: Brief) -> dict[str, int]:
    """Open units by line that a decision leaves."""
    return {str(LineId(unmet.line_id)): unmet.quantity for unmet in brief.unmet}


def no_order(reservation: Reservation) -> DeskError:
    """A plain hold has nothing that could be decided again."""
    return DeskError(
        "no-order",
        NOT_FOUND,
        f"Reservation ({reservation.reservation_id}) is a hold without an order; it cannot be decided again.",
        "allocate the order.",
    )

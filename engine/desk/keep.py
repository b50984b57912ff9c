"""
Orders that name an option of a quote: its own plan as long as that can be, else the cheapest that keeps the promise.

    same     each line by the node, method and service that the option said
    kept     another plan that is there by the promised date, at the promised place; `changes` says why not the same
    changed  no plan keeps the promise: nothing is held, and `changes` says what stands in the way of the option's own

The promise is the option's date and place. What the order itself asks for beside that holds too; it is never relaxed,
and never kept in part.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import msgspec

from engine.check.violations import conflicts
from engine.decide.brief import Brief, brief_of
from engine.decide.engine import Engine
from engine.desk.ask import CONFLICT, DeskError
from engine.desk.documents import ChangeDoc, KeptDoc
from engine.desk.fallback import plain_brief
from engine.desk.option_id import Promised, PromisedParcel
from engine.desk.quote import allowed, parcels_of
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.ids import ServiceId
from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Refusal, Shipment, Status
from engine.domain.units import utc
from engine.network.routes import Route
from engine.options.evaluate import Evaluator
from engine.options.located import home_of
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import DecisionRecord

SAME, KEPT, CHANGED = "same", "kept", "changed"


class Kept(NamedTuple):
    """A decision on an order that names an option."""

    order: Order  # as it was decided
    brief: Brief
    document: KeptDoc


def keep(order: Order, promised: Promised, state: State, back: Posting, *, deadline_ms: int) -> Kept:
    """
    Decide an order as an option promised; holds nothing.

    Parameters
    ----------
    order
        As the caller gives it; its lines must be those of the quote.
    back
        What the quote holds; that is the order's to use.
    deadline_ms
        For the stronger method.

    Raises
    ------
    DeskError, InputError
        Where the order is not for what was quoted, or names what is unknown.
    """
    asked = _as_promised(order, promised, state)
    engine = _strict(state)
    cheapest = state.decide(asked, engine=engine, deadline_ms=deadline_ms, given_back=back)
    changes: list[ChangeDoc] = []
    outcome, brief = CHANGED, cheapest
    if cheapest.legs and parcels_of(cheapest, state) == promised.parcels:
        outcome = SAME
    else:
        with state.as_if(back):
            found = _own_plan(engine, asked, promised, state)
        if isinstance(found, Plan):
            outcome = SAME
            bound_cents = min(found.cost_cents, cheapest.bound_cents) if cheapest.legs else found.cost_cents
            status = Status.OPTIMAL if bound_cents == found.cost_cents else Status.FEASIBLE
            brief = msgspec.structs.replace(
                brief_of(replace(found, status=status, bound_cents=bound_cents), engine.tools), plan=None
            )
        else:
            changes = found
            outcome = KEPT if cheapest.legs else CHANGED
    return Kept(asked, brief, _document(promised, state, outcome, changes))


def keep_plainly(order: Order, promised: Promised, state: State) -> Kept:
    """The same by the plain rule, where the engine broke; what the quote holds is left alone."""
    asked = _as_promised(order, promised, state)
    brief = plain_brief(state.engine, asked)
    same = brief.legs and parcels_of(brief, state) == promised.parcels
    return Kept(asked, brief, _document(promised, state, SAME if same else KEPT if brief.legs else CHANGED, []))


def _document(promised: Promised, state: State, outcome: str, changes: list[ChangeDoc]) -> KeptDoc:
    return KeptDoc(
        quote_id=promised.quote_id,
        outcome=outcome,
        expired=promised.expires_s <= state.now_s,
        deliver_by=utc(promised.deliver_by_s),
        cost_cents=promised.cost_cents,
        price_cents=promised.price_cents,
        changes=changes,
    )


def _as_promised(order: Order, promised: Promised, state: State) -> Order:
    """The order under the option's promise."""
    units: dict[int, int] = {}
    for line in order.lines:
        sku_no = state.sku_no(line.sku, "lines")
        units[sku_no] = units.get(sku_no, 0) + line.quantity
    if units != promised.units:
        raise _other("/lines", _lines(promised.units, state), _lines(units, state))
    at_place = promised.place_no >= 0
    if not at_place:
        home = order.destination
        if home is None or order.pickup_node is not None:
            raise _other("/destination", f"a home at {promised.country} {promised.postcode}", "no home")
        if (home.country, _plain(home.postcode)) != (promised.country, _plain(promised.postcode)):
            raise _other("/destination", f"{promised.country} {promised.postcode}", f"{home.country} {home.postcode}")
    if order.destination is not None:
        order = replace(order, destination=home_of(state.engine.tools, order.destination).destination)
    place = state.node_id(promised.place_no) if at_place else None
    if order.pickup_node not in (None, place):
        raise _other("/pickup_node", str(place), str(order.pickup_node))
    methods = allowed(order, at_place=at_place)
    if not methods:
        raise _other("/methods", "what ends at a place" if at_place else "what ends at home", ", ".join(order.methods))
    limit = utc(promised.deliver_by_s)
    return replace(
        order.merged(),
        methods=methods,
        pickup_node=place,
        deliver_by=limit if order.deliver_by is None else min(limit, order.deliver_by),
        partial=False,
    )


def _other(field: str, quoted: str, asked: str) -> DeskError:
    return DeskError(
        "other-cart",
        CONFLICT,
        f"The option is for {quoted}; the order is for {asked}.",
        "ask for a new quote where the cart has changed, or leave option_id out.",
        field=field,
    )


def _lines(units: dict[int, int], state: State) -> str:
    return ", ".join(f"{count} of {state.sku_id(sku_no)}" for sku_no, count in sorted(units.items()))


def _plain(postcode: str) -> str:
    return postcode.replace(" ", "").upper()


def _strict(state: State) -> Engine:
    """The engine under its policy without relaxations; kept as long as both see the same stock."""
    engine, known = state.engine, state.strict
    if known is None or known.live is not engine.live or known.policy != replace(engine.policy, relaxations=()):
        known = state.strict = engine.under(replace(engine.policy, relaxations=()))
    return known


def _own_plan(engine: Engine, order: Order, promised: Promised, state: State) -> Plan | list[ChangeDoc]:
    """The option's own plan on the view as it is, or what stands in its way."""
    request = engine.chooser.request(order)
    line_of = {state.sku_numbers[line.sku]: i for i, line in enumerate(order.lines)}
    shipments: list[Shipment] = []
    changes: list[ChangeDoc] = []
    for parcel in promised.parcels:
        pairs = zip(parcel.items[::2], parcel.items[1::2], strict=True)
        items = tuple(sorted((line_of[sku_no], units) for sku_no, units in pairs))
        found = _shipment(request, parcel, items, state, promised.place_no)
        if isinstance(found, Shipment):
            shipments.append(found)
        else:
            names = [str(order.lines[line].line_id) for line, _ in items]
            node = state.view.numbers.nodes[parcel.node_no]
            changes.append(ChangeDoc(node=node, lines=names, code=found.code, detail=found.text))
    if changes:
        return changes
    plan = request.plan(shipments, (), Status.FEASIBLE, 0, method="quote")
    broken = list(conflicts(engine.network, engine.live, engine.policy, order, plan, engine.tools))
    return plan if not broken else [ChangeDoc(node="", lines=[], code=one.rule, detail=one.message) for one in broken]


def _shipment(
    request: Evaluator, parcel: PromisedParcel, items: tuple[tuple[int, int], ...], state: State, place_no: int
) -> Shipment | Refusal:
    """The best of the ways that a parcel may go by: several lanes may lead to one place."""
    node = int(state.view.node_at[parcel.node_no])
    if node < 0:
        return Refusal("node", "The node is in the network no more.")
    place = int(state.view.node_at[place_no]) if place_no >= 0 else -1
    first: Refusal | None = None
    best: Shipment | None = None
    for route in _routes(request, Method(parcel.method), node, parcel.service, place):
        found = request.shipment(route, items)
        if isinstance(found, Refusal):
            first = first or found
        elif best is None or (found.cost_cents, found.promise.deliver_by) < (best.cost_cents, best.promise.deliver_by):
            best = found
    return best or first or Refusal("no_route", "There is no such way any more.")


def _routes(request: Evaluator, method: Method, node: int, service: str, place: int) -> Iterator[Route]:
    network = request.network
    if service:
        found = network.service_index.get(ServiceId(service))
        if found is not None:
            yield Route(method, node, found, place=place)
    elif method == Method.SHIP_TO_STORE:
        lanes = request.tools.lanes_between.get((network.nodes[node].node_id, network.nodes[place].node_id), ())
        yield from (Route(method, node, lane=lane, place=place) for lane in lanes)
    else:
        yield Route(method, node, place=place)


class KeptQuotesDoc(msgspec.Struct, kw_only=True):
    """How promises were kept: allocations that named an option, by outcome; shares in permille, None of none."""

    since: datetime
    until: datetime
    allocations: int
    same: int
    kept: int
    changed: int
    same_permille: int | None
    kept_permille: int | None  # the same ones among them


def kept_quotes(ledger: Ledger, *, since_s: int, until_s: int) -> KeptQuotesDoc:
    """Count what became of promises between two moments, the first of them included."""
    if until_s <= since_s:
        raise InputError(f"until ({utc(until_s)}) is not after since ({utc(since_s)}).", "swap them.")
    where = {"kept": (SAME, KEPT, CHANGED), "at_s__ge": since_s, "at_s__lt": until_s}
    count = dict(ledger.count_by(DecisionRecord, ("kept",), where))
    same, kept, changed = (int(count.get(outcome, 0)) for outcome in (SAME, KEPT, CHANGED))
    total = same + kept + changed
    return KeptQuotesDoc(
        since=utc(since_s),
        until=utc(until_s),
        allocations=total,
        same=same,
        kept=kept,
        changed=changed,
        same_permille=same * 1000 // total if total else None,
        kept_permille=(same + kept) * 1000 // total if total else None,
    )

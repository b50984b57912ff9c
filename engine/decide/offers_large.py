"""
Offers of carts that are too large for the kernel.

Lines that the same nodes hold are kept together until the kernel takes the cart (`grouped`): what it then finds may be
had, and is seldom much dearer than the best, but nothing is proven. Where that cannot be, the stronger method looks
within a deadline, target by target: home first, with half of the time for its cheapest plan and half of what is left
for each earlier date; then the places, nearest first, with equal parts of the rest; not for the greenest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from engine.decide.brief import brief_of
from engine.decide.choose import Chooser
from engine.decide.labelled import unbeaten, value_of
from engine.decide.offer import Offer, OfferKind
from engine.domain.order import METHODS, Method, Order
from engine.domain.plan import Plan, Status
from engine.domain.units import utc
from engine.optimise.intake import items_of
from engine.optimise.mip_clock import Clock
from engine.optimise.tables import ITEMS_MAX, LINES_MAX
from engine.options.evaluate import Evaluator
from engine.options.ways import HOME_METHODS

DATES_MAX = 4  # of home
GROUPS_MAX = 10  # the kernel takes more, but some tenths of a second for them


def grouped(request: Evaluator) -> Order | None:
    """The order with lines kept together that many nodes hold, so that the kernel takes it; None where it cannot be."""
    order = request.order
    if len(order.lines) > LINES_MAX:
        return None
    items = items_of(request)
    groups = [[i for i, item in enumerate(items) if item == number] for number in range(max(items) + 1)]
    nodes = [_holders(request, group) for group in groups]
    free = [all(not request.skus[i].ships_alone for i in group) for group in groups]
    while len(groups) > GROUPS_MAX:
        pairs = [(a, b) for b in range(len(groups)) for a in range(b) if free[a] and free[b]]
        a, b = max(pairs, key=lambda pair: (nodes[pair[0]] & nodes[pair[1]]).bit_count(), default=(0, 0))
        if not nodes[a] & nodes[b] or a == b:
            break
        groups[a], nodes[a] = groups[a] + groups[b], nodes[a] & nodes[b]
        del groups[b], nodes[b], free[b]
    if len(groups) > ITEMS_MAX:
        return None
    names = [tuple(order.lines[i].line_id for i in group) for group in groups]
    return replace(order, keep_together=tuple(group for group in names if len(group) > 1))


def _holders(request: Evaluator, lines: Sequence[int]) -> int:
    """The nodes that have some lines whole, as bits."""
    common = -1
    for line in lines:
        need, pin = request.order.lines[line].quantity, request.pins[line]
        able = (node for node, units in request.promisable(line) if units >= need and pin in (-1, node))
        common &= sum(1 << node for node in able)
    return common


def large_offers(chooser: Chooser, request: Evaluator, clock: Clock) -> list[Offer]:
    """Offers for home and for each place, as `OfferFinder.find` gives them, as far as there is time."""
    order, places = request.order, request.ways.places
    home = tuple(method for method in order.methods or METHODS if method in HOME_METHODS)
    found: list[Offer] = []
    if request.ways.home is not None and home:
        at_home = replace(order, methods=home)
        found += unbeaten(_offer(chooser, plan, -1, None) for plan in _front(chooser, chooser.request(at_home), clock))
    for i, place in enumerate(places):
        if clock.late():
            break
        there = chooser.request(replace(order, pickup_node=request.network.nodes[place].node_id))
        plan = chooser.best(there, clock.part(1 / (len(places) - i)))
        if _is_found(plan):
            found.append(_offer(chooser, plan, place, request.ways.trip_distance_m(place)))
    return found


def _front(chooser: Chooser, request: Evaluator, clock: Clock) -> Iterator[Plan]:
    """The cheapest plan, then the cheapest that arrives earlier, and so on."""
    for _ in range(DATES_MAX):
        if clock.late():
            return
        plan = chooser.best(request, clock.part(0.5))
        if not _is_found(plan):
            return
        yield plan
        request = chooser.request(replace(request.order, deliver_by=utc(value_of(plan)[1] - 1)))


def _is_found(plan: Plan) -> bool:
    return plan.status in (Status.OPTIMAL, Status.FEASIBLE) and bool(plan.shipments)


def _offer(chooser: Chooser, plan: Plan, place: int, trip_m: int | None) -> Offer:
    cents, by, _ = value_of(plan)
    return Offer(
        kind=_kind({shipment.method for shipment in plan.shipments}, place),
        cost_cents=cents,
        deliver_by_s=by,
        co2e_g=sum(shipment.co2e_g for shipment in plan.shipments),
        place=place,
        trip_m=trip_m,
        exact=plan.status == Status.OPTIMAL,
        build=partial(brief_of, plan, chooser.tools),
    )


def _kind(methods: set[Method], place: int) -> OfferKind:
    if place < 0:
        return OfferKind.SAME_DAY if methods == {Method.SAME_DAY} else OfferKind.HOME
    if methods == {Method.CLICK_AND_COLLECT}:
        return OfferKind.COLLECT
    return OfferKind.POINT if methods == {Method.PICKUP_POINT} else OfferKind.TO_STORE

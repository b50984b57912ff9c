"""
Offers of carts that are too large for the kernel: by the stronger method, target by target, within a deadline.

Home first, with half of the time for its cheapest plan and half of what is left for each earlier date; then the places,
nearest first, with equal parts of the rest. The greenest is not looked for. Whoever needs a better answer asks again
with fewer lines, or allocates with more time.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from engine.decide.brief import brief_of
from engine.decide.choose import Chooser
from engine.decide.labelled import unbeaten, value_of
from engine.decide.offer import Offer, OfferKind
from engine.domain.order import METHODS, Method
from engine.domain.plan import Plan, Status
from engine.domain.units import utc
from engine.optimise.mip_clock import Clock
from engine.options.evaluate import Evaluator
from engine.options.ways import PLACE_METHODS

DATES_MAX = 4  # of home
_HOME = tuple(method for method in METHODS if method not in PLACE_METHODS)


def large_offers(chooser: Chooser, request: Evaluator, clock: Clock) -> list[Offer]:
    """Offers for home and for each place, as `OfferFinder.find` gives them, as far as there is time."""
    order, places = request.order, request.ways.places
    home = tuple(method for method in order.methods or METHODS if method in _HOME)
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

"""
What can be promised of many skus to one customer, each as if it were a cart of its own.

Home has two ends: the cheapest plan, and the cheapest of those that arrive first; each place near has the plan that is
ready first. A kernel finds all of them in one call (engine/optimise/ends.py), on the same stock and by the same search
that decides orders; they are offers of the one-line cart (engine/decide/offers.py). Where no node has enough of a sku
for a whole shipment home, plans that divide it are looked for, as far as there is time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.decide.batch import METHOD, legs_of
from engine.decide.brief import Brief, brief_of, route_of
from engine.decide.choose import Chooser
from engine.decide.offers import FRONT_MAX, Offer, OfferKind, targets_of
from engine.domain.ids import LineId, OrderId, SkuId
from engine.domain.order import Destination, Method, Order, OrderLine
from engine.domain.plan import Plan, Refusal, Status
from engine.domain.units import epoch_s, utc
from engine.network.routes import Route
from engine.optimise.ends import CHEAPEST, E_DELIVER, E_FIELDS, ENDS, FIRST, NEVER, find_ends, find_soon
from engine.optimise.kernel import OPTIMAL
from engine.optimise.mip_clock import Clock
from engine.optimise.tables import (
    LINE,
    O_LINE_FROM,
    O_LINE_TO,
    O_SLOT,
    PL_DISTANCE,
    PL_NODE,
    Orders,
)
from engine.optimise.workspace import S_FIELDS, S_ID, S_KIND, S_NODE, S_SHIP
from engine.options.ways import HOME_METHODS, Way

_KINDS = {
    Method.SAME_DAY: OfferKind.SAME_DAY,
    Method.CLICK_AND_COLLECT: OfferKind.COLLECT,
    Method.SHIP_TO_STORE: OfferKind.TO_STORE,
    Method.PICKUP_POINT: OfferKind.POINT,
}
I64 = NDArray[np.int64]


class Terms(NamedTuple):
    """To whom, when, by which methods (none: any), and how long may be looked for what has to be divided."""

    destination: Destination
    placed_at: datetime
    channel: str
    deadline_s: float
    methods: tuple[Method, ...] = ()

    @property
    def home_methods(self) -> tuple[Method, ...]:
        """Those that bring it home."""
        return tuple(method for method in HOME_METHODS if not self.methods or method in self.methods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """
    An offer, and what its date rests on.

    ``takes`` has the route and the units of each of its shipments, the first of which may be there from
    ``deliver_from_s`` on; an order placed up to ``order_by_s`` gets the same date by them, as long as stock and
    capacity last.
    """

    offer: Offer
    takes: tuple[tuple[Route, int], ...]
    deliver_from_s: int
    order_by_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuPromises:
    """
    What can be promised of one sku.

    ``nearest`` and ``soonest`` are the nearest of the places near that it can be collected at, and the one where it is
    ready first. ``exact``: in whole shipments nothing is cheaper, and nothing earlier; where it has to be divided, no
    way to do so is. Otherwise there was no time to see.
    """

    cheapest: Promised | None = None
    first: Promised | None = None
    nearest: Promised | None = None
    soonest: Promised | None = None
    exact: bool = True

    @property
    def ways(self) -> list[Promised]:
        """All that was found, each once."""
        first = None if self.first is self.cheapest else self.first
        soonest = None if self.soonest is self.nearest else self.soonest
        return [way for way in (self.cheapest, first, self.nearest, soonest) if way is not None]


def find_promises(chooser: Chooser, skus: Sequence[tuple[SkuId, int]], terms: Terms) -> list[SkuPromises]:
    """
    Promises of skus, each with how many units of it, in their order.

    Raises InputError like a decision: where a sku or the destination's postcode is unknown.
    """
    if not skus:
        return []
    search = _Search(chooser, skus, terms)
    found = [search.promises(i) for i in range(len(skus))]
    return list(search.divided(found))


def order_of(sku: SkuId, quantity: int, terms: Terms) -> Order:
    """The cart that a promise is of."""
    return Order(
        order_id=OrderId("promise"),
        placed_at=terms.placed_at,
        lines=(OrderLine(line_id=LineId(sku), sku=sku, quantity=quantity),),
        destination=terms.destination,
        channel=terms.channel,
        methods=terms.methods,
    )


class _Search:
    """What the kernel has found for all skus, and what that means for each."""

    def __init__(self, chooser: Chooser, skus: Sequence[tuple[SkuId, int]], terms: Terms) -> None:
        self.chooser, self.skus, self.terms = chooser, skus, terms
        self.request = chooser.request(order_of(*skus[0], terms))  # of places and ways, which all of them share
        self.index = [chooser.compiled.network.skus.index[sku] for sku, _ in skus]
        self._routes: dict[tuple[int, ...], tuple[Route, OfferKind]] = {}
        self._windows: dict[tuple[int, int, int], int] = {}
        chooser.rows.trim()
        one = chooser.intake.orders([self.request])
        orders = self._columns(one)
        places = one.places[:, PL_NODE].tolist()
        trips = [self.request.ways.trip_distance_m(place) for place in places]
        self.targets: list[tuple[int, int | None]] = [(-1, None)] * self.has_home + list(
            zip(places, trips, strict=True)
        )
        num = len(orders.table)
        status = np.zeros(num, dtype=np.int64)
        found = np.zeros((num, ENDS, E_FIELDS), dtype=np.int64)
        shipments = np.zeros((num, ENDS, 1, S_FIELDS), dtype=np.int64)
        if num:
            soon = np.zeros(len(chooser.compiled.network.nodes), dtype=np.int64)
            block = chooser.block_of_one(orders)
            if self.has_home:
                find_soon(block.at, 0, soon)
            find_ends(block.at, soon, status, found, shipments)
        self._pick(status == OPTIMAL, found, shipments)

    def _columns(self, one: Orders) -> Orders:
        """Each sku for home alone, then for each place alone, as if the customer had chosen that; sku by sku."""
        self.has_home = bool(one.table[0, O_SLOT] >= 0)
        rows = targets_of(one)
        table = np.tile(rows, (len(self.skus), 1))
        table[:, O_LINE_FROM] = np.repeat(np.arange(len(self.skus)), len(rows))
        table[:, O_LINE_TO] = table[:, O_LINE_FROM] + 1
        line = np.zeros(len(self.skus), dtype=LINE)
        line["sku"], line["quantity"], line["pin"] = self.index, [quantity for _, quantity in self.skus], -1
        places = one.places.copy()
        places[:, PL_DISTANCE] = 0
        return one._replace(table=table, line=line, places=places)

    def _pick(self, served: NDArray[np.bool_], found: I64, shipments: I64) -> None:
        """Of each sku the targets and the ends of its four promises; what was found of them becomes plain numbers."""
        num, width = len(self.skus), len(self.targets)
        column = np.full((num, 4), -1)
        if self.has_home:
            column[:, :2] = np.where(served.reshape(num, width)[:, :1], 0, -1)
        at_places = served.reshape(num, width)[:, self.has_home :]
        if at_places.shape[1]:
            dates = np.where(at_places, found[:, FIRST, E_DELIVER].reshape(num, width)[:, self.has_home :], NEVER)
            some = at_places.any(axis=1)
            column[:, 2] = np.where(some, self.has_home + at_places.argmax(axis=1), -1)
            column[:, 3] = np.where(some, self.has_home + dates.argmin(axis=1), -1)
        rows = np.maximum(column, 0) + width * np.arange(num)[:, None]
        ends = np.array([CHEAPEST, FIRST, FIRST, FIRST])
        self.columns: list[list[int]] = column.tolist()
        self.found: list[list[list[int]]] = found[rows, ends].tolist()
        self.shipments: list[list[list[int]]] = shipments[rows, ends, 0].tolist()

    def promises(self, number: int) -> SkuPromises:
        """Of one sku, in whole shipments."""
        home, _, near, soon = self.columns[number]
        shipments = self.shipments[number]
        cheapest = first = nearest = soonest = None
        if home >= 0:
            cheapest = first = self._promised(number, 0)
            if shipments[0] != shipments[1]:
                first = self._promised(number, 1)
        if near >= 0:
            nearest = soonest = self._promised(number, 2)
            if near != soon:
                soonest = self._promised(number, 3)
        return SkuPromises(cheapest=cheapest, first=first, nearest=nearest, soonest=soonest)

    def _promised(self, number: int, which: int) -> Promised:
        """One of the four."""
        place, trip_m = self.targets[self.columns[number][which]]
        shipment = self.shipments[number][which]
        cents, deliver_s, co2e_g, order_by_s = self.found[number][which]
        key = shipment[S_NODE], shipment[S_KIND], shipment[S_ID], place
        known = self._routes.get(key)
        if known is None:
            route = self.chooser.route_of(shipment, place)
            known = self._routes[key] = route, _KINDS.get(route.method, OfferKind.HOME)
        route, kind = known
        offer = Offer(
            kind=kind,
            cost_cents=cents,
            deliver_by_s=deliver_s,
            co2e_g=co2e_g,
            place=place,
            trip_m=trip_m,
            build=partial(self._brief, number, shipment, cents, place),
        )
        return Promised(
            offer=offer,
            takes=((route, self.skus[number][1]),),
            deliver_from_s=deliver_s if place >= 0 else self._from_s(route, shipment[S_SHIP]),
            order_by_s=order_by_s,
        )

    def _from_s(self, route: Route, leave_s: int) -> int:
        """When a parcel that leaves at a moment may be at home at the soonest; skus share it, whatever they are."""
        key = route.node, route.service, leave_s
        found = self._windows.get(key)
        if found is None:
            way, dates = self.request.ways.way(route), self.chooser.tools.dates
            assert isinstance(way, Way), f"the kernel chose a way that is barred: {way}"
            takes = dates.transit_units(route.service, way.zone, self.chooser.policy.promise_confidence_permille)
            assert takes is not None, "the kernel chose a service without transit times"
            ship_day, _ = dates.cell_at(route.node, leave_s)
            window = dates.arrivals.window(route.service, way.zone, way.target, leave_s, ship_day, takes[0])
            assert window is not None, "the kernel chose a shipment that arrives after the horizon"
            found = self._windows[key] = window[0]
        return found

    def _brief(self, number: int, shipment: list[int], cents: int, place: int) -> Brief:
        """What the kernel chose, in words."""
        request = self.chooser.request(order_of(*self.skus[number], self.terms))
        return Brief(
            order_id=request.order.order_id,
            status=Status.OPTIMAL,
            legs=legs_of(self.chooser, request, [shipment], place)[0],
            unmet=(),
            cost_cents=cents,
            bound_cents=cents,
            method=METHOD,
        )

    def divided(self, found: Sequence[SkuPromises]) -> Iterator[SkuPromises]:
        """The same, with plans for home that divide what no node has enough of."""
        clock = Clock(self.terms.deadline_s)
        may = self.has_home and self.chooser.policy.allow_quantity_split and len(self.terms.home_methods) > 0
        for (sku, quantity), promises in zip(self.skus, found, strict=True):
            one = promises
            if one.cheapest is None and quantity > 1 and may:
                order = replace(order_of(sku, quantity, self.terms), methods=self.terms.home_methods)
                one = self._divided(order, promises, clock)
            yield one

    def _divided(self, order: Order, promises: SkuPromises, clock: Clock) -> SkuPromises:
        """The cheapest plan that divides a line, then the cheapest of those that arrive earlier, until none does."""
        chooser = self.chooser
        request = chooser.request(order)
        if sum(units for _, units in request.promisable(0)) < order.lines[0].quantity:
            return promises
        split = chooser.splittable(request)
        plans: list[Plan] = []
        while split and len(plans) < FRONT_MAX and not clock.late():
            plan = chooser.best(request, clock, split)
            if plan.status not in (Status.OPTIMAL, Status.FEASIBLE) or plan.deliver_by is None:
                exact = plan.status == Status.INFEASIBLE and all(p.status == Status.OPTIMAL for p in plans)
                break
            plans.append(plan)
            request = chooser.request(replace(order, deliver_by=utc(epoch_s(plan.deliver_by) - 1)))
        else:
            exact = not split
        ends = [self._whole(plan, order) for plan in plans[:1] + plans[-1:]]
        return replace(promises, cheapest=ends[0] if ends else None, first=ends[-1] if ends else None, exact=exact)

    def _whole(self, plan: Plan, order: Order) -> Promised:
        assert plan.deliver_by is not None, "a plan that was found has shipments"
        couriers = all(shipment.method == Method.SAME_DAY for shipment in plan.shipments)
        offer = Offer(
            kind=OfferKind.SAME_DAY if couriers else OfferKind.HOME,
            cost_cents=plan.cost_cents,
            deliver_by_s=epoch_s(plan.deliver_by),
            co2e_g=plan.co2e_g,
            place=-1,
            trip_m=None,
            exact=plan.status == Status.OPTIMAL,
            build=partial(brief_of, plan, self.chooser.tools),
        )
        return promised(self.chooser, order, offer)


def promised(chooser: Chooser, order: Order, offer: Offer) -> Promised:
    """An offer of a cart with what its date rests on: the first of its shipments to be too late."""
    request, network = chooser.request(order), chooser.compiled.network
    line_at = {line.line_id: i for i, line in enumerate(order.lines)}
    takes, starts, latest = [], [], []
    for leg in offer.brief.legs:
        takes.append((route_of(leg, network), leg.units))
        found = request.shipment(takes[-1][0], tuple((line_at[line.line_id], line.quantity) for line in leg.lines))
        assert not isinstance(found, Refusal), f"an offer has a shipment that cannot be: {found}"
        starts.append(epoch_s(found.promise.deliver_earliest))
        latest.append(epoch_s(found.promise.release_by))
    return Promised(offer=offer, takes=tuple(takes), deliver_from_s=min(starts), order_by_s=min(latest))

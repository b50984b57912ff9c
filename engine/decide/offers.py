"""
What a shop can offer for a cart: ways to have all of it brought home, or to collect all of it at one place.

A customer chooses where the goods go, so no offer mixes home and places. For home, and for each place near, the kernel
finds the cheapest plan, then the cheapest of all that arrive earlier, until nothing does, and the greenest
(engine/optimise/front.py): for home by grams, then cents; for a place under a price of carbon beside which money only
breaks ties. The offer for a place is the plan that an order with that `pickup_node` is allocated; the offer for home
that of an order for home with the offer's date as its `deliver_by`. The way of the customer to a place is the
customer's own: it is told, not priced.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from engine.costs.tariff import SIGNATURE
from engine.decide.batch import METHOD, legs_of
from engine.decide.brief import Brief
from engine.decide.choose import Chooser
from engine.decide.labelled import Value, unbeaten
from engine.decide.options import greener
from engine.domain.order import METHODS, Method, Order
from engine.domain.plan import Status
from engine.domain.units import rounded, weighted_cents
from engine.optimise.front import F_FIELDS, find_front, find_greenest
from engine.optimise.intake import fits_kernel
from engine.optimise.kernel import COLLIDES, INFEASIBLE, OPTIMAL
from engine.optimise.tables import (
    F_NO_SAFETY,
    F_PARTIAL,
    F_PLACE_CHOSEN,
    ITEMS_MAX,
    O_FLAGS,
    O_METHODS,
    O_PLACE_FROM,
    O_PLACE_TO,
    O_REGION,
    O_SLOT,
    O_TZ,
    PL_DISTANCE,
    PL_NODE,
    Orders,
)
from engine.optimise.workspace import S_CENTS, S_FIELDS
from engine.options.evaluate import Evaluator
from engine.options.ways import PLACE_METHODS

FRONT_MAX = 12  # plans of one target: dates differ by days, or by the hours of a few couriers
GREEN_CENTS_PER_G = 10_000  # of the greenest plan: a gram outweighs whatever carriers charge for less than 100.00
_AT_PLACE = sum(1 << m for m, method in enumerate(METHODS) if method in PLACE_METHODS)
_HOME = (1 << len(METHODS)) - 1 - _AT_PLACE


class OfferKind(StrEnum):
    """How a customer comes by the goods."""

    HOME = "home_delivery"
    SAME_DAY = "same_day"  # all of it by courier
    COLLECT = "click_and_collect"  # all of it from the shelves of the place
    TO_STORE = "ship_to_store"
    POINT = "pickup_point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    One way to serve a cart; `brief` puts it in words.

    ``exact``: no plan for its target is better in what it was found for; otherwise the search was cut short.
    """

    kind: OfferKind
    cost_cents: int
    deliver_by_s: int
    co2e_g: int
    place: int  # node, -1: home
    trip_m: int | None  # from the customer to the place, one way
    exact: bool = True
    build: Callable[[], Brief]

    @property
    def value(self) -> Value:
        """Cost in cents, date in epoch seconds, grams."""
        return self.cost_cents, self.deliver_by_s, self.co2e_g

    @property
    def brief(self) -> Brief:
        """The plan."""
        return self.build()


class OfferFinder:
    """
    Finds offers. Not thread-safe.

    Parameters
    ----------
    chooser
        Under the policy that allocates.
    """

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self.green = greener(chooser, GREEN_CENTS_PER_G)
        self.found = np.zeros((FRONT_MAX, F_FIELDS), dtype=np.int64)
        self.shipments = np.zeros((FRONT_MAX, ITEMS_MAX, S_FIELDS), dtype=np.int64)
        self.grams = np.zeros((FRONT_MAX, ITEMS_MAX), dtype=np.int64)

    def find(self, order: Order, request: Evaluator | None = None) -> list[Offer]:
        """
        Offers of an order whose lines have different skus, by target (home, then places, nearest first) and cost.

        None that another for the same target is at least as good as in cost, date and carbon. Raises InputError like
        any decision; orders of more items than the kernel takes, and orders to be served in part, have no offers.
        ``request`` is the order's, where the caller has one.
        """
        chooser = self.chooser
        request = request or chooser.request(order)
        if order.partial or not fits_kernel(request):
            return []
        chooser.rows.trim()
        orders = self._targets(chooser.intake.orders([request]))
        search = _Search(self, request, orders)
        return [offer for row in range(len(orders.table)) for offer in search.offers(row)]

    def _targets(self, one: Orders) -> Orders:
        """The order for home alone, and for each of its places alone, as if the customer had chosen that."""
        order = one.table[0]
        rows = []
        if order[O_SLOT] >= 0:
            home = order.copy()
            home[O_METHODS] &= _HOME
            home[O_PLACE_TO] = home[O_PLACE_FROM]
            rows.append(home)
        for place in range(order[O_PLACE_FROM], order[O_PLACE_TO]):
            at = order.copy()
            at[O_METHODS] &= _AT_PLACE
            at[O_SLOT], at[O_REGION], at[O_TZ] = -1, 0, 0
            at[O_FLAGS] = order[O_FLAGS] & (F_PARTIAL | F_NO_SAFETY | SIGNATURE) | F_PLACE_CHOSEN
            at[O_PLACE_FROM], at[O_PLACE_TO] = place, place + 1
            rows.append(at)
        places = one.places.copy()
        places[:, PL_DISTANCE] = 0
        table = np.array(rows, dtype=np.int64).reshape(-1, len(order))
        return one._replace(table=table, places=places)


class _Search:
    """The search for offers of one order, target by target."""

    def __init__(self, finder: OfferFinder, request: Evaluator, orders: Orders) -> None:
        self.finder = finder
        self.request = request
        self.orders = orders
        self.block = finder.chooser.block_of_one(orders)
        self.green = finder.green.block_of_one(orders)

    def offers(self, row: int) -> list[Offer]:
        """Those for the target of a row that no other of them is as good as."""
        finder, orders = self.finder, self.orders
        home = bool(orders.table[row, O_SLOT] >= 0)
        place = -1 if home else int(orders.places[orders.table[row, O_PLACE_FROM], PL_NODE])
        room = finder.found, finder.shipments, finder.grams
        count, status = find_front(self.block.at, row, *room)
        found = self._read(count, place, exact=status == INFEASIBLE)
        if not found:
            return []
        green = find_greenest(self.block.at, row, *room) if home else COLLIDES
        if green == OPTIMAL:
            found += self._read(1, place, exact=True)
        elif green == COLLIDES:
            count, _ = find_front(self.green.at, row, finder.found[:1], finder.shipments, finder.grams)
            found += self._read(count, place, exact=True, gram_cents=GREEN_CENTS_PER_G)
        return unbeaten(found)

    def _read(self, count: int, place: int, *, exact: bool, gram_cents: int = 0) -> list[Offer]:
        """What was found; where a gram was paid for, at its own price instead."""
        finder, request = self.finder, self.request
        trip_m = request.ways.trip_distance_m(place) if place >= 0 else None
        out = []
        for i, (cents, deliver, co2e, number, _) in enumerate(finder.found[:count].tolist()):
            rows = finder.shipments[i, :number].tolist()
            if gram_cents:
                cents += self._repriced(rows, finder.grams[i, :number].tolist(), gram_cents)
            build = partial(_brief, finder.chooser, request, rows, cents, place)
            kind = _kind(finder.chooser, rows, place)
            out.append(
                Offer(
                    kind=kind,
                    cost_cents=cents,
                    deliver_by_s=deliver,
                    co2e_g=co2e,
                    place=place,
                    trip_m=trip_m,
                    exact=exact,
                    build=build,
                )
            )
        return out

    def _repriced(self, rows: list[list[int]], grams: Sequence[int], gram_cents: int) -> int:
        """Have shipments cost what the policy says instead of what a gram costs the green; what that adds to a plan."""
        policy, added = self.finder.chooser.policy, 0
        for row, g in zip(rows, grams, strict=True):
            own = weighted_cents(rounded(g * policy.carbon_cents_per_tonne, 1_000_000), policy.weight("carbon"))
            row[S_CENTS] += own - gram_cents * g
            added += own - gram_cents * g
        return added


def _brief(chooser: Chooser, request: Evaluator, rows: list[list[int]], cents: int, place: int) -> Brief:
    """What the kernel chose, in words."""
    return Brief(
        order_id=request.order.order_id,
        status=Status.OPTIMAL,
        legs=legs_of(chooser, request, rows, place)[0],
        unmet=(),
        cost_cents=cents,
        bound_cents=cents,
        method=METHOD,
    )


def _kind(chooser: Chooser, rows: Sequence[Sequence[int]], place: int) -> OfferKind:
    methods = {chooser.route_of(row, place).method for row in rows}
    if place < 0:
        return OfferKind.SAME_DAY if methods == {Method.SAME_DAY} else OfferKind.HOME
    if methods == {Method.CLICK_AND_COLLECT}:
        return OfferKind.COLLECT
    return OfferKind.POINT if methods == {Method.PICKUP_POINT} else OfferKind.TO_STORE

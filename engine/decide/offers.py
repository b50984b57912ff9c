"""
What a shop can offer for a cart: ways to have all of it brought home, or to collect all of it at one place.

A customer chooses where the goods go, so no offer mixes home and places. For home, and for each place near, the kernel
finds the cheapest plan, then the cheapest of all that arrive earlier, until nothing does, and the greenest
(engine/optimise/front.py): for home by grams, then cents; for a place under a price of carbon beside which money only
breaks ties. The offer for a place is the plan that an order with that `pickup_node` is allocated; the offer for home
that of an order for home with the offer's date as its `deliver_by`. The way of the customer to a place is the
customer's own: it is told, not priced.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.costs.tariff import SIGNATURE
from engine.decide.batch import METHOD, legs_of
from engine.decide.brief import Brief
from engine.decide.choose import Chooser
from engine.decide.labelled import Value, unbeaten
from engine.decide.offer import Offer as Offer  # who asks for offers imports all from here
from engine.decide.offer import OfferKind as OfferKind
from engine.decide.offers_large import grouped, large_offers
from engine.decide.options import greener
from engine.domain.order import METHODS, Order
from engine.domain.plan import Status
from engine.domain.units import rounded, weighted_cents
from engine.network.blocks import Block
from engine.network.model import ServiceKind
from engine.optimise.front import F_FIELDS, F_SHIPMENTS, find_front, find_fronts
from engine.optimise.home_front import room_for
from engine.optimise.intake import fits_kernel
from engine.optimise.kernel import COLLIDES, INFEASIBLE, OPTIMAL
from engine.optimise.mip_clock import Clock
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
from engine.optimise.workspace import KIND_CARRIER, KIND_OWN, S_CENTS, S_FIELDS, S_ID, S_KIND
from engine.options.evaluate import Evaluator
from engine.options.ways import PLACE_METHODS

LARGE_S = 0.3  # for a cart that the kernel does not take
FRONT_MAX = 24  # plans of one target: dates differ by days, or by the hours of a few couriers
GREEN_CENTS_PER_G = 10_000  # of the greenest plan: a gram outweighs whatever carriers charge for less than 100.00
_AT_PLACE = sum(1 << m for m, method in enumerate(METHODS) if method in PLACE_METHODS)
_HOME = (1 << len(METHODS)) - 1 - _AT_PLACE


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
        network = chooser.compiled.network
        self.room = Block.of(room_for(len(network.nodes), len(network.services)))
        self.couriers = frozenset(chooser.tools.services_of_kind[ServiceKind.COURIER])
        self.rows = _rows_for(8)
        self.green_rows = _rows_for(1)

    def find(self, order: Order, request: Evaluator | None = None) -> list[Offer]:
        """
        Offers of an order whose lines have different skus, by target (home, then places, nearest first) and cost.

        None that another for the same target is at least as good as in cost, date and carbon. Raises InputError like
        any decision; orders to be served in part have no offers; those of more items than the kernel takes have what
        is found of them soon (offers_large.py).
        ``request`` is the order's, where the caller has one.
        """
        chooser = self.chooser
        request = request or chooser.request(order)
        if order.partial:
            return []
        if not fits_kernel(request):
            fitting = grouped(request)
            found = self.find(fitting) if fitting is not None else []
            return [replace(offer, exact=False) for offer in found] or large_offers(chooser, request, Clock(LARGE_S))
        chooser.rows.trim()
        one = chooser.intake.orders([request])
        orders = self._targets(one)
        if len(orders.table) > len(self.rows.spans):
            self.rows = _rows_for(2 * len(orders.table))
        return list(_Search(self, request, orders).offers())

    def _targets(self, one: Orders) -> Orders:
        """The order for each of its targets alone."""
        return one._replace(table=targets_of(one))


def targets_of(one: Orders) -> NDArray[np.int64]:
    """Rows of an order for home alone, and for each of its places alone, as if the customer had chosen that."""
    order: list[int] = one.table[0].tolist()
    places = range(order[O_PLACE_FROM], order[O_PLACE_TO])
    rows = []
    if order[O_SLOT] >= 0:
        home = order.copy()
        home[O_METHODS] &= _HOME
        home[O_PLACE_TO] = home[O_PLACE_FROM]
        rows.append(home)
    order[O_METHODS] &= _AT_PLACE
    order[O_SLOT], order[O_REGION], order[O_TZ] = -1, 0, 0
    order[O_FLAGS] = order[O_FLAGS] & (F_PARTIAL | F_NO_SAFETY | SIGNATURE) | F_PLACE_CHOSEN
    for place in places:
        order[O_PLACE_FROM], order[O_PLACE_TO] = place, place + 1
        rows.append(order.copy())
    return np.array(rows, dtype=np.int64).reshape(-1, len(order))


class _Rows(NamedTuple):
    """What a search writes for so many targets; see engine/optimise/front.py."""

    found: NDArray[np.int64]
    shipments: NDArray[np.int64]
    grams: NDArray[np.int64]
    spans: NDArray[np.int64]


def _rows_for(targets: int) -> _Rows:
    most = targets * FRONT_MAX
    return _Rows(
        np.zeros((most, F_FIELDS), dtype=np.int64),
        np.zeros((most, ITEMS_MAX, S_FIELDS), dtype=np.int64),
        np.zeros((most, ITEMS_MAX), dtype=np.int64),
        np.zeros((targets, 3), dtype=np.int64),
    )


class _Plan(NamedTuple):
    """What was found for a target."""

    value: Value
    shipments: list[list[int]]
    exact: bool


class _Search:
    """The search for offers of one order, target by target."""

    def __init__(self, finder: OfferFinder, request: Evaluator, orders: Orders) -> None:
        self.finder = finder
        self.request = request
        self.orders = orders
        self.places: list[list[int]] = orders.places.tolist()

    def offers(self) -> Iterator[Offer]:
        """Those for each target that no other of them is as good as."""
        rows, found, shipments = self._found()
        home = len(rows) > len(self.places)
        first = 0
        for row, (count, status, green) in enumerate(rows):
            place, trip_m = (-1, None) if home and row == 0 else self._place(row - home)
            plans = [
                _Plan(
                    (cents, by, co2e), shipments[at][:num], status == INFEASIBLE or (at == first and green == OPTIMAL)
                )
                for at, (cents, by, co2e, num, _) in enumerate(found[first : first + count], first)
            ]
            first += count
            if plans and green == COLLIDES and min(plan.value for plan in plans)[2] > 0:  # else that is the greenest
                plans += self._greenest(row)
            for plan in unbeaten(plans):
                yield self._offer(plan, place, trip_m)

    def _found(self) -> tuple[list[list[int]], list[list[int]], list[list[list[int]]]]:
        """What the kernel finds: of each target, of each plan, and the shipments of each plan."""
        finder, orders, rows = self.finder, self.orders, self.finder.rows
        block = finder.chooser.block_of_one(orders)
        number = find_fronts(block.at, finder.room.at, FRONT_MAX, *rows)
        found = rows.found[:number].tolist()
        widest = max([one[F_SHIPMENTS] for one in found], default=0)
        return rows.spans[: len(orders.table)].tolist(), found, rows.shipments[:number, :widest].tolist()

    def _place(self, number: int) -> tuple[int, int | None]:
        """A place of the order's, and how far it is from the customer; None where that is not known."""
        place = self.places[number]
        return place[PL_NODE], place[PL_DISTANCE] if self.request.ways.home else None

    def _greenest(self, row: int) -> list[_Plan]:
        """The best plan for the target of a row if a gram costs GREEN_CENTS_PER_G, at its own price."""
        found, shipments, grams, _ = self.finder.green_rows
        block = self.finder.green.block_of_one(self.orders)
        count, _ = find_front(block.at, row, found[:1], shipments, grams)
        if not count:
            return []
        cents, by, co2e, number, _ = found[0].tolist()
        rows = shipments[0, :number].tolist()
        cents += self._repriced(rows, grams[0, :number].tolist(), GREEN_CENTS_PER_G)
        return [_Plan((cents, by, co2e), rows, True)]

    def _offer(self, plan: _Plan, place: int, trip_m: int | None) -> Offer:
        chooser, (cents, by, co2e) = self.finder.chooser, plan.value
        return Offer(
            kind=_kind(plan.shipments, place, self.finder.couriers),
            cost_cents=cents,
            deliver_by_s=by,
            co2e_g=co2e,
            place=place,
            trip_m=trip_m,
            exact=plan.exact,
            build=partial(_brief, chooser, self.request, plan.shipments, cents, place),
        )

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


def _kind(rows: Sequence[Sequence[int]], place: int, couriers: frozenset[int]) -> OfferKind:
    if place < 0:
        return OfferKind.SAME_DAY if all(row[S_ID] in couriers for row in rows) else OfferKind.HOME
    kinds = {row[S_KIND] for row in rows}
    if kinds == {KIND_OWN}:
        return OfferKind.COLLECT
    return OfferKind.POINT if kinds == {KIND_CARRIER} else OfferKind.TO_STORE

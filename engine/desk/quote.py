"""
Quotes: few ways for a customer to have a cart, with their prices; decided like orders are, on the view as it is.

An option says how its order is to be sent to keep it: methods, place and latest date, which the same kernel then
decides; where nothing has changed meanwhile that is the option's own plan.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import msgspec

from engine.decide.engine import Engine
from engine.decide.offers import Offer, OfferKind
from engine.desk.ask import Planned, Wanted, answer
from engine.desk.documents import VersionsDoc
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.order import METHODS, Order
from engine.domain.policy import PRESELECT, Policy
from engine.domain.units import rounded, utc
from engine.options.ways import PLACE_METHODS

_HOME_METHODS = tuple(method for method in METHODS if method not in PLACE_METHODS)
_PLACE_METHODS = tuple(method for method in METHODS if method in PLACE_METHODS)


class ParcelDoc(msgspec.Struct, kw_only=True):
    """A shipment of an option: which lines come when, from where, by which method and service."""

    node: str
    method: str
    service: str | None
    lines: list[str]
    ship_by: datetime
    deliver_by: datetime


class SendDoc(msgspec.Struct, kw_only=True):
    """What the order has to say to be allocated as the option promises."""

    methods: list[str]
    pickup_node: str | None
    deliver_by: datetime


class OptionDoc(msgspec.Struct, kw_only=True):
    """
    One way to have the cart.

    ``names`` says in what it is best of all options: cheapest, fastest, greenest. ``price_cents`` is what the customer
    pays, ``cost_cents`` what it costs us. ``exact`` says that no plan for its target is better in what it was found
    for. ``distance_m`` is from the customer to the place, whose grams the customer's way would add to ``co2e_g``.
    """

    option_id: str
    kind: str
    names: list[str]
    selected: bool
    price_cents: int
    cost_cents: int
    deliver_by: datetime
    confidence_permille: int
    co2e_g: int
    place: str | None
    place_name: str | None
    distance_m: int | None
    parcels: list[ParcelDoc]
    exact: bool
    send: SendDoc


class UnknownDoc(msgspec.Struct, kw_only=True):
    """A line that is left out of all options: its sku is unknown."""

    line_id: str
    sku: str


class QuoteDoc(msgspec.Struct, kw_only=True):
    """Options by price, then date; none where nobody can serve the cart."""

    at: datetime
    currency: str
    options: list[OptionDoc]
    unknown: list[UnknownDoc]
    versions: VersionsDoc


class Priced(NamedTuple):
    """An offer and what the customer pays."""

    offer: Offer
    price_cents: int

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Price, then cost, date, carbon."""
        return self.price_cents, *self.offer.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What can be offered for a cart. Changes nothing."""

    order: Order

    @property
    def name(self) -> str:
        """The operation."""
        return "quote"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Find offers, price them, choose some."""
        engine, policy = state.engine, state.engine.policy
        network = engine.network
        known = [line for line in self.order.lines if line.sku in network.skus.index]
        unknown = [UnknownDoc(line_id=one.line_id, sku=one.sku) for one in self.order.lines if one not in known]
        if not known:
            raise InputError(f"No sku of the cart is known ({self.order.lines[0].sku}, …).", "case counts.")
        kept = {line.line_id for line in known}
        together = tuple(tuple(name for name in group if name in kept) for group in self.order.keep_together)
        together = tuple(group for group in together if len(group) > 1)
        order = replace(self.order, lines=tuple(known), keep_together=together).merged()
        goods_cents = sum(int(network.skus.value_cents[network.skus.index[one.sku]]) * one.quantity for one in known)
        priced = [Priced(offer, price_of(offer, policy, goods_cents)) for offer in engine.offers.find(order)]
        chosen = choose(priced, policy)
        names = best_of(chosen)
        selected = names.get(policy.shop_preselect)
        document = QuoteDoc(
            at=utc(state.now_s),
            currency=network.currency,
            options=[
                _option(one, order, engine, [n for n in PRESELECT if names[n] is one], selected=one is selected)
                for one in chosen
            ],
            unknown=unknown,
            versions=state.basis().versions(),
        )
        return Planned(answer(document))


def price_of(offer: Offer, policy: Policy, goods_cents: int) -> int:
    """What the customer pays: a share of the cost, rounded up; nothing from a value of the goods on, couriers aside."""
    free = policy.shop_free_from_cents
    if free and goods_cents >= free and offer.kind != OfferKind.SAME_DAY:
        return 0
    cents = max(policy.shop_price_least_cents, rounded(offer.cost_cents * policy.shop_price_permille, 1000), 0)
    step = max(1, policy.shop_price_step_cents)
    return -(-cents // step) * step


def choose(priced: Sequence[Priced], policy: Policy) -> list[Priced]:
    """
    The options to show, by price, then cost and date: those that are best in something first, then one of each kind.

    An offer goes that another for home (or for a place as near) is at least as good as in price, date and carbon.
    """
    left = unbeaten(priced)
    first = list(best_of(left).values()) if left else []
    kinds: dict[OfferKind, Priced] = {}
    for one in sorted(left, key=lambda p: (p.rank, p.offer.trip_m or 0)):
        kinds.setdefault(one.offer.kind, one)
    places = 0
    chosen: list[Priced] = []
    for one in [*first, *kinds.values(), *sorted(left, key=lambda p: (p.offer.trip_m or 0, p.rank))]:
        if any(one is other for other in chosen) or len(chosen) == policy.shop_options_max:
            continue
        if one.offer.place >= 0:
            if places == policy.shop_places_max and not any(one is other for other in first):
                continue
            places += 1
        chosen.append(one)
    return sorted(chosen, key=lambda p: (p.rank, p.offer.trip_m or 0, p.offer.place))


def unbeaten(priced: Iterable[Priced]) -> list[Priced]:
    """The options that no other is at least as good as; see `choose`."""
    out: list[Priced] = []
    for one in sorted(priced, key=lambda p: (p.rank, p.offer.trip_m or 0, p.offer.place)):
        if not any(_beats(kept, one) for kept in out):
            out.append(one)
    return out


def _beats(one: Priced, other: Priced) -> bool:
    a, b = one.offer, other.offer
    if (a.place < 0) != (b.place < 0) or (a.trip_m or 0) > (b.trip_m or 0):
        return False
    return one.price_cents <= other.price_cents and a.value[1] <= b.value[1] and a.co2e_g <= b.co2e_g


def best_of(priced: Sequence[Priced]) -> dict[str, Priced]:
    """Which is the cheapest, the fastest, the greenest; ties go by price, then cost, date and carbon."""
    if not priced:
        return {}
    return {
        "cheapest": min(priced, key=lambda p: p.rank),
        "fastest": min(priced, key=lambda p: (p.offer.value[1], p.rank)),
        "greenest": min(priced, key=lambda p: (p.offer.co2e_g, p.rank)),
    }


def _option(one: Priced, order: Order, engine: Engine, names: list[str], *, selected: bool) -> OptionDoc:
    offer, brief, network = one.offer, one.offer.brief, engine.network
    place = network.nodes[offer.place] if offer.place >= 0 else None
    deliver_by = utc(offer.deliver_by_s)
    return OptionDoc(
        option_id="-".join(
            [offer.kind.value, *([place.node_id] if place else []), f"{offer.deliver_by_s}", f"{offer.cost_cents}"]
        ),
        kind=offer.kind.value,
        names=names,
        selected=selected,
        price_cents=one.price_cents,
        cost_cents=offer.cost_cents,
        deliver_by=deliver_by,
        confidence_permille=engine.policy.promise_confidence_permille,
        co2e_g=offer.co2e_g,
        place=place.node_id if place else None,
        place_name=place.name if place else None,
        distance_m=offer.trip_m,
        parcels=[
            ParcelDoc(
                node=leg.node,
                method=leg.method.value,
                service=leg.service,
                lines=[line.line_id for line in leg.lines],
                ship_by=utc(leg.ship_by_s),
                deliver_by=utc(leg.deliver_by_s),
            )
            for leg in brief.legs
        ],
        exact=offer.exact,
        send=SendDoc(
            methods=[
                method.value
                for method in (_PLACE_METHODS if place else _HOME_METHODS)
                if (not order.methods or method in order.methods) and method not in order.excluded_methods
            ],
            pickup_node=place.node_id if place else None,
            deliver_by=deliver_by,
        ),
    )

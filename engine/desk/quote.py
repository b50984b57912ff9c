"""
Quotes: few ways for a customer to have a cart, with their prices; decided like orders are, on the view as it is.

The id of an option carries what it promises (engine/desk/option_id.py); an allocation that names it gets the option's
own plan as long as that can be, else the cheapest that keeps the promise (engine/desk/keep.py). A quote may hold what
its selected option takes: whatever option is then chosen, that is the order's to use.

A quote is planned as if its order came `Policy.shop_think_s` later: what a store picks at once is ready a second later
for each second that the customer reads, and no option shall be gone before it can be ordered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b

from engine.decide.brief import Brief, Leg, route_of
from engine.decide.dated import Window, windows
from engine.decide.engine import Engine
from engine.decide.offers import Offer, OfferKind
from engine.desk.ask import CONFLICT, DeskError, Planned, Wanted, answer
from engine.desk.documents import HeldDoc
from engine.desk.fallback import plain_brief
from engine.desk.option_id import FORM, Promised, PromisedParcel, option_id_of
from engine.desk.quote_docs import OptionDoc, ParcelDoc, PartPlaceDoc, QuoteDoc, SendDoc, UnknownDoc, version_of
from engine.desk.reached import reached_permille
from engine.desk.shop import Priced, best_of, choose, price_of, why_shown
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.ids import OrderId
from engine.domain.order import METHODS, Method, Order
from engine.domain.plan import Refusal
from engine.domain.policy import PRESELECT
from engine.domain.units import utc
from engine.network.routes import Route
from engine.optimise.tables import ITEMS_MAX
from engine.options.evaluate import Evaluator
from engine.options.located import Home, home_of
from engine.options.ways import PLACE_METHODS, Way
from engine.stock.ledger import Posting
from engine.stock.records import PartState, Reservation

VALID_S = 60  # others may take the stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """
    What can be offered for a cart. Changes nothing, unless it is to hold something.

    Parameters
    ----------
    order
        The cart. Skus that are unknown are left out.
    quote_id
        The caller's name for it; by default made of what is asked, and when.
    tier
        Of the customer; see `Policy.shop_tiers`.
    currency
        In which the caller counts; "" for the network's.
    hold
        Hold what the selected option takes for as long as the quote stands.
    """

    order: Order
    quote_id: str = ""
    tier: str = ""
    currency: str = ""
    hold: bool = False

    @property
    def name(self) -> str:
        """The operation."""
        return "quote"

    def wanted(self) -> Wanted:
        """Whether its id is free, where it holds something."""
        return Wanted((self.quote_id,) if self.hold else ())

    def plan(self, state: State) -> Planned:
        """Find offers, price them, choose some."""
        return self._planned(state, plainly=False)

    def plainly(self, state: State) -> Planned:
        """The same with one offer by the plain rule, where the engine broke; holds nothing."""
        return self._planned(state, plainly=True)

    def _planned(self, state: State, *, plainly: bool) -> Planned:
        engine, network = state.engine, state.engine.network
        if self.currency and self.currency != network.currency:
            raise DeskError(
                "validation",
                422,
                f"Currency ({self.currency}) is not that of network ({network.name}): {network.currency}.",
                "convert the prices yourself, or leave it out.",
                field="/currency",
            )
        if self.hold and state.known_reservation(self.quote_id) is not None:
            raise DeskError("exists", CONFLICT, f"Reservation ({self.quote_id}) exists.", "use another id.")
        quote_id = self.quote_id or _id_of(self.order, self.tier, state.now_s)
        home, order, unknown = _known(self.order, engine, OrderId(quote_id))
        goods_cents = sum(
            int(network.skus.value_cents[network.skus.index[one.sku]]) * one.quantity for one in order.lines
        )
        request = engine.chooser.request(order)
        offers = _plain_offers(engine, request) if plainly else engine.offers.find(order, request)
        if not offers and len(order.lines) > ITEMS_MAX:  # too large for what time there was
            offers = _plain_offers(engine, request)
        priced = [Priced.of(one, price_of(one, engine.policy, goods_cents, self.tier)) for one in offers]
        return _Told(self, state, request, home, quote_id).planned(choose(priced, engine.policy), unknown, plainly)


class _Told:
    """A quote on its way into words."""

    def __init__(self, quote: Quote, state: State, request: Evaluator, home: Home | None, quote_id: str) -> None:
        self.quote, self.state, self.request, self.home, self.quote_id = quote, state, request, home, quote_id
        self.engine, self.order = state.engine, request.order
        self.expires_s = state.now_s + state.engine.policy.shop_quote_ttl_s
        self.turns_s = [state.now_s + VALID_S]
        self.methods = [[str(m) for m in allowed(request.order, at_place=at_place)] for at_place in (False, True)]

    def planned(self, chosen: Sequence[Priced], unknown: list[UnknownDoc], plainly: bool) -> Planned:
        """Answer, and the posting of what is to be held."""
        state, policy, network = self.state, self.engine.policy, self.engine.network
        best = best_of(chosen)
        selected = best.get(policy.shop_preselect)
        briefs = [one.offer.brief for one in chosen]
        legs = [leg for brief in briefs for leg in brief.legs]
        dated = iter(windows(self.engine.chooser, self.request, legs, plainly=plainly))
        options = []
        for one, brief in zip(chosen, briefs, strict=True):
            names = [name for name in PRESELECT if best[name] is one]
            why = why_shown(one, best, names, network.currency)
            parts = list(zip(brief.legs, dated, strict=False))
            options.append(self._option(one, brief, parts, names, why, selected=one is selected))
        held, posting = None, None
        if self.quote.hold and selected is not None and not plainly:
            posting = self._held(selected.offer.brief)
            held = HeldDoc(reservation_id=self.quote_id, state=PartState.HELD.value, expires_at=utc(self.expires_s))
        if state.book.next_s is not None:
            self.turns_s.append(state.book.next_s)
        places = _part_places(self.request, {one.offer.place for one in chosen if one.offer.kind == OfferKind.COLLECT})
        document = QuoteDoc(
            quote_id=self.quote_id,
            at=utc(state.now_s),
            expires_at=utc(self.expires_s),
            valid_until=utc(min(moment for moment in self.turns_s if moment > state.now_s)),
            fallback=plainly,
            currency=network.currency,
            located=self.home.located.how if self.home is not None else None,
            prefix=(self.home.located.prefix or None) if self.home is not None else None,
            options=options,
            partial_places=places,
            unknown=unknown,
            hold=held,
            versions=state.basis().versions(),
        )
        document.version = version_of(document)
        return Planned(answer(document), posting)

    def _option(
        self,
        one: Priced,
        brief: Brief,
        dated: Sequence[tuple[Leg, Window]],
        names: list[str],
        why: str,
        *,
        selected: bool,
    ) -> OptionDoc:
        offer, network = one.offer, self.engine.network
        place = network.nodes[offer.place] if offer.place >= 0 else None
        parcels: list[ParcelDoc] = []
        sure, from_s, bys_s = 1.0, self.state.now_s, []
        if place is None and self.home is not None and self.home.alike:
            routes = [route_of(leg, network) for leg in brief.legs]
            sure = min(reached_permille(self.state, self.home, route) for route in routes) / 1000
        for leg, (earliest_s, by_s, confidence) in dated:
            sure *= confidence
            from_s = max(from_s, earliest_s)
            bys_s.append(by_s)
            parcels.append(
                ParcelDoc(
                    node=leg.node,
                    method=leg.method.value,
                    service=leg.service,
                    lines=[line.line_id for line in leg.lines],
                    ship_by=utc(leg.ship_by_s),
                    deliver_from=utc(earliest_s),
                    deliver_by=utc(leg.deliver_by_s),
                )
            )
        order_by_s = min(bys_s)
        self.turns_s.append(order_by_s + 1)
        deliver_by = utc(offer.deliver_by_s)
        return OptionDoc(
            option_id=option_id_of(self._promised(one, brief)),
            kind=offer.kind.value,
            names=names,
            selected=selected,
            why=why,
            price_cents=one.price_cents,
            cost_cents=offer.cost_cents,
            deliver_from=utc(from_s),
            deliver_by=deliver_by,
            confidence_permille=int(sure * 1000),
            order_by=utc(order_by_s),
            co2e_g=offer.co2e_g,
            place=place.node_id if place else None,
            place_name=place.name if place else None,
            distance_m=offer.trip_m,
            parcels=parcels,
            exact=offer.exact,
            send=SendDoc(
                methods=self.methods[place is not None],
                pickup_node=place.node_id if place else None,
                deliver_by=deliver_by,
            ),
        )

    def _promised(self, one: Priced, brief: Brief) -> Promised:
        offer, asked, state = one.offer, self.quote.order.destination, self.state
        home = asked if offer.place < 0 else None
        return Promised(
            form=FORM,
            quote_id=self.quote_id,
            held=self.quote.hold,
            expires_s=self.expires_s,
            kind=offer.kind.value,
            place_no=-1 if offer.place < 0 else int(state.view.node_no[offer.place]),
            country=home.country if home is not None else "",
            postcode=home.postcode if home is not None else "",
            deliver_by_s=offer.deliver_by_s,
            cost_cents=offer.cost_cents,
            price_cents=one.price_cents,
            parcels=parcels_of(brief, state),
        )

    def _held(self, brief: Brief) -> Posting:
        """What holds the plan of an option for the quote."""
        state, order = self.state, self.order
        posting = Posting()
        posting.stock, posting.capacity = state.taken(brief, order, None)
        reservation = Reservation(
            reservation_id=self.quote_id,
            order_id=self.quote_id,
            kind="hold",
            state=PartState.HELD.value,
            channel=order.channel,
            expires_s=self.expires_s,
            deliver_by_s=brief.deliver_by_s,
            created_s=state.now_s,
            updated_s=state.now_s,
        )
        posting.makes = [reservation, *state.basis().parts_of(brief, self.quote_id, PartState.HELD)]
        return posting


def allowed(order: Order, *, at_place: bool) -> tuple[Method, ...]:
    """The methods that an order allows, of those that end at home or at a place."""
    return tuple(
        method
        for method in METHODS
        if (method in PLACE_METHODS) == at_place
        and (not order.methods or method in order.methods)
        and method not in order.excluded_methods
    )


def parcels_of(brief: Brief, state: State) -> tuple[PromisedParcel, ...]:
    """The shipments of a plan in the ledger's numbers, in an order of their own."""
    return tuple(
        sorted(
            (
                PromisedParcel(
                    state.node_numbers[leg.node],
                    leg.method.value,
                    leg.service or "",
                    tuple(
                        n
                        for pair in sorted((state.sku_numbers[line.sku], line.quantity) for line in leg.lines)
                        for n in pair
                    ),
                )
                for leg in brief.legs
            ),
            key=lambda parcel: (parcel.node_no, parcel.method, parcel.service, parcel.items),
        )
    )


def _known(order: Order, engine: Engine, name: OrderId) -> tuple[Home | None, Order, list[UnknownDoc]]:
    """The cart as it is planned, with what is known of it; where its home is; and the lines that are left out."""
    index = engine.network.skus.index
    known = tuple(line for line in order.lines if line.sku in index)
    unknown = [UnknownDoc(line_id=one.line_id, sku=one.sku) for one in order.lines if one.sku not in index]
    if not known:
        raise InputError(f"No sku of the cart is known ({order.lines[0].sku}, …).", "case counts.")
    home = home_of(engine.tools, order.destination) if order.destination is not None else None
    order = replace(
        order,
        order_id=name,
        placed_at=order.placed_at + timedelta(seconds=engine.policy.shop_think_s),
        destination=home.destination if home is not None else None,
    )
    if unknown:
        kept = {line.line_id for line in known}
        groups = (tuple(name for name in group if name in kept) for group in order.keep_together)
        order = replace(order, lines=known, keep_together=tuple(group for group in groups if len(group) > 1))
    return home, order.merged(), unknown


def _id_of(order: Order, tier: str, now_s: int) -> str:
    """A name for what is asked, and when."""
    home = order.destination
    words = [f"{line.sku}*{line.quantity}" for line in order.lines]
    if home is not None:
        words += (home.country, home.postcode, str(home.lat), str(home.lon))
    words += (order.channel, *order.methods, *order.excluded_methods, str(order.deliver_by), tier, str(now_s))
    said = "\n".join(words)
    return f"q-{blake2b(said.encode(), digest_size=9).hexdigest()}"


def _part_places(request: Evaluator, whole: set[int]) -> list[PartPlaceDoc]:
    """Stores near that have some of several lines, the nearest first."""
    order, network, out = request.order, request.network, []
    if len(order.lines) < 2 or Method.CLICK_AND_COLLECT not in request.ways.methods:
        return []
    for place in request.ways.places:
        if place in whole or request.tools.is_point(place):
            continue
        items = tuple(
            (i, line.quantity) for i, line in enumerate(order.lines) if request.available(place, i) >= line.quantity
        )
        if not items or len(items) == len(order.lines):
            continue
        route = Route(Method.CLICK_AND_COLLECT, place, place=place)
        way = request.ways.way(route)
        promise = request.promise(way, items, request.placed_s) if isinstance(way, Way) else way
        if not isinstance(promise, Refusal) and request.misfit(route, items) is None:
            has = {i for i, _ in items}
            out.append(
                PartPlaceDoc(
                    place=network.nodes[place].node_id,
                    place_name=network.nodes[place].name,
                    distance_m=request.ways.trip_distance_m(place),
                    lines=[line.line_id for i, line in enumerate(order.lines) if i in has],
                    missing=[line.line_id for i, line in enumerate(order.lines) if i not in has],
                    ready_at=promise.deliver_by,
                )
            )
    return out


def _plain_offers(engine: Engine, request: Evaluator) -> list[Offer]:
    """The plain rule's way home, if there is one."""
    order = request.order
    methods = allowed(order, at_place=False)
    if not methods or request.ways.home is None:
        return []
    brief = plain_brief(engine, replace(order, methods=methods, partial=False))
    if brief.deliver_by_s is None or brief.plan is None:
        return []
    same_day = {leg.method for leg in brief.legs} == {Method.SAME_DAY}
    return [
        Offer(
            kind=OfferKind.SAME_DAY if same_day else OfferKind.HOME,
            cost_cents=brief.cost_cents,
            deliver_by_s=brief.deliver_by_s,
            co2e_g=sum(shipment.co2e_g for shipment in brief.plan.shipments),
            place=-1,
            trip_m=None,
            exact=False,
            build=lambda: brief,
        )
    ]

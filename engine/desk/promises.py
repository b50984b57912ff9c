"""
What can be promised of many skus to one customer, for pages of products: home and near, when, at which price.

Each sku is answered as a quote of a cart with nothing else is: by the same search on the same stock, at the price of
the same policy. An order that says the date as its `deliver_by` (and the place as its `pickup_node`, or the methods of
home) is decided as was told, where nothing has changed meanwhile. What is told changes with the stock, and by the
clock: `valid_until` says when at the soonest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import msgspec
import numpy as np

from engine.decide.offers import OfferKind
from engine.decide.promises import Promised, SkuPromises, Terms, find_promises, order_of, promised
from engine.desk.ask import UNPROCESSABLE, DeskError, Planned, Wanted, answer
from engine.desk.near_docs import version_of
from engine.desk.promise_docs import ArrivalDoc, HomeDoc, PickupDoc, PickupsDoc, PromisesDoc, SkuPromiseDoc
from engine.desk.reached import reached_permille
from engine.desk.shop import Priced, best_of, price_of
from engine.desk.state import DEADLINE_MS, State
from engine.desk.sure import next_change_s, sure_permille
from engine.domain.errors import InputError
from engine.domain.ids import SkuId
from engine.domain.order import Method
from engine.domain.units import utc
from engine.network.routes import Route
from engine.options.located import Home, knows, locate_home

SKUS_MAX = 100
VALID_S = 60  # others may take the stock


class _Asked(NamedTuple):
    """A known sku, its place in the network, how many are asked for, and what those are worth."""

    name: str
    sku: int
    quantity: int
    goods_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """
    What can be promised of skus. Changes nothing.

    Parameters
    ----------
    skus
        Each with how many units of it, and none of them twice.
    country
        Of the postcode, or of the coordinates.
    postcode, lat, lon
        Where: a postcode, or both coordinates; or all, which then count as an order's do.
    methods
        Only these; none: any. What can be collected changes by the second while stores pick, what goes home does not.
    deadline_ms
        For skus that have to be divided, all of them together.
    """

    skus: tuple[tuple[str, int], ...]
    country: str
    postcode: str | None = None
    lat: float | None = None
    lon: float | None = None
    residential: bool = True
    channel: str = ""
    methods: tuple[Method, ...] = ()
    deadline_ms: int = DEADLINE_MS

    def __post_init__(self) -> None:
        if not 1 <= len(self.skus) <= SKUS_MAX:
            raise _wrong("/skus", f"{len(self.skus)} skus are asked for, not 1 to {SKUS_MAX}.", "ask in several calls.")
        seen: dict[str, int] = {}
        for i, (sku, quantity) in enumerate(self.skus):
            if quantity < 1:
                raise _wrong(f"/skus/{i}/quantity", f"Quantity ({quantity}) of sku ({sku}) is not 1 or more.", "1 is.")
            if seen.setdefault(sku, i) != i:
                raise _wrong(
                    f"/skus/{i}/sku", f"Sku ({sku}) is asked for twice.", f"it is number {seen[sku] + 1}, too."
                )
        if (self.lat is None) != (self.lon is None):
            missing = "lat" if self.lat is None else "lon"
            raise _wrong(f"/destination/{missing}", f"One of lat, lon is given, ({missing}) is not.", "give both.")
        if self.postcode is None and self.lat is None:
            text = "Where is given by a postcode, or by lat and lon; here is neither."
            raise _wrong("/destination/postcode", text, "give one of the two.")
        if self.lat is not None and self.lon is not None and not (abs(self.lat) <= 90 and abs(self.lon) <= 180):
            raise _wrong("/destination/lat", f"Place ({self.lat}, {self.lon}) is not on Earth.", "they are swapped.")

    @property
    def name(self) -> str:
        """The operation."""
        return "promises"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Find promises, price them, say until when they hold."""
        engine = state.engine
        home = self._home(state)
        asked, unknown = self._asked(state)
        placed_at = utc(state.now_s + engine.policy.shop_think_s)  # like a quote
        terms = Terms(home.destination, placed_at, self.channel, self.deadline_ms / 1000, self.methods)
        found = find_promises(engine.chooser, [(SkuId(one.name), one.quantity) for one in asked], terms)
        found = [_as_priced(state, one, promises, terms) for one, promises in zip(asked, found, strict=True)]
        told = _Told(state, home, asked, found)
        target = engine.tools.home_target(home.destination)
        document = PromisesDoc(
            at=utc(state.now_s),
            valid_until=utc(min(moment for moment in _turns(state, asked, found) if moment > state.now_s)),
            currency=engine.network.currency,
            located=home.located.how,
            prefix=home.located.prefix or None,
            lat=home.located.lat,
            lon=home.located.lon,
            tz=target.tz,
            channel=self.channel,
            home_methods=[method.value for method in terms.home_methods],
            unknown_skus=unknown,
            promises=[told.sku(one, promises) for one, promises in zip(asked, found, strict=True)],
        )
        return Planned(answer(msgspec.structs.replace(document, version=version_of(document))))

    def _home(self, state: State) -> Home:
        tools = state.engine.tools
        if not knows(tools, self.country):
            hint = "use its two letters, such as FR or US."
            raise _wrong("/destination/country", f"Country ({self.country}) is unknown to the network.", hint)
        try:
            return locate_home(tools, self.country, self.postcode, self.lat, self.lon, residential=self.residential)
        except InputError as error:
            raise _wrong("/destination/postcode", error.message, error.hint) from error

    def _asked(self, state: State) -> tuple[list[_Asked], list[str]]:
        """What is asked for and known, and the names of what is not."""
        skus = state.engine.network.skus
        unknown = [sku for sku, _ in self.skus if SkuId(sku) not in skus.index]
        if len(unknown) == len(self.skus):
            near = state.engine.tools.sku_like(unknown[0])
            raise _wrong(
                "/skus",
                f"None of these skus is known: {', '.join(unknown[:3])}{', …' if len(unknown) > 3 else ''}.",
                f"({near}): case counts." if near is not None else "check the ids; case counts.",
            )
        asked = []
        for name, quantity in self.skus:
            sku = skus.index.get(SkuId(name))
            if sku is not None:
                asked.append(_Asked(name, sku, quantity, int(skus.value_cents[sku]) * quantity))
        return asked, unknown


def _wrong(field: str, text: str, hint: str) -> DeskError:
    return DeskError("validation", UNPROCESSABLE, text, hint, field=field)


def _as_priced(state: State, one: _Asked, promises: SkuPromises, terms: Terms) -> SkuPromises:
    """
    The same with home's ends by price, where that may differ from cost: couriers are never free.

    Where the cheapest plan is a courier's, a dearer one may cost the customer nothing: the quote knows.
    """
    engine, cheapest = state.engine, promises.cheapest
    free_cents = engine.policy.shop_free_from_cents
    if cheapest is None or cheapest.offer.kind != OfferKind.SAME_DAY or not 0 < free_cents <= one.goods_cents:
        return promises
    if len(cheapest.takes) > 1:
        return promises
    order = order_of(SkuId(one.name), one.quantity, terms)
    offers = [offer for offer in engine.offers.find(order) if offer.place < 0]
    best = best_of([Priced.of(offer, price_of(offer, engine.policy, one.goods_cents)) for offer in offers])
    ends = [promised(engine.chooser, order, best[name].offer) for name in ("cheapest", "fastest")]
    return SkuPromises(
        cheapest=ends[0], first=ends[1], nearest=promises.nearest, soonest=promises.soonest, exact=promises.exact
    )


def _turns(state: State, asked: Sequence[_Asked], found: Sequence[SkuPromises]) -> Iterator[int]:
    """When something may change by the clock; moments that are over do not count."""
    yield state.now_s + VALID_S
    yield next_change_s(state.now_s)
    if state.book.next_s is not None:
        yield state.book.next_s
    if state.engine.policy.waiting_day_cents:
        yield state.now_s + 1  # what waits costs less with every day that begins, at a moment of each way's own
    due = state.engine.live.withheld.due
    for one, promises in zip(asked, found, strict=True):
        for lots in due.get(one.sku, {}).values():
            yield from (due_s for due_s, _ in lots)
        for way in promises.ways:  # of several shipments it is not known how long all of it holds
            yield way.order_by_s + 1 if len(way.takes) == 1 else state.now_s + 1


class _Told:
    """Promises in words."""

    def __init__(self, state: State, home: Home, asked: Sequence[_Asked], found: Sequence[SkuPromises]) -> None:
        self.state, self.home = state, home
        self.policy = state.engine.policy
        self._sure = self._all_sure(asked, found)
        self._reached: dict[Route, int] = {}

    def _all_sure(self, asked: Sequence[_Asked], found: Sequence[SkuPromises]) -> dict[tuple[int, int, int], int]:
        """How sure units are, by node, sku and how many; all rows are looked up together."""
        state, engine = self.state, self.state.engine
        live = engine.live
        wanted = list(
            {
                (route.node, one.sku, units): one
                for one, promises in zip(asked, found, strict=True)
                for way in promises.ways
                for route, units in way.takes
            }
        )
        keys = np.array(wanted, dtype=np.int64).reshape(-1, 3)
        rows = live.rows_of(keys[:, 0], keys[:, 1])
        spare = live.row_on_hand[rows].astype(np.int64) - live.row_reserved[rows] - keys[:, 2]
        ages = state.view.row_told_s[rows]
        return {
            key: sure_permille(
                told_s=told_s,
                now_s=state.now_s,
                spare=units,
                rejection_ppm=engine.network.rejection_ppm(key[0], key[1]),
            )
            for key, units, told_s in zip(wanted, spare.tolist(), ages.tolist(), strict=True)
        }

    def sku(self, one: _Asked, promises: SkuPromises) -> SkuPromiseDoc:
        """Of one sku."""
        home = pickup = None
        if promises.cheapest is not None and promises.first is not None:
            cheapest = earliest = self._arrival(one, promises.cheapest)
            if promises.first is not promises.cheapest:
                earliest = self._arrival(one, promises.first)
            home = HomeDoc(earliest=earliest, cheapest=cheapest)
        if promises.nearest is not None and promises.soonest is not None:
            nearest = soonest = self._pickup(one, promises.nearest)
            if promises.soonest is not promises.nearest:
                soonest = self._pickup(one, promises.soonest)
            pickup = PickupsDoc(nearest=nearest, soonest=soonest)
        return SkuPromiseDoc(
            sku=one.name,
            quantity=one.quantity,
            available=home is not None or pickup is not None,
            exact=promises.exact,
            home=home,
            pickup=pickup,
        )

    def _sure_of(self, one: _Asked, way: Promised) -> int:
        sure = [self._sure[route.node, one.sku, units] for route, units in way.takes]
        return sure[0] if len(sure) == 1 else int(prod(sure) // 1000 ** (len(sure) - 1))

    def _arrival(self, one: _Asked, way: Promised) -> ArrivalDoc:
        offer = way.offer
        confidence = self.policy.promise_confidence_permille
        if self.home.alike:
            confidence = confidence * min(self._reached_of(route) for route, _ in way.takes) // 1000
        return ArrivalDoc(
            kind=offer.kind.value,
            deliver_from=utc(way.deliver_from_s),
            deliver_by=utc(offer.deliver_by_s),
            order_by=utc(way.order_by_s),
            price_cents=price_of(offer, self.policy, one.goods_cents),
            cost_cents=offer.cost_cents,
            co2e_g=offer.co2e_g,
            confidence_permille=confidence,
            sure_permille=self._sure_of(one, way),
        )

    def _pickup(self, one: _Asked, way: Promised) -> PickupDoc:
        offer = way.offer
        place = self.state.engine.network.nodes[offer.place]
        return PickupDoc(
            kind=offer.kind.value,
            place=place.node_id,
            place_name=place.name,
            distance_m=offer.trip_m,
            ready_at=utc(offer.deliver_by_s),
            order_by=utc(way.order_by_s),
            price_cents=price_of(offer, self.policy, one.goods_cents),
            cost_cents=offer.cost_cents,
            co2e_g=offer.co2e_g,
            sure_permille=self._sure_of(one, way),
        )

    def _reached_of(self, route: Route) -> int:
        found = self._reached.get(route)
        if found is None:
            found = self._reached[route] = reached_permille(self.state, self.home, route)
        return found

"""
What the adapters of checkouts share: a cart in our words, the desk's offers for it, and why there are none.

A checkout shows what it is given for the whole cart, and has no way to show offers for a part of it. So there are none
where a sku is unknown, where the place is, where prices are in another currency than ours, or where nobody can serve
the cart: that is an answer, and each platform has a form of it. An error is what is malformed, late or broken.

Offers are those of /v1/quotes; `option_id` travels as the platform's own id of a rate and comes back with the order.
Where a platform has no room for it, the promise itself does: an order that asks for it is the same option.
Dates are local at the destination. Money is whole hundredths of the currency's unit, whatever that is.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import msgspec

from api.http.call import Call
from engine.decide.offers import OfferKind
from engine.desk.quote import Quote
from engine.desk.quote_docs import OptionDoc, QuoteDoc
from engine.domain.errors import InputError
from engine.domain.ids import LineId, OrderId, SkuId
from engine.domain.order import METHODS, Destination, Method, Order, OrderLine
from engine.domain.units import epoch_s, utc
from engine.options.located import home_of
from engine.options.ways import PLACE_METHODS

LOG = logging.getLogger("sourcewise.http")
COLLECT_METHODS: tuple[Method, ...] = tuple(method for method in METHODS if method in PLACE_METHODS)
CHECKOUT_MS_MAX = 2_500  # below the 3 s that Shopify waits at its busiest; the others wait longer, or do not say
SHOWN_MAX = 5  # unknown skus that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What a platform asks about; a sku may come several times, or be empty."""

    lines: Sequence[tuple[str, int]]
    country: str
    postcode: str
    currencies: frozenset[str] = field(default_factory=frozenset)  # that its prices are in, as far as it says
    channel: str = ""
    residential: bool = True


class Offers(NamedTuple):
    """Options by price, then date; without any, `why`. Moments are read in the time zone of the destination."""

    options: Sequence[OptionDoc]
    currency: str
    at: datetime
    tz: ZoneInfo
    why: str = ""

    def first(self, option: OptionDoc) -> datetime:
        """When the first of it may be there, local."""
        return min(parcel.deliver_from for parcel in option.parcels).astimezone(self.tz)

    def last(self, option: OptionDoc) -> datetime:
        """When all of it is promised, local."""
        return option.deliver_by.astimezone(self.tz)

    def days(self, moment: datetime) -> int:
        """Days from today."""
        return (moment.date() - self.at.astimezone(self.tz).date()).days


async def offers_for(call: Call, cart: Cart, methods: Sequence[Method], limit_ms: int | None = None) -> Offers:
    """Ask the desk, which has so long; raises what it raises, and 503 where it takes longer."""
    found = await _offers(call, cart, methods, limit_ms or CHECKOUT_MS_MAX)
    if found.why:
        LOG.info("trace %s: %s offers nothing: %s", call.trace_id, call.route, found.why)
    return found


async def _offers(call: Call, cart: Cart, methods: Sequence[Method], limit_ms: int) -> Offers:
    engine = call.services.desk.state.engine
    network = engine.network
    now = utc(call.now_s)
    none = Offers((), network.currency, now, ZoneInfo("UTC"))
    if foreign := sorted(cart.currencies - {network.currency}):
        return none._replace(why=f"Prices are in {network.currency} here, not in {', '.join(foreign)}.")
    units: dict[str, int] = {}
    for sku, quantity in cart.lines:
        units[sku] = units.get(sku, 0) + quantity
    wanted = {sku: quantity for sku, quantity in units.items() if quantity}
    if not wanted:
        return none._replace(why="Nothing in the cart is to be shipped.")
    if unknown := [sku for sku in wanted if sku not in network.skus.index]:
        return none._replace(why=f"Unknown skus: {_listed(unknown)}.")
    destination = Destination(country=cart.country, postcode=cart.postcode, residential=cart.residential)
    try:
        home = home_of(engine.tools, destination).destination
    except InputError:
        return none._replace(why=f"Postcode ({cart.postcode}) of country ({cart.country}) is not served.")
    order = Order(
        order_id=OrderId("quote"),
        placed_at=now,
        lines=tuple(
            OrderLine(line_id=LineId(str(i)), sku=SkuId(sku), quantity=quantity)
            for i, (sku, quantity) in enumerate(wanted.items(), 1)
        ),
        destination=destination,
        channel=cart.channel,
        methods=tuple(methods),
    )
    answer = await call.answer(Quote(order=order), limit_ms)
    document = msgspec.json.decode(answer.body, type=QuoteDoc)
    found = Offers(
        document.options, document.currency, document.at, ZoneInfo(network.area_of(home.country, home.postcode).tz)
    )
    return found if found.options else found._replace(why="Nobody can bring all of the cart there.")


def channel_of(call: Call) -> str:
    """The sales channel, where the address that a platform was given names one: `?channel=`."""
    query: bytes = call.scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("channel", [""])[-1]


def rate_id_of(option: OptionDoc, most: int) -> str:
    """
    What a platform calls a rate, in so many characters: the option's id, else kind, place, date and cost.

    The date is `deliver_by` in epoch seconds. An order with that date, that place and the methods of that kind (as
    `send` has them) is decided as the option was, where nothing has changed.
    """
    if option.option_id and len(option.option_id) <= most:
        return option.option_id
    place = [option.place] if option.place else []
    short = "-".join([option.kind, *place, str(epoch_s(option.deliver_by)), str(option.cost_cents)])
    assert len(short) <= most, "an id that is cut would come back as none of ours"
    return short


def decimal_of(cents: int) -> Decimal:
    """
    Money as decimals.

    >>> [str(decimal_of(cents)) for cents in (0, 5, 490, 123400)]
    ['0.00', '0.05', '4.90', '1234.00']
    """
    return Decimal(cents).scaleb(-2)


def titles(offers: Offers) -> list[str]:
    """Names of options as customers read them; where several have the same, the moment tells them apart."""
    found = [_title(option) for option in offers.options]
    return [
        name if found.count(name) == 1 else f"{name} by {moment_text(offers.last(option))}"
        for name, option in zip(found, offers.options, strict=True)
    ]


def about(option: OptionDoc, offers: Offers) -> str:
    """A sentence for customers."""
    parcels = len(option.parcels)
    return f"Arrives by {day_text(offers.last(option))}{f', in {parcels} parcels' if parcels > 1 else ''}."


def day_text(moment: datetime) -> str:
    """
    A day.

    >>> day_text(datetime(2026, 6, 3))
    'Wed 3 Jun'
    """
    return f"{moment:%a} {moment.day} {moment:%b}"


def moment_text(moment: datetime) -> str:
    """
    A day and a time.

    >>> moment_text(datetime(2026, 6, 3, 18, 5))
    'Wed 3 Jun, 18:05'
    """
    return f"{day_text(moment)}, {moment:%H:%M}"


def _title(option: OptionDoc) -> str:
    if option.kind == OfferKind.SAME_DAY:
        return "Same-day delivery"
    for name, title in (("cheapest", "Standard"), ("fastest", "Express"), ("greenest", "Green")):
        if name in option.names:
            return f"{title} delivery"
    return "Delivery"


def _listed(names: Iterable[str]) -> str:
    found = [name or "(none)" for name in names]
    more = f" and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
    return ", ".join(found[:SHOWN_MAX]) + more

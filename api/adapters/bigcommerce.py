"""
BigCommerce: rates of a shipping provider, and the check of its connection.

`rate_id` is the option's id, or the promise itself where that is longer than the 50 characters there are; it comes back
with the order. `code` is the kind of the option. Amounts are decimals, dates those of the destination. No quotes is an
answer, and its message says why; an error has a message too, and no quotes, beside its status. Only rates for home:
collecting is a thing of its own there.

The secret is what the merchant types into the connection option `secret`, which BigCommerce sends along with every
call. A connection with another secret is answered 200, and not valid: that is what is asked there.

Partial postcodes, as wallets send them, are looked up by what there is of them. Not verified: how long BigCommerce
waits (here as long as for the busiest of the others), what it does with an error.
"""

import hmac
import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import Response
from pydantic import Field

from api.adapters.base import Adapter, ForeignBody, Trouble, body_of
from api.adapters.checkout import (
    Cart,
    Offers,
    about,
    channel_of,
    decimal_of,
    offers_for,
    rate_id_of,
    titles,
)
from api.http.call import Call, Ready
from engine.desk.quote_docs import OptionDoc
from engine.domain.order import LINES_MAX, QUANTITY_MAX
from engine.options.ways import HOME_METHODS

TTL_S = 300  # how long quotes may be shown
TEXT_MAX, NAME_MAX, ID_MAX = 500, 100, 50
TRANSIT_MAX = 90
HOUR_S = 3_600
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Address(ForeignBody):
    """Where the customer is; homes are the default."""

    zip: str | None = None
    country_iso2: str | None = None
    address_type: str | None = None


class Money(ForeignBody):
    """Only its currency is looked at."""

    currency: str


class Item(ForeignBody):
    """Units of a variant."""

    sku: str | None = None
    quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
    discounted_price: Money | None = None
    declared_value: Money | None = None


class BaseOptions(ForeignBody):
    """What is asked; the origin is not looked at, since where things come from is ours to find."""

    destination: Address
    items: Annotated[tuple[Item, ...], Field(max_length=LINES_MAX)]


class RateIn(ForeignBody):
    """The body of a request for rates."""

    base_options: BaseOptions


class Message(msgspec.Struct, kw_only=True):
    """Something to tell."""

    text: str
    type: str


class Cost(msgspec.Struct, kw_only=True):
    """An amount."""

    currency: str
    amount: Decimal


class Transit(msgspec.Struct, kw_only=True):
    """From dispatch to the customer."""

    units: str
    duration: int


class Rate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A quote."""

    code: str
    rate_id: str
    display_name: str
    description: str
    cost: Cost
    dispatch_date: str
    transit_time: Transit | None = None


class Carrier(msgspec.Struct, kw_only=True):
    """Whose quotes they are, as customers read it."""

    code: str
    display_name: str


class CarrierQuote(msgspec.Struct, kw_only=True):
    """The quotes of one carrier."""

    carrier_info: Carrier
    quotes: list[Rate]


class Quoted(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The answer; `quote_id` finds the call in the log."""

    quote_id: str
    messages: list[Message]
    carrier_quotes: list[CarrierQuote]
    ttl: int | None = None


class Connection(msgspec.Struct, kw_only=True):
    """The answer to a check."""

    valid: bool
    messages: list[Message]


class _Proof(msgspec.Struct):
    connection_options: dict[str, Any]


_PROOF = msgspec.json.Decoder(_Proof)


def _status(trouble: Trouble) -> int:
    return 400 if trouble.status in (413, 415, 422) else trouble.status


def _told(trouble: Trouble) -> list[Message]:
    text = f"{trouble.detail} ({trouble.trace_id})" if trouble.status == 500 else trouble.detail
    return [Message(text=text[:TEXT_MAX], type="ERROR")]


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """An error as an answer without quotes."""
    said = Quoted(quote_id=trouble.trace_id[:ID_MAX], messages=_told(trouble), carrier_quotes=[])
    return _status(trouble), _ENCODER.encode(said)


def tell_connection(trouble: Trouble) -> tuple[int, bytes]:
    """An error as a connection that is not valid; a wrong secret is none."""
    status = 200 if trouble.kind == "unauthenticated" else _status(trouble)
    return status, _ENCODER.encode(Connection(valid=False, messages=_told(trouble)))


def typed(call: Call, secret: bytes) -> bool:
    """The connection option `secret`."""
    try:
        given = _PROOF.decode(call.body).connection_options.get("secret")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), secret)


adapter = Adapter("bigcommerce", tell, proof=typed, signs_body=True, challenge=b"Connection-Options")
connection = Adapter("bigcommerce", tell_connection, proof=typed, signs_body=True, challenge=b"Connection-Options")


@connection.add("POST", "/adapters/bigcommerce/check-connection")
async def check_connection(call: Call, path: Mapping[str, str]) -> Response:
    """Whether the merchant's secret is right: no call comes as far as this with another one."""
    return Ready(_ENCODER.encode(Connection(valid=True, messages=[])))


@adapter.add("POST", "/adapters/bigcommerce/rate")
async def rate(call: Call, path: Mapping[str, str]) -> Response:
    """What can be brought home; `?channel=` for what is kept for one."""
    asked = body_of(call, RateIn).base_options
    prices = [money for item in asked.items for money in (item.discounted_price, item.declared_value) if money]
    cart = Cart(
        lines=[(item.sku or "", item.quantity) for item in asked.items],
        country=asked.destination.country_iso2 or "",
        postcode=asked.destination.zip or "",
        currencies=frozenset(money.currency for money in prices),
        channel=channel_of(call),
        residential=(asked.destination.address_type or "").upper() != "COMMERCIAL",
    )
    offers = await offers_for(call, cart, HOME_METHODS)
    quotes = [_quote(option, title, offers) for option, title in zip(offers.options, titles(offers), strict=True)]
    carrier = Carrier(code="sourcewise", display_name="Delivery")
    said = Quoted(
        quote_id=call.trace_id[:ID_MAX],
        messages=[Message(text=offers.why[:TEXT_MAX], type="WARNING")] if offers.why else [],
        carrier_quotes=[CarrierQuote(carrier_info=carrier, quotes=quotes)] if quotes else [],
        ttl=TTL_S,
    )
    return Ready(_ENCODER.encode(said))


def _quote(option: OptionDoc, title: str, offers: Offers) -> Rate:
    leaves = min(parcel.ship_by for parcel in option.parcels).astimezone(offers.tz)
    arrives = offers.last(option)
    return Rate(
        code=option.kind,
        rate_id=rate_id_of(option, ID_MAX),
        display_name=title[:NAME_MAX],
        description=about(option, offers),
        cost=Cost(currency=offers.currency, amount=decimal_of(option.price_cents)),
        dispatch_date=leaves.date().isoformat(),
        transit_time=transit(leaves.date(), arrives.date(), math.ceil((arrives - leaves).total_seconds() / HOUR_S)),
    )


def transit(leaves: date, arrives: date, hours: int) -> Transit | None:
    """
    How long it is on its way, in days, or hours where that is the same day; None beyond what can be said there.

    >>> transit(date(2026, 6, 1), date(2026, 6, 3), 49)
    Transit(units='DAYS', duration=2)
    >>> transit(date(2026, 6, 1), date(2026, 6, 1), 0)
    Transit(units='HOURS', duration=1)
    >>> transit(date(2026, 6, 1), date(2026, 9, 1), 2208)
    """
    days = (arrives - leaves).days
    if days > TRANSIT_MAX:
        return None
    return Transit(units="DAYS", duration=days) if days > 0 else Transit(units="HOURS", duration=max(1, hours))

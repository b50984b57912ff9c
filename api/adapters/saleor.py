"""
Saleor: the shipping methods of a checkout, listed or filtered, as its synchronous webhooks ask for them.

A listed method is an option for home; its id is the option's, which Saleor keeps with the order, and its metadata says
the id again and until when. Amounts are decimals. A listed method in another currency than the checkout's would be
dropped there, so none is listed. The filter takes away what cannot be: the shop's own methods all of them where nobody
can serve the cart, else those whose most days are fewer than anybody needs. Use one of the two, as Saleor advises.
Click & collect is by Saleor's own warehouses and is not touched.

Bodies are those of the subscriptions below (SUBSCRIPTIONS), or of Saleor's fixed payloads, in which the same is
written otherwise: a list of one checkout, names with underscores, a country as text, skus in the lines. A checkout that
has no address yet has no methods of ours, and none is taken away from it.

A body is signed by the instance's key (api/adapters/saleor_keys.py). Neither the event nor the time is, so that a body
can be sent again by whoever has seen it; nothing is changed by these calls.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import Response
from pydantic import AliasChoices, AliasGenerator, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from api.adapters.base import Adapter, ForeignBody, Trouble, body_of
from api.adapters.checkout import Cart, about, day_text, decimal_of, offers_for, rate_id_of, titles
from api.adapters.saleor_keys import jwks_of, signed
from api.http.call import Call, Ready
from engine.domain.order import LINES_MAX, QUANTITY_MAX
from engine.options.ways import HOME_METHODS

METHODS_MAX = 500
ID_MAX = 360  # it keeps 512 characters of base64, in which the app's own id stands before ours
_CHECKOUT = """checkout {
    channel { slug currencyCode }
    shippingAddress { country { code } postalCode }
    lines { quantity requiresShipping variant { sku } }
  }"""
SUBSCRIPTIONS = {
    "SHIPPING_LIST_METHODS_FOR_CHECKOUT": (
        f"subscription {{ event {{ ... on ShippingListMethodsForCheckout {{\n  {_CHECKOUT}\n}} }} }}"
    ),
    "CHECKOUT_FILTER_SHIPPING_METHODS": (
        f"subscription {{ event {{ ... on CheckoutFilterShippingMethods {{\n  {_CHECKOUT}\n"
        "  shippingMethods { id minimumDeliveryDays maximumDeliveryDays }\n} } }"
    ),
}
_ERRORS = {401: "SIGNATURE_VERIFICATION_FAILED", 405: "WRONG_METHOD", 400: "CANT_BE_PARSED"}


class _Body(ForeignBody):
    """A part of a body; names are written either way."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(to_camel(name), name))
    )


class Channel(_Body):
    """Where it is sold."""

    slug: str = ""
    currency_code: str | None = None


class Address(_Body):
    """Where the customer is."""

    country: str
    postal_code: str | None = None

    @field_validator("country", mode="before")
    @classmethod
    def _code(cls, value: Any) -> Any:
        return value.get("code") if isinstance(value, dict) else value


class Line(_Body):
    """Units of a variant."""

    quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
    requires_shipping: bool = True
    sku: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_variant(cls, value: Any) -> Any:
        variant = value.get("variant") if isinstance(value, dict) else None
        return value | {"sku": variant.get("sku")} if isinstance(variant, dict) else value


class Checkout(_Body):
    """A checkout."""

    channel: Channel = Channel()
    currency: str | None = None
    shipping_address: Address | None = None
    lines: Annotated[tuple[Line, ...], Field(max_length=LINES_MAX)]

    @property
    def currencies(self) -> frozenset[str]:
        """What its prices are in."""
        return frozenset(code for code in (self.currency, self.channel.currency_code) if code)


class ListIn(_Body):
    """What listing is asked; in the fixed payload it is a list of one checkout."""

    checkout: Checkout

    @model_validator(mode="before")
    @classmethod
    def _first(cls, value: Any) -> Any:
        return {"checkout": value[0]} if isinstance(value, list) and len(value) == 1 else value


class Method(_Body):
    """A shipping method that Saleor has."""

    id: str
    maximum_delivery_days: int | None = None


class FilterIn(_Body):
    """What filtering is asked."""

    checkout: Checkout
    shipping_methods: Annotated[tuple[Method, ...], Field(max_length=METHODS_MAX)]


class Listed(msgspec.Struct, kw_only=True):
    """A method."""

    id: str
    name: str
    amount: str
    currency: str
    minimum_delivery_days: int
    maximum_delivery_days: int
    description: str
    metadata: dict[str, str]


class Excluded(msgspec.Struct, kw_only=True):
    """A method that cannot be."""

    id: str
    reason: str


class Filtered(msgspec.Struct, kw_only=True):
    """The answer to a filter."""

    excluded_methods: list[Excluded]


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """An error as apps of Saleor tell it; Saleor looks at the status only."""
    status = 400 if trouble.status in (413, 415, 422) else trouble.status
    text = f"{trouble.detail} ({trouble.trace_id})" if status == 500 else trouble.detail
    return status, msgspec.json.encode({"error": {"type": _ERRORS.get(status, "OTHER"), "message": text}})


adapter = Adapter(
    "saleor",
    tell,
    proof=signed,
    signs_body=True,
    challenge=b"Saleor-Signature",
    setting="saleor_jwks",
    secret_of=jwks_of,
)


@adapter.add("POST", "/adapters/saleor/shipping-list-methods")
async def list_methods(call: Call, path: Mapping[str, str]) -> Response:
    """What can be brought home."""
    checkout = body_of(call, ListIn).checkout
    found: list[Listed] = []
    if checkout.shipping_address is not None:
        offers = await offers_for(call, _cart(checkout, checkout.shipping_address), HOME_METHODS)
        found = [
            Listed(
                id=rate_id_of(option, ID_MAX),
                name=title,
                amount=str(decimal_of(option.price_cents)),
                currency=offers.currency,
                minimum_delivery_days=offers.days(offers.first(option)),
                maximum_delivery_days=offers.days(offers.last(option)),
                description=about(option, offers),
                metadata={"option_id": option.option_id or "", "deliver_by": option.deliver_by.isoformat()},
            )
            for option, title in zip(offers.options, titles(offers), strict=True)
        ]
    return Ready(msgspec.json.encode(found))


@adapter.add("POST", "/adapters/saleor/filter-shipping-methods")
async def filter_methods(call: Call, path: Mapping[str, str]) -> Response:
    """Which methods cannot be."""
    said = body_of(call, FilterIn)
    address = said.checkout.shipping_address
    to_ship = any(line.requires_shipping and line.quantity for line in said.checkout.lines)
    found: list[Excluded] = []
    if address is not None and to_ship:
        # Their prices are the shop's: only what can be brought, and when, is ours to say.
        cart = _cart(said.checkout, address, priced=False)
        offers = await offers_for(call, cart, HOME_METHODS)
        soonest = min((offers.last(option) for option in offers.options), default=None)
        for method in said.shipping_methods:
            most = method.maximum_delivery_days
            if soonest is None:
                found.append(Excluded(id=method.id, reason=offers.why))
            elif most is not None and most < offers.days(soonest):
                found.append(Excluded(id=method.id, reason=f"The earliest delivery is {day_text(soonest)}."))
    return Ready(msgspec.json.encode(Filtered(excluded_methods=found)))


def _cart(checkout: Checkout, address: Address, *, priced: bool = True) -> Cart:
    return Cart(
        lines=[(line.sku or "", line.quantity) for line in checkout.lines if line.requires_shipping],
        country=address.country,
        postcode=address.postal_code or "",
        currencies=checkout.currencies if priced else frozenset(),
        channel=checkout.channel.slug,
    )

"""
Shopify: the rates of a CarrierService, and the pickup points that a function fetches.

Rates are for home. `service_code` is the option's id; as it begins with the kind of the option and goes on with its
date, the merchant has to let the service discover new rates. `total_price` is a text of hundredths, of yen as well.
No rates and 200 hide us; 4xx, 5xx and silence show the merchant's backup rates, and none of it is tried again. What is
answered is shown for a quarter of an hour: an order that comes back is decided anew, under what its option promised.

Pickup points are for the target `fetch` of a pickup-point generator, which posts what its query selected: `cart` with
lines and cost, `deliveryAddress`, and `provider`, the name and logo that Shopify wants with every point. The answer is
the output of its target `run`, to be passed on. `externalId` is the option's id. A network knows no streets: in place
of one stands the place's name, in place of the city its postcode. Business hours are left out.

Both know the client secret of the app that calls: rates sign their body by it (seen in the headers of real calls, not
in the documentation), functions send a token that names method and body. Addresses and shops in the token are not
compared, since what stands before us may have changed the former, and one network may serve several of the latter.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import msgspec
from fastapi import Response
from jwt import PyJWTError, api_jws
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.adapters.base import Adapter, ForeignBody, Trouble, body_of
from api.adapters.checkout import (
    COLLECT_METHODS,
    Cart,
    about,
    channel_of,
    decimal_of,
    moment_text,
    offers_for,
    rate_id_of,
    titles,
)
from api.http.call import Call, Ready
from engine.domain.ids import NodeId
from engine.domain.order import LINES_MAX, QUANTITY_MAX
from engine.options.ways import HOME_METHODS

POINTS_MS_MAX = 450  # a function waits 500 unless its author wants otherwise, and says so in Request-Timeout-Ms
ID_MAX = 255  # not documented: what its texts of that kind have room for
Quantity = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class Item(ForeignBody):
    """Units of a variant."""

    sku: str | None = None
    quantity: Quantity
    requires_shipping: bool = True


class Address(ForeignBody):
    """Where the customer is, as far as the customer has said."""

    country: str | None = None
    postal_code: str | None = None


class RateAsked(ForeignBody):
    """What is asked; the origin is not looked at, since where things come from is ours to find."""

    destination: Address
    items: Annotated[tuple[Item, ...], Field(max_length=LINES_MAX)]
    currency: str


class RatesIn(ForeignBody):
    """The body of a callback."""

    rate: RateAsked


class Rate(msgspec.Struct, kw_only=True):
    """A rate."""

    service_name: str
    service_code: str
    description: str
    currency: str
    total_price: str
    min_delivery_date: str
    max_delivery_date: str


class Rates(msgspec.Struct, kw_only=True):
    """The answer to a callback."""

    rates: list[Rate]


class _Selected(ForeignBody):
    model_config = ConfigDict(alias_generator=to_camel)


class Merchandise(_Selected):
    """What is in a line: of a custom product nothing is selected."""

    sku: str | None = None
    requires_shipping: bool = True


class CartLine(_Selected):
    """Units of a variant."""

    quantity: Quantity
    merchandise: Merchandise


class Money(_Selected):
    """Only its currency is looked at."""

    currency_code: str


class Cost(_Selected):
    """What the cart costs."""

    total_amount: Money


class FunctionCart(_Selected):
    """The cart of a function."""

    lines: Annotated[tuple[CartLine, ...], Field(max_length=LINES_MAX)]
    cost: Cost


class DeliveryAddress(_Selected):
    """The address of a function."""

    country_code: str | None = None
    zip: str | None = None


class ProviderName(_Selected):
    """Whose points they are, for the customer."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    logo_url: Annotated[str, Field(min_length=1, max_length=2_000)]


class PointsIn(_Selected):
    """The body of a fetch."""

    cart: FunctionCart
    delivery_address: DeliveryAddress
    provider: ProviderName


class _Out(msgspec.Struct, kw_only=True, rename="camel"):
    pass


class Provider(_Out):
    """Whose point it is."""

    name: str
    logo_url: str


class PickupAddress(_Out):
    """Where a point is."""

    address1: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    zip: str


class PickupPoint(_Out):
    """A place where the customer collects."""

    external_id: str
    name: str
    provider: Provider
    address: PickupAddress


class PickupOption(_Out):
    """A point and its price, in the cart's currency."""

    cost: str
    pickup_point: PickupPoint


class Operation(_Out):
    """What a function does."""

    add: PickupOption


class Operations(_Out):
    """The answer to a fetch: the output of the function."""

    operations: list[Operation]


class _Claims(msgspec.Struct):
    exp: int
    method: str
    body_sha256: str


_CLAIMS = msgspec.json.Decoder(_Claims)


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """An error as Shopify's own API tells it; it looks at the status only."""
    status = 400 if trouble.status in (413, 415) else trouble.status
    text = f"{trouble.detail} ({trouble.trace_id})" if status == 500 else trouble.detail
    return status, msgspec.json.encode({"errors": text})


def signed(call: Call, secret: bytes) -> bool:
    """An HMAC of the body, in base64."""
    made = b64encode(hmac.digest(secret, call.body, "sha256"))
    return hmac.compare_digest(call.headers.get(b"x-shopify-hmac-sha256", b""), made)


def vouched(call: Call, secret: bytes) -> bool:
    """A token of the method and the body that has not run out, on the desk's clock."""
    try:
        said = api_jws.decode(call.headers.get(b"x-shopify-request-jwt", b""), secret, ["HS256"])
        claims = _CLAIMS.decode(said)
    except (PyJWTError, msgspec.MsgspecError, ValueError):
        return False
    told = claims.method, claims.body_sha256
    return claims.exp > call.now_s and told == (call.scope["method"], sha256(call.body).hexdigest())


adapter = Adapter("shopify", tell, proof=signed, signs_body=True, challenge=b"Shopify-Hmac")
functions = Adapter("shopify", tell, proof=vouched, signs_body=True, challenge=b"Shopify-Jwt")


@adapter.add("POST", "/adapters/shopify/carrier-service")
async def rates(call: Call, path: Mapping[str, str]) -> Response:
    """What can be brought home; `?channel=` for what is kept for one."""
    asked = body_of(call, RatesIn).rate
    cart = Cart(
        lines=[(item.sku or "", item.quantity) for item in asked.items if item.requires_shipping],
        country=asked.destination.country or "",
        postcode=asked.destination.postal_code or "",
        currencies=frozenset((asked.currency,)),
        channel=channel_of(call),
    )
    offers = await offers_for(call, cart, HOME_METHODS)
    found = [
        Rate(
            service_name=title,
            service_code=rate_id_of(option, ID_MAX),
            description=about(option, offers),
            currency=offers.currency,
            total_price=str(option.price_cents),
            min_delivery_date=_moment(offers.first(option)),
            max_delivery_date=_moment(offers.last(option)),
        )
        for option, title in zip(offers.options, titles(offers), strict=True)
    ]
    return Ready(msgspec.json.encode(Rates(rates=found)))


@functions.add("POST", "/adapters/shopify/pickup-points")
async def pickup_points(call: Call, path: Mapping[str, str]) -> Response:
    """Where it can be collected; `?channel=` for what is kept for one."""
    asked = body_of(call, PointsIn)
    cart = Cart(
        lines=[
            (line.merchandise.sku or "", line.quantity)
            for line in asked.cart.lines
            if line.merchandise.requires_shipping
        ],
        country=asked.delivery_address.country_code or "",
        postcode=asked.delivery_address.zip or "",
        currencies=frozenset((asked.cart.cost.total_amount.currency_code,)),
        channel=channel_of(call),
    )
    offers = await offers_for(call, cart, COLLECT_METHODS, call.time_ms or POINTS_MS_MAX)
    network = call.services.desk.state.engine.network
    provider = Provider(name=asked.provider.name, logo_url=asked.provider.logo_url)
    found: list[Operation] = []
    for option in offers.options:
        node = network.nodes[network.node_index[NodeId(option.place or "")]]
        name = f"{node.name or node.node_id}: ready by {moment_text(offers.last(option))}"
        address = PickupAddress(
            address1=node.name or node.node_id,
            city=node.postcode,
            country_code=node.country,
            latitude=node.lat,
            longitude=node.lon,
            zip=node.postcode,
        )
        point = PickupPoint(external_id=rate_id_of(option, ID_MAX), name=name, provider=provider, address=address)
        found.append(Operation(add=PickupOption(cost=str(decimal_of(option.price_cents)), pickup_point=point)))
    return Ready(msgspec.json.encode(Operations(operations=found)))


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %z}"

"""Carts as a shop sends them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from api.http.models.orders import Few, LineIn, Methods
from api.http.models.words import Body, Id, LineName, Moment, Word
from engine.desk.quote import Quote
from engine.domain.ids import OrderId
from engine.domain.order import LINES_MAX, Destination, Order


class WhereIn(Body):
    """Where the customer is: a postcode, or the beginning of one, or coordinates."""

    country: str = Field(pattern="^[A-Z]{2}$", examples=["FR"], description="ISO 3166-1 alpha-2.")
    postcode: Id | None = Field(None, examples=["33000"])
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    residential: bool = True

    @model_validator(mode="after")
    def _somewhere(self) -> "WhereIn":
        if self.postcode is None and (self.lat is None or self.lon is None):
            raise ValueError("a postcode, or lat and lon, must be given")
        return self

    def destination(self) -> Destination:
        """The destination."""
        return Destination(
            country=self.country, postcode=self.postcode or "", lat=self.lat, lon=self.lon, residential=self.residential
        )


class QuoteIn(Body):
    """A cart, where its customer is, and what the offers have to keep."""

    quote_id: Id | None = Field(None, description="By default made of what is asked, and when.")
    lines: Annotated[tuple[LineIn, ...], Field(min_length=1, max_length=LINES_MAX)]
    destination: WhereIn
    channel: Word = ""
    tier: Word = Field("", description="Of the customer, as the policy's shop_tiers name them.")
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = Field(
        "", description="In which prices are expected: the network's, or the call is refused."
    )
    methods: Methods = ()
    excluded_methods: Methods = ()
    deliver_by: Moment | None = Field(None, description="No later than that.")
    max_shipments: Few | None = None
    keep_together: Annotated[tuple[tuple[LineName, ...], ...], Field(max_length=LINES_MAX)] = ()
    signature: bool = False
    hold: bool = Field(
        False,
        description="Hold stock and capacity of the selected option as long as the quote stands; "
        "the call then needs an Idempotency-Key, and a quote_id.",
    )

    def command(self, now: datetime) -> Quote:
        """The command."""
        order = Order(
            order_id=OrderId("quote"),
            placed_at=now,
            lines=tuple(line.line() for line in self.lines),
            destination=self.destination.destination(),
            channel=self.channel,
            methods=self.methods,
            excluded_methods=self.excluded_methods,
            deliver_by=self.deliver_by,
            max_shipments=self.max_shipments,
            keep_together=self.keep_together,
            signature=self.signature,
        )
        return Quote(order=order, quote_id=self.quote_id or "", tier=self.tier, currency=self.currency, hold=self.hold)

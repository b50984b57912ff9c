"""Carts as a shop sends them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.http.models.orders import DestinationIn, Few, LineIn, Methods
from api.http.models.words import Body, LineName, Moment, Word
from engine.desk.quote import Quote
from engine.domain.ids import OrderId
from engine.domain.order import LINES_MAX, Order


class QuoteIn(Body):
    """A cart, where its customer is, and what the offers have to keep."""

    lines: Annotated[tuple[LineIn, ...], Field(min_length=1, max_length=LINES_MAX)]
    destination: DestinationIn
    channel: Word = ""
    methods: Methods = ()
    excluded_methods: Methods = ()
    deliver_by: Moment | None = Field(None, description="No later than that.")
    max_shipments: Few | None = None
    keep_together: Annotated[tuple[tuple[LineName, ...], ...], Field(max_length=LINES_MAX)] = ()
    signature: bool = False

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
        return Quote(order=order)

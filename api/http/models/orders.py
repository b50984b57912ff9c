"""Orders as they are sent: the fields of engine.domain.order, and how they are to be held."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from api.http.models.words import Body, Id, LineName, Moment, Node, OrderName, Service, Sku, Text, TtlS, Units, Word
from engine.desk.allocation import TTL_S, Allocate
from engine.desk.backorders import AllocateOrWait
from engine.desk.option_id import ID_MAX, read_option_id
from engine.domain.order import LINES_MAX, Destination, Method, Order, OrderLine

Nodes = Annotated[tuple[Node, ...], Field(max_length=1_000)]
Services = Annotated[tuple[Service, ...], Field(max_length=1_000)]
Methods = Annotated[tuple[Method, ...], Field(max_length=len(Method))]
Few = Annotated[int, Field(ge=1, le=1_000)]


class LineIn(Body):
    """A line: a sku and how many units of it."""

    line_id: LineName = Field(examples=["1"])
    sku: Sku = Field(examples=["sku-0123"])
    quantity: Units = Field(examples=[2])
    pin_node: Node | None = Field(None, description="This line must be served by this node.")

    def line(self) -> OrderLine:
        """The line."""
        return OrderLine(line_id=self.line_id, sku=self.sku, quantity=self.quantity, pin_node=self.pin_node)


class DestinationIn(Body):
    """Where the customer is; coordinates are looked up by postcode unless both are given."""

    country: str = Field(pattern="^[A-Z]{2}$", examples=["FR"], description="ISO 3166-1 alpha-2.")
    postcode: Id = Field(examples=["33000"])
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    residential: bool = True

    def destination(self) -> Destination:
        """The destination."""
        return Destination(
            country=self.country, postcode=self.postcode, lat=self.lat, lon=self.lon, residential=self.residential
        )


class OrderIn(Body):
    """An order and the rules it brings along; empty lists restrict nothing."""

    order_id: OrderName = Field(examples=["o-1001"])
    placed_at: Moment | None = Field(None, description="By default now; work starts no earlier than now.")
    lines: Annotated[tuple[LineIn, ...], Field(min_length=1, max_length=LINES_MAX)]
    destination: DestinationIn | None = None
    pickup_node: Node | None = Field(None, description="The customer collects there.")
    channel: Word = ""
    methods: Methods = ()
    excluded_methods: Methods = ()
    nodes: Nodes = ()
    excluded_nodes: Nodes = ()
    services: Services = ()
    excluded_services: Services = ()
    deliver_by: Moment | None = Field(None, description="No later than that.")
    requested_by: Moment | None = Field(None, description="Later costs a price per day.")
    max_shipments: Few | None = None
    max_shipments_per_line: Few | None = None
    max_distance_m: Annotated[int, Field(ge=1, le=50_000_000)] | None = None
    keep_together: Annotated[tuple[tuple[LineName, ...], ...], Field(max_length=LINES_MAX)] = Field(
        (), description="Groups of lines that travel in one shipment."
    )
    partial: bool = Field(False, description="Whether lines may go unserved.")
    signature: bool = False
    attributes: Annotated[dict[Id, Text], Field(max_length=100)] = Field(default_factory=dict)

    def order(self, now: datetime) -> Order:
        """The order, whose work starts no earlier than now."""
        home = self.destination
        return Order(
            order_id=self.order_id,
            placed_at=now if self.placed_at is None else max(self.placed_at, now),
            lines=tuple([line.line() for line in self.lines]),
            destination=None if home is None else home.destination(),
            pickup_node=self.pickup_node,
            channel=self.channel,
            methods=self.methods,
            excluded_methods=self.excluded_methods,
            nodes=self.nodes,
            excluded_nodes=self.excluded_nodes,
            services=self.services,
            excluded_services=self.excluded_services,
            deliver_by=self.deliver_by,
            requested_by=self.requested_by,
            max_shipments=self.max_shipments,
            max_shipments_per_line=self.max_shipments_per_line,
            max_distance_m=self.max_distance_m,
            keep_together=self.keep_together,
            partial=self.partial,
            signature=self.signature,
            attributes=self.attributes,
        )


class AllocateIn(OrderIn):
    """An order to decide, and how what it takes is held."""

    reservation_id: Id | None = Field(None, description="Of what is held; by default the order's id.")
    decision_id: Id | None = Field(None, description="By default made from the Idempotency-Key.")
    ttl_s: TtlS = Field(TTL_S, description="How long it is held unless confirmed.")
    confirm: bool = Field(False, description="Confirm at once, without a hold that runs out.")
    hold_id: Id | None = Field(None, description="A hold of the same order that this takes the place of.")
    option_id: Annotated[str, Field(min_length=1, max_length=ID_MAX, pattern="^[A-Za-z0-9_-]+$")] | None = Field(
        None, description="Of a quote: its date and place are kept, by its own plan if that can still be."
    )
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = Field(0, description="Higher is offered stock first.")
    unmet: Literal["refuse", "backorder"] = Field(
        "refuse", description="Whether what nobody can serve waits for stock."
    )
    together: bool = Field(False, description="With backorder: all lines wait unless all can be served.")
    decide_ms: Annotated[int, Field(ge=1, le=30_000)] | None = Field(
        None, description="Time of a decision that needs the stronger method; then the best found."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "AllocateIn":
        if self.option_id is not None and self.unmet == "backorder":
            raise ValueError("a promise is kept whole, nothing waits: give one of option_id, unmet=backorder")
        return self

    def command(self, now: datetime, key: str, decide_ms: int) -> Allocate | AllocateOrWait:
        """The command; `key` names the decision where the caller does not."""
        command = Allocate(
            order=self.order(now),
            decision_id=self.decision_id or f"d-{hashlib.blake2b(key.encode(), digest_size=10).hexdigest()}",
            reservation_id=self.reservation_id or self.order_id,
            ttl_s=None if self.confirm else self.ttl_s,
            hold_id=self.hold_id,
            promised=read_option_id(self.option_id) if self.option_id is not None else None,
            deadline_ms=decide_ms,
            priority=self.priority,
        )
        if self.unmet == "refuse":
            return command
        return AllocateOrWait(allocate=command, together=self.together)


EXAMPLE = {
    "order_id": "o-1001",
    "lines": [{"line_id": "1", "sku": "sku-0123", "quantity": 2}, {"line_id": "2", "sku": "sku-0042", "quantity": 1}],
    "destination": {"country": "FR", "postcode": "33000"},
    "methods": ["ship_from_warehouse", "ship_from_store"],
    "ttl_s": 900,
}

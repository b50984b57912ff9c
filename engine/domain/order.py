"""What is asked: an order, its lines, where it goes and what the caller fixes or forbids."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from engine.domain.errors import InputError
from engine.domain.ids import LineId, NodeId, OrderId, ServiceId, SkuId

LINES_MAX = 500
QUANTITY_MAX = 1_000_000


class Method(StrEnum):
    """How a shipment reaches the customer."""

    SHIP_FROM_WAREHOUSE = "ship_from_warehouse"
    SHIP_FROM_STORE = "ship_from_store"  # stores and dark stores
    DROP_SHIP = "drop_ship"  # vendors
    CLICK_AND_COLLECT = "click_and_collect"  # the store's own stock
    SHIP_TO_STORE = "ship_to_store"  # over a transfer lane
    SAME_DAY = "same_day"  # a courier
    PICKUP_POINT = "pickup_point"  # a carrier's pickup-point service


METHODS: tuple[Method, ...] = tuple(Method)  # the index in this tuple is the method's number in arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One sku and how many units of it."""

    line_id: LineId
    sku: SkuId
    quantity: int
    pin_node: NodeId | None = None  # this line must be served by this node

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            raise InputError(
                f"Quantity ({self.quantity}) of line ({self.line_id}), sku ({self.sku}), must be positive.",
                "leave the line out.",
            )
        if self.quantity > QUANTITY_MAX:
            raise InputError(
                f"Quantity ({self.quantity}) of line ({self.line_id}), sku ({self.sku}), is above {QUANTITY_MAX}.",
                "it is a number of units, not a weight or an id.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the customer is. Coordinates are looked up by postcode unless both are given."""

    country: str  # ISO 3166-1 alpha-2
    postcode: str
    lat: float | None = None
    lon: float | None = None
    residential: bool = True

    def __post_init__(self) -> None:
        if (self.lat is None) != (self.lon is None):
            raise InputError(f"Destination ({self.postcode}) has one of lat, lon only.", "give both, or neither.")
        if self.lat is not None and self.lon is not None and not (abs(self.lat) <= 90 and abs(self.lon) <= 180):
            raise InputError(f"Destination ({self.lat}, {self.lon}) is not on Earth.", "lat and lon are swapped.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    One customer's order and the rules it brings along.

    Empty tuples mean "no restriction". ``pickup_node`` says that the customer has chosen that store (or pickup
    point): only methods that end there remain and the trip costs nothing. ``deliver_by`` is a hard limit on the
    promise, ``requested_by`` a soft one with a price per day. ``keep_together`` lists groups of line ids that must
    travel in one shipment. ``partial`` lets lines go unserved at the policy's price.
    """

    order_id: OrderId
    placed_at: datetime
    lines: tuple[OrderLine, ...]
    destination: Destination | None = None
    pickup_node: NodeId | None = None
    channel: str = ""
    methods: tuple[Method, ...] = ()
    excluded_methods: tuple[Method, ...] = ()
    nodes: tuple[NodeId, ...] = ()
    excluded_nodes: tuple[NodeId, ...] = ()
    services: tuple[ServiceId, ...] = ()
    excluded_services: tuple[ServiceId, ...] = ()
    deliver_by: datetime | None = None
    requested_by: datetime | None = None
    max_shipments: int | None = None
    max_shipments_per_line: int | None = None
    max_distance_m: int | None = None
    keep_together: tuple[tuple[LineId, ...], ...] = ()
    partial: bool = False
    signature: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        who = f"Order ({self.order_id})"
        for name, moment in (
            ("placed_at", self.placed_at),
            ("deliver_by", self.deliver_by),
            ("requested_by", self.requested_by),
        ):
            if moment is not None and moment.tzinfo is None:
                raise InputError(f"{who} has a {name} ({moment}) without a time zone.", "add Z or +01:00.")
        if not self.lines:
            raise InputError(f"{who} has no lines.", "the file was cut, or all lines were cancelled.")
        if len(self.lines) > LINES_MAX:
            raise InputError(
                f"{who} has {len(self.lines)} lines, more than {LINES_MAX}.", "split it into several orders."
            )
        ids = [line.line_id for line in self.lines]
        if len(set(ids)) != len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise InputError(f"{who} has line ({twice}) twice.", "number the lines 1, 2, 3.")
        if self.destination is None and self.pickup_node is None:
            raise InputError(f"{who} has neither a destination nor a pickup_node.", "give one of them.")
        for name, count in (
            ("max_shipments", self.max_shipments),
            ("max_shipments_per_line", self.max_shipments_per_line),
            ("max_distance_m", self.max_distance_m),
        ):
            if count is not None and count < 1:
                raise InputError(f"{who} has {name} ({count}), which must be at least 1.", "leave it out.")
        known = set(ids)
        seen: set[LineId] = set()
        for group in self.keep_together:
            for line_id in group:
                if line_id not in known:
                    raise InputError(f"{who} keeps line ({line_id}) together, but has no such line.", "check the id.")
                if line_id in seen:
                    raise InputError(f"{who} names line ({line_id}) in two keep_together groups.", "join the groups.")
                seen.add(line_id)

    def merged(self) -> "Order":
        """
        Sum the lines that share a sku into the first of them, so that no two lines do.

        Raises InputError where two such lines are pinned to different nodes.
        """
        if len({line.sku for line in self.lines}) == len(self.lines):
            return self
        first: dict[SkuId, OrderLine] = {}
        into: dict[LineId, LineId] = {}
        for line in self.lines:
            kept = first.get(line.sku)
            if kept is None:
                first[line.sku] = line
                into[line.line_id] = line.line_id
                continue
            if kept.pin_node != line.pin_node:
                raise InputError(
                    f"Order ({self.order_id}) pins sku ({line.sku}) to ({kept.pin_node}) and ({line.pin_node}).",
                    "pin all its lines to one node, or none.",
                )
            first[line.sku] = replace(kept, quantity=kept.quantity + line.quantity)
            into[line.line_id] = kept.line_id
        groups = _joined([tuple(dict.fromkeys(into[i] for i in group)) for group in self.keep_together])
        return replace(self, lines=tuple(first.values()), keep_together=groups)


def _joined(groups: list[tuple[LineId, ...]]) -> tuple[tuple[LineId, ...], ...]:
    """Join groups that share a line, in the order of their first line."""
    out: list[list[LineId]] = []
    for group in groups:
        hits = [g for g in out if set(g) & set(group)]
        merged = list(dict.fromkeys([i for g in hits for i in g] + list(group)))
        out = [g for g in out if g not in hits] + [merged]
    return tuple(tuple(g) for g in out)

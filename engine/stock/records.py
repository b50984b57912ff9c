"""
What the ledger keeps beside stock and capacity: one class per table, one field per column.

Instants are epoch seconds, money is cents, nodes and skus are the ledger's numbers (engine/stock/ledger.py). `version`
counts the changes of a record from 1: whoever changes it says which version was read. Times and ids come from the
caller. Texts ending in `_json` are JSON documents that nothing queries.
"""

from enum import StrEnum
from typing import ClassVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `KEY` names the fields that tell rows of its table apart, `TABLE` the table."""

    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]


class PartState(StrEnum):
    """Where a shipment is in its life; each step is taken once."""

    HELD = "held"  # stock and capacity are held until expires_s
    CONFIRMED = "confirmed"  # the node is to work on it
    PICKED = "picked"
    IN_TRANSIT = "in_transit"  # left its node for the place where it is collected; on no shelf
    READY = "ready"  # at the place where it is collected; the customer was told
    SHIPPED = "shipped"  # end: left the node
    COLLECTED = "collected"  # end
    RELEASED = "released"  # end: given back by whoever held it
    EXPIRED = "expired"  # end: nobody confirmed, or collected, in time
    REJECTED = "rejected"  # end: the node could not; its lines went elsewhere, or wait


ENDED = frozenset((PartState.SHIPPED, PartState.COLLECTED, PartState.RELEASED, PartState.EXPIRED, PartState.REJECTED))

DAY, HOUR = 1, 2  # bits of Part.booked
SHARED = 4  # likewise: the order of its cells is counted with the part that it was split from; only units are its own


class Reservation(Record, frozen=True, kw_only=True):
    """
    Stock and capacity held for somebody, in parts.

    ``kind`` is "hold" (a basket's, or another system's: no plan behind it) or "allocation" (decided by us).
    ``state`` is "held" or "confirmed" as long as a part is open, then "ended".
    """

    TABLE: ClassVar[str] = "reservations"
    KEY: ClassVar[tuple[str, ...]] = ("reservation_id",)

    reservation_id: str
    order_id: str
    kind: str
    state: str
    channel: str = ""
    decision_id: str = ""  # the latest
    expires_s: int | None = None
    deliver_by_s: int | None = None  # what the customer was promised first
    priority: int = 0  # higher first
    attempts: int = 1  # decisions that were needed so far
    created_s: int
    updated_s: int
    version: int = 1


class Part(Record, frozen=True, kw_only=True):
    """
    What one node is to do for a reservation: a shipment, or units held there.

    ``lines`` holds (line id, sku number, units). ``day`` is the node's local day number and ``hour`` its clock hour of
    the pick; ``booked`` says which of these capacity cells are booked.
    """

    TABLE: ClassVar[str] = "parts"
    KEY: ClassVar[tuple[str, ...]] = ("reservation_id", "part")

    reservation_id: str
    part: int
    order_id: str
    node_no: int
    place_no: int = -1  # where it is collected
    group: str = ""  # held anywhere in this group; the node backs it and may change
    method: str = ""  # engine.domain.order.Method; "" of a hold
    service: str = ""
    lane: int = -1
    state: str
    lines: tuple[tuple[str, int, int], ...]  # (line id, sku number, units)
    units: int
    cost_cents: int = 0
    day: int = -1
    hour: int = -1
    booked: int = 0  # bits DAY and HOUR
    pick_start_s: int = 0
    ship_by_s: int = 0
    deliver_by_s: int = 0
    due_s: int = 0  # when the next step is due: what work lists are ordered by
    updated_s: int
    version: int = 1


class DecisionRecord(Record, frozen=True, kw_only=True):
    """What was decided for an order, on what. ``stock_seq`` is the place in the feed up to which stock was known."""

    TABLE: ClassVar[str] = "decisions"
    KEY: ClassVar[tuple[str, ...]] = ("decision_id",)

    decision_id: str
    order_id: str
    reservation_id: str
    at_s: int
    status: str  # engine.domain.plan.Status
    quality: str  # optimal, feasible, fallback
    cost_cents: int
    bound_cents: int
    policy_id: str
    policy_version: int
    network_version: str
    stock_seq: int
    attempt: int = 1
    elapsed_us: int = 0
    cause: str = "order"  # order, rejection, backorder, reoptimise, …
    quote_id: str = ""  # of the option that the order named
    kept: str = ""  # what became of its promise: same, kept, changed
    order_json: str
    answer_json: str


class IdempotencyKey(Record, frozen=True, kw_only=True):
    """The answer that a call got, for whoever repeats it."""

    TABLE: ClassVar[str] = "idempotency_keys"
    KEY: ClassVar[tuple[str, ...]] = ("scope", "key")

    scope: str  # client and operation
    key: str
    fingerprint: str  # of the payload
    status: int
    body: str
    created_s: int


class EventRecord(Record, frozen=True, kw_only=True):
    """Something that others want to hear of; the ledger numbers it."""

    TABLE: ClassVar[str] = "events"
    KEY: ClassVar[tuple[str, ...]] = ("event_no",)

    event_no: int = 0  # given by the ledger
    xid: int = 0  # given by the ledger: (xid, event_no) is the order in which events became true
    type: str  # "reservation.created.v1"
    subject: str
    at_s: int
    data_json: str

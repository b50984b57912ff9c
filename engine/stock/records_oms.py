"""More of what the ledger keeps: what goes wrong with reservations, what waits for stock, how the service is set."""

from typing import ClassVar

from engine.stock.records import Record


class Rejection(Record, frozen=True, kw_only=True):
    """A node could not pick units of a line: which, why, and what its count became."""

    TABLE: ClassVar[str] = "rejections"
    KEY: ClassVar[tuple[str, ...]] = ("rejection_id", "line_id")

    rejection_id: str
    reservation_id: str
    order_id: str
    part: int
    line_id: str
    node_no: int
    sku_no: int
    units: int
    reason: str  # not_found, damaged, mismatch, too_busy, closed
    counted: int | None = None  # units that were there instead
    at_s: int
    by: str = ""


class PickStats(Record, frozen=True, kw_only=True):
    """
    How often lines of a sku class were asked of a node and how often it failed; what rejection costs follow.

    Both are thousandths of a line, as of ``updated_s``: what lies back counts less (engine/desk/learning.py). The row
    of node -1 says up to when picks were counted.
    """

    TABLE: ClassVar[str] = "pick_stats"
    KEY: ClassVar[tuple[str, ...]] = ("node_no", "sku_class")

    node_no: int
    sku_class: str
    asked: int
    failed: int
    updated_s: int
    version: int = 1


class Exclusion(Record, frozen=True, kw_only=True):
    """A node that an order (or, with order_id "", everybody) does not ask for a sku until a moment."""

    TABLE: ClassVar[str] = "exclusions"
    KEY: ClassVar[tuple[str, ...]] = ("order_id", "node_no", "sku_no")

    order_id: str
    node_no: int
    sku_no: int  # -1: any
    until_s: int
    reason: str


class ExceptionCase(Record, frozen=True, kw_only=True):
    """Something that a person has to look at."""

    TABLE: ClassVar[str] = "exceptions"
    KEY: ClassVar[tuple[str, ...]] = ("exception_id",)

    exception_id: str
    kind: str  # attempts_used, cannot_resource, no_show, stock_mismatch, …
    order_id: str
    reservation_id: str = ""
    state: str  # open, taken, resolved
    text: str
    data_json: str = "{}"
    assigned_to: str = ""
    resolution: str = ""
    opened_s: int
    updated_s: int
    version: int = 1


class Backorder(Record, frozen=True, kw_only=True):
    """Units of a line that wait for stock."""

    TABLE: ClassVar[str] = "backorders"
    KEY: ClassVar[tuple[str, ...]] = ("order_id", "line_id")

    order_id: str
    line_id: str
    sku_no: int
    units: int
    channel: str
    priority: int  # higher first
    promise_s: int  # then the earlier promise
    expected_s: int | None = None  # when stock is expected, None where nothing is due
    state: str  # waiting, allocated, cancelled
    kind: str = "backorder"  # or preorder
    together: int = 0  # 1: all waiting lines of the order are served at once, or none
    reservation_id: str = ""  # that serves it, once allocated
    order_json: str
    created_s: int
    updated_s: int
    version: int = 1


class SkuSetting(Record, frozen=True, kw_only=True):
    """What differs of a sku from the network as it was read: ``release_s``, before which nothing of it is promised."""

    TABLE: ClassVar[str] = "sku_settings"
    KEY: ClassVar[tuple[str, ...]] = ("sku_no",)

    sku_no: int
    release_s: int | None = None
    updated_s: int
    by: str = ""
    version: int = 1


class ReturnRecord(Record, frozen=True, kw_only=True):
    """Units that came back, line by line; ``node_no`` is credited."""

    TABLE: ClassVar[str] = "returns"
    KEY: ClassVar[tuple[str, ...]] = ("return_id", "line")

    return_id: str
    line: int
    order_id: str
    node_no: int
    sku_no: int
    units: int
    grade: str  # as_new, opened, damaged, unsellable
    restocked: int  # units put back on sale
    at_s: int
    by: str = ""


class Quarantined(Record, frozen=True, kw_only=True):
    """A row of a stock feed that was not believed."""

    TABLE: ClassVar[str] = "quarantine"
    KEY: ClassVar[tuple[str, ...]] = ("source", "batch", "row")

    source: str
    batch: str
    row: int
    problem: str
    raw: str
    received_s: int
    state: str = "open"  # or dismissed, applied
    version: int = 1


class CapacityDay(Record, frozen=True, kw_only=True):
    """Limits that somebody gave a local day of a node, and hours of it; the cells of capacity have them, too."""

    TABLE: ClassVar[str] = "capacity_days"
    KEY: ClassVar[tuple[str, ...]] = ("node_no", "day")

    node_no: int
    day: int
    document_json: str  # engine.desk.capacity.DayLimits; "{}" where the node's own limits were brought back
    updated_s: int
    by: str = ""
    version: int = 1


class Lot(Record, frozen=True, kw_only=True):
    """Units due at a node."""

    TABLE: ClassVar[str] = "inbound"
    KEY: ClassVar[tuple[str, ...]] = ("lot_id",)

    lot_id: str
    node_no: int
    sku_no: int
    units: int
    available_s: int
    version: int = 1


class HeldBack(Record, frozen=True, kw_only=True):
    """Safety stock (``rule`` "safety": sku_no -1 = every sku, channel "" = every channel) or channel protection."""

    TABLE: ClassVar[str] = "held_back"
    KEY: ClassVar[tuple[str, ...]] = ("rule", "node_no", "sku_no", "channel")

    rule: str  # safety or protection
    node_no: int
    sku_no: int
    channel: str
    units: int
    version: int = 1


class PolicyRecord(Record, frozen=True, kw_only=True):
    """A version of a policy and when it holds; ``document_json`` is the policy itself."""

    TABLE: ClassVar[str] = "policies"
    KEY: ClassVar[tuple[str, ...]] = ("policy_id", "policy_version")

    policy_id: str
    policy_version: int
    valid_from_s: int
    valid_to_s: int | None = None
    document_json: str
    created_s: int
    by: str = ""


class NodeSetting(Record, frozen=True, kw_only=True):
    """What differs at a node from the network as it was read: paused, capacity, hours, …"""

    TABLE: ClassVar[str] = "node_settings"
    KEY: ClassVar[tuple[str, ...]] = ("node_no",)

    node_no: int
    document_json: str
    updated_s: int
    by: str = ""
    version: int = 1


class ApiKey(Record, frozen=True, kw_only=True):
    """A client's key; only a hash of its secret is kept."""

    TABLE: ClassVar[str] = "api_keys"
    KEY: ClassVar[tuple[str, ...]] = ("key_id",)

    key_id: str
    name: str
    secret_hash: str
    scopes: str  # separated by spaces
    rate_per_minute: int
    created_s: int
    revoked_s: int | None = None
    version: int = 1


class Audit(Record, frozen=True, kw_only=True):
    """Who changed network, policy or keys, when, from what to what."""

    TABLE: ClassVar[str] = "audit"
    KEY: ClassVar[tuple[str, ...]] = ("audit_no",)

    audit_no: int = 0  # given by the ledger
    at_s: int
    by: str
    action: str
    subject: str
    before_json: str = ""
    after_json: str = ""
    trace_id: str = ""


class Webhook(Record, frozen=True, kw_only=True):
    """Where events are delivered to; up to (after_xid, after_no) all were delivered, or have a `Delivery`."""

    TABLE: ClassVar[str] = "webhooks"
    KEY: ClassVar[tuple[str, ...]] = ("webhook_id",)

    webhook_id: str
    url: str
    types: str  # separated by spaces; "" all
    secret: str  # whsec_…
    secret_before: str = ""  # while secrets are rotated
    state: str = "active"  # paused, gone
    after_xid: int = 0
    after_no: int = 0
    not_before_s: int = 0  # nothing is sent until then: the receiver was out of reach, or asked for it
    leased_by: str = ""  # the process that delivers to it
    lease_until_s: int = 0  # when another one may
    created_s: int
    updated_s: int
    version: int = 1


class Delivery(Record, frozen=True, kw_only=True):
    """An event that a webhook has not taken yet; delivered ones are dropped, dead ones stay until somebody looks."""

    TABLE: ClassVar[str] = "deliveries"
    KEY: ClassVar[tuple[str, ...]] = ("webhook_id", "event_no")

    webhook_id: str
    event_no: int
    state: str  # waiting, dead
    attempts: int = 0
    next_s: int
    last_status: int = 0
    last_error: str = ""
    version: int = 1


RECORDS: tuple[type[Record], ...] = (
    Rejection,
    PickStats,
    Exclusion,
    ExceptionCase,
    Backorder,
    SkuSetting,
    ReturnRecord,
    Quarantined,
    Lot,
    HeldBack,
    PolicyRecord,
    NodeSetting,
    CapacityDay,
    ApiKey,
    Audit,
    Webhook,
    Delivery,
)

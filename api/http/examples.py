"""Examples of answers, for the documentation; a test checks each against the schema of its answer."""

from typing import Any

PART: dict[str, Any] = {
    "part": 1,
    "state": "held",
    "node": "st-la-rochelle",
    "method": "ship_from_store",
    "service": "economy",
    "place": None,
    "group": None,
    "lines": [{"line_id": "1", "sku": "sku-0123", "quantity": 2}],
    "cost_cents": 1173,
    "pick_start": "2026-11-23T13:20:00Z",
    "ship_by": "2026-11-23T16:00:00Z",
    "deliver_by": "2026-11-27T17:00:00Z",
}

ALLOCATION: dict[str, Any] = {
    "decision_id": "d-5f0e0a8c6f2b4d1e9a77",
    "order_id": "o-1001",
    "status": "allocated",
    "quality": "optimal",
    "cost_cents": 1173,
    "bound_cents": 1173,
    "gap": 0.0,
    "currency": "EUR",
    "deliver_by": "2026-11-27T17:00:00Z",
    "reservation": {"reservation_id": "o-1001", "state": "held", "expires_at": "2026-11-23T07:15:00Z"},
    "shipments": [PART],
    "unmet": [],
    "relaxed": [],
    "limit": "",
    "attempts": 1,
    "versions": {"network": "demo-1", "policy_id": "default", "policy_version": 1, "stock_seq": 918},
}

RESERVATION: dict[str, Any] = {
    "reservation_id": "o-1001",
    "order_id": "o-1001",
    "kind": "allocation",
    "state": "held",
    "expires_at": "2026-11-23T07:15:00Z",
    "deliver_by": "2026-11-27T17:00:00Z",
    "attempts": 1,
    "version": 1,
    "shipments": [PART],
}

REJECTION: dict[str, Any] = {
    "rejection_id": "rej-77",
    "reservation_id": "o-1001",
    "order_id": "o-1001",
    "part": 1,
    "reason": "not_found",
    "outcome": "resourced",
    "promise_kept": True,
    "promise": "2026-11-27T17:00:00Z",
    "deliver_by": "2026-11-26T17:00:00Z",
    "decision_id": "rej-77",
    "resourcings": 1,
    "relaxed": [],
    "shipments": [PART | {"part": 2, "node": "wh-orleans", "method": "ship_from_warehouse"}],
    "unmet": [],
    "waiting": {},
    "exceptions": [],
    "stock": [
        {"node": "st-la-rochelle", "sku": "sku-0123", "on_hand_before": 3, "on_hand": 0, "reserved": 0},
    ],
}

CASE: dict[str, Any] = {
    "exception_id": "rejected:rej-77",
    "kind": "cannot_resource",
    "state": "open",
    "order_id": "o-1001",
    "reservation_id": "o-1001",
    "text": "Lines 1 of order (o-1001) were rejected, and no other node can serve them.",
    "data": {"units": {"1": 2}},
    "assigned_to": None,
    "resolution": None,
    "opened_at": "2026-11-23T07:00:00Z",
    "updated_at": "2026-11-23T07:00:00Z",
    "version": 1,
}

BACKORDER: dict[str, Any] = {
    "order_id": "o-1001",
    "line_id": "1",
    "sku": "sku-0123",
    "units": 2,
    "state": "waiting",
    "kind": "backorder",
    "together": False,
    "channel": "",
    "priority": 0,
    "wanted_by": "2026-11-27T17:00:00Z",
    "expected_at": "2026-12-01T08:00:00Z",
    "reservation_id": None,
    "created_at": "2026-11-23T07:00:00Z",
    "version": 1,
}

RESERVED: dict[str, Any] = {
    "reservation": RESERVATION | {"kind": "hold", "reservation_id": "basket-77"},
    "lines": [{"line_id": "1", "sku": "sku-0123", "quantity": 2, "reserved": 2, "code": "reserved"}],
}

TRANSFERS: dict[str, Any] = {
    "transfers": [
        {"reservation_id": "o-1001", "line_id": "1", "transferred": 2, "code": "transferred", "detail": ""},
    ],
    "reservations": [RESERVATION],
}

CANCELLED: dict[str, Any] = {"order_id": "o-1001", "cancelled": {"1": 2}, "reservations": [RESERVATION]}

RETURN: dict[str, Any] = {
    "return_id": "ret-5",
    "order_id": "o-1001",
    "node": "st-la-rochelle",
    "received_at": "2026-12-01T10:00:00Z",
    "known_order": True,
    "lines": [{"sku": "sku-0123", "quantity": 1, "grade": "as_new", "restocked": 1}],
}

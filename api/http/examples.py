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

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
    "quote": None,
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

RETURNED: dict[str, Any] = {
    "return_id": "ret-5",
    "line": 1,
    "order_id": "o-1001",
    "node": "st-la-rochelle",
    "sku": "sku-0123",
    "quantity": 1,
    "grade": "as_new",
    "restocked": 1,
    "received_at": "2026-12-01T10:00:00Z",
    "by": "till-3",
}

AVAILABILITIES: dict[str, Any] = {
    "at": "2026-11-23T07:00:00Z",
    "channel": "",
    "stock_seq": 918,
    "availability": [
        {
            "sku": "sku-0123",
            "node": "wh-orleans",
            "group": None,
            "known": True,
            "blocked": False,
            "on_hand": 40,
            "reserved": 4,
            "safety": 2,
            "protected": 0,
            "atf": 34,
            "ato": 154,
            "futures": [{"expected_at": "2026-12-01T08:00:00Z", "quantity": 120}],
        }
    ],
}

NEAR: dict[str, Any] = {
    "at": "2026-11-23T13:20:00Z",
    "valid_until": "2026-11-23T13:21:00Z",
    "version": "9b1f0f7c2f6d4e55a1c07b3e",
    "located": "prefix",
    "prefix": "17",
    "lat": 46.1603,
    "lon": -1.1511,
    "channel": "",
    "unknown_skus": ["sku-9999"],
    "stores": [
        {
            "node": "st-la-rochelle",
            "name": "La Rochelle",
            "distance_m": 812,
            "lat": 46.1591,
            "lon": -1.1520,
            "tz": "Europe/Paris",
            "open_now": True,
            "opens_at": None,
            "closes_at": "2026-11-23T19:00:00+01:00",
            "hours": [{"opens_at": "2026-11-23T09:00:00+01:00", "closes_at": "2026-11-23T19:00:00+01:00"}],
            "has_all": True,
            "sure_permille": 951,
            "ready_at": "2026-11-23T13:32:00Z",
            "not_ready": None,
            "skus": [
                {
                    "sku": "sku-0123",
                    "quantity": 2,
                    "available": 3,
                    "enough": True,
                    "sure_permille": 951,
                    "told_at": "2026-11-23T05:02:11Z",
                }
            ],
        }
    ],
}

STOCK: dict[str, Any] = {"node": "wh-orleans", "sku": "sku-0123", "on_hand": 40, "reserved": 4, "version": 40}

FEED: dict[str, Any] = {
    "numbers": {"applied": 1, "quarantined": 1},
    "results": ["applied", "quarantined"],
    "refused": [
        {
            "row": 2,
            "field": "sku",
            "value": "sku-9999",
            "problem": "Sku is unknown.",
            "hint": "add it to the network; case counts.",
        }
    ],
}

QUARANTINED: dict[str, Any] = {
    "source": "feed",
    "batch": "local/k-17",
    "row": 2,
    "problem": "sku (sku-9999): Sku is unknown. Maybe add it to the network; case counts.",
    "raw": '{"node":"wh-orleans","sku":"sku-9999","on_hand":3}',
    "state": "open",
    "version": 1,
    "received_at": "2026-11-23T07:00:00+00:00",
}

LOT: dict[str, Any] = {
    "lot_id": "po-77",
    "node": "wh-orleans",
    "sku": "sku-0123",
    "units": 120,
    "available_at": "2026-12-01T08:00:00Z",
    "version": 1,
}

HELD_BACK: dict[str, Any] = {
    "rule": "safety",
    "node": "st-la-rochelle",
    "sku": "sku-0123",
    "channel": "",
    "units": 1,
    "version": 1,
}

POLICY: dict[str, Any] = {
    "policy_id": "default",
    "version": 2,
    "valid_from": "2026-11-23T07:00:00Z",
    "valid_to": None,
    "withdrawn": False,
    "by": "9f1c2ab3d4e5",
    "policy": {"policy_id": "default", "version": 2, "split_cents": 250},
}

NODE_SETTINGS: dict[str, Any] = {
    "node": "st-la-rochelle",
    "version": 1,
    "changes": {"paused": True},
    "updated_at": "2026-11-23T07:00:00Z",
    "by": "9f1c2ab3d4e5",
}

SKU_SETTINGS: dict[str, Any] = {"sku": "sku-0123", "version": 1, "release_at": "2026-12-01T08:00:00Z"}

CAPACITY_DAY: dict[str, Any] = {
    "orders": 43,
    "units": 97,
    "orders_max": 40,
    "units_max": None,
    "orders_over": 3,
    "units_over": 0,
    "edited": True,
    "node": "st-la-rochelle",
    "day": "2026-11-27",
    "slots": [],
    "limits": {"orders_max": 40},
    "version": 1,
    "updated_at": "2026-11-23T07:00:00Z",
    "by": "9f1c2ab3d4e5",
}

CAPACITY: dict[str, Any] = {
    "node": "st-la-rochelle",
    "tz": "Europe/Paris",
    "days": [CAPACITY_DAY],
}

WORK: dict[str, Any] = {
    "task": "pick",
    "due": "2026-11-23T16:00:00Z",
    "late": False,
    "reservation_id": "o-1001",
    "part": 1,
    "order_id": "o-1001",
    "priority": 0,
    "method": "ship_from_store",
    "service": "economy",
    "node": "st-la-rochelle",
    "place": None,
    "lines": [{"line_id": "1", "sku": "sku-0123", "quantity": 2}],
    "pick_start": "2026-11-23T13:20:00Z",
    "ship_by": "2026-11-23T16:00:00Z",
    "deliver_by": "2026-11-27T17:00:00Z",
}

CREDIT: dict[str, Any] = {
    "since": "2026-11-23T00:00:00Z",
    "until": "2026-11-24T00:00:00Z",
    "currency": "EUR",
    "nodes": [
        {
            "node": "st-la-rochelle",
            "served_orders": 1,
            "served_units": 2,
            "served_lines": 1,
            "served_cents": 4_000,
            "ordered_orders": 0,
            "ordered_units": 0,
            "ordered_cents": 0,
            "returned_units": 0,
            "returned_cents": 0,
        }
    ],
    "rows": [
        {
            "node": "st-la-rochelle",
            "order_id": "o-1001",
            "kind": "served",
            "state": "shipped",
            "method": "ship_from_store",
            "place": None,
            "units": 2,
            "num_lines": 1,
            "value_cents": 4_000,
            "at": "2026-11-23T16:00:00Z",
        }
    ],
}

REOPTIMISED: dict[str, Any] = {
    "saved_cents": 120,
    "moved": 1,
    "reservations": [
        {
            "reservation_id": "o-1001",
            "outcome": "moved",
            "why": "It saves 1.20.",
            "decision_id": "night-7.o-1001",
            "cost_before_cents": 1173,
            "cost_after_cents": 1053,
            "deliver_by_before": "2026-11-27T17:00:00Z",
            "deliver_by_after": "2026-11-26T17:00:00Z",
            "shipments": [PART],
        }
    ],
}

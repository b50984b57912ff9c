"""Answers of what a shop asks, as the documentation shows them; tests decode each as what it is."""

from typing import Any

QUOTE: dict[str, Any] = {
    "quote_id": "q-2f1c",
    "at": "2026-11-23T08:00:00Z",
    "expires_at": "2026-11-23T08:15:00Z",
    "valid_until": "2026-11-23T08:01:00Z",
    "version": "5d1e8a0c7f3b2a9644c01d2e",
    "fallback": False,
    "currency": "EUR",
    "located": "postcode",
    "prefix": None,
    "options": [
        {
            "option_id": "m5QwO4vTnAGmcS0yZjFjwsDOaSVmcA",
            "kind": "home_delivery",
            "names": ["cheapest", "greenest"],
            "selected": True,
            "why": "Cheapest and greenest of all.",
            "price_cents": 620,
            "cost_cents": 612,
            "deliver_from": "2026-11-24T08:00:00Z",
            "deliver_by": "2026-11-24T17:00:00Z",
            "confidence_permille": 931,
            "order_by": "2026-11-23T14:40:00Z",
            "co2e_g": 410,
            "place": None,
            "place_name": None,
            "distance_m": None,
            "parcels": [
                {
                    "node": "wh-orleans",
                    "method": "ship_from_warehouse",
                    "service": "parcel-standard",
                    "lines": ["1", "2"],
                    "ship_by": "2026-11-23T17:00:00Z",
                    "deliver_from": "2026-11-24T08:00:00Z",
                    "deliver_by": "2026-11-24T17:00:00Z",
                }
            ],
            "exact": True,
            "send": {
                "methods": ["ship_from_warehouse", "ship_from_store", "drop_ship", "same_day"],
                "pickup_node": None,
                "deliver_by": "2026-11-24T17:00:00Z",
            },
        }
    ],
    "partial_places": [
        {
            "place": "st-la-rochelle",
            "place_name": "La Rochelle",
            "distance_m": 1_240,
            "lines": ["1"],
            "missing": ["2"],
            "ready_at": "2026-11-23T10:00:00Z",
        }
    ],
    "unknown": [],
    "hold": None,
    "versions": {"network": "demo-1", "policy_id": "default", "policy_version": 1, "stock_seq": 12},
}

KEPT_QUOTES: dict[str, Any] = {
    "since": "2026-11-23T00:00:00Z",
    "until": "2026-11-24T00:00:00Z",
    "allocations": 1_000,
    "same": 990,
    "kept": 8,
    "changed": 2,
    "same_permille": 990,
    "kept_permille": 998,
}

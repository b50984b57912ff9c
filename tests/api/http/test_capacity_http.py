"""Capacity of a node by day and slot, over HTTP."""

from typing import Any

import pytest

from tests.api.http.served import Served, order
from tests.api.http.test_lifecycle_http import done

DAY = "/v1/nodes/wh/capacity/2026-06-01"


def booked(shop: Served, name: str) -> str:
    """When an order of the warehouse is picked."""
    body = order(order_id=name) | {"reservation_id": name}
    document = done(shop.call("POST", "/v1/allocations", body, key=name))
    start: str = document["shipments"][0]["pick_start"]
    return start[:10]


def test_a_day_is_set_by_who_has_seen_it_and_reset(shop: Served) -> None:
    seen = shop.call("GET", DAY)
    assert (done(seen)["version"], seen.headers["etag"], done(seen)["edited"]) == (0, '"v0"', False)
    body = {"orders_max": 1}
    assert shop.call("PUT", DAY, body, if_match='"v0"').json()["type"] == "/problems/idempotency-key-missing"
    assert shop.call("PUT", DAY, body, key="1").status_code == 428
    made = shop.call("PUT", DAY, body, key="1", if_match='"v0"')
    assert (done(made)["orders_max"], done(made)["limits"], made.headers["etag"]) == (1, body, '"v1"')
    again = shop.call("PUT", DAY, body, key="1", if_match='"v0"')
    assert (again.content, again.headers["idempotency-replayed"]) == (made.content, "true")
    assert shop.call("PUT", DAY, {"orders_max": 9}, key="2", if_match='"v0"').status_code == 412
    assert shop.call("GET", DAY, if_none_match='"v1"').status_code == 304
    assert shop.call("DELETE", DAY, key="3").status_code == 428
    assert shop.call("DELETE", DAY, key="3", if_match='"v0"').status_code == 412
    reset = shop.call("DELETE", DAY, key="4", if_match='"v1"')
    assert (done(reset)["edited"], done(reset)["orders_max"], reset.headers["etag"]) == (False, None, '"v2"')


def test_orders_go_by_the_limit_of_the_day_and_the_answer_says_what_is_over(shop: Served) -> None:
    assert [booked(shop, name) for name in ("a", "b")] == ["2026-06-01"] * 2
    told = done(shop.call("PUT", DAY, {"orders_max": 1}, key="1", if_none_match="*"))
    assert (told["orders"], told["orders_over"], told["units_over"]) == (2, 1, 0)
    assert booked(shop, "c") == "2026-06-02"
    days = done(shop.call("GET", "/v1/nodes/wh/capacity?from=2026-06-01&days=2"))["days"]
    assert [(d["day"], d["orders"], d["orders_max"], d["edited"]) for d in days] == [
        ("2026-06-01", 2, 1, True),
        ("2026-06-02", 1, None, False),
    ]


def test_a_day_that_lies_far_ahead_is_kept_and_shown(shop: Served) -> None:
    done(shop.call("PUT", "/v1/nodes/wh/capacity/2027-11-26", {"orders_max": 200}, key="1", if_none_match="*"))
    days = done(shop.call("GET", "/v1/nodes/wh/capacity?from=2027-11-25&days=3"))["days"]
    assert [(d["day"], d["orders_max"], d["edited"]) for d in days] == [("2027-11-26", 200, True)]
    assert done(shop.call("GET", "/v1/nodes/wh/capacity/2027-11-25"))["orders_max"] is None


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("2026-05-30", {"orders_max": 1}, "{day}"),
        ("yesterday", {"orders_max": 1}, "{day}"),
        ("2026-06-01", {"orders_max": -1}, "/orders_max"),
        ("2026-06-01", {"most": 1}, "/most"),
        ("2026-06-01", {"slots": [{"hour": 24}]}, "/slots/0/hour"),
        ("2026-06-01", {"slots": [{"hour": 10, "orders_max": 0}]}, "/slots"),
    ],
)
def test_what_cannot_be_is_named_by_its_field(shop: Served, path: str, body: Any, pointer: str) -> None:
    refused = shop.call("PUT", f"/v1/nodes/wh/capacity/{path}", body, key="1", if_match='"v0"')
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    unknown = shop.call("PUT", "/v1/nodes/x/capacity/2026-06-01", {"orders_max": 1}, key="2", if_match='"v0"')
    assert unknown.status_code == 422


def test_only_a_planner_sets_limits(shop: Served) -> None:
    oms, planner = shop.make_key("oms"), shop.make_key("planner")
    assert shop.call("GET", DAY, x_api_key=oms).status_code == 200
    assert shop.call("PUT", DAY, {"orders_max": 1}, key="1", if_match='"v0"', x_api_key=oms).status_code == 403
    made = shop.call("PUT", DAY, {"orders_max": 1}, key="2", if_match='"v0"', x_api_key=planner)
    assert done(made)["version"] == 1

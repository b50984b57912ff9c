"""Stock, what is due, and settings, over HTTP."""

from typing import Any

import pytest

from tests.api.http.served import Served, order
from tests.api.http.test_lifecycle_http import done, stock

NDJSON = "application/x-ndjson"


def test_a_count_is_set_by_who_has_seen_what_it_replaces(shop: Served) -> None:
    tag = shop.call("GET", "/v1/stock/wh/a").headers["etag"]
    assert (
        shop.call("PUT", "/v1/stock/wh/a", {"on_hand": 7}, key="1").json()["type"] == "/problems/precondition-required"
    )
    stale = shop.call("PUT", "/v1/stock/wh/a", {"on_hand": 7}, key="1", if_match='"v3"')
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-conflict")
    counted = shop.call("PUT", "/v1/stock/wh/a", {"on_hand": 7}, key="1", if_match=tag)
    assert (done(counted)["on_hand"], counted.headers["etag"]) == (7, '"v1"')
    again = shop.call("PUT", "/v1/stock/wh/a", {"on_hand": 7}, key="1", if_match=tag)
    assert (again.content, again.headers["idempotency-replayed"]) == (counted.content, "true")
    other = shop.call("PUT", "/v1/stock/wh/a", {"on_hand": 8}, key="1", if_match='"v1"')
    assert other.json()["type"] == "/problems/idempotency-payload"
    assert stock(shop) == (7, 0)


def test_less_than_is_reserved_opens_a_case(shop: Served) -> None:
    done(shop.call("POST", "/v1/allocations", order(quantity=6), key="1"))
    done(shop.call("PUT", "/v1/stock/wh/a", {"on_hand": 2}, key="2", if_match='"v1"'))
    (case,) = done(shop.call("GET", "/v1/exceptions"))["exceptions"]
    assert (case["kind"], case["data"]["holders"][0]["order_id"]) == ("stock_short", "o1")


def test_a_change_never_takes_what_is_reserved(shop: Served) -> None:
    done(shop.call("POST", "/v1/allocations", order(quantity=6), key="1"))
    body = {"node": "wh", "sku": "a", "units": -4}
    assert done(shop.call("POST", "/v1/stock:adjust", body, key="2"))["on_hand"] == 6
    refused = shop.call("POST", "/v1/stock:adjust", body | {"units": -1}, key="3")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-enough")


FEED = b"""
{"node":"wh","sku":"a","on_hand":5,"seq":2}
{"node":"wh","sku":"b","units":3}

{"node":"nowhere","sku":"a","on_hand":5}
{"node":"wh","sku":"a","on_hand":-1}
not json
{"node":"wh","sku":"c","on_hand":1,"colour":"red"}
{"node":"wh","sku":"a","on_hand":9,"seq":1}
"""


def test_a_feed_applies_what_it_can_and_keeps_the_rest_for_people(shop: Served) -> None:
    said = done(shop.call("POST", "/v1/stock:sync?source=erp", FEED, key="f1", content_type=NDJSON))
    assert said["results"] == ["applied", "applied", *["quarantined"] * 4, "late"]
    assert [(r["row"], r["field"]) for r in said["refused"]] == [(3, "node"), (4, "on_hand"), (5, "line"), (6, "line")]
    assert (stock(shop), stock(shop, sku="b")) == ((5, 0), (13, 0))
    repeated = shop.call("POST", "/v1/stock:sync?source=erp", FEED, key="f1", content_type=NDJSON)
    assert (repeated.json(), repeated.headers["idempotency-replayed"]) == (said, "true")
    assert stock(shop, sku="b") == (13, 0)
    lines = done(shop.call("GET", "/v1/quarantine?limit=3"))
    assert [line["row"] for line in lines["lines"]] == [3, 4, 5]
    rest = done(shop.call("GET", f"/v1/quarantine?limit=3&cursor={lines['next']}"))
    assert [line["row"] for line in rest["lines"]] == [6]
    body = {"source": "erp", "batch": lines["lines"][0]["batch"], "rows": [3, 4, 5], "action": "dismiss"}
    assert done(shop.call("POST", "/v1/quarantine:settle", body, key="q1"))["numbers"] == {"dismissed": 3}
    assert shop.call("POST", "/v1/quarantine:settle", body, key="q2").status_code == 404
    retry = done(shop.call("POST", "/v1/quarantine:settle", body | {"rows": [6], "action": "apply"}, key="q3"))
    assert (retry["results"], stock(shop, sku="c")) == (["applied"], (1, 0))


def test_a_feed_as_csv_is_the_same(shop: Served) -> None:
    text = '﻿node,sku,on_hand,seq,counted_at\nwh,a,5,2,2026-06-01T05:00:00Z\n"wh",b,x,,\nwh,c\nwh,c,4,,\n'
    said = done(shop.call("POST", "/v1/stock:sync", text.encode(), key="f1", content_type="text/csv; charset=utf-8"))
    assert said["results"] == ["applied", "quarantined", "quarantined", "applied"]
    assert (stock(shop), stock(shop, sku="c")) == ((5, 0), (4, 0))


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", NDJSON, 422),
        (b"\n\n", NDJSON, 422),
        (b"node,colour\n", "text/csv", 422),
        (b"\xff", "text/csv", 400),
        (b"node,sku\nwh,a", "text/csv", 200),
        (b"{}", "application/json", 415),
    ],
)
def test_a_feed_of_another_form_is_refused(shop: Served, body: bytes, kind: str, status: int) -> None:
    assert shop.call("POST", "/v1/stock:sync", body, key="f1", content_type=kind).status_code == status


def test_lots_are_announced_changed_and_received(shop: Served) -> None:
    body: dict[str, Any] = {"node": "wh", "sku": "a", "units": 30, "available_at": "2026-06-03T08:00:00Z"}
    made = shop.call("PUT", "/v1/inbound/po/1".replace("po/1", "po%2F1"), body, key="1")
    assert (done(made)["lot_id"], made.headers["etag"]) == ("po/1", '"v1"')
    assert shop.call("PUT", "/v1/inbound/po%2F1", body, key="2", if_match='"v9"').status_code == 412
    (row,) = done(shop.call("GET", "/v1/availability?sku=a&node=wh"))["availability"]
    assert (row["ato"], row["futures"][0]["quantity"]) == (40, 30)
    got = done(shop.call("POST", "/v1/inbound/po%2F1:receive", {"units": 20}, key="3"))
    assert got["units"] == 10
    assert stock(shop) == (30, 0)
    assert [lot["units"] for lot in done(shop.call("GET", "/v1/inbound?node=wh"))["lots"]] == [10]
    assert shop.call("POST", "/v1/inbound/x:receive", {"units": 1}, key="4").status_code == 404


def test_units_that_are_held_back_are_not_promised(shop: Served) -> None:
    body = {"rule": "safety", "node": "wh", "sku": "a", "units": 8}
    done(shop.call("PUT", "/v1/held-back", body, key="1"))
    (row,) = done(shop.call("GET", "/v1/availability?sku=a&node=wh"))["availability"]
    assert (row["safety"], row["atf"]) == (8, 2)
    assert shop.call("PUT", "/v1/held-back", body, key="2", if_match='"v7"').status_code == 412


def test_a_policy_gets_a_new_version_by_who_has_seen_the_last(shop: Served) -> None:
    (first,) = done(shop.call("GET", "/v1/policies"))["policies"]
    path = f"/v1/policies/{first['policy_id']}"
    tag = shop.call("GET", path).headers["etag"]
    body = {"policy": {"split_cents": 999}}
    assert shop.call("PUT", path, body, key="1").status_code == 428
    made = shop.call("PUT", path, body, key="1", if_match=tag)
    assert (done(made, 201)["version"], done(made, 201)["policy"]["split_cents"]) == (first["version"] + 1, 999)
    assert shop.call("PUT", path, body, key="2", if_match=tag).status_code == 412
    assert shop.call("GET", path).headers["etag"] == made.headers["etag"]
    said = done(shop.call("POST", "/v1/allocations", order(), key="3"))
    assert said["versions"]["policy_version"] == first["version"] + 1
    (entry,) = done(shop.call("GET", f"/v1/audit?subject=policy:{first['policy_id']}"))["entries"]
    assert entry["after"]["split_cents"] == 999
    assert shop.call("GET", "/v1/policies/x").status_code == 404


def test_a_policy_is_withdrawn_before_it_begins(shop: Served) -> None:
    body = {"policy": {}, "valid_from": "2026-07-01T00:00:00Z"}
    made = shop.call("PUT", "/v1/policies/default", body, key="1", if_match='"v1"')
    path = "/v1/policies/default/versions/2"
    assert shop.call("DELETE", path, key="2").status_code == 428
    assert shop.call("DELETE", path, key="2", if_match='"v1"').status_code == 412
    assert done(shop.call("DELETE", path, key="2", if_match=made.headers["etag"]))["withdrawn"]
    assert shop.call("DELETE", "/v1/policies/default/versions/7", key="3", if_match='"v2"').status_code == 404


@pytest.mark.parametrize(
    "policy",
    [
        {"split_cents": -1},
        {"split_cents": 10**30},
        {"splits": 1},
        {"weights_permille": {"nonsense": 1}},
        {"relaxations": [{"rule": "deliver_by", "days": 10**12}]},
        {"max_shipments": "many"},
        {"promise_confidence_permille": 0},
    ],
)
def test_a_policy_that_cannot_be_is_refused(shop: Served, policy: Any) -> None:
    answer = shop.call("PUT", "/v1/policies/default", {"policy": policy}, key="1", if_match='"v1"')
    assert answer.status_code == 422, answer.text


def test_a_new_policy_is_made_where_there_is_none(shop: Served) -> None:
    assert done(shop.call("PUT", "/v1/policies/sale", {"policy": {}}, key="1", if_none_match="*"), 201)["version"] == 1
    assert shop.call("PUT", "/v1/policies/sale", {"policy": {}}, key="2", if_none_match="*").status_code == 412


def test_settings_of_a_node_and_its_capacity(shop: Served) -> None:
    tag = shop.call("GET", "/v1/nodes/wh/settings").headers["etag"]
    assert tag == '"v0"'
    body = {"capacity_day_orders": 5, "safety_stock": 2}
    assert shop.call("PUT", "/v1/nodes/wh/settings", body, key="1").status_code == 428
    made = shop.call("PUT", "/v1/nodes/wh/settings", body, key="1", if_match=tag)
    assert (done(made)["changes"], made.headers["etag"]) == (body, '"v1"')
    assert shop.call("PUT", "/v1/nodes/wh/settings", body, key="2", if_match=tag).status_code == 412
    assert done(shop.call("GET", "/v1/nodes/wh/settings"))["version"] == 1
    done(shop.call("POST", "/v1/allocations", order(), key="3"))
    days = done(shop.call("GET", "/v1/nodes/wh/capacity?from=2026-06-01&days=2"))["days"]
    assert [(d["day"], d["orders"], d["units"]) for d in days] == [("2026-06-01", 1, 1), ("2026-06-02", 0, 0)]
    assert shop.call("GET", "/v1/nodes/x/capacity").status_code == 422


def test_a_sku_before_its_release_is_not_promised(shop: Served) -> None:
    done(shop.call("PUT", "/v1/skus/a/settings", {"release_at": "2026-07-01T00:00:00Z"}, key="1"))
    assert done(shop.call("POST", "/v1/allocations", order(), key="2"))["status"] == "infeasible"

"""Ids with odd characters, pages, versions: what the addresses and headers carry."""

from typing import Any
from urllib.parse import quote

import pytest

from tests import builders
from tests.api.http.served import Served, order, served

ODD = ("a/b", "a%2Fb", "ä ö", "x?y=1&z", "50% off", "semi;colon", "a:confirm", "..", "#1", "\N{SNOWMAN}", "a+b", "'\"")


@pytest.mark.parametrize("name", ODD)
def test_an_id_may_hold_any_character(shop: Served, name: str) -> None:
    said = shop.call("POST", "/v1/allocations", order(name), key="k").json()
    assert said["order_id"] == name
    held = shop.call("GET", f"/v1/reservations/{quote(name, safe='').replace('..', '%2E%2E')}")
    assert held.json()["reservation_id"] == name
    (one,) = shop.call("GET", f"/v1/decisions?order_id={quote(name, safe='')}").json()["decisions"]
    assert one["order_id"] == name


def test_nodes_and_skus_may_hold_any_character() -> None:
    nodes = tuple(builders.node(name) for name in ODD)
    skus = builders.sku_table(*ODD)
    shop = builders.network(
        nodes=nodes,
        skus=skus,
        stock={(name, name): 5 for name in ODD},
        lanes=(),
        collections=tuple(builders.collection(name, service) for name in ODD for service in ("std", "exp")),
    )
    with served(shop) as running:
        for name in ODD:
            answer = running.call("GET", f"/v1/nodes/{quote(name, safe='').replace('..', '%2E%2E')}")
            assert answer.json()["node"] == name
            said = running.call("POST", "/v1/allocations", order(name, sku=name), key=str(ODD.index(name))).json()
            assert said["shipments"][0]["node"] == name


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "a\x00b", "\x7f"])
def test_an_id_that_nobody_could_read_is_refused(shop: Served, name: str) -> None:
    assert shop.call("POST", "/v1/allocations", order(name), key="k").json()["type"] == "/problems/validation"


def pages(shop: Served, path: str, field: str) -> list[list[Any]]:
    found = []
    following: str | None = path
    while following is not None:
        answer = shop.call("GET", following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[field])
        link = answer.headers.get("link")
        assert (link is None) == (answer.json()["next"] is None)
        following = link[1 : link.index(">")] if link is not None else None
    return found


def test_pages_have_every_entry_once_in_their_order(shop: Served) -> None:
    for i in range(7):
        shop.call("POST", "/v1/allocations", order(f"o/{i}"), key=f"k{i}")
    whole = shop.call("GET", "/v1/reservations?limit=1000").json()["reservations"]
    assert len(whole) == 7
    for limit in (1, 2, 3, 7):
        found = pages(shop, f"/v1/reservations?limit={limit}&state=held", "reservations")
        assert [one for page in found for one in page] == whole
        assert {len(page) for page in found[:-1]} <= {limit}
    nodes = [node["node"] for page in pages(shop, "/v1/nodes?limit=2", "nodes") for node in page]
    assert nodes == ["pp", "st", "wh"]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "bnVsbA", "W10", "WyJhIiwxXQ", "é", "=" * 10])
def test_a_cursor_of_another_list_is_refused(shop: Served, cursor: str) -> None:
    answer = shop.call("GET", f"/v1/reservations?cursor={quote(cursor)}")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor")


def test_a_reader_that_has_this_version_gets_no_body(shop: Served) -> None:
    shop.call("POST", "/v1/allocations", order(), key="k")
    tag = shop.call("GET", "/v1/reservations/o1").headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = shop.call("GET", "/v1/reservations/o1", if_none_match=given)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert shop.call("GET", "/v1/reservations/o1", if_none_match='"v9"').status_code == 200


def rejected_case(shop: Served) -> str:
    """A case that is open: the only node with that much could not find it."""
    shop.call("POST", "/v1/allocations", order(quantity=9), key="k")
    body = {"rejection_id": "r1", "reservation_id": "o1", "part": 1, "reason": "not_found", "whole_part": True}
    lines = {"lines": [{"line_id": "1", "units": 9}]}
    said = shop.call("POST", "/v1/rejections", body | lines, key="k").json()
    if said["outcome"] != "exception":
        part = said["shipments"][0]["part"]
        again = body | lines | {"rejection_id": "r2", "part": part}
        said = shop.call("POST", "/v1/rejections", again, key="k2").json()
    (case,) = said["exceptions"]
    return str(case)


def test_whoever_changes_a_case_says_which_version_was_read(shop: Served) -> None:
    path = f"/v1/exceptions/{quote(rejected_case(shop), safe='')}"
    tag = shop.call("GET", path).headers["etag"]
    body = {"to": "anna"}
    missing = shop.call("POST", f"{path}:take", body, key="t1")
    assert (missing.status_code, missing.json()["type"]) == (428, "/problems/precondition-required")
    for other in ('"v7"', "*", "x", '"v-1"', f"W/{tag}"):
        stale = shop.call("POST", f"{path}:take", body, key="t1", if_match=other)
        assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-conflict"), other
    taken = shop.call("POST", f"{path}:take", body, key="t1", if_match=tag)
    assert (taken.json()["assigned_to"], taken.headers["etag"]) == ("anna", '"v2"')
    late = shop.call("POST", f"{path}:take", {"to": "ben"}, key="t2", if_match=tag)
    assert late.status_code == 412
    done = shop.call("POST", f"{path}:resolve", {"resolution": "close"}, key="t3", if_match='"v2"')
    assert done.json()["case"]["state"] == "resolved"
    (listed,) = shop.call("GET", "/v1/exceptions?state=resolved").json()["exceptions"]
    assert listed["resolution"] == "close"


def test_a_trace_of_the_caller_is_kept_and_one_that_is_none_is_replaced(shop: Served) -> None:
    assert shop.call("GET", "/problems", x_request_id="my-id:1").headers["x-request-id"] == "my-id:1"
    for given in ({"x_request_id": "a b"}, {"x_request_id": "x" * 65}, {"traceparent": "00-zz-01"}, {}):
        made = shop.call("GET", "/problems", **given).headers["x-request-id"]
        assert len(made) == 32


def test_web_pages_of_named_origins_may_call_and_others_may_not() -> None:
    with served(cors_origins="https://shop.example https://b.example") as shop:
        asked = {"access_control_request_method": "POST", "access_control_request_headers": "idempotency-key"}
        for origin, status in (("https://shop.example", 200), ("https://evil.example", 400)):
            answer = shop.call("OPTIONS", "/v1/allocations", origin=origin, **asked)
            assert answer.status_code == status
        told = shop.call("POST", "/v1/allocations", order(), key="k", origin="https://b.example")
        assert told.headers["access-control-allow-origin"] == "https://b.example"
        other = shop.call("GET", "/v1/reservations", origin="https://evil.example")
        assert "access-control-allow-origin" not in other.headers
    with served() as shop:
        assert "access-control-allow-origin" not in shop.call("GET", "/problems", origin="https://b.example").headers


def test_what_came_back_is_listed_page_by_page(shop: Served) -> None:
    for i in range(5):
        lines = [{"sku": sku, "quantity": 1, "grade": "opened"} for sku in ("a", "b")]
        body = {"return_id": f"r{i}", "node": "st" if i % 2 else "wh", "lines": lines}
        assert shop.call("POST", "/v1/returns", body, key=f"{i}").status_code == 201
    found, cursor = [], ""
    while cursor is not None:
        page = shop.call("GET", f"/v1/returns?limit=3&cursor={cursor}").json()
        found += [(entry["return_id"], entry["line"], entry["node"]) for entry in page["returns"]]
        cursor = page["next"]
    assert found == [(f"r{i}", line, "st" if i % 2 else "wh") for i in range(5) for line in (1, 2)]

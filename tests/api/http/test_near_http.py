"""Stores nearby over HTTP: how it is asked, what is refused, and how long an answer may be kept."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests import builders
from tests.api.http.served import Served, served
from tests.api.http.test_lifecycle_http import done

PATH = "/v1/availability/near"
PARIS = f"{PATH}?country=FR&postcode=75011"


@pytest.fixture
def shops() -> Iterator[Served]:
    nodes = (builders.node(), builders.store("near", lat=48.9, lon=2.35), builders.store("far"))
    with served(builders.network(nodes=nodes, lanes=(), collections=())) as running:
        yield running


def test_the_nearest_come_first_with_when_they_open_and_when_it_is_ready(shops: Served) -> None:
    found = done(shops.call("GET", f"{PARIS}&sku=a&sku=zz&quantity=2&quantity=1"))
    assert [store["node"] for store in found["stores"]] == ["near", "far"]
    assert (found["located"], found["prefix"], found["unknown_skus"]) == ("prefix", "75", ["zz"])
    (near, _) = found["stores"]
    assert near["skus"][0] | {"told_at": None} == {
        "sku": "a",
        "quantity": 2,
        "available": 10,
        "enough": True,
        "sure_permille": 999,
        "told_at": None,
    }
    order = {
        "order_id": "o1",
        "lines": [{"line_id": "1", "sku": "a", "quantity": 2}],
        "pickup_node": "near",
    }
    assert done(shops.call("POST", "/v1/allocations", order, key="1"))["deliver_by"] == near["ready_at"]


def test_an_answer_is_as_documented(shops: Served) -> None:
    document = shops.call("GET", "/openapi.json").json()
    operation = document["paths"][PATH]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    check = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
    for query in ("&sku=a", "&sku=a&sku=b&quantity=11&quantity=1", "&sku=a&all=true&limit=1&max_distance_m=1"):
        check.validate(done(shops.call("GET", PARIS + query)))
    assert operation["x-scopes"] == ["checkout", "oms"]


def test_an_answer_may_be_kept_until_it_changes_by_the_clock(shops: Served) -> None:
    answer = shops.call("GET", f"{PARIS}&sku=a")
    assert answer.headers["cache-control"] == "private, max-age=60"
    tag = answer.headers["etag"]
    assert tag == f'W/"{answer.json()["version"]}"'
    shops.desk.clock_s.now_s += 3_600 - 30  # type: ignore[attr-defined]  # it opens in half a minute
    for sent in (tag, f'"x", {tag}'):
        same = shops.call("GET", f"{PARIS}&sku=a", if_none_match=sent)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert same.headers["cache-control"] == "private, max-age=30"
    for query in ("&sku=b", "&sku=a&quantity=2", "&sku=a&limit=1"):
        assert shops.call("GET", PARIS + query, if_none_match=tag).status_code == 200
    done(shops.call("POST", "/v1/stock:adjust", {"node": "far", "sku": "a", "units": -1}, key="1"))
    changed = shops.call("GET", f"{PARIS}&sku=a", if_none_match=tag)
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("country=FR&postcode=75011", "?sku"),
        ("country=FR&sku=a", "?postcode"),
        ("country=FR&sku=a&lat=48.9", "?lon"),
        ("country=FR&sku=a&lat=99&lon=2", "?lat"),
        ("country=FR&sku=a&lat=nan&lon=2", "?lat"),
        ("country=FR&sku=a&postcode=99999", "?postcode"),
        ("country=ZZ&sku=a&postcode=75011", "?country"),
        ("country=FRANCE&sku=a&postcode=75011", "?country"),
        ("sku=a&postcode=75011", "?country"),
        ("country=FR&postcode=75011&sku=zz", "?sku"),
        ("country=FR&postcode=75011&" + "&".join(f"sku=s{i}" for i in range(21)), "?sku"),
        ("country=FR&postcode=75011&sku=a&quantity=0", "?quantity/0"),
        ("country=FR&postcode=75011&sku=a&quantity=two", "?quantity/0"),
        ("country=FR&postcode=75011&sku=a&quantity=1&quantity=2", "?quantity"),
        ("country=FR&postcode=75011&sku=a&limit=51", "?limit"),
        ("country=FR&postcode=75011&sku=a&max_distance_m=0", "?max_distance_m"),
        ("country=FR&postcode=75011&sku=a&all=maybe", "?all"),
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_is_wrong(shops: Served, query: str, pointer: str) -> None:
    answer = shops.call("GET", f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_country_in_small_letters_is_the_same(shops: Served) -> None:
    small = shops.call("GET", f"{PATH}?country=fr&postcode=75011&sku=a")
    assert done(small)["version"] == done(shops.call("GET", f"{PARIS}&sku=a"))["version"]


def test_a_checkout_asks_and_a_planner_does_not(shops: Served) -> None:
    tokens: dict[str, Any] = {scope: shops.make_key(scope) for scope in ("checkout", "planner")}
    found = {scope: shops.call("GET", f"{PARIS}&sku=a", x_api_key=token) for scope, token in tokens.items()}
    assert {scope: answer.status_code for scope, answer in found.items()} == {"checkout": 200, "planner": 403}

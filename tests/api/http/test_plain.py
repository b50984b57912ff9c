"""Texts that no database keeps: refused wherever they come in, with the place where they stand."""

import re
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from api.http.paging import cursor_of
from engine.stock.ledger import Ledger
from tests.api.http.ops_cases import in_service
from tests.api.http.served import Served, order, served
from tests.api.http.test_lifecycle_http import done
from tests.examples import examples

NDJSON = "application/x-ndjson"
BYTES = ("%00", "a%00b", "%FF", "%C3", "%ED%A0%80", "%C0%80")
FINE = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=4)
LEAF = st.none() | st.booleans() | st.integers(-9, 9) | FINE


@pytest.fixture(scope="module")
def shop() -> Iterator[Served]:
    with in_service() as running:
        yield running


def calls(shop: Served) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation: method, template of its path, its documentation."""
    paths = shop.call("GET", "/openapi.json").json()["paths"]
    return [(m.upper(), path, said) for path, by in sorted(paths.items()) for m, said in sorted(by.items())]


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[Any, str]:
    """A document with one text that cannot be kept, and the pointer to it."""
    value: Any = draw(FINE) + "\0" + draw(FINE)
    where = ""
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            name = draw(FINE)
            value = {name: value}
            where = f"/{name.replace('~', '~0').replace('/', '~1')}{where}"
        else:
            before = draw(st.lists(LEAF, max_size=2))
            value, where = [*before, value], f"/{len(before)}{where}"
    return value, where


def test_a_body_is_refused_with_the_place_of_the_text(shop: Served) -> None:
    bodies = [
        (method, re.sub(r"\{[^}]*\}", "x", path))
        for method, path, said in calls(shop)
        if "application/json" in said.get("requestBody", {}).get("content", {}) and "bulk" not in path
    ]
    assert len(bodies) > 20

    @settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
    @given(call=st.sampled_from(bodies), made=spoilt())
    def ask(call: tuple[str, str], made: tuple[Any, str]) -> None:
        body, where = made
        answer = shop.call(*call, body, key="k", if_match='"v1"')
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [where]

    ask()


@pytest.mark.parametrize("text", [rb'{"a": "\ud800"}', rb'{"a": "\udc00\ud800"}', b'{"a": "\xed\xa0\x80"}'])
def test_half_a_character_is_no_json(shop: Served, text: bytes) -> None:
    for method, path in (("POST", "/v1/allocations"), ("POST", "/v1/stock:adjust"), ("PUT", "/v1/policies/x")):
        assert shop.call(method, path, text, key="k", if_match='"v1"').status_code == 400


def test_an_escaped_backslash_is_no_such_character(shop: Served) -> None:
    body = rb'{"node": "wh", "sku": "a", "units": -1, "cause": "\\u0000"}'
    assert done(shop.call("POST", "/v1/stock:adjust", body, key="escaped"))["cause"] == r"\u0000"


def test_every_part_of_every_path_and_every_parameter_is_looked_at(shop: Served) -> None:
    tried = 0
    for method, path, said in calls(shop):
        body: Any = {} if "requestBody" in said else None
        for name in re.findall(r"\{([^}]*)\}", path):
            for text in BYTES:
                spoilt = re.sub(r"\{[^}]*\}", "x", path.replace(f"{{{name}}}", text))
                answer = shop.call(method, spoilt, body, key="k", if_match='"v1"')
                assert answer.status_code in (415, 422), (path, answer.text)
                if answer.status_code == 422:
                    assert answer.json()["errors"][0]["pointer"] == f"{{{name}}}"
                    tried += 1
        if method != "GET":
            continue
        plain = re.sub(r"\{[^}]*\}", "x", path)
        for name in [one["name"] for one in said["parameters"] if one["in"] == "query"]:
            for text in BYTES:
                answer = shop.call(method, f"{plain}?{name}={text}")
                assert answer.status_code == 422, (path, name, answer.text)
                assert answer.json()["errors"][0]["pointer"] == f"?{name}"
                tried += 1
    assert tried > 200


def test_what_gets_as_far_as_a_ledger_can_be_kept(ledger: Ledger) -> None:
    with served(ledger=ledger) as shop:
        lines = rb'{"node":"w\u0000h","sku":"a","on_hand":1}' + b"\n" + rb'{"node":"wh","sku":"\u0000","on_hand":1}'
        lines += b"\n\0\n" + rb'{"node":"wh","sku":"a","on_hand":3,"x\u0000":1}' + b"\n"
        lines += rb'{"node":"\ud800","sku":"a","on_hand":3}' + b"\n" + rb'{"node":"wh","sku":"a","on_hand":4}'
        said = done(shop.call("POST", "/v1/stock:sync", lines, key="1", content_type=NDJSON))
        assert said["results"] == [*["quarantined"] * 5, "applied"]
        assert [one["field"] for one in said["refused"]] == ["node", "sku", "line", "line", "line"]
        table = b"node,sku,on_hand\nw\0h,a,1\nwh,a\0,1\nwh,a,1\0\nwh,a,5\n"
        said = done(shop.call("POST", "/v1/stock:sync", table, key="2", content_type="text/csv"))
        assert said["results"] == [*["quarantined"] * 3, "applied"]
        assert [one["field"] for one in said["refused"]] == ["node", "sku", "line"]
        header = shop.call("POST", "/v1/stock:sync", b"no\0de,sku\n", key="3", content_type="text/csv")
        assert header.status_code == 422
        assert len(done(shop.call("GET", "/v1/quarantine"))["lines"]) == 8
        rows = [msgspec.json.encode(order(name)) for name in ("good", "b\0d")]
        bulk = shop.call("POST", "/v1/allocations:bulk", b"\n".join(rows), key="4", content_type=NDJSON)
        assert [msgspec.json.decode(line)["status"] for line in bulk.content.splitlines()] == [200, 422]
        bad = cursor_of((1, "\0", "x", 1))
        assert shop.call("GET", f"/v1/quarantine?cursor={bad}").json()["type"] == "/problems/bad-cursor"

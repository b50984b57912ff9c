"""Whatever is sent, nothing breaks: requests made from the documentation, and bodies that are no such thing."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine.stock.records import DecisionRecord, Reservation
from tests.api.http.ops_cases import in_service
from tests.api.http.served import Served, order
from tests.examples import examples

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = {"/v1/events/stream"}
FEW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.fixture(scope="module")
def shop() -> Iterator[Served]:
    """One shop for all of them: what one call leaves behind, the next ones find."""
    with in_service() as running:
        running.call("POST", "/v1/allocations", order("o1"), key="seed")
        yield running


def operations(shop: Served) -> Iterator[Any]:
    document = shop.call("GET", "/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path not in ENDLESS:
            yield operation


def test_requests_made_from_the_documentation_are_answered_as_documented(shop: Served) -> None:
    tried = 0
    address = str(shop.client.base_url).rstrip("/")
    for operation in operations(shop):

        @settings(max_examples=examples(5), deadline=None, suppress_health_check=FEW)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal tried
            case.headers.pop("Request-Timeout-Ms", None)  # too little time is answered 503, as it should be
            response = case.call(base_url=address, timeout=20)
            case.validate_response(response, checks=CHECKS)
            tried += 1

        ask()
    assert tried > 100


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """An order that somebody broke: cut off, with bytes changed, or with a field of another kind."""
    body = order("spoilt", deliver_by="2026-06-05T10:00:00Z", attributes={"a": "b"}, keep_together=[["1"]])
    how = draw(st.sampled_from(("cut", "bytes", "field", "line", "junk", "raw")))
    text = msgspec.json.encode(body)
    if how == "cut":
        return text[: draw(st.integers(0, len(text) - 1))]
    if how == "bytes":
        at = draw(st.integers(0, len(text) - 1))
        return text[:at] + draw(st.binary(min_size=1, max_size=3)) + text[at + 1 :]
    if how == "field":
        body[draw(st.sampled_from(sorted(body)) | st.text(max_size=10))] = draw(JUNK)
    elif how == "line":
        body["lines"][0][draw(st.sampled_from(("line_id", "sku", "quantity", "pin_node", "x")))] = draw(JUNK)
    elif how == "junk":
        return _encoded(draw(JUNK))
    else:
        return draw(st.binary(max_size=200))
    return _encoded(body)


def _encoded(value: Any) -> bytes:
    """As JSON of those who are not strict: NaN, lone halves of characters, whole numbers of any size."""
    return json.dumps(value, ensure_ascii=True).encode()


@pytest.mark.parametrize("path", ["/v1/allocations", "/v1/allocations:bulk", "/v1/rejections", "/v1/keys"])
def test_a_spoilt_body_is_a_problem_of_the_caller_and_changes_nothing(shop: Served, path: str) -> None:
    ledger = shop.desk.ledger

    def found() -> Any:
        return [len(ledger.find(kind, limit=100_000)) for kind in (DecisionRecord, Reservation)]

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=FEW)
    @given(body=spoilt(), kind=st.sampled_from(("application/json", "application/x-ndjson", "text/plain")))
    def ask(body: bytes, kind: str) -> None:
        before = found()
        answer = shop.call("POST", path, body, key=f"{zlib.crc32(body)}", content_type=kind)
        assert answer.status_code < 500, answer.text
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.status_code >= 400
            assert found() == before

    ask()


def test_headers_that_are_nonsense_are_a_problem_of_the_caller(shop: Served) -> None:
    names = ("authorization", "x-api-key", "idempotency-key", "request-timeout-ms", "if-match", "if-none-match")
    more = ("traceparent", "x-request-id", "accept", "content-type", "cookie", "range", "expect")
    values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60).map(
        str.strip
    )

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=FEW)
    @given(name=st.sampled_from(names + more), value=values, path=st.sampled_from(("/v1/allocations", "/v1/keys")))
    def ask(name: str, value: str, path: str) -> None:
        headers = [
            (b"idempotency-key", b"h"),
            (b"content-type", b"application/json"),
            (name.encode(), value.encode("latin-1")),
        ]
        assert shop.client.post(path, content=b"{}", headers=headers).status_code < 500
        assert shop.client.get("/v1/reservations/o1", headers=headers).status_code < 500

    ask()

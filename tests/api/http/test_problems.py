"""Every error is a problem document whose type leads to a page."""

import ast
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.http.kinds import ALIASES, KINDS, kind_of
from api.http.operations import Operations
from engine.desk import desk as desk_module
from engine.stock.ledger import LedgerBusyError
from tests.api.http.served import Served, order, served

ROOT = Path(__file__).parents[3]


def problem(answer: httpx.Response, status: int, name: str) -> Any:
    """The document of a problem, which must be of this kind; its page must be there."""
    document = answer.json()
    assert (answer.status_code, document["status"], document["type"]) == (status, status, f"/problems/{name}"), document
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["trace_id"] == answer.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    assert document["retryable"] == KINDS[name].retryable
    assert "Traceback" not in answer.text
    return document


def test_the_page_of_every_kind_says_what_to_do(shop: Served) -> None:
    index = shop.call("GET", "/problems").text
    for kind in KINDS.values():
        assert f"/problems/{kind.name}" in index
        page = shop.call("GET", f"/problems/{kind.name}")
        assert page.status_code == 200
        assert kind.name in page.text
    problem(shop.call("GET", "/problems/nonsense"), 404, "not-found")


def test_every_code_of_the_desk_has_a_kind() -> None:
    codes = set()
    for path in (*(ROOT / "engine" / "desk").glob("*.py"), *(ROOT / "api" / "http").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id in ("DeskError", "HttpProblemError") and isinstance(first, ast.Constant):
                    codes.add(first.value)
    assert len(codes) > 15
    unknown = {c for c in codes if c not in KINDS and c not in ALIASES and not c.startswith("unknown-")}
    assert unknown == set()
    assert kind_of("unknown-anything", 404).name == "unknown"


def test_an_address_that_is_not_there(shop: Served) -> None:
    problem(shop.call("GET", "/v2/allocations"), 404, "not-found")
    problem(shop.call("POST", "/v1/allocations/", order(), key="k"), 404, "not-found")


def test_a_method_that_is_not_known_names_those_that_are(shop: Served) -> None:
    answer = shop.call("PUT", "/v1/allocations", order(), key="k")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


def test_a_body_that_is_no_json(shop: Served) -> None:
    for body in (b"{", b"", b"\xff", b'{"order_id": NaN}', b'"\\ud800"', b"[" * 100_000):
        problem(shop.call("POST", "/v1/allocations", body, key="k"), 400, "malformed")
        problem(
            shop.call("POST", "/v1/rejections", body, key="k"), *((400, "malformed") if body else (422, "validation"))
        )


def test_a_body_with_wrong_fields_points_at_each(shop: Served) -> None:
    body = order(deliver_by="2026-06-02T10:00:00", colour="red") | {
        "lines": [{"line_id": "1", "sku": "a", "quantity": 0}]
    }
    document = problem(shop.call("POST", "/v1/allocations", body, key="k"), 422, "validation")
    assert {e["pointer"] for e in document["errors"]} == {"/deliver_by", "/colour", "/lines/0/quantity"}
    hints = {e["pointer"]: e.get("hint", "") for e in document["errors"]}
    assert "+01:00" in hints["/deliver_by"]


def test_a_parameter_that_is_wrong_is_named(shop: Served) -> None:
    document = problem(shop.call("GET", "/v1/reservations?limit=0"), 422, "validation")
    assert document["errors"][0]["pointer"] == "?limit"
    document = problem(shop.call("GET", "/v1/reservations/%00"), 422, "validation")
    assert document["errors"][0]["pointer"] == "{reservation_id}"


def test_a_body_of_another_type(shop: Served) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = shop.call("POST", "/v1/allocations", order(), key="k", content_type=kind)
        assert "application/json" in problem(answer, 415, "unsupported-media-type")["detail"]


def test_a_body_that_is_too_large_with_and_without_its_length() -> None:
    with served(body_bytes_max=2_000) as shop:
        body = b"x" * 2_001
        problem(shop.call("POST", "/v1/allocations", body, key="k"), 413, "too-large")
        chunks = (body[i : i + 100] for i in range(0, len(body), 100))
        headers = {"content-type": "application/json", "idempotency-key": "k"}
        problem(shop.client.post("/v1/allocations", content=chunks, headers=headers), 413, "too-large")


def test_what_is_unknown(shop: Served) -> None:
    for path in ("reservations/x", "decisions/x", "exceptions/x", "nodes/x", "keys/x"):
        problem(shop.call("GET", f"/v1/{path}"), 404, "unknown")
    body = {"rejection_id": "r", "reservation_id": "x", "part": 1, "lines": [{"line_id": "1", "units": 1}]}
    answer = shop.call("POST", "/v1/rejections", body | {"reason": "damaged"}, key="k")
    problem(answer, 404, "unknown-reservation")


def test_a_ledger_that_cannot_be_reached(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> Any:
        raise LedgerBusyError("locked")

    monkeypatch.setattr(shop.desk.ledger, "post", busy)
    answer = shop.call("POST", "/v1/allocations", order(), key="k")
    problem(answer, 503, "ledger-busy")
    assert answer.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert shop.call("POST", "/v1/allocations", order(), key="k").json()["status"] == "allocated"
    monkeypatch.setattr(shop.desk.ledger, "find", busy)
    problem(shop.call("GET", "/v1/reservations"), 503, "ledger-busy")


def test_a_mistake_of_ours_tells_its_trace_and_nothing_else(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(shop.desk.ledger, "find", broken)
    answer = shop.call("GET", "/v1/reservations", traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01")
    assert problem(answer, 500, "internal")["trace_id"] == "ab" * 16
    assert "secret" not in answer.text


def test_more_waiting_calls_than_allowed_are_refused_not_taken() -> None:
    with served(queue_max=1, desk_settings={"group_max": 1}) as shop:
        hold = threading.Event()
        threading.Thread(target=shop.desk.run, args=(lambda _: hold.wait(10) and None,)).start()
        with httpx.Client(base_url=shop.client.base_url) as other:
            headers = {"content-type": "application/json", "idempotency-key": "k1"}
            first = threading.Thread(
                target=other.post, args=("/v1/allocations",), kwargs={"json": order(), "headers": headers}
            )
            first.start()
            while not shop.desk.waiting:
                pass
            answer = shop.call("POST", "/v1/allocations", order("o2"), key="k2")
            hold.set()
            first.join()
        problem(answer, 503, "overloaded")
        assert shop.call("GET", "/v1/decisions?order_id=o2").json()["decisions"] == []


def test_a_desk_that_closes_says_that_another_one_will_answer(shop: Served) -> None:
    shop.desk.close()
    problem(shop.call("POST", "/v1/allocations", order(), key="k"), 503, "closing")


def test_races_lost_too_often_can_be_tried_again(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "ATTEMPTS_MAX", 1)
    real = shop.desk.ledger.post

    def contended(postings: Any, now_s: int, on_durable: Any = None) -> Any:
        key = postings[0].stock[0].key
        raised = [type(postings[0])(stock=[type(postings[0].stock[0])(key, -10, 0)])]
        real(raised, now_s)
        return real(postings, now_s, on_durable)

    monkeypatch.setattr(shop.desk.ledger, "post", contended)
    problem(shop.call("POST", "/v1/allocations", order(quantity=5), key="k"), 503, "contended")


def test_a_mistake_in_a_route_of_others_is_ours_too() -> None:
    more = Operations("more")

    @more.add("GET", "/more")
    async def more_of_it() -> Any:
        """Break."""
        raise ZeroDivisionError

    with served(extra=[more]) as shop:
        problem(shop.call("GET", "/more"), 500, "internal")

"""A call with a key is done once and answered the same, whatever happens in between."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.adapters.ledger import open_ledger
from tests.api.http.served import Served, order, served


def test_a_call_repeated_gets_the_same_bytes_and_says_so(shop: Served) -> None:
    first = shop.call("POST", "/v1/allocations", order(), key="k")
    second = shop.call("POST", "/v1/allocations", order(), key="k")
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(shop.call("GET", "/v1/decisions?order_id=o1").json()["decisions"]) == 1


def test_the_spelling_of_a_body_makes_no_other_call(shop: Served) -> None:
    first = shop.call("POST", "/v1/allocations", order(), key="k")
    lines = b'"lines":[{"quantity":1,"sku":"\\u0061","line_id":"1"}]'
    spelt = b'{ "destination":{"postcode":"75011","country":"FR"},\n' + lines + b',"order_id":"o1"}'
    assert shop.call("POST", "/v1/allocations", spelt, key='"k"').content == first.content


def test_another_payload_under_the_same_key_is_refused(shop: Served) -> None:
    shop.call("POST", "/v1/allocations", order(), key="k")
    answer = shop.call("POST", "/v1/allocations", order(quantity=2), key="k")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-payload")


def test_a_key_counts_for_one_operation_and_one_client(shop: Served) -> None:
    shop.call("POST", "/v1/allocations", order("o1"), key="k")
    body = {"rejection_id": "r", "reservation_id": "o1", "part": 1, "lines": [{"line_id": "1", "units": 1}]}
    answer = shop.call("POST", "/v1/rejections", body | {"reason": "damaged"}, key="k")
    assert answer.status_code == 200
    one, two = shop.make_key("oms"), shop.make_key("oms")
    for i, token in enumerate((one, two)):
        said = shop.call("POST", "/v1/allocations", order(f"p{i}"), key="k", x_api_key=token)
        assert said.json()["order_id"] == f"p{i}"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (None, "missing"),
        ("", "invalid"),
        ('""', "invalid"),
        ('"x', "invalid"),
        ("x" * 256, "invalid"),
        ("a\tb", "invalid"),
    ],
)
def test_a_call_without_a_usable_key_is_refused_before_anything_happens(
    shop: Served, key: str | None, name: str
) -> None:
    answer = shop.call("POST", "/v1/allocations", order(), key=key)
    assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/idempotency-key-{name}")
    assert shop.call("GET", "/v1/decisions?order_id=o1").json()["decisions"] == []


def test_a_key_of_255_characters_is_good(shop: Served) -> None:
    assert shop.call("POST", "/v1/allocations", order(), key="x" * 255).status_code == 200


def test_the_same_call_while_it_runs_is_told_to_wait(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[httpx.Response] = []
    hold, waits = threading.Event(), threading.Event()
    real = shop.desk.ledger.post

    def slow(*args: Any, **options: Any) -> Any:
        waits.set()
        hold.wait(10)
        return real(*args, **options)

    monkeypatch.setattr(shop.desk.ledger, "post", slow)
    with httpx.Client(base_url=shop.client.base_url) as other:
        headers = {"content-type": "application/json", "idempotency-key": "k"}
        first = threading.Thread(
            target=lambda: answers.append(other.post("/v1/allocations", json=order(), headers=headers))
        )
        first.start()
        waits.wait(10)
        meanwhile = shop.call("POST", "/v1/allocations", order(), key="k")
        hold.set()
        first.join()
    assert (meanwhile.status_code, meanwhile.json()["type"]) == (409, "/problems/idempotency-running")
    assert meanwhile.headers["retry-after"] == "1"
    assert answers[0].json()["status"] == "allocated"
    assert shop.call("POST", "/v1/allocations", order(), key="k").content == answers[0].content


def test_a_call_refused_may_be_sent_again_under_its_key(shop: Served) -> None:
    assert shop.call("POST", "/v1/allocations", order(sku="nonsense"), key="k").status_code == 422
    assert shop.call("POST", "/v1/allocations", order(), key="k").json()["status"] == "allocated"


def test_a_restart_forgets_no_answer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    contents = []
    for _ in range(2):
        ledger = open_ledger(url)
        with served(ledger=ledger) as shop:
            answer = shop.call("POST", "/v1/allocations", order(), key="k")
            contents.append(answer.content)
            replayed = answer.headers.get("idempotency-replayed")
        ledger.close()
    assert contents[0] == contents[1]
    assert replayed == "true"


def test_an_answer_that_came_too_late_is_kept_for_who_repeats_the_call(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()
    real = shop.desk.ledger.post

    def slow(*args: Any, **options: Any) -> Any:
        hold.wait(10)
        return real(*args, **options)

    monkeypatch.setattr(shop.desk.ledger, "post", slow)
    late = shop.call("POST", "/v1/allocations", order(), key="k", request_timeout_ms="50")
    assert (late.status_code, late.json()["type"]) == (503, "/problems/deadline-exceeded")
    assert "retry-after" in late.headers
    running = shop.call("POST", "/v1/allocations", order(), key="k")
    assert running.json()["type"] == "/problems/idempotency-running"
    hold.set()
    while (answer := shop.call("POST", "/v1/allocations", order(), key="k")).status_code == 409:
        pass
    assert answer.json()["status"] == "allocated"


@pytest.mark.parametrize("given", ["0", "-1", "soon", "1.5", "9" * 30])
def test_a_time_that_is_none_is_refused(shop: Served, given: str) -> None:
    answer = shop.call("POST", "/v1/allocations", order(), key="k", request_timeout_ms=given)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")

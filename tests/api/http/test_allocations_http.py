"""Orders over HTTP: one, and many in a call."""

import threading
from typing import Any

import msgspec
import pytest

from tests.api.http.served import Served, order, served


def lines(*orders: Any) -> bytes:
    return b"\n".join(msgspec.json.encode(one) for one in orders)


def test_an_order_is_decided_and_held(shop: Served) -> None:
    answer = shop.call("POST", "/v1/allocations", order(), key="k1")
    said = answer.json()
    assert (answer.status_code, said["status"], said["order_id"]) == (200, "allocated", "o1")
    held = shop.call("GET", f"/v1/reservations/{said['reservation']['reservation_id']}")
    assert (held.json()["state"], held.headers["etag"]) == ("held", '"v1"')


def test_an_order_that_nobody_can_serve_is_an_answer_with_reasons(shop: Served) -> None:
    answer = shop.call("POST", "/v1/allocations", order(quantity=1_000), key="k1")
    assert (answer.status_code, answer.json()["status"]) == (200, "infeasible")
    assert answer.json()["unmet"][0]["reasons"]
    assert answer.json()["reservation"] is None


def test_an_unknown_sku_is_a_problem_that_names_it(shop: Served) -> None:
    answer = shop.call("POST", "/v1/allocations", order(sku="nonsense"), key="k1")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "nonsense" in answer.json()["detail"]


def test_an_order_confirmed_at_once_has_no_end(shop: Served) -> None:
    said = shop.call("POST", "/v1/allocations", order(confirm=True), key="k1").json()
    assert (said["reservation"]["state"], said["reservation"]["expires_at"]) == ("confirmed", None)


def test_work_starts_no_earlier_than_now(shop: Served) -> None:
    said = shop.call("POST", "/v1/allocations", order(placed_at="2020-01-01T00:00:00Z"), key="k1").json()
    assert said["shipments"][0]["pick_start"] >= "2026-06-01T06:00:00Z"


def test_an_order_is_not_held_twice_under_another_key(shop: Served) -> None:
    shop.call("POST", "/v1/allocations", order(), key="k1")
    again = shop.call("POST", "/v1/allocations", order(), key="k2")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-allocated")
    assert again.json()["details"]["reservation_id"] == "o1"


def test_the_decision_can_be_read_by_id_and_by_order(shop: Served) -> None:
    said = shop.call("POST", "/v1/allocations", order(), key="k1").json()
    one = shop.call("GET", f"/v1/decisions/{said['decision_id']}").json()
    (of_order,) = shop.call("GET", "/v1/decisions?order_id=o1").json()["decisions"]
    assert one == of_order
    assert one["answer"] == said


def test_bulk_orders_are_answered_in_their_order_each_alone(shop: Served) -> None:
    bad = order("o2") | {"colour": "red"}
    body = {"orders": [order("o1"), bad, order("o3", sku="nonsense"), order("o4", quantity=999), order("o5")]}
    answer = shop.call("POST", "/v1/allocations:bulk", body, key="b1")
    results = answer.json()["results"]
    assert [(one["index"], one["status"]) for one in results] == [(0, 200), (1, 422), (2, 422), (3, 200), (4, 200)]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/colour"
    assert [results[i]["answer"]["status"] for i in (0, 3, 4)] == ["allocated", "infeasible", "allocated"]


def test_bulk_orders_as_lines_are_answered_as_lines(shop: Served) -> None:
    body = lines(order("o1"), order("o2")) + b"\n\n"
    answer = shop.call("POST", "/v1/allocations:bulk", body, key="b1", content_type="application/x-ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [msgspec.json.decode(line)["answer"]["order_id"] for line in answer.text.splitlines()] == ["o1", "o2"]


def test_a_bulk_call_repeated_is_done_once(shop: Served) -> None:
    body = {"orders": [order(f"o{i}") for i in range(20)]}
    first = shop.call("POST", "/v1/allocations:bulk", body, key="b1").json()["results"]
    second = shop.call("POST", "/v1/allocations:bulk", body, key="b1").json()["results"]
    assert [one["answer"] for one in first] == [one["answer"] for one in second]
    assert {one["replayed"] for one in first} == {False}
    assert {one["replayed"] for one in second} == {True}


def test_a_bulk_call_with_one_order_changed_under_the_same_key_refuses_that_one(shop: Served) -> None:
    shop.call("POST", "/v1/allocations:bulk", {"orders": [order("o1"), order("o2")]}, key="b1")
    again = shop.call("POST", "/v1/allocations:bulk", {"orders": [order("o1"), order("o2", quantity=2)]}, key="b1")
    first, second = again.json()["results"]
    assert (first["status"], first["replayed"]) == (200, True)
    assert second["problem"]["type"] == "/problems/idempotency-payload"


def test_bulk_orders_take_no_unit_twice(shop: Served) -> None:
    body = {"orders": [order(f"o{i}", quantity=3) for i in range(30)]}
    results = shop.call("POST", "/v1/allocations:bulk", body, key="b1").json()["results"]
    served_units = sum(3 for one in results if one["answer"]["status"] == "allocated")
    live = shop.desk.state.engine.live
    assert (live.row_reserved <= live.row_on_hand).all()
    assert served_units == int(live.row_reserved.sum())
    assert 0 < served_units < 90


def test_too_many_orders_in_a_call_are_refused_and_none_is_done() -> None:
    with served(bulk_orders_max=3) as shop:
        answer = shop.call("POST", "/v1/allocations:bulk", {"orders": [order(f"o{i}") for i in range(4)]}, key="b1")
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
        assert shop.call("GET", "/v1/reservations").json()["reservations"] == []


def test_a_bulk_body_of_another_shape_is_refused(shop: Served) -> None:
    for body, name in (({"order": []}, "validation"), ({"orders": []}, "validation"), ([], "malformed")):
        answer = shop.call("POST", "/v1/allocations:bulk", body, key="b1")
        assert answer.json()["type"] == f"/problems/{name}"


def test_a_bulk_call_out_of_time_is_done_all_the_same_and_told_to_who_repeats_it(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()
    real = shop.desk.ledger.post

    def slow(*args: Any, **options: Any) -> Any:
        hold.wait(10)
        return real(*args, **options)

    monkeypatch.setattr(shop.desk.ledger, "post", slow)
    body = {"orders": [order("o1"), order("o2")]}
    late = shop.call("POST", "/v1/allocations:bulk", body, key="b1", request_timeout_ms="50")
    assert (late.status_code, late.json()["type"]) == (503, "/problems/deadline-exceeded")
    running = shop.call("POST", "/v1/allocations:bulk", body, key="b1")
    assert running.json()["type"] == "/problems/idempotency-running"
    hold.set()
    while (answer := shop.call("POST", "/v1/allocations:bulk", body, key="b1")).status_code == 409:
        pass
    assert [one["answer"]["status"] for one in answer.json()["results"]] == ["allocated", "allocated"]
    assert {one["replayed"] for one in answer.json()["results"]} == {True}


def test_the_time_of_a_call_bounds_its_decision(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = shop.desk.submit

    def submit(*asks: Any, **options: Any) -> None:
        asked.extend(ask.command.deadline_ms for ask in asks)
        real(*asks, **options)

    monkeypatch.setattr(shop.desk, "submit", submit)
    for i, (given, wanted) in enumerate(((None, None), ("200", None), ("10000", None), ("1000", 50), ("10", 50))):
        headers = {} if given is None else {"request_timeout_ms": given}
        body = order(f"o{i}") if wanted is None else order(f"o{i}", decide_ms=wanted)
        shop.call("POST", "/v1/allocations", body, key=f"k{i}", **headers)
    assert asked == [300, 180, 300, 50, 1]

"""A reservation from hold to return, over HTTP."""

from typing import Any

import pytest

from tests.api.http.served import Served, order


def done(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def stock(shop: Served, node: str = "wh", sku: str = "a") -> tuple[int, int]:
    row = done(shop.call("GET", f"/v1/stock/{node}/{sku}"))
    return row["on_hand"], row["reserved"]


def test_an_order_goes_out_step_by_step(shop: Served) -> None:
    made = done(shop.call("POST", "/v1/allocations", order(quantity=2), key="1"))
    assert made["shipments"][0]["node"] == "wh"
    assert stock(shop) == (10, 2)
    held = done(shop.call("POST", "/v1/reservations/o1:extend", {"ttl_s": 3600}, key="2"))
    assert held["expires_at"] == "2026-06-01T07:00:00Z"
    confirmed = shop.call("POST", "/v1/reservations/o1:confirm", {}, key="3")
    assert (done(confirmed)["state"], confirmed.headers["etag"]) == ("confirmed", '"v3"')
    work = done(shop.call("GET", "/v1/nodes/wh/work"))["work"]
    assert [(w["task"], w["order_id"]) for w in work] == [("pick", "o1")]
    done(shop.call("POST", "/v1/reservations/o1/shipments/1:picked", {}, key="4"))
    assert done(shop.call("GET", "/v1/nodes/wh/work?task=hand_over"))["work"][0]["part"] == 1
    gone = done(shop.call("POST", "/v1/reservations/o1/shipments/1:shipped", {"reference": "1Z"}, key="5"))
    assert (gone["state"], gone["shipments"][0]["state"]) == ("ended", "shipped")
    assert stock(shop) == (8, 0)
    again = shop.call("POST", "/v1/reservations/o1/shipments/1:shipped", {}, key="6")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong-state")
    body = {"return_id": "r1", "node": "st", "order_id": "o1", "lines": [{"sku": "a", "quantity": 1}]}
    back = done(shop.call("POST", "/v1/returns", body, key="7"), 201)
    assert (back["known_order"], back["lines"][0]["restocked"]) == (True, 1)
    assert stock(shop, "st") == (11, 0)
    more = shop.call("POST", "/v1/returns", body | {"return_id": "r2", "lines": [{"sku": "a", "quantity": 2}]}, key="8")
    assert (more.status_code, more.json()["type"]) == (409, "/problems/too-many-returned")
    span = "since=2026-06-01T00:00:00Z&until=2026-06-02T00:00:00Z"
    listed = done(shop.call("GET", "/v1/returns?order_id=o1&node=st"))
    assert [(r["return_id"], r["line"], r["sku"], r["restocked"]) for r in listed["returns"]] == [("r1", 1, "a", 1)]
    assert done(shop.call("GET", "/v1/returns?node=wh"))["returns"] == []
    assert shop.call("GET", "/v1/returns?node=x").status_code == 422
    nodes = {n["node"]: n for n in done(shop.call("GET", f"/v1/credit?{span}"))["nodes"]}
    assert (nodes["wh"]["served_units"], nodes["st"]["returned_units"]) == (2, 1)


def test_a_basket_is_held_moved_and_released(shop: Served) -> None:
    lines = [{"line_id": "1", "sku": "a", "quantity": 3, "group": "all"}]
    body = {"reservation_id": "b1", "order_id": "o1", "lines": lines}
    made = done(shop.call("POST", "/v1/reservations", body, key="1"), 201)
    assert (made["lines"][0]["code"], made["reservation"]["kind"]) == ("reserved", "hold")
    move = {"transfers": [{"reservation_id": "b1", "line_id": "1", "to_node": "st"}]}
    moved = done(shop.call("POST", "/v1/reservations:transfer", move, key="2"))
    assert moved["transfers"][0]["transferred"] == 3
    assert stock(shop, "st") == (10, 3)
    there = done(shop.call("GET", "/v1/availability?sku=a&node=st&node=wh&group=all"))["availability"]
    assert [(x["node"], x["group"], x["atf"]) for x in there] == [("st", None, 7), ("wh", None, 10), (None, "all", 17)]
    part = done(shop.call("POST", "/v1/reservations/b1:release", {"lines": {"1": 1}}, key="3"))
    assert part["state"] == "held"
    assert stock(shop, "st") == (10, 2)
    left = {"lines": [{"reservation_id": "b1", "line_id": "1", "quantity": 2, "node": "st"}]}
    done(shop.call("POST", "/v1/reservations:fulfil", left, key="4"))
    assert stock(shop, "st") == (8, 0)


def test_nothing_to_hold_is_an_answer_where_parts_are_welcome(shop: Served) -> None:
    lines = [{"line_id": "1", "sku": "a", "quantity": 99, "node": "pp"}]
    body = {"reservation_id": "b1", "order_id": "o1", "lines": lines}
    refused = shop.call("POST", "/v1/reservations", body, key="1")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/insufficient-stock")
    assert done(shop.call("POST", "/v1/reservations", body | {"partial": True}, key="2"))["reservation"] is None


def test_an_allocation_takes_the_place_of_its_hold(shop: Served) -> None:
    lines = [{"line_id": "1", "sku": "a", "quantity": 10, "node": "wh"}]
    done(
        shop.call("POST", "/v1/reservations", {"reservation_id": "b1", "order_id": "o1", "lines": lines}, key="1"), 201
    )
    made = done(shop.call("POST", "/v1/allocations", order(quantity=10, hold_id="b1"), key="2"))
    assert made["status"] == "allocated"
    assert done(shop.call("GET", "/v1/reservations/b1"))["state"] == "ended"
    other = shop.call("POST", "/v1/allocations", order("o2", hold_id="b1"), key="3")
    assert other.status_code == 409


def test_a_cancelled_order_puts_everything_back(shop: Served) -> None:
    done(shop.call("POST", "/v1/allocations", order(quantity=4), key="1"))
    some = done(shop.call("POST", "/v1/cancellations", {"order_id": "o1", "lines": {"1": 1}}, key="2"))
    assert some["cancelled"] == {"1": 1}
    assert stock(shop) == (10, 3)
    done(shop.call("POST", "/v1/cancellations", {"order_id": "o1"}, key="3"))
    assert stock(shop) == (10, 0)
    over = shop.call("POST", "/v1/cancellations", {"order_id": "o1"}, key="4")
    assert (over.status_code, over.json()["type"]) == (409, "/problems/nothing-open")


def test_a_shipment_found_short_is_served_from_elsewhere(shop: Served) -> None:
    done(shop.call("POST", "/v1/allocations", order(quantity=2, confirm=True), key="1"))
    body = {"rejection_id": "r1", "reason": "not_found", "lines": [{"line_id": "1", "units": 2, "counted": 0}]}
    said = done(shop.call("POST", "/v1/reservations/o1/shipments/1:short", body, key="2"))
    assert (said["outcome"], said["shipments"][0]["node"]) == ("resourced", "st")
    assert stock(shop) == (0, 0)


def test_what_cannot_be_served_waits_until_it_comes(shop: Served) -> None:
    said = done(shop.call("POST", "/v1/allocations", order(quantity=40, unmet="backorder"), key="1"))
    assert said["waiting"][0]["state"] == "waiting"
    (row,) = done(shop.call("GET", "/v1/backorders"))["backorders"]
    changed = shop.call("PATCH", "/v1/backorders/o1", {"priority": 5}, key="2", if_match='"v1"')
    assert done(changed)[0]["priority"] == 5
    assert shop.call("DELETE", "/v1/backorders/o1", key="3", if_match='"v1"').status_code == 412
    assert done(shop.call("DELETE", "/v1/backorders/o1", key="4"))[0]["state"] == "cancelled"
    assert row["order_id"] == "o1"


@pytest.mark.parametrize("step", ["picked", "ready", "shipped", "arrived", "collected"])
def test_a_step_of_nothing_is_unknown(shop: Served, step: str) -> None:
    answer = shop.call("POST", f"/v1/reservations/x/shipments/1:{step}", {}, key="1")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-reservation")


def test_a_decision_is_explained_on_the_stock_of_its_moment(shop: Served) -> None:
    said = done(shop.call("POST", "/v1/allocations", order(quantity=2), key="1"))
    done(shop.call("POST", "/v1/allocations", order("o2", quantity=8), key="2"))
    found = done(shop.call("GET", f"/v1/decisions/{said['decision_id']}/explanation"))
    assert found["decision"]["cost_cents"] == said["cost_cents"]
    nodes = {n["node"] for n in found["explanation"]["shipments"][0]["nodes"]}
    assert nodes == {"st"}
    assert found["notes"] == []
    path = f"/v1/decisions/{said['decision_id']}/explanation?counterfactuals=false"
    text = shop.call("GET", path, accept="text/plain")
    assert (text.headers["content-type"], text.headers["vary"]) == ("text/plain; charset=utf-8", "accept")
    assert "Why not elsewhere" in text.text
    assert "1 shipment, proven cheapest" in text.text
    short = done(shop.call("GET", path))
    assert short["decision"]["cost_cents"] == said["cost_cents"]
    unknown = shop.call("GET", "/v1/decisions/x/explanation")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-decision")


def test_what_nobody_works_on_yet_is_decided_anew_where_that_saves(shop: Served) -> None:
    done(shop.call("POST", "/v1/allocations", order("o1", quantity=8, confirm=True), key="1"))
    far = done(shop.call("POST", "/v1/allocations", order("o2", quantity=8, confirm=True), key="2"))
    assert far["shipments"][0]["node"] == "st"
    done(shop.call("POST", "/v1/cancellations", {"order_id": "o1"}, key="3"))
    body = {"run_id": "n", "reservation_ids": ["o2"], "threshold_cents": 0}
    said = done(shop.call("POST", "/v1/reservations:reoptimise", body, key="4"))
    assert (said["moved"], said["reservations"][0]["shipments"][0]["node"]) == (1, "wh")
    assert said["saved_cents"] > 0
    assert stock(shop, "st") == (10, 0)

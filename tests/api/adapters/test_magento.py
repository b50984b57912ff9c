"""Magento's source selection over HTTP, in Magento's words."""

from dataclasses import replace
from typing import Any

import pytest

from api.http.call import Call
from engine.desk.desk import Desk
from tests.api.adapters.platforms import SECRET, names, network, platforms, replayed, send
from tests.api.http.served import Served, order, served

PATH = "/rest/default/V1/inventory/source-selection-algorithm-result"
LIST = "/rest/V1/inventory/source-selection-algorithm-list"


def request(code: str = "priority", sku: str = "a", qty: float = 1, postcode: str = "69001") -> dict[str, Any]:
    address = {"country": "FR", "postcode": postcode, "street": "", "region": "", "city": ""}
    return {
        "inventoryRequest": {
            "stockId": 2,
            "items": [{"sku": sku, "qty": qty}],
            "extension_attributes": {"destination_address": address},
        },
        "algorithmCode": code,
    }


@pytest.mark.parametrize("name", names("magento-"))
def test_answers_what_the_golden_file_says(shop: Served, name: str) -> None:
    replayed(shop, name)


def test_is_not_there_unless_it_is_switched_on() -> None:
    with platforms(magento_secret="") as shop:
        assert send(shop, "POST", PATH, request()).status_code == 404
        assert send(shop, "GET", LIST).status_code == 404


@pytest.mark.parametrize("secret", [None, "wrong", SECRET + "x", SECRET.upper(), "é"])
def test_without_the_secret_nothing_is_told(shop: Served, secret: str | None) -> None:
    given = {} if secret is None else {"authorization": f"Bearer {secret}".encode()}
    answer = shop.client.request("POST", PATH, json=request(), headers=given)
    assert (answer.status_code, answer.json()) == (401, {"message": "The secret is missing or wrong."})
    assert answer.headers["www-authenticate"] == "Bearer"
    assert shop.client.request("PUT", PATH, json={}).status_code == 401  # not even which methods there are


def test_the_secret_of_an_adapter_opens_nothing_else(shop: Served) -> None:
    shop.make_key("oms")
    assert send(shop, "GET", "/v1/availability?sku=a&node=wh").status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"algorithmCode": "\\u0000"}'])
def test_a_body_that_cannot_be_read_is_told_in_its_words(shop: Served, body: bytes) -> None:
    answer = send(shop, "POST", PATH, body)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    assert answer.headers["content-type"] == "application/json"


def test_a_body_that_is_too_large_or_no_json_is_refused(shop: Served) -> None:
    assert send(shop, "POST", PATH, b" " * 2_000_000).status_code == 400
    assert send(shop, "POST", PATH, b"a=1", content_type="text/plain").status_code == 400


def test_what_open_orders_hold_is_on_hand_for_magento_and_not_free_for_the_engine(shop: Served) -> None:
    held = shop.call("POST", "/v1/allocations", order(sku="b", quantity=4) | {"nodes": ["st"]}, key="1").json()
    assert held["status"] == "allocated"
    rows = {}
    for code in ("priority", "engine"):
        answer = send(shop, "POST", PATH, request(code, "b", 3)).json()
        assert answer["shippable"]
        rows[code] = {row["source_code"]: row["qty_to_deduct"] for row in answer["source_selection_items"]}
    assert rows == {"priority": {"st": 3, "wh": 0}, "engine": {"wh": 3, "st": 0}}


def test_it_is_advice_and_holds_nothing(shop: Served) -> None:
    first = send(shop, "POST", PATH, request("engine", "a", 40)).json()
    assert send(shop, "POST", PATH, request("engine", "a", 40)).json() == first
    assert all(
        send(shop, "GET", f"/v1/stock/{node}/a", secret=None).json()["reserved"] == 0 for node in ("wh", "st", "li")
    )


def test_a_node_that_is_paused_is_no_source() -> None:
    nodes = tuple(replace(node, offers=()) if node.node_id == "st" else node for node in network().nodes)
    with served(replace(network(), nodes=nodes), magento_secret=SECRET) as shop:
        answer = send(shop, "POST", PATH, request()).json()
    assert {row["source_code"] for row in answer["source_selection_items"]} == {"wh", "li"}


def test_what_is_broken_is_told_without_its_insides(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secrets of the house")

    monkeypatch.setattr(Call, "answer", broken)
    answer = send(shop, "POST", PATH, request(), x_request_id="t-1")
    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal Error. Details are in the log. Report ID: webapi-t-1"}


def test_what_is_overloaded_is_told_apart_from_what_nobody_can_serve(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = send(shop, "POST", PATH, request("engine", "a", 1_000))
    assert (nobody.status_code, nobody.json()["shippable"]) == (200, False)
    monkeypatch.setattr(Desk, "waiting", property(lambda _: 10**6))
    late = send(shop, "POST", PATH, request("engine", "a", 1_000))
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    assert list(late.json()) == ["message"]


def test_a_decision_that_takes_too_long_is_broken_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    with platforms(request_ms_max=50) as shop:
        monkeypatch.setattr(shop.desk.study, "decide", lambda *_: None)
        assert send(shop, "POST", PATH, request("engine")).status_code == 503


def test_calls_beyond_the_limit_are_refused_in_its_words() -> None:
    with platforms(rate_per_minute=1) as shop:
        assert send(shop, "GET", LIST).status_code == 200
        answer = send(shop, "GET", LIST)
        assert (answer.status_code, list(answer.json())) == (429, ["message"])


def test_the_documentation_of_our_own_operations_leaves_it_out(shop: Served) -> None:
    paths = shop.call("GET", "/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/rest")]

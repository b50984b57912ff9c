"""Promises over HTTP: how they are asked, what is refused, and how long an answer may be kept."""

from typing import Any

import jsonschema_rs
import pytest

from api.http.models.promises import EXAMPLE, PromisesIn
from tests.api.http.served import Served, served
from tests.api.http.test_lifecycle_http import done
from tests.builders import network

PATH = "/v1/promises"
ASKED: dict[str, Any] = {
    "skus": [{"sku": "a"}, {"sku": "b", "quantity": 2}],
    "destination": {"country": "FR", "postcode": "75011"},
}


def ask(service: Served, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return service.call("POST", PATH, body or ASKED, **headers)


def test_a_promise_is_what_a_quote_says_and_what_an_allocation_gets() -> None:
    with served(network()) as service:
        found = done(ask(service))
        for number, one in enumerate(found["promises"]):
            line = {"line_id": "1", "sku": one["sku"], "quantity": one["quantity"]}
            cart = {"lines": [line], "destination": ASKED["destination"]}
            options = done(service.call("POST", "/v1/quotes", cart))["options"]
            home = [option for option in options if option["place"] is None]
            cheapest, earliest = one["home"]["cheapest"], one["home"]["earliest"]
            assert cheapest["price_cents"] == min(option["price_cents"] for option in home)
            assert earliest["deliver_by"] == min(option["deliver_by"] for option in home)
            for name, way in (("c", cheapest), ("e", earliest)):
                order = cart | {"order_id": f"{name}-{number}", "deliver_by": way["deliver_by"]}
                got = done(
                    service.call(
                        "POST", "/v1/allocations", order | {"methods": found["home_methods"]}, key=f"{name}{number}"
                    )
                )
                assert (got["cost_cents"], got["deliver_by"]) == (way["cost_cents"], way["deliver_by"])
                service.call("POST", f"/v1/reservations/{order['order_id']}:release", {}, key=f"r{name}{number}")
            place = one["pickup"]["nearest"]
            order = cart | {"order_id": f"p-{number}", "pickup_node": place["place"], "deliver_by": place["ready_at"]}
            got = done(service.call("POST", "/v1/allocations", order, key=f"p{number}"))
            assert (got["cost_cents"], got["deliver_by"]) == (place["cost_cents"], place["ready_at"])


def test_an_answer_is_as_documented() -> None:
    with served(network()) as service:
        document = service.call("GET", "/openapi.json").json()
        operation = document["paths"][PATH]["post"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        check = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
        many = [{"sku": "a", "quantity": 999}, {"sku": "zz"}, {"sku": "b"}]
        for body in (ASKED, ASKED | {"skus": many}, ASKED | {"destination": {"country": "FR", "postcode": "7"}}):
            check.validate(done(ask(service, body)))
    check.validate(EXAMPLE)
    assert operation["x-scopes"] == ["checkout", "oms"]
    assert PromisesIn.model_validate(ASKED).command().skus == (("a", 1), ("b", 2))


def test_unknown_skus_are_listed_and_do_not_spoil_the_rest() -> None:
    with served(network()) as service:
        found = done(ask(service, ASKED | {"skus": [{"sku": "zz"}, *ASKED["skus"]]}))
        assert found["unknown_skus"] == ["zz"]
        assert found["promises"] == done(ask(service))["promises"]


def test_an_answer_may_be_kept_until_it_changes_by_the_clock() -> None:
    with served(network()) as service:
        answer = ask(service)
        tag = answer.headers["etag"]
        assert tag == f'W/"{answer.json()["version"]}"'
        assert answer.headers["cache-control"] == "private, max-age=60"
        service.desk.clock_s.now_s += 3_600 - 30  # type: ignore[attr-defined]  # the ages of shelves turn by the hour
        same = ask(service, if_none_match=tag)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert same.headers["cache-control"] == "private, max-age=30"
        one = ASKED | {"skus": ASKED["skus"][:1]}
        assert ask(service, one, if_none_match=tag).status_code == 200
        for node in ("wh", "st"):
            done(service.call("POST", "/v1/stock:adjust", {"node": node, "sku": "a", "units": -10}, key=node))
        changed = ask(service, if_none_match=tag)
        assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)
        assert changed.json()["promises"][0]["available"] is False


@pytest.mark.parametrize(
    ("changes", "pointer", "value"),
    [
        ({"skus": []}, "/skus", "0"),
        ({"skus": [{"sku": f"s{i}"} for i in range(101)]}, "/skus", "101"),
        ({"skus": [{"sku": "a"}, {"sku": "b", "quantity": 0}]}, "/skus/1/quantity", "0"),
        ({"skus": [{"sku": "a"}, {"sku": "a"}]}, "/skus/1/sku", "(a)"),
        ({"skus": [{"sku": "A"}]}, "/skus", "A"),
        ({"skus": [{"sku": "a", "units": 2}]}, "/skus/0/units", ""),
        ({"destination": {"country": "FR"}}, "/destination/postcode", "neither"),
        ({"destination": {"country": "FR", "lat": 48.8}}, "/destination/lon", "lon"),
        ({"destination": {"country": "FR", "lat": 99, "lon": 2}}, "/destination/lat", "99"),
        ({"destination": {"country": "FR", "postcode": "99999"}}, "/destination/postcode", "99999"),
        ({"destination": {"country": "ZZ", "postcode": "75011"}}, "/destination/country", "ZZ"),
        ({"destination": {"country": "fr", "postcode": "75011"}}, "/destination/country", ""),
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_is_wrong(changes: dict[str, Any], pointer: str, value: str) -> None:
    with served(network()) as service:
        answer = ask(service, ASKED | changes)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert value in error["detail"]


def test_a_checkout_asks_and_a_planner_does_not() -> None:
    with served(network()) as service:
        found = {
            scope: ask(service, x_api_key=service.make_key(scope)).status_code for scope in ("checkout", "planner")
        }
    assert found == {"checkout": 200, "planner": 403}

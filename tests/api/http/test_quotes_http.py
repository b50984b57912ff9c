"""Quotes over HTTP: options, and the allocation that keeps one; carts that cannot be."""

from typing import Any

import pytest

from tests.api.http.served import Served, served
from tests.builders import network

CART: dict[str, Any] = {
    "lines": [{"line_id": "1", "sku": "a", "quantity": 1}, {"line_id": "2", "sku": "b", "quantity": 2}],
    "destination": {"country": "FR", "postcode": "75010"},
}


def quote(service: Served, **changes: Any) -> Any:
    return service.call("POST", "/v1/quotes", CART | changes)


def test_an_allocation_that_sends_what_an_option_says_is_the_option() -> None:
    with served(network()) as service:
        found = quote(service)
        assert found.status_code == 200
        options = found.json()["options"]
        assert options
        for number, option in enumerate(options):
            body = {"order_id": f"o-{number}", "lines": CART["lines"], "destination": CART["destination"]}
            got = service.call("POST", "/v1/allocations", body | option["send"], key=f"k-{number}").json()
            assert got["status"] == "allocated"
            assert got["deliver_by"] <= option["deliver_by"]
            if option["names"] != ["greenest"]:
                assert got["cost_cents"] == option["cost_cents"]
                assert [p["node"] for p in got["shipments"]] == [p["node"] for p in option["parcels"]]
            assert (
                service.call("POST", f"/v1/reservations/o-{number}:release", {}, key=f"r-{number}").status_code == 200
            )


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"lines": [{"line_id": "1", "sku": "a", "quantity": 0}]}, "/lines/0/quantity"),
        ({"destination": {"country": "fr", "postcode": "75010"}}, "/destination/country"),
        ({"tier": "gold"}, "/tier"),
        ({"methods": ["teleport"]}, "/methods/0"),
    ],
)
def test_a_cart_that_cannot_be_names_the_field(changes: dict[str, Any], pointer: str) -> None:
    with served(network()) as service:
        answer = quote(service, **changes)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_an_unknown_postcode_is_told_and_an_unknown_sku_is_left_out() -> None:
    with served(network()) as service:
        far = quote(service, destination={"country": "FR", "postcode": "00000"})
        assert (far.status_code, far.headers["content-type"]) == (422, "application/problem+json")
        lines = [*CART["lines"], {"line_id": "3", "sku": "nothing", "quantity": 1}]
        part = quote(service, lines=lines).json()
    assert part["unknown"] == [{"line_id": "3", "sku": "nothing"}]
    assert part["options"]


def test_a_key_for_planners_gets_no_quote() -> None:
    with served(network()) as service:
        assert service.call("POST", "/v1/quotes", CART, authorization=service.make_key("planner")).status_code == 401
        token = service.make_key("planner")
        assert service.call("POST", "/v1/quotes", CART, authorization=f"Bearer {token}").status_code == 403
        token = service.make_key("checkout")
        assert service.call("POST", "/v1/quotes", CART, authorization=f"Bearer {token}").status_code == 200

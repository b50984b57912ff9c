"""BigCommerce's own: the secret among the connection options, ids that fit, offices."""

from dataclasses import replace
from typing import Any

import pytest

from engine.domain.ids import CarrierId
from engine.network.model import Applies, Surcharge
from tests import builders
from tests.api.adapters.platforms import SECRET, golden, network, send_bigcommerce
from tests.api.http.served import Served, served

RATE, CHECK = "/adapters/bigcommerce/rate", "/adapters/bigcommerce/check-connection"
BODY = golden("bigcommerce-rate")[0]["body"]


@pytest.mark.parametrize(
    "options",
    [None, {}, {"secret": ""}, {"secret": "wrong"}, {"secret": "é"}, {"secret": [SECRET]}, {"Secret": SECRET}, []],
)
def test_without_the_secret_nothing_is_told(steady: Served, options: Any) -> None:
    answer = steady.call("POST", RATE, BODY | {"connection_options": options}, x_request_id="t-1")
    told = [{"text": "The secret is missing or wrong.", "type": "ERROR"}]
    assert (answer.status_code, answer.json()) == (401, {"quote_id": "t-1", "messages": told, "carrier_quotes": []})
    answer = steady.call("POST", CHECK, {"connection_options": options})
    assert (answer.status_code, answer.json()) == (200, {"valid": False, "messages": told})


def test_a_check_that_is_none_is_not_valid(steady: Served) -> None:
    for body in (b"", b"{", b"[]"):
        assert not steady.call("POST", CHECK, body).json()["valid"]
    answer = steady.call("GET", CHECK)
    assert not answer.json()["valid"]


def test_ids_and_texts_are_no_longer_than_they_may_be(steady: Served) -> None:
    trace = "t" * 64
    body = BODY | {"connection_options": {"secret": SECRET}}
    said = steady.call("POST", RATE, body, x_request_id=trace).json()
    assert said["quote_id"] == trace[:50]
    many = [{"sku": "s" * 400 + str(i), "quantity": 1} for i in range(30)]
    asked = {"base_options": BODY["base_options"] | {"items": many}}
    told = send_bigcommerce(steady, "POST", RATE, asked).json()["messages"][0]["text"]
    assert len(told) == 500


def test_homes_pay_for_being_homes_and_offices_do_not() -> None:
    made = network()
    extra = Surcharge(carrier_id=CarrierId("post"), code="home", applies=Applies.RESIDENTIAL, amount_cents=300)
    with served(replace(made, surcharges=(extra,)), bigcommerce_secret=SECRET) as shop:
        costs = {}
        for kind in ("RESIDENTIAL", "commercial", None):
            base = BODY["base_options"]
            asked = {"base_options": base | {"destination": base["destination"] | {"address_type": kind}}}
            answer = send_bigcommerce(shop, "POST", RATE, asked).json()
            costs[kind] = answer["carrier_quotes"][0]["quotes"][0]["cost"]["amount"]
    assert costs["RESIDENTIAL"] == costs[None] == pytest.approx(costs["commercial"] + 3)


def test_a_courier_is_hours_on_its_way() -> None:
    here = builders.network(
        nodes=(builders.store("st", lat=48.86, lon=2.34, postcode="75002", region="IDF"),), lanes=(), collections=()
    )
    asked = {"base_options": BODY["base_options"] | {"items": [{"sku": "a", "quantity": 1}]}}
    with served(here, bigcommerce_secret=SECRET) as shop:
        quotes = send_bigcommerce(shop, "POST", RATE, asked).json()["carrier_quotes"][0]["quotes"]
    courier = next(quote for quote in quotes if quote["code"] == "same_day")
    assert courier["transit_time"]["units"] == "HOURS"
    assert 1 <= courier["transit_time"]["duration"] <= 24

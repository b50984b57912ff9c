"""Shopify's own: what a call proves, money in hundredths, dates with an offset."""

from datetime import datetime
from typing import Any

import pytest

from engine.decide.offers import OfferKind
from engine.options.ways import HOME_METHODS
from tests import builders
from tests.api.adapters.platforms import CLIENT_SECRET, golden, send_function, send_shopify
from tests.api.http.served import Served, served

RATES, POINTS = "/adapters/shopify/carrier-service", "/adapters/shopify/pickup-points"
RATES_BODY, POINTS_BODY = golden("shopify-rates")[0]["body"], golden("shopify-points")[0]["body"]
OTHER = "shpss_ffffffffffffffffffffffffffffffff"


@pytest.mark.parametrize("given", ["", "0", "é", "a" * 44, "YWJj"])
def test_rates_with_a_wrong_signature_are_refused(steady: Served, given: str) -> None:
    answer = steady.call("POST", RATES, RATES_BODY, x_shopify_hmac_sha256=given.encode())  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()) == (401, {"errors": "The secret is missing or wrong."})
    assert send_shopify(steady, "POST", RATES, RATES_BODY, secret=OTHER).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 0},
        {"exp": None},
        {"exp": "never"},
        {"method": "GET"},
        {"body_sha256": "0" * 64},
        {"body_sha256": None},
    ],
)
def test_a_token_of_something_else_is_refused(steady: Served, changes: dict[str, Any]) -> None:
    assert send_function(steady, "POST", POINTS, POINTS_BODY).status_code == 200
    assert send_function(steady, "POST", POINTS, POINTS_BODY, changes=changes).status_code == 401
    assert send_function(steady, "POST", POINTS, POINTS_BODY, OTHER).status_code == 401


def test_a_token_runs_out_on_the_clock_of_the_desk(shop: Served) -> None:
    until = shop.desk.clock_s() + 1
    assert send_function(shop, "POST", POINTS, POINTS_BODY, changes={"exp": until}).status_code == 200
    shop.desk.clock_s.now_s += 1  # type: ignore[attr-defined]
    assert send_function(shop, "POST", POINTS, POINTS_BODY, changes={"exp": until}).status_code == 401


def test_a_token_of_a_call_is_none_of_another_method(steady: Served) -> None:
    assert send_function(steady, "PUT", POINTS, POINTS_BODY).status_code == 405
    assert send_function(steady, "PUT", POINTS, POINTS_BODY, changes={"method": "POST"}).status_code == 401


def test_a_token_without_an_algorithm_is_refused(steady: Served) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9."
    assert steady.call("POST", POINTS, POINTS_BODY, x_shopify_request_jwt=token).status_code == 401


def test_each_proof_opens_what_it_is_for(steady: Served) -> None:
    assert send_shopify(steady, "POST", POINTS, POINTS_BODY).status_code == 401
    assert send_function(steady, "POST", RATES, RATES_BODY).status_code == 401


def test_the_earliest_date_is_that_of_the_first_parcel_and_the_latest_that_of_the_last() -> None:
    """A courier in Paris and a post from Lyon: only the two together have all of it."""
    here = builders.store("here", lat=48.86, lon=2.34, postcode="75002", region="IDF")
    nodes = (here, builders.store("st"))
    network = builders.network(
        nodes=nodes,
        stock={("here", "a"): 5, ("st", "b"): 5},
        collections=(builders.collection("st", "std", cutoff="13:00", collect="16:00"),),
        lanes=(),
    )
    body = {"rate": RATES_BODY["rate"] | {"items": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 1}]}}
    with served(network, shopify_secret=CLIENT_SECRET) as shop:
        rates = send_shopify(shop, "POST", RATES, body).json()["rates"]
    assert len(rates) == 1
    first, last = (datetime.fromisoformat(rates[0][name]) for name in ("min_delivery_date", "max_delivery_date"))
    assert first.date() < last.date()
    assert first.utcoffset() == last.utcoffset() is not None


def test_a_courier_is_named_as_one_and_yen_are_told_in_hundredths() -> None:
    network = builders.network(
        currency="JPY",
        nodes=(builders.store("st", lat=48.86, lon=2.34, postcode="75002", region="IDF"),),
        lanes=(),
        collections=(),
    )
    body = {"rate": RATES_BODY["rate"] | {"items": [{"sku": "a", "quantity": 1}], "currency": "JPY"}}
    with served(network, shopify_secret=CLIENT_SECRET) as shop:
        rates = {rate["service_name"]: rate for rate in send_shopify(shop, "POST", RATES, body).json()["rates"]}
        options = shop.call(
            "POST",
            "/v1/quotes",
            {
                "lines": [{"line_id": "1", "sku": "a", "quantity": 1}],
                "destination": {"country": "FR", "postcode": "75011"},
                "methods": HOME_METHODS,
            },
        ).json()["options"]
    courier = rates["Same-day delivery"]
    option = next(option for option in options if option["kind"] == OfferKind.SAME_DAY)
    assert (courier["service_code"], courier["currency"]) == (option["option_id"], "JPY")
    assert courier["total_price"] == str(option["price_cents"])

"""The checkout's page over HTTP: where it is served at all, by which rules, and what it is told."""

import json
from dataclasses import replace

import pytest

from api.pages.checkout.shop import ARTICLES, shop
from engine.network.model import NodeKind
from scenarios.demo import demo_network
from tests import builders
from tests.api.http.served import served

PATH = "/demo/checkout"


def test_it_is_not_there_unless_a_setting_turns_it_on() -> None:
    with served() as service:
        assert service.call("GET", PATH).status_code == 404
        assert service.call("GET", f"{PATH}/data.json").status_code == 404


def test_it_is_never_served_at_an_address_that_others_reach() -> None:
    with served(demo_page=True, host="0.0.0.0") as service:
        assert service.call("GET", PATH).status_code == 404


def test_all_it_needs_comes_from_the_service_itself_and_nothing_else_may_run() -> None:
    with served(demo_page=True) as service:
        page = service.call("GET", PATH)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        named = {part.partition('"')[0] for part in page.text.split('="checkout/')[1:]}
        assert {"checkout.css", "checkout.js", "icons.svg"} <= named
        for name in named:
            found = service.call("GET", f"{PATH}/{name}")
            assert (found.status_code, found.headers["content-security-policy"]) == (200, policy)
            assert "://" not in found.text.replace("http://www.w3.org/2000/svg", "")


def test_who_has_it_already_is_told_so() -> None:
    with served(demo_page=True) as service:
        first = service.call("GET", f"{PATH}/checkout.js")
        again = service.call("GET", f"{PATH}/checkout.js", if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert service.call("POST", PATH, {}).status_code == 405


def test_it_is_no_part_of_the_documented_api() -> None:
    with served(demo_page=True) as service:
        assert not [path for path in service.call("GET", "/openapi.json").json()["paths"] if "demo" in path]


def test_where_there_are_keys_it_has_none_and_its_calls_are_refused_like_everybodys() -> None:
    with served(demo_page=True) as service:
        service.make_key("admin")
        assert "sw_" not in service.call("GET", PATH).text
        assert service.call("POST", "/v1/allocations", {}, key="k").status_code == 401


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_article_is_a_sku_of_its_weight_and_price_and_two_rare_ones_are_never_together(seed: int) -> None:
    network = demo_network(seed)
    document = shop(network)
    products = {product.name: product for product in document.products}
    assert set(products) == {article.name for article in ARTICLES}
    assert len({product.sku for product in document.products}) == len(ARTICLES)
    rows = list(
        zip(network.stock.node.tolist(), network.stock.sku.tolist(), network.stock.on_hand.tolist(), strict=True)
    )
    enough: list[set[int]] = []
    for article in ARTICLES:
        found = network.skus.row(network.skus.index[products[article.name].sku])
        assert article.weight_g[0] <= found.weight_g <= article.weight_g[1]
        assert article.price_cents[0] <= found.value_cents <= article.price_cents[1]
        if article.rare:
            i = network.skus.index[found.sku]
            nodes = {node for node, sku, units in rows if sku == i and units > 0}
            assert not {k for k in nodes if network.nodes[k].kind is NodeKind.WAREHOUSE}
            enough.append({node for node, sku, units in rows if sku == i and units >= 3})
    assert len(enough) == 2
    assert not enough[0] & enough[1]


def test_a_network_with_few_skus_and_no_postcodes_has_a_smaller_shop_and_a_map() -> None:
    network = builders.network()
    document = shop(replace(network, areas=()))
    skus = {product.sku for product in document.products}
    assert skus <= set(network.skus.ids)
    assert document.carts
    assert all(cart.lines and {line.sku for line in cart.lines} <= skus for cart in document.carts)
    assert document.map.height > 0
    assert len(document.nodes) == len(network.nodes)


def test_the_data_is_small_enough_to_come_in_one_go() -> None:
    with served(demo_network(1), demo_page=True) as service:
        found = service.call("GET", f"{PATH}/data.json")
        assert len(found.content) < 40_000
        document = json.loads(found.content)
        assert [cart["name"] for cart in document["carts"]] == [
            "Tea for four",
            "A corner to read",
            "Rare finds",
            "Something heavy",
        ]
        assert {"postcode": "20000", "name": "Ajaccio"} in document["places"]
        assert all(0 <= node["x"] <= document["map"]["width"] for node in document["nodes"])

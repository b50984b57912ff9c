"""What Shopify, Saleor and BigCommerce have in common: offers in their words; none; late or broken ones; strangers."""

import doctest
import threading
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.adapters import bigcommerce, checkout, shopify
from api.http.call import Call
from engine.desk.desk import Desk
from engine.desk.quote_docs import OptionDoc, QuoteDoc
from engine.desk.state import State
from engine.domain.ids import NodeId, SkuId
from engine.network.model import ChannelProtection
from engine.options.ways import HOME_METHODS
from tests.api.adapters.platforms import (
    CLIENT_SECRET,
    SECRETS,
    Send,
    golden,
    network,
    platforms,
    replayed,
    saleor_signature,
    send_bigcommerce,
    send_function,
    send_saleor,
    send_shopify,
    shopify_signature,
)
from tests.api.adapters.record import FILES
from tests.api.http.served import Served, served
from tests.examples import examples


class Platform(NamedTuple):
    """A way to call, what to send, and what the platform is told where there is nothing to offer."""

    sent: Send
    file: str
    setting: str
    nothing: Any
    error: set[str]

    @property
    def path(self) -> str:
        path: str = golden(self.file)[0]["path"]
        return path

    @property
    def body(self) -> Any:
        return golden(self.file)[0]["body"]


_QUOTED = {"quote_id", "messages", "carrier_quotes"}
PLATFORMS = {
    "shopify": Platform(send_shopify, "shopify-rates", "shopify_secret", {"rates": []}, {"errors"}),
    "functions": Platform(send_function, "shopify-points", "shopify_secret", {"operations": []}, {"errors"}),
    "saleor-list": Platform(send_saleor, "saleor-list", "saleor_jwks", [], {"error"}),
    "saleor-filter": Platform(send_saleor, "saleor-filter", "saleor_jwks", None, {"error"}),
    "bigcommerce": Platform(send_bigcommerce, "bigcommerce-rate", "bigcommerce_secret", None, _QUOTED),
}
each = pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)


@pytest.mark.parametrize("name", FILES)
def test_answers_what_the_golden_file_says(shop: Served, name: str) -> None:
    assert len(replayed(shop, name, FILES[name])) > 1


@each
def test_is_not_there_unless_it_is_switched_on(platform: Platform) -> None:
    with platforms(**{platform.setting: ""}) as shop:
        assert platform.sent(shop, "POST", platform.path, platform.body).status_code == 404


@each
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"a": "\\u0000"}', b"null", b"[" * 50_000])
def test_a_body_that_cannot_be_read_is_told_in_its_words(steady: Served, platform: Platform, body: bytes) -> None:
    answer = platform.sent(steady, "POST", platform.path, body)
    unproven = {401} if platform.setting == "bigcommerce_secret" else set()  # there the proof stands in the body
    assert answer.status_code in {400, 422} | unproven
    assert set(answer.json()) == platform.error
    assert answer.headers["content-type"] == "application/json"


@each
def test_a_body_that_is_too_large_or_another_method_is_refused_in_its_words(steady: Served, platform: Platform) -> None:
    answer = platform.sent(steady, "POST", platform.path, b" " * 2_000_000)
    assert (answer.status_code, set(answer.json())) == (400, platform.error)
    answer = platform.sent(steady, "PUT", platform.path, platform.body)
    assert (answer.status_code, set(answer.json())) == (405, platform.error)


@each
def test_what_is_broken_is_told_without_its_insides(
    steady: Served, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secrets of the house")

    monkeypatch.setattr(Call, "answer", broken)
    answer = platform.sent(steady, "POST", platform.path, platform.body)
    assert (answer.status_code, set(answer.json())) == (500, platform.error)
    assert "secrets" not in answer.text


@each
def test_what_is_overloaded_is_no_answer_that_nobody_can_serve_it(
    steady: Served, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    monkeypatch.setattr(Desk, "waiting", property(lambda _: 10**6))
    answer = platform.sent(steady, "POST", platform.path, platform.body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert set(answer.json()) == platform.error


@each
def test_offers_that_come_too_late_for_a_checkout_are_an_error(
    steady: Served, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    monkeypatch.setattr(checkout, "CHECKOUT_MS_MAX", 50)
    monkeypatch.setattr(shopify, "POINTS_MS_MAX", 50)
    free, busy = threading.Event(), threading.Event()

    def hold(_: State) -> None:
        busy.set()
        assert free.wait(30)

    holder = threading.Thread(target=steady.desk.run, args=(hold,))
    holder.start()
    try:
        assert busy.wait(30)
        answer = platform.sent(steady, "POST", platform.path, platform.body)
    finally:
        free.set()
        holder.join()
    assert (answer.status_code, set(answer.json())) == (503, platform.error)


def test_no_checkout_is_kept_waiting_longer_than_the_most_impatient_of_them_waits() -> None:
    assert checkout.CHECKOUT_MS_MAX < 3_000
    assert shopify.POINTS_MS_MAX < 500


@each
def test_calls_beyond_the_limit_are_refused_in_its_words(platform: Platform) -> None:
    with platforms(rate_per_minute=1) as shop:
        assert platform.sent(shop, "POST", platform.path, platform.body).status_code == 200
        answer = platform.sent(shop, "POST", platform.path, platform.body)
    assert (answer.status_code, set(answer.json())) == (429, platform.error)


def option_ids(name: str, answer: Any) -> list[str]:
    """The ids that come back with an order."""
    match name:
        case "shopify":
            return [rate["service_code"] for rate in answer["rates"]]
        case "functions":
            return [one["add"]["pickupPoint"]["externalId"] for one in answer["operations"]]
        case "saleor-list":
            return [method["id"] for method in answer]
    return [quote["rate_id"] for carrier in answer["carrier_quotes"] for quote in carrier["quotes"]]


@pytest.mark.parametrize("name", ["shopify", "functions", "saleor-list", "bigcommerce"])
def test_the_id_of_a_rate_is_the_option_whose_order_is_allocated_as_it_promises(shop: Served, name: str) -> None:
    platform = PLATFORMS[name]
    found = option_ids(name, platform.sent(shop, "POST", platform.path, platform.body).json())
    units = {"a": 2, "b": 1} if name == "saleor-list" else {"a": 1, "b": 2}
    methods = checkout.COLLECT_METHODS if name == "functions" else HOME_METHODS
    cart: dict[str, Any] = {
        "lines": [{"line_id": str(i), "sku": sku, "quantity": units[sku]} for i, sku in enumerate(units, 1)],
        "destination": {"country": "FR", "postcode": "75010" if name == "functions" else "75011"},
        "channel": "fr" if name == "saleor-list" else "",
    }
    options = shop.call("POST", "/v1/quotes", cart | {"methods": methods}).json()["options"]
    most = bigcommerce.ID_MAX if name == "bigcommerce" else shopify.ID_MAX
    assert found
    assert found == [checkout.rate_id_of(msgspec.convert(option, OptionDoc), most) for option in options]
    for number, option in enumerate(options):
        got = shop.call(
            "POST", "/v1/allocations", cart | {"order_id": f"o-{number}"} | option["send"], key=f"k{number}"
        )
        assert got.json()["cost_cents"] == option["cost_cents"]
        shop.call("POST", f"/v1/reservations/o-{number}:release", {}, key=f"r{number}")


def test_an_id_for_which_there_is_no_room_gives_way_to_the_promise_itself(steady: Served) -> None:
    cart = {
        "lines": [{"line_id": "1", "sku": "b", "quantity": 1}],
        "destination": {"country": "FR", "postcode": "69002"},
    }
    quoted = msgspec.json.decode(steady.call("POST", "/v1/quotes", cart).content, type=QuoteDoc)
    assert {option.place for option in quoted.options} > {None}
    for option in quoted.options:
        long = msgspec.structs.replace(option, option_id="x" * 300)
        place = f"-{option.place}" if option.place else ""
        short = f"{option.kind}{place}-{int(option.deliver_by.timestamp())}-{option.cost_cents}"
        assert checkout.rate_id_of(long, 300) == long.option_id
        assert checkout.rate_id_of(long, 299) == short
        with pytest.raises(AssertionError):
            checkout.rate_id_of(long, 10)


def test_units_that_are_kept_for_a_channel_are_offered_there_only() -> None:
    kept = ChannelProtection(node_id=NodeId("li"), sku=SkuId("C-9"), channel="web", units=2)
    made = replace(network(), channel_protection=(kept,))
    items = [{"sku": "C-9", "quantity": 1}]
    rate = PLATFORMS["shopify"].body["rate"] | {"items": items}
    base = PLATFORMS["bigcommerce"].body["base_options"] | {"items": items}
    lines = [{"quantity": 1, "variant": {"sku": "C-9"}}]
    found: dict[str, list[int]] = {}
    with served(made, **SECRETS) as shop:
        for channel in ("web", "app"):
            at = f"?channel={channel}"
            seller = PLATFORMS["saleor-list"].body["checkout"] | {"lines": lines}
            seller = {"checkout": seller | {"channel": {"slug": channel, "currencyCode": "EUR"}}}
            rates = send_shopify(shop, "POST", PLATFORMS["shopify"].path + at, {"rate": rate}).json()["rates"]
            quotes = send_bigcommerce(shop, "POST", PLATFORMS["bigcommerce"].path + at, {"base_options": base}).json()
            methods = send_saleor(shop, "POST", PLATFORMS["saleor-list"].path, seller).json()
            found[channel] = [len(rates), len(quotes["carrier_quotes"]), len(methods)]
    assert all(found["web"])
    assert found["app"] == [0, 0, 0]


def test_a_line_of_no_units_is_no_need(steady: Served) -> None:
    body = {"rate": PLATFORMS["shopify"].body["rate"] | {"items": [{"sku": "nothing", "quantity": 0}]}}
    assert send_shopify(steady, "POST", PLATFORMS["shopify"].path, body).json() == {"rates": []}
    body["rate"] |= {"items": [{"sku": "nothing", "quantity": 0}, {"sku": "a", "quantity": 1}]}
    assert send_shopify(steady, "POST", PLATFORMS["shopify"].path, body).json()["rates"]


@pytest.mark.parametrize("module", [checkout, bigcommerce])
def test_its_examples_hold(module: ModuleType) -> None:
    outcome = doctest.testmod(module)
    assert (outcome.failed, outcome.attempted > 1) == (0, True)


@each
def test_nothing_is_held_by_a_checkout_that_asks(steady: Served, platform: Platform) -> None:
    for _ in range(2):
        assert platform.sent(steady, "POST", platform.path, platform.body).status_code == 200
    assert steady.call("GET", "/v1/stock/wh/a").json()["reserved"] == 0


# --- anything that is signed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def changed(value: Any, data: st.DataObject) -> Any:
    """A document with one place in it gone, or something else."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 6)):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = data.draw(st.sampled_from(keys))
        out = value.copy()
        if data.draw(st.integers(0, 4)) == 0:
            del out[key]
        else:
            out[key] = changed(value[key], data)
        return out
    return data.draw(JSON)


@each
@given(data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_whatever_is_signed_is_answered_or_refused_in_its_words(
    steady: Served, platform: Platform, data: st.DataObject
) -> None:
    said = data.draw(st.sampled_from(golden(platform.file)))
    body = changed(said["body"], data)
    if platform.setting == "bigcommerce_secret" and not isinstance(body, dict):
        body = {"base_options": body}
    answer = platform.sent(steady, "POST", said["path"], body)
    assert answer.status_code in (200, 400, 422)
    told = set(answer.json()) if isinstance(answer.json(), dict) else set()
    assert told == platform.error if answer.status_code != 200 else told in SHAPES


SHAPES = ({"rates"}, {"operations"}, set(), {"excluded_methods"}, {*_QUOTED, "ttl"})


@each
def test_a_call_that_is_not_proven_is_refused_and_the_desk_is_not_asked(
    steady: Served, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Call, "answer", lambda _, command, limit_ms=None: asked.append(command))
    for headers in ({}, {"authorization": "Bearer opensesame"}, {"authorization": f"Bearer {CLIENT_SECRET}"}):
        answer = steady.call("POST", platform.path, platform.body, **headers)
        assert (answer.status_code, set(answer.json())) == (401, platform.error)
    assert not asked


@pytest.mark.parametrize(
    ("body", "signed"),
    [(b'{"a": 1}', b'{"a": 2}'), (b'{"a": 1}', b'{"a": 1} '), (b"", b"{}")],
)
def test_the_signature_of_another_body_is_none(steady: Served, body: bytes, signed: bytes) -> None:
    given = {"x_shopify_hmac_sha256": shopify_signature(signed)}
    assert steady.call("POST", PLATFORMS["shopify"].path, body, **given).status_code == 401
    given = {"saleor_signature": saleor_signature(signed)}
    assert steady.call("POST", PLATFORMS["saleor-list"].path, body, **given).status_code == 401

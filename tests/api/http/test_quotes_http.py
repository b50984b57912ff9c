"""Quotes over HTTP: options, and the allocation that keeps one; carts that cannot be."""

import threading
from types import MappingProxyType
from typing import Any

import pytest

from engine.decide.offers import OfferFinder
from engine.desk.ask import Ask, Planned, Wanted, answer
from engine.desk.state import State
from engine.desk.watch import Watch
from engine.domain.policy import Policy
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
        ({"colour": "gold"}, "/colour"),
        ({"methods": ["teleport"]}, "/methods/0"),
    ],
)
def test_a_cart_that_cannot_be_names_the_field(changes: dict[str, Any], pointer: str) -> None:
    with served(network()) as service:
        answer = quote(service, **changes)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_an_allocation_that_names_an_option_is_that_option_and_it_is_counted() -> None:
    with served(network()) as service:
        for number, option in enumerate(quote(service).json()["options"]):
            body = {"order_id": f"o-{number}", "lines": CART["lines"], "destination": CART["destination"]}
            got = service.call("POST", "/v1/allocations", body | {"option_id": option["option_id"]}, key=f"k-{number}")
            assert got.json()["status"] == "allocated"
            assert got.json()["quote"]["outcome"] == "same"
            assert got.json()["cost_cents"] == option["cost_cents"]
            assert got.json()["deliver_by"] == option["deliver_by"]
            assert [p["node"] for p in got.json()["shipments"]] == [p["node"] for p in option["parcels"]]
            service.call("POST", f"/v1/reservations/o-{number}:release", {}, key=f"r-{number}")
        report = service.call("GET", "/v1/quotes/kept?since=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z").json()
    assert report["allocations"] == report["same"] == number + 1
    assert (report["same_permille"], report["kept_permille"]) == (1000, 1000)


def test_an_option_of_another_cart_or_none_at_all_is_refused_and_nothing_is_held() -> None:
    with served(network()) as service:
        option = quote(service).json()["options"][0]
        body = {"order_id": "o", "lines": CART["lines"][:1], "destination": CART["destination"]}
        other = service.call("POST", "/v1/allocations", body | {"option_id": option["option_id"]}, key="k")
        assert other.status_code == 409
        assert other.json()["type"].endswith("other-cart")
        wrong = service.call("POST", "/v1/allocations", body | {"option_id": "nonsense"}, key="k2")
        assert wrong.status_code == 422
        both = {"option_id": option["option_id"], "unmet": "backorder"}
        assert service.call("POST", "/v1/allocations", body | both, key="k3").status_code == 422
        assert service.call("GET", "/v1/reservations/o").status_code == 404


def test_a_quote_that_holds_is_done_once_and_says_until_when() -> None:
    with served(network()) as service:
        wish = {"hold": True, "quote_id": "cart-1"}
        assert quote(service, hold=True).json()["errors"][0]["pointer"] == "/quote_id"
        assert quote(service, **wish).status_code == 400
        first = service.call("POST", "/v1/quotes", CART | wish, key="h-1")
        again = service.call("POST", "/v1/quotes", CART | wish, key="h-1")
        assert first.json()["hold"] == {
            "reservation_id": "cart-1",
            "state": "held",
            "expires_at": first.json()["expires_at"],
        }
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        held = service.call("GET", "/v1/reservations/cart-1").json()
        (selected,) = (option for option in first.json()["options"] if option["selected"])
        assert [part["node"] for part in held["shipments"]] == [p["node"] for p in selected["parcels"]]
        assert service.call("POST", "/v1/quotes", CART | wish, key="h-2").status_code == 409


def test_a_quote_says_how_long_it_holds_and_is_not_sent_again_unchanged() -> None:
    with served(network()) as service:
        first = quote(service)
        assert first.headers["cache-control"] == "private, max-age=60"
        assert first.headers["etag"] == f'W/"{first.json()["version"]}"'
        same = service.call("POST", "/v1/quotes", CART, if_none_match=first.headers["etag"])
        assert (same.status_code, same.content) == (304, b"")
        body = {"order_id": "o", "lines": [{"line_id": "1", "sku": "a", "quantity": 10}]}
        service.call("POST", "/v1/allocations", body | {"destination": CART["destination"]}, key="k")
        service.desk.clock_s.now_s += 86_400  # type: ignore[attr-defined]
        assert service.call("POST", "/v1/quotes", CART, if_none_match=first.headers["etag"]).status_code == 200


def test_the_beginning_of_a_postcode_and_coordinates_find_a_home_less_sure() -> None:
    with served(network()) as service:
        sure = quote(service).json()
        assert (sure["located"], sure["prefix"]) == ("prefix", "75")
        part = quote(service, destination={"country": "FR", "postcode": "7"}).json()
        assert (part["located"], part["prefix"]) == ("prefix", "7")
        assert part["options"]
        here = {"country": "FR", "lat": 48.86, "lon": 2.35}
        assert quote(service, destination=here).json()["located"] == "coordinates"
        wrong = quote(service, destination={"country": "FR", "lat": 48.86})
        assert wrong.status_code == 422
        body = {"order_id": "o", "lines": CART["lines"], "destination": {"country": "FR", "postcode": "7"}}
        named = body | {"option_id": part["options"][0]["option_id"]}
        assert service.call("POST", "/v1/allocations", named, key="k").json()["quote"]["outcome"] == "same"


def test_tiers_pay_what_the_policy_says_and_currencies_must_agree() -> None:
    shop = Policy(policy_id="shop", shop_tiers=MappingProxyType({"gold": 0, "silver": 500}))
    with served(network(policies=(shop,))) as service:
        full = [option["price_cents"] for option in quote(service).json()["options"]]
        assert [o["price_cents"] for o in quote(service, tier="gold").json()["options"]] == [0] * len(full)
        half = sorted(option["price_cents"] for option in quote(service, tier="silver").json()["options"])
        assert half == sorted(-(-(price // 2) // 10) * 10 for price in full)
        assert quote(service, tier="copper").status_code == 422
        assert quote(service, currency="EUR").status_code == 200
        odd = quote(service, currency="USD")
        assert (odd.status_code, odd.json()["errors"][0]["pointer"]) == (422, "/currency")


def test_stores_that_have_a_part_of_the_cart_say_which() -> None:
    stock = {("wh", "a"): 9, ("wh", "b"): 9, ("st", "a"): 3}
    far = Policy(policy_id="shop", trip_distance_m_max=2_000_000)
    with served(network(stock=stock, policies=(far,))) as service:
        (part,) = quote(service).json()["partial_places"]
    assert (part["place"], part["lines"], part["missing"]) == ("st", ["1"], ["2"])


def test_where_no_plan_is_found_in_time_the_backup_is_offered() -> None:
    shop = Policy(policy_id="shop", shop_backup_cents=990, shop_backup_days=5)
    for policies, prices in (((shop,), [990]), ((Policy(),), [])):
        watch = _Watch()
        with served(network(policies=policies), desk_settings={"watch": watch}, quote_ms=1) as service:
            slow = threading.Event()
            service.desk.submit(Ask(_Sleeps(slow), lambda _, __: None))
            found = quote(service)
            slow.set()
        assert found.status_code == 200
        document = found.json()
        assert document["fallback"] is True
        assert [option["price_cents"] for option in document["options"]] == prices
        assert found.headers["cache-control"] == "private, max-age=0"
        assert watch.backups == 1


def test_where_the_engine_breaks_the_plain_rule_offers_a_way_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with served(network()) as service:
        monkeypatch.setattr(OfferFinder, "find", broken)
        document = quote(service).json()
        assert document["fallback"] is True
        (option,) = document["options"]
        assert (option["kind"], option["exact"]) == ("home_delivery", False)
        body = {"order_id": "o", "lines": CART["lines"], "destination": CART["destination"]}
        named = body | {"option_id": option["option_id"]}
        assert service.call("POST", "/v1/allocations", named, key="k").json()["quote"]["outcome"] == "same"


class _Watch(Watch):
    """Counts quotes that were answered without the desk."""

    backups = 0

    def backup(self) -> None:
        self.backups += 1


class _Sleeps:
    """A command that keeps the desk busy until it is told."""

    name = "sleeps"

    def __init__(self, until: threading.Event) -> None:
        self.until = until

    def wanted(self) -> Wanted:
        return Wanted()

    def plan(self, _: State) -> Planned:
        self.until.wait(10)
        return Planned(answer({}))


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

"""The shop's page in a real browser: type, choose, order, see the promise kept; by mouse, by keyboard, on a phone."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, Route, expect

from tests.api.serve_cases import Process, service
from tests.browser.browsing import Shopper, chromium, opened, shopping

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 375, "height": 800}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
UNKNOWN = "99999"  # though other postcodes begin with a 9
OUTLINE = "getComputedStyle(document.activeElement.closest('.option') ?? document.activeElement).outlineStyle"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The service on the demo's network, as `make serve` starts it."""
    chromium()
    with service(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(process: Process) -> Iterator[Browser]:
    """Closed after this file: while it is open, no other test of this process may run a loop of its own."""
    with opened() as running:
        yield running


@pytest.fixture
def shopper(browser: Browser, process: Process) -> Iterator[Shopper]:
    with shopping(browser, process) as found:
        found.go()
        yield found


def units_of(shopper: Shopper, node: str, sku: str) -> int:
    _, found = shopper.process.call("GET", f"/v1/availability?sku={sku}&node={node}")
    return int(found["availability"][0]["atf"])


def test_a_typed_postcode_leads_to_a_chosen_option_that_is_kept_while_stock_moves(shopper: Shopper) -> None:
    page = shopper.page
    shopper.shoot("checkout-1-cart")
    assert shopper.see_options("33000") >= 2
    expect(page.locator(".option .countdown").first).to_contain_text(re.compile("order (within|now)"))
    expect(page.locator("#map .pin")).to_have_count(1)
    shopper.choose_calmly()
    expect(page.get_by_role("radio", checked=True)).to_have_count(1)
    shopper.shoot("checkout-2-options")
    page.get_by_role("button", name="Place order").click()
    allocation = shopper.placed()
    expect(page.locator("#placed-title")).to_be_focused()
    expect(page.locator(".promise")).to_contain_text("Promise kept")
    assert allocation["quote"]["outcome"] == "same"
    assert datetime.fromisoformat(allocation["deliver_by"]) <= datetime.fromisoformat(allocation["quote"]["deliver_by"])
    moves = page.locator(".moves li")
    taken = {(p["node"], line["sku"]): line["quantity"] for p in allocation["shipments"] for line in p["lines"]}
    assert moves.count() == len(taken)
    for move in moves.all():
        data = {name: move.get_attribute(f"data-{name}") or "" for name in ("node", "sku", "before", "after")}
        assert int(data["before"]) - int(data["after"]) == taken[data["node"], data["sku"]]
        assert int(data["after"]) == units_of(shopper, data["node"], data["sku"])
    page.locator("#reasons table").first.wait_for()
    page.get_by_text("Every reason, and what would have changed it").click()
    expect(page.locator("#reasons pre")).to_contain_text("proven cheapest")
    shopper.shoot("checkout-3-placed")
    page.get_by_role("button", name="Start a new order").click()
    page.locator(".option").first.wait_for()


def test_a_double_click_a_lost_answer_and_another_choice_after_it_are_one_order(shopper: Shopper) -> None:
    page = shopper.page
    shopper.see_options("69001")
    shopper.choose_calmly()
    sent: list[Request] = []

    def lose(route: Route) -> None:
        sent.append(route.request)
        route.fetch()  # the service has done it, its answer never comes
        route.abort()

    page.route("**/v1/allocations", lose)
    page.get_by_role("button", name="Place order").dblclick()
    expect(page.locator("#order-problem")).to_contain_text("cannot be reached")
    assert len(sent) == 1
    page.unroute("**/v1/allocations")
    page.get_by_role("radio", checked=False).first.check()
    page.get_by_role("button", name="Place order").click()
    allocation = shopper.placed()
    expect(page.locator("#placed")).to_contain_text("it was not placed again")
    status, found = shopper.process.call("GET", f"/v1/reservations/{allocation['order_id']}")
    assert (status, found["state"]) == (200, "confirmed")
    shopper.complaints = [one for one in shopper.complaints if "ERR_FAILED" not in one and "409" not in one]


def test_the_same_order_sent_again_has_the_same_key(shopper: Shopper) -> None:
    page = shopper.page
    shopper.see_options("75001")
    shopper.choose_calmly()
    keys: list[str | None] = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/allocations", lose)
    page.get_by_role("button", name="Place order").click()
    expect(page.locator("#order-problem")).to_contain_text("it is one order")
    page.get_by_role("button", name="Place order").click()
    shopper.placed()
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]
    expect(page.locator(".promise")).to_contain_text("Promise kept")
    shopper.complaints = [one for one in shopper.complaints if "ERR_FAILED" not in one]


def test_the_keyboard_alone_is_enough_to_order(shopper: Shopper) -> None:
    page, keys = shopper.page, shopper.page.keyboard

    def tab_to(selector: str) -> None:
        for _ in range(60):
            keys.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                assert page.evaluate(OUTLINE) == "solid", f"the focus on {selector} is not seen"
                return
        raise AssertionError(f"Tab never comes to {selector}")

    tab_to(".skip")
    tab_to('.stepper[data-step="1"]')
    keys.press("Enter")
    expect(page.locator(".quantity").first).to_have_value("5")
    tab_to("#postcode")
    keys.type("31000")
    keys.press("Enter")
    page.locator(".option").first.wait_for()
    tab_to("input[type=radio]")
    before = page.get_by_role("radio", checked=True).get_attribute("value")
    keys.press("ArrowDown")
    expect(page.locator(f'input[type=radio][value="{before}"]')).not_to_be_checked()
    tab_to("#order")
    keys.press("Enter")
    shopper.placed()
    expect(page.locator("#placed-title")).to_be_focused()


def test_what_cannot_be_ordered_is_said_in_words(shopper: Shopper) -> None:
    page = shopper.page
    order, note = page.get_by_role("button", name="Place order"), page.locator("#order-note")
    expect(note).to_have_text("Enter a postcode first.")
    page.get_by_label("Postcode").fill(UNKNOWN)
    problem = page.locator("#where-problem")
    expect(problem).to_contain_text(f"We do not know the postcode {UNKNOWN} in France")
    expect(page.get_by_label("Postcode")).to_have_attribute("aria-invalid", "true")
    shopper.shoot("checkout-4-unknown-postcode")
    shopper.complaints.clear()  # the browser notes every refusal
    shopper.see_options("33000")
    expect(problem).to_be_hidden()
    quantity = page.locator(".quantity").first
    quantity.fill("many")
    quantity.press("Tab")
    expect(page.locator("#cart-problem")).to_contain_text("“many” is no quantity")
    for field in page.locator(".quantity").all():
        field.fill("0")
        field.press("Tab")
    expect(page.locator("#hint")).to_contain_text("Your cart is empty")
    shopper.shoot("checkout-8-empty")
    expect(note).to_have_text("Your cart is empty.")
    expect(order).to_have_attribute("aria-disabled", "true")
    order.click(force=True)
    expect(page.locator("#placed")).to_be_hidden()
    page.get_by_role("button", name="Rare finds").click()
    page.locator(".option").first.wait_for()
    for field in page.locator(".quantity").all():
        field.fill("99")
        field.press("Tab")
    expect(page.locator("#hint")).to_contain_text("No store or warehouse can bring all of this to you.")
    assert not [url for url in shopper.asked if "/v1/allocations" in url]


def test_a_quote_that_took_too_long_is_asked_for_again_and_then_said_in_words(shopper: Shopper) -> None:
    page = shopper.page
    late = {"left": 2}

    def too_late(route: Route) -> None:
        if not late["left"]:
            route.continue_()
            return
        late["left"] -= 1
        found = route.fetch()
        route.fulfill(response=found, json=found.json() | {"fallback": True, "options": []})

    page.route("**/v1/quotes", too_late)
    shopper.see_options("33000")
    assert late["left"] == 0
    late["left"] = 3
    page.get_by_role("button", name="Rare finds").click()
    expect(page.locator("#options-problem")).to_contain_text("The shop is very busy.")
    page.get_by_role("button", name="Try again").click()
    page.locator(".option").first.wait_for()


def test_an_option_that_was_bought_by_others_meanwhile_is_not_sold_twice(shopper: Shopper) -> None:
    page, call = shopper.page, shopper.process.call
    page.get_by_role("button", name="Rare finds").click()
    shopper.see_options("33000")
    sku = page.locator("#lines .line").first.get_attribute("data-sku") or ""
    _, shop = call("GET", "/demo/checkout/data.json")
    nodes = "".join(f"&node={node['node']}" for node in shop["nodes"])
    _, found = call("GET", f"/v1/availability?sku={sku}{nodes}")
    held = {row["node"]: row["on_hand"] - row["reserved"] for row in found["availability"] if row["known"]}

    def move(sign: int) -> None:
        for node, units in held.items():
            if units:
                body = {"node": node, "sku": sku, "units": sign * units, "cause": "test"}
                status, answer = call(
                    "POST", "/v1/stock:adjust", body, idempotency_key=f"{node} {sign}".replace(" ", "/")
                )
                assert status == 200, answer

    move(-1)
    try:
        page.get_by_role("button", name="Place order").click()
        expect(page.locator("#order-problem")).to_contain_text("somebody was faster: too little stock in ")
        expect(page.locator("#hint")).to_contain_text("No store or warehouse can bring all of this to you.")
        expect(page.locator("#order-problem")).to_be_visible()
        shopper.shoot("checkout-7-sold-out")
    finally:
        move(1)
    shopper.see_options("13001")


def test_what_starts_at_once_is_ordered_although_a_moment_passed_and_the_page_says_how_late(shopper: Shopper) -> None:
    page = shopper.page
    shopper.see_options("33000")
    asked: list[Any] = []

    def moment_passed(route: Route) -> None:
        asked.append(route.request.post_data_json)
        if len(asked) == 1:
            change = {"node": "st-bordeaux", "lines": ["1"], "code": "too_late", "detail": "It would be there later."}
            kept = {"outcome": "changed", "changes": [change]}
            route.fulfill(json={"status": "infeasible", "shipments": [], "quote": kept})
        else:
            route.continue_()

    page.route("**/v1/allocations", moment_passed)
    page.get_by_role("button", name="Place order").click()
    allocation = shopper.placed()
    promised, grace = (datetime.fromisoformat(one["deliver_by"]) for one in (offered(shopper), asked[1]))
    assert grace - promised == timedelta(minutes=5)
    assert {key: asked[1][key] for key in ("methods", "pickup_node")} == {
        key: offered(shopper)["send"][key] for key in ("methods", "pickup_node")
    }
    late = datetime.fromisoformat(allocation["deliver_by"]) > promised
    expect(page.locator(".promise")).to_contain_text("Later than shown" if late else "Promise kept")


def offered(shopper: Shopper) -> dict[str, Any]:
    """The option that the service has selected at last."""
    found: dict[str, Any] = next(one for one in shopper.quotes[-1]["options"] if one["selected"])
    return found


def words(shopper: Shopper, script: str, argument: Any = None) -> Any:
    """What the page's own words make of something."""
    return shopper.page.evaluate(
        f"async given => {{ const w = await import('/demo/checkout/words.js'); {script} }}", argument
    )


def test_days_are_told_on_the_calendar_of_where_it_arrives(shopper: Shopper) -> None:
    def day(at: str, tz: str, now: str) -> str:
        got = words(shopper, "return w.day(new Date(given[0]), given[1], new Date(given[2]))", [at, tz, now])
        return str(got)

    assert day("2026-11-25T22:30:00Z", "Europe/Paris", "2026-11-25T20:00:00Z") == "Today"
    assert day("2026-11-25T23:30:00Z", "Europe/Paris", "2026-11-25T20:00:00Z") == "Tomorrow"
    assert day("2026-11-25T23:30:00Z", "America/New_York", "2026-11-25T20:00:00Z") == "Today"
    assert day("2026-10-26T09:00:00Z", "Europe/Paris", "2026-10-24T22:30:00Z") == "Tomorrow"  # after a day of 25 hours
    assert day("2026-11-27T12:00:00Z", "Europe/Paris", "2026-11-25T20:00:00Z") == "Fri 27 Nov"


def test_an_arrival_is_a_window_where_there_is_one_and_a_moment_at_a_place(shopper: Shopper) -> None:
    def arrival(**option: str) -> str:
        got = words(shopper, "return w.arrival(given, 'Europe/Paris', new Date('2026-11-25T20:00:00Z'))", option)
        return f"{got['day']}, {got['time']}"

    late = "2026-11-26T10:49:00Z"
    assert arrival(kind="same_day", deliver_from="2026-11-26T10:20:00Z", deliver_by=late) == "Tomorrow, 11:20 – 11:49"
    assert arrival(kind="home_delivery", deliver_by=late) == "Tomorrow, by 11:49"
    assert arrival(kind="click_and_collect", deliver_by=late) == "Tomorrow, ready at 11:49"
    days = arrival(kind="home_delivery", deliver_from="2026-12-01T07:00:00Z", deliver_by="2026-12-03T17:00:00Z")
    assert days == "Tue 1 Dec – Thu 3 Dec, by 18:00"


def test_the_map_puts_every_node_where_the_service_does(shopper: Shopper) -> None:
    apart = shopper.page.evaluate(
        """async () => {
            const { project } = await import('/demo/checkout/map.js');
            const shop = await (await fetch('/demo/checkout/data.json')).json();
            return shop.nodes.map((node) => {
                const [x, y] = project(shop.map.projection, node.lon, node.lat);
                return Math.hypot(x - node.x, y - node.y);
            });
        }"""
    )
    assert len(apart) == 84
    assert max(apart) < 0.1  # pixels: they are sent rounded


def test_a_phone_in_the_dark_shows_all_of_it_without_scrolling_sideways(browser: Browser, process: Process) -> None:
    with shopping(browser, process, **PHONE) as shopper:
        shopper.go()
        page = shopper.page
        page.get_by_role("button", name="Rare finds").tap()
        shopper.see_options("20000")
        width = "document.documentElement.scrollWidth"
        assert page.evaluate(width) == 375
        small = [
            box
            for button in page.locator("main button:visible").all()
            if (box := button.bounding_box()) and min(box["width"], box["height"]) < 40
        ]
        assert not small, "fingers are wider than that"
        shopper.shoot("checkout-5-phone-options")
        page.get_by_role("button", name="Place order").tap()
        shopper.placed()
        page.locator("#reasons table").first.wait_for()
        assert page.evaluate(width) == 375
        assert re.match(r"rgb\((\d\d?), ", page.evaluate("getComputedStyle(document.body).backgroundColor"))
        shopper.shoot("checkout-6-phone-placed")

"""Chromium on the shop's page, which the real service serves; what any test may look at afterwards is kept in out/."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.api.serve_cases import ROOT, Process

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # of which a container has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTEFACTS = ROOT / "out" / "test-artefacts"


def chromium() -> str:
    """Where Chromium is, or a skip; $SOURCEWISE_CHROMIUM names another."""
    found = next(filter(None, map(shutil.which, (os.environ.get("SOURCEWISE_CHROMIUM", ""), *NAMES))), None)
    if found is None:
        pytest.skip("no Chromium on the PATH: Debian's package `chromium` has it (make test installs it for root)")
    return found


@contextmanager
def opened() -> Iterator[Browser]:
    """A running browser."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Shopper:
    """Somebody at the checkout."""

    page: Page
    process: Process
    base: str
    quotes: list[Any] = field(default_factory=list)  # as the page got them
    asked: list[str] = field(default_factory=list)  # addresses of all requests
    complaints: list[str] = field(default_factory=list)  # of the browser: errors of scripts, what the policy refused

    def go(self) -> None:
        """Open the page."""
        self.page.goto(f"{self.base}/demo/checkout")
        self.page.locator("#lines .line").first.wait_for()

    def see_options(self, postcode: str) -> int:
        """Type a postcode; how many options there are then."""
        self.page.get_by_label("Postcode").fill(postcode)
        self.page.locator(".option").first.wait_for()
        return self.page.locator(".option").count()

    def choose_calmly(self) -> None:
        """The dearest option that need not be ordered this very moment."""
        self.page.locator(".option").filter(has_text="order within").last.get_by_role("radio").check()

    def placed(self) -> dict[str, Any]:
        """The order that the page says is placed, as the service has it."""
        self.page.locator("#placed-title").wait_for()
        text = self.page.locator("#placed").get_by_text("Order web-").inner_text()
        order_id = text.removeprefix("Order ").partition(",")[0]
        _, found = self.process.call("GET", f"/v1/decisions?order_id={order_id}")
        assert len(found["decisions"]) == 1
        answer: dict[str, Any] = found["decisions"][0]["answer"]
        return answer

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page, of which axe has nothing to say: names, contrast, headings, roles."""
        found = Axe().run(self.page).response["violations"]
        assert not found, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


@contextmanager
def shopping(browser: Browser, process: Process, **context: Any) -> Iterator[Shopper]:
    """A shopper in a window of their own; at the end nothing was asked of others and the browser has not complained."""
    base = f"http://127.0.0.1:{process.port}"
    opened = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | context)
    opened.set_default_timeout(30_000)
    shopper = Shopper(opened.new_page(), process, base)
    shopper.page.on("request", lambda request: shopper.asked.append(request.url))
    shopper.page.on("requestfinished", lambda request: _keep_quote(shopper, request))
    shopper.page.on("pageerror", lambda error: shopper.complaints.append(str(error)))
    shopper.page.on("console", lambda said: shopper.complaints.append(said.text) if said.type == "error" else None)
    try:
        yield shopper
        assert {url for url in shopper.asked if not url.startswith(base)} == set()
        assert shopper.complaints == []
    finally:
        opened.close()


def _keep_quote(shopper: Shopper, request: Request) -> None:
    response = request.response()
    if request.url.endswith("/v1/quotes") and response is not None and response.ok:
        shopper.quotes.append(response.json())

"""The app on a desk of its own, on the small network of builders.py, behind a real socket, as a client sees it."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import uvicorn

from api.http.app import App, create_app
from api.http.auth import new_key
from api.http.operations import Operations
from api.http.services import Services
from api.http.settings import Settings
from engine.desk.desk import Desk
from engine.network.model import Network
from engine.stock.ledger import Ledger, Posting
from tests import builders
from tests.desk.desk_cases import desk_on
from tests.ledger_twin import LedgerTwin


@dataclass
class Served:
    """A running app, its desk and a client of it."""

    app: App
    desk: Desk
    client: httpx.Client
    ticks: list[float] = field(default_factory=lambda: [0.0])  # the clock of limits and of looked-up keys

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """Send a call; headers by names with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content: bytes | None = None
        if body is not None:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            sent.setdefault("content-type", "application/json")
        if key is not None:
            sent["idempotency-key"] = key
        with self.client.stream(method, path, content=content, headers=sent) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):  # which has no end
                answer.read()
            return answer

    def make_key(self, *scopes: str, rate_per_minute: int = 0) -> str:
        """A key that the ledger knows."""
        token, record = new_key("test", scopes, 0, rate_per_minute=rate_per_minute)
        self.desk.ledger.post([Posting(makes=[record])], 0)
        self.ticks[0] += 100  # what was looked up before is forgotten
        return token


@contextmanager
def served(
    network: Network | None = None,
    ledger: Ledger | None = None,
    extra: Sequence[Operations] = (),
    desk_settings: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Served]:
    """Serve as long as the test runs; a quote waits for kernels that are still being loaded, unless told otherwise."""
    shop = network or builders.network()
    with desk_on(shop, ledger or LedgerTwin(), **(desk_settings or {})) as desk:
        ticks = [0.0]
        services = Services(desk, Settings(**({"quote_ms": 30_000} | settings)), clock=lambda: ticks[0])
        app = create_app(services, extra)
        with listening(app) as address, httpx.Client(base_url=address, timeout=30) as client:
            yield Served(app, desk, client, ticks)


@contextmanager
def listening(app: App) -> Iterator[str]:
    """A server in a thread of its own; its address."""
    config = uvicorn.Config(app, log_level="critical", access_log=False, ws="none", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def order(order_id: str = "o1", sku: str = "a", quantity: int = 1, **changes: Any) -> dict[str, Any]:
    """The body of an order of one line to Paris."""
    return {
        "order_id": order_id,
        "lines": [{"line_id": "1", "sku": sku, "quantity": quantity}],
        "destination": {"country": "FR", "postcode": "75011"},
        **changes,
    }

"""Receivers of webhooks on real sockets, and the whole service on a small shop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx

from api.http.app import create_app
from api.http.deliver import Deliverer
from api.http.logs import Log, LogWatch
from api.http.metrics import Metrics, Watches
from api.http.ops import OpsServices
from api.http.running import TOPICS
from api.http.settings import Settings
from engine.desk.desk import Watch
from engine.network.model import Network
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import EventRecord
from engine.stock.records_oms import Delivery, Webhook
from tests import builders
from tests.api.http.served import Served, listening
from tests.desk.desk_cases import Clock, desk_on
from tests.ledger_twin import LedgerTwin

SECRET = "whsec_c291cmNld2lzZS10ZXN0LXNlY3JldC0x"
OLD_SECRET = "whsec_c291cmNld2lzZS10ZXN0LXNlY3JldC0w"
NOW_S = 1_780_000_000


class Received(NamedTuple):
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """Answers webhooks by a rule, and keeps what came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[Received] = []
        self.answer: Callable[[Received], tuple[int, dict[str, str]]] = lambda message: (204, {})

    @property
    def ids(self) -> list[str]:
        return [message.message_id for message in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            message = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            here.got.append(message)
            status, headers = here.answer(message)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def event(subject: str = "o1", kind: str = "decision.made.v1", data: str = '{"n":1}') -> EventRecord:
    """Something that has happened."""
    return EventRecord(type=kind, subject=subject, at_s=NOW_S, data_json=data)


def happened(ledger: Ledger, *events: EventRecord) -> None:
    """Write events down, each in a transaction of its own."""
    for one in events:
        ledger.post([Posting(makes=[one])], NOW_S)


def hooked(ledger: Ledger, url: str, webhook_id: str = "w", **changes: Any) -> Webhook:
    """A webhook from the beginning of events on."""
    values: dict[str, Any] = {"types": "", "secret": SECRET, "created_s": NOW_S, "updated_s": NOW_S, **changes}
    hook = Webhook(webhook_id=webhook_id, url=url, **values)
    ledger.post([Posting(makes=[hook])], NOW_S)
    return hook


def deliverer(ledger: Ledger, clock: Clock, owner: str = "a", **changes: Any) -> Deliverer:
    """A deliverer that may reach this machine."""
    values: dict[str, Any] = {"source": "/test", "private": True, "timeout_s": 5.0, **changes}
    return Deliverer(ledger, clock_s=clock, owner=owner, **values)


def rounds(*deliverers: Deliverer) -> int:
    """A round of each at the same time; the number of events that were tried."""

    async def all_at_once() -> int:
        return sum(await asyncio.gather(*(one.round() for one in deliverers)))

    return asyncio.run(all_at_once())


def left(ledger: Ledger) -> list[Delivery]:
    """What is still to be delivered, or dead."""
    return ledger.find(Delivery, limit=1_000)


def known(ledger: Ledger, webhook_id: str = "w") -> Webhook:
    """The webhook as it is."""
    found = ledger.get(Webhook, webhook_id)
    assert found is not None
    return found


@contextmanager
def in_service(
    network: Network | None = None, ledger: Ledger | None = None, *, log: Log | None = None, **changes: Any
) -> Iterator[Served]:
    """The whole service on a small shop: events, webhooks, metrics and health beside the other routes."""
    shop = network or builders.network()
    metrics = Metrics()
    watches: list[Watch] = [metrics, *([LogWatch(log)] if log else [])]
    set_here = [name for name in changes if name in Settings.model_fields]
    given = {name: changes.pop(name) for name in set_here}
    settings = Settings.model_validate({"webhook_private_targets": True, "quote_ms": 30_000, **given})
    with desk_on(shop, ledger or LedgerTwin(), watch=Watches(watches)) as desk:
        ticks = [0.0]
        services = OpsServices(
            desk,
            settings,
            metrics=metrics,
            source="/test",
            observer=metrics,
            clock=lambda: ticks[0],
            **changes,
        )
        services.deliverer.poll_s = services.tail.poll_s = 0.02
        app = create_app(services, TOPICS)
        with listening(app) as address, httpx.Client(base_url=address, timeout=30) as client:
            yield Served(app, desk, client, ticks)


def ops(running: Served) -> OpsServices:
    """The services of a running app."""
    services = running.app.services
    assert isinstance(services, OpsServices)
    return services

"""
One process of the service: a network and the address of a ledger in, a server that answers until it is told to end.

On SIGTERM it drains: it says that it is not ready, ends streams, tells every client to close its connection with the
answer, and goes on answering for `drain_s`, so that whoever sends calls here has time to notice. Then it stops to
listen, answers what it has taken, closes desk and ledger, and ends with code 0. A second signal cuts that short.
"""

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from prometheus_client import disable_created_metrics

from api.http.app import create_app
from api.http.auth import refuse_open
from api.http.logs import Log, LogWatch
from api.http.metrics import Metrics, Watches
from api.http.ops import OpsServices
from api.http.routes import events, health, webhooks
from api.http.settings import Settings
from engine.decide.warm import warm_up
from engine.network.model import Network
from engine.wiring import open_service

INTERRUPT_DRAIN_S = 0.3  # of Ctrl-C
LAST_S = 0.2
BACKLOG = 2_048
TOPICS = (events.operations, webhooks.operations, health.operations)


class Server(uvicorn.Server):
    """A server that drains before it stops."""

    def __init__(
        self, config: uvicorn.Config, services: OpsServices, *, drain_s: float, begun: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.services = services
        self.drain_s = drain_s
        self.begun = begun
        self._signals = 0
        self._ends_s: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; stop at the second signal, without waiting at the third."""
        self._signals += 1
        if sig == signal.SIGINT:
            self.drain_s = min(self.drain_s, INTERRUPT_DRAIN_S)
        self.should_exit = self._signals > 1
        self.force_exit = self._signals > 2

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self.begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to listen; who was let in last still gets an answer before connections are closed."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(LAST_S)
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop now."""
        ends = await super().on_tick(counter)
        if not self._signals:
            return ends
        now = asyncio.get_running_loop().time()
        if self._ends_s is None:
            self._ends_s = now + self.drain_s
            await self.services.wind_down()
        self.server_state.default_headers = [*self.config.encoded_headers, (b"connection", b"close")]
        return ends or now >= self._ends_s


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address, not listening yet; OSError where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def clock_s() -> int:
    """Now, in epoch seconds: the clock of the service."""
    return time.time_ns() // 1_000_000_000


def run(
    network: Network,
    url: str,
    settings: Settings,
    listener: socket.socket,
    *,
    source: Callable[[], Network] | None = None,
    begun: Callable[[], None] = lambda: None,
    around: Callable[[Any], Any] = lambda app: app,
) -> None:
    """
    Serve until the process is told to end.

    Parameters
    ----------
    network, url, source
        See `open_service`.
    settings
        Of the service.
    listener
        Bound, see `bind`; closed at the end.
    begun
        Called once calls are answered.
    around
        Puts a layer around the app.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began: twice as many lines that nobody reads
    metrics = Metrics()
    log = Log(
        form=settings.log_format,
        level=settings.log_level,
        each=settings.log_decisions,
        lost=lambda count: metrics.log_lines_lost.inc(count),
    )
    spans = None
    watches: list[Any] = [metrics, LogWatch(log)]
    if settings.otel:
        from api.http.tracing import Spans, provider_from_environment

        spans = Spans(provider_from_environment())
        watches.append(spans)

    def left_out(watch: Any, error: Exception) -> None:
        log.logger.error("watch-broke", watch=type(watch).__name__, exc_info=error)

    log.start()
    try:
        desk, publisher = open_service(
            network, url, clock_s=clock_s, watch=Watches(watches, left_out), source=source or (lambda: network)
        )
        try:
            refuse_open(settings.host, desk.ledger)
            services = OpsServices(
                desk,
                settings,
                metrics=metrics,
                source=settings.event_source or f"/sourcewise/{network.name}",
                seed=os.getpid(),
                observer=metrics,
            )
            services.publisher = publisher
            app: Any = create_app(services, TOPICS)
            if spans is not None:
                from api.http.tracing import Traced

                app = Traced(app, spans)
            config = uvicorn.Config(
                around(app),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="on",
                backlog=BACKLOG,
                timeout_keep_alive=settings.keep_alive_s,
                timeout_graceful_shutdown=settings.shutdown_s,
            )
            warm_up(lambda name, done, total: None)  # load every kernel now: the first calls are not to wait for them
            gc.collect()
            gc.freeze()  # what a start makes stays; looking through it again and again would delay calls
            Server(config, services, drain_s=settings.drain_s, begun=begun).run([listener])
        finally:
            desk.close()
            desk.ledger.close()
    finally:
        log.close()
        if spans is not None:
            spans.close()

"""What the service has beside its routes: events going out, metrics, health, upkeep; started and ended with it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from time import monotonic

import msgspec

from api.http.call import Call
from api.http.deliver import Deliverer
from api.http.health import Health
from api.http.metrics import Metrics
from api.http.services import Observer, Services
from api.http.settings import Settings
from api.http.stream import HEARTBEAT_S, Tail
from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.sweep import Sweep, SweptDoc
from engine.stock.ledger import Ledger, LedgerBusyError

PRUNE_EACH_S = 3_600.0
SWEEP_EACH_S = 5.0  # by each process; what one has ended the others find ended


class OpsServices(Services):
    """
    `Services`, and what belongs to running them.

    Parameters
    ----------
    desk, settings, observer, clock
        See `Services`.
    metrics
        Is read at /metrics.
    source
        Of events, a URI.
    seed
        Of the jitter of retries.
    """

    def __init__(
        self,
        desk: Desk,
        settings: Settings,
        *,
        metrics: Metrics,
        source: str,
        seed: int = 0,
        heartbeat_s: float = HEARTBEAT_S,
        observer: Observer | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(desk, settings, observer=observer, clock=clock)
        self.metrics = metrics
        self.event_source = source
        self.heartbeat_s = heartbeat_s
        self.tail = Tail(desk.ledger)
        self.health = Health(desk, lag_s=lambda: metrics.lag_s, lag_s_max=settings.feed_lag_s_max)
        self.deliverer = Deliverer(
            desk.ledger,
            clock_s=desk.clock_s,
            source=source,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            seed=seed,
            private=settings.webhook_private_targets,
            told=metrics.delivered,
        )
        self._tasks: list[asyncio.Task[None]] = []
        metrics.follow(desk)
        metrics.gauge(metrics.streams, lambda: self.tail.open_streams)

    @property
    def ledger(self) -> Ledger:
        """Where the truth is."""
        return self.desk.ledger

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to serve, to deliver and to keep house."""
        super().start(loop)
        self._tasks = [loop.create_task(self.deliverer.run()), loop.create_task(self._keep_house())]

    async def wind_down(self) -> None:
        """Be ready for nothing more: streams end, no batch of deliveries is begun."""
        self.health.draining = True
        self.deliverer.close()
        await self.tail.close()

    async def drain(self) -> None:
        """Answer what was taken, end what is under way."""
        await self.wind_down()
        await super().drain()
        deliver, house = self._tasks
        house.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await house
        await deliver

    async def _keep_house(self) -> None:
        """End holds that have run out, and drop what is kept for a time only, again and again."""
        prune_at = monotonic() + PRUNE_EACH_S
        while True:
            await asyncio.sleep(SWEEP_EACH_S)
            with contextlib.suppress(LedgerBusyError, DeskError):
                while await asyncio.to_thread(self._sweep):
                    pass
            if monotonic() >= prune_at:
                prune_at = monotonic() + PRUNE_EACH_S
                with contextlib.suppress(LedgerBusyError):
                    await asyncio.to_thread(self.ledger.prune, self.desk.clock_s())

    def _sweep(self) -> bool:
        """End a portion of what has run out; whether there is more."""
        return msgspec.json.decode(self.desk.ask(Sweep()).body, type=SweptDoc).more


def ops_of(call: Call) -> OpsServices:
    """These services, of a call."""
    services = call.services
    assert isinstance(services, OpsServices), "the service runs with all of its parts"
    return services

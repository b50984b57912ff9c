"""What the routes need, in one object that is handed to the app: nothing here is global."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from api.http.auth import Keys
from api.http.bridge import Bridge
from api.http.idempotency import Running
from api.http.limits import Limits
from api.http.settings import Settings
from engine.desk.desk import Desk
from engine.desk.publish import Publisher

EXPLAINING_MAX = 1


class Observer(Protocol):
    """Is told of every answer; `route` is the template of the path, "" where none matched."""

    def answered(self, method: str, route: str, status: int, seconds: float, trace_id: str) -> None:
        """An answer was sent."""
        ...

    def broke(self, method: str, route: str, trace_id: str, error: Exception) -> None:
        """A call ended with a mistake of ours."""
        ...


class Services:
    """
    What the routes need.

    Parameters
    ----------
    desk
        Running.
    settings
        Of the service.
    observer
        Is told of every answer.
    clock
        Seconds, on a clock that never goes back: for limits and the life of looked-up keys.
    """

    def __init__(
        self,
        desk: Desk,
        settings: Settings,
        *,
        observer: Observer | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.desk = desk
        self.settings = settings
        self.observer = observer
        self._clock = clock
        self.publisher: Publisher | None = None  # where the network can be read again
        self.running = Running()
        self.explaining = asyncio.Semaphore(EXPLAINING_MAX)  # explanations are heavy: others wait their turn
        self._bridge: Bridge | None = None
        self._keys: Keys | None = None
        self._limits: Limits | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to serve on a loop."""
        clock = self._clock or loop.time
        self._bridge = Bridge(self.desk, loop)
        self._keys = Keys(self.desk.ledger, host=self.settings.host, life_s=self.settings.key_life_s, clock=clock)
        self._limits = Limits(self.settings.rate_per_minute, clock)

    async def drain(self) -> None:
        """Wait until every call that was taken is answered."""
        if self._bridge is not None:
            await self._bridge.idle()

    @property
    def bridge(self) -> Bridge:
        """To the desk."""
        assert self._bridge is not None, "the app has started"
        return self._bridge

    @property
    def keys(self) -> Keys:
        """Who calls."""
        assert self._keys is not None, "the app has started"
        return self._keys

    @property
    def limits(self) -> Limits:
        """Calls a minute."""
        assert self._limits is not None, "the app has started"
        return self._limits

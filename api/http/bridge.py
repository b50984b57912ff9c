"""
Between the event loop and the desk's thread: asks go over together, answers come back together.

Asks of one turn of the loop are handed to the desk at once. Answers are laid into a queue by the desk's thread, and the
loop is woken once for all that are there: waking it costs more than an answer.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from engine.desk.ask import Answer, Ask, DeskError
from engine.desk.desk import Desk

Result = Answer | Exception


class WebAsk(Ask):
    """An ask whose answer is wanted on the loop: by `receiver`."""

    __slots__ = ("receiver",)
    receiver: Callable[[Result], None]


class Bridge:
    """Asks the desk on behalf of one event loop."""

    def __init__(self, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self.desk = desk
        self._loop = loop
        self._leaving: list[Ask] = []
        self._arrived: deque[tuple[WebAsk, Result]] = deque()
        self._woken = False
        self.in_flight = 0
        self._idle: asyncio.Event = asyncio.Event()
        self._idle.set()

    def submit(self, ask: WebAsk, receiver: Callable[[Result], None]) -> None:
        """Ask; `receiver` is called on the loop, once."""
        ask.receiver = receiver
        self.in_flight += 1
        if not self._leaving:
            self._loop.call_soon(self._send)
        self._leaving.append(ask)

    def done(self, ask: Ask, result: Result) -> None:
        """Take an answer; on the desk's thread."""
        assert isinstance(ask, WebAsk), "only these are sent"
        self._arrived.append((ask, result))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:  # the loop is closed: nobody waits any more, and the ledger remembers the answer
                self._arrived.clear()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self.in_flight:
            self._idle.clear()
            await self._idle.wait()

    def _send(self) -> None:
        asks, self._leaving = self._leaving, []
        try:
            self.desk.submit(*asks)
        except DeskError as error:  # it is closing
            for ask in asks:
                self.done(ask, error)

    def _take(self) -> None:
        self._woken = False  # before the queue is emptied: who comes later wakes us again
        arrived = self._arrived
        while arrived:
            ask, result = arrived.popleft()
            self.in_flight -= 1
            ask.receiver(result)
        if not self.in_flight:
            self._idle.set()

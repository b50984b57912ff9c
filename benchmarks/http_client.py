"""
Loads an HTTP server over kept connections: as fast as it answers (closed), or at a fixed rate (open).

Requests are bytes that were made before; of an answer only what is needed is read: status and length. So the client
costs little beside the server, and a server that answers the same bytes to everything (`Echo`) shows how much it could
send itself.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import uvloop

OK = b"HTTP/1.1 200"
LENGTH = b"content-length: "
END = b"\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"


@dataclass
class Load:
    """What became of a run."""

    seconds: float = 0.0
    spent_ms: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.spent_ms) / self.seconds


class Connection(asyncio.Protocol):
    """A kept connection with one request on its way at most."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.since_s = 0.0
        self._got = b""
        self.transport: Any = None  # a stream's; uvloop has classes of its own for them

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = transport

    def send(self, request: bytes, since_s: float) -> None:
        """Ask."""
        self.since_s = since_s
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take an answer, perhaps in pieces."""
        got = self._got + data if self._got else data
        head = got.find(END)
        at = got.find(LENGTH, 0, head) if head >= 0 else -1
        if at < 0 or len(got) < head + 4 + int(got[at + len(LENGTH) : got.index(b"\r", at)]):
            self._got = got
            return
        self._got = b""
        self.run.answered(self, got.startswith(OK))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has closed it."""
        self.run.lost()


class Run:
    """Requests on their way."""

    def __init__(self, requests: Sequence[bytes], at_s: Sequence[float] | None) -> None:
        self.requests = requests
        self.at_s = at_s  # of an open load: when each is due
        self.load = Load()
        self.next = 0
        self.left = len(requests)
        self.free: deque[Connection] = deque()
        self.due: deque[tuple[bytes, float]] = deque()
        self.ended = asyncio.get_running_loop().create_future()
        self.broken = False

    def answered(self, connection: Connection, good: bool) -> None:
        """An answer; the connection is free for the next request."""
        now = perf_counter()
        self.load.spent_ms.append((now - connection.since_s) * 1000)
        self.load.failed += not good
        self.left -= 1
        if not self.left:
            if not self.ended.done():
                self.ended.set_result(None)
        elif self.due:
            connection.send(*self.due.popleft())
        elif self.at_s is None and self.next < len(self.requests):
            self.next += 1
            connection.send(self.requests[self.next - 1], now)
        else:
            self.free.append(connection)

    def lost(self) -> None:
        """A connection went before its time."""
        if self.left and not self.ended.done():
            self.ended.set_exception(ConnectionError("The server has closed a connection amid the load."))

    async def go(self, port: int, connections: int) -> Load:
        """Load, and wait for the last answer."""
        loop = asyncio.get_running_loop()
        opened = [
            (await loop.create_connection(lambda: Connection(self), "127.0.0.1", port))[1] for _ in range(connections)
        ]
        self.free.extend(opened)
        began = perf_counter()
        if self.at_s is None:
            while self.free and self.next < len(self.requests):
                self.next += 1
                self.free.popleft().send(self.requests[self.next - 1], perf_counter())
        else:
            await self._by_the_clock(began)
        await self.ended
        self.load.seconds = perf_counter() - began
        for connection in opened:
            connection.transport.close()
        return self.load

    async def _by_the_clock(self, began: float) -> None:
        """Send each request when it is due, on a free connection or the next that is; its time counts from then."""
        assert self.at_s is not None, "an open load has a timetable"
        for request, at_s in zip(self.requests, self.at_s, strict=True):
            due = began + at_s
            wait = due - perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if self.free:
                self.free.popleft().send(request, due)
            else:
                self.due.append((request, due))


def closed(port: int, requests: Sequence[bytes], connections: int) -> Load:
    """As fast as the server answers so many at once."""

    async def go() -> Load:
        return await Run(requests, None).go(port, connections)

    return uvloop.run(go())


def opened(port: int, requests: Sequence[bytes], connections: int, per_s: float, seed: int) -> Load:
    """At a fixed rate, arrivals as independent callers make them (Poisson)."""
    rng = np.random.default_rng([seed, len(requests)])
    at_s = np.cumsum(rng.exponential(1 / per_s, len(requests))).tolist()

    async def go() -> Load:
        return await Run(requests, at_s).go(port, connections)

    return uvloop.run(go())


class Echo(asyncio.Protocol):
    """A server that answers the same to everything, as soon as it has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(ANSWER)


def echo() -> None:
    """Serve `Echo` until the process is ended; prints its port."""

    async def go() -> None:
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(go())


if __name__ == "__main__":
    echo()

"""
Events as they happen: a tail that wakes whoever waits for them, and the stream of server-sent events made of it.

However many streams are open, one task of a process looks at the ledger while any of them waits; each then reads on
from its own place. So a stream that was cut goes on from the `id` it has seen last, without loss or repetition.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from engine.desk.outbox import PREFIX, EventMark, cloud_event, cursor_of, latest, mark_of, page
from engine.stock.ledger import Ledger, LedgerBusyError

POLL_S = 0.25
HEARTBEAT_S = 15.0
PAGE = 500
RETRY_MS = 2_000  # after which a client that was cut connects again


class Tail:
    """The end of the stream of events, as one process sees it. For one event loop."""

    def __init__(self, ledger: Ledger, *, poll_s: float = POLL_S) -> None:
        self.ledger = ledger
        self.poll_s = poll_s
        self.closed = False
        self.open_streams = 0
        self._newest = EventMark()
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def newer(self, after: EventMark, timeout_s: float) -> bool:
        """Wait until there are events after a place; False where there are none in time, or the tail was closed."""
        async with self._moved:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
            try:
                async with asyncio.timeout(timeout_s):
                    await self._moved.wait_for(lambda: self.closed or self._newest > after)
            except TimeoutError:
                return False
            return self._newest > after

    async def close(self) -> None:
        """End all streams."""
        self.closed = True
        async with self._moved:
            self._moved.notify_all()
        if self._task is not None:
            await self._task

    async def _look(self) -> None:
        if self._newest == EventMark():
            self._newest = await asyncio.to_thread(latest, self.ledger)
            async with self._moved:
                self._moved.notify_all()
        while not self.closed and self.open_streams:
            try:
                found = await asyncio.to_thread(page, self.ledger, self._newest, limit=PAGE)
            except LedgerBusyError:
                found = []
            if found:
                self._newest = mark_of(found[-1])
                async with self._moved:
                    self._moved.notify_all()
            if len(found) < PAGE:
                await asyncio.sleep(self.poll_s)


class EventStream(StreamingResponse):
    """A stream that ends as soon as its reader has gone, also while there is nothing to send."""

    def __init__(self, content: AsyncGenerator[bytes]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(content, media_type="text/event-stream", headers=headers)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        sending = asyncio.ensure_future(self.stream_response(send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._content.aclose()


async def sse(
    tail: Tail, after: EventMark, *, types: Sequence[str], source: str, heartbeat_s: float = HEARTBEAT_S
) -> AsyncGenerator[bytes]:
    """
    Server-sent events after a place: `id` is a cursor, `event` the type, `data` the CloudEvent.

    A comment is sent when nothing else was for a while, so that whoever is between does not cut the line.
    """
    tail.open_streams += 1
    try:
        yield format_sse_event(retry=RETRY_MS, comment=f"after {cursor_of(after)}")
        while not tail.closed:
            found = await asyncio.to_thread(page, tail.ledger, after, limit=PAGE)
            for record in found:
                after = mark_of(record)
                if types and record.type not in types:
                    continue
                text = cloud_event(record, source).decode()
                yield format_sse_event(data_str=text, event=PREFIX + record.type, id=cursor_of(after))
            if not found and not await tail.newer(after, heartbeat_s) and not tail.closed:
                yield format_sse_event(comment="still here")
    finally:
        tail.open_streams -= 1

"""One call: who sent it, what it carries, and how it asks the desk."""

import asyncio
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from fastapi import Depends, Request, Response
from starlette.types import Message, Receive, Scope, Send

from api.http.auth import LOCAL, Client
from api.http.bridge import Result, WebAsk
from api.http.idempotency import fingerprint, key_from
from api.http.problems import HttpProblemError
from api.http.services import Services
from api.http.versions import etag_of, unchanged, version_in
from engine.desk.ask import Answer, Command, KeyAsked

JSON = b"application/json"
CALL = "sourcewise.call"  # where a call is kept in the scope of its request
MARGIN_MS = 20  # of the caller's time, for the way there and back
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,64}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
T = TypeVar("T")


class Ready(Response):
    """A response whose bytes are there already."""

    def __init__(
        self, body: bytes, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = (), media_type: bytes = JSON
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [
            (b"content-type", media_type),
            (b"content-length", b"%d" % len(body)),
            *headers,
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        start: Message = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


class Reply(NamedTuple):
    """What became of one of many asks."""

    answer: Answer | None
    error: Exception | None = None


class Call:
    """A request on its way through a route."""

    __slots__ = ("body", "client", "extra", "headers", "is_json", "key", "route", "scope", "services", "trace_id")

    def __init__(self, services: Services, scope: Scope) -> None:
        self.services = services
        self.scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.trace_id = trace_id_of(self.headers)
        self.extra: list[tuple[bytes, bytes]] = [(b"x-request-id", self.trace_id.encode())]
        self.client: Client = LOCAL
        self.route = ""  # template of the path
        self.body = b""
        self.is_json = True
        self.key: KeyAsked | None = None

    # --- what is asked

    def require_key(self, *, compared: bool = True) -> None:
        """Name the call by its Idempotency-Key, which must be there; where it is `compared`, by what it says, too."""
        key = key_from(self.headers.get(b"idempotency-key"))
        scope = self.scope
        method = scope["method"]
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        said = fingerprint(method, target, self.body, is_json=self.is_json) if compared else ""
        self.key = KeyAsked(f"{self.client.client_id} {method} {self.route}", key, said)

    def content_type(self, default: str) -> str:
        """The type of the body, without its parameters."""
        given = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        return given or default

    @property
    def now_s(self) -> int:
        """Now, on the desk's clock."""
        return self.services.desk.clock_s()

    @property
    def time_ms(self) -> int | None:
        """The time that the caller gives us; None for the server's own limit."""
        given = self.headers.get(b"request-timeout-ms")
        if given is None:
            return None
        if not given.isdigit() or not 0 < int(given[:9]) < 10**8:
            raise HttpProblemError("bad-request", f"Request-Timeout-Ms ({given.decode('latin-1')}) is no number of ms.")
        return int(given[:9])

    def decide_ms(self, wanted_ms: int | None = None) -> int:
        """The time for a decision that needs the stronger method: within what the caller gives us."""
        own = self.services.settings.decide_ms if wanted_ms is None else wanted_ms
        given = self.time_ms
        return own if given is None else max(1, min(own, given - MARGIN_MS))

    def version_read(self) -> int:
        """The version that the caller read, NEW where it says that there is none; 428 where it does not say."""
        return version_in(self.headers)

    def version_sent(self) -> int | None:
        """Likewise, None where the caller does not say."""
        return None if b"if-match" not in self.headers else self.version_read()

    # --- asking

    async def ask(self, command: Command, *, etag: bool = False, location: Callable[[Any], str] | None = None) -> Ready:
        """
        Have something done, once per Idempotency-Key.

        Parameters
        ----------
        command
            What.
        etag
            Whether the answer has a version that becomes its ETag.
        location
            The address of what was made, out of the answer.
        """
        return self.sent(await self.answer(command), etag=etag, location=location)

    def sent(self, answer: Answer, *, etag: bool = False, location: Callable[[Any], str] | None = None) -> Ready:
        """An answer as it is sent."""
        headers: list[tuple[bytes, bytes]] = []
        if answer.replayed:
            headers.append((b"idempotency-replayed", b"true"))
        if etag and answer.status < 300:
            headers.append((b"etag", etag_of(answer.body).encode()))
        if location is not None and answer.status < 300:
            headers.append((b"location", location(msgspec.json.decode(answer.body)).encode()))
        return Ready(answer.body, answer.status, headers)

    async def read(self, command: Command, *, etag: bool = False) -> Ready:
        """Have something told that changes nothing."""
        answer = await self.answer(command)
        if not etag:
            return Ready(answer.body, answer.status)
        return self.tagged(answer.body, answer.status)

    def tagged(self, body: bytes, status: int = 200) -> Ready:
        """A document with its ETag; 304 where the caller has that version."""
        tag = etag_of(body)
        if status == 200 and unchanged(self.headers, tag):
            return Ready(b"", 304, [(b"etag", tag.encode())])
        return Ready(body, status, [(b"etag", tag.encode())])

    async def answer(self, command: Command, limit_ms: int | None = None) -> Answer:
        """The desk's answer; raises what the desk raises, and 503 where it takes too long."""
        services, key = self.services, self.key
        bridge, loop = services.bridge, asyncio.get_running_loop()
        self.require_room()
        limit_ms = limit_ms or services.settings.request_ms_max
        time_ms = self.time_ms
        if time_ms is not None:
            limit_ms = min(limit_ms, time_ms)
        now = loop.time()
        ask = WebAsk(
            command, bridge.done, key=key, deadline_s=now + limit_ms / 1000, since_s=now, trace_id=self.trace_id
        )
        if key is not None:
            services.running.begin(key)
        future: asyncio.Future[Answer] = loop.create_future()

        def receive(result: Result) -> None:
            if key is not None:
                services.running.end(key)
            if future.done():  # nobody waits any more; the ledger remembers the answer
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        bridge.submit(ask, receive)
        timer = loop.call_later(limit_ms / 1000, _too_late, future, limit_ms)
        try:
            return await future
        finally:
            timer.cancel()

    def require_room(self) -> None:
        """Raise HttpProblemError 503 where too many calls wait already."""
        waiting, most = self.services.desk.waiting, self.services.settings.queue_max
        if waiting >= most:
            raise HttpProblemError("overloaded", f"{waiting} calls wait; this one was not taken.")


def _too_late(future: "asyncio.Future[Answer]", limit_ms: int) -> None:
    if not future.done():
        future.set_exception(
            HttpProblemError("deadline-exceeded", f"There was no answer within {limit_ms} ms; it may still be done.")
        )


def trace_id_of(headers: dict[bytes, bytes]) -> str:
    """The trace that a call belongs to: the caller's own, or a new one."""
    given = headers.get(b"traceparent")
    if given is not None:
        found = _TRACEPARENT.fullmatch(given.strip())
        if found is not None:
            return found[1].decode()
    given = headers.get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return secrets.token_hex(16)


async def call_of(request: Request) -> Call:
    """The call of a request, for routes that FastAPI calls."""
    call = request.scope[CALL]
    assert isinstance(call, Call), "the edge has made it"
    return call


CallDep = Annotated[Call, Depends(call_of)]

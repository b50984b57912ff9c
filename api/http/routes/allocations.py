"""Allocations: decide an order and hold what that takes; one, or thousands in a call."""

import asyncio
from functools import partial

import msgspec
from pydantic import ValidationError
from starlette.responses import Response

from api.http.bridge import Result, WebAsk
from api.http.call import Call, CallDep, Ready
from api.http.examples import ALLOCATION
from api.http.idempotency import fingerprint
from api.http.models.orders import EXAMPLE, AllocateIn
from api.http.operations import JSON, NDJSON, Operations
from api.http.problems import HttpProblemError, ProblemDoc, problem_of
from api.http.rows import joined, rows_of
from engine.desk.ask import KeyAsked
from engine.desk.backorders import WaitingDoc
from engine.desk.documents import AllocationDoc
from engine.domain.errors import FulfilmentError
from engine.domain.units import utc

operations = Operations("allocations", ("checkout", "oms"))
TURN = 64  # orders of a bulk call that are read before others get their turn


class AllocationResultDoc(msgspec.Struct, kw_only=True):
    """What became of one order of a bulk call: an answer where its status is 200, else a problem."""

    index: int
    status: int
    replayed: bool = False
    answer: msgspec.Raw | None = None  # AllocationDoc, or WaitingDoc where lines wait
    problem: ProblemDoc | None = None


class AllocationsDoc(msgspec.Struct, kw_only=True):
    """Results in the order of the orders."""

    results: list[AllocationResultDoc]


@operations.add(
    "POST", "/v1/allocations", answer=(AllocationDoc, WaitingDoc), example=ALLOCATION, also=(404,), fast=True
)
async def allocate(body: AllocateIn, call: CallDep) -> Response:
    """
    Decide an order and hold the stock and capacity that it takes.

    All lines or none, unless `partial` is true. An order that nobody can serve is answered 200 with status `infeasible`
    and the reason of each node. What is held runs out after `ttl_s` unless it is confirmed.
    """
    key = call.key
    assert key is not None, "the call changes something"
    command = body.command(utc(call.now_s), f"{key.scope} {key.key}", call.decide_ms(body.decide_ms))
    return await call.ask(command)


@operations.add(
    "POST",
    "/v1/allocations:bulk",
    answer=AllocationsDoc,
    example={"results": [{"index": 0, "status": 200, "replayed": False, "answer": ALLOCATION, "problem": None}]},
    types=(JSON, NDJSON),
    bulk=True,
    own_keys=True,
    body_schema={
        JSON: {
            "schema": {
                "type": "object",
                "required": ["orders"],
                "additionalProperties": False,
                "properties": {
                    "orders": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 10_000,
                        "items": {"$ref": "#/components/schemas/AllocateIn"},
                    }
                },
            },
            "example": {"orders": [EXAMPLE]},
        },
        NDJSON: {"schema": {"type": "string"}},
    },
)
async def allocate_bulk(call: CallDep) -> Response:
    """
    Decide up to 10,000 orders, in their sequence, each on what the ones before left.

    `{"orders": […]}`, or NDJSON with an order per line. Each order stands alone, under the Idempotency-Key of the call
    with /0, /1, … behind it; what is wrong with one is told at its place. Results are in the order of the orders, as
    JSON, or NDJSON where the body is NDJSON or `Accept` asks for it.
    """
    settings, key = call.services.settings, call.key
    assert key is not None, "the call changes something"
    rows = rows_of(call.body, "orders", is_json=call.is_json, most=settings.bulk_orders_max)
    call.require_room()
    call.services.running.begin(key)
    bulk = _Bulk(call, key, len(rows))
    try:
        async with asyncio.timeout(min(call.time_ms or settings.bulk_ms_max, settings.bulk_ms_max) / 1000):
            for index, row in enumerate(rows):
                bulk.take(index, row)
                if index % TURN == TURN - 1:
                    await asyncio.sleep(0)
            await bulk.answered
    except TimeoutError:
        if bulk.left:
            text = f"{bulk.left} of {len(rows)} orders were not answered in time; they may still be done."
            raise HttpProblemError("deadline-exceeded", text) from None
    finally:
        bulk.close()
    as_json = call.is_json and NDJSON.encode() not in call.headers.get(b"accept", b"")
    body = b"".join(joined(bulk.entries, as_json=as_json))
    return Ready(body, media_type=(JSON if as_json else NDJSON).encode())


class _Bulk:
    """The orders of a bulk call on their way."""

    def __init__(self, call: Call, key: KeyAsked, size: int) -> None:
        self.call = call
        self.key = key
        self.left = size
        self.entries: list[bytes] = [b""] * size
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._now = utc(call.now_s)
        self._decide_ms = call.decide_ms()
        self._name = f"{key.scope} {key.key}"
        self._target = call.route.encode()
        self._asked = 0
        self._closed = False

    def take(self, index: int, row: bytes) -> None:
        """Read an order and ask for it."""
        try:
            body = AllocateIn.model_validate_json(row)
            decide_ms = self._decide_ms if body.decide_ms is None else self.call.decide_ms(body.decide_ms)
            command = body.command(self._now, f"{self._name}/{index}", decide_ms)
            said = fingerprint("POST", self._target, row, is_json=True)
        except (ValidationError, HttpProblemError, FulfilmentError) as error:
            self._told(index, error)
            return
        key = KeyAsked(self.key.scope, f"{self.key.key}/{index}", said)
        bridge = self.call.services.bridge
        since_s = asyncio.get_running_loop().time()
        ask = WebAsk(command, bridge.done, key=key, since_s=since_s, trace_id=self.call.trace_id)
        self._asked += 1
        bridge.submit(ask, partial(self._receive, index))

    def close(self) -> None:
        """Nobody waits any more; the key is free once everything is answered."""
        self._closed = True
        if not self._asked:
            self.call.services.running.end(self.key)

    def _receive(self, index: int, result: Result) -> None:
        self._asked -= 1
        if self._closed and not self._asked:
            self.call.services.running.end(self.key)
        self._told(index, result)

    def _told(self, index: int, result: Result) -> None:
        if isinstance(result, Exception):
            document, _ = problem_of(result, f"/orders/{index}", self.call.trace_id)
            text = msgspec.json.encode(document)
            self.entries[index] = b'{"index":%d,"status":%d,"problem":%b}' % (index, document.status, text)
        else:
            replayed = b"true" if result.replayed else b"false"
            entry = index, result.status, replayed, result.body
            self.entries[index] = b'{"index":%d,"status":%d,"replayed":%b,"answer":%b}' % entry
        self.left -= 1
        if not self.left and not self.answered.done():
            self.answered.set_result(None)

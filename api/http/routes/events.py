"""Events: pages of what has happened, and the stream of what happens."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import Header, Query
from fastapi.responses import Response

from api.http.call import CallDep, Ready
from api.http.operations import Operations
from api.http.ops import ops_of
from api.http.paging import LimitParam, link_next
from api.http.problems import FieldError, HttpProblemError
from api.http.stream import EventStream, sse
from engine.desk.outbox import EventMark, cloud_event, cursor_of, latest, mark_at, mark_of, page, types_of
from engine.domain.errors import InputError

STREAMS_MAX = 100
START = "start"
operations = Operations("events", ("oms", "planner"))
EXAMPLE = {
    "specversion": "1.0",
    "id": "evt_17",
    "source": "/sourcewise/demo",
    "type": "io.sourcewise.decision.made.v1",
    "subject": "o-1",
    "time": "2026-11-23T08:00:00Z",
    "datacontenttype": "application/json",
    "sequence": "00000000000000000017",
    "data": {"decision_id": "d-1", "order_id": "o-1", "status": "allocated", "nodes": ["lyon"], "cost_cents": 612},
}

TypesParam = Annotated[
    list[str] | None,
    Query(alias="type", max_length=50, description="Only events of this type; repeat for several."),
]
CursorParam = Annotated[
    str | None,
    Query(max_length=200, description="Go on after it: `next` of a page, or `id` in a stream; `start` is the oldest."),
]


class EventDoc(msgspec.Struct, kw_only=True):
    """An event in the structured form of CloudEvents 1.0."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | msgspec.UnsetType = msgspec.UNSET
    time: str
    datacontenttype: str
    sequence: str
    data: dict[str, Any]


class EventPage(msgspec.Struct, kw_only=True):
    """A page of events, oldest first. ``next`` goes on after it, also where there is nothing yet."""

    events: list[EventDoc]
    next: str
    more: bool


@operations.add("GET", "/v1/events", answer=EventPage, example={"events": [EXAMPLE], "next": "WzAsMTdd", "more": False})
async def events(
    call: CallDep, type_: TypesParam = None, cursor: CursorParam = None, limit: LimitParam = 100
) -> Response:
    """
    Events as CloudEvents, a page of them, oldest first.

    None is left out: nothing can appear later before an event that was read. An empty page keeps its cursor.
    """
    ops, types = ops_of(call), types_of(type_ or ())
    after = _mark(cursor)
    found = await asyncio.to_thread(page, ops.ledger, after, types=types, limit=limit)
    further = cursor_of(mark_of(found[-1]) if found else after)
    more = len(found) == limit
    texts = b",".join(cloud_event(record, ops.event_source) for record in found)
    tail = msgspec.json.encode({"next": further, "more": more})[1:]
    headers = []
    if more:
        headers.append((b"link", link_next("/v1/events", {"type": type_, "limit": limit}, further).encode()))
    return Ready(b'{"events":[' + texts + b"]," + tail, 200, headers)


@operations.add("GET", "/v1/events/stream", answer=str, media_type="text/event-stream")
async def event_stream(
    call: CallDep,
    type_: TypesParam = None,
    cursor: CursorParam = None,
    last_event_id: Annotated[str | None, Header(max_length=200, description="Goes on after that event.")] = None,
) -> Response:
    """
    Events as they happen, as server-sent events whose data is a CloudEvent; a comment every 15 s in between.

    A client that was cut sends the last `id` as Last-Event-ID and loses nothing; without it and without a cursor the
    stream begins now.
    """
    ops, types = ops_of(call), types_of(type_ or ())
    if ops.tail.closed or ops.tail.open_streams >= STREAMS_MAX:
        raise HttpProblemError("overloaded", "No more streams are opened; pages of events work.")
    given = last_event_id or cursor
    after = _mark(given) if given else await asyncio.to_thread(latest, ops.ledger)
    body = sse(ops.tail, after, types=types, source=ops.event_source, heartbeat_s=ops.heartbeat_s)
    return EventStream(body)


def _mark(cursor: str | None) -> EventMark:
    if cursor is None or cursor == START:
        return EventMark()
    try:
        return mark_at(cursor)
    except InputError as error:
        field = FieldError(pointer="?cursor", code="cursor", detail=error.message, hint=error.hint)
        raise HttpProblemError("bad-cursor", error.message, errors=[field]) from error

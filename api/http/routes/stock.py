"""Stock: what is there, what can be promised, counts and changes, the feed, what is due, what is held back."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.http.call import Call, CallDep
from api.http.examples import AVAILABILITIES, FEED, HELD_BACK, LOT, QUARANTINED, STOCK
from api.http.feed import batch_of
from api.http.models.stock import AdjustIn, CountIn, HeldBackIn, LotIn, ReceiveIn
from api.http.models.words import PLAIN, Body, Id, PathId
from api.http.operations import CSV, NDJSON, Operations
from api.http.paging import CursorParam, LimitParam, after
from api.http.problems import HttpProblemError
from api.http.reading import aside, page, records
from api.http.remembered import remembered
from engine.desk.ask import Answer, answer
from engine.desk.availability import AvailabilitiesDoc, Availability
from engine.desk.counts import FeedReport, apply_feed, list_quarantined, set_on_hand, settle_quarantined, settled_before
from engine.desk.documents import moment
from engine.desk.inbound import LotDoc, lot_doc
from engine.stock.ledger import stock_key
from engine.stock.records_oms import Lot, Quarantined

operations = Operations("stock", ("oms", "planner"))
FEED_LINES_MAX = 1_000_000
Ids = Annotated[list[Annotated[str, Query(min_length=1, max_length=100, pattern=PLAIN)]], Query(max_length=100)]


class StockRowDoc(msgspec.Struct, kw_only=True):
    """A stock row; its version for If-Match grows with every change of it, by a count or by an order."""

    node: str
    sku: str
    on_hand: int
    reserved: int
    version: int


class AdjustedDoc(msgspec.Struct, kw_only=True):
    """A row after a change."""

    node: str
    sku: str
    units: int
    cause: str
    on_hand: int
    reserved: int


class RefusedDoc(msgspec.Struct, kw_only=True):
    """A line that was not believed: it is quarantined."""

    row: int
    field: str
    value: str
    problem: str
    hint: str


class FeedDoc(msgspec.Struct, kw_only=True):
    """What a feed did: numbers by result, the result of each line in order, and the lines that were refused."""

    numbers: dict[str, int]
    results: list[str]
    refused: list[RefusedDoc]


class LotPage(msgspec.Struct, kw_only=True):
    """A page of lots."""

    lots: list[LotDoc]
    next: str | None


class HeldBackDoc(msgspec.Struct, kw_only=True):
    """Units that are held back."""

    rule: str
    node: str
    sku: str | None
    channel: str
    units: int
    version: int


class QuarantinedDoc(msgspec.Struct, kw_only=True):
    """A line of a feed that was not believed."""

    source: str
    batch: str
    row: int
    problem: str
    raw: str
    state: str
    version: int
    received_at: str | None


class QuarantinePage(msgspec.Struct, kw_only=True):
    """A page of quarantined lines."""

    lines: list[QuarantinedDoc]
    next: str | None


class SettleIn(Body):
    """What becomes of quarantined lines of a batch."""

    source: Id
    batch: Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=PLAIN)]
    rows: Annotated[tuple[Annotated[int, Field(ge=1, le=10**9)], ...], Field(min_length=1, max_length=1_000)]
    action: Literal["apply", "dismiss"]


@operations.add(
    "GET",
    "/v1/availability",
    answer=AvailabilitiesDoc,
    example=AVAILABILITIES,
    scopes=("checkout", "oms", "planner"),
)
async def availability(
    call: CallDep,
    sku: Ids,
    node: Ids = [],  # noqa: B006 (FastAPI copies it)
    group: Ids = [],  # noqa: B006
    channel: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """What there is of skus at nodes and in groups, what can be promised of it now, and what is due."""
    return await call.read(Availability(skus=tuple(sku), nodes=tuple(node), groups=tuple(group), channel=channel))


@operations.add("GET", "/v1/stock/{node:id}/{sku:id}", answer=StockRowDoc, example=STOCK)
async def stock(node: PathId, sku: PathId, call: CallDep) -> Response:
    """A stock row, with its ETag."""
    return call.tagged(await aside(_row, call, node, sku))


@operations.add("PUT", "/v1/stock/{node:id}/{sku:id}", answer=StockRowDoc, example=STOCK, also=(412, 428))
async def put_stock(node: PathId, sku: PathId, body: CountIn, call: CallDep) -> Response:
    """
    Set what was just counted.

    Where less is there than is reserved, a case opens that lists the holders; nothing is taken from anybody.
    """
    seen = call.version_read()
    desk, now_s, key = call.services.desk, call.now_s, call.key

    def count() -> Answer:
        set_on_hand(desk, node=node, sku=sku, on_hand=body.on_hand, now_s=now_s, if_seq=seen, call=key)
        return Answer(200, _row(call, node, sku))

    return await remembered(call, count, etag=True)


@operations.add("POST", "/v1/stock:adjust", answer=AdjustedDoc, example=STOCK | {"units": -1, "cause": "adjusted"})
async def adjust_stock(body: AdjustIn, call: CallDep) -> Response:
    """So many units more, or fewer, are there; never fewer than are reserved."""
    return await call.ask(body.command())


@operations.add(
    "POST",
    "/v1/stock:sync",
    answer=FeedDoc,
    example=FEED,
    types=(NDJSON, CSV),
    bulk=True,
    body_schema={
        NDJSON: {
            "schema": {"type": "string"},
            "example": '{"node":"wh-orleans","sku":"sku-0123","on_hand":40,"seq":17}\n',
        },
        CSV: {"schema": {"type": "string"}, "example": "node,sku,on_hand,seq\nwh-orleans,sku-0123,40,17\n"},
    },
)
async def sync_stock(
    call: CallDep, source: Annotated[str, Query(min_length=1, max_length=100, pattern=PLAIN)] = "feed"
) -> Response:
    """
    Counts (`on_hand`) and changes (`units`) of many rows, in lines of NDJSON or CSV.

    `seq` numbers the messages of a source about a row: late and repeated ones change nothing. `counted_at` says when it
    was counted: what left since is taken off. Lines that cannot be believed are quarantined, the others apply.
    """
    key, desk, now_s = call.key, call.services.desk, call.now_s
    assert key is not None, "the call changes something"
    body, kind, name = call.body, call.content_type(NDJSON), f"{call.client.client_id}/{key.key}"

    def feed() -> Answer:
        batch = batch_of(body, kind, source=source, batch=name, most=FEED_LINES_MAX)
        return answer(_report(apply_feed(desk, batch, now_s=now_s, call=key)))

    return await remembered(call, feed)


@operations.add("GET", "/v1/quarantine", answer=QuarantinePage, example={"lines": [QUARANTINED], "next": None})
async def quarantine(
    call: CallDep,
    state: Literal["open", "dismissed", "applied"] = "open",
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """Lines of feeds that were not believed, the oldest first."""
    begin = after(cursor, int, str, str, int)
    lines, last = await aside(list_quarantined, call.services.desk.ledger, states=(state,), after=begin, limit=limit)
    return page(call, "lines", [_quarantined(line) for line in lines], last, {"state": state, "limit": limit})


@operations.add("POST", "/v1/quarantine:settle", answer=FeedDoc, example=FEED, also=(404,))
async def settle_quarantine(body: SettleIn, call: CallDep) -> Response:
    """Dismiss quarantined lines, or apply them now that their node and sku are known."""
    desk, now_s, key = call.services.desk, call.now_s, call.key
    assert key is not None, "the call changes something"

    def settle() -> Answer:
        before = settled_before(desk, key)
        if before is not None:
            return answer(_report(before))
        found = desk.ledger.get_many(Quarantined, [(body.source, body.batch, row) for row in sorted(set(body.rows))])
        lines = [line for line in found if line.state == "open"]
        if not lines:
            before = settled_before(desk, key)  # by another process meanwhile
            if before is not None:
                return answer(_report(before))
            raise HttpProblemError("unknown", f"No line of batch ({body.batch}) of ({body.source}) is open.")
        return answer(_report(settle_quarantined(desk, lines, apply=body.action == "apply", now_s=now_s, call=key)))

    return await remembered(call, settle)


@operations.add("GET", "/v1/inbound", answer=LotPage, example={"lots": [LOT], "next": None})
async def inbound(
    call: CallDep,
    node: Annotated[str | None, Query(max_length=100)] = None,
    sku: Annotated[str | None, Query(max_length=100)] = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """Units due, the earliest first."""
    state = call.services.desk.state
    where: dict[str, Any] = {} if node is None else {"node_no": state.node_no(node)}
    where |= {} if sku is None else {"sku_no": state.sku_no(sku)}
    found, last = await records(call, Lot, where, order=("available_s",), cursor=cursor, types=(int, str), limit=limit)
    query = {"node": node, "sku": sku, "limit": limit}
    return page(call, "lots", [lot_doc(one, state) for one in found], last, query)


@operations.add("PUT", "/v1/inbound/{lot_id:id}", answer=LotDoc, example=LOT, also=(412,))
async def put_lot(lot_id: PathId, body: LotIn, call: CallDep) -> Response:
    """Announce units, or change what was announced. If-Match is looked at where it is sent."""
    return await call.ask(body.command(lot_id, call.version_sent()), etag=True)


@operations.add("POST", "/v1/inbound/{lot_id:id}:receive", answer=LotDoc, example=LOT, also=(404, 412))
async def receive_lot(lot_id: PathId, body: ReceiveIn, call: CallDep) -> Response:
    """Units of a lot have come: they are on hand, the lot shrinks, and whoever waits for them is served."""
    return await call.ask(body.command(lot_id, call.version_sent()), etag=True)


@operations.add("PUT", "/v1/held-back", answer=HeldBackDoc, example=HELD_BACK, scopes=("planner",), also=(412,))
async def put_held_back(body: HeldBackIn, call: CallDep) -> Response:
    """Set safety stock, or units that are kept for one channel. If-Match is looked at where it is sent."""
    return await call.ask(body.command(call.version_sent()), etag=True)


def _row(call: Call, node: str, sku: str) -> bytes:
    """A stock row as it is sent; on a thread of its own."""
    state = call.services.desk.state
    row, seq = call.services.desk.ledger.stock_row(stock_key(state.sku_no(sku), state.node_no(node)))
    return msgspec.json.encode(StockRowDoc(node=node, sku=sku, on_hand=row.on_hand, reserved=row.reserved, version=seq))


def _report(report: FeedReport) -> FeedDoc:
    refused = [
        RefusedDoc(row=one.row, field=one.field, value=one.value, problem=one.problem, hint=one.hint)
        for one in report.refused
    ]
    return FeedDoc(numbers=report.numbers, results=report.results, refused=refused)


def _quarantined(line: Quarantined) -> QuarantinedDoc:
    received = moment(line.received_s)
    return QuarantinedDoc(
        source=line.source,
        batch=line.batch,
        row=line.row,
        problem=line.problem,
        raw=line.raw,
        state=line.state,
        version=line.version,
        received_at=None if received is None else received.isoformat(),
    )

"""Rejections, the cases that people work through, and lines that wait for stock."""

from typing import Annotated, Literal

import msgspec
from fastapi import Query
from starlette.responses import Response

from api.http.call import CallDep
from api.http.examples import BACKORDER, CASE, REJECTION
from api.http.models.rejections import BackorderIn, RejectIn, ResolveIn, TakeIn
from api.http.models.words import PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, LimitParam, after
from api.http.reading import aside, page, record
from engine.desk.backorders import BackorderDoc, ChangeBackorder, list_backorders
from engine.desk.exceptions import CaseDoc, ResolvedDoc, case_doc, list_cases
from engine.desk.reject import RejectionDoc
from engine.stock.records_oms import ExceptionCase

operations = Operations("what goes wrong", ("oms",))
CaseState = Annotated[list[Literal["open", "taken", "resolved"]] | None, Query(description="Default: open, taken.")]
WaitState = Annotated[list[Literal["waiting", "allocated", "cancelled"]] | None, Query(description="Default: waiting.")]
ShortText = Annotated[str | None, Query(max_length=100)]


class CasePage(msgspec.Struct, kw_only=True):
    """A page of cases."""

    exceptions: list[CaseDoc]
    next: str | None


class BackorderPage(msgspec.Struct, kw_only=True):
    """A page of lines that wait."""

    backorders: list[BackorderDoc]
    next: str | None


@operations.add("POST", "/v1/rejections", answer=RejectionDoc, example=REJECTION, also=(404,))
async def reject(body: RejectIn, call: CallDep) -> Response:
    """
    A node could not pick: correct its stock by the reason, leave it out, and serve the lines from elsewhere at once.

    The promise that was given stays the limit as long as anything keeps it; the answer says whether it does.
    """
    return await call.ask(body.command(call.client.client_id))


@operations.add("GET", "/v1/exceptions", answer=CasePage, example={"exceptions": [CASE], "next": None})
async def exceptions(
    call: CallDep,
    state: CaseState = None,
    kind: ShortText = None,
    assigned_to: ShortText = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """What a person has to look at, the oldest first."""
    cases, last = await aside(
        list_cases,
        call.services.desk.ledger,
        states=tuple(state or ("open", "taken")),
        kind=kind,
        assigned_to=assigned_to,
        after=after(cursor, int, str),
        limit=limit,
    )
    query = {"state": state, "kind": kind, "assigned_to": assigned_to, "limit": limit}
    return page(call, "exceptions", cases, last, query)


@operations.add("GET", "/v1/exceptions/{exception_id:id}", answer=CaseDoc, example=CASE, also=(404,))
async def exception(exception_id: PathId, call: CallDep) -> Response:
    """A case, with its ETag."""
    found = await record(call, ExceptionCase, exception_id, what="Exception")
    return call.tagged(msgspec.json.encode(case_doc(found)))


@operations.add("POST", "/v1/exceptions/{exception_id:id}:take", answer=CaseDoc, example=CASE, also=(404, 412, 428))
async def take_exception(exception_id: PathId, body: TakeIn, call: CallDep) -> Response:
    """Take a case, or hand it to somebody."""
    return await call.ask(body.command(exception_id, call.version_read()), etag=True)


@operations.add(
    "POST",
    "/v1/exceptions/{exception_id:id}:resolve",
    answer=ResolvedDoc,
    example={"case": CASE, "decision_id": None, "promise_kept": None, "shipments": [], "waiting": {}, "unmet": {}},
    also=(404, 412, 428),
)
async def resolve_exception(exception_id: PathId, body: ResolveIn, call: CallDep) -> Response:
    """Resolve a case: try its lines again, let them wait, cancel them, or close it."""
    return await call.ask(body.command(exception_id, call.client.client_id, call.version_read()))


@operations.add("GET", "/v1/backorders", answer=BackorderPage, example={"backorders": [BACKORDER], "next": None})
async def backorders(
    call: CallDep,
    order_id: ShortText = None,
    sku: ShortText = None,
    state: WaitState = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """Lines that wait for stock, the oldest first."""
    desk = call.services.desk
    rows, last = await aside(
        list_backorders,
        desk.ledger,
        desk.state.view.numbers,
        states=tuple(state or ("waiting",)),
        order_id=order_id,
        sku_no=None if sku is None else desk.state.sku_no(sku, "sku"),
        after=after(cursor, int, str, str),
        limit=limit,
    )
    return page(call, "backorders", rows, last, {"order_id": order_id, "sku": sku, "state": state, "limit": limit})


@operations.add(
    "PATCH", "/v1/backorders/{order_id:id}", answer=list[BackorderDoc], example=[BACKORDER], also=(404, 412)
)
async def change_backorder(order_id: PathId, body: BackorderIn, call: CallDep) -> Response:
    """Change the priority of lines that wait, or by when they are wanted. If-Match is looked at where it is sent."""
    return await call.ask(body.command(order_id, call.version_sent()))


@operations.add(
    "DELETE", "/v1/backorders/{order_id:id}", answer=list[BackorderDoc], example=[BACKORDER], also=(404, 412)
)
async def cancel_backorder(
    order_id: PathId, call: CallDep, line_id: Annotated[str | None, Query(min_length=1, max_length=100)] = None
) -> Response:
    """Let an order's lines, or one of them, wait no longer."""
    return await call.ask(ChangeBackorder(order_id=order_id, line_id=line_id, cancel=True, version=call.version_sent()))

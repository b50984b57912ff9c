"""Decisions as they were taken, for whoever asks later."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.responses import Response

from api.explained import explained_document, explained_text
from api.http.call import JSON, CallDep, Ready
from api.http.examples import ALLOCATION
from api.http.models.words import PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, LimitParam
from api.http.reading import aside, page, record, records
from engine.desk.decisions import explain_decision
from engine.desk.desk import Desk
from engine.desk.documents import VersionsDoc, moment
from engine.stock.records import DecisionRecord

TEXT = b"text/plain; charset=utf-8"
operations = Operations("decisions", ("checkout", "oms", "planner"))


class DecisionDoc(msgspec.Struct, kw_only=True):
    """A decision: the order as it was decided, what was answered, and what it was decided on."""

    decision_id: str
    order_id: str
    reservation_id: str | None
    at: datetime | None
    cause: str
    status: str
    quality: str
    cost_cents: int
    bound_cents: int
    attempt: int
    versions: VersionsDoc
    order: msgspec.Raw
    answer: msgspec.Raw


class DecisionPage(msgspec.Struct, kw_only=True):
    """A page of decisions."""

    decisions: list[DecisionDoc]
    next: str | None


class ExplanationDoc(msgspec.Struct, kw_only=True):
    """
    A decision in full, and why it was taken: the documents of `sourcewise explain --json`.

    `notes` says what is not as it was then.
    """

    decision: dict[str, Any]
    explanation: dict[str, Any]
    notes: list[str]


EXPLANATION: dict[str, Any] = {
    "decision": {"order_id": "o-1001", "status": "optimal", "cost_cents": 1173, "currency": "EUR"},
    "explanation": {"shipments": [{"rivals": [], "nodes": [{"node": "st-pau", "code": "", "distance_m": 190_000}]}]},
    "notes": [],
}
EXAMPLE = {
    "decision_id": "d-5f0e0a8c6f2b4d1e9a77",
    "order_id": "o-1001",
    "reservation_id": "o-1001",
    "at": "2026-11-23T07:00:00Z",
    "cause": "order",
    "status": "optimal",
    "quality": "optimal",
    "cost_cents": 1173,
    "bound_cents": 1173,
    "attempt": 1,
    "versions": ALLOCATION["versions"],
    "order": {"order_id": "o-1001"},
    "answer": ALLOCATION,
}


def decision_doc(found: DecisionRecord) -> DecisionDoc:
    """A record in the caller's words."""
    return DecisionDoc(
        decision_id=found.decision_id,
        order_id=found.order_id,
        reservation_id=found.reservation_id or None,
        at=moment(found.at_s),
        cause=found.cause,
        status=found.status,
        quality=found.quality,
        cost_cents=found.cost_cents,
        bound_cents=found.bound_cents,
        attempt=found.attempt,
        versions=VersionsDoc(
            network=found.network_version,
            policy_id=found.policy_id,
            policy_version=found.policy_version,
            stock_seq=found.stock_seq,
        ),
        order=msgspec.Raw(found.order_json.encode()),
        answer=msgspec.Raw(found.answer_json.encode()),
    )


@operations.add("GET", "/v1/decisions/{decision_id:id}", answer=DecisionDoc, example=EXAMPLE, also=(404,))
async def decision(decision_id: PathId, call: CallDep) -> Response:
    """A decision."""
    found = await record(call, DecisionRecord, decision_id, what="Decision")
    return Ready(msgspec.json.encode(decision_doc(found)))


@operations.add(
    "GET",
    "/v1/decisions/{decision_id:id}/explanation",
    answer=ExplanationDoc,
    example=EXPLANATION,
    scopes=("oms", "planner"),
    also=(404, 409),
    or_text=True,
)
async def explanation(
    decision_id: PathId,
    call: CallDep,
    counterfactuals: Annotated[bool, Query(description="Also what would have changed it; takes longer.")] = True,
) -> Response:
    """
    Why a decision was as it was, on the stock and capacity of that moment: the plan with every cost term, the next best
    plans, the reason of every other node, and the smallest changes that would have changed it.

    With `Accept: text/plain` for people to read, as `sourcewise explain` prints it.
    """
    as_text = prefers_text(call.headers.get(b"accept", b""))
    async with call.services.explaining:
        body = await aside(_explained, call.services.desk, decision_id, counterfactuals, as_text)
    return Ready(body, 200, [(b"vary", b"accept")], TEXT if as_text else JSON)


def prefers_text(accept: bytes) -> bool:
    """
    Whether a header Accept names text before JSON; it names neither for JSON.

    >>> prefers_text(b"text/plain;q=0.9, */*"), prefers_text(b"application/json, text/plain"), prefers_text(b"*/*")
    (True, False, False)
    """
    kinds = [part.partition(b";")[0].strip().lower() for part in accept.split(b",")]
    first = next((kind for kind in kinds if kind in (b"text/plain", JSON)), JSON)
    return first != JSON


def _explained(desk: Desk, decision_id: str, counterfactuals: bool, as_text: bool) -> bytes:
    found = explain_decision(desk, decision_id, counterfactuals=counterfactuals)
    return explained_text(found).encode() if as_text else msgspec.json.encode(explained_document(found))


@operations.add("GET", "/v1/decisions", answer=DecisionPage, example={"decisions": [EXAMPLE], "next": None})
async def decisions(
    call: CallDep,
    order_id: Annotated[str, Query(min_length=1, max_length=100, examples=["o-1001"])],
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """The decisions of an order, the oldest first."""
    found, last = await records(
        call, DecisionRecord, {"order_id": order_id}, order=("at_s",), cursor=cursor, types=(int, str), limit=limit
    )
    return page(call, "decisions", [decision_doc(one) for one in found], last, {"order_id": order_id, "limit": limit})

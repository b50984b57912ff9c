"""API keys, and the audit trail: who changed network, policies or keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from api.http.auth import new_key
from api.http.call import CallDep, Ready
from api.http.models.words import Body, Id, PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, LimitParam
from api.http.reading import page, record, records
from engine.desk.ask import CREATED, NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.documents import moment
from engine.desk.state import State
from engine.stock.ledger import Posting
from engine.stock.records_oms import ApiKey, Audit

operations = Operations("administration", ("admin",))


class KeyDoc(msgspec.Struct, kw_only=True):
    """An API key. `token` is there in the answer that made it, once."""

    key_id: str
    name: str
    scopes: list[str]
    rate_per_minute: int
    created_at: datetime | None
    revoked_at: datetime | None
    version: int
    token: str | None = None


class KeyPage(msgspec.Struct, kw_only=True):
    """A page of keys."""

    keys: list[KeyDoc]
    next: str | None


class AuditDoc(msgspec.Struct, kw_only=True):
    """A change, by whom, from what to what."""

    audit_no: int
    at: datetime | None
    by: str
    action: str
    subject: str
    before: msgspec.Raw
    after: msgspec.Raw
    trace_id: str


class AuditPage(msgspec.Struct, kw_only=True):
    """A page of the audit trail."""

    entries: list[AuditDoc]
    next: str | None


KEY = {
    "key_id": "9f1c2ab3d4e5",
    "name": "web shop",
    "scopes": ["checkout"],
    "rate_per_minute": 6000,
    "created_at": "2026-11-23T07:00:00Z",
    "revoked_at": None,
    "version": 1,
    "token": None,
}
ENTRY = {
    "audit_no": 7,
    "at": "2026-11-23T07:00:00Z",
    "by": "9f1c2ab3d4e5",
    "action": "key.created",
    "subject": "0a1b2c3d4e5f",
    "before": None,
    "after": {"name": "web shop", "scopes": ["checkout"]},
    "trace_id": "d1e5710c41c039d698bc8d6b290a2397",
}


class KeyIn(Body):
    """A new API key."""

    name: Id = Field(examples=["web shop"])
    scopes: Annotated[tuple[Literal["checkout", "oms", "planner", "admin"], ...], Field(min_length=1, max_length=4)]
    rate_per_minute: int = Field(0, ge=0, le=10_000_000, description="0: the server's default.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateKey:
    """Write a new key down."""

    record: ApiKey
    by: str
    trace_id: str

    @property
    def name(self) -> str:
        """The operation."""
        return "create_key"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down; its secret is no part of what is remembered."""
        document = key_doc(self.record)
        audit = Audit(
            at_s=state.now_s,
            by=self.by,
            action="key.created",
            subject=self.record.key_id,
            after_json=msgspec.json.encode({"name": document.name, "scopes": document.scopes}).decode(),
            trace_id=self.trace_id,
        )
        return Planned(answer(document, CREATED), Posting(makes=[self.record, audit]))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    """End a key."""

    key_id: str
    by: str
    trace_id: str

    @property
    def name(self) -> str:
        """The operation."""
        return "revoke_key"

    def wanted(self) -> Wanted:
        """Nothing but the key."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """End it; one that has ended stays as it is."""
        known = state.ledger.get(ApiKey, self.key_id)
        if known is None:
            raise DeskError("unknown", NOT_FOUND, f"Key ({self.key_id}) is unknown.", "see the list of keys.")
        if known.revoked_s is not None:
            return Planned(answer(key_doc(known)))
        ended = msgspec.structs.replace(known, revoked_s=state.now_s, version=known.version + 1)
        audit = Audit(at_s=state.now_s, by=self.by, action="key.revoked", subject=self.key_id, trace_id=self.trace_id)
        return Planned(answer(key_doc(ended)), Posting(changes=[ended], makes=[audit]))


def key_doc(record: ApiKey) -> KeyDoc:
    """A key without its secret."""
    return KeyDoc(
        key_id=record.key_id,
        name=record.name,
        scopes=record.scopes.split(),
        rate_per_minute=record.rate_per_minute,
        created_at=moment(record.created_s),
        revoked_at=moment(record.revoked_s),
        version=record.version,
    )


@operations.add("POST", "/v1/keys", answer=KeyDoc, status=CREATED, example=KEY | {"token": "sw_9f1c2ab3d4e5_…"})
async def create_key(body: KeyIn, call: CallDep) -> Response:
    """Make an API key. `token` is the key itself; it is told once: an answer that is replayed has none."""
    token, made = new_key(body.name, body.scopes, call.now_s, rate_per_minute=body.rate_per_minute)
    reply = await call.ask(CreateKey(record=made, by=call.client.client_id, trace_id=call.trace_id))
    document = msgspec.json.decode(reply.body, type=KeyDoc)
    if document.key_id != made.key_id:
        return reply
    document.token = token
    return Ready(msgspec.json.encode(document), CREATED)


@operations.add("GET", "/v1/keys", answer=KeyPage, example={"keys": [KEY], "next": None})
async def keys(call: CallDep, cursor: CursorParam = None, limit: LimitParam = 100) -> Response:
    """All keys, the oldest first, without their secrets."""
    found, last = await records(call, ApiKey, {}, order=("created_s",), cursor=cursor, types=(int, str), limit=limit)
    return page(call, "keys", [key_doc(one) for one in found], last, {"limit": limit})


@operations.add("GET", "/v1/keys/{key_id:id}", answer=KeyDoc, example=KEY, also=(404,))
async def key(key_id: PathId, call: CallDep) -> Response:
    """A key without its secret."""
    return Ready(msgspec.json.encode(key_doc(await record(call, ApiKey, key_id, what="Key"))))


@operations.add("DELETE", "/v1/keys/{key_id:id}", answer=KeyDoc, example=KEY, also=(404,))
async def revoke_key(key_id: PathId, call: CallDep) -> Response:
    """Revoke a key; every process refuses it within seconds."""
    return await call.ask(RevokeKey(key_id=key_id, by=call.client.client_id, trace_id=call.trace_id))


@operations.add("GET", "/v1/audit", answer=AuditPage, example={"entries": [ENTRY], "next": None})
async def audit(
    call: CallDep,
    action: Annotated[str | None, Query(max_length=100, examples=["key.created"])] = None,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    by: Annotated[str | None, Query(max_length=100)] = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """The audit trail, the oldest first."""
    given = {"action": action, "subject": subject, "by": by}
    where = {name: value for name, value in given.items() if value is not None}
    found, last = await records(call, Audit, where, order=(), cursor=cursor, types=(int,), limit=limit)
    entries = [
        AuditDoc(
            audit_no=one.audit_no,
            at=moment(one.at_s),
            by=one.by,
            action=one.action,
            subject=one.subject,
            before=_raw(one.before_json),
            after=_raw(one.after_json),
            trace_id=one.trace_id,
        )
        for one in found
    ]
    return page(call, "entries", entries, last, {**given, "limit": limit})


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode() if text else b"null")

"""Webhooks: where events are delivered to, their secrets, a test, and what could not be delivered."""

import asyncio
import base64
import binascii
import secrets
from time import perf_counter
from typing import Annotated, Any

import msgspec
from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.call import Call, CallDep, Ready
from api.http.deliver import Result, test_message
from api.http.operations import Operations
from api.http.ops import ops_of
from api.http.paging import CursorParam, LimitParam, after, cursor_of
from api.http.targets import URL_MAX, check_url
from engine.desk.ask import NOT_FOUND, DeskError
from engine.desk.outbox import EventMark, latest, mark_at, types_of
from engine.desk.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeadLetters,
    DeliveryDoc,
    DoneDoc,
    DropWebhook,
    RetireSecret,
    RotateSecret,
    WebhookDoc,
    delivery_doc,
    webhook_doc,
)
from engine.domain.errors import InputError
from engine.stock.records_oms import Delivery, Webhook

SECRET_PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
operations = Operations("webhooks", ("admin",))
EXAMPLE = {
    "webhook_id": "oms",
    "url": "https://oms.example.com/hooks/sourcewise",
    "types": ["decision.made.v1"],
    "state": "active",
    "rotating": False,
    "waits_until": None,
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 1,
}
SECRET = "whsec_c291cmNld2lzZS1leGFtcGxlLXNlY3JldA=="
LETTER = {
    "webhook_id": "oms",
    "event_id": "evt_17",
    "event_no": 17,
    "state": "dead",
    "attempts": 10,
    "next_at": None,
    "last_status": 400,
    "last_error": "Answered 400.",
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WebhookIn(_Body):
    """A new webhook."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "webhook_id": "oms",
                    "url": "https://oms.example.com/hooks/sourcewise",
                    "types": ["io.sourcewise.decision.made.v1"],
                }
            ]
        },
    )
    webhook_id: str = Field(min_length=1, max_length=100, pattern=NAME)
    url: str = Field(min_length=1, max_length=URL_MAX, description="https, and not inside a private network.")
    types: list[str] = Field(default=[], max_length=50, description="Types of events; none: all.")
    secret: str | None = Field(
        default=None, max_length=200, description="whsec_ and 24 to 64 bytes in base64; made by the server without it."
    )
    after: str | None = Field(
        default=None, max_length=200, description="A cursor of events, or start; else from now on."
    )


class WebhookChange(_Body):
    """What is to be different; what is left out stays."""

    url: str | None = Field(default=None, min_length=1, max_length=URL_MAX)
    types: list[str] | None = Field(default=None, max_length=50)
    state: str | None = Field(default=None, pattern="^(active|paused)$")


class SecretIn(_Body):
    """The next secret."""

    secret: str | None = Field(default=None, max_length=200)


class LettersIn(_Body):
    """Which dead letters; none: the oldest, at most a thousand."""

    event_nos: list[int] = Field(default=[], max_length=1_000)


class WebhookList(msgspec.Struct, kw_only=True):
    """All webhooks."""

    webhooks: list[WebhookDoc]


class DeliveryPage(msgspec.Struct, kw_only=True):
    """Deliveries of a webhook, a page of them."""

    deliveries: list[DeliveryDoc]
    next: str | None


class TestDoc(msgspec.Struct, kw_only=True):
    """What a receiver did with a test message."""

    delivered: bool
    status: int
    error: str
    elapsed_ms: float


def new_secret() -> str:
    """A secret to sign with."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def checked_secret(given: str | None) -> str:
    """A secret that the caller gives, or a new one; InputError where it is too short to be one."""
    if given is None:
        return new_secret()
    text = given.removeprefix(SECRET_PREFIX)
    try:
        size = len(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except binascii.Error:
        size = 0
    if text == given or not SECRET_BYTES[0] <= size <= SECRET_BYTES[1]:
        raise InputError("The secret is not one of Standard Webhooks.", "whsec_ and 24 to 64 random bytes in base64.")
    return given


@operations.add("GET", "/v1/webhooks", answer=WebhookList, example={"webhooks": [EXAMPLE]})
async def webhooks(call: CallDep) -> Response:
    """All webhooks, without their secrets."""
    found = await asyncio.to_thread(ops_of(call).ledger.find, Webhook, limit=1_000)
    return _json(WebhookList(webhooks=[webhook_doc(hook) for hook in found]))


@operations.add(
    "POST",
    "/v1/webhooks",
    answer=WebhookDoc,
    status=201,
    example={**EXAMPLE, "secret": SECRET},
)
async def create_webhook(body: WebhookIn, call: CallDep) -> Response:
    """Deliver events to an address. The secret to check signatures with is in this answer and never again."""
    ops = ops_of(call)
    url = check_url(body.url, private=ops.deliverer.private)
    if body.after == "start":
        mark = EventMark()
    elif body.after is not None:
        mark = mark_at(body.after)
    else:
        mark = await asyncio.to_thread(latest, ops.ledger)
    command = CreateWebhook(
        webhook_id=body.webhook_id,
        url=url,
        types=types_of(body.types),
        secret=checked_secret(body.secret),
        after=mark,
        **_who(call),
    )
    return await call.ask(command, etag=True, location=lambda document: f"/v1/webhooks/{document['webhook_id']}")


@operations.add("GET", "/v1/webhooks/{webhook_id:id}", answer=WebhookDoc, example=EXAMPLE, also=(404,))
async def webhook(call: CallDep, webhook_id: str) -> Response:
    """A webhook, without its secret."""
    return call.tagged(msgspec.json.encode(webhook_doc(await _known(call, webhook_id))))


@operations.add("PATCH", "/v1/webhooks/{webhook_id:id}", answer=WebhookDoc, example=EXAMPLE, also=(404, 412, 428))
async def change_webhook(body: WebhookChange, call: CallDep, webhook_id: str) -> Response:
    """Another address or other types, paused or active. One that was out of reach is tried at once when made active."""
    command = ChangeWebhook(
        webhook_id=webhook_id,
        url=check_url(body.url, private=ops_of(call).deliverer.private) if body.url is not None else None,
        types=types_of(body.types) if body.types is not None else None,
        state=body.state,
        if_version=call.version_read(),
        **_who(call),
    )
    return await call.ask(command, etag=True)


@operations.add("DELETE", "/v1/webhooks/{webhook_id:id}", answer=WebhookDoc, example=EXAMPLE, also=(404,))
async def drop_webhook(call: CallDep, webhook_id: str) -> Response:
    """End a webhook and forget what waits for it."""
    return await call.ask(DropWebhook(webhook_id=webhook_id, **_who(call)))


@operations.add(
    "POST",
    "/v1/webhooks/{webhook_id:id}/secret",
    answer=WebhookDoc,
    example={**EXAMPLE, "rotating": True, "secret": SECRET},
    also=(404,),
)
async def rotate_secret(body: SecretIn, call: CallDep, webhook_id: str) -> Response:
    """Sign with a new secret, and with the one before as well until it is retired. It is told here and never again."""
    command = RotateSecret(webhook_id=webhook_id, secret=checked_secret(body.secret), **_who(call))
    return await call.ask(command)


@operations.add("DELETE", "/v1/webhooks/{webhook_id:id}/secret", answer=WebhookDoc, example=EXAMPLE, also=(404,))
async def retire_secret(call: CallDep, webhook_id: str) -> Response:
    """Retire the secret before the present one."""
    return await call.ask(RetireSecret(webhook_id=webhook_id, **_who(call)))


@operations.add(
    "POST",
    "/v1/webhooks/{webhook_id:id}/test",
    answer=TestDoc,
    example={"delivered": True, "status": 204, "error": "", "elapsed_ms": 12.5},
    changes=False,
    also=(404,),
)
async def test_webhook(call: CallDep, webhook_id: str) -> Response:
    """Send a test message now, once, whatever the state of the webhook; changes nothing."""
    ops = ops_of(call)
    hook = await _known(call, webhook_id)
    began = perf_counter()
    body = test_message(webhook_id, ops.deliverer.source, call.now_s)
    tried = await ops.deliverer.attempt(hook, f"test_{webhook_id}_{call.now_s}", body)
    spent_ms = round((perf_counter() - began) * 1000, 1)
    delivered = tried.result == Result.DELIVERED
    return _json(TestDoc(delivered=delivered, status=tried.status, error=tried.error, elapsed_ms=spent_ms))


@operations.add(
    "GET",
    "/v1/webhooks/{webhook_id:id}/deliveries",
    answer=DeliveryPage,
    example={"deliveries": [LETTER], "next": None},
    also=(404,),
)
async def deliveries(
    call: CallDep,
    webhook_id: str,
    state: Annotated[str | None, Query(pattern="^(waiting|dead)$", description="`dead`: the dead letters.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """What a webhook has not taken: what is tried again, and the dead letters."""
    await _known(call, webhook_id)
    where: dict[str, Any] = {"webhook_id": webhook_id} | ({"state": state} if state else {})
    seen = after(cursor, int)
    if seen is not None:
        where["event_no__gt"] = seen[0]
    found = await asyncio.to_thread(ops_of(call).ledger.find, Delivery, where, order=("event_no",), limit=limit)
    further = cursor_of((found[-1].event_no,)) if len(found) == limit else None
    return _json(DeliveryPage(deliveries=[delivery_doc(one) for one in found], next=further))


@operations.add(
    "POST",
    "/v1/webhooks/{webhook_id:id}/deliveries/retry",
    answer=DoneDoc,
    example={"done": 3, "more": False},
    also=(404,),
)
async def retry_letters(body: LettersIn, call: CallDep, webhook_id: str) -> Response:
    """Try dead letters again, with all their attempts before them."""
    command = DeadLetters(webhook_id=webhook_id, retry=True, event_nos=tuple(body.event_nos), **_who(call))
    return await call.ask(command)


@operations.add(
    "POST",
    "/v1/webhooks/{webhook_id:id}/deliveries/drop",
    answer=DoneDoc,
    example={"done": 3, "more": False},
    also=(404,),
)
async def drop_letters(body: LettersIn, call: CallDep, webhook_id: str) -> Response:
    """Drop dead letters."""
    command = DeadLetters(webhook_id=webhook_id, retry=False, event_nos=tuple(body.event_nos), **_who(call))
    return await call.ask(command)


def _who(call: Call) -> dict[str, Any]:
    return {"by": call.client.client_id, "trace_id": call.trace_id}


async def _known(call: Call, webhook_id: str) -> Webhook:
    found = await asyncio.to_thread(ops_of(call).ledger.get, Webhook, webhook_id)
    if found is None:
        raise DeskError("unknown", NOT_FOUND, f"Webhook ({webhook_id}) is unknown.", "list them all.")
    return found


def _json(document: msgspec.Struct) -> Ready:
    return Ready(msgspec.json.encode(document))

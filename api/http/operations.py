"""
Routes with rules: who may call, what a body may be, whether the call needs an Idempotency-Key.

A module of routes makes an `Operations` and declares its functions on it; the app adds them all. A `Guarded` route
checks the rules before anything is parsed. A function that takes a body and the call only (`fast`) is called by the
route itself, with the body validated straight from its bytes: the way of FastAPI costs several times as much as all of
our own work, and is kept for the routes where nobody counts microseconds.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, get_type_hints

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from api.http.auth import allowed
from api.http.call import CALL, Call
from api.http.documents import PROBLEMS, Answered, answer_content
from api.http.plain import require_plain
from api.http.problems import HttpProblemError

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
Endpoint = Callable[..., Awaitable[Response]]


class Rules(NamedTuple):
    """What is checked before a function is called."""

    scopes: tuple[str, ...]  # any of them is enough; none: everybody may call
    changes: bool  # needs an Idempotency-Key
    types: tuple[str, ...]  # of the body; none: there is no body
    bulk: bool  # whether the larger limits hold
    body_model: type[BaseModel] | None  # of a fast one
    own_keys: bool = False  # its rows have keys of their own: the body as a whole is never compared


class Guarded(APIRoute):
    """A route that checks the rules of its function."""

    @property
    def rules(self) -> Rules:
        """What it checks."""
        found = self.endpoint.rules  # type: ignore[attr-defined]
        assert isinstance(found, Rules), "operations are declared with their rules"
        return found

    @property
    def is_fast(self) -> bool:
        """Whether it needs nothing but itself to be called."""
        return self.rules.body_model is not None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then call."""
        rules = self.rules
        call: Call = scope[CALL]
        call.route = self.path_format
        if self.methods and scope["method"] not in self.methods:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.methods))})
        if rules.scopes:
            call.client = await call.services.keys.client(call.headers)
            call.services.limits.take(call.client, call.extra)
            allowed(call.client, rules.scopes)
        if rules.types:
            settings = call.services.settings
            most = settings.bulk_bytes_max if rules.bulk else settings.body_bytes_max
            call.body = await read_body(call, receive, most)
            call.is_json = type_of(call, rules.types) == JSON
        require_plain(call, body=call.is_json and not rules.bulk)
        if rules.changes:
            call.require_key(compared=not rules.own_keys)
        if rules.body_model is not None:
            body = rules.body_model.model_validate_json(call.body)
            response: Response = await self.endpoint(body, call)
            await response(scope, receive, send)
            return
        await super().handle(scope, _again(call.body, receive) if rules.types else receive, send)


class Operations:
    """
    The operations of one topic.

    Parameters
    ----------
    tag
        The topic, as the documentation groups them.
    scopes
        Who may call; any of them is enough.
    """

    def __init__(self, tag: str, scopes: Sequence[str] = ()) -> None:
        self.tag = tag
        self.scopes = tuple(scopes)
        self.answered: list[Answered] = []
        self._declared: list[tuple[str, Endpoint, dict[str, Any]]] = []

    def add(
        self,
        method: str,
        path: str,
        *,
        answer: Any = None,
        status: int = 200,
        or_status: int | None = None,
        also: Sequence[int] = (),
        example: Any = None,
        scopes: Sequence[str] | None = None,
        changes: bool | None = None,
        types: Sequence[str] | None = None,
        bulk: bool = False,
        own_keys: bool = False,
        fast: bool = False,
        body_schema: dict[str, Any] | None = None,
        media_type: str = JSON,
        query_like_get: bool = False,
        or_text: bool = False,
    ) -> Callable[[Endpoint], Endpoint]:
        """
        Declare an operation; its docstring becomes its documentation.

        Parameters
        ----------
        method, path
            Where it is; ids in a path are `{name:id}`, so that they may hold any character.
        answer, status, example, media_type
            What it answers when all is well: a Struct, or one of several.
        or_status
            Another status of the same answer.
        also
            Statuses of problems beyond those that every operation has.
        scopes
            Other than the topic's.
        changes
            Whether it needs an Idempotency-Key; by default what is no GET does.
        types
            Of the body; by default JSON where there is one.
        bulk
            Whether the larger limits hold.
        own_keys
            Whether each row of the body has a key of its own, made of the call's, under which it is remembered.
        fast
            Whether the function takes (body, call) and is called without FastAPI.
        body_schema
            Of a body that FastAPI does not see.
        query_like_get
            A POST that asks only.
        or_text
            Whether it also answers as text, for people, where Accept asks for that.
        """
        wanted = self.scopes if scopes is None else tuple(scopes)
        changing = (method in CHANGING and not query_like_get) if changes is None else changes

        def declare(function: Endpoint) -> Endpoint:
            hints = get_type_hints(function)
            body = hints.get("body")
            model = body if isinstance(body, type) and issubclass(body, BaseModel) else None
            found = tuple(types) if types is not None else ((JSON,) if model is not None else ())
            rules = Rules(wanted, changing, found, bulk, model if fast else None, own_keys)
            function.rules = rules  # type: ignore[attr-defined]
            problems = {400, 422, 500, 503, *also, *([401, 403, 429] if wanted else [])}
            problems |= {413, 415} if found else set()
            problems |= {409} if changing else set()
            good = [status] if or_status is None else [status, or_status]
            responses: dict[int | str, dict[str, Any]] = {one: answer_content(answer, media_type) for one in good}
            if or_text:
                for one in good:
                    responses[one]["content"]["text/plain"] = {"schema": {"type": "string"}}
            responses |= {number: PROBLEMS[number] for number in sorted(problems)}
            extra: dict[str, Any] = {"x-scopes": list(wanted), "parameters": _headers(changing)}
            if wanted:
                extra["security"] = [{"bearer": []}, {"apiKey": []}]
            if body_schema is not None:
                extra["requestBody"] = {"required": True, "content": body_schema}
            options = {
                "methods": [method],
                "status_code": status,
                "responses": responses,
                "openapi_extra": extra,
                "tags": [self.tag],
                "response_model": None,
                "operation_id": function.__name__,
            }
            if media_type != JSON:  # FastAPI documents the type of a class
                options["response_class"] = type("Typed", (Response,), {"media_type": media_type})
            self._declared.append((path, function, options))
            self.answered += [Answered(function.__name__, one, answer, media_type, example) for one in good]
            return function

        return declare

    def add_to(self, app: FastAPI) -> None:
        """Add all to an app."""
        for path, function, options in self._declared:
            app.router.add_api_route(path, function, route_class_override=Guarded, **options)


def _headers(changing: bool) -> list[dict[str, Any]]:
    """Headers that operations understand, as OpenAPI has them."""
    timeout = {
        "name": "Request-Timeout-Ms",
        "in": "header",
        "required": False,
        "description": "Time for the answer; the best that is found by then is answered, or 503.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 99_999_999},
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Names the call: repeated with the same key, it is answered the same and done once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
        "example": "5a0f2c1e-7f1b-4f0d-9a6b-1f0f3c8d2a11",
    }
    return [key, timeout] if changing else [timeout]


def type_of(call: Call, types: tuple[str, ...]) -> str:
    """The type of the body; raises HttpProblemError 415 where it is none of these. No body has the first."""
    given = call.headers.get(b"content-type")
    if given is None and not call.body:
        return types[0]
    name = (given or b"").partition(b";")[0].strip().lower().decode("latin-1")
    if name not in types:
        raise HttpProblemError(
            "unsupported-media-type", f"Content-Type ({name}) is not read here; send {' or '.join(types)}."
        )
    return name


async def read_body(call: Call, receive: Receive, most: int) -> bytes:
    """The body, all of it; raises HttpProblemError 413 where it is larger."""
    declared = call.headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    message = await receive()
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(first) > most:
            raise _too_large(most)
        return first
    parts, size = [first], len(first)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpProblemError("bad-request", "The connection was closed before the body was there.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
    return b"".join(parts)


def _too_large(most: int) -> HttpProblemError:
    return HttpProblemError("too-large", f"The body has more than {most} bytes.", headers={"Connection": "close"})


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, for whoever reads it again; then what really comes."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay

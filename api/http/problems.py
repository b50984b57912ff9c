"""
Errors as problem documents (RFC 9457), all of them: one function turns whatever was raised into one.

`type` is the address of a page on this server that says what the kind means and what to do. `errors` points at fields
by JSON pointers into the body ("/lines/0/sku") or names parameters ("?limit", "{node}", "If-Match").
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.http.kinds import BY_STATUS, KINDS, kind_of
from engine.adapters.order_json import OrdersError
from engine.desk.ask import DeskError
from engine.domain.errors import FulfilmentError, InputError
from engine.stock.ledger import LedgerBusyError

MEDIA_TYPE = b"application/problem+json"
RETRY_AFTER_S = 1
ERRORS_MAX = 50


class FieldError(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that is wrong: where, what, and what to try."""

    pointer: str
    code: str
    detail: str
    hint: str = ""


class ProblemDoc(msgspec.Struct, kw_only=True):
    """A problem document."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    retryable: bool
    trace_id: str
    errors: list[FieldError] = []
    details: dict[str, Any] = {}


class HttpProblemError(Exception):
    """A problem of the HTTP layer itself; what the engine and the desk raise is translated."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.details = details or {}
        super().__init__(detail)


class Refused(msgspec.Struct, kw_only=True):
    """What is sent instead of an answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def problem_of(error: Exception, instance: str, trace_id: str) -> tuple[ProblemDoc, dict[str, str]]:
    """The problem document of whatever was raised, and the headers that go with it."""
    headers: dict[str, str] = {}
    errors: list[FieldError] = []
    details: dict[str, Any] = {}
    status: int | None = None
    retryable: bool | None = None
    match error:
        case HttpProblemError():
            name, detail, errors = error.name, error.detail, error.errors
            headers, details = error.headers, error.details
        case DeskError():
            name, detail, status, retryable = error.code, error.message, error.status, error.retryable
            details = error.details
            errors = [FieldError(pointer=error.field, code=name, detail=detail, hint=error.hint)]
        case OrdersError():
            name, detail = "validation", error.message
            errors = [
                FieldError(pointer=_pointer_of_path(p.column), code="value", detail=p.message, hint=p.hint)
                for p in error.problems
            ]
        case InputError():
            name, detail = "input", error.message
            errors = [FieldError(pointer="", code="input", detail=error.message, hint=error.hint)]
        case LedgerBusyError():
            name, detail = "ledger-busy", "The ledger cannot be reached now; nothing was changed."
        case FulfilmentError():
            name, detail = "input", str(error)
        case RequestValidationError() | ValidationError():
            name, detail, errors = _invalid(error)
        case HTTPException():
            name = BY_STATUS.get(error.status_code, "bad-request" if error.status_code < 500 else "internal")
            status, headers = error.status_code, dict(error.headers or {})
            detail = _detail_of(error, instance)
        case _:
            name, detail = "internal", "Something broke on our side; the trace_id finds it in the log."
    kind = kind_of(name, status or 500)
    status = status if status is not None else kind.status
    if status in (409, 429, 503) and (kind.retryable or retryable) and "Retry-After" not in headers:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return (
        ProblemDoc(
            type=f"/problems/{kind.name}",
            title=kind.title,
            status=status,
            detail=detail,
            instance=instance,
            retryable=kind.retryable if retryable is None else retryable,
            trace_id=trace_id,
            errors=errors[:ERRORS_MAX],
            details=details,
        ),
        headers,
    )


def refused(error: Exception, instance: str, trace_id: str) -> Refused:
    """Status, headers and body of whatever was raised."""
    document, extra = problem_of(error, instance, trace_id)
    body = msgspec.json.encode(document)
    headers = [
        (b"content-type", MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in extra.items()),
    ]
    return Refused(status=document.status, headers=headers, body=body)


def pointer(parts: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _detail_of(error: HTTPException, instance: str) -> str:
    match error.status_code:
        case 404:
            return f"There is nothing at {instance}."
        case 405:
            return f"{instance} does not know this method."
    phrase = HTTPStatus(error.status_code).phrase
    return str(error.detail) if error.detail != phrase else f"{phrase}."


def _pointer_of_path(column: str) -> str:
    """The pointer of a path such as lines[2].quantity, whose indices count from 1."""
    parts: list[str | int] = []
    for name in column.split("."):
        head, *indices = name.replace("]", "").split("[")
        parts += [head, *(int(i) - 1 for i in indices)]
    return pointer(parts)


_PLACES = {"path": "{%s}", "query": "?%s", "header": "%s"}


def _invalid(error: RequestValidationError | ValidationError) -> tuple[str, str, list[FieldError]]:
    """Name, detail and errors of a document that pydantic refused."""
    found: list[FieldError] = []
    for one in error.errors():
        place, *rest = one["loc"] or ("body",)
        if one["type"] == "json_invalid":
            where = f" at character {rest[0]}" if rest else ""
            return "malformed", f"The body is no JSON document{where}: {one['ctx']['error']}.", []
        if isinstance(error, ValidationError):
            place, rest = "body", list(one["loc"])
        where = pointer(rest) if place == "body" else _PLACES.get(str(place), "%s") % "/".join(map(str, rest))
        message = str(one["msg"]).removeprefix("Value error, ")
        if type(one["input"]) in (int, float):  # texts may be secrets
            message = f"{message}, not {one['input']}"
        found.append(FieldError(pointer=where, code=str(one["type"]), detail=message, hint=_hint(one)))
    # A list whose elements are wrong is also called too short by pydantic.
    found = [
        one
        for one in found
        if one.code != "too_short" or not any(o.pointer.startswith(f"{one.pointer}/") for o in found)
    ]
    first = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return "validation", f"{first.pointer or 'The body'}: {first.detail}{more}.", found


def _hint(one: Any) -> str:
    match one["type"]:
        case "extra_forbidden":
            return "leave it out, or check its spelling; fields have their unit in the name."
        case "missing":
            return "it is required."
        case "timezone_aware":
            return "add Z or +01:00."
    return ""


assert set(BY_STATUS.values()) <= set(KINDS), "every status has its kind"

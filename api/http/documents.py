"""Documentation of answers: schemas come from the Structs that are sent, so that they cannot say anything else."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from api.http.problems import ProblemDoc

REF = "#/components/schemas/{name}"
PROBLEM = "application/problem+json"

_TITLES = {
    304: "Not changed since that ETag.",
    400: "The request cannot be read.",
    401: "No valid API key.",
    403: "The API key lacks the scope.",
    404: "Unknown.",
    409: "It cannot be in the state that it is in, or the same call is running.",
    412: "It was changed meanwhile.",
    413: "The body is too large.",
    415: "The body's type is not read here.",
    422: "The body or a parameter is wrong.",
    428: "If-Match is missing.",
    429: "Too many calls.",
    500: "A mistake of ours.",
    503: "Try again with the same Idempotency-Key.",
}


def _problem(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": _TITLES[status],
        "content": {PROBLEM: {"schema": {"$ref": REF.format(name="ProblemDoc")}}},
    }
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return described


PROBLEMS: dict[int, dict[str, Any]] = {status: _problem(status) for status in _TITLES if status != 304}


class Answered(NamedTuple):
    """What an operation answers when all is well: a Struct, a list of one, one of several; None for nothing."""

    operation_id: str
    status: int
    answer: Any
    media_type: str
    example: Any


def answer_content(answer: Any, media_type: str) -> dict[str, Any]:
    """What an operation answers when all is well, as OpenAPI has it."""
    if answer is None:
        return {"description": "Done."}
    several = answer if isinstance(answer, tuple) else (answer,)
    refs = [_schema(one) for one in several if one is not str]
    content: dict[str, Any] = {"schema": {"anyOf": refs} if len(refs) > 1 else refs[0] if refs else {"type": "string"}}
    text = "The answer." if answer is str else (_struct(several[0]).__doc__ or "The answer.").strip().splitlines()[0]
    return {"description": text, "content": {media_type: content}}


def _struct(answer: Any) -> Any:
    """The Struct of an answer, or of its elements."""
    return get_args(answer)[0] if get_origin(answer) is list else answer


def _schema(answer: Any) -> dict[str, Any]:
    one = {"$ref": REF.format(name=_struct(answer).__name__)}
    return {"type": "array", "items": one} if get_origin(answer) is list else one


def complete(document: dict[str, Any], answered: Sequence[Answered]) -> dict[str, Any]:
    """Put schemas and examples of all answers into an OpenAPI document, and what else FastAPI cannot know of it."""
    structs = dict.fromkeys([ProblemDoc])
    by_id = {op["operationId"]: op for operations in document["paths"].values() for op in operations.values()}
    for one in answered:
        if one.answer is None or one.answer is str:
            continue
        structs |= dict.fromkeys(map(_struct, one.answer if isinstance(one.answer, tuple) else (one.answer,)))
        content = by_id[one.operation_id]["responses"][str(one.status)]["content"][one.media_type]
        if one.example is not None:  # here, since FastAPI leaves every null out of what it is given
            content["example"] = one.example
    _, schemas = msgspec.json.schema_components(structs, ref_template=REF)
    components = document.setdefault("components", {})
    known = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        known.pop(name, None)
    known |= schemas
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: sw_…"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key: sw_…"},
    }
    return document

"""
Texts that no database keeps are refused at the door: with the character U+0000 in them, or not in UTF-8.

JSON cannot hold the character itself, only its escape, and its parsers refuse lone halves of characters (surrogates).
Paths and queries may hold any byte behind a percent sign.
"""

from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from api.http.call import Call
from api.http.problems import FieldError, HttpProblemError, pointer

NUL = "\0"
SHOWN = "�"  # in its place where a text is told
_ESCAPED = b"\\u0000"
_HINT = "it was pasted from elsewhere; leave that character out."


def require_plain(call: Call, *, body: bool) -> None:
    """
    Raise HttpProblemError 422 that names a field, parameter or part of the path with a text that cannot be kept.

    Parameters
    ----------
    call
        Its path is matched, its body read.
    body
        Whether its body is one JSON document: rows of others are judged one by one.
    """
    scope = call.scope
    path: bytes = scope.get("raw_path") or b""
    query: bytes = scope["query_string"]
    if b"%" in path:
        for name, value in scope.get("path_params", {}).items():
            if not _fine(value.encode("utf-8", "surrogateescape")):
                raise _refused(f"{{{name}}}")
    if b"%" in query:
        for pair in query.split(b"&"):
            name, _, text = pair.partition(b"=")
            if not (_fine(unquote_to_bytes(name)) and _fine(unquote_to_bytes(text))):
                raise _refused("?" + unquote_to_bytes(name).decode("utf-8", "replace").replace(NUL, SHOWN))
    if body and _ESCAPED in call.body:
        try:
            found = _nul_in(msgspec.json.decode(call.body))
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return  # no JSON: told by whoever reads it
        if found is not None:
            raise _refused(pointer(found))


def _fine(text: bytes) -> bool:
    try:
        return NUL not in text.decode()
    except UnicodeDecodeError:
        return False


def _nul_in(value: Any) -> list[str | int] | None:
    """The way to the first text with the character in it, None where there is none."""
    match value:
        case str():
            return [] if NUL in value else None
        case dict():
            for name, part in value.items():
                found = [] if NUL in name else _nul_in(part)
                if found is not None:
                    return [name.replace(NUL, SHOWN), *found]
        case list():
            for i, part in enumerate(value):
                found = _nul_in(part)
                if found is not None:
                    return [i, *found]
    return None


def _refused(where: str) -> HttpProblemError:
    detail = "It has the character U+0000 in it, or is not UTF-8."
    error = FieldError(pointer=where, code="text", detail=detail, hint=_HINT)
    return HttpProblemError("validation", f"{where or 'The body'}: {detail}", errors=[error])

"""Pages: a cursor names the last entry seen, so that pages neither skip nor repeat what stays where it is."""

import base64
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import Query

from api.http.problems import FieldError, HttpProblemError

LimitParam = Annotated[int, Query(ge=1, le=1_000, description="Most entries of a page.")]
CursorParam = Annotated[
    str | None, Query(max_length=2_000, description="From the page before; opaque. Without it, the first page.")
]


def cursor_of(last: Sequence[Any]) -> str:
    """
    A cursor for the entries after one with these values.

    >>> after(cursor_of(("o-1", 3)), str, int), cursor_of((1,))
    (('o-1', 3), 'WzFd')
    """
    return base64.urlsafe_b64encode(msgspec.json.encode(list(last))).decode().rstrip("=")


def after(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """
    The values in a cursor, None for none; raises HttpProblemError 400 where it is not one of ours.

    `kinds` are the types of its values.
    """
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = msgspec.json.decode(text, type=list[Any])
    except (ValueError, msgspec.MsgspecError, RecursionError):
        values = None
    if values is not None and any(isinstance(value, str) and "\0" in value for value in values):
        values = None  # no id of ours has it
    if values is None or len(values) != len(kinds) or any(type(v) is not k for v, k in zip(values, kinds, strict=True)):
        raise HttpProblemError(
            "bad-cursor",
            "The cursor is not one of ours.",
            errors=[
                FieldError(pointer="?cursor", code="cursor", detail="It is not one of ours.", hint="leave it out.")
            ],
        )
    return tuple(values)


def link_next(path: str, query: dict[str, Any], cursor: str) -> str:
    """The Link header that leads to the next page."""
    given = {name: value for name, value in query.items() if value is not None} | {"cursor": cursor}
    return f'<{path}?{urlencode(given, doseq=True)}>; rel="next"'

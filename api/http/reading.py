"""Reads that need no turn of the desk: records as the ledger has them, fetched beside the loop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from api.http.call import Call, Ready
from api.http.paging import after, cursor_of, link_next
from api.http.problems import HttpProblemError
from engine.stock.ledger import Ledger
from engine.stock.records import Record

R = TypeVar("R", bound=Record)


async def record(call: Call, kind: type[R], *key: Any, what: str) -> R:
    """A record by its key; raises HttpProblemError 404 where there is none."""
    found = await asyncio.to_thread(call.services.desk.ledger.get, kind, *key)
    if found is None:
        raise HttpProblemError("unknown", f"{what} ({'/'.join(map(str, key))}) is unknown.")
    return found


async def records(
    call: Call,
    kind: type[R],
    where: dict[str, Any],
    *,
    order: tuple[str, ...],
    cursor: str | None,
    types: Sequence[type],
    limit: int,
) -> tuple[list[R], tuple[Any, ...] | None]:
    """
    A page of records, and the values that the next one begins after (None: there is none).

    `order` begins the order of the page, the table's key ends it; `types` are those of their values.
    """
    limit = min(limit, call.services.settings.page_rows_max)
    ledger: Ledger = call.services.desk.ledger
    begin = after(cursor, *types)
    found = await asyncio.to_thread(ledger.find, kind, where, order=order, after=begin, limit=limit)
    if len(found) < limit:
        return found, None
    names = [*order, *(name for name in kind.KEY if name not in order)]
    return found, tuple(getattr(found[-1], name) for name in names)


def page(call: Call, field: str, entries: Sequence[Any], last: tuple[Any, ...] | None, query: dict[str, Any]) -> Ready:
    """A page as it is sent: its entries, the cursor of the next one, and a Link to it."""
    following = cursor_of(last) if last is not None else None
    body = msgspec.json.encode({field: entries, "next": following})
    if following is None:
        return Ready(body)
    path = call.scope["path"]
    return Ready(body, 200, [(b"link", link_next(path, query, following).encode("latin-1", "replace"))])


async def aside(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call something that blocks, beside the loop."""
    return await asyncio.to_thread(function, *args, **options)

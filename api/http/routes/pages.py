"""The pages that the `type` of a problem leads to."""

from html import escape
from typing import Annotated

from fastapi import Path
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.http.kinds import KINDS, Kind
from api.http.operations import Operations
from api.http.problems import HttpProblemError

operations = Operations("problems")
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    "<style>body{{font:1rem/1.5 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}}</style>{body}</html>"
)


@operations.add("GET", "/problems", answer=str, media_type="text/html")
async def problems() -> Response:
    """All kinds of problems."""
    rows = "".join(
        f'<li><a href="/problems/{kind.name}">{kind.name}</a> ({kind.status}): {escape(kind.title)}</li>'
        for kind in KINDS.values()
    )
    return HTMLResponse(_PAGE.format(title="Problems", body=f"<h1>Problems</h1><ul>{rows}</ul>"))


@operations.add("GET", "/problems/{name:id}", answer=str, media_type="text/html", also=(404,))
async def problem(name: Annotated[str, Path(max_length=100, examples=["validation"])]) -> Response:
    """What a kind of problem means and what to do."""
    kind = KINDS.get(name)
    if kind is None:
        raise HttpProblemError("not-found", f"There is no kind of problem named {name}.")
    return HTMLResponse(_PAGE.format(title=escape(kind.title), body=_body(kind)))


def _body(kind: Kind) -> str:
    again = "The same call may succeed later." if kind.retryable else "The same call will fail again."
    return (
        f"<h1>{escape(kind.title)}</h1><p><code>{kind.name}</code>, status {kind.status}</p>"
        f"<p>{escape(kind.meaning)}</p><h2>What to do</h2><p>{escape(kind.advice)}</p><p>{again}</p>"
        '<p><a href="/problems">All kinds</a></p>'
    )

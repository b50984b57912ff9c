"""Bodies of many rows: NDJSON, or a JSON list in a field; each is judged alone, so that one does not spoil the rest."""

from collections.abc import Iterator

import msgspec

from api.http.problems import HttpProblemError


def rows_of(body: bytes, field: str, *, is_json: bool, most: int) -> list[bytes]:
    """
    The rows of a body, each a JSON document that nobody has looked into yet.

    Parameters
    ----------
    body
        `{"field": [row, …]}` as JSON, else a row per line; empty lines count for nothing.
    most
        Rows at most; more are refused (413).
    """
    rows = _listed(body, field) if is_json else [line for line in body.splitlines() if line.strip()]
    if len(rows) > most:
        raise HttpProblemError("too-large", f"The body has {len(rows)} rows, more than {most}; send several calls.")
    if not rows:
        raise HttpProblemError("validation", "The body has no row.")
    return rows


def _listed(body: bytes, field: str) -> list[bytes]:
    try:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if set(found) != {field}:
            raise HttpProblemError("validation", f'The body is no object with one field, "{field}".')
        return [bytes(row) for row in msgspec.json.decode(found[field], type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise HttpProblemError("malformed", f"The body is no JSON document: {error}.") from None


def joined(entries: list[bytes], *, as_json: bool) -> Iterator[bytes]:
    """Entries as one body: a list in the field "results", or a line each."""
    if as_json:
        yield b'{"results":['
        yield b",\n".join(entries)
        yield b"]}"
    else:
        yield b"\n".join(entries)
        yield b"\n"

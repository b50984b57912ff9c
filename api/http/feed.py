"""Lines of a stock feed as messages: NDJSON or CSV, a line that cannot be read does not spoil the others."""

import csv
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api.http.operations import NDJSON
from api.http.plain import NUL, SHOWN
from api.http.problems import HttpProblemError
from engine.desk.counts import Batch, Message, Refused

COLUMNS = tuple(field.name for field in msgspec.structs.fields(Message))
NUMBERS = ("on_hand", "units", "seq")


class _Strict(Message, frozen=True, gc=False, forbid_unknown_fields=True):
    """A message with nothing that is not known."""


_DECODER = msgspec.json.Decoder(_Strict)


def batch_of(body: bytes, kind: str, *, source: str, batch: str, most: int) -> Batch:
    """
    The messages of a body.

    Parameters
    ----------
    kind
        Its Content-Type: NDJSON, or CSV with a header.
    source, batch
        Who sends, and a name for this body.
    most
        Lines at most; more are refused (413).
    """
    rows: list[int] = []
    messages: list[Message] = []
    refused: list[Refused] = []
    lines = _ndjson(body) if kind == NDJSON else _csv(body)
    for row, found in lines:
        if row > most:
            raise HttpProblemError("too-large", f"The body has more than {most} lines; send several calls.")
        if isinstance(found, Refused):
            refused.append(found)
        else:
            rows.append(row)
            messages.append(found)
    if not rows and not refused:
        raise HttpProblemError("validation", "The body has no line.")
    return Batch(source=source, batch=batch, rows=rows, messages=messages, refused=refused)


def _ndjson(body: bytes) -> Iterator[tuple[int, Message | Refused]]:
    decode, row = _DECODER.decode, 0
    for line in body.splitlines():
        if not line.strip():
            continue
        row += 1
        try:
            message = decode(line)
            yield row, message if b"\\u0000" not in line else _plain(row, message)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            yield row, _bad(row, str(error), line.decode("utf-8", "replace"))


def _csv(body: bytes) -> Iterator[tuple[int, Message | Refused]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HttpProblemError("malformed", f"The body is not UTF-8 at byte {error.start}.") from None
    reader = csv.reader(text.splitlines())
    header = [name.strip() for name in next(reader, [])]
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or len(set(header)) != len(header) or not {"node", "sku"} <= set(header):
        raise HttpProblemError("validation", f"The header ({', '.join(header)}) is not of {', '.join(COLUMNS)}.")
    row = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row += 1
            yield row, _bad(row, str(error), "")
            continue
        if cells:
            row += 1
            yield row, _message(row, header, cells)


def _message(row: int, header: list[str], cells: list[str]) -> Message | Refused:
    raw = ",".join(cells)
    if len(cells) != len(header):
        return _bad(row, f"It has {len(cells)} cells, the header has {len(header)}.", raw)
    values: Mapping[str, str] = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    try:
        whole: dict[str, Any] = {name: int(value) if name in NUMBERS else value for name, value in values.items()}
        message = msgspec.convert(whole, _Strict)
        return message if "\0" not in raw else _plain(row, message)
    except (msgspec.MsgspecError, ValueError) as error:
        return _bad(row, str(error), raw)


def _plain(row: int, message: Message) -> Message | Refused:
    """A message, refused where an id holds a character that no database keeps."""
    for name, text in (("node", message.node), ("sku", message.sku)):
        if NUL in text:
            raw = msgspec.json.encode(message).decode()
            told = text.replace(NUL, SHOWN)[:80]
            return Refused(row, name, told, "It has the character U+0000 in it.", "leave that character out.", raw)
    return message


def _bad(row: int, problem: str, raw: str) -> Refused:
    shown = raw[:1_000].replace(NUL, SHOWN)
    return Refused(row, "line", shown[:80], problem.replace(NUL, SHOWN), "see the documentation of the feed.", shown)

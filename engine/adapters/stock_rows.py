"""
Lines of the stock feed, as NDJSON or CSV, as messages; each wrong line is told apart and disturbs no other.

    {"node": "lyon", "sku": "LAMP-01", "on_hand": 12, "seq": 40218, "counted_at": "2026-11-23T06:00:00Z"}
    {"node": "lyon", "sku": "LAMP-01", "units": -2, "seq": 40219}

CSV has a header with these names; a cell that is empty is not given.
"""

import io
import re
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from engine.desk.counts import Batch, Message, Refused
from engine.domain.errors import InputError

FIELDS = ("node", "sku", "on_hand", "units", "seq", "counted_at")
_DECODER = msgspec.json.Decoder(Message)
_FIELD = re.compile(r"\$\.(\w+)")


def batch_of_ndjson(data: bytes, *, source: str, batch: str) -> Batch:
    """Read NDJSON; empty lines are passed over and counted."""
    try:
        messages = _DECODER.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _line_by_line(data, source, batch)
    rows: Sequence[int] = range(1, len(messages) + 1)
    if data.count(b"\n") + (not data.endswith(b"\n")) != len(messages):  # some are empty
        rows = [i for i, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    return Batch(source=source, batch=batch, rows=rows, messages=messages)


def _line_by_line(data: bytes, source: str, batch: str) -> Batch:
    rows: list[int] = []
    messages: list[Message] = []
    refused: list[Refused] = []
    for row, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            messages.append(_DECODER.decode(line))
            rows.append(row)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            refused.append(_refused(row, line, error))
    return Batch(source=source, batch=batch, rows=rows, messages=messages, refused=refused)


def _refused(row: int, line: bytes, error: Exception) -> Refused:
    text = line.decode("utf-8", "replace").strip()
    found = _FIELD.search(str(error))
    field = found.group(1) if found else ""
    value = ""
    if field:
        value = str(msgspec.json.decode(line).get(field, ""))
    return Refused(row, field, value[:80], f"{error}.", "see the example of a line in the documentation.", text[:2_000])


def batch_of_csv(data: bytes, *, source: str, batch: str) -> Batch:
    """
    Read CSV with a header.

    Raises InputError where the header lacks a column that is needed, or has one that is unknown.
    """
    from pyarrow import ArrowInvalid, csv, string

    refused: list[Refused] = []

    def skip(bad: csv.InvalidRow) -> str:
        problem = f"The line has {bad.actual_columns} cells, not {bad.expected_columns}."
        refused.append(Refused(bad.number or 0, "", "", problem, "quote cells with commas.", bad.text[:2_000]))
        return "skip"

    try:
        table = csv.read_csv(
            io.BytesIO(data),
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(invalid_row_handler=skip),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(FIELDS, string()), strings_can_be_null=False),
        )
    except ArrowInvalid as error:
        raise InputError(f"The CSV cannot be read: {error}.", "send UTF-8 with a header.") from error
    names = table.column_names
    unknown = [name for name in names if name not in FIELDS]
    missing = [name for name in ("node", "sku") if name not in names]
    if unknown or missing:
        raise InputError(
            f"The header of the CSV ({', '.join(names)}) lacks {missing} or has unknown {unknown}.",
            f"its columns are {', '.join(FIELDS)}.",
        )
    columns = [table.column(name).to_pylist() if name in names else None for name in FIELDS]
    return _of_columns(columns, table.num_rows, refused, source, batch)


def _of_columns(
    columns: Sequence[list[str] | None], num_rows: int, refused: list[Refused], source: str, batch: str
) -> Batch:
    """Messages of columns of text; lines that were skipped keep their number, the header is line 1."""
    skipped = {line.row for line in refused}
    rows = [row for row in range(2, num_rows + len(skipped) + 2) if row not in skipped][:num_rows]
    none = [""] * num_rows
    cells = [column if column is not None else none for column in columns]
    messages: list[Message] = []
    good: list[int] = []
    for row, node, sku, on_hand, units, seq, counted_at in zip(rows, *cells, strict=True):
        try:
            messages.append(
                Message(
                    node,
                    sku,
                    int(on_hand) if on_hand else None,
                    int(units) if units else None,
                    int(seq) if seq else None,
                    _moment(counted_at) if counted_at else None,
                )
            )
            good.append(row)
        except ValueError:
            refused.append(
                _wrong_cell(row, dict(zip(FIELDS, (node, sku, on_hand, units, seq, counted_at), strict=True)))
            )
    return Batch(source=source, batch=batch, rows=good, messages=messages, refused=refused)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _wrong_cell(row: int, cells: dict[str, str]) -> Refused:
    """Which cell of a line is no number, or no moment."""
    checks: dict[str, Callable[[str], object]] = {"on_hand": int, "units": int, "seq": int, "counted_at": _moment}
    for field, check in checks.items():
        try:
            if cells[field]:
                check(cells[field])
        except ValueError:
            what = "moment with a time zone" if field == "counted_at" else "whole number"
            raw = msgspec.json.encode({name: text for name, text in cells.items() if text}).decode()
            return Refused(
                row, field, cells[field][:80], f"It is no {what}.", "see the example of a line.", raw[:2_000]
            )
    raise AssertionError("a line is refused for one of its cells")

"""From a sheet to typed columns: reads each distinct text once and notes wrong cells, names and repeats."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.adapters.folder.cells import CellError
from engine.adapters.folder.problems import LISTED_MAX, Names, Problems
from engine.adapters.folder.sheets import Sheet, Texts
from engine.adapters.folder.spec import REQUIRED, Column, Table


@dataclass(frozen=True, slots=True)
class Values:
    """One typed column: distinct texts, their values (None where bad), (num_rows,) positions among them."""

    texts: list[str]
    values: list[Any]
    codes: NDArray[np.int32]
    bad: NDArray[np.bool_]  # (num_distinct,)

    def array(self, dtype: Any, absent: Any = 0) -> NDArray[Any]:
        """The value of each row; bad and empty cells as ``absent``."""
        if not self.values:
            return np.zeros(0, dtype=dtype)
        return np.array([absent if v is None else v for v in self.values], dtype=dtype)[self.codes]

    def positions(self, index: Mapping[Any, int]) -> NDArray[np.int64]:
        """The position of each row's value in an index, -1 where it is not in it."""
        if not self.values:
            return np.zeros(0, dtype=np.int64)
        return np.array([index.get(v, -1) for v in self.values], dtype=np.int64)[self.codes]

    def where(self, wanted: Iterable[int]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """(distinct text, positions of the rows that hold it) of some distinct texts, in one pass for all of them."""
        named = list(wanted)
        if not named:
            return
        marked = np.zeros(len(self.values), dtype=np.bool_)
        marked[named] = True
        at = np.flatnonzero(marked[self.codes])
        at = at[np.argsort(self.codes[at], kind="stable")]
        starts = np.flatnonzero(np.diff(self.codes[at], prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(at)]):
            yield int(self.codes[at[start]]), at[start:end]


@dataclass(frozen=True)
class Typed:
    """A table as read. Rows with a bad cell are left out of ``rows`` but keep their ids known."""

    table: Table
    file: str
    num_rows: int
    columns: dict[str, Values]
    row_numbers: NDArray[np.int64]
    bad_rows: NDArray[np.bool_] = field(repr=False)

    def ids(self) -> list[Any]:
        """Distinct values of the first column, those of rows with other bad cells included."""
        values = self.columns[self.table.columns[0].name]
        return [v for v in dict.fromkeys(values.values) if v is not None]

    @cached_property
    def rows(self) -> list[tuple[int, Any]]:
        """(row number, row object) of every row without a bad cell."""
        assert self.table.row is not None, "columnar tables have no row class"
        good = np.flatnonzero(~self.bad_rows)
        cells = [[v.values[c] for c in v.codes[good].tolist()] for v in self.columns.values()]
        names, row = list(self.columns), self.table.row
        made = [row(**dict(zip(names, values, strict=True))) for values in zip(*cells, strict=True)]
        return list(zip(self.row_numbers[good].tolist(), made, strict=True))

    def number(self, position: int) -> int:
        """The row number in the file of a position among the rows read."""
        return int(self.row_numbers[position])

    def cell(self, name: str, position: int) -> str:
        """The text in a row."""
        values = self.columns[name]
        return values.texts[int(values.codes[position])]


def typed(table: Table, sheet: Sheet | None, file: str, problems: Problems) -> Typed:
    """Read all cells of a sheet as a table says; an absent table has no rows."""
    num_rows = sheet.num_rows if sheet else 0
    if sheet is not None:
        _check_columns(table, sheet, problems)
    numbers = sheet.row_numbers if sheet else np.zeros(0, dtype=np.int64)
    columns: dict[str, Values] = {}
    bad_rows = np.zeros(num_rows, dtype=np.bool_)
    for column in table.columns:
        texts = sheet.columns.get(column.name) if sheet else None
        if texts is not None:
            values = _values(column, texts, numbers, file, problems)
        else:
            absent = None if column.required else column.default
            codes = np.zeros(num_rows, dtype=np.int32)
            values = Values([""], [absent], codes, np.array([column.required]))
        columns[column.name] = values
        if values.bad.any():
            bad_rows |= values.bad[values.codes]
    found = Typed(table, file, num_rows, columns, numbers, bad_rows)
    _check_repeats(found, problems)
    return found


def parse_cell(column: Column, text: str) -> Any:
    """The value of a cell; raises CellError."""
    if column.kind.strips:
        text = text.strip()
    if text == "":
        if column.default is REQUIRED:
            hint = "the address was not found: look it up." if column.unit == "degrees" else ""
            raise CellError("The cell is empty, but must not be.", hint)
        return column.default
    return column.kind.parse(text)


def _values(column: Column, texts: Texts, numbers: NDArray[np.int64], file: str, problems: Problems) -> Values:
    values: list[Any] = []
    errors: dict[int, CellError] = {}
    for code, text in enumerate(texts.distinct):
        try:
            values.append(parse_cell(column, text))
        except CellError as error:
            values.append(None)
            errors[code] = error
    bad = np.zeros(len(values), dtype=np.bool_)
    bad[list(errors)] = True
    found = Values(texts.distinct, values, texts.codes, bad)
    for code, rows in found.where(errors):
        bad_cell = errors[code]
        problems.add(file, numbers[rows], column.name, found.texts[code], bad_cell.message, bad_cell.hint)
    return found


def _check_columns(table: Table, sheet: Sheet, problems: Problems) -> None:
    known = {column.name: column for column in table.columns}
    for name in sheet.columns:
        if name not in known:
            hint = Names(known).hint(name) or f"one of {', '.join(n for n in known if n not in sheet.columns)}."
            problems.warn(sheet.file, 0, name, "", f"Column ({name}) is unknown and not read.", hint)
    for column in table.columns:
        if column.required and column.name not in sheet.columns:
            hint = Names(sheet.columns).hint(column.name)
            problems.add(sheet.file, 0, column.name, "", f"Column ({column.name}) is missing.", hint)


def _check_repeats(found: Typed, problems: Problems) -> None:
    """Note rows with the key of an earlier one; without a key, rows that are the same throughout."""
    names = found.table.key or tuple(c.name for c in found.table.columns)
    if found.num_rows < 2 or any(found.columns[name].bad.all() for name in names):  # a key is missing altogether
        return
    combined = combined_codes([found.columns[name] for name in names])
    in_order = np.sort(combined)
    if not (in_order[1:] == in_order[:-1]).any():
        return
    order = np.argsort(combined, kind="stable")
    again = np.flatnonzero(in_order[1:] == in_order[:-1]) + 1
    again = again[np.argsort(order[again])]  # by row
    for i, at in enumerate(again[: LISTED_MAX + 1].tolist()):
        position, first = int(order[at]), int(order[np.searchsorted(in_order, in_order[at])])
        rows = found.row_numbers[order[again[i:]] if i == LISTED_MAX else order[at : at + 1]]
        value = ", ".join(found.cell(name, position) for name in names) if found.table.key else ""
        hint = "remove one of them."
        if found.table.key:
            what = f"The row repeats {', '.join(names)} of row ({found.number(first)})."
            problems.add(found.file, rows, names[-1], value, what, hint)
        else:
            problems.warn(found.file, rows, "", value, f"The row is the same as row ({found.number(first)}).", hint)


def combined_codes(columns: Sequence[Values]) -> NDArray[np.int64]:
    """One number per row that is equal where all columns hold equal values."""
    out = np.zeros(len(columns[0].codes), dtype=np.int64)
    size = 1
    for column in columns:
        num_values, codes = len(column.values), column.codes
        if len(set(column.values)) < num_values:  # several texts mean one value, or are bad
            first: dict[Any, int] = {}
            pairs = zip(column.values, column.texts, strict=True)
            numbers = [first.setdefault((v, t if v is None else ""), len(first)) for v, t in pairs]
            codes = np.array(numbers, dtype=np.int32)[codes]
        if size * max(1, num_values) >= 1 << 62:
            out = np.unique(out, return_inverse=True)[1].astype(np.int64)
            size = int(out.max(initial=0)) + 1
        out = out * num_values + codes
        size *= max(1, num_values)
    return out


def check_references(found: Typed, known: Mapping[str, Mapping[str, Any]], problems: Problems) -> None:
    """Note ids that the table they refer to does not have. ``known``: ids by what they name, if that could be read."""
    for column in found.table.columns:
        if not column.refers_to:
            continue
        ids = known.get(column.refers_to)
        if ids is None:
            continue
        names = Names(ids)
        values = found.columns[column.name]
        groups = known.get("groups", {}) if column.wild else {}
        group_names = Names(groups)
        unknown = {
            code: words
            for code, value in enumerate(values.values)
            if value is not None and value not in ids and (words := _unknown(value, ids, groups, column.wild))
        }
        what = column.refers_to.removesuffix("s")
        for code, rows in values.where(unknown):
            for word in unknown[code]:
                group = word.removeprefix("group:")
                near = group_names if column.wild and word != group else names
                problems.add(
                    found.file,
                    found.row_numbers[rows],
                    column.name,
                    values.texts[code],
                    f"No {what} has the id ({word}).",
                    lambda word=group, near=near: near.hint(word) or "a row is missing there.",  # type: ignore[misc]
                )


def _unknown(value: Any, ids: Mapping[str, Any], groups: Mapping[str, Any], wild: bool) -> list[str]:
    """The ids in a cell that are not known, nor a wildcard where these may stand."""
    words = value if isinstance(value, tuple) else (value,)
    return [
        word
        for word in words
        if word not in ids and not (wild and (word == "*" or (word.startswith("group:") and word[6:] in groups)))
    ]

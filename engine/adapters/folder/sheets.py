"""
From a file's bytes to a sheet: columns of distinct texts and, for each row, the number of its text.

A table has few distinct texts per column, however many rows it has; so each text is read and checked once. The library
that reads tables is imported when the first one is read: most who import this module read none.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.adapters.folder.problems import Problems

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv

ENDINGS = (".csv", ".csv.gz", ".parquet")
_BLOCK_BYTES = 1 << 22  # read by several threads; also the longest row there can be


@dataclass(frozen=True, slots=True)
class Texts:
    """One column: its distinct texts and (num_rows,) int32 positions among them."""

    distinct: list[str]
    codes: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file's columns by name; ``row_numbers`` are those of the file, 1 for the first row after the names."""

    file: str
    num_rows: int
    columns: dict[str, Texts]
    row_numbers: NDArray[np.int64]


def read_sheet(file: str, data: bytes, problems: Problems) -> Sheet | None:
    """Read a CSV, gzipped CSV or Parquet file; None, with the reason among the problems, where it is none."""
    import pyarrow as pa

    try:
        if file.endswith(".parquet"):
            import pyarrow.parquet

            return _sheet(file, pyarrow.parquet.read_table(pa.BufferReader(data)), ())
        content = gzip.decompress(data) if file.endswith(".gz") else data
    except (pa.ArrowException, OSError, EOFError) as error:
        problems.add(file, 0, "", "", f"The file cannot be opened ({error}).", "it was cut, or misses its real ending.")
        return None
    return _read_csv(file, content, problems)


def _read_csv(file: str, data: bytes, problems: Problems) -> Sheet | None:
    import pyarrow as pa
    import pyarrow.csv

    header = _header(file, data, problems)
    if header is None:
        return None
    texts = pa.dictionary(pa.int32(), pa.string())
    skipped: list[int] = []

    def skip(row: "pyarrow.csv.InvalidRow") -> str:
        number = row.number - 1
        skipped.append(number)
        message = f"The row has ({row.actual_columns}) cells, not ({row.expected_columns})."
        open_quote = row.text.count('"') % 2 == 1
        hint = "a quotation mark is not closed." if open_quote else "a text with a comma needs quotation marks."
        problems.add(file, number, "", row.text[:80], message, hint)
        return "skip"

    # Rows are numbered by a single thread only; it is asked where several have found the file uneven.
    for handler in (None, skip):
        try:
            found = pyarrow.csv.read_csv(
                pa.BufferReader(data if data.endswith(b"\n") else data + b"\n"),
                read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=handler is None),
                # Looking for them takes time, and without a quotation mark there are none.
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=b'"' in data, invalid_row_handler=handler),
                convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, texts)),
            )
        except pa.ArrowInvalid as error:
            if handler is None and "Expected" in str(error):
                continue
            hint = "a quotation mark is not closed." if "straddl" in str(error) or '"' in str(error) else ""
            problems.add(file, 0, "", "", f"The file is no CSV ({error}).", hint)
            return None
        return _sheet(file, found, skipped)
    return None


def _header(file: str, data: bytes, problems: Problems) -> list[str] | None:
    """The column names; None, with the reason, where the file is not a readable table."""
    if not data or data.isspace():
        problems.add(file, 0, "", "", "The file is empty.", "it should at least name its columns.")
        return None
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        text = data[start : error.start + 20].split(b"\n")[0].decode("latin-1")
        row = data.count(b"\n", 0, error.start)
        problems.add(file, row, "", text, "The file is not written in UTF-8.", "save it as CSV UTF-8.")
        return None
    line = re.split(r"[\r\n]", data[:20_000].lstrip(b"\xef\xbb\xbf").decode("utf-8", "ignore"), maxsplit=1)[0]
    for separator in (";", "\t"):
        if separator in line and "," not in line:
            message = f"Columns are separated by ({separator!r}), not by a comma."
            problems.add(file, 0, "", line[:80], message, "save it as CSV with commas.")
            return None
    names = [name.strip().strip('"') for name in line.split(",")]
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        problems.add(file, 0, name, "", f"Column ({name}) is there twice.", "remove one of them.")
    return None if twice else names


def _sheet(file: str, found: "pa.Table", skipped: list[int] | tuple[int, ...]) -> Sheet:
    columns: dict[str, Texts] = {}
    for name, column in zip(found.column_names, found.columns, strict=True):
        columns[name.strip()] = _texts(column)
    numbers = np.arange(1, found.num_rows + len(skipped) + 1, dtype=np.int64)
    if skipped:
        numbers = np.delete(numbers, np.array(skipped) - 1)
    return Sheet(file=file, num_rows=found.num_rows, columns=columns, row_numbers=numbers)


def _texts(column: "pa.ChunkedArray") -> Texts:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all: no rows
        return Texts([], np.zeros(0, dtype=np.int32))
    distinct = whole.dictionary.cast(pa.string()).to_pylist()
    codes = whole.indices
    if codes.null_count:  # only Parquet has them
        codes = codes.fill_null(len(distinct))
        distinct.append("")
    # Its own way to numpy would import pandas, where that is installed.
    return Texts(distinct, np.from_dlpack(codes).astype(np.int32, copy=False))


def table_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files in a folder that could be tables: (table's name, path), sorted; hidden files are left out."""
    for path in sorted(folder.iterdir()):
        ending = next((e for e in reversed(ENDINGS) if path.name.endswith(e)), None)
        if path.is_file() and ending is not None and not path.name.startswith("."):
            yield path.name.removesuffix(ending), path

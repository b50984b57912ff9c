"""Reading Magento's exports: JSON as its REST API answers, or CSV with the same column names."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.adapters.folder.problems import Problems
from engine.domain.errors import InputError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """Rows of one export and the name of the file they are from."""

    file: str
    rows: tuple[Row, ...]

    def number(self, row_number: int, column: str, problems: Problems, *, optional: bool = False) -> float | None:
        """A finite number of a row; None, noted as a problem unless it may be absent, where there is none."""
        value = self.rows[row_number - 1].get(column)
        text = "" if value is None else str(value).strip()
        if optional and text == "":
            return None
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
        message = "No value." if text == "" else f"({text}) is not a number."
        problems.add(self.file, row_number, column, text, message, "use digits and a decimal point.")
        return None


def read_export(folder: Path, name: str, *, optional: bool = False) -> Export:
    """
    The rows of NAME.json or NAME.csv; file names may have underscores for dashes.

    Raises InputError where there is none and it is not optional, or where it is not what Magento exports.
    """
    for stem in dict.fromkeys((name, name.replace("-", "_"))):
        for path in (folder / f"{stem}.json", folder / f"{stem}.csv"):
            if path.is_file():
                text = path.read_text(encoding="utf-8-sig")
                is_json = path.suffix == ".json"
                return Export(path.name, tuple(_json_rows(text, path.name) if is_json else _csv_rows(text)))
    if optional:
        return Export(name, ())
    raise InputError(
        f"Folder ({folder}) has no {name}.json or {name}.csv.", f"save what GET /V1/inventory/{name} answers there."
    )


def text_of(row: Row, column: str) -> str:
    """A cell as stripped text, "" where it is absent or null."""
    value = row.get(column)
    return "" if value is None else str(value).strip()


def is_true(value: Any) -> bool:
    """How JSON and Magento's CSV write yes."""
    return str(value).strip().lower() in ("1", "true", "yes")


def _csv_rows(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _json_rows(text: str, file: str) -> list[Row]:
    """A list of objects, or the object around it that REST answers with."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"File ({file}) is no JSON: {error}.", "export it again.") from None
    rows = value.get("items") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"File ({file}) holds no list of items.", "save the whole answer of the REST API.")
    return rows

"""
The tables of FORMAT.md, as they are declared.

`python -m engine.adapters.folder.document` writes them anew; a test fails while they differ from the code.
"""

from datetime import date
from pathlib import Path

from engine.adapters.folder.cells import Kind
from engine.adapters.folder.spec import REQUIRED, Column, Table
from engine.adapters.folder.tables import TABLES
from engine.adapters.order_table import ORDERS

FORMAT = Path(__file__).with_name("FORMAT.md")

HEADING = "# The tables\n"


def format_text(page: str) -> str:
    """FORMAT.md with its tables as the code declares them; what stands before them is kept."""
    orders = "Files of orders for `sourcewise decide`; .json and .ndjson have the same fields as `Order`. "
    orders += "One more column `attributes.NAME` per attribute of orders."
    parts = [page.partition(HEADING)[0] + HEADING, *(_section(table) for table in TABLES)]
    parts += ["# Orders\n", orders + "\n", _section(ORDERS)]
    return "\n".join(parts)


def _section(table: Table) -> str:
    lines = [f"## {table.name}{' (required)' if table.required else ''}", "", table.about]
    if table.key:
        lines[-1] += f" No two rows share {_words(table.key)}."
    lines += ["", "| column | type | unit | default | meaning | example | traps |", "|---|---|---|---|---|---|---|"]
    for column in table.columns:
        meaning = column.meaning
        if column.refers_to and not column.wild:
            meaning += f" See {column.refers_to}."
        cells = (
            column.name,
            _kind(column.kind),
            column.unit,
            _default(column),
            meaning,
            _code(column.example),
            column.trap,
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _words(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _kind(kind: Kind) -> str:
    return f"{kind.name} ({kind.written})" if kind.name in ("choice", "list of choices") else kind.name


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _default(column: Column) -> str:
    if column.default is REQUIRED:
        return "**required**"
    if column.default in (None, "", (), -1, date.min, date.max):
        return "empty"
    value = column.default
    return _code("".join(column.kind.format(value)))


if __name__ == "__main__":
    FORMAT.write_text(format_text(FORMAT.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")

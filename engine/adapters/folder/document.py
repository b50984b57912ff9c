"""
FORMAT.md: the introduction below and the tables as they are declared.

`python -m engine.adapters.folder.document` writes it anew; a test fails while it differs from the code.
"""

from datetime import date
from pathlib import Path

from engine.adapters.folder.cells import Kind
from engine.adapters.folder.spec import REQUIRED, Column, Table
from engine.adapters.folder.tables import TABLES
from engine.adapters.order_table import ORDERS

FORMAT = Path(__file__).with_name("FORMAT.md")

INTRODUCTION = """\
# A network as a folder

A network is a folder of CSV files, one per table, and one `network.toml`. `sourcewise validate FOLDER` lists all that
is wrong in it, with file, row, column, value and a hint, and exits non-zero where there is an error. `engine/MODEL.md`
says what each value means for a promise and a cost.

*This page is made from the code (`python -m engine.adapters.folder.document`); change the tables there.*

## Rules for all files

- A table is `NAME.csv`, `NAME.csv.gz` or `NAME.parquet`, one of them. CSV: UTF-8, commas, one line of column names, text with a comma
  or a quotation mark in quotation marks. The order of columns does not matter; unknown ones are reported and not read.
- `nodes`, `skus` and `stock` are required, all others optional. A **required** column must be there and every cell of it filled;
  an optional one may be left out, and an empty cell means its default.
- Spaces around a cell are dropped, except in names. Ids keep their case: `A-1` and `a-1` are two, and reported as suspicious.
- Numbers are whole, with the unit in the column's name: `_cents` are hundredths of the network's currency, `_g` grams,
  `_mm` millimetres, `_cm3` cubic centimetres, `_m` metres, `_s` seconds, `_permille` and `_ppm` shares of 1,000 and 1,000,000.
- Lists are separated by `;`. Flags are `1`, `0`, `true`, `false`. Weekdays are `1111100` (Monday first), `Mo-Fr`, `Mo-Sa` or `Mo;We`
  (`Mo,We` needs quotation marks). Dates are `2026-03-31`, times of day `16:30` or `16:30:00`, instants ISO 8601 with a zone.
- Rows are counted from 1 for the first row after the column names, in problems too.
- Errors stop the network from being read at all; warnings do not. Of one kind of problem in one column 20 rows are listed and the others counted.

## Traps

- Spreadsheets drop leading zeros (postcodes, prefixes, `0111100`), turn ids into `1E+05` and dates around: mark such columns as text.
- Coordinates that are missing are an error, and 0, 0 is too: nothing is ever at distance 0 because it was not found.
- A zone without a band that other zones of the service have is no free band but a hole: no price, no route. Holes are reported with their weights.
- Two prices of one band may not hold on the same ship date; `valid_from` and `valid_to` are both included.
- Reserved units are part of `on_hand`.

## network.toml

| key | type | default | meaning |
|---|---|---|---|
| name | text | **required** | Name of the network. |
| currency | text | **required** | ISO 4217 code of all `_cents`. |
| as_of | instant with a zone | **required** | The moment at which stock, backlog and inbound are meant; its date starts the horizon. |
| synthetic | list of texts | none | Which parts of the data are made up, in words; shown in every report. |
| default_policy | text | the first policy | `policy_id` of the policy used where none is named. |
| meta | table | empty | Anything to keep with the network: source, licence, notes. |
| [[policy]] | tables | one with all defaults | Policies, here or in `policies.toml`. |

A policy has the fields of `Policy` (`engine/domain/policy.py`), all optional. Its id and version together are unique.

```toml
name = "Acme France"
currency = "EUR"
as_of = 2026-03-31T06:00:00+02:00
synthetic = ["stock levels"]
default_policy = "standard"

[[policy]]
policy_id = "standard"
version = 3
split_cents = 250
promise_confidence_permille = 900
methods = ["ship_from_warehouse", "ship_from_store", "click_and_collect"]
weights_permille = { carbon = 2000, markdown = 0 }
relaxations = [{ rule = "deliver_by", days = 2 }, { rule = "max_distance" }]

[policy.channels.marketplace]
methods = ["ship_from_warehouse"]
node_groups = ["north"]
services = ["colissimo_home"]
```

## `*` and `group:NAME`

In `collections.node_id`, `lanes.origin` and `lanes.target` a cell may name many nodes: `*` all, `group:NAME` those of a group. Of
these only nodes are meant that offer what the row needs: `ship` (for a courier's service `same_day`), `transfer_out`, `transfer_in`.
For each weekday the row that names more wins: a node before its groups, a group before `*`; for lanes the origin is
compared first, then the target. Rows of the same rank add up. A collection with neither `cutoff` nor `collect` says that nothing is
collected on its days: it takes a node out of a wider row.

## What the reader adds

- Stock rows of zero units for pairs of node and sku that only `inbound` or `channel_protection` name.
- The network's version: a short hash of the bytes of all files read.
"""


def format_text() -> str:
    """The whole of FORMAT.md."""
    orders = "Files of orders for `sourcewise decide`; .json and .ndjson have the same fields as `Order`. "
    orders += "One more column `attributes.NAME` per attribute of orders."
    parts = [INTRODUCTION, "# The tables\n", *(_section(table) for table in TABLES)]
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
            meaning += f" One of {column.refers_to}."
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
    FORMAT.write_text(format_text(), encoding="utf-8", newline="\n")

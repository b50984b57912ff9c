"""
Stock from any ERP's CSV, put into a network that exists already.

ERPs write files that spreadsheets read: with or without a byte order mark, in UTF-8 or Windows-1252, split by comma,
semicolon or tab, with decimal commas and thousands separators. All of that is found out from the file; where the file
leaves it open ("1.234" may be one thousand or one and a bit), nothing is guessed and the caller has to say.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np

from engine.adapters.folder.problems import Names, Problems
from engine.domain.errors import InputError, NetworkError, Problem
from engine.domain.ids import NodeId, SkuId
from engine.network.model import Network, StockTable

UNITS_MAX = 2_000_000_000  # what a stock row holds
_PLAIN = re.compile(r"[+-]?\d+")
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_GROUPS = r"[+-]?\d{1,3}(?:G\d{3})*(?:D\d*)?|[+-]?\d+(?:D\d*)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpColumns:
    """
    What the columns are called in the file.

    ``on_hand`` and ``reserved`` may name several columns, which are added up; rows of one node and sku are added up,
    too (one row per bin or batch).
    """

    node: str = "node"
    sku: str = "sku"
    on_hand: tuple[str, ...] = ("quantity",)
    reserved: tuple[str, ...] = ()


def erp_stock(
    path: Path,
    network: Network,
    columns: ErpColumns | None = None,
    *,
    delimiter: str = "",
    decimal: str = "",
    node_ids: Mapping[str, str] | None = None,
    skip_unknown: bool = False,
) -> tuple[Network, list[Problem]]:
    """
    Replace all stock of a network by that of a file.

    Parameters
    ----------
    path
        The CSV file; its first row names the columns.
    network
        Knows the nodes and skus. Days of cover are kept where node and sku had a row before.
    columns
        What the columns are called.
    delimiter, decimal
        Found out from the file where not given.
    node_ids
        The network's node id by the one in the file, where they differ.
    skip_unknown
        Leave rows of unknown nodes and skus out, with a warning each, instead of failing.

    Returns
    -------
    The network with the new stock, and warnings (negative stock taken as none; rows left out).

    Raises
    ------
    InputError
        Where a column is missing or numbers can be read in two ways.
    NetworkError
        With every problem: row, column, value and what may have been meant. Row 1 is the first after the names.
    """
    names = columns or ErpColumns()
    rows = _read(Path(path), names, delimiter)
    file = Path(path).name
    quantities = [*names.on_hand, *names.reserved]
    mark = decimal or _decimal_mark(file, quantities, [row[c] for row in rows for c in quantities])
    if mark not in (".", ","):
        raise InputError(f"Decimal mark ({mark}) is not known.", "it is . or , in numbers.")
    number = re.compile(_GROUPS.replace("G", "[., '\u00a0\u202f]".replace(mark, "")).replace("D", re.escape(mark)))
    problems = Problems()
    units = _count(file, rows, names, network, node_ids or {}, (number, mark), problems, skip_unknown=skip_unknown)
    stock = _table(file, names, units, network, problems)
    if problems.num_errors:
        raise NetworkError(problems.listed())
    return replace(network, stock=stock, version=f"{network.version}+{file}"), problems.listed()


def _count(
    file: str,
    rows: Sequence[Mapping[str, str]],
    names: ErpColumns,
    network: Network,
    node_ids: Mapping[str, str],
    style: tuple[re.Pattern[str], str],
    problems: Problems,
    *,
    skip_unknown: bool,
) -> dict[tuple[int, int], list[int]]:
    """On hand, reserved and the first row by (node, sku)."""
    number, mark = style
    severity = "warning" if skip_unknown else "error"
    node_names, sku_names = Names(network.node_index), Names(network.skus.index)
    units: dict[tuple[int, int], list[int]] = {}
    for at, row in enumerate(rows, start=1):
        node_id = node_ids.get(row[names.node], row[names.node])
        sku_id = row[names.sku]
        node, sku = network.node_index.get(NodeId(node_id)), network.skus.index.get(SkuId(sku_id))
        if node is None:
            message = f"Node ({node_id}) is unknown to the network."
            problems.add(file, at, names.node, node_id, message, partial(node_names.hint, node_id), severity=severity)
        if sku is None:
            message = f"Sku ({sku_id}) is unknown to the network."
            problems.add(file, at, names.sku, sku_id, message, partial(sku_names.hint, sku_id), severity=severity)
        on_hand = sum(_units(file, at, c, row[c], number, mark, problems) for c in names.on_hand)
        reserved = sum(_units(file, at, c, row[c], number, mark, problems) for c in names.reserved)
        if node is not None and sku is not None:
            total = units.setdefault((node, sku), [0, 0, at])
            total[0] += on_hand
            total[1] += reserved
    return units


def _read(path: Path, names: ErpColumns, delimiter: str) -> list[dict[str, str]]:
    """Rows by column name, cells stripped; raises InputError where a named column is missing."""
    if not path.is_file():
        raise InputError(f"Stock file ({path}) does not exist.", "check the path.")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    header = text.partition("\n")[0]
    split = delimiter or max(";\t,|", key=lambda mark: (header.count(mark), mark == ","))
    if len(split) != 1:
        raise InputError(f"Delimiter ({split}) of file ({path.name}) is not one character.", 'it is ";" or ",".')
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=split))
    if not lines:
        raise InputError(f"Stock file ({path.name}) is empty.", "export it again.")
    found = [cell.strip() for cell in lines[0]]
    wanted = [names.node, names.sku, *names.on_hand, *names.reserved]
    for name in wanted:
        if name not in found:
            near = Names(found).hint(name) or f"one of {', '.join(found)}, given as a column."
            raise InputError(f"Stock file ({path.name}) has no column ({name}).", near)
    places = [(name, found.index(name)) for name in wanted]
    rows = []
    for line in lines[1:]:
        cells = [cell.strip() for cell in line] + [""] * len(found)
        rows.append({name: cells[place] for name, place in places})
    while rows and not any(rows[-1].values()):
        rows.pop()  # spreadsheets leave empty lines at the end
    return rows


def _decimal_mark(file: str, columns: Sequence[str], texts: Sequence[str]) -> str:
    """
    The decimal mark that all numbers of a file agree with.

    Of "1.234,50" the last mark is decimal; a mark that stands twice in a number, or at its end before three digits
    where another one has shown to be decimal, is not. "0.5" and "12,75" speak for themselves.
    """
    votes: dict[str, str] = {}
    doubtful = ""
    for text in dict.fromkeys(texts):
        marks = [c for c in text if c in ".,"]
        if not marks:
            continue
        if len(set(marks)) == 2:
            votes.setdefault(marks[-1], text)
        elif len(marks) > 1:
            votes.setdefault("," if marks[0] == "." else ".", text)
        elif _AMBIGUOUS.fullmatch(text):
            doubtful = doubtful or text
        else:
            votes.setdefault(marks[0], text)
    where = f"({', '.join(columns)}) of file ({file})"
    if len(votes) > 1:
        raise InputError(
            f"Numbers in {where} disagree on the decimal mark: ({votes['.']}) and ({votes[',']}).",
            "one of the two was typed by hand.",
        )
    if votes:
        return next(iter(votes))
    if doubtful:
        raise InputError(
            f"Number ({doubtful}) in {where} can be read in two ways.",
            "say that the decimal mark is . or , (the other one then splits thousands).",
        )
    return "."


def _units(file: str, at: int, column: str, text: str, number: re.Pattern[str], mark: str, problems: Problems) -> int:
    """Whole units of a cell; empty is none, below zero is none with a warning."""
    if text == "":
        return 0
    trailing = text.endswith("-") and _PLAIN.match(text)  # SAP writes the minus behind
    plain = f"-{text[:-1].strip()}" if trailing else text
    if not number.fullmatch(plain):
        problems.add(file, at, column, text, f"({text}) is not a number.", "digits only, without a unit.")
        return 0
    value = Decimal(re.sub(rf"[^\d{re.escape(mark)}+-]", "", plain).replace(mark, ".").rstrip("."))
    if value != value.to_integral_value():
        problems.add(file, at, column, text, f"({text}) is not a whole number of units.", "stock is counted in pieces.")
        return 0
    if value < 0:
        problems.warn(file, at, column, text, f"Negative stock ({text}) is taken as none.", "book the missing receipt.")
        return 0
    if value > UNITS_MAX:
        problems.add(file, at, column, text, f"({text}) is more than {UNITS_MAX}.", "it is an id or a date.")
        return 0
    return int(value)


def _table(
    file: str, names: ErpColumns, units: Mapping[tuple[int, int], Sequence[int]], network: Network, problems: Problems
) -> StockTable:
    """Stock rows by node and sku; more reserved than on hand, or more than a row holds, is a problem."""
    old = network.stock
    cover = dict(zip(zip(old.node.tolist(), old.sku.tolist(), strict=True), old.days_of_cover.tolist(), strict=True))
    due = {(network.node_index[lot.node_id], network.skus.index[lot.sku]) for lot in network.inbound}
    keys = sorted(units.keys() | due)  # what is due needs a row to be taken from
    for key in keys:
        on_hand, reserved, at = units.get(key, (0, 0, 0))
        where = f"sku ({network.skus.ids[key[1]]}) at node ({NodeId(network.nodes[key[0]].node_id)})"
        if max(on_hand, reserved) > UNITS_MAX:
            problems.add(file, at, names.on_hand[0], str(on_hand), f"The rows of {where} add up to too much.")
        elif reserved > on_hand:
            message = f"More units of {where} are reserved ({reserved}) than on hand ({on_hand})."
            problems.warn(file, at, (names.reserved or names.on_hand)[0], str(reserved), message, "none is free there.")
    return StockTable(
        node=np.array([k[0] for k in keys], dtype=np.int32),
        sku=np.array([k[1] for k in keys], dtype=np.int32),
        on_hand=np.array([min(UNITS_MAX, units.get(k, (0, 0))[0]) for k in keys], dtype=np.int32),
        reserved=np.array([min(UNITS_MAX, units.get(k, (0, 0))[1]) for k in keys], dtype=np.int32),
        days_of_cover=np.array([cover.get(k, 0) for k in keys], dtype=np.int32),
    )

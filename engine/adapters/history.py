"""
Delivery histories out of files: one table, or a folder of orders, items and sellers.

A table (.csv, .csv.gz or .parquet) has these columns; times are local, "2017-05-03 14:05:00" or with a T:

    order_id       one row per order
    purchased      when it was placed
    approved       when it was paid; may be absent or empty
    handed_over    to the carrier; empty: not yet
    delivered      at the door; empty: not yet
    distance_m     from node to door; or origin_lat, origin_lon, dest_lat, dest_lon
    promised       the date that was promised then; may be absent or empty
    origin_region, region    subdivisions of the country (as "SP"), for public holidays; may be absent

A folder has orders*.csv.gz, order_items*.csv.gz and sellers*.csv.gz, joined by order_no and seller; orders that were
cancelled are left out. What is wrong with a file ends the reading; a row that cannot be is left out, and counted.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from engine.domain.errors import InputError, Problem
from engine.network.routes import distance_m
from engine.promise.rolling.past import PastOrder

REQUIRED = ("order_id", "purchased", "handed_over", "delivered")
TIMES = ("purchased", "approved", "handed_over", "delivered")
PLACES = ("origin_lat", "origin_lon", "dest_lat", "dest_lon")
FAR_M = 20_100_000  # half around the earth
AFTER_DAYS_MAX = 365  # a later date is a slip of the pen
LATEST_SHARE, LATEST_DAYS = 0.995, 90  # purchases so long after nearly all others lie in the future
GONE = ("canceled", "cancelled", "unavailable")
SHOWN_PER_REASON = 3
_FOLDER_COLUMNS = {
    "order_id": "order_no",
    "purchased": "purchased_at",
    "approved": "approved_at",
    "handed_over": "handed_to_carrier_at",
    "delivered": "delivered_at",
    "promised": "estimated_delivery",
    "region": "customer_state",
    "dest_lat": "dest_lat",
    "dest_lon": "dest_lon",
}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    Orders that can be, and what was left out.

    Parameters
    ----------
    orders
        In the order of the file.
    num_rows
        Of the file.
    left_out
        How many rows were left out, by reason.
    problems
        The first few rows of each reason.
    """

    orders: tuple[PastOrder, ...]
    num_rows: int
    left_out: Mapping[str, int]
    problems: tuple[Problem, ...]


class _DirtyRowError(Exception):
    def __init__(self, reason: str, column: str, value: str, hint: str) -> None:
        super().__init__(reason)
        self.reason, self.column, self.value, self.hint = reason, column, value, hint


def read_history(path: Path, until: date | None = None) -> History:
    """
    Read a history.

    Parameters
    ----------
    path
        A table or a folder.
    until
        Its last day: later dates are wrong. Without it, purchases far later than nearly all others are.

    Raises
    ------
    InputError
        Where the file is not there, is no table, lacks columns or has no rows that can be.
    """
    if not path.exists():
        raise InputError(f"History ({path}) does not exist.", "check the path; sourcewise calibrate demo needs none.")
    if path.is_dir():
        name, rows = _only(path, "orders").name, _folder_rows(path)
    else:
        name, rows = path.name, _table(path)
    if not rows:
        raise InputError(f"History ({path}) has no rows.", "give one row per order.")
    _check_columns(name, tuple(rows[0]))
    orders, left_out, problems = _read_rows(name, rows, until)
    if not orders:
        reasons = ", ".join(f"{reason} ({num})" for reason, num in left_out.items())
        raise InputError(f"History ({path}) has no row that can be: {reasons}.", "see that columns are not swapped.")
    return History(orders=orders, num_rows=len(rows), left_out=left_out, problems=problems)


def _check_columns(name: str, columns: Sequence[str]) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InputError(
            f"History ({name}) lacks column ({missing[0]}); it has ({', '.join(columns)}).",
            f"rename its columns to {', '.join(REQUIRED)}.",
        )
    if "distance_m" not in columns and not set(PLACES) <= set(columns):
        raise InputError(
            f"History ({name}) lacks column (distance_m), and ({', '.join(PLACES)}) to tell it from.",
            "add the distance from node to door, or both places.",
        )


def _read_rows(
    name: str, rows: Sequence[Row], until: date | None
) -> tuple[tuple[PastOrder, ...], dict[str, int], tuple[Problem, ...]]:
    left_out: Counter[str] = Counter()
    problems: list[Problem] = []
    seen: set[str] = set()
    kept: list[tuple[int, Row, PastOrder]] = []

    def leave_out(number: int, dirt: _DirtyRowError) -> None:
        left_out[dirt.reason] += 1
        if left_out[dirt.reason] <= SHOWN_PER_REASON:
            where = {"file": name, "row": number, "column": dirt.column, "value": dirt.value}
            problems.append(Problem(**where, message=dirt.reason, hint=dirt.hint, severity="warning"))  # type: ignore[arg-type]

    for number, row in enumerate(rows, start=1):
        try:
            order = _order_of(row, until)
            if order.order_id in seen:
                raise _DirtyRowError("order id twice", "order_id", order.order_id, "keep one row per order.")
        except _DirtyRowError as dirt:
            leave_out(number, dirt)
        else:
            seen.add(order.order_id)
            kept.append((number, row, order))
    if kept and until is None:
        bought = sorted(order.purchased for _, _, order in kept)
        latest = bought[int(LATEST_SHARE * (len(bought) - 1))] + timedelta(days=LATEST_DAYS)
        for number, row, order in kept:
            if order.purchased > latest:
                hint = f"all but a few are bought by {latest.date() - timedelta(days=LATEST_DAYS)}."
                leave_out(number, _DirtyRowError("purchased in the future", "purchased", row["purchased"], hint))
        kept = [one for one in kept if one[2].purchased <= latest]
    return tuple(order for _, _, order in kept), dict(sorted(left_out.items())), tuple(problems)


def _order_of(row: Row, until: date | None) -> PastOrder:
    if not row["order_id"]:
        raise _DirtyRowError("no order id", "order_id", "", "give each order an id.")
    if row.get("status", "") in GONE:
        raise _DirtyRowError("cancelled", "order_status", row["status"], "nothing to do.")
    times = {column: _time(row, column) for column in TIMES}
    purchased = times["purchased"]
    if purchased is None:
        raise _DirtyRowError("never purchased", "purchased", "", "give the time of purchase.")
    if times["delivered"] is not None and times["handed_over"] is None:
        raise _DirtyRowError("delivered, never handed over", "handed_over", "", "give the time of the hand-over.")
    before, before_column = purchased, "purchased"
    for column in TIMES[1:]:
        at = times[column]
        if at is None:
            continue
        if at < before:
            hint = f"it is before {before_column} ({before})."
            raise _DirtyRowError(f"{column} before {before_column}", column, row[column], hint)
        before, before_column = at, column
    for column, at in times.items():
        if at is not None and ((until and at.date() > until) or (at - purchased).days > AFTER_DAYS_MAX):
            raise _DirtyRowError(f"{column} in the future", column, row[column], "check its year.")
    return PastOrder(
        order_id=row["order_id"],
        purchased=purchased,
        handed_over=times["handed_over"],
        delivered=times["delivered"],
        distance_m=_distance(row),
        promised=promised.date() if (promised := _time(row, "promised")) else None,
        origin_region=row.get("origin_region", ""),
        region=row.get("region", ""),
    )


def _time(row: Row, column: str) -> datetime | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _DirtyRowError("no time", column, text, "write 2017-05-03 14:05:00.") from None
    return at.replace(tzinfo=None)  # the reader's own clock, whatever its offset


def _distance(row: Row) -> int:
    columns = PLACES if "distance_m" not in row else ("distance_m",)
    values = []
    for column in columns:
        text = row[column]
        if not text:
            raise _DirtyRowError("distance unknown", column, "", "give distance_m or both places.")
        try:
            values.append(float(text))
        except ValueError:
            raise _DirtyRowError("no number", column, text, "write a number, as 12.5.") from None
    metres = int(values[0]) if len(values) == 1 and abs(values[0]) < 1e12 else None
    if len(values) == 4 and all(abs(v) <= limit for v, limit in zip(values, (90, 180, 90, 180), strict=True)):
        metres = distance_m(*values)
    if metres is None or not 0 <= metres <= FAR_M:
        raise _DirtyRowError("distance impossible", columns[0], row[columns[0]], "give metres, or degrees.")
    return metres


def _table(path: Path) -> list[Row]:
    """All rows as text, blanks stripped."""
    try:
        if path.name.endswith(".parquet"):
            import pyarrow.parquet as pq

            rows = pq.read_table(path).to_pylist()
            return [{key: "" if value is None else str(value).strip() for key, value in row.items()} for row in rows]
        opened = gzip.open if path.name.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            read = csv.DictReader(file)
            return [{key: (row[key] or "").strip() for key in read.fieldnames or ()} for row in read]
    except (ValueError, OSError, EOFError, csv.Error) as error:
        if isinstance(error, PermissionError):
            raise
        raise InputError(
            f"History ({path}) cannot be read: {error}.", "give a .csv in UTF-8, a .csv.gz or a .parquet."
        ) from None


def _only(folder: Path, name: str) -> Path:
    found = sorted(path for path in folder.glob(f"{name}*.csv*") if path.name.removeprefix(name)[:1] in ("_", "."))
    if len(found) != 1:
        what = "no" if not found else f"{len(found)}"
        raise InputError(
            f"History ({folder}) has {what} file {name}*.csv.gz, not one.",
            "give a folder of orders, order_items and sellers, or one table.",
        )
    return found[0]


def _folder_rows(folder: Path) -> list[Row]:
    """Orders of a folder as a table: the seller of its first item is where an order comes from."""
    tables = {}
    for name, wanted in (
        ("orders", tuple(_FOLDER_COLUMNS.values())),
        ("order_items", ("order_no", "seller")),
        ("sellers", ("seller", "lat", "lon", "seller_state")),
    ):
        path = _only(folder, name)
        tables[name] = _table(path)
        missing = [column for column in wanted if tables[name] and column not in tables[name][0]]
        if missing:
            raise InputError(f"History ({path.name}) lacks column ({missing[0]}).", "keep the names it came with.")
    sellers = {row["seller"]: row for row in tables["sellers"]}
    seller_of: dict[str, Row] = {}
    for item in tables["order_items"]:
        if item["seller"] in sellers:
            seller_of.setdefault(item["order_no"], sellers[item["seller"]])
    nowhere = {"lat": "", "lon": "", "seller_state": ""}
    out: list[Row] = []
    for row in tables["orders"]:
        seller = seller_of.get(row["order_no"], nowhere)
        out.append(
            {ours: row[theirs] for ours, theirs in _FOLDER_COLUMNS.items()}
            | {"origin_lat": seller["lat"], "origin_lon": seller["lon"], "origin_region": seller["seller_state"]}
            | {"status": row.get("order_status", "")}
        )
    return out

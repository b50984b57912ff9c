"""
A delivery history from files: rows that tell a whole story as orders of the past, the others counted by reason.

One file (.csv, .csv.gz or .parquet) with a row per order:

    order_id                      each once
    purchased                     local time, ISO 8601 without an offset
    handed_over, delivered        likewise; empty where it has not come to that
    distance_m                    from the sender to the customer; or
    origin_lat, origin_lon, lat, lon   in degrees
    promised                      optional: the date that the retailer promised
    origin_region, region         optional: ISO 3166-2 subdivisions without the country, for public holidays

or a folder with orders*.csv.gz, order_items*.csv.gz and sellers.csv.gz in the columns of the Brazilian data folder.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engine.adapters.imports.reading import read_rows
from engine.domain.errors import InputError, Problem
from engine.network.routes import distance_m
from engine.promise.rolling.past import Past, PastOrder, past_of

NEEDED = ("order_id", "purchased", "handed_over", "delivered")
PLACES = ("origin_lat", "origin_lon", "lat", "lon")
EXAMPLES_MAX = 5  # rows shown of each reason
ORDERS_MIN = 200
_BACKWARDS = "times run backwards"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The orders, and the rows that were left out: how many by reason, and the first few of each."""

    past: Past
    num_rows: int
    left_out: Mapping[str, int]
    examples: tuple[Problem, ...]


class _Reader:
    """Turns rows into orders; keeps count of the ones that do not make sense."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.orders: list[PastOrder] = []
        self.left_out: Counter[str] = Counter()
        self.examples: list[Problem] = []
        self._seen: set[str] = set()

    def take(self, number: int, row: Row) -> None:
        """One row; `number` is 1 for the first of the data."""
        order_id = str(row.get("order_id") or "")
        if not order_id:
            return self._leave(number, "order_id", "", "no order id")
        if order_id in self._seen:
            return self._leave(number, "order_id", order_id, "order id twice")
        self._seen.add(order_id)
        times: dict[str, datetime | None] = {}
        for column in ("purchased", "handed_over", "delivered"):
            text = row.get(column)
            try:
                times[column] = _moment(text)
            except ValueError:
                return self._leave(number, column, str(text), "unreadable time")
        bought = times["purchased"]
        if bought is None:
            return self._leave(number, "purchased", "", "no time of purchase")
        known = [at for at in times.values() if at is not None]
        if known != sorted(known) or (times["delivered"] is not None and times["handed_over"] is None):
            shown = " > ".join("–" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in times.values())
            return self._leave(number, "handed_over", shown, _BACKWARDS)
        metres = _metres(row)
        if metres is None:
            return self._leave(number, "distance_m", str(row.get("distance_m", "")), "no distance")
        promised = row.get("promised")
        try:
            own = date.fromisoformat(str(promised)[:10]) if promised else None
        except ValueError:
            return self._leave(number, "promised", str(promised), "unreadable time")
        self.orders.append(
            PastOrder(
                order_id=order_id,
                purchased=bought,
                handed_over=times["handed_over"],
                delivered=times["delivered"],
                distance_m=metres,
                promised=own,
                origin_region=str(row.get("origin_region") or ""),
                region=str(row.get("region") or ""),
            )
        )
        return None

    def _leave(self, number: int, column: str, value: str, reason: str) -> None:
        self.left_out[reason] += 1
        if self.left_out[reason] <= EXAMPLES_MAX:
            self.examples.append(
                Problem(
                    file=self.file, row=number, column=column, value=value, message=f"{reason}.", severity="warning"
                )
            )


def read_history(path: Path, country: str = "") -> History:
    """
    Read a history.

    Parameters
    ----------
    path
        A file or a folder, see the head of this module.
    country
        Of the public holidays, ISO 3166-1 alpha-2; that of a data folder is known.

    Raises
    ------
    InputError
        Where there is no such file, columns are missing, or too few rows make sense.
    """
    if path.is_dir():
        rows, name, country = list(_of_folder(path)), "orders", country or "BR"
    elif path.is_file():
        rows, name = _of_file(path), path.name
        _columns_there(path, rows)
    else:
        raise InputError(f"History ({path}) does not exist.", "a .csv, .csv.gz or .parquet file, or a data folder.")
    reader = _Reader(name)
    for number, row in enumerate(rows, start=1):
        reader.take(number, row)
    if len(reader.orders) < ORDERS_MIN:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in reader.left_out.most_common()) or "none left out"
        raise InputError(
            f"History ({path}) has {len(reader.orders)} orders that make sense of {len(rows)} rows ({reasons}).",
            f"at least {ORDERS_MIN} are needed to learn from.",
        )
    return History(
        past=past_of(reader.orders, country),
        num_rows=len(rows),
        left_out=dict(sorted(reader.left_out.items())),
        examples=tuple(reader.examples),
    )


def _moment(text: object) -> datetime | None:
    """A local time; None of nothing."""
    if text is None or text == "":
        return None
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    if moment.tzinfo is not None:
        raise ValueError("an offset, where local time is meant")
    return moment


def _metres(row: Row) -> int | None:
    try:
        given = row.get("distance_m")
        if given not in (None, ""):
            metres = round(float(given or 0))
            return metres if metres >= 0 else None
        return distance_m(*(float(row[name]) for name in PLACES))
    except (KeyError, TypeError, ValueError):
        return None


def _of_file(path: Path) -> list[Row]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        found: list[Row] = pq.read_table(path).to_pylist()
        return found
    try:
        return list(read_rows(path))
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"History ({path}) is no text in UTF-8: {error}.", "a .csv or .csv.gz file.") from error


def _columns_there(path: Path, rows: Sequence[Row]) -> None:
    if not rows:
        raise InputError(f"History ({path}) has no rows.", "a header and a row per order.")
    missing = [name for name in NEEDED if name not in rows[0]]
    if "distance_m" not in rows[0] and any(name not in rows[0] for name in PLACES):
        missing.append("distance_m")
    if missing:
        raise InputError(
            f"History ({path}) lacks the columns ({', '.join(missing)}); it has {', '.join(map(str, rows[0]))}.",
            "order_id, purchased, handed_over, delivered, and distance_m or origin_lat, origin_lon, lat, lon.",
        )


def _of_folder(folder: Path) -> Iterable[Row]:
    """Orders with the place of their first item's seller."""
    files = {name: sorted(folder.glob(f"{name}*.csv*")) for name in ("orders", "order_items", "sellers")}
    for name, found in files.items():
        if not found:
            raise InputError(f"Folder ({folder}) has no {name}*.csv.gz.", "name one file with a row per order.")
    sellers = {row["seller"]: row for path in files["sellers"] for row in read_rows(path)}
    seller_of: dict[str, str] = {}
    for path in files["order_items"]:
        for row in read_rows(path):
            seller_of.setdefault(row["order_no"], row["seller"])
    for path in files["orders"]:
        for row in read_rows(path):
            seller = sellers.get(seller_of.get(row["order_no"], ""), {})
            yield {
                "order_id": row["order_no"],
                "purchased": row["purchased_at"],
                "handed_over": row["handed_to_carrier_at"],
                "delivered": row["delivered_at"],
                "promised": row["estimated_delivery"],
                "origin_lat": seller.get("lat", ""),
                "origin_lon": seller.get("lon", ""),
                "lat": row["dest_lat"],
                "lon": row["dest_lon"],
                "region": row["customer_state"],
                "origin_region": seller.get("seller_state", ""),
            }

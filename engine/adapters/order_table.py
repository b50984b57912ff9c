"""Orders as a table with one row per order line; what belongs to the order may stand in its first row only."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.adapters.folder.cells import COUNTRY, FLAG, ID, INSTANT, choice, many, number, whole
from engine.adapters.folder.problems import Names, Problems
from engine.adapters.folder.sheets import Sheet, read_sheet
from engine.adapters.folder.spec import REQUIRED, Column, Table, col, table
from engine.adapters.folder.typed import Typed, typed
from engine.adapters.folder.write import cell_text
from engine.domain.errors import InputError
from engine.domain.ids import LineId
from engine.domain.order import QUANTITY_MAX, Destination, Method, Order, OrderLine

_METHODS = many(choice(Method))
ATTRIBUTE = "attributes."
LINE_COLUMNS = ("line_id", "sku", "quantity", "pin_node", "keep_together")
PLACE_COLUMNS = ("country", "postcode", "lat", "lon", "residential")

ORDERS = table(
    "orders",
    None,
    "Orders. One row per line; rows of one order share order_id, the order's own cells may be empty after the first.",
    col("order_id", ID, "Name of the order.", "O-1001", default=REQUIRED),
    col("placed_at", INSTANT, "When it was placed.", "2026-03-31T14:00:00+02:00", default=None),
    col("channel", ID, "Sales channel.", "web", default=""),
    col("country", COUNTRY, "Destination. Empty: the order is collected.", "FR", default=None),
    col("postcode", ID, "Its postcode.", "69003", default=None),
    col("lat", number(-90, 90), "Latitude, if known better than by postcode.", "45.76", unit="degrees", default=None),
    col("lon", number(-180, 180), "Longitude.", "4.86", unit="degrees", default=None),
    col("residential", FLAG, "A home, not a business.", "1", default=True),
    col("pickup_node", ID, "The place the customer has chosen.", "ST12", default=None),
    col("line_id", ID, "Name of the line. Empty: its number in the order.", "1", default=None),
    col("sku", ID, "The article.", "A-1001", default=REQUIRED),
    col("quantity", whole(1, QUANTITY_MAX), "Units.", "2", unit="units", default=REQUIRED),
    col("pin_node", ID, "The node that must serve the line.", "", default=None),
    col("keep_together", ID, "Lines with the same text here travel in one shipment.", "a", default=""),
    col("methods", _METHODS, "Only these methods. Empty: any.", "", default=()),
    col("excluded_methods", _METHODS, "Not these.", "same_day", default=()),
    col("nodes", many(ID), "Only these nodes. Empty: any.", "", default=()),
    col("excluded_nodes", many(ID), "Not these.", "ST1;ST2", default=()),
    col("services", many(ID), "Only these services. Empty: any.", "", default=()),
    col("excluded_services", many(ID), "Not these.", "", default=()),
    col("deliver_by", INSTANT, "Latest delivery, a hard limit.", "", default=None),
    col("requested_by", INSTANT, "Wished delivery; later costs.", "", default=None),
    col("max_shipments", whole(1), "Shipments of the order. Empty: the policy's.", "2", unit="shipments", default=None),
    col("max_shipments_per_line", whole(1), "Shipments of a line.", "1", unit="shipments", default=None),
    col("max_distance_m", whole(1), "Farthest node of a home delivery.", "50000", unit="m", default=None),
    col("partial", FLAG, "Lines may stay unserved.", "0", default=False),
    col("signature", FLAG, "Delivered against a signature.", "0", default=False),
)


def parse_orders_table(file: str, data: bytes, problems: Problems) -> list[Order]:
    """The orders of a CSV or Parquet file without problems, in the order of their first rows."""
    sheet = read_sheet(file, data, problems)
    if sheet is None:
        return []
    table = _with_attributes(sheet)
    known = [column.name for column in table.columns]
    for name in sheet.columns:
        if name not in known:  # a misspelt limit must not be dropped in silence
            hint = Names(known).hint(name) or f"name it {ATTRIBUTE}{name} to keep it with the order."
            problems.add(file, 0, name, "", f"Column ({name}) is unknown.", hint)
    found = typed(table, sheet, file, problems)
    rows_of: dict[str, list[int]] = {}
    ids = found.columns["order_id"]
    for position, code in enumerate(ids.codes.tolist()):
        if not ids.bad[code]:
            rows_of.setdefault(ids.values[code], []).append(position)
    named = [column for column in table.columns if column.name in sheet.columns]
    own = [column for column in named if column.name not in LINE_COLUMNS]
    orders = (_order(found, rows, own, problems) for rows in rows_of.values())
    return [order for order in orders if order is not None]


def _with_attributes(sheet: Sheet) -> Table:
    """The table with one more column per attribute that the sheet has."""
    extra = tuple(
        replace(ORDERS.column("channel"), name=name, meaning="An attribute of the order.")
        for name in sheet.columns
        if name.startswith(ATTRIBUTE)
    )
    return replace(ORDERS, columns=ORDERS.columns + extra)


def _order(found: Typed, rows: list[int], own: list[Column], problems: Problems) -> Order | None:
    """One order of its rows; None, with the reasons, where it is wrong."""
    before = problems.num_errors
    values = {column.name: _own_value(found, column, rows, problems) for column in own}
    if any(found.bad_rows[position] for position in rows):
        return None
    first, order_id = found.number(rows[0]), values["order_id"]
    for name in ("country", "postcode"):
        if values.get(name) is None and any(values.get(other) is not None for other in ("country", "postcode", "lat")):
            message = f"Order ({order_id}) has a destination without a {name}."
            problems.add(found.file, first, name, "", message, "coordinates alone do not name a zone.")
    if values.get("placed_at") is None:
        message = f"Order ({order_id}) says nowhere when it was placed."
        problems.add(found.file, first, "placed_at", "", message, "fill in its first row.")
    if problems.num_errors > before:
        return None
    place = {name: values.pop(name) for name in PLACE_COLUMNS if name in values}
    attributes = {n.removeprefix(ATTRIBUTE): values.pop(n) for n in list(values) if n.startswith(ATTRIBUTE)}
    try:
        return Order(
            lines=tuple(_line(found, position, i) for i, position in enumerate(rows, start=1)),
            destination=Destination(**place) if place.get("country") is not None else None,
            keep_together=_groups(found, rows),
            attributes=MappingProxyType({name: value for name, value in attributes.items() if value}),
            **values,
        )
    except InputError as error:
        problems.add(found.file, first, "order_id", order_id, error.message, error.hint)
        return None


def _own_value(found: Typed, column: Column, rows: list[int], problems: Problems) -> Any:
    """The value of a cell that belongs to the order: rows may repeat it or leave it empty, not contradict it."""
    values = found.columns[column.name]
    said: int | None = None
    for position in rows:
        code = int(values.codes[position])
        if not values.texts[code].strip() or values.bad[code]:
            continue
        if said is None:
            said = code
        elif values.values[code] != values.values[said]:
            message = f"Order ({found.cell('order_id', position)}) has another {column.name} in its earlier rows."
            hint = f"({values.texts[said]}); two orders share one id."
            problems.add(found.file, found.number(position), column.name, values.texts[code], message, hint)
    return column.default if said is None else values.values[said]


def _value(found: Typed, name: str, position: int) -> Any:
    values = found.columns[name]
    return values.values[int(values.codes[position])]


def _line(found: Typed, position: int, number: int) -> OrderLine:
    return OrderLine(
        line_id=LineId(_value(found, "line_id", position) or str(number)),
        sku=_value(found, "sku", position),
        quantity=_value(found, "quantity", position),
        pin_node=_value(found, "pin_node", position),
    )


def _groups(found: Typed, rows: list[int]) -> tuple[tuple[Any, ...], ...]:
    groups: dict[str, list[Any]] = {}
    for i, position in enumerate(rows, start=1):
        name = _value(found, "keep_together", position)
        if name:
            groups.setdefault(name, []).append(_value(found, "line_id", position) or str(i))
    return tuple(tuple(group) for group in groups.values())


def write_orders_table(orders: Sequence[Order], path: Path) -> None:
    """Write orders as CSV, all cells of an order in each of its rows; raises InputError for what no cell can hold."""
    attributes = sorted({name for order in orders for name in order.attributes})
    columns = {column.name: column for column in ORDERS.columns}
    rows = [
        [cell_text(ORDERS, columns[name], value) for name, value in cells.items()]
        + [_attribute(order, name) for name in attributes]
        for order in orders
        for cells in _rows(order)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, *(f"{ATTRIBUTE}{name}" for name in attributes)])
        writer.writerows(rows)


def _rows(order: Order) -> list[dict[str, Any]]:
    place = order.destination
    group_of = {line: str(i) for i, group in enumerate(order.keep_together, start=1) for line in group}
    rows = []
    for line in order.lines:
        cells: dict[str, Any] = {}
        for column in ORDERS.columns:
            if column.name in PLACE_COLUMNS:
                cells[column.name] = getattr(place, column.name) if place else column.default
            elif column.name == "keep_together":
                cells[column.name] = group_of.get(line.line_id, "")
            else:
                cells[column.name] = getattr(line if column.name in LINE_COLUMNS else order, column.name)
        rows.append(cells)
    return rows


def _attribute(order: Order, name: str) -> str:
    value = order.attributes.get(name, "")
    if (name in order.attributes and value != value.strip()) or (name in order.attributes and not value):
        raise InputError(f"Attribute ({name}) of order ({order.order_id}), ({value!r}), fits no cell.", "write JSON.")
    return value

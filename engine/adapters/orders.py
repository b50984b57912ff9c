"""Orders from and to files: .csv (a row per line), .json (one order or a list) and .ndjson (an order per text line)."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine.adapters.folder.problems import Names, Problems
from engine.adapters.folder.sheets import ENDINGS
from engine.adapters.order_json import OrdersError, order_from_json, order_to_json, parse_order
from engine.adapters.order_table import parse_orders_table, write_orders_table
from engine.domain.errors import InputError, Problem
from engine.domain.order import Order
from engine.network.live import HORIZON_DAYS
from engine.network.model import Network, Offer

__all__ = ["OrdersError", "check_orders", "order_from_json", "order_to_json", "read_orders", "write_orders"]

_JSON_ENDINGS = (".json", ".ndjson")


def read_orders(path: Path | str) -> list[Order]:
    """
    Read a file of orders; its ending says how it is written.

    Raises
    ------
    OrdersError
        With all that is wrong: file, row (of JSON: the number of the order), column, value and what to try.
    InputError
        Where the file is missing, or of none of the kinds.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"There is no file of orders ({file}).", "the name is misspelt.")
    problems = Problems()
    if file.name.endswith(ENDINGS):
        orders = parse_orders_table(file.name, file.read_bytes(), problems)
    elif file.suffix in _JSON_ENDINGS:
        orders = _read_json(file, problems)
    else:
        raise InputError(f"File ({file}) is of no known kind.", f"it may end in {', '.join(ENDINGS + _JSON_ENDINGS)}.")
    errors = [p for p in problems.listed() if p.severity == "error"]
    if errors:
        raise OrdersError(errors)
    return orders


def write_orders(orders: Sequence[Order], path: Path | str) -> None:
    """Write orders to a .csv, .json (a list) or .ndjson file; raises InputError for other endings."""
    file = Path(path)
    if file.suffix == ".csv":
        write_orders_table(orders, file)
    elif file.suffix == ".json":
        file.write_text(_dumped([order_to_json(order) for order in orders], indent=1) + "\n", encoding="utf-8")
    elif file.suffix == ".ndjson":
        file.write_text("".join(_dumped(order_to_json(order)) + "\n" for order in orders), encoding="utf-8")
    else:
        raise InputError(f"Orders cannot be written to ({file}).", "let it end in .csv, .json or .ndjson.")


def _dumped(data: Any, indent: int | None = None) -> str:
    return json.dumps(data, ensure_ascii=False, indent=indent)


def _read_json(file: Path, problems: Problems) -> list[Order]:
    orders: list[Order] = []
    rows: dict[str, int] = {}
    for row, data in _json_values(file, problems):
        order, wrong = parse_order(data, file.name, row)
        for p in wrong:
            problems.add(p.file, p.row, p.column, p.value, p.message, p.hint)
        if order is None:
            continue
        first = rows.setdefault(order.order_id, row)
        if first != row:
            message = f"Order ({order.order_id}) is there twice, first as number ({first})."
            problems.add(file.name, row, "order_id", order.order_id, message, "remove one of them.")
        orders.append(order)
    return orders


def _json_values(file: Path, problems: Problems) -> Iterator[tuple[int, Any]]:
    """(number, value) of each order of a file; values that are no JSON are noted."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(file.name, 0, "", "", f"The file is not written in UTF-8 ({error.reason}).", "save it as UTF-8.")
        return
    texts = [line for line in text.split("\n") if line.strip()] if file.suffix == ".ndjson" else [text]
    for row, part in enumerate(texts, start=1):
        try:
            value = json.loads(part)
        except (ValueError, RecursionError) as error:
            hint = "the file was cut, or it is .ndjson." if file.suffix == ".json" else "each text line is one order."
            problems.add(file.name, row, "", part[:80], f"It is no JSON ({error}).", hint)
            continue
        if file.suffix == ".json" and isinstance(value, list):
            yield from enumerate(value, start=1)
        else:
            yield row, value


def check_orders(network: Network, orders: Sequence[Order]) -> list[Problem]:
    """
    What orders name that the network does not have: skus, nodes, services, the destination's postcode.

    Orders placed outside the days that calendars are compiled for by default are warned of: nothing can be promised.
    Each problem has the number of the order as its row, the field's path as its column and, where one is near, the id
    that was probably meant.
    """
    problems = Problems()
    skus, nodes, services = network.skus.index, network.node_index, network.service_index
    near = {"sku": Names(skus), "node": Names(nodes), "service": Names(services)}
    known: dict[str, Any] = {"sku": skus, "node": nodes, "service": services}
    for row, order in enumerate(orders, start=1):
        days = (order.placed_at - network.as_of).days
        if not -1 <= days < HORIZON_DAYS:
            message = f"Order ({order.order_id}) is placed ({days}) days after as_of, outside the network's calendar."
            hint = "the network is of another time: set its as_of."
            problems.warn("orders", row, "placed_at", order.placed_at.isoformat(), message, hint)
        for column, what, word in _named(order):
            if word not in known[what]:
                message = f"Order ({order.order_id}) names {what} ({word}), which network ({network.name}) lacks."
                problems.add("orders", row, column, word, message, partial(_hint, near[what], what, word))
        if order.pickup_node is not None and order.pickup_node in nodes:
            place = network.nodes[nodes[order.pickup_node]]
            if Offer.PICKUP not in place.offers:
                message = f"Order ({order.order_id}) is collected at node ({place.node_id}), which offers no pickup."
                problems.add("orders", row, "pickup_node", place.node_id, message, "add pickup to its offers.")
        if order.destination is not None:
            try:
                network.area_of(order.destination.country, order.destination.postcode)
            except InputError as error:
                message = f"Order ({order.order_id}): {error.message}"
                problems.add("orders", row, "destination.postcode", order.destination.postcode, message, error.hint)
    return problems.listed()


def _hint(names: Names, what: str, word: str) -> str:
    return names.hint(word) or f"check the id, or add it to {what}s.csv."


def _named(order: Order) -> Iterator[tuple[str, str, str]]:
    """(column, what it names, id) of every id in an order."""
    for i, line in enumerate(order.lines, start=1):
        yield f"lines[{i}].sku", "sku", line.sku
        if line.pin_node is not None:
            yield f"lines[{i}].pin_node", "node", line.pin_node
    if order.pickup_node is not None:
        yield "pickup_node", "node", order.pickup_node
    for column in ("nodes", "excluded_nodes", "services", "excluded_services"):
        for i, word in enumerate(getattr(order, column), start=1):
            yield f"{column}[{i}]", "node" if column.endswith("nodes") else "service", word

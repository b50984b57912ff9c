"""Orders as JSON objects with the field names of Order; every wrong field of an order is listed, not the first."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from engine.adapters.folder.cells import CellError, parse_instant
from engine.adapters.folder.problems import Names
from engine.domain.errors import InputError, Problem
from engine.domain.order import METHODS, Destination, Method, Order, OrderLine

Note = Callable[[str, Any, str, str], None]  # column, value, message, hint
_METHODS = tuple(str(method) for method in METHODS)
_BAD = object()


class OrdersError(InputError):
    """Orders with problems; carries all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = problems[0]
        super().__init__(
            f"{len(problems)} problem(s); the first: {first.file} row {first.row} column {first.column} "
            f"value ({first.value}): {first.message}",
            first.hint,
        )


def order_to_json(order: Order) -> dict[str, Any]:
    """The order as a JSON object; fields at their default are left out."""
    return _json(order)  # type: ignore[no-any-return]


def order_from_json(data: Any) -> Order:
    """
    Read an order from a JSON object as `order_to_json` makes it.

    Raises
    ------
    OrdersError
        With one problem per wrong field; ``column`` is its path, such as "lines[2].quantity".
    """
    order, problems = parse_order(data, "order", 1)
    if order is None:
        raise OrdersError(problems)
    return order


def parse_order(data: Any, file: str, row: int) -> tuple[Order | None, list[Problem]]:
    """The order, or None and what is wrong with it."""
    problems: list[Problem] = []

    def note(column: str, value: Any, message: str, hint: str = "") -> None:
        text = value if isinstance(value, str) else repr(value)
        problems.append(Problem(file=file, row=row, column=column, value=text[:80], message=message, hint=hint))

    order = _object(Order, _ORDER, data, "", note)
    return (None, problems) if problems else (order, [])


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (Order, OrderLine, Destination)):
        return {
            f.name: _json(getattr(value, f.name))
            for f in fields(value)
            if (f.default is MISSING and f.default_factory is MISSING) or getattr(value, f.name) != _default(f)
        }
    if isinstance(value, tuple):
        return [_json(part) for part in value]
    if isinstance(value, Mapping):
        return dict(value)
    return str(value) if isinstance(value, str) else value


def _default(f: Any) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def _object(cls: type, parsers: Mapping[str, Any], data: Any, path: str, note: Note) -> Any:
    """Read an object of a class; notes every field that is unknown, missing or wrong."""
    if not isinstance(data, Mapping):
        note(path, data, "It is no JSON object.", "write it in braces.")
        return _BAD
    dot = f"{path}." if path else ""
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in parsers:
            hint = Names(parsers).hint(str(name)) or f"one of {', '.join(parsers)}."
            note(f"{dot}{name}", value, f"Field ({name}) is unknown.", hint)
        elif value is not None:
            values[name] = parsers[name](value, f"{dot}{name}", note)
    for f in fields(cls):
        if f.name not in values and f.default is MISSING and f.default_factory is MISSING:
            note(f"{dot}{f.name}", None, f"Field ({f.name}) is missing.", Names(data).hint(f.name))
            values[f.name] = _BAD
    if any(value is _BAD for value in values.values()):
        return _BAD
    try:
        return cls(**values)
    except InputError as error:
        note(path, values.get("order_id", values.get("line_id", "")), error.message, error.hint)
        return _BAD


def _of(kind: type, what: str, hint: str) -> Callable[[Any, str, Note], Any]:
    def parse(value: Any, path: str, note: Note) -> Any:
        if type(value) is kind or (kind is float and type(value) is int):
            return value
        note(path, value, f"({value!r}) is no {what}.", hint)
        return _BAD

    return parse


def _instant(value: Any, path: str, note: Note) -> Any:
    try:
        return parse_instant(value if isinstance(value, str) else repr(value))
    except CellError as error:
        note(path, value, error.message, error.hint)
        return _BAD


def _method(value: Any, path: str, note: Note) -> Any:
    if value in _METHODS:
        return Method(value)
    note(path, value, f"({value}) is no method.", Names(_METHODS).hint(str(value)) or f"one of {', '.join(_METHODS)}.")
    return _BAD


def _list(parse: Callable[[Any, str, Note], Any]) -> Callable[[Any, str, Note], Any]:
    def parse_all(value: Any, path: str, note: Note) -> Any:
        if not isinstance(value, (list, tuple)):
            note(path, value, f"({value!r}) is no list.", "write it in brackets.")
            return _BAD
        parts = tuple(parse(part, f"{path}[{i}]", note) for i, part in enumerate(value, start=1))
        return _BAD if any(part is _BAD for part in parts) else parts

    return parse_all


def _attributes(value: Any, path: str, note: Note) -> Any:
    if isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values()):
        return MappingProxyType(dict(value))
    note(path, value, "Attributes are no object of texts.", "write numbers in quotation marks.")
    return _BAD


def _line(value: Any, path: str, note: Note) -> Any:
    return _object(OrderLine, _LINE, value, path, note)


def _destination(value: Any, path: str, note: Note) -> Any:
    return _object(Destination, _DESTINATION, value, path, note)


_TEXT = _of(str, "text", "write it in quotation marks.")
_WHOLE = _of(int, "whole number", "leave quotation marks and fractions out.")
_NUMBER = _of(float, "number", "leave quotation marks out.")
_FLAG = _of(bool, "flag", "write true or false.")
_IDS = _list(_TEXT)
_LINE = {"line_id": _TEXT, "sku": _TEXT, "quantity": _WHOLE, "pin_node": _TEXT}
_DESTINATION = {"country": _TEXT, "postcode": _TEXT, "lat": _NUMBER, "lon": _NUMBER, "residential": _FLAG}
_ORDER = {
    "order_id": _TEXT,
    "placed_at": _instant,
    "lines": _list(_line),
    "destination": _destination,
    "pickup_node": _TEXT,
    "channel": _TEXT,
    "methods": _list(_method),
    "excluded_methods": _list(_method),
    "nodes": _IDS,
    "excluded_nodes": _IDS,
    "services": _IDS,
    "excluded_services": _IDS,
    "deliver_by": _instant,
    "requested_by": _instant,
    "max_shipments": _WHOLE,
    "max_shipments_per_line": _WHOLE,
    "max_distance_m": _WHOLE,
    "keep_together": _list(_IDS),
    "partial": _FLAG,
    "signature": _FLAG,
    "attributes": _attributes,
}

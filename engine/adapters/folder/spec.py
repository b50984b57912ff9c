"""
What a table of the folder looks like, declared once: reader, checks, writer and FORMAT.md all follow it.

A column is named like the field of the row class it fills, and an empty cell means that field's default.
"""

from dataclasses import MISSING, dataclass, fields
from typing import Any

from engine.adapters.folder.cells import Kind

REQUIRED = object()  # as a default: there is none, the cell must say something
_UNITS = ("g", "cm3", "mm", "m", "s", "min", "cents", "ppm", "permille", "days", "units", "orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    One column.

    ``refers_to`` names the table (by its first column), or "groups" or "zone maps", whose ids the values must be;
    with ``wild`` also "*" and "group:NAME".
    """

    name: str
    kind: Kind
    default: Any
    meaning: str
    example: str
    trap: str
    unit: str
    refers_to: str
    wild: bool

    @property
    def required(self) -> bool:
        """Whether the column must be there and no cell of it may be empty."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A column before it knows its table; ``default`` is looked up in the row class unless stated."""

    name: str
    kind: Kind
    meaning: str
    example: str
    trap: str
    unit: str | None
    refers_to: str
    wild: bool
    default: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One file: what a row is, its columns, and the columns that together must not repeat (none: any row may)."""

    name: str
    about: str
    row: type | None
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(c for c in self.columns if c.name == name)


_FROM_ROW = object()


def col(
    name: str,
    kind: Kind,
    meaning: str,
    example: str = "",
    *,
    trap: str = "",
    unit: str | None = None,
    refers_to: str = "",
    wild: bool = False,
    default: Any = _FROM_ROW,
) -> Given:
    """Declare a column; see Column."""
    return Given(
        name=name,
        kind=kind,
        meaning=meaning,
        example=example,
        trap=trap,
        unit=unit,
        refers_to=refers_to,
        wild=wild,
        default=default,
    )


def table(
    name: str, row: type | None, about: str, *given: Given, key: tuple[str, ...] = (), required: bool = False
) -> Table:
    """Declare a table whose columns take their defaults from the fields of a row class."""
    defaults = {f.name: REQUIRED if f.default is MISSING else f.default for f in fields(row)} if row else {}
    columns = tuple(
        Column(
            name=g.name,
            kind=g.kind,
            default=defaults[g.name] if g.default is _FROM_ROW else g.default,
            meaning=g.meaning,
            example=g.example,
            trap=g.trap,
            unit=unit_of(g.name) if g.unit is None else g.unit,
            refers_to=g.refers_to,
            wild=g.wild,
        )
        for g in given
    )
    return Table(name=name, about=about, row=row, columns=columns, key=key, required=required)


def unit_of(name: str) -> str:
    """
    The unit that ends a column's name.

    >>> unit_of("labour_cents_per_hour"), unit_of("weight_max_g"), unit_of("lat")
    ('cents per hour', 'g', '')
    """
    words = name.split("_")
    at = next((i for i, word in enumerate(words) if word in _UNITS), len(words))
    unit = words[at:]
    return " ".join(unit[:1] if unit[-1:] in (["max"], ["min"]) else unit)

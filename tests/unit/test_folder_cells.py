"""How single cells are written: every notation that is accepted, and its plain form."""

import holidays
import pytest

from engine.adapters.folder import cells
from engine.adapters.folder.cells import CellError, Kind
from engine.network.model import Offer


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1111100", "1111100"),
        ("Mo-Fr", "1111100"),
        ("Mo-Sa", "1111110"),
        ("mo", "1000000"),
        ("Mo,We", "1010000"),
        ("Mo;We", "1010000"),
        ("Mo We Fr", "1010100"),
        ("Sa-Mo", "1000011"),
        ("Mo-Su", "1111111"),
        ("Mo-Tu,Th-Fr", "1101100"),
    ],
)
def test_weekdays_may_be_digits_days_or_ranges(text: str, value: str) -> None:
    assert cells.WEEKDAYS.parse(text) == value


def test_countries_are_those_whose_holidays_are_known() -> None:
    for country in holidays.list_supported_countries(include_aliases=False):
        assert cells.COUNTRY.parse(country) == country


@pytest.mark.parametrize("text", ["Mon", "11111000", "1-5", "2222222", "Mo-", "-", ",", "daily"])
def test_other_weekdays_are_refused(text: str) -> None:
    with pytest.raises(CellError):
        cells.WEEKDAYS.parse(text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (cells.TIME, "9:05", "09:05"),
        (cells.TIME, "23:59:59", "23:59:59"),
        (cells.FLAG, "TRUE", True),
        (cells.FLAG, "0", False),
        (cells.whole(), "5.0", 5),
        (cells.whole(), "+7", 7),
        (cells.whole(), "007", 7),
        (cells.number(-90, 90), ".5", 0.5),
        (cells.number(-90, 90), "-1e1", -10.0),
        (cells.PREFIX, "sw1a 1", "SW1A1"),
        (cells.many(cells.ID), "a; b ;;c", ("a", "b", "c")),
        (cells.many(cells.choice(Offer)), "none", ()),
        (cells.many(cells.choice(Offer)), "ship;same_day", (Offer.SHIP, Offer.SAME_DAY)),
        (cells.COUNTRY, "FR", "FR"),
        (cells.DAY_HOURS, "off", "off"),
        (cells.DAY_HOURS, "10:00-12:00,14:00-18:00", "10:00-12:00,14:00-18:00"),
    ],
)
def test_a_cell_is_read_as_its_plain_value(kind: Kind, text: str, value: object) -> None:
    assert kind.parse(text) == value
    assert kind.parse(kind.format(value) or "none") == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (cells.whole(), "1e3"),
        (cells.whole(), "1 000"),
        (cells.whole(), "\u0663"),
        (cells.TIME, "\u0660\u0669:30"),
        (cells.number(-90, 90), "inf"),
        (cells.number(-90, 90), "1_0"),
        (cells.TIME, "0:60"),
        (cells.TIME, "noon"),
        (cells.DATE, "20260331"),
        (cells.DATE, "2026-W14-2"),
        (cells.INSTANT, "2026-03-31"),
        (cells.INSTANT, "2026-03-31T25:00Z"),
        (cells.REGION, "us-ca"),
        (cells.COUNTRY, "fr"),
        (cells.COUNTRY, "XX"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(CellError):
        kind.parse(text)


def test_a_decimal_number_survives_being_written() -> None:
    kind = cells.number(-180, 180)
    for value in (0.1 + 0.2, 2.3522219, 1e-7, -179.99999999999997):
        assert kind.parse(kind.format(value)) == value

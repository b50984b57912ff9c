"""How single values are written in a cell: one Kind per way, each reads and writes it and says what it dislikes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # its stub forgets the error

from engine.adapters.folder.problems import Names
from engine.domain.errors import InputError
from engine.network.hours import parsed_hours

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


class CellError(ValueError):
    """A cell that cannot be read: what is wrong with it and what to try."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way to write values. ``parse`` takes text that is not empty; ``strips`` drops spaces around it first."""

    name: str
    written: str
    parse: Callable[[str], Any]
    format: Callable[[Any], str] = str
    strips: bool = True


def whole(low: int | None = 0, high: int = 1_000_000_000) -> Kind:
    """Whole numbers between two limits, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}(\.0*)?", text):
            raise CellError(f"({text}) is not a whole number.", _number_hint(text))
        value = int(text.split(".")[0])
        if low is not None and value < low:
            raise CellError(f"({text}) is below ({low}).", "a sign is wrong, or the cell should be empty.")
        if value > high:
            raise CellError(f"({text}) is above ({high}).", "the unit is another one, or the columns are shifted.")
        return value

    return Kind(name="whole number", written="digits, no separators; `5.0` counts as 5", parse=parse)


def _number_hint(text: str) -> str:
    if re.fullmatch(r"[+-]?[0-9]+[.,][0-9]+", text):
        return "it is in a larger unit; numbers here are whole: cents, grams, millimetres, metres, seconds."
    if re.fullmatch(r"[+-]?[0-9]{1,3}([., '_][0-9]{3})+", text):
        return "leave the thousands separators out."
    return ""


def number(low: float, high: float) -> Kind:
    """Decimal numbers between two limits, both included."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text):
            hint = "write a point, not a comma." if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text) else ""
            raise CellError(f"({text}) is not a number.", hint)
        value = float(text)
        if not low <= value <= high:
            raise CellError(f"({text}) is not within ({low:g}) to ({high:g}).", "lat and lon are swapped.")
        return value

    return Kind(name="number", written="decimal point, no separators", parse=parse, format=repr)


def _parse_text(text: str) -> str:
    return text


def _parse_id(text: str) -> str:
    if not text.isprintable():
        raise CellError(f"Id ({text!r}) has characters that cannot be seen.", "it was pasted from elsewhere.")
    return text


def _parse_flag(text: str) -> bool:
    known = {"1": True, "true": True, "0": False, "false": False}
    value = known.get(text.lower())
    if value is None:
        raise CellError(f"({text}) is neither 1, 0, true nor false.", "write 1 for yes and 0 for no.")
    return value


def choice(values: type[StrEnum] | tuple[str, ...]) -> Kind:
    """One of some words."""
    known: dict[str, str] = {str(v): v for v in values}
    words = ", ".join(known)

    def parse(text: str) -> str:
        if text not in known:
            raise CellError(f"({text}) is not one of {words}.", Names(tuple(known)).hint(text))
        return known[text]

    return Kind(name="choice", written=f"one of {words}", parse=parse)


def many(kind: Kind) -> Kind:
    """Any number of values of a kind, separated by semicolons."""

    def parse(text: str) -> tuple[Any, ...]:
        if text == "none":  # says "no value at all" where an empty cell stands for a default that has some
            return ()
        return tuple(kind.parse(part.strip()) for part in text.split(";") if part.strip())

    def write(values: tuple[Any, ...]) -> str:
        return ";".join(kind.format(value) for value in values)

    written = "" if kind.written == TEXT.written else f", each {kind.written}"
    return Kind(
        name=f"list of {kind.name}s", written=f'separated by ";"{written}; `none`: no value', parse=parse, format=write
    )


def _parse_date(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise CellError(f"({text}) is no date: {error}.") from None
    raise CellError(f"({text}) is no date.", "write year, month and day like 2026-03-31.")


def _format_date(day: date) -> str:
    return "" if day in (date.min, date.max) else day.isoformat()


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with a zone; raise CellError where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CellError(f"({text}) is no instant.", "write it like 2026-03-31T14:00:00+02:00.") from None
    if moment.tzinfo is None:
        raise CellError(f"({text}) has no time zone.", "add Z for UTC or an offset such as +01:00.")
    if not 1970 <= moment.year < 3000:
        raise CellError(f"({text}) is in the year ({moment.year}).", "the year has four digits, like 2026.")
    return moment


def _parse_time(text: str) -> str:
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(:([0-9]{2}))?", text)
    if not found:
        raise CellError(f"({text}) is no time of day.", "write it like 16:30.")
    hour, minute, second = int(found[1]), int(found[2]), int(found[4] or 0)
    if hour > 23 or minute > 59 or second > 59:
        hint = "write 23:59:59 for the end of the day." if hour == 24 else ""
        raise CellError(f"({text}) is no time of day.", hint)
    return text if len(found[1]) == 2 else f"0{text}"


def clock_s(text: str) -> int:
    """Seconds after midnight of a time of day as cells hold it.

    >>> clock_s("16:30") == clock_s("16:30:00") == 59_400
    True
    """
    return 3600 * int(text[:2]) + 60 * int(text[3:5]) + int(text[6:] or 0)


def _parse_weekdays(text: str) -> str:
    if re.fullmatch(r"[01]{7}", text):
        return text
    if re.fullmatch(r"[01]{1,6}", text):
        hint = "a spreadsheet dropped the leading zeros; write Tu-Fr or Sa;Su instead."
        raise CellError(f"Weekdays ({text}) have {len(text)} digits, not 7.", hint)
    on = [False] * 7
    for part in re.split(r"[;,\s]+", text.strip()):
        ends = [_day(word, text) for word in part.split("-", 1)]
        day = ends[0]
        on[day] = True
        while day != ends[-1]:
            day = (day + 1) % 7
            on[day] = True
    return "".join("1" if day else "0" for day in on)


def _day(word: str, text: str) -> int:
    if word.title() not in DAYS:
        raise CellError(f"Weekdays ({text}) are unreadable at ({word}).", "write 1111100, Mo-Fr or Mo;We.")
    return DAYS.index(word.title())


def _parse_hours(text: str) -> str:
    try:
        OpeningHours(text)
    except ParserError as error:
        found = re.search(r"-->\s*[0-9]+:([0-9]+)", str(error))
        expected = str(error).rpartition("= ")[2].strip()
        at = f"({text[int(found[1]) - 1 :][:20]}), character {found[1]}" if found else "its start"
        hint = "the notation is that of OpenStreetMap, like Mo-Sa 09:00-19:30; PH off."
        raise CellError(f"Hours ({text}) are unreadable at {at}: {expected}.", hint) from None
    try:
        parsed_hours(text)  # as calendars read them, which is a little less than the notation has
    except InputError as error:
        raise CellError(error.message, error.hint) from None
    return text


def _parse_day_hours(text: str) -> str:
    if text not in ("off", "closed") and not re.fullmatch(r"[0-9:,+\- ]+", text):
        raise CellError(f"Hours ({text}) of one date are no times.", "write off, or times such as 10:00-16:00.")
    return _parse_hours(text)


@cache
def _countries() -> frozenset[str]:
    from holidays.registry import EntityLoader  # its list_supported_countries would load every country's holidays

    return frozenset(EntityLoader.get_country_codes(include_aliases=False))


def _parse_country(text: str) -> str:
    if text not in _countries():
        hint = {"UK": "GB is meant.", "EL": "GR is meant."}.get(text.upper(), "")
        if not hint:
            hint = f"write {text.upper()}." if text.upper() in _countries() else "write two letters such as FR."
        raise CellError(f"({text}) is no ISO 3166-1 country code.", hint)
    return text


def _parse_region(text: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{1,3}", text):
        hint = "leave the country out: CA, not US-CA." if "-" in text else "write it like CA or ARA."
        raise CellError(f"({text}) is no ISO 3166-2 subdivision.", hint)
    return text


def _parse_tz(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        hint = Names(available_timezones()).hint(text) or "write it like Europe/Paris."
        raise CellError(f"({text}) is no time zone of the IANA database.", hint) from None
    return text


def _parse_prefix(text: str) -> str:
    return text.replace(" ", "").upper()


def _parse_class_rate(text: str) -> tuple[str, int]:
    name, equals, ppm = text.rpartition("=")
    if not equals or not name.strip():
        raise CellError(f"({text}) is no class with its rate.", "write it like shoes=30000.")
    return _parse_id(name.strip()), _RATE.parse(ppm.strip())


ID = Kind(name="id", written="any text; upper and lower case differ", parse=_parse_id)
TEXT = Kind(name="text", written="any text", parse=_parse_text, strips=False)
FLAG = Kind(name="flag", written="1, 0, true, false", parse=_parse_flag, format=lambda value: "1" if value else "0")
DATE = Kind(name="date", written="2026-03-31", parse=_parse_date, format=_format_date)
INSTANT = Kind(
    name="instant", written="ISO 8601 with a zone", parse=parse_instant, format=lambda value: str(value.isoformat())
)
TIME = Kind(name="time", written="local time of day, 16:30 or 16:30:00", parse=_parse_time)
WEEKDAYS = Kind(name="weekdays", written="1111100 (Monday first), Mo-Fr, Mo-Sa or Mo;We", parse=_parse_weekdays)
HOURS = Kind(name="hours", written="OpenStreetMap `opening_hours`", parse=_parse_hours)
DAY_HOURS = Kind(name="hours", written="`off` or times of the day, 10:00-12:00,14:00-18:00", parse=_parse_day_hours)
COUNTRY = Kind(name="country", written="ISO 3166-1 alpha-2", parse=_parse_country)
REGION = Kind(name="region", written="ISO 3166-2 without the country", parse=_parse_region)
TZ = Kind(name="tz", written="IANA time zone", parse=_parse_tz)
PREFIX = Kind(name="prefix", written="first characters of a postcode; spaces are dropped", parse=_parse_prefix)
_RATE = whole(0, 1_000_000)
CLASS_RATES = many(
    Kind(
        name="class and rate",
        written="`class=rate`",
        parse=_parse_class_rate,
        format=lambda value: f"{value[0]}={value[1]}",
    )
)

"""
Opening hours in OSM notation, as spans of local dates. No time zones here; engine/network/calendars.py adds them.

A date owns the hours from its midnight to the next, so spans are cut at midnight. "off" on a date closes that stretch
and no more: a night shift of the day before ends at midnight, as the notation has it.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

import opening_hours
from opening_hours import ParserError  # type: ignore[attr-defined]  # missing from its stubs

from engine.domain.errors import InputError
from engine.domain.units import DAY_S, EPOCH_DATE

Span = tuple[int, int, int]  # local day, start, end (seconds since its midnight)

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?|24:00(?::00)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_PH = re.compile(r"\bPH\b")
_PH_OFFSET = re.compile(r"\bPH\s*[+-]\s*\d+\s*day")
_RUN_MAX = 6  # holidays in a row read at once; a seventh weekday would leave none for the day after


def clock_s(text: str) -> int:
    """
    Seconds since local midnight of "HH:MM" or "HH:MM:SS"; "24:00" is the end of the day.

    >>> clock_s("09:30"), clock_s("24:00")
    (34200, 86400)
    """
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise InputError(f"Clock time ({text}) is not HH:MM or HH:MM:SS.", "write 09:30, not 9.30 or 9:30 AM.")
    if found[1] is None:
        return DAY_S
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def weekday(day: int) -> int:
    """Weekday of a day number, Monday 0."""
    return (day + 3) % 7


def parsed_hours(text: str) -> opening_hours.OpeningHours:
    """
    Read opening hours in OSM notation; "" is never open.

    Raises
    ------
    InputError
        Where the text is no OSM opening_hours value, or counts days from a public holiday ("PH -1 day").
    """
    if _PH_OFFSET.search(text):
        raise InputError(f"Hours ({text}) count days from a public holiday.", "give those dates as hours exceptions.")
    try:
        return opening_hours.OpeningHours(_tidy(text), auto_country=False, auto_timezone=False)
    except ParserError as error:
        hint = "write them as Mo-Fr 09:00-18:00; Sa 10:00-16:00; PH off."
        raise InputError(f"Hours ({text}) are not opening hours in OSM notation.", hint) from error


def dated_hours(day: date, hours: str) -> str:
    """
    The rule that gives one date other hours, to append to a node's rules.

    Raises InputError where the hours are neither times nor "off": weekdays have no place beside a date.
    """
    times = "00:00-24:00" if hours.strip() == "24/7" else hours.strip() or "off"
    rule = f"{day.year} {_MONTHS[day.month - 1]} {day.day:02d} {times}"
    if re.search(r"[;|]|\b(Mo|Tu|We|Th|Fr|Sa|Su|PH|SH)\b", times):
        raise InputError(f"Hours ({hours}) of {day} name more than times.", "write 10:00-16:00, or off.")
    parsed_hours(rule)
    return rule


def local_hours(
    text: str, exceptions: Iterable[tuple[date, str]], holiday_days: Iterable[int], first_day: int, num_days: int
) -> list[Span]:
    """
    Open spans of the dates [first_day, first_day + num_days), sorted and disjoint.

    ``exceptions`` replace the hours of their dates. "PH" matches the ``holiday_days`` given (day numbers), whatever
    calendar they come from. Spans that are "unknown" ("by appointment") are closed.
    """
    rules = "".join(f"; {dated_hours(day, hours)}" for day, hours in exceptions)
    last_day = first_day + num_days
    text = _tidy(text)
    by_day = _open_spans(text + rules, first_day, last_day)
    if _PH.search(text):
        # The parser has its own holidays, by country only. So on a run of holidays we let "PH" mean their weekdays and
        # read these dates, and the one after (hours may run past midnight), from that text instead.
        for run in _runs(d for d in holiday_days if first_day - 1 <= d < last_day):
            as_weekdays = _PH.sub(",".join(_WEEKDAYS[weekday(d)] for d in run), text)
            found = _open_spans(as_weekdays + rules, run[0], run[-1] + 2)
            by_day |= {d: found.get(d, []) for d in range(run[0], run[-1] + 2)}
    return [span for day in range(first_day, last_day) for span in by_day.get(day, ())]


def _tidy(text: str) -> str:
    """The parser takes neither an empty text nor a last semicolon."""
    return text.strip().rstrip("; ") or "off"


def _runs(days: Iterable[int]) -> Iterator[list[int]]:
    """Days in a row, at most _RUN_MAX at a time."""
    run: list[int] = []
    for day in sorted(days):
        if run and (day != run[-1] + 1 or len(run) == _RUN_MAX):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _open_spans(text: str, first_day: int, last_day: int) -> dict[int, list[Span]]:
    """Open spans by date of [first_day, last_day), without public holidays."""
    origin = datetime.combine(EPOCH_DATE, datetime.min.time())
    found = parsed_hours(text).intervals(origin + timedelta(days=first_day), origin + timedelta(days=last_day))
    out: dict[int, list[Span]] = {}
    for begin, finish, state, _ in found:
        if state != opening_hours.State.OPEN:
            continue
        start, end = ((t - origin) // timedelta(seconds=1) for t in (begin, finish))
        while start < end:
            day = start // DAY_S
            stop = min(end, (day + 1) * DAY_S)
            out.setdefault(day, []).append((day, start - day * DAY_S, stop - day * DAY_S))
            start = stop
    return out

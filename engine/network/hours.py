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
_RULES = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')  # semicolons outside quoted comments
_OPEN = opening_hours.State.OPEN
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
    by_day = _open_spans(text + rules, first_day - 1, last_day)
    if _PH.search(text):
        # The parser has its own holidays, by country only. So on a run of holidays we let "PH" mean their weekdays and
        # read these dates, and the one after (hours may run past midnight), from that text instead.
        for run in _runs(d for d in holiday_days if first_day - 1 <= d < last_day):
            as_weekdays = _PH.sub(",".join(_WEEKDAYS[weekday(d)] for d in run), text)
            found = _open_spans(as_weekdays + rules, run[0] - 1, run[-1] + 2)
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
    out: dict[int, list[Span]] = {}
    for begin, finish in _open_stretches(text, first_day, last_day):
        start = begin
        while start < finish:
            day = start // DAY_S
            stop = min(finish, (day + 1) * DAY_S)
            out.setdefault(day, []).append((day, start - day * DAY_S, stop - day * DAY_S))
            start = stop
    # The parser drops the hours after midnight of one rule ("Fr 18:00-02:00") where another one ("Sa 10:00-18:00")
    # opens the next date. We ask each rule alone how far its nights run, and give them back to such dates.
    cut = {
        (day * DAY_S + spans[-1][1]): day
        for day, spans in out.items()
        if spans[-1][2] == DAY_S and day + 1 in out and out[day + 1][0][1] > 0
    }
    for rule in _RULES.split(text) if cut else ():
        for begin, finish in _open_stretches(rule, first_day, last_day):
            day = cut.get(begin, last_day) + 1
            night = finish - day * DAY_S
            if 0 < night < DAY_S:
                first = out[day][0]
                out[day][:1] = [(day, 0, night), first] if night < first[1] else [(day, 0, max(night, first[2]))]
    return out


def _open_stretches(text: str, first_day: int, last_day: int) -> list[tuple[int, int]]:
    """Open stretches as seconds of local clock time since 1970-01-01."""
    origin = datetime.combine(EPOCH_DATE, datetime.min.time())
    found = parsed_hours(text).intervals(origin + timedelta(days=first_day), origin + timedelta(days=last_day))
    return [(_seconds(a - origin), _seconds(b - origin)) for a, b, state, _ in found if state == _OPEN]


def _seconds(span: timedelta) -> int:
    return span.days * DAY_S + span.seconds

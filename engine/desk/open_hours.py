"""When customers find a node open: now, until when, and in the next days, in its local time."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engine.desk.near_docs import OpenDoc
from engine.network.calendars import Interval
from engine.options.tools import Tools

DAYS = 7  # today's among them


class Hours(NamedTuple):
    """Opening hours as of a moment; ``turns_s`` are the next moments at which they read otherwise."""

    open_now: bool
    opens_at: datetime | None
    closes_at: datetime | None
    days: list[OpenDoc]
    turns_s: tuple[int | None, int]


def hours_of(tools: Tools, node: int, now_s: int) -> Hours:
    """
    The hours of a node as of a moment.

    Intervals of the calendar end at midnight; a night that goes on is one stretch here.
    """
    calendars = tools.calendars
    intervals = calendars.opening(node)
    tz = tools.network.nodes[node].tz
    zone = ZoneInfo(tz)
    today, _ = tools.dates.cell_at(node, now_s)
    turn_s, is_open = _turn(intervals, now_s)
    if turn_s == calendars.instant(tz, calendars.first_day + calendars.num_days, "00:00"):
        turn_s = None  # that is where our knowledge ends
    turn = None if turn_s is None else datetime.fromtimestamp(turn_s, zone)
    return Hours(
        open_now=is_open,
        opens_at=None if is_open else turn,
        closes_at=turn if is_open else None,
        days=_days(intervals, tz, today),
        turns_s=(turn_s, calendars.instant(tz, today + 1, "00:00")),
    )


@lru_cache(maxsize=4_096)
def _days(intervals: tuple[Interval, ...], tz: str, today: int) -> list[OpenDoc]:
    """The stretches of DAYS local dates; many stores have the same."""
    zone = ZoneInfo(tz)
    return [
        OpenDoc(opens_at=datetime.fromtimestamp(start, zone), closes_at=datetime.fromtimestamp(end, zone))
        for start, end in _stretches([interval for interval in intervals if today <= interval[2] < today + DAYS])
    ]


def _turn(intervals: Sequence[Interval], now_s: int) -> tuple[int | None, bool]:
    """When open becomes closed, or closed open, as far as is known; and whether it is open now."""
    at = bisect_right(intervals, now_s, key=lambda interval: interval[0]) - 1
    if at < 0 or intervals[at][1] <= now_s:
        return (intervals[at + 1][0] if at + 1 < len(intervals) else None), False
    while at + 1 < len(intervals) and intervals[at + 1][0] == intervals[at][1]:
        at += 1
    return intervals[at][1], True


def _stretches(intervals: Sequence[Interval]) -> list[tuple[int, int]]:
    """Intervals that follow on one another as one."""
    out: list[tuple[int, int]] = []
    for start, end, _ in intervals:
        if out and out[-1][1] == start:
            out[-1] = out[-1][0], end
        else:
            out.append((start, end))
    return out

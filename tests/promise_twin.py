"""
Promises once more, minute by minute, without the engine's calendars: slow and right (engine/MODEL.md section 3).

It walks over the minutes of the horizon in UTC and asks the wall clock what time it is, where the engine turns clock
times into instants. It knows hours as a table by weekday, holidays as a set of dates, and needs all its input in whole
minutes. It states the rules of clock changes by search: a local time is the first minute that shows it; if none does,
it is the local time one gap later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE_S = 60
Week = dict[int, tuple[tuple[int, int], ...]]  # weekday -> spans of minutes of the day


@lru_cache(maxsize=32)
def wall_minutes(tz: str, first: date, num_days: int) -> dict[int, tuple[date, int, int]]:
    """Each UTC minute of local dates [first, first + num_days): (local date, minute of the day, fold)."""
    zone = ZoneInfo(tz)
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) // MINUTE_S - 24 * 60
    out = {}
    for minute in range(start, start + (num_days + 2) * 24 * 60):
        local = datetime.fromtimestamp(minute * MINUTE_S, zone)
        if first <= local.date() < first + timedelta(days=num_days):
            out[minute] = (local.date(), local.hour * 60 + local.minute, local.fold)
    return out


@lru_cache(maxsize=4096)
def first_minute(tz: str, day: date, minute_of_day: int) -> int:
    """The UTC minute of a local time."""
    shown = wall_minutes(tz, day, 1)
    for minute, (_, at, _) in shown.items():
        if at == minute_of_day:
            return minute
    return first_minute(tz, day, minute_of_day + 60)


@dataclass
class TwinNode:
    """A node in the twin's own words."""

    tz: str
    week: Week
    holidays: frozenset[date] = frozenset()  # closed on these
    exceptions: dict[date, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    handling_order_min: int = 0
    handling_line_min: int = 0
    backlog_min: int = 0
    day_orders: int | None = None
    day_units: int | None = None
    hour_orders: int | None = None
    hour_units: int | None = None
    used_day: dict[date, tuple[int, int]] = field(default_factory=dict)
    used_hour: dict[tuple[date, int], tuple[int, int]] = field(default_factory=dict)
    own_limits: dict[tuple[date, int], tuple[int | None, int | None]] = field(default_factory=dict)  # hour -1: the day

    def opens(self, day: date, minute_of_day: int) -> bool:
        spans = self.exceptions.get(day)
        if spans is None:
            spans = () if day in self.holidays else self.week.get(day.weekday(), ())
        return any(start <= minute_of_day < end for start, end in spans)

    def has_room(self, day: date, hour: int, units: int) -> bool:
        if not self._fits(self.used_day.get(day, (0, 0)), units, (day, -1), (self.day_orders, self.day_units)):
            return False
        if self.hour_orders is None and self.hour_units is None:
            return True  # it counts nothing by the hour
        general = self.hour_orders, self.hour_units
        return self._fits(self.used_hour.get((day, hour), (0, 0)), units, (day, hour), general)

    def _fits(
        self, used: tuple[int, int], units: int, cell: tuple[date, int], general: tuple[int | None, int | None]
    ) -> bool:
        own = self.own_limits.get(cell, (None, None))
        for taken, more, limit, otherwise in zip(used, (1, units), own, general, strict=True):
            most = otherwise if limit is None else limit
            if most is not None and taken + more > most:
                return False
        return True


@dataclass
class TwinService:
    """A service in the twin's own words."""

    collections: tuple[tuple[frozenset[int], int, int], ...] = ()  # weekdays, cut-off, collect (minutes of the day)
    every_min: int = 0
    weekdays: frozenset[int] = frozenset(range(7))  # delivery
    transit_weekdays: frozenset[int] = frozenset(range(7))
    start: int = 0
    end: int = 24 * 60 - 1
    off_at_node: frozenset[date] = frozenset()
    off_at_target: frozenset[date] = frozenset()
    in_minutes: bool = False
    earliest: int = 1
    units: int = 1  # promised


@dataclass
class TwinLane:
    """A transfer in the twin's own words; clock times are minutes of the day."""

    weekdays: frozenset[int]
    cutoff: int
    depart: int
    transit_days: int
    arrive: int  # at the target
    receiving_min: int


@dataclass
class TwinPromise:
    """All in UTC minutes."""

    pick_start: int
    pick_end: int
    ship_by: int
    ship_day: date
    earliest: int
    latest: int


class Twin:
    """Promises from one node over one service; `place` is a node if the parcel goes to a pickup point."""

    def __init__(self, node: TwinNode, first: date, num_days: int, as_of_min: int) -> None:
        self.node = node
        self.first = first
        self.num_days = num_days
        self.as_of_min = as_of_min
        shown = wall_minutes(node.tz, first, num_days)
        self.working = {m: node.opens(day, at) for m, (day, at, _) in shown.items()}
        self.shown = shown

    def pick(self, release_min: int, lines: int, units: int) -> tuple[int, int] | None:
        minutes = sorted(self.working)
        queued, ready = self.node.backlog_min, None
        for minute in minutes:
            if queued == 0:
                ready = max(self.as_of_min, minute)
                break
            if minute >= self.as_of_min and self.working[minute]:
                queued -= 1
        if ready is None:
            return None
        if self.node.backlog_min == 0:
            ready = self.as_of_min
        start = None
        for minute in minutes:
            day, at, _ = self.shown[minute]
            if minute >= max(release_min, ready) and self.working[minute] and self.node.has_room(day, at // 60, units):
                start = minute
                break
        if start is None:
            return None
        left = self.node.handling_order_min + self.node.handling_line_min * lines
        if left == 0:
            return start, start
        for minute in minutes:
            if minute >= start and self.working[minute]:
                left -= 1
                if left == 0:
                    return start, minute + 1
        return None

    def handovers(self, service: TwinService) -> Iterator[tuple[int, int, date]]:
        """(collect, cut-off, ship day)."""
        if service.every_min:
            for minute, (day, at, fold) in self.shown.items():
                inside = self.working[minute] or self.working.get(minute - 1, False)
                on_time = at % service.every_min == 0 and service.start <= at <= service.end
                runs = day.weekday() in service.weekdays and day not in service.off_at_node
                if inside and on_time and not fold and runs:
                    yield minute, minute, day
            return
        for n in range(self.num_days):
            day = self.first + timedelta(days=n)
            for weekdays, cutoff, collect in service.collections:
                if day.weekday() in weekdays and day not in service.off_at_node:
                    yield first_minute(self.node.tz, day, collect), first_minute(self.node.tz, day, cutoff), day

    def promise(
        self, service: TwinService, target_tz: str, release_min: int, lines: int, units: int, place: TwinNode | None
    ) -> TwinPromise | None:
        found = self.pick(release_min, lines, units)
        if found is None:
            return None
        start, end = found
        reach = [h for h in self.handovers(service) if release_min <= h[1] and end <= h[0]]
        if not reach:
            return None
        collect, _, ship_day = min(reach)
        if service.in_minutes:
            earliest, latest = collect + service.earliest, collect + service.units
        else:
            first, last = (_arrival(service, ship_day, n) for n in (service.earliest, service.units))
            earliest = max(collect, first_minute(target_tz, first, service.start))
            latest = first_minute(target_tz, last, service.end)
        if place is not None:
            ready = self.first_open(place, latest)
            if ready is None:
                return None
            earliest = latest = ready
        return TwinPromise(start, end, collect, ship_day, earliest, latest)

    def transferred(
        self, lane: TwinLane, release_min: int, lines: int, units: int, place: TwinNode
    ) -> TwinPromise | None:
        """Ship to store."""
        found = self.pick(release_min, lines, units)
        if found is None:
            return None
        start, end = found
        for n in range(self.num_days):
            day = self.first + timedelta(days=n)
            depart = first_minute(self.node.tz, day, lane.depart)
            in_time = release_min <= first_minute(self.node.tz, day, lane.cutoff) and end <= depart
            if day.weekday() in lane.weekdays and in_time:
                arrival = first_minute(place.tz, day + timedelta(days=lane.transit_days), lane.arrive)
                ready = self.first_open(place, arrival + lane.receiving_min)
                return None if ready is None else TwinPromise(start, end, depart, day, ready, ready)
        return None

    def collected(self, release_min: int, lines: int, units: int, place: TwinNode) -> TwinPromise | None:
        """Click & collect; `place` has the opening hours of the node itself."""
        found = self.pick(release_min, lines, units)
        ready = found and self.first_open(place, found[1])
        if not found or ready is None:
            return None
        day = wall_minutes(self.node.tz, self.first, self.num_days)[ready][0]
        return TwinPromise(found[0], found[1], ready, day, ready, ready)

    def first_open(self, place: TwinNode, moment: int) -> int | None:
        shown = wall_minutes(place.tz, self.first, self.num_days)
        return next((m for m, (day, at, _) in shown.items() if m >= moment and place.opens(day, at)), None)


def _arrival(service: TwinService, day: date, transit_days: int) -> date:
    for _ in range(transit_days):
        day += timedelta(days=1)
        while day.weekday() not in service.transit_weekdays or day in service.off_at_target:
            day += timedelta(days=1)
    while day.weekday() not in service.weekdays or day in service.off_at_target:
        day += timedelta(days=1)
    return day

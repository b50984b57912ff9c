"""
When a shipment can be picked, handed over and delivered: engine/MODEL.md section 3, over cached lists of instants.

With r the release, q the end of the backlog, w the handling time:

    p           pick start: the first instant >= max(r, q) of working time whose day and hour have room
    e           pick end: the instant at which w of working time has passed since p
    hand-over   the first with r <= cut-off and e <= collect; home, places and lanes differ in what follows it
    release_by  the last r with that hand-over: min(cut-off, the last p with room from which e <= collect)

p and e never fall as r grows, so a later release can only move to a later hand-over: that is why one formula is enough.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.domain.plan import Promise, Refusal
from engine.domain.units import day_number, epoch_s, rounded, utc
from engine.network.calendars import Calendars
from engine.network.live import Live
from engine.network.model import Network
from engine.network.routes import Route, Target
from engine.promise.arrivals import Arrivals
from engine.promise.work import Pick, Segments, WorkTime

CERTAIN = Fraction(1000)
QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Hand-overs or departures as columns, by time of leaving."""

    leave_s: list[int]
    cutoff_s: list[int]
    then: list[int]  # ship day of a hand-over, arrival of a departure

    def first(self, release_s: int, ready_s: int) -> int:
        """The first one in reach; their number if there is none."""
        i = bisect_left(self.leave_s, ready_s)
        while i < len(self.cutoff_s) and self.cutoff_s[i] < release_s:
            i += 1
        return i


class Dates:
    """
    Promises of one network. Caches what depends on calendars alone; capacity is read from `Live` at each call.

    Refusals carry one of the codes never_open, no_capacity, no_collection, no_transit, no_lane, place_never_opens,
    beyond_horizon.
    """

    def __init__(self, network: Network, calendars: Calendars) -> None:
        self.network = network
        self.calendars = calendars
        self._as_of_s = epoch_s(network.as_of)
        self.arrivals = Arrivals(network, calendars)
        self._work: dict[int, WorkTime] = {}
        self._segments: dict[tuple[int, str], Segments] = {}
        self._schedules: dict[tuple[int, int, int], _Schedule] = {}
        self._openings: dict[int, tuple[list[int], list[int]]] = {}
        self._cells: dict[tuple[str, int], tuple[int, int]] = {}

    def promise(
        self,
        route: Route,
        target: Target,
        zone: int,
        *,
        release_s: int,
        num_lines: int,
        num_units: int,
        rejections_ppm: tuple[int, ...],
        confidence_permille: int,
        live: Live | None,
    ) -> Promise | Refusal:
        """
        Promise one shipment, or say why there is no promise.

        Parameters
        ----------
        route, target, zone
            The way, where it ends and the zone of its service (index into Network.zone_ids; -1 none, or no service).
        release_s
            Epoch second from which the pick may start: the order's, or that of the last inbound unit it needs.
        num_lines, num_units
            What is picked; handling time counts lines, capacity counts units.
        rejections_ppm
            How often the pick of each line fails, one number per line.
        confidence_permille
            Of the policy.
        live
            Used capacity; None where none is used.
        """
        pick = self._work_time(route.node).pick(release_s, num_lines, num_units, live)
        if isinstance(pick, Refusal):
            return pick
        if route.lane >= 0:
            return self._over_lane(route, pick, rejections_ppm)
        if route.service < 0:
            return self._collected(route, pick, rejections_ppm)
        transit = self.transit_units(route.service, zone, confidence_permille)
        if transit is None:
            name = self.network.services[route.service].service_id
            where = f"zone ({self.network.zone_ids[zone]})" if zone >= 0 else "this destination, which has no zone"
            return Refusal("no_transit", f"Service ({name}) has no transit times to {where}.")
        return self._carried(route, target, zone, pick, transit, rejections_ppm)

    def transit_units(self, service: int, zone: int, confidence_permille: int) -> tuple[int, Fraction] | None:
        """Promised transit days (or minutes), and the permille of parcels that arrive within them; None if unknown."""
        return self.arrivals.transit_units(service, zone, confidence_permille)

    def ship_day(self, route: Route, promise: Promise) -> int:
        """The local date (day number) of the hand-over at the node; of ready where the customer comes to the node."""
        if route.lane < 0 and route.service >= 0:
            schedule = self._schedule(route)
            return schedule.then[bisect_left(schedule.leave_s, epoch_s(promise.ship_by))]
        return self.pick_cell(route.node, promise.ship_by)[0]

    def pick_cell(self, node: int, pick_start: datetime) -> tuple[int, int]:
        """The capacity cell of a pick: local day number and clock hour at the node."""
        local = pick_start.astimezone(ZoneInfo(self.network.nodes[node].tz))
        return day_number(local.date()), local.hour

    def cell_at(self, node: int, at_s: int) -> tuple[int, int]:
        """Like `pick_cell`, from epoch seconds, for many: clocks are a whole number of quarters of an hour off UTC."""
        key = (self.network.nodes[node].tz, at_s // QUARTER_S)
        found = self._cells.get(key)
        if found is None:
            found = self._cells[key] = self.pick_cell(node, utc(at_s))
        return found

    def _work_time(self, node: int) -> WorkTime:
        found = self._work.get(node)
        if found is None:
            who, intervals = self.network.nodes[node], self.calendars.picking(node)
            # Equal calendars are one object that the calendars keep: its id names it.
            key = (id(intervals), who.tz)
            segments = self._segments.get(key)
            if segments is None:
                segments = self._segments[key] = Segments(intervals, who.tz)
            found = self._work[node] = WorkTime(node, who, segments, self._as_of_s)
        return found

    def _carried(
        self,
        route: Route,
        target: Target,
        zone: int,
        pick: Pick,
        transit: tuple[int, Fraction],
        rejections_ppm: tuple[int, ...],
    ) -> Promise | Refusal:
        """Parcels and couriers to the door, parcels to a pickup point."""
        schedule = self._schedule(route)
        j = schedule.first(pick.release_s, pick.end_s)
        if j == len(schedule.leave_s):
            return self._no_handover(route, schedule)
        units, share = transit
        window = self.arrivals.window(route.service, zone, target, schedule.leave_s[j], schedule.then[j], units)
        if window is None:
            return _beyond("The carrier would deliver after the horizon.")
        release_by = pick.latest_release(schedule.cutoff_s[j], schedule.leave_s[j])
        if route.place < 0:
            return _promise(pick, release_by, schedule.leave_s[j], *window, share, rejections_ppm)
        ready = self._first_open(route.place, window[1])
        if isinstance(ready, Refusal):
            return ready
        for k in range(j + 1, len(schedule.leave_s)):
            # Later hand-overs may be ready at the same opening: a Friday's and a Saturday's on Monday.
            later = self.arrivals.window(route.service, zone, target, schedule.leave_s[k], schedule.then[k], units)
            if later is None or self._first_open(route.place, later[1]) != ready:
                break
            release_by = max(release_by, pick.latest_release(schedule.cutoff_s[k], schedule.leave_s[k]))
        return _promise(pick, release_by, schedule.leave_s[j], ready, ready, share, rejections_ppm)

    def _over_lane(self, route: Route, pick: Pick, rejections_ppm: tuple[int, ...]) -> Promise | Refusal:
        """Ship to store."""
        schedule = self._schedule(route)
        j = schedule.first(pick.release_s, pick.end_s)
        if j == len(schedule.leave_s):
            lane = self.network.lanes[route.lane]
            text = f"The lane from ({lane.origin}) to ({lane.target})"
            return (
                _beyond(f"{text} is missed up to the horizon.") if j else Refusal("no_lane", f"{text} never departs.")
            )
        receiving_s = self.network.nodes[route.place].receiving_s
        ready = self._first_open(route.place, schedule.then[j] + receiving_s)
        if isinstance(ready, Refusal):
            return ready
        release_by = pick.latest_release(schedule.cutoff_s[j], schedule.leave_s[j])
        for k in range(j + 1, len(schedule.leave_s)):
            if self._first_open(route.place, schedule.then[k] + receiving_s) != ready:
                break
            release_by = max(release_by, pick.latest_release(schedule.cutoff_s[k], schedule.leave_s[k]))
        return _promise(pick, release_by, schedule.leave_s[j], ready, ready, CERTAIN, rejections_ppm)

    def _collected(self, route: Route, pick: Pick, rejections_ppm: tuple[int, ...]) -> Promise | Refusal:
        """Click & collect."""
        ready = self._first_open(route.place, pick.end_s)
        if isinstance(ready, Refusal):
            return ready
        return _promise(pick, pick.latest_release(ready, ready), ready, ready, ready, CERTAIN, rejections_ppm)

    def _schedule(self, route: Route) -> _Schedule:
        """Hand-overs of (node, service), or departures of the lane."""
        key = (route.node, route.service, route.lane)
        found = self._schedules.get(key)
        if found is None:
            if route.lane >= 0:
                rows: Sequence[tuple[int, int, int]] = self.calendars.departures(route.lane)
            else:
                rows = self.calendars.handovers(route.node, route.service)
            found = _Schedule([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
            self._schedules[key] = found
        return found

    def _no_handover(self, route: Route, schedule: _Schedule) -> Refusal:
        node = self.network.nodes[route.node].node_id
        service = self.network.services[route.service].service_id
        if not schedule.leave_s:
            return Refusal("no_collection", f"Service ({service}) does not collect at node ({node}).")
        return _beyond(f"Service ({service}) does not collect at node ({node}) between the pick and the horizon.")

    def _first_open(self, place: int, moment_s: int) -> int | Refusal:
        """The first instant from a given one on at which a place is open."""
        opening = self._openings.get(place)
        if opening is None:
            intervals = self.calendars.opening(place)
            opening = self._openings[place] = ([i[0] for i in intervals], [i[1] for i in intervals])
        starts, ends = opening
        name = self.network.nodes[place].node_id
        if not starts:
            return Refusal("place_never_opens", f"Place ({name}) is never open to customers.")
        i = bisect_left(ends, moment_s + 1)
        if i == len(starts):
            return _beyond(f"Place ({name}) does not open between the arrival and the horizon.")
        return max(moment_s, starts[i])


def _beyond(text: str) -> Refusal:
    return Refusal("beyond_horizon", text)


def _promise(
    pick: Pick,
    release_by: int,
    ship_by: int,
    earliest: int,
    latest: int,
    share: Fraction,
    rejections_ppm: tuple[int, ...],
) -> Promise:
    """A promise in UTC; `share` is the permille of parcels that arrive in time."""
    return Promise(
        release_by=utc(release_by),
        pick_start=utc(pick.start_s),
        pick_end=utc(pick.end_s),
        ship_by=utc(ship_by),
        deliver_earliest=utc(earliest),
        deliver_by=utc(latest),
        confidence=confidence_of(share, rejections_ppm),
    )


def confidence_of(share: Fraction, rejections_ppm: tuple[int, ...]) -> float:
    """How sure a promise is: the permille of parcels that arrive in time, where no pick fails, which each may."""
    return _confidence(share.numerator, share.denominator, rejections_ppm)


@lru_cache(maxsize=65_536)
def _confidence(kept: int, all_: int, rejections_ppm: tuple[int, ...]) -> float:
    all_ *= 1000
    for ppm in rejections_ppm:
        kept, all_ = kept * (1_000_000 - ppm), all_ * 1_000_000
    return rounded(kept * 10_000, all_) / 10_000

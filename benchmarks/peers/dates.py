"""
When the shipments of an order arrive, for all nodes at once: engine/MODEL.md section 3 over the plain calendars.

A pick is what dates depend on at a node: its release, number of lines and units. Sets of lines that agree in these
share one. `WorkTime` says when it ends; the hand-over is searched in the node's schedule for all picks together; the
delivery window of (service, zone, ship day) comes from `Arrivals`. Routes to a place are few: `Dates` promises them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.domain.plan import Refusal
from engine.domain.units import epoch_s
from engine.network.routes import Target
from engine.options.evaluate import Evaluator, Tools
from engine.options.ways import Way
from engine.promise.work import Segments, WorkTime

Ints = NDArray[np.int64]
NEVER = 1 << 50  # no date, no price


@dataclass(frozen=True, eq=False)
class Picks:
    """Picks of some nodes, each (num_picks,); without a promise at all where `end_s` is NEVER."""

    node: Ints
    release_s: Ints
    num_lines: Ints
    num_units: Ints
    end_s: Ints
    day: Ints  # of the pick's start at the node
    hour: Ints


@dataclass(frozen=True, eq=False)
class _Schedule:
    leave_s: Ints
    cutoff_s: Ints
    ship_day: Ints


class Clockwork:
    """What dates need of a network whatever the order: working time of nodes, hand-overs of (node, service)."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        network = tools.network
        self._as_of_s = epoch_s(network.as_of)
        self._work: dict[int, WorkTime] = {}
        self._segments: dict[tuple[int, str], Segments] = {}
        self._schedules: list[_Schedule] = []
        self._number: dict[int, int] = {}  # of a schedule, by the id of the hand-overs it was made from
        self._number_of = np.full((len(network.services), len(network.nodes)), -1, dtype=np.int64)

    def picks(self, evaluator: Evaluator, node: Ints, release_s: Ints, num_lines: Ints, num_units: Ints) -> Picks:
        """When picks end, each argument (num_picks,)."""
        end_s, day, hour = (np.full(len(node), NEVER, dtype=np.int64) for _ in range(3))
        asked = zip(node.tolist(), release_s.tolist(), num_lines.tolist(), num_units.tolist(), strict=True)
        for at, (k, release, lines, units) in enumerate(asked):
            work = self._work_of(k)
            pick = work.pick(release, lines, units, evaluator.live)
            if not isinstance(pick, Refusal):
                end_s[at], day[at], hour[at] = pick.end_s, work.days[pick.interval], work.hours[pick.interval]
        return Picks(node, release_s, num_lines, num_units, end_s, day, hour)

    def to_home(
        self, evaluator: Evaluator, service: int, target: Target, zones: Ints, picks: Picks
    ) -> tuple[Ints, Ints]:
        """
        Arrival and ship day of each pick with a service.

        Parameters
        ----------
        zones : (num_nodes,)
            Of the service by node; -1 where the order has no route with it.
        """
        deliver_s, ship_day = np.full((2, len(picks.node)), NEVER, dtype=np.int64)
        going = np.flatnonzero((zones[picks.node] >= 0) & (picks.end_s < NEVER))
        for k in np.unique(picks.node[going]):
            if self._number_of[service, k] < 0:
                self._number_of[service, k] = self._number_of_schedule(int(k), service)
        numbers = self._number_of[service, picks.node[going]]
        for number in np.unique(numbers):
            schedule, at = self._schedules[number], going[numbers == number]
            handover = _first(schedule, picks.release_s[at], picks.end_s[at])
            made = handover < len(schedule.leave_s)
            at, handover = at[made], handover[made]
            codes, which = np.unique(zones[picks.node[at]] * len(schedule.leave_s) + handover, return_inverse=True)
            ends = np.empty(len(codes), dtype=np.int64)
            for c, code in enumerate(codes):
                zone, j = divmod(int(code), len(schedule.leave_s))
                ends[c] = self._latest(evaluator, service, target, zone, schedule, j)
            deliver_s[at], ship_day[at] = ends[which], schedule.ship_day[handover]
        return deliver_s, ship_day

    def to_place(self, evaluator: Evaluator, way: Way, picks: Picks, at: int) -> tuple[int, int]:
        """Arrival and ship day of one pick over a route to a place; NEVER without a promise."""
        promise = self.tools.dates.promise(
            way.route,
            way.target,
            way.zone,
            release_s=int(picks.release_s[at]),
            num_lines=int(picks.num_lines[at]),
            num_units=int(picks.num_units[at]),
            rejections_ppm=(),
            confidence_permille=evaluator.policy.promise_confidence_permille,
            live=evaluator.live,
        )
        if isinstance(promise, Refusal):
            return NEVER, NEVER
        return epoch_s(promise.deliver_by), self.tools.dates.ship_day(way.route, promise)

    def _latest(
        self, evaluator: Evaluator, service: int, target: Target, zone: int, schedule: _Schedule, handover: int
    ) -> int:
        arrivals = self.tools.dates.arrivals
        transit = arrivals.transit_units(service, zone, evaluator.policy.promise_confidence_permille)
        if transit is None:
            return NEVER
        leave_s, ship_day = int(schedule.leave_s[handover]), int(schedule.ship_day[handover])
        window = arrivals.window(service, zone, target, leave_s, ship_day, transit[0])
        return window[1] if window is not None else NEVER

    def _work_of(self, k: int) -> WorkTime:
        if k not in self._work:
            who, intervals = self.tools.network.nodes[k], self.tools.calendars.picking(k)
            key = (id(intervals), who.tz)  # the calendars keep one object of equal intervals
            if key not in self._segments:
                self._segments[key] = Segments(intervals, who.tz)
            self._work[k] = WorkTime(k, who, self._segments[key], self._as_of_s)
        return self._work[k]

    def _number_of_schedule(self, k: int, service: int) -> int:
        rows = self.tools.calendars.handovers(k, service)
        if id(rows) not in self._number:
            self._number[id(rows)] = len(self._schedules)
            self._schedules.append(_Schedule(*np.array(rows, dtype=np.int64).reshape(-1, 3).T))
        return self._number[id(rows)]


def _first(schedule: _Schedule, release_s: Ints, end_s: Ints) -> Ints:
    """The first hand-over that each pick makes; their number where there is none."""
    found = np.searchsorted(schedule.leave_s, end_s)
    cutoff_s = np.append(schedule.cutoff_s, NEVER)
    while (missed := cutoff_s[found] < release_s).any():
        found = found + missed
    return found

"""Working time of one node with its backlog and capacity: when a pick starts and ends. engine/MODEL.md section 3."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.domain.plan import Refusal
from engine.network.calendars import Interval
from engine.network.cells import Limits, by_the_hour, day_limits, hour_limits
from engine.network.live import Live
from engine.network.model import Node


class Segments:
    """Picking intervals as columns, with the work done before each, in seconds. Nodes of one calendar share them."""

    def __init__(self, intervals: tuple[Interval, ...], tz: str) -> None:
        self.starts = [start for start, _, _ in intervals]
        self.ends = [end for _, end, _ in intervals]
        self.days = [day for _, _, day in intervals]
        self.done = [0]
        for start, end, _ in intervals:
            self.done.append(self.done[-1] + end - start)
        zone = ZoneInfo(tz)
        self.hours = [datetime.fromtimestamp(start, zone).hour for start in self.starts]


class WorkTime:
    """
    Working time of a node.

    Parameters
    ----------
    index, node
        The node and its position in the network.
    segments
        Its picking calendar, cut at clock hours where it has hourly capacity.
    as_of_s
        When its backlog is meant.
    """

    def __init__(self, index: int, node: Node, segments: Segments, as_of_s: int) -> None:
        self.index = index
        self.node = node
        self.starts, self.ends, self.done = segments.starts, segments.ends, segments.done
        self.days, self.hours = segments.days, segments.hours
        self.hourly = by_the_hour(node)
        self.limited = self.hourly or day_limits(node) != (None, None)
        # None: an endless backlog leaves no instant to start at.
        self.free_from_s = self.end(as_of_s, node.backlog_s)

    def pick(self, release_s: int, num_lines: int, num_units: int, live: Live | None) -> "Pick | Refusal":
        """When the pick of a shipment starts and ends."""
        node = self.node
        if not self.starts:
            return Refusal("never_open", f"Node ({node.node_id}) has no picking hours in the horizon.")
        if self.free_from_s is None:
            return Refusal("no_capacity", f"The backlog of node ({node.node_id}) fills the horizon.")
        earliest_s = max(release_s, self.free_from_s)
        i = bisect_right(self.ends, earliest_s)
        if i == len(self.starts):
            return Refusal("beyond_horizon", f"Node ({node.node_id}) could not start within the horizon.")
        while not self.has_room(i, num_units, live):
            i += 1
            if i == len(self.starts):
                text = f"Node ({node.node_id}) has no room for one more order of {num_units} units in the horizon."
                return Refusal("no_capacity", text)
        start_s = max(earliest_s, self.starts[i])
        work_s = node.handling_order_s + node.handling_line_s * num_lines
        end_s = self.end(start_s, work_s)
        if end_s is None:
            return Refusal("beyond_horizon", f"Node ({node.node_id}) could not finish within the horizon.")
        return Pick(self, i, start_s, end_s, release_s, work_s, num_units, live)

    def worked(self, moment_s: int) -> int:
        """Working time before an instant."""
        i = bisect_right(self.starts, moment_s) - 1
        return self.done[i] + min(moment_s, self.ends[i]) - self.starts[i] if i >= 0 else 0

    def end(self, start_s: int, work_s: int) -> int | None:
        """The first instant by which so much work is done since `start_s`; None beyond the horizon."""
        if work_s == 0:
            return start_s
        goal = self.worked(start_s) + work_s
        if goal > self.done[-1]:
            return None
        i = bisect_left(self.done, goal) - 1
        return self.starts[i] + goal - self.done[i]

    def has_room(self, i: int, units: int, live: Live | None) -> bool:
        """Whether one more order of so many units fits the day and hour of interval `i`."""
        if not (self.limited if live is None else live.limited[self.index]):
            return True
        day = self.days[i]
        used, limits = (0, 0), day_limits(self.node)
        if live is not None:
            used, limits = live.used_day(self.index, day), live.limits_of_day(self.index, day)
        if not _fits(used, units, limits):
            return False
        if not self.hourly:
            return True
        used, limits = (0, 0), hour_limits(self.node)
        if live is not None:
            hour = self.hours[i]
            used, limits = live.used_hour(self.index, day, hour), live.limits_of_hour(self.index, day, hour)
        return _fits(used, units, limits)

    def latest_start(self, i: int, by_s: int, work_s: int, units: int, live: Live | None) -> int:
        """
        The last whole second at which a pick may start so that it ends by `by_s`, in an interval that has room.

        One that starts in interval `i` must do so; the answer is in `i` or after it.
        """
        spare = self.worked(by_s) - work_s
        last = min(bisect_right(self.done, spare, hi=len(self.starts)), bisect_right(self.starts, by_s)) - 1
        while last > i and not self.has_room(last, units, live):
            last -= 1
        return min(self.ends[last] - 1, by_s, self.starts[last] + spare - self.done[last])


@dataclass(slots=True)
class Pick:
    """A pick that has found its time and room, and what it takes to move it."""

    work: WorkTime
    interval: int
    start_s: int
    end_s: int
    release_s: int
    work_s: int
    units: int
    live: Live | None

    def latest_release(self, cutoff_s: int, by_s: int) -> int:
        """The last release that meets a cut-off and ends its pick by an instant."""
        return min(cutoff_s, self.work.latest_start(self.interval, by_s, self.work_s, self.units, self.live))


def _fits(used: tuple[int, int], units: int, limits: Limits) -> bool:
    orders_max, units_max = limits
    return (orders_max is None or used[0] + 1 <= orders_max) and (units_max is None or used[1] + units <= units_max)

"""Working time of one node with its backlog and capacity: when a pick starts and ends. engine/MODEL.md section 3."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.domain.plan import Refusal
from engine.network.calendars import Interval
from engine.network.live import Live
from engine.network.model import Node

NO_LIMIT = 2**62


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
        self.hourly = node.capacity_hour_orders is not None or node.capacity_hour_units is not None
        self.day_limits = _limits(node.capacity_day_orders, node.capacity_day_units)
        self.hour_limits = _limits(node.capacity_hour_orders, node.capacity_hour_units)
        self.limited = self.hourly or self.day_limits != (NO_LIMIT, NO_LIMIT)
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
        if not self.limited:
            return True
        day = self.days[i]
        used_orders, used_units = live.used_day(self.index, day) if live is not None else (0, 0)
        max_orders, max_units = self.day_limits
        if used_orders + 1 > max_orders or used_units + units > max_units:
            return False
        if not self.hourly:
            return True
        used_orders, used_units = live.used_hour(self.index, day, self.hours[i]) if live is not None else (0, 0)
        max_orders, max_units = self.hour_limits
        return used_orders + 1 <= max_orders and used_units + units <= max_units

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


def _limits(orders: int | None, units: int | None) -> tuple[int, int]:
    return (NO_LIMIT if orders is None else orders, NO_LIMIT if units is None else units)

"""
Capacity of nodes in memory, cell by cell: what is booked of a day or an hour of a node, and the most that it takes.

    day        (num_nodes, num_days)                CELL   orders and units booked, and their limits
    hour       (num_hour_nodes, num_days, 24)       CELL   of nodes with hourly capacity only
    hour_node  (num_nodes,)                         int32  their row in `hour`, -1 none
    limited    (num_nodes,)                         int32  bits BY_ANY, BY_UNITS: some cell of the node has such a limit

A cell takes what the node's settings say, unless it has limits of its own; UNLIMITED stands for no limit. Days are
local day numbers. Own limits are kept for days beyond the window, too: they hold once the window has come to them.
"""

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import InputError
from engine.network.model import Network, Node
from engine.network.records import UNLIMITED

CELL = np.dtype([("orders", "i4"), ("units", "i4"), ("orders_max", "i4"), ("units_max", "i4")])
BY_ANY, BY_UNITS = 1, 2
WHOLE_DAY = -1
Cell = tuple[int, int, int]  # node, local day number, clock hour or WHOLE_DAY
Limits = tuple[int | None, int | None]  # orders and units; None: no limit, or none of its own


class Cells:
    """The cells of one network from a day on; nothing is booked at first."""

    network: Network

    def _lay(self, network: Network, first_day: int, num_days: int, own: dict[Cell, Limits]) -> None:
        """Make the cells, with the limits of the nodes and, where there are `own` ones by (node, day, hour), those."""
        self.network = network
        self.first_day = first_day
        self.num_days = num_days
        num_nodes = len(network.nodes)
        hourly = np.array([by_the_hour(node) for node in network.nodes], dtype=np.bool_)
        self.hour_node = np.full(num_nodes, -1, dtype=np.int32)
        self.hour_node[hourly] = np.arange(int(hourly.sum()), dtype=np.int32)
        self.day = np.zeros((num_nodes, num_days), dtype=CELL)
        self.hour = np.zeros((int(hourly.sum()), num_days, 24), dtype=CELL)
        self.day_orders, self.day_units = self.day["orders"], self.day["units"]
        self.hour_orders, self.hour_units = self.hour["orders"], self.hour["units"]
        days = np.array([_stored(day_limits(node)) for node in network.nodes], dtype=np.int64).reshape(-1, 2)
        hours = np.array([_stored(hour_limits(node)) for node in network.nodes], dtype=np.int64).reshape(-1, 2)
        for i, name in enumerate(("orders_max", "units_max")):
            self.day[name] = days[:, i, None]
            self.hour[name] = hours[hourly, i, None, None]
        bounded = np.where(hourly[:, None], np.minimum(days, hours), days) != UNLIMITED
        self.limited = (BY_ANY * bounded.any(axis=1) + BY_UNITS * bounded[:, 1]).astype(np.int32)
        self.own_limits = {at: limits for at, limits in own.items() if at[1] >= first_day}
        for at in self.own_limits:
            self._follow_limits(*at)

    def take_booked(self, other: "Cells") -> None:
        """What another booked, on the days and in the hours that both know; the nodes are the same."""
        shift = self.first_day - other.first_day
        kept = self.num_days - abs(shift)
        if kept <= 0:
            return
        theirs, mine = slice(max(0, shift), max(0, shift) + kept), slice(max(0, -shift), max(0, -shift) + kept)
        both = np.flatnonzero((self.hour_node >= 0) & (other.hour_node >= 0))
        for name in ("orders", "units"):
            self.day[name][:, mine] = other.day[name][:, theirs]
            self.hour[name][self.hour_node[both], mine] = other.hour[name][other.hour_node[both], theirs]

    def take_cells(self, other: "Cells") -> None:
        """All cells as another has them, of the same network and days: what is booked, and limits."""
        np.copyto(self.day, other.day)
        np.copyto(self.hour, other.hour)
        np.copyto(self.limited, other.limited)
        self.own_limits = other.own_limits.copy()

    def cell_at(self, node: int, day: int, hour: int) -> tuple[NDArray[np.void], tuple[int, ...]] | None:
        """Where the cell of a day, or of an hour of it, is; None where there is none."""
        d = day - self.first_day
        if not 0 <= d < self.num_days:
            return None
        if hour == WHOLE_DAY:
            return self.day, (node, d)
        h = int(self.hour_node[node])
        return None if h < 0 else (self.hour, (h, d, hour))

    def used_day(self, node: int, day: int) -> tuple[int, int]:
        """Orders and units already booked at a node on a local day number."""
        d = day - self.first_day
        return int(self.day_orders[node, d]), int(self.day_units[node, d])

    def used_hour(self, node: int, day: int, hour: int) -> tuple[int, int]:
        """Orders and units already booked at a node in a local clock hour; zeros without hourly capacity."""
        h = int(self.hour_node[node])
        if h < 0:
            return 0, 0
        d = day - self.first_day
        return int(self.hour_orders[h, d, hour]), int(self.hour_units[h, d, hour])

    def limits_of_day(self, node: int, day: int) -> Limits:
        """Orders and units that a node takes on a local day number."""
        return _told(self.day[node, day - self.first_day])

    def limits_of_hour(self, node: int, day: int, hour: int) -> Limits:
        """Likewise in a local clock hour; no limits without hourly capacity."""
        h = int(self.hour_node[node])
        return (None, None) if h < 0 else _told(self.hour[h, day - self.first_day, hour])

    def set_limits(self, node: int, day: int, hour: int, orders_max: int | None, units_max: int | None) -> None:
        """
        Give a cell limits of its own; None: as the node's. What is booked beyond a limit stays booked.

        Parameters
        ----------
        node
            Index.
        day, hour
            Local day number and clock hour, WHOLE_DAY for the day as a whole. Without hourly capacity of the node the
            limits of an hour have no effect.
        """
        for name, value in (("orders_max", orders_max), ("units_max", units_max)):
            if value is not None and not 0 <= value <= UNLIMITED:
                raise InputError(
                    f"{name} ({value}) of node ({self.network.nodes[node].node_id}) is not within 0 and {UNLIMITED}.",
                    "leave it out for the node's own limit.",
                )
        if orders_max is None and units_max is None:
            self.own_limits.pop((node, day, hour), None)
        elif day >= self.first_day:
            self.own_limits[node, day, hour] = orders_max, units_max
        self._follow_limits(node, day, hour)

    def _follow_limits(self, node: int, day: int, hour: int) -> None:
        place = self.cell_at(node, day, hour)
        if place is None:
            return
        table, index = place
        here = self.network.nodes[node]
        general = day_limits(here) if hour == WHOLE_DAY else hour_limits(here)
        own = self.own_limits.get((node, day, hour), (None, None))
        limits = _stored((general[0] if own[0] is None else own[0], general[1] if own[1] is None else own[1]))
        table["orders_max"][index], table["units_max"][index] = limits
        self.follow_flags(node)

    def follow_flags(self, node: int) -> None:
        """Bring `limited` up to the limits of a node's cells."""
        h = int(self.hour_node[node])
        cells = [self.day[node]] if h < 0 else [self.day[node], self.hour[h]]
        orders, units = (any(bool((c[name] != UNLIMITED).any()) for c in cells) for name in ("orders_max", "units_max"))
        self.limited[node] = BY_ANY * (orders or units) + BY_UNITS * units


def day_limits(node: Node) -> Limits:
    """What a node takes on a day that has no limits of its own."""
    return node.capacity_day_orders, node.capacity_day_units


def hour_limits(node: Node) -> Limits:
    """Likewise in an hour."""
    return node.capacity_hour_orders, node.capacity_hour_units


def by_the_hour(node: Node) -> bool:
    """Whether a node has hourly capacity."""
    return hour_limits(node) != (None, None)


def _stored(limits: Limits) -> tuple[int, int]:
    orders, units = (UNLIMITED if limit is None else min(limit, UNLIMITED) for limit in limits)
    return orders, units


def _told(cell: np.void) -> Limits:
    orders, units = (None if cell[name] == UNLIMITED else int(cell[name]) for name in ("orders_max", "units_max"))
    return orders, units

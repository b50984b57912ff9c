"""What rules know of the nodes of a network, whatever the order: columns with a row for each node."""

from collections import Counter
from functools import cached_property

import numpy as np

from engine.domain.errors import InputError
from engine.network.model import Network, Node, Offer, ServiceKind
from engine.network.routes import Target
from engine.options.tools import Tools
from engine.options.ways import SHIP_METHODS
from scenarios.baselines.rule import Rule
from scenarios.baselines.view import I64, UNKNOWN, Flags


class NodeFacts:
    """The columns of one network."""

    def __init__(self, network: Network, tools: Tools) -> None:
        nodes = network.nodes
        parcels = tools.services_of_kind[ServiceKind.PARCEL]
        self.network = network
        self.tools = tools
        self.ships: Flags = np.array(
            [
                Offer.SHIP in node.offers
                and node.kind in SHIP_METHODS
                and any((k, service) in tools.collected for service in parcels)
                for k, node in enumerate(nodes)
            ]
        )
        self.pickup: Flags = np.array([Offer.PICKUP in node.offers for node in nodes])
        self.located: Flags = np.array([_located(node.lat, node.lon) for node in nodes])
        self.priority: I64 = np.array([node.priority for node in nodes], dtype=np.int64)
        self.default = int(np.argmin(np.where(self.ships, self.priority, np.iinfo(np.int64).max)))
        self.regions = np.array([f"{node.country} {node.region}" for node in nodes])
        self.tz = Counter(node.tz for node in nodes).most_common(1)[0][0]

    @cached_property
    def orders_max(self) -> I64:
        """Orders a day; where only hours have a limit, that of all hours of the longest day."""
        limits = [self._limit(k, node) for k, node in enumerate(self.network.nodes)]
        return np.array(limits, dtype=np.int64)

    def _limit(self, k: int, node: Node) -> int:
        hourly = UNKNOWN
        if node.capacity_hour_orders is not None:
            hours = Counter(day for _, _, day in self.tools.calendars.picking(k))
            hourly = node.capacity_hour_orders * max(hours.values(), default=0)
        known = [limit for limit in (node.capacity_day_orders, hourly) if limit is not None and limit != UNKNOWN]
        return min(known, default=UNKNOWN)

    def require(self, rule: Rule) -> None:
        """
        Ask for what a rule sorts by.

        Raises
        ------
        InputError
            Where no node that ships has coordinates, or a priority that tells it from the others.
        """
        name = self.network.name
        if rule.needs_distance and not self.located[self.ships].any():
            raise InputError(
                f"Rule ({rule.name}) goes by distance, but no node of network ({name}) has coordinates "
                "(lat, lon 0, 0).",
                "fill lat and lon in nodes.csv, or take rule priority, which needs none.",
            )
        priorities = self.priority[self.ships]
        if rule.needs_priority and len(priorities) > 1 and len(set(priorities.tolist())) == 1:
            raise InputError(
                f"Rule ({rule.name}) goes by priority, but all nodes of network ({name}) have the same "
                f"({priorities[0]}).",
                "fill priority in nodes.csv, 0 for the best, or take rule nearest.",
            )

    def require_destination(self, rule: Rule, order_id: str, target: Target) -> None:
        """Raises InputError where a rule needs to know how far it is to a place that has no coordinates."""
        if rule.needs_distance and not _located(target.lat, target.lon):
            raise InputError(
                f"Rule ({rule.name}) goes by distance, but the destination of order ({order_id}), postcode "
                f"({target.postcode}), has no coordinates (lat, lon 0, 0).",
                "give the order's lat and lon, or those of its postcode in postcodes.csv.",
            )


def _located(lat: float, lon: float) -> bool:
    """A place in the sea off Africa is an address that was not found."""
    return bool(np.isfinite(lat) and np.isfinite(lon)) and (lat, lon) != (0.0, 0.0)

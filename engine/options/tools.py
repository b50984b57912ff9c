"""What evaluating an order needs of a network and never changes with the order; built once per network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.costs.parcels import RateCards
from engine.domain.ids import NodeId, SkuId
from engine.domain.order import Destination
from engine.domain.units import day_number
from engine.network.calendars import Calendars
from engine.network.live import HORIZON_DAYS
from engine.network.model import Network, NodeKind, Offer, ServiceKind, Sku
from engine.network.routes import Target, target_of, target_of_place
from engine.network.rows import Sites, find_within, sites
from engine.network.zones import ZoneFinder
from engine.promise.dates import Dates

_K = TypeVar("_K")
_V = TypeVar("_V")
KEPT_MAX = 50_000  # answers of one kind; then they are all forgotten, since customers' own coordinates never repeat


@dataclass(frozen=True, eq=False)
class Tools:
    """Dates, zones and rate cards of one network, and what routes exist in it at all."""

    network: Network
    calendars: Calendars
    dates: Dates
    zones: ZoneFinder
    cards: RateCards

    @staticmethod
    def of(network: Network, horizon_days: int = HORIZON_DAYS) -> "Tools":
        """Compile the tools of a network; `horizon_days` is that of its `Live`."""
        calendars = Calendars(network, day_number(network.as_of.date()) - 1, horizon_days)
        return Tools(network, calendars, Dates(network, calendars), ZoneFinder(network), RateCards(network))

    @cached_property
    def collected(self) -> frozenset[tuple[int, int]]:
        """(node, service) pairs with a collection."""
        network = self.network
        return frozenset(
            (network.node_index[row.node_id], network.service_index[row.service_id]) for row in network.collections
        )

    @cached_property
    def services_of_kind(self) -> dict[ServiceKind, tuple[int, ...]]:
        """Services of each kind, ascending."""
        return {
            kind: tuple(i for i, service in enumerate(self.network.services) if service.kind == kind)
            for kind in ServiceKind
        }

    @cached_property
    def lanes_between(self) -> dict[tuple[NodeId, NodeId], tuple[int, ...]]:
        """Lanes by (origin, target)."""
        out: dict[tuple[NodeId, NodeId], tuple[int, ...]] = {}
        for i, lane in enumerate(self.network.lanes):
            key = (lane.origin, lane.target)
            out[key] = (*out.get(key, ()), i)
        return out

    @cached_property
    def pickups(self) -> NDArray[np.int64]:
        """Nodes that offer pickup, ascending."""
        return np.array([i for i, node in enumerate(self.network.nodes) if Offer.PICKUP in node.offers], dtype=np.int64)

    @cached_property
    def _pickup_sites(self) -> Sites:
        """Where they are."""
        nodes = [self.network.nodes[i] for i in self.pickups]
        return sites(np.array([node.lat for node in nodes]), np.array([node.lon for node in nodes]))

    def _within(self, lat: float, lon: float, within_m: int) -> NDArray[np.int64]:
        """Metres and place in `pickups` of those no farther than that, in no order; in room of their own."""
        found = np.empty((len(self.pickups), 2), dtype=np.int64)
        return found[: find_within(self._pickup_sites, lat, lon, within_m, found)]

    def places_within(self, lat: float, lon: float, within_m: int) -> NDArray[np.int64]:
        """Nodes that offer pickup, open or not, no farther than that: (n, 2) metres and node, the nearest first."""
        found = self._within(lat, lon, within_m)
        found[:, 1] = self.pickups[found[:, 1]]
        return found[np.lexsort((found[:, 1], found[:, 0]))]

    def nearest_places(self, lat: float, lon: float, *, within_m: int, num_max: int) -> tuple[int, ...]:
        """
        The nearest nodes that offer pickup and open at all in the horizon, by (distance, node).

        Answers are kept: customers live at few postcodes.
        """
        if num_max == 0 or len(self.pickups) == 0:
            return ()
        key = (lat, lon, within_m, num_max)
        found = self._nearest.get(key)
        if found is None:
            _make_room(self._nearest)
            found = self._nearest[key] = self._find_nearest(lat, lon, within_m, num_max)
        return found

    def _find_nearest(self, lat: float, lon: float, within_m: int, num_max: int) -> tuple[int, ...]:
        out: list[int] = []
        for _, at in sorted(self._within(lat, lon, within_m).tolist()):  # few: quicker than arrays
            place = int(self.pickups[at])
            if self.calendars.opening(place):
                out.append(place)
                if len(out) == num_max:
                    break
        return tuple(out)

    @cached_property
    def _nearest(self) -> dict[tuple[float, float, int, int], tuple[int, ...]]:
        return {}

    @cached_property
    def _homes(self) -> dict[Destination, Target]:
        return {}

    def home_target(self, destination: Destination) -> Target:
        """The target of parcels to a customer; see `target_of`."""
        target = self._homes.get(destination)
        if target is None:
            _make_room(self._homes)
            target = self._homes[destination] = target_of(self.network, destination)
        return target

    @cached_property
    def _targets(self) -> dict[int, Target]:
        return {}

    def place_target(self, place: int) -> Target:
        """The target of parcels to a place."""
        target = self._targets.get(place)
        if target is None:
            target = self._targets[place] = target_of_place(self.network, place)
        return target

    @cached_property
    def _skus(self) -> dict[int, Sku]:
        return {}

    def sku(self, index: int) -> Sku:
        """One sku as an object."""
        sku = self._skus.get(index)
        if sku is None:
            sku = self._skus[index] = self.network.skus.row(index)
        return sku

    @cached_property
    def areas_by_prefix(self) -> list[tuple[str, str, int]]:
        """Country, prefix and index of each area, ascending, to find all whose prefixes begin alike."""
        return sorted((area.country, area.prefix, i) for i, area in enumerate(self.network.areas))

    @cached_property
    def _area_points(self) -> NDArray[np.float64]:
        """(3, num_areas) where areas are: points on a ball of radius 1."""
        lat, lon = np.radians([(area.lat, area.lon) for area in self.network.areas]).reshape(-1, 2).T
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    def nearest_area(self, among: Sequence[int], lat: float, lon: float) -> int:
        """Of some areas, at least one, the nearest; the first of those that are as near."""
        phi, lam = np.radians([lat, lon])
        point = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
        return int(among[int(np.argmax(point @ self._area_points[:, among]))])

    def is_point(self, node: int) -> bool:
        """Whether a node is a carrier's pickup point."""
        return self.network.nodes[node].kind == NodeKind.PICKUP_POINT

    @cached_property
    def _sku_by_folded(self) -> dict[str, SkuId]:
        return {sku.casefold(): sku for sku in self.network.skus.ids}

    def sku_like(self, name: str) -> SkuId | None:
        """The known sku that differs from `name` in case only."""
        return self._sku_by_folded.get(name.casefold())


def _make_room(kept: dict[_K, _V]) -> None:
    if len(kept) >= KEPT_MAX:
        kept.clear()

"""Routes (ways from a node to the customer), targets (where they end) and distances. See engine/MODEL.md section 1."""

import math
from dataclasses import dataclass

from engine.domain.order import Destination, Method
from engine.network.model import Network

EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Route:
    """One way to serve lines. Indices point into Network.nodes, .services and .lanes; -1 means none."""

    method: Method
    node: int
    service: int = -1
    lane: int = -1
    place: int = -1  # index of the pickup place, -1 for home


@dataclass(frozen=True, slots=True)
class Target:
    """Where a parcel goes: everything that zones, calendars and surcharges ask about it."""

    country: str
    postcode: str
    region: str
    tz: str
    lat: float
    lon: float
    residential: bool
    remote: bool
    area: int  # index of its area, -1 where its postcode is unknown (places only)


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> int:
    """
    Great-circle distance in whole metres (haversine, mean Earth radius 6,371,008.8 m).

    >>> distance_m(48.8566, 2.3522, 45.764, 4.8357)
    391499
    """
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_phi = math.sin((phi_b - phi_a) / 2.0)
    half_lambda = math.sin(math.radians(lon_b - lon_a) / 2.0)
    h = half_phi * half_phi + math.cos(phi_a) * math.cos(phi_b) * half_lambda * half_lambda
    return int(2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h))) + 0.5)


def target_of(network: Network, destination: Destination) -> Target:
    """
    The home target of an order.

    Raises InputError where the postcode is unknown.
    """
    area = network.area_of(destination.country, destination.postcode)
    given = destination.lat is not None and destination.lon is not None
    return Target(
        country=destination.country,
        postcode=destination.postcode.replace(" ", "").upper(),
        region=area.region,
        tz=area.tz,
        lat=destination.lat if given and destination.lat is not None else area.lat,
        lon=destination.lon if given and destination.lon is not None else area.lon,
        residential=destination.residential,
        remote=area.remote,
        area=network.area_index[(area.country, area.prefix)],
    )


def target_of_place(network: Network, place: int) -> Target:
    """The target of a parcel to a pickup place."""
    node = network.nodes[place]
    compact = node.postcode.replace(" ", "").upper()
    area = next(
        (
            found
            for length in range(len(compact), 0, -1)
            if (found := network.area_index.get((node.country, compact[:length]))) is not None
        ),
        -1,
    )
    return Target(
        country=node.country,
        postcode=compact,
        region=node.region,
        tz=node.tz,
        lat=node.lat,
        lon=node.lon,
        residential=False,
        remote=area >= 0 and network.areas[area].remote,
        area=area,
    )

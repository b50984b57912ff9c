"""
Orders made from a seed: when they come, where they go and what customers ask for.

Arrivals are a non-homogeneous Poisson process given its number of points: independent draws from the intensity (by
hour of the local day and weekday), sorted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from engine.adapters.imports.synthetic import Basket
from engine.domain.errors import InputError
from engine.domain.ids import LineId, NodeId, OrderId
from engine.domain.order import Destination, Method, Order, OrderLine
from engine.network.model import Network, NodeKind, Offer
from engine.network.routes import EARTH_RADIUS_M

# Orders per hour of the local day, relative: little at night, a bump at noon, the peak in the evening.
HOURLY = (3, 2, 1, 1, 1, 2, 3, 5, 7, 8, 9, 9, 10, 9, 8, 8, 8, 9, 10, 12, 14, 13, 9, 5)
WEEKDAY = (10, 10, 10, 10, 9, 8, 11)  # Monday first

AWAY = (Method.CLICK_AND_COLLECT, Method.SHIP_TO_STORE, Method.PICKUP_POINT)  # what "to my door" rules out


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What customers ask for, each as a share of the orders."""

    pickup: float = 0.15  # names the nearest store
    door: float = 0.45  # home only; the rest leaves the method open
    requested: float = 0.08  # asks for a date, softly
    hard: float = 0.07  # needs it by a date
    together: float = 0.05  # keeps all lines of the order together
    bulk: float = 0.02  # wants ten times as much of its first line
    partial: float = 0.03
    signature: float = 0.03
    business: float = 0.10  # delivered to an address that is not residential


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A place that orders come from."""

    country: str
    postcode: str
    lat: float
    lon: float
    tz: str


def arrivals(rng: np.random.Generator, count: int, start: datetime, num_days: int, tz: str) -> list[datetime]:
    """So many moments, to the second and sorted, in the days from ``start`` on."""
    if count < 0 or num_days < 1:
        raise InputError(f"Number of orders ({count}) over ({num_days}) days is not possible.", "1000 over 3 days.")
    zone = ZoneInfo(tz)
    hours = [start + timedelta(hours=h) for h in range(24 * num_days)]
    local = [moment.astimezone(zone) for moment in hours]
    intensity = np.array([HOURLY[m.hour] * WEEKDAY[m.weekday()] for m in local], dtype=np.float64)
    chosen = rng.choice(len(hours), size=count, p=intensity / intensity.sum())
    seconds = np.sort(chosen * 3600 + rng.integers(0, 3600, count))
    return [start + timedelta(seconds=int(s)) for s in seconds]


def make_orders(
    network: Network,
    rng: np.random.Generator,
    *,
    baskets: Sequence[Basket],
    homes: Sequence[Home],
    moments: Sequence[datetime],
    mix: Mix,
) -> list[Order]:
    """
    One order per moment, from the basket and the home of the same position.

    An order that collects names the store nearest to its home and has no destination.
    """
    stores = [
        i
        for i, n in enumerate(network.nodes)
        if n.kind == NodeKind.STORE and Offer.PICKUP in n.offers and n.opening_hours
    ]
    lat = np.radians([network.nodes[i].lat for i in stores])
    lon = np.radians([network.nodes[i].lon for i in stores])
    out: list[Order] = []
    for number, (basket, home, moment) in enumerate(zip(baskets, homes, moments, strict=True), start=1):
        chance = rng.random(9)
        collects = bool(stores) and chance[0] < mix.pickup
        bulk = chance[5] < mix.bulk
        lines = tuple(
            OrderLine(line_id=LineId(str(k)), sku=sku, quantity=quantity * (10 if bulk and k == 1 else 1))
            for k, (sku, quantity) in enumerate(basket, start=1)
        )
        place: NodeId | None = None
        if collects:
            near = int(np.argmin(_haversine_m(lat, lon, home.lat, home.lon)))
            place = network.nodes[stores[near]].node_id
        wish = rng.integers(1, 5)
        requested = chance[2] < mix.requested
        hard = not requested and chance[2] < mix.requested + mix.hard
        out.append(
            Order(
                order_id=OrderId(f"o{number:05d}"),
                placed_at=moment,
                lines=lines,
                destination=None
                if collects
                else Destination(
                    country=home.country,
                    postcode=home.postcode,
                    lat=home.lat,
                    lon=home.lon,
                    residential=bool(chance[8] >= mix.business),
                ),
                pickup_node=place,
                channel="store" if collects else "web",
                excluded_methods=AWAY if not collects and chance[1] < mix.door / (1.0 - mix.pickup) else (),
                requested_by=_evening(moment, home.tz, int(wish)) if requested else None,
                deliver_by=_evening(moment, home.tz, int(wish) + 2) if hard else None,
                keep_together=(tuple(line.line_id for line in lines),)
                if len(lines) > 1 and chance[4] < mix.together
                else (),
                partial=bool(chance[6] < mix.partial),
                signature=bool(not collects and chance[7] < mix.signature),
            )
        )
    return out


def _evening(moment: datetime, tz: str, days: int) -> datetime:
    """20:00 local time, so many days later."""
    local = moment.astimezone(ZoneInfo(tz))
    return (local + timedelta(days=days)).replace(hour=20, minute=0, second=0, microsecond=0)


def _haversine_m(lat: np.ndarray, lon: np.ndarray, to_lat: float, to_lon: float) -> np.ndarray:
    """Distances in m from points (radians) to one point (degrees)."""
    phi, lam = np.radians(to_lat), np.radians(to_lon)
    h = np.sin((lat - phi) / 2.0) ** 2 + np.cos(lat) * np.cos(phi) * np.sin((lon - lam) / 2.0) ** 2
    return np.asarray(2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(h)))

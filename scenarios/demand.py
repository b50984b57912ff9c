"""Orders of the demo, made from a seed: who orders what, when and from where."""

from datetime import timedelta

import numpy as np

from engine.adapters.imports.demand import Home, Mix, arrivals, make_orders
from engine.adapters.imports.synthetic import Basket, zipf
from engine.domain.order import Order
from engine.network.model import Network

LINES_SHARE = (0.46, 0.24, 0.13, 0.08, 0.05, 0.04)  # of baskets with 1 … 6 lines
DEPARTMENT_SHARE = 0.2  # of homes outside the cities


def demo_orders(network: Network, count: int = 200, seed: int = 1) -> list[Order]:
    """
    Orders of the two and a half days after the network's `as_of`, sorted by time.

    Baskets take skus by popularity (the order of the sku table), homes follow population.
    """
    rng = np.random.default_rng([seed, 2])
    moments = arrivals(rng, count, network.as_of + timedelta(hours=1), 2, network.areas[0].tz)
    baskets = _baskets(rng, network, count)
    return make_orders(network, rng, baskets=baskets, homes=_homes(rng, network, count), moments=moments, mix=Mix())


def _baskets(rng: np.random.Generator, network: Network, count: int) -> list[Basket]:
    """One to six different skus, mostly one unit of each."""
    popularity = zipf(len(network.skus.ids))
    out: list[Basket] = []
    for _ in range(count):
        lines = 1 + int(rng.choice(len(LINES_SHARE), p=LINES_SHARE))
        chosen = rng.choice(len(popularity), size=lines, replace=False, p=popularity)
        quantities = 1 + np.minimum(rng.geometric(0.75, lines) - 1, 4)
        out.append(tuple((network.skus.ids[int(i)], int(q)) for i, q in zip(chosen, quantities, strict=True)))
    return out


def _homes(rng: np.random.Generator, network: Network, count: int) -> list[Home]:
    """Around the centre of a city, some kilometres out, or further off in a department."""
    homes: list[Home] = []
    exact = max(len(area.prefix) for area in network.areas)
    groups = [
        [area for area in network.areas if (len(area.prefix) == exact) is in_city and area.population > 0]
        for in_city in (True, False)
    ]
    groups = [group for group in groups if group]
    weights = [np.array([a.population for a in group], dtype=np.float64) for group in groups]
    for _ in range(count):
        outside = int(len(groups) > 1 and rng.random() < DEPARTMENT_SHARE)
        area = groups[outside][int(rng.choice(len(groups[outside]), p=weights[outside] / weights[outside].sum()))]
        spread_deg = 0.12 if outside else 0.03
        north, east = (float(x) for x in rng.normal(0.0, spread_deg, 2))
        homes.append(
            Home(
                country=area.country,
                postcode=area.prefix.ljust(exact, "0"),
                lat=round(area.lat + north, 5),
                lon=round(area.lon + east, 5),
                tz=area.tz,
            )
        )
    return homes

"""
A shop that everybody wants too much of: four nodes with little room, four skus with little stock.

Holds are for the first three, of which there is never enough. Orders mostly are for the fourth, of which there is just
enough: an order for what is sold out is studied for milliseconds, which would leave little time for all else.

Its clock is turned by the calls themselves, a second for each, so that holds run out and days pass at any speed of the
machine.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from engine.domain.ids import LineId, NodeId, OrderId, SkuId
from engine.domain.order import Destination, Order, OrderLine
from engine.domain.units import epoch_s, utc
from engine.network.model import Network
from tests import builders

SKUS = ("a", "b", "c")
ORDERED = "d"
NODES = ("wh", "w2", "st", "s2")
STORES = NODES[2:]
UNITS, UNITS_ORDERED = 30, 60  # of each sku at each node; calls under way want several times as many of the first
HOT = 0.1  # share of orders that are for the first skus all the same
DAY_ORDERS, HOUR_ORDERS, HOUR_UNITS = 120, 14, 24
BEGAN_S = epoch_s(builders.AS_OF)
PLACES = (Destination(country="FR", postcode="75011"), Destination(country="FR", postcode="69003"))


def shop(*, times: int = 1, as_of: datetime = builders.AS_OF) -> Network:
    """Two warehouses and two stores; `times` as much stock and room."""
    room = {
        "capacity_day_orders": DAY_ORDERS * times,
        "capacity_hour_orders": HOUR_ORDERS * times,
        "capacity_hour_units": HOUR_UNITS * times,
    }
    units = {sku: times * (UNITS if sku in SKUS else UNITS_ORDERED) for sku in (*SKUS, ORDERED)}
    collections = [
        builders.collection(node, service, **({"cutoff": "16:00", "collect": "17:30"} if service == "exp" else {}))
        for node in NODES
        for service in ("std", "exp", "relay")
    ]
    return builders.network(
        nodes=(
            builders.node("wh", **room),
            builders.node("w2", **room),
            builders.store("st", **room),
            builders.store("s2", **room),
            builders.pickup_point(),
        ),
        skus=builders.sku_table(*SKUS, ORDERED),
        stock={(node, sku): units[sku] for node in NODES for sku in units},
        collections=tuple(collections),
        lanes=(builders.lane("wh", "st"), builders.lane("w2", "s2")),
        as_of=as_of,
    )


class Clock:
    """Epoch seconds by the number of reservations asked for, over all processes: one second each."""

    def __init__(self, asked: Sequence[int]) -> None:
        self.asked = asked  # by client, shared by all processes

    def __call__(self) -> int:
        """Now."""
        return BEGAN_S + sum(self.asked)


def lines_of(rng: Random) -> list[tuple[str, int]]:
    """One or two skus and how many units; the first sku is the hottest."""
    first = int(3 * rng.random() ** 2)
    picked = [first] if rng.random() < 0.7 else [first, (first + 1) % 3]
    return [(SKUS[i], 1 + (rng.random() < 0.3)) for i in picked]


def order_of(name: str, rng: Random, now_s: int) -> Order:
    """An order sent home, or collected at a store: from its own stock or sent there."""
    wanted = lines_of(rng) if rng.random() < HOT else [(ORDERED, 1)]
    lines = tuple(
        OrderLine(line_id=LineId(str(i)), sku=SkuId(sku), quantity=units)
        for i, (sku, units) in enumerate(wanted, start=1)
    )
    collected = rng.random() < 0.25
    return Order(
        order_id=OrderId(name),
        placed_at=utc(now_s),
        lines=lines,
        destination=None if collected else PLACES[rng.randrange(2)],
        pickup_node=NodeId(STORES[rng.randrange(2)]) if collected else None,
        partial=rng.random() < 0.2,
    )

"""The networks and orders that are measured: the US one of the data folder or, without it, one made in its shape."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.generated import generated_network, generated_orders
from engine.adapters.imports.us import us_network, us_orders
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.network.model import Network

US_NODES, US_SKUS = 1_047, 3_800
# Percent of orders with 1, 2, … 10 lines, mean 2.4: our assumption for consumers. No public source of the data folder
# has it: marketplace orders (Olist) have 1.1 lines, a wholesaler's cut at ten lines (UCI) have 4.6.
CONSUMER = (45.0, 23.0, 12.0, 7.0, 4.5, 3.0, 2.0, 1.5, 1.1, 0.9)
WHOLESALE = (20.0, 11.0, 9.0, 9.4, 9.2, 8.8, 8.0, 8.3, 8.1, 8.2)  # as the UCI baskets of at most ten lines
THREE = (0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
MIXES = {"consumer": CONSUMER, "wholesale": WHOLESALE, "three": THREE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """All that a world follows from, so that another process can build the same."""

    data: Path | None  # folder of the real data; None: made up
    count: int  # orders
    seed: int = 1
    mix: str = "consumer"
    num_nodes: int = US_NODES  # of a made-up network
    num_skus: int = US_SKUS


@dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """A network, its orders by time, and where they come from in words."""

    network: Network
    orders: list[Order]
    source: str


def data_folder(given: Path | None) -> Path | None:
    """The folder of real data, `../shared/data` unless given; None where that is absent."""
    folder = given or Path("../shared/data")
    if folder.is_dir():
        return folder
    if given is not None:
        raise InputError(f"Data folder ({given}) does not exist.", "leave --data out to measure a made-up network.")
    return None


def world(spec: Spec, network: Network | None = None) -> World:
    """Build a world; give `network` to draw other orders for one that is there already."""
    sizes = sizes_of(spec.mix, spec.count, spec.seed)
    if spec.data is None:
        made = network or generated_network(spec.num_nodes, spec.num_skus, spec.seed)
        text = f"made-up network of {len(made.nodes)} nodes in the shape of the US one (no data folder), made-up orders"
        return World(network=made, orders=generated_orders(made, sizes, spec.seed), source=text)
    made = network or us_network(spec.data, seed=spec.seed)
    text = f"US network, {len(made.nodes)} nodes, {len(made.services)} services; real UCI baskets drawn by size"
    return World(network=made, orders=_us_by_size(made, spec, sizes), source=text)


def sizes_of(mix: str, count: int, seed: int) -> list[int]:
    """Number of lines of each order, in the exact shares of a mix (largest remainders), shuffled."""
    if mix not in MIXES:
        raise InputError(f"Mix ({mix}) is unknown.", f"one of {', '.join(MIXES)}.")
    shares = np.array(MIXES[mix]) / sum(MIXES[mix])
    whole = np.floor(shares * count).astype(np.int64)
    rest = np.argsort(whole - shares * count, kind="stable")[: count - int(whole.sum())]
    whole[rest] += 1
    sizes = np.repeat(np.arange(1, len(shares) + 1), whole)
    np.random.default_rng([seed, 42]).shuffle(sizes)
    return [int(n) for n in sizes]


def _us_by_size(network: Network, spec: Spec, sizes: list[int]) -> list[Order]:
    """Orders of the importer, drawn from a larger pool so that their sizes follow the mix; sorted by time."""
    assert spec.data is not None
    need = np.bincount(sizes, minlength=11)
    factor = 4
    while True:
        pool = us_orders(network, spec.data, factor * len(sizes) + 200, spec.seed)
        by_size: dict[int, list[Order]] = {}
        for order in pool:
            by_size.setdefault(len(order.merged().lines), []).append(order)
        if all(len(by_size.get(n, ())) >= need[n] for n in range(1, 11)):
            break
        factor *= 2
    picked = [order for n in range(1, 11) for order in _spread(by_size.get(n, []), int(need[n]))]
    return sorted(picked, key=lambda order: (order.placed_at, order.order_id))


def _spread(orders: list[Order], count: int) -> list[Order]:
    """So many of them, evenly over the day."""
    return [orders[i * len(orders) // count] for i in range(count)]

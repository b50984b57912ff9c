"""How long a desk takes to start on a ledger that is there: network compiled, stock loaded, ready to allocate."""

import time
from dataclasses import replace

import numpy as np

from benchmarks.generated import generated_network
from benchmarks.record import Figures
from engine.desk.desk import Watch
from engine.domain.units import epoch_s
from engine.network.model import Network, StockTable
from engine.wiring import open_desk


def full_network(num_nodes: int, num_skus: int, seed: int) -> Network:
    """A made-up network in which every node that holds stock holds every sku."""
    made = generated_network(num_nodes, num_skus, seed)
    holders = np.unique(made.stock.node)
    count = len(holders) * num_skus
    units = np.random.default_rng([seed, 5]).integers(1, 20, count).astype(np.int32)
    zeros = np.zeros(count, dtype=np.int32)
    stock = StockTable(
        node=np.repeat(holders, num_skus).astype(np.int32),
        sku=np.tile(np.arange(num_skus, dtype=np.int32), len(holders)),
        on_hand=units,
        reserved=zeros,
        days_of_cover=zeros,
    )
    return replace(made, stock=stock)


def started(url: str, network: Network) -> Figures:
    """Seconds of the first start, which writes the stock, and of the next one, which finds it."""
    out: Figures = {"rows": len(network.stock.node)}
    now_s = epoch_s(network.as_of)
    for name in ("first_s", "start_s"):
        began = time.perf_counter()
        desk = open_desk(network, url, clock_s=lambda: now_s, watch=Watch())
        out[name] = round(time.perf_counter() - began, 2)
        desk.close()
        desk.ledger.close()
    return out

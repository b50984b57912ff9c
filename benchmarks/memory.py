"""
Memory of a network: `python -m benchmarks.memory NODES SKUS HELD_SHARE ORDERS SEED` builds an engine, decides orders
and prints one line of JSON. The peak is of the whole process, from Python and its libraries to the orders decided.
"""

import json
import resource
import sys
from time import perf_counter

from benchmarks.generated import generated_network, generated_orders
from benchmarks.record import Figures
from benchmarks.worlds import sizes_of
from engine.decide.engine import Engine


def peak_bytes() -> int:
    """Largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def held_now_bytes() -> int:
    """Resident size now; the peak where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # not a file one keeps
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return peak_bytes()


def measured_here(num_nodes: int, num_skus: int, held_share: float, num_orders: int, seed: int) -> Figures:
    """Build, decide, and say what it took. Figures are only meant in a fresh process: a peak never falls."""
    empty = held_now_bytes()
    network = generated_network(num_nodes, num_skus, seed, held_share=held_share)
    num_rows, peak_of_input = len(network.stock.node), peak_bytes()
    with_network, began = held_now_bytes(), perf_counter()
    engine = Engine(network, guard=False)
    setup_s, with_engine = perf_counter() - began, held_now_bytes()
    for order in generated_orders(network, sizes_of("consumer", num_orders, seed), seed):
        engine.commit(engine.decide(order))
    live = engine.live
    return {
        "nodes": num_nodes,
        "skus": num_skus,
        "rows": num_rows,
        "bytes_per_row_live": round((live.rows.nbytes + live.held.nbytes) / num_rows, 1),
        "bytes_per_row_input": round(
            sum(c.nbytes for c in (network.stock.node, network.stock.sku, network.stock.on_hand)) / num_rows
            + sum(c.nbytes for c in (network.stock.reserved, network.stock.days_of_cover)) / num_rows,
            1,
        ),
        "empty_mb": empty >> 20,
        "network_mb": (with_network - empty) >> 20,
        "engine_mb": (with_engine - with_network) >> 20,
        "peak_of_input_mb": peak_of_input >> 20,
        "peak_mb": peak_bytes() >> 20,
        "setup_s": round(setup_s, 1),
        "orders": num_orders,
    }


if __name__ == "__main__":
    a = sys.argv
    print(json.dumps(measured_here(int(a[1]), int(a[2]), float(a[3]), int(a[4]), int(a[5]))))

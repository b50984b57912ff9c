"""
How many durable allocations the desk makes, by ledger; the stock feed; starting; several processes on one database.

Every order goes through the production path: decided by the engine on the view, posted in a group, answered once it is
on the disk (full synchronisation). Orders have three lines each, on the US network (without the data folder on one of
its shape), whose stock is multiplied so that the orders of a run find it; none is sold twice all the same, which the
audit of the ledger shows at the end of each run. Both ledgers run in turns in the same run. Keys of the figures:

    sqlite_orders_per_s, postgres_orders_per_s   durable allocations through one desk
    sqlite_p50_ms, …p99_ms                       from the call to its answer, with `outstanding` calls under way
    stock_rows_per_s                             the slower of both ledgers' feeds; sqlite_…, postgres_… of each
    start                                        by ledger and size: rows, first_s (with writing them), start_s
    scale                                        by number of processes: orders_per_s, conflicts per order
    oversold, leaked, overdrawn                  rows sold beyond their stock, units held for nobody, capacity beyond
                                                 limits, over all runs; must be 0
"""

import gc
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from api.cli.main import GARBAGE_THRESHOLD
from benchmarks import record
from benchmarks.ledger_start import full_network, started
from benchmarks.record import ROOT, Figures, percentile
from benchmarks.worlds import Spec, world
from engine.adapters.ledger import check, open_ledger
from engine.desk.allocation import Allocate
from engine.desk.ask import Answer, Ask, KeyAsked
from engine.desk.desk import Desk, Watch
from engine.desk.state import State
from engine.domain.order import Order
from engine.domain.units import epoch_s
from engine.network.model import Network
from engine.stock.ledger import Count, Counted, Outcome
from engine.wiring import open_desk
from tests.postgres import Postgres

OUTSTANDING = 1_024  # calls under way
CONNECTIONS = 16
FEED_CALL, FEED_CALLERS = 10_000, 2  # rows
PLENTY = 50  # stock is multiplied by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Orders and rows of a run."""

    orders: int
    warm: int
    feed_rows: int
    start: tuple[tuple[int, int], ...]  # nodes and skus of networks to start with, each node with each sku
    processes: tuple[int, ...]
    num_nodes: int = 1_047  # of a made-up network
    num_skus: int = 3_800


FULL = Sizes(orders=20_000, warm=1_000, feed_rows=500_000, start=((1_000, 4_000), (1_250, 4_000)), processes=(1, 2, 4))
QUICK = Sizes(
    orders=1_500,
    warm=200,
    feed_rows=30_000,
    start=((200, 1_000),),
    processes=(1, 2),
    num_nodes=200,
    num_skus=600,
)


class Counting(Watch):
    """Counts what the desk tells."""

    def __init__(self) -> None:
        self.conflicts = 0
        self.groups: list[int] = []
        self.fallbacks = 0

    def conflict(self, ask: Ask, outcome: Outcome) -> None:
        """Overtaken."""
        self.conflicts += 1

    def posted(self, size: int) -> None:
        """A group is down."""
        self.groups.append(size)

    def fallback(self, ask: Ask, error: Exception | None) -> None:
        """The engine broke."""
        self.fallbacks += 1


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool) -> Figures:
    """Measure both ledgers in turns; print, add to the history."""
    network, orders, source = shop(data, sizes, seed)
    print(f"{source}; {len(orders):,} orders of three lines; stock times {PLENTY}")
    figures: Figures = {"source": source, "orders": sizes.orders, "outstanding": OUTSTANDING, "oversold": 0}
    figures |= {"leaked": 0, "overdrawn": 0, "connections": CONNECTIONS}
    with TemporaryDirectory(dir=record.folder(None, quick=True)) as folder, Postgres.started() as server:
        urls = {"sqlite": f"sqlite:///{folder}/ledger.db", "postgres": server.database("allocations")}
        for name, url in urls.items():
            figures |= {f"{name}_{key}": value for key, value in allocations(url, network, orders, sizes).items()}
            audit(url, figures)
            print(_row(name, figures))
        for name, url in urls.items():
            figures[f"{name}_stock_rows_per_s"] = feed(url, network, sizes, seed)
        figures["stock_rows_per_s"] = min(figures[f"{name}_stock_rows_per_s"] for name in urls)
        told = ", ".join(f"{name} {figures[f'{name}_stock_rows_per_s']:,}" for name in urls)
        print(f"stock feed, rows/s in calls of {FEED_CALL:,}, {FEED_CALLERS} at once: {told}")
        figures["start"] = {}
        for nodes, skus in sizes.start:
            large = full_network(nodes, skus, seed)
            for name, url in (("sqlite", f"sqlite:///{folder}/{nodes}.db"), ("postgres", server.database(f"n{nodes}"))):
                figures["start"][f"{name}_{nodes}x{skus}"] = told_start = started(url, large)
                print(f"start, {nodes:,} x {skus:,}, {name}: {told_start}")
        spec = {"data": str(data) if data else None, "seed": seed, "sizes": asdict(sizes)}
        figures["scale"] = scale(server, spec, sizes, figures)
    record.append(results, "ledger", figures, seed=seed, quick=quick)
    return figures


def shop(data: Path | None, sizes: Sizes, seed: int) -> tuple[Network, list[Order], str]:
    """A network with plenty of stock, and orders of three lines."""
    spec = Spec(
        data=data,
        count=sizes.orders + sizes.warm,
        seed=seed,
        mix="three",
        num_nodes=sizes.num_nodes,
        num_skus=sizes.num_skus,
    )
    made = world(spec)
    stock = made.network.stock
    plenty = replace(stock, on_hand=(stock.on_hand * PLENTY).astype(stock.on_hand.dtype))
    nodes = tuple(
        replace(
            node,
            capacity_day_orders=node.capacity_day_orders and node.capacity_day_orders * PLENTY,
            capacity_day_units=node.capacity_day_units and node.capacity_day_units * PLENTY,
            capacity_hour_orders=node.capacity_hour_orders and node.capacity_hour_orders * PLENTY,
            capacity_hour_units=node.capacity_hour_units and node.capacity_hour_units * PLENTY,
        )
        for node in made.network.nodes
    )
    return replace(made.network, stock=plenty, nodes=nodes), made.orders, made.source


def allocations(url: str, network: Network, orders: Sequence[Order], sizes: Sizes) -> Figures:
    """Durable allocations a second through one desk."""
    watch = Counting()
    with desk(url, network, watch, writers_of(url)) as running:
        drive(running, orders[: sizes.warm], "warm")
        watch.groups.clear()
        as_served()
        began = time.perf_counter()
        spent_ms, failed = drive(running, orders[sizes.warm :], "run")
        seconds = time.perf_counter() - began
    done = len(orders) - sizes.warm
    return {
        "orders_per_s": round(done / seconds),
        "p50_ms": percentile(spent_ms, 50),
        "p99_ms": percentile(spent_ms, 99),
        "group_mean": round(float(np.mean(watch.groups)), 1),
        "conflicts": watch.conflicts,
        "fallbacks": watch.fallbacks,
        "failed": failed,
    }


def writers_of(url: str) -> int:
    """Postings that a ledger takes at once."""
    return 1 if url.startswith("sqlite") else CONNECTIONS


def as_served() -> None:
    """Threads and garbage as in the service: a start keeps what it made."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.collect()
    gc.freeze()


@contextmanager
def desk(url: str, network: Network, watch: Watch, writers: int) -> Iterator[Desk]:
    """A desk on a ledger, with the network's own time as its clock."""
    now_s = epoch_s(network.as_of) + 3600
    running = open_desk(network, url, clock_s=lambda: now_s, writers=writers, watch=watch)
    try:
        yield running
    finally:
        running.close()
        running.ledger.close()


def drive(running: Desk, orders: Sequence[Order], name: str) -> tuple[list[float], int]:
    """Allocate orders with so many calls under way; milliseconds of each, and how many failed."""
    room = threading.Semaphore(OUTSTANDING)
    spent_ms: list[float] = []
    failed = 0

    def done(ask: Ask, result: Answer | Exception) -> None:
        nonlocal failed
        spent_ms.append((time.perf_counter() - ask.since_s) * 1000)
        failed += isinstance(result, Exception)
        room.release()

    for i, order in enumerate(orders):
        room.acquire()
        key = f"{name}-{i}-{order.order_id}"
        command = Allocate(order=order, decision_id=key, reservation_id=key, ttl_s=None)
        running.submit(Ask(command, done, key=KeyAsked("bench", key, key), since_s=time.perf_counter()))
    for _ in range(OUTSTANDING):
        room.acquire()
    return spent_ms, failed


def audit(url: str, figures: Figures) -> None:
    """Count what must not be, in the ledger's own records."""
    ledger = open_ledger(url)
    try:
        for problem in check(ledger):
            figures[problem.kind] = figures.get(problem.kind, 0) + 1
    finally:
        ledger.close()


def feed(url: str, network: Network, sizes: Sizes, seed: int) -> int:
    """Rows a second of counts with numbers, in calls of FEED_CALL, FEED_CALLERS at once."""
    rng = np.random.default_rng([seed, 7])
    now_s = epoch_s(network.as_of) + 7200
    with desk(url, network, Watch(), writers_of(url)) as running:
        keys = running.state.view.row_key
        picked = keys[rng.integers(0, len(keys), sizes.feed_rows)]
        units = rng.integers(500, 1_000, sizes.feed_rows)
        calls = []
        as_served()
        for at in range(0, sizes.feed_rows, FEED_CALL):
            rows = zip(picked[at : at + FEED_CALL].tolist(), units[at : at + FEED_CALL].tolist(), strict=True)
            calls.append([Count(key, n, None, at + i) for i, (key, n) in enumerate(rows)])

        def call(counts: Sequence[Count]) -> None:
            counted = running.ledger.count(counts, now_s, "bench")
            running.run(partial(_taken, counted))

        began = time.perf_counter()
        with ThreadPoolExecutor(FEED_CALLERS) as callers:
            list(callers.map(call, calls))
        return round(sizes.feed_rows / (time.perf_counter() - began))


def scale(server: Postgres, spec: dict[str, Any], sizes: Sizes, figures: Figures) -> dict[str, Figures]:
    """Throughput and conflicts of several processes on one database, which share nothing else."""
    out: dict[str, Figures] = {}
    for number in sizes.processes:
        url = server.database(f"scale_{number}")
        command = [sys.executable, "-m", "benchmarks.ledger_worker"]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            for _ in range(number)
        ]
        for i, worker in enumerate(workers):
            _tell(worker, {**spec, "url": url, "worker": i, "workers": number})
            _hear(worker)  # one after the other: the first of them fills the ledger
        for worker in workers:
            _tell(worker, "go")
        told = [_hear(worker) for worker in workers]
        for worker in workers:
            worker.wait()
        seconds = max(part["ended_s"] for part in told) - min(part["began_s"] for part in told)
        orders = sum(part["orders"] for part in told)
        out[str(number)] = {
            "orders_per_s": round(orders / seconds),
            "conflicts_per_order": round(sum(part["conflicts"] for part in told) / orders, 4),
            "failed": sum(part["failed"] for part in told),
        }
        audit(url, figures)
        print(f"{number} process(es) on one PostgreSQL: {out[str(number)]}")
    return out


def _tell(worker: "subprocess.Popen[str]", what: Any) -> None:
    assert worker.stdin is not None, "it was opened for writing"
    worker.stdin.write(json.dumps(what) + "\n")
    worker.stdin.flush()


def _hear(worker: "subprocess.Popen[str]") -> Any:
    assert worker.stdout is not None, "it was opened for reading"
    line = worker.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker of the benchmark ended with {worker.wait()}; its error is above.")
    return json.loads(line)


def _row(name: str, figures: Figures) -> str:
    return (
        f"{name}: {figures[f'{name}_orders_per_s']:,} orders/s, answers after {figures[f'{name}_p50_ms']} ms "
        f"(p99 {figures[f'{name}_p99_ms']}), {figures[f'{name}_group_mean']} orders in a transaction, "
        f"{figures[f'{name}_conflicts']} conflicts, {figures[f'{name}_failed']} failed"
    )


def _taken(counted: Counted, state: State) -> None:
    """The view takes over what the feed has changed."""
    state.view.set_rows(counted.stock, counted.seq)

"""
Requests a second through HTTP: durable allocations beside an endpoint that does nothing, in the same run.

A real server process on SQLite (full synchronisation) is loaded over kept connections by a client of its own process.
Allocations of three-line orders and the empty validated endpoint (benchmarks/http_server.py: same process, same
server, same bodies) are measured in turns; then allocations at a fixed rate of independent arrivals, time counted from
when each was due; then one call with many orders. At the end the ledger is audited. Keys of the figures:

    allocate_per_s, empty_per_s      requests a second, median of the rounds; …_rounds: each
    allocate_ratio_to_empty          of the medians
    client_limit_per_s               what the client sends to a server that does nothing at all
    p50_ms_at_25 …p99_ms_at_80       at 25, 50, 80 % of allocate_per_s
    p99_ms_at_half_load              the same as p99_ms_at_50
    bulk_orders_per_s, bulk_orders   POST /v1/allocations:bulk
    failed                           answers other than 200; must be 0
    acknowledged, decided            allocations answered 200, and those in the ledger; must be equal
    oversold, leaked, overdrawn      found by the audit; must be 0
"""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks import http_client, ledger, record
from benchmarks.http_server import EMPTY
from benchmarks.record import ROOT, Figures, percentile
from engine.adapters.ledger import open_ledger
from engine.domain.order import Order
from engine.stock.records import DecisionRecord

CONNECTIONS = 64
SHARES = (25, 50, 80)  # percent of the load that was reached
ALLOCATE, BULK = "/v1/allocations", "/v1/allocations:bulk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Requests of a round, rounds of each, seconds of each rate, orders of the bulk call."""

    rounds: int
    allocations: int
    empties: int
    seconds: float
    bulk: int
    warm: int = 1_000
    num_nodes: int = 1_047  # of a made-up network
    num_skus: int = 3_800


FULL = Sizes(rounds=5, allocations=5_000, empties=10_000, seconds=10.0, bulk=10_000)
QUICK = Sizes(rounds=2, allocations=600, empties=1_500, seconds=1.5, bulk=1_000, warm=200, num_nodes=200, num_skus=600)


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool) -> Figures:
    """Measure; print, add to the history."""
    world = ledger.Sizes(
        orders=sizes.allocations,
        warm=0,
        feed_rows=0,
        start=(),
        processes=(),
        num_nodes=sizes.num_nodes,
        num_skus=sizes.num_skus,
    )
    _, orders, source = ledger.shop(data, world, seed)
    bodies = [body_of(order) for order in orders]
    print(f"{source}; three-line orders; {CONNECTIONS} connections; SQLite, full synchronisation")
    figures: Figures = {"source": source, "connections": CONNECTIONS, "failed": 0, "acknowledged": 0}
    figures |= {"oversold": 0, "leaked": 0, "overdrawn": 0}
    with echo() as port:
        figures["client_limit_per_s"] = round(http_client.closed(port, _requests(bodies, "/", "e"), CONNECTIONS).per_s)
    print(f"the client alone: {figures['client_limit_per_s']:,} requests/s")
    with TemporaryDirectory(dir=record.folder(None, quick=True)) as folder:
        url = f"sqlite:///{folder}/ledger.db"
        spec = {"data": str(data) if data else None, "seed": seed, "url": url, "sizes": asdict(world)}
        with server(spec, Path(folder) / "log") as port:
            _in_turns(port, bodies, sizes, figures)
            _at_rates(port, bodies, sizes, figures, seed)
            _bulk(port, bodies, sizes.bulk, figures)
        ledger.audit(url, figures)
        figures["decided"] = _decided(url)
    figures["p99_ms_at_half_load"] = figures["p99_ms_at_50"]
    print(
        f"{figures['acknowledged']:,} acknowledged, {figures['decided']:,} in the ledger; {figures['failed']} failed; "
        f"oversold {figures['oversold']}, leaked {figures['leaked']}, overdrawn {figures['overdrawn']}"
    )
    record.append(results, "http", figures, seed=seed, quick=quick)
    return figures


def _in_turns(port: int, bodies: Sequence[dict[str, Any]], sizes: Sizes, figures: Figures) -> None:
    """Empty and allocating rounds, one after the other."""
    _allocate(port, bodies, "warm", sizes.warm, figures)
    http_client.closed(port, _requests(bodies, EMPTY, "warm", sizes.warm), CONNECTIONS)
    rounds: dict[str, list[int]] = {"empty": [], "allocate": []}
    for number in range(sizes.rounds):
        empty = http_client.closed(port, _requests(bodies, EMPTY, f"e{number}", sizes.empties), CONNECTIONS)
        figures["failed"] += empty.failed
        load = _allocate(port, bodies, f"r{number}", sizes.allocations, figures)
        rounds["empty"].append(round(empty.per_s))
        rounds["allocate"].append(round(load.per_s))
        print(f"round {number + 1}: empty {rounds['empty'][-1]:,}/s, allocations {rounds['allocate'][-1]:,}/s")
    for name, found in rounds.items():
        figures[f"{name}_per_s"], figures[f"{name}_rounds"] = round(median(found)), found
    figures["allocate_ratio_to_empty"] = round(figures["allocate_per_s"] / figures["empty_per_s"], 3)
    print(f"allocations at {figures['allocate_ratio_to_empty']:.0%} of the empty endpoint")


def _at_rates(port: int, bodies: Sequence[dict[str, Any]], sizes: Sizes, figures: Figures, seed: int) -> None:
    """Times of answers at shares of the load that was reached."""
    for share in SHARES:
        per_s = figures["allocate_per_s"] * share / 100
        requests = _requests(bodies, ALLOCATE, f"o{share}", max(50, round(per_s * sizes.seconds)))
        load = http_client.opened(port, requests, 4 * CONNECTIONS, per_s, seed)
        figures["failed"] += load.failed
        figures["acknowledged"] += len(load.spent_ms) - load.failed
        for percent in (50, 99):
            figures[f"p{percent}_ms_at_{share}"] = percentile(load.spent_ms, percent)
        told = f"p50 {figures[f'p50_ms_at_{share}']} ms, p99 {figures[f'p99_ms_at_{share}']} ms"
        print(f"at {share} % of that, {per_s:,.0f} requests/s: {told}")


def _bulk(port: int, bodies: Sequence[dict[str, Any]], count: int, figures: Figures) -> None:
    """Many orders in one call."""
    orders = [{**bodies[i % len(bodies)], "order_id": f"bulk-{i}"} for i in range(count)]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{BULK}",
        json.dumps({"orders": orders}).encode(),
        {"content-type": "application/json", "idempotency-key": "bulk"},
    )
    began = perf_counter()
    with urllib.request.urlopen(request, timeout=300) as answer:
        text = answer.read()
    seconds = perf_counter() - began
    good = sum(result["status"] == 200 for result in json.loads(text)["results"])
    figures["failed"] += count - good
    figures["acknowledged"] += good
    figures |= {"bulk_orders": count, "bulk_orders_per_s": round(count / seconds)}
    print(f"one call with {count:,} orders: {figures['bulk_orders_per_s']:,} orders/s")


def _allocate(port: int, bodies: Sequence[dict[str, Any]], name: str, count: int, figures: Figures) -> http_client.Load:
    load = http_client.closed(port, _requests(bodies, ALLOCATE, name, count), CONNECTIONS)
    figures["failed"] += load.failed
    figures["acknowledged"] += len(load.spent_ms) - load.failed
    return load


def _requests(bodies: Sequence[dict[str, Any]], path: str, name: str, count: int | None = None) -> list[bytes]:
    """Requests as they are sent; each allocates an order of its own."""
    out = []
    for i in range(count if count is not None else len(bodies)):
        own = f"{name}-{i}"
        body = json.dumps({**bodies[i % len(bodies)], "order_id": own}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"idempotency-key: {own}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        out.append(head.encode() + body)
    return out


def body_of(order: Order) -> dict[str, Any]:
    """An order of the benchmark's world as a caller sends it."""
    lines = [{"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity} for line in order.lines]
    body: dict[str, Any] = {
        "order_id": order.order_id,
        "lines": lines,
        "channel": order.channel,
        "methods": [method.value for method in order.methods],
        "confirm": True,
    }
    if order.pickup_node is not None:
        body["pickup_node"] = order.pickup_node
    home = order.destination
    if home is not None:
        body["destination"] = {"country": home.country, "postcode": home.postcode, "residential": home.residential}
        if home.lat is not None and home.lon is not None:
            body["destination"] |= {"lat": home.lat, "lon": home.lon}
    return body


def _decided(url: str) -> int:
    """Decisions in the ledger."""
    books = open_ledger(url)
    try:
        return sum(count for *_, count in books.count_by(DecisionRecord, ("status",)))
    finally:
        books.close()


@contextmanager
def server(spec: dict[str, Any], log: Path) -> Iterator[int]:
    """The server as a process of its own; its port."""
    command = [sys.executable, "-m", "benchmarks.http_server", json.dumps(spec)]
    with log.open("wb") as lines:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, cwd=ROOT, text=True)
        with _ended(process) as port:
            if not port:
                raise RuntimeError(f"The server did not start: {log.read_text(encoding='utf-8')[-2_000:]}")
            yield port


@contextmanager
def echo() -> Iterator[int]:
    """A server that does nothing; its port."""
    command = [sys.executable, "-m", "benchmarks.http_client"]
    with _ended(subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)) as port:
        yield port


@contextmanager
def _ended(process: "subprocess.Popen[str]") -> Iterator[int]:
    """The port that a process prints, 0 where it ends before; the process ends with the block."""
    assert process.stdout is not None, "it was opened for reading"
    try:
        yield int(process.stdout.readline() or 0)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()

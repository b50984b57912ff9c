"""How time grows with nodes and lines, and memory with (node, sku) rows; made-up networks."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks import plots, record, speed
from benchmarks.generated import generated_network, generated_orders
from benchmarks.prepared import Prepared
from benchmarks.record import ROOT, Figures, percentile
from benchmarks.worlds import World, sizes_of
from engine.decide.engine import Engine
from engine.domain.plan import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    nodes: tuple[int, ...]
    skus: int
    orders: int  # at each number of nodes
    lines: tuple[int, ...]
    line_nodes: int
    line_orders: int  # at each number of lines
    deadline_ms: int  # of one order, for the stronger method
    memory: tuple[tuple[int, int, float], ...]  # nodes, skus, share of the skus that a store holds


FULL = Sizes(
    nodes=(100, 300, 1_000, 2_000, 5_000),
    skus=4_000,
    orders=1_000,
    lines=(1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 40),
    line_nodes=1_047,
    line_orders=20,
    deadline_ms=20_000,
    memory=((1_047, 4_000, 0.3), (1_047, 200_000, 0.02), (5_000, 200_000, 0.02)),
)
QUICK = Sizes(
    nodes=(100, 1_000, 5_000),
    skus=1_000,
    orders=100,
    lines=(1, 5, 10, 20, 40),
    line_nodes=300,
    line_orders=3,
    deadline_ms=1_000,
    memory=((1_000, 20_000, 0.02),),
)


def run(sizes: Sizes, *, seed: int, results: Path, quick: bool) -> Figures:
    """Measure, print tables, write a plot and a line of history."""
    began = perf_counter()
    by_nodes = {str(num): _with_nodes(num, sizes, seed) for num in sizes.nodes}
    network = generated_network(sizes.line_nodes, sizes.skus, seed)
    engine = Engine(network, guard=False)
    by_lines = {str(lines): _with_lines(engine, lines, sizes, seed) for lines in sizes.lines}
    memory = [_memory_of(*shape, seed) for shape in sizes.memory]
    figures: Figures = {
        "by_nodes": by_nodes,
        "by_lines": by_lines,
        "line_nodes": sizes.line_nodes,
        "deadline_ms": sizes.deadline_ms,
        "memory": memory,
        "peak_mb_max": max(row["peak_mb"] for row in memory),
        "elapsed_s": round(perf_counter() - began, 1),
    }
    record.append(results, "growth", figures, seed=seed, quick=quick)
    plots.growth(results / "growth.png", figures)
    _print_tables(figures)
    return figures


def _with_nodes(num: int, sizes: Sizes, seed: int) -> Figures:
    """The consumer mix on a network of so many nodes."""
    network = generated_network(num, sizes.skus, seed)
    began = perf_counter()
    engine = Engine(network, guard=False)
    setup_s = perf_counter() - began
    orders = generated_orders(network, sizes_of("consumer", sizes.orders, seed), seed)
    prepared = Prepared(World(network=network, orders=orders, source="made up"), engine)
    spent = speed.kernel_us(prepared)
    return {
        "kernel_us_p50": percentile(spent, 50),
        "kernel_us_p99": percentile(spent, 99),
        "decisions_per_s": speed.loop_figures(prepared)["decisions_per_s"],
        "setup_s": round(setup_s, 2),
        "rows": len(network.stock.node),
    }


def _with_lines(engine: Engine, lines: int, sizes: Sizes, seed: int) -> Figures:
    """Orders of so many lines, decided with a deadline."""
    orders = generated_orders(engine.network, [lines] * sizes.line_orders, seed)
    engine.decide(orders[0], deadline_ms=sizes.deadline_ms)
    spent, gaps, methods = [], [], set()
    for order in orders:
        began = perf_counter()
        plan = engine.decide(order, deadline_ms=sizes.deadline_ms).plan
        spent.append(1e6 * (perf_counter() - began))
        proven = plan.status in (Status.OPTIMAL, Status.INFEASIBLE)
        gaps.append(0.0 if proven else min(1.0, plan.gap) if plan.status == Status.FEASIBLE else 1.0)
        methods.add(plan.method or plan.status.value)
    return {
        "decide_us_p50": percentile(spent, 50),
        "decide_us_max": percentile(spent, 100),
        "proven": sum(gap == 0.0 for gap in gaps),
        "orders": len(orders),
        "gap_max": round(max(gaps), 4),
        "methods": sorted(methods),
    }


def _memory_of(num_nodes: int, num_skus: int, held_share: float, seed: int) -> Figures:
    """In a fresh process, so that its peak is its own."""
    shape = [str(x) for x in (num_nodes, num_skus, held_share, 100, seed)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *shape], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Memory of {num_nodes} nodes could not be measured: {done.stderr.strip()[-500:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _print_tables(f: Figures) -> None:
    print(f"{'nodes':>6} {'rows':>10} {'p50 us':>9} {'p99 us':>10} {'decisions/s':>12} {'setup s':>8}")
    for num, row in f["by_nodes"].items():
        print(
            f"{num:>6} {row['rows']:>10,} {row['kernel_us_p50']:>9,.1f} {row['kernel_us_p99']:>10,.1f}"
            f" {row['decisions_per_s']:>12,} {row['setup_s']:>8}"
        )
    print(f"\n{f['line_nodes']} nodes, deadline {f['deadline_ms']:,} ms")
    print(f"{'lines':>6} {'p50 ms':>10} {'max ms':>10} {'proven':>9} {'largest gap':>12}  methods")
    for lines, row in f["by_lines"].items():
        print(
            f"{lines:>6} {row['decide_us_p50'] / 1e3:>10,.2f} {row['decide_us_max'] / 1e3:>10,.2f}"
            f" {row['proven']:>4} / {row['orders']:<2} {row['gap_max']:>12.2%}  {', '.join(row['methods'])}"
        )
    print(
        f"\n{'nodes':>6} {'skus':>8} {'rows':>11} {'peak MB':>8} {'engine MB':>10} {'bytes a row':>12} {'setup s':>8}"
    )
    for row in f["memory"]:
        print(
            f"{row['nodes']:>6} {row['skus']:>8,} {row['rows']:>11,} {row['peak_mb']:>8,} {row['engine_mb']:>10,}"
            f" {row['bytes_per_row_live']:>9} {row['setup_s']:>8}"
        )
    print(f"took {f['elapsed_s']} s; made-up networks")

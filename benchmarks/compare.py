"""
Our decisions beside the rules that shops use today: the same orders, stock and clock, in the same money.

For every network, season and seed each policy gets the same orders in the same sequence and starts from the same
stock, which it consumes as orders come. Means are over seeds, with the 95 % interval of Student's t; savings are paired
by seed against the baseline that is cheapest on average. Ablations decide as ours does with one thing out of sight.
"""

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy import stats

from api.report.figures import Decided
from benchmarks import compare_page, compare_plots, record
from benchmarks.generated import generated_network, generated_orders
from benchmarks.record import Figures
from benchmarks.worlds import sizes_of
from engine.adapters.imports.fr import fr_network, fr_orders
from engine.adapters.imports.us import us_network, us_orders
from engine.decide.engine import Engine
from engine.domain.order import Order
from engine.network.model import Network
from scenarios.comparison import (
    NO_MARKDOWN,
    OURS,
    Ours,
    Policy,
    ablations,
    baselines,
    compare,
    decisions,
    is_baseline,
    unbound,
)
from scenarios.demo import demo_network, demo_orders

NETWORKS = ("demo", "us", "fr")
CASH = "cost_per_order_cash"
# Days of the tariffs in the data folder: the carriers' holiday peak, and a spring week without it.
SEASONS = {"peak": "2025-12-01T08:00:00-06:00", "off-peak": "2025-05-05T08:00:00-05:00"}
MAPPED_MAX = 400  # orders drawn on a map
UNITS_MAX, WEIGHT_MAX_G = 3, 20_000
CAPACITY_PRICE_CENTS = 300  # as on the demo network: the imported ones have none of their own
SOURCE = "US and French networks: real sites, tariffs, zones and baskets, made-up stock; the demo network is made up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    seeds: int
    orders: int  # for each seed
    seasons: tuple[str, ...]  # the demo network has one of its own
    networks: tuple[str, ...] = NETWORKS


FULL = Sizes(seeds=10, orders=1_000, seasons=("peak", "off-peak"))
QUICK = Sizes(seeds=2, orders=60, seasons=("peak",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One network, season and seed."""

    network: str
    season: str
    seed: int
    orders: int
    data: Path | None

    @property
    def world(self) -> str:
        """Network and season."""
        return f"{self.network} {self.season}".strip()


def policies(engine: Engine) -> list[Policy]:
    """Ours, every rule with its traps and, where it has any, without, and our own with one thing out of sight."""
    rules, left_out = baselines(engine)
    for rule in left_out:
        print(f"  left out: {rule.reason}", file=sys.stderr)
    return [Ours(engine), Ours(engine, pickup=True), *rules, *ablations(engine)]


def consumer(order: Order, network: Network) -> Order:
    """A basket cut to what one person buys: so many units of a line, so much weight in all, the first lines kept."""
    lines, left_g = [], WEIGHT_MAX_G
    for line in order.lines:
        unit_g = int(network.skus.weight_g[network.skus.index[line.sku]])
        units = min(line.quantity, UNITS_MAX, left_g // max(1, unit_g))
        if units > 0:
            lines.append(replace(line, quantity=units))
            left_g -= units * unit_g
    kept = {line.line_id for line in lines} or {order.lines[0].line_id}
    together = tuple(tuple(i for i in group if i in kept) for group in order.keep_together)
    return replace(
        order,
        lines=tuple(lines) or (replace(order.lines[0], quantity=1),),
        keep_together=tuple(group for group in together if len(group) > 1),
    )


def made(job: Job) -> tuple[Network, list[Order]]:
    """The network of a job and its orders, by time."""
    if job.network == "demo":
        network = demo_network(job.seed)
        return network, demo_orders(network, job.orders, job.seed)
    if job.data is None:
        network = _priced(generated_network(300 if job.network == "us" else 60, 1_000, job.seed))
        return network, generated_orders(network, sizes_of("consumer", job.orders, job.seed), job.seed)
    as_of = datetime.fromisoformat(SEASONS[job.season])
    if job.network == "us":
        network = _priced(us_network(job.data, seed=job.seed, as_of=as_of))
        orders = us_orders(network, job.data, job.orders, job.seed)
    else:
        network = _priced(fr_network(job.data, seed=job.seed, as_of=as_of))
        orders = fr_orders(network, job.data, job.orders, job.seed)
    return network, [consumer(order, network) for order in orders]


def _priced(network: Network) -> Network:
    """With a price on busy nodes, or leaving that out of sight would change nothing."""
    first, *rest = network.policies
    return replace(network, policies=(replace(first, capacity_price_cents=CAPACITY_PRICE_CENTS), *rest))


def one(job: Job) -> dict[str, dict[str, float]]:
    """The figures of every policy on one network, season and seed."""
    network, orders = made(job)
    engine = Engine(network, guard=False)
    return dict(compare(engine, orders, policies(engine)).figures)


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool, workers: int) -> Figures:
    """Compare, print tables, write plots, a page and a line of history."""
    began = perf_counter()
    jobs = [
        Job(network=network, season=season, seed=seed + i, orders=sizes.orders, data=data)
        for network in sizes.networks
        for season in (sizes.seasons if network != "demo" else ("",))
        for i in range(sizes.seeds)
    ]
    found = list(_all(jobs, workers))
    worlds: Figures = {}
    for world in dict.fromkeys(job.world for job in jobs):
        worlds[world] = summary([figures for job, figures in zip(jobs, found, strict=True) if job.world == world])
    figures: Figures = {
        "networks": worlds,
        "orders_per_seed": sizes.orders,
        "seeds": sizes.seeds,
        "source": SOURCE if data else "made-up networks (no data)",
        "elapsed_s": round(perf_counter() - began, 1),
    }
    record.append(results, "compare", figures, seed=seed, quick=quick)
    compare_plots.bars(results / "compare.png", worlds)
    maps = {job.world: _drawn(job, worlds[job.world]["best_baseline"]) for job in jobs if job.seed == seed}
    page = (results if quick else record.folder(None, quick=True)) / "compare.html"  # megabytes: not into the history
    compare_page.write_page(page, figures, maps, results / "compare.png")
    print(f"The page with maps is {page}.", file=sys.stderr)
    _print_tables(figures)
    return figures


def _drawn(job: Job, best_baseline: str) -> tuple[Network, dict[str, Sequence[Decided]]]:
    """What ours and the cheapest rule decide in one run, for the maps."""
    network, orders = made(replace(job, orders=min(job.orders, MAPPED_MAX)))
    engine = Engine(network, guard=False)
    free = [unbound(order) for order in orders]
    shown = [policy for policy in (Ours(engine), *baselines(engine)[0]) if policy.name in (OURS, best_baseline)]
    return network, {
        policy.name: [Decided(order=o, decision=d) for o, d in decisions(engine, free, policy)] for policy in shown
    }


def _all(jobs: Sequence[Job], workers: int) -> Iterable[dict[str, dict[str, float]]]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for i, figures in enumerate(pool.map(one, jobs), start=1):
            print(f"  compare [{'#' * (30 * i // len(jobs)):.<30}] {i} of {len(jobs)} runs", file=sys.stderr)
            yield figures


def summary(runs: Sequence[dict[str, dict[str, float]]]) -> Figures:
    """Means and intervals over seeds, and what ours saves."""
    names = [name for name in runs[0] if all(name in run for run in runs)]
    table = {
        name: {key: interval([run[name].get(key, 0.0) for run in runs]) for key in _keys(runs, name)} for name in names
    }
    best, best_cash = (_best(table, key) for key in ("cost_per_order", CASH))
    return {
        "policies": table,
        "best_baseline": best,
        "saving_vs_best_baseline": _saving(runs, OURS, best),
        "saving_vs": {name: _saving(runs, OURS, name) for name in table if name != OURS},
        "best_baseline_without_markdown": best_cash,
        "saving_without_markdown": _saving(runs, NO_MARKDOWN, best_cash, CASH),
    }


def _best(table: Figures, key: str) -> str:
    return min((name for name in table if is_baseline(name)), key=lambda name: table[name][key]["mean"])


def _keys(runs: Sequence[dict[str, dict[str, float]]], name: str) -> list[str]:
    return list(dict.fromkeys(key for run in runs for key in run[name]))


def _saving(
    runs: Sequence[dict[str, dict[str, float]]], name: str, other: str, key: str = "cost_per_order"
) -> dict[str, float]:
    """The share of another policy's cost that a policy saves, paired by seed."""
    return interval([1.0 - run[name][key] / run[other][key] for run in runs])


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean with its 95 % interval by Student's t; without one where there is a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": mean, "low": mean, "high": mean}
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _print_tables(figures: Figures) -> None:
    heads = ("cost/order", "cash/order", "splits", "late", "unfilled", "stores", "g CO2e")
    for world, part in figures["networks"].items():
        print(f"\n{world}: {figures['seeds']} seeds of {figures['orders_per_seed']} orders")
        print("{:<28} {:>17} {:>17} {:>7} {:>7} {:>9} {:>7} {:>7}".format("policy", *heads))
        rows = sorted(part["policies"].items(), key=lambda item: item[1]["cost_per_order"]["mean"])
        for name, row in rows:
            print(
                f"{name:<28} {_with_half(row['cost_per_order'])} {_with_half(row[CASH])} {row['splits']['mean']:>7.3f}"
                f" {row['late_share']['mean']:>7.1%} {row['unfilled_share']['mean']:>9.2%}"
                f" {row['store_share']['mean']:>7.1%} {row['co2e_g_per_order']['mean']:>7,.0f}"
            )
        print(
            f"ours saves {_share(part['saving_vs_best_baseline'])} of the cost of the cheapest rule,"
            f" {part['best_baseline']}\n"
            f"{NO_MARKDOWN} saves {_share(part['saving_without_markdown'])} of the cost of the cheapest rule,"
            f" {part['best_baseline_without_markdown']}, both without the values of stock (cash)"
        )
    print(f"took {figures['elapsed_s']} s; {figures['source']}")


def _with_half(value: dict[str, float]) -> str:
    return f"{value['mean'] / 100:>9.2f} ± {(value['high'] - value['low']) / 200:<5.2f}"


def _share(value: dict[str, float]) -> str:
    return f"{value['mean']:.1%} ({value['low']:.1%} to {value['high']:.1%})"

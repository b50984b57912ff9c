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
from typing import Protocol

import numpy as np
from scipy import stats

from api.report.figures import Decided
from benchmarks import compare_page, compare_plots, record
from benchmarks.generated import generated_network, generated_orders
from benchmarks.prepared import Prepared
from benchmarks.record import Figures
from benchmarks.worlds import World, sizes_of
from engine.adapters.imports.fr import fr_network, fr_orders
from engine.adapters.imports.us import us_network, us_orders
from engine.decide.engine import Engine
from engine.domain.order import METHODS, Order
from engine.domain.plan import Decision
from engine.network.model import Network
from engine.options.ways import PLACE_METHODS
from scenarios.baselines.ablation import BLIND, Ablated
from scenarios.baselines.decide import Baseline
from scenarios.baselines.rules import RULES
from scenarios.baselines.tally import Tally

OURS, WITH_PICKUP = "sourcewise", "sourcewise-with-pickup"
SHOWN = ("cost_per_order", "splits", "late_share", "unfilled_share", "store_share", "co2e_g_per_order")
# Days of the tariffs in the data folder: the carriers' holiday peak, and a spring week without it.
SEASONS = {"peak": "2025-12-01T08:00:00-06:00", "off-peak": "2025-05-05T08:00:00-05:00"}
MAPPED_MAX = 400  # orders drawn on a map
UNITS_MAX, WEIGHT_MAX_G = 3, 20_000
DEADLINE_MS = 500  # of one decision of ours, for the stronger method


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    seeds: int
    orders: int  # for each seed
    networks: tuple[str, ...]
    seasons: tuple[str, ...]


FULL = Sizes(seeds=10, orders=1_000, networks=("us", "fr"), seasons=("peak", "off-peak"))
QUICK = Sizes(seeds=2, orders=60, networks=("us", "fr"), seasons=("peak",))


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
        return f"{self.network} {self.season}"


class Policy(Protocol):
    """What is compared."""

    name: str

    def decide(self, order: Order) -> Decision:
        """A plan."""
        ...

    def commit(self, decision: Decision) -> None:
        """Hold it."""
        ...


class _Ours:
    """The engine; with `pickup` it may propose a place to collect at, which no rule does."""

    def __init__(self, engine: Engine, *, pickup: bool = False) -> None:
        self.engine = engine
        self.pickup = pickup
        self.name = WITH_PICKUP if pickup else OURS

    def decide(self, order: Order) -> Decision:
        return decide_freely(self.engine, order if self.pickup else to_home(order))

    def commit(self, decision: Decision) -> None:
        self.engine.commit(decision)


def policies(engine: Engine) -> list[Policy]:
    """Ours, every rule with its traps and, where it has any, without, and our own with one thing out of sight."""
    out: list[Policy] = [_Ours(engine), _Ours(engine, pickup=True)]
    for rule in RULES:
        out += [Baseline(engine, rule(corrected=fixed)) for fixed in ((False, True) if rule.traps else (False,))]
    out += [Ablated(engine, blind, _freely_home) for blind in BLIND]
    return out


def decide_freely(engine: Engine, order: Order) -> Decision:
    """
    What is served in full and in time if it can be; else late, and in part, rather than not at all.

    That is what a rule does with every order, and so nobody gains by leaving out what is dear.
    """
    decision = engine.decide(order, deadline_ms=DEADLINE_MS)
    if decision.plan.shipments:
        return decision
    wish = order.requested_by or order.deliver_by
    return engine.decide(replace(order, deliver_by=None, requested_by=wish, partial=True), deadline_ms=DEADLINE_MS)


def is_baseline(name: str) -> bool:
    """Whether a policy is a rule of others."""
    return name not in (OURS, WITH_PICKUP, *(blind.name for blind in BLIND))


def _freely_home(engine: Engine, order: Order) -> Decision:
    return decide_freely(engine, to_home(order))


def to_home(order: Order) -> Order:
    """An order that goes home unless its customer chose a place: what rules understand."""
    if order.pickup_node is not None:
        return order
    home = tuple(m for m in order.methods or METHODS if m not in PLACE_METHODS)
    return replace(order, methods=home) if home else order


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
    if job.data is None:
        network = generated_network(300 if job.network == "us" else 60, 1_000, job.seed)
        return network, generated_orders(network, sizes_of("consumer", job.orders, job.seed), job.seed)
    as_of = datetime.fromisoformat(SEASONS[job.season])
    if job.network == "us":
        network = us_network(job.data, seed=job.seed, as_of=as_of)
        orders = us_orders(network, job.data, job.orders, job.seed)
    else:
        network = fr_network(job.data, seed=job.seed, as_of=as_of)
        orders = fr_orders(network, job.data, job.orders, job.seed)
    return network, [consumer(order, network) for order in orders]


def one(job: Job) -> dict[str, dict[str, float]]:
    """The figures of every policy on one network, season and seed."""
    network, orders = made(job)
    engine = Engine(network, guard=False)
    prepared = Prepared(World(network=network, orders=orders, source="compared"), engine)
    start, out = prepared.snapshot(), {}
    for policy in policies(engine):
        prepared.restore(start)
        tally = Tally(network, engine.policy)
        for order in orders:
            tally.add(order.merged(), _held(policy, order).plan)
        out[policy.name] = tally.figures()
    return out


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool, workers: int) -> Figures:
    """Compare, print tables, write plots, a page and a line of history."""
    began = perf_counter()
    jobs = [
        Job(network=network, season=season, seed=seed + i, orders=sizes.orders, data=data)
        for network in sizes.networks
        for season in sizes.seasons
        for i in range(sizes.seeds)
    ]
    found = list(_all(jobs, workers))
    worlds: Figures = {}
    for world in dict.fromkeys(job.world for job in jobs):
        worlds[world] = _summary([figures for job, figures in zip(jobs, found, strict=True) if job.world == world])
    figures: Figures = {
        "networks": worlds,
        "orders_per_seed": sizes.orders,
        "seeds": sizes.seeds,
        "source": "real sites, tariffs, zones and baskets; made-up stock" if data else "made-up networks (no data)",
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
    out: dict[str, Sequence[Decided]] = {}
    for name in (OURS, best_baseline):
        engine = Engine(network, guard=False)
        policy = next(policy for policy in policies(engine) if policy.name == name)
        out[name] = [Decided(order=order, decision=_held(policy, order)) for order in orders]
    return network, out


def _held(policy: Policy, order: Order) -> Decision:
    decision = policy.decide(order)
    policy.commit(decision)
    return decision


def _all(jobs: Sequence[Job], workers: int) -> Iterable[dict[str, dict[str, float]]]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for i, figures in enumerate(pool.map(one, jobs), start=1):
            print(f"  compare [{'#' * (30 * i // len(jobs)):.<30}] {i} of {len(jobs)} runs", file=sys.stderr)
            yield figures


def _summary(runs: Sequence[dict[str, dict[str, float]]]) -> Figures:
    """Means and intervals over seeds, and what ours saves."""
    table = {
        name: {key: interval([run[name].get(key, 0.0) for run in runs]) for key in _keys(runs, name)}
        for name in runs[0]
    }
    out: Figures = {"policies": table}
    rules = [name for name in table if is_baseline(name)]
    best = min(rules, key=lambda name: table[name]["cost_per_order"]["mean"])
    out["best_baseline"] = best
    out["saving_vs_best_baseline"] = _saving(runs, best)
    out["saving_vs"] = {name: _saving(runs, name) for name in table if name != OURS}
    return out


def _keys(runs: Sequence[dict[str, dict[str, float]]], name: str) -> list[str]:
    return list(dict.fromkeys(key for run in runs for key in run[name]))


def _saving(runs: Sequence[dict[str, dict[str, float]]], name: str) -> dict[str, float]:
    """The share of a policy's cost that ours saves, paired by seed."""
    return interval([1.0 - run[OURS]["cost_per_order"] / run[name]["cost_per_order"] for run in runs])


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean with its 95 % interval by Student's t; without one where there is a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": mean, "low": mean, "high": mean}
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _print_tables(figures: Figures) -> None:
    for world, part in figures["networks"].items():
        print(f"\n{world}: {figures['seeds']} seeds of {figures['orders_per_seed']} orders")
        print(
            f"{'policy':<28} {'cost/order':>17} {'splits':>7} {'late':>7} {'unfilled':>9} {'stores':>7} {'g CO2e':>7}"
        )
        rows = sorted(part["policies"].items(), key=lambda item: item[1]["cost_per_order"]["mean"])
        for name, row in rows:
            cost = row["cost_per_order"]
            half = (cost["high"] - cost["low"]) / 200
            print(
                f"{name:<28} {cost['mean'] / 100:>9.2f} ± {half:<5.2f} {row['splits']['mean']:>7.3f}"
                f" {row['late_share']['mean']:>7.1%} {row['unfilled_share']['mean']:>9.2%}"
                f" {row['store_share']['mean']:>7.1%} {row['co2e_g_per_order']['mean']:>7,.0f}"
            )
        saved = part["saving_vs_best_baseline"]
        print(
            f"ours saves {saved['mean']:.1%} ({saved['low']:.1%} to {saved['high']:.1%}) of the cost of the cheapest"
            f" rule, {part['best_baseline']}"
        )
    print(f"took {figures['elapsed_s']} s; {figures['source']}")

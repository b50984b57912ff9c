"""
One order: the kernel, the whole decision, many orders in a loop, and the same orders by CP-SAT and HiGHS.

A peer's time is building plus solving its model on one thread. Reading the facts of the order (prices, dates, stock)
and dropping columns that another replaces are not counted for the peers; the kernel's time holds all of its reading.
The models are those of peers/formulation.py: by node, which the speed-ups speak of, and the far smaller one by set,
which proves the optimum of every order and is told beside it. A peer that reaches its limit counts with the time it
had, which makes the speed-up a lower bound, and proves nothing.
"""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks import one_order_table, plots, record, speed
from benchmarks.peers.cpsat import Result
from benchmarks.prepared import NO_PLAN, Prepared
from benchmarks.race import PEERS, SET_SUFFIX, Race, Task, every, race_apart, race_here
from benchmarks.record import Figures, percentile
from benchmarks.worlds import Spec, sizes_of, world

MINUTE_S = 60.0
LEFT_S = 6.0  # of the minute, for what comes after the race
REQUIRED_KEYS = (
    "kernel_us_p50",
    "kernel_us_p99",
    "decide_us_p50",
    "decisions_per_s",
    "batch_us_per_order",
    "speedup_cpsat",
    "speedup_highs",
    "equal_optimum_share",
    "num_orders",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    orders: int
    decide_orders: int
    guarded_orders: int
    deadline_ms: int  # of one decision, for the stronger method
    loop_orders: int
    limit_s: float  # of a peer for one model by node
    node_step: int  # one in so many orders is modelled by node too; all are by set
    budget_s: float | None  # of the whole benchmark; the race ends in time for it


FULL = Sizes(
    orders=2_000,
    decide_orders=2_000,
    guarded_orders=2_000,
    deadline_ms=1_000,
    loop_orders=20_000,
    limit_s=20.0,
    node_step=1,
    budget_s=None,
)
QUICK = Sizes(
    orders=200,
    decide_orders=200,
    guarded_orders=60,
    deadline_ms=200,
    loop_orders=2_000,
    limit_s=1.0,
    node_step=8,
    budget_s=MINUTE_S,
)


def run(
    spec: Spec,
    sizes: Sizes,
    *,
    workers: int,
    results: Path,
    quick: bool,
    kept: Path | None = None,
    resume: bool = False,
) -> Figures:
    """
    Measure, print a table, write a plot and a line of history.

    Parameters
    ----------
    spec
        The world; its number of orders is taken from `sizes`.
    sizes
        How much of everything.
    workers
        Processes that the peers run in; 0 runs them in this one, without a limit on the whole.
    results
        Folder for `one-order.jsonl` and `one-order.png`.
    quick
        Said in the history.
    kept, resume
        Folder of what the peers have done so far, and whether to go on with it; see `race_apart`.
    """
    began = perf_counter()
    spec = replace(spec, count=sizes.orders)
    prepared = Prepared(world(spec))
    print(f"one-order: {prepared.world.source}, seed {spec.seed}", file=sys.stderr)
    kernel_us = speed.kernel_us(prepared)
    optima = [prepared.optimum_cents(row) for row in range(sizes.orders)]
    figures: Figures = {
        "kernel_us_p50": percentile(kernel_us, 50),
        "kernel_us_p90": percentile(kernel_us, 90),
        "kernel_us_p99": percentile(kernel_us, 99),
        "kernel_us_max": percentile(kernel_us, 100),
        **_decide_figures(prepared, sizes),
        **_loops(prepared, spec, sizes),
        **_wholesale(prepared, spec, sizes),
    }
    left = None if sizes.budget_s is None else max(5.0, sizes.budget_s - LEFT_S - (perf_counter() - began))
    rows = tuple(range(sizes.orders))
    node_rows = every(rows, [len(order.lines) for order in prepared.orders], sizes.node_step)
    task = Task(rows=rows, node_rows=node_rows, limit_s=sizes.limit_s)
    if workers:
        race = race_apart(spec, task, workers=workers, budget_s=left, kept=kept, resume=resume)
    else:
        race = race_here(prepared, task)
    figures |= race_figures(race, kernel_us, optima)
    figures |= {
        "num_orders_measured": sizes.orders,
        "mix": {"name": spec.mix, "orders_by_lines": _counted(sizes_of(spec.mix, sizes.orders, spec.seed))},
        "kernel_by_lines": speed.by_size(prepared, kernel_us),
        "peers_by_lines": _race_by_lines(prepared, race, kernel_us, optima),
        "infeasible_orders": sum(cents == NO_PLAN for cents in optima),
        "num_unproven_ours": sum(cents is None for cents in optima),
        "peer_limit_s": sizes.limit_s,
        "peer_processes": workers,
        "peer_resumed": race.num_resumed,
        "source": prepared.world.source,
        "elapsed_s": round(perf_counter() - began, 1),
    }
    record.append(results, "one-order", figures, seed=spec.seed, quick=quick)
    plots.one_order(results / "one-order.png", figures)
    one_order_table.show(figures)
    return figures


def _decide_figures(prepared: Prepared, sizes: Sizes) -> Figures:
    limit = sizes.deadline_ms
    plain, cut = speed.decide_us(prepared, guard=False, count=sizes.decide_orders, deadline_ms=limit)
    guarded, _ = speed.decide_us(prepared, guard=True, count=sizes.guarded_orders, deadline_ms=limit)
    return {
        "decide_us_p50": percentile(plain, 50),
        "decide_us_p99": percentile(plain, 99),
        "decide_us_max": percentile(plain, 100),
        "decide_cut": cut,
        "decide_deadline_ms": limit,
        "decide_guard_us_p50": percentile(guarded, 50),
        "decide_guard_us_p99": percentile(guarded, 99),
    }


def _loops(prepared: Prepared, spec: Spec, sizes: Sizes) -> Figures:
    """The loop over more orders of the same mix, so that it lasts long enough to be timed."""
    more = Prepared(world(replace(spec, count=sizes.loop_orders), prepared.world.network), prepared.engine)
    return {**speed.loop_figures(more), "intake_us": speed.intake_us(more), **speed.batch_figures(more)}


def _wholesale(prepared: Prepared, spec: Spec, sizes: Sizes) -> Figures:
    """The kernel on baskets as large as a wholesaler's."""
    spec = replace(spec, count=sizes.orders, mix="wholesale")
    spent = speed.kernel_us(Prepared(world(spec, prepared.world.network), prepared.engine))
    return {f"wholesale_kernel_us_p{p}": percentile(spent, p) for p in (50, 99)}


def race_figures(race: Race, kernel_us: NDArray[np.float64], optima: list[int | None]) -> Figures:
    """
    Speed-ups and the share of equal optima.

    Parameters
    ----------
    race
        Its rows are those of `optima`.
    kernel_us : (num_orders,)
        Of the same orders.
    optima
        What we say the best plan costs, NO_PLAN without one, None where we proved nothing (those are left out).
    """
    proven: list[int] = []
    by_peer = dict.fromkeys(PEERS, 0)
    different: list[int] = []
    for row, results in race.results.items():
        if optima[row] is None:
            continue
        known = {name: cents for name, result in results.items() if (cents := optimum(result)) is not None}
        for peer in PEERS:
            by_peer[peer] += known.get(peer, known.get(peer + SET_SUFFIX)) == optima[row]
        if any(cents != optima[row] for cents in known.values()):
            different.append(row)
        if different[-1:] == [row] or all(peer in known or peer + SET_SUFFIX in known for peer in PEERS):
            proven.append(row)
    out: Figures = {
        "num_orders": len(race.results),
        "num_begun_only": len(race.begun),
        "equal_optimum_share": round(1 - len(different) / len(proven), 6) if proven else 0.0,
        "num_equal_checked": len(proven),
        "different_rows": different,
        "peer_facts_ms_p50": percentile(
            [1e3 * next(iter(results.values())).facts_s for results in race.results.values()], 50
        ),
    }
    for peer in PEERS:
        out[f"num_equal_{peer}"] = by_peer[peer]
        for name in (peer, peer + SET_SUFFIX):
            out |= _speedups(name, {row: r[name] for row, r in race.results.items() if name in r}, kernel_us)
    return out


def optimum(result: Result) -> int | None:
    """What a peer proved: cents, NO_PLAN, or nothing."""
    if result.status == "limit":
        return None
    return NO_PLAN if result.cost_cents is None else result.cost_cents


def _speedups(peer: str, results: dict[int, Result], kernel_us: NDArray[np.float64]) -> Figures:
    """Ratios of times on the same order, one ratio an order, and the ratio of the sums."""
    rows = list(results)
    if not rows:
        return {f"speedup_{peer}": 0.0, f"num_unsolved_{peer}": 0, f"num_{peer}": 0}
    ours_us = kernel_us[rows]
    theirs_us = np.array([1e6 * (results[row].build_s + results[row].solve_s) for row in rows])
    alone_us = np.array([1e6 * results[row].solve_s for row in rows])
    solved = np.array([results[row].status != "limit" for row in rows])
    ratio = theirs_us / ours_us
    return {
        f"speedup_{peer}": percentile(ratio, 50),
        f"speedup_{peer}_p10": percentile(ratio, 10),
        f"speedup_{peer}_of_sums": round(float(theirs_us.sum() / ours_us.sum()), 1),
        f"speedup_{peer}_solved": percentile(ratio[solved], 50),
        f"speedup_{peer}_unsolved_min": percentile(ratio[~solved], 0),
        f"speedup_{peer}_solve_only": percentile(alone_us / ours_us, 50),
        f"{peer}_ms_p50": percentile(theirs_us / 1_000, 50),
        f"num_unsolved_{peer}": int((~solved).sum()),
        f"num_{peer}": len(rows),
    }


def _race_by_lines(
    prepared: Prepared, race: Race, kernel_us: NDArray[np.float64], optima: list[int | None]
) -> dict[str, Figures]:
    groups: dict[int, list[int]] = {}
    for row in race.results:
        groups.setdefault(len(prepared.orders[row].lines), []).append(row)
    kept = ("speedup_{}", "speedup_{}_p10", "{}_ms_p50", "num_unsolved_{}")
    out: dict[str, Figures] = {}
    for lines, rows in sorted(groups.items()):
        figures = race_figures(Race(results={row: race.results[row] for row in rows}, begun=()), kernel_us, optima)
        keys = [text.format(name) for peer in PEERS for name in (peer, peer + SET_SUFFIX) for text in kept]
        out[str(lines)] = {key: figures[key] for key in keys if key in figures} | {
            "orders": len(rows),
            "by_node": figures[f"num_{PEERS[0]}"],
            "equal": figures["num_equal_checked"] - len(figures["different_rows"]),
            "facts_ms_p50": figures["peer_facts_ms_p50"],
        }
    return out


def _counted(sizes: list[int]) -> dict[str, int]:
    return {str(lines): count for lines, count in sorted(Counter(sizes).items())}

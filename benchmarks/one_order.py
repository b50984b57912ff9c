"""
One order: the kernel, the whole decision, many orders in a loop, and the same orders by CP-SAT and HiGHS.

A peer's time is building plus solving its model on one thread; reading the facts of the order (prices, dates, stock)
is not counted for the peers but is part of the kernel's time. A peer that reaches its time limit counts with the time
it had, which makes the speed-ups lower bounds; such orders are left out of the share of equal optima.
"""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks import plots, record, speed
from benchmarks.peers.cpsat import Result
from benchmarks.prepared import NO_PLAN, Prepared
from benchmarks.race import PEERS, Race, race_apart, race_here
from benchmarks.record import Figures, percentile
from benchmarks.worlds import Spec, sizes_of, world

MINUTE_S = 60.0
LEFT_S = 6.0  # of the minute, for what comes after the race
REQUIRED_KEYS = (
    "kernel_us_p50",
    "kernel_us_p99",
    "decide_us_p50",
    "decisions_per_s",
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
    limit_s: float  # of a peer for one order
    budget_s: float | None  # of the whole benchmark; the race ends in time for it


FULL = Sizes(
    orders=2_000,
    decide_orders=2_000,
    guarded_orders=2_000,
    deadline_ms=1_000,
    loop_orders=20_000,
    limit_s=20.0,
    budget_s=None,
)
QUICK = Sizes(
    orders=200, decide_orders=200, guarded_orders=60, deadline_ms=200, loop_orders=2_000, limit_s=2.0, budget_s=MINUTE_S
)


def run(spec: Spec, sizes: Sizes, *, workers: int, results: Path, quick: bool) -> Figures:
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
    rows = list(range(sizes.orders))
    if sizes.budget_s is not None:  # one order of ten lines takes a peer longer than the minute there is
        rows.sort(key=lambda row: len(prepared.orders[row].lines))
    if workers:
        race = race_apart(spec, rows, workers=workers, limit_s=sizes.limit_s, budget_s=left)
    else:
        race = race_here(prepared, rows, sizes.limit_s)
    figures |= race_figures(race, kernel_us, optima)
    figures |= {
        "num_orders": sizes.orders,
        "mix": {"name": spec.mix, "orders_by_lines": _counted(sizes_of(spec.mix, sizes.orders, spec.seed))},
        "kernel_by_lines": speed.by_size(prepared, kernel_us),
        "peers_by_lines": _race_by_lines(prepared, race, kernel_us),
        "infeasible_orders": sum(cents == NO_PLAN for cents in optima),
        "num_unproven_ours": sum(cents is None for cents in optima),
        "peer_limit_s": sizes.limit_s,
        "peer_processes": workers,
        "peer_order": "as they come" if sizes.budget_s is None else "fewest lines first, until time is up",
        "source": prepared.world.source,
        "elapsed_s": round(perf_counter() - began, 1),
    }
    record.append(results, "one-order", figures, seed=spec.seed, quick=quick)
    plots.one_order(results / "one-order.png", figures)
    _print_table(figures, sizes)
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
    return {**speed.loop_figures(more), "intake_us": speed.intake_us(more)}


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
    out: Figures = {"num_compared": len(race.results), "num_begun_only": len(race.begun)}
    equal = proven = 0
    for row, by_peer in race.results.items():
        answers = [optimum(by_peer[peer]) for peer in PEERS]
        known = [cents for cents in answers if cents is not None]
        if not known or optima[row] is None:
            continue
        proven += 1
        equal += all(cents == optima[row] for cents in known)
    out["equal_optimum_share"] = round(equal / proven, 6) if proven else 0.0
    out["num_equal_checked"] = proven
    out["different_rows"] = [
        row
        for row, by_peer in race.results.items()
        if optima[row] is not None and any(optimum(by_peer[peer]) not in (None, optima[row]) for peer in PEERS)
    ]
    for peer in PEERS:
        out |= _speedups(peer, {row: by_peer[peer] for row, by_peer in race.results.items()}, kernel_us)
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
        return {f"speedup_{peer}": 0.0, f"num_unsolved_{peer}": 0}
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
    }


def _race_by_lines(prepared: Prepared, race: Race, kernel_us: NDArray[np.float64]) -> dict[str, Figures]:
    groups: dict[int, list[int]] = {}
    for row in race.results:
        groups.setdefault(len(prepared.orders[row].lines), []).append(row)
    return {
        str(lines): {
            key: value
            for peer in PEERS
            for key, value in _speedups(peer, {row: race.results[row][peer] for row in rows}, kernel_us).items()
            if key in (f"speedup_{peer}", f"{peer}_ms_p50", f"num_unsolved_{peer}")
        }
        | {"orders": len(rows)}
        for lines, rows in sorted(groups.items())
    }


def _counted(sizes: list[int]) -> dict[str, int]:
    return {str(lines): count for lines, count in sorted(Counter(sizes).items())}


def _print_table(f: Figures, sizes: Sizes) -> None:
    rows = [
        ("kernel, p50 / p99 / max", f"{f['kernel_us_p50']} / {f['kernel_us_p99']} / {f['kernel_us_max']} us"),
        (
            "kernel, wholesale baskets, p50 / p99",
            f"{f['wholesale_kernel_us_p50']} / {f['wholesale_kernel_us_p99']} us",
        ),
        ("decide, p50 / p99", f"{f['decide_us_p50']} / {f['decide_us_p99']} us; {f['decide_cut']} cut at the deadline"),
        ("decide with the check, p50 / p99", f"{f['decide_guard_us_p50']} / {f['decide_guard_us_p99']} us"),
        ("decisions per second, one core", f"{f['decisions_per_s']:,} ({f['loop_orders']:,} orders, stock consumed)"),
        ("orders into columns", f"{f['intake_us']} us each, in Python"),
    ]
    for peer in PEERS:
        if f"speedup_{peer}_p10" not in f:
            continue
        text = f"{f[f'speedup_{peer}']:,} x median, {f[f'speedup_{peer}_p10']:,} x p10"
        rows.append((f"speed-up over {peer}", f"{text}, {f[f'speedup_{peer}_of_sums']:,} x of sums (lower bounds)"))
        left = f"{f[f'num_unsolved_{peer}']} of {f['num_compared']} orders in {sizes.limit_s:g} s"
        rows.append((f"not solved by {peer}", left))
    rows.append(
        ("equal optima", f"{100 * f['equal_optimum_share']:.2f} % of {f['num_equal_checked']} proven by a peer")
    )
    rows.append(("compared", f"{f['num_compared']} of {f['num_orders']} orders, {f['num_begun_only']} more begun"))
    rows.append(("orders that the peers took", f["peer_order"]))
    for name, text in rows:
        print(f"{name:<38} {text}")
    print(f"{'lines':>5} {'orders':>7} {'p50 us':>9} {'p99 us':>9} {'max us':>9} {'x cpsat':>9} {'x highs':>9}")
    for lines, group in f["kernel_by_lines"].items():
        raced = f["peers_by_lines"].get(lines, {})
        ratios = " ".join(f"{raced.get(f'speedup_{peer}', 0.0):>9,.0f}" for peer in PEERS)
        print(
            f"{lines:>5} {group['orders']:>7} {group['p50_us']:>9,.1f} {group['p99_us']:>9,.1f}"
            f" {group['max_us']:>9,.1f} {ratios}"
        )
    print(f"took {f['elapsed_s']} s; {f['source']}")

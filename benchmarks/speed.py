"""How long one order takes: in the kernel, through `Engine.decide`, and in the loop over many orders."""

import gc
from collections.abc import Callable
from time import perf_counter, perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from benchmarks.prepared import Prepared
from benchmarks.record import Figures, percentile
from engine.decide.brief import Brief
from engine.decide.engine import Engine
from engine.domain.plan import Status
from engine.optimise.columns import A_STATUS
from engine.optimise.kernel import COLLIDES, INFEASIBLE, OPTIMAL

PASSES = 3
BATCH = 200  # orders of a group
DECIDE_WARM_UP = 10  # orders; decisions are made of Python, and a few orders in need of the MIP take long
US = 1_000  # ns


def timed_us(
    call: Callable[[int], object], count: int, *, passes: int = PASSES, warm_up: int | None = None
) -> NDArray[np.float64]:
    """
    Microseconds of each of so many calls: the median of some passes, after one over all (or `warm_up`) not counted.

    A pass goes over all orders before an order comes again, so none finds its own data in the processor's cache. The
    garbage collector rests meanwhile, as `timeit` does it.
    """
    spent = np.zeros((passes, count))
    for i in range(count if warm_up is None else min(count, warm_up)):
        call(i)
    gc.collect()
    gc.disable()
    try:
        for row in spent:
            for i in range(count):
                start = perf_counter_ns()
                call(i)
                row[i] = (perf_counter_ns() - start) / US
    finally:
        gc.enable()
    return np.asarray(np.median(spent, axis=0))


def kernel_us(prepared: Prepared) -> NDArray[np.float64]:
    """The kernel on columns that are there, called once per order from Python."""
    return timed_us(prepared.kernel, len(prepared.orders))


def decide_us(prepared: Prepared, *, guard: bool, count: int, deadline_ms: int) -> tuple[NDArray[np.float64], int]:
    """
    `Engine.decide` from the Order to the Decision object; with `guard` the check of every rule too.

    Orders without a plan of whole lines go on to the stronger method, which may need its deadline; how many did so is
    the second value.
    """
    engine: Engine = prepared.engine
    before, engine.guard = engine.guard, guard
    orders = prepared.world.orders[:count]
    cut: set[int] = set()

    def decide(i: int) -> None:
        if engine.decide(orders[i], deadline_ms=deadline_ms).plan.limit:
            cut.add(i)

    try:
        return timed_us(decide, len(orders), passes=1, warm_up=DECIDE_WARM_UP), len(cut)
    finally:
        engine.guard = before


def loop_figures(prepared: Prepared) -> Figures:
    """Many orders in one compiled loop, each holding its stock and capacity; the median of some passes."""
    engine, columns, start = prepared.engine, prepared.columns, prepared.snapshot()
    spent = []
    for number in range(PASSES + 1):
        prepared.restore(start)
        began = perf_counter()
        answer, _ = engine.decide_columns(columns)
        if number:  # the first pass warms up
            spent.append(perf_counter() - began)
    prepared.restore(start)
    count, status = len(prepared.orders), answer[:, A_STATUS]
    return {
        "decisions_per_s": round(count / float(np.median(spent))),
        "loop_orders": count,
        "loop_infeasible": int((status == INFEASIBLE).sum()),
        "loop_collides": int((status == COLLIDES).sum()),
        "loop_optimal": int((status == OPTIMAL).sum()),
    }


def batch_figures(prepared: Prepared) -> Figures:
    """
    Order objects in, briefs out, stock held: `Engine.decide_batch` in groups, the median of some passes.

    Orders that need the stronger method are to be answered at once; how many did not get a plan is told.
    """
    engine, orders, start = prepared.engine, prepared.world.orders, prepared.snapshot()
    spent, settled = [], 0
    for number in range(PASSES + 1):
        prepared.restore(start)
        began = perf_counter()
        answers = [
            answer
            for first in range(0, len(orders), BATCH)
            for answer in engine.decide_batch(orders[first : first + BATCH], deadline_ms=0)
        ]
        if number:  # the first pass warms up
            spent.append(perf_counter() - began)
        settled = sum(isinstance(answer, Brief) and answer.status == Status.OPTIMAL for answer in answers)
    prepared.restore(start)
    return {
        "batch_us_per_order": round(float(np.median(spent)) * 1e6 / len(orders), 1),
        "batch_orders": len(orders),
        "batch_not_settled": len(orders) - settled,
    }


def intake_us(prepared: Prepared) -> float:
    """Microseconds per order to bring Order objects into columns, targets known already."""
    began = perf_counter()
    prepared.engine.columns(prepared.orders)
    return round((perf_counter() - began) * 1e6 / len(prepared.orders), 1)


def by_size(prepared: Prepared, spent_us: NDArray[np.float64]) -> dict[str, Figures]:
    """Count, p50, p99 and maximum by number of lines."""
    sizes = np.array([len(order.lines) for order in prepared.orders[: len(spent_us)]])
    out: dict[str, Figures] = {}
    for lines in sorted({int(n) for n in sizes}):
        group = [float(x) for x in spent_us[sizes == lines]]
        out[str(lines)] = {
            "orders": len(group),
            "p50_us": percentile(group, 50),
            "p99_us": percentile(group, 99),
            "max_us": percentile(group, 100),
        }
    return out

"""One order by HiGHS (in scipy.optimize.milp): the program of formulation.py as a MIP, solved to a gap of zero."""

from time import perf_counter

import numpy as np

from benchmarks.peers.cpsat import Result
from benchmarks.peers.formulation import INFINITE, formulate
from benchmarks.peers.instance import Instance, instance_of
from benchmarks.peers.presolve import reduced
from engine.options.evaluate import Evaluator


def solve(evaluator: Evaluator, *, limit_s: float = 60.0) -> Result:
    """The cheapest plan with whole lines, under the evaluator's relaxations."""
    started = perf_counter()
    instance = instance_of(evaluator)
    return solve_instance(instance, facts_s=perf_counter() - started, limit_s=limit_s)


def solve_instance(instance: Instance, *, facts_s: float = 0.0, limit_s: float = 60.0) -> Result:
    """The same, of facts that are known already; building includes the presolve of presolve.py."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    started = perf_counter()
    model = formulate(reduced(instance))
    sizes = [len(terms) for _, terms, _ in model.rows]
    columns = np.array([v for _, terms, _ in model.rows for v in terms], dtype=np.int64)
    values = np.array([c for _, terms, _ in model.rows for c in terms.values()], dtype=np.float64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array((values, columns, starts), shape=(len(model.rows), len(model.costs)))
    low = np.array([-np.inf if low <= -INFINITE else low for low, _, _ in model.rows])
    high = np.array([np.inf if high >= INFINITE else high for _, _, high in model.rows])
    built = perf_counter()
    found = milp(
        np.array(model.costs, dtype=np.float64),
        integrality=np.ones(len(model.costs)),
        bounds=Bounds(0, np.array(model.highs, dtype=np.float64)),
        constraints=LinearConstraint(matrix, low, high),
        options={"mip_rel_gap": 0.0, "time_limit": limit_s},
    )
    build_s, solve_s = built - started, perf_counter() - built
    if found.status == 0:
        return Result("optimal", round(found.fun), facts_s, build_s, solve_s)
    return Result("infeasible" if found.status == 2 else "limit", None, facts_s, build_s, solve_s)

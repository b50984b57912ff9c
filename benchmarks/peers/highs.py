"""One order by HiGHS (in scipy.optimize.milp): the program of formulation.py as a MIP, solved to a gap of zero."""

from time import perf_counter

import numpy as np

from benchmarks.peers.cpsat import Result
from benchmarks.peers.formulation import BY_NODE, INFINITE, columns_of, formulate
from benchmarks.peers.instance import Instance


def solve_instance(instance: Instance, kind: str = BY_NODE, *, facts_s: float = 0.0, limit_s: float = 60.0) -> Result:
    """The cheapest plan with whole lines; neither reading the facts nor dropping columns is timed."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    dropping = perf_counter()
    columns = columns_of(instance, kind)
    facts_s += perf_counter() - dropping
    started = perf_counter()
    program = formulate(instance, columns)
    starts = np.cumsum([0, *(len(row.variables) for row in program.rows)])
    held = np.concatenate([row.variables for row in program.rows])
    values = np.concatenate([row.coefficients for row in program.rows]).astype(np.float64)
    matrix = csr_array((values, held, starts), shape=(len(program.rows), len(program.costs)))
    low = np.array([-np.inf if row.low <= -INFINITE else row.low for row in program.rows])
    high = np.array([np.inf if row.high >= INFINITE else row.high for row in program.rows])
    built = perf_counter()
    found = milp(
        program.costs.astype(np.float64),
        integrality=np.ones(len(program.costs)),
        bounds=Bounds(0, program.highs.astype(np.float64)),
        constraints=LinearConstraint(matrix, low, high),
        options={"mip_rel_gap": 0.0, "time_limit": limit_s},
    )
    build_s, solve_s = built - started, perf_counter() - built
    if found.status == 0:
        return Result("optimal", round(found.fun), facts_s, build_s, solve_s)
    return Result("infeasible" if found.status == 2 else "limit", None, facts_s, build_s, solve_s)

"""One order by CP-SAT (OR-Tools): the program of formulation.py, solved to proven optimality on one thread."""

from dataclasses import dataclass
from time import perf_counter

from benchmarks.peers.formulation import BY_NODE, INFINITE, Program, columns_of, formulate
from benchmarks.peers.instance import Instance


@dataclass(frozen=True, slots=True)
class Result:
    """
    What a solver says, and how long each stage took. `status`: "optimal", "infeasible" or "limit".

    `facts_s` is that of reading the order and of dropping columns: no time of the solver, and not counted as such.
    """

    status: str
    cost_cents: int | None
    facts_s: float
    build_s: float
    solve_s: float


def solve_instance(instance: Instance, kind: str = BY_NODE, *, facts_s: float = 0.0, limit_s: float = 60.0) -> Result:
    """The cheapest plan with whole lines; neither reading the facts nor dropping columns is timed."""
    # Imported late: OR-Tools takes most of a second to load, and is not needed to read a result.
    from ortools.sat.python import cp_model

    dropping = perf_counter()
    columns = columns_of(instance, kind)
    facts_s += perf_counter() - dropping
    started = perf_counter()
    program = _program(formulate(instance, columns), cp_model)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2  # the fastest of its settings here
    solver.parameters.max_time_in_seconds = limit_s
    built = perf_counter()
    status = solver.solve(program)
    build_s, solve_s = built - started, perf_counter() - built
    if status == cp_model.OPTIMAL:
        return Result("optimal", round(solver.objective_value), facts_s, build_s, solve_s)
    if status == cp_model.INFEASIBLE:
        return Result("infeasible", None, facts_s, build_s, solve_s)
    return Result("limit", None, facts_s, build_s, solve_s)


def _program(program: Program, cp_model):  # type: ignore[no-untyped-def]  # the stubs of ortools are partial
    model = cp_model.CpModel()
    variables = [model.new_int_var(0, high, "") for high in program.highs.tolist()]
    for low, held, coefficients, high in program.rows:
        total = cp_model.LinearExpr.weighted_sum([variables[v] for v in held.tolist()], coefficients.tolist())
        if low > -INFINITE and high < INFINITE:
            model.add_linear_constraint(total, low, high)
        elif high < INFINITE:
            model.add(total <= high)
        else:
            model.add(total >= low)
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, program.costs.tolist()))
    return model

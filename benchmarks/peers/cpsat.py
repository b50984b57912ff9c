"""One order by CP-SAT (OR-Tools): the program of formulation.py, solved to proven optimality on one thread."""

from dataclasses import dataclass
from time import perf_counter

from benchmarks.peers.formulation import INFINITE, Model, formulate
from benchmarks.peers.instance import Instance, instance_of
from benchmarks.peers.presolve import reduced
from engine.options.evaluate import Evaluator


@dataclass(frozen=True, slots=True)
class Result:
    """What a solver says, and how long each stage took. `status`: "optimal", "infeasible" or "limit"."""

    status: str
    cost_cents: int | None
    facts_s: float
    build_s: float
    solve_s: float


def solve(evaluator: Evaluator, *, limit_s: float = 60.0) -> Result:
    """The cheapest plan with whole lines, under the evaluator's relaxations."""
    started = perf_counter()
    instance = instance_of(evaluator)
    return solve_instance(instance, facts_s=perf_counter() - started, limit_s=limit_s)


def solve_instance(instance: Instance, *, facts_s: float = 0.0, limit_s: float = 60.0) -> Result:
    """The same, of facts that are known already; building includes the presolve of presolve.py."""
    # Imported late: OR-Tools takes most of a second to load, and is not needed to read a result.
    from ortools.sat.python import cp_model

    started = perf_counter()
    model = formulate(reduced(instance))
    program = _program(model, cp_model)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2  # the fastest of its settings here: the relaxation is strong
    solver.parameters.max_time_in_seconds = limit_s
    built = perf_counter()
    status = solver.solve(program)
    build_s, solve_s = built - started, perf_counter() - built
    if status == cp_model.OPTIMAL:
        return Result("optimal", round(solver.objective_value), facts_s, build_s, solve_s)
    if status == cp_model.INFEASIBLE:
        return Result("infeasible", None, facts_s, build_s, solve_s)
    return Result("limit", None, facts_s, build_s, solve_s)


def _program(model: Model, cp_model):  # type: ignore[no-untyped-def]  # the stubs of ortools are partial
    program = cp_model.CpModel()
    variables = [program.new_int_var(0, high, "") for high in model.highs]
    for low, terms, high in model.rows:
        total = cp_model.LinearExpr.weighted_sum([variables[v] for v in terms], list(terms.values()))
        if low > -INFINITE and high < INFINITE:
            program.add_linear_constraint(total, low, high)
        elif high < INFINITE:
            program.add(total <= high)
        else:
            program.add(total >= low)
    priced = [(variable, cost) for variable, cost in zip(variables, model.costs, strict=True) if cost]
    program.minimize(cp_model.LinearExpr.weighted_sum([v for v, _ in priced], [c for _, c in priced]))
    return program

"""A mixed-integer program as columns and rows, solved by HiGHS through scipy. Every column is a whole number."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_clock import Clock

Terms = dict[int, float]  # column -> coefficient
CUT = 1  # the status of a program that was stopped by its time limit


@dataclass(frozen=True, slots=True)
class Outcome:
    """Values (None: nothing found), cost, a lower bound (infinite: nothing is feasible), whether it ended by itself."""

    values: NDArray[np.float64] | None
    cents: float
    bound: float
    finished: bool


@dataclass(slots=True)
class Columns:
    """Cost and limits of every column."""

    cost: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def add(self, cost: float = 0.0, low: float = 0.0, high: float = 1.0) -> int:
        """Add a column and return its number."""
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        return len(self.cost) - 1


class Program:
    """Columns and rows; to be minimised."""

    def __init__(self) -> None:
        self.columns = Columns()
        self._low: list[float] = []
        self._high: list[float] = []
        self._row: list[int] = []
        self._col: list[int] = []
        self._coefficient: list[float] = []

    def row(self, terms: Mapping[int, float], low: float = -np.inf, high: float = np.inf) -> int:
        """Add a constraint and return its number."""
        at = len(self._low)
        self._low.append(low)
        self._high.append(high)
        for col, coefficient in terms.items():
            self.extend(at, col, coefficient)
        return at

    def extend(self, row: int, col: int, coefficient: float) -> None:
        """Add a column to a constraint."""
        self._row.append(row)
        self._col.append(col)
        self._coefficient.append(coefficient)

    def limit(self, row: int, high: float) -> None:
        """Change the upper limit of a constraint."""
        self._high[row] = high

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self._row)

    def run(self, clock: Clock, gap: float, seconds: float | None = None) -> Outcome:
        """Minimise, within so many seconds (all that the clock has left, unless given) and to such a relative gap."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        columns = self.columns
        shape = (len(self._low), len(columns.cost))
        matrix = csr_array((self._coefficient, (self._row, self._col)), shape=shape)
        options: dict[str, float] = {"mip_rel_gap": gap}
        # Presolve does not watch the clock, but stays on: without it HiGHS 1.12 calls optimal what is not.
        limit_s = clock.solver_s(seconds)
        if limit_s is not None:
            options["time_limit"] = max(0.01, limit_s)
        result = milp(
            np.array(columns.cost),
            integrality=np.ones(shape[1]),
            bounds=Bounds(np.array(columns.low), np.array(columns.high)),
            constraints=LinearConstraint(matrix, np.array(self._low), np.array(self._high)),
            options=options,
        )
        if result.status == CUT:
            clock.cut()
        if result.status == 2:
            return Outcome(None, 0.0, np.inf, True)
        bound = -np.inf if result.mip_dual_bound is None else float(result.mip_dual_bound)
        if result.x is None:
            return Outcome(None, 0.0, bound, False)
        return Outcome(np.asarray(result.x), float(result.fun), bound, result.status == 0)

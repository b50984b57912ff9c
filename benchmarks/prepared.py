"""An engine with orders in columns, and the calls that are timed: the one place that knows how to call the kernel."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds import World
from engine.decide.engine import Engine
from engine.domain.plan import Plan, Status
from engine.network.blocks import Block
from engine.optimise import mip
from engine.optimise.kernel import COLLIDES, INFEASIBLE, decide_row
from engine.optimise.tables import ITEMS_MAX, Orders
from engine.optimise.workspace import S_FIELDS
from engine.options.evaluate import Evaluator

COLLIDES_S = 5.0  # for the stronger method, where two shipments of the kernel's plan share a node's capacity
NO_PLAN = -1  # the optimum of an order that cannot be served with whole lines


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Reserved units and booked capacity, to start again from."""

    arrays: tuple[NDArray[np.int32], ...]


class Prepared:
    """Orders of a world, resolved on its network and in columns, ready to be decided one by one or in a loop."""

    def __init__(self, world: World, engine: Engine | None = None) -> None:
        self.world = world
        self.engine = engine or Engine(world.network, guard=False)
        self.orders = [order.merged() for order in world.orders]
        self._out = np.zeros((ITEMS_MAX, S_FIELDS), dtype=np.int64)

    @cached_property
    def columns(self) -> Orders:
        """All orders in columns; made when first asked for."""
        return self.engine.columns(self.orders)

    @cached_property
    def block(self) -> Block:
        """What the kernel takes before the row of an order."""
        return self.engine.chooser.block(self.columns)

    def kernel(self, row: int) -> tuple[int, int, int, int]:
        """Decide the order of a row on the stock as it is: status, cents, number of shipments, row of the place."""
        answer: tuple[int, int, int, int] = decide_row(self.block.at, row, self._out)
        return answer

    def optimum_cents(self, row: int) -> int | None:
        """What the best plan with whole lines costs, NO_PLAN without one, None where nothing was proven in time."""
        status, cents, *_ = self.kernel(row)
        if status == INFEASIBLE:
            return NO_PLAN
        if status == COLLIDES:
            plan: Plan = mip.solve(self.request(row), deadline_s=COLLIDES_S)
            return plan.cost_cents if plan.status == Status.OPTIMAL else None
        return int(cents)

    def request(self, row: int) -> Evaluator:
        """The order of a row as the solver models take it."""
        return self.engine.chooser.request(self.orders[row])

    def snapshot(self) -> Snapshot:
        """What is held now."""
        return Snapshot(tuple(array.copy() for array in self._held()))

    def restore(self, snapshot: Snapshot) -> None:
        """Hold again what was held then."""
        for array, kept in zip(self._held(), snapshot.arrays, strict=True):
            array[:] = kept

    def _held(self) -> tuple[NDArray[np.int32], ...]:
        live = self.engine.live
        return live.row_reserved, live.day_orders, live.day_units, live.hour_orders, live.hour_units

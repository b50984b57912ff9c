"""
The plans of one order with whole lines that no other beats, by labels (engine/optimise/pareto.py), within a deadline.

The kernel's numbers are rebuilt as plans by the Evaluator, which shares no code with it, once somebody asks for them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.decide.choose import Chooser
from engine.domain.plan import Plan, Refusal, Shipment, Status
from engine.domain.units import epoch_s
from engine.network.blocks import Block
from engine.network.routes import Route
from engine.optimise.intake import items_of
from engine.optimise.labels import C_CUT, C_FOUND, C_STEP, Labels, labels
from engine.optimise.mip_clock import Clock
from engine.optimise.pareto import START, find_options
from engine.optimise.tables import O_ITEMS, PL_NODE, Orders
from engine.optimise.workspace import S_AT_PLACE, S_FIELDS, S_ID, S_KIND, S_NODE
from engine.options.evaluate import Evaluator
from engine.options.request import Items

WORK = 200_000  # of shipments and joins between two looks at the clock: some milliseconds
FEW, FEW_SETS = 6, 1 << 14  # nodes looked at first: at least so many, or as have so many sets of items
Value = tuple[int, int, int]  # cost in cents, deliver_by in epoch seconds, CO2e in grams


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan that may be an option: its values, how to build it, and whether all plans were compared."""

    value: Value
    build: Callable[[], Plan]
    exact: bool


class LabelSearch:
    """Finds all choices of an order by the means of a chooser; holds the room that this takes."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self._labels: Labels = labels(len(chooser.compiled.network.nodes))
        self._room = Block.of(self._labels)

    def find(self, request: Evaluator, unserved: Sequence[int], clock: Clock) -> tuple[list[Choice], str]:
        """
        Find the plans with whole lines that no other beats.

        Parameters
        ----------
        request
            An order that fits the kernel, under its rules.
        unserved
            Lines to be left out, by index; all others are served.

        Returns
        -------
        The choices by cost, and what cut the search short, so that better ones may be missing: "deadline", "labels"
        (there was no room for all of them) or nothing.
        """
        chooser, rows, lab = self.chooser, self.chooser.rows, self._labels
        rows.trim()
        orders = chooser.intake.orders([request])
        items = items_of(request)
        target = sum(1 << item for item in {item for i, item in enumerate(items) if i not in unserved})
        limit = self._search(orders, target, clock)
        none = request.plan((), unserved, Status.OPTIMAL, 0)  # for the price of what is left out
        built: dict[tuple[Route, Items], Shipment] = {}
        choices = []
        for i in range(int(lab.state[C_FOUND])):
            row = lab.found[i]
            place = int(orders.places[row["place"], PL_NODE]) if row["place"] >= 0 else -1
            parts = tuple(self._part(request, items, part, place) for part in lab.chosen[i, : row["number"]])
            value = (int(row["cost"]) + none.cost_cents, int(row["deliver"]), int(row["co2e"]))
            build = partial(_build, request, parts, tuple(unserved), value, limit, built)
            choices.append(Choice(value, build, not limit))
        return unbeaten(choices), limit

    def _search(self, orders: Orders, target: int, clock: Clock) -> str:
        """Fill the labels; what cut that short."""
        chooser, state = self.chooser, self._labels.state
        state[C_STEP], state[C_FOUND], state[C_CUT] = START, 0, 0
        block, few = chooser.block_of_one(orders), max(FEW, FEW_SETS >> int(orders.table[0, O_ITEMS]))
        while not clock.late():
            if find_options(block.at, self._room.at, 0, target, few, WORK):
                return "labels" if state[C_CUT] else ""
        return "deadline"

    def _part(
        self, request: Evaluator, items: Sequence[int], part: NDArray[np.int64], place: int
    ) -> tuple[Route, Items]:
        """Route and lines of a shipment that the kernel chose."""
        chosen, kind, candidate, which, at_place = (int(v) for v in part)
        row = np.zeros(S_FIELDS, dtype=np.int64)
        row[S_KIND], row[S_ID], row[S_AT_PLACE] = kind, which, at_place
        row[S_NODE] = self.chooser.workspace.candidate[candidate]["node"]
        lines = request.order.lines
        taken = tuple((i, line.quantity) for i, line in enumerate(lines) if chosen >> items[i] & 1)
        return self.chooser.route_of(row, place), taken


def _build(
    request: Evaluator,
    parts: tuple[tuple[Route, Items], ...],
    unserved: tuple[int, ...],
    value: Value,
    limit: str,
    built: dict[tuple[Route, Items], Shipment],
) -> Plan:
    """The plan of some shipments; `built` keeps those that several plans share."""
    shipments = []
    for part in parts:
        if part not in built:
            shipment = request.shipment(*part)
            assert not isinstance(shipment, Refusal), f"the labels hold a shipment that cannot be: {shipment}"
            built[part] = shipment
        shipments.append(built[part])
    status = Status.FEASIBLE if limit else Status.OPTIMAL
    plan = request.plan(shipments, unserved, status, value[0], limit=limit, method="labels")
    assert value_of(plan) == value, f"order {plan.order_id}: labels say {value}, recount {value_of(plan)}"
    return plan


def value_of(plan: Plan) -> Value:
    """Cost, date and CO2e of a plan; 0 for the date of a plan without shipments."""
    return plan.cost_cents, epoch_s(plan.deliver_by) if plan.deliver_by is not None else 0, plan.co2e_g


class Valued(Protocol):
    """What has a value to be compared by."""

    @property
    def value(self) -> Value:
        """Cost, date and CO2e."""
        ...


V = TypeVar("V", bound=Valued)


def unbeaten(choices: Iterable[V]) -> list[V]:
    """The choices that no other is at least as good as in every criterion, one of each value, by cost."""
    out: list[V] = []
    for choice in sorted(choices, key=lambda c: c.value):
        _, deliver, grams = choice.value
        if not any(kept.value[1] <= deliver and kept.value[2] <= grams for kept in out):
            out.append(choice)
    return out

"""
Orders of any shape to proven optimality: many lines, lines divided into units, shipments that share a node's capacity.

1. Tangents of all slots give a lower bound; a greedy plan, and the MIP over the slots that look best, give plans.
2. A plan's cost and the bound rule out slots (`reduce`). What is left is built in full, with dates and prices.
3. The MIP over what is left looks for a cheaper plan. Where it finds none, the known plan is optimal.

Shipments are rebuilt by `Evaluator`, whose cents count. Where it finds a shipment dearer than the model does (or not
possible), the model is corrected and solved again.
"""

import math
from dataclasses import replace

import numpy as np

from engine.domain.plan import Plan, Refusal, Shipment, Status
from engine.optimise.mip_by_sets import BySets
from engine.optimise.mip_clock import Clock, OutOfTimeError
from engine.optimise.mip_columns import column_bound
from engine.optimise.mip_copies import copies_of, within
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_instance import Load, Slot
from engine.optimise.mip_model import Model, Solution
from engine.optimise.mip_relaxed import relaxed_of
from engine.optimise.mip_rounding import rounded_plan
from engine.optimise.mip_slots import Slots
from engine.optimise.mip_start import Found, coupled, greedy, hasty
from engine.optimise.mip_tariff import Tariffs
from engine.optimise.reduce import Bound, Floats, Ints, Relaxed, dual_bound, first_prices, reduced_cents
from engine.options.evaluate import Evaluator

METHOD = "mip"
_FACTS_SHARE = 0.85  # of the time, after which a plan is made without them
_SETS_SHARE = 0.8  # of what is left then, for sets of items; slots in full prove some orders that these do not
_COLUMNS_SHARE = 0.3  # of what is left then, for the best bound
_PLANS_SHARE = 0.7  # of what is left then, for a plan from its columns; the programs in full get the rest
_NO_BOUND = -(10**12)
_STEPS = 60  # of a bound by subgradients
_FIRST_STEPS = 15  # of those where no plan is known, which lead them
_MANY_SLOTS = 150  # so many left by the first bound call for the best one
_FIRST_SLOTS = 12  # of the first MIP
_ONCE_SHARE = 0.15  # of what is left, for it
_CORRECTIONS_MAX = 50
_OVERRUN_S = 40e-6  # by which HiGHS may overrun its limit, per coefficient: it looks at the clock between steps only
_EPSILON = 0.01  # cents; floats that prove a bound are closer than this


def solve(
    evaluator: Evaluator,
    *,
    deadline_s: float | None = None,
    clock: Clock | None = None,
    gap_max: float = 0.0,
    split_lines: frozenset[int] = frozenset(),
    start: Plan | None = None,
    tariffs: Tariffs | None = None,
) -> Plan:
    """
    Find a cheapest plan of an order.

    Parameters
    ----------
    evaluator
        Of the order.
    deadline_s
        Seconds from now after which the search stops; what is found by then is returned, with its bound.
    clock
        One that runs already, in place of a deadline.
    gap_max
        Relative gap that is good enough.
    split_lines
        Lines (by index) that may be divided into units over several shipments.
    start
        A feasible plan of this order, if one is known.
    tariffs
        Of the network. Hand the same in with every order: it keeps the prices that it asked for.

    Returns
    -------
    Plan
        OPTIMAL, where the bound is the cost; FEASIBLE with ``limit`` "deadline" or "gap" and a lower bound; NOT_FOUND;
        INFEASIBLE.
    """
    clock = clock or Clock(deadline_s)
    try:
        facts = Facts(evaluator, split_lines, tariffs, clock.part(_FACTS_SHARE))
        relaxed = relaxed_of(facts) if facts.may.size else None
    except OutOfTimeError:
        return _in_haste(evaluator, clock, start)
    return _Search(facts, relaxed, clock, gap_max, start).run()


def _in_haste(evaluator: Evaluator, clock: Clock, start: Plan | None) -> Plan:
    """A plan, if one is found at once, and no bound."""
    found = hasty(evaluator, clock) if start is None else None
    plan = start if found is None else evaluator.plan(*found, Status.FEASIBLE, _NO_BOUND)
    if plan is None:
        lines = range(len(evaluator.order.lines))
        return evaluator.plan((), lines, Status.NOT_FOUND, 0, limit="deadline", method=METHOD)
    return replace(plan, status=Status.FEASIBLE, bound_cents=_NO_BOUND, limit="deadline", method=METHOD)


class _Search:
    def __init__(self, facts: Facts, relaxed: Relaxed | None, clock: Clock, gap_max: float, start: Plan | None) -> None:
        self.evaluator = facts.evaluator
        self.relaxed = relaxed
        self.clock = clock
        self.gap_max = gap_max
        self.facts = facts
        self.slots = Slots(self.facts)
        self.best: Plan | None = start
        self.bound = -math.inf  # proven
        self.limit = ""
        self.prices: Floats | None = None

    def upper(self) -> float:
        return np.inf if self.best is None else float(self.best.cost_cents)

    def run(self) -> Plan:
        """All steps; each may end the search."""
        facts = self.facts
        served = [bool(facts.may[:, i].any()) for i in range(len(facts.items))]
        if any(item.unserved_cents is None and not served[i] for i, item in enumerate(facts.items)):
            return self._none(Status.INFEASIBLE)
        if not any(served):
            return self._none(Status.INFEASIBLE)
        required = [i for i, item in enumerate(facts.items) if item.unserved_cents is None]
        apart = sum(bool(facts.alone[i]) for i in required)
        if apart + any(not facts.alone[i] for i in required) > self.evaluator.shipments_max:
            return self._none(Status.INFEASIBLE)  # what ships alone takes a shipment each
        relaxed = self.relaxed
        assert relaxed is not None, "something can be served"
        if all(item.unserved_cents is not None for item in facts.items):
            self._offer(((), tuple(range(len(self.evaluator.order.lines)))))
        proven = self._by_sets(relaxed) or self._by_slots(relaxed)
        if self.best is None:
            return self._none(Status.INFEASIBLE if proven else Status.NOT_FOUND)
        if not self.best.shipments and not self._any_shipment():
            return self._none(Status.INFEASIBLE)
        return self._ended(proven)

    def _by_sets(self, relaxed: Relaxed) -> bool:
        """Bounds and plans from sets of items; True once the best plan is proven to be."""
        if not BySets.takes(self.facts):
            return False
        search = BySets(self.facts, relaxed, self.upper, self._offer)
        proven = search.run(self.clock.part(_SETS_SHARE))
        self.bound, self.prices = max(self.bound, search.bound), search.prices
        return proven

    def _by_slots(self, relaxed: Relaxed) -> bool:
        """The same from slots in full, with all rules; True once it is proven that no cheaper plan is to be had."""
        prices = first_prices(relaxed) if self.prices is None else self.prices
        if self.best is None or not self.best.shipments:
            self._offer(greedy(self.facts, relaxed, prices))
        bound = dual_bound(
            relaxed, self.upper(), _STEPS if self.best else _FIRST_STEPS, prices, self.clock.part(0.2).late
        )
        self.bound = max(self.bound, bound.cents)
        return self._closed() or self._explore(relaxed, bound)

    def _by_columns(self, relaxed: Relaxed, bound: Bound) -> Bound:
        """The best prices there are, a plan from their columns, and what the two leave of the slots."""
        bound, columns = column_bound(relaxed, bound, self.upper(), self.clock.part(_COLUMNS_SHARE))
        self.bound = max(self.bound, bound.cents)
        before = self.upper()
        if not self._closed():
            self._offer(rounded_plan(self.facts, relaxed, columns, bound.prices, self.clock.part(_PLANS_SHARE)))
        if self.upper() < before:
            bound = dual_bound(relaxed, self.upper(), _STEPS, bound.prices, self.clock.part(0.3).late)
            self.bound = max(self.bound, bound.cents)
        return bound

    def _explore(self, relaxed: Relaxed, bound: Bound) -> bool:
        """MIPs over more and more of the slots that are left; True once it is proven that no more is to be had."""
        num_slots, once, by_columns = _FIRST_SLOTS, True, False
        while not self.clock.late():
            if not by_columns and len(bound.slots) > _MANY_SLOTS and (self.best is None or not once):
                bound, by_columns = self._by_columns(relaxed, bound), True
                if self._closed():
                    return True
            chosen = _promising(relaxed, bound, num_slots)
            before = self.upper()
            done = self._solve(relaxed, bound, chosen, once)
            if self.upper() < before:
                bound = dual_bound(relaxed, self.upper(), prices=bound.prices, stop=self.clock.late)
                self.bound = max(self.bound, bound.cents)
            if self._closed() or (done and set(bound.slots.tolist()) <= set(chosen.tolist())):
                return True
            if self.limit:
                return False
            num_slots, once = num_slots if once else 4 * num_slots, False
        self.limit = "deadline"
        return False

    def _solve(self, relaxed: Relaxed, bound: Bound, chosen: Ints, once: bool) -> bool:
        """
        Look for a cheaper plan in some slots, with ``once`` for one that uses none of them twice.

        Returns whether it is proven that they hold none but the best plan known.
        """
        items: dict[int, tuple[int, ...]] = dict.fromkeys(chosen.tolist(), ())
        inside = bound.entries & np.isin(relaxed.entry_slot, chosen)
        for s, i in zip(relaxed.entry_slot[inside].tolist(), relaxed.entry_item[inside].tolist(), strict=True):
            items[s] += (i,)
        model = self._model(items, bound, once)
        if model is None:
            return True
        left = self.clock.left()
        reserve = _OVERRUN_S * model.size
        if left is not None and reserve > (0.6 if self.best else 1.0) * left:
            self.limit = "deadline"
            return False
        whole = not once and len(chosen) == len(bound.slots)
        for _ in range(_CORRECTIONS_MAX):
            left = self.clock.left()
            seconds = None if left is None else min(left - reserve, left * (_ONCE_SHARE if once and self.best else 1.0))
            found = model.solve(self.clock, self.gap_max, seconds)
            if whole:
                self.bound = max(self.bound, min(found.bound, self.upper()))
            if found.loads is None or self._accept(model, found):
                if not found.finished and self.clock.late():
                    self.limit = "deadline"
                return found.finished and model.complete
            model.cutoff(None if self.best is None else self.best.cost_cents)
        self.limit = "corrections"
        return False

    def _model(self, items: dict[int, tuple[int, ...]], bound: Bound | None, once: bool = False) -> Model | None:
        """The model of slots in full, with what each may carry; None where none of them has a shipment."""
        instance = self.facts.instance()
        built: list[Slot] = []
        complete = True
        for s, held in items.items():
            slot = self.slots.slot(s, held)
            if slot is not None and bound is not None:
                slot, copies = within(instance, slot, bound.prices, self.upper() - 1 + _EPSILON - bound.cents)
            elif slot is not None:
                copies = copies_of(instance, slot)
            if slot is not None:
                complete = complete and (copies == 1 or not once)
                built.append(replace(slot, copies=1 if once else copies))
        if not built:
            return None
        instance = replace(instance, slots=tuple(built), cells=tuple(self.slots.cells))
        cutoff = None if bound is None or self.best is None else self.best.cost_cents
        return Model(instance, cutoff, complete=complete)

    def _accept(self, model: Model, found: Solution) -> bool:
        """Rebuild a solution as a plan. False where the model was wrong about a shipment; it is corrected then."""
        assert found.loads is not None, "only solutions are rebuilt"
        instance, evaluator = model.instance, self.evaluator
        shipments: list[Shipment] = []
        corrected = refused = False
        for load, cents in zip(found.loads, found.load_cents, strict=True):
            route = self.facts.ways[instance.slots[load[0]].route].route
            shipment = evaluator.shipment(route, self._lines(load))
            held = frozenset(i for i, _ in load[1])
            if isinstance(shipment, Refusal):
                model.forbid(load[0], held)
                refused = True
                continue
            shipments.append(shipment)
            if shipment.cost_cents > cents:
                model.surcharge(load[0], held, shipment.cost_cents - cents)
                corrected = True
        if refused:
            return False
        served = {i for load in found.loads for i, _ in load[1]}
        unserved = [line for i, item in enumerate(self.facts.items) if i not in served for line in item.lines]
        assert coupled(evaluator, shipments), "the model found shipments that are not possible together"
        plan = evaluator.plan(shipments, unserved, Status.FEASIBLE, 0)
        # a solution that was cut short may sit in a dearer variant than it must
        loose = not found.finished or self.gap_max > 0
        assert corrected or plan.cost_cents == found.cents or (loose and plan.cost_cents < found.cents), (
            f"the model says {found.cents} cents and the recount {plan.cost_cents}, order {evaluator.order.order_id}"
        )
        if plan.cost_cents < self.upper():
            self.best = plan
        return not corrected

    def _any_shipment(self) -> bool:
        """Whether any plan has a shipment: a partial order of which nothing can be served is infeasible."""
        facts = self.facts
        for s in range(len(facts.may)):
            way = facts.ways[facts.slot_way[s]]
            for i in np.flatnonzero(facts.may[s]):
                if facts.units[way.route.node, i] == facts.items[i].quantity:
                    load = (s, ((int(i), facts.items[i].quantity),))
                    if isinstance(self.evaluator.shipment(way.route, self._lines(load)), Shipment):
                        return True
        items = {s: tuple(int(i) for i in np.flatnonzero(may)) for s, may in enumerate(facts.may)}
        model = self._model(items, None)
        return model is not None and model.any_shipment(self.clock)

    def _lines(self, load: Load) -> tuple[tuple[int, int], ...]:
        order, out = self.evaluator.order, []
        for i, units in load[1]:
            item = self.facts.items[i]
            if item.divisible:
                out.append((item.lines[0], units))
            else:
                out += [(line, order.lines[line].quantity) for line in item.lines]
        return tuple(sorted(out))

    def _offer(self, found: Found | None) -> None:
        """Keep a plan if it is the best so far."""
        if found is not None:
            plan = self.evaluator.plan(found[0], found[1], Status.FEASIBLE, 0)
            if plan.cost_cents < self.upper():
                self.best = plan

    def _closed(self) -> bool:
        """Whether the bound meets the cost of the best plan: cents are whole."""
        return self.best is not None and math.ceil(self.bound - _EPSILON) >= self.best.cost_cents

    def _none(self, status: Status) -> Plan:
        lines = range(len(self.evaluator.order.lines))
        bound = math.ceil(self.bound - _EPSILON) if math.isfinite(self.bound) else 0
        return self.evaluator.plan((), lines, status, bound, limit=self.limit, method=METHOD)

    def _ended(self, proven: bool) -> Plan:
        """The best plan with what was proven of it."""
        assert self.best is not None, "there is a plan"
        cost = self.best.cost_cents
        bound = math.ceil(self.bound - _EPSILON) if math.isfinite(self.bound) else _NO_BOUND
        if proven and self.gap_max == 0:
            bound = cost
        bound = min(bound, cost)
        status = Status.OPTIMAL if bound == cost else Status.FEASIBLE
        limit = "" if status == Status.OPTIMAL else (self.limit or "gap")
        return replace(self.best, status=status, bound_cents=bound, limit=limit, method=METHOD)


def _promising(relaxed: Relaxed, bound: Bound, num_slots: int) -> Ints:
    """The slots of least reduced cost among those that are left, and the best of each item that they leave out."""
    if len(bound.slots) <= 2 * num_slots:
        return bound.slots
    reduced = reduced_cents(relaxed, bound.prices)
    kept = np.zeros(len(reduced), dtype=np.bool_)
    kept[bound.slots] = True
    chosen = set(sorted(bound.slots.tolist(), key=lambda s: (reduced[s], s))[:num_slots])
    left = bound.entries & kept[relaxed.entry_slot]
    for i in range(len(relaxed.unserved)):
        holders = relaxed.entry_slot[left & (relaxed.entry_item == i)].tolist()
        if holders and chosen.isdisjoint(holders):
            chosen.add(min(holders, key=lambda s: (reduced[s], s)))
    return np.array(sorted(chosen), dtype=np.int64)

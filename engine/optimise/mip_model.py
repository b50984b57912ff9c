"""
The mixed-integer program of an `Instance`, solved by HiGHS.

    y[s, v]   binary    slot s is used in variant v
    x[s, i]   binary    (any of) item i is in slot s
    q[s, i]   integer   units of a divisible item i in slot s
    k         integer   one for each rounded function that is not linear
    z[p]      binary    place p is used
    u[i]      binary    item i is left unserved

    minimise    cost of variants, shares, rounded functions, places, unserved items, further shipments
    subject to  every item is served once; what is in a slot fits its variant; capacity, stock, number of shipments,
                value of a parcel in a divided order, one place

The model's objective is the cost of its plan exactly, except for rounding errors of the solver; `cut` lets the caller
correct what a recount shows to be wrong.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_clock import Clock
from engine.optimise.mip_instance import NO_LIMIT, Instance, Load, Slot, Stage
from engine.optimise.mip_program import Program, Terms

_TIGHT = 20_000  # denominators up to here are told from halves within the solver's tolerance


@dataclass(frozen=True, slots=True)
class Solution:
    """What HiGHS found: loads by slot (None: nothing), its cost, a lower bound, and whether it ended by itself."""

    loads: tuple[Load, ...] | None
    load_cents: tuple[int, ...]  # what the model takes each of them to cost
    cents: int
    bound: float  # infinite where there is proven to be no plan
    finished: bool


class Model(Program):
    """
    Build once, solve, correct, solve again.

    ``complete`` tells the caller whether the instance's slots have as many copies as plans may use.
    """

    def __init__(self, instance: Instance, cutoff_cents: int | None = None, *, complete: bool = True) -> None:
        super().__init__()
        self.instance = instance
        self.complete = complete
        self.slot_of: list[int] = []  # of each copy
        self.y: list[list[int]] = []
        self.x: list[dict[int, int]] = []
        self.q: list[dict[int, int]] = []
        self._cells: dict[int, tuple[Terms, Terms]] = {}
        self._span: list[tuple[int, int]] = []  # of the columns of each copy
        for s, slot in enumerate(instance.slots):
            for copy in range(slot.copies):
                self._add_slot(s, slot)
                if copy:  # copies are alike: use the first ones
                    before, here = self.y[-2], self.y[-1]
                    self.row({**dict.fromkeys(before, 1.0), **dict.fromkeys(here, -1.0)}, low=0.0)
        self._couple()
        objective = {j: c for j, c in enumerate(self.columns.cost) if c}
        self._cutoff_row = self.row(objective)
        self.cutoff(cutoff_cents)

    def cutoff(self, cents: int | None) -> None:
        """Only plans cheaper than this are of interest."""
        self.limit(self._cutoff_row, np.inf if cents is None else cents - 0.5)

    def _add_slot(self, s: int, slot: Slot) -> None:
        columns, items = self.columns, self.instance.items
        start = len(columns.cost)
        y = [columns.add(v.cents) for v in slot.variants]
        self.slot_of.append(s)
        self.y.append(y)
        x: dict[int, int] = {}
        q: dict[int, int] = {}
        self.x.append(x)
        self.q.append(q)
        for share in slot.shares:
            i = share.item
            x[i] = columns.add(share.fixed_cents)
            if items[i].divisible:
                q[i] = columns.add(0.0, 0.0, share.units_max)
                self.row({q[i]: 1.0, x[i]: -1.0}, low=0.0)
                self.row({q[i]: 1.0, x[i]: -float(share.units_max)}, high=0.0)
                for raw, weight in share.unit_terms:
                    self._charge(self._rounded([0] * len(y), {q[i]: raw * weight}, y, 1000))
            self._admit(slot, y, i)
            self._need(slot, y, i)
        self.row(dict.fromkeys(y, 1.0), high=1.0)
        self.row({**dict.fromkeys(x.values(), 1.0), **dict.fromkeys(y, -1.0)}, low=0.0)
        self._box(y, self.lines(-1), [v.lines for v in slot.variants])
        self._box(y, self.units(-1), [v.units for v in slot.variants])
        self._box(y, self._sum(-1, [(i.weight_g, i.quantity) for i in items]), [v.weight_g for v in slot.variants])
        self._box(y, self._sum(-1, [(i.volume_cm3, i.quantity) for i in items]), [v.volume_cm3 for v in slot.variants])
        for stage in slot.stages:
            self._charge(self._staged(stage, y, [v.parcels for v in slot.variants]))
        self._fill_cells(slot, y)
        self._span.append((start, len(columns.cost)))

    def lines(self, c: int) -> Terms:
        """Number of lines in copy c."""
        return {col: float(len(self.instance.items[i].lines)) for i, col in self.x[c].items()}

    def units(self, c: int) -> Terms:
        """Units in copy c."""
        return self._sum(c, [(i.quantity, i.quantity) for i in self.instance.items])

    def _sum(self, c: int, sizes: list[tuple[int, int]]) -> Terms:
        """Sum over copy c of a quantity given as (of the whole item, units of the item)."""
        out: Terms = {}
        for i, col in self.x[c].items():
            size, quantity = sizes[i]
            if i in self.q[c]:
                out[self.q[c][i]] = float(size // quantity)
            else:
                out[col] = float(size)
        return out

    def _admit(self, slot: Slot, y: list[int], i: int) -> None:
        """Item i is in the slot only in variants that can hold (one unit of) it, or as many units as they cap."""
        item = self.instance.items[i]
        parts = 1 if not item.divisible else item.quantity
        terms: Terms = {self.x[-1][i]: 1.0}
        for col, v in zip(y, slot.variants, strict=True):
            fits = v.weight_g[1] >= item.weight_g // parts and v.volume_cm3[1] >= item.volume_cm3 // parts
            fits = fits and v.units[1] >= item.quantity // parts and v.lines[1] >= len(item.lines)
            if fits and v.caps.get(i, NO_LIMIT) >= item.quantity // parts:
                terms[col] = -1.0
        self.row(terms, high=0.0)
        if item.divisible and any(i in v.caps for v in slot.variants):
            caps = [min(v.caps.get(i, item.quantity), item.quantity) for v in slot.variants]
            self.row({self.q[-1][i]: 1.0, **{col: -float(cap) for col, cap in zip(y, caps, strict=True)}}, high=0.0)

    def _need(self, slot: Slot, y: list[int], i: int) -> None:
        """Variants that wait for item i are used with as many units of it as make them wait."""
        waiting = {col: -float(v.floors[i]) for col, v in zip(y, slot.variants, strict=True) if i in v.floors}
        if waiting:
            self.row({self.q[-1].get(i, self.x[-1][i]): 1.0, **waiting}, low=0.0)

    def _box(self, y: list[int], total: Terms, limits: list[tuple[int, int]]) -> None:
        """The total lies within the limits of the variant in use."""
        most = sum(c * self.columns.high[col] for col, c in total.items())
        if any(high < most for _, high in limits):
            sides = {col: -float(min(high, most)) for col, (_, high) in zip(y, limits, strict=True)}
            self.row({**total, **sides}, high=0.0)
        if any(low > 1 for low, _ in limits):
            self.row({**total, **{col: -float(low) for col, (low, _) in zip(y, limits, strict=True)}}, low=0.0)

    def _staged(self, stage: Stage, y: list[int], parcels: list[int]) -> Terms:
        """A stage as an expression; the part of it that hangs on the variant is on y."""
        modes = [stage.used + stage.per_parcel * p for p in parcels]
        rest: Terms = {}
        sums = ((stage.per_line, self.lines(-1)), (stage.per_unit, self.units(-1)))
        grams = self._sum(-1, [(i.weight_g, i.quantity) for i in self.instance.items])
        for factor, terms in (*sums, (stage.per_gram, grams)):
            if factor:
                for col, c in terms.items():
                    rest[col] = rest.get(col, 0.0) + factor * c
        if stage.inner is not None:
            inner = self._staged(stage.inner, y, parcels)
            at = {col: v for v, col in enumerate(y)}
            for col, c in inner.items():
                if col in at:
                    modes[at[col]] += stage.factor * int(c)
                else:
                    rest[col] = rest.get(col, 0.0) + stage.factor * c
        return self._rounded(modes, rest, y, stage.denominator)

    def _rounded(self, modes: list[int], rest: Terms, y: list[int], denominator: int) -> Terms:
        """
        rounded(modes y + rest, denominator), half up.

        Where the rest divides, so does each mode alone, for at most one y is 1. Else it is the least integer k with
        2 d k >= 2 (modes y + rest) - d + 1 with d the denominator of the fraction in lowest terms. Where d is large,
        the 1 is below the solver's tolerance and left out: exact halves may then be rounded down.
        """
        if all(c % denominator == 0 for c in rest.values()):
            out = {col: c // denominator for col, c in rest.items() if c}
            for col, mode in zip(y, modes, strict=True):
                cents = (2 * mode + denominator) // (2 * denominator)
                if cents:
                    out[col] = float(cents)
            return out
        signed = any(c < 0 for c in (*rest.values(), *modes))
        common = math.gcd(denominator, *(int(c) for c in (*rest.values(), *modes)))
        divisor = denominator // common
        k = self.columns.add(0.0, -np.inf if signed else 0.0, np.inf)
        terms = {col: -c / denominator for col, c in rest.items()}
        terms |= {col: -mode / denominator for col, mode in zip(y, modes, strict=True) if mode}
        slack = 0.5 / divisor if divisor <= _TIGHT else 0.0
        self.row({k: 1.0, **terms}, low=-0.5 + slack)
        return {k: 1.0}

    def _charge(self, expression: Terms) -> None:
        for col, cents in expression.items():
            self.columns.cost[col] += cents

    def _fill_cells(self, slot: Slot, y: list[int]) -> None:
        """Book orders and units in the capacity cells; units of a variant are a column where variants differ."""
        used = sorted({cell for v in slot.variants for cell in v.cells})
        if not used:
            return
        total = self.units(-1)
        most = sum(c * self.columns.high[col] for col, c in total.items())
        for cell in used:
            orders, units = self._cells.setdefault(cell, ({}, {}))
            inside = [col for col, v in zip(y, slot.variants, strict=True) if cell in v.cells]
            orders |= dict.fromkeys(inside, 1.0)
            if self.instance.cells[cell][1] >= NO_LIMIT:
                continue
            if len(inside) == len(y):
                units |= total
                continue
            part = self.columns.add(0.0, 0.0, most)
            outside = {col: most for col in y if col not in inside}
            self.row({part: 1.0, **{c: -a for c, a in total.items()}, **outside}, low=0.0)
            units[part] = 1.0

    def _couple(self) -> None:
        instance, columns = self.instance, self.columns
        used = {col: 1.0 for y in self.y for col in y}
        for i, item in enumerate(instance.items):
            terms: Terms = {}
            for x, q in zip(self.x, self.q, strict=True):
                if i in x:
                    terms[q.get(i, x[i])] = 1.0
            size = float(item.quantity) if item.divisible else 1.0
            if item.unserved_cents is not None:
                terms[columns.add(item.unserved_cents)] = size
            self.row(terms, low=size, high=size)
            if item.divisible and instance.max_per_line < len(self.x):
                self.row({x[i]: 1.0 for x in self.x if i in x}, high=instance.max_per_line)
        self.row(used, high=instance.max_shipments)
        if instance.split_cents:
            self._charge_split(used)
        self._couple_places()
        for cell, (orders, units) in self._cells.items():
            self.row(orders, high=instance.cells[cell][0])
            if units:
                self.row(units, high=instance.cells[cell][1])
        for (node, i), free in instance.stock.items():
            here = [c for c, s in enumerate(self.slot_of) if instance.slots[s].node == node and i in self.q[c]]
            if len(here) > 1:
                self.row({self.q[c][i]: 1.0 for c in here}, high=free)
        if instance.min_value_cents:
            several = columns.add()
            most = float(min(instance.max_shipments, len(used)))
            self.row({**used, several: 1.0 - most}, high=1.0)
            for c, y in enumerate(self.y):
                value = self._sum(c, [(i.value_cents, i.quantity) for i in instance.items])
                least = float(instance.min_value_cents)
                self.row({**value, **dict.fromkeys(y, -least), several: -least}, low=-least)

    def _charge_split(self, used: Terms) -> None:
        served = any(item.unserved_cents is None for item in self.instance.items)
        more = self.columns.add(self.instance.split_cents, 0.0, np.inf)
        self.row({more: 1.0, **dict.fromkeys(used, -1.0)}, low=-1.0, high=-1.0 if served else np.inf)

    def _couple_places(self) -> None:
        places = {s.place for s in self.instance.slots if s.place >= 0}
        if not places or (len(places) == 1 and not any(self.instance.trip_cents.values())):
            return
        z = {p: self.columns.add(self.instance.trip_cents.get(p, 0)) for p in sorted(places)}
        self.row(dict.fromkeys(z.values(), 1.0), high=1.0)
        for c, s in enumerate(self.slot_of):
            place = self.instance.slots[s].place
            if place >= 0:
                self.row({**dict.fromkeys(self.y[c], 1.0), z[place]: -1.0}, high=0.0)

    def forbid(self, slot: int, items: frozenset[int]) -> None:
        """No copy of this slot carries exactly these items (divisible ones in whatever quantity)."""
        for terms in self._away(slot, items):
            self.row(terms, low=1.0 - len(items))

    def surcharge(self, slot: int, items: frozenset[int], cents: int) -> None:
        """Copies of this slot that carry exactly these items cost so much more."""
        for terms in self._away(slot, items):
            extra = self.columns.add(1.0, 0.0, float(cents))
            self.row({extra: 1.0, **{col: cents * a for col, a in terms.items()}}, low=cents * (1.0 - len(items)))
            self.extend(self._cutoff_row, extra, 1.0)

    def _away(self, slot: int, items: frozenset[int]) -> Iterator[Terms]:
        """For each copy: number of its items that are not in the set, less those of the set that are in it."""
        for c, s in enumerate(self.slot_of):
            if s == slot and items <= self.x[c].keys():
                yield {col: -1.0 if i in items else 1.0 for i, col in self.x[c].items()}

    def any_shipment(self, clock: Clock) -> bool:
        """Whether there is a plan with a shipment, whatever it costs. Changes the model for good."""
        self.row({col: 1.0 for y in self.y for col in y}, low=1.0)
        self.columns.cost = [0.0] * len(self.columns.cost)
        return self.solve(clock).loads is not None

    def solve(self, clock: Clock, gap: float = 0.0, seconds: float | None = None) -> Solution:
        """Solve what there is, within so many seconds (all that are left, unless given) and to such a relative gap."""
        outcome = self.run(clock, gap, seconds)
        if outcome.values is None:
            return Solution(None, (), 0, outcome.bound, outcome.finished)
        loads, cents = self._loads(np.round(outcome.values))
        return Solution(loads, cents, round(outcome.cents), outcome.bound, outcome.finished)

    def _loads(self, values: NDArray[np.float64]) -> tuple[tuple[Load, ...], tuple[int, ...]]:
        out: list[Load] = []
        cents: list[int] = []
        cost = np.array(self.columns.cost)
        for c, s in enumerate(self.slot_of):
            inside = []
            for i, col in sorted(self.x[c].items()):
                if values[col] > 0.5:
                    inside.append((i, int(values[self.q[c][i]]) if i in self.q[c] else self.instance.items[i].quantity))
            if inside:
                out.append((s, tuple(inside)))
                span = slice(*self._span[c])
                cents.append(round(float(cost[span] @ values[span])))
        return tuple(out), tuple(cents)

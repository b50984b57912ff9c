"""
The order as a mixed-integer program, in rows that CP-SAT and HiGHS are both given.

Data (instance.py): lines i, routes r with copies, variants j of r (boxes, triggers, release, cents), places p.

Variables
    x[i, r]   line i goes over copy r of a route          binary
    y[r, j]   copy r is a shipment of variant j           binary;  used(r) = sum_j y[r, j] <= 1
    u[i]      line i is left out (partial orders)         binary
    p[place]  the order is collected there                binary;  at most one
    s[k]      the plan has k shipments                    binary;  exactly one k, sum_k k s[k] = sum_r used(r)
    t[r, m]   the m-th rounded amount of copy r           integer; divisor t >= amount - divisor + 1

Minimise    sum c_ir x + sum cents_j y + sum unserved u + sum trip p + sum split_k s + sum t
Subject to  each line once: sum_r x[i, r] + u[i] = 1;   x[i, r] <= used(r)
            boxes: sum_j low_j y <= sum_i measure_i x <= sum_j high_j y, of weight, volume, lines and units
            triggers and release: x[i, r] <= sum of y of the variants that admit i; y[r, j] <= sum of x of lines that
            set a trigger (or release) that j has
            ships alone: lines(r) - 1 <= (n - 1)(1 - x[a, r]);   groups: x[i, r] = x[i', r]
            places: used(r) <= p[place of r];   value(r) >= min (used(r) + [two or more shipments] - 1)
            capacity of every cell (node, day) and (node, day, hour): orders and units of the variants picked in it

Where costs only rise with contents (`rises`) the lower sides of the boxes are left out and dominated variants dropped:
the model is smaller and tighter, the optimum the same. A route gets several copies only where two shipments over it may
cost less than one (`num_copies`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.peers.instance import Facts, Instance, Rounding, Variant

Row = dict[int, int]  # variable -> coefficient
INFINITE = 1 << 60


@dataclass
class Model:
    """Whole-number variables with bounds and costs, and rows low <= sum coefficient * variable <= high."""

    costs: list[int] = field(default_factory=list)
    highs: list[int] = field(default_factory=list)  # variables start at 0
    rows: list[tuple[int, Row, int]] = field(default_factory=list)

    def variable(self, cost: int = 0, high: int = 1) -> int:
        """A new variable in [0, high]."""
        self.costs.append(cost)
        self.highs.append(high)
        return len(self.costs) - 1

    def row(self, low: int, terms: Mapping[int, int], high: int) -> None:
        """A new row."""
        self.rows.append((low, {v: c for v, c in terms.items() if c}, high))

    def at_most(self, terms: Mapping[int, int], high: int) -> None:
        """A row without a lower side."""
        self.row(-INFINITE, terms, high)


@dataclass(frozen=True)
class _Copy:
    facts: Facts
    x: dict[int, int]
    y: dict[int, Variant]  # variable -> variant


def plus(*parts: tuple[int, Iterable[int]]) -> dict[int, int]:
    """Add up (coefficient, variables)."""
    out: dict[int, int] = defaultdict(int)
    for coefficient, variables in parts:
        for variable in variables:
            out[variable] += coefficient
    return out


def formulate(instance: Instance) -> Model:
    """Write the program down; `presolve.reduced` first makes the instance smaller."""
    model = Model()
    lines = range(instance.num_lines)
    unserved = [model.variable(cents) for cents in instance.unserved_cents or ()]
    places = {place: model.variable(cents) for place, cents in instance.trip_cents.items()}
    counts = [model.variable(cents) for cents in instance.split_cents]
    coupled = coupled_nodes(instance)
    copies = [
        _copy(model, instance, facts, coupled)
        for facts in instance.facts
        for _ in range(num_copies(instance, facts, coupled))
    ]
    used = [y for copy in copies for y in copy.y]
    for i in lines:
        takers = [copy.x[i] for copy in copies if i in copy.x]
        model.row(1, plus((1, takers), (1, unserved[i : i + 1])), 1)
    for group in instance.groups:
        for i in group[1:] if unserved else ():
            model.row(0, {unserved[group[0]]: 1, unserved[i]: -1}, 0)
    model.row(1, plus((1, counts)), 1)
    model.row(0, {**plus((-1, used)), **{v: k for k, v in enumerate(counts)}}, 0)
    if len(places) > 1:
        model.at_most(plus((1, places.values())), 1)
    for copy in copies:
        place = copy.facts.route.place
        if place >= 0:
            model.at_most({**plus((1, copy.y)), places[place]: -1}, 0)
        if instance.min_value_cents:
            least = instance.min_value_cents
            worth = {copy.x[i]: instance.value_cents[i] for i in copy.x}
            model.row(-least, {**worth, **plus((-least, copy.y)), **plus((-least, counts[2:]))}, INFINITE)
    _capacities(model, instance, copies, coupled)
    return model


def _copy(model: Model, instance: Instance, facts: Facts, coupled: frozenset[int]) -> _Copy:
    """Variables and rows of one possible shipment over a route."""
    lines = facts.lines
    one_sided = rises(facts) and (facts.route.node not in coupled or len({j.cell for j in facts.variants}) == 1)
    variants = undominated(facts.variants) if one_sided else facts.variants
    x = {i: model.variable(facts.line_cents[i] or 0) for i in lines}
    y = {model.variable(j.cents): j for j in variants}
    model.at_most(plus((1, y)), 1)
    measures = {i: instance.measures((i,)) for i in lines}
    total = instance.measures(lines)
    for axis in range(4):
        held = {x[i]: measures[i][axis] for i in lines}
        if any(j.high[axis] < total[axis] for j in variants):
            model.at_most(held | {v: -j.high[axis] for v, j in y.items()}, 0)
        if not one_sided and any(j.low[axis] > min(m[axis] for m in measures.values()) for j in variants):
            model.row(0, held | {v: -j.low[axis] for v, j in y.items()}, INFINITE)
    bits = instance.triggers.get(facts.route.service, (0,) * instance.num_lines)
    for i in lines:
        admit = [v for v, j in y.items() if bits[i] | j.triggers == j.triggers and facts.line_release[i] <= j.release]
        model.at_most({x[i]: 1, **plus((-1, admit))}, 0)
    model.at_most({**plus((1, y)), **plus((-1, x.values()))}, 0)
    if not one_sided:
        for v, j in y.items():
            for bit in range(j.triggers.bit_length()):
                if j.triggers >> bit & 1:
                    model.at_most({v: 1, **plus((-1, [x[i] for i in lines if bits[i] >> bit & 1]))}, 0)
            if j.release:
                model.at_most({v: 1, **plus((-1, [x[i] for i in lines if facts.line_release[i] == j.release]))}, 0)
    for a in (i for i in lines if instance.alone[i] and len(lines) > 1):
        model.at_most({**plus((1, x.values())), x[a]: len(lines)}, len(lines))
    for group in instance.groups:
        for i in group[1:] if group[0] in x else ():
            model.row(0, {x[group[0]]: 1, x[i]: -1}, 0)
    for rounding in facts.roundings:
        _rounded(model, rounding, x, y, cost=1)
    return _Copy(facts, x, y)


def _rounded(model: Model, rounding: Rounding, x: dict[int, int], y: Iterable[int], *, cost: int) -> int:
    """A variable that is the rounded amount: minimising makes it the floor, and 0 where the copy is not used."""
    used = list(y)
    terms = {x[i]: rounding.by_line[i] for i in x} | plus((rounding.fixed, used))
    most = rounding.fixed + sum(rounding.by_line[i] for i in x)
    if rounding.inner is not None:
        inner = _rounded(model, rounding.inner, x, used, cost=0)
        terms[inner] = rounding.scale
        most += rounding.scale * model.highs[inner]
    amount = model.variable(cost, most // rounding.divisor + 1)
    model.at_most(terms | {amount: -rounding.divisor}, rounding.divisor - 1)
    return amount


def _capacities(model: Model, instance: Instance, copies: list[_Copy], coupled: frozenset[int]) -> None:
    """Orders and units of all shipments picked in one cell."""
    total = sum(instance.units)
    for (k, day, hour), (orders, units) in instance.free.items():
        if k not in coupled:
            continue
        picked: dict[int, int] = {}
        weighed: dict[int, int] = {}
        for copy in copies:
            if copy.facts.route.node != k:
                continue
            inside = [v for v, j in copy.y.items() if j.cell[0] == day and hour in (-1, j.cell[1])]
            if not inside:
                continue
            picked |= plus((1, inside))
            held = {copy.x[i]: instance.units[i] for i in copy.x}
            if len(inside) == len(copy.y):
                weighed |= held
            elif units is not None:
                here = model.variable(0, total)
                model.at_most(held | plus((total, inside)) | {here: -1}, total)
                weighed[here] = 1
        if orders is not None:
            model.at_most(picked, orders)
        if units is not None:
            model.at_most(weighed, units)


def coupled_nodes(instance: Instance) -> frozenset[int]:
    """Nodes with a cell that several shipments of this order could overfill together."""
    shipments, units = len(instance.split_cents) - 1, sum(instance.units)
    return frozenset(
        k
        for (k, _, _), (orders, room) in instance.free.items()
        if (orders is not None and orders < shipments) or (room is not None and room < units)
    )


def columns_of(
    variants: tuple[Variant, ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cents, low, high, triggers and release of variants as arrays."""
    low = np.array([j.low for j in variants])
    high = np.array([j.high for j in variants])
    return (
        np.array([j.cents for j in variants]),
        low,
        high,
        np.array([j.triggers for j in variants]),
        np.array([j.release for j in variants]),
    )


def rises(facts: Facts) -> bool:
    """Whether no variant is cheaper than one whose contents fit under its box, and none is missing below another."""
    cents, low, high, triggers, release = columns_of(facts.variants)
    below = np.ones((len(cents), len(cents)), dtype=bool)  # [a, b]: some contents of a fit under b
    for axis in range(4):
        below &= low[:, None, axis] <= high[None, :, axis]
    below &= (triggers[:, None] | triggers[None, :]) == triggers[None, :]
    below &= release[:, None] <= release[None, :]
    return not facts.holes and not bool((below & (cents[:, None] > cents[None, :])).any())


def undominated(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Variants that no other replaces: none that costs no more takes all they take."""
    cents, _, high, triggers, release = columns_of(variants)
    kept: list[int] = []
    for j in np.lexsort((*-high.T, -triggers, -release, cents)):
        replaced = (
            (high[kept] >= high[j]).all(axis=1)
            & ((triggers[kept] | triggers[j]) == triggers[kept])
            & (release[kept] >= release[j])
        )
        if not replaced.any():
            kept.append(int(j))
    return tuple(variants[j] for j in kept)


def num_copies(instance: Instance, facts: Facts, coupled: frozenset[int]) -> int:
    """How many shipments over one route a best plan may need: one, where joining two is never dearer."""
    most = len(instance.split_cents) - 1
    lines = facts.lines
    alone = sum(instance.alone[i] for i in lines)
    others = len(lines) - alone
    most = min(most, facts.copies_max)
    if most > 1 and others > 1 and joinable(instance, facts):
        others = 1
    return min(most, alone + others)


def joinable(instance: Instance, facts: Facts) -> bool:
    """Whether any two shipments over the route could be one that costs no more, the split it saves included."""
    if not rises(facts) or len({(j.low[2:], j.high[2:], j.release, j.cell) for j in facts.variants}) > 1:
        return False
    if len(instance.split_cents) < 3:
        return True
    saved = min(b - a for a, b in zip(instance.split_cents[1:], instance.split_cents[2:], strict=False))
    total = instance.measures(facts.lines)
    if facts.variants[0].high[2] < total[2] or facts.variants[0].high[3] < total[3]:
        return False
    cents, low, high, triggers, _ = columns_of(facts.variants)
    # Rounding a sum may give a cent more than rounding its parts, at each stage.
    slack = sum(1 + (-(-r.scale // r.divisor) if r.inner is not None else 0) for r in facts.roundings)
    for a in range(len(cents)):
        # Two shipments hold different lines: together no more than all of them.
        beside = a + np.flatnonzero((low[a] + low[a:] <= total).all(axis=1))
        weight = np.minimum(high[a, 0] + high[beside, 0], total[0])
        volume = np.minimum(high[a, 1] + high[beside, 1], total[1])
        both = triggers[a] | triggers[beside]
        fits = (
            (high[None, :, 0] >= weight[:, None])
            & (high[None, :, 1] >= volume[:, None])
            & ((triggers[None, :] | both[:, None]) == triggers[None, :])
        )
        cheapest = np.where(fits, cents[None, :], INFINITE).min(axis=1, initial=INFINITE)
        if (cheapest + slack > cents[a] + cents[beside] + saved).any():
            return False
    return True

"""Lossless reductions of an instance, so that the solvers are given no more than a careful modeller would give them."""

from collections import defaultdict

import numpy as np

from benchmarks.peers.formulation import columns_of, coupled_nodes, rises
from benchmarks.peers.instance import Facts, Instance, rounding_value, without

NEVER = 1 << 50


def reduced(instance: Instance) -> Instance:
    """
    Drop routes that no best plan needs: those that another always replaces, and those too dear for any plan.

    At least one optimal plan of the instance is left.
    """
    instance = without(instance, _undominated(instance))
    instance = without(instance, _best_services(instance))
    most = _incumbent(instance)
    if most is None:
        return instance
    floors = [_floor(f) for f in instance.facts]
    # Any plan over a route pays the least of its variants, the least for each line and, if it cannot carry them all,
    # one more shipment.
    rest = sum(_least_for(instance, i) for i in range(instance.num_lines))
    another = min(floors) + (min(np.diff(instance.split_cents[1:])) if len(instance.split_cents) > 2 else NEVER)
    kept = [
        f
        for f, floor in zip(instance.facts, floors, strict=True)
        if floor + rest + (0 if _may_carry_all(instance, f) else another) <= most
    ]
    return without(instance, kept)


def _undominated(instance: Instance) -> list[Facts]:
    """Of routes whose costs differ by line and by a constant only, those that are best for some lines."""
    coupled = coupled_nodes(instance)
    alike: dict[object, list[Facts]] = defaultdict(list)
    for facts in instance.facts:
        base = facts.variants[0].cents
        # Cells of nodes with room to spare do not matter; a node that may be overfull stays apart from all others.
        crowded = facts.route.node if facts.route.node in coupled else -1
        shape = tuple(
            (j.cents - base, j.low, j.high, j.triggers, j.release, j.cell if crowded >= 0 else None)
            for j in facts.variants
        )
        releases = facts.line_release if len({j.release for j in facts.variants}) > 1 else None
        key = (facts.route.service, facts.route.place, crowded, shape, releases, facts.roundings, facts.holes)
        alike[key].append(facts)
    kept: list[Facts] = []
    for group in alike.values():
        rows = np.array(
            [[f.variants[0].cents, *(cents if cents is not None else NEVER for cents in f.line_cents)] for f in group]
        )
        rows, first = np.unique(rows, axis=0, return_index=True)
        for a, at in enumerate(first):
            beaten = (rows <= rows[a]).all(axis=1)
            beaten[a] = False
            if not beaten.any():
                kept.append(group[at])
    order = {id(facts): n for n, facts in enumerate(instance.facts)}
    return sorted(kept, key=lambda facts: order[id(facts)])


def _best_services(instance: Instance) -> list[Facts]:
    """Routes of a node without those that another of its services replaces, whatever is sent."""
    coupled = coupled_nodes(instance)
    dearer: dict[tuple[object, object], int] = {}
    kept: list[Facts] = []
    by_end: dict[tuple[int, int], list[Facts]] = defaultdict(list)
    for facts in instance.facts:
        by_end[facts.route.node, facts.route.place].append(facts)
    for rivals in by_end.values():
        left = list(rivals)
        for facts in rivals if rivals[0].route.node not in coupled else ():
            if any(_replaces(instance, other, facts, dearer) for other in left if other is not facts):
                left.remove(facts)
        kept += left
    return kept


def _replaces(instance: Instance, new: Facts, old: Facts, dearer: dict[tuple[object, object], int]) -> bool:
    """Whether a route takes all that another of its node takes, never dearer."""
    none = (0,) * instance.num_lines
    bits = [instance.triggers.get(facts.route.service, none) for facts in (new, old)]
    if new.holes or new.roundings != old.roundings or bits[0] != bits[1]:
        return False
    for mine, theirs in zip(new.line_cents, old.line_cents, strict=True):
        if theirs is not None and (mine is None or mine > theirs):
            return False
    if any(len({j.release for j in f.variants}) > 1 for f in (new, old)):
        return False
    bases = new.variants[0].cents, old.variants[0].cents
    shapes = tuple(
        tuple((j.cents - base, *j.high, j.triggers) for j in f.variants)
        for f, base in zip((new, old), bases, strict=True)
    )
    key = (shapes[0], shapes[1])
    if key not in dearer:
        dearer[key] = _most_dearer(new, old) - bases[0] + bases[1] if rises(new) else NEVER
    return bases[0] - bases[1] + dearer[key] <= 0


def _most_dearer(new: Facts, old: Facts) -> int:
    """By how much a shipment over `new` costs more than the same over `old`, at most."""
    cents, _, high, triggers, _ = columns_of(new.variants)
    old_cents, _, old_high, old_triggers, _ = columns_of(old.variants)
    fits = ((triggers[None, :] | old_triggers[:, None]) == triggers[None, :]) & (
        high[None, :, :] >= old_high[:, None, :]
    ).all(axis=2)
    return int((np.where(fits, cents[None, :], NEVER).min(axis=1) - old_cents).max())


def _incumbent(instance: Instance) -> int | None:
    """The cost of a good plan: one shipment, or one that carries all it can and another with the rest."""
    lines = tuple(range(instance.num_lines))
    found = [
        cost + instance.trip_cents.get(f.route.place, 0)
        for f in instance.facts
        if (cost := instance.cost(f, lines)) is not None
    ]
    if len(instance.split_cents) > 2 and not coupled_nodes(instance):
        best_for: dict[tuple[int, ...], int | None] = {}
        for facts in instance.facts:
            rest = tuple(i for i in lines if facts.line_cents[i] is None)
            if rest and facts.route.place < 0 and _worth_sending(instance, rest):
                first = instance.cost(facts, facts.lines)
                if rest not in best_for:
                    best_for[rest] = _cheapest_home(instance, rest)
                second = best_for[rest]
                if first is not None and second is not None:
                    found.append(first + second + instance.split_cents[2])
    return min(found, default=None)


def _worth_sending(instance: Instance, rest: tuple[int, ...]) -> bool:
    """Whether an order cut into these lines and the others keeps to the least value of a shipment."""
    value = sum(instance.value_cents[i] for i in rest)
    return min(value, sum(instance.value_cents) - value) >= instance.min_value_cents


def _cheapest_home(instance: Instance, lines: tuple[int, ...]) -> int | None:
    costs = [instance.cost(f, lines) for f in instance.facts if f.route.place < 0]
    return min((cost for cost in costs if cost is not None), default=None)


def _floor(facts: Facts) -> int:
    """The least that a shipment over a route costs beside its lines."""
    return min(j.cents for j in facts.variants) + sum(min(0, rounding_value(r, ())) for r in facts.roundings)


def _least_for(instance: Instance, i: int) -> int:
    least = min((cents for f in instance.facts if (cents := f.line_cents[i]) is not None), default=NEVER)
    return least if instance.unserved_cents is None else min(least, instance.unserved_cents[i])


def _may_carry_all(instance: Instance, facts: Facts) -> bool:
    return len(facts.lines) == instance.num_lines or instance.unserved_cents is not None

"""Lossless reductions of an instance, so that the solvers are given no more than a careful modeller would give them."""

from collections import defaultdict

import numpy as np

from benchmarks.peers.formulation import coupled_nodes
from benchmarks.peers.instance import Facts, Instance, rounding_value, without

NEVER = 1 << 50


def reduced(instance: Instance) -> Instance:
    """
    Drop routes that no best plan needs: those that another always replaces, and those too dear for any plan.

    At least one optimal plan of the instance is left.
    """
    instance = without(instance, _undominated(instance))
    most = _single_cost(instance)
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


def _single_cost(instance: Instance) -> int | None:
    """The cheapest plan of one shipment, which also is a plan where nothing can be left out."""
    lines = tuple(range(instance.num_lines))
    if instance.num_lines > 1 and any(instance.alone):
        return None
    found = [
        cost + instance.trip_cents.get(f.route.place, 0)
        for f in instance.facts
        if (cost := instance.cost(f, lines)) is not None
    ]
    return min(found, default=None)


def _floor(facts: Facts) -> int:
    """The least that a shipment over a route costs beside its lines."""
    return min(j.cents for j in facts.variants) + sum(min(0, rounding_value(r, ())) for r in facts.roundings)


def _least_for(instance: Instance, i: int) -> int:
    least = min((cents for f in instance.facts if (cents := f.line_cents[i]) is not None), default=NEVER)
    return least if instance.unserved_cents is None else min(least, instance.unserved_cents[i])


def _may_carry_all(instance: Instance, facts: Facts) -> bool:
    return len(facts.lines) == instance.num_lines or instance.unserved_cents is not None

"""Lossless reductions of an instance, so that the solvers are given no more than a careful modeller would give them."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from benchmarks.peers.formulation import columns_of, coupled_nodes, num_copies, rises
from benchmarks.peers.instance import Facts, Four, Instance, Variant, rounding_value, without

NEVER = 1 << 50
STARTS_MAX = 12


def reduced(instance: Instance) -> Instance:
    """
    Drop routes that no best plan needs: those that another always replaces, and those too dear for any plan.

    At least one optimal plan of the instance is left.
    """
    instance = without(instance, _undominated(instance))
    instance = without(instance, _best_services(instance))
    most = _incumbent(instance)
    return instance if most is None else _within(instance, most)


def _within(instance: Instance, most: int) -> Instance:
    """
    Drop numbers of shipments, routes, variants and copies that only plans dearer than `most` have.

    Any plan pays the least that each line may cost, the least variant of each of its shipments and their split.
    """
    floors = [_floor(f) for f in instance.facts]
    least = min(floors)
    lines = sum(_least_for(instance, i) for i in range(instance.num_lines))
    split = instance.split_cents
    counts = [k for k, cents in enumerate(split) if lines + k * least + cents <= most]
    instance = replace(instance, split_cents=split[: max(counts) + 1])
    split = instance.split_cents

    def beside(num: int) -> int:
        """The least that a plan with so many shipments pays for their split and for any further ones."""
        return min(((k - num) * least + split[k] for k in range(num, len(split))), default=NEVER)

    coupled, total = coupled_nodes(instance), instance.measures(range(instance.num_lines))
    one, two = beside(1), beside(2) + least
    kept: list[Facts] = []
    for facts, floor in zip(instance.facts, floors, strict=True):
        whole = len(facts.lines) == instance.num_lines
        slack = floor - min(j.cents for j in facts.variants)  # of what is rounded
        variants = tuple(
            j
            for j in facts.variants
            # One that does not hold the whole order has company, unless lines may be left out.
            if lines + slack + j.cents + (one if instance.unserved_cents or (whole and _holds(j, total)) else two)
            <= most
        )
        copies = num_copies(instance, facts, coupled)
        while copies > 1 and lines + copies * floor + beside(copies) > most:
            copies -= 1
        if variants:
            holes = facts.holes or (len(variants) < len(facts.variants) and not rises(facts))
            kept.append(replace(facts, variants=variants, holes=holes, copies_max=copies))
    return without(instance, kept)


def _holds(variant: Variant, total: Four) -> bool:
    return all(high >= all_of_it for high, all_of_it in zip(variant.high, total, strict=True))


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
    """The cost of a good plan: one shipment, or home deliveries that each carry most of what is left."""
    lines = tuple(range(instance.num_lines))
    found = [
        cost + instance.trip_cents.get(f.route.place, 0)
        for f in instance.facts
        if (cost := instance.cost(f, lines)) is not None
    ]
    if len(instance.split_cents) > 2 and not coupled_nodes(instance):
        home = [f for f in instance.facts if f.route.place < 0]
        # Those that carry most first; a few starts are enough for a good plan, and all of them too many.
        for first in sorted(home, key=lambda f: (-len(f.lines), _floor(f)))[:STARTS_MAX]:
            cost = _greedy(instance, home, first)
            if cost is not None:
                found.append(cost)
    return min(found, default=None)


def _greedy(instance: Instance, home: list[Facts], first: Facts) -> int | None:
    """The cost of the plan that starts with a route and goes on with the cheapest that carries most of the rest."""
    rest = tuple(range(instance.num_lines))
    cost = num = 0
    facts = first
    while True:
        held = tuple(i for i in rest if facts.line_cents[i] is not None)
        paid = instance.cost(facts, held) if held else None
        if paid is None or not _worth_sending(instance, held):
            return None
        cost, num = cost + paid, num + 1
        rest = tuple(i for i in rest if i not in held)
        if not rest:
            return cost + instance.split_cents[num] if num < len(instance.split_cents) else None
        carried = [sum(f.line_cents[i] is not None for i in rest) for f in home]
        best = max(carried)
        priced = [
            (price, n)
            for n, f in enumerate(home)
            if carried[n] == best > 0
            and (price := instance.cost(f, tuple(i for i in rest if f.line_cents[i] is not None))) is not None
        ]
        if not priced:
            return None
        facts = home[min(priced)[1]]


def _worth_sending(instance: Instance, held: tuple[int, ...]) -> bool:
    """Whether a shipment is worth enough; all of the order always is."""
    return len(held) == instance.num_lines or sum(instance.value_cents[i] for i in held) >= instance.min_value_cents


def _floor(facts: Facts) -> int:
    """The least that a shipment over a route costs beside its lines."""
    return min(j.cents for j in facts.variants) + sum(min(0, rounding_value(r, ())) for r in facts.roundings)


def _least_for(instance: Instance, i: int) -> int:
    least = min((cents for f in instance.facts if (cents := f.line_cents[i]) is not None), default=NEVER)
    return least if instance.unserved_cents is None else min(least, instance.unserved_cents[i])

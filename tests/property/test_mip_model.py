"""The MIP of an instance against the enumeration of all its plans."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from engine.optimise.mip_clock import Clock
from engine.optimise.mip_instance import (
    NO_LIMIT,
    Instance,
    Item,
    Load,
    Share,
    Slot,
    Stage,
    Variant,
    load_cents,
    totals,
    variant_of,
)
from engine.optimise.mip_model import Model


def random_instance(rng: np.random.Generator) -> Instance:
    num_items = int(rng.integers(1, 4))
    partial = rng.random() < 0.3
    items = []
    for i in range(num_items):
        divisible = bool(rng.random() < 0.4)
        quantity = int(rng.integers(1, 5))
        items.append(
            Item(
                lines=(i,) if divisible or rng.random() < 0.7 else (i, 10 + i),
                quantity=quantity,
                weight_g=quantity * int(rng.integers(1, 5)),
                volume_cm3=quantity * int(rng.integers(0, 5)),
                value_cents=quantity * int(rng.integers(0, 9)),
                divisible=divisible,
                unserved_cents=int(rng.integers(5, 40)) if partial else None,
            )
        )
    stock = {(n, i): int(rng.integers(1, 5)) for n in range(2) for i in range(num_items)}
    slots = tuple(_slot(rng, items, stock) for _ in range(int(rng.integers(1, 4))))
    return Instance(
        items=tuple(items),
        slots=slots,
        split_cents=int(rng.integers(0, 9)),
        max_shipments=int(rng.integers(1, 4)),
        max_per_line=int(rng.integers(1, 3)),
        min_value_cents=int(rng.choice([0, 0, 8])),
        trip_cents={0: 3, 1: 7},
        cells=((1, NO_LIMIT), (2, 4), (5, 3)),
        stock=stock,
    )


def _slot(rng: np.random.Generator, items: list[Item], stock: dict[tuple[int, int], int]) -> Slot:
    node = int(rng.integers(0, 2))
    shares = []
    for i, item in enumerate(items):
        if rng.random() < 0.8:
            most = min(item.quantity, stock[node, i]) if item.divisible else item.quantity
            terms = ((int(rng.integers(-3, 4)), int(rng.choice([1000, 333]))),) if item.divisible else ()
            shares.append(Share(i, most, int(rng.integers(-2, 9)), terms))
    variants = []
    for v in range(int(rng.integers(1, 4))):
        low = int(rng.integers(0, 6)) if rng.random() < 0.3 else 0
        divisible = [s.item for s in shares]
        waited_for = [s for s in shares if rng.random() < 0.1]
        variants.append(
            Variant(
                cents=int(rng.integers(0, 30)),
                parcels=v + 1,
                weight_g=(low, int(rng.integers(low, 30))),
                volume_cm3=(0, int(rng.integers(5, 40))),
                lines=(1, int(rng.integers(1, 5))) if rng.random() < 0.3 else (1, NO_LIMIT),
                units=(2, NO_LIMIT) if rng.random() < 0.2 else (1, NO_LIMIT),
                caps={i: int(rng.integers(0, 4)) for i in divisible if rng.random() < 0.2},
                floors={s.item: int(rng.integers(1, 3)) if items[s.item].divisible else 1 for s in waited_for},
                cells=tuple(c for c in range(3) if rng.random() < 0.3),
            )
        )
    return Slot(
        route=0,
        node=node,
        place=int(rng.choice([-1, -1, 0, 1])),
        shares=tuple(shares),
        variants=tuple(variants),
        stages=_stages(rng),
        copies=int(rng.integers(1, 3)),
    )


def _stages(rng: np.random.Generator) -> tuple[Stage, ...]:
    picking = Stage(
        denominator=1000,
        used=int(rng.integers(0, 3)) * 700,
        per_line=700,
        per_unit=int(rng.choice([0, 700])),
        inner=Stage(denominator=7, used=3, per_line=2),
        factor=700,
    )
    carbon = Stage(inner=Stage(denominator=10, per_parcel=3, inner=Stage(denominator=3, per_gram=2), factor=4))
    whole = Stage(denominator=1000, used=2500, per_line=1000, per_unit=2000, per_parcel=500)
    return tuple(stage for stage in (picking, carbon, whole) if rng.random() < 0.5)


def best_cents(instance: Instance) -> int | None:
    """The cheapest plan, by enumeration; None without any."""
    copies = [s for s, slot in enumerate(instance.slots) for _ in range(slot.copies)]
    ways = [list(_ways(item, copies, instance, i)) for i, item in enumerate(instance.items)]
    best = None
    for choice in product(*ways):
        loads: list[Load] = []
        for c, s in enumerate(copies):
            inside = tuple((i, units[c]) for i, units in enumerate(choice) if units is not None and units[c])
            if inside:
                loads.append((s, inside))
        unserved = [i for i, units in enumerate(choice) if units is None]
        cents = plan_cents(instance, loads, unserved)
        if cents is not None and (best is None or cents < best):
            best = cents
    return best


def _ways(item: Item, copies: list[int], instance: Instance, i: int) -> Iterator[tuple[int, ...] | None]:
    if item.unserved_cents is not None:
        yield None
    if not item.divisible:
        for c in range(len(copies)):
            yield tuple(item.quantity if c == d else 0 for d in range(len(copies)))
        return
    for units in product(range(item.quantity + 1), repeat=len(copies)):
        if sum(units) == item.quantity and sum(u > 0 for u in units) <= instance.max_per_line:
            yield units


def plan_cents(instance: Instance, loads: list[Load], unserved: list[int]) -> int | None:
    places = {instance.slots[s].place for s, _ in loads} - {-1}
    if len(loads) > instance.max_shipments or len(places) > 1:
        return None
    taken: dict[tuple[int, int], int] = {}
    for s, inside in loads:
        for i, units in inside:
            if instance.items[i].divisible:
                key = (instance.slots[s].node, i)
                taken[key] = taken.get(key, 0) + units
    if any(units > instance.stock[key] for key, units in taken.items()):
        return None
    if len(loads) > 1 and instance.min_value_cents:
        for _, inside in loads:
            value = sum(instance.items[i].value_cents * u // instance.items[i].quantity for i, u in inside)
            if value < instance.min_value_cents:
                return None
    cents = [load_cents(instance, load) for load in loads]
    if any(c is None for c in cents):
        return None
    # the cheapest variants decide unless cells are short; then every choice of variants counts
    total = instance.split_cents * max(0, len(loads) - 1) + sum(instance.trip_cents[p] for p in places)
    total += sum(instance.items[i].unserved_cents or 0 for i in unserved)
    best = None
    for variants in product(*(_variants(instance, load) for load in loads)):
        if all(_fits(instance, loads, variants, cell) for cell in range(len(instance.cells))):
            extra = sum(cents for _, cents in variants)
            best = extra if best is None else min(best, extra)
    return None if best is None else total + best


def _variants(instance: Instance, load: Load) -> list[tuple[Variant, int]]:
    """All variants that hold a load, with what the load costs in each."""
    slot = instance.slots[load[0]]
    out = []
    for v in slot.variants:
        only = Instance(
            items=instance.items,
            slots=(
                Slot(route=0, node=slot.node, place=slot.place, shares=slot.shares, variants=(v,), stages=slot.stages),
            ),
            split_cents=instance.split_cents,
            max_shipments=1,
        )
        if variant_of(only, (0, load[1])) is not None:
            cents = load_cents(only, (0, load[1]))
            assert cents is not None
            out.append((v, cents))
    return out


def _fits(instance: Instance, loads: list[Load], variants: tuple[tuple[Variant, int], ...], cell: int) -> bool:
    inside = [load for load, (v, _) in zip(loads, variants, strict=True) if cell in v.cells]
    orders, units = instance.cells[cell]
    return len(inside) <= orders and sum(totals(instance, load)[1] for load in inside) <= units


@pytest.mark.parametrize("seed", range(60))
def test_the_model_costs_what_the_cheapest_plan_costs(seed: int) -> None:
    instance = random_instance(np.random.default_rng(seed))
    best = best_cents(instance)
    found = Model(instance).solve(Clock(None))
    assert found.finished
    if best is None:
        assert found.loads is None
        return
    assert found.loads is not None
    assert found.cents == best
    assert found.bound <= best + 1e-6


def test_a_cutoff_at_the_optimum_leaves_no_plan() -> None:
    instance = random_instance(np.random.default_rng(3))
    best = best_cents(instance)
    assert best is not None
    model = Model(instance, cutoff_cents=best)
    assert model.solve(Clock(None)).loads is None
    model.cutoff(best + 1)
    assert model.solve(Clock(None)).cents == best

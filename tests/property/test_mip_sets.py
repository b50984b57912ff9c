"""Bounds and plans by sets of items: against enumeration by hand, the tariff itself, and the twin."""

import numpy as np
import pytest

from engine.costs.parcels import Contents
from engine.domain.plan import Plan, Status
from engine.optimise.mip_by_sets import BySets
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_merged import merged
from engine.optimise.mip_relaxed import relaxed_of
from engine.optimise.mip_sets import Sets, set_bound
from engine.optimise.mip_start import Found
from engine.optimise.reduce import Relaxed, dual_bound, reduced_cents
from engine.options.evaluate import Evaluator
from tests import twin
from tests.property.test_mip_twin import evaluators, right_cents
from tests.strategies import random_case


def orders(seed: int) -> list[tuple[Evaluator, frozenset[int]]]:
    """The orders of a random case, with whole lines and divided ones, of which some can be served."""
    out = []
    for evaluator in evaluators(random_case(seed)):
        for split in dict.fromkeys((frozenset[int](), twin.splittable(evaluator))):
            facts = Facts(evaluator, split)
            if facts.may.size and facts.may.any(axis=0).all() and BySets.takes(facts):
                out.append((evaluator, split))
    return out


def set_cents(relaxed: Relaxed, slot: int, pieces: np.ndarray) -> float:
    """What a set costs on a slot by the relaxation, straight from its boxes."""
    entries = {int(relaxed.entry_item[e]): e for e in np.flatnonzero(relaxed.entry_slot == slot)}
    total = relaxed.fixed[slot] + relaxed.split
    grams = cm3 = 0.0
    for i in np.flatnonzero(pieces).tolist():
        if i not in entries or pieces[i] > relaxed.pieces[entries[i]]:
            return np.inf
        part = pieces[i] / relaxed.pieces[entries[i]]
        total += part * relaxed.cost[entries[i]]
        grams += part * relaxed.weight[entries[i]]
        cm3 += part * relaxed.volume[entries[i]]
    boxes, group = relaxed.boxes, relaxed.group[slot]
    best = np.inf
    for m in range(boxes.mask_start[group], boxes.mask_start[group + 1]):
        if all(boxes.mask_items[m, i] for i in np.flatnonzero(pieces)):
            for b in range(boxes.box_start[m], boxes.box_start[m + 1]):
                inside = boxes.least_g[b] <= grams + 1e-6 and grams <= boxes.limit_g[b] + 1e-6
                if inside and boxes.least_cm3[b] <= cm3 + 1e-6 and cm3 <= boxes.limit_cm3[b] + 1e-6:
                    best = min(best, float(boxes.cents[b]))
    return float(total + best)


@pytest.mark.parametrize("seed", range(12))
def test_the_sets_found_within_a_limit_are_all_there_are(seed: int) -> None:
    for evaluator, split in orders(seed):
        facts = Facts(evaluator, split)
        relaxed, _ = merged(facts, relaxed_of(facts))
        pieces = np.array([item.quantity if item.divisible else 1 for item in facts.items])
        if np.prod(pieces + 1) > 300:
            continue
        sets = Sets(relaxed, pieces)
        prices = dual_bound(relaxed, np.inf, rounds=10).prices
        slots = np.arange(len(relaxed.fixed))
        found, complete = sets.search(prices, slots, np.full(len(slots), 300.0), best_only=False)
        assert complete.all()
        least: dict[tuple[int, int], float] = {}
        for s, bits, cents in zip(found.slot.tolist(), found.bits.tolist(), found.reduced.tolist(), strict=True):
            least[s, bits] = min(cents, least.get((s, bits), np.inf))
        right = {}
        for choice in np.ndindex(*(pieces + 1)):
            taken = np.array(choice)
            for s in slots.tolist() if taken.any() else []:
                reduced = set_cents(relaxed, s, taken) - float(taken / pieces @ prices)
                if reduced <= 299.99:
                    right[s, int((taken << sets.shift).sum())] = reduced
        assert {key: cents for key, cents in least.items() if cents <= 299.99} == pytest.approx(right, abs=1e-3)


@pytest.mark.parametrize("seed", range(300, 330))
def test_the_bound_by_sets_is_no_lower_than_knapsacks_and_no_higher_than_the_optimum(seed: int) -> None:
    for evaluator, split in orders(seed):
        facts = Facts(evaluator, split)
        relaxed, _ = merged(facts, relaxed_of(facts))
        pieces = np.array([item.quantity if item.divisible else 1 for item in facts.items])
        first = dual_bound(relaxed, np.inf, rounds=5)
        bound = set_bound(Sets(relaxed, pieces), first, np.inf, Clock(None))
        assert bound.cents >= first.cents
        assert (bound.least >= reduced_cents(relaxed, bound.prices) - 1e-6).all()
        try:
            right = right_cents(evaluator, split)
        except twin.TooLargeError:
            continue
        assert right is None or bound.cents <= right + 0.01


@pytest.mark.parametrize("seed", range(300, 330))
def test_plans_by_sets_are_possible_and_what_is_proven_is_the_optimum(seed: int) -> None:
    for evaluator, split in orders(seed):
        plans: list[Plan] = []

        def offer(found: Found, evaluator: Evaluator = evaluator, plans: list[Plan] = plans) -> None:
            plans.append(evaluator.plan(*found, Status.FEASIBLE, 0))

        def upper(plans: list[Plan] = plans) -> float:
            return min((float(plan.cost_cents) for plan in plans), default=np.inf)

        try:
            right = right_cents(evaluator, split)
        except twin.TooLargeError:
            continue
        facts = Facts(evaluator, split)
        search = BySets(facts, relaxed_of(facts), upper, offer)
        proven = search.run(Clock(None))
        assert all(right is not None and plan.cost_cents >= right for plan in plans)
        if proven:
            assert upper() == right


@pytest.mark.parametrize("seed", range(20))
def test_the_boxes_of_the_relaxation_cost_what_the_tariff_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for evaluator, split in orders(seed)[:1]:
        facts = Facts(evaluator, split)
        for way in facts.ways:
            service = way.route.service
            if service < 0:
                continue
            most_g, most_cm3 = 4_000, 30_000
            for inside, sides in facts.masks(service, frozenset(range(len(facts.items))))[:1]:
                assert inside is not None
                day = facts.eras(service)[0]
                table = facts.tariffs.cheapest(
                    service, way.zone, (day,), way.target, evaluator.order.signature, sides, most_g, most_cm3
                )
                for _ in range(5):
                    grams, cm3 = int(rng.integers(1, most_g)), int(rng.integers(1, most_cm3))
                    price = evaluator.price(way, Contents(grams, cm3, *sides), day)
                    here = table[(table[:, 0] <= grams) & (grams <= table[:, 1])]
                    here = here[(here[:, 2] <= cm3) & (cm3 <= here[:, 3])]
                    cents = getattr(price, "num_parcels", 0) * getattr(price, "unit_price_cents", 0)
                    assert here[:, 4].min(initial=np.inf) == (cents if hasattr(price, "num_parcels") else np.inf)

"""Offers of carts against all plans for home alone and for each place alone, found by labels, which have a twin."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.decide.engine import Engine
from engine.decide.offers import GREEN_CENTS_PER_G, Offer
from engine.domain.order import METHODS, Order
from engine.domain.plan import Refusal
from engine.options.ways import PLACE_METHODS
from tests.strategies import orders_of, random_case

HOME_METHODS = tuple(method for method in METHODS if method not in PLACE_METHODS)
Value = tuple[int, int, int]


def carts(seed: int) -> Iterator[tuple[Engine, Order]]:
    """Orders that leave open where they go, without rules that take anything back."""
    case = random_case(seed)
    engine = Engine(
        case.network, live=case.live, policy=replace(case.policy, relaxations=(), allow_quantity_split=False)
    )
    for order in orders_of(case, 6):
        if order.destination is not None:
            yield engine, replace(order, pickup_node=None, partial=False)


def front(values: list[Value]) -> list[tuple[int, int]]:
    """The pairs of cost and date that no other is at least as good as."""
    out: list[tuple[int, int]] = []
    for cost, deliver, _ in sorted(values):
        if not out or deliver < out[-1][1]:
            out.append((cost, deliver))
    return out


def green(value: Value) -> object:
    """What a plan is worth to whom a gram outweighs 100.00 of cost."""
    return value[0] + GREEN_CENTS_PER_G * value[2]


def by_grams(value: Value) -> object:
    """The fewest grams, then the lowest cost."""
    return value[2], value[0]


def all_plans(engine: Engine, order: Order) -> list[Value]:
    return [
        (o.plan.cost_cents, int(o.plan.deliver_by.timestamp()), o.plan.co2e_g)
        for o in engine.options(order)
        if o.plan.deliver_by is not None
    ]


def checked(engine: Engine, order: Order, offers: list[Offer]) -> int:
    """Compare the offers for one target with all plans of an order for it alone."""
    plans = all_plans(engine, order)
    values = [offer.value for offer in offers]
    if any(not offer.exact for offer in offers):
        return 0
    assert front(values) == front(plans)
    if plans:
        rank = green if order.pickup_node is not None else by_grams
        assert min(map(rank, values)) == min(map(rank, plans))
        for offer in offers:  # each is a plan that the rules allow, at that cost, with that carbon
            plan = engine.plan_of(order, offer.brief)
            assert not isinstance(plan, Refusal), plan
            assert (plan.cost_cents, plan.co2e_g) == (offer.cost_cents, offer.co2e_g)
            assert offer.value in plans or any(p[0] <= offer.value[0] and p[1] <= offer.value[1] for p in plans)
    return len(offers)


@pytest.mark.parametrize("block", range(10))
def test_offers_for_home_and_for_each_place_are_the_best_of_all_plans(block: int) -> None:
    compared = 0
    for seed in range(block * 12, block * 12 + 12):
        for engine, order in carts(seed):
            offers = engine.offers.find(order)
            home = replace(order, methods=tuple(m for m in order.methods or METHODS if m in HOME_METHODS))
            if home.methods:
                compared += checked(engine, home, [one for one in offers if one.place < 0])
            places = engine.chooser.request(order).ways.places
            assert {one.place for one in offers if one.place >= 0} <= set(places)
            for place in places:
                there = replace(order, pickup_node=engine.network.nodes[place].node_id)
                compared += checked(engine, there, [one for one in offers if one.place == place])
    assert compared > 20

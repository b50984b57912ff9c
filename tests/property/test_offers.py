"""
Offers of carts against all plans for home alone and for each place alone: found by labels, which have a twin; listed by
the plain layers; by the cheapest plan for one date after the other; and, of large carts, by the stronger method.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quotes_exact import random_carts, share
from engine.decide.engine import Engine
from engine.decide.offers import FRONT_MAX, GREEN_CENTS_PER_G, Offer
from engine.decide.offers_large import large_offers
from engine.domain.order import METHODS, Destination, Order
from engine.domain.plan import Refusal, Status
from engine.optimise.front import find_front, find_fronts
from engine.optimise.kernel import OPTIMAL
from engine.optimise.mip_clock import Clock
from engine.options.ways import HOME_METHODS
from tests.examples import examples
from tests.strategies import Case, orders_of, random_case

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


def test_the_cheapest_fastest_and_greenest_offers_are_those_of_all_plans_that_there_are() -> None:
    carts = examples(200)  # 1,000 in a soak
    equal, compared, offered = share(random_carts(), carts)
    assert equal == compared == carts
    assert offered > carts


@pytest.mark.parametrize("block", range(4))
def test_one_pass_finds_the_plans_that_a_search_for_each_date_finds(block: int) -> None:
    compared = several = 0
    for seed in range(block * 40, block * 40 + 40):
        for engine, order in carts(seed):
            finder = engine.offers
            orders = finder._targets(finder.chooser.intake.orders([engine.chooser.request(order)]))
            if len(orders.table) == len(orders.places):
                continue  # not for home
            block_at = finder.chooser.block_of_one(orders).at
            find_fronts(block_at, finder.room.at, FRONT_MAX, *finder.rows)
            count, status, green = finder.rows.spans[0].tolist()
            first = int(green == OPTIMAL)
            mine = [np.array(part[first:count]) for part in finder.rows[:3]]
            found, shipments, grams = (np.zeros_like(part[:FRONT_MAX]) for part in finder.rows[:3])
            assert find_front(block_at, 0, found, shipments, grams) == (count - first, status)
            for i in range(count - first):
                number = found[i, 3]
                assert mine[0][i].tolist() == found[i].tolist()
                assert mine[1][i, :number].tolist() == shipments[i, :number].tolist()
                assert mine[2][i, :number].tolist() == grams[i, :number].tolist()
            compared += 1
            several += count - first > 1
    assert compared > 80
    assert several > 5


def large_cart(case: Case) -> Order:
    """The order of a case, to wherever a customer is."""
    home = case.order.destination or Destination(postcode="75001", country="FR", lat=48.86, lon=2.35)
    return replace(case.order, destination=home, pickup_node=None, partial=False, keep_together=())


@pytest.mark.parametrize("seed", range(6))
def test_offers_of_large_carts_cost_what_the_stronger_method_finds_and_arrive_ever_earlier(seed: int) -> None:
    case = random_case(seed, num_lines=13, num_nodes=4)
    policy = replace(case.policy, relaxations=(), allow_quantity_split=False)
    engine = Engine(case.network, live=case.live, policy=policy, guard=False)
    order = large_cart(case)
    offers = large_offers(engine.chooser, engine.chooser.request(order), Clock(None))
    home = [offer for offer in offers if offer.place < 0]
    plan = engine.decide(replace(order, methods=HOME_METHODS), deadline_ms=600_000).plan
    assert (plan.status == Status.OPTIMAL) == bool(home)
    if home:
        assert min(offer.cost_cents for offer in home) == plan.cost_cents
        assert [offer.deliver_by_s for offer in home] == sorted({o.deliver_by_s for o in home}, reverse=True)
    for offer in offers:
        assert offer.exact
        assert sum(line.quantity for leg in offer.brief.legs for line in leg.lines) == sum(
            line.quantity for line in order.lines
        )
    assert large_offers(engine.chooser, engine.chooser.request(order), Clock(0.0)) == []


@pytest.mark.parametrize("seed", range(12))
def test_carts_beyond_the_kernel_are_offered_plans_that_the_rules_allow_at_no_less_than_the_best_cost(
    seed: int,
) -> None:
    case = random_case(seed, num_lines=14 + seed % 4, num_nodes=5, features=frozenset())
    engine = Engine(case.network, live=case.live, policy=replace(case.policy, relaxations=()))
    order = large_cart(case)
    offers = engine.offers.find(order)
    best = engine.decide(replace(order, methods=HOME_METHODS), deadline_ms=600_000).plan
    if best.status == Status.OPTIMAL:
        assert offers
    for offer in offers:
        assert not offer.exact
        whole = order if offer.place < 0 else replace(order, pickup_node=engine.network.nodes[offer.place].node_id)
        plan = engine.plan_of(whole, offer.brief)
        assert not isinstance(plan, Refusal), plan
        assert (plan.cost_cents, plan.co2e_g) == (offer.cost_cents, offer.co2e_g)
        if offer.place < 0:
            assert offer.cost_cents >= best.cost_cents

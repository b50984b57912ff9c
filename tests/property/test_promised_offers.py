"""Promises of many skus against offers of one-line carts, and against what an order is decided right after."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.decide.engine import Engine
from engine.decide.offers import Offer
from engine.decide.promises import Promised, Terms, find_promises, order_of, promised
from engine.domain.ids import SkuId
from engine.domain.order import Order
from engine.domain.plan import Refusal
from engine.domain.units import epoch_s, utc
from engine.options.ways import HOME_METHODS
from tests.dice import Dice
from tests.strategies import FEATURES, orders_of, random_case

LONG_S = 60.0


def asked(seed: int, *, split: bool) -> Iterator[tuple[Engine, list[tuple[SkuId, int]], Terms]]:
    """All skus of a random network at the homes of some orders, in few units and in many."""
    case = random_case(seed)
    policy = replace(case.policy, relaxations=(), allow_quantity_split=split)
    engine, dice = Engine(case.network, live=case.live, policy=policy), Dice(seed, frozenset(FEATURES))
    for order in orders_of(case, 5):
        if order.destination is not None:
            skus = [(sku, dice.pick((1, 1, 2, 3, 7))) for sku in case.network.skus.ids]
            yield engine, skus, Terms(order.destination, order.placed_at, order.channel, LONG_S)


def rank_of_date(offer: Offer) -> tuple[int, int]:
    return offer.deliver_by_s, offer.cost_cents


def worth(one: Promised | None) -> tuple[int, int, int, int] | None:
    return None if one is None else (one.offer.place, *one.offer.value)


def right(engine: Engine, order: Order, offers: list[Offer]) -> list[tuple[int, int, int, int] | None]:
    """What the four promises are worth by the offers of the cart: cheapest, first, nearest, soonest."""
    places = engine.chooser.request(order).ways.places
    home = [offer for offer in offers if offer.place < 0]
    ready = [
        min((offer for offer in offers if offer.place == place), key=rank_of_date)
        for place in places
        if any(offer.place == place for offer in offers)
    ]
    best = [
        min(home, key=lambda offer: offer.value, default=None),
        min(home, key=rank_of_date, default=None),
        ready[0] if ready else None,
        min(ready, key=lambda offer: offer.deliver_by_s, default=None),
    ]
    return [None if offer is None else (offer.place, *offer.value) for offer in best]


def without_grams(values: list[tuple[int, int, int, int] | None]) -> list[tuple[int, int, int] | None]:
    """Of plans with one cost and date an offer is the one with fewest grams, a promise is the one that is decided."""
    return [None if value is None else value[:3] for value in values]


@pytest.mark.parametrize("block", range(8))
def test_promises_are_the_ends_of_the_offers_of_a_cart_of_that_sku_alone(block: int) -> None:
    compared = apart = 0
    for seed in range(block * 15, block * 15 + 15):
        for engine, skus, terms in asked(seed, split=False):
            for (sku, quantity), found in zip(skus, find_promises(engine.chooser, skus, terms), strict=True):
                order = order_of(sku, quantity, terms)
                offers = engine.offers.find(order)
                assert all(offer.exact for offer in offers)
                values = [worth(way) for way in (found.cheapest, found.first, found.nearest, found.soonest)]
                assert without_grams(values) == without_grams(right(engine, order, offers)), (seed, sku)
                assert found.exact
                compared += len(offers)
                apart += found.first is not found.cheapest
    assert compared > 100 < 10 * apart


@pytest.mark.parametrize("block", range(4))
def test_an_order_that_says_what_was_promised_is_decided_as_was_told(block: int) -> None:
    decided = 0
    for seed in range(block * 15, block * 15 + 15):
        for engine, skus, terms in asked(seed, split=False):
            for (sku, quantity), found in zip(skus, find_promises(engine.chooser, skus, terms), strict=True):
                for way in found.ways:
                    plan = engine.decide(sent(engine, order_of(sku, quantity, terms), way)).plan
                    assert (plan.cost_cents, plan.co2e_g) == (way.offer.cost_cents, way.offer.co2e_g)
                    assert plan.deliver_by == utc(way.offer.deliver_by_s)
                    legs = [(leg.node, leg.method, leg.service, leg.place) for leg in way.offer.brief.legs]
                    assert [(s.node, s.method, s.service, s.place) for s in plan.shipments] == legs
                    decided += 1
    assert decided > 100


def sent(engine: Engine, order: Order, way: Promised) -> Order:
    """The order as a promise says that it is to be sent."""
    by = utc(way.offer.deliver_by_s)
    if way.offer.place >= 0:
        return replace(order, pickup_node=engine.network.nodes[way.offer.place].node_id, deliver_by=by)
    return replace(order, methods=HOME_METHODS, deliver_by=by)


@pytest.mark.parametrize("block", range(4))
def test_window_and_last_moment_to_order_are_those_of_the_plain_rules_and_the_date_is_kept(block: int) -> None:
    checked = later = 0
    for seed in range(block * 15, block * 15 + 15):
        for engine, skus, terms in asked(seed, split=False):
            for (sku, quantity), found in zip(skus, find_promises(engine.chooser, skus, terms), strict=True):
                order = order_of(sku, quantity, terms)
                for way in found.ways:
                    assert way == replace(promised(engine.chooser, order, way.offer), offer=way.offer), (seed, sku)
                    last = replace(sent(engine, order, way), placed_at=utc(way.order_by_s))
                    then = engine.plan_of(last, way.offer.brief)
                    assert not isinstance(then, Refusal), then
                    assert then.deliver_by == utc(way.offer.deliver_by_s)
                    checked += 1
                    later += way.order_by_s > epoch_s(terms.placed_at)
    assert checked > 100 < 10 * later


@pytest.mark.parametrize("block", range(2))
def test_what_no_node_has_enough_of_is_divided_as_an_order_would_be(block: int) -> None:
    divided = 0
    for seed in range(block * 7, block * 7 + 7):
        for engine, skus, terms in asked(seed, split=True):
            many = [(sku, 2 + 3 * quantity) for sku, quantity in skus]
            for (sku, quantity), found in zip(many, find_promises(engine.chooser, many, terms), strict=True):
                order = replace(order_of(sku, quantity, terms), methods=HOME_METHODS)
                plan = engine.decide(order).plan
                assert (found.cheapest is None) == (not plan.shipments), (seed, sku)
                if found.cheapest is None or found.first is None:
                    continue
                assert found.cheapest.offer.cost_cents == plan.cost_cents
                if len(found.cheapest.takes) == 1:
                    continue  # a quote divides nothing that can be whole
                assert found.first.offer.deliver_by_s <= found.cheapest.offer.deliver_by_s
                earlier = replace(order, deliver_by=utc(found.first.offer.deliver_by_s - 1))
                assert not engine.decide(earlier).plan.shipments
                divided += 1
    assert divided > 3


def test_without_time_what_has_to_be_divided_is_left_open() -> None:
    left_open = 0
    for seed in range(10):
        for engine, skus, terms in asked(seed, split=True):
            many = [(sku, 2 + 3 * quantity) for sku, quantity in skus]
            hurried = find_promises(engine.chooser, many, terms._replace(deadline_s=0.0))
            for found, whole in zip(find_promises(engine.chooser, many, terms), hurried, strict=True):
                if found.cheapest is not None and len(found.cheapest.takes) > 1:
                    assert (whole.cheapest, whole.first, whole.exact) == (None, None, False)
                    left_open += 1
                else:
                    assert worth(whole.cheapest) == worth(found.cheapest)
    assert left_open > 3

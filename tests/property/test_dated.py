"""Windows of shipments by the kernel, against the plain promises: on random networks, at random moments."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.decide.dated import windows
from engine.decide.engine import Engine
from engine.domain.order import Method
from tests.strategies import orders_of, random_case

KINDS: set[Method] = set()


@pytest.mark.parametrize("seed", range(60))
def test_windows_are_those_of_the_promises_of_the_plain_layer(seed: int) -> None:
    case = random_case(seed)
    policy = replace(case.policy, allow_quantity_split=False, trip_distance_m_max=2_000_000)
    engine = Engine(replace(case.network, policies=(policy,)))
    for number, order in enumerate(orders_of(case, 5)):
        late = timedelta(minutes=397 * number)
        if order.destination is None:
            continue
        cart = replace(order, pickup_node=None, partial=False, placed_at=order.placed_at + late).merged()
        request = engine.chooser.request(cart)
        legs = [leg for offer in engine.offers.find(cart, request) for leg in offer.brief.legs]
        KINDS.update(leg.method for leg in legs)
        assert windows(engine.chooser, request, legs) == windows(engine.chooser, request, legs, plainly=True)
        for offer in engine.offers.find(cart, request):  # and capacity that others take moves them
            engine.hold_brief(offer.brief, 1)
            break


def test_the_cases_have_ways_of_every_kind() -> None:
    for seed in range(60):
        test_windows_are_those_of_the_promises_of_the_plain_layer(seed)
        if {Method.CLICK_AND_COLLECT, Method.SHIP_TO_STORE, Method.SAME_DAY, Method.SHIP_FROM_STORE} <= KINDS:
            return
    raise AssertionError(KINDS)

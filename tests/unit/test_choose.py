"""Which method is asked for a plan, and what is seen without asking any."""

import pytest

from engine.decide.engine import Engine
from engine.domain.order import Method
from engine.domain.plan import Status
from engine.network.model import Network
from engine.optimise import mip
from tests import builders as b

HOME = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)
NUM_LINES = 14  # more than the kernel takes
NAMES = tuple(f"k{i}" for i in range(NUM_LINES))


def network(**changes: object) -> Network:
    weights = [500] * NUM_LINES
    weights[5] = 31_000  # more than any service takes
    return b.network(skus=b.sku_table(*NAMES, weight_g=changes.pop("weight_g", weights)), **changes)


def test_a_line_that_no_carrier_takes_makes_a_large_order_infeasible_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mip, "solve", lambda *_, **__: pytest.fail("the stronger method was asked"))
    plan = Engine(network()).decide(b.order(*NAMES, methods=HOME)).plan
    assert plan.status == Status.INFEASIBLE
    assert {code for unmet in plan.unmet if unmet.sku == "k5" for _, code in unmet.reasons} >= {"too_heavy"}


def test_a_line_that_can_go_in_no_part_makes_an_order_infeasible_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mip, "solve", lambda *_, **__: pytest.fail("the stronger method was asked"))
    plan = Engine(network()).decide(b.order(b.line("k5", 2), methods=HOME)).plan
    assert plan.status == Status.INFEASIBLE


def test_what_has_no_price_alone_may_go_with_others() -> None:
    light = b.rate("std", "far", 500, weight_max_g=2_000)  # a band that is not sold to the zone at hand
    rates = (light, b.rate("std", "far", 900), b.rate("std", "near", 900))
    world = network(weight_g=500, rates=rates)
    assert Engine(world).decide(b.order("k1", methods=HOME, nodes=("wh",))).plan.status == Status.INFEASIBLE
    plan = Engine(world).decide(b.order(*NAMES, methods=HOME, nodes=("wh",))).plan
    assert plan.status == Status.OPTIMAL
    assert len(plan.shipments) == 1

"""Up to when an order keeps its date, by the kernel and by the plain rules: later hand-overs, hours without room."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.decide.engine import Engine
from engine.decide.offers import OfferKind
from engine.decide.promises import Promised, Terms, find_promises, order_of, promised
from engine.domain.ids import NodeId, SkuId
from engine.domain.order import Method
from engine.domain.units import utc
from engine.network.model import Inbound, Network
from tests import builders

SKU = (SkuId("a"), 2)
MONDAYS = "Mo 10:00-12:00"


def network(**changes: object) -> Network:
    """Places that open on Mondays only, and a warehouse that picks every day, by the hour."""
    nodes = (
        builders.node(picking_hours="Mo-Su 06:00-22:00", handling_order_s=1_200, **changes),
        builders.store(lat=48.86, lon=2.35, opening_hours=MONDAYS, picking_hours="Mo-Su 06:00-22:00"),
        builders.pickup_point(opening_hours=MONDAYS),
    )
    daily = {"weekdays": "1111111"}
    collections = tuple(builders.collection("wh", service, **daily) for service in ("std", "exp", "relay"))
    return builders.network(nodes=nodes, collections=collections, lanes=(builders.lane(**daily),))


def found(engine: Engine, hours: int, methods: tuple[Method, ...] = ()) -> list[tuple[Promised, Promised]]:
    """What is promised to an order placed so much later, and the same by the plain rules."""
    placed = builders.AS_OF + timedelta(hours=hours, minutes=7)
    terms = Terms(builders.dest(), placed, "", 1.0, methods)
    (one,) = find_promises(engine.chooser, [SKU], terms)
    return [(way, promised(engine.chooser, order_of(*SKU, terms), way.offer)) for way in one.ways]


@pytest.mark.parametrize("method", [Method.PICKUP_POINT, Method.SHIP_TO_STORE])
def test_a_place_that_opens_later_may_be_served_by_later_hand_overs(method: Method) -> None:
    engine = Engine(network())
    handed_over_before = 0
    for hours in range(0, 7 * 24, 5):
        for way, plain in found(engine, hours, (method,)):
            assert (way.order_by_s, way.deliver_from_s) == (plain.order_by_s, plain.deliver_from_s), hours
            (leg,) = way.offer.brief.legs
            handed_over_before += way.order_by_s > leg.ship_by_s
    assert handed_over_before > 10


def test_hours_without_room_are_no_time_to_start_a_pick() -> None:
    engine = Engine(network(capacity_hour_orders=1))
    dice = np.random.default_rng(1)
    engine.live.hour_orders[:] = dice.random(engine.live.hour_orders.shape) < 0.6
    cut_short = 0
    for hours in range(0, 7 * 24, 3):
        for way, plain in found(engine, hours):
            assert (way.order_by_s, way.deliver_from_s) == (plain.order_by_s, plain.deliver_from_s), (hours, way.offer)
            cut_short += utc(way.order_by_s).minute == 59 and way.offer.kind != OfferKind.COLLECT
    assert cut_short > 10


def test_what_is_due_later_may_be_ordered_as_long_as_its_shipment_is_made() -> None:
    policy = replace(builders.network().policies[0], use_inbound=True)
    due = builders.AS_OF + timedelta(hours=30)
    shop = replace(
        network(),
        policies=(policy,),
        stock=builders.network(stock={("wh", "a"): 0}).stock,
        inbound=(Inbound(node_id=NodeId("wh"), sku=SkuId("a"), units=5, available_at=due),),
    )
    engine = Engine(shop)
    for hours in range(0, 48, 5):
        ways = found(engine, hours)
        assert ways
        for way, plain in ways:
            assert way.order_by_s == plain.order_by_s >= due.timestamp()

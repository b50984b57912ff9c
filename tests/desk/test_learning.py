"""How often picks fail, learnt from what became of shipments."""

import random
from typing import Any

import msgspec
import pytest

from engine.desk.learning import CountPicks, Picks, decayed, learnt, moved, rejection_ppm
from engine.desk.reject import Reject
from engine.desk.rules import Rules
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.ids import NodeId
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import Part, PartState
from engine.stock.records_oms import PickStats
from tests import builders
from tests.desk.desk_cases import allocate, following, said, settle
from tests.ledger_twin import LedgerTwin

NODES = (builders.node("wh"), builders.store("st"))


@pytest.mark.parametrize("true_ppm", [0, 20_000, 150_000, 600_000])
def test_the_rate_of_a_node_comes_to_the_true_one_whatever_the_others_are(true_ppm: int) -> None:
    dice = random.Random(true_ppm)
    failed = sum(dice.randrange(1_000_000) < true_ppm for _ in range(20_000))
    picks = {"wh": Picks(20_000_000, failed * 1_000), "st": Picks(500_000, 250_000)}
    found = rejection_ppm(picks, NODES, Rules())
    assert abs(found[NodeId("wh")] - true_ppm) < 12_000


def test_a_node_that_has_shown_nothing_is_an_average_one_and_the_average_begins_as_it_was_read() -> None:
    nodes = (builders.node("wh", rejection_ppm=40_000), builders.store("st"), builders.store("s2"))
    assert set(rejection_ppm({}, nodes, Rules()).values()) == {13_333}
    found = rejection_ppm({"wh": Picks(1_000_000, 100_000)}, nodes, Rules())
    average = (100 + 200 * 0.013333333) / 1200
    assert found["st"] == found["s2"] == round(1e6 * average)
    assert found["wh"] == round(1e6 * (100 + 50 * average) / 1050)


def test_failures_move_the_rate_up_and_time_moves_it_back_to_the_average() -> None:
    rates = []
    for failed in (0, 5, 10):
        rates.append(rejection_ppm({"wh": Picks(20_000, failed * 1_000), "st": Picks(20_000, 0)}, NODES, Rules())["wh"])
    assert rates == sorted(set(rates))
    half = decayed(Picks(20_000, 10_000), Rules().pick_half_life_s, Rules().pick_half_life_s)
    assert half == (10_000, 5_000)
    later = rejection_ppm({"wh": half, "st": Picks(20_000, 0)}, NODES, Rules())["wh"]
    assert later < rates[-1]


def test_a_rate_that_hardly_moved_is_left_as_it_is() -> None:
    before = {NodeId("wh"): 10_000}
    assert moved(before, {NodeId("wh"): 10_900, NodeId("st"): 50_000}) == {"wh": 10_000, "st": 50_000}
    assert moved(before, {NodeId("wh"): 11_000}) == {"wh": 11_000}


def shipped(ledger: Ledger) -> None:
    """Every open shipment leaves."""
    for part in ledger.find(Part, {"state": "confirmed"}, limit=1_000):
        done = msgspec.structs.replace(part, state=PartState.SHIPPED.value, version=part.version + 1)
        assert ledger.post([Posting(changes=[done])], part.updated_s).outcomes[0].conflict is None


def test_each_pick_is_counted_once_though_it_is_counted_again_and_again(ledger: Ledger) -> None:
    with following(builders.network(), ledger) as (desk, clock):
        desk.ask(allocate(builders.order("a", "b"), ttl_s=None))
        desk.ask(allocate(builders.order("a", order_id="o2"), ttl_s=None))
        line = RejectedLine(line_id="a", units=1)
        desk.ask(Reject(rejection_id="r", reservation_id="o2", part=1, lines=(line,), reason=Reason.DAMAGED))
        shipped(ledger)
        clock.now_s += 3_600
        for _ in range(3):
            desk.ask(CountPicks())
        rows = {row.node_no: (row.asked, row.failed) for row in ledger.find(PickStats)}
    assert rows == {-1: (0, 0), 0: (3_000, 1_000), 1: (1_000, 0)}


def test_a_node_that_keeps_failing_loses_orders_to_one_that_is_dearer_and_does_not() -> None:
    ledger = LedgerTwin()
    nodes = (builders.node("w1"), builders.node("w2", cost_order_cents=80))
    collections = tuple(builders.collection(node.node_id, "std") for node in nodes)
    network = builders.network(
        nodes=nodes, collections=collections, lanes=(), stock={("w1", "a"): 900, ("w2", "a"): 900}
    )
    with following(network, ledger, rules=Rules(learn_each_s=1)) as (desk, clock):

        def chosen(name: str, **changes: Any) -> str:
            document = said(desk.ask(allocate(builders.order("a", order_id=name, **changes), ttl_s=None)))
            return str(document["shipments"][0]["node"])

        assert chosen("before") == "w1"
        for i in range(30):
            assert chosen(f"o{i}", nodes=("w1",)) == "w1"
            line = RejectedLine(line_id="a", units=1)
            desk.ask(Reject(rejection_id=f"r{i}", reservation_id=f"o{i}", part=1, lines=(line,), reason=Reason.DAMAGED))
        clock.now_s += 3_600
        settle(desk)
        ppm = learnt(desk.state, nodes)
        assert ppm[NodeId("w1")] > 300_000 > ppm[NodeId("w2")]
        settle(desk)
        assert chosen("after") == "w2"

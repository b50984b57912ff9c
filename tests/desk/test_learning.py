"""How often picks fail, learnt from what became of shipments."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.desk.exchange import changed_node
from engine.desk.learning import CountPicks, Picks, Rates, class_ppm, decayed, learnt, moved, rejection_ppm
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
    before = {NodeId("wh"): Rates(10_000)}
    assert moved(before, {NodeId("wh"): Rates(10_900), NodeId("st"): Rates(50_000)}) == {
        "wh": Rates(10_000),
        "st": Rates(50_000),
    }
    assert moved(before, {NodeId("wh"): Rates(11_000)}) == {"wh": Rates(11_000)}
    known = {NodeId("wh"): Rates(10_000, (("", 10_000), ("x", 30_000)))}
    fresh = Rates(10_500, (("", 12_000), ("x", 30_100)))
    assert moved(known, {NodeId("wh"): fresh}) == {"wh": Rates(10_000, (("", 12_000), ("x", 30_000)))}
    assert moved(before, {NodeId("wh"): fresh}) == {"wh": fresh}


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


CLASSED = builders.sku_table(class_names=("", "x"), class_of=np.array([0, 1, 1], dtype=np.int32))


def test_picks_are_counted_by_the_class_of_their_skus(ledger: Ledger) -> None:
    with following(builders.network(skus=CLASSED), ledger) as (desk, clock):
        desk.ask(allocate(builders.order("a", "b", "c"), ttl_s=None))
        desk.ask(allocate(builders.order("b", order_id="o2"), ttl_s=None))
        line = RejectedLine(line_id="b", units=1)
        desk.ask(Reject(rejection_id="r", reservation_id="o2", part=1, lines=(line,), reason=Reason.DAMAGED))
        shipped(ledger)
        clock.now_s += 3_600
        desk.ask(CountPicks())
        desk.ask(CountPicks())
        rows = {(row.node_no, row.sku_class): (row.asked, row.failed) for row in ledger.find(PickStats)}
    assert rows == {(-1, "all"): (0, 0), (0, ""): (1_000, 0), (0, "x"): (3_000, 1_000), (1, "x"): (1_000, 0)}


def test_a_class_is_taken_for_the_nodes_rate_times_what_it_is_like_everywhere_until_it_has_shown_more() -> None:
    picks = {("wh", "x"): Picks(900_000, 90_000), ("wh", ""): Picks(900_000, 9_000), ("st", ""): Picks(900_000, 45_000)}
    names = ("", "x")
    found = class_ppm(picks, NODES, names, Rules())
    plain, hard = (dict(found[NodeId(node)].by_class) for node in ("wh", "st"))
    assert abs(plain["x"] - 100_000) < 5_000
    assert abs(plain[""] - 10_000) < 5_000
    average = 144 / 2_900
    store = (45 + 50 * average) / 950
    like = (90 + 200 * average) / 1_100 / average
    assert hard["x"] == round(1e6 * store * like)  # nothing was shown of it here
    assert found[NodeId("st")].ppm == round(1e6 * store)
    assert class_ppm(picks, NODES, ("",), Rules())[NodeId("st")] == Rates(round(1e6 * store))


def test_what_is_read_of_a_class_holds_until_more_is_known() -> None:
    nodes = (builders.node("wh", rejection_ppm=10_000, rejection_by_class=(("x", 40_000),)), builders.store("st"))
    found = class_ppm({}, nodes, ("", "x"), Rules())
    assert found[NodeId("wh")] == found[NodeId("st")] == Rates(5_000, (("", 5_000), ("x", 20_000)))


def test_what_was_counted_without_class_counts_for_the_node() -> None:
    old = {("wh", "all"): Picks(1_000_000, 100_000)}
    found = class_ppm(old, NODES, ("", "x"), Rules())[NodeId("wh")]
    assert found.ppm == rejection_ppm({"wh": Picks(1_000_000, 100_000)}, NODES, Rules())[NodeId("wh")]
    assert dict(found.by_class)["x"] == found.ppm


def test_a_rate_that_somebody_sets_holds_for_every_class() -> None:
    node = builders.node("wh", rejection_by_class=(("x", 40_000),))
    rates = Rates(20_000, (("", 10_000), ("x", 90_000)))
    assert changed_node(node, {}, rates).rejection_of("x") == 90_000
    assert changed_node(node, {"rejection_ppm": 7_000}, rates).rejection_of("x") == 7_000


def test_skus_that_are_hard_to_find_at_a_node_come_from_another_and_the_others_still_come_from_it() -> None:
    nodes = (builders.node("w1"), builders.node("w2", cost_order_cents=80))
    collections = tuple(builders.collection(node.node_id, "std") for node in nodes)
    stock = {(node.node_id, sku): 900 for node in nodes for sku in ("a", "b")}
    network = builders.network(nodes=nodes, skus=CLASSED, collections=collections, lanes=(), stock=stock)
    with following(network, LedgerTwin(), rules=Rules(learn_each_s=1)) as (desk, clock):

        def chosen(name: str, sku: str, **changes: Any) -> str:
            document = said(desk.ask(allocate(builders.order(sku, order_id=name, **changes), ttl_s=None)))
            return str(document["shipments"][0]["node"])

        for i in range(40):
            chosen(f"b{i}", "b", nodes=("w1",))
            line = RejectedLine(line_id="b", units=1)
            desk.ask(Reject(rejection_id=f"r{i}", reservation_id=f"b{i}", part=1, lines=(line,), reason=Reason.DAMAGED))
            for j in range(4):
                chosen(f"a{i}-{j}", "a", nodes=("w1",))
        shipped(desk.ledger)
        clock.now_s += 3_600
        settle(desk)
        settle(desk)
        assert (chosen("after-a", "a"), chosen("after-b", "b")) == ("w1", "w2")


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
        assert ppm[NodeId("w1")].ppm > 300_000 > ppm[NodeId("w2")].ppm
        settle(desk)
        assert chosen("after") == "w2"

"""A network is replaced while its desk runs."""

import threading
from datetime import timedelta

import pytest

from engine.desk.ask import DeskError
from engine.desk.capacity import DayLimits, SetCapacity
from engine.desk.follow import Follow
from engine.desk.publish import Publisher, publish
from engine.desk.settings import NodeChanges, SetNode, list_audit
from engine.domain.errors import InputError
from engine.domain.units import epoch_s
from engine.network.model import Network
from engine.stock.ledger import Ledger, stock_key
from tests import builders
from tests.desk.desk_cases import allocate, following, said, settle
from tests.ledger_twin import LedgerTwin

NOW_S = epoch_s(builders.AS_OF)
FIRST = builders.network(nodes=(builders.node(capacity_day_orders=1), builders.store(), builders.pickup_point()))
# A node goes, one comes and stands first; so does a sku.
NEXT = builders.network(
    version="2",
    nodes=(builders.node("new"), builders.node(capacity_day_orders=1), builders.pickup_point()),
    skus=builders.sku_table("z", "b", "a"),
    collections=(builders.collection("wh", "std"), builders.collection("new", "std")),
    lanes=(),
    stock={("new", "z"): 7, ("wh", "a"): 99},
)


def test_stock_capacity_numbers_and_settings_go_on_in_another_network(ledger: Ledger) -> None:
    with following(FIRST, ledger) as (desk, _):
        desk.ask(allocate(builders.order(builders.line("a", 2), nodes=("wh",)), ttl_s=None))
        desk.ask(SetNode(node="wh", changes=NodeChanges(rejection_ppm=5_000)))
        today = builders.AS_OF.date()
        desk.ask(SetCapacity(node="wh", day=today + timedelta(days=1), limits=DayLimits(orders_max=3)))
        settle(desk)
        publish(desk, NEXT, now_s=NOW_S, exchange=desk._follow.exchange, by="ann")  # type: ignore[union-attr]
        settle(desk)
        assert desk.state.view.numbers.nodes[:4] == ["wh", "st", "pp", "new"]
        live, index = desk.state.engine.live, desk.state.engine.network.node_index
        assert live.available(index["wh"], 2) == 8  # not 99: the ledger knows
        assert live.used_day(index["wh"], live.first_day + 1) == (1, 2)
        assert [live.limits_of_day(index["wh"], live.first_day + i)[0] for i in (1, 2)] == [1, 3]
        assert desk.state.engine.network.nodes[index["wh"]].rejection_ppm == 5_000
        document = said(desk.ask(allocate(builders.order("a", order_id="o2"))))
        assert document["versions"]["network"] == "2"
        assert document["shipments"][0]["pick_start"].startswith("2026-06-02")  # today is booked
        assert desk.state.stock_of(stock_key(0, 1)) == (10, 0)  # of the store that is gone
        assert said(desk.ask(allocate(builders.order("z", order_id="o3"))))["status"] == "infeasible"  # not yet counted
    (published,) = [audit for audit in list_audit(ledger)[0] if audit.action == "publish_network"]
    assert '"version":"2"' in published.after_json


def test_another_process_reads_the_network_too_once_one_has_published_it(ledger: Ledger) -> None:
    with (
        following(FIRST, ledger, writer="one") as (one, _),
        following(FIRST, ledger, writer="two") as (two, _),
    ):
        told: list[str] = []
        follow = two._follow
        assert isinstance(follow, Follow)
        follow.on_network = lambda: told.append("published")
        heard = Publisher(two, follow.exchange, lambda: NEXT)
        exchange = one._follow.exchange  # type: ignore[union-attr]
        publisher = Publisher(one, exchange, lambda: NEXT)
        with pytest.raises(DeskError) as stale:
            publisher.publish(now_s=NOW_S, by="ann", seen="7")
        assert (stale.value.status, publisher.network.version) == (412, "1")
        assert publisher.publish(now_s=NOW_S, by="ann", seen="1").version == "2"
        assert publisher.publish(now_s=NOW_S, by="ann", seen="2").version == "2"
        if ledger.__class__ is LedgerTwin:  # which names every writer alike, so that nobody hears of others
            return
        settle(two)
        assert told == ["published"]
        heard.heard()
        for thread in threading.enumerate():
            if thread.name == "network":
                thread.join()
        assert heard.network.version == "2"
        settle(two)
        document = said(two.ask(allocate(builders.order("a"))))
        assert document["versions"]["network"] == "2"
    published = [audit for audit in list_audit(ledger)[0] if audit.action == "publish_network"]
    assert [(audit.by, audit.subject) for audit in published] == [("ann", "network:test")]


def test_a_network_that_cannot_be_read_changes_nothing(ledger: Ledger) -> None:
    def broken() -> Network:
        raise InputError("nodes.csv is gone.", "put it back.")

    with following(FIRST, ledger) as (desk, _):
        publisher = Publisher(desk, None, broken)
        with pytest.raises(InputError, match="gone"):
            publisher.publish(now_s=NOW_S, by="ann")
        publisher._follow()
        assert publisher.network.version == "1"
    assert list_audit(ledger)[0] == []

"""Settings of a running desk: policies by date, nodes paused and limited, the day that passes, other processes."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from engine.desk.ask import DeskError
from engine.desk.counts import set_on_hand
from engine.desk.inbound import PutLot, SetHeldBack
from engine.desk.settings import (
    NodeChanges,
    PutPolicy,
    SetNode,
    SetSku,
    WithdrawPolicy,
    list_audit,
    list_policies,
    node_settings,
)
from engine.domain.errors import InputError
from engine.domain.policy import Policy
from engine.domain.units import epoch_s
from engine.stock.ledger import CapacityChange, Ledger, Posting
from engine.stock.records import DecisionRecord
from tests import builders
from tests.desk.desk_cases import allocate, following, said, settle
from tests.ledger_twin import LedgerTwin

NOW_S = epoch_s(builders.AS_OF)
NETWORK = builders.network()
DEAR = replace(Policy(), weights_permille=MappingProxyType({"carrier": 2_000}))


def test_a_policy_holds_from_its_moment_on_and_decisions_name_its_version(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        document = said(desk.ask(PutPolicy(policy=DEAR, valid_from_s=NOW_S + 60, if_version=1, by="ann")))
        assert document["version"] == 2
        before = said(desk.ask(allocate(builders.order("a"))))
        clock.now_s += 60
        after = said(desk.ask(allocate(builders.order("a", order_id="o2"))))
        assert [d["versions"]["policy_version"] for d in (before, after)] == [1, 2]
        assert after["cost_cents"] > before["cost_cents"]
        assert [doc.version for doc in list_policies(desk.state, ledger)] == [1, 2]
        with pytest.raises(DeskError) as stale:
            desk.ask(PutPolicy(policy=DEAR, if_version=1))
        assert stale.value.status == 412
        with pytest.raises(InputError, match="past"):
            desk.ask(PutPolicy(policy=DEAR, valid_from_s=NOW_S))
    (audit,), _ = list_audit(ledger)
    assert (audit.by, audit.action, audit.subject) == ("ann", "put_policy", "policy:default")
    assert '"version":1' in audit.before_json
    assert '"version":2' in audit.after_json
    assert {d.policy_version for d in ledger.find(DecisionRecord)} == {1, 2}


def test_a_policy_that_ends_gives_way_to_the_one_before() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, clock):
        desk.ask(PutPolicy(policy=DEAR, valid_to_s=NOW_S + 60))
        versions = []
        for i in range(2):
            versions.append(said(desk.ask(allocate(builders.order("a", order_id=f"o{i}"))))["versions"])
            clock.now_s += 60
    assert [v["policy_version"] for v in versions] == [2, 1]


def test_a_paused_node_takes_no_order_until_it_goes_on(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        held = said(desk.ask(allocate(builders.order("a"))))
        assert held["shipments"][0]["node"] == "wh"
        desk.ask(SetNode(node="wh", changes=NodeChanges(paused=True), if_version=0, by="ann"))
        settle(desk)
        assert said(desk.ask(allocate(builders.order("a", order_id="o2"))))["shipments"][0]["node"] == "st"
        assert desk.state.engine.live.available(0, 0) == 9  # what it holds is kept
        with pytest.raises(DeskError) as stale:
            desk.ask(SetNode(node="wh", changes=NodeChanges(), if_version=0))
        assert stale.value.status == 412
        desk.ask(SetNode(node="wh", changes=NodeChanges(), if_version=1))
        settle(desk)
        assert said(desk.ask(allocate(builders.order("a", order_id="o3"))))["shipments"][0]["node"] == "wh"
        assert node_settings(desk.state, ledger, "wh").version == 2


def test_a_capacity_that_is_set_is_never_booked_beyond() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(SetNode(node="wh", changes=NodeChanges(capacity_day_orders=1)))
        settle(desk)
        orders = [builders.order("a", order_id=f"o{i}", nodes=("wh",)) for i in range(3)]
        days = [said(desk.ask(allocate(order)))["shipments"][0]["pick_start"][:10] for order in orders]
    assert days == ["2026-06-01", "2026-06-02", "2026-06-03"]
    assert sorted(cell[:2] for cell in ledger.cells.values()) == [(1, 1)] * 3


def test_settings_are_known_to_other_processes_and_after_a_restart(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (one, _), following(NETWORK, ledger, writer="other") as (other, _):
        one.ask(SetNode(node="wh", changes=NodeChanges(paused=True)))
        one.ask(PutPolicy(policy=DEAR))
        one.ask(SetSku(sku="b", release_s=NOW_S + 60))
        one.ask(SetHeldBack(rule="safety", node="st", sku="c", channel="", units=10))
        one.ask(PutLot(lot_id="l", node="st", sku="c", units=3, available_s=NOW_S + 60))
        set_on_hand(one, node="st", sku="a", on_hand=4, now_s=NOW_S)
        settle(other)
        live = other.state.engine.live
        assert (live.available(1, 0), live.available(1, 2), live.inbound(1, 2)) == (4, 0, ((NOW_S + 60, 3),))
        document = said(other.ask(allocate(builders.order("a", order_id="elsewhere"))))
        assert (document["shipments"][0]["node"], document["versions"]["policy_version"]) == ("st", 2)
    with following(NETWORK, ledger) as (desk, _):
        settle(desk)
        document = said(desk.ask(allocate(builders.order("a"))))
        assert (document["shipments"][0]["node"], document["versions"]["policy_version"]) == ("st", 2)
        assert said(desk.ask(allocate(builders.order("b", order_id="o2"))))["status"] == "infeasible"


def test_the_calendar_goes_on_with_the_days_and_what_is_booked_stays() -> None:
    ledger = LedgerTwin()
    network = builders.network(nodes=(builders.node(capacity_day_orders=1), builders.store(), builders.pickup_point()))
    with following(network, ledger) as (desk, clock):
        desk.ask(allocate(builders.order("a", nodes=("wh",)), ttl_s=None))
        first_day = desk.state.engine.live.first_day
        clock.now_s += 20 * 86_400
        settle(desk)
        assert desk.state.engine.live.first_day == first_day + 20
        later = builders.order("a", order_id="o2", nodes=("wh",), placed_at=builders.at("2026-06-21T10:00"))
        document = said(desk.ask(allocate(later)))
        assert document["shipments"][0]["pick_start"] == "2026-06-22T06:00:00Z"
        assert int(desk.state.engine.live.row_reserved.sum()) == 2


@pytest.mark.parametrize(
    "changes", [NodeChanges(capacity_day_orders=-2), NodeChanges(rejection_ppm=1_000_001), NodeChanges(backlog_s=-1)]
)
def test_settings_out_of_range_are_refused(changes: NodeChanges) -> None:
    with following(NETWORK, LedgerTwin()) as (desk, _), pytest.raises(InputError, match="out of range"):
        desk.ask(SetNode(node="wh", changes=changes))


def test_a_policy_that_has_not_begun_may_be_withdrawn_and_keeps_its_number(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        desk.ask(PutPolicy(policy=DEAR, valid_from_s=NOW_S + 60, by="ann"))
        withdraw = WithdrawPolicy(policy_id="default", version=2, if_version=2, by="bob")
        assert said(desk.ask(withdraw))["withdrawn"]
        assert said(desk.ask(withdraw))["withdrawn"]
        clock.now_s += 60
        document = said(desk.ask(allocate(builders.order("a"))))
        assert document["versions"]["policy_version"] == 1
        assert said(desk.ask(PutPolicy(policy=DEAR, if_version=2)))["version"] == 3
        with pytest.raises(DeskError, match="has begun"):
            desk.ask(WithdrawPolicy(policy_id="default", version=3))
        with pytest.raises(DeskError, match="is at version 3"):
            desk.ask(WithdrawPolicy(policy_id="default", version=2, if_version=2))
        with pytest.raises(DeskError, match="unknown"):
            desk.ask(WithdrawPolicy(policy_id="default", version=1))
    audits, _ = list_audit(ledger)
    assert [(audit.by, audit.action) for audit in audits] == [
        ("ann", "put_policy"),
        ("bob", "withdraw_policy"),
        ("", "put_policy"),
    ]


def test_a_withdrawal_is_known_to_other_processes(ledger: Ledger) -> None:
    with (
        following(NETWORK, ledger, writer="one") as (one, clock),
        following(NETWORK, ledger, writer="two") as (two, other),
    ):
        two.ask(PutPolicy(policy=DEAR, valid_from_s=NOW_S + 60))
        settle(one)
        two.ask(WithdrawPolicy(policy_id="default", version=2))
        settle(one)
        clock.now_s = other.now_s = NOW_S + 60
        assert said(one.ask(allocate(builders.order("a"))))["versions"]["policy_version"] == 1


def test_a_day_that_comes_into_sight_has_what_others_booked_on_it(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        live = desk.state.engine.live
        beyond = live.first_day + live.num_days  # what a process sees that has begun the next day
        ledger.post([Posting(capacity=[CapacityChange(0, beyond, -1, 3, 4)])], NOW_S)
        settle(desk)
        clock.now_s += 86_400
        settle(desk)
        live = desk.state.engine.live
        assert live.first_day + live.num_days == beyond + 1
        assert live.used_day(0, beyond) == (3, 4)

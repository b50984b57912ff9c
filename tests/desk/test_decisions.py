"""Recorded decisions, explained on what there was when they were taken."""

import pytest

from api.explained import explained_document, explained_text
from engine.decide.engine import Engine
from engine.desk.ask import DeskError
from engine.desk.counts import set_on_hand
from engine.desk.decisions import changes_since, decisions_of, explain_decision
from engine.desk.reject import Reject
from engine.desk.settings import PutPolicy
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.policy import Policy
from engine.domain.units import epoch_s
from engine.stock.ledger import FeedMark, Ledger
from tests import builders
from tests.desk.desk_cases import allocate, following, settle
from tests.ledger_twin import LedgerTwin

NETWORK = builders.network(
    nodes=(builders.node(capacity_day_orders=3), builders.store(), builders.pickup_point()),
)
ORDER = builders.order(builders.line("a", 2), "b")


def test_a_decision_is_explained_on_the_stock_and_capacity_of_then(ledger: Ledger) -> None:
    fresh = Engine(NETWORK)
    decision = fresh.decide(ORDER)
    expected = fresh.explain(ORDER, decision.plan)
    with following(NETWORK, ledger) as (desk, clock):
        desk.ask(allocate(ORDER, ttl_s=None))
        for i in range(5):  # the warehouse is full, and out of a
            desk.ask(allocate(builders.order(builders.line("a", 2), order_id=f"later{i}"), ttl_s=None))
        line = RejectedLine(line_id="a", units=2)
        desk.ask(Reject(rejection_id="r", reservation_id="o1", part=1, lines=(line,), reason=Reason.NOT_FOUND))
        set_on_hand(desk, node="wh", sku="a", on_hand=3, now_s=clock.now_s)
        desk.ask(PutPolicy(policy=Policy(split_cents=1)))
        settle(desk)
        before = desk.state.engine.live.rows.copy()
        found = explain_decision(desk, "d-o1")
        assert (desk.state.engine.live.rows == before).all()
        assert [one.cause for one in decisions_of(ledger, "o1")] == ["order", "rejection"]
        again = explain_decision(desk, "r")
    assert found.decision.plan == decision.plan
    assert found.explanation == expected
    assert found.notes == ()
    assert [s.node for s in again.decision.plan.shipments] == ["st"]


def test_an_explanation_is_told_as_a_document_and_as_text() -> None:
    with following(NETWORK, LedgerTwin()) as (desk, _):
        desk.ask(allocate(ORDER, ttl_s=None))
        found = explain_decision(desk, "d-o1")
    document = explained_document(found)
    assert document["decision"]["shipments"][0]["node"] == "wh"
    assert set(document) == {"decision", "explanation", "notes"}
    assert "wh" in explained_text(found)


def test_a_decision_that_serves_nothing_is_explained_by_each_nodes_reason() -> None:
    with following(NETWORK, LedgerTwin()) as (desk, _):
        desk.ask(allocate(builders.order(builders.line("a", 999))))
        found = explain_decision(desk, "d-o1")
    assert found.decision.plan.status == "infeasible"


def test_what_is_unknown_or_older_than_the_feed_is_refused() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        with pytest.raises(DeskError, match="unknown"):
            explain_decision(desk, "nothing")
        for i in range(3):
            desk.ask(allocate(builders.order("a", order_id=f"o{i}")))
        del ledger.feed[:2]
        with pytest.raises(DeskError, match="reach back"):
            explain_decision(desk, "d-o0")


def test_changes_are_found_by_their_place_though_transactions_are_numbered_apart() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        for i in range(6):
            desk.ask(allocate(builders.order("a", order_id=f"o{i}")))
    numbered = [change._replace(mark=FeedMark(10 * change.mark.seq, change.mark.seq)) for change in ledger.feed]

    class Numbered(LedgerTwin):
        def changes(self, after: FeedMark, limit: int = 1000) -> list:  # type: ignore[type-arg]
            return [change for change in numbered if change.mark > after][:limit]

    found = changes_since(Numbered(), 3, FeedMark(60, 6))
    assert [change.mark.seq for change in found] == list(range(4, len(numbered) + 1))
    assert epoch_s(builders.AS_OF) == found[0].at_s

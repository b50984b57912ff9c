"""Orders in a batch: what a brief says, what is held and given back, and what one bad order does to the others."""

from dataclasses import replace

import msgspec
import pytest

from engine.decide.brief import Brief
from engine.decide.engine import BrokenPlanError, Engine
from engine.domain.errors import InputError
from engine.domain.ids import OrderId
from engine.domain.order import Method
from engine.domain.plan import Plan, Refusal, Status
from engine.domain.policy import Policy
from tests import builders as b


def test_a_brief_names_who_serves_what_by_when_at_which_cost() -> None:
    engine = Engine(b.network())
    (brief,) = engine.decide_batch([b.order("a", b.line("b", 2))])
    assert isinstance(brief, Brief)
    plan = Engine(b.network()).decide(b.order("a", b.line("b", 2))).plan
    (leg,), (shipment,) = brief.legs, plan.shipments
    assert (leg.method, leg.node, leg.service, leg.place) == (Method.SHIP_FROM_WAREHOUSE, "wh", "std", None)
    assert (leg.lines, leg.units, leg.cost_cents) == (shipment.lines, 3, plan.cost_cents)
    assert (leg.pick_day, leg.pick_hour) == (20_605, 8)  # Monday 1 June 2026, 08:00 in Paris
    assert leg.deliver_by_s == shipment.promise.deliver_by.timestamp()
    assert (brief.status, brief.plan, brief.order_cents) == (Status.OPTIMAL, None, 0)


def test_each_order_sees_what_the_ones_before_it_took() -> None:
    engine = Engine(b.network(stock={("wh", "a"): 2, ("st", "a"): 1}))
    orders = [b.order(order_id=OrderId(f"o{i}")) for i in range(4)]
    answers = engine.decide_batch(orders)
    assert [[leg.node for leg in answer.legs] for answer in answers if isinstance(answer, Brief)] == [
        ["wh"],
        ["wh"],
        ["st"],
        [],
    ]
    assert isinstance(answers[3], Brief)
    assert answers[3].status == Status.INFEASIBLE
    assert engine.live.row_reserved.tolist() == [2, 1]
    assert engine.live.day_orders.sum() == 3


def test_an_order_with_an_unknown_sku_is_answered_with_its_error_and_disturbs_no_other() -> None:
    engine = Engine(b.network())
    good, bad = b.order(), b.order("nothing", order_id=OrderId("bad"))
    answers = engine.decide_batch([bad, good, bad])
    assert isinstance(answers[0], InputError)
    assert "Sku (nothing) of order (bad)" in str(answers[0])
    assert isinstance(answers[1], Brief)
    assert isinstance(answers[2], InputError)
    assert engine.live.row_reserved.sum() == 1


def test_nothing_stays_held_where_an_answer_cannot_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(b.network())

    def broken(*_: object) -> list[object]:
        raise BrokenPlanError("a rule")

    monkeypatch.setattr("engine.decide.engine.violations", broken)
    with pytest.raises(BrokenPlanError):
        engine.decide_batch([b.order(), b.order(b.line("a", 500), order_id=OrderId("large"))])
    assert engine.live.row_reserved.sum() == engine.live.day_orders.sum() == 0


def test_what_a_brief_holds_is_given_back_and_held_again() -> None:
    engine = Engine(b.network())
    (brief,) = engine.decide_batch([b.order("a", "b")])
    assert isinstance(brief, Brief)
    held = engine.live.row_reserved.tolist()
    engine.hold_brief(brief, -1)
    assert engine.live.row_reserved.sum() == engine.live.day_units.sum() == 0
    engine.hold_brief(brief)
    assert engine.live.row_reserved.tolist() == held


def test_a_batch_that_holds_nothing_leaves_the_stock_as_it_is() -> None:
    engine = Engine(b.network(stock={("wh", "a"): 1}))
    answers = engine.decide_batch([b.order(), b.order()], hold=False)
    assert [answer.status for answer in answers if isinstance(answer, Brief)] == [Status.OPTIMAL] * 2
    assert engine.live.row_reserved.sum() == 0


def test_the_plan_of_a_brief_is_made_on_stock_as_it_is_now() -> None:
    engine = Engine(b.network(stock={("wh", "a"): 1}))
    order = b.order()
    (brief,) = engine.decide_batch([order], hold=False)
    assert isinstance(brief, Brief)
    plan = engine.plan_of(order, brief)
    assert isinstance(plan, Plan)
    assert plan == engine.decide(order).plan
    engine.hold_brief(brief)
    gone = engine.plan_of(order, brief)
    assert isinstance(gone, Refusal)
    assert gone.code == "no_stock"


def test_reasons_are_told_only_where_they_are_asked_for() -> None:
    engine = Engine(b.network(stock={("wh", "a"): 1}))
    asked = [b.order("b", partial=True), b.order("b"), b.order("a", "b", partial=True)]
    for answer in engine.decide_batch(asked, hold=False):
        assert isinstance(answer, Brief)
        assert [(unmet.sku, unmet.reasons) for unmet in answer.unmet] == [("b", ())]
    for answer in engine.decide_batch(asked, hold=False, reasons=True):
        assert isinstance(answer, Brief)
        assert ("wh", "no_stock") in answer.unmet[0].reasons
        assert answer.unmet[0].summary.startswith("no_stock")


def test_what_a_relaxation_or_the_stronger_method_found_comes_with_its_plan() -> None:
    stock = {("wh", "a"): 1, ("st", "a"): 1}
    engine = Engine(b.network(stock=stock), policy=Policy(use_inbound=True))  # which the kernel divides no lines with
    (divided,) = engine.decide_batch([b.order(b.line("a", 2))])
    assert isinstance(divided, Brief)
    assert divided.method == "mip"
    assert divided.plan is not None
    assert engine.plan_of(b.order(b.line("a", 2)), divided) is divided.plan
    late = b.order(deliver_by=b.at("2026-06-02T17:00"))
    slow = Engine(b.network(), policy=replace(Policy(), methods=(Method.SHIP_FROM_STORE,)))
    (relaxed,) = slow.decide_batch([late])
    assert isinstance(relaxed, Brief)
    assert relaxed.relaxed == ("deliver_by+2d",)
    assert relaxed.plan is not None


def test_briefs_are_written_and_read_as_they_are() -> None:
    (brief,) = Engine(b.network()).decide_batch([b.order("a", "b")])
    assert msgspec.json.decode(msgspec.json.encode(brief), type=Brief) == brief


def test_a_negative_deadline_is_refused() -> None:
    with pytest.raises(InputError, match=r"Deadline \(deadline_ms\) \(-1\) is negative"):
        Engine(b.network()).decide_batch([b.order()], deadline_ms=-1)

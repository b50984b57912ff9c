"""Many orders at once against the same orders one by one: the same answers, and the same stock afterwards."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from engine.decide.brief import Brief, brief_of
from engine.decide.engine import Engine
from engine.domain.errors import InputError
from engine.domain.ids import LineId, OrderId, SkuId
from engine.domain.order import Order, OrderLine
from engine.domain.plan import Plan, Status
from engine.network.live import Live
from tests.examples import examples
from tests.strategies import Case, cases, orders_of, random_case

NO_DEADLINE_MS = 600_000


def _engine(case: Case) -> Engine:
    """An engine on a copy of the stock, so that two of them start from the same."""
    return Engine(case.network, live=_copy(case.live), policy=case.policy, guard=False)


def _copy(live: Live) -> Live:
    other = Live(live.network, live.num_days)
    for mine, theirs in zip(other.arrays(), live.arrays(), strict=True):
        mine[...] = theirs
    return other


def _unknown(order: Order) -> Order:
    line = OrderLine(line_id=LineId("what"), sku=SkuId("what?"), quantity=1)
    return replace(order, order_id=OrderId("unknown"), lines=(*order.lines, line))


def _compared(case: Case, orders: Sequence[Order], *, hold: bool = True) -> list[str]:
    """Decide in a batch and one by one; returns by which method each was decided."""
    batch, single = _engine(case), _engine(case)
    answers = batch.decide_batch(orders, deadline_ms=NO_DEADLINE_MS, hold=hold, reasons=case.seed % 2 == 0)
    assert len(answers) == len(orders)
    seen = []
    for order, answer in zip(orders, answers, strict=True):
        if isinstance(answer, InputError):
            with pytest.raises(InputError) as raised:
                single.decide(order)
            assert str(raised.value) == str(answer)
            seen.append("error")
            continue
        plan = single.decide(order, deadline_ms=NO_DEADLINE_MS).plan
        _same(single, order, answer, plan, reasons=case.seed % 2 == 0)
        seen.append(plan.method)
        if hold:  # where two plans cost the same, the stronger method may find either
            single.hold_brief(answer)
    for mine, theirs in zip(batch.live.arrays(), single.live.arrays(), strict=True):
        assert (mine == theirs).all()
    if hold:
        for answer in answers:
            if isinstance(answer, Brief):
                batch.hold_brief(answer, -1)
        for mine, theirs in zip(batch.live.arrays(), case.live.arrays(), strict=True):
            assert (mine == theirs).all()
    return seen


def _same(engine: Engine, order: Order, answer: Brief, plan: Plan, *, reasons: bool) -> None:
    assert (answer.status, answer.cost_cents, answer.method) == (plan.status, plan.cost_cents, plan.method)
    assert answer.relaxed == plan.relaxed
    if plan.method != "subset":
        return
    if not reasons:
        plan = replace(plan, unmet=tuple(replace(unmet, reasons=(), summary="") for unmet in plan.unmet))
    assert replace_plan(answer) == replace_plan(brief_of(plan, engine.tools))
    assert answer.order_cents == sum(term.amount_cents for term in plan.terms)
    assert engine.plan_of(order, answer) == plan
    if plan.shipments:
        assert plan.deliver_by is not None
        assert answer.deliver_by_s == int(plan.deliver_by.timestamp())


def replace_plan(brief: Brief) -> dict[str, object]:
    """The fields of a brief but for the plan that it may carry."""
    return {name: getattr(brief, name) for name in brief.__struct_fields__ if name != "plan"}


def test_a_batch_answers_what_single_decisions_answer_on_random_networks() -> None:
    seen: list[str] = []
    for seed in range(40):
        case = random_case(seed)
        orders = orders_of(case, 9)
        orders.insert(4, _unknown(orders[0]))
        seen += _compared(case, orders)
    assert seen.count("subset") > 150
    assert seen.count("mip") > 5
    assert seen.count("error") >= 40


@settings(max_examples=examples(30), deadline=None)
@given(case=cases())
def test_a_batch_answers_what_single_decisions_answer_whatever_features_are_on(case: Case) -> None:
    _compared(case, orders_of(case, 6))


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_that_holds_nothing_decides_each_order_on_the_same_stock(seed: int) -> None:
    case = random_case(seed)
    _compared(case, orders_of(case, 5) * 2, hold=False)


@pytest.mark.parametrize("seed", [2, 5])
def test_an_order_of_more_items_than_the_kernel_takes_is_decided_in_its_place(seed: int) -> None:
    case = random_case(seed, num_lines=13, num_nodes=4)
    small = replace(case.order, order_id=OrderId("small"), lines=case.order.lines[:2], keep_together=())
    orders = [small, case.order, replace(small, order_id=OrderId("later"))]
    assert len(_compared(case, orders)) == 3
    answers = _engine(case).decide_batch(orders, deadline_ms=NO_DEADLINE_MS)
    assert all(isinstance(answer, Brief) for answer in answers)


def test_targets_that_are_forgotten_between_chunks_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(11)
    orders = orders_of(case, 8)
    whole = _engine(case).decide_batch(orders)
    monkeypatch.setattr("engine.decide.batch.CHUNK", 3)
    pieces = _engine(case)
    pieces.rows.slots_max = 1
    assert [replace_plan(a) for a in pieces.decide_batch(orders) if isinstance(a, Brief)] == [
        replace_plan(a) for a in whole if isinstance(a, Brief)
    ]
    assert any(isinstance(a, Brief) and a.status == Status.OPTIMAL for a in whole)

"""Allocating through the desk, on the plain ledger."""

from threading import Thread
from typing import Any

import pytest

from engine.decide.engine import Engine
from engine.desk.ask import Answer, Ask, DeskError
from engine.desk.desk import Watch
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger, Outcome, Posting, StockChange
from engine.stock.records import DecisionRecord, EventRecord, Part, Reservation
from tests import builders
from tests.desk.desk_cases import allocate, desk_on, key, said

NETWORK = builders.network()


def rows(ledger: Ledger) -> dict[int, tuple[int, int]]:
    """On hand and reserved by key."""
    found = ledger.load(0)
    return dict(zip(found.key.tolist(), zip(found.on_hand.tolist(), found.reserved.tolist(), strict=True), strict=True))


def free(ledger: Ledger) -> dict[int, int]:
    return {key: on_hand - reserved for key, (on_hand, reserved) in rows(ledger).items()}


def reserved(ledger: Ledger) -> int:
    return sum(units for _, units in rows(ledger).values())


def test_what_is_allocated_is_held_in_the_ledger_and_costs_what_the_engine_says(ledger: Ledger) -> None:
    order = builders.order(builders.line("a", 2), builders.line("b", 1))
    with desk_on(NETWORK, ledger) as desk:
        document = said(desk.ask(allocate(order)))
    decision = Engine(NETWORK).decide(order)
    assert document["status"] == "allocated"
    assert document["cost_cents"] == decision.plan.cost_cents
    assert [s["node"] for s in document["shipments"]] == [s.node for s in decision.plan.shipments]
    assert reserved(ledger) == 3
    (reservation,) = ledger.find(Reservation)
    assert (reservation.state, reservation.reservation_id) == ("held", order.order_id)
    assert sum(part.units for part in ledger.find(Part)) == 3
    assert [d.decision_id for d in ledger.find(DecisionRecord)] == [f"d-{order.order_id}"]
    assert [e.type for e in ledger.find(EventRecord)] == ["decision.made.v1"]


def test_an_order_that_cannot_be_served_is_answered_with_reasons_and_holds_nothing(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        before = free(ledger)
        document = said(desk.ask(allocate(builders.order(builders.line("a", 100_000)))))
    assert document["status"] == "infeasible"
    assert document["reservation"] is None
    assert {reason["code"] for reason in document["unmet"][0]["reasons"]} == {"no_stock"}
    assert free(ledger) == before


def test_the_last_unit_is_sold_once(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        total = sum(n for k, n in free(ledger).items() if k >> 20 == 0)  # of sku a
        answers = [said(desk.ask(allocate(builders.order("a", order_id=f"o{i}")))) for i in range(total + 5)]
    sold = [a["status"] for a in answers].count("allocated")
    assert 0 < sold <= total
    assert min(free(ledger).values()) >= 0
    assert answers[-1]["status"] == "infeasible"


def test_a_repeated_call_gets_the_same_answer_and_holds_nothing_more(ledger: Ledger) -> None:
    order = builders.order("a")
    with desk_on(NETWORK, ledger) as desk:
        first = desk.ask(allocate(order), key("k1"))
        held = free(ledger)
        again = desk.ask(allocate(order), key("k1"))
        with pytest.raises(DeskError) as other:
            desk.ask(allocate(order), key("k1", "another payload"))
    assert (again.body, again.replayed, first.replayed) == (first.body, True, False)
    assert free(ledger) == held
    assert (other.value.code, other.value.status) == ("idempotency-payload", 422)


def test_a_second_call_for_an_order_that_is_held_is_refused_and_says_by_which_reservation(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order("a")), key("k1"))
        with pytest.raises(DeskError) as error:
            desk.ask(allocate(builders.order("a"), decision_id="d2"), key("k2"))
    assert error.value.code == "already-allocated"
    assert error.value.details["decision_id"] == "d-o1"


def test_an_unknown_sku_is_the_callers_to_mend_and_disturbs_no_other_order(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        with pytest.raises(InputError, match="nothing-like-it"):
            desk.ask(allocate(builders.order("nothing-like-it")))
        assert said(desk.ask(allocate(builders.order("a"))))["status"] == "allocated"


def test_a_unit_that_another_process_took_is_found_elsewhere_or_not_at_all(ledger: Ledger) -> None:
    told = Told()
    with desk_on(NETWORK, ledger, watch=told) as desk:
        # Behind the desk's back everything of sku a is taken but one unit of one row.
        left = {k: units for k, units in free(ledger).items() if k >> 20 == 0}
        taken = [StockChange(k, 0, units) for k, units in left.items()]
        keep = max(left, key=left.__getitem__)
        taken = [c._replace(reserved=c.reserved - 1) if c.key == keep else c for c in taken]
        assert ledger.post([Posting(stock=taken)], 0).outcomes == [Outcome()]
        first = said(desk.ask(allocate(builders.order("a"))))
        second = said(desk.ask(allocate(builders.order("a", order_id="o2"))))
    assert first["status"] == "allocated"
    assert second["status"] == "infeasible"
    assert min(free(ledger).values()) >= 0
    assert told.conflicts >= 1


class Told(Watch):
    def __init__(self) -> None:
        self.conflicts = 0
        self.errors: list[Exception | None] = []

    def conflict(self, ask: Ask, outcome: Outcome) -> None:
        self.conflicts += 1

    def fallback(self, ask: Ask, error: Exception | None) -> None:
        self.errors.append(error)


def test_where_the_engine_breaks_the_plain_rule_answers_and_says_so(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the kernel broke")

    monkeypatch.setattr(Engine, "decide_batch", broken)
    with desk_on(NETWORK, ledger, watch=told) as desk:
        document = said(desk.ask(allocate(builders.order(builders.line("a", 2), builders.line("b", 1)))))
    assert (document["status"], document["quality"]) == ("allocated", "fallback")
    assert reserved(ledger) == 3
    assert [str(error) for error in told.errors] == ["the kernel broke"]


def test_an_order_that_the_kernel_cannot_settle_is_studied_apart_and_held_like_any_other(ledger: Ledger) -> None:
    order = builders.order(builders.line("a", 15))  # no node has as many: its units are divided
    with desk_on(NETWORK, ledger) as desk:
        document = said(desk.ask(allocate(order, deadline_ms=60_000), key("k1")))
        again = desk.ask(allocate(order, deadline_ms=60_000), key("k1"))
    assert document["status"] == "allocated"
    assert document["cost_cents"] == Engine(NETWORK).decide(order).plan.cost_cents
    assert len(document["shipments"]) == 2
    assert reserved(ledger) == 15
    assert (said(again), again.replayed) == (document, True)


def test_many_threads_sell_exactly_what_there_is(ledger: Ledger) -> None:
    answers: list[Answer] = []
    with desk_on(NETWORK, ledger) as desk:
        before = sum(n for k, n in free(ledger).items() if k >> 20 == 0)

        def buy(who: int) -> None:
            answers.extend(desk.ask(allocate(builders.order("a", order_id=f"{who}-{i}"))) for i in range(30))

        threads = [Thread(target=buy, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counted = desk.state.view.live.rows.copy()
    sold = sum(said(a)["status"] == "allocated" for a in answers)
    after = sum(n for k, n in free(ledger).items() if k >> 20 == 0)
    assert before - after == sold
    assert after >= 0
    assert int(counted["reserved"].sum()) == reserved(ledger)


def test_a_hold_of_the_order_is_used_by_its_allocation(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        everything = sum(on_hand for k, (on_hand, _) in rows(ledger).items() if k >> 20 == 0)
        most = said(desk.ask(allocate(builders.order(builders.line("a", 2)), reservation_id="quote")))
        assert most["status"] == "allocated"
        others = 0
        while said(desk.ask(allocate(builders.order("a", order_id=f"x{others}"))))["status"] == "allocated":
            others += 1
        answer = desk.ask(
            allocate(builders.order(builders.line("a", 2)), reservation_id="final", decision_id="d2", hold_id="quote")
        )
    assert said(answer)["status"] == "allocated"
    states = {r.reservation_id: r.state for r in ledger.find(Reservation)}
    assert (states["quote"], states["final"]) == ("ended", "held")
    assert reserved(ledger) == others + 2 <= everything

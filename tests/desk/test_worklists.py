"""Work lists and the credit report, on every ledger."""

from typing import Any

import pytest

from engine.desk.credit import credit
from engine.desk.desk import Desk
from engine.desk.reserve import Confirm
from engine.desk.returns import Return, ReturnedLine
from engine.desk.worklists import Cursor, Task, WorkListDoc, work_list
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger
from engine.stock.lifecycle import Step
from tests import builders
from tests.desk.desk_cases import allocate, desk_on
from tests.desk.test_fulfil import mark, sold, travelling
from tests.desk.test_reserve import anywhere, at, hold, turn

NETWORK = builders.network()


def work(desk: Desk, node: str, **changes: Any) -> WorkListDoc:
    return work_list(desk.ledger, desk.state.view.numbers, node, now_s=desk.clock_s(), **changes)


def tasks(desk: Desk, node: str, **changes: Any) -> list[tuple[str, str]]:
    return [(one.task, one.reservation_id) for one in work(desk, node, **changes).work]


def test_a_node_is_asked_for_what_is_confirmed_and_then_for_the_next_step(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order("a", order_id="held")))
        sold(desk, builders.line("a", 2))
        assert tasks(desk, "wh") == [("pick", "o1")]
        desk.ask(mark(Step.PICK))
        assert tasks(desk, "wh") == [("hand_over", "o1")]
        desk.ask(mark(Step.SHIP))
        assert tasks(desk, "wh") == []


def test_a_transfer_is_loaded_here_and_expected_and_kept_there(ledger: Ledger) -> None:
    with desk_on(travelling(), ledger) as desk:
        sold(desk, builders.line("a", 2), pickup_node="st", destination=None)
        assert (tasks(desk, "wh"), tasks(desk, "st")) == ([("pick", "o1")], [])
        desk.ask(mark(Step.PICK))
        assert tasks(desk, "wh") == [("transfer", "o1")]
        desk.ask(mark(Step.SHIP))
        assert (tasks(desk, "wh"), tasks(desk, "st")) == ([], [("receive", "o1")])
        desk.ask(mark(Step.ARRIVE, collect_s=60))
        (entry,) = work(desk, "st").work
        assert (entry.task, entry.late, entry.lines[0].quantity) == ("keep_ready", False, 2)
        turn(desk, 61)
        assert work(desk, "st").work[0].late


def test_click_and_collect_is_picked_made_ready_and_kept(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, "a", pickup_node="st", destination=None)
        seen = [tasks(desk, "st")]
        for step in (Step.PICK, Step.READY):
            desk.ask(mark(step))
            seen.append(tasks(desk, "st"))
    assert [entries[0][0] for entries in seen] == ["pick", "make_ready", "keep_ready"]


def test_holds_that_are_bound_to_no_node_are_nobodys_work(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(anywhere(2)))
        desk.ask(hold(at("st", 1), name="h2"))
        desk.ask(Confirm(reservation_id="h1"))
        desk.ask(Confirm(reservation_id="h2"))
        assert tasks(desk, "wh") + tasks(desk, "st") == [("pick", "h2")]


def test_work_comes_by_due_time_page_by_page_and_none_is_left_out(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        for i in range(7):
            desk.ask(hold(at("st", 1), name=f"h{i}"))
            desk.ask(Confirm(reservation_id=f"h{i}"))
            desk.ask(mark(Step.READY, f"h{i}", collect_s=1000 - 100 * i))
        sold(desk, "b", pickup_node="st", destination=None)
        seen: list[str] = []
        after: Cursor | None = None
        while True:
            page = work(desk, "st", limit=3, after=after)
            seen += [one.reservation_id for one in page.work]
            after = page.next
            if after is None:
                break
        due = [one.due for one in work(desk, "st").work]
        soon = tasks(desk, "st", due_before_s=desk.clock_s() + 500)
        picks = tasks(desk, "st", tasks=(Task.PICK,))
    assert seen == ["h6", "h5", "h4", "h3", "h2", "h1", "h0", "o1"]
    assert due == sorted(due, key=str)
    assert soon == [("keep_ready", "h6")]
    assert picks == [("pick", "o1")]


def test_the_work_of_an_unknown_node_is_the_callers_to_mend(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        with pytest.raises(InputError, match="nowhere"):
            work(desk, "nowhere")
        with pytest.raises(InputError, match="limit"):
            work(desk, "st", limit=0)


def test_the_node_that_served_the_store_that_sold_and_the_one_that_took_it_back_get_the_credit(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        since_s = desk.clock_s()
        sold(desk, builders.line("a", 2), "b", attributes={"ordered_at": "st"})
        desk.ask(mark(Step.SHIP, lines={"a": 2}))
        turn(desk, 100)
        desk.ask(mark(Step.SHIP))
        lines = (ReturnedLine(sku="a", quantity=1),)
        desk.ask(Return(return_id="r1", node="st", order_id="o1", lines=lines))
        numbers = desk.state.view.numbers
        whole = credit(ledger, numbers, NETWORK, since_s=since_s, until_s=since_s + 101)
        early = credit(ledger, numbers, NETWORK, since_s=since_s, until_s=since_s + 100)
        store = credit(ledger, numbers, NETWORK, since_s=since_s, until_s=since_s + 101, node="st")
        with pytest.raises(InputError, match="before it begins"):
            credit(ledger, numbers, NETWORK, since_s=1, until_s=1)
    by_node = {one.node: one for one in whole.nodes}
    served = by_node["wh"]
    assert (served.served_orders, served.served_units, served.served_lines, served.served_cents) == (1, 3, 2, 6000)
    assert (by_node["st"].ordered_orders, by_node["st"].ordered_units, by_node["st"].ordered_cents) == (1, 3, 6000)
    assert (by_node["st"].returned_units, by_node["st"].returned_cents) == (1, 2000)
    assert [(one.node, one.served_units) for one in early.nodes] == [("st", 0), ("wh", 2)]
    assert {row.node for row in store.rows} == {"st"}


def test_ship_to_store_credits_the_origin_and_names_the_store_that_handed_it_over(ledger: Ledger) -> None:
    with desk_on(travelling(), ledger) as desk:
        since_s = desk.clock_s()
        sold(desk, builders.line("a", 2), pickup_node="st", destination=None)
        for step in (Step.SHIP, Step.ARRIVE):
            desk.ask(mark(step))
        before = credit(ledger, desk.state.view.numbers, travelling(), since_s=since_s, until_s=since_s + 1)
        desk.ask(mark(Step.COLLECT))
        report = credit(ledger, desk.state.view.numbers, travelling(), since_s=since_s, until_s=since_s + 1)
    assert before.rows == []
    assert [(row.node, row.place, row.state, row.units) for row in report.rows] == [("wh", "st", "collected", 2)]

"""Calls that come together: on one row, and the same call more than once."""

import threading
from typing import Any

import pytest

from engine.desk import allocation
from engine.desk import desk as desk_module
from engine.desk.ask import Answer, Ask, Command, KeyAsked
from engine.desk.desk import Desk, Watch
from engine.desk.opening import state_of
from engine.desk.reserve import Release
from engine.stock.ledger import Ledger
from engine.stock.records import IdempotencyKey
from tests import builders
from tests.desk.books import reserved
from tests.desk.desk_cases import allocate, desk_on, key
from tests.desk.test_reserve import at, hold

NETWORK = builders.network(stock={("st", "a"): 3})


def together(desk: Desk, *calls: tuple[Command, KeyAsked | None]) -> list[Answer | Exception | None]:
    """Results of calls that the desk gets at once; None for what it never answers."""
    results: list[Answer | Exception | None] = [None] * len(calls)
    left = threading.Semaphore(0)

    def done(place: int, result: Answer | Exception) -> None:
        results[place] = result
        left.release()

    desk.submit(*(Ask(command, lambda _, r, i=i: done(i, r), key=named) for i, (command, named) in enumerate(calls)))
    for _ in calls:
        left.acquire(timeout=20)
    return results


def test_a_hold_a_release_and_a_hold_of_one_row_that_come_together_are_all_answered(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 1), name="h0"))
        calls = [hold(at("st", 1), name="h1"), Release(reservation_id="h0"), hold(at("st", 1), name="h2")]
        results = together(desk, *((call, None) for call in calls))
        assert [result.status if isinstance(result, Answer) else result for result in results] == [201, 200, 201]
    assert reserved(ledger) == 2


def test_a_call_that_comes_twice_at_once_is_done_once_and_answered_twice(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        first, second, other = together(
            desk, (hold(at("st", 3)), key("k")), (hold(at("st", 3)), key("k")), (hold(at("st", 1), name="h2"), key("l"))
        )
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.status, first.replayed, second.replayed) == (201, False, True)
    assert first.body == second.body
    assert isinstance(other, Exception)
    assert reserved(ledger) == 3


def test_a_call_that_is_refused_twice_at_once_may_hold_later(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 1), name="h0"))
        refused = together(desk, (hold(at("st", 3)), key("k")), (hold(at("st", 3)), key("k")))
        assert all(isinstance(one, Exception) for one in refused)
        desk.ask(Release(reservation_id="h0"))
        assert desk.ask(hold(at("st", 3)), key("k")).status == 201


class Meanwhile:
    """A ledger on which something happens right after a call was looked up for the first time."""

    def __init__(self, ledger: Ledger, happens: Any) -> None:
        self.ledger = ledger
        self.happens = happens

    def get_many(self, kind: Any, keys: Any) -> Any:
        found = self.ledger.get_many(kind, keys)
        if kind is IdempotencyKey and self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


def test_a_call_that_another_process_does_meanwhile_is_answered_as_there_not_refused_for_what_it_took(
    ledger: Ledger,
) -> None:
    call = hold(at("st", 3)), key("k")
    with desk_on(NETWORK, ledger) as other:
        there: list[Answer] = []
        meanwhile: Any = Meanwhile(ledger, None)
        desk = Desk(state_of(NETWORK, meanwhile, other.clock_s()), clock_s=other.clock_s)

        def happens() -> None:
            there.append(other.ask(*call))
            desk.state.view.load(ledger.load(0))  # and the feed has told us: nothing is left

        meanwhile.happens = happens
        try:
            here = desk.ask(*call)
        finally:
            desk.close()
    assert [here.body] == [answer.body for answer in there]
    assert here.replayed
    assert reserved(ledger) == 3


def test_an_order_that_cannot_be_written_up_keeps_no_other_from_being_done(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = allocation._written

    def breaks(command: Any, *others: Any) -> Any:
        if command.order.order_id == "bad":
            raise RuntimeError("it cannot be written")
        return writing(command, *others)

    monkeypatch.setattr(allocation, "_written", breaks)
    orders = [builders.order("a", order_id=name) for name in ("o1", "bad", "o2")]
    with desk_on(NETWORK, ledger) as desk:
        results = together(desk, *((allocate(order), key(order.order_id)) for order in orders))
        said = [result.status if isinstance(result, Answer) else str(result) for result in results]
        assert said == [200, "it cannot be written", 200]
        assert desk.state.view.pending == {}
        assert int(desk.state.engine.live.row_reserved.sum()) == 2
    assert reserved(ledger) == 2
    assert ledger.get(IdempotencyKey, *key("bad")[:2]) is None


class Slow:
    """A ledger whose postings wait until they may."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.may = threading.Event()

    def post(self, *given: Any) -> Any:
        assert self.may.wait(20), "nobody lets it"
        return self.ledger.post(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


class Planned(Watch):
    """Counts calls of each group that was planned."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.more = threading.Semaphore(0)

    def step(self, name: str, asks: list[Ask], began_s: float, ended_s: float) -> None:
        if name == "plan":
            self.groups.append(len(asks))
            self.more.release()


def test_many_calls_are_planned_while_the_ledger_writes_and_few_wait(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "AHEAD_MIN", 2)
    slow: Any = Slow(ledger)
    watch = Planned()
    answers: list[Answer | Exception] = []

    def ask(name: str, units: int) -> Ask:
        return Ask(hold(at("st", units), name=name), lambda _, result: answers.append(result), key=key(name))

    with desk_on(NETWORK, slow, watch=watch, writers=1) as desk:
        desk.submit(ask("h0", 1))
        assert watch.more.acquire(timeout=20)  # on its way
        desk.submit(ask("h1", 1))
        assert not watch.more.acquire(timeout=0.3)  # one call alone waits for the writer
        desk.submit(ask("h2", 1))
        assert watch.more.acquire(timeout=20)  # two are planned, on what the first leaves
        desk.submit(ask("h3", 1), ask("h4", 1))
        assert not watch.more.acquire(timeout=0.3)  # one group ahead, not two
        assert watch.groups == [1, 2]
        assert answers == []  # nothing is told before it is on the disk
        slow.may.set()
    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [201, 201, 201]
    assert len([answer for answer in answers if isinstance(answer, Exception)]) == 2  # there are three units
    assert reserved(ledger) == 3

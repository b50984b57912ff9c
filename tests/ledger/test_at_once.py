"""Several threads and processes on one ledger; a process that is killed; connections that break."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.adapters.ledger import SqlLedger, check, open_ledger
from engine.stock.ledger import (
    CapacityChange,
    Conflict,
    Count,
    FeedMark,
    LedgerBusyError,
    Outcome,
    Posting,
    StockChange,
)
from engine.stock.records import EventRecord, Reservation
from tests.ledger.cases import NOW_S, allocation, contents, event, reservation, stocked
from tests.ledgers import url_of

ROOT = Path(__file__).parents[2]
ROWS, UNITS = 3, 40


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[SqlLedger]:
    ledger = open_ledger(url_of("postgres", tmp_path))
    yield ledger
    ledger.close()


def worker(url: str, name: str, groups: int, size: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.ledger.worker", url, name, str(ROWS), str(groups), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def at_once(works: list[Any]) -> None:
    """Run functions in threads; raise what any of them raises."""
    wrong: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def test_threads_and_processes_sell_what_is_there_and_not_a_unit_more(url: str) -> None:
    ledger = open_ledger(url)
    stocked(ledger, dict.fromkeys(range(ROWS), UNITS))
    workers = [worker(url, name, 12, 5) for name in ("a", "b")]
    held: list[str] = []

    def sell(name: str) -> None:
        for group in range(12):
            names = [f"{name}-{group}-{i}" for i in range(5)]
            posted = ledger.post([allocation(one, (group + i) % ROWS) for i, one in enumerate(names)], NOW_S)
            held.extend(one for one, outcome in zip(names, posted.outcomes, strict=True) if outcome.conflict is None)
            assert {outcome.conflict for outcome in posted.outcomes} <= {None, Conflict.STOCK}

    at_once([lambda name=name: sell(name) for name in ("c", "d", "e")])
    for one in workers:
        told, _ = one.communicate()
        assert one.returncode == 0
        held += told.split()
    assert contents(ledger)[0] == dict.fromkeys(range(ROWS), (UNITS, UNITS))
    assert sorted(r.reservation_id for r in ledger.find(Reservation, limit=1000)) == sorted(held)
    assert check(ledger) == []
    assert ledger.guard_hits == 0
    ledger.close()


def test_cells_that_nobody_booked_before_are_not_booked_beyond_their_limit_by_two_at_once(url: str) -> None:
    ledger = open_ledger(url)
    held: list[int] = []

    def book(day: int) -> None:
        wanted = Posting(capacity=[CapacityChange(1, day, -1, 1, 1, 2)])
        held.append(sum(outcome.conflict is None for outcome in ledger.post([wanted, wanted], NOW_S).outcomes))

    for day in range(8):
        held.clear()
        at_once([lambda day=day: book(day)] * 4)
        assert sum(held) == 2
    assert contents(ledger)[1] == {(1, day, -1): (2, 2) for day in range(8)}
    ledger.close()


def test_a_call_that_two_processes_take_at_once_is_done_once(url: str) -> None:
    ledgers = [open_ledger(url) for _ in range(3)]
    stocked(ledgers[0], {1: 100})
    outcomes: list[Outcome] = []

    def take(one: SqlLedger, turn: int) -> None:
        outcomes.extend(one.post([allocation(f"r{turn}", 1), allocation(f"s{turn}", 1)], NOW_S).outcomes)

    for turn in range(6):
        at_once([lambda one=one, turn=turn: take(one, turn) for one in ledgers])
    assert [outcome.conflict for outcome in outcomes].count(None) == 12
    assert {outcome.conflict for outcome in outcomes} == {None, Conflict.KEY}
    assert contents(ledgers[0])[0] == {1: (100, 12)}
    for one in ledgers:
        one.close()


def test_what_was_said_to_hold_is_there_after_a_kill(tmp_path: Path) -> None:
    url = url_of("sqlite", tmp_path)
    with_stock = open_ledger(url)
    stocked(with_stock, dict.fromkeys(range(ROWS), 10**6))
    with_stock.close()
    for name in ("x", "y", "z"):
        process = worker(url, name, 10**6, 8)
        assert process.stdout is not None
        held = [one for _ in range(15) for one in process.stdout.readline().split()]
        process.kill()
        rest, _ = process.communicate()
        held += [one for line in rest.split("\n")[:-1] for one in line.split()]  # the last line may be cut short
        ledger = open_ledger(url)
        found = {r.reservation_id for r in ledger.find(Reservation, limit=10**6)}
        assert len(held) >= 15 * 8
        assert set(held) <= found
        assert check(ledger) == []
        ledger.close()


def test_readers_do_not_wait_for_a_writer_of_the_same_file(tmp_path: Path) -> None:
    ledger = open_ledger(url_of("sqlite", tmp_path))
    stocked(ledger, {1: 5})
    with ledger.write_engine.begin() as writing:
        writing.exec_driver_sql("UPDATE stock SET on_hand = 4")
        assert contents(ledger)[0] == {1: (5, 0)}
    assert contents(ledger)[0] == {1: (4, 0)}
    ledger.close()


def test_a_transaction_that_waits_too_long_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.adapters.ledger.dialect.BUSY_S", 0)
    monkeypatch.setattr("engine.adapters.ledger.trying.PAUSE_S", 0)
    ledger = open_ledger(url_of("sqlite", tmp_path))
    other = open_ledger(ledger.url)
    with other.write_engine.begin(), pytest.raises(LedgerBusyError, match="locked"):
        ledger.post([Posting(stock=[StockChange(1, 1, 0)])], NOW_S)
    assert ledger.post([Posting(stock=[StockChange(1, 1, 0)])], NOW_S).outcomes == [Outcome()]
    for one in (ledger, other):
        one.close()


def test_the_feed_shows_nothing_that_an_earlier_transaction_may_yet_follow(postgres: SqlLedger) -> None:
    with psycopg.connect(postgres.url) as early:
        early.execute("SELECT pg_current_xact_id()")  # under way: it may yet write to the feed
        postgres.post([Posting(stock=[StockChange(1, 1, 0)], makes=[event()])], NOW_S)
        assert postgres.changes(FeedMark()) == []
        assert postgres.find(EventRecord, order=("xid", "event_no")) == []
        assert contents(postgres)[0] == {1: (1, 0)}
        mark = postgres.load(0).mark
        early.rollback()
    assert [change.stock for change in postgres.changes(FeedMark())] == [[(1, 1, 0, 0, 0)]]
    assert len(postgres.changes(mark)) == 1  # told again rather than left out
    assert len(postgres.find(EventRecord, order=("xid", "event_no"))) == 1


def test_each_change_is_told_once_and_none_is_left_out_while_many_write(postgres: SqlLedger) -> None:
    stocked(postgres, dict.fromkeys(range(4), 0))
    mark, told, ended = postgres.load(0).mark, [], threading.Event()

    def write(name: str) -> None:
        for i in range(24):
            postgres.post([Posting(stock=[StockChange(i % 4, 1, 0)], makes=[event(f"{name}{i}")])], NOW_S)

    def follow() -> None:
        nonlocal mark
        while True:
            last = ended.is_set()
            told.extend(postgres.changes(mark, limit=7))
            mark = told[-1].mark if told else mark
            if last and not postgres.changes(mark):
                return

    def writers() -> None:
        at_once([lambda name=name: write(name) for name in "abcd"])
        ended.set()

    at_once([writers, follow])
    assert sorted(change.mark.seq for change in told) == sorted({change.mark.seq for change in told})
    assert len(told) == 96
    latest: dict[int, tuple[int, int]] = {}
    for change in told:
        for key, on_hand, *_ in change.stock:
            latest[key] = max(latest.get(key, (0, 0)), (change.mark.seq, on_hand))
    assert {key: on_hand for key, (_, on_hand) in latest.items()} == dict.fromkeys(range(4), 24)


def test_a_connection_that_breaks_is_replaced_and_nothing_is_done_twice(postgres: SqlLedger) -> None:
    stocked(postgres, {1: 10})
    with psycopg.connect(postgres.url, autocommit=True) as other:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        other.execute(f"{others} AND pid <> pg_backend_pid()")
    assert postgres.post([allocation("a", 1)], NOW_S).outcomes == [Outcome()]
    assert contents(postgres)[0] == {1: (10, 1)}


@pytest.mark.parametrize("arrives", [True, False])
def test_what_became_of_a_commit_without_answer_is_found_out(
    postgres: SqlLedger, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    stocked(postgres, {1: 10})
    commit, broken = psycopg.Connection.commit, []

    def breaking(connection: psycopg.Connection[Any]) -> None:
        if broken:
            commit(connection)
            return
        broken.append(True)
        if arrives:
            commit(connection)
        connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(psycopg.Connection, "commit", breaking)
    assert postgres.post([allocation("a", 1)], NOW_S).outcomes == [Outcome()]
    assert broken
    assert contents(postgres)[0] == {1: (10, 1)}
    assert len(postgres.changes(FeedMark())) == 2


def test_a_ledger_that_cannot_be_reached_says_so(monkeypatch: pytest.MonkeyPatch, postgres: SqlLedger) -> None:
    monkeypatch.setattr("engine.adapters.ledger.trying.PAUSE_S", 0)

    def refused(*_: Any, **__: Any) -> None:
        raise psycopg.OperationalError("connection refused")

    postgres.write_engine.dispose()
    monkeypatch.setattr(psycopg.Connection, "connect", refused)
    monkeypatch.setattr(postgres.write_engine.dialect, "connect", refused)
    with pytest.raises(LedgerBusyError, match="connection refused"):
        postgres.post([Posting(makes=[reservation()])], NOW_S)
    with pytest.raises(LedgerBusyError, match="connection refused"):
        postgres.count([Count(1, 1, None, None)], NOW_S, "wms")
    with pytest.raises(LedgerBusyError, match="connection refused"):
        postgres.find(Reservation)

"""A COMMIT whose answer is lost, on a real broken connection, and one that the disk refuses: never guessed."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from engine.adapters.ledger import SqlLedger, check, open_ledger
from engine.adapters.ledger.dialect import PostgresHand
from engine.desk.ask import DeskError
from engine.stock.ledger import Conflict, FeedMark, LedgerBusyError, LedgerUnsureError, Outcome
from tests import builders
from tests.desk.books import reserved
from tests.desk.desk_cases import desk_on, key
from tests.desk.test_reserve import at, hold
from tests.ledger.cases import NOW_S, allocation, contents, stocked
from tests.ledger.proxy import Proxy, proxied
from tests.ledgers import url_of


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[tuple[Proxy, SqlLedger]]:
    """A ledger behind a proxy; in a folder with a short name, as names of sockets must be."""
    with (
        TemporaryDirectory(prefix="sw-") as folder,
        proxied(url_of("postgres", tmp_path), Path(folder)) as (proxy, url),
    ):
        ledger = open_ledger(url)
        try:
            yield proxy, ledger
        finally:
            ledger.close()


@pytest.mark.parametrize("breaks", ["answer", "commit"])
def test_a_commit_that_lost_its_answer_or_never_arrived_is_done_once(
    broken: tuple[Proxy, SqlLedger], breaks: str
) -> None:
    proxy, ledger = broken
    stocked(ledger, {1: 10})
    for turn in range(3):
        proxy.breaks = breaks
        assert ledger.post([allocation(f"a{turn}", 1)], NOW_S).outcomes == [Outcome()]
    assert proxy.broken == 3
    assert contents(ledger)[0] == {1: (10, 3)}
    assert len(ledger.changes(FeedMark())) == 1 + 3
    assert check(ledger) == []


def test_where_nobody_can_be_asked_it_is_called_unsure_and_the_same_call_finds_its_answer(
    broken: tuple[Proxy, SqlLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.adapters.ledger.trying.ASK_TRIES", 2)
    monkeypatch.setattr("engine.adapters.ledger.trying.ASK_PAUSE_S", 0)
    proxy, ledger = broken
    stocked(ledger, {1: 10})
    ledger.post([allocation("first", 1)], NOW_S)  # so that the rows are there, which have a COMMIT of their own
    for breaks, held in (("answer", 2), ("commit", 2)):
        proxy.breaks, proxy.reachable = breaks, False
        with pytest.raises(LedgerUnsureError, match="no answer"):
            ledger.post([allocation(f"a-{breaks}", 1)], NOW_S)
        proxy.reachable = True
        assert contents(ledger)[0] == {1: (10, held)}
    (again, fresh) = ledger.post([allocation("a-answer", 1), allocation("a-commit", 1)], NOW_S).outcomes
    assert again.conflict == Conflict.KEY
    assert again.answered is not None
    assert again.answered.body == "answer to k-a-answer"
    assert fresh == Outcome()
    assert contents(ledger)[0] == {1: (10, 3)}


@pytest.mark.parametrize("number", ["another's", "nobody's yet"])
def test_a_number_that_was_given_to_another_transaction_after_a_crash_proves_nothing(
    broken: tuple[Proxy, SqlLedger], monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    proxy, ledger = broken
    stocked(ledger, {1: 10})
    ledger.post([allocation("first", 1)], NOW_S)
    mark = ledger.changes(FeedMark())[-1].mark
    write = PostgresHand.write

    def renumbered(hand: PostgresHand, *given: Any) -> tuple[int, int, list[int]]:
        _, _, changed = write(hand, *given)
        # A transaction that was lost in a crash; the server has given its numbers, or not yet, to one that holds.
        return (mark.seq, mark.xid, changed) if number == "another's" else (10**9, 2**40, changed)

    proxy.breaks = "commit"
    with monkeypatch.context() as crashed:
        crashed.setattr(PostgresHand, "write", renumbered)
        assert ledger.post([allocation("a", 1)], NOW_S).outcomes == [Outcome()]
    assert proxy.broken == 1
    assert contents(ledger)[0] == {1: (10, 2)}


def test_a_desk_says_try_again_with_the_same_key_and_then_answers_what_was_done(
    broken: tuple[Proxy, SqlLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.adapters.ledger.trying.ASK_TRIES", 1)
    monkeypatch.setattr("engine.adapters.ledger.trying.ASK_PAUSE_S", 0)
    proxy, ledger = broken
    with desk_on(builders.network(), ledger) as desk:
        desk.ask(hold(at("st", 1), name="first"))
        proxy.breaks, proxy.reachable = "answer", False
        with pytest.raises(DeskError) as error:
            desk.ask(hold(at("st", 9)), key("k1"))
        assert (error.value.code, error.value.status, error.value.retryable) == ("ledger-busy", 503, True)
        proxy.reachable = True
        answer = desk.ask(hold(at("st", 9)), key("k1"))
        assert (answer.status, answer.replayed) == (201, True)
        with pytest.raises(DeskError, match="0 of 1"):
            desk.ask(hold(at("st", 1), name="last"))
    assert reserved(ledger) == 10


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let the disk be full for a file of this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_finds_the_disk_full_changes_nothing_and_works_when_there_is_room(tmp_path: Path) -> None:
    ledger = open_ledger(url_of("sqlite", tmp_path))
    stocked(ledger, {1: 10})
    log = tmp_path / "ledger.db-wal"
    with no_file_beyond(log.stat().st_size + 6_000), pytest.raises(LedgerBusyError, match="disk"):
        ledger.post([allocation("a", 1)], NOW_S)
    assert contents(ledger)[0] == {1: (10, 0)}
    assert ledger.post([allocation("a", 1)], NOW_S).outcomes == [Outcome()]
    ledger.close()
    again = open_ledger(ledger.url)
    assert contents(again)[0] == {1: (10, 1)}
    assert check(again) == []
    again.close()


@pytest.mark.parametrize("arrives", [True, False])
def test_on_sqlite_what_became_of_a_commit_is_read_from_its_own_line_of_the_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    ledger = open_ledger(url_of("sqlite", tmp_path), writer="service")
    other = open_ledger(ledger.url, writer="command")
    stocked(ledger, {1: 10, 2: 10})
    commit = ledger.write_engine.dialect.do_commit

    def failing(connection: Any) -> None:
        monkeypatch.undo()
        (commit if arrives else ledger.write_engine.dialect.do_rollback)(connection)
        # Another process writes meanwhile; where ours is gone, it is given the number in the feed that we had.
        other.post([allocation("theirs", 2)], NOW_S)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(ledger.write_engine.dialect, "do_commit", failing)
    if arrives:
        assert ledger.post([allocation("ours", 1)], NOW_S).outcomes == [Outcome()]
    else:
        with pytest.raises(LedgerBusyError, match="disk"):
            ledger.post([allocation("ours", 1)], NOW_S)
    assert contents(ledger)[0] == {1: (10, int(arrives)), 2: (10, 1)}
    for one in (ledger, other):
        one.close()

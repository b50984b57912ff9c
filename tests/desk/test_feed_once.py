"""A feed, a count and quarantined lines are done once, whatever breaks off in between."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.ledger import open_ledger
from engine.desk.ask import DeskError, KeyAsked
from engine.desk.counts import (
    Batch,
    Message,
    apply_feed,
    list_quarantined,
    set_on_hand,
    settle_quarantined,
    settled_before,
)
from engine.desk.desk import Desk
from engine.desk.exceptions import list_cases
from engine.domain.units import epoch_s
from engine.stock.ledger import Ledger, LedgerBusyError, stock_key
from engine.stock.records_oms import Quarantined
from tests import builders
from tests.desk.desk_cases import allocate, desk_on, following
from tests.ledgers import url_of

NOW_S = epoch_s(builders.AS_OF)
NETWORK = builders.network(stock={("wh", "a"): 5, ("wh", "b"): 5})
ROOT = Path(__file__).parents[2]
CALL = KeyAsked("test", "k", "payload")
LINES = 30


def on_hand(ledger: Ledger, sku: int = 0) -> int:
    return ledger.stock_row(stock_key(sku, 0))[0].on_hand


def batch(*units: int) -> Batch:
    messages = [Message(node="wh", sku="a", units=n) for n in units]
    return Batch(source="wms", batch="b", rows=range(1, len(units) + 1), messages=messages)


class Breaks:
    """Lets the ledger's calls through until one is named that does not come back, though it was done or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ledger: Ledger, name: str, *, done: int) -> None:
        method = getattr(ledger, name)
        self.left = done

        def call(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == -1:
                raise LedgerBusyError("it broke")
            return method(*given, **named)

        monkeypatch.setattr(ledger, name, call)


def test_a_feed_that_breaks_off_goes_on_where_it_was(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with following(NETWORK, ledger) as (desk, _):
        Breaks(monkeypatch, ledger, "count", done=2)
        with pytest.raises(LedgerBusyError):
            apply_feed(desk, batch(1, -90, 1, 1, 1, 1), now_s=NOW_S, chunk=2, call=CALL)
        assert on_hand(ledger) == 8
        report = apply_feed(desk, batch(1, -90, 1, 1, 1, 1), now_s=NOW_S, chunk=2, call=CALL)
        assert report.results == ["applied", "quarantined", *["applied"] * 4]
        assert [(line.row, line.field) for line in report.refused] == [(2, "units")]
        assert on_hand(ledger) == 10
        assert apply_feed(desk, batch(1, -90, 1, 1, 1, 1), now_s=NOW_S, chunk=2, call=CALL) == report
        assert on_hand(ledger) == 10
        with pytest.raises(DeskError, match="another payload"):
            apply_feed(desk, batch(1), now_s=NOW_S, chunk=2, call=CALL._replace(fingerprint="other"))
        apply_feed(desk, batch(1), now_s=NOW_S, chunk=2, call=CALL._replace(key="new"))
        assert on_hand(ledger) == 11


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_process_that_is_killed_leaves_nothing_to_be_done_twice(kind: str, tmp_path: Path) -> None:
    url = url_of(kind, tmp_path)
    command = [sys.executable, "-m", "tests.desk.feeder", url, str(LINES)]
    for lines_until_killed in (7, 12):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        for _ in range(lines_until_killed):
            assert process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.splitlines()
    assert ended[-1] == f"{{'applied': {LINES}}}"
    assert ended.count("answered") >= 12
    ledger = open_ledger(url)
    assert on_hand(ledger) == 10 + LINES
    ledger.close()


def test_a_count_that_was_not_answered_is_no_conflict_when_it_is_repeated(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order("a"), ttl_s=None))
        seen = ledger.stock_row(stock_key(0, 0))[1]
        Breaks(monkeypatch, ledger, "post", done=0)  # the case of who holds units that are not there
        with pytest.raises(LedgerBusyError):
            set_on_hand(desk, node="wh", sku="a", on_hand=0, now_s=NOW_S, if_seq=seen, call=CALL)
        assert (on_hand(ledger), list_cases(ledger)[0]) == (0, [])
        set_on_hand(desk, node="wh", sku="a", on_hand=0, now_s=NOW_S, if_seq=seen, call=CALL)
        assert [case.kind for case in list_cases(ledger)[0]] == ["stock_short"]
        with pytest.raises(DeskError, match="changed meanwhile"):
            set_on_hand(desk, node="wh", sku="a", on_hand=1, now_s=NOW_S, if_seq=seen, call=CALL._replace(key="k2"))
        assert on_hand(ledger) == 0


def quarantined(desk: Desk, *units: int) -> list[Quarantined]:
    """Lines that a larger stock would have allowed, with that stock."""
    assert apply_feed(desk, batch(*units), now_s=NOW_S).numbers == {"quarantined": len(units)}
    set_on_hand(desk, node="wh", sku="a", on_hand=200, now_s=NOW_S)
    return list_quarantined(desk.ledger)[0]


def test_quarantined_lines_are_applied_once_by_whoever_settles_them(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        lines = quarantined(desk, -50, -60)
        threads = [
            threading.Thread(
                target=settle_quarantined,
                args=(desk, lines),
                kwargs={"apply": True, "now_s": NOW_S, "call": CALL._replace(key=name)},
            )
            for name in ("one", "other")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert on_hand(ledger) == 90
        states = {line.state for line in ledger.find(Quarantined)}
        assert states == {"applied"}
        reports = [settled_before(desk, CALL._replace(key=name)) for name in ("one", "other")]
        results = sorted(report.results for report in reports if report is not None)
        assert results == [["applied"] * 2, ["repeated"] * 2]


def test_a_call_that_settled_lines_is_told_the_same_again(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        lines = quarantined(desk, -50, -900)
        report = settle_quarantined(desk, lines, apply=True, now_s=NOW_S, call=CALL)
        assert report.results == ["applied", "quarantined"]
        assert settled_before(desk, CALL) == report
        assert settle_quarantined(desk, lines, apply=True, now_s=NOW_S, call=CALL) == report
        assert on_hand(ledger) == 150
        (left,) = list_quarantined(ledger)[0]
        other = CALL._replace(key="dismiss")
        assert settle_quarantined(desk, [left], apply=False, now_s=NOW_S, call=other) == settled_before(desk, other)
        assert list_quarantined(ledger)[0] == []

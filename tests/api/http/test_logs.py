"""The log: one line per decision, and nothing that is secret."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.http.logs import WAITING_MAX, Log, Noted
from tests.api.http.ops_cases import in_service
from tests.api.http.served import order

ANSWER = (
    b'{"decision_id":"d-1","order_id":"o 1","status":"allocated","quality":"optimal","cost_cents":1234,'
    b'"currency":"EUR","deliver_by":"2026-06-02T18:00:00Z","shipments":[{"node":"wh","service":"std",'
    b'"method":"ship_from_warehouse"},{"node":"st","service":null,"method":"click_and_collect"}],"unmet":[]}'
)
NOTED = Noted(ANSWER, 2, 7.9, "4bf92f3577b34da6a3ce929d0e0e4736", False)
AT = "2026-06-01T08:00:00.000000Z"


@contextmanager
def kept_loggers() -> Iterator[None]:
    """What the log takes over belongs to the test run again afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:], _ = before
        root.setLevel(before[1])
        logging.captureWarnings(False)


def test_a_line_of_a_decision_says_who_when_and_for_how_much() -> None:
    line = Log(io.BytesIO()).line(NOTED, AT).decode()
    assert line == (
        "at=2026-06-01T08:00:00.000000Z "
        'level=info event=decision order="o 1" outcome=allocated nodes=wh,st services=std,click_and_collect '
        'cost="12.34 EUR" promise=2026-06-02T18:00:00Z unmet=0 quality=optimal attempts=2 ms=7.9 decision=d-1 '
        "trace=4bf92f3577b34da6a3ce929d0e0e4736"
    )


def test_a_line_of_json_has_the_same_fields() -> None:
    fields = json.loads(Log(io.BytesIO(), form="json").line(NOTED, AT))
    assert (fields["order"], fields["at"]) == ("o 1", AT)
    assert (fields["attempts"], fields["ms"], fields["nodes"]) == (2, 7.9, "wh,st")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_with_line_ends_cannot_forge_a_line(form: str) -> None:
    forged = Noted(ANSWER.replace(b"o 1", b'o\\nat=2026 level=info event=decision order=\\"x\\"'), 1, 1.0, "t", False)
    assert b"\n" not in Log(io.BytesIO(), form=form).line(forged, AT)


def test_every_decision_has_one_line_and_no_secret_is_in_it() -> None:
    out = io.BytesIO()
    log = Log(out)
    with kept_loggers():
        log.start()
        with in_service(log=log) as running:
            token = running.make_key("oms", "admin")
            headers = {"authorization": f"Bearer {token}", "traceparent": f"00-{32 * 'a'}-{16 * 'b'}-01"}
            for i in range(3):
                running.call("POST", "/v1/allocations", order(f"o{i}"), key=f"k{i}", **headers)
            running.call("POST", "/v1/allocations", b"{", key="bad", **headers)
        log.close()
    lines = out.getvalue().decode().splitlines()
    decisions = [line for line in lines if " event=decision " in line]
    assert [line.split(" order=")[1].split(" ")[0] for line in decisions] == ["o0", "o1", "o2"]
    assert all(f"trace={32 * 'a'}" in line for line in decisions)
    assert token.rpartition("_")[2] not in out.getvalue().decode()


def test_one_of_so_many_decisions_has_a_line_or_none() -> None:
    for each, expected in ((0, 0), (3, 3), (1, 9)):
        out = io.BytesIO()
        log = Log(out, each=each)
        with kept_loggers():
            log.start()
            with in_service(log=log) as running:
                for i in range(9):
                    running.call("POST", "/v1/allocations", order(f"o{i}"), key=f"k{i}")
            log.close()
        assert out.getvalue().count(b"event=decision") == expected


def test_what_others_log_becomes_lines_of_the_same_form() -> None:
    out = io.BytesIO()
    log = Log(out, form="json")
    with kept_loggers():
        log.start()
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("elsewhere").exception("It broke")
        logging.getLogger("elsewhere").debug("too quiet")
        log.close()
    (line,) = out.getvalue().splitlines()
    fields = json.loads(line)
    assert (fields["level"], fields["event"], fields["logger"]) == ("error", "It broke", "elsewhere")
    assert "ValueError: broken" in fields["exception"]


def test_a_log_that_nobody_reads_holds_up_nobody_and_counts_what_it_lost() -> None:
    stuck, lost = threading.Event(), []

    class Stuck(io.BytesIO):
        def write(self, _: object) -> int:
            stuck.wait()
            return 0

    log = Log(Stuck(), lost=lost.append)
    with kept_loggers():
        log.start()
        for _ in range(2 * WAITING_MAX + 10_000):
            log.decision(NOTED)
        stuck.set()
        log.close()
    assert sum(lost) >= 10_000

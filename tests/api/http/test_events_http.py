"""Events over HTTP: pages and the stream."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from engine.desk.outbox import EventMark, cursor_of
from tests.api.http.ops_cases import event, happened, in_service, ops
from tests.api.http.served import Served, order


@pytest.fixture
def service() -> Iterator[Served]:
    with in_service() as running:
        yield running


def messages(lines: Iterator[str], count: int) -> list[dict[str, str]]:
    """So many events of a stream, by the fields of their lines; comments under the name ""."""
    out: list[dict[str, str]] = []
    now: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in now:
                out.append(now)
            now = {}
            if len(out) == count:
                return out
        else:
            name, _, value = line.partition(": ")
            now[name] = value
    return out


def read(service: Served, count: int, query: str = "", **headers: str) -> list[dict[str, str]]:
    with service.client.stream("GET", f"/v1/events/stream{query}", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return messages(response.iter_lines(), count)


def test_pages_of_events_are_cloud_events_and_lead_to_the_next(service: Served) -> None:
    happened(ops(service).ledger, *(event(f"o{i}") for i in range(5)))
    seen: list[Any] = []
    cursor, more = "start", True
    while more:
        page = service.call("GET", f"/v1/events?limit=2&cursor={cursor}").json()
        seen += page["events"]
        cursor, more = page["next"], page["more"]
    assert [one["subject"] for one in seen] == [f"o{i}" for i in range(5)]
    assert {one["specversion"] for one in seen} == {"1.0"}
    again = service.call("GET", f"/v1/events?cursor={cursor}").json()
    assert (again["events"], again["next"]) == ([], cursor)
    happened(ops(service).ledger, event("later"))
    assert [one["subject"] for one in service.call("GET", f"/v1/events?cursor={cursor}").json()["events"]] == ["later"]


def test_a_decision_is_told_as_an_event(service: Served) -> None:
    answer = service.call("POST", "/v1/allocations", order("o1"), key="k1").json()
    (one,) = service.call("GET", "/v1/events?type=io.sourcewise.decision.made.v1").json()["events"]
    assert one["subject"] == "o1"
    assert one["data"]["decision_id"] == answer["decision_id"]


def test_a_wrong_cursor_or_type_is_a_problem(service: Served) -> None:
    assert service.call("GET", "/v1/events?cursor=nonsense").json()["type"] == "/problems/bad-cursor"
    assert service.call("GET", "/v1/events?type=Decision").status_code == 422
    assert service.call("GET", "/v1/events/stream", last_event_id="nonsense").status_code == 400


def test_a_stream_goes_on_after_the_last_event_that_was_seen(service: Served) -> None:
    happened(ops(service).ledger, *(event(f"o{i}") for i in range(10)))
    seen: list[str] = []
    last = "start"
    for count in (1, 3, 2, 4):
        headers = {} if last == "start" else {"last-event-id": last}
        found = read(service, count, "?cursor=start" if last == "start" else "", **headers)
        seen += [json.loads(one["data"])["subject"] for one in found]
        last = found[-1]["id"]
    assert seen == [f"o{i}" for i in range(10)]


def test_a_stream_tells_what_happens_while_it_is_open(service: Served) -> None:
    ledger = ops(service).ledger
    happened(ledger, event("before"))
    with service.client.stream("GET", "/v1/events/stream") as response:
        lines = response.iter_lines()
        assert next(lines).startswith(": after ")  # it is open from here on
        happened(ledger, event("1"), event("2", "stock.adjusted.v1"))
        found = messages(lines, 2)
    assert [json.loads(one["data"])["subject"] for one in found] == ["1", "2"]
    assert [one["event"] for one in found] == ["io.sourcewise.decision.made.v1", "io.sourcewise.stock.adjusted.v1"]


def test_every_reader_of_several_gets_each_event_once(service: Served) -> None:
    ledger, found = ops(service).ledger, []
    start = cursor_of(EventMark())

    def follow() -> None:
        with (
            httpx.Client(base_url=service.client.base_url, timeout=30) as client,
            client.stream("GET", "/v1/events/stream", headers={"last-event-id": start}) as response,
        ):
            found.append([one["id"] for one in messages(response.iter_lines(), 60)])

    readers = [threading.Thread(target=follow) for _ in range(4)]
    for reader in readers:
        reader.start()
    happened(ledger, *(event(f"o{i}") for i in range(60)))
    for reader in readers:
        reader.join()
    assert len(found) == 4
    assert all(ids == found[0] for ids in found)
    assert len(set(found[0])) == 60


def test_a_quiet_stream_shows_that_it_lives() -> None:
    with in_service(heartbeat_s=0.05) as running, running.client.stream("GET", "/v1/events/stream") as response:
        comments = [line for line, _ in zip(_comments(response.iter_lines()), range(3), strict=False)]
    assert comments[1:] == [": still here"] * 2


def _comments(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if line.startswith(":"))


def test_a_stream_of_some_types_has_no_others(service: Served) -> None:
    happened(
        ops(service).ledger, event("1"), event("2", "stock.adjusted.v1"), event("3"), event("4", "stock.adjusted.v1")
    )
    found = read(service, 2, "?cursor=start&type=stock.adjusted.v1")
    assert [json.loads(one["data"])["subject"] for one in found] == ["2", "4"]


def test_streams_end_when_the_service_goes_down() -> None:
    with in_service() as running:
        with running.client.stream("GET", "/v1/events/stream") as response:
            lines = response.iter_lines()
            next(lines)
            loop = ops(running).bridge._loop
            loop.call_soon_threadsafe(lambda: loop.create_task(ops(running).wind_down()))
            assert [line for line in lines if line.startswith("data")] == []
        assert running.call("GET", "/health/ready").status_code == 503
        assert running.call("GET", "/v1/events/stream").status_code == 503

"""Events on their way to webhooks, over real sockets, on every ledger."""

import json
import socket
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook as Signer

from api.http.deliver import BACKOFF_S, JITTER, LEASE_S, Result, delay_s
from engine.desk.outbox import EventMark
from engine.stock.ledger import Ledger, Posting
from tests.api.http.ops_cases import (
    NOW_S,
    OLD_SECRET,
    SECRET,
    deliverer,
    event,
    happened,
    hooked,
    known,
    left,
    receiver,
    rounds,
)
from tests.desk.desk_cases import Clock
from tests.ledger_twin import LedgerTwin


def test_a_message_is_the_cloud_event_signed_by_the_secret(ledger: Ledger) -> None:
    with receiver() as there:
        hooked(ledger, there.url)
        happened(ledger, event(data='{"cost":"1,50 €"}'))
        assert rounds(deliverer(ledger, Clock(NOW_S))) == 1
    (message,) = there.got
    document = json.loads(message.body)
    assert (document["specversion"], document["source"], document["subject"]) == ("1.0", "/test", "o1")
    assert document["type"] == "io.sourcewise.decision.made.v1"
    assert document["data"] == {"cost": "1,50 €"}
    assert document["id"] == message.message_id == "evt_1"
    assert message.headers["content-type"] == "application/cloudevents+json"
    at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), tz=UTC)
    assert message.headers["webhook-signature"] == Signer(SECRET).sign("evt_1", at, message.body)
    assert left(ledger) == []


def test_while_secrets_are_rotated_either_of_them_checks_the_message(ledger: Ledger) -> None:
    with receiver() as there:
        hooked(ledger, there.url, secret_before=OLD_SECRET)
        happened(ledger, event())
        rounds(deliverer(ledger, Clock(NOW_S)))
    (message,) = there.got
    at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), tz=UTC)
    expected = {Signer(secret).sign("evt_1", at, message.body) for secret in (SECRET, OLD_SECRET)}
    assert set(message.headers["webhook-signature"].split(" ")) == expected


def test_events_of_other_types_are_passed_over_for_good(ledger: Ledger) -> None:
    with receiver() as there:
        hooked(ledger, there.url, types="stock.adjusted.v1")
        happened(ledger, event(), event(kind="stock.adjusted.v1"), event())
        worker = deliverer(ledger, Clock(NOW_S))
        while rounds(worker):
            pass
        assert rounds(worker) == 0
    assert there.ids == ["evt_2"]
    assert known(ledger).after_no == 3


def test_several_processes_share_the_work_and_send_nothing_twice(ledger: Ledger) -> None:
    with receiver() as there:
        for name in ("w1", "w2", "w3"):
            hooked(ledger, f"{there.url}/{name}", name)
        happened(ledger, *(event(f"o{i % 7}") for i in range(40)))
        workers = [deliverer(ledger, Clock(NOW_S), owner) for owner in "abc"]
        while rounds(*workers):
            pass
    sent = [(message.path, message.message_id) for message in there.got]
    assert left(ledger) == []
    assert len(sent) == len(set(sent)) == 3 * 40


def test_events_about_one_subject_come_in_their_order(ledger: Ledger) -> None:
    with receiver() as there:
        hooked(ledger, there.url)
        happened(ledger, *(event(f"o{i % 5}") for i in range(60)))
        worker = deliverer(ledger, Clock(NOW_S))
        while rounds(worker):
            pass
    for subject in range(5):
        numbers = [int(i.removeprefix("evt_")) for i in there.ids if (int(i.removeprefix("evt_")) - 1) % 5 == subject]
        assert numbers == sorted(numbers)
        assert len(numbers) == 12


def test_a_refused_event_is_tried_again_and_only_its_subject_waits(ledger: Ledger) -> None:
    clock = Clock(NOW_S)
    with receiver() as there:
        there.answer = lambda message: (400 if message.message_id == "evt_1" else 204, {})
        hooked(ledger, there.url)
        happened(ledger, event("o1"), event("o2"), event("o1"))
        worker = deliverer(ledger, clock)
        rounds(worker)
        assert sorted(there.ids) == ["evt_1", "evt_2"]
        happened(ledger, event("o1"), event("o3"))
        rounds(worker)
        assert sorted(there.ids) == ["evt_1", "evt_2", "evt_5"]
        there.answer = lambda message: (204, {})
        clock.now_s += 10
        rounds(worker)
        assert there.ids[3:] == ["evt_1", "evt_3", "evt_4"]
    assert left(ledger) == []


def test_a_receiver_that_asks_for_time_is_left_alone_until_then(ledger: Ledger) -> None:
    clock = Clock(NOW_S)
    with receiver() as there:
        there.answer = lambda message: (503, {"retry-after": "120"})
        hooked(ledger, there.url)
        happened(ledger, *(event("o1") for _ in range(4)))
        worker = deliverer(ledger, clock)
        assert rounds(worker) == 4
        assert there.ids == ["evt_1"]
        assert known(ledger).not_before_s == NOW_S + 120
        clock.now_s += 119
        assert rounds(worker) == 0
        there.answer = lambda message: (204, {})
        clock.now_s += 1
        rounds(worker)
    assert there.ids == ["evt_1", "evt_1", "evt_2", "evt_3", "evt_4"]
    assert known(ledger).not_before_s == 0


def test_one_message_knocks_at_a_receiver_that_was_out_of_reach(ledger: Ledger) -> None:
    clock = Clock(NOW_S)
    with receiver() as there:
        there.answer = lambda message: (503, {})
        hooked(ledger, there.url)
        happened(ledger, event("o0"))
        worker = deliverer(ledger, clock)
        rounds(worker)
        happened(ledger, *(event(f"o{i}") for i in range(1, 30)))
        clock.now_s += 6
        rounds(worker)
        assert there.ids == ["evt_1", "evt_1"]


def test_a_receiver_that_is_gone_gets_nothing_more(ledger: Ledger) -> None:
    with receiver() as there:
        there.answer = lambda message: (410, {})
        hooked(ledger, there.url)
        happened(ledger, event("o1"), event("o1"))
        worker = deliverer(ledger, Clock(NOW_S))
        rounds(worker)
        assert rounds(worker) == 0
    assert there.ids == ["evt_1"]
    assert known(ledger).state == "gone"


def test_after_the_last_attempt_an_event_is_a_dead_letter(ledger: Ledger) -> None:
    clock, told = Clock(NOW_S), []
    with receiver() as there:
        there.answer = lambda message: (422, {})
        hooked(ledger, there.url)
        happened(ledger, event())
        worker = deliverer(ledger, clock, told=told.append)
        for _ in range(len(BACKOFF_S) + 1):
            rounds(worker)
            (delivery,) = left(ledger)
            clock.now_s = max(clock.now_s, delivery.next_s)
        assert rounds(worker) == 0
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("dead", 10, 422)
    assert len(there.got) == 10
    assert set(there.ids) == {"evt_1"}
    assert told == [Result.REFUSED] * 10 + [Result.DEAD]


def test_waits_follow_the_schedule_within_the_jitter_and_the_seed() -> None:
    waits = [delay_s(7, "w", 3, attempts) for attempts in range(1, 11)]
    for wait, backoff in zip(waits, BACKOFF_S, strict=False):
        assert wait is not None
        assert (1 - JITTER) * backoff <= wait <= (1 + JITTER) * backoff
    assert waits[-1] is None
    assert waits == [delay_s(7, "w", 3, attempts) for attempts in range(1, 11)]
    assert waits != [delay_s(8, "w", 3, attempts) for attempts in range(1, 11)]


def test_a_process_that_dies_amid_a_batch_leaves_it_to_another_with_the_same_ids(ledger: Ledger) -> None:
    clock = Clock(NOW_S)
    with receiver() as there:
        hooked(ledger, there.url)
        happened(ledger, event("o1"), event("o2"))
        dying, other = deliverer(ledger, clock, "a"), deliverer(ledger, clock, "b")
        dying._settle = lambda batch, tried: None  # type: ignore[method-assign]
        rounds(dying)
        assert rounds(other) == 0, "the lease still holds"
        clock.now_s += LEASE_S
        assert rounds(other) == 2
    assert sorted(there.ids) == ["evt_1", "evt_1", "evt_2", "evt_2"]
    assert known(ledger).after_no == 2


def test_a_webhook_changed_while_its_batch_is_under_way_keeps_the_change(ledger: Ledger) -> None:
    with receiver() as there:
        hook = hooked(ledger, there.url)

        def pause(_: Any) -> tuple[int, dict[str, str]]:
            now = known(ledger)
            ledger.post(
                [Posting(changes=[msgspec.structs.replace(now, state="paused", version=now.version + 1)])], NOW_S
            )
            return 204, {}

        there.answer = pause
        happened(ledger, event())
        worker = deliverer(ledger, Clock(NOW_S))
        rounds(worker)
        assert rounds(worker) == 0
    after = known(ledger)
    assert (after.state, after.after_no, after.lease_until_s) == ("paused", 1, 0)
    assert after.version > hook.version


def test_redirects_are_not_followed(ledger: Ledger) -> None:
    with receiver() as there, receiver() as inside:
        there.answer = lambda message: (307, {"location": inside.url})
        hooked(ledger, there.url)
        happened(ledger, event())
        rounds(deliverer(ledger, Clock(NOW_S)))
    assert len(there.got) == 1
    assert inside.got == []
    assert left(ledger)[0].last_status == 307


def test_a_receiver_inside_our_network_is_not_asked_whatever_its_name(ledger: Ledger) -> None:
    async def lead_inside(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "127.0.0.1"]

    with receiver() as there:
        hooked(ledger, there.url.replace("http://127.0.0.1", "https://shop.example.com"))
        happened(ledger, event())
        rounds(deliverer(ledger, Clock(NOW_S), private=False, lookup=lead_inside))
    assert there.got == []
    assert "not public" in left(ledger)[0].last_error


def test_a_silent_receiver_is_given_up_in_time(ledger: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        hooked(ledger, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        happened(ledger, event())
        rounds(deliverer(ledger, Clock(NOW_S), timeout_s=0.2))
    assert left(ledger)[0].last_error == "No answer within 0.2 s."
    assert known(ledger).not_before_s > NOW_S


def test_the_mark_never_passes_an_event_that_was_neither_delivered_nor_kept(ledger: Ledger) -> None:
    with receiver() as there:
        there.answer = lambda message: (503, {})
        hooked(ledger, there.url)
        happened(ledger, *(event(f"o{i}") for i in range(30)))
        rounds(deliverer(ledger, Clock(NOW_S)))
    hook = known(ledger)
    assert EventMark(hook.after_xid, hook.after_no).event_no == 30
    assert [delivery.event_no for delivery in left(ledger)] == list(range(1, 31))


@pytest.mark.parametrize("status", [408, 500, 404])
def test_single_refusals_do_not_stop_the_others(status: int) -> None:
    ledger = LedgerTwin()
    with receiver() as there:
        there.answer = lambda message: (status if message.message_id == "evt_2" else 200, {})
        hooked(ledger, there.url)
        happened(ledger, *(event(f"o{i}") for i in range(5)))
        rounds(deliverer(ledger, Clock(NOW_S)))
    assert sorted(there.ids) == [f"evt_{i}" for i in range(1, 6)]
    assert [delivery.event_no for delivery in left(ledger)] == [2]

"""Webhooks over HTTP: made, changed, rotated, tested, ended; their dead letters."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook as Signer

from engine.stock.ledger import Posting
from engine.stock.records_oms import Audit, Delivery, Webhook
from tests.api.http.ops_cases import NOW_S, Receiver, event, happened, in_service, ops, receiver
from tests.api.http.served import Served, order


@pytest.fixture
def service() -> Iterator[Served]:
    with in_service() as running:
        yield running


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def made(service: Served, there: Receiver, **changes: Any) -> Any:
    answer = service.call("POST", "/v1/webhooks", {"webhook_id": "w", "url": there.url, **changes}, key="make")
    assert answer.status_code == 201, answer.text
    return answer.json()


def wait_for(service: Served, condition: Any) -> None:
    """Until the deliverer of the running service has done something."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("It never came to that.")


def test_a_decision_reaches_a_webhook_that_checks_its_signature(service: Served, there: Receiver) -> None:
    secret = made(service, there)["secret"]
    service.call("POST", "/v1/allocations", order("o1"), key="k1")
    wait_for(service, lambda: there.got)
    (message,) = there.got
    at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), tz=UTC)
    assert message.headers["webhook-signature"] == Signer(secret).sign(message.message_id, at, message.body)


def test_the_secret_is_told_once(service: Served, there: Receiver) -> None:
    assert made(service, there)["secret"].startswith("whsec_")
    for path in ("/v1/webhooks", "/v1/webhooks/w"):
        answer = service.call("GET", path)
        assert answer.status_code == 200
        assert "whsec_" not in answer.text
    changed = service.call("PATCH", "/v1/webhooks/w", {"state": "paused"}, key="p", if_match='"v1"')
    assert changed.json()["state"] == "paused"
    assert "whsec_" not in changed.text
    trail = ops(service).ledger.find(Audit, limit=10)
    assert [line.action for line in trail] == ["webhook.created", "webhook.changed"]
    assert not any("whsec_" in line.before_json + line.after_json for line in trail)


def test_two_secrets_are_valid_until_the_old_one_is_retired(service: Served, there: Receiver) -> None:
    first = made(service, there)["secret"]
    rotated = service.call("POST", "/v1/webhooks/w/secret", {}, key="r").json()
    assert rotated["rotating"]
    assert rotated["secret"] != first
    kept = ops(service).ledger.get(Webhook, "w")
    assert kept is not None
    assert (kept.secret, kept.secret_before) == (rotated["secret"], first)
    assert not service.call("DELETE", "/v1/webhooks/w/secret", key="d").json()["rotating"]


def test_a_repeated_call_makes_one_webhook_with_one_secret(service: Served, there: Receiver) -> None:
    body = {"webhook_id": "w", "url": there.url}
    answers = [service.call("POST", "/v1/webhooks", body, key="same").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert service.call("POST", "/v1/webhooks", body, key="other").status_code == 409


def test_a_webhook_begins_where_the_caller_says(service: Served, there: Receiver) -> None:
    happened(ops(service).ledger, event("before"))
    made(service, there, after="start")
    wait_for(service, lambda: there.got)
    assert there.ids == ["evt_1"]


def test_a_change_of_another_version_is_refused(service: Served, there: Receiver) -> None:
    made(service, there)
    assert service.call("PATCH", "/v1/webhooks/w", {"state": "paused"}, key="a").status_code == 428
    assert service.call("PATCH", "/v1/webhooks/w", {"state": "paused"}, key="b", if_match='"v7"').status_code == 412


@pytest.mark.parametrize(
    "body",
    [
        {"webhook_id": "w"},
        {"webhook_id": "w", "url": "ftp://x.example.com/"},
        {"webhook_id": "w", "url": "https://x.example.com/", "secret": "whsec_short"},
        {"webhook_id": "w", "url": "https://x.example.com/", "types": ["No"]},
        {"webhook_id": "a b", "url": "https://x.example.com/"},
        {"webhook_id": "w", "url": "https://x.example.com/", "after": "nonsense"},
        {"webhook_id": "w", "url": "https://x.example.com/", "extra": 1},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(service: Served, body: Any) -> None:
    assert service.call("POST", "/v1/webhooks", body, key="k").status_code == 422
    assert ops(service).ledger.find(Webhook) == []


def test_a_test_message_tells_what_the_receiver_did(service: Served, there: Receiver) -> None:
    made(service, there)
    assert service.call("POST", "/v1/webhooks/w/test").json()["delivered"]
    assert there.got[0].message_id.startswith("test_w_")
    there.answer = lambda message: (401, {})
    told = service.call("POST", "/v1/webhooks/w/test").json()
    assert (told["delivered"], told["status"]) == (False, 401)
    assert service.call("POST", "/v1/webhooks/none/test").status_code == 404


def dead(number: int) -> Delivery:
    return Delivery(webhook_id="w", event_no=number, state="dead", attempts=10, next_s=NOW_S, last_status=400)


def test_dead_letters_are_listed_tried_again_and_dropped(service: Served, there: Receiver) -> None:
    made(service, there)
    ledger = ops(service).ledger
    happened(ledger, *(event(f"o{i}") for i in range(3)))
    wait_for(service, lambda: len(there.got) == 3)
    wait_for(service, lambda: (ledger.get(Webhook, "w") or dead(0)).version % 2 == 1)  # no batch is under way
    ledger.post([Posting(makes=[dead(1), dead(2), dead(3)])], NOW_S)
    page = service.call("GET", "/v1/webhooks/w/deliveries?state=dead&limit=2").json()
    assert [one["event_id"] for one in page["deliveries"]] == ["evt_1", "evt_2"]
    further = service.call("GET", f"/v1/webhooks/w/deliveries?state=dead&limit=2&cursor={page['next']}").json()
    assert ([one["event_no"] for one in further["deliveries"]], further["next"]) == ([3], None)
    assert service.call("POST", "/v1/webhooks/w/deliveries/drop", {"event_nos": [1]}, key="d").json()["done"] == 1
    assert service.call("POST", "/v1/webhooks/w/deliveries/retry", {}, key="r").json() == {"done": 2, "more": False}
    wait_for(service, lambda: len(there.got) == 5)
    wait_for(service, lambda: ledger.find(Delivery) == [])
    assert service.call("POST", "/v1/webhooks/w/deliveries/retry", {}, key="s").status_code == 404


def test_an_ended_webhook_leaves_nothing_behind(service: Served, there: Receiver) -> None:
    made(service, there)
    ops(service).ledger.post([Posting(makes=[dead(7)])], NOW_S)
    assert service.call("DELETE", "/v1/webhooks/w", key="d").status_code == 200
    assert service.call("GET", "/v1/webhooks/w").status_code == 404
    assert ops(service).ledger.find(Delivery) == []


def test_only_admins_see_webhooks(service: Served) -> None:
    token = service.make_key("oms")
    assert service.call("GET", "/v1/webhooks", authorization=f"Bearer {token}").status_code == 403
    admin = service.make_key("admin")
    assert service.call("GET", "/v1/webhooks", authorization=f"Bearer {admin}").status_code == 200

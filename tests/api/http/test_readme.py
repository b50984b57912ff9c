"""The README's calls, sent as they stand there to the demo's network on a real ledger."""

import json
import shlex
from pathlib import Path
from typing import Any

from engine.adapters.ledger import open_ledger
from scenarios.demo import demo_network
from tests.api.http.ops_cases import in_service
from tests.api.http.served import Served

README = Path(__file__).parents[3] / "README.md"
HOST = "localhost:8000"


def examples() -> list[list[str]]:
    """The arguments of each curl in the README."""
    text = README.read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("curl ")]


def sent(service: Served, arguments: list[str]) -> Any:
    """What curl would do with these arguments."""
    url, headers, body = "", {}, None
    rest = iter(arguments)
    for word in rest:
        if word == "-H":
            name, value = next(rest).split(": ", 1)
            headers[name.lower()] = value
        elif word == "-d":
            body = next(rest).encode()
        else:
            url = word
    assert url.startswith(HOST)
    key = headers.pop("idempotency-key", None)
    kind = {"content_type": headers["content-type"]} if body is not None else {}
    return service.call("GET" if body is None else "POST", url.removeprefix(HOST), body, key=key, **kind)


def test_the_calls_of_the_readme_are_answered_as_it_says(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    calls = examples()
    with in_service(demo_network(), ledger) as service:
        answers = [sent(service, call) for call in calls]
        again = sent(service, calls[2])
    ledger.close()
    assert [answer.status_code for answer in answers] == [200] * 10
    told = [json.loads(answer.content) for answer in answers]
    quoted, promised, allocated, confirmed, decisions, free, near, work, synced, events = told
    assert {name for option in quoted["options"] for name in option["names"]} == {"cheapest", "fastest", "greenest"}
    assert [one["available"] for one in promised["promises"]] == [True, True]
    assert allocated["status"] == "allocated"
    assert (confirmed["reservation_id"], confirmed["state"]) == ("o-1", "confirmed")
    assert [decision["order_id"] for decision in decisions["decisions"]] == ["o-1"]
    assert free["availability"][0]["sku"] == "sku-0123"
    assert near["stores"]
    assert work["node"] == "st-la-rochelle"
    assert synced["results"] == ["applied"]
    assert {event["subject"] for event in events["events"]} >= {"o-1"}
    assert (again.content, again.headers["idempotency-replayed"]) == (answers[2].content, "true")

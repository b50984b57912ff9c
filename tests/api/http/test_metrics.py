"""What is counted, and the dashboard that shows it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import api.http
from api.http.metrics import Metrics, Watches, names
from engine.desk.allocation import Allocate
from engine.desk.ask import Answer, Ask, DeskError
from engine.desk.desk import Watch
from engine.desk.sweep import Sweep
from engine.stock.ledger import Conflict, Outcome
from tests import builders
from tests.api.http.ops_cases import in_service
from tests.api.http.served import Served, order

DASHBOARD = Path(api.http.__path__[0]) / "dashboard.json"
NAME = re.compile(r"\bsourcewise_[a-z_]+")


@pytest.fixture
def service() -> Iterator[Served]:
    with in_service() as running:
        yield running


def values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_decision_is_counted_by_outcome_and_quality(service: Served) -> None:
    service.call("POST", "/v1/allocations", order("o1"), key="k1")
    service.call("POST", "/v1/allocations", order("o1"), key="k1")
    service.call("POST", "/v1/allocations", order("o2", quantity=1_000_000), key="k2")
    found = values(service.call("GET", "/metrics").text)
    assert found["sourcewise_decisions_total", (("outcome", "allocated"), ("quality", "optimal"))] == 1
    assert found["sourcewise_decisions_total", (("outcome", "infeasible"), ("quality", "optimal"))] == 1
    assert found["sourcewise_idempotent_replays_total", ()] == 1
    assert found["sourcewise_reservations_total", (("result", "created"),)] == 1
    assert found["sourcewise_decision_duration_seconds_count", ()] == 2
    allocations = (("method", "POST"), ("route", "/v1/allocations"), ("status", "200"))
    assert found["sourcewise_http_request_duration_seconds_count", allocations] == 3
    assert found["sourcewise_stock_rows", ()] == len(builders.network().stock.node)


def test_promises_of_quotes_are_counted_by_outcome(service: Served) -> None:
    cart = {key: order("o1")[key] for key in ("lines", "destination")}
    (option, *_) = service.call("POST", "/v1/quotes", cart).json()["options"]
    for number in range(2):
        named = order(f"o{number}") | {"option_id": option["option_id"]}
        service.call("POST", "/v1/allocations", named, key=f"k{number}")
    found = values(service.call("GET", "/metrics").text)
    assert found["sourcewise_promises_total", (("outcome", "same"),)] == 2
    assert found["sourcewise_calls_total", (("operation", "quote"), ("result", "answered"))] == 1


def test_requests_are_counted_by_template_however_they_are_spelled(service: Served) -> None:
    for path in ("/v1/webhooks/a", "/v1/webhooks/b", "/nowhere/1", "/nowhere/2"):
        service.call("GET", path)
    found = values(service.call("GET", "/metrics").text)
    routes = {dict(labels)["route"] for name, labels in found if name.endswith("request_duration_seconds_count")}
    assert routes == {"/v1/webhooks/{webhook_id}", "unknown"}


def test_no_label_names_a_node_a_sku_or_an_order(service: Served) -> None:
    service.call("POST", "/v1/allocations", order("o1"), key="k1")
    labels = {name for _, pairs in values(service.call("GET", "/metrics").text) for name, _ in pairs}
    assert labels == {"outcome", "quality", "operation", "result", "method", "route", "status", "le", "step"}


def ask() -> Ask:
    command = Allocate(order=builders.order(), decision_id="d", reservation_id="r")
    return Ask(command, lambda _, __: None)


def test_lost_races_fallbacks_and_refusals_are_counted() -> None:
    metrics = Metrics()
    metrics.conflict(ask(), Outcome(Conflict.STOCK, "row"))
    metrics.conflict(ask(), Outcome(Conflict.VERSION, "record"))
    metrics.fallback(ask(), None)
    metrics.fallback(ask(), ValueError("x"))
    metrics.failed(ask(), DeskError("exists", 409, "There is one."))
    metrics.failed(ask(), ValueError("x"))
    metrics.feed(7, 1.5)
    found = values(metrics.text().decode())
    assert found["sourcewise_conflicts_total", (("kind", "stock"),)] == 1
    assert found["sourcewise_oversell_guard_hits_total", ()] == 1
    assert found["sourcewise_fallbacks_total", (("reason", "deadline"),)] == 1
    assert found["sourcewise_fallbacks_total", (("reason", "error"),)] == 1
    assert found["sourcewise_calls_total", (("operation", "allocate"), ("result", "refused"))] == 1
    assert found["sourcewise_calls_total", (("operation", "allocate"), ("result", "broke"))] == 1
    assert found["sourcewise_feed_lag_seconds", ()] == 1.5


def test_a_watch_that_breaks_is_left_out_and_the_others_go_on() -> None:
    class Broken(Watch):
        def decided(self, ask: Ask, answer: Answer) -> None:
            raise ValueError("broken")

    metrics, told = Metrics(), []
    watches = Watches([Broken(), metrics], lambda watch, error: told.append(str(error)))
    body = b'{"status":"allocated","quality":"optimal"}'
    for _ in range(2):
        watches.decided(ask(), Answer(200, body))
    assert told == ["broken"]
    assert b'sourcewise_decisions_total{outcome="allocated",quality="optimal"} 2.0' in metrics.text()


def test_processes_that_count_in_a_folder_tell_the_sum_of_all(tmp_path: Path) -> None:
    code = (
        "from api.http.metrics import Metrics; import sys\n"
        "metrics = Metrics(); metrics.replays.inc(int(sys.argv[1])); metrics.groups.observe(2)\n"
        "print(metrics.text().decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for count in (2, 3):
        done = subprocess.run(
            [sys.executable, "-c", code, str(count)], env=environment, capture_output=True, text=True, check=True
        )
    found = values(done.stdout)
    assert found["sourcewise_idempotent_replays_total", ()] == 5
    assert found["sourcewise_group_size_count", ()] == 2


def test_each_metric_of_the_dashboard_exists_and_each_that_exists_is_shown() -> None:
    document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    shown = {name for panel in panels for target in panel["targets"] for name in NAME.findall(target["expr"])}
    exist = set(names(Metrics()))
    assert shown <= exist
    families = {re.sub("_(total|bucket|sum|count)$", "", name) for name in exist}
    assert families == {re.sub("_(total|bucket|sum|count)$", "", name) for name in shown}


def test_the_dashboard_has_its_sections_and_no_panel_lies_on_another() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    sections = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert sections == ["Decisions", "Latency", "Conflicts", "Stock feed", "Webhooks and events", "Ledger and log"]
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_service_is_ready_while_its_parts_are(service: Served) -> None:
    answer = service.call("GET", "/health/ready")
    assert (answer.status_code, answer.json()["checks"]["desk"]) == (200, "ok")
    assert service.call("GET", "/health/live").json()["ok"]


def test_a_service_that_is_behind_its_feed_is_not_ready() -> None:
    with in_service(feed_lag_s_max=5.0) as running:
        running.desk.watch.feed(1, 6.0)
        answer = running.call("GET", "/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["feed"] == "6.0 s behind"


def test_a_service_without_its_desk_or_ledger_is_not_ready() -> None:
    with in_service() as running:
        running.desk.ledger.find = _broken  # type: ignore[method-assign, assignment]
        running.app.services.health._wake_desk = _broken  # type: ignore[attr-defined]
        answer = running.call("GET", "/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"] | {"view": "", "feed": ""} == {
            "ledger": "ConnectionError",
            "desk": "ConnectionError",
            "view": "",
            "feed": "",
        }
        assert running.call("GET", "/health/live").status_code == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_service_whose_desk_has_ended_is_to_be_started_anew() -> None:
    with in_service() as running:
        running.desk.submit(Ask(Sweep(), _broken))
        running.desk.thread.join(20)
        answer = running.call("GET", "/health/live")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"desk": "has ended"})


def _broken(*_: object, **__: object) -> None:
    raise ConnectionError("no way there")

"""Spans: a request, and in it planning and posting."""

import httpx
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.http.app import create_app
from api.http.metrics import Metrics
from api.http.ops import OpsServices
from api.http.running import TOPICS
from api.http.settings import Settings
from api.http.tracing import Spans, Traced
from tests import builders
from tests.api.http.served import listening, order
from tests.desk.desk_cases import desk_on
from tests.ledger_twin import LedgerTwin

TRACE, PARENT = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


def test_a_request_has_spans_of_planning_and_posting_in_the_callers_trace() -> None:
    spans = finished([{"traceparent": f"00-{TRACE:032x}-{PARENT:016x}-01"}])
    (request,) = (span for span in spans if span.kind.name == "SERVER")
    assert request.name == "POST /v1/allocations"
    assert request.parent is not None
    assert (request.context.trace_id, request.parent.span_id) == (TRACE, PARENT)
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    steps = [span for span in spans if span is not request]
    assert sorted(step.name for step in steps) == ["plan", "post"]
    for step in steps:
        assert step.parent is not None
        assert step.parent.span_id == request.context.span_id
        assert step.start_time is not None
        assert step.end_time is not None
        assert step.start_time <= step.end_time


def test_requests_without_a_trace_begin_one_each() -> None:
    spans = finished([{}, {}])
    requests = [span for span in spans if span.kind.name == "SERVER"]
    assert len({span.context.trace_id for span in requests}) == 2
    for request in requests:
        own = [span.name for span in spans if span.context.trace_id == request.context.trace_id and span is not request]
        assert sorted(own) == ["plan", "post"]


def finished(calls: list[dict[str, str]]) -> list[ReadableSpan]:
    """The spans of allocations with these headers."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    spans = Spans(provider)
    with desk_on(builders.network(), LedgerTwin(), watch=spans) as desk:
        services = OpsServices(desk, Settings.model_validate({}), metrics=Metrics(), source="/test")
        app = create_app(services, TOPICS)
        with listening(Traced(app, spans)) as address, httpx.Client(base_url=address) as client:  # type: ignore[arg-type]
            for i, headers in enumerate(calls):
                sent = {**headers, "idempotency-key": f"k{i}"}
                assert client.post("/v1/allocations", json=order(f"o{i}"), headers=sent).status_code == 200
    spans.close()
    return list(kept.get_finished_spans())

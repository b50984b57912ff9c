"""
Spans for OpenTelemetry: a request, and in it planning and posting. An extra, `sourcewise[otel]`.

Nothing of it is imported unless asked for. The exporter is set by the variables that OpenTelemetry defines
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …).
"""

import time
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.call import CALL
from engine.desk.ask import Ask
from engine.desk.desk import Watch

_NS = 1_000_000_000


def provider_from_environment() -> TracerProvider:
    """A provider that sends spans by OTLP over HTTP, as the environment says."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider(resource=Resource.create({"service.name": "sourcewise"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Spans(Watch):
    """Makes spans of what the desk tells, as children of the requests that are open."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.tracer = provider.get_tracer("sourcewise")
        self._open: dict[str, Any] = {}  # trace id: context of the request's span
        self._shift_ns = time.time_ns() - time.monotonic_ns()

    def opened(self, trace_id: str, span: trace.Span) -> None:
        """A request has begun."""
        self._open[trace_id] = trace.set_span_in_context(span)

    def ended(self, trace_id: str) -> None:
        """A request has ended."""
        self._open.pop(trace_id, None)

    def step(self, name: str, asks: Sequence[Ask], began_s: float, ended_s: float) -> None:
        """A group was planned or posted: a span in each request that took part."""
        began_ns, ended_ns = self._at(began_s), self._at(ended_s)
        for ask in asks:
            context = self._open.get(ask.trace_id)
            if context is None:
                continue
            attributes: dict[str, str | int] = {
                "sourcewise.operation": ask.command.name,
                "sourcewise.group_size": len(asks),
                "sourcewise.attempt": ask.attempts + 1,
            }
            span = self.tracer.start_span(name, context=context, start_time=began_ns, attributes=attributes)
            span.end(ended_ns)

    def close(self) -> None:
        """Send what waits."""
        self.provider.shutdown()

    def _at(self, seconds: float) -> int:
        return round(seconds * _NS) + self._shift_ns


class Traced:
    """Around an ASGI app: a span for each request, part of the caller's trace where there is one."""

    def __init__(self, app: ASGIApp, spans: Spans) -> None:
        self.app = app
        self.spans = spans
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, with the trace in its headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        span = self.spans.tracer.start_span(
            scope["method"],
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "url.scheme": scope["scheme"]},
        )
        ours: dict[str, str] = {}
        self._propagator.inject(ours, context=trace.set_span_in_context(span))
        kept = [(name, value) for name, value in scope["headers"] if name != b"traceparent"]
        scope["headers"] = [*kept, (b"traceparent", ours["traceparent"].encode())]
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        if span.is_recording():
            self.spans.opened(trace_id, span)
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            self.spans.ended(trace_id)
            call = scope.get(CALL)
            route = call.route if call is not None else ""
            if route:
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            span.end()

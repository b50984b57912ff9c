"""
What is counted, for Prometheus at /metrics: what the desk tells, what the app tells, and gauges that are read when
somebody asks. Labels are few and closed: no node, sku or order.

Each process counts for itself. With several processes on one port PROMETHEUS_MULTIPROC_DIR names a folder (`sourcewise
serve --workers` makes one) in which all of them count, and whichever answers tells the sum of all.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from engine.desk.ask import Answer, Ask
from engine.desk.desk import Desk, Watch
from engine.desk.sweep import SweptDoc
from engine.stock.ledger import Conflict, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10)
GROUPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
OVERSELLING = frozenset((Conflict.STOCK, Conflict.CAPACITY))
UNKNOWN_ROUTE = "unknown"
RESERVATION_RESULTS = {  # by operation; those of allocations and of what runs out are counted apart
    "reserve": "held",
    "extend": "extended",
    "confirm": "confirmed",
    "release": "released",
    "cancel": "cancelled",
    "transfer": "transferred",
    "fulfil": "fulfilled",
    "reject": "rejected",
    "return": "returned",
    "mark-ship": "shipped",
    "mark-collect": "collected",
}


class Told(msgspec.Struct):
    """What is counted of an allocation's answer."""

    status: str
    quality: str
    quote: "ToldQuote | None" = None


class ToldQuote(msgspec.Struct):
    """What is counted of the promise that an allocation was to keep."""

    outcome: str


_TOLD = msgspec.json.Decoder(Told)
_SWEPT = msgspec.json.Decoder(SweptDoc)


class Metrics(Watch):
    """The metrics of a process; a `Watch` of the desk and an `Observer` of the app."""

    def __init__(self) -> None:
        self.lag_s = 0.0
        self.registry = CollectorRegistry()
        named: dict[str, Any] = {"registry": self.registry}
        self.decisions = Counter("sourcewise_decisions", "Orders decided.", ("outcome", "quality"), **named)
        self.decision_duration = Histogram(
            "sourcewise_decision_duration_seconds", "From the call to its durable answer.", buckets=SECONDS, **named
        )
        self.promises = Counter(
            "sourcewise_promises", "Allocations that named an option of a quote.", ("outcome",), **named
        )
        self.calls = Counter(
            "sourcewise_calls", "Calls that the desk answered or refused.", ("operation", "result"), **named
        )
        self.http_duration = Histogram(
            "sourcewise_http_request_duration_seconds",
            "Time of HTTP requests.",
            ("method", "route", "status"),
            buckets=SECONDS,
            **named,
        )
        self.conflicts = Counter(
            "sourcewise_conflicts", "Calls overtaken by others and planned again.", ("kind",), **named
        )
        self.reservations = Counter("sourcewise_reservations", "What became of reservations.", ("result",), **named)
        self.guard_hits = Counter(
            "sourcewise_oversell_guard_hits", "Postings that the ledger refused because they would oversell.", **named
        )
        self.broken_guards = Gauge(
            "sourcewise_ledger_broken_locks",
            "Rows that changed under the ledger's lock; anything but 0 is a fault.",
            multiprocess_mode="sum",
            **named,
        )
        self.fallbacks = Counter("sourcewise_fallbacks", "Decisions of the plain rule.", ("reason",), **named)
        self.replays = Counter("sourcewise_idempotent_replays", "Calls answered by an earlier answer.", **named)
        self.groups = Histogram("sourcewise_group_size", "Calls posted in one transaction.", buckets=GROUPS, **named)
        self.steps = Histogram(
            "sourcewise_step_duration_seconds", "Planning and posting a group.", ("step",), buckets=SECONDS, **named
        )
        self.feed_lag = Gauge(
            "sourcewise_feed_lag_seconds", "Age of the last change taken from others.", multiprocess_mode="max", **named
        )
        self.feed_changes = Counter("sourcewise_feed_changes", "Changes of other processes taken over.", **named)
        self.queue = Gauge("sourcewise_queue_length", "Calls not planned yet.", multiprocess_mode="livesum", **named)
        self.stock_rows = Gauge("sourcewise_stock_rows", "Stock rows in the view.", multiprocess_mode="max", **named)
        self.streams = Gauge(
            "sourcewise_event_streams", "Open streams of events.", multiprocess_mode="livesum", **named
        )
        self.deliveries = Counter(
            "sourcewise_webhook_deliveries", "Attempts to deliver events to webhooks.", ("result",), **named
        )
        self.faults = Counter("sourcewise_faults", "Calls that ended with a mistake of ours.", ("error",), **named)
        self.log_lines_lost = Counter("sourcewise_log_lines_lost", "Lines that nobody could take in time.", **named)
        self._children: dict[tuple[str, ...], Any] = {}
        self._sources: list[Callable[[], None]] = []

    # --- the desk's watch

    def decided(self, ask: Ask, answer: Answer) -> None:
        """A call was answered."""
        operation = ask.command.name
        if answer.replayed:
            self.replays.inc()
            self._count(self.calls, operation, "replayed")
            return
        self._count(self.calls, operation, "answered")
        if operation == "allocate":
            told = _TOLD.decode(answer.body)
            self._count(self.decisions, told.status, told.quality)
            if told.status in ("allocated", "partial"):
                self._count(self.reservations, "created")
            if told.quote is not None:
                self._count(self.promises, told.quote.outcome)
            if ask.since_s:
                self.decision_duration.observe(monotonic() - ask.since_s)
        elif operation == "sweep":
            expired = _SWEPT.decode(answer.body).expired
            if expired:
                self.reservations.labels("expired").inc(expired)
        elif operation in RESERVATION_RESULTS:
            self._count(self.reservations, RESERVATION_RESULTS[operation])

    def failed(self, ask: Ask, error: Exception) -> None:
        """A call was refused."""
        self._count(self.calls, ask.command.name, "refused" if hasattr(error, "hint") else "broke")

    def conflict(self, ask: Ask, outcome: Outcome) -> None:
        """A call was overtaken."""
        assert outcome.conflict is not None, "an overtaken call has a conflict"
        self._count(self.conflicts, outcome.conflict.value)
        if outcome.conflict in OVERSELLING:
            self.guard_hits.inc()

    def fallback(self, ask: Ask, error: Exception | None) -> None:
        """The plain rule answered."""
        self._count(self.fallbacks, "deadline" if error is None else "error")

    def backup(self) -> None:
        """A quote without the desk."""
        self._count(self.fallbacks, "backup")

    def posted(self, size: int) -> None:
        """A group is down."""
        self.groups.observe(size)

    def step(self, name: str, asks: Sequence[Ask], began_s: float, ended_s: float) -> None:
        """A group was planned or posted."""
        self.steps.labels(name).observe(ended_s - began_s)

    def feed(self, changes: int, lag_s: float) -> None:
        """The feed was followed."""
        self.feed_changes.inc(changes)
        self.feed_lag.set(lag_s)
        self.lag_s = lag_s

    # --- what others tell

    def delivered(self, result: str) -> None:
        """An attempt to deliver an event."""
        self._count(self.deliveries, result)

    def answered(self, method: str, route: str, status: int, seconds: float, trace_id: str) -> None:
        """An HTTP request was answered."""
        key = (method if route else "any", route or UNKNOWN_ROUTE, str(status))
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self.http_duration.labels(*key)
        child.observe(seconds)

    def broke(self, method: str, route: str, trace_id: str, error: Exception) -> None:
        """A mistake of ours; it is answered, too."""
        self._count(self.faults, type(error).__name__)

    def follow(self, desk: Desk) -> None:
        """Read these gauges off a desk whenever somebody asks."""

        def read() -> None:
            self.queue.set(desk.waiting)
            self.stock_rows.set(len(desk.state.engine.live.row_on_hand))
            self.broken_guards.set(getattr(desk.ledger, "guard_hits", 0))

        self._sources.append(read)

    def gauge(self, gauge: Gauge, read: Callable[[], float]) -> None:
        """Read a gauge whenever somebody asks."""
        self._sources.append(lambda: gauge.set(read()))

    def text(self) -> bytes:
        """All metrics in Prometheus' text form; of all processes where they count together."""
        for read in self._sources:
            read()
        if FOLDER not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _count(self, counter: Counter, *values: str) -> None:
        key = (counter._name, *values)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = counter.labels(*values)
        child.inc()


class Watches(Watch):
    """Several watches as one. One that breaks is left out from then on, and the desk goes on."""

    def __init__(self, watches: Iterable[Watch], broke: Callable[[Watch, Exception], None] | None = None) -> None:
        self.watches: tuple[Watch, ...] = tuple(watches)
        self.broke = broke

    def decided(self, ask: Ask, answer: Answer) -> None:
        """A call was answered."""
        self._tell("decided", ask, answer)

    def failed(self, ask: Ask, error: Exception) -> None:
        """A call was refused."""
        self._tell("failed", ask, error)

    def conflict(self, ask: Ask, outcome: Outcome) -> None:
        """A call was overtaken."""
        self._tell("conflict", ask, outcome)

    def fallback(self, ask: Ask, error: Exception | None) -> None:
        """The plain rule answered."""
        self._tell("fallback", ask, error)

    def backup(self) -> None:
        """A quote was answered without the desk."""
        self._tell("backup")

    def posted(self, size: int) -> None:
        """A group is down."""
        self._tell("posted", size)

    def step(self, name: str, asks: Sequence[Ask], began_s: float, ended_s: float) -> None:
        """A group was planned or posted."""
        self._tell("step", name, asks, began_s, ended_s)

    def feed(self, changes: int, lag_s: float) -> None:
        """The feed was followed."""
        self._tell("feed", changes, lag_s)

    def _tell(self, what: str, *values: Any) -> None:
        for watch in self.watches:
            try:
                getattr(watch, what)(*values)
            except Exception as error:
                self.watches = tuple(other for other in self.watches if other is not watch)
                if self.broke is not None:
                    self.broke(watch, error)


def forget_process(pid: int) -> None:
    """A process has ended: its gauges no longer count."""
    if FOLDER in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def names(metrics: Metrics) -> Sequence[str]:
    """Every name that /metrics may have."""
    return sorted({sample for family in metrics.registry.collect() for sample in _samples(family)})


def _samples(family: Any) -> list[str]:
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return [family.name + end for end in ends[family.type]]

"""
What is logged: one readable line per decision, and what goes wrong; JSON or key=value, to standard error.

The desk's thread only notes what a line is about; another thread makes the lines and writes them, so that a slow reader
of the log holds up no order. What it cannot take in time is dropped and counted. Lines hold ids, counts, money and
moments: no header, no key, no address.
"""

import json
import logging
import re
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, BinaryIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from engine.desk.ask import Answer, Ask
from engine.desk.desk import Watch
from engine.domain.errors import FulfilmentError

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
WAITING_MAX = 20_000  # lines that are not written yet
FLUSH_S = 0.05
_ODD = re.compile(r'[\s"=\\\x00-\x1f\x7f-\xa0\u2028\u2029]')  # what a bare value must not hold


class Leg(msgspec.Struct):
    """What is told of a shipment."""

    node: str
    service: str | None
    method: str


class Decision(msgspec.Struct):
    """What is told of a decision."""

    decision_id: str
    order_id: str
    status: str
    quality: str
    cost_cents: int
    currency: str
    deliver_by: str | None
    shipments: list[Leg]
    unmet: list[msgspec.Raw]
    quote: "Kept | None" = None


class Kept(msgspec.Struct):
    """What is told of the promise that a decision was to keep."""

    quote_id: str
    outcome: str


class Noted(msgspec.Struct, frozen=True, gc=False):
    """A decision that a line is to be made of."""

    body: bytes
    attempts: int
    ms: float
    trace_id: str
    replayed: bool


_DECODER = msgspec.json.Decoder(Decision)


def fields_of(noted: Noted) -> EventDict:
    """The fields of a decision's line, in their order."""
    seen = _DECODER.decode(noted.body)
    return {
        "event": "replayed" if noted.replayed else "decision",
        "order": seen.order_id,
        "outcome": seen.status,
        "nodes": ",".join(leg.node for leg in seen.shipments),
        "services": ",".join(leg.service or leg.method for leg in seen.shipments),
        "cost": f"{seen.cost_cents / 100:.2f} {seen.currency}",
        "promise": seen.deliver_by or "",
        "unmet": len(seen.unmet),
        "quality": seen.quality,
        **({"quote": seen.quote.quote_id, "kept": seen.quote.outcome} if seen.quote is not None else {}),
        "attempts": noted.attempts,
        "ms": noted.ms,
        "decision": seen.decision_id,
        "trace": noted.trace_id,
    }


class Log:
    """
    The log of a process.

    Parameters
    ----------
    out
        Where lines go.
    form
        text (key=value) or json.
    level
        The least that is written.
    each
        One of so many decisions has a line; 0: none.
    lost
        Is told of lines that could not be taken.
    """

    def __init__(
        self,
        out: BinaryIO | None = None,
        *,
        form: str = "text",
        level: str = "info",
        each: int = 1,
        lost: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.out = out or sys.stderr.buffer
        self.each = each if logging.getLevelName(level.upper()) <= logging.INFO else 0
        self.level = level
        self.lost = lost
        self._waiting: deque[Noted | bytes] = deque()
        self._dropped = 0
        self._bell = threading.Event()
        self._closing = False
        self._render = _renderer(form)
        self._stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
        self._shared: list[Processor] = [self._stamp, structlog.processors.add_log_level, _first]
        self.logger: Any = structlog.wrap_logger(
            _Sink(self._put),
            processors=[*self._shared, structlog.processors.format_exc_info, self._render],
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        )
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def start(self) -> None:
        """Begin to write; what the standard library and its users log comes here, too."""
        self._thread.start()
        handler = _Handler(self._put)
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[structlog.stdlib.add_logger_name, *self._shared],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _text(self._render),
                ],
            )
        )
        root = logging.getLogger()
        root.handlers[:] = [handler]
        root.setLevel(self.level.upper())
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).handlers[:] = []
            logging.getLogger(name).propagate = name != "uvicorn.access"
        logging.captureWarnings(True)
        for quiet in ("httpx", "httpcore", "asyncio", "numba", "alembic"):
            logging.getLogger(quiet).setLevel("WARNING")
        warnings.simplefilter("default")

    def decision(self, noted: Noted) -> None:
        """Note a decision."""
        self._put(noted)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closing = True
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _put(self, line: Noted | bytes) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self._dropped += 1
            return
        self._waiting.append(line)

    def _write(self) -> None:
        while True:
            ending = self._closing
            self._flush()
            if ending:
                return
            self._bell.wait(FLUSH_S)

    def _flush(self) -> None:
        waiting, lines = self._waiting, []
        at = self.moment()
        for _ in range(len(waiting)):
            one = waiting.popleft()
            lines.append(one if isinstance(one, bytes) else self.line(one, at))
        if self._dropped:
            count, self._dropped = self._dropped, 0
            self.lost(count)
        if lines:
            try:
                self.out.write(b"\n".join(lines) + b"\n")
                self.out.flush()
            except (OSError, ValueError):  # nobody reads any more
                self.lost(len(lines))

    def moment(self) -> str:
        """Now, as lines say it; decisions that are written together share it."""
        return str(self._stamp(None, "info", {})["at"])

    def line(self, noted: Noted, at: str) -> bytes:
        """The line of a decision."""
        try:
            fields = {"at": at, "level": "info", **fields_of(noted)}
        except msgspec.MsgspecError:
            return b""
        return self._render(None, "info", fields)


class LogWatch(Watch):
    """Notes decisions, conflicts, what broke, and where the plain rule answered."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._count = 0

    def decided(self, ask: Ask, answer: Answer) -> None:
        """A call was answered."""
        each = self.log.each
        if not each or ask.command.name != "allocate":
            return
        self._count += 1
        if self._count % each:
            return
        ms = round((monotonic() - ask.since_s) * 1000, 1) if ask.since_s else 0.0
        self.log.decision(Noted(answer.body, ask.attempts + 1, ms, ask.trace_id, answer.replayed))

    def failed(self, ask: Ask, error: Exception) -> None:
        """A call was refused, which is the caller's business, or broke, which is ours."""
        if isinstance(error, FulfilmentError):
            self.log.logger.debug("refused", operation=ask.command.name, error=str(error), trace=ask.trace_id)
        else:
            self.log.logger.error("broke", operation=ask.command.name, exc_info=error, trace=ask.trace_id)

    def fallback(self, ask: Ask, error: Exception | None) -> None:
        """The plain rule answered."""
        why = "deadline" if error is None else f"{type(error).__name__}: {error}"
        self.log.logger.warning("fallback", operation=ask.command.name, why=why, trace=ask.trace_id)


class _Sink:
    """What structlog hands finished lines to."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self.msg = put
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = put


class _Handler(logging.Handler):
    """What the standard library hands records to."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        super().__init__()
        self._put_line = put

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self._put_line(self.format(record).encode("utf-8", "replace"))


def _first(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    """Moment, level and what it is about come first."""
    return {"at": fields.pop("at"), "level": fields.pop("level"), "event": fields.pop("event"), **fields}


def _renderer(form: str) -> Callable[[Any, str, EventDict], bytes]:
    if form == "json":
        encoder = msgspec.json.Encoder(enc_hook=str)
        return lambda _, __, fields: encoder.encode(fields)
    return lambda _, __, fields: _logfmt(fields).encode("utf-8", "replace")


def _logfmt(fields: EventDict) -> str:
    """
    Fields as key=value, quoted where they must be; a value never leaves its line.

    The library's renderer of the same form takes several times as long, which counts where every decision has a line.
    """
    parts = []
    for name, value in fields.items():
        text = value if isinstance(value, str) else str(value)
        parts.append(f"{name}={_quoted(text) if _ODD.search(text) else text}")
    return " ".join(parts)


def _quoted(text: str) -> str:
    return json.dumps(text)


def _text(render: Callable[[Any, str, EventDict], bytes]) -> Processor:
    return lambda logger, name, fields: render(logger, name, fields).decode()

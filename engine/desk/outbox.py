"""
The outbox: what has happened, as others read it. The ledger keeps an `EventRecord` with each change; here it becomes a
CloudEvent (version 1.0), and a place in the stream of all of them a cursor.

Events are ordered by (xid, event_no): none can appear before one that was read. `sequence` is the event's number, which
the ledger gives under the locks of the change; of two events about one subject the later one has the greater.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from engine.domain.errors import InputError
from engine.domain.units import utc
from engine.stock.ledger import Ledger
from engine.stock.records import EventRecord

PREFIX = "io.sourcewise."
SEQUENCE_DIGITS = 20
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_ENCODER = msgspec.json.Encoder()


class EventMark(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A place in the stream of events; the zeros stand for its beginning."""

    xid: int = 0
    event_no: int = 0


class CloudEvent(msgspec.Struct, kw_only=True):
    """An event in the structured JSON form of CloudEvents 1.0; (source, id) tells events apart."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str | msgspec.UnsetType = msgspec.UNSET
    time: datetime
    datacontenttype: str = "application/json"
    sequence: str
    data: msgspec.Raw


def mark_of(record: EventRecord) -> EventMark:
    """The place of an event."""
    return EventMark(record.xid, record.event_no)


def event_id(event_no: int) -> str:
    """What an event is called, the same wherever and however often it is delivered."""
    return f"evt_{event_no}"


def cloud_event(record: EventRecord, source: str) -> bytes:
    """An event as it is sent."""
    return _ENCODER.encode(
        CloudEvent(
            id=event_id(record.event_no),
            source=source,
            type=PREFIX + record.type,
            subject=record.subject or msgspec.UNSET,
            time=utc(record.at_s),
            sequence=f"{record.event_no:0{SEQUENCE_DIGITS}d}",
            data=msgspec.Raw(record.data_json.encode()),
        )
    )


def cursor_of(mark: EventMark) -> str:
    """A place as an opaque text."""
    return base64.urlsafe_b64encode(_ENCODER.encode(mark)).decode().rstrip("=")


def mark_at(cursor: str) -> EventMark:
    """The place that a cursor stands for; InputError where it is none of ours."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark = msgspec.json.decode(text, type=EventMark)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        mark = EventMark(-1)
    if not (0 <= mark.xid < 2**63 and 0 <= mark.event_no < 2**63):
        raise InputError(f"Cursor ({cursor[:40]}) is none of ours.", "take it from an answer, or leave it out.")
    return mark


def types_of(given: Sequence[str]) -> tuple[str, ...]:
    """Types of events as the ledger writes them, with or without the prefix; InputError where one cannot be a type."""
    out: list[str] = []
    for name in given:
        short = name.removeprefix(PREFIX)
        if not _TYPE.fullmatch(short):
            raise InputError(f"Type of event ({name[:80]}) cannot be.", f"{PREFIX}decision.made.v1 is one.")
        out.append(short)
    return tuple(dict.fromkeys(out))


def page(ledger: Ledger, after: EventMark, *, types: Sequence[str] = (), limit: int = 100) -> list[EventRecord]:
    """
    Events after a place, oldest first.

    Parameters
    ----------
    ledger
        Where they are kept.
    after
        The last one seen.
    types
        Only these, as `types_of` gives them; all without any.
    limit
        At most so many.
    """
    where = {"type": tuple(types)} if types else None
    at = (after.xid, after.event_no, after.event_no)
    return ledger.find(EventRecord, where, order=("xid", "event_no"), after=at, limit=limit)


def latest(ledger: Ledger) -> EventMark:
    """The place of the last event so far: events after it have not happened yet, but for a few that are under way."""

    def first_from(number: int) -> EventRecord | None:
        found = ledger.find(EventRecord, {"event_no__ge": number}, order=("event_no",), limit=1)
        return found[0] if found else None

    known = first_from(0)
    if known is None:
        return EventMark()
    step = 1
    while (further := first_from(known.event_no + step)) is not None:
        known, step = further, 2 * step
    while step > 1:  # nothing is at known + step or above
        step //= 2
        known = first_from(known.event_no + step) or known
    return mark_of(known)

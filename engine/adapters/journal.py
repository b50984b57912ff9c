"""
Journals as files: JSON, one object a line; the header, then the events (engine/decide/events.py) by their number.

A journal only grows. Lines are handed to the operating system by the dozen (`flush_every`), so a process that is killed
loses the last few, and may leave a last line that is cut; a loss of power may take what the disk has not confirmed
(`sync_every`, and `close`). A journal that gzip has packed is read as it is.
"""

import gzip
import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

import msgspec

from engine.decide.events import FORMAT, AnyEvent, Committed, Decided, Entry, Header, Released, canonical, plain
from engine.domain.errors import InputError
from engine.domain.ids import OrderId
from engine.domain.plan import Plan

FLUSH_EVERY = 32  # events
_GZIP = b"\x1f\x8b"
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_SHOWN = 80  # characters of a wrong value
_ENDING = ("commit", "release")
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)  # the second: text that is not UTF-8
_KINDS = ("decide", "commit", "release", "policy", "stock_set", "stock_add", "limits_set", "state")


_EVENT = msgspec.json.Decoder(AnyEvent)
_HEADER = msgspec.json.Decoder(Header)


class JournalWriter:
    """
    Writes a journal.

    Parameters
    ----------
    path
        A file that does not exist yet, unless `replace` is set.
    header
        Its first line.
    flush_every
        So many events go to the operating system together; what waits is lost where the process dies.
    sync_every
        After so many events the disk must have confirmed all; 0: only when the journal is closed.
    """

    def __init__(
        self,
        path: Path | str,
        header: Header,
        *,
        flush_every: int = FLUSH_EVERY,
        sync_every: int = 0,
        replace: bool = False,
    ) -> None:
        try:
            # Lines are gathered here and written whole; a second buffer would only copy them.
            self._file: IO[bytes] = Path(path).open("wb" if replace else "xb", buffering=0)  # noqa: SIM115
        except FileExistsError as error:
            raise InputError(f"Journal ({path}) is there already.", "give another name, or remove it.") from error
        self._flush_every, self._sync_every = flush_every, sync_every
        self._waiting = bytearray()
        self._num_waiting = self._num_unsynced = 0
        self._write(canonical(header))
        self.flush()

    def append(self, event: AnyEvent) -> None:
        """Write an event."""
        self._write(canonical(event))
        if self._num_waiting >= self._flush_every:
            self.flush()
            if self._sync_every and self._num_unsynced >= self._sync_every:
                self.sync()

    def flush(self) -> None:
        """Hand everything to the operating system."""
        while self._waiting:  # what a full disk does not take waits, so that no line is written twice
            del self._waiting[: self._file.write(self._waiting)]
        self._num_waiting = 0

    def sync(self) -> None:
        """Wait until the disk has everything."""
        self.flush()
        os.fsync(self._file.fileno())
        self._num_unsynced = 0

    def close(self) -> None:
        """Write what is left and wait for the disk; more than once does no harm."""
        if not self._file.closed:
            self.sync()
            self._file.close()

    def __enter__(self) -> "JournalWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        self._waiting += line
        self._waiting += b"\n"
        self._num_waiting += 1
        self._num_unsynced += 1


class _OrderHead(msgspec.Struct):
    order_id: str


class _Head(msgspec.Struct):
    """As much of a line as puts it in its place."""

    kind: str
    seq: int
    order: _OrderHead | None = None
    decision: int | None = None


_HEAD = msgspec.json.Decoder(_Head)


class Journal:
    """
    A journal as read: its header, and where its events are; each event is read in full when it is asked for.

    ``cut_line`` is the number of a last line that was written half, as a crash may leave it; it is left out.

    Raises
    ------
    InputError
        Where the file is no journal, is of another format, or its events do not follow one another; names the line.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._data = _bytes_of(self.path)
        end = self._data.find(b"\n")
        self.header = self._header(self._data[: end if end >= 0 else None], whole=end >= 0)
        self.cut_line: int | None = None
        self.entries: tuple[Entry, ...] = tuple(self._checked(self._lines(end + 1)))

    def event(self, entry: Entry) -> AnyEvent:
        """An event in full; InputError names the line, the field and its value where it is wrong."""
        text = self._data[entry.start : entry.end]
        try:
            event: AnyEvent = _EVENT.decode(text)
        except (*_UNREADABLE, InputError) as error:
            self._refuse(entry.line, text, error)
        self._check_fields(entry.line, text, event)
        return event

    def decided(self, seq: int) -> Decided:
        """The decision of that number."""
        event = self.event(self._by_seq[seq])
        assert isinstance(event, Decided), "the index says so"
        return event

    def plan_held(self, event: Committed | Released) -> Plan:
        """The plan that a commit or a release is about."""
        if event.decision is not None:
            return self.decided(event.decision).plan
        assert event.plan is not None, "an entry has one of both"
        return event.plan

    def wrong(self, line: int, what: str, hint: str) -> NoReturn:
        """Raise InputError for a line."""
        raise InputError(f"Journal ({self.path}) line {line} {what}.", hint)

    def _header(self, text: bytes, *, whole: bool) -> Header:
        try:
            head = msgspec.json.decode(text)
        except _UNREADABLE:
            head = None
        if not isinstance(head, dict) or head.get("kind") != "journal":
            if whole or not text.startswith(b'{"kind":"journal"'):
                raise InputError(
                    f"File ({self.path}) is no journal: its first line is not a journal's header.",
                    "name what decide --record has written; decisions.ndjson is something else.",
                )
            self.wrong(1, "is cut short", "its writer was stopped while it wrote the header: nothing was decided.")
        number, by = head.get("format"), head.get("sourcewise")
        if number != FORMAT:
            older = isinstance(number, int) and number < FORMAT
            raise InputError(
                f"Journal ({self.path}) has format ({number}), written by Sourcewise ({by}); this one reads {FORMAT}.",
                f"replay it with Sourcewise {by}." if older else f"update Sourcewise to {by} or later.",
            )
        try:
            header = _HEADER.decode(text)
        except (*_UNREADABLE, InputError) as error:
            self._refuse(1, text, error)
        self._check_fields(1, text, header)
        return header

    def _lines(self, start: int) -> Iterator[tuple[int, int, int]]:
        """Number, start and end of every whole line after the header."""
        line, size = 2, len(self._data)
        while start < size:
            end = self._data.find(b"\n", start)
            if end < 0:
                self.cut_line = line
                return
            yield line, start, end
            line, start = line + 1, end + 1

    def _checked(self, lines: Iterator[tuple[int, int, int]]) -> Iterator[Entry]:
        """Entries that follow one another: counted without a gap, nothing held twice or given back without a commit."""
        self._by_seq: dict[int, Entry] = {}  # decisions
        held: dict[int, int] = {}  # decision -> line of its commit
        for seq, (line, start, end) in enumerate(lines, start=1):
            text = self._data[start:end]
            try:
                head = _HEAD.decode(text)
            except _UNREADABLE as error:
                self._refuse(line, text, error)
            if head.seq != seq:
                self.wrong(line, f"has seq ({head.seq}), where {seq} follows", "lines were removed, or moved.")
            order_id = OrderId(head.order.order_id) if head.order is not None else None
            entry = Entry(line, start, end, head.kind, seq, order_id, head.decision)
            if head.kind == "decide":
                self._by_seq[seq] = entry
            elif head.kind in _ENDING:
                self._check_ending(entry, held)
            elif head.kind not in _KINDS:
                self._refuse(line, text, msgspec.ValidationError("Unknown event - at `$.kind`"))
            yield entry

    def _check_ending(self, entry: Entry, held: dict[int, int]) -> None:
        decision, word = entry.decision, entry.kind
        if decision is None:
            event = self.event(entry)
            assert isinstance(event, Committed | Released), "the index says so"
            if event.plan is None:
                self.wrong(entry.line, f"is a {word} of nothing", "decision is the seq of a decide event.")
            return
        if decision not in self._by_seq:
            hint = "decision is the seq of a decide event on an earlier line."
            self.wrong(entry.line, f"is a {word} of an unknown decision ({decision})", hint)
        if word == "commit" and decision in held:
            before = f"line {held[decision]} has done so"
            self.wrong(entry.line, f"commits decision ({decision}) once more; {before}", "two journals were joined.")
        if word == "release" and decision not in held:
            self.wrong(entry.line, f"releases decision ({decision}), which holds nothing", "its commit was removed.")
        if word == "commit":
            held[decision] = entry.line
        else:
            del held[decision]

    def _check_fields(self, line: int, text: bytes, read: Header | AnyEvent) -> None:
        """Refuse fields that would be left out in silence."""
        unknown = _unknown(msgspec.json.decode(text), msgspec.to_builtins(read, enc_hook=plain), "")
        if unknown:
            self.wrong(line, f"has a field ({unknown}) that is unknown", "a newer Sourcewise wrote it.")

    def _refuse(self, line: int, text: bytes, error: Exception) -> NoReturn:
        """Say what is wrong with a line: field and value where the decoder names them."""
        if isinstance(error, InputError):
            self.wrong(line, f"is wrong: {error.message.rstrip('.')}", error.hint)
        found = _PATH.match(str(error))
        assert found is not None, "it matches any text"
        if isinstance(error, msgspec.ValidationError) and found["path"] is not None:
            path = found["path"].lstrip(".")
            value = _value_at(msgspec.json.decode(text), found["path"])
            hint = f"one of {', '.join(_KINDS)}." if path == "kind" else "it was edited, or written by a newer one."
            self.wrong(line, f"field ({path}) has value ({value}): {found['what']}", hint)
        if isinstance(error, msgspec.ValidationError):
            self.wrong(line, f"is no event: {found['what']}", "it was edited, or is no line of a journal.")
        self.wrong(line, f"is no JSON ({found['what']})", "it was edited, or the file was damaged.")


def _bytes_of(path: Path) -> bytes | mmap.mmap:
    """What a journal says: the file itself, not a copy, as it may be larger than memory."""
    if not path.is_file():
        raise InputError(f"Journal ({path}) is no file.", "sourcewise decide --record FILE writes one.")
    if path.stat().st_size == 0:
        raise InputError(f"Journal ({path}) is empty.", "its writer was stopped before it wrote anything.")
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:2] != _GZIP:
        return data
    try:
        return gzip.decompress(data[:])
    except (OSError, EOFError) as error:
        raise InputError(f"Journal ({path}) cannot be unpacked ({error}).", "copy it again.") from error


def _value_at(value: Any, path: str) -> str:
    """What stands at a path such as .order.lines[0].quantity, shortened."""
    for name, index in _STEP.findall(path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            return "missing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _unknown(given: Any, read: Any, path: str) -> str:
    """The path of the first field that is there but was not read; empty where there is none."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            here = f"{path}.{name}" if path else name
            if name not in read:
                if not path:  # an event's own fields were checked, and are absent at their default
                    continue
                return here
            found = _unknown(value, read[name], here)
            if found:
                return found
    elif isinstance(given, list) and isinstance(read, (list, tuple)):
        for i, (value, kept) in enumerate(zip(given, read, strict=True)):
            found = _unknown(value, kept, f"{path}[{i}]")
            if found:
                return found
    return ""

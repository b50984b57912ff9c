"""Journals as files: what is written is read back, and what is wrong is refused with its line, field and value."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.adapters.journal import Journal, JournalWriter
from engine.decide.engine import Engine
from engine.decide.events import FORMAT, Decided, NetworkNote, Source, canonical, header_of
from engine.decide.record import Recorder
from engine.domain.errors import InputError
from engine.domain.ids import LineId, NodeId
from engine.domain.order import Method, Order
from engine.domain.plan import Decision
from tests import builders

NETWORK = builders.network()


def writer_of(path: Path, engine: Engine, **options: Any) -> JournalWriter:
    header = header_of(engine.network, engine.policy, engine.live.num_days, Source(network="network"))
    return JournalWriter(path, header, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of two decisions, each held: header, decide, commit, decide, commit."""
    path = tmp_path / "journal.ndjson"
    engine = Engine(NETWORK)
    with writer_of(path, engine) as writer:
        recorder = Recorder(engine, writer)
        for i in (1, 2):
            recorder.commit(recorder.decide(replace(builders.order("a"), order_id=f"o{i}")))
    return path


def full_order() -> Order:
    """An order with something in every field."""
    return replace(
        builders.order(builders.line("a", 2, line_id="1"), builders.line("b", 1, line_id="2", pin_node=NodeId("wh"))),
        placed_at=datetime(2026, 6, 1, 10, 0, 0, 250_000, tzinfo=ZoneInfo("Europe/Paris")),
        destination=builders.dest("75011", lat=48.85, lon=2.0, residential=False),
        channel="web",
        methods=(Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE),
        excluded_methods=(Method.SAME_DAY,),
        nodes=(NodeId("wh"),),
        deliver_by=datetime(2026, 6, 30, 10, tzinfo=ZoneInfo("Europe/Paris")),
        requested_by=datetime(2026, 6, 9, 10, tzinfo=ZoneInfo("Europe/Paris")),
        max_shipments=3,
        max_shipments_per_line=2,
        max_distance_m=1_000_000,
        keep_together=((LineId("1"), LineId("2")),),
        partial=True,
        signature=True,
        attributes={"é": 'ü "quoted" \n'},
    )


def test_an_order_with_every_field_set_is_read_back_equal_and_written_again_alike(tmp_path: Path) -> None:
    engine, order, path = Engine(NETWORK), full_order(), tmp_path / "j"
    with writer_of(path, engine) as writer:
        decision = Recorder(engine, writer).decide(order, 700)
    event = Journal(path).decided(1)
    assert event.order == order
    assert event.order.placed_at.utcoffset() == order.placed_at.utcoffset()
    assert event.plan == decision.plan
    assert event.deadline_ms == 700
    assert canonical(event) + b"\n" == path.read_bytes().splitlines(keepends=True)[1]


def test_whole_numbers_for_coordinates_are_read_back(tmp_path: Path) -> None:
    engine, path = Engine(NETWORK), tmp_path / "j"
    order = replace(builders.order("a"), destination=builders.dest("75011", lat=48, lon=2))
    with writer_of(path, engine) as writer:
        Recorder(engine, writer).decide(order)
    assert Journal(path).decided(1).order == order


def test_numbers_out_of_arrays_are_written_as_numbers(tmp_path: Path) -> None:
    node = replace(NETWORK.nodes[0], lat=np.float64(NETWORK.nodes[0].lat))
    engine, path = Engine(replace(NETWORK, nodes=(node, *NETWORK.nodes[1:]))), tmp_path / "j"
    order = builders.order(builders.line("a", np.int64(2)))  # type: ignore[arg-type]
    with writer_of(path, engine) as writer:
        Recorder(engine, writer).decide(order)
    journal = Journal(path)
    assert journal.decided(1).order == order
    assert journal.header.network == NetworkNote.of(NETWORK)


def test_a_full_disk_makes_no_line_twice(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_of(tmp_path / "j", Engine(NETWORK), flush_every=1)
    really, room = writer._file, [40, 0]

    class Full:
        """Takes a part, then nothing, as a disk does that has no more room."""

        closed = False

        def write(self, data: bytes) -> int:
            if not room:
                return really.write(data)
            some = room.pop(0)
            if not some:
                raise OSError(28, "No space left on device")
            return really.write(bytes(data[:some]))

    monkeypatch.setattr(writer, "_file", Full())
    events = [Journal(path).event(entry) for entry in Journal(path).entries]
    with pytest.raises(OSError, match="No space left"):
        writer.append(events[0])
    writer.append(events[1])
    really.close()
    journal = Journal(tmp_path / "j")
    assert [journal.event(entry) for entry in journal.entries] == events[:2]


def test_a_journal_that_was_packed_is_read_as_it_is(path: Path) -> None:
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert Journal(packed).entries == Journal(path).entries
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be unpacked"):
        Journal(packed)


def test_a_journal_is_never_written_over(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError, match="is there already"):
        writer_of(path, Engine(NETWORK))
    assert path.read_bytes() == before
    writer_of(path, Engine(NETWORK), replace=True).close()
    assert Journal(path).entries == ()


@pytest.mark.parametrize(("flush_every", "num_events"), [(1, 3), (2, 2), (100, 0)])
def test_what_a_dying_process_leaves_is_what_was_flushed(tmp_path: Path, flush_every: int, num_events: int) -> None:
    engine, path = Engine(NETWORK), tmp_path / "j"
    writer = writer_of(path, engine, flush_every=flush_every, sync_every=1)
    recorder = Recorder(engine, writer)
    for i in range(3):
        recorder.decide(replace(builders.order("a"), order_id=f"o{i}"))
    assert len(Journal(path).entries) == num_events
    writer.close()
    writer.close()
    assert len(Journal(path).entries) == 3


def test_a_last_line_that_is_cut_is_named_and_all_before_it_is_read(path: Path) -> None:
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in (1, 5, last - 1):
        path.write_bytes(whole[:-cut])
        journal = Journal(path)
        assert journal.cut_line == 5
        assert len(journal.entries) == 3
    path.write_bytes(whole)
    assert Journal(path).cut_line is None


def test_a_header_that_is_cut_says_that_nothing_was_decided(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"line 1 is cut short.*\n.*nothing was decided"):
        Journal(path)


def edited(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        change(lines)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    return edit


def put(line: int, *keys: Any, value: Any) -> Callable[[Path], None]:
    """Set a value, by the line as an editor counts."""

    def change(lines: list[dict[str, Any]]) -> None:
        at: Any = lines[line - 1]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return edited(change)


def swap(lines: list[dict[str, Any]]) -> None:
    lines[1], lines[2] = {**lines[2], "seq": 1}, {**lines[1], "seq": 2}


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda p: p.write_bytes(b""), "is empty"),
    "absent": (lambda p: p.unlink(), "is no file"),
    "csv": (lambda p: p.write_text("order_id,sku\n1,a\n"), "is no journal"),
    "another ndjson": (lambda p: p.write_text('{"order_id":"1"}\n'), "is no journal"),
    "binary": (lambda p: p.write_bytes(b"\xff\xfe\x00\n"), "is no journal"),
    "older format": (put(1, "format", value=0), rf"format \(0\), written by Sourcewise .* reads {FORMAT}"),
    "newer format": (put(1, "format", value=99), r"format \(99\), written by Sourcewise (.|\n)*update Sourcewise"),
    "format no number": (put(1, "format", value="x"), r"format \(x\)"),
    "header field": (put(1, "horizon_days", value="many"), r"line 1 field \(horizon_days\) has value \(many\)"),
    "header policy": (put(1, "policy", "split_cents", value=-1), r"line 1 is wrong: .*negative split_cents \(-1\)"),
    "policy field": (put(1, "policy", "luck", value=1), r"line 1 has a field \(policy.luck\) that is unknown"),
    "no json": (lambda p: p.write_bytes(p.read_bytes().replace(b'"seq":2', b'"seq"=2')), "line 3 is no JSON"),
    "no object": (edited(lambda lines: lines.insert(2, [])), "line 3 is no event"),  # type: ignore[arg-type]
    "unknown kind": (put(3, "kind", value="wish"), r"line 3 field \(kind\) has value \(wish\)(.|\n)*decide, commit"),
    "no kind": (edited(lambda lines: lines[2].pop("kind")), "line 3"),
    "line removed": (edited(lambda lines: lines.pop(1)), r"line 2 has seq \(2\), where 1 follows"),
    "unknown decision": (put(3, "decision", value=77), r"line 3 is a commit of an unknown decision \(77\)"),
    "later decision": (edited(swap), r"line 2 is a commit of an unknown decision \(1\)"),
    "double commit": (put(5, "decision", value=1), r"line 5 commits decision \(1\) once more; line 3 has done so"),
    "release of nothing": (put(5, "kind", value="release"), r"line 5 releases decision \(3\), which holds nothing"),
    "commit of nothing": (edited(lambda lines: lines[2].pop("decision")), "line 3 is a commit of nothing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_journal_is_refused_with_its_line_and_advice(name: str, path: Path) -> None:
    spoil, words = BAD[name]
    spoil(path)
    with pytest.raises(InputError, match=words) as caught:
        Journal(path)
    assert caught.value.hint


BAD_EVENTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "type": (
        put(2, "order", "lines", 0, "quantity", value="2"),
        r"field \(order.lines\[0\].quantity\) has value \(2\)",
    ),
    "rule": (put(2, "order", "lines", 0, "quantity", value=0), r"line 2 is wrong: Quantity \(0\)"),
    "zone": (put(2, "order", "placed_at", value="2026-06-01T10:00:00"), "without a time zone"),
    "method": (put(2, "order", "methods", value=["drone"]), r"\(order.methods\[0\]\) has value \(drone\)"),
    "missing": (put(2, "plan", value={"order_id": "1"}), r"field \(plan\)"),
    "unknown": (put(2, "order", "gift", value=True), r"field \(order.gift\) that is unknown"),
    "deeper": (put(2, "plan", "shipments", 0, "promise", "luck", value=1), r"\(plan.shipments\[0\].promise.luck\)"),
    "own": (put(2, "mood", value=1), "mood"),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_wrong_event_is_refused_with_field_and_value(name: str, path: Path) -> None:
    spoil, words = BAD_EVENTS[name]
    spoil(path)
    with pytest.raises(InputError, match=words) as caught:
        Journal(path).decided(1)
    assert "line 2" in caught.value.message
    assert caught.value.hint


def test_a_field_that_a_later_version_adds_with_a_default_may_be_absent(path: Path) -> None:
    edited(lambda lines: lines[1]["order"].pop("signature"))(path)
    event = Journal(path).decided(1)
    assert isinstance(event, Decided)
    assert event.order.signature is False


def test_a_decision_held_twice_is_refused_before_it_is_written(path: Path, tmp_path: Path) -> None:
    engine = Engine(NETWORK)
    with writer_of(tmp_path / "other", engine) as writer:
        recorder = Recorder(engine, writer)
        decision: Decision = recorder.decide(builders.order("a"))
        with pytest.raises(InputError, match="holds nothing"):
            recorder.release(decision)
        recorder.commit(decision)
        with pytest.raises(InputError, match="committed already"):
            recorder.commit(decision)
        recorder.release(decision)
        recorder.commit(decision)
    kinds = [entry.kind for entry in Journal(tmp_path / "other").entries]
    assert kinds == ["decide", "commit", "release", "commit"]

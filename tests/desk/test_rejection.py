"""Rejections: the shelf is corrected, the node remembered, the lines served from elsewhere."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from engine.decide.brief import Brief
from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.exceptions import Resolution, ResolveCase, TakeCase, list_cases
from engine.desk.most import MOST_MS
from engine.desk.reject import Reject
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.errors import InputError
from engine.domain.plan import Status
from engine.stock.ledger import FeedMark, Ledger, stock_key
from engine.stock.records import DecisionRecord, EventRecord, Part, PartState, Reservation
from engine.stock.records_oms import Backorder, ExceptionCase, Exclusion, Rejection
from tests import builders
from tests.desk.desk_cases import allocate, desk_on, key, said
from tests.ledger_twin import LedgerTwin

NETWORK = builders.network()
WH, ST = 0, 1


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    with desk_on(NETWORK, ledger) as running:
        yield running


def rejection(part: int = 1, *, line: str = "a", units: int = 1, counted: int | None = None, **changes: Any) -> Reject:
    values: dict[str, Any] = {
        "rejection_id": "r1",
        "reservation_id": "o1",
        "part": part,
        "lines": (RejectedLine(line_id=line, units=units, counted=counted),),
        "reason": Reason.NOT_FOUND,
    }
    return Reject(**{**values, **changes})


def rows(ledger: Ledger) -> dict[int, tuple[int, int]]:
    """On hand and reserved by key."""
    found = ledger.load(0)
    return dict(zip(found.key.tolist(), zip(found.on_hand.tolist(), found.reserved.tolist(), strict=True), strict=True))


def stock(ledger: Ledger, node: int, sku: int = 0) -> tuple[int, int]:
    return rows(ledger)[stock_key(sku, node)]


def booked(ledger: Ledger) -> list[tuple[int, int]]:
    return sorted((orders, units) for *_, orders, units, _, _ in ledger.load(0).capacity.tolist())


def open_units(ledger: Ledger) -> dict[int, int]:
    """Units by stock row that open shipments hold."""
    found: dict[int, int] = {}
    for part in ledger.find(Part, limit=10_000):
        if part.state in (PartState.HELD, PartState.CONFIRMED, PartState.PICKED, PartState.READY):
            for _, sku_no, units in part.lines:
                at = stock_key(sku_no, part.node_no)
                found[at] = found.get(at, 0) + units
    return found


def test_a_line_that_is_not_found_is_served_from_elsewhere_in_the_same_posting(desk: Desk, ledger: Ledger) -> None:
    first = said(desk.ask(allocate(builders.order(builders.line("a", 2)), ttl_s=None)))
    assert [s["node"] for s in first["shipments"]] == ["wh"]
    before = len(ledger.changes(FeedMark()))
    document = said(desk.ask(rejection(units=2)))
    assert len(ledger.changes(FeedMark())) == before + 1
    assert (document["outcome"], document["decision_id"]) == ("resourced", "r1")
    assert [s["node"] for s in document["shipments"]] == ["st"]
    assert stock(ledger, WH) == (0, 0)  # nothing more is promised there
    assert stock(ledger, ST) == (10, 2)
    assert [(p.node_no, p.state) for p in ledger.find(Part)] == [(WH, "rejected"), (ST, "confirmed")]
    assert ledger.get(Reservation, "o1") is not None
    assert [r.units for r in ledger.find(Rejection)] == [2]
    assert {(e.order_id, e.node_no, e.sku_no) for e in ledger.find(Exclusion)} == {("o1", WH, -1), ("", WH, 0)}
    assert "decision.replanned.v1" in [e.type for e in ledger.find(EventRecord)]


def test_what_others_hold_of_a_sku_that_was_not_found_stays_theirs(desk: Desk, ledger: Ledger) -> None:
    desk.ask(allocate(builders.order(builders.line("a", 3))))
    desk.ask(allocate(builders.order(builders.line("a", 2), order_id="o2")))
    desk.ask(rejection(units=3))
    assert stock(ledger, WH) == (2, 2)
    assert not ledger.find(ExceptionCase)


def test_fewer_counted_than_others_hold_opens_a_case_that_lists_them(desk: Desk, ledger: Ledger) -> None:
    desk.ask(allocate(builders.order(builders.line("a", 3))))
    desk.ask(allocate(builders.order(builders.line("a", 2), order_id="o2")))
    document = said(desk.ask(rejection(units=3, counted=1)))
    assert stock(ledger, WH) == (1, 2)
    assert document["exceptions"] == ["short:wh:a"]
    (case,), _ = list_cases(ledger)
    assert (case.kind, case.state) == ("stock_short", "open")
    assert b'"o2"' in bytes(case.data)
    assert b'"o1"' not in bytes(case.data)


@pytest.mark.parametrize(
    ("reason", "counted", "on_hand"),
    [
        (Reason.NOT_FOUND, None, 0),
        (Reason.NOT_FOUND, 4, 4),
        (Reason.DAMAGED, None, 8),
        (Reason.DAMAGED, 7, 7),
        (Reason.MISMATCH, 12, 12),
        (Reason.TOO_BUSY, None, 10),
        (Reason.CLOSED, None, 10),
    ],
)
def test_each_reason_corrects_the_shelf_in_its_way(reason: Reason, counted: int | None, on_hand: int) -> None:
    ledger = LedgerTwin()
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order(builders.line("a", 2))))
        desk.ask(rejection(units=2, reason=reason, counted=counted))
        state = desk.state
        assert stock(ledger, WH) == state.stock_of(stock_key(0, WH)) == (on_hand, 0)
        blocked = stock_key(0, WH) in state.book.blocked.rows
        assert blocked == (reason == Reason.NOT_FOUND and counted is None)
        assert state.engine.live.available(0, 0) == (0 if blocked else on_hand)


def test_a_part_of_a_shipment_stays_with_its_node(desk: Desk, ledger: Ledger) -> None:
    order = builders.order(builders.line("a", 3), builders.line("b", 1))
    desk.ask(allocate(order, ttl_s=None))
    document = said(desk.ask(rejection(units=2, counted=1)))
    wh, off, st = ledger.find(Part)
    assert (off.state, off.units, off.node_no) == ("rejected", 2, wh.node_no)
    assert (wh.lines, wh.units, wh.state) == ((("a", 0, 1), ("b", 1, 1)), 2, "confirmed")
    assert st.lines == (("a", 0, 2),)
    assert document["shipments"][0]["lines"] == [{"line_id": "a", "sku": "a", "quantity": 2}]
    assert stock(ledger, WH) == (1, 1)


def test_the_rest_of_the_shipment_goes_along_where_that_is_wanted(desk: Desk, ledger: Ledger) -> None:
    desk.ask(allocate(builders.order(builders.line("a", 3), builders.line("b", 1)), ttl_s=None))
    document = said(desk.ask(rejection(units=1, counted=2, whole_part=True)))
    (part,) = document["shipments"]
    assert (part["node"], [line["quantity"] for line in part["lines"]]) == ("st", [3, 1])
    assert stock(ledger, WH) == (2, 0)
    assert stock(ledger, WH, 1) == (10, 0)  # of b nothing was amiss


def test_capacity_of_the_node_is_given_back_and_taken_at_the_other(ledger: Ledger) -> None:
    nodes = (builders.node(capacity_day_orders=5), builders.store(capacity_day_orders=5), builders.pickup_point())
    with desk_on(builders.network(nodes=nodes), ledger) as desk:
        desk.ask(allocate(builders.order(builders.line("a", 3), builders.line("b", 1)), ttl_s=None))
        desk.ask(rejection(units=2))
        assert booked(ledger) == [(1, 2), (1, 2)]
        desk.ask(rejection(rejection_id="r2", units=1, whole_part=True))
    assert booked(ledger) == [(0, 0), (2, 4)]


def test_the_node_is_remembered_and_after_all_nodes_a_case_opens(desk: Desk, ledger: Ledger) -> None:
    desk.ask(allocate(builders.order("a"), ttl_s=None))
    desk.ask(rejection(reason=Reason.TOO_BUSY))
    document = said(desk.ask(rejection(2, rejection_id="r2", reason=Reason.TOO_BUSY)))
    assert (document["outcome"], document["promise_kept"]) == ("exception", False)
    assert document["exceptions"] == ["rejected:r2"]
    assert document["unmet"][0]["line_id"] == "a"
    reservation = ledger.get(Reservation, "o1")
    assert reservation is not None
    assert reservation.state == "ended"
    assert not any(open_units(ledger).values())
    assert all(reserved == 0 for _, reserved in rows(ledger).values())


def test_after_so_many_attempts_a_person_decides_and_may_try_again(ledger: Ledger) -> None:
    stores = [builders.store(f"s{i}") for i in range(6)]
    nodes = (*stores, builders.pickup_point())
    collections = tuple(builders.collection(s.node_id, "std") for s in stores)
    network = builders.network(nodes=nodes, collections=collections, lanes=())
    with desk_on(network, ledger) as desk:
        desk.ask(allocate(builders.order("a"), ttl_s=None))
        outcomes = []
        for i in range(1, 5):
            document = said(desk.ask(rejection(i, rejection_id=f"r{i}", reason=Reason.TOO_BUSY)))
            outcomes.append((document["outcome"], document["resourcings"]))
        assert outcomes == [("resourced", 1), ("resourced", 2), ("resourced", 3), ("exception", 3)]
        (case,), _ = list_cases(ledger)
        assert (case.kind, case.exception_id) == ("attempts_used", "rejected:r4")
        taken = said(desk.ask(TakeCase(exception_id="rejected:r4", to="ann", version=case.version)))
        assert (taken["state"], taken["assigned_to"]) == ("taken", "ann")
        with pytest.raises(DeskError) as stale:
            desk.ask(TakeCase(exception_id="rejected:r4", to="bob", version=case.version))
        assert stale.value.status == 412
        done = said(
            desk.ask(ResolveCase(exception_id="rejected:r4", resolution=Resolution.RETRY, by="ann", decision_id="d9"))
        )
        assert (done["case"]["state"], done["decision_id"]) == ("resolved", "d9")
        assert len(done["shipments"]) == 1
        assert done["shipments"][0]["node"] not in {desk.state.node_id(p.node_no) for p in ledger.find(Part)[:4]}
        with pytest.raises(DeskError, match="was resolved"):
            desk.ask(ResolveCase(exception_id="rejected:r4", resolution=Resolution.CLOSE, by="bob"))
    reservation = ledger.get(Reservation, "o1")
    assert reservation is not None
    assert (reservation.state, reservation.decision_id) == ("confirmed", "d9")
    assert {k: v for k, (_, v) in rows(ledger).items() if v} == open_units(ledger)


@pytest.mark.parametrize("resolution", [Resolution.BACKORDER, Resolution.CANCEL, Resolution.CLOSE])
def test_a_person_may_let_it_wait_cancel_or_close_it(desk: Desk, ledger: Ledger, resolution: Resolution) -> None:
    desk.ask(allocate(builders.order("a"), ttl_s=None))
    desk.ask(rejection(reason=Reason.CLOSED))
    desk.ask(rejection(2, rejection_id="r2", reason=Reason.CLOSED))
    document = said(desk.ask(ResolveCase(exception_id="rejected:r2", resolution=resolution, by="ann")))
    assert document["case"]["resolution"] == resolution.value
    assert bool(ledger.find(Backorder)) == (resolution == Resolution.BACKORDER)


def test_lines_may_wait_instead_of_asking_a_person(desk: Desk, ledger: Ledger) -> None:
    desk.ask(allocate(builders.order("a"), ttl_s=None))
    desk.ask(rejection(reason=Reason.CLOSED))
    document = said(desk.ask(rejection(2, rejection_id="r2", reason=Reason.CLOSED, unmet="backorder")))
    assert (document["outcome"], document["waiting"]) == ("waiting", {"a": 1})
    (row,) = ledger.find(Backorder)
    assert (row.state, row.units) == ("waiting", 1)
    assert not ledger.find(ExceptionCase)


def test_a_promise_that_cannot_be_kept_is_moved_by_the_policys_steps_and_the_answer_says_so() -> None:
    # From Lyon to Paris it is a zone further: a day or more later.
    network = builders.network(
        collections=(
            builders.collection("wh", "std"),
            builders.collection("st", "std", cutoff="13:00", collect="16:00"),
        )
    )
    with desk_on(network, LedgerTwin()) as desk:
        first = said(desk.ask(allocate(builders.order("a"), ttl_s=None)))
        document = said(desk.ask(rejection()))
    assert document["outcome"] == "resourced"
    assert document["promise"] == first["deliver_by"]
    assert document["deliver_by"] > document["promise"]
    assert document["promise_kept"] is False
    assert document["relaxed"]


def test_a_rejection_repeated_with_its_key_is_answered_as_before(desk: Desk, ledger: Ledger) -> None:
    desk.ask(allocate(builders.order("a"), ttl_s=None))
    first = desk.ask(rejection(), key("k"))
    again = desk.ask(rejection(), key("k"))
    assert (again.body, again.replayed) == (first.body, True)
    assert len(ledger.find(Rejection)) == 1


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"lines": ()}, InputError, "names no line"),
        ({"reason": "bored"}, InputError, "one of closed, damaged"),
        ({"reason": Reason.MISMATCH}, InputError, "without counted"),
        ({"counted": -1}, InputError, r"counted \(-1\)"),
        ({"units": 9}, DeskError, "holds 1 units of line"),
        ({"line": "zz"}, DeskError, "holds 0 units"),
        ({"part": 7}, DeskError, "no open shipment"),
        ({"reservation_id": "nobody's"}, DeskError, "is unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    changes: dict[str, Any], error: type[Exception], text: str
) -> None:
    ledger = LedgerTwin()
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order("a"), ttl_s=None))
        with pytest.raises(error, match=text):
            desk.ask(rejection(**changes))
    assert len(ledger.feed) == 1


def test_a_shipment_that_was_rejected_cannot_be_rejected_again(desk: Desk) -> None:
    desk.ask(allocate(builders.order("a"), ttl_s=None))
    desk.ask(rejection())
    with pytest.raises(DeskError, match=r"no open shipment \(1\)"):
        desk.ask(rejection(rejection_id="r2"))


def test_a_count_taken_before_a_rejection_does_not_bring_the_units_back() -> None:
    ledger = LedgerTwin()
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(builders.order("a")))
        desk.ask(rejection())
    assert [(move.units, move.cause, move.reference) for move in ledger.moves] == [(-10, "rejected", "r1")]


def test_where_the_stronger_method_finds_nothing_in_time_the_plain_rule_serves_the_rest(
    desk: Desk, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask(allocate(builders.order("a"), ttl_s=None))
    decide, asked = desk.state.decide, []

    def late(*given: Any, **named: Any) -> Brief:
        asked.append(named["deadline_ms"])
        found = decide(*given, **named)
        return msgspec.structs.replace(found, legs=(), status=Status.NOT_FOUND, limit="deadline", plan=None)

    monkeypatch.setattr(desk.state, "decide", late)
    document = said(desk.ask(rejection()))
    assert [shipment["node"] for shipment in document["shipments"]] == ["st"]
    assert asked == [MOST_MS]
    assert open_units(ledger) == {stock_key(0, ST): 1}
    (decided,) = [one for one in ledger.find(DecisionRecord) if one.cause == "rejection"]
    assert decided.quality == "fallback"

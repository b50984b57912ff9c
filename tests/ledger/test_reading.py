"""Records by key, by page and by number."""

import pytest

from engine.stock.ledger import Ledger, Posting
from engine.stock.records import Part, Reservation
from tests.ledger.cases import NOW_S, part


@pytest.fixture(autouse=True)
def _filled(ledger: Ledger) -> None:
    rows = [(f"r{i:02d}", i % 3, 100 - i % 4, None if i % 2 else NOW_S + i) for i in range(20)]
    makes = [
        Reservation(
            reservation_id=name,
            order_id=f"o{priority}",
            kind="hold",
            state="held",
            priority=priority,
            created_s=created_s,
            updated_s=NOW_S,
            expires_s=expires_s,
        )
        for name, priority, created_s, expires_s in rows
    ]
    ledger.post([Posting(makes=[*makes, part("r03", number=2), part("r03"), part("r05"), part("Z"), part("a")])], NOW_S)


def names(found: list[Reservation]) -> list[str]:
    return [one.reservation_id for one in found]


def test_records_are_found_by_key_and_by_the_first_fields_of_it_in_the_order_of_the_key(ledger: Ledger) -> None:
    assert ledger.get(Part, "r03", 2) == part("r03", number=2)
    assert ledger.get(Part, "r03", 3) is None
    found = ledger.get_many(Part, [("r05",), ("r03",), ("none",), ("r03",)])
    assert [(one.reservation_id, one.part) for one in found] == [("r03", 1), ("r03", 2), ("r05", 1)]
    assert ledger.get_many(Part, []) == []


def test_texts_are_in_the_order_of_their_bytes(ledger: Ledger) -> None:
    assert [one.reservation_id for one in ledger.find(Part)] == ["Z", "a", "r03", "r03", "r05"]


def test_pages_follow_one_another_without_gap_or_repetition(ledger: Ledger) -> None:
    for order in ((), ("created_s",), ("priority", "created_s")):
        whole = ledger.find(Reservation, order=order)
        assert len(whole) == 20
        pages: list[Reservation] = []
        while True:
            last = pages[-1] if pages else None
            after = None if last is None else (*(getattr(last, field) for field in order), last.reservation_id)
            page = ledger.find(Reservation, order=order, after=after, limit=3)
            pages += page
            if len(page) < 3:
                break
        assert pages == whole
        assert whole == sorted(whole, key=lambda r: (*(getattr(r, field) for field in order), r.reservation_id))


def test_conditions_compare_fields(ledger: Ledger) -> None:
    assert len(ledger.find(Reservation, {"priority": 1, "state": "held"})) == 7
    assert len(ledger.find(Reservation, {"priority": (0, 2)})) == 13
    assert ledger.find(Reservation, {"priority": ()}) == []
    assert names(ledger.find(Reservation, {"expires_s__le": NOW_S + 2})) == ["r00", "r02"]
    assert names(ledger.find(Reservation, {"expires_s__lt": NOW_S + 2})) == ["r00"]
    assert names(ledger.find(Reservation, {"expires_s__ge": NOW_S + 18})) == ["r18"]
    assert ledger.find(Reservation, {"expires_s__gt": NOW_S + 18}) == []
    assert len(ledger.find(Reservation, {"expires_s": None})) == 10


def test_records_are_numbered_by_the_values_of_fields(ledger: Ledger) -> None:
    assert ledger.count_by(Reservation, ("priority",)) == [(0, 7), (1, 7), (2, 6)]
    assert ledger.count_by(Reservation, ("state", "order_id"), {"priority__gt": 0}) == [
        ("held", "o1", 7),
        ("held", "o2", 6),
    ]
    assert ledger.count_by(Reservation, ("state",), {"priority": 9}) == []

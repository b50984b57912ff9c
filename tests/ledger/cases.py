"""Postings and records to fill ledgers with."""

from typing import Any

from engine.stock.ledger import CapacityChange, Count, Ledger, Posting, StockChange, key_parts, stock_key
from engine.stock.records import DAY, HOUR, DecisionRecord, EventRecord, IdempotencyKey, Part, Reservation

NOW_S = 1_780_000_000
TODAY = 20_600


def reservation(name: str = "r", **changes: Any) -> Reservation:
    values = {"order_id": f"o-{name}", "kind": "allocation", "state": "confirmed"}
    return Reservation(reservation_id=name, created_s=NOW_S, updated_s=NOW_S, **(values | changes))


def part(name: str = "r", key: int = stock_key(0, 0), units: int = 1, number: int = 1, **changes: Any) -> Part:
    sku_no, node_no = key_parts(key)
    values = {"state": "confirmed", "day": TODAY, "hour": 9, "booked": DAY | HOUR, "order_id": f"o-{name}"}
    lines = (("l1", sku_no, units),)
    return Part(
        reservation_id=name,
        part=number,
        node_no=node_no,
        lines=lines,
        units=units,
        updated_s=NOW_S,
        **(values | changes),
    )


def decision(name: str = "d", text: str = "{}") -> DecisionRecord:
    return DecisionRecord(
        decision_id=name,
        order_id="o",
        reservation_id="r",
        at_s=NOW_S,
        status="optimal",
        quality="optimal",
        cost_cents=1,
        bound_cents=1,
        policy_id="p",
        policy_version=1,
        network_version="v",
        stock_seq=0,
        order_json="{}",
        answer_json=text,
    )


def event(subject: str = "s") -> EventRecord:
    return EventRecord(type="reservation.created.v1", subject=subject, at_s=NOW_S, data_json="{}")


def remembered(name: str = "k") -> IdempotencyKey:
    return IdempotencyKey(scope="c", key=name, fingerprint="f", status=200, body=f"answer to {name}", created_s=NOW_S)


def allocation(name: str, key: int, units: int = 1, orders_max: int = 10**6, **changes: Any) -> Posting:
    """Units of a row taken for an order, with all that is written of it."""
    node_no = key_parts(key)[1]
    return Posting(
        stock=[StockChange(key, 0, units, 0)],
        capacity=[CapacityChange(node_no, TODAY, hour, 1, units, orders_max) for hour in (-1, 9)],
        makes=[reservation(name, **changes), part(name, key, units), decision(f"d-{name}"), event(name)],
        key=remembered(f"k-{name}"),
    )


def stocked(ledger: Ledger, units: dict[int, int]) -> None:
    """Put units on hand."""
    counted = ledger.count([Count(key, n, None, None) for key, n in units.items()], NOW_S, "test")
    assert {result.value for result in counted.results} <= {"applied"}


def contents(ledger: Ledger) -> tuple[dict[int, tuple[int, int]], dict[tuple[int, ...], tuple[int, int]]]:
    """On hand and reserved by row, orders and units by cell; rows and cells of zeros are as good as none."""
    found = ledger.load(0)
    stock = zip(found.key.tolist(), found.on_hand.tolist(), found.reserved.tolist(), strict=True)
    rows = {key: (on_hand, reserved) for key, on_hand, reserved in stock if on_hand or reserved}
    return rows, {tuple(row[:3]): tuple(row[3:5]) for row in found.capacity.tolist() if any(row[3:5])}

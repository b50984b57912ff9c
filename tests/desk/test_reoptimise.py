"""Deciding reservations anew: only what saves, never a worse promise, and nothing held twice."""

from typing import Any

import pytest

from engine.desk.desk import Desk
from engine.desk.inbound import AdjustStock
from engine.desk.reoptimise import Reoptimise, movable_ids
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger, stock_key
from engine.stock.records import DecisionRecord, Part, PartState, Reservation
from tests import builders
from tests.desk.desk_cases import allocate, following, said
from tests.ledger_twin import LedgerTwin

# What the warehouse lacks is dearer from the store.
NETWORK = builders.network(stock={("wh", "a"): 0, ("st", "a"): 10, ("wh", "b"): 10, ("st", "b"): 10})


def again(desk: Desk, *names: str, **changes: Any) -> Any:
    return said(desk.ask(Reoptimise(run_id="run", reservation_ids=names or ("o1",), **changes)))


def held(ledger: Ledger) -> dict[int, int]:
    found = ledger.load(0)
    return {k: n for k, n in zip(found.key.tolist(), found.reserved.tolist(), strict=True) if n}


def test_a_reservation_moves_where_that_is_cheaper_and_holds_nothing_where_it_was(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        first = said(desk.ask(allocate(builders.order("a", "b"), ttl_s=None)))
        assert {s["node"] for s in first["shipments"]} == {"st"}
        desk.ask(AdjustStock(node="wh", sku="a", units=5))
        document = again(desk)
        assert document["moved"] == 1
        (one,) = document["reservations"]
        assert (one["outcome"], one["why"], one["decision_id"]) == ("moved", "cheaper", "run.o1")
        assert one["cost_before_cents"] == first["cost_cents"]
        assert document["saved_cents"] == one["cost_before_cents"] - one["cost_after_cents"] > 0
        assert one["deliver_by_after"] <= first["deliver_by"]
        assert again(desk)["reservations"][0]["outcome"] == "kept"
    assert held(ledger) == {stock_key(0, 0): 1, stock_key(1, 0): 1}
    assert [(p.node_no, p.state) for p in ledger.find(Part)] == [(1, "released"), (0, "confirmed")]
    reservation = ledger.get(Reservation, "o1")
    assert reservation is not None
    assert (reservation.state, reservation.attempts, reservation.decision_id) == ("confirmed", 1, "run.o1")
    assert [d.cause for d in ledger.find(DecisionRecord, order=("at_s",))] == ["order", "reoptimise"]


def test_a_saving_below_the_threshold_moves_nothing() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(allocate(builders.order("a"), ttl_s=None))
        desk.ask(AdjustStock(node="wh", sku="a", units=5))
        before = len(ledger.feed)
        (one,) = again(desk, threshold_cents=1_000_000)["reservations"]
        assert one["outcome"] == "kept"
        assert one["why"].startswith("another plan saves")
        assert len(ledger.feed) == before


def test_two_reservations_do_not_move_to_the_same_unit() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, _):
        for i in (1, 2):
            desk.ask(allocate(builders.order("a", order_id=f"o{i}"), ttl_s=None))
        desk.ask(AdjustStock(node="wh", sku="a", units=1))
        document = again(desk, "o1", "o2")
        assert [one["outcome"] for one in document["reservations"]] == ["moved", "kept"]
    assert held(ledger) == {stock_key(0, 0): 1, stock_key(0, 1): 1}


def test_what_is_worked_on_has_ended_or_is_unknown_is_passed_over() -> None:
    ledger = LedgerTwin()
    with following(NETWORK, ledger) as (desk, clock):
        for name, state in (("o1", PartState.PICKED), ("o2", PartState.SHIPPED)):
            desk.ask(allocate(builders.order("a", order_id=name), ttl_s=None))
            part = ledger.tables[Part][name, 1]
            ledger.tables[Part][name, 1] = type(part)(**{**_fields(part), "state": state.value})
        desk.ask(allocate(builders.order("a", order_id="o3"), ttl_s=60))
        clock.now_s += 61
        document = again(desk, "o1", "o2", "o3", "o4")
    whys = [(one["outcome"], one["why"]) for one in document["reservations"]]
    assert whys == [
        ("passed_over", "nothing-to-move"),
        ("passed_over", "wrong-state"),
        ("passed_over", "expired"),
        ("passed_over", "unknown-reservation"),
    ]
    assert movable_ids(ledger) == ["o3"]
    assert movable_ids(ledger, node_no=0) == []


def _fields(part: Any) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__struct_fields__}


@pytest.mark.parametrize("changes", [{"threshold_cents": -1}, {"reservation_ids": ()}])
def test_a_call_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with following(NETWORK, LedgerTwin()) as (desk, _), pytest.raises(InputError):
        desk.ask(Reoptimise(**{"run_id": "r", "reservation_ids": ("o1",), **changes}))

"""Holds that run out of time, on every ledger."""

from engine.desk.desk import Desk
from engine.desk.opening import state_of
from engine.desk.reserve import Confirm
from engine.desk.state import State
from engine.desk.sweep import Sweep
from engine.stock.ledger import Conflict, Ledger, Posting
from tests import builders
from tests.desk.books import booked, events, reserved, states
from tests.desk.desk_cases import allocate, desk_on, said
from tests.desk.test_reserve import at, hold, turn

NETWORK = builders.network(
    nodes=(builders.node(capacity_day_orders=50), builders.store(capacity_day_orders=50), builders.pickup_point())
)


def test_what_nobody_confirmed_is_given_back_stock_and_capacity(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3), ttl_s=60))
        desk.ask(hold(at("st", 2), name="kept", ttl_s=60))
        desk.ask(Confirm(reservation_id="kept"))
        desk.ask(allocate(builders.order(builders.line("a", 2)), ttl_s=60))
        assert booked(ledger)
        turn(desk, 60)
        assert said(desk.ask(Sweep())) == {"expired": 2, "not_collected": 0, "more": False}
        assert said(desk.ask(Sweep())) == {"expired": 0, "not_collected": 0, "more": False}
    assert reserved(ledger) == 2
    assert booked(ledger) == {}
    assert states(ledger) == {("h1", 1): "expired", ("kept", 1): "confirmed", ("o1", 1): "expired"}
    assert events(ledger).count("reservation.expired.v1") == 2


def test_a_sweep_ends_a_portion_and_says_that_more_is_due(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        for i in range(5):
            desk.ask(hold(at("st", 1), name=f"h{i}", ttl_s=60))
        turn(desk, 60)
        results = [said(desk.ask(Sweep(portion=2))) for _ in range(4)]
    assert [(r["expired"], r["more"]) for r in results] == [(2, True), (2, True), (1, False), (0, False)]
    assert reserved(ledger) == 0


def test_two_processes_that_sweep_at_once_give_back_once(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        for i in range(6):
            desk.ask(hold(at("st", 1), name=f"h{i}", ttl_s=60))
        desk.ask(hold(at("st", 4), name="another"))  # so that the row alone would let them give back twice
        turn(desk, 60)
        other = Desk(state_of(NETWORK, ledger, desk.clock_s()), clock_s=desk.clock_s)
        plans: list[Posting] = []

        def look(state: State) -> None:
            state.now_s = desk.clock_s()
            posting = Sweep(portion=4).plan(state).posting
            assert posting is not None
            plans.append(posting)

        try:
            # Both plan on the same rows before either is told what the other has done.
            desk.run(look)
            other.run(look)
            outcomes = ledger.post(plans, desk.clock_s()).outcomes
            left = [said(one.ask(Sweep(portion=4))) for one in (other, desk)]
        finally:
            other.close()
    assert [outcome.conflict for outcome in outcomes] == [None, Conflict.VERSION]
    assert [one["expired"] for one in left] == [2, 0]
    assert reserved(ledger) == 4
    assert events(ledger).count("reservation.expired.v1") == 6

"""Returns at any node, on every ledger."""

import pytest

from engine.desk.ask import DeskError
from engine.desk.returns import Grade, Return, ReturnedLine, resold
from engine.desk.settings import PutPolicy
from engine.domain.errors import InputError
from engine.domain.policy import Policy
from engine.stock.ledger import Count, Ledger, stock_key
from engine.stock.lifecycle import Step
from engine.stock.records_oms import ReturnRecord
from tests import builders
from tests.desk.books import events, shelf
from tests.desk.desk_cases import desk_on, following, key, said, settle
from tests.desk.test_fulfil import mark, sold
from tests.desk.test_reserve import ST, WH, turn

NETWORK = builders.network()


def back(quantity: int, grade: Grade = Grade.AS_NEW, name: str = "r1", **changes: object) -> Return:
    values: dict[str, object] = {
        "return_id": name,
        "node": "st",
        "order_id": "o1",
        "lines": (ReturnedLine(sku="a", quantity=quantity, grade=grade),),
    }
    return Return(**(values | changes))  # type: ignore[arg-type]


def test_units_as_new_are_on_sale_at_once_where_they_came_back(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        node = sold(desk, builders.line("a", 3))["shipments"][0]["node"]
        desk.ask(mark(Step.SHIP))
        assert said(desk.ask(back(2, node="st")))["known_order"]
        assert said(desk.ask(back(1, Grade.DAMAGED, "r2")))["lines"][0]["restocked"] == 0
        with pytest.raises(DeskError) as error:
            desk.ask(back(1, name="r3"))
    assert node == "wh"
    assert error.value.code == "too-many-returned"
    assert (shelf(ledger)[WH, 0], shelf(ledger)[ST, 0]) == ((7, 0), (12, 0))
    assert [(r.node_no, r.units, r.grade, r.restocked) for r in ledger.find(ReturnRecord)] == [
        (ST, 2, "as_new", 2),
        (ST, 1, "damaged", 0),
    ]
    assert events(ledger)[-1] == "return.received.v1"


@pytest.mark.parametrize(
    ("grade", "opened", "damaged", "restocked"),
    [
        (Grade.AS_NEW, False, False, 1),
        (Grade.OPENED, False, True, 0),
        (Grade.OPENED, True, False, 1),
        (Grade.DAMAGED, True, False, 0),
        (Grade.DAMAGED, False, True, 1),
        (Grade.UNSELLABLE, True, True, 0),
    ],
)
def test_a_grade_goes_back_on_sale_where_the_policy_says_so(
    grade: Grade, opened: bool, damaged: bool, restocked: int
) -> None:
    assert resold(grade, Policy(resell_opened=opened, resell_damaged=damaged)) == bool(restocked)


def test_the_policy_of_the_moment_says_what_is_sold_again(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):

        def restocked(name: str) -> int:
            return int(said(desk.ask(back(1, Grade.OPENED, name, order_id=None)))["lines"][0]["restocked"])

        later = clock.now_s + 3_600
        desk.ask(PutPolicy(policy=Policy(resell_opened=True), valid_from_s=later, by="ann"))
        before = restocked("r1")
        clock.now_s = later
        settle(desk)
        assert (before, restocked("r2")) == (0, 1)
    assert shelf(ledger)[ST, 0] == (11, 0)


def test_a_return_of_an_order_from_elsewhere_is_believed(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        assert not said(desk.ask(back(5, order_id="from-before")))["known_order"]
        assert not said(desk.ask(back(5, order_id=None, name="r2")))["known_order"]
    assert shelf(ledger)[ST, 0] == (20, 0)


def test_nothing_comes_back_of_an_order_that_was_not_shipped(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        sold(desk, builders.line("a", 3))
        with pytest.raises(DeskError) as error:
            desk.ask(back(1))
    assert error.value.code == "wrong-state"


def test_a_return_is_booked_once(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        first = desk.ask(back(5, order_id=None), key("k"))
        assert desk.ask(back(5, order_id=None), key("k")).body == first.body
        with pytest.raises(DeskError) as error:
            desk.ask(back(5, order_id=None))
    assert error.value.code == "exists"
    assert shelf(ledger)[ST, 0] == (15, 0)


def test_what_comes_back_where_the_sku_never_was_makes_a_row(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(back(2, order_id=None, node="pp"))
    assert shelf(ledger)[2, 0] == (2, 0)


def test_a_count_taken_before_a_return_does_not_lose_its_units(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        counted_s = desk.clock_s()
        turn(desk, 60)
        desk.ask(back(2, order_id=None))
        ledger.count([Count(stock_key(0, ST), 9, None, 1, counted_s)], desk.clock_s(), "pos")
    assert shelf(ledger)[ST, 0] == (11, 0)


def test_a_return_that_cannot_be_read_names_the_field(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        for command, named in (
            (back(0), "Quantity"),
            (back(1, lines=()), "0 lines"),
            (back(1, node="nowhere"), "nowhere"),
            (back(1, lines=(ReturnedLine(sku="nothing", quantity=1),)), "nothing"),
        ):
            with pytest.raises(InputError, match=named):
                desk.ask(command)

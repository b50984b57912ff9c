"""Holds at nodes and in groups, on every ledger: reserve, extend, confirm, release."""

import pytest

from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.reserve import Confirm, Extend, HoldLine, Release, Reserve
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger
from engine.stock.records import Reservation
from tests import builders
from tests.desk.books import events, parts, reserved, shelf, states
from tests.desk.desk_cases import allocate, desk_on, key, said

NETWORK = builders.network()
WH, ST = 0, 1  # the ledger's numbers of the nodes; of skus a, b, c they are 0, 1, 2


def hold(*lines: HoldLine, name: str = "h1", **changes: object) -> Reserve:
    values: dict[str, object] = {"reservation_id": name, "order_id": f"o-{name}", "lines": lines, "ttl_s": 900}
    return Reserve(**(values | changes))  # type: ignore[arg-type]


def at(node: str, quantity: int, sku: str = "a", line_id: str = "1") -> HoldLine:
    return HoldLine(line_id=line_id, sku=sku, quantity=quantity, node=node)


def anywhere(quantity: int, sku: str = "a", line_id: str = "1", group: str = "all") -> HoldLine:
    return HoldLine(line_id=line_id, sku=sku, quantity=quantity, group=group)


def turn(desk: Desk, seconds: int) -> None:
    desk.clock_s.now_s += seconds  # type: ignore[attr-defined]


def test_units_held_at_a_node_are_reserved_there(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        document = said(desk.ask(hold(at("st", 3), at("wh", 2, "b", "2"))))
    assert [line["code"] for line in document["lines"]] == ["reserved", "reserved"]
    assert document["reservation"]["state"] == "held"
    assert shelf(ledger)[ST, 0] == (10, 3)
    assert shelf(ledger)[WH, 1] == (10, 2)
    assert events(ledger) == ["reservation.created.v1"]


def test_all_lines_are_held_or_none(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        with pytest.raises(DeskError) as error:
            desk.ask(hold(at("st", 3), at("wh", 11, "b", "2")))
        assert reserved(ledger) == 0
        assert ledger.find(Reservation) == []
    assert (error.value.code, error.value.status, error.value.field) == ("insufficient-stock", 409, "/lines/1")
    assert [line["reserved"] for line in error.value.details["lines"]] == [3, 10]


def test_a_partial_hold_says_line_by_line_what_it_got(ledger: Ledger) -> None:
    lines = (at("st", 3), at("wh", 11, "b", "2"), at("pp", 1, "c", "3"))
    with desk_on(NETWORK, ledger) as desk:
        document = said(desk.ask(hold(*lines, partial=True)))
        nothing = said(desk.ask(hold(at("pp", 1), name="h2", partial=True)))
    assert [(line["reserved"], line["code"]) for line in document["lines"]] == [
        (3, "reserved"),
        (10, "partly_reserved"),
        (0, "insufficient_stock"),
    ]
    assert nothing["reservation"] is None
    assert reserved(ledger) == 13


def test_a_group_hold_is_backed_by_the_nodes_with_most_free_units(ledger: Ledger) -> None:
    network = builders.network(stock={("wh", "a"): 4, ("st", "a"): 7})
    with desk_on(network, ledger) as desk:
        desk.ask(hold(anywhere(9)))
        document = said(desk.ask(hold(anywhere(9), name="h2", partial=True)))
    assert shelf(ledger)[ST, 0] == (7, 7)
    assert shelf(ledger)[WH, 0] == (4, 4)
    assert document["lines"][0]["reserved"] == 2
    assert {part.group for part in parts(ledger)} == {"all"}


def test_a_hold_at_a_node_takes_the_place_of_a_group_hold_that_can_be_backed_elsewhere(ledger: Ledger) -> None:
    network = builders.network(stock={("wh", "a"): 5, ("st", "a"): 6})
    with desk_on(network, ledger) as desk:
        desk.ask(hold(anywhere(4)))
        assert shelf(ledger)[ST, 0] == (6, 4)
        desk.ask(hold(at("st", 5), name="h2"))
        with pytest.raises(DeskError, match="can be held"):
            desk.ask(hold(at("st", 4), name="h3"))
    assert shelf(ledger) == {(ST, 0): (6, 6), (WH, 0): (5, 3)}
    assert sum(part.units for part in parts(ledger) if part.group) == 4


def test_lines_that_want_a_node_come_before_those_that_take_any(ledger: Ledger) -> None:
    network = builders.network(stock={("wh", "a"): 2, ("st", "a"): 3})
    with desk_on(network, ledger) as desk:
        document = said(desk.ask(hold(anywhere(2), at("st", 3, line_id="2"))))
    assert [line["line_id"] for line in document["lines"]] == ["1", "2"]
    assert shelf(ledger) == {(WH, 0): (2, 2), (ST, 0): (3, 3)}


def test_safety_stock_and_units_protected_for_another_channel_are_not_held(ledger: Ledger) -> None:
    network = builders.network(nodes=(builders.node(), builders.store(safety_stock=4), builders.pickup_point()))
    with desk_on(network, ledger) as desk:
        document = said(desk.ask(hold(at("st", 10), partial=True)))
    assert document["lines"][0]["reserved"] == 6


def test_a_hold_made_twice_is_refused_and_repeated_with_its_key_answered_the_same(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        first = desk.ask(hold(at("st", 3)), key("k"))
        again = desk.ask(hold(at("st", 3)), key("k"))
        with pytest.raises(DeskError) as error:
            desk.ask(hold(at("st", 3)), key("other"))
    assert (first.status, again.body, again.replayed) == (201, first.body, True)
    assert error.value.code == "exists"
    assert reserved(ledger) == 3


def test_confirming_keeps_a_hold_for_good_and_is_done_once(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3)))
        document = said(desk.ask(Confirm(reservation_id="h1")))
        with pytest.raises(DeskError) as error:
            desk.ask(Confirm(reservation_id="h1"))
    assert (document["state"], document["expires_at"]) == ("confirmed", None)
    assert (error.value.code, error.value.status) == ("wrong-state", 409)
    assert states(ledger) == {("h1", 1): "confirmed"}


def test_nothing_is_confirmed_extended_or_released_a_second_after_its_time_though_it_was_not_swept(
    ledger: Ledger,
) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3)))
        turn(desk, 900)
        for command in (
            Confirm(reservation_id="h1"),
            Extend(reservation_id="h1", ttl_s=5),
            Release(reservation_id="h1"),
        ):
            with pytest.raises(DeskError) as error:
                desk.ask(command)
            assert error.value.code == "expired"
    assert states(ledger) == {("h1", 1): "held"}


def test_a_hold_is_confirmed_in_its_last_second(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3)))
        turn(desk, 899)
        assert said(desk.ask(Confirm(reservation_id="h1")))["state"] == "confirmed"


def test_an_extended_hold_lasts_from_now_and_is_never_shortened(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        first = said(desk.ask(hold(at("st", 3))))["reservation"]["expires_at"]
        same = said(desk.ask(Extend(reservation_id="h1", ttl_s=5)))["expires_at"]
        turn(desk, 800)
        desk.ask(Extend(reservation_id="h1", ttl_s=900))
        turn(desk, 899)
        assert said(desk.ask(Confirm(reservation_id="h1")))["state"] == "confirmed"
        with pytest.raises(DeskError, match="has no end"):
            desk.ask(Extend(reservation_id="h1", ttl_s=900))
    assert first == same


def test_released_units_are_free_again_and_the_part_is_released_once(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3)))
        assert said(desk.ask(Release(reservation_id="h1")))["state"] == "ended"
        with pytest.raises(DeskError) as error:
            desk.ask(Release(reservation_id="h1"))
    assert error.value.code == "wrong-state"
    assert reserved(ledger) == 0


def test_some_units_of_some_lines_are_released_and_the_rest_is_still_held(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("st", 3), at("wh", 2, "b", "2")))
        document = said(desk.ask(Release(reservation_id="h1", lines={"1": 1, "2": 2})))
        with pytest.raises(DeskError, match="2 open"):
            desk.ask(Release(reservation_id="h1", lines={"1": 3}))
    assert document["state"] == "held"
    assert shelf(ledger)[ST, 0] == (10, 2)
    assert shelf(ledger)[WH, 1] == (10, 0)
    assert sorted((p.units, p.state) for p in parts(ledger)) == [(1, "released"), (2, "held"), (2, "released")]


def test_an_allocation_is_confirmed_and_released_like_a_hold(ledger: Ledger) -> None:
    order = builders.order(builders.line("a", 2), builders.line("b", 1))
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(allocate(order))
        assert said(desk.ask(Confirm(reservation_id="o1")))["state"] == "confirmed"
        assert said(desk.ask(Release(reservation_id="o1", lines={"b": 1})))["state"] == "confirmed"
        assert reserved(ledger) == 2
        assert said(desk.ask(Release(reservation_id="o1")))["state"] == "ended"
    assert reserved(ledger) == 0


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (hold(), "0 lines"),
        (hold(at("st", 0)), "Quantity"),
        (hold(at("st", 1), at("st", 1)), "twice"),
        (hold(HoldLine(line_id="1", sku="a", quantity=1)), "node"),
        (hold(HoldLine(line_id="1", sku="a", quantity=1, node="st", group="all")), "node"),
        (hold(at("nowhere", 1)), "nowhere"),
        (hold(at("st", 1, "nothing")), "nothing"),
        (hold(anywhere(1, group="none")), "none"),
        (hold(at("st", 1), ttl_s=0), "ttl_s"),
    ],
)
def test_a_hold_that_cannot_be_read_names_the_field(ledger: Ledger, command: Reserve, named: str) -> None:
    with desk_on(NETWORK, ledger) as desk, pytest.raises(InputError, match=named):
        desk.ask(command)


def test_a_line_may_be_held_at_several_places_and_given_back_at_one_of_them(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        desk.ask(hold(at("wh", 3), at("st", 2), anywhere(4)))
        desk.ask(Release(reservation_id="h1", lines={"1": 2}, node="st"))
        assert (shelf(ledger)[ST, 0], reserved(ledger)) == ((10, 4), 7)  # it backs the group, too
        with pytest.raises(DeskError, match="has 0 open unit"):
            desk.ask(Release(reservation_id="h1", lines={"1": 1}, node="st"))
        desk.ask(Release(reservation_id="h1", lines={"1": 4}, group="all"))
        assert (shelf(ledger)[WH, 0], shelf(ledger)[ST, 0]) == ((10, 3), (10, 0))


def test_a_line_is_of_one_sku_and_named_once_at_each_place(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        for twice in ((at("wh", 1), at("wh", 1)), (at("wh", 1), at("st", 1, "b"))):
            with pytest.raises(InputError, match="twice"):
                desk.ask(hold(*twice))
    assert reserved(ledger) == 0

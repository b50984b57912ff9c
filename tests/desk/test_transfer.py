"""Transfers of holds between groups and nodes, on every ledger."""

import pytest

from engine.desk.ask import DeskError
from engine.desk.fulfil import Fulfil, FulfilLine, Mark
from engine.desk.reserve import Confirm
from engine.desk.transfer import Transfer, TransferLine
from engine.domain.errors import InputError
from engine.network.model import Network
from engine.stock.ledger import Ledger
from engine.stock.lifecycle import Step
from tests import builders
from tests.desk.books import parts, shelf
from tests.desk.desk_cases import allocate, desk_on, said
from tests.desk.test_reserve import ST, WH, anywhere, at, hold


def network(wh: int = 5, st: int = 6) -> Network:
    return builders.network(stock={("wh", "a"): wh, ("st", "a"): st})


def to(name: str, quantity: int | None = None, **changes: object) -> TransferLine:
    values: dict[str, object] = {"reservation_id": name, "line_id": "1", "quantity": quantity}
    return TransferLine(**(values | changes))  # type: ignore[arg-type]


def move(*lines: TransferLine, all_or_nothing: bool = True) -> Transfer:
    return Transfer(transfers=lines, all_or_nothing=all_or_nothing)


def test_a_group_hold_goes_to_the_node_that_was_chosen(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(anywhere(4)))  # backed by the store, which has most
        document = said(desk.ask(move(to("h1", to_node="wh"))))
    assert document["transfers"][0] == {
        "reservation_id": "h1",
        "line_id": "1",
        "transferred": 4,
        "code": "transferred",
        "detail": "",
    }
    assert shelf(ledger) == {(ST, 0): (6, 0), (WH, 0): (5, 4)}
    assert [(part.group, part.node_no) for part in parts(ledger)] == [("", WH)]


def test_units_that_are_backed_at_the_node_stay_on_its_shelf(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(anywhere(8)))  # all 6 of the store, 2 of the warehouse
        desk.ask(move(to("h1", 3, to_node="st")))
    assert shelf(ledger) == {(ST, 0): (6, 6), (WH, 0): (5, 2)}
    assert sorted((p.group, p.node_no, p.units) for p in parts(ledger)) == [
        ("", ST, 3),
        ("all", WH, 2),
        ("all", ST, 3),
    ]


def test_another_groups_hold_gives_way_to_a_transfer_and_is_backed_elsewhere(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(at("wh", 3), name="mine"))
        desk.ask(hold(anywhere(6), name="theirs"))  # the whole store
        desk.ask(move(to("mine", 2, to_node="st")))
    assert shelf(ledger) == {(ST, 0): (6, 6), (WH, 0): (5, 3)}
    theirs = [p for p in parts(ledger) if p.reservation_id == "theirs"]
    assert sorted((p.node_no, p.units) for p in theirs) == [(WH, 2), (ST, 4)]


def test_where_nobody_can_give_way_the_transfer_is_refused_and_nothing_moves(ledger: Ledger) -> None:
    with desk_on(network(wh=3), ledger) as desk:
        desk.ask(hold(at("wh", 3), name="mine"))
        desk.ask(hold(anywhere(6), name="theirs"))
        before = shelf(ledger)
        with pytest.raises(DeskError) as error:
            desk.ask(move(to("mine", 2, to_node="st")))
    assert error.value.code == "insufficient-stock"
    assert shelf(ledger) == before


def test_transfers_of_a_call_are_done_together_or_not_at_all(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(at("wh", 3), name="one"))
        desk.ask(hold(at("wh", 2), name="two"))
        before = shelf(ledger)
        with pytest.raises(DeskError):
            desk.ask(move(to("one", to_node="st"), to("two", 9, to_node="st")))
        assert shelf(ledger) == before
        document = said(desk.ask(move(to("one", to_node="st"), to("two", 9, to_node="st"), all_or_nothing=False)))
    assert [(t["transferred"], t["code"]) for t in document["transfers"]] == [(3, "transferred"), (0, "not-in-part")]
    assert shelf(ledger) == {(ST, 0): (6, 3), (WH, 0): (5, 2)}


def test_a_failed_transfer_leaves_nothing_behind_for_the_one_after_it(ledger: Ledger) -> None:
    with desk_on(network(wh=8, st=6), ledger) as desk:
        desk.ask(hold(anywhere(12), name="one"))  # 8 at the warehouse, 4 at the store
        lines = (to("one", 12, to_node="st"), to("one", 6, to_node="st"))
        document = said(desk.ask(move(*lines, all_or_nothing=False)))
    assert [t["code"] for t in document["transfers"]] == ["insufficient-stock", "transferred"]
    assert shelf(ledger) == {(ST, 0): (6, 6), (WH, 0): (8, 6)}
    assert sum(p.units for p in parts(ledger) if not p.group) == 6


def test_availability_is_ignored_only_where_asked(ledger: Ledger) -> None:
    with desk_on(network(st=1), ledger) as desk:
        desk.ask(hold(at("wh", 3)))
        with pytest.raises(DeskError):
            desk.ask(move(to("h1", to_node="st")))
        desk.ask(move(to("h1", to_node="st", ignore_availability=True)))
    assert shelf(ledger) == {(ST, 0): (1, 3), (WH, 0): (5, 0)}


def test_units_go_back_to_a_group_and_on_to_another_node(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(at("wh", 3)))
        desk.ask(move(to("h1", from_node="wh", to_group="all")))
        desk.ask(move(to("h1", from_group="all", to_node="st")))
        with pytest.raises(DeskError):
            desk.ask(move(to("h1", from_group="all", to_node="wh")))
    assert shelf(ledger) == {(ST, 0): (6, 3), (WH, 0): (5, 0)}


def test_an_allocation_is_not_transferred(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(allocate(builders.order("a")))
        with pytest.raises(DeskError, match="allocations are not"):
            desk.ask(move(to("o1", line_id="a", to_node="st")))


def test_a_transfer_goes_to_one_place(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(at("wh", 3)))
        for line in (to("h1"), to("h1", to_node="st", to_group="all")):
            with pytest.raises(InputError, match="one of the two"):
                desk.ask(move(line))
        with pytest.raises(InputError, match="0 transfers"):
            desk.ask(move())


def test_units_are_held_in_a_group_transferred_and_fulfilled(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(anywhere(4)))
        line = FulfilLine(reservation_id="h1", line_id="1", quantity=3, node="st")
        with pytest.raises(DeskError, match="0 unit"):
            desk.ask(Fulfil(lines=(line,)))  # nobody has chosen the node
        desk.ask(move(to("h1", to_node="st")))
        document = said(desk.ask(Fulfil(lines=(line,))))
        with pytest.raises(DeskError, match="1 unit"):
            desk.ask(Fulfil(lines=(line,)))
    assert document["reservations"][0]["state"] == "held"
    assert shelf(ledger) == {(ST, 0): (3, 1), (WH, 0): (5, 0)}
    assert sorted((p.units, p.state) for p in parts(ledger)) == [(1, "held"), (3, "shipped")]


def test_nobody_picks_what_is_held_at_a_group(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(anywhere(4)))
        desk.ask(Confirm(reservation_id="h1"))
        with pytest.raises(DeskError, match="group"):
            desk.ask(Mark(reservation_id="h1", part=1, step=Step.PICK))
        desk.ask(move(to("h1", to_node="st")))
        desk.ask(Mark(reservation_id="h1", part=1, step=Step.PICK))
    assert [p.state for p in parts(ledger)] == ["picked"]

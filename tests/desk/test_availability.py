"""What there is and what can be promised, by node and group."""

from datetime import timedelta
from typing import Any

import pytest

from engine.desk.availability import Availability, OnHand
from engine.domain.errors import InputError
from engine.domain.ids import NodeId, SkuId
from engine.network.model import ChannelProtection, Inbound
from engine.stock.ledger import Ledger
from tests import builders
from tests.desk.desk_cases import desk_on, said
from tests.desk.test_reserve import at, hold

SOON = builders.AS_OF + timedelta(days=3)


def network() -> Any:
    return builders.network(
        nodes=(builders.node(), builders.store(safety_stock=4), builders.pickup_point()),
        stock={("wh", "a"): 3, ("st", "a"): 10, ("st", "b"): 1},
        inbound=(
            Inbound(node_id=NodeId("st"), sku=SkuId("a"), units=5, available_at=SOON),
            Inbound(node_id=NodeId("wh"), sku=SkuId("a"), units=2, available_at=SOON),
        ),
        channel_protection=(ChannelProtection(node_id=NodeId("st"), sku=SkuId("a"), channel="vip", units=2),),
    )


def ask(desk: Any, **changes: Any) -> list[dict[str, Any]]:
    values: dict[str, Any] = {"skus": ("a",), "nodes": ("st",)}
    found: list[dict[str, Any]] = said(desk.ask(Availability(**(values | changes))))["availability"]
    return found


def numbers(row: dict[str, Any]) -> dict[str, int]:
    names = ("on_hand", "reserved", "safety", "protected", "atf", "ato")
    return {name: row[name] for name in names}


def test_what_can_be_promised_is_on_hand_less_all_that_is_held_back_and_more_with_what_is_due(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(at("st", 3)))
        (row,) = ask(desk)
        (vip,) = ask(desk, channel="vip")
        document = said(desk.ask(Availability(skus=("a",), nodes=("st",))))
    assert numbers(row) == {"on_hand": 10, "reserved": 3, "safety": 4, "protected": 2, "atf": 1, "ato": 6}
    assert numbers(vip) == {"on_hand": 10, "reserved": 3, "safety": 4, "protected": 0, "atf": 3, "ato": 8}
    assert [future["quantity"] for future in row["futures"]] == [5]
    assert document["stock_seq"] > 0


def test_a_group_has_the_sums_of_its_nodes_and_none_is_short_at_anothers_cost(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        rows = ask(desk, skus=("a", "b"), groups=("all",))
    assert [(row["sku"], row["node"], row["group"]) for row in rows] == [
        ("a", "st", None),
        ("a", None, "all"),
        ("b", "st", None),
        ("b", None, "all"),
    ]
    assert numbers(rows[1]) == {"on_hand": 13, "reserved": 0, "safety": 4, "protected": 2, "atf": 7, "ato": 14}
    assert [future["quantity"] for future in rows[1]["futures"]] == [7]
    assert numbers(rows[3])["atf"] == 0  # the store keeps four back and has one


def test_what_a_node_never_had_is_nothing_and_says_so(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        (row,) = ask(desk, nodes=("pp",), skus=("c",))
    assert (row["known"], row["on_hand"], row["atf"]) == (False, 0, 0)


def test_a_question_that_cannot_be_read_names_the_field(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        for changes, named in (
            ({"skus": ("nothing",)}, "nothing"),
            ({"nodes": ("nowhere",)}, "nowhere"),
            ({"nodes": (), "groups": ("none",)}, "none"),
            ({"nodes": ()}, "0 numbers"),
        ):
            with pytest.raises(InputError, match=named):
                ask(desk, **changes)


def test_units_on_hand_are_told_of_all_nodes_whoever_they_are_held_for(ledger: Ledger) -> None:
    with desk_on(network(), ledger) as desk:
        desk.ask(hold(at("st", 3)))
        assert said(desk.ask(OnHand(skus=("b", "a"), nodes=("wh", "pp", "st"))))["units"] == [[0, 0, 1], [3, 0, 10]]
        for unknown in (OnHand(skus=("x",), nodes=("wh",)), OnHand(skus=("a",), nodes=("x",))):
            with pytest.raises(InputError, match="unknown"):
                desk.ask(unknown)

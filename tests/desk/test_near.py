"""Which stores near somebody have it now: which, how far, how many, ready when, and what is wrong with a question."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from engine.desk.ask import DeskError
from engine.desk.counts import set_on_hand
from engine.desk.near import Near
from engine.desk.reject import Reject
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.ids import NodeId, SkuId
from engine.domain.order import Method
from engine.domain.policy import ChannelRule, Policy
from engine.domain.units import epoch_s
from engine.network.model import ChannelProtection, Network
from engine.stock.ledger import Ledger
from tests import builders
from tests.desk.desk_cases import allocate, desk_on, said
from tests.desk.near_cases import by_brute_force, ids, near, scattered
from tests.desk.test_reserve import at, hold, turn
from tests.examples import examples
from tests.ledger_twin import LedgerTwin

NOW_S = epoch_s(builders.AS_OF)


def stores(**changes: Any) -> Network:
    """A store in Paris that opens in an hour, one that is open day and night, one in Lyon."""
    values: dict[str, Any] = {
        "nodes": (
            builders.node(),
            builders.store("paris", lat=48.86, lon=2.35),
            builders.store("night", lat=48.9, lon=2.35, opening_hours="24/7"),
            builders.store("lyon"),
            builders.pickup_point(),
        ),
        "lanes": (),
        "collections": (),
    }
    return builders.network(**(values | changes))


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_nearest_that_have_it_are_those_of_brute_force(seed: int) -> None:
    dice, network = Random(seed), scattered(seed)
    with desk_on(network, LedgerTwin()) as desk:
        for _ in range(6):
            asked = {sku: dice.randint(1, 3) for sku in dice.sample(("a", "b", "c"), dice.randint(1, 3))}
            lat, lon = 48.8566 + dice.choice((0.0, 0.05, 1.5)), 2.3522
            terms: dict[str, Any] = {"limit": dice.choice((1, 3, 50)), "every": dice.random() < 0.5}
            within_m = dice.choice((None, 1, 12_000, 400_000))
            found = near(desk, *asked.items(), lat=lat, lon=lon, max_distance_m=within_m, **terms)
            right = by_brute_force(network, asked, lat, lon, within_m=within_m or 10**9, **terms)
            told = [
                (one["node"], one["distance_m"], {sku["sku"]: sku["available"] for sku in one["skus"]})
                for one in found["stores"]
            ]
            assert told == right
            for one in found["stores"]:
                assert [sku["enough"] for sku in one["skus"]] == [s["available"] >= s["quantity"] for s in one["skus"]]
                assert one["has_all"] == all(sku["enough"] for sku in one["skus"])
                assert one["has_all"] or (one["ready_at"], one["not_ready"]["code"]) == (None, "no_stock")


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 10**6), minutes=st.integers(0, 3 * 24 * 60), seconds=st.integers(0, 59))
def test_it_is_ready_when_an_allocation_to_that_store_is_promised(seed: int, minutes: int, seconds: int) -> None:
    dice = Random(seed)
    network = scattered(seed)
    alone = [dice.random() < 0.3 for _ in range(3)]
    capacity = dice.choice((None, 2, 5))
    network = replace(
        network,
        skus=builders.sku_table(ships_alone=alone),
        nodes=tuple(replace(node, capacity_day_units=capacity) for node in network.nodes),
    )
    told = 0
    with desk_on(network, LedgerTwin()) as desk:
        turn(desk, 60 * minutes + seconds)
        placed = builders.AS_OF + timedelta(minutes=minutes, seconds=seconds)
        asked = {sku: dice.randint(1, 2) for sku in dice.sample(("a", "b", "c"), dice.randint(1, 3))}
        for store in near(desk, *asked.items(), limit=50)["stores"]:
            lines = [builders.line(sku, quantity) for sku, quantity in asked.items()]
            name = store["node"]
            order = builders.order(*lines, order_id=f"o-{name}", placed_at=placed, destination=None, pickup_node=name)
            decided = said(desk.ask(allocate(order)))
            assert (decided["status"] == "allocated") == (store["ready_at"] is not None), store
            assert decided["deliver_by"] == store["ready_at"]
            told += 1
    assert told or not by_brute_force(network, asked, 48.8566, 2.3522, limit=50, within_m=10**9, every=False)


def test_a_store_that_cannot_collect_it_all_says_why() -> None:
    policy = Policy(policy_id="default", channels={"web": ChannelRule(methods=(Method.SHIP_FROM_STORE,))})
    with desk_on(stores(policies=(policy,)), LedgerTwin()) as desk:
        (no_method, *_) = near(desk, channel="web")["stores"]
        (short, *_) = near(desk, ("a", 11), "b")["stores"]
    assert (no_method["ready_at"], no_method["not_ready"]["code"]) == (None, "method")
    assert no_method["has_all"]
    assert (short["ready_at"], short["not_ready"]["code"]) == (None, "no_stock")
    assert short["not_ready"]["detail"] == "There is not enough of a."


def test_what_is_kept_back_or_held_is_not_counted_and_what_is_blocked_is_none(ledger: Ledger) -> None:
    kept = ChannelProtection(node_id=NodeId("paris"), sku=SkuId("a"), channel="vip", units=2)
    nodes = tuple(replace(node, safety_stock=3) for node in stores().nodes)
    with desk_on(stores(nodes=nodes, channel_protection=(kept,)), ledger) as desk:
        desk.ask(hold(at("paris", 1)))
        units = [near(desk, channel=channel)["stores"][0]["skus"][0]["available"] for channel in ("", "vip")]
        assert units == [4, 6]
        desk.ask(allocate(builders.order(destination=None, pickup_node=NodeId("paris")), ttl_s=None))
        lost = RejectedLine(line_id="a", units=1)
        desk.ask(Reject(rejection_id="r1", reservation_id="o1", part=1, reason=Reason.NOT_FOUND, lines=(lost,)))
        assert ids(near(desk)) == ["night", "lyon"]
        assert ids(near(desk, "a", "b")) == ["paris", "night", "lyon"]
        (paris, *_) = near(desk, "a", "b")["stores"]
        assert [(sku["available"], sku["sure_permille"] > 0) for sku in paris["skus"]] == [(0, False), (7, True)]
        set_on_hand(desk, node="paris", sku="a", on_hand=9, now_s=NOW_S)
        assert ids(near(desk))[0] == "paris"


def test_a_postcode_is_found_by_itself_by_what_it_is_in_or_by_what_begins_as_it_does() -> None:
    areas = (
        builders.area("75"),
        builders.area("69001", lat=45.0, lon=4.0, population=300),
        builders.area("69002", lat=46.0, lon=5.0, population=100),
    )
    with desk_on(stores(areas=areas), LedgerTwin()) as desk:
        found = {
            postcode: near(desk, postcode=postcode) for postcode in ("75", "75 011", "69001", "69009", "60000", "6")
        }
        placed = near(desk, lat=48.0, lon=2.0)
        for postcode in ("13001", "X"):
            with pytest.raises(DeskError) as refused:
                near(desk, postcode=postcode)
            assert (refused.value.field, refused.value.status) == ("?postcode", 422)
            assert refused.value.hint
    told = {postcode: (one["located"], one["prefix"], one["lat"], one["lon"]) for postcode, one in found.items()}
    assert told == {
        "75": ("postcode", "75", 48.8566, 2.3522),
        "75 011": ("prefix", "75", 48.8566, 2.3522),
        "69001": ("postcode", "69001", 45.0, 4.0),
        "69009": ("prefix", "6900", 45.25, 4.25),
        "60000": ("prefix", "6", 45.25, 4.25),
        "6": ("prefix", "6", 45.25, 4.25),
    }
    assert (placed["located"], placed["prefix"], placed["lat"], placed["lon"]) == ("coordinates", None, 48.0, 2.0)


def test_unknown_skus_are_named_and_the_others_served() -> None:
    with desk_on(stores(), LedgerTwin()) as desk:
        found = near(desk, "zz", ("a", 2), "a", "A", every=True)
        assert found["unknown_skus"] == ["zz", "A"]
        assert [(sku["sku"], sku["quantity"]) for sku in found["stores"][0]["skus"]] == [("a", 3)]
        assert found["stores"][0]["ready_at"] is not None
        with pytest.raises(
            DeskError, match=r"None of these skus is known: A, zz.\nMaybe \(a\): case counts"
        ) as refused:
            near(desk, "A", "zz")
    assert (refused.value.field, refused.value.status) == ("?sku", 422)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lat": 48.0}, "?lon"),
        ({"lon": 2.0}, "?lat"),
        ({"lat": 48.0, "lon": 2.0, "postcode": "75011"}, "?postcode"),
        ({"lat": 2.0, "lon": 200.0}, "?lat"),
        ({"postcode": None}, "?postcode"),
        ({"skus": (("a", 1),) * 21}, "?sku"),
        ({"skus": ()}, "?sku"),
        ({"skus": (("a", 0),)}, "?quantity"),
        ({"limit": 0}, "?limit"),
        ({"limit": 51}, "?limit"),
        ({"country": "ZZ"}, "?country"),
        ({"country": "fr"}, "?country"),
    ],
)
def test_a_question_that_cannot_be_is_refused_at_the_field_that_is_wrong(changes: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {"skus": (("a", 1),), "country": "FR"}
    if not {"lat", "lon", "postcode"} & set(changes):
        values["postcode"] = "75011"
    with desk_on(stores(), LedgerTwin()) as desk, pytest.raises(DeskError) as refused:
        desk.ask(Near(**(values | changes)))
    assert (refused.value.code, refused.value.status, refused.value.field) == ("validation", 422, field)
    assert refused.value.hint


def moment(text: str) -> int:
    return epoch_s(datetime.fromisoformat(text))


def test_it_is_valid_until_something_turns_by_the_clock_and_a_minute_at_most() -> None:
    with desk_on(stores(), LedgerTwin()) as desk:
        assert moment(near(desk, max_distance_m=1_000)["valid_until"]) == NOW_S + 60
        turn(desk, 3600 - 25)  # it opens in 25 s, and picks from then on
        before = near(desk, max_distance_m=1_000)
        assert moment(before["valid_until"]) == NOW_S + 3600
        assert (before["stores"][0]["open_now"], before["stores"][0]["closes_at"]) == (False, None)
        turn(desk, 25)
        after = near(desk, max_distance_m=1_000)
        assert (after["stores"][0]["open_now"], after["stores"][0]["opens_at"]) == (True, None)
        # From now on each second that passes moves the moment at which it would be ready.
        assert moment(after["valid_until"]) == NOW_S + 3601
        assert near(desk, ("a", 11), "b", max_distance_m=1_000)["valid_until"] == after["at"].replace(
            ":00:00", ":01:00"
        )


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 10**6), start_s=st.integers(0, 3 * 86_400))
def test_nothing_of_it_changes_before_it_ends_to_be_valid(seed: int, start_s: int) -> None:
    with desk_on(scattered(seed), LedgerTwin()) as desk:
        turn(desk, start_s)
        for skus in (("a",), ("a", "b", "c")):
            first = near(desk, *skus, limit=50)
            left_s = moment(first["valid_until"]) - moment(first["at"])
            assert 1 <= left_s <= 60
            turn(desk, left_s - 1)
            last = near(desk, *skus, limit=50)
            same = {"at", "valid_until"}
            assert {k: v for k, v in last.items() if k not in same} == {k: v for k, v in first.items() if k not in same}


def test_its_version_changes_exactly_with_what_it_says(ledger: Ledger) -> None:
    nodes = tuple(node for node in stores().nodes if node.node_id != "night")
    with desk_on(stores(nodes=nodes), ledger) as desk:
        first = near(desk)
        turn(desk, 10)
        assert near(desk)["version"] == first["version"]
        assert near(desk)["at"] != first["at"]
        desk.ask(hold(at("wh", 1)))  # no store
        assert near(desk)["version"] == first["version"]
        desk.ask(hold(at("lyon", 1), name="h2"))
        second = near(desk)
        assert second["version"] != first["version"]
        assert near(desk, limit=1)["version"] == near(desk, max_distance_m=100_000)["version"] != second["version"]


def test_a_store_that_closes_ends_it_though_nothing_can_be_collected_there() -> None:
    with desk_on(stores(), LedgerTwin()) as desk:
        turn(desk, 11 * 3600 - 20)  # it closes at 19:00 in Paris, in 20 s
        found = near(desk, ("a", 11), "b", max_distance_m=1_000)
        assert (found["stores"][0]["ready_at"], found["stores"][0]["open_now"]) == (None, True)
        assert moment(found["valid_until"]) == NOW_S + 11 * 3600


def test_what_takes_several_picks_is_valid_for_a_second_as_no_cut_off_of_all_of_them_is_known() -> None:
    skus = builders.sku_table(ships_alone=(True, False, False))
    with desk_on(stores(skus=skus), LedgerTwin()) as desk:
        found = near(desk, "a", "b", max_distance_m=1_000, every=True)
        assert found["stores"][0]["ready_at"] is not None
        assert moment(found["valid_until"]) == NOW_S + 1

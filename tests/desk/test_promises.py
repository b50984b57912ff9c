"""What can be promised of many skus: at which price, where, until when it holds, and what is wrong with a question."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from engine.desk.allocation import Allocate
from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.promises import Promises
from engine.desk.quote import Quote
from engine.desk.quote_docs import OptionDoc, QuoteDoc
from engine.desk.reserve import Release
from engine.domain.ids import NodeId, OrderId
from engine.domain.order import Method, Order
from engine.domain.policy import Policy
from engine.domain.units import epoch_s
from engine.network.model import Network, Offer
from engine.stock.ledger import Ledger
from tests import builders
from tests.desk.desk_cases import desk_on, said
from tests.desk.near_cases import scattered
from tests.desk.test_reserve import at, hold, turn
from tests.dice import Dice
from tests.examples import examples
from tests.ledger_twin import LedgerTwin
from tests.strategies import FEATURES, orders_of, random_case

NOW_S = epoch_s(builders.AS_OF)
NETWORK = builders.network(stock={("wh", "a"): 9, ("wh", "b"): 9, ("st", "a"): 3})


def promises(desk: Desk, *skus: str | tuple[str, int], **changes: Any) -> dict[str, Any]:
    """Ask, by default from the middle of Paris."""
    values: dict[str, Any] = {"country": "FR"}
    if not {"postcode", "lat"} & set(changes):
        values["postcode"] = "75011"
    asked = tuple((sku, 1) if isinstance(sku, str) else sku for sku in skus or ("a",))
    found: dict[str, Any] = said(desk.ask(Promises(skus=asked, **(values | changes))))
    return found


def quoted(desk: Desk, order: Order) -> list[OptionDoc]:
    return msgspec.json.decode(desk.ask(Quote(order=order)).body, type=QuoteDoc).options


def moment(text: str) -> int:
    return epoch_s(datetime.fromisoformat(text))


def test_each_sku_is_told_home_and_near_and_one_that_nobody_has_is_not_available(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        found = promises(desk, ("b", 2), "nothing", "a", ("c", 1))
    assert found["unknown_skus"] == ["nothing"]
    assert [(one["sku"], one["quantity"], one["available"]) for one in found["promises"]] == [
        ("b", 2, True),
        ("a", 1, True),
        ("c", 1, False),
    ]
    (b, a, c) = found["promises"]
    assert (c["home"], c["pickup"], c["exact"]) == (None, None, True)
    for one in (a, b):
        home = one["home"]
        assert home["earliest"]["deliver_by"] <= home["cheapest"]["deliver_by"]
        assert home["earliest"]["price_cents"] >= home["cheapest"]["price_cents"]
        assert one["pickup"]["soonest"]["ready_at"] <= one["pickup"]["nearest"]["ready_at"]
        for way in (*home.values(), *one["pickup"].values()):
            assert moment(way["order_by"]) >= NOW_S
            assert 0 < way["sure_permille"] < 1000
    assert (found["located"], found["prefix"], found["tz"]) == ("prefix", "75", "Europe/Paris")


@pytest.mark.parametrize("seed", range(30))
def test_the_prices_and_dates_are_those_of_a_quote_and_an_allocation_keeps_them(seed: int) -> None:
    case, dice = random_case(seed), Dice(seed, frozenset(FEATURES))
    policy = replace(
        case.policy,
        relaxations=(),
        allow_quantity_split=False,
        policy_id="shop",
        version=1,
        shop_think_s=0,
        shop_price_permille=dice.pick((500, 1000)),
        shop_price_step_cents=dice.pick((1, 10, 100)),
        shop_free_from_cents=dice.pick((0, 1, 3_000)),
        shop_options_max=100,
        shop_places_max=100,
    )
    network = replace(case.network, policies=(policy,))
    for number, order in enumerate(one for one in orders_of(case, 3) if one.destination is not None):
        assert order.destination is not None
        home = order.destination
        where = {"country": home.country, "postcode": home.postcode, "lat": home.lat, "lon": home.lon}
        where |= {"residential": home.residential, "channel": order.channel}
        with desk_on(network, LedgerTwin()) as desk:
            quantity = dice.pick((1, 2, 4))
            for one in promises(desk, *((sku, quantity) for sku in network.skus.ids), **where)["promises"]:
                cart = Order(
                    order_id=OrderId("q"),
                    placed_at=network.as_of,
                    lines=(builders.line(one["sku"], quantity),),
                    destination=home,
                    channel=order.channel,
                )
                options = quoted(desk, cart)
                check_quote(one, options)
                for name, way in ways(one):
                    key = f"{number}-{one['sku']}-{name}"
                    got = said(desk.ask(sent(cart, way, key)))
                    assert got["status"] == "allocated"
                    date = way.get("deliver_by", way.get("ready_at"))
                    if policy.shop_free_from_cents:  # the greenest may cost the customer least, and us more
                        assert (got["cost_cents"], got["deliver_by"]) <= (way["cost_cents"], date)
                    else:
                        assert (got["cost_cents"], got["deliver_by"]) == (way["cost_cents"], date)
                    desk.ask(Release(reservation_id=key))


def check_quote(one: dict[str, Any], options: list[OptionDoc]) -> None:
    """The promises of a sku beside the options of a cart of it, of which a quote leaves out those that are beaten."""
    home = [option for option in options if option.place is None]
    assert (one["home"] is None) == (not home)
    if home:
        cheapest = min(home, key=lambda option: (option.price_cents, option.cost_cents))
        earliest = min(home, key=lambda option: (option.deliver_by, option.price_cents))
        assert one["home"]["cheapest"]["price_cents"] == cheapest.price_cents
        told = one["home"]["earliest"]
        assert (moment(told["deliver_by"]), told["price_cents"]) == (
            epoch_s(earliest.deliver_by),
            earliest.price_cents,
        )
    places = [option for option in options if option.place is not None]
    assert (one["pickup"] is None) == (not places)
    if places:
        nearest = min(option.distance_m or 0 for option in places)
        assert one["pickup"]["nearest"]["distance_m"] == nearest
        soonest = min(epoch_s(option.deliver_by) for option in places)
        assert moment(one["pickup"]["soonest"]["ready_at"]) == soonest


def ways(one: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [*(one["home"] or {}).items(), *(one["pickup"] or {}).items()]
    return [(name, way) for name, way in found]


def sent(cart: Order, way: dict[str, Any], name: str) -> Allocate:
    """The cart as a promise says that it is to be sent."""
    place = way.get("place")
    methods = () if place else tuple(Method(m) for m in ("ship_from_warehouse", "ship_from_store", "drop_ship"))
    order = replace(
        cart,
        order_id=OrderId(name),
        methods=methods if place else (*methods, Method.SAME_DAY),
        pickup_node=NodeId(place) if place else None,
        deliver_by=datetime.fromisoformat(way["ready_at"] if place else way["deliver_by"]),
    )
    return Allocate(order=order, decision_id=name, reservation_id=name, ttl_s=None)


def test_a_beginning_of_a_postcode_is_the_middle_of_its_areas_and_told_with_less_confidence() -> None:
    areas = (
        builders.area("45001", lat=48.3, lon=2.35, population=300),  # within the first band of distance from Paris
        builders.area("45002", lat=45.9, lon=2.35, population=100),  # beyond
        builders.area("75"),
    )
    found = {}
    with desk_on(replace(NETWORK, areas=areas), LedgerTwin()) as desk:
        for postcode in ("75 011", "45001", "4500", "45009", "4"):
            found[postcode] = promises(desk, "b", postcode=postcode)
        placed = promises(desk, "b", lat=47.7, lon=2.35)
        both = promises(desk, "b", postcode="45002", lat=47.7, lon=2.35)
        odd = promises(desk, "b", postcode="99999", lat=47.7, lon=2.35)
    told = {p: (one["located"], one["prefix"], one["lat"], one["lon"]) for p, one in found.items()}
    assert told == {
        "75 011": ("prefix", "75", 48.8566, 2.3522),
        "45001": ("postcode", "45001", 48.3, 2.35),
        "4500": ("prefix", "4500", 47.7, 2.35),
        "45009": ("prefix", "4500", 47.7, 2.35),
        "4": ("prefix", "4", 47.7, 2.35),
    }
    sure = {p: one["promises"][0]["home"]["cheapest"]["confidence_permille"] for p, one in found.items()}
    assert sure == {"75 011": 900, "45001": 900, "4500": 675, "45009": 675, "4": 675}
    for one in (placed, both, odd):
        assert (one["located"], one["prefix"], one["lat"], one["lon"]) == ("coordinates", None, 47.7, 2.35)
        assert one["promises"][0]["home"]["cheapest"]["confidence_permille"] == 900
    dates = [one["promises"][0]["home"]["cheapest"]["deliver_by"] for one in (found["4"], placed, odd)]
    assert len(set(dates)) == 1


def test_of_areas_that_are_as_near_the_first_by_its_prefix_counts() -> None:
    areas = (builders.area("10", tz="Europe/Paris"), builders.area("11", tz="Europe/London"))
    with desk_on(builders.network(areas=areas), LedgerTwin()) as desk:
        assert promises(desk, lat=48.8566, lon=2.3522)["tz"] == "Europe/Paris"
        assert promises(desk, postcode="1")["tz"] == "Europe/Paris"


def test_couriers_are_not_free_so_that_what_costs_us_more_may_cost_the_customer_less() -> None:
    policy = Policy(policy_id="default", shop_free_from_cents=1_000, weights_permille={"carrier": 0, "picking": 1000})
    nodes = (replace(builders.node(), cost_order_cents=900), builders.store(lat=48.86, lon=2.35, offers=SAME_DAY))
    network = builders.network(policies=(policy,), nodes=nodes, collections=(builders.collection("wh", "std"),))
    dirty = tuple(replace(one, co2e_g_per_parcel=900) if one.kind == "courier" else one for one in network.services)
    with desk_on(replace(network, services=dirty), LedgerTwin()) as desk:
        (one,) = promises(desk, "a")["promises"]
        options = quoted(desk, builders.order("a"))
    check_quote(one, options)
    cheapest, earliest = one["home"]["cheapest"], one["home"]["earliest"]
    assert (cheapest["kind"], cheapest["price_cents"], earliest["kind"]) == ("home_delivery", 0, "same_day")
    assert cheapest["cost_cents"] > earliest["cost_cents"]
    assert earliest["price_cents"] > 0


SAME_DAY = (Offer.SAME_DAY, Offer.SHIP, Offer.PICKUP)


def test_a_sku_that_no_node_has_enough_of_is_divided_and_holds_for_a_second() -> None:
    network = builders.network(stock={("wh", "a"): 9, ("st", "a"): 9})
    with desk_on(network, LedgerTwin()) as desk:
        whole, divided, short = (promises(desk, ("a", n), deadline_ms=60_000) for n in (9, 14, 19))
        got = said(desk.ask(sent(builders.order(builders.line("a", 14)), home_of(divided)["cheapest"], "o1")))
    assert [one["promises"][0]["available"] for one in (whole, divided, short)] == [True, True, False]
    assert len(got["shipments"]) == 2
    assert (got["cost_cents"], got["deliver_by"]) == tuple(
        home_of(divided)["cheapest"][name] for name in ("cost_cents", "deliver_by")
    )
    assert moment(divided["valid_until"]) == NOW_S + 1
    assert moment(home_of(divided)["cheapest"]["order_by"]) >= NOW_S
    assert 0 < home_of(divided)["cheapest"]["sure_permille"] < 999


def test_methods_say_what_is_told_and_home_alone_does_not_turn_by_the_second() -> None:
    with desk_on(builders.network(), LedgerTwin()) as desk:
        turn(desk, 3 * 3600)
        every = promises(desk)
        home = promises(desk, methods=(Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE))
        near = promises(desk, methods=(Method.PICKUP_POINT,))
    assert home["promises"][0] == every["promises"][0] | {"home": home_of(home), "pickup": None}
    assert home_of(home)["earliest"]["kind"] == "home_delivery"
    assert home["home_methods"] == ["ship_from_warehouse", "ship_from_store"]
    assert (near["home_methods"], home_of(near), near["promises"][0]["available"]) == ([], None, True)
    assert near["promises"][0]["pickup"]["nearest"]["kind"] == "pickup_point"


def home_of(found: dict[str, Any]) -> dict[str, Any]:
    home: dict[str, Any] = found["promises"][0]["home"]
    return home


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"skus": ()}, "/skus"),
        ({"skus": tuple((f"s{i}", 1) for i in range(101))}, "/skus"),
        ({"skus": (("a", 1), ("b", 0))}, "/skus/1/quantity"),
        ({"skus": (("a", 1), ("b", 1), ("a", 2))}, "/skus/2/sku"),
        ({"skus": (("A", 1), ("zz", 1))}, "/skus"),
        ({"postcode": None}, "/destination/postcode"),
        ({"postcode": "X"}, "/destination/postcode"),
        ({"postcode": "13001"}, "/destination/postcode"),
        ({"lat": 48.0}, "/destination/lon"),
        ({"lon": 2.0}, "/destination/lat"),
        ({"lat": 2.0, "lon": 200.0}, "/destination/lat"),
        ({"country": "ZZ"}, "/destination/country"),
        ({"country": "BE", "lat": 50.8, "lon": 4.3, "postcode": None}, "/destination/country"),
    ],
)
def test_a_question_that_cannot_be_is_refused_at_the_field_that_is_wrong(changes: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {"skus": (("a", 1),), "country": "FR", "postcode": "75011"}
    with desk_on(NETWORK, LedgerTwin()) as desk, pytest.raises(DeskError) as refused:
        desk.ask(Promises(**(values | changes)))
    assert (refused.value.code, refused.value.status, refused.value.field) == ("validation", 422, field)
    assert refused.value.hint


def test_coordinates_in_a_country_of_nodes_without_areas_are_refused_with_the_reason() -> None:
    nodes = (builders.node(), replace(builders.store(), country="BE"))
    network = builders.network(nodes=nodes, lanes=(), collections=())
    with (
        desk_on(network, LedgerTwin()) as desk,
        pytest.raises(DeskError, match="No postcode of country") as refused,
    ):
        promises(desk, country="BE", lat=50.8, lon=4.3)
    assert refused.value.field == "/destination/postcode"


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 10**6), start_s=st.integers(0, 3 * 86_400))
def test_nothing_of_it_changes_before_it_ends_to_be_valid(seed: int, start_s: int) -> None:
    for network in (scattered(seed), shop(seed)):
        at_once = tuple(replace(policy, shop_think_s=0) for policy in network.policies)
        with desk_on(replace(network, policies=at_once), LedgerTwin()) as desk:
            turn(desk, start_s)
            for skus in (network.skus.ids[:1], network.skus.ids):
                first = promises(desk, *skus)
                left_s = moment(first["valid_until"]) - moment(first["at"])
                assert 1 <= left_s <= 60
                turn(desk, left_s - 1)
                last = promises(desk, *skus)
                same = {"at", "valid_until"}
                kept = [{k: v for k, v in one.items() if k not in same} for one in (first, last)]
                assert kept[0] == kept[1]


def shop(seed: int) -> Network:
    """A random network with an area for the home that the test asks for."""
    case = random_case(seed)
    policy = replace(case.policy, policy_id="shop", version=1, shop_think_s=0)
    return replace(case.network, policies=(policy,), areas=(*case.network.areas, builders.area("75011")))


def test_it_is_valid_until_a_promise_ends_by_the_clock_and_a_minute_at_most() -> None:
    nodes = (builders.node(),)
    collections = (builders.collection("wh", "std", cutoff="14:30"),)
    at_once = Policy(shop_think_s=0)
    network = builders.network(nodes=nodes, lanes=(), collections=collections, policies=(at_once,))
    with desk_on(network, LedgerTwin()) as desk:
        found = promises(desk)
        ends_s = moment(home_of(found)["earliest"]["order_by"])
        assert moment(found["valid_until"]) == NOW_S + 60 < ends_s
        turn(desk, ends_s - NOW_S - 10)
        last = promises(desk)
        assert home_of(last)["earliest"]["deliver_by"] == home_of(found)["earliest"]["deliver_by"]
        assert moment(last["valid_until"]) == ends_s + 1
        turn(desk, 11)
        assert home_of(promises(desk))["earliest"]["deliver_by"] > home_of(last)["earliest"]["deliver_by"]


def test_its_version_changes_exactly_with_what_it_says(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        first = promises(desk, "b")
        turn(desk, 1)
        again = promises(desk, "b")
        assert (again["version"], again["at"] != first["at"]) == (first["version"], True)
        desk.ask(hold(at("st", 1, sku="a")))
        assert promises(desk, "b")["version"] == first["version"]
        desk.ask(hold(at("wh", 9, sku="b"), name="h2"))
        assert promises(desk, "b")["version"] != first["version"]

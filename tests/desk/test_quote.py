"""Quotes: what is offered for a cart, at which price, and that an allocation keeps it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from engine.decide.offers import OfferKind
from engine.desk.allocation import Allocate
from engine.desk.desk import Desk
from engine.desk.option_id import read_option_id
from engine.desk.quote import Quote
from engine.desk.quote_docs import QuoteDoc
from engine.desk.reserve import Release
from engine.desk.shop import Priced, choose, price_of
from engine.domain.errors import InputError
from engine.domain.ids import NodeId, OrderId
from engine.domain.order import Method, Order
from engine.domain.policy import Policy
from engine.stock.ledger import Ledger
from tests import builders
from tests.desk.desk_cases import desk_on, said
from tests.ledger_twin import LedgerTwin
from tests.strategies import orders_of, random_case

NETWORK = builders.network(stock={("wh", "a"): 9, ("wh", "b"): 9, ("st", "a"): 3})


def quoted(desk: Desk, order: Order) -> QuoteDoc:
    return msgspec.json.decode(desk.ask(Quote(order=order)).body, type=QuoteDoc)


def sent(order: Order, option: Any, name: str) -> Allocate:
    """The order as an option says that it is to be sent."""
    as_chosen = replace(
        order,
        order_id=OrderId(name),
        methods=tuple(Method(method) for method in option.send.methods),
        pickup_node=NodeId(option.send.pickup_node) if option.send.pickup_node else None,
        deliver_by=option.send.deliver_by,
    )
    return Allocate(order=as_chosen, decision_id=name, reservation_id=name, ttl_s=None)


def test_a_cart_is_offered_home_and_at_places_and_the_cheapest_is_selected(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        found = quoted(desk, builders.order("a"))
    kinds = {option.kind for option in found.options}
    assert {"home_delivery", "pickup_point"} <= kinds
    (selected,) = (option for option in found.options if option.selected)
    assert "cheapest" in selected.names
    assert found.options == sorted(found.options, key=lambda o: (o.price_cents, o.cost_cents, o.deliver_by, o.co2e_g))
    assert {name for option in found.options for name in option.names} == {"cheapest", "fastest", "greenest"}
    assert len({option.option_id for option in found.options}) == len(found.options)
    for option in found.options:
        assert (option.place is None) == (option.kind in ("home_delivery", "same_day"))
        assert [line for parcel in option.parcels for line in parcel.lines] == ["a"]


@pytest.mark.parametrize("seed", range(40))
def test_an_allocation_that_is_sent_as_an_option_says_keeps_its_date_cost_and_place(seed: int) -> None:
    case = random_case(seed)
    policy = replace(
        case.policy, relaxations=(), allow_quantity_split=False, shop_think_s=0, policy_id="shop", version=1
    )
    network = replace(case.network, policies=(policy,))
    orders = [replace(o, pickup_node=None, partial=False) for o in orders_of(case, 4) if o.destination is not None]
    for number, order in enumerate(orders):
        with desk_on(network, LedgerTwin()) as desk:
            options = quoted(desk, order).options
            for option in options:
                name = f"{seed}-{number}-{option.option_id}"
                got = said(desk.ask(sent(order, option, name)))
                assert got["status"] == "allocated"
                assert datetime.fromisoformat(got["deliver_by"]) <= option.deliver_by
                assert got["cost_cents"] <= option.cost_cents
                if option.names != ["greenest"]:  # that one may be dearer than its date asks for
                    legs = sorted((p["node"], p["method"], p["service"]) for p in got["shipments"])
                    assert legs == sorted((p.node, p.method, p.service) for p in option.parcels)
                    assert got["cost_cents"] == option.cost_cents
                desk.ask(Release(reservation_id=name))  # the next one is to find the same stock


def test_unknown_skus_are_left_out_and_listed_and_a_cart_of_them_alone_is_refused(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        found = quoted(desk, builders.order("a", "nothing"))
        assert [(one.line_id, one.sku) for one in found.unknown] == [("nothing", "nothing")]
        assert all(parcel.lines == ["a"] for option in found.options for parcel in option.parcels)
        with pytest.raises(InputError, match="nothing"):
            desk.ask(Quote(order=builders.order("nothing")))


def test_a_cart_that_nobody_can_serve_has_no_options(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        assert quoted(desk, builders.order(builders.line("a", 1_000))).options == []


def offers(ledger: Ledger) -> list[Any]:
    with desk_on(NETWORK, ledger) as desk:
        return desk.state.engine.offers.find(builders.order("a"))


def test_prices_are_a_share_of_the_cost_rounded_up_and_free_from_a_value_on(ledger: Ledger) -> None:
    offer = offers(ledger)[0]
    cost = offer.cost_cents
    assert price_of(offer, Policy(shop_price_permille=500, shop_price_step_cents=100), 0) == -(-(cost / 2) // 100) * 100
    assert price_of(offer, Policy(shop_price_permille=0, shop_price_least_cents=490, shop_price_step_cents=1), 0) == 490
    free = Policy(shop_free_from_cents=5_000)
    assert price_of(offer, free, 5_000) == 0
    assert price_of(offer, free, 4_999) > 0
    courier = replace(offer, kind=OfferKind.SAME_DAY)
    assert price_of(courier, free, 5_000) > 0


@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_no_more_options_than_the_policy_shows_and_the_best_ones_first(most: int, ledger: Ledger) -> None:
    priced = [Priced.of(offer, offer.cost_cents) for offer in offers(ledger)]
    chosen = choose(priced, Policy(shop_options_max=most, shop_places_max=1))
    assert len(chosen) <= most
    assert min(priced, key=lambda p: p.rank) in chosen
    assert [one.rank for one in chosen] == sorted(one.rank for one in chosen)


def test_an_option_is_not_shown_beside_one_that_is_as_good_in_everything(ledger: Ledger) -> None:
    offer = next(one for one in offers(ledger) if one.place < 0)
    same = Priced.of(offer, 500)
    assert choose([same, Priced.of(offer, 510), same], Policy()) == [same]


def test_a_huge_cart_is_offered_a_way_home_that_an_allocation_keeps() -> None:
    skus = tuple(f"s{i:02}" for i in range(60))
    network = builders.network(skus=builders.sku_table(*skus))
    order = builders.order(*skus)
    with desk_on(network, LedgerTwin()) as desk:
        options = quoted(desk, order).options
        assert options
        assert options[0].option_id is not None
        named = replace(sent(order, options[0], "huge"), order=order, promised=read_option_id(options[0].option_id))
        got = said(desk.ask(named))
    assert (got["status"], got["quote"]["outcome"]) == ("allocated", "same")


def test_why_an_option_is_shown_is_said_beside_the_cheapest(ledger: Ledger) -> None:
    with desk_on(NETWORK, ledger) as desk:
        options = quoted(desk, builders.order("a")).options
    for option in options:
        if option.names:
            listed = " and ".join([", ".join(option.names[:-1]), option.names[-1]][len(option.names) < 2 :])
            assert option.why.startswith(f"{listed.capitalize()} of all")
        dearer = option.price_cents - options[0].price_cents
        assert (f"{dearer / 100:.2f} EUR more" in option.why) == (dearer > 0)

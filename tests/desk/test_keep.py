"""Allocations that name an option of a quote: its own plan, else the cheapest that keeps the promise, else why not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from engine.desk.allocation import Allocate
from engine.desk.ask import DeskError
from engine.desk.desk import Desk
from engine.desk.keep import kept_quotes
from engine.desk.option_id import read_option_id
from engine.desk.quote import Quote
from engine.desk.quote_docs import OptionDoc, QuoteDoc
from engine.desk.reserve import Release
from engine.desk.sweep import Sweep
from engine.domain.errors import InputError
from engine.domain.ids import OrderId
from engine.domain.order import Order
from engine.stock.ledger import Ledger
from tests import builders
from tests.desk.desk_cases import desk_on, said
from tests.ledger_twin import LedgerTwin
from tests.strategies import orders_of, random_case

NETWORK = builders.network(stock={("wh", "a"): 5, ("wh", "b"): 5, ("st", "a"): 5, ("st", "b"): 5})


def quoted(desk: Desk, order: Order, **more: Any) -> QuoteDoc:
    return msgspec.json.decode(desk.ask(Quote(order=order, **more)).body, type=QuoteDoc)


def named(order: Order, option: OptionDoc, name: str, **more: Any) -> Allocate:
    assert option.option_id is not None
    promised = read_option_id(option.option_id)
    own = replace(order, order_id=OrderId(name))
    return Allocate(order=own, decision_id=name, reservation_id=name, ttl_s=None, promised=promised, **more)


def shipped(got: Any) -> list[tuple[str, str, str | None, list[str]]]:
    return sorted((p["node"], p["method"], p["service"], [x["line_id"] for x in p["lines"]]) for p in got["shipments"])


def parcels(option: OptionDoc) -> list[tuple[str, str, str | None, list[str]]]:
    return sorted((p.node, p.method, p.service, p.lines) for p in option.parcels)


def cases(seed: int) -> Iterator[tuple[Any, Order]]:
    case = random_case(seed)
    policy = replace(case.policy, allow_quantity_split=False, shop_think_s=0, policy_id="shop", version=1)
    network = replace(case.network, policies=(policy,))
    for order in orders_of(case, 4):
        if order.destination is not None:
            yield network, replace(order, pickup_node=None, partial=False)


@pytest.mark.parametrize("seed", range(40))
def test_with_nothing_between_every_option_is_allocated_as_it_was_quoted(seed: int) -> None:
    for number, (network, order) in enumerate(cases(seed)):
        with desk_on(network, LedgerTwin()) as desk:
            for at, option in enumerate(quoted(desk, order).options):
                name = f"{seed}-{number}-{at}"
                got = said(desk.ask(named(order, option, name)))
                assert got["status"] == "allocated"
                assert (got["quote"]["outcome"], got["quote"]["changes"]) == ("same", [])
                assert shipped(got) == parcels(option)
                assert got["cost_cents"] == option.cost_cents
                assert got["deliver_by"] == msgspec.to_builtins(option.deliver_by)
                desk.ask(Release(reservation_id=name))


@pytest.mark.parametrize("seed", range(40))
def test_with_others_between_a_promise_is_kept_or_it_is_said_what_changed(seed: int) -> None:
    for number, (network, order) in enumerate(cases(seed)):
        with desk_on(network, LedgerTwin()) as desk:
            options = quoted(desk, order).options
            for taken in range(3):  # others buy the same
                other = replace(order, order_id=OrderId(f"other-{taken}"))
                name = str(other.order_id)
                desk.ask(Allocate(order=other, decision_id=name, reservation_id=name, ttl_s=None))
            for at, option in enumerate(options):
                name = f"{seed}-{number}-{at}"
                got = said(desk.ask(named(order, option, name)))
                outcome = got["quote"]["outcome"]
                if outcome == "changed":
                    assert (got["status"], got["shipments"], got["reservation"]) == ("infeasible", [], None)
                    assert got["quote"]["changes"]
                    continue
                assert got["deliver_by"] <= msgspec.to_builtins(option.deliver_by)
                assert {p["place"] for p in got["shipments"]} == {option.place}
                if outcome == "same":
                    assert shipped(got) == parcels(option)
                else:
                    assert outcome == "kept"
                    assert got["quote"]["changes"]
                    assert shipped(got) != parcels(option)
                desk.ask(Release(reservation_id=name))


def test_the_last_unit_elsewhere_keeps_the_promise_and_then_it_is_said_what_is_missing(ledger: Ledger) -> None:
    network = builders.network(stock={("wh", "a"): 1, ("st", "a"): 1})
    with desk_on(network, ledger) as desk:
        order = builders.order("a")
        option = next(o for o in quoted(desk, order).options if o.kind == "home_delivery")
        outcomes = [said(desk.ask(named(order, option, f"o-{i}"))) for i in range(3)]
    assert [one["quote"]["outcome"] for one in outcomes] in (
        ["same", "kept", "changed"],
        ["same", "changed", "changed"],
    )
    last = outcomes[-1]
    assert (last["status"], last["reservation"]) == ("infeasible", None)
    (change,) = last["quote"]["changes"]
    assert (change["node"], change["code"], change["lines"]) == (option.parcels[0].node, "no_stock", ["a"])
    counted = kept_quotes(ledger, since_s=0, until_s=2**32)
    assert counted.allocations == 3
    assert counted.same == 1
    assert counted.changed == [one["quote"]["outcome"] for one in outcomes].count("changed")
    assert counted.kept_permille == (3 - counted.changed) * 1000 // 3


def test_what_a_quote_holds_is_its_order_s_alone(ledger: Ledger) -> None:
    network = builders.network(stock={("wh", "a"): 1})
    with desk_on(network, ledger) as desk:
        order = builders.order("a")
        found = quoted(desk, order, quote_id="cart-7", hold=True)
        assert found.hold is not None
        assert found.hold.reservation_id == found.quote_id == "cart-7"
        other = said(desk.ask(Allocate(order=order, decision_id="x", reservation_id="x")))
        assert other["status"] == "infeasible"
        (option,) = (o for o in found.options if o.selected)
        for chosen in [option, *(o for o in found.options if not o.selected)]:  # whichever is chosen
            got = said(desk.ask(named(order, chosen, f"o-{chosen.deliver_by}")))
            assert got["status"] == "allocated"
            assert got["quote"]["outcome"] == "same"
            break
        with pytest.raises(DeskError, match="has ended"):
            desk.ask(Release(reservation_id="cart-7"))
        assert said(desk.ask(Allocate(order=order, decision_id="y", reservation_id="y")))["status"] == "infeasible"


def test_a_hold_ends_with_its_quote_and_the_promise_is_still_kept_if_it_can_be(ledger: Ledger) -> None:
    network = builders.network(stock={("wh", "a"): 1})
    with desk_on(network, ledger) as desk:
        order = builders.order("a")
        option = next(o for o in quoted(desk, order, quote_id="cart-8", hold=True).options if o.selected)
        desk.clock_s.now_s += 1_000  # type: ignore[attr-defined]
        desk.ask(Sweep())
        got = said(desk.ask(named(replace(order, placed_at=order.placed_at + timedelta(seconds=1_000)), option, "o-1")))
    assert got["status"] == "allocated"
    assert got["quote"]["expired"] is True
    assert got["quote"]["outcome"] in ("same", "kept")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": builders.order("a", "b").lines}, "/lines"),
        ({"lines": builders.order(builders.line(quantity=2)).lines}, "/lines"),
        ({"destination": replace(builders.order("a").destination, postcode="33000")}, "/destination"),
    ],
)
def test_another_cart_than_was_quoted_is_refused(ledger: Ledger, change: dict[str, Any], field: str) -> None:
    with desk_on(NETWORK, ledger) as desk:
        order = builders.order("a")
        option = next(o for o in quoted(desk, order).options if o.kind == "home_delivery")
        with pytest.raises(DeskError, match="The option is for") as error:
            desk.ask(named(replace(order, **change), option, "o-1"))
    assert (error.value.code, error.value.field) == ("other-cart", field)


def test_an_id_that_was_cut_or_changed_is_no_option() -> None:
    with desk_on(NETWORK, LedgerTwin()) as desk:
        (option, *_) = quoted(desk, builders.order("a")).options
    assert option.option_id is not None
    assert read_option_id(option.option_id).deliver_by_s == option.deliver_by.timestamp()
    other = "B" if option.option_id[5] == "A" else "A"
    for wrong in ("x", option.option_id[:-4], option.option_id[:5] + other + option.option_id[6:], "é"):
        with pytest.raises(InputError, match="is no option of a quote"):
            read_option_id(wrong)

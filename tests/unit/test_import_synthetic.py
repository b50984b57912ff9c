"""Made-up stock and arrivals have the shape they are said to have."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from engine.adapters.imports.demand import Home, Mix, arrivals, make_orders
from engine.adapters.imports.reading import cents, divisor_cm3_per_kg, inches_mm, miles_m, pounds_g
from engine.adapters.imports.synthetic import Shelf, empty_rows, holding_probability, stock_by_popularity, zipf
from engine.domain.errors import InputError
from engine.domain.ids import SkuId
from engine.domain.order import Method, Order
from tests import builders

START = datetime.fromisoformat("2026-11-23T08:00:00+01:00")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9, 1.0])
def test_a_node_holds_its_share_of_the_assortment_and_rather_what_sells(share: float) -> None:
    popularity = zipf(1000)
    probability = holding_probability(popularity, share)
    assert probability.mean() == pytest.approx(share, abs=1e-6)
    assert (np.diff(probability) <= 0).all()
    assert probability.max() <= 1.0


def test_stock_is_the_same_from_the_same_seed_and_deeper_for_best_sellers() -> None:
    shelves = [Shelf(node=k, share=0.5, depth=4.0, sales_per_day=20.0) for k in range(40)]
    first, again = (stock_by_popularity(np.random.default_rng(5), zipf(500), shelves) for _ in range(2))
    assert np.array_equal(first.on_hand, again.on_hand)
    assert first.on_hand[first.sku < 50].mean() > 2 * first.on_hand[first.sku >= 250].mean()
    assert first.on_hand.min() >= 1
    assert (first.reserved <= first.on_hand).all()
    assert first.reserved.any()


def test_rows_of_zeros_are_made_only_where_there_is_no_row() -> None:
    stock = stock_by_popularity(
        np.random.default_rng(1), zipf(3), [Shelf(node=0, share=1.0, depth=1.0, sales_per_day=1.0)]
    )
    added = empty_rows(stock, [(0, 1), (1, 1), (1, 1)])
    assert added.node.tolist() == [1]
    assert added.sku.tolist() == [1]
    assert added.on_hand.tolist() == [0]
    assert len(empty_rows(stock, [(0, 1)]).node) == 0


def test_arrivals_are_sorted_within_their_days_and_peak_in_the_evening() -> None:
    moments = arrivals(np.random.default_rng(1), 20_000, START, 2, "Europe/Paris")
    assert moments == sorted(moments)
    assert moments[0] >= START
    assert moments[-1] < START + timedelta(days=2)
    by_hour = np.bincount([m.hour for m in moments], minlength=24)
    assert int(by_hour.argmax()) == 20
    assert by_hour[3] * 5 < by_hour[20]


def test_arrivals_over_no_days_are_refused() -> None:
    with pytest.raises(InputError, match="over \\(0\\) days"):
        arrivals(np.random.default_rng(1), 5, START, 0, "Europe/Paris")


def test_units_of_american_tariffs_become_metric_ones_that_are_never_too_large() -> None:
    assert (pounds_g("0.25"), pounds_g("1.0"), pounds_g(70), pounds_g(150)) == (113, 453, 31_751, 68_038)
    assert (miles_m("150.0"), miles_m(1800)) == (241_401, 2_896_819)
    assert (inches_mm(48), inches_mm(108)) == (1_219, 2_743)
    assert (divisor_cm3_per_kg(139), divisor_cm3_per_kg(166)) == (5_021, 5_997)
    assert (cents("25.23"), cents("43.5"), cents(305), cents("1.005")) == (2_523, 4_350, 30_500, 101)


def test_an_amount_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="n/a"):
        cents("n/a")


LYON = Home(country="FR", postcode="69001", lat=45.75, lon=4.85, tz="Europe/Paris")
NONE = Mix(
    pickup=0.0, door=0.0, requested=0.0, hard=0.0, together=0.0, bulk=0.0, partial=0.0, signature=0.0, business=0.0
)


def orders_of(mix: Mix, num: int = 200) -> list[Order]:
    network = builders.network()
    basket = ((SkuId("a"), 1), (SkuId("b"), 2))
    moments = arrivals(np.random.default_rng(1), num, START, 1, "Europe/Paris")
    rng = np.random.default_rng(2)
    return make_orders(network, rng, baskets=[basket] * num, homes=[LYON] * num, moments=moments, mix=mix)


def test_a_mix_of_nothing_gives_plain_open_orders() -> None:
    for order in orders_of(NONE):
        assert order.pickup_node is None
        assert order.destination is not None
        assert (order.destination.postcode, order.destination.residential) == ("69001", True)
        wishes = (order.excluded_methods, order.keep_together, order.partial, order.signature, order.deliver_by)
        assert not any(wishes)
        assert order.requested_by is None
        assert [(line.sku, line.quantity) for line in order.lines] == [("a", 1), ("b", 2)]


def test_who_collects_names_the_nearest_store_and_no_destination() -> None:
    for order in orders_of(replace(NONE, pickup=1.0)):
        assert (order.pickup_node, order.destination, order.channel) == ("st", None, "store")


def test_each_wish_is_as_frequent_as_the_mix_says() -> None:
    mix = replace(NONE, door=0.5, requested=0.2, hard=0.3, together=0.4, bulk=0.1, partial=0.1, signature=0.3)
    orders = orders_of(mix, 2_000)
    shares = {
        "door": sum(Method.CLICK_AND_COLLECT in order.excluded_methods for order in orders),
        "requested": sum(order.requested_by is not None for order in orders),
        "hard": sum(order.deliver_by is not None for order in orders),
        "together": sum(order.keep_together == (("1", "2"),) for order in orders),
        "bulk": sum(order.lines[0].quantity == 10 for order in orders),
        "partial": sum(order.partial for order in orders),
        "signature": sum(order.signature for order in orders),
    }
    for name, count in shares.items():
        assert count / 2_000 == pytest.approx(getattr(mix, name), abs=0.04), name
    assert all(order.deliver_by > order.placed_at for order in orders if order.deliver_by)

"""Made-up stock and arrivals have the shape they are said to have."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from engine.adapters.imports.demand import arrivals
from engine.adapters.imports.reading import cents, divisor_cm3_per_kg, inches_mm, miles_m, pounds_g
from engine.adapters.imports.synthetic import Shelf, empty_rows, holding_probability, stock_by_popularity, zipf
from engine.domain.errors import InputError

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

import csv
import gzip
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import InputError
from engine.network.routes import distance_m
from engine.promise.calibrate import Delivery, clean, evaluate, fit_bands, fit_transit, overall, split
from engine.promise.transit import arrived_permille, quantile

HISTORY = Path(__file__).parents[3] / "shared" / "data" / "br"
LIMITS_M = (50_000, 200_000, 400_000, 800_000, 1_600_000)
MONDAY = datetime(2026, 6, 1, 9, 0)  # noqa: DTZ001 - histories are in local time


def delivery(
    days: int, *, handling: int = 1, distance: int | None = 10_000, at: datetime = MONDAY, **changes: datetime | None
) -> Delivery:
    values: dict[str, datetime | None] = {
        "purchased": at,
        "approved": at + timedelta(hours=1),
        "handed_over": at + timedelta(days=handling, hours=2),
        "delivered": at + timedelta(days=handling + days, hours=3),
    }
    return Delivery(distance_m=distance, **(values | changes))  # type: ignore[arg-type]


def test_dirty_rows_are_counted_by_reason_and_left_out() -> None:
    before = MONDAY - timedelta(days=1)
    kept, left_out = clean(
        [
            delivery(3),
            delivery(3, approved=None),
            delivery(3, handed_over=None),
            delivery(3, delivered=None),
            delivery(3, distance=None),
            delivery(3, approved=before),
            delivery(3, handed_over=MONDAY),
            delivery(3, handed_over=MONDAY),
            delivery(3, delivered=MONDAY + timedelta(hours=2)),
        ]
    )
    assert kept == (delivery(3),)
    assert left_out == {
        "approved before purchased": 1,
        "delivered before handed over": 1,
        "distance unknown": 1,
        "handed over before approval": 2,
        "never approved": 1,
        "never delivered": 1,
        "never handed over": 1,
    }


def test_legs_are_calendar_days() -> None:
    late = delivery(3, handling=2, delivered=datetime(2026, 6, 5, 0, 1))  # noqa: DTZ001
    assert [late.days(leg) for leg in ("handling", "transit", "door")] == [2, 2, 4]


def test_a_fit_finds_the_shape_of_the_data() -> None:
    days = [1] * 300 + [2] * 500 + [3] * 150 + [4] * 50
    found = fit_transit(days, "std", "near")
    assert (found.service_id, found.zone, found.earliest) == ("std", "near", 1)
    assert [quantile(found, c)[0] for c in (200, 500, 750, 900, 960)] == [1, 2, 2, 3, 4]


def test_one_lost_parcel_does_not_stretch_the_promise() -> None:
    days = [2] * 500 + [3] * 480 + [180]
    assert quantile(fit_transit(days), 950)[0] == 3


def test_parcels_that_all_take_as_long_are_promised_so() -> None:
    found = fit_transit([4] * 50)
    assert (found.earliest, found.typical, found.latest) == (4, 4, 4)
    assert quantile(found, 950)[0] == 4


@given(st.lists(st.integers(0, 60), min_size=10, max_size=300))
def test_a_fit_is_a_distribution_and_never_certain(days: list[int]) -> None:
    found = fit_transit(days)
    assert 0 <= found.earliest <= found.typical <= found.latest
    assert 0 < found.typical_permille <= found.latest_permille < 1000
    shares = [arrived_permille(found, x) for x in range(80)]
    assert shares == sorted(shares)


@pytest.mark.parametrize("days", [[], [1] * 9, [1] * 20 + [-1]])
def test_too_few_or_impossible_days_are_refused_with_advice(days: list[int]) -> None:
    with pytest.raises(InputError, match="Maybe"):
        fit_transit(days)


def test_small_bands_join_their_neighbours() -> None:
    rows = (
        [delivery(1, distance=1_000)] * 40 + [delivery(5, distance=90_000)] * 5 + [delivery(6, distance=900_000)] * 40
    )
    found = fit_bands(rows, (50_000, 100_000))
    assert [(band.distance_max_m, band.num) for band in found] == [(50_000, 40), (None, 45)]
    found = fit_bands(rows[:45], (50_000, 100_000))
    assert [(band.distance_max_m, band.num) for band in found] == [(None, 45)]
    assert fit_bands([], (50_000,)) == ()


def test_the_weeks_before_a_moment_teach_nothing_yet() -> None:
    rows = [delivery(1, at=MONDAY + timedelta(days=n)) for n in (0, 29, 31, 59, 60, 70)]
    learn, promise = split(rows, MONDAY + timedelta(days=60), settle_days=30)
    assert (learn, promise) == (rows[:2], rows[4:])


def test_promises_on_fresh_draws_of_one_process_keep_their_word() -> None:
    rng = np.random.default_rng(7)

    def draw(num: int) -> list[Delivery]:
        # A week of delivery with a long tail, as parcels have it.
        days = 2 + rng.gamma(2.0, 2.0, num).astype(int)
        return [delivery(int(d), handling=int(h)) for d, h in zip(days, rng.integers(0, 4, num), strict=True)]

    table = evaluate(fit_bands(draw(2_000), ()), draw(2_000))
    for row in table:
        assert row.met_permille >= row.confidence_permille - 15, row
    for row in (r for r in table if r.leg == "transit"):
        assert row.promised_days <= 2 + {500: 4, 800: 7, 950: 11}[row.confidence_permille]


def read_history() -> list[Delivery]:
    def rows(name: str) -> list[dict[str, str]]:
        with gzip.open(HISTORY / name, "rt") as file:
            return list(csv.DictReader(file))

    def when(text: str) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    sellers = {row["seller"]: row for row in rows("sellers.csv.gz")}
    seller_of: dict[str, str] = {}
    for row in rows("order_items_before_2017_10.csv.gz"):
        seller_of.setdefault(row["order_no"], row["seller"])
    out = []
    for row in rows("orders_before_2017_10.csv.gz"):
        seller = sellers.get(seller_of.get(row["order_no"], ""))
        known = seller is not None and seller["lat"] and row["dest_lat"]
        out.append(
            Delivery(
                purchased=datetime.fromisoformat(row["purchased_at"]),
                approved=when(row["approved_at"]),
                handed_over=when(row["handed_to_carrier_at"]),
                delivered=when(row["delivered_at"]),
                distance_m=distance_m(
                    *(float(x) for x in (seller["lat"], seller["lon"], row["dest_lat"], row["dest_lon"]))
                )
                if known and seller is not None
                else None,
            )
        )
    return out


@pytest.mark.data
@pytest.mark.skipif(not HISTORY.exists(), reason="../shared/data/br is absent")
def test_promises_learnt_in_the_first_months_are_kept_in_the_later_ones_of_a_real_history() -> None:
    history = read_history()
    kept, left_out = clean(history)
    assert len(kept) + sum(left_out.values()) == len(history)
    assert left_out["handed over before approval"] == 14
    learn, promise = split(kept, datetime(2017, 7, 1))  # noqa: DTZ001
    bands = fit_bands(learn, LIMITS_M)
    assert len(bands) == 6
    typical = [quantile(band.legs["transit"], 500)[0] for band in bands]
    assert typical == sorted(typical), "farther takes longer"
    table = evaluate(bands, promise)
    # Parcels got faster that year, so promises of its first months err on the safe side.
    for leg in ("handling", "transit", "door"):
        for confidence, spread in ((500, 250), (800, 140), (950, 45)):
            assert confidence <= overall(table, leg, confidence) <= confidence + spread

"""Levels of promises follow what plain promises were worth, late and fading, and know nothing of the future."""

import numpy as np

from engine.promise.rolling.feedback import HIGHEST, Feedback


def told(kept: float, num: int = 400, band: int = 0, weekday: int = 0) -> Feedback:
    """After so many promises for tomorrow at 0.5, of which a share was kept."""
    feedback = Feedback.of((0.5,), num_bands=2, day=0)
    arrived = {}
    for i in range(num):
        arrived[f"o{i}"] = 1 if i < kept * num else 9
        feedback.promised(f"o{i}", 0, (1,), band, weekday)
    feedback.settle(2, arrived)
    return feedback


def test_promises_that_are_kept_too_often_are_made_at_a_lower_level() -> None:
    assert told(0.7).levels(0, 0)[0] < 0.5 < told(0.3).levels(0, 0)[0]


def test_promises_that_are_kept_as_often_as_said_stay_as_they_are() -> None:
    assert told(0.5).levels(0, 0).tolist() == [0.5]


def test_another_band_and_weekday_share_a_part_of_what_was_learnt() -> None:
    feedback = told(0.8, band=0, weekday=2)
    same, other = feedback.levels(0, 2)[0], feedback.levels(1, 3)[0]
    assert same < other < 0.5


def test_a_promise_is_not_counted_before_its_day_is_over_even_if_it_is_kept_already() -> None:
    feedback = Feedback.of((0.5,), num_bands=1, day=0)
    feedback.promised("o", 0, (5,), 0, 0)
    feedback.settle(5, {"o": 1})
    assert feedback.count.sum() == 0
    feedback.settle(6, {"o": 1})
    assert feedback.count.sum() == 1
    assert feedback.open == [[]]


def test_what_was_learnt_fades() -> None:
    feedback = told(0.9)
    before = feedback.levels(0, 0)[0]
    feedback.settle(200, {})
    assert before < feedback.levels(0, 0)[0] < 0.5


def test_a_higher_confidence_never_has_a_lower_level_and_none_is_certain() -> None:
    feedback = Feedback.of((0.5, 0.8, 0.95), num_bands=1, day=0)
    rng = np.random.default_rng(3)
    arrived = {}
    for i in range(600):
        arrived[f"o{i}"] = int(rng.integers(1, 40))
        feedback.promised(f"o{i}", 0, (30, 10, 5), 0, i % 7)
    feedback.settle(60, arrived)
    for weekday in range(7):
        levels = feedback.levels(0, weekday)
        assert (np.diff(levels) >= 0).all()
        assert levels[-1] <= HIGHEST


def test_an_order_that_was_forgotten_counts_for_nothing() -> None:
    feedback = Feedback.of((0.5,), num_bands=1, day=0)
    feedback.promised("gone", 0, (1,), 0, 0)
    feedback.settle(3, {})
    assert feedback.count.sum() == 0

"""
What promises are worth is learnt from whether they were kept: confidences are asked for with their error taken off.

Beside each promise stands the plain one, at the confidence itself. On the morning after its day one knows whether it
was kept, and so, over the last months, by how much more or less often than said plain promises are kept: whole days
that are rounded, a world that has become faster, what weekdays and distances have of their own. With e(c) that excess
over all, and those of the distance band and of the weekday beyond it (few orders tell little, so these are drawn to 0):

    level(c) = c - GAIN 4 c (1 - c) (e(c) + e_band(c) + e_weekday(c))

A plain promise that is kept early is not counted early: those that are missed can only be counted late, and the excess
would see the kept ones first. Nothing feeds back on itself, so that late news cannot make levels swing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HALF_DAYS = 60.0  # after which an outcome counts half
PRIOR, PRIOR_OF_GROUP = 200.0, 100.0  # outcomes that agreed with what was said, as it were, before any did
LOWER_MAX, HIGHEST = 0.3, 0.995  # how far a level may go below its confidence, and how high at all
GAIN = 0.7  # of an excess that was seen: what comes is nearer to what was expected than what was
WEEK = 7


@dataclass(slots=True, kw_only=True)
class Feedback:
    """
    Sums over outcomes, by confidence, and the plain promises whose day is not over yet.

    Parameters
    ----------
    confidences
        Ascending.
    day
        The last morning on which outcomes were counted.
    count, excess
        (bands, 7) outcomes, and (bands, 7, C) by how many more were kept than said; both fade.
    open
        By confidence (promised day, order id, band, weekday) of plain promises that are not counted yet.
    """

    confidences: tuple[float, ...]
    day: int
    count: Floats
    excess: Floats
    open: list[list[tuple[int, str, int, int]]]

    @staticmethod
    def of(confidences: Sequence[float], num_bands: int, day: int) -> "Feedback":
        """Nothing learnt yet."""
        return Feedback(
            confidences=tuple(confidences),
            day=day,
            count=np.zeros((num_bands, WEEK, len(confidences))),
            excess=np.zeros((num_bands, WEEK, len(confidences))),
            open=[[] for _ in confidences],
        )

    def levels(self, band: int, weekday: int) -> Floats:
        """
        The levels to promise at, ascending.

        >>> Feedback.of((0.5, 0.8), 2, 0).levels(0, 6).tolist()
        [0.5, 0.8]
        """
        asked = np.array(self.confidences)
        common = self.excess.sum(axis=(0, 1)) / (self.count.sum(axis=(0, 1)) + PRIOR)
        gain = GAIN * 4.0 * asked * (1.0 - asked)
        level = asked - gain * common
        for excess, count in (
            (self.excess[band].sum(axis=0), self.count[band].sum(axis=0)),
            (self.excess[:, weekday].sum(axis=0), self.count[:, weekday].sum(axis=0)),
        ):
            level -= gain * (excess - count * common) / (count + PRIOR_OF_GROUP)
        return np.maximum.accumulate(np.clip(level, asked - LOWER_MAX, HIGHEST))

    def promised(self, order_id: str, bought_day: int, days: Sequence[int], band: int, weekday: int) -> None:
        """Remember plain promises until their day is over."""
        for waiting, within in zip(self.open, days, strict=True):
            waiting.append((bought_day + int(within), order_id, band, weekday))

    def settle(self, day: int, arrived_day: Mapping[str, int]) -> None:
        """Count all plain promises for days before this one, by the day on which each order was there."""
        fading = 0.5 ** ((day - self.day) / HALF_DAYS)
        self.count *= fading
        self.excess *= fading
        self.day = day
        for k, confidence in enumerate(self.confidences):
            for promised_day, order_id, band, weekday in self.open[k]:
                if promised_day < day and order_id in arrived_day:  # not one that is forgotten
                    self.count[band, weekday, k] += 1.0
                    self.excess[band, weekday, k] += (arrived_day[order_id] <= promised_day) - confidence
            self.open[k] = [promise for promise in self.open[k] if promise[0] >= day]

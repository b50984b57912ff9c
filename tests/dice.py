"""The throws that the random networks and orders are made of."""

from typing import Any

import numpy as np


class Dice:
    """A numpy generator with the throws used below; a feature that is off never comes up."""

    def __init__(self, seed: int, features: frozenset[str]) -> None:
        self.rng = np.random.default_rng(seed)
        self.features = features

    def below(self, end: int) -> int:
        return int(self.rng.integers(end))

    def between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def chance(self, percent: int, feature: str = "") -> bool:
        hit = self.below(100) < percent
        return hit and (not feature or feature in self.features)

    def pick(self, values: Any) -> Any:
        return values[self.below(len(values))]

    def some(self, values: Any, percent: int = 50) -> tuple[Any, ...]:
        """A subset, never empty."""
        kept = tuple(v for v in values if self.chance(percent))
        return kept or (self.pick(values),)

"""Orders of which the stronger method once said that a plan was the cheapest, where a cheaper one was to be had."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.decide import choose
from tests.property.test_kernel import _confirm
from tests.strategies import FEATURES, Case, hungry, random_case


def features(seed: int) -> frozenset[str]:
    dice = np.random.default_rng(seed)
    share = dice.choice([0.3, 0.6, 1])
    return frozenset(name for name in FEATURES if dice.random() < share)


def featured(seed: int) -> Case:
    return random_case(seed, num_lines=1 + seed % 4, num_nodes=3 + seed % 6, features=features(seed))


def divided(seed: int) -> Case:
    case = random_case(seed, num_lines=1 + seed % 3, num_nodes=3 + seed % 4, features=features(seed))
    return hungry(case, 4 + seed % 3)


@pytest.mark.parametrize(
    ("case", "seed"),
    [
        (random_case, 60385),  # two sets of items were barred from all nodes, for one had no capacity for both
        (featured, 40851),
        (divided, 61162),
        (featured, 60229),  # a plan without shipments saves no split; parts of a line alike from two nodes
        (divided, 61177),
        (divided, 40702),  # the same part of a line twice from one node
        (divided, 41041),
        (divided, 60272),
    ],
)
def test_a_plan_is_only_called_optimal_where_no_other_is_cheaper(
    case: Callable[[int], Case], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fits_kernel", "fits_in_pieces"):  # by now the kernel settles some of these
        monkeypatch.setattr(choose, name, lambda *_: False)
    assert _confirm(case(seed)) == "mip"

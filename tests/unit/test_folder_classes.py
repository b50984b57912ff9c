"""Rates of failed picks by class of sku, as a folder has them."""

from pathlib import Path

import pytest

from engine.adapters.folder import read_network
from tests.unit.test_folder_problems import folder, found, put

__all__ = ["folder"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("shoes", "no class with its rate"),
        ("=5", "no class with its rate"),
        ("shoes=1;shoes=2", "more than one rate"),
        ("shoes=1000001", "above (1000000)"),
    ],
)
def test_a_wrong_rate_is_found_with_its_place_and_value(folder: Path, value: str, message: str) -> None:
    put(folder, "nodes.csv", "rejection_by_class", value)
    problems = [p for p in found(folder, "nodes.csv", "rejection_by_class") if message in p.message]
    assert [(p.row, p.value) for p in problems] == [(1, value)]


def test_a_class_that_no_sku_has_is_odd(folder: Path) -> None:
    put(folder, "nodes.csv", "rejection_by_class", "shoe=7")
    (problem,) = found(folder, "nodes.csv", "rejection_by_class", "warning")
    assert (problem.row, problem.hint) == (1, "(shoes) is meant.")


def test_rates_hold_for_the_skus_of_their_class_and_the_nodes_own_for_all_others(folder: Path) -> None:
    put(folder, "nodes.csv", "rejection_by_class", "shoes=70000")
    put(folder, "nodes.csv", "rejection_ppm", "9000")
    network = read_network(folder)
    assert [network.rejection_ppm(0, sku) for sku in range(3)] == [70_000, 9_000, 9_000]

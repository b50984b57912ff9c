"""Slots filled in many at once: what routes and zones say in plain words, and what one by one would be."""

import pytest

from engine.network import rows as module
from engine.network.calendars import Calendars
from engine.network.compiled import compile_network
from engine.network.model import Network
from engine.network.routes import Target, distance_m, target_of, target_of_place
from engine.network.rows import TargetRows
from engine.network.zones import ZoneFinder
from tests.strategies import Case, orders_of, random_case


def rows_of(case: Case, slots_max: int | None = None) -> TargetRows:
    live = case.live
    return TargetRows(compile_network(case.network, Calendars(case.network, live.first_day, live.num_days)), slots_max)


def targets_of(case: Case, num: int) -> list[Target]:
    """Homes of orders and all places, each once."""
    homes = [order.destination for order in orders_of(case, num)]
    found = [target_of(case.network, home) for home in homes if home is not None]
    found += [target_of_place(case.network, place) for place in range(len(case.network.nodes))]
    return list(dict.fromkeys(found))


def metres(network: Network, target: Target) -> list[int]:
    return [distance_m(site.lat, site.lon, target.lat, target.lon) for site in network.nodes]


@pytest.mark.parametrize("seed", range(30))
def test_slots_that_are_filled_together_are_those_of_plain_words(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOTS_START", 4)  # so that they grow between two that are reserved
    case = random_case(seed)
    network, targets = case.network, targets_of(case, 30)
    together, alone = rows_of(case), rows_of(case)
    slots = [together.reserved(target) for target in targets]
    together.fill()
    finder = ZoneFinder(network)
    for target, slot in zip(targets, slots, strict=True):
        assert alone.slot(target) == slot
        there = metres(network, target)
        for rows in (together, alone):
            assert rows.distance_m[slot].tolist() == there
            classes = rows.zone_class[slot]
            assert rows.slot_classes[slot, : rows.slot_count[slot]].tolist() == sorted(set(classes.tolist()))
            for node in range(len(network.nodes)):
                plain = [finder.zone(s, node, target, there[node]) for s in range(len(network.services))]
                assert rows.class_zone[classes[node]].tolist() == plain


def test_a_slot_that_is_only_reserved_is_filled_with_the_next_or_forgotten() -> None:
    case = random_case(1)
    first, second, third = targets_of(case, 30)[:3]
    rows = rows_of(case, slots_max=1)
    slot = rows.reserved(first)
    rows.slot(second)
    assert rows.distance_m[slot].tolist() == metres(case.network, first)
    rows.reserved(third)
    rows.trim()
    rows.fill()
    assert rows.slot(third) == 0
    assert rows.distance_m[0].tolist() == metres(case.network, third)

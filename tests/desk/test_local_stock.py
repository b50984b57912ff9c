"""What a store can give its customers: the units of the availability of each sku, and when they are ready."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.desk.availability import Availability
from engine.desk.desk import Desk
from engine.desk.local_stock import LocalStock
from engine.domain.errors import InputError
from tests import builders
from tests.desk.desk_cases import desk_on, said
from tests.desk.test_availability import network as held_back
from tests.desk.test_reserve import at, hold
from tests.ledger_twin import LedgerTwin


def told(desk: Desk, node: str, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = said(desk.ask(LocalStock(node=node, **changes)))
    return found


def units(desk: Desk, node: str, **changes: Any) -> dict[str, int]:
    found = told(desk, node, **changes)
    return dict(zip(found["skus"], found["units"], strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_has_the_units_that_the_availability_of_each_sku_has(seed: int) -> None:
    draw = np.random.default_rng(seed)
    skus = builders.sku_table(*(f"s{i}" for i in range(12)))
    rows = {(n, s): int(draw.integers(0, 6)) for n in ("st", "wh") for s in skus.ids if draw.random() < 0.7}
    shop = builders.network(
        nodes=(builders.node(), builders.store(safety_stock=int(draw.integers(0, 3)))), skus=skus, stock=rows
    )
    with desk_on(shop, LedgerTwin()) as desk:
        for node in ("wh", "st"):
            found = units(desk, node)
            assert set(found) == {s for n, s in rows if n == node}
            said_of = said(desk.ask(Availability(skus=tuple(found), nodes=(node,))))["availability"]
            assert found == {row["sku"]: row["atf"] for row in said_of}


def test_what_is_held_or_kept_for_others_is_not_told() -> None:
    with desk_on(held_back(), LedgerTwin()) as desk:
        desk.ask(hold(at("st", 3)))
        assert units(desk, "st") == {"a": 1, "b": 0}  # of ten: three held, four kept back, two for another channel
        assert units(desk, "st", channel="vip") == {"a": 3, "b": 0}


def test_says_in_how_many_days_of_the_store_its_goods_are_ready() -> None:
    with desk_on(builders.network(), LedgerTwin()) as desk:
        assert told(desk, "st")["days"] == 0
        desk.clock_s.now_s += 13 * 3_600  # type: ignore[attr-defined]
        assert told(desk, "st")["days"] == 1


def test_of_a_store_that_lets_nobody_collect_it_says_nothing() -> None:
    with desk_on(builders.network(), LedgerTwin()) as desk:
        assert told(desk, "wh")["days"] is None


def test_of_a_store_that_has_nothing_it_says_nothing() -> None:
    shop = builders.network()
    with desk_on(replace(shop, stock=replace(shop.stock, on_hand=shop.stock.on_hand * 0)), LedgerTwin()) as desk:
        assert told(desk, "st")["days"] is None
        with pytest.raises(InputError, match="nowhere"):
            desk.ask(LocalStock(node="nowhere"))

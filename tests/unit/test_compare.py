"""The comparison with other rules: what it asks of whom, and its statistics."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks import compare
from benchmarks.compare import (
    OURS,
    QUICK,
    WITH_PICKUP,
    consumer,
    decide_freely,
    interval,
    is_baseline,
    policies,
    to_home,
)
from engine.decide.engine import Engine
from engine.domain.order import Method
from engine.domain.plan import Status
from engine.options.ways import PLACE_METHODS
from tests import builders as b

KEYS = {"cost_per_order", "splits", "late_share", "unfilled_share", "store_share"}


def test_an_order_for_home_offers_no_place_and_one_for_a_place_stays_as_it_is() -> None:
    assert not set(to_home(b.order("a")).methods) & PLACE_METHODS
    collected = b.order("a", pickup_node="st")
    assert to_home(collected) is collected
    only_there = b.order("a", methods=(Method.PICKUP_POINT,))
    assert to_home(only_there) is only_there


def test_a_basket_is_cut_to_what_one_person_buys() -> None:
    network = b.network(skus=b.sku_table("a", "b", "c", weight_g=[1_000, 9_000, 9_000]))
    order = b.order(b.line("a", 20), b.line("b", 2), b.line("c", 2), keep_together=(("a", "b", "c"),))
    cut = consumer(order, network)
    assert [(line.sku, line.quantity) for line in cut.lines] == [("a", 3), ("b", 1)]
    assert cut.keep_together == (("a", "b"),)
    heavy = b.network(skus=b.sku_table("a", weight_g=[90_000]))
    assert [line.quantity for line in consumer(b.order(b.line("a", 4)), heavy).lines] == [1]


def test_what_cannot_be_in_time_or_in_full_is_served_late_and_in_part() -> None:
    engine = Engine(b.network(stock={("wh", "a"): 3}), guard=False)
    late = decide_freely(engine, b.order("a", deliver_by=b.at("2026-06-01T07:00"))).plan
    assert late.shipments
    assert late.deliver_by is not None
    assert late.deliver_by > b.at("2026-06-01T07:00")
    part = decide_freely(engine, b.order("a", "b")).plan
    assert [u.sku for u in part.unmet] == ["b"]
    assert part.status == Status.OPTIMAL


def test_every_rule_is_there_with_its_traps_and_without() -> None:
    names = [policy.name for policy in policies(Engine(b.network(), guard=False))]
    assert len(set(names)) == len(names)
    assert {"nearest", "magento-distance", "magento-distance-corrected", "hotwax", "hotwax-corrected"} < set(names)
    assert not any(is_baseline(name) for name in (OURS, WITH_PICKUP, "without-markdown"))
    assert is_baseline("shopify")


def test_an_interval_is_student_s() -> None:
    values = [1.0, 2.0, 4.0, 7.0]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert interval([5.0]) == {"mean": 5.0, "low": 5.0, "high": 5.0}


def test_a_run_without_data_says_so_and_ends_with_all_keys(tmp_path: Path) -> None:
    sizes = compare.Sizes(seeds=2, orders=12, networks=("fr",), seasons=("peak",))
    figures = compare.run(None, sizes, seed=1, results=tmp_path, quick=True, workers=1)
    world = json.loads(json.dumps(figures))["networks"]["fr peak"]
    assert world["policies"][OURS].keys() >= KEYS
    assert {"mean", "low", "high"} == world["saving_vs_best_baseline"].keys()
    assert is_baseline(world["best_baseline"])
    assert "made-up" in figures["source"]
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert page.count('<svg class="map"') == 2
    assert "http" not in page.replace("http://www.w3.org", "")
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert QUICK.seeds < compare.FULL.seeds

"""The comparison as a benchmark: what it asks of whom, and its statistics."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks import compare
from benchmarks.compare import CASH, QUICK, Job, consumer, interval, made, policies, summary
from engine.decide.engine import Engine
from scenarios.comparison import NO_MARKDOWN, OURS, is_baseline
from tests import builders as b

KEYS = {"cost_per_order", "splits", "late_share", "unfilled_share", "store_share", CASH}


def test_a_basket_is_cut_to_what_one_person_buys() -> None:
    network = b.network(skus=b.sku_table("a", "b", "c", weight_g=[1_000, 9_000, 9_000]))
    order = b.order(b.line("a", 20), b.line("b", 2), b.line("c", 2), keep_together=(("a", "b", "c"),))
    cut = consumer(order, network)
    assert [(line.sku, line.quantity) for line in cut.lines] == [("a", 3), ("b", 1)]
    assert cut.keep_together == (("a", "b"),)
    heavy = b.network(skus=b.sku_table("a", weight_g=[90_000]))
    assert [line.quantity for line in consumer(b.order(b.line("a", 4)), heavy).lines] == [1]


def test_every_rule_and_ablation_is_there_with_its_traps_and_without() -> None:
    nodes = (b.node("wh"), b.store("st", priority=1))
    names = [policy.name for policy in policies(Engine(b.network(nodes=nodes, lanes=()), guard=False))]
    assert len(set(names)) == len(names) == 2 + 10 + 4 + 7
    assert {"nearest", "magento-distance", "magento-distance-corrected", "hotwax", "spree-corrected"} < set(names)
    assert {f"without-{what}" for what in ("cut-offs", "splits", "carrier-prices", "capacity-price")} < set(names)
    assert {"without-rejection-risk", NO_MARKDOWN, "without-dates"} < set(names)


def test_the_networks_have_a_price_on_busy_nodes() -> None:
    for name in ("demo", "us", "fr"):
        network, orders = made(Job(network=name, season="peak", seed=1, orders=3, data=None))
        assert network.policy().capacity_price_cents > 0
        assert len(orders) == 3


def test_savings_are_paired_by_seed_against_the_rule_that_is_cheapest_in_that_money() -> None:
    def row(cost: float, cash: float) -> dict[str, float]:
        return {"cost_per_order": cost, CASH: cash}

    runs = [
        {OURS: row(80, 100), NO_MARKDOWN: row(95, 90), "nearest": row(100, 120), "priority": row(110, 100)},
        {OURS: row(90, 200), NO_MARKDOWN: row(190, 180), "nearest": row(200, 240), "priority": row(210, 200)},
    ]
    found = summary(runs)
    assert (found["best_baseline"], found["best_baseline_without_markdown"]) == ("nearest", "priority")
    assert found["saving_vs_best_baseline"] == pytest.approx(interval([0.2, 0.55]))
    assert found["saving_without_markdown"] == pytest.approx(interval([0.1, 0.1]))
    assert found["saving_vs"]["priority"] == pytest.approx(interval([1 - 80 / 110, 1 - 90 / 210]))


def test_a_rule_that_was_left_out_for_one_seed_is_left_out_for_all() -> None:
    row = {"cost_per_order": 1.0, CASH: 1.0}
    runs = [
        dict.fromkeys((OURS, NO_MARKDOWN, "nearest", "priority"), row),
        dict.fromkeys((OURS, NO_MARKDOWN, "priority"), row),
    ]
    assert set(summary(runs)["policies"]) == {OURS, NO_MARKDOWN, "priority"}


def test_an_interval_is_student_s() -> None:
    values = [1.0, 2.0, 4.0, 7.0]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert interval([5.0]) == {"mean": 5.0, "low": 5.0, "high": 5.0}


def test_a_run_without_data_says_so_and_ends_with_all_keys(tmp_path: Path) -> None:
    sizes = replace(QUICK, orders=12, networks=("fr", "demo"))
    figures = compare.run(None, sizes, seed=1, results=tmp_path, quick=True, workers=1)
    worlds = json.loads(json.dumps(figures))["networks"]
    assert list(worlds) == ["fr peak", "demo"]
    world = worlds["fr peak"]
    assert world["policies"][OURS].keys() >= KEYS
    assert {"mean", "low", "high"} == world["saving_vs_best_baseline"].keys()
    assert {"mean", "low", "high"} == world["saving_without_markdown"].keys()
    assert is_baseline(world["best_baseline"])
    assert "made-up" in figures["source"]
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert page.count('<svg class="map"') == 4
    assert "http" not in page.replace("http://www.w3.org", "")
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert QUICK.seeds < compare.FULL.seeds

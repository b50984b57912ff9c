"""Each benchmark once at small size on a tiny made-up network: its keys and what must hold, never a time."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    cold_start,
    explain,
    growth,
    ledger,
    memory,
    near,
    one_order,
    promise100,
    promises,
    quotes,
    record,
    replay,
)
from benchmarks.generated import generated_network, generated_orders
from benchmarks.peers.cpsat import Result
from benchmarks.prepared import Prepared
from benchmarks.quotes_exact import exactness
from benchmarks.quotes_kept import kept_black_friday, kept_quiet, kept_sold_out
from benchmarks.race import PEERS, SET_SUFFIX, Race, Task, every, race_apart, race_here
from benchmarks.worlds import MIXES, Spec, World, data_folder, sizes_of, world
from engine.domain.errors import InputError

TINY = Spec(data=None, count=12, num_nodes=30, num_skus=150)
SIZES = one_order.Sizes(
    orders=12,
    decide_orders=12,
    guarded_orders=6,
    deadline_ms=500,
    loop_orders=40,
    limit_s=10.0,
    node_step=2,
    budget_s=None,
)


def test_one_order_reports_every_key_and_equal_optima(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = one_order.run(TINY, SIZES, workers=0, results=tmp_path, quick=True)
    assert set(one_order.REQUIRED_KEYS) <= set(figures)
    assert figures["num_orders"] == figures["num_equal_checked"] == 12
    assert figures["num_cpsat"] == figures["num_highs"] == 6
    assert figures["num_cpsat_by_set"] == figures["num_equal_cpsat"] == figures["num_equal_highs"] == 12
    assert figures["equal_optimum_share"] == 1.0
    assert figures["different_rows"] == []
    assert figures["loop_optimal"] + figures["loop_infeasible"] + figures["loop_collides"] == 40
    line = json.loads((tmp_path / "one-order.jsonl").read_text())
    assert {"commit", "machine", "seed", "quick"} <= set(line)
    assert (tmp_path / "one-order.png").stat().st_size > 1_000
    assert "speed-up over cpsat" in capsys.readouterr().out


def test_growth_reports_nodes_lines_and_memory(tmp_path: Path) -> None:
    sizes = growth.Sizes(
        nodes=(20, 40),
        skus=150,
        orders=10,
        lines=(1, 14),
        line_nodes=20,
        line_orders=2,
        deadline_ms=500,
        memory=((20, 150, 0.3),),
    )
    figures = growth.run(sizes, seed=1, results=tmp_path, quick=True)
    assert list(figures["by_nodes"]) == ["20", "40"]
    assert figures["by_lines"]["1"]["proven"] == 2
    assert figures["memory"][0]["rows"] > 0
    assert figures["peak_mb_max"] > 0


def test_memory_counts_every_stock_row() -> None:
    figures = memory.measured_here(20, 150, 0.3, 5, 1)
    assert figures["rows"] == len(generated_network(20, 150, 1).stock.node)
    assert figures["bytes_per_row_live"] > 0


def test_cold_start_times_the_demo_where_there_is_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold_start, "REPEATS_QUICK", 1)
    figures = cold_start.run(None, seed=1, results=tmp_path, quick=True)
    assert "us" not in figures
    assert figures["seconds_max"] == figures["demo"]["seconds"] > 0


def test_replay_finds_all_decisions_equal_here_and_in_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {name: replay.RUNS[name] for name in ("two workers", "one thread")}
    monkeypatch.setattr(replay, "RUNS", runs)
    sizes = replay.Sizes(demo=30, us=30, fr=0, num_nodes=30, num_skus=150)
    figures = replay.run(None, sizes, seed=1, results=tmp_path, quick=True)
    assert figures["all"]["decisions"] == 60
    assert figures["all"]["equal"] + figures["all"]["verified"] == 60
    assert figures["all"]["same_everywhere"]
    for name in ("demo", "made-up"):
        assert set(figures[name]["runs"]) == {"this process", *runs}
        assert figures[name]["bytes_per_decision"] > 500
        assert figures[name]["own_us_p50"] > 0
    assert json.loads((tmp_path / "replay.jsonl").read_text())["all"] == figures["all"]
    assert "60 decisions" in capsys.readouterr().out


def task(count: int) -> Task:
    return Task(rows=tuple(range(count)), node_rows=tuple(range(count)), limit_s=10.0)


def test_the_race_in_other_processes_finds_the_same_optima() -> None:
    spec = replace(TINY, count=4)
    prepared = Prepared(world(spec))
    race = race_apart(spec, task(4), workers=1)
    assert sorted(race.results) == [0, 1, 2, 3]
    assert race.begun == ()
    for row, by_peer in race.results.items():
        assert {one_order.optimum(result) for result in by_peer.values()} == {prepared.optimum_cents(row)}


def test_a_race_without_time_reports_nothing_as_compared() -> None:
    race = race_apart(TINY, task(12), workers=1, budget_s=0.0)
    figures = one_order.race_figures(race, np.ones(12), [0] * 12)
    assert figures["num_orders"] == 0
    assert figures["equal_optimum_share"] == 0.0


def test_a_race_that_was_cut_goes_on_with_the_orders_that_are_left(tmp_path: Path) -> None:
    spec = replace(TINY, count=3)
    race_apart(spec, task(3), workers=1, kept=tmp_path)
    lines = (tmp_path / "0.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "0.jsonl").write_text("".join(lines[:3]) + lines[3][:20])  # cut while it wrote the second answer
    race = race_apart(spec, task(3), workers=1, kept=tmp_path, resume=True)
    assert race.num_resumed == 1
    assert sorted(race.results) == [0, 1, 2]


def test_a_race_of_other_orders_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no race"):
        race_apart(TINY, task(3), workers=1, kept=tmp_path, resume=True)
    race_apart(TINY, task(3), workers=1, budget_s=0.0, kept=tmp_path)
    with pytest.raises(InputError, match="other orders"):
        race_apart(TINY, task(2), workers=1, kept=tmp_path, resume=True)


def test_the_orders_modelled_by_node_have_the_shares_of_the_mix() -> None:
    sizes = [1, 5, 1, 1, 5, 1, 1, 1]
    assert [sizes[row] for row in every(range(8), sizes, 4)] == [1, 5]
    assert sorted(every(range(8), sizes, 1)) == list(range(8))


def test_both_models_of_both_peers_agree_on_larger_orders() -> None:
    network = generated_network(60, 150, 1)
    orders = generated_orders(network, [6, 7, 8, 9], 3)
    race = race_here(Prepared(World(network=network, orders=orders, source="made up")), task(4))
    for answers in race.results.values():
        assert len(answers) == 4
        assert len({result.cost_cents for result in answers.values() if result.status != "limit"}) == 1


def test_a_full_run_adds_a_row_to_the_table_of_runs(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("| commit |\n|---|\n")
    keys = ("kernel_us_p50", "kernel_us_p99", "decide_us_p50", "decisions_per_s", "num_orders", "num_equal_checked")
    figures: record.Figures = dict.fromkeys((*keys, *(f"speedup_{p}{s}" for p in PEERS for s in ("", SET_SUFFIX))), 2)
    record.add_row(readme, figures | {"different_rows": []}, seed=1)
    assert readme.read_text().splitlines()[-1].endswith("| 2 of 2 |")


def test_an_order_that_a_peer_left_open_is_a_lower_bound_and_no_equal_optimum() -> None:
    solved = Result("optimal", 500, 0.0, 0.001, 0.001)
    late = Result("limit", None, 0.0, 0.01, 0.99)
    wrong = Result("optimal", 499, 0.0, 0.001, 0.001)
    results = {
        0: {"cpsat": solved, "highs": solved},
        1: {"cpsat": late, "highs": late},
        2: {"cpsat": solved, "highs": wrong},
    }
    figures = one_order.race_figures(Race(results=results, begun=()), np.full(3, 10.0), [500, 700, 500])
    assert figures["num_unsolved_cpsat"] == 1
    assert figures["num_equal_checked"] == 2
    assert figures["equal_optimum_share"] == 0.5
    assert figures["different_rows"] == [2]
    assert figures["speedup_cpsat_unsolved_min"] == 100_000.0
    assert figures["speedup_cpsat_solved"] == 200.0


@pytest.mark.parametrize("mix", MIXES)
def test_the_sizes_of_orders_follow_their_mix(mix: str) -> None:
    sizes = sizes_of(mix, 1_000, 1)
    shares = np.array(MIXES[mix]) / sum(MIXES[mix])
    assert len(sizes) == 1_000
    assert np.abs(np.bincount(sizes, minlength=11)[1:] / 1_000 - shares).max() < 0.002


def test_the_same_seed_makes_the_same_world() -> None:
    first, second = world(TINY), world(TINY)
    assert first.orders == second.orders
    assert first.network.nodes == second.network.nodes


def test_generated_orders_have_the_sizes_asked_for() -> None:
    orders = generated_orders(generated_network(20, 150, 1), [1, 40, 7], 1)
    assert [len(order.lines) for order in orders] == [1, 40, 7]


def test_a_data_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="does not exist"):
        data_folder(Path("no/such/folder"))


@pytest.mark.data
def test_us_orders_follow_the_mix() -> None:
    data = data_folder(None)
    if data is None:
        pytest.skip("no data folder (../shared/data)")
    made = world(Spec(data=data.resolve(), count=40))
    assert sorted(len(o.merged().lines) for o in made.orders) == sorted(sizes_of("consumer", 40, 1))
    assert len(made.network.services) == 9


def test_explanations_are_measured_and_their_counterfactuals_put_to_the_test(tmp_path: Path) -> None:
    sizes = explain.Sizes(orders=6, plain=1, tested=2, demo_tested=6)
    small = Spec(data=None, count=6, num_nodes=30, num_skus=150)
    figures = explain.run(None, sizes, seed=1, results=tmp_path, quick=True, us=small)
    assert list(figures["networks"]) == ["demo", "us"]
    for row in figures["networks"].values():
        assert row["flips_true"] == row["flips_tested"] > 0
        assert row["nodes_told_per_decision"] > 0.5 * row["nodes"]
        assert row["by_kind"]["price"] > 0
    assert json.loads((tmp_path / "explain.jsonl").read_text())["benchmark"] == "explain"


def test_stores_nearby_are_measured_and_put_to_the_test(tmp_path: Path) -> None:
    small = Spec(data=None, count=20, num_nodes=30, num_skus=150)
    figures = near.run(None, near.Sizes(calls=20, tested=20), seed=1, results=tmp_path, quick=True, us=small)
    for row in figures["stores"]:
        assert row["right"] == row["tested"] > 5
        assert row["stores_mean"] > row["ready_mean"] > 0
    assert json.loads((tmp_path / "near.jsonl").read_text())["benchmark"] == "near"


def test_promises_of_100_skus_are_measured_and_put_to_the_test() -> None:
    made = world(Spec(data=None, count=20, num_nodes=30, num_skus=150))
    figures = promise100.in_process(made.network, made.orders, promise100.Sizes(calls=6, http=0, tested=6), 1)
    assert figures["right"] == figures["tested"] == 60
    assert figures["available"] >= max(figures["home"], figures["pickup"]) > 500
    for name in ("promise100_ms", "promise100_cpu_ms"):
        assert 0 < figures[f"{name}_p50"] <= figures[f"{name}_p99"]


def test_promises_reports_every_key_on_a_made_up_history(tmp_path: Path) -> None:
    figures = promises.run(None, seed=1, results=tmp_path, quick=True)
    assert set(promises.REQUIRED_KEYS) <= set(figures)
    assert figures["data"].startswith("made up")
    kept, num, share, low, high = figures["met"]["all"]["all"]["0.8"]
    assert num == figures["num_orders"] == sum(cell["0.8"][1] for cell in figures["met"]["weekday"].values())
    assert share == round(kept / num, 3)
    assert low < share < high
    assert figures["surge"][0]["met"]["0.95"] > figures["surge"][0]["baseline_rolling"]["0.95"]
    assert json.loads((tmp_path / "promises.jsonl").read_text())["met"] == figures["met"]


def test_quotes_are_exact_and_kept_where_nothing_happens_between() -> None:
    small = ledger.Sizes(orders=8, warm=2, feed_rows=0, start=(), processes=(), num_nodes=30, num_skus=150)
    network, orders, _ = ledger.shop(None, small, 1)
    orders = [order for order in orders if order.destination is not None]
    figures = quotes.in_process(network, orders, 2, 1)
    assert figures["quotes_per_s_in_process"] > 0
    assert figures["options_mean"] > 0
    exact = exactness(network, orders, 10, 2)
    assert exact["exact_share"] == 1.0
    assert exact["exact_carts"] >= 11
    quiet = kept_quiet(network, orders)
    assert quiet.same == quiet.ordered > 0
    for rush in (kept_black_friday(network, orders, 1), kept_sold_out(network, orders, 1)):
        assert rush.ordered > 0
        assert rush.explained == rush.changed

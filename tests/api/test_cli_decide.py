"""What the command line decides: JSON that programs can read, tables that people can, on the demo's network."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from api.cli.main import main
from api.cli.networks import engine_for
from api.explain import explain
from engine.decide.engine import Engine
from engine.domain.plan import Status
from scenarios.demo import demo_network, demo_orders

ROOT = Path(__file__).parents[2]
ONE = ["--sku", "sku-0001:2", "--sku", "sku-0042", "--postcode", "75011"]
# The keys of a decision that a clock decides.
MEASURED = {"elapsed_us"}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints; it must end well."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    streams = capsys.readouterr()
    assert ended.value.code in (0, None), streams.err
    return streams.out


def documents(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def orders_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "orders.csv"
    output(capsys, "orders", "--count", "12", "--out", str(path))
    return path


def test_one_order_is_told_with_dates_costs_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "decide", *ONE)
    for words in (
        "proven cheapest",
        "Release by",
        "Picking and packing",
        "Why not elsewhere",
        "the bound equals the cost",
    ):
        assert words in text


def test_json_gives_one_document_per_order_and_nothing_else(
    orders_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions = documents(output(capsys, "decide", str(orders_file), "--json"))
    assert len(decisions) == 12
    assert {d["currency"] for d in decisions} == {"EUR"}
    assert all(d["cost_cents"] == d["bound_cents"] for d in decisions if d["status"] == "optimal")


def test_the_same_orders_get_the_same_decisions(orders_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [documents(output(capsys, "decide", str(orders_file), "--json")) for _ in range(2)]
    without_clock = [[{k: v for k, v in d.items() if k not in MEASURED} for d in run] for run in runs]
    assert without_clock[0] == without_clock[1]


def test_a_file_of_orders_becomes_a_table_and_one_of_them_is_told_in_full(
    orders_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "decide", str(orders_file), "--explain", "o00002")
    assert len(re.findall(r"^o000\d\d ", text, flags=re.MULTILINE)) == 12
    assert "Order o00002: " in text
    assert "decisions per second" in text


def test_committing_takes_stock_from_the_orders_that_follow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Orders for more than half of what one node holds of an article that few have: they cannot all come from there."""
    network = demo_network()
    stock, num_skus = network.stock, len(network.skus.ids)
    num_nodes = np.bincount(stock.sku, minlength=num_skus)
    most = np.zeros(num_skus, dtype=np.int64)
    np.maximum.at(most, stock.sku, stock.on_hand)
    rare = int(np.where((num_nodes > 1) & (most >= 3), num_nodes, 10**6).argmin())
    sku, quantity = network.skus.ids[rare], int(most[rare]) * 2 // 3
    lines = [f"o{i},2026-11-23T10:00:00+01:00,FR,75011,{sku},{quantity}" for i in range(6)]
    path = tmp_path / "orders.csv"
    path.write_text("order_id,placed_at,country,postcode,sku,quantity\n" + "\n".join(lines), encoding="utf-8")
    kept = documents(output(capsys, "decide", str(path), "--json"))
    alone = documents(output(capsys, "decide", str(path), "--json", "--no-commit"))
    assert len({d["cost_cents"] for d in alone}) == 1
    assert len({(d["cost_cents"], d["status"]) for d in kept}) > 1


def test_what_is_forbidden_on_the_command_line_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    (free,) = documents(output(capsys, "decide", *ONE, "--json"))
    node = free["shipments"][0]["node"]  # type: ignore[index]
    (bound,) = documents(output(capsys, "decide", *ONE, "--json", "--not-node", node))
    assert node not in {s["node"] for s in bound["shipments"]}  # type: ignore[union-attr, attr-defined]
    assert bound["cost_cents"] >= free["cost_cents"]  # type: ignore[operator]


def test_an_order_that_cannot_be_served_is_an_answer_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "decide", "--sku", "sku-0001:999999", "--postcode", "75011")
    assert "Cannot be served" in text
    assert "too little stock" in text


def test_options_name_the_cheapest_the_fastest_and_the_greenest(capsys: pytest.CaptureFixture[str]) -> None:
    (document,) = documents(output(capsys, "options", *ONE, "--json"))
    options = document["options"]
    assert isinstance(options, list)
    named = {name: option["plan"] for option in options for name in option["names"]}
    assert {"cheapest", "fastest", "greenest"} <= set(named)
    assert named["cheapest"]["cost_cents"] == min(option["plan"]["cost_cents"] for option in options)
    assert named["fastest"]["deliver_by"] == min(option["plan"]["deliver_by"] for option in options)
    assert named["greenest"]["co2e_g"] == min(option["plan"]["co2e_g"] for option in options)
    text = output(capsys, "options", *ONE)
    assert all(name in text for name in ("cheapest", "fastest", "greenest"))


def test_a_report_is_written_beside_the_decisions(
    orders_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new"
    output(capsys, "decide", str(orders_file), "--out", str(out), "--json")
    assert len((out / "decisions.ndjson").read_text(encoding="utf-8").splitlines()) == 12
    assert (out / "report.html").read_text(encoding="utf-8").count("Why not elsewhere") >= 6


def test_the_demo_writes_a_network_that_its_own_next_commands_accept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "demo", "--orders", "15", "--seed", "2", "--out", str(tmp_path / "demo"))
    commands = re.findall(r"^ +sourcewise (.+)$", text, flags=re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        assert output(capsys, *command.split())
    assert "validated, 0 problems" in text


def test_no_rival_of_an_optimal_plan_is_cheaper_without_breaking_a_rule() -> None:
    network = demo_network()
    engine = Engine(network)
    for order in demo_orders(network, 40):
        decision = engine.decide(order)
        if decision.plan.status is Status.OPTIMAL:
            why = explain(network, engine.live, engine.policy, order, decision.plan, engine.tools)
            rivals = [rival for reasons in why.shipments for rival in reasons.rivals]
            rivals += [why.undivided] if why.undivided is not None else []
            cheaper = [(rival.shipment.node, rival.extra_cents) for rival in rivals if not rival.breaks]
            assert all(extra_cents >= 0 for _, extra_cents in cheaper), (order.order_id, cheaper)
        engine.commit(decision)


def test_the_example_of_the_readme_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "116")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"```console\n\$ sourcewise (.+?)\n(.+?)```", readme, flags=re.DOTALL)[0]
    printed = output(capsys, *command.split())
    assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in shown.splitlines()]


def test_the_first_compile_on_a_machine_is_announced_with_its_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def warm_up(progress: Callable[[str, int, int], None]) -> None:
        for done in range(3):
            progress("subset kernel", done, 3)
            seen.append(done)

    monkeypatch.setattr("engine.decide.warm.is_warm", lambda: False)
    monkeypatch.setattr("engine.decide.warm.warm_up", warm_up)
    engine_for(demo_network())
    assert seen == [0, 1, 2]
    assert "Compiling kernels, once per machine" in capsys.readouterr().err

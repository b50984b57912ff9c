"""sourcewise decide --record and sourcewise replay: the same process, another one, several, and what is wrong."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.cli.main import main
from engine.adapters.folder import read_network, write_network
from engine.adapters.journal import Journal
from scenarios.demo import demo_network, demo_orders
from tests import builders

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SOURCEWISE_DATA", ROOT.parent / "shared" / "data"))
NUM_ORDERS = 14
START = "from api.cli.main import main; main()"


def needs_data(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.data(pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")(test))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")


def run(*arguments: str | Path) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network of a shop, and the journal of some orders beside it."""
    from engine.adapters.orders import write_orders

    folder = tmp_path_factory.mktemp("shop")
    network = demo_network(1)
    write_network(network, folder / "network")
    write_orders(demo_orders(network, NUM_ORDERS, 1), folder / "orders.csv")
    arguments = ("decide", "--network", folder / "network", folder / "orders.csv", "--json")
    assert run(*arguments, "--record", folder / "journal.ndjson") == 0
    return folder


@pytest.fixture
def journal(recorded: Path, tmp_path: Path) -> Path:
    """A journal of its own for a test, with its network."""
    shutil.copytree(recorded, tmp_path / "shop")
    return tmp_path / "shop" / "journal.ndjson"


def summary(text: str) -> dict[str, Any]:
    return json.loads(text.splitlines()[-1])  # type: ignore[no-any-return]


def test_a_recorded_run_is_replayed_and_equal(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", journal) == 0
    assert f"{NUM_ORDERS} decisions on demo: {NUM_ORDERS} equal bit for bit, 0 different." in capsys.readouterr().out


def test_a_journal_moves_with_its_network(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Journal(journal).header.source.network == "network"
    moved = journal.parent.rename(journal.parent.with_name("elsewhere"))
    assert run("replay", moved / "journal.ndjson", "--json") == 0
    assert summary(capsys.readouterr().out)["equal"] == NUM_ORDERS


def test_one_order_is_replayed_on_the_stock_of_its_turn(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", journal, "--order", "o00009") == 0
    text = capsys.readouterr().out
    assert "Order o00009 (line 18): equal." in text
    assert "1 decision on demo" in text


def test_workers_say_the_same_as_one_process(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", journal, "--json") == 0
    alone = capsys.readouterr().out
    assert run("replay", journal, "--json", "--workers", "3") == 0
    assert capsys.readouterr().out == alone
    assert len(alone.splitlines()) == NUM_ORDERS + 1


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_with_any_number_of_threads_says_the_same(
    threads: str, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("replay", journal, "--json") == 0
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")
    done = subprocess.run(
        [sys.executable, "-c", START, "replay", str(journal), "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(names, threads)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == capsys.readouterr().out


def changed(journal: Path, line: int, old: str, new: str) -> None:
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    journal.write_text("".join(lines), encoding="utf-8")


def test_a_plan_that_was_changed_is_told_with_both_values_and_exit_code_one(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parcels = Journal(journal).decided(3).plan.shipments[0].num_parcels
    changed(journal, 4, f'"num_parcels":{parcels}', '"num_parcels":77')
    assert run("replay", journal) == 1
    text = capsys.readouterr().out
    assert f"Order o00002 (line 4): different; shipments[0].num_parcels was (77), is now ({parcels})" in text
    assert f"{NUM_ORDERS - 1} equal bit for bit, 1 different." in text


def test_another_policy_shows_what_it_would_have_changed(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policies = [policy.policy_id for policy in read_network(journal.parent / "network").policies]
    codes = {name: run("replay", journal, "--policy", name) for name in policies}
    assert codes[policies[0]] == 0
    assert set(codes.values()) == {0, 1}
    capsys.readouterr()
    assert run("replay", journal, "--policy", "no-such") == 2
    assert "Policy (no-such) is unknown" in capsys.readouterr().err


def test_a_network_that_was_edited_by_hand_is_noticed(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = read_network(journal.parent / "network")
    other = replace(network, stock=replace(network.stock, on_hand=network.stock.on_hand + np.int32(1)))
    shutil.rmtree(journal.parent / "network")
    write_network(other, journal.parent / "network")
    for workers in ("1", "2"):
        assert run("replay", journal, "--workers", workers) == 2
        said = capsys.readouterr().err
        assert f"version {network.version}" in said
        assert "What differs: stock." in said
    write_network(builders.network(), journal.parent / "small")
    assert run("replay", journal, "--network", journal.parent / "small") == 2
    assert f"nodes {len(network.nodes)} then, {len(builders.network().nodes)} now" in capsys.readouterr().err


def test_a_network_that_is_gone_is_asked_for(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved = (journal.parent / "network").rename(journal.parent / "renamed")
    assert run("replay", journal) == 2
    assert "add --network" in capsys.readouterr().err
    assert run("replay", journal, "--network", moved) == 0


def test_a_half_written_last_line_is_named_and_the_rest_replayed(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.write_bytes(journal.read_bytes()[:-30])
    assert run("replay", journal) == 0
    streams = capsys.readouterr()
    assert f"Line {2 * NUM_ORDERS + 1} is cut short" in streams.err
    assert f"{NUM_ORDERS} equal bit for bit" in streams.out


def test_other_sources_are_a_warning_and_no_refusal(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = Journal(journal).header
    changed(journal, 1, header.code, "0" * 16)
    changed(journal, 1, header.libraries["numpy"], "1.0.0")
    assert run("replay", journal, "--json") == 0
    streams = capsys.readouterr()
    assert "with other sources" in streams.err
    assert "numpy 1.0.0 then" in streams.err
    assert summary(streams.out)["same_code"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-file"], "Journal (no-such-file) is no file"),
        (["{}", "--order", "nobody"], "Order (nobody) is not in the journal"),
        (["{}", "--network", "nowhere"], "Network (nowhere) is no folder"),
        (["{}/../orders.csv"], "is no journal"),
    ],
)
def test_wrong_input_ends_with_exit_code_two(
    arguments: list[str], words: str, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(journal.parent / "orders.csv") if "orders" in a else a.format(journal) for a in arguments]
    assert run("replay", *given) == 2
    streams = capsys.readouterr()
    assert words in streams.err
    assert streams.out == ""


def test_a_journal_is_not_written_over(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = journal.read_bytes()
    arguments = ("decide", "--network", journal.parent / "network", journal.parent / "orders.csv")
    assert run(*arguments, "--record", journal) == 2
    assert "is there already" in capsys.readouterr().err
    assert journal.read_bytes() == before


def test_recording_changes_no_decision(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("decide", "--network", recorded / "network", recorded / "orders.csv", "--json")
    said = []
    for more in ((), ("--record", tmp_path / "j")):
        assert run(*arguments, *more) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        said.append([{key: value for key, value in line.items() if key != "elapsed_us"} for line in lines])
    assert said[0] == said[1]


def test_a_journal_of_a_named_network_remembers_its_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "j"
    assert run("decide", "--seed", "3", "--sku", "sku-0001:2", "--postcode", "75011", "--record", path) == 0
    assert run("replay", path) == 0
    capsys.readouterr()
    assert run("replay", path, "--seed", "4") == 2
    assert "version demo-3" in capsys.readouterr().err


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["us", "fr"])
def test_real_networks_are_replayed_by_their_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", DATA)
    assert run("orders", "--network", name, "--count", "20", "--out", tmp_path / "o.csv", *data) == 0
    assert run("decide", "--network", name, tmp_path / "o.csv", "--record", tmp_path / "j", *data) == 0
    capsys.readouterr()
    assert run("replay", tmp_path / "j", "--json", "--workers", "2", *data) == 0
    found = summary(capsys.readouterr().out)
    assert found["equal"] + found["verified"] == found["decisions"] == 20

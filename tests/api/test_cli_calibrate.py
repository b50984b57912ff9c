"""sourcewise calibrate from its command line: the demo, its files, going on, and what is wrong with the input."""

import csv
import json
from pathlib import Path

import pytest

from api.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *arguments])
    assert ended.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_the_demo_tells_what_was_kept_and_writes_what_a_network_folder_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    report = json.loads(run(capsys, "demo", "--json", "--out", str(tmp_path), "--state", str(state)))
    shares = {one["confidence"]: one["share"] for one in report["kept"] if one["group"] == "all"}
    assert all(abs(share - confidence) <= 0.03 for confidence, share in shares.items())
    with (tmp_path / "transit.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{name: str(value) for name, value in band["transit"].items()} for band in report["today"]]
    assert (tmp_path / "kept.png").read_bytes().startswith(b"\x89PNG")
    # Going on with nothing new says the same of today, and has no new promises to judge.
    again = json.loads(run(capsys, "demo", "--json", "--state", str(state)))
    assert again["today"] == report["today"]
    assert again["num_tested"] == 0
    assert "do not fit the state" in complaint(capsys, "demo", "--state", str(state), "--bands", "100")
    shown = run(capsys, "demo")
    assert "surge weeks" in shown
    assert "retailer's own" in shown
    assert "up_to_50_km" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.csv",), "History (nowhere.csv) does not exist."),
        (("demo", "--bands", "50,x"), "--bands (50,x) is no list of numbers."),
        (("demo", "--bands", "50,20"), "--bands (50,20) does not ascend"),
        (("demo", "--from", "June"), "--from (June) is no date."),
        (("demo", "--country", "ZZ"), "--country (ZZ) has no known holidays."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in complaint(capsys, *arguments)


def test_too_few_rows_say_how_many_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.csv"
    path.write_text("order_id,purchased,handed_over,delivered,distance_m\na,2025-03-03,2025-03-04,2025-03-05,9\n")
    assert "a promise needs 100 in 60" in complaint(capsys, str(path))

"""Wrong input, through the command line and the package: a sentence that names field and value, and advice."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import main
from engine.adapters.folder import read_network, write_network
from engine.decide.engine import Engine
from engine.domain.errors import InputError, NetworkError
from engine.domain.ids import LineId, NodeId, ServiceId, SkuId
from engine.domain.order import LINES_MAX, Method, Order, OrderLine
from engine.domain.plan import Status
from tests import builders

HEADER = "order_id,placed_at,country,postcode,sku,quantity"
HOME = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)
GOOD = "1,2026-06-01T08:00:00Z,FR,75011,a,1"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide enough that no message is broken over lines."""
    monkeypatch.setenv("COLUMNS", "500")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "network"
    write_network(builders.network(), path)
    return path


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command complains; it must end with exit code 2, and print no result."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    streams = capsys.readouterr()
    assert ended.value.code == 2, streams.err
    assert streams.out == ""
    assert "Traceback" not in streams.err
    return streams.err


def put(folder: Path, name: str, column: str, value: str, row: int = 1) -> None:
    """Write one cell of a table."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row - 1][column] = value
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("options", "words", "advice"),
    [
        (["--sku", "A", "--postcode", "75011"], "(A)", "a"),
        (["--sku", "z", "--postcode", "75011"], "(z)", "skus.csv"),
        (["--sku", "a:-1", "--postcode", "75011"], "Quantity (-1)", "leave the line out"),
        (["--sku", "a:99999999", "--postcode", "75011"], "Quantity (99999999)", "not a weight or an id"),
        (["--sku", "a", "--postcode", "99999"], "99999", "postcode"),
        (["--sku", "a", "--postcode", ""], "()", "postcode"),
        (["--sku", "a", "--postcode", "75011", "--country", "DE"], "DE", "postcode"),
        (["--sku", "a", "--pickup", "nowhere"], "nowhere", "node"),
        (["--sku", "a", "--postcode", "75011", "--not-node", "WH"], "WH", "wh"),
        (["--sku", "a", "--postcode", "75011", "--service", "STD"], "STD", "std"),
        (["--sku", "a", "--postcode", "75011", "--method", "drone"], "Method (drone)", "ship_from_store"),
        (["--sku", "a", "--postcode", "75011", "--deadline-ms", "-5"], "(-5)", "0 asks for a plan at once"),
        (["--sku", "a", "--postcode", "75011", "--max-shipments", "0"], "max_shipments (0)", "leave it out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_order_on_the_command_line_ends_with_exit_code_two(
    folder: Path, options: list[str], words: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(capsys, "decide", "--network", str(folder), *options)
    assert words in said
    assert advice in said


def test_a_file_of_orders_is_refused_with_all_that_is_wrong_in_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [GOOD, GOOD.replace("1,", "2,", 1).replace(",a,", ",A,"), "3,2026-06-01T08:00:00Z,FR,00000,a,-4"]
    path = folder.parent / "orders.csv"
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    said = complaint(capsys, "decide", "--network", str(folder), str(path))
    assert "-4" in said
    path.write_text("\n".join([HEADER, *rows]).replace(",-4", ",4"), encoding="utf-8")
    said = complaint(capsys, "decide", "--network", str(folder), str(path))
    assert "(A)" in said
    assert "00000" in said


def test_an_order_of_ten_thousand_lines_is_refused_on_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder.parent / "orders.csv"
    path.write_text("\n".join([HEADER, *[GOOD] * 10_000]), encoding="utf-8")
    said = complaint(capsys, "decide", "--network", str(folder), str(path))
    assert f"10000 lines, more than {LINES_MAX}" in said.replace(",", "", 1) or "10000 lines" in said
    assert "split it into several orders" in said


def test_an_order_without_lines_is_refused_on_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder.parent / "orders.json"
    order = {
        "order_id": "1",
        "placed_at": "2026-06-01T08:00:00Z",
        "lines": [],
        "destination": {"country": "FR", "postcode": "75011"},
    }
    path.write_text(json.dumps([order]), encoding="utf-8")
    assert "no lines" in complaint(capsys, "decide", "--network", str(folder), str(path))


WRONG_CELLS = [
    ("nodes.csv", "lat", "", "lat"),
    ("nodes.csv", "opening_hours", "nine to five", "Hours (nine to five)"),
    ("nodes.csv", "capacity_day_orders", "-1", "(-1)"),
    ("skus.csv", "weight_g", "-200", "(-200)"),
    ("stock.csv", "sku", "A", "(A)"),
    ("services.csv", "carrier_id", "nobody", "(nobody)"),
    ("rates.csv", "price_cents", "-1", "(-1)"),
]


@pytest.mark.parametrize(("file", "column", "value", "words"), WRONG_CELLS)
def test_a_wrong_cell_of_a_network_stops_every_command_and_names_its_place(
    folder: Path, file: str, column: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder, file, column, value)
    said = complaint(capsys, "decide", "--network", str(folder), "--sku", "a", "--postcode", "75011")
    assert f"{file} row 1 {column}" in said
    assert words in said
    assert "sourcewise validate" in said
    with pytest.raises(NetworkError, match=column):
        read_network(folder)


def test_overlapping_dates_of_a_tariff_stop_a_decision(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (folder / "rates.csv").read_text(encoding="utf-8").splitlines()
    (folder / "rates.csv").write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    said = complaint(capsys, "decide", "--network", str(folder), "--sku", "a", "--postcode", "75011")
    assert f"rates.csv row {len(lines)}" in said


def order(**changes: Any) -> Order:
    return replace(builders.order("a"), **changes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lines": (OrderLine(line_id=LineId("1"), sku=SkuId("A"), quantity=1),)}, "case counts"),
        ({"lines": (OrderLine(line_id=LineId("1"), sku=SkuId("a"), quantity=1, pin_node=NodeId("x")),)}, r"\(x\)"),
        ({"nodes": (NodeId("x"),)}, r"\(x\)"),
        ({"excluded_nodes": (NodeId("x"),)}, r"\(x\)"),
        ({"services": (ServiceId("x"),)}, r"\(x\)"),
        ({"excluded_services": (ServiceId("x"),)}, r"\(x\)"),
        ({"pickup_node": NodeId("x")}, r"\(x\)"),
        ({"destination": builders.dest("99999")}, r"\(99999\)"),
    ],
)
def test_the_package_raises_an_input_error_for_what_the_network_does_not_know(
    wrong: dict[str, Any], words: str
) -> None:
    engine = Engine(builders.network())
    with pytest.raises(InputError, match=words) as caught:
        engine.decide(order(**wrong))
    assert caught.value.hint


def test_a_negative_deadline_is_an_input_error() -> None:
    with pytest.raises(InputError, match="-1"):
        Engine(builders.network()).decide(order(), deadline_ms=-1)


@pytest.mark.parametrize(
    "placed_at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)], ids=["long ago", "far ahead"]
)
def test_an_order_of_another_age_gets_an_answer_and_no_crash(placed_at: datetime) -> None:
    plan = Engine(builders.network()).decide(order(placed_at=placed_at)).plan
    if placed_at.year == 2100:
        assert plan.status == Status.INFEASIBLE
        assert plan.unmet[0].reasons
    else:
        assert plan.status == Status.OPTIMAL


def test_a_hole_in_a_tariff_is_no_price_of_zero_but_a_reason() -> None:
    network = builders.network()
    kept = tuple(rate for rate in network.rates if rate.weight_max_g < 1_000)
    other_zone = tuple(
        builders.rate(service.service_id, "elsewhere", 100, weight_max_g=30_000) for service in network.services
    )
    holed = builders.network(rates=kept + other_zone)
    plan = Engine(holed).decide(order(methods=HOME)).plan
    assert plan.status == Status.INFEASIBLE
    assert "no_price" in {code for _, code in plan.unmet[0].reasons}
    assert plan.unmet[0].summary


def test_more_units_than_all_nodes_hold_are_infeasible_at_once_with_reasons() -> None:
    plan = Engine(builders.network()).decide(builders.order(builders.line("a", 1_000_000))).plan
    assert plan.status == Status.INFEASIBLE
    assert {code for _, code in plan.unmet[0].reasons} == {"no_stock"}
    assert not plan.limit

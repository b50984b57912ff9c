"""The command line without an engine: help, networks, orders, complaints. What it decides is in test_cli_decide.py."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.cli.inputs import OneOrder, line_of, method_of, moment_of, one_order
from api.cli.main import main
from api.cli.networks import network_named
from engine.adapters.folder import write_network
from engine.adapters.orders import read_orders
from engine.domain.errors import InputError
from engine.domain.order import Method
from scenarios.demo import demo_network
from tests import builders


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide enough that no message is broken over lines."""
    monkeypatch.setenv("COLUMNS", "400")


def run(*arguments: str) -> int:
    """The exit code of one command."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network")
    write_network(demo_network(3), path)
    return path


def one(**changes: object) -> OneOrder:
    values: dict[str, object] = {
        "skus": ("a:2",),
        "postcode": "75001",
        "country": None,
        "at": None,
        "pickup": None,
        "methods": (),
        "services": (),
        "excluded_nodes": (),
        "deliver_by": None,
        "requested_by": None,
        "max_shipments": None,
        "channel": "",
        "partial": False,
    }
    return OneOrder(**(values | changes))  # type: ignore[arg-type]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("demo", "decide", "options", "orders", "validate", "replay", "import"))


@pytest.mark.parametrize("command", ["demo", "decide", "options", "orders", "validate", "replay", "import"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert "Usage: sourcewise" in capsys.readouterr().out


def test_a_valid_folder_is_fit_for_use(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(folder)) == 0
    assert "fit for use (0 errors" in capsys.readouterr().out


def test_validation_lists_all_problems_and_exits_with_one(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for table in folder.iterdir():
        (tmp_path / table.name).write_bytes(table.read_bytes())
    nodes = tmp_path / "nodes.csv"
    nodes.write_text(nodes.read_text(encoding="utf-8").replace("Europe/Paris", "Europe/Pariss"), encoding="utf-8")
    (tmp_path / "skus.csv").unlink()
    assert run("validate", str(tmp_path)) == 1
    text = capsys.readouterr().out
    assert "not fit for use" in text
    assert "Europe/Pariss" in text
    assert "skus.csv" in text
    assert run("validate", str(tmp_path), "--json") == 1
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"nodes.csv", "skus.csv"} <= {document["file"] for document in documents}
    assert set(documents[0]) == {"file", "row", "column", "value", "message", "hint", "severity"}


@pytest.mark.parametrize(
    ("arguments", "complaint", "advice"),
    [
        (["validate", "no-such-folder"], "Network (no-such-folder) is no folder", "sourcewise demo"),
        (["decide"], "Give either a file of orders or one order", "--sku SKU:2"),
        (["decide", "orders.csv", "--sku", "a"], "Give either a file of orders or one order", "orders.csv"),
        (["decide", "-n", "no-such-folder", "--sku", "a"], "Network (no-such-folder) is no folder", "demo, us, fr"),
        (["decide", "no-such-file.csv"], "There is no file of orders (no-such-file.csv)", "Maybe"),
        (["decide", "--sku", "a:0", "--postcode", "75011"], "Quantity (0) of line (1)", "leave the line out"),
        (["decide", "--sku", "a", "--at", "soon", "--postcode", "75011"], "--at (soon) is no ISO 8601", "T10:00+01:00"),
        (["decide", "--sku", "a"], "neither a destination nor a pickup_node", "give one of them"),
        (["decide", "--sku", "sku-0001", "--postcode", "75011", "--policy", "x"], "Policy (x) is unknown", "default"),
        (["decide", "--sku", "SKU-0001", "--postcode", "75011"], "SKU-0001", "sku-0001"),
        (["decide", "--sku", "sku-0001", "--postcode", "99999"], "99999", "postcode"),
        (["decide", "--sku", "sku-0001", "--postcode", "75011", "--explain", "q"], "Order (q) of --explain", "(1)"),
        (["import", "us", "--data", "no-such-data", "--out", "x"], "Data folder (no-such-data)", "SOURCEWISE_DATA"),
        (["orders", "--out", "orders.doc"], "orders.doc", "csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_gets_a_sentence_with_advice_and_exit_code_two(
    arguments: list[str],
    complaint: str,
    advice: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    streams = capsys.readouterr()
    assert complaint in streams.err
    assert advice in streams.err
    assert "Traceback" not in streams.err + streams.out
    assert streams.out == ""


def test_debug_lets_an_error_through_with_its_origin() -> None:
    with pytest.raises(InputError, match="no-such-folder"):
        main(["validate", "no-such-folder", "--debug"])


def test_importing_over_a_folder_that_is_not_empty_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", "fr", "--data", str(tmp_path), "--out", str(folder)) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_broken_network_shows_its_problems_and_exits_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("decide", "--network", str(tmp_path), "--sku", "a", "--postcode", "75011") == 2
    text = capsys.readouterr().err
    assert "nodes.csv" in text
    assert "sourcewise validate" in text


def test_sample_orders_can_be_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "orders.ndjson"
    assert run("orders", "--count", "7", "--out", str(path)) == 0
    assert len(read_orders(path)) == 7
    assert f"sourcewise decide --network demo {path}" in capsys.readouterr().out


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys\nfrom api.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print('loaded', sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'numba', 'scipy', 'pyarrow'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded []\n")


def test_nobody_but_us_writes_to_standard_output() -> None:
    """As the console script is called; the solver's C++ writes past Python's streams, as os.write does here."""
    code = (
        "import atexit, os, sys\nfrom api.cli.main import main\n"
        "atexit.register(os.write, 1, b'noise of a solver')\nsys.argv = ['sourcewise', '--help']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: sourcewise" in done.stdout
    assert "noise" not in done.stdout
    assert done.stderr.endswith("noise of a solver")


def test_an_order_by_options_takes_time_and_country_from_the_network() -> None:
    network = builders.network(nodes=(builders.node(),))
    order = one_order(network, one())
    assert order.placed_at == network.as_of
    assert order.destination is not None
    assert order.destination.country == "FR"
    assert order.lines[0].quantity == 2


def test_an_order_by_options_keeps_what_is_fixed_and_forbidden() -> None:
    given = one(
        methods=("same-day",), services=("std",), excluded_nodes=("wh",), deliver_by="2026-06-02T18:00Z", partial=True
    )
    order = one_order(builders.network(nodes=(builders.node(),)), given)
    assert order.methods == (Method.SAME_DAY,)
    assert order.services == ("std",)
    assert order.excluded_nodes == ("wh",)
    assert order.deliver_by == datetime(2026, 6, 2, 18, tzinfo=UTC)
    assert order.partial


@pytest.mark.parametrize(
    ("text", "sku", "quantity"),
    [("A", "A", 1), ("A:3", "A", 3), ("A:B", "A:B", 1), ("A:B:4", "A:B", 4), ("A:", "A:", 1)],
)
def test_a_sku_option_may_hold_colons(text: str, sku: str, quantity: int) -> None:
    line = line_of(text, 1)
    assert (line.sku, line.quantity) == (sku, quantity)


def test_a_negative_quantity_is_refused_and_not_taken_for_a_part_of_the_sku() -> None:
    with pytest.raises(InputError, match=r"Quantity \(-2\)"):
        line_of("A:-2", 1)


def test_methods_are_known_by_name_with_dashes_or_underscores() -> None:
    assert method_of("click-and-collect") is method_of("click_and_collect") is Method.CLICK_AND_COLLECT
    with pytest.raises(InputError, match=r"Method \(drone\)"):
        method_of("drone")


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(InputError, match=r"2026-11-23T10:00\+01:00"):
        moment_of("2026-11-23", "--at")


def test_an_erp_file_replaces_the_stock_of_a_network(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("Lager;Artikel;Bestand\nwh-lyon;sku-0001;12,0\nwh-lyon;nonsense;3,0\n", encoding="utf-8")
    names = ["--node", "Lager", "--sku", "Artikel", "--on-hand", "Bestand"]
    arguments = ["import", "erp", str(file), "--network", str(folder), "--out", str(tmp_path / "new"), *names]
    assert run(*arguments) == 2
    assert "nonsense" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert run(*arguments, "--skip-unknown") == 0
    assert "nonsense" in capsys.readouterr().out
    assert run("validate", str(tmp_path / "new")) == 0


def test_magento_exports_become_a_network_with_the_tariffs_of_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    source = "source_code,name,enabled,latitude,longitude,postcode,country_id\nparis,Paris,1,48.85,2.35,75011,FR\n"
    (exports / "sources.csv").write_text(source, encoding="utf-8")
    links = "stock_id,source_code,priority\n1,paris,1\n"
    (exports / "stock-source-links.csv").write_text(links, encoding="utf-8")
    items = "source_code,sku,quantity,status\nparis,sku-0001,4,1\n"
    (exports / "source-items.csv").write_text(items, encoding="utf-8")
    assert run("import", "magento", str(exports), "--out", str(tmp_path / "new")) == 0
    assert "1 node" in capsys.readouterr().out
    assert run("validate", str(tmp_path / "new")) == 0


def real_data() -> Path:
    folder = Path(os.environ.get("SOURCEWISE_DATA") or Path(__file__).parents[2] / "../shared/data")
    if not folder.is_dir():
        pytest.skip("no folder of real data (SOURCEWISE_DATA)")
    return folder


@pytest.mark.data
def test_the_french_network_is_built_once_and_then_taken_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = real_data()
    monkeypatch.setenv("SOURCEWISE_CACHE", str(tmp_path))
    outdated = tmp_path / "fr-seed1-0123456789"
    outdated.mkdir()
    first = network_named("fr", data=data)
    assert not outdated.exists()
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr("api.cli.networks.built_network", None)
    again = network_named("fr", data=data)
    assert again.version == first.version
    assert len(again.nodes) == len(first.nodes) > 50


@pytest.mark.data
def test_the_french_import_validates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fr"
    assert run("import", "fr", "--data", str(real_data()), "--out", str(out)) == 0
    assert "Made up:" in capsys.readouterr().out
    assert run("validate", str(out)) == 0

"""sourcewise explain: one decision told in full, for people and as a document."""

import json
from pathlib import Path

import pytest

from api.cli.main import main
from engine.adapters.orders import write_orders
from scenarios.demo import demo_network, demo_orders

ONE = ("explain", "--sku", "sku-0123:2", "--postcode", "33000")
HOME = ("--method", "ship-from-store", "--method", "ship-from-warehouse")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints; it must end well."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    streams = capsys.readouterr()
    assert ended.value.code in (0, None), streams.err
    return streams.out


def test_every_other_node_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, *ONE, *HOME, "--nodes", "0")
    network = demo_network()
    rows = text[text.index("Every other node for shipment 1") :]
    senders = [node.node_id for node in network.nodes if node.kind != "pickup_point"]
    missing = [node for node in senders if f"({node})" not in rows]
    assert len(missing) == 1  # the one that sends it
    assert "more node" not in rows


def test_what_would_have_changed_it_names_changes_and_what_they_cost(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, *ONE, *HOME)
    told = text[text.index("What would have changed it") :]
    assert "Without its choice of methods: " in told
    assert "If a shipment from Store La Rochelle (st-la-rochelle) cost " in told


def test_the_document_has_the_decision_and_the_reason_of_every_node(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(output(capsys, *ONE, *HOME, "--json"))
    assert set(document) == {"decision", "explanation"}
    (shipment,) = document["explanation"]["shipments"]
    senders = [node for node in demo_network().nodes if node.kind != "pickup_point"]
    assert len(shipment["nodes"]) == len(senders) - 1
    for node in shipment["nodes"]:
        if not node["code"]:
            assert node["extra_cents"] == sum(node["extra_by_rule"].values())
    kinds = {change["kind"] for found in document["explanation"]["counterfactuals"] for change in found["changes"]}
    assert "price" in kinds
    assert [found["changes"][0]["field"] for found in document["explanation"]["binding"]] == ["methods"]


def test_an_order_of_a_file_is_explained_on_what_the_ones_before_have_left(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    orders = demo_orders(demo_network(), 6)
    path = tmp_path / "orders.csv"
    write_orders(orders, path)
    wanted = orders[3].order_id
    document = json.loads(output(capsys, "explain", str(path), "--order", wanted, "--json"))
    assert document["decision"]["order_id"] == wanted
    alone = [json.loads(line) for line in output(capsys, "decide", str(path), "--json").splitlines()]
    assert document["decision"]["shipments"] == alone[3]["shipments"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain",), "Give either a file of orders or one order by options."),
        ((*ONE, "--order", "x"), "Order (x) of --order is not among the orders."),
        (("explain", "--sku", "nothing", "--postcode", "33000"), "names sku (nothing)"),
    ],
)
def test_wrong_input_is_a_sentence_with_advice(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert message in said.replace("\n", " ")
    assert "Maybe" in said


def test_a_file_of_several_orders_asks_which(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    write_orders(demo_orders(demo_network(), 3), path)
    with pytest.raises(SystemExit):
        main(["explain", str(path)])
    assert "say which: --order" in capsys.readouterr().err.replace("\n", " ")


def test_a_recorded_decision_is_explained_on_what_there_was_before_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    orders = demo_orders(demo_network(), 6)
    path, journal = tmp_path / "orders.csv", tmp_path / "journal.ndjson"
    write_orders(orders, path)
    output(capsys, "decide", str(path), "--record", str(journal), "--json")
    wanted = orders[4].order_id
    live = json.loads(output(capsys, "explain", str(path), "--order", wanted, "--json"))
    recorded = json.loads(output(capsys, "explain", "--journal", str(journal), "--order", wanted, "--json"))
    for document in (live, recorded):
        document["decision"].pop("elapsed_us")
    assert recorded == live


def test_a_journal_wants_an_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "--journal", str(tmp_path / "none.ndjson")])
    assert stopped.value.code == 2
    assert "--journal wants --order" in capsys.readouterr().err

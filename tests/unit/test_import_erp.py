"""Stock files as spreadsheets and ERPs write them, and every problem in them by row."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.imports.erp import ErpColumns, erp_stock
from engine.domain.errors import InputError, NetworkError, Problem
from engine.domain.ids import NodeId, SkuId
from engine.network.model import Inbound, Network
from tests import builders


@pytest.fixture
def network() -> Network:
    return builders.network()


def stock_of(network: Network) -> dict[tuple[str, str], tuple[int, int]]:
    stock = network.stock
    return {
        (network.nodes[n].node_id, network.skus.ids[s]): (int(q), int(r))
        for n, s, q, r in zip(stock.node, stock.sku, stock.on_hand, stock.reserved, strict=True)
    }


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "stock.csv"
    path.write_bytes(text.encode(encoding))
    return path


def problems_of(path: Path, network: Network, **options: Any) -> list[Problem]:
    with pytest.raises(NetworkError) as caught:
        erp_stock(path, network, **options)
    return caught.value.problems


@pytest.mark.parametrize(
    "text",
    [
        "node,sku,quantity\nwh,a,5\nst,b,1200\n",
        "\ufeffnode;sku;quantity\r\nwh;a;5,00\r\nst;b;1.200,00\r\n",
        'sku\tquantity\tnode\na\t5\twh\nb\t"1,200.0"\tst\n\n\n',
        "node|sku|quantity|note\nwh|a|5|\nst|b|1\u00a0200|late\n",
    ],
)
def test_files_of_any_dialect_mean_the_same_stock(network: Network, tmp_path: Path, text: str) -> None:
    found, warnings = erp_stock(write(tmp_path, text), network)
    assert stock_of(found) == {("wh", "a"): (5, 0), ("st", "b"): (1200, 0)}
    assert warnings == []
    assert found.nodes == network.nodes


def test_columns_may_have_any_name_and_several_add_up(network: Network, tmp_path: Path) -> None:
    path = write(tmp_path, "Lagerort;Artikel;frei;gesperrt;Auftr\xe4ge\n0100;a;3;2;1\n0100;a;4;0;2\n", "cp1252")
    columns = ErpColumns(node="Lagerort", sku="Artikel", on_hand=("frei", "gesperrt"), reserved=("Auftr\xe4ge",))
    found, _ = erp_stock(path, network, columns, node_ids={"0100": "wh"})
    assert stock_of(found) == {("wh", "a"): (9, 3)}


def test_a_number_that_can_be_read_in_two_ways_is_not_guessed(network: Network, tmp_path: Path) -> None:
    path = write(tmp_path, "node;sku;quantity\nwh;a;12.000\n")
    with pytest.raises(InputError, match=r"Number \(12\.000\)"):
        erp_stock(path, network)
    assert stock_of(erp_stock(path, network, decimal=",")[0]) == {("wh", "a"): (12_000, 0)}
    assert stock_of(erp_stock(path, network, decimal=".")[0]) == {("wh", "a"): (12, 0)}


def test_another_number_of_the_file_settles_what_one_leaves_open(network: Network, tmp_path: Path) -> None:
    path = write(tmp_path, "node;sku;quantity\nwh;a;12.000\nwh;b;7,0\n")
    assert stock_of(erp_stock(path, network)[0]) == {("wh", "a"): (12_000, 0), ("wh", "b"): (7, 0)}


def test_numbers_that_disagree_on_the_decimal_mark_are_refused(network: Network, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="disagree"):
        erp_stock(write(tmp_path, "node;sku;quantity\nwh;a;1,5\nwh;b;1.5\n"), network)


def test_unknown_nodes_and_skus_are_listed_by_row_with_what_was_meant(network: Network, tmp_path: Path) -> None:
    path = write(tmp_path, "node,sku,quantity\nwh,a,1\nWH,a,1\nwh,A,1\nwh,zzzzzz,1\n")
    found = problems_of(path, network)
    assert [(p.row, p.column, p.value) for p in found] == [(2, "node", "WH"), (3, "sku", "A"), (4, "sku", "zzzzzz")]
    assert found[0].hint == "(wh) is meant; upper and lower case differ."
    assert found[1].hint == "(a) is meant; upper and lower case differ."
    kept, warnings = erp_stock(path, network, skip_unknown=True)
    assert stock_of(kept) == {("wh", "a"): (1, 0)}
    assert {w.severity for w in warnings} == {"warning"}
    assert len(warnings) == 3


@pytest.mark.parametrize("cell", ["ten", "1.5 kg", "1,2,3,4", "--5", "2.5", "99999999999"])
def test_what_is_no_whole_number_of_units_is_a_problem(network: Network, tmp_path: Path, cell: str) -> None:
    found = problems_of(write(tmp_path, f"node;sku;quantity\nwh;a;{cell}\n"), network, decimal=".")
    assert [(p.row, p.column, p.value) for p in found] == [(1, "quantity", cell)]


@pytest.mark.parametrize("cell", ["-4", "4-", "-4.0"])
def test_negative_stock_is_none_with_a_warning(network: Network, tmp_path: Path, cell: str) -> None:
    found, warnings = erp_stock(write(tmp_path, f"node,sku,quantity\nwh,a,{cell}\n"), network)
    assert stock_of(found) == {("wh", "a"): (0, 0)}
    assert [(w.row, w.severity) for w in warnings] == [(1, "warning")]


def test_more_reserved_than_on_hand_is_a_warning(network: Network, tmp_path: Path) -> None:
    path = write(tmp_path, "node,sku,quantity,held\nwh,a,3,5\n")
    _, warnings = erp_stock(path, network, ErpColumns(reserved=("held",)))
    assert [(w.row, w.column) for w in warnings] == [(1, "held")]


def test_what_is_due_keeps_a_row_and_days_of_cover_stay(tmp_path: Path) -> None:
    lot = Inbound(node_id=NodeId("wh"), sku=SkuId("c"), units=5, available_at=builders.AS_OF + timedelta(days=2))
    plain = builders.network()
    stock = builders.stock_table(plain.nodes, plain.skus, {("wh", "a"): 1}, days_of_cover={("wh", "a"): 40})
    network = builders.network(stock=stock, inbound=(lot,))
    found, _ = erp_stock(write(tmp_path, "node,sku,quantity\nwh,a,2\nwh,b,2\n"), network)
    assert stock_of(found) == {("wh", "a"): (2, 0), ("wh", "b"): (2, 0), ("wh", "c"): (0, 0)}
    assert found.stock.days_of_cover.tolist() == [40, 0, 0]


def test_files_and_columns_that_are_not_there_are_named(network: Network, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        erp_stock(tmp_path / "none.csv", network)
    with pytest.raises(InputError, match="is empty"):
        erp_stock(write(tmp_path, ""), network)
    with pytest.raises(InputError, match="no column \\(sku\\)") as caught:
        erp_stock(write(tmp_path, "node,SKU,quantity\n"), network)
    assert "(SKU) is meant" in caught.value.hint
    with pytest.raises(InputError, match="Delimiter"):
        erp_stock(write(tmp_path, "node,sku,quantity\n"), network, delimiter=";;")
    with pytest.raises(InputError, match="Decimal mark"):
        erp_stock(write(tmp_path, "node,sku,quantity\n"), network, decimal="x")

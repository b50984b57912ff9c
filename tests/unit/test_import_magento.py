"""Magento's exports become nodes and stock, and what is wrong in them is named by file and row."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.folder import validate_folder, write_network
from engine.adapters.imports.magento import magento_network
from engine.domain.errors import InputError, NetworkError, Problem
from engine.domain.ids import NodeId, SkuId
from engine.network.model import Network, NodeKind, Offer
from scenarios.demo import demo_network

SOURCES: list[dict[str, Any]] = [
    {
        "source_code": "paris",
        "name": "Paris shop",
        "enabled": True,
        "latitude": 48.8566,
        "longitude": 2.3522,
        "country_id": "FR",
        "postcode": "75001",
        "extension_attributes": {"is_pickup_location_active": True},
    },
    {
        "source_code": "depot",
        "name": "Depot",
        "enabled": True,
        "latitude": "45.64",
        "longitude": "5.11",
        "country_id": "FR",
        "postcode": "38070",
    },
    {"source_code": "closed", "name": "Closed", "enabled": False, "country_id": "FR", "postcode": "75001"},
    {"source_code": "default", "name": "Default", "enabled": True, "country_id": "FR", "postcode": "75001"},
]
LINKS = [
    {"stock_id": 2, "source_code": "depot", "priority": 1},
    {"stock_id": 2, "source_code": "paris", "priority": 2},
    {"stock_id": 2, "source_code": "closed", "priority": 3},
]
ITEMS = [
    {"source_code": "paris", "sku": "sku-0001", "quantity": "7.0000", "status": 1},
    {"source_code": "depot", "sku": "sku-0001", "quantity": 100, "status": 1},
    {"source_code": "depot", "sku": "NEW", "quantity": 5, "status": 0},
    {"source_code": "depot", "sku": "LOST", "quantity": -3, "status": 1},
    {"source_code": "closed", "sku": "sku-0001", "quantity": 9, "status": 1},
]


@pytest.fixture(scope="module")
def base() -> Network:
    return demo_network()


def export(folder: Path, **changes: Any) -> Path:
    files = {"sources": SOURCES, "stock-source-links": LINKS, "source-items": ITEMS} | changes
    for name, rows in files.items():
        (folder / f"{name}.json").write_text(json.dumps({"items": rows, "total_count": len(rows)}))
    return folder


def problems_of(folder: Path, base: Network, **options: Any) -> list[Problem]:
    with pytest.raises(NetworkError) as caught:
        magento_network(folder, base, **options)
    return caught.value.problems


def source(at: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**row, **(changes if i == at else {})} for i, row in enumerate(SOURCES)]


def test_enabled_and_linked_sources_become_nodes_with_their_priority(base: Network, tmp_path: Path) -> None:
    network = magento_network(export(tmp_path), base)
    assert [node.node_id for node in network.nodes] == ["paris", "depot"]
    paris, depot = network.nodes
    assert (paris.kind, depot.kind) == (NodeKind.STORE, NodeKind.WAREHOUSE)
    assert Offer.PICKUP in paris.offers
    assert (paris.priority, depot.priority) == (1, 0)
    assert (depot.lat, depot.tz, depot.region) == (45.64, "Europe/Paris", "ARA")


def test_stock_counts_whole_units_and_nothing_that_is_sold_out_or_owed(base: Network, tmp_path: Path) -> None:
    network = magento_network(export(tmp_path), base)
    rows = {
        (network.nodes[n].node_id, network.skus.ids[s]): int(q)
        for n, s, q in zip(network.stock.node, network.stock.sku, network.stock.on_hand, strict=True)
    }
    assert rows == {("paris", "sku-0001"): 7, ("depot", "sku-0001"): 100, ("depot", "NEW"): 0, ("depot", "LOST"): 0}


def test_the_network_has_the_tariffs_of_its_base_and_no_problem_in_its_folder(base: Network, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    network = magento_network(export(tmp_path / "in"), base)
    assert network.rates == base.rates
    assert {row.node_id for row in network.collections} == {"paris", "depot"}
    write_network(network, tmp_path / "out")
    assert [p for p in validate_folder(tmp_path / "out") if p.severity == "error"] == []


def test_skus_take_weight_and_price_from_products_then_from_the_base(base: Network, tmp_path: Path) -> None:
    products = [{"sku": "NEW", "weight": "1.5", "price": 19.99}, {"sku": "ELSEWHERE", "weight": "x", "price": 1}]
    network = magento_network(export(tmp_path, products=products), base, weight_unit="lbs")
    new, known = (network.skus.index[SkuId(name)] for name in ("NEW", "sku-0001"))
    assert network.skus.weight_g[new] == 681  # 680.39 g, rounded up
    assert network.skus.value_cents[new] == 1_999
    assert network.skus.weight_g[known] == base.skus.weight_g[base.skus.index[SkuId("sku-0001")]]
    assert any("of 1 skus" in text for text in network.synthetic)  # LOST is known to nobody


def test_csv_exports_read_like_json(base: Network, tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text(
        "\ufeffsource_code,enabled,name,latitude,longitude,country_id,postcode,is_pickup_location_active\n"
        "paris,1,Paris shop,48.8566,2.3522,FR,75001,1\n",
        encoding="utf-8",
    )
    (tmp_path / "stock_source_links.csv").write_text("stock_id,source_code,priority\n1,paris,1\n")
    (tmp_path / "source_items.csv").write_text("source_code,sku,status,quantity\nparis,sku-0002,1,4\n")
    network = magento_network(tmp_path, base)
    assert network.nodes[0].node_id == NodeId("paris")
    assert network.stock.on_hand.tolist() == [4]


@pytest.mark.parametrize("missing", [None, "", "n/a"])
def test_missing_coordinates_are_a_problem_and_never_the_gulf_of_guinea(
    base: Network, tmp_path: Path, missing: str | None
) -> None:
    found = problems_of(export(tmp_path, sources=source(0, latitude=missing)), base)
    assert [(p.file, p.row, p.column) for p in found] == [("sources.json", 1, "latitude")]


def test_coordinates_of_zero_are_a_problem_with_the_place_of_the_postcode_as_a_hint(
    base: Network, tmp_path: Path
) -> None:
    found = problems_of(export(tmp_path, sources=source(1, latitude=0, longitude="0.0")), base)
    assert [(p.row, p.column) for p in found] == [(2, "latitude")]
    assert "45.3" in found[0].hint  # the department's centre


def test_all_problems_are_told_at_once(base: Network, tmp_path: Path) -> None:
    items = [
        {"source_code": "Paris", "sku": "a", "quantity": 1},
        {"source_code": "paris", "sku": "", "quantity": 1},
        {"source_code": "paris", "sku": "b", "quantity": "many"},
        {"source_code": "paris", "sku": "c", "quantity": 1},
        {"source_code": "paris", "sku": "c", "quantity": 2},
    ]
    sources = source(1, postcode="99999", country_id="XX")
    found = problems_of(export(tmp_path, sources=sources, **{"source-items": items}), base)
    assert [(p.file, p.row, p.column) for p in found] == [
        ("source-items.json", 1, "source_code"),
        ("source-items.json", 2, "sku"),
        ("source-items.json", 3, "quantity"),
        ("source-items.json", 5, "sku"),
        ("sources.json", 2, "postcode"),
    ]
    assert found[0].hint == "(paris) is meant; upper and lower case differ."


def test_links_of_several_stocks_need_a_choice(base: Network, tmp_path: Path) -> None:
    links = [*LINKS, {"stock_id": 1, "source_code": "default", "priority": 1}]
    folder = export(tmp_path, **{"stock-source-links": links})
    with pytest.raises(InputError, match="several stocks \\(1, 2\\)"):
        magento_network(folder, base)
    assert len(magento_network(folder, base, stock_id=2).nodes) == 2
    with pytest.raises(InputError, match="Stock \\(3\\)"):
        magento_network(folder, base, stock_id=3)


def test_files_that_are_absent_or_no_export_are_named(base: Network, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sources\.json"):
        magento_network(tmp_path, base)
    export(tmp_path)
    (tmp_path / "source-items.json").write_text('{"message": "Consumer is not authorized"}')
    with pytest.raises(InputError, match=r"source-items\.json"):
        magento_network(tmp_path, base)
    (tmp_path / "source-items.json").write_text("<html>")
    with pytest.raises(InputError, match="no JSON"):
        magento_network(tmp_path, base)
    with pytest.raises(InputError, match="Weight unit \\(stone\\)"):
        magento_network(tmp_path, base, weight_unit="stone")

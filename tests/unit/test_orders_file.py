"""Files of orders: every kind reads back what was written, and all that is wrong is listed with its place."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.orders import (
    OrdersError,
    check_orders,
    order_from_json,
    order_to_json,
    read_orders,
    write_orders,
)
from engine.domain.errors import InputError, Problem
from engine.domain.ids import LineId, NodeId, OrderId, ServiceId, SkuId
from engine.domain.order import LINES_MAX, Destination, Method, Order, OrderLine
from tests import builders as b

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=6)
IDS = TEXTS.filter(lambda t: t.strip() == t and t.isprintable() and t != "none" and ";" not in t)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def full_order() -> Order:
    """An order with every field off its default."""
    return Order(
        order_id=OrderId("O-1"),
        placed_at=datetime(2026, 3, 31, 14, 0, 0, 500, tzinfo=timezone(timedelta(hours=2))),
        lines=tuple(
            OrderLine(
                line_id=LineId(i), sku=SkuId(f"s{i}"), quantity=int(i), pin_node=NodeId("wh") if i == "2" else None
            )
            for i in ("1", "2", "3", "4")
        ),
        destination=Destination(country="FR", postcode="69003", lat=45.7, lon=4.8, residential=False),
        pickup_node=NodeId("st"),
        channel="web, mobile",
        methods=(Method.SAME_DAY, Method.PICKUP_POINT),
        excluded_methods=(Method.DROP_SHIP,),
        nodes=(NodeId("wh"), NodeId("st")),
        excluded_nodes=(NodeId("x"),),
        services=(ServiceId("std"),),
        excluded_services=(ServiceId("exp"), ServiceId("bike")),
        deliver_by=datetime(2026, 4, 3, 18, 0, tzinfo=UTC),
        requested_by=datetime(2026, 4, 2, 18, 0, tzinfo=UTC),
        max_shipments=2,
        max_shipments_per_line=1,
        max_distance_m=50_000,
        keep_together=((LineId("1"), LineId("3")), (LineId("2"), LineId("4"))),
        partial=True,
        signature=True,
        attributes=MappingProxyType({"gift": "yes", "note": 'say "hi", please'}),
    )


def csv_orders(folder: Path, *rows: str) -> list[Order]:
    path = folder / "orders.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return read_orders(path)


def problems(folder: Path, *rows: str) -> list[Problem]:
    with pytest.raises(OrdersError) as raised:
        csv_orders(folder, *rows)
    return raised.value.problems


@pytest.mark.parametrize("ending", [".csv", ".json", ".ndjson"])
def test_an_order_with_every_field_reads_back_the_same(tmp_path: Path, ending: str) -> None:
    orders = [
        full_order(),
        b.order("a", "b"),
        replace(b.order("a"), order_id=OrderId("pick"), destination=None, pickup_node=NodeId("st")),
    ]
    write_orders(orders, tmp_path / f"orders{ending}")
    assert read_orders(tmp_path / f"orders{ending}") == orders


@st.composite
def orders(draw: st.DrawFn) -> Order:
    ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    lines = tuple(
        OrderLine(
            line_id=LineId(i),
            sku=SkuId(draw(IDS)),
            quantity=draw(st.integers(1, 9)),
            pin_node=draw(st.none() | IDS.map(NodeId)),
        )
        for i in ids
    )
    place = Destination(country="FR", postcode=draw(IDS), residential=draw(st.booleans()))
    if draw(st.booleans()):
        place = replace(place, lat=draw(st.floats(-90, 90)), lon=draw(st.floats(-180, 180)))
    return Order(
        order_id=OrderId(draw(IDS)),
        placed_at=draw(MOMENTS),
        lines=lines,
        destination=place,
        channel=draw(IDS | st.just("")),
        methods=tuple(draw(st.lists(st.sampled_from(Method), max_size=3, unique=True))),
        excluded_nodes=tuple(draw(st.lists(IDS.map(NodeId), max_size=2, unique=True))),
        deliver_by=draw(st.none() | MOMENTS),
        max_shipments=draw(st.none() | st.integers(1, 9)),
        keep_together=(tuple(LineId(i) for i in ids),) if draw(st.booleans()) else (),
        partial=draw(st.booleans()),
        attributes=draw(st.dictionaries(IDS.filter(lambda t: "," not in t and '"' not in t), IDS, max_size=2)),
    )


@settings(max_examples=80, deadline=None)
@given(many=st.lists(orders(), min_size=1, max_size=3, unique_by=lambda o: o.order_id))
def test_any_orders_read_back_the_same_from_every_kind_of_file(
    many: list[Order], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("orders")
    for ending in (".json", ".ndjson", ".csv"):
        write_orders(many, folder / f"o{ending}")
        assert read_orders(folder / f"o{ending}") == many


def test_an_order_survives_json_text() -> None:
    order = full_order()
    assert order_from_json(json.loads(json.dumps(order_to_json(order)))) == order


def test_json_leaves_out_what_is_at_its_default() -> None:
    assert order_to_json(b.order("a")) == {
        "order_id": "o1",
        "placed_at": b.order("a").placed_at.isoformat(),
        "lines": [{"line_id": "a", "sku": "a", "quantity": 1}],
        "destination": {"country": "FR", "postcode": "75011"},
    }


def test_rows_of_one_order_may_be_apart_and_leave_its_own_cells_empty(tmp_path: Path) -> None:
    one, two = csv_orders(
        tmp_path,
        "order_id,placed_at,country,postcode,sku,quantity,keep_together,methods",
        "1,2026-06-01T09:00:00Z,FR,75011,a,1,x,",
        "2,2026-06-01T09:00:00Z,FR,69001,a,2,,ship_from_store;same_day",
        "1,,,,b,3,x,",
    )
    assert [(line.line_id, line.sku, line.quantity) for line in one.lines] == [("1", "a", 1), ("2", "b", 3)]
    assert one.keep_together == (("1", "2"),)
    assert two.methods == (Method.SHIP_FROM_STORE, Method.SAME_DAY)


def test_gzip_is_read_too(tmp_path: Path) -> None:
    write_orders([b.order("a")], tmp_path / "o.csv")
    (tmp_path / "o.csv.gz").write_bytes(gzip.compress((tmp_path / "o.csv").read_bytes()))
    assert read_orders(tmp_path / "o.csv.gz") == [b.order("a")]


HEADER = "order_id,placed_at,country,postcode,sku,quantity"
GOOD = "1,2026-06-01T09:00:00Z,FR,75011,a,1"


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("1,2026-06-01T09:00:00Z,FR,75011,a,0", "quantity", "below (1)"),
        ("1,2026-06-01T09:00:00Z,FR,75011,a,1000001", "quantity", "above"),
        ("1,2026-06-01T09:00:00Z,FR,75011,,1", "sku", "empty"),
        ("1,2026-06-01T09:00:00,FR,75011,a,1", "placed_at", "no time zone"),
        ("1,,FR,75011,a,1", "placed_at", "nowhere when it was placed"),
        ("1,2026-06-01T09:00:00Z,FR,,a,1", "postcode", "without a postcode"),
        ("1,2026-06-01T09:00:00Z,,75011,a,1", "country", "without a country"),
        ("1,2026-06-01T09:00:00Z,,,a,1", "order_id", "neither a destination nor a pickup_node"),
        ("1,2026-06-01T09:00:00Z,fr,75011,a,1", "country", "no ISO 3166-1"),
    ],
)
def test_a_wrong_row_is_found_with_its_column(tmp_path: Path, row: str, column: str, message: str) -> None:
    (problem,) = problems(tmp_path, HEADER, GOOD.replace("1,", "good,", 1), row)
    assert (problem.file, problem.row, problem.column) == ("orders.csv", 2, column)
    assert message in problem.message


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path, HEADER, "1,today,FR,75011,a,1", "2,2026-06-01T09:00:00Z,FR,75011,a,-1", "3,,FR,75011,a,1"
    )
    assert {(p.row, p.column) for p in found} == {(1, "placed_at"), (2, "quantity"), (3, "placed_at")}


def test_rows_of_an_order_that_contradict_each_other_are_an_error(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, HEADER, GOOD, GOOD.replace("75011", "69001").replace(",a,", ",b,"))
    assert (problem.row, problem.column, problem.value) == (2, "postcode", "69001")


def test_an_unknown_column_is_an_error_as_it_may_be_a_misspelt_limit(tmp_path: Path) -> None:
    late, other = problems(tmp_path, f"{HEADER},deliverby,shop", f"{GOOD},2026-06-02T09:00:00Z,7")
    assert (late.column, late.hint) == ("deliverby", "(deliver_by) is meant.")
    assert (other.column, other.hint) == ("shop", "name it attributes.shop to keep it with the order.")


def test_two_lines_of_one_name_are_an_error(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"{HEADER},line_id", f"{GOOD},7", f"{GOOD},7")
    assert "line (7) twice" in problem.message


def test_an_order_of_ten_thousand_lines_is_refused_with_advice(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, HEADER, *(GOOD.replace(",a,", f",s{i},") for i in range(10_000)))
    assert f"10000 lines, more than {LINES_MAX}" in problem.message
    assert problem.hint == "split it into several orders."


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        ({"lines": []}, "", "no lines"),
        ({"lines": None}, "lines", "missing"),
        ({"lines": {}}, "lines", "no list"),
        ({"lines": [{"line_id": "1", "sku": "a", "quantity": "2"}]}, "lines[1].quantity", "no whole number"),
        ({"lines": [{"line_id": "1", "sku": "a", "quantity": True}]}, "lines[1].quantity", "no whole number"),
        ({"lines": [{"line_id": "1", "sku": "a", "quantity": 0}]}, "lines[1]", "must be positive"),
        ({"lines": [{"line_id": "1", "sku": 7, "quantity": 1}]}, "lines[1].sku", "no text"),
        ({"lines": [{"line_id": "1", "quantity": 1}]}, "lines[1].sku", "missing"),
        ({"placed_at": "2026-06-01T09:00:00"}, "placed_at", "no time zone"),
        ({"placed_at": 5}, "placed_at", "no instant"),
        ({"placedat": "x"}, "placedat", "unknown"),
        ({"methods": ["drone"]}, "methods[1]", "no method"),
        ({"destination": {"country": "FR"}}, "destination.postcode", "missing"),
        ({"destination": {"country": "FR", "postcode": "75", "lat": 48.1}}, "destination", "one of lat, lon only"),
        ({"destination": "Paris"}, "destination", "no JSON object"),
        ({"partial": 1}, "partial", "no flag"),
        ({"max_shipments": 0}, "", "at least 1"),
        ({"attributes": {"a": 1}}, "attributes", "no object of texts"),
        ({"keep_together": [["1", "9"]]}, "", "no such line"),
    ],
)
def test_a_wrong_field_of_a_json_order_is_named_by_its_path(change: dict[str, Any], column: str, message: str) -> None:
    with pytest.raises(OrdersError) as raised:
        order_from_json(order_to_json(b.order("a")) | change)
    (problem,) = raised.value.problems
    assert problem.column == column
    assert message in problem.message


def test_what_is_no_object_is_no_order() -> None:
    for data in (None, [], "x", 5):
        with pytest.raises(OrdersError, match="no JSON object"):
            order_from_json(data)


def test_problems_of_json_files_name_the_order_by_its_number(tmp_path: Path) -> None:
    good = order_to_json(b.order("a"))
    path = tmp_path / "o.json"
    path.write_text(json.dumps([good, good | {"placed_at": "no"}, good | {"partial": "no"}]))
    with pytest.raises(OrdersError) as raised:
        read_orders(path)
    assert [(p.row, p.column) for p in raised.value.problems] == [(2, "placed_at"), (3, "partial")]
    path = tmp_path / "o.ndjson"
    path.write_text(f"{json.dumps(good)}\n\n{{oops\n{json.dumps(good)}\n")
    with pytest.raises(OrdersError) as raised:
        read_orders(path)
    assert [(p.row, p.column) for p in raised.value.problems] == [(2, ""), (3, "order_id")]


def test_one_object_is_a_file_of_one_order(tmp_path: Path) -> None:
    (tmp_path / "o.json").write_text(json.dumps(order_to_json(b.order("a"))))
    assert read_orders(tmp_path / "o.json") == [b.order("a")]


def test_a_file_that_is_missing_or_of_another_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of orders"):
        read_orders(tmp_path / "none.csv")
    (tmp_path / "o.xlsx").write_bytes(b"")
    with pytest.raises(InputError, match="no known kind"):
        read_orders(tmp_path / "o.xlsx")
    with pytest.raises(InputError, match="cannot be written"):
        write_orders([], tmp_path / "o.xlsx")


def test_what_no_cell_can_hold_is_not_written_as_csv(tmp_path: Path) -> None:
    for change in ({"order_id": " 1"}, {"nodes": ("a;b",)}, {"attributes": {"a": ""}}):
        with pytest.raises(InputError, match=r"cannot be written|fits no cell"):
            write_orders([replace(b.order("a"), **change)], tmp_path / "o.csv")


def test_names_that_the_network_lacks_are_listed_with_the_nearest(tmp_path: Path) -> None:
    network = b.network(skus=b.sku_table("shirt-red", "shirt-blue"))
    asked = [
        b.order("shirt-red"),
        replace(
            b.order("Shirt-Red", "shirt-blu", "zzz"),
            nodes=(NodeId("WH"),),
            services=(ServiceId("stdd"),),
            pickup_node=NodeId("wh"),
            destination=b.dest("99999"),
        ),
    ]
    found = {(p.row, p.column): (p.value, p.hint) for p in check_orders(network, asked)}
    assert found[2, "lines[1].sku"] == ("Shirt-Red", "(shirt-red) is meant; upper and lower case differ.")
    assert found[2, "lines[2].sku"] == ("shirt-blu", "(shirt-blue) is meant.")
    assert found[2, "lines[3].sku"] == ("zzz", "check the id, or add it to skus.csv.")
    assert found[2, "nodes[1]"] == ("WH", "(wh) is meant; upper and lower case differ.")
    assert found[2, "services[1]"] == ("stdd", "(std) is meant.")
    assert found[2, "pickup_node"][1] == "add pickup to its offers."
    assert found[2, "destination.postcode"][0] == "99999"
    assert len(found) == 7


def test_orders_of_another_time_than_the_network_are_warned_of() -> None:
    network = b.network()
    asked = [b.order("a", placed_at=b.AS_OF + timedelta(days=days)) for days in (-2, -1, 0, 34, 35)]
    assert [(p.row, p.severity) for p in check_orders(network, asked)] == [(1, "warning"), (5, "warning")]


def test_near_ids_are_found_among_very_many() -> None:
    network = b.network(skus=b.sku_table(*(f"SKU-{i:05d}" for i in range(10_000))), nodes=(), stock={})
    (problem,) = check_orders(network, [b.order("SKU-0421O")])
    assert problem.hint.startswith("(SKU-0421")

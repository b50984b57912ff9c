"""Everything that can be wrong in a folder is found, all of it at once, with its place and what to try."""

import csv
import gzip
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.adapters.folder.problems import LISTED_MAX
from engine.domain.errors import NetworkError, Problem
from tests import builders as b
from tests.unit.test_folder_roundtrip import assert_same, full_network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder without errors in which every table has rows and every column is written."""
    write_network(full_network(), tmp_path)
    return tmp_path


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rewrite(folder: Path, name: str, change: Callable[[list[dict[str, str]]], object]) -> None:
    """Change the rows of a table in place."""
    rows = table(folder, name)
    change(rows)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def put(folder: Path, name: str, column: str, value: str, row: int = 1) -> None:
    rewrite(folder, name, lambda rows: rows[row - 1].update({column: value}))


def found(folder: Path, file: str, column: str, severity: str = "error") -> list[Problem]:
    return [p for p in validate_folder(folder) if (p.file, p.column, p.severity) == (file, column, severity)]


CELLS = [
    ("nodes.csv", "node_id", "", "empty"),
    ("nodes.csv", "node_id", "*", "reserved"),
    ("nodes.csv", "node_id", "group:x", "reserved"),
    ("nodes.csv", "node_id", "a;b", "semicolon"),
    ("nodes.csv", "node_id", "a\u200bb", "cannot be seen"),
    ("nodes.csv", "kind", "Warehouse", "not one of"),
    ("nodes.csv", "lat", "", "empty"),
    ("nodes.csv", "lat", "98.5", "not within (-90) to (90)"),
    ("nodes.csv", "lat", "nan", "not a number"),
    ("nodes.csv", "lat", "48,85", "not a number"),
    ("nodes.csv", "lon", "-181", "not within"),
    ("nodes.csv", "country", "UK", "no ISO 3166-1"),
    ("nodes.csv", "region", "FR-IDF", "no ISO 3166-2"),
    ("nodes.csv", "tz", "Europe/Pariss", "no time zone"),
    ("nodes.csv", "tz", "../etc", "no time zone"),
    ("nodes.csv", "picking_hours", "Mo-Fr 8-18", "unreadable"),
    ("nodes.csv", "opening_hours", "Mo-Fr 08:00-18:00; PH -1 day off", "count days from a public holiday"),
    ("nodes.csv", "offers", "ship;collect", "not one of"),
    ("nodes.csv", "capacity_day_orders", "-1", "below"),
    ("nodes.csv", "handling_order_s", "1.5", "not a whole number"),
    ("nodes.csv", "handling_order_s", "1,500", "not a whole number"),
    ("nodes.csv", "rejection_ppm", "1000001", "above (1000000)"),
    ("skus.csv", "weight_g", "-5", "below"),
    ("skus.csv", "weight_g", "99999999999999999999", "not a whole number"),
    ("skus.csv", "hazardous", "yes", "neither"),
    ("skus.csv", "node_groups", "all;nowhere", "No group has the id (nowhere)"),
    ("skus.csv", "services", "exq", "No service has the id (exq)"),
    ("stock.csv", "node_id", "WH", "No node has the id (WH)"),
    ("stock.csv", "sku", "A", "No sku has the id (A)"),
    ("stock.csv", "on_hand", "-3", "below"),
    ("inbound.csv", "available_at", "2026-04-01T08:00:00", "no time zone"),
    ("inbound.csv", "available_at", "tomorrow", "no instant"),
    ("hours_exceptions.csv", "day", "24/12/2026", "no date"),
    ("hours_exceptions.csv", "day", "2026-02-30", "no date"),
    ("hours_exceptions.csv", "hours", "Mo 10:00-12:00", "no times"),
    ("hours_exceptions.csv", "applies_to", "all", "not one of"),
    ("services.csv", "carrier_id", "dhl", "No carrier has the id (dhl)"),
    ("services.csv", "zone_map", "nowhere", "No zone map has the id (nowhere)"),
    ("services.csv", "weight_max_g", "0", "below (1)"),
    ("services.csv", "transit_weekdays", "0000000", "nothing would ever arrive"),
    ("services.csv", "delivery_weekdays", "11111", "5 digits, not 7"),
    ("services.csv", "delivery_end", "24:00", "no time of day"),
    ("services.csv", "delivery_start", "21:00", "after they end"),
    ("transit.csv", "typical", "9", "do not ascend"),
    ("transit.csv", "typical_permille", "1001", "above (1000)"),
    ("transit.csv", "latest_permille", "600", "Fewer arrive"),
    ("collections.csv", "cutoff", "19:00", "is after the collection"),
    ("collections.csv", "cutoff", "", "One of cutoff and collect is empty"),
    ("collections.csv", "node_id", "group:nobody", "No node has the id (group:nobody)"),
    ("collections.csv", "weekdays", "Mo-Fy", "unreadable at (Fy)"),
    ("lanes.csv", "target", "wh", "to itself"),
    ("lanes.csv", "cutoff", "20:00:01", "is after the departure"),
    ("postcodes.csv", "lat", "", "empty"),
    ("zone_prefixes.csv", "origin_prefix", "7", "has not (2) characters"),
    ("rates.csv", "valid_to", "2026-13-01", "no date"),
]


@pytest.mark.parametrize(("file", "column", "value", "message"), CELLS)
def test_a_wrong_cell_is_found_with_its_place_and_value(
    folder: Path, file: str, column: str, value: str, message: str
) -> None:
    put(folder, file, column, value)
    problems = [p for p in found(folder, file, column) if message in p.message]
    assert [(p.row, p.value) for p in problems] == [(1, value)]
    with pytest.raises(NetworkError) as raised:
        read_network(folder)
    assert problems[0] in raised.value.problems


WARNINGS = [
    ("skus.csv", "weight_g", "0", "weight is 0"),
    ("skus.csv", "second_mm", "900", "not sorted"),
    ("nodes.csv", "postcode", "1001", "fewer than 5 digits"),
    ("stock.csv", "reserved", "50", "More units are reserved than on hand"),
]


@pytest.mark.parametrize(("file", "column", "value", "message"), WARNINGS)
def test_an_odd_cell_is_a_warning_and_the_network_is_read(
    folder: Path, file: str, column: str, value: str, message: str
) -> None:
    put(folder, file, column, value)
    assert any(message in p.message and p.row == 1 for p in found(folder, file, column, "warning"))
    read_network(folder)


HINTS = [
    ("stock.csv", "sku", "A", "(a) is meant; upper and lower case differ."),
    ("stock.csv", "node_id", "whh", "(wh) is meant."),
    ("nodes.csv", "country", "UK", "GB is meant."),
    ("nodes.csv", "tz", "Europe/Pariss", "(Europe/Paris) is meant."),
    ("nodes.csv", "region", "FR-IDF", "leave the country out: CA, not US-CA."),
    ("nodes.csv", "lat", "48,85", "write a point, not a comma."),
    (
        "nodes.csv",
        "picking_hours",
        "Mo-Fr 8-18",
        "the notation is that of OpenStreetMap, like Mo-Sa 09:00-19:30; PH off.",
    ),
    (
        "skus.csv",
        "weight_g",
        "0.5",
        "it is in a larger unit; numbers here are whole: cents, grams, millimetres, metres, seconds.",
    ),
    (
        "services.csv",
        "delivery_weekdays",
        "11110",
        "a spreadsheet dropped the leading zeros; write Tu-Fr or Sa;Su instead.",
    ),
    ("collections.csv", "node_id", "group:al", "(all) is meant."),
]


@pytest.mark.parametrize(("file", "column", "value", "hint"), HINTS)
def test_the_hint_says_what_to_write_instead(folder: Path, file: str, column: str, value: str, hint: str) -> None:
    put(folder, file, column, value)
    (problem,) = found(folder, file, column)
    assert problem.hint.startswith(hint)


def test_unreadable_hours_say_where_and_what_was_expected(folder: Path) -> None:
    put(folder, "nodes.csv", "opening_hours", "Mo-Fr 8-18")
    message = found(folder, "nodes.csv", "opening_hours")[0].message
    assert "(8-18), character 7" in message
    assert "timespan" in message


def test_all_problems_of_all_files_are_listed_at_once(folder: Path) -> None:
    put(folder, "nodes.csv", "lat", "")
    put(folder, "nodes.csv", "lon", "", row=2)
    put(folder, "stock.csv", "on_hand", "many")
    put(folder, "rates.csv", "service_id", "nothing")
    (folder / "network.toml").write_text('currency = "EUR"\n')
    with pytest.raises(NetworkError) as raised:
        read_network(folder)
    places = {(p.file, p.row, p.column) for p in raised.value.problems}
    assert places == {
        ("nodes.csv", 1, "lat"),
        ("nodes.csv", 2, "lon"),
        ("stock.csv", 1, "on_hand"),
        ("rates.csv", 1, "service_id"),
        ("network.toml", 0, "name"),
        ("network.toml", 0, "as_of"),
    }


def test_coordinates_of_exactly_zero_are_an_error(folder: Path) -> None:
    rewrite(folder, "nodes.csv", lambda rows: rows[1].update(lat="0", lon="0.0"))
    assert [p.row for p in found(folder, "nodes.csv", "lat")] == [2]


def test_a_thousand_wrong_rows_are_counted_and_only_the_first_listed(folder: Path) -> None:
    write_network(b.network(skus=b.sku_table(*(f"s{i}" for i in range(1000)))), folder)
    rewrite(folder, "stock.csv", lambda rows: [row.update(on_hand=f"-{i}") for i, row in enumerate(rows, start=1)])
    problems = found(folder, "stock.csv", "on_hand")
    assert len(problems) == LISTED_MAX + 1
    assert [p.row for p in problems] == [*range(1, LISTED_MAX + 1), 0]
    assert problems[-1].message == f"And {2000 - LISTED_MAX} more like it: (…) is below (…)."


def test_a_repeated_key_names_the_row_it_repeats(folder: Path) -> None:
    rewrite(folder, "stock.csv", lambda rows: rows.append(dict(rows[0])))
    (problem,) = found(folder, "stock.csv", "sku")
    assert (problem.row, problem.value) == (4, "wh, a")
    assert problem.message == "The row repeats node_id, sku of row (1)."


def test_a_repeated_row_without_a_key_is_a_warning(folder: Path) -> None:
    rewrite(folder, "inbound.csv", lambda rows: rows.append(dict(rows[0])))
    assert [p.row for p in found(folder, "inbound.csv", "", "warning")] == [2]


def test_ids_that_differ_in_case_only_are_flagged(folder: Path) -> None:
    rewrite(folder, "skus.csv", lambda rows: rows.append(rows[0] | {"sku": "A"}))
    assert [(p.row, p.value) for p in found(folder, "skus.csv", "sku", "warning")] == [(4, "A")]
    read_network(folder)


def test_a_missing_column_is_an_error_and_an_unknown_one_a_warning_with_the_nearest_name(folder: Path) -> None:
    rewrite(folder, "nodes.csv", lambda rows: [row.update({"latitude": row.pop("lat")}) for row in rows])
    (missing,) = found(folder, "nodes.csv", "lat")
    assert (missing.row, missing.message) == (0, "Column (lat) is missing.")
    (unknown,) = found(folder, "nodes.csv", "latitude", "warning")
    assert unknown.message == "Column (latitude) is unknown and not read."
    rewrite(folder, "nodes.csv", lambda rows: [row.update({"postcod": row.pop("postcode")}) for row in rows])
    assert [p.hint for p in found(folder, "nodes.csv", "postcod", "warning")] == ["(postcode) is meant."]


def test_without_a_key_column_rows_are_not_called_repeated(folder: Path) -> None:
    rewrite(folder, "stock.csv", lambda rows: [row.pop("sku") for row in rows])
    assert [p.message for p in validate_folder(folder) if p.file == "stock.csv"] == ["Column (sku) is missing."]


def test_missing_files_are_named_and_unknown_ones_are_warned_of(folder: Path) -> None:
    (folder / "nodes.csv").rename(folder / "node.csv")
    (missing,) = found(folder, "nodes.csv", "")
    assert "missing" in missing.message
    (unknown,) = found(folder, "node.csv", "", "warning")
    assert unknown.hint == "(nodes) is meant."
    # Not every reference to a node is an error of its own then.
    assert found(folder, "stock.csv", "node_id") == []


def test_a_folder_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    (problem,) = validate_folder(tmp_path / "nowhere")
    assert problem.message == "There is no such folder."
    with pytest.raises(NetworkError, match="no such folder"):
        read_network(tmp_path / "nowhere")


def test_the_same_table_in_two_formats_is_an_error(folder: Path) -> None:
    (folder / "stock.csv.gz").write_bytes(gzip.compress((folder / "stock.csv").read_bytes()))
    assert any("there twice" in p.message for p in validate_folder(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"node_id;sku;on_hand\nwh;a;1\n", "Columns are separated by (';'), not by a comma."),
        (b"node_id,sku,on_hand,sku\nwh,a,1,a\n", "Column (sku) is there twice."),
        (b"node_id,sku,on_hand\nwh,a,1\nwh,caf\xe9,1\n", "The file is not written in UTF-8."),
        (b'node_id,sku,on_hand\nwh,a,1\nwh,"b,1\n', "The row has (2) cells, not (3)."),
        (b"node_id,sku,on_hand\nwh,a,1\nwh,b\nwh,c,1\nwh,b,2,3\n", "The row has (2) cells, not (3)."),
    ],
)
def test_a_file_that_is_no_table_says_why(folder: Path, content: bytes, message: str) -> None:
    (folder / "stock.csv").write_bytes(content)
    assert any(p.message.startswith(message) for p in validate_folder(folder) if p.severity == "error")


def test_rows_are_numbered_as_in_the_file_although_uneven_ones_are_skipped(folder: Path) -> None:
    (folder / "stock.csv").write_bytes(b"node_id,sku,on_hand\nwh,a,1\nwh,b\nwh,c,-7\nwh,b,2,3\nwh,b,-8\n")
    problems = validate_folder(folder)
    assert [p.row for p in problems if p.message.startswith("The row has")] == [2, 4]
    assert [(p.row, p.value) for p in problems if p.column == "on_hand"] == [(3, "-7"), (5, "-8")]


def test_a_damaged_archive_or_parquet_file_is_a_problem_and_no_crash(folder: Path) -> None:
    (folder / "stock.csv").unlink()
    (folder / "stock.csv.gz").write_bytes(b"not gzip")
    (folder / "lanes.csv").unlink()
    (folder / "lanes.parquet").write_bytes(b"not parquet")
    broken = [p.file for p in validate_folder(folder) if "cannot be opened" in p.message]
    assert broken == ["lanes.parquet", "stock.csv.gz"]


def test_gzip_and_parquet_hold_the_same_network_as_csv(folder: Path) -> None:
    csv_network = read_network(folder)
    data = (folder / "nodes.csv").read_bytes()
    (folder / "nodes.csv").unlink()
    (folder / "nodes.csv.gz").write_bytes(gzip.compress(data))
    stock = table(folder, "stock.csv")
    (folder / "stock.csv").unlink()
    columns = {
        "node_id": pa.array([row["node_id"] for row in stock]),
        "sku": pa.array([row["sku"] for row in stock]).dictionary_encode(),
        "on_hand": pa.array([int(row["on_hand"]) for row in stock]),
        # What pandas makes of whole numbers with a gap.
        "reserved": pa.array([float(row["reserved"]) or None for row in stock]),
    }
    pyarrow.parquet.write_table(pa.table(columns), folder / "stock.parquet")
    assert_same(read_network(folder), csv_network)


def test_windows_line_ends_a_byte_order_mark_and_empty_lines_do_no_harm(folder: Path) -> None:
    before = read_network(folder)
    for name in ("stock.csv", "transit.csv"):
        data = (folder / name).read_bytes().replace(b"\n", b"\r\n")
        (folder / name).write_bytes(b"\xef\xbb\xbf" + data + b"\r\n")
    assert_same(read_network(folder), before)


def test_more_than_63_groups_or_services_are_refused(folder: Path) -> None:
    put(folder, "nodes.csv", "groups", ";".join(["all", *(f"g{i}" for i in range(63))]))
    rewrite(folder, "services.csv", lambda rows: rows.extend(rows[0] | {"service_id": f"s{i}"} for i in range(63)))
    assert [p.message for p in found(folder, "nodes.csv", "groups")] == ["Nodes have (64) groups, more than 63."]
    assert any("more than 63" in p.message for p in found(folder, "services.csv", "service_id"))


def test_nodes_and_services_without_collections_are_warned_of(folder: Path) -> None:
    (folder / "collections.csv").unlink()
    messages = [p.message for p in validate_folder(folder) if p.severity == "warning"]
    assert "Node (st) offers ship, but no carrier collects there." in messages
    assert "Service (std) is collected nowhere." in messages
    assert "Service (bike) is collected nowhere." not in messages
    read_network(folder)


def test_a_hundred_thousand_different_wrong_ids_are_found_in_one_pass(folder: Path) -> None:
    rows = "".join(f"wh,x{i},-{i}\n" for i in range(1, 100_001))
    (folder / "stock.csv").write_text("node_id,sku,on_hand\n" + rows)
    problems = [p for p in validate_folder(folder) if p.file == "stock.csv"]
    assert [p.message for p in problems if p.row == 0] == [
        f"And {100_000 - LISTED_MAX} more like it: (…) is below (…).",
        f"And {100_000 - LISTED_MAX} more like it: No sku has the id (…).",
    ]


@pytest.mark.parametrize("hours", ["off", "2024 Mo-Fr 08:00-18:00", "Jan-Feb off"])
def test_a_node_that_never_opens_or_works_again_is_warned_of(folder: Path, hours: str) -> None:
    rewrite(folder, "nodes.csv", lambda rows: [row.update(opening_hours=hours, picking_hours="") for row in rows])
    assert [p.row for p in found(folder, "nodes.csv", "opening_hours", "warning")] == [2, 3]
    assert [p.row for p in found(folder, "nodes.csv", "picking_hours", "warning")] == [2]
    read_network(folder)


def test_an_absurd_year_is_an_error(folder: Path) -> None:
    put(folder, "inbound.csv", "available_at", "0206-04-01T08:00:00Z")
    assert [p.message for p in found(folder, "inbound.csv", "available_at")] == [
        "(0206-04-01T08:00:00Z) is in the year (206)."
    ]


def test_coordinates_far_from_the_postcode_are_warned_of_and_swapped_ones_recognised(folder: Path) -> None:
    put(folder, "nodes.csv", "lat", "43.3")
    put(folder, "nodes.csv", "lon", "5.4")
    rewrite(folder, "nodes.csv", lambda rows: rows[1].update(lat=rows[1]["lon"], lon=rows[1]["lat"]))
    rewrite(folder, "nodes.csv", lambda rows: rows[2].update(lat="40.7", lon="-74.0"))
    assert [(p.row, p.hint) for p in found(folder, "nodes.csv", "lat", "warning")] == [
        (1, "the address was found in another place."),
        (2, "lat and lon are swapped."),
        (3, "the address was found in another place."),
    ]


def test_parquet_may_hold_dates_times_flags_and_instants_as_such(folder: Path) -> None:
    before = read_network(folder)
    due = table(folder, "inbound.csv")
    moments = [datetime.fromisoformat(row.pop("available_at")) for row in due]
    columns = {name: pa.array([row[name] for row in due], pa.large_string()) for name in due[0]}
    columns |= {
        "units": pa.array([int(row["units"]) for row in due], pa.decimal128(9, 2)),
        "available_at": pa.array(moments, pa.timestamp("us", tz="Europe/Paris")),
    }
    pyarrow.parquet.write_table(pa.table(columns), folder / "inbound.parquet")
    holidays = table(folder, "carrier_holidays.csv")
    columns = {name: pa.array([row[name] for row in holidays]) for name in holidays[0]}
    columns |= {
        "day": pa.array([date.fromisoformat(row["day"]) for row in holidays]),
        "runs": pa.array([row["runs"] == "1" for row in holidays]),
    }
    pyarrow.parquet.write_table(pa.table(columns), folder / "carrier_holidays.parquet")
    for name in ("inbound.csv", "carrier_holidays.csv"):
        (folder / name).unlink()
    assert_same(read_network(folder), before)

"""Histories out of files: dirty rows are counted, wrong files are named."""

from datetime import date
from pathlib import Path

import pytest

from engine.adapters.history import read_history
from engine.domain.errors import InputError

HEAD = "order_id,purchased,approved,handed_over,delivered,distance_m\n"
GOOD = "a,2025-03-03 10:00:00,2025-03-03 10:05:00,2025-03-04 09:00:00,2025-03-06T12:00,120000\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "history.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "reason", "column"),
    [
        ("b,03/03/2025,,,,1", "no time", "purchased"),
        ("b,,,,,1", "never purchased", "purchased"),
        ("b,2025-03-03,2025-03-01,,,1", "approved before purchased", "approved"),
        ("b,2025-03-03,2025-03-03,2025-03-02,,1", "handed_over before approved", "handed_over"),
        ("b,2025-03-03,2025-03-03,2025-03-05,2025-03-04,1", "delivered before handed_over", "delivered"),
        ("b,2025-03-03,,,2025-03-04,1", "delivered, never handed over", "handed_over"),
        ("b,2025-03-03,,2025-03-04,2055-03-05,1", "delivered in the future", "delivered"),
        ("b,2025-03-03,,,,", "distance unknown", "distance_m"),
        ("b,2025-03-03,,,,-5", "distance impossible", "distance_m"),
        ("b,2025-03-03,,,,nan", "distance impossible", "distance_m"),
        ("b,2025-03-03,,,,far", "no number", "distance_m"),
        ("a,2025-03-03,,,,7", "order id twice", "order_id"),
        (",2025-03-03,,,,7", "no order id", "order_id"),
    ],
)
def test_a_dirty_row_is_left_out_and_told_with_its_place(row: str, reason: str, column: str, tmp_path: Path) -> None:
    read = read_history(written(tmp_path, HEAD + GOOD + row + "\n"))
    assert [order.order_id for order in read.orders] == ["a"]
    assert read.left_out == {reason: 1}
    (problem,) = read.problems
    assert (problem.file, problem.row, problem.column, problem.message) == ("history.csv", 2, column, reason)
    assert problem.hint


def test_dates_after_the_last_day_of_a_history_are_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + GOOD + "b,2025-03-03,,2025-03-04,2025-04-01,7\n")
    assert len(read_history(path).orders) == 2
    assert read_history(path, date(2025, 3, 31)).left_out == {"delivered in the future": 1}


def test_a_purchase_far_after_nearly_all_others_is_wrong(tmp_path: Path) -> None:
    rows = "".join(f"o{i},2025-03-{1 + i % 28:02},,,,7\n" for i in range(300))
    read = read_history(written(tmp_path, HEAD + rows + "z,2052-03-03,,,,7\n"))
    assert read.left_out == {"purchased in the future": 1}
    assert len(read.orders) == 300


def test_distances_follow_from_places(tmp_path: Path) -> None:
    head = "order_id,purchased,handed_over,delivered,origin_lat,origin_lon,dest_lat,dest_lon\n"
    read = read_history(written(tmp_path, head + "a,2025-03-03,,,0,0,0,1\nb,2025-03-03,,,0,0,91,1\n"))
    assert read.orders[0].distance_m == pytest.approx(111_200, abs=300)  # a degree of the equator
    assert read.left_out == {"distance impossible": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows"),
        (HEAD, "has no rows"),
        ("order_id,purchased,delivered\na,2025-03-03,\n", r"lacks column \(handed_over\)"),
        ("order_id,purchased,handed_over,delivered\na,2025-03-03,,\n", r"lacks column \(distance_m\)"),
        (HEAD + "a,never,,,,1\n", r"no row that can be: no time \(1\)"),
    ],
)
def test_a_file_that_is_no_history_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_history(written(tmp_path, text))
    assert caught.value.hint


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_history(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"has no file orders\*"):
        read_history(tmp_path)
    for name in ("a.parquet", "a.csv.gz", "a.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InputError, match="cannot be read"):
            read_history(tmp_path / name)

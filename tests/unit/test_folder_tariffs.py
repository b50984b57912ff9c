"""Rate cards, zones and wildcards of a folder: overlaps, gaps, holes, and which row of a group wins."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.adapters.folder.document import FORMAT, format_text
from engine.adapters.folder.tables import TABLES
from engine.domain.errors import Problem
from engine.domain.ids import ServiceId, ZoneId
from engine.network.model import Network, Offer, Rate, Surcharge
from tests import builders as b


def problems(folder: Path, network: Network, file: str = "rates.csv") -> list[Problem]:
    write_network(network, folder)
    return [p for p in validate_folder(folder) if p.file == file]


def with_rates(*rates: Rate) -> Network:
    base = b.network()
    kept = tuple(rate for rate in base.rates if rate.service_id != "std")
    return replace(base, rates=(*rates, *kept))


def bands(zone: str, *weights: int, price: int = 500, **changes: object) -> tuple[Rate, ...]:
    return tuple(b.rate("std", zone, price, weight_max_g=weight, **changes) for weight in weights)


def test_two_prices_of_a_band_on_one_day_are_an_error_at_the_later_row(tmp_path: Path) -> None:
    summer = bands("near", 1000, valid_to=date(2026, 8, 31))
    autumn = bands("near", 1000, valid_from=date(2026, 8, 31))
    (problem,) = problems(tmp_path, with_rates(*summer, *autumn, *bands("far", 1000)))
    assert (problem.row, problem.column, problem.value) == (2, "valid_from", "2026-08-31")
    assert problem.message == (
        "Two prices for service (std), zone (near), up to (1000) g: row (1) holds on (2026-08-31) too."
    )


def test_dates_that_meet_without_overlap_are_fine(tmp_path: Path) -> None:
    summer = bands("near", 1000, valid_to=date(2026, 8, 31))
    autumn = bands("near", 1000, valid_from=date(2026, 9, 1))
    assert problems(tmp_path, with_rates(*autumn, *summer, *bands("far", 1000))) == []


def test_an_overlap_is_found_behind_a_short_tariff_within_a_long_one(tmp_path: Path) -> None:
    rows = (
        *bands("near", 1000),
        *bands("near", 1000, valid_from=date(2026, 1, 1), valid_to=date(2026, 1, 31)),
        *bands("near", 1000, valid_from=date(2026, 3, 1)),
    )
    found = problems(tmp_path, with_rates(*rows, *bands("far", 1000)))
    assert [(p.row, p.severity) for p in found] == [(2, "error"), (3, "error")]


def test_days_without_a_price_between_two_tariffs_are_stated(tmp_path: Path) -> None:
    rows = (
        *bands("near", 1000, valid_to=date(2026, 8, 31)),
        *bands("near", 1000, valid_from=date(2026, 9, 3)),
        *bands("far", 1000),
    )
    (problem,) = problems(tmp_path, with_rates(*rows))
    assert (problem.severity, problem.row) == ("warning", 2)
    assert problem.message.endswith("from (2026-09-01) to (2026-09-02).")


def test_a_zone_without_bands_that_others_have_is_warned_of_with_the_weights(tmp_path: Path) -> None:
    rows = (*bands("near", 500, 1000, 2000, 5000, 9000), *bands("far", 500, 5000))
    found = problems(tmp_path, with_rates(*rows))
    assert [(p.severity, p.row, p.message) for p in found] == [
        (
            "warning",
            6,
            "Zone (far) of service (std) has no price above (500) g up to (2000) g: (2) bands that other zones have.",
        ),
        (
            "warning",
            6,
            "Zone (far) of service (std) has no price above (5000) g up to (9000) g: (1) bands that other zones have.",
        ),
    ]


def test_bands_out_of_order_and_heavier_ones_that_are_cheaper_are_warned_of(tmp_path: Path) -> None:
    near = (*bands("near", 2000, price=600), *bands("near", 1000, price=700))
    far = (*bands("far", 1000, price=700), *bands("far", 2000, price=700))
    found = problems(tmp_path, with_rates(*near, *far))
    assert [(p.row, p.column) for p in found] == [(1, "price_cents"), (2, "weight_max_g")]


def test_a_price_per_kg_before_the_last_band_is_warned_of(tmp_path: Path) -> None:
    rows = (*bands("near", 1000, per_kg_beyond_cents=5), *bands("near", 2000, per_kg_beyond_cents=5))
    (problem,) = problems(tmp_path, with_rates(*rows, *bands("far", 1000, 2000)))
    assert (problem.row, problem.column) == (1, "per_kg_beyond_cents")


def test_a_tariff_that_has_ended_is_warned_of(tmp_path: Path) -> None:
    old = date(2026, 5, 31)
    found = problems(tmp_path, with_rates(*bands("near", 1000, valid_to=old), *bands("far", 1000, valid_to=old)))
    assert [p.message for p in found] == ["All prices of service (std) end on (2026-05-31), before as_of."]


def test_dates_the_wrong_way_round_are_an_error(tmp_path: Path) -> None:
    rows = bands("near", 1000, valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 1))
    found = problems(tmp_path, with_rates(*rows, *bands("far", 1000)))
    assert [(p.severity, p.column) for p in found] == [("error", "valid_to")]


def test_zones_without_price_or_transit_or_outside_the_map_are_warned_of(tmp_path: Path) -> None:
    base = with_rates(*bands("near", 1000), *bands("mars", 1000))
    without = tuple(t for t in base.transits if (t.service_id, t.zone) != ("std", "near"))
    found = problems(tmp_path, replace(base, transits=without), "services.csv")
    assert {p.message for p in found} == {
        "Zone (far) of service (std) has no price.",
        "Zone (near) of service (std) has no transit time.",
        "Zone (mars) of service (std) has prices, but its zone map never gives it.",
    }
    assert {p.severity for p in found} == {"warning"}


def test_a_service_without_any_price_is_warned_of_once(tmp_path: Path) -> None:
    found = problems(tmp_path, with_rates(), "services.csv")
    assert [p.message for p in found] == ["Service (std) has no price at all."]


def test_surcharges_that_can_never_be_due_or_cost_nothing_are_warned_of(tmp_path: Path) -> None:
    post, fast = b.network().carriers[0].carrier_id, ServiceId("exp")
    rows = (
        Surcharge(carrier_id=post, code="other", service_id=fast, amount_cents=5),
        Surcharge(carrier_id=post, code="free"),
        Surcharge(carrier_id=post, code="moon", zone=ZoneId("moon"), amount_cents=5),
    )
    found = problems(tmp_path, replace(b.network(), surcharges=rows), "surcharges.csv")
    assert [(p.row, p.column, p.severity) for p in found] == [
        (1, "service_id", "warning"),
        (2, "amount_cents", "warning"),
        (3, "zone", "warning"),
    ]


# Wildcards.


def collected(folder: Path, rows: Sequence[str], **changes: object) -> list[tuple[str, str, str, str | None]]:
    """The collections read from rows of text."""
    stores = tuple(b.store(f"s{i}", groups=("all", "north") if i == 1 else ("all",)) for i in (1, 2))
    base = replace(b.network(nodes=(b.node(), *stores, b.pickup_point()), collections=(), lanes=()), **changes)
    write_network(base, folder)
    text = "\n".join(["node_id,service_id,weekdays,cutoff,collect", *rows])
    (folder / "collections.csv").write_text(text)
    return [(c.node_id, c.service_id, c.weekdays, c.cutoff) for c in read_network(folder).collections]


def test_a_star_stands_for_every_node_that_ships(tmp_path: Path) -> None:
    assert collected(tmp_path, ["*,std,Mo-Sa,12:00,17:00"]) == [
        ("wh", "std", "1111110", "12:00"),
        ("s1", "std", "1111110", "12:00"),
        ("s2", "std", "1111110", "12:00"),
    ]


def test_a_star_of_a_courier_stands_for_every_node_that_offers_same_day(tmp_path: Path) -> None:
    assert [row[0] for row in collected(tmp_path, ["*,bike,Mo-Su,12:00,12:30"])] == ["s1", "s2"]


def test_a_node_wins_over_its_group_and_a_group_over_the_star_day_by_day(tmp_path: Path) -> None:
    rows = [
        "*,std,Mo-Su,10:00,17:00",
        'group:north,std,"Mo,Tu",11:00,17:00',
        "s1,std,Mo,12:00,17:00",
        "s1,exp,Mo,09:00,17:00",
        "s2,std,Su,,",
    ]
    assert collected(tmp_path, rows) == [
        ("wh", "std", "1111111", "10:00"),
        ("s1", "std", "0011111", "10:00"),
        ("s2", "std", "1111110", "10:00"),
        ("s1", "std", "0100000", "11:00"),
        ("s1", "std", "1000000", "12:00"),
        ("s1", "exp", "1000000", "09:00"),
    ]


def test_two_collections_of_one_rank_on_a_day_both_remain(tmp_path: Path) -> None:
    rows = ["group:all,std,Mo,10:00,11:00", "group:north,std,Mo,15:00,16:00"]
    assert [row[3] for row in collected(tmp_path, rows) if row[0] == "s1"] == ["10:00", "15:00"]


def test_a_wildcard_that_fits_no_node_is_warned_of(tmp_path: Path) -> None:
    collected(tmp_path, ["group:all,std,Mo,10:00,11:00"])
    lonely = replace(read_network(tmp_path), nodes=(b.node(groups=("all",), offers=(Offer.PICKUP,)),), collections=())
    write_network(replace(lonely, stock=b.stock_table(lonely.nodes, lonely.skus, {})), tmp_path)
    (tmp_path / "collections.csv").write_text(
        "node_id,service_id,weekdays,cutoff,collect\ngroup:all,std,Mo,10:00,11:00\n"
    )
    messages = [p.message for p in validate_folder(tmp_path) if p.file == "collections.csv"]
    assert messages == ["(group:all) fits no node that offers ship."]


def test_lanes_expand_on_both_ends_and_the_row_that_names_more_wins(tmp_path: Path) -> None:
    stores = (b.store("s1"), b.store("s2"))
    both = b.store("hub", offers=(Offer.TRANSFER_OUT, Offer.TRANSFER_IN))
    write_network(b.network(nodes=(b.node(), both, *stores), lanes=(), collections=()), tmp_path)
    rows = ["*,*,Mo-Fr,16:00,20:00,1,07:30", "wh,group:all,Fr,12:00,20:00,3,07:30", "wh,s2,Mo,10:00,20:00,1,07:30"]
    text = "\n".join(["origin,target,weekdays,cutoff,depart,transit_days,arrive", *rows])
    (tmp_path / "lanes.csv").write_text(text)
    assert [(r.origin, r.target, r.weekdays, r.cutoff) for r in read_network(tmp_path).lanes] == [
        ("wh", "hub", "1111000", "16:00"),
        ("wh", "s1", "1111000", "16:00"),
        ("wh", "s2", "0111000", "16:00"),
        ("hub", "s1", "1111100", "16:00"),
        ("hub", "s2", "1111100", "16:00"),
        ("wh", "hub", "0000100", "12:00"),
        ("wh", "s1", "0000100", "12:00"),
        ("wh", "s2", "0000100", "12:00"),
        ("wh", "s2", "1000000", "10:00"),
    ]


# The document.


def test_the_tables_of_the_format_page_are_those_of_the_code() -> None:
    page = FORMAT.read_text(encoding="utf-8")
    assert page == format_text(page), "run python -m engine.adapters.folder.document"


def test_every_example_of_the_format_page_can_be_read() -> None:
    for table in TABLES:
        for column in table.columns:
            if column.example:
                column.kind.parse(column.example)

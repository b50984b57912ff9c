"""The report: one file that loads nothing, escapes what it shows, and whose figures are those of the decisions."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api.report.comparison import HEADS, NARROW, chart, document, rows_of, sentence
from api.report.figures import Decided, figures_of, in_time, percentile, plan_terms, terms_by_rule
from api.report.geo import fitted, outlines
from api.report.page import report_html, write_report
from engine.decide.engine import Engine
from engine.domain.order import Method
from engine.domain.plan import Status
from engine.network.model import Network
from scenarios.comparison import AS_DECIDED, OURS, Comparison, compare_decided
from tests import builders
from tests.api.cli_cases import decided

WAREHOUSE, STORE, COLLECT = Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE, Method.CLICK_AND_COLLECT
VOID = {"meta", "input", "br", "path", "circle", "rect"}


class Balance(HTMLParser):
    """Fails on an element that is closed where another is open; collects the names of all attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
def network() -> Network:
    return builders.network(synthetic=("all of it",))


@pytest.fixture
def several(network: Network) -> list[Decided]:
    split = builders.order("a", "b", order_id="split")
    late = builders.order("a", order_id="late", requested_by=builders.at("2026-06-02T06:00"))
    kept = builders.order("a", order_id="kept", deliver_by=builders.at("2026-06-09T06:00"))
    collected = builders.order("c", order_id="collected", destination=None, pickup_node="st")
    never = builders.order(builders.line("a", 99), order_id="never")
    return [
        decided(network, split, [(("a",), WAREHOUSE, "wh", "std"), (("b",), STORE, "st", "exp")], elapsed_us=10),
        decided(network, late, [(("a",), WAREHOUSE, "wh", "std")], elapsed_us=20),
        decided(network, kept, [(("a",), WAREHOUSE, "wh", "std")], elapsed_us=30),
        decided(network, collected, [(("c",), COLLECT, "st", None)], elapsed_us=40),
        decided(network, never, [], elapsed_us=900),
    ]


def test_the_terms_of_the_figures_add_up_to_the_cost_of_the_plans(network: Network, several: list[Decided]) -> None:
    figures = figures_of(network, several)
    assert sum(cents for _, cents in figures.cost_by_rule) == figures.cost_cents
    assert figures.cost_cents == sum(item.decision.plan.cost_cents for item in several)


def test_figures_count_orders_shipments_splits_and_dates(network: Network, several: list[Decided]) -> None:
    figures = figures_of(network, several)
    assert (figures.num_orders, figures.num_served, figures.num_partial, figures.num_optimal) == (5, 4, 0, 4)
    assert (figures.num_shipments, figures.num_split) == (5, 1)
    assert figures.shipments_by_method == ((WAREHOUSE, 3), (STORE, 1), (COLLECT, 1))
    assert figures.orders_by_num_shipments == ((1, 3), (2, 1))
    assert (figures.num_dated, figures.num_in_time) == (2, 1)
    assert figures.shipments_by_node == (("wh", 3), ("st", 2))
    assert sum(count for _, count in figures.shipments_by_days) == 5
    assert dict(figures.shipments_by_days)[0] == 1
    assert (figures.elapsed_us_p50, figures.elapsed_us_p99, figures.elapsed_us_sum) == (30, 900, 1000)


def test_figures_of_nothing_are_zeros(network: Network) -> None:
    figures = figures_of(network, [])
    assert (figures.cost_per_order_cents, figures.decisions_per_s, figures.elapsed_us_p99) == (0, 0, 0)


def test_an_order_without_a_date_is_neither_late_nor_in_time(network: Network, several: list[Decided]) -> None:
    assert in_time(several[0].order, several[0].decision.plan) is None
    assert in_time(several[1].order, several[1].decision.plan) is False
    assert in_time(several[2].order, several[2].decision.plan) is True
    assert in_time(several[4].order, several[4].decision.plan) is None


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.75, 3), (0.99, 4), (0.01, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile([4, 2, 1, 3], share) == value


def test_the_report_is_whole_and_loads_nothing_from_anywhere(network: Network, several: list[Decided]) -> None:
    page = report_html(network, several)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert parser.links == []
    assert not re.search(r"https?://|@import|url\(", page)
    assert "$" not in re.sub(r"\$\d", "", page)


def test_the_report_holds_every_decision_with_its_terms_dates_and_reasons(
    network: Network, several: list[Decided]
) -> None:
    page = report_html(network, several)
    assert page.count('<details class="decision"') == 5
    for words in ("Picking and packing", "Handed over", "Why not elsewhere", "Not served: 99 × a", "too little stock"):
        assert words in page
    assert "Made up: all of it." in page
    assert "Natural Earth" in page


def test_the_same_decisions_give_the_same_report(network: Network, several: list[Decided]) -> None:
    assert report_html(network, several) == report_html(network, several)


def test_names_cannot_break_out_of_the_page() -> None:
    evil = '<script>alert("x")</script>'
    network = builders.network(
        name=evil, nodes=(builders.node(name=evil), builders.store(name=evil), builders.pickup_point(name=evil))
    )
    page = report_html(
        network, [decided(network, builders.order("a", order_id=evil), [(("a",), WAREHOUSE, "wh", "std")])]
    )
    assert evil not in page
    assert page.count("<script>") == 1


def test_a_network_beyond_the_known_outlines_still_gets_a_map() -> None:
    nodes = tuple(
        builders.node(f"n{i}", country="JP", lat=35.0 + i, lon=139.0 + i, tz="Asia/Tokyo", region="13")
        for i in range(2)
    )
    page = report_html(builders.network(nodes=nodes, stock={}, lanes=(), collections=()), [])
    assert '<svg class="map"' in page
    assert '<path class="land"' not in page


def test_a_report_is_written_to_a_file(network: Network, several: list[Decided], tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", network, several, title="Mine")
    assert "<title>Mine · Sourcewise</title>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_map_keeps_north_up_and_areas_equal() -> None:
    """A degree square at 50 north covers cos(50)/cos(42) of one at 42 north; so it does on the map."""
    ring = [(-5.0, 41.0), (10.0, 41.0), (10.0, 52.0), (-5.0, 52.0)]
    project, height = fitted(ring, 760, 18)

    def area(lon: float, lat: float, side: float = 0.1) -> float:
        corners = [
            project(lon, lat),
            project(lon + side, lat),
            project(lon + side, lat + side),
            project(lon, lat + side),
        ]
        turns = zip(corners, corners[1:] + corners[:1], strict=True)
        return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in turns)) / 2

    assert project(2.0, 50.0)[1] < project(2.0, 45.0)[1]
    assert project(5.0, 45.0)[0] > project(0.0, 45.0)[0]
    assert area(2.0, 50.0) / area(2.0, 42.0) == pytest.approx(0.8649 / 1.0, abs=0.002)
    for lon, lat in ring:
        x, y = project(lon, lat)
        assert -1 <= x <= 761
        assert -1 <= y <= height + 1


def test_outlines_are_closed_rings_of_the_asked_countries_only() -> None:
    assert outlines(["DE"]) == []
    france = outlines(["FR"])
    assert len(france) == 3
    assert all(ring[0] == ring[-1] for ring in france)
    assert all(-6 < lon < 10 and 41 < lat < 52 for ring in france for lon, lat in ring)
    assert len(outlines(["FR", "US"])) > 10


def test_terms_are_summed_by_rule_in_the_order_of_the_rules(several: list[Decided]) -> None:
    sums = terms_by_rule(plan_terms(several[0].decision.plan))
    names = [rule for rule, _ in sums]
    assert names.index("carrier") < names.index("picking") < names.index("split")
    assert several[4].decision.plan.status is Status.INFEASIBLE


@pytest.fixture
def compared(network: Network, several: list[Decided]) -> Comparison:
    engine = Engine(network)
    return compare_decided(engine, [(d.order, d.decision) for d in several], orders_max=3, commit=False)


def test_the_report_shows_every_policy_as_a_bar_and_a_row(
    network: Network, several: list[Decided], compared: Comparison
) -> None:
    page = report_html(network, several, comparison=compared)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    rows = rows_of(compared)
    assert [row.name for row in rows[:2]] == [AS_DECIDED, OURS]
    for row in rows:
        assert page.count(f">{row.title}<") == 2
    assert "The same first 3 of 5 orders" in page
    assert "Left out: Rule (priority) goes by priority" in page
    assert page.count('<g class="ours">') == 2


def test_the_groups_of_a_row_add_up_to_its_cost(compared: Comparison) -> None:
    for row in rows_of(compared):
        assert sum(row.groups) == pytest.approx(row.cost_cents)
        assert len(row.cells()) == len(HEADS)
        assert row.cells(NARROW[:2]) == row.cells()[:2]


def test_rules_stand_by_cost_and_one_without_its_traps_only_where_that_matters(compared: Comparison) -> None:
    base = compared.figures["spree"]
    figures = {
        OURS: base,
        "spree": base | {"cost_per_order": 9.0},
        "spree-corrected": base | {"cost_per_order": 8.0},
        "hotwax": base | {"cost_per_order": 7.0},
        "hotwax-corrected": base | {"cost_per_order": 7.0},
    }
    titles = [row.title for row in rows_of(replace(compared, figures=figures))]
    assert titles == ["Sourcewise, home only", "HotWax", "Spree, corrected", "Spree"]


def test_bars_start_where_the_last_one_ends_and_credits_lie_left_of_zero(compared: Comparison) -> None:
    terms = {"cents_carrier": 600.0, "cents_picking": 200.0, "cents_markdown": -100.0}
    plain = {key: value for key, value in compared.figures[OURS].items() if not key.startswith("cents_")}
    figures = {OURS: plain | terms}
    (row,) = rows_of(replace(compared, figures=figures))
    drawn = chart([row])
    found = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*var\(--(m\d)\)', drawn)
    parts = {css: (float(x), float(x) + float(width)) for x, width, css in found}
    zero = float(re.findall(r'class="zero" d="M([\d.]+)', drawn)[0])
    assert parts["m1"][0] == pytest.approx(zero)
    assert parts["m7"][0] == pytest.approx(parts["m1"][1], abs=0.11)
    assert parts["m4"][1] == pytest.approx(zero, abs=0.11)
    assert parts["m1"][1] - parts["m1"][0] == pytest.approx(3 * (parts["m7"][1] - parts["m7"][0]), abs=0.5)


def test_the_document_of_a_comparison_has_the_figures_of_every_policy(network: Network, compared: Comparison) -> None:
    found = document(network, compared)
    assert found["policies"].keys() == compared.figures.keys()
    keys = {"cost_per_order", "cost_per_order_cash", "splits", "late_share", "unfilled_share", "store_share"}
    assert all(figures.keys() >= keys for figures in found["policies"].values())
    assert (found["num_orders"], found["currency"]) == (3, "EUR")
    best = found["policies"][found["best_baseline"]]["cost_per_order"]
    saved = 1 - found["policies"][OURS]["cost_per_order"] / best
    assert found["saving_vs_best_baseline"] == pytest.approx(saved, abs=1e-4)
    assert {left["policy"] for left in found["left_out"]} == {"priority", "magento-priority"}


def test_a_comparison_from_which_all_rules_were_left_out_says_so(network: Network, compared: Comparison) -> None:
    alone = replace(compared, figures={OURS: compared.figures[OURS]})
    assert document(network, alone)["saving_vs_best_baseline"] is None
    assert "cheapest rule" not in sentence(alone, 3)
    assert "Sourcewise, home only" in report_html(network, [], comparison=alone)

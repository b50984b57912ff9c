"""Decisions as JSON: stable keys, whole cents, times in UTC, and everything the objects say. Words for people too."""

import doctest
import json

import pytest

import api.serialise
import api.wording
from api.cli.screen import screen
from api.cli.show import decisions_table, figures_tables
from api.cli.tell import tell
from api.report.figures import Decided, figures_of
from api.serialise import decision_to_dict
from engine.domain.order import Method
from engine.network.model import Network
from tests import builders
from tests.api.cli_cases import decided

SHIPMENT_KEYS = [
    "method",
    "node",
    "service",
    "place",
    "lines",
    "num_parcels",
    "weight_g",
    "distance_m",
    "co2e_g",
    "promise",
    "cost_cents",
    "terms",
]


@pytest.fixture
def network() -> Network:
    return builders.network()


@pytest.fixture
def split(network: Network) -> Decided:
    choices = [(("a",), Method.SHIP_FROM_WAREHOUSE, "wh", "std"), (("b",), Method.SHIP_FROM_STORE, "st", "exp")]
    return decided(network, builders.order("a", "b"), choices)


def test_a_decision_survives_json_and_its_amounts_add_up(split: Decided) -> None:
    document = json.loads(json.dumps(decision_to_dict(split.decision, currency="EUR")))
    terms = document["terms"] + [term for shipment in document["shipments"] for term in shipment["terms"]]
    assert document["cost_cents"] == sum(term["amount_cents"] for term in terms)
    assert all(isinstance(term["amount_cents"], int) for term in terms)
    for term in terms:
        assert not term["parts"] or sum(part["cents"] for part in term["parts"]) == term["raw_cents"]
    assert document["currency"] == "EUR"
    assert document["bound_cents"] == document["cost_cents"]


def test_keys_come_in_a_fixed_order(split: Decided) -> None:
    document = decision_to_dict(split.decision, currency="EUR")
    assert list(document)[:6] == ["order_id", "status", "cost_cents", "bound_cents", "gap", "deliver_by"]
    assert list(document["shipments"][0]) == SHIPMENT_KEYS


def test_times_are_in_utc_and_pass_in_order(split: Decided) -> None:
    document = decision_to_dict(split.decision, currency="EUR")
    for shipment in document["shipments"]:
        promise = shipment["promise"]
        names = ("pick_start", "pick_end", "ship_by", "deliver_earliest", "deliver_by")
        times = [promise[name] for name in names]
        assert times == sorted(times)
        assert all(time.endswith("Z") for time in times)


def test_an_order_that_cannot_be_served_keeps_the_reason_of_each_node(network: Network) -> None:
    item = decided(network, builders.order(builders.line("a", 99)), [])
    document = decision_to_dict(item.decision, currency="EUR")
    assert (document["status"], document["shipments"], document["deliver_by"]) == ("infeasible", [], None)
    (unmet,) = document["unmet"]
    assert unmet["quantity"] == 99
    assert {"node": "wh", "reason": "no_stock"} in unmet["reasons"]


@pytest.mark.parametrize("module", [api.wording, api.serialise], ids=lambda module: module.__name__)
def test_the_examples_in_the_documentation_are_true(module: object) -> None:
    outcome = doctest.testmod(module)  # type: ignore[arg-type]
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_a_decision_is_told_with_its_dates_cents_and_reasons(
    network: Network, split: Decided, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    tell(network, split, screen())
    text = capsys.readouterr().out
    for words in (
        "in 2 shipments, proven cheapest",
        "1. Ship from warehouse: wh by std",
        "Handed over  Mon 01 Jun 17:00",
        "Why not elsewhere",
        "2 shipments: 1 x 2.00",
        "In one shipment from wh: −",
    ):
        assert words in text


def test_an_order_that_cannot_be_served_is_told_with_its_reasons(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(network, decided(network, builders.order(builders.line("a", 99)), []), screen())
    text = capsys.readouterr().out
    assert "Cannot be served" in text
    assert "too little stock (" in text


def test_tables_show_every_order_and_what_they_cost_by_term(
    network: Network, split: Decided, capsys: pytest.CaptureFixture[str]
) -> None:
    console = screen()
    console.print(decisions_table(network, [split]))
    figures_tables(network, figures_of(network, [split]), console)
    text = capsys.readouterr().out
    assert "Ship from warehouse, Ship from store" in text
    for words in ("All terms", "Split", "Proven cheapest", "Shipments promised", "decisions per second"):
        assert words in text

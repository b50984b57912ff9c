"""What rules ask of a network and an order, and what they say where it is not there."""

from dataclasses import replace

import pytest

from engine.decide.engine import Engine
from engine.domain.errors import InputError
from engine.domain.order import Destination
from engine.network.model import Network, Offer
from scenarios.baselines.decide import Baseline
from scenarios.baselines.hotwax import HotWax
from scenarios.baselines.magento import MagentoDistance, MagentoPriority
from scenarios.baselines.rule import Rule
from scenarios.baselines.rules import RULES, Nearest, Priority
from tests import builders as b

BY_DISTANCE = [rule for rule in RULES if rule.needs_distance]
BY_PRIORITY = [rule for rule in RULES if rule.needs_priority]
NOWHERE = {"lat": 0.0, "lon": 0.0}


def network(*, wh: dict[str, object] | None = None, st: dict[str, object] | None = None) -> Network:
    return b.network(nodes=(b.node("wh", **(wh or {})), b.store("st", **(st or {}))), lanes=())


def baseline(rule: Rule, made: Network) -> Baseline:
    return Baseline(Engine(made, guard=False), rule)


def test_every_rule_says_what_it_goes_by() -> None:
    assert {rule.name for rule in BY_PRIORITY} == {"priority", "magento-priority"}
    assert {rule.name for rule in RULES} - {rule.name for rule in (*BY_PRIORITY, *BY_DISTANCE)} == {"spree"}


@pytest.mark.parametrize("rule", BY_DISTANCE, ids=lambda rule: rule.name)
def test_a_network_without_coordinates_is_refused_by_rules_that_go_by_distance(rule: type[Rule]) -> None:
    with pytest.raises(
        InputError, match=rf"Rule \({rule.name}\) .* no node of network \(\S+\) has coordinates"
    ) as told:
        baseline(rule(), network(wh=NOWHERE, st=NOWHERE))
    assert "fill lat and lon in nodes.csv" in told.value.hint


@pytest.mark.parametrize("rule", BY_PRIORITY, ids=lambda rule: rule.name)
def test_a_network_without_priorities_is_refused_by_rules_that_go_by_them(rule: type[Rule]) -> None:
    same = {"priority": 3}
    with pytest.raises(InputError, match=rf"Rule \({rule.name}\) .* all nodes of network \(\S+\) have the same \(3\)"):
        baseline(rule(), network(wh=same, st=same))
    baseline(rule(), network(wh=same, st={"priority": 4}))


def test_a_single_node_needs_no_priority() -> None:
    baseline(Priority(), network(st={"offers": (Offer.PICKUP,)}))  # the store ships nothing


def test_rules_that_go_by_other_things_take_a_network_without_coordinates() -> None:
    made = baseline(MagentoPriority(), network(wh=NOWHERE | {"priority": 1}, st=NOWHERE))
    assert made.decide(b.order("a", destination=Destination(country="FR", postcode="75011", **NOWHERE))).plan.shipments


@pytest.mark.parametrize("rule", BY_DISTANCE, ids=lambda rule: rule.name)
def test_an_order_to_a_place_without_coordinates_is_refused_by_rules_that_go_by_distance(rule: type[Rule]) -> None:
    made = baseline(rule(), network())
    order = b.order("a", destination=Destination(country="FR", postcode="75011", **NOWHERE))
    with pytest.raises(
        InputError, match=r"destination of order \(\S+\), postcode \(75011\), has no coordinates"
    ) as told:
        made.decide(order)
    assert "lat and lon" in told.value.hint


def test_a_node_without_coordinates_is_last_for_most_and_first_for_hotwax() -> None:
    made = network(wh=NOWHERE | {"priority": 0}, st={"priority": 1})
    order = b.order("a", destination=Destination(country="FR", postcode="75011"))
    for rule, node in ((Nearest(), "st"), (MagentoDistance(), "st"), (HotWax(), "wh"), (HotWax(corrected=True), "st")):
        assert [s.node for s in baseline(rule, made).decide(order).plan.shipments] == [node]


def test_unknown_nodes_and_skus_are_told_as_by_the_engine() -> None:
    made = baseline(Nearest(), network())
    with pytest.raises(InputError, match="unknown node"):
        made.decide(replace(b.order("a"), excluded_nodes=("elsewhere",)))
    with pytest.raises(InputError, match=r"Sku .*is unknown"):
        made.decide(b.order("zzz"))

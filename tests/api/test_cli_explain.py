"""Why a plan and not another: rivals are whole plans, their differences add up, and no rule is broken in silence."""

from api.explain import explain
from api.report.figures import plan_terms, terms_by_rule
from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Status
from engine.network.live import Live
from engine.network.model import Network
from engine.options.tools import Tools
from tests import builders
from tests.api.cli_cases import decided, plan_of

WAREHOUSE = Method.SHIP_FROM_WAREHOUSE
STORE = Method.SHIP_FROM_STORE


def explained(network: Network, order: Order, plan: Plan, rivals_max: int = 3):  # type: ignore[no-untyped-def]
    return explain(network, Live(network), network.policy(), order, plan, Tools.of(network), rivals_max=rivals_max)


def test_a_rival_costs_more_by_the_sum_of_its_differences() -> None:
    network, order = builders.network(), builders.order("a", "b")
    plan = plan_of(network, order, [(("a", "b"), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    (rival,) = reasons.rivals
    assert rival.shipment.node == "st"
    assert rival.extra_cents == sum(cents for _, cents in rival.extra_by_rule)
    assert rival.extra_cents > 0
    other = plan_of(network, order, [(("a", "b"), rival.shipment.method, "st", rival.shipment.service)])
    assert other.cost_cents - plan.cost_cents == rival.extra_cents
    before, after = dict(terms_by_rule(plan_terms(plan))), dict(terms_by_rule(plan_terms(other)))
    rules = set(before) | set(after)
    differences = {rule: after.get(rule, 0) - before.get(rule, 0) for rule in rules}
    assert dict(rival.extra_by_rule) == {rule: cents for rule, cents in differences.items() if cents}


def test_a_node_without_stock_is_named_with_its_reason() -> None:
    network = builders.network(stock={("wh", "a"): 5})
    order = builders.order("a")
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    assert reasons.rivals == ()
    assert [loser.node for loser in reasons.losers] == ["st"]
    assert "none to promise" in reasons.losers[0].reason
    assert reasons.losers[0].distance_m > 300_000


def test_a_node_with_too_little_stock_says_how_much_it_has() -> None:
    network = builders.network(stock={("wh", "a"): 5, ("st", "a"): 1})
    order = builders.order(builders.line("a", 2))
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    assert [loser.reason for loser in reasons.losers] == ["st can promise 1 of a, not 2."]


def test_an_excluded_node_is_no_rival() -> None:
    network = builders.network()
    order = builders.order("a", excluded_nodes=("st",))
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    assert (reasons.num_rivals, reasons.num_losers) == (0, 1)
    assert "excludes node st" in reasons.losers[0].reason


def test_a_cheaper_rival_names_the_rule_it_would_break() -> None:
    """The warehouse would send the second line for less, but has room for one order a day."""
    network = builders.network(nodes=(builders.node(capacity_day_orders=1), builders.store(), builders.pickup_point()))
    order = builders.order("a", "b")
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std"), (("b",), STORE, "st", "exp")])
    second = explained(network, order, plan).shipments[1]
    cheapest = second.rivals[0]
    assert cheapest.shipment.node == "wh"
    assert cheapest.extra_cents < 0
    assert "takes 1 orders a day" in cheapest.breaks


def test_a_split_order_says_what_one_shipment_would_have_cost() -> None:
    network = builders.network()
    order = builders.order("a", "b")
    plan = plan_of(network, order, [(("a",), STORE, "st", "std"), (("b",), WAREHOUSE, "wh", "std")])
    why = explained(network, order, plan)
    assert why.undivided is not None
    assert why.undivided.shipment.node == "wh"
    assert why.undivided.extra_cents < 0
    assert dict(why.undivided.extra_by_rule)["split"] == -network.policy().split_cents


def test_a_split_order_that_no_node_could_send_whole_says_so() -> None:
    network = builders.network(stock={("wh", "a"): 5, ("st", "b"): 5})
    order = builders.order("a", "b")
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std"), (("b",), STORE, "st", "std")])
    assert explained(network, order, plan).undivided is None


def test_a_rival_place_carries_the_trip_of_the_customer() -> None:
    network = builders.network()
    order = builders.order("a", destination=builders.dest("69003"))
    plan = plan_of(network, order, [(("a",), STORE, "st", "std")])
    rivals = explained(network, order, plan).shipments[0].rivals
    by_place = [rival for rival in rivals if rival.shipment.place is not None]
    assert all("trip" in dict(rival.extra_by_rule) for rival in by_place)


def test_counts_stay_whole_when_few_are_listed() -> None:
    stores = tuple(builders.store(f"st{i}", lat=45 + i / 10) for i in range(6))
    rows = tuple(builders.collection(store.node_id, "std") for store in stores)
    network = builders.network(
        nodes=(builders.node(), *stores), lanes=(), collections=(builders.collection("wh", "std"), *rows)
    )
    order = builders.order("a")
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan, rivals_max=2).shipments
    assert len(reasons.rivals) == 2
    assert reasons.num_rivals == 6
    assert reasons.rivals[0].extra_cents <= reasons.rivals[1].extra_cents


def test_an_order_that_cannot_be_served_has_reasons_on_its_lines_only() -> None:
    network = builders.network(stock={("wh", "a"): 5})
    item = decided(network, builders.order("b"), [])
    assert item.decision.plan.status is Status.INFEASIBLE
    assert item.explanation is not None
    assert item.explanation.shipments == ()
    assert {node for node, _ in item.decision.plan.unmet[0].reasons} >= {"wh", "st"}

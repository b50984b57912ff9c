"""Why a plan and not another: rivals are whole plans, their differences add up, and no rule is broken in silence."""

from api.report.figures import plan_terms, terms_by_rule
from api.wording import change_words, node_reason
from engine.decide.engine import Engine
from engine.decide.reasons import Explanation, Kind
from engine.domain.ids import NodeId
from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Status
from engine.domain.policy import Policy
from engine.network.model import Network
from tests import builders
from tests.api.cli_cases import decided, plan_of

WAREHOUSE = Method.SHIP_FROM_WAREHOUSE
STORE = Method.SHIP_FROM_STORE


def explained(network: Network, order: Order, plan: Plan, rivals_max: int = 3) -> Explanation:
    return Engine(network).explain(order, plan, rivals_max=rivals_max)


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
    (lost,) = reasons.could_not
    assert (lost.node, lost.code, lost.sku, lost.units, lost.wanted) == ("st", "no_stock", "a", 0, 1)
    assert lost.distance_m > 300_000
    assert node_reason(network, lost, "Europe/Paris") == "has none to promise"


def test_a_node_with_too_little_stock_says_how_much_it_has() -> None:
    network = builders.network(stock={("wh", "a"): 5, ("st", "a"): 1})
    order = builders.order(builders.line("a", 2))
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    assert [node_reason(network, lost, "Europe/Paris") for lost in reasons.could_not] == ["can promise 1 of a, not 2"]


def test_an_excluded_node_is_no_rival() -> None:
    network = builders.network()
    order = builders.order("a", excluded_nodes=("st",))
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    assert reasons.could == []
    assert [(lost.node, lost.code) for lost in reasons.could_not] == [("st", "node")]


def test_a_cheaper_rival_names_the_rule_it_would_break() -> None:
    """The warehouse would send the second line for less, but has room for one unit a day."""
    network = builders.network(nodes=(builders.node(capacity_day_units=1), builders.store(), builders.pickup_point()))
    order = builders.order("a", "b")
    plan = plan_of(network, order, [(("a",), WAREHOUSE, "wh", "std"), (("b",), STORE, "st", "exp")])
    second = explained(network, order, plan).shipments[1]
    cheapest = second.rivals[0]
    assert cheapest.shipment.node == "wh"
    assert cheapest.extra_cents < 0
    assert "takes 1 units a day" in cheapest.breaks


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
    assert len(reasons.could) == 6
    assert reasons.rivals[0].extra_cents <= reasons.rivals[1].extra_cents


def test_an_order_that_cannot_be_served_has_reasons_on_its_lines_only() -> None:
    network = builders.network(stock={("wh", "a"): 5})
    item = decided(network, builders.order("b"), [])
    assert item.decision.plan.status is Status.INFEASIBLE
    assert item.explanation is not None
    assert item.explanation.shipments == ()
    assert {node for node, _ in item.decision.plan.unmet[0].reasons} >= {"wh", "st"}


def test_a_node_that_sends_other_lines_is_a_rival_with_them_in_one_shipment() -> None:
    network, order = builders.network(stock={("wh", "a"): 1, ("wh", "b"): 1, ("st", "a"): 1}), builders.order("a", "b")
    plan = plan_of(network, order, [(("a",), STORE, "st", "std"), (("b",), WAREHOUSE, "wh", "std")])
    sender = [shipment.node for shipment in plan.shipments].index(NodeId("st"))
    first = explained(network, order, plan).shipments[sender]
    (reason,) = first.nodes
    assert reason.node == "wh"
    assert [{line.line_id for line in rival.shipment.lines} for rival in first.rivals] == [{"a", "b"}]
    assert dict(reason.extra_by_rule)["split"] == -network.policy().split_cents
    assert reason.extra_cents == first.rivals[0].extra_cents


def test_a_missed_cut_off_is_named_with_its_time_and_what_would_have_been() -> None:
    """Ordered half an hour after the warehouse's cut-off: a parcel from a dearer one leaves a day earlier."""
    rows = (
        builders.collection("wh", "std", cutoff="12:00", collect="17:00"),
        builders.collection("w2", "std", cutoff="14:00", collect="17:00"),
    )
    policy = Policy(waiting_day_cents=500, methods=(WAREHOUSE, STORE))
    nodes = (builders.node(), builders.node("w2", cost_order_cents=150))
    network = builders.network(nodes=nodes, lanes=(), collections=rows, policies=(policy,))
    order = builders.order("a", placed_at=builders.at("2026-06-01T12:30+02:00"))
    engine = Engine(network)
    plan = engine.decide(order).plan
    assert [shipment.node for shipment in plan.shipments] == ["w2"]
    why = engine.explain(order, plan)
    (lost,) = why.shipments[0].nodes
    assert lost.cut_off == builders.at("2026-06-01T12:00+02:00")
    assert node_reason(network, lost, "Europe/Paris").endswith("; cut-off Mon 01 Jun 12:00 missed")
    (found,) = [one for one in why.counterfactuals if one.changes[0].kind is Kind.CUT_OFF]
    (change,) = found.changes
    assert (change.node, change.service, change.before, change.cut_off) == ("wh", "std", "12:00", "12:30")
    assert [leg.node for leg in found.becomes] == ["wh"]
    assert change_words(network, change, "Europe/Paris") == "if the cut-off of std at wh were 12:30, not 12:00"


def test_an_order_that_cannot_be_served_says_what_stock_it_would_take() -> None:
    network = builders.network(stock={("wh", "a"): 1})
    order = builders.order(builders.line("a", 3))
    engine = Engine(network)
    why = engine.explain(order, engine.decide(order).plan)
    stock = [one.changes for one in why.counterfactuals if one.changes[0].kind is Kind.STOCK]
    assert [(change.node, change.sku, change.units) for (change,) in stock] == [("wh", "a", 2)]


def test_a_rule_that_binds_is_told_with_what_would_be_without_it() -> None:
    network = builders.network()
    order = builders.order("a", excluded_nodes=("wh",), methods=(WAREHOUSE, STORE))
    engine = Engine(network)
    why = engine.explain(order, engine.decide(order).plan)
    assert [(one.changes[0].field, [leg.node for leg in one.becomes]) for one in why.binding] == [("nodes", ["wh"])]


def test_explaining_leaves_no_trace_in_what_the_engine_decides_with() -> None:
    network = builders.network(stock={("wh", "a"): 2, ("st", "a"): 5})
    engine = Engine(network)
    orders = [builders.order(builders.line("a", n + 1), order_id=f"o{n}") for n in range(4)]
    before = [engine.decide(order).plan for order in orders]
    for order, plan in zip(orders, before, strict=True):
        engine.explain(order, plan)
    assert [engine.decide(order).plan for order in orders] == before


def test_more_lines_than_the_kernel_takes_still_have_the_reason_of_every_node() -> None:
    names = tuple(f"x{i}" for i in range(40))
    network = builders.network(skus=builders.sku_table(*names), stock={("wh", name): 5 for name in names})
    order = builders.order(*names, partial=False)
    plan = plan_of(network, order, [(names, WAREHOUSE, "wh", "std")])
    (reasons,) = explained(network, order, plan).shipments
    assert [(lost.node, lost.code) for lost in reasons.nodes] == [("st", "no_stock")]

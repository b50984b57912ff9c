"""One decision told in full: what was asked, what was chosen, its dates, each cent, and why not elsewhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from api.cli.show import plain_table
from api.wording import (
    METHOD_TITLES,
    amount,
    counterfactual_words,
    distance,
    local_moment,
    local_window,
    mass,
    money,
    node_reason,
    node_title,
    order_summary,
    order_tz,
    plan_headline,
    plural,
    reason_title,
    reasons_summary,
    relaxed_words,
    rule_title,
    shipment_tz,
)

if TYPE_CHECKING:
    from api.report.figures import Decided
    from engine.decide.reasons import Explanation, Rival, ShipmentReasons
    from engine.domain.order import Order
    from engine.domain.plan import CostTerm, Plan, Shipment, Unmet
    from engine.network.model import Network

INDENT = (0, 0, 0, 2)
UNMET_REASONS_MAX = 8
LOSERS_MAX = 3


def tell(network: "Network", item: "Decided", console: Console) -> None:
    """Print one decision in full."""
    plan, order, explanation = item.decision.plan, item.order, item.explanation
    console.print(Text.assemble((f"Order {plan.order_id}", "bold"), ": ", plan_headline(plan, network.currency)))
    console.print(Text(order_summary(network, order), style="dim"))
    if plan.relaxed:
        words = f"Nothing keeps to every limit, so the plan was allowed: {relaxed_words(plan.relaxed)}."
        console.print(Text(words, style="yellow"))
    for i, shipment in enumerate(plan.shipments):
        console.print()
        _shipment(network, order, shipment, f"{i + 1}. " if len(plan.shipments) > 1 else "", console)
        if explanation is not None:
            _reasons(network, explanation.shipments[i], shipment_tz(network, order, shipment), console)
    for unmet in plan.unmet:
        console.print()
        _unmet(network, unmet, console)
    if plan.terms:
        console.print()
        console.print(Text("Of the whole order", style="bold"))
        console.print(Padding(_terms(plan.terms, network.currency), INDENT))
    if plan.shipments:
        console.print()
        console.print(Text(_proof(network, plan, explanation)))
    if explanation is not None:
        _flips(network, item, explanation, console)


def _shipment(network: "Network", order: "Order", shipment: "Shipment", number: str, console: Console) -> None:
    to = f" to {node_title(network, shipment.place)}" if shipment.place and shipment.place != shipment.node else ""
    service = f" by {shipment.service}" if shipment.service else ""
    head = f"{number}{METHOD_TITLES[shipment.method]}: {node_title(network, shipment.node)}{service}{to}"
    console.print(Text(head, style="bold"))
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in shipment.lines)
    parcels = f", {plural(shipment.num_parcels, 'parcel')}" if shipment.service else ""
    facts = (
        f"{lines}; {mass(shipment.weight_g)}{parcels}, {distance(shipment.distance_m)}, {mass(shipment.co2e_g)} CO2e"
    )
    console.print(Padding(Text(facts, style="dim"), INDENT))
    console.print(Padding(_dates(network, order, shipment), INDENT))
    console.print(Padding(_terms(shipment.terms, network.currency, shipment.cost_cents), INDENT))


def _dates(network: "Network", order: "Order", shipment: "Shipment") -> Table:
    promise = shipment.promise
    here = network.nodes[network.node_index[shipment.node]].tz
    there = shipment_tz(network, order, shipment)
    table = plain_table("When", "")
    table.add_row("Release by", local_moment(promise.release_by, here))
    table.add_row("Picked", local_window(promise.pick_start, promise.pick_end, here))
    if shipment.place != shipment.node:
        table.add_row("Handed over", local_moment(promise.ship_by, here))
    window = local_window(promise.deliver_earliest, promise.deliver_by, there)
    table.add_row("Ready" if shipment.place else "Delivered", f"{window} ({promise.confidence:.1%} sure)")
    return table


def _terms(terms: "Sequence[CostTerm]", currency: str, total_cents: int | None = None) -> Table:
    """Cost terms with what they are made of; the sum below, where given."""
    table = plain_table("Cost", "", "", right=(1,))
    for term in terms:
        parts = [f"{name} {amount(cents)}" for name, cents in term.parts if cents]
        why = "; ".join(filter(None, (term.because, ", ".join(parts) if len(parts) > 1 else "")))
        table.add_row(rule_title(term.rule), money(term.amount_cents, currency), Text(why, style="dim"))
    if total_cents is not None:
        table.add_row("", Text(money(total_cents, currency), style="bold"), "")
    return table


def _reasons(network: "Network", reasons: "ShipmentReasons", tz: str, console: Console) -> None:
    could_not = reasons.could_not
    words = f"Why not elsewhere: {plural(len(reasons.could), 'other node')} could, {len(could_not):,} could not"
    console.print(Padding(Text(words, style="dim"), INDENT))
    table = plain_table("", "", "", right=(1,))
    table.show_header = False
    for rival in reasons.rivals:
        table.add_row(*_rival(network, rival))
    for reason in could_not[:LOSERS_MAX]:
        far = f", {distance(reason.distance_m)}" if reason.distance_m else ""
        words = node_reason(network, reason, tz)
        table.add_row(Text(f"{node_title(network, reason.node)}{far}"), "–", Text(words, style="dim"))
    console.print(Padding(table, INDENT))


def _flips(network: "Network", item: "Decided", explanation: "Explanation", console: Console) -> None:
    """Rules that bind, and the smallest changes that would have flipped the decision."""
    tz, plan = order_tz(network, item.order), item.decision.plan
    found = (*explanation.binding, *explanation.counterfactuals)
    if not found:
        return
    console.print()
    console.print(Text("What would have changed it", style="bold"))
    for one in found:
        console.print(Padding(Text(f"{counterfactual_words(network, one, plan, tz)}."), INDENT))


def tell_nodes(network: "Network", item: "Decided", console: Console, *, nodes_max: int) -> None:
    """List the other nodes of each shipment with their reasons: so many that could and that could not; 0 for all."""
    assert item.explanation is not None, "reasons are asked for"
    most = nodes_max or len(network.nodes)
    pairs = zip(item.decision.plan.shipments, item.explanation.shipments, strict=True)
    for number, (shipment, reasons) in enumerate(pairs, start=1):
        tz = shipment_tz(network, item.order, shipment)
        could, could_not = reasons.could, reasons.could_not
        console.print()
        title = f"Every other node for shipment {number}: {len(could):,} could, {len(could_not):,} could not"
        console.print(Text(title, style="bold"))
        table = plain_table("Node", "Away", "How", "Dearer by", "Why", right=(1, 3))
        for reason in could[:most]:
            assert reason.method is not None, "it could"
            assert reason.extra_cents is not None, "it could"
            table.add_row(
                Text(node_title(network, reason.node)),
                distance(reason.distance_m),
                reason.service or METHOD_TITLES[reason.method],
                amount(reason.extra_cents, sign=True),
                Text(node_reason(network, reason, tz), style="dim"),
            )
        for reason in could_not[:most]:
            why = Text(node_reason(network, reason, tz), style="dim")
            table.add_row(Text(node_title(network, reason.node)), distance(reason.distance_m), "–", "–", why)
        console.print(table)
        rest = max(0, len(could) - most) + max(0, len(could_not) - most)
        if rest:
            console.print(Text(f"… and {plural(rest, 'more node')}; --nodes 0 lists all", style="dim"))


def _rival(network: "Network", rival: "Rival") -> tuple[Text, str, Text]:
    shipment = rival.shipment
    how = shipment.service or METHOD_TITLES[shipment.method]
    differences = ", ".join(f"{rule_title(rule)} {amount(cents, sign=True)}" for rule, cents in rival.extra_by_rule[:4])
    why = f"{differences}; but {rival.breaks}" if rival.breaks else differences
    extra = money(rival.extra_cents, network.currency, sign=True)
    return Text(f"{node_title(network, shipment.node)}, {how}"), extra, Text(why, style="dim")


def _unmet(network: "Network", unmet: "Unmet", console: Console) -> None:
    console.print(Text(f"Not served: {unmet.quantity} × {unmet.sku} (line {unmet.line_id})", style="bold yellow"))
    if unmet.reasons:
        console.print(Padding(Text(reasons_summary(unmet.reasons)), INDENT))
    table = plain_table("Node", "Why not")
    for node, reason in unmet.reasons[:UNMET_REASONS_MAX]:
        table.add_row(Text(node_title(network, node)), Text(reason_title(reason), style="dim"))
    if len(unmet.reasons) > UNMET_REASONS_MAX:
        table.add_row(f"… and {plural(len(unmet.reasons) - UNMET_REASONS_MAX, 'more node')}", "")
    if unmet.reasons:
        console.print(Padding(table, INDENT))


def _proof(network: "Network", plan: "Plan", explanation: "Explanation | None") -> str:
    """What the total is, how it is proven, and what one shipment would have cost."""
    total = money(plan.cost_cents, network.currency)
    if plan.cost_cents == plan.bound_cents:
        words = f"Total {total}: no plan is cheaper, the bound equals the cost."
    else:
        words = f"Total {total}: no plan costs less than {money(plan.bound_cents, network.currency)}."
    if explanation is None or len(plan.shipments) < 2:
        return words
    one = explanation.undivided
    if one is None:
        return f"{words} No node can send it all in one shipment."
    extra = money(one.extra_cents, network.currency, sign=True)
    breaks = f", but {one.breaks}" if one.breaks else ""
    return f"{words} In one shipment from {node_title(network, one.shipment.node)}: {extra}{breaks}."

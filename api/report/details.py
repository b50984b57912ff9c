"""The table of decisions: a row each, which opens to its shipments, dates, cost terms and reasons."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from api.report.figures import Decided, plan_terms, terms_by_rule
from api.wording import (
    METHOD_TITLES,
    STATUS_TITLES,
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
    plural,
    reason_title,
    reasons_summary,
    relaxed_words,
    rule_title,
    shipment_tz,
)
from engine.decide.reasons import Explanation, Rival, ShipmentReasons
from engine.domain.order import Order
from engine.domain.plan import CostTerm, Plan, Shipment, Status, Unmet
from engine.network.model import Network

UNMET_REASONS_MAX = 8
LOSERS_MAX = 3


def decision_rows(network: Network, decided: Sequence[Decided]) -> str:
    """All rows, in the order of the decisions."""
    return "".join(_row(network, item) for item in decided)


def _row(network: Network, item: Decided) -> str:
    plan = item.decision.plan
    methods = sorted({s.method for s in plan.shipments})
    dots = "".join(f'<i class="dot m-{m.value}"></i>' for m in methods)
    how = ", ".join(METHOD_TITLES[m] for m in methods) or "–"
    nodes = ", ".join(dict.fromkeys(network.nodes[network.node_index[s.node]].name or s.node for s in plan.shipments))
    good = plan.status is Status.OPTIMAL
    last = max(plan.shipments, key=lambda s: s.promise.deliver_by, default=None)
    when = local_moment(last.promise.deliver_by, shipment_tz(network, item.order, last)) if last is not None else "–"
    cost = money(plan.cost_cents, network.currency) if plan.shipments else "–"
    search = f"{plan.order_id} {how} {nodes} {plan.status.value}".lower()
    return (
        f'<details class="decision" data-search="{escape(search)}"><summary>'
        f'<span class="id">{escape(plan.order_id)}</span>'
        f'<span class="soft">{plural(len(item.order.lines), "line")}</span>'
        f"<span>{dots}{escape(how)}</span><span>{escape(nodes) or '–'}</span>"
        f'<span>{escape(when)}</span><span class="num">{escape(cost)}</span>'
        f'<span class="status {"good" if good else "warn"}">{escape(STATUS_TITLES[plan.status])}</span>'
        f"</summary>{_inside(network, item)}</details>"
    )


def _inside(network: Network, item: Decided) -> str:
    plan, order = item.decision.plan, item.order
    parts = [f'<p class="soft">{escape(order_summary(network, order))}</p>']
    if plan.relaxed:
        words = f"Nothing keeps to every limit, so the plan was allowed: {relaxed_words(plan.relaxed)}."
        parts.append(f'<p class="note">{escape(words)}</p>')
    for i, shipment in enumerate(plan.shipments):
        reasons = item.explanation.shipments[i] if item.explanation is not None else None
        parts.append(_shipment(network, order, shipment, i + 1, len(plan.shipments), reasons))
    parts.extend(_unmet(network, unmet) for unmet in plan.unmet)
    parts.append(_total(network, plan, item.explanation))
    parts.append(_flips(network, item))
    return f'<div class="inside">{"".join(parts)}</div>'


def _shipment(
    network: Network, order: Order, shipment: Shipment, number: int, of: int, reasons: ShipmentReasons | None
) -> str:
    head = f"{number} of {of}: " if of > 1 else ""
    why = _reasons(network, reasons, shipment_tz(network, order, shipment)) if reasons is not None else ""
    service = f", {shipment.service}" if shipment.service else ""
    place = f" to {node_title(network, shipment.place)}" if shipment.place and shipment.place != shipment.node else ""
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in shipment.lines)
    facts = [lines, mass(shipment.weight_g), distance(shipment.distance_m), f"{mass(shipment.co2e_g)} CO2e"]
    if shipment.num_parcels > 1:
        facts.insert(1, plural(shipment.num_parcels, "parcel"))
    return (
        f'<section><h4><i class="dot m-{shipment.method.value}"></i>{head}{METHOD_TITLES[shipment.method]} '
        f"from {escape(node_title(network, shipment.node))}{escape(service + place)}</h4>"
        f'<p class="soft">{escape(" · ".join(facts))}</p>{_dates(network, order, shipment)}'
        f'<div class="pair"><div><h5>Cost</h5>{_terms(shipment.terms, network.currency)}</div>'
        f"{why}</div></section>"
    )


def _dates(network: Network, order: Order, shipment: Shipment) -> str:
    """The dates as steps from left to right, each in the time zone of where it happens."""
    promise = shipment.promise
    here = network.nodes[network.node_index[shipment.node]].tz
    there = shipment_tz(network, order, shipment)
    ready = shipment.place is not None
    steps: list[tuple[str, datetime, str]] = [
        ("Picked from", promise.pick_start, here),
        ("Picked until", promise.pick_end, here),
    ]
    if shipment.place != shipment.node:
        steps.append(("Handed over", promise.ship_by, here))
    cells = [f"<li><b>{escape(local_moment(when, tz))}</b>{name}</li>" for name, when, tz in steps]
    window = local_window(promise.deliver_earliest, promise.deliver_by, there)
    sure = f"{promise.confidence:.1%} sure"
    cells.append(f'<li class="last"><b>{escape(window)}</b>{"Ready" if ready else "Delivered"}, {sure}</li>')
    release = local_moment(promise.release_by, here)
    return f'<ol class="dates">{"".join(cells)}</ol><p class="soft">Holds if released by {escape(release)}.</p>'


def _terms(terms: Sequence[CostTerm], currency: str) -> str:
    rows = []
    for term in terms:
        because = f" <em>{escape(term.because)}</em>" if term.because else ""
        parts = ", ".join(f"{name} {amount(cents)}" for name, cents in term.parts if cents)
        detail = f"<small>{escape(parts)}</small>" if len(term.parts) > 1 else ""
        rows.append(
            f"<tr><td>{escape(rule_title(term.rule))}{because}{detail}</td>"
            f'<td class="num">{money(term.amount_cents, currency)}</td></tr>'
        )
    return f"<table>{''.join(rows)}</table>"


def _reasons(network: Network, reasons: ShipmentReasons, tz: str) -> str:
    could_not = reasons.could_not
    rivals = "".join(_rival(network, rival) for rival in reasons.rivals)
    losers = "".join(
        f"<tr><td>{escape(node_title(network, reason.node))}"
        f"<small>{escape(node_reason(network, reason, tz))}</small></td>"
        f'<td class="num soft">{distance(reason.distance_m)}</td></tr>'
        for reason in could_not[:LOSERS_MAX]
    )
    title = f"Why not elsewhere: {plural(len(reasons.could), 'other node')} could, {len(could_not):,} could not"
    return f"<div><h5>{title}</h5><table>{rivals}{losers}</table></div>"


def _flips(network: Network, item: Decided) -> str:
    """Rules that bind, and the smallest changes that would have flipped the decision."""
    why = item.explanation
    found = (*why.binding, *why.counterfactuals) if why is not None else ()
    tz, plan = order_tz(network, item.order), item.decision.plan
    rows = "".join(f"<li>{escape(counterfactual_words(network, one, plan, tz))}</li>" for one in found)
    return f"<section><h5>What would have changed it</h5><ul>{rows}</ul></section>" if rows else ""


def _rival(network: Network, rival: Rival) -> str:
    currency = network.currency
    by_rule = ", ".join(f"{rule_title(r)} {amount(c, sign=True)}" for r, c in rival.extra_by_rule[:4])
    breaks = f'<small class="note">{escape(rival.breaks)}</small>' if rival.breaks else ""
    how = METHOD_TITLES[rival.shipment.method] + (f", {rival.shipment.service}" if rival.shipment.service else "")
    return (
        f"<tr><td>{escape(node_title(network, rival.shipment.node))} <em>{escape(how)}</em>"
        f"<small>{escape(by_rule)}</small>{breaks}</td>"
        f'<td class="num">{money(rival.extra_cents, currency, sign=True)}</td></tr>'
    )


def _unmet(network: Network, unmet: Unmet) -> str:
    reasons = "".join(
        f"<tr><td>{escape(node_title(network, node))}<small>{escape(reason_title(reason))}</small></td></tr>"
        for node, reason in unmet.reasons[:UNMET_REASONS_MAX]
    )
    rest = len(unmet.reasons) - UNMET_REASONS_MAX
    more = f"<tr><td><small>and {plural(rest, 'more node')}</small></td></tr>" if rest > 0 else ""
    return (
        f"<section><h4>Not served: {unmet.quantity} × {escape(unmet.sku)}</h4>"
        f'<p class="soft">{escape(reasons_summary(unmet.reasons))}</p><table>{reasons}{more}</table></section>'
    )


def _total(network: Network, plan: Plan, explanation: Explanation | None) -> str:
    if not plan.shipments:
        return ""
    currency = network.currency
    parts = []
    if plan.terms:
        parts.append(f"<h5>Of the whole order</h5>{_terms(plan.terms, currency)}")
    rules = ", ".join(f"{rule_title(rule)} {money(cents, currency)}" for rule, cents in terms_by_rule(plan_terms(plan)))
    proof = (
        "No plan is cheaper: the bound equals the cost."
        if plan.bound_cents == plan.cost_cents
        else f"No plan costs less than {money(plan.bound_cents, currency)}."
    )
    if explanation is not None and explanation.undivided is not None:
        one = explanation.undivided
        extra = money(one.extra_cents, currency, sign=True)
        proof += f" In one shipment from {node_title(network, one.shipment.node)}: {extra}"
        proof += f" ({one.breaks})." if one.breaks else "."
    elif explanation is not None and len(plan.shipments) > 1:
        proof += " No node can send it all in one shipment."
    parts.append(f"<p><b>Total {money(plan.cost_cents, currency)}</b> = {escape(rules)}. {escape(proof)}</p>")
    return f"<section>{''.join(parts)}</section>"

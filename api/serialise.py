"""
Plans and decisions as JSON documents: stable key order, ISO times in UTC, money as whole cents.

The keys are those of engine/domain/plan.py; what a document adds (total cost, gap, currency) is derived from them.
"""

from datetime import UTC, datetime
from typing import Any

from engine.decide.reasons import Change, Counterfactual, Explanation, NodeReason, Rival
from engine.domain.plan import CostTerm, Decision, Plan, Promise, Shipment, Unmet

Document = dict[str, Any]


def moment_to_text(moment: datetime) -> str:
    """
    ISO 8601 in UTC, to the second.

    >>> from datetime import timezone, timedelta
    >>> moment_to_text(datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=1))))
    '2026-11-23T09:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def term_to_dict(term: CostTerm) -> Document:
    """One cost term with its parts; the parts add up to ``raw_cents``."""
    return {
        "rule": term.rule,
        "amount_cents": term.amount_cents,
        "raw_cents": term.raw_cents,
        "because": term.because,
        "parts": [{"name": name, "cents": cents} for name, cents in term.parts],
    }


def promise_to_dict(promise: Promise) -> Document:
    """The dates of a shipment, in the order in which they pass."""
    return {
        "release_by": moment_to_text(promise.release_by),
        "pick_start": moment_to_text(promise.pick_start),
        "pick_end": moment_to_text(promise.pick_end),
        "ship_by": moment_to_text(promise.ship_by),
        "deliver_earliest": moment_to_text(promise.deliver_earliest),
        "deliver_by": moment_to_text(promise.deliver_by),
        "confidence": promise.confidence,
    }


def shipment_to_dict(shipment: Shipment) -> Document:
    """One shipment: what leaves where, how, when and at what cost."""
    return {
        "method": shipment.method.value,
        "node": shipment.node,
        "service": shipment.service,
        "place": shipment.place,
        "lines": [{"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity} for line in shipment.lines],
        "num_parcels": shipment.num_parcels,
        "weight_g": shipment.weight_g,
        "distance_m": shipment.distance_m,
        "co2e_g": shipment.co2e_g,
        "promise": promise_to_dict(shipment.promise),
        "cost_cents": shipment.cost_cents,
        "terms": [term_to_dict(term) for term in shipment.terms],
    }


def unmet_to_dict(unmet: Unmet) -> Document:
    """Units left unserved, with the reason of each node."""
    return {
        "line_id": unmet.line_id,
        "sku": unmet.sku,
        "quantity": unmet.quantity,
        "summary": unmet.summary,
        "reasons": [{"node": node, "reason": reason} for node, reason in unmet.reasons],
    }


def plan_to_dict(plan: Plan) -> Document:
    """A plan: status, cost and bound first, then its shipments, unmet lines and the terms of the whole order."""
    return {
        "order_id": plan.order_id,
        "status": plan.status.value,
        "cost_cents": plan.cost_cents,
        "bound_cents": plan.bound_cents,
        "gap": round(plan.gap, 6),
        "deliver_by": moment_to_text(plan.deliver_by) if plan.deliver_by is not None else None,
        "co2e_g": plan.co2e_g,
        "trip_co2e_g": plan.trip_co2e_g,
        "shipments": [shipment_to_dict(shipment) for shipment in plan.shipments],
        "unmet": [unmet_to_dict(unmet) for unmet in plan.unmet],
        "terms": [term_to_dict(term) for term in plan.terms],
        "relaxed": list(plan.relaxed),
        "limit": plan.limit,
        "method": plan.method,
    }


def decision_to_dict(decision: Decision, *, currency: str) -> Document:
    """
    A decision: its plan and what it was decided on.

    Parameters
    ----------
    decision
        What the engine answered.
    currency
        ISO 4217 code of all amounts, from the network; a decision alone does not say it.
    """
    return {
        **plan_to_dict(decision.plan),
        "currency": currency,
        "decided_at": moment_to_text(decision.decided_at),
        "policy_id": decision.policy_id,
        "policy_version": decision.policy_version,
        "network_version": decision.network_version,
        "elapsed_us": decision.elapsed_us,
        "alternatives": [plan_to_dict(plan) for plan in decision.alternatives],
    }


def node_reason_to_dict(reason: NodeReason) -> Document:
    """Why one node lost; only what applies: a cost for those that could, else a code and its numbers."""
    document: Document = {"node": reason.node, "code": reason.code, "distance_m": reason.distance_m}
    if not reason.code:
        document |= {
            "method": reason.method.value if reason.method is not None else None,
            "service": reason.service,
            "place": reason.place,
            "extra_cents": reason.extra_cents,
            "extra_by_rule": dict(reason.extra_by_rule),
            "extra_co2e_g": reason.extra_co2e_g,
        }
    if reason.sku is not None:
        document |= {"sku": reason.sku, "units": reason.units, "wanted": reason.wanted}
    for name, moment in (
        ("deliver_by", reason.deliver_by),
        ("missed_cut_off", reason.cut_off),
        ("full_from", reason.full_from),
    ):
        if moment is not None:
            document[name] = moment_to_text(moment)
    return document


def rival_to_dict(rival: Rival) -> Document:
    """A plan with one shipment from elsewhere, beside the chosen one."""
    return {
        "extra_cents": rival.extra_cents,
        "extra_by_rule": dict(rival.extra_by_rule),
        "extra_co2e_g": rival.extra_co2e_g,
        "deliver_by": moment_to_text(rival.deliver_by),
        "breaks": rival.breaks,
        "shipment": shipment_to_dict(rival.shipment),
    }


def change_to_dict(change: Change) -> Document:
    """One change; the fields that its kind has."""
    fields = {
        "node": change.node,
        "sku": change.sku,
        "service": change.service,
        "units": change.units,
        "cents": change.cents,
        "cut_off": change.cut_off,
        "before": change.before,
        "collect": change.collect,
        "field": change.field,
        "moment": moment_to_text(change.moment) if change.moment is not None else None,
    }
    return {"kind": change.kind.value, **{name: value for name, value in fields.items() if value}}


def counterfactual_to_dict(found: Counterfactual) -> Document:
    """Changes that together flip the decision, and to what."""
    return {
        "changes": [change_to_dict(change) for change in found.changes],
        "becomes": [
            {"method": leg.method.value, "node": leg.node, "service": leg.service, "place": leg.place}
            for leg in found.becomes
        ],
        "cost_cents": found.cost_cents,
        "smallest": found.smallest,
    }


def explanation_to_dict(explanation: Explanation) -> Document:
    """An explanation, shipment by shipment in the order of the plan's; with the reason of every other node."""
    return {
        "shipments": [
            {
                "rivals": [rival_to_dict(rival) for rival in reasons.rivals],
                "nodes": [node_reason_to_dict(reason) for reason in reasons.nodes],
            }
            for reasons in explanation.shipments
        ],
        "undivided": rival_to_dict(explanation.undivided) if explanation.undivided is not None else None,
        "binding": [counterfactual_to_dict(found) for found in explanation.binding],
        "counterfactuals": [counterfactual_to_dict(found) for found in explanation.counterfactuals],
    }

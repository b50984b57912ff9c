"""
Why a plan and not another: for each of its shipments, what the same lines would have cost from elsewhere.

A rival is the plan with one shipment replaced by the best route of another node, evaluated in full, so that the
differences by rule add up to the difference of the totals. Explain before committing: stock and capacity are read live.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.check.violations import violations
from engine.domain.ids import NodeId
from engine.domain.order import Order
from engine.domain.plan import CostTerm, Plan, Refusal, Shipment, Status
from engine.domain.policy import Policy
from engine.network.live import Live
from engine.network.model import Network, NodeKind
from engine.network.routes import distance_m, target_of
from engine.options.evaluate import Evaluator
from engine.options.tools import Tools

Items = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another way to send the lines of a shipment, or of the whole order, and how its plan differs from the chosen."""

    shipment: Shipment
    extra_cents: int
    extra_by_rule: tuple[tuple[str, int], ...]  # adds up to extra_cents, zeros left out
    extra_co2e_g: int
    deliver_by: datetime
    breaks: str = ""  # the rule such a plan would break; "" where it could have been chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Loser:
    """A node that could not serve the lines at all, and why."""

    node: NodeId
    reason: str
    distance_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentReasons:
    """Why one shipment is as it is: the cheapest rivals, the nearest nodes that could not, and how many of each."""

    rivals: tuple[Rival, ...]
    num_rivals: int
    losers: tuple[Loser, ...]
    num_losers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Reasons by shipment, in the plan's order; ``undivided``: the cheapest way to send a split order in one."""

    shipments: tuple[ShipmentReasons, ...]
    undivided: Rival | None = None


def explain(
    network: Network, live: Live, policy: Policy, order: Order, plan: Plan, tools: Tools, *, rivals_max: int = 3
) -> Explanation:
    """
    Explain a plan against the stock and capacity it was made on.

    Parameters
    ----------
    network, live, policy, order, tools
        What the plan was decided with; ``live`` without this plan's own reservations.
    plan
        The answer. One without shipments has no reasons here: its unmet lines carry theirs.
    rivals_max
        How many rivals, and how many nodes that could not, to list for each shipment.
    """
    evaluator = Evaluator(network, live, policy, order.merged(), tools, relaxed=plan.relaxed)
    comparison = _Comparison(evaluator, plan)
    reasons = tuple(comparison.reasons(i, rivals_max) for i in range(len(plan.shipments)))
    return Explanation(shipments=reasons, undivided=comparison.undivided() if len(plan.shipments) > 1 else None)


class _Comparison:
    """One plan beside its variants."""

    def __init__(self, evaluator: Evaluator, plan: Plan) -> None:
        self.evaluator, self.plan = evaluator, plan
        self.network, self.order = evaluator.network, evaluator.order
        self.line_at = {line.line_id: i for i, line in enumerate(self.order.lines)}
        self.unserved = tuple(self.line_at[unmet.line_id] for unmet in plan.unmet)
        destination = self.order.destination
        self.home = target_of(self.network, destination) if destination is not None else None

    def reasons(self, at: int, rivals_max: int) -> ShipmentReasons:
        """Rivals and losers of one shipment."""
        others = self.plan.shipments[:at] + self.plan.shipments[at + 1 :]
        items = self._items((self.plan.shipments[at],))
        found = self._ranked(items, others, without=self.network.node_index[self.plan.shipments[at].node])
        losers = [loser for _, loser in found.losers]
        return ShipmentReasons(
            rivals=tuple(self._rival(shipment, others) for shipment in found.shipments[:rivals_max]),
            num_rivals=len(found.shipments),
            losers=tuple(losers[:rivals_max]),
            num_losers=len(losers),
        )

    def undivided(self) -> Rival | None:
        """The cheapest plan in one shipment, None where no node can serve all that the plan serves."""
        found = self._ranked(self._items(self.plan.shipments), (), without=-1)
        return self._rival(found.shipments[0], ()) if found.shipments else None

    def _items(self, shipments: Iterable[Shipment]) -> Items:
        """Line indices with the units that these shipments carry of them."""
        units: Counter[int] = Counter()
        for shipment in shipments:
            for line in shipment.lines:
                units[self.line_at[line.line_id]] += line.quantity
        return tuple(sorted(units.items()))

    def _ranked(self, items: Items, others: tuple[Shipment, ...], *, without: int) -> "_Found":
        """The cheapest shipment of each node that can send the items, by cost; and why the other nodes cannot."""
        evaluator = self.evaluator
        of_order: dict[NodeId | None, int] = {}
        places = frozenset(shipment.place for shipment in others if shipment.place is not None)
        holders = {node for line, _ in items for node in evaluator.holders(line)}
        best: list[tuple[int, Shipment]] = []
        losers: list[tuple[bool, Loser]] = []
        for node, row in enumerate(self.network.nodes):
            # Pickup points hold no stock: they are where parcels go, never where they come from.
            if node == without or row.kind is NodeKind.PICKUP_POINT:
                continue
            if node not in holders:
                losers.append((True, self._loser(node, "It has none to promise.")))
                continue
            found = self._of_node(node, items, places)
            if isinstance(found, Refusal):
                losers.append((False, self._loser(node, found.text)))
                continue
            for shipment in found:
                if shipment.place not in of_order:
                    variant = self._variant(shipment, others)
                    of_order[shipment.place] = sum(term.amount_cents for term in variant.terms)
            costs = [(shipment.cost_cents + of_order[shipment.place], shipment) for shipment in found]
            best.append(min(costs, key=_rank))
        best.sort(key=_rank)
        losers.sort(key=lambda entry: (entry[0], entry[1].distance_m, entry[1].node))
        return _Found(shipments=tuple(shipment for _, shipment in best), losers=tuple(losers))

    def _of_node(self, node: int, items: Items, places: frozenset[NodeId]) -> list[Shipment] | Refusal:
        """All ways to send the items from a node, to no other place than is in use; or the reason why there is none."""
        evaluator = self.evaluator
        # Asked first, as most nodes fail here, whatever the route.
        refusal = evaluator.ways.node_barred(node)
        if refusal is None:
            release_s = evaluator.release_s(node, items)
            refusal = release_s if isinstance(release_s, Refusal) else None
        if refusal is not None:
            return refusal
        found = [evaluator.shipment(route, items) for route in evaluator.ways.of_node(node)]
        shipments = [shipment for shipment in found if isinstance(shipment, Shipment)]
        beside = [
            shipment for shipment in shipments if not places or shipment.place is None or shipment.place in places
        ]
        if shipments and not beside:
            return Refusal("place", f"It can only send them to another place than {', '.join(sorted(places))}.")
        refusals = [refusal for refusal in found if isinstance(refusal, Refusal)]
        return beside or next(iter(refusals), Refusal("no_route", "No way leads from it to the customer."))

    def _variant(self, shipment: Shipment, others: tuple[Shipment, ...]) -> Plan:
        """The plan with this shipment beside the others; its bound is its cost, as nothing is proven about it."""
        plan = self.evaluator.plan((*others, shipment), self.unserved, Status.FEASIBLE, 0, limit="variant")
        return replace(plan, bound_cents=plan.cost_cents)

    def _rival(self, shipment: Shipment, others: tuple[Shipment, ...]) -> Rival:
        """The whole plan with this shipment, beside the chosen one; with the hard rule it would break, if any."""
        given = self.evaluator
        variant = self._variant(shipment, others)
        extra = _by_rule(variant)
        extra.subtract(_by_rule(self.plan))
        deliver_by = variant.deliver_by
        assert deliver_by is not None, "a variant has the shipment it was made for"
        broken = violations(given.network, given.live, given.policy, self.order, variant, given.tools)
        return Rival(
            shipment=shipment,
            extra_cents=variant.cost_cents - self.plan.cost_cents,
            extra_by_rule=tuple(sorted(((r, c) for r, c in extra.items() if c), key=lambda rc: (-abs(rc[1]), rc[0]))),
            extra_co2e_g=variant.co2e_g - self.plan.co2e_g,
            deliver_by=deliver_by,
            breaks=next((violation.message for violation in broken), ""),
        )

    def _loser(self, node: int, reason: str) -> Loser:
        here = self.network.nodes[node]
        far_m = distance_m(here.lat, here.lon, self.home.lat, self.home.lon) if self.home is not None else 0
        return Loser(node=here.node_id, reason=reason, distance_m=far_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Shipments by cost; losers with whether they hold nothing at all, those that hold something first, by distance."""

    shipments: tuple[Shipment, ...]
    losers: tuple[tuple[bool, Loser], ...]


def _rank(entry: tuple[int, Shipment]) -> tuple[int, datetime, str]:
    cost_cents, shipment = entry
    return cost_cents, shipment.promise.deliver_by, shipment.node


def _by_rule(plan: Plan) -> Counter[str]:
    sums: Counter[str] = Counter()
    terms: list[CostTerm] = [*plan.terms, *(term for shipment in plan.shipments for term in shipment.terms)]
    for term in terms:
        sums[term.rule] += term.amount_cents
    return sums

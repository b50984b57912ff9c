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
from engine.network.routes import Route, distance_m, target_of
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
    merged = order.merged()
    evaluator = Evaluator(network, live, policy, merged, tools, relaxed=plan.relaxed)
    comparison = _Comparison(network, live, policy, merged, plan, tools, evaluator)
    reasons = tuple(comparison.reasons(i, rivals_max) for i in range(len(plan.shipments)))
    return Explanation(shipments=reasons, undivided=comparison.undivided() if len(plan.shipments) > 1 else None)


class _Comparison:
    """One plan beside its variants."""

    def __init__(
        self,
        network: Network,
        live: Live,
        policy: Policy,
        order: Order,
        plan: Plan,
        tools: Tools,
        evaluator: Evaluator,
    ) -> None:
        self.network, self.live, self.policy, self.order = network, live, policy, order
        self.plan, self.tools, self.evaluator = plan, tools, evaluator
        self.line_at = {line.line_id: i for i, line in enumerate(order.lines)}
        self.unserved = tuple(self.line_at[unmet.line_id] for unmet in plan.unmet)
        self.home = target_of(network, order.destination) if order.destination is not None else None

    def reasons(self, at: int, rivals_max: int) -> ShipmentReasons:
        """Rivals and losers of one shipment."""
        chosen = self.plan.shipments[at]
        others = self.plan.shipments[:at] + self.plan.shipments[at + 1 :]
        items = self._items((chosen,))
        here = self.network.node_index[chosen.node]
        rivals: list[Rival] = []
        losers: list[Loser] = []
        seen = {here}
        for node, routes in self._routes_by_node(without=here).items():
            rival, refusal = self._best(routes, items, others)
            seen.add(node)
            if rival is not None:
                rivals.append(rival)
            elif refusal is not None:
                losers.append(self._loser(node, refusal.text))
        losers.sort(key=lambda loser: (loser.distance_m, loser.node))
        empty = self._without_route(items, seen)
        rivals.sort(key=_rank)
        return ShipmentReasons(
            rivals=tuple(self._checked(rival, others) for rival in rivals[:rivals_max]),
            num_rivals=len(rivals),
            losers=tuple((losers + empty)[:rivals_max]),
            num_losers=len(losers) + len(empty),
        )

    def undivided(self) -> Rival | None:
        """The cheapest plan in one shipment, None where no node can serve all that the plan serves."""
        items = self._items(self.plan.shipments)
        found = [self._best(routes, items, ())[0] for routes in self._routes_by_node(without=-1).values()]
        best = min((rival for rival in found if rival is not None), key=_rank, default=None)
        return self._checked(best, ()) if best is not None else None

    def _items(self, shipments: Iterable[Shipment]) -> Items:
        """Line indices with the units that these shipments carry of them."""
        units: Counter[int] = Counter()
        for shipment in shipments:
            for line in shipment.lines:
                units[self.line_at[line.line_id]] += line.quantity
        return tuple(sorted(units.items()))

    def _routes_by_node(self, *, without: int) -> dict[int, list[Route]]:
        by_node: dict[int, list[Route]] = {}
        for route in self.evaluator.routes:
            if route.node != without:
                by_node.setdefault(route.node, []).append(route)
        return by_node

    def _best(
        self, routes: list[Route], items: Items, others: tuple[Shipment, ...]
    ) -> tuple[Rival | None, Refusal | None]:
        """The cheapest of a node's routes in a whole plan; else its first refusal."""
        best: Rival | None = None
        refusal: Refusal | None = None
        for route in routes:
            found = self.evaluator.shipment(route, items)
            if isinstance(found, Refusal):
                refusal = refusal or found
                continue
            rival = self._rival(found, others)
            if best is None or _rank(rival) < _rank(best):
                best = rival
        return best, refusal

    def _variant(self, shipment: Shipment, others: tuple[Shipment, ...]) -> Plan:
        """The plan with this shipment beside the others; its bound is its cost, as nothing is proven about it."""
        plan = self.evaluator.plan((*others, shipment), self.unserved, Status.FEASIBLE, 0, limit="variant")
        return replace(plan, bound_cents=plan.cost_cents)

    def _rival(self, shipment: Shipment, others: tuple[Shipment, ...]) -> Rival:
        variant = self._variant(shipment, others)
        extra = _by_rule(variant)
        extra.subtract(_by_rule(self.plan))
        deliver_by = variant.deliver_by
        assert deliver_by is not None, "a variant has the shipment it was made for"
        return Rival(
            shipment=shipment,
            extra_cents=variant.cost_cents - self.plan.cost_cents,
            extra_by_rule=tuple(sorted(((r, c) for r, c in extra.items() if c), key=lambda rc: (-abs(rc[1]), rc[0]))),
            extra_co2e_g=variant.co2e_g - self.plan.co2e_g,
            deliver_by=deliver_by,
        )

    def _checked(self, rival: Rival, others: tuple[Shipment, ...]) -> Rival:
        """The rival with the hard rule it would break, if any; checking is dear, so only for those that are shown."""
        variant = self._variant(rival.shipment, others)
        broken = next(iter(violations(self.network, self.live, self.policy, self.order, variant, self.tools)), None)
        return rival if broken is None else replace(rival, breaks=broken.message)

    def _without_route(self, items: Items, seen: set[int]) -> list[Loser]:
        """Nodes that no allowed route with stock starts from; pickup points hold no stock and are no candidates."""
        holders = {node for line, _ in items for node in self.evaluator.holders(line)}
        found = []
        for node, row in enumerate(self.network.nodes):
            if node in seen or row.kind is NodeKind.PICKUP_POINT:
                continue
            if node not in holders:
                reason = "It has none of them to promise." if len(items) > 1 else "It has none to promise."
            else:
                barred = self.evaluator.ways.node_barred(node)
                reason = barred.text if barred is not None else "No allowed way leads from it to the customer."
            found.append((node not in holders, self._loser(node, reason)))
        found.sort(key=lambda entry: (entry[0], entry[1].distance_m, entry[1].node))
        return [loser for _, loser in found]

    def _loser(self, node: int, reason: str) -> Loser:
        return Loser(node=self.network.nodes[node].node_id, reason=reason, distance_m=self._far(node))

    def _far(self, node: int) -> int:
        """Metres from the customer's home, 0 where it is not known."""
        if self.home is None:
            return 0
        here = self.network.nodes[node]
        return distance_m(here.lat, here.lon, self.home.lat, self.home.lon)


def _rank(rival: Rival) -> tuple[int, datetime, str]:
    return rival.extra_cents, rival.deliver_by, rival.shipment.node


def _by_rule(plan: Plan) -> Counter[str]:
    sums: Counter[str] = Counter()
    terms: list[CostTerm] = [*plan.terms, *(term for shipment in plan.shipments for term in shipment.terms)]
    for term in terms:
        sums[term.rule] += term.amount_cents
    return sums

"""
Why a plan and not another: for each shipment what every other node would have cost, term by term, or why it could not.

A rival is the plan with one shipment replaced by the best route of another node (joined with what that node sends
already), so that the differences by rule add up to the difference of the totals. All nodes are looked at by
`engine.optimise.why`; the few that are shown as whole plans are built again by the Evaluator, which shares no code with
it, and must cost the same. Explain before committing: stock and capacity are read live.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.check.violations import conflicts
from engine.decide.choose import Chooser, summary_of
from engine.decide.flips import Flips
from engine.decide.reasons import Explanation, NodeReason, Rival, ShipmentReasons
from engine.decide.trial import Trial
from engine.domain.ids import ServiceId
from engine.domain.order import Order
from engine.domain.plan import CostTerm, Plan, Shipment, Status, Unmet
from engine.domain.policy import RULES
from engine.domain.units import utc
from engine.network.routes import Route
from engine.optimise.tables import PL_NODE, W_SPLIT
from engine.optimise.why_codes import (
    CODES,
    FITS,
    W_CO2E,
    W_CODE,
    W_CUT_OFF,
    W_DELIVER,
    W_FULL,
    W_HAVE,
    W_ID,
    W_KIND,
    W_PLACE,
    W_SHORT,
)
from engine.optimise.workspace import INFINITE, KIND_CARRIER
from engine.options.evaluate import Evaluator
from engine.options.request import Items

I64 = NDArray[np.int64]
Group = tuple[int, ...]  # shipments of a plan, ascending
RIVALS_MAX = 3
_RULE_AT = {rule: i for i, rule in enumerate(RULES)}


class Explainer:
    """Explains plans of one chooser; keeps its copy of the tables that it asks questions of. Not thread-safe."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self.trial = Trial(chooser)

    def explain(self, order: Order, plan: Plan, *, rivals_max: int, counterfactuals: bool) -> Explanation:
        """
        Explain a plan against the stock and capacity it was made on.

        Parameters
        ----------
        order
            Lines that share a sku are summed.
        plan
            The answer to it, not committed. Its unmet lines carry reasons of their own.
        rivals_max
            How many rivals of each shipment to build as whole plans.
        counterfactuals
            Look for binding rules and for the smallest changes that would have flipped the decision.
        """
        merged = order.merged()
        strict = self.chooser.request(merged)
        request = self.chooser.request(merged, plan.relaxed) if plan.relaxed else strict
        comparison = Comparison(self.trial, strict, request, plan)
        why = Explanation(
            shipments=tuple(comparison.reasons(i, rivals_max) for i in range(len(plan.shipments))),
            undivided=comparison.undivided() if len(plan.shipments) > 1 else None,
        )
        if not counterfactuals:
            return why
        flips = Flips(self.trial, comparison)
        return replace(why, binding=flips.binding(), counterfactuals=flips.found())

    def refusals(self, order: Order, unmet: Sequence[Unmet], relaxed: tuple[str, ...]) -> tuple[Unmet, ...]:
        """
        Unmet lines with the reason of each node that could not serve them whole and alone.

        The same as `Evaluator.why_not` says of nodes that may hold stock, a hundred times as fast: all nodes are looked
        at by the kernel.
        """
        merged = order.merged()
        request = self.chooser.request(merged, relaxed)
        line_at = {line.line_id: i for i, line in enumerate(merged.lines)}
        lines = [line_at[one.line_id] for one in unmet]
        self.trial.start(request, request, [((line, merged.lines[line].quantity),) for line in lines])
        names = [node.node_id for node in self.chooser.compiled.network.nodes]
        out: list[Unmet] = []
        for i, one in enumerate(unmet):
            codes = self.trial.why(i, used=-1)[0][:, W_CODE]
            able = codes == FITS
            reasons = tuple((names[node], CODES[codes[node]]) for node in self.trial.sources if not able[node])
            out.append(replace(one, reasons=reasons, summary=summary_of(reasons)))
        return tuple(out)


class Comparison:
    """One plan beside its variants."""

    def __init__(self, trial: Trial, strict: Evaluator, request: Evaluator, plan: Plan) -> None:
        self.trial, self.strict, self.request, self.plan = trial, strict, request, plan
        self.network = request.network
        self.line_at = {line.line_id: i for i, line in enumerate(request.order.lines)}
        self.unserved = tuple(self.line_at[unmet.line_id] for unmet in plan.unmet)
        index = self.network.node_index
        self.nodes = [index[shipment.node] for shipment in plan.shipments]
        self.places = [index[shipment.place] if shipment.place is not None else -1 for shipment in plan.shipments]
        everything = tuple(range(len(plan.shipments)))
        self.groups: list[Group] = [(i,) for i in everything]
        self.groups += combinations(everything, 2)
        if len(everything) > 2:
            self.groups.append(everything)
        sets = [self._items(plan.shipments[i] for i in group) for group in self.groups]
        lines = [(line, request.order.lines[line].quantity) for line in self.unserved]
        self.left_out: list[Items] = [(item,) for item in lines]
        if len(lines) > 1 and not plan.shipments:
            self.left_out.append(tuple(lines))
        self.sets = [*sets, *self.left_out]
        trial.start(strict, request, self.sets)
        self._distances = self._all_distances()
        self._sources = trial.sources
        self._looked: dict[Group, tuple[I64, I64]] = {}

    def _items(self, shipments: Iterable[Shipment]) -> Items:
        """Line indices with the units that these shipments carry of them."""
        units: Counter[int] = Counter()
        for shipment in shipments:
            for line in shipment.lines:
                units[self.line_at[line.line_id]] += line.quantity
        return tuple(sorted(units.items()))

    def used(self, group: Group) -> int:
        """The row of the place that the other shipments go to, -1 for none."""
        others = [place for i, place in enumerate(self.places) if i not in group and place >= 0]
        return self.trial.place_row(others[0]) if others else -1

    def terms_of(self, group: Group) -> I64:
        """What these shipments cost by rule, with their splits, and with the trip where no other one needs it."""
        out = np.zeros(len(RULES), dtype=np.int64)
        terms: list[CostTerm] = [term for i in group for term in self.plan.shipments[i].terms]
        if self.used(group) < 0:
            terms += [term for term in self.plan.terms if term.rule in ("trip", "carbon")]
        for term in terms:
            out[_RULE_AT[term.rule]] += term.amount_cents
        splits = [term.amount_cents for term in self.plan.terms if term.rule == "split"]
        if splits:
            out[W_SPLIT] += splits[0] // (len(self.plan.shipments) - 1) * (len(group) - 1)
        return out

    def look(self, group: Group) -> tuple[I64, I64]:
        """What every node says about sending these together, and by how much each rule would be dearer; for keeps."""
        if group not in self._looked:
            found, terms = self.trial.why(self.groups.index(group), used=self.used(group))
            self._looked[group] = found, terms - self.terms_of(group)
        return self._looked[group]

    def reasons(self, at: int, rivals_max: int) -> ShipmentReasons:
        """Rivals of one shipment, and the reason of each other node."""
        found, extra = (array.copy() for array in self.look((at,)))
        joined: dict[int, Group] = {}
        for other, node in enumerate(self.nodes):
            if node != self.nodes[at]:
                group = (min(at, other), max(at, other))
                row, terms = self.trial.why(self.groups.index(group), used=self.used(group), node=node)
                more = terms[0] - self.terms_of(group)
                if row[0, W_CODE] == FITS and (found[node, W_CODE] != FITS or more.sum() < extra[node].sum()):
                    found[node], extra[node], joined[node] = row[0], more, group
        sums = extra.sum(axis=1)
        could = np.flatnonzero(found[:, W_CODE] == FITS)
        could = could[could != self.nodes[at]]
        best = could[np.lexsort((could, found[could, W_DELIVER], sums[could]))][:rivals_max]
        rivals = [self._rival(found[node], joined.get(int(node), (at,)), int(node)) for node in best]
        for node, rival in zip(best, rivals, strict=True):
            assert rival.extra_cents == sums[node], f"{rival.shipment.node}: {sums[node]}, built {rival.extra_cents}"
        return ShipmentReasons(rivals=tuple(rivals), nodes=self._reasons(at, found, extra, sums))

    def undivided(self) -> Rival | None:
        """The cheapest plan in one shipment, None where no node can serve all that the plan serves."""
        group = tuple(range(len(self.plan.shipments)))
        found, extra = self.look(group)
        could = np.flatnonzero(found[:, W_CODE] == FITS)
        if not len(could):
            return None
        best = could[np.lexsort((could, found[could, W_DELIVER], extra[could].sum(axis=1)))][0]
        return self._rival(found[best], group, int(best))

    def _rival(self, row: I64, group: Group, node: int) -> Rival:
        """The whole plan with these in one shipment from a node, beside the chosen one; and the rule it would break."""
        given, plan = self.request, self.plan
        shipment = given.shipment(self.route(row, node), self.sets[self.groups.index(group)])
        assert isinstance(shipment, Shipment), f"a rival cannot be: {shipment}"
        others = [s for i, s in enumerate(plan.shipments) if i not in group]
        variant = given.plan((*others, shipment), self.unserved, Status.FEASIBLE, 0, limit="variant")
        variant = replace(variant, bound_cents=variant.cost_cents)  # nothing is proven about it
        extra = _by_rule(variant)
        extra.subtract(_by_rule(plan))
        deliver_by = variant.deliver_by
        assert deliver_by is not None, "a variant has the shipment it was made for"
        broken = conflicts(self.network, given.live, given.policy, given.order, variant, given.tools)
        return Rival(
            shipment=shipment,
            extra_cents=variant.cost_cents - plan.cost_cents,
            extra_by_rule=tuple(sorted(((r, c) for r, c in extra.items() if c), key=lambda rc: (-abs(rc[1]), rc[0]))),
            extra_co2e_g=variant.co2e_g - plan.co2e_g,
            deliver_by=deliver_by,
            breaks=next((violation.message for violation in broken), ""),
        )

    def route(self, row: I64, node: int) -> Route:
        """The route of a row of `found`."""
        place = self._place(int(row[W_PLACE]))
        return self.trial.chooser.route(node, int(row[W_KIND]), int(row[W_ID]), place)

    def _place(self, row: int) -> int:
        return int(self.trial.orders.places[row, PL_NODE]) if row >= 0 else -1

    def _all_distances(self) -> list[int]:
        """From every node to where the order goes."""
        request, chooser = self.request, self.trial.chooser
        target = request.ways.destination
        if target is None and request.ways.places:
            target = chooser.tools.place_target(request.ways.places[0])
        if target is None:
            return [0] * len(self.network.nodes)
        found: list[int] = chooser.rows.distance_m[chooser.rows.slot(target)].tolist()
        return found

    def _reasons(self, at: int, found: I64, extra: I64, sums: I64) -> tuple[NodeReason, ...]:
        """Of every node but the sender, column by column: a shop has a thousand of them."""
        network, items, chooser = self.network, self.sets[at], self.trial.chooser
        shown = [node for node in self._sources if node != self.nodes[at]]
        found, extra = found[shown], extra[shown]
        fits = found[:, W_CODE] == FITS
        could = np.flatnonzero(fits)
        rules = np.flatnonzero(extra[fits].any(axis=0))
        kinds, which, places = (found[could, column].tolist() for column in (W_KIND, W_ID, W_PLACE))
        at_could = could.tolist()
        ways = list(zip([shown[i] for i in at_could], kinds, which, places, strict=True))
        there = {-1: None} | {p: network.nodes[row[PL_NODE]].node_id for p, row in enumerate(self.trial.orders.places)}
        services: list[ServiceId | None] = [service.service_id for service in network.services]

        def spread(values: Iterable[Any]) -> list[Any]:
            """Values of the nodes that could, None for the others."""
            out: list[Any] = [None] * len(shown)
            for i, value in zip(at_could, values, strict=True):
                out[i] = value
            return out

        due, cut, full, short = (found[:, column].tolist() for column in (W_DELIVER, W_CUT_OFF, W_FULL, W_SHORT))
        moment: dict[int, datetime | None] = {s: utc(s) for s in {*due, *cut} if 0 <= s < INFINITE}
        start = {i: utc(int(self.trial.net.segment["start_s"][i])) for i in set(full) if i >= 0}
        lacks = {-1: (None, 0)} | {i: (self.request.skus[line].sku, units) for i, (line, units) in enumerate(items)}
        return tuple(
            map(
                NodeReason,
                [network.nodes[node].node_id for node in shown],
                [CODES[code] for code in found[:, W_CODE].tolist()],
                spread(chooser.method(node, kind, which, p >= 0) for node, kind, which, p in ways),
                spread(services[which] if kind == KIND_CARRIER else None for _, kind, which, _ in ways),
                spread(map(there.get, places)),
                spread(sums[shown][could].tolist()),
                repeat(tuple(RULES[rule] for rule in rules)),
                spread(extra[could][:, rules].tolist()),
                spread((found[could, W_CO2E] - self.plan.shipments[at].co2e_g).tolist()),
                map(moment.get, due),
                [self._distances[node] for node in shown],
                [lacks[i][0] for i in short],
                np.maximum(found[:, W_HAVE], 0).tolist(),
                [lacks[i][1] for i in short],
                map(moment.get, cut),
                map(start.get, full),
            )
        )


def _by_rule(plan: Plan) -> Counter[str]:
    sums: Counter[str] = Counter()
    terms: Sequence[CostTerm] = [*plan.terms, *(term for shipment in plan.shipments for term in shipment.terms)]
    for term in terms:
        sums[term.rule] += term.amount_cents
    return sums

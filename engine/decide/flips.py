"""
The smallest changes that would have flipped a decision, each tried: the kernel decides the order again under it.

Candidates come from looks at all nodes with one rule out of sight (`Trial.why`): who would have been cheaper with
enough stock, a later cut-off, more room? The one that needs least is tried first. What is reported has flipped the
decision in a trial, with the number it names; a price is the smallest by bisection, as what flips at a cent more flips
at every price above it. Decisions of the stronger method are looked at for changes that make whole lines feasible.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.decide.changes import RULES_DROPPED
from engine.decide.reasons import Change, Counterfactual, Kind, Leg
from engine.decide.trial import Outcome, Trial, signature_of
from engine.domain.plan import Status
from engine.domain.units import utc
from engine.network.model import ServiceKind
from engine.network.records import UNLIMITED
from engine.optimise.tables import F_NO_SAFETY, O_CHANNEL, O_FLAGS
from engine.optimise.why_codes import (
    FITS,
    IGNORE_CUT_OFF,
    IGNORE_ROOM,
    IGNORE_STOCK,
    NO_STOCK,
    W_CENTS,
    W_CODE,
    W_CUT_OFF,
    W_FULL,
    W_ID,
    W_KIND,
    W_LEAVE,
    W_RELEASE,
)
from engine.optimise.workspace import KIND_CARRIER
from engine.options.evaluate import Evaluator
from engine.options.request import Items

if TYPE_CHECKING:
    from engine.decide.explain import Comparison

I64 = NDArray[np.int64]
TRIES_MAX = 4  # nodes tried for each kind of change and set of lines
PRICES_MAX = 3  # rivals whose price is bisected
MINUTE_S = 60
_LIMITS = ("capacity_day_orders", "capacity_day_units", "capacity_hour_orders", "capacity_hour_units")


class Flips:
    """Looks for what would have flipped one decision."""

    def __init__(self, trial: Trial, comparison: "Comparison") -> None:
        self.trial, self.comparison = trial, comparison
        self.strict, self.plan = comparison.strict, comparison.plan
        self.network, self.live = comparison.network, comparison.strict.live
        self.signature = signature_of(comparison.strict, comparison.plan)
        # Where rules were given up, lines divided or nothing was served, the engine has more ways to another plan than
        # whole lines under all rules: what flips it here does flip it, but less might do.
        by_kernel = self.plan.method == "subset" and not self.plan.relaxed and self.plan.status == Status.OPTIMAL
        parts = [part.line_id for shipment in self.plan.shipments for part in shipment.lines]
        divided = len(parts) > len(set(parts))
        self.settled = by_kernel and bool(self.plan.shipments) and not divided  # trials are of whole lines
        self.possible = self.trial.decides and self.plan.status is not Status.NOT_FOUND

    def found(self) -> tuple[Counterfactual, ...]:
        """Changes of stock, prices, cut-offs, room and the last moment, by kind and size."""
        if not self.possible:
            return ()
        out: dict[tuple[Change, ...], Counterfactual] = {}
        for search in (self._stock, self._cut_offs, self._room, self._date, self._prices):
            for found in search():
                out.setdefault(found.changes, found)
        return tuple(out.values())

    def binding(self) -> tuple[Counterfactual, ...]:
        """Rules of the order and the policy without which it would have been decided otherwise."""
        if not self.possible:
            return ()
        out = []
        for name, drop in RULES_DROPPED.items():
            dropped = drop(self.strict.order, self.strict.policy)
            if dropped is None:
                continue
            order, policy, relaxed = dropped
            request = Evaluator(self.network, self.live, policy, order, self.strict.tools, relaxed=relaxed)
            outcome = self.trial.decide_other(request)
            if self._flips(outcome):
                assert outcome is not None
                out.append(self._told(outcome, Change(kind=Kind.RULE, field=name)))
        return tuple(out)

    def _flips(self, outcome: Outcome | None) -> bool:
        same = self.settled or not self.plan.shipments
        return outcome is not None and not (same and outcome.signature == self.signature)

    def _told(self, outcome: Outcome, *changes: Change) -> Counterfactual:
        nodes, services = self.network.nodes, self.network.services
        legs = tuple(
            Leg(
                method=route.method,
                node=nodes[route.node].node_id,
                service=services[route.service].service_id if route.service >= 0 else None,
                place=nodes[route.place].node_id if route.place >= 0 else None,
            )
            for route in outcome.routes
        )
        return Counterfactual(changes=changes, becomes=legs, cost_cents=outcome.cost_cents, smallest=self.settled)

    def _tried(self, change: AbstractContextManager[None]) -> Outcome | None:
        """What is decided under a change, if that is something else."""
        with change:
            outcome = self.trial.decide()
        return outcome if self._flips(outcome) else None

    def _looks(self, ignore: int) -> Iterator[tuple[Items, I64, I64, I64]]:
        """For each set of lines: its items, what nodes say, what they say with a rule out of sight, and who gains."""
        comparison = self.comparison
        for at, items in enumerate(comparison.sets):
            if at < len(comparison.groups):
                group = comparison.groups[at]
                if len(group) not in (1, len(self.plan.shipments)):
                    continue
                used, own = comparison.used(group), int(comparison.terms_of(group).sum())
                now, _ = comparison.look(group)
            else:
                used, own = -1, np.iinfo(np.int64).max
                now, _ = self.trial.why(at)
            if ignore == IGNORE_ROOM and (now[:, W_FULL] < 0).all():
                continue
            then, _ = self.trial.why(at, ignore=ignore, used=used)
            gains = (then[:, W_CODE] == FITS) & ((then[:, W_CENTS] <= own) | (not self.settled))
            yield items, now, then, gains

    def _stock(self) -> Iterator[Counterfactual]:
        """With so many more units of a sku somewhere."""
        for items, now, then, gains in self._looks(IGNORE_STOCK):
            nodes = np.flatnonzero(gains & (now[:, W_CODE] == NO_STOCK))
            short = self._short(items)[:, nodes]
            order = np.lexsort((then[nodes, W_CENTS], short.sum(axis=0)))[:TRIES_MAX]
            for i in order:
                more = [
                    (int(nodes[i]), line, int(units))
                    for (line, _), units in zip(items, short[:, i], strict=True)
                    if units
                ]
                told = self._units(more)
                if told is not None:
                    yield told
                    break

    def _units(self, more: list[tuple[int, int, int]]) -> Counterfactual | None:
        """The fewest units of one line, if that is enough, else all of all lines; (node, line, units)."""
        nodes, skus = self.network.nodes, self.strict.sku_index

        def tried(some: list[tuple[int, int, int]]) -> Outcome | None:
            return self._tried(self.trial.stock([(node, skus[line], units) for node, line, units in some]))

        for node, line, most in more:
            found = self._least(most, lambda units, node=node, line=line: tried([(node, line, units)]))  # type: ignore[misc]
            if found is not None:
                more, outcome = [(node, line, found[0])], found[1]
                break
        else:
            together = tried(more) if len(more) > 1 else None
            if together is None:
                return None
            outcome = together
        changes = [
            Change(kind=Kind.STOCK, node=nodes[node].node_id, sku=self.strict.skus[line].sku, units=units)
            for node, line, units in more
        ]
        return self._told(outcome, *changes)

    def _short(self, items: Items) -> I64:
        """(lines, K) units that are missing now at every node; what is due later does not count."""
        live, row = self.trial.live, self.trial.orders.table[0]
        channel, out = int(row[O_CHANNEL]), []
        for line, quantity in items:
            first = int(live.row_start[self.strict.sku_index[line]])
            rows = slice(first, first + len(self.network.nodes))
            free = live.row["on_hand"][rows] - live.row["reserved"][rows] - live.held["protected"][channel, rows]
            if not int(row[O_FLAGS]) & F_NO_SAFETY:
                free = free - live.held["safety"][channel, rows]
            out.append(np.maximum(0, quantity - free))
        return np.array(out, dtype=np.int64)

    def _cut_offs(self) -> Iterator[Counterfactual]:
        """With a later cut-off of a collection that was missed."""
        strict = self.strict
        dated = strict.deliver_by_s is not None or strict.requested_s is not None or strict.policy.waiting_day_cents
        if self.settled and not dated:
            return  # nothing is won by an earlier hand-over
        for _, _, then, gains in self._looks(IGNORE_CUT_OFF):
            late = gains & (then[:, W_CUT_OFF] >= 0) & (then[:, W_KIND] == KIND_CARRIER)
            own = {(node, service) for _, node, service, _, _ in self.signature}  # sooner, but no other decision
            rows = zip(np.flatnonzero(late).tolist(), then[late, W_ID].tolist(), strict=True)
            nodes = np.array([node for node, service in rows if (node, service) not in own], dtype=np.int64)
            by = then[nodes, W_RELEASE] - then[nodes, W_CUT_OFF]
            for i in np.lexsort((then[nodes, W_CENTS], by))[:TRIES_MAX]:
                node, row = int(nodes[i]), then[nodes[i]]
                told = self._cut_off(node, int(row[W_ID]), int(row[W_LEAVE]), int(row[W_RELEASE]))
                if told is not None:
                    yield told
                    break

    def _cut_off(self, node: int, service: int, leave: int, release_s: int) -> Counterfactual | None:
        here, what = self.network.nodes[node], self.network.services[service]
        if what.kind == ServiceKind.COURIER and what.collect_every_min > 0:
            return None  # it has no cut-offs of its own
        table, tz = self.trial.net.handover[leave], ZoneInfo(here.tz)
        leave_s, before_s = int(table["leave_s"]), int(table["cutoff_s"])
        wanted_s = min(leave_s, -(-release_s // MINUTE_S) * MINUTE_S)
        moments = [datetime.fromtimestamp(s, tz) for s in (wanted_s, before_s, leave_s)]
        if len({moment.date() for moment in moments}) > 1 or len({moment.utcoffset() for moment in moments}) > 1:
            return None  # a cut-off is a time of the day of its collection
        outcome = self._tried(self.trial.cut_off(node, service, leave, wanted_s))
        if outcome is None:
            return None
        to, before, collect = (f"{moment:%H:%M:%S}".removesuffix(":00") for moment in moments)
        change = Change(
            kind=Kind.CUT_OFF,
            node=here.node_id,
            service=what.service_id,
            cut_off=to,
            before=before,
            collect=collect,
        )
        return self._told(outcome, change)

    def _room(self) -> Iterator[Counterfactual]:
        """With room for more orders or units at a node that is full."""
        for items, now, then, gains in self._looks(IGNORE_ROOM):
            units = sum(quantity for _, quantity in items)
            nodes = np.flatnonzero(gains & (now[:, W_FULL] >= 0))
            wanted = [self._wanted(int(node), int(now[node, W_FULL]), units) for node in nodes]
            order = sorted(
                range(len(nodes)), key=lambda i: (sum(m for _, m in wanted[i]), int(then[nodes[i], W_CENTS]))
            )
            for i in order[:TRIES_MAX]:
                told = self._more_room(int(nodes[i]), wanted[i])
                if told is not None:
                    yield told
                    break

    def _wanted(self, node: int, segment: int, units: int) -> list[tuple[str, int]]:
        """Limits of a node that keep an order of so many units out of a segment, and by how much they are too low."""
        net, live = self.trial.net, self.trial.live
        day, hour = int(net.segment["day"][segment]), int(net.segment["hour"][segment])
        h = int(live.hour_node[node])
        cells = [live.day[node, day]] if h < 0 else [live.day[node, day], live.hour[h, day, hour]]
        found = [
            (int(cell[used]) + more, int(cell[limit]))
            for cell in cells
            for used, limit, more in (("orders", "orders_max", 1), ("units", "units_max", units))
        ]
        return [
            (field, need - limit)
            for field, (need, limit) in zip(_LIMITS, found, strict=False)
            if limit != UNLIMITED and need > limit
        ]

    def _more_room(self, node: int, wanted: list[tuple[str, int]]) -> Counterfactual | None:
        """The least of one limit, or so much of several together."""

        def tried(limits: list[tuple[str, int]]) -> Outcome | None:
            with ExitStack() as stack:
                for field, more in limits:
                    stack.enter_context(self.trial.room(node, field, more))
                outcome = self.trial.decide()
            return outcome if self._flips(outcome) else None

        if len(wanted) == 1:
            field, most = wanted[0]
            least = self._least(most, lambda more: tried([(field, more)]))
            if least is None:
                return None
            wanted, outcome = [(field, least[0])], least[1]
        else:
            together = tried(wanted)
            if together is None:
                return None
            outcome = together
        here = self.network.nodes[node].node_id
        changes = [Change(kind=Kind.ROOM, node=here, field=field, units=more) for field, more in wanted]
        return self._told(outcome, *changes)

    def _date(self) -> Iterator[Counterfactual]:
        """With a later last moment: the earliest that flips, among the moments at which something arrives."""
        if self.strict.deliver_by_s is None:
            return
        best: tuple[int, Outcome] | None = None
        moment_s: int | None = None
        while True:
            outcome = self._tried(self.trial.deliver_by(moment_s))
            if outcome is None or not outcome.routes:
                break
            arrives_s = self.trial.last_delivery_s()
            best = arrives_s, outcome
            moment_s = arrives_s - 1
            if moment_s <= self.strict.deliver_by_s:
                break
        if best is not None:
            yield self._told(best[1], Change(kind=Kind.DELIVER_BY, moment=utc(best[0])))

    def _prices(self) -> Iterator[Counterfactual]:
        """With a rival that is cheaper by so much, or a sender that is dearer by so much."""
        weight = self.trial.chooser.policy.weight("picking")
        if not self.settled or weight == 0 or not self.plan.shipments:
            return
        rivals: dict[int, int] = {}
        for at in range(len(self.plan.shipments)):
            found, extra = self.comparison.look((at,))
            could = np.setdiff1d(np.flatnonzero(found[:, W_CODE] == FITS), self.comparison.nodes)
            for node, cents in zip(could.tolist(), extra[could].sum(axis=1).tolist(), strict=True):
                rivals[node] = min(rivals.get(node, cents), cents)
        nearest = sorted(rivals, key=lambda node: (rivals[node], node))[:PRICES_MAX]
        for node in nearest:
            most = self._raw(rivals[node], weight)
            if most <= self.network.nodes[node].cost_order_cents:  # a shipment has no price below zero
                yield from self._priced(node, most, -1)
        for node in dict.fromkeys(self.comparison.nodes if nearest else ()):
            yield from self._priced(node, self._raw(rivals[nearest[0]], weight), 1)

    def _priced(self, node: int, most: int, sign: int) -> Iterator[Counterfactual]:
        """A node that is dearer, or cheaper, by the least amount up to `most` that flips."""
        found = self._least(most, lambda cents: self._tried(self.trial.price(node, sign * cents)))
        if found is not None:
            node_id = self.network.nodes[node].node_id
            yield self._told(found[1], Change(kind=Kind.PRICE, node=node_id, cents=sign * found[0]))

    def _least(self, most: int, tried: Callable[[int], Outcome | None]) -> tuple[int, Outcome] | None:
        """The least amount up to `most` that flips; what flips at one flips at every higher one. Mostly it is near."""
        outcome, low, high, step = tried(most), 0, most, 1
        if outcome is None:
            return None
        while high - low > 1:
            middle = max(high - step, (low + high) // 2) if step else (low + high) // 2
            less = tried(middle)
            if less is None:
                low, step = middle, 0
            else:
                high, outcome, step = middle, less, 2 * step
        return high, outcome

    def _raw(self, cents: int, weight: int) -> int:
        """A price that makes a difference of so much after the policy's weight, for certain."""
        return max(1, -(-(cents + 2) * 1000 // weight) + 1)

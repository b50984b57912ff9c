"""
The engine: a network, its live stock, a policy; orders in, decisions out.

>>> engine = Engine(network)                                    # doctest: +SKIP
>>> decision = engine.decide(order)                             # doctest: +SKIP
>>> engine.commit(decision)                                     # doctest: +SKIP
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from engine.check.violations import violations
from engine.decide.batch import Batch, Terms, limit_s
from engine.decide.brief import Brief, rebuilt
from engine.decide.choose import Chooser
from engine.decide.explain import RIVALS_MAX, Explainer
from engine.decide.offers import OfferFinder
from engine.decide.options import NamedOption as NamedOption  # who asks for options imports both from here
from engine.decide.options import OptionFinder
from engine.decide.reasons import Explanation
from engine.domain.errors import FulfilmentError, InputError
from engine.domain.ids import NodeId, SkuId
from engine.domain.order import Order
from engine.domain.plan import Decision, Plan, Refusal, Status, Unmet
from engine.domain.policy import Policy
from engine.network.compiled import compile_network
from engine.network.live import HORIZON_DAYS, Live
from engine.network.model import Network, Node
from engine.network.rows import TargetRows
from engine.optimise.columns import A_FIELDS, A_FIRST, decide_rows
from engine.optimise.intake import fits_kernel
from engine.optimise.mip_clock import Clock, Tape
from engine.optimise.tables import O_ITEMS, Orders, compile_policy
from engine.optimise.workspace import S_FIELDS
from engine.options.evaluate import Tools

I64 = NDArray[np.int64]


class BrokenPlanError(FulfilmentError):
    """A plan that breaks a hard rule; it never leaves the engine."""


class Engine:
    """
    Decides orders on one network. Not thread-safe: one thread decides and holds, others get an engine by `on`.

    Parameters
    ----------
    network
        Validated.
    live
        Its stock and capacity; made from the network without one.
    policy
        The network's first policy without one.
    horizon_days
        How many days of calendars are known, from the day before the network's as_of.
    guard
        Check every plan against every rule before it leaves, without a solver. Costs about as much as the decision.
    timer
        Nanoseconds, for `Decision.elapsed_us` only.
    """

    def __init__(
        self,
        network: Network,
        *,
        live: Live | None = None,
        policy: Policy | None = None,
        horizon_days: int = HORIZON_DAYS,
        guard: bool = True,
        timer: Callable[[], int] = perf_counter_ns,
    ) -> None:
        self.network = network
        self.live = live or Live(network, horizon_days)
        self.guard = guard
        self.timer = timer
        self.tools = Tools.of(network, self.live.num_days)
        self.compiled = compile_network(network, self.tools.calendars)
        self.rows = TargetRows(self.compiled)
        self._follow(policy or network.policy())

    def _follow(self, policy: Policy) -> None:
        self._forget()
        self.policy = policy
        pol = compile_policy(self.compiled, policy)
        self.chooser = Chooser(self.compiled, self.tools, self.rows, self.live, policy, pol)

    def under(self, policy: Policy) -> "Engine":
        """The same network, stock and capacity under another policy; what either holds is held for both."""
        other = copy(self)
        other._follow(policy)
        return other

    def adopt(self, live: Live) -> None:
        """
        Decide on another stock and capacity of the same network from now on; engines that share the old one keep it.

        Raises InputError where it is of another network or of other days.
        """
        self._same(live)
        self.live = live
        self.chooser.adopt(live)
        self._forget()

    def on(self, live: Live) -> "Engine":
        """
        An engine of its own on another stock of the same network, for another thread: `engine.on(engine.live.copy())`.

        The two share what never changes. Only the thread that changes a stock may copy it.
        """
        self._same(live)
        other = copy(self)
        other.live = live
        other.rows = TargetRows(self.compiled)
        other._follow(self.policy)
        return other

    def with_nodes(self, nodes: Mapping[NodeId, Node], *, as_of: datetime | None = None) -> "Engine":
        """
        An engine for the same network with other settings of some nodes, on a copy of stock and capacity as they are.

        Parameters
        ----------
        nodes
            What replaces each node; one that offers nothing is paused: it takes no order.
        as_of
            Another beginning of the calendars, at which the backlogs of all nodes are then meant.
        """
        network = self.network
        for node_id, node in nodes.items():
            if node_id not in network.node_index or node.node_id != node_id:
                raise InputError(
                    f"Node ({node_id}) cannot be replaced by ({node.node_id}) in network ({network.name}).",
                    "settings change, nodes stay.",
                )
        changed = replace(
            network,
            nodes=tuple(nodes.get(node.node_id, node) for node in network.nodes),
            as_of=as_of or network.as_of,
        )
        return Engine(changed, live=self.live.on(changed), policy=self.policy, guard=self.guard, timer=self.timer)

    def at(self, as_of: datetime) -> "Engine":
        """An engine whose calendars begin at another moment, on a copy of stock and capacity; see `with_nodes`."""
        return self.with_nodes({}, as_of=as_of)

    def _same(self, live: Live) -> None:
        mine = self.live
        if (live.network, live.first_day, live.num_days) != (self.network, mine.first_day, mine.num_days):
            raise InputError(
                f"The stock is not of network ({self.network.name}) from {self.network.as_of:%Y-%m-%d} on.",
                "make it by copy or grown, or the engine by with_nodes.",
            )

    def _forget(self) -> None:
        """What knows the chooser and its stock is made again when it is asked for."""
        for name in ("_finder", "_explainer", "_batch", "offers"):
            self.__dict__.pop(name, None)

    def decide(self, order: Order, deadline_ms: int | None = None, *, tape: Tape | None = None) -> Decision:
        """
        The cheapest feasible plan of an order on the stock as it is. Holds nothing: see `commit`.

        Parameters
        ----------
        order
            Lines that share a sku are summed.
        deadline_ms
            For orders that need the stronger method: answer by then with the best plan found and its bound;
            DEADLINE_MS where none is given.
        tape
            Takes down, or gives again, what the clocks of the stronger method answer (engine/decide/record.py).

        Returns
        -------
        Decision
            Its plan is INFEASIBLE, with unmet lines and reasons, where the order cannot be served.

        Raises
        ------
        InputError
            Where the order names a sku, node, service or postcode that the network does not know, or the deadline is
            negative.
        """
        within_s = limit_s(deadline_ms)
        start = self.timer()
        merged = order.merged()
        plan = self.chooser.plan(merged, Clock(within_s, tape))
        if plan.unmet and plan.status != Status.NOT_FOUND:  # looking for reasons would overrun the deadline
            plan = replace(plan, unmet=self.chooser.with_reasons(merged, plan.unmet, plan.relaxed))
        self._guarded(merged, plan)
        return Decision(
            plan=plan,
            decided_at=order.placed_at,
            policy_id=self.policy.policy_id,
            policy_version=self.policy.version,
            network_version=self.network.version,
            elapsed_us=(self.timer() - start) // 1000,
        )

    def options(
        self, order: Order, *, limit: int | None = None, deadline_ms: int | None = None
    ) -> tuple[NamedOption, ...]:
        """
        The choices of an order: plans that no other beats in cost, date and CO2e at once, by cost.

        One is named the cheapest (it costs what `decide` decides), one the fastest, one the greenest; they may be the
        same. Empty where the order cannot be served.

        Parameters
        ----------
        order
            Lines that share a sku are summed.
        limit
            At most so many: the named ones, then those that differ most. All without it.
        deadline_ms
            For the cheapest plan of orders that need the stronger method, and once more for all other options; those
            that are found by then say that they are not exact. DEADLINE_MS where none is given.
        """
        within_s = limit_s(deadline_ms)
        found = self._finder.find(merged := order.merged(), limit=limit, deadline_s=within_s)
        for option in found:
            self._guarded(merged, option.plan)
        return found

    def explain(
        self, order: Order, plan: Plan, *, rivals_max: int = RIVALS_MAX, counterfactuals: bool = True
    ) -> Explanation:
        """
        Why a plan and not another: what every other node would have cost, or why it could not, and what would flip it.

        Parameters
        ----------
        order
            As it was decided.
        plan
            What was decided, before it is committed: stock and capacity are read as they are.
        rivals_max
            How many rivals of each shipment to build as whole plans.
        counterfactuals
            Look for binding rules and smallest changes, too.
        """
        return self._explainer.explain(order, plan, rivals_max=rivals_max, counterfactuals=counterfactuals)

    def why_unmet(self, order: Order, brief: Brief) -> tuple[Unmet, ...]:
        """The unmet lines of a decision, with the reason of each node that could not serve them; looks at all nodes."""
        return self._explainer.refusals(order, brief.unmet, brief.relaxed)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.chooser)

    @cached_property
    def _finder(self) -> OptionFinder:
        return OptionFinder(self.chooser)

    @cached_property
    def offers(self) -> OfferFinder:
        """What a shop can offer for an order: all of it brought home, or collected at one place."""
        return OfferFinder(self.chooser)

    def columns(self, orders: Sequence[Order]) -> Orders:
        """
        Orders as the columns that `decide_columns` takes.

        Raises InputError where an order has too many lines for the kernel; `decide` takes those.
        """
        requests = [self.chooser.request(order.merged()) for order in orders]
        for request in requests:
            if not fits_kernel(request):
                many = f"{len(request.order.lines)} lines, more than a column takes"
                raise InputError(f"Order ({request.order.order_id}) has {many}.", "decide it on its own.")
        self.rows.trim()
        return self.chooser.intake.orders(requests)

    def decide_columns(self, orders: Orders, *, commit: bool = True) -> tuple[I64, I64]:
        """
        Decide many orders in one compiled loop, each on what the ones before have left.

        Orders that the kernel alone cannot settle are answered INFEASIBLE or COLLIDES and hold nothing: hand those to
        `decide`.

        Returns
        -------
        answer, shipments
            As engine.optimise.columns describes them.
        """
        answer = np.zeros((len(orders.table), A_FIELDS), dtype=np.int64)
        items = orders.table[:, O_ITEMS]
        answer[:, A_FIRST] = np.cumsum(items) - items
        shipments = np.zeros((int(items.sum()), S_FIELDS), dtype=np.int64)
        block, row = self.chooser.block(orders), 0
        while row < len(orders.table):
            row = 1 + decide_rows(block.at, row, len(orders.table), answer, shipments, commit)
        return answer, shipments

    def decide_batch(
        self,
        orders: Sequence[Order],
        *,
        deadline_ms: int | None = None,
        hold: bool = True,
        reasons: bool = False,
        settle: bool = True,
    ) -> list[Brief | InputError | None]:
        """
        Decide many orders in turn, each on what the ones before have left: the answers of `decide`, without its plans.

        Parameters
        ----------
        orders
            Lines that share a sku are summed.
        deadline_ms
            Of each order that needs the stronger method, as `decide` takes it.
        hold
            Hold what each order takes, so that the next one sees it. Without, all see the stock as it is.
        reasons
            Add to unmet lines why each node could not serve them, which looks at all nodes.
        settle
            Decide orders that need the stronger method; without, their answer is None.

        Returns
        -------
        list of Brief or InputError
            The error in place of an order that names what the network does not know; it disturbs no other. Whatever
            else is raised leaves nothing held.
        """
        return self._batch.decide(
            orders, Terms(deadline_s=limit_s(deadline_ms), hold=hold, reasons=reasons, settle=settle)
        )

    def hold_brief(self, brief: Brief, sign: int = 1) -> None:
        """Hold what a brief takes, whoever decided it (`sign=-1` gives it back)."""
        self._batch.hold(brief, sign)

    def plan_of(self, order: Order, brief: Brief) -> Plan | Refusal:
        """
        The plan of a brief, with all its terms, on stock and capacity as they are.

        Parameters
        ----------
        order
            As it was decided.
        brief
            What it holds must not be held here: give it back first, or ask an engine on a copy.

        Returns
        -------
        Plan
            Or the first rule that forbids one of its shipments now.
        """
        return brief.plan or rebuilt(self.chooser.request(order.merged(), brief.relaxed), brief)

    @cached_property
    def _batch(self) -> Batch:
        return Batch(self.chooser, self._guarded)

    def commit(self, decision: Decision) -> None:
        """Hold the stock and the capacity of a decision's shipments."""
        self.hold(decision.plan)

    def release(self, decision: Decision) -> None:
        """Give back what `commit` held."""
        self.hold(decision.plan, sign=-1)

    def set_stock(self, node: NodeId, sku: SkuId, on_hand: int) -> None:
        """Take over a count: so many units of a sku are on hand at a node, those reserved among them."""
        self.live.set_stock(*self._row_of(node, sku), on_hand)

    def add_stock(self, node: NodeId, sku: SkuId, units: int) -> None:
        """Take over a change: so many units of a sku more (below 0: fewer) are on hand at a node."""
        self.live.add_stock(*self._row_of(node, sku), units)

    def _row_of(self, node: NodeId, sku: SkuId) -> tuple[int, int]:
        nodes, skus = self.network.node_index, self.network.skus.index
        if node not in nodes or sku not in skus:
            what = f"Node ({node})" if node not in nodes else f"Sku ({sku})"
            raise InputError(f"{what} of a stock change is unknown to network ({self.network.name}).", "case counts.")
        return nodes[node], skus[sku]

    def hold(self, plan: Plan, *, sign: int = 1) -> None:
        """Hold what a plan takes, whoever made it (`sign=-1` gives it back)."""
        network = self.network
        for shipment in plan.shipments:
            node = network.node_index[shipment.node]
            day, hour = self.tools.dates.pick_cell(node, shipment.promise.pick_start)
            items = [(network.skus.index[line.sku], line.quantity) for line in shipment.lines]
            self.live.reserve(node, items, day, hour, sign=sign)

    def _guarded(self, order: Order, plan: Plan) -> None:
        if self.guard and (broken := list(violations(self.network, self.live, self.policy, order, plan, self.tools))):
            raise BrokenPlanError(f"Order ({order.order_id}): " + "; ".join(f"{v.rule}: {v.message}" for v in broken))

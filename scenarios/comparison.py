"""
Our decisions beside the rules of others: the same orders in the same sequence, on the same stock, in the same money.

Every policy starts from the stock as it is and consumes it as orders come; afterwards all of it is given back. What no
rule looks at binds nobody: a date that must be kept becomes one that is wished for, lines need not stay together, and
no order asks to be served in part. If ours alone had to keep a promise, it would pay for what others break for less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from engine.decide.engine import Engine
from engine.domain.errors import InputError
from engine.domain.order import METHODS, Order
from engine.domain.plan import Decision, Plan, Unmet
from engine.optimise.mip_clock import Clock
from engine.options.evaluate import Evaluator
from engine.options.ways import PLACE_METHODS, Way
from scenarios.baselines.ablation import BLIND, Ablated
from scenarios.baselines.decide import Baseline
from scenarios.baselines.facts import NodeFacts
from scenarios.baselines.rules import RULES
from scenarios.baselines.tally import Tally

OURS, WITH_PICKUP, AS_DECIDED = "sourcewise", "sourcewise-with-pickup", "sourcewise-as-decided"
NO_MARKDOWN = "without-markdown"
UNSERVED_WEIGHT_PERMILLE = 1_000_000  # so that no line is left out for being dear
DEADLINE_MS = 500  # of one decision of ours, for the stronger method

Figures = dict[str, float]


class Policy(Protocol):
    """What is compared. It remembers what is committed, so it runs once."""

    name: str

    def decide(self, order: Order) -> Decision:
        """A plan."""
        ...

    def commit(self, decision: Decision) -> None:
        """Hold it."""
        ...


class Ours:
    """The engine; with `pickup` it may propose a place to collect at, which no rule does."""

    def __init__(self, engine: Engine, *, pickup: bool = False) -> None:
        self.engine = engine
        self.pickup = pickup
        self.name = WITH_PICKUP if pickup else OURS

    def decide(self, order: Order) -> Decision:
        """The cheapest plan."""
        return decide_freely(self.engine, order if self.pickup else to_home(order))

    def commit(self, decision: Decision) -> None:
        """Hold it."""
        self.engine.commit(decision)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule that cannot be compared on this network or these orders, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What each policy's decisions come to (see `Tally.figures`), and the rules that were left out."""

    num_orders: int
    figures: Mapping[str, Figures]
    left_out: tuple[LeftOut, ...]

    @property
    def best_baseline(self) -> str | None:
        """The rule whose orders cost least; None where all were left out."""
        rules = [name for name in self.figures if is_baseline(name)]
        return min(rules, key=lambda name: (self.figures[name]["cost_per_order"], name), default=None)


def baselines(engine: Engine) -> tuple[list[Policy], list[LeftOut]]:
    """Every rule with its traps and, where it has any, without; and those that the network has nothing for."""
    facts = NodeFacts(engine.network, engine.tools)
    out: list[Policy] = []
    left_out: list[LeftOut] = []
    for rule in RULES:
        for corrected in (False, True) if rule.traps else (False,):
            try:
                out.append(Baseline(engine, rule(corrected=corrected), facts))
            except InputError as error:
                left_out.append(LeftOut(rule.name, error.message))
                break
    return out, left_out


def ablations(engine: Engine) -> list[Policy]:
    """Our own decisions with one thing out of sight."""
    return [Ablated(engine, blind, _freely_home) for blind in BLIND]


def compare(engine: Engine, orders: Sequence[Order], policies: Iterable[Policy], *, commit: bool = True) -> Comparison:
    """
    Let each policy decide the orders, and give back what it held.

    Parameters
    ----------
    engine
        Where all of them decide; its stock is the start of each.
    orders
        In the order in which they get their turn.
    policies
        Fresh ones.
    commit
        Whether an order takes its stock and capacity from the next ones.
    """
    figures: dict[str, Figures] = {}
    left_out: list[LeftOut] = []
    orders = [unbound(order) for order in orders]
    for policy in policies:
        tally = Tally(engine.network, engine.policy)
        try:
            for order, decision in decisions(engine, orders, policy, commit=commit):
                tally.add(order.merged(), decision.plan)
        except InputError as error:
            if not is_baseline(policy.name):
                raise
            left_out.append(LeftOut(policy.name, error.message))
            continue
        figures[policy.name] = tally.figures()
    return Comparison(len(orders), figures, tuple(left_out))


def compare_decided(
    engine: Engine, decided: Sequence[tuple[Order, Decision]], *, orders_max: int, commit: bool = True
) -> Comparison:
    """
    What was decided beside ours without pickup and every rule.

    Parameters
    ----------
    engine
        That decided them; it holds what it held before.
    decided
        In the order in which they were decided.
    orders_max
        Only the first so many are compared.
    commit
        Whether each was committed before the next one was decided.
    """
    with _given_back(engine, [decision for _, decision in decided] if commit else ()):
        shown = decided[:orders_max]
        quick = engine.under(engine.policy)
        quick.guard = False  # plans of rules break rules on purpose
        rules, unfit = baselines(quick)
        tally = Tally(engine.network, engine.policy)
        for order, decision in shown:
            tally.add(order.merged(), decision.plan)
        found = compare(quick, [order for order, _ in shown], [Ours(quick), *rules], commit=commit)
    figures = {AS_DECIDED: tally.figures(), **found.figures}
    return Comparison(len(shown), figures, (*unfit, *found.left_out))


def decisions(
    engine: Engine, orders: Iterable[Order], policy: Policy, *, commit: bool = True
) -> Iterator[tuple[Order, Decision]]:
    """The decisions of a policy in turn; what it held is given back in the end."""
    held: list[Decision] = []
    try:
        for order in orders:
            decision = policy.decide(order)
            if commit:
                policy.commit(decision)
                held.append(decision)
            yield order, decision
    finally:
        for decision in held:
            engine.release(decision)


@contextmanager
def _given_back(engine: Engine, held: Sequence[Decision]) -> Iterator[None]:
    for decision in held:
        engine.release(decision)
    try:
        yield
    finally:
        for decision in held:
            engine.commit(decision)


def decide_freely(engine: Engine, order: Order) -> Decision:
    """
    What is served in full if it can be; else all units that are anywhere, late where a date was to be kept.

    That is what a rule does with every order, and so nobody gains by leaving out what is dear.
    """
    start = engine.timer()
    plan = _plan(engine, order)
    if not plan.shipments:
        plan = _what_there_is(engine, unbound(order).merged(), plan)
    return Decision(
        plan=plan,
        decided_at=order.placed_at,
        policy_id=engine.policy.policy_id,
        policy_version=engine.policy.version,
        network_version=engine.network.version,
        elapsed_us=(engine.timer() - start) // 1000,
    )


def _plan(engine: Engine, order: Order) -> Plan:
    """As the engine decides, without the reasons of what is not served: they take longer than all else together."""
    return engine.chooser.plan(order.merged(), Clock(DEADLINE_MS / 1000))


def _what_there_is(engine: Engine, order: Order, nothing: Plan) -> Plan:
    """The plan of the units that are there; should some of them go nowhere, of the lines that do."""
    request = engine.chooser.request(order)
    there = [_units_there(request, line) for line in range(len(order.lines))]
    cut = [replace(line, quantity=units) for line, units in zip(order.lines, there, strict=True) if units]
    if not cut:
        return nothing
    less = replace(order, lines=tuple(cut))
    plan = _plan(engine, less)
    if not plan.shipments:
        weights = dict(engine.policy.weights_permille) | {"unserved": UNSERVED_WEIGHT_PERMILLE}
        eager = engine.under(replace(engine.policy, weights_permille=weights))  # `Tally` counts at the true price
        plan = _plan(eager, replace(less, partial=True))
    left = {line.line_id: line.quantity for line in order.lines}
    for part in (part for shipment in plan.shipments for part in shipment.lines):
        left[part.line_id] -= part.quantity
    unmet = (
        Unmet(line_id=line.line_id, sku=line.sku, quantity=left[line.line_id])
        for line in order.lines
        if left[line.line_id]
    )
    return replace(plan, unmet=tuple(unmet))


def _units_there(request: Evaluator, line: int) -> int:
    """Units of a line at nodes from which any way leads to the customer, at most as many as are asked for."""
    units = sum(
        request.available(node, line)
        for node in request.holders(line)
        if any(
            isinstance(request.ways.way(route), Way) and request.misfit(route, ((line, 1),)) is None
            for route in request.ways.of_node(node)
        )
    )
    return min(units, request.order.lines[line].quantity)


def is_baseline(name: str) -> bool:
    """Whether a policy is a rule of others."""
    return name not in (OURS, WITH_PICKUP, AS_DECIDED, *(blind.name for blind in BLIND))


def unbound(order: Order) -> Order:
    """An order without the wishes that no rule knows; its date costs by the day that it is late, and stops nothing."""
    dates = [date for date in (order.deliver_by, order.requested_by) if date is not None]
    return replace(
        order,
        deliver_by=None,
        requested_by=min(dates, default=None),
        keep_together=(),
        max_shipments=None,
        max_shipments_per_line=None,
        max_distance_m=None,
        partial=False,
    )


def to_home(order: Order) -> Order:
    """An order that goes home unless its customer chose a place: what rules understand."""
    if order.pickup_node is not None:
        return order
    home = tuple(m for m in order.methods or METHODS if m not in PLACE_METHODS)
    return replace(order, methods=home) if home else order


def _freely_home(engine: Engine, order: Order) -> Decision:
    return decide_freely(engine, to_home(order))

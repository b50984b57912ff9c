"""
What an explanation takes: the why-not of every other node, and the smallest changes that would have flipped a decision.

On the demo, US and French networks (made-up ones in their shape without the data folder), orders are decided, explained
and held as they come. The why-not is timed as data for every node, and beside it, on a few of the same decisions, the
plain way: every route of every node asked for one by one. Some counterfactuals are put to the test: the change is made
to the network, an engine built anew on it, and the order decided again.
"""

import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks import record
from benchmarks.record import Figures, percentile
from benchmarks.worlds import Spec, world
from engine.adapters.imports.fr import fr_network, fr_orders
from engine.decide.again import decided_under, legs
from engine.decide.engine import Engine
from engine.decide.reasons import Counterfactual
from engine.domain.order import Order
from engine.domain.plan import Plan, Shipment
from engine.network.model import Network
from scenarios.demo import demo_network, demo_orders

WARM = 5  # explanations that are not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    orders: int
    plain: int  # explained the plain way, too
    tested: int  # counterfactuals put to the test on each network
    demo_tested: int


FULL = Sizes(orders=1_000, plain=10, tested=40, demo_tested=300)
QUICK = Sizes(orders=60, plain=2, tested=4, demo_tested=40)


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool, us: Spec | None = None) -> Figures:
    """Measure, print a table, write a line of history; `us` is the US network and its orders, in full without it."""
    networks: Figures = {}
    spec = us or Spec(data=data, count=sizes.orders, seed=seed)
    for name, make in _worlds(spec).items():
        network, orders = make()
        tested = sizes.demo_tested if name == "demo" else sizes.tested
        networks[name] = _measure(network, orders, sizes, tested)
        _print(name, networks[name])
    source = "real sites, tariffs and baskets; made-up stock" if data else "made-up networks (no data folder)"
    figures: Figures = {"networks": networks, "orders": sizes.orders, "source": source}
    record.append(results, "explain", figures, seed=seed, quick=quick)
    return figures


def _worlds(spec: Spec) -> dict[str, Callable[[], tuple[Network, list[Order]]]]:
    data, count, seed = spec.data, spec.count, spec.seed

    def demo() -> tuple[Network, list[Order]]:
        network = demo_network(seed)
        return network, demo_orders(network, count, seed)

    def us() -> tuple[Network, list[Order]]:
        made = world(spec)
        return made.network, made.orders

    def fr() -> tuple[Network, list[Order]]:
        assert data is not None, "the French network is made of the data folder"
        network = fr_network(data, seed=seed)
        return network, fr_orders(network, data, count, seed)

    return {"demo": demo, "us": us} | ({"fr": fr} if data is not None else {})


def _measure(network: Network, orders: list[Order], sizes: Sizes, tested: int) -> Figures:
    engine = Engine(network, guard=False)
    for order in orders[:WARM]:
        engine.explain(order, engine.decide(order).plan)
    gc.collect()
    gc.freeze()  # what a start made; looking through it is no part of an explanation
    decide_us, why_ms, all_ms, plain_ms, told = (list[float]() for _ in range(5))
    kinds: Counter[str] = Counter()
    checks = true = 0
    for i, order in enumerate(orders):
        decision = engine.decide(order)
        plan = decision.plan
        decide_us.append(decision.elapsed_us)
        if plan.shipments:
            began = perf_counter()
            why = engine.explain(order, plan, counterfactuals=False)
            why_ms.append(1e3 * (perf_counter() - began))
            told.append(sum(len(reasons.nodes) for reasons in why.shipments))
            if len(plain_ms) < sizes.plain and i % 3 == 0:
                began = perf_counter()
                _plainly(engine, order, plan)
                plain_ms.append(1e3 * (perf_counter() - began))
        began = perf_counter()
        why = engine.explain(order, plan)
        all_ms.append(1e3 * (perf_counter() - began))
        found = (*why.binding, *why.counterfactuals)
        kinds.update(one.changes[0].kind.value for one in found)
        for one in found:
            if checks < tested and (checks + i) % 2 == 0:
                checks += 1
                true += _flips(engine, order, plan, one)
        engine.commit(decision)
    gc.unfreeze()
    return {
        "nodes": len(network.nodes),
        "nodes_told_per_decision": round(sum(told) / max(1, len(told)), 1),
        "decide_us_p50": percentile(decide_us, 50),
        "why_not_ms_p50": round(percentile([1e3 * ms for ms in why_ms], 50) / 1e3, 2),
        "why_not_ms_p99": round(percentile([1e3 * ms for ms in why_ms], 99) / 1e3, 2),
        "with_counterfactuals_ms_p50": round(percentile([1e3 * ms for ms in all_ms], 50) / 1e3, 2),
        "with_counterfactuals_ms_p99": round(percentile([1e3 * ms for ms in all_ms], 99) / 1e3, 2),
        "plain_ms_p50": percentile(plain_ms, 50),
        "counterfactuals_per_decision": round(kinds.total() / len(orders), 2),
        "by_kind": dict(sorted(kinds.items())),
        "flips_tested": checks,
        "flips_true": true,
    }


def _plainly(engine: Engine, order: Order, plan: Plan) -> int:
    """Every route of every node for each shipment, one by one; how many could."""
    request = engine.chooser.request(order.merged(), plan.relaxed)
    line_at = {line.line_id: i for i, line in enumerate(request.order.lines)}
    could = 0
    for shipment in plan.shipments:
        items = tuple(sorted((line_at[part.line_id], part.quantity) for part in shipment.lines))
        for node in range(len(engine.network.nodes)):
            found = [request.shipment(route, items) for route in request.ways.of_node(node)]
            could += any(isinstance(one, Shipment) for one in found)
    return could


def _flips(engine: Engine, order: Order, plan: Plan, found: Counterfactual) -> bool:
    """Whether the changes, made, lead to what was said, at the cost that was said."""
    other = decided_under(engine, order, found.changes)
    changed = legs(other) != legs(plan) or other.relaxed != plan.relaxed or other.cost_cents != plan.cost_cents
    return changed and legs(other) == set(found.becomes) and other.cost_cents == found.cost_cents


def _print(name: str, row: Figures) -> None:
    print(
        f"{name:<5} {row['nodes']:,} nodes: why-not of all of them {row['why_not_ms_p50']:.2f} ms"
        f" (p99 {row['why_not_ms_p99']:.2f}), the plain way {row['plain_ms_p50']:.0f} ms;"
        f" with counterfactuals {row['with_counterfactuals_ms_p50']:.2f} ms"
        f" (p99 {row['with_counterfactuals_ms_p99']:.2f})"
    )
    kinds = ", ".join(f"{kind} {count}" for kind, count in row["by_kind"].items())
    print(
        f"      {row['counterfactuals_per_decision']:.1f} counterfactuals a decision ({kinds});"
        f" {row['flips_true']} of {row['flips_tested']} put to the test are true"
    )

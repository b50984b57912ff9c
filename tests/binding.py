"""
How often each rule binds on the random cases, so that the properties over them are known not to be vacuous.

Run `python -m tests.binding 300` for a table: refusals by code over all (route, line) and (route, all lines) pairs, and
for every rule how many optima change when that rule alone is taken away.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from engine.domain.order import METHODS
from engine.domain.plan import Refusal
from engine.network.live import Live
from engine.network.model import Network
from engine.options.evaluate import Evaluator, Tools
from tests.strategies import HORIZON_DAYS, Case, random_case
from tests.twin import TooLargeError, best


def refusals(case: Case) -> Counter[str]:
    """Why routes could not serve single lines, or all lines: counts by code; "" where they could."""
    evaluator = Evaluator(case.network, case.live, case.policy, case.order, Tools.of(case.network, HORIZON_DAYS))
    lines = case.order.lines
    alone = [((i, line.quantity),) for i, line in enumerate(lines)]
    items = [*alone, tuple((i, line.quantity) for i, line in enumerate(lines))]
    out: Counter[str] = Counter()
    for k in range(len(case.network.nodes)):
        for route in evaluator.ways.of_node(k):
            for held in items:
                found = evaluator.shipment(route, held)
                out[found.code if isinstance(found, Refusal) else ""] += 1
    return out


def _policy(**changes: object) -> Callable[[Case], Case]:
    return lambda case: replace(case, policy=replace(case.policy, **changes))


def _order(**changes: object) -> Callable[[Case], Case]:
    return lambda case: replace(case, order=replace(case.order, **changes))


def _network(change: Callable[[Network], Mapping[str, object]]) -> Callable[[Case], Case]:
    """A case whose network differs; stock in hand, prices and capacity used stay as they were."""

    def changed(case: Case) -> Case:
        live = Live(replace(case.network, **change(case.network)), HORIZON_DAYS)  # type: ignore[arg-type]
        live.row_price_cents[:] = case.live.row_price_cents
        live.day_orders[:], live.day_units[:] = case.live.day_orders, case.live.day_units
        if live.hour_orders.shape == case.live.hour_orders.shape:
            live.hour_orders[:], live.hour_units[:] = case.live.hour_orders, case.live.hour_units
        for at, limits in case.live.own_limits.items():
            live.set_limits(*at, *limits)
        return replace(case, network=live.network, live=live)

    return changed


def _skus(**columns: object) -> Callable[[Case], Case]:
    def change(network: Network) -> Mapping[str, object]:
        size = len(network.skus.ids)
        flags = {name: np.full(size, value) if isinstance(value, bool) else value for name, value in columns.items()}
        return {"skus": replace(network.skus, **flags)}  # type: ignore[arg-type]

    return _network(change)


def _nodes(**changes: object) -> Callable[[Case], Case]:
    return _network(lambda network: {"nodes": tuple(replace(node, **changes) for node in network.nodes)})  # type: ignore[arg-type]


def _services(**changes: object) -> Callable[[Case], Case]:
    return _network(lambda network: {"services": tuple(replace(s, **changes) for s in network.services)})  # type: ignore[arg-type]


def _without_own_limits(case: Case) -> Case:
    live = case.live.copy()
    for at in list(live.own_limits):
        live.set_limits(*at, None, None)
    return replace(case, live=live)


def _unpinned(case: Case) -> Case:
    lines = tuple(replace(line, pin_node=None) for line in case.order.lines)
    return replace(case, order=replace(case.order, lines=lines))


WITHOUT: Mapping[str, Callable[[Case], Case]] = {
    "backlog": _nodes(backlog_s=0),
    "capacity by day": _nodes(capacity_day_orders=None, capacity_day_units=None),
    "capacity by hour": _nodes(capacity_hour_orders=None, capacity_hour_units=None),
    "capacity of single days and hours": _without_own_limits,
    "carbon": _policy(carbon_cents_per_tonne=0),
    "channel rules": _policy(channels={}),
    "channel protection": _network(lambda network: {"channel_protection": ()}),
    "deliver_by": _order(deliver_by=None),
    "dimensional weight": _services(dim_cm3_per_kg=0),
    "excluded and chosen": _order(
        methods=(), excluded_methods=(), nodes=(), excluded_nodes=(), services=(), excluded_services=()
    ),
    "fuel": _services(fuel_permille=0),
    "hazardous, oversize": _skus(hazardous=False, oversize=False),
    "hours exceptions": _network(lambda network: {"hours_exceptions": ()}),
    "inbound": _policy(use_inbound=False),
    "keep together": _order(keep_together=()),
    "holidays of carriers": _network(lambda network: {"carrier_holidays": ()}),
    "lanes": _network(lambda network: {"lanes": ()}),
    "lateness": _order(requested_by=None),
    "limits": _services(longest_max_mm=0, length_girth_max_mm=0, volume_max_cm3=0, parcels_max=99),
    "max distance": lambda case: _policy(max_distance_m=0)(_order(max_distance_m=None)(case)),
    "max shipments": lambda case: _policy(max_shipments=99)(_order(max_shipments=None)(case)),
    "max shipments per line": lambda case: _policy(max_shipments_per_line=99)(
        _order(max_shipments_per_line=None)(case)
    ),
    "methods": _policy(methods=METHODS),
    "min parcel value": _policy(min_parcel_value_cents=0),
    "never split": _skus(never_split=False),
    "opportunity": lambda case: _policy(weights_permille=dict(case.policy.weights_permille) | {"opportunity": 0})(case),
    "partial": _order(partial=False),
    "pins": _unpinned,
    "places": _policy(pickup_places_max=0),
    "quantity split": _policy(allow_quantity_split=False),
    "relaxations": _policy(relaxations=()),
    "restrictions": _skus(node_groups={}, services={}),
    "safety stock": lambda case: _network(lambda network: {"safety_stock": ()})(_nodes(safety_stock=0)(case)),
    "ships alone": _skus(ships_alone=False),
    "split price": _policy(split_cents=0),
    "surcharges": _network(lambda network: {"surcharges": ()}),
    "waiting": _policy(waiting_day_cents=0),
    "weights": _policy(weights_permille={}),
}


def bound_by(case: Case) -> frozenset[str] | None:
    """Rules without which the optimum of a case would be another one; None where the twin cannot say."""
    try:
        cost = best(case).cost_cents
        return frozenset(name for name, without in WITHOUT.items() if best(without(case)).cost_cents != cost)
    except TooLargeError:
        return None


def report(num_cases: int, first_seed: int = 0) -> str:
    """A table of how often each rule binds over so many cases."""
    codes: Counter[str] = Counter()
    rules: Counter[str] = Counter(dict.fromkeys(WITHOUT, 0))
    feasible = counted = 0
    for seed in range(first_seed, first_seed + num_cases):
        case = random_case(seed)
        codes.update(refusals(case))
        found = bound_by(case)
        if found is not None:
            counted += 1
            rules.update(found)
            plan = best(case).plan
            feasible += plan is not None and bool(plan.shipments)
    rows = [f"{counted} cases, {feasible} with shipments", "", "rule that shaped the optimum: cases"]
    rows += [f"  {name:<24}{num:>6}" for name, num in sorted(rules.items(), key=lambda item: -item[1])]
    rows += ["", "refusal of a route: times"]
    rows += [f"  {code or '(none)':<24}{num:>6}" for code, num in codes.most_common()]
    return "\n".join(rows)


if __name__ == "__main__":
    print(report(int(sys.argv[1]) if len(sys.argv) > 1 else 100))

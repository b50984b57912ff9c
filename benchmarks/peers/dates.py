"""When shipments over a route go, by number of lines and units: boxes of both, each with one date and its cents."""

from itertools import pairwise
from typing import NamedTuple

from engine.domain.plan import Promise, Refusal
from engine.domain.units import DAY_S, epoch_s, weighted_cents
from engine.network.routes import Route
from engine.options.evaluate import Evaluator
from engine.options.ways import Way


class DateBox(NamedTuple):
    """When a shipment of so many lines and units goes: a box, and what it costs to go then."""

    lines: tuple[int, int]
    units: tuple[int, int]
    ship_day: int
    cents: int
    cell: tuple[int, int]


def dates_of(evaluator: Evaluator, way: Way, release_s: int, quantities: list[int]) -> list[DateBox]:
    """Dates by lines and units. More of either never makes a pick earlier: a box with equal corners is even."""
    route = way.route
    ppm = evaluator.network.nodes[route.node].rejection_ppm
    fewest = [sum(quantities[:n]) for n in range(len(quantities) + 1)]
    most = [sum(quantities[len(quantities) - n :]) for n in range(len(quantities) + 1)]
    known: dict[tuple[int, int], tuple[int, int, int, tuple[int, int]] | None] = {}

    def at(num_lines: int, num_units: int) -> tuple[int, int, int, tuple[int, int]] | None:
        """Ship day, hand-over, arrival and cell; None without a promise."""
        key = (num_lines, num_units)
        if key not in known:
            promise = evaluator.tools.dates.promise(
                route,
                way.target,
                way.zone,
                release_s=release_s,
                num_lines=num_lines,
                num_units=num_units,
                rejections_ppm=(ppm,) * num_lines,
                confidence_permille=evaluator.policy.promise_confidence_permille,
                live=evaluator.live,
            )
            if isinstance(promise, Refusal):
                known[key] = None
            else:
                day = evaluator.tools.dates.ship_day(route, promise) if route.service >= 0 else 0
                cell = _cell(evaluator, route.node, promise)
                known[key] = day, epoch_s(promise.ship_by), epoch_s(promise.deliver_by), cell
        return known[key]

    out: list[DateBox] = []

    def cut(lines: tuple[int, int], units: tuple[int, int]) -> None:
        first, last = at(lines[0], units[0]), at(lines[1], units[1])
        if first is None:
            return
        if first == last:
            day, _, deliver_s, cell = first
            late = evaluator.deliver_by_s is not None and deliver_s > evaluator.deliver_by_s
            if not late:
                out.append(DateBox(lines, units, day, _date_cents(evaluator, route, deliver_s, cell[0]), cell))
        elif lines[0] < lines[1]:
            mid = sum(lines) // 2
            for part in ((lines[0], mid), (mid + 1, lines[1])):
                cut(part, (fewest[part[0]], most[part[1]]))
        else:
            mid = sum(units) // 2
            cut(lines, (units[0], mid))
            cut(lines, (mid + 1, units[1]))

    cut((1, len(quantities)), (fewest[1], most[-1]))
    return _joined(out)


def _cell(evaluator: Evaluator, k: int, promise: Promise) -> tuple[int, int]:
    """Day and hour of the pick; 0 stands for a day, -1 for an hour, on which nothing depends."""
    node = evaluator.network.nodes[k]
    day, hour = evaluator.tools.dates.pick_cell(k, promise.pick_start)
    by_hour = node.capacity_hour_orders is not None or node.capacity_hour_units is not None
    by_day = by_hour or node.capacity_day_orders is not None or node.capacity_day_units is not None
    return day if by_day else 0, hour if by_hour else -1


def _joined(dates: list[DateBox]) -> list[DateBox]:
    """One box instead of several that follow each other in the number of lines and cost the same."""
    if len(dates) < 2 or not all(
        (a.ship_day, a.cents, a.cell) == (b.ship_day, b.cents, b.cell) and a.lines[1] + 1 == b.lines[0]
        for a, b in pairwise(dates)
    ):
        return dates
    first, last = dates[0], dates[-1]
    return [first._replace(lines=(first.lines[0], last.lines[1]), units=(first.units[0], last.units[1]))]


def _date_cents(evaluator: Evaluator, route: Route, deliver_s: int, pick_day: int) -> int:
    """Lateness, waiting and capacity."""
    policy, node = evaluator.policy, evaluator.network.nodes[route.node]
    cents = weighted_cents(
        policy.waiting_day_cents * -(-(deliver_s - evaluator.placed_s) // DAY_S), policy.weight("waiting")
    )
    requested_s = evaluator.requested_s
    if requested_s is not None and deliver_s > requested_s:
        days = -(-(deliver_s - requested_s) // DAY_S)
        raw = policy.lateness_base_cents + policy.lateness_day_cents * days
        cents += weighted_cents(raw, policy.weight("lateness"))
    limits = node.capacity_day_orders, node.capacity_day_units
    if policy.capacity_price_cents and any(limits):
        used = evaluator.live.used_day(route.node, pick_day)
        util = max((u * 1000 // limit for u, limit in zip(used, limits, strict=True) if limit), default=0)
        over = max(0, min(1000, util) - policy.capacity_free_permille)
        raw = policy.capacity_price_cents * over**2 // (1000 - policy.capacity_free_permille) ** 2
        cents += weighted_cents(raw, policy.weight("capacity"))
    return cents

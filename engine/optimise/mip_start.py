"""A first plan, greedily, and the rules that shipments of one plan obey together."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.domain.plan import Refusal, Shipment
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_facts import Facts, free_units
from engine.optimise.reduce import Relaxed, sums
from engine.options.evaluate import Evaluator

Floats = NDArray[np.float64]
_TRIES = 12  # routes asked for one shipment before giving up

Cell = tuple[int, int, int]  # node, day number, hour; -1 is the whole day
Found = tuple[tuple[Shipment, ...], tuple[int, ...]]  # shipments, lines left unserved


def coupled(evaluator: Evaluator, shipments: Sequence[Shipment]) -> bool:
    """Whether shipments that are possible each on its own are possible together; cover and stock aside."""
    if len(shipments) > evaluator.shipments_max or len({s.place for s in shipments} - {None}) > 1:
        return False
    carried = Counter(row.line_id for s in shipments for row in s.lines)
    if any(times > evaluator.shipments_per_line_max for times in carried.values()):
        return False
    values = {sku.sku: sku.value_cents for sku in evaluator.skus}
    least = evaluator.min_parcel_value_cents
    if len(shipments) > 1 and any(sum(values[x.sku] * x.quantity for x in s.lines) < least for s in shipments):
        return False
    return not overbooked(evaluator, shipments)


def cells_of(evaluator: Evaluator, shipment: Shipment) -> tuple[Cell, ...]:
    """The cells of capacity that a shipment's pick is booked in: its day, and the hour of it."""
    node = evaluator.network.node_index[shipment.node]
    day, hour = evaluator.tools.dates.pick_cell(node, shipment.promise.pick_start)
    return (node, day, -1), (node, day, hour)


def free_in(evaluator: Evaluator, cell: Cell) -> tuple[int | None, int | None]:
    """Orders and units that a cell still takes, None where it has no limit."""
    node, day, hour = cell
    live = evaluator.live
    if hour < 0:
        limits, used = live.limits_of_day(node, day), live.used_day(node, day)
    else:
        limits, used = live.limits_of_hour(node, day, hour), live.used_hour(node, day, hour)
    orders, units = (None if limit is None else limit - taken for limit, taken in zip(limits, used, strict=True))
    return orders, units


def overbooked(evaluator: Evaluator, shipments: Sequence[Shipment]) -> list[Cell]:
    """The cells that shipments exceed together."""
    booked: dict[Cell, tuple[int, int]] = {}
    for s in shipments:
        for cell in cells_of(evaluator, s):
            orders, units = booked.get(cell, (0, 0))
            booked[cell] = (orders + 1, units + sum(x.quantity for x in s.lines))
    return [
        cell
        for cell, taken in booked.items()
        if any(free is not None and more > free for free, more in zip(free_in(evaluator, cell), taken, strict=True))
    ]


def greedy(facts: Facts, relaxed: Relaxed, prices: Floats) -> Found | None:
    """
    The slot that gives most worth for its cost, then again for what is left; None where that leads nowhere.

    Tried as well: the cheapest slots that hold everything, and most of what is left first.
    """
    rest = np.array([float(item.quantity) for item in facts.items])
    best = _first(facts, _ranking(facts, relaxed, prices, rest, place=-1, most_first=True), rest)
    found: list[Found] = [] if best is None or _units(best) < rest.sum() else [((best,), ())]
    for most_first in (False, True):
        cover = _cover(facts, relaxed, prices, rest, most_first)
        if cover is not None:
            found.append(cover)
    evaluator = facts.evaluator
    found = [plan for plan in found if coupled(evaluator, plan[0])]
    return min(found, key=lambda plan: total_cents(evaluator, *plan), default=None)


def hasty(evaluator: Evaluator, clock: Clock) -> Found | None:
    """
    Some plan of whole lines without looking at all routes: nodes that hold most of what is left, near ones first.

    None where that leads nowhere, or takes too long.
    """
    lines = evaluator.order.lines
    enough = free_units(evaluator) >= np.array([line.quantity for line in lines])
    held = {line: set(np.flatnonzero(enough[:, line]).tolist()) for line in range(len(lines))}
    left = set(held)
    out: list[Shipment] = []
    tried: set[int] = set()
    while left and len(out) < evaluator.shipments_max and not clock.late():
        counts = Counter(k for line in sorted(left) for k in held[line] if k not in tried)
        if not counts:
            break
        node = min(counts, key=lambda k: (-counts[k], k))
        tried.add(node)
        found = _from(evaluator, node, tuple(line for line in sorted(left) if node in held[line]), out, clock)
        if found is not None:
            out.append(found)
            carried = {row.line_id for row in found.lines}
            left -= {line for line in left if lines[line].line_id in carried}
    if not out or (left and not evaluator.order.partial):
        return None
    groups = [set(group) for group in evaluator.order.keep_together]
    whole = all(
        group <= {r.line_id for r in s.lines} or group.isdisjoint(r.line_id for r in s.lines)
        for s in out
        for group in groups
    )
    return (tuple(out), tuple(sorted(left))) if whole else None


def _from(
    evaluator: Evaluator, node: int, held: tuple[int, ...], beside: list[Shipment], clock: Clock
) -> Shipment | None:
    """The cheapest shipment of lines from a node that fits beside others."""
    if evaluator.ways.node_barred(node) is not None:
        return None
    items = tuple((line, evaluator.order.lines[line].quantity) for line in held)
    best: Shipment | None = None
    for route in evaluator.ways.of_node(node):
        if clock.late():
            break
        found = evaluator.shipment(route, items)
        if isinstance(found, Refusal) or (best is not None and found.cost_cents >= best.cost_cents):
            continue
        if coupled(evaluator, [*beside, found]):
            best = found
    return best


def total_cents(evaluator: Evaluator, shipments: Sequence[Shipment], unserved: Sequence[int]) -> int:
    """What a plan costs."""
    from engine.domain.plan import Status

    return evaluator.plan(shipments, unserved, Status.FEASIBLE, 0).cost_cents


def _ranking(
    facts: Facts, relaxed: Relaxed, prices: Floats, rest: Floats, *, place: int, most_first: bool
) -> list[int]:
    """
    Slots by what they ask for what is left, per worth of it at the given prices.

    With ``most_first`` by how much of what is left they hold, then by what they ask for it.
    """
    at, item, num_slots = relaxed.entry_slot, relaxed.entry_item, len(relaxed.fixed)
    quantity = np.array([float(i.quantity) for i in facts.items])
    divisible = np.array([i.divisible for i in facts.items])
    held = relaxed.share * quantity[item]
    units = np.minimum(held, rest[item])
    useful = np.where(divisible[item], units > 0, (rest[item] > 0) & (relaxed.share == 1.0))
    part = np.where(useful, units / held, 0.0)

    def total(values: Floats) -> Floats:
        return sums(at, values * part, num_slots)

    parcels = relaxed.parcel_cents(total(relaxed.weight), total(relaxed.volume))
    cost = relaxed.fixed + relaxed.split + total(relaxed.cost) + parcels
    taken = total(held)
    ok = (taken > 0) & np.isfinite(cost) & ((place < 0) | (relaxed.place < 0) | (relaxed.place == place))
    score = cost / np.maximum(total(prices[item] * relaxed.share), 1e-3)
    order = np.lexsort((cost, -taken)) if most_first else np.argsort(score, kind="stable")
    return [int(s) for s in order if ok[s]]


def _units(shipment: Shipment) -> int:
    return sum(row.quantity for row in shipment.lines)


def _first(facts: Facts, ranking: list[int], rest: Floats) -> Shipment | None:
    """The first slots that can be shipped; of a few the cheapest."""
    best: Shipment | None = None
    for s in ranking[:_TRIES]:
        found = _shipment(facts, s, rest)
        if found is None or (best is not None and _units(found) < _units(best)):
            continue
        if best is None or _units(found) > _units(best) or found.cost_cents < best.cost_cents:
            best = found
    return best


def _shipment(facts: Facts, s: int, rest: Floats) -> Shipment | None:
    way = facts.ways[facts.slot_way[s]]
    items: list[tuple[int, int]] = []
    for i in np.flatnonzero(facts.may[s] & (rest > 0)):
        item = facts.items[i]
        if item.divisible:
            items.append((item.lines[0], int(min(rest[i], facts.units[way.route.node, i]))))
        else:
            items += [(line, facts.evaluator.order.lines[line].quantity) for line in item.lines]
    found = facts.evaluator.shipment(way.route, tuple(sorted(items)))
    return None if isinstance(found, Refusal) else found


def _cover(facts: Facts, relaxed: Relaxed, prices: Floats, rest: Floats, most_first: bool) -> Found | None:
    rest = rest.copy()
    out: list[Shipment] = []
    place = -1
    places = sorted(set(facts.evaluator.ways.places))
    index = {line.line_id: i for i, line in enumerate(facts.evaluator.order.lines)}
    used: set[int] = set()
    while rest.any() and len(out) < facts.evaluator.shipments_max:
        ranking = _ranking(facts, relaxed, prices, rest, place=place, most_first=most_first)
        for s in [s for s in ranking if s not in used][:_TRIES]:
            found = _shipment(facts, s, rest)
            way = facts.ways[facts.slot_way[s]]
            # a second shipment of divisible goods from one node would have to share its stock
            again = any(facts.ways[facts.slot_way[u]].route.node == way.route.node for u in used)
            if found is None or (again and any(i.divisible for i in facts.items)):
                continue
            if not coupled(facts.evaluator, [*out, found]):
                continue
            out.append(found)
            used.add(s)
            for row in found.lines:
                rest[facts.item_of[index[row.line_id]]] -= row.quantity
            if way.route.place >= 0:
                place = places.index(way.route.place)
            break
        else:
            break
    left = [i for i in range(len(rest)) if rest[i] > 0]
    partly = any(0 < rest[i] < facts.items[i].quantity for i in left)
    if partly or not out or any(facts.items[i].unserved_cents is None for i in left):
        return None
    return tuple(out), tuple(sorted(line for i in left for line in facts.items[i].lines))

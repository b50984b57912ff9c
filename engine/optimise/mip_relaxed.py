"""The slots of an order as arrays for `engine.optimise.reduce`: without dates, at the horizon's cheapest tariff."""

import numpy as np
from numpy.typing import NDArray

from engine.domain.units import weighted_cents
from engine.optimise.mip_facts import PPM, Facts
from engine.optimise.mip_instance import NO_LIMIT, Instance
from engine.optimise.reduce import Boxes, Relaxed, sums

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def relaxed_of(facts: Facts) -> Relaxed:
    """All slots of an order, without dates. Raises OutOfTimeError where the clock of the facts runs out."""
    slot, item = np.nonzero(facts.may)
    way_of = [facts.ways[w] for w in facts.slot_way]
    node = np.array([way.route.node for way in way_of], dtype=np.int64)
    quantity = np.array([i.quantity for i in facts.items], dtype=np.int64)
    units = facts.units[node[slot], item]
    share = units / quantity[item]
    weight = np.array([i.weight_g for i in facts.items])[item] * share
    volume = np.array([i.volume_cm3 for i in facts.items])[item] * share
    rates = _rates(facts)
    rates[:, 0] += facts.dates_cents
    per = rates[facts.slot_way]
    lines = np.array([len(i.lines) for i in facts.items])[item]
    divisible = np.array([i.divisible for i in facts.items])
    cost = per[slot, 1] * lines + per[slot, 2] * units + per[slot, 3] * weight + _share_cents(facts)[node[slot], item]
    total_g, total_cm3 = sums(slot, weight, len(way_of)), sums(slot, volume, len(way_of))
    group, boxes = _boxes(facts, total_g, total_cm3)
    packaging = [facts.parcels_cents(way, 1, 0) if way.route.service >= 0 else 0 for way in way_of]
    places = sorted(set(facts.evaluator.ways.places))
    number = {place: p for p, place in enumerate(places)}
    instance = facts.instance()
    return Relaxed(
        entry_slot=slot,
        entry_item=item,
        share=share,
        cost=cost,
        weight=weight,
        volume=volume,
        fixed=per[:, 0] + np.array(packaging) - sums(slot, _rounding(facts)[item], len(way_of)),
        group=group,
        pieces=np.where(divisible[item], units, 1),
        times=_times(facts, instance),
        boxes=boxes,
        place=np.array([number.get(way.route.place, -1) for way in way_of], dtype=np.int64),
        trip=np.array([float(instance.trip_cents[place]) for place in places]),
        unserved=np.array([np.inf if i.unserved_cents is None else float(i.unserved_cents) for i in facts.items]),
        split=float(instance.split_cents),
        max_shipments=instance.max_shipments,
    )


def _times(facts: Facts, instance: Instance) -> Ints:
    """(S,) how often a plan may use a slot: once for each item, and once for each piece of a divisible one."""
    out = np.zeros(len(facts.may), dtype=np.int64)
    node = np.array([facts.ways[w].route.node for w in facts.slot_way], dtype=np.int64)
    for i, item in enumerate(facts.items):
        pieces = np.minimum(facts.units[node, i], instance.max_per_line) if item.divisible else 1
        out += facts.may[:, i] * pieces
    return np.minimum(out, instance.max_shipments)


def _rounding(facts: Facts) -> Floats:
    """(items) by how much the weighted terms of a divisible item's units may be rounded down, however many they are."""
    policy = facts.evaluator.policy
    cents = sum(0.5 for rule in ("opportunity", "markdown") if policy.weight(rule) % 1000)
    return np.array([cents * item.divisible for item in facts.items])


def _rates(facts: Facts) -> Floats:
    """(ways, 4) cents per shipment, line, unit and gram of every way, as a lower bound."""
    out = np.zeros((len(facts.ways), 4))
    policy = facts.evaluator.policy
    known: dict[tuple[int, int, int], tuple[float, ...]] = {}
    for w, way in enumerate(facts.ways):
        key = (way.route.node, way.route.lane, way.route.service if policy.carbon_cents_per_tonne else -1)
        if policy.carbon_cents_per_tonne or key not in known:
            total = np.zeros(5)
            for stage in facts.stages(way):
                total += np.array(stage.slopes())
            node = facts.evaluator.network.nodes[way.route.node]
            total[0] += weighted_cents(policy.priority_cents * node.priority, policy.weight("priority"))
            total[0] += max(0.0, total[4]) * (way.route.service >= 0)
            known[key] = tuple(total[:4])
        out[w] = known[key]
    return out


def _share_cents(facts: Facts) -> Floats:
    """(nodes, items) what the units that a node could give of an item cost beyond the stages, as a lower bound. Of
    divisible ones before it is rounded, so that a part of the units costs at least that part of it.
    """
    evaluator, policy = facts.evaluator, facts.evaluator.policy
    nodes = evaluator.network.nodes
    aging = np.array([node.markdown_ppm_per_day for node in nodes])
    out: Floats = np.zeros((len(nodes), len(facts.items)))
    for i, item in enumerate(facts.items):
        for line in item.lines:
            out[:, i] += [facts.rejection_cents(k, line) for k in range(len(nodes))]
            ppm = np.minimum(PPM, aging * facts.cover[:, line])
            loss = -((2 * evaluator.skus[line].value_cents * ppm + PPM) // (2 * PPM))
            units = facts.units[:, i] if item.divisible else evaluator.order.lines[line].quantity
            for raw, rule in ((facts.bid[:, line], "opportunity"), (loss, "markdown")):
                weight = policy.weight(rule)
                out[:, i] += raw * units * weight / 1000
                out[:, i] -= 0.5 * (weight % 1000 > 0 and not item.divisible)
    return out


def _boxes(facts: Facts, total_g: Floats, total_cm3: Floats) -> tuple[Ints, Boxes]:
    """(S,) the group of every slot, and their tariffs; group 0 are the routes without a service."""
    group = np.zeros(len(total_g), dtype=np.int64)
    members: dict[tuple[int, int, int], list[int]] = {}
    for s, w in enumerate(facts.slot_way):
        way = facts.ways[w]
        if way.route.service >= 0:
            members.setdefault((way.route.service, way.zone, way.route.place), []).append(s)
    items = frozenset(range(len(facts.items)))
    free = np.array([(0.0, float(NO_LIMIT), 0.0, float(NO_LIMIT), 0.0)])
    masks: list[list[tuple[frozenset[int], Floats]]] = [[(items, free)]]
    weight = facts.evaluator.policy.weight("carrier")
    for (service, _, _), slots in members.items():
        at = np.array(slots)
        group[at] = len(masks)
        most_g, most_cm3 = int(total_g[at].max()) + 1, int(total_cm3[at].max()) + 1
        way = facts.ways[facts.slot_way[slots[0]]]
        rows = []
        taken = frozenset(np.flatnonzero(facts.by_service[service]).tolist())
        days, signature = facts.eras(service), facts.evaluator.order.signature
        for inside, sides in facts.masks(service, taken):
            facts.clock.check()
            boxes = facts.tariffs.cheapest(service, way.zone, days, way.target, signature, sides, most_g, most_cm3)
            boxes = boxes[(boxes[:, 0] <= most_g) & (boxes[:, 2] <= most_cm3)]
            boxes[:, 4] = (2 * boxes[:, 4] * weight + 1000) // 2000  # as weighted_cents
            rows.append((inside, boxes))
        masks.append(rows)
    flat = [mask for rows in masks for mask in rows]
    table = np.concatenate([boxes for _, boxes in flat])
    return group, Boxes(
        mask_start=np.cumsum([0] + [len(rows) for rows in masks]),
        mask_items=np.array([[i in inside for i in range(len(items))] for inside, _ in flat], dtype=np.bool_),
        box_start=np.cumsum([0] + [len(boxes) for _, boxes in flat]),
        least_g=table[:, 0].copy(),
        limit_g=table[:, 1].copy(),
        least_cm3=table[:, 2].copy(),
        limit_cm3=table[:, 3].copy(),
        cents=table[:, 4].copy(),
    )

"""
Linear functions that nowhere exceed what a slot costs, for `engine.optimise.reduce`.

The price of a slot's parcels as a function of weight alone (or volume alone) is at least the cheapest box that holds
so much. Below that staircase, up to the total W of the slot, lie the line through its first corner, the line through
its last one, and those of slopes in between:

    fixed(a) = min over corners j of cents_j - a min(limit_j, W)
"""

import numpy as np
from numpy.typing import NDArray

from engine.domain.units import weighted_cents
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_tariff import Box, Sides
from engine.optimise.reduce import Relaxed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def relaxed_of(facts: Facts) -> Relaxed:
    """All slots of an order, without dates."""
    slot, item = np.nonzero(facts.may)
    way_of = [facts.ways[w] for w in facts.slot_way]
    node = np.array([way.route.node for way in way_of], dtype=np.int64)
    quantity = np.array([i.quantity for i in facts.items], dtype=np.int64)
    units = facts.units[node[slot], item]
    share = units / quantity[item]
    weight = np.array([i.weight_g for i in facts.items])[item] * share
    volume = np.array([i.volume_cm3 for i in facts.items])[item] * share
    rates = _rates(facts)
    per = rates[facts.slot_way]
    lines = np.array([len(i.lines) for i in facts.items])[item]
    cost = per[slot, 1] * lines + per[slot, 2] * units + _share_cents(facts)[node[slot], item]
    fixed, slope_g, slope_cm3 = _tangents(facts, slot, weight, volume)
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
        fixed=fixed + per[:, 0],
        slope_g=slope_g + per[:, 3],
        slope_cm3=slope_cm3,
        place=np.array([number.get(way.route.place, -1) for way in way_of], dtype=np.int64),
        trip=np.array([float(instance.trip_cents[place]) for place in places]),
        unserved=np.array([np.inf if i.unserved_cents is None else float(i.unserved_cents) for i in facts.items]),
        split=float(instance.split_cents),
        max_shipments=instance.max_shipments,
    )


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
    """(nodes, items) what the units that a node could give of an item cost beyond the stages, as a lower bound."""
    num_nodes, num_items = facts.units.shape
    out = np.zeros((num_nodes, num_items))
    for k in np.flatnonzero(facts.units.any(axis=1)):
        row = facts.evaluator.network.nodes[k]
        plain = not (row.markdown_ppm_per_day or facts.priced[k])
        rejection = facts.rejection_cents(row)
        for i in np.flatnonzero(facts.units[k]) if not plain else ():
            share = facts.share(int(k), int(i))
            units = int(facts.units[k, i])
            out[k, i] = share.fixed_cents + sum(raw * units * w / 1000 - 0.5 for raw, w in share.unit_terms)
        if plain and rejection:
            out[k] = [rejection * len(item.lines) for item in facts.items]
    return out


def _tangents(facts: Facts, slot: Ints, weight: Floats, volume: Floats) -> tuple[Floats, Floats, Floats]:
    """(4, S) fixed cents, slope per g, slope per cm3 of the price of the parcels."""
    num_slots = len(facts.slot_way)
    fixed, slope_g, slope_cm3 = np.zeros((3, 4, num_slots))
    total_g = np.bincount(slot, weights=weight, minlength=num_slots)
    total_cm3 = np.bincount(slot, weights=volume, minlength=num_slots)
    groups: dict[tuple[int, int, int], list[int]] = {}
    for s, w in enumerate(facts.slot_way):
        way = facts.ways[w]
        if way.route.service >= 0:
            groups.setdefault((way.route.service, way.zone, way.route.place), []).append(s)
    for members in groups.values():
        at = np.array(members)
        boxes = _cheapest_boxes(facts, members[0], float(total_g[at].max()), float(total_cm3[at].max()))
        if not boxes:
            fixed[:, at] = np.inf
            continue
        weight_of = facts.evaluator.policy.weight("carrier")
        cents = np.array([float(weighted_cents(box.cents, weight_of)) for box in boxes])
        limit_g = np.array([float(box.weight_high_g) for box in boxes])
        limit_cm3 = np.array([float(box.volume_high_cm3) for box in boxes])
        f, a = _below(limit_g, cents, total_g[at], (0.0, 0.5, 1.0))
        fixed[:3, at], slope_g[:3, at] = f, a
        f, a = _below(limit_cm3, cents, total_cm3[at], (1.0,))
        fixed[3:, at], slope_cm3[3:, at] = f, a
        packaging = [facts.parcels_cents(facts.ways[facts.slot_way[s]], 1, 0) for s in members]
        fixed[:, at] += np.array(packaging, dtype=np.float64)
    return fixed, slope_g, slope_cm3


def _cheapest_boxes(facts: Facts, s: int, weight_g: float, volume_cm3: float) -> list[Box]:
    """Boxes of a slot's service and zone, of every era; surcharges for flags and sides only where one is negative."""
    evaluator, way = facts.evaluator, facts.ways[facts.slot_way[s]]
    service = way.route.service
    carrier = evaluator.network.services[service].carrier_id
    mine = (extra for extra in evaluator.network.surcharges if extra.carrier_id == carrier)
    sides = [Sides()]
    if any(extra.amount_cents < 0 or extra.permille_of_base < 0 for extra in mine):
        sides += [of for _, of in facts.masks(service, frozenset(range(len(facts.items))))]
    out: list[Box] = []
    for day in facts.eras(service):
        for of in sides:
            out += facts.tariffs.boxes(
                service,
                way.zone,
                day,
                way.target,
                evaluator.order.signature,
                of,
                int(weight_g) + 1,
                int(volume_cm3) + 1,
            )
    return out


def _below(limit: Floats, cents: Floats, total: Floats, mix: tuple[float, ...]) -> tuple[Floats, Floats]:
    """
    (fixed, slope), each (len(mix), slots): lines below a staircase up to the total of each slot.

    ``mix`` blends the slope of the line through the first corner (0) with that of the line through the last (1).
    """
    order = np.argsort(limit, kind="stable")
    limit, cents = limit[order], np.minimum.accumulate(cents[order][::-1])[::-1]
    first = np.concatenate([limit[1:] != limit[:-1], [True]])  # of equal limits any: the cents are the least of them
    limit, cents = limit[first], cents[first]
    reach = np.minimum(np.searchsorted(limit, total - 1e-6), len(limit) - 1)
    corner = np.minimum(limit[None, :], total[:, None])
    beyond = np.arange(len(limit))[None, :] > reach[:, None]
    end, last = corner[np.arange(len(total)), reach], cents[reach]
    with np.errstate(divide="ignore", invalid="ignore"):
        from_first = (cents[None, :] - cents[0]) / (corner - corner[:, :1])
        to_last = (last[:, None] - cents[None, :]) / (end[:, None] - corner)
    from_first[beyond | ~np.isfinite(from_first)] = np.inf
    to_last[beyond | ~np.isfinite(to_last)] = 0.0
    start = from_first.min(axis=1)
    start = np.where(np.isfinite(start), start, 0.0)
    stop = np.maximum(to_last.max(axis=1), start)
    slopes = np.stack([(1 - m) * start + m * stop for m in mix])
    rest = cents[None, None, :] - slopes[:, :, None] * corner[None, :, :]
    rest[:, beyond] = np.inf
    return rest.min(axis=2), slopes

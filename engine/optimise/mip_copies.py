"""
How often a plan may have to use one slot.

Two shipments on one route can be joined into one if that is feasible and no dearer. Where dates, capacity and the
number of parcels do not hang on what is in the slot, feasible it is; it is no dearer where for all variants a, b

    cents of the smallest variant that holds a's limits and b's together <= cents a + cents b + what is saved

with one shipment less to pick and to split off. Tariffs that rise ever slower with weight pass. Where this cannot be
shown, the model has the slot as often as there are items or shipments.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.optimise.mip_instance import NO_LIMIT, Instance, Slot, Variant

Floats = NDArray[np.float64]


def within(instance: Instance, slot: Slot, prices: Floats, allowance: float) -> tuple[Slot | None, int]:
    """
    The variants of a slot that a cheaper plan may use, and how many copies of it.

    Parameters
    ----------
    instance, slot
        The order and the slot in full.
    prices
        Of the items, from the bound.
    allowance
        Cents by which a cheaper plan may exceed the bound: no variant of a higher reduced cost is of use, and no two
        copies that exceed it together.
    """
    room = _Room(instance, slot, prices)
    reduced = room.reduced()
    kept = tuple(v for v, cents in zip(slot.variants, reduced, strict=True) if cents <= allowance)
    if not kept:
        return None, 0
    slot = replace(slot, variants=kept)
    most = copies_of(instance, slot)
    if most > 1 and room.of_two(reduced <= allowance) > allowance:
        most = 1
    return slot, most


class _Room:
    """What items are worth in a slot at given prices, by weight and by volume: knapsacks whose last item may be cut."""

    def __init__(self, instance: Instance, slot: Slot, prices: Floats) -> None:
        self.slot = slot
        consts = np.array([stage.slopes() for stage in slot.stages]).reshape(-1, 5).sum(axis=0)
        self.base = float(consts[0]) + instance.split_cents
        self.cents = np.array([v.cents + float(consts[4]) * v.parcels for v in slot.variants])
        self.limit_g = np.array([float(v.weight_g[1]) for v in slot.variants])
        self.limit_cm3 = np.array([float(v.volume_cm3[1]) for v in slot.variants])
        self.kept_out = [frozenset(i for i, cap in v.caps.items() if cap == 0) for v in slot.variants]
        self.gain: dict[int, tuple[float, float, float]] = {}  # item -> gain, g, cm3
        for share in slot.shares:
            item = instance.items[share.item]
            part = share.units_max / item.quantity
            own = share.fixed_cents + sum(raw * share.units_max * w / 1000 for raw, w in share.unit_terms)
            self.base -= sum(0.5 for _, w in share.unit_terms if w % 1000)  # rounded down at most, for any units
            own += float(consts[1]) * len(item.lines) + float(consts[2]) * share.units_max
            own += float(consts[3]) * item.weight_g * part
            gain = float(prices[share.item]) * part - own
            if gain > 0:
                self.gain[share.item] = (gain, item.weight_g * part, item.volume_cm3 * part)

    def worth(self, kept_out: frozenset[int], limit_g: Floats, limit_cm3: Floats) -> Floats:
        """The most that items within the limits are worth."""
        rows = np.array([row for i, row in self.gain.items() if i not in kept_out]).reshape(-1, 3)
        out = np.full(limit_g.shape, rows[:, 0].sum())
        for column, limit in ((1, limit_g), (2, limit_cm3)):
            size = np.maximum(rows[:, column], 1e-9)
            order = np.argsort(-rows[:, 0] / size, kind="stable")
            sizes = np.concatenate([[0.0], np.cumsum(size[order])])
            gains = np.concatenate([[0.0], np.cumsum(rows[order, 0])])
            out = np.minimum(out, np.interp(limit, sizes, gains))
        return out

    def reduced(self) -> Floats:
        """(V,) the least reduced cost of every variant."""
        out = self.cents + self.base
        for mask in dict.fromkeys(self.kept_out):
            at = np.array([kept_out == mask for kept_out in self.kept_out])
            out[at] -= self.worth(mask, self.limit_g[at], self.limit_cm3[at])
        return out

    def of_two(self, kept: NDArray[np.bool_]) -> float:
        """The least reduced cost of two shipments together; what they carry is not the same."""
        cents, limit_g, limit_cm3 = self.cents[kept], self.limit_g[kept], self.limit_cm3[kept]
        worth = self.worth(frozenset(), limit_g[:, None] + limit_g, limit_cm3[:, None] + limit_cm3)
        return float((cents[:, None] + cents - worth).min()) + 2 * self.base


def copies_of(instance: Instance, slot: Slot) -> int:
    """The number of copies of a slot that are enough for a cheapest plan."""
    parts = 0
    for share in slot.shares:
        item = instance.items[share.item]
        parts += min(share.units_max, instance.max_per_line) if item.divisible else 1
    most = min(parts, instance.max_shipments)
    return most if most > 1 and not _joinable(instance, slot) else 1


def _joinable(instance: Instance, slot: Slot) -> bool:
    first = slot.variants[0]
    for v in slot.variants:
        same = v.lines == first.lines == (1, NO_LIMIT) and v.units == first.units == (1, NO_LIMIT)
        if not same or v.cells != first.cells or v.parcels > 1 or any(v.caps.values()):
            return False
        if v.weight_g[0] > 0 or v.volume_cm3[0] > 0:
            return False
    if any(weight % 1000 for share in slot.shares for _, weight in share.unit_terms):
        return False
    saving = float(instance.split_cents)
    for stage in slot.stages:
        used, _, _, _, parcel = stage.slopes()
        saving += used - stage.slack() + min(parcel, 0.0)
    by_mask: dict[frozenset[int], list[Variant]] = {}
    for v in slot.variants:
        by_mask.setdefault(frozenset(v.caps), []).append(v)  # the items that are kept out
    items = instance.items
    shares = [(items[s.item], s.units_max) for s in slot.shares]
    total_g = float(sum(i.weight_g * units // i.quantity for i, units in shares))
    total_cm3 = float(sum(i.volume_cm3 * units // i.quantity for i, units in shares))
    masks = list(by_mask)
    for at, a in enumerate(masks):
        for b in masks[at:]:
            both = [m for m in masks if m <= a & b]
            joined = max(both, key=len, default=None)
            if joined is None or not _no_dearer(by_mask[a], by_mask[b], by_mask[joined], total_g, total_cm3, saving):
                return False
    return True


def _no_dearer(
    a: list[Variant], b: list[Variant], joined: list[Variant], total_g: float, total_cm3: float, saving: float
) -> bool:
    """Whether every pair of variants of a and b costs at least what one of `joined` costs that holds both."""
    chain = _chain(joined)
    limit_g = np.array([float(v.weight_g[1]) for v in chain])
    limit_cm3 = np.array([float(v.volume_cm3[1]) for v in chain])
    cents = np.array([float(v.cents) for v in chain] + [np.inf])
    weight = np.array([[float(v.weight_g[1]) for v in a]]).T + np.array([float(v.weight_g[1]) for v in b])
    volume = np.array([[float(v.volume_cm3[1]) for v in a]]).T + np.array([float(v.volume_cm3[1]) for v in b])
    apart = np.array([[float(v.cents) for v in a]]).T + np.array([float(v.cents) for v in b])
    by_weight = np.searchsorted(limit_g, np.minimum(weight, total_g))
    by_volume = np.searchsorted(limit_cm3, np.minimum(volume, total_cm3))
    return bool(np.all(cents[np.maximum(by_weight, by_volume)] <= apart + saving))


def _chain(variants: list[Variant]) -> list[Variant]:
    """Variants of which each holds all before it."""
    out: list[Variant] = []
    for v in sorted(variants, key=lambda v: (v.weight_g[1], v.volume_cm3[1])):
        while out and out[-1].volume_cm3[1] > v.volume_cm3[1]:
            out.pop()
        out.append(v)
    return out

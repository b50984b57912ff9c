"""
The sourcing of one order as plain numbers: what the reduction and the MIP work on.

An **item** is a line, a group of lines that travel together, or a line that may be divided. A **slot** is one possible
shipment: a route with the items it may carry. A slot has **variants**: boxes of weight, volume, lines and units within
which everything that is not linear (price of the parcels, dates, what depends on them) is constant. Exactly one variant
holds where a slot is used. Its cost is then

    cents of the variant + sum of fixed cents of its shares + sum of its stages

where a `Stage` is a rounded linear function of lines n, units u, grams W and parcels p. All numbers are integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.domain.units import rounded

NO_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Item:
    """Lines that travel together, or one line that may be divided; weights and values are of all its units."""

    lines: tuple[int, ...]
    quantity: int
    weight_g: int
    volume_cm3: int
    value_cents: int
    divisible: bool = False
    unserved_cents: int | None = None  # None: it must be served


@dataclass(frozen=True, slots=True)
class Share:
    """
    An item in a slot.

    ``units_max`` is the item's quantity unless it is divisible. ``unit_terms`` are (raw cents, weight in permille) of
    each unit of a divisible item, weighted and rounded term by term.
    """

    item: int
    units_max: int
    fixed_cents: int = 0
    unit_terms: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """rounded(used + per_line n + per_unit u + per_gram W + per_parcel p + factor × inner, denominator)."""

    denominator: int = 1
    used: int = 0
    per_line: int = 0
    per_unit: int = 0
    per_gram: int = 0
    per_parcel: int = 0
    inner: "Stage | None" = None
    factor: int = 1

    def cents(self, num_lines: int, units: int, weight_g: int, parcels: int) -> int:
        """The value for a shipment."""
        total = self.used + self.per_line * num_lines + self.per_unit * units
        total += self.per_gram * weight_g + self.per_parcel * parcels
        if self.inner is not None:
            total += self.factor * self.inner.cents(num_lines, units, weight_g, parcels)
        return rounded(total, self.denominator)

    def slopes(self) -> tuple[float, float, float, float, float]:
        """(per shipment, line, unit, gram, parcel) of a linear function that is nowhere above the value."""
        inner = self.inner.slopes() if self.inner is not None else (0.0,) * 5
        own = (self.used, self.per_line, self.per_unit, self.per_gram, self.per_parcel)
        out = [(a + self.factor * b) / self.denominator for a, b in zip(own, inner, strict=True)]
        if self.used % self.denominator:
            out[0] += (rounded(self.used, self.denominator) * self.denominator - self.used) / self.denominator
        divides = all(a % self.denominator == 0 for a in own[1:])
        if not divides or (self.inner is not None and self.factor % self.denominator):
            out[0] -= 0.5
        return out[0], out[1], out[2], out[3], out[4]

    def slack(self) -> float:
        """By how much the value may be above the linear function of `slopes`."""
        own = (self.per_line, self.per_unit, self.per_gram, self.per_parcel)
        inner = self.inner.slack() * abs(self.factor) / self.denominator if self.inner is not None else 0.0
        divides = all(a % self.denominator == 0 for a in own)
        if divides and (self.inner is None or self.factor % self.denominator == 0):
            return inner
        return inner + 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    A box in which the cost of a slot is linear; all limits included.

    ``caps`` limits items to fewer units. ``floors`` asks for so many of an item, 1 of one that is not divisible: a
    shipment waits for units that are due only where it needs them.
    """

    cents: int
    parcels: int = 0
    weight_g: tuple[int, int] = (0, NO_LIMIT)
    volume_cm3: tuple[int, int] = (0, NO_LIMIT)
    lines: tuple[int, int] = (1, NO_LIMIT)
    units: tuple[int, int] = (1, NO_LIMIT)
    caps: Mapping[int, int] = field(default_factory=dict)  # item -> units; absent: no cap of its own
    floors: Mapping[int, int] = field(default_factory=dict)  # item -> units
    cells: tuple[int, ...] = ()  # capacity cells that the pick falls into


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One possible shipment. ``copies``: how often a plan may use it."""

    route: int
    node: int
    place: int  # -1: home
    shares: tuple[Share, ...]
    variants: tuple[Variant, ...]
    stages: tuple[Stage, ...] = ()
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An order. ``cells`` are (orders, units) that are free; ``stock`` limits divisible items by (node, item)."""

    items: tuple[Item, ...]
    slots: tuple[Slot, ...]
    split_cents: int  # per shipment after the first
    max_shipments: int
    max_per_line: int = NO_LIMIT
    min_value_cents: int = 0
    trip_cents: Mapping[int, int] = field(default_factory=dict)  # place -> cents, 0 if the customer chose it
    cells: tuple[tuple[int, int], ...] = ()
    stock: Mapping[tuple[int, int], int] = field(default_factory=dict)


Load = tuple[int, tuple[tuple[int, int], ...]]  # slot, (item, units) in it


def variant_of(instance: Instance, load: Load) -> Variant | None:
    """The cheapest variant of a slot that holds a load, None where none does."""
    slot = instance.slots[load[0]]
    num_lines, units, weight_g, volume_cm3 = totals(instance, load)
    held, taken = {share.item: share.units_max for share in slot.shares}, dict(load[1])
    if any(quantity > held.get(item, 0) for item, quantity in load[1]):
        return None
    found = [
        v
        for v in slot.variants
        if v.weight_g[0] <= weight_g <= v.weight_g[1]
        and v.volume_cm3[0] <= volume_cm3 <= v.volume_cm3[1]
        and v.lines[0] <= num_lines <= v.lines[1]
        and v.units[0] <= units <= v.units[1]
        and all(quantity <= v.caps.get(item, NO_LIMIT) for item, quantity in load[1])
        and all(taken.get(item, 0) >= least for item, least in v.floors.items())
    ]
    parts = (num_lines, units, weight_g)
    return min(found, key=lambda v: v.cents + sum(s.cents(*parts, v.parcels) for s in slot.stages), default=None)


def totals(instance: Instance, load: Load) -> tuple[int, int, int, int]:
    """(lines, units, grams, cm3) of a load."""
    num_lines = units = weight_g = volume_cm3 = 0
    for i, quantity in load[1]:
        item = instance.items[i]
        num_lines += len(item.lines)
        units += quantity
        weight_g += item.weight_g * quantity // item.quantity
        volume_cm3 += item.volume_cm3 * quantity // item.quantity
    return num_lines, units, weight_g, volume_cm3


def load_cents(instance: Instance, load: Load) -> int | None:
    """What a shipment costs, None where no variant holds it."""
    variant = variant_of(instance, load)
    if variant is None:
        return None
    slot = instance.slots[load[0]]
    num_lines, units, weight_g, _ = totals(instance, load)
    taken = dict(load[1])
    cents = variant.cents + sum(s.cents(num_lines, units, weight_g, variant.parcels) for s in slot.stages)
    for share in slot.shares:
        if share.item in taken:
            cents += share.fixed_cents
            cents += sum(rounded(raw * taken[share.item] * weight, 1000) for raw, weight in share.unit_terms)
    return cents

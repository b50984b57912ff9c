"""
Plans from the columns of the bound: a small program over whole ones, then exchanges while they help.

Thousands of columns are ranked by the relaxation; some hundreds are then built by `Evaluator`, whose cents count.
Divisible items are taken whole here, or not at all.
"""

from collections.abc import Iterable
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from engine.domain.plan import Refusal, Shipment
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_columns import Columns
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_program import Program
from engine.optimise.mip_start import Found, coupled
from engine.optimise.reduce import Relaxed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_COLUMNS_MAX = 700
_WIDER = (1, 5)  # times as many columns, the second where the first make no plan
_COLUMNS_FULL = 150  # the fullest, beside those
_COLUMNS_EACH = 8  # with any item, beside those
_ROUTES = 6  # cheapest ones asked for a new set of items
_TARIFFS = 40  # that may refuse it before giving up

Load = tuple[int, frozenset[int]]  # slot, items


def rounded_plan(facts: Facts, relaxed: Relaxed, columns: Columns, prices: Floats, clock: Clock) -> Found | None:
    """The best plan that whole columns make, None where they make none."""
    pool = _Pool(facts, relaxed)
    chosen = None
    for times in _WIDER:
        if chosen is None and not clock.late():
            chosen = pool.cover(pool.whole(columns, prices, times, clock.part(0.7)), clock.part(0.7))
    if chosen is None:
        return None
    built = pool.built(chosen)
    both = [(load, shipment) for load, shipment in zip(chosen, built, strict=True) if shipment is not None]
    return pool.exchanged(both, clock) if len(both) == len(built) else None


class _Pool:
    """Loads of one order, what the relaxation takes them to cost, and their shipments."""

    def __init__(self, facts: Facts, relaxed: Relaxed) -> None:
        self.facts = facts
        self.relaxed = relaxed
        self.evaluator = facts.evaluator
        num_slots, num_items = len(relaxed.fixed), len(facts.items)
        self.cost = np.full((num_slots, num_items), np.inf)  # of what a slot can carry whole
        whole = relaxed.share == 1.0
        self.cost[relaxed.entry_slot[whole], relaxed.entry_item[whole]] = relaxed.cost[whole]
        self.weight = np.array([float(item.weight_g) for item in facts.items])
        self.volume = np.array([float(item.volume_cm3) for item in facts.items])
        self._known: dict[Load, Shipment | None] = {}

    def cents(self, slot: Ints, inside: Flags) -> Floats:
        """(C,) the relaxation's price of slots with (C, I) items, splits included; infinite where they do not fit."""
        some = self.relaxed.some(slot)
        parcels = some.parcel_cents(inside @ self.weight, inside @ self.volume, inside)
        return some.fixed + some.split + parcels + np.where(inside, self.cost[slot], 0.0).sum(axis=1)

    def whole(self, columns: Columns, prices: Floats, times: int, clock: Clock) -> list[Load]:
        """Loads of the columns that can be shipped, cut items left out or taken in, best reduced cost first."""
        slot = np.concatenate([columns.slot, columns.slot])
        inside = np.vstack([columns.part > 0.999, columns.part > 1e-6]) & np.isfinite(self.cost)[slot]
        reduced = self.cents(slot, inside) - inside @ prices
        ok = np.flatnonzero(inside.any(axis=1) & np.isfinite(reduced))
        order = ok[np.argsort(reduced[ok], kind="stable")].tolist()
        loads = list(dict.fromkeys((int(slot[c]), frozenset(np.flatnonzero(inside[c]).tolist())) for c in order))
        few = [islice((load for load in loads if i in load[1]), _COLUMNS_EACH) for i in range(len(prices))]
        out = self._real(
            dict.fromkeys(chain(loads[: times * _COLUMNS_MAX], *few, self._fullest(columns)[: times * _COLUMNS_FULL])),
            clock,
        )
        for i in range(len(prices)):
            if not any(i in load[1] for load in out):
                alone = self._best(frozenset({i}), [])
                joined = ((s, inside | {i}) for s, inside in out if np.isfinite(self.cost[s, i]))
                some = list(islice(joined, _COLUMNS_MAX // 4))
                out += self._real([alone[0], *some] if alone is not None else some, clock)
        return out

    def _fullest(self, columns: Columns) -> list[Load]:
        """All that a slot can carry, of those that can carry most: where shipments are few, price is not all."""
        slots = np.unique(columns.slot)
        inside = np.isfinite(self.cost[slots])
        cents = self.cents(slots, inside)
        order = np.lexsort((cents, -inside.sum(axis=1))).tolist()
        return [(int(slots[c]), frozenset(np.flatnonzero(inside[c]).tolist())) for c in order if np.isfinite(cents[c])]

    def _real(self, loads: Iterable[Load], clock: Clock) -> list[Load]:
        """Those that can be shipped, as far as there is time to ask."""
        return [load for load in loads if not clock.late() and self.shipment(load) is not None]

    def cover(self, loads: list[Load], clock: Clock) -> list[Load] | None:
        """The cheapest of some loads that can be shipped, to hold every item (or leave it unserved) exactly once."""
        relaxed, facts = self.relaxed, self.facts
        slot, inside = self._arrays(loads)
        program = Program()
        add = program.columns.add
        z = [add(s.cost_cents + relaxed.split) for s in map(self.shipment, loads) if s is not None]
        for i, item in enumerate(facts.items):
            terms = {z[c]: 1.0 for c in np.flatnonzero(inside[:, i]).tolist()}
            if item.unserved_cents is not None:
                terms[add(item.unserved_cents)] = 1.0
            if not terms:
                return None
            program.row(terms, low=1.0)
        program.row(dict.fromkeys(z, 1.0), high=relaxed.max_shipments)
        place = relaxed.place[slot]
        opened = {p: add(float(relaxed.trip[p])) for p in sorted({*place.tolist()} - {-1})}
        for c in np.flatnonzero(place >= 0).tolist():
            program.row({z[c]: 1.0, opened[int(place[c])]: -1.0}, high=0.0)
        program.row(dict.fromkeys(opened.values(), 1.0), high=1.0)
        outcome = program.run(clock, 0.005)
        if outcome.values is None:
            return None
        chosen = [c for c, col in enumerate(z) if outcome.values[col] > 0.5]
        return self._once([loads[c] for c in chosen])

    def _once(self, loads: list[Load]) -> list[Load]:
        """Each item in one load only: it stays where it costs least."""
        for i in range(len(self.facts.items)):
            several = [at for at, load in enumerate(loads) if i in load[1]]
            if len(several) < 2:
                continue
            here = [loads[at] for at in several]
            less = [(s, inside - {i}) for s, inside in here]
            extra = self.cents(*self._arrays(here)) - self.cents(*self._arrays(less))
            stays = several[int(np.argmin(extra))]
            loads = [less[several.index(at)] if at in several and at != stays else x for at, x in enumerate(loads)]
        return [load for load in loads if load[1]]

    def _arrays(self, loads: list[Load]) -> tuple[Ints, Flags]:
        inside = np.zeros((len(loads), len(self.facts.items)), dtype=np.bool_)
        for c, (_, items) in enumerate(loads):
            inside[c, list(items)] = True
        return np.array([s for s, _ in loads], dtype=np.int64), inside

    def shipment(self, load: Load) -> Shipment | None:
        """The shipment of a load, None where it may not be."""
        if load not in self._known:
            lines = sorted(line for i in load[1] for line in self.facts.items[i].lines)
            items = tuple((line, self.evaluator.order.lines[line].quantity) for line in lines)
            found = self.evaluator.shipment(self.facts.ways[self.facts.slot_way[load[0]]].route, items)
            self._known[load] = None if isinstance(found, Refusal) else found
        return self._known[load]

    def built(self, loads: list[Load]) -> list[Shipment | None]:
        """The shipments of loads; where one may not be, the cheapest other one of its items."""
        out = []
        for at, load in enumerate(loads):
            found = self.shipment(load)
            if found is None:
                other = self._best(load[1], loads[at + 1 :])
                loads[at], found = other if other is not None else (load, None)
            out.append(found)
        return out

    def _best(self, items: frozenset[int], beside: list[Load]) -> tuple[Load, Shipment] | None:
        """The cheapest shipment of some items, of the few that the relaxation likes; at no place but that of others."""
        slots = np.flatnonzero(np.isfinite(self.cost[:, list(items)]).all(axis=1))
        place = next((int(self.relaxed.place[s]) for s, _ in beside if self.relaxed.place[s] >= 0), -2)
        slots = slots[(self.relaxed.place[slots] == -1) | (self.relaxed.place[slots] == place)]
        inside = np.zeros((len(slots), len(self.facts.items)), dtype=np.bool_)
        inside[:, list(items)] = True
        cents = self.cents(slots, inside)
        best: tuple[Load, Shipment] | None = None
        asked = 0
        barred: set[int] = set()  # tariffs that refused: they would again, from the next node
        for at in np.argsort(cents, kind="stable").tolist():
            if asked == _ROUTES or len(barred) == _TARIFFS:
                break
            if int(self.relaxed.group[slots[at]]) in barred:
                continue
            if not np.isfinite(cents[at]) or (best is not None and cents[at] - self.relaxed.split > best[1].cost_cents):
                break
            load = (int(slots[at]), items)
            found = self.shipment(load)
            if found is None:
                barred.add(int(self.relaxed.group[slots[at]]))
                continue
            asked += 1
            if best is None or found.cost_cents < best[1].cost_cents:
                best = load, found
        return best

    def exchanged(self, chosen: list[tuple[Load, Shipment]], clock: Clock) -> Found | None:
        """Other routes for single shipments, items from one to another, two made one: while it helps."""
        better = True
        while better and not clock.late():
            better = False
            for change in self._changes(chosen):
                if clock.late():
                    break
                after = self._changed(chosen, change)
                if after is not None and self._cents(after) < self._cents(chosen) and self._possible(after):
                    chosen, better = after, True
                    break
        served = {i for (_, inside), _ in chosen for i in inside}
        left = [line for i, item in enumerate(self.facts.items) if i not in served for line in item.lines]
        return (tuple(s for _, s in chosen), tuple(sorted(left))) if self._possible(chosen) else None

    def _possible(self, chosen: list[tuple[Load, Shipment]]) -> bool:
        return coupled(self.evaluator, [s for _, s in chosen])

    def _cents(self, chosen: list[tuple[Load, Shipment]]) -> float:
        """Cost of shipments, splits included and trips left out."""
        return sum(s.cost_cents for _, s in chosen) + self.relaxed.split * len(chosen)

    def _changes(self, chosen: list[tuple[Load, Shipment]]) -> list[tuple[tuple[int, ...], tuple[frozenset[int], ...]]]:
        """(shipments taken away, sets of items that are shipped instead)."""
        sets = [load[1] for load, _ in chosen]
        pairs = [(a, b) for a in range(len(sets)) for b in range(len(sets)) if a != b]
        out: list[tuple[tuple[int, ...], tuple[frozenset[int], ...]]] = [
            ((a,), (inside,)) for a, inside in enumerate(sets)
        ]
        out += [((a, b), (sets[a] | sets[b],)) for a, b in pairs if a < b]
        out += [((a, b), (sets[a] - {i}, sets[b] | {i})) for a, b in pairs for i in sorted(sets[a]) if len(sets[a]) > 1]
        return out

    def _changed(
        self, chosen: list[tuple[Load, Shipment]], change: tuple[tuple[int, ...], tuple[frozenset[int], ...]]
    ) -> list[tuple[Load, Shipment]] | None:
        gone, sets = change
        kept = [x for at, x in enumerate(chosen) if at not in gone]
        spent = sum(chosen[at][1].cost_cents for at in gone)
        for items in sets:
            found = self._best(items, [load for load, _ in kept])
            if found is None:
                return None
            kept.append(found)
            spent -= found[1].cost_cents
        return kept if spent + self.relaxed.split * (len(gone) - len(sets)) > 0 else None

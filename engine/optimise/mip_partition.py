"""
Plans from sets of items: which sets together hold every item once, and cost least.

    minimise    sum_c cents_c z_c + sum_p trip_p w_p + sum_i unserved_i u_i - split
    subject to  sum_c pieces_ci z_c + pieces_i u_i = pieces_i,  sum_c z_c <= max_shipments,  at most one place,
                sum over the c that have some of a divisible item <= shipments per line,
                pieces of a divisible item from one node <= those that it holds

A set of parts of divisible items may be shipped several times, and from several nodes: z_c counts. At first one column
stands for a set from any node; where the nodes of a solution do not have the capacity or the units for it, their sets
become columns of their own, and their units and the cells that were full rows. So no set is barred from a node that has
room for it.

A set costs at first what the relaxation says, and what its shipment costs once a plan wants it; then the program is
solved again. With all sets in it that a cheaper plan could use, its optimum is the order's: by the bound L and its
prices, a plan with a set of reduced cost r costs at least L + r, so that those with L + r below a known plan suffice
(route enumeration: Baldacci, Christofides, Mingozzi, Mathematical Programming 115, 2008). Where these are too many, a
part of them still raises the bound: every plan with a set that is left out costs L and more.
"""

import numpy as np
from numpy.typing import NDArray

from engine.domain.plan import Refusal, Shipment
from engine.optimise.mip_clock import Clock
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_program import Program
from engine.optimise.mip_sets import Found as Enumerated
from engine.optimise.mip_sets import Sets
from engine.optimise.mip_start import Cell, Found, cells_of, coupled, free_in, overbooked, total_cents
from engine.optimise.reduce import Relaxed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_CORRECTIONS_MAX = 400
_EPSILON = 0.01


class Partition:
    """
    The program over some sets of one order.

    Parameters
    ----------
    facts, sets
        Of the order; the slots of `sets` are merged.
    members
        The slots of `facts` that each merged slot stands for.
    """

    def __init__(self, facts: Facts, sets: Sets, members: list[Ints]) -> None:
        self.facts = facts
        self.evaluator = facts.evaluator
        self.sets = sets
        self.relaxed: Relaxed = sets.relaxed
        self.members = members
        self._node = np.array([facts.ways[facts.slot_way[m[0]]].route.node for m in members], dtype=np.int64)
        self._apart: set[int] = set()  # nodes whose sets are columns of their own
        self._known: dict[tuple[int, int], Shipment | None] = {}

    def shipment(self, slot: int, bits: int) -> Shipment | None:
        """The cheapest shipment of a set on any route of a merged slot, None where it may not be."""
        key = (slot, bits)
        if key not in self._known:
            lines = self._lines(bits)
            best: Shipment | None = None
            for s in self.members[slot].tolist():
                found = self.evaluator.shipment(self.facts.ways[self.facts.slot_way[s]].route, lines)
                if not isinstance(found, Refusal) and (best is None or found.cost_cents < best.cost_cents):
                    best = found
            self._known[key] = best
        return self._known[key]

    def _lines(self, bits: int) -> tuple[tuple[int, int], ...]:
        out: list[tuple[int, int]] = []
        pieces = self.sets.pieces_of(np.array([bits]))[0].tolist()
        for item, many in zip(self.facts.items, pieces, strict=True):
            if many and item.divisible:
                out.append((item.lines[0], many))
            elif many:
                out += [(line, self.evaluator.order.lines[line].quantity) for line in item.lines]
        return tuple(sorted(out))

    def solve(self, found: Enumerated, cents: Floats, cutoff: float, clock: Clock) -> tuple[Found | None, float]:
        """
        The cheapest plan of some sets.

        Parameters
        ----------
        found, cents
            The sets, and what each costs by the relaxation.
        cutoff
            Only plans that cost less are of interest.

        Returns
        -------
        Found, bound
            The plan, None where none was found; what any still cheaper plan of these sets costs at least, infinite
            where there is none.
        """
        if len(found.slot) == 0:
            return None, np.inf
        best: Found | None = None
        bound = -np.inf
        pool, program = self._made(found, cents)
        for _ in range(_CORRECTIONS_MAX):
            outcome = program.run(clock, 0.0)
            bound = max(bound, outcome.bound - self.relaxed.split)
            if outcome.values is None or bound >= cutoff - 1.0 + _EPSILON:
                break
            times = np.round(outcome.values[: len(pool.cents)]).astype(np.int64)
            chosen = np.flatnonzero(times).tolist()
            settled = [pool.settle(c, self, clock) for c in chosen]
            for c in chosen:
                usable = pool.shipment[c] is not None
                program.columns.cost[c] = float(pool.cents[c]) if usable else 0.0
                program.columns.high[c] *= usable
            built = tuple(s for c in chosen for s in [pool.shipment[c]] * int(times[c]) if s is not None)
            if len(built) == times.sum() and self.possible(built):
                plan = built, self._unserved(pool.bits[chosen])
                if self.cents(plan) < cutoff:
                    best, cutoff = plan, self.cents(plan)
                if all(settled) and outcome.finished:
                    bound = np.inf
                    break
            elif all(settled):
                nodes, cells = self._short(built), overbooked(self.evaluator, built)
                if not nodes <= self._apart:
                    self._apart |= nodes
                    pool, program = self._made(found, cents)
                elif cells:
                    for cell in cells:
                        self._book(program, pool, cell)
                else:
                    break  # the program takes to be possible what is not
            if clock.late() or not outcome.finished:
                break
        return best, np.inf if bound >= cutoff - 1.0 + _EPSILON else bound

    def _made(self, found: Enumerated, cents: Floats) -> tuple["Pool", Program]:
        apart = np.isin(self._node, sorted(self._apart))
        pool = Pool(found.slot, found.bits, cents, self.relaxed.place, apart)
        return pool, self._program(pool)

    def _book(self, program: Program, pool: "Pool", cell: Cell) -> None:
        """No more in a cell than it takes, of all sets whose shipments are known."""
        units: dict[int, float] = {}
        for c, shipment in enumerate(pool.shipment):
            if shipment is not None and cell in cells_of(self.evaluator, shipment):
                units[c] = float(sum(row.quantity for row in shipment.lines))
        for terms, free in zip((dict.fromkeys(units, 1.0), units), free_in(self.evaluator, cell), strict=True):
            if free is not None:
                program.row(terms, high=float(free))

    def cents(self, found: Found) -> int:
        """What a plan costs."""
        return total_cents(self.evaluator, *found)

    def _unserved(self, bits: Ints) -> tuple[int, ...]:
        served = self.sets.pieces_of(bits).sum(axis=0)
        return tuple(sorted(line for i, item in enumerate(self.facts.items) if not served[i] for line in item.lines))

    def possible(self, shipments: tuple[Shipment, ...]) -> bool:
        """Whether shipments may go together; the program has left out capacity, and stock that is divided."""
        return coupled(self.evaluator, shipments) and not self._short(shipments)

    def _short(self, shipments: tuple[Shipment, ...]) -> set[int]:
        """The nodes that have less capacity, or fewer units, than shipments take together."""
        index = {line.line_id: i for i, line in enumerate(self.evaluator.order.lines)}
        taken: dict[tuple[int, int], int] = {}
        for s in shipments:
            for row in s.lines:
                key = (self.evaluator.network.node_index[s.node], index[row.line_id])
                taken[key] = taken.get(key, 0) + row.quantity
        out = {cell[0] for cell in overbooked(self.evaluator, shipments)}
        return out | {key[0] for key, units in taken.items() if units > self.evaluator.available(*key)}

    def _program(self, pool: "Pool") -> Program:
        """Columns 0, 1, … are the sets of the pool."""
        relaxed, items, num = self.relaxed, self.facts.items, len(pool.cents)
        program = Program()
        pieces = self.sets.pieces_of(pool.bits)
        most = min(relaxed.max_shipments, int(self.sets.pieces.sum()))
        often = np.where(pieces > 0, self.sets.pieces // np.maximum(pieces, 1), most).min(axis=1, initial=most)
        for cents, times in zip(pool.cents.tolist(), often.tolist(), strict=True):
            program.columns.add(cents, high=float(times))
        for i, item in enumerate(items):
            size = float(self.sets.pieces[i])
            at = np.flatnonzero(pieces[:, i]).tolist()
            terms = {c: float(pieces[c, i]) for c in at}
            if item.unserved_cents is not None:
                terms[program.columns.add(item.unserved_cents)] = size
            program.row(terms, low=size, high=size)
            if item.divisible:
                program.row(dict.fromkeys(at, 1.0), high=min(most, self.evaluator.shipments_per_line_max))
                self._share(program, pool, pieces[:, i], i)
        program.row(dict.fromkeys(range(num), 1.0), high=most)
        none = program.columns.add(relaxed.split)  # every set bears a split; a plan saves one, the empty plan does not
        program.row({**dict.fromkeys(range(num), 1.0), none: 1.0}, low=1.0)
        places = relaxed.place[pool.slot]
        opened = {p: program.columns.add(float(relaxed.trip[p])) for p in sorted({*places.tolist()} - {-1})}
        for p, w in opened.items():
            program.row({**dict.fromkeys(np.flatnonzero(places == p).tolist(), 1.0), w: -float(most)}, high=0.0)
        program.row(dict.fromkeys(opened.values(), 1.0), high=1.0)
        values = pieces @ np.array([x.value_cents / q for x, q in zip(items, self.sets.pieces, strict=True)])
        poor = np.flatnonzero(values < self.evaluator.min_parcel_value_cents - _EPSILON).tolist()
        if poor:  # alone, or not at all
            several = program.columns.add()
            program.row({**dict.fromkeys(range(num), 1.0), several: 1.0 - most}, high=1.0)
            for c in poor:
                program.row({c: 1.0, several: float(often[c])}, high=float(often[c]))
        return program

    def _share(self, program: Program, pool: "Pool", pieces: Ints, i: int) -> None:
        """The units of a divisible item that a node holds, for all its sets together, of nodes that are apart."""
        at = np.flatnonzero(pieces)
        node = self._node[pool.slot[at]]
        for k in sorted(self._apart & {*node.tolist()}):
            program.row({c: float(pieces[c]) for c in at[node == k].tolist()}, high=float(self.facts.units[k, i]))


class Pool:
    """
    Sets that a program may use: of each set and place the cheapest slot, with others in reserve; and those `apart`.

    Attributes: ``bits``, ``slot``, ``cents`` (C,), splits included; ``shipment`` where known.
    """

    def __init__(self, slot: Ints, bits: Ints, cents: Floats, place: Ints, apart: Flags) -> None:
        own = np.where(apart[slot], slot, -1)
        order = np.lexsort((slot, cents, own, place[slot], bits))
        slot, bits, cents, own = slot[order], bits[order], cents[order], own[order]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (bits[1:] != bits[:-1]) | (place[slot[1:]] != place[slot[:-1]]) | (own[1:] != own[:-1])
        start = np.flatnonzero(first)
        self._all = (slot, cents)
        self._end = np.append(start[1:], len(order))
        self._next = start.copy()
        self.bits, self.slot, self.cents = bits[start], slot[start], cents[start].copy()
        self.shipment: list[Shipment | None] = [None] * len(start)
        self._settled = np.zeros(len(start), dtype=np.bool_)

    def settle(self, c: int, partition: Partition, clock: Clock) -> bool:
        """Ask for the shipment of a set. False where it costs more than was thought, or may not be."""
        if self._settled[c]:
            return True
        slots, cents = self._all
        thought, best = self.cents[c], np.inf
        while self._next[c] < self._end[c] and cents[self._next[c]] < best and not clock.late():
            slot = int(slots[self._next[c]])
            found = partition.shipment(slot, int(self.bits[c]))
            if found is not None and found.cost_cents + partition.relaxed.split < best:
                best = found.cost_cents + partition.relaxed.split
                self.slot[c], self.shipment[c] = slot, found
            self._next[c] += 1
        self._settled[c] = self._next[c] >= self._end[c] or cents[self._next[c]] >= best
        self.cents[c] = best
        return bool(best <= thought + _EPSILON)

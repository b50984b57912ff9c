"""Carrier prices of an order's shipments as boxes of weight and volume, one price in each; whatever the lines are."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.costs.parcels import Contents
from engine.domain.plan import Refusal
from engine.domain.units import weighted_cents
from engine.network.model import Applies, Service
from engine.options.evaluate import Evaluator
from engine.options.ways import Way

_OF_GOODS = (Applies.HAZARDOUS, Applies.OVERSIZE, Applies.LONGEST_OVER, Applies.SECOND_OVER, Applies.LENGTH_GIRTH_OVER)


class Step(NamedTuple):
    """A box of contents that all cost the same; limits included. `cents` are weighed."""

    num_parcels: int
    cents: int
    weight_g: tuple[int, int]
    volume_cm3: tuple[int, int]
    triggers: int


class Boxes(NamedTuple):
    """What a service charges; `holes`: some contents have no price though larger ones have."""

    steps: tuple[Step, ...]
    holes: bool


class Tariffs:
    """Prices of one order's shipments by service, zone and day."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._conditions = [self._conditions_of(service) for service in evaluator.network.services]
        self.line_triggers = {
            s: tuple(self._bits(s, i) for i in range(len(evaluator.skus)))
            for s in range(len(evaluator.network.services))
        }
        self._known: dict[tuple[int, int, int, int], Boxes] = {}
        self._sums: dict[tuple[int, ...], tuple[list[int], list[int]]] = {}

    def takes(self, service: int, i: int) -> bool:
        """Whether the units of a line are within the limits of a service."""
        terms, sku = self.evaluator.network.services[service], self.evaluator.skus[i]
        girth_mm = sku.longest_mm + 2 * (sku.second_mm + sku.third_mm)
        return (
            (terms.hazardous or not sku.hazardous)
            and (terms.oversize or not sku.oversize)
            and sku.weight_g <= terms.weight_max_g
            and all(
                limit == 0 or measured <= limit
                for measured, limit in (
                    (sku.longest_mm, terms.longest_max_mm),
                    (girth_mm, terms.length_girth_max_mm),
                    (sku.volume_cm3, terms.volume_max_cm3),
                )
            )
        )

    def boxes(self, way: Way, ship_day: int, lines: frozenset[int]) -> Boxes:
        """The boxes of a route on a day, for shipments of some of these lines; one box without a carrier."""
        route = way.route
        if route.service < 0:
            weights, volumes = self.sums(lines)
            return Boxes((Step(0, 0, (weights[0], weights[-1]), (volumes[0], volumes[-1]), 0),), False)
        every = self._boxes_of_order(way, ship_day)
        bits = self.line_triggers[route.service]
        weights, volumes = self.sums(lines)
        possible = set(_unions(bits[i] for i in lines))
        return Boxes(
            tuple(
                step
                for step in every.steps
                if step.triggers in possible
                and step.weight_g[0] <= weights[-1]
                and step.volume_cm3[0] <= volumes[-1]
                and step.weight_g[1] >= weights[0]
                and step.volume_cm3[1] >= volumes[0]
            ),
            every.holes,
        )

    def _boxes_of_order(self, way: Way, ship_day: int) -> Boxes:
        """The boxes of a service between two zones on a day, for shipments of any lines that it takes."""
        service = way.route.service
        key = (service, way.zone, ship_day, way.route.place)
        if key not in self._known:
            bits = self.line_triggers[service]
            lines = [i for i in range(len(bits)) if self.takes(service, i)]
            steps: list[Step] = []
            unpriced: list[Step] = []
            for triggers in _unions(bits[i] for i in lines):
                admitted = [i for i in lines if bits[i] | triggers == triggers]
                columns, cells, missing = self._columns(way, ship_day, triggers, admitted)
                steps += _joined(columns, cells)
                unpriced += missing
            self._known[key] = Boxes(tuple(steps), _has_holes(steps, unpriced))
        return self._known[key]

    def _conditions_of(self, service: Service) -> tuple[tuple[Applies, int], ...]:
        rows = {
            (row.applies, row.threshold if row.applies not in _OF_GOODS[:2] else 0)
            for row in self.evaluator.network.surcharges
            if row.carrier_id == service.carrier_id
            and row.service_id in (None, service.service_id)
            and row.applies in _OF_GOODS
        }
        return tuple(sorted(rows))

    def _bits(self, service: int, i: int) -> int:
        sku = self.evaluator.skus[i]
        measured = {
            Applies.HAZARDOUS: int(sku.hazardous),
            Applies.OVERSIZE: int(sku.oversize),
            Applies.LONGEST_OVER: sku.longest_mm,
            Applies.SECOND_OVER: sku.second_mm,
            Applies.LENGTH_GIRTH_OVER: sku.longest_mm + 2 * (sku.second_mm + sku.third_mm),
        }
        conditions = self._conditions[service]
        return sum(1 << bit for bit, (kind, limit) in enumerate(conditions) if measured[kind] > limit)

    def sums(self, lines: Iterable[int]) -> tuple[list[int], list[int]]:
        """Weights and volumes that shipments of some of these lines can have, ascending."""
        key = tuple(sorted(lines))
        if key not in self._sums:
            held = [(self.evaluator.skus[i], self.evaluator.order.lines[i].quantity) for i in key]
            each = [sku.weight_g * q for sku, q in held], [sku.volume_cm3 * q for sku, q in held]
            self._sums[key] = _subset_sums(each[0]), _subset_sums(each[1])
        return self._sums[key]

    def _columns(
        self, way: Way, ship_day: int, triggers: int, lines: list[int]
    ) -> tuple[list[list[Step]], list[tuple[int, int]], list[Step]]:
        """Steps by cell of volume, ascending in weight; those cells; and what has no price."""
        weights, volumes = self.sums(lines)
        by_weight, by_volume = self._limits(way.route.service, weights[-1], volumes[-1])
        # Of a shipment only its sums change below; sides and flags are those of all these lines, whose triggers are
        # exactly `triggers`.
        whole = self.evaluator.contents(tuple((i, self.evaluator.order.lines[i].quantity) for i in lines))
        weight_cells, volume_cells = _cells(weights, by_weight), _cells(volumes, by_volume)
        columns: list[list[Step]] = []
        missing: list[Step] = []
        for volume in volume_cells:
            column: list[Step] = []
            joins = False  # whether the step before is that of the cell before
            for weight in weight_cells:
                found = self._price(way, ship_day, whole, weight[1], volume[1])
                if found is None:
                    missing.append(Step(0, 0, weight, volume, triggers))
                else:
                    step = Step(*found, weight, volume, triggers)
                    if joins and column[-1][:2] == found:
                        step = step._replace(weight_g=(column.pop().weight_g[0], weight[1]))
                    column.append(step)
                joins = found is not None
            columns.append(column)
        return columns, volume_cells, missing

    def _price(
        self, way: Way, ship_day: int, whole: Contents, weight_g: int, volume_cm3: int
    ) -> tuple[int, int] | None:
        contents = Contents(
            weight_g,
            volume_cm3,
            whole.longest_mm,
            whole.second_mm,
            whole.third_mm,
            whole.girth_mm,
            whole.hazardous,
            whole.oversize,
        )
        price = self.evaluator.price(way, contents, ship_day)
        if isinstance(price, Refusal):
            return None
        weight = self.evaluator.policy.weight("carrier")
        return price.num_parcels, weighted_cents(price.num_parcels * price.unit_price_cents, weight)

    def _limits(self, index: int, weight_g: int, volume_cm3: int) -> tuple[list[int], list[int]]:
        """Totals at which a price may change: limits of parcels, bands and thresholds, for every number of parcels."""
        network = self.evaluator.network
        service = network.services[index]
        bands = sorted({rate.weight_max_g for rate in network.rates if rate.service_id == service.service_id})
        dim, beyond = service.dim_cm3_per_kg, 0
        if bands:
            heaviest = max(weight_g, -(-1000 * volume_cm3 // dim) if dim else 0)
            beyond = max(0, -(-(heaviest - bands[-1]) // 1000))
            bands += [bands[-1] + 1000 * kg for kg in range(1, beyond + 1)]
        extra = {row.threshold for row in network.surcharges if row.applies == Applies.WEIGHT_OVER}
        grams = {*bands, *extra, service.weight_max_g}
        cm3 = {limit * dim // 1000 for limit in bands} | {service.dim_min_cm3} if dim else set()
        if service.volume_max_cm3:
            cm3.add(service.volume_max_cm3)
        parcels = range(1, service.parcels_max + 1)
        return (
            sorted({m * g for m in parcels for g in grams if m * g < weight_g}),
            sorted({m * v for m in parcels for v in cm3 if m * v < volume_cm3}),
        )


def _subset_sums(values: list[int]) -> list[int]:
    """All sums of one or more of the values, ascending."""
    sums = {0}
    for value in values:
        sums |= {total + value for total in sums}
    return sorted(total for total in sums if total >= min(values))


def _unions(bits: Iterable[int]) -> list[int]:
    """All sets of triggers that some lines can have together."""
    out: set[int] = set()
    for one in bits:
        out |= {one} | {one | other for other in out}
    return sorted(out)


def _cells(values: Sequence[int], limits: Sequence[int]) -> list[tuple[int, int]]:
    """Group ascending values by the limits between them; each group by its least and greatest."""
    out: list[tuple[int, int]] = []
    last = -1
    for value in values:
        cell = bisect_left(limits, value)
        if out and cell == last:
            out[-1] = (out[-1][0], value)
        else:
            out.append((value, value))
        last = cell
    return out


def _has_holes(steps: list[Step], unpriced: list[Step]) -> bool:
    """Whether something without a price fits under something with one."""
    return any(
        gap.weight_g[0] <= step.weight_g[1]
        and gap.volume_cm3[0] <= step.volume_cm3[1]
        and gap.triggers | step.triggers == step.triggers
        for gap in unpriced
        for step in steps
    )


def _joined(columns: list[list[Step]], cells: list[tuple[int, int]]) -> list[Step]:
    """Join boxes of neighbouring volumes that cost the same over the same weights."""
    done: list[Step] = []
    running: dict[tuple[int, int, tuple[int, int]], Step] = {}
    for column, volume in zip(columns, cells, strict=True):
        grown = {}
        for step in column:
            key = (step.num_parcels, step.cents, step.weight_g)
            before = running.pop(key, None)
            grown[key] = step if before is None else before._replace(volume_cm3=(before.volume_cm3[0], volume[1]))
        done += running.values()
        running = grown
    return done + list(running.values())

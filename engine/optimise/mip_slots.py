"""A slot in full: its dates, prices and limits as variants. Made only for slots that the bound could not rule out."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from engine.domain.plan import Promise, Refusal
from engine.domain.units import epoch_s
from engine.network.cells import BY_UNITS
from engine.optimise.mip_facts import Facts
from engine.optimise.mip_instance import NO_LIMIT, Share, Slot, Variant
from engine.options.ways import Way

_Key = TypeVar("_Key")
_OF_DATES = frozenset({"lateness", "waiting", "capacity", "priority"})


class _Dated(NamedTuple):
    """Shipments with the same dates: limits of lines and units, and what the dates cost."""

    lines: tuple[int, int]
    units: tuple[int, int]
    ship_day: int
    cents: int
    cells: tuple[int, ...]


class _Release(NamedTuple):
    """Shipments that start at one instant: most units of each item, and least of the one that they wait for."""

    moment_s: int
    caps: dict[int, int]
    floors: dict[int, int]


class Slots:
    """Builds the slots of one order and numbers the capacity cells they use."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.cells: list[tuple[int, int]] = []  # free orders and units
        self._cell_of: dict[tuple[int, int, int], int] = {}
        self._built: dict[tuple[int, tuple[int, ...]], Slot | None] = {}

    def slot(self, s: int, items: tuple[int, ...]) -> Slot | None:
        """Slot s with some of its items; None where it has no variant, and so no shipment."""
        key = (s, items)
        if key not in self._built:
            self._built[key] = self._build(s, items)
        return self._built[key]

    def _build(self, s: int, items: tuple[int, ...]) -> Slot | None:
        facts = self.facts
        way = facts.ways[facts.slot_way[s]]
        shares = tuple(facts.share(way.route.node, i) for i in items)
        variants: list[Variant] = []
        for release in self._releases(way.route.node, shares):
            for dated in self._dates(way, release.moment_s, shares):
                variants += self._priced(way, dated, shares, release)
        held = [share for share in shares if any(v.caps.get(share.item, 1) > 0 for v in variants)]
        if not held:
            return None
        return Slot(
            route=int(facts.slot_way[s]),
            node=way.route.node,
            place=way.route.place,
            shares=tuple(held),
            variants=tuple(variants),
            stages=facts.stages(way),
        )

    def _releases(self, node: int, shares: tuple[Share, ...]) -> Iterator[_Release]:
        """Instants at which a shipment may start: at placing, or when units that it needs are there."""
        facts, evaluator = self.facts, self.facts.evaluator
        if not evaluator.policy.use_inbound:
            yield _Release(evaluator.placed_s, {}, {})
            return
        # by item: ascending (release, units that are there by then)
        there: dict[int, list[tuple[int, int]]] = {}
        for share in shares:
            item = facts.items[share.item]
            if item.divisible:
                there[share.item] = self._lots(node, item.lines[0], share.units_max)
                continue
            lines = tuple((line, evaluator.order.lines[line].quantity) for line in item.lines)
            release = evaluator.release_s(node, lines)
            there[share.item] = [] if isinstance(release, Refusal) else [(release, share.units_max)]
        releases = sorted({r for lots in there.values() for r, _ in lots})
        if len(releases) == 1:
            yield _Release(releases[0], {}, {})
            return
        before = dict.fromkeys(there, 0)
        for release_s in releases:
            caps = {i: max((u for r, u in lots if r <= release_s), default=0) for i, lots in there.items()}
            if release_s == releases[0]:
                yield _Release(release_s, caps, {})
            else:
                for i in there:
                    if caps[i] > before[i]:
                        yield _Release(release_s, caps, {i: before[i] + 1})
            before = caps

    def _lots(self, node: int, line: int, units_max: int) -> list[tuple[int, int]]:
        """(release, units) of a divisible line."""
        evaluator = self.facts.evaluator
        out: list[tuple[int, int]] = []
        low = 1
        while low <= units_max:
            release = evaluator.release_s(node, ((line, low),))
            if isinstance(release, Refusal):
                break

            def same(units: int, release: int = release) -> bool:
                return evaluator.release_s(node, ((line, units),)) == release

            high = _last(low, units_max, same)
            out.append((release, high))
            low = high + 1
        return out

    def _dates(self, way: Way, release_s: int, shares: tuple[Share, ...]) -> Iterator[_Dated]:
        """Ranges of lines and units within which the dates are the same; those that come too late are left out."""
        facts, evaluator = self.facts, self.facts.evaluator
        lines_max = sum(len(facts.items[share.item].lines) for share in shares)
        units_max = sum(share.units_max for share in shares)
        rejections = (evaluator.network.nodes[way.route.node].rejection_ppm,)

        def promise(num_lines: int, num_units: int) -> Promise | Refusal:
            return evaluator.tools.dates.promise(
                way.route,
                way.target,
                way.zone,
                release_s=release_s,
                num_lines=num_lines,
                num_units=num_units,
                rejections_ppm=rejections,
                confidence_permille=evaluator.policy.promise_confidence_permille,
                live=evaluator.live,
            )

        by_units = bool(evaluator.live.limited[way.route.node] & BY_UNITS)
        low = 1
        while low <= units_max:
            # only the start of the pick hangs on the units
            start = _start(promise(1, low))
            high = NO_LIMIT
            if by_units:
                high = _last(low, units_max, lambda units, start=start: _start(promise(1, units)) == start)  # type: ignore[misc]
            yield from self._dates_by_lines(way, (low, high), lines_max, lambda n, low=low: promise(n, low))  # type: ignore[misc]
            low = high + 1

    def _dates_by_lines(
        self, way: Way, units: tuple[int, int], lines_max: int, promise: Callable[[int], Promise | Refusal]
    ) -> Iterator[_Dated]:
        evaluator = self.facts.evaluator
        low = 1
        while low <= lines_max:
            found = promise(low)
            if isinstance(found, Refusal):
                return
            deliver_s = epoch_s(found.deliver_by)
            if evaluator.deliver_by_s is not None and deliver_s > evaluator.deliver_by_s:
                return  # more lines are never earlier
            ship_day = self._ship_day(way, found)

            def same(n: int, deliver_s: int = deliver_s, ship_day: int = ship_day) -> bool:
                other = promise(n)
                if isinstance(other, Refusal):
                    return False
                return epoch_s(other.deliver_by) == deliver_s and self._ship_day(way, other) == ship_day

            high = _last(low, lines_max, same)
            pick = evaluator.tools.dates.pick_cell(way.route.node, found.pick_start)
            yield _Dated(
                (low, NO_LIMIT if high == lines_max else high),
                units,
                ship_day,
                self.facts.date_cents(way, deliver_s, pick[0], _OF_DATES),
                self._cells(way.route.node, *pick),
            )
            low = high + 1

    def _ship_day(self, way: Way, promise: Promise) -> int:
        """Only services have tariffs that hang on the day."""
        return self.facts.evaluator.tools.dates.ship_day(way.route, promise) if way.route.service >= 0 else 0

    def _cells(self, node: int, day: int, hour: int) -> tuple[int, ...]:
        """The day's and the hour's cell, where they have limits."""
        live = self.facts.evaluator.live
        out = []
        for at, limits, used in (
            (-1, live.limits_of_day(node, day), live.used_day(node, day)),
            (hour, live.limits_of_hour(node, day, hour), live.used_hour(node, day, hour)),
        ):
            if limits == (None, None):
                continue
            key = (node, day, at)
            if key not in self._cell_of:
                self._cell_of[key] = len(self.cells)
                free = [NO_LIMIT if m is None else m - u for m, u in zip(limits, used, strict=True)]
                self.cells.append((free[0], free[1]))
            out.append(self._cell_of[key])
        return tuple(out)

    def _priced(self, way: Way, dated: _Dated, shares: tuple[Share, ...], release: _Release) -> Iterator[Variant]:
        """Variants of one date: the boxes of the tariff for each set of triggers."""
        facts, evaluator = self.facts, self.facts.evaluator
        if way.route.service < 0:
            yield Variant(
                cents=dated.cents,
                lines=dated.lines,
                units=dated.units,
                caps=release.caps,
                floors=release.floors,
                cells=dated.cells,
            )
            return
        items = frozenset(share.item for share in shares)
        for inside, sides in facts.masks(way.route.service, items):
            if not release.floors.keys() <= inside:
                continue
            held = [share for share in shares if share.item in inside]
            weight_g = sum(facts.items[h.item].weight_g * h.units_max // facts.items[h.item].quantity for h in held)
            volume = sum(facts.items[h.item].volume_cm3 * h.units_max // facts.items[h.item].quantity for h in held)
            boxes = facts.tariffs.boxes(
                way.route.service,
                way.zone,
                dated.ship_day,
                way.target,
                evaluator.order.signature,
                sides,
                weight_g,
                volume,
            )
            for box in boxes:
                yield Variant(
                    cents=dated.cents + facts.parcels_cents(way, box.parcels, box.cents),
                    parcels=box.parcels,
                    weight_g=(box.weight_low_g, box.weight_high_g),
                    volume_cm3=(box.volume_low_cm3, box.volume_high_cm3),
                    lines=dated.lines,
                    units=dated.units,
                    caps={**release.caps, **dict.fromkeys(items - inside, 0)},
                    floors=release.floors,
                    cells=dated.cells,
                )


def _start(promise: Promise | Refusal) -> object:
    return promise.code if isinstance(promise, Refusal) else promise.pick_start


def _last(low: int, high: int, same: Callable[[int], bool]) -> int:
    """The last number in low..high that is like `low`, of a property that never comes back once it is lost."""
    if same(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if same(middle):
            low = middle
        else:
            high = middle
    return low

"""
Local time as epoch seconds: when nodes work and are open, when carriers and lanes collect, which days are off.

All of engine/MODEL.md section 3 that depends on a calendar but on no order. Everything is read once per distinct
calendar, on first use; nodes with equal hours share one tuple. Days are day numbers: days since 1970-01-01 of the local
calendar. Intervals are cut at local midnight, so that an interval, and any instant in it, has one local date. A local
time that a clock change skips is moved forward by the gap; one that it repeats is its first occurrence.
"""

import warnings
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.domain.errors import InputError
from engine.domain.units import DAY_S, EPOCH_DATE, day_number
from engine.network.cells import by_the_hour
from engine.network.hours import Span, clock_s, local_hours, weekday
from engine.network.model import HoursException, Network, Node, Service, ServiceKind

Interval = tuple[int, int, int]  # start, end (epoch seconds), local day
Handover = tuple[int, int, int]  # collect, cut-off (epoch seconds), ship day
Departure = tuple[int, int, int]  # depart, cut-off, arrive (epoch seconds)

ARRIVAL_DAYS = 45  # days after the horizon for which arrivals and holidays are known


class Calendars:
    """
    Calendars of one network for the local dates [first_day, first_day + num_days). Everything is cached.

    Raises InputError where hours, a time zone or a clock time of the network cannot be read, on first use.
    """

    def __init__(self, network: Network, first_day: int, num_days: int) -> None:
        self.network = network
        self.first_day = first_day
        self.num_days = num_days
        self._bases: dict[tuple[str, int], int | None] = {}
        self._holidays: dict[tuple[str, str], frozenset[int]] = {}
        self._off: dict[tuple[int, str, str], frozenset[int]] = {}
        self._hours: dict[tuple[object, ...], tuple[Interval, ...]] = {}
        self._handovers: dict[tuple[object, ...], tuple[Handover, ...]] = {}
        self._shared: dict[tuple[tuple[int, int, int], ...], tuple[tuple[int, int, int], ...]] = {}
        self._exceptions: dict[str, list[HoursException]] = {}
        for exception in network.hours_exceptions:
            self._exceptions.setdefault(exception.node_id, []).append(exception)
        self._collections: dict[tuple[int, int], list[tuple[str, str, str]]] = {}  # weekdays, cut-off, collect
        for row in network.collections:
            key = (network.node_index[row.node_id], network.service_index[row.service_id])
            self._collections.setdefault(key, []).append((row.weekdays, row.cutoff, row.collect))
        self._carrier_index = {carrier.carrier_id: i for i, carrier in enumerate(network.carriers)}

    def instant(self, tz: str, day: int, clock: str) -> int:
        """The epoch second of a local clock time ("HH:MM" or "HH:MM:SS") on a local day."""
        return self._instant(tz, day, clock_s(clock))

    def _instant(self, tz: str, day: int, second: int) -> int:
        if second == DAY_S:
            day, second = day + 1, 0
        key = (tz, day)
        base = self._bases[key] if key in self._bases else self._base(tz, day)
        if base is not None:
            return base + second
        local = datetime.combine(EPOCH_DATE, datetime.min.time(), _zone(tz)) + timedelta(days=day, seconds=second)
        # With fold 0 Python reads a skipped time by the offset before the gap (which moves it forward by the gap)
        # and a repeated one as its first occurrence: the rule of MODEL.md.
        return int(local.timestamp())

    def _base(self, tz: str, day: int) -> int | None:
        """The epoch second of local midnight, None for a day on which the clocks change."""
        midnight = datetime.combine(EPOCH_DATE, datetime.min.time(), _zone(tz)) + timedelta(days=day)
        offset, next_offset = midnight.utcoffset(), (midnight + timedelta(days=1)).utcoffset()
        base = int(midnight.timestamp()) if offset == next_offset else None
        self._bases[tz, day] = base
        return base

    def public_holidays(self, country: str, region: str) -> frozenset[int]:
        """
        Day numbers of the public holidays of a country and region, up to ARRIVAL_DAYS after the horizon.

        A region without holidays of its own, or with a code that the list gives up, has those of the country; a country
        that no list is kept of has none.
        """
        key = (country, region)
        if key not in self._holidays:
            last_day = self.first_day + self.num_days + ARRIVAL_DAYS
            first, last = (EPOCH_DATE + timedelta(days=d) for d in (self.first_day - 1, last_day))
            years = range(first.year, last.year + 1)
            found = _listed_holidays(country, region, years) or _listed_holidays(country, None, years) or ()
            numbers = (day_number(day) for day in found)
            # The day before counts for hours that run past midnight.
            self._holidays[key] = frozenset(n for n in numbers if self.first_day - 1 <= n < last_day)
        return self._holidays[key]

    def carrier_off(self, carrier: int, country: str, region: str) -> frozenset[int]:
        """
        Day numbers on which a carrier (by index) does not run in a country and region.

        Public holidays, where it observes them, and its own rows. Of two rows for a date the more specific one wins
        (country, then region named), then the later.
        """
        key = (carrier, country, region)
        if key not in self._off:
            who = self.network.carriers[carrier]
            off = set(self.public_holidays(country, region)) if who.observes_holidays else set()
            rows = [
                row
                for row in self.network.carrier_holidays
                if row.carrier_id == who.carrier_id and row.country in ("", country) and row.region in ("", region)
            ]
            for row in sorted(rows, key=lambda r: (r.country != "", r.region != "")):
                if row.runs:
                    off.discard(day_number(row.day))
                else:
                    off.add(day_number(row.day))
            self._off[key] = frozenset(off)
        return self._off[key]

    def picking(self, node: int) -> tuple[Interval, ...]:
        """Working time of a node: (start, end, local day), cut at local clock hours where it has hourly capacity."""
        who = self.network.nodes[node]
        return self._intervals(who, who.picking_hours or who.opening_hours, "picking", by_the_hour(who))

    def opening(self, node: int) -> tuple[Interval, ...]:
        """When customers find a node open: (start, end, local day)."""
        who = self.network.nodes[node]
        return self._intervals(who, who.opening_hours, "opening", hourly=False)

    def _intervals(self, node: Node, text: str, use: str, hourly: bool) -> tuple[Interval, ...]:
        rows = self._exceptions.get(node.node_id, ())
        exceptions = tuple((row.day, row.hours) for row in rows if row.applies_to in ("both", use))
        off = self.public_holidays(node.country, node.region) if "PH" in text else frozenset()
        key = (text, exceptions, node.tz, off, hourly)
        if key not in self._hours:
            spans = local_hours(text, exceptions, off, self.first_day, self.num_days)
            self._hours[key] = self._share(self._as_instants(node.tz, spans, hourly))
        return self._hours[key]

    def _as_instants(self, tz: str, spans: list[Span], hourly: bool) -> list[Interval]:
        """Local spans as disjoint intervals; a span that a clock change swallows is gone."""
        out: list[Interval] = []
        free_from = -(10**18)
        for day, start, end in spans:
            # A span that starts in a gap may be moved past the start of the next one: no instant counts twice.
            begin = max(self._instant(tz, day, start), free_from)
            finish = self._instant(tz, day, end)
            if begin >= finish:
                continue
            free_from = finish
            hours = range(start // 3600 + 1, (end + 3599) // 3600) if hourly else ()
            cuts = sorted({c for h in hours if begin < (c := self._instant(tz, day, h * 3600)) < finish})
            out.extend((a, b, day) for a, b in zip([begin, *cuts], [*cuts, finish], strict=True))
        return out

    def _share(self, rows: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
        """One object for all equal calendars."""
        value = tuple(rows)
        return self._shared.setdefault(value, value)

    def handovers(self, node: int, service: int) -> tuple[Handover, ...]:
        """
        When a service takes parcels at a node: (collect, cut-off, ship day), by time of collection.

        Of two hand-overs at one instant only the one with the later cut-off is kept: the other serves nobody.
        """
        who, what = self.network.nodes[node], self.network.services[service]
        if what.kind == ServiceKind.COURIER and what.collect_every_min > 0:
            picking = self.picking(node)
            # Equal picking tuples are one object, which lives as long as this cache: its id names it.
            off = self.carrier_off(self._carrier_index[what.carrier_id], who.country, who.region)
            key: tuple[object, ...] = (service, who.tz, id(picking), off)
            if key not in self._handovers:
                self._handovers[key] = self._share(self._courier(who.tz, what, picking, off))
            return self._handovers[key]
        rows = tuple(self._collections.get((node, service), ()))
        off = self.carrier_off(self._carrier_index[what.carrier_id], who.country, who.region) if rows else frozenset()
        key = (rows, who.tz, off)
        if key not in self._handovers:
            latest: dict[int, tuple[int, int]] = {}
            for weekdays, cutoff, collect in rows:
                for day in range(self.first_day, self.first_day + self.num_days):
                    if weekdays[weekday(day)] == "1" and day not in off:
                        at = self.instant(who.tz, day, collect)
                        latest[at] = max(latest.get(at, (0, 0)), (self.instant(who.tz, day, cutoff), day))
            self._handovers[key] = self._share((at, cutoff, day) for at, (cutoff, day) in sorted(latest.items()))
        return self._handovers[key]

    def _courier(self, tz: str, service: Service, picking: tuple[Interval, ...], off: frozenset[int]) -> list[Handover]:
        """Hand-overs of a courier that comes every so many minutes of picking time, interval ends included."""
        starts = [start for start, _, _ in picking]
        step = service.collect_every_min * 60
        begin, end = clock_s(service.delivery_start), clock_s(service.delivery_end)
        first = -(-begin // step) * step
        out: dict[int, Handover] = {}
        for day in range(self.first_day, self.first_day + self.num_days):
            if service.delivery_weekdays[weekday(day)] != "1" or day in off:
                continue
            for second in range(first, min(end, DAY_S - 1) + 1, step):
                at = self._instant(tz, day, second)
                i = bisect_right(starts, at) - 1
                # An instant at which one interval ends and the next starts is inside either way.
                if i >= 0 and at <= picking[i][1]:
                    out.setdefault(at, (at, at, day))
        return [out[at] for at in sorted(out)]

    def departures(self, lane: int) -> tuple[Departure, ...]:
        """When a lane leaves: (depart, cut-off, arrive), by time of departure."""
        row = self.network.lanes[lane]
        origin, target = (self.network.nodes[self.network.node_index[n]] for n in (row.origin, row.target))
        key = ("lane", row.weekdays, row.cutoff, row.depart, row.transit_days, row.arrive, origin.tz, target.tz)
        if key not in self._handovers:
            self._handovers[key] = self._share(
                sorted(
                    (
                        self.instant(origin.tz, day, row.depart),
                        self.instant(origin.tz, day, row.cutoff),
                        self.instant(target.tz, day + row.transit_days, row.arrive),
                    )
                    for day in range(self.first_day, self.first_day + self.num_days)
                    if row.weekdays[weekday(day)] == "1"
                )
            )
        return self._handovers[key]


def _listed_holidays(country: str, region: str | None, years: range) -> Iterable[date] | None:
    """
    What the library has; None where it does not know the country or region (its list of regions is slow to load).

    Codes of regions that it only warns about ("GES" and others of France) it reads as the country, without that
    region's own days; we say so by not asking for them.
    """
    import holidays  # slow to import, and many networks ask for none: their carriers have days of their own

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            return holidays.country_holidays(country, subdiv=region or None, years=years)
    except (NotImplementedError, DeprecationWarning):
        return None


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"Time zone (tz) ({tz}) is unknown.", 'use an IANA name such as "Europe/Paris".') from error

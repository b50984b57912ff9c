"""Random small worlds for promises, as a network for the engine and in the words of tests/promise_twin.py."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from engine.domain.ids import CarrierId, NodeId
from engine.domain.order import Method
from engine.domain.plan import Promise, Refusal
from engine.domain.units import day_number, epoch_s
from engine.network.calendars import Calendars
from engine.network.live import Live
from engine.network.model import Carrier, HoursException, ServiceKind
from engine.network.routes import Route, target_of, target_of_place
from engine.promise.dates import Dates
from tests import builders
from tests.promise_twin import Twin, TwinLane, TwinNode, TwinPromise, TwinService, Week

WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
NUM_DAYS = 10
# Within ten days of these dates the clocks change, or a public holiday falls.
STARTS = {
    "Europe/Paris": (date(2026, 3, 27), date(2026, 10, 23), date(2026, 7, 10), date(2026, 4, 30)),
    "America/New_York": (date(2026, 3, 6), date(2026, 10, 30), date(2026, 7, 1), date(2026, 5, 22)),
}
COUNTRY = {"Europe/Paris": "FR", "America/New_York": "US"}
HOLIDAYS = {
    country: frozenset(date.fromisoformat(f"2026-{text}") for text in days.split())
    for country, days in {
        "FR": "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25",
        # Independence Day falls on a Saturday in 2026 and is observed the day before, too.
        "US": "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25",
    }.items()
}
ROUTES = {
    "parcel": Route(Method.SHIP_FROM_WAREHOUSE, 0, 0),
    "courier": Route(Method.SAME_DAY, 0, 0),
    "shop": Route(Method.PICKUP_POINT, 0, 0, place=1),
    "lane": Route(Method.SHIP_TO_STORE, 0, lane=0, place=1),
    "collect": Route(Method.CLICK_AND_COLLECT, 0, place=0),
}
KINDS = {"courier": ServiceKind.COURIER, "shop": ServiceKind.PICKUP_POINT}


@dataclass
class World:
    """One node, one way from it to the customer and one order; `place` is where it is collected, if it is."""

    kind: str
    first: date
    node: TwinNode
    place: TwinNode
    service: TwinService
    lane: TwinLane
    observes: bool
    used: dict[tuple[date, int], int]
    release_min: int
    units: int

    @property
    def as_of(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, 6, tzinfo=UTC) + timedelta(days=1)

    @property
    def route(self) -> Route:
        return ROUTES[self.kind]

    def twin(self) -> Twin:
        return Twin(self.node, self.first, NUM_DAYS, epoch_s(self.as_of) // 60)

    def expected(self) -> TwinPromise | None:
        asked = (self.release_min, self.units, self.units)
        if self.kind == "lane":
            return self.twin().transferred(self.lane, *asked, self.place)
        if self.kind == "collect":
            return self.twin().collected(*asked, self.place)
        return self.twin().promise(self.service, self.place.tz, *asked, self.place if self.kind == "shop" else None)

    def engine(self) -> "Engine":
        node, place, service, lane = self.node, self.place, self.service, self.lane
        real = builders.node(
            tz=node.tz,
            country=COUNTRY[node.tz],
            region="",
            picking_hours=osm(node),
            opening_hours=osm(place),
            handling_order_s=node.handling_order_min * 60,
            handling_line_s=node.handling_line_min * 60,
            backlog_s=node.backlog_min * 60,
            capacity_day_orders=node.day_orders,
            capacity_day_units=node.day_units,
            capacity_hour_orders=node.hour_orders,
            capacity_hour_units=node.hour_units,
        )
        country = COUNTRY[place.tz]
        shop = builders.pickup_point(
            tz=place.tz, country=country, region="", opening_hours=osm(place), receiving_s=lane.receiving_min * 60
        )
        network = builders.network(
            as_of=self.as_of,
            nodes=(real, shop),
            carriers=(Carrier(carrier_id=CarrierId("post"), observes_holidays=self.observes),),
            services=(
                builders.service(
                    kind=KINDS.get(self.kind, ServiceKind.PARCEL),
                    delivery_weekdays=bits(service.weekdays),
                    transit_weekdays=bits(service.transit_weekdays),
                    delivery_start=clock(service.start),
                    delivery_end=clock(service.end),
                    transit_unit="minute" if service.in_minutes else "day",
                    collect_every_min=service.every_min,
                ),
            ),
            transits=(builders.transit("std", "near", service.earliest, service.units, service.units),),
            rates=(builders.rate("std", "near", 500),),
            collections=tuple(
                builders.collection("wh", "std", weekdays=bits(days), cutoff=clock(cutoff), collect=clock(collect))
                for days, cutoff, collect in service.collections
            ),
            lanes=(
                builders.lane(
                    "wh",
                    "pp",
                    weekdays=bits(lane.weekdays),
                    cutoff=clock(lane.cutoff),
                    depart=clock(lane.depart),
                    transit_days=lane.transit_days,
                    arrive=clock(lane.arrive),
                ),
            ),
            areas=(builders.area("75", country=country, tz=place.tz, region=""),),
            hours_exceptions=exceptions("wh", node, "picking")
            + exceptions("wh", place, "opening")
            + exceptions("pp", place, "both"),
        )
        live = Live(network, NUM_DAYS)
        assert live.first_day == day_number(self.first)
        for (day, hour), orders in self.used.items():
            for _ in range(orders):
                live.reserve(0, ((0, 1),), day_number(day), hour)
        for (day, hour), limits in self.node.own_limits.items():
            live.set_limits(0, day_number(day), hour, *limits)
        return Engine(Dates(network, Calendars(network, live.first_day, NUM_DAYS)), live, self.route, self.units)


@dataclass
class Engine:
    """The engine's side of a world."""

    dates: Dates
    live: Live
    route: Route
    units: int

    def ask(self, release_s: int) -> Promise | Refusal:
        network = self.dates.network
        home = target_of(network, builders.dest("75011", country=network.areas[0].country))
        return self.dates.promise(
            self.route,
            target_of_place(network, self.route.place) if self.route.place >= 0 else home,
            network.zone_ids.index(network.transits[0].zone),
            release_s=release_s,
            num_lines=self.units,
            num_units=self.units,
            rejections_ppm=(0,) * self.units,
            confidence_permille=900,
            live=self.live,
        )


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def bits(weekdays: frozenset[int]) -> str:
    return "".join("1" if d in weekdays else "0" for d in range(7))


def times(spans: tuple[tuple[int, int], ...]) -> str:
    return ",".join(f"{clock(a)}-{clock(b)}" for a, b in spans) or "off"


def osm(node: TwinNode) -> str:
    rules = [f"{WEEKDAYS[d]} {times(spans)}" for d, spans in node.week.items()]
    return "; ".join(rules + (["PH off"] if node.holidays else []))


def exceptions(node_id: str, twin: TwinNode, use: str) -> tuple[HoursException, ...]:
    return tuple(
        HoursException(node_id=NodeId(node_id), day=day, hours=times(spans), applies_to=use)
        for day, spans in twin.exceptions.items()
    )


@st.composite
def day_spans(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Up to two spans of whole hours, so that a repeated hour is in or out as a whole."""
    ends = sorted(draw(st.sets(st.integers(0, 24), max_size=4)))
    return tuple((a * 60, b * 60) for a, b in zip(ends[::2], ends[1::2], strict=False))


weekday_sets = st.just(frozenset(range(7))) | st.frozensets(st.integers(0, 6), min_size=1)
minutes = st.integers(0, 24 * 60 - 1)
minute_pairs = st.tuples(minutes, minutes).map(lambda pair: (min(pair), max(pair)))
capacity = st.sampled_from((None, None, None, None, 1, 2, 4))


@st.composite
def twin_nodes(draw: st.DrawFn, tz: str, first: date) -> TwinNode:
    week: Week = draw(st.fixed_dictionaries({d: day_spans() for d in range(7)}))
    days = st.integers(0, NUM_DAYS - 1).map(lambda n: first + timedelta(days=n))
    return TwinNode(
        tz=tz,
        week=week,
        holidays=draw(st.sampled_from((HOLIDAYS[COUNTRY[tz]], frozenset()))),
        exceptions=draw(st.dictionaries(days, day_spans(), max_size=2)),
        handling_order_min=draw(st.sampled_from((0, 1, 30, 60, 300))),
        handling_line_min=draw(st.integers(0, 3)),
        backlog_min=draw(st.sampled_from((0, 0, 60, 185, 1500))),
        day_orders=draw(capacity),
        day_units=draw(capacity),
        hour_orders=draw(capacity),
        hour_units=draw(capacity),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    kind = draw(st.sampled_from(("parcel", "parcel", "courier", "shop", "lane", "collect")))
    tz, target_tz = (draw(st.sampled_from(sorted(STARTS))) for _ in range(2))
    if kind == "collect":
        target_tz = tz
    first = draw(st.sampled_from(STARTS[tz]))
    node, place = draw(twin_nodes(tz, first)), draw(twin_nodes(target_tz, first))
    days = st.integers(0, NUM_DAYS - 1).map(lambda n: first + timedelta(days=n))
    used = draw(st.dictionaries(st.tuples(days, st.integers(0, 23)), st.integers(1, 3), max_size=6))
    own = st.none() | st.integers(0, 5)
    by_day = {day: sum(n for (d, _), n in used.items() if d == day) for day, _ in used}
    node = replace(
        node,
        used_day={day: (n, n) for day, n in by_day.items()},
        used_hour={cell: (n, n) for cell, n in used.items()},
        own_limits=draw(st.dictionaries(st.tuples(days, st.integers(-1, 23)), st.tuples(own, own), max_size=6)),
    )
    observes = draw(st.sampled_from((True, True, False)))
    pairs = st.lists(st.tuples(weekday_sets, minute_pairs).map(lambda c: (c[0], *c[1])), min_size=1, max_size=3)
    service = TwinService(
        collections=tuple(draw(pairs)),
        every_min=draw(st.sampled_from((15, 30, 60))) if kind == "courier" else 0,
        weekdays=draw(weekday_sets),
        transit_weekdays=draw(weekday_sets),
        start=60 * draw(st.integers(4, 12)),
        end=60 * draw(st.integers(13, 23)),
        off_at_node=HOLIDAYS[COUNTRY[tz]] if observes else frozenset(),
        off_at_target=HOLIDAYS[COUNTRY[target_tz]] if observes else frozenset(),
        in_minutes=kind == "courier",
        earliest=draw(st.sampled_from((0, 1))),
        units=draw(st.integers(1, 4)),
    )
    cutoff, depart = draw(minute_pairs)
    lane = TwinLane(
        weekdays=draw(weekday_sets),
        cutoff=cutoff,
        depart=depart,
        transit_days=draw(st.integers(1, 3)),
        arrive=draw(minutes),
        receiving_min=draw(st.sampled_from((0, 45))),
    )
    start_min = (day_number(first) * 24) * 60
    release_min = start_min + draw(st.integers(0, NUM_DAYS * 24 * 60))
    return World(kind, first, node, place, service, lane, observes, used, release_min, draw(st.integers(1, 3)))

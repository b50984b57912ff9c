from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
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
from tests.promise_twin import Twin, TwinNode, TwinService, Week

NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
NUM_DAYS = 10
# The clocks change some days after these dates; public holidays that fall into the horizons.
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


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def osm(week: Week, *, closed_on_holidays: bool) -> str:
    rules = [
        f"{NAMES[d]} " + ",".join(f"{clock(a)}-{clock(b)}" for a, b in spans) for d, spans in week.items() if spans
    ]
    return "; ".join((rules or ["off"]) + (["PH off"] if closed_on_holidays else []))


def bits(weekdays: frozenset[int]) -> str:
    return "".join("1" if d in weekdays else "0" for d in range(7))


@st.composite
def spans(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Up to two spans of whole hours of a day: a repeated hour is in or out as a whole."""
    ends = sorted(draw(st.sets(st.integers(0, 24), min_size=0, max_size=4)))
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    return tuple((a * 60, b * 60) for a, b in pairs)


weeks = st.fixed_dictionaries({d: spans() for d in range(7)})
weekday_sets = st.just(frozenset(range(7))) | st.frozensets(st.integers(0, 6), min_size=1)
minutes = st.integers(0, 24 * 60 - 1)
capacity = st.sampled_from((None, None, None, None, 1, 2, 4))


@st.composite
def nodes(draw: st.DrawFn, tz: str, first: date) -> tuple[TwinNode, str, bool]:
    rests = draw(st.booleans())
    twin = TwinNode(
        tz=tz,
        week=draw(weeks),
        holidays=HOLIDAYS[COUNTRY[tz]] if rests else frozenset(),
        exceptions=draw(
            st.dictionaries(st.integers(0, NUM_DAYS - 1).map(lambda n: first + timedelta(n)), spans(), max_size=2)
        ),
        handling_order_min=draw(st.sampled_from((0, 1, 30, 60, 300))),
        handling_line_min=draw(st.integers(0, 3)),
        backlog_min=draw(st.sampled_from((0, 0, 60, 185, 1500))),
        day_orders=draw(capacity),
        day_units=draw(capacity),
        hour_orders=draw(capacity),
        hour_units=draw(capacity),
    )
    return twin, osm(twin.week, closed_on_holidays=rests), rests


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    tz, target_tz = (draw(st.sampled_from(sorted(STARTS))) for _ in range(2))
    first = draw(st.sampled_from(STARTS[tz]))
    node, hours, _ = draw(nodes(tz, first))
    place, place_hours, _ = draw(nodes(target_tz, first))
    collections = draw(
        st.lists(
            st.tuples(weekday_sets, minutes, minutes).map(lambda c: (c[0], min(c[1:]), max(c[1:]))),
            min_size=1,
            max_size=3,
        )
    )
    used = draw(
        st.dictionaries(st.tuples(st.integers(0, NUM_DAYS - 1), st.integers(0, 23)), st.integers(1, 3), max_size=6)
    )
    kind = draw(st.sampled_from(("parcel", "parcel", "courier", "shop")))
    observes = draw(st.sampled_from((True, True, False)))
    service = TwinService(
        collections=tuple(collections),
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
    release = draw(st.integers(0, NUM_DAYS * 24 * 60))
    return (
        tz,
        target_tz,
        first,
        node,
        hours,
        place,
        place_hours,
        service,
        kind,
        observes,
        used,
        release,
        draw(st.integers(1, 3)),
    )


def exceptions(node_id: str, twin: TwinNode) -> tuple[HoursException, ...]:
    return tuple(
        HoursException(
            node_id=NodeId(node_id), day=day, hours=",".join(f"{clock(a)}-{clock(b)}" for a, b in at) or "off"
        )
        for day, at in twin.exceptions.items()
    )


def build(case: tuple[Any, ...]) -> tuple[Dates, Live, Route]:
    tz, target_tz, first, node, hours, place, place_hours, service, kind, observes, used, _, _ = case
    kinds = {"parcel": ServiceKind.PARCEL, "courier": ServiceKind.COURIER, "shop": ServiceKind.PICKUP_POINT}
    real = builders.node(
        tz=tz,
        country=COUNTRY[tz],
        region="",
        picking_hours=hours,
        handling_order_s=node.handling_order_min * 60,
        handling_line_s=node.handling_line_min * 60,
        backlog_s=node.backlog_min * 60,
        capacity_day_orders=node.day_orders,
        capacity_day_units=node.day_units,
        capacity_hour_orders=node.hour_orders,
        capacity_hour_units=node.hour_units,
    )
    shop = builders.pickup_point(tz=target_tz, country=COUNTRY[target_tz], region="", opening_hours=place_hours)
    network = builders.network(
        as_of=datetime(first.year, first.month, first.day, 6, tzinfo=UTC) + timedelta(days=1),
        nodes=(real, shop),
        carriers=(Carrier(carrier_id=CarrierId("post"), observes_holidays=observes),),
        services=(
            builders.service(
                kind=kinds[kind],
                delivery_weekdays=bits(service.weekdays),
                transit_weekdays=bits(service.transit_weekdays),
                delivery_start=clock(service.start),
                delivery_end=clock(service.end),
                transit_unit="minute" if service.in_minutes else "day",
                collect_every_min=service.every_min,
            ),
        ),
        transits=(builders.transit("std", "near", service.earliest, service.units, service.units),),
        rates=(),
        collections=tuple(
            builders.collection("wh", "std", weekdays=bits(days), cutoff=clock(cutoff), collect=clock(collect))
            for days, cutoff, collect in service.collections
        ),
        lanes=(),
        areas=(builders.area("75", country=COUNTRY[target_tz], tz=target_tz, region=""),),
        hours_exceptions=exceptions("wh", node) + exceptions("pp", place),
    )
    live = Live(network, NUM_DAYS)
    assert live.first_day == day_number(first)
    for (n, hour), orders in used.items():
        day = first + timedelta(days=n)
        for _ in range(orders):
            live.reserve(0, ((0, 1),), day_number(day), hour)
        before = node.used_day.get(day, (0, 0))
        node.used_day[day] = (before[0] + orders, before[1] + orders)
        node.used_hour[day, hour] = (orders, orders)
    dates = Dates(network, Calendars(network, live.first_day, NUM_DAYS))
    return (
        dates,
        live,
        Route(
            Method.PICKUP_POINT if kind == "shop" else Method.SHIP_FROM_WAREHOUSE,
            0,
            0,
            place=1 if kind == "shop" else -1,
        ),
    )


def ask(dates: Dates, live: Live, route: Route, release_s: int, units: int) -> Promise | Refusal:
    network = dates.network
    target = (
        target_of_place(network, 1)
        if route.place >= 0
        else target_of(network, builders.dest("75011", country=network.areas[0].country))
    )
    return dates.promise(
        route,
        target,
        network.zone_ids.index(network.transits[0].zone),
        release_s=release_s,
        num_lines=units,
        num_units=units,
        rejections_ppm=(0,) * units,
        confidence_permille=900,
        live=live,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_the_engine_and_the_minute_by_minute_twin_promise_the_same(case: tuple[Any, ...]) -> None:
    _, target_tz, first, node, _, place, _, service, kind, _, _, release, units = case
    dates, live, route = build(case)
    as_of_min = epoch_s(dates.network.as_of) // 60
    release_min = as_of_min - 30 * 60 + release
    found = ask(dates, live, route, release_min * 60, units)
    twin = Twin(node, first, NUM_DAYS, as_of_min)
    expected = twin.promise(service, target_tz, release_min, units, units, place if kind == "shop" else None)
    if expected is None:
        assert isinstance(found, Refusal)
        return
    assert isinstance(found, Promise), found
    assert [
        epoch_s(t) for t in (found.pick_start, found.pick_end, found.ship_by, found.deliver_earliest, found.deliver_by)
    ] == [
        m * 60 for m in (expected.pick_start, expected.pick_end, expected.ship_by, expected.earliest, expected.latest)
    ]
    assert dates.ship_day(route, found) == day_number(expected.ship_day)
    day, minute, _ = twin.shown[expected.pick_start]
    assert dates.pick_cell(0, found.pick_start) == (day_number(day), minute // 60)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.integers(0, 59))
def test_release_by_is_the_last_second_that_keeps_the_promise(case: tuple[Any, ...], second: int) -> None:
    dates, live, route = build(case)
    release_s = epoch_s(dates.network.as_of) - 30 * 3600 + case[-2] * 60 + second
    found = ask(dates, live, route, release_s, case[-1])
    if isinstance(found, Refusal):
        return
    last_s = epoch_s(found.release_by)
    assert last_s >= release_s
    kept, missed = (ask(dates, live, route, at_s, case[-1]) for at_s in (last_s, last_s + 1))

    def hand_over(promise: Promise) -> datetime:
        return promise.ship_by if route.place < 0 else promise.deliver_by

    assert isinstance(kept, Promise)
    assert hand_over(kept) == hand_over(found)
    assert isinstance(missed, Refusal) or hand_over(missed) > hand_over(found)

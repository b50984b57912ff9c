from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.domain.ids import CarrierId
from engine.domain.order import Method
from engine.domain.plan import Promise
from engine.domain.units import day_number, epoch_s
from engine.network.model import Carrier, CarrierHoliday
from engine.network.routes import Route, target_of
from tests import builders
from tests.promise_case import COLLECT, FROM_WAREHOUSE, LONDON, NEW_YORK, PARIS, Case, quick, wall


def test_a_parcel_is_picked_handed_over_and_delivered_by_the_clocks_of_both_ends() -> None:
    found = Case().promised("2026-06-01T09:30", Route(Method.SHIP_FROM_WAREHOUSE, 0, 1), to="SW1A", zone="abroad")
    assert wall(found.pick_start) == "Mon 01 Jun 09:30:00"
    assert wall(found.pick_end) == "Mon 01 Jun 09:41:00"
    assert wall(found.ship_by) == "Mon 01 Jun 17:30:00"
    assert wall(found.deliver_earliest, LONDON) == "Tue 02 Jun 08:00:00"
    assert wall(found.deliver_by, LONDON) == "Wed 03 Jun 20:00:00"
    assert wall(found.release_by) == "Mon 01 Jun 16:00:00"
    assert found.confidence == 0.7


def test_the_cut_off_is_met_on_its_very_second_and_missed_one_later() -> None:
    case = Case()
    assert wall(case.promised("2026-06-01T15:00:00").ship_by) == "Mon 01 Jun 17:00:00"
    missed = case.promised("2026-06-01T15:00:01")
    assert wall(missed.ship_by) == "Tue 02 Jun 17:00:00"
    assert wall(missed.pick_start) == "Mon 01 Jun 15:00:01"


def test_the_pick_must_end_by_the_collection() -> None:
    slow = builders.node(handling_order_s=2 * 3600, handling_line_s=0)
    case = Case(nodes=(slow, builders.store(), builders.pickup_point()))
    assert wall(case.promised("2026-06-01T15:00:00").ship_by) == "Mon 01 Jun 17:00:00"
    slow = builders.node(handling_order_s=2 * 3600 + 1, handling_line_s=0)
    case = Case(nodes=(slow, builders.store(), builders.pickup_point()))
    assert wall(case.promised("2026-06-01T15:00:00").ship_by) == "Tue 02 Jun 17:00:00"
    assert wall(case.promised("2026-06-01T14:00:00").release_by) == "Mon 01 Jun 14:59:59"


def test_a_pick_that_ends_with_the_interval_ends_there() -> None:
    node = builders.node(handling_order_s=3600, handling_line_s=0)
    case = Case(nodes=(node, builders.store(), builders.pickup_point()))
    assert wall(case.promised("2026-06-01T17:00").pick_end) == "Mon 01 Jun 18:00:00"
    assert wall(case.promised("2026-06-01T17:00:01").pick_end) == "Tue 02 Jun 08:00:01"
    assert wall(case.promised("2026-06-01T18:00").pick_start) == "Tue 02 Jun 08:00:00"


def test_a_pick_without_work_ends_as_it_starts() -> None:
    case = Case(nodes=(quick(), builders.store(), builders.pickup_point()))
    found = case.promised("2026-06-06T12:00")  # a Saturday
    assert wall(found.pick_start) == wall(found.pick_end) == "Mon 08 Jun 08:00:00"


def test_nothing_starts_before_the_backlog_is_worked_off_over_the_weekend() -> None:
    friday = builders.at("2026-06-05T15:00+02:00")
    busy = quick(backlog_s=5 * 3600)  # three hours on Friday, two on Monday
    case = Case(as_of=friday, nodes=(busy, builders.store(), builders.pickup_point()))
    assert wall(case.promised("2026-06-05T15:00").pick_start) == "Mon 08 Jun 10:00:00"
    assert wall(case.promised("2026-06-08T11:00").pick_start) == "Mon 08 Jun 11:00:00"
    even = quick(backlog_s=3 * 3600)
    case = Case(as_of=friday, nodes=(even, builders.store(), builders.pickup_point()))
    assert wall(case.promised("2026-06-05T15:00").pick_start) == "Mon 08 Jun 08:00:00"


def test_an_order_of_the_past_starts_no_earlier_than_the_network() -> None:
    assert wall(Case().promised("2026-05-20T12:00").pick_start) == "Mon 01 Jun 08:00:00"


def test_inbound_stock_starts_when_it_is_there() -> None:
    found = Case().promised("2026-06-10T14:00")
    assert wall(found.pick_start) == "Wed 10 Jun 14:00:00"
    assert wall(found.ship_by) == "Wed 10 Jun 17:00:00"


def test_a_day_without_room_moves_the_pick_to_the_next_one() -> None:
    case = Case(nodes=(quick(capacity_day_orders=2), builders.store(), builders.pickup_point()))
    case.use(0, "2026-06-01", 1)
    assert wall(case.promised("2026-06-01T09:00").pick_start) == "Mon 01 Jun 09:00:00"
    case.use(0, "2026-06-01", 1)
    assert wall(case.promised("2026-06-01T09:00").pick_start) == "Tue 02 Jun 08:00:00"
    assert wall(case.promised("2026-06-01T09:00", live=None).pick_start) == "Mon 01 Jun 09:00:00"


def test_units_count_against_capacity_too() -> None:
    case = Case(nodes=(quick(capacity_day_units=10), builders.store(), builders.pickup_point()))
    case.use(0, "2026-06-01", 4)
    assert wall(case.promised("2026-06-01T09:00", num_units=6).pick_start) == "Mon 01 Jun 09:00:00"
    assert wall(case.promised("2026-06-01T09:00", num_units=7).pick_start) == "Tue 02 Jun 08:00:00"
    assert case.refused("2026-06-01T09:00", num_units=11) == "no_capacity"


def test_a_full_clock_hour_moves_the_pick_to_the_next_hour() -> None:
    node = quick(capacity_hour_orders=1, picking_hours="Mo-Fr 08:30-18:00")
    case = Case(nodes=(node, builders.store(), builders.pickup_point()))
    case.use(0, "2026-06-01", 1, hour=9)
    case.use(0, "2026-06-01", 1, hour=10)
    found = case.promised("2026-06-01T09:15")
    assert wall(found.pick_start) == "Mon 01 Jun 11:00:00"
    cell = (day_number(date(2026, 6, 1)), 11)
    assert case.dates.pick_cell(0, found.pick_start) == cell


def test_release_by_skips_hours_that_are_full() -> None:
    node = quick(capacity_hour_orders=1, handling_line_s=60)
    case = Case(nodes=(node, builders.store(), builders.pickup_point()))
    for hour in (13, 14, 15, 16):
        case.use(0, "2026-06-01", 1, hour=hour)
    assert wall(case.promised("2026-06-01T09:15").release_by) == "Mon 01 Jun 12:59:59", "at five it is too late"
    idle = Case(nodes=(quick(capacity_hour_orders=1), builders.store(), builders.pickup_point()))
    for hour in (13, 14, 15, 16):
        idle.use(0, "2026-06-01", 1, hour=hour)
    assert wall(idle.promised("2026-06-01T09:15").release_by) == "Mon 01 Jun 15:00:00", "at five it just goes out"


def test_a_night_shift_is_counted_on_the_date_it_is_worked() -> None:
    node = quick(capacity_day_orders=1, picking_hours="Mo-Fr 22:00-06:00")
    case = Case(nodes=(node, builders.store(), builders.pickup_point()))
    case.use(0, "2026-06-01", 1)
    found = case.promised("2026-06-01T22:30")
    assert wall(found.pick_start) == "Tue 02 Jun 00:00:00"
    assert case.dates.pick_cell(0, found.pick_start) == (day_number(date(2026, 6, 2)), 0)


def test_transit_counts_only_days_on_which_the_carrier_runs_at_the_destination() -> None:
    # 14 July is a holiday in France and none in Germany.
    areas = (
        builders.area("75"),
        builders.area("10", country="DE", region="BE", tz="Europe/Berlin", lat=52.5, lon=13.4),
    )
    case = Case(areas=areas, as_of=builders.at("2026-07-10T06:00"))
    assert wall(case.promised("2026-07-13T09:00").deliver_by) == "Thu 16 Jul 20:00:00"
    german = case.dates.promise(
        FROM_WAREHOUSE,
        target_of(case.network, builders.dest("10115", country="DE")),
        case.network.zone_ids.index("near"),  # type: ignore[arg-type]
        release_s=epoch_s(builders.at("2026-07-13T09:00")),
        num_lines=1,
        num_units=1,
        rejections_ppm=(0,),
        confidence_permille=700,
        live=None,
    )
    assert isinstance(german, Promise)
    assert wall(german.deliver_by) == "Wed 15 Jul 20:00:00"


def test_a_holiday_of_one_region_does_not_delay_parcels_to_another() -> None:
    areas = tuple(
        builders.area(prefix, country="DE", region=region, tz="Europe/Berlin")
        for prefix, region in (("8", "BY"), ("1", "BE"))
    )
    case = Case(areas=areas, as_of=builders.at("2026-01-02T06:00"))
    arrivals = case.dates.arrivals
    monday = day_number(date(2026, 1, 5))
    assert arrivals.arrival_day(0, "DE", "BE", monday, 1) == monday + 1
    assert arrivals.arrival_day(0, "DE", "BY", monday, 1) == monday + 2, "Epiphany, in Bavaria only"


def test_a_holiday_at_the_node_stops_its_collection_but_not_the_destinations_delivery() -> None:
    case = Case(as_of=builders.at("2026-07-10T06:00"))
    found = case.promised("2026-07-13T15:00:01", Route(Method.SHIP_FROM_WAREHOUSE, 0, 1), to="SW1A", zone="abroad")
    assert wall(found.ship_by) == "Mon 13 Jul 17:30:00"
    assert wall(found.deliver_by, LONDON) == "Wed 15 Jul 20:00:00", "14 July is a working day in London"
    late = case.promised("2026-07-13T16:00:01", Route(Method.SHIP_FROM_WAREHOUSE, 0, 1), to="SW1A", zone="abroad")
    assert wall(late.ship_by) == "Wed 15 Jul 17:30:00"


def test_a_carrier_that_only_delivers_at_weekends_holds_the_parcel() -> None:
    weekend = builders.service(delivery_weekdays="0000011", transit_weekdays="1111111")
    case = Case(services=(weekend, *builders.network().services[1:]))
    assert wall(case.promised("2026-06-01T09:00").deliver_by) == "Sat 06 Jun 20:00:00"
    assert wall(case.promised("2026-06-04T09:00").deliver_by) == "Sat 06 Jun 20:00:00"
    assert wall(case.promised("2026-06-05T09:00").deliver_by) == "Sun 07 Jun 20:00:00"


def test_a_carrier_holiday_delays_and_a_running_holiday_does_not() -> None:
    rest = CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 6, 2), country="FR")
    assert wall(Case(carrier_holidays=(rest,)).promised("2026-06-01T09:00").deliver_by) == "Thu 04 Jun 20:00:00"
    runs = CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 7, 14), country="FR", runs=True)
    case = Case(carrier_holidays=(runs,), as_of=builders.at("2026-07-10T06:00"))
    assert wall(case.promised("2026-07-13T09:00").deliver_by) == "Wed 15 Jul 20:00:00"


def test_delivery_never_starts_before_the_hand_over() -> None:
    case = Case(transits=(builders.transit("std", "near", 0, 0, 1),))
    found = case.promised("2026-06-01T09:00")
    assert wall(found.deliver_earliest) == wall(found.ship_by) == "Mon 01 Jun 17:00:00"
    assert wall(found.deliver_by) == "Mon 01 Jun 20:00:00"


@pytest.mark.parametrize(
    ("tz", "region", "friday", "change"),
    [
        (PARIS, "FR", "2026-03-27", "Mon 30 Mar"),
        (PARIS, "FR", "2026-10-23", "Mon 26 Oct"),
        (NEW_YORK, "US", "2026-03-06", "Mon 09 Mar"),
        (NEW_YORK, "US", "2026-10-30", "Mon 02 Nov"),
    ],
)
def test_local_times_hold_across_both_clock_changes(tz: ZoneInfo, region: str, friday: str, change: str) -> None:
    node = builders.node(tz=tz.key, country=region, region="", picking_hours="24/7", handling_order_s=48 * 3600)
    shop = builders.pickup_point(tz=tz.key, country=region)
    case = Case(
        nodes=(node, builders.store(), shop),
        areas=(builders.area("75", tz=tz.key),),
        as_of=datetime.fromisoformat(friday).replace(tzinfo=tz),
    )
    found = case.promised(f"{friday}T15:00", tz=tz)
    assert wall(found.ship_by, tz) == f"{change} 17:00:00"
    assert found.pick_end - found.pick_start == timedelta(hours=48, minutes=1), "working hours are real hours"
    assert wall(found.deliver_by, tz).endswith("20:00:00")


def test_confidence_multiplies_the_share_of_parcels_with_the_odds_of_each_pick() -> None:
    found = Case().promised("2026-06-01T09:00", rejections_ppm=(10_000, 200_000), num_lines=2)
    assert found.confidence == 0.5544
    assert Case().promised("2026-06-01T09:00", COLLECT, rejections_ppm=(50,)).confidence == 1.0  # 0.99995, half up


def test_a_higher_confidence_promises_later() -> None:
    case = Case()
    found = [case.promised("2026-06-01T09:00", confidence_permille=c) for c in (100, 350, 351, 700, 701, 970, 971, 999)]
    dates = [p.deliver_by.day for p in found]
    assert dates == [2, 2, 3, 3, 4, 4, 5, 11]
    assert all(p.confidence * 1000 >= c for p, c in zip(found, (100, 350, 351, 700, 701, 970, 971, 999), strict=True))


def test_a_carrier_that_never_delivers_is_beyond_the_horizon() -> None:
    never = builders.service(delivery_weekdays="0000000")
    assert Case(services=(never, *builders.network().services[1:])).refused("2026-06-01T09:00") == "beyond_horizon"


def test_carriers_that_ignore_holidays_collect_on_them() -> None:
    carriers = (Carrier(carrier_id=CarrierId("post"), observes_holidays=False), *builders.network().carriers[1:])
    case = Case(carriers=carriers, as_of=builders.at("2026-07-10T06:00"))
    assert wall(case.promised("2026-07-13T15:30").ship_by) == "Tue 14 Jul 17:00:00"

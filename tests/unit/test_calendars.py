from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.domain.errors import InputError
from engine.domain.ids import CarrierId, NodeId
from engine.domain.units import day_number
from engine.network.calendars import Calendars
from engine.network.hours import clock_s, dated_hours, parsed_hours
from engine.network.model import Carrier, CarrierHoliday, HoursException, Node
from tests import builders

CHRISTMAS = "2026-12-21"  # a Monday


def day(text: str) -> int:
    return day_number(date.fromisoformat(text))


def calendars(*nodes: Node, first: str = CHRISTMAS, days: int = 14, **changes: object) -> Calendars:
    network = builders.network(nodes=nodes or (builders.node(),), collections=(), lanes=(), **changes)
    return Calendars(network, day(first), days)


def local(intervals: tuple[tuple[int, int, int], ...], tz: str = "Europe/Paris") -> list[str]:
    """Intervals as "date start-end", with the clock times one reads on the wall."""
    zone = ZoneInfo(tz)
    out = []
    for start, end, at_day in intervals:
        begin, finish = (datetime.fromtimestamp(t, zone) for t in (start, end))
        assert day_number(begin.date()) == at_day
        out.append(f"{begin:%d} {begin:%H:%M}-{finish:%H:%M}")
    return out


def hours(text: str, **changes: object) -> list[str]:
    return local(calendars(builders.node(picking_hours=text, **changes), days=7).picking(0))


def test_reads_hours_by_weekday_and_closes_on_public_holidays() -> None:
    assert hours("Mo-Fr 08:00-18:00; Sa 09:00-12:00; PH off") == [
        "21 08:00-18:00",
        "22 08:00-18:00",
        "23 08:00-18:00",
        "24 08:00-18:00",
        "26 09:00-12:00",
    ]


def test_a_public_holiday_can_have_hours_of_its_own() -> None:
    assert hours("Th-Sa 08:00-18:00; PH 10:00-14:00") == ["24 08:00-18:00", "25 10:00-14:00", "26 08:00-18:00"]


def test_a_public_holiday_may_stand_in_a_list_of_weekdays() -> None:
    assert hours("Th,PH 08:00-18:00; Sa,PH 10:00-12:00") == ["24 08:00-18:00", "25 10:00-12:00", "26 10:00-12:00"]


def test_holidays_in_a_row_each_have_their_hours_and_run_past_midnight() -> None:
    found = hours("Mo-Fr 08:00-10:00; PH 20:00-02:00", country="DE", region="BE")  # 25 and 26 December
    assert found[3:] == ["24 08:00-10:00", "25 20:00-00:00", "26 00:00-02:00", "26 20:00-00:00", "27 00:00-02:00"]


def test_hours_past_midnight_are_cut_at_midnight() -> None:
    assert hours("Tu 22:00-06:00") == ["22 22:00-00:00", "23 00:00-06:00"]


def test_a_night_keeps_its_hours_past_midnight_where_another_rule_opens_the_next_day() -> None:
    assert hours("Tu 22:00-02:00; We 08:00-10:00; Th off") == ["22 22:00-00:00", "23 00:00-02:00", "23 08:00-10:00"]
    assert hours("Tu 22:00-09:00; We 08:00-10:00") == ["22 22:00-00:00", "23 00:00-10:00"]


def test_a_node_that_never_closes_works_day_by_day() -> None:
    found = hours("24/7; PH off")
    assert found[:2] == ["21 00:00-00:00", "22 00:00-00:00"]
    assert len(found) == 6


@pytest.mark.parametrize("text", ["off", "", "2020 Jan 01 08:00-10:00", 'Mo-Su 08:00-10:00 unknown "by appointment"'])
def test_a_node_without_hours_never_works(text: str) -> None:
    assert hours(text) == []


def test_picking_hours_default_to_opening_hours() -> None:
    cal = calendars(builders.node(picking_hours="", opening_hours="Mo 08:00-09:00"), days=7)
    assert local(cal.picking(0)) == local(cal.opening(0)) == ["21 08:00-09:00"]


def test_an_exception_replaces_the_hours_of_its_date_for_what_it_applies_to() -> None:
    exceptions = (
        HoursException(node_id=NodeId("wh"), day=date(2026, 12, 22), hours="off"),
        HoursException(node_id=NodeId("wh"), day=date(2026, 12, 23), hours="10:00-11:00,12:00-13:00"),
        HoursException(node_id=NodeId("wh"), day=date(2026, 12, 25), hours="24/7", applies_to="picking"),
        HoursException(node_id=NodeId("other"), day=date(2026, 12, 21), hours="off"),
    )
    node = builders.node(picking_hours="Mo-Fr 08:00-18:00; PH off", opening_hours="Mo-Fr 08:00-18:00; PH off")
    cal = calendars(node, builders.node("other"), days=6, hours_exceptions=exceptions)
    usual = ["21 08:00-18:00", "23 10:00-11:00", "23 12:00-13:00", "24 08:00-18:00"]
    assert local(cal.opening(0)) == usual
    assert local(cal.picking(0)) == [*usual, "25 00:00-00:00"]


def test_an_exception_may_open_a_node_that_has_no_hours_and_run_past_midnight() -> None:
    exceptions = (HoursException(node_id=NodeId("wh"), day=date(2026, 12, 22), hours="22:00-01:00"),)
    cal = calendars(builders.node(picking_hours=""), days=6, hours_exceptions=exceptions)
    assert local(cal.picking(0)) == ["22 22:00-00:00", "23 00:00-01:00"]


def test_hourly_capacity_cuts_working_time_at_clock_hours() -> None:
    node = builders.node(picking_hours="Mo 08:30-11:00", capacity_hour_orders=1, opening_hours="Mo 08:30-11:00")
    cal = calendars(node, days=3)
    assert local(cal.picking(0)) == ["21 08:30-09:00", "21 09:00-10:00", "21 10:00-11:00"]
    assert local(cal.opening(0)) == ["21 08:30-11:00"]


@pytest.mark.parametrize(
    ("tz", "change", "length_h"),
    [
        ("Europe/Paris", "2026-03-29", 5),
        ("Europe/Paris", "2026-10-25", 7),
        ("America/New_York", "2026-03-08", 5),
        ("America/New_York", "2026-11-01", 7),
        ("Australia/Lord_Howe", "2026-04-05", 6.5),  # a change by half an hour
    ],
)
def test_working_time_across_a_clock_change_has_its_true_length(tz: str, change: str, length_h: float) -> None:
    for capacity in (None, 3):
        node = builders.node(picking_hours="00:00-06:00", tz=tz, capacity_hour_orders=capacity)
        cal = calendars(node, first=change, days=1)
        assert sum(end - start for start, end, _ in cal.picking(0)) == length_h * 3600
        local_hours = [datetime.fromtimestamp(start, ZoneInfo(tz)).hour for start, _, _ in cal.picking(0)]
        assert len(local_hours) == len(set(local_hours)), "an hour that repeats is one cell"


def test_a_skipped_local_time_is_moved_forward_by_the_gap() -> None:
    cal = calendars()
    gap = day("2026-03-29")
    assert cal.instant("Europe/Paris", gap, "02:30") == cal.instant("Europe/Paris", gap, "03:30")
    assert cal.instant("Europe/Paris", gap, "03:00") - cal.instant("Europe/Paris", gap, "01:00") == 3600


def test_a_repeated_local_time_is_its_first_occurrence() -> None:
    cal = calendars()
    fold = day("2026-10-25")
    assert cal.instant("Europe/Paris", fold, "02:30") - cal.instant("Europe/Paris", fold, "01:30") == 3600
    assert cal.instant("Europe/Paris", fold, "03:30") - cal.instant("Europe/Paris", fold, "02:30") == 7200
    assert cal.instant("Europe/Paris", fold, "24:00") == cal.instant("Europe/Paris", fold + 1, "00:00")


def test_hours_inside_the_gap_never_count_an_instant_twice() -> None:
    node = builders.node(picking_hours="01:00-02:30,02:45-05:00")
    spans = calendars(node, first="2026-03-29", days=1).picking(0)
    assert local(spans) == ["29 01:00-03:30", "29 03:45-05:00"]
    swallowed = calendars(builders.node(picking_hours="02:15-03:00"), first="2026-03-29", days=1)
    assert swallowed.picking(0) == ()


def test_instants_agree_with_the_clock_on_seconds() -> None:
    moment = datetime(2026, 12, 21, 9, 30, 15, tzinfo=ZoneInfo("America/New_York"))
    assert calendars().instant("America/New_York", day("2026-12-21"), "09:30:15") == int(moment.timestamp())


def test_holidays_differ_by_region_and_fall_back_to_the_country() -> None:
    cal = calendars(first="2026-01-01", days=31)
    epiphany = day("2026-01-06")
    assert epiphany in cal.public_holidays("DE", "BY")
    assert epiphany not in cal.public_holidays("DE", "BE")
    assert cal.public_holidays("DE", "nowhere") == cal.public_holidays("DE", "")
    assert cal.public_holidays("FR", "ARA") == cal.public_holidays("FR", "")
    assert cal.public_holidays("ZZ", "") == frozenset()


def test_a_region_that_the_list_of_holidays_gives_up_has_those_of_its_country() -> None:
    cal = calendars()
    assert cal.public_holidays("FR", "GES") == cal.public_holidays("FR", "") == {day("2026-12-25"), day("2027-01-01")}


def test_a_carrier_rests_on_holidays_it_observes_and_on_its_own() -> None:
    rows = (
        CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 12, 24)),
        CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 12, 25), country="GB", runs=True),
        CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 12, 28), country="FR", region="IDF"),
        CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 12, 24), country="FR", region="COR", runs=True),
    )
    carriers = (Carrier(carrier_id=CarrierId("post")), Carrier(carrier_id=CarrierId("all"), observes_holidays=False))
    cal = calendars(first="2026-12-21", days=8, carrier_holidays=rows, carriers=carriers)
    week = set(range(day("2026-12-20"), day("2026-12-30")))

    def off(carrier: int, country: str, region: str) -> list[int]:
        return sorted(n - day("2026-12-01") + 1 for n in cal.carrier_off(carrier, country, region) & week)

    assert off(0, "FR", "IDF") == [24, 25, 28]
    assert off(0, "FR", "ARA") == [24, 25]
    assert off(0, "FR", "COR") == [25], "the row that names the region wins"
    assert off(0, "GB", "ENG") == [24, 26, 28], "it runs on Christmas Day, and rests on Boxing Day and its substitute"
    assert off(1, "FR", "IDF") == []


def collected(
    node: Node, service: object = None, first: str = CHRISTMAS, days: int = 7, **changes: object
) -> Calendars:
    rows = changes.pop("collections", (builders.collection("wh", "std"),))
    services = (service or builders.service(),)
    network = builders.network(
        nodes=(node,), services=services, collections=rows, lanes=(), rates=(), transits=(), **changes
    )
    return Calendars(network, day(first), days)


def at_clock(rows: tuple[tuple[int, int, int], ...], tz: str = "Europe/Paris") -> list[str]:
    zone = ZoneInfo(tz)
    return [
        f"{datetime.fromtimestamp(c, zone):%d %H:%M} by {datetime.fromtimestamp(cut, zone):%H:%M}" for c, cut, _ in rows
    ]


def test_collections_fall_on_their_weekdays_but_not_on_holidays_of_the_node() -> None:
    rows = collected(builders.node()).handovers(0, 0)
    assert at_clock(rows) == [f"{d} 17:00 by 15:00" for d in (21, 22, 23, 24)]
    assert [ship_day - day("2026-12-01") + 1 for _, _, ship_day in rows] == [21, 22, 23, 24]


def test_collections_are_sorted_and_a_useless_one_is_dropped() -> None:
    rows = (
        builders.collection("wh", "std", weekdays="1000000", cutoff="16:00", collect="18:00"),
        builders.collection("wh", "std", weekdays="1000000", cutoff="10:00", collect="12:00"),
        builders.collection("wh", "std", weekdays="1000000", cutoff="09:00", collect="18:00"),
    )
    cal = collected(builders.node(), collections=rows)
    assert at_clock(cal.handovers(0, 0)) == ["21 12:00 by 10:00", "21 18:00 by 16:00"]


def test_a_courier_comes_by_the_clock_within_picking_hours_ends_included() -> None:
    node = builders.node(picking_hours="Mo-Sa 09:10-12:00,13:00-14:30; PH off")
    bike = builders.courier("std", delivery_start="10:00", delivery_end="14:00", delivery_weekdays="0000110")
    found = at_clock(collected(node, bike).handovers(0, 0))
    times = ("10:00", "10:30", "11:00", "11:30", "12:00", "13:00", "13:30", "14:00")
    assert found == [f"26 {t} by {t}" for t in times], "Friday 25 is a holiday of the node"


def test_a_courier_does_not_come_on_days_on_which_its_carrier_rests() -> None:
    node = builders.node(picking_hours="Mo-Su 10:00-11:00")
    bike = builders.courier("std", delivery_start="10:00", delivery_end="10:30", delivery_weekdays="1111111")
    rest = CarrierHoliday(carrier_id=bike.carrier_id, day=date(2026, 12, 26))
    for observes, days in ((True, ("21", "22", "23", "24", "27")), (False, ("21", "22", "23", "24", "25", "27"))):
        riders = Carrier(carrier_id=bike.carrier_id, observes_holidays=observes)
        cal = collected(node, bike, days=7, carriers=(riders,), carrier_holidays=(rest,))
        assert at_clock(cal.handovers(0, 0)) == [f"{d} {t} by {t}" for d in days for t in ("10:00", "10:30")]


def test_a_courier_without_an_interval_comes_to_its_collections() -> None:
    bike = builders.courier("std", collect_every_min=0)
    assert len(collected(builders.node(), bike).handovers(0, 0)) == 5, "riders do not observe holidays"


def test_a_courier_serves_each_clock_time_of_a_repeated_hour_once() -> None:
    node = builders.node(picking_hours="00:00-06:00")
    bike = builders.courier("std", delivery_start="00:00", delivery_end="24:00")
    rows = collected(node, bike, first="2026-10-25", days=1).handovers(0, 0)
    assert [c for c, _, _ in rows] == sorted({c for c, _, _ in rows})
    assert len(rows) == 13


def test_lanes_leave_by_the_clock_of_the_origin_and_arrive_by_that_of_the_target() -> None:
    nodes = (builders.node(), builders.store(tz="Europe/London"))
    network = builders.network(nodes=nodes, lanes=(builders.lane(weekdays="0000110"),), collections=())
    found = Calendars(network, day(CHRISTMAS), 7).departures(0)
    paris, london = ZoneInfo("Europe/Paris"), ZoneInfo("Europe/London")
    assert [datetime.fromtimestamp(d, paris).isoformat()[8:16] for d, _, _ in found] == ["25T20:00", "26T20:00"]
    assert [datetime.fromtimestamp(c, paris).isoformat()[8:16] for _, c, _ in found] == ["25T16:00", "26T16:00"]
    assert [datetime.fromtimestamp(a, london).isoformat()[8:16] for _, _, a in found] == ["26T07:30", "27T07:30"]


def test_equal_calendars_are_one_object() -> None:
    here, there = builders.node("a"), builders.node("b", region="ARA")
    cal = calendars(here, there, replace(here, node_id=NodeId("c"), picking_hours="Mo 08:00-09:00"))
    assert cal.picking(0) is cal.picking(1)
    assert cal.picking(0) is not cal.picking(2)


@pytest.mark.parametrize("text", ["Mo-Fr 9-5pm", "PH -1 day off", "08:00-18:00 Mo-Fr; rubbish", "every day"])
def test_hours_that_cannot_be_read_are_named_with_advice(text: str) -> None:
    with pytest.raises(InputError, match="Maybe") as caught:
        parsed_hours(text)
    assert text in caught.value.message


@pytest.mark.parametrize("text", ["Mo 10:00-12:00", "10:00-12:00; 14:00-16:00", "PH off", "soon"])
def test_an_exception_holds_times_only(text: str) -> None:
    with pytest.raises(InputError, match="Maybe"):
        dated_hours(date(2026, 12, 24), text)


@pytest.mark.parametrize("text", ["9:00", "24:30", "12:60", "12.30", "", "09:00:99"])
def test_clock_times_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(InputError, match="Clock time"):
        clock_s(text)


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(InputError, match="Paris/Europe"):
        calendars(builders.node(tz="Paris/Europe")).picking(0)

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from engine.domain.ids import NodeId
from engine.domain.order import Method
from engine.domain.units import EPOCH_DATE, day_number
from engine.network.model import HoursException, Node
from engine.network.routes import Route
from tests import builders
from tests.promise_case import COLLECT, FROM_WAREHOUSE, TO_SHOP, TO_STORE, Case, quick, wall


def test_a_courier_rides_minutes_after_the_next_collection() -> None:
    found = Case().promised("2026-06-01T14:07", Route(Method.SAME_DAY, 1, 2), to="69001", zone="town")
    assert wall(found.pick_end) == "Mon 01 Jun 14:18:00"
    assert wall(found.ship_by) == "Mon 01 Jun 14:30:00"
    assert wall(found.deliver_earliest) == "Mon 01 Jun 15:00:00"
    assert wall(found.deliver_by) == "Mon 01 Jun 15:15:00"
    assert wall(found.release_by) == "Mon 01 Jun 14:19:00"


def test_click_and_collect_is_ready_when_the_store_is_open() -> None:
    store = builders.store(picking_hours="Mo-Sa 06:00-19:00")
    case = Case(nodes=(builders.node(), store, builders.pickup_point()))
    early = case.promised("2026-06-01T08:10", COLLECT)
    assert wall(early.pick_end) == "Mon 01 Jun 08:21:00"
    assert wall(early.deliver_by) == wall(early.deliver_earliest) == wall(early.ship_by) == "Mon 01 Jun 09:00:00"
    assert wall(early.release_by) == "Mon 01 Jun 08:49:00"
    evening = case.promised("2026-06-01T18:55", COLLECT)
    assert wall(evening.deliver_by) == "Tue 02 Jun 09:00:00"
    assert wall(evening.release_by) == "Tue 02 Jun 08:49:00"
    assert case.promised("2026-06-01T12:00", COLLECT).release_by == builders.at("2026-06-01T12:00+02:00")


def test_a_store_that_is_ready_as_it_closes_is_ready_in_the_morning() -> None:
    case = Case(nodes=(builders.node(), builders.store(handling_line_s=0), builders.pickup_point()))
    assert wall(case.promised("2026-06-01T18:49:59", COLLECT).deliver_by) == "Mon 01 Jun 18:59:59"
    assert wall(case.promised("2026-06-01T18:50:00", COLLECT).deliver_by) == "Tue 02 Jun 09:00:00"


def test_ship_to_store_takes_the_lane_and_is_received() -> None:
    found = Case().promised("2026-06-01T15:00", TO_STORE)
    assert wall(found.ship_by) == "Mon 01 Jun 20:00:00"
    assert wall(found.deliver_by) == "Tue 02 Jun 09:00:00"
    assert wall(found.release_by) == "Mon 01 Jun 16:00:00"
    assert found.confidence == 1.0
    late = Case(lanes=(builders.lane(arrive="09:45"),)).promised("2026-06-01T16:00:01", TO_STORE)
    assert wall(late.ship_by) == "Tue 02 Jun 20:00:00"
    assert wall(late.deliver_by) == "Wed 03 Jun 10:15:00"


def test_release_by_of_a_place_reaches_over_departures_that_are_ready_alike() -> None:
    # Friday's and Saturday's transfers both wait for Monday's opening; Saturday's needs a pick on Friday.
    case = Case(lanes=(builders.lane(weekdays="0000110", cutoff="16:00"),))
    found = case.promised("2026-06-05T09:00", TO_STORE)
    assert wall(found.ship_by) == "Fri 05 Jun 20:00:00"
    assert wall(found.deliver_by) == "Sat 06 Jun 09:00:00"
    store = builders.store(opening_hours="Mo-Fr 09:00-19:00")
    case = Case(lanes=case.network.lanes, nodes=(builders.node(), store, builders.pickup_point()))
    found = case.promised("2026-06-05T09:00", TO_STORE)
    assert wall(found.ship_by) == "Fri 05 Jun 20:00:00"
    assert wall(found.deliver_by) == "Mon 08 Jun 09:00:00"
    assert wall(found.release_by) == "Fri 05 Jun 17:49:00"


def test_a_pickup_point_is_ready_when_it_opens_after_the_delivery() -> None:
    found = Case().promised("2026-06-03T09:00", TO_SHOP, confidence_permille=900)
    assert wall(found.ship_by) == "Wed 03 Jun 17:00:00"
    assert wall(found.deliver_by) == wall(found.deliver_earliest) == "Tue 09 Jun 12:00:00"
    weekend = builders.pickup_point(opening_hours="Sa-Su 10:00-20:00")
    case = Case(nodes=(builders.node(), builders.store(), weekend))
    found = case.promised("2026-06-01T09:00", TO_SHOP)
    assert wall(found.deliver_by) == "Sat 06 Jun 10:00:00"
    assert wall(found.release_by) == "Wed 03 Jun 15:00:00", "Wednesday's parcel arrives on Friday noon"


def test_ship_day_is_the_local_date_of_the_hand_over() -> None:
    case = Case(nodes=(builders.node(tz="Pacific/Honolulu"), builders.store(), builders.pickup_point()))
    found = case.promised("2026-06-01T20:00")
    day = case.dates.ship_day(FROM_WAREHOUSE, found)
    assert EPOCH_DATE + timedelta(days=day) == found.ship_by.astimezone(ZoneInfo("Pacific/Honolulu")).date()
    assert day != day_number(found.ship_by.date())
    lane = case.promised("2026-06-01T20:00", TO_STORE)
    assert (
        EPOCH_DATE + timedelta(days=case.dates.ship_day(TO_STORE, lane))
        == lane.ship_by.astimezone(ZoneInfo("Pacific/Honolulu")).date()
    )
    collected = case.promised("2026-06-01T18:55", COLLECT)
    assert case.dates.ship_day(COLLECT, collected) == day_number(date(2026, 6, 2))


def nodes(*changed: Node) -> tuple[Node, ...]:
    by_id = {n.node_id: n for n in (builders.node(), builders.store(), builders.pickup_point(), *changed)}
    return tuple(by_id.values())


def test_each_way_to_fail_has_its_code() -> None:
    monday = "2026-06-01T09:00"
    assert Case(nodes=nodes(quick(picking_hours=""))).refused(monday) == "never_open"
    closed = tuple(
        HoursException(node_id=NodeId("wh"), day=date(2026, 5, 31) + timedelta(days=n), hours="off") for n in range(35)
    )
    assert Case(hours_exceptions=closed).refused(monday) == "never_open"
    assert Case(nodes=nodes(quick(capacity_day_orders=0))).refused(monday) == "no_capacity"
    assert Case(nodes=nodes(quick(backlog_s=10**9))).refused(monday) == "no_capacity"
    assert Case(collections=()).refused(monday) == "no_collection"
    assert Case(transits=()).refused(monday) == "no_transit"
    assert Case().refused(monday, zone="") == "no_transit"
    assert Case().refused("2026-07-20T09:00") == "beyond_horizon"
    assert Case(nodes=nodes(builders.node(handling_order_s=10**7))).refused(monday) == "beyond_horizon"
    assert Case().refused("2026-07-03T16:30") == "beyond_horizon", "the last collection of the horizon has gone"
    assert Case(lanes=(builders.lane(weekdays="0000000"),)).refused(monday, TO_STORE) == "no_lane"
    assert Case().refused("2026-07-03T16:30", TO_STORE) == "beyond_horizon"
    never = nodes(builders.store(opening_hours="", picking_hours="Mo-Fr 08:00-18:00"))
    assert Case(nodes=never).refused(monday, COLLECT) == "place_never_opens"
    assert Case(nodes=never).refused(monday, TO_STORE) == "place_never_opens"
    assert Case(nodes=nodes(builders.pickup_point(opening_hours="off"))).refused(monday, TO_SHOP) == "place_never_opens"
    assert Case(days=4).refused("2026-06-03T09:00", TO_SHOP) == "beyond_horizon"

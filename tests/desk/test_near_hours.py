"""Opening hours as somebody nearby reads them: now, until when, in the next days; nights and clock changes, too."""

from datetime import datetime, timedelta
from typing import Any

from engine.domain.ids import NodeId
from engine.network.model import HoursException, Network
from tests import builders
from tests.desk.desk_cases import desk_on
from tests.desk.near_cases import ids, near
from tests.desk.test_reserve import turn
from tests.ledger_twin import LedgerTwin


def one_store(hours: str, **changes: Any) -> Network:
    nodes = (builders.node(), builders.store("s", opening_hours=hours, picking_hours="24/7"))
    return builders.network(nodes=nodes, lanes=(), collections=(), **changes)


def told(network: Network, *, after: timedelta = timedelta(0)) -> dict[str, Any]:
    with desk_on(network, LedgerTwin()) as desk:
        turn(desk, int(after.total_seconds()))
        (store,) = near(desk)["stores"]
    found: dict[str, Any] = store
    return found


def test_hours_are_those_of_seven_local_days_with_today_whole() -> None:
    store = told(one_store("Mo-Sa 09:00-12:00,13:00-19:00"), after=timedelta(hours=5))  # 13:00 in Lyon
    assert (store["open_now"], store["opens_at"], store["closes_at"]) == (True, None, "2026-06-01T19:00:00+02:00")
    assert len(store["hours"]) == 12
    assert store["hours"][0]["opens_at"] == "2026-06-01T09:00:00+02:00"
    assert store["hours"][-1] == {"opens_at": "2026-06-06T13:00:00+02:00", "closes_at": "2026-06-06T19:00:00+02:00"}


def test_a_night_that_goes_on_after_midnight_is_one_stretch() -> None:
    network = one_store("Mo-Su 18:00-02:00")
    store = told(network, after=timedelta(hours=15))  # 23:00
    assert (store["open_now"], store["closes_at"]) == (True, "2026-06-02T02:00:00+02:00")
    assert store["hours"][1] == {"opens_at": "2026-06-01T18:00:00+02:00", "closes_at": "2026-06-02T02:00:00+02:00"}
    early = told(network, after=timedelta(hours=17))  # 01:00
    assert (early["open_now"], early["closes_at"]) == (True, "2026-06-02T02:00:00+02:00")
    assert told(network, after=timedelta(hours=18))["open_now"] is False  # 02:00: it has just closed


def test_a_store_that_never_closes_has_no_moment_at_which_it_does() -> None:
    store = told(one_store("24/7"))
    assert (store["open_now"], store["opens_at"], store["closes_at"]) == (True, None, None)
    (week,) = store["hours"]
    assert week == {"opens_at": "2026-06-01T00:00:00+02:00", "closes_at": "2026-06-08T00:00:00+02:00"}


def test_a_day_with_other_hours_has_these() -> None:
    closed = HoursException(node_id=NodeId("s"), day=builders.AS_OF.date(), hours="off")
    store = told(one_store("Mo-Su 09:00-19:00", hours_exceptions=(closed,)), after=timedelta(hours=5))
    assert (store["open_now"], store["opens_at"]) == (False, "2026-06-02T09:00:00+02:00")
    assert len(store["hours"]) == 6


def test_offsets_are_those_of_each_day_where_the_clocks_change() -> None:
    before = datetime.fromisoformat("2026-10-24T08:00:00+00:00")  # the day before summer time ends
    store = told(one_store("Mo-Su 09:00-19:00", as_of=before))
    assert [day["opens_at"][-6:] for day in store["hours"]] == ["+02:00", *["+01:00"] * 6]


def test_a_store_that_never_opens_is_none() -> None:
    with desk_on(one_store(""), LedgerTwin()) as desk:
        assert ids(near(desk)) == []

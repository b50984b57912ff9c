"""The part of test_lifecycle_machine.py that gives days of nodes limits of their own, whatever is booked already."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engine.desk.capacity import DayLimits, SetCapacity, SlotLimits
from engine.domain.units import EPOCH_DATE, day_number, utc
from tests.property.lifecycle_choices import Choices
from tests.property.lifecycle_world import NODES


class Limiting(Choices):
    """See the module."""

    @rule(
        where=st.integers(0, 2),
        ahead=st.integers(-1, 3),
        orders=st.none() | st.integers(0, 4),
        units=st.none() | st.integers(0, 8),
        hours=st.dictionaries(st.integers(6, 20), st.none() | st.integers(0, 3), max_size=3),
    )
    def set_the_limits_of_a_day(
        self, where: int, ahead: int, orders: int | None, units: int | None, hours: dict[int, int | None]
    ) -> None:
        day = day_number(utc(self.world.now_s).date()) + ahead
        slots = [SlotLimits(hour=hour, units_max=most) for hour, most in hours.items()]
        limits = DayLimits(orders_max=orders, units_max=units, slots=slots)
        local = local_day(self.world.now_s)
        document = self.world.ask(SetCapacity(node=NODES[where], day=EPOCH_DATE + timedelta(days=day), limits=limits))
        assert (document is not None) == (day >= local and not (hours and where != 0))
        if document is None:
            return
        for at in [at for at in self.world.limits if at[:2] == (where, day)]:
            self.world.limits[at] = None, None
        self.world.limits[where, day, -1] = orders, units
        for hour, most in hours.items():
            self.world.limits[where, day, hour] = None, most
        booked = self.world.ledger.cells.get((where, day, -1), (0, 0))
        assert (document["orders"], document["units"]) == booked[:2]
        most = document["orders_max"]
        assert document["orders_over"] == (0 if most is None else max(0, booked[0] - most))


def local_day(now_s: int) -> int:
    """The day on which the nodes are."""
    return day_number(datetime.fromtimestamp(now_s, ZoneInfo("Europe/Paris")).date())

"""Ask for promises in local time, over the default network of tests/builders.py."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.domain.order import Method
from engine.domain.plan import Promise, Refusal
from engine.domain.units import day_number, epoch_s
from engine.network.calendars import Calendars
from engine.network.live import Live
from engine.network.model import Network, Node
from engine.network.routes import Route, Target, target_of, target_of_place
from engine.promise.dates import Dates
from tests import builders

PARIS = ZoneInfo("Europe/Paris")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
FROM_WAREHOUSE = Route(Method.SHIP_FROM_WAREHOUSE, 0, 0)
COLLECT = Route(Method.CLICK_AND_COLLECT, 1, place=1)
TO_STORE = Route(Method.SHIP_TO_STORE, 0, lane=0, place=1)
TO_SHOP = Route(Method.PICKUP_POINT, 0, 3, place=2)


class Case:
    """The dates of one network; asks for promises in local time."""

    def __init__(self, days: int = 35, **changes: Any) -> None:
        self.network: Network = builders.network(**changes)
        self.live = Live(self.network, days)
        calendars = Calendars(self.network, self.live.first_day, days)
        self.dates = Dates(self.network, calendars)

    def ask(
        self, release: str, route: Route = FROM_WAREHOUSE, tz: ZoneInfo = PARIS, to: str = "75011", **changes: Any
    ) -> Promise | Refusal:
        country = "GB" if to.startswith("SW") else "FR"
        target: Target = (
            target_of_place(self.network, route.place)
            if route.place >= 0
            else target_of(self.network, builders.dest(to, country=country))
        )
        zones = {name: i for i, name in enumerate(self.network.zone_ids)}
        zone = changes.pop("zone", "near")
        values: dict[str, Any] = {
            "release_s": epoch_s(datetime.fromisoformat(release).replace(tzinfo=tz)),
            "num_lines": 1,
            "num_units": 1,
            "rejections_ppm": (0,),
            "confidence_permille": 700,
            "live": self.live,
        }
        return self.dates.promise(route, target, zones.get(zone, -1), **(values | changes))

    def promised(self, release: str, route: Route = FROM_WAREHOUSE, **changes: Any) -> Promise:
        found = self.ask(release, route, **changes)
        assert isinstance(found, Promise), found
        return found

    def refused(self, release: str, route: Route = FROM_WAREHOUSE, **changes: Any) -> str:
        found = self.ask(release, route, **changes)
        assert isinstance(found, Refusal), found
        assert found.text.endswith(".")
        return found.code

    def use(self, node: int, day: str, orders: int, hour: int = 0) -> None:
        for _ in range(orders):
            self.live.reserve(node, ((0, 1),), day_number(date.fromisoformat(day)), hour)


def wall(moment: datetime, tz: ZoneInfo = PARIS) -> str:
    return moment.astimezone(tz).strftime("%a %d %b %H:%M:%S")


def quick(node_id: str = "wh", **changes: Any) -> Node:
    return builders.node(node_id, **({"handling_order_s": 0, "handling_line_s": 0} | changes))

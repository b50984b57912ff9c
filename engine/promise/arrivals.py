"""When a parcel that was handed over arrives: transit times over a carrier's working days at the destination."""

from fractions import Fraction

from engine.network.calendars import ARRIVAL_DAYS, Calendars
from engine.network.hours import weekday
from engine.network.model import Network
from engine.network.routes import Target
from engine.promise.transit import quantile


class Arrivals:
    """Transit and delivery days of one network, cached by service, destination region and ship day."""

    def __init__(self, network: Network, calendars: Calendars) -> None:
        self.network = network
        self.calendars = calendars
        self._last_day = calendars.first_day + calendars.num_days + ARRIVAL_DAYS
        zones = {zone: i for i, zone in enumerate(network.zone_ids)}
        self._transits = {(network.service_index[t.service_id], zones[t.zone]): t for t in network.transits}
        self._carriers = {carrier.carrier_id: i for i, carrier in enumerate(network.carriers)}
        self._quantiles: dict[tuple[int, int, int], tuple[int, Fraction] | None] = {}
        self._windows: dict[tuple[int, int, str, str, str, int, int], tuple[int, int] | None] = {}

    def transit_units(self, service: int, zone: int, confidence_permille: int) -> tuple[int, Fraction] | None:
        """Promised transit days (or minutes), and the permille of parcels that arrive within them; None if unknown."""
        key = (service, zone, confidence_permille)
        if key not in self._quantiles:
            row = self._transits.get((service, zone))
            self._quantiles[key] = quantile(row, confidence_permille) if row is not None else None
        return self._quantiles[key]

    def arrival_day(self, service: int, country: str, region: str, ship_day: int, units: int) -> int | None:
        """
        The local date on which a parcel arrives, so many transit days after a hand-over on a local date.

        Days count on transit weekdays that are no holiday of the carrier at the destination; the parcel then waits for
        a delivery weekday that is none either. None beyond ARRIVAL_DAYS after the horizon.
        """
        what = self.network.services[service]
        off = self.calendars.carrier_off(self._carriers[what.carrier_id], country, region)
        day, left = ship_day, units
        while left > 0 and day < self._last_day:
            day += 1
            left -= what.transit_weekdays[weekday(day)] == "1" and day not in off
        while day < self._last_day and (what.delivery_weekdays[weekday(day)] != "1" or day in off):
            day += 1
        return day if day < self._last_day else None

    def window(
        self, service: int, zone: int, target: Target, leave_s: int, ship_day: int, units: int
    ) -> tuple[int, int] | None:
        """
        First and last instant of a delivery, after a hand-over at an instant, on a local date of its node.

        It takes ``units`` promised transit days or minutes, and at least the earliest ones of (service, zone).
        """
        what = self.network.services[service]
        earliest = self._transits[service, zone].earliest
        if what.transit_unit == "minute":
            return leave_s + 60 * earliest, leave_s + 60 * units
        key = (service, zone, target.country, target.region, target.tz, ship_day, units)
        if key in self._windows:
            found = self._windows[key]
        else:
            first = self.arrival_day(service, target.country, target.region, ship_day, earliest)
            last = self.arrival_day(service, target.country, target.region, ship_day, units)
            instant = self.calendars.instant
            found = self._windows[key] = (
                (instant(target.tz, first, what.delivery_start), instant(target.tz, last, what.delivery_end))
                if first is not None and last is not None
                else None
            )
        return found and (max(found[0], leave_s), found[1])

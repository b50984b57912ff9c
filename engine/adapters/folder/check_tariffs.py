"""What must hold between services, zones and transit times. Rate cards are in check_rates."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from engine.adapters.folder.cells import clock_s
from engine.adapters.folder.check_network import SERVICES_MAX
from engine.adapters.folder.check_rates import check_rates
from engine.adapters.folder.problems import Problems
from engine.adapters.folder.typed import Typed
from engine.adapters.folder.wildcards import NO_DAY
from engine.network.model import Applies, Service

_ZONE_TABLES = ("zone_prefixes", "zone_distances", "zone_regions")
_THRESHOLDS = (Applies.WEIGHT_OVER, Applies.LONGEST_OVER, Applies.SECOND_OVER, Applies.LENGTH_GIRTH_OVER)


def check_tariffs(tables: Mapping[str, Typed], as_of: datetime | None, problems: Problems) -> None:
    """Note what is wrong or odd about services, zones, prices and transit times."""
    _check_services(tables["services"], problems)
    _check_prefix_lengths(tables["zone_prefixes"], problems)
    _check_transit(tables["transit"], problems)
    _check_surcharges(tables, problems)
    for row, holiday in tables["carrier_holidays"].rows:
        if holiday.region and not holiday.country:
            message = f"Region ({holiday.region}) has no country, so the row fits nowhere."
            problems.warn(tables["carrier_holidays"].file, row, "country", "", message, "fill in the country.")
    check_rates(tables, as_of, problems)
    _check_zones(tables, problems)


def _check_services(table: Typed, problems: Problems) -> None:
    if len(table.ids()) > SERVICES_MAX:
        message = f"There are ({len(table.ids())}) services, more than {SERVICES_MAX}."
        problems.add(table.file, 0, "service_id", "", message, "services that no node uses can go.")
    for row, service in table.rows:
        if clock_s(service.delivery_start) > clock_s(service.delivery_end):
            message = f"Deliveries start ({service.delivery_start}) after they end ({service.delivery_end})."
            problems.add(table.file, row, "delivery_start", service.delivery_start, message, "the two are swapped.")
        for column in ("transit_weekdays", "delivery_weekdays"):
            if getattr(service, column) == NO_DAY:
                message = "No weekday is left, so nothing would ever arrive."
                problems.add(table.file, row, column, NO_DAY, message, "1111100 is Monday to Friday.")


def _check_prefix_lengths(table: Typed, problems: Problems) -> None:
    """All prefixes of one zone map must share their length; those of the rarer lengths are noted."""
    if not table.num_rows:
        return
    maps = table.columns["zone_map"]
    of_row = maps.positions({zone_map: i for i, zone_map in enumerate(table.ids())})
    for i, zone_map in enumerate(table.ids()):
        rows = np.flatnonzero(of_row == i)
        ends = {name: table.columns[name] for name in ("origin_prefix", "dest_prefix")}
        lengths = {
            name: np.array([len(prefix or "") for prefix in column.values])[column.codes[rows]]
            for name, column in ends.items()
        }
        counts = np.bincount(np.concatenate(list(lengths.values())))
        usual = int(counts.argmax())
        for name, column in ends.items():
            odd = rows[lengths[name] != usual]
            for row, code in zip(table.row_numbers[odd].tolist(), column.codes[odd].tolist(), strict=True):
                prefix = column.values[code]
                if prefix is not None:
                    message = f"Prefix ({prefix}) of zone map ({zone_map}) has not ({usual}) characters like others."
                    problems.add(table.file, row, name, prefix, message, "leading zeros were dropped.")


def _check_transit(table: Typed, problems: Problems) -> None:
    for row, transit in table.rows:
        if not transit.earliest <= transit.typical <= transit.latest:
            message = f"Times ({transit.earliest}, {transit.typical}, {transit.latest}) do not ascend."
            problems.add(table.file, row, "typical", str(transit.typical), message, "sort them.")
        if transit.typical_permille > transit.latest_permille:
            message = (
                f"Fewer arrive by latest ({transit.latest_permille}) than by typical ({transit.typical_permille})."
            )
            problems.add(
                table.file, row, "latest_permille", str(transit.latest_permille), message, "the two are swapped."
            )


def _check_surcharges(tables: Mapping[str, Typed], problems: Problems) -> None:
    table = tables["surcharges"]
    carrier_of = {service.service_id: service.carrier_id for _, service in tables["services"].rows}
    zones = {zone for name in _ZONE_TABLES for zone in tables[name].columns["zone"].values}
    for row, extra in table.rows:
        if extra.valid_from > extra.valid_to:
            message = f"The last date ({extra.valid_to}) is before the first ({extra.valid_from})."
            problems.add(table.file, row, "valid_to", str(extra.valid_to), message, "the two are swapped.")
        if extra.applies in _THRESHOLDS and extra.threshold == 0:
            message = f"Surcharge ({extra.code}) is due above 0, that is always."
            problems.warn(table.file, row, "threshold", "0", message, "fill in the threshold.")
        if extra.amount_cents == 0 and extra.permille_of_base == 0 and extra.charged_weight_min_g == 0:
            message = f"Surcharge ({extra.code}) costs nothing."
            problems.warn(table.file, row, "amount_cents", "0", message, "fill in amount_cents or permille_of_base.")
        if extra.service_id is not None and carrier_of.get(extra.service_id, extra.carrier_id) != extra.carrier_id:
            message = f"Service ({extra.service_id}) is not of carrier ({extra.carrier_id}), so it is never due."
            problems.warn(table.file, row, "service_id", extra.service_id, message, "another carrier is meant.")
        if extra.zone is not None and extra.zone not in zones:
            message = f"Zone ({extra.zone}) is in no zone table."
            problems.warn(table.file, row, "zone", extra.zone, message, "it is written differently there.")


def _check_zones(tables: Mapping[str, Typed], problems: Problems) -> None:
    """For each service: zones of its map without price or transit, and prices or transit of zones its map lacks."""
    mapped: dict[str, set[str]] = defaultdict(set)
    for name in _ZONE_TABLES:
        columns = tables[name].columns
        if not tables[name].num_rows:
            continue
        zone_maps, zones = columns["zone_map"], columns["zone"]
        pairs = set((zone_maps.codes.astype("int64") * len(zones.values) + zones.codes).tolist())
        for pair in pairs:
            zone_map, zone = zone_maps.values[pair // len(zones.values)], zones.values[pair % len(zones.values)]
            if zone_map is not None and zone is not None:
                mapped[zone_map].add(zone)
    priced: dict[str, set[str]] = defaultdict(set)
    timed: dict[str, set[str]] = defaultdict(set)
    for name, found in (("rates", priced), ("transit", timed)):
        for _, row in tables[name].rows:
            found[row.service_id].add(row.zone)
    services = tables["services"]
    service: Service
    for number, service in services.rows:
        who, reach = service.service_id, mapped.get(service.zone_map, set())
        if not priced[who]:
            message = f"Service ({who}) has no price at all."
            problems.warn(services.file, number, "service_id", who, message, "add rows to rates.")
        for zones_left, message, hint in (
            (reach - priced[who] if priced[who] else set(), "has no price", "add it to rates."),
            (reach - timed[who], "has no transit time", "add it to transit."),
            (
                priced[who] - reach if reach else set(),
                "has prices, but its zone map never gives it",
                "it has another name.",
            ),
        ):
            for zone in sorted(zones_left):
                text = f"Zone ({zone}) of service ({who}) {message}."
                problems.warn(services.file, number, "zone_map", service.zone_map, text, hint)

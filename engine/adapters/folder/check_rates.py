"""What must hold between the rows of a rate card: bands, dates, holes."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise

from engine.adapters.folder.problems import Problems
from engine.adapters.folder.typed import Typed
from engine.network.model import Rate

Row = tuple[int, Rate]


def check_rates(tables: Mapping[str, Typed], as_of: datetime | None, problems: Problems) -> None:
    """Note overlaps, gaps and holes of all rate cards."""
    file = tables["rates"].file
    rows: list[Row] = [
        (number, rate) for number, rate in tables["rates"].rows if _dates_in_order(file, number, rate, problems)
    ]
    by_band: dict[tuple[str, str, int], list[Row]] = defaultdict(list)
    by_card: dict[tuple[str, str, date, date], list[Row]] = defaultdict(list)
    by_service: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rate = row[1]
        by_band[rate.service_id, rate.zone, rate.weight_max_g].append(row)
        by_card[rate.service_id, rate.zone, rate.valid_from, rate.valid_to].append(row)
        by_service[rate.service_id].append(row)
    for band in by_band.values():
        _check_dates(file, band, problems)
    for card in by_card.values():
        _check_bands(file, card, problems)
    for service, found in by_service.items():
        _check_holes(file, service, found, problems)
        last = max(rate.valid_to for _, rate in found)
        if as_of is not None and last < as_of.date():
            message = f"All prices of service ({service}) end on ({last}), before as_of."
            problems.warn(file, found[0][0], "valid_to", str(last), message, "a newer tariff is missing.")


def _dates_in_order(file: str, number: int, rate: Rate, problems: Problems) -> bool:
    if rate.valid_from <= rate.valid_to:
        return True
    message = f"The last date ({rate.valid_to}) is before the first ({rate.valid_from})."
    problems.add(file, number, "valid_to", str(rate.valid_to), message, "the two are swapped.")
    return False


def _check_dates(file: str, band: list[Row], problems: Problems) -> None:
    """Prices of one band may not hold on one day together, and should not leave days out between them."""
    if len(band) < 2:
        return
    ordered = sorted(band, key=lambda row: (row[1].valid_from, row[0]))
    number, held = ordered[0]
    for other, rate in ordered[1:]:
        what = f"service ({rate.service_id}), zone ({rate.zone}), up to ({rate.weight_max_g}) g"
        if rate.valid_from <= held.valid_to:
            day = "each day" if rate.valid_from == date.min else rate.valid_from.isoformat()
            message = f"Two prices for {what}: row ({number}) holds on ({day}) too."
            hint = "the band is there twice." if rate.valid_to == held.valid_to else "the dates overlap."
            problems.add(file, max(number, other), "valid_from", _day(rate.valid_from), message, hint)
        elif rate.valid_from > held.valid_to + timedelta(days=1):
            first, last = held.valid_to + timedelta(days=1), rate.valid_from - timedelta(days=1)
            message = f"No price for {what} from ({first}) to ({last})."
            problems.warn(file, other, "valid_from", _day(rate.valid_from), message, "both dates are included.")
        if rate.valid_to >= held.valid_to:
            number, held = other, rate


def _day(day: date) -> str:
    return "" if day == date.min else day.isoformat()


def _check_bands(file: str, card: list[Row], problems: Problems) -> None:
    """Bands of one zone and time: by weight in the file, heavier ones not cheaper."""
    for (_, before), (number, rate) in pairwise(card):
        if rate.weight_max_g < before.weight_max_g:
            message = f"Band ({rate.weight_max_g}) g comes after band ({before.weight_max_g}) g of its zone."
            hint = "a digit is missing; bands are told by weight, not by row."
            problems.warn(file, number, "weight_max_g", str(rate.weight_max_g), message, hint)
    ordered = sorted(card, key=lambda row: row[1].weight_max_g)
    for (_, lighter), (number, rate) in pairwise(ordered):
        if rate.price_cents < lighter.price_cents:
            message = f"Up to ({rate.weight_max_g}) g costs less ({rate.price_cents}) than ({lighter.weight_max_g}) g."
            problems.warn(file, number, "price_cents", str(rate.price_cents), message, "a digit is missing.")
    for (number, rate), _ in pairwise(ordered):
        if rate.per_kg_beyond_cents:
            message = f"Band ({rate.weight_max_g}) g is not the last, so its price per kg is not used."
            value = str(rate.per_kg_beyond_cents)
            problems.warn(file, number, "per_kg_beyond_cents", value, message, "write it on the heaviest band.")


def _check_holes(file: str, service: str, rows: list[Row], problems: Problems) -> None:
    """A zone that lacks bands which other zones of the service have has no price there."""
    zones: dict[str, set[int]] = defaultdict(set)
    first: dict[str, int] = {}
    for number, rate in rows:
        zones[rate.zone].add(rate.weight_max_g)
        first.setdefault(rate.zone, number)
    bands = sorted({weight for weights in zones.values() for weight in weights})
    for zone, weights in zones.items():
        for low, high, count in _runs(bands, weights):
            message = (
                f"Zone ({zone}) of service ({service}) has no price above ({low}) g up to ({high}) g: "
                f"({count}) bands that other zones have."
            )
            problems.warn(file, first[zone], "weight_max_g", "", message, "that part of the tariff was not copied.")


def _runs(bands: list[int], weights: set[int]) -> list[tuple[int, int, int]]:
    """Missing bands in a row: (last weight before them, last weight of them, how many)."""
    runs: list[tuple[int, int, int]] = []
    before = 0
    open_run: tuple[int, int] | None = None
    for band in bands:
        if band in weights:
            if open_run:
                runs.append((open_run[0], before, open_run[1]))
            open_run = None
        else:
            open_run = (open_run[0], open_run[1] + 1) if open_run else (before, 1)
        before = band
    if open_run:
        runs.append((open_run[0], before, open_run[1]))
    return runs

"""What must hold between the cells of nodes, skus, stock, collections and lanes. Cells and ids were checked before."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import numpy as np
from opening_hours import OpeningHours

from engine.adapters.folder.cells import CLASS_RATES, clock_s
from engine.adapters.folder.problems import Names, Problems
from engine.adapters.folder.typed import Typed
from engine.adapters.folder.wildcards import NO_DAY, expand_collections, match
from engine.network.model import Area, Collection, Lane, Node, NodeKind, Offer, Service, ServiceKind
from engine.network.routes import distance_m

GROUPS_MAX = 63  # groups and services are bits of one whole number in kernels
SERVICES_MAX = 63
AREA_DISTANCE_M_MAX = 500_000  # from a node to the centre of its postcode
PREFIX_LENGTH_MIN = 2  # shorter ones cover too much of a country to tell
_RESERVED = re.compile(r"\*$|none$|group:|.*;", re.DOTALL)
_WORK = frozenset((Offer.SHIP, Offer.SAME_DAY, Offer.TRANSFER_OUT))
_POSTCODE_DIGITS = {"DE": 5, "ES": 5, "FR": 5, "IT": 5, "US": 5, "FI": 5, "HR": 5, "EE": 5, "MX": 5, "PL": 5}


def check_network(tables: Mapping[str, Typed], as_of: datetime | None, problems: Problems) -> None:
    """Note what is wrong or odd about places, goods and hand-overs."""
    _check_ids(tables["nodes"], problems)
    _check_ids(tables["services"], problems)
    for name in ("nodes", "skus"):
        _check_case(tables[name], problems)
    _check_nodes(tables["nodes"], problems)
    _check_hours(tables["nodes"], as_of, problems)
    _check_skus(tables["skus"], problems)
    _check_classes(tables["nodes"], tables["skus"], problems)
    _check_stock(tables["stock"], problems)
    _check_postcodes(tables, problems)
    _check_collections(tables, problems)
    _check_lanes(tables, problems)


def _check_ids(table: Typed, problems: Problems) -> None:
    """Ids must not look like a wildcard nor break lists of ids."""
    column = table.table.columns[0].name
    values = table.columns[column]
    reserved = [code for code, value in enumerate(values.values) if value and _RESERVED.match(value)]
    for code, at in values.where(reserved):
        rows, value = table.row_numbers[at], values.values[code]
        if ";" in value:
            message = f"Id ({value}) has a semicolon, which separates ids in lists."
            problems.add(table.file, rows, column, value, message, "use a dash.")
        else:
            problems.add(table.file, rows, column, value, f"Id ({value}) is reserved.", "put a letter before it.")


def _check_case(table: Typed, problems: Problems) -> None:
    ids = table.ids()
    if len({i.casefold() for i in ids}) == len(ids):
        return
    column = table.table.columns[0].name
    values = table.columns[column]
    first: dict[str, str] = {}
    others = {
        code: other
        for code, value in enumerate(values.values)
        if value is not None and (other := first.setdefault(value.casefold(), value)) != value
    }
    for code, at in values.where(others):
        value = values.values[code]
        message = f"Ids ({value}) and ({others[code]}) differ only in upper and lower case."
        hint = "one is a typing error; they count as two."
        problems.warn(table.file, table.row_numbers[at], column, value, message, hint)


def _check_nodes(table: Typed, problems: Problems) -> None:
    groups: set[str] = set()
    for row, node in table.rows:
        groups.update(node.groups)
        if node.lat == 0 and node.lon == 0:
            message = "The coordinates are 0, 0, a point in the sea off Africa."
            problems.add(table.file, row, "lat", "0", message, "the address was not found: look it up.")
        digits = _POSTCODE_DIGITS.get(node.country)
        if digits and node.postcode.isdigit() and len(node.postcode) < digits:
            message = f"Postcode ({node.postcode}) has fewer than {digits} digits."
            hint = f"a spreadsheet dropped leading zeros: {node.postcode.zfill(digits)}."
            problems.warn(table.file, row, "postcode", node.postcode, message, hint)
        if node.kind == NodeKind.PICKUP_POINT and Offer.PICKUP not in node.offers:
            message = f"Pickup point ({node.node_id}) does not offer pickup."
            problems.warn(table.file, row, "offers", ";".join(node.offers), message, "write pickup.")
    if len(groups) > GROUPS_MAX:
        message = f"Nodes have ({len(groups)}) groups, more than {GROUPS_MAX}."
        problems.add(table.file, 0, "groups", "", message, "groups that no rule names can go.")


def _check_hours(table: Typed, as_of: datetime | None, problems: Problems) -> None:
    """Nodes that could do nothing of what they offer, because they are never open or nobody ever works there."""
    moment = as_of.replace(tzinfo=None) if as_of else datetime(2026, 1, 1)  # noqa: DTZ001 - hours are local

    @cache
    def ever(hours: str) -> bool:
        if not hours or "PH" in hours:  # hours on public holidays only would need a country
            return bool(hours)
        found = OpeningHours(hours, max_interval_days=732)
        return bool(found.is_open(moment) or found.next_change(moment) is not None)

    for row, node in table.rows:
        if Offer.PICKUP in node.offers and not ever(node.opening_hours):
            message = f"Node ({node.node_id}) offers pickup, but never opens."
            problems.warn(table.file, row, "opening_hours", node.opening_hours, message, "fill in opening_hours.")
        if _WORK.intersection(node.offers) and not ever(node.picking_hours or node.opening_hours):
            message = f"Node ({node.node_id}) sends parcels, but nobody ever works there."
            problems.warn(table.file, row, "picking_hours", node.picking_hours, message, "fill in picking_hours.")


def _check_classes(nodes: Typed, skus: Typed, problems: Problems) -> None:
    """Rates of classes: each once, and of a class that some sku has."""
    classes = sorted({name for name in skus.columns["sku_class"].values if name})
    known = Names(classes)
    for row, node in nodes.rows:
        names = [name for name, _ in node.rejection_by_class]
        cell = CLASS_RATES.format(node.rejection_by_class)
        for name in sorted(set(names)):
            if names.count(name) > 1:
                message = f"Class ({name}) has more than one rate."
                problems.add(nodes.file, row, "rejection_by_class", cell, message, "keep one of them.")
            if name not in classes:
                message = f"No sku is of class ({name})."
                problems.warn(nodes.file, row, "rejection_by_class", cell, message, known.hint(name))


def _check_skus(table: Typed, problems: Problems) -> None:
    columns = table.columns
    weight = columns["weight_g"]
    for code, at in weight.where(code for code, value in enumerate(weight.values) if value == 0):
        message = "The weight is 0: it is sent at the price of the lightest band."
        hint = "it was never measured."
        problems.warn(table.file, table.row_numbers[at], "weight_g", weight.texts[code], message, hint)
    longest, second, third = (columns[name].array(np.int64) for name in ("longest_mm", "second_mm", "third_mm"))
    rows = table.row_numbers[np.flatnonzero((second > longest) | (third > second))]
    message = "The sides are not sorted: longest, second, third."
    problems.warn(table.file, rows, "second_mm", "", message, "sort them; limits and surcharges look at each.")


def _check_stock(table: Typed, problems: Problems) -> None:
    over = table.columns["reserved"].array(np.int64) > table.columns["on_hand"].array(np.int64)
    at = np.flatnonzero(over & ~table.bad_rows)
    message = "More units are reserved than on hand: nothing is available."
    hint = "reserved counts units of on_hand, it is not apart from it."
    problems.warn(table.file, table.row_numbers[at], "reserved", "", message, hint)


def _check_postcodes(tables: Mapping[str, Typed], problems: Problems) -> None:
    table = tables["postcodes"]
    for row, area in table.rows:
        if area.lat == 0 and area.lon == 0:
            message = "The coordinates are 0, 0, a point in the sea off Africa."
            problems.add(table.file, row, "lat", "0", message, "the place was not found: look it up.")
    if tables["services"].num_rows and not table.num_rows:
        message = "No postcode is known, so nothing can be sent home."
        problems.warn(table.file, 0, "", "", message, "prefixes of two digits are enough to start.")
    areas: dict[tuple[str, str], Area] = {(area.country, area.prefix): area for _, area in table.rows}
    nodes = tables["nodes"]
    for row, node in nodes.rows:
        compact = node.postcode.replace(" ", "").upper()
        lengths = range(len(compact), PREFIX_LENGTH_MIN - 1, -1)
        area = next((found for n in lengths if (found := areas.get((node.country, compact[:n])))), None)
        if area is None or distance_m(node.lat, node.lon, area.lat, area.lon) <= AREA_DISTANCE_M_MAX:
            continue
        far = distance_m(node.lat, node.lon, area.lat, area.lon) // 1000
        message = f"Node ({node.node_id}) is ({far}) km away from where its postcode ({node.postcode}) is."
        swapped = abs(node.lon) <= 90 and distance_m(node.lon, node.lat, area.lat, area.lon) <= AREA_DISTANCE_M_MAX
        hint = "lat and lon are swapped." if swapped else "the address was found in another place."
        problems.warn(nodes.file, row, "lat", str(node.lat), message, hint)


def _check_collections(tables: Mapping[str, Typed], problems: Problems) -> None:
    table = tables["collections"]
    nodes: list[Node] = [node for _, node in tables["nodes"].rows]
    services: list[Service] = [service for _, service in tables["services"].rows]
    usable: list[Collection] = []
    known = {node.node_id for node in nodes}
    kinds = {service.service_id: service.kind for service in services}
    for row, collection in table.rows:
        cutoff, collect = collection.cutoff, collection.collect
        if (cutoff is None) != (collect is None):
            message = "One of cutoff and collect is empty."
            problems.add(table.file, row, "cutoff", cutoff or "", message, "leave both empty for no collection.")
            continue
        if cutoff is not None and clock_s(cutoff) > clock_s(collect):
            message = f"The cut-off ({cutoff}) is after the collection ({collect})."
            problems.add(table.file, row, "cutoff", cutoff, message, "the two are swapped.")
        _check_some_day(table.file, row, collection.weekdays, problems)
        need = Offer.SAME_DAY if kinds.get(collection.service_id) == ServiceKind.COURIER else Offer.SHIP
        _check_match(table.file, row, "node_id", collection.node_id, nodes, need, problems)
        if collection.node_id in known or collection.node_id.startswith(("*", "group:")):
            usable.append(collection)
    _check_handed_over(tables, expand_collections(usable, nodes, services), problems)


def _check_handed_over(tables: Mapping[str, Typed], collections: Sequence[Collection], problems: Problems) -> None:
    """Nodes that ship need a collection, and services that do not come by themselves need one somewhere."""
    couriers = {s.service_id: s for _, s in tables["services"].rows if s.kind == ServiceKind.COURIER}
    shipping = {c.node_id for c in collections if c.service_id not in couriers}
    riding = {c.node_id for c in collections if c.service_id in couriers}
    any_rider = any(s.collect_every_min > 0 for s in couriers.values())
    nodes, services = tables["nodes"], tables["services"]
    for row, node in nodes.rows:
        for offer, served in ((Offer.SHIP, shipping), (Offer.SAME_DAY, riding)):
            if offer in node.offers and node.node_id not in served and not (offer == Offer.SAME_DAY and any_rider):
                message = f"Node ({node.node_id}) offers {offer}, but no carrier collects there."
                problems.warn(nodes.file, row, "offers", ";".join(node.offers), message, "add it to collections.")
    collected = {c.service_id for c in collections}
    for row, service in services.rows:
        if service.service_id not in collected and not (
            service.kind == ServiceKind.COURIER and service.collect_every_min > 0
        ):
            message = f"Service ({service.service_id}) is collected nowhere."
            problems.warn(services.file, row, "service_id", service.service_id, message, "add a row to collections.")


def _check_lanes(tables: Mapping[str, Typed], problems: Problems) -> None:
    table = tables["lanes"]
    by_id: dict[str, Node] = {node.node_id: node for _, node in tables["nodes"].rows}
    nodes = list(by_id.values())
    lane: Lane
    for row, lane in table.rows:
        if clock_s(lane.cutoff) > clock_s(lane.depart):
            message = f"The cut-off ({lane.cutoff}) is after the departure ({lane.depart})."
            problems.add(table.file, row, "cutoff", lane.cutoff, message, "the two are swapped.")
        if lane.origin == lane.target and lane.origin in by_id:
            message = f"The lane goes from ({lane.origin}) to itself."
            problems.add(table.file, row, "target", lane.target, message, "remove it.")
        _check_some_day(table.file, row, lane.weekdays, problems)
        for column, cell, offer in (
            ("origin", lane.origin, Offer.TRANSFER_OUT),
            ("target", lane.target, Offer.TRANSFER_IN),
        ):
            _check_match(table.file, row, column, cell, nodes, offer, problems)
            if cell in by_id and offer not in by_id[cell].offers:
                message = f"Node ({cell}) does not offer {offer}, so the lane is not used."
                problems.warn(table.file, row, column, cell, message, f"add {offer} to its offers.")


def _check_some_day(file: str, row: int, weekdays: str, problems: Problems) -> None:
    if weekdays == NO_DAY:
        problems.warn(file, row, "weekdays", weekdays, "The row holds on no weekday.", "1111100 is Monday to Friday.")


def _check_match(
    file: str, row: int, column: str, cell: str, nodes: Sequence[Node], offer: Offer, problems: Problems
) -> None:
    """A wildcard that fits no node is a mistake; a group that nobody has was noted before."""
    if cell.startswith(("*", "group:")) and not match(cell, nodes, lambda n: offer in n.offers).nodes:
        message = f"({cell}) fits no node that offers {offer}."
        problems.warn(file, row, column, cell, message, f"add {offer} to the offers of its nodes.")

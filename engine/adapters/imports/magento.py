"""
A network from Magento's inventory exports, with the carriers and tariffs of another network.

Reads from one folder, each as JSON (what its REST API answers, with or without the ``items`` envelope) or as CSV with
the same column names:

- ``sources``: source_code, enabled, latitude, longitude, postcode, country_id, name and, where there is in-store
  pickup, extension_attributes.is_pickup_location_active;
- ``stock-source-links``: stock_id, source_code, priority (1 is best);
- ``source-items``: source_code, sku, quantity, status (0 is out of stock);
- ``products`` (optional): sku, weight, price.

Only enabled sources of one stock become nodes. Magento knows no hours, collections, capacity, time zones or parcel
sizes: zones, tariffs, time zones and regions come from the base network (by postcode), the rest is set to plain values
that are named in ``Network.synthetic`` and meant to be edited in the folder. A base whose zones are pairs of postcode
prefixes knows the origins of its own nodes only: USPS of the American network, for one, will not price other origins.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.adapters.folder.problems import Names, Problems
from engine.adapters.imports.magento_files import Export, is_true, read_export, text_of
from engine.domain.errors import InputError, NetworkError
from engine.domain.ids import NodeId, SkuId
from engine.network.model import (
    Collection,
    Network,
    Node,
    NodeKind,
    Offer,
    ServiceKind,
    SkuTable,
    StockTable,
)

SOURCES, LINKS, ITEMS, PRODUCTS = "sources", "stock-source-links", "source-items", "products"
DEFAULT_WEIGHT_G = 500
DEFAULT_SIDES_MM = (200, 150, 70)
OPENING_HOURS = "Mo-Sa 10:00-19:00; PH off"
PICKING_HOURS = "Mo-Fr 08:00-18:00; PH off"
WEIGHT_UNITS_G = {"kgs": 1000.0, "lbs": 453.59237}  # as Magento names them


def magento_network(
    folder: Path, base: Network, *, stock_id: int | None = None, weight_unit: str = "kgs", name: str = "magento"
) -> Network:
    """
    Build a network of Magento's sources.

    Parameters
    ----------
    folder
        Holds the exports.
    base
        Gives carriers, services, zones, rates, transit, postcodes, policies, `as_of` and the data of skus it knows.
    stock_id
        Whose links count; needed where the links name more than one stock.
    weight_unit
        Of ``products``: "kgs" or "lbs".
    name
        Of the new network.

    Raises
    ------
    NetworkError
        With every problem of the exports: coordinates missing or 0, 0, unknown postcodes, numbers that are none.
    InputError
        Where a file is missing or the stock is not clear.
    """
    if weight_unit not in WEIGHT_UNITS_G:
        raise InputError(f"Weight unit ({weight_unit}) is unknown.", "one of kgs, lbs.")
    problems = Problems()
    sources = read_export(Path(folder), SOURCES)
    priorities = _priorities(read_export(Path(folder), LINKS), stock_id, problems)
    nodes = tuple(_nodes(sources, priorities, base, problems))
    items = read_export(Path(folder), ITEMS)
    products = read_export(Path(folder), PRODUCTS, optional=True)
    known = {text_of(row, "source_code") for row in sources.rows}
    stock, names = _stock(items, nodes, known, problems)
    skus, num_default = _skus(names, base, products, WEIGHT_UNITS_G[weight_unit], problems)
    if problems.num_errors:
        raise NetworkError(problems.listed())
    if not nodes:
        raise InputError(f"No enabled source of folder ({folder}) is linked to the stock.", "check stock_id.")
    assumed = (
        f"hours of all nodes: shops {OPENING_HOURS}, others {PICKING_HOURS}",
        "handling, capacity, costs, backlog of all nodes; collections: working days, cut-off 15:00, collected 17:00",
        f"carriers, tariffs, postcodes and policies: those of network {base.name}",
        f"weight {DEFAULT_WEIGHT_G} g, size and value of {num_default} skus that neither products nor the base knows",
    )
    return replace(
        base,
        name=name,
        version=f"magento-{base.version}",
        nodes=nodes,
        skus=skus,
        stock=stock,
        collections=tuple(_collections(nodes, base)),
        lanes=(),
        hours_exceptions=(),
        inbound=(),
        safety_stock=(),
        channel_protection=(),
        synthetic=assumed,
        meta={},
    )


def _priorities(links: Export, stock_id: int | None, problems: Problems) -> dict[str, int]:
    """Priority by source of the one stock; 0 is best."""
    stocks = sorted({text_of(row, "stock_id") for row in links.rows})
    if stock_id is None and len(stocks) > 1:
        raise InputError(
            f"The links of ({links.file}) name several stocks ({', '.join(stocks)}).", "choose one by stock_id."
        )
    wanted = stocks[0] if stock_id is None and stocks else str(stock_id)
    if wanted not in stocks:
        raise InputError(
            f"Stock ({wanted}) has no sources in ({links.file}).", f"one of {', '.join(stocks) or 'none'}."
        )
    found: dict[str, int] = {}
    for number, row in enumerate(links.rows, start=1):
        if text_of(row, "stock_id") == wanted:
            value = links.number(number, "priority", problems)
            if value is not None:
                found[text_of(row, "source_code")] = int(value)
    best = min(found.values(), default=0)
    return {code: priority - best for code, priority in found.items()}


def _nodes(sources: Export, priorities: Mapping[str, int], base: Network, problems: Problems) -> Iterable[Node]:
    """Enabled and linked sources as nodes; what is wrong with them goes into ``problems``."""
    for number, row in enumerate(sources.rows, start=1):
        code = text_of(row, "source_code")
        if not is_true(row.get("enabled", True)) or code not in priorities:
            continue
        lat = sources.number(number, "latitude", problems)
        lon = sources.number(number, "longitude", problems)
        country, postcode = text_of(row, "country_id"), text_of(row, "postcode")
        try:
            area = base.area_of(country, postcode)
        except InputError as error:
            problems.add(sources.file, number, "postcode", postcode, error.message, error.hint)
            continue
        if lat is None or lon is None:
            continue
        if lat == 0.0 and lon == 0.0:
            message, hint = f"Source ({code}) has no coordinates (0, 0).", f"near ({area.lat}, {area.lon})."
            problems.add(sources.file, number, "latitude", "0", message, hint)
            continue
        if abs(lat) > 90 or abs(lon) > 180:
            message = f"Source ({code}) at ({lat}, {lon}) is not on Earth."
            problems.add(sources.file, number, "latitude", str(lat), message, "latitude and longitude are swapped.")
            continue
        pickup = is_true((row.get("extension_attributes") or row).get("is_pickup_location_active", False))
        yield Node(
            node_id=NodeId(code),
            name=text_of(row, "name") or code,
            kind=NodeKind.STORE if pickup else NodeKind.WAREHOUSE,
            lat=lat,
            lon=lon,
            postcode=postcode,
            country=country,
            region=area.region,
            tz=area.tz,
            groups=("stores",) if pickup else ("warehouses",),
            opening_hours=OPENING_HOURS if pickup else "",
            picking_hours="" if pickup else PICKING_HOURS,
            offers=(Offer.SHIP, Offer.PICKUP) if pickup else (Offer.SHIP,),
            handling_order_s=300 if pickup else 120,
            handling_line_s=60,
            priority=priorities[code],
        )


def _stock(items: Export, nodes: tuple[Node, ...], known: set[str], problems: Problems) -> tuple[StockTable, list[str]]:
    """
    Units by node and sku, and the skus in order of appearance.

    Sold-out items (status 0) and negative quantities (backorders) are rows of zero; fractions are cut.
    """
    node_index = {str(node.node_id): i for i, node in enumerate(nodes)}
    sku_index: dict[str, int] = {}
    units: dict[tuple[int, int], int] = {}
    sources = Names(known)
    for number, row in enumerate(items.rows, start=1):
        code, sku = text_of(row, "source_code"), text_of(row, "sku")
        if code not in known:
            message = f"Source ({code}) is not among the sources."
            problems.add(items.file, number, "source_code", code, message, sources.hint(code))
        if not sku:
            problems.add(items.file, number, "sku", sku, "No sku.", "leave the row out.")
        quantity = items.number(number, "quantity", problems)
        if quantity is None or code not in node_index or not sku:
            continue
        key = (node_index[code], sku_index.setdefault(sku, len(sku_index)))
        if key in units:
            problems.add(items.file, number, "sku", sku, f"Source ({code}) has sku ({sku}) twice.", "keep one row.")
        in_stock = text_of(row, "status") not in ("0", "false", "False")
        units[key] = max(0, math.floor(quantity)) if in_stock else 0
    keys = sorted(units)
    zeros = np.zeros(len(keys), dtype=np.int32)
    stock = StockTable(
        node=np.array([k[0] for k in keys], dtype=np.int32),
        sku=np.array([k[1] for k in keys], dtype=np.int32),
        on_hand=np.array([units[k] for k in keys], dtype=np.int32),
        reserved=zeros,
        days_of_cover=zeros,
    )
    return stock, list(sku_index)


def _collections(nodes: tuple[Node, ...], base: Network) -> Iterable[Collection]:
    """Every parcel and pickup-point service collects everywhere on working days."""
    for node in nodes:
        for service in base.services:
            if service.kind != ServiceKind.COURIER:
                yield Collection(
                    node_id=node.node_id,
                    service_id=service.service_id,
                    weekdays="1111100",
                    cutoff="15:00",
                    collect="17:00",
                )


def _skus(names: list[str], base: Network, products: Export, unit_g: float, problems: Problems) -> tuple[SkuTable, int]:
    """Data of products first, then of the base, then plain values; and how many skus got those."""
    stated: dict[str, tuple[float | None, float | None]] = {}
    wanted = set(names)
    for number, row in enumerate(products.rows, start=1):
        if text_of(row, "sku") in wanted:
            weight = products.number(number, "weight", problems, optional=True)
            price = products.number(number, "price", problems, optional=True)
            stated[text_of(row, "sku")] = (weight, price)
    num_default = 0
    columns: dict[str, list[int]] = {n: [] for n in _INTS + _FLAGS}
    for sku in names:
        weight, price = stated.get(sku, (None, None))
        at = base.skus.index.get(SkuId(sku))
        values: dict[str, int]
        if at is None:
            longest, second, third = DEFAULT_SIDES_MM
            values = dict.fromkeys(_FLAGS, 0) | {
                "weight_g": DEFAULT_WEIGHT_G,
                "volume_cm3": longest * second * third // 1000,
                "longest_mm": longest,
                "second_mm": second,
                "third_mm": third,
                "value_cents": 0,
            }
            num_default += weight is None
        else:
            values = {n: int(getattr(base.skus, n)[at]) for n in columns}
        if weight is not None:
            values["weight_g"] = max(1, math.ceil(weight * unit_g))
        if price is not None:
            values["value_cents"] = round(price * 100)
        for column, value in values.items():
            columns[column].append(value)
    ints = {n: np.array(columns[n], dtype=np.int64) for n in _INTS}
    flags = {n: np.array(columns[n], dtype=np.bool_) for n in _FLAGS}
    table = SkuTable(
        ids=tuple(SkuId(n) for n in names),
        weight_g=ints["weight_g"],
        volume_cm3=ints["volume_cm3"],
        longest_mm=ints["longest_mm"],
        second_mm=ints["second_mm"],
        third_mm=ints["third_mm"],
        value_cents=ints["value_cents"],
        ships_alone=flags["ships_alone"],
        never_split=flags["never_split"],
        hazardous=flags["hazardous"],
        oversize=flags["oversize"],
        services={
            i: base.skus.services[at]
            for i, sku in enumerate(names)
            if (at := base.skus.index.get(SkuId(sku), -1)) in base.skus.services
        },
    )
    return table, num_default


_INTS = ("weight_g", "volume_cm3", "longest_mm", "second_mm", "third_mm", "value_cents")
_FLAGS = ("ships_alone", "never_split", "hazardous", "oversize")

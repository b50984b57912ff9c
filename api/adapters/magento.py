"""
Magento and Adobe Commerce: source selection of MSI, as their web API has it.

A source is a node, a stock the nodes of group "stock-<id>"; a network without such groups is one stock, whatever its
id. Quantities are floats there, of at most four decimals; here they are counted in ten-thousandths and never rounded.

`priority` and `distance` answer what Magento's own do, on the units on hand: what open orders hold is in them, since
Magento keeps its reservations by stock and not by source. `engine` answers our decision of the same order, which takes
only what is free, and lists the sources that lost with nothing to deduct. Nothing is held by any of them.

Where it differs: an sku that comes twice is summed (there the last one counts); an algorithm that is unknown is told
400 (there 500, which here says that we are broken); units that are to be collected at a source are not taken off it;
distances are from the middle of the postcode's area as the network knows it, in a straight line.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from fastapi import Response
from pydantic import AliasChoices, AliasGenerator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.adapters.base import Adapter, ForeignBody, Trouble, body_of
from api.http.call import Call, Ready
from api.http.problems import HttpProblemError
from api.http.reading import aside
from engine.decide.brief import Brief
from engine.desk.availability import OnHand, OnHandDoc
from engine.domain.errors import InputError
from engine.domain.ids import LineId, NodeId, OrderId, SkuId
from engine.domain.order import LINES_MAX, QUANTITY_MAX, Destination, Order, OrderLine
from engine.domain.units import utc
from engine.network.model import Network, Node
from engine.network.routes import distance_m
from scenarios.baselines.magento import Row, deducted, nearest_first
from scenarios.baselines.view import I64, UNKNOWN

WHOLE = 10_000  # a unit, in what quantities are counted in
ALGORITHMS = (
    ("priority", "Source Priority", "Takes from the sources of a stock in the order of their priority."),
    ("distance", "Distance Priority", "Takes from the sources of a stock that are nearest to the customer first."),
    ("engine", "Cost Optimal", "Takes what costs least in all, promises and split parcels counted."),
)


class _Body(ForeignBody):
    """A part of the request; names are written either way there."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(to_camel(name), name))
    )


class Item(_Body):
    """Units of a sku."""

    sku: Annotated[str, Field(min_length=1, max_length=100)]
    qty: Annotated[float, Field(ge=0, le=QUANTITY_MAX, allow_inf_nan=False)]


class Address(_Body):
    """Where the customer is; only country and postcode are looked at."""

    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    postcode: Annotated[str, Field(min_length=1, max_length=100)]


class Extension(_Body):
    """What the distance needs beside the request."""

    destination_address: Address | None = None


class InventoryRequest(_Body):
    """What is to be taken from a stock."""

    stock_id: int
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=LINES_MAX)]
    extension_attributes: Extension = Extension()


class SelectIn(_Body):
    """The request."""

    inventory_request: InventoryRequest
    algorithm_code: str


class SelectedItem(msgspec.Struct, kw_only=True):
    """A source and a sku that it has."""

    source_code: str
    sku: str
    qty_to_deduct: float
    qty_available: float


class Selected(msgspec.Struct, kw_only=True):
    """The answer."""

    source_selection_items: list[SelectedItem]
    shippable: bool


class _Asked(NamedTuple):
    """A request in our words."""

    nodes: tuple[Node, ...]
    need: dict[SkuId, int]  # in ten-thousandths, by the spelling of the network
    unknown: bool  # whether it names a sku that there is not
    on_hand: I64  # (K, L) likewise
    home: Destination | None


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """An error as Magento tells it: what is broken here is a number to look up."""
    if trouble.status == 500:
        said = {"message": f"Internal Error. Details are in the log. Report ID: webapi-{trouble.trace_id}"}
    else:
        said = {"message": trouble.detail}
    status = 400 if trouble.status in (413, 415, 422) else trouble.status
    return status, msgspec.json.encode(said)


adapter = Adapter("magento", tell)
_AT = ("/rest/V1/inventory/source-selection-algorithm-", "/rest/{store:id}/V1/inventory/source-selection-algorithm-")


@adapter.add("GET", *(f"{path}list" for path in _AT))
async def algorithms(call: Call, path: Mapping[str, str]) -> Response:
    """What can be chosen from."""
    return Ready(msgspec.json.encode([{"code": c, "title": t, "description": d} for c, t, d in ALGORITHMS]))


@adapter.add("POST", *(f"{path}result" for path in _AT))
async def select(call: Call, path: Mapping[str, str]) -> Response:
    """Which sources are to give how much."""
    body = body_of(call, SelectIn)
    code = body.algorithm_code
    if code not in [known for known, _, _ in ALGORITHMS]:
        raise InputError(f"Algorithm ({code}) is unknown.")
    asked = await _asked(call, body.inventory_request)
    if asked.home is None and code != "priority":
        raise InputError("No destination address was provided in the request")
    rows, shippable = await _decided(call, asked) if code == "engine" else _walked(asked, code, call)
    skus = list(asked.need)
    items = [
        SelectedItem(
            source_code=asked.nodes[row.node].node_id,
            sku=skus[row.line],
            qty_to_deduct=row.take / WHOLE,
            qty_available=row.available / WHOLE,
        )
        for row in rows
    ]
    return Ready(msgspec.json.encode(Selected(source_selection_items=items, shippable=shippable and not asked.unknown)))


async def _asked(call: Call, body: InventoryRequest) -> _Asked:
    """The request in our words, with the stock as the desk knows it."""
    state = call.services.desk.state
    network = state.engine.network
    spelt = await aside(_spelt, network, {item.sku for item in body.items if item.qty > 0})
    need: dict[SkuId, int] = {}
    for item in body.items:
        if item.sku in spelt:
            need[spelt[item.sku]] = need.get(spelt[item.sku], 0) + round(item.qty * WHOLE)
    nodes = sources_of(network, body.stock_id)
    address = body.extension_attributes.destination_address
    return _Asked(
        nodes,
        need,
        any(item.qty > 0 and item.sku not in spelt for item in body.items),
        await _on_hand(call, [node.node_id for node in nodes], list(need)),
        None if address is None else Destination(country=address.country, postcode=address.postcode),
    )


def sources_of(network: Network, stock_id: int) -> tuple[Node, ...]:
    """The nodes of a stock that are at work, in the order of the network."""
    name = f"stock-{stock_id}"
    apart = any(group.startswith("stock-") for node in network.nodes for group in node.groups)
    return tuple(node for node in network.nodes if node.offers and (name in node.groups or not apart))


def _spelt(network: Network, names: set[str]) -> dict[str, SkuId]:
    """How the network spells skus, of which only case may differ; without those that it does not know."""
    found = {name: SkuId(name) for name in names if name in network.skus.index}
    others: dict[str, list[str]] = {}
    for name in sorted(names - set(found)):
        others.setdefault(name.casefold(), []).append(name)
    if others:
        for sku in network.skus.ids:
            for name in others.pop(sku.casefold(), ()):
                found[name] = sku
    return found


async def _on_hand(call: Call, nodes: Sequence[str], skus: Sequence[str]) -> I64:
    """(K, L) units on hand in ten-thousandths."""
    if not nodes or not skus:
        return np.zeros((len(nodes), len(skus)), dtype=np.int64)
    found = await call.answer(OnHand(skus=tuple(skus), nodes=tuple(nodes)))
    return np.array(msgspec.json.decode(found.body, type=OnHandDoc).units, dtype=np.int64).T * WHOLE


def _walked(asked: _Asked, code: str, call: Call) -> tuple[Sequence[Row], bool]:
    """Source after source, as Magento does."""
    priority = np.array([node.priority for node in asked.nodes], dtype=np.int64)
    order = np.argsort(priority, kind="stable")
    if code == "distance":
        assert asked.home is not None, "it was asked for"
        area = call.services.desk.state.engine.network.area_of(asked.home.country, asked.home.postcode)
        far = [
            distance_m(node.lat, node.lon, area.lat, area.lon) if (node.lat, node.lon) != (0.0, 0.0) else UNKNOWN
            for node in asked.nodes
        ]
        order = nearest_first(np.array(far, dtype=np.int64), priority)
    need = np.array(list(asked.need.values()), dtype=np.int64)
    found = deducted(order, asked.on_hand > 0, asked.on_hand, need, losers=True)
    return found.rows, found.shippable


async def _decided(call: Call, asked: _Asked) -> tuple[list[Row], bool]:
    """Our decision: all lines; where that cannot be, what can."""
    for sku, units in asked.need.items():
        if units % WHOLE:
            raise InputError(f"Algorithm (engine) takes whole units only, not {units / WHOLE:g} of sku ({sku}).")
    takes: dict[tuple[str, str], int] = {}
    shippable = True
    if asked.need and asked.nodes:
        order = Order(
            order_id=OrderId("magento"),
            placed_at=utc(call.now_s),
            lines=tuple(
                OrderLine(line_id=LineId(str(i)), sku=sku, quantity=units // WHOLE)
                for i, (sku, units) in enumerate(asked.need.items())
            ),
            destination=asked.home,
            nodes=tuple(NodeId(node.node_id) for node in asked.nodes),
        )
        brief = await _brief(call, order)
        shippable = bool(brief.legs) and not brief.unmet
        if not shippable:
            brief = await _brief(call, replace(order, partial=True))
        for leg in brief.legs:
            for line in leg.lines:
                takes[leg.node, line.sku] = takes.get((leg.node, line.sku), 0) + line.quantity * WHOLE
    else:
        shippable = not asked.need
    skus = list(asked.need)
    rows = [
        Row(node=k, line=j, take=takes.get((node.node_id, sku), 0), available=int(asked.on_hand[k, j]))
        for k, node in enumerate(asked.nodes)
        for j, sku in enumerate(skus)
        if asked.on_hand[k, j] > 0 or (node.node_id, sku) in takes
    ]
    giving = {node for node, _ in takes}
    return sorted(rows, key=lambda row: asked.nodes[row.node].node_id not in giving), shippable


async def _brief(call: Call, order: Order) -> Brief:
    """The decision of an order on a copy of the stock, beside the desk; nothing is held."""
    call.require_room()
    desk, loop = call.services.desk, asyncio.get_running_loop()
    future: asyncio.Future[Brief | Exception] = loop.create_future()

    def told(found: Brief | Exception) -> None:
        loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(found))

    desk.study.decide(desk.state.engine, order, call.decide_ms(), told)
    limit_ms = call.services.settings.request_ms_max
    try:
        found = await asyncio.wait_for(future, limit_ms / 1000)
    except TimeoutError:
        raise HttpProblemError("deadline-exceeded", f"There was no decision within {limit_ms} ms.") from None
    if isinstance(found, Exception):
        raise found
    return found

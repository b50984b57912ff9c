"""Nodes: who holds stock and serves orders."""

import msgspec
from starlette.responses import Response

from api.http.call import CallDep, Ready
from api.http.models.words import PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, LimitParam, after
from api.http.problems import HttpProblemError
from api.http.reading import page
from engine.network.model import Node

operations = Operations("network", ("checkout", "oms", "planner"))


class PlaceDoc(msgspec.Struct, kw_only=True):
    """A node as the network has it."""

    node: str
    name: str
    kind: str
    country: str
    postcode: str
    lat: float
    lon: float
    tz: str
    groups: list[str]
    offers: list[str]
    capacity_day_orders: int | None
    capacity_day_units: int | None
    capacity_hour_orders: int | None
    capacity_hour_units: int | None


class NodePage(msgspec.Struct, kw_only=True):
    """A page of nodes."""

    nodes: list[PlaceDoc]
    next: str | None


EXAMPLE = {
    "node": "st-la-rochelle",
    "name": "Store La Rochelle",
    "kind": "store",
    "country": "FR",
    "postcode": "17000",
    "lat": 46.16,
    "lon": -1.15,
    "tz": "Europe/Paris",
    "groups": ["stores"],
    "offers": ["ship", "pickup"],
    "capacity_day_orders": 60,
    "capacity_day_units": None,
    "capacity_hour_orders": 12,
    "capacity_hour_units": None,
}


def place_doc(node: Node) -> PlaceDoc:
    """A node in the caller's words."""
    return PlaceDoc(
        node=node.node_id,
        name=node.name,
        kind=node.kind.value,
        country=node.country,
        postcode=node.postcode,
        lat=node.lat,
        lon=node.lon,
        tz=node.tz,
        groups=list(node.groups),
        offers=[offer.value for offer in node.offers],
        capacity_day_orders=node.capacity_day_orders,
        capacity_day_units=node.capacity_day_units,
        capacity_hour_orders=node.capacity_hour_orders,
        capacity_hour_units=node.capacity_hour_units,
    )


@operations.add("GET", "/v1/nodes", answer=NodePage, example={"nodes": [EXAMPLE], "next": None})
async def nodes(call: CallDep, cursor: CursorParam = None, limit: LimitParam = 100) -> Response:
    """All nodes, by id."""
    begin = after(cursor, str)
    known = sorted(call.services.desk.state.engine.network.nodes, key=lambda node: node.node_id)
    left = [node for node in known if begin is None or node.node_id > begin[0]]
    last = (left[limit - 1].node_id,) if len(left) > limit else None
    return page(call, "nodes", [place_doc(node) for node in left[:limit]], last, {"limit": limit})


@operations.add("GET", "/v1/nodes/{node:id}", answer=PlaceDoc, example=EXAMPLE, also=(404,))
async def node(node: PathId, call: CallDep) -> Response:
    """A node."""
    for one in call.services.desk.state.engine.network.nodes:
        if one.node_id == node:
            return Ready(msgspec.json.encode(place_doc(one)))
    raise HttpProblemError("unknown", f"Node ({node}) is unknown.")

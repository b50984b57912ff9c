"""Nodes: who holds stock and serves orders."""

import hashlib

import msgspec
from starlette.responses import Response

from api.http.call import CallDep, Ready
from api.http.models.words import PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, LimitParam, after
from api.http.problems import HttpProblemError
from api.http.reading import page
from api.http.remembered import remembered
from engine.desk.ask import Answer, answer
from engine.desk.publish import NetworkDoc, network_doc
from engine.network.model import Network, Node

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


NETWORK = {
    "name": "demo",
    "version": "demo-1",
    "currency": "EUR",
    "as_of": "2026-11-23T07:00:00Z",
    "nodes": 65,
    "skus": 1_000,
    "services": 6,
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


@operations.add("GET", "/v1/network", answer=NetworkDoc, example=NETWORK)
async def network(call: CallDep) -> Response:
    """The network that is decided on, with its ETag."""
    return _tagged(call.services.desk.state.engine.network)


@operations.add(
    "POST",
    "/v1/network:publish",
    answer=NetworkDoc,
    example=NETWORK,
    scopes=("admin",),
    also=(404, 412, 428),
)
async def publish_network(call: CallDep) -> Response:
    """
    Read the network again from where this service has it, check it, and go on with it; all processes of the ledger do.

    Stock, what is booked and settings go on. A network with problems changes nothing (422). If-Match names the version
    that is decided on now.
    """
    services, sent = call.services, call.headers.get(b"if-match")
    publisher = services.publisher
    if sent is None:
        raise HttpProblemError("precondition-required", "The call replaces something; it needs If-Match.")
    if publisher is None:
        raise HttpProblemError("unknown", "This service knows no place to read a network from.")
    seen = publisher.network.version if sent.decode("latin-1") == tag_of(publisher.network) else sent.decode("latin-1")
    now_s, by = call.now_s, call.client.client_id

    def put() -> Answer:
        return answer(network_doc(publisher.publish(now_s=now_s, by=by, seen=seen, trace_id=call.trace_id)))

    done = await remembered(call, put)
    done.raw_headers.append((b"etag", tag_of(publisher.network).encode()))
    return done


def tag_of(network: Network) -> str:
    """The ETag of a network: made of its version, which may hold any character."""
    return f'"{hashlib.blake2b(network.version.encode(), digest_size=8).hexdigest()}"'


def _tagged(found: Network) -> Ready:
    return Ready(msgspec.json.encode(network_doc(found)), 200, [(b"etag", tag_of(found).encode())])


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

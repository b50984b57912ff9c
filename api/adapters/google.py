"""
Google's local inventory: which store has what, and when it can be collected there, as the text file it fetches.

One row for each sku of each store where customers collect; store code is the node's id, id the sku. Units are what can
be promised now, safety stock and what is held for others taken off. The pick-up is as soon as the engine promises it.
Names and values of text files have spaces, not underscores. A price is not told: it belongs to the product's own data.

Google fetches with Basic credentials, whatever the user; the secret is the password. Bearer does as well. Errors are
plain text, since only the status is looked at; a file that breaks off is one whose transfer did not end.

Not verified: the full list of values of `pickup sla`, of which "multi-week" is the last.
"""

import csv
import hmac
import io
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import parse_qs

import msgspec
from fastapi import Response
from starlette.responses import StreamingResponse

from api.adapters.base import Adapter, Trouble, bearer, credentials
from api.http.call import Call
from engine.desk.local_stock import LocalStock, LocalStockDoc
from engine.domain.errors import InputError
from engine.network.model import Network, NodeKind, Offer

HEADER = ("store code", "id", "availability", "quantity", "pickup method", "pickup sla")
METHODS = ("buy", "reserve")
WEEK_D = 7
TSV = "text/tab-separated-values; charset=utf-8"


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """An error as text."""
    return trouble.status, f"{trouble.detail}\n".encode()


def password(call: Call, secret: bytes) -> bool:
    """The secret as the password of Basic credentials, or as a Bearer token."""
    given = credentials(call, b"basic")
    if given is None:
        return bearer(call, secret)
    try:
        return hmac.compare_digest(b64decode(given, validate=True).partition(b":")[2], secret)
    except NotBase64:
        return False


adapter = Adapter(
    "google", tell, proof=password, media_type=b"text/plain; charset=utf-8", challenge=b'Basic realm="local inventory"'
)


@adapter.add("GET", "/v1/exports/google-local-inventory")
async def local_inventory(call: Call, path: Mapping[str, str]) -> Response:
    """The file; `?pickup_method=reserve` where customers pay in the store, `?channel=` for what is kept for one."""
    query = parse_qs(call.scope["query_string"].decode("latin-1"))
    method, channel = query.get("pickup_method", ["buy"])[-1], query.get("channel", [""])[-1]
    if method not in METHODS:
        raise InputError(f"Value ({method}) of pickup_method is unknown, it is one of {', '.join(METHODS)}.")
    stores = stores_of(call.services.desk.state.engine.network)
    # The first store is asked before anything is sent, so that what is broken or overloaded has a status of its own.
    first = [await _of(call, store, channel) for store in stores[:1]]

    async def lines() -> AsyncIterator[bytes]:
        yield _written([HEADER])
        for store in first:
            yield _written(rows_of(store, method))
        for name in stores[1:]:
            yield _written(rows_of(await _of(call, name, channel), method))

    return StreamingResponse(lines(), media_type=TSV)


def stores_of(network: Network) -> list[str]:
    """Where customers collect what the store itself has."""
    return [
        node.node_id for node in network.nodes if Offer.PICKUP in node.offers and node.kind != NodeKind.PICKUP_POINT
    ]


def rows_of(store: LocalStockDoc, method: str) -> list[tuple[str, ...]]:
    """The rows of a store; a pick-up is told of what is in stock, where there is any."""
    pickup = ("", "") if store.days is None else (method, pickup_sla(store.days))
    return [
        (store.node, sku, "in stock", str(units), *pickup) if units else (store.node, sku, "out of stock", "0", "", "")
        for sku, units in zip(store.skus, store.units, strict=True)
    ]


def pickup_sla(days: int) -> str:
    """
    How long it takes, in Google's words.

    >>> [pickup_sla(days) for days in (0, 1, 2, 7, 8)]
    ['same day', 'next day', '2-day', '7-day', 'multi-week']
    """
    if days > WEEK_D:
        return "multi-week"
    return {0: "same day", 1: "next day"}.get(days, f"{days}-day")


async def _of(call: Call, store: str, channel: str) -> LocalStockDoc:
    found = await call.answer(LocalStock(node=store, channel=channel))
    return msgspec.json.decode(found.body, type=LocalStockDoc)


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, "excel-tab", lineterminator="\n").writerows(rows)
    return out.getvalue().encode()

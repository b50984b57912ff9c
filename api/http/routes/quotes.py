"""Quotes: what a shop can offer for a cart."""

from starlette.responses import Response

from api.http.call import CallDep
from api.http.examples import QUOTE
from api.http.models.quotes import QuoteIn
from api.http.operations import Operations
from engine.desk.quote import QuoteDoc
from engine.domain.units import utc

operations = Operations("quotes", ("checkout", "oms"))


@operations.add("POST", "/v1/quotes", answer=QuoteDoc, example=QUOTE, fast=True, query_like_get=True)
async def quote(body: QuoteIn, call: CallDep) -> Response:
    """
    Few ways for a customer to have a cart: brought home, or collected at a place near; by price, then date.

    The cheapest, the fastest and the greenest are named, one is selected. Each is a plan that the engine would decide
    now; an allocation of the same lines that says what stands under `send` keeps its date and place, by the same plan
    where nothing has changed. Unknown skus are left out and listed. A cart that nobody can serve has no options.
    """
    return await call.read(body.command(utc(call.now_s)))

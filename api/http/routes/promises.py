"""Promises: what pages of products say of many skus before anything is in a cart."""

from starlette.responses import Response

from api.http.call import CallDep
from api.http.lasting import lasting
from api.http.models.promises import EXAMPLE, PromisesIn
from api.http.operations import Operations
from engine.desk.promise_docs import PromisesDoc

operations = Operations("quotes", ("checkout", "oms"))


@operations.add("POST", "/v1/promises", answer=PromisesDoc, example=EXAMPLE, fast=True, query_like_get=True)
async def promises(body: PromisesIn, call: CallDep) -> Response:
    """
    When up to 100 skus can be at a customer's home or at a place near, at which price; each as a cart of its own.

    Home has the earliest date and the lowest price, places the nearest and the one that is ready first, all with the
    moment up to which an order keeps the date. They are those of a quote of one line; where no node has enough for a
    whole shipment home, plans that divide it are looked for beyond that. Unknown skus are left out and listed. Where
    the postcode is unknown, its longest known beginning is looked for, and `located` says so. Cache-Control says for
    how long the answer holds by the clock, the ETag changes where the answer does; send If-None-Match to be told 304.
    """
    return lasting(call, await call.answer(body.command()))

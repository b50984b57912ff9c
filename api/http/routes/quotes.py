"""Quotes: what a shop can offer for a cart, and which promises were kept."""

from typing import Annotated

import msgspec
from fastapi import Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.http.call import Call, CallDep, Ready
from api.http.examples_shop import KEPT_QUOTES, QUOTE
from api.http.lasting import lasting
from api.http.models.quotes import QuoteIn
from api.http.operations import Operations
from api.http.problems import FieldError, HttpProblemError
from api.http.reading import aside
from engine.desk.ask import Answer
from engine.desk.keep import KeptQuotesDoc, kept_quotes
from engine.desk.quote_docs import QuoteDoc, backup_quote
from engine.domain.units import epoch_s, utc

operations = Operations("quotes", ("checkout", "oms"))
LATE = ("deadline-exceeded", "overloaded")


@operations.add("POST", "/v1/quotes", answer=QuoteDoc, example=QUOTE, also=(409,), fast=True, query_like_get=True)
async def quote(body: QuoteIn, call: CallDep) -> Response:
    """
    Few ways for a customer to have a cart: brought home, or collected at a place near; by price, then date.

    The cheapest, the fastest and the greenest are named, one is selected. Each is a plan that the engine would decide
    now; an allocation of the same lines that names its `option_id` is that plan as long as it can be, else the cheapest
    that keeps its date and place. Unknown skus are left out and listed; of an unknown postcode its longest known
    beginning counts, and `located` says so. A cart that nobody can serve has no options.

    With `hold` what the selected option takes is held until `expires_at`; such a call needs an Idempotency-Key. Others
    are answered within 300 ms: where no plan is found by then `fallback` is true, and the policy's backup is offered.
    Cache-Control says how long the answer holds by the clock; the weak ETag changes where more than moments and ids do.
    """
    command = body.command(utc(call.now_s))
    if body.hold:
        if body.quote_id is None:
            hint = "the hold has the name of its quote; make one up for each cart."
            error = FieldError(pointer="/quote_id", code="validation", detail="There is none.", hint=hint)
            raise HttpProblemError("validation", "A quote that holds something needs a quote_id.", errors=[error])
        call.require_key()
        return await call.ask(command)
    try:
        found = await call.answer(command, call.services.settings.quote_ms)
    except HttpProblemError as error:
        if error.name not in LATE:
            raise
        found = _backup(body, call)
    return lasting(call, found)


def _backup(body: QuoteIn, call: Call) -> Answer:
    """What is offered without asking the engine."""
    call.services.desk.watch.backup()
    engine = call.services.desk.state.engine
    lines = tuple(line.line_id for line in body.lines)
    return Answer(200, msgspec.json.encode(backup_quote(engine.policy, engine.network, lines, utc(call.now_s))))


@operations.add(
    "GET", "/v1/quotes/kept", answer=KeptQuotesDoc, example=KEPT_QUOTES, scopes=("checkout", "oms", "planner")
)
async def quotes_kept(
    call: CallDep,
    since: Annotated[AwareDatetime, Query(examples=["2026-11-23T00:00:00Z"])],
    until: Annotated[AwareDatetime, Query(examples=["2026-11-24T00:00:00Z"])],
) -> Response:
    """Of the allocations between two moments that named an option: how many were the same, kept, or changed."""
    ledger = call.services.desk.state.ledger
    found = await aside(kept_quotes, ledger, since_s=epoch_s(since), until_s=epoch_s(until))
    return Ready(msgspec.json.encode(found))

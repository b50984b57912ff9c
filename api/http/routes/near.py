"""Stores near somebody that have skus now: what a product page shows."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from api.http.call import CallDep
from api.http.examples import NEAR
from api.http.lasting import lasting
from api.http.models.words import PLAIN
from api.http.operations import Operations
from api.http.problems import FieldError, HttpProblemError
from engine.desk.near import LIMIT_MAX, SKUS_MAX, Near
from engine.desk.near_docs import NearDoc

operations = Operations("stock", ("checkout", "oms"))
SkuName = Annotated[str, Query(min_length=1, max_length=100, pattern=PLAIN)]


@operations.add("GET", "/v1/availability/near", answer=NearDoc, example=NEAR)
async def availability_near(
    call: CallDep,
    sku: Annotated[list[SkuName], Query(min_length=1, max_length=SKUS_MAX)],
    country: Annotated[str, Query(min_length=2, max_length=2, pattern=PLAIN)],
    quantity: Annotated[
        list[Annotated[int, Query(ge=1, le=1_000_000)]],
        Query(max_length=SKUS_MAX, description="One for each sku, in their order; without any, one unit of each."),
    ] = [],  # noqa: B006 (FastAPI copies it)
    postcode: Annotated[str | None, Query(min_length=1, max_length=20, pattern=PLAIN)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    channel: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Most stores.")] = 10,
    max_distance_m: Annotated[int | None, Query(ge=1, le=100_000_000)] = None,
    every: Annotated[bool, Query(alias="all", description="Only stores that have all known skus.")] = False,
) -> Response:
    """
    Stores near a postcode or a place that have skus now, the nearest first: hours, when to collect, how sure it is.

    Where the postcode is unknown, its longest known beginning is looked for, and `located` says so. Cache-Control says
    for how long the answer holds by the clock; the ETag changes where the answer does, and is weak, since the moments
    `at` and `valid_until` do not count.
    """
    if quantity and len(quantity) != len(sku):
        text = f"{len(quantity)} quantities are given for {len(sku)} skus."
        hint = "give one for each sku, or none."
        error = FieldError(pointer="?quantity", code="validation", detail=text, hint=hint)
        raise HttpProblemError("validation", text, errors=[error])
    command = Near(
        skus=tuple(zip(sku, quantity or [1] * len(sku), strict=True)),
        country=country.upper(),
        postcode=postcode,
        lat=lat,
        lon=lon,
        channel=channel,
        limit=limit,
        max_distance_m=max_distance_m,
        every=every,
    )
    return lasting(call, await call.answer(command))

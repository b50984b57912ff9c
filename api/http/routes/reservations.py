"""Reservations: what is held for whom."""

import asyncio
from typing import Annotated, Literal

import msgspec
from fastapi import Query
from starlette.responses import Response

from api.http.call import CallDep
from api.http.examples import RESERVATION
from api.http.models.words import PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, LimitParam
from api.http.reading import page, record, records
from engine.desk.documents import ReservationDoc, reservation_doc
from engine.stock.records import Part, Reservation

operations = Operations("reservations", ("checkout", "oms"))


class ReservationPage(msgspec.Struct, kw_only=True):
    """A page of reservations."""

    reservations: list[ReservationDoc]
    next: str | None


@operations.add("GET", "/v1/reservations/{reservation_id:id}", answer=ReservationDoc, example=RESERVATION, also=(404,))
async def reservation(reservation_id: PathId, call: CallDep) -> Response:
    """A reservation and its shipments, with its ETag."""
    found = await record(call, Reservation, reservation_id, what="Reservation")
    desk = call.services.desk
    parts = await asyncio.to_thread(desk.ledger.get_many, Part, [(reservation_id,)])
    return call.tagged(msgspec.json.encode(reservation_doc(found, parts, desk.state.view.numbers)))


@operations.add(
    "GET", "/v1/reservations", answer=ReservationPage, example={"reservations": [RESERVATION], "next": None}
)
async def reservations(
    call: CallDep,
    order_id: Annotated[str | None, Query(max_length=100)] = None,
    state: Literal["held", "confirmed", "ended"] | None = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """Reservations, the oldest first."""
    given = {"order_id": order_id, "state": state}
    where = {name: value for name, value in given.items() if value is not None}
    found, last = await records(
        call, Reservation, where, order=("created_s",), cursor=cursor, types=(int, str), limit=limit
    )
    desk = call.services.desk
    parts: dict[str, list[Part]] = {}
    for part in await asyncio.to_thread(desk.ledger.get_many, Part, [(one.reservation_id,) for one in found]):
        parts.setdefault(part.reservation_id, []).append(part)
    entries = [reservation_doc(one, parts.get(one.reservation_id, []), desk.state.view.numbers) for one in found]
    return page(call, "reservations", entries, last, {**given, "limit": limit})

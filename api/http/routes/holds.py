"""The life of a reservation: held, confirmed, given back, moved; the steps of its shipments; cancelled, returned."""

from typing import Annotated, Any

import msgspec
from fastapi import Path, Query
from starlette.responses import Response

from api.http.call import CallDep
from api.http.examples import CANCELLED, REJECTION, REOPTIMISED, RESERVATION, RESERVED, RETURN, RETURNED, TRANSFERS
from api.http.models.rejections import ShortIn
from api.http.models.reservations import (
    CancelIn,
    ConfirmIn,
    ExtendIn,
    FulfilIn,
    MarkIn,
    ReleaseIn,
    ReoptimiseIn,
    ReserveIn,
    ReturnIn,
    TransferIn,
)
from api.http.models.words import PathId
from api.http.operations import Endpoint, Operations
from api.http.paging import CursorParam, LimitParam
from api.http.reading import page, records
from engine.desk.ask import CREATED
from engine.desk.cancel import CancelledDoc
from engine.desk.documents import ReservationDoc
from engine.desk.reject import RejectionDoc
from engine.desk.reoptimise import ReoptimisedDoc
from engine.desk.reserve import Confirm, ReservedDoc
from engine.desk.returns import ReturnDoc, ReturnedDoc, returned_doc
from engine.desk.transfer import TransfersDoc
from engine.stock.lifecycle import Step
from engine.stock.records_oms import ReturnRecord

operations = Operations("reservations", ("checkout", "oms"))
work = Operations("shipments", ("oms",))


class ReturnPage(msgspec.Struct, kw_only=True):
    """A page of what came back."""

    returns: list[ReturnedDoc]
    next: str | None


Part = Annotated[int, Path(ge=1, le=100_000, description="The shipment.", examples=[1])]


@operations.add(
    "POST", "/v1/reservations", answer=ReservedDoc, example=RESERVED, status=CREATED, or_status=200, also=(404,)
)
async def reserve(body: ReserveIn, call: CallDep) -> Response:
    """
    Hold units at nodes, or anywhere in groups, for a time: all of them or none.

    With `partial` what there is, line by line; 200 where that is nothing.
    """
    return await call.ask(body.command())


@operations.add(
    "POST",
    "/v1/reservations/{reservation_id:id}:confirm",
    answer=ReservationDoc,
    example=RESERVATION | {"state": "confirmed", "expires_at": None},
    also=(404,),
)
async def confirm(reservation_id: PathId, body: ConfirmIn, call: CallDep) -> Response:
    """The customer has bought: keep what is held, and let the nodes begin. The body is `{}`."""
    return await call.ask(Confirm(reservation_id=reservation_id), etag=True)


@operations.add(
    "POST", "/v1/reservations/{reservation_id:id}:extend", answer=ReservationDoc, example=RESERVATION, also=(404,)
)
async def extend(reservation_id: PathId, body: ExtendIn, call: CallDep) -> Response:
    """Hold it so many seconds from now; a hold is never shortened."""
    return await call.ask(body.command(reservation_id), etag=True)


@operations.add(
    "POST",
    "/v1/reservations/{reservation_id:id}:release",
    answer=ReservationDoc,
    example=RESERVATION | {"state": "ended"},
    also=(404,),
)
async def release(reservation_id: PathId, body: ReleaseIn, call: CallDep) -> Response:
    """Give back what no work has begun on: all of it, one shipment, or units of lines."""
    return await call.ask(body.command(reservation_id), etag=True)


@operations.add("POST", "/v1/reservations:transfer", answer=TransfersDoc, example=TRANSFERS, also=(404,))
async def transfer(body: TransferIn, call: CallDep) -> Response:
    """Hold units elsewhere: from a group to a node, from a node to another; all transfers of the call or none."""
    return await call.ask(body.command())


@work.add("POST", "/v1/reservations:fulfil", answer=TransfersDoc, example=TRANSFERS, also=(404,))
async def fulfil(body: FulfilIn, call: CallDep) -> Response:
    """Units have left their nodes; for systems that mark no shipments."""
    return await call.ask(body.command())


def _declare(word: str, step: Step, says: str) -> Endpoint:
    """The operation of a step."""

    async def mark(reservation_id: PathId, part: Part, body: MarkIn, call: CallDep) -> Response:
        return await call.ask(body.command(reservation_id, part, step, call.client.client_id), etag=True)

    mark.__doc__ = says
    mark.__name__ = f"mark_{word}"
    path = "/v1/reservations/{reservation_id:id}/shipments/{part}:" + word
    return work.add("POST", path, answer=ReservationDoc, example=RESERVATION | {"state": "confirmed"}, also=(404,))(
        mark
    )


STEPS = tuple(
    _declare(*one)
    for one in (
        ("picked", Step.PICK, "The node has picked a shipment, or units of its lines."),
        ("ready", Step.READY, "A shipment is ready where the customer collects it; the event tells the customer."),
        (
            "shipped",
            Step.SHIP,
            "A shipment was handed over to its carrier, or sent off to the store it is collected at.",
        ),
        ("arrived", Step.ARRIVE, "A shipment has come to the store where it is collected, and is ready there."),
        ("collected", Step.COLLECT, "The customer has collected a shipment, and paid where it was only reserved."),
    )
)


@work.add(
    "POST",
    "/v1/reservations/{reservation_id:id}/shipments/{part}:short",
    answer=RejectionDoc,
    example=REJECTION,
    also=(404,),
)
async def mark_short(reservation_id: PathId, part: Part, body: ShortIn, call: CallDep) -> Response:
    """The node could not pick all of a shipment: a rejection, from the work list."""
    return await call.ask(body.rejection(reservation_id, part, call.client.client_id))


@work.add(
    "POST",
    "/v1/reservations:reoptimise",
    answer=ReoptimisedDoc,
    example=REOPTIMISED,
    scopes=("oms", "planner"),
    also=(404,),
)
async def reoptimise(body: ReoptimiseIn, call: CallDep) -> Response:
    """
    Decide reservations anew that nobody works on yet, with what they hold given back.

    A new plan is taken over where it saves enough, or keeps a promise that the old one misses; none is worsened.
    """
    return await call.ask(body.command())


@operations.add("POST", "/v1/cancellations", answer=CancelledDoc, example=CANCELLED, also=(404,))
async def cancel(body: CancelIn, call: CallDep) -> Response:
    """Cancel an order, or lines of it, at any stage before it has left; what waits for stock, too."""
    return await call.ask(body.command())


@work.add(
    "GET", "/v1/returns", answer=ReturnPage, example={"returns": [RETURNED], "next": None}, scopes=("oms", "planner")
)
async def list_returns(
    call: CallDep,
    order_id: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    node: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    cursor: CursorParam = None,
    limit: LimitParam = 100,
) -> Response:
    """What came back, line by line, the oldest first."""
    state = call.services.desk.state
    where: dict[str, Any] = {} if order_id is None else {"order_id": order_id}
    where |= {} if node is None else {"node_no": state.node_no(node)}
    found, last = await records(
        call, ReturnRecord, where, order=("at_s",), cursor=cursor, types=(int, str, int), limit=limit
    )
    query = {"order_id": order_id, "node": node, "limit": limit}
    return page(call, "returns", [returned_doc(one, state) for one in found], last, query)


@work.add("POST", "/v1/returns", answer=ReturnDoc, example=RETURN, status=CREATED, also=(404,))
async def take_back(body: ReturnIn, call: CallDep) -> Response:
    """Units came back at a node: what is as new is on sale there at once, and the node is credited."""
    return await call.ask(body.command(call.client.client_id))

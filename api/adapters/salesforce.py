"""
Salesforce Omnichannel Inventory (OCI) and the routing of its order management, as its REST API has them.

A location is a node, a location group a group of nodes. The pattern there is: checkout reserves in a group, routing
transfers to the location it has chosen, shipping fulfils. A reservation's actionRequestId becomes its id, and every
actionRequestId (of transfers that go together, allOrNothingTransferId) names a call: repeated, it is answered the same
and done once. That something cannot be is told in a body with success false, which HTTP calls a success.

Not verified against an org: what errors hold beyond code and message (here the record they are about), their codes
(here our own, in capitals), the fields of an inventory record beyond those of its documentation, the statuses 200 and
201, and that an order nobody can serve has no target locations and success true. Limits of ours: quantities are whole
units; a record names its reservation, as API 58 and later can; a location group's members are told with the group;
useCache, effectiveDate and reservationTime are not known here; the search for routes is shorter than theirs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from fastapi import Response
from pydantic import BaseModel

from api.adapters.base import Adapter, Trouble, body_of, code_of
from api.adapters.salesforce_bodies import (
    AvailabilityIn,
    Detail,
    Done,
    Failure,
    FulfilIn,
    FulfilRecord,
    Future,
    GroupInventory,
    Inventory,
    InventoryRecord,
    LocationInventory,
    Record,
    ReleaseIn,
    ReleaseRecord,
    Reserved,
    ReserveIn,
    Routes,
    RoutesIn,
    Target,
    TransferIn,
    TransferRecord,
)
from api.adapters.stock import availability
from api.http.call import Call, Ready
from api.http.idempotency import fingerprint
from api.http.reading import aside, record
from engine.desk.ask import Answer, Command, DeskError, KeyAsked
from engine.desk.availability import AvailabilityDoc
from engine.desk.fulfil import Fulfil, FulfilLine
from engine.desk.reserve import HoldLine, Release, Reserve, ReservedDoc, ReservedLineDoc
from engine.desk.state import State
from engine.desk.transfer import Transfer, TransferLine
from engine.domain.errors import FulfilmentError, InputError
from engine.domain.units import utc
from engine.optimise.fewest import fewest_places
from engine.stock.records import Reservation

R = TypeVar("R", bound=Record)
CREATED = 201
WHOLE = 10_000  # a unit, in what the quantities of a routing request are counted in
_CODES = {
    400: "INVALID_INPUT",
    401: "INVALID_SESSION_ID",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "SERVER_UNAVAILABLE",
}
_SHORT = {"partly_reserved": "INSUFFICIENT_STOCK", "insufficient_stock": "INSUFFICIENT_STOCK"}


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """An error as Salesforce's REST API tells it: a list of one."""
    status = 400 if trouble.status in (413, 422) else trouble.status
    code = "JSON_PARSER_ERROR" if trouble.kind == "malformed" else _CODES.get(status, "UNKNOWN_EXCEPTION")
    text = f"{trouble.detail} ({trouble.trace_id})" if status == 500 else trouble.detail
    return status, msgspec.json.encode([{"message": text, "errorCode": code}])


adapter = Adapter("salesforce", tell)
_BASE = "/services/data/{version:id}/commerce/"
_ACTIONS = f"{_BASE}oci/reservation/actions/"


@adapter.add("POST", f"{_ACTIONS}reservations")
async def reserve(call: Call, path: Mapping[str, str]) -> Response:
    """Hold units at locations, or anywhere in groups."""
    body = body_of(call, ReserveIn)
    state = call.services.desk.state
    wanted: dict[tuple[str, str | None, str | None], float] = {}
    for one in body.create_records:  # units of a sku at one place are summed
        at = one.stock_keeping_unit, one.location_identifier, one.location_group_identifier
        wanted[at] = wanted.get(at, 0.0) + one.quantity
    details = [
        Detail(stock_keeping_unit=sku, quantity=0.0, location_identifier=node, location_group_identifier=group)
        for sku, node, group in wanted
    ]
    failures: list[Failure] = []
    lines: list[HoldLine] = []
    of_line: list[Detail] = []
    for detail, ((sku, node, group), quantity) in zip(details, wanted.items(), strict=True):
        try:
            units = _whole(quantity)
            _known(state, sku, node, group)
        except InputError as error:
            detail.error_code = "INPUT"
            failures.append(Failure(error_code="INPUT", message=error.message))
            continue
        lines.append(HoldLine(line_id=sku, sku=sku, quantity=units, node=node, group=group))
        of_line.append(detail)
    if not lines or (failures and not body.allow_partial_reservations):
        return _sent(Reserved(success=False, details=details, errors=failures), CREATED)
    name = body.action_request_id
    command = Reserve(
        reservation_id=name,
        order_id=body.external_ref_id or name,
        lines=tuple(lines),
        ttl_s=body.expiration_seconds,
        partial=body.allow_partial_reservations,
    )
    try:
        answer = await _once(call, "reserve", name, body, command)
    except Exception as error:
        failures.append(Failure(error_code=_code(error), message=_text(error)))
        if isinstance(error, DeskError) and error.code == "insufficient-stock":
            found = msgspec.convert(error.details["lines"], list[ReservedLineDoc])
            for detail, line in zip(of_line, found, strict=True):
                detail.error_code = _SHORT.get(line.code)
        return _sent(Reserved(success=False, details=details, errors=failures), CREATED)
    done = msgspec.json.decode(answer.body, type=ReservedDoc)
    for detail, line in zip(of_line, done.lines, strict=True):
        detail.quantity, detail.error_code = float(line.reserved), _SHORT.get(line.code)
        if detail.error_code is not None:
            text = f"{line.reserved} of {line.quantity} unit(s) of sku ({line.sku}) are held."
            failures.append(Failure(error_code=detail.error_code, message=text))
    out = Reserved(success=done.reservation is not None, details=details, errors=failures)
    if done.reservation is not None:
        made = await record(call, Reservation, name, what="Reservation")
        out.reservation_time = _moment(made.created_s)
        out.expiration_time = (
            None if body.expiration_seconds is None else _moment(made.created_s + body.expiration_seconds)
        )
    return _sent(out, CREATED)


@adapter.add("POST", f"{_ACTIONS}releases")
async def release(call: Call, path: Mapping[str, str]) -> Response:
    """Give units back."""
    body = body_of(call, ReleaseIn)

    def command(one: ReleaseRecord) -> Command:
        return Release(
            reservation_id=_reservation(one),
            lines={one.stock_keeping_unit: _whole(one.quantity)},
            node=one.location_identifier,
            group=one.location_group_identifier,
        )

    return await _each(call, "release", _named(body.release_records, body.reservation_id), command)


@adapter.add("POST", f"{_ACTIONS}fulfillments")
async def fulfil(call: Call, path: Mapping[str, str]) -> Response:
    """Units have left their locations."""
    body = body_of(call, FulfilIn)

    def command(one: FulfilRecord) -> Command:
        line = FulfilLine(
            reservation_id=_reservation(one),
            line_id=one.stock_keeping_unit,
            quantity=_whole(one.quantity),
            node=one.location_identifier,
        )
        return Fulfil(lines=(line,))

    return await _each(call, "fulfil", _named(body.fulfillment_records, body.reservation_id), command)


@adapter.add("POST", f"{_ACTIONS}transfers")
async def transfer(call: Call, path: Mapping[str, str]) -> Response:
    """Hold units elsewhere."""
    body = body_of(call, TransferIn)

    def line(one: TransferRecord) -> TransferLine:
        return TransferLine(
            reservation_id=_reservation(one),
            line_id=one.stock_keeping_unit,
            quantity=_whole(one.quantity),
            from_node=one.from_location_identifier,
            from_group=one.from_location_group_identifier,
            to_node=one.to_location_identifier,
            to_group=one.to_location_group_identifier,
            ignore_availability=one.ignore_availability_check,
        )

    records, together = _named(body.transfer_records, body.reservation_id), body.all_or_nothing_transfer_id
    if together is None:
        return await _each(call, "transfer", records, lambda one: Transfer(transfers=(line(one),)))
    try:
        command = Transfer(transfers=tuple(line(one) for one in records))
        await _once(call, "transfer-all", together, body, command)
    except Exception as error:
        failures = [_failure(one, error) for one in records]
        return _sent(Done(success=False, errors=failures), CREATED)
    return _sent(Done(success=True, errors=[]), CREATED)


@adapter.add("POST", f"{_BASE}oci/availability/availability-records/actions/get-availability")
async def get_availability(call: Call, path: Mapping[str, str]) -> Response:
    """What there is of skus at locations and in groups; of what is unknown, nothing."""
    body = body_of(call, AvailabilityIn)
    state = call.services.desk.state
    skus = list(dict.fromkeys(body.stock_keeping_units or (body.stock_keeping_unit or "",)))
    nodes, groups = list(dict.fromkeys(body.location_identifiers)), list(dict.fromkeys(body.location_group_identifiers))
    network = state.engine.network
    if body.location_group_identifier is not None:
        groups = [body.location_group_identifier]
        nodes = [node.node_id for node in network.nodes if body.location_group_identifier in node.groups]
    elif not nodes and not groups:
        nodes = [node.node_id for node in network.nodes if not node.groups]
    known = await availability(
        call,
        [sku for sku in skus if _is_known(state, sku, None, None)],
        [node for node in nodes if _is_known(state, None, node, None)],
        [group for group in groups if _is_known(state, None, None, group)],
    )
    docs = {(one.sku, one.node, one.group): one for one in known}
    return _sent(
        Inventory(
            success=True,
            locations=[
                LocationInventory(
                    location_identifier=node,
                    inventory_records=[_inventory(sku, docs.get((sku, node, None))) for sku in skus],
                )
                for node in nodes
            ],
            location_groups=[
                GroupInventory(
                    location_group_identifier=group,
                    inventory_records=[_inventory(sku, docs.get((sku, None, group))) for sku in skus],
                )
                for group in groups
            ],
            errors=[],
        )
    )


@adapter.add("POST", f"{_BASE}order-management/routing/actions/find-routes-with-fewest-splits")
async def find_routes(call: Call, path: Mapping[str, str]) -> Response:
    """All sets of the fewest locations that have everything, on the stock that the caller sends."""
    body = body_of(call, RoutesIn)
    need: dict[str, int] = {}
    for one in body.ordered_quantities:
        need[one.stock_keeping_unit] = need.get(one.stock_keeping_unit, 0) + round(one.quantity * WHOLE)
    place = {sku: i for i, sku in enumerate(need)}
    stock: dict[str, list[int]] = {}
    for row in body.location_available_inventory:
        units = stock.setdefault(row.location_identifier, [0] * len(need))
        if row.stock_keeping_unit in place:
            units[place[row.stock_keeping_unit]] += round(row.quantity * WHOLE)
    splits = body.maximum_number_of_splits
    most = len(stock) if splits is None else min(len(stock), splits + 1)
    found = await aside(fewest_places, list(need.values()), list(stock.values()), most)
    names = list(stock)
    out = Routes(
        success=found.complete or bool(found.sets),
        target_locations=[Target(locations=[names[i] for i in places]) for places in found.sets],
        errors=[],
    )
    if not found.complete:
        text = (
            "The search was cut by its limit; there may be more." if found.sets else "The search was cut by its limit."
        )
        out.errors.append(Failure(error_code="LIMIT_EXCEEDED", message=text))
    return _sent(out)


async def _each(call: Call, verb: str, records: Sequence[R], command: Callable[[R], Command]) -> Response:
    """Do record after record, each for itself: of one reservation each sees what those before have done."""
    failures: list[Failure] = []
    for one in records:
        try:
            await _once(call, verb, one.action_request_id, one, command(one))
        except Exception as error:
            failures.append(_failure(one, error))
    return _sent(Done(success=not failures, errors=failures), CREATED)


async def _once(call: Call, verb: str, key: str, said: BaseModel, command: Command) -> Answer:
    """Have something done, once per actionRequestId."""
    text = said.model_dump_json().encode()
    call.key = KeyAsked(f"{adapter.name} {verb}", key, fingerprint("POST", verb.encode(), text, is_json=True))
    return await call.answer(command)


def _failure(one: Record, error: Exception) -> Failure:
    """Why a record could not be done; raises what is broken."""
    detail = Detail(
        stock_keeping_unit=one.stock_keeping_unit,
        quantity=one.quantity,
        action_request_id=one.action_request_id,
        location_identifier=getattr(one, "location_identifier", None),
        location_group_identifier=getattr(one, "location_group_identifier", None),
    )
    return Failure(error_code=_code(error), message=_text(error), details=detail)


def _code(error: Exception) -> str:
    return code_of(error).replace("-", "_").upper()


def _text(error: Exception) -> str:
    return str(error).partition("\n")[0] if isinstance(error, FulfilmentError) else str(error)


def _named(records: Sequence[R], of_all: str | None) -> list[R]:
    """Records, each with its reservation, which may be named once for all of them."""
    return [one.model_copy(update={"reservation_id": one.reservation_id or of_all}) for one in records]


def _reservation(one: Record) -> str:
    if one.reservation_id is None:
        raise InputError(f"Request ({one.action_request_id}) names no reservationId.", "send it; API 58 and later do.")
    return one.reservation_id


def _whole(quantity: float) -> int:
    """Units; InputError where they are no whole number."""
    if not quantity.is_integer():
        raise InputError(f"Quantity ({quantity:g}) is no whole number of units.")
    return int(quantity)


def _known(state: State, sku: str | None, node: str | None, group: str | None) -> None:
    """Raise InputError for what is unknown."""
    if sku is not None:
        state.sku_no(sku, "stockKeepingUnit")
    if node is not None:
        state.node_no(node, "locationIdentifier")
    if group is not None and not any(group in one.groups for one in state.engine.network.nodes):
        raise InputError(f"Group ({group}) in locationGroupIdentifier is unknown.")


def _is_known(state: State, sku: str | None, node: str | None, group: str | None) -> bool:
    try:
        _known(state, sku, node, group)
    except InputError:
        return False
    return True


def _inventory(sku: str, doc: AvailabilityDoc | None) -> InventoryRecord:
    if doc is None:
        return InventoryRecord(stock_keeping_unit=sku)
    return InventoryRecord(
        stock_keeping_unit=sku,
        on_hand=float(doc.on_hand),
        reserved=float(doc.reserved),
        safety_stock_count=float(doc.safety),
        available_to_fulfill=float(doc.atf),
        available_to_order=float(doc.ato),
        futures=[
            Future(expected_date=one.expected_at.isoformat().replace("+00:00", "Z"), quantity=float(one.quantity))
            for one in doc.futures
        ],
        exists=doc.known,
    )


def _moment(seconds: int) -> str:
    return f"{utc(seconds):%Y-%m-%dT%H:%M:%SZ}"


def _sent(document: Any, status: int = 200) -> Ready:
    return Ready(msgspec.json.encode(document), status)

"""What the desk goes by and what nodes have to do: policies, settings, capacity, work lists, credit."""

from datetime import date
from typing import Annotated

import msgspec
from fastapi import Path, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.http.call import CallDep, Ready
from api.http.examples import CAPACITY, CAPACITY_DAY, CREDIT, NODE_SETTINGS, POLICY, SKU_SETTINGS, WORK
from api.http.models.stock import DayLimitsIn, NodeSettingsIn, PolicyIn, SkuSettingsIn
from api.http.models.words import PathId
from api.http.operations import Operations
from api.http.paging import CursorParam, after, cursor_of, link_next
from api.http.problems import HttpProblemError
from api.http.reading import aside
from engine.desk.ask import CREATED
from engine.desk.capacity import (
    CapacityDayDoc,
    CapacityDoc,
    DayLimits,
    SetCapacity,
    day_capacity,
    node_capacity,
)
from engine.desk.credit import CreditDoc, credit
from engine.desk.settings import NodeDoc, PolicyDoc, SkuDoc, WithdrawPolicy, list_policies, node_settings
from engine.desk.worklists import Task, WorkDoc, work_list
from engine.domain.units import epoch_s

operations = Operations("planning", ("planner",))
DAYS_MAX = 31
DayPath = Annotated[date, Path(examples=["2026-11-27"])]


class PolicyPage(msgspec.Struct, kw_only=True):
    """Versions of policies."""

    policies: list[PolicyDoc]


class WorkPage(msgspec.Struct, kw_only=True):
    """A page of a node's work."""

    node: str
    work: list[WorkDoc]
    next: str | None


@operations.add("GET", "/v1/policies", answer=PolicyPage, example={"policies": [POLICY]}, scopes=("oms", "planner"))
async def policies(call: CallDep) -> Response:
    """All versions of all policies, those of the network first."""
    state = call.services.desk.state
    found = await aside(list_policies, state, state.ledger)
    return Ready(msgspec.json.encode(PolicyPage(policies=found)))


@operations.add(
    "GET", "/v1/policies/{policy_id:id}", answer=PolicyDoc, example=POLICY, scopes=("oms", "planner"), also=(404,)
)
async def policy(policy_id: PathId, call: CallDep) -> Response:
    """The latest version of a policy, with its ETag."""
    state = call.services.desk.state
    found = await aside(list_policies, state, state.ledger, policy_id)
    if not found:
        raise HttpProblemError("unknown", f"Policy ({policy_id}) is unknown.")
    return call.tagged(msgspec.json.encode(max(found, key=lambda one: one.version)))


@operations.add("PUT", "/v1/policies/{policy_id:id}", answer=PolicyDoc, example=POLICY, status=CREATED, also=(412, 428))
async def put_policy(policy_id: PathId, body: PolicyIn, call: CallDep) -> Response:
    """
    A new version of a policy, valid from a moment on; decisions are taken under the version that is valid then.

    If-Match names the version before; If-None-Match: * makes a new policy.
    """
    command = body.command(policy_id, call.version_read(), call.client.client_id, call.trace_id)
    return await call.ask(command, etag=True)


@operations.add(
    "DELETE",
    "/v1/policies/{policy_id:id}/versions/{version}",
    answer=PolicyDoc,
    example=POLICY | {"withdrawn": True},
    also=(404, 412, 428),
)
async def withdraw_policy(
    policy_id: PathId, version: Annotated[int, Path(ge=1, le=10**9, examples=[2])], call: CallDep
) -> Response:
    """Withdraw a version of a policy before it begins; it keeps its number. If-Match names the last version."""
    seen, by = call.version_read(), call.client.client_id
    command = WithdrawPolicy(policy_id=policy_id, version=version, if_version=seen, by=by, trace_id=call.trace_id)
    return await call.ask(command)


@operations.add("GET", "/v1/nodes/{node:id}/settings", answer=NodeDoc, example=NODE_SETTINGS, scopes=("oms", "planner"))
async def settings_of_node(node: PathId, call: CallDep) -> Response:
    """What is set of a node, with its ETag; version 0 where nothing is."""
    state = call.services.desk.state
    return call.tagged(msgspec.json.encode(await aside(node_settings, state, state.ledger, node)))


@operations.add("PUT", "/v1/nodes/{node:id}/settings", answer=NodeDoc, example=NODE_SETTINGS, also=(412, 428))
async def set_node(node: PathId, body: NodeSettingsIn, call: CallDep) -> Response:
    """Pause a node, or set its capacity and the like: all that differs from the network as it was read."""
    command = body.command(node, call.version_read(), call.client.client_id, call.trace_id)
    return await call.ask(command, etag=True)


@operations.add("PUT", "/v1/skus/{sku:id}/settings", answer=SkuDoc, example=SKU_SETTINGS, also=(412,))
async def set_sku(sku: PathId, body: SkuSettingsIn, call: CallDep) -> Response:
    """Set when a sku is released: nothing of it is promised before. If-Match is looked at where it is sent."""
    seen = call.version_sent()
    command = body.command(sku, seen, call.client.client_id, call.trace_id)
    return await call.ask(command, etag=True)


@operations.add("GET", "/v1/nodes/{node:id}/capacity", answer=CapacityDoc, example=CAPACITY, scopes=("oms", "planner"))
async def capacity(
    node: PathId,
    call: CallDep,
    since: Annotated[date | None, Query(alias="from", description="By default today.")] = None,
    days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 7,
) -> Response:
    """What a node has booked, day by day, and its limits: those of its settings, but for what is `edited`."""
    return Ready(msgspec.json.encode(await aside(node_capacity, call.services.desk, node, since, days)))


@operations.add(
    "GET",
    "/v1/nodes/{node:id}/capacity/{day}",
    answer=CapacityDayDoc,
    example=CAPACITY_DAY,
    scopes=("oms", "planner"),
)
async def capacity_of_day(node: PathId, day: DayPath, call: CallDep) -> Response:
    """What a node has booked on a day, and the limits of that day, with their ETag; version 0 where nothing was set."""
    return call.tagged(msgspec.json.encode(await aside(day_capacity, call.services.desk, node, day)))


@operations.add(
    "PUT", "/v1/nodes/{node:id}/capacity/{day}", answer=CapacityDayDoc, example=CAPACITY_DAY, also=(412, 428)
)
async def set_capacity(node: PathId, day: DayPath, body: DayLimitsIn, call: CallDep) -> Response:
    """
    Give a local day of a node, or hours of it, limits of its own; they take the place of those that were set before.

    Nothing that is booked is given back: where that is more than the limit, the answer says by how much, and no more is
    taken. Days may lie ahead as far as one likes. Hours need a node that has hourly capacity in its settings.
    """
    command = body.command(node, day, call.version_read(), call.client.client_id, call.trace_id)
    return await call.ask(command, etag=True)


@operations.add(
    "DELETE",
    "/v1/nodes/{node:id}/capacity/{day}",
    answer=CapacityDayDoc,
    example=CAPACITY_DAY | {"orders_max": 60, "orders_over": 0, "edited": False, "limits": {}, "version": 2},
    also=(412, 428),
)
async def reset_capacity(node: PathId, day: DayPath, call: CallDep) -> Response:
    """Bring the node's own limits back for a day and its hours. If-Match names the version that was seen."""
    seen, by = call.version_read(), call.client.client_id
    command = SetCapacity(node=node, day=day, limits=DayLimits(), if_version=seen, by=by, trace_id=call.trace_id)
    return await call.ask(command, etag=True)


@operations.add(
    "GET",
    "/v1/nodes/{node:id}/work",
    answer=WorkPage,
    example={"node": "st-la-rochelle", "work": [WORK], "next": None},
    scopes=("oms",),
)
async def work_of_node(
    node: PathId,
    call: CallDep,
    task: Annotated[list[Task] | None, Query(description="Only these.")] = None,
    due_before: AwareDatetime | None = None,
    cursor: CursorParam = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """What a node has to pick, hand over, transfer, receive and keep ready, by due time."""
    state = call.services.desk.state
    found = await aside(
        work_list,
        state.ledger,
        state.view.numbers,
        node,
        now_s=call.now_s,
        tasks=tuple(task or ()),
        due_before_s=None if due_before is None else epoch_s(due_before),
        after=after(cursor, int, str, int),
        limit=limit,
    )
    following = None if found.next is None else cursor_of(found.next)
    body = msgspec.json.encode(WorkPage(node=node, work=found.work, next=following))
    if following is None:
        return Ready(body)
    query = {"task": task, "due_before": due_before and due_before.isoformat(), "limit": limit}
    return Ready(body, 200, [(b"link", link_next(call.scope["path"], query, following).encode("latin-1", "replace"))])


@operations.add("GET", "/v1/credit", answer=CreditDoc, example=CREDIT, scopes=("oms", "planner"))
async def credit_report(
    call: CallDep,
    since: Annotated[AwareDatetime, Query(examples=["2026-11-23T00:00:00Z"])],
    until: Annotated[AwareDatetime, Query(examples=["2026-11-24T00:00:00Z"])],
    node: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Which node served which web order between two moments, which store took it, and what came back where."""
    state = call.services.desk.state
    found = await aside(
        credit,
        state.ledger,
        state.view.numbers,
        state.engine.network,
        since_s=epoch_s(since),
        until_s=epoch_s(until),
        node=node,
    )
    return Ready(msgspec.json.encode(found))

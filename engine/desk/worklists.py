"""
Work lists: what a node must do by when, the most urgent first.

    step        what there is to do                                 parts
    pick        take the units off the shelf                        confirmed, at this node
    hand_over   pack, and give to the carrier or courier            picked, a carrier takes them
    transfer    load onto the lane to the store                     picked, they travel
    make_ready  put where the customer collects, and say so         picked, collected here
    receive     expect from another node                            in transit to this node
    keep_ready  keep until the customer comes                       ready, collected here

Read from the ledger, so a page holds what is true when it is read. A cursor names the last entry, not a place in a
list, so nothing is left out when entries before it are done.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from engine.desk.documents import LineDoc, moment
from engine.domain.errors import InputError
from engine.domain.order import METHODS, Method
from engine.stock.ledger import Ledger, Numbers
from engine.stock.records import Part, PartState, Reservation

LIMIT_MAX = 1_000
Cursor = tuple[int, str, int]  # due_s, reservation id, part


class Task(StrEnum):
    """What is to be done."""

    PICK = "pick"
    HAND_OVER = "hand_over"
    TRANSFER = "transfer"
    MAKE_READY = "make_ready"
    RECEIVE = "receive"
    KEEP_READY = "keep_ready"


class _Where(NamedTuple):
    """Which parts of a node a task is about."""

    node: str  # the field that names the node
    state: PartState
    methods: tuple[str, ...] | None = None


_HERE = (Method.CLICK_AND_COLLECT, Method.SHIP_TO_STORE)
_CARRIED = tuple(method.value for method in METHODS if method not in _HERE)
TASKS: dict[Task, _Where] = {
    Task.PICK: _Where("node_no", PartState.CONFIRMED),
    Task.HAND_OVER: _Where("node_no", PartState.PICKED, (*_CARRIED, "")),
    Task.TRANSFER: _Where("node_no", PartState.PICKED, (Method.SHIP_TO_STORE.value,)),
    Task.MAKE_READY: _Where("node_no", PartState.PICKED, (Method.CLICK_AND_COLLECT.value,)),
    Task.RECEIVE: _Where("place_no", PartState.IN_TRANSIT),
    Task.KEEP_READY: _Where("place_no", PartState.READY),
}


class WorkDoc(msgspec.Struct, kw_only=True):
    """One thing to do. `due` is None where nobody set a time."""

    task: str
    due: datetime | None
    late: bool
    reservation_id: str
    part: int
    order_id: str
    priority: int
    method: str
    service: str | None
    node: str
    place: str | None
    lines: list[LineDoc]
    pick_start: datetime | None
    ship_by: datetime | None
    deliver_by: datetime | None


class WorkListDoc(msgspec.Struct, kw_only=True):
    """A page of a node's work. `next` is the cursor of the page after it; None on the last."""

    node: str
    work: list[WorkDoc]
    next: Cursor | None


def work_list(
    ledger: Ledger,
    numbers: Numbers,
    node: str,
    *,
    now_s: int,
    tasks: Sequence[Task] = (),
    due_before_s: int | None = None,
    after: Cursor | None = None,
    limit: int = 100,
) -> WorkListDoc:
    """
    A page of what a node has to do, by due time, then reservation and part.

    Parameters
    ----------
    tasks
        Only these; empty for all.
    due_before_s
        Only what is due before then.
    after
        The cursor of the page before.
    limit
        Entries of a page.
    """
    if node not in numbers.nodes:
        raise InputError(f"Node ({node}) is unknown.", "check the id; case counts.")
    if not 1 <= limit <= LIMIT_MAX:
        raise InputError(f"limit ({limit}) is not within 1 and {LIMIT_MAX}.", "read page by page.")
    node_no = numbers.nodes.index(node)
    found: list[tuple[Cursor, Task, Part]] = []
    for task in tasks or TASKS:
        where = TASKS[task]
        asked: dict[str, Any] = {where.node: node_no, "state": where.state.value, "group": ""}
        if where.methods is not None:
            asked["method"] = where.methods
        if due_before_s is not None:
            asked["due_s__lt"] = due_before_s
        parts = ledger.find(Part, asked, order=("due_s",), after=after, limit=limit + 1)
        found += [((part.due_s, part.reservation_id, part.part), task, part) for part in parts]
    found.sort(key=lambda entry: entry[0])
    page = found[:limit]
    keys = [(name,) for name in dict.fromkeys(part.reservation_id for _, _, part in page)]
    read = ledger.get_many(Reservation, keys) if keys else []
    priority = {reservation.reservation_id: reservation.priority for reservation in read}
    return WorkListDoc(
        node=node,
        work=[_work_doc(task, part, numbers, now_s, priority.get(part.reservation_id, 0)) for _, task, part in page],
        next=page[-1][0] if len(found) > limit else None,
    )


def _work_doc(task: Task, part: Part, numbers: Numbers, now_s: int, priority: int) -> WorkDoc:
    return WorkDoc(
        task=task.value,
        due=moment(part.due_s),
        late=0 < part.due_s < now_s,
        reservation_id=part.reservation_id,
        part=part.part,
        order_id=part.order_id,
        priority=priority,
        method=part.method,
        service=part.service or None,
        node=numbers.nodes[part.node_no],
        place=numbers.nodes[part.place_no] if part.place_no >= 0 else None,
        lines=[LineDoc(line_id=i, sku=numbers.skus[s], quantity=n) for i, s, n in part.lines],
        pick_start=moment(part.pick_start_s),
        ship_by=moment(part.ship_by_s),
        deliver_by=moment(part.deliver_by_s),
    )

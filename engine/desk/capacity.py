"""
Limits that somebody gives a local day of a node, or hours of it, in place of the node's own: "27 November, at most 40".

The document of a day is a record with its version; the limits themselves lie with what is booked in the ledger's cells,
where every booking is judged by them, whoever makes it and whatever it has heard. They come to other processes with the
cells. A limit below what is booked already unbooks nothing; no more is taken. Days beyond the window are kept until the
window comes to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from engine.desk.ask import UNPROCESSABLE, DeskError, Planned, Wanted, answer
from engine.desk.desk import Desk
from engine.desk.documents import moment
from engine.desk.exceptions import event
from engine.desk.settings import audit_of, same_version
from engine.desk.state import State
from engine.domain.units import EPOCH_DATE, day_number
from engine.network.cells import WHOLE_DAY, by_the_hour, day_limits, hour_limits
from engine.network.records import UNLIMITED
from engine.stock.ledger import NO_LIMIT, LimitChange, Posting
from engine.stock.records_oms import CapacityDay

HOURS = 24


class SlotLimits(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is taken in a clock hour of a day; None: what the node takes in any hour."""

    hour: int
    orders_max: int | None = None
    units_max: int | None = None


class DayLimits(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is taken on a day, and in hours of it; None: what the node takes on any day."""

    orders_max: int | None = None
    units_max: int | None = None
    slots: list[SlotLimits] = []


class CellDoc(msgspec.Struct, kw_only=True):
    """
    What is booked of a cell, and what it takes; no limit is null.

    ``edited`` says that it has limits of its own; ``…_over`` is by how much more is booked than it takes by now.
    """

    orders: int
    units: int
    orders_max: int | None
    units_max: int | None
    orders_over: int
    units_over: int
    edited: bool


class SlotDoc(CellDoc, kw_only=True):
    """A clock hour of a day."""

    hour: int


class CapacityDayDoc(CellDoc, kw_only=True):
    """A local day of a node; version 0 where nothing was ever set of it. Slots only where a node counts by the hour."""

    node: str
    day: date
    slots: list[SlotDoc]
    limits: msgspec.Raw  # as they were set
    version: int
    updated_at: datetime | None
    by: str


class CapacityDoc(msgspec.Struct, kw_only=True):
    """The capacity of a node, day by day."""

    node: str
    tz: str
    days: list[CapacityDayDoc]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCapacity:
    """
    Give a day of a node limits of its own, or bring its own ones back.

    Parameters
    ----------
    limits
        Takes the place of what was set of that day before; without any, the node's own limits hold again.
    if_version
        The version of the day that the caller has seen; 0 where nothing was set yet.
    """

    node: str
    day: date
    limits: DayLimits
    if_version: int | None = None
    by: str = ""
    trace_id: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "set_capacity"

    def wanted(self) -> Wanted:
        """Nothing but the day."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down."""
        node_no, day = state.node_no(self.node), day_number(self.day)
        before = state.ledger.get(CapacityDay, node_no, day)
        version = before.version if before is not None else 0
        same_version(f"Capacity of node ({self.node}) on {self.day}", version, self.if_version)
        self._check(state, node_no)
        record = CapacityDay(
            node_no=node_no,
            day=day,
            document_json=msgspec.json.encode(self.limits).decode(),
            updated_s=state.now_s,
            by=self.by,
            version=version + 1,
        )
        old = before.document_json if before is not None else "{}"
        subject = f"node:{self.node}/{self.day}"
        audit = audit_of(state, self, subject, old, record.document_json)
        data = {"node": self.node, "day": str(self.day), "limits": msgspec.Raw(record.document_json.encode())}
        note = event(state.now_s, "capacity.changed.v1", self.node, data)
        posting = Posting(limits=_changes(node_no, day, old, self.limits), makes=[audit, note])
        (posting.makes if before is None else posting.changes).append(record)
        return Planned(answer(_day_doc(state, self.node, day, record)), posting)

    def _check(self, state: State, node_no: int) -> None:
        here = state.engine.network.nodes[int(state.view.node_at[node_no])]
        today = datetime.fromtimestamp(state.now_s, ZoneInfo(here.tz)).date()
        if self.day < today:
            _refuse(
                "{day}", f"Day ({self.day}) of node ({self.node}) is past: it is {today} there.", "set a later one."
            )
        _check_limits("", self.limits.orders_max, self.limits.units_max)
        seen: set[int] = set()
        for i, slot in enumerate(self.limits.slots):
            where = f"/slots/{i}"
            if not 0 <= slot.hour < HOURS:
                _refuse(f"{where}/hour", f"hour ({slot.hour}) is no clock hour.", "10 is from 10:00 to 11:00.")
            if slot.hour in seen:
                _refuse(f"{where}/hour", f"hour ({slot.hour}) is there twice.", "name each hour once.")
            seen.add(slot.hour)
            _check_limits(where, slot.orders_max, slot.units_max)
        if self.limits.slots and not by_the_hour(here):
            _refuse(
                "/slots",
                f"Node ({self.node}) has no hourly capacity: what it books is not counted by the hour.",
                "set capacity_hour_orders in its settings first; a number that is never reached will do.",
            )


def day_capacity(desk: Desk, node: str, day: date) -> CapacityDayDoc:
    """What is booked and set of one day of a node. Called on any thread but the desk's."""
    number, found = day_number(day), []
    record = desk.ledger.get(CapacityDay, desk.state.node_no(node), number)
    desk.run(lambda state: found.append(_day_doc(state, node, number, record)))
    return found[0]


def node_capacity(desk: Desk, node: str, first: date | None, num_days: int) -> CapacityDoc:
    """Likewise of days in a row, by default from today on: those in the window, and others that something is set of."""
    live = desk.state.engine.live
    start = live.first_day + 1 if first is None else day_number(first)
    where = {"node_no": desk.state.node_no(node), "day__ge": start, "day__lt": start + num_days}
    records = {record.day: record for record in desk.ledger.find(CapacityDay, where, limit=num_days)}
    found = []

    def read(state: State) -> None:
        live = state.engine.live
        known = range(live.first_day, live.first_day + live.num_days)
        days = [day for day in range(start, start + num_days) if day in known or day in records]
        tz = live.network.nodes[int(state.view.node_at[state.node_no(node)])].tz
        docs = [_day_doc(state, node, day, records.get(day)) for day in days]
        found.append(CapacityDoc(node=node, tz=tz, days=docs))

    desk.run(read)
    return found[0]


def _changes(node_no: int, day: int, old_json: str, new: DayLimits) -> list[LimitChange]:
    """What cells get other limits: those that had any before, and those that have some now."""
    old = msgspec.json.decode(old_json, type=DayLimits)
    wanted: dict[int, tuple[int | None, int | None]] = dict.fromkeys((slot.hour for slot in old.slots), (None, None))
    wanted |= {slot.hour: (slot.orders_max, slot.units_max) for slot in new.slots}
    wanted[WHOLE_DAY] = new.orders_max, new.units_max
    return [
        LimitChange(node_no, day, hour, *(NO_LIMIT if limit is None else limit for limit in limits))
        for hour, limits in sorted(wanted.items())
    ]


def _day_doc(state: State, node: str, day: int, record: CapacityDay | None) -> CapacityDayDoc:
    """A day as it is told."""
    at = int(state.view.node_at[state.node_no(node)])
    live, here = state.engine.live, state.engine.network.nodes[at]
    limits = DayLimits() if record is None else msgspec.json.decode(record.document_json, type=DayLimits)
    slots = {slot.hour: (slot.orders_max, slot.units_max) for slot in limits.slots}
    hours = sorted({*_hours(state, at, day), *slots}) if by_the_hour(here) else []
    known = live.first_day <= day < live.first_day + live.num_days
    of_slots = []
    for hour in hours:
        booked, own = live.used_hour(at, day, hour) if known else (0, 0), slots.get(hour, (None, None))
        of_slots.append(SlotDoc(hour=hour, **_cell(booked, own, hour_limits(here))))
    booked = live.used_day(at, day) if known else (0, 0)
    return CapacityDayDoc(
        node=node,
        day=date.fromordinal(EPOCH_DATE.toordinal() + day),
        **_cell(booked, (limits.orders_max, limits.units_max), day_limits(here)),
        slots=of_slots,
        limits=msgspec.Raw(record.document_json.encode() if record is not None else b"{}"),
        version=record.version if record is not None else 0,
        updated_at=moment(record.updated_s) if record is not None else None,
        by=record.by if record is not None else "",
    )


def _hours(state: State, node: int, day: int) -> Iterable[int]:
    """The clock hours in which a node picks, or has booked something, on a day."""
    live, net = state.engine.live, state.engine.compiled.net
    rows = net.segment[net.node["segment_from"][node] : net.node["segment_to"][node]]
    yield from rows["hour"][rows["day"] == day - live.first_day].tolist()
    if live.first_day <= day < live.first_day + live.num_days:
        yield from live.hour_orders[live.hour_node[node], day - live.first_day].nonzero()[0].tolist()


def _cell(
    booked: tuple[int, int], own: tuple[int | None, int | None], general: tuple[int | None, int | None]
) -> dict[str, Any]:
    orders_max, units_max = (node if limit is None else limit for limit, node in zip(own, general, strict=True))
    return {
        "orders": booked[0],
        "units": booked[1],
        "orders_max": orders_max,
        "units_max": units_max,
        "orders_over": 0 if orders_max is None else max(0, booked[0] - orders_max),
        "units_over": 0 if units_max is None else max(0, booked[1] - units_max),
        "edited": own != (None, None),
    }


def _check_limits(where: str, *limits: int | None) -> None:
    for name, value in zip(("orders_max", "units_max"), limits, strict=True):
        if value is not None and not 0 <= value < UNLIMITED:
            _refuse(f"{where}/{name}", f"{name} ({value}) is out of range.", "leave it out for the node's own limit.")


def _refuse(field: str, message: str, hint: str) -> None:
    raise DeskError("input", UNPROCESSABLE, message, hint, field=field)

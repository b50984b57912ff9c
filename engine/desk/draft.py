"""
A call being planned: parts as they will be, and what that does to stock and capacity, step by step.

Steps of one call build on each other: units that one gives back are there for the next. Nothing is changed until the
posting is posted, and then only if every reservation and part is still as it was read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from engine.desk.ask import CONFLICT, NOT_FOUND, DeskError
from engine.desk.state import State, joined
from engine.stock.ledger import Move, Posting, StockChange, key_parts, stock_key
from engine.stock.lifecycle import Step, capacity_of, lots_of, rule_of, split, steps_from, stock_of, taken
from engine.stock.records import ENDED, EventRecord, Part, PartState, Record, Reservation

PartKey = tuple[str, int]


class Draft:
    """What one call changes."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._reservations: dict[str, Reservation] = {}
        self._parts: dict[str, dict[int, Part]] = {}
        self._read: dict[PartKey, int] = {}  # versions as they were read
        self._touched: dict[PartKey, None] = {}
        self._used: dict[str, None] = {}  # reservations
        self._effects: list[Posting] = []
        self._moved: dict[int, int] = {}  # units that the call leaves more (below 0: fewer) free, by row
        self._on_hand: dict[int, int] = {}  # units that the call puts on shelves (below 0: takes off)
        self._unchecked: set[int] = set()
        self._makes: list[Record] = []
        self._changes: list[Record] = []
        self._notices: list[str] = []

    # --- what is there

    def load(self, reservation: Reservation, parts: Iterable[Part]) -> None:
        """Take a reservation and its parts as they were read; once taken, they stay as the call has changed them."""
        name = reservation.reservation_id
        if name in self._reservations:
            return
        self._reservations[name] = reservation
        self._parts[name] = {part.part: part for part in parts}
        self._read |= {(name, part.part): part.version for part in self._parts[name].values()}

    def open(self, reservation_id: str) -> Reservation:
        """
        A reservation that the command wanted, to be changed.

        Raises DeskError where it is unknown, has ended, or ran out of time, swept already or not.
        """
        reservation, _ = self.state.held(reservation_id)
        self.load(reservation, self.state.parts(reservation_id))
        self._used[reservation_id] = None
        return self._reservations[reservation_id]

    def make(self, reservation: Reservation) -> None:
        """A new reservation."""
        self._reservations[reservation.reservation_id] = msgspec.structs.replace(reservation, version=0)
        self._parts[reservation.reservation_id] = {}
        self._used[reservation.reservation_id] = None

    def reservation(self, reservation_id: str) -> Reservation:
        """A reservation, as the call has changed it."""
        return self._reservations[reservation_id]

    def change(self, reservation_id: str, **fields: Any) -> None:
        """Change fields of a reservation."""
        self._reservations[reservation_id] = msgspec.structs.replace(self._reservations[reservation_id], **fields)
        self._used[reservation_id] = None

    def parts(self, reservation_id: str) -> list[Part]:
        """All parts of a reservation, in their order."""
        return [self._parts[reservation_id][number] for number in sorted(self._parts[reservation_id])]

    def open_parts(self, reservation_id: str) -> list[Part]:
        """Those that have not ended."""
        return [part for part in self.parts(reservation_id) if part.state not in ENDED]

    def part(self, reservation_id: str, number: int) -> Part:
        """One part; DeskError where there is none."""
        found = self._parts[reservation_id].get(number)
        if found is None:
            raise DeskError(
                "unknown-part",
                NOT_FOUND,
                f"Reservation ({reservation_id}) has no part ({number}).",
                f"it has {', '.join(str(n) for n in sorted(self._parts[reservation_id]))}.",
                field="/part",
            )
        return found

    def free(self, node_no: int, sku_no: int, channel: str) -> int:
        """Units that are on sale for a channel, safety stock kept back, as the call has changed it."""
        view = self.state.view
        node, sku = int(view.node_at[node_no]), int(view.sku_at[sku_no])
        if node < 0 or sku < 0:
            return 0
        return view.live.free(node, sku, channel) + self._moved.get(stock_key(sku_no, node_no), 0)

    def free_elsewhere(self, node_no: int, sku_no: int) -> int:
        """At most so many units are on sale for any channel at all other nodes together."""
        view = self.state.view
        live, sku = view.live, int(view.sku_at[sku_no])
        rows = slice(int(live.row_start[sku]), int(live.row_start[sku + 1]))
        kept = (live.row_protected[:, rows] + live.row_safety[:, rows]).min(axis=0)
        free = np.maximum(live.row_on_hand[rows] - live.row_reserved[rows] - kept, 0)
        moved = ((*key_parts(key), units) for key, units in self._moved.items() if units > 0)
        back = sum(units for its_sku, its_node, units in moved if its_sku == sku_no and its_node != node_no)
        return int(free[live.row_node[rows] != view.node_at[node_no]].sum()) + back

    def saved(self) -> tuple[Any, ...]:
        """The draft as it is, for `restore`."""
        parts = {name: dict(parts) for name, parts in self._parts.items()}
        kept = self._reservations, self._read, self._touched, self._used, self._moved, self._on_hand
        return parts, tuple(dict(one) for one in kept), list(self._effects), set(self._unchecked), list(self._makes)

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Undo everything since."""
        self._parts, kept, self._effects, self._unchecked, self._makes = saved
        self._reservations, self._read, self._touched, self._used, self._moved, self._on_hand = kept

    # --- what changes

    def put(self, part: Part) -> None:
        """A part as it shall be, or a new one."""
        self._parts[part.reservation_id][part.part] = part
        self._touched[part.reservation_id, part.part] = None

    def next_number(self, reservation_id: str) -> int:
        """The number of a new part."""
        return max(self._parts[reservation_id], default=0) + 1

    def off(self, part: Part, units: Mapping[str, int] | None, *, goes_on: bool) -> Part:
        """The part itself, or, where only some of its units are meant, these as a part of their own."""
        have = {line_id: count for line_id, _, count in part.lines}
        for line_id, count in (units or {}).items():
            if not 0 < count <= have.get(line_id, 0):
                raise DeskError(
                    "not-in-part",
                    CONFLICT,
                    f"Part ({part.part}) of reservation ({part.reservation_id}) has {have.get(line_id, 0)} unit(s) of "
                    f"line ({line_id}), not {count}.",
                    "see the reservation for what is open.",
                    field="/lines",
                )
        if units is None or dict(units) == have:
            return part
        rest, new = split(part, units, self.next_number(part.reservation_id), goes_on=goes_on)
        self.put(msgspec.structs.replace(rest, updated_s=self.state.now_s))
        self.put(new)
        return new

    def step(
        self,
        part: Part,
        step: Step,
        units: Mapping[str, int] | None = None,
        *,
        due_s: int | None = None,
        change: Callable[[Part], Part] | None = None,
    ) -> Part:
        """
        Let a part, or some units of it, take a step.

        Raises DeskError where that step does not lead anywhere from where it is.
        """
        rule = rule_of(part, step)
        if rule is None:
            raise wrong_step(part, step)
        goes_on = rule.to not in (PartState.RELEASED, PartState.EXPIRED, PartState.REJECTED)
        part = self.off(part, units, goes_on=goes_on)
        now_s = self.state.now_s
        stock, moves = stock_of(part, rule, now_s)
        stock, moves = self._as_counted(stock, moves)
        self.post(Posting(stock=stock, moves=moves, capacity=capacity_of(part) if rule.gives_back else []))
        lots = lots_of(part, rule, now_s)
        self.record(makes=lots, notices=["inbound"] if lots else [])
        after = taken(part, rule, now_s, due_s)
        after = after if change is None else change(after)
        self.put(after)
        return after

    def _as_counted(self, stock: list[StockChange], moves: list[Move]) -> tuple[list[StockChange], list[Move]]:
        """
        Let no more units leave a shelf than are counted there.

        A count may have fallen below what is reserved. Whoever says then that a unit has left is right about the unit,
        and the count was not; it ends at 0 until the next one.
        """
        left: dict[int, int] = {}
        out: list[StockChange] = []
        for change in stock:
            if change.on_hand < 0:
                there = self.state.stock_of(change.key)[0] + self._on_hand.get(change.key, 0) + left.get(change.key, 0)
                change = change._replace(on_hand=max(change.on_hand, -max(0, there)))
                left[change.key] = left.get(change.key, 0) + change.on_hand
            out.append(change)
        kept = [move._replace(units=c.on_hand) for move, c in zip(moves, out, strict=True)] if moves else []
        return out, [move for move in kept if move.units]

    def post(self, posting: Posting) -> None:
        """What else the call does."""
        for change in posting.stock:
            self._on_hand[change.key] = self._on_hand.get(change.key, 0) + change.on_hand
            self._moved[change.key] = self._moved.get(change.key, 0) + change.on_hand - change.reserved
        self._effects.append(posting)

    def hold(self, node_no: int, sku_no: int, units: int, channel: str, *, check: bool = True) -> None:
        """Reserve units at a node; where `check`, they must be free, with what is held back from the channel."""
        live, view = self.state.engine.live, self.state.view
        key = stock_key(sku_no, node_no)
        row, number = view.row(key), live.channel(channel)
        floor = int(live.row_protected[number, row]) + int(live.row_safety[number, row]) if row >= 0 else 0
        if not check:
            self._unchecked.add(key)
        self.post(Posting(stock=[StockChange(key, 0, units, floor)]))

    def let_go(self, node_no: int, sku_no: int, units: int) -> None:
        """Give units at a node back."""
        self.post(Posting(stock=[StockChange(stock_key(sku_no, node_no), 0, -units)]))

    def event(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Something that others want to hear of."""
        self._makes.append(event(kind, subject, self.state.now_s, data))

    def record(
        self, *, makes: Sequence[Record] = (), changes: Sequence[Record] = (), notices: Sequence[str] = ()
    ) -> None:
        """Other records."""
        self._makes += makes
        self._changes += changes
        self._notices += notices

    def posting(self) -> Posting:
        """All of it as one posting; reservations end with their last open part."""
        now_s = self.state.now_s
        makes: list[Record] = []
        changes: list[Record] = []
        for name in self._used:
            known = self._reservations[name]
            version = known.version + 1
            fresh = msgspec.structs.replace(known, state=self._state_of(name), updated_s=now_s, version=version)
            (makes if version == 1 else changes).append(fresh)
            self._reservations[name] = fresh
        for name, number in self._touched:
            before = self._read.get((name, number), 0)
            part = msgspec.structs.replace(self._parts[name][number], version=before + 1)
            (makes if before == 0 else changes).append(part)
            self._parts[name][number] = part
        whole = joined(*self._effects)
        whole.stock = [c._replace(floor=None) if c.key in self._unchecked else c for c in whole.stock]
        whole.makes += [*makes, *self._makes]
        whole.changes += [*changes, *self._changes]
        whole.notices += self._notices
        return whole

    def _state_of(self, reservation_id: str) -> str:
        states = {part.state for part in self._parts[reservation_id].values()} - ENDED
        if PartState.HELD in states:
            return "held"
        return "confirmed" if states else "ended"


def event(kind: str, subject: str, now_s: int, data: Mapping[str, Any]) -> EventRecord:
    """An event with small data."""
    return EventRecord(type=f"{kind}.v1", subject=subject, at_s=now_s, data_json=msgspec.json.encode(data).decode())


def wrong_step(part: Part, step: Step) -> DeskError:
    """A step that does not lead anywhere from where a part is, and what can be done instead."""
    able = steps_from(part)
    gone = part.state in (PartState.SHIPPED, PartState.COLLECTED)
    hint = f"it can {', '.join(able)}." if able else "return what was shipped." if gone else "it has ended."
    return DeskError(
        "wrong-state",
        CONFLICT,
        f"Part ({part.part}) of reservation ({part.reservation_id}) is {part.state}; it cannot {step}.",
        hint,
        details={"state": part.state, "steps": [str(one) for one in able]},
    )


def lines_of(part: Part, state: State) -> list[dict[str, Any]]:
    """Lines of a part for an event's data."""
    return [
        {"line_id": line_id, "sku": state.sku_id(sku_no), "quantity": units} for line_id, sku_no, units in part.lines
    ]

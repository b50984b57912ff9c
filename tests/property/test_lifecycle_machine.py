"""
Any calls in any order against a plain account of units and capacity (lifecycle_world.py).

After each step: nothing is below zero or sold twice, units are conserved, what is reserved is what open parts hold,
what is booked is what parts book, nothing that has ended changes, and a call that is repeated is answered the same.
"""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from engine.desk.allocation import Allocate
from engine.desk.cancel import Cancel
from engine.desk.counts import set_on_hand
from engine.desk.fulfil import Fulfil, FulfilLine, Mark
from engine.desk.reject import Reject
from engine.desk.reserve import Confirm, Extend, HoldLine, Release, Reserve
from engine.desk.returns import Grade, Return, ReturnedLine
from engine.desk.shelf import Reason, RejectedLine
from engine.desk.sweep import Sweep
from engine.desk.transfer import Transfer, TransferLine
from engine.domain.units import utc
from engine.stock.lifecycle import Step
from engine.stock.records import Part, Reservation
from tests import builders
from tests.examples import examples
from tests.property.lifecycle_choices import FEW, LIMIT_S, PICK, TABLE, course, something_open, steps_of
from tests.property.lifecycle_limits import Limiting
from tests.property.lifecycle_world import NODES, SKUS


class Lifecycle(Limiting):
    """See the module."""

    # --- calls that make reservations

    @rule(a=st.integers(0, 4), b=st.integers(0, 3), way=st.integers(0, 3), kept=st.booleans())
    def allocate(self, a: int, b: int, way: int, kept: bool) -> None:
        self.order(a=a, b=b, way=way, kept=kept)

    def order(self, *, a: int, b: int, way: int, kept: bool) -> None:
        lines = [builders.line(sku, n) for sku, n in (("a", a), ("b", b)) if n]
        if not lines:
            return
        name = self.name("o")
        there: dict[str, Any] = {"pickup_node": "st", "destination": None} if way == 0 else {}
        placed = {"placed_at": utc(self.world.now_s), "partial": way == 1}
        order = builders.order(*lines, order_id=name, **there, **placed)
        ttl_s = None if kept else 1800
        document = self.world.ask(Allocate(order=order, decision_id=name, reservation_id=name, ttl_s=ttl_s))
        assert document is not None, "an order is always answered"
        self.world.made(name)
        parts = self.open_parts(name)
        assert sum(p.units for p in parts) + sum(u["quantity"] for u in document["unmet"]) == a + b
        for part in parts:
            self.world.book(part, part.units)

    @rule(at=PICK, more=st.integers(0, 2))
    def allocate_on_a_hold(self, at: int, more: int) -> None:
        hold = self.reservation(at)
        if hold is None or hold.kind != "hold":
            return
        parts = self.open_parts(hold.reservation_id)
        wanted: Counter[str] = Counter({"a": more})
        for part in parts:
            for _, sku_no, units in part.lines:
                wanted[SKUS[sku_no]] += units
        lines = [builders.line(sku, n) for sku, n in sorted(wanted.items()) if n]
        if not lines:
            return
        name = self.name("o")
        order = builders.order(*lines, order_id=hold.order_id, placed_at=utc(self.world.now_s))
        command = Allocate(order=order, decision_id=name, reservation_id=name, hold_id=hold.reservation_id)
        document = self.world.ask(command)
        assert (document is None) == (self.over(hold.reservation_id) or not parts)
        if document is not None:
            for part in parts:
                self.world.moved(part, self.all_of(part), "released")
            self.world.made(name)
            for part in self.open_parts(name):
                self.world.book(part, part.units)

    @rule(sku=st.integers(0, 1), n=FEW, where=st.integers(0, 4), partial=st.booleans())
    def hold(self, sku: int, n: int, where: int, partial: bool) -> None:
        self.held(sku=sku, n=n, where=where, partial=partial)

    def held(self, *, sku: int, n: int, where: int, partial: bool) -> None:
        name = self.name("h")
        node = NODES[where] if where < len(NODES) else None
        group = None if node is not None else ("all", "east")[where % 2]
        line = HoldLine(line_id="1", sku=SKUS[sku], quantity=n, node=node, group=group)
        there = {"all": (0, 1, 2), "east": (0, 2)}.get(group or "", (where,))
        rows = [(node_no, sku) for node_no in there]
        free = sum(max(0, self.world.free(*row)) for row in rows if row not in self.world.blocked)
        anywhere = sum(max(0, self.world.free(node_no, sku)) for node_no in range(3))
        document = self.world.ask(
            Reserve(reservation_id=name, order_id=name, lines=(line,), ttl_s=1800, partial=partial)
        )
        got = document["lines"][0]["reserved"] if document is not None else 0
        assert got >= (min(n, free) if partial else n if free >= n else 0), "what is free can be held"
        assert got <= min(n, anywhere), "no more than there is"
        if document is not None:
            self.world.made(name)

    # --- calls that change them

    @rule(at=PICK)
    def confirm(self, at: int) -> None:
        held = self.world.ledger.find(Reservation, {"state": "held"}, limit=10_000)
        found = held[at % len(held)] if held and at % 5 else self.reservation(at)
        if found is None:
            return
        parts = [part for part in self.open_parts(found.reservation_id) if part.state == "held"]
        document = self.world.ask(Confirm(reservation_id=found.reservation_id))
        assert (document is not None) == (bool(parts) and not self.over(found.reservation_id))
        if document is not None:
            for part in parts:
                self.world.moved(part, self.all_of(part), "confirmed")

    @rule(at=PICK, ttl_s=st.integers(1, 7200))
    def extend(self, at: int, ttl_s: int) -> None:
        found = self.reservation(at)
        if found is None:
            return
        can = found.state == "held" and found.expires_s is not None and not self.over(found.reservation_id)
        assert (self.world.ask(Extend(reservation_id=found.reservation_id, ttl_s=ttl_s)) is not None) == can

    @something_open
    @rule(at=PICK, amount=PICK)
    def release(self, at: int, amount: int) -> None:
        part = self.part(at)
        assert part is not None
        units = self.some(part, amount)
        command = Release(reservation_id=part.reservation_id, part=part.part, lines=units)
        document = self.world.ask(command)
        can = part.state in ("held", "confirmed") and not self.over(part.reservation_id)
        assert (document is not None) == can
        if can:
            self.world.moved(part, units or self.all_of(part), "released")

    @something_open
    @rule(at=PICK, amount=PICK, which=PICK)
    def go_on(self, at: int, amount: int, which: int) -> None:
        """A step that the part can take."""
        able = [part for part in self.world.parts() if steps_of(part) and not part.group]
        if able:
            part = able[at % len(able)]
            steps = steps_of(part)
            self.marked(part, steps[which % len(steps)], self.some(part, amount), 1 + amount % 200_000)

    @something_open
    @rule(at=PICK, step=st.sampled_from((Step.PICK, Step.READY, Step.SHIP, Step.ARRIVE, Step.COLLECT)))
    def mark(self, at: int, step: Step) -> None:
        """Any step of any part."""
        part = self.part(at, alive=bool(at % 3))
        assert part is not None
        self.marked(part, step, None, 3600)

    def marked(self, part: Part, step: Step, units: dict[str, int] | None, collect_s: int) -> None:
        state = TABLE[course(part)].get(step.value, {}).get(part.state)
        command = Mark(reservation_id=part.reservation_id, part=part.part, step=step, lines=units, collect_s=collect_s)
        document = self.world.ask(command)
        can = state is not None and not part.group and not self.over(part.reservation_id)
        assert (document is not None) == can, f"{step} from {part.state}"
        if can:
            assert state is not None
            self.world.moved(part, units or self.all_of(part), state)

    @something_open
    @rule(at=PICK, n=FEW)
    def fulfil(self, at: int, n: int) -> None:
        part = self.part(at)
        if part is None:
            return
        line_id, node = part.lines[0][0], NODES[part.node_no]
        line = FulfilLine(reservation_id=part.reservation_id, line_id=line_id, quantity=n, node=node)
        able = [
            one
            for one in self.open_parts(part.reservation_id)
            if one.node_no == part.node_no
            and not one.group
            and TABLE[course(one)].get("ship", {}).get(one.state) == "shipped"
        ]
        there = [(one, self.all_of(one)[line_id]) for one in able if line_id in self.all_of(one)]
        can = sum(units for _, units in there) >= n and not self.over(part.reservation_id)
        assert (self.world.ask(Fulfil(lines=(line,))) is not None) == can
        for one, units in there if can else ():
            self.world.moved(one, {line_id: min(units, n)}, "shipped")
            n -= min(units, n)

    @something_open
    @rule(at=PICK, n=FEW, where=st.integers(0, 4), every=st.booleans())
    def transfer(self, at: int, n: int, where: int, every: bool) -> None:
        holds = [part for part in self.world.parts() if not part.method and part.state in ("held", "confirmed")]
        part = holds[at % len(holds)] if holds and at % 7 else self.part(at)
        assert part is not None
        node = NODES[where] if where < len(NODES) else None
        group = None if node is not None else ("all", "east")[where % 2]
        line_id, sku_no, _ = part.lines[0]
        line = TransferLine(
            reservation_id=part.reservation_id,
            line_id=line_id,
            quantity=None if every else n,
            to_node=node,
            to_group=group,
        )
        movable = sum(
            one.units
            for one in self.open_parts(part.reservation_id)
            if not one.method and one.state in ("held", "confirmed") and one.lines[0][0] == line_id
        )
        units = movable if every else n
        free = self.world.free(where, sku_no) if node is not None else 0
        document = self.world.ask(Transfer(transfers=(line,)))
        if self.over(part.reservation_id) or not 1 <= units <= movable:
            assert document is None
        elif node is not None and free >= units and (where, sku_no) not in self.world.blocked:
            assert document is not None, "what is free can be transferred to"
        if document is not None and node is not None:
            here = [one for one in self.open_parts(part.reservation_id) if one.node_no == where and not one.group]
            assert sum(self.all_of(one).get(line_id, 0) for one in here) >= units

    # --- what goes wrong, ends, comes back

    @something_open
    @rule(at=PICK, amount=PICK, reason=st.sampled_from((Reason.NOT_FOUND, Reason.DAMAGED, Reason.TOO_BUSY)))
    def short(self, at: int, amount: int, reason: Reason) -> None:
        part = self.part(at)
        if part is None or part.group:
            return
        line_id, sku_no, units = part.lines[0]
        gone = 1 + amount % units
        shelf = part.place_no if part.state == "ready" and part.place_no >= 0 else part.node_no
        line = RejectedLine(line_id=line_id, units=gone)
        command = Reject(
            rejection_id=self.name("r"),
            reservation_id=part.reservation_id,
            part=part.part,
            lines=(line,),
            reason=reason,
        )
        before = self.open_units(part.reservation_id)
        document = self.world.ask(command)
        can = part.state != "in_transit" and not self.over(part.reservation_id)
        assert (document is not None) == can, part.state
        if document is None:
            return
        (row,) = document["stock"]
        on_hand = self.world.shelf[shelf, sku_no]
        assert row["on_hand_before"] == on_hand
        lost = on_hand - row["on_hand"]
        assert lost >= 0
        assert reason != Reason.DAMAGED or lost == min(gone, on_hand)
        assert reason != Reason.TOO_BUSY or lost == 0
        self.world.shelf[shelf, sku_no] -= lost
        self.total[sku_no] -= lost
        self.world.counted_low.add((shelf, sku_no))
        if reason == Reason.NOT_FOUND:
            self.world.blocked.add((shelf, sku_no))
        if part.state in ("held", "confirmed"):
            self.world.book(part, -gone)
        known = {one.part for one in self.world.parts() if one.reservation_id == part.reservation_id}
        fresh = {shipment["part"] for shipment in document["shipments"]} & known
        for one in self.open_parts(part.reservation_id):
            if one.part in fresh:
                self.world.book(one, one.units)
        self.world.made(part.reservation_id)
        assert self.open_units(part.reservation_id) <= before

    def open_units(self, name: str) -> int:
        return sum(part.units for part in self.open_parts(name))

    @something_open
    @rule(at=PICK, amount=PICK, alone=st.booleans())
    def cancel(self, at: int, amount: int, alone: bool) -> None:
        part = self.part(at)
        assert part is not None
        units = self.some(part, amount) if alone else None
        alive = {
            one.reservation_id: self.open_parts(one.reservation_id)
            for one in self.world.ledger.find(Reservation, {"order_id": part.order_id}, limit=100)
            if not self.over(one.reservation_id)
        }
        if alone:
            command = Cancel(order_id=part.order_id, reservation_id=part.reservation_id, part=part.part, lines=units)
            meant = {part.reservation_id: [part]} if part.reservation_id in alive else {}
        else:
            command, meant = Cancel(order_id=part.order_id, open_only=True), alive
        document = self.world.ask(command)
        assert (document is not None) == any(meant.values())
        if document is not None:
            for one in [one for parts in meant.values() for one in parts]:
                self.world.moved(one, units or self.all_of(one), "released")

    @rule(at=PICK, n=FEW, where=st.integers(0, 2), grade=st.sampled_from(list(Grade)))
    def give_back(self, at: int, n: int, where: int, grade: Grade) -> None:
        gone = [part for part in self.world.parts() if part.state in ("shipped", "collected")]
        if not gone:
            return
        part = gone[at % len(gone)]
        sku_no = part.lines[0][1]
        left = self.not_returned(part.order_id, sku_no)
        line = ReturnedLine(sku=SKUS[sku_no], quantity=n, grade=grade)
        name = self.name("back")
        document = self.world.ask(Return(return_id=name, node=NODES[where], order_id=part.order_id, lines=(line,)))
        assert (document is not None) == (n <= left)
        if document is not None:
            self.returned[part.order_id, sku_no] += n
            if grade == Grade.AS_NEW:
                self.world.shelf[where, sku_no] += n
                self.total[sku_no] += n  # with the customer it still counts as gone

    def not_returned(self, order_id: str, sku_no: int) -> int:
        sent = 0
        for part in self.world.parts():
            if part.order_id == order_id and part.state in ("shipped", "collected"):
                sent += sum(units for _, sku, units in part.lines if sku == sku_no)
        return sent - self.returned[order_id, sku_no]

    @rule(where=st.integers(0, 2), sku_no=st.integers(0, 1), n=st.integers(0, 8))
    def count(self, where: int, sku_no: int, n: int) -> None:
        row = where, sku_no
        set_on_hand(self.world.desk, node=NODES[where], sku=SKUS[sku_no], on_hand=n, now_s=self.world.now_s)
        self.total[sku_no] += n - self.world.shelf[row]
        self.world.shelf[row] = n
        self.world.counted_low.add(row)
        self.world.blocked.discard(row)

    @something_open
    @rule(at=PICK)
    def ship_from_shelves_that_were_counted_to_nothing(self, at: int) -> None:
        """What left was there after all: the shelf ends at nothing, and no parcel is refused."""
        able = [
            part
            for part in self.world.parts()
            if not part.group and TABLE[course(part)].get("ship", {}).get(part.state) == "shipped"
        ]
        if not able:
            return
        part = able[at % len(able)]
        skus = {sku_no for _, sku_no, _ in part.lines}
        for sku_no in sorted(skus):
            self.count(part.node_no, sku_no, 0)
        before = self.world.turned_up.copy()
        self.marked(part, Step.SHIP, None, 3600)
        if not self.over(part.reservation_id):
            assert all(self.world.shelf[part.node_no, sku_no] == 0 for sku_no in skus)
            assert sum(self.world.turned_up.values()) == sum(before.values()) + part.units

    @precondition(lambda self: hasattr(self, "world") and self.anything_over())
    @rule(portion=st.integers(1, 3))
    def sweep(self, portion: int) -> None:
        self.swept(portion)

    def anything_over(self) -> bool:
        now_s = self.world.now_s
        parts = self.world.parts()
        return any(self.over(p.reservation_id) or (p.state == "ready" and p.due_s <= now_s) for p in parts)

    def swept(self, portion: int) -> None:
        held = [part for part in self.world.parts() if part.state == "held" and self.over(part.reservation_id)]
        kept = [part for part in self.world.parts() if part.state == "ready" and part.due_s <= self.world.now_s]
        over = {part.reservation_id for part in held}
        document = self.world.ask(Sweep(portion=portion))
        assert document is not None
        assert document["expired"] == min(portion, len(over))
        assert document["not_collected"] == min(portion, len(kept))
        after = {(part.reservation_id, part.part): part.state for part in self.world.parts()}
        for part in (*held, *kept):
            if after[part.reservation_id, part.part] == "expired":
                self.world.moved(part, self.all_of(part), "expired")

    @rule(minutes=st.sampled_from((1, 20, 31, 300, 1440)))
    def time_passes(self, minutes: int) -> None:
        if self.world.now_s + minutes * 60 < self.start_s + LIMIT_S:
            self.world.now_s += minutes * 60
        if minutes == 1:
            self.swept(3)

    @precondition(lambda self: hasattr(self, "world") and self.world.said)
    @rule(at=PICK)
    def repeat_an_earlier_call(self, at: int) -> None:
        self.world.repeat(at)

    @rule()
    def restart(self) -> None:
        self.world.restart()


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(
    max_examples=examples(30),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

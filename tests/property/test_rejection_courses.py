"""Random courses of orders, rejections, counts and people's decisions: every ordered unit is somewhere, and once."""

import random
from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.desk.backorders import AllocateOrWait
from engine.desk.counts import set_on_hand
from engine.desk.desk import Desk
from engine.desk.exceptions import Resolution, ResolveCase
from engine.desk.inbound import AdjustStock
from engine.desk.reject import Reject
from engine.desk.reoptimise import Reoptimise
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.units import epoch_s
from engine.stock.ledger import stock_key
from engine.stock.records import DAY, ENDED, Part, PartState
from engine.stock.records_oms import Backorder, ExceptionCase
from tests import builders
from tests.desk.desk_cases import allocate, following, settle
from tests.examples import examples
from tests.ledger_twin import LedgerTwin

NOW_S = epoch_s(builders.AS_OF)
NODES = (builders.node("w1", capacity_day_orders=4), builders.node("w2"), builders.store("st", capacity_day_units=9))
NETWORK = builders.network(
    nodes=NODES,
    collections=tuple(builders.collection(node.node_id, "std") for node in NODES),
    lanes=(),
    stock={(node.node_id, sku): 4 for node in NODES for sku in "abc"},
)


class Course:
    """One random course on one desk."""

    def __init__(self, desk: Desk, ledger: LedgerTwin, dice: random.Random) -> None:
        self.desk, self.ledger, self.dice = desk, ledger, dice
        self.ordered: dict[str, Counter[str]] = {}
        self.cancelled: Counter[tuple[str, str]] = Counter()
        self.number = 0

    def step(self) -> None:
        steps = (self.order, self.reject, self.count, self.adjust, self.resolve, self.move)
        self.number += 1
        self.dice.choices(steps, weights=(2, 3, 1, 1, 2, 1))[0]()

    def order(self) -> None:
        name = f"o{self.number}"
        skus = self.dice.sample("abc", self.dice.randint(1, 3))
        order = builders.order(*(builders.line(sku, self.dice.randint(1, 3)) for sku in skus), order_id=name)
        self.ordered[name] = Counter({line.line_id: line.quantity for line in order.lines})
        together = self.dice.random() < 0.3
        self.desk.ask(AllocateOrWait(allocate=allocate(order, ttl_s=None), together=together))

    def reject(self) -> None:
        parts = [part for part in self.parts() if part.state == PartState.CONFIRMED]
        if not parts:
            return
        part = self.dice.choice(parts)
        some = self.dice.sample(part.lines, self.dice.randint(1, len(part.lines)))
        reason = self.dice.choice(list(Reason))
        counted = self.dice.randint(0, 5) if reason == Reason.MISMATCH or self.dice.random() < 0.3 else None
        self.desk.ask(
            Reject(
                rejection_id=f"r{self.number}",
                reservation_id=part.reservation_id,
                part=part.part,
                lines=tuple(
                    RejectedLine(line_id=i, units=self.dice.randint(1, units), counted=counted) for i, _, units in some
                ),
                reason=reason,
                whole_part=self.dice.random() < 0.3,
                unmet=self.dice.choice(("exception", "backorder")),
            )
        )

    def count(self) -> None:
        node, sku = self.dice.choice(NODES).node_id, self.dice.choice("abc")
        set_on_hand(self.desk, node=node, sku=sku, on_hand=self.dice.randint(0, 6), now_s=NOW_S)

    def adjust(self) -> None:
        node, sku = self.dice.choice(NODES).node_id, self.dice.choice("abc")
        units = self.dice.randint(-2, 4)
        on_hand, reserved = self.desk.state.stock_of(
            stock_key("abc".index(sku), [n.node_id for n in NODES].index(node))
        )
        if units >= 0 or on_hand + units >= reserved:
            self.desk.ask(AdjustStock(node=node, sku=sku, units=units))

    def resolve(self) -> None:
        cases = [case for case in self.cases() if case.state == "open" and case.order_id]
        if not cases:
            return
        case = self.dice.choice(cases)
        how = self.dice.choice((Resolution.RETRY, Resolution.BACKORDER, Resolution.CANCEL))
        before = units_of(case)
        self.desk.ask(
            ResolveCase(exception_id=case.exception_id, resolution=how, by="ann", forget_nodes=self.dice.random() < 0.5)
        )
        if how == Resolution.CANCEL:
            self.cancelled.update({(case.order_id, line): units for line, units in before.items()})

    def move(self) -> None:
        names = sorted({part.reservation_id for part in self.parts() if part.state == PartState.CONFIRMED})
        if names:
            self.desk.ask(Reoptimise(run_id=f"m{self.number}", reservation_ids=tuple(names[:3]), threshold_cents=0))

    def parts(self) -> list[Part]:
        return [part for part in self.ledger.find(Part, limit=10_000) if part.state not in ENDED]

    def cases(self) -> list[ExceptionCase]:
        return self.ledger.find(ExceptionCase, limit=10_000)

    def check(self) -> None:
        settle(self.desk)
        held: Counter[int] = Counter()
        booked: Counter[tuple[int, int, int]] = Counter()
        found: dict[str, Counter[str]] = {name: Counter() for name in self.ordered}
        for part in self.parts():
            for line_id, sku_no, units in part.lines:
                held[stock_key(sku_no, part.node_no)] += units
                found[part.order_id][line_id] += units
            if part.booked & DAY:
                booked[part.node_no, part.day, -1] += part.units
        for row in self.ledger.find(Backorder, {"state": "waiting"}, limit=10_000):
            found[row.order_id][row.line_id] += row.units
        for case in self.cases():
            if case.order_id and case.state != "resolved":
                found[case.order_id].update(units_of(case))
        for (order_id, line_id), units in self.cancelled.items():
            found[order_id][line_id] += units
        assert found == self.ordered
        assert held == Counter({key: reserved for key, (_, reserved, _) in self.ledger.stock.items() if reserved})
        assert booked == Counter({at: units for at, (_, units, *_) in self.ledger.cells.items() if units})
        short = {key for key, (on_hand, reserved, _) in self.ledger.stock.items() if on_hand < reserved}
        listed = {case.exception_id for case in self.cases() if case.kind == "stock_short"}
        for key in short:
            assert f"short:{NODES[key & 7].node_id}:{'abc'[key >> 20]}" in listed
        for key, (on_hand, reserved, _) in self.ledger.stock.items():
            assert self.desk.state.stock_of(key) == (on_hand, reserved)


def units_of(case: ExceptionCase) -> dict[str, int]:
    units: dict[str, int] = msgspec.json.decode(case.data_json).get("units", {})
    return units


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 2**32))
def test_every_ordered_unit_is_held_waits_or_lies_with_a_person_and_only_once(seed: int) -> None:
    ledger, dice = LedgerTwin(), random.Random(seed)
    with following(NETWORK, ledger) as (desk, _):
        course = Course(desk, ledger, dice)
        for _ in range(12):
            course.step()
            course.check()

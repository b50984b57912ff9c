"""What test_lifecycle_machine.py chooses from: which steps there are, which reservations and parts are open."""

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition

from engine.domain.order import Method
from engine.stock.lifecycle import Step
from engine.stock.records import ENDED, Part, Reservation
from tests.property.lifecycle_world import SKUS, World

PICK = st.integers(0, 10**6)  # which of those there are
FEW = st.integers(1, 4)
LIMIT_S = 20 * 86_400  # the network's calendars reach that far
# From which states a step can be taken, and where it leads, in words of this test.
CARRIED = {"pick": {"confirmed": "picked"}, "ship": dict.fromkeys(("confirmed", "picked"), "shipped")}
TABLE: dict[str, dict[str, dict[str, str]]] = {
    "home": CARRIED,
    "collect": {
        "pick": {"confirmed": "picked"},
        "ready": dict.fromkeys(("confirmed", "picked"), "ready"),
        "collect": dict.fromkeys(("confirmed", "picked", "ready"), "collected"),
    },
    "travel": {
        "pick": {"confirmed": "picked"},
        "ship": dict.fromkeys(("confirmed", "picked"), "in_transit"),
        "arrive": {"in_transit": "ready"},
        "collect": {"ready": "collected"},
    },
    "hold": {
        "pick": {"confirmed": "picked"},
        "ready": dict.fromkeys(("confirmed", "picked"), "ready"),
        "ship": dict.fromkeys(("held", "confirmed", "picked"), "shipped"),
        "collect": dict.fromkeys(("held", "confirmed", "picked", "ready"), "collected"),
    },
}


def course(part: Part) -> str:
    if not part.method:
        return "hold"
    return {Method.CLICK_AND_COLLECT: "collect", Method.SHIP_TO_STORE: "travel"}.get(Method(part.method), "home")


def steps_of(part: Part) -> list[Step]:
    return [Step(step) for step, states in TABLE[course(part)].items() if part.state in states]


def _any_open(machine: Any) -> bool:
    return hasattr(machine, "world") and any(part.state not in ENDED for part in machine.world.parts())


something_open = precondition(_any_open)


class Choices(RuleBasedStateMachine):
    """A world, what must hold of it after each step, and which of its reservations and parts a call is about."""

    @initialize(begun=st.lists(st.tuples(st.integers(0, 5), FEW), min_size=3, max_size=7))
    def open(self, begun: list[tuple[int, int]]) -> None:
        self.world = World()
        self.start_s = self.world.now_s
        self.total: Counter[int] = Counter({no: self.world.all_units(no) for no in range(len(SKUS))})
        self.returned: Counter[tuple[str, int]] = Counter()
        self.num = 0
        for kind, n in begun:
            if kind < 3:
                self.order(a=n if kind else 0, b=(1, 0, 1)[kind], way=kind % 2, kept=True)
            else:
                self.held(sku=kind % 2, n=n, where=kind - 1, partial=True)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "world"):
            self.world.check()
            for sku_no, total in self.total.items():
                assert self.world.all_units(sku_no) == total + self.world.turned_up[sku_no]

    # --- choices

    def name(self, kind: str) -> str:
        self.num += 1
        return f"{kind}{self.num}"

    def reservation(self, at: int) -> Reservation | None:
        found = self.world.ledger.find(Reservation, limit=10_000)
        return found[at % len(found)] if found else None

    def part(self, at: int, *, alive: bool = True) -> Part | None:
        found = [part for part in self.world.parts() if not alive or part.state not in ENDED]
        return found[at % len(found)] if found else None

    def over(self, name: str) -> bool:
        """Whether a hold ran out of time."""
        found = self.world.ledger.get(Reservation, name)
        return bool(
            found and found.state == "held" and found.expires_s is not None and found.expires_s <= self.world.now_s
        )

    def open_parts(self, name: str) -> list[Part]:
        return [part for part in self.world.parts() if part.reservation_id == name and part.state not in ENDED]

    def some(self, part: Part, at: int) -> dict[str, int] | None:
        """Units of some lines of a part; None for all."""
        if at % 3:
            return None
        line_id, _, units = part.lines[at % len(part.lines)]
        return {line_id: 1 + at % units}

    def all_of(self, part: Part) -> dict[str, int]:
        return {line_id: units for line_id, _, units in part.lines}

"""
A desk with a few units of two skus, and what a plain account of them says must be there.

The account follows calls, not the code: it knows how many units of each line of each reservation are in which state,
how many units lie on each shelf, and how many are booked, from what was asked and answered. The ledger must say the
same after every call.
"""

from collections import Counter
from typing import Any

import msgspec

from engine.desk.ask import Answer, Command, DeskError, KeyAsked
from engine.desk.desk import Desk
from engine.desk.opening import state_of
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.units import epoch_s
from engine.network.model import Network
from engine.stock.ledger import key_parts
from engine.stock.records import DAY, ENDED, HOUR, SHARED, IdempotencyKey, Part, PartState
from engine.stock.records_oms import Lot
from tests import builders
from tests.ledger_twin import LedgerTwin

OPEN = {"held", "confirmed", "picked", "ready"}  # on a shelf
SKUS = ("a", "b")
NODES = ("wh", "st", "s2")


def network() -> Network:
    """A warehouse with few picks a day and two stores; the warehouse sends to the first store, which has little."""
    nodes = (
        builders.node(capacity_day_orders=4, capacity_hour_units=6, groups=("all", "east")),
        builders.store(capacity_day_units=8, groups=("all",)),
        builders.store("s2", lat=48.85, lon=2.35, postcode="75002", region="IDF", groups=("all", "east")),
        builders.pickup_point(),
    )
    stock = {("wh", "a"): 8, ("wh", "b"): 5, ("st", "a"): 1, ("st", "b"): 0, ("s2", "a"): 4, ("s2", "b"): 3}
    collections = (
        builders.collection("wh", "std"),
        builders.collection("st", "std", cutoff="13:00", collect="16:00"),
        builders.collection("s2", "std", cutoff="13:00", collect="16:00"),
    )
    return builders.network(nodes=nodes, skus=builders.sku_table(*SKUS), stock=stock, collections=collections)


NETWORK = network()
NONE = 10**9
# Orders and units by node, of its days and of its hours.
LIMITS = {(0, False): (4, NONE), (0, True): (NONE, 6), (1, False): (NONE, 8)}
Line = tuple[str, str, int]  # reservation, line id, sku number


class World:
    """A desk, its ledger and the account."""

    def __init__(self) -> None:
        self.ledger = LedgerTwin()
        self.now_s = epoch_s(NETWORK.as_of)
        self.desk = self._open()
        self.shelf: Counter[tuple[int, int]] = Counter()  # units by node and sku number
        for key, (on_hand, _, _) in self.ledger.stock.items():
            sku_no, node_no = key_parts(key)
            self.shelf[node_no, sku_no] = on_hand
        self.units: Counter[tuple[Line, str]] = Counter()  # by line and state
        self.booked: Counter[int] = Counter()  # units of picks, by node
        self.counted_low: set[tuple[int, int]] = set()  # rows that were found, or let be, shorter than what is reserved
        self.blocked: set[tuple[int, int]] = set()
        self.turned_up: Counter[int] = Counter()  # units that left a shelf that was counted too low
        self.limits: dict[tuple[int, int, int], tuple[int | None, int | None]] = {}  # that cells were given
        self.booked_before: dict[tuple[int, int, int], tuple[int, int]] = {}
        self.ended: dict[tuple[str, int], str] = {}
        self.said: list[tuple[Command, KeyAsked, Answer]] = []
        self.num_calls = 0
        self.check()

    def _open(self) -> Desk:
        return Desk(state_of(NETWORK, self.ledger, self.now_s), clock_s=lambda: self.now_s)

    def restart(self) -> None:
        """Another process takes over."""
        self.desk.close()
        self.desk = self._open()

    def close(self) -> None:
        """End the desk."""
        self.desk.close()

    # --- calls

    def ask(self, command: Command) -> Any | None:
        """The document of a call's answer; None where it was refused, and then nothing has changed."""
        self.num_calls += 1
        named = KeyAsked("machine", str(self.num_calls), "p")
        before = self.snapshot()
        refused = ""
        try:
            answer = self.desk.ask(command, named)
        except (DeskError, InputError) as error:
            refused = getattr(error, "code", "invalid")
        if refused:
            assert refused != "contended", "nobody else is there to lose against"
            assert self.snapshot() == before, "a refused call changes nothing"
            return None
        if self.ledger.get(IdempotencyKey, named.scope, named.key) is not None:
            self.said.append((command, named, answer))
        return msgspec.json.decode(answer.body)

    def repeat(self, at: int) -> None:
        """Send an earlier call again."""
        command, named, answer = self.said[at % len(self.said)]
        before = self.snapshot()
        again = self.desk.ask(command, named)
        assert (again.status, again.body, again.replayed) == (answer.status, answer.body, True)
        assert self.snapshot() == before

    def snapshot(self) -> Any:
        """All that the ledger holds."""
        tables = {kind: dict(table) for kind, table in self.ledger.tables.items() if table}
        return dict(self.ledger.stock), dict(self.ledger.cells), tables, list(self.ledger.moves)

    # --- what is there

    def parts(self) -> list[Part]:
        """All parts, by reservation."""
        return self.ledger.find(Part, limit=100_000)

    def free(self, node_no: int, sku_no: int) -> int:
        """Units on a shelf that nobody has reserved."""
        held = sum(
            units for part in self.parts() for _, sku, units in part.lines if sku == sku_no and _on(part) == node_no
        )
        return self.shelf[node_no, sku_no] - held

    # --- the account

    def made(self, name: str) -> None:
        """A reservation is new, or was decided anew: its units are as its parts say."""
        for key in [key for key in self.units if key[0][0] == name]:
            del self.units[key]
        for part in self.parts():
            if part.reservation_id == name:
                for line_id, sku_no, units in part.lines:
                    self.units[(name, line_id, sku_no), part.state] += units

    def book(self, part: Part, units: int) -> None:
        """Units were booked at, or (below 0) given back to, a part's node."""
        if part.booked:
            self.booked[part.node_no] += units

    def moved(self, part: Part, units: dict[str, int], state: str) -> None:
        """Units of a part went over into a state."""
        for line_id, sku_no, _ in part.lines:
            count = units.get(line_id, 0)
            line = part.reservation_id, line_id, sku_no
            self.units[line, part.state] -= count
            self.units[line, state] += count
            gone = state in ("shipped", "collected", "in_transit")
            if gone:
                row = _on(part), sku_no
                assert row[0] is not None, "what left was on a shelf"
                there = min(count, self.shelf[row])
                self.shelf[row] -= there
                self.turned_up[sku_no] += count - there
            elif part.state == "in_transit" and state == "ready":
                self.shelf[part.place_no, sku_no] += count
        given_back = part.state in ("held", "confirmed") and state in ("released", "expired", "rejected")
        if given_back:
            self.book(part, -sum(units.values()))

    # --- what must hold after every call

    def check(self) -> None:
        """Compare the account with the ledger, and the ledger with the desk's view."""
        parts = self.parts()
        found: Counter[tuple[Line, str]] = Counter()
        reserved: Counter[tuple[int, int]] = Counter()
        cells: Counter[tuple[int, int, int]] = Counter()
        orders: Counter[tuple[int, int, int]] = Counter()
        for part in parts:
            assert part.units == sum(units for _, _, units in part.lines) > 0
            known = self.ended.get((part.reservation_id, part.part))
            assert known in (None, part.state), "what has ended stays as it ended"
            if part.state in ENDED:
                self.ended[part.reservation_id, part.part] = part.state
            for line_id, sku_no, units in part.lines:
                found[(part.reservation_id, line_id, sku_no), part.state] += units
                node_no = _on(part)
                if node_no is not None:
                    reserved[node_no, sku_no] += units
            for bit, hour in ((DAY, -1), (HOUR, part.hour)):
                if part.booked & bit:
                    cells[part.node_no, part.day, hour] += part.units
                    orders[part.node_no, part.day, hour] += not part.booked & SHARED
        assert +found == +self.units
        self._check_shelves(reserved)
        booked = {at: cell[:2] for at, cell in self.ledger.cells.items() if cell[:2] != (0, 0)}
        assert {at: units for at, (_, units) in booked.items()} == dict(+cells)
        assert {at: count for at, (count, _) in booked.items() if count} == dict(+orders)
        by_node: Counter[int] = Counter()
        for (node_no, _, hour), units in cells.items():
            by_node[node_no] += units if hour == -1 or node_no not in {n for n, _, h in cells if h == -1} else 0
        assert +by_node == +self.booked
        self._check_limits(booked)
        self.desk.run(self._check_view)

    def _check_limits(self, booked: dict[tuple[int, int, int], tuple[int, int]]) -> None:
        """No cell takes more than its own limit or its node's; what was booked before a limit came may stay."""
        for at, (count, units) in booked.items():
            node_no, _, hour = at
            general, own = LIMITS.get((node_no, hour >= 0), (NONE, NONE)), self.limits.get(at, (None, None))
            orders_max, units_max = (g if o is None else o for o, g in zip(own, general, strict=True))
            before = self.booked_before.get(at, (0, 0))
            assert count <= max(orders_max, before[0]), f"orders of cell {at}"
            assert units <= max(units_max, before[1]), f"units of cell {at}"
        self.booked_before = booked
        for (node_no, day, hour), (orders, most_units) in self.limits.items():
            stored = tuple(-1 if limit is None else limit for limit in (orders, most_units))
            assert self.ledger.cells[node_no, day, hour][2:] == stored

    def _check_shelves(self, reserved: Counter[tuple[int, int]]) -> None:
        for key, (on_hand, held, _) in self.ledger.stock.items():
            sku_no, node_no = key_parts(key)
            row = node_no, sku_no
            assert on_hand >= 0
            assert on_hand == self.shelf[row], f"units on shelf {row}"
            assert held == reserved[row], f"units reserved at {row}"
            if on_hand >= held:
                self.counted_low.discard(row)
            assert on_hand >= held or row in self.counted_low, f"row {row} is sold twice"
        assert set(+reserved) <= {key_parts(key)[::-1] for key in self.ledger.stock}

    def _check_view(self, state: State) -> None:
        for key, (on_hand, held, _) in self.ledger.stock.items():
            assert state.stock_of(key) == (on_hand, held)
        assert not state.view.pending
        assert not state.view.pending_cells

    def all_units(self, sku_no: int) -> int:
        """Units of a sku anywhere: on shelves, on their way, with customers."""
        out = sum(units for (_, sku), units in self.shelf.items() if sku == sku_no)
        for ((_, _, sku), state), units in self.units.items():
            out += units if sku == sku_no and state in ("shipped", "collected", "in_transit") else 0
        return out + sum(lot.units for lot in self.ledger.find(Lot, limit=1000) if lot.sku_no == sku_no)


def _on(part: Part) -> int | None:
    """The node on whose shelf an open part's units are."""
    if part.state not in OPEN:
        return None
    return part.place_no if part.state == PartState.READY and part.place_no >= 0 else part.node_no

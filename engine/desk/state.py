"""What commands plan on: the engine, its view of the ledger, what was read for them, and the words of the ledger."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from engine.decide.brief import Brief, Leg
from engine.decide.engine import Engine
from engine.desk.ask import CONFLICT, NOT_FOUND, DeskError
from engine.desk.basis import Basis
from engine.desk.book import Book
from engine.desk.rules import Rules
from engine.domain.errors import InputError
from engine.domain.ids import NodeId, SkuId
from engine.domain.order import Order
from engine.domain.policy import Policy
from engine.domain.units import utc
from engine.network.cells import WHOLE_DAY, by_the_hour, day_limits, hour_limits
from engine.stock.ledger import NO_LIMIT, CapacityChange, FeedMark, Ledger, Numbers, Posting, StockChange, stock_key
from engine.stock.lifecycle import capacity_of, shelf_no
from engine.stock.records import ENDED, Part, Reservation
from engine.stock.view import View

DEADLINE_MS = 300  # of the stronger method, where the caller names none


class State:
    """The state of one desk; used by its thread only."""

    def __init__(self, engine: Engine, view: View, ledger: Ledger, rules: Rules | None = None) -> None:
        self.engine = engine
        self.view = view
        self.ledger = ledger
        self.rules = rules or Rules()
        self.book = Book()
        self.serving: Engine | None = None  # see engine/desk/most.py
        self.strict: Engine | None = None  # see engine/desk/keep.py
        self.now_s = 0
        self.mark_seq = 0  # place in the feed up to which the view is known to be whole
        self.mark = FeedMark()  # up to where the feed was followed
        self.node_numbers: dict[str, int] = {}
        self.sku_numbers: dict[str, int] = {}
        self.number(view.numbers)
        self._reservations: dict[str, Reservation] = {}
        self._parts: dict[str, list[Part]] = {}

    def at(self, now_s: int) -> None:
        """Move on in time: what begins or ends with a moment (a policy, a sku's release) does so."""
        self.now_s = now_s
        self.book.turn(self)

    # --- words

    def number(self, numbers: Numbers) -> None:
        """Take over the ledger's numbers."""
        self.node_numbers = {node: no for no, node in enumerate(numbers.nodes)}
        self.sku_numbers = {sku: no for no, sku in enumerate(numbers.skus)}

    def node_no(self, node: str, field: str = "node") -> int:
        """The ledger's number of a node; InputError where it is unknown."""
        found = self.node_numbers.get(node)
        if found is None or self.view.node_at[found] < 0:
            raise InputError(f"Node ({node}) in {field} is unknown.", "check the id; case counts.")
        return found

    def sku_no(self, sku: str, field: str = "sku") -> int:
        """The ledger's number of a sku; InputError where it is unknown."""
        found = self.sku_numbers.get(sku)
        if found is None or self.view.sku_at[found] < 0:
            raise InputError(f"Sku ({sku}) in {field} is unknown.", "check the id; case counts.")
        return found

    def node_id(self, node_no: int) -> NodeId:
        """The node that a number of the ledger stands for."""
        return NodeId(self.view.numbers.nodes[node_no])

    def sku_id(self, sku_no: int) -> SkuId:
        """The sku that a number of the ledger stands for."""
        return SkuId(self.view.numbers.skus[sku_no])

    # --- what was read

    def read(self, ids: Iterable[str]) -> None:
        """Read reservations and their parts; forget those read before."""
        keys = [(name,) for name in dict.fromkeys(ids)]
        self._reservations = {r.reservation_id: r for r in self.ledger.get_many(Reservation, keys)} if keys else {}
        self._parts = {}
        for part in self.ledger.get_many(Part, keys) if keys else ():
            self._parts.setdefault(part.reservation_id, []).append(part)

    def also_read(self, reservation_id: str) -> None:
        """Read one more, which a command only learns of while it plans."""
        found = self.ledger.get(Reservation, reservation_id)
        if found is not None:
            self._reservations[reservation_id] = found
            self._parts[reservation_id] = self.ledger.get_many(Part, [(reservation_id,)])

    def reservation(self, reservation_id: str) -> Reservation:
        """A reservation that the command wanted; DeskError where there is none."""
        found = self._reservations.get(reservation_id)
        if found is None:
            raise DeskError(
                "unknown-reservation", NOT_FOUND, f"Reservation ({reservation_id}) is unknown.", "check the id."
            )
        return found

    def known_reservation(self, reservation_id: str) -> Reservation | None:
        """Likewise, None where there is none."""
        return self._reservations.get(reservation_id)

    def parts(self, reservation_id: str) -> list[Part]:
        """The parts of a reservation that was read, in their order."""
        return self._parts.get(reservation_id, [])

    def held(self, reservation_id: str) -> tuple[Reservation, list[Part]]:
        """
        A reservation whose hold has not run out, and its open parts.

        Raises DeskError where it is unknown, has ended, or ran out of time.
        """
        reservation = self.reservation(reservation_id)
        parts = [part for part in self.parts(reservation_id) if part.state not in ENDED]
        if not parts:
            states = ", ".join(sorted({part.state for part in self.parts(reservation_id)}))
            raise DeskError(
                "wrong-state", CONFLICT, f"Reservation ({reservation_id}) has ended: {states}.", "make a new one."
            )
        if self.ran_out(reservation):
            assert reservation.expires_s is not None, "only a hold with an end runs out"
            raise DeskError(
                "expired",
                CONFLICT,
                f"Reservation ({reservation_id}) expired at {utc(reservation.expires_s):%Y-%m-%dT%H:%M:%SZ}.",
                "allocate again; extend holds before they end.",
            )
        return reservation, parts

    def ran_out(self, reservation: Reservation) -> bool:
        """Whether a hold is over, expired already or not."""
        return reservation.state == "held" and reservation.expires_s is not None and reservation.expires_s <= self.now_s

    # --- decisions

    def decide(
        self,
        order: Order,
        *,
        engine: Engine | None = None,
        deadline_ms: int = DEADLINE_MS,
        given_back: Posting | None = None,
    ) -> Brief:
        """
        Decide an order on the view as it is; holds nothing.

        Parameters
        ----------
        order
            As it is to be decided: `placed_at` is from when work may start.
        engine
            Of another policy.
        deadline_ms
            For the stronger method.
        given_back
            Counts as done, for this decision only: what the same order holds now, say.
        """
        with self.as_if(given_back):
            (found,) = (engine or self.engine).decide_batch([order], deadline_ms=deadline_ms, hold=False)
        if isinstance(found, InputError):
            raise found
        assert found is not None, "it was to be settled"
        return found

    @contextmanager
    def as_if(self, posting: Posting | None) -> Iterator[None]:
        """Let a posting count for a while, that will not be posted as it is."""
        if posting is None:
            yield
            return
        self.view.hold(posting)
        try:
            yield
        finally:
            self.view.forget([posting])

    def stock_of(self, key: int) -> tuple[int, int]:
        """Units on hand and reserved in a stock row as far as is known; zeros where there is none."""
        row = self.view.row(key)
        if row < 0:
            return self.view.missing.get(key, (0, 0))
        return int(self.view.live.row_on_hand[row]), int(self.view.live.row_reserved[row])

    def basis(self, policy: Policy | None = None) -> Basis:
        """What is decided on now."""
        network, numbers = self.engine.network, self.view.numbers
        by_node, by_sku = self.node_numbers, self.sku_numbers
        return Basis(network, policy or self.engine.policy, numbers, by_node, by_sku, self.now_s, self.mark_seq)

    # --- what a decision takes

    def taken(
        self, brief: Brief, order: Order, floors: Sequence[int] | None = None
    ) -> tuple[list[StockChange], list[CapacityChange]]:
        """
        The stock and capacity that a decision takes, with what must be free for it afterwards.

        ``floors`` are those of its lines, leg by leg, where they are known already (see `floors_of`).
        """
        network, view = self.engine.network, self.view
        if floors is None:
            (floors,) = self.floors_of([brief], [order])
        stock: dict[int, StockChange] = {}
        capacity: dict[tuple[int, int, int], CapacityChange] = {}
        at_line = iter(floors)
        for leg in brief.legs:
            node = network.node_index[leg.node]
            node_no = view.node_nos[node]
            for line in leg.lines:
                key = stock_key(view.sku_nos[network.skus.index[line.sku]], node_no)
                floor, known = next(at_line), stock.get(key)
                taken = line.quantity if known is None else line.quantity + known.reserved
                stock[key] = StockChange(key, 0, taken, floor)
            for cell in self._cells(node, leg):
                at = cell.node_no, cell.day, cell.hour
                booked = capacity.get(at)
                capacity[at] = (
                    cell
                    if booked is None
                    else booked._replace(orders=booked.orders + cell.orders, units=booked.units + cell.units)
                )
        return list(stock.values()), list(capacity.values())

    def floors_of(self, briefs: Sequence[Brief], orders: Sequence[Order]) -> list[list[int]]:
        """
        What must be free in the row of each line that decisions take, leg by leg: what is held back, less what is due.

        All rows are looked up together, which for a group of orders takes hardly longer than for one.
        """
        live, network, index = self.engine.live, self.engine.network, self.engine.network.skus.index
        nodes: list[int] = []
        skus: list[int] = []
        channels: list[int] = []
        guarded: list[bool] = []
        counts: list[int] = []
        for brief, order in zip(briefs, orders, strict=True):
            first, channel, safety = len(skus), live.channel(order.channel), "safety_stock" not in brief.relaxed
            for leg in brief.legs:
                node = network.node_index[leg.node]
                for line in leg.lines:
                    nodes.append(node)
                    skus.append(index[line.sku])
            counts.append(len(skus) - first)
            channels += [channel] * counts[-1]
            guarded += [safety] * counts[-1]
        rows = live.rows_of(np.array(nodes, dtype=np.int64), np.array(skus, dtype=np.int64))
        floors = live.row_protected[channels, rows] + live.row_safety[channels, rows] * np.array(
            guarded, dtype=np.int64
        )
        found = iter(floors.tolist())
        out = [[next(found) for _ in range(count)] for count in counts]
        if self.engine.policy.use_inbound:
            for brief, own in zip(briefs, out, strict=True):
                at = 0
                for leg in brief.legs:
                    node = network.node_index[leg.node]
                    for line in leg.lines:
                        lots = live.inbound(node, index[line.sku])
                        own[at] -= sum(units for due_s, units in lots if due_s <= leg.pick_start_s)
                        at += 1
        return out

    def _cells(self, node: int, leg: Leg) -> Iterator[CapacityChange]:
        """
        The capacity cells of a shipment: its day, and the hour where its node has hourly capacity.

        A day is booked without a limit, too: it may be given one that counts what was booked before.
        """
        here, node_no = self.engine.network.nodes[node], self.view.node_nos[node]
        orders, units = (_limit(limit) for limit in day_limits(here))
        yield CapacityChange(node_no, leg.pick_day, WHOLE_DAY, 1, leg.units, orders, units)
        if by_the_hour(here):
            orders, units = (_limit(limit) for limit in hour_limits(here))
            yield CapacityChange(node_no, leg.pick_day, leg.pick_hour, 1, leg.units, orders, units)

    def given_back(self, parts: Sequence[Part]) -> Posting:
        """What open parts hold, as a posting that gives it back: units reserved, and capacity of those not picked."""
        stock: dict[int, StockChange] = {}
        capacity: list[CapacityChange] = []
        for part in parts:
            node_no = shelf_no(part)
            if node_no is not None:
                for _, sku_no, units in part.lines:
                    key = stock_key(sku_no, node_no)
                    known = stock.get(key, StockChange(key))
                    stock[key] = known._replace(reserved=known.reserved - units)
            capacity += self.cells_back(part)
        return Posting(stock=list(stock.values()), capacity=capacity)

    def cells_back(self, part: Part) -> list[CapacityChange]:
        """The capacity that a part has booked, given back; nothing once it is picked, or where it holds none."""
        return capacity_of(part)


def _limit(value: int | None) -> int:
    return NO_LIMIT if value is None else value


def joined(*postings: Posting) -> Posting:
    """Several postings as one; changes of one stock row or cell become one change, the highest floor counts."""
    stock: dict[int, StockChange] = {}
    capacity: dict[tuple[int, int, int], CapacityChange] = {}
    out = Posting()
    for posting in postings:
        for change in posting.stock:
            known = stock.get(change.key)
            if known is not None:
                floors = [floor for floor in (known.floor, change.floor) if floor is not None]
                change = StockChange(
                    change.key,
                    known.on_hand + change.on_hand,
                    known.reserved + change.reserved,
                    max(floors) if floors else None,
                )
            stock[change.key] = change
        for cell in posting.capacity:
            at = cell.node_no, cell.day, cell.hour
            booked = capacity.get(at)
            if booked is not None:
                cell = cell._replace(
                    orders=cell.orders + booked.orders,
                    units=cell.units + booked.units,
                    orders_max=max(cell.orders_max, booked.orders_max),
                    units_max=max(cell.units_max, booked.units_max),
                )
            capacity[at] = cell
        out = Posting(
            moves=[*out.moves, *posting.moves],
            makes=[*out.makes, *posting.makes],
            limits=[*out.limits, *posting.limits],
            changes=[*out.changes, *posting.changes],
            puts=[*out.puts, *posting.puts],
            drops=[*out.drops, *posting.drops],
            notices=[*out.notices, *posting.notices],
            key=posting.key or out.key,
        )
    # What only gives back is not to be refused for what others did.
    out.stock = [
        change if change.reserved > change.on_hand else change._replace(floor=None)
        for change in stock.values()
        if change.on_hand or change.reserved
    ]
    out.capacity = [
        cell if cell.orders > 0 or cell.units > 0 else cell._replace(orders_max=NO_LIMIT, units_max=NO_LIMIT)
        for cell in capacity.values()
        if cell.orders or cell.units
    ]
    return out

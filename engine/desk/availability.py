"""
Availability: what there is of skus at nodes, or in groups, and what of it can be promised.

    atf  available to fulfil, now       max(0, on hand - reserved - safety - protected for other channels)
    ato  available to order             the same with all units due added before the maximum
    futures                             units due, by time

A group has the sums of its nodes: units that one node lacks are not taken from what another can promise. It is read
from the desk's view, which counts what is on its way to the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.desk.ask import Planned, Wanted, answer
from engine.desk.backing import known_members
from engine.desk.blocked import BLOCKED_UNITS
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.units import utc
from engine.stock.ledger import NODE_BITS

PAIRS_MAX = 20_000  # skus times nodes of one call; the desk takes no other calls while it counts them


class FutureDoc(msgspec.Struct, kw_only=True):
    """Units due."""

    expected_at: datetime
    quantity: int


class AvailabilityDoc(msgspec.Struct, kw_only=True):
    """
    A sku at a node, or in a group.

    ``known`` says whether there is a stock row at all, ``blocked`` whether some of it is not promised for a while: not
    found where it should be, or not released yet.
    """

    sku: str
    node: str | None
    group: str | None
    known: bool
    blocked: bool
    on_hand: int
    reserved: int
    safety: int
    protected: int
    atf: int
    ato: int
    futures: list[FutureDoc]


class AvailabilitiesDoc(msgspec.Struct, kw_only=True):
    """By sku, then node or group, in the order of the call; true at ``at``, up to place ``stock_seq`` of the feed."""

    at: datetime
    channel: str
    stock_seq: int
    availability: list[AvailabilityDoc]


class OnHandDoc(msgspec.Struct, kw_only=True):
    """Units on hand: of each sku a list, in the order of the nodes."""

    units: list[list[int]]


class _Sums(NamedTuple):
    """Numbers of one sku at one node after the other."""

    known: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    on_hand: NDArray[np.int64]
    reserved: NDArray[np.int64]
    safety: NDArray[np.int64]
    protected: NDArray[np.int64]
    due: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What there is of skus at nodes and in groups, for a channel. Changes nothing."""

    skus: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channel: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "availability"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Look it up in the view."""
        places: list[tuple[str | None, str | None, list[int]]] = [
            (node, None, [state.node_no(node, f"nodes/{i}")]) for i, node in enumerate(self.nodes)
        ]
        places += [(None, group, known_members(state, group, f"groups/{i}")) for i, group in enumerate(self.groups)]
        skus = [(sku, state.sku_no(sku, f"skus/{i}")) for i, sku in enumerate(self.skus)]
        pairs = len(skus) * sum(len(numbers) for _, _, numbers in places)
        if not 1 <= pairs <= PAIRS_MAX:
            raise InputError(
                f"{len(skus)} skus at these nodes are {pairs} numbers, not 1 to {PAIRS_MAX}.", "ask in several calls."
            )
        flat = np.array([number for _, _, numbers in places for number in numbers], dtype=np.int64)
        found: list[AvailabilityDoc] = []
        for sku, sku_no in skus:
            sums = self._sums(state, sku_no, flat)
            first = 0
            for node, group, numbers in places:
                here = slice(first, first + len(numbers))
                first += len(numbers)
                found.append(_doc(sku, node, group, sums, here, _futures(state, sku_no, numbers)))
        document = AvailabilitiesDoc(
            at=utc(state.now_s), channel=self.channel, stock_seq=state.mark_seq, availability=found
        )
        return Planned(answer(document))

    def _sums(self, state: State, sku_no: int, node_nos: NDArray[np.int64]) -> _Sums:
        view, live = state.view, state.engine.live
        rows = view.rows(sku_no << NODE_BITS | node_nos)
        known, channel = rows >= 0, live.channel(self.channel)
        sku = int(view.sku_at[sku_no])
        due = [sum(units for _, units in live.inbound(node, sku)) for node in view.node_at[node_nos].tolist()]

        def column(values: NDArray[np.int32]) -> NDArray[np.int64]:
            taken: NDArray[np.int64] = np.where(known, values[rows] if len(values) else 0, 0).astype(np.int64)
            return taken

        protected = column(live.row_protected[channel])
        blocked = protected >= BLOCKED_UNITS
        return _Sums(
            known,
            blocked,
            column(live.row_on_hand),
            column(live.row_reserved),
            column(live.row_safety[channel]),
            np.where(blocked, protected - BLOCKED_UNITS, protected),
            np.array(due, dtype=np.int64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnHand:
    """The units on hand of skus at nodes, whoever they are held for; as quick for all nodes as for one."""

    skus: tuple[str, ...]
    nodes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The operation."""
        return "on-hand"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Look it up in the view."""
        node_nos = np.array([state.node_no(node) for node in self.nodes], dtype=np.int64)
        found: list[list[int]] = []
        for sku in self.skus:
            rows = state.view.rows(state.sku_no(sku) << NODE_BITS | node_nos)
            here, units = rows >= 0, np.zeros(len(node_nos), dtype=np.int64)
            units[here] = state.engine.live.row_on_hand[rows[here]]
            found.append(units.tolist())
        return Planned(answer(OnHandDoc(units=found)))


def _futures(state: State, sku_no: int, node_nos: Sequence[int]) -> list[FutureDoc]:
    """Lots of a sku at nodes, by time; those due at the same moment as one."""
    view, live = state.view, state.engine.live
    sku = int(view.sku_at[sku_no])
    lots: dict[int, int] = {}
    for node_no in node_nos:
        for due_s, units in live.inbound(int(view.node_at[node_no]), sku):
            lots[due_s] = lots.get(due_s, 0) + units
    return [FutureDoc(expected_at=utc(due_s), quantity=lots[due_s]) for due_s in sorted(lots)]


def _doc(
    sku: str, node: str | None, group: str | None, sums: _Sums, here: slice, futures: list[FutureDoc]
) -> AvailabilityDoc:
    free = (sums.on_hand - sums.reserved - sums.safety - sums.protected)[here]
    due = sums.due[here]
    promised = ~sums.blocked[here]
    return AvailabilityDoc(
        sku=sku,
        node=node,
        group=group,
        known=bool(sums.known[here].any()),
        blocked=bool(sums.blocked[here].any()),
        on_hand=int(sums.on_hand[here].sum()),
        reserved=int(sums.reserved[here].sum()),
        safety=int(sums.safety[here].sum()),
        protected=int(sums.protected[here].sum()),
        atf=int(np.maximum(0, free * promised).sum()),
        ato=int(np.maximum(0, (free + due) * promised).sum()),
        futures=futures,
    )

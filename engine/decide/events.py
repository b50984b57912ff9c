"""
What a journal says, one event after the other: what was asked, what was answered, what was held, what else changed.

An event names others by their number in the journal (`seq`, counted from 1). Fields at their default are not written.
"""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.domain.ids import NodeId, OrderId, SkuId
from engine.domain.order import Order
from engine.domain.plan import Plan
from engine.domain.policy import Policy
from engine.network.digest import table_digests
from engine.network.model import Network

FORMAT = 1
LIBRARIES = ("numpy", "numba", "scipy", "holidays", "opening-hours-py", "tzdata", "msgspec")
_ENGINE = Path(__file__).resolve().parent.parent
_UNDECIDED = "adapters"  # reads and writes files, decides nothing


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a network comes from: demo, us, fr, or a folder; its seed, where it was made from one."""

    network: str
    seed: int = 1


class NetworkNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which network was decided on: its names, its size, and a digest of each table."""

    name: str
    version: str
    nodes: int
    skus: int
    stock_rows: int
    tables: dict[str, str]

    @classmethod
    def of(cls, network: Network) -> "NetworkNote":
        """The note of a network."""
        return cls(
            name=network.name,
            version=network.version,
            nodes=len(network.nodes),
            skus=len(network.skus.ids),
            stock_rows=len(network.stock.node),
            tables=table_digests(network),
        )


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="journal", tag_field="kind", forbid_unknown_fields=True):
    """The first line of a journal: all that its decisions depend on beside the events."""

    format: int
    sourcewise: str  # version that wrote it
    code: str  # digest of what decides
    source: Source
    network: NetworkNote
    policy: Policy  # number 0
    horizon_days: int
    libraries: dict[str, str] = {}  # for people, where something differs


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", forbid_unknown_fields=True
):
    """Anything that happened; ``seq`` counts all events from 1."""

    seq: int


class Decided(Event, frozen=True, kw_only=True, tag="decide"):
    """An order as it was given and the plan that was answered."""

    order: Order
    plan: Plan
    policy: int = 0  # its number: 0 is the header's, those of `PolicyUsed` count on
    deadline_ms: int | None = None
    clock: tuple[int | float, ...] = ()  # the answers of a tape (engine/optimise/mip_clock.py)
    cut: bool = False  # a solver was stopped by its own clock, so that nobody can decide this again


class Committed(Event, frozen=True, kw_only=True, tag="commit"):
    """A decision's stock and capacity were held; ``plan`` where it is not the plan of a decision of this journal."""

    decision: int | None = None
    plan: Plan | None = None


class Released(Event, frozen=True, kw_only=True, tag="release"):
    """What a commit held was given back."""

    decision: int | None = None
    plan: Plan | None = None


class PolicyUsed(Event, frozen=True, kw_only=True, tag="policy"):
    """A further policy that decisions name by its number: 1 for the first of these events, then on."""

    policy: Policy


class StockSet(Event, frozen=True, kw_only=True, tag="stock_set"):
    """So many units were counted."""

    node: NodeId
    sku: SkuId
    on_hand: int


class StockAdded(Event, frozen=True, kw_only=True, tag="stock_add"):
    """So many units came in, or (below 0) went."""

    node: NodeId
    sku: SkuId
    units: int


class LimitsSet(Event, frozen=True, kw_only=True, tag="limits_set"):
    """A day (hour -1) or an hour of a node was given limits of its own; None: as the node's."""

    node: NodeId
    day: int
    hour: int
    orders_max: int | None = None
    units_max: int | None = None


class State(Event, frozen=True, kw_only=True, tag="state"):
    """
    Stock and capacity where they were not the network's own when the journal began.

    rows
        Node, sku, units on hand, units reserved, bid price in cents.
    days
        Node, local day number, orders and units booked.
    hours
        Node, local day number, hour, orders and units booked.
    limits
        Node, local day number, hour (-1: the whole day), orders and units that such a cell takes, None as the node.
    """

    rows: tuple[tuple[NodeId, SkuId, int, int, int], ...] = ()
    days: tuple[tuple[NodeId, int, int, int], ...] = ()
    hours: tuple[tuple[NodeId, int, int, int, int], ...] = ()
    limits: tuple[tuple[NodeId, int, int, int | None, int | None], ...] = ()


AnyEvent = Decided | Committed | Released | PolicyUsed | StockSet | StockAdded | LimitsSet | State


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an event is: its line and bytes in the file, what it is, and the decision or order that it is about."""

    line: int
    start: int
    end: int
    kind: str
    seq: int
    order_id: OrderId | None
    decision: int | None


def plain(value: Any) -> Any:
    """What the encoder does not know by itself."""
    if isinstance(value, Mapping):  # a read-only one
        return dict(value)
    if isinstance(value, np.generic):  # a number out of an array
        return value.item()
    raise NotImplementedError(type(value))


_ENCODER = msgspec.json.Encoder(enc_hook=plain)


def canonical(value: Any) -> bytes:
    """The one way in which a plan, an order or an event is written: equal bytes, equal values, to the last bit."""
    return _ENCODER.encode(value)


def header_of(network: Network, policy: Policy, horizon_days: int, source: Source) -> Header:
    """The header of a journal that begins now."""
    return Header(
        format=FORMAT,
        sourcewise=sourcewise_version(),
        code=code_digest(),
        source=source,
        network=NetworkNote.of(network),
        policy=policy,
        horizon_days=horizon_days,
        libraries=library_versions(),
    )


def sourcewise_version() -> str:
    """The version that is installed."""
    try:
        return version("sourcewise")
    except PackageNotFoundError:  # run from its sources
        return "unknown"


def library_versions() -> dict[str, str]:
    """What decisions are computed with, Python first."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def code_digest() -> str:
    """A digest of all sources that decide: the engine without its adapters, kernels among them."""
    digest = hashlib.sha256()
    for path in sorted(_ENGINE.rglob("*.py")):
        name = path.relative_to(_ENGINE)
        if name.parts[0] != _UNDECIDED:
            digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]

"""Compile all kernels once per machine, with progress instead of silence: `python -m engine.decide.warm`."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import event

from engine.decide.dated import windows
from engine.decide.engine import Engine
from engine.decide.promises import Terms, find_promises
from engine.domain.ids import LineId, NodeId, OrderId, SkuId
from engine.domain.order import Destination, Order, OrderLine
from engine.network.model import Area, Network, Node, Offer, SkuTable, StockTable
from engine.optimise import mip
from engine.optimise.columns import decide_rows
from engine.optimise.front import find_front
from engine.optimise.mip_exchange import Ground, improve, prices_of
from engine.optimise.mip_knapsack import least_reduced, undominated

NUM_KERNELS = 330  # about; the progress bar needs a number
Report = Callable[[str, int, int], None]


def is_warm() -> bool:
    """Whether the kernels of exactly this source, in exactly this place, have been compiled on this machine."""
    kernel: Any = decide_rows  # the compiler's object, which has more to say than a function
    return any(Path(kernel.stats.cache_path).glob("columns.decide_rows-*.nbi"))


class _Listener(event.Listener):
    """Reports each function that is compiled, once, by name."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.done = 0

    def on_start(self, start: Any) -> None:
        dispatcher = start.data.get("dispatcher")
        self.report(getattr(dispatcher, "__name__", "kernel"), self.done, max(NUM_KERNELS, self.done + 1))

    def on_end(self, end: Any) -> None:
        self.done += 1


def warm_up(report: Report) -> None:
    """
    Compile, or load, every kernel by deciding one order of a network of one node.

    Parameters
    ----------
    report
        Called with the name of the function at hand, how many are done and about how many there are.
    """
    listener = _Listener(report)
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        engine = Engine(_tiny(), guard=False)
        order = _order()
        engine.explain(order, engine.decide(order).plan)
        engine.options(order)
        windows(engine.chooser, engine.chooser.request(order), engine.offers.find(order)[0].brief.legs)
        # Its plan is the greenest already, so that nobody looked for one.
        find_front(engine.chooser.block_of_one(engine.columns([order])).at, 0, *engine.offers.green_rows[:3])
        home = Destination(country="FR", postcode="75")
        terms = Terms(destination=home, placed_at=order.placed_at, channel="", deadline_s=1.0)
        find_promises(engine.chooser, [(SkuId("a"), 1)], terms)
        engine.decide_columns(engine.columns([order]))
        _warm_stronger_method(engine, order)
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]


def _warm_stronger_method(engine: Engine, order: Order) -> None:
    """It works against a deadline, which compiling would eat up; `decide` needs it for larger orders only."""
    mip.solve(engine.chooser.request(order))
    undominated(np.zeros((1, 5)))  # of tariffs, which a tiny network has none of
    ints, none, flags = np.zeros(1, dtype=np.int64), np.zeros(0), np.zeros((0, 0), dtype=np.bool_)
    least_reduced(ints, ints[:0], none, none, none, ints[:0], ints, flags, ints, none, none, none)
    table, no_ints = np.zeros((0, 0), dtype=np.int64), ints[:0]
    slots = (table, np.zeros((0, 0)), none, none, no_ints, no_ints, none, none, no_ints, none, no_ints)
    ground = Ground(*slots, ints, flags, ints, none, none, none, none, none)
    improve(ground, no_ints, table, 0, 0.0, 1)
    prices_of(ground, no_ints)


def _order() -> Order:
    return Order(
        order_id=OrderId("warm-up"),
        placed_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
        lines=(OrderLine(line_id=LineId("1"), sku=SkuId("a"), quantity=1),),
        pickup_node=NodeId("n"),
    )


def _tiny() -> Network:
    """A network of one store that customers collect at: types, not answers, are what compiling needs."""
    one, zero = np.array([1]), np.zeros(1, dtype=np.int32)
    no = np.zeros(1, dtype=bool)
    return Network(
        name="warm-up",
        version="0",
        currency="EUR",
        as_of=datetime(2026, 1, 5, tzinfo=UTC),
        nodes=(
            Node(
                node_id=NodeId("n"),
                lat=48.0,
                lon=2.0,
                postcode="75001",
                country="FR",
                tz="Europe/Paris",
                opening_hours="24/7",
                offers=(Offer.PICKUP,),
            ),
        ),
        skus=SkuTable(
            ids=(SkuId("a"),),
            weight_g=one,
            volume_cm3=one,
            longest_mm=one,
            second_mm=one,
            third_mm=one,
            value_cents=one,
            ships_alone=no,
            never_split=no,
            hazardous=no,
            oversize=no,
        ),
        stock=StockTable(node=zero, sku=zero, on_hand=one.astype(np.int32), reserved=zero, days_of_cover=zero),
        areas=(Area(country="FR", prefix="75", lat=48.0, lon=2.0, region="IDF", tz="Europe/Paris"),),
    )


if __name__ == "__main__":
    warm_up(lambda name, done, total: print(f"\rcompiling {done}/{total} {name:<30}", end="", file=sys.stderr))  # noqa: T201
    print(file=sys.stderr)  # noqa: T201

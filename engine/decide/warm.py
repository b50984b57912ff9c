"""Compile all kernels once per machine, with progress instead of silence: `python -m engine.decide.warm`."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import event

from engine.decide.engine import Engine
from engine.domain.ids import LineId, NodeId, OrderId, SkuId
from engine.domain.order import Order, OrderLine
from engine.network.model import Area, Network, Node, Offer, SkuTable, StockTable
from engine.optimise import mip
from engine.optimise.columns import decide_rows
from engine.optimise.mip_knapsack import undominated

NUM_KERNELS = 212  # about; the progress bar needs a number
_SKUS = ("a", "b")
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
        engine.decide_columns(engine.columns([order]))
        _warm_stronger_method(engine, order)
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]


def _warm_stronger_method(engine: Engine, order: Order) -> None:
    """It works against a deadline, which compiling would eat up; `decide` needs it for larger orders only."""
    mip.solve(engine.chooser.request(order))
    two = replace(order, lines=tuple(replace(order.lines[0], line_id=LineId(x), sku=SkuId(x)) for x in _SKUS))
    mip.solve(engine.chooser.request(two))  # more than one shipment is possible: the rest of its kernels
    undominated(np.zeros((1, 5)))  # of tariffs, which a tiny network has none of


def _order() -> Order:
    return Order(
        order_id=OrderId("warm-up"),
        placed_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
        lines=(OrderLine(line_id=LineId("1"), sku=SkuId("a"), quantity=1),),
        pickup_node=NodeId("n"),
    )


def _tiny() -> Network:
    """A network of one store that customers collect at: types, not answers, are what compiling needs."""
    one, zero = np.ones(len(_SKUS), dtype=np.int64), np.zeros(len(_SKUS), dtype=np.int32)
    no = np.zeros(len(_SKUS), dtype=bool)
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
            ids=tuple(SkuId(x) for x in _SKUS),
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
        stock=StockTable(node=zero, sku=np.arange(len(_SKUS), dtype=np.int32), on_hand=one.astype(np.int32), reserved=zero, days_of_cover=zero),
        areas=(Area(country="FR", prefix="75", lat=48.0, lon=2.0, region="IDF", tz="Europe/Paris"),),
    )


if __name__ == "__main__":
    warm_up(lambda name, done, total: print(f"\rcompiling {done}/{total} {name:<30}", end="", file=sys.stderr))  # noqa: T201
    print(file=sys.stderr)  # noqa: T201

"""
What it takes to tell which stores near somebody have skus now, on the US network or one made in its shape.

Timed is the command alone, which is what the desk's thread does for each call: baskets of real orders are asked for at
the postcodes that they go to, at moments spread over a day. Beside it, each answer is put to the test: no store that is
left out is nearer than one that is told of, and each store is ready when the same order, collected there, is promised.
"""

import gc
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from benchmarks import record
from benchmarks.record import Figures, percentile
from benchmarks.worlds import Spec, world
from engine.decide.brief import Brief
from engine.desk.near import Near
from engine.desk.near_docs import NearDoc
from engine.desk.opening import state_of
from engine.desk.state import State
from engine.domain.ids import LineId, NodeId, OrderId, SkuId
from engine.domain.order import Method, Order, OrderLine
from engine.domain.units import epoch_s, utc
from engine.network.model import NodeKind, Offer
from engine.network.routes import distance_m
from tests.ledger_twin import LedgerTwin

WARM = 20  # calls that are not counted
LIMITS = (10, 50)
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    calls: int
    tested: int  # whose answers are put to the test


FULL = Sizes(calls=2_000, tested=200)
QUICK = Sizes(calls=200, tested=20)


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool, us: Spec | None = None) -> Figures:
    """Measure, print a table, write a line of history; `us` is the network and its orders, in full without it."""
    made = world(us or Spec(data=data, count=sizes.calls, seed=seed))
    network, opened_s = made.network, epoch_s(made.network.as_of)
    state = state_of(network, LedgerTwin(), opened_s)
    homes = [order for order in made.orders if order.destination is not None]
    dice = np.random.default_rng([seed, 7])
    moments = opened_s + np.sort(dice.integers(0, DAY_S, len(homes)))
    rows: list[Figures] = []
    for limit in LIMITS:
        commands = [_command(order, limit) for order in homes]
        rows.append({"limit": limit, **_measure(state, commands, moments.tolist(), sizes.tested)})
    figures: Figures = {"source": made.source, "nodes": len(network.nodes), "stores": rows}
    for row in rows:
        print(
            f"at most {row['limit']:>2} stores: p50 {row['ms_p50']:>5} ms, p99 {row['ms_p99']:>5} ms, "
            f"{row['stores_mean']} stores, {row['ready_mean']} of them ready; right {row['right']} of {row['tested']}"
        )
    record.append(results, "near", figures, seed=seed, quick=quick)
    return figures


def _command(order: Order, limit: int) -> Near:
    where = order.destination
    assert where is not None, "orders without a home were left out"
    skus = tuple((line.sku, line.quantity) for line in order.merged().lines)
    return Near(skus=skus, country=where.country, postcode=where.postcode, limit=limit)


def _measure(state: State, commands: list[Near], moments: list[int], tested: int) -> Figures:
    for command in commands[:WARM]:
        command.plan(state)
    gc.collect()
    gc.freeze()  # what a start made; looking through it is no part of a call
    took_us, stores, ready, right = [], [], [], 0
    for i, (command, now_s) in enumerate(zip(commands, moments, strict=True)):
        state.at(now_s)
        began = perf_counter()
        body = command.plan(state).answer.body
        took_us.append(1e6 * (perf_counter() - began))
        said = msgspec.json.decode(body, type=NearDoc)
        stores.append(len(said.stores))
        ready.append(sum(store.ready_at is not None for store in said.stores))
        if i < tested:
            right += _is_nearest(state, command, said) and _is_promised(state, command, said)
    gc.unfreeze()
    return {
        "calls": len(commands),
        "ms_p50": round(percentile(took_us, 50) / 1e3, 2),
        "ms_p99": round(percentile(took_us, 99) / 1e3, 2),
        "stores_mean": round(float(np.mean(stores)), 1),
        "ready_mean": round(float(np.mean(ready)), 1),
        "tested": min(tested, len(commands)),
        "right": right,
    }


def _is_nearest(state: State, command: Near, said: NearDoc) -> bool:
    """Whether the stores are those that are found by looking at every node."""
    network, live = state.engine.network, state.engine.live
    tools = state.engine.tools
    found: list[tuple[int, int]] = []
    for i, node in enumerate(network.nodes):
        if Offer.PICKUP not in node.offers or node.kind == NodeKind.PICKUP_POINT or not tools.calendars.opening(i):
            continue
        if any(live.available(i, network.skus.index[SkuId(sku)]) >= quantity for sku, quantity in command.skus):
            found.append((distance_m(node.lat, node.lon, said.lat, said.lon), i))
    told = [(store.distance_m, network.node_index[NodeId(store.node)]) for store in said.stores]
    return told == sorted(found)[: command.limit]


def _is_promised(state: State, command: Near, said: NearDoc) -> bool:
    """Whether an order of all of it, collected at a store from its stock, is promised what was told."""
    lines = tuple(OrderLine(line_id=LineId(sku), sku=SkuId(sku), quantity=quantity) for sku, quantity in command.skus)
    whole: dict[str, Any] = {"lines": lines, "placed_at": utc(state.now_s), "methods": (Method.CLICK_AND_COLLECT,)}
    stores = [store for store in said.stores if store.has_all]
    orders = [Order(order_id=OrderId(s.node), pickup_node=NodeId(s.node), **whole) for s in stores]
    for store, brief in zip(stores, state.engine.decide_batch(orders, hold=False), strict=True):
        assert isinstance(brief, Brief), "the order names nothing unknown"
        promised = None if brief.unmet or brief.deliver_by_s is None else utc(brief.deliver_by_s)
        if promised != store.ready_at:
            return False
    return all(store.ready_at is None for store in said.stores if not store.has_all)

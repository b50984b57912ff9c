"""
Speed of the kernel and its pieces, warm, on a made-up network of 300 nodes. Run by `pytest benchmarks/micro`.

Each call includes some microseconds of Python handing over the arrays, which the loop over many orders does not pay.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks.generated import generated_network, generated_orders
from benchmarks.prepared import Prepared
from benchmarks.worlds import World
from engine.costs.tariff import parcel_cents
from engine.domain.order import Destination, Method
from engine.network.blocks import opened
from engine.network.jit import compiled
from engine.network.records import I64
from engine.optimise.candidates import find_candidates
from engine.optimise.kernel import INFEASIBLE
from engine.optimise.workspace import Inputs
from engine.promise.clock import first_handover, pick

SIZES = (1, 2, 5, 8)
HOME = Destination(country="US", postcode="10001")
HOME_METHODS = (Method.SHIP_FROM_WAREHOUSE, Method.SHIP_FROM_STORE)
EACH = 20


@cache
def prepared() -> Prepared:
    """Some orders of each size."""
    network = generated_network(300, 1_000, 1)
    orders = [order for lines in SIZES for order in generated_orders(network, [lines] * EACH, lines)]
    made = Prepared(World(network=network, orders=orders, source="made up"))
    for row in range(len(orders)):
        made.kernel(row)
    return made


@compiled
def _candidates(block: I64, row: int) -> int:
    inputs: Inputs = opened(block, Inputs)
    orders = inputs.orders
    return find_candidates(inputs, orders.table[row])


@compiled
def _price_of_parcels(block: I64) -> int:
    inputs: Inputs = opened(block, Inputs)
    return parcel_cents(inputs.net, 0, 0, 3, 2_500, 9_000, 400, 300, 1_200, 0, 1)


@compiled
def _pick_and_hand_over(block: I64, node: int, service: int, release_s: int) -> int:
    inputs: Inputs = opened(block, Inputs)
    net, live = inputs.net, inputs.live
    _, end, _ = pick(net, live, node, release_s, 300, 2)
    schedule = net.schedule[node, service]
    return first_handover(net.handover, schedule.row_from, schedule.row_to, end, release_s)


@pytest.mark.parametrize("lines", SIZES)
def test_whole_kernel(benchmark: Any, lines: int) -> None:
    """One order of so many lines, from columns to shipments."""
    made, row = prepared(), EACH * SIZES.index(lines)
    row = next(i for i in range(row, row + EACH) if made.kernel(i)[0] != INFEASIBLE)
    status, *_ = benchmark(made.kernel, row)
    assert status != INFEASIBLE


@pytest.mark.parametrize("lines", SIZES)
def test_home_pass(benchmark: Any, lines: int) -> None:
    """The kernel where only shipments to the home are asked for: candidates, then the pass over their home routes."""
    made = prepared()
    orders = [
        replace(order, destination=order.destination or HOME, pickup_node=None, methods=HOME_METHODS)
        for order in made.orders[EACH * SIZES.index(lines) :][:EACH]
    ]
    home = Prepared(World(network=made.world.network, orders=orders, source="made up"), made.engine)
    row = next(i for i in range(EACH) if home.kernel(i)[0] != INFEASIBLE)
    _, _, _, place = benchmark(home.kernel, row)
    assert place < 0


@pytest.mark.parametrize("lines", SIZES)
def test_candidates(benchmark: Any, lines: int) -> None:
    """The nodes that hold lines of an order."""
    made = prepared()
    count = benchmark(_candidates, made.block.at, EACH * SIZES.index(lines))
    assert count > 0


def test_price_of_parcels(benchmark: Any) -> None:
    """One price with surcharges and fuel."""
    cents = benchmark(_price_of_parcels, prepared().block.at)
    assert cents > 0


def test_pick_and_hand_over(benchmark: Any) -> None:
    """When a shipment is picked and which collection it makes."""
    made = prepared()
    release_s = np.int64(made.columns.table[0, 0])
    at = benchmark(_pick_and_hand_over, made.block.at, 0, 0, release_s)
    assert at >= 0


def test_intake_of_one_order(benchmark: Any) -> None:
    """An Order of five lines into columns, its target known."""
    made = prepared()
    order = made.orders[EACH * SIZES.index(5)]
    columns = benchmark(made.engine.columns, [order])
    assert len(columns.line) == 5


def test_whole_decision(benchmark: Any) -> None:
    """From an Order of two lines to the Decision object, without the check."""
    made = prepared()
    decision = benchmark(made.engine.decide, made.orders[EACH * SIZES.index(2)])
    assert decision.plan.order_id

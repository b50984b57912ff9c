"""When shipments that a kernel chose are there at the earliest, until when they may be ordered, how sure that is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.decide.brief import Leg, route_of
from engine.decide.choose import Chooser
from engine.domain.plan import Refusal
from engine.domain.units import epoch_s
from engine.optimise.dating import R_BY, R_DAY, R_FIELDS, last_releases
from engine.optimise.workspace import KIND_CARRIER, KIND_LANE, KIND_OWN
from engine.options.evaluate import Evaluator
from engine.options.ways import Way
from engine.promise.dates import CERTAIN, confidence_of


class Window(NamedTuple):
    """Of a shipment: epoch seconds of its earliest arrival and of the last order that it is for; in 0..1 how sure."""

    earliest_s: int
    order_by_s: int
    confidence: float


def windows(chooser: Chooser, request: Evaluator, legs: Sequence[Leg], *, plainly: bool = False) -> list[Window]:
    """
    The window of each shipment, all of them of one order, planned on stock and capacity as they are.

    The plain layer's promises say the same (a property test), one by one and ten times as slowly; it is asked where a
    kernel does not know: for carriers to pickup points, and where stock that is due may be promised; or `plainly`.
    """
    if plainly or request.policy.use_inbound:
        return [_plainly(request, leg) for leg in legs]
    network, places = request.network, request.network.node_index
    table: list[list[int]] = []
    for leg in legs:
        node = places[leg.node]
        if leg.service is not None:
            kind, which = KIND_CARRIER, network.service_index[leg.service]
        else:
            kind, which = (KIND_LANE, leg.lane) if leg.lane >= 0 else (KIND_OWN, -1)
        place = places[leg.place] if leg.place is not None else -1
        table.append([node, kind, which, place, len(leg.lines), leg.units, 0, 0])
    rows = np.array(table, dtype=np.int64).reshape(-1, R_FIELDS)
    last_releases(chooser.block_of_last().at, rows, request.placed_s)
    out = []
    for leg, (node, kind, which, place, *_), by_s, day in zip(
        legs, table, rows[:, R_BY].tolist(), rows[:, R_DAY].tolist(), strict=True
    ):
        if kind == KIND_CARRIER and place >= 0:
            out.append(_plainly(request, leg))
            continue
        share, earliest_s = CERTAIN, leg.deliver_by_s
        if kind == KIND_CARRIER:
            arrivals, way = request.tools.dates.arrivals, request.ways.measured(route_of(leg, network))
            found = arrivals.transit_units(which, way.zone, request.policy.promise_confidence_permille)
            assert found is not None, "the kernel found a promise"
            units, share = found
            first_day = chooser.compiled.first_day
            window = arrivals.window(which, way.zone, way.target, leg.ship_by_s, first_day + day, units)
            assert window is not None, "the kernel found a promise"
            earliest_s = window[0]
        out.append(Window(earliest_s, by_s, confidence_of(share, _rejections(request, node, leg))))
    return out


def _rejections(request: Evaluator, node: int, leg: Leg) -> tuple[int, ...]:
    """How often the pick of each line fails."""
    network = request.network
    here = network.nodes[node]
    if not here.rejection_by_class:
        return (here.rejection_ppm,) * len(leg.lines)
    skus = (request.tools.sku(network.skus.index[line.sku]) for line in leg.lines)
    return tuple(here.rejection_of(sku.sku_class) for sku in skus)


def _plainly(request: Evaluator, leg: Leg) -> Window:
    line_at = {line.line_id: i for i, line in enumerate(request.order.lines)}
    items = tuple(sorted((line_at[line.line_id], line.quantity) for line in leg.lines))
    route = route_of(leg, request.network)
    way, release_s = request.ways.way(route), request.release_s(route.node, items)
    assert isinstance(way, Way), "the kernel chose it"
    assert not isinstance(release_s, Refusal), "the kernel chose it"
    promise = request.promise(way, items, release_s)
    assert not isinstance(promise, Refusal), "the kernel promises no more than the facts do"
    return Window(epoch_s(promise.deliver_earliest), epoch_s(promise.release_by), promise.confidence)

"""
What it takes to promise 100 skus to one postcode in one call, on the US network or one made in its shape.

Timed is the command alone, which is what the desk's thread does for each call, at moments spread over a day, and the
same through HTTP: a real server process on SQLite, one call at a time over a kept connection. Skus are drawn anew for
each call, postcodes are those of real orders. Beside it, promises are put to the test: they are the best offers of a
cart of that sku alone. Keys of the figures:

    promise100_ms_p50, …_p99        the command, by the clock; …_cpu_ms_p50, …_p99: what the processor did for it
    promise100_http_ms_p50, …_p99   from sending the request to its whole answer
    body_kb                         of an answer
    available, home, pickup         of all skus asked for, the share in permille that can be had; home; near
    tested, right                   skus put to the test, and those that were right
    failed                          answers other than 200; must be 0
"""

import gc
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from typing import Any

import msgspec
import numpy as np

from benchmarks import http, http_client, ledger, record
from benchmarks.record import Figures, percentile
from benchmarks.worlds import US_NODES, US_SKUS, Spec, world
from engine.decide.offers import Offer
from engine.decide.promises import Terms, order_of
from engine.desk.opening import state_of
from engine.desk.promise_docs import ArrivalDoc, PickupDoc, PromisesDoc, SkuPromiseDoc
from engine.desk.promises import SKUS_MAX, Promises
from engine.desk.state import State
from engine.domain.ids import SkuId
from engine.domain.order import Destination, Order
from engine.domain.units import epoch_s, utc
from engine.network.model import Network
from tests.ledger_twin import LedgerTwin

PATH = "/v1/promises"
WARM = 20  # calls that are not counted
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Calls in the process, calls through HTTP, and calls of which so many skus each are put to the test."""

    calls: int
    http: int
    tested: int
    tested_skus: int = 10
    num_nodes: int = US_NODES  # of a made-up network
    num_skus: int = US_SKUS


FULL = Sizes(calls=1_000, http=1_000, tested=50)
QUICK = Sizes(calls=150, http=150, tested=10)


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool) -> Figures:
    """Measure, print, write a line of history."""
    spec = Spec(data=data, count=400, seed=seed, num_nodes=sizes.num_nodes, num_skus=sizes.num_skus)
    made = world(spec)
    figures: Figures = {"source": made.source, "nodes": len(made.network.nodes), "calls": sizes.calls}
    figures |= in_process(made.network, made.orders, sizes, seed)
    figures |= over_http(data, sizes, seed)
    for name, text in (("promise100_ms", "the command"), ("promise100_http_ms", "through HTTP")):
        print(f"{SKUS_MAX} skus, {text}: p50 {figures[f'{name}_p50']} ms, p99 {figures[f'{name}_p99']} ms")
    print(
        f"processor time of the command: p50 {figures['promise100_cpu_ms_p50']} ms, "
        f"p99 {figures['promise100_cpu_ms_p99']} ms; {figures['body_kb']} kB; "
        f"right {figures['right']} of {figures['tested']}; {figures['failed']} failed"
    )
    record.append(results, "promise100", figures, seed=seed, quick=quick)
    return figures


def in_process(network: Network, orders: Sequence[Order], sizes: Sizes, seed: int) -> Figures:
    """The command alone."""
    opened_s = epoch_s(network.as_of)
    state = state_of(network, LedgerTwin(), opened_s)
    commands = commands_of(network, orders, WARM + sizes.calls, seed)
    moments = opened_s + np.sort(np.random.default_rng([seed, 8]).integers(0, DAY_S, len(commands)))
    for command in commands[:WARM]:
        command.plan(state)
    gc.collect()
    gc.freeze()  # what a start made; looking through it is no part of a call
    took_ms, busy_ms, documents = [], [], []
    tested = right = 0
    for i, (command, now_s) in enumerate(zip(commands[WARM:], moments[WARM:].tolist(), strict=True)):
        state.at(now_s)
        began, busy = perf_counter(), thread_time()
        body = command.plan(state).answer.body
        busy_ms.append(1e3 * (thread_time() - busy))
        took_ms.append(1e3 * (perf_counter() - began))
        said = msgspec.json.decode(body, type=PromisesDoc)
        documents.append((len(body), *_counts(said)))
        if i < sizes.tested:
            for one in said.promises[: sizes.tested_skus]:
                tested += 1
                right += is_best(state, command, one)
    gc.unfreeze()
    size, available, home, pickup = np.mean(documents, axis=0).tolist()
    return {
        **{f"promise100_ms_p{p}": percentile(took_ms, p) for p in (50, 99)},
        **{f"promise100_cpu_ms_p{p}": percentile(busy_ms, p) for p in (50, 99)},
        "body_kb": round(size / 1_000),
        "available": round(1000 * available / SKUS_MAX),
        "home": round(1000 * home / SKUS_MAX),
        "pickup": round(1000 * pickup / SKUS_MAX),
        "tested": tested,
        "right": right,
    }


def over_http(data: Path | None, sizes: Sizes, seed: int) -> Figures:
    """A call after the other to a server."""
    shop = ledger.Sizes(
        orders=400, warm=0, feed_rows=0, start=(), processes=(), num_nodes=sizes.num_nodes, num_skus=sizes.num_skus
    )
    network, orders, _ = ledger.shop(data, shop, seed)
    requests = [_request(command) for command in commands_of(network, orders, WARM + sizes.http, seed)]
    with TemporaryDirectory(dir=record.folder(None, quick=True)) as folder:
        spec = {"data": str(data) if data else None, "seed": seed, "sizes": asdict(shop)}
        spec["url"] = f"sqlite:///{folder}/ledger.db"
        with http.server(spec, Path(folder) / "log") as port:
            warm = http_client.closed(port, requests[:WARM], 1)
            load = http_client.closed(port, requests[WARM:], 1)
    found: Figures = {f"promise100_http_ms_p{p}": percentile(load.spent_ms, p) for p in (50, 99)}
    return found | {"failed": warm.failed + load.failed}


def commands_of(network: Network, orders: Sequence[Order], count: int, seed: int) -> list[Promises]:
    """So many calls; one unit of each sku."""
    homes = [order.destination for order in orders if order.destination is not None]
    dice = np.random.default_rng([seed, 9])
    out = []
    for i in range(count):
        home, drawn = homes[i % len(homes)], dice.choice(len(network.skus.ids), SKUS_MAX, replace=False)
        skus = tuple((network.skus.ids[sku], 1) for sku in drawn.tolist())
        out.append(Promises(skus=skus, country=home.country, postcode=home.postcode, residential=home.residential))
    return out


def _request(command: Promises) -> bytes:
    where = {"country": command.country, "postcode": command.postcode, "residential": command.residential}
    body: dict[str, Any] = {"skus": [{"sku": sku} for sku, _ in command.skus], "destination": where}
    data = json.dumps(body).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


def _counts(said: PromisesDoc) -> tuple[int, int, int]:
    """How many skus can be had, brought home, collected."""
    return (
        sum(one.available for one in said.promises),
        sum(one.home is not None for one in said.promises),
        sum(one.pickup is not None for one in said.promises),
    )


def is_best(state: State, command: Promises, one: SkuPromiseDoc) -> bool:
    """Whether what is told of a sku are the best offers of a cart of it alone."""
    assert command.postcode is not None, "calls are by postcode"
    home = Destination(country=command.country, postcode=command.postcode, residential=command.residential)
    placed_at = utc(state.now_s + state.engine.policy.shop_think_s)
    terms = Terms(destination=home, placed_at=placed_at, channel=command.channel, deadline_s=0.0)
    offers = state.engine.offers.find(order_of(SkuId(one.sku), one.quantity, terms))
    at_home = [offer for offer in offers if offer.place < 0]
    near = [offer for offer in offers if offer.place >= 0]
    cheapest = min(at_home, key=lambda offer: offer.value, default=None)
    earliest = min(at_home, key=lambda offer: (offer.deliver_by_s, offer.cost_cents), default=None)
    soonest = min(near, key=lambda offer: (offer.deliver_by_s, offer.trip_m or 0, offer.cost_cents), default=None)
    told_home = (None, None) if one.home is None else (one.home.cheapest, one.home.earliest)
    told_near = None if one.pickup is None else one.pickup.soonest
    return (
        _value(told_home[0]) == _of(cheapest)
        and _value(told_home[1]) == _of(earliest)
        and (_value(told_near) == _of(soonest))
    )


def _value(told: ArrivalDoc | PickupDoc | None) -> tuple[int, int] | None:
    if told is None:
        return None
    return told.cost_cents, epoch_s(told.deliver_by if isinstance(told, ArrivalDoc) else told.ready_at)


def _of(offer: Offer | None) -> tuple[int, int] | None:
    return None if offer is None else (offer.cost_cents, offer.deliver_by_s)

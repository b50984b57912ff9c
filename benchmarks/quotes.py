"""
How fast carts are quoted, whether the options are the best there are, and whether they are kept.

Carts are orders of three lines on the US network (without the data folder on one of its shape), each to its own
destination. In process: the desk's command planned on a state, as the desk's thread does for each call, the document
encoded; moments are spread over a day. Through HTTP: POST /v1/quotes of a real server beside an empty endpoint that
validates the same body, in turns (benchmarks/http_server.py), then at a fixed rate of independent arrivals, time
counted from when each was due. Keys of the figures:

    quotes_per_s_in_process         one over the mean; ms_mean, ms_p50, ms_p99 of a quote; options_mean of it
    quotes_per_s, empty_per_s       requests a second through HTTP, median of the rounds; …_rounds: each
    quotes_ratio_to_empty           of the medians
    p99_ms_at_half_load, …_at_80    at 50 and 80 % of quotes_per_s
    promise100_ms_p99, …_p50        of the command of POST /v1/promises with 100 skus (benchmarks/promise100.py)
    exact_share                     of `exact_carts`: the fastest, cheapest and greenest offer are those of all plans
    kept_share_quiet                of the options that were ordered, those allocated by their own plan
    kept_share_black_friday, …_sold_out   there by their date (benchmarks/quotes_kept.py); kept_…: counts
    failed                          answers other than 200; must be 0
"""

import gc
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from api.http.models.quotes import QuoteIn
from benchmarks import http, http_client, ledger, promise100, record
from benchmarks.http_server import EMPTY_QUOTE
from benchmarks.quotes_exact import exactness
from benchmarks.quotes_kept import kept_black_friday, kept_quiet, kept_sold_out
from benchmarks.record import Figures, percentile
from engine.desk.opening import state_of
from engine.desk.quote_docs import QuoteDoc
from engine.domain.order import Order
from engine.domain.units import epoch_s, utc
from engine.network.model import Network
from tests.ledger_twin import LedgerTwin

QUOTES = "/v1/quotes"
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    quotes: int  # in process
    rounds: int
    requests: int  # of a round
    empties: int
    seconds: float  # of each rate
    exact: int  # carts on random networks
    exact_us: int
    kept: int  # carts of each share
    promises: int  # calls of 100 skus
    warm: int = 200
    num_nodes: int = 1_047  # of a made-up network
    num_skus: int = 3_800


FULL = Sizes(
    quotes=4_000,
    rounds=5,
    requests=3_000,
    empties=6_000,
    seconds=10.0,
    exact=1_000,
    exact_us=200,
    kept=400,
    promises=500,
    warm=400,
)
QUICK = Sizes(
    quotes=500,
    rounds=2,
    requests=500,
    empties=1_500,
    seconds=2.0,
    exact=100,
    exact_us=10,
    kept=40,
    promises=60,
    num_nodes=200,
    num_skus=600,
)


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool) -> Figures:
    """Measure; print, add to the history."""
    world = ledger.Sizes(
        orders=sizes.quotes,
        warm=sizes.warm,
        feed_rows=0,
        start=(),
        processes=(),
        num_nodes=sizes.num_nodes,
        num_skus=sizes.num_skus,
    )
    network, orders, source = ledger.shop(data, world, seed)
    orders = [order for order in orders if order.destination is not None]
    print(f"{source}; three-line carts; {http.CONNECTIONS} connections")
    figures: Figures = {"source": source, "carts": len(orders), "connections": http.CONNECTIONS, "failed": 0}
    figures |= in_process(network, orders, sizes.warm, seed)
    print(
        f"in process: {figures['quotes_per_s_in_process']:,} quotes/s; p50 {figures['ms_p50']}, "
        f"p99 {figures['ms_p99']} ms; {figures['options_mean']} options"
    )
    with TemporaryDirectory(dir=record.folder(None, quick=True)) as folder:
        url = f"sqlite:///{folder}/ledger.db"
        spec = {"data": str(data) if data else None, "seed": seed, "url": url, "sizes": asdict(world)}
        with http.server(spec, Path(folder) / "log") as port:
            _through_http(port, [body_of(order) for order in orders], sizes, figures, seed)
    calls = promise100.Sizes(calls=sizes.promises, http=0, tested=0)
    found = promise100.in_process(network, orders, calls, seed)
    figures |= {name: value for name, value in found.items() if name.startswith("promise100_")}
    print(f"100 skus promised: p50 {figures['promise100_ms_p50']}, p99 {figures['promise100_ms_p99']} ms")
    figures |= exactness(network, orders, sizes.exact, sizes.exact_us)
    print(f"exact: {figures['exact_share']:.2%} of {figures['exact_carts']:,} carts")
    for name, kept in (
        ("quiet", kept_quiet(network, orders[: sizes.kept])),
        ("black_friday", kept_black_friday(network, orders[: 8 * sizes.kept], seed)),
        ("sold_out", kept_sold_out(network, orders[: 4 * sizes.kept], seed)),
    ):
        share = kept.same_share if name == "quiet" else kept.share
        figures |= {f"kept_share_{name}": share, f"kept_{name}": asdict(kept)}
        print(
            f"{name.replace('_', ' ')}: {kept.ordered:,} options ordered, {kept.same:,} the same, {kept.kept:,} kept "
            f"by another plan, {kept.changed:,} not kept, {kept.explained:,} of these explained"
        )
    record.append(results, "quotes", figures, seed=seed, quick=quick)
    return figures


def in_process(network: Network, orders: Sequence[Order], warm: int, seed: int) -> Figures:
    """The desk's command on a state, one after the other, as its thread plans them."""
    opened_s = epoch_s(network.as_of) + 3_600
    state = state_of(network, LedgerTwin(), opened_s)
    dice = np.random.default_rng([seed, 7])
    moments = (opened_s + np.sort(dice.integers(0, DAY_S, len(orders)))).tolist()
    bodies = [QuoteIn.model_validate_json(body_of(order)) for order in orders]
    commands = [body.command(utc(at)) for body, at in zip(bodies, moments, strict=True)]
    for command in commands[:warm]:
        command.plan(state)
    ledger.as_served()
    spent_ms, options = [], []
    for command, now_s in zip(commands[warm:], moments[warm:], strict=True):
        state.at(now_s)
        began = perf_counter()
        body = command.plan(state).answer.body
        spent_ms.append(1_000 * (perf_counter() - began))
        options.append(len(msgspec.json.decode(body, type=QuoteDoc).options))
    gc.unfreeze()
    mean = float(np.mean(spent_ms))
    return {
        "quotes_per_s_in_process": round(1_000 / mean),
        "ms_mean": round(mean, 3),
        **{f"ms_p{percent}": round(float(np.percentile(spent_ms, percent)), 3) for percent in (50, 99)},
        "options_mean": round(float(np.mean(options)), 1),
    }


def _through_http(port: int, bodies: Sequence[bytes], sizes: Sizes, figures: Figures, seed: int) -> None:
    """Empty and quoting rounds, one after the other; then times of answers at shares of the load that was reached."""
    quotes, empties = _requests(bodies, QUOTES), _requests(bodies, EMPTY_QUOTE)
    http_client.closed(port, _some(quotes, 0, sizes.warm), http.CONNECTIONS)
    http_client.closed(port, _some(empties, 0, sizes.warm), http.CONNECTIONS)
    rounds: dict[str, list[int]] = {"empty": [], "quotes": []}
    for number in range(sizes.rounds):
        for name, requests, count in (("empty", empties, sizes.empties), ("quotes", quotes, sizes.requests)):
            load = http_client.closed(port, _some(requests, number * count, count), http.CONNECTIONS)
            figures["failed"] += load.failed
            rounds[name].append(round(load.per_s))
        print(f"round {number + 1}: empty {rounds['empty'][-1]:,}/s, quotes {rounds['quotes'][-1]:,}/s")
    for name, found in rounds.items():
        figures[f"{name}_per_s"], figures[f"{name}_rounds"] = round(median(found)), found
    figures["quotes_ratio_to_empty"] = round(figures["quotes_per_s"] / figures["empty_per_s"], 3)
    print(f"quotes at {figures['quotes_ratio_to_empty']:.0%} of the empty endpoint")
    for share, key in ((50, "half_load"), (80, "80")):
        per_s = figures["quotes_per_s"] * share / 100
        count = max(50, round(per_s * sizes.seconds))
        load = http_client.opened(port, _some(quotes, 0, count), 4 * http.CONNECTIONS, per_s, seed)
        figures["failed"] += load.failed
        for percent in (50, 99):
            figures[f"p{percent}_ms_at_{key}"] = percentile(load.spent_ms, percent)
        told = f"p50 {figures[f'p50_ms_at_{key}']} ms, p99 {figures[f'p99_ms_at_{key}']} ms"
        print(f"at {share} % of that, {per_s:,.0f} requests/s: {told}")


def body_of(order: Order) -> bytes:
    """A cart as a caller sends it."""
    whole = http.body_of(order)
    body: dict[str, Any] = {name: whole[name] for name in ("lines", "channel", "methods", "destination")}
    return json.dumps(body).encode()


def _requests(bodies: Sequence[bytes], path: str) -> list[bytes]:
    """Requests as they are sent."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: "
    return [head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]


def _some(requests: Sequence[bytes], first: int, count: int) -> list[bytes]:
    """So many of them from one on, again and again."""
    return [requests[(first + i) % len(requests)] for i in range(count)]

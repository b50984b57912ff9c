"""
Recording and replaying: what a record adds to a decision, and whether all come out the same to the last bit.

On the demo, US and French networks (the last two with real data; without it a made-up network in the shape of the US
one) orders are decided in turn, each on the stock that the ones before have left, with a recorder and beside it by an
engine without one, which of them first in turns. Then every journal is replayed: by an engine of this process, in a
fresh process, by two processes, and with other numbers of threads. Keys of the figures, by network and in ``all``:

    decisions           recorded
    record_us_p50/p99   microseconds that recording adds to a decision, difference of each pair
    own_us_p50/p99      microseconds of the recorder's own work: taking the event, encoding and writing it
    decide_us_p50       of a decision without recorder
    bytes_per_decision  of the journal, header and commits included
    replay_per_s        decisions, by one process, networks and kernels loaded
    equal, verified, different
                        decided again bit for bit; cut short by a solver's clock, so every rule and cent checked; rest
    runs                by name of a run, the same three counts
    same_everywhere     whether all runs say the same of each decision
    cut, stronger       decisions whose solver was stopped by its clock, and all that the stronger method made
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, perf_counter_ns
from typing import Any

import numpy as np

from api.cli.networks import network_named
from benchmarks import record
from benchmarks.generated import generated_network, generated_orders
from benchmarks.record import ROOT, Figures, percentile
from benchmarks.worlds import Spec, sizes_of, world
from engine.adapters.folder import read_network, write_network
from engine.adapters.imports.fr import fr_orders
from engine.adapters.journal import Journal, JournalWriter
from engine.decide.engine import Engine
from engine.decide.events import AnyEvent, Decided, Source, header_of
from engine.decide.record import Recorder
from engine.decide.replay import Outcome, Player, decisions_of
from engine.domain.order import Order
from engine.network.model import Network
from scenarios.demo import demo_orders

START = "from api.cli.main import main; main()"
TARGET_US = 50.0
DEADLINE_MS = 2_000  # of the few orders that need the stronger method; less than a shop's, so that more are cut short
WARM = 20  # first decisions, which are not timed
# Every run but the first is a fresh process: arguments of the command, then its environment.
RUNS: Mapping[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "fresh process": ((), {}),
    "two workers": (("--workers", "2"), {}),
    "one thread": ((), {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}),
    "two threads": ((), {"NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "2"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Decisions by network."""

    demo: int
    us: int
    fr: int
    num_nodes: int = 300  # of a made-up network
    num_skus: int = 1_000


FULL = Sizes(demo=2_000, us=5_500, fr=2_500)
QUICK = Sizes(demo=120, us=120, fr=120)


class _TimedWriter(JournalWriter):
    """Notes how long each event takes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.spent_ns: dict[int, int] = {}
        super().__init__(*given, **named)

    def append(self, event: AnyEvent) -> None:
        began = perf_counter_ns()
        super().append(event)
        if isinstance(event, Decided):
            self.spent_ns[event.seq] = perf_counter_ns() - began


def run(data: Path | None, sizes: Sizes, *, seed: int, results: Path, quick: bool) -> Figures:
    """Record and replay on every network; print, add to the history."""
    figures: Figures = {}
    with TemporaryDirectory() as folder:
        for name in ("demo", "us", "fr") if data is not None else ("demo", "made-up"):
            figures[name] = _of_network(name, Path(folder), data, sizes, seed)
            _print(name, figures[name])
    parts = list(figures.values())
    figures["all"] = {
        **{key: sum(part[key] for part in parts) for key in ("decisions", *Outcome, "cut", "stronger")},
        "same_everywhere": all(part["same_everywhere"] for part in parts),
        "record_us_p50": max(part["record_us_p50"] for part in parts),
        "target_us": TARGET_US,
    }
    record.append(results, "replay", figures, seed=seed, quick=quick)
    _print("all", figures["all"])
    return figures


def _of_network(name: str, folder: Path, data: Path | None, sizes: Sizes, seed: int) -> Figures:
    network, orders, source = _world(name, folder, data, sizes, seed)
    path = folder / f"{name}.ndjson"
    figures = _recorded(network, orders, source, path)
    figures |= _replayed(network, path)
    runs: dict[str, dict[str, int]] = {"this process": {outcome: figures[outcome] for outcome in Outcome}}
    verdicts = [figures.pop("verdicts")]
    for words, (arguments, environment) in RUNS.items():
        more = ("--data", str(data)) if data is not None else ()
        counts, found = _apart(path, (*arguments, *more), environment)
        runs[words] = counts
        verdicts.append(found)
    return {**figures, "runs": runs, "same_everywhere": all(found == verdicts[0] for found in verdicts)}


def _world(name: str, folder: Path, data: Path | None, sizes: Sizes, seed: int) -> tuple[Network, list[Order], Source]:
    """A network as the command line loads it, so that another process finds the same."""
    if name == "made-up":
        write_network(generated_network(sizes.num_nodes, sizes.num_skus, seed), folder / "network")
        network = read_network(folder / "network")
        orders = generated_orders(network, sizes_of("consumer", sizes.us, seed), seed)
        return network, orders, Source(network="network")
    network = network_named(name, data=data, seed=seed)
    source = Source(network=name, seed=seed)
    if name == "demo":
        return network, demo_orders(network, sizes.demo, seed), source
    assert data is not None, "real networks need data"
    if name == "fr":
        return network, fr_orders(network, data, sizes.fr, seed), source
    return network, world(Spec(data=data, count=sizes.us, seed=seed), network).orders, source


def _recorded(network: Network, orders: list[Order], source: Source, path: Path) -> Figures:
    """Decide with a recorder and without, side by side on the same stock, taking turns in who is first."""
    engine, other = Engine(network, guard=False), Engine(network, guard=False)
    header = header_of(network, engine.policy, engine.live.num_days, source)
    with_ns, without_ns = [], []
    writer = _TimedWriter(path, header)
    with writer:
        recorder = Recorder(engine, writer)
        for i, order in enumerate(orders):
            if i % 2:
                began = perf_counter_ns()
                other.decide(order, DEADLINE_MS)
                without_ns.append(perf_counter_ns() - began)
            began = perf_counter_ns()
            decision = recorder.decide(order, DEADLINE_MS)
            with_ns.append(perf_counter_ns() - began)
            if not i % 2:
                began = perf_counter_ns()
                other.decide(order, DEADLINE_MS)
                without_ns.append(perf_counter_ns() - began)
            recorder.commit(decision)
            other.hold(decision.plan)
    added = (np.array(with_ns) - np.array(without_ns))[WARM:] / 1000
    own = np.array(list(writer.spent_ns.values()))[WARM:] / 1000
    return {
        "decisions": len(orders),
        "record_us_p50": percentile(added, 50),
        "record_us_p99": percentile(added, 99),
        "own_us_p50": percentile(own, 50),
        "own_us_p99": percentile(own, 99),
        "decide_us_p50": percentile(np.array(without_ns)[WARM:] / 1000, 50),
        "bytes_per_decision": round(path.stat().st_size / len(orders)),
    }


def _replayed(network: Network, path: Path) -> Figures:
    journal = Journal(path)
    events = [journal.event(entry) for entry in journal.entries if entry.kind == "decide"]
    player = Player(journal, network)
    began = perf_counter()
    verdicts = [asdict(verdict) for verdict in player.run(frozenset(decisions_of(journal)))]
    spent_s = perf_counter() - began
    return {
        "replay_per_s": round(len(verdicts) / spent_s),
        **_counts(verdicts),
        "cut": sum(event.cut for event in events if isinstance(event, Decided)),
        "stronger": sum(event.plan.method == "mip" for event in events if isinstance(event, Decided)),
        "verdicts": verdicts,
    }


def _counts(verdicts: list[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(verdict["outcome"] for verdict in verdicts)
    return {outcome.value: counts[outcome] for outcome in Outcome}


def _apart(path: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[dict[str, int], Any]:
    """Replay by a fresh process of the command line: its counts, and what it says of each decision."""
    done = subprocess.run(
        [sys.executable, "-c", START, "replay", str(path), "--json", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"The command line ended with code {done.returncode}: {done.stderr.strip()[-500:]}")
    *rows, summary = [json.loads(row) for row in done.stdout.splitlines()]
    return {outcome.value: summary[outcome] for outcome in Outcome}, rows


def _print(name: str, figures: Figures) -> None:
    same = "all runs agree" if figures["same_everywhere"] else "runs differ"
    print(
        f"{name:<8} {figures['decisions']:>6,} decisions: {figures['equal']:,} equal, "
        f"{figures['verified']:,} verified, {figures['different']:,} different; {same}; "
        f"{figures['stronger']:,} by the stronger method, {figures['cut']:,} cut by a solver's clock"
    )
    if "runs" in figures:
        print(
            f"         recording adds {figures['record_us_p50']} us (p99 {figures['record_us_p99']}; own work "
            f"{figures['own_us_p50']}, p99 {figures['own_us_p99']}) to {figures['decide_us_p50']} us, "
            f"{figures['bytes_per_decision']:,} bytes; replayed {figures['replay_per_s']:,}/s"
        )

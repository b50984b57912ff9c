"""From a fresh process of the command line to its decision, compiled kernels in the cache."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import record
from benchmarks.record import ROOT, Figures

START = "from api.cli.main import main; main()"
POSTCODES = {"demo": "75011", "us": "60601"}
REPEATS, REPEATS_QUICK = 7, 3
TARGET_S = 3.0


def run(data: Path | None, *, seed: int, results: Path, quick: bool) -> Figures:
    """Time `sourcewise decide` on the demo and, where there is data, on the US network; print, add to the history."""
    repeats = REPEATS_QUICK if quick else REPEATS
    figures: Figures = {"demo": _network_figures("demo", _demo_skus(), None, seed, repeats)}
    if data is not None:
        figures["us"] = _network_figures("us", _us_skus(data), data, seed, repeats)
    figures["seconds_max"] = max(figures[name]["seconds"] for name in figures)
    figures["target_s"] = TARGET_S
    record.append(results, "cold-start", figures, seed=seed, quick=quick)
    for name in ("demo", "us"):
        if name in figures:
            row = figures[name]
            spread = f"{row['fastest_s']:.2f} to {row['slowest_s']:.2f}"
            print(f"{name:<5} {row['seconds']:.2f} s (median of {repeats}; {spread}), processor {row['cpu_s']:.2f} s")
            print("      " + ", ".join(f"{step} {spent:.0f} ms" for step, spent in row["phases_ms"].items()))
    if data is None:
        print("us    left out: no data folder")
    return figures


def _demo_skus() -> tuple[str, str]:
    from scenarios.demo import demo_network

    skus = demo_network(1).skus.ids
    return skus[0], skus[20]


def _us_skus(data: Path) -> tuple[str, str]:
    from engine.adapters.imports.us import us_network

    skus = us_network(data, num_stores=1).skus.ids
    return skus[0], skus[20]


def _network_figures(name: str, skus: tuple[str, str], data: Path | None, seed: int, repeats: int) -> Figures:
    """The first run fills caches (kernels, the built network, bytecode) and is not counted."""
    order = ["--sku", skus[0], "--sku", f"{skus[1]}:2", "--postcode", POSTCODES[name]]
    command = ["-c", START, "decide", "--network", name, *order, "--seed", str(seed), "--json"]
    if data is not None:
        command += ["--data", str(data)]
    spent = [_timed(command) for _ in range(repeats + 1)][1:]
    seconds = [wall_s for wall_s, _, _ in spent]
    phases = _timed(["-m", "benchmarks.phases", name, str(data or ""), str(seed), POSTCODES[name], *skus])[2]
    return {
        "seconds": round(median(seconds), 2),
        "fastest_s": round(min(seconds), 2),
        "slowest_s": round(max(seconds), 2),
        "cpu_s": round(median(cpu_s for _, cpu_s, _ in spent), 2),
        "phases_ms": json.loads(phases),
    }


def _timed(arguments: list[str]) -> tuple[float, float, str]:
    """Seconds by the clock, seconds of processor time, and the last line printed of a fresh Python."""
    # Bytecode is kept, as everywhere else, even where this process was told not to.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    cpu_s, began = _cpu_of_children_s(), perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=False, env=environment
    )
    spent = perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"The command line ended with code {done.returncode}: {done.stderr.strip()[-500:]}")
    return spent, _cpu_of_children_s() - cpu_s, done.stdout.rstrip().rpartition("\n")[2]


def _cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

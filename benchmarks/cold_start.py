"""From a fresh process of the command line to its decision, compiled kernels in the cache."""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import record
from benchmarks.record import ROOT, Figures

START = "from api.cli.main import main; main()"
REPEATS, REPEATS_QUICK = 7, 3
TARGET_S = 3.0


def run(data: Path | None, *, seed: int, results: Path, quick: bool) -> Figures:
    """Time `sourcewise decide` on the demo and, where there is data, on the US network; print, add to the history."""
    repeats = REPEATS_QUICK if quick else REPEATS
    figures: Figures = {"demo": _network_figures("demo", _demo_order(), None, seed, repeats)}
    if data is not None:
        figures["us"] = _network_figures("us", _us_order(data), data, seed, repeats)
    figures["seconds_max"] = max(figures[name]["seconds"] for name in figures)
    figures["target_s"] = TARGET_S
    record.append(results, "cold-start", figures, seed=seed, quick=quick)
    for name in ("demo", "us"):
        if name in figures:
            row = figures[name]
            spread = f"{row['fastest_s']:.2f} to {row['slowest_s']:.2f}"
            print(f"{name:<5} {row['seconds']:.2f} s (median of {repeats}; {spread})")
    if data is None:
        print("us    left out: no data folder")
    return figures


def _demo_order() -> list[str]:
    from scenarios.demo import demo_network

    skus = demo_network(1).skus.ids
    return ["--sku", skus[0], "--sku", f"{skus[20]}:2", "--postcode", "75011"]


def _us_order(data: Path) -> list[str]:
    from engine.adapters.imports.us import us_network

    skus = us_network(data, num_stores=1).skus.ids
    return ["--sku", skus[0], "--sku", f"{skus[20]}:2", "--postcode", "60601"]


def _network_figures(name: str, order: list[str], data: Path | None, seed: int, repeats: int) -> Figures:
    """The first run fills caches (kernels, the built network) and is not counted."""
    command = [sys.executable, "-c", START, "decide", "--network", name, *order, "--seed", str(seed), "--json"]
    if data is not None:
        command += ["--data", str(data)]
    spent = [_seconds(command) for _ in range(repeats + 1)][1:]
    return {"seconds": round(median(spent), 2), "fastest_s": round(min(spent), 2), "slowest_s": round(max(spent), 2)}


def _seconds(command: list[str]) -> float:
    began = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    spent = perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"The command line ended with code {done.returncode}: {done.stderr.strip()[-500:]}")
    return spent

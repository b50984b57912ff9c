"""One JSON line per run: what was measured, on which commit and machine, from which seed."""

import json
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "benchmarks" / "README.md"
RESULTS_QUICK = ROOT / "out" / "benchmarks"  # not under version control

Figures = dict[str, Any]


def percentile(values: ArrayLike, percent: float) -> float:
    """Rounded to a tenth; 0 of nothing."""
    all_values = np.asarray(values, dtype=np.float64)
    return round(float(np.percentile(all_values, percent)), 1) if len(all_values) else 0.0


@cache
def commit() -> str:
    """The short id of the commit, with a + where the tree differed from it at first; empty outside a checkout."""
    shown = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return shown.stdout.strip() if shown.returncode == 0 else ""


def machine() -> str:
    """Processor, cores, operating system, Python and numba in one line."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [row.split(":", 1)[1].strip() for row in info.read_text().splitlines() if row.startswith("model name")]
        model = names[0] if names else model
    cores = f"{os.cpu_count()} cores"
    return f"{model}, {cores}, {platform.system()}, Python {platform.python_version()}, numba {numba.__version__}"


def folder(given: Path | None, *, quick: bool) -> Path:
    """Where results go; made where absent. Quick runs stay out of the tracked history."""
    out = given or (RESULTS_QUICK if quick else RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    return out


def append(out: Path, name: str, figures: Figures, *, seed: int, quick: bool) -> None:
    """Add a line to the history of a benchmark."""
    line = {"benchmark": name, "commit": commit(), "machine": machine(), "seed": seed, "quick": quick, **figures}
    with (out / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def add_row(readme: Path, figures: Figures, seed: int) -> None:
    """Add a full run of one-order to the table of runs, the last table of the README."""
    f = figures
    equal = f["num_equal_checked"] - len(f["different_rows"])
    cells = (
        commit(),
        machine(),
        seed,
        f"{f['kernel_us_p50']} / {f['kernel_us_p99']}",
        f["decide_us_p50"],
        f"{f['decisions_per_s']:,}",
        f"{f['speedup_cpsat']:,.0f} / {f['speedup_highs']:,.0f}",
        f"{f['speedup_cpsat_by_set']:,.0f} / {f['speedup_highs_by_set']:,.0f}",
        f"{equal:,} of {f['num_orders']:,}",
    )
    text = readme.read_text(encoding="utf-8").rstrip("\n")
    readme.write_text(f"{text}\n| {' | '.join(str(cell) for cell in cells)} |\n", encoding="utf-8")

"""
The same orders by CP-SAT and by HiGHS, in processes of their own, which build the same world from the same seed.

`python -m benchmarks.race FOLDER PART PARTS LIMIT_S`, with the world in FOLDER/spec.json and the rows to solve in
FOLDER/rows.json, takes every PARTS-th of these and writes a line to FOLDER/PART.jsonl when it starts one, and one when
it is done with it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from benchmarks.peers import cpsat, highs
from benchmarks.peers.cpsat import Result
from benchmarks.peers.instance import instance_of
from benchmarks.prepared import Prepared
from benchmarks.record import ROOT
from benchmarks.worlds import Spec, world

PEERS = ("cpsat", "highs")
POLL_S = 0.2
TELL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Results by row of the order and peer, and the rows that were begun when time was up."""

    results: dict[int, dict[str, Result]]
    begun: tuple[int, ...]


def race_rows(prepared: Prepared, rows: Iterable[int], limit_s: float) -> Iterator[dict[str, Any]]:
    """
    Solve orders by both peers, one line of data when an order begins and one when it is done.

    Reading the facts of an order is shared by both and not timed for either.
    """
    for row in rows:
        yield {"row": row}
        instance = instance_of(prepared.request(row))
        first = cpsat.solve_instance(instance, limit_s=limit_s)
        second = highs.solve_instance(instance, limit_s=limit_s)
        yield {"row": row, "cpsat": asdict(first), "highs": asdict(second)}


def race_here(prepared: Prepared, rows: Iterable[int], limit_s: float) -> Race:
    """The race in this process."""
    return _collected(race_rows(prepared, rows, limit_s))


def race_apart(spec: Spec, rows: Sequence[int], *, workers: int, limit_s: float, budget_s: float | None) -> Race:
    """The race in so many processes, in the order of `rows`, until all are done or the budget is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = {**asdict(spec), "data": str(spec.data) if spec.data else None}
        (folder / "spec.json").write_text(json.dumps(given), encoding="utf-8")
        (folder / "rows.json").write_text(json.dumps(list(rows)), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.race", name]
        started = perf_counter()
        processes = [
            subprocess.Popen([*command, str(part), str(workers), str(limit_s)], stdout=subprocess.DEVNULL, cwd=ROOT)
            for part in range(workers)
        ]
        try:
            _wait(processes, folder, len(rows), started, budget_s)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        return _collected(_lines(folder))


def _wait(
    processes: list[subprocess.Popen[bytes]], folder: Path, count: int, started: float, budget_s: float | None
) -> None:
    told = started
    while any(process.poll() is None for process in processes):
        now = perf_counter()
        if budget_s is not None and now - started > budget_s:
            return
        if now - told > TELL_S:
            done = len(_collected(_lines(folder)).results)
            print(f"  peers: {done} of {count} orders after {now - started:.0f} s", file=sys.stderr)
            told = now
        sleep(POLL_S)
    failed = [process.returncode for process in processes if process.returncode]
    if failed:
        raise RuntimeError(f"A process of the race ended with code {failed[0]}.")


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):  # the last one may be half written
                yield json.loads(line)


def _collected(lines: Iterable[dict[str, Any]]) -> Race:
    results: dict[int, dict[str, Result]] = {}
    begun: list[int] = []
    for line in lines:
        if "cpsat" in line:
            results[line["row"]] = {peer: Result(**line[peer]) for peer in PEERS}
        else:
            begun.append(line["row"])
    return Race(results=results, begun=tuple(row for row in begun if row not in results))


def main(arguments: list[str]) -> None:
    """Run one part of a race."""
    folder, part, parts, limit_s = Path(arguments[0]), int(arguments[1]), int(arguments[2]), float(arguments[3])
    given = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    spec = Spec(**{**given, "data": Path(given["data"]) if given["data"] else None})
    rows: list[int] = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    prepared = Prepared(world(spec))
    with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as file:
        for line in race_rows(prepared, rows[part::parts], limit_s):
            file.write(json.dumps(line) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

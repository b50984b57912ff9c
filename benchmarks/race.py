"""
The same orders by CP-SAT and by HiGHS, in processes of their own, which build the same world from the same seed.

`python -m benchmarks.race FOLDER PART PARTS`, with the task in FOLDER/task.json, takes every PARTS-th of its jobs and
writes a line to FOLDER/PART.jsonl when it starts one, and one when it is done with it. A folder that is kept lets a
race that was cut go on.
"""

import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from benchmarks import record
from benchmarks.peers import cpsat, highs
from benchmarks.peers.cpsat import Result
from benchmarks.peers.formulation import BY_NODE, BY_SET
from benchmarks.peers.instance import Reader
from benchmarks.prepared import Prepared
from benchmarks.record import ROOT
from benchmarks.worlds import Spec, world
from engine.domain.errors import InputError

PEERS = ("cpsat", "highs")
SOLVERS = {"cpsat": cpsat.solve_instance, "highs": highs.solve_instance}
SET_SUFFIX = "_by_set"  # of a peer's name: its answer to the smaller program
POLL_S = 0.2
TELL_S = 10.0
SET_LIMIT_S = 60.0  # of each peer for the program by set, which is to prove every order


SUFFIXES = {BY_NODE: "", BY_SET: SET_SUFFIX}

Job = tuple[int, str]  # row of an order, kind of program


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """
    Results by row of the order and name, rows that were only begun when time was up, how many jobs were done before.

    The name is that of the peer for the program by node, which not every row needs to have, and ends with SET_SUFFIX
    for the one by set.
    """

    results: dict[int, dict[str, Result]]
    begun: tuple[int, ...]
    num_resumed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to race: `rows` get the program by set, `node_rows` among them the one by node too."""

    rows: tuple[int, ...]
    node_rows: tuple[int, ...]
    limit_s: float  # of each peer for the program by node

    def jobs(self) -> list[Job]:
        """Both kinds in turns, in proportion: a race that is cut has some of each."""
        by_set = [(at / len(self.rows), 0, (row, BY_SET)) for at, row in enumerate(self.rows)]
        by_node = [(at / len(self.node_rows), 1, (row, BY_NODE)) for at, row in enumerate(self.node_rows)]
        return [job for _, _, job in sorted(by_set + by_node)]


def every(rows: Sequence[int], sizes: Sequence[int], step: int) -> tuple[int, ...]:
    """
    Every so many of the rows, in the same shares of small and large orders (`sizes` by row) as all, smallest first.

    The large ones take longest and gain most: those that a cut leaves out would not lower the median.
    """
    return tuple(sorted(rows, key=lambda row: sizes[row])[step // 2 :: step])


def race_jobs(prepared: Prepared, jobs: Sequence[Job], limit_s: float) -> Iterator[dict[str, Any]]:
    """
    Solve orders by both peers, one line of data when a job begins and one when it is done.

    Reading the facts of an order is shared by both and not counted for either.
    """
    reader = Reader(prepared.request(0).tools)
    for row, kind in jobs:
        line: dict[str, Any] = {"row": row, "kind": kind}
        yield line
        began = perf_counter()
        instance = reader.read(prepared.request(row))
        facts_s = perf_counter() - began
        limit = limit_s if kind == BY_NODE else SET_LIMIT_S
        results = {peer: SOLVERS[peer](instance, kind, facts_s=facts_s, limit_s=limit) for peer in PEERS}
        yield line | {"results": {peer: asdict(result) for peer, result in results.items()}}


def race_here(prepared: Prepared, task: Task) -> Race:
    """The race in this process."""
    return _collected(race_jobs(prepared, task.jobs(), task.limit_s))


def race_apart(
    spec: Spec,
    task: Task,
    *,
    workers: int,
    budget_s: float | None = None,
    kept: Path | None = None,
    resume: bool = False,
) -> Race:
    """
    The race in so many processes, in the order of the jobs, until all are done or the budget is.

    Parameters
    ----------
    kept
        A folder for what is done so far; without it nothing is left.
    resume
        Go on with what is in that folder. Raises InputError where it is of another task, or of another commit.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = kept or Path(name)
        done = _prepare(folder, spec, task, resume=resume and kept is not None)
        command = [sys.executable, "-m", "benchmarks.race", str(folder)]
        started = perf_counter()
        processes = [
            subprocess.Popen([*command, str(part), str(workers)], stdout=subprocess.DEVNULL, cwd=ROOT)
            for part in range(workers)
        ]
        try:
            _wait(processes, folder, len(task.jobs()), started, budget_s)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        return _collected(_lines(folder), num_resumed=done)


def _prepare(folder: Path, spec: Spec, task: Task, *, resume: bool) -> int:
    """Write the task down, or check that it is the one there; the number of jobs that are done already."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {
        "commit": record.commit(),
        "spec": {**asdict(spec), "data": str(spec.data) if spec.data else None},
        "task": {"rows": list(task.rows), "node_rows": list(task.node_rows), "limit_s": task.limit_s},
    }
    file = folder / "task.json"
    known: list[dict[str, Any]] = []
    if resume:
        if not file.is_file():
            raise InputError(f"Folder ({folder}) holds no race to resume.", "leave --resume out.")
        if json.loads(file.read_text(encoding="utf-8")) != given:
            raise InputError(f"The race in ({folder}) has other orders or code.", "leave --resume out to start anew.")
        known = [line for line in _lines(folder) if "results" in line]
    for old in folder.glob("*.jsonl"):
        old.unlink()
    file.write_text(json.dumps(given), encoding="utf-8")
    (folder / "done.jsonl").write_text("".join(json.dumps(line) + "\n" for line in known), encoding="utf-8")
    return len(known)


def _wait(
    processes: list[subprocess.Popen[bytes]], folder: Path, count: int, started: float, budget_s: float | None
) -> None:
    told = started
    while any(process.poll() is None for process in processes):
        now = perf_counter()
        if budget_s is not None and now - started > budget_s:
            return
        if now - told > TELL_S:
            _tell(sum("results" in line for line in _lines(folder)), count, now - started)
            told = now
        sleep(POLL_S)
    failed = [process.returncode for process in processes if process.returncode]
    if failed:
        raise RuntimeError(f"A process of the race ended with code {failed[0]}.")


def _tell(done: int, count: int, spent_s: float) -> None:
    """A line with a bar; no guess of what is left, as the largest orders come last."""
    bar = ("#" * (30 * done // max(1, count))).ljust(30, ".")
    print(f"  peers [{bar}] {done:,} of {count:,} models after {spent_s:,.0f} s", file=sys.stderr, flush=True)


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):  # the last one may be half written
                yield json.loads(line)


def _collected(lines: Iterable[dict[str, Any]], num_resumed: int = 0) -> Race:
    results: dict[int, dict[str, Result]] = {}
    begun: dict[int, None] = {}
    for line in lines:
        begun[line["row"]] = None
        for peer, values in line.get("results", {}).items():
            results.setdefault(line["row"], {})[peer + SUFFIXES[line["kind"]]] = Result(**values)
    return Race(results=results, begun=tuple(row for row in begun if row not in results), num_resumed=num_resumed)


def main(arguments: list[str]) -> None:
    """One process of the race."""
    folder, part, parts = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    given = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    spec = given["spec"]
    prepared = Prepared(world(Spec(**{**spec, "data": Path(spec["data"]) if spec["data"] else None})))
    gc.collect()
    gc.freeze()  # the network stays: else the collector, walking it, would slow whoever happens to run down
    lines = [json.loads(line) for line in (folder / "done.jsonl").read_text(encoding="utf-8").splitlines()]
    done = {(line["row"], line["kind"]) for line in lines}
    task = Task(**given["task"])
    left = [job for job in task.jobs() if job not in done]
    with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as file:
        for line in race_jobs(prepared, left[part::parts], task.limit_s):
            file.write(json.dumps(line) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

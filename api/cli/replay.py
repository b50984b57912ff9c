"""sourcewise replay: recorded decisions made again, and whether they come out the same to the last bit."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.inputs import DataOption, JsonOption
from api.cli.journals import journal_network
from api.cli.networks import compile_kernels
from api.cli.screen import screen, step
from api.wording import plural

if TYPE_CHECKING:
    from engine.adapters.journal import Journal
    from engine.decide.replay import Verdict
    from engine.network.model import Network

SHOWN_MAX = 20  # decisions that differ, listed one by one
WORKERS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process needs to make some decisions of a journal again."""

    path: Path
    network: str | None
    data: Path | None
    seed: int | None
    policy: str | None
    wanted: tuple[int, ...]


def replay(
    file: Annotated[Path, typer.Argument(help="A journal, as decide --record writes it; .gz too.", metavar="JOURNAL")],
    order: Annotated[str | None, typer.Option("--order", help="Only the decisions of this order.")] = None,
    network_name: Annotated[
        str | None,
        typer.Option("--network", "-n", help="Else the one that the journal names.", metavar="FOLDER|demo|us|fr"),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Decide under this policy instead: what would it have changed?")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes.", min=1, max=WORKERS_MAX)] = 1,
    as_json: JsonOption = False,
    data: DataOption = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the network; else the one of the journal.")] = None,
) -> None:
    """Make recorded decisions again and compare, bit for bit. Exit code 0: none differs, 1: some do, 2: wrong input."""
    from engine.adapters.journal import Journal
    from engine.decide.replay import Outcome, decisions_of

    journal = Journal(file)
    if journal.cut_line is not None:
        _warn(f"Line {journal.cut_line} is cut short, as by a crash while it was written; all before it is replayed.")
    _warn_of_other_code(journal)
    seqs = decisions_of(journal, order)
    network = journal_network(journal, name=network_name, data=data, seed=seed)
    compile_kernels()
    jobs = [
        Job(path=file, network=network_name, data=data, seed=seed, policy=policy, wanted=part)
        for part in _parts(seqs, workers)
    ]
    with step(f"Deciding {plural(len(seqs), 'order')} again") if len(seqs) > 1 else nullcontext():
        verdicts = _run(jobs, journal, network)
    counts = Counter(verdict.outcome for verdict in verdicts)
    if as_json:
        for verdict in verdicts:
            print(json.dumps(asdict(verdict), ensure_ascii=False))
        print(json.dumps(_summary(journal, verdicts), ensure_ascii=False))
    else:
        _print(journal, network, verdicts, one=order is not None)
    if counts[Outcome.DIFFERENT]:
        raise typer.Exit(1)


def _parts(seqs: Sequence[int], workers: int) -> list[tuple[int, ...]]:
    """Equal shares of the decisions, in order; none is empty."""
    ends = [len(seqs) * i // workers for i in range(workers + 1)]
    shares = [tuple(seqs[a:b]) for a, b in pairwise(ends)]
    return [share for share in shares if share]


def _run(jobs: Sequence[Job], journal: "Journal", network: "Network") -> "list[Verdict]":
    """All jobs, each in a process of its own if there are several; verdicts in the order of the journal."""
    if not jobs:
        return []
    if len(jobs) == 1:
        return _verdicts(journal, network, jobs[0])
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from engine.decide.replay import require_same_network

    require_same_network(journal.header, network)
    with ProcessPoolExecutor(len(jobs), mp_context=get_context("spawn")) as pool:
        return [verdict for verdicts in pool.map(_apart, jobs) for verdict in verdicts]


def _apart(job: Job) -> "list[Verdict]":
    """A job in a process that has read nothing yet."""
    from engine.adapters.journal import Journal

    journal = Journal(job.path)
    return _verdicts(journal, journal_network(journal, name=job.network, data=job.data, seed=job.seed), job)


def _verdicts(journal: "Journal", network: "Network", job: Job) -> "list[Verdict]":
    from engine.decide.replay import Player

    instead = None if job.policy is None else network.policy(job.policy)
    return list(Player(journal, network, instead).run(frozenset(job.wanted)))


def _summary(journal: "Journal", verdicts: "Sequence[Verdict]") -> dict[str, object]:
    from engine.decide.replay import Outcome

    counts = Counter(verdict.outcome for verdict in verdicts)
    return {
        "decisions": len(verdicts),
        **{str(outcome): counts[outcome] for outcome in Outcome},
        "events": len(journal.entries),
        "cut_line": journal.cut_line,
        "format": journal.header.format,
        "sourcewise": journal.header.sourcewise,
        "same_code": _same_code(journal),
    }


def _print(journal: "Journal", network: "Network", verdicts: "Sequence[Verdict]", *, one: bool) -> None:
    from engine.decide.replay import Outcome

    console = screen()
    counts = Counter(verdict.outcome for verdict in verdicts)
    if one:
        for verdict in verdicts:
            console.print(_told(journal, network, verdict), markup=False)
    else:
        different = [verdict for verdict in verdicts if verdict.outcome == Outcome.DIFFERENT]
        for verdict in different[:SHOWN_MAX]:
            console.print(_told(journal, network, verdict), markup=False)
        if len(different) > SHOWN_MAX:
            console.print(f"… and {len(different) - SHOWN_MAX:,} more; --json lists them all.")
    words = f"{plural(len(verdicts), 'decision')} on {network.name}: {counts[Outcome.EQUAL]:,} equal bit for bit"
    if counts[Outcome.VERIFIED]:
        words += f", {counts[Outcome.VERIFIED]:,} verified, not decided again: cut short by a solver's clock"
    console.print(f"{words}, {counts[Outcome.DIFFERENT]:,} different.", markup=False)


def _told(journal: "Journal", network: "Network", verdict: "Verdict") -> str:
    """One decision: how it compares, and what it was."""
    from api.wording import plan_headline

    plan = journal.decided(verdict.seq).plan
    words = f"Order {verdict.order_id} (line {verdict.line}): {verdict.outcome}"
    if verdict.field:
        words += f"; {verdict.field} was ({verdict.then}), is now ({verdict.now})"
    return f"{words}. {plan_headline(plan, network.currency)}"


def _same_code(journal: "Journal") -> bool:
    from engine.decide.events import code_digest

    return journal.header.code == code_digest()


def _warn_of_other_code(journal: "Journal") -> None:
    from engine.decide.events import library_versions, sourcewise_version

    header = journal.header
    if _same_code(journal):
        return
    now = library_versions()
    then = header.libraries
    other = [f"{name} {then[name]} then, {now.get(name)} now" for name in then if now.get(name) != then[name]]
    words = f"Sourcewise {header.sourcewise} with other sources decided these; this is {sourcewise_version()}."
    _warn(" ".join([words, f"Also: {', '.join(other)}." if other else "", "Differences may come from that."]))


def _warn(words: str) -> None:
    screen(errors=True).print(f"Warning: {words}", markup=False, style="yellow")

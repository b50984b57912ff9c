"""
The soak of reservations: many clients on few hot rows, calls repeated at once, later and after restarts.

It goes in phases; between two of them every server process ends and new ones are started on the same ledger, which
repeat calls from before. In the middle of a phase, with calls under way, and at its end the ledger is audited twice:
by its own `check`, and by sums in plain SQL.
"""

import multiprocessing
import time
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from engine.adapters.ledger import check, open_ledger
from tests.soak.calls import SCOPE
from tests.soak.shop import BEGAN_S, DAY_ORDERS, HOUR_ORDERS, HOUR_UNITS, NODES, shop
from tests.soak.sums import sums_of
from tests.soak.tally import Tally
from tests.soak.worker import Job, work

LOOK_S = 0.2
TELL_S = 10.0
LIMITS = [(DAY_ORDERS, HOUR_ORDERS, HOUR_UNITS)] * len(NODES) + [(-1, -1, -1)]


@dataclass(slots=True, kw_only=True)
class Soak:
    """
    Parameters
    ----------
    url
        Of an empty ledger.
    count
        Reservations to ask for, over all clients.
    clients, processes, phases
        The clients are dealt out to the processes; the processes are started anew for each phase.
    """

    url: str
    count: int
    clients: int = 16
    processes: int = 1
    phases: int = 4
    seed: int = 1
    quiet: bool = False
    tally: Tally = field(default_factory=Tally)
    audits: int = 0
    began_s: float = 0.0
    before: dict[int, int] = field(default_factory=dict)  # units on hand by row, when it began

    def run(self) -> dict[str, Any]:
        """Run all phases; the facts. `tally.wrong` is empty where all held."""
        context = multiprocessing.get_context("spawn")
        asked = context.Array("q", self.clients, lock=False)
        ledger = open_ledger(self.url)
        ledger.open(shop(), BEGAN_S)
        ledger.close()
        with sums_of(self.url) as sums:
            self.before = sums.on_hand()
        self.began_s = time.perf_counter()
        again: dict[tuple[int, int], int] = {}
        for phase in range(1, self.phases + 1):
            until = self.count * phase // self.phases // self.clients
            again = self._phase(context, asked, until, again)
            self._audit(whole=True)
            if self.tally.counts["wrong"]:
                break
        return self._facts(time.perf_counter() - self.began_s)

    def _phase(
        self, context: Any, asked: MutableSequence[int], until: int, again: dict[tuple[int, int], int]
    ) -> dict[tuple[int, int], int]:
        """Start processes, let them go, wait for them; what the next phase is to repeat."""
        running: list[tuple[BaseProcess, Connection]] = []
        for i in range(self.processes):
            numbers = tuple(range(i, self.clients, self.processes))
            # What a client was told before the restart, another process repeats where there are several.
            theirs = {at: value for at, value in again.items() if at[0] in numbers}
            job = Job(url=self.url, seed=self.seed, clients=numbers, until=until, again=theirs)
            ours, other = context.Pipe()
            process = context.Process(target=work, args=(job, asked, other))
            process.start()
            other.close()
            running.append((process, ours))
        for _, pipe in running:
            pipe.recv()
        for _, pipe in running:
            pipe.send("go")
        half, told_s = (sum(asked) + until * self.clients) // 2, time.perf_counter()
        audited = False
        kept: dict[tuple[int, int], int] = {}
        for process, pipe in running:
            while not pipe.poll(LOOK_S):
                if not audited and sum(asked) >= half:
                    audited = True
                    self._audit(whole=False)
                if time.perf_counter() - told_s > TELL_S:
                    told_s = time.perf_counter()
                    self._tell(sum(asked))
            tally: Tally = pipe.recv()
            kept |= tally.kept
            self.tally.add(tally)
            process.join()
        self.tally.kept = {}
        return kept

    def _audit(self, *, whole: bool) -> None:
        """Whether all holds; `whole`: no call is under way, so that the clients' own sums can be compared."""
        self.audits += 1
        ledger = open_ledger(self.url, writer="audit")
        try:
            for finding in check(ledger):
                self.tally.found(f"check: {finding}")
        finally:
            ledger.close()
        with sums_of(self.url) as sums:
            for wrong in sums.wrong(LIMITS):
                self.tally.found(wrong)
            if not whole:
                return
            for wrong in sums.lost(self.before):
                self.tally.found(wrong)
            found = sums.remembered(SCOPE)
            if found != (self.tally.done, self.tally.digests):
                self.tally.found(f"answers given and remembered differ: {self.tally.done} given, {found[0]} remembered")

    def _tell(self, number: int) -> None:
        if not self.quiet:
            seconds = time.perf_counter() - self.began_s
            print(f"  {number:>9,} of {self.count:,} reservations, {number / seconds:,.0f}/s", flush=True)

    def _facts(self, seconds: float) -> dict[str, Any]:
        with sums_of(self.url) as sums:
            tables = {table: sums.number(table) for table in ("reservations", "parts", "decisions", "events", "moves")}
        return {
            "reservations asked for": self.tally.counts["asked"],
            "clients": self.clients,
            "server processes": self.processes,
            "restarts": self.phases - 1,
            "seconds": round(seconds, 1),
            "reservations per second": round(self.tally.counts["asked"] / seconds),
            "answers remembered, each compared": self.tally.done,
            **{f"rows of {table}": number for table, number in tables.items()},
            "audits (check and SQL)": self.audits,
            **dict(sorted(self.tally.counts.items())),
            "must be 0: wrong": self.tally.counts["wrong"],
        }

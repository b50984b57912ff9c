"""
The soak of kills: the service, or PostgreSQL under it, is killed at random moments while callers load it.

After each kill everything is started again, and then: the ledger's own `check` and the sums in plain SQL find nothing;
every answer that a caller had on its disk is remembered word for word, and every allocation among them is there with
the shipments that were promised; what was asked and not answered is asked again with the same key; some calls that
were answered are repeated, and are answered the same.
"""

import http.client
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import msgspec
import numpy as np

from engine.adapters.ledger import check, open_ledger
from tests.soak.callers import Acknowledged, Asked, Caller, post
from tests.soak.servers import Servers
from tests.soak.shop import DAY_ORDERS, HOUR_ORDERS, HOUR_UNITS, NODES
from tests.soak.sums import Sums, sums_of
from tests.soak.tally import Tally

LOAD_S = (0.02, 0.4)  # when a kill comes, after the callers have begun
EARLY, EARLY_S = 0.1, 0.3  # share of rounds in which the next start is killed, too, within so many seconds
REPEATED = 3  # answered calls that each caller repeats after each restart
OLDER = 40  # answers from earlier rounds that are looked up again
TIMES = 40  # as much stock and room as in the soak of reservations
LIMITS = [(DAY_ORDERS * TIMES, HOUR_ORDERS * TIMES, HOUR_UNITS * TIMES)] * len(NODES) + [(-1, -1, -1)]
AFTER_S = 0.25  # of load after PostgreSQL was started again


class Round:
    """
    Callers, a service and a ledger, through many kills.

    Parameters
    ----------
    fresh
        Makes a new, empty ledger; the address.
    per_ledger
        Kills after which a new one is taken, so that looking at all of it stays quick.
    """

    def __init__(
        self, servers: Servers, fresh: Callable[[], str], folder: Path, *, seed: int, callers: int, per_ledger: int
    ) -> None:
        self.servers = servers
        self.fresh = fresh
        self.folder = folder
        self.seed = seed
        self.num_callers = callers
        self.per_ledger = per_ledger
        self.rng = np.random.default_rng([seed, 77])
        self.tally = Tally()
        self.slowest_s = 0.0
        self.slowest_postgres_s = 0.0
        self._sets = 0
        self._url = ""
        self._callers: list[Caller] = []
        self._read: dict[Caller, int] = {}
        self._before: dict[int, int] = {}

    def run(self, kills: int, tell: Callable[[str], None], crash: Callable[[], float] | None = None) -> None:
        """
        Kill so many times.

        Parameters
        ----------
        crash
            Kills PostgreSQL and starts it again, and says how long that took; without it the service is killed.
        """
        for number in range(kills):
            if number % self.per_ledger == 0:
                self._new_ledger(number > 0)
                port = self._start()
            for caller in self._callers:
                caller.start(port)
            sleep(float(self.rng.uniform(*LOAD_S)))
            if crash is None:
                self.servers.kill()
            else:
                self.slowest_postgres_s = max(self.slowest_postgres_s, crash())
                sleep(AFTER_S)
                for caller in self._callers:
                    caller.stop()
            for caller in self._callers:
                caller.join()
            self.tally.counts["kills under load"] += 1
            if crash is None:
                self._kill_early()
                port = self._start()
            self._verify(port)
            if (number + 1) % 10 == 0 or self.tally.counts["wrong"]:
                tell(f"  {number + 1} of {kills} kills, {self.tally.counts['acknowledged']:,} answers acknowledged")
            if self.tally.counts["wrong"]:
                break
        self._end_of_ledger()

    def _new_ledger(self, last: bool) -> None:
        if last:
            self._end_of_ledger()
        self._sets += 1
        self._url = self.fresh()
        self._callers = [
            Caller(self.seed, 100 * self._sets + i, self.folder / f"caller-{self._sets}-{i}.jsonl")
            for i in range(self.num_callers)
        ]
        self._read = dict.fromkeys(self._callers, 0)
        self._before = {}

    def _start(self) -> int:
        began = perf_counter()
        self.servers.begin(self._url)
        port = self.servers.port()
        self.slowest_s = max(self.slowest_s, perf_counter() - began)
        self.tally.counts["starts"] += 1
        if not self._before:
            with sums_of(self._url) as sums:
                self._before = sums.on_hand()
        return port

    def _kill_early(self) -> None:
        """Now and then, kill the next one while it starts."""
        if self.rng.random() < EARLY:
            self.servers.begin(self._url)
            sleep(float(self.rng.uniform(0, EARLY_S)))
            self.servers.kill()
            self.tally.counts["kills of a start"] += 1

    # --- what must hold

    def _verify(self, port: int) -> None:
        doubts = [caller.doubt for caller in self._callers if caller.doubt is not None]
        with sums_of(self._url) as sums:
            known = dict(_answers(sums, [asked.key for asked in doubts]))
        self.tally.counts["cut off"] += len(doubts)
        self.tally.counts["cut off, and done all the same"] += len(known)
        for caller in self._callers:
            caller.resolve(port)
        fresh = {caller: caller.told(self._read[caller]) for caller in self._callers}
        self._same_again(port, fresh)
        with sums_of(self._url) as sums:
            for told in fresh.values():
                self._remembered(sums, told)
            self._older(sums)
            for wrong in (*sums.wrong(LIMITS), *sums.lost(self._before)):
                self.tally.found(wrong)
        self._check()
        for caller, told in fresh.items():
            self._read[caller] = caller.file.stat().st_size if caller.file.exists() else 0
            self.tally.counts["acknowledged"] += len(told)

    def _same_again(self, port: int, fresh: dict[Caller, list[Acknowledged]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            for told in fresh.values():
                picked = self.rng.permutation(len(told))[:REPEATED].tolist()
                for one in (told[i] for i in picked):
                    status, text = post(connection, Asked(one.key, one.path, one.body))
                    self.tally.counts["repeated"] += 1
                    if (status, text) != (one.status, one.text):
                        self.tally.found(f"{one.key} was answered {one.status} {one.text}, now {status} {text}")
        finally:
            connection.close()

    def _remembered(self, sums: Sums, told: list[Acknowledged]) -> None:
        known = dict(_answers(sums, [one.key for one in told]))
        made = [one for one in told if one.path == "/v1/allocations"]
        documents = {one.key: msgspec.json.decode(one.text) for one in made}
        decided = dict(_decided(sums, [document["decision_id"] for document in documents.values()]))
        parts = _parts(sums, [document["order_id"] for document in documents.values()])
        for one in told:
            if known.get(one.key) != (one.status, one.text):
                self.tally.found(f"{one.key} was answered {one.text}; the ledger remembers {known.get(one.key)}")
        for one in made:
            document = documents[one.key]
            if decided.get(document["decision_id"]) != one.text:
                self.tally.found(
                    f"{one.key} was answered {one.text}; the ledger has {document['decision_id']} otherwise"
                )
            promised = {part["part"]: sum(line["quantity"] for line in part["lines"]) for part in document["shipments"]}
            if parts.get(document["order_id"], {}) != promised:
                self.tally.found(f"{one.key} was promised {promised}; its parts are {parts.get(document['order_id'])}")
        self.tally.counts["allocations compared"] += len(made)

    def _older(self, sums: Sums) -> None:
        """Some answers of earlier rounds."""
        for caller in self._callers:
            if self._read[caller]:
                told = caller.told()
                self._remembered(sums, [told[i] for i in self.rng.integers(0, len(told), OLDER // self.num_callers)])

    def _check(self) -> None:
        ledger = open_ledger(self._url, writer="audit")
        try:
            for finding in check(ledger):
                self.tally.found(f"check: {finding}")
        finally:
            ledger.close()
        self.tally.counts["audits"] += 1

    def _end_of_ledger(self) -> None:
        """All files once more, from the first line on; what the callers count. The server has nothing under way."""
        self.servers.kill()
        with sums_of(self._url) as sums:
            for caller in self._callers:
                self._remembered(sums, caller.told())
        for caller in self._callers:
            self.tally.counts["refused"] += caller.refused
            self.tally.counts["told to try again"] += caller.busy

    def facts(self, seconds: float) -> dict[str, Any]:
        """What happened."""
        counts: Counter[str] = self.tally.counts
        facts: dict[str, Any] = dict(sorted(counts.items())) | {"ledgers": self._sets, "seconds": round(seconds, 1)}
        facts["slowest start of the service, s"] = round(self.slowest_s, 2)
        if self.slowest_postgres_s:
            facts["slowest start of PostgreSQL, s"] = round(self.slowest_postgres_s, 2)
        return facts | {"must be 0: wrong": counts["wrong"]}


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "''"


def _answers(sums: Sums, keys: list[str]) -> Iterator[tuple[str, tuple[int, str]]]:
    for key, status, body in sums.rows(
        f"SELECT key, status, body FROM idempotency_keys WHERE key IN ({_listed(keys)})"
    ):
        yield key, (status, body)


def _decided(sums: Sums, names: list[str]) -> Iterator[tuple[Any, ...]]:
    text = f"SELECT decision_id, answer_json FROM decisions WHERE decision_id IN ({_listed(names)})"
    yield from sums.rows(text)


def _parts(sums: Sums, names: list[str]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    text = f"SELECT reservation_id, part, units FROM parts WHERE reservation_id IN ({_listed(names)})"
    for name, part, units in sums.rows(text):
        found.setdefault(name, {})[part] = units
    return found

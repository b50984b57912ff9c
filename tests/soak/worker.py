"""A server process of the soak: a desk on the shared ledger and the threads of its clients."""

from collections.abc import MutableSequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from engine.stock.ledger import Outcome
from engine.wiring import open_desk
from tests.soak.client import Client
from tests.soak.shop import Clock, shop
from tests.soak.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process does: its clients go on to `until` reservations each, after they repeated `again`."""

    url: str
    seed: int
    clients: tuple[int, ...]
    until: int
    again: dict[tuple[int, int], int]


class Conflicts:
    """Counts what a desk tells: calls that were overtaken, and engines that broke."""

    def __init__(self) -> None:
        self.overtaken: dict[str, int] = {}
        self.broke = 0

    def conflict(self, _: Any, outcome: Outcome) -> None:
        """A call was overtaken."""
        what = f"overtaken: {outcome.conflict}"
        self.overtaken[what] = self.overtaken.get(what, 0) + 1

    def fallback(self, _: Any, error: Exception | None) -> None:
        """The engine broke."""
        self.broke += error is not None

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def work(job: Job, asked: MutableSequence[int], told: Connection) -> None:
    """Open a desk, say so, run the clients at a word, and tell what they found."""
    watch = Conflicts()
    desk = open_desk(shop(), job.url, clock_s=Clock(asked), watch=watch)  # type: ignore[arg-type]
    told.send("ready")
    told.recv()
    clients = [
        Client(
            desk,
            job.seed,
            number,
            asked,
            job.until,
            {at: value for at, value in job.again.items() if at[0] == number},
            sweeps=number == job.clients[0],
        )
        for number in job.clients
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    desk.close()
    tally = Tally()
    for client in clients:
        tally.add(client.tally)
    tally.counts.update(watch.overtaken)
    if watch.broke:
        tally.found(f"the engine broke {watch.broke} times")
    hits = getattr(desk.ledger, "guard_hits", 0)
    if hits:
        tally.found(f"the ledger's guard was hit {hits} times")
    desk.ledger.close()
    told.send(tally)

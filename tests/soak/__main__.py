"""The long tests, as commands: `python -m tests.soak reservations --help`. Exit code 1 where an invariant broke."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any

from tests.postgres import Postgres
from tests.soak.crash import crash
from tests.soak.kills import TIMES, Round
from tests.soak.reservations import Soak
from tests.soak.servers import CommandLine, Nursery, Servers


@contextmanager
def ledger_at(url: str) -> Iterator[str]:
    """The address that is meant: sqlite and postgres stand for an own, empty one that is deleted afterwards."""
    if url == "sqlite":
        with TemporaryDirectory(prefix="sourcewise-soak-") as folder:
            yield f"sqlite:///{Path(folder) / 'ledger.db'}"
    elif url == "postgres":
        with Postgres.started() as server:
            yield server.database()
    else:
        yield url


def show(facts: dict[str, Any], wrong: list[str]) -> int:
    """Print the table of facts and what is wrong; the exit code."""
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value:,}" if isinstance(value, int | float) else f"{name:<{width}}  {value}")
    for text in wrong:
        print(f"WRONG: {text[:600]}", file=sys.stderr)
    return 1 if wrong else 0


def reservations(given: argparse.Namespace) -> int:
    """Many clients on few hot rows."""
    with ledger_at(given.url) as url:
        processes = given.processes or (1 if url.startswith("sqlite") else 3)
        print(f"reservations: {given.count:,} by {given.clients} clients on {url}, seed {given.seed}", flush=True)
        soak = Soak(
            url=url,
            count=given.count,
            clients=given.clients,
            processes=processes,
            phases=given.phases,
            seed=given.seed,
        )
        return show(soak.run(), soak.tally.wrong)


def kills(given: argparse.Namespace) -> int:
    """Kills of the service on each store, by fork and by command line, and of PostgreSQL."""
    code = 0
    with TemporaryDirectory(prefix="sourcewise-soak-") as folder, Postgres.started() as server:
        path, numbers = Path(folder), count()
        fresh = {
            "sqlite": lambda: f"sqlite:///{path / f'ledger-{next(numbers)}.db'}",
            "postgres": lambda: server.database(),
        }
        for store in given.stores.split(","):
            courses = [("the service, forked", given.server), ("sourcewise serve", given.cli)]
            if store == "postgres":
                courses.append(("PostgreSQL", given.postgres))
            for name, number in courses:
                if not number:
                    continue
                print(f"kills: {number} of {name}, ledger on {store}, seed {given.seed}", flush=True)
                own = path / f"{store}-{name.split()[-1]}"
                own.mkdir()
                began = perf_counter()
                as_of = datetime.fromtimestamp(time() // 3600 * 3600, tz=UTC) - timedelta(days=1)
                by_command = name == "sourcewise serve"
                servers: Servers = CommandLine(own, TIMES, as_of) if by_command else Nursery(TIMES, as_of)
                course = Round(
                    servers, fresh[store], own, seed=given.seed, callers=given.clients, per_ledger=given.per_ledger
                )
                try:
                    course.run(
                        number, partial(print, flush=True), partial(crash, server) if name == "PostgreSQL" else None
                    )
                finally:
                    servers.close()
                code |= show(course.facts(perf_counter() - began), course.tally.wrong)
    return code


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parts = parser.add_subparsers(required=True)
    one = parts.add_parser("reservations", help=reservations.__doc__)
    one.add_argument("--count", type=int, default=1_000_000, help="reservations to ask for")
    one.add_argument("--clients", type=int, default=16)
    one.add_argument("--processes", type=int, default=0, help="server processes; by default 1, on PostgreSQL 3")
    one.add_argument("--phases", type=int, default=4, help="all processes are started anew between two of them")
    one.add_argument("--url", default="sqlite", help="of an empty ledger; sqlite or postgres make one of their own")
    one.set_defaults(run=reservations)
    two = parts.add_parser("kills", help=kills.__doc__)
    two.add_argument("--server", type=int, default=200, help="kills of the service on each store")
    two.add_argument("--cli", type=int, default=10, help="kills of `sourcewise serve` itself, on each store")
    two.add_argument("--postgres", type=int, default=20, help="kills of PostgreSQL")
    two.add_argument("--clients", type=int, default=8)
    two.add_argument("--per-ledger", type=int, default=40, help="kills until a new ledger is taken")
    two.add_argument("--stores", default="sqlite,postgres")
    two.set_defaults(run=kills)
    for part in (one, two):
        part.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    code: int = given.run(given)
    return code


if __name__ == "__main__":
    sys.exit(main())

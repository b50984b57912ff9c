"""The long tests, as commands: `python -m tests.soak reservations --help`. Exit code 1 where an invariant broke."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.postgres import Postgres
from tests.soak.reservations import Soak


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


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("reservations", help="many clients on few hot rows")
    one.add_argument("--count", type=int, default=1_000_000, help="reservations to ask for")
    one.add_argument("--clients", type=int, default=16)
    one.add_argument("--processes", type=int, default=0, help="server processes; by default 1, on PostgreSQL 3")
    one.add_argument("--phases", type=int, default=4, help="all processes are started anew between two of them")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--url", default="sqlite", help="of an empty ledger; sqlite or postgres make one of their own")
    given = parser.parse_args()
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


if __name__ == "__main__":
    sys.exit(main())
